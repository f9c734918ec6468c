"""Strips of scaled height: one mesh for all thicknesses of a box.

Level lines cut the body into strips. Where a layer's thickness varies, a strip of it is stretched by s = h / h_ref, and
with du/dy scaled by 1/s and dV by s the stiffness is exactly

    K = sum over strips of  s A + B + C / s ,

as it is affine in the moduli (Rozza, Huynh and Patera 2008, Arch. Comput. Methods Eng. 15, 229). Strips beside a root,
out to its largest averaging length, are moved but never stretched: the graded mesh there and the averages stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.errors import InputError
from femsim.builders.discretisation import Drawn
from femsim.meshes.layout import Layout, paint
from femsim.meshes.mesh import Mesh

#: on the side of a root without an average, at most this part of the thinnest layer stays unscaled
SOFT = 0.3
#: an averaging length may take this part of the thinnest layer; the rest is to be stretched
HARD = 0.95
#: heights that differ by less than this fraction do not vary
STILL = 1.0e-9


class DoesNotFitError(InputError):
    """A box in which no single mesh serves; a smaller one may do."""


@dataclass(frozen=True)
class Strips:
    """Strips from the bottom up: ``interval`` (s,) is the layer (between two painted lines) each belongs to, ``fixed``
    (s,) its height where it is never stretched (not a number where it is), ``kept`` (k,) what of each layer's height is
    fixed, and ``reference`` (k,) the heights of the mesh's own case.
    """

    interval: IntArray
    fixed: FloatArray
    kept: FloatArray
    reference: FloatArray

    @property
    def count(self) -> int:
        """Number of strips."""
        return len(self.interval)

    def scales(self, heights: FloatArray) -> FloatArray:
        """Stretch (n, s) of each strip at layer heights (n, k); 1 where it is not stretched."""
        moving = np.isnan(self.fixed)
        layer = self.interval[moving]
        rest = self.reference[layer] - self.kept[layer]
        scales = np.ones((len(heights), self.count))
        scales[:, moving] = (heights[:, layer] - self.kept[layer]) / rest
        return scales

    def knots(self, lines: FloatArray) -> FloatArray:
        """Lines (s + 1,) between the strips for painted lines (k + 1,) of a case."""
        heights = np.diff(lines)
        height = np.where(np.isnan(self.fixed), (heights - self.kept)[self.interval], self.fixed)
        knots = np.empty(self.count + 1)
        for layer in range(len(heights)):
            mine = np.flatnonzero(self.interval == layer)
            knots[mine] = lines[layer] + np.concatenate([[0.0], np.cumsum(height[mine])[:-1]])
        knots[-1] = lines[-1]
        return knots

    def of_cells(self, mesh: Mesh, lines: FloatArray) -> IntArray:
        """The strip (E,) of each cell of the reference mesh."""
        middle = mesh.points[mesh.cells[:, : mesh.info.corners]].mean(axis=1)[:, 1]
        return np.asarray(np.searchsorted(self.knots(lines), middle) - 1)


def strips_of(layout: Layout, lengths: Sequence[float], least: FloatArray, most: FloatArray) -> Strips:
    """Strips of a layout for layer heights between ``least`` and ``most`` (k,). Raises DoesNotFitError where an average
    would run through a layer that is stretched.
    """
    _, y, _ = paint(layout)
    count = len(y) - 1
    moves = most - least > STILL * most
    low, high = np.zeros(count), np.zeros(count)  # what stays unscaled above the lower, below the upper line
    for root in layout.roots:
        line = int(np.argmin(np.abs(y - root.at[1])))
        fitting = [length for length in lengths if length <= min(root.width, root.height) * (1 + 1e-9)]
        reach = max(fitting) if fitting else 0.5 * min(root.width, root.height)
        for side in (1, -1):
            layer, left = (line, reach) if side > 0 else (line - 1, reach)
            while 0 <= layer < count and left > STILL * reach:
                if not moves[layer]:
                    left -= float(y[layer + 1] - y[layer])
                    layer += side
                    continue
                if side != root.into[1]:
                    part = min(left, SOFT * float(least[layer]))
                elif left <= HARD * float(least[layer]):
                    part = left
                else:
                    raise DoesNotFitError(
                        f"reduced: root {root.name}: a layer that varies from {least[layer]:.4g} um is thinner than "
                        f"the averaging length of {reach:g} um"
                    )
                place = low if side > 0 else high
                place[layer] = max(place[layer], part)
                break
    for layer in np.flatnonzero(moves & (low + high > HARD * least)).tolist():
        raise DoesNotFitError(
            f"reduced: a layer that varies from {least[layer]:.4g} um has averages of {low[layer] + high[layer]:.4g} "
            f"um at both of its faces"
        )
    interval, fixed = [], []
    for layer in range(count):
        if not moves[layer]:
            interval.append(layer)
            fixed.append(float(y[layer + 1] - y[layer]))
            continue
        for height in (low[layer], np.nan, high[layer]):
            if height != 0.0:
                interval.append(layer)
                fixed.append(float(height))
    kept = np.where(moves, low + high, np.diff(y))
    return Strips(np.array(interval), np.array(fixed), kept, np.diff(y))


def cut(layout: Layout, strips: Strips) -> Layout:
    """The layout with the lines between strips as grid lines."""
    _, y, _ = paint(layout)
    inner = [(1, float(v)) for v in strips.knots(y) if np.min(np.abs(y - v)) > 0.0]
    return replace(layout, breaks=(*layout.breaks, *inner))


def moved(drawn: Drawn, strips: Strips, layout: Layout) -> Mesh:
    """The reference mesh moved onto another layout of the same box."""
    _, old, _ = paint(drawn.layout)
    _, new, _ = paint(layout)
    points = drawn.mesh.points
    y = np.interp(points[:, 1], strips.knots(old), strips.knots(new))
    return replace(drawn.mesh, points=np.column_stack([points[:, 0], y]))
