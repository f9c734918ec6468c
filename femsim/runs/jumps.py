"""Programs whose cycles are run or jumped over (:mod:`femsim.solvers.jump`), and the error of averages by that."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from femsim.base.errors import FemsimWarning
from femsim.builders.program import Leg, Plan
from femsim.cases.steps import CycleSpec
from femsim.measures.inelastic import Inelastic
from femsim.solvers.jump import AHEAD, LEAST, RUN, Course, Jump, missed, onward
from femsim.solvers.march import Settings, march
from femsim.solvers.moments import LimitError, Moment, Stage

#: flow that stays of a cycle's, as a part, above which the cycle does not close
RATCHETS = 0.05


@dataclass(frozen=True)
class Grown:
    """Strain (p + creep) and work (MPa) at the end and in the last cycle, each with what the jumps may have it off by,
    and the work's relative change to the cycle before; ``ratchet``: the part of the last cycle's flow that stays.
    """

    strain: float
    strain_error: float
    work: float
    work_error: float
    strain_per_cycle: float
    strain_per_cycle_error: float
    work_per_cycle: float
    work_per_cycle_error: float
    change: float | None
    ratchet: float | None = None


@dataclass(frozen=True)
class Cycled:
    """How cycles were done: those run, the jumps over the others, how many jumps were taken back; by region and for the
    layer of each [[life]] what came of it.
    """

    count: int
    run: tuple[int, ...]
    jumps: tuple[Jump, ...]
    taken_back: int
    regions: dict[str, Grown]
    layers: tuple[Grown, ...]


def legs_of(plan: Plan) -> list[Leg]:
    """The leg of each step of a plan's program."""
    found, number = [], 0
    for step in plan.program.steps:
        found.append(plan.legs[number])
        number += step.reported
    return found


def jumps(cycle: CycleSpec | None, plan: Plan) -> float | None:
    """The error that jumps may have, None where none are made; warns where none can be."""
    if cycle is None or cycle.jump is None:
        return None
    if not plan.laws:
        warnings.warn("cycle.jump: nothing flows, all cycles are alike", FemsimWarning, stacklevel=2)
        return None
    if cycle.count < AHEAD + LEAST + RUN:
        warnings.warn(
            f"cycle.jump: of {cycle.count} cycles none is jumped over; {AHEAD} are run before the first jump and {RUN} "
            "behind it",
            FemsimWarning,
            stacklevel=2,
        )
        return None
    return cycle.jump


def leaping(
    plan: Plan,
    cycle: CycleSpec,
    tolerance: float,
    settings: Settings,
    moment: Moment | None,
    course: Course,
    take_back: Callable[[int], None],
    say: Callable[[str], None],
) -> Iterator[tuple[Stage, Course]]:
    """The stages of a march that jumps, each with the course so far: with it and the moment it goes on from there.

    ``take_back`` is called with the number of a cycle where all behind it is to be forgotten.
    """
    legs = legs_of(plan)
    starts = [i for i, leg in enumerate(legs) if leg.cycle is not None and (i == 0 or legs[i - 1].cycle != leg.cycle)]
    starts.append(len(legs))
    ends = {step: number for number, step in enumerate(starts) if number}
    wanted = sorted({*(cycle.fields or ()), cycle.count})

    def next_wanted(number: int) -> int:
        return next((one for one in wanted if one > number), cycle.count)

    def decided(course: Course, moment: Moment) -> tuple[Course, Moment | None]:
        return told(*onward(course, ends[moment.step], moment, starts, next_wanted, tolerance))

    def told(course: Course, landed: Moment | None, back: int | None) -> tuple[Course, Moment | None]:
        if back is not None:
            say(f"the jump behind cycle {back} missed; it is taken back")
            take_back(back)
        if landed is not None and course.pending is not None:
            say(f"over {course.pending.cycles} cycles behind cycle {course.pending.after}")
        return course, landed

    start = moment
    if moment is not None and moment.step in ends:
        course, landed = decided(course, moment)
        start = moment if landed is None else landed
    while start is None or start.step < len(legs):
        landed = None
        try:
            for stage in march(plan.space, plan.materials, plan.laws, plan.program, settings, start):
                last = stage.moment.step == len(legs)
                if not last:
                    yield stage, course
                if stage.moment.step in ends:
                    course, landed = decided(course, stage.moment)
                    if landed is not None:
                        break
                if last:
                    yield stage, course
        except LimitError:
            if course.pending is None:
                raise
            course, landed = told(*missed(course, starts, next_wanted))
        if landed is None:
            return
        start = landed


