"""Temperatures over time by an L-stable method of order three with steps chosen by its error.

The semi-discrete problem d S(T) / dt = f(T, t), with the stored heat S (enthalpy, so that energy is conserved exactly
also where rho c depends on temperature) and the nodal heat f = inflow - outflow, is stepped by ESDIRK3(2)4L[2]SA
(Kennedy & Carpenter 2003, Appl. Numer. Math. 44, 139): explicit first stage, three implicit ones with one matrix

    C / (gamma dt) + K ,

stage order 2, stiffly accurate, R(infinity) = 0, so what a jump of temperature excites dies at once. The error of a
step is that of the embedded method of order 2, after a switch filtered by the same matrix (Hosea & Shampine 1996, Appl.
Numer. Math. 20, 21). A step is a power-of-two part of the time between two switching times: steps end on them exactly,
and few step sizes, that is few factors, serve a whole course. Output times are interpolated between steps.

Constant steps are those of the backward differentiation formula of order three after two of the method above: one solve
a step instead of three. It is stable along the whole negative real axis, where the modes of conduction lie, and damps
the stiff ones at once (Curtiss & Hirschfelder 1952, Proc. Natl. Acad. Sci. 38, 235; Hairer & Wanner 1996, Solving
Ordinary Differential Equations II, sec. V.1).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.base.errors import NumericsError
from femsim.models.heat import HeatModel
from femsim.models.overtime import OverTime
from femsim.solvers.heat import ROUNDED, heat_factor, largest_flow, newton_change
from femsim.solvers.heat_operators import Operators
from femsim.solvers.heat_stages import BACKWARD, BEFORE, EARLIER, EMBEDDED, GAMMA, A, C, ahead, hermite
from femsim.solvers.pattern import Pattern
from femsim.solvers.system import SystemFactor

#: factors kept for step sizes that come again
KEPT = 4
#: a segment begins with this power-of-two part of it, and no step is smaller than the other one
FIRST, SMALLEST = 6, 48
#: steps before it is given up
MOST = 200_000
#: Newton steps of a stage; after more than STALE the factor is made afresh
ITERATIONS, STALE = 20, 5
#: a stage has settled where its temperature changes by less than this fraction of the error a step may make
SETTLED = 1.0e-3
#: and no Newton step is taken to shrink the error further than this before it was seen to
TRUSTED = 1.0e-3

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Moment:
    """The state at an output time: temperature (N,), heat (N,) that supports feed into their nodes (W), the rate at
    which the body takes up heat (W), and a time inside the segment before it, whose side a jump is taken from.
    """

    time: float
    within: float
    temperature: FloatArray
    reaction: FloatArray
    stored: float


@dataclass(frozen=True)
class Course:
    """States at the output times, and of every step its end (s) and the largest temperature.

    ``balance`` is the heat that came in through sources, surfaces and supports less what the body holds more than at
    the start (int rho c dT by quadrature), over all heat that passed: no row of the systems solved enters, so that what
    these leave over shows. ``residual`` is the largest nodal heat left over at the end of a segment, over
    |K + C/dt| |T| + |f|. ``energy`` is the heat stored since the start at the end of each step, J.
    """

    moments: tuple[Moment, ...]
    steps: FloatArray
    largest: FloatArray
    energy: FloatArray
    balance: float
    residual: float
    rejected: int
    factors: int
    #: what Newton's iterations may leave over of it, by the tolerance
    allowed: float
    hottest: Moment
    timing: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Step:
    """A step: the temperature after it, its error (K), the heat flow and the rate of the temperature at its end (W,
    K/s), the heat its nodes hold then and took up, and what flowed into them (J). ``through`` (W) is the heat that
    comes at its end through sources, films and the neighbours of supports to the free nodes, ``passing`` (J) that of
    the step; ``shift`` (1/s) is that of its matrix.
    """

    temperature: FloatArray
    error: float
    flow: FloatArray
    rate: FloatArray
    content: FloatArray
    gained: FloatArray
    came: FloatArray
    through: float
    passing: float
    shift: float


@dataclass(frozen=True)
class _Past:
    """A state that later steps look back to: temperature, heat held, and what came in the step to it, by nodes and
    through the surface.
    """

    temperature: FloatArray
    content: FloatArray
    came: FloatArray
    passing: float


class _StuckError(NumericsError):
    """Newton's method did not converge; a smaller step may."""


