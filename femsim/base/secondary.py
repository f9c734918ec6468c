"""What a run gives besides its solution may fail without taking the rest with it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TypeVar

from femsim.base.errors import FemsimError, FemsimWarning

T = TypeVar("T")


def attempt(what: str, take: Callable[[], T], otherwise: T, passing: tuple[type[Exception], ...] = ()) -> T:
    """What ``take`` gives; where it fails, ``otherwise``, and a FemsimWarning that names ``what`` and the failure.

    Errors in ``passing`` are raised as they are: what the user asked for and must mend.
    """
    try:
        return take()
    except passing:
        raise
    except Exception as error:
        warnings.warn(f"{what}: {reason(error)}; the other results stand", FemsimWarning, stacklevel=3)
        return otherwise


def reason(error: Exception) -> str:
    """An exception in one line; one that nobody raised on purpose with its kind."""
    text = " ".join(str(error).split())
    return text if isinstance(error, FemsimError) and text else f"it failed ({type(error).__name__}: {text})"
