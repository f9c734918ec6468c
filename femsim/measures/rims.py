"""Averages along root circles of bodies in space: over the annulus in the conductor, all around and arc by arc.

For a circle of radius R about an axis along z, an averaging length L and the conductor's side of the interface z = z0:

    peel    = int s_zz dA / int dA            over R - L <= r <= R at z0, taken in the conductor
    shear   = the same of s_rz = s_xz cos + s_yz sin, shear_t of s_tz = s_yz cos - s_xz sin
    von Mises = its volume average over R - L <= r <= R, z in [z0, z0 + L] in the conductor

and over R <= r <= R + L where the conductor lies outside the circle. As in the plane
(:mod:`femsim.measures.averages`) stresses at the interface are those of the conductor's cells, carried to their faces
from the superconvergent points. Faces are integrated by parts of themselves, in or out of the annulus and of an arc
point by point; so are cells that the ring cuts.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from femsim.base.arrays import BoolArray, FloatArray, IntArray
from femsim.base.errors import FemsimWarning, InputError
from femsim.measures.averages import Averages, fits, lengths_at, reach
from femsim.measures.goals import Functional, Piece
from femsim.meshes.elements import ELEMENTS, FACE_OF, gauss_points, node_points, reduced_basis, shape
from femsim.meshes.facets import face_normals
from femsim.meshes.layout import Rim
from femsim.meshes.mesh import Mesh
from femsim.models.fields import StressField
from femsim.models.kinematics import von_mises
from femsim.models.sampling import sample
from femsim.models.space import Space

#: subdivisions of a face or cell along each direction where the annulus or an arc cuts it
CUT = 6
#: width of an arc, degrees
ARC = 11.25
#: what is given along the circle
AROUND = ("peel", "shear", "shear_t", "von_mises")


@dataclass(frozen=True)
class RimAverages:
    """The averages of one circle and length (``whole``), and their parts by arc: middles (degrees), the arcs' areas and
    volumes, and per arc the functionals of peel, both shears and the ring.
    """

    whole: Averages
    angle: FloatArray
    arcs: tuple[Averages, ...]
    shear_t: tuple[Functional, ...]
    areas: FloatArray
    volumes: FloatArray


@dataclass(frozen=True)
class Around:
    """Averages over arcs (MPa): the arcs' middles (degrees) and by kind the values."""

    angle: FloatArray
    values: dict[str, FloatArray]

    def largest(self, kind: str) -> tuple[float, float]:
        """The value of the largest magnitude, and its angle (degrees)."""
        at = int(np.argmax(np.abs(self.values[kind])))
        return float(self.values[kind][at]), float(self.angle[at])


def rim_averages(space: Space, rims: Sequence[Rim], lengths: Sequence[float], chosen: bool = True) -> list[RimAverages]:
    """Averages of all circles and lengths; one that a conductor cannot hold is left out, with a warning where
    ``chosen``.

    Raises InputError where the mesh has no faces of the conductor at the interface.
    """
    found = []
    for rim in rims:
        fitting = lengths_at(rim, lengths)
        left = [length for length in lengths if length not in fitting]
        if left and chosen:
            warnings.warn(
                f"root {rim.name}: no average over {', '.join(f'{v:g}' for v in left)} um; the conductor reaches "
                f"{reach(rim):g} um",
                FemsimWarning,
                stacklevel=2,
            )
        elif not any(fits(rim, length) for length in lengths):
            warnings.warn(
                f"root {rim.name}: averaged over {fitting[0]:g} um, half the conductor's reach",
                FemsimWarning,
                stacklevel=2,
            )
        found += [_one(space, rim, length) for length in fitting]
    return found


def around(field: StressField, average: RimAverages) -> Around:
    """The averages over arcs."""
    rows = [
        (a.peel.value(field), a.shear.value(field), t.value(field), _ring_mean(field, a.ring))
        for a, t in zip(average.arcs, average.shear_t, strict=True)
    ]
    table = np.array(rows)
    return Around(average.angle, {kind: table[:, k] for k, kind in enumerate(AROUND)})


def _ring_mean(field: StressField, ring: tuple[Piece, ...]) -> float:
    return float(
        sum(np.sum(p.weights[..., 0] * von_mises(field.stress(sample(field.space, p.cells, p.xi)))) for p in ring)
    )


# ---------------------------------------------------------------- one circle


@dataclass(frozen=True)
class RingPoints:
    """Integration points of some cells at shared reference points: cells, reference points, weights (E, q), and for
    each point the cosine and sine of its angle, all zero outside the ring.
    """

    cells: IntArray
    xi: FloatArray
    weights: FloatArray
    angle: FloatArray


