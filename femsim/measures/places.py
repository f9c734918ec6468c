"""Displacement and stress at many points and along straight paths, all at once; both sides of an interface told apart.

A path's points are spread evenly from its start to its end; the places where it crosses from one region into another,
or leaves the body, are points of it too. At a crossing it has a row for each side, on the way along an interface a
row for each side at every point.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.errors import FemsimWarning, InputError, nearest
from femsim.measures.stress import side_of
from femsim.meshes.elements import gauss_points, reduced_basis, shape
from femsim.meshes.facets import edges_of, faces_of, surface_nodes
from femsim.meshes.locate import locate_all
from femsim.meshes.mesh import Mesh
from femsim.models.fields import StressField
from femsim.models.kinematics import von_mises
from femsim.models.sampling import sample

#: fraction of a path's length below which two of its points are one
SAME = 1.0e-9
#: points of a path at most
MOST = 1_000_000


@dataclass(frozen=True)
class PointValues:
    """Displacement (n, width) in um and stress (n, size) in MPa at points (n, d), each on the side of ``regions[i]``;
    ``distance`` (n,) from a path's start in um, None for points of no path.
    """

    points: FloatArray
    regions: tuple[str, ...]
    displacement: FloatArray
    stress: FloatArray
    distance: FloatArray | None = None

    @property
    def von_mises(self) -> FloatArray:
        """Von Mises stress (n,), MPa."""
        return von_mises(self.stress)


def point_values(
    field: StressField, points: npt.ArrayLike, region: str | None = None, label: str = "points"
) -> PointValues:
    """Values at points (n, d) or at one (d,); as :func:`femsim.measures.stress.value_at` has them, many at a time.

    Raises InputError for a point outside the body, for one on an interface where ``region`` does not say which side,
    and where ``region`` is no region there.
    """
    mesh = field.space.mesh
    given, point, cell, xi, side = placed(mesh, points, region, label)
    displacement, stress = _values(field, cell, xi, point, len(given))
    return PointValues(given, tuple(mesh.regions[i] for i in side), displacement, stress)


@dataclass(frozen=True)
class Rows:
    """Rows of a path: points (n, d), the region number of each, its distance from the start (um), and the cells that
    hold it, as pairs (row, cell, reference coordinates).
    """

    points: FloatArray
    region: IntArray
    distance: FloatArray
    row: IntArray
    cell: IntArray
    xi: FloatArray


def path_values(
    field: StressField,
    start: Sequence[float],
    end: Sequence[float],
    region: str | None = None,
    count: int = 200,
    label: str = "path",
) -> PointValues:
    """Values along the straight line from ``start`` to ``end``, in the rows of :func:`path_rows`. Raises InputError."""
    mesh = field.space.mesh
    rows = path_rows(mesh, start, end, region, count, label)
    displacement, stress = _values(field, rows.cell, rows.xi, rows.row, len(rows.points))
    return PointValues(rows.points, tuple(mesh.regions[i] for i in rows.region), displacement, stress, rows.distance)


def path_rows(
    mesh: Mesh,
    start: Sequence[float],
    end: Sequence[float],
    region: str | None = None,
    count: int = 200,
    label: str = "path",
) -> Rows:
    """Where a path has values: at ``count`` even points and at every interface it crosses, in order, a row for each
    side; with ``region`` on its side only.

    Warns where a part of the path lies outside the body; raises InputError where all of it does, or lies outside the
    region.
    """
    for which, tip in (("start", start), ("end", end)):
        if len(tip) != mesh.dim:
            raise InputError(f"{label}.{which}: {len(tip)} numbers; a point of this body has {mesh.dim}")
    ends = as_points([list(start), list(end)], mesh.dim, f"{label}.start and end")
    length = float(np.linalg.norm(ends[1] - ends[0]))
    if not length > 0.0:
        raise InputError(f"{label}: start and end are the same point")
    if not 2 <= count <= MOST:
        raise InputError(f"{label}.n: {count} is not between 2 and {MOST}")
    if region is not None and region not in mesh.regions:
        known = ", ".join(mesh.regions)
        raise InputError(f"{label}.region: no region {region!r}{nearest(region, mesh.regions)}; there are: {known}")
    s, even = _distances(mesh, ends, count)
    beside = _beside(mesh, ends, s)
    # nodes on the way along an interface are no crossings
    kept = np.flatnonzero(even | np.any(beside[1:] != beside[:-1], axis=1))
    s, beside = s[kept], beside[np.append(0, kept + 1)]
    points = ends[0] + s[:, None] * (ends[1] - ends[0])
    point, cell, xi = locate_sides(mesh, points, None)
    side = mesh.region[cell]
    # a region that the path only touches at one point is not on it
    keep = beside[point, side] | beside[point + 1, side]
    if region is not None:
        keep &= side == mesh.regions.index(region)
    point, cell, xi, side = point[keep], cell[keep], xi[keep], side[keep]
    if not len(point):
        raise InputError(f"{label}: no part of it lies in {'the body' if region is None else repr(region)}")
    lost = len(s) - len(np.unique(point))
    if lost and region is None:
        warnings.warn(
            f"{label}: {lost} of its {len(s)} points lie outside the body and have no values",
            FemsimWarning,
            stacklevel=2,
        )
    # at a crossing first the side the path comes from
    leaves = ~beside[point + 1, side]
    key = np.stack([point, np.where(leaves, 0, 1), side])
    rows, row = np.unique(key, axis=1, return_inverse=True)
    return Rows(points[rows[0]], rows[2], length * s[rows[0]], row.ravel(), cell, xi)


def as_points(points: npt.ArrayLike, dim: int, label: str = "points") -> FloatArray:
    """Points as finite numbers (n, dim). Raises InputError."""
    try:
        found = np.atleast_2d(np.asarray(points, dtype=float))
    except (TypeError, ValueError):
        raise InputError(f"{label}: not a table of numbers with {dim} columns") from None
    if found.ndim != 2 or found.shape[1] != dim or not len(found):
        raise InputError(f"{label}: numbers of shape {np.shape(points)}, not (n, {dim}): {dim} coordinates a point")
    if not np.all(np.isfinite(found)):
        raise InputError(f"{label}: not all coordinates are finite numbers")
    return found


def placed(
    mesh: Mesh, points: npt.ArrayLike, region: str | None, label: str, both: bool = False
) -> tuple[FloatArray, IntArray, IntArray, FloatArray, IntArray]:
    """Points (n, d), the pairs (point, cell, reference coordinates) of them and the cells that hold them on their side,
    and the number of each point's region (n,); with ``both`` a point on an interface may lie in several, of which the
    last is told.

    Raises InputError for a point outside the body, for one on an interface where ``region`` does not say which side,
    and where ``region`` is no region there.
    """
    given = as_points(points, mesh.dim, label)
    point, cell, xi = locate_sides(mesh, given, region)
    number = mesh.region[cell]
    if region is not None and region in mesh.regions:
        keep = number == mesh.regions.index(region)
        point, cell, xi, number = point[keep], cell[keep], xi[keep], number[keep]
    low, high = np.full(len(given), len(mesh.regions)), np.full(len(given), -1)
    np.minimum.at(low, point, number)
    np.maximum.at(high, point, number)
    wrong = np.flatnonzero((high < 0) if both else (low != high) | (high < 0))
    if len(wrong) or (region is not None and region not in mesh.regions):
        first = int(wrong[0]) if len(wrong) else 0
        side_of(mesh, tuple(given[first].tolist()), region, f"{label}[{first}]")  # says what is wrong with it
    return given, point, cell, xi, high


def locate_sides(mesh: Mesh, points: FloatArray, region: str | None) -> tuple[IntArray, IntArray, FloatArray]:
    """Pairs (point, cell) of points and all cells that hold them, with reference coordinates; a point that no cell
    holds, or none of ``region``, is looked for within ``mesh.near``, too.
    """
    point, cell, xi = locate_all(mesh, points)
    held = np.zeros(len(points), dtype=bool)
    if region is None or region not in mesh.regions:
        held[point] = True
    else:
        held[point[mesh.region[cell] == mesh.regions.index(region)]] = True
    lost = np.flatnonzero(~held)
    if len(lost):
        more, cells, places = locate_all(mesh, points[lost], mesh.near)
        others = ~np.isin(point, lost[more])
        point = np.concatenate([point[others], lost[more]])
        cell, xi = np.concatenate([cell[others], cells]), np.concatenate([xi[others], places])
    return point, cell, xi


def _values(
    field: StressField, cell: IntArray, xi: FloatArray, row: IntArray, count: int
) -> tuple[FloatArray, FloatArray]:
    """Displacement (count, width) and stress (count, size) of rows, each the mean over its pairs with cells."""
    space, mesh = field.space, field.space.mesh
    share = 1.0 / np.bincount(row, minlength=count)[row]
    values, _ = shape(mesh.element, xi)
    nodal = field.unknowns[: space.nodal].reshape(-1, space.width)[mesh.cells[cell]]
    displacement = np.zeros((count, space.width))
    np.add.at(displacement, row, np.einsum("pn,pnc->pc", values * share[:, None], nodal))
    reduced, _ = gauss_points(mesh.element, mesh.info.reduced)
    used, place = np.unique(cell, return_inverse=True)
    sampled = np.concatenate(
        [field.stress(sample(space, part, reduced)) for part in np.array_split(used, len(used) // 4096 + 1)]
    )
    weights = reduced_basis(mesh.element, xi) * share[:, None]
    stress = np.zeros((count, space.kinematics.size))
    np.add.at(stress, row, np.einsum("pq,pqc->pc", weights, sampled[place.ravel()]))
    return displacement, stress


def _distances(mesh: Mesh, ends: FloatArray, count: int) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Ascending fractions of the path, and which of them are even ones: those, and its crossings, which take the place
    of an even one that is as good as there.
    """
    even = np.linspace(0.0, 1.0, count)
    crossings = np.sort(np.clip(_crossings(mesh, ends), 0.0, 1.0))
    crossings = crossings[np.append(True, np.diff(crossings) > SAME)] if len(crossings) else crossings
    place = np.clip(np.round(crossings * (count - 1)).astype(np.int64), 0, count - 1)
    there = np.abs(crossings - even[place]) <= SAME
    even[place[there]] = crossings[there]
    s = np.concatenate([even, crossings[~there]])
    order = np.argsort(s)
    return s[order], order < count


