"""Stress at the output times of a heat transient: quasi-static, one elastic state per time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from femsim.builders.build import probes_of
from femsim.builders.discretisation import Discretisation
from femsim.measures.averages import Averages, RegionMetrics, RootMetrics, region_metrics, root_metrics
from femsim.measures.bow import Bow, bow
from femsim.measures.probes import ProbeValue, probe_values
from femsim.runs.heat import HeatResult, HeatState
from femsim.runs.once import sharpened
from femsim.solvers.solve import Solution, resolve_with, solve


@dataclass(frozen=True)
class HeatStep:
    """The stress at one time."""

    state: HeatState
    roots: tuple[RootMetrics, ...]
    regions: dict[str, RegionMetrics]
    probes: dict[str, ProbeValue]
    bow: Bow | None
    axial_strain: float | None


def heat_steps(
    disc: Discretisation,
    solution: Solution,
    averages: tuple[Averages, ...],
    heat: HeatResult,
    say: Callable[[str], None],
) -> tuple[HeatStep, ...]:
    """States at the times of a transient that drives the stress; ``solution`` is that at the last time.

    One factor serves them all where the stiffness does not depend on temperature, one order and pattern otherwise.
    """
    found = []
    for state in heat.states:
        say(f"stress at {state.time:.4g} s")
        found.append(heat_step(disc, solution, averages, heat, state))
    return tuple(found)


def heat_step(
    disc: Discretisation, solution: Solution, averages: tuple[Averages, ...], heat: HeatResult, state: HeatState
) -> HeatStep:
    """The stress under the temperature of one time."""
    model = solution.model.under(temperature=heat.model.cellwise(state.temperature))
    if state is heat.last:
        own = solution
    elif model.varying:
        own = solve(model, pattern=solution.factor.pattern)
    else:
        own = resolve_with(solution, model)
    return HeatStep(
        state,
        tuple(
            root_metrics(own.field, one.averages if one is not None else plain)
            for one, plain in zip(sharpened(own, averages)[1], averages, strict=True)
        ),
        region_metrics(own.field),
        probe_values(own, probes_of(disc), disc.roots),
        bow(model.space, own.displacement),
        float(own.globals_[0]) if len(own.globals_) else None,
    )


def step_dict(step: HeatStep, components: tuple[str, ...]) -> dict[str, Any]:
    """An entry of ``steps`` in the JSON document; temperature is the largest of the field, degC."""
    roots: dict[str, list[dict[str, Any]]] = {}
    for metric in step.roots:
        values = {kind: one.value for kind, one in metric.values.items()}
        roots.setdefault(metric.root.name, []).append({"at": list(metric.root.at), "length": metric.length, **values})
    probes = {
        name: {
            "at": list(found.value.at),
            "region": found.value.region,
            "u": [float(v) for v in found.value.displacement],
            "stress": {
                **{c: float(v) for c, v in zip(components, found.value.stress, strict=True)},
                "von_mises": found.value.von_mises,
            },
            "T": step.state.probes[name],
        }
        for name, found in step.probes.items()
    }
    regions = {
        name: {"von_mises_mean": r.von_mises_mean, "von_mises_max": r.von_mises_max, "energy": r.energy}
        for name, r in step.regions.items()
    }
    entry: dict[str, Any] = {
        "name": f"{step.state.time:.6g} s",
        "time": step.state.time,
        "temperature": float(step.state.temperature.max()),
        "T_min": float(step.state.temperature.min()),
        "metrics": {"roots": roots, "regions": regions},
        "probes": probes,
        "bow": None if step.bow is None else asdict(step.bow),
    }
    if step.axial_strain is not None:
        entry["axial_strain"] = step.axial_strain
    return entry
