"""What the figures of heat are drawn from, as plain data: fields, courses over time, thermal impedances."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.measures.foster import Foster
from femsim.meshes.mesh import Mesh
from femsim.reports.plots.look import words
from femsim.reports.plots.picture import Picture
from femsim.reports.plots.raster import Rasters
from femsim.reports.plots.scene import Scene, in_regions, picture_once, scene

if TYPE_CHECKING:
    from femsim.runs.heat import HeatResult, HeatRun, HeatState
    from femsim.runs.run import Run

#: a field whose range is less than this fraction of 1 + its largest value is level
LEVEL = 1.0e-9
#: the hottest state is drawn beside the last one where it is hotter by this fraction of the rise
HOTTER = 0.01


@dataclass(frozen=True)
class Warm:
    """Temperature (E, n) in degC at each cell's own nodes, so that it may jump at a contact, and the heat flux
    (E, n, 2) in W/m2, averaged at the nodes of each region; None where it is not known.
    """

    picture: Picture
    mesh: Mesh
    temperature: FloatArray
    flux: FloatArray | None = None
    rasters: Rasters = field(default_factory=Rasters, compare=False, repr=False)

    def __getstate__(self) -> dict[str, object]:
        """What is sent to another process: without what can be made again."""
        return {**{name: getattr(self, name) for name in self.__dataclass_fields__}, "rasters": Rasters()}

    @property
    def level(self) -> bool:
        """Whether one temperature reigns everywhere, so that there is no isotherm."""
        return bool(np.ptp(self.temperature) <= LEVEL * (1.0 + np.abs(self.temperature).max()))


@dataclass(frozen=True)
class Curve:
    """Values over times (s); ``kind`` is body, largest, mean or probe."""

    label: str
    kind: str
    times: FloatArray
    values: FloatArray


@dataclass(frozen=True)
class Impedance:
    """Z_th of a source at times (s), in K/W (plane: m K/W), with its Foster network where one was fitted."""

    label: str
    times: FloatArray
    values: FloatArray
    network: Foster | None


@dataclass(frozen=True)
class Impedances:
    """The impedances of a transient and their unit."""

    unit: str
    entries: tuple[Impedance, ...]


def warm(result: Run | HeatRun | Scene | Warm) -> Warm:
    """The temperature of a result: of [heat], at its last time, or any other field that drives the stress."""
    if isinstance(result, Warm):
        return result
    if not isinstance(result, Scene) and result.heat is not None:
        return warm_state(result, result.heat, result.heat.last)
    what = scene(result)
    nodal = np.broadcast_to(np.asarray(what.temperature, dtype=float), (len(what.mesh.points),))
    return Warm(what.picture, what.mesh, nodal[what.mesh.cells])


def warm_state(result: Run | HeatRun, heat: HeatResult, state: HeatState) -> Warm:
    """A state of the heat of a result."""
    from femsim.measures.flux import nodal_flux  # loads what drawing does not need

    mesh = heat.model.mesh
    flux = in_regions(mesh, nodal_flux(heat.model, state.temperature))
    picture = picture_once(result.discretisation, result.materials)
    return Warm(picture, mesh, np.asarray(state.temperature[mesh.cells]), flux)


def hottest_state(heat: HeatResult) -> HeatState | None:
    """The hottest state of a transient where it tells more than the last one."""
    if heat.hottest is None:
        return None
    last, hot = heat.last.values.largest, heat.hottest.values.largest
    return heat.hottest if hot - last > HOTTER * (hot - heat.model.ambient) > 0.0 else None


def curves(heat: HeatResult) -> tuple[Curve, ...]:
    """Temperatures over time: of the body at every step, of sources and probes at the times asked for."""
    if heat.course is None:
        return ()
    times = np.array([state.time for state in heat.states])
    found = [Curve("largest of the body", "body", heat.course.steps, heat.course.largest)]
    for feed in heat.model.sources:
        own = [state.values.sources[feed.name] for state in heat.states]
        found.append(Curve(f"{words(feed.name)}, largest", "largest", times, np.array([v.largest for v in own])))
        found.append(Curve(f"{words(feed.name)}, mean", "mean", times, np.array([v.mean for v in own])))
    for name in heat.last.probes:
        values = np.array([state.probes[name] for state in heat.states])
        found.append(Curve(f"probe {words(name)}", "probe", times, values))
    return tuple(found)


def impedances(heat: HeatResult) -> Impedances | None:
    """Z_th of every source that is stepped on and stays; None where there is none."""
    from femsim.runs.heat import foster_networks, resistance_unit

    if heat.course is None:
        return None
    unit, factor = resistance_unit(heat.model)
    networks = foster_networks(heat)
    entries = []
    for feed in heat.model.sources:
        if not (feed.amount.is_constant and feed.amount.value[0]):
            continue
        states = [state for state in heat.states if state.time > 0.0]
        values = np.array([state.values.sources[feed.name].r_mean for state in states]) * factor
        if len(values):
            times = np.array([state.time for state in states])
            entries.append(Impedance(words(feed.name), times, values, networks.get(feed.name)))
    return Impedances(unit, tuple(entries)) if entries else None
