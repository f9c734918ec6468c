"""What a study says: main effects, sensitivity indices with intervals, best designs, trade-offs, claimed windows."""

from __future__ import annotations

import importlib
import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from femsim.base.arrays import BoolArray, FloatArray
from femsim.base.errors import InputError, nearest
from femsim.study.design import unit_problem, unit_values
from femsim.study.plan import Plan
from femsim.study.points import restored
from femsim.study.schema import ParameterSpec, StudyFile, WindowSpec
from femsim.study.store import DONE, Store
from femsim.study.surrogate import Surrogate, fit

#: resamples behind every interval
RESAMPLES = 200
#: more values than this of a grid are drawn in bins
MOST_LEVELS = 100
#: of any other axis that has so few values at most, each is shown
FEW = 8
#: reasons of failed points that are kept
MOST_REASONS = 10
#: share of the resamples an interval holds
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Axis:
    """One parameter as figures need it: numbers, or the categories that the values of ``x`` (0, 1, ...) stand for."""

    key: str
    name: str
    unit: str
    x: FloatArray
    u: FloatArray
    categories: tuple[str, ...] = ()
    log: bool = False
    few: bool = False  # a grid: every value is one of a few

    @property
    def levels(self) -> FloatArray | None:
        """The values it takes, where they are few or those of a grid; None of one that varies freely."""
        distinct = np.unique(self.x)
        return distinct if self.categories or len(distinct) <= (MOST_LEVELS if self.few else FEW) else None

    @property
    def label(self) -> str:
        """Name and unit."""
        return f"{self.name} ({self.unit})" if self.unit else self.name

    def show(self, value: float) -> str:
        """A value in words."""
        return self.categories[round(value)] if self.categories else f"{value:.4g}"


@dataclass(frozen=True)
class Frame:
    """The done points of a study: parameters, outputs (n,) by path, the point numbers, and how many rows there are in
    all.
    """

    plan: Plan
    spec: StudyFile
    axes: tuple[Axis, ...]
    outputs: dict[str, FloatArray]
    points: npt.NDArray[np.int64]
    rows: int
    failed: int
    errors: tuple[tuple[str, int], ...]
    failures: tuple[tuple[int, str], ...]
    reuse: dict[str, int]
    seconds: float | None

    @property
    def count(self) -> int:
        """Done points."""
        return len(self.points)

    def unit(self, name: str) -> str:
        """The unit of a parameter or an output."""
        return self.plan.unit(name)

    def output(self, path: str) -> FloatArray:
        """One output by path. Raises InputError where the study has none of that name."""
        if path not in self.outputs:
            raise InputError(
                f"output: {path!r} is not in the study{nearest(path, self.outputs)}; there are: "
                f"{', '.join(self.outputs)}"
            )
        return self.outputs[path]


@dataclass(frozen=True)
class Sensitivity:
    """Shares of the variance by parameter: first order and total, each with half-widths of their intervals; how they
    were found.
    """

    first: FloatArray
    first_interval: FloatArray
    total: FloatArray
    total_interval: FloatArray
    method: str
    quality: float | None = None  # share of the variance that the fit predicts at points left out


def load_frame(store: Store) -> Frame:
    """The done points of a store. Raises InputError where there are none."""
    table, plan = store.read(), store.plan
    state = store.state()
    done = np.array([s == DONE for s in table["status"].to_pylist()], dtype=bool)
    if not done.any():
        raise InputError(f"{store.directory}: no point is done yet")
    numbers, errors = (table[name].to_pylist() for name in ("point", "error"))
    failures = [(point, text) for point, text in zip(numbers, errors, strict=True) if text]
    spec = StudyFile.model_validate(plan.study, strict=False)
    specs = {p.key: p for p in spec.parameter}
    keep = np.flatnonzero(done)
    axes = []
    for key, kind in zip(plan.keys, plan.kinds, strict=True):
        column = table[key].to_pylist()
        try:
            values = [restored(column[i], kind) for i in keep]
        except (ValueError, TypeError):
            raise InputError(f"{store.directory}: a row's {key!r} is not what the study writes") from None
        axes.append(_axis(key, plan.unit(key), values, kind in ("number", "integer"), specs.get(key)))
    outputs = {path: table[path].to_numpy(zero_copy_only=False).astype(float)[keep] for path in plan.outputs}
    points = table["point"].to_numpy()[keep]
    return Frame(
        plan=plan,
        spec=spec,
        axes=tuple(axes),
        outputs=outputs,
        points=points,
        rows=table.num_rows,
        failed=len(state.failed),
        errors=reasons(text for _, text in failures),
        failures=tuple(failures),
        reuse=state.reuse,
        seconds=state.seconds,
    )


