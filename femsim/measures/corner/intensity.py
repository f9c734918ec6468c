"""The singular field at a corner of a solved model: exponents, intensities, averages, and where they agree with the
finite elements.

The stress near a corner is sum_i Re(K_i r^(lambda_i - 1) S_i) + regular term. The intensities K_i come from the
reciprocal work of the finite element field with complementary fields over several arcs
(:mod:`femsim.measures.singularity.expansion`) that lie well inside the corner's reach and well outside the elements
which the singularity spoils. On an axisymmetric body the curvature adds terms of relative size r / R, so the arcs'
values are extrapolated to r = 0, and the regular term holds the hoop strain of the corner, u_r / R.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.errors import FemsimWarning, InputError, NoExpansionError
from femsim.base.secondary import reason
from femsim.measures.corner.corner import Corner, corner_at
from femsim.measures.traction import Shares, average, profile
from femsim.meshes.elements import gauss_points, reduced_basis, shape
from femsim.meshes.facets import edges_of
from femsim.meshes.layout import Root
from femsim.meshes.locate import locate_many
from femsim.meshes.mesh import Mesh
from femsim.models.fields import StressField
from femsim.models.sampling import sample

if TYPE_CHECKING:
    from femsim.measures.singularity import Eigen, Expansion
    from femsim.solvers.solve import Solution


#: arcs of the extraction, as fractions of the corner's reach
ARCS = (0.005, 0.01, 0.015, 0.02, 0.03, 0.04)
#: terms up to this real part of the exponent are extracted; only singular ones are reported
HIGHEST = 1.75
#: expansion and field agree where the root mean square of their difference on an arc is below this fraction of the
#: field's
AGREE = 0.05
#: int_0^1 N(s) ln s ds of an edge's end node, by order
LOGARITHM = {1: -0.75, 2: -17.0 / 36.0}
#: radii at which they are compared, between the smallest element and the reach
COMPARED = 17


@dataclass(frozen=True)
class Agreement:
    """Radii (m,) in um, the relative root mean square difference of expansion and field on each arc, and the interval
    of agreement.
    """

    radii: FloatArray
    difference: FloatArray
    low: float
    high: float
    within: float = AGREE


@dataclass(frozen=True, eq=False)
class RootField:
    """The local field at a corner: the expansion, how far each intensity may be off (``error``, same unit), where it
    holds. ``stress`` is the field it was extracted from, ``smallest`` the size (um) of its elements at the corner;
    ``shares`` are those found of it so far (:func:`share_at`).
    """

    corner: Corner
    expansion: Expansion
    error: FloatArray
    axis_distance: float | None
    stress: StressField = field(repr=False)
    smallest: float
    shares: dict[tuple[Root, float, int], Shares] = field(default_factory=dict, repr=False)
    given: Agreement | None = None

    @cached_property
    def agreement(self) -> Agreement:
        """Where expansion and finite elements agree: as ``given``, else found when first asked for, as few who need the
        field do.
        """
        if self.given is not None:
            return self.given
        return compare(FieldSampler(self.stress, self.corner, self.corner.reach), self.expansion, self.smallest)

    @property
    def singular(self) -> list[int]:
        """Numbers of the terms whose stress grows without bound."""
        return [k for k, eigen in enumerate(self.expansion.eigens) if eigen.singular]

    def average(self, root: Root, length: float, component: str) -> float:
        """Average of a component (``yy`` peel, ``xy`` shear) over ``length`` um of the interface under the conductor,
        MPa.
        """
        ray, wedge = self.interface(root)
        return self.expansion.average(ray, length, component, wedge, self.axis_distance)

    def interface(self, root: Root) -> tuple[float, int]:
        """The ray (degrees) of the interface under the conductor, and the conductor's wedge."""
        level = 180.0 if root.into[0] < 0 else 0.0
        wedge = self.corner.wedge_of(root.region, level)
        return self.corner.ray_of(wedge, level), wedge

    def factors(self, root: Root, term: int) -> tuple[complex, complex]:
        """Peel and shear on the interface under the conductor at r = 1 um for a unit intensity of one term."""
        ray, wedge = self.interface(root)
        found = self.expansion.eigens[term].stress(ray, wedge, "cartesian")[0]
        return complex(found[1]), complex(found[2])


