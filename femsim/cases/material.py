"""What a case file may say of a material: numbers, tables over temperature, expansion, laws, composites."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, field_validator, model_validator

from femsim.cases.keys import Celsius, Positive, Strict
from femsim.cases.laws import AnandSpec, CreepSpec, LawSpec, PlasticSpec, ViscoelasticSpec
from femsim.cases.tables import Parameter as Parameter
from femsim.cases.tables import Quantity as Quantity
from femsim.cases.tables import Table as Table
from femsim.cases.tables import numbers_of

#: what a material needs to carry stress; without all three of them, and with a conductivity, it only conducts heat
ELASTIC = ("E", "nu", "cte")
_MIN_MODULUS, _MAX_MODULUS = 1.0e-10, 1.0e5  # GPa: a millionth of a gel, eighty times diamond


_MAX_CTE = 1.0e4  # ppm/K
_MIN_CONDUCTIVITY, _MAX_CONDUCTIVITY = 1.0e-6, 1.0e5  # W/(m K): below any gas, above diamond's best
_MAX_DENSITY = 1.0e5  # kg/m3
_MAX_HEAT_CAPACITY = 1.0e6  # J/(kg K)
_Turn = Annotated[float, Field(ge=-360, le=360)]
_TextName = Annotated[str, Field(min_length=1)]


class Expansion(Strict):
    """Expansion coefficient that says what it is: secant from a reference temperature, or instantaneous."""

    secant: Quantity | None = None
    instantaneous: Quantity | None = None
    reference: Celsius | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Expansion:
        if (self.secant is None) == (self.instantaneous is None):
            raise ValueError("give either secant or instantaneous")
        if self.reference is not None and self.instantaneous is not None:
            raise ValueError("reference goes with secant, not with instantaneous")
        entries = self.secant if isinstance(self.secant, list) else [self.secant]
        if self.reference is None and any(isinstance(entry, Table) for entry in entries):
            raise ValueError("a secant table needs its reference temperature")
        return self


class MaterialSpec(Strict):
    """An inline material, or a library entry with overrides (``like``), as a case file writes it."""

    like: str | None = None
    E: Quantity | None = Field(default=None, description="Young's modulus, GPa")
    nu: Quantity | None = Field(default=None, description="Poisson ratio; a list is ordered 12, 13, 23")
    G: Quantity | None = Field(default=None, description="shear modulus, GPa, ordered 12, 13, 23")
    cte: float | list[float] | Expansion | None = Field(default=None, description="expansion coefficient, ppm/K")
    angle: float = Field(default=0.0, ge=-360, le=360, description="degrees, in the r-z or x-y plane")
    euler: tuple[_Turn, _Turn, _Turn] | None = Field(
        default=None, description="3d: degrees (a, b, c); the axes 1, 2, 3 are the columns of Rz(a) Rx(b) Rz(c)"
    )
    hardness: Annotated[float, Field(gt=0)] | None = Field(default=None, description="Vickers hardness, HV")
    yield_: Annotated[float, Field(gt=0)] | None = Field(default=None, alias="yield", description="yield strength, MPa")
    strength: Annotated[float, Field(gt=0)] | None = Field(default=None, description="tensile strength, MPa")
    family: str | None = None
    conductivity: Quantity | None = Field(default=None, description="thermal conductivity, W/(m K); axes as E")
    density: Annotated[float, Field(gt=0, le=_MAX_DENSITY)] | None = Field(default=None, description="kg/m3")
    heat_capacity: Parameter | None = Field(default=None, description="J/(kg K)")
    stress_free_temperature: Celsius | None = Field(default=None, description="degC, of this material alone")
    plastic: _TextName | PlasticSpec | None = Field(
        default=None, description='yield and hardening, or a set of the library entry ("library": its first)'
    )
    creep: _TextName | CreepSpec | None = Field(default=None, description="creep law, or a set of the library entry")
    anand: _TextName | AnandSpec | None = Field(
        default=None, description="Anand's law instead of plastic and creep, or a set of the library entry"
    )
    viscoelastic: _TextName | ViscoelasticSpec | None = Field(
        default=None, description="Prony series and shift, or a set of the library entry"
    )

    @field_validator("euler", mode="before")
    @classmethod
    def _as_tuple(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @model_validator(mode="after")
    def _possible(self) -> MaterialSpec:
        if self.euler is not None and self.angle:
            raise ValueError("euler: stands for angle; give one of them")
        for key in ("E", "G"):
            _limit(key, _numbers(getattr(self, key)), _MIN_MODULUS, _MAX_MODULUS)
        if self.G is None and not isinstance(self.nu, list):
            for number in _numbers(self.nu):
                if not -1 < number < 0.5:
                    raise ValueError(f"nu: {number:g} is not between -1 and 0.5 (both excluded)")
        for number in _numbers(self.cte):
            if not abs(number) <= _MAX_CTE:
                raise ValueError(f"cte: {number:g} is not between {-_MAX_CTE:g} and {_MAX_CTE:g}")
        _limit("conductivity", _numbers(self.conductivity), _MIN_CONDUCTIVITY, _MAX_CONDUCTIVITY)
        if isinstance(self.conductivity, list) and len(self.conductivity) != 3:
            raise ValueError(f"conductivity: {len(self.conductivity)} values; give one, or three for the axes 1, 2, 3")
        _limit("heat_capacity", _numbers(self.heat_capacity), 1.0e-6, _MAX_HEAT_CAPACITY)
        return self

    @model_validator(mode="after")
    def _laws_fit(self) -> MaterialSpec:
        given = [key for key in ("plastic", "creep", "anand", "viscoelastic") if getattr(self, key) is not None]
        for key in ("anand", "viscoelastic"):
            if key in given and len(given) > 1:
                others = " and ".join(other for other in given if other != key)
                raise ValueError(f"{key}: stands alone; leave out {others}")
        return self

    @property
    def laws(self) -> dict[str, LawSpec]:
        """The inelastic laws given in full, by their key."""
        found = {key: getattr(self, key) for key in ("plastic", "creep", "anand", "viscoelastic")}
        return {key: law for key, law in found.items() if law is not None and not isinstance(law, str)}


def _limit(key: str, numbers: list[float], low: float, high: float) -> None:
    for number in numbers:
        if not low <= number <= high:
            limit = "> 0" if number <= 0 else f"<= {high:g}" if number > 1 else f">= {low:g}"
            raise ValueError(f"{key}: {number:g} is not {limit}")


def _numbers(value: Quantity | list[float] | Expansion | None) -> list[float]:
    """All values of a property, those of its tables too."""
    if isinstance(value, Expansion):
        return numbers_of(value.secant) + numbers_of(value.instantaneous)
    return numbers_of(value)


class CompositeLayer(Strict):
    """One layer of a laminate."""

    material: MaterialRef
    thickness: Positive


class CompositeSpec(Strict):
    """An inline material made of others: particles in a matrix, bounds for them, coated particles, or a stack of
    layers.

    ``fraction`` is the particles' share of the volume (of coated particles: with their coating). Layers lie normal to
    axis 3.
    """

    composite: Literal["mori-tanaka", "hashin-shtrikman-lower", "hashin-shtrikman-upper", "coated-spheres", "laminate"]
    matrix: MaterialRef | None = None
    particles: MaterialRef | None = None
    fraction: Annotated[float, Field(ge=0, le=1)] | None = Field(default=None, description="by volume")
    coating: MaterialRef | None = Field(default=None, description="of the particles (coated-spheres)")
    core_radius: Positive | None = Field(default=None, description="of a coated particle, um")
    coating_thickness: Positive | None = Field(default=None, description="um")
    layers: list[CompositeLayer] | None = Field(default=None, description="of a laminate")
    angle: float = Field(default=0.0, ge=-360, le=360)
    hardness: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="Vickers hardness, HV; not computed"
    )
    yield_: Annotated[float, Field(gt=0)] | None = Field(
        default=None, alias="yield", description="yield strength, MPa; not computed"
    )
    family: str | None = None

    @model_validator(mode="after")
    def _whole(self) -> CompositeSpec:
        wanted = {
            "laminate": ("layers",),
            "coated-spheres": ("matrix", "particles", "fraction", "coating", "core_radius", "coating_thickness"),
        }
        needed = wanted.get(self.composite, ("matrix", "particles", "fraction"))
        known = ("matrix", "particles", "fraction", "coating", "core_radius", "coating_thickness", "layers")
        for key in needed:
            if getattr(self, key) is None:
                raise ValueError(f"{key}: missing; a {self.composite} composite needs {', '.join(needed)}")
        for key in known:
            if key not in needed and getattr(self, key) is not None:
                raise ValueError(f"{key}: not a key of a {self.composite} composite, which takes {', '.join(needed)}")
        return self


MaterialRef: TypeAlias = Annotated[str, Field(min_length=1)] | MaterialSpec | CompositeSpec


Materials: TypeAlias = dict[str, MaterialRef]
