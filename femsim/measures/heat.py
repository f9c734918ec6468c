"""What is read off a temperature field: temperatures of sources, thermal resistances, heat through each boundary.

R_mean = (mean temperature of the source - ambient) / power, R_max with the largest temperature (JEDEC JESD51-1: which
temperature, which reference and which power belong to the name). Heat through a prescribed temperature is the sum of
the nodal heat its supports take up, which converges twice as fast as the integral of a flux (Carey 1982, Comput.
Methods Appl. Mech. Eng. 35, 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.meshes.elements import line_gauss, line_shape, node_points, shape
from femsim.meshes.facets import edges_of, find_edges
from femsim.models.heat import Feed, Fixed, HeatModel
from femsim.models.sampling import sample


@dataclass(frozen=True)
class SourceValue:
    """Temperatures (degC) of a source, its power (W) and resistances against ambient (K/W; not a number without
    power).
    """

    largest: float
    mean: float
    power: float
    r_max: float
    r_mean: float


@dataclass(frozen=True)
class HeatValues:
    """The temperatures and heat flows of one moment; heat leaving the body counts positive.

    ``stored`` is the rate at which the body takes up heat, W; ``balance`` what is missing in power = heat leaving +
    stored, over the power (or the heat that passes, where there is none).
    """

    largest: float
    smallest: float
    sources: dict[str, SourceValue]
    boundaries: dict[str, float]
    balance: float
    stored: float = 0.0


def source_value(model: HeatModel, feed: Feed, temperature: FloatArray, power: float) -> SourceValue:
    """Temperatures and resistances of one source."""
    mean = float(feed.weight @ temperature / feed.weight.sum())
    largest = float(temperature[feed.nodes].max())
    rise_max, rise_mean = largest - model.ambient, mean - model.ambient
    nothing = float("nan")
    return SourceValue(
        largest, mean, power, rise_max / power if power else nothing, rise_mean / power if power else nothing
    )


def heat_values(
    model: HeatModel,
    temperature: FloatArray,
    reaction: FloatArray,
    time: float = 0.0,
    within: float | None = None,
    stored: float = 0.0,
) -> HeatValues:
    """Values of a moment from the temperature (N,) and the heat (N,) that supports feed into their nodes, W."""
    sources = {feed.name: source_value(model, feed, temperature, feed.power(time, within)) for feed in model.sources}
    boundaries: dict[str, float] = {}
    for cooling in model.coolings:
        surface = temperature[cooling.line.edges] @ cooling.line.values.T
        boundaries[cooling.name] = float((cooling.film(surface, time, within)[0] * cooling.line.weights).sum())
    for feed in model.fluxes:
        boundaries[feed.name] = -feed.power(time, within)
    boundaries |= _through_supports(model, temperature, reaction)
    power = sum(one.power for one in sources.values())
    passing = sum(abs(one.power) for one in sources.values()) or sum(abs(q) for q in boundaries.values())
    missing = power - sum(boundaries.values()) - stored
    return HeatValues(
        float(temperature.max()),
        float(temperature.min()),
        sources,
        boundaries,
        abs(missing) / passing if passing else 0.0,
        stored,
    )


def _through_supports(model: HeatModel, temperature: FloatArray, reaction: FloatArray) -> dict[str, float]:
    """Heat that leaves through each prescribed temperature.

    A node where two lines meet belongs to both: each gets what its own flux puts on that node, and half of what the two
    together leave over.
    """
    if not model.fixed:
        return {}
    count = len(temperature)
    users = np.zeros(count, dtype=np.int64)
    for fixed in model.fixed:
        users[fixed.nodes] += 1
    shared = np.flatnonzero(users > 1)
    direct = [_flux_at(model, fixed, temperature, shared) for fixed in model.fixed]
    total: FloatArray = sum(direct, start=np.zeros(count))
    found = {}
    for fixed, own in zip(model.fixed, direct, strict=True):
        alone = fixed.nodes[users[fixed.nodes] == 1]
        common = fixed.nodes[users[fixed.nodes] > 1]
        part = own[common] + (-reaction[common] - total[common]) / users[common]
        found[fixed.name] = float(-reaction[alone].sum() + part.sum())
    return found


def _flux_at(model: HeatModel, fixed: Fixed, temperature: FloatArray, nodes: IntArray) -> FloatArray:
    """Nodal heat (N,) of the flux out of the body over a line's edges that hold some of ``nodes``."""
    mesh, count = model.mesh, len(temperature)
    found = np.zeros(count)
    edges = fixed.edges[np.isin(fixed.edges, nodes).any(axis=1)]
    if not len(edges):
        return found
    every = edges_of(mesh)
    at = find_edges(mesh, every, edges)
    s, w = line_gauss(4)
    values, slopes = line_shape(edges.shape[1], s)
    corner = node_points(mesh.element)
    for local, ends in enumerate(mesh.info.edges):
        mine = np.flatnonzero(every.local[at, 0] == local)
        if not len(mine):
            continue
        cells, own = every.cells[at[mine], 0], mesh.cells[every.cells[at[mine], 0]][:, list(ends)]
        xi = corner[ends[0]] + s[:, None] * (corner[ends[1]] - corner[ends[0]])
        sampled = sample(model.space, cells, xi)
        d = model.moduli(temperature).at(cells, shape(mesh.element, xi)[0])[..., :-1, :-1]
        flux = -np.matmul(d, sampled.strain(temperature)[..., :-1, None])[..., 0]
        tangent = np.einsum("qn,knc->kqc", slopes, mesh.points[own])
        normal = np.stack([tangent[..., 1], -tangent[..., 0]], axis=-1)
        through = (flux * normal).sum(axis=-1) * w * model.space.kinematics.measure(sampled.position[..., 0])
        found += np.bincount(own.ravel(), (through @ values).ravel(), minlength=count)
    return found


def resistance_matrix(rises: Sequence[FloatArray], model: HeatModel, powers: Sequence[float]) -> FloatArray:
    """Mean rise of source i per power in source j (n, n), K/W, from the rise (N,) that each source alone makes."""
    means = [[float(feed.weight @ rise / feed.weight.sum()) for rise in rises] for feed in model.sources]
    return np.asarray(np.array(means) / np.array(powers))
