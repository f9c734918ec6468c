"""Heat in a run: the temperature field of a case, what is read off it, and runs of heat alone."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import femsim
from femsim.base.arrays import FloatArray
from femsim.base.errors import FemsimWarning, InputError
from femsim.builders.build import Discretisation, discretise, heat_model, probes_of, resolve_materials
from femsim.builders.resolve import ResolvedMaterial
from femsim.cases.case import Case
from femsim.measures.heat import HeatValues, heat_values
from femsim.meshes.elements import shape
from femsim.meshes.layout import Probe
from femsim.meshes.locate import locate
from femsim.meshes.mesh import Quality, quality
from femsim.models.heat import HeatModel
from femsim.solvers.heat import HeatSolution, solve_heat

Progress = Callable[[str], None]


@dataclass(frozen=True)
class HeatResult:
    """Temperatures of a case: the steady state, values of it, and the temperature of each probe (degC)."""

    model: HeatModel
    solution: HeatSolution
    values: HeatValues
    probes: dict[str, float]

    @property
    def temperature(self) -> FloatArray:
        """The temperature that drives the stress: at the nodes (N,), or per cell and node (E, n) with contacts."""
        return self.model.cellwise(self.solution.temperature)


@dataclass(frozen=True)
class HeatRun:
    """A case of which only heat was solved."""

    case: Case
    discretisation: Discretisation
    materials: dict[str, ResolvedMaterial]
    heat: HeatResult
    quality: Quality
    timing: dict[str, float]
    warnings: tuple[str, ...] = ()


def heat_result(
    disc: Discretisation, materials: dict[str, ResolvedMaterial], say: Progress, step: int | None = None
) -> HeatResult | None:
    """The temperatures of a case, None where it has no [heat]."""
    model = heat_model(disc, materials, step)
    if model is None:
        return None
    solution = solve_heat(model, progress=say)
    warn_outside(model, solution.temperature)
    values = heat_values(model, solution.temperature, solution.reaction)
    return HeatResult(model, solution, values, probe_temperatures(model, disc, solution.temperature))


def warn_outside(model: HeatModel, temperature: FloatArray) -> None:
    """Warn where a table of a material's heat data does not cover the temperatures found."""
    low, high = float(temperature.min()), float(temperature.max())
    for conductor in dict.fromkeys(model.conductors):
        for label, properties in (("conductivity", conductor.conductivity), ("heat capacity", (conductor.capacity,))):
            for p in properties:
                known = None if p is None else p.uncovered(low, high)
                if known is not None:
                    warnings.warn(
                        f"material {conductor.name}: {label} is known from {known[0]:g} to {known[1]:g} degC only, the "
                        f"run needs {low:g} to {high:g} degC; the end value is used outside",
                        FemsimWarning,
                        stacklevel=2,
                    )


def probe_temperatures(model: HeatModel, disc: Discretisation, temperature: FloatArray) -> dict[str, float]:
    """Temperature (degC) at each probe, on the side it names."""
    found = {}
    for index, probe in enumerate(probes_of(disc)):
        cell, values = probe_weights(model, probe, index)
        found[probe.name] = float(values @ temperature[model.mesh.cells[cell]])
    return found


def probe_weights(model: HeatModel, probe: Probe, index: int) -> tuple[int, FloatArray]:
    """The cell that holds a probe, on the side of its region, and the shape functions (n,) there."""
    mesh, label = model.mesh, f"probe.{index}"
    at = locate(mesh, probe.at)
    if not len(at.cells):
        raise InputError(f"{label}.at: ({probe.at[0]:g}, {probe.at[1]:g}) lies outside the body")
    regions = [mesh.regions[i] for i in np.unique(mesh.region[at.cells])]
    region = probe.region or regions[0]
    if probe.region is None and len(regions) > 1 and jumps(model, at.cells, at.xi):
        raise InputError(
            f"{label}.region: missing; the temperature jumps between {' and '.join(regions)}, say which side"
        )
    if region not in regions:
        raise InputError(
            f"{label}.region: ({probe.at[0]:g}, {probe.at[1]:g}) does not lie in {region!r}; it lies in "
            f"{', '.join(regions)}"
        )
    side = np.flatnonzero(mesh.region[at.cells] == mesh.regions.index(region))[0]
    values, _ = shape(mesh.element, at.xi[side : side + 1])
    return int(at.cells[side]), values[0]


def jumps(model: HeatModel, cells: Any, xi: FloatArray) -> bool:
    """Whether cells at one point see different nodes there, as at a contact."""
    values, _ = shape(model.mesh.element, xi)
    touched = model.mesh.cells[cells][np.abs(values) > 1e-9]
    return len(np.unique(touched)) > len(np.unique(model.origin[touched]))


