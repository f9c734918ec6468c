"""Linear viscoelasticity: Prony series in shear and bulk with a temperature shift, integrated exactly step by step.

    s = 2 G0 (e - sum g_i a_i),   da_i/dxi = (e - a_i) / tau_i,   dxi = dt / aT(T),

and alike for the mean stress with K0, k_i: the relaxation modulus is G(t) = G0 (1 - sum g_i (1 - exp(-t / tau_i))). The
lag d_i = e - a_i of each branch follows d' = e' - d / tau in reduced time; where e is linear in xi over a step,

    d = d_n exp(-h) + (e - e_n) (1 - exp(-h)) / h,    h = (xi - xi_n) / tau,

exactly (Taylor, Pister & Goudreau, IJNME 2 (1970) 45). G0, K0 may be tables over temperature. Shift: WLF (Williams,
Landel & Ferry, J. Am. Chem. Soc. 77 (1955) 3701) log10 aT = -C1 (T - Tr) / (C2 + T - Tr), frozen (aT infinite) at and
below its pole Tr - C2; or Arrhenius ln aT = Q / R (1 / T - 1 / Tr). Reduced time counts the temperature as linear over
a step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.base.errors import InputError
from femsim.materials.creep import ABSOLUTE, GAS_CONSTANT
from femsim.materials.law import DEVIATOR, State, Update, double_dot, moduli
from femsim.materials.property import Property, check_property

_PARTS = 8  # of a step over which the logarithm of aT counts as linear


class Shift(Protocol):
    """How much slower a material relaxes at a temperature than at the reference."""

    def log(self, temperature: FloatArray) -> FloatArray:
        """ln aT at temperatures (degC); +inf where nothing relaxes."""
        ...


@dataclass(frozen=True)
class Wlf:
    """log10 aT = -C1 (T - Tr) / (C2 + T - Tr), ``reference`` Tr in degC, C2 in K."""

    C1: float
    C2: float
    reference: float

    def __post_init__(self) -> None:
        for name in ("C1", "C2"):
            check_property(Property((getattr(self, name),)), f"viscoelastic.shift.wlf.{name}", low=0.0)
        check_property(Property((self.reference,)), "viscoelastic.shift.wlf.reference", low=-ABSOLUTE)

    def log(self, temperature: FloatArray) -> FloatArray:
        """ln aT; +inf at and below the pole."""
        over = temperature - self.reference
        below = self.C2 + over <= 0
        safe = np.where(below, 1.0, self.C2 + over)
        return np.where(below, np.inf, -np.log(10.0) * self.C1 * over / safe)


@dataclass(frozen=True)
class Arrhenius:
    """ln aT = Q / R (1 / T - 1 / Tr), ``Q`` in J/mol, ``reference`` Tr in degC."""

    Q: float
    reference: float

    def __post_init__(self) -> None:
        check_property(Property((self.Q,)), "viscoelastic.shift.arrhenius.Q", low=0.0)
        check_property(Property((self.reference,)), "viscoelastic.shift.arrhenius.reference", low=-ABSOLUTE)

    def log(self, temperature: FloatArray) -> FloatArray:
        """ln aT."""
        return np.asarray(self.Q / GAS_CONSTANT * (1 / (temperature + ABSOLUTE) - 1 / (self.reference + ABSOLUTE)))


@dataclass(frozen=True)
class ShiftTable:
    """log10 aT over temperature (degC): linear in between, constant outside (with a warning of the run)."""

    log10: Property

    def __post_init__(self) -> None:
        check_property(self.log10, "viscoelastic.shift.table")

    def log(self, temperature: FloatArray) -> FloatArray:
        """ln aT."""
        return np.asarray(np.log(10.0) * self.log10.at(temperature))


@dataclass(frozen=True)
class Branch:
    """One term of a Prony series: ``fraction`` of the instantaneous modulus, relaxation ``time`` in s."""

    fraction: float
    time: float


@dataclass(frozen=True)
class ViscoelasticLaw:
    """Isotropic linear viscoelasticity; E and nu are the instantaneous ones.

    State: ``strain`` (n, 6) of the last step, ``lag`` (n, m, 6) engineering strain lag of the branches, shear before
    bulk, ``stress``, ``temperature`` (n,), ``p`` and ``creep`` (zero), ``work``: what the dashpots took up (MPa).
    """

    youngs_modulus: Property  # MPa
    poisson_ratio: Property
    shear: tuple[Branch, ...] = ()
    bulk: tuple[Branch, ...] = ()
    shift: Shift | None = None

    def __post_init__(self) -> None:
        check_property(self.youngs_modulus, "E", low=0.0)
        check_property(self.poisson_ratio, "nu", low=-1.0)
        if not self.shear and not self.bulk:
            raise InputError("viscoelastic: neither shear nor bulk has a branch")
        for name, branches in (("shear", self.shear), ("bulk", self.bulk)):
            for i, branch in enumerate(branches):
                check_property(Property((branch.fraction,)), f"viscoelastic.{name}[{i}] fraction", low=0.0)
                check_property(Property((branch.time,)), f"viscoelastic.{name}[{i}] time", low=0.0)
            total = sum(branch.fraction for branch in branches)
            if total > 1.0 + 1e-9:
                raise InputError(f"viscoelastic.{name}: the fractions sum to {total:g}, more than 1")

    @property
    def linear(self) -> bool:
        """False: stress depends on what came before (though linearly)."""
        return False

    @property
    def order(self) -> int:
        """Second, in time: exact for a strain linear in reduced time."""
        return 2

    @property
    def slow(self) -> bool:
        """Always."""
        return True

    def start(self, temperature: FloatArray) -> State:
        """All branches relaxed at zero strain."""
        n, count = len(temperature), len(self.shear) + len(self.bulk)
        return {name: np.zeros(n) for name in ("p", "creep", "work")} | {
            "strain": np.zeros((n, 6)),
            "lag": np.zeros((n, count, 6)),
            "stress": np.zeros((n, 6)),
            "temperature": np.array(temperature, dtype=float),
        }

    def update(self, strain: FloatArray, temperature: FloatArray, state: State, dt: float) -> Update:
        """One step, exact for a strain linear in reduced time; as :class:`femsim.materials.law.Law`."""
        bulk, shear = moduli(self.youngs_modulus, self.poisson_ratio, temperature)
        branches = (*self.shear, *self.bulk)
        fraction = np.array([b.fraction for b in branches])
        time = np.array([b.time for b in branches])
        h = self.reduced_time(state["temperature"], temperature, dt)[:, None] / time
        left = np.exp(-h)
        with np.errstate(divide="ignore", invalid="ignore"):
            taken = np.where(h > 1e-8, -np.expm1(-h) / h, 1.0 - 0.5 * h)
        step = strain - state["strain"]
        lag = left[:, :, None] * state["lag"] + taken[:, :, None] * step[:, None, :]
        flow = step[:, None, :] - (lag - state["lag"])  # of the dashpots
        first = len(self.shear)
        stiff = np.empty((len(strain), len(branches), 6))  # stress of each branch per unit modulus, tensor components
        mean_lag = 0.5 * (lag + state["lag"])
        stress, work = np.zeros_like(strain), np.zeros(len(strain))
        rigid = 1.0 - fraction[:first].sum(), 1.0 - fraction[first:].sum()
        kept = rigid[0] * strain + np.einsum("m,nmi->ni", fraction[:first], lag[:, :first])
        swollen = rigid[1] * strain + np.einsum("m,nmi->ni", fraction[first:], lag[:, first:])
        stress = 2.0 * shear[:, None] * (kept @ DEVIATOR)
        stress[:, :3] += (bulk * swollen[:, :3].sum(1))[:, None]
        stiff = mean_lag[:, :first] @ DEVIATOR
        power = double_dot(stiff, flow[:, :first] @ DEVIATOR)
        work = 2.0 * shear * (power @ fraction[:first])
        if self.bulk:
            volume = mean_lag[:, first:, :3].sum(-1) * flow[:, first:, :3].sum(-1)
            work = work + bulk * (volume @ fraction[first:])
        g = shear * (rigid[0] + taken[:, :first] @ fraction[:first])
        k = bulk * (rigid[1] + taken[:, first:] @ fraction[first:])

        def tangent() -> FloatArray:
            found = (2.0 * g)[:, None, None] * DEVIATOR
            found[:, :3, :3] += k[:, None, None]
            return np.asarray(found)

        new = dict(state) | {
            "strain": strain.copy(),
            "lag": lag,
            "stress": stress,
            "temperature": np.array(np.broadcast_to(temperature, state["temperature"].shape), dtype=float),
            "work": state["work"] + work,
        }
        return Update(stress, tangent, new)

    def reduced_time(self, before: FloatArray, now: FloatArray, dt: float) -> FloatArray:
        """int dt / aT (n,) over a step in which the temperature goes linearly from ``before`` to ``now``.

        Of a part of the step whose ln aT goes from a to b linearly, the mean of 1 / aT is (e^-a - e^-b) / (b - a).
        """
        if self.shift is None or dt <= 0.0:
            return np.full(len(before), float(dt))
        weights = np.linspace(0.0, 1.0, _PARTS + 1)
        inverse = -self.shift.log(before[:, None] + (now - before)[:, None] * weights)  # ln(1 / aT), may be -inf
        inverse = np.maximum(inverse, -700.0)
        a, b = inverse[:, :-1], inverse[:, 1:]
        difference = np.minimum(np.abs(b - a), 700.0)
        top = np.maximum(a, b)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            mean = np.where(difference > 1e-8, -np.expm1(-difference) / difference, 1.0 - 0.5 * difference)
            return np.asarray(dt / _PARTS * (np.exp(top) * mean).sum(1))

    def properties(self) -> dict[str, Property]:
        """The table of the shift, where it is one."""
        return {"viscoelastic.shift.table": self.shift.log10} if isinstance(self.shift, ShiftTable) else {}
