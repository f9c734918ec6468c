"""What ``--out`` writes of heat: its fields in the VTU file, and of a case of heat alone all of its files."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import femsim
from femsim.base.files import atomic_write
from femsim.base.finite import finite, json_text
from femsim.cases.casefile import dump_case
from femsim.measures.flux import nodal_flux
from femsim.meshes.write import Values, vtu_bytes
from femsim.reports.artist import Artist
from femsim.reports.content import inputs, mesh_quality, verdict_word, versions
from femsim.reports.materials import material_entries
from femsim.reports.page.html import build_html
from femsim.reports.plots.plates import plates_of_heat
from femsim.runs.heat import BALANCED, HeatResult, HeatRun, HeatState, heat_run_dict
from femsim.solvers.solve import GOOD_RESIDUAL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Json = dict[str, Any]


def write_heat_outputs(
    run: HeatRun,
    directory: Path,
    progress: Callable[[str], None] | None = None,
    base: Path | None = None,
    artist: Artist | None = None,
) -> list[Path]:
    """Write case.toml, metrics.json, fields.vtu, the figures and report.html; ``base``: what a mesh file's path is
    relative to.
    """
    say = progress or (lambda text: None)
    artist = artist or Artist()
    drawn = plates_of_heat(run)
    pictures = artist.images([(plate.page, plate.vector) for plate in drawn])
    header = (
        f"Written by femsim {femsim.__version__}: every key and every number of the run.\nfemsim solve case.toml "
        "reproduces it."
    )
    figures = [{"name": p.name, "caption": p.caption, "kind": "svg" if p.vector else "png"} for p in drawn]
    document = finite(heat_run_dict(run) | {"report": heat_report_data(run, figures)})
    model = run.heat.model
    if (left_out := thinned(run.heat)) is not None:
        say(left_out)
        document["mesh"]["notes"].append(left_out)
    fields = vtu_bytes(model.mesh, {}, {}, model.mesh.regions, side_data=heat_fields(run.heat, driving=False))
    content: dict[str, bytes | str] = {
        "case.toml": dump_case(run.case, {}, header, base),
        "fields.vtu": fields,
        "metrics.json": json_text(document),
    }
    for plate, picture in zip(drawn, pictures, strict=True):
        say(f"drawing {plate.name}")
        content |= {f"figures/{plate.name}.{kind}": image for kind, image in picture().items()}
    (directory / "figures").mkdir(parents=True, exist_ok=True)
    for name, text in content.items():
        atomic_write(directory / name, text)
    say("writing the report")
    atomic_write(directory / "report.html", build_html(document, directory / "figures"))
    return [directory / name for name in (*content, "report.html")]


def heat_report_data(run: HeatRun, figures: Sequence[Json] = ()) -> Json:
    """All that the report of a case of heat alone needs beyond the JSON document of ``solve``."""
    layout = run.discretisation.layout
    return {
        "written": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "axes": list(run.heat.model.space.kinematics.axes),
        "inputs": list(inputs(run.case)),
        "materials": material_entries(run.materials),
        "quality": mesh_quality(run.quality),
        "left_out": [],
        "notes": list(run.discretisation.notes),
        "hold": list(layout.hold) if layout is not None and layout.hold is not None else None,
        "checks": heat_checks(run.heat),
        "versions": versions(),
        "figures": list(figures),
        "field": {},
    }


def heat_checks(heat: HeatResult) -> list[Json]:
    """The checks of a temperature field: the residual, the balance of heat."""
    allowed = 0.0 if heat.course is None else heat.course.allowed
    entries = (
        (
            "heat residual",
            heat.residual,
            max(GOOD_RESIDUAL, allowed),
            "largest nodal heat left over, as a part of what would flow if neighbours did not cancel",
        ),
        (
            "heat balance",
            heat.balance,
            max(BALANCED, allowed),
            "power less the heat that leaves and is stored, as a part of the heat that passes",
        ),
    )
    return [
        {"name": name, "value": value, "limit": limit, "verdict": verdict_word(value, limit), "meaning": meaning}
        for name, value, limit, meaning in entries
    ]


#: times whose temperature the VTU file holds at most
MOST_TIMES = 24


def drawn_states(heat: HeatResult) -> list[HeatState]:
    """The states whose temperature is written: all, or of more than MOST_TIMES as many of them spread evenly, the last
    among them.
    """
    count = len(heat.states)
    places = np.unique(np.linspace(0, count - 1, min(MOST_TIMES, count)).round().astype(int))
    return [heat.states[int(k)] for k in places]


def thinned(heat: HeatResult) -> str | None:
    """What the VTU file leaves out, in words; None where it holds every time."""
    if len(heat.states) <= MOST_TIMES:
        return None
    return f"fields.vtu: temperatures of {MOST_TIMES} of {len(heat.states)} times, the others only in metrics.json"


def heat_fields(heat: HeatResult, driving: bool) -> dict[str, Values]:
    """Fields (E, n) at each cell's own nodes: heat flux (W/m2) and, where it does not stand there as what is
    ``driving`` the stress, temperature (degC); of a transient also the temperature at its times (of many times at those
    that :func:`drawn_states` chooses) and the hottest one.
    """
    mesh, last = heat.model.mesh, heat.last.temperature
    flux = nodal_flux(heat.model, last)
    found: dict[str, Values] = {} if driving else {"temperature": last[mesh.cells]}
    found["heat_flux"] = np.linalg.norm(flux, axis=-1)
    for k, name in enumerate(heat.model.space.kinematics.axes):
        found[f"heat_flux_{name}"] = flux[..., k]
    if heat.course is not None and heat.hottest is not None:
        for state in drawn_states(heat):
            found[f"temperature_at_{state.time:.6g}_s"] = state.temperature[mesh.cells]
        found["temperature_hottest"] = heat.hottest.temperature[mesh.cells]
    return found
