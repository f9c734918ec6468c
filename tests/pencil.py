"""The exponents of a junction by another route than femsim's: a spectral discretisation in theta.

Weak form of lambda S n + (S m)' = 0 with elements of high order in theta (Leguillon and Sanchez-Palencia 1987; Costabel
and Dauge 1993): (E + lambda H - lambda^2 A) x = 0, E = int V' T U', A = int V Q U, H = G - G^T, G = int V' R^T U. A
linearised dense eigenvalue problem gives all exponents at once.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import scipy.linalg as sla


def matrices(junction, order=16, widest=np.pi / 4):
    """E, H and A of a junction, scaled by the largest modulus."""
    edges, owners = [], []
    for k, wedge in enumerate(junction.wedges):
        count = int(np.ceil(np.radians(wedge.opening) / widest - 1e-9))
        line = np.linspace(np.radians(wedge.angle_start), np.radians(wedge.angle_end), count + 1)
        edges += list(pairwise(line))
        owners += [k] * count
    nodes = np.arange(len(edges))[:, None] * order + np.arange(order + 1)
    total = len(edges) * order + 1
    if junction.bonded:
        nodes[-1, -1], total = 0, total - 1
    xi = np.cos(np.pi * np.arange(order, -1, -1) / order)
    points, weights = np.polynomial.legendre.leggauss(order + 8)
    power = np.polynomial.legendre.legvander(xi, order)
    shape = np.linalg.solve(power.T, np.polynomial.legendre.legvander(points, order).T).T
    slopes = [np.polynomial.legendre.legval(points, np.polynomial.legendre.legder(row)) for row in np.eye(order + 1)]
    slope = np.linalg.solve(power.T, np.array(slopes)).T
    stiffness = [junction.plane_stiffness(k) for k in range(len(junction.wedges))]
    modulus = max(np.abs(d).max() for d in stiffness)
    e, g, a = (np.zeros((2 * total, 2 * total)) for _ in range(3))

    def operator(x, y):
        b = np.zeros((x.size, 3, 2))
        b[:, 0, 0] = b[:, 2, 1] = x
        b[:, 1, 1] = b[:, 2, 0] = y
        return b

    for (start, end), k, row in zip(edges, owners, nodes, strict=True):
        half = 0.5 * (end - start)
        theta = 0.5 * (start + end) + half * points
        n, m = operator(np.cos(theta), np.sin(theta)), operator(-np.sin(theta), np.cos(theta))
        d, w, ds = stiffness[k] / modulus, weights * half, slope / half
        q, r, t = (np.einsum("qai,ab,qbj->qij", x, d, y) for x, y in ((n, n), (n, m), (m, m)))
        dof = (2 * row[:, None] + np.arange(2)).ravel()
        for target, left, middle, right in ((e, ds, t, ds), (g, ds, np.swapaxes(r, 1, 2), shape), (a, shape, q, shape)):
            block = np.einsum("q,qk,qij,ql->kilj", w, left, middle, right, optimize=True)
            target[np.ix_(dof, dof)] += block.reshape(dof.size, dof.size)
    keep = np.eye(2 * total)
    if not junction.bonded:
        dropped = []
        ends = ((0, junction.wedges[0].angle_start), (total - 1, junction.wedges[-1].angle_end))
        for condition, (node, angle) in zip(junction.boundary, ends, strict=True):
            pair = [2 * node, 2 * node + 1]
            if condition == "clamped":
                dropped += pair
            elif condition == "roller":
                keep[pair, pair[0]] = [np.cos(np.radians(angle)), np.sin(np.radians(angle))]
                dropped.append(pair[1])
        keep = np.delete(keep, dropped, axis=1)
    return keep.T @ e @ keep, keep.T @ (g - g.T) @ keep, keep.T @ a @ keep


def spectrum(junction, low, high, top=3.0, shift=0.8371):
    """Exponents with low < Re < high, 0 <= Im < top, by growing real part."""
    e, h, a = matrices(junction)
    n = len(e)
    inverse = np.linalg.inv(e + shift * h - shift**2 * a)
    companion = np.zeros((2 * n, 2 * n))
    companion[:n, :n], companion[:n, n:] = -inverse @ (h - 2 * shift * a), inverse @ a
    companion[n:, :n] = np.eye(n)
    mu = sla.eigvals(companion).astype(complex)
    found = shift + 1 / mu[np.abs(mu) > 1e-3]
    found = found[(found.real > low) & (found.real < high) & (found.imag > -1e-7) & (found.imag < top)]
    return found[np.argsort(found.real)]
