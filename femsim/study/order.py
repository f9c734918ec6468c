"""The order in which the points of a study profit most from the ones before them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def rank(key: str) -> int:
    """How much a change of a key costs: 2 a new mesh, 1 a new factor, 0 a substitution."""
    parts = key.split(".")
    if parts[0] in ("load", "probe", "name"):
        return 0
    if parts[0] == "materials" or (parts[0] in ("block", "layer") and "material" in parts[2:3]):
        return 0 if "cte" in parts[2:] else 1
    return 2


def profitable_order(keys: Sequence[str], rows: Sequence[tuple[Any, ...]], wanted: Sequence[int]) -> list[int]:
    """The wanted points, those that share most next to each other."""
    columns = sorted((i for i in range(len(keys)) if rank(keys[i]) > 0), key=lambda i: -rank(keys[i]))
    return sorted(wanted, key=lambda p: ([repr(rows[p][i]) for i in columns], p))
