"""Sweeps by a reduced basis: the offline stage beside the dataset, rows in blocks, and what is solved in full.

Solved in full are points outside all boxes, points whose stated reduction error is above the tolerance, and the best
points by the first output: the guarantee speaks of points drawn at random, and the best ones are not.
"""

from __future__ import annotations

import hashlib
import json
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.errors import FemsimWarning, InputError, NumericsError
from femsim.reduced.between import Between, between, calibrated_between, crossing, truth_at
from femsim.reduced.build import Built, Problem, grow, levels_of, problem_of, truth_of
from femsim.reduced.certificate import certificate_of
from femsim.reduced.columns import columns_of
from femsim.reduced.crew import Cases, Crew, crew
from femsim.reduced.keep import load, save
from femsim.reduced.model import CALIBRATE, OWN, Answers, Reduced, assembled, calibrated
from femsim.reduced.truth import Truth
from femsim.study.local import run_local
from femsim.study.meter import Meter
from femsim.study.plan import Plan
from femsim.study.store import Row, Store

#: the model and its boxes, in the directory of the dataset
FOLDER, MODEL = "reduced", "model.npz"
TOLERANCE, CERTIFY, BOUNDS = 0.003, 20, 1000
#: rows of a part
BLOCK = 20_000
#: with fewer points than this the offline stage costs more than the points
FEW = 300


#: what rows of this level say
CERTIFIED = (
    "level certified: the reduction errors of peel and shear are rigorous bounds against the full solution on the same "
    "moved mesh; those of von Mises are bounds of the average linearised about the reduced solution with its "
    "second-order term, which take three numbers from the largest seen at some designs and are no proof; all mesh "
    "errors are statistical as of level fast"
)
#: cells of the parameters that have bounds, and the ratio of a height and of a modulus within one
CELLS, HEIGHTS, MODULI = 4, 1.3, 1.5


def designs_of(plan: Plan) -> FloatArray:
    """Parameters (points, p) of all points. Raises InputError naming one that is not a number."""
    for key, kind in zip(plan.keys, plan.kinds, strict=True):
        if kind not in ("number", "integer"):
            raise InputError(f"reduced: {key}: its values are no numbers; sweep in full, or once for each")
    return np.array(plan.rows, dtype=float).reshape(len(plan.rows), len(plan.keys))


def model_of(
    store: Store,
    workers: int,
    say: Callable[[str], None],
    many: AbstractContextManager[Crew] | None = None,
    also: Sequence[str] = (),
) -> tuple[Reduced | Between, tuple[int, ...]]:
    """The reduced model of a study, from its directory or built there, and which of its averages are the outputs. Boxes
    are kept as they are done: a build that was killed goes on. It has the roots and lengths of the study's outputs, of
    what its [optimise] asks for, and of what is ``also`` named.
    """
    plan = store.plan
    designs = designs_of(plan)
    low, high = designs.min(axis=0), designs.max(axis=0)
    still = np.flatnonzero(high <= low)
    if len(still):
        raise InputError(f"reduced: {plan.keys[still[0]]}: has one value only; set it in the case (study.set)")
    if len(designs) < FEW:
        warnings.warn(
            f"{len(designs)} points are fewer than a reduced basis is worth: it takes {52 + CALIBRATE + OWN} full "
            f"solves and more",
            FemsimWarning,
            stacklevel=2,
        )
    tolerance = plan.study["study"].get("tolerance", TOLERANCE)
    search = plan.study.get("optimise") or {}
    asked = [search.get("minimise"), *(limit.get("output") for limit in search.get("limit", []))]
    names = tuple(sorted({*plan.selectors, *also, *(name for name in asked if name)}))
    made_of = {
        "wanted": names,
        "case": plan.data,
        "keys": plan.keys,
        "tolerance": tolerance,
        "version": plan.version,
        **plan.digests,
    }
    key = hashlib.sha256(json.dumps([made_of, designs.tolist()], sort_keys=True).encode()).hexdigest()[:16]
    folder = store.directory / FOLDER
    model = load(folder / MODEL, key)
    if model is not None:
        return model, _columns(plan, model.outputs)
    cases = Cases(plan.data, plan.keys)

    def keep(a: FloatArray, b: FloatArray, make: Callable[[], Built | None], node: str = "") -> Built | None:
        name = hashlib.sha256(np.concatenate([a, b]).tobytes() + node.encode()).hexdigest()[:16]
        path = folder / f"box-{name}.npz"
        found = load(path, key)
        if found is None:
            found = (make(),)
            save(found, path, key)
        built: Built | None = found[0]
        return built

    across = crossing(cases, low, high)
    if across:
        with many or crew(workers) as team:
            ends = low, high
            model, wanted = _between(plan, cases, ends, names, across, tolerance, designs, team, say, keep, folder)
        save(model, folder / MODEL, key)
        for path in folder.glob("box-*.npz"):
            path.unlink()
        return model, wanted
    problem = replace(problem_of(cases, low, high), wanted=names)
    first = truth_of_any(problem)
    problem = replace(problem, outputs=first)
    wanted = _columns(plan, first)
    folder.mkdir(exist_ok=True)
    with many or crew(workers) as team:
        leaves = grow(problem, tolerance, team, say, keep=keep)
        model = assembled(problem, leaves, first, tolerance)
        if model.boxes:
            say("calibrating the errors")
            model = _calibrated(model, problem, designs, team, wanted)
    if plan.study["study"].get("bounds", BOUNDS):
        for number, built in enumerate(leaf.built for leaf in leaves if leaf.built is not None):
            save((built.wide, built.fields), folder / f"wide-{number}.npz", key)
    save(model, folder / MODEL, key)
    for path in folder.glob("box-*.npz"):
        path.unlink()
    return model, wanted


