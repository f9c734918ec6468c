"""What a march works at in its increments: all of a body, or its flowing regions with the others condensed to an edge
(:mod:`femsim.solvers.condensed`).

Condensing pays where few cells flow and many increments are to come: every point of an interpolation costs a factor and
a solve for each unknown of the edge. It is done under uniform temperatures, without eigenstrain that changes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.models.body import Birth, Body, Conditions, Response, States
from femsim.models.loads import Program
from femsim.models.part import Part
from femsim.models.space import HELD
from femsim.solvers.condensed import FEWEST, Condensed, Outline, Pull, outline_of
from femsim.solvers.edged import EdgedFactors, Frame
from femsim.solvers.moments import Moment, births_of
from femsim.solvers.newton import Factors, Respond

#: unknowns of a body below which its own factors are fast enough
WORTH = 20_000
#: largest share of the unknowns that may be left, and unknowns of an edge
SHARE, EDGE = 0.25, 1_000
#: solves that a step of a program takes, about, one by one: its increments have some thirty each
SOLVES = 2_000


@dataclass(frozen=True)
class Reach:
    """Lowest and highest temperature (degC) of a program, and how many steps it has."""

    low: float
    high: float
    steps: int


def reach_of(program: Program) -> Reach | None:
    """None where a temperature or an eigenstrain is not uniform."""
    loads = [program.start, *(step.load for step in program.steps)]
    if any(np.ndim(load.temperature) > 0 or load.eigenstrain is not None for load in loads):
        return None
    temperatures = [float(np.asarray(load.temperature)) for load in loads]
    return Reach(min(temperatures), max(temperatures), len(program.steps))


@dataclass(frozen=True)
class View:
    """A part of the whole, its body, the same without laws, and the factors of its tangents."""

    part: Part
    body: Body
    elastic: Body
    factors: Factors


@dataclass(frozen=True)
class Divided:
    """A view whose flowing regions are worked at alone: their part of the whole and bodies, and the condensed rest."""

    full: View
    part: Part
    body: Body
    elastic: Body
    frame: Frame
    condensed: Condensed

    @property
    def far(self) -> Part:
        """The condensed regions as part of the whole."""
        return _within(self.condensed.outline.far, self.full.part)

    def leg(self, start: Moment, end: Moment) -> Near | None:
        """Between two moments; None where it cannot be gone so."""
        for one in (start.conditions, end.conditions):
            if np.ndim(one.temperature) > 0 or one.eigenstrain is not None:
                return None
        far = self.far
        equation = far.space.constraints.equation
        held, free = equation == HELD, np.flatnonzero(equation >= 0)
        here, shared = far.of(start.unknowns), self.condensed.outline.shared_far
        unknowns = np.zeros(far.space.constraints.count)
        unknowns[equation[free]] = here[free]
        unknowns[shared] = self.part.of(start.unknowns)[self.condensed.shared]
        own = ~held & ~np.isin(equation, shared)
        pull = Pull(
            here - far.space.scatter(unknowns),
            np.where(held, far.of(end.prescribed - start.prescribed), 0.0),
            np.where(own, far.of(start.external), 0.0),
            np.where(own, far.of(end.external - start.external), 0.0),
            births_of(far, start),
        )
        factors = EdgedFactors(
            self.frame,
            end.conditions,
            self.full.factors.backend,
            lambda c: self.condensed.at(_number(c), pull).stiffness,
        )
        return Near(View(self.part, self.body, self.elastic, factors), far, self.condensed, pull)


@dataclass(frozen=True)
class Near:
    """The flowing regions as a view in a leg, the others (``far``) condensed and moved by ``pull``."""

    view: View
    far: Part
    condensed: Condensed
    pull: Pull

    def size(self, moment: Moment) -> float:
        """The largest sum of the condensed elements' forces at a node, uN."""
        body, conditions = self.condensed.body, moment.conditions
        answer = body.respond(self.far.of(moment.unknowns), conditions, self.pull.births, {}, 0.0)
        return float(answer.size.max(initial=0.0))

    def edge_force(self, unknowns: FloatArray, conditions: Conditions, done: float) -> FloatArray:
        """Force (ndof of the view,) of the condensed regions at a part of the leg."""
        at = self.condensed.shared
        edge = self.condensed.at(_number(conditions), self.pull)
        found = np.zeros(len(unknowns))
        found[at] = edge.force(unknowns[at], done)
        return found

    def responding(
        self, conditions: Conditions, births: dict[str, Birth], states: States, dt: float, done: float
    ) -> Respond:
        """The answer of the view's body and the edge at a part of the leg."""

        def respond(unknowns: FloatArray) -> Response:
            found = self.view.body.respond(unknowns, conditions, births, states, dt)
            return replace(found, force=found.force + self.edge_force(unknowns, conditions, done))

        return respond

    def whole(self, moment: Moment, done: float) -> Moment:
        """With the displacements of the condensed regions at a part of the leg."""
        near = self.view.part.of(moment.unknowns)
        shared, temperature = near[self.condensed.shared], _number(moment.conditions)
        unknowns = moment.unknowns.copy()
        unknowns[self.far.dofs] = self.condensed.recovered(temperature, done, shared, self.pull)
        unknowns[self.view.part.dofs] = near
        return replace(moment, unknowns=unknowns)


def divided(full: View, reach: Reach | None, wanted: bool | None) -> Divided | None:
    """The flowing regions of a view, where the others can be condensed and ``wanted`` or that pays."""
    if reach is None or not full.body.flows:
        return None
    outline = outline_of(full.body.space, set(full.body.laws))
    if outline is None or not (wanted or _pays(full, outline, reach)):
        return None
    space, materials = outline.near.space, full.body.materials
    far = Body(outline.far.space, materials, {})
    body = Body(space, materials, dict(full.body.laws))
    edge = space.constraints.equation[outline.dofs]
    return Divided(
        full,
        _within(outline.near, full.part),
        body,
        Body(space, materials, {}),
        Frame.of(body, edge),
        Condensed(outline, far, full.factors.backend, reach.low, reach.high),
    )


def _number(conditions: Conditions) -> float:
    """A uniform temperature (degC)."""
    return float(np.asarray(conditions.temperature))


def _within(inner: Part, part: Part) -> Part:
    """A part of a part, as part of the whole."""
    return Part(inner.space, part.cells[inner.cells], part.nodes[inner.nodes], part.dofs[inner.dofs])


def _pays(full: View, outline: Outline, reach: Reach) -> bool:
    total, left = full.body.space.constraints.count, outline.near.space.constraints.count
    edge = len(outline.dofs)
    if total < WORTH or left > SHARE * total or edge > EDGE:
        return False
    varies = any(full.body.materials[full.body.space.mesh.regions[n]].depends_on_temperature for n in _far(outline))
    # PARDISO solves for many columns at a third of the price of one by one
    many = 0.3 if full.factors.backend == "pardiso" else 1.0
    points = FEWEST * 4 if varies else 1
    return many * edge * points <= SOLVES * reach.steps


def _far(outline: Outline) -> list[int]:
    return [int(n) for n in np.unique(outline.far.space.mesh.region)]
