"""Constraints (prescribed, tied) and the model's own properties at points."""

from __future__ import annotations

import numpy as np
from helpers import AXI, GENERAL, STRAIN, build, close, grid, isotropic, material

from femsim.materials.elastic import Material
from femsim.materials.property import Property
from femsim.meshes.elements import gauss_points, shape
from femsim.models.space import Constraints


def test_free_prescribed_and_tied():
    c = Constraints.build(8, np.array([1, 6]), (np.array([2, 4, 7]),))
    assert c.count == 4  # 0, 3, 5 and the tied three
    assert c.equation[1] == c.equation[6] == -1
    assert c.equation[2] == c.equation[4] == c.equation[7] >= 0
    assert sorted(set(c.equation[c.equation >= 0])) == [0, 1, 2, 3]


def test_a_tie_with_a_prescribed_member_is_prescribed():
    c = Constraints.build(6, np.array([4]), (np.array([1, 4, 5]),))
    assert c.equation[[1, 4, 5]].tolist() == [-1, -1, -1]
    assert c.count == 3


def test_no_constraints():
    c = Constraints.build(4)
    assert c.equation.tolist() == [0, 1, 2, 3]
    assert Constraints.build(4, None, (np.array([], int),)).count == 4


def test_element_dofs():
    mesh = grid([0.0, 1.0, 2.0], [0.0, 1.0], "quad4")
    model = build(mesh, STRAIN, isotropic(1.0, 0.3), {})
    dofs = model.space.element_dofs(np.array([1]))[0]
    assert dofs.tolist() == [d for node in mesh.cells[1] for d in (2 * node, 2 * node + 1)]
    general = build(mesh, GENERAL, isotropic(1.0, 0.3), {})
    assert general.ndof == model.ndof + 1
    assert general.space.element_dofs(slice(None))[:, -1].tolist() == [2 * len(mesh.points)] * 2


def softening():
    """E falls from 3000 to 1000 between 0 and 100 degC; instantaneous CTE rises from 10 to 30 ppm/K."""
    knots = (0.0, 100.0)
    e, a = Property((3e3, 1e3), knots), Property((10e-6, 30e-6), knots)
    return Material("s", (e,), (Property((0.3,)),), (a,), cte_kind="instantaneous")


def test_properties_follow_the_temperature_field():
    mesh = grid([1.0, 2.0, 3.0], [0.0, 1.0], "quad9", [[0, 1]], ("warm", "plain"))
    t = 100.0 * (mesh.points[:, 0] - 1.0) / 2.0
    model = build(mesh, AXI, [softening(), material("Cu")], {}, t, stress_free=100.0)
    xi, _ = gauss_points("quad9", 3)
    values, _ = shape("quad9", xi)
    cells = np.arange(2)
    d = model.moduli.at(cells, values)
    assert d.shape == (2, 9, 4, 4)
    x = values @ mesh.points[mesh.cells[0], 0]
    here = 100.0 * (x - 1.0) / 2.0
    mu = (3e3 - 20.0 * here) / 2.6
    close(d[0, :, 3, 3], mu)
    close(d[1, :, 3, 3], 120e3 / 2.68)
    strain = model.free_strain_at(cells, values)
    curve = 10e-6 * here + 0.5 * 0.2e-6 * here**2
    close(strain[0, :, 0], curve - (10e-6 * 100 + 0.1e-6 * 100**2))
    close(strain[1, :, 2], 17e-6 * (100.0 * (values @ mesh.points[mesh.cells[1], 0] - 1.0) / 2.0 - 100.0))


def test_uniform_temperature_takes_one_value_per_cell():
    mesh = grid([0.0, 1.0], [0.0, 1.0])
    model = build(mesh, AXI, softening(), {}, 50.0)
    values, _ = shape("quad9", gauss_points("quad9", 3)[0])
    assert model.moduli.at(np.arange(1), values).shape == (1, 1, 4, 4)
    assert model.moduli.at(np.arange(1), values)[0, 0, 3, 3] == 2000.0 / 2.6
    colder = model.under(temperature=0.0)
    assert colder.moduli.at(np.arange(1), values)[0, 0, 3, 3] == 3000.0 / 2.6
    assert colder.load.stress_free_temperature == 0.0
    assert model.temperature == 50.0
