"""Quantities as forms of the parameters, found by asking the case itself.

Heights of layers, moduli, ratios and free strains depend on a study's parameters in simple ways: a thickness is a sum,
a ratio times a thickness a product, a thermal strain alpha (T - T0) a sum of products. So each quantity is

    q(x) = q0 + sum_i (a_i d_i + c_i(x_i)) + sum_i<j b_ij d_i d_j + sum_i s_i(x_i) d_j(i),   d = x - x0,

whose coefficients come from about 1 + 3 p + p (p - 1) / 2 cases. Curves c_i are there only where a parameter alone is
not linear, as with tables over temperature; they are kept at 257 points. A curve may be scaled by one other parameter
j(i), as a table by the scatter of its material. All is checked at random points. What is no
such form is refused with the name of the parameter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, product

import numpy as np

from femsim.base.arrays import BoolArray, FloatArray, IntArray
from femsim.base.errors import InputError

#: a quantity may miss its form by this much of its largest value
EXACT = 1.0e-9
#: the same where there are curves between points
NEARLY = 2.0e-6
#: points of a curve
POINTS = 257
#: random points at which the forms are checked
CHECKS = 6


@dataclass(frozen=True)
class Forms:
    """Quantities (m,) bilinear in parameters (p,): ``centre`` (p,), ``constant`` (m,), ``slope`` (p, m), ``pairs``
    (k, 2) of parameters with ``product`` (k, m); ``curved`` (c,) parameters with the curves (c, POINTS, m) that they
    add between ``ends`` (c, 2).
    """

    centre: FloatArray
    constant: FloatArray
    slope: FloatArray
    pairs: tuple[tuple[int, int], ...]
    product: FloatArray
    curved: tuple[int, ...] = ()
    ends: FloatArray = field(default_factory=lambda: np.zeros((0, 2)))
    curves: FloatArray = field(default_factory=lambda: np.zeros((0, POINTS, 0)))
    #: curves (c, POINTS, m) that another parameter scales: its number (c, m), -1 where none does
    scaled: FloatArray = field(default_factory=lambda: np.zeros((0, POINTS, 0)))
    by: IntArray = field(default_factory=lambda: np.zeros((0, 0), dtype=np.int64))

    def at(self, x: FloatArray) -> FloatArray:
        """Quantities (n, m) at parameters (n, p)."""
        d = x - self.centre
        found = self.constant + d @ self.slope
        if self.pairs:
            first, second = (list(column) for column in zip(*self.pairs, strict=True))
            found = found + (d[:, first] * d[:, second]) @ self.product
        for c, (i, (start, end), curve) in enumerate(zip(self.curved, self.ends, self.curves, strict=True)):
            place = np.clip((x[:, i] - start) / (end - start), 0.0, 1.0) * (len(curve) - 1)
            left = np.minimum(place.astype(int), len(curve) - 2)
            part = (place - left)[:, None]
            found = found + (1.0 - part) * curve[left] + part * curve[left + 1]
            if len(self.by) and np.any(self.by[c] >= 0):
                factor = np.where(self.by[c] >= 0, d[:, np.maximum(self.by[c], 0)], 0.0)
                found = found + factor * ((1.0 - part) * self.scaled[c][left] + part * self.scaled[c][left + 1])
        return np.asarray(found)

    def bounds(self, low: FloatArray, high: FloatArray, chosen: Sequence[int]) -> tuple[FloatArray, FloatArray]:
        """Least and largest values of the ``chosen`` quantities (without curves) over a box: at its corners."""
        columns = list(chosen)
        moving = [
            i
            for i in range(len(low))
            if np.any(self.slope[i, columns])
            or any(i in pair and np.any(self.product[k, columns]) for k, pair in enumerate(self.pairs))
        ]
        corners = np.tile(0.5 * (low + high), (2 ** len(moving), 1))
        for row, ends in enumerate(product((0, 1), repeat=len(moving))):
            for i, end in zip(moving, ends, strict=True):
                corners[row, i] = high[i] if end else low[i]
        values = self.at(corners)[:, columns]
        return values.min(axis=0), values.max(axis=0)


def fit(
    ask: Callable[[FloatArray], FloatArray],
    low: FloatArray,
    high: FloatArray,
    names: Sequence[str],
    straight: int = 0,
    points: int = POINTS,
) -> Forms:
    """The forms of what ``ask`` (p,) -> (m,) gives between ``low`` and ``high``; the first ``straight`` quantities may
    have no curves; these are kept at so many ``points``. Raises InputError, naming the parameter, where a quantity is
    no such form.
    """
    p = len(low)
    x0, step = 0.5 * (low + high), 0.25 * (high - low)

    def with_(i: int, value: float) -> FloatArray:
        x = x0.copy()
        x[i] = value
        return ask(x)

    base = ask(x0)
    plus = np.array([with_(i, x0[i] + step[i]) for i in range(p)]).reshape(p, -1)
    scale = np.maximum(np.maximum(np.abs(base), np.abs(plus).max(axis=0, initial=0.0)), 1e-300)
    slope = (plus - base) / step[:, None]
    slope[np.abs(slope * (high - low)[:, None]) <= EXACT * 1e-3 * scale] = 0.0
    curved, curves = [], []
    for i in range(p):
        misses = [np.abs(with_(i, end) - base - slope[i] * (end - x0[i])) for end in (low[i], high[i])]
        missed = np.any(np.array(misses) > EXACT * scale, axis=0)
        if np.any(missed[:straight]):
            raise InputError(_no_form(names[i]))
        if np.any(missed):
            grid = np.linspace(low[i], high[i], points)
            curves.append(np.array([with_(i, v) - base - slope[i] * (v - x0[i]) for v in grid]))
            curved.append(i)
    ends = np.array([[low[i], high[i]] for i in curved]).reshape(len(curved), 2)
    none = Forms(x0, base, slope, (), np.zeros((0, len(base))), tuple(curved), ends)
    forms = replace(none, curves=np.array(curves).reshape(len(curved), points, len(base)))
    moving = [i for i in range(p) if np.any(slope[i] != 0.0) or i in curved]
    reach = {i: slope[i] != 0.0 for i in moving}
    for i, curve in zip(curved, curves, strict=True):
        reach[i] = reach[i] | np.any(curve != 0.0, axis=0)
    # products are where two parameters move one quantity; anything else would be strange, but may be
    near = [(i, j) for i, j in combinations(moving, 2) if np.any(reach[i] & reach[j])]
    every = list(combinations(moving, 2))
    for number, pairs in enumerate((near, every, near) if curved else (near, every)):
        if number == 2:
            forms, pairs = _with_scaled(ask, forms, reach, near, base, step, (low, high), points)
        whole = _with_products(ask, forms, pairs, base, step, low, high, scale)
        rng = np.random.default_rng(5)
        misses = []
        for _ in range(CHECKS):
            x = low + (high - low) * rng.random(p)
            misses.append(np.abs(ask(x) - whole.at(x[None])[0]) / scale)
        # what a chord misses of a curve goes with the square of its length
        if not np.any(np.array(misses) > (NEARLY * (256 / (points - 1)) ** 2 if curved else 10 * EXACT)):
            return whole
    raise InputError(_no_form(", ".join(names[i] for i in (curved or moving))))


def _with_scaled(
    ask: Callable[[FloatArray], FloatArray],
    forms: Forms,
    reach: dict[int, BoolArray],
    near: Sequence[tuple[int, int]],
    base: FloatArray,
    step: FloatArray,
    ends: tuple[FloatArray, FloatArray],
    points: int,
) -> tuple[Forms, list[tuple[int, int]]]:
    """The forms with curves that another parameter scales, and the pairs whose products are then left: of a quantity
    that a curved and just one other parameter move, all their interplay is in the scaled curve.
    """
    x0, m = forms.centre, len(base)
    scaled, by = np.zeros((len(forms.curved), points, m)), np.full((len(forms.curved), m), -1)
    for c, i in enumerate(forms.curved):
        others = [j for j in reach if j != i]
        count = np.sum([reach[j] for j in others], axis=0) if others else np.zeros(m)
        for j in others:
            by[c, reach[j] & reach[i] & (count == 1)] = j
        chosen = by[c] >= 0
        if not np.any(chosen):
            continue
        moved = x0.copy()
        moved[others] += step[others]
        there = ask(moved)
        for at, value in enumerate(np.linspace(ends[0][i], ends[1][i], points)):
            x, alone = moved.copy(), x0.copy()
            x[i] = alone[i] = value
            rise = ask(x) - there - (forms.at(alone[None])[0] - base)
            scaled[c, at, chosen] = rise[chosen] / step[by[c, chosen]]
    left = [(i, j) for i, j in near if not (_all_scaled(forms, by, reach, i, j) or _all_scaled(forms, by, reach, j, i))]
    return replace(forms, scaled=scaled, by=by), left


def _all_scaled(forms: Forms, by: IntArray, reach: dict[int, BoolArray], i: int, j: int) -> bool:
    """Whether parameter j scales parameter i's curve wherever both move a quantity."""
    return i in forms.curved and bool(np.all(by[forms.curved.index(i)][reach[i] & reach[j]] == j))


