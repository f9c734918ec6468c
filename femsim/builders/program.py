"""Steps and cycles of a case -> a program: pieces at whose ends everything is known, linear in between.

A step is cut where a boundary value over time bends or jumps; a jump, a value that is there from the start and the
stress a film is born with are pieces of no duration. Only the last piece of a step, ramp or dwell is reported.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from femsim.base.arrays import BoolArray, FloatArray
from femsim.base.errors import FemsimWarning, InputError, nearest
from femsim.builders.amounts import Moment, knots
from femsim.builders.boundaries import Conditions, constrain, refuse_steps
from femsim.builders.build import Setting, setting_of, steady_heat, stress_free, temperature_field
from femsim.builders.discretisation import Discretisation
from femsim.builders.resolve import ResolvedMaterial
from femsim.cases.boundary import Body, Boundary, Varying
from femsim.cases.steps import Intrinsic, StepSpec
from femsim.materials.elastic import Material
from femsim.materials.law import ElasticLaw, Law
from femsim.models.loads import Load, Program, Step
from femsim.models.space import Space

if TYPE_CHECKING:
    from femsim.solvers.heat import HeatSolution

#: axes 1, 2, 3 of eigenstrains are r, t, z or x, y, z; the plane of a film is spanned by the first and the one across
_IN_PLANE = {True: (0, 1), False: (0, 2)}


@dataclass(frozen=True)
class Leg:
    """What a reported step is called: of a cycle also its number (from 1) and phase, ``low`` or ``high``."""

    name: str
    cycle: int | None = None
    phase: str | None = None
    end: bool = False  # whether the cycle ends here
    heat: HeatSolution | None = field(default=None, compare=False, repr=False)  # of a step that takes it


@dataclass(frozen=True)
class Plan:
    """A program with what it runs on; ``legs`` name its reported steps in order."""

    space: Space
    materials: dict[str, Material]
    laws: dict[str, Law]
    program: Program
    legs: tuple[Leg, ...]


@dataclass(frozen=True)
class _Leg:
    """A leg before it is cut into pieces: temperature and eigenstrain at its end, births and removals at its start."""

    leg: Leg
    temperature: float | FloatArray
    duration: float
    alive: BoolArray
    eigenstrain: FloatArray
    born_with: FloatArray | None  # eigenstrain (regions, 6) that stands for the stress at birth
    increments: int | None
    key: str | None  # the step's name as `during` knows it


def is_program(disc: Discretisation, materials: dict[str, ResolvedMaterial]) -> bool:
    """Whether a case has steps, cycles or a material that flows."""
    return bool(disc.case.step or disc.case.cycle or any(m.spec.laws for m in materials.values()))


def plan_of(disc: Discretisation, materials: dict[str, ResolvedMaterial]) -> Plan:
    """The program of a case. Raises InputError for what its steps, cycles or materials cannot mean."""
    case, setting = disc.case, setting_of(disc, materials)
    plane = setting.kinematics.plane
    stepped = bool(case.step or case.cycle)
    if not stepped:
        refuse_steps(case.boundary, case.body)
    from femsim.builders.laws import law_of  # the laws take a while to load, and few cases have any

    all_laws = {region: law_of(materials[region], plane) for region in setting.mesh.regions}
    laws = {region: law for region, law in all_laws.items() if not isinstance(law, ElasticLaw)}
    if laws and setting.mesh.element in ("tri3", "tet4"):
        better = "tri6" if setting.mesh.element == "tri3" else "tet10"
        raise InputError(f'model.element: {setting.mesh.element} locks where {min(laws)!r} flows; use "{better}"')
    each = np.array([stress_free(materials[r], case.load.stress_free_temperature) for r in setting.mesh.regions])
    if stepped:
        for region in setting.mesh.regions:
            if materials[region].spec.stress_free_temperature is not None:
                raise InputError(
                    f"materials.{materials[region].role}.stress_free_temperature: not beside steps; a part born by a "
                    f"step's add is free of stress at the temperature of that moment"
                )
    if stepped and case.heat is not None and all(step.temperature != "heat" for step in case.step):
        warnings.warn('heat: no step has temperature = "heat"; it is not used', FemsimWarning, stacklevel=2)
    legs = _legs(disc, setting, materials) if stepped else [_single(disc, materials, setting, laws)]
    _check_reach(legs, each, materials, all_laws)
    pieces, names = _pieces(disc, setting, _alike(legs, setting))
    first = pieces[0].space
    start = Load(case.load.stress_free_temperature, case.load.stress_free_temperature, np.zeros(first.ndof))
    if not np.all(each == case.load.stress_free_temperature):
        pieces = [replace(p, load=p.load.changed(stress_free_temperature=each)) for p in pieces]
    materials_of = {region: materials[region].material for region in setting.mesh.regions}
    return Plan(first, materials_of, laws, Program(start, tuple(pieces)), names)


def _single(
    disc: Discretisation, materials: dict[str, ResolvedMaterial], setting: Setting, laws: dict[str, Law]
) -> _Leg:
    """A case without steps: one leg of a second to the load's temperature."""
    slow = [region for region, law in laws.items() if getattr(law, "creep", None) or not hasattr(law, "plastic")]
    if slow:
        warnings.warn(
            f"{slow[0]}: its law knows time, and the case has no [[step]]; the load is applied within 1 s",
            FemsimWarning,
            stacklevel=2,
        )
    count = len(setting.mesh.regions)
    found, temperature = None, temperature_field(disc, materials) if disc.case.load.temperature != "heat" else 0.0
    if disc.case.load.temperature == "heat":
        if disc.case.heat is not None and disc.case.heat.transient is not None:
            flowing = min(laws, default=next(iter(setting.mesh.regions)))
            raise InputError(
                f"heat.transient: not where a material flows, as {flowing!r} does; give [[step]] entries with "
                'temperature = "heat", whose sources take { steps = [...] }'
            )
        found, temperature = steady_heat(disc, materials, "load.temperature")
    return _Leg(
        Leg("load", heat=found),
        temperature,
        1.0,
        np.ones(count, bool),
        np.zeros((count, 6)),
        None,
        None,
        None,
    )


