"""Probes of many points in the JSON: one list under the probe's name, whose entries are those of single points."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from femsim.cases.parts import CaseBase


def gathered(case: CaseBase, probes: Mapping[str, Any]) -> dict[str, Any]:
    """Entries by name with those of a list of points (``row[0]``, ``row[1]`` ...) as one list under its name."""
    lists = {name: probe.name for probe in case.probe if isinstance(probe.at, list) for name in probe.names}
    found: dict[str, Any] = {}
    for name, entry in probes.items():
        if name in lists:
            found.setdefault(lists[name], []).append(entry)
        else:
            found[name] = entry
    return found


def spread(probes: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The points of the JSON's ``probes`` one by one, those of a list as ``row[0]``, ``row[1]`` ..."""
    for name, entry in probes.items():
        if isinstance(entry, list):
            yield from ((f"{name}[{i}]", one) for i, one in enumerate(entry))
        else:
            yield name, entry
