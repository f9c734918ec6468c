"""Tractions from consistent nodal forces: faster than point stresses where the field is smooth, nearer than them at a
root, in balance.
"""

from __future__ import annotations

import numpy as np
import pytest
from helpers import constrained

from femsim.builders.build import discretise, resolve_materials
from femsim.cases.stacks.bilayer import BilayerCase
from femsim.materials.elastic import Material
from femsim.materials.property import Property
from femsim.measures.averages import root_metrics
from femsim.measures.corner.intensity import consistent_average, root_fields, root_share
from femsim.measures.traction import average, profile
from femsim.meshes.elements import shape
from femsim.meshes.facets import edges_of
from femsim.meshes.grid import Grading, tensor_mesh
from femsim.meshes.layout import Root
from femsim.models.fields import ElasticField
from femsim.models.kinematics import PLANE_STRAIN
from femsim.models.model import model_of
from femsim.models.sampling import sample
from femsim.runs.once import solve_case
from femsim.runs.results import results_dict
from femsim.runs.run import run
from femsim.solvers.solve import solve


def material(name, young, nu):
    e, n, a = (Property((value,)) for value in (young, nu, 0.0))
    return Material(name=name, youngs_modulus=(e,), poisson_ratio=(n,), shear_modulus=(), cte=(a,))


def smooth(cells):
    """Two bonded layers between mirrors, pressed on top by 10 (1 - cos pi x): no corner is singular."""
    x, y = (
        np.linspace(0, 1, cells + 1),
        np.concatenate([np.linspace(-1, 0, cells + 1), np.linspace(0, 1, cells + 1)[1:]]),
    )
    region = np.repeat([0, 1], cells)[:, None] * np.ones((1, cells), dtype=int)
    mesh = tensor_mesh(x, y, region, ("low", "up"))
    points = mesh.points
    held = {int(2 * n): 0.0 for n in np.flatnonzero((points[:, 0] == 0) | (points[:, 0] == 1))}
    held |= {int(2 * n) + 1: 0.0 for n in np.flatnonzero(points[:, 1] == -1)}
    edges = edges_of(mesh)
    top = edges.nodes[np.all(points[edges.nodes][..., 1] == 1, axis=1)]
    solids = {"low": material("low", 5e3, 0.3), "up": material("up", 50e3, 0.2)}
    model = model_of(mesh, PLANE_STRAIN, solids, 25.0, 25.0, *constrained(2 * len(points), held))
    load = np.zeros(model.ndof)
    s, w = np.polynomial.legendre.leggauss(6)
    for edge in top:
        a, b = points[edge[0], 0], points[edge[1], 0]
        t = 0.5 * (s + 1)
        values = np.column_stack([(1 - t) * (1 - 2 * t), t * (2 * t - 1), 4 * t * (1 - t)])
        load[2 * edge + 1] -= values.T @ (0.5 * w * abs(b - a) * 10 * (1 - np.cos(np.pi * (a + (b - a) * t))))
    return model, solve(model, load).unknowns


ROOT = Root("r", (1.0, 0.0), "up", (-1, 1), 1.0, 1.0)


def point_stress(model, unknowns):
    """Peel at the middle of the interface's quarter, evaluated on the edge of the upper layer's cell."""
    mesh = model.mesh
    cells = mesh.cells_of("up")
    x = mesh.points[mesh.cells[cells]]
    cell = cells[np.flatnonzero((x[:, :, 1].min(axis=1) == 0) & np.isclose(x[:, :, 0].min(axis=1), 0.25))[:1]]
    xi = np.array([[0.0, 0.0]])
    assert np.allclose(shape(mesh.element, xi)[0] @ mesh.points[mesh.cells[cell[0]]], [0.25, 0.0])
    return ElasticField(model, unknowns).stress(sample(model.space, cell, xi))[0, 0, 1]


@pytest.fixture(scope="module")
def smooth_values():
    found = {}
    for cells in (4, 8, 16, 32):
        model, unknowns = smooth(cells)
        full = profile(ElasticField(model, unknowns), ROOT, 1.0)
        half = profile(ElasticField(model, unknowns), ROOT, 0.5)
        node = full.traction[np.argmin(np.abs(full.distance - 0.75))]
        found[cells] = (point_stress(model, unknowns), node[1], *average(model.space, half))
    return found


def test_averages_converge_twice_as_fast_as_point_stresses(smooth_values):
    """Order 4 against 2 with quadratic elements; the tractions at nodes are a tenth as far off as the stress on the
    edge.
    """
    exact = smooth_values[32]
    rate = [np.log2(abs(smooth_values[4][k] - exact[k]) / abs(smooth_values[16][k] - exact[k])) / 2 for k in range(3)]
    assert 1.5 < rate[0] < 2.6
    assert rate[2] > 3.5
    for cells in (4, 8, 16):
        assert abs(smooth_values[cells][1] - exact[1]) < 0.1 * abs(smooth_values[cells][0] - exact[0])


