"""The whole way from a case to its results: read this first."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from femsim.build import Discretisation, build_model, discretise, resolve_materials
from femsim.case import Case
from femsim.errors import FemsimWarning
from femsim.estimate import with_errors, with_probe_errors
from femsim.intensity import RootField, root_fields
from femsim.layout import Root
from femsim.mesh import Quality, quality
from femsim.metrics import RegionMetrics, RootMetrics, averages, region_metrics, root_metrics
from femsim.probes import ProbeValue, probe_values
from femsim.resolve import ResolvedMaterial
from femsim.solve import Solution, solve

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
    fields: dict[Root, RootField | str] = field(default_factory=dict)  # the singular field at each root, or why it has none


def run(case: Case, base: Path | None = None, progress: Progress | None = None) -> Run:
    """Mesh, solve and measure a case; mesh files are relative to ``base``. Warnings are raised as such and kept with the result."""
    say = progress or (lambda text: None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", FemsimWarning)
        start = time.perf_counter()
        say("meshing")
        disc = discretise(case, base)
        materials = resolve_materials(case, disc)
        model = build_model(disc, materials)
        chosen = averages(model, disc.roots, disc.lengths, chosen=case.metrics.length is not None)
        meshed = time.perf_counter()
        solution = solve(model, progress=say)
        say("recovering stresses")
        solved = time.perf_counter()
        unknowns = solution.unknowns
        roots = with_errors(solution, chosen, [root_metrics(model, unknowns, average) for average in chosen])
        regions = region_metrics(model, unknowns)
        probes = with_probe_errors(solution, probe_values(solution, case.probe, disc.roots))
        fields = root_fields(solution, disc.roots)
        recovered = time.perf_counter()
    seen = tuple(dict.fromkeys(str(w.message) for w in caught if issubclass(w.category, FemsimWarning)))
    for message in seen:
        warnings.warn(message, FemsimWarning, stacklevel=2)
    timing = {
        "mesh": meshed - start,
        "assemble": solution.timing["assemble"],
        "solve": solution.timing["solve"],
        "recover": recovered - solved,
    }
    return Run(case, disc, materials, solution, tuple(roots), regions, probes, quality(model.mesh), timing, seen, fields)


def mesh_only(case: Case, base: Path | None = None) -> Discretisation:
    """The mesh of a case, unsolved."""
    return discretise(case, base)