def cycled(
    cycle: CycleSpec,
    course: Course,
    legs: Sequence[Leg],
    regions: Sequence[dict[str, Inelastic]],
    layers: Sequence[tuple[Inelastic, ...]],
) -> Cycled:
    """What came of the cycles, from the averages at the ends of the legs that were run; warns of cycles that do not
    settle, or do not close.
    """
    ends = {leg.cycle: i for i, leg in enumerate(legs) if leg.end and leg.cycle is not None}
    ratchets = course.ratchets
    names = [name for name in regions[-1] if all(name in regions[i] for i in ends.values())]
    flowing = [name for name in names if regions[-1][name].work or regions[-1][name].strain]
    grown = {
        name: _grown({n: regions[i][name] for n, i in ends.items()}, course.jumps, ratchets.get(name))
        for name in flowing
    }
    counted = range(len(layers[-1]))
    found = tuple(_grown({n: layers[i][k] for n, i in ends.items()}, course.jumps, None) for k in counted)
    if not course.jumps:
        warnings.warn(
            f"cycle.jump: no jump kept within {cycle.jump:g}; all {cycle.count} cycles were run",
            FemsimWarning,
            stacklevel=2,
        )
    for name, one in grown.items():
        much = one.strain_per_cycle * cycle.count > 1e-3 * one.strain
        if much and one.ratchet is not None and one.ratchet > RATCHETS:
            warnings.warn(
                f"cycle: {name} ratchets: {100 * one.ratchet:.2g} % of what flows in a cycle stays, the loop does not "
                "close; laws of fatigue speak of closed ones",
                FemsimWarning,
                stacklevel=2,
            )
    return Cycled(cycle.count, tuple(ends), course.jumps, course.taken_back, grown, found)


def _grown(values: dict[int, Inelastic], made: Sequence[Jump], ratchet: float | None) -> Grown:
    """Strain and work of an average, by the number of the cycle at whose end they are."""
    last = max(values)

    def of(kind: str) -> tuple[float, float, float, float, float]:
        series = {n: float(getattr(one, kind)) for n, one in values.items()}
        error = slow = 0.0
        for jump in made:
            seen = np.array([series[n] for n in jump.ends])
            end = jump.after + jump.cycles + RUN
            ahead = abs(series[end] - series[end - 1] - float(np.dot(jump.drift, seen)))
            error += abs(series[end] - float(np.dot(jump.expected, seen))) + 0.5 * jump.cycles * ahead
            slow += ahead
        step, old = series[last] - series[last - 1], series[last - 1] - series[last - 2]
        return series[last], error, step, slow + abs(step - old), (step - old) / step if step else 0.0

    (strain, e1, s1, d1, _), (work, e2, s2, d2, change) = of("strain"), of("work")
    return Grown(strain, e1, work, e2, s1, d1, s2, d2, change, ratchet)


def cycled_entry(found: Cycled) -> dict[str, Any]:
    """``cycles`` of the JSON."""
    return {
        "count": found.count,
        "run": list(found.run),
        "jumps": [{"after": j.after, "cycles": j.cycles, "error": j.error} for j in found.jumps],
        "taken_back": found.taken_back,
        "regions": {name: _entry(one) for name, one in found.regions.items()},
        "layers": [_entry(one) for one in found.layers],
    }


def _entry(one: Grown) -> dict[str, float]:
    return {name: value for name, value in vars(one).items() if value is not None}
