"""What files may say of yielding, creep, Anand's law and relaxation of a material.

Conventions (stress in MPa, time in s, absolute temperature in K inside exponentials, R = 8.314462618 J/(mol K)):

- plastic: |s - X| = yield + H p + Q (1 - exp(-b p)), dX_i = C_i dep - gamma_i X_i dp in uniaxial form (Armstrong &
  Frederick 1966; Chaboche 1986); a table gives the uniaxial stress over the equivalent plastic strain p;
- creep: norton A s^n exp(-Q/(R T)); garofalo C1 sinh(C2 s)^C3 exp(-C4/T); terms: sum of A exp(-B/T) (s/sn)^n;
- anand: rate = A exp(-Q_R/T) sinh(xi s/s_i)^(1/m), ds_i = h0 |1 - s_i/s*|^a sign(1 - s_i/s*) rate,
  s* = s_hat (rate/A exp(Q_R/T))^n, s_i(0) = s0 (Anand 1985; Brown, Kim & Anand 1989);
- viscoelastic: G(t)/G0 = 1 - sum g_i (1 - exp(-t/(a_T tau_i))), the bulk modulus alike; E and nu are the instantaneous
  ones; log10 a_T = -C1 (T - T_r)/(C2 + T - T_r) (Williams, Landel & Ferry 1955), or
  ln a_T = Q/R (1/T - 1/T_r), or a table of log10 a_T over temperature.

Every parameter may be a table over temperature. ``like`` names a set of the material's library entry whose keys it
takes over; ``valid`` is the range of temperature (degC) the set was measured in.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, ClassVar, Self

from pydantic import Field, field_validator, model_validator

from femsim.cases.keys import Celsius, Strict
from femsim.cases.tables import Parameter, Table, numbers_of

#: MPa; a stress beyond this is a slip of units
MAX_STRESS = 1.0e6


class _Numbers(Strict):
    """A table of parameters: each listed key lies between its limits (lowest, may it be that, highest)."""

    LIMITS: ClassVar[dict[str, tuple[float, bool, float]]] = {}

    @model_validator(mode="after")
    def _within(self) -> Self:
        for key, (lowest, closed, highest) in self.LIMITS.items():
            label = next((f.alias for k, f in type(self).model_fields.items() if k == key and f.alias), key)
            for number in numbers_of(getattr(self, key)):
                if number < lowest or (number == lowest and not closed):
                    raise ValueError(f"{label}: {number:g} is not {'>=' if closed else '>'} {lowest:g}")
                if number > highest:
                    raise ValueError(f"{label}: {number:g} is not <= {highest:g}")
        return self


class _Law(_Numbers):
    """A law: either ``like`` a set of the library with overrides, or with all keys of ``NEEDED``."""

    NEEDED: ClassVar[tuple[str, ...]] = ()

    like: str | None = Field(
        default=None, min_length=1, description='a set of the library entry; "library" is its first'
    )
    valid: tuple[Celsius, Celsius] | None = Field(default=None, description="degC, where the numbers hold")

    @field_validator("valid", mode="before")
    @classmethod
    def _as_tuple(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.valid is not None and self.valid[1] <= self.valid[0]:
            raise ValueError(f"valid: [{self.valid[0]:g}, {self.valid[1]:g}] does not ascend")
        for key in self.NEEDED if self.like is None else ():
            if getattr(self, key) is None:
                label = type(self).model_fields[key].alias or key
                raise ValueError(f"{label}: missing; it has no default")
        return self


class HardeningTable(Strict):
    """Uniaxial stress over equivalent plastic strain; with ``T`` one row of stress for each temperature."""

    p: list[float] = Field(min_length=2, description="equivalent plastic strain, from 0")
    stress: list[float] | list[list[float]] = Field(min_length=1, description="MPa; one row for each T, if T is given")
    T: list[Celsius] | None = Field(default=None, min_length=1, description="degC")

    @model_validator(mode="after")
    def _shape(self) -> HardeningTable:
        if self.p[0] != 0:
            raise ValueError(f"p: starts at {self.p[0]:g}; the first entry is 0")
        if any(b <= a for a, b in pairwise(self.p)):
            raise ValueError("p: must ascend")
        if self.T is not None and any(b <= a for a, b in pairwise(self.T)):
            raise ValueError("T: must ascend")
        rows = self.rows
        if isinstance(self.stress[0], list) != (self.T is not None):
            raise ValueError("stress: give one list, or with T a list of lists (one for each temperature)")
        if self.T is not None and len(rows) != len(self.T):
            raise ValueError(f"stress: {len(rows)} rows do not go with {len(self.T)} entries of T")
        for row in rows:
            if len(row) != len(self.p):
                raise ValueError(f"stress: {len(row)} entries do not go with {len(self.p)} of p")
            if not 0 < row[0] <= MAX_STRESS or row[-1] > MAX_STRESS:
                bad = row[0] if not 0 < row[0] <= MAX_STRESS else row[-1]
                raise ValueError(f"stress: {bad:g} is not between 0 (excluded) and {MAX_STRESS:g}")
            if min(row) <= 0:
                raise ValueError(f"stress: {min(row):g} is not > 0")
        return self

    @property
    def falls(self) -> float | None:
        """The first stress below the one before it, if there is any."""
        return next((b for row in self.rows for a, b in pairwise(row) if b < a), None)

    @property
    def rows(self) -> list[list[float]]:
        """One list of stresses for each temperature (one in all without T)."""
        rows = [entry for entry in self.stress if isinstance(entry, list)]
        return rows or [[entry for entry in self.stress if not isinstance(entry, list)]]


class Voce(_Numbers):
    """Q (1 - exp(-b p)); a negative Q softens to yield + Q."""

    LIMITS: ClassVar[dict[str, tuple[float, bool, float]]] = {
        "Q": (-MAX_STRESS, True, MAX_STRESS),
        "b": (0.0, False, 1.0e6),
    }
    Q: Parameter = Field(description="MPa")
    b: Parameter


class Isotropic(_Numbers):
    """Isotropic hardening; ``linear`` and ``voce`` may stand together."""

    LIMITS: ClassVar[dict[str, tuple[float, bool, float]]] = {"linear": (0.0, True, MAX_STRESS)}
    linear: Parameter | None = Field(default=None, description="plastic modulus H, MPa")
    voce: Voce | None = None
    table: HardeningTable | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Isotropic:
        if self.linear is None and self.voce is None and self.table is None:
            raise ValueError("give linear, voce (these may stand together) or table")
        if self.table is not None and (self.linear is not None or self.voce is not None):
            raise ValueError("table: stands alone; leave out linear and voce")
        return self


class Backstress(_Numbers):
    """One back stress dX = C dep - gamma X dp; gamma = 0 is linear kinematic hardening."""

    LIMITS: ClassVar[dict[str, tuple[float, bool, float]]] = {"C": (0.0, True, 1.0e7), "gamma": (0.0, True, 1.0e7)}
    C: Parameter = Field(description="MPa")
    gamma: Parameter = 0.0


class PlasticSpec(_Law):
    """J2 plasticity."""

    LIMITS: ClassVar[dict[str, tuple[float, bool, float]]] = {"yield_": (0.0, False, MAX_STRESS)}
    yield_: Parameter | None = Field(default=None, alias="yield", description="yield strength, MPa")
    isotropic: Isotropic | None = Field(default=None, description="isotropic hardening; left out: none")
    kinematic: list[Backstress] | None = Field(default=None, min_length=1, description="back stresses; left out: none")
    softening: bool | None = Field(
        default=None, description="true: hardening may fall; the answer then hangs on the mesh"
    )

    @model_validator(mode="after")
    def _sound(self) -> PlasticSpec:
        table = self.isotropic.table if self.isotropic is not None else None
        if not self.softening and table is not None and table.falls is not None:
            raise ValueError(f"isotropic.table.stress: {table.falls:g} after more softens; softening = true allows it")
        if self.yield_ is None:
            if table is None and self.like is None:
                raise ValueError("yield: missing; it has no default")
        elif table is not None:
            first = [row[0] for row in table.rows]
            given = self.yield_
            same = (
                given.T == table.T and given.value == first
                if isinstance(given, Table)
                else all(abs(given - s) <= 1e-9 * s for s in first)
            )
            if not same:
                raise ValueError("yield: differs from the table's first stress; leave it out")
        voce = self.isotropic.voce if self.isotropic is not None else None
        if not self.softening and voce is not None and min(numbers_of(voce.Q)) < 0:
            raise ValueError(f"isotropic.voce.Q: {min(numbers_of(voce.Q)):g} softens; softening = true allows it")
        if voce is not None and self.yield_ is not None:
            lowest, fall = min(numbers_of(self.yield_)), min(numbers_of(voce.Q))
            if lowest + fall <= 0:
                raise ValueError(f"isotropic.voce.Q: {fall:g} softens the yield strength {lowest:g} to nothing")
        return self


class Norton(_Numbers):
    """A s^n exp(-Q/(R T))."""

    LIMITS: ClassVar[dict[str, tuple[float, bool, float]]] = {
        "A": (0.0, False, float("inf")),
        "n": (0.0, False, 100.0),
        "Q": (0.0, True, 1.0e7),
    }
    A: Parameter = Field(description="1/s at 1 MPa")
    n: Parameter
    Q: Parameter = Field(default=0.0, description="activation energy, J/mol")


class Garofalo(_Numbers):
    """C1 sinh(C2 s)^C3 exp(-C4/T)."""

    LIMITS: ClassVar[dict[str, tuple[float, bool, float]]] = {
        "C1": (0.0, False, float("inf")),
        "C2": (0.0, False, 1.0e3),
        "C3": (0.0, False, 100.0),
        "C4": (0.0, True, 1.0e6),
    }
    C1: Parameter = Field(description="1/s")
    C2: Parameter = Field(description="1/MPa")
    C3: Parameter
    C4: Parameter = Field(description="K")


class CreepTerm(_Numbers):
    """A exp(-B/T) (s/sn)^n."""

    LIMITS: ClassVar[dict[str, tuple[float, bool, float]]] = {
        "A": (0.0, False, float("inf")),
        "B": (0.0, True, 1.0e6),
        "n": (0.0, False, 100.0),
        "sn": (0.0, False, MAX_STRESS),
    }
    A: Parameter = Field(description="1/s")
    B: Parameter = Field(default=0.0, description="K")
    n: Parameter
    sn: Parameter = Field(default=1.0, description="MPa")


class CreepSpec(_Law):
    """Creep: one of three laws."""

    norton: Norton | None = None
    garofalo: Garofalo | None = None
    terms: list[CreepTerm] | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _one_law(self) -> CreepSpec:
        given = [key for key in ("norton", "garofalo", "terms") if getattr(self, key) is not None]
        if len(given) > 1 or (not given and self.like is None):
            raise ValueError(f"give exactly one of norton, garofalo, terms (given: {', '.join(given) or 'none'})")
        return self


class AnandSpec(_Law):
    """Anand's law; it stands instead of plastic and creep."""

    NEEDED: ClassVar[tuple[str, ...]] = ("A", "Q_R", "xi", "m", "h0", "s_hat", "n", "a", "s0")
    LIMITS: ClassVar[dict[str, tuple[float, bool, float]]] = {
        "A": (0.0, False, float("inf")),
        "Q_R": (0.0, True, 1.0e6),
        "xi": (0.0, False, 1.0e3),
        "m": (0.0, False, 1.0),
        "h0": (0.0, True, 1.0e9),
        "s_hat": (0.0, False, MAX_STRESS),
        "n": (0.0, True, 0.999999),
        "a": (1.0, True, 100.0),
        "s0": (0.0, False, MAX_STRESS),
    }
    A: Parameter | None = Field(default=None, description="1/s")
    Q_R: Parameter | None = Field(default=None, description="Q/R, K")
    xi: Parameter | None = None
    m: Parameter | None = None
    h0: Parameter | None = Field(default=None, description="MPa")
    s_hat: Parameter | None = Field(default=None, description="MPa")
    n: Parameter | None = None
    a: Parameter | None = None
    s0: Parameter | None = Field(default=None, description="MPa")