def _one(space: Space, rim: Rim, length: float) -> RimAverages:
    faces, volumes = faces_of(space, rim, length), _volumes(space, rim, length)
    area = sum(float(p.weights.sum()) for p in faces)
    if not area > 0:
        raise InputError(
            f"root {rim.name}: the mesh has no face of {rim.region!r} at z = {rim.z:g} um inside the circle"
        )
    whole = _averages(space, rim, length, faces, volumes, None)
    volumes = _volumes(space, rim, length, by_arc=True)
    bins = np.unique(np.concatenate([bin_of(p.angle)[p.weights > 0] for p in faces]))
    arcs = [_averages(space, rim, length, faces, volumes, int(b)) for b in bins]
    turned = [Functional("shear_t", _pieces(space, faces, int(b), lambda cos, sin: {5: cos, 4: -sin})) for b in bins]
    areas, parts = (
        np.array([sum(float(_masked(p, int(b)).sum()) for p in of) for b in bins]) for of in (faces, volumes)
    )
    return RimAverages(whole, (bins + 0.5) * ARC, tuple(arcs), tuple(turned), areas, parts)


def bin_of(angle: FloatArray) -> IntArray:
    """The arc (counted from the angle 0) that an angle (rad) lies in."""
    return np.floor(np.degrees(angle) % 360.0 / ARC).astype(np.int64)


def _averages(
    space: Space, rim: Rim, length: float, faces: list[RingPoints], volumes: list[RingPoints], arc: int | None
) -> Averages:
    ring = []
    total = sum(float(_masked(p, arc).sum()) for p in volumes)
    for p in volumes:
        weights = _masked(p, arc)
        used = np.flatnonzero(weights.any(axis=1))
        if len(used):
            ring.append(Piece(p.cells[used], p.xi, weights[used][..., None] / total))
    return Averages(
        rim,
        length,
        Functional("peel", _pieces(space, faces, arc, lambda cos, sin: {2: np.ones_like(cos)})),
        Functional("shear", _pieces(space, faces, arc, lambda cos, sin: {4: cos, 5: sin})),
        tuple(ring),
    )


def _masked(p: RingPoints, arc: int | None) -> FloatArray:
    return p.weights if arc is None else np.where(bin_of(p.angle) == arc, p.weights, 0.0)


def _pieces(space: Space, faces: list[RingPoints], arc: int | None, components: object) -> tuple[Piece, ...]:
    """Weights on the stresses at the superconvergent points of a weighted mean over the faces' points."""
    element = space.mesh.element
    reduced, _ = gauss_points(element, ELEMENTS[element].reduced)
    total = sum(float(_masked(p, arc).sum()) for p in faces)
    found = []
    for p in faces:
        weights = _masked(p, arc) / total
        used = np.flatnonzero(weights.any(axis=1))
        if not len(used):
            continue
        basis = reduced_basis(element, p.xi)
        carried = np.zeros((len(used), len(reduced), space.kinematics.size))
        own = components(np.cos(p.angle[used]), np.sin(p.angle[used]))  # type: ignore[operator]
        for component, factor in own.items():
            carried[..., component] = (weights[used] * factor) @ basis
        found.append(Piece(p.cells[used], reduced, carried))
    return tuple(found)