def _between(
    plan: Plan,
    cases: Cases,
    ends: tuple[FloatArray, FloatArray],
    names: tuple[str, ...],
    across: Sequence[int],
    tolerance: float,
    designs: FloatArray,
    team: Crew,
    say: Callable[[str], None],
    keep: Callable[..., Built | None],
    folder: Path,
) -> tuple[Between, tuple[int, ...]]:
    """A model for parameters some of which move vertical lines, calibrated, and its wanted averages."""
    truths: list[Truth] = []

    def make(problem: Problem, node: str) -> Reduced:
        problem = replace(problem, wanted=names)
        if not truths:
            truths.append(truth_at(problem))
            _columns(plan, truths[0].outputs)  # what cannot be given is said before anything is solved
            folder.mkdir(exist_ok=True)
        problem = replace(problem, outputs=truth_of_any(problem))
        leaves = grow(problem, tolerance, team, say, keep=lambda a, b, make: keep(a, b, make, node))
        return assembled(problem, leaves, problem.outputs, tolerance)

    model = between(cases, *ends, across, tolerance, make, say)
    wanted = _columns(plan, model.outputs)
    inside = np.flatnonzero(model.place(designs) >= 0)
    if len(inside):
        say("calibrating the errors")
        drawn = designs[np.random.default_rng(20261126).permutation(inside)[:CALIBRATE]]
        law = "those of this study's points that have a box"
        model = calibrated_between(model, cases, truths[0], drawn, team, law, wanted)
    return model, wanted


def truth_of_any(problem: Problem) -> tuple[str, ...]:
    """Keys of the averages that the case in the middle of the ranges has."""
    middle = 0.5 * (problem.low + problem.high)
    return truth_of(problem, middle, middle).outputs


def _columns(plan: Plan, outputs: Sequence[str]) -> tuple[int, ...]:
    for name, selector in zip(plan.outputs, plan.selectors, strict=True):
        if selector not in outputs:
            raise InputError(
                f"study.outputs: {name}: a reduced basis gives averages at roots only; leave it out, or sweep in full"
            )
    return tuple(outputs.index(selector) for selector in plan.selectors)


def _calibrated(model: Reduced, problem: Problem, designs: FloatArray, team: Crew, wanted: Sequence[int]) -> Reduced:
    rng = np.random.default_rng(20261126)
    inside = np.flatnonzero(model.place(designs) >= 0)
    drawn = rng.permutation(inside)[:CALIBRATE]
    return calibrated(model, problem, designs[drawn], OWN, team, "those of this study's points that have a box", wanted)


