"""Points into cases and columns: values as overrides of the case, and as a dataset stores them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from femsim.cases.case import Case
from femsim.cases.casefile import apply_overrides, parse_case, toml_value

Kind: TypeAlias = Literal["number", "integer", "boolean", "text", "table"]


def kind_of(values: Sequence[Any]) -> Kind:
    """How a parameter's values are stored: ``table`` is anything else, as JSON text."""
    if all(isinstance(v, bool) for v in values):
        return "boolean"
    if all(isinstance(v, int) and not isinstance(v, bool) and abs(v) < 2**53 for v in values):
        return "integer"
    if all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        return "number"
    return "text" if all(isinstance(v, str) for v in values) else "table"


def stored(value: Any, kind: Kind) -> Any:
    """A value as its column holds it."""
    if kind == "number":
        return float(value)
    return json.dumps(value, sort_keys=True) if kind == "table" else value


def restored(value: Any, kind: Kind) -> Any:
    """The value that a column's entry stands for."""
    return json.loads(value) if kind == "table" else value


def overrides(keys: Sequence[str], values: Sequence[Any]) -> list[str]:
    """``KEY=VALUE`` for every key."""
    return [f"{key}={toml_value(value)}" for key, value in zip(keys, values, strict=True)]


def case_of(data: Mapping[str, Any], keys: Sequence[str], values: Sequence[Any], file: str) -> Case:
    """The case with a point's values in place. Raises InputError where the schema refuses one."""
    given = overrides(keys, values)
    return parse_case(apply_overrides(data, given, file), file, given)
