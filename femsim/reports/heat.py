"""What ``--out`` writes of a case of heat alone: the case, the metrics, temperature and heat flux as a VTU file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

import femsim
from femsim.base.arrays import FloatArray
from femsim.base.files import atomic_write
from femsim.cases.casefile import dump_case
from femsim.meshes.elements import extrapolation, gauss_points
from femsim.meshes.write import vtu_bytes
from femsim.models.heat import HeatModel
from femsim.models.sampling import sample
from femsim.runs.heat import HeatRun, heat_run_dict


def write_heat_outputs(run: HeatRun, directory: Path, base: Path | None = None) -> list[Path]:
    """Write case.toml, metrics.json and fields.vtu; ``base``: what a mesh file's path is relative to."""
    directory.mkdir(parents=True, exist_ok=True)
    header = f"Written by femsim {femsim.__version__}: every key and every number of the run."
    content: dict[str, bytes | str] = {
        "case.toml": dump_case(run.case, {}, header, base),
        "fields.vtu": heat_fields_bytes(run.heat.model, run.heat.last.temperature),
        "metrics.json": json.dumps(heat_run_dict(run), indent=1, ensure_ascii=False, allow_nan=False) + "\n",
    }
    for name, text in content.items():
        atomic_write(directory / name, text)
    return [directory / name for name in content]


def nodal_flux(model: HeatModel, temperature: FloatArray) -> FloatArray:
    """Heat flux (E, n, d) in W/m2 at each cell's own nodes, extrapolated from its superconvergent points."""
    mesh = model.mesh
    reduced, _ = gauss_points(mesh.element, mesh.info.reduced)
    found = np.empty((len(mesh.cells), len(reduced), mesh.dim))
    for start in range(0, len(mesh.cells), 4096):
        cells = np.arange(start, min(start + 4096, len(mesh.cells)))
        at = sample(model.space, cells, reduced)
        d = model.moduli(temperature).at(cells, at.values)[..., :-1, :-1]
        found[cells] = -1e12 * np.matmul(d, at.strain(temperature)[..., :-1, None])[..., 0]
    return np.asarray(np.matmul(extrapolation(mesh.element)[None], found))


def heat_fields_bytes(model: HeatModel, temperature: FloatArray) -> bytes:
    """A VTU file of temperature (degC) and heat flux (W/m2), nodes doubled at contacts."""
    flux = nodal_flux(model, temperature)
    names = model.space.kinematics.axes
    side = {f"heat_flux_{name}": flux[..., k] for k, name in enumerate(names)}
    side["heat_flux"] = np.linalg.norm(flux, axis=-1)
    return vtu_bytes(model.mesh, {"temperature": temperature}, {}, model.mesh.regions, side_data=side)
