"""Who touches whom in a painted layout: what the checks of the chip-on-chip claims ask of the geometry."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from femsim.base.arrays import BoolArray
from femsim.meshes.layout import Layout, paint


@dataclass(frozen=True)
class Section:
    """The painted grid of a layout's half x >= 0: for every role its cells; a smeared ring holds its members and their
    matrix.
    """

    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    cells: dict[str, BoolArray]

    @staticmethod
    def of(layout: Layout) -> Section:
        """Section of a layout; of one that runs across x = 0 its right half."""
        x, y, painted = paint(layout)
        half = x[:-1] >= 0.0 if np.any(x == 0.0) else x[1:] > 0.0
        cells: dict[str, BoolArray] = {}
        for number, region in enumerate(layout.regions):
            here = (painted == number)[:, half]
            ring = layout.smears.get(region)
            for role in (ring.member, ring.matrix) if ring is not None else (layout.roles.get(region, region),):
                if role is not None:
                    cells[role] = cells.get(role, np.zeros_like(here)) | here
        return Section(np.maximum(x[np.append(half, True)], 0.0), y, cells)

    def of_role(self, *roles: str) -> BoolArray:
        """Cells of any of the roles (rows along y, columns along x)."""
        empty = np.zeros((len(self.y) - 1, len(self.x) - 1), dtype=bool)
        for role in roles:
            empty = empty | self.cells.get(role, False)
        return empty

    def columns(self, *roles: str) -> BoolArray:
        """Columns in which a role has a cell."""
        return np.asarray(self.of_role(*roles).any(axis=0))

    def top(self, role: str) -> float:
        """Highest point of a role."""
        rows = np.flatnonzero(self.of_role(role).any(axis=1))
        return float(self.y[rows[-1] + 1]) if len(rows) else float("-inf")

    def on(self, lower: str, upper: str) -> bool:
        """Whether somewhere the upper role lies directly on the lower one."""
        return bool(np.any(self.of_role(lower)[:-1] & self.of_role(upper)[1:]))

    def covered(self, lower: str, *by: str) -> BoolArray:
        """Columns of the lower role in which what lies directly on its topmost cell is one of the roles ``by``."""
        mask, over = self.of_role(lower), self.of_role(*by)
        found = np.zeros(mask.shape[1], dtype=bool)
        for column in np.flatnonzero(mask.any(axis=0)):
            row = int(np.flatnonzero(mask[:, column])[-1]) + 1
            found[column] = row < len(mask) and over[row, column]
        return found

    def joined(self, role: str, a: BoolArray, b: BoolArray) -> bool:
        """Whether one connected piece of the role reaches into columns ``a`` and into columns ``b``."""
        from scipy.ndimage import label

        pieces, count = label(self.of_role(role))
        return any(bool((pieces[:, a] == n).any() and (pieces[:, b] == n).any()) for n in range(1, count + 1))

    def share(self, part: BoolArray, whole: BoolArray, axisymmetric: bool) -> float:
        """Share of the columns ``part`` in the area (axisymmetry) or width of the columns ``whole``."""
        size = np.diff(self.x**2 if axisymmetric else self.x)
        return float(size[part & whole].sum() / size[whole].sum())
