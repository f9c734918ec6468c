"""Averages of peel and shear from consistent nodal forces, as functionals of the stress.

With the traction t_h of :mod:`femsim.measures.traction`, M t_h = f, and the interval's weights m_i = int N_i over the
averaging length, the average is m . t_h / int 1 = c . f, c = M^-1 m / int 1. As f_i = int B_i^T s dV over the cells on
one side, it is the work of the stress in the strain of the virtual displacement c on the interface's nodes,

    J(s) = sum_cells int eps(c) : s dV,

whose quadrature is that of the forces themselves: a functional like all others, of any stress field, with a dual
problem. In a smooth field it converges with order 2 p, and its sum balances the loads.

At the root the node's force also holds another cut's share, and is split in the ratio of the singular field's tractions
(:func:`femsim.measures.corner.intensity.root_share`); the split counts as given, though it follows from the solution.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.measures.averages import Averages, RootMetrics
from femsim.measures.corner.intensity import RootField, share_at
from femsim.measures.goals import Functional, Piece
from femsim.measures.traction import Shares, across, cells_around, level_edges, mass_of
from femsim.meshes.elements import gauss_points, line_gauss, line_shape
from femsim.meshes.layout import Root
from femsim.models.fields import StressField
from femsim.models.sampling import sample
from femsim.models.space import Space

#: a node whose weight is below this fraction of the largest does not count
SLIGHT = 1.0e-12
#: a longer first edge, over the averaging length, and the smoothed stresses know too little of the error
COARSE = 0.05
#: the stress components that shear and peel are of, by displacement component
NAMES = ("shear", "peel")


@dataclass(frozen=True)
class Consistent:
    """Averages with peel and shear from consistent forces, and the share of each (2: peel, shear) that the root node's
    force has, as a functional; ``first`` is the root's edge of the mesh over the averaging length, ``growth`` the next
    edge's length over its own.
    """

    averages: Averages
    root: tuple[Functional, Functional]
    first: float
    growth: float

    def doubted(self, metric: RootMetrics, plain: RootMetrics) -> RootMetrics:
        """A metric with its errors, as :func:`doubted` has them."""
        return doubted(self.first, metric, plain)


def doubted(first: float, metric: RootMetrics, plain: RootMetrics) -> RootMetrics:
    """A metric with its errors; those of peel and shear grow on a coarse mesh, whose ``first`` edge is longer than
    COARSE averaging lengths, by what the averages extrapolated to the interface (``plain``) differ: with six edges over
    the length they were seen to miss the peel by ten times what the estimate said.
    """
    if first <= COARSE:
        return metric
    apart = {"peel": abs(metric.peel - plain.peel), "shear": abs(metric.shear - plain.shear)}
    return metric.with_errors([one.error + apart.get(kind, 0.0) for kind, one in metric.values.items()])


def consistent(field: StressField, given: Averages, local: RootField | str | None) -> Consistent | None:
    """The averages at a root with peel and shear from consistent forces; None where its singular field is not known
    (``local`` says why), and at circles in space.
    """
    root = given.root
    if not isinstance(root, Root) or local is None or isinstance(local, str):
        return None
    split = forces_at(field.space, given)
    if split is None:
        return None
    share = share_at(field.space.mesh, root, local, split.first)
    return split.shared(given, share)


@dataclass(frozen=True)
class Split:
    """An average's work without the root node's force, and the node's force where it is taken from the body across
    (``far``) or from the conductor (``own``), whole, by component (shear, peel); ``first`` is the root's edge, um,
    ``growth`` the next one's length over its own.
    """

    rest: tuple[Functional, Functional]
    far: tuple[Functional, Functional]
    own: tuple[Functional, Functional]
    first: float
    growth: float

    def shared(self, given: Averages, share: Shares) -> Consistent:
        """The averages where the root node's force has some shares."""
        whole, parts = {}, {}
        for component, name in enumerate(NAMES):
            mine = np.isfinite(share.own[component])
            given_part = (self.own if mine else self.far)[component]
            factor = float((share.own if mine else share.far)[component])
            part = tuple(replace(piece, weights=factor * piece.weights) for piece in given_part.pieces)
            whole[name] = Functional(name, (*self.rest[component].pieces, *part))
            parts[name] = Functional(name, part)
        best = replace(given, peel=whole["peel"], shear=whole["shear"])
        return Consistent(best, (parts["peel"], parts["shear"]), self.first / given.length, self.growth)


