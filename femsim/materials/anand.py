"""Anand's unified viscoplasticity for solder, by an implicit step with one scalar unknown per point.

    rate = A exp(-Q_R / T) sinh(xi q / s)^(1/m),   ds = h0 |1 - s / s*|^a sign(1 - s / s*) dp,
    s* = s_hat (rate / A exp(Q_R / T))^n,          s = s0 at the start

(Anand, Int. J. Plasticity 1 (1985) 213; Brown, Kim & Anand, ibid. 5 (1989) 95). Flow is along the trial deviator S, so
with dp = rate dt the step is |S| = 3 G dp + (s / xi) asinh(z^m), z = dp / (dt A exp(-Q_R / T)). It is solved in log dp,
where both sides are smooth, nothing overflows, and rate = 0 (for which s* has no limit) is never asked for; s at a
given dp solves its own implicit equation, which always has one root between its start and s*.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from femsim.base.arrays import BoolArray, FloatArray, IntArray
from femsim.base.errors import InputError
from femsim.materials.creep import ABSOLUTE, asinh_exp
from femsim.materials.law import ENGINEERING, State, Update, equivalent, joined, moduli, radial_tangent, split
from femsim.materials.property import Property, check_property
from femsim.materials.radial import flow_work
from femsim.materials.roots import rising_root

_SILENT = -300.0  # log of the increment of strain below which there is no flow


@dataclass(frozen=True)
class Anand:
    """A (1/s), Q_R (K), xi, m, h0 (MPa), s_hat (MPa), n, a and s0 (MPa), which counts at the start."""

    A: Property
    Q_R: Property
    xi: Property
    m: Property
    h0: Property
    s_hat: Property
    n: Property
    a: Property
    s0: Property

    def __post_init__(self) -> None:
        for name in ("A", "xi", "m", "s_hat", "s0"):
            check_property(getattr(self, name), f"anand.{name}", low=0.0)
        for name in ("Q_R", "h0", "n"):
            check_property(getattr(self, name), f"anand.{name}", low=0.0, inclusive=True)
        check_property(self.a, "anand.a", low=1.0, inclusive=True)
        if max(self.n.values) >= 1.0:
            raise InputError(f"anand.n: {max(self.n.values):g} is not < 1")

    def properties(self) -> dict[str, Property]:
        """All parameters that may be tables, by name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


