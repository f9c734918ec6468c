"""What to refine, from the share of an error that each cell holds: the cells, or the intervals of a grid, that hold
half of it (Doerfler 1996, SIAM J. Numer. Anal. 33, 1106).
"""

from __future__ import annotations

import numpy as np

from femsim.base.arrays import BoolArray, FloatArray
from femsim.meshes.grid import painted_cells
from femsim.meshes.layout import Layout

#: share of the sum that the marked intervals or cells hold
MARKED = 0.5
#: where an interval that ends at a root is cut
CUT_AT_ROOT = 0.25


def bulk(share: FloatArray, part: float = MARKED) -> BoolArray:
    """The smallest set that holds ``part`` of the sum."""
    order = np.argsort(share)[::-1]
    total = np.cumsum(share[order])
    count = int(np.searchsorted(total, part * total[-1])) + 1
    marked = np.zeros(len(share), dtype=bool)
    marked[order[:count]] = True
    return marked


def finer_lines(
    layout: Layout, lines: tuple[FloatArray, FloatArray], share: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Grid lines with those intervals cut that hold half of the shares, summed over rows and over columns."""
    row, column = np.nonzero(painted_cells(layout, *lines) >= 0)
    singular = [root.at for root in layout.roots] + list(layout.corners)
    found = []
    for axis, (line, index) in enumerate(zip(lines, (column, row), strict=True)):
        marked = bulk(np.bincount(index, share, minlength=len(line) - 1).astype(float))
        found.append(cut(line, marked, np.array([at[axis] for at in singular])))
    return found[0], found[1]


def cut(lines: FloatArray, marked: BoolArray, singular: FloatArray) -> FloatArray:
    """Halve the marked intervals; cut those that end at a singular coordinate nearer to it."""
    a, b = lines[:-1][marked], lines[1:][marked]
    slack = 1e-9 * max(float(np.ptp(lines)), 1e-300)

    def at(x: FloatArray) -> BoolArray:
        return np.asarray(
            (np.abs(x[:, None] - singular) <= slack).any(axis=1) if len(singular) else np.zeros(len(x), dtype=bool)
        )

    left, right = at(a), at(b)
    where = np.where(left & ~right, CUT_AT_ROOT, np.where(right & ~left, 1 - CUT_AT_ROOT, 0.5))
    return np.sort(np.concatenate([lines, a + where * (b - a)]))


def halved(lines: FloatArray) -> FloatArray:
    """Grid lines with every interval halved."""
    return np.sort(np.concatenate([lines, 0.5 * (lines[1:] + lines[:-1])]))