def crack_traction(field: RootField, ray: float, radius: float) -> tuple[float, float]:
    """Peel and shear traction (MPa) of the singular terms on a ray (degrees) at a distance from the corner."""
    total = np.zeros(2)
    wedge = field.corner.junction.wedge_at(ray)
    for k in field.singular:
        eigen = field.expansion.eigens[k]
        s = eigen.stress(ray, wedge, "polar")[0, 1:]
        total += np.real(field.expansion.intensities[k] * radius ** (eigen.exponent - 1.0) * s)
    return float(total[0]), float(total[1])


def stress_intensity(field: RootField, length: float) -> tuple[float, float] | None:
    """K_I and K_II (MPa um^0.5) at the tip of a crack, None where the corner is none.

    K_I + i K_II = sqrt(2 pi r) (s_tt + i s_rt) on the ray ahead at r = ``length`` (um). Without oscillation these are
    the stress intensity factors, at any length; at the tip of an interface crack they are the real and the imaginary
    part of K r^(i epsilon), with K the complex intensity of Rice (1988, J. Appl. Mech. 55, 98), s_tt + i s_rt = K r^(i
    epsilon) / sqrt(2 pi r): they turn into each other with the length, their sum of squares does not.
    """
    junction = field.corner.junction
    closed = junction.boundary == ("free", "free") and junction.opening == 360.0
    exponents = [field.expansion.eigens[k].exponent.real for k in field.singular]
    if not closed or not exponents or any(abs(one - 0.5) > 1e-6 for one in exponents):
        return None
    peel, shear = crack_traction(field, junction.wedges[0].angle_start + 180.0, length)
    root = float(np.sqrt(2.0 * np.pi * length))
    return root * peel, root * shear


class FieldSampler:
    """Displacement (relative to the corner's) and stress of a finite element solution around a corner.

    Stresses are interpolated from the cells' superconvergent points, each side of an interface by its own region's
    cells.
    """

    def __init__(self, field: StressField, corner: Corner, furthest: float) -> None:
        self.mesh, self.corner = field.space.mesh, corner
        mesh = self.mesh
        self.nodal = field.unknowns[: field.space.nodal].reshape(-1, field.space.width)
        low, high = (side - np.array(corner.at) for side in mesh.boxes)
        nearest = np.linalg.norm(np.maximum(np.maximum(low, -high), 0.0), axis=1)
        self.near = np.flatnonzero(nearest <= furthest * 1.05)
        self.close = nearest[self.near]
        around = mesh.points[mesh.cells[self.near]] - np.array(corner.at)
        self.far = np.linalg.norm(around, axis=2).max(axis=1)
        points, _ = gauss_points(mesh.element, mesh.info.reduced)
        self.stress = field.stress(sample(field.space, self.near, points))

    def cells(self, radius: FloatArray, wedge: int) -> IntArray:
        """Positions in ``near`` of the wedge's cells that the arcs may cross."""
        region = self.mesh.regions.index(self.corner.regions[wedge])
        own = self.mesh.region[self.near] == region
        crossed = (
            own & (self.close <= float(np.max(radius)) * (1 + 1e-9)) & (self.far >= float(np.min(radius)) * (1 - 1e-9))
        )
        return np.flatnonzero(crossed if np.any(crossed) else own)

    def __call__(self, radius: float | FloatArray, angles: FloatArray, wedge: int) -> tuple[FloatArray, FloatArray]:
        """Displacement (n, 2) and stress (n, 3: xx, yy, xy) at radii in um and angles in degrees that broadcast."""
        mesh = self.mesh
        distance, theta = np.broadcast_arrays(np.asarray(radius, dtype=float), np.radians(angles))
        points = np.array(self.corner.at) + distance[:, None] * np.column_stack([np.cos(theta), np.sin(theta)])
        own = self.cells(distance, wedge)
        cells, xi = locate_many(mesh, self.near[own], points)
        values, _ = shape(mesh.element, xi)
        u = np.einsum("pn,pnc->pc", values, self.nodal[mesh.cells[cells]]) - self.nodal[self.corner.node]
        at = np.searchsorted(self.near, cells)
        s = np.einsum("pq,pqc->pc", reduced_basis(mesh.element, xi), self.stress[at])
        return u, s[:, [0, 1, 3]]


