"""The parts of a solve, one by one, on the problem of ``benchmarks/speed``: mesh, assembly, order, factor, solve,
recovery.

``pytest benchmarks/parts --speed-sizes 20k,200k,1M`` with pytest-benchmark; ``--benchmark-autosave`` and
``--benchmark-compare`` keep and compare runs. FEMSIM_SOLVER chooses the backend.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from problem import LENGTH, overrides

pytest.importorskip("pytest_benchmark")

from femsim.builders.build import build_model, discretise, resolve_materials
from femsim.cases.casefile import load_case
from femsim.measures.averages import averages, region_metrics, root_metrics
from femsim.measures.corner.intensity import root_fields
from femsim.measures.goal_errors import with_errors
from femsim.measures.stress import nodal_stress
from femsim.models.rectangles import rectangle_stiffness
from femsim.solvers.numbering import number_unknowns
from femsim.solvers.pattern import layout_of, make_pattern
from femsim.solvers.solve import resolve_with, solve
from femsim.solvers.system import SystemFactor, make_system


@pytest.fixture(scope="module")
def at(size):
    """The problem of one size, solved."""
    case, origin = load_case("bilayer", overrides(size))
    disc = discretise(case, origin.base)
    model = build_model(disc, resolve_materials(case, disc))
    return SimpleNamespace(case=case, base=origin.base, disc=disc, model=model, solution=solve(model))


@pytest.fixture
def timed(benchmark, at):
    """``timed(function, *arguments)``: five rounds after one to warm up, fewer where one takes seconds."""

    def run(function, *arguments):
        benchmark.extra_info["unknowns"] = at.model.ndof
        rounds = 5 if at.model.ndof < 500_000 else 3
        return benchmark.pedantic(function, args=arguments, rounds=rounds, iterations=1, warmup_rounds=1)

    return run


def test_case(timed, size):
    timed(load_case, "bilayer", overrides(size))


def test_mesh(timed, at):
    timed(discretise, at.case, at.base)


def test_model(timed, at):
    timed(build_model, at.disc, resolve_materials(at.case, at.disc))


def test_order(timed, at):
    timed(number_unknowns, at.model.space, layout_of(at.model.space).middle)


def test_pattern_with_order(timed, at):
    timed(make_pattern, at.model.space)


def test_element_stiffness(timed, at):
    cells = np.arange(min(4096, len(at.model.mesh.cells)))
    stiffness = at.model.moduli.at(cells, np.empty((1, at.model.mesh.info.nodes)))[:, 0]
    timed(rectangle_stiffness, at.model.space, cells, stiffness)


def test_assembly(timed, at):
    timed(make_system, at.model.space, at.model.moduli, make_pattern(at.model.space))


def test_factor(timed, at):
    timed(SystemFactor.of, make_system(at.model.space, at.model.moduli))


def test_substitution(timed, at):
    rhs = np.ones(at.model.constraints.count)
    timed(at.solution.factor.solve, rhs)


def test_solve(timed, at):
    timed(solve, at.model)


def test_another_temperature(timed, at):
    timed(resolve_with, at.solution, at.model.under(temperature=-40.0))


def test_recovery(timed, at):
    timed(nodal_stress, at.solution.field)


def test_region_metrics(timed, at):
    timed(region_metrics, at.solution.field)


def test_root_metrics_with_errors(timed, at):
    def measure():
        chosen = averages(at.model.space, at.disc.roots, (LENGTH,))
        found = [root_metrics(at.solution.field, average) for average in chosen]
        return with_errors(at.solution, chosen, found, None)

    timed(measure)


def test_root_fields(timed, at):
    timed(root_fields, at.solution, at.disc.roots)
