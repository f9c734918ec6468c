"""Foster networks: Z_th(t) = sum R_i (1 - exp(-t / tau_i)) fitted to a thermal impedance (JEDEC JESD51-14, annex)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from femsim.base.arrays import FloatArray

#: fewer values are not fitted
FEWEST = 4
#: terms offered per decade of time; of neighbours that are taken one is made
PER_DECADE = 4


@dataclass(frozen=True)
class Foster:
    """Resistances (K/W) and time constants (s), ascending; ``misfit`` is the largest error over the largest value."""

    r: FloatArray
    tau: FloatArray
    misfit: float

    def at(self, t: FloatArray) -> FloatArray:
        """Impedance at times (s)."""
        return np.asarray((1.0 - np.exp(-np.asarray(t)[..., None] / self.tau)) @ self.r)


def foster(t: FloatArray, z: FloatArray) -> Foster:
    """Least squares with resistances >= 0 over time constants from a tenth of the first time to ten times the last.

    Non-negative least squares picks few of the constants offered (Lawson & Hanson 1974, ch. 23); pairs of neighbours,
    which stand for one constant between them, are joined, and all are moved to the least squares of both their parts.
    """
    from scipy.optimize import nnls  # a quarter of a second that only transients of heat need

    keep = t > 0.0
    t, z = t[keep], z[keep]
    low, high = np.log10(t[0]) - 1.0, np.log10(t[-1]) + 1.0
    tau = np.logspace(low, high, round(PER_DECADE * (high - low)) + 1)
    r, _ = nnls(1.0 - np.exp(-t[:, None] / tau), z)
    taken = np.flatnonzero(r > 0.0)
    groups = np.split(taken, np.flatnonzero(np.diff(taken) > 1) + 1) if len(taken) else []
    joined_r = np.array([r[g].sum() for g in groups])
    joined_tau = np.array([float(np.exp((r[g] * np.log(tau[g])).sum() / r[g].sum())) for g in groups])
    if len(joined_tau):
        joined_r, _ = nnls(1.0 - np.exp(-t[:, None] / joined_tau), z)
        joined_r, joined_tau = _polished(t, z, joined_r, joined_tau)
    found = Foster(joined_r, joined_tau, 0.0)
    return Foster(joined_r, joined_tau, float(np.abs(found.at(t) - z).max() / (np.abs(z).max() or 1.0)))


def _polished(t: FloatArray, z: FloatArray, r: FloatArray, tau: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Resistances and time constants moved to the least squares of both, from those of a grid; what was better is
    kept.
    """
    from scipy.optimize import least_squares

    r, tau = r[r > 0.0], tau[r > 0.0]
    if 2 * len(r) > len(t):
        return r, tau
    scale = float(np.abs(z).max())

    def off(x: FloatArray) -> FloatArray:
        rise = 1.0 - np.exp(-t[:, None] / np.exp(x[len(r) :]))
        return np.asarray((rise @ np.exp(x[: len(r)]) - z) / scale)

    start = np.concatenate([np.log(r), np.log(tau)])
    found = least_squares(off, start, max_nfev=200, bounds=(start - 3.0, start + 3.0)).x
    if np.abs(off(found)).max() > np.abs(off(start)).max():
        return r, tau
    order = np.argsort(found[len(r) :])
    return np.exp(found[: len(r)])[order], np.exp(found[len(r) :])[order]
