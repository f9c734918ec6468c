"""Averages over patches of a flowing body: the rings at the roots and layers of stated thickness; plastic zones.

Stress, mechanical strain (that of the displacement since birth less thermal strain and eigenstrain, so elastic and
inelastic) and what flowed are averaged over the same volume, so that stress against strain of a patch is a loop whose
area is close to the work done there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.base.errors import InputError
from femsim.measures.averages import Averages
from femsim.measures.goals import Piece
from femsim.measures.inelastic import Flow, Inelastic
from femsim.meshes.elements import gauss_points
from femsim.meshes.layout import Rim, Root
from femsim.models.fields import PointField
from femsim.models.sampling import sample
from femsim.models.space import Space
from femsim.solvers.moments import Stage, conditions_of

#: an equivalent plastic strain above this counts as having yielded: rounding and extrapolation in time lie below
YIELDED = 1.0e-6


@dataclass(frozen=True)
class Patch:
    """A volume that averages run over: ``pieces`` with weights (E, q, 1) that add up to one. ``root`` is None for a
    layer, whose size (um) is its thickness; else it is the averaging length.
    """

    name: str
    region: str
    size: float
    root: Root | Rim | None
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class PatchMean:
    """Means over a patch: stress (size,) in MPa, mechanical strain (size,) with engineering shear, and what flowed."""

    patch: Patch
    stress: FloatArray
    strain: FloatArray
    inelastic: Inelastic


@dataclass(frozen=True)
class Zone:
    """The plastic zone at a root: cells of its conductor that have yielded (p > YIELDED at a point) and hang together
    with the root. ``reach``: distance (um) from the root of its farthest point that yielded; ``area`` of its cells in
    the drawing plane (um2); ``share`` of the conductor's area.
    """

    reach: float
    area: float
    share: float


def root_patches(averages: Sequence[Averages]) -> list[Patch]:
    """The rings of the von Mises averages."""
    return [Patch(a.root.name, a.root.region, a.length, a.root, a.ring) for a in averages]


def layer_patches(space: Space, roots: Sequence[Root], thickness: float | None) -> list[Patch]:
    """Layers of a thickness (um) of the roots' conductors, from the interface of the root; each once.

    A cell counts by its Gauss points. Raises InputError where a conductor is thinner than the layer.
    """
    if thickness is None:
        return []
    mesh, found = space.mesh, {}
    points, weights = gauss_points(mesh.element, mesh.info.full)
    for root in roots:
        key = root.region, root.at[1], root.into[1]
        cells = mesh.cells_of(root.region)
        if key in found or not len(cells):
            continue
        at = sample(space, cells, points)
        depth = (at.position[..., 1] - root.at[1]) * root.into[1]
        tall = float(((mesh.points[mesh.cells[cells], 1] - root.at[1]) * root.into[1]).max())
        if tall < thickness * (1.0 - 1e-9):
            raise InputError(f"metrics.thickness: {thickness:g} is more than {root.region!r} has, {tall:g} um")
        inside = np.where((depth >= 0) & (depth <= thickness), at.volume * weights, 0.0)
        if not inside.any():
            raise InputError(
                f"metrics.thickness: no point of {root.region!r} lies within {thickness:g} um of root {root.name}; "
                f"refine the mesh"
            )
        kept = inside.any(axis=1)
        piece = Piece(cells[kept], points, (inside[kept] / inside.sum())[..., None])
        name = f"{root.region} at {root.name}"
        found[key] = Patch(name, root.region, thickness, None, (piece,))
    return list(found.values())


def patch_means(flow: Flow, strain: FloatArray, patches: Sequence[Patch]) -> tuple[PatchMean, ...]:
    """Means over patches; ``strain`` (E, q, size) at the full Gauss points, of :func:`strains_of`."""
    field = flow.field
    found = []
    for patch in patches:
        stress, moved, flown = (
            _mean(PointField(field.space, field.unknowns, values, field.energy), patch)
            for values in (field.values, strain, flow.values)
        )
        found.append(PatchMean(patch, stress, moved, Inelastic(*np.maximum(flown, 0.0).tolist())))
    return tuple(found)


def _mean(field: PointField, patch: Patch) -> FloatArray:
    parts = [np.sum(p.weights * field.stress(sample(field.space, p.cells, p.xi)), axis=(0, 1)) for p in patch.pieces]
    return np.asarray(sum(parts))


def strains_of(stage: Stage) -> FloatArray:
    """Mechanical strain (E, q, size) at the full Gauss points of a stage's part."""
    body, moment = stage.body, stage.moment
    space = body.space
    points, _ = gauss_points(space.mesh.element, space.mesh.info.full)
    found = np.zeros((len(space.mesh.cells), len(points), space.kinematics.size))
    conditions = conditions_of(stage.part, moment.conditions)
    values = body.strains(stage.part.of(moment.unknowns), conditions, stage.births)
    for batch, strain in zip(body.batches, values, strict=True):
        found[batch.cells] = strain
    return found


def zone_at(flow: Flow, root: Root) -> Zone:
    """The plastic zone at a root."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    space, mesh = flow.space, flow.space.mesh
    cells = mesh.cells_of(root.region)
    points, weights = gauss_points(mesh.element, mesh.info.full)
    at = sample(space, cells, points)
    area = (at.determinant * weights).sum(axis=1)
    over = flow.values[cells, :, 0] > YIELDED
    corner = mesh.cells[cells][:, : mesh.info.corners]
    distance = np.linalg.norm(mesh.points[corner] - np.asarray(root.at), axis=-1)
    touched = over.any(axis=1)
    first = touched & (distance.min(axis=1) <= mesh.near + 1e-9 * mesh.extent)
    if not first.any():
        return Zone(0.0, 0.0, 0.0)
    yielded = np.flatnonzero(touched)
    nodes = corner[yielded]
    rows = np.repeat(np.arange(len(yielded)), nodes.shape[1])
    shared = coo_matrix((np.ones(nodes.size), (rows, nodes.ravel())), shape=(len(yielded), len(mesh.points))).tocsr()
    _, label = connected_components(shared @ shared.T, directed=False)
    kept = yielded[np.isin(label, label[np.searchsorted(yielded, np.flatnonzero(first))])]
    reach = np.linalg.norm(at.position[kept] - np.asarray(root.at), axis=-1)
    total = float(area[kept].sum())
    return Zone(float(reach[over[kept]].max()), total, total / float(area.sum()))