def place(rim: Rim, x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Distance from the axis and angle (rad) of points (..., 2 or 3)."""
    dx, dy = x[..., 0] - rim.centre[0], x[..., 1] - rim.centre[1]
    return np.hypot(dx, dy), np.arctan2(dy, dx)


def conductor_faces(mesh: Mesh, rim: Rim) -> Iterator[tuple[tuple[int, ...], IntArray]]:
    """A face's place in its cells, and the conductor's cells that have it on the circle's level, on their side of it;
    those that there are.
    """
    cells = mesh.cells_of(rim.region)
    side = (mesh.points[mesh.cells[cells]].mean(axis=1)[:, 2] - rim.z) * rim.up > 0
    for face in mesh.info.faces:
        z = mesh.points[mesh.cells[cells][:, list(face)], 2]
        flat = side & np.all(np.abs(z - rim.z) <= 1e-9 * mesh.extent, axis=1)
        if np.any(flat):
            yield tuple(face), cells[flat]


def faces_of(space: Space, rim: Rim, length: float) -> list[RingPoints]:
    """Points on the conductor's faces at the interface, inside the annulus."""
    mesh = space.mesh
    low, high = rim.ring(length)
    found = []
    corner = node_points(mesh.element)
    for face, cells in conductor_faces(mesh, rim):
        x = mesh.points[mesh.cells[cells][:, list(face)]]
        radius, _ = place(rim, x)
        rows = np.flatnonzero((radius.max(axis=1) > low) & (radius.min(axis=1) < high))
        plane = FACE_OF[len(face)]
        if len(rows):
            xi, w = _cut(plane)
            values, slopes = shape(plane, xi)
            nodes = x[rows]
            r, angle = place(rim, np.einsum("qn,knc->kqc", values, nodes))
            area = np.linalg.norm(face_normals(slopes, nodes), axis=2)
            weights = _limited(area * w, r, rim, length)
            linear = shape("quad4" if plane.startswith("quad") else "tri3", xi)[0]
            inside_cell = linear @ corner[list(face[: linear.shape[1]])]
            found.append(RingPoints(cells[rows], inside_cell, weights, angle))
    return found


def _limited(weights: FloatArray, r: FloatArray, rim: Rim, length: float) -> FloatArray:
    low, high = rim.ring(length)
    within: BoolArray = (r >= low * (1 - 1e-9)) & (r <= high * (1 + 1e-9))
    return np.where(within, weights, 0.0)


def _cut(plane: str) -> tuple[FloatArray, FloatArray]:
    """Two Gauss points along each direction of CUT x CUT parts of a face (the middles of parts, on triangles)."""
    if plane.startswith("quad"):
        g = 0.5 - 0.5 / np.sqrt(3.0)
        t = ((np.arange(CUT)[:, None] + np.array([g, 1 - g])) / CUT).ravel()
        x, y = (v.ravel() for v in np.meshgrid(t, t))
        return np.column_stack([x, y]), np.full(len(x), 1.0 / len(x))
    t = (np.arange(2 * CUT) + 0.5) / (2 * CUT)
    x, y = (v.ravel() for v in np.meshgrid(t, t))
    return np.column_stack([x, y * (1 - x)]), (1 - x) / len(x)


def _volumes(space: Space, rim: Rim, length: float, by_arc: bool = False) -> list[RingPoints]:
    """Points of the conductor's ring; ``by_arc``: cells that reach over several arcs are cut too."""
    mesh = space.mesh
    cells = mesh.cells_of(rim.region)
    x = mesh.points[mesh.cells[cells]]
    low, high = sorted((rim.z, rim.z + rim.up * length))
    slack = 1e-9 * mesh.extent
    radius, _ = place(rim, x)
    tall = (x[..., 2].max(axis=1) > low + slack) & (x[..., 2].min(axis=1) < high - slack)
    inner, outer = rim.ring(length)
    near = tall & (radius.max(axis=1) > inner) & (radius.min(axis=1) < outer)
    within = near & (radius.min(axis=1) >= inner * (1 - 1e-9)) & (radius.max(axis=1) <= outer * (1 + 1e-9))
    within &= (x[..., 2].min(axis=1) >= low - slack) & (x[..., 2].max(axis=1) <= high + slack)
    if by_arc:
        _, turned = place(rim, x)
        middle = np.arctan2(np.sin(turned).mean(axis=1), np.cos(turned).mean(axis=1))
        off = (turned - middle[:, None] + np.pi) % (2 * np.pi) - np.pi
        ends = [middle + off.min(axis=1) + 1e-6, middle + off.max(axis=1) - 1e-6]
        within &= bin_of(ends[0]) == bin_of(ends[1])
    found = []
    for chosen, (xi, w) in (
        (within, gauss_points(mesh.element, mesh.info.full)),
        (near & ~within, _cut_cell(mesh.element)),
    ):
        rows = cells[chosen]
        if not len(rows):
            continue
        at = sample(space, rows, xi)
        r, angle = place(rim, at.position)
        weights = _limited(at.volume * w, r, rim, length)
        weights = np.where((at.position[..., 2] >= low - slack) & (at.position[..., 2] <= high + slack), weights, 0.0)
        found.append(RingPoints(rows, xi, weights, angle))
    return found


def _cut_cell(element: str) -> tuple[FloatArray, FloatArray]:
    """Middles and volumes of parts of the reference cell."""
    kind = ELEMENTS[element].kind
    t = (np.arange(CUT) + 0.5) / CUT
    x, y, z = (v.ravel() for v in np.meshgrid(t, t, t, indexing="ij"))
    if kind == "hex":
        return np.column_stack([x, y, z]), np.full(len(x), 1.0 / len(x))
    if kind == "wedge":
        return np.column_stack([x, y * (1 - x), z]), (1 - x) / len(x)
    rest = (1 - x) * (1 - y)
    return np.column_stack([x, y * (1 - x), z * rest]), (1 - x) ** 2 * (1 - y) / len(x)
