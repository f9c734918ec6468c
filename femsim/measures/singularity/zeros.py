"""All zeros of a junction's characteristic determinant in a strip of the complex plane, with a certified number.

Guesses are the roots of a Taylor polynomial of det F in lambda^2 (the determinant is even but for an exponential factor
and a power of lambda), whose coefficients come from values on a circle (Lyness 1967, SIAM J. Numer. Anal. 4, 594).
Newton's method on the determinant, 1 / trace(F^-1 F'), polishes them. What lies together is counted and located by
moments of the logarithmic derivative on a circle (Delves and Lyness 1967, Math. Comp. 21, 543). The argument principle
along the strip's edge tells how many there must be; what is missing is looked for with the known ones divided out.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import comb

import numpy as np

from femsim.base.arrays import ComplexArray, FloatArray
from femsim.base.errors import NumericsError
from femsim.measures.singularity.stroh import Characteristic

#: zeros nearer to each other than this (of polished guesses) are located together, by moments
NEAR = 1e-4
#: and of guesses, whose fourfold zeros lie this far apart
COARSE = 4e-3
_STEPS = 20  # of Newton's method: a double zero halves its distance in each, and the guesses are good
_TURN = 1.0  # rad: what the determinant may turn by between two points of the edge
_FINEST = 1e-7  # an edge that needs narrower steps passes too close to a zero, and is moved
_FLAT = (0.7, 2.0)  # imaginary parts up to which guesses are sought, first and then
_RNG_SEED = 11


@dataclass(frozen=True)
class Cluster:
    """Zeros that lie within about ``NEAR`` of each other: their number (with multiplicity), mean and locations."""

    mean: complex
    zeros: tuple[complex, ...]

    @property
    def count(self) -> int:
        """Number of zeros with their multiplicities."""
        return len(self.zeros)


def zeros(f: Characteristic, re_min: float, re_max: float, im_max: float) -> list[Cluster]:
    """The zeros with re_min <= Re <= re_max (and a few beyond) and 0 <= Im <= im_max.

    Raises NumericsError where their number and those found do not agree.
    """
    low, high = 0.9 * re_min, re_max + 0.03
    count = None
    for _ in range(8):
        count = number_within(f, low, high, im_max)
        if count is not None:
            break
        low, high = 0.93 * low, high + 0.0171
    if count is None:
        raise NumericsError("singularity: the exponents lie too dense to be counted")
    guesses = np.zeros(0, dtype=np.complex128)
    for flat in _FLAT:
        rough = _guesses(f, high + 0.1, min(flat, im_max))
        guesses = np.concatenate([guesses, _polished(f, rough)])
        found = _clustered(f, guesses, low, high, im_max)
        if _total(found) == count:
            return found
        # what lies close together draws Newton's steps to one zero: moments tell how many there are
        close = _places(_clustered(f, rough, low, high, im_max, COARSE))
        guesses = np.concatenate([guesses, _polished(f, close)])
        found = _clustered(f, guesses, low, high, im_max)
        if _total(found) == count:
            return found
    rng = np.random.default_rng(_RNG_SEED)
    for _ in range(20):
        known = _places(found)
        start = rng.uniform(low, high, 24) + 1j * np.where(rng.random(24) < 0.5, 0.0, rng.uniform(0.0, im_max, 24) ** 2)
        beside = 10.0 ** rng.uniform(-5.0, -1.0, known.size) * np.exp(2j * np.pi * rng.random(known.size))
        start = np.concatenate([start, known + beside])
        guesses = np.concatenate([guesses, _polished(f, start, known)])
        found = _clustered(f, guesses, low, high, im_max)
        if _total(found) == count:
            return found
    raise NumericsError(
        f"singularity: {count} exponents lie within the strip but {_total(found)} are found (extreme anisotropy or "
        "contrast of stiffness?)"
    )


def _places(found: list[Cluster]) -> ComplexArray:
    """All zeros found, those below the real axis too."""
    upper = np.array([v for one in found for v in one.zeros], dtype=np.complex128)
    mirrored = np.array([v.conjugate() for one in found if one.mean.imag > 0.0 for v in one.zeros], dtype=np.complex128)
    return np.concatenate([upper, mirrored])


def _total(found: list[Cluster]) -> int:
    """Zeros above and below the real axis together."""
    return sum(one.count * (1 if one.mean.imag == 0.0 else 2) for one in found)


def log_slope(f: Characteristic, at: ComplexArray) -> ComplexArray:
    """(n,) d ln det F / d lambda = trace(F^-1 F')."""
    value, slope = f.matrices(at)
    try:
        solved = np.linalg.solve(value, slope)
    except np.linalg.LinAlgError:  # a point hits a zero to the last bit
        value, slope = f.matrices(at * (1.0 + 3e-14) + 1e-15)
        solved = np.linalg.solve(value, slope)
    return np.asarray(np.trace(solved, axis1=1, axis2=2))


def number_within(f: Characteristic, low: float, high: float, top: float) -> int | None:
    """Zeros with low < Re < high, |Im| < top, by the turn of det F along the upper half of the edge (the lower is its
    mirror image); None where a zero lies on the edge.

    A step is taken where neither the angle nor the logarithmic derivative lets a whole turn pass unseen.
    """
    corners = np.array([high, high + 1j * top, low + 1j * top, low])
    parts = [corners[:1]]
    for a, b in pairwise(corners):
        steps = max(8, int(np.ceil(abs(b - a) * 2.0 * f.opening.sum() / 0.7)))
        # det F turns fastest near the real axis, where the zeros are
        s = np.linspace(0.0, 1.0, steps + 1)[1:]
        if a.real == b.real:
            s = s**2 if a.imag == 0.0 else 1.0 - (1.0 - s) ** 2
        parts.append(a + (b - a) * s)
    at = np.concatenate(parts)
    angle, rate = _angles(f, at)
    while True:
        step = np.abs(np.diff(at))
        jump = np.angle(np.exp(1j * np.diff(angle)))
        wide = (np.abs(jump) > _TURN) | (step * np.maximum(rate[:-1], rate[1:]) > 2.0)
        if not np.any(wide):
            return round(float(jump.sum()) / np.pi)
        if step[wide].min() < _FINEST:
            return None
        where = np.flatnonzero(wide)
        middle = 0.5 * (at[where] + at[where + 1])
        more_angle, more_rate = _angles(f, middle)
        at = np.insert(at, where + 1, middle)
        angle, rate = np.insert(angle, where + 1, more_angle), np.insert(rate, where + 1, more_rate)


def _angles(f: Characteristic, at: ComplexArray) -> tuple[FloatArray, FloatArray]:
    """Argument of det F and |d ln det F / d lambda|, the trend of an entire function of exponential type left out."""
    value, slope = f.matrices(at)
    sign, _ = np.linalg.slogdet(value)
    with np.errstate(all="ignore"):
        try:
            rate = np.trace(np.linalg.solve(value, slope), axis1=1, axis2=2)
        except np.linalg.LinAlgError:
            return np.angle(sign), np.full(at.shape, np.inf)
    return np.angle(sign), np.abs(rate)


def _guesses(f: Characteristic, high: float, flat: float) -> ComplexArray:
    """Roots of the Taylor polynomial in mu = lambda^2 of det F e^(-lambda tau / 2) lambda^-d about mu = high^2 / 2 that
    lie in a disc which holds all lambda with 0 < Re < high, |Im| < flat.

    Its coefficients come from values on the disc's edge, so that rounding is as small throughout as there.
    """
    centre = 0.5 * high**2
    radius = 1.05 * max(abs((high + 1j * flat) ** 2 - centre), abs((1j * flat) ** 2 - centre))
    # the number of oscillations along the edge, with the coefficients' decay behind it
    half = 24 + int(3.0 * f.opening.sum() * np.sqrt(radius))
    turn = np.exp(1j * np.pi * (np.arange(half) + 0.5) / half)
    at = np.sqrt(centre + radius * turn)
    sign, size = np.linalg.slogdet(f.matrices(at, slopes=False)[0])
    power = size - at * (0.5 * f.trace) - f.still * np.log(at)
    values = sign * np.exp(power - power.real.max())
    values = np.concatenate([values, values[::-1].conj()])
    order = np.arange(half)
    series = (np.exp(-1j * np.pi * order[:, None] * (np.arange(2 * half) + 0.5) / half) @ values).real / (2 * half)
    kept = np.flatnonzero(np.abs(series) > 1e-15 * np.abs(series).max())[-1]
    disc = np.roots(series[kept::-1]).astype(np.complex128)
    found = np.sqrt(centre + radius * disc[np.abs(disc) < 1.02])
    found = np.where(found.real < 0.0, -found, found)
    return np.asarray(found[(found.real > 1e-3) & (found.imag > -NEAR)])


def _polished(f: Characteristic, guesses: ComplexArray, known: ComplexArray | None = None) -> ComplexArray:
    """Newton's method on det F from each guess, on det F over the product of its ``known`` zeros where given."""
    z = np.array(guesses)
    last = np.full(z.size, np.inf)
    live = np.ones(z.size, dtype=bool)
    for _ in range(_STEPS):
        if not np.any(live):
            break
        here = z[live]
        slope = log_slope(f, here)
        if known is not None and known.size:
            gap = here[:, None] - known
            slope = slope - np.sum(1.0 / np.where(gap == 0.0, 1e-12, gap), axis=1)
        step = 1.0 / np.where(slope == 0.0, 1e-3, slope)
        step = step * np.minimum(1.0, 0.2 / np.maximum(np.abs(step), 1e-300))
        z[live] = here - step
        last[live] = np.abs(step)
        going = np.abs(step) > 1e-14
        going &= np.isfinite(z[live]) & (np.abs(z[live]) < 20.0) & (np.abs(z[live]) > 1e-3)
        live[np.flatnonzero(live)[~going]] = False
    return np.asarray(z[np.isfinite(z) & (last < NEAR)])


def _clustered(
    f: Characteristic, guesses: ComplexArray, low: float, high: float, top: float, near: float = NEAR
) -> list[Cluster]:
    """Distinct zeros within the strip, those nearer to each other than ``near`` counted by moments."""
    around = (guesses.real > low - 0.2) & (guesses.real < high + 0.2) & (np.abs(guesses.imag) < top + 0.2)
    upper = guesses[around]
    upper = np.where(upper.imag < 0.0, upper.conj(), upper)
    groups = _linked(upper, near)
    if not groups:
        return []
    centres = np.array([group.mean() for group in groups])
    centres = np.where(np.abs(centres.imag) < near, centres.real, centres).astype(np.complex128)
    spreads = np.array([np.abs(group - centre).max() for group, centre in zip(groups, centres, strict=True)])
    everywhere = np.concatenate([centres, centres.conj()[centres.imag != 0.0]])
    gap = np.abs(centres[:, None] - everywhere)
    gap[np.arange(len(groups)), np.arange(len(groups))] = np.inf
    apart = np.minimum(gap.min(axis=1), 1.0)
    inside = (centres.real > low) & (centres.real < high) & (centres.imag < top)
    found: list[Cluster] = []
    for one in sorted(_located(f, centres[inside], spreads[inside], apart[inside]), key=lambda one: -one.count):
        if all(abs(one.mean - other.mean) > near for other in found):  # two circles may hold the same zero
            found.append(one)
    return sorted(found, key=lambda one: (one.mean.real, one.mean.imag))


def _linked(values: ComplexArray, near: float) -> list[ComplexArray]:
    """Groups of values linked by gaps below ``near``."""
    label = np.arange(values.size)
    close = np.abs(values[:, None] - values) < near
    for _ in range(values.size):
        lower = np.where(close, label, values.size).min(axis=1)
        if np.array_equal(lower, label):
            break
        label = lower
    return [values[label == one] for one in np.unique(label)]


def _located(f: Characteristic, centres: ComplexArray, spreads: FloatArray, apart: FloatArray) -> list[Cluster]:
    """Number and places of the zeros around each centre, by moments on a circle between them and the others."""
    radius = np.minimum(np.minimum(0.02, np.sqrt(np.maximum(spreads, 1e-6) * apart)), 0.25 * apart)
    radius = np.maximum(radius, 1.5 * spreads)
    rates, turns = _circles(f, centres, radius, 24)
    found = []
    for k, centre in enumerate(centres):
        rate, turn, points = rates[k], turns, 24
        while abs(rate.mean() - round(rate.mean().real)) > 1e-6 and points < 400:
            points *= 4
            rate, turn = (
                part[0] if part.ndim == 2 else part for part in _circles(f, centres[[k]], radius[[k]], points)
            )
        count = round(rate.mean().real)
        if count <= 0:
            continue
        sums = np.array([(rate * turn**j).mean() for j in range(1, count + 1)])
        places = centre + radius[k] * _from_power_sums(sums)
        mean = complex(centre + radius[k] * sums[0] / count)
        found.append(Cluster(complex(mean.real) if centre.imag == 0.0 else mean, tuple(complex(v) for v in places)))
    return found


def _circles(
    f: Characteristic, centres: ComplexArray, radius: FloatArray, points: int
) -> tuple[ComplexArray, ComplexArray]:
    """(n, points) logarithmic derivative times distance from the centre on circles, and the points (p,) of the unit
    circle.
    """
    turn = np.exp(2j * np.pi * (np.arange(points) + 0.5) / points)
    offset = radius[:, None] * turn
    rate = log_slope(f, (centres[:, None] + offset).ravel()).reshape(offset.shape)
    return rate * offset, turn


def _from_power_sums(sums: ComplexArray) -> ComplexArray:
    """The numbers whose power sums of order 1 to n are given (Newton's identities), about their mean."""
    count = sums.size
    mean = sums[0] / count
    if count == 1:
        return np.array([mean])
    # power sums about the mean, which the polynomial's roots resolve best
    full = np.concatenate([[count], sums])
    centred = np.zeros(count + 1, dtype=np.complex128)
    for j in range(count + 1):
        for i in range(j + 1):
            centred[j] += comb(j, i) * full[i] * (-mean) ** (j - i)
    elementary = [1.0 + 0.0j]
    for j in range(1, count + 1):
        elementary.append(sum((-1) ** (i - 1) * elementary[j - i] * centred[i] for i in range(1, j + 1)) / j)
    coefficients = np.array([(-1) ** j * e for j, e in enumerate(elementary)])
    return np.asarray(mean + np.roots(coefficients))
