"""Metrics at roots and in regions, by the definitions of the outer interface.

For a root at (R, z0), an averaging length L and the conductor's side:

    peel  = int s_zz r dr / int r dr   over r in [R - L, R] at z0, taken in the conductor
    shear = the same of s_rz
    von Mises = its volume average over the conductor's ring r in [R - L, R], z in [z0, z0 + L]

(without the weight r in plane models, and with the interval on the conductor's side of the wall). Interface tractions
are taken from the conductor's cells, extrapolated to the interface from the cells' superconvergent points: on quadratic
elements this misses the singular first element by far less than the stress evaluated on the edge does (at an element
size of 1e-3 um at the reference root the peel average is within 0.02 MPa of the converged one, 0.01 % of the von Mises
value, against 0.2 MPa). Where a root's singular field is known, :mod:`femsim.measures.consistent` puts the better
averages of nodal forces in their place, which converge to the same limit. An average never runs over two materials: the
conductor's cells alone are used, and they must cover the whole interval.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.errors import FemsimWarning, InputError
from femsim.base.threads import in_parts, in_threads
from femsim.base.units import PJ_PER_UJ
from femsim.measures.goals import Functional, Piece
from femsim.meshes.elements import gauss_points, line_gauss, line_shape, node_points, reduced_basis
from femsim.meshes.layout import Rim, Root
from femsim.meshes.mesh import Mesh
from femsim.models.fields import StressField
from femsim.models.kinematics import von_mises, von_mises_slope
from femsim.models.sampling import sample
from femsim.models.space import Space

#: elements a batch
BATCH = 4096
#: coordinates this close (fraction of the extent) differ by rounding only
ROUNDING = 1.0e-14
#: subdivisions of a cell that the edge of an averaging ring cuts
CUT = 16
#: what is averaged at a root
KINDS = ("peel", "shear", "von_mises")


@dataclass(frozen=True)
class Estimate:
    """A value and an estimate of its discretisation error, not a number where none was asked for."""

    value: float
    error: float = float("nan")


@dataclass(frozen=True)
class RootMetrics:
    """Averages (MPa) at one root for one length (um) by kind, each with an estimate of its discretisation error."""

    root: Root | Rim
    length: float
    values: Mapping[str, Estimate]

    def with_errors(self, errors: Iterable[float]) -> RootMetrics:
        """The same averages with error estimates, in the order of the kinds."""
        pairs = zip(self.values.items(), errors, strict=True)
        return replace(self, values={kind: replace(one, error=float(error)) for (kind, one), error in pairs})

    @property
    def peel(self) -> float:
        """Average of the stress across the interface, MPa."""
        return self.values["peel"].value

    @property
    def shear(self) -> float:
        """Average of the shear stress along the interface, MPa."""
        return self.values["shear"].value

    @property
    def von_mises(self) -> float:
        """Volume average of the von Mises stress, MPa."""
        return self.values["von_mises"].value

    @property
    def peel_error(self) -> float:
        """Error estimate of the peel average, MPa."""
        return self.values["peel"].error

    @property
    def shear_error(self) -> float:
        """Error estimate of the shear average, MPa."""
        return self.values["shear"].error

    @property
    def von_mises_error(self) -> float:
        """Error estimate of the von Mises average, MPa."""
        return self.values["von_mises"].error


@dataclass(frozen=True)
class RegionMetrics:
    """Volume mean and largest Gauss-point value of the von Mises stress (MPa), and the elastic energy (uJ; per um in
    plane models).
    """

    von_mises_mean: float
    von_mises_max: float
    energy: float


@dataclass(frozen=True)
class Averages:
    """The three functionals of one root and length; ``ring`` is what the von Mises average runs over."""

    root: Root | Rim
    length: float
    peel: Functional
    shear: Functional
    ring: tuple[Piece, ...]  # weights (E, q, 1): volume fractions

    def von_mises(self, field: StressField) -> float:
        """Volume average of the von Mises stress, MPa."""
        return float(
            sum(
                np.sum(p.weights[..., 0] * von_mises(field.stress(sample(field.space, p.cells, p.xi))))
                for p in self.ring
            )
        )

    def von_mises_functional(self, field: StressField) -> Functional:
        """The von Mises average, linearised about a stress: weights d(s_vm)/ds."""
        pieces = []
        for p in self.ring:
            slope = von_mises_slope(field.stress(sample(field.space, p.cells, p.xi)))
            pieces.append(Piece(p.cells, p.xi, p.weights * slope))
        return Functional("von_mises", tuple(pieces))


def reach(root: Root | Rim) -> float:
    """The longest length (um) that an average at a root can have: how far its conductor reaches."""
    return min(root.width, root.height)


def fits(root: Root | Rim, length: float) -> bool:
    """Whether the conductor holds an average over this length."""
    return length <= reach(root) * (1 + 1e-9)


def lengths_at(root: Root | Rim, lengths: Sequence[float]) -> list[float]:
    """The lengths that a conductor holds; half its reach where it holds none."""
    return [length for length in lengths if fits(root, length)] or [0.5 * reach(root)]


def averages(space: Space, roots: tuple[Root, ...], lengths: tuple[float, ...], chosen: bool = True) -> list[Averages]:
    """Functionals of all roots and lengths; one that a conductor cannot hold is left out with a warning, or an error if
    none fits.

    ``chosen`` says that the user gave the lengths; lengths nobody chose are left out without a word where another one
    fits.
    """
    found: list[Averages] = []
    for root in roots:
        fitting = lengths_at(root, lengths)
        if not fits(root, min(lengths)):
            if chosen:
                raise InputError(
                    f"metrics.length: {min(lengths):g} is not <= {reach(root):g} um, the reach of conductor "
                    f"{root.region!r} at root {root.name}"
                )
            warnings.warn(
                f"root {root.name}: averaged over {fitting[0]:g} um, half the conductor's reach",
                FemsimWarning,
                stacklevel=2,
            )
        elif chosen and len(fitting) < len(lengths):
            left = ", ".join(f"{length:g}" for length in lengths if length not in fitting)
            warnings.warn(
                f"root {root.name}: no average over {left} um, longer than the conductor reaches",
                FemsimWarning,
                stacklevel=2,
            )
        found += [_averages(space, root, length) for length in fitting]
    return found


def root_metrics(field: StressField, average: Averages) -> RootMetrics:
    """The three averages of one root and length."""
    found = {
        "peel": average.peel.value(field),
        "shear": average.shear.value(field),
        "von_mises": average.von_mises(field),
    }
    return RootMetrics(average.root, average.length, {kind: Estimate(value) for kind, value in found.items()})


def region_metrics(field: StressField) -> dict[str, RegionMetrics]:
    """Means, maxima and energies of all regions, at the full Gauss points."""
    space, mesh = field.space, field.space.mesh
    points, weights = gauss_points(mesh.element, mesh.info.full)
    count = len(mesh.regions)
    volume, mean, largest, energy = np.zeros(count), np.zeros(count), np.zeros(count), np.zeros(count)

    def measure(cells: IntArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        at = sample(space, cells, points)
        s, density = field.with_energy(at)
        w, level = at.volume * weights, von_mises(s)
        return (
            w.sum(axis=1),
            (w * level).sum(axis=1),
            (w * density).sum(axis=1),
            level.max(axis=1),
        )

    parts = in_parts(np.arange(len(mesh.cells)), BATCH)
    for cells, (part, level, work, most) in zip(parts, in_threads(measure, parts), strict=True):
        region = mesh.region[cells]
        volume += np.bincount(region, part, minlength=count)
        mean += np.bincount(region, level, minlength=count)
        energy += np.bincount(region, work, minlength=count)
        np.maximum.at(largest, region, most)
    return {
        name: RegionMetrics(float(mean[i] / volume[i]), float(largest[i]), float(energy[i] / PJ_PER_UJ))
        for i, name in enumerate(mesh.regions)
    }


def _averages(space: Space, root: Root, length: float) -> Averages:
    cells, kinematics = space.mesh.cells_of(root.region), space.kinematics
    normal, shear, size = kinematics.normal, kinematics.shears[0], kinematics.size
    pieces = _interface(space, root, length, cells)
    return Averages(
        root,
        length,
        Functional("peel", tuple(Piece(c, xi, _component(w, normal, size)) for c, xi, w in pieces)),
        Functional("shear", tuple(Piece(c, xi, _component(w, shear, size)) for c, xi, w in pieces)),
        _ring(space, root, length, cells),
    )


def _component(weights: FloatArray, component: int, size: int) -> FloatArray:
    full = np.zeros((*weights.shape, size))
    full[..., component] = weights
    return full


def interface_edges(mesh: Mesh, root: Root, length: float, cells: IntArray) -> list[tuple[int, IntArray, FloatArray]]:
    """Per local edge: the conductor's cells with that edge on the interface inside the interval, and the part of the
    edge (s0, s1).
    """
    extent = mesh.extent
    low, high = sorted((root.at[0], root.at[0] + root.into[0] * length))
    found = []
    bottom, top = (side[cells, 1] for side in mesh.boxes)
    slack = np.minimum(1e-3 * (top - bottom), mesh.near) + ROUNDING * extent
    near = (bottom <= root.at[1] + slack) & (top >= root.at[1] - slack)
    cells, slack = cells[near], slack[near, None]
    points = mesh.points[mesh.cells[cells]]
    inward = (points[..., 1].mean(axis=1) - root.at[1]) * root.into[1] > 0
    for number, edge in enumerate(mesh.info.edges):
        x = points[:, list(edge)]
        on = np.all(np.abs(x[..., 1] - root.at[1]) <= slack, axis=1) & inward
        start, end = x[:, 0, 0], x[:, 1, 0]
        with np.errstate(divide="ignore", invalid="ignore"):
            s = np.sort(
                np.clip(np.column_stack([(low - start) / (end - start), (high - start) / (end - start)]), 0.0, 1.0),
                axis=1,
            )
        on &= np.nan_to_num(s[:, 1] - s[:, 0]) > 1e-12
        if np.any(on):
            found.append((number, cells[on], s[on]))
    return found


def _interface(
    space: Space, root: Root, length: float, cells: IntArray
) -> list[tuple[IntArray, FloatArray, FloatArray]]:
    """Cells, reference points and normalised weights (E, q) of the average along the interface."""
    mesh = space.mesh
    gauss, weight = line_gauss(4)
    corner = node_points(mesh.element)
    pieces, total, covered = [], 0.0, 0.0
    for number, chosen, part in interface_edges(mesh, root, length, cells):
        edge = list(mesh.info.edges[number])
        span = part[:, 1] - part[:, 0]
        s = part[:, :1] + span[:, None] * gauss  # (E, q): curved or straight, the interface is parametrised by its x
        n = len(edge)
        values, slopes = line_shape(n, s.ravel())
        nodes = mesh.points[mesh.cells[chosen][:, edge], 0]
        x = np.einsum("eqn,en->eq", values.reshape(*s.shape, n), nodes)
        stretch = np.abs(np.einsum("eqn,en->eq", slopes.reshape(*s.shape, n), nodes))
        w = stretch * span[:, None] * weight * space.kinematics.measure(x)
        total += float(w.sum())
        covered += float((stretch * span[:, None] * weight).sum())
        start, end = corner[edge[0]], corner[edge[1]]
        along = start + s[..., None] * (end - start)
        if mesh.info.order > 1:
            xi, _ = gauss_points(mesh.element, mesh.info.reduced)
            basis = reduced_basis(mesh.element, along.reshape(-1, 2)).reshape(*s.shape, -1)
            pieces.append((chosen, xi, np.einsum("eq,eqg->eg", w, basis)))
        else:
            whole = np.all(part == np.array([0.0, 1.0]), axis=1)
            if np.any(whole):
                pieces.append((chosen[whole], along[whole][0], w[whole]))
            for i in np.flatnonzero(~whole):  # at most the one edge that the interval's end cuts
                pieces.append((chosen[i : i + 1], along[i], w[i : i + 1]))
    if abs(covered - length) > 1e-6 * length:
        raise InputError(
            f"metrics.length: at root {root.name} the conductor {root.region!r} covers {covered:g} um of the "
            f"interface, not {length:g} um"
        )
    return [(c, xi, w / total) for c, xi, w in pieces]


def _ring(space: Space, root: Root, length: float, cells: IntArray) -> tuple[Piece, ...]:
    """Volume weights over the ring; cells cut by its edge are integrated over CUT x CUT parts, in or out by their
    middles.
    """
    mesh = space.mesh
    extent = mesh.extent
    slack = ROUNDING * extent + max(1e-9 * length, mesh.near)
    low = np.array([min(root.at[k], root.at[k] + root.into[k] * length) for k in range(2)]) - slack
    high = np.array([max(root.at[k], root.at[k] + root.into[k] * length) for k in range(2)]) + slack
    least, most = (side[cells] for side in mesh.boxes)
    inside = np.all((least >= low) & (most <= high), axis=1)
    touched = np.all((most > low + 2 * slack) & (least < high - 2 * slack), axis=1) & ~inside
    raw: list[Piece] = []
    for chosen, xi, w in (
        (cells[inside], *gauss_points(mesh.element, mesh.info.full)),
        (cells[touched], *_subdivided(mesh.element)),
    ):
        if not len(chosen):
            continue
        at = sample(space, chosen, xi)
        weights = at.volume * w * np.all((at.position >= low) & (at.position <= high), axis=-1)
        raw.append(Piece(chosen, xi, weights[..., None]))
    total = sum(float(p.weights.sum()) for p in raw)
    if not total > 0:
        raise InputError(f"metrics.length: no cell of {root.region!r} lies within {length:g} um of root {root.name}")
    return tuple(Piece(p.cells, p.xi, p.weights / total) for p in raw)


def _subdivided(element: str) -> tuple[FloatArray, FloatArray]:
    """Middles and areas of CUT x CUT equal parts of the reference element."""
    t = (np.arange(CUT) + 0.5) / CUT
    x, y = (v.ravel() for v in np.meshgrid(t, t))
    if node_points(element)[2].sum() > 1.5:  # quadrilateral
        return np.column_stack([x, y]), np.full(CUT * CUT, 1.0 / CUT**2)
    # collapse the square onto the triangle
    return np.column_stack([x, y * (1 - x)]), (1 - x) / CUT**2