def _legs(disc: Discretisation, setting: Setting, materials: dict[str, ResolvedMaterial]) -> list[_Leg]:
    case, regions = disc.case, setting.mesh.regions
    alive = _at_the_start(disc, regions)
    temperature: float | FloatArray = float(case.load.stress_free_temperature)
    eigenstrain = np.zeros((len(regions), 6))
    legs: list[_Leg] = []
    for number, step in enumerate(case.step):
        key = f"step.{number}"
        before = alive
        for name in step.remove:
            for region in _named(disc, regions, name, f"{key}.remove"):
                if not alive[region]:
                    raise InputError(f"{key}.remove: {name!r} is not there in step {step.name!r}")
                alive = _changed(alive, region, False)
        for name in step.add:
            for region in _named(disc, regions, name, f"{key}.add"):
                if before[region]:
                    raise InputError(f"{key}.add: {name!r} is there already in step {step.name!r}")
                alive = _changed(alive, region, True)
        if not alive.any():
            raise InputError(f"{key}.remove: nothing is left of the body")
        before_temperature = temperature
        temperature, found = _temperature(disc, materials, step, temperature, number, alive)
        eigenstrain, born_with = _eigenstrains(
            disc, setting, step, key, eigenstrain, alive & ~before, alive, materials, before_temperature
        )
        legs.append(
            _Leg(
                Leg(step.name, heat=found),
                temperature,
                step.duration,
                alive,
                eigenstrain,
                born_with,
                step.increments,
                step.name,
            )
        )
    return legs + _cycles(disc, alive, temperature, eigenstrain)


