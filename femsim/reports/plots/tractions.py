"""Tractions along the interface at a root against the distance from it, as plain data: both sides, the averages, the
local expansion, and a power law fitted to them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.meshes.elements import gauss_points, node_points, reduced_basis
from femsim.meshes.layout import Root
from femsim.reports.plots.memo import once

if TYPE_CHECKING:
    from femsim.runs.run import Run

#: places on a cell's edge at which tractions are drawn
PLACES = np.array([0.0, 0.25, 0.5, 0.75, 1.0])


@dataclass(frozen=True)
class Side:
    """Tractions on one side of the interface, cell by cell outward from the root: distance (K, p) in um, peel and shear
    (K, p) in MPa.
    """

    regions: tuple[str, ...]
    distance: FloatArray
    peel: FloatArray
    shear: FloatArray


def interface_tractions(run: Run, root: Root | str, other: bool = False) -> Side | None:
    """Tractions along the conductor's part of the root's interface, in the conductor or on the ``other`` side; None
    where there is none.
    """
    from femsim.measures.averages import interface_edges
    from femsim.models.sampling import sample

    root = _root(run, root)
    space = run.solution.space
    mesh = space.mesh
    if other:
        root = replace(root, into=(root.into[0], 1 if root.into[1] < 0 else -1))
        cells = np.flatnonzero(mesh.region != mesh.regions.index(root.region))
    else:
        cells = mesh.cells_of(root.region)
    corner = node_points(mesh.element)
    reduced, _ = gauss_points(mesh.element, mesh.info.reduced)
    distance, peel, shear, regions = [], [], [], set()
    for number, chosen, _ in interface_edges(mesh, root, root.width, cells):
        edge = list(mesh.info.edges[number])
        along = corner[edge[0]] + PLACES[:, None] * (corner[edge[1]] - corner[edge[0]])
        at = sample(space, chosen, along)
        values = run.solution.field.stress(sample(space, chosen, reduced))
        values = np.matmul(reduced_basis(mesh.element, along)[None], values)
        distance.append(np.abs(at.position[..., 0] - root.at[0]))
        peel.append(values[..., 1])
        shear.append(values[..., 3])
        regions |= {mesh.regions[i] for i in np.unique(mesh.region[chosen])}
    if not distance:
        return None
    d, p, s = (np.concatenate(v) for v in (distance, peel, shear))
    turn = d[:, 0] > d[:, -1]
    d[turn], p[turn], s[turn] = d[turn, ::-1], p[turn, ::-1], s[turn, ::-1]
    order = np.argsort(d[:, 0])
    return Side(tuple(sorted(regions)), d[order], p[order], s[order])


@dataclass(frozen=True)
class Average:
    """Peel and shear (MPa) averaged over a length (um)."""

    length: float
    peel: float
    shear: float


@dataclass(frozen=True)
class Interface:
    """What is drawn of the tractions at a root, as plain data: both sides, the averages, and the local expansion's size
    (distance in um, MPa) with its leading power, where there is one.
    """

    name: str
    region: str
    components: tuple[str, ...]
    lengths: tuple[float, ...]
    inner: Side
    outer: Side | None
    averages: tuple[Average, ...]
    expansion: tuple[FloatArray, FloatArray] | None = None
    powers: tuple[float, ...] | None = None

    @property
    def singular(self) -> bool:
        """Whether the stress grows without bound towards the root."""
        return bool(self.powers) if self.powers is not None else power_law(self.inner, self.lengths[0]) is not None


def interface(run: Run | Interface, root: Root | str = "") -> Interface:
    """Gather what is drawn of a root's interface, once. Raises ValueError where no cell edge lies on it."""
    if isinstance(run, Interface):
        return run
    found = _root(run, root)
    return once(run, f"interface {found.name} {found.at} {found.width}", lambda: _interface(run, found))


def _interface(run: Run, root: Root) -> Interface:
    from femsim.measures.corner.intensity import RootField
    from femsim.reports.plots.scene import root_words

    inner = interface_tractions(run, root)
    if inner is None:
        raise ValueError(f"no cell edge of {root.region!r} lies on the interface of root {root.name}")
    averages = tuple(Average(m.length, m.peel, m.shear) for m in run.roots if m.root == root)
    lengths = tuple(sorted({a.length for a in averages}, reverse=True)) or (0.1 * min(root.width, root.height),)
    local = run.fields.get(root)
    expansion, powers = None, None
    if isinstance(local, RootField):
        angle = 180.0 if root.into[0] < 0 else 0.0
        first, last = 0.2 * float(inner.distance[0, -1]), min(local.corner.reach, float(inner.distance.max()))
        d = np.geomspace(max(first, 1e-12), last, 80)
        stress = local.expansion.stress(d, np.full(len(d), angle), local.corner.wedge_of(root.region, angle))
        expansion = d, np.asarray(np.hypot(stress[:, 1], stress[:, 2]))
        powers = tuple(float(local.expansion.eigens[k].stress_exponent.real) for k in local.singular)
    return Interface(
        root_words(run.discretisation.roots, root),
        root.region,
        run.solution.model.kinematics.components,
        lengths,
        inner,
        interface_tractions(run, root, other=True),
        averages,
        expansion,
        powers,
    )


def _root(run: Run, wanted: Root | str) -> Root:
    from femsim.reports.plots.scene import find_root

    return find_root(run.discretisation.roots, wanted)


@dataclass(frozen=True)
class PowerLaw:
    """``peel = a d^exponent + b``, ``shear = c d^exponent + e`` with one exponent, fitted between two distances
    (um).
    """

    exponent: float
    low: float
    high: float
    amplitude: float


def power_law(side: Side, length: float) -> PowerLaw | None:
    """The power law of the tractions; None where the mesh gives too few points, or no single power describes them to 2
    %.

    Fitted by least squares from ten first cells off the root, where the mesh resolves the field, to a tenth of the
    averaging length; the constants stand for the thermal stress and what else stays finite. The exponent is found by
    scanning: all else is linear.
    """
    middle = len(PLACES) // 2
    low, high = 10.0 * float(side.distance[0, -1]), 0.1 * length
    d = side.distance[:, middle]
    inside = (d >= low) & (d <= high)
    if inside.sum() < 6:
        return None
    d, both = d[inside], np.stack([side.peel[inside, middle], side.shear[inside, middle]], axis=1)
    size = np.hypot(both[:, 0], both[:, 1])
    if not size.min() > 0:
        return None
    best: tuple[float, float, float] | None = None
    for exponent in np.linspace(-0.95, -0.01, 189):
        basis = np.column_stack([d**exponent, np.ones_like(d)]) / size[:, None]
        found, *_ = np.linalg.lstsq(basis, both / size[:, None], rcond=None)
        miss = float(np.sqrt(np.mean((basis @ found - both / size[:, None]) ** 2)))
        if best is None or miss < best[0]:
            best = miss, float(exponent), float(np.hypot(*found[0]))
    if best is None or best[0] > 0.02 or best[1] < -0.94 or best[1] > -0.015:
        return None
    return PowerLaw(best[1], low, high, best[2])
