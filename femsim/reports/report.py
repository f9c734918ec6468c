"""What ``--out`` writes: the case, the metrics, the fields, the figures, and one self-contained report.html.

All that the report says is first gathered as plain data (:func:`report_data`), kept in metrics.json under ``report``,
and then put into the template; so :func:`rebuild` makes the same page again from a directory of results, without
solving.
"""

from __future__ import annotations

import re
from pathlib import Path

import femsim
from femsim.base.errors import InputError
from femsim.base.files import atomic_write, read_json, staged_directory
from femsim.base.finite import finite, json_text
from femsim.cases.casefile import dump_case
from femsim.measures.stress import nodal_stress
from femsim.meshes.read.solved import read_fields
from femsim.reports.artist import Artist
from femsim.reports.content import report_data
from femsim.reports.fields import write_fields
from femsim.reports.heat import heat_fields, thinned, write_heat_outputs
from femsim.reports.history import history_columns, write_history
from femsim.reports.page.html import build_html
from femsim.reports.page.pack import pack, view_of
from femsim.reports.plots.plates import plates
from femsim.reports.plots.scene import scene
from femsim.reports.series import write_series
from femsim.runs.heat import HeatRun
from femsim.runs.results import results_dict
from femsim.runs.run import Progress, Run

__all__ = ["build_html", "figure_files", "publish", "rebuild", "report_data", "write_outputs"]


def write_outputs(
    run: Run,
    directory: Path,
    progress: Progress | None = None,
    base: Path | None = None,
    artist: Artist | None = None,
) -> list[Path]:
    """Write case.toml, metrics.json, fields.vtu, the figures and report.html.

    Figures are PNG files, the layout and, if the ``artist`` is told so, all others SVG files too. ``base``: what a mesh
    file's path is relative to.
    """
    say = progress or (lambda text: None)
    artist = artist or Artist()
    directory.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []

    def keep(name: str, content: bytes | str) -> None:
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        atomic_write(path, content)
        written.append(path)

    header = (
        f"Written by femsim {femsim.__version__}: every key and every number of the run.\nfemsim solve "
        f"case.toml reproduces it."
    )
    keep("case.toml", dump_case(run.case, {}, header, base))
    drawn = plates(run)
    pictures = artist.images([(plate.page, plate.vector) for plate in drawn])
    say("writing fields")
    model, solid = run.solution.model, run.discretisation.solid is not None
    what = None if solid else scene(run)
    stress = nodal_stress(run.solution.field) if what is None else what.stress
    moved = run.solution.displacement
    warmth = None
    if run.heat is not None and run.heat.model.mesh.cells.shape == model.mesh.cells.shape:  # else of an earlier step
        if (left_out := thinned(run.heat)) is not None:
            say(left_out)
        warmth = heat_fields(run.heat, driving=bool(run.program) or run.case.load.temperature == "heat")
    file = directory / "fields.vtu"
    write_fields(file, model.mesh, model.kinematics, moved, stress, model.temperature, warmth)
    written.append(directory / "fields.vtu")
    if run.record is not None:
        say("writing history and series")
        written.append(write_history(directory, history_columns(run.record.samples, model.kinematics.components)))
        written += write_series(directory, run.record.frames)
    figures = [{"name": p.name, "caption": p.caption, "kind": p.kind} for p in drawn]
    view = None if what is None else view_of(what)
    document = finite(results_dict(run) | {"report": report_data(run, figures, view)})
    keep("metrics.json", json_text(document))
    for plate, picture in zip(drawn, pictures, strict=True):
        say(f"drawing {plate.name}")
        for kind, content in picture().items():
            keep(f"figures/{plate.name}.{kind}", content)
    say("writing the report")
    keep("report.html", artist.page(document, directory / "figures", what))
    return written


def publish(
    run: Run | HeatRun,
    directory: Path,
    progress: Progress | None = None,
    base: Path | None = None,
    artist: Artist | None = None,
) -> list[str]:
    """Write all that :func:`write_outputs` writes into a directory of results, each file whole, and drop figures of an
    earlier run that this one has not; names of the files written, relative to the directory.
    """
    gone = figure_files(directory) | step_files(directory)  # of another case solved into the same directory
    with staged_directory(directory, gone) as stage:
        if isinstance(run, HeatRun):
            paths = write_heat_outputs(run, stage, progress, base, artist)
        else:
            paths = write_outputs(run, stage, progress, base, artist)
        written = [str(path.relative_to(stage)) for path in paths]
        gone.difference_update(written)
    return sorted(written)


def figure_files(directory: Path) -> set[str]:
    """Figures that the metrics.json of a result directory names, as paths in it; none where there is no such file."""
    try:
        listed = read_json(directory / "metrics.json")["report"]["figures"]
        names = {str(entry["name"]) for entry in listed}
    except (OSError, ValueError, KeyError, TypeError):
        return set()
    return {
        f"figures/{name}.{kind}" for name in names if re.fullmatch(r"[\w.-]+", name) for kind in ("png", "svg", "gif")
    }


def step_files(directory: Path) -> set[str]:
    """History and series of a program in a result directory, as paths in it."""
    if not (directory / "steps.pvd").is_file():
        return set()
    series = {f"steps/{path.name}" for path in directory.glob("steps/*.vtu") if re.fullmatch(r"\d+", path.stem)}
    return series | {"steps.pvd", "history.parquet", "history.csv"}


def rebuild(directory: Path) -> Path:
    """Write report.html again from case.toml, metrics.json, fields.vtu and the figures of a result directory."""
    for name in ("case.toml", "metrics.json"):
        if not (directory / name).is_file():
            raise InputError(f"{directory / name}: no such file; `femsim solve CASE --out {directory}` writes it")
    try:
        document = read_json(directory / "metrics.json")
    except (OSError, ValueError) as error:
        raise InputError(f"{directory / 'metrics.json'}: cannot be read ({str(error).splitlines()[0]})") from None
    if not isinstance(document, dict) or not isinstance(document.get("report"), dict):
        raise InputError(
            f"{directory / 'metrics.json'}: holds no report; `femsim solve CASE --out {directory}` writes one that does"
        )
    try:
        view = document["report"].get("field")
        field = pack(read_fields(directory / "fields.vtu"), view) if view else None
        html = build_html(document, directory / "figures", field)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        found = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(
            f"{directory / 'metrics.json'}: not as femsim {femsim.__version__} writes it ({found})"
        ) from None
    atomic_write(directory / "report.html", html)
    return directory / "report.html"
