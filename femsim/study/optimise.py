"""The design with least stress: differential evolution over the ranges of a study, then a local polish, inside the
claimed windows.

Windows are constraints on the design and cost no solve: a design outside them is not solved at all. Limits on outputs
come with the solve. Every solve is a row of ``history.csv``.
"""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.base.errors import FemsimWarning, InputError, NumericsError, ToleranceError
from femsim.base.files import atomic_write
from femsim.base.finite import json_text
from femsim.cases.casefile import changed_case, dump_case
from femsim.cases.parts import CaseBase
from femsim.cases.units import key_unit
from femsim.cases.wording import show
from femsim.runs.names import outputs_of
from femsim.runs.units import is_plane, output_unit
from femsim.study.design import quantiles
from femsim.study.plan import Plan, make_plan, outputs_named
from femsim.study.schema import LimitSpec, OptimiseSpec, WindowSpec
from femsim.study.studyfile import Study
from femsim.study.worker import Runner

#: what a design that cannot be judged is worth: worse than any stress
WORST = 1.0e12
#: relative error of the root metrics to which the optimum of a reduced model is refined
ADAPTIVE = 0.003
#: how far outside its window a quotient is whose divisor is 0
FAR = 1.0e6


@dataclass(frozen=True)
class Optimum:
    """The best design found: its values by key, the outputs there, and how it was found."""

    values: dict[str, Any]
    outputs: dict[str, float | None]
    start: float
    best: float
    solves: int
    failed: int
    plan: Plan = field(repr=False)
    history: tuple[tuple[Any, ...], ...] = field(default=(), repr=False)
    #: by a reduced model: ``solves`` are then its evaluations
    reduced: bool = False

    def to_dict(self) -> dict[str, Any]:
        """JSON of the optimum."""
        return {
            "study": self.plan.name,
            "design": self.values,
            "outputs": self.outputs,
            "objective": self.best,
            "objective_of_the_middle": self.start if self.start < WORST * 1e-3 else None,
            "solves": self.solves,
            "failed": self.failed,
            "method": "reduced" if self.reduced else "full",
        }


def optimise(study: Study, say: Callable[[str], None] | None = None) -> Optimum:
    """Find the design with the least objective. Raises InputError where the study asks for none, NumericsError where
    none is allowed.
    """
    plan = plan_of(study)
    assert study.spec.optimise is not None  # plan_of refused it
    return _Search(study, study.spec.optimise, plan, limits_of(study, plan), say or (lambda text: None)).run()


def plan_of(study: Study) -> Plan:
    """The plan of what a search needs: the objective, then the outputs of the limits. Raises InputError."""
    spec = study.spec.optimise
    if spec is None:
        raise InputError(f"{study.file}: optimise: missing; add [optimise] with minimise = an output's path")
    wanted = {"optimise.minimise": spec.minimise}
    wanted |= {f"optimise.limit.{i}.output": limit.output for i, limit in enumerate(spec.limit)}
    meant = outputs_named(study, wanted)
    for label, found in meant.items():
        if len(found) > 1:
            names = ", ".join(o.name for o in found[:6])
            raise InputError(
                f"{study.file}: {label}: {wanted[label]!r} stands for {len(found)} outputs ({names}); name one"
            )
    outputs = [found[0] for found in meant.values()]
    return make_plan(study, list({o.key: o for o in outputs}.values()))


def limits_of(study: Study, plan: Plan) -> tuple[tuple[str, LimitSpec], ...]:
    """The limits with the names of their outputs."""
    spec = study.spec.optimise
    if spec is None or not spec.limit:
        return ()
    meant = outputs_named(study, {f"optimise.limit.{i}.output": limit.output for i, limit in enumerate(spec.limit)})
    return tuple((found[0].name, limit) for found, limit in zip(meant.values(), spec.limit, strict=True))