def _with_products(
    ask: Callable[[FloatArray], FloatArray],
    forms: Forms,
    chosen: Sequence[tuple[int, int]],
    base: FloatArray,
    step: FloatArray,
    low: FloatArray,
    high: FloatArray,
    scale: FloatArray,
) -> Forms:
    """The forms with the products of the ``chosen`` pairs of parameters."""
    x0 = forms.centre
    at_step = {i: forms.at(x0[None] + np.eye(len(x0))[i] * step)[0] for pair in chosen for i in pair}
    pairs, products = [], []
    for i, j in chosen:
        x = x0.copy()
        x[[i, j]] += step[[i, j]]
        b = (ask(x) - at_step[i] - at_step[j] + base) / (step[i] * step[j])
        b[np.abs(b) * (high - low)[i] * (high - low)[j] <= EXACT * 1e-2 * scale] = 0.0
        if np.any(b):
            pairs.append((i, j))
            products.append(b)
    return replace(forms, pairs=tuple(pairs), product=np.array(products).reshape(len(pairs), len(base)))


def _no_form(name: str) -> str:
    return (
        f"reduced: {name}: heights, moduli or free strains are no product of the parameters (a mixture, a ratio of "
        f"dimensions, a table over temperature scaled by another parameter); leave it out, or sweep in full"
    )
