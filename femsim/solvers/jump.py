"""Many cycles by a few: the state at the ends of the cycles that were run is carried over those that were not.

From cycle to cycle a state x (displacement, stress, inelastic strain, back stresses, resistance, p, creep, work)
drifts, and the drift d = x_n - x_(n-1) settles. With s = d_n - d_(n-1), and second differences that fall by a factor a
a cycle,

    x_(n+K) = x_n + K d_n + s (sum over j = 1..K, i = 1..j of a^i).

a is fitted to the cycles run; after a jump s is the difference of the drifts before and behind it, over its length,
which what the increments of single cycles scatter by does not spoil. The weights of the states sum to 1 and the
temperature at the ends is the same, so equilibrium and the elastic law hold at once; a state outside its yield surface
returns to it in the first cycle run from there.

Behind each jump RUN cycles are run. With x and d as they then are, and x* and d* as they were expected, the error is

    |x - x*| + K/2 |d - d*|:

what the body put right at once, and a drift whose error grew along the jump. Against K |d*| (at least a part FLOOR
of all that flowed) it may be as large as the tolerance; a jump with a larger one is taken back and a shorter one tried.
The length goes with the error to the power -1/2, and the drift may change by a part CHANGE of itself in a jump.

Cojocaru, D. & Karlsson, A. M., Int. J. Fatigue 28 (2006) 1677 (control by the second difference); Lemaitre, J. &
Chaboche, J.-L., Mechanics of Solid Materials (1990), section 7.3 (jumps).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.base.stepping import next_size
from femsim.materials.law import GROWING, State
from femsim.solvers.moments import Moment

#: cycles run behind each jump; their drift is what the next one begins with
RUN = 3
#: cycles run before the first jump: the first is not alike, of four ends follow three drifts
AHEAD = 5
#: shortest jump, and the longest that the first may be
LEAST, FIRST = 2, 10
#: part of itself by which the drift may change over a jump, and part of all flow that errors count against at least
CHANGE, FLOOR = 0.5, 0.02
#: part of itself by which the drift may change in the last cycle, where it does so faster than over the last jump
STIRRED = 0.002
#: part of itself that Anand's resistance keeps in a jump at least
KEPT = 0.1
#: what is watched: strain and work that accumulate
_WATCHED = (("p", "creep"), ("work",))


@dataclass(frozen=True)
class Jump:
    """A jump behind cycle ``after`` over ``cycles``, with its error, as a part of what flows in it.

    ``ends`` are the cycles from whose ends it was made; ``expected`` and ``drift`` the weights of those states that
    give the state, and its change in a cycle, at the end of the last of the RUN cycles behind it.
    """

    after: int
    cycles: int
    ends: tuple[int, ...]
    expected: tuple[float, ...]
    drift: tuple[float, ...]
    error: float = 0.0


@dataclass(frozen=True)
class Course:
    """Where a program of cycles is: the ends (cycle, moment) since the last jump, those it was made from while it is
    not accepted yet, the two before the last accepted one, jumps done, the length the next may have, how many were
    taken back, and how many cycles are run before another try.
    """

    ends: tuple[tuple[int, Moment], ...] = ()
    before: tuple[tuple[int, Moment], ...] = ()
    earlier: tuple[tuple[int, Moment], ...] = ()
    pending: Jump | None = None
    jumps: tuple[Jump, ...] = ()
    size: float = FIRST
    taken_back: int = 0
    wait: int = AHEAD

    @property
    def ratchets(self) -> dict[str, float]:
        """By region: how much of what flowed in the last cycle stays, 0 (a closed loop) to 1 (all goes one way)."""
        if len(self.ends) < 2:
            return {}
        old, new = self.ends[-2][1], self.ends[-1][1]
        return {
            region: share
            for region, states in new.states.items()
            if (share := _staying(old.states[region], states)) is not None
        }


def _staying(old: Sequence[State], new: Sequence[State]) -> float | None:
    left, flowed = 0.0, 0.0
    for a, b in zip(old, new, strict=True):
        if "inelastic" not in b:
            return None
        e = b["inelastic"] - a["inelastic"]
        left += float(np.sum(2.0 / 3.0 * (np.sum(e[:, :3] ** 2, axis=1) + 0.5 * np.sum(e[:, 3:] ** 2, axis=1))))
        flowed += float(np.sum((b["p"] - a["p"] + b["creep"] - a["creep"]) ** 2))
    return float(min(1.0, np.sqrt(left / flowed))) if flowed > 0.0 else 0.0


def onward(
    course: Course, cycle: int, moment: Moment, starts: Sequence[int], target: Callable[[int], int], tolerance: float
) -> tuple[Course, Moment | None, int | None]:
    """At the end of a cycle (from 1): the course; the moment to go on from where it is not this one; and the cycle
    behind which all is taken back, where the last jump missed.

    ``starts`` (count + 1,) are the numbers of the steps with which the cycles begin, ``target`` gives behind a cycle
    the next that is to be run with RUN - 1 before it.
    """
    course = replace(course, ends=(*course.ends, (cycle, moment))[-4:], wait=course.wait - 1)
    if course.pending is None:
        if course.wait > 0:
            return course, None, None
        return _forth(course, starts, target)
    if course.wait > 0:
        return course, None, None
    error = _error(course) / tolerance
    if error > 1.0:
        return missed(course, starts, target, error)
    jump = replace(course.pending, error=error * tolerance)
    size = max(jump.cycles * next_size(error), LEAST)
    course = replace(
        course, earlier=course.before[-2:], before=(), pending=None, jumps=(*course.jumps, jump), size=size
    )
    return _forth(course, starts, target)


def missed(
    course: Course, starts: Sequence[int], target: Callable[[int], int], error: float = np.inf
) -> tuple[Course, Moment | None, int | None]:
    """As :func:`onward` where the jump's error, over what is allowed, is too large or there is no way on from it."""
    assert course.pending is not None
    back, size = course.pending.after, course.pending.cycles * next_size(error)
    course = replace(course, ends=course.before, before=(), pending=None, size=size, taken_back=course.taken_back + 1)
    if size < LEAST:  # not settled enough: look again some cycles on
        return replace(course, wait=2 * RUN, size=2.0 * LEAST), course.ends[-1][1], back
    course, landed, _ = _forth(course, starts, target)
    return course, course.ends[-1][1] if landed is None else landed, back


