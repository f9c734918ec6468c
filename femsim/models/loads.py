"""Loads: temperatures, prescribed displacements, tractions, free strains and forces on a space; steps and programs of
them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from femsim.base.arrays import BoolArray, FloatArray, IntArray
from femsim.models.space import Space


@dataclass(frozen=True)
class Traction:
    """Load on outer edges (K, 2 or 3 nodes, body on the left), in space on faces of one kind (K, 3 to 9 nodes, seen
    from outside): a vector per facet (K, width) and a pressure onto the body, in MPa, times ``weight`` (K, nodes of a
    facet) where it varies over the facets.
    """

    edges: IntArray
    vector: FloatArray
    pressure: float = 0.0
    weight: FloatArray | None = None


@dataclass(frozen=True)
class Support:
    """A named boundary: its nodes, the components it rules, and which of the conditions' loads it was given; ``force``
    (ndof,) in uN is what they come to at a moment.
    """

    name: str
    nodes: IntArray
    components: tuple[int, ...]
    loads: tuple[int, ...] = ()
    force: FloatArray | None = None

    def with_force(self, force: FloatArray | None) -> Support:
        """A copy with the given force."""
        return replace(self, force=force)


@dataclass(frozen=True)
class Load:
    """What acts on a space: the right-hand side of a boundary value problem.

    ``temperature`` (degC) is one number, a value per node (N,) or, where it jumps between cells, one per cell and node
    (E, n); ``stress_free_temperature`` one number or a value per region (regions,).
    ``prescribed`` (ndof,) are the displacements (um) of held degrees of freedom, zero elsewhere;
    ``eigenstrain`` (regions, 6) are further stress-free strains in the order 11, 22, 33, 23, 13, 12; ``force`` (ndof,)
    are nodal forces in uN; ``supports`` are the boundaries whose reactions are asked for.
    """

    temperature: float | FloatArray
    stress_free_temperature: float | FloatArray
    prescribed: FloatArray
    tractions: tuple[Traction, ...] = ()
    eigenstrain: FloatArray | None = None
    force: FloatArray | None = None
    supports: tuple[Support, ...] = ()

    def changed(self, **changes: Any) -> Load:
        """A copy with other values."""
        return replace(self, **changes)


@dataclass(frozen=True)
class Step:
    """One leg of a program: the load at its end, reached linearly from the end of the step before.

    ``space`` holds the supports in force during the step (all steps share one mesh and kinematics), ``duration`` is in
    seconds (zero: at once, nothing creeps), ``alive`` (regions,) says which regions are there; all where None. A region
    that was not alive in the step before is born at the step's start: stress-free on the shape and at the temperature
    of that moment. ``load.eigenstrain`` counts from the program's start; a region born later takes what was there at
    its birth for nothing. A step that is not ``reported`` is a piece of the next reported one.
    """

    name: str
    space: Space
    load: Load
    duration: float = 1.0
    alive: BoolArray | None = None
    increments: int | None = None
    reported: bool = True


@dataclass(frozen=True)
class Program:
    """Steps in order, and the load at the start of the first (the stress-free state). An elastic solve has one step."""

    start: Load
    steps: tuple[Step, ...] = field(default=())
