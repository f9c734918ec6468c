"""The material library and the shipped cases: where their files lie, what a material file may say, and its checks.

One TOML file is one material, and each of its numbers names the source it was taken from. This module reads such a file
into a checked, immutable model and turns it into the inline-material table that case files use. Units are the outer
ones: GPa, ppm/K, MPa, HV, degC, kg/m3, W/(m K). Listing names is a directory scan; numpy is never needed here.
"""

from __future__ import annotations

import functools
import itertools
import math
import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from femsim.base.errors import InputError, nearest
from femsim.cases.fatigue import FatigueSpec
from femsim.cases.laws import LAWS, AnandSpec, CreepSpec, PlasticSpec, ViscoelasticSpec

SPEC_KEYS = {"E": "youngs_modulus", "nu": "poisson_ratio", "G": "shear_modulus", "cte": "cte"}
SPEC_KEYS |= {"hardness": "hardness", "yield": "yield_strength", "strength": "strength"}
SPEC_KEYS |= {"conductivity": "thermal_conductivity", "density": "density", "heat_capacity": "heat_capacity"}
SCALARS = ("hardness", "yield_strength", "strength", "density", "melting_point")
#: units of the property tables, as they are shown
UNITS = {
    "youngs_modulus": "GPa", "poisson_ratio": "", "shear_modulus": "GPa", "cte": "ppm/K", "hardness": "HV",
    "yield_strength": "MPa", "strength": "MPa", "density": "kg/m3", "thermal_conductivity": "W/(m K)",
    "heat_capacity": "J/(kg K)", "melting_point": "degC",
}  # fmt: skip
POSITIVE = ("youngs_modulus", "shear_modulus", "thermal_conductivity", "heat_capacity", *SCALARS)


def _number(raw: object) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise ValueError(f"{raw!r} is not a number")
    if not math.isfinite(raw):
        raise ValueError(f"{raw} is not a finite number")
    return float(raw)


def _value(raw: object) -> float | tuple[float, ...]:
    return tuple(_number(entry) for entry in raw) if isinstance(raw, list | tuple) else _number(raw)


def _as_tuple(raw: object) -> object:
    return tuple(raw) if isinstance(raw, list) else raw


