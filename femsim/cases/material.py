"""What a case file may say of a material: numbers, tables over temperature, expansion, composites."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, model_validator

from femsim.cases.keys import Celsius, Positive, Strict

_MIN_MODULUS, _MAX_MODULUS = 1.0e-10, 1.0e5  # GPa: a millionth of a gel, eighty times diamond


_MAX_CTE = 1.0e4  # ppm/K


class Table(Strict):
    """A property tabulated over temperature: linear in between, and a warning (constant) outside."""

    T: list[Celsius] = Field(min_length=1)
    value: list[float] = Field(min_length=1)

    @model_validator(mode="after")
    def _ascending(self) -> Table:
        if len(self.T) != len(self.value):
            raise ValueError(f"T has {len(self.T)} entries, value has {len(self.value)}")
        if any(b <= a for a, b in zip(self.T, self.T[1:], strict=False)):
            raise ValueError("T must ascend")
        return self


Quantity: TypeAlias = float | Table | list[float | Table]


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
    hardness: Annotated[float, Field(gt=0)] | None = Field(default=None, description="Vickers hardness, HV")
    yield_: Annotated[float, Field(gt=0)] | None = Field(default=None, alias="yield", description="yield strength, MPa")
    family: str | None = None

    @model_validator(mode="after")
    def _possible(self) -> MaterialSpec:
        for key in ("E", "G"):
            for number in _numbers(getattr(self, key)):
                if not _MIN_MODULUS <= number <= _MAX_MODULUS:
                    limit = "> 0" if number <= 0 else f"<= {_MAX_MODULUS:g}" if number > 1 else f">= {_MIN_MODULUS:g}"
                    raise ValueError(f"{key}: {number:g} is not {limit}")
        if self.G is None and not isinstance(self.nu, list):
            for number in _numbers(self.nu):
                if not -1 < number < 0.5:
                    raise ValueError(f"nu: {number:g} is not between -1 and 0.5 (both excluded)")
        for number in _numbers(self.cte):
            if not abs(number) <= _MAX_CTE:
                raise ValueError(f"cte: {number:g} is not between {-_MAX_CTE:g} and {_MAX_CTE:g}")
        return self


def _numbers(value: Quantity | list[float] | Expansion | None) -> list[float]:
    """All values of a property, those of its tables too."""
    if isinstance(value, Expansion):
        return _numbers(value.secant) + _numbers(value.instantaneous)
    if isinstance(value, Table):
        return list(value.value)
    if isinstance(value, list):
        return [number for entry in value for number in _numbers(entry)]
    return [] if value is None else [value]


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
