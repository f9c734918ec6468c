"""The design of least stress by a reduced model: thousands of designs at once, then gradients, then a full solve.

Every evaluation costs microseconds, so the whole range is looked at first. From the best designs inside the windows a
sequential quadratic programme (Kraft 1988, DFVLR-FB 88-28) goes on; its gradients are central differences of the
reduced model, all of them in one batch, and exact to seven digits. The best design is solved in full.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.base.errors import InputError, NumericsError
from femsim.reduced.between import Between
from femsim.reduced.keep import load
from femsim.reduced.model import Reduced
from femsim.study.design import quantiles
from femsim.study.local import default_workers
from femsim.study.optimise import WORST, Optimum, limits_of, plan_of, window_value
from femsim.study.points import case_of
from femsim.study.reduced import FOLDER, MODEL, model_of
from femsim.study.studyfile import Study
from femsim.study.sweep import existing, open_study

#: designs that are looked at first (a power of two), and starts of the programme
LOOKED, STARTS = 16_384, 6
#: move of the unit cube for a central difference
STEP = 1e-4
#: designs that are asked whether they lie in the windows
ASKED = 3_000

Say = Callable[[str], None]


def optimise_reduced(
    study: Study,
    source: str | Path,
    overrides: tuple[str, ...],
    tolerance: float | None,
    workers: int | None,
    say: Say = lambda text: None,
    data: str | Path | None = None,
) -> Optimum:
    """Find the design with the least objective by a reduced model of the study's ranges: that of a reduced sweep in
    ``data``, else one that is built here.

    Raises InputError where the study asks for nothing or has no reduced basis, NumericsError where no design is
    allowed.
    """
    plan = plan_of(study)
    if data is not None:
        model = _swept(study, data)
    else:
        with tempfile.TemporaryDirectory() as folder:
            store = open_study(source, Path(folder) / "points", overrides, tolerance)
            store.directory.mkdir(parents=True, exist_ok=True)
            model, _ = model_of(store, workers or default_workers(), say, also=plan.selectors)
    columns = []
    for name, selector in zip(plan.outputs, plan.selectors, strict=True):
        if selector not in model.outputs:
            where = "" if data is None else f", and those of {data} only at the roots and lengths of its study"
            raise InputError(f"{study.file}: optimise: {name}: a reduced basis gives averages at roots only{where}")
        columns.append(model.outputs.index(selector))
    spec = study.spec.optimise
    assert spec is not None  # plan_of refused it
    limits = limits_of(study, plan)
    parameters = study.spec.parameter

    def designs(u: FloatArray) -> FloatArray:
        inside = np.clip(u, 0.0, 1.0)
        return np.column_stack([quantiles(p, inside[:, i]) for i, p in enumerate(parameters)]).astype(float)

    def outputs(u: FloatArray) -> FloatArray:
        return model.at(designs(u)).values[:, columns]

    def objective(values: FloatArray) -> FloatArray:
        return np.asarray(values[:, 0] if spec.signed else np.abs(values[:, 0]))

    def slack(values: FloatArray) -> FloatArray:
        """How far inside its limits each design is (n, limits), MPa."""
        found = [np.zeros((len(values), 0))]
        for name, limit in limits:
            v = values[:, plan.outputs.index(name)]
            for end, sign in ((limit.min, 1.0), (limit.max, -1.0)):
                if end is not None:
                    found.append(sign * (v - end)[:, None])
        return np.concatenate(found, axis=1)

    def windows(u: FloatArray) -> FloatArray:
        """How far inside its windows a design (p,) is, relative to their widths."""
        case = case_of(study.data, plan.keys, designs(u[None])[0].tolist(), "")
        found = []
        for window in study.spec.window:
            value = window_value(window, case)
            if value is not None:
                low, high = window.range
                found += [(value - low) / (high - low), (high - value) / (high - low)]
        return np.array(found)

    from scipy.stats import qmc

    cube = qmc.Sobol(len(parameters), rng=np.random.default_rng(study.spec.study.seed)).random(LOOKED)
    cube = np.concatenate([np.full((1, len(parameters)), 0.5), cube])
    say(f"looking at {len(cube)} designs")
    values = outputs(cube)
    size = objective(values)
    allowed = np.isfinite(size) & np.all(slack(values) >= 0.0, axis=1)
    starts: list[FloatArray] = []
    for k in np.argsort(np.where(allowed, size, np.inf), kind="stable")[: min(ASKED, int(allowed.sum()))]:
        near = any(np.abs(cube[k] - other).max() < 0.1 for other in starts)
        if not near and np.all(windows(cube[k]) >= -1e-9):
            starts.append(cube[k])
        if len(starts) == STARTS:
            break
    if not starts:
        raise NumericsError(f"{study.file}: optimise: no design inside the windows and limits was found")
    rows: list[tuple[Any, ...]] = []
    best: tuple[float, FloatArray] = (np.inf, starts[0])
    for number, start in enumerate(starts):
        say(f"from start {number + 1} of {len(starts)}")
        for u in (start, _polished(start, outputs, objective, slack, windows)):
            v = outputs(u[None])
            fits = np.all(slack(v) >= -1e-6 * np.abs(v).max()) and np.all(windows(u) >= -1e-7)
            rows.append((*designs(u[None])[0].tolist(), *v[0].tolist(), None))
            if fits and objective(v)[0] < best[0]:
                best = float(objective(v)[0]), u
    row = designs(best[1][None])[0]
    found = dict(zip(plan.keys, row.tolist(), strict=True))
    outs = dict(zip(plan.outputs, outputs(best[1][None])[0].tolist(), strict=True))
    middle = float(size[0]) if np.isfinite(size[0]) else WORST
    return Optimum(found, outs, middle, best[0], len(cube) + len(rows), 0, plan, tuple(rows), reduced=True)


def _swept(study: Study, data: str | Path) -> Reduced | Between:
    """The model of a reduced sweep. Raises InputError where it is not one of this study's case and parameters."""
    store = existing(data)
    model: Reduced | Between | None = load(store.directory / FOLDER / MODEL)
    if model is None:
        raise InputError(f"--data: {store.directory}: holds no reduced model; femsim sweep --reduced writes one")
    if store.plan.data != study.data or store.plan.keys != study.keys:
        raise InputError(f"--data: {store.directory}: is of another case or other parameters than {study.file}")
    return model


