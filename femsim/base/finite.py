"""Documents that JSON can hold: what is no number there, and what numpy made of a plain one."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


def finite(value: Any) -> Any:
    """The document with numbers that JSON does not know (NaN, infinity) as null, and numpy's numbers as plain ones."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, int):
        return value
    if isinstance(value, Mapping):
        return {str(key): finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [finite(entry) for entry in value]
    if hasattr(value, "tolist"):  # numpy's numbers and arrays; numpy itself is not needed here
        return finite(value.tolist())
    return value


def json_text(document: Any, indent: int = 1, ascii_only: bool = False) -> str:
    """A document as the text of a JSON file, which never holds NaN or infinity."""
    return json.dumps(finite(document), indent=indent, ensure_ascii=ascii_only, allow_nan=False) + "\n"
