"""A program of steps with plasticity and Norton creep as an input deck of CalculiX or Abaqus.

Every step is a *STATIC or, where something creeps in time, a *VISCO step whose loads and temperatures go linearly from
those of the step before, as femsim's do. Hardening is written as a table over plastic strain and temperature: isotropic
(perfect, linear, Voce, tabulated), or linear kinematic; the rate of a Norton law as A(T) at KNOTS temperatures, between
which the programs interpolate it linearly. Everything else is refused: births and removals, supports that change,
eigenstrains, other laws, both kinds of hardening at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

import femsim
from femsim.base.arrays import FloatArray
from femsim.base.errors import InputError
from femsim.materials.creep import Norton
from femsim.materials.elastic import Material
from femsim.materials.hardening import Plasticity
from femsim.materials.law import Law
from femsim.materials.plastic import InelasticLaw
from femsim.models.assembly import external_force
from femsim.models.loads import Load, Program, Step
from femsim.models.model import Model
from femsim.models.space import HELD
from femsim.reports import deck as parts
from femsim.reports.deck import Dialect

#: increments of a step where the case names none
INCREMENTS = 50
#: plastic strains at which Voce hardening is tabulated, and the last one of straight lines
STRAINS = (0.0, 1e-4, 2e-4, 5e-4, *np.geomspace(1e-3, 1.0, 49).tolist())
#: temperatures of a rate's table: at steps of a kelvin straight lines miss an Arrhenius factor of 60 kJ/mol by 1e-3
KNOTS = 401
#: residual force and last correction of an increment, relative; the programs' own 0.5 % and 1 % show in the third digit
RESIDUAL, CORRECTION = 1.0e-6, 1.0e-4
#: an equivalent creep strain that an increment's two estimates may differ by; increments are fine enough anyway
CETOL = 1.0e-3


@dataclass(frozen=True)
class Written:
    """What is written: space and materials of the first step, the laws of what flows, the program."""

    materials: Mapping[str, Material]
    laws: Mapping[str, Law]
    program: Program


def program_deck(what: Written, name: str, dialect: Dialect, increments: int = INCREMENTS) -> str:
    """The deck's text. Raises InputError for what cannot be written."""
    steps = what.program.steps
    first = steps[0].space
    _check(what)
    reach = [float(f(np.asarray(s.load.temperature))) for s in steps for f in (np.min, np.max)]
    free = float(np.max(np.asarray(what.program.start.stress_free_temperature)))
    low, high = min(free, *reach), max(free, *reach)
    start = Load(free, what.program.start.stress_free_temperature, np.zeros(first.ndof))
    model = Model(first, dict(what.materials), start)
    parts.refuse(model, dialect)

    def law_lines(region: str) -> Iterator[str]:
        law = what.laws.get(region)
        if law is not None:
            yield from _law(region, law, (low, high), dialect)

    lines = [
        "*HEADING",
        f"{name}: written by femsim {femsim.__version__}; um, MPa, uN, degC, s",
        *parts.mesh_lines(model, bool(what.laws)),
        *parts.material_lines(model, (low, high), law_lines),
        *parts.support_lines(model),
        "*INITIAL CONDITIONS, TYPE=TEMPERATURE",
        f"NALL, {parts.digits(free)}",
    ]
    moved = _ever([s.load.prescribed for s in steps]) & (first.constraints.equation == HELD)
    loaded = _ever([external_force(first, s.load) for s in steps])
    slow = any(law.slow for law in what.laws.values())
    for step in steps:
        lines += _step(step, dialect, slow, step.increments or increments, moved, loaded, np.unique(model.mesh.cells))
    return "\n".join([*lines, ""])


def _check(what: Written) -> None:
    steps = what.program.steps
    for step in steps:
        if step.alive is not None and not np.all(step.alive):
            raise InputError(f"export: step {step.name!r}: births and removals are not exported")
        if step.space is not steps[0].space:
            raise InputError(f"export: step {step.name!r}: supports that change are not exported")
        if step.load.eigenstrain is not None and np.any(step.load.eigenstrain):
            raise InputError(f"export: step {step.name!r}: eigenstrain is not exported")
        if np.ndim(step.load.temperature) > 1:
            raise InputError("export: temperatures that jump at a thermal contact cannot be written node by node")


def _ever(values: Sequence[FloatArray]) -> FloatArray:
    return np.asarray(np.any(np.array(values) != 0.0, axis=0))


