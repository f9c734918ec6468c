"""Averages that vary around a body, where each is largest: for the console and the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from femsim.runs.names import kind_words


def largest_of(entry: Mapping[str, Any], kind: str) -> tuple[float, float | None, float | None]:
    """Value, error and angle (degrees) of a root's average where it is largest in magnitude around a body; its one
    value and no angle where it does not vary.
    """
    found = entry.get("largest", {}).get(kind)
    if found is None:
        return entry[kind], entry.get(f"{kind}_error"), None
    return found["value"], found.get("error"), found["angle"]


def largest_table(roots: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[list[str]]:
    """Rows of text, header first: what the averages come to where each is largest around the body, and at which angle;
    nothing but the header where none varies.
    """
    rows = [["root", "length (um)", "largest around", "MPa", "angle (deg)"]]
    for name, entries in roots.items():
        for entry in entries:
            for kind in entry.get("largest", {}):
                value, error, angle = largest_of(entry, kind)
                sure = f"{value:.2f}" if error is None else f"{value:.2f} +- {error:.2f}"
                rows.append([name, f"{entry['length']:g}", kind_words(kind), sure, f"{angle:g}"])
    return rows
