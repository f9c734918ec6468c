"""One discretisation solved and its root metrics measured: the step that a run takes once and an adaptive one takes
until it is enough.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from femsim.base.arrays import FloatArray
from femsim.base.secondary import attempt
from femsim.builders.build import build_model
from femsim.builders.discretisation import Discretisation
from femsim.builders.resolve import ResolvedMaterial
from femsim.measures.averages import Averages, Estimate, RootMetrics, averages, root_metrics
from femsim.measures.consistent import Consistent, consistent
from femsim.measures.corner.intensity import RootField, root_fields
from femsim.measures.corner.section import Section, sections
from femsim.measures.goal_errors import Defect, goal_indicators, root_goals, with_errors
from femsim.measures.goals import Goal
from femsim.measures.rim_forces import RimForces, rim_forces
from femsim.measures.rims import Around, RimAverages, around, rim_averages
from femsim.meshes.layout import Rim, Root
from femsim.models.model import Model
from femsim.runs.check import check
from femsim.runs.names import named
from femsim.runs.reuse import Shared
from femsim.solvers.solve import Solution, resolve_with, solve

if TYPE_CHECKING:
    from femsim.runs.heat import HeatResult


@dataclass(frozen=True)
class Solved:
    """A solved discretisation with its root metrics. ``averages`` take peel and shear from stresses at points, as an
    interface of any field has them; the metrics those from consistent forces, where they are known.
    """

    discretisation: Discretisation
    model: Model
    averages: tuple[Averages, ...]
    solution: Solution
    roots: tuple[RootMetrics, ...]
    timing: dict[str, float]
    defect: Defect | None = None  # where errors were wanted and there are averages
    indicators: FloatArray | None = None  # (E, one per root metric), likewise
    others: FloatArray | None = None  # (E, one per goal that was asked for beside them)
    heat: HeatResult | None = None
    fields: dict[Root, RootField | str] = field(default_factory=dict)  # the local field at each root, or why none
    consistent: tuple[Consistent | RimForces | None, ...] = ()  # of every average, where its root's field is known
    around: tuple[Around, ...] = ()  # of bodies in space, one per root metric
    sections: dict[Rim, tuple[Section, ...]] = field(default_factory=dict)  # of every root circle


def solve_case(
    disc: Discretisation,
    materials: dict[str, ResolvedMaterial],
    say: Callable[[str], None],
    errors: bool = True,
    shared: Shared | None = None,
    told: Callable[[Solution, Sequence[Averages]], None] | None = None,
    others: Callable[[Solution], Sequence[Goal]] | None = None,
) -> Solved:
    """Model, solution and root metrics of one discretisation, with error estimates where ``errors`` are wanted;
    ``shared`` is what an earlier run on the same mesh left, ``told`` hears of the solution at once. The dual problems
    of the goals that ``others`` names are solved in one block with those of the roots.
    """
    start = time.perf_counter()
    heat, by_heat = None, False
    if disc.case.heat is not None:
        from femsim.runs.heat import heat_result
        from femsim.runs.heat_course import warn_unused

        heat, by_heat = heat_result(disc, materials, say), disc.case.load.temperature == "heat"
        if not by_heat:
            warn_unused(disc.case.load.temperature)
    heated = time.perf_counter()
    model = build_model(disc, materials, heat.temperature if heat is not None and by_heat else None)
    check(disc, model)
    if disc.solid is not None:
        found = _solve_solid(disc, model, say, heated, errors, shared)
        return found if heat is None else replace(found, heat=heat, timing={**found.timing, "heat": heated - start})
    if shared is None:
        chosen = tuple(averages(model.space, disc.roots, disc.lengths, chosen=disc.case.metrics.length is not None))
    else:
        chosen = shared.averages
    ready = time.perf_counter()
    solution = _answer(model, shared, say)
    if told is not None:
        told(solution, chosen)
    say("recovering stresses")
    done = time.perf_counter()
    fields, forces = sharpened(solution, chosen)
    if disc.case.harmonic or disc.case.board is not None:  # one functional for all harmonics
        forces = [None] * len(chosen)
    roots, defect, cellwise = _metrics(solution, chosen, forces, errors, others)
    own = sum(len(m.values) for m in roots)
    beside = None
    if cellwise is not None and others is not None:
        cellwise, beside = cellwise[:, :own], cellwise[:, own:]
    timing = {"mesh": ready - heated, "assemble": solution.timing["assemble"], "solve": solution.timing["solve"]}
    timing["recover"] = time.perf_counter() - done
    if heat is not None:
        timing["heat"] = heated - start
    return Solved(
        disc,
        model,
        chosen,
        solution,
        tuple(roots),
        timing,
        defect,
        cellwise,
        beside,
        heat,
        fields,
        tuple(forces),
    )


def _solve_solid(
    disc: Discretisation,
    model: Model,
    say: Callable[[str], None],
    start: float,
    errors: bool,
    shared: Shared | None,
) -> Solved:
    """A body in space: averages along its root circles, with error estimates of those over the whole circle."""
    found = rim_averages(model.space, disc.rims, disc.lengths, chosen=disc.case.metrics.length is not None)
    ready = time.perf_counter()
    solution = _answer(model, shared, say)
    say("recovering stresses")
    done = time.perf_counter()
    chosen = tuple(average.whole for average in found)
    rims = [around(solution.field, average) for average in found]
    cuts, forces = _sharpened_rims(solution, found, rims)
    roots, defect, cellwise = _metrics(solution, chosen, forces, errors)
    rims = [one.around if one is not None else plain for one, plain in zip(forces, rims, strict=True)]
    timing = {"mesh": ready - start, "assemble": solution.timing["assemble"], "solve": solution.timing["solve"]}
    timing["recover"] = time.perf_counter() - done
    return Solved(
        disc,
        model,
        chosen,
        solution,
        tuple(roots),
        timing,
        defect,
        cellwise,
        consistent=tuple(forces),
        around=tuple(rims),
        sections=cuts,
    )


def _answer(model: Model, shared: Shared | None, say: Callable[[str], None]) -> Solution:
    """The solution of a model, by what an earlier run on the same mesh left: its factor, or the order of elimination
    and the places of the entries, which depend on mesh and constraints alone.
    """
    if shared is not None and shared.factor:
        return resolve_with(shared.solution, model)
    return solve(model, progress=say, pattern=None if shared is None else shared.solution.factor.pattern)


def _sharpened_rims(
    solution: Solution, found: Sequence[RimAverages], plain: Sequence[Around]
) -> tuple[dict[Rim, tuple[Section, ...]], list[RimForces | None]]:
    """The sections of every root circle, in the middle of each arc, and the averages from consistent forces."""
    cuts: dict[Rim, tuple[Section, ...]] = {}
    forces: list[RimForces | None] = [None] * len(found)
    for rim in dict.fromkeys(one.whole.root for one in found):
        assert isinstance(rim, Rim)
        own = [k for k, one in enumerate(found) if one.whole.root == rim]
        angles = sorted({float(angle) for k in own for angle in found[k].angle})
        cuts[rim] = sections(solution, rim, angles)
        mine, theirs = [found[k] for k in own], [plain[k] for k in own]
        take = partial(rim_forces, solution.field, mine, theirs, cuts[rim])
        made = attempt(f"root {rim.name}: averages from consistent forces", take, None)
        for k, one in zip(own, made or [], strict=False):
            forces[k] = one
    return cuts, forces


def sharpened(
    solution: Solution, averages: Sequence[Averages]
) -> tuple[dict[Root, RootField | str], list[Consistent | None]]:
    """The local field at every root (or why it has none), and the averages from consistent forces that it allows."""
    roots = dict.fromkeys(one.root for one in averages if isinstance(one.root, Root))
    fields = root_fields(solution, tuple(roots))
    found = []
    for one in averages:
        known = fields.get(one.root) if isinstance(one.root, Root) else None
        take = partial(consistent, solution.field, one, known)
        found.append(attempt(f"root {one.root.name}: averages from consistent forces", take, None))
    return fields, found


def _metrics(
    solution: Solution,
    chosen: Sequence[Averages],
    forces: Sequence[Consistent | RimForces | None],
    errors: bool,
    others: Callable[[Solution], Sequence[Goal]] | None = None,
) -> tuple[list[RootMetrics], Defect | None, FloatArray | None]:
    """Root metrics, from consistent ``forces`` where these are known, with their errors where these are wanted."""
    best = [one.averages if one is not None else plain for one, plain in zip(forces, chosen, strict=True)]
    roots = [root_metrics(solution.field, average) for average in best]
    plain: tuple[list[RootMetrics], Defect | None, FloatArray | None] = (roots, None, None)
    if not errors or not chosen:
        return plain
    more = () if others is None else others(solution)

    def estimated() -> tuple[list[RootMetrics], Defect | None, FloatArray | None]:
        defect, goals = Defect.of(solution), root_goals(solution, best)
        cellwise = goal_indicators(solution, [*goals, *more], defect)
        split = [
            None if one is None else (one.first, one.growth if isinstance(one, Consistent) else 1.0) for one in forces
        ]
        found = with_errors(solution, chosen, roots, cellwise[:, : len(goals)], split)
        for i, one in enumerate(forces):
            if one is not None:
                found[i] = one.doubted(found[i], root_metrics(solution.field, chosen[i]))
        return found, defect, cellwise

    return attempt("error estimates of the root metrics", estimated, plain)


def metric_names(roots: Sequence[RootMetrics]) -> list[str]:
    """The name of every root metric, as ``post_root.peel.5um``, in the order of their goals."""
    found = named((m.root.name, m.root.at, m.length) for m in roots)
    return [one.name(kind) for one, m in zip(found, roots, strict=True) for kind in m.values]


def estimates(roots: Sequence[RootMetrics]) -> list[Estimate]:
    """Every root metric in the order of :func:`metric_names`."""
    return [one for m in roots for one in m.values.values()]
