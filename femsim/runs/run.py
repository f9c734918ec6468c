"""The whole way from a case to its results: read this first."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from femsim.base.errors import FemsimWarning, ToleranceError
from femsim.builders.build import Discretisation, averaging_lengths, discretise, probes_of, resolve_materials
from femsim.builders.resolve import ResolvedMaterial
from femsim.cases.case import Case
from femsim.measures.averages import RegionMetrics, RootMetrics, region_metrics
from femsim.measures.corner.intensity import RootField, corner_fields, root_fields
from femsim.measures.crack import Release
from femsim.measures.goal_errors import with_probe_errors
from femsim.measures.probes import ProbeValue, probe_values
from femsim.meshes.layout import Root
from femsim.meshes.mesh import Quality, quality
from femsim.runs.adapt import Adaptation, coarse_grading, solve_to_tolerance
from femsim.runs.cracks import crack_releases
from femsim.runs.once import solve_case
from femsim.solvers.solve import Solution

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Run:
    """A solved case with everything its report needs; ``timing`` in seconds, ``warnings`` as shown to the user."""

    case: Case
    discretisation: Discretisation
    materials: dict[str, ResolvedMaterial]
    solution: Solution
    roots: tuple[RootMetrics, ...]
    regions: dict[str, RegionMetrics]
    probes: dict[str, ProbeValue]
    quality: Quality
    timing: dict[str, float]
    warnings: tuple[str, ...] = ()
    fields: dict[Root, RootField | str] = field(
        default_factory=dict
    )  # the singular field at each root, or why it has none
    adaptation: Adaptation | None = None
    cracks: tuple[Release, ...] = ()
    corners: dict[str, RootField | str] = field(default_factory=dict)


def run(case: Case, base: Path | None = None, progress: Progress | None = None) -> Run:
    """Mesh, solve and measure a case; mesh files are relative to ``base``. Warnings are raised as such and kept with
    the result.

    Raises ToleranceError, which carries the best result, where a tolerance is not met within the limit of unknowns.
    """
    say = progress or (lambda text: None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", FemsimWarning)
        start = time.perf_counter()
        say("meshing")
        adaptive = case.mesh.tolerance is not None
        disc = discretise(case, base, coarse_grading(averaging_lengths(case)) if adaptive else None)
        materials = resolve_materials(case, disc)
        meshed = time.perf_counter()
        adaptation: Adaptation | None = None
        if adaptive:
            solved, adaptation = solve_to_tolerance(case, disc, materials, say)
        else:
            solved = solve_case(disc, materials, say)
        disc, solution = solved.discretisation, solved.solution
        measured = time.perf_counter()
        regions = region_metrics(solved.model, solution.unknowns)
        probes = with_probe_errors(solution, probe_values(solution, probes_of(case), disc.roots), solved.defect)
        fields = root_fields(solution, disc.roots)
        corners = corner_fields(solution, [(spec.name, spec.at, spec.region) for spec in case.corner])
        cracks = crack_releases(disc, materials, say)
        timing = {**solved.timing, "mesh": meshed - start + solved.timing["mesh"]}
        timing["recover"] += time.perf_counter() - measured
        if adaptation is not None:
            timing["refine"] = measured - meshed
    seen = tuple(dict.fromkeys(str(w.message) for w in caught if issubclass(w.category, FemsimWarning)))
    for message in seen:
        warnings.warn(message, FemsimWarning, stacklevel=2)
    measures = quality(solved.model.mesh)
    done = Run(
        case,
        disc,
        materials,
        solution,
        solved.roots,
        regions,
        probes,
        measures,
        timing,
        seen,
        fields,
        adaptation,
        cracks,
        corners,
    )
    if adaptation is not None and not adaptation.met:
        last = adaptation.steps[-1]
        raise ToleranceError(
            f"mesh.tolerance: {adaptation.tolerance:g} is not met: the estimated relative error of {last.of} is "
            f"{last.worst:.3g} "
            f"with {last.unknowns} unknowns; {adaptation.reason}",
            done,
        )
    return done


def mesh_only(case: Case, base: Path | None = None) -> Discretisation:
    """The mesh of a case, unsolved."""
    return discretise(case, base)
