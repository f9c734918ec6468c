"""A case with steps, cycles or materials that flow: marched through, measured at every reported step.

What is a statement about linear elasticity (error estimates, singular fields, energy release rates, goal-oriented
refinement) is refused where a material flows, and left out at the roots.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from femsim.base.arrays import BoolArray
from femsim.base.errors import FemsimWarning, InputError
from femsim.builders.build import probes_of
from femsim.builders.discretisation import Discretisation
from femsim.builders.program import Leg, Plan, plan_of
from femsim.builders.resolve import ResolvedMaterial
from femsim.measures.averages import Averages, RegionMetrics, RootMetrics, averages, region_metrics, root_metrics
from femsim.measures.bow import Bow, bow
from femsim.measures.inelastic import Flow, Inelastic, flow_of, layer_mean, layer_volumes, region_means, smoothed_at
from femsim.measures.patches import (
    Patch,
    PatchMean,
    Zone,
    layer_patches,
    patch_means,
    root_patches,
    strains_of,
    zone_at,
)
from femsim.measures.probes import ProbeValue, probe_values
from femsim.measures.reactions import supported
from femsim.measures.rims import Around, RimAverages, around, rim_averages
from femsim.meshes.layout import Root
from femsim.meshes.locate import locate_side
from femsim.models.fields import PointField
from femsim.models.loads import Load, Program
from femsim.models.model import Model
from femsim.models.part import part_of
from femsim.models.space import HELD, Space
from femsim.runs.heat import HeatResult, steady_result
from femsim.runs.jumps import Cycled, cycled, jumps, leaping, legs_of
from femsim.runs.life import Life, lives
from femsim.runs.program_checks import REST, checks_of, largest_forces
from femsim.runs.record import Keeper, Record, frame_of, sample_of
from femsim.runs.resume import Place, Saved, StateFile
from femsim.solvers.jump import Course
from femsim.solvers.march import TOLERANCE, Settings, march
from femsim.solvers.moments import Increment, LimitError, Stage
from femsim.solvers.solve import Solution


@dataclass(frozen=True)
class Marched(Solution):
    """The last stage of a program as a solution: on the part that is there, with the stress at its points."""

    flow: Flow | None = field(default=None, repr=False)

    @cached_property
    def field(self) -> PointField:  # type: ignore[override]
        """The stress at the points."""
        assert self.flow is not None
        return self.flow.field


@dataclass(frozen=True)
class StepResult:
    """What was measured at the end of a step: time (s), temperature (degC; smallest and largest of a field), metrics
    of what is there.
    """

    leg: Leg
    time: float
    temperature: tuple[float, float]
    roots: tuple[RootMetrics, ...]
    regions: dict[str, RegionMetrics]
    inelastic: dict[str, Inelastic]
    probes: dict[str, ProbeValue | None]
    probe_inelastic: dict[str, Inelastic]
    layers: tuple[Inelastic, ...]  # what each [[life]] averages
    patches: tuple[PatchMean, ...]  # the rings of the roots' averages, one for each of them, then layers
    zones: dict[Root, Zone]
    bow: Bow | None
    reactions: dict[str, dict[str, float]]
    axial_strain: float | None
    increments: tuple[Increment, ...]
    heat: HeatResult | None = None
    around: tuple[Around, ...] = ()  # of bodies in space, one for each of ``roots``


@dataclass(frozen=True)
class Done:
    """A program that was run: its last stage as a solution, all steps, and the lives asked for. Where the load was
    beyond what the body carries, ``limit`` says so; the last stage is then the last that was in equilibrium.
    """

    solution: Marched
    averages: tuple[Averages, ...]
    steps: tuple[StepResult, ...]
    lives: tuple[Life, ...]
    record: Record
    timing: dict[str, float]
    limit: str | None = None
    cycles: Cycled | None = None  # where [cycle] asks for jumps


def refuse_elastic_statements(disc: Discretisation, materials: dict[str, ResolvedMaterial]) -> None:
    """Raise InputError for what holds in linear elasticity alone, beside steps or a material that flows."""
    case = disc.case
    why = "beside steps" if case.step or case.cycle else "where a material flows"
    del materials
    for key, given in (("crack", case.crack), ("corner", case.corner)):
        if given:
            raise InputError(f"{key}: a statement about linear elasticity; leave it out {why}")
    if disc.cuts:
        raise InputError(f"boundary: from: a sub-model takes one answer; leave it out {why}")
    if case.harmonic or case.board is not None:
        raise InputError(f"{'harmonic' if case.harmonic else 'board'}: adds to a linear answer; leave it out {why}")
    if case.heat is not None and case.heat.transient is not None and (case.step or case.cycle):
        raise InputError("heat.transient: not beside [[step]] or [cycle]")
    if case.mesh.tolerance is not None:
        raise InputError(f"mesh.tolerance: its error estimate holds in linear elasticity; leave it out {why}")


def _refuse_layers(disc: Discretisation, plan: Plan) -> None:
    """Raise InputError for layers that [[life]] or metrics.thickness asks for and that cannot be, before the march."""
    case = disc.case
    there = part_of(plan.space, plan.program.steps[-1].alive).space
    for i, spec in enumerate(case.life):
        layer_volumes(there, spec.region, spec.thickness, disc.roots, f"life.{i}")
    layer_patches(plan.space, disc.roots, case.metrics.thickness)


def run_program(
    disc: Discretisation,
    materials: dict[str, ResolvedMaterial],
    say: Callable[[str], None],
    history: bool = True,
    place: Place | None = None,
) -> Done:
    """March through a case's program and measure every reported step; with its ``history``, every increment too.

    With a ``place`` the state is saved there between steps, and taken up again where that is asked for.
    """
    with warnings.catch_warnings(record=True) as caught:  # kept with the state: they are not given twice
        warnings.simplefilter("always", FemsimWarning)
        try:
            done = _run(disc, materials, say, history, place, caught)
        finally:
            texts = [(w.message, w.category) for w in caught]
            warnings.simplefilter("ignore")
    for message, category in texts:
        warnings.warn(message, category, stacklevel=2)
    return done


def _run(
    disc: Discretisation,
    materials: dict[str, ResolvedMaterial],
    say: Callable[[str], None],
    history: bool,
    place: Place | None,
    caught: list[warnings.WarningMessage],
) -> Done:
    started = time.perf_counter()
    refuse_elastic_statements(disc, materials)
    plan = plan_of(disc, materials)
    _refuse_layers(disc, plan)
    planned = time.perf_counter()
    measuring = 0.0
    results: list[StepResult] = []
    solution: Marched | None = None
    from_start = _there_at_the_start(plan.program)
    look = _Look(disc)
    keeper = Keeper(plan.legs, disc.case.cycle, history)
    legs = legs_of(plan)
    leg_of = {id(step): leg for step, leg in zip(plan.program.steps, legs, strict=True)}
    tolerance, course = jumps(disc.case.cycle, plan), Course()
    file = None if place is None else StateFile(place, disc, plan, f"history {history}")
    saved = None if file is None else file.restore()
    if saved is not None:
        keeper, results = saved.keeper, [_with_heat(disc, one) for one in saved.results]
        course = saved.course or course
        for message, category in saved.warnings:
            warnings.warn(message, category, stacklevel=2)
        say(f"going on behind step {results[-1].leg.name!r}")

    def seen(stage: Stage) -> None:
        nonlocal measuring
        begun = time.perf_counter()
        leg, flow = leg_of[id(stage.step)], flow_of(stage)
        chosen, patches = look.at(stage)
        found = sample_of(leg, stage, flow, chosen, patch_means(flow, strains_of(stage), patches))
        keeper.add(found, frame_of(leg, stage, flow) if keeper.wants_instant(leg) else None, end=False)
        measuring += time.perf_counter() - begun

    asked = disc.case.model.time_tolerance
    if asked is not None and not plan.laws:
        warnings.warn("model.time_tolerance: nothing flows, every step is exact", FemsimWarning, stacklevel=2)
    settings = Settings(
        tolerance=TOLERANCE if asked is None else asked,
        told=lambda done: say(f"{done.step}: {done.time:.4g} s"),
        seen=seen if history and plan.laws else None,
    )
    moment = None if saved is None else saved.moment
    limits: list[str] = []

    def take_back(cycle: int) -> None:
        keeper.take_back(cycle)
        results[:] = [one for one in results if (one.leg.cycle or 0) <= cycle]

    stages: Iterator[tuple[Stage, Course]]
    if tolerance is None or disc.case.cycle is None:
        stages = ((one, course) for one in march(plan.space, plan.materials, plan.laws, plan.program, settings, moment))
    else:
        stages = leaping(plan, disc.case.cycle, tolerance, settings, moment, course, take_back, say)
    for stage, course in _until_limit(stages, limits):
        begun = time.perf_counter()
        leg = replace(leg_of[id(stage.step)], end=False) if limits else leg_of[id(stage.step)]
        chosen, patches = look.at(stage)
        flow = flow_of(stage)
        means = patch_means(flow, strains_of(stage), patches)
        if history:
            frame = frame_of(leg, stage, flow) if keeper.wants_frame(leg) else None
            keeper.add(sample_of(leg, stage, flow, chosen, means), frame, end=True)
        there = from_start & stage.moment.alive
        results.append(_measured(disc, leg, stage, flow, chosen, means, there, look.circles))
        if limits or stage.moment.step == len(legs):
            solution = _solution(plan, stage, flow)
        elif file is not None:
            said = [(str(w.message), w.category) for w in caught if issubclass(w.category, FemsimWarning)]
            file.save(Saved(stage.moment, results, keeper, said, course))
        measuring += time.perf_counter() - begun
    assert solution is not None
    total = time.perf_counter() - planned
    timing = {"mesh": planned - started, "assemble": 0.0, "solve": total - measuring, "recover": measuring}
    limit = limits[0] if limits else None
    worn = disc.case.life if limit is None else []
    done, layers = [one.leg for one in results], [one.layers for one in results]
    found = lives(worn, disc.case.cycle, done, layers, materials)
    jumped = None
    if tolerance is not None and disc.case.cycle is not None and limit is None:
        jumped = cycled(disc.case.cycle, course, done, [one.inelastic for one in results], layers)
    return Done(solution, chosen, tuple(results), tuple(found), keeper.record, timing, limit, jumped)


def _until_limit(stages: Iterator[tuple[Stage, Course]], limits: list[str]) -> Iterator[tuple[Stage, Course]]:
    """The stages; where a step cannot be finished, what there is of it as the last, and why in ``limits``."""
    course = Course()
    try:
        for stage, course in stages:
            yield stage, course
    except LimitError as error:
        if error.stage is None:
            raise
        limits.append(str(error))
        yield error.stage, course


def _with_heat(disc: Discretisation, result: StepResult) -> StepResult:
    """A step's result with its heat, which is not saved."""
    return result if result.leg.heat is None else replace(result, heat=steady_result(disc, result.leg.heat, part=True))


