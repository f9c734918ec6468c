"""Geometry keys of the stacks, in um, with what fits into what.

Every misfit names both keys. Reference defaults are the dimensions of the shipped cases, whose files name their
sources.
"""

from __future__ import annotations


def _less(key: str, value: float, other: str, limit: float) -> None:
    if value >= limit:
        raise ValueError(f"{key}: {value:g} is not < {other} ({limit:g})")