def _cycles(
    disc: Discretisation, alive: BoolArray, temperature: float | FloatArray, eigenstrain: FloatArray
) -> list[_Leg]:
    cycle = disc.case.cycle
    if cycle is None:
        return []
    found = []
    rate = (cycle.high - cycle.low) / cycle.ramp
    order = ("high", "low") if cycle.start == "high" else ("low", "high")
    for number in range(1, cycle.count + 1):
        for phase in order:
            target = cycle.high if phase == "high" else cycle.low
            dwell = cycle.dwell_high if phase == "high" else cycle.dwell_low
            span = float(np.max(np.abs(target - np.asarray(temperature)))) / rate
            last = phase == order[1]
            ramp = Leg(f"cycle {number}: to {phase}", number, phase, last and dwell == 0.0)
            found.append(_Leg(ramp, target, span, alive, eigenstrain, None, cycle.increments, None))
            temperature = target
            if dwell > 0.0:
                hold = Leg(f"cycle {number}: at {phase}", number, phase, last)
                found.append(_Leg(hold, target, dwell, alive, eigenstrain, None, cycle.increments, None))
    return found


def _at_the_start(disc: Discretisation, regions: tuple[str, ...]) -> BoolArray:
    """Everything is there that no step adds before it removes it."""
    alive = np.ones(len(regions), dtype=bool)
    seen: set[int] = set()
    for number, step in enumerate(disc.case.step):
        for key in ("remove", "add"):
            for name in getattr(step, key):
                for region in _named(disc, regions, name, f"step.{number}.{key}"):
                    if region not in seen and key == "add":
                        alive[region] = False
                    seen.add(region)
    if not alive.any() and not (disc.case.step and disc.case.step[0].add):
        raise InputError("step.0.add: nothing is there before the first step, and it adds nothing")
    return alive


def _named(disc: Discretisation, regions: tuple[str, ...], name: str, key: str) -> list[int]:
    """Numbers of the regions of that name or role."""
    roles = disc.layout.roles if disc.layout is not None else {}
    found = [i for i, region in enumerate(regions) if name in (region, roles.get(region))]
    if not found:
        known = sorted({*regions, *(roles[r] for r in regions if r in roles)})
        raise InputError(f"{key}: no region or role {name!r}{nearest(name, known)}; there are: {', '.join(known)}")
    return found


def _changed(alive: BoolArray, region: int, to: bool) -> BoolArray:
    result = alive.copy()
    result[region] = to
    return result


def _temperature(
    disc: Discretisation,
    materials: dict[str, ResolvedMaterial],
    step: StepSpec,
    before: float | FloatArray,
    number: int,
    alive: BoolArray,
) -> tuple[float | FloatArray, HeatSolution | None]:
    """The temperature at a step's end, and the heat it comes from."""
    if step.temperature is None:
        return before, None
    key = f"step.{number}.temperature"
    if step.temperature == "heat":
        found, everywhere = steady_heat(disc, materials, key, number, alive)
        return everywhere, found
    return temperature_field(disc, materials, step.temperature, key), None


def _eigenstrains(
    disc: Discretisation,
    setting: Setting,
    step: StepSpec,
    key: str,
    before: FloatArray,
    born: BoolArray,
    alive: BoolArray,
    materials: dict[str, ResolvedMaterial],
    temperature: float | FloatArray,
) -> tuple[FloatArray, FloatArray | None]:
    """Free strains (regions, 6) at a step's end, and those at its start that stand for the stress of births."""
    regions, at_birth, end = setting.mesh.regions, before.copy(), before.copy()
    intrinsic = False
    for name, value in step.eigenstrain.items():
        where = f"{key}.eigenstrain.{name}"
        for region in _named(disc, regions, name, where):
            if not alive[region]:
                raise InputError(f"{where}: {name!r} is not there in step {step.name!r}")
            if isinstance(value, Intrinsic):
                if not born[region]:
                    raise InputError(f"{where}.stress: a stress is that of a birth; {name!r} is not added in this step")
                stress = np.zeros(6)
                stress[list(_IN_PLANE[setting.kinematics.radial])] = value.stress
                material = materials[regions[region]].material
                stiffness = material.stiffness(float(np.mean(temperature)), setting.kinematics.plane)
                at_birth[region] -= np.linalg.solve(stiffness, stress)
                end[region] = at_birth[region]
                intrinsic = True
            else:
                three = value if isinstance(value, tuple) else (value, value, value)
                end[region, :3] += three
    return end, at_birth if intrinsic else None


