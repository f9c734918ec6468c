"""The singular field along a root circle of a body in space, in the sections perpendicular to it.

Along a smooth edge the leading terms are those of plane strain in the section, with the out-of-plane part beside them
(:mod:`femsim.measures.singularity.antiplane`); the curvature adds terms of relative size r / R, as on an axisymmetric
body (Costabel and Dauge 1993, Math. Nachr. 162, 209). A section's axes are x = outward from the circle's axis, y = z;
its junction is read off the cells around a point of the circle, its intensities follow from the finite elements' field
on arcs, as :mod:`femsim.measures.corner.intensity` has them.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.errors import FemsimWarning, InputError, NoExpansionError
from femsim.base.secondary import reason
from femsim.materials.elastic import bond_matrix
from femsim.measures.corner.corner import Corner
from femsim.measures.corner.intensity import ARCS, HIGHEST, Agreement, RootField, usable
from femsim.meshes.elements import gauss_points, reduced_basis, shape
from femsim.meshes.layout import Rim, Root
from femsim.meshes.locate import locate_all, locate_many
from femsim.meshes.mesh import Mesh
from femsim.models.model import Model
from femsim.models.sampling import sample

if TYPE_CHECKING:
    from femsim.measures.singularity import Eigen, Junction
    from femsim.solvers.solve import Solution

#: directions (degrees) and distances (of the longest) in which regions are sought around a point of the circle
DIRECTIONS = np.arange(5.0, 360.0, 10.0)
DISTANCES = np.geomspace(0.02, 1.0, 24)
#: components xx, yy, zz, xy, xz, yz as a symmetric matrix
_MATRIX = np.array([[0, 3, 4], [3, 1, 5], [4, 5, 2]])


@dataclass(frozen=True, eq=False)
class Section:
    """The field in the section at an angle (degrees) of a root circle, or the sentence that says why there is none;
    ``first`` are the lengths (um) of the edges under the conductor, beyond the circle and up the conductor's wall, zero
    where nothing is.
    """

    angle: float
    root: Root
    field: RootField | str
    first: tuple[float, float, float]


def sections(solution: Solution, rim: Rim, angles: Sequence[float]) -> tuple[Section, ...]:
    """The sections of a root circle at some angles (degrees)."""
    model = solution.model
    root = Root(rim.name, (rim.radius, rim.z), rim.region, (rim.into, rim.up), rim.width, rim.height)
    known: dict[bytes, tuple[Junction, tuple[Eigen, ...]]] = {}
    found = []
    for angle in angles:
        frame = _Frame.of(rim, float(angle))
        first = (0.0, 0.0, 0.0)
        field: RootField | str
        try:
            near = _near(model.mesh, frame, min(rim.radius, _furthest(rim)))
            first = _first(model.mesh, frame, near, rim)
            field = _field(solution, rim, frame, near, first, known)
        except (NoExpansionError, InputError) as error:
            field = str(error)
        except Exception as error:  # whatever the numbers of one section do, the others and the averages stand
            field = reason(error)
            warnings.warn(
                f"root {rim.name}: no singular field at {angle:g} degrees: {field}; the other results stand",
                FemsimWarning,
                stacklevel=2,
            )
        found.append(Section(float(angle), root, field, first))
    return tuple(found)


@dataclass(frozen=True)
class _Frame:
    """A section's plane: the point of the circle, and the directions outward, along z and out of the plane."""

    at: FloatArray
    axes: FloatArray  # (3, 3), rows

    @staticmethod
    def of(rim: Rim, angle: float) -> _Frame:
        c, s = float(np.cos(np.radians(angle))), float(np.sin(np.radians(angle)))
        at = np.array([rim.centre[0] + rim.radius * c, rim.centre[1] + rim.radius * s, rim.z])
        return _Frame(at, np.array([[c, s, 0.0], [0.0, 0.0, 1.0], [s, -c, 0.0]]))

    def point(self, radius: FloatArray, theta: FloatArray) -> FloatArray:
        """Points (n, 3) at radii (um) and angles (rad) in the section."""
        return np.asarray(
            self.at + radius[:, None] * (np.cos(theta)[:, None] * self.axes[0] + np.sin(theta)[:, None] * self.axes[1])
        )


def _furthest(rim: Rim) -> float:
    return max(rim.width, rim.height)


def _near(mesh: Mesh, frame: _Frame, furthest: float) -> IntArray:
    """Cells whose boxes come within ``furthest`` um of the section's point and touch its plane."""
    low, high = (side - frame.at for side in mesh.boxes)
    nearest = np.linalg.norm(np.maximum(np.maximum(low, -high), 0.0), axis=1)
    some = np.flatnonzero(nearest <= furthest * 1.05)
    across = (mesh.points[mesh.cells[some]] - frame.at) @ frame.axes[2]
    slack = 0.1 * np.ptp(across, axis=1) + mesh.near
    return np.asarray(some[(across.min(axis=1) <= slack) & (across.max(axis=1) >= -slack)])


