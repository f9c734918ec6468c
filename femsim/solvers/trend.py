"""How a body moved in one increment of time, and where it will be by that in the next: what Newton's method starts from
(see :mod:`femsim.solvers.march`).
"""

from __future__ import annotations

from dataclasses import dataclass

from femsim.base.arrays import FloatArray


@dataclass(frozen=True)
class Trend:
    """How the displacement (ndof,) went in the last increment, by which the next is guessed: its part of the step, the
    rate in it and how that changes; how far the first half's end was off the mean of start and whole increment, and the
    second half's off the whole's. What first-order steps leave grows with the square of the increment.
    """

    size: float
    rate: FloatArray
    change: FloatArray | None
    middle: FloatArray | None
    last: FloatArray | None

    @staticmethod
    def of(
        size: float,
        begin: FloatArray,
        end: FloatArray,
        before: Trend | None,
        middle: FloatArray | None = None,
        last: FloatArray | None = None,
    ) -> Trend:
        """After an increment from ``begin`` to ``end``; ``before`` is that of the one before."""
        rate = (end - begin) / size
        change = None if before is None else (rate - before.rate) / (0.5 * (size + before.size))
        return Trend(size, rate, change, middle, last)

    def whole(self, begin: FloatArray, size: float) -> FloatArray:
        """At the end of one step."""
        rate = self.rate if self.change is None else self.rate + 0.5 * (self.size + size) * self.change
        return begin + size * rate - self._grown(self.last, 2.0, size)

    def half(self, mean: FloatArray, size: float) -> FloatArray:
        """At the end of the first half step."""
        return mean + self._grown(self.middle, 1.0, size)

    def end(self, whole: FloatArray, size: float) -> FloatArray:
        """At the end of the second half step."""
        return whole + self._grown(self.last, 1.0, size)

    def _grown(self, off: FloatArray | None, times: float, size: float) -> FloatArray | float:
        return 0.0 if off is None else times * (size / self.size) ** 2 * off