@dataclass
class _Work:
    """What a march carries from step to step."""

    temperature: FloatArray
    energy: float = 0.0
    came: float = 0.0
    passed: float = 0.0
    residual: float = 0.0


def march(
    model: HeatModel,
    initial: FloatArray | float,
    end: float,
    times: tuple[float, ...] = (),
    tolerance: float = 1.0e-5,
    step: float | None = None,
    progress: Progress | None = None,
    pattern: Pattern | None = None,
    backend: str | None = None,
    after: Callable[[float, FloatArray], None] | None = None,
) -> Course:
    """Temperatures from an initial one (degC) to ``end`` (s), with states at ``times`` and at the end.

    ``tolerance`` bounds the error of a step by that fraction of the range of temperatures so far; a constant ``step``
    (s) is used instead where given, shortened only to end on switching times. ``after`` is told time and
    temperature after every step.
    """
    return _March(model, tolerance, step, pattern, backend).run(initial, end, times, progress, after)


def switching_times(model: HeatModel, end: float) -> list[float]:
    """Times at which something bends or jumps, within (0, end)."""
    values: list[OverTime] = [feed.amount for feed in (*model.sources, *model.fluxes)]
    values += [cooling.ambient for cooling in model.coolings]
    values += [cooling.h for cooling in model.coolings if isinstance(cooling.h, OverTime)]
    values += [fixed.value for fixed in model.fixed if isinstance(fixed.value, OverTime)]
    return sorted({t for value in values for t in value.knots(end)})


