"""Which points a study has: grids, low-discrepancy and random samples, lists, and the designs that sensitivity analysis
needs.

Every random design is a sample of the unit cube (scipy.stats.qmc, SALib) mapped through the parameters' quantile
functions, so one seed gives the same points everywhere.
"""

from __future__ import annotations

import importlib
import itertools
import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.base.errors import InputError
from femsim.study.schema import MOST_POINTS, ParameterSpec, StudyFile

Row = tuple[Any, ...]


def sample(spec: StudyFile) -> list[Row]:
    """The points of a study in their order; one value per parameter. Lists are read elsewhere."""
    design, parameters = spec.study.design, spec.parameter
    if design == "none":
        return [tuple(middle(p) for p in parameters)]
    if design == "grid":
        axes = [grid_values(p) for p in parameters]
        count = math.prod(len(axis) for axis in axes)
        if count > MOST_POINTS:
            raise InputError(f"parameter: the grid has {count:,} points, more than {MOST_POINTS:,}; take fewer steps")
        return list(itertools.product(*axes))
    cube = _cube(spec)
    columns = [quantiles(p, cube[:, i]) for i, p in enumerate(parameters)]
    return list(zip(*columns, strict=True))


def _cube(spec: StudyFile) -> FloatArray:
    """The sample of the unit cube (n, d)."""
    count, d, seed = spec.study.samples or 0, len(spec.parameter), spec.study.seed
    design = spec.study.design
    if design in ("saltelli", "morris"):
        return _salib_cube(design, count, d, seed)
    from scipy.stats import qmc

    if design == "random":
        return np.asarray(np.random.default_rng(seed).random((count, d)))
    if design == "lhs":
        return np.asarray(qmc.LatinHypercube(d, rng=np.random.default_rng(seed)).random(count))
    if d > qmc.Sobol.MAXDIM:
        raise InputError(
            f"parameter: {d} parameters are more than the {qmc.Sobol.MAXDIM} of a Sobol sequence; take design = lhs"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # not a power of two: still a prefix of the sequence
        return np.asarray(qmc.Sobol(d, scramble=True, rng=np.random.default_rng(seed)).random(count))


def _salib_cube(design: str, count: int, d: int, seed: int) -> FloatArray:
    try:
        morris, sobol = (importlib.import_module(f"SALib.sample.{name}") for name in ("morris", "sobol"))
    except ImportError:
        raise InputError(f"study.design: {design!r} needs the package SALib: pip install SALib") from None
    problem = unit_problem(d)
    total = count * (2 * d + 2) if design == "saltelli" else count * (d + 1)
    if total > MOST_POINTS:
        raise InputError(f"study.samples: gives {total:,} points, more than {MOST_POINTS:,}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if design == "saltelli":
            return np.asarray(sobol.sample(problem, count, calc_second_order=True, seed=seed), dtype=float)
        return np.asarray(morris.sample(problem, count, num_levels=4, seed=seed), dtype=float)


def unit_problem(d: int) -> dict[str, Any]:
    """SALib's description of the unit cube."""
    return {"num_vars": d, "names": [f"p{i}" for i in range(d)], "bounds": [[0.0, 1.0]] * d}


def grid_values(parameter: ParameterSpec) -> list[Any]:
    """The values of one axis of a grid."""
    if parameter.values is not None:
        return list(parameter.values)
    low, high = parameter.range or (0.0, 1.0)
    count = parameter.steps or 2
    spaced = np.geomspace(low, high, count) if parameter.scale == "log" else np.linspace(low, high, count)
    spaced[0], spaced[-1] = low, high
    return [float(f"{v:.12g}") for v in spaced]


def quantiles(parameter: ParameterSpec, u: FloatArray) -> list[Any]:
    """Values of a parameter at probabilities ``u``."""
    if parameter.values is not None or (parameter.steps is not None and parameter.distribution == "uniform"):
        values = grid_values(parameter)
        index = np.minimum((u * len(values)).astype(int), len(values) - 1)
        return [values[i] for i in index]
    return [float(v) for v in _continuous(parameter, u)]


def _continuous(p: ParameterSpec, u: FloatArray) -> FloatArray:
    low, high = p.range or (-math.inf, math.inf)
    if p.distribution == "uniform":
        if p.scale == "log":
            return np.asarray(np.exp(np.log(low) + u * (np.log(high) - np.log(low))))
        return np.asarray(low + u * (high - low))
    from scipy import stats

    if p.distribution == "triangular":
        middle = p.mode if p.mode is not None else 0.5 * (low + high)
        return np.asarray(stats.triang((middle - low) / (high - low), loc=low, scale=high - low).ppf(u))
    mean, sd = p.mean or 0.0, p.sd or 1.0
    spread: Any = stats.norm(mean, sd)
    if p.distribution == "lognormal":  # mean and sd are those of the quantity itself
        variance = math.log1p((sd / mean) ** 2)
        spread = stats.lognorm(math.sqrt(variance), scale=mean / math.exp(0.5 * variance))
    start, end = float(spread.cdf(low)), float(spread.cdf(high))
    if not end > start:
        raise InputError(
            f"parameter: {p.key}: the range [{low:g}, {high:g}] holds nothing of its {p.distribution} distribution"
        )
    inner = start + np.clip(u, 1e-12, 1 - 1e-12) * (end - start)
    return np.asarray(np.clip(spread.ppf(inner), low, high))


def extremes(parameter: ParameterSpec) -> list[Any]:
    """The values to check before anything runs: all of a list, both ends of a range, far quantiles of a
    distribution.
    """
    if parameter.values is not None:
        return list(parameter.values)
    if parameter.range is not None:
        return list(parameter.range)
    return [float(v) for v in _continuous(parameter, np.array([1e-3, 1.0 - 1e-3]))]


def middle(parameter: ParameterSpec) -> Any:
    """A value in the middle."""
    return quantiles(parameter, np.array([0.5]))[0]


def unit_values(parameter: ParameterSpec, values: Sequence[Any]) -> FloatArray:
    """The way back: probabilities of values (discrete ones: the middle of their step), for analyses on the unit
    cube.
    """
    if parameter.values is not None:
        known = [repr(v) for v in parameter.values]
        return np.array([(known.index(repr(v)) + 0.5) / len(known) for v in values])
    x = np.asarray(values, dtype=float)
    grid = np.linspace(0.0, 1.0, 4097)
    at = _continuous(parameter, grid)
    return np.asarray(np.interp(x, at, grid))