def _law(region: str, law: Law, reach: tuple[float, float], dialect: Dialect) -> Iterator[str]:
    low, high = reach
    if not isinstance(law, InelasticLaw):
        raise InputError(f"export: {region}: plasticity and Norton creep are exported, no other law")
    if law.plastic is not None:
        if law.plastic.kinematic and dialect == "calculix":
            raise InputError(
                f"export: {region}: kinematic hardening is not exported to CalculiX: its flow then changes the volume "
                f"(a bar by 0.503 of its strain in 2.20); use --to abaqus"
            )
        yield from _plastic(region, law.plastic, _knots(low, high, law.plastic.properties(), parts.KNOTS))
    if law.creep is None:
        return
    if not isinstance(law.creep, Norton):
        raise InputError(f"export: {region}: of the creep laws only norton is exported")
    at = _knots(low, high, law.creep.properties(), KNOTS)
    if max(law.creep.Q.values) > 0 and low < high:
        at = np.linspace(low, high, KNOTS).tolist()
    n = law.creep.n
    yield "*CREEP, LAW=NORTON"
    for t in at:
        power = float(n.at(np.array(t)))
        rate, _ = law.creep.rate(np.ones(1), np.array([t]))
        yield ", ".join(map(parts.digits, (float(rate[0]), power, 0.0, t)))


def _knots(low: float, high: float, properties: Mapping[str, object], count: int) -> list[float]:
    tables = any(getattr(p, "is_table", False) for p in properties.values())
    return np.linspace(low, high, count).tolist() if tables and low < high else [low]


def _plastic(region: str, plastic: Plasticity, at: Sequence[float]) -> Iterator[str]:
    kinematic = bool(plastic.kinematic)
    if kinematic and (plastic.H is not None or plastic.Q is not None or plastic.table is not None):
        raise InputError(f"export: {region}: isotropic and kinematic hardening together are not exported")
    if any(max(x.gamma.values) > 0 for x in plastic.kinematic):
        raise InputError(f"export: {region}: of kinematic hardening only the linear (gamma = 0) is exported")
    yield f"*PLASTIC, HARDENING={'KINEMATIC' if kinematic else 'ISOTROPIC'}"
    if plastic.table is not None:
        strains: Sequence[float] = plastic.table.p
    elif plastic.Q is not None:
        strains = STRAINS
    else:
        strains = (0.0, 1.0) if kinematic or plastic.H is not None else (0.0,)
    for t in at:
        p = np.asarray(strains, dtype=float)
        stress = plastic.radius(p, np.full(len(p), t))[0]
        stress = stress + sum(float(x.C.at(np.array(t))) for x in plastic.kinematic) * p
        for s, e in zip(stress.tolist(), p.tolist(), strict=True):
            yield ", ".join(map(parts.digits, (s, e, t)))


def _step(
    step: Step, dialect: Dialect, slow: bool, count: int, moved: FloatArray, loaded: FloatArray, used: FloatArray
) -> Iterator[str]:
    """One step; without a duration nothing creeps, and its time is a second."""
    creeps = slow and step.duration > 0
    span = step.duration or 1.0
    inc = span / count
    yield f"*STEP, INC={100 * count}, AMPLITUDE=RAMP"  # a *VISCO step would apply its loads at once
    yield f"*VISCO, CETOL={CETOL:g}" if creeps else "*STATIC"
    yield ", ".join(map(parts.digits, (inc, span, 1e-6 * span, inc)))
    yield from ("*CONTROLS, PARAMETERS=FIELD, FIELD=DISPLACEMENT", f"{RESIDUAL:g}, {CORRECTION:g}")
    yield "*TEMPERATURE"
    temperature = np.asarray(step.load.temperature, dtype=float)
    if temperature.ndim == 0:
        yield f"NALL, {parts.digits(float(temperature))}"
    else:
        for i in used.tolist():
            yield f"{i + 1}, {parts.digits(float(temperature[i]))}"
    space = step.space
    width = space.width
    if np.any(moved):
        yield "*BOUNDARY"
        for dof in np.flatnonzero(moved[: space.nodal]).tolist():
            value = parts.digits(float(step.load.prescribed[dof]))
            yield f"{dof // width + 1}, {dof % width + 1}, {dof % width + 1}, {value}"
    if np.any(loaded):
        force = external_force(space, step.load)
        yield "*CLOAD"
        for dof in np.flatnonzero(loaded[: space.nodal]).tolist():
            yield f"{dof // width + 1}, {dof % width + 1}, {parts.digits(float(force[dof]))}"
    if dialect == "calculix":
        last = f"FREQUENCY={100 * count}"
        yield from (f"*NODE PRINT, NSET=NALL, {last}", "U", f"*NODE FILE, {last}", "U, RF")
        yield from (f"*EL FILE, {last}", "S, PEEQ")
    else:
        yield from ("*OUTPUT, FIELD", "*NODE OUTPUT", "U, RF", "*ELEMENT OUTPUT", "S, PE, PEEQ, CE, CEEQ")
    yield "*END STEP"
