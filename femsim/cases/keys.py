"""The base of all models read from files, and the numbers they are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from femsim.base.errors import InputError


@dataclass(frozen=True)
class In:
    """The unit of a type's numbers; in the JSON Schema it is ``unit``."""

    unit: str

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "unit": self.unit}


MAX_LENGTH = 1.0e7  # um: ten metres; more is a slip of units
Positive = Annotated[float, Field(gt=0, le=MAX_LENGTH), In("um")]
NonNegative = Annotated[float, Field(ge=0, le=MAX_LENGTH), In("um")]
Coordinate = Annotated[float, Field(ge=-MAX_LENGTH, le=MAX_LENGTH), In("um")]
Celsius = Annotated[float, Field(ge=-273.15, le=4000), In("degC")]
#: two coordinates, three in 3D
Vector = Annotated[tuple[Coordinate, ...], Field(min_length=2, max_length=3)]
#: a point, or the name of one
Place = Vector | Annotated[str, Field(min_length=1)]
#: a part of something else, as a whole or as nothing at most
Fraction = Annotated[float, Field(ge=0, le=1)]


class Strict(BaseModel):
    """Frozen, no unknown keys, numbers are numbers (no text, no NaN, no infinity)."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, defer_build=True)

    def tables(self) -> dict[str, Any]:
        """What was given, as the tables of a file: keys left at their defaults are missing."""
        fields = type(self).model_fields
        return {
            field.alias or name: _plain(getattr(self, name))
            for name, field in fields.items()
            if name in self.model_fields_set
        }

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy, with the keys of ``update`` changed and everything checked as in a file.

        Raises InputError where the changed keys cannot be.
        """
        if not update:
            return super().model_copy(deep=deep)
        from femsim.cases.wording import dotted, first_finding

        fields = type(self).model_fields
        changed = {(fields[k].alias or k) if k in fields else k: v for k, v in update.items()}
        data = {**self.tables(), **changed}
        try:
            return type(self).model_validate(data)
        except ValidationError as error:
            finding = first_finding(error, {k: _plain(v) for k, v in data.items()}, type(self))
            raise InputError(f"{dotted(finding.path)}: {finding.text}") from None


def _plain(value: Any) -> Any:
    if isinstance(value, Strict):
        return value.tables()
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    return [_plain(entry) for entry in value] if isinstance(value, list | tuple) else value


class PointData(Strict):
    """A temperature field taken from an imported mesh's point data (degC)."""

    point_data: str = Field(min_length=1)


class Geometry(Strict):
    """Dimensions of a stack, some of which may be given relative to others.

    A relative key stands for an absolute one: of the two at most one is given. Afterwards both have their values, and
    written out is the absolute one.
    """

    #: relative key -> the absolute key it stands for
    STANDS_FOR: ClassVar[dict[str, str]] = {}

    @classmethod
    def placed(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Absolute values for the keys left out, from relative ones or their defaults. ``given`` is not checked yet: a
        value that is no number leaves out what depends on it. Raises ValueError where something has no room.
        """
        return {}

    def relative(self) -> dict[str, Any]:
        """The relative keys' values for these dimensions; None where they have none."""
        return {}

    def check(self) -> None:
        """Raises ValueError, naming both keys, where the dimensions do not fit together."""

    @model_validator(mode="wrap")
    @classmethod
    def _place(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(data, dict):
            return handler(data)
        given = {key: value for key, value in data.items() if value is not None}
        for key, absolute in cls.STANDS_FOR.items():
            if key in given and absolute in given:
                raise ValueError(f"give {absolute} or {key}, not both")
        made = handler({**data, **cls.placed(given)})
        made.model_fields_set.intersection_update(given)
        made.check()
        for key, value in made.relative().items():
            if key not in given:
                made.__dict__[key] = value
        return made


def relative_key(default: float | list[float] | None, description: str) -> Any:
    """A field that stands for another one and is not written out."""
    return Field(default=default, exclude=True, validate_default=False, description=description)


def absolute_key(description: str) -> Any:
    """A field whose default follows from others."""
    return Field(default_factory=lambda: cast(Any, None), validate_default=False, description=description)


def number(given: Mapping[str, Any], key: str, default: float | None = None) -> float | None:
    """A finite number under a key that is not checked yet; None where there is something else."""
    value = given.get(key, default)
    usable = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")
    return float(value) if usable else None


#: coordinates that a line may be constant in
COORDINATES = ("r", "z", "x", "y")


class OnLine(Strict):
    """What names a line of constant r, z, x or y, which a range of the other coordinate may cut: ``z = 90, r = [0,
    50]``.
    """

    def level(self) -> tuple[str, float] | None:
        """Axis and value of the line of constant coordinate, None where there is none."""
        for axis in COORDINATES:
            value = getattr(self, axis, None)
            if value is not None and not isinstance(value, list):
                return axis, float(value)
        return None

    def ranges(self) -> dict[str, tuple[float, float]]:
        """The ranges that cut the line, by axis."""
        found = {axis: getattr(self, axis, None) for axis in COORDINATES}
        return {axis: (value[0], value[1]) for axis, value in found.items() if isinstance(value, list)}