class _Look:
    """The functionals of the roots and layers that are there, made anew where something is born or removed."""

    def __init__(self, disc: Discretisation) -> None:
        self._disc = disc
        self._alive: BoolArray | None = None
        self._found: tuple[tuple[Averages, ...], tuple[Patch, ...]] = (), ()
        self.circles: tuple[RimAverages, ...] = ()  # of bodies in space, those of the stage looked at last

    def at(self, stage: Stage) -> tuple[tuple[Averages, ...], tuple[Patch, ...]]:
        """Averages of the roots, and the patches: their rings, then layers."""
        alive = stage.moment.alive
        if self._alive is None or not np.array_equal(self._alive, alive):
            self.circles = _circles(self._disc, stage, self._alive is not None)
            chosen = tuple(one.whole for one in self.circles) or _averages(self._disc, stage, self._alive is not None)
            roots = tuple(dict.fromkeys(a.root for a in chosen if isinstance(a.root, Root)))
            layers = layer_patches(stage.body.space, roots, self._disc.case.metrics.thickness)
            self._found = chosen, (*root_patches(chosen), *layers)
            self._alive = alive.copy()
        return self._found


def _there_at_the_start(program: Program) -> BoolArray:
    first = program.steps[0]
    count = len(first.space.mesh.regions)
    return np.ones(count, dtype=bool) if first.alive is None else first.alive


