"""Creep rates: equivalent creep strain rate (1/s) from von Mises stress (MPa) and temperature (degC).

All are sums of terms A f(stress) with rate >= 0, rising with stress. Each law also gives an upper bound of the stress
for a rate, which keeps the implicit step away from overflow (see :mod:`femsim.materials.plastic`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.base.errors import InputError
from femsim.materials.property import Property, check_property

GAS_CONSTANT = 8.314462618  # J/(mol K), CODATA 2018
ABSOLUTE = 273.15


class Creep(Protocol):
    """A creep rate, rising with stress."""

    def rate(self, stress: FloatArray, temperature: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Rate (1/s) and its derivative by stress (1/(s MPa)) at stress >= 0 (MPa) and temperature (degC)."""
        ...

    def bound(self, rate: FloatArray, temperature: FloatArray) -> FloatArray:
        """A stress (MPa) at which the rate is at least ``rate`` (1/s), and not more than a few times it."""
        ...

    def properties(self) -> dict[str, Property]:
        """All parameters by name."""
        ...


@dataclass(frozen=True)
class Norton:
    """Norton (1929) with Arrhenius: A s^n exp(-Q / (R T)); A in 1/s for s in MPa, Q in J/mol (0: no temperature)."""

    A: Property
    n: Property
    Q: Property = Property((0.0,))  # noqa: RUF009 (frozen)

    def __post_init__(self) -> None:
        _positive("creep.norton", A=self.A, n=self.n)
        check_property(self.Q, "creep.norton.Q", low=0.0, inclusive=True)

    def rate(self, stress: FloatArray, temperature: FloatArray) -> tuple[FloatArray, FloatArray]:
        """A s^n exp(-Q / (R T)) and n / s times it."""
        return _power(self._front(temperature), stress, self.n.at(temperature))

    def bound(self, rate: FloatArray, temperature: FloatArray) -> FloatArray:
        """The inverse."""
        return _root(rate, self._front(temperature), self.n.at(temperature))

    def properties(self) -> dict[str, Property]:
        """A, n, Q."""
        return {"A": self.A, "n": self.n, "Q": self.Q}

    def _front(self, temperature: FloatArray) -> FloatArray:
        return np.log(self.A.at(temperature)) - self.Q.at(temperature) / (GAS_CONSTANT * (temperature + ABSOLUTE))


@dataclass(frozen=True)
class Garofalo:
    """Garofalo (1963), C1 sinh(C2 s)^C3 exp(-C4 / T); C1 in 1/s, C2 in 1/MPa, C4 in K."""

    C1: Property
    C2: Property
    C3: Property
    C4: Property

    def __post_init__(self) -> None:
        _positive("creep.garofalo", C1=self.C1, C2=self.C2, C3=self.C3)
        check_property(self.C4, "creep.garofalo.C4", low=0.0, inclusive=True)

    def rate(self, stress: FloatArray, temperature: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Rate and C2 C3 coth(C2 s) times it; in logarithms, so that sinh cannot overflow before the rate does."""
        c2, c3 = self.C2.at(temperature), self.C3.at(temperature)
        x = c2 * stress
        positive = x > 0
        safe = np.where(positive, x, 1.0)
        decay = -np.expm1(-2.0 * safe)  # 1 - e^-2x
        with np.errstate(over="ignore"):
            value = np.exp(self._front(temperature) + c3 * (safe + np.log(0.5 * decay)))
            slope = value * c2 * c3 * (2.0 - decay) / decay
        flat = np.where(c3 == 1.0, np.exp(self._front(temperature)) * c2, 0.0)
        return np.where(positive, value, 0.0), np.where(positive, slope, flat)

    def bound(self, rate: FloatArray, temperature: FloatArray) -> FloatArray:
        """The inverse, asinh((rate / front)^(1/C3)) / C2."""
        with np.errstate(divide="ignore"):
            y = (np.log(rate) - self._front(temperature)) / self.C3.at(temperature)
        return asinh_exp(y) / self.C2.at(temperature)

    def properties(self) -> dict[str, Property]:
        """C1, C2, C3, C4."""
        return {"C1": self.C1, "C2": self.C2, "C3": self.C3, "C4": self.C4}

    def _front(self, temperature: FloatArray) -> FloatArray:
        return np.log(self.C1.at(temperature)) - self.C4.at(temperature) / (temperature + ABSOLUTE)


@dataclass(frozen=True)
class PowerTerm:
    """One term A exp(-B / T) (s / sn)^n: A in 1/s, B in K, sn in MPa."""

    A: Property
    B: Property
    n: Property
    sn: Property = Property((1.0,))  # noqa: RUF009 (frozen)


@dataclass(frozen=True)
class PowerSum:
    """Sum of power-law terms, as the two of Wiese et al. (ECTC 2003): sum A exp(-B / T) (s / sn)^n."""

    terms: tuple[PowerTerm, ...]

    def __post_init__(self) -> None:
        if not self.terms:
            raise InputError("creep.terms: at least one term is needed")
        for i, term in enumerate(self.terms):
            _positive(f"creep.terms[{i}]", A=term.A, n=term.n, sn=term.sn)
            check_property(term.B, f"creep.terms[{i}].B", low=0.0, inclusive=True)

    def rate(self, stress: FloatArray, temperature: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The sums of the terms and of their derivatives."""
        parts = [_power(self._front(t, temperature), stress, t.n.at(temperature)) for t in self.terms]
        return np.sum([p[0] for p in parts], axis=0), np.sum([p[1] for p in parts], axis=0)

    def bound(self, rate: FloatArray, temperature: FloatArray) -> FloatArray:
        """The least stress at which one term alone gives the rate."""
        each = [_root(rate, self._front(t, temperature), t.n.at(temperature)) for t in self.terms]
        return np.asarray(np.min(each, axis=0))

    def properties(self) -> dict[str, Property]:
        """A, B, n, sn of each term."""
        return {f"terms[{i}].{k}": getattr(t, k) for i, t in enumerate(self.terms) for k in ("A", "B", "n", "sn")}

    @staticmethod
    def _front(term: PowerTerm, temperature: FloatArray) -> FloatArray:
        n = term.n.at(temperature)
        return np.asarray(
            np.log(term.A.at(temperature))
            - term.B.at(temperature) / (temperature + ABSOLUTE)
            - n * np.log(term.sn.at(temperature))
        )


def asinh_exp(y: FloatArray) -> FloatArray:
    """asinh(exp(y)) without overflow."""
    large = y > 300.0
    return np.where(large, y + math.log(2.0), np.arcsinh(np.exp(np.where(large, 0.0, y))))


def _power(front: FloatArray, stress: FloatArray, n: FloatArray) -> tuple[FloatArray, FloatArray]:
    """exp(front) s^n and its derivative."""
    positive = stress > 0
    safe = np.where(positive, stress, 1.0)
    with np.errstate(over="ignore"):
        value = np.exp(front + n * np.log(safe))
    flat = np.where(n == 1.0, np.exp(front), 0.0)
    return np.where(positive, value, 0.0), np.where(positive, n * value / safe, flat)


def _root(rate: FloatArray, front: FloatArray, n: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", over="ignore"):
        return np.asarray(np.exp((np.log(rate) - front) / n))


def _positive(where: str, **properties: Property) -> None:
    for name, value in properties.items():
        check_property(value, f"{where}.{name}", low=0.0)
