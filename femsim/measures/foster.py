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
    which stand for one constant between them, are joined.
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
    found = Foster(joined_r, joined_tau, 0.0)
    return Foster(joined_r, joined_tau, float(np.abs(found.at(t) - z).max() / (np.abs(z).max() or 1.0)))