def _averages(disc: Discretisation, stage: Stage, quiet: bool) -> tuple[Averages, ...]:
    """The functionals of the roots whose conductor is there."""
    roots = tuple(root for root in disc.roots if root.region in _regions(stage))
    with _said_once(quiet):
        return tuple(averages(stage.body.space, roots, disc.lengths, chosen=disc.case.metrics.length is not None))


def _circles(disc: Discretisation, stage: Stage, quiet: bool) -> tuple[RimAverages, ...]:
    """The same of root circles, whole and by arc."""
    rims = [rim for rim in disc.rims if rim.region in _regions(stage)]
    with _said_once(quiet):
        return tuple(rim_averages(stage.body.space, rims, disc.lengths, chosen=disc.case.metrics.length is not None))


def _regions(stage: Stage) -> set[str]:
    return {name for i, name in enumerate(stage.body.space.mesh.regions) if stage.moment.alive[i]}


@contextmanager
def _said_once(quiet: bool) -> Iterator[None]:
    """What averages warn of is said at the first step."""
    with warnings.catch_warnings():
        if quiet:
            warnings.simplefilter("ignore", FemsimWarning)
        yield


def _measured(
    disc: Discretisation,
    leg: Leg,
    stage: Stage,
    flow: Flow,
    chosen: tuple[Averages, ...],
    means: tuple[PatchMean, ...],
    original: BoolArray,
    circles: tuple[RimAverages, ...],
) -> StepResult:
    moment, part = stage.moment, stage.part
    space = stage.body.space
    u = part.of(moment.unknowns)
    t = np.asarray(moment.conditions.temperature, dtype=float)
    there = _regions(stage)
    probes, flown = _smoothed(flow, _probes(disc, stage, flow))
    whole = part.into(stage.element_forces[0], np.zeros(len(moment.unknowns))) - moment.external
    load = stage.step.load
    case = disc.case
    return StepResult(
        leg=leg,
        time=moment.time,
        temperature=(float(t.min()), float(t.max())),
        roots=tuple(root_metrics(flow.field, average) for average in chosen),
        regions={name: value for name, value in region_metrics(flow.field).items() if name in there},
        inelastic=region_means(flow),
        probes=probes,
        probe_inelastic=flown,
        layers=tuple(
            layer_mean(flow, spec.region, spec.thickness, disc.roots, f"life.{i}") for i, spec in enumerate(case.life)
        )
        if leg.cycle is not None or not case.cycle or _before_cycle(disc, leg)
        else (),
        patches=means,
        zones={root: zone_at(flow, root) for root in dict.fromkeys(a.root for a in chosen) if isinstance(root, Root)},
        bow=bow(space, u[: space.nodal].reshape(-1, space.width), original),
        reactions=supported(stage.step.space, load, whole) if load.supports else {},
        axial_strain=float(u[space.nodal]) if space.kinematics.globals_ else None,
        increments=stage.increments,
        heat=None if leg.heat is None else steady_result(disc, leg.heat, part=True),
        around=tuple(around(flow.field, circle) for circle in circles),
    )