class _March:
    def __init__(
        self, model: HeatModel, tolerance: float, step: float | None, pattern: Pattern | None, backend: str | None
    ) -> None:
        self.model, self.tolerance, self.constant = model, tolerance, step
        self.pattern, self.backend = pattern, backend
        self.operators = Operators.of(model)
        self.factors: OrderedDict[tuple[float, ...], SystemFactor] = OrderedDict()
        self.made = 0
        self.rejected = 0
        self.shrinks: dict[float, float] = {}  # by how much a Newton step shrinks the error, by the shift seen last
        self.free = model.space.constraints.equation >= 0
        # a film that changes within a segment is met by iterating with the factor of its middle
        self.ramped = any(isinstance(c.h, OverTime) and not c.h.period and not c.h.is_constant for c in model.coolings)

    def run(
        self,
        initial: FloatArray | float,
        end: float,
        times: tuple[float, ...],
        progress: Progress | None,
        after: Callable[[float, FloatArray], None] | None,
    ) -> Course:
        model, say = self.model, progress or (lambda text: None)
        temperature = np.array(np.broadcast_to(np.asarray(initial, dtype=float), len(model.mesh.points)))
        wanted = sorted({*times, end})
        knots = sorted({0.0, end, *switching_times(model, end)})
        work = _Work(temperature)
        moments: list[Moment] = []
        ends, largest, energy = [0.0], [float(temperature.max())], [0.0]
        low, high = float(temperature.min()), float(temperature.max())
        hottest: Moment | None = None
        level = FIRST
        if wanted[0] == 0.0:
            moments.append(self._moment(work, 0.0, 0.5 * knots[1]))
        for begin, stop in pairwise(knots):
            within, span = 0.5 * (begin + stop), stop - begin
            say(f"heat: {begin:.3g} s of {end:.3g} s")
            self._jump(work, begin, within)
            self.shrinks.clear()
            flow = self._flow(work.temperature, begin, within)
            through = self._through(work.temperature, flow, begin, within)
            rate: FloatArray | None = None
            due = [t for t in wanted if begin < t <= stop]
            counts = 0
            if self.constant is not None:
                counts = max(int(np.ceil(span / self.constant * (1.0 - 1e-12))), 1)
            elif due and level == FIRST:
                level = int(np.clip(np.ceil(np.log2(8.0 * span / (due[0] - begin))), FIRST, SMALLEST))
            past: list[_Past] = []
            done, place = 0.0, 0  # place counts steps of the present size from the segment's start
            while done < 1.0:
                if len(ends) > MOST:
                    raise NumericsError(f"heat: more than {MOST} steps; a larger heat.transient.tolerance takes fewer")
                size = span / counts if counts else span * 2.0**-level
                start = begin + (place * size)
                try:
                    if len(past) == 3:
                        step = self._look_back(past, start + size, size, within)
                    else:
                        step = self._step(work.temperature, flow, through, rate, start, size, within)
                except _StuckError:
                    if counts or level + 2 > SMALLEST:
                        raise  # a constant step is the user's
                    level, place = level + 2, place * 4
                    self.rejected += 1
                    self.factors.clear()
                    continue
                reach = max(high, float(step.temperature.max())) - min(low, float(step.temperature.min()))
                weight = step.error / (self.tolerance * reach) if reach > 0.0 else 0.0
                if not counts and weight > 1.0 and level < SMALLEST:
                    drop = int(np.clip(np.ceil(np.log2(weight) / 3.0 + 0.2), 1, 8))
                    level, place = level + drop, place * 2**drop
                    self.rejected += 1
                    continue
                place += 1
                done = place / counts if counts else place * 2.0**-level
                time = stop if done >= 1.0 else begin + place * size
                before = work.temperature
                reached = self._take(work, step, size, time, within)
                while due and due[0] <= time * (1.0 + 1e-13):
                    share = min((due[0] - start) / size, 1.0)
                    moments.append(self._between(before, rate, step, reached, due.pop(0), share, size))
                if counts:
                    if not past:
                        past.append(_Past(before, step.content - step.gained, np.zeros_like(before), 0.0))
                    past = [*past, _Past(step.temperature, step.content, step.came, step.passing)][-3:]
                flow, through, rate = step.flow, step.through, step.rate
                low, high = min(low, float(step.temperature.min())), max(high, float(step.temperature.max()))
                ends.append(time)
                largest.append(float(step.temperature.max()))
                energy.append(work.energy)
                if after is not None:
                    after(time, work.temperature)
                if hottest is None or largest[-1] > float(hottest.temperature.max()):
                    hottest = reached
                while not counts and level > 0 and place % 2 == 0 and weight * 2.0**3 < 0.6 and done < 1.0:
                    level, place, weight = level - 1, place // 2, weight * 2.0**3
            work.residual = max(work.residual, self._left(step, stop, within))
            if not counts:  # the next segment begins with about the size this one ended with
                grown = 2.0 if weight * 2.0**3 < 0.6 else 1.0
                level = self._level_for(grown * span * 2.0**-level, knots, stop)
        if hottest is None:
            raise ValueError("a course has at least one step")
        first, last = (float(model.stored(t).sum()) for t in (temperature, work.temperature))
        # a heat that is the rounding of what the body holds is none
        passed = work.passed + 1e-9 * max(abs(first), abs(last))
        return Course(
            tuple(moments),
            np.array(ends),
            np.array(largest),
            np.array(energy),
            abs(work.came - (last - first)) / (passed or 1.0),
            work.residual,
            self.rejected,
            self.made,
            0.0 if model.is_linear and not self.ramped else 10.0 * SETTLED * self.tolerance,
            hottest,
        )

    def _level_for(self, size: float, knots: list[float], stop: float) -> int:
        """The part of the next segment that comes nearest to a step size from below."""
        at = knots.index(stop)
        if at + 1 >= len(knots):
            return FIRST
        span = knots[at + 1] - stop
        return int(np.clip(np.ceil(np.log2(max(span / size, 1.0)) - 0.3), 0, SMALLEST))

    def _flow(self, temperature: FloatArray, time: float, within: float) -> FloatArray:
        """Heat (N,) that flows into the nodes."""
        return self.model.inflow(time, within) - self.operators.outflow(temperature, time, within)

    def _through(self, temperature: FloatArray, flow: FloatArray, time: float, within: float) -> float:
        """Heat, W, that comes to the free nodes through sources, films and the neighbours of supports."""
        fed = float(self.model.inflow(time, within).sum()) - self.model.cooled(temperature, time, within)
        return fed - float(flow[~self.free].sum())

    def _left(self, step: _Step, time: float, within: float) -> float:
        """The nodal heat that the end of a step leaves over of its equation, over |K + shift C| |T| + |f|."""
        inflow = self.model.inflow(time, within)
        held = step.shift * step.content
        left = held - step.flow + inflow - self.operators.both(step.temperature, step.shift, time, within)
        scale = float(np.abs(held).max()) + float(np.abs(inflow).max())
        scale += largest_flow(self.model, step.temperature)[1] / (ROUNDED * float(np.finfo(float).eps))
        return float(np.abs(self.model.space.gather(left)).max(initial=0.0)) / (scale or 1.0)

    def _factor(self, temperature: FloatArray, within: float, shift: float) -> SystemFactor:
        """A factor for a step size, with the films of the middle of the segment."""
        films = tuple(c.h.at(within) for c in self.model.coolings if isinstance(c.h, OverTime))
        key = (round(float(np.log(shift)), 9), *films)
        if key in self.factors:
            self.factors.move_to_end(key)
            return self.factors[key]
        found = heat_factor(self.model, temperature, within, within, shift, self.pattern, self.backend)
        self.pattern = found.pattern
        self.made += 1
        self.factors[key] = found
        while len(self.factors) > KEPT:
            self.factors.popitem(last=False)
        return found

    def _jump(self, work: _Work, time: float, within: float) -> None:
        """Set prescribed temperatures to those after a switching time, with the heat that puts in at once."""
        held, values = self.model.prescribed(time, within)
        if not len(held) or np.array_equal(work.temperature[held], values):
            return
        before = float(self.operators.stored(work.temperature).sum())
        work.temperature = work.temperature.copy()
        work.temperature[held] = values
        jump = float(self.operators.stored(work.temperature).sum()) - before
        work.energy, work.came, work.passed = work.energy + jump, work.came + jump, work.passed + abs(jump)

    def _step(
        self,
        temperature: FloatArray,
        flow: FloatArray,
        through: float,
        rate: FloatArray | None,
        start: float,
        size: float,
        within: float,
    ) -> _Step:
        """One step from a temperature, the heat that flows into its nodes and, where known, its rate."""
        model = self.model
        shift = 1.0 / (GAMMA * size)
        stored = self.operators.stored(temperature)
        stage, content, stages = temperature, stored, [(0.0, temperature)]
        factor = self._factor(temperature, within, shift)
        # the rate at the end does not depend on the one at the start, since R(infinity) = 0
        passes, flows, rates = [through], [flow], [np.zeros_like(temperature) if rate is None else rate]
        for row, c in zip(A[1:], C[1:], strict=True):
            time = start + c * size
            guess = stage.copy() if model.is_linear or rate is None else ahead(stages, rates, c, size)
            held, values = model.prescribed(time, within)
            guess[held] = values
            known = np.asarray(size * sum(a * f for a, f in zip(row[:-1], flows, strict=True)))
            stage, own, content = self._stage(guess, stored, known, time, within, shift, factor)
            flows.append(own)
            passes.append(self._through(stage, own, time, within))
            earlier = sum(a * r for a, r in zip(row[:-1], rates, strict=True))
            rates.append(np.asarray(((stage - temperature) / size - earlier) / GAMMA))
            stages.append((c, stage))
        if self.constant is not None:
            error = 0.0
        elif rate is None:
            wrong = sum((a - b) * f for a, b, f in zip(A[-1], EMBEDDED, flows, strict=True)) / GAMMA
            error = float(np.abs(factor.solve(model.space.gather(np.asarray(wrong)))).max(initial=0.0))
        else:
            off = size * sum((a - b) * r for a, b, r in zip(A[-1], EMBEDDED, rates, strict=True))
            error = float(np.abs(np.asarray(off)[self.free]).max(initial=0.0))
        came = np.asarray(size * sum(a * f for a, f in zip(A[-1], flows, strict=True)))
        passing = size * sum(a * one for a, one in zip(A[-1], passes, strict=True))
        gained = content - stored
        return _Step(stage, error, flows[-1], rates[-1], content, gained, came, passes[-1], passing, shift)

    def _look_back(self, past: list[_Past], time: float, size: float, within: float) -> _Step:
        """A step of constant size from the last three states, by the backward differentiation formula."""
        shift = BACKWARD / size
        third, second, first = past
        known = sum(a * p.content for a, p in zip(EARLIER, (first, second, third), strict=True))
        guess = first.temperature.copy()
        held, values = self.model.prescribed(time, within)
        guess[held] = values
        factor = self._factor(first.temperature, within, shift)
        nothing = np.zeros_like(guess)
        found, flow, content = self._stage(guess, np.asarray(known), nothing, time, within, shift, factor)
        before = sum(a * p.temperature for a, p in zip(EARLIER, (first, second, third), strict=True))
        came = size / BACKWARD * flow + BEFORE[0] * first.came + BEFORE[1] * second.came
        rate = np.asarray(shift * (found - before))
        through = self._through(found, flow, time, within)
        passing = size / BACKWARD * through + BEFORE[0] * first.passing + BEFORE[1] * second.passing
        return _Step(found, 0.0, flow, rate, content, content - first.content, came, through, passing, shift)

    def _stage(
        self,
        guess: FloatArray,
        stored: FloatArray,
        known: FloatArray,
        time: float,
        within: float,
        shift: float,
        factor: SystemFactor,
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Solve S(T) - S_n = known + gamma dt f(T): the temperature, f (on free nodes by that equation itself), S."""
        model, linear = self.model, self.model.is_linear and not self.ramped
        inflow = model.inflow(time, within)
        known, before, size, share = inflow + shift * (stored + known), np.inf, 0.0, 1.0
        shrinks = max(self.shrinks.get(shift, 0.9) ** 0.8, TRUSTED)  # what was seen is trusted less and less
        for count in range(ITERATIONS):
            right = model.space.gather(known - self.operators.both(guess, shift, time, within))
            # the factor of a temperature nearby does; where it converges slowly, the exact Jacobian
            exact = linear or count < 3 or size < 0.25 * before
            change = newton_change(model, guess, right, factor, time, within, shift, exact)
            if not exact:  # less of it where it goes to and fro over a kink of a table, all again where it settles
                share = max(0.5 * share, 0.1) if size > before else min(2.0 * share, 1.0)
            guess = guess + share * change
            if not np.all(np.isfinite(guess)):
                raise NumericsError(f"heat: the temperature is not finite at {time:.6g} s")
            enough = max(SETTLED * self.tolerance * float(np.ptp(guess)), 1e-12 * (1.0 + float(np.abs(guess).max())))
            before, size = (size if count else np.inf), float(np.abs(change).max(initial=0.0))
            shrinks = min(size / before, 0.9) if count and before > 0.0 else shrinks
            # what is left is the rest of a geometric series (Hairer & Wanner 1996, sec. IV.8)
            if linear or size <= enough or shrinks / (1.0 - shrinks) * size <= enough:
                break
        else:
            hint = "" if self.constant is None else "; take a smaller heat.transient.step, or a tolerance instead"
            raise _StuckError(f"heat: a time step at {time:.6g} s did not converge in {ITERATIONS} Newton steps{hint}")
        self.shrinks = {shift: shrinks}
        if count > STALE:
            self.factors.clear()
        content = self.operators.stored(guess)
        flow = shift * content - (known - inflow)
        if not self.free.all():
            flow[~self.free] = inflow[~self.free] - self.operators.outflow_at(~self.free, guess, time, within)
        return guess, flow, content

    def _take(self, work: _Work, step: _Step, size: float, time: float, within: float) -> Moment:
        """Accept a step: heat that came in through sources, surfaces and supports, and the state at its end."""
        gained, came = step.gained, step.came
        fed = np.where(self.free, 0.0, gained - came)  # by supports, over the step
        work.came += step.passing + float(gained[~self.free].sum())
        work.energy += float(gained.sum())
        work.passed += size * float(np.abs(self.model.inflow(time, within)).sum()) + float(np.abs(fed).sum())
        work.passed += abs(float(gained.sum()))
        work.temperature = step.temperature
        # what supports feed at the end: what flows away from their nodes, and what these take up
        reaction = np.where(self.free, 0.0, gained / size - step.flow)
        stored = float(step.flow[self.free].sum()) + float((gained / size)[~self.free].sum())
        return Moment(time, within, step.temperature, reaction, stored)

    def _between(
        self,
        before: FloatArray,
        rate: FloatArray | None,
        step: _Step,
        reached: Moment,
        time: float,
        share: float,
        size: float,
    ) -> Moment:
        """The state within a step: Hermite's cubic through both ends and their rates, of fourth order as the method's
        own error is; in the first step after a switch, whose rate is not known, the parabola.
        """
        if share >= 1.0 - 1e-12:
            return replace(reached, time=time)
        after, t = step.temperature, share
        if rate is None:
            bent = before - after + size * step.rate
            found = after - (1.0 - t) * size * step.rate + (1.0 - t) ** 2 * bent
        else:
            found = hermite(before, after, rate, step.rate, t, size)
        held, values = self.model.prescribed(time, reached.within)
        found[held] = values
        flow = self._flow(found, time, reached.within)
        taken = step.gained / size
        reaction = np.where(self.free, 0.0, taken - flow)
        return Moment(time, reached.within, found, reaction, float(flow[self.free].sum() + taken[~self.free].sum()))

    def _moment(self, work: _Work, time: float, within: float) -> Moment:
        """The state at the start."""
        held, values = self.model.prescribed(time, within)
        temperature = work.temperature.copy()
        temperature[held] = values
        own = self._flow(temperature, time, within)
        return Moment(time, within, temperature, np.where(self.free, 0.0, -own), float(own[self.free].sum()))
