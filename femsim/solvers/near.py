"""What a march works at in its increments: all of a body, or its flowing regions with the others condensed to an edge
(:mod:`femsim.solvers.condensed`).

Condensing pays where few cells flow and many increments are to come: every point of an interpolation costs a factor and
a solve for each unknown of the edge. It is done under uniform temperatures, without eigenstrain that changes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.materials.law import Law
from femsim.models.body import Birth, Body, Conditions, Response, States
from femsim.models.loads import Program
from femsim.models.part import Part
from femsim.models.space import HELD
from femsim.solvers.condensed import FEWEST, Condensed, Outline, Pull, outline_of
from femsim.solvers.edged import EdgedFactors
from femsim.solvers.factor import choose_backend
from femsim.solvers.moments import Moment, births_of, conditions_of
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
class Near:
    """The flowing regions of a body as a view, the others condensed; ``part`` is that of both."""

    view: View
    part: Part
    condensed: Condensed

    def at(self, conditions: Conditions) -> Near:
        """The same for another step: nothing of what happened is kept."""
        body, own = self.view.body, self.view.factors
        assert isinstance(own, EdgedFactors)
        factors = EdgedFactors(
            body, conditions_of(self.view.part, conditions), own.backend, own.edge, own.stiffness, own
        )
        return replace(self, view=replace(self.view, factors=factors))

    def take(self, start: Moment, end: Moment) -> bool:
        """Go into a leg; False where it cannot be gone so."""
        for one in (start.conditions, end.conditions):
            if np.ndim(one.temperature) > 0 or one.eigenstrain is not None:
                return False
        far, place = self.condensed.outline.far, self._far
        equation = far.space.constraints.equation
        held = equation == HELD
        own = ~held & ~np.isin(equation, self.condensed.outline.shared_far)
        self.condensed.take(
            Pull(
                np.where(held, start.unknowns[place], 0.0),
                np.where(held, (end.prescribed - start.prescribed)[place], 0.0),
                np.where(own, start.external[place], 0.0),
                np.where(own, (end.external - start.external)[place], 0.0),
                births_of(_within(far, self.part), start),
            )
        )
        return True

    @property
    def _far(self) -> IntArray:
        return self.part.dofs[self.condensed.outline.far.dofs]

    def size(self, moment: Moment) -> float:
        """The largest sum of the condensed elements' forces at a node, uN."""
        return self.condensed.size(moment.unknowns[self._far], float(np.asarray(moment.conditions.temperature)))

    def edge_force(self, unknowns: FloatArray, conditions: Conditions, done: float) -> FloatArray:
        """Force (ndof of the view,) of the condensed regions at a part of the leg."""
        at = self.condensed.shared
        edge = self.condensed.at(float(np.asarray(conditions.temperature)))
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
        temperature = float(np.asarray(moment.conditions.temperature))
        unknowns = moment.unknowns.copy()
        unknowns[self._far] = self.condensed.recovered(temperature, done, near[self.condensed.shared])
        unknowns[self.view.part.dofs] = near
        return replace(moment, unknowns=unknowns)


def near_of(full: View, laws: dict[str, Law], reach: Reach | None, wanted: bool | None) -> Near | None:
    """The flowing regions of a view, where the others can be condensed and ``wanted`` or that pays."""
    if reach is None or not full.body.flows:
        return None
    space = full.body.space
    outline = outline_of(space, set(full.body.laws))
    if outline is None or not (wanted or _pays(full, outline, reach)):
        return None
    near, part = outline.near, full.part
    materials = full.body.materials
    backend = full.factors.backend
    condensed = Condensed(outline, Body(outline.far.space, materials, {}), backend, reach.low, reach.high)
    body = Body(near.space, materials, dict(full.body.laws))
    equation = near.space.constraints.equation
    factors = EdgedFactors(
        body,
        full.factors.conditions,
        choose_backend(None, None, 2) if backend is None else backend,
        equation[outline.dofs],
        lambda c: condensed.at(float(np.asarray(c.temperature))).stiffness,
    )
    return Near(View(_within(near, part), body, Body(near.space, materials, {}), factors), part, condensed)


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