def reasons(errors: Iterable[str]) -> tuple[tuple[str, int], ...]:
    """Error texts with their counts, the most frequent first; numbers in a text do not make it another one."""
    first: dict[str, str] = {}
    counts: dict[str, int] = {}
    for text in errors:
        kind = re.sub(r"-?\d+(\.\d+)?([eE][-+]?\d+)?", "#", text)
        counts[kind] = counts.get(kind, 0) + 1
        first.setdefault(kind, text)
    ranked = sorted(counts.items(), key=lambda item: -item[1])[:MOST_REASONS]
    return tuple(
        (first[kind] + (" (and the like)" if count > 1 and "#" in kind else ""), count) for kind, count in ranked
    )


def _axis(key: str, unit: str, values: list[Any], numeric: bool, spec: ParameterSpec | None) -> Axis:
    name = spec.name if spec and spec.label else ".".join(key.split(".")[1:]) or key
    if numeric:
        x = np.asarray(values, dtype=float)
        u = unit_values(spec, values) if spec is not None else (np.argsort(np.argsort(x)) + 0.5) / max(len(x), 1)
        few = spec is None or spec.values is not None or (spec.steps is not None and spec.distribution == "uniform")
        return Axis(key, name, unit, x, u, log=bool(spec and spec.scale == "log"), few=few)
    known = list(dict.fromkeys(repr(v) for v in (spec.values if spec and spec.values else values)))
    index = np.array([known.index(repr(v)) for v in values], dtype=float)
    labels = tuple(text.strip("'\"") if len(text) < 26 else text[:23] + "..." for text in known)
    return Axis(key, name, "", index, (index + 0.5) / len(known), labels)


# ---------------------------------------------------------------- effects and indices


def bins_of(axis: Axis, most: int = 12) -> tuple[npt.NDArray[np.int64], FloatArray, FloatArray]:
    """The bin of every point, the bins' middles and their edges: levels by themselves, else ``most`` bins of equal
    width.
    """
    distinct = np.unique(axis.x)
    if axis.levels is not None:
        middles = np.arange(len(axis.categories), dtype=float) if axis.categories else axis.levels
        index = np.searchsorted(middles, axis.x)
        return index.astype(np.int64), middles, _edges(middles, axis.log)
    scale = np.log if axis.log and distinct[0] > 0 else np.asarray
    low, high = float(scale(distinct[0])), float(scale(distinct[-1]))
    edges = np.linspace(low, high, most + 1)
    index = np.clip(np.searchsorted(edges, scale(axis.x), side="right") - 1, 0, most - 1)
    back = np.exp if scale is np.log else np.asarray
    return index.astype(np.int64), np.asarray(back(0.5 * (edges[1:] + edges[:-1]))), np.asarray(back(edges))


def _edges(middles: FloatArray, log: bool) -> FloatArray:
    """Edges half-way between values, and as far beyond the first and the last one."""
    if log and middles[0] > 0:
        return np.asarray(np.exp(_edges(np.log(middles), False)))
    if len(middles) == 1:
        return np.array([middles[0] - 0.5, middles[0] + 0.5])
    inner = 0.5 * (middles[1:] + middles[:-1])
    return np.concatenate([[2 * middles[0] - inner[0]], inner, [2 * middles[-1] - inner[-1]]])