def test_the_average_over_all_balances_the_load(smooth_values):
    model, unknowns = smooth(4)
    peel, _ = average(model.space, profile(ElasticField(model, unknowns), ROOT, 1.0))
    assert peel == pytest.approx(-10.0, rel=1e-10)


@pytest.fixture(scope="module")
def bilayer():
    materials = {
        "post": {"E": 120.0, "nu": 0.34, "cte": 17.0},
        "low": {"E": 2.5, "nu": 0.34, "cte": 50.0},
        "high": {"E": 15.0, "nu": 0.30, "cte": 10.0},
        "chip": {"E": 169.0, "nu": 0.28, "cte": 2.6},
    }
    return BilayerCase.model_validate({"stack": "bilayer", "materials": materials, "metrics": {"length": [5.0, 1.0]}})


def test_averages_at_a_root_are_nearer_than_extrapolated_ones(bilayer):
    """By a factor of three in the root mean square, against a mesh far finer at the root."""
    disc = discretise(bilayer)
    materials = resolve_materials(bilayer, disc)

    def averages(grading):
        solved = solve_case(discretise(bilayer, None, grading), materials, lambda text: None)
        (field,) = root_fields(solved.solution, disc.roots).values()
        own = []
        for m in solved.roots:
            share = root_share(field, m.root, (grading.size,) * 3)
            own += average(solved.model.space, profile(solved.solution.field, m.root, m.length, share))
        points = [root_metrics(solved.solution.field, one) for one in solved.averages]
        return np.array(own), np.array([v for m in points for v in (m.peel, m.shear)])

    truth, _ = averages(Grading(3e-4, 1.3))
    for size in (0.1, 0.03):
        consistent, extrapolated = averages(Grading(size, 1.4))
        assert np.linalg.norm(consistent - truth) < np.linalg.norm(extrapolated - truth) / 3


def test_headline_averages_are_those_of_the_forces(bilayer):
    """As functionals of the stress they give what the profile of tractions does, and have its derivative."""
    disc = discretise(bilayer, None, Grading(0.05, 1.6))
    solved = solve_case(disc, resolve_materials(bilayer, disc), lambda text: None, errors=False)
    (field,) = solved.fields.values()
    for m, one in zip(solved.roots, solved.consistent, strict=True):
        wanted = consistent_average(solved.solution, m.root, m.length, field)
        assert (m.peel, m.shear) == pytest.approx(wanted, rel=1e-9)
        assert (one.averages.peel.value(solved.solution.field), m.shear) == pytest.approx(wanted, rel=1e-9)
        model, u = solved.model, solved.solution.unknowns
        for goal in (one.averages.peel, one.averages.shear):
            linear = goal.value(ElasticField(model, u, free=False))
            assert goal.derivative(model) @ u == pytest.approx(linear, rel=1e-9)


def test_without_the_share_the_wall_pulls_too(bilayer):
    done = run(bilayer.model_copy(update={"mesh": bilayer.mesh.model_copy(update={"size": 0.05, "growth": 1.5})}))
    (root,) = done.discretisation.roots
    model, unknowns = done.solution.model, done.solution.unknowns
    share = root_share(done.fields[root], root, (0.05,) * 3)
    assert np.all((share.far > 0) & (share.far < 1))
    with_, without = (average(model.space, profile(ElasticField(model, unknowns), root, 1.0, s)) for s in (share, None))
    assert np.abs(np.array(with_) - np.array(without)).max() > 0.5
    entry = results_dict(done)["metrics"]["roots"]["post_root"][1]
    assert entry["consistent"]["peel"] == pytest.approx(with_[0], rel=5e-3)


@pytest.mark.parametrize(("post", "pad"), [(0.13, 40.0), (120.0, 40.0), (0.13, None)])
def test_a_soft_post_beside_a_stiff_resin_and_over_a_smaller_pad(bilayer, post, pad):
    """The far body's force is then nearly all the neighbour's, or its cut runs through one body beyond the root."""
    soft = {**bilayer.materials, "post": {"E": post, "nu": 0.3, "cte": 80.0}}
    soft |= {"low": {"E": 30.0, "nu": 0.3, "cte": 5.0}}
    if pad is not None:
        soft |= {"pad": {"E": 200.0, "nu": 0.3, "cte": 12.0}}
    geometry = {} if pad is None else {"pad_radius": pad, "pad_thickness": 4.0}
    found = []
    for size in (0.05, 0.002):
        mesh = {"size": size, "growth": 1.5}
        case = {"stack": "bilayer", "materials": soft, "geometry": geometry, "mesh": mesh, "metrics": {"length": 2.0}}
        entry = results_dict(run(BilayerCase.model_validate(case)))["metrics"]["roots"]["post_root"][0]
        found.append([entry["consistent"]["peel"], entry["consistent"]["shear"]])
    assert np.allclose(*found, rtol=0, atol=0.02 * np.abs(found).max())