def root_fields(solution: Solution, roots: Sequence[Root]) -> dict[Root, RootField | str]:
    """The local field at each root, or the sentence that says why it has none."""
    return {root: _field(solution, f"root {root.name}", root.at, root.name, root.region) for root in roots}


def corner_fields(
    solution: Solution, places: Sequence[tuple[str, tuple[float, float], str | None]]
) -> dict[str, RootField | str]:
    """The local fields at named places (name, point, region or None), or the sentence that says why one has none.

    Raises InputError for a place that is no corner.
    """
    return {name: _field(solution, f"corner {name}", at, name, region, strict=True) for name, at, region in places}


def _field(
    solution: Solution, label: str, at: tuple[float, float], name: str, region: str | None, strict: bool = False
) -> RootField | str:
    """A local field, or why there is none; a failure of the numbers is a warning too. ``strict``: InputErrors are
    raised.
    """
    try:
        return corner_field(solution, corner_at(solution.model, at, name, region))
    except NoExpansionError as error:
        return str(error)
    except InputError as error:
        if strict:
            raise
        return str(error)
    except Exception as error:
        text = reason(error)
        warnings.warn(f"{label}: no singular field: {text}; the other results stand", FemsimWarning, stacklevel=3)
        return text


def corner_field(solution: Solution, corner: Corner, highest: float = HIGHEST) -> RootField:
    """Exponents up to a real part of ``highest`` and their intensities at a corner.

    Raises NoExpansionError where the mesh is too coarse for the arcs or no term can be extracted.
    """
    from femsim.measures.singularity import exponents, intensities, regular_term

    model, unknowns = solution.model, solution.unknowns
    mesh, axisymmetric = model.mesh, model.kinematics.radial
    if corner.reach <= 1e-9 * mesh.extent:
        raise NoExpansionError("another body touches at this point alone; the force it passes on has no expansion here")
    eigens = usable(exponents(corner.junction, re_max=highest))
    strain = 0.0
    if axisymmetric:
        strain = float(unknowns[model.space.width * corner.node]) / corner.at[0]
    elif model.kinematics.globals_:
        strain = float(unknowns[model.space.nodal])
    loaded = any(np.any(wedge.thermal_strain != 0.0) for wedge in corner.junction.wedges) or strain != 0.0
    regular = regular_term(corner.junction, strain) if loaded else None
    radii = corner.reach * np.array(ARCS)
    around = np.any(mesh.cells[:, : mesh.info.corners] == corner.node, axis=1)
    smallest = float(np.linalg.norm(np.ptp(mesh.points[mesh.cells[around]], axis=1), axis=1).max())
    if radii[0] < 2.0 * smallest:
        radii = np.geomspace(2.0 * smallest, max(0.35 * corner.reach, 4.0 * smallest), len(ARCS))
        if radii[-1] > 0.9 * corner.reach:
            raise NoExpansionError(
                f"elements of {smallest:.3g} um are too coarse where the nearest feature is {corner.reach:.3g} um away"
            )
    degree = 1 if axisymmetric else 0
    sampler = FieldSampler(solution.field, corner, float(radii[-1]))
    expansion = intensities(corner.junction, eigens, sampler, list(radii), regular, points=16, extrapolate=degree)
    return RootField(
        corner,
        expansion,
        np.asarray(expansion.spread),
        corner.at[0] if axisymmetric else None,
        solution.field,
        smallest,
    )


