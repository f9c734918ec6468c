"""Fields on pixels: which cell lies under the middle of each pixel, and where in the cell.

A field is drawn by evaluating each cell's own polynomial at the pixels' middles. So the picture is as good as the
field, jumps at interfaces are one pixel wide, and the cost is that of the pixels, not of the cells: a cell between the
middles of pixels is left out.

A pixel (x, y) is sought in a bilinear quadrilateral p = a + e xi + f eta + g xi eta by Newton's method, in a triangle
by its linear map; large bent cells are first cut into parts that are straight to within a fraction of a pixel.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.meshes.elements import ELEMENTS, shape
from femsim.meshes.planes import plane_values

#: a cell is cut into parts of about this many pixels, at most MOST to a side
PART, MOST = 10.0, 12
#: Newton steps in a bilinear quadrilateral; it starts from the linear map
STEPS = 4
#: how far outside a cell, in reference coordinates, a pixel may lie that no other cell holds: a bent edge may be cut
#: differently from its two sides
SLACK = 0.04
#: and where no cell is bent
ROUNDING = 1.0e-6


@dataclass(frozen=True)
class Raster:
    """Pixels (P,) of an image (height, width), counted by rows from its lower left corner, that lie in the body; the
    cell (P,) under each and where in the cell it is, in reference coordinates (P, 2).
    """

    height: int
    width: int
    element: str
    pixel: IntArray
    cell: IntArray
    xi: FloatArray

    @cached_property
    def weights(self) -> FloatArray:
        """Shape functions (P, n) of the cell's nodes at the pixels."""
        return plane_values(self.element, self.xi)

    def values(self, nodal: FloatArray) -> FloatArray:
        """Values (P,) of a field given (E, n) at each cell's own nodes, or (E,) by cell."""
        if nodal.ndim == 1:
            return np.asarray(nodal[self.cell])
        return np.asarray(np.einsum("pn,pn->p", nodal[self.cell], self.weights))

    def image(self, colours: np.ndarray) -> np.ndarray:
        """An image (height, width, 4) of colours (P, 4), 0 to 255, lowest row first; transparent where no body is."""
        found = np.zeros((self.height * self.width, 4), dtype=np.uint8)
        found[self.pixel] = colours
        return found.reshape(self.height, self.width, 4)


class Rasters:
    """Rasters that panels of one size share: the same points in the same place on the same number of pixels."""

    def __init__(self) -> None:
        self._kept: dict[tuple[object, ...], Raster] = {}

    def find(
        self, points: FloatArray, cells: IntArray, element: str, place: FloatArray, size: tuple[int, int], flat: bool
    ) -> Raster:
        """The raster of ``points`` (N, 2) carried by an affine ``place`` (3, 3) onto an image of ``size`` (width,
        height).
        """
        key = (id(points), id(cells), size, tuple(np.round(place[:2].ravel(), 6)))
        if key not in self._kept:
            pixels = points @ place[:2, :2].T + place[:2, 2]
            self._kept[key] = rasterise(pixels, cells, element, size[0], size[1], flat)
        return self._kept[key]


