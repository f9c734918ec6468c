"""The space a solution is sought in: mesh, kinematics, and which unknown each degree of freedom is.

A space is structure alone. What is prescribed on held degrees of freedom, temperatures and forces belong to a load
(:mod:`femsim.models.loads`), so one space, its order of elimination and its pattern serve many loads.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from femsim.base.arrays import BoolArray, FloatArray, IntArray
from femsim.base.errors import InputError
from femsim.meshes.facets import parts_of
from femsim.meshes.mesh import Mesh
from femsim.models.kinematics import Kinematics

#: value of ``Constraints.equation`` where a displacement is prescribed,
HELD = -1
#: and where it is a combination of unknowns
LINKED = -2


@dataclass(frozen=True)
class Links:
    """Degrees of freedom that are combinations of unknowns: u[dof] = sum coefficient * unknown[equation], row by
    row.
    """

    dof: IntArray
    equation: IntArray
    coefficient: FloatArray


NO_LINKS = Links(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0))


@dataclass(frozen=True)
class Constraints:
    """Which unknown each degree of freedom is: ``equation`` (ndof,) >= 0 free (equal numbers move together), HELD where
    it is prescribed, LINKED where ``links`` say of which ``count`` unknowns it is a combination.

    A tie costs nothing in assembly: tied degrees of freedom share one equation, and its row is their sum, so a tied
    wall carries no net force. A link takes the force on its degree of freedom to its unknowns, times the coefficients.
    """

    equation: IntArray
    count: int
    links: Links = NO_LINKS

    @staticmethod
    def build(
        ndof: int,
        fixed: IntArray | None = None,
        ties: tuple[IntArray, ...] = (),
        links: dict[int, dict[int, float]] | None = None,
        extra: int = 0,
    ) -> Constraints:
        """From held dofs, groups of dofs that move together, and dofs that are combinations of others.

        ``links`` maps a dof to its combination, by dofs below ``ndof`` or, from ``ndof`` on, one of ``extra`` unknowns
        of no node. A tie with a held member is held. Raises InputError for a link to a dof that is held or linked.
        """
        total = ndof + extra
        own = np.ones(total, dtype=bool)
        dofs = np.asarray([] if fixed is None else fixed, dtype=np.int64)
        leader = np.arange(total) if ties else None
        if leader is not None:
            for group in ties:
                if len(group):
                    leader[group] = leader[group].min()
                    own[group] = False
            own[leader[~own]] = True
            dofs = leader[dofs]
        own[dofs] = False
        linked = np.array(sorted(links or {}), dtype=np.int64)
        own[linked] = False
        equation = np.where(own, np.cumsum(own) - 1, HELD)
        if leader is not None:
            equation = equation[leader]
        equation[linked] = LINKED
        if not len(linked):
            return Constraints(equation[:ndof], int(own.sum()))
        rows = [(dof, other, value) for dof in linked.tolist() for other, value in (links or {})[dof].items()]
        dof, other, value = (np.array(column) for column in zip(*rows, strict=True))
        to = equation[other.astype(np.int64)]
        if np.any(to == LINKED):
            raise InputError("boundary: a displacement is tied to another one that is itself tied to a line")
        # a link to a held dof takes that dof's value, which the load adds
        free = to >= 0
        found = Links(dof.astype(np.int64)[free], to[free], value.astype(float)[free])
        return Constraints(equation[:ndof], int(own.sum()), found)


@dataclass(frozen=True)
class Space:
    """Mesh, kinematics and constraints. ``width`` unknowns a node, ordered node by node, then those of the
    kinematics. ``joined`` (K, 2) are nodes at one place that act on each other though no cell has both, the first node
    of a place with every other. The strain of the ``soft`` regions, which hardly change their volume, is B-bar
    (:mod:`femsim.models.dilatation`).
    """

    mesh: Mesh
    kinematics: Kinematics
    constraints: Constraints
    joined: IntArray = field(default_factory=lambda: np.empty((0, 2), dtype=np.int64))
    soft: frozenset[str] = frozenset()

    @cached_property
    def projected(self) -> BoolArray:
        """Cells (E,) of the soft regions."""
        return np.isin(self.mesh.region, [k for k, name in enumerate(self.mesh.regions) if name in self.soft])

    @property
    def width(self) -> int:
        """Unknowns a node has."""
        return self.kinematics.width

    @property
    def nodal(self) -> int:
        """Degrees of freedom of all nodes, without those of the kinematics."""
        return self.width * len(self.mesh.points)

    @property
    def ndof(self) -> int:
        """Degrees of freedom before constraints: ``width`` per node, then the kinematics' own."""
        return self.nodal + self.kinematics.globals_

    def element_dofs(self, cells: IntArray | slice) -> IntArray:
        """Degrees of freedom (E, width n + globals) of cells: those of the first node, the second, ..., globals."""
        nodes = self.mesh.cells[cells]
        width, own = self.width, self.width * nodes.shape[1]
        dofs = np.empty((len(nodes), own + self.kinematics.globals_), dtype=np.int64)
        for component in range(width):
            dofs[:, component:own:width] = width * nodes + component
        if self.kinematics.globals_:
            dofs[:, own:] = self.nodal + np.arange(self.kinematics.globals_)
        return dofs

    def gather(self, force: FloatArray) -> FloatArray:
        """Sum nodal forces (ndof, ...) into equations (n, ...): tied unknowns add up, held ones drop out."""
        equation, count = self.constraints.equation, self.constraints.count
        free = equation >= 0
        if force.ndim == 1:
            found = np.asarray(np.bincount(equation[free], force[free], minlength=count), dtype=float)
        else:
            found = np.stack([np.bincount(equation[free], f[free], minlength=count) for f in force.T], axis=1)
        return found if self._links is None else found + self._links.T @ force

    def scatter(self, unknowns: FloatArray) -> FloatArray:
        """Spread equations (n, ...) over the degrees of freedom (ndof, ...), zero where they are held."""
        padded = np.concatenate([unknowns, np.zeros((2, *unknowns.shape[1:]))])
        spread = padded[self.constraints.equation]
        return spread if self._links is None else spread + self._links @ unknowns

    @cached_property
    def _links(self) -> sp.csr_matrix | None:
        links = self.constraints.links
        if not len(links.dof):
            return None
        return sp.csr_matrix(
            (links.coefficient, (links.dof, links.equation)), shape=(self.ndof, self.constraints.count)
        )


