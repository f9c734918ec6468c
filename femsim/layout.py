"""The one picture all stacks become: painted rectangles with a region each, bends, named lines and named roots.

Coordinates are (r, z) in axisymmetric and (x, y) in plane layouts, in um. Nothing after the layout knows which stack it came from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Block:
    """A rectangle ``x`` by ``y`` (the two coordinates of the layout) painted with a region; ``region=None`` paints void."""

    region: str | None
    x: tuple[float, float]
    y: tuple[float, float]


@dataclass(frozen=True)
class Bend:
    """Moves the grid so that edges of blocks may slope or curve: ``points (n, 2) -> points (n, 2)``, continuous and one-to-one.

    ``breaks_x`` and ``breaks_y`` are coordinates of the unbent layout where the mapping has kinks: the mesh puts grid lines there.
    """

    name: str
    move: Callable[[FloatArray], FloatArray]
    breaks_x: tuple[float, ...] = ()
    breaks_y: tuple[float, ...] = ()


@dataclass(frozen=True)
class Root:
    """A point where a conductor's side wall meets an interface.

    ``into`` = (sx, sy) points from the root into the conductor: sx = -1 where the conductor lies at smaller x (the outer wall), sy = +1
    where it lies above the interface. ``width`` and ``height`` bound the averaging lengths: how far the conductor reaches.
    ``at`` is given in the unbent layout, and no bend moves it.
    """

    name: str
    at: tuple[float, float]
    region: str
    into: tuple[Literal[-1, 1], Literal[-1, 1]]
    width: float
    height: float


@dataclass(frozen=True)
class Line:
    """A named straight line of the unbent layout: ``axis`` 0 is x = value, 1 is y = value; ``span`` bounds the other coordinate."""

    name: str
    axis: Literal[0, 1]
    value: float
    span: tuple[float, float]


@dataclass(frozen=True)
class Layout:
    """Painted blocks (later over earlier), bends, lines, roots; ``corners`` are further points that deserve a fine mesh."""

    blocks: tuple[Block, ...]
    bends: tuple[Bend, ...] = ()
    lines: tuple[Line, ...] = ()
    roots: tuple[Root, ...] = ()
    corners: tuple[tuple[float, float], ...] = ()
    dimensions: tuple[Dimension, ...] = field(default=())
    hold: tuple[float, float] | None = None  # the point held along y, where the stack holds one

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
    """Coarsest grid of a layout: sorted x lines (nx+1,), y lines (ny+1,), and region number per cell (ny, nx), -1 for void."""
    x = np.unique([value for block in layout.blocks for value in block.x])
    y = np.unique([value for block in layout.blocks for value in block.y])
    names = {name: number for number, name in enumerate(layout.regions)}
    mid_x, mid_y = 0.5 * (x[1:] + x[:-1]), 0.5 * (y[1:] + y[:-1])
    cells = np.full((len(mid_y), len(mid_x)), -1, dtype=np.int64)
    for block in layout.blocks:
        inside_x = (mid_x > block.x[0]) & (mid_x < block.x[1])
        inside_y = (mid_y > block.y[0]) & (mid_y < block.y[1])
        cells[np.ix_(inside_y, inside_x)] = -1 if block.region is None else names[block.region]
    return x, y, cells
