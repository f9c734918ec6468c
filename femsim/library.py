"""The material library and the shipped cases: where their files lie, what a material file may say, and its checks.

One TOML file is one material, and each of its numbers names the source it was taken from. This module reads such a file
into a checked, immutable model and turns it into the inline-material table that case files use. Units are the outer ones:
GPa, ppm/K, MPa, HV, degC, kg/m3, W/(m K). Listing names is a directory scan; numpy is never needed here.
"""

from __future__ import annotations

import functools
import math
import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, StringConstraints, ValidationError, model_validator

from femsim.errors import InputError, nearest

ABSOLUTE_ZERO = -273.15
Triple = tuple[float, float, float]


def _number(raw: object) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise ValueError(f"{raw!r} is not a number")
    if not math.isfinite(raw):
        raise ValueError(f"{raw} is not a finite number")
    return float(raw)


def _positive(raw: object) -> float:
    if (number := _number(raw)) <= 0.0:
        raise ValueError(f"{raw} is not > 0")
    return number


def _numbers(raw: object) -> tuple[float, ...]:
    if not isinstance(raw, list | tuple) or not raw:
        raise ValueError(f"{raw!r} is not a list of numbers")
    return tuple(_number(entry) for entry in raw)


def _temperatures(raw: object) -> tuple[float, ...]:
    T = _numbers(raw)
    if len(T) < 2 or any(b <= a for a, b in zip(T, T[1:], strict=False)):
        raise ValueError(f"{list(T)} is not a list of two or more ascending temperatures")
    if T[0] < ABSOLUTE_ZERO:
        raise ValueError(f"{T[0]} lies below absolute zero")
    return T


def _axes(raw: object) -> float | Triple:
    if not isinstance(raw, list | tuple):
        return _number(raw)
    values = _numbers(raw)
    if len(values) != 3:
        raise ValueError(f"{raw!r} is neither a number nor a list of three (axes 1, 2, 3)")
    return (values[0], values[1], values[2])


def _interval(raw: object) -> tuple[float, float]:
    values = _numbers(raw)
    if len(values) != 2 or values[0] > values[1]:
        raise ValueError(f"{raw!r} is not a pair [lowest, highest]")
    return (values[0], values[1])


Number = Annotated[float, PlainValidator(_number)]
Positive = Annotated[float, PlainValidator(_positive)]
Temperatures = Annotated[tuple[float, ...], PlainValidator(_temperatures)]
Numbers = Annotated[tuple[float, ...], PlainValidator(_numbers)]
Interval = Annotated[tuple[float, float], PlainValidator(_interval)]
Axes = Annotated[float | Triple, PlainValidator(_axes)]
Text = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, min_length=1)]
Word = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Model):
    """Where numbers come from: an author's work (author, title, year) or a vendor's data sheet (vendor, document).

    ``checked`` is true only where the cited place was read (at least in excerpt) when the file was written.
    """

    id: Word
    kind: Literal["paper", "book", "handbook", "data-sheet", "report", "thesis", "database", "documentation"]
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
    note: Text | None = None

    @model_validator(mode="after")
    def _named(self) -> Self:
        if not (self.author and self.title and self.year) and not (self.vendor and self.document):
            raise ValueError(f"source {self.id!r} needs author, title and year, or vendor and document")
        return self

    def citation(self) -> str:
        """One line of text for reports."""
        parts = (self.author or self.vendor, self.title or self.document, self.journal, self.publisher, self.year, self.where)
        return ", ".join(str(part) for part in parts if part)


class _Sourced(_Model):
    range: Interval | None = None
    source: Annotated[tuple[Word, ...], Field(min_length=1)]
    note: Text | None = None


class Table(_Model):
    """A property over temperature (degC), linear between its points."""

    T: Temperatures
    value: Numbers

    @model_validator(mode="after")
    def _same_length(self) -> Self:
        if len(self.T) != len(self.value):
            raise ValueError(f"T has {len(self.T)} entries, value has {len(self.value)}")
        return self


def _table_or_axes(raw: object) -> Table | float | Triple:
    return Table.model_validate(raw) if isinstance(raw, dict) else _axes(raw)


class Property(_Sourced):
    """A number, three numbers (axes 1, 2, 3, or pairs 12, 13, 23), or with ``T`` a table over temperature."""

    T: Temperatures | None = None
    value: Annotated[float | tuple[float, ...], PlainValidator(lambda raw: _numbers(raw) if isinstance(raw, list) else _number(raw))]

    @model_validator(mode="after")
    def _shape(self) -> Self:
        if self.T is None:
            _axes(self.value)
        elif isinstance(self.value, float) or len(self.value) != len(self.T):
            raise ValueError(f"T has {len(self.T)} entries, value is {self.value}")
        if self.range and isinstance(self.value, float) and not self.range[0] <= self.value <= self.range[1]:
            raise ValueError(f"value {self.value} lies outside its own range {list(self.range)}")
        return self

    @property
    def axes(self) -> bool:
        """Whether the three values belong to axes rather than to temperatures."""
        return self.T is None and not isinstance(self.value, float)

    @property
    def values(self) -> tuple[float, ...]:
        return (self.value,) if isinstance(self.value, float) else self.value

    def to_spec(self) -> object:
        if self.T is not None:
            return {"T": list(self.T), "value": list(self.values)}
        return list(self.values) if self.axes else self.value


class Scalar(_Sourced):
    """One positive number."""

    value: Positive

    @model_validator(mode="after")
    def _inside(self) -> Self:
        if self.range and not self.range[0] <= self.value <= self.range[1]:
            raise ValueError(f"value {self.value} lies outside its own range {list(self.range)}")
        return self


