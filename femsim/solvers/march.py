"""Programs of steps: a body that flows is taken through births, removals, supports, temperatures and loads in time.

A step's temperature, eigenstrain, forces and prescribed displacements go linearly from their values at its start to
those at its end. What changes at its start (a region born or removed, a support let go) is brought into equilibrium
first, at once, by letting the forces that hold it fade.

Within a step, increments are chosen by the error of time. Every increment is done whole and in two halves, and both are
combined, y = 2 y_half - y_whole: second order, with y_half - y_whole as the error (see :mod:`femsim.materials.law`);
where all that flows is viscoelastic, whose steps are of second order, y = y_half + (y_half - y_whole) / 3. Points that
begin to yield in the second half do not show in that difference; there the second half is done again in parts of a
half and two quarters, point by point with the strain linear in between, and the difference counts as their error.
Displacements, states and stresses are combined alike, so equilibrium and the elastic law hold. The error counts region
by region (:mod:`femsim.solvers.time_error`): stress against the largest so far, the strains ``p`` and ``creep`` and
``work`` against what they will have come to by the end of the step at their present rate, at most the elastic strain
that drives them. A body without a flowing region takes a step at once, which is exact.

Where Newton's method fails an increment is cut; below LIMIT the load counts as beyond the limit load.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from femsim.base.arrays import BoolArray, FloatArray
from femsim.base.errors import NumericsError
from femsim.base.stepping import next_size
from femsim.materials.elastic import Material
from femsim.materials.law import Law
from femsim.materials.point import extrapolated
from femsim.models.assembly import external_force, prescribed_force
from femsim.models.body import Birth, Body, Conditions, Response, Rest, States
from femsim.models.loads import Load, Program, Step
from femsim.models.part import part_of
from femsim.models.space import HELD, Space, check_held
from femsim.solvers.factor import choose_backend
from femsim.solvers.moments import (
    Increment,
    LimitError,
    Moment,
    Stage,
    beginning,
    births_of,
    conditions_of,
    same,
)
from femsim.solvers.near import Divided, Near, Reach, View, divided, reach_of
from femsim.solvers.newton import Equilibrium, Factors, Respond, equilibrium
from femsim.solvers.time_error import Means, Scales, error_of, onset, reached, scales_of
from femsim.solvers.trend import Trend

#: error of an increment (relative, see above) that is allowed where none is asked for
TOLERANCE = 2.0e-4
#: first increment of a step, as a part of it: small, since where stress turns over an error can hide in the difference
#: of one increment and two; one that creeps at held strain starts fast and slows down
FIRST, FIRST_DWELL = 0.02, 0.01
#: part of the elastic answer to a step that errors count against at least
EXPECTED = 0.05
#: strain that errors count against at least: a body free to shrink has no stress but rounding
NOTHING = 1.0e-7
#: parts of a step below which an increment is not cut any more: for its error, for want of equilibrium
SMALLEST, LIMIT = 1.0e-8, 1.0e-5
#: smallest increments in a row whose error is too large: one jump is passed so, a collapse is not
FORCED = 5
#: unknowns above which the fastest solver is worth its loading, many matrices being factorised
MANY = 4000
#: a residual (of the forces) below which nothing changed at a step's start
BALANCED = 1.0e-7


@dataclass(frozen=True)
class Settings:
    """How a march is done: allowed error of an increment, whether increments are extrapolated (else plain backward
    Euler with the increments a step asks for), who is told of each accepted increment, who sees the body then, and
    whether elastic regions are condensed (where that can be; None: where it pays, see :mod:`femsim.solvers.near`).
    """

    tolerance: float = TOLERANCE
    extrapolate: bool = True
    backend: str | None = None
    told: Callable[[Increment], None] | None = None
    seen: Callable[[Stage], None] | None = None
    condense: bool | None = None


def march(
    space: Space,
    materials: dict[str, Material],
    laws: dict[str, Law],
    program: Program,
    settings: Settings | None = None,
    resume: Moment | None = None,
) -> Iterator[Stage]:
    """The stages at the ends of a program's steps, one after the other; ``resume`` goes on behind an earlier moment.

    Going on from a moment at the end of a step gives bit for bit what the undisturbed march gives: nothing but the
    moment is carried over from step to step. Raises LimitError where a step cannot be finished, InputError where a part
    of the body is not held.
    """
    settings = settings or Settings()
    moment = resume or beginning(space, laws, program)
    carried: tuple[Increment, ...] = ()
    runner: _Runner | None = None
    reach = reach_of(program)
    for number in range(moment.step, len(program.steps)):
        step = program.steps[number]
        runner = _Runner(materials, laws, step, settings, moment, reach, runner)
        try:
            moment = replace(runner.run(moment), step=number + 1)
        except LimitError as error:
            if error.last is not None:
                done = carried + tuple(runner.increments)
                error.stage = Stage(step, error.last, runner.part, runner.body, done, runner.full.factors)
            raise
        carried += tuple(runner.increments)
        if step.reported or number + 1 == len(program.steps):
            yield Stage(step, moment, runner.part, runner.body, carried, runner.full.factors)
            carried = ()


class _Runner:
    """One step: what is fixed during it (part, body, ends of the loads) and the factors used along the way."""

    def __init__(
        self,
        materials: dict[str, Material],
        laws: dict[str, Law],
        step: Step,
        settings: Settings,
        moment: Moment,
        reach: Reach | None,
        before: _Runner | None = None,
    ) -> None:
        regions = step.space.mesh.regions
        self.step, self.settings = step, settings
        self.alive = np.ones(len(regions), dtype=bool) if step.alive is None else np.asarray(step.alive, dtype=bool)
        if before is not None and (before.step.space is not step.space or not np.array_equal(before.alive, self.alive)):
            before = None
        if before is None:
            self.part = part_of(step.space, self.alive)
            check_held(self.part.space)
            here = {name for i, name in enumerate(regions) if self.alive[i]}
            self.body = Body(self.part.space, materials, {name: law for name, law in laws.items() if name in here})
            self.elastic = Body(self.part.space, materials, {})
        else:
            self.part, self.body, self.elastic = before.part, before.body, before.elastic
        self.means: Means = Means.of(self.body) if before is None else before.means
        self.end = Conditions(step.load.temperature, step.load.eigenstrain)
        self.external = external_force(step.space, step.load)
        self.increments: list[Increment] = []
        count = self.part.space.constraints.count
        size = None if self.body.flows and count > MANY else count
        backend = settings.backend or choose_backend(None, size, self.part.space.mesh.dim)
        same = None if before is None else before.full.factors
        factors = Factors(self.body, conditions_of(self.part, self.end), backend, same)
        self.full: View = View(self.part, self.body, self.elastic, factors)
        self.divided: Divided | None
        if before is not None:
            self.divided = None if before.divided is None else replace(before.divided, full=self.full)
        else:
            self.divided = None if settings.condense is False else divided(self.full, reach, settings.condense)
        self.near: Near | None = None
        self.view = self.full
        self._rests: tuple[tuple[Conditions, Rest], ...] = ()
        self.load: Load = step.load
        self.first = moment.step == 0

    def run(self, moment: Moment) -> Moment:
        """From the end of the step before to the end of this one."""
        changed = not (self.first or np.array_equal(moment.alive, self.alive))
        begun = self._begin(moment)
        released = bool(np.any(moment.held[self.part.dofs] & ~self._held()))
        if changed or released or (self.first and not np.isscalar(self.load.stress_free_temperature)):
            begun = self._settle(begun)
        span = self.step.duration
        target = replace(
            begun,
            time=begun.time + span,
            conditions=self.end,
            prescribed=self.step.load.prescribed,
            external=self.external,
        )
        dwell = same(begun.conditions, self.end) and np.array_equal(begun.external, self.external)
        dwell = dwell and np.array_equal(begun.prescribed, self.step.load.prescribed)
        if dwell and not (self.body.slow and span > 0.0):  # nothing moves and nothing flows
            return target
        first = FIRST_DWELL if dwell else FIRST
        most = 1.0 / self.step.increments if self.step.increments else 1.0
        return self._leg(begun, target, min(first, most), most, self.step.increments)

    def _held(self) -> BoolArray:
        return np.asarray(self.part.space.constraints.equation == HELD)

    def _begin(self, moment: Moment) -> Moment:
        """Births and removals; prescribed values of supports that come into force count from here."""
        regions, width = self.step.space.mesh.regions, self.step.space.width
        born = [n for i, n in enumerate(regions) if self.alive[i] and not moment.alive[i]]
        births = {n: b for n, b in moment.births.items() if self.alive[regions.index(n)]}
        states = {n: list(s) for n, s in moment.states.items() if self.alive[regions.index(n)]}
        unknowns = moment.unknowns.copy()
        free = self.load.stress_free_temperature
        if born:
            mesh = self.step.space.mesh
            there = np.zeros(len(mesh.points), dtype=bool)
            there[np.unique(mesh.cells[moment.alive[mesh.region]])] = True
            fresh = np.flatnonzero(~np.repeat(there, width))
            unknowns[fresh] = 0.0  # counted from the birth
            for name in born:
                number = regions.index(name)
                temperature = moment.conditions.temperature
                if self.first:
                    temperature = float(np.broadcast_to(np.asarray(free, dtype=float), len(regions))[number])
                eigenstrain = moment.conditions.eigenstrain
                births[name] = Birth(
                    temperature,
                    unknowns.copy() if np.any(unknowns) else None,
                    None if eigenstrain is None else eigenstrain[number],
                )
            states |= {
                n: list(s) for n, s in self.body.start(born, self.part.field(moment.conditions.temperature)).items()
            }
        full = np.zeros(self.step.space.ndof, dtype=bool)
        full[self.part.dofs] = self._held()
        return replace(
            moment,
            unknowns=unknowns,
            prescribed=np.where(moment.held | self.first, moment.prescribed, 0.0),
            held=full,
            alive=self.alive,
            births=births,
            states=states,
        )

    def _settle(self, moment: Moment) -> Moment:
        """Equilibrium at once after a change: what is out of balance fades."""
        force, size = self.body.element_forces(
            self.part.of(moment.unknowns),
            conditions_of(self.part, moment.conditions),
            births_of(self.part, moment),
            moment.states,
        )
        space = self.part.space
        out = force - self.part.of(moment.external)
        left = space.gather(out)
        if np.abs(left).max(initial=0.0) <= BALANCED * max(float(size.max(initial=0.0)), 1e-300):
            return moment
        whole = self.part.into(out, np.zeros(len(moment.external)))
        holding = replace(moment, external=moment.external + whole)
        return replace(self._leg(holding, moment, 1.0, 1.0, None), external=moment.external)

    def _leg(self, start: Moment, end: Moment, size: float, most: float, count: int | None) -> Moment:
        """From one moment to the loads and the time of another."""
        self._rests = ()
        self._least, self._most = Scales(), Scales()
        self.near = None if self.divided is None else self.divided.leg(start, end)
        self.view = self.full if self.near is None else self.near.view
        if self.near is not None:
            self.floor = max(self.floor, self.near.size(start))
        if not self.body.flows:
            return self._increment(start, end, 0.0, 1.0, start, None)[0]
        done, moment, trend = 0.0, start, None
        size, forced = min(size, most), 0
        if self.settings.extrapolate:
            self._least, self._most = self._expected(start, end)
        if count and not self.settings.extrapolate:
            size = most
        while done < 1.0:
            to = 1.0 if done + size > 1.0 - 1e-9 else done + size
            try:
                fresh, error, found = self._accepted(start, end, done, to, moment, trend)
            except NumericsError as failure:
                size = 0.25 * (to - done)
                trend = None
                self.view.factors.forget()
                if size < LIMIT:
                    raise LimitError(
                        f"step {self.step.name!r}: no equilibrium beyond {100 * done:.4g} % of it (at "
                        f"{moment.time:g} s); is the load beyond the limit load? ({failure})",
                        self._whole(moment, done),
                    ) from failure
                continue
            if error > 1.0 and to - done > SMALLEST:
                size = (to - done) * next_size(error)
                continue
            step = to - done
            moment, done, trend = fresh, to, found
            forced = forced + 1 if error > 1.0 else 0
            if forced > FORCED:
                raise LimitError(
                    f"step {self.step.name!r}: cannot be followed beyond {100 * done:.4g} % of it (at {moment.time:g} "
                    "s), however small the increment; is the load beyond the limit load?",
                    self._whole(moment, done),
                )
            if self.settings.extrapolate:
                size = max(min(most, step * next_size(error)), SMALLEST)
            if self.settings.seen is not None:
                moment = self._whole(moment, done)
            self._tell(step, error, moment)
        return self._whole(moment, 1.0)

    def _whole(self, moment: Moment, done: float) -> Moment:
        """With the displacements of condensed regions, at a part of the leg."""
        return moment if self.near is None else self.near.whole(moment, done)

    def _accepted(
        self, start: Moment, end: Moment, a: float, b: float, moment: Moment, trend: Trend | None
    ) -> tuple[Moment, float, Trend]:
        """One increment: the moment at its end, its error over what is allowed, and what the next may be guessed by."""
        begin, size = moment.unknowns, b - a
        self._work = [0, 0]
        if not self.settings.extrapolate:
            guess = None if trend is None else trend.at(begin, size)
            whole, _ = self._increment(start, end, a, b, moment, guess)
            scales = scales_of(self.means, whole.states, moment.scales, self._modulus())
            return replace(whole, scales=scales), 0.0, Trend.of(size, begin, whole.unknowns, trend)
        middle = 0.5 * (a + b)
        guess = None if trend is None else trend.at(begin, 0.5 * size) - trend.off(size, 0.5)
        half, _ = self._increment(start, end, a, middle, moment, guess)
        last = 2.0 * half.unknowns - begin
        if trend is not None and guess is not None:  # twice what the guess of the first half missed
            last = trend.at(begin, size) - trend.off(size, 1.0) + 2.0 * (half.unknowns - guess)
        halves, _ = self._increment(start, end, middle, b, half, last)
        guess = halves.unknowns if trend is None else halves.unknowns - trend.off(size, 1.0)
        whole, _ = self._increment(start, end, a, b, moment, guess)
        means, tolerance = self.means, self.settings.tolerance
        scales = scales_of(means, halves.states, moment.scales, self._modulus())
        weight = 1.0 / (2.0**self.view.body.order - 1.0)
        against = scales.at_least(self._least)
        against = reached(means, moment.states, halves.states, (1.0 - b) / size, self._most, against)
        error = weight * error_of(means, whole.states, halves.states, against) / tolerance
        late = onset(means, moment.states, half.states, halves.states, against, tolerance)
        if late is not None and error <= 1.0:
            error = max(error, error_of(means, halves.states, self._again(half, halves), against, late) / tolerance)
        states = {
            name: [
                extrapolated(w, h, m, weight)
                for w, h, m in zip(whole.states[name], halves.states[name], moment.states[name], strict=True)
            ]
            for name in halves.states
        }
        unknowns = halves.unknowns + weight * (halves.unknowns - whole.unknowns)
        fresh = replace(halves, unknowns=unknowns, states=states, scales=scales)
        found = Trend.of(size, begin, unknowns, trend, halves.unknowns - whole.unknowns)
        return fresh, error, found

    def _again(self, begin: Moment, end: Moment) -> States:
        """States at the end of an increment whose displacement is known, in a half and two quarters of it."""
        part, states = self.view.part, begin.states
        births, here, done = births_of(part, begin), part.of(begin.unknowns), 0.0
        for to in (0.5, 0.75, 1.0):
            conditions = conditions_of(part, begin.conditions.towards(end.conditions, to))
            moved = here + to * (part.of(end.unknowns) - here)
            dt = (to - done) * (end.time - begin.time)
            states, done = self.view.body.respond(moved, conditions, births, states, dt).states, to
        return states

    def _increment(
        self, start: Moment, end: Moment, a: float, b: float, moment: Moment, guess: FloatArray | None
    ) -> tuple[Moment, Equilibrium]:
        """One implicit step from ``moment`` at part a to part b of a leg."""
        part = self.view.part
        whole = start.conditions.towards(end.conditions, b)
        conditions = conditions_of(part, whole)
        external = start.external + b * (end.external - start.external)
        prescribed = start.prescribed + b * (end.prescribed - start.prescribed)
        births = births_of(self.view.part, moment)
        moved = part.of(prescribed - moment.prescribed)
        moved = np.where(self._fixed(), moved, 0.0)
        here = part.of(moment.unknowns)
        if guess is None:
            first = self._predicted(moment, conditions, births, here, part.of(external), moved, (a, b))
            self.view.factors.forget()
        else:
            first = part.of(guess)
            first = np.where(self._fixed(), here + moved, first)
        dt = (b - a) * (end.time - start.time)
        made = self.view.factors.made
        found = equilibrium(
            self.view.body,
            first,
            part.of(external),
            conditions,
            self._responding(conditions, births, moment.states, dt, b),
            self.view.factors,
            floor=self.floor,
        )
        self._work = [self._work[0] + len(found.residuals) - 1, self._work[1] + self.view.factors.made - made]
        fresh = replace(
            moment,
            time=start.time + b * (end.time - start.time),
            unknowns=part.into(found.unknowns, moment.unknowns),
            conditions=whole,
            prescribed=prescribed,
            external=external,
            states=found.response.states,
        )
        return fresh, found

    def _responding(
        self, conditions: Conditions, births: dict[str, Birth], states: States, dt: float, done: float
    ) -> Respond:
        """The body's answer. What elastic regions answer under the same conditions is known from the first time on, by
        their stiffness: to the whole increment and the second half, and to all of a dwell.
        """

        def respond(unknowns: FloatArray) -> Response:
            known = next((rest for other, rest in self._rests if same(other, conditions)), None)
            stiffness = None if known is None else self.view.factors.rest(conditions)
            near = None if known is None or stiffness is None else known.at(unknowns, stiffness)
            found = self.view.body.respond(unknowns, conditions, births, states, dt, near)
            if near is None:
                self._rests = ((conditions, found.rest), *self._rests[:1])
            return found

        return respond if self.near is None else self.near.responding(conditions, births, states, dt, done)

    def _fixed(self) -> BoolArray:
        return np.asarray(self.view.part.space.constraints.equation == HELD)

    floor = 0.0
    _least, _most = Scales(), Scales()
    _work: list[int] = [0, 0]  # noqa: RUF012 (set anew for each increment)

    def _predicted(
        self,
        moment: Moment,
        conditions: Conditions,
        births: dict[str, Birth],
        here: FloatArray,
        external: FloatArray,
        moved: FloatArray,
        parts: tuple[float, float],
    ) -> FloatArray:
        """The elastic answer to the change of the loads between two parts of a leg, added to the displacement."""
        space = self.view.part.space
        before, now = self.view.part.of(moment.external), conditions_of(self.view.part, moment.conditions)
        answers = [self.view.elastic.respond(here, c, births, {}, 0.0) for c in (now, conditions)]
        # what a step begins with counts in it to its end, where nothing may be left of it
        self.floor = max(self.floor, float(answers[0].size.max(initial=0.0)))
        thermal = [answer.force for answer in answers]
        if self.near is not None:
            pairs = zip(thermal, (now, conditions), parts, strict=True)
            thermal = [force + self.near.edge_force(here, c, done) for force, c, done in pairs]
        force = space.gather(external - before + thermal[0] - thermal[1])
        force = force + prescribed_force(space, self.view.elastic.moduli(conditions), moved)
        return here + space.scatter(self.view.factors.stiff.solve(force)) + moved

    def _expected(self, start: Moment, end: Moment) -> tuple[Scales, Scales]:
        """A small part of what a leg would do to the flowing regions if they were elastic: errors count against it
        where a body that starts from nothing has not come so far yet. And all of it, with the stress there is, which
        may be let go: no more flow is expected than that.
        """
        part, births = self.view.part, births_of(self.view.part, start)
        here, moved = part.of(start.unknowns), np.where(self._fixed(), part.of(end.prescribed - start.prescribed), 0.0)
        before, after = (conditions_of(part, c) for c in (start.conditions, end.conditions))
        there = self._predicted(start, after, births, here, part.of(end.external), moved, (0.0, 1.0))
        flowing = [b.law is not None for b in self.view.body.batches]
        pairs = (self.view.elastic.stresses(u, c, births, {}) for u, c in ((here, before), (there, after)))
        changes: dict[str, list[FloatArray]] = {}
        for batch, flows, a, b in zip(self.view.body.batches, flowing, *pairs, strict=True):
            if flows:
                name = part.space.mesh.regions[batch.region]
                changes.setdefault(name, []).append((b - a).reshape(a.shape[0] * a.shape[1], -1))
        modulus = self._modulus()
        least, most = {}, {}
        for name, change in changes.items():
            whole = np.maximum(self.means.of_values(name, change), NOTHING * modulus)
            stress = np.maximum(EXPECTED * whole, NOTHING * modulus)
            there_now = self.means.of_values(name, [s["stress"] for s in start.states[name]])
            least[name] = np.array([stress, stress / modulus, stress**2 / modulus])
            most[name] = np.array([whole, (whole + there_now) / modulus, whole**2 / modulus])
        return Scales(least), Scales(most)

    def _modulus(self) -> float:
        laws = [batch.law for batch in self.view.body.batches if batch.law is not None]
        e = [getattr(getattr(law, "law", law), "youngs_modulus", None) for law in laws]
        return max((max(x.values) for x in e if x is not None), default=1.0)

    def _tell(self, part: float, error: float, moment: Moment) -> None:
        done = Increment(self.step.name, moment.time, part, error, *self._work)
        self.increments.append(done)
        if self.settings.told is not None:
            self.settings.told(done)
        if self.settings.seen is not None:
            self.settings.seen(Stage(self.step, moment, self.part, self.body, (done,), self.full.factors))