def _first(mesh: Mesh, frame: _Frame, near: IntArray, rim: Rim) -> tuple[float, float, float]:
    """Lengths of the cells at the circle along the interface, under the conductor and beyond it, and up its wall."""
    x = (mesh.points[mesh.cells[near, : mesh.info.corners]] - frame.at) @ frame.axes.T
    slack = 1e-6 * mesh.extent
    on = np.abs(x[..., 1]) <= slack
    outward = np.hypot(rim.radius + x[..., 0], x[..., 2]) - rim.radius
    touches = np.any(on & (np.abs(outward) <= slack), axis=1)
    lengths = []
    for side in (rim.into, -rim.into):
        own = touches & (outward.mean(axis=1) * side > 0)
        lengths.append(float(np.where(on, np.abs(outward), 0.0)[own].max(axis=1).min()) if np.any(own) else 0.0)
    own = touches & (outward.mean(axis=1) * rim.into > 0) & (x[..., 1].mean(axis=1) * rim.up > 0)
    wall = float(np.abs(x[..., 1])[own].max(axis=1).min()) if np.any(own) else 0.0
    return lengths[0], lengths[1], wall


def _field(
    solution: Solution,
    rim: Rim,
    frame: _Frame,
    near: IntArray,
    first: tuple[float, float, float],
    known: dict[bytes, tuple[Junction, tuple[Eigen, ...]]],
) -> RootField:
    """Exponents and intensities in one section."""
    from femsim.measures.singularity import exponents, intensities, regular_term

    model = solution.model
    mesh = model.mesh
    starts, numbers, reach = _around(mesh, frame, near, min(rim.radius, _furthest(rim)))
    node = int(np.argmin(np.linalg.norm(mesh.points - frame.at, axis=1)))
    junction = _junction(model, frame, node, starts, numbers)
    key = b"".join(w.stiffness.tobytes() + w.thermal_strain.tobytes() for w in junction.wedges) + repr(starts).encode()
    if key not in known:
        known[key] = junction, usable(exponents(junction, re_max=HIGHEST))
    junction, eigens = known[key]
    regions = tuple(mesh.regions[number] for number in numbers)
    corner = Corner(rim.name, (rim.radius, rim.z), node, junction, regions, reach)
    strain = _hoop_strain(solution, frame, mesh.cells_of(rim.region), near)
    loaded = any(np.any(wedge.thermal_strain != 0.0) for wedge in junction.wedges) or strain != 0.0
    regular = regular_term(junction, strain) if loaded else None
    smallest = float(np.sqrt(2.0) * max(first))
    radii = reach * np.array(ARCS)
    if radii[0] < 2.0 * smallest:
        radii = np.geomspace(2.0 * smallest, max(0.35 * reach, 4.0 * smallest), len(ARCS))
        if radii[-1] > 0.9 * reach:
            raise NoExpansionError(
                f"elements of {smallest:.3g} um are too coarse where the nearest feature is {reach:.3g} um away"
            )
    sampler = _Sampler(solution, frame, corner, near)
    expansion = intensities(junction, eigens, sampler, list(radii), regular, points=16, extrapolate=1)
    agreement = Agreement(np.zeros(0), np.zeros(0), float("nan"), float("nan"))
    spread = np.asarray(expansion.spread)
    return RootField(corner, expansion, spread, rim.radius, solution.field, smallest, given=agreement)


