"""What is read off a temperature field: temperatures of sources, thermal resistances, heat through each boundary.

R_mean = (mean temperature of the source - ambient) / power, R_max with the largest temperature (JEDEC JESD51-1: which
temperature, which reference and which power belong to the name). Heat through a prescribed temperature is the sum of
the nodal heat its supports take up, which converges twice as fast as the integral of a flux (Carey 1982, Comput.
Methods Appl. Mech. Eng. 35, 1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.meshes.elements import FACE_OF, extrapolation, gauss_points, line_gauss, line_shape, node_points, shape
from femsim.meshes.facets import edges_of, face_normals, faces_of, find_edges, find_faces
from femsim.models.heat import Feed, Fixed, HeatModel
from femsim.models.sampling import sample
from femsim.solvers.system import SystemFactor


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
    rounding = 0.0
    for cooling in model.coolings:
        surface = temperature[cooling.line.edges] @ cooling.line.values.T
        flux, film = cooling.film(surface, time, within)
        boundaries[cooling.name] = float((flux * cooling.line.weights).sum())
        rounding += 1e-9 * float((np.abs(film * surface) * cooling.line.weights).sum())
    for feed in model.fluxes:
        boundaries[feed.name] = -feed.power(time, within)
    boundaries |= _through_supports(model, temperature, reaction)
    power = sum(one.power for one in sources.values())
    passing = sum(abs(one.power) for one in sources.values()) or sum(abs(q) for q in boundaries.values())
    level = np.ptp(temperature) <= 1e-9 * (1.0 + float(np.abs(temperature).max()))
    if level and not any(one.power for one in sources.values()):
        passing = 0.0  # nothing flows but rounding
    missing = power - sum(boundaries.values()) - stored
    return HeatValues(
        float(temperature.max()),
        float(temperature.min()),
        sources,
        boundaries,
        abs(missing) / max(passing, rounding) if passing else 0.0,
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
    if mesh.dim == 3:
        return _flux_at_faces(model, edges, temperature)
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


def _flux_at_faces(model: HeatModel, faces: IntArray, temperature: FloatArray) -> FloatArray:
    """Nodal heat (N,) of the flux out of the body over outer faces (K, m)."""
    mesh, found = model.mesh, np.zeros(len(temperature))
    every = faces_of(mesh)
    corners = faces[:, : 3 if faces.shape[1] in (3, 6) else 4]
    at = find_faces(mesh, every, corners)
    plane, corner = FACE_OF[faces.shape[1]], node_points(mesh.element)
    xi, w = gauss_points(plane, 4)
    values, slopes = shape(plane, xi)
    linear = shape(FACE_OF[corners.shape[1]], xi)[0]
    for local, ends in enumerate(mesh.info.faces):
        mine = np.flatnonzero(every.local[at, 0] == local)
        if not len(mine):
            continue
        cells = every.cells[at[mine], 0]
        own = mesh.cells[cells][:, list(ends)]
        sampled = sample(model.space, cells, linear @ corner[list(ends[: corners.shape[1]])])
        d = model.moduli(temperature).at(cells, sampled.values)[..., :-1, :-1]
        flux = -np.matmul(d, sampled.strain(temperature)[..., :-1, None])[..., 0]
        through = (flux * face_normals(slopes, mesh.points[own])).sum(axis=-1) * w
        found += np.bincount(own.ravel(), (through @ values).ravel(), minlength=len(found))
    return found


@dataclass(frozen=True)
class Responses:
    """Rise (N, sources) per W in each source alone, with the film coefficients and conductivities of a state, and the
    matrix (n, n), K/W: mean rise over source i per W in source j, which is symmetric (reciprocity).
    """

    rise: FloatArray
    matrix: FloatArray

    @property
    def asymmetry(self) -> float:
        """Largest |R_ij - R_ji| over the largest entry."""
        return float(np.abs(self.matrix - self.matrix.T).max() / (np.abs(self.matrix).max() or 1.0))


def responses(model: HeatModel, factor: SystemFactor) -> Responses:
    """Responses to all sources by one factor."""
    loads = np.column_stack([feed.weight / feed.weight.sum() for feed in model.sources])
    rise = model.space.scatter(factor.solve(model.space.gather(loads)))
    return Responses(rise, np.asarray(loads.T @ rise))


@dataclass(frozen=True)
class Layer:
    """A region, or a contact between two: largest and mean temperature (degC), or the mean jump of the contact (K) and
    the heat through it from its first to its second region (W).
    """

    name: str
    largest: float
    mean: float
    heat: float | None = None


def breakdown(model: HeatModel, temperature: FloatArray) -> list[Layer]:
    """Where the temperature falls: regions with their temperatures, contacts with their jump and heat."""
    mesh = model.mesh
    points, weights = gauss_points(mesh.element, mesh.info.full)
    found = []
    for number, name in enumerate(mesh.regions):
        cells = np.flatnonzero(mesh.region == number)
        if not len(cells):
            continue  # not there in this step
        at = sample(model.space, cells, points)
        volume = at.volume * weights
        own = temperature[mesh.cells[cells]]
        found.append(Layer(name, float(own.max()), float((volume * (own @ at.values.T)).sum() / volume.sum())))
    for contact in model.contacts:
        jump, area = contact.jump(temperature), contact.first.weights
        through = float((jump * area).sum() * contact.conductance)
        found.append(Layer(contact.name, float(np.abs(jump).max()), float((jump * area).sum() / area.sum()), through))
    return found


def temperature_errors(
    model: HeatModel, temperature: FloatArray, factor: SystemFactor, points: FloatArray
) -> tuple[dict[str, tuple[float, float]], FloatArray]:
    """Estimates of the discretisation errors, K, of each source's mean and largest temperature, and of the temperatures
    at points (n,), whose shape functions are the columns (N, n).

    With q the exact flux, q_h that found and z the response to the goal, J(T) - J(T_h) = int (q - q_h) . k^-1 (q_z -
    q_zh) dV; fluxes smoothed over the nodes of each region stand for the exact ones (Zienkiewicz & Zhu 1987, Int. J.
    Numer. Methods Eng. 24, 337, in the dual form of Cirak & Ramm 1998, Comput. Methods Appl. Mech. Eng. 156, 351).
    """
    goals = []
    for feed in model.sources:
        goals.append(feed.weight / feed.weight.sum())
        point = np.zeros(len(temperature))
        point[feed.nodes[int(np.argmax(temperature[feed.nodes]))]] = 1.0
        goals.append(point)
    goals += list(points.T)
    if not goals:
        return {}, np.zeros(0)
    dual = model.space.scatter(factor.solve(model.space.gather(np.column_stack(goals))))
    off = np.abs(weighted_flux_errors(model, temperature[None], dual)[0])
    found = {feed.name: (float(off[2 * k]), float(off[2 * k + 1])) for k, feed in enumerate(model.sources)}
    return found, off[2 * len(found) :]


#: temperatures whose fluxes are smoothed together
TOGETHER = 8


def weighted_flux_errors(model: HeatModel, temperatures: FloatArray, dual: FloatArray) -> FloatArray:
    """int (q* - q_h)(T) . k^-1 (q* - q_h)(z) dV (t, m) for each of the temperatures (t, N) with each of the responses
    ``dual`` (N, m), q* being the flux averaged at the nodes of each region.
    """
    step = TOGETHER if all(c.is_constant for c in model.conductors) else 1
    parts = [_smoothed_products(model, temperatures[k : k + step], dual) for k in range(0, len(temperatures), step)]
    return np.concatenate(parts)


def _smoothed_products(model: HeatModel, temperatures: FloatArray, dual: FloatArray) -> FloatArray:
    """The products of a few temperatures, with the moduli at the first of them."""
    mesh, space, first = model.mesh, model.space, len(temperatures)
    fields = np.column_stack([*temperatures, dual])
    full, weights = gauss_points(mesh.element, mesh.info.full)
    reduced, _ = gauss_points(mesh.element, mesh.info.reduced)
    spread, moduli = extrapolation(mesh.element), model.moduli(temperatures[0])
    total = np.zeros((first, dual.shape[1]))
    for number in range(len(mesh.regions)):
        cells = np.flatnonzero(mesh.region == number)
        if not len(cells):
            continue
        nodes, local = np.unique(mesh.cells[cells], return_inverse=True)
        local = local.reshape(len(cells), -1)
        at = sample(space, cells, reduced)
        k = moduli.at(cells, at.values)[..., :-1, :-1]
        flux = np.matmul(k, at.strain(fields)[..., :-1, :])  # (E, q, d, m)
        own = np.einsum("nq,eqdm->endm", spread, flux)
        count = np.bincount(local.ravel(), minlength=len(nodes))
        smooth = np.zeros((len(nodes), *own.shape[2:]))
        np.add.at(smooth, local.ravel(), own.reshape(-1, *own.shape[2:]))
        smooth /= count[:, None, None]
        at = sample(space, cells, full)
        k = np.broadcast_to(moduli.at(cells, at.values)[..., :-1, :-1], (len(cells), len(full), mesh.dim, mesh.dim))
        off = np.einsum("qn,endm->eqdm", at.values, smooth[local]) - np.matmul(k, at.strain(fields)[..., :-1, :])
        scaled = np.matmul(np.linalg.inv(k), off[..., first:])
        scaled *= (at.volume * weights)[..., None, None]
        left = off[..., :first].reshape(-1, first)
        total += left.T @ scaled.reshape(len(left), -1)
    return total
