"""Stack ``blocks``: a layout written by hand. Later blocks paint over earlier ones; void where none."""

from __future__ import annotations

from typing import Literal

import numpy as np

from femsim.base.errors import InputError, nearest
from femsim.cases.parts import RootSpec
from femsim.cases.stacks.blocks import BlocksCase
from femsim.meshes.layout import Block, Layout, Line, Root, paint


def blocks(case: BlocksCase) -> Layout:
    """Layout of the case's rectangles with its bounding lines named."""
    painted = []
    for block in case.block:
        x, y = (block.r, block.z) if block.r is not None else (block.x, block.y)
        if x is None or y is None:
            raise InputError(f"block.{block.name}: give r and z, or x and y")
        painted.append(Block(block.name, x, y))
    plain = Layout(tuple(painted))
    xs, ys, cells = paint(plain)
    for number, name in enumerate(plain.regions):
        if not np.any(cells == number):
            raise InputError(f"block.{name}: lies wholly under later blocks; remove it or move it down the list")
    x_span, y_span = (float(xs[0]), float(xs[-1])), (float(ys[0]), float(ys[-1]))
    first, last = ("axis" if x_span[0] == 0.0 and case.model.kinematics == "axisymmetric" else "inner"), "outer"
    lines = (
        Line(first, 0, x_span[0], y_span),
        Line(last, 0, x_span[1], y_span),
        Line("bottom", 1, y_span[0], x_span),
        Line("top", 1, y_span[1], x_span),
    )
    roots = tuple(_root(plain, root) for root in case.root)
    return Layout(tuple(painted), lines=lines, roots=roots, corners=_corners(plain, roots, on_axis=first == "axis"))


def _root(layout: Layout, root: RootSpec) -> Root:
    """The root with the direction in which its conductor lies, read off the painted cells around it."""
    xs, ys, cells = paint(layout)
    if root.region not in layout.regions:
        raise InputError(
            f"root.{root.name}.region: {root.region!r} is not a block{nearest(root.region, layout.regions)}"
        )
    number = layout.regions.index(root.region)
    found: list[tuple[Literal[-1, 1], Literal[-1, 1]]] = []
    for sx in (-1, 1):
        for sy in (-1, 1):
            column = np.searchsorted(xs, root.at[0], side="left" if sx < 0 else "right") - 1
            row = np.searchsorted(ys, root.at[1], side="left" if sy < 0 else "right") - 1
            if 0 <= column < cells.shape[1] and 0 <= row < cells.shape[0] and cells[row, column] == number:
                found.append((sx, sy))
    if len(found) != 1:
        raise InputError(
            f"root.{root.name}.at: ({root.at[0]:g}, {root.at[1]:g}) is not a corner of block {root.region!r}, "
            "where its side wall meets an interface"
        )
    sx, sy = found[0]
    width, height = _reach(layout, root.at, number, sx, sy)
    return Root(root.name, root.at, root.region, (sx, sy), width, height)


def _reach(layout: Layout, at: tuple[float, float], number: int, sx: int, sy: int) -> tuple[float, float]:
    """How far the region runs from ``at`` along the interface and up the wall."""
    xs, ys, cells = paint(layout)
    column = int(np.searchsorted(xs, at[0], side="left" if sx < 0 else "right")) - 1
    row = int(np.searchsorted(ys, at[1], side="left" if sy < 0 else "right")) - 1
    along, up = column, row
    while 0 <= along + sx < cells.shape[1] and cells[row, along + sx] == number:
        along += sx
    while 0 <= up + sy < cells.shape[0] and cells[up + sy, column] == number:
        up += sy
    end_x = xs[along + 1] if sx > 0 else xs[along]
    end_y = ys[up + 1] if sy > 0 else ys[up]
    return float(abs(end_x - at[0])), float(abs(end_y - at[1]))


def _corners(layout: Layout, roots: tuple[Root, ...], on_axis: bool) -> tuple[tuple[float, float], ...]:
    """Points where three or more painted quarters are not all alike: corners of regions and of the body, roots left
    out.

    Only where the user named roots does the mesh grade towards corners: a body without roots gets a uniform mesh of the
    given size.
    """
    if not roots:
        return ()
    xs, ys, cells = paint(layout)
    padded = np.pad(cells, 1, constant_values=-1)
    found = []
    named = {root.at for root in roots}
    for j, y in enumerate(ys):
        for i, x in enumerate(xs):
            quarter = padded[j : j + 2, i : i + 2]
            straight = (quarter[0, 0] == quarter[0, 1] and quarter[1, 0] == quarter[1, 1]) or (
                quarter[0, 0] == quarter[1, 0] and quarter[0, 1] == quarter[1, 1]
            )
            if not straight and (float(x), float(y)) not in named and not (on_axis and x == xs[0]):
                found.append((float(x), float(y)))
    return tuple(found)