def _beside(mesh: Mesh, ends: FloatArray, s: FloatArray) -> npt.NDArray[np.bool_]:
    """Which regions (intervals + 2, regions) the path has between its points, none before the first and after the
    last.
    """
    found = np.zeros((len(s) + 1, len(mesh.regions)), dtype=bool)
    middles = ends[0] + 0.5 * (s[1:] + s[:-1])[:, None] * (ends[1] - ends[0])
    point, cell, _ = locate_sides(mesh, middles, None)
    found[point + 1, mesh.region[cell]] = True
    return found


def _crossings(mesh: Mesh, ends: FloatArray) -> FloatArray:
    """Fractions of the path at which it meets facets between regions or outer ones."""
    return _crossed_faces(mesh, ends) if mesh.dim == 3 else _crossed_edges(mesh, ends)


def _crossed_edges(mesh: Mesh, ends: FloatArray) -> FloatArray:
    """Where the path meets the edges p(t) = a + b t + c t^2, t in [0, 1]: n . (p(t) - start) = 0."""
    edges = edges_of(mesh)
    one, two = edges.cells[:, 0], edges.cells[:, 1]
    border = (two < 0) | (mesh.region[one] != mesh.region[np.maximum(two, 0)])
    x = mesh.points[edges.nodes[border]]
    a = x[:, 0]
    c = 2.0 * (x[:, 0] + x[:, 1] - 2.0 * x[:, 2]) if x.shape[1] == 3 else np.zeros_like(a)
    b = x[:, 1] - a - c
    along = ends[1] - ends[0]
    normal = np.array([-along[1], along[0]]) / np.linalg.norm(along)
    close = max(1e-12 * mesh.extent, 1e-300)
    q0, q1, q2 = (a - ends[0]) @ normal, b @ normal, c @ normal
    q0 = np.where(np.abs(q0) <= close, 0.0, q0)
    q2 = np.where(np.abs(q2) <= 1e-9 * np.abs(q1) + close, 0.0, q2)
    root = np.sqrt(np.maximum(q1**2 - 4.0 * q0 * q2, 0.0))
    half = -0.5 * (q1 + np.where(q1 < 0, -1.0, 1.0) * root)
    real = q1**2 - 4.0 * q0 * q2 >= 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.stack([q0 / half, half / q2])
    # an edge along the path is met at its two ends
    level = (np.abs(q0) <= close) & (np.abs(q1) <= close) & (q2 == 0.0)
    t = np.where(level, np.array([[0.0], [1.0]]), t)
    near = (t >= -1e-9) & (t <= 1.0 + 1e-9) & (real | level)
    t = np.where(near, t, 0.0)[..., None]
    s = (a + b * t + c * t**2 - ends[0]) @ along / (along @ along)
    return np.asarray(s[near & (s >= -SAME) & (s <= 1.0 + SAME)])