Number = Annotated[float, BeforeValidator(_number)]
Numbers = tuple[Number, ...]
Text = Annotated[str, Field(strict=True, min_length=1)]
Word = Annotated[str, Field(strict=True, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Source(_Model):
    """A work (author, title, year) or a vendor's document; ``checked`` where the cited place was read for this file,
    ``quoted`` names another text that was read instead and quotes it.
    """

    id: Word
    kind: Literal[
        "paper", "handbook", "data-sheet", "report", "standard", "database", "manual", "calculation", "estimate"
    ]
    author: Text | None = None
    title: Text | None = None
    year: Annotated[int, Field(strict=True, ge=1800, le=2100)] | None = None
    vendor: Text | None = None
    document: Text | None = None
    where: Text
    journal: Text | None = None
    publisher: Text | None = None
    url: Text | None = None
    checked: Annotated[bool, Field(strict=True)] = False
    quoted: Text | None = None
    note: Text | None = None

    @property
    def seen(self) -> str:
        """Whether the number was read: at its place, where another text quotes it, or not."""
        return "read" if self.checked else f"read in {self.quoted}" if self.quoted else "not read in the original"

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.checked and self.quoted:
            raise ValueError(f"source {self.id!r} is checked: what quotes it need not be named")
        if not (self.author and self.title and self.year) and not (self.vendor and self.document):
            raise ValueError(f"source {self.id!r} needs author, title and year, or vendor and document")
        return self

    def citation(self) -> str:
        """One line of text for reports."""
        parts = (
            self.author or self.vendor,
            self.title or self.document,
            self.journal,
            self.publisher,
            self.year,
            self.where,
        )
        return ", ".join(str(part) for part in parts if part)


class Curve(_Model):
    """A number, three numbers (axes 1, 2, 3, or pairs 12, 13, 23), or with ``T`` values over temperature (degC)."""

    T: Numbers | None = None
    value: Annotated[float | tuple[float, ...], BeforeValidator(_value)]

    @model_validator(mode="after")
    def _shape(self) -> Self:
        T, count = self.T, len(self.values)
        if T is None and count != (1 if isinstance(self.value, float) else 3):
            raise ValueError(f"{list(self.values)} is neither a number nor three (axes 1, 2, 3); a table needs T")
        if T is not None and (isinstance(self.value, float) or len(T) != count or count < 2):
            raise ValueError(f"T has {len(T)} entries, value is {self.value}; a table needs two or more of each")
        if T is not None and (T[0] < -273.15 or any(b <= a for a, b in itertools.pairwise(T))):
            raise ValueError(f"T = {list(T)} does not ascend from absolute zero or above")
        return self

    @property
    def values(self) -> tuple[float, ...]:
        return (self.value,) if isinstance(self.value, float) else self.value

    @property
    def axes(self) -> bool:
        """Whether the three values belong to axes rather than to temperatures."""
        return self.T is None and len(self.values) == 3

    def spec(self) -> object:
        """The value as an inline material states it."""
        plain = self.value if isinstance(self.value, float) else list(self.value)
        return plain if self.T is None else {"T": list(self.T), "value": plain}


class _Sourced(_Model):
    """``range``: what other sources say, at room temperature; ``note``: which was chosen, and why."""

    range: Numbers | None = None
    source: Annotated[tuple[Word, ...], Field(min_length=1)]
    note: Text | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.range is not None and (len(self.range) != 2 or self.range[0] > self.range[1]):
            raise ValueError(f"range: {list(self.range)} is not [lowest, highest]")
        value = getattr(self, "value", None)
        if self.range and isinstance(value, float) and not self.range[0] <= value <= self.range[1]:
            raise ValueError(f"value {value} lies outside its own range {list(self.range)}")
        return self


class Property(Curve, _Sourced):
    """One property table of a file."""


Coefficient = Annotated[Curve | None, BeforeValidator(lambda raw: raw if isinstance(raw, dict) else {"value": raw})]


class Expansion(_Sourced):
    """Expansion coefficient: ``secant`` (mean from ``reference``) or ``instantaneous``, the slope at each
    temperature.
    """

    secant: Coefficient = None
    instantaneous: Coefficient = None
    reference: Number | None = None

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.secant is None) == (self.instantaneous is None):
            raise ValueError("give exactly one of secant and instantaneous")
        if (self.reference is None and self.secant and self.secant.T) or (
            self.reference is not None and self.instantaneous
        ):
            raise ValueError(
                "reference: a secant table needs the temperature its means start from; instantaneous has none"
            )
        return self

    def spec(self) -> object:
        """The coefficient as an inline material states it."""
        if self.instantaneous:
            return {"instantaneous": self.instantaneous.spec()}
        plain = self.secant.spec() if self.secant else None
        return plain if self.reference is None else {"secant": plain, "reference": self.reference}


class _Set(_Model):
    """One set of parameters of a law, of several an entry may hold; the first of each law is the one to take."""

    id: Word
    description: Text
    source: Annotated[tuple[Word, ...], BeforeValidator(_as_tuple), Field(min_length=1)]
    note: Text | None = None

    @model_validator(mode="after")
    def _own(self) -> Self:
        if getattr(self, "like", None) is not None:
            raise ValueError("like: a set of the library stands in numbers")
        return self

    def law(self) -> dict[str, object]:
        """The set as an inline material states it."""
        return self.model_dump(by_alias=True, exclude_none=True, exclude=set(_Set.model_fields))


class PlasticSet(PlasticSpec, _Set):
    """A set of yield and hardening."""


class CreepSet(CreepSpec, _Set):
    """A set of a creep law."""


class AnandSet(AnandSpec, _Set):
    """A set of Anand's nine parameters."""


class ViscoelasticSet(ViscoelasticSpec, _Set):
    """A set of relaxation data."""


class FatigueSet(FatigueSpec, _Set):
    """A set of fatigue constants; ``fitted`` says with which law of the material."""

    fitted: Text

    def law(self) -> dict[str, object]:
        """The constants as ``[[life]]`` of a case states them."""
        return {key: value for key, value in super().law().items() if key != "fitted"}

    @model_validator(mode="after")
    def _some_law(self) -> Self:
        if all(getattr(self, key) is None for key in FatigueSpec.model_fields if key != "thickness"):
            raise ValueError("give at least one of darveaux, syed_energy, syed_strain, coffin_manson, engelmaier")
        return self


Law = PlasticSet | CreepSet | AnandSet | ViscoelasticSet


class MaterialFile(_Model):
    """What one file of the library says; ``family`` is what the claims call "the same material"."""

    name: Word
    description: Text
    family: Word
    class_: Literal["metal", "solder", "semiconductor", "ceramic", "glass", "polymer", "composite"] = Field(
        alias="class"
    )
    youngs_modulus: Property
    poisson_ratio: Property
    shear_modulus: Property | None = None
    cte: Expansion
    hardness: Property | None = None
    yield_strength: Property | None = None
    strength: Property | None = None
    density: Property | None = None
    thermal_conductivity: Property | None = None
    heat_capacity: Property | None = None
    melting_point: Property | None = None
    plastic: tuple[PlasticSet, ...] = ()
    creep: tuple[CreepSet, ...] = ()
    anand: tuple[AnandSet, ...] = ()
    viscoelastic: tuple[ViscoelasticSet, ...] = ()
    fatigue: tuple[FatigueSet, ...] = ()
    note: Text | None = None
    source: Annotated[tuple[Source, ...], Field(min_length=1)]

    @property
    def properties(self) -> dict[str, Property | Expansion]:
        """The property tables that the file gives, by key."""
        return {
            key: entry
            for key in type(self).model_fields
            if isinstance(entry := getattr(self, key), Property | Expansion)
        }

    @property
    def sets(self) -> dict[str, tuple[Law, ...]]:
        """The sets of parameters that the file gives for each law, by the law's key."""
        return {key: found for key in LAWS if (found := getattr(self, key))}

    def set_of(self, law: str, name: str) -> Law:
        """The set of that name for a law; ``library`` is the first. Raises InputError where there is none."""
        found = self.sets.get(law, ())
        if not found:
            have = f"it has {', '.join(self.sets)}" if self.sets else "it has no inelastic law"
            raise InputError(f"{self.name!r} has no {law} data in the library ({have}); give the parameters")
        names = [entry.id for entry in found]
        if name != "library" and name not in names:
            raise InputError(
                f"no {law} set {name!r} of {self.name!r}{nearest(name, names)}; there are: library, {', '.join(names)}"
            )
        return found[0 if name == "library" else names.index(name)]

    def sources(self, key: str) -> tuple[Source, ...]:
        """The sources of one property."""
        return self.cited(self.properties[key].source)

    def cited(self, ids: tuple[str, ...]) -> tuple[Source, ...]:
        """The sources of these names."""
        return tuple(entry for entry in self.source if entry.id in ids)

    def from_memory(self, ids: tuple[str, ...]) -> bool:
        """Whether none of these sources was read, not even as a quotation: a number from them is to be checked."""
        return not any(entry.checked or entry.quoted for entry in self.cited(ids))

    @property
    def unread(self) -> tuple[str, ...]:
        """The properties and sets whose sources were not read."""
        sets = {f"{law}.{entry.id}": entry.source for law, found in self._all_sets().items() for entry in found}
        numbers = {key: entry.source for key, entry in self.properties.items()} | sets
        return tuple(key for key, ids in numbers.items() if self.from_memory(ids))

    @property
    def numbers(self) -> int:
        """How many properties and sets the file gives."""
        return len(self.properties) + sum(map(len, self._all_sets().values()))

    def _all_sets(self) -> dict[str, tuple[Law | FatigueSet, ...]]:
        return {**self.sets, **({"fatigue": self.fatigue} if self.fatigue else {})}

    @model_validator(mode="after")
    def _sources_fit(self) -> Self:
        ids = [entry.id for entry in self.source]
        used = {name: key for key, entry in self.properties.items() for name in entry.source}
        for law, sets in self._all_sets().items():
            used |= {name: f"{law}.{entry.id}" for entry in sets for name in entry.source}
            names = [entry.id for entry in sets]
            if len(set(names)) < len(names) or "library" in names:
                raise ValueError(f"{law}: the ids {names} must differ, and none may be 'library'")
        for name in (name for name in used if name not in ids):
            raise ValueError(f"{used[name]}.source: no source {name!r} in this file{nearest(name, ids)}")
        if len(set(ids)) < len(ids) or set(ids) != set(used):
            raise ValueError(f"source: {ids} must each be given once and used by a number; used are {sorted(used)}")
        return self

    @model_validator(mode="after")
    def _physical(self) -> Self:
        for key in POSITIVE:
            entry: Property | None = getattr(self, key)
            if entry and (min(entry.values) <= 0.0 or (key in SCALARS and len(entry.values) > 1)):
                raise ValueError(f"{key}.value: {entry.value} is not > 0" + " or not one number" * (key in SCALARS))
        if self.heat_capacity and self.heat_capacity.axes:
            raise ValueError(
                f"heat_capacity.value: {list(self.heat_capacity.values)} has no axes; give one, or a table"
            )
        E, nu, G = self.youngs_modulus, self.poisson_ratio, self.shear_modulus
        if not E.axes and not nu.axes and G is None:
            if bad := [value for value in nu.values if not -1.0 < value < 0.5]:
                raise ValueError(f"poisson_ratio.value: {bad[0]} is not between -1 and 0.5")
            return self
        if G is None or not (E.axes and nu.axes and G.axes):
            raise ValueError(
                "an orthotropic material needs three values each of youngs_modulus, poisson_ratio, shear_modulus"
            )
        (E1, E2, E3), (n12, n13, n23) = E.values, nu.values
        a, b, c = n12 * math.sqrt(E2 / E1), n13 * math.sqrt(E3 / E1), n23 * math.sqrt(E3 / E2)
        if max(abs(a), abs(b), abs(c)) >= 1.0 or 1.0 - a * a - b * b - c * c - 2.0 * a * b * c <= 1e-9:
            raise ValueError("poisson_ratio.value: the compliance of these moduli and ratios is not positive definite")
        return self

    def to_spec(self) -> dict[str, object]:
        """The inline-material table of a case file."""
        given = self.properties
        return {short: given[key].spec() for short, key in SPEC_KEYS.items() if key in given} | {"family": self.family}


SECTIONS: tuple[type[BaseModel], ...] = (
    MaterialFile, Property, Expansion, Source, PlasticSet, CreepSet, AnandSet, ViscoelasticSet, FatigueSet,
)  # fmt: skip


def data_path(kind: Literal["materials", "meshes"]) -> Path:
    """The directory of shipped files: inside an installed package, or else in the checkout beside pyproject.toml."""
    package = Path(str(resources.files("femsim")))
    if (installed := package / "_data" / kind).is_dir():
        return installed
    if (package.parent / "pyproject.toml").is_file() and (checkout := package.parent / kind).is_dir():
        return checkout
    raise InputError(f"the shipped {kind} are missing: neither {installed} nor {package.parent / kind} is a directory")


def list_materials() -> list[str]:
    """The names of the library's materials."""
    return sorted(path.stem for path in data_path("materials").glob("*.toml"))


def list_cases() -> list[str]:
    """The names of the shipped cases."""
    return sorted(path.stem for path in data_path("meshes").glob("*.toml"))


def case_path(name: str) -> Path:
    """The file of a shipped case."""
    if name not in (names := list_cases()):
        raise InputError(f"no shipped case {name!r}{nearest(name, names)}; there are: {', '.join(names)}")
    return data_path("meshes") / f"{name}.toml"


@functools.cache
def read_material(name: str) -> MaterialFile:
    """The library's material of that name, checked."""
    if name not in (names := list_materials()):
        raise InputError(f"no material {name!r} in the library{nearest(name, names)}; `femsim materials` lists them")
    return read_material_file(data_path("materials") / f"{name}.toml")


def read_material_file(path: Path) -> MaterialFile:
    """A material file from anywhere; its ``name`` must be the file's stem."""
    try:
        material = MaterialFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: {error}".replace("\n", " ")) from None
    except ValidationError as error:
        raise InputError(f"{path}: {_first(error)}") from None
    if material.name != path.stem:
        raise InputError(f"{path}: name: {material.name!r} differs from the file's stem {path.stem!r}")
    return material


def _first(error: ValidationError) -> str:
    """The first finding on one line, with the key it belongs to and the nearest valid one."""
    first: Any = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        keys = {field.alias or key for kind in SECTIONS for key, field in kind.model_fields.items()}
        return f"{where}: unknown key{nearest(str(first['loc'][-1]), keys)}"
    message = str(first["msg"]).removeprefix("Value error, ").replace("\n", " ")
    return f"{where}: {message}" if where else message
