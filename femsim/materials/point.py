"""Points under mixed control: some strain components given, the others left free until their stress is what it must be.

The same iteration condenses the thickness of plane stress and drives a test at a material point.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.base.errors import InputError, NumericsError
from femsim.base.stepping import next_size
from femsim.materials.law import FLOWED, GROWING, Law, State, Update

_ITERATIONS = 60


def mixed_update(
    law: Law,
    strain: FloatArray,
    target: FloatArray,
    free: Sequence[int],
    temperature: FloatArray,
    state: State,
    dt: float,
) -> tuple[Update, FloatArray]:
    """A step in which the ``free`` components of the mechanical strain (n, 6) are found so that stress = ``target``.

    ``strain`` holds the given components and a guess of the free ones, ``target`` (n, 6) counts at the free ones.
    Newton with the consistent tangent; at a point where the residual does not fall, the step is halved. Returns the
    update with its full tangent, and the strain. NumericsError where there is no such strain (a load beyond the limit).
    """
    index = np.array(free, dtype=int)
    x = strain.copy()
    answer = law.update(x, temperature, state, dt)
    if not index.size:
        return answer, x
    # the first step is elastic: on a reversal the tangent of the last flow would throw the iteration far off
    elastic = law.update(np.zeros_like(x), temperature, law.start(temperature), 0.0).tangent
    inner = elastic[:, index[:, None], index]
    stiffness = np.einsum("nii->n", inner) / len(index)
    residual = target[:, index] - answer.stress[:, index]
    size = np.abs(residual).max(1)
    small = 1e-12 * (np.maximum(np.abs(answer.stress).max(1), np.abs(target).max(1)) + 1e-6 * np.abs(stiffness))
    factor, there = np.ones(len(x)), True
    for _ in range(_ITERATIONS):
        if (size <= small).all():
            break
        try:
            step = np.linalg.solve(inner, residual[:, :, None])[:, :, 0]
        except np.linalg.LinAlgError:
            break
        trial = x.copy()
        trial[:, index] += factor[:, None] * step
        answer = law.update(trial, temperature, state, dt)
        new = target[:, index] - answer.stress[:, index]
        better = (np.abs(new).max(1) < (1.0 - 0.1 * factor) * size) | (np.abs(new).max(1) <= small) | (factor < 1e-3)
        there = bool(better.all())  # whether the answer is that of x
        x = np.where(better[:, None], trial, x)
        residual = np.where(better[:, None], new, residual)
        inner = np.where(better[:, None, None], answer.tangent[:, index[:, None], index], inner)
        size = np.abs(residual).max(1)
        factor = np.where(better, np.minimum(1.0, 4.0 * factor), 0.5 * factor)
    if not (size <= 1e3 * small).all():
        worst = int(np.argmax(size / small))
        raise NumericsError(
            f"material point: no strain gives the stress wanted (off by {size[worst]:.3g} MPa); beyond the strength?"
        )
    return answer if there else law.update(x, temperature, state, dt), x


def condense(tangent: FloatArray, free: Sequence[int]) -> FloatArray:
    """Tangent (n, 6, 6) at given stress in the ``free`` components: C_gg - C_gf C_ff^-1 C_fg, zero in their rows."""
    f = np.array(free, dtype=int)
    g = np.array([i for i in range(6) if i not in set(free)], dtype=int)
    result = np.zeros_like(tangent)
    across = np.linalg.solve(tangent[:, f[:, None], f], tangent[:, f[:, None], g])
    result[:, g[:, None], g] = tangent[:, g[:, None], g] - tangent[:, g[:, None], f] @ across
    return result


@dataclass(frozen=True)
class FreeStress:
    """A law whose ``free`` components carry no stress, as 33 in plane stress; their strain as given is not used.

    State: the law's own, and ``free`` (n, k), the mechanical strain the free components took.
    """

    law: Law
    free: tuple[int, ...] = (2,)

    @property
    def linear(self) -> bool:
        """As the law."""
        return self.law.linear

    @property
    def order(self) -> int:
        """As the law."""
        return self.law.order

    @property
    def slow(self) -> bool:
        """As the law."""
        return self.law.slow

    def start(self, temperature: FloatArray) -> State:
        """The law's state, free components unstrained."""
        return dict(self.law.start(temperature)) | {"free": np.zeros((len(temperature), len(self.free)))}

    def update(self, strain: FloatArray, temperature: FloatArray, state: State, dt: float) -> Update:
        """The law's step with zero stress in the free components; the tangent is condensed, zero in their rows."""
        inner = {name: value for name, value in state.items() if name != "free"}
        x = strain.copy()
        x[:, list(self.free)] = state["free"]
        answer, x = mixed_update(self.law, x, np.zeros_like(x), self.free, temperature, inner, dt)
        stress = answer.stress.copy()
        stress[:, list(self.free)] = 0.0
        new = dict(answer.state) | {"free": x[:, list(self.free)], "stress": stress}
        return Update(stress, lambda: condense(answer.tangent, self.free), new)