def _before_cycle(disc: Discretisation, leg: Leg) -> bool:
    return bool(disc.case.step) and leg.name == disc.case.step[-1].name


def _probes(disc: Discretisation, stage: Stage, flow: Flow) -> dict[str, ProbeValue | None]:
    """Values at the probes; None where the part they lie in is not there."""
    found: dict[str, ProbeValue | None] = {}
    small, whole = flow.space.mesh, stage.step.space.mesh
    for probe in probes_of(disc):
        gone = probe.region is not None and probe.region in small.regions and not len(small.cells_of(probe.region))
        if small is not whole and (gone or not len(locate_side(small, probe.at, probe.region).cells)):
            if not len(locate_side(whole, probe.at, probe.region).cells):
                raise InputError(f"{probe.key}.at: ({probe.at[0]:g}, {probe.at[1]:g}) lies outside the body")
            found[probe.name] = None
            continue
        roots: tuple[Root, ...] = disc.roots
        with warnings.catch_warnings():
            warnings.simplefilter("ignore" if stage.moment.step > 1 else "default", FemsimWarning)
            found |= probe_values(_Holder(flow.field), [probe], roots)  # type: ignore[arg-type]
    return found


def _smoothed(
    flow: Flow, probes: dict[str, ProbeValue | None]
) -> tuple[dict[str, ProbeValue | None], dict[str, Inelastic]]:
    """Probes with the smoothed stress, and what flowed there."""
    found, flown = dict(probes), {}
    for name, probe in probes.items():
        if probe is not None:
            value, flown[name] = smoothed_at(flow, probe.value)
            found[name] = replace(probe, value=value)
    return found, flown


@dataclass(frozen=True)
class _Holder:
    """What probe values read of a solution."""

    field: PointField

    @property
    def space(self) -> Space:
        """The field's space."""
        return self.field.space


def _solution(plan: Plan, stage: Stage, flow: Flow) -> Marched:
    """The last stage as a solution on the part that is there."""
    part, moment = stage.part, stage.moment
    space = part.space
    u = part.of(moment.unknowns)
    t = part.field(moment.conditions.temperature)
    load = Load(t, plan.program.start.stress_free_temperature, part.of(moment.prescribed))
    model = Model(space, plan.materials, load)
    force, size = stage.element_forces
    external = part.of(moment.external)
    nodal = external - force
    reaction = np.where(space.constraints.equation == HELD, -nodal, 0.0)
    return Marched(
        model=model,
        displacement=u[: space.nodal].reshape(-1, space.width),
        globals_=u[space.nodal :],
        reaction=reaction,
        checks=checks_of(model, u, nodal, reaction, external, size, REST * largest_forces(plan, stage)),
        factor=stage.factor,
        load=space.gather(external),
        flow=flow,
    )