def _forth(
    course: Course, starts: Sequence[int], target: Callable[[int], int]
) -> tuple[Course, Moment | None, int | None]:
    """The next jump from the last end, if there is a length for one."""
    here, now = course.ends[-1]
    seen = _Drift.of(course)
    if seen is None:
        return replace(course, wait=1), None, None
    room = target(here) - RUN - here
    length = min(int(course.size), seen.longest(room), room)
    if length < LEAST:
        return replace(course, wait=1), None, None
    there, slope = seen.weights(length + RUN).tolist(), seen.slope(length + RUN).tolist()
    jump = Jump(here, length, seen.cycles, tuple(there), tuple(slope))
    period = now.time - course.ends[-2][1].time
    step = starts[here + length]
    landed = _combined(seen.moments, seen.weights(length), step, now.time + length * period)
    return replace(course, before=course.ends, ends=(), pending=jump, wait=RUN), landed, None


@dataclass(frozen=True)
class _Drift:
    """How states go from cycle to cycle: weights of ``moments`` that give the drift a cycle and how that changes."""

    cycles: tuple[int, ...]
    moments: tuple[Moment, ...]
    drift: FloatArray
    change: FloatArray
    ratio: float

    @staticmethod
    def of(course: Course) -> _Drift | None:
        """From the ends since the last jump, and the drift before it where there was one; None while what the jump
        stirred up still settles.
        """
        if not course.earlier or len(course.ends) > RUN:
            cycles, moments = zip(*course.ends[-4:], strict=True)
            last, before = np.array([0.0, 1.0, -2.0, 1.0]), np.array([1.0, -2.0, 1.0, 0.0])
            found = _Drift(cycles, moments, np.array([0.0, 0.0, -1.0, 1.0]), last, 1.0)
            ratios = [
                float(np.clip(_product(moments, last, before, names) / square, 0.0, 1.0))
                for names in _WATCHED
                if (square := _product(moments, before, before, names)) > 0.0
            ]
            return replace(found, ratio=max(ratios, default=0.0))
        cycles, moments = zip(*course.earlier, *course.ends[-3:], strict=True)
        span = float(cycles[-1] - cycles[1])
        now, old = np.array([0.0, 0.0, 0.0, -1.0, 1.0]), np.array([-1.0, 1.0, 0.0, 0.0, 0.0])
        mean, last = (now - old) / span, np.array([0.0, 0.0, 1.0, -2.0, 1.0])
        shares = [
            np.sqrt(_product(moments, last, last, names) / square)
            for names in _WATCHED
            if (square := _product(moments, mean, mean, names)) > 0.0
        ]
        share = max(shares, default=1.0)
        if share >= 1.0 and any(
            _size(moments, last, names) > STIRRED * _size(moments, now, names) for names in _WATCHED
        ):
            return None
        if share >= 1.0:  # next to nothing, or it does not settle
            return _Drift(cycles, moments, now, mean, 1.0)
        rate = _decay(share)
        return _Drift(cycles, moments, now, mean * share, float(np.exp(-rate / span)))

    def weights(self, ahead: int) -> FloatArray:
        """Of the moments, for the state so many cycles ahead."""
        a = self.ratio
        total = 0.5 * ahead * (ahead + 1)
        if a < 1.0 - 1e-9:
            total = a / (1.0 - a) * (ahead - a * (1.0 - a**ahead) / (1.0 - a))
        found = ahead * self.drift + total * self.change
        found[-1] += 1.0
        return np.asarray(found)

    def slope(self, ahead: int) -> FloatArray:
        """Of the moments, for the change in the cycle that ends so many ahead."""
        return self.weights(ahead) - self.weights(ahead - 1)

    def longest(self, most: int) -> int:
        """The longest jump over which the drift changes by a part CHANGE of itself, cycles."""
        if most < LEAST:
            return 0

        def within(ahead: int) -> bool:
            a = self.ratio
            gathered = float(ahead) if a >= 1.0 - 1e-9 else a * (1.0 - a**ahead) / (1.0 - a)
            for names in _WATCHED:
                drift, change, whole = (
                    _size(self.moments, w, names) for w in (self.drift, self.change, _last(len(self.moments)))
                )
                if gathered * change > CHANGE * max(drift, FLOOR * whole / ahead):
                    return False
            return True

        low, high = 0, most
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if within(middle) else (low, middle - 1)
        return low


