"""Units of a case's keys, read off the schema: the only place that says them.

A field's unit is the one that a phrase of its description begins with (``"Young's modulus, GPa"``, ``"W/m2 into the
body"``), or else that of its type (lengths in um, temperatures in degC); what has neither takes that of the table it
stands in, as the values of a property tabulated over temperature do.
"""

from __future__ import annotations

import functools
import re
import types
from collections.abc import Iterator
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from femsim.cases.keys import In

#: what counts as a unit in a description
KNOWN = (
    "um", "1/um", "inch", "MPa", "GPa", "1/MPa", "psi", "degC", "K", "ppm/K", "HV", "s", "1/s", "J/mol", "degrees",
     "rad", "rad/s", "m/s2", "N", "N/m3", "W", "W/(m K)", "W/(m2 K)", "W/m2", "W/m3", "mm2 K/W", "kg/m3", "J/(kg K)",
)  # fmt: skip


@functools.cache
def key_unit(kind: type[BaseModel], key: str) -> str:
    """The unit of a dotted key of a case (or of any other model read from files); empty for what has none."""
    unit, nodes = "", list(_kinds(kind))
    for part in key.split("."):
        found: list[tuple[str, list[Any]]] = []
        for node in nodes:
            origin = get_origin(node)
            if origin in (list, tuple) and part.isdecimal():
                found.append((_of_types(node), [k for inner in get_args(node) for k in _kinds(inner)]))
            elif origin is dict:
                found.append(("", list(_kinds(get_args(node)[1]))))
            elif isinstance(node, type) and issubclass(node, BaseModel):
                field = next((f for n, f in node.model_fields.items() if part == (f.alias or n)), None)
                if field is not None:
                    found.append((_of_field(field), list(_kinds(field.annotation))))
        if not found:
            return ""
        unit = next((own for own, _ in found if own), unit)
        nodes = [node for _, inner in found for node in inner]
    return unit


def _of_field(field: FieldInfo) -> str:
    phrases = re.split(r"[,;:]\s*", field.description or "")
    said = next((unit for phrase in phrases for unit in KNOWN if f"{phrase} ".startswith(f"{unit} ")), "")
    return said or next((m.unit for m in field.metadata if isinstance(m, In)), "") or _of_types(field.annotation)


def _of_types(annotation: Any) -> str:
    """The unit that an annotation's numbers carry, not looking into models."""
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        return next((m.unit for m in metadata if isinstance(m, In)), "") or _of_types(inner)
    return next((unit for inner in get_args(annotation) if (unit := _of_types(inner))), "")


def _kinds(annotation: Any) -> Iterator[Any]:
    """Models, lists, tables and scalars that a value may be, through unions."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _kinds(get_args(annotation)[0])
    elif origin is Union or isinstance(annotation, types.UnionType):
        for inner in get_args(annotation):
            yield from _kinds(inner)
    else:
        yield annotation
