"""What a run can take over from the one before it, and when.

Runs of the same shape (geometry, mesh, element, averaging lengths, boundaries) share the mesh and the averages. If
their stiffness is the same too, they share the factor: a change of temperature or expansion is one substitution. If
only moduli differ, they share the order of elimination and the sparsity pattern. Whether two runs share is decided on
the resolved materials, so a temperature-dependent modulus is never overlooked. A run's numbers do not depend on what
it took over.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal, TypeAlias

from femsim.builders.resolve import ResolvedMaterial
from femsim.cases.case import Case
from femsim.materials.elastic import Material
from femsim.measures.averages import Averages
from femsim.solvers.solve import Solution

Reused: TypeAlias = Literal["factor", "mesh", "none"]


@dataclass(frozen=True)
class Shared:
    """What a run on a mesh takes over: the averages, and of the solution its factor, or only its sparsity pattern."""

    averages: tuple[Averages, ...]
    solution: Solution
    factor: bool


def shape_key(case: Case) -> str:
    """Equal for cases that share mesh, averages and constraints: all of a case but its materials, load, name and
    probes.
    """
    left_out = {"materials", "load", "name", "probe", "path", "uncertain"}
    data = case.model_dump(by_alias=True, exclude=left_out)
    for _, key, _ in case.own_materials():
        table, number, last = key.split(".")
        del data[table][int(number)][last]
    # a size given and a size by default grade bodies without roots differently
    return json.dumps([data, sorted(case.mesh.model_fields_set), case.metrics.length is None], sort_keys=True)


def stiffness_key(case: Case, materials: dict[str, ResolvedMaterial]) -> str:
    """Equal for cases of one shape that share the stiffness matrix; empty where it is known to be nobody else's, as
    moduli in a field of temperature make it.
    """
    parts = [_elastic(region, m.material) for region, m in sorted(materials.items())]
    if any(m.material.depends_on_temperature for m in materials.values()):
        if not isinstance(case.load.shown, int | float):
            return ""
        parts.append(repr(float(case.load.shown)))
    return repr(parts)


def _elastic(region: str, m: Material) -> str:
    return repr((region, m.youngs_modulus, m.poisson_ratio, m.shear_modulus, m.angle))