class Wlf(_Numbers):
    """log10 a_T = -C1 (T - reference)/(C2 + T - reference)."""

    LIMITS: ClassVar[dict[str, tuple[float, bool, float]]] = {"C1": (0.0, False, 1.0e3), "C2": (0.0, False, 1.0e4)}
    C1: float
    C2: float = Field(description="K")
    reference: Celsius = Field(description="degC")


class Arrhenius(_Numbers):
    """ln a_T = Q/R (1/T - 1/reference), temperatures in K."""

    LIMITS: ClassVar[dict[str, tuple[float, bool, float]]] = {"Q": (0.0, False, 1.0e7)}
    Q: float = Field(description="J/mol")
    reference: Celsius = Field(description="degC")


class Shift(Strict):
    """How relaxation times depend on temperature: one of three."""

    wlf: Wlf | None = None
    arrhenius: Arrhenius | None = None
    table: Table | None = Field(default=None, description="log10 a_T over temperature")

    @model_validator(mode="after")
    def _one_kind(self) -> Shift:
        given = [key for key in ("wlf", "arrhenius", "table") if getattr(self, key) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of wlf, arrhenius, table (given: {', '.join(given) or 'none'})")
        if self.table is not None and any(b > a for a, b in pairwise(self.table.value)):
            raise ValueError("table: log10 a_T rises with temperature; relaxation is faster when hot")
        return self


class ViscoelasticSpec(_Law):
    """Linear viscoelasticity: Prony series of the shear and the bulk modulus; E and nu are the instantaneous ones."""

    shear: list[list[float]] | None = Field(default=None, description="[fraction, relaxation time in s] each")
    bulk: list[list[float]] | None = Field(default=None, description="[fraction, relaxation time in s] each")
    shift: Shift | None = Field(default=None, description="left out: none")

    @model_validator(mode="after")
    def _series(self) -> ViscoelasticSpec:
        for key in ("shear", "bulk"):
            series = getattr(self, key) or []
            for index, term in enumerate(series):
                if len(term) != 2:
                    raise ValueError(f"{key}.{index}: {term} is not [fraction, relaxation time]")
                if not 0 < term[0] <= 1:
                    raise ValueError(f"{key}.{index}.0: {term[0]:g} is not between 0 (excluded) and 1")
                if not 0 < term[1] <= 1e30:
                    raise ValueError(f"{key}.{index}.1: {term[1]:g} is not between 0 (excluded) and 1e+30")
            total = sum(term[0] for term in series)
            if total > 1 + 1e-9:
                raise ValueError(f"{key}: the fractions sum to {total:g}, more than 1")
        if not self.shear and not self.bulk and self.like is None:
            raise ValueError("give shear or bulk, lists of [fraction, relaxation time in s]")
        return self


#: the laws of a material and the keys they stand under
LAWS: dict[str, type[_Law]] = {
    "plastic": PlasticSpec,
    "creep": CreepSpec,
    "anand": AnandSpec,
    "viscoelastic": ViscoelasticSpec,
}
LawSpec = PlasticSpec | CreepSpec | AnandSpec | ViscoelasticSpec