@dataclass(frozen=True)
class AnandLaw:
    """Isotropic elasticity with Anand's flow.

    State: ``inelastic`` (n, 6) engineering strain, ``resistance`` s (n,), ``stress`` (n, 6), ``p``, ``creep`` (zero),
    ``work`` (MPa).
    """

    youngs_modulus: Property  # MPa
    poisson_ratio: Property
    anand: Anand

    def __post_init__(self) -> None:
        check_property(self.youngs_modulus, "E", low=0.0)
        check_property(self.poisson_ratio, "nu", low=-1.0)

    @property
    def linear(self) -> bool:
        """Never."""
        return False

    @property
    def order(self) -> int:
        """First, in time."""
        return 1

    @property
    def slow(self) -> bool:
        """Always."""
        return True

    def start(self, temperature: FloatArray) -> State:
        """No inelastic strain, resistance s0."""
        n = len(temperature)
        return {name: np.zeros(n) for name in ("p", "creep", "work")} | {
            "inelastic": np.zeros((n, 6)),
            "stress": np.zeros((n, 6)),
            "resistance": self.anand.s0.at(temperature),
        }

    def update(self, strain: FloatArray, temperature: FloatArray, state: State, dt: float) -> Update:
        """One implicit step, as :class:`femsim.materials.law.Law`."""
        bulk, shear = moduli(self.youngs_modulus, self.poisson_ratio, temperature)
        mean, trial = split(strain - state["inelastic"], bulk, shear)
        q_trial = equivalent(trial)
        positive = q_trial > 0
        normal = trial / np.where(positive, q_trial, 1.0)[:, None]
        q, slope, dp, s = self._flow(q_trial, shear, temperature, state["resistance"], dt)
        ratio = np.where(positive, q / np.where(positive, q_trial, 1.0), 1.0)
        stress = joined(mean, ratio[:, None] * trial)
        new = dict(state) | {
            "inelastic": state["inelastic"] + (1.5 * dp)[:, None] * normal * ENGINEERING,
            "stress": stress,
            "resistance": s,
            "p": state["p"] + dp,
            "work": state["work"] + flow_work(dp, q, normal, state["stress"]),
        }
        return Update(stress, lambda: radial_tangent(bulk, shear, ratio, slope, normal), new)

    def properties(self) -> dict[str, Property]:
        """Inelastic parameters over temperature by their key."""
        return {f"anand.{k}": v for k, v in self.anand.properties().items()}

    def _flow(
        self, trial: FloatArray, shear: FloatArray, temperature: FloatArray, resistance: FloatArray, dt: float
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """q, dq/dq_trial, dp and s (n,) each."""
        q, slope, dp, s = trial.copy(), np.ones_like(trial), np.zeros_like(trial), resistance.copy()
        chosen = np.flatnonzero(trial > 0)
        if dt <= 0.0 or not chosen.size:
            return q, slope, dp, s
        point = _Point.at(self.anand, trial[chosen], shear[chosen], temperature[chosen], resistance[chosen], dt)
        y = point.solve()
        flows = y > _SILENT
        chosen, point, y = chosen[flows], point.take(flows), y[flows]
        _, stress, by_dp, resisted = point.stress(y, slice(None))
        dp[chosen], s[chosen] = np.exp(y), resisted
        q[chosen] = np.where(stress < 0.5 * point.trial, stress, point.trial - 3.0 * point.shear * np.exp(y))
        slope[chosen] = by_dp / (3.0 * point.shear + by_dp)
        return q, slope, dp, s


@dataclass(frozen=True)
class _Point:
    """Constants of points in a step; ``front`` is log(dt A exp(-Q_R / T))."""

    trial: FloatArray
    shear: FloatArray
    resistance: FloatArray
    front: FloatArray
    xi: FloatArray
    m: FloatArray
    h0: FloatArray
    s_hat: FloatArray
    n: FloatArray
    a: FloatArray

    @classmethod
    def at(
        cls, anand: Anand, trial: FloatArray, shear: FloatArray, temperature: FloatArray, s: FloatArray, dt: float
    ) -> _Point:
        """The constants at temperatures (degC)."""
        front = np.log(dt * anand.A.at(temperature)) - anand.Q_R.at(temperature) / (temperature + ABSOLUTE)
        rest = {name: getattr(anand, name).at(temperature) for name in ("xi", "m", "h0", "s_hat", "n", "a")}
        return cls(trial, shear, s, front, **rest)

    def take(self, chosen: IntArray | BoolArray | slice) -> _Point:
        """The same at some of the points."""
        return _Point(*(getattr(self, f.name)[chosen] for f in fields(self)))

    def solve(self) -> FloatArray:
        """log dp (n,): the root of 3 G dp + (s / xi) asinh(z^m) - q_trial."""
        high = np.log(self.trial / (3.0 * self.shear))
        strongest = np.maximum(self.resistance, self.saturation(high))
        low = np.minimum(high - np.log(2.0), self._log_increment(0.5 * self.trial, strongest))
        start = np.minimum(high, self._log_increment(self.trial, self.resistance))

        def balance(y: FloatArray, chosen: IntArray | slice) -> tuple[FloatArray, FloatArray]:
            point = self.take(chosen)
            dp, stress, by_dp, _ = point.stress(y, slice(None))
            return 3.0 * point.shear * dp + stress - point.trial, dp * (3.0 * point.shear + by_dp)

        silent = high < _SILENT
        low, start, high = (np.where(silent, 2 * _SILENT, np.maximum(x, 2 * _SILENT)) for x in (low, start, high))
        return rising_root(balance, low, high, start, 1e-14 * self.trial, "Anand")

    def saturation(self, y: FloatArray) -> FloatArray:
        """s* at log dp."""
        return np.asarray(self.s_hat * np.exp(self.n * (y - self.front)))

    def stress(self, y: FloatArray, chosen: IntArray | slice) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """dp, q, dq/ddp and s at log dp."""
        dp = np.exp(y)
        s, by_dp = self.hardened(y, dp)
        power = self.m * (y - self.front)  # log z^m
        angle = asinh_exp(power)
        # d asinh(z^m) / d log dp = m z^m / sqrt(1 + z^2m)
        turn = self.m / np.sqrt(1.0 + np.exp(-2.0 * np.maximum(power, -300.0)))
        q = s / self.xi * angle
        with np.errstate(over="ignore"):
            slope = (by_dp * angle + s * turn / dp) / self.xi
        return dp, q, slope, s

    def hardened(self, y: FloatArray, dp: FloatArray) -> tuple[FloatArray, FloatArray]:
        """s at the end of the step and ds/ddp: the root of s - s_n - h0 dp |1 - s/s*|^a sign(1 - s/s*)."""
        full, s_n, a = self.saturation(y), self.resistance, self.a
        push = self.h0 * dp
        softens = s_n > full
        sign = np.where(softens, -1.0, 1.0)
        with np.errstate(divide="ignore", over="ignore"):
            # h0 dp |1 - s/s*|^a <= |s* - s_n| bounds s from the side of its start
            gap = np.where(push > 0, (np.abs(full - s_n) / np.where(push > 0, push, 1.0)) ** (1.0 / a), np.inf)
            near = full * (1.0 - sign * gap)
        start = np.where(softens, np.minimum(s_n, near), np.maximum(s_n, near))

        def balance(s: FloatArray, chosen: IntArray | slice) -> tuple[FloatArray, FloatArray]:
            f, e, k, w = full[chosen], a[chosen], push[chosen], sign[chosen]
            distance = np.maximum(w * (1.0 - s / f), 0.0)
            return s - s_n[chosen] - w * k * distance**e, 1.0 + k * e * distance ** (e - 1.0) / f

        s = rising_root(balance, np.minimum(s_n, full), np.maximum(s_n, full), start, 1e-15 * s_n, "Anand's resistance")
        distance = np.maximum(sign * (1.0 - s / full), 0.0)
        tight = distance ** (a - 1.0)
        by_s = 1.0 + push * a * tight / full
        by_dp = self.h0 * (sign * distance**a + a * tight * (s / full) * self.n)
        return s, by_dp / by_s

    def _log_increment(self, q: FloatArray, s: FloatArray) -> FloatArray:
        """log dp at held q and s: front + log(sinh(xi q / s)) / m."""
        x = self.xi * q / s
        return np.asarray(self.front + (x + np.log(-0.5 * np.expm1(-2.0 * x))) / self.m)
