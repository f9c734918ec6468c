"""The one picture all stacks become: painted rectangles with a region each, bends, named lines and named roots.

Coordinates are (r, z) in axisymmetric and (x, y) in plane layouts, in um. Nothing after the layout knows which stack it
came from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from femsim.base.arrays import FloatArray
from femsim.base.errors import InputError

#: more cells than this before any is divided are a slip: each becomes six by six at least
MOST_PAINTED = 600_000


@dataclass(frozen=True)
class Block:
    """A rectangle ``x`` by ``y`` (the two coordinates of the layout) painted with a region; ``region=None`` paints
    void.
    """

    region: str | None
    x: tuple[float, float]
    y: tuple[float, float]


@dataclass(frozen=True)
class Bend:
    """Moves the grid so that edges of blocks may slope or curve: ``points (n, 2) -> points (n, 2)``, continuous and
    one-to-one.

    ``breaks_x`` and ``breaks_y`` are coordinates of the unbent layout where the mapping has kinks: the mesh puts grid
    lines there.
    """

    name: str
    move: Callable[[FloatArray], FloatArray]
    breaks_x: tuple[float, ...] = ()
    breaks_y: tuple[float, ...] = ()


@dataclass(frozen=True)
class Probe:
    """A named point (um); ``region`` says which side where it lies on an interface, ``key`` what faults name;
    ``estimated``: its errors are wanted.
    """

    name: str
    at: tuple[float, ...]
    region: str | None = None
    key: str = "probe"
    estimated: bool = True


@dataclass(frozen=True)
class Root:
    """A point where a conductor's side wall meets an interface.

    ``into`` = (sx, sy) points from the root into the conductor: sx = -1 where the conductor lies at smaller x (the
    outer wall), sy = +1 where it lies above the interface. ``width`` and ``height`` bound the averaging lengths: how
    far the conductor reaches. ``at`` is given in the unbent layout, and no bend moves it.
    """

    name: str
    at: tuple[float, float]
    region: str
    into: tuple[Literal[-1, 1], Literal[-1, 1]]
    width: float
    height: float


@dataclass(frozen=True)
class Rim:
    """A root circle of a body in space: where a round conductor's side wall meets the interface z = ``z``.

    ``up`` is 1 where the conductor lies above the interface, -1 below; ``into`` is -1 where it lies inside the
    circle, 1 outside; ``width`` and ``height`` bound the averaging lengths.
    """

    name: str
    centre: tuple[float, float]
    radius: float
    z: float
    region: str
    up: Literal[-1, 1]
    width: float
    height: float
    into: Literal[-1, 1] = -1

    def ring(self, length: float) -> tuple[float, float]:
        """Radii between which an average over ``length`` runs."""
        low, high = sorted((self.radius, self.radius + self.into * length))
        return low, high

    @property
    def at(self) -> tuple[float, float, float]:
        """The point of the circle at the angle 0."""
        return (self.centre[0] + self.radius, self.centre[1], self.z)


@dataclass(frozen=True)
class Line:
    """A named straight line of the unbent layout: ``axis`` 0 is x = value, 1 is y = value; ``span`` bounds the other
    coordinate.
    """

    name: str
    axis: Literal[0, 1]
    value: float
    span: tuple[float, float]


@dataclass(frozen=True)
class Smear:
    """A ring row of ``count`` round members, drawn in axisymmetry as a ring of one smeared material.

    ``member`` and ``matrix`` are roles; a matrix of None is empty space. ``fraction`` is the members' share of the
    ring's area.
    """

    member: str
    matrix: str | None
    count: int
    radius: float
    ring: float
    fraction: float


@dataclass(frozen=True)
class Layout:
    """Painted blocks (later over earlier), bends, lines, roots; ``corners`` are further points that deserve a fine
    mesh.

    A region's material is that of the role of its own name, of the role ``roles`` gives it, or the smeared one of
    ``smears``. ``hold`` is the point held along y, where the stack holds one; ``points`` are places that a case may
    name; ``breaks`` are further grid lines, (direction, coordinate), that places of boundary conditions need;
    ``fine`` are points (x, y) with the element size wanted there, lines where one is not a number.
    """

    blocks: tuple[Block, ...]
    bends: tuple[Bend, ...] = ()
    lines: tuple[Line, ...] = ()
    roots: tuple[Root, ...] = ()
    corners: tuple[tuple[float, float], ...] = ()
    dimensions: tuple[Dimension, ...] = field(default=())
    hold: tuple[float, float] | None = None
    breaks: tuple[tuple[int, float], ...] = ()
    roles: dict[str, str] = field(default_factory=dict)
    smears: dict[str, Smear] = field(default_factory=dict)
    points: tuple[Probe, ...] = ()
    fine: tuple[tuple[float, float, float], ...] = ()

    @property
    def regions(self) -> tuple[str, ...]:
        """Region names in the order of painting, each once."""
        return tuple(dict.fromkeys(block.region for block in self.blocks if block.region is not None))


@dataclass(frozen=True)
class Dimension:
    """A dimension to draw: from ``start`` to ``end`` with the case key it shows."""

    key: str
    start: tuple[float, float]
    end: tuple[float, float]


def paint(layout: Layout) -> tuple[FloatArray, FloatArray, npt.NDArray[np.int64]]:
    """Coarsest grid of a layout: sorted x lines (nx+1,), y lines (ny+1,), and region number per cell (ny, nx), -1 for
    void.
    """
    x = np.unique([value for block in layout.blocks for value in block.x])
    y = np.unique([value for block in layout.blocks for value in block.y])
    names = {name: number for number, name in enumerate(layout.regions)}
    if len(x) * len(y) > MOST_PAINTED:
        raise InputError(
            f"block: the edges of {len(layout.blocks)} blocks make {len(x) - 1} x {len(y) - 1} cells, more than "
            f"{MOST_PAINTED}, before any is divided; put edges on common lines"
        )
    mid_x, mid_y = 0.5 * (x[1:] + x[:-1]), 0.5 * (y[1:] + y[:-1])
    cells = np.full((len(mid_y), len(mid_x)), -1, dtype=np.int64)
    for block in layout.blocks:
        inside_x = (mid_x > block.x[0]) & (mid_x < block.x[1])
        inside_y = (mid_y > block.y[0]) & (mid_y < block.y[1])
        cells[np.ix_(inside_y, inside_x)] = -1 if block.region is None else names[block.region]
    return x, y, cells


def mirrored(layout: Layout) -> Layout:
    """The whole cross-section -x..x of a layout drawn for x >= 0: what a plane model of the same stack solves.

    A block that touches x = 0 becomes one block across it, any other one gets a twin; every root gets its twin on the
    other wall.
    """
    blocks: list[Block] = []
    for block in layout.blocks:
        low, high = block.x
        if low == 0.0:
            blocks.append(Block(block.region, (-high, high), block.y))
        else:
            blocks += [block, Block(block.region, (-high, -low), block.y)]
    roots = []
    for root in layout.roots:
        twin = replace(root, at=(-root.at[0], root.at[1]), into=(1 if root.into[0] < 0 else -1, root.into[1]))
        roots += [root, twin]
    lines: list[Line] = []
    for line in layout.lines:
        if line.axis == 0 and line.value != 0.0:
            lines += [line, Line(f"{line.name}_left", 0, -line.value, line.span)]
        elif line.axis == 1 and line.span[0] == 0.0:
            lines.append(Line(line.name, 1, line.value, (-line.span[1], line.span[1])))
        elif line.axis == 1:
            lines += [line, Line(f"{line.name}_left", 1, line.value, (-line.span[1], -line.span[0]))]
    corners = tuple(dict.fromkeys(c for x, y in layout.corners for c in ((x, y), (-x, y))))
    bends = tuple(_mirrored_bend(bend) for bend in layout.bends)
    return replace(layout, blocks=tuple(blocks), roots=tuple(roots), lines=tuple(lines), corners=corners, bends=bends)


def _mirrored_bend(bend: Bend) -> Bend:
    def move(points: FloatArray) -> FloatArray:
        side = np.where(points[:, 0] < 0, -1.0, 1.0)
        moved = bend.move(np.column_stack([np.abs(points[:, 0]), points[:, 1]]))
        return np.column_stack([side * moved[:, 0], moved[:, 1]])

    breaks = tuple(dict.fromkeys(x for value in bend.breaks_x for x in (value, -value)))
    return Bend(bend.name, move, breaks, bend.breaks_y)
