"""All zeros of a junction's characteristic determinant in a strip of the complex plane, with a certified number.

Guesses are the roots of a Chebyshev interpolant of det F on the real axis, as a function of lambda^2 (the determinant is
even but for an exponential factor), by its colleague matrix (Good 1961; Boyd 2002, SIAM J. Numer. Anal. 40, 1666).
Newton's method on the determinant, 1 / trace(F^-1 F'), polishes them. What lies together is counted and located by
moments of the logarithmic derivative on a circle (Delves and Lyness 1967, Math. Comp. 21, 543). The argument principle
along the strip's edge tells how many there must be; what is missing is looked for with the known ones divided out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev

from femsim.base.arrays import ComplexArray, FloatArray
from femsim.base.errors import NumericsError
from femsim.measures.singularity.stroh import Characteristic

#: zeros nearer to each other than this (of polished guesses) are located together, by moments
NEAR = 1e-5
_STEPS = 30  # of Newton's method: a double zero halves its distance in each
_TURN = 1.0  # rad: what the determinant may turn by between two points of the edge
_FINEST = 1e-7  # an edge that needs narrower steps passes too close to a zero, and is moved
_DEGREES = (40, 80, 160)
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
    for degree in _DEGREES:
        guesses = np.concatenate([guesses, _guesses(f, degree, high + 0.1, im_max)])
        found = _clustered(f, guesses, low, high, im_max)
        if _total(found) == count:
            return found
    rng = np.random.default_rng(_RNG_SEED)
    for _ in range(20):
        known = np.concatenate([np.array(one.zeros) for one in found] or [np.zeros(0, dtype=complex)])
        start = rng.uniform(low, high, 24) + 1j * np.where(rng.random(24) < 0.5, 0.0, rng.uniform(0.0, im_max, 24) ** 2)
        guesses = np.concatenate([guesses, _polished(f, start, known)])
        found = _clustered(f, guesses, low, high, im_max)
        if _total(found) == count:
            return found
    raise NumericsError(
        f"singularity: {count} exponents lie within the strip but {_total(found)} are found (extreme anisotropy or "
        "contrast of stiffness?)"
    )


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
    turned = 0.0
    for a, b in zip(corners[:-1], corners[1:], strict=True):
        length = abs(b - a)
        steps = max(8, int(np.ceil(length * 2.0 * f.opening / 0.7)))
        # det F turns fastest near the real axis, where the zeros are
        s = np.linspace(0.0, 1.0, steps + 1)
        if a.real == b.real:
            s = s**2 if a.imag == 0.0 else 1.0 - (1.0 - s) ** 2
        angle, rate = _angles(f, a + (b - a) * s)
        while True:
            step = np.diff(s) * length
            jump = np.angle(np.exp(1j * np.diff(angle)))
            wide = (np.abs(jump) > _TURN) | (step * np.maximum(rate[:-1], rate[1:]) > 2.0)
            if not np.any(wide):
                turned += float(jump.sum())
                break
            if step[wide].min() < _FINEST:
                return None
            where = np.flatnonzero(wide)
            middle = 0.5 * (s[where] + s[where + 1])
            more_angle, more_rate = _angles(f, a + (b - a) * middle)
            s = np.insert(s, where + 1, middle)
            angle, rate = np.insert(angle, where + 1, more_angle), np.insert(rate, where + 1, more_rate)
    return round(turned / np.pi)


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


def _guesses(f: Characteristic, degree: int, high: float, top: float) -> ComplexArray:
    """Polished roots of the interpolant of det F(sqrt mu) e^(sqrt(mu) tau / 2), mu in [0, high^2]."""
    nodes = np.cos(np.pi * (np.arange(degree + 1) + 0.5) / (degree + 1))
    at = np.sqrt(0.5 * high**2 * (1.0 + nodes))
    value = f.matrices(at, slopes=False)[0].real
    sign, size = np.linalg.slogdet(value)
    size = size + 0.5 * at * f.trace
    values = sign * np.exp(size - size.max())
    basis = chebyshev.chebvander(nodes, degree)
    series = 2.0 / (degree + 1) * (values @ basis)
    series[0] *= 0.5
    series = chebyshev.chebtrim(series, tol=1e-15 * np.abs(series).max())
    mu = chebyshev.chebroots(series).astype(np.complex128)
    found = np.sqrt(0.5 * high**2 * (1.0 + mu))
    found = found[(np.abs(found) > 1e-3) & (found.real < high) & (np.abs(found.imag) <= top)]
    return _polished(f, found)


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
            everything = np.concatenate([known, known.conj()[known.imag != 0.0]])
            gap = here[:, None] - everything
            slope = slope - np.sum(1.0 / np.where(gap == 0.0, 1e-12, gap), axis=1)
        step = 1.0 / np.where(slope == 0.0, 1e-3, slope)
        step = step * np.minimum(1.0, 0.2 / np.maximum(np.abs(step), 1e-300))
        z[live] = here - step
        last[live] = np.abs(step)
        going = np.abs(step) > 1e-14
        going &= np.isfinite(z[live]) & (np.abs(z[live]) < 20.0)
        live[np.flatnonzero(live)[~going]] = False
    return np.asarray(z[np.isfinite(z) & (last < 0.1 * NEAR)])


def _clustered(f: Characteristic, guesses: ComplexArray, low: float, high: float, top: float) -> list[Cluster]:
    """Distinct zeros within the strip, those near each other counted by moments."""
    both = np.concatenate([guesses, guesses.conj()])
    both = both[(both.real > low - 0.2) & (both.real < high + 0.2) & (np.abs(both.imag) < top + 0.2)]
    groups = _linked(both)
    centres = np.array([group.mean() for group in groups])
    found = []
    for k, group in enumerate(groups):
        centre = complex(centres[k])
        if not (low < centre.real < high and -NEAR < centre.imag < top):
            continue
        if abs(centre.imag) < NEAR:  # such a group holds its own mirror image
            centre = complex(centre.real)
        others = np.abs(np.delete(centres, k) - centre)
        apart = float(others.min(initial=1.0))
        spread = float(np.abs(group - centre).max())
        cluster = _located(f, centre, spread, apart)
        if cluster is not None:
            found.append(cluster)
    return sorted(found, key=lambda one: (one.mean.real, one.mean.imag))


def _linked(values: ComplexArray) -> list[ComplexArray]:
    """Groups of values linked by gaps below ``NEAR``."""
    left = list(values[np.argsort(values.real)])
    groups: list[list[complex]] = []
    while left:
        group = [left.pop(0)]
        grown = True
        while grown:
            near = [v for v in left if min(abs(v - w) for w in group) < NEAR]
            grown = bool(near)
            group += near
            left = [v for v in left if not any(v is w for w in near)]
        groups.append(group)
    return [np.array(group) for group in groups]


def _located(f: Characteristic, centre: complex, spread: float, apart: float) -> Cluster | None:
    """Number and places of the zeros around a point by moments on a circle between them and the others; None where
    there is none.
    """
    radius = min(0.02, float(np.sqrt(max(spread, 1e-6) * apart)), 0.25 * apart)
    radius = max(radius, 1.5 * spread)
    for points in (24, 96, 384):
        turn = np.exp(2j * np.pi * (np.arange(points) + 0.5) / points)
        rate = log_slope(f, centre + radius * turn) * radius * turn
        total = complex(rate.mean())
        if abs(total - round(total.real)) < 1e-6:
            break
    count = round(total.real)
    if count <= 0:
        return None
    sums = np.array([(rate * turn**j).mean() for j in range(1, count + 1)])
    places = centre + radius * _from_power_sums(sums)
    mean = complex(centre + radius * sums[0] / count)
    if centre.imag == 0.0:
        mean = complex(mean.real)
    return Cluster(mean, tuple(complex(v) for v in places))


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
            centred[j] += _binomial(j, i) * full[i] * (-mean) ** (j - i)
    elementary = [1.0 + 0.0j]
    for j in range(1, count + 1):
        elementary.append(sum((-1) ** (i - 1) * elementary[j - i] * centred[i] for i in range(1, j + 1)) / j)
    coefficients = np.array([(-1) ** j * e for j, e in enumerate(elementary)])
    return np.asarray(mean + np.roots(coefficients))


def _binomial(n: int, k: int) -> float:
    from math import comb

    return float(comb(n, k))