def _around(mesh: Mesh, frame: _Frame, near: IntArray, furthest: float) -> tuple[list[float], list[int], float]:
    """First rays (degrees, one more than wedges), regions of the wedges, and the distance to the next feature.

    Interfaces at a root circle of a swept body are level or upright: what lies in the four quarters tells all.
    """
    theta = np.radians(np.tile(DIRECTIONS, len(DISTANCES)))
    radius = furthest * np.repeat(DISTANCES, len(DIRECTIONS))
    part = Mesh(mesh.points, mesh.cells[near], mesh.element, mesh.region[near], mesh.regions)
    point, cell, _ = locate_all(part, frame.point(radius, theta))
    region = np.full(len(theta), -1)
    region[point] = part.region[cell]
    grid = region.reshape(len(DISTANCES), len(DIRECTIONS))
    quarter = (DIRECTIONS // 90.0).astype(int)
    own = np.array([np.bincount(grid[0, quarter == k] + 1).argmax() - 1 for k in range(4)])
    if np.any(grid[0] != own[quarter]):
        raise NoExpansionError(f"another feature lies within {furthest * DISTANCES[0]:.3g} um of the circle")
    good = np.all(grid == own[quarter], axis=1)
    reach = furthest * float(DISTANCES[good.argmin() - 1] if not good.all() else DISTANCES[-1])
    if np.all(own >= 0) and len(set(own)) == 1:
        raise NoExpansionError("one region all round: no interface ends here")
    changes = [k for k in range(4) if own[k] != own[k - 1]]
    start = next((k for k in changes if own[k - 1] < 0), changes[0])
    order = [k for k in range(start, start + 4) if own[k % 4] >= 0]
    if any(b - a != 1 for a, b in pairwise(order)):
        raise NoExpansionError("bodies that touch along the circle alone")
    starts, numbers = [90.0 * order[0]], [int(own[order[0] % 4])]
    for k in order[1:]:
        if own[k % 4] != numbers[-1]:
            starts.append(90.0 * k)
            numbers.append(int(own[k % 4]))
    starts.append(90.0 * (order[-1] + 1))
    turn = 360.0 * np.ceil((starts[0] - 180.0) / 360.0)
    return [s - turn for s in starts], numbers, reach


def _junction(model: Model, frame: _Frame, node: int, starts: list[float], numbers: list[int]) -> Junction:
    from femsim.measures.singularity import Junction, Wedge

    closed = starts[-1] - starts[0] == 360.0
    if not closed and np.any(model.constraints.equation[3 * node : 3 * node + 3] < 0):
        raise NoExpansionError("a support holds the circle; no expansion is known there")
    bond, back = bond_matrix(frame.axes), bond_matrix(frame.axes.T)
    wedges = []
    for k, number in enumerate(numbers):
        temperature = model.temperature_beside(node, number)
        stiffness = model.materials[model.mesh.regions[number]].stiffness(temperature, model.kinematics.plane)
        strain = back.T @ model.free_strain(number, temperature)
        turned = bond @ stiffness @ bond.T
        wedges.append(Wedge(starts[k], starts[k + 1], _clean(turned), _clean(strain)))
    return Junction(tuple(wedges), "bonded" if closed else ("free", "free"), "plane-strain")


def _clean(value: FloatArray) -> FloatArray:
    """Rounding of a rotation taken out, so that sections of isotropic bodies share one junction."""
    scale = float(np.abs(value).max(initial=0.0))
    if scale == 0.0:
        return value
    step = 2.0 ** (np.floor(np.log2(scale)) - 36)
    return np.asarray(np.round(value / step) * step)


def _hoop_strain(solution: Solution, frame: _Frame, own: IntArray, near: IntArray) -> float:
    """Strain along the circle at the section's point, the same in all cells there."""
    model = solution.model
    cells, xi = locate_many(model.mesh, np.intersect1d(near, own), frame.at[None])
    strain = sample(model.space, cells, xi).strain(solution.unknowns)[0, 0]
    matrix = strain[_MATRIX] * np.where(np.eye(3) > 0, 1.0, 0.5)
    return float(frame.axes[2] @ matrix @ frame.axes[2])


class _Sampler:
    """Displacement in the section, relative to the circle's point, and stress (xx, yy, xy) of the finite elements."""

    def __init__(self, solution: Solution, frame: _Frame, corner: Corner, near: IntArray) -> None:
        field = solution.field
        self.mesh, self.frame, self.corner, self.near = field.space.mesh, frame, corner, near
        self.nodal = field.unknowns[: field.space.nodal].reshape(-1, 3)
        reduced, _ = gauss_points(self.mesh.element, self.mesh.info.reduced)
        self.stress = field.stress(sample(field.space, near, reduced))
        here, xi = locate_many(self.mesh, near, frame.at[None])
        self.origin = shape(self.mesh.element, xi)[0][0] @ self.nodal[self.mesh.cells[here[0]]]

    def __call__(self, radius: float | FloatArray, angles: FloatArray, wedge: int) -> tuple[FloatArray, FloatArray]:
        """Displacement (n, 2) and stress (n, 3) at radii in um and angles in degrees that broadcast."""
        mesh, axes = self.mesh, self.frame.axes
        distance, theta = np.broadcast_arrays(np.asarray(radius, dtype=float), np.radians(angles))
        own = np.flatnonzero(mesh.region[self.near] == mesh.regions.index(self.corner.regions[wedge]))
        cells, xi = locate_many(mesh, self.near[own], self.frame.point(distance, theta))
        values, _ = shape(mesh.element, xi)
        u = np.einsum("pn,pnc->pc", values, self.nodal[mesh.cells[cells]]) - self.origin
        at = own[np.searchsorted(self.near[own], cells)]
        s = np.einsum("pq,pqc->pc", reduced_basis(mesh.element, xi), self.stress[at])[:, _MATRIX]
        local = np.einsum("ai,pij,bj->pab", axes[:2], s, axes[:2])
        return u @ axes[:2].T, np.stack([local[:, 0, 0], local[:, 1, 1], local[:, 0, 1]], axis=1)
