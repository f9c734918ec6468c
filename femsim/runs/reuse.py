"""Many cases, one mesh: what a point of a study can take over from the one before it.

Points of the same shape (geometry, mesh, element, averaging lengths, boundaries) share the mesh and the averages. If
their stiffness is the same too, they share the factor: a change of temperature or expansion is one substitution. If
only moduli differ, they share the order of elimination and the sparsity pattern. Whether two points share is decided on
the resolved materials, so a temperature-dependent modulus is never overlooked. A point's numbers do not depend on what
it took over.
"""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from femsim.base.errors import FemsimWarning
from femsim.builders.build import Discretisation, build_model, discretise, probes_of, resolve_materials
from femsim.builders.resolve import ResolvedMaterial
from femsim.cases.case import Case
from femsim.cases.parts import PointData
from femsim.materials.elastic import Material
from femsim.measures.averages import Averages, averages, region_metrics, root_metrics
from femsim.measures.goal_errors import with_errors
from femsim.measures.probes import probe_values
from femsim.meshes.mesh import Quality, quality
from femsim.runs.results import finite_or_none, numbers, results_dict, root_dict, wants_errors
from femsim.runs.run import Run
from femsim.runs.run import run as run_case
from femsim.solvers.solve import Solution, resolve_with, solve

Reused: TypeAlias = Literal["factor", "mesh", "none"]


@dataclass(frozen=True)
class Kept:
    """What a point leaves to the next one."""

    shape: str
    stiffness: str
    disc: Discretisation
    chosen: tuple[Averages, ...]
    solution: Solution
    quality: Quality | None


@dataclass(frozen=True)
class Measured:
    """The numbers asked for (None where a case has no such path), what was taken over, and what the next point may take
    over.
    """

    values: tuple[float | None, ...]
    reused: Reused
    kept: Kept


def evaluate(case: Case, base: Path | None, outputs: Sequence[str], before: Kept | None = None) -> Measured:
    """Solve a case for some outputs, taking over from ``before`` what is the same. Raises InputError and NumericsError
    as a run does.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FemsimWarning)
        return _evaluate(case, base, outputs, before)


def _evaluate(case: Case, base: Path | None, outputs: Sequence[str], before: Kept | None) -> Measured:
    start = time.perf_counter()
    shape = shape_key(case)
    same = before if before is not None and before.shape == shape else None
    disc = same.disc if same is not None else discretise(case, base)
    disc = replace(disc, case=case)
    materials = resolve_materials(case, disc)
    model = build_model(disc, materials)
    chosen = (
        same.chosen
        if same is not None
        else tuple(averages(model, disc.roots, disc.lengths, chosen=case.metrics.length is not None))
    )
    stiffness = stiffness_key(case, materials)
    meshed = time.perf_counter()
    reused: Reused = "none" if same is None else "mesh"
    if same is not None and same.stiffness == stiffness:
        solution, reused = resolve_with(same.solution, model), "factor"
    else:
        # the order of elimination and the places of the entries depend on mesh and constraints alone
        solution = solve(model, pattern=None if same is None else same.solution.factor.pattern)
    solved = time.perf_counter()
    roots = [root_metrics(model, solution.unknowns, average) for average in chosen]
    if wants_errors(outputs):
        roots = with_errors(solution, chosen, roots)
    found: dict[str, Any] = {"metrics": {"roots": {}}}
    measured = same.quality if same is not None else None
    if all(path.startswith("metrics.roots.") for path in outputs):
        for metric in roots:
            found["metrics"]["roots"].setdefault(metric.root.name, []).append(root_dict(metric))
    else:
        measured = measured or quality(model.mesh)
        regions = region_metrics(model, solution.unknowns)
        probes = (
            probe_values(solution, probes_of(case), disc.roots) if any(p.startswith("probes.") for p in outputs) else {}
        )
        timing = {"mesh": meshed - start, **{k: solution.timing[k] for k in ("assemble", "solve")}}
        timing["recover"] = time.perf_counter() - solved
        found = results_dict(Run(case, disc, materials, solution, tuple(roots), regions, probes, measured, timing))
    known = numbers(found)
    values = tuple(finite_or_none(known.get(path)) for path in outputs)
    return Measured(values, reused, Kept(shape, stiffness, disc, chosen, solution, measured))


def quiet_run(case: Case, base: Path | None) -> Run:
    """A whole run without its warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FemsimWarning)
        return run_case(case, base)


def shape_key(case: Case) -> str:
    """Equal for cases that share mesh, averages and constraints: all of a case but its materials, load, name and
    probes.
    """
    left_out = {"materials", "load", "name", "probe"}
    data = case.model_dump(by_alias=True, exclude=left_out)
    for name in ("block", "layer"):
        if name in data:
            data[name] = [{k: v for k, v in entry.items() if k != "material"} for entry in data[name]]
    # a size given and a size by default grade bodies without roots differently
    return json.dumps([data, sorted(case.mesh.model_fields_set), case.metrics.length is None], sort_keys=True)


def stiffness_key(case: Case, materials: dict[str, ResolvedMaterial]) -> str:
    """Equal for cases of one shape that share the stiffness matrix."""
    parts = [_elastic(region, m.material) for region, m in sorted(materials.items())]
    if any(m.material.depends_on_temperature for m in materials.values()):
        t = case.load.temperature
        parts.append(t.point_data if isinstance(t, PointData) else repr(float(t)))
    return repr(parts)


def _elastic(region: str, m: Material) -> str:
    return repr((region, m.youngs_modulus, m.poisson_ratio, m.shear_modulus, m.angle))
