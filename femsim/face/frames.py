"""Columns as a DataFrame, where pandas is installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from femsim.base.errors import InputError


def frame(columns: Mapping[str, Sequence[Any]]) -> Any:
    """A pandas DataFrame. Raises InputError where pandas is not installed; femsim itself does not need it."""
    try:
        from pandas import DataFrame  # type: ignore[import-untyped,unused-ignore]
    except ImportError:
        raise InputError("to_frame: pandas is not installed (pip install pandas); to_dict gives the same") from None
    return DataFrame(dict(columns))
