"""The radial return along the trial deviator: isotropic hardening, creep, or both, one scalar unknown per point.

Equations and sources stand in :mod:`femsim.materials.plastic`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.materials.creep import Creep
from femsim.materials.hardening import Plasticity
from femsim.materials.law import State, double_dot, equivalent, radial_tangent
from femsim.materials.roots import rising_root


class Flow(NamedTuple):
    """What flowed in a step: stress deviator and inelastic strain (tensor components), tangent, changed state."""

    deviator: FloatArray
    strain: FloatArray
    tangent: Callable[[], FloatArray]
    state: dict[str, FloatArray]


class Relaxed(NamedTuple):
    """Creep alone: von Mises stress q, its derivative by the trial's, and the creep increment."""

    q: FloatArray
    slope: FloatArray
    increment: FloatArray


def creep_alone(
    creep: Creep | None, trial: FloatArray, shear: FloatArray, temperature: FloatArray, dt: float
) -> Relaxed:
    """Solve q + 3 G dt rate(q, T) = q_trial for q (n,).

    Newton starts from the lesser of q_trial and the stress at which creep alone would take up all of it: from there the
    rate cannot overflow, and for a rate that is convex in stress the iteration falls monotonically.
    """
    if creep is None or dt <= 0.0:
        return Relaxed(trial.copy(), np.ones_like(trial), np.zeros_like(trial))
    stiff = 3.0 * shear * dt

    def balance(q: FloatArray, chosen: IntArray | slice) -> tuple[FloatArray, FloatArray]:
        rate, slope = creep.rate(q, temperature[chosen])
        return q + stiff[chosen] * rate - trial[chosen], 1.0 + stiff[chosen] * slope

    high = np.minimum(trial, creep.bound(trial / stiff, temperature) * (1.0 + 1e-12))
    q = rising_root(balance, np.zeros_like(trial), high, high, 1e-14 * trial, "creep")
    rate, slope = creep.rate(q, temperature)
    increment = np.where(q > 0.5 * trial, dt * rate, (trial - q) / (3.0 * shear))  # free of cancellation on both sides
    return Relaxed(q, 1.0 / (1.0 + stiff * slope), increment)


def flow_work(increment: FloatArray, q: FloatArray, normal: FloatArray, stress: FloatArray) -> FloatArray:
    """Work (n,) of rate-dependent flow: the flow times the mean of q and the start's ``stress`` along it. Stress that
    turned over did no work before it was gone.
    """
    return increment * 0.5 * (q + np.maximum(1.5 * double_dot(normal, stress), 0.0))


def along_trial(
    plastic: Plasticity | None,
    creep: Creep | None,
    trial: FloatArray,
    bulk: FloatArray,
    shear: FloatArray,
    temperature: FloatArray,
    state: State,
    dt: float,
) -> Flow:
    """Isotropic hardening, creep or both: everything flows along the trial deviator."""
    q_trial = equivalent(trial)
    normal = trial / np.where(q_trial > 0, q_trial, 1.0)[:, None]
    q, slope, crept = creep_alone(creep, q_trial, shear, temperature, dt)
    p = state["p"]
    dp, work = np.zeros_like(p), np.zeros_like(p)
    if plastic is not None:
        active = np.flatnonzero(q > plastic.radius(p, temperature)[0])
        if active.size:
            t, g, p0, q_c, q_t = temperature[active], shear[active], p[active], q[active], q_trial[active]
            stiff = 3.0 * g * dt

            def creeping(stress: FloatArray, chosen: IntArray | slice) -> tuple[FloatArray, FloatArray]:
                if creep is None or dt <= 0.0:
                    return np.zeros_like(stress), np.zeros_like(stress)
                return creep.rate(np.minimum(stress, q_c[chosen]), t[chosen])

            def balance(x: FloatArray, chosen: IntArray | slice) -> tuple[FloatArray, FloatArray]:
                y, rise, _ = plastic.radius(p0[chosen] + x, t[chosen])
                rate, by_stress = creeping(y, chosen)
                f = 3.0 * g[chosen] * x + y + stiff[chosen] * rate - q_t[chosen]
                return f, 3.0 * g[chosen] + rise + stiff[chosen] * by_stress * rise

            start = (q_c - plastic.radius(p0, t)[0]) / (3.0 * g)
            x = rising_root(balance, np.zeros_like(p0), q_t / (3.0 * g), start, 1e-14 * q_t, "plastic flow")
            y, rise, _ = plastic.radius(p0 + x, t)
            rate, by_stress = creeping(y, slice(None))
            dp[active], q[active], crept[active] = x, y, dt * rate
            slope[active] = rise / (3.0 * g + rise + stiff * by_stress * rise)
            work[active] = radius_work(plastic, p0, x, state["temperature"][active], t)
    work = work + flow_work(crept, q, normal, state["stress"])
    ratio = np.where(q_trial > 0, q / np.where(q_trial > 0, q_trial, 1.0), slope)
    return Flow(
        ratio[:, None] * trial,
        1.5 * (dp + crept)[:, None] * normal,
        lambda: radial_tangent(bulk, shear, ratio, slope, normal),
        {"p": p + dp, "creep": state["creep"] + crept, "work": state["work"] + work},
    )


def radius_work(plastic: Plasticity, p: FloatArray, dp: FloatArray, before: FloatArray, now: FloatArray) -> FloatArray:
    """int Y dp over a step, the mean of its values at the temperatures of both ends."""
    each = [plastic.radius(p + dp, t)[2] - plastic.radius(p, t)[2] for t in (before, now)]
    return 0.5 * (each[0] + each[1])