def check_held(space: Space) -> None:
    """Raise InputError where a connected part can still move as a rigid body, naming the part and the motion.

    A combination of rigid motions R a is free if it vanishes at every held dof, moves all tied dofs alike and obeys all
    links; such a combination is a null vector of the rows of R at held dofs, of the differences between tied ones, and
    of the links' residuals.
    """
    mesh, kinematics, width = space.mesh, space.kinematics, space.width
    parts, label = parts_of(mesh)
    equation = space.constraints.equation[: space.nodal]
    held = np.flatnonzero(equation == HELD)
    users = np.bincount(equation[equation >= 0], minlength=space.constraints.count)
    tied = np.flatnonzero((equation >= 0) & (np.append(users, [0, 0])[equation] > 1))
    bound = np.concatenate([held, tied])
    bound = bound[np.argsort(equation[bound], kind="stable")]
    for part in range(parts):
        dofs = bound[label[bound // width] == part]
        # the part's first node stands for it where nothing is held
        modes = kinematics.rigid_modes(mesh.points[np.append(dofs // width, np.argmax(label == part))])
        if not modes:
            continue
        row = np.arange(len(dofs))
        matrix = np.column_stack([mode[row, dofs % width] for mode in modes.values()])
        number = equation[dofs]
        same = np.flatnonzero((number[1:] == number[:-1]) & (number[1:] >= 0))
        rows = [matrix[number < 0], matrix[same + 1] - matrix[same], _link_rows(space, label == part, list(modes))]
        constraint = np.concatenate(rows)
        names = list(modes)
        _, singular, right = np.linalg.svd(constraint.T @ constraint)
        loose = right[singular <= 1e-16 * max(len(constraint), 1) + 1e-14 * (singular[0] if len(singular) else 0.0)]
        if len(loose):
            motions = [name for k, name in enumerate(names) if np.any(np.abs(loose[:, k]) > 1e-6)]
            regions = sorted({mesh.regions[i] for i in np.unique(mesh.region[label[mesh.cells[:, 0]] == part])})
            what = "the body" if parts == 1 else f"the part of {', '.join(regions)} ({parts} parts are not connected)"
            raise InputError(f"boundary: {what} can still move {' and '.join(motions)}; hold it with [[boundary]]")


def _link_rows(space: Space, mine: IntArray, names: list[str]) -> FloatArray:
    """What each rigid motion leaves of the links of a part's nodes after the best choice of the unknowns they use."""
    links, nodal = space.constraints.links, space.nodal
    linked = np.flatnonzero(space.constraints.equation[:nodal] == LINKED)
    linked = linked[np.asarray(mine)[linked // space.width]]
    if not len(linked):
        return np.empty((0, len(names)))
    used, column = np.unique(links.equation[np.isin(links.dof, linked)], return_inverse=True)
    chosen = np.isin(links.dof, linked)
    coefficients = np.zeros((len(linked), len(used)))
    np.add.at(coefficients, (np.searchsorted(linked, links.dof[chosen]), column), links.coefficient[chosen])
    # unknowns that are degrees of freedom of nodes move with the motion; the others are free to follow it
    equation = space.constraints.equation[:nodal]
    owner = np.full(space.constraints.count, -1)
    owner[equation[equation >= 0]] = np.flatnonzero(equation >= 0)
    own = owner[used]
    nodes = np.concatenate([linked, own[own >= 0]]) // space.width
    modes = space.kinematics.rigid_modes(space.mesh.points[nodes])
    values = np.column_stack(
        [mode[np.arange(len(nodes)), np.concatenate([linked, own[own >= 0]]) % space.width] for mode in modes.values()]
    )
    left = values[: len(linked)] - coefficients[:, own >= 0] @ values[len(linked) :]
    free = coefficients[:, own < 0]
    if free.shape[1]:
        q, _ = np.linalg.qr(free)
        left = left - q @ (q.T @ left)
    return np.asarray(left)
