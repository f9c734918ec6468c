"""States kept along a course, and warnings about what a run of heat takes for granted."""

from __future__ import annotations

import warnings

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.base.errors import FemsimWarning
from femsim.models.heat import HeatModel
from femsim.models.overtime import OverTime

#: bytes that the states along a course may take
TRAIL = 5.0e8


class Trail:
    """States at the steps' ends, time and temperature; where they would fill the memory, every second one goes."""

    def __init__(self, model: HeatModel, initial: FloatArray | float) -> None:
        start = np.array(np.broadcast_to(np.asarray(initial, dtype=float), len(model.mesh.points)))
        self._states = [(0.0, start)]
        self._most = max(int(TRAIL / start.nbytes), 64)
        self._stride, self._count = 1, 0
        self._newest: tuple[float, FloatArray] | None = None

    def add(self, time: float, temperature: FloatArray) -> None:
        """Hear of a step's end."""
        self._count += 1
        self._newest = (time, temperature)
        if self._count % self._stride == 0:
            self._states.append(self._newest)
        if len(self._states) > self._most:
            self._states, self._stride = self._states[::2], 2 * self._stride

    def all(self) -> tuple[tuple[float, FloatArray], ...]:
        """The states kept, and the last one."""
        last = () if self._newest is None or self._newest[0] == self._states[-1][0] else (self._newest,)
        return (*self._states, *last)


def warn_of_time(model: HeatModel) -> None:
    """Warn where a steady state has values over time."""
    values = {feed.name: feed.amount for feed in (*model.sources, *model.fluxes)}
    values |= {cooling.name: cooling.ambient for cooling in model.coolings if not cooling.ambient.is_constant}
    values |= {
        cooling.name: cooling.h
        for cooling in model.coolings
        if isinstance(cooling.h, OverTime) and not cooling.h.is_constant
    }
    values |= {fixed.name: fixed.value for fixed in model.fixed if isinstance(fixed.value, OverTime)}
    for name, value in values.items():
        if not value.is_constant:
            warnings.warn(
                f"heat: {name!r} has values over time, but without [heat.transient] the steady state is solved, with "
                f"those of t = 0",
                FemsimWarning,
                stacklevel=2,
            )


def warn_unused(temperature: object) -> None:
    """Warn where the temperature of [heat] does not drive the stress beside it."""
    given = f"{temperature:g} degC" if isinstance(temperature, float | int) else "not from [heat]"
    warnings.warn(
        f'heat: load.temperature is {given}, so the temperatures of [heat] do not drive the stress; "heat" makes them',
        FemsimWarning,
        stacklevel=2,
    )


def warn_outside(model: HeatModel, temperature: FloatArray) -> None:
    """Warn where a table of a material's heat data does not cover the temperatures found."""
    low, high = float(temperature.min()), float(temperature.max())
    for conductor in dict.fromkeys(model.conductors):
        for label, properties in (("conductivity", conductor.conductivity), ("heat capacity", (conductor.capacity,))):
            for p in properties:
                known = None if p is None else p.uncovered(low, high)
                if known is not None:
                    warnings.warn(
                        f"material {conductor.name}: {label} is known from {known[0]:g} to {known[1]:g} degC only, the "
                        f"run needs {low:g} to {high:g} degC; the end value is used outside",
                        FemsimWarning,
                        stacklevel=2,
                    )