def forces_at(space: Space, given: Averages) -> Split | None:
    """What the averages at a root are made of, whatever its singular field is; None where no edge lies there."""
    root, mesh = given.root, space.mesh
    assert isinstance(root, Root)
    reach = root.at[0] + root.into[0] * np.array([0.0, root.width])
    edges = level_edges(mesh, root.region, root.at[1], (float(reach.min()), float(reach.max())), root.into[1])
    if not len(edges):
        return None
    nodes = np.unique(edges)
    weights = np.linalg.solve(mass_of(space, edges, nodes), _interval(space, root, given.length, edges, nodes))
    weights[np.abs(weights) < SLIGHT * np.abs(weights).max()] = 0.0
    start = int(np.argmin(np.abs(mesh.points[nodes, 0] - root.at[0])))
    alone = ~across(mesh, nodes, root.at[1], -root.into[1])
    first = float(np.ptp(mesh.points[edges[np.any(edges == nodes[start], axis=1)][0, :2], 0]))
    spans = np.sort(np.abs(mesh.points[edges[:, :2], 0] - root.at[0]).max(axis=1))
    growth = float(spans[1] - spans[0]) / first if len(spans) > 1 else 1.0
    around = cells_around(mesh, nodes[weights != 0.0])
    near = (mesh.centres[around, 1] - root.at[1]) * root.into[1] > 0
    across_, same = around[~near], around[near]
    own_node = cells_around(mesh, nodes[[start]])
    own_node = own_node[mesh.region[own_node] == mesh.regions.index(root.region)]
    # the far body's force, and the conductor's side's where nothing lies across; its normal points the other way
    far, own = np.where(alone, 0.0, weights) * root.into[1], np.where(alone, weights, 0.0) * -root.into[1]
    far[start] = own[start] = 0.0
    at_root = np.zeros(len(nodes))
    at_root[start] = weights[start] * root.into[1]
    other = (same, -at_root) if alone[start] else (across_, at_root)
    mine, theirs = _works(space, own_node, nodes, -at_root), _works(space, other[0], nodes, other[1])
    rest = (_works(space, across_, nodes, far), _works(space, same, nodes, own))
    return Split(_named(*rest), _named(theirs), _named(mine), first, growth)


def _named(*works: tuple[tuple[Piece, ...], ...]) -> tuple[Functional, Functional]:
    """Shear and peel of some works together."""
    shear, peel = (Functional(name, sum((one[k] for one in works), ())) for k, name in enumerate(NAMES))
    return shear, peel


def _works(space: Space, cells: IntArray, nodes: IntArray, value: FloatArray) -> tuple[tuple[Piece, ...], ...]:
    """The work of a stress in the strain that a virtual displacement ``value`` (n,) of nodes gives some cells: along
    the interface, and across it.
    """
    moved = np.zeros(len(space.mesh.points))
    moved[nodes] = value
    cells = cells[moved[space.mesh.cells[cells]].any(axis=1)] if len(cells) else cells
    if not len(cells):
        return ((), ())
    points, weights = gauss_points(space.mesh.element, space.mesh.info.full)
    at = sample(space, cells, points)
    volume = (at.volume * weights)[..., None]
    found = []
    for component in range(len(NAMES)):
        virtual = np.zeros(space.ndof)
        virtual[component : space.nodal : space.width] = moved
        found.append((Piece(cells, points, at.strain(virtual) * volume),))
    return tuple(found)


def _interval(space: Space, root: Root, length: float, edges: IntArray, nodes: IntArray) -> FloatArray:
    """int N_i over the averaging length (n,), over int 1; edges may run on beyond its end."""
    s, w = line_gauss(4)
    x = space.mesh.points[edges][..., 0]
    ends = np.sort(root.at[0] + root.into[0] * np.array([0.0, length]))
    span = x[:, 1] - x[:, 0]
    part = np.clip((ends - x[:, :1]) / span[:, None], 0.0, 1.0)
    width = part[:, 1] - part[:, 0]
    t = part[:, :1] + width[:, None] * s
    n = edges.shape[1]
    values, slopes = (v.reshape(*t.shape, n) for v in line_shape(n, t.ravel()))
    measure = space.kinematics.measure(np.einsum("kqn,kn->kq", values, x))
    stretch = np.abs(np.einsum("kqn,kn->kq", slopes, x)) * width[:, None] * w * measure
    found = np.zeros(len(nodes))
    np.add.at(found, np.searchsorted(nodes, edges), np.einsum("kq,kqn->kn", stretch, values))
    return np.asarray(found / stretch.sum())
