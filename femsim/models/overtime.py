"""Numbers over time: constant, tabulated with jumps, or switched on and off in a duty cycle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class OverTime:
    """A number over time (s): linear between the knots ``t``, of which two equal ones are a jump; end values outside.

    One value without knots is constant. With a ``period`` the value is on for the fraction ``duty`` of each period,
    from its start, and zero for the rest.
    """

    value: tuple[float, ...]
    t: tuple[float, ...] = ()
    period: float = 0.0
    duty: float = 1.0

    @property
    def is_constant(self) -> bool:
        """Whether it is the same at all times."""
        return not self.period and len(set(self.value)) == 1

    def at(self, time: float, within: float | None = None) -> float:
        """The value at a time; at a jump that of the piece which holds the time ``within``, left out: the later one."""
        inside = time if within is None else within
        if self.period:
            phase = inside / self.period
            return self.value[0] if phase - np.floor(phase) < self.duty else 0.0
        if not self.t:
            return self.value[0]
        k = int(np.searchsorted(self.t, inside, side="right"))
        if k == 0:
            return self.value[0]
        if k == len(self.t):
            return self.value[-1]
        share = (time - self.t[k - 1]) / (self.t[k] - self.t[k - 1])
        return self.value[k - 1] + share * (self.value[k] - self.value[k - 1])

    def knots(self, end: float) -> list[float]:
        """Times in (0, end) where it bends or jumps."""
        if self.period:
            starts = self.period * np.arange(int(np.ceil(end / self.period)) + 1)
            found = np.concatenate([starts, starts + self.duty * self.period]) if self.duty < 1.0 else np.empty(0)
        else:
            found = np.array(self.t)
        return [float(t) for t in np.unique(found[(found > 0.0) & (found < end)])]

    @property
    def extremes(self) -> tuple[float, float]:
        """The smallest and the largest value it takes."""
        values = (*self.value, 0.0) if self.period and self.duty < 1.0 else self.value
        return min(values), max(values)


def constant(value: float) -> OverTime:
    """A number that does not change."""
    return OverTime((float(value),))
