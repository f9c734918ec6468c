"""A cell of an array brought down to the unknowns on its walls, its top and bottom free.

With the interface functions Phi on the walls (:mod:`femsim.meshes.interface`) and everything else condensed,

    u = U q + u_0,   U = [Phi; -K_ff^-1 K_fw Phi],   u_0 = [0; K_ff^-1 f_f],
    K_r = U^T K U = Phi^T (K U)_w,   f_r = U^T f,

exactly for displacements that are Phi q on the walls (static condensation, Guyan 1965, AIAA J. 3, 380; with interface
functions Craig and Bampton 1968, AIAA J. 6, 1313). f is the load of the thermal strain.

Where the mesh is a half or a quarter that planes of symmetry bound, the whole cell's fields fall into parity classes:
with the mirrorings g of the planes, R_g u(R_g x) = chi_c(g) u(x). Each class is solved on the part alone, its planes
held against normal motion where it is even and against motion in the plane where it is odd. Fields of different classes
do no work on each other, so K_r = n sum_c A_c^T K_c A_c with n mirrorings and the coordinates A_c q of a class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import scipy.sparse as sp

from femsim.base.arrays import FloatArray, IntArray
from femsim.meshes.interface import Interface
from femsim.models.assembly import element_stiffness, thermal_force
from femsim.models.model import Model
from femsim.models.space import Constraints, Space
from femsim.solvers.system import SystemFactor, make_system


@dataclass(frozen=True)
class Parity:
    """Fields of one parity: +1 (even) or -1 (odd) for each mirrored axis; ``coordinates`` (k, n) A_c of the cell's
    interface unknowns, ``shapes`` (ndof, k) on the mesh.
    """

    signs: Mapping[int, int]
    coordinates: FloatArray
    shapes: FloatArray

    def sign(self, axes: Sequence[int]) -> int:
        """chi_c of the mirroring normal to ``axes``."""
        return int(np.prod([self.signs[axis] for axis in axes])) if len(axes) else 1


@dataclass(frozen=True)
class ReducedCell:
    """A condensed cell: ``stiffness`` (n, n) in MPa um, ``load`` (n,) in uN, its parities and ``rest`` (ndof,) u_0 on
    the mesh; ``model`` is what it was made of.
    """

    model: Model
    interface: Interface
    stiffness: FloatArray
    load: FloatArray
    parities: tuple[Parity, ...]
    rest: FloatArray

    @property
    def mirrorings(self) -> tuple[tuple[int, ...], ...]:
        """Axes of each mirroring that takes the mesh to a part of the cell; the first takes it to itself."""
        axes = sorted(self.parities[0].signs)
        return tuple(
            tuple(axis for axis, turned in zip(axes, chosen, strict=True) if turned)
            for chosen in product((False, True), repeat=len(axes))
        )

    def lower(self) -> ReducedCell:
        """The same cell with interface functions of one degree less, which are among its own."""
        t = self.interface.from_lower()
        parities = tuple(Parity(one.signs, one.coordinates @ t, one.shapes) for one in self.parities)
        return ReducedCell(
            self.model, self.interface.lower(), t.T @ self.stiffness @ t, t.T @ self.load, parities, self.rest
        )


def reduce_cell(model: Model, interface: Interface, symmetry: Mapping[str, int], walls: Sequence[str]) -> ReducedCell:
    """Condense a cell; ``symmetry`` maps its plane-of-symmetry surfaces to their axis, ``walls`` are its outer ones.

    Raises NumericsError where the memory does not hold a factor.
    """
    mesh = model.mesh
    wall = np.unique(np.concatenate([mesh.nodes_on(name) for name in walls]))
    functions = interface.basis(mesh.points[wall])
    held = (3 * wall[:, None] + np.arange(3)).ravel()
    beside = _rows_of(model, wall)
    force = thermal_force(model)
    stiffness, load = np.zeros((interface.count, interface.count)), np.zeros(interface.count)
    rest = np.zeros(model.ndof)
    parities = []
    planes = {axis: mesh.nodes_on(name) for name, axis in symmetry.items()}
    mirrorings = 2 ** len(planes)
    for signs in product((1, -1), repeat=len(planes)):
        parity = dict(zip(planes, signs, strict=True))
        coordinates, shapes = _coordinates(interface, parity)
        fixed = [held]
        for axis, nodes in planes.items():
            components = [axis] if parity[axis] > 0 else [k for k in range(3) if k != axis]
            fixed += [3 * nodes + k for k in components]
        space = Space(
            mesh,
            model.kinematics,
            Constraints.build(model.ndof, np.unique(np.concatenate(fixed))),
            soft=model.space.soft,
        )
        factor = SystemFactor.of(make_system(space, model.moduli))
        field = np.zeros((model.ndof, shapes.shape[1]))
        for k in range(3):
            field[3 * wall + k] = functions @ shapes[k::3]
        even = all(sign > 0 for sign in signs)
        right = space.gather(np.column_stack([-(beside @ field), force]) if even else -(beside @ field))
        found = space.scatter(factor.solve(right))
        field += found[:, : field.shape[1]]
        if even:
            rest = found[:, -1]
            load = mirrorings * coordinates.T @ (field.T @ force)
        reaction = (beside @ field)[held]
        condensed = field[held].T @ reaction
        stiffness += mirrorings * coordinates.T @ (0.5 * (condensed + condensed.T)) @ coordinates
        parities.append(Parity(parity, coordinates, field))
    return ReducedCell(model, interface, stiffness, load, tuple(parities), rest)


def _rows_of(model: Model, nodes: IntArray) -> sp.csr_matrix:
    """The stiffness (ndof, ndof) of the cells that have any of the nodes: whole in the nodes' rows."""
    chosen = np.flatnonzero(np.isin(model.mesh.cells, nodes).any(axis=1))
    n = model.ndof
    total = sp.csr_matrix((n, n))
    for cells, entries in element_stiffness(model.space, model.moduli, chosen):
        dofs = model.space.element_dofs(cells)
        rows, columns = np.repeat(dofs, dofs.shape[1], axis=1), np.tile(dofs, (1, dofs.shape[1]))
        total = total + sp.csr_matrix((entries.ravel(), (rows.ravel(), columns.ravel())), shape=(n, n))
    return total