def main_effect(axis: Axis, y: FloatArray, most: int = 10) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Middles of the bins, the mean of ``y`` in each, and the band that holds 80 % of it."""
    index, middles, _ = bins_of(axis, most)
    rows = [y[(index == i) & np.isfinite(y)] for i in range(len(middles))]
    full = [i for i, r in enumerate(rows) if len(r)]
    mean, low, high = (np.array([f(rows[i]) for i in full]) for f in (np.mean, _tenth, _ninetieth))
    return middles[full], mean, low, high


def _tenth(values: FloatArray) -> float:
    return float(np.quantile(values, 0.1))


def _ninetieth(values: FloatArray) -> float:
    return float(np.quantile(values, 0.9))


def sensitivity(frame: Frame, path: str) -> Sensitivity | None:
    """Sobol indices: from the design where it is a Saltelli one and whole, else from a polynomial fit; None where
    neither can be had.
    """
    y = frame.output(path)
    if (
        frame.spec.study.design == "saltelli"
        and frame.count == frame.rows == len(frame.plan.rows)
        and np.all(np.isfinite(y))
    ):
        return _saltelli(len(frame.axes), y)
    return _fitted(surrogate(frame, path))


def _saltelli(d: int, y: FloatArray) -> Sensitivity | None:
    try:
        sobol = importlib.import_module("SALib.analyze.sobol")
    except ImportError:
        raise InputError("Sobol indices need the package SALib: pip install SALib") from None
    if float(np.std(y)) == 0.0:
        return None
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        found = sobol.analyze(
            unit_problem(d), y, calc_second_order=True, num_resamples=RESAMPLES, conf_level=CONFIDENCE, seed=1
        )
    s1, s1_conf, st, st_conf = (np.asarray(found[k], dtype=float) for k in ("S1", "S1_conf", "ST", "ST_conf"))
    return Sensitivity(s1, s1_conf, st, st_conf, "estimators of Saltelli and Jansen (SALib), bootstrap intervals")


def surrogate(frame: Frame, path: str) -> Surrogate | None:
    """A polynomial through the done points of an output; None where there are too few points for one."""
    y = frame.output(path)
    good = np.isfinite(y)
    return fit(np.column_stack([a.u[good] for a in frame.axes]), y[good])


def _fitted(found: Surrogate | None) -> Sensitivity | None:
    """Indices of a fit, with intervals from fits to resampled points."""
    if found is None:
        return None
    whole = found.indices()
    random, n = np.random.default_rng(1), len(found.values)
    again = np.array([found.indices(random.integers(0, n, n)) for _ in range(RESAMPLES)])
    half = 0.5 * np.ptp(np.quantile(again, [0.5 - CONFIDENCE / 2, 0.5 + CONFIDENCE / 2], axis=0), axis=0)
    method = f"polynomial chaos of degree {found.degree}, bootstrap intervals"
    return Sensitivity(whole[0], half[0], whole[1], half[1], method, found.quality)


def elementary_effects(frame: Frame, path: str) -> tuple[FloatArray, FloatArray] | None:
    """Morris' mean absolute effects and their spreads; None where the design is another one, or not whole."""
    y = frame.output(path)
    if frame.spec.study.design != "morris" or frame.count != len(frame.plan.rows):
        return None
    morris = importlib.import_module("SALib.analyze.morris")
    u = np.column_stack([a.u for a in frame.axes])
    found = morris.analyze(unit_problem(len(frame.axes)), u, y, num_levels=4, seed=1)
    return np.asarray(found["mu_star"], dtype=float), np.asarray(found["sigma"], dtype=float)


# ---------------------------------------------------------------- designs


def best(frame: Frame, path: str, count: int = 10) -> npt.NDArray[np.int64]:
    """Positions of the points with the smallest magnitude of an output, the smallest first."""
    y = np.abs(frame.output(path))
    order = np.argsort(np.where(np.isfinite(y), y, np.inf), kind="stable")
    return order[: min(count, int(np.isfinite(y).sum()))]


def pareto(a: FloatArray, b: FloatArray) -> npt.NDArray[np.int64]:
    """Positions no other point beats in both magnitudes, in the order of the first."""
    x, y = np.abs(a), np.abs(b)
    order = np.lexsort((y, x))
    found, lowest = [], np.inf
    for i in order:
        if np.isfinite(x[i]) and y[i] < lowest:
            found.append(int(i))
            lowest = float(y[i])
    return np.array(found, dtype=np.int64)


def window_keys(window: WindowSpec) -> tuple[str, ...]:
    """The one key of a window, or numerator and denominator."""
    return tuple(part.strip() for part in window.key.split(" / "))


def window_values(frame: Frame, window: WindowSpec) -> FloatArray | None:
    """What a window is about at every point; None where it is neither varied nor a number of the case."""
    parts = [_values(frame, key) for key in window_keys(window)]
    if any(p is None for p in parts) or not 1 <= len(parts) <= 2:
        return None
    if len(parts) == 1:
        return parts[0]
    with np.errstate(all="ignore"):
        return np.asarray(parts[0] / parts[1])  # type: ignore[operator]


def inside(frame: Frame, windows: Sequence[WindowSpec]) -> BoolArray:
    """Which points lie in all windows that can be told."""
    result = np.ones(frame.count, dtype=bool)
    for window in windows:
        values = window_values(frame, window)
        if values is not None:
            slack = 1e-9 * (window.range[1] - window.range[0])
            result &= (values >= window.range[0] - slack) & (values <= window.range[1] + slack)
    return result


def _values(frame: Frame, key: str) -> FloatArray | None:
    """A key of the case at every point: varied, following from what varies in its table, or fixed."""
    axes = {a.key: a for a in frame.axes if not a.categories}
    if key in axes:
        return axes[key].x
    table = key.split(".")[0]
    if any(a.key.split(".")[0] == table for a in frame.axes):
        found = [case_value(frame.plan, key, int(point)) for point in frame.points]
        return None if None in found else np.array(found, dtype=float)
    value = case_value(frame.plan, key, int(frame.points[0]))
    return None if value is None else np.full(frame.count, value)


def case_value(plan: Plan, key: str, point: int) -> float | None:
    """A number of a point's case by dotted key; None where there is none."""
    try:
        return plan.case(point).number(key)
    except InputError:
        return None