def rasterise(pixels: FloatArray, cells: IntArray, element: str, width: int, height: int, flat: bool = False) -> Raster:
    """The raster of a mesh whose points lie at ``pixels`` (N, 2), measured from the image's lower left corner.

    ``flat`` says that no cell is bent (straight sides, middles in the middle), so none has to be cut.
    """
    info = ELEMENTS[element]
    chosen = visible(pixels, cells, width, height)
    slack = ROUNDING if flat else SLACK
    found_cell, found_pixel, found_xi, found_beyond = [], [], [], []
    for parts, group in _groups(pixels, cells, element, chosen, flat):
        corners, places = lattice(element, parts)
        weights, _ = shape(element, corners)
        place = np.einsum("mn,enc->emc", weights, pixels[cells[group]])  # (E, m, 2)
        for part in places:
            quad = np.ascontiguousarray(place[:, part])  # (E, corners, 2)
            at, number = _candidates(quad, width, height, slack)
            if not len(at):
                continue
            middle = np.column_stack([at % width + 0.5, at // width + 0.5])
            local = _inside(quad[number], middle) if info.is_quad else _inside_triangle(quad[number], middle)
            beyond = np.maximum(-local, local - 1.0).max(axis=1)
            if not info.is_quad:
                beyond = np.maximum(beyond, local.sum(axis=1) - 1.0)
            good = beyond <= slack
            origin = corners[part[0]]
            sides = corners[[part[1], part[-1]]] - origin
            kept = np.clip(local[good], 0.0, 1.0)
            if not info.is_quad:
                kept /= np.maximum(kept.sum(axis=1), 1.0)[:, None]
            found_xi.append(origin + kept @ sides)
            found_cell.append(group[number[good]])
            found_pixel.append(at[good])
            found_beyond.append(beyond[good])
    if not found_cell:
        none = np.zeros(0, dtype=np.int64)
        return Raster(height, width, element, none, none, np.zeros((0, 2)))
    pixel, cell, xi, beyond = (np.concatenate(v) for v in (found_pixel, found_cell, found_xi, found_beyond))
    owner = np.full(width * height, -1, dtype=np.int64)
    beside, inside = np.flatnonzero(beyond > 0), np.flatnonzero(beyond <= 0)
    owner[pixel[beside]] = beside  # first those that a cell only touches: a cell that holds the pixel goes before
    owner[pixel[inside]] = inside
    owner = owner[owner >= 0]
    return Raster(height, width, element, pixel[owner], cell[owner], xi[owner])


def visible(pixels: FloatArray, cells: IntArray, width: float, height: float) -> IntArray:
    """Cells whose box holds the middle of a pixel of the image."""
    x, y = pixels[cells, 0], pixels[cells, 1]
    x0, x1, y0, y1 = x.min(axis=1), x.max(axis=1), y.min(axis=1), y.max(axis=1)
    seen = (np.floor(x1 - 0.5) >= np.ceil(x0 - 0.5)) & (np.floor(y1 - 0.5) >= np.ceil(y0 - 0.5))
    return np.flatnonzero(seen & (x1 > 0) & (y1 > 0) & (x0 < width) & (y0 < height))


def _groups(
    pixels: FloatArray, cells: IntArray, element: str, chosen: IntArray, flat: bool
) -> Iterator[tuple[int, IntArray]]:
    """The chosen cells by the parts a side of theirs is cut into."""
    if flat or not len(chosen):
        yield 1, chosen
        return
    corner = pixels[cells[chosen, : ELEMENTS[element].corners]]
    size = np.linalg.norm(np.roll(corner, -1, axis=1) - corner, axis=2).max(axis=1)
    parts = np.clip(np.ceil(size / PART), 1, MOST).astype(np.int64)
    for count in np.unique(parts):
        yield int(count), chosen[parts == count]


@lru_cache(maxsize=64)
def lattice(element: str, count: int) -> tuple[FloatArray, tuple[tuple[int, ...], ...]]:
    """Reference points (m, 2) of a lattice on a cell, and the corners of the parts it makes, counter-clockwise or, in
    every other triangle, turned by half a circle.
    """
    if ELEMENTS[element].is_quad:
        t = np.linspace(0.0, 1.0, count + 1)
        points = np.column_stack([np.tile(t, count + 1), np.repeat(t, count + 1)])
        row = count + 1
        start = [j * row + i for j in range(count) for i in range(count)]
        return points, tuple((a, a + 1, a + row + 1, a + row) for a in start)
    grid = [(i, j) for j in range(count + 1) for i in range(count + 1 - j)]
    number = {pair: k for k, pair in enumerate(grid)}
    found = []
    for i, j in grid:
        if i + j < count:
            found.append((number[i, j], number[i + 1, j], number[i, j + 1]))
        if i + j < count - 1:
            found.append((number[i + 1, j + 1], number[i, j + 1], number[i + 1, j]))
    return np.array(grid) / count, tuple(found)


def _candidates(quad: FloatArray, width: int, height: int, slack: float) -> tuple[IntArray, IntArray]:
    """Pixels whose middles lie in the boxes of quads (E, k, 2), as row * width + column, and the number of the box."""
    first, last = quad.min(axis=1), quad.max(axis=1)
    more = slack * (last - first)
    low = np.ceil(first - 0.5 - more).astype(np.int64)
    high = np.floor(last - 0.5 + more).astype(np.int64)
    low, high = np.maximum(low, 0), np.minimum(high, np.array([width - 1, height - 1]))
    wide, tall = (np.maximum(high[:, k] - low[:, k] + 1, 0) for k in (0, 1))
    count = wide * tall
    number = np.repeat(np.arange(len(quad)), count)
    step = np.arange(len(number)) - np.repeat(np.cumsum(count) - count, count)
    row = step // np.maximum(wide, 1)[number]
    return (low[number, 1] + row) * width + low[number, 0] + step - row * wide[number], number


def _inside(quad: FloatArray, at: FloatArray) -> FloatArray:
    """Reference coordinates (P, 2) of points (P, 2), each in its own bilinear quadrilateral (P, 4, 2)."""
    a = quad[:, 0]
    e, f = quad[:, 1] - a, quad[:, 3] - a
    g = quad[:, 2] - quad[:, 1] - f
    d = at - a
    xi = np.zeros_like(d)
    with np.errstate(divide="ignore", invalid="ignore"):
        bent = np.abs(g).max(initial=0.0) > 1e-9 * max(float(np.abs(e).max(initial=0.0)), 1e-300)
        for _ in range(STEPS if bent else 1):
            s, t = xi[:, 0], xi[:, 1]
            ax, ay = e[:, 0] + g[:, 0] * t, e[:, 1] + g[:, 1] * t
            bx, by = f[:, 0] + g[:, 0] * s, f[:, 1] + g[:, 1] * s
            rx = d[:, 0] - e[:, 0] * s - f[:, 0] * t - g[:, 0] * s * t
            ry = d[:, 1] - e[:, 1] * s - f[:, 1] * t - g[:, 1] * s * t
            determinant = ax * by - ay * bx
            xi = np.column_stack([s + (rx * by - ry * bx) / determinant, t + (ax * ry - ay * rx) / determinant])
    return np.nan_to_num(xi, nan=np.inf)


def _inside_triangle(corner: FloatArray, at: FloatArray) -> FloatArray:
    """Reference coordinates (P, 2) of points (P, 2), each in its own triangle (P, 3, 2)."""
    e, f, d = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0], at - corner[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        determinant = e[:, 0] * f[:, 1] - e[:, 1] * f[:, 0]
        s = (d[:, 0] * f[:, 1] - d[:, 1] * f[:, 0]) / determinant
        t = (e[:, 0] * d[:, 1] - e[:, 1] * d[:, 0]) / determinant
    return np.nan_to_num(np.column_stack([s, t]), nan=np.inf)
