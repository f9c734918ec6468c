"""A library entry and what a case says on top of it, made one table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from femsim.base.errors import InputError
from femsim.cases.laws import LAWS
from femsim.cases.library import Law, MaterialFile


def merged(own: Mapping[str, Any], entry: MaterialFile | None, key: str = "") -> dict[str, Any]:
    """The inline table of a material with every number: ``entry`` underneath, the case's ``own`` keys on top.

    A law given by name is taken from the entry's sets; ``like`` inside a law does the same with overrides. An isotropic
    E on top of an orthotropic entry drops the entry's G. Raises InputError naming the law where there is no such set.
    """
    base = dict(entry.to_spec()) if entry is not None else {}
    if "E" in own and "G" in base and "G" not in own and not isinstance(own["E"], list):
        base.pop("G")
    result = {**base, **own}
    for law in LAWS:
        if law in own:
            result[law] = _law(law, own[law], entry, f"{key}.{law}" if key else law)
    return result


def sets_used(own: Mapping[str, Any], entry: MaterialFile | None) -> dict[str, Law]:
    """The sets of the library that a material's laws are taken from, by law."""
    named = {law: name for law in LAWS if (name := _named(own.get(law))) is not None}
    return {law: entry.set_of(law, name) for law, name in named.items()} if entry is not None else {}


def _named(given: Any) -> str | None:
    name = given.get("like") if isinstance(given, Mapping) else given
    return name if isinstance(name, str) else None


def _law(law: str, given: Any, entry: MaterialFile | None, key: str) -> dict[str, Any]:
    name = _named(given)
    own = {k: v for k, v in given.items() if k != "like"} if isinstance(given, Mapping) else {}
    if name is None:
        return own
    if entry is None:
        raise InputError(f'{key}: {name!r} names a set of a library entry, but the material has no like = "..."')
    try:
        base = entry.set_of(law, name).law()
    except InputError as error:
        raise InputError(f"{key}: {error}") from None
    if law == "creep" and own.keys() & {"norton", "garofalo", "terms"}:
        base = {k: v for k, v in base.items() if k == "valid"}  # another law stands instead of the set's
    return {**base, **own}
