"""The worst instant of a transient: where the stress at the roots is largest, found over the steps of the course and
refined between them.

The stress follows the temperature at once, but not in proportion: it is largest where the temperature differs most from
place to place, which may be long before the hottest instant or at a switch. So the stress is computed at states spread
over the whole course (over its steps, which are short where much happens) and at every switch; around the largest of
each kind of average (peel, shear, von Mises) the course is halved down to neighbouring steps, and the parabola through
the largest and its neighbours gives an instant between them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.builders.discretisation import Discretisation
from femsim.measures.averages import Averages
from femsim.runs.heat import HeatResult, HeatState, probe_temperatures
from femsim.runs.heat_steps import HeatStep, heat_step
from femsim.runs.names import named
from femsim.solvers.heat_march import switching_times
from femsim.solvers.solve import Solution

#: states over the course at first (fewer where each needs a factor of its own), and at most at switches
SPREAD, DEAR, SWITCHES = 24, 10, 32
#: a kept state this close (fraction of the end) to a switch is at it
AT = 1.0e-9


@dataclass(frozen=True)
class Worst:
    """The instant at which ``metric`` (the largest von Mises average of a root; without roots of a region) is largest,
    and for every metric the time (s) of its largest magnitude and that magnitude (MPa).
    """

    metric: str
    step: HeatStep
    each: dict[str, tuple[float, float]]
    looked: int


@dataclass
class _Search:
    """States at which the stress is known: by place on the course, metrics (n,), and the step itself."""

    disc: Discretisation
    solution: Solution
    averages: tuple[Averages, ...]
    heat: HeatResult
    names: list[str] = field(default_factory=list)
    known: dict[float, tuple[FloatArray, HeatStep]] = field(default_factory=dict)

    def look(self, time: float, temperature: FloatArray) -> FloatArray:
        """Magnitudes of all metrics at a time."""
        if time not in self.known:
            template = self.heat.last
            state = HeatState(
                time, temperature, template.values, probe_temperatures(self.heat.model, self.disc, temperature)
            )
            step = heat_step(self.disc, self.solution, self.averages, self.heat, state)
            found = dict(_metrics(step))
            self.names = self.names or list(found)
            self.known[time] = (np.array([abs(found[name]) for name in self.names]), step)
        return self.known[time][0]


def worst_instant(
    disc: Discretisation,
    solution: Solution,
    averages: tuple[Averages, ...],
    heat: HeatResult,
    steps: tuple[HeatStep, ...],
    say: Callable[[str], None],
) -> Worst | None:
    """The worst instant of a transient that drives the stress; ``steps`` are the states at its output times."""
    trail = heat.trail
    if len(trail) < 2:
        return None
    say(f"worst instant over {len(trail) - 1} steps")
    search = _Search(disc, solution, averages, heat)
    for step in steps:
        found = dict(_metrics(step))
        search.names = search.names or list(found)
        search.known[step.state.time] = (np.array([abs(found[name]) for name in search.names]), step)
    times = np.array([time for time, _ in trail])
    count, end = len(trail), times[-1]
    switches = np.array(switching_times(heat.model, float(end)))
    many = DEAR if solution.model.varying else SPREAD
    places = set(np.unique(np.linspace(0, count - 1, min(many, count)).round().astype(int)).tolist())
    if len(switches):
        close = np.abs(times[:, None] - switches).min(axis=1) <= AT * end
        at_switches = np.flatnonzero(close)
        pick = np.linspace(0, len(at_switches) - 1, min(SWITCHES, len(at_switches))).round().astype(int)
        places |= set(at_switches[pick].tolist())
    else:
        close = np.zeros(count, dtype=bool)
    places.add(int(np.argmin(np.abs(times - heat.hottest.time))) if heat.hottest is not None else 0)

    def look(place: int) -> FloatArray:
        places.add(place)
        return search.look(float(times[place]), trail[place][1])

    for place in sorted(places):
        look(place)
    for columns in _kinds(search.names).values():
        best = max(places, key=lambda k: float(look(k)[columns].max()))
        while True:  # halve the gaps beside the best until its neighbours are the next steps
            order = sorted(places)
            at = order.index(best)
            gaps = [(order[at - 1], best)] if at else []
            gaps += [(best, order[at + 1])] if at + 1 < len(order) else []
            fresh = [(a + b) // 2 for a, b in gaps if b - a > 1]
            if not fresh:
                break
            best = max([best, *fresh], key=lambda k: float(look(k)[columns].max()))
        if 0 < best < count - 1 and not close[best]:
            near = (best - 1, best, best + 1)
            height = [float(look(k)[columns].max()) for k in near]
            top = _vertex(times[list(near)], np.array(height))
            if top is not None:
                search.look(top, _between(times[list(near)], [trail[k][1] for k in near], top))
    values = np.array([value for value, _ in search.known.values()])
    instants = list(search.known)
    when = values.argmax(axis=0)
    each = {
        name: (instants[k], float(values[k, i])) for i, (name, k) in enumerate(zip(search.names, when, strict=True))
    }
    mises = _kinds(search.names)["von_mises"]
    row, column = np.unravel_index(int(np.argmax(values[:, mises])), values[:, mises].shape)
    return Worst(search.names[mises[int(column)]], search.known[instants[int(row)]][1], each, len(instants))


def _metrics(step: HeatStep) -> list[tuple[str, float]]:
    """Names and values: of the roots, or where there is none of the regions."""
    if not step.roots:
        return [(f"metrics.regions.{name}.von_mises_max", one.von_mises_max) for name, one in step.regions.items()]
    names = named((m.root.name, m.root.at, m.length) for m in step.roots)
    return [
        (one.name(kind), value.value)
        for one, m in zip(names, step.roots, strict=True)
        for kind, value in m.values.items()
    ]


def _kinds(names: list[str]) -> dict[str, list[int]]:
    """Which of the names are of each kind."""
    found: dict[str, list[int]] = {"von_mises": []}
    for i, name in enumerate(names):
        kind = next((k for k in ("peel", "shear") if f".{k}" in name), "von_mises")
        found.setdefault(kind, []).append(i)
    return found


def _vertex(t: FloatArray, y: FloatArray) -> float | None:
    """Where the parabola through three points is highest, None where that is not strictly between the outer two."""
    a, b = (y[1] - y[0]) / (t[1] - t[0]), (y[2] - y[1]) / (t[2] - t[1])
    bend = (b - a) / (t[2] - t[0])
    if not bend < 0.0:
        return None
    top = 0.5 * (t[0] + t[1] - a / bend)
    return float(top) if t[0] < top < t[2] and top not in t else None


def _between(t: FloatArray, temperatures: list[FloatArray], time: float) -> FloatArray:
    """The temperature at a time by the parabola through three states."""
    share = [np.prod([(time - t[j]) / (t[i] - t[j]) for j in range(3) if j != i]) for i in range(3)]
    return np.asarray(sum(s * one for s, one in zip(share, temperatures, strict=True)))


def worst_dict(worst: Worst, entry: dict[str, object]) -> dict[str, object]:
    """``worst`` of the JSON: the metric, its value and time, the same of every metric, and the state at that time."""
    return {
        "metric": worst.metric,
        "value": dict(_metrics(worst.step))[worst.metric],
        "time": worst.step.state.time,
        "T_max": float(worst.step.state.temperature.max()),
        "states": worst.looked,
        "each": {name: {"time": time, "value": value} for name, (time, value) in worst.each.items()},
        "state": entry,
    }
