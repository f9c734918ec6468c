"""A property over temperature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from femsim.base.arrays import FloatArray


@dataclass(frozen=True)
class Property:
    """A number, or values over ascending temperatures (degC): linear in between, constant outside (with a warning)."""

    values: tuple[float, ...]
    temperatures: tuple[float, ...] = ()

    @property
    def is_table(self) -> bool:
        """True where the value depends on temperature."""
        return len(self.temperatures) > 1

    def at(self, temperature: FloatArray | float) -> FloatArray:
        """Value at temperatures (degC) of any shape."""
        t = np.asarray(temperature, dtype=float)
        if not self.is_table:
            return np.full(t.shape, self.values[0])
        return np.asarray(np.interp(t, self.temperatures, self.values))

    def integral(self, temperature: FloatArray | float) -> FloatArray:
        """Integral over temperature from the first tabulated one, exact for the piecewise linear table."""
        t = np.asarray(temperature, dtype=float)
        if not self.is_table:
            return np.asarray(self.values[0] * t)
        knots, values = np.array(self.temperatures), np.array(self.values)
        sums = np.concatenate([[0.0], np.cumsum(0.5 * (values[1:] + values[:-1]) * np.diff(knots))])
        i = np.clip(np.searchsorted(knots, t) - 1, 0, len(knots) - 2)
        inside = np.clip(t, knots[0], knots[-1])
        step = inside - knots[i]
        slope = (values[i + 1] - values[i]) / (knots[i + 1] - knots[i])
        return np.asarray(
            sums[i]
            + step * (values[i] + 0.5 * slope * step)
            + values[0] * (t - inside) * (t < knots[0])
            + values[-1] * (t - inside) * (t > knots[-1])
        )

    def uncovered(self, low: float, high: float) -> tuple[float, float] | None:
        """The table's range where it does not cover [low, high], else None."""
        if not self.is_table or (low >= self.temperatures[0] and high <= self.temperatures[-1]):
            return None
        return self.temperatures[0], self.temperatures[-1]
