"""The whole way from a case to its results: read this first."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from femsim.base.errors import BeyondYield, FemsimWarning, LimitLoadError, ToleranceError
from femsim.base.secondary import attempt
from femsim.builders.build import averaging_lengths, corners_of, discretise, probes_of, resolve_materials
from femsim.builders.discretisation import Discretisation
from femsim.builders.program import is_program
from femsim.builders.resolve import ResolvedMaterial
from femsim.cases.case import Case
from femsim.measures.averages import Averages, RegionMetrics, RootMetrics, region_metrics
from femsim.measures.corner.intensity import RootField, corner_fields
from femsim.measures.corner.section import Section
from femsim.measures.crack import Release
from femsim.measures.goal_errors import AT_ONCE, goals_of_probes, with_probe_errors
from femsim.measures.goals import Goal
from femsim.measures.probes import ProbeValue, probe_values
from femsim.measures.rims import Around
from femsim.meshes.layout import Rim, Root
from femsim.meshes.mesh import Quality, quality
from femsim.runs.adapt import Adaptation, coarse_grading, solve_to_tolerance
from femsim.runs.cracks import CrackFailure, crack_releases
from femsim.runs.doubts import stress_doubts, without_effect
from femsim.runs.harmonics import Harmonics, solve_harmonics
from femsim.runs.once import solve_case
from femsim.runs.reuse import Reused, Shared, shape_key, stiffness_key
from femsim.runs.wanted import EVERYTHING, PLANE_ONLY
from femsim.solvers.solve import Solution

if TYPE_CHECKING:
    from femsim.runs.heat import HeatResult
    from femsim.runs.heat_steps import HeatStep
    from femsim.runs.heat_worst import Worst
    from femsim.runs.jumps import Cycled
    from femsim.runs.life import Life
    from femsim.runs.program import StepResult
    from femsim.runs.record import Record
    from femsim.runs.resume import Place

Progress = Callable[[str], None]


class Watch(Protocol):
    """Whom a run tells of what it has before it is done, so that others can begin beside it (drawing, say)."""

    def meshed(self, disc: Discretisation, materials: dict[str, ResolvedMaterial]) -> None:
        """The mesh that will be solved on."""

    def solved(
        self,
        solution: Solution,
        disc: Discretisation,
        materials: dict[str, ResolvedMaterial],
        averages: Sequence[Averages],
    ) -> None:
        """The solution, before errors and local fields are known."""


@dataclass(frozen=True)
class Run:
    """A solved case with what was measured of it; ``timing`` in seconds, ``warnings`` as shown to the user.

    ``wanted`` names the measurements taken (:mod:`femsim.runs.wanted`); of the others the parts are empty, and errors
    not a number. ``reused`` says what was taken over from a run before. ``fields`` and ``corners`` hold a sentence
    instead of a local field where there is none; ``consistent`` those averages (peel, shear; MPa) of ``roots`` that are
    from consistent nodal forces. Of a case with steps, or materials that flow, ``program`` holds every step, ``record``
    what was kept between; the rest is that of the last one. Of a case with several temperatures ``states`` holds a run
    at each; the rest is that of the last.
    """

    case: Case
    discretisation: Discretisation
    materials: dict[str, ResolvedMaterial]
    solution: Solution
    roots: tuple[RootMetrics, ...]
    averages: tuple[Averages, ...]
    regions: dict[str, RegionMetrics]
    probes: dict[str, ProbeValue]
    timing: dict[str, float]
    wanted: frozenset[str] = EVERYTHING
    quality: Quality | None = None
    warnings: tuple[str, ...] = ()
    fields: dict[Root, RootField | str] = field(default_factory=dict)
    consistent: dict[tuple[Root | Rim, float], tuple[float, float]] = field(default_factory=dict)
    adaptation: Adaptation | None = None
    cracks: tuple[Release | CrackFailure, ...] = ()
    corners: dict[str, RootField | str] = field(default_factory=dict)
    heat: HeatResult | None = None
    harmonics: Harmonics | None = None
    steps: tuple[HeatStep, ...] = ()
    worst: Worst | None = None
    around: tuple[Around, ...] = ()
    sections: dict[Rim, tuple[Section, ...]] = field(default_factory=dict)
    program: tuple[StepResult, ...] = ()
    lives: tuple[Life, ...] = ()
    record: Record | None = None
    limit: str | None = None
    cycles: Cycled | None = None
    reused: Reused = "none"
    states: tuple[Run, ...] = ()
    shape: str = field(default="", repr=False)
    stiffness: str = field(default="", repr=False)


def run(
    case: Case,
    base: Path | None = None,
    progress: Progress | None = None,
    wanted: frozenset[str] = EVERYTHING,
    before: Run | None = None,
    watch: Watch | None = None,
    state: Place | None = None,
) -> Run:
    """Mesh, solve and measure a case; mesh files are relative to ``base``. Warnings are raised as such and kept with
    the result. Only the ``wanted`` measurements are taken, and what is the same is taken over from the run ``before``.
    ``watch`` is told of the mesh and the solution as soon as they are there. The state of a program is kept at the
    place ``state`` between its steps.

    Raises ToleranceError, which carries the best result, where a tolerance is not met within the limit of unknowns;
    LimitLoadError, which carries the result up to the last state in equilibrium, where a body cannot carry its load.
    """
    say = progress or (lambda text: None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", FemsimWarning)
        done = _states(case, base, say, wanted, before, watch, state)
        for one in done.states or (done,):
            for doubt in stress_doubts(one.materials, one.regions, one.roots):
                warnings.warn(
                    f"at {one.case.load.shown:g} degC: {doubt}" if done.states else doubt, BeyondYield, stacklevel=2
                )
    seen = {str(w.message): w.category for w in caught if issubclass(w.category, FemsimWarning)}
    for message, category in seen.items():
        warnings.warn(message, category, stacklevel=2)
    done = replace(done, warnings=tuple(seen))
    if done.limit is not None:
        raise LimitLoadError(done.limit, done)
    found = [state.adaptation for state in done.states or (done,)]
    adaptation = next((one for one in found if one is not None and not one.met), None)
    if adaptation is not None:
        last = adaptation.steps[-1]
        raise ToleranceError(
            f"mesh.tolerance: {adaptation.tolerance:g} is not met: the estimated relative error of {last.of} is "
            f"{last.worst:.3g} "
            f"with {last.unknowns} unknowns; {adaptation.reason}",
            done,
        )
    return done


#: measured at the last of several temperatures only: it is the same at all, or a picture's
ONCE = frozenset({"fields", "corners", "paths", "quality"})


def _states(
    case: Case,
    base: Path | None,
    say: Progress,
    wanted: frozenset[str],
    before: Run | None,
    watch: Watch | None,
    state: Place | None = None,
) -> Run:
    """One run, or one at each temperature of a list; the last is measured in full, the others take over its mesh, and
    its factor where the stiffness is the same.
    """
    temperatures = case.load.temperatures
    if not temperatures:
        return _run(case, base, say, wanted, before, watch, state)
    last = _run(case.at_temperature(temperatures[-1]), base, say, wanted, before, watch)
    states = []
    for temperature in temperatures[:-1]:
        say(f"at {temperature:g} degC")
        states.append(_run(case.at_temperature(temperature), base, say, wanted - ONCE, last, None))
    timing = {key: sum(state.timing.get(key, 0.0) for state in (*states, last)) for key in last.timing}
    return replace(last, case=case, states=(*states, last), timing=timing)


def _run(
    case: Case,
    base: Path | None,
    say: Progress,
    wanted: frozenset[str],
    before: Run | None,
    watch: Watch | None,
    state: Place | None = None,
) -> Run:
    start = time.perf_counter()
    say("meshing")
    adaptive = case.mesh.tolerance is not None
    shape = shape_key(case)
    # a refined mesh depends on the materials too: it is not taken over
    same = before if before is not None and before.shape == shape and not adaptive else None
    if same is not None:
        disc = replace(same.discretisation, case=case)
    else:
        disc = discretise(case, base, coarse_grading(averaging_lengths(case)) if adaptive else None)
    materials = resolve_materials(case, disc)
    if is_program(disc, materials):
        return _marched(case, disc, materials, say, wanted, time.perf_counter() - start, state)
    for text in without_effect(case):
        warnings.warn(text, FemsimWarning, stacklevel=2)
    stiffness = stiffness_key(case, materials)
    meshed = time.perf_counter()
    solved_: Callable[[Solution, Sequence[Averages]], None] | None = None
    if watch is not None and not adaptive:  # a mesh that is refined further is nobody's last word
        watch.meshed(disc, materials)
        solved_ = partial(_tell, watch, disc, materials)
    probes: dict[str, ProbeValue] = {}

    def probe_goals(solution: Solution) -> Sequence[Goal]:
        """Goals of the probes, which then share one block of dual problems with the roots."""
        probes.update(probe_values(solution, probes_of(disc), disc.roots))
        return goals_of_probes(solution.model, probes)

    together = "probe_errors" in wanted and 0 < len(probes_of(disc)) <= AT_ONCE
    others = probe_goals if together else None
    adaptation: Adaptation | None = None
    reused: Reused = "none"
    if adaptive:
        solved, adaptation = solve_to_tolerance(case, disc, materials, say)
    elif same is not None:
        reused = "factor" if stiffness and same.stiffness == stiffness else "mesh"
        shared = Shared(same.averages, same.solution, reused == "factor")
        solved = solve_case(disc, materials, say, "errors" in wanted, shared, solved_, others)
    else:
        solved = solve_case(disc, materials, say, "errors" in wanted, told=solved_, others=others)
    disc, solution = solved.discretisation, solved.solution
    measured = time.perf_counter()
    if disc.solid is not None:
        wanted = wanted - PLANE_ONLY
    regions = region_metrics(solution.field) if "regions" in wanted else {}
    if wanted & {"probes", "probe_errors"} and not probes:
        probes = probe_values(solution, probes_of(disc), (*disc.roots, *disc.rims))
    if "probe_errors" in wanted:
        plain = probes
        probes = attempt(
            "error estimates of the probes",
            lambda: with_probe_errors(solution, plain, solved.defect, solved.others),
            plain,
        )
    fields: dict[Root, RootField | str] = {}
    consistent: dict[tuple[Root | Rim, float], tuple[float, float]] = {}
    if "fields" in wanted:
        fields = solved.fields
        pairs = zip(solved.roots, solved.consistent, strict=False)
        consistent = {(m.root, m.length): (m.peel, m.shear) for m, one in pairs if one}
    harmonics = solve_harmonics(disc, solution, solved.averages, probes, say, "errors" in wanted)
    corners: dict[str, RootField | str] = {}
    if "corners" in wanted:
        corners = corner_fields(
            solution, [(corner.name, (corner.at[0], corner.at[1]), corner.region) for corner in corners_of(disc)]
        )
    cracks = crack_releases(disc, materials, say) if "cracks" in wanted else ()
    measures = same.quality if same is not None else None
    if measures is None and "quality" in wanted:
        measures = quality(solved.model.mesh)
    steps: tuple[HeatStep, ...] = ()
    worst: Worst | None = None
    if solved.heat is not None and solved.heat.course is not None and case.load.temperature == "heat":
        from femsim.runs.heat_steps import heat_steps
        from femsim.runs.heat_worst import worst_instant

        steps = heat_steps(disc, solution, solved.averages, solved.heat, say)
        worst = worst_instant(disc, solution, solved.averages, solved.heat, steps, say)
    timing = {**solved.timing, "mesh": meshed - start + solved.timing["mesh"]}
    timing["recover"] += time.perf_counter() - measured
    if adaptation is not None:
        timing["refine"] = measured - meshed
    return Run(
        case=case,
        discretisation=disc,
        materials=materials,
        solution=solution,
        roots=solved.roots,
        averages=solved.averages,
        regions=regions,
        probes=probes,
        timing=timing,
        wanted=wanted,
        quality=measures,
        fields=fields,
        consistent=consistent,
        adaptation=adaptation,
        cracks=cracks,
        corners=corners,
        harmonics=harmonics,
        heat=solved.heat,
        steps=steps,
        worst=worst,
        around=solved.around,
        sections=solved.sections,
        reused=reused,
        shape=shape,
        stiffness=stiffness,
    )


def _tell(
    watch: Watch,
    disc: Discretisation,
    materials: dict[str, ResolvedMaterial],
    solution: Solution,
    averages: Sequence[Averages],
) -> None:
    watch.solved(solution, disc, materials, averages)


def _marched(
    case: Case,
    disc: Discretisation,
    materials: dict[str, ResolvedMaterial],
    say: Progress,
    wanted: frozenset[str],
    meshing: float,
    state: Place | None,
) -> Run:
    """A case with steps, cycles or materials that flow."""
    from femsim.runs.program import run_program

    done = run_program(disc, materials, say, "history" in wanted, state)
    last, mesh = done.steps[-1], done.solution.model.mesh
    there = set(last.regions)
    disc = replace(disc, mesh=mesh, roots=tuple(root for root in disc.roots if root.region in there))
    return Run(
        case=case,
        discretisation=disc,
        materials=materials,
        solution=done.solution,
        roots=last.roots,
        around=last.around,
        averages=done.averages,
        regions=last.regions,
        probes={name: found for name, found in last.probes.items() if found is not None},
        timing={**done.timing, "mesh": done.timing["mesh"] + meshing},
        wanted=wanted,
        quality=quality(mesh),
        heat=next((step.heat for step in reversed(done.steps) if step.heat is not None), None),
        program=done.steps,
        lives=done.lives,
        record=done.record,
        limit=done.limit,
        cycles=done.cycles,
    )


def mesh_only(case: Case, base: Path | None = None) -> Discretisation:
    """The mesh of a case, unsolved."""
    return discretise(case, base)
