"""Hardening of a metal: the radius of its yield surface over plastic strain and temperature, and its back stresses."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.base.errors import InputError
from femsim.materials.property import Property, check_ascending, check_property


@dataclass(frozen=True)
class HardeningTable:
    """Flow stress (MPa) over equivalent plastic strain, linear in between, constant behind the last entry.

    ``stress`` has one row for each of ``temperatures`` (degC; linear in between, constant outside), or a single row.
    """

    p: tuple[float, ...]
    stress: tuple[tuple[float, ...], ...]
    temperatures: tuple[float, ...] = ()

    def at(self, p: FloatArray, temperature: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Flow stress, its slope (MPa) and its integral from p = 0 (MPa), each (n,)."""
        knots = np.array(self.p)
        i = np.clip(np.searchsorted(knots, p, side="right") - 1, 0, len(knots) - 1)
        width = np.append(np.diff(knots), 1.0)
        total = np.zeros((3, *np.shape(p)))
        for row, weight in zip(self.stress, self._weights(temperature), strict=True):
            values = np.array(row)
            slopes = np.append(np.diff(values), 0.0) / width
            sums = np.append(0.0, np.cumsum(0.5 * (values[1:] + values[:-1]) * width[:-1]))
            step = p - knots[i]
            value = values[i] + slopes[i] * step
            total += weight * np.array([value, slopes[i], sums[i] + 0.5 * (values[i] + value) * step])
        return total[0], total[1], total[2]

    def _weights(self, temperature: FloatArray) -> list[FloatArray]:
        if len(self.stress) == 1:
            return [np.ones_like(temperature)]
        rows = np.eye(len(self.stress))
        return [np.interp(temperature, self.temperatures, row) for row in rows]

    def check(self, key: str, softening: bool) -> None:
        """InputError unless p ascends from 0 and no row falls (or ``softening`` says it may)."""
        check_ascending(self.p, f"{key}.p")
        check_ascending(self.temperatures, f"{key}.T")
        if not self.p or self.p[0] != 0.0:
            raise InputError(f"{key}.p: the first plastic strain must be 0, not {self.p[0] if self.p else 'missing'}")
        if len(self.stress) != max(1, len(self.temperatures)):
            raise InputError(f"{key}.stress: {len(self.stress)} rows for {len(self.temperatures)} temperatures")
        for row in self.stress:
            if len(row) != len(self.p):
                raise InputError(f"{key}.stress: {len(row)} stresses for {len(self.p)} plastic strains")
            for value in row:
                check_property(Property((value,)), f"{key}.stress", low=0.0)
            falls = next((b for a, b in pairwise(row) if b < a), None)
            if falls is not None and not softening:
                raise InputError(f"{key}.stress: {falls:g} after more softens; say softening = true to allow it")


@dataclass(frozen=True)
class BackStress:
    """One back stress of Armstrong & Frederick (1966): dX = 2/3 C deps_p - gamma X dp; gamma = 0 is linear (Prager).

    ``C`` in MPa, ``gamma`` without unit. Uniaxially it tends to C / gamma. Several of them: Chaboche (1986). X is kept
    as a stress; where C changes with temperature, no term (dC/dT)/C X dT is added.
    """

    C: Property
    gamma: Property