class _Search:
    def __init__(
        self,
        study: Study,
        spec: OptimiseSpec,
        plan: Plan,
        limits: tuple[tuple[str, LimitSpec], ...],
        say: Callable[[str], None],
    ) -> None:
        self.study, self.spec, self.plan, self.limits, self.say = study, spec, plan, limits, say
        self.parameters = study.spec.parameter
        self.known: dict[tuple[Any, ...], float] = {}
        self.rows: list[tuple[Any, ...]] = []
        self.runner = Runner(plan)
        self.best: tuple[float, tuple[Any, ...], tuple[float | None, ...]] = (math.inf, (), ())
        self.failed, self.refused, self.allowed = 0, 0, spec.evaluations
        sample = study.samples_of_case[0]
        for number, window in enumerate(study.spec.window):
            for key in (part.strip() for part in window.key.split(" / ")):
                if sample.number(key) is None:
                    raise InputError(f"{study.file}: window.{number}.key: {show(key)} is not a number of the case")
        if not self.parameters:
            raise InputError(f"{study.file}: optimise: a list has no ranges to search")

    def run(self) -> Optimum:
        from scipy.optimize import differential_evolution, minimize

        d = len(self.parameters)
        size = max(5, min(15, self.spec.evaluations // (8 * d)))
        start = self.objective(np.full(d, 0.5))
        free = [p.values is None for p in self.parameters]
        seed = self.study.spec.study.seed
        box = [(0.0, 1.0)] * d
        self.allowed = max(3 * self.spec.evaluations // 4, 10)
        with contextlib.suppress(_EnoughError):
            differential_evolution(
                self.objective,
                box,
                popsize=size,
                rng=np.random.default_rng(seed),
                polish=False,
                init="sobol",
                maxiter=10_000,
                tol=1e-4,
            )
        self.allowed = self.spec.evaluations
        if math.isfinite(self.best[0]) and any(free):
            middle = self.unit(self.best[1])
            options = {
                "maxfev": 10 * self.spec.evaluations,
                "xatol": 1e-3,
                "fatol": 1e-4,
                "initial_simplex": _simplex(middle),
            }
            with contextlib.suppress(_EnoughError):
                minimize(self.objective, middle, method="Nelder-Mead", bounds=box, options=options)
        if not self.best[0] < WORST:
            raise NumericsError(
                f"{self.study.file}: optimise: no design inside the windows and limits was found in {len(self.rows)} "
                f"solves"
            )
        value, row, outputs = self.best
        return Optimum(dict(zip(self.plan.keys, row, strict=True)), dict(zip(self.plan.outputs, outputs, strict=True)), start, value,  # noqa: E501
                       len(self.rows), self.failed, self.plan, tuple(self.rows))  # fmt: skip

    def unit(self, row: tuple[Any, ...]) -> FloatArray:
        from femsim.study.design import unit_values

        return np.array([float(unit_values(p, [v])[0]) for p, v in zip(self.parameters, row, strict=True)])

    def objective(self, u: FloatArray) -> float:
        """What is to be small, at a point of the unit cube."""
        row = tuple(
            quantiles(p, np.array([float(np.clip(v, 0.0, 1.0))]))[0] for p, v in zip(self.parameters, u, strict=True)
        )
        key = tuple(repr(v) for v in row)
        if key in self.known:
            return self.known[key]
        value = self.judge(row)
        self.known[key] = value
        return value

    def judge(self, row: tuple[Any, ...]) -> float:
        plan = replace(self.plan, rows=(row,))
        try:
            case = plan.case(0)
        except InputError:
            return WORST
        outside = sum(_outside(w, case) for w in self.study.spec.window)
        if outside > 0:
            self.refused += 1
            if self.refused > 50 * self.spec.evaluations:
                raise _EnoughError
            return WORST * (1.0 + outside)
        if len(self.rows) >= self.allowed:
            raise _EnoughError
        self.runner.plan = plan
        found = self.runner(0)
        self.rows.append((*row, *(found.outputs or (None,) * len(self.plan.outputs)), found.error))
        if found.error is not None or found.outputs[0] is None:
            self.failed += 1
            return WORST
        outputs = dict(zip(self.plan.outputs, found.outputs, strict=True))
        beyond = 0.0
        for name, limit in self.limits:
            v = outputs[name]
            low, high = limit.min, limit.max
            beyond += (
                1.0
                if v is None
                else max(0.0, (low - v) if low is not None else 0.0, (v - high) if high is not None else 0.0)
            )
        value = found.outputs[0] if self.spec.signed else abs(found.outputs[0])
        if beyond > 0:
            return WORST * 1e-3 * (1.0 + beyond)
        if value < self.best[0]:
            self.best = (value, row, found.outputs)
        self.say(f"{len(self.rows)} of at most {self.spec.evaluations} solves, least {self.best[0]:.5g}")
        return float(value)


class _EnoughError(Exception):
    """The allowed number of solves is used up."""


def _outside(window: WindowSpec, case: CaseBase) -> float:
    """How far a case is outside a window, relative to its width; 0 inside, or where the case lacks the key."""
    value = window_value(window, case)
    if value is None:
        return 0.0
    if math.isinf(value):
        return FAR  # a quotient that does not exist is in no window
    low, high = window.range
    slack = 1e-9 * (high - low)
    return max(0.0, (low - value - slack) / (high - low), (value - high - slack) / (high - low))


def window_value(window: WindowSpec, case: CaseBase) -> float | None:
    """What a window is about in a case, a number or a quotient of two, infinite where the divisor is 0; None where the
    case lacks the key.
    """
    parts = [case.number(key.strip()) for key in window.key.split(" / ")]
    numbers = [float(p) for p in parts if p is not None]
    if len(numbers) < len(parts):
        return None
    if len(numbers) == 1:
        return numbers[0]
    return numbers[0] / numbers[1] if numbers[1] != 0 else math.inf


def _simplex(middle: FloatArray) -> FloatArray:
    """A start for the polish: steps of a twentieth into the cube."""
    corners = [middle]
    for i in range(len(middle)):
        step = np.zeros(len(middle))
        step[i] = 0.05 if middle[i] < 0.5 else -0.05
        corners.append(middle + step)
    return np.array(corners)


@dataclass(frozen=True)
class Confirmation:
    """The best design solved in full: the objective and what limits it there, with error estimates (None where there is
    none), and what is to be said about it.
    """

    objective: float | None
    error: float | None
    outputs: dict[str, float | None]
    document: dict[str, Any] = field(repr=False)
    lines: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON of the confirmation."""
        return {"objective": self.objective, "error": self.error, "outputs": self.outputs, "remarks": list(self.lines)}


def confirm(found: Optimum) -> Confirmation:
    """Solve the best design with everything that is measured of a case: its objective again, now with an estimate of
    the discretisation error, checks and warnings.
    """
    from femsim.cases.own import conducts_only
    from femsim.runs.heat import heat_run_dict, run_heat
    from femsim.runs.results import results_dict
    from femsim.runs.run import run

    case = replace(found.plan, rows=(tuple(found.values.values()),)).case(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FemsimWarning)  # they are in the document
        try:
            if conducts_only(case):
                document = heat_run_dict(run_heat(case, found.plan.base_path))
            else:
                adaptive = changed_case(case, {"mesh.tolerance": ADAPTIVE}) if found.reduced else case
                document = results_dict(run(adaptive, found.plan.base_path))
        except ToleranceError as missed:
            document = results_dict(missed.run)
    known = {o.key: o.value for o in outputs_of(document)}
    keys = dict(zip(found.plan.outputs, found.plan.selectors, strict=True))
    outputs = {name: known.get(key) for name, key in keys.items()}
    first = found.plan.outputs[0]
    value, error = outputs[first], known.get(_error_key(keys[first]))
    lines = []
    unit = _spaced(output_unit(first, is_plane(case.model.kinematics)))
    if value is None:
        lines.append(f"confirmed by a full solve: no; {first} is not among its results")
    else:
        sure = "" if error is None else f" +- {error:.2g}"
        lines.append(f"confirmed by a full solve: {first} = {value:.5g}{sure}{unit}")
        gain = abs(found.start) - abs(value) if found.start < WORST * 1e-3 else None
        if error is not None and gain is not None and error > 0.2 * abs(gain):
            lines.append("the gain over the middle of the ranges is not much larger than that error; take a finer mesh")
    here = found.outputs[first]
    if found.reduced and value is not None and here is not None:
        lines.append(
            f"the reduced model gave {here:.5g}{unit}, {100 * abs(here - value) / max(abs(value), 1e-300):.2g} % off"
        )
    lines += [f"warning: {text}" for text in document["warnings"]]
    return Confirmation(value, error, outputs, document, tuple(lines))


def _error_key(key: str) -> str:
    """The key of a root metric's error estimate."""
    head, _, length = key.rpartition(".")
    return f"{head}_error.{length}" if length.endswith("um") else f"{key}_error"


def write_optimum(found: Optimum, directory: Path, checked: Confirmation | None = None) -> list[Path]:
    """Write ``optimum.json``, the design's whole ``case.toml`` and ``history.csv``. Raises InputError where that is
    impossible.
    """
    import csv
    import io

    row = tuple(found.values.values())
    case = replace(found.plan, rows=(row,)).case(0)
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*found.plan.keys, *found.plan.outputs, "error"])
    writer.writerows([["" if v is None else v for v in r] for r in found.history])
    document = found.to_dict() | ({"confirmation": checked.to_dict()} if checked is not None else {})
    files = {
        "optimum.json": json_text(document, 2),
        "case.toml": dump_case(
            case, base=found.plan.base_path, header=f"the best design that study {found.plan.name} found"
        ),
        "history.csv": stream.getvalue(),
    }
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            atomic_write(directory / name, text)
    except OSError as error:
        raise InputError(f"--out: {directory}: cannot be written ({(error.strerror or str(error)).lower()})") from None
    return [directory / name for name in files]


def _spaced(unit: str) -> str:
    return f" {unit}" if unit else ""


def lines_of(found: Optimum) -> list[str]:
    """The optimum in words: the objective, how it was found, and the parameters, each with its unit."""
    first, kind = found.plan.outputs[0], type(found.plan.case(0))
    unit = _spaced(output_unit(first, is_plane(found.plan.case(0).model.kinematics)))
    middle = found.to_dict()["objective_of_the_middle"]
    before = f" (in the middle of the ranges: {middle:.5g}{unit})" if middle is not None else ""
    how = f"{found.solves} designs of a reduced model" if found.reduced else f"{found.solves} solves"
    lines = [f"{found.plan.name}: {first} = {found.outputs[first]:.5g}{unit} after {how}{before}"]
    for key, value in found.values.items():
        shown = f"{value:.5g}" if isinstance(value, float) else str(value)
        lines.append(f"  {key} = {shown}{_spaced(key_unit(kind, key)) if isinstance(value, float | int) else ''}")
    return lines
