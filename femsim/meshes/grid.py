"""Layout -> mesh: block-structured graded quadrilaterals, deterministic, conforming, without a mesh generator.

Grid lines run through every block edge. Along each direction the wanted size is the lower envelope of cones

    h(x) = min_k ( h_k + c |x - x_k| ),  c = ln(growth),

one per root and corner, so neighbouring elements differ by the growth factor at most; the number of elements between
two lines is the integral of 1/h, rounded up. Bends then move the nodes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.errors import InputError
from femsim.base.system import require
from femsim.meshes.layout import Layout, Line, paint
from femsim.meshes.mesh import Mesh

#: a corner that is not a root gets elements this much coarser than a root's
CORNER_FACTOR = 5.0
#: no interval between two block edges has fewer elements
FEWEST = 6
#: elements that the narrower interval beside a block edge would have at the size wanted at the edge, and up to how many
#: edges in a direction
EDGE, MOST_EDGES = 16.0, 40
#: lines closer than this fraction of the extent are one line
SAME = 1.0e-13
#: more cells than this are a slip (a size meant for another unit), not a wish
MOST_CELLS = 20_000_000
#: so no more lines than this in one direction, since the other has some too
MOST_LINES = MOST_CELLS // FEWEST
#: memory that making a mesh takes for each cell, measured: 310 to 320 for quad9 (bytes)
BYTES = 330.0


@dataclass(frozen=True)
class Grading:
    """Element size at the roots (um), growth, largest element (um, or None)."""

    size: float
    growth: float
    largest: float | None = None
    corner_factor: float = CORNER_FACTOR
    fewest: int = FEWEST


def make_mesh(layout: Layout, grading: Grading, element: str = "quad9", lengths: tuple[float, ...] = ()) -> Mesh:
    """Mesh of a layout; grid lines also bound the roots' averaging rings of the given ``lengths``: averages need no cut
    cells.
    """
    return mesh_of_lines(layout, *grid_lines(layout, grading, lengths), element)


def grid_lines(layout: Layout, grading: Grading, lengths: tuple[float, ...] = ()) -> tuple[FloatArray, FloatArray]:
    """Grid lines of a layout in both directions, before any bend."""
    base_x, base_y, _ = paint(layout)
    extent = max(base_x[-1] - base_x[0], base_y[-1] - base_y[0])
    breaks_x, breaks_y = list(base_x), list(base_y)
    if layout.hold is not None:  # a node to hold
        breaks_x.append(layout.hold[0])
        breaks_y.append(layout.hold[1])
    for direction, value in layout.breaks:
        base, breaks = ((base_x, breaks_x), (base_y, breaks_y))[direction]
        if base[0] < value < base[-1]:
            breaks.append(value)
    for bend in layout.bends:
        breaks_x += bend.breaks_x
        breaks_y += bend.breaks_y
    for root in layout.roots:
        breaks_x += [root.at[0] + root.into[0] * length for length in lengths if length < root.width]
        breaks_y += [root.at[1] + root.into[1] * length for length in lengths if length < root.height]
    x = graded(merged(breaks_x, base_x, extent), _sources(layout, 0, grading, extent), grading)
    y = graded(merged(breaks_y, base_y, extent), _sources(layout, 1, grading, extent), grading)
    check_count(len(x) - 1, len(y) - 1, _key(grading, max(len(x), len(y)), extent))
    return x, y


def check_count(nx: int, ny: int, key: str = "mesh.size") -> None:
    """Refuse a grid of more cells than anybody wants, and one that does not fit into the memory."""
    if nx * ny > MOST_CELLS:
        raise InputError(f"{key} gives {nx} x {ny} cells, more than {MOST_CELLS}; enlarge size or growth")
    require(BYTES * nx * ny, f"a mesh of {nx} x {ny} cells")


def _key(grading: Grading, lines: int, extent: float) -> str:
    """The key that so many lines come from."""
    if grading.largest is not None and 2.0 * extent / grading.largest > lines:
        return f"mesh.largest: {grading.largest:g} um"
    return f"mesh.size: {grading.size:g} um"


def painted_cells(layout: Layout, x: FloatArray, y: FloatArray) -> IntArray:
    """Region number (ny, nx) of the cells between grid lines, -1 for void; the mesh numbers the others row by row."""
    base_x, base_y, painted = paint(layout)
    column = np.searchsorted(base_x, 0.5 * (x[1:] + x[:-1])) - 1
    row = np.searchsorted(base_y, 0.5 * (y[1:] + y[:-1])) - 1
    return painted[np.ix_(row, column)]


def mesh_of_lines(layout: Layout, x: FloatArray, y: FloatArray, element: str = "quad9") -> Mesh:
    """Mesh of a layout on given grid lines; they must run through every edge of its blocks."""
    check_count(len(x) - 1, len(y) - 1)
    mesh = tensor_mesh(x, y, painted_cells(layout, x, y), layout.regions, element, layout.lines)
    points = mesh.points
    for bend in layout.bends:
        points = bend.move(points)
    return Mesh(points, mesh.cells, mesh.element, mesh.region, mesh.regions, mesh.lines)


def tensor_mesh(
    x: FloatArray,
    y: FloatArray,
    region: IntArray,
    regions: tuple[str, ...],
    element: str = "quad9",
    lines: tuple[Line, ...] = (),
) -> Mesh:
    """Quadrilaterals between the lines ``x`` (nx+1,) and ``y`` (ny+1,) with region numbers (ny, nx), -1 for void; named
    ``lines``.
    """
    step = 1 if element == "quad4" else 2
    fine_x, fine_y = _with_middles(x, step), _with_middles(y, step)
    stride = len(fine_x)
    row, column = np.nonzero(region >= 0)
    origin = (row * step) * stride + column * step
    if step == 1:
        offsets = [0, 1, stride + 1, stride]
    else:
        offsets = [0, 2, 2 * stride + 2, 2 * stride, 1, stride + 2, 2 * stride + 1, stride, stride + 1]
        if element == "quad8":
            offsets = offsets[:8]
    cells = origin[:, None] + np.array(offsets)
    used = np.zeros(stride * len(fine_y), dtype=bool)
    used[cells.ravel()] = True
    number = np.cumsum(used) - 1
    flat = np.flatnonzero(used)
    points = np.column_stack([fine_x[flat % stride], fine_y[flat // stride]])
    tagged = {line.name: _line_edges(line, fine_x, fine_y, step, used, number) for line in lines}
    return Mesh(points, number[cells], element, region[row, column], regions, tagged)


def _line_edges(
    line: Line, x: FloatArray, y: FloatArray, step: int, used: npt.NDArray[np.bool_], number: IntArray
) -> IntArray:
    """Edges (K, 2 or 3) along a named line, in ascending order of the running coordinate."""
    fixed, running = (x, y) if line.axis == 0 else (y, x)
    at = int(np.argmin(np.abs(fixed - line.value)))
    tolerance = SAME * max(abs(running[-1] - running[0]), 1e-300)
    if abs(fixed[at] - line.value) > SAME * max(abs(fixed[-1] - fixed[0]), 1e-300) or at % step:
        return np.empty((0, step + 1), dtype=np.int64)
    low = running[:-1:step] if step == 2 else running[:-1]
    high = running[step::step]
    start = np.flatnonzero((low >= line.span[0] - tolerance) & (high <= line.span[1] + tolerance)) * step
    stride = len(x)

    def node(run: IntArray) -> IntArray:
        return run * stride + at if line.axis == 0 else at * stride + run

    columns = [node(start), node(start + step)] + ([node(start + 1)] if step == 2 else [])
    nodes = np.column_stack(columns)
    alive = used[nodes].all(axis=1)
    return number[nodes[alive]]


def merged(values: list[float], base: FloatArray, extent: float) -> FloatArray:
    """Sorted breakpoints, each once, those within rounding of a block edge snapped to it."""
    kept = list(base)
    for value in sorted(values):
        if base[0] < value < base[-1] and min(abs(value - other) for other in kept) > SAME * extent:
            kept.append(value)
    return np.array(sorted(kept))


def _sources(layout: Layout, axis: int, grading: Grading, extent: float) -> dict[float, float]:
    """Wanted size at the coordinates of roots and corners."""
    sizes: dict[float, float] = {}
    for corner in layout.corners:
        sizes[corner[axis]] = min(max(grading.size * grading.corner_factor, grading.size), extent)
    for root in layout.roots:
        sizes[root.at[axis]] = grading.size
    for *at, size in layout.fine:
        if not np.isnan(at[axis]):
            sizes[at[axis]] = min(size, sizes.get(at[axis], np.inf))
    return sizes


def finer_at_edges(layout: Layout) -> list[tuple[float, float, float]]:
    """Lines and element sizes (x, nan, size), (nan, y, size) that grade a body without roots towards the edges of its
    blocks: 1 / EDGE of the narrower interval beside an edge.

    Stress jumps there, and decays over the length of the narrower neighbour (as 1 / r^2 beside a fibre). A direction of
    more than MOST_EDGES edges is left as it is.
    """
    found: list[tuple[float, float, float]] = []
    for axis, base in enumerate(paint(layout)[:2]):
        if len(base) > MOST_EDGES:
            continue
        gaps = np.diff(base)
        sizes = np.minimum(np.append(gaps, np.inf), np.append(np.inf, gaps)) / EDGE
        for at, size in zip(base.tolist(), sizes.tolist(), strict=True):
            found.append((at, np.nan, size) if axis == 0 else (np.nan, at, size))
    return found


def graded(breaks: FloatArray, sources: dict[float, float], grading: Grading) -> FloatArray:
    """Grid lines from breakpoints and sizes wanted at some of them."""
    slope = float(np.log(grading.growth))
    # a cone with this foot makes the first element exactly `size` long
    foot = slope / (grading.growth - 1.0)
    size = np.full(len(breaks), np.inf)
    for position, wanted in sources.items():
        size = np.minimum(size, wanted * foot + slope * np.abs(breaks - position))
    total, planned = 0, list[tuple[float, float, float, float, float]]()
    for a, b, ha, hb in zip(breaks[:-1], breaks[1:], size[:-1], size[1:], strict=True):
        top = min((b - a) / grading.fewest, grading.largest or np.inf)
        ends = (min(ha, top), min(hb, top))
        total += max(int(min(_integral(b - a, *ends, top, slope)[2], 2.0 * MOST_LINES)), grading.fewest)
        if total > MOST_LINES:  # before a line is drawn
            key = _key(grading, total, float(breaks[-1] - breaks[0]))
            raise InputError(f"{key} gives more than {MOST_LINES} cells in one direction; enlarge size or growth")
        planned.append((a, b, *ends, top))
    return np.concatenate([breaks[:1], *(interval(*one, slope, grading.fewest) for one in planned)])


def interval(a: float, b: float, ha: float, hb: float, top: float, slope: float, fewest: int = FEWEST) -> FloatArray:
    """Lines in (a, b] for h(x) = min(ha + slope (x-a), hb + slope (b-x), top): equal steps of the integral of 1/h."""
    knots_a, knots_b, total, rise_a = _integral(b - a, ha, hb, top, slope)
    count = max(int(np.ceil(total - 1e-9)), fewest)
    t = np.linspace(0.0, total, count + 1)[1:]
    x = np.where(
        t <= knots_a,
        a + ha * np.expm1(slope * np.minimum(t, knots_a)) / slope,
        np.where(
            t >= total - knots_b,
            b - hb * np.expm1(slope * np.minimum(total - t, knots_b)) / slope,
            a + rise_a + (t - knots_a) * top,
        ),
    )
    x[-1] = b
    return np.asarray(x)


def _integral(length: float, ha: float, hb: float, top: float, slope: float) -> tuple[float, float, float, float]:
    """The integral of 1/h over the cones at both ends and over all, which is the number of steps; and how far the
    first cone reaches.
    """
    rise_a, rise_b = (top - ha) / slope, (top - hb) / slope
    if rise_a + rise_b > length:  # the cones meet before the plateau
        meet = 0.5 * (length + (hb - ha) / slope)
        rise_a = min(max(meet, 0.0), length)
        rise_b = length - rise_a
    knots_a = float(np.log1p(slope * rise_a / ha) / slope)
    knots_b = float(np.log1p(slope * rise_b / hb) / slope)
    return knots_a, knots_b, knots_a + max(length - rise_a - rise_b, 0.0) / top + knots_b, rise_a


def _with_middles(lines: FloatArray, step: int) -> FloatArray:
    if step == 1:
        return lines
    fine = np.empty(2 * len(lines) - 1)
    fine[::2] = lines
    fine[1::2] = 0.5 * (lines[1:] + lines[:-1])
    return fine