def _alike(legs: list[_Leg], setting: Setting) -> list[_Leg]:
    """All temperature fields by the cells' nodes where one is (it jumps at a contact)."""
    if not any(np.ndim(leg.temperature) == 2 for leg in legs):
        return legs
    cells = setting.mesh.cells
    return [
        replace(leg, temperature=np.asarray(leg.temperature)[cells]) if np.ndim(leg.temperature) == 1 else leg
        for leg in legs
    ]


# ---------------------------------------------------------------- pieces


def _pieces(disc: Discretisation, setting: Setting, legs: list[_Leg]) -> tuple[list[Step], tuple[Leg, ...]]:
    case = disc.case
    spaces: dict[tuple[int, ...], Conditions] = {}
    times = _times(case.boundary, case.body)
    found: list[Step] = []
    temperature: float | FloatArray = float(case.load.stress_free_temperature)
    eigenstrain = np.zeros((len(setting.mesh.regions), 6))
    _check_during(case.boundary, [leg.key for leg in legs if leg.key is not None])
    _check_counts(case.boundary, case.body, len(case.step))
    if case.heat is not None:
        from femsim.builders.heat import check_step_values

        check_step_values(case.heat, len(case.step))
    _warn_late(case.boundary, case.body, sum(leg.duration for leg in legs))
    settled = sum(leg.duration for leg in legs if leg.leg.cycle is None)
    late = [key for key, value in _values(case.boundary, case.body) for t in knots(value) if t > settled]
    if late and case.cycle is not None and case.cycle.jump is not None:
        raise InputError(f"cycle.jump: {late[0]} changes during the cycles; only cycles that are alike are jumped over")
    alike: dict[tuple[object, ...], Load] = {}  # loads of cycles that are alike are one
    time = 0.0
    for number, leg in enumerate(legs):
        conditions = _conditions(disc, setting, leg, spaces)
        step = min(number, len(case.step))

        def piece(
            part: float,
            span: float,
            last: bool,
            now: float,
            leg: _Leg = leg,
            conditions: Conditions = conditions,
            step: int = step,
            ends: tuple[float | FloatArray, FloatArray] = (temperature, eigenstrain),
        ) -> Step:
            moment = Moment(step + part if leg.key is not None or not case.cycle else float(step), now)
            t0, e0 = ends
            known = None if late or (leg.leg.cycle or 0) < 2 else (leg.leg.phase, leg.leg.name.split(":")[1], part)
            share = None if leg.increments is None else max(1, math.ceil(leg.increments * span / (leg.duration or 1.0)))
            if known in alike:
                return Step(leg.leg.name, conditions.space, alike[known], span, leg.alive, share, last)
            if leg.born_with is not None:
                e0 = leg.born_with
            load = Load(
                t0 + part * (leg.temperature - t0),
                case.load.stress_free_temperature,
                conditions.prescribed(moment),
                eigenstrain=_none_if_zero(e0 + part * (leg.eigenstrain - e0)),
                force=conditions.force(moment),
                supports=conditions.named(moment),
            )
            if known is not None:
                alike[known] = load
            return Step(leg.leg.name, conditions.space, load, span, leg.alive, share, last)

        start = piece(0.0, 0.0, False, time)
        jumps = np.any(start.load.prescribed) or start.load.force is not None
        if leg.born_with is not None or (number == 0 and jumps):
            found.append(start)
        inside = [t for t in times if time < t < time + leg.duration * (1.0 - 1e-12)]
        marks = [(t - time) / leg.duration for t in inside] + [1.0]
        done = 0.0
        for mark in marks:
            end = time + mark * leg.duration
            found.append(piece(mark, (mark - done) * leg.duration, mark == 1.0, end))
            if end in times and _jumps(case.boundary, case.body, end):
                found[-1] = replace(found[-1], reported=False)
                found.append(piece(mark, 0.0, mark == 1.0, float(np.nextafter(end, np.inf))))
            done = mark
        time += leg.duration
        temperature, eigenstrain = leg.temperature, leg.eigenstrain
    return found, tuple(leg.leg for leg in legs)