def usable(eigens: Sequence[Eigen]) -> tuple[Eigen, ...]:
    """The solutions that have a complementary field."""
    kept = tuple(eigen for eigen in eigens if eigen.dual is not None)
    if any(eigen.singular and eigen.dual is None for eigen in eigens):
        raise NoExpansionError(
            "an exponent lacks an eigenvector (the stress has log terms); its intensity is not defined"
        )
    return kept


def compare(sampler: FieldSampler, expansion: Expansion, smallest: float, within: float = AGREE) -> Agreement:
    """Relative difference of the expansion's stress from the field's on arcs between the smallest element and the
    reach.
    """
    corner = sampler.corner
    radii = np.geomspace(min(smallest, 0.5 * corner.reach), 0.999 * corner.reach, COMPARED)
    nodes, weights = np.polynomial.legendre.leggauss(8)
    parts = np.array([1.0, 1.0, 2.0])
    off, size = np.zeros(len(radii)), np.zeros(len(radii))
    for k, wedge in enumerate(corner.junction.wedges):
        half = 0.5 * wedge.opening
        angle = np.tile(0.5 * (wedge.angle_start + wedge.angle_end) + half * nodes, len(radii))
        distance = np.repeat(radii, len(nodes))
        _, field = sampler(distance, angle, k)
        gap = field - expansion.stress(distance, angle, k)
        off += half * ((gap**2 @ parts).reshape(len(radii), -1) @ weights)
        size += half * ((field**2 @ parts).reshape(len(radii), -1) @ weights)
    difference = np.sqrt(off / np.maximum(size, 1e-300))
    good = difference <= within
    low = high = float("nan")
    if np.any(good):  # the longest unbroken run
        edges = np.flatnonzero(np.diff(np.concatenate([[0], good.astype(int), [0]])))
        runs = edges.reshape(-1, 2)
        start, end = runs[int(np.argmax(runs[:, 1] - runs[:, 0]))]
        low, high = float(radii[start]), float(radii[end - 1])
    return Agreement(radii, difference, low, high, within)


def root_share(field: RootField, root: Root, edges: tuple[float, float, float], order: int = 2) -> Shares:
    """Shares of the forces at a root's node that act under the conductor; ``edges`` (um) are those that end there:
    under the conductor, beyond the root, along the conductor's wall.

    From the tractions of the whole expansion on the faces that meet there, int N t over an edge, N the node's shape
    function of this order: where an exponent lies close to 1, its term and the regular one are large and nearly cancel.
    The body across, or the conductor's side of the line where nothing lies across, is cut along the level line under
    the conductor and beyond the root, unless it ends there; the conductor is cut under it and along its wall. Of the
    two forces, along the interface and across it apart, the one is taken whose split feels errors of the field less:
    A / (A + B) of A + B is off by about A B / (A + B) times their relative error.
    """
    corner, other = field.corner, 0.0 if root.into[0] < 0 else 180.0
    ray, own = field.interface(root)
    under, size = _pull(field, ray, own, edges[0], order, (0.0, 1.0))
    cut = -root.into[1] if corner.beside(180.0 - other, -root.into[1]) is not None else root.into[1]
    beyond = corner.beside(other, cut)
    across = np.zeros(2)
    if beyond is not None:
        across, _ = _pull(field, corner.ray_of(beyond, other), beyond, edges[1], order, (0.0, 1.0))
    wedge = field.corner.junction.wedges[own]
    last = abs(wedge.angle_end - ray) > abs(wedge.angle_start - ray)
    wall = np.radians(wedge.angle_end if last else wedge.angle_start)
    out = np.array([-np.sin(wall), np.cos(wall)]) * (1.0 if last else -1.0)  # the conductor's outward normal there
    # seen from the conductor the interface's normal points the other way
    side, _ = _pull(field, float(np.degrees(wall)), own, edges[2], order, (out[0], out[1]))
    side = -root.into[1] * side
    even = edges[0] / (edges[0] + edges[1])
    far, mine = _part(under, across, size, even), _part(under, side, size, float("nan"))
    if beyond is None:
        far = np.ones(2)
    off = np.abs(far * across)
    better = (np.abs(mine * side) < 0.5 * off) & (off > 1e-9 * size) & np.isfinite(mine)  # not where all is rounding
    return Shares(far, np.where(better, mine, np.nan))


