"""Meshes for tests out of mapped patches: each maps the unit square onto a curved quadrilateral; patches meet node by
node.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from femsim.base.arrays import FloatArray
from femsim.meshes.elements import ELEMENTS
from femsim.meshes.facets import edges_of
from femsim.meshes.mesh import Mesh
from femsim.meshes.read import change_element

#: from arrays s, t to the two coordinates
Map = Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]


@dataclass(frozen=True)
class Patch:
    """A map, the element boundaries along s and along t (ascending in [0, 1]), and the region; s cross t is
    counter-clockwise.
    """

    map: Map
    s: FloatArray
    t: FloatArray
    region: str


def join(
    patches: Sequence[Patch], element: str, lines: dict[str, Callable[[FloatArray, FloatArray], npt.NDArray[np.bool_]]]
) -> Mesh:
    """One mesh of all patches; ``lines`` say of (r, z) what is on them: edges of the boundary or between regions with
    all nodes there.
    """
    points: list[FloatArray] = []
    cells: list[npt.NDArray[np.int64]] = []
    names = list(dict.fromkeys(patch.region for patch in patches))
    regions: list[npt.NDArray[np.int64]] = []
    start = 0
    for patch in patches:
        s, t = _with_middles(patch.s), _with_middles(patch.t)
        grid = np.meshgrid(s, t, indexing="ij")
        points.append(np.column_stack([np.ravel(x) for x in patch.map(grid[0], grid[1])]))
        number = start + np.arange(len(s) * len(t)).reshape(len(s), len(t))
        a, b = number[:-2:2, :-2:2], number[2::2, 2::2]
        c, d = number[2::2, :-2:2], number[:-2:2, 2::2]
        sides = [number[1::2, :-2:2], number[2::2, 1::2], number[1::2, 2::2], number[:-2:2, 1::2]]
        nodes = [a, c, b, d, *sides, number[1::2, 1::2]]
        cells.append(np.column_stack([x.ravel() for x in nodes]))
        regions.append(np.full(len(cells[-1]), names.index(patch.region)))
        start += number.size
    place = np.concatenate(points)
    scale = float(np.abs(place).max())
    place = np.where(np.abs(place) < 1e-14 * scale, 0.0, place)
    _, first, which = np.unique(np.round(place / scale, 11), axis=0, return_index=True, return_inverse=True)
    mesh = Mesh(place[first], which.ravel()[np.concatenate(cells)], "quad9", np.concatenate(regions), tuple(names))
    mesh = _as_element(mesh, element)
    edges = edges_of(mesh)
    other = np.where(edges.cells[:, 1] >= 0, mesh.region[edges.cells[:, 1]], -1)
    border = other != mesh.region[edges.cells[:, 0]]
    ends = mesh.points[edges.nodes]
    found = {name: np.all(on(ends[..., 0], ends[..., 1]), axis=1) & border for name, on in lines.items()}
    return replace(mesh, lines={name: edges.nodes[chosen] for name, chosen in found.items()})


def graded(n: int, power: float) -> FloatArray:
    """n + 1 element boundaries on [0, 1], crowded at 0 for a power above 1."""
    return np.asarray(np.linspace(0.0, 1.0, n + 1) ** power)


def blend(
    one: Callable[[FloatArray], tuple[FloatArray, FloatArray]],
    two: Callable[[FloatArray], tuple[FloatArray, FloatArray]],
) -> Map:
    """The map with curve ``one`` at s = 0, curve ``two`` at s = 1, and straight lines between."""

    def surface(s: FloatArray, t: FloatArray) -> tuple[FloatArray, FloatArray]:
        (x0, y0), (x1, y1) = one(t), two(t)
        return (1 - s) * x0 + s * x1, (1 - s) * y0 + s * y1

    return surface


def segment(a: tuple[float, float], b: tuple[float, float]) -> Callable[[FloatArray], tuple[FloatArray, FloatArray]]:
    """The straight line from a to b."""
    return lambda t: ((1 - t) * a[0] + t * b[0], (1 - t) * a[1] + t * b[1])


def arc(radius: float, start: float, end: float) -> Callable[[FloatArray], tuple[FloatArray, FloatArray]]:
    """The arc round the origin between two angles from the r axis, in degrees."""
    low, high = np.radians(start), np.radians(end)
    return lambda t: (radius * np.cos(low + t * (high - low)), radius * np.sin(low + t * (high - low)))


def area(mesh: Mesh) -> float:
    """Area of the r-z section by numerical integration."""
    return float(np.sum(_measures(mesh)[0]))


def volume(mesh: Mesh, region: str | None = None) -> float:
    """Volume of the body of revolution, or of one region of it."""
    cells = slice(None) if region is None else mesh.cells_of(region)
    return float(np.sum(_measures(mesh)[1][cells]))


def _measures(mesh: Mesh) -> tuple[FloatArray, FloatArray]:
    from femsim.meshes.elements import gauss_points, shape
    from femsim.meshes.mesh import jacobians

    points, weights = gauss_points(mesh.element, 4)
    values, gradients = shape(mesh.element, points)
    determinant, _ = jacobians(mesh, slice(None), gradients)
    r = mesh.points[mesh.cells][..., 0] @ values.T
    return determinant @ weights, 2 * np.pi * (determinant * r) @ weights


def _with_middles(x: FloatArray) -> FloatArray:
    return np.sort(np.concatenate([x, 0.5 * (x[1:] + x[:-1])]))


def _as_element(mesh: Mesh, element: str) -> Mesh:
    if ELEMENTS[element].is_quad:
        return change_element(mesh, element)[0]
    c = mesh.cells  # each quadrilateral becomes two triangles, cut along the diagonal through its centre node
    two = np.stack([c[:, [0, 1, 2, 4, 5, 8]], c[:, [0, 2, 3, 8, 6, 7]]], axis=1).reshape(-1, 6)
    return change_element(replace(mesh, cells=two, element="tri6", region=np.repeat(mesh.region, 2)), element)[0]
