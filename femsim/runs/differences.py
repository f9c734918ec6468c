"""What differs between the inputs of cases: every key, and the same in short for tables that people read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from femsim.cases.case import Case
from femsim.cases.casefile import dump_case, parse_toml

Values = tuple[Any, ...]

#: the order in which a reader asks for them; what is not named comes last
_ORDER = (
    *("stack", "geometry", "block", "layer", "materials", "load", "step", "cycle", "heat", "harmonic", "board"),
    *("boundary", "body", "crack", "model", "mesh", "metrics"),
)
#: a table that is one thing to a reader: a material, or an entry of a list
_THING = re.compile(r"(materials\.[^.]+|\w+\.\d+\.material|\w+\.\d+)(?=\.)")
_MATERIAL = re.compile(r"(materials\.[^.]+|\w+\.\d+\.material)")
#: what a material is told by, beside its name
_TOLD = ("E", "nu", "cte")


def differences(cases: Sequence[Case]) -> dict[str, Values]:
    """Keys of the resolved cases whose values are not the same in all, names apart; None where a case lacks the key."""
    flat = [_flat(parse_toml(dump_case(case, {}), case.name)) for case in cases]
    keys = list(dict.fromkeys(key for one in flat for key in one))
    found = {key: tuple(one.get(key) for one in flat) for key in keys if key != "name"}
    return {key: values for key, values in found.items() if any(value != values[0] for value in values[1:])}


def in_short(found: Mapping[str, Sequence[Any]]) -> dict[str, Values]:
    """Differences for a reader: structure before materials before mesh; a material of another name, and an entry that a
    case has not got at all, in one line.

    >>> in_short({"mesh.size": (1, 2), "materials.low.E": (3.4, 2.9), "materials.low.like": ("polyimide", "bcb")})
    {'materials.low': ('polyimide, E 3.4', 'bcb, E 2.9'), 'mesh.size': (1, 2)}
    """
    short: dict[str, Values] = {}
    for key in sorted(found, key=_rank):
        things = [match for match in _prefixes(key) if _is_one(match, found)]
        if not things:
            short[key] = tuple(found[key])
        elif things[0] not in short:
            short[things[0]] = _told(things[0], found)
    return short


def _rank(key: str) -> int:
    first = key.split(".")[0]
    return _ORDER.index(first) if first in _ORDER else len(_ORDER)


def _prefixes(key: str) -> list[str]:
    """The things a key may be part of, the largest first: ``layer.0``, ``layer.0.material``."""
    listed = re.match(r"\w+\.\d+(?=\.)", key)
    found = [listed.group()] if listed else []
    matched = _THING.match(key)
    return found + ([matched.group()] if matched and matched.group() not in found else [])


def _is_one(thing: str, found: Mapping[str, Sequence[Any]]) -> bool:
    """Whether a case lacks it, or it is a material of another name."""
    if _MATERIAL.fullmatch(thing) and f"{thing}.like" in found:
        return True
    rows = [values for key, values in found.items() if key.startswith(f"{thing}.")]
    return any(all(row[i] is None for row in rows) for i in range(len(rows[0])))


def _told(thing: str, found: Mapping[str, Sequence[Any]]) -> Values:
    """The thing in words, for each case; None where it is not there."""
    inside = {key.removeprefix(f"{thing}."): values for key, values in found.items() if key.startswith(f"{thing}.")}
    words = []
    for i in range(len(next(iter(inside.values())))):
        own = {key: values[i] for key, values in inside.items() if values[i] is not None}
        words.append(", ".join(_parts(own, bool(_MATERIAL.fullmatch(thing)))) or None)
    return tuple(words)


def _parts(own: Mapping[str, Any], material: bool) -> list[str]:
    prefix = "" if material else "material."
    name = own.get(f"{prefix}like") or own.get("material")
    parts = [str(name)] if name else []
    for key, value in own.items():
        inner = material or key.startswith("material.")
        bare = key.removeprefix(prefix)
        if inner and bare not in _TOLD:
            continue
        if inner and name and not material:  # its name says it
            continue
        if key not in ("material", "name"):
            parts.append(f"{bare} {f'{value:.6g}' if isinstance(value, float) else value}")
    return parts


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """Leaves by dotted key; a list of plain values is one."""
    entries: list[tuple[Any, Any]] = []
    if isinstance(value, Mapping):
        entries = list(value.items())
    elif isinstance(value, list) and any(isinstance(entry, Mapping | list) for entry in value):
        entries = list(enumerate(value))
    else:
        return {prefix: value}
    found: dict[str, Any] = {}
    for key, entry in entries:
        found |= _flat(entry, f"{prefix}.{key}" if prefix else str(key))
    return found
