"""The radial return with back stresses (kinematic hardening), with or without creep.

Equations and sources stand in :mod:`femsim.materials.plastic`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.materials.creep import Creep
from femsim.materials.hardening import Plasticity
from femsim.materials.law import DEVIATOR, ENGINEERING, State, double_dot, equivalent, radial_tangent
from femsim.materials.radial import Flow, creep_alone, flow_work, radius_work
from femsim.materials.roots import rising_root


class _Return(NamedTuple):
    """A return with back stresses at given beta; see the module's docstring."""

    dp: FloatArray
    normal: FloatArray
    size: FloatArray  # |B|
    hardness: FloatArray  # D = - d(equation)/d(dp)
    fading: FloatArray  # M = sum gamma theta X
    reached: FloatArray  # A = S - 3 G dp N


class _BackStresses:
    """The back stresses at chosen points: their constants at the temperature and their values at the step's start."""

    def __init__(self, plastic: Plasticity, shear: FloatArray, t: FloatArray, p: FloatArray, back: FloatArray) -> None:
        self.plastic, self.shear, self.t, self.p, self.back = plastic, shear, t, p, back
        self.C = np.stack([x.C.at(t) for x in plastic.kinematic], axis=1)
        self.gamma = np.stack([x.gamma.at(t) for x in plastic.kinematic], axis=1)

    def grown(self, dp: FloatArray, chosen: IntArray | slice = slice(None)) -> tuple[FloatArray, FloatArray]:
        """theta_i (n, m) and (1 - theta_i) / gamma_i (dp where gamma_i = 0)."""
        gamma = self.gamma[chosen]
        x = gamma * dp[:, None]
        theta = np.exp(-x)
        with np.errstate(divide="ignore", invalid="ignore"):
            phi = np.where(gamma > 0, -np.expm1(-x) / gamma, dp[:, None])
        return theta, phi

    def sum(self, dp: FloatArray, trial: FloatArray, beta: FloatArray, chosen: IntArray | slice) -> _Return:
        """Everything but the equation's own value at dp."""
        theta, _ = self.grown(dp, chosen)
        back, c, gamma = self.back[chosen], self.C[chosen], self.gamma[chosen]
        b = beta[:, None] * trial - np.einsum("nm,nmi->ni", theta, back)
        size = equivalent(b)
        normal = b / np.where(size > 0, size, 1.0)[:, None]
        fading = np.einsum("nm,nmi->ni", gamma * theta, back)
        rise = self.plastic.radius(self.p[chosen] + dp, self.t[chosen])[1]
        g = self.shear[chosen]
        hardness = rise + 3.0 * g * beta + (c * theta).sum(1) - 1.5 * double_dot(normal, fading)
        return _Return(dp, normal, size, hardness, fading, trial - (3.0 * g * dp)[:, None] * normal)

    def solve(self, trial: FloatArray, beta: FloatArray, chosen: IntArray | slice = slice(None)) -> _Return:
        """dp >= 0 with |B| = Y + 3 G beta dp + sum C_i (1 - theta_i) / gamma_i."""
        g, p, t, c = self.shear[chosen], self.p[chosen], self.t[chosen], self.C[chosen]
        within = np.arange(len(self.shear))[chosen]

        def balance(x: FloatArray, inner: IntArray | slice) -> tuple[FloatArray, FloatArray]:
            part = self.sum(x, trial[inner], beta[inner], within[inner])
            _, phi = self.grown(x, within[inner])
            y = self.plastic.radius(p[inner] + x, t[inner])[0]
            f = y + 3.0 * g[inner] * beta[inner] * x + (c[inner] * phi).sum(1) - part.size
            return f, part.hardness

        high = (beta * equivalent(trial) + equivalent(self.back[chosen]).sum(1)) / (3.0 * g * beta)
        zero = np.zeros_like(g)
        f, slope = balance(zero, slice(None))
        noise = 1e-15 * 3.0 * g * beta * high
        dp = rising_root(balance, zero, high, np.maximum(-f, 0.0) / slope, noise, "plastic flow with back stress")
        return self.sum(np.where(f < 0, dp, 0.0), trial, beta, chosen)

    def work(self, dp: FloatArray, normal: FloatArray) -> FloatArray:
        """sum int X_i : d eps_p (n,) under a constant direction."""
        _, phi = self.grown(dp)
        start = 1.5 * np.einsum("nmi,ni,i->nm", self.back, normal, ENGINEERING)
        x = self.gamma * dp[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            second = np.where(x > 1e-5, (dp[:, None] - phi) / self.gamma, 0.5 * dp[:, None] ** 2 * (1.0 - x / 3.0))
        return np.asarray((start * phi + self.C * second).sum(1))


def with_back_stress(
    plastic: Plasticity,
    creep: Creep | None,
    trial: FloatArray,
    bulk: FloatArray,
    shear: FloatArray,
    temperature: FloatArray,
    state: State,
    dt: float,
) -> Flow:
    """Kinematic hardening, with or without creep along the stress itself."""
    q_trial = equivalent(trial)
    q, slope, crept = creep_alone(creep, q_trial, shear, temperature, dt)
    positive = q_trial > 0
    normal = trial / np.where(positive, q_trial, 1.0)[:, None]
    ratio = np.where(positive, q / np.where(positive, q_trial, 1.0), slope)
    p, back = state["p"], state["back"]
    reach = equivalent(ratio[:, None] * trial - back.sum(1))
    active = np.flatnonzero(reach > plastic.radius(p, temperature)[0])
    deviator, strain = ratio[:, None] * trial, 1.5 * crept[:, None] * normal
    work = flow_work(crept, q, normal, state["stress"])
    found: tuple[_Return, FloatArray, FloatArray, FloatArray, FloatArray, FloatArray] | None = None
    dp, back = np.zeros_like(p), back.copy()
    if active.size:
        t, g, s = temperature[active], shear[active], trial[active]
        points = _BackStresses(plastic, g, t, p[active], back[active])
        flows = creep is not None and dt > 0.0
        stiff = 3.0 * g * dt
        beta = np.ones_like(g)
        by_stress = np.zeros_like(g)
        if flows and creep is not None:
            rates = creep.rate

            def balance(x: FloatArray, chosen: IntArray | slice) -> tuple[FloatArray, FloatArray]:
                part = points.solve(s[chosen], x, chosen)
                a = equivalent(part.reached)
                along = _Along(part, s[chosen], g[chosen], x)
                da = -along.x1 * along.dp_by_beta - along.x2
                rate, slope = rates(x * a, t[chosen])
                f = stiff[chosen] * rate - a * (1.0 - x)
                return f, stiff[chosen] * slope * (a + x * da) + a - (1.0 - x) * da

            low = np.full_like(g, 1e-300)
            noise = 1e-14 * q_trial[active]
            beta = rising_root(balance, low, np.ones_like(g), ratio[active], noise, "creep with back stress")
        part = points.solve(s, beta)
        a = equivalent(part.reached)
        if flows and creep is not None:
            by_stress = creep.rate(beta * a, t)[1]
        dc = a * (1.0 - beta) / (3.0 * g) if flows else np.zeros_like(g)
        dp[active] = part.dp
        deviator[active] = beta[:, None] * part.reached
        along_stress = part.reached / np.where(a > 0, a, 1.0)[:, None]
        strain[active] = 1.5 * (part.dp[:, None] * part.normal + dc[:, None] * along_stress)
        theta, phi = points.grown(part.dp)
        back[active] = theta[:, :, None] * points.back + (points.C * phi)[:, :, None] * part.normal[:, None, :]
        crept[active] = dc
        work[active] = (
            radius_work(plastic, points.p, part.dp, state["temperature"][active], t)
            + points.work(part.dp, part.normal)
            + flow_work(dc, beta * a, along_stress, state["stress"][active])
        )
        found = part, s, g, beta, stiff * by_stress, bulk[active]

    def tangent() -> FloatArray:
        whole = radial_tangent(bulk, shear, ratio, slope, normal)
        if found is not None:
            whole[active] = _tangent(_Along(*found[:4]), *found[3:])
        return whole

    return Flow(
        deviator,
        strain,
        tangent,
        {"p": p + dp, "creep": state["creep"] + crept, "work": state["work"] + work, "back": back},
    )


class _Along:
    """Derivatives of a return with back stresses, all by the trial deviator S and by beta.

    d dp = (3/2 beta N : dS + (3/2 N : S - 3 G dp) d beta) / D and, for a = |A|,
    d a = L : dS - x1 d dp - x2 d beta with P = I - 3/2 N x N (tensor products):
    L = 3/2 (n_A - 3 G dp beta / |B| P n_A), x1 = 3/2 n_A : (3 G N + 3 G dp / |B| P M), x2 = 9/2 G dp / |B| n_A : P S.
    """

    def __init__(self, part: _Return, trial: FloatArray, shear: FloatArray, beta: FloatArray) -> None:
        self.part, self.trial, self.shear, self.beta = part, trial, shear, beta
        n = part.normal
        self.a = equivalent(part.reached)
        self.direction = part.reached / np.where(self.a > 0, self.a, 1.0)[:, None]
        self.turn = 3.0 * shear * part.dp / np.where(part.size > 0, part.size, 1.0)  # 3 G dp / |B|
        self.cross_fading, self.cross_trial = _across(n, part.fading), _across(n, trial)
        self.L = 1.5 * (self.direction - (self.turn * beta)[:, None] * _across(n, self.direction))
        self.x1 = 1.5 * (
            3.0 * shear * double_dot(self.direction, n) + self.turn * double_dot(self.direction, self.cross_fading)
        )
        self.x2 = 1.5 * self.turn * double_dot(self.direction, self.cross_trial)
        self.by_beta = 1.5 * double_dot(n, trial) - 3.0 * shear * part.dp
        self.dp_by_beta = self.by_beta / part.hardness


def _across(normal: FloatArray, tensor: FloatArray) -> FloatArray:
    """The part of ``tensor`` across N: T - 3/2 N (N : T)."""
    return tensor - (1.5 * double_dot(normal, tensor))[:, None] * normal


def _tangent(along: _Along, beta: FloatArray, stiff_slope: FloatArray, bulk: FloatArray) -> FloatArray:
    """d stress / d strain (n, 6, 6) of a return with back stresses and creep; not symmetric where X fades across N.

    The creep equation (1 - beta) a = 3 G dt rate(beta a) gives kappa d a = a mu d beta with kappa = 1 - beta - beta
    3 G dt rate' and mu = 1 + 3 G dt rate'; together with d dp and d a above a two by two system for d dp and d beta.
    """
    part, g = along.part, along.shear
    kappa, mu = 1.0 - beta - beta * stiff_slope, 1.0 + stiff_slope
    # rows: D ddp - by_beta dbeta = 3/2 beta N : dS;  kappa x1 ddp + (kappa x2 + a mu) dbeta = kappa L : dS
    d, e = part.hardness, -along.by_beta
    f, h = kappa * along.x1, kappa * along.x2 + along.a * mu
    with_creep = stiff_slope > 0
    h = np.where(with_creep, h, 1.0)
    f, e = np.where(with_creep, f, 0.0), np.where(with_creep, e, 0.0)
    det = d * h - e * f
    first = (1.5 * beta)[:, None] * part.normal
    second = np.where(with_creep, kappa, 0.0)[:, None] * along.L
    dp = (h[:, None] * first - e[:, None] * second) / det[:, None]  # stress-like, to be double-dotted with dS
    db = (d[:, None] * second - f[:, None] * first) / det[:, None]
    n, turn = part.normal, along.turn
    # dA = dS - 3G N ddp - turn (beta P dS + P S dbeta + P M ddp);  ds = beta dA + A dbeta;  dS = 2 G dev de
    left_dp = -(3.0 * g)[:, None] * n - turn[:, None] * along.cross_fading
    left_db = -turn[:, None] * along.cross_trial
    double_g = 2.0 * g
    tangent = (double_g * beta * (1.0 - turn * beta))[:, None, None] * DEVIATOR
    tangent += (1.5 * double_g * beta * beta * turn)[:, None, None] * n[:, :, None] * n[:, None, :]
    tangent += (double_g * beta)[:, None, None] * left_dp[:, :, None] * dp[:, None, :]
    right_db = beta[:, None] * left_db + part.reached
    tangent += double_g[:, None, None] * right_db[:, :, None] * db[:, None, :]
    tangent[:, :3, :3] += bulk[:, None, None]
    return np.asarray(tangent)
