"""The space a solution is sought in: mesh, kinematics, and which unknown each degree of freedom is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.errors import InputError
from femsim.meshes.facets import parts_of
from femsim.meshes.mesh import Mesh
from femsim.models.kinematics import Kinematics


def check_held(mesh: Mesh, kinematics: Kinematics, constraints: Constraints) -> None:
    """Raise InputError where a connected part can still move as a rigid body, naming the part and the motion.

    A combination of rigid motions R a is free if it vanishes at every prescribed dof and moves all tied dofs alike;
    such a combination is a null vector of the rows of R at prescribed dofs and of the differences between tied ones.
    """
    parts, label = parts_of(mesh)
    equation = constraints.equation[: 2 * len(mesh.points)]
    held = np.flatnonzero(equation < 0)
    users = np.bincount(equation[equation >= 0], minlength=constraints.count)
    tied = np.flatnonzero((equation >= 0) & (np.append(users, 0)[equation] > 1))
    bound = np.concatenate([held, tied])
    bound = bound[np.argsort(equation[bound], kind="stable")]
    for part in range(parts):
        dofs = bound[label[bound // 2] == part]
        # the part's first node stands for it where nothing is held
        modes = kinematics.rigid_modes(mesh.points[np.append(dofs // 2, np.argmax(label == part))])
        row = np.arange(len(dofs))
        matrix = np.column_stack([mode[row, dofs % 2] for mode in modes.values()])
        number = equation[dofs]
        same = np.flatnonzero((number[1:] == number[:-1]) & (number[1:] >= 0))
        rows = [matrix[number < 0], matrix[same + 1] - matrix[same]]
        constraint = np.concatenate(rows)
        names = list(modes)
        _, singular, right = np.linalg.svd(constraint.T @ constraint)
        loose = right[singular <= 1e-16 * max(len(constraint), 1) + 1e-14 * (singular[0] if len(singular) else 0.0)]
        if len(loose):
            motions = [name for k, name in enumerate(names) if np.any(np.abs(loose[:, k]) > 1e-6)]
            regions = sorted({mesh.regions[i] for i in np.unique(mesh.region[label[mesh.cells[:, 0]] == part])})
            what = "the body" if parts == 1 else f"the part of {', '.join(regions)} ({parts} parts are not connected)"
            raise InputError(f"boundary: {what} can still move {' and '.join(motions)}; hold it with [[boundary]]")


@dataclass(frozen=True)
class Constraints:
    """Which unknown each degree of freedom is: ``equation`` (ndof,) >= 0 free (equal numbers move together), -1
    prescribed ``value``.

    A tie costs nothing in assembly: tied degrees of freedom share one equation, and its row is their sum, so a tied
    wall carries no net force.
    """

    equation: IntArray
    value: FloatArray
    count: int

    @staticmethod
    def build(ndof: int, fixed: dict[int, float] | None = None, ties: tuple[IntArray, ...] = ()) -> Constraints:
        """From prescribed values by dof, and groups of dofs that move together. A tie with a prescribed member is
        prescribed.
        """
        value = np.zeros(ndof)
        own = np.ones(ndof, dtype=bool)
        dofs, values = np.array(list(fixed or {}), dtype=np.int64), np.array(list((fixed or {}).values()), dtype=float)
        leader = np.arange(ndof) if ties else None
        if leader is not None:
            for group in ties:
                if len(group):
                    leader[group] = leader[group].min()
                    own[group] = False
            own[leader[~own]] = True
            dofs = leader[dofs]
        own[dofs] = False
        value[dofs] = values
        equation = np.where(own, np.cumsum(own) - 1, -1)
        if leader is not None:
            equation, value = equation[leader], value[leader]
        return Constraints(equation, value, int(own.sum()))
