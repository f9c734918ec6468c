"""Which cells hold a point, and where in them it lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from femsim.base.arrays import BoolArray, FloatArray, IntArray
from femsim.meshes.elements import ELEMENTS, node_points, shape
from femsim.meshes.mesh import Mesh, invert

#: how far outside a curved cell, over its size, a point may lie that is meant to lie on its face
CURVED = 0.02
#: the element of each kind with straight edges
LINEAR = {"quad": "quad4", "tri": "tri3", "hex": "hex8", "tet": "tet4", "wedge": "wedge6"}
#: so many pairs of points and boxes are compared in less time than a tree of the boxes takes
FEW_PAIRS = 150_000


@dataclass(frozen=True)
class Located:
    """Cells that hold a point, and its reference coordinates (m, d) in each."""

    cells: IntArray
    xi: FloatArray


def middle_of(element: str) -> list[float]:
    """Reference coordinates of a place well inside an element."""
    return {
        "quad": [0.5] * 2,
        "tri": [1 / 3] * 2,
        "hex": [0.5] * 3,
        "tet": [0.25] * 3,
        "wedge": [1 / 3, 1 / 3, 0.5],
    }[ELEMENTS[element].kind]


def overhang(element: str, xi: FloatArray) -> FloatArray:
    """How far reference coordinates (m, d) lie outside the element, in the worst of its conditions; <= 0 inside."""
    kind = ELEMENTS[element].kind
    beyond = np.maximum(-xi, xi - 1.0).max(axis=1)
    if kind in ("tri", "tet"):
        beyond = np.maximum(beyond, xi.sum(axis=1) - 1.0)
    elif kind == "wedge":
        beyond = np.maximum(beyond, xi[:, 0] + xi[:, 1] - 1.0)
    return np.asarray(beyond)


def clipped(element: str, xi: FloatArray) -> FloatArray:
    """Reference coordinates (m, d) brought into the element."""
    kind = ELEMENTS[element].kind
    inside = np.clip(xi, 0.0, 1.0)
    if kind in ("tri", "tet"):
        inside = inside / np.maximum(inside.sum(axis=1, keepdims=True), 1.0)
    elif kind == "wedge":
        inside[:, :2] /= np.maximum(inside[:, :2].sum(axis=1, keepdims=True), 1.0)
    return inside


def locate_side(mesh: Mesh, point: Sequence[float], region: str | None) -> Located:
    """All cells that hold a point; where none does, or none of ``region``, also those that lie within ``mesh.near`` of
    it, as the outer cells of a mesh in single precision do, or that lies up to CURVED of their size beyond a curved
    face: a point of the true surface that the cells only approach.
    """
    found = locate(mesh, point)
    if _serves(mesh, found, region):
        return found
    for near, beyond in ((mesh.near, 0.0), (0.0, CURVED)):
        wider = locate(mesh, point, near, beyond)
        if _serves(mesh, wider, region):
            return wider
    return found


def _serves(mesh: Mesh, found: Located, region: str | None) -> bool:
    """Whether cells were found, of the region where one is wanted."""
    if region is None or region not in mesh.regions:
        return len(found.cells) > 0
    return bool(np.any(mesh.region[found.cells] == mesh.regions.index(region)))


def locate(mesh: Mesh, point: Sequence[float], near: float = 0.0, beyond: float = 0.0) -> Located:
    """All cells that hold a point (several on a facet, edge or node) or lie within ``near`` um of it, by Newton's
    method on the isoparametric map; empty outside the body. Curved cells may end before it by ``beyond`` of their size.
    """
    target = np.array(point)
    close = max(1e-9 * mesh.extent, near)
    low, high = mesh.boxes
    # curved edges may bulge beyond their nodes' box by a little
    slack = 0.25 * (high - low) * (mesh.info.order > 1) + close
    cells = np.flatnonzero(np.all((target >= low - slack) & (target <= high + slack), axis=1))
    x = mesh.points[mesh.cells[cells]]
    xi = np.tile(middle_of(mesh.element), (len(cells), 1))
    for _ in range(30):
        values, gradients = shape(mesh.element, xi)
        miss = target - np.einsum("en,enc->ec", values, x)
        jacobian = np.einsum("enc,end->ecd", x, gradients)
        with np.errstate(all="ignore"):
            step = np.linalg.solve(jacobian + 1e-300 * np.eye(mesh.dim), miss[..., None])[..., 0]
        xi = np.clip(xi + np.clip(step, -0.5, 0.5), -1.0, 2.0)
        if not len(step) or np.abs(step).max() < 1e-13:
            break
    values, _ = shape(mesh.element, xi)
    miss = np.linalg.norm(target - np.einsum("en,enc->ec", values, x), axis=1)
    size = np.max(high[cells] - low[cells], axis=1)
    slack = np.maximum(1e-8, 2.0 * near / size)
    if beyond > 0.0:
        slack = np.where(_curved(mesh, cells), np.maximum(slack, beyond), slack)
    inside = (overhang(mesh.element, xi) <= slack) & (miss <= close)
    return Located(cells[inside], np.clip(xi[inside], 0.0, 1.0))


def _curved(mesh: Mesh, cells: IntArray) -> BoolArray:
    """Which cells have a bent edge."""
    if mesh.info.order == 1:
        return np.zeros(len(cells), dtype=bool)
    x = mesh.points[mesh.cells[cells]]
    corners = x[:, : mesh.info.corners]
    linear, _ = shape(LINEAR[mesh.info.kind], node_points(mesh.element))
    straight = np.einsum("nc,ecd->end", linear, corners)
    return np.asarray(np.abs(x - straight).max(axis=(1, 2)) > 1e-9 * np.ptp(corners, axis=1).max(axis=1))


def locate_all(mesh: Mesh, points: FloatArray, near: float = 0.0) -> tuple[IntArray, IntArray, FloatArray]:
    """Pairs (point, cell) of points (n, d) and all cells that hold them, or lie within ``near`` um of them, with
    reference coordinates (pairs, d) in those cells: :func:`locate` for many points.
    """
    close = max(1e-9 * mesh.extent, near)
    low, high = mesh.boxes
    slack = 0.25 * (high - low) * (mesh.info.order > 1) + close
    point, cell = box_pairs(points, low - slack, high + slack)
    xi, miss = _newton(mesh.element, mesh.points[mesh.cells[cell]], points[point])
    size = np.max(high[cell] - low[cell], axis=1)
    inside = (overhang(mesh.element, xi) <= np.maximum(1e-8, 2.0 * near / size)) & (miss <= close)
    order = np.lexsort((cell[inside], point[inside]))
    return point[inside][order], cell[inside][order], np.clip(xi[inside], 0.0, 1.0)[order]


def box_pairs(points: FloatArray, low: FloatArray, high: FloatArray) -> tuple[IntArray, IntArray]:
    """Pairs (point, box) of points (n, d) inside boxes ``low`` to ``high`` (m, d), through a binary tree of boxes.

    The boxes are halved again and again at the median of their centres along the longest side of the box around all of
    them; points descend level by level, all at once, so the cost is that of the pairs times the depth of the tree,
    however thin the boxes are. Few are compared all with all.
    """
    if len(points) * len(low) <= FEW_PAIRS:
        within = np.ones((len(points), len(low)), dtype=bool)
        for k, x in enumerate(points.T[..., None]):
            within &= (x >= low[:, k]) & (x <= high[:, k])
        point, box = np.nonzero(within)
        return point, box
    leaf = 8
    levels = max(int(np.ceil(np.log2(max(len(low), 1) / leaf))), 0)
    width = 1 << levels
    size = -(-len(low) // width)
    order = np.arange(len(low))
    centre = 0.5 * (low + high)
    for level in range(levels):  # the parts of a level, all sorted at once along each part's own axis
        part = np.arange(len(order)) // (size * (width >> level))
        starts = np.flatnonzero(np.append(True, part[1:] != part[:-1]))
        spread = np.maximum.reduceat(high[order], starts) - np.minimum.reduceat(low[order], starts)
        axis = np.argmax(spread, axis=1)[part]
        order = order[np.lexsort((centre[order, axis], part))]
    boxes: list[tuple[FloatArray, FloatArray]] = []
    for level in range(levels + 1):
        starts = np.arange(0, len(order), size * (width >> level))
        boxes.append((np.minimum.reduceat(low[order], starts), np.maximum.reduceat(high[order], starts)))
    who, node = np.arange(len(points)), np.zeros(len(points), dtype=np.int64)
    for level, (below, above) in enumerate(boxes):
        if level:
            who, node = np.repeat(who, 2), (2 * node[:, None] + np.arange(2)).ravel()
            there = node < len(below)
            who, node = who[there], node[there]
        inside = np.all((points[who] >= below[node]) & (points[who] <= above[node]), axis=1)
        who, node = who[inside], node[inside]
    who, at = np.repeat(who, size), (node[:, None] * size + np.arange(size)).ravel()
    there = at < len(order)
    who, box = who[there], order[at[there]]
    inside = np.all((points[who] >= low[box]) & (points[who] <= high[box]), axis=1)
    return who[inside], box[inside]


def locate_many(mesh: Mesh, cells: IntArray, points: FloatArray) -> tuple[IntArray, FloatArray]:
    """For every point (n, d): the one of ``cells`` that holds it best, and its reference coordinates (n, d) in that
    cell, clipped to it.

    A point outside all the cells (beyond a curved face, say) is given to the nearest one.
    """
    low, high = (side[cells] for side in mesh.boxes)
    slack = (0.1 if mesh.info.order > 1 else 1e-9) * (high - low).min(axis=1, keepdims=True)
    point, candidate = box_pairs(points, low - slack, high + slack)
    lost = np.setdiff1d(np.arange(len(points)), point)
    if len(lost):
        more = _nearest_boxes(points[lost], low, high)
        point, candidate = np.append(point, lost[more[0]]), np.append(candidate, more[1])
    own = cells[candidate]
    if np.all(mesh.rectangular[own]):
        lower, upper = (side[own] for side in mesh.boxes)
        xi = np.clip((points[point] - lower) / (upper - lower), -1.0, 2.0)
        miss = np.linalg.norm(points[point] - lower - xi * (upper - lower), axis=1)
    else:
        xi, miss = _newton(mesh.element, mesh.points[mesh.cells[own]], points[point])
    extent = np.linalg.norm(high - low, axis=1)[candidate]
    inside = clipped(mesh.element, xi)
    cost = np.linalg.norm(xi - inside, axis=1) + miss / extent
    order = np.lexsort((cost, point))
    first = order[np.append(True, point[order][1:] != point[order][:-1])] if len(order) else order
    return cells[candidate[first]], inside[first]


def _nearest_boxes(points: FloatArray, low: FloatArray, high: FloatArray) -> tuple[IntArray, IntArray]:
    """Pairs (point, box) of points in no box with the boxes nearest to each, some points at a time."""
    found = []
    step = max(4_000_000 // max(len(low), 1), 1)
    for start in range(0, len(points), step):
        part = points[start : start + step]
        outside = np.zeros((len(part), len(low)))
        for k in range(points.shape[1]):
            np.maximum(outside, low[:, k] - part[:, k, None], out=outside)
            np.maximum(outside, part[:, k, None] - high[:, k], out=outside)
        near: BoolArray = outside <= outside.min(axis=1)[:, None]
        point, box = np.nonzero(near)
        found.append((start + point, box))
    return np.concatenate([a for a, _ in found]), np.concatenate([b for _, b in found])


def _newton(element: str, x: FloatArray, target: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Reference coordinates of points in their cells and the distance left, by Newton's method on the isoparametric
    map.
    """
    xi = np.tile(middle_of(element), (len(x), 1))
    for turn in range(12):
        values, gradients = shape(element, xi)
        miss = target - np.matmul(values[:, None], x)[:, 0]
        jacobian = np.matmul(x.transpose(0, 2, 1), gradients)
        determinant, inverse = invert(jacobian)
        step = np.where(np.abs(determinant) > 1e-300, np.matmul(inverse, miss[..., None])[..., 0].T, 0.0).T
        xi = np.clip(xi + step, -1.0, 2.0)
        # a pair that proves wrong need not converge; one that is right may lie outside for a while, but not that far
        within = np.all(np.abs(xi - 0.5) < 1.5, axis=1)
        if turn >= 3 and np.abs(step[within]).max(initial=0.0) < 1e-9:
            break
    values, _ = shape(element, xi)
    return xi, np.linalg.norm(target - np.matmul(values[:, None], x)[:, 0], axis=1)
