"""Numbers, places and durations in words."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence


def number(value: object, digits: int = 6) -> str:
    """A number without needless digits."""
    if value is None:
        return "-"
    if not isinstance(value, int | float) or isinstance(value, bool):
        return str(value)
    if isinstance(value, int) or (math.isfinite(value) and value == int(value) and abs(value) < 1e7):
        return f"{int(value)}"
    return f"{value:.{digits}g}"


def fixed(value: float | None, places: int = 2) -> str:
    """A number with a fixed count of decimals, so that columns align; a true minus sign."""
    if value is None or not math.isfinite(value):
        return "-"
    return f"{round(value, places) + 0.0:.{places}f}".replace("-", "\u2212")


def error_text(value: float | None) -> str:
    """An error estimate."""
    if value is None or not math.isfinite(value):
        return "not estimated"
    return "< 0.01" if value < 0.005 else f"{value:.2f}"


def seconds(value: float) -> str:
    """A time."""
    return f"{value:.2f} s"


def place(at: Sequence[float]) -> str:
    """A point."""
    return "(" + ", ".join(number(v) for v in at) + ")"


def unit(text: str) -> str:
    """A unit as a page shows it: ``um`` as µm, ``degC`` as °C."""
    return _UNITS.get(text, re.sub(r"\bum\b", "µm", text))


def proper(text: object) -> str:
    """A sentence with its units as a page shows them: numbers before ``um`` and ``uJ``, and ``degC`` anywhere."""
    found = _LENGTH.sub(r"\1µm", str(text)).replace("degC", "°C")
    return _ENERGY.sub(r"\1µJ", found).replace(" J/m2", " J/m²")


_UNITS = {"um": "µm", "degC": "°C", "uJ": "µJ", "J/m2": "J/m²", "um2": "µm²", "degrees": "°"}
_LENGTH = re.compile(r"((?:\d|\)|\]) ?)um\b")
_ENERGY = re.compile(r"(\d ?)uJ\b")
