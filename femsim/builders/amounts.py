"""How large a boundary value is at a moment: over steps, over time, or a nodal field of the mesh file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.base.errors import InputError, nearest
from femsim.cases.boundary import Varying


@dataclass(frozen=True)
class Moment:
    """``step``: 0 at the start, k at the end of the k-th step, in between within a step; ``time`` (s) since the start
    of the first step.
    """

    step: float = 0.0
    time: float = 0.0


#: the one moment of a case without steps
NOW = Moment()


def factor(value: float | Varying, moment: Moment) -> float:
    """The number a value has, or the factor of its field, at a moment.

    Steps run linearly from 0 to the value at the end of each, and the last stays; a table over time is linear, with the
    value before a jump at the jump itself, and its end values stay outside.
    """
    if not isinstance(value, Varying):
        return float(value)
    if value.steps is not None:
        return float(np.interp(moment.step, np.arange(len(value.steps) + 1), [0.0, *value.steps]))
    if value.t is not None and value.value is not None:
        return at_time(value.t, value.value, moment.time)
    return 1.0


def at_time(t: list[float], value: list[float], time: float) -> float:
    """A table over time: linear in between, end values outside; two equal times are a jump, whose first value holds up
    to the jump.
    """
    at = int(np.searchsorted(t, time, side="left"))  # t[at - 1] < time <= t[at]
    if at == 0:
        return float(value[0])
    if at == len(t):
        return float(value[-1])
    span = t[at] - t[at - 1]
    return float(value[at - 1] + (value[at] - value[at - 1]) * (time - t[at - 1]) / span)


def field_of(value: float | Varying, fields: Mapping[str, FloatArray], nodes: int, key: str) -> FloatArray | None:
    """The nodal field (N,) that a value is a factor of, None for a plain one."""
    if not isinstance(value, Varying) or value.point_data is None:
        return None
    name = value.point_data
    if name not in fields:
        known = ", ".join(sorted(fields)) or "none"
        raise InputError(
            f"{key}.point_data: the mesh has no point data {name!r}{nearest(name, fields)}; there is: {known}"
        )
    field = np.asarray(fields[name], dtype=float)
    if field.shape != (nodes,) or not np.all(np.isfinite(field)):
        raise InputError(f"{key}.point_data: {name!r} is not one finite number per node")
    return field


def knots(value: float | Varying) -> list[float]:
    """Times (s) at which a value over time bends or jumps: steps of a march end there."""
    return list(value.t) if isinstance(value, Varying) and value.t is not None else []


def needs_steps(value: float | Varying) -> str | None:
    """The key that only makes sense beside [[step]] (or a transient), None for a value that has one moment."""
    if isinstance(value, Varying):
        return "steps" if value.steps is not None else "t" if value.t is not None else None
    return None
