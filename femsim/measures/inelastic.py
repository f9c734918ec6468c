"""What flowed: equivalent plastic and creep strain and inelastic work at points, in regions, in layers at a root."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.errors import InputError, nearest
from femsim.measures.stress import PointValue, patch_value, side_of
from femsim.meshes.elements import gauss_points, reduced_basis
from femsim.meshes.layout import Root
from femsim.meshes.locate import locate_side
from femsim.models.fields import PointField
from femsim.models.sampling import sample
from femsim.models.space import Space
from femsim.solvers.moments import Stage

#: what is kept of a state, in this order
KINDS = ("p", "creep", "work")


@dataclass(frozen=True)
class Inelastic:
    """Equivalent plastic strain (Anand's included), equivalent creep strain, inelastic work density (MPa)."""

    p: float
    creep: float
    work: float

    @property
    def strain(self) -> float:
        """Both strains together."""
        return self.p + self.creep


@dataclass(frozen=True)
class Flow:
    """Stress of a stage as a field, and :data:`KINDS` (E, q, 3) at the full Gauss points; zero where it is elastic."""

    field: PointField
    values: FloatArray

    @property
    def space(self) -> Space:
        """The space of the part that is there."""
        return self.field.space


def flow_of(stage: Stage) -> Flow:
    """Stress, elastic energy and what flowed at the points of a stage.

    The elastic energy density is sigma : C^-1 : sigma / 2 at the temperature of the moment.
    """
    body, moment = stage.body, stage.moment
    space, kinematics = body.space, body.space.kinematics
    points, _ = gauss_points(space.mesh.element, space.mesh.info.full)
    shape = (len(space.mesh.cells), len(points))
    stress, energy = np.zeros((*shape, kinematics.size)), np.zeros(shape)
    values = np.zeros((*shape, len(KINDS)))
    voigt = np.array(kinematics.voigt)
    temperature = stage.part.field(moment.conditions.temperature)
    for batch, found, state in zip(body.batches, stage.stresses, body.by_batch(moment.states), strict=True):
        stress[batch.cells] = found
        material = body.materials[space.mesh.regions[batch.region]]
        stiffness = material.stiffness(body.temperature(batch, temperature), kinematics.plane)
        six = np.zeros((*found.shape[:2], 6))
        six[..., voigt] = found
        strain = np.matmul(np.linalg.inv(stiffness), six[..., None])[..., 0]
        energy[batch.cells] = 0.5 * np.sum(six * strain, axis=-1)
        if state is not None:
            for k, kind in enumerate(KINDS):
                values[batch.cells, :, k] = state[kind].reshape(found.shape[:2])
    return Flow(PointField(space, stage.part.of(moment.unknowns), stress, energy), values)


def inelastic_at(flow: Flow, value: PointValue) -> Inelastic:
    """What flowed at a probe's point, interpolated as its stress is."""
    space, mesh = flow.space, flow.space.mesh
    found = locate_side(mesh, value.at, value.region)
    side = np.flatnonzero(mesh.region[found.cells] == mesh.regions.index(value.region))
    cells, xi = found.cells[side], found.xi[side]
    reduced, _ = gauss_points(mesh.element, mesh.info.reduced)
    kept = PointField(space, flow.field.unknowns, flow.values, flow.field.energy)
    at = kept.stress(sample(space, cells, reduced))
    return _grown(np.einsum("eq,eqc->ec", reduced_basis(mesh.element, xi), at).mean(axis=0))


def _grown(values: FloatArray) -> Inelastic:
    """What began at zero and only grows: where a polynomial through the points goes below, nothing has flowed."""
    return Inelastic(*np.maximum(values, 0.0).tolist())


def smoothed_at(flow: Flow, value: PointValue) -> tuple[PointValue, Inelastic]:
    """Stress and what flowed at a probe's point, by the polynomial through the superconvergent points of the cells
    around it (:func:`~femsim.measures.stress.patch_value`).

    Only cells of its region count that have flowed as its own cells have, in all of their points or in none: at the
    edge of what has flowed both have a kink. Within that edge's cells, interpolated in the cell as
    :func:`inelastic_at`.
    """
    space, mesh = flow.space, flow.space.mesh
    side = side_of(mesh, value.at, value.region)
    own = mesh.cells_of(value.region)
    flowed = flow.values[own][..., 0] + flow.values[own][..., 1] > 0.0
    status = np.where(flowed.all(axis=1), 1, np.where(flowed.any(axis=1), -1, 0))
    here = status[np.isin(own, side.cells)]
    if here[0] >= 0 and np.all(here == here[0]):
        kept = PointField(space, flow.field.unknowns, flow.values, flow.field.energy)
        among = own[status == here[0]]
        stress, flown = (patch_value(field, side, value.at, among) for field in (flow.field, kept))
        if stress is not None and flown is not None:
            return replace(value, stress=stress), _grown(np.where(here[0] > 0, flown, 0.0))
    return value, inelastic_at(flow, value)


def region_means(flow: Flow) -> dict[str, Inelastic]:
    """Volume averages over every region that is there."""
    space, mesh = flow.space, flow.space.mesh
    volume = _volumes(space)
    found = {}
    for number, name in enumerate(mesh.regions):
        cells = np.flatnonzero(mesh.region == number)
        if len(cells):
            found[name] = _mean(flow, cells, volume[cells])
    return found


def layer_mean(flow: Flow, region: str, thickness: float | None, roots: tuple[Root, ...], key: str) -> Inelastic:
    """Volume average over a region, or over the layer of it next to the interface of its roots (um).

    Where its roots lie on several interfaces, the layer with the largest work counts. Raises InputError as
    :func:`layer_volumes` does.
    """
    cells, found = layer_volumes(flow.space, region, thickness, roots, key)
    return max((_mean(flow, cells, volume) for volume in found), key=lambda one: one.work)


def layer_volumes(
    space: Space, region: str, thickness: float | None, roots: tuple[Root, ...], key: str
) -> tuple[IntArray, list[FloatArray]]:
    """A region's cells, and the volumes (E, q) of their points that lie in each layer of it, by the interfaces of its
    roots; all of them where there is no thickness.

    Raises InputError where the region is not there, has no root, or is thinner.
    """
    mesh = space.mesh
    cells = mesh.cells_of(region) if region in mesh.regions else np.empty(0, dtype=np.int64)
    if not len(cells):
        near = nearest(region, mesh.regions)
        raise InputError(
            f"{key}.region: {region!r} is not there at the end{near}; there are: {', '.join(mesh.regions)}"
        )
    points, weights = gauss_points(mesh.element, mesh.info.full)
    sampled = sample(space, cells, points)
    volume = np.asarray(sampled.volume * weights)
    if thickness is None:
        return cells, [volume]
    faces = {(root.at[1], root.into[1]) for root in roots if root.region == region}
    if not faces:
        raise InputError(f"{key}.thickness: {region!r} has no root; leave thickness out for the whole region")
    height = sampled.position[..., 1]
    found = []
    for level, way in faces:
        depth = (height - level) * way
        tall = float(((mesh.points[mesh.cells[cells], 1] - level) * way).max())
        if tall < thickness * (1.0 - 1e-9):
            raise InputError(f"{key}.thickness: {thickness:g} is more than {region!r} has, {tall:g} um")
        inside = np.where((depth >= 0) & (depth <= thickness), volume, 0.0)
        if not inside.any():
            raise InputError(f"{key}.thickness: no point of {region!r} lies within {thickness:g} um; refine the mesh")
        found.append(inside)
    return cells, found


def _volumes(space: Space) -> FloatArray:
    """Volumes (E, q) of the full Gauss points."""
    points, weights = gauss_points(space.mesh.element, space.mesh.info.full)
    return np.asarray(sample(space, np.arange(len(space.mesh.cells)), points).volume * weights)


def _mean(flow: Flow, cells: IntArray, volume: FloatArray) -> Inelastic:
    total = float(volume.sum())
    return Inelastic(*(np.einsum("eq,eqk->k", volume, flow.values[cells]) / total).tolist())