def run_heat(case: Case, base: Path | None = None, progress: Progress | None = None) -> HeatRun:
    """Mesh and solve the heat of a case, and nothing else."""
    say = progress or (lambda text: None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", FemsimWarning)
        start = time.perf_counter()
        say("meshing")
        disc = discretise(case, base)
        materials = resolve_materials(case, disc)
        meshed = time.perf_counter()
        found = heat_result(disc, materials, say)
        if found is None:
            raise InputError(f"materials.{next(iter(materials))}.E: missing; without [heat] there is nothing to solve")
        timing = {"mesh": meshed - start, "assemble": found.solution.timing.get("factor", 0.0)}
        timing["solve"] = found.solution.timing.get("solve", 0.0)
        timing["recover"] = time.perf_counter() - meshed - timing["assemble"] - timing["solve"]
    seen = tuple(dict.fromkeys(str(w.message) for w in caught if issubclass(w.category, FemsimWarning)))
    for message in seen:
        warnings.warn(message, FemsimWarning, stacklevel=2)
    return HeatRun(case, disc, materials, found, quality(disc.mesh), timing, seen)


def conducts_only(case: Case) -> bool:
    """Whether no material that a case names has E, nu or cte: seen without a mesh."""
    from femsim.cases.library import list_materials, read_material
    from femsim.cases.material import ELASTIC, CompositeSpec, MaterialRef, MaterialSpec

    if case.heat is None:
        return False
    refs: list[MaterialRef] = [*{**case.STANDARD, **case.materials}.values()]
    for name in ("block", "layer"):
        refs += [entry.material for entry in getattr(case, name, ())]
    known = set(list_materials())

    def conducts(ref: MaterialRef) -> bool:
        if isinstance(ref, CompositeSpec):
            return False
        like = ref if isinstance(ref, str) else ref.like
        library = like is not None and like not in case.materials
        if library and (like not in known or any(key in read_material(like or "").to_spec() for key in ELASTIC)):
            return False
        return not (isinstance(ref, MaterialSpec) and any(getattr(ref, key) is not None for key in ELASTIC))

    return all(conducts(ref) for ref in refs)


def heat_dict(result: HeatResult) -> dict[str, Any]:
    """``heat`` of the JSON document (degC, W, K/W; in plane models W per um of depth and m K/W)."""
    unit = 1.0 if result.model.space.kinematics.radial else 1.0e-6  # K um/W to m K/W
    values = result.values
    return {
        "T_max": values.largest,
        "T_min": values.smallest,
        "sources": {
            name: {
                "T_max": one.largest,
                "T_mean": one.mean,
                "power": one.power,
                "R_max": _number(one.r_max * unit),
                "R_mean": _number(one.r_mean * unit),
            }
            for name, one in values.sources.items()
        },
        "boundaries": dict(values.boundaries),
        "balance": values.balance,
        "residual": result.solution.residual,
        "newton_steps": result.solution.steps,
    }


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None


def heat_run_dict(run: HeatRun) -> dict[str, Any]:
    """The JSON document of a case of which only heat was solved."""
    model, mesh = run.heat.model, run.discretisation.mesh
    return {
        "femsim": femsim.__version__,
        "case": {"name": run.case.name, "stack": run.case.stack, "kinematics": run.case.model.kinematics},
        "mesh": {
            "nodes": len(mesh.points),
            "elements": len(mesh.cells),
            "dofs": len(model.mesh.points),
            "unknowns": model.space.constraints.count,
            "element": mesh.element,
            "smallest": run.quality.smallest_edge,
            "worst_jacobian": run.quality.worst_jacobian,
        },
        "metrics": {"roots": {}, "regions": {}, "left_out": []},
        "probes": {
            probe.name: {"at": list(probe.at), "region": probe.region, "T": run.heat.probes[probe.name]}
            for probe in probes_of(run.discretisation)
        },
        "heat": heat_dict(run.heat),
        "checks": {"residual": run.heat.solution.residual, "balance": run.heat.values.balance},
        "timing": dict(run.timing),
        "solver": run.heat.solution.factor.backend if run.heat.solution.factor is not None else "none",
        "warnings": list(run.warnings),
    }


def heat_tables(document: dict[str, Any]) -> list[list[list[str]]]:
    """Tables of text, header first: sources and boundaries of the ``heat`` part of a document."""
    heat = document["heat"]
    plane = document["case"]["kinematics"] != "axisymmetric"
    power, resistance = ("W/um", "m K/W") if plane else ("W", "K/W")
    sources = [["source", f"power ({power})", "T mean (degC)", "T max (degC)", f"R mean ({resistance})"]]
    sources[0].append(f"R max ({resistance})")
    for name, one in heat["sources"].items():
        row = [_text(one[key]) for key in ("power", "T_mean", "T_max", "R_mean", "R_max")]
        sources.append([name, *row])
    boundaries = [["boundary", f"heat out ({power})"]]
    boundaries += [[name, _text(value)] for name, value in heat["boundaries"].items()]
    return [table for table in (sources, boundaries) if len(table) > 1]


def _text(value: float | Sequence[float] | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, int | float):
        return f"{value:.6g}"
    return f"{value[-1]:.6g} (last)"
