"""Shape functions of the plane elements in closed form.

quad4 and quad9 are products of the Lagrange polynomials of one coordinate; quad8 is quad9 without its middle, whose
share goes to the edges' nodes (1/2) and the corners (-1/4); tri3 and tri6 are polynomials of the area coordinates
(Zienkiewicz and Taylor 2000, The finite element method, vol. 1, ch. 8). Node order is VTK's.
"""

from __future__ import annotations

import numpy as np

from femsim.base.arrays import FloatArray


def plane_values(element: str, xi: FloatArray) -> FloatArray:
    """Shape functions (q, n) at reference points ``xi`` (q, 2)."""
    s, t = xi[:, 0], xi[:, 1]
    if element == "quad4":
        return np.column_stack([(1 - s) * (1 - t), s * (1 - t), s * t, (1 - s) * t])
    if element in ("quad8", "quad9"):
        return _squares(element, _lagrange(s), _lagrange(t))
    u = 1 - s - t
    if element == "tri3":
        return np.column_stack([u, s, t])
    return np.column_stack([u * (2 * u - 1), s * (2 * s - 1), t * (2 * t - 1), 4 * u * s, 4 * s * t, 4 * t * u])


def plane_gradients(element: str, xi: FloatArray) -> FloatArray:
    """Gradients (q, n, 2) of the shape functions at reference points ``xi`` (q, 2)."""
    s, t = xi[:, 0], xi[:, 1]
    one, nil = np.ones_like(s), np.zeros_like(s)
    if element == "quad4":
        return np.stack([np.column_stack([t - 1, 1 - t, t, -t]), np.column_stack([s - 1, -s, s, 1 - s])], axis=-1)
    if element in ("quad8", "quad9"):
        along = _squares(element, _slopes(s), _lagrange(t))
        return np.stack([along, _squares(element, _lagrange(s), _slopes(t))], axis=-1)
    if element == "tri3":
        return np.stack([np.column_stack([-one, one, nil]), np.column_stack([-one, nil, one])], axis=-1)
    u = 1 - s - t
    first = np.column_stack([1 - 4 * u, 4 * s - 1, nil, 4 * (u - s), 4 * t, -4 * t])
    second = np.column_stack([1 - 4 * u, nil, 4 * t - 1, -4 * s, 4 * s, 4 * (u - t)])
    return np.stack([first, second], axis=-1)


Three = tuple[FloatArray, FloatArray, FloatArray]


def _lagrange(z: FloatArray) -> Three:
    """Quadratic polynomials on [0, 1] that are 1 at 0, at 1, and in the middle."""
    return (1 - z) * (1 - 2 * z), z * (2 * z - 1), 4 * z * (1 - z)


def _slopes(z: FloatArray) -> Three:
    return 4 * z - 3, 4 * z - 1, 4 - 8 * z


def _squares(element: str, a: Three, b: Three) -> FloatArray:
    """Products of two factors in the order of quad9's nodes, or of quad8's."""
    (a0, a1, am), (b0, b1, bm) = a, b
    middle = am * bm
    found = [a0 * b0, a1 * b0, a1 * b1, a0 * b1, am * b0, a1 * bm, am * b1, a0 * bm, middle]
    if element == "quad9":
        return np.column_stack(found)
    return np.column_stack([*(f - 0.25 * middle for f in found[:4]), *(f + 0.5 * middle for f in found[4:8])])
