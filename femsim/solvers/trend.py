"""How a body moved in one increment of time, and where it will be by that in the next: what Newton's method starts from
(see :mod:`femsim.solvers.march`).
"""

from __future__ import annotations

from dataclasses import dataclass

from femsim.base.arrays import FloatArray


@dataclass(frozen=True)
class Trend:
    """How the displacement (ndof,) went in the last increment, by which the next is guessed: its part of the step, the
    rate in it and how that changes, and how far two half steps' end was off the whole's.
    """

    size: float
    rate: FloatArray
    change: FloatArray | None
    last: FloatArray | None

    @staticmethod
    def of(
        size: float, begin: FloatArray, end: FloatArray, before: Trend | None, last: FloatArray | None = None
    ) -> Trend:
        """After an increment from ``begin`` to ``end``; ``before`` is that of the one before."""
        rate = (end - begin) / size
        change = None if before is None else (rate - before.rate) / (0.5 * (size + before.size))
        return Trend(size, rate, change, last)

    def at(self, begin: FloatArray, size: float) -> FloatArray:
        """The displacement ``size`` further, as extrapolated increments find it."""
        rate = self.rate if self.change is None else self.rate + 0.5 * (self.size + size) * self.change
        return begin + size * rate

    def off(self, size: float, times: float) -> FloatArray | float:
        """How far first-order steps stay off that, which grows with the square of the increment: ``times`` the
        difference of one step and two, as large as the error of two of them.
        """
        return 0.0 if self.last is None else times * (size / self.size) ** 2 * self.last