def _polished(
    start: FloatArray,
    outputs: Callable[[FloatArray], FloatArray],
    objective: Callable[[FloatArray], FloatArray],
    slack: Callable[[FloatArray], FloatArray],
    windows: Callable[[FloatArray], FloatArray],
) -> FloatArray:
    """Where the programme ends (p,) from a start; the start where it cannot go on."""
    from scipy.optimize import minimize

    p = len(start)
    unit = float(objective(outputs(start[None]))[0]) or 1.0

    def around(u: FloatArray) -> FloatArray:
        moves = STEP * np.concatenate([np.eye(p), -np.eye(p)])
        return np.clip(u + moves, 0.0, 1.0)

    def slopes(u: FloatArray, f: Callable[[FloatArray], FloatArray]) -> FloatArray:
        points = around(u)
        found = f(points)
        width = np.array([points[i, i] - points[p + i, i] for i in range(p)])
        return np.asarray((found[:p] - found[p:]) / width.reshape(-1, *[1] * (found.ndim - 1)))

    def size(points: FloatArray) -> FloatArray:
        return objective(outputs(points)) / unit

    def room(points: FloatArray) -> FloatArray:
        return slack(outputs(points)) / unit

    held = [
        {"type": "ineq", "fun": lambda u: room(u[None])[0], "jac": lambda u: slopes(u, room).T},
        {"type": "ineq", "fun": windows},
    ]
    held = [one for one in held if len(one["fun"](start))]  # type: ignore[operator]
    done = minimize(
        lambda u: float(size(u[None])[0]),
        start,
        jac=lambda u: slopes(u, size),
        bounds=[(0.0, 1.0)] * p,
        constraints=held,
        method="SLSQP",
        options={"maxiter": 100, "ftol": 1e-9},
    )
    return np.clip(done.x, 0.0, 1.0) if np.all(np.isfinite(done.x)) else start
