"""Exponents of the out-of-plane (mode III) part at a junction: w ~ r^lambda, s_3t and s_3r ~ r^(lambda - 1).

In each wedge the displacement w along axis 3 obeys c55 w,xx + 2 c45 w,xy + c44 w,yy = 0, so it is harmonic in the plane
z = x + p y, p the root of c44 p^2 + 2 c45 p + c55 = 0 with a positive imaginary part, and the stress function psi
(whose rise along a path is the force through it) is its conjugate times mu = sqrt(c44 c55 - c45^2). Across a wedge,
with phi the angle it opens in that plane and s the stretch of r,

    (w, psi / mu) -> (s_end / s_start)^lambda [[cos(lambda phi), sin(lambda phi)], [-sin(lambda phi), cos(lambda phi)]]

(Ma and Hour 1989, Int. J. Solids Struct. 25, 1295, for isotropic wedges). Continuity of w and psi along the rays makes
a product of these real matrices; free faces have psi = 0, clamped ones w = 0, and a closed ring comes back to itself.
"""

from __future__ import annotations

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.measures.singularity.junction import Junction, Wedge

#: samples of the characteristic function for each unit of the exponent
SAMPLES = 4000


def antiplane_exponents(junction: Junction, highest: float = 1.0) -> tuple[float, ...]:
    """Exponents lambda of the displacement in (0, ``highest``), ascending; stresses go like r^(lambda - 1).

    All are real: the antiplane problem is self-adjoint. A double one stands once. A roller is free to move along axis
    3.
    """
    grid = np.linspace(0.0, highest, max(int(SAMPLES * highest), 100) + 1)[1:]
    grid = grid - 0.25 * (grid[1] - grid[0])  # round values are not sampled
    parts = [_turn(wedge) for wedge in junction.wedges]
    values = _characteristic(junction, parts, grid)
    found = [
        _bisect(junction, parts, grid[k], grid[k + 1])
        for k in np.flatnonzero(np.sign(values[1:]) != np.sign(values[:-1]))
    ]
    if junction.bonded:  # two solutions at once only touch zero
        size = np.abs(values)
        for k in np.flatnonzero((size[1:-1] <= size[:-2]) & (size[1:-1] <= size[2:])) + 1:
            at = _touch(junction, parts, grid[k - 1], grid[k + 1])
            if at is not None and all(abs(at - other) > 1e-6 for other in found):
                found.append(at)
    return tuple(sorted(value for value in found if value < highest - 1e-9))


def antiplane_psi(junction: Junction) -> FloatArray | None:
    """The stress function (wedges + 1,) of the most singular antiplane term on every ray, to a factor: the force
    through the ray, whose sign is that of a plane seen from the side of smaller angles. None without such a term.
    """
    found = antiplane_exponents(junction)
    if not found:
        return None
    steps = [_step(part, np.array(found[:1]))[0] for part in map(_turn, junction.wedges)]
    if junction.bonded:
        ring = np.eye(2)
        for step in steps:
            ring = step @ ring
        scale = np.array([1.0, 1.0 / max(_turn(wedge)[0] for wedge in junction.wedges)])  # w and psi of one size
        state = np.linalg.svd(scale[:, None] * (ring - np.eye(2)) / scale)[2][-1] / scale
    else:
        state = np.array([0.0, 1.0] if junction.boundary[0] == "clamped" else [1.0, 0.0])
    values = [state[1]]
    for step in steps:
        state = step @ state
        values.append(state[1])
    return np.asarray(values)


def _turn(wedge: Wedge) -> tuple[float, float, float]:
    """mu, the angle phi in the wedge's own plane, and the logarithm of its stretch."""
    c = wedge.stiffness
    c44, c45, c55 = float(c[3, 3]), float(c[3, 4]), float(c[4, 4])
    mu = float(np.sqrt(c44 * c55 - c45**2))
    p = complex(-c45, mu) / c44
    angles = np.radians(np.linspace(wedge.angle_start, wedge.angle_end, 721))
    z = np.cos(angles) + p * np.sin(angles)
    phi = np.unwrap(np.angle(z))
    return mu, float(phi[-1] - phi[0]), float(np.log(abs(z[-1]) / abs(z[0])))


def _characteristic(junction: Junction, parts: list[tuple[float, float, float]], exponent: FloatArray) -> FloatArray:
    """What vanishes at the exponents (n,)."""
    m = np.broadcast_to(np.eye(2), (len(exponent), 2, 2))
    for part in parts:
        m = _step(part, exponent) @ m
    if junction.bonded:
        return np.asarray((m[:, 0, 0] - 1.0) * (m[:, 1, 1] - 1.0) - m[:, 0, 1] * m[:, 1, 0])
    start, end = (condition == "clamped" for condition in junction.boundary)
    # columns: what is free at the start (psi where clamped, w where free); rows: what must vanish at the end
    return np.asarray(m[:, 0 if end else 1, 1 if start else 0])


def _step(part: tuple[float, float, float], exponent: FloatArray) -> FloatArray:
    """What carries (w, psi) (n, 2, 2) across a wedge."""
    mu, phi, stretch = part
    c, s = np.cos(exponent * phi), np.sin(exponent * phi)
    return np.asarray(
        np.exp(exponent * stretch)[:, None, None] * np.array([[c, s / mu], [-mu * s, c]]).transpose(2, 0, 1)
    )


def _bisect(junction: Junction, parts: list[tuple[float, float, float]], low: float, high: float) -> float:
    left = _characteristic(junction, parts, np.array([low]))[0]
    for _ in range(60):
        middle = 0.5 * (low + high)
        value = _characteristic(junction, parts, np.array([middle]))[0]
        if np.sign(value) == np.sign(left):
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def _touch(junction: Junction, parts: list[tuple[float, float, float]], low: float, high: float) -> float | None:
    """The place between where the characteristic touches zero, None where it stays away."""
    from scipy.optimize import minimize_scalar

    def size(x: float) -> float:
        return float(np.abs(_characteristic(junction, parts, np.array([x]))[0]))

    found = minimize_scalar(size, bounds=(low, high), method="bounded", options={"xatol": 1e-12})
    scale = max(size(low), size(high))
    return float(found.x) if size(float(found.x)) < 1e-6 * scale else None