@dataclass(frozen=True)
class Plasticity:
    """J2 plasticity: |S - X| <= Y(p, T) with

        Y = k + H p + Q (1 - exp(-b p)),    or the table's flow stress,

    associated flow, back stresses X = sum X_i. ``yield_strength`` k in MPa, may be left out where a table gives it; a
    number beside a table must be the table's first stress, a temperature table beside one single row shifts that row.
    """

    yield_strength: Property | None = None
    H: Property | None = None  # linear, MPa
    Q: Property | None = None  # Voce, MPa
    b: Property | None = None
    table: HardeningTable | None = None
    kinematic: tuple[BackStress, ...] = ()
    softening: bool = False  # the word without which hardening must not fall

    def __post_init__(self) -> None:
        if (self.Q is None) != (self.b is None):
            raise InputError("plastic.isotropic.voce: Q and b are needed together")
        if self.table is not None:
            if self.H is not None or self.Q is not None:
                raise InputError("plastic.isotropic: a table stands alone, without linear or voce")
            self.table.check("plastic.isotropic.table", self.softening)
            self._check_first()
        elif self.yield_strength is None:
            raise InputError("plastic.yield: missing; give the yield strength in MPa")
        if self.yield_strength is not None:
            check_property(self.yield_strength, "plastic.yield", low=0.0)
        for name, value in (("linear", self.H), ("voce.Q", self.Q)):
            if value is not None:
                check_property(value, f"plastic.isotropic.{name}")
                if min(value.values) < 0 and not self.softening:
                    raise InputError(
                        f"plastic.isotropic.{name}: {min(value.values):g} softens; say softening = true to allow it"
                    )
        if self.b is not None:
            check_property(self.b, "plastic.isotropic.voce.b", low=0.0)
        if self.H is not None and min(self.H.values) < 0:
            raise InputError("plastic.isotropic.linear: a linear fall has no end; use voce with Q < 0 or a table")
        if self.Q is not None and self.yield_strength is not None:
            least = min(self.yield_strength.values) + min(self.Q.values)
            if least <= 0:
                raise InputError(f"plastic.isotropic.voce.Q: {min(self.Q.values):g} leaves a strength of {least:g} MPa")
        for i, x in enumerate(self.kinematic):
            check_property(x.C, f"plastic.kinematic[{i}].C", low=0.0, inclusive=True)
            check_property(x.gamma, f"plastic.kinematic[{i}].gamma", low=0.0, inclusive=True)

    def _check_first(self) -> None:
        k, table = self.yield_strength, self.table
        if k is None or table is None:
            return
        if k.is_table and len(table.stress) > 1:
            raise InputError("plastic.yield: leave it out beside hardening tables over temperature")
        if not k.is_table:
            for row in table.stress:
                if abs(k.values[0] - row[0]) > 1e-9 * row[0]:
                    raise InputError(
                        f"plastic.yield: {k.values[0]:g} is not the first stress of plastic.isotropic.table, {row[0]:g}"
                    )

    def radius(self, p: FloatArray, temperature: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Y (n,), dY/dp and the integral of Y over p from 0, all in MPa."""
        if self.table is not None:
            y, slope, area = self.table.at(p, temperature)
            if self.yield_strength is not None and self.yield_strength.is_table:
                shift = self.yield_strength.at(temperature) - self.table.stress[0][0]
                y, area = y + shift, area + shift * p
            return y, slope, area
        assert self.yield_strength is not None
        y = self.yield_strength.at(temperature)
        slope, area = np.zeros_like(y), y * p
        if self.H is not None:
            h = self.H.at(temperature)
            y, slope, area = y + h * p, slope + h, area + 0.5 * h * p * p
        if self.Q is not None and self.b is not None:
            q, b = self.Q.at(temperature), self.b.at(temperature)
            grown = -np.expm1(-b * p)
            y, slope, area = y + q * grown, slope + q * b * (1.0 - grown), area + q * (p - grown / b)
        return y, slope, area

    def steepest_fall(self) -> float:
        """The largest -dY/dp, MPa; 0 where the strength never falls."""
        slopes = [0.0]
        if self.table is not None:
            slopes += [float(x) for row in self.table.stress for x in np.diff(row) / np.diff(self.table.p)]
        if self.Q is not None and self.b is not None:
            slopes.append(min(self.Q.values) * max(self.b.values))
        return -min(slopes)

    def properties(self) -> dict[str, Property]:
        """All parameters over temperature by name."""
        named = {"yield": self.yield_strength, "linear": self.H, "voce.Q": self.Q, "voce.b": self.b}
        found = {name: value for name, value in named.items() if value is not None}
        for i, x in enumerate(self.kinematic):
            found |= {f"kinematic[{i}].C": x.C, f"kinematic[{i}].gamma": x.gamma}
        if self.table is not None and len(self.table.temperatures) > 1:
            found["table"] = Property(tuple(row[0] for row in self.table.stress), self.table.temperatures)
        return found
