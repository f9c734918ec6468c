"""Many points at once in a mesh: which of the given cells holds each, and where in it."""

from __future__ import annotations

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.meshes.elements import ELEMENTS, shape
from femsim.meshes.mesh import Mesh


def locate_many(mesh: Mesh, cells: IntArray, points: FloatArray) -> tuple[IntArray, FloatArray]:
    """For every point (n, 2): the one of ``cells`` that holds it best, and its reference coordinates (n, 2) in that
    cell, clipped to it.

    A point outside all the cells (beyond a curved face, say) is given to the nearest one.
    """
    x = mesh.points[mesh.cells[cells]]
    low, high = x.min(axis=1), x.max(axis=1)
    slack = (0.1 if mesh.info.order > 1 else 1e-9) * (high - low).min(axis=1, keepdims=True)
    outside = np.zeros((len(points), len(cells)))
    for k in range(2):
        np.maximum(outside, low[:, k] - points[:, k, None], out=outside)
        np.maximum(outside, points[:, k, None] - high[:, k], out=outside)
    near = outside <= np.maximum(slack[:, 0], outside.min(axis=1)[:, None])
    point, candidate = np.nonzero(near)
    xi, miss = _newton(mesh.element, x[candidate], points[point])
    extent = np.linalg.norm(high - low, axis=1)[candidate]
    clipped = np.clip(xi, 0.0, 1.0)
    if not mesh.info.is_quad:
        clipped = clipped / np.maximum(clipped.sum(axis=1, keepdims=True), 1.0)
    cost = np.linalg.norm(xi - clipped, axis=1) + miss / extent
    order = np.lexsort((cost, point))
    first = order[np.concatenate([[True], point[order][1:] != point[order][:-1]])]
    return cells[candidate[first]], clipped[first]


def _newton(element: str, x: FloatArray, target: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Reference coordinates of points in their cells and the distance left, by Newton's method on the isoparametric
    map.
    """
    xi = np.full((len(x), 2), 0.5 if ELEMENTS[element].is_quad else 1.0 / 3.0)
    miss = np.zeros_like(target)
    for _ in range(12):
        values, gradients = shape(element, xi)
        miss = target - np.matmul(values[:, None], x)[:, 0]
        jacobian = np.matmul(x.transpose(0, 2, 1), gradients)
        a, b, c, d = jacobian[:, 0, 0], jacobian[:, 0, 1], jacobian[:, 1, 0], jacobian[:, 1, 1]
        determinant = a * d - b * c
        determinant = np.where(np.abs(determinant) > 1e-300, determinant, 1e-300)
        step = (
            np.column_stack([d * miss[:, 0] - b * miss[:, 1], a * miss[:, 1] - c * miss[:, 0]]) / determinant[:, None]
        )
        xi = np.clip(xi + step, -1.0, 2.0)
        inside = np.all(np.abs(xi - 0.5) < 0.6, axis=1)  # a pair that proves wrong need not converge
        if np.abs(step[inside]).max(initial=0.0) < 1e-9:
            break
    values, _ = shape(element, xi)
    return xi, np.linalg.norm(target - np.matmul(values[:, None], x)[:, 0], axis=1)