def extrapolated(
    whole: Mapping[str, FloatArray], halves: Mapping[str, FloatArray], before: State, weight: float = 1.0
) -> State:
    """y_half + weight (y_half - y_whole) of every array, weight 1 / (2^order - 1); what can only grow does
    not fall below ``before``.

    Work can fall: where a back stress is larger than the yield radius, flow turns back before the stress does.
    """
    new = {name: halves[name] + weight * (halves[name] - whole[name]) for name in halves}
    return {name: np.maximum(x, before[name]) if name in GROWING else x for name, x in new.items()}


@dataclass(frozen=True)
class Path:
    """Answers of :func:`drive`: at each time the strain, stress (n, 6) and state; ``steps`` taken in all."""

    times: FloatArray
    strain: FloatArray
    stress: FloatArray
    states: tuple[State, ...]
    steps: int


def drive(
    law: Law,
    times: Sequence[float],
    control: Callable[[float, int], tuple[FloatArray, FloatArray]],
    free: Sequence[int],
    temperatures: Sequence[float],
    tolerance: float = 1e-4,
    first: float | None = None,
    limit: int = 100_000,
) -> Path:
    """One point from ``times[0]`` on, in steps of its own that end on every time; two equal times are a jump (dt = 0).

    ``control(fraction, leg)`` gives mechanical strain (6,) and stress (6,) wanted at a fraction of the leg from
    ``times[leg]`` to ``times[leg + 1]``; the ``free`` components follow the stress, the others the strain. Temperature
    is linear in between. A step is one against two halves, extrapolated; its error stays below ``tolerance``: of stress
    against its largest value so far, of strain, ``p`` and ``creep`` against the largest strain, ``work`` against both.
    """
    if len(times) != len(temperatures) or len(times) < 2:
        raise InputError(f"path: {len(times)} times and {len(temperatures)} temperatures; at least two of each")
    t0 = np.array([temperatures[0]], dtype=float)
    x, state = np.zeros((1, 6)), law.start(t0)
    begin = law.update(x, t0, state, 0.0)
    stress, state = begin.stress, begin.state
    out = [(x, stress, state)]
    peak, reach, count = np.zeros(2), np.zeros(2), 0
    index = list(free)
    for leg in range(len(times) - 1):
        span = times[leg + 1] - times[leg]
        done, size = 0.0, min(1.0, first or 1.0)

        def step(
            x: FloatArray, state: State, a: float, b: float, leg: int = leg, span: float = span
        ) -> tuple[FloatArray, Update]:
            given, wanted = control(b, leg)
            guess = given[None].copy()
            guess[:, index] = x[:, index]
            t = np.array([temperatures[leg] + b * (temperatures[leg + 1] - temperatures[leg])])
            answer, found = mixed_update(law, guess, wanted[None], free, t, state, span * (b - a))
            return found, answer

        while done < 1.0:
            count += 1
            if count > limit:
                raise NumericsError(f"path: {limit} steps were not enough")
            end = 1.0 if done + size > 1.0 - 1e-9 else done + size
            middle = 0.5 * (done + end)
            x_whole, whole = step(x, state, done, end)
            x_half, half = step(x, state, done, middle)
            x_end, halves = step(x_half, half.state, middle, end)
            scale = np.array([max(peak[0], np.abs(halves.stress).max()), max(reach[0], np.abs(x_end).max())])
            growing = [float(np.abs(halves.state[k] - whole.state[k]).max()) for k in FLOWED if k in halves.state]
            errors = [
                np.abs(halves.stress - whole.stress).max() / (scale[0] or 1.0),
                np.abs(x_end - x_whole).max() / (scale[1] or 1.0),
                *(g / (scale[1] * (scale[0] if i == 2 else 1.0) or 1.0) for i, g in enumerate(growing)),
            ]
            error = float(max(errors)) / tolerance
            if error > 1.0 and end - done > 1e-9:
                size = (end - done) * next_size(error)
                continue
            state = extrapolated(whole.state, halves.state, state)
            x, stress = 2.0 * x_end - x_whole, 2.0 * halves.stress - whole.stress
            peak[0], reach[0] = scale
            size, done = (end - done) * next_size(error), end
        out.append((x, stress, state))
    strain, stresses, states = zip(*out, strict=True)
    return Path(np.array(times, dtype=float), np.concatenate(strain), np.concatenate(stresses), states, count)
