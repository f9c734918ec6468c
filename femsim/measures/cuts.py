"""How well a sub-model and the run it was cut from agree: their stresses at the nodes of the cut, side by side.

The displacement on the cut is imposed, so it agrees; where the sub-model changes the structure inside too much, or the
cut lies too near to it, the stresses there part. That difference is the error the cut brings (St Venant: it fades
inwards over the size of the cut's disturbance).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from femsim.base.arrays import IntArray
from femsim.measures.stress import nodal_stress
from femsim.meshes.elements import shape
from femsim.models.fields import StressField

if TYPE_CHECKING:
    from femsim.meshes.read.solved import Fields  # loads every reader of mesh files


@dataclass(frozen=True)
class Agreement:
    """Root mean square of the run's stress at a cut (MPa), of the difference to it, and the largest difference; ``at``
    is where that is (um).
    """

    stress: float
    difference: float
    largest: float
    at: tuple[float, ...]

    @property
    def relative(self) -> float:
        """Mean difference over mean stress."""
        return self.difference / self.stress if self.stress > 0.0 else 0.0


def agreement(field: StressField, fields: Fields, nodes: IntArray) -> Agreement | None:
    """Compare stresses at the nodes of a cut, in regions that both models have; None where they have none in common."""
    mesh = field.space.mesh
    cell, corner = np.nonzero(np.isin(mesh.cells, nodes))
    own = nodal_stress(field)[cell, corner]
    region = mesh.region[cell]
    points = mesh.points[mesh.cells[cell, corner]]
    gaps, sizes, places = [], [], []
    for number in np.unique(region):
        name = mesh.regions[number]
        if name not in fields.mesh.regions:
            continue
        mine = region == number
        holders, xi, _ = fields.holders(points[mine], name)
        values, _ = shape(fields.mesh.element, xi)
        other = np.einsum("en,enc->ec", values, fields.stress[holders])
        gaps.append(np.linalg.norm(own[mine] - other, axis=1))
        sizes.append(np.linalg.norm(other, axis=1))
        places.append(points[mine])
    if not gaps:
        return None
    gap, size, place = np.concatenate(gaps), np.concatenate(sizes), np.concatenate(places)
    worst = int(np.argmax(gap))
    stress, difference = (float(np.sqrt(np.mean(v**2))) for v in (size, gap))
    return Agreement(stress, difference, float(gap[worst]), tuple(map(float, place[worst])))