def _pull(
    field: RootField, ray: float, wedge: int, edge: float, order: int, normal: tuple[float, float]
) -> tuple[FloatArray, float]:
    """Force (2: along x, along y) at the corner's node of the expansion's traction on an edge (um) at a ray, in
    MPa um, and the size of its singular stress (times the edge).
    """
    total, size = np.zeros(3), 0.0
    for k, stress in enumerate(field.expansion.term_stresses(ray, wedge)):
        eigen, value = field.expansion.eigens[k], field.expansion.intensities[k]
        power = eigen.exponent - 1.0
        total += np.real(value * edge**power * _moment(power, order) * stress)
        if eigen.singular:
            size += float(abs(value) * edge**power.real)
    if field.expansion.regular is not None:
        # ln r is, over an edge, what it is at one radius
        radius = edge * np.exp(LOGARITHM[order] / _moment(0.0, order).real)
        total += _moment(0.0, order).real * field.expansion.regular.stress(radius, ray, wedge)[0]
    pull = np.array([total[0] * normal[0] + total[2] * normal[1], total[2] * normal[0] + total[1] * normal[1]])
    return edge * pull, edge * size


def _moment(power: complex, order: int) -> complex:
    """int_0^1 N(s) s^power ds of an edge's end node at s = 0: N = 1 - s, or (1 - s) (1 - 2 s)."""
    if order == 1:
        return complex(1.0 / (power + 1.0) - 1.0 / (power + 2.0))
    return complex(1.0 / (power + 1.0) - 3.0 / (power + 2.0) + 2.0 / (power + 3.0))


def _part(under: FloatArray, beside: FloatArray, size: float, otherwise: float) -> FloatArray:
    """Share of ``under`` in the sum of both, ``otherwise`` where they cancel or nothing pulls."""
    both = under + beside
    clear = (np.abs(both) > 0.05 * np.abs(under)) & (np.abs(both) > 1e-9 * size)
    return np.where(clear, under / np.where(clear, both, 1.0), otherwise)


def share_at(mesh: Mesh, root: Root, field: RootField, first: float) -> Shares:
    """The shares of a root node's force on a mesh whose ``first`` edge (um) lies under the conductor; found once for
    all averages at the root.
    """
    key, kept = (root, first, mesh.info.order), field.shares
    if key not in kept:
        kept[key] = root_share(field, root, _edges(mesh, field, root, first), mesh.info.order)
    return kept[key]


def consistent_average(solution: Solution, root: Root, length: float, field: RootField) -> tuple[float, float]:
    """Mean peel and shear (MPa) under a conductor from consistent nodal forces, the root's own split by the singular
    field.
    """
    mesh = solution.model.mesh
    whole = profile(solution.field, root, root.width)
    first = float(whole.distance[1]) * (2.0 if mesh.info.order == 2 else 1.0)
    share = share_at(mesh, root, field, first)
    return average(solution.model.space, profile(solution.field, root, length, share))


def _edges(mesh: Mesh, field: RootField, root: Root, own: float) -> tuple[float, float, float]:
    """Lengths of a mesh's edges at a root: under the conductor (``own``), beyond the root and along the wall; where
    there is none, that of ``own``.
    """
    corner = field.corner
    edges = edges_of(mesh).nodes[:, :2]
    ends = edges[np.any(edges == corner.node, axis=1)]
    far = mesh.points[ends[ends != corner.node]] - np.array(corner.at)
    beyond = far[(np.abs(far[:, 1]) <= mesh.near) & (far[:, 0] * root.into[0] < 0)]
    wall = far[(np.abs(far[:, 0]) < np.abs(far[:, 1])) & (far[:, 1] * root.into[1] > 0)]
    lengths = [float(np.linalg.norm(some, axis=1).min()) if len(some) else own for some in (beyond, wall)]
    return own, lengths[0], lengths[1]
