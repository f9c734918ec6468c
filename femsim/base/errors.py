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


#: what other programs and chemistry call a key, a material, an element
OTHER_WORDS = {
    **dict.fromkeys(("alpha", "cte_x", "expansion", "alpx", "thermal_expansion"), ("cte",)),
    **dict.fromkeys(("young", "youngs", "youngs_modulus", "modulus", "ex", "e_modulus"), ("E",)),
    **dict.fromkeys(("poisson", "poissons_ratio", "poisson_ratio", "prxy", "nuxy"), ("nu",)),
    **dict.fromkeys(("k", "kxx", "lambda", "thermal_conductivity"), ("conductivity",)),
    **dict.fromkeys(("rho", "dens"), ("density",)),
    **dict.fromkeys(("cp", "c_p", "specific_heat"), ("heat_capacity",)),
    **dict.fromkeys(("yield_strength", "yield_stress", "sigma_y"), ("yield",)),
    **dict.fromkeys(("tref", "t_ref", "reference_temperature", "initial_temperature"), ("stress_free_temperature",)),
    **dict.fromkeys(("cax8", "cpe8", "cps8", "plane183", "plane82", "q8"), ("quad8",)),
    **dict.fromkeys(("cax4", "cpe4", "cps4", "plane182", "plane42", "q4"), ("quad4",)),
    **dict.fromkeys(("cax6", "cpe6", "cps6", "t6"), ("tri6",)),
    **dict.fromkeys(("c3d20", "c3d20r", "solid186"), ("hex20",)),
    **dict.fromkeys(("c3d10", "c3d10m", "solid187"), ("tet10",)),
    **dict.fromkeys(("c3d8", "c3d8r", "solid185"), ("hex8",)),
    "cu": ("copper",),
    "si": ("silicon",),
    "al": ("aluminium",),
    "au": ("gold",),
    "ag": ("silver",),
    "ni": ("nickel",),
    "ti": ("titanium",),
    "ta": ("tantalum",),
    "pd": ("palladium",),
    "w": ("tungsten",),
    "sio2": ("silicon-dioxide",),
    "si3n4": ("silicon-nitride",),
    "tin": ("titanium-nitride",),
    "al2o3": ("sapphire",),
    "pi": ("polyimide",),
    "emc": ("epoxy-moulding",),
    "sac": ("sac305",),
    "abf": ("abf-gx92",),
    "glass": ("borosilicate-glass",),
}


def nearest(word: str, choices: Iterable[str]) -> str:
    """`` (did you mean 'x'?)`` for the nearest of ``choices``, or an empty string where none is near."""
    # comparing takes time in the square of the length, and names of files may be of any length and number
    near = [choice for choice in itertools.islice(choices, 5000) if len(choice) <= 100] if len(str(word)) <= 100 else []
    plain = str(word).strip().lower()
    same = [choice for choice in near if choice.lower() == plain]
    same += [choice for choice in OTHER_WORDS.get(plain, ()) if choice in near]
    match = same or difflib.get_close_matches(str(word), near, n=1, cutoff=0.65)
    return f" (did you mean {match[0]!r}?)" if match else ""
