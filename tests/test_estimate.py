"""Goal-oriented estimates: nothing where the solution is exact, the true error's size where it is smooth, finite on the
axis.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from helpers import ALL, AXI, GENERAL, STRAIN, STRESS, build, grid, held, material, near

from femsim.measures.averages import averages, root_metrics
from femsim.measures.goal_errors import goal_indicators, with_errors
from femsim.measures.goals import Functional, Piece
from femsim.measures.stress import sample
from femsim.meshes.elements import gauss_points
from femsim.meshes.layout import Root
from femsim.solvers.solve import solve


def goal_errors(solution, goals):
    return np.abs(goal_indicators(solution, goals)).sum(axis=0)


def mean_stress(model, region, component):
    """The volume mean of one stress component over a region."""
    cells = model.mesh.cells_of(region)
    xi, w = gauss_points(model.mesh.element, model.mesh.info.full)
    volume = sample(model.space, cells, xi).volume * w
    weights = np.zeros((*volume.shape, 4))
    weights[..., component] = volume / volume.sum()
    return Functional("mean", (Piece(cells, xi, weights),))


def tube(cells, element="quad9", kinematics=AXI):
    x = np.unique(np.concatenate([np.linspace(1, 2, cells + 1), np.linspace(2, 4, cells + 1)]))
    region = [[0 if 0.5 * (a + b) < 2 else 1 for a, b in pairwise(x)]] * 2
    mesh = grid(x, [0.0, 0.5, 1.0], element, region, ("inner", "outer"))
    fixed = held((near(mesh, 1, 0.0), 1, 0.0), (near(mesh, 1, 1.0), 1, 0.0))
    if kinematics is not AXI:
        fixed |= held((near(mesh, 0, 1.0), 0, 0.0))
    return solve(build(mesh, kinematics, [material("Si"), material("PI")], fixed, -100.0))


@pytest.mark.parametrize("kinematics", [AXI, STRAIN, STRESS, GENERAL], ids=lambda k: k.name)
@pytest.mark.parametrize("element", ALL)
def test_no_error_where_the_solution_is_exact(element, kinematics):
    """A body of one material, free to expand (or clamped along one axis): the stress is uniform and the estimate
    round-off.
    """
    mesh = grid(np.linspace(0, 3, 4), np.linspace(0, 2, 4), element)
    fixed = held((near(mesh, 1, 0.0), 1, 0.0), (near(mesh, 1, 2.0), 1, 0.0), (near(mesh, 0, 0.0), 0, 0.0))
    s = solve(build(mesh, kinematics, material("Cu"), fixed, -100.0))
    assert goal_errors(s, [mean_stress(s.model, "a", 1)])[0] < 1e-8


@pytest.mark.parametrize("element", ["quad4", "quad8", "quad9", "tri3", "tri6"])
def test_true_error_of_a_smooth_problem(element):
    """A composite tube: the signed sum of the cells' indicators is near the true error, their absolute sum covers most
    of it.
    """
    exact = tube(64)
    goal = [mean_stress(exact.model, "inner", 2)]
    wanted = goal[0].value(exact.field)
    s = tube(4, element)
    goal = [mean_stress(s.model, "inner", 2)]
    true = wanted - goal[0].value(s.field)
    signed = float(goal_indicators(s, goal).sum())
    assert goal_errors(s, goal)[0] >= abs(signed) * (1 - 1e-12)
    assert 0.3 * abs(true) < goal_errors(s, goal)[0] < 10 * abs(true)


def test_estimate_falls_as_fast_as_the_error():
    """Quadratic elements: the error of a smooth goal falls sixteenfold when the size is halved, and so does the
    estimate.
    """
    found = []
    for cells in (4, 8):
        s = tube(cells)
        found.append(goal_errors(s, [mean_stress(s.model, "inner", 2)])[0])
    assert 10 < found[0] / found[1] < 22


def test_many_goals_at_once_equal_each_alone():
    s = tube(4)
    goals = [mean_stress(s.model, region, k) for region in ("inner", "outer") for k in range(4)] * 2
    together = goal_errors(s, goals)
    alone = [goal_errors(s, [goal])[0] for goal in goals]
    assert together == pytest.approx(alone, rel=1e-9, abs=1e-12)


def test_metrics_with_a_ring_on_the_axis():
    x, y = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0]), np.array([-2.0, -1.0, 0.0, 1.0, 2.0, 3.0])
    region = np.full((5, 5), -1)
    region[:2] = 0
    region[2:, :4] = 1
    mesh = grid(x, y, "quad9", region, ("chip", "post"))
    s = solve(build(mesh, AXI, [material("Si"), material("Cu")], held((near(mesh, 1, -2.0), 1, 0.0)), -100.0))
    chosen = averages(s.model.space, (Root("foot", (4.0, 0.0), "post", (-1, 1), 4.0, 3.0),), (3.0, 1.0))
    plain = [root_metrics(s.field, a) for a in chosen]
    assert all(np.isnan(m.peel_error) for m in plain)
    for m in with_errors(s, chosen, plain):
        errors = np.array([m.peel_error, m.shear_error, m.von_mises_error])
        assert np.all(np.isfinite(errors))
        assert np.all(errors > 0)
    assert with_errors(s, [], []) == []
