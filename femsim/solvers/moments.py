"""What a march of steps is at one time, and what it leaves behind: moments, stages, increments."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from femsim.base.arrays import BoolArray, FloatArray
from femsim.base.errors import NumericsError
from femsim.materials.law import Law, State
from femsim.models.assembly import external_force
from femsim.models.body import Birth, Body, Conditions
from femsim.models.loads import Program, Step
from femsim.models.part import Part
from femsim.models.space import Space
from femsim.solvers.time_error import Scales

if TYPE_CHECKING:  # which know moments themselves
    from femsim.solvers.newton import Factors
    from femsim.solvers.system import SystemFactor


class LimitError(NumericsError):
    """A step that could not be finished; ``last`` is the last good moment, ``stage`` what there is of the step."""

    stage: Stage | None = None

    def __init__(self, message: str, last: Moment | None = None) -> None:
        super().__init__(message)
        self.last = last


@dataclass(frozen=True)
class Moment:
    """A body at one time: all that is needed to go on from there. Arrays of degrees of freedom are the whole body's.

    ``held`` (ndof,) says which degrees of freedom are held, ``prescribed`` (ndof,) and ``external`` (ndof,) where the
    load stands, ``alive`` (regions,) which regions are there; ``step`` steps are done.
    """

    step: int
    time: float
    unknowns: FloatArray
    conditions: Conditions
    prescribed: FloatArray
    external: FloatArray
    held: BoolArray
    alive: BoolArray
    births: dict[str, Birth]
    states: dict[str, list[State]]
    scales: Scales = field(default_factory=Scales)


@dataclass(frozen=True)
class Increment:
    """What an accepted increment took: the step's name, time (s) at its end, part of the step, error (relative to what
    is allowed), iterations and factorisations of its three solves.
    """

    step: str
    time: float
    part: float
    error: float
    iterations: int
    factorisations: int


@dataclass(frozen=True)
class Stage:
    """The end of a step: the moment, the part of the body that is there and its body, the increments since the last
    stage, and the factors it was found with.
    """

    step: Step
    moment: Moment
    part: Part
    body: Body
    increments: tuple[Increment, ...]
    factors: Factors

    @property
    def factor(self) -> SystemFactor:
        """The latest tangent, or the elastic stiffness."""
        return self.factors.current

    @property
    def births(self) -> dict[str, Birth]:
        """Births with the displacements of the part's degrees of freedom."""
        return births_of(self.part, self.moment)

    @property
    def stresses(self) -> list[FloatArray]:
        """Stress (E, q, size) of every batch of the body, MPa."""
        moment = self.moment
        conditions = conditions_of(self.part, moment.conditions)
        return self.body.stresses(self.part.of(moment.unknowns), conditions, self.births, moment.states)

    @property
    def element_forces(self) -> tuple[FloatArray, FloatArray]:
        """Nodal forces (ndof of the part,) of the stresses, and the sums of the elements' magnitudes, uN."""
        moment = self.moment
        conditions = conditions_of(self.part, moment.conditions)
        return self.body.element_forces(self.part.of(moment.unknowns), conditions, self.births, moment.states)


def beginning(space: Space, laws: dict[str, Law], program: Program) -> Moment:
    """The start of a program: nothing is there yet; the first step's regions are born free of stress."""
    start = program.start
    count = len(space.mesh.regions)
    return Moment(
        0,
        0.0,
        np.zeros(space.ndof),
        Conditions(start.temperature, start.eigenstrain),
        start.prescribed.copy(),
        external_force(space, start),
        np.zeros(space.ndof, dtype=bool),
        np.zeros(count, dtype=bool),
        {},
        {},
    )


def births_of(part: Part, moment: Moment) -> dict[str, Birth]:
    """A moment's births, displacements and temperatures being those of a part."""
    return {
        name: Birth(
            part.field(b.temperature),
            None if b.displacement is None else part.of(b.displacement),
            b.eigenstrain,
        )
        for name, b in moment.births.items()
    }


def conditions_of(part: Part, conditions: Conditions) -> Conditions:
    """Conditions of the whole body in a part of it."""
    return Conditions(part.field(conditions.temperature), conditions.eigenstrain)


def same(a: Conditions, b: Conditions) -> bool:
    """Whether two conditions are equal."""

    def equal(x: FloatArray | float | None, y: FloatArray | float | None) -> bool:
        return (x is None) == (y is None) and (x is None or np.array_equal(np.asarray(x), np.asarray(y)))

    return equal(a.temperature, b.temperature) and equal(a.eigenstrain, b.eigenstrain)