def _coordinates(interface: Interface, parity: Mapping[int, int]) -> tuple[FloatArray, FloatArray]:
    """A_c (k, n) and the interface unknowns W_c (n, k) of each coordinate of a class: W_c A_c q is the class's part

    Pi_c q = 1 / |G| sum_g chi_c(g) S_g q.
    """
    n, axes = interface.count, sorted(parity)
    projector = sp.csr_matrix((n, n))
    group = list(product((False, True), repeat=len(axes)))
    for chosen in group:
        turned = tuple(axis for axis, on in zip(axes, chosen, strict=True) if on)
        source, sign = interface.mirrored(turned)
        chi = np.prod([parity[axis] for axis in turned]) if turned else 1.0
        projector = projector + sp.csr_matrix((chi * sign / len(group), (np.arange(n), source)), shape=(n, n))
    # of the unknowns that mirrorings take to each other one stands for all: the one with the largest places
    place = interface.lines[np.arange(n) // interface.block]
    kept = np.all(2 * place[:, axes] >= interface.order, axis=1) if axes else np.ones(n, dtype=bool)
    kept &= np.abs(projector.diagonal()) > SMALL
    chosen_dofs = np.flatnonzero(kept)
    rows = projector.tocsr()[chosen_dofs]
    scale = projector.diagonal()[chosen_dofs]
    return np.asarray(rows.toarray() / scale[:, None]), np.asarray(projector.tocsc()[:, chosen_dofs].toarray())


#: a projector's diagonal below this is zero
SMALL = 1.0e-12
