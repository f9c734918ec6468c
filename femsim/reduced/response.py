"""Root averages as functions of what scatters in a case: by a reduced basis around it, else by a quadratic form.

A case whose scatter moves moduli, expansion coefficients, temperatures and layers has a box around it
(:mod:`femsim.reduced.around`). Any other one, with laws, steps, heat or in space, is solved in full at the middle and
both ends of each range:

    J(x) = J0 + sum_i (a_i (x_i - x0_i) + b_i (x_i - x0_i)^2).

For either, full solves at random points say what is missed: ``misfit``, its root mean square, which draws carry as a
normal error. Where the form is rough, so is what is said: the misfit tells.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.base.errors import InputError
from femsim.builders.build import discretise
from femsim.builders.discretisation import Discretisation
from femsim.cases.case import Case
from femsim.reduced.around import box_around
from femsim.reduced.box import Box
from femsim.reduced.build import levels_of, problem_of
from femsim.reduced.forms import Forms
from femsim.reduced.strips import DoesNotFitError
from femsim.runs.compare import HIGHEST, metrics_of
from femsim.runs.names import parts
from femsim.runs.results import results_dict
from femsim.runs.rows import quietly
from femsim.runs.run import Run
from femsim.runs.scatter import Scattered, Uncertain, uncertain_of, used_roles
from femsim.runs.wanted import needed

#: solves that check a quadratic form
CHECKS = 6
#: what a box may miss of a full solve, relative to the von Mises average of the ring
TOLERANCE = 0.002

#: points of a curve over a scatter's range, which is short
CURVES = 33

Say = Callable[[str], None]


@dataclass(frozen=True)
class Quadratic:
    """Metrics (m,) over moves of p numbers: slopes and curvatures (p, m)."""

    centre: FloatArray
    nominal: FloatArray
    slope: FloatArray
    curvature: FloatArray

    def at(self, x: FloatArray) -> FloatArray:
        """Metrics (n, m) at numbers (n, p)."""
        moved = x - self.centre
        return np.asarray(self.nominal + moved @ self.slope + moved**2 @ self.curvature)


@dataclass(frozen=True)
class Projected:
    """Metrics (m,) from a box: the column of each, or the columns whose largest magnitude it is; ``shift`` (m,) takes
    the box's value at the design to that of the ordinary solve, whose mesh is not quite the box's.
    """

    box: Box
    forms: Forms
    columns: tuple[tuple[int, ...], ...]
    shift: FloatArray

    def at(self, x: FloatArray) -> FloatArray:
        """Metrics (n, m) at numbers (n, p)."""
        return self.plain(self.box.values(self.forms.at(x))) + self.shift

    def plain(self, values: FloatArray) -> FloatArray:
        """Metrics (n, m) of averages (n, all)."""
        found = []
        for columns in self.columns:
            mine = values[:, list(columns)]
            found.append(np.take_along_axis(mine, np.abs(mine).argmax(axis=1)[:, None], axis=1)[:, 0])
        return np.column_stack(found)


@dataclass(frozen=True)
class Response:
    """A case's ``metrics`` over its ``uncertain`` numbers: their ``nominal`` values and discretisation ``error`` (m,),
    the rms (m,) of what is missed, MPa; ``solves`` that it took; ``why`` no reduced basis was made (empty: it was).
    """

    uncertain: tuple[Uncertain, ...]
    metrics: tuple[str, ...]
    nominal: FloatArray
    error: FloatArray
    misfit: FloatArray
    form: Quadratic | Projected
    solves: int
    why: str = ""

    @property
    def centre(self) -> FloatArray:
        """The case itself (p,)."""
        return np.array([u.centre for u in self.uncertain])

    def at(self, x: FloatArray) -> FloatArray:
        """Metrics (n, m) at numbers (n, p)."""
        if not self.uncertain:
            return np.repeat(self.nominal[None], len(x), axis=0)
        return self.form.at(x)


def response_of(
    case: Case,
    base: Path | None,
    metrics: Sequence[str],
    say: Say = lambda text: None,
    known: dict[str, tuple[float, float | None]] | None = None,
) -> Response:
    """The response of a case's metrics; ``known`` are its nominal values with errors where it was solved before.

    Raises InputError for keys of [uncertain] that hold no number and ranges the case cannot take, and where it has not
    got a metric.
    """
    say("nominal")
    wanted = needed(
        [name for name in metrics if not name.startswith(f"{HIGHEST}.")] + [_error_of(name) for name in metrics]
    )
    before: Run | None = None
    if known is None:
        done = quietly(case, base, wanted)
        assert isinstance(done, Run)  # heat alone has no roots and was refused
        before, known = done, metrics_of(results_dict(done))
    for name in metrics:
        if name not in known:
            raise InputError(f"{name}: the case {case.name} has no such root metric")
    nominal = np.array([known[name][0] for name in metrics])
    error = np.array([np.nan if (e := known[name][1]) is None else e for name in metrics])
    found = tuple(uncertain_of(case, used_roles(_discretisation(case, base, before))))
    plain = Quadratic(np.array([u.centre for u in found]), nominal, *np.zeros((2, len(found), len(metrics))))
    none = Response(found, tuple(metrics), nominal, error, np.zeros(len(metrics)), plain, 1)
    if not found:
        return none
    try:
        return _projected(none, case, say)
    except DoesNotFitError as problem:
        why = str(problem)
    except InputError as problem:
        if not str(problem).startswith("reduced: "):
            raise
        why = str(problem)
    return _quadratic(replace(none, why=why.removeprefix("reduced: ")), case, base, before, say)


def _discretisation(case: Case, base: Path | None, before: Run | None) -> Discretisation:
    if before is not None:
        return before.discretisation
    return discretise(case, base)


def _error_of(name: str) -> str:
    metric = parts(name)
    return name if metric is None else metric.other(f"{metric.kind}_error")


def _projected(none: Response, case: Case, say: Say) -> Response:
    """By a box around the case. Raises InputError that begins with "reduced: " where it has none."""
    scattered = Scattered(case, none.uncertain)
    low, high = (np.array([getattr(u, end) for u in none.uncertain]) for end in ("low", "high"))
    problem = problem_of(scattered, low, high, CURVES)
    found = box_around(problem, np.clip(none.centre, low, high), TOLERANCE, say, names=_chosen(none.metrics))
    columns: list[tuple[int, ...]] = []
    for name in none.metrics:
        metric = parts(name)
        if name in found.names:
            columns.append((found.names.index(name),))
            continue
        if metric is None or metric.root != HIGHEST:
            raise InputError(f"reduced: {name}: no average at a root")
        like = [(m.kind, m.length) if (m := parts(other)) is not None else None for other in found.names]
        columns.append(tuple(i for i, one in enumerate(like) if one == (metric.kind, metric.length)))
    levels = levels_of(found.nominal[None])[0]
    form = Projected(found.box, problem.forms, tuple(columns), np.zeros(len(columns)))
    here = form.plain(found.nominal[None])[0]
    # relative misses times the level of each column, then the worst of the columns a metric stands for
    rms = np.sqrt(np.mean((found.missed * levels) ** 2, axis=0))
    misfit = np.array([max(rms[i] for i in each) for each in columns])
    shift = none.nominal - here if np.all(none.centre == np.clip(none.centre, low, high)) else np.zeros(len(columns))
    return replace(none, misfit=misfit, form=replace(form, shift=shift), solves=found.solves + 1)


def _chosen(metrics: Sequence[str]) -> list[str] | None:
    """Names of the averages that metrics need; None: all."""
    plain = [name for name in metrics if not name.startswith(f"{HIGHEST}.")]
    return plain if len(plain) == len(metrics) else None


def _quadratic(none: Response, case: Case, base: Path | None, before: Run | None, say: Say) -> Response:
    """By solves in full at the middle and the ends of every range."""
    found, scattered = none.uncertain, Scattered(case, none.uncertain)
    wanted = needed(name for name in none.metrics if not name.startswith(f"{HIGHEST}."))

    def measured(x: FloatArray) -> FloatArray:
        nonlocal before
        done = quietly(scattered(x), base, wanted, before)
        assert isinstance(done, Run)
        before = done
        values = metrics_of(results_dict(done))
        return np.array([values[name][0] for name in none.metrics])

    slope, curvature = np.zeros((2, len(found), len(none.metrics)))
    solves = 1
    for k, u in enumerate(found):
        say(f"{u.keys[0]}, {k + 1} of {len(found)}")
        moves = _moves(u)
        rises = []
        for d in moves:
            x = none.centre
            x[k] += d
            rises.append(measured(x) - none.nominal)
        solves += 2
        slope[k], curvature[k] = np.linalg.solve(np.array([[d, d * d] for d in moves]), np.array(rises))
    form = Quadratic(none.centre, none.nominal, slope, curvature)
    misfit = np.zeros(len(none.metrics))
    if len(found) > 1:
        rng = np.random.default_rng(1)
        misses = []
        for number in range(CHECKS):
            say(f"check {number + 1} of {CHECKS}")
            x = np.array([float(u.at(rng.random(1))[0]) for u in found])
            misses.append(measured(x) - form.at(x[None])[0])
        misfit = np.sqrt(np.mean(np.array(misses) ** 2, axis=0))
        solves += CHECKS
    return replace(none, form=form, misfit=misfit, solves=solves)


def _moves(u: Uncertain) -> tuple[float, float]:
    """Two moves from the nominal number: to the ends of the range, or to its middle where it begins or ends there."""
    low, high = u.low - u.centre, u.high - u.centre
    width = u.high - u.low
    if abs(low) < 0.1 * width:
        return 0.5 * high, high
    if abs(high) < 0.1 * width:
        return low, 0.5 * low
    return low, high