class Expansion(_Sourced):
    """Expansion coefficient: ``secant`` (mean from ``reference``) or ``instantaneous``, the slope at each temperature."""

    secant: Annotated[Table | float | Triple | None, PlainValidator(_table_or_axes)] = None
    instantaneous: Annotated[Table | float | Triple | None, PlainValidator(_table_or_axes)] = None
    reference: Number | None = None

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.secant is None) == (self.instantaneous is None):
            raise ValueError("give exactly one of secant and instantaneous")
        if isinstance(self.secant, Table) and self.reference is None:
            raise ValueError("a secant table needs the reference temperature its means start from")
        if self.instantaneous is not None and self.reference is not None:
            raise ValueError("reference belongs to secant only")
        return self

    def to_spec(self) -> object:
        raw = self.secant if self.secant is not None else self.instantaneous
        if isinstance(raw, Table):
            plain: object = {"T": list(raw.T), "value": list(raw.value)}
        else:
            plain = list(raw) if isinstance(raw, tuple) else raw
        if self.instantaneous is not None:
            return {"instantaneous": plain}
        return plain if self.reference is None else {"secant": plain, "reference": self.reference}


class MaterialFile(_Model):
    """What one file of the library says; ``family`` is what the claims call "the same material"."""

    name: Word
    description: Text
    family: Word
    class_: Literal["metal", "solder", "semiconductor", "ceramic", "glass", "polymer", "composite"] = Field(alias="class")
    youngs_modulus: Property
    poisson_ratio: Property
    shear_modulus: Property | None = None
    cte: Expansion
    hardness: Scalar | None = None
    yield_strength: Scalar | None = None
    density: Scalar | None = None
    thermal_conductivity: Scalar | None = None
    note: Text | None = None
    source: Annotated[tuple[Source, ...], Field(min_length=1)]

    @property
    def properties(self) -> dict[str, _Sourced]:
        """The property tables that the file gives, by key."""
        return {key: entry for key in type(self).model_fields if isinstance(entry := getattr(self, key), _Sourced)}

    def sources(self, key: str) -> tuple[Source, ...]:
        """The sources of one property."""
        return tuple(entry for entry in self.source if entry.id in self.properties[key].source)

    @model_validator(mode="after")
    def _sources_fit(self) -> Self:
        ids = [entry.id for entry in self.source]
        if twice := {entry for entry in ids if ids.count(entry) > 1}:
            raise ValueError(f"source id given twice: {', '.join(sorted(twice))}")
        for key, entry in self.properties.items():
            for wanted in entry.source:
                if wanted not in ids:
                    raise ValueError(f"{key}.source: no source {wanted!r} in this file{nearest(wanted, ids)}")
        if unused := set(ids).difference(*(entry.source for entry in self.properties.values())):
            raise ValueError(f"source used by no number: {', '.join(sorted(unused))}")
        return self

    @model_validator(mode="after")
    def _physical(self) -> Self:
        E, nu, G = self.youngs_modulus, self.poisson_ratio, self.shear_modulus
        for key, entry in (("youngs_modulus", E), ("shear_modulus", G)):
            if entry and min(entry.values) <= 0.0:
                raise ValueError(f"{key}.value: {min(entry.values)} is not > 0")
        if not E.axes and not nu.axes and G is None:
            for value in nu.values:
                if not -1.0 < value < 0.5:
                    raise ValueError(f"poisson_ratio.value: {value} is not between -1 and 0.5")
            return self
        if G is None or not (E.axes and nu.axes and G.axes):
            raise ValueError("an orthotropic material needs three values each of youngs_modulus, poisson_ratio, shear_modulus")
        (E1, E2, E3), (n12, n13, n23) = E.values, nu.values
        a, b, c = n12 * math.sqrt(E2 / E1), n13 * math.sqrt(E3 / E1), n23 * math.sqrt(E3 / E2)
        if max(abs(a), abs(b), abs(c)) >= 1.0 or 1.0 - a * a - b * b - c * c - 2.0 * a * b * c <= 1e-9:
            raise ValueError("poisson_ratio.value: the compliance of these moduli and ratios is not positive definite")
        return self

    def to_spec(self) -> dict[str, object]:
        """The inline-material table of a case file."""
        spec: dict[str, object] = {"E": self.youngs_modulus.to_spec(), "nu": self.poisson_ratio.to_spec(), "cte": self.cte.to_spec()}
        if self.shear_modulus:
            spec["G"] = self.shear_modulus.to_spec()
        if self.hardness:
            spec["hardness"] = self.hardness.value
        if self.yield_strength:
            spec["yield"] = self.yield_strength.value
        return spec | {"family": self.family}


def data_path(kind: Literal["materials", "meshes"]) -> Path:
    """The directory of shipped files: inside an installed package, or else in the checkout beside pyproject.toml."""
    package = Path(str(resources.files("femsim")))
    if (installed := package / "_data" / kind).is_dir():
        return installed
    if (package.parent / "pyproject.toml").is_file() and (checkout := package.parent / kind).is_dir():
        return checkout
    raise InputError(f"the shipped {kind} are missing: neither {package / '_data' / kind} nor {package.parent / kind} is a directory")


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
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: {error}".replace("\n", " ")) from None
    try:
        material = MaterialFile.model_validate(raw)
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
        models: tuple[type[BaseModel], ...] = (MaterialFile, Property, Expansion, Source)
        keys = {field.alias or key for model in models for key, field in model.model_fields.items()}
        return f"{where}: unknown key{nearest(str(first['loc'][-1]), keys)}"
    message = str(first["msg"]).removeprefix("Value error, ").replace("\n", " ")
    return f"{where}: {message}" if where else message
