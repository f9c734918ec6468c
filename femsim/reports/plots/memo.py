"""What several figures need of one object, computed once and forgotten with it."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_KEPT: dict[tuple[int, str], object] = {}


def once(owner: object, name: str, compute: Callable[[], T]) -> T:
    """``compute()`` for the first caller, the same object for later ones as long as ``owner`` lives."""
    key = (id(owner), name)
    if key not in _KEPT:
        _KEPT[key] = compute()
        weakref.finalize(owner, _KEPT.pop, key, None)
    return _KEPT[key]  # type: ignore[return-value]
