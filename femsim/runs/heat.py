"""Heat in a run: the temperature field of a case, what is read off it, and runs of heat alone."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import femsim
from femsim.base.arrays import FloatArray
from femsim.base.errors import FemsimWarning, InputError
from femsim.builders.build import discretise, heat_model, probes_of, resolve_materials
from femsim.builders.discretisation import Discretisation
from femsim.builders.heat import initial_temperature
from femsim.builders.resolve import ResolvedMaterial
from femsim.cases.case import Case
from femsim.cases.heat import Heat, Transient
from femsim.measures.foster import FEWEST, Foster, foster
from femsim.measures.heat import (
    HeatValues,
    Layer,
    Responses,
    breakdown,
    heat_values,
    responses,
    temperature_errors,
)
from femsim.meshes.elements import shape
from femsim.meshes.layout import Probe
from femsim.meshes.locate import locate, locate_side
from femsim.meshes.mesh import Quality, quality
from femsim.models.heat import HeatModel
from femsim.runs.heat_course import Trail, warn_of_time, warn_outside
from femsim.runs.heat_errors import CourseErrors, course_errors
from femsim.runs.points import gathered
from femsim.solvers.factor import choose_backend
from femsim.solvers.heat import HeatSolution, solve_heat
from femsim.solvers.heat_march import Course, Moment, march

Progress = Callable[[str], None]

#: heat that is missing by less than this fraction of what passes is rounding, and what iterations leave over
BALANCED = 1.0e-6


@dataclass(frozen=True)
class HeatState:
    """Temperatures (N,) of a moment (s), values of it, and the temperature of each probe (degC)."""

    time: float
    temperature: FloatArray
    values: HeatValues
    probes: dict[str, float]


@dataclass(frozen=True)
class HeatResult:
    """Temperatures of a case: the steady state, or those at the times asked for, the course between them and the
    hottest state of all.

    ``residual`` is relative to what conductivity and temperature would make flow,
    ``newton_steps`` those of a steady state.
    """

    model: HeatModel
    states: tuple[HeatState, ...]
    residual: float
    newton_steps: int
    backend: str
    timing: dict[str, float]
    course: Course | None = None
    hottest: HeatState | None = None
    layers: tuple[Layer, ...] = ()
    errors: dict[str, tuple[float, float]] = field(default_factory=dict)
    responses: Responses | None = None
    probe_errors: dict[str, float] = field(default_factory=dict)
    top_error: float | None = None
    off: CourseErrors | None = None
    trail: tuple[tuple[float, FloatArray], ...] = field(default=(), repr=False)

    @property
    def last(self) -> HeatState:
        """The last state, or the steady one."""
        return self.states[-1]

    @property
    def temperature(self) -> FloatArray:
        """The temperature that drives the stress: at the nodes (N,), or per cell and node (E, n) with contacts."""
        return self.model.cellwise(self.last.temperature)

    @property
    def balance(self) -> float:
        """What is missing in the heat balance, relative to the heat that passed."""
        return self.last.values.balance if self.course is None else self.course.balance


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
    heat = disc.case.heat
    if heat is not None and heat.transient is not None:
        return _course(disc, model, heat, heat.transient, say)
    if step is None:
        warn_of_time(model)
    return steady_result(disc, solve_heat(model, progress=say))


def steady_result(disc: Discretisation, found: HeatSolution, part: bool = False) -> HeatResult:
    """What is read off a steady temperature; ``part`` says that some of the body may not be there."""
    model = found.model
    start = time.perf_counter()
    warn_outside(model, found.temperature)
    values = heat_values(model, found.temperature, found.reaction)
    state = HeatState(0.0, found.temperature, values, probe_temperatures(model, disc, found.temperature, part))
    backend = "none" if found.factor is None else found.factor.backend
    spent = sum(found.timing.values()) + time.perf_counter() - start
    timing = {"factor": found.timing.get("factor", 0.0), "solve": spent}
    layers = tuple(breakdown(model, found.temperature))
    errors: dict[str, tuple[float, float]] = {}
    probe_errors: dict[str, float] = {}
    alone: Responses | None = None
    top_error: float | None = None
    if found.factor is not None:
        names = _estimated(disc, state.probes)
        top = np.zeros((len(found.temperature), 1))
        top[int(np.argmax(found.temperature))] = 1.0
        points = np.column_stack([top, _points_of(model, disc, names)])
        errors, each = temperature_errors(model, found.temperature, found.factor, points)
        top_error, probe_errors = float(each[0]), dict(zip(names, each[1:].tolist(), strict=True))
        alone = responses(model, found.factor) if model.is_linear and model.sources else None
    return HeatResult(
        model,
        (state,),
        found.residual,
        found.steps,
        backend,
        timing,
        layers=layers,
        errors=errors,
        responses=alone,
        probe_errors=probe_errors,
        top_error=top_error,
    )


def _estimated(disc: Discretisation, known: Iterable[str]) -> tuple[str, ...]:
    """The probes whose errors are wanted, of those that have a temperature."""
    there = set(known)
    return tuple(probe.name for probe in probes_of(disc) if probe.estimated and probe.name in there)


def _points_of(model: HeatModel, disc: Discretisation, names: tuple[str, ...]) -> FloatArray:
    """The shape functions (N, n) at probes of these names."""
    found = np.zeros((len(model.mesh.points), len(names)))
    for probe in probes_of(disc):
        if probe.name in names:
            cell, values = probe_weights(model, probe)
            np.add.at(found[:, names.index(probe.name)], model.mesh.cells[cell], values)
    return found


def _course(disc: Discretisation, model: HeatModel, heat: Heat, transient: Transient, say: Progress) -> HeatResult:
    """The course of a transient."""
    start = time.perf_counter()
    initial = initial_temperature(heat, model, disc.point_data)
    times = tuple(transient.times or (transient.end,))
    asked_for = (transient.end, transient.tolerance, transient.step)
    trail = Trail(model, initial) if disc.case.load.temperature == "heat" else None
    after = None if trail is None else trail.add
    found = march(model, initial, transient.end, times, transient.tolerance, transient.step, say, after=after)

    def state(moment: Moment) -> HeatState:
        t = moment.temperature
        values = heat_values(model, t, moment.reaction, moment.time, moment.within, moment.stored)
        return HeatState(moment.time, t, values, probe_temperatures(model, disc, t))

    moments = tuple(moment for moment in found.moments if moment.time in times)
    asked = tuple(state(moment) for moment in moments)
    for one in (found.hottest, *found.moments):
        warn_outside(model, one.temperature)
    say("heat: errors of the course")
    names = _estimated(disc, asked[-1].probes)
    off = course_errors(model, found, moments, _points_of(model, disc, names), initial, *asked_for)
    timing = {"factor": 0.0, "solve": time.perf_counter() - start}
    backend = choose_backend(None, model.space.constraints.count)
    layers = tuple(breakdown(model, asked[-1].temperature))
    errors = dict(zip(names, off.probes[-2].tolist(), strict=True))
    return HeatResult(
        model,
        asked,
        found.residual,
        0,
        backend,
        timing,
        found,
        state(found.hottest),
        layers,
        probe_errors=errors,
        off=off,
        trail=() if trail is None else trail.all(),
    )


def probe_temperatures(
    model: HeatModel, disc: Discretisation, temperature: FloatArray, part: bool = False
) -> dict[str, float]:
    """Temperature (degC) at each probe, on the side it names; where only a ``part`` of the body is there, of those in
    it.
    """
    found = {}
    for probe in probes_of(disc):
        if part and not len(locate_side(model.mesh, probe.at, probe.region).cells):
            continue
        cell, values = probe_weights(model, probe)
        found[probe.name] = float(values @ temperature[model.mesh.cells[cell]])
    return found


def probe_weights(model: HeatModel, probe: Probe) -> tuple[int, FloatArray]:
    """The cell that holds a probe, on the side of its region, and the shape functions (n,) there."""
    mesh, label = model.mesh, probe.key
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
        timing = {"mesh": meshed - start, "assemble": found.timing["factor"]}
        timing["solve"] = found.timing["solve"] - found.timing["factor"]
        timing["recover"] = time.perf_counter() - meshed - found.timing["solve"]
    seen = tuple(dict.fromkeys(str(w.message) for w in caught if issubclass(w.category, FemsimWarning)))
    for message in seen:
        warnings.warn(message, FemsimWarning, stacklevel=2)
    return HeatRun(case, disc, materials, found, quality(disc.mesh), timing, seen)


def heat_dict(result: HeatResult) -> dict[str, Any]:
    """``heat`` of the JSON document (degC, W, K/W; in plane models W per um of depth and m K/W); of a transient lists
    with one value for each time.
    """
    _, unit = resistance_unit(result.model)
    states = [_state_dict(state.values, unit) for state in result.states]
    ambient = {"ambient": result.model.ambient}
    course = result.course
    if course is None or result.hottest is None:
        numbers = {"residual": result.residual, "newton_steps": result.newton_steps}
        for name, (mean, largest) in result.errors.items():
            one = states[0]["sources"][name]
            found = _errors(one, result.model.ambient, mean, largest)
            one |= {key: value for key, value in found.items() if value is not None}
        if result.top_error is not None:
            states[0]["T_max_error"] = result.top_error
        document = ambient | states[0] | {"balance": result.balance} | numbers | {"layers": _layers(result)}
        if result.responses is not None:
            document["matrix"] = {
                "sources": list(result.errors),
                "R": (unit * result.responses.matrix).tolist(),
                "asymmetry": result.responses.asymmetry,
            }
        return document
    hot, off = result.hottest, result.off
    hottest = {"time": hot.time, "T_max": hot.values.largest}
    if off is not None:
        for k, state in enumerate(states):
            state["T_max_error"] = float(off.hottest[k])
            for name, mean, largest in zip(state["sources"], off.mean[k], off.largest[k], strict=True):
                one = state["sources"][name]
                one |= _errors(one, result.model.ambient, float(mean), float(largest))
        hottest["T_max_error"] = float(off.hottest[-1])
    return (
        ambient
        | dict(_listed(states))
        | {
            "balance": result.balance,
            "times": [state.time for state in result.states],
            "hottest": hottest,
            "errors": {} if off is None else {"time": off.time, "mesh": off.mesh},
            "steps": len(course.steps) - 1,
            "factors": course.factors,
            "layers": _layers(result),
            "foster": {
                name: {"R": network.r.tolist(), "tau": network.tau.tolist(), "misfit": network.misfit}
                for name, network in foster_networks(result).items()
            },
        }
    )


def _errors(one: dict[str, Any], ambient: float, mean: float, largest: float) -> dict[str, float | None]:
    """Errors of a source's temperatures, K, and of its resistances, the rises over a power that is given; None where
    there is no resistance.
    """
    found: dict[str, float | None] = {"T_mean_error": mean, "T_max_error": largest}
    for kind, error in (("mean", mean), ("max", largest)):
        rise, r = one[f"T_{kind}"] - ambient, one[f"R_{kind}"]
        found[f"R_{kind}_error"] = abs(r / rise) * error if r and rise else None
    return found


def _layers(result: HeatResult) -> list[dict[str, Any]]:
    return [
        {"region": one.name, "T_max": one.largest, "T_mean": one.mean}
        if one.heat is None
        else {"contact": one.name, "jump_max": one.largest, "jump_mean": one.mean, "heat": one.heat}
        for one in result.layers
    ]


def resistance_unit(model: HeatModel) -> tuple[str, float]:
    """The unit of a thermal resistance and what one of the inner units is in it."""
    kinematics = model.space.kinematics
    return ("K/W", 1.0) if kinematics.radial or kinematics.dim == 3 else ("m K/W", 1.0e-6)  # of K um/W


def foster_networks(result: HeatResult) -> dict[str, Foster]:
    """A Foster network for Z_th of each source that is stepped on and stays."""
    _, unit = resistance_unit(result.model)
    found = {}
    for feed in result.model.sources:
        values = [state.values.sources[feed.name] for state in result.states]
        times = np.array([state.time for state in result.states])
        if feed.amount.is_constant and len(times) >= FEWEST and feed.amount.value[0]:
            found[feed.name] = foster(times, np.array([one.r_mean for one in values]) * unit)
    return found


def _state_dict(values: HeatValues, unit: float) -> dict[str, Any]:
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
    }


def _listed(parts: Sequence[Any]) -> Any:
    """Documents of one shape as one document of lists."""
    if isinstance(parts[0], dict):
        return {key: _listed([part[key] for part in parts]) for key in parts[0]}
    return list(parts)


def probe_heat(result: HeatResult, name: str) -> dict[str, Any]:
    """What heat adds to a probe: T (degC; the last one), its estimated error T_error (K), and of a transient T_history
    and T_history_error, one value for each time.
    """
    if name not in result.last.probes:
        return {}
    found: dict[str, Any] = {"T": result.last.probes[name]}
    if name in result.probe_errors:
        found["T_error"] = result.probe_errors[name]
    if result.course is not None:
        found["T_history"] = [state.probes[name] for state in result.states]
        if result.off is not None and name in result.probe_errors:
            at = list(result.probe_errors).index(name)
            found["T_history_error"] = result.off.probes[:-1, at].tolist()
    return found


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
            "notes": list(run.discretisation.notes),
        },
        "metrics": {"roots": {}, "regions": {}, "left_out": []},
        "probes": gathered(
            run.case,
            {
                probe.name: {"at": list(probe.at), "region": probe.region} | probe_heat(run.heat, probe.name)
                for probe in probes_of(run.discretisation)
            },
        ),
        "heat": heat_dict(run.heat),
        "checks": {"residual": run.heat.residual, "balance": run.heat.balance},
        "timing": dict(run.timing),
        "solver": run.heat.backend,
        "warnings": list(run.warnings),
    }