def _none_if_zero(values: FloatArray) -> FloatArray | None:
    return values if np.any(values) else None


def _conditions(
    disc: Discretisation, setting: Setting, leg: _Leg, made: dict[tuple[int, ...], Conditions]
) -> Conditions:
    """The conditions of the boundaries in force; one space for all legs with the same ones."""
    case = disc.case
    force = [b for b in setting.boundaries if b.during is None or leg.key in b.during]
    key = tuple(i for i, b in enumerate(setting.boundaries) if b.during is None or leg.key in b.during)
    if key not in made:
        made[key] = constrain(
            setting.mesh,
            setting.kinematics,
            force,
            case.model.outer,
            case.boundary,
            disc.point_data,
            case.body,
            setting.density,
            setting.supports,
            soft=setting.soft,
        )
    return made[key]


def _values(boundaries: list[Boundary], bodies: list[Body]) -> list[tuple[str, Varying]]:
    """All values over steps or time, with their keys."""
    found: list[tuple[str, Varying]] = []
    for number, b in enumerate(boundaries):
        parts: list[tuple[str, object]] = [*b.motions().items(), ("pressure", b.pressure)]
        parts += [("traction", v) for v in b.traction or ()]
        parts += [("force", v) for v in (b.force if isinstance(b.force, tuple) else (b.force,))]
        found += [(f"boundary.{number}.{key}", v) for key, v in parts if isinstance(v, Varying)]
    for number, body in enumerate(bodies):
        more: list[object] = [*(body.force or ()), *(body.acceleration or ()), body.rotation]
        found += [(f"body.{number}", v) for v in more if isinstance(v, Varying)]
    return found


def _times(boundaries: list[Boundary], bodies: list[Body]) -> list[float]:
    return sorted({t for _, value in _values(boundaries, bodies) for t in knots(value)})


def _jumps(boundaries: list[Boundary], bodies: list[Body], time: float) -> bool:
    return any(knots(value).count(time) > 1 for _, value in _values(boundaries, bodies))


def _check_during(boundaries: list[Boundary], names: list[str]) -> None:
    for number, boundary in enumerate(boundaries):
        for name in boundary.during or ():
            if name not in names:
                raise InputError(
                    f"boundary.{number}.during: no step {name!r}{nearest(name, names)}; there are: "
                    f"{', '.join(names) or 'none'}"
                )


def _check_counts(boundaries: list[Boundary], bodies: list[Body], count: int) -> None:
    for key, value in _values(boundaries, bodies):
        if value.steps is not None and len(value.steps) != count:
            raise InputError(f"{key}.steps: {len(value.steps)} values for {count} steps; give one for each [[step]]")


def _warn_late(boundaries: list[Boundary], bodies: list[Body], end: float) -> None:
    """Warn of values over time that change only when all steps are over."""
    for key, value in _values(boundaries, bodies):
        at = knots(value)
        if len(at) > 1 and at[0] >= end:
            warnings.warn(
                f"{key}.t: begins at {at[0]:g} s, the steps end at {end:g} s; its first value holds throughout",
                FemsimWarning,
                stacklevel=2,
            )


def _check_reach(
    legs: list[_Leg], free: FloatArray, materials: dict[str, ResolvedMaterial], laws: dict[str, Law]
) -> None:
    """Tables against the temperatures of the run."""
    from femsim.builders.laws import check_reach

    all_t = [float(f(np.asarray(leg.temperature))) for leg in legs for f in (np.min, np.max)] + free.tolist()
    low, high = min(all_t), max(all_t)
    for region, law in laws.items():
        materials[region].material.warn_outside(low, high)
        check_reach(materials[region], law, low, high)
