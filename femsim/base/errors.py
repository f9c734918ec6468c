"""The two ways a run can fail, and the one way it can be doubted.

``InputError`` is the user's to mend (exit code 2), ``NumericsError`` is what a solver could not do (exit code 3),
``FemsimWarning`` is what a user must see but may accept.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable
from typing import Any


class FemsimError(Exception):
    """Base of all errors that femsim raises on purpose."""


class InputError(FemsimError):
    """Input that cannot be used: one line that names the file, the key, the value and what is allowed."""


class NumericsError(FemsimError):
    """The numbers failed: singular, not converged, or a tolerance not met."""


class NoExpansionError(NumericsError):
    """A corner whose local field is not one of those that femsim expands, or a mesh too coarse to find it."""


class ToleranceError(NumericsError):
    """A tolerance that was not met within the limit; ``run`` is the best answer there is."""

    def __init__(self, message: str, run: Any) -> None:
        super().__init__(message)
        self.run = run


class LimitLoadError(NumericsError):
    """A load that a body could not carry to its end; ``run`` holds its steps up to the last state in equilibrium."""

    def __init__(self, message: str, run: Any) -> None:
        super().__init__(message)
        self.run = run


class FemsimWarning(UserWarning):
    """Something the user must see: an extrapolated property, a default taken, a fallback."""


class BeyondYield(FemsimWarning):
    """A stress far above what the material is known to bear, in an answer that does not know it."""


def printable(text: object) -> str:
    """A text on one line without characters that a terminal would obey or a file could not hold."""
    return "".join(c if c.isprintable() else "?" for c in str(text))


def nearest(word: str, choices: Iterable[str]) -> str:
    """`` (did you mean 'x'?)`` for the nearest of ``choices``, or an empty string where none is near."""
    # comparing takes time in the square of the length, and names of files may be of any length and number
    near = [choice for choice in itertools.islice(choices, 5000) if len(choice) <= 100] if len(str(word)) <= 100 else []
    match = difflib.get_close_matches(str(word), near, n=1, cutoff=0.65)
    return f" (did you mean {match[0]!r}?)" if match else ""