def _decay(share: float) -> float:
    """x of x / (e^x - 1) = share, 0 < share < 1: how far an exponential fell, from its last and its mean slope."""
    low, high = 0.0, 700.0
    for _ in range(80):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if middle / np.expm1(middle) > share else (low, middle)
    return 0.5 * (low + high)


def _last(count: int) -> FloatArray:
    return np.asarray(np.eye(count)[-1])


def _sum(weights: Sequence[float] | FloatArray, arrays: Sequence[FloatArray]) -> FloatArray:
    total: FloatArray = np.zeros_like(arrays[-1])
    for weight, values in zip(weights, arrays, strict=True):
        total = total + weight * values
    return np.asarray(total)


def _blend(moments: Sequence[Moment], weights: FloatArray, names: tuple[str, ...]) -> list[FloatArray]:
    """Sums of named arrays of states, weighted, by batch."""
    used = [(w, m) for w, m in zip(weights, moments, strict=True) if w]
    first = moments[-1].states
    each = [float(w) for w, _ in used for _ in names]
    return [
        _sum(each, [m.states[region][k][name] for _, m in used for name in names])
        for region in first
        for k in range(len(first[region]))
    ]


def _product(moments: Sequence[Moment], a: FloatArray, b: FloatArray, names: tuple[str, ...]) -> float:
    """Mean over the points of the product of two weighted sums."""
    x = _blend(moments, a, names)
    y = x if b is a else _blend(moments, b, names)
    count = sum(v.shape[0] for v in x)
    return sum(float(np.sum(u * v)) for u, v in zip(x, y, strict=True)) / count if count else 0.0


def _size(moments: Sequence[Moment], weights: FloatArray, names: tuple[str, ...]) -> float:
    """Root mean square over the points of a weighted sum."""
    return float(np.sqrt(_product(moments, weights, weights, names)))


def _error(course: Course) -> float:
    """Of the pending jump, relative to the flow it skipped."""
    jump = course.pending
    assert jump is not None
    moments = (*(m for _, m in _used(course)), course.ends[-2][1], course.ends[-1][1])
    missed = np.array([*(-w for w in jump.expected), 0.0, 1.0])
    off = np.array([*(-w for w in jump.drift), -1.0, 1.0])
    drift = np.array([*jump.drift, 0.0, 0.0])
    found = []
    for names in _WATCHED:
        size, ahead, flow, whole = (_size(moments, w, names) for w in (missed, off, drift, _last(len(moments))))
        against = max(jump.cycles * flow, FLOOR * whole)
        found.append((size + 0.5 * jump.cycles * ahead) / against if against > 0.0 else 0.0)
    stress = _size(moments, missed, ("stress",))
    largest = max((float(values[0].max()) for values in moments[-1].scales.regions.values()), default=0.0)
    return float(max(*found, stress / (largest or 1.0)))


def _used(course: Course) -> tuple[tuple[int, Moment], ...]:
    """The ends that the pending jump was made from."""
    assert course.pending is not None
    there = dict((*course.earlier, *course.before))
    return tuple((cycle, there[cycle]) for cycle in course.pending.ends)


def _combined(moments: Sequence[Moment], weights: FloatArray, step: int, time: float) -> Moment:
    """The weighted sum of moments, with ``step`` steps done at ``time``; what only grows does not fall."""
    last = moments[-1]

    def blend(region: str, k: int, name: str) -> FloatArray:
        now = last.states[region][k][name]
        found = _sum(weights, [m.states[region][k][name] for m in moments])
        if name in GROWING:
            return np.maximum(found, now)
        return np.maximum(found, KEPT * now) if name == "resistance" else found

    states: dict[str, list[State]] = {
        region: [{name: blend(region, k, name) for name in state} for k, state in enumerate(batches)]
        for region, batches in last.states.items()
    }
    unknowns = _sum(weights, [m.unknowns for m in moments])
    return replace(last, step=step, time=time, unknowns=unknowns, states=states)
