"""From what a case says of yielding, creep and relaxation to a material law."""

from __future__ import annotations

import warnings

from femsim.base.errors import FemsimWarning, InputError
from femsim.builders.resolve import LAW_NAMES, ResolvedMaterial, properties_of
from femsim.cases.laws import AnandSpec, CreepSpec, PlasticSpec, ViscoelasticSpec
from femsim.cases.laws import Shift as ShiftSpec
from femsim.cases.tables import Parameter
from femsim.materials.anand import Anand, AnandLaw
from femsim.materials.creep import Creep, Garofalo, Norton, PowerSum, PowerTerm
from femsim.materials.hardening import BackStress, HardeningTable, Plasticity
from femsim.materials.law import ElasticLaw, Law, check_temperatures
from femsim.materials.plastic import InelasticLaw
from femsim.materials.property import Property
from femsim.materials.viscoelastic import Arrhenius, Branch, Shift, ShiftTable, ViscoelasticLaw, Wlf


def law_of(resolved: ResolvedMaterial, plane: str = "rz") -> Law:
    """The law of a resolved material; elastic where it names none. ``plane`` is the drawing plane of its angle.

    Raises InputError, with the material's key in front, where E, nu and cte are missing or the law refuses its numbers.
    """
    material, laws = resolved.material, resolved.spec.laws
    if not laws:
        return ElasticLaw(material, plane)
    young, poisson = material.youngs_modulus[0], material.poisson_ratio[0]
    try:
        for spec in laws.values():
            if isinstance(spec, AnandSpec):
                return AnandLaw(young, poisson, _anand(spec))
            if isinstance(spec, ViscoelasticSpec):
                return ViscoelasticLaw(
                    young,
                    poisson,
                    _branches(spec.shear),
                    _branches(spec.bulk),
                    _shift(spec.shift) if spec.shift else None,
                )
        plastic, creep = laws.get("plastic"), laws.get("creep")
        return InelasticLaw(
            young,
            poisson,
            _plastic(plastic) if isinstance(plastic, PlasticSpec) else None,
            _creep(creep) if isinstance(creep, CreepSpec) else None,
        )
    except InputError as error:
        raise InputError(f"materials.{resolved.role}.{error}") from None


def check_reach(resolved: ResolvedMaterial, law: Law, low: float, high: float) -> None:
    """A run from ``low`` to ``high`` degC against what the numbers of a law were given for.

    A table of the law that does not cover the run is an InputError: a rate is not to be guessed. A run beyond the
    stated ``valid`` range, beyond the melting point that the library knows, or below the pole of a WLF shift is a
    FemsimWarning.
    """
    if isinstance(law, InelasticLaw | AnandLaw | ViscoelasticLaw):
        check_temperatures(law.properties(), f"materials.{resolved.role}", low, high)
    for key, spec in resolved.spec.laws.items():
        if spec.valid is not None and (low < spec.valid[0] or high > spec.valid[1]):
            warnings.warn(
                f"materials.{resolved.role}.{key}: its {LAW_NAMES[key]} is stated for {spec.valid[0]:g} to "
                f"{spec.valid[1]:g} degC, the run needs {low:g} to {high:g} degC",
                FemsimWarning,
                stacklevel=2,
            )
    shift = getattr(law, "shift", None)
    if isinstance(shift, Wlf) and low <= (pole := shift.reference - shift.C2):
        warnings.warn(
            f"materials.{resolved.role}.viscoelastic.shift.wlf: at and below {pole:g} degC, its pole, nothing relaxes; "
            f"the run goes to {low:g} degC",
            FemsimWarning,
            stacklevel=2,
        )
    melts = None if resolved.entry is None else resolved.entry.melting_point
    if resolved.spec.laws and melts is not None and high > min(melts.values):
        warnings.warn(
            f"materials.{resolved.role}: {resolved.material.name} melts at {min(melts.values):g} degC, the run goes to "
            f"{high:g} degC; its law knows nothing of that",
            FemsimWarning,
            stacklevel=2,
        )


def _one(value: Parameter | None) -> Property:
    return properties_of(value, 1.0, "")[0]


def _maybe(value: Parameter | None) -> Property | None:
    return None if value is None else _one(value)


def _plastic(spec: PlasticSpec) -> Plasticity:
    isotropic = spec.isotropic
    voce = isotropic.voce if isotropic is not None else None
    table = isotropic.table if isotropic is not None else None
    return Plasticity(
        yield_strength=_maybe(spec.yield_) if table is None else None,  # the table's first stress is the yield
        H=_maybe(isotropic.linear) if isotropic is not None else None,
        Q=_maybe(voce.Q) if voce is not None else None,
        b=_maybe(voce.b) if voce is not None else None,
        table=HardeningTable(tuple(table.p), tuple(map(tuple, table.rows)), tuple(table.T or ())) if table else None,
        kinematic=tuple(BackStress(_one(x.C), _one(x.gamma)) for x in spec.kinematic or ()),
        softening=bool(spec.softening),
    )


def _creep(spec: CreepSpec) -> Creep:
    if spec.norton is not None:
        return Norton(_one(spec.norton.A), _one(spec.norton.n), _one(spec.norton.Q))
    if spec.garofalo is not None:
        g = spec.garofalo
        return Garofalo(_one(g.C1), _one(g.C2), _one(g.C3), _one(g.C4))
    return PowerSum(tuple(PowerTerm(_one(t.A), _one(t.B), _one(t.n), _one(t.sn)) for t in spec.terms or ()))


def _anand(spec: AnandSpec) -> Anand:
    return Anand(**{name: _one(getattr(spec, name)) for name in AnandSpec.NEEDED})


def _branches(series: list[list[float]] | None) -> tuple[Branch, ...]:
    return tuple(Branch(fraction, time) for fraction, time in series or ())


def _shift(spec: ShiftSpec) -> Shift:
    if spec.wlf is not None:
        return Wlf(spec.wlf.C1, spec.wlf.C2, spec.wlf.reference)
    if spec.arrhenius is not None:
        return Arrhenius(spec.arrhenius.Q, spec.arrhenius.reference)
    return ShiftTable(_one(spec.table))
