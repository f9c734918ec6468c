"""A property over temperature."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.base.errors import InputError


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

    def slope(self, temperature: FloatArray | float) -> FloatArray:
        """Derivative by temperature: that of the piece to the right at a knot, zero outside the table."""
        t = np.asarray(temperature, dtype=float)
        if not self.is_table:
            return np.zeros(t.shape)
        knots = np.array(self.temperatures)
        slopes = np.concatenate([[0.0], np.diff(self.values) / np.diff(knots), [0.0]])
        return np.asarray(slopes[np.searchsorted(knots, t, side="right")])

    def integral(self, temperature: FloatArray | float) -> FloatArray:
        """Integral over temperature from the first tabulated one, exact for the piecewise linear table."""
        t = np.asarray(temperature, dtype=float)
        if not self.is_table:
            return np.asarray(self.values[0] * t)
        knots, base, sums, values, bends = self._pieces
        i = np.searchsorted(knots, t)
        step = t - base[i]
        return np.asarray(sums[i] + step * (values[i] + bends[i] * step))

    @cached_property
    def _pieces(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
        """Knots, and of each piece between them, those outside included, where it begins, the integral and the value
        there and half its slope.
        """
        knots, values = np.array(self.temperatures), np.array(self.values)
        sums = np.concatenate([[0.0], np.cumsum(0.5 * (values[1:] + values[:-1]) * np.diff(knots))])
        bends = np.concatenate([[0.0], 0.5 * np.diff(values) / np.diff(knots), [0.0]])
        begin = np.maximum(np.arange(len(knots) + 1) - 1, 0)
        return knots, knots[begin], sums[begin], values[begin], bends

    def uncovered(self, low: float, high: float) -> tuple[float, float] | None:
        """The table's range where it does not cover [low, high], else None."""
        if not self.is_table or (low >= self.temperatures[0] and high <= self.temperatures[-1]):
            return None
        return self.temperatures[0], self.temperatures[-1]


def check_property(value: Property, key: str, low: float = -math.inf, inclusive: bool = False) -> None:
    """InputError unless all values are finite and above ``low`` (or equal, if ``inclusive``) and the table ascends."""
    for number in value.values:
        if not math.isfinite(number) or number < low or (number == low and not inclusive):
            raise InputError(
                f"{key}: {number:g} is not {'>=' if inclusive else '>'} {low:g}"
                if math.isfinite(number)
                else f"{key}: {number} is not a finite number"
            )
    if len(value.temperatures) > 1 or len(value.values) > 1:
        if len(value.values) != len(value.temperatures):
            raise InputError(f"{key}: {len(value.values)} values for {len(value.temperatures)} temperatures")
        check_ascending(value.temperatures, f"{key}.T")


def check_ascending(numbers: Sequence[float], key: str) -> None:
    """InputError unless ``numbers`` are finite and strictly ascending."""
    for a, b in pairwise(numbers):
        if not a < b:
            raise InputError(f"{key}: {b:g} after {a:g} does not ascend")
    if not all(math.isfinite(x) for x in numbers):
        raise InputError(f"{key}: {list(numbers)} are not all finite")
