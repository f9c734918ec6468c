"""Nested dissection from coordinates: a permutation, whatever the mesh, with less fill than the natural order."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from helpers import ALL, AXI, GENERAL, STRAIN, assemble, build, distorted, grid, held, isotropic, near, quarter_disc

from femsim.builders.build import build_model, discretise, resolve_materials
from femsim.cases.casefile import parse_case
from femsim.solvers.pattern import make_pattern
from femsim.solvers.system import make_system

MATERIAL = isotropic(1e3, 0.3)


def square(n, element="quad9"):
    return distorted(grid(np.linspace(0, 1, n + 1), np.linspace(0, 1, n + 1), element), 0.1)


def order_of(model):
    """All unknowns in the order of their elimination, condensed ones first."""
    pattern = make_pattern(model.space)
    return np.concatenate(
        [
            pattern.numbering.inner.ravel(),
            pattern.numbering.unknown[pattern.numbering.unknown < model.constraints.count],
        ]
    )


def fill(matrix, order):
    lu = spla.splu(
        sp.csc_matrix(matrix[order][:, order]),
        permc_spec="NATURAL",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    return lu.L.nnz


@pytest.mark.parametrize("element", ALL)
@pytest.mark.parametrize("kinematics", [AXI, GENERAL], ids=lambda k: k.name)
def test_a_permutation(element, kinematics):
    mesh = square(5, element)
    wall = near(mesh, 0, 1.0)
    model = build(mesh, kinematics, MATERIAL, held((near(mesh, 1, 0.0), 1, 0.0)), ties=(2 * wall,))
    order = order_of(model)
    assert np.array_equal(np.sort(order), np.arange(model.constraints.count))


@pytest.mark.parametrize(
    "mesh", [square(24), square(24, "tri6"), quarter_disc([10.0, 20.0], 10, ["a", "b"])], ids=["quad9", "tri6", "disc"]
)
def test_less_fill_than_natural_order(mesh):
    model = build(mesh, STRAIN, MATERIAL, held((near(mesh, 1, 0.0), 1, 0.0), (near(mesh, 0, 0.0), 0, 0.0)))
    matrix, _ = assemble(model)
    natural = fill(matrix, np.arange(matrix.shape[0]))
    assert fill(matrix, order_of(model)) < 0.6 * natural


def test_fill_grows_like_n_log_n():
    """George 1973: between two meshes of 16 and 48 cells a side, the fill per unknown grows by the logarithm, not by
    the side.
    """
    per = []
    for n in (16, 48):
        model = build(
            square(n), STRAIN, MATERIAL, held((near(square(n), 1, 0.0), 1, 0.0), (near(square(n), 0, 0.0), 0, 0.0))
        )
        matrix, _ = assemble(model)
        per.append(fill(matrix, order_of(model)) / matrix.shape[0])
    assert per[1] / per[0] < 1.8


def test_separators_come_last():
    """On a strip of cells the last eliminated unknowns lie on one grid line near the middle."""
    mesh = grid(np.linspace(0, 8, 17), np.linspace(0, 1, 3))
    model = build(mesh, STRAIN, MATERIAL, {})
    last = order_of(model)[-10:] // 2
    assert np.ptp(mesh.points[last, 0]) == 0
    assert 3 <= mesh.points[last[0], 0] <= 5


def test_one_cell():
    mesh = grid([0.0, 1.0], [0.0, 1.0])
    assert len(order_of(build(mesh, STRAIN, MATERIAL, {}))) == 18


def test_cuts_in_space_follow_circles():
    """Cylinders about the axes of the named circles part a swept mesh with fewer operations than METIS's order."""
    pytest.importorskip("pypardiso")
    from femsim.solvers.dissection import _axes
    from femsim.solvers.pardiso import PardisoFactor

    layer = {"thickness": 20.0, "radius": 25.0, "material": {"E": 120.0, "nu": 0.34, "cte": 17.0}}
    soft = {"E": 2.5, "nu": 0.34, "cte": 35.0}
    case = parse_case(
        {
            "name": "staggered",
            "stack": "staggered",
            "geometry": {"cell_radius": 60.0, "chip_thickness": 60.0},
            "materials": {"chip": {"E": 169.0, "nu": 0.28, "cte": 2.6}, "insulation": soft},
            "layer": [{**layer, "offset": x} for x in (-10.0, 10.0)],
            "model": {"kinematics": "3d", "cell": "square", "element": "hex8"},
            "mesh": {"size": 8.0, "growth": 3.0},
            "load": {"stress_free_temperature": 150.0, "temperature": 25.0},
        },
        "test",
    )
    disc = discretise(case)
    assert np.allclose(np.sort(_axes(disc.mesh)[:, 0]), [-10.0, 10.0])
    model = build_model(disc, resolve_materials(case, disc))
    system = make_system(model.space, model.moduli)
    factor = PardisoFactor(system.matrix, None)
    own, metis = factor._analyse(3, True), factor._analyse(3, False)
    factor.close()
    assert own < metis