def _crossed_faces(mesh: Mesh, ends: FloatArray) -> FloatArray:
    """Where the path goes through faces, taken as flat triangles between their corners (Moeller and Trumbore 1997,
    J. Graphics Tools 2, 21).
    """
    faces = faces_of(mesh)
    one, two = faces.cells[:, 0], faces.cells[:, 1]
    border = (two < 0) | (mesh.region[one] != mesh.region[np.maximum(two, 0)])
    triangles = []
    for element, (_, nodes) in surface_nodes(mesh, faces.rows(border)).items():
        triangles.append(nodes[:, [0, 1, 2]])
        if element.startswith("quad"):
            triangles.append(nodes[:, [0, 2, 3]])
    x = mesh.points[np.concatenate(triangles)]
    along = ends[1] - ends[0]
    u, v, away = x[:, 1] - x[:, 0], x[:, 2] - x[:, 0], ends[0] - x[:, 0]
    p, q = np.cross(along, v), np.cross(away, u)
    determinant = np.sum(u * p, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        one, two = np.sum(away * p, axis=1) / determinant, q @ along / determinant
        s = np.sum(v * q, axis=1) / determinant
    scale = np.linalg.norm(u, axis=1) * np.linalg.norm(v, axis=1) * np.linalg.norm(along)
    inside = (one >= -SAME) & (two >= -SAME) & (one + two <= 1.0 + SAME) & (np.abs(determinant) > 1e-12 * scale)
    return np.asarray(s[inside & (s >= -SAME) & (s <= 1.0 + SAME)])
