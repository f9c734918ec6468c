"""A reduced model of one box of parameters, for thousands of designs at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.threads import do_in_threads, in_parts, one_blas_thread
from femsim.models.kinematics import KINEMATICS
from femsim.reduced.facts import Names
from femsim.reduced.operators import Matter, Operators
from femsim.reduced.outputs import Features, Line, Ring, Row, levels
from femsim.reduced.strips import Strips

#: designs whose small systems are formed together: they stay in the cache
BATCH = 256


@dataclass(frozen=True)
class Box:
    """Parameters between ``low`` and ``high`` (p,), and what gives the averages there: peel, shear and von Mises of
    each root and length, in their order. ``groups`` (g, 2) are the regions and strips of the pieces; ``lines`` give the
    stress along the interfaces.
    """

    low: FloatArray
    high: FloatArray
    names: Names
    kinematics: str
    strips: Strips
    groups: IntArray
    operators: Operators
    rows: tuple[tuple[Row, Row], ...]
    rings: tuple[Ring, ...]
    features: Features
    lines: tuple[Line, ...] = ()

    @property
    def modes(self) -> int:
        """Unknowns of a design."""
        return int(self.operators.load.shape[1])

    def values(self, quantities: FloatArray) -> FloatArray:
        """Averages (k, 3 r) in MPa of designs with quantities (k, m)."""
        found = np.empty((len(quantities), 3 * len(self.rows)))

        def fill(part: IntArray) -> None:
            mine = slice(int(part[0]), int(part[-1]) + 1)
            matter = self.matter(quantities[mine])
            found[mine] = self.averages(matter, self.solve(matter), self.features.at(quantities[mine]))

        with one_blas_thread():
            do_in_threads(fill, in_parts(np.arange(len(quantities)), BATCH))
        return found

    def along(self, quantities: FloatArray) -> list[FloatArray]:
        """Stress (k, p, size) in MPa at the points of each line for designs with quantities (k, m)."""
        matter = self.matter(quantities)
        solutions = self.solve(matter)
        return [line.at(matter, solutions) for line in self.lines]

    def matter(self, quantities: FloatArray) -> Matter:
        """Stiffness, free strain and scales of designs."""
        return Matter(self.names, self.strips, KINEMATICS[self.kinematics], self.groups, quantities)

    def solve(self, matter: Matter) -> FloatArray:
        """Coordinates (k, n) of the solutions in the basis."""
        ops, n = self.operators, self.modes
        numbers = matter.stiffness_numbers(ops.coefficients.stiffness)
        matrices = (numbers @ ops.stiffness.reshape(len(ops.stiffness), -1)).reshape(-1, n, n)
        right = matter.load_numbers(ops.coefficients.load) @ ops.load
        return np.asarray(np.linalg.solve(matrices, right[..., None])[..., 0])

    def averages(self, matter: Matter, solutions: FloatArray, features: FloatArray) -> FloatArray:
        """Averages (k, 3 r) of solutions (k, n)."""
        columns = []
        for (peel, shear), ring in zip(self.rows, self.rings, strict=True):
            columns += [row.at(matter, solutions, features) for row in (peel, shear)]
            stiffness, free = matter.stiffness[:, ring.region], matter.free[:, ring.region]
            columns.append(levels(ring, stiffness, free, solutions) @ ring.weights)
        return np.column_stack(columns)