def reduced_engine(
    workers: int,
    say: Callable[[str], None],
    many: AbstractContextManager[Crew] | None = None,
    solve: Callable[[Store, Sequence[int], Meter], Any] | None = None,
) -> Callable[[Store, Sequence[int], Meter], Any]:
    """An engine for :func:`femsim.study.sweep.sweep`; full solves are by so many processes of this machine, or by the
    crew ``many`` and by ``solve``.
    """

    def run(store: Store, points: Sequence[int], meter: Meter) -> None:
        model, wanted = model_of(store, workers, say, many)
        designs = designs_of(store.plan)
        certify = store.plan.study["study"].get("certify", CERTIFY)
        loose, size = _looked_at(model, designs, wanted)
        chosen: set[int] = set()
        more = loose | _best(size, certify)
        while more:  # a full solve moves a point in the order, and another one may take its place among the best
            chosen |= more
            rest = [p for p in points if p in more]
            if rest:
                if solve is None:
                    run_local(store, rest, workers, meter)
                else:
                    solve(store, rest, meter)
            for point, value in _full_values(store):
                size[point] = abs(value)
            more = _best(size, certify) - chosen
        if isinstance(model, Between):
            if store.plan.study["study"].get("bounds"):
                held = ", ".join(model.names[i] for i in model.across)
                warnings.warn(
                    f"study.bounds: {held} moves vertical lines, and polynomials between nodes have no rigorous bounds",
                    FemsimWarning,
                    stacklevel=2,
                )
        else:
            chosen |= bounded(store, model, designs, [p for p in points if p not in chosen], wanted, meter)
        left = np.array([p for p in points if p not in chosen], dtype=np.int64)
        for start in range(0, len(left), BLOCK):
            block = left[start : start + BLOCK]
            begun = time.perf_counter()
            answers = model.at(designs[block])
            each = (time.perf_counter() - begun) / len(block)
            write_rows(store, rows_of(block, answers, wanted, each), meter)

    return run


def bounded(
    store: Store, model: Reduced, designs: FloatArray, points: Sequence[int], wanted: Sequence[int], meter: Meter
) -> set[int]:
    """Write rows with rigorous bounds of the best of some points, and of those that their errors do not tell from the
    best one; the points that have one. Bounds are made for CELLS parts of the range at most, those with most points.
    """
    plan = store.plan
    count = plan.study["study"].get("bounds", BOUNDS)
    columns = list(wanted)
    asked = np.array(points, dtype=np.int64)
    if not count or not len(asked):
        return set()
    answers = model.at(designs[asked])
    size = np.abs(answers.values[:, columns[0]])
    error = answers.reduction[:, columns[0]]
    best = np.argsort(size)[:count]
    near = np.flatnonzero(size - error <= size[best[0]] + error[best[0]])
    chosen = np.unique(np.concatenate([best, near[np.argsort(size[near])][:count]]))
    chosen = chosen[answers.box[chosen] >= 0]
    whole = problem_of(Cases(plan.data, plan.keys), designs.min(axis=0), designs.max(axis=0))
    problem = replace(whole, wanted=model.outputs)
    cells = [
        (number, chosen[answers.box[chosen] == number][part])
        for number in np.unique(answers.box[chosen]).tolist()
        for part in _cells(problem, designs[asked[chosen[answers.box[chosen] == number]]])
    ]
    done: set[int] = set()
    for number, mine in sorted(cells, key=lambda cell: -len(cell[1]))[:CELLS]:
        begun = time.perf_counter()
        found = load(store.directory / FOLDER / f"wide-{number}.npz")
        if found is None:
            warnings.warn(
                f"no rigorous bounds of {len(mine)} points: box {number} was not kept for them", FemsimWarning, 2
            )
            continue
        wide, fields = found
        x = designs[asked[mine]]
        truth = truth_of(problem, wide.low, wide.high)
        try:
            certificate = certificate_of(
                problem, truth, wide, columns_of(problem, truth, wide, fields), x.min(axis=0), x.max(axis=0)
            )
        except NumericsError as why:
            warnings.warn(f"no rigorous bounds of {len(mine)} points: {why}", FemsimWarning, stacklevel=2)
            continue
        quantities = problem.forms.at(x)
        limit, values = certificate.bounds(wide, quantities, columns), wide.values(quantities)
        part = model.at(x)
        part.values[:, columns], part.reduction[:, columns] = values[:, columns], limit[:, columns]
        known = np.all(np.isfinite(part.reduction[:, columns]), axis=1)
        each = (time.perf_counter() - begun) / len(mine)
        rows = rows_of(asked[mine], part, wanted, each, "certified")
        write_rows(store, [row for row, one in zip(rows, known.tolist(), strict=True) if one], meter)
        done |= set(asked[mine[known]].tolist())
    return done


def _cells(problem: Problem, x: FloatArray) -> list[IntArray]:
    """Parts of some designs (k, p) within which heights and moduli change by little."""
    waiting, found = [np.arange(len(x))], []
    most = {i: HEIGHTS if i in problem.geometric else MODULI for i in problem.stiff}
    while waiting:
        part = waiting.pop()
        low, high = x[part].min(axis=0), x[part].max(axis=0)
        wide = {i: high[i] / low[i] / limit for i, limit in most.items() if low[i] > 0 and high[i] > low[i] * limit}
        if not wide:
            found.append(part)
            continue
        widest = max(wide, key=lambda i: wide[i])
        under = x[part, widest] <= np.sqrt(low[widest] * high[widest])
        waiting += [part[under], part[~under]]
    return found


def _looked_at(model: Reduced | Between, designs: FloatArray, wanted: Sequence[int]) -> tuple[set[int], FloatArray]:
    """Points without a box or with too large an error, and the magnitude (points,) of the first output, infinite where
    it is not known.
    """
    loose: set[int] = set()
    size = np.full(len(designs), np.inf)
    columns = list(wanted)
    for start in range(0, len(designs), BLOCK):
        part = slice(start, start + BLOCK)
        answers = model.at(designs[part])
        size[part] = np.nan_to_num(np.abs(answers.values[:, columns[0]]), nan=np.inf)
        level = levels_of(answers.values)
        wide = np.any(~(answers.reduction <= model.tolerance * (1 + 1e-9) * level)[:, columns], axis=1)
        loose |= set((start + np.flatnonzero(wide | (answers.box < 0))).tolist())
    return loose, size


def _best(size: FloatArray, count: int) -> set[int]:
    return {int(p) for p in np.argsort(size, kind="stable")[:count] if np.isfinite(size[p])}


def _full_values(store: Store) -> list[tuple[int, float]]:
    """The first output of the points that are solved in full."""
    table = store.read()
    rows = zip(*(table[name].to_pylist() for name in ("point", "level", store.plan.outputs[0])), strict=True)
    return [(point, value) for point, level, value in rows if level == "full" and value is not None]


def write_rows(store: Store, rows: list[Row], meter: Meter) -> None:
    """Write rows and show that they are done."""
    try:
        store.write(rows)
    except OSError as error:
        raise InputError(f"{store.parts}: cannot be written ({(error.strerror or str(error)).lower()})") from None
    meter.done += len(rows)
    meter.show(force=True)


def rows_of(
    points: IntArray, answers: Answers, wanted: Sequence[int], seconds: float, level: str = "fast"
) -> list[Row]:
    """Rows of points from their answers."""
    columns = list(wanted)
    values = answers.values[:, columns].tolist()
    pairs = np.stack([answers.reduction[:, columns], answers.mesh[:, columns]], axis=2).reshape(len(points), -1)
    return [
        Row(int(point), tuple(value), None, seconds, level, tuple(errors))
        for point, value, errors in zip(points, values, pairs.tolist(), strict=True)
    ]


def summary(directory: Path) -> dict[str, Any]:
    """What the JSON of a sweep says of its reduced model."""
    model: Reduced | Between | None = load(directory / FOLDER / MODEL)
    if model is None:
        return {}
    g = model.guarantee
    return {
        "tolerance": model.tolerance,
        "boxes": len(model.boxes),
        "unknowns": [box.modes for box in model.boxes],
        "gaps": [gap.reason for gap in model.gaps],
        "certified": CERTIFIED,
        "guarantee": None
        if g is None
        else {
            "level": g.level,
            "reduction_error": [float(g.factor * shown[0]) for shown in model.shown],
            "mesh_error": g.mesh,
            "calibration_solves": g.designs,
            "own_meshes": g.own,
            "words": g.words,
        },
    }
