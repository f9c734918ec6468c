"""Stress per element side: sides of an interface stay apart, points are found wherever they lie, the axis is
regular.
"""

from __future__ import annotations

import numpy as np
import pytest
from helpers import (
    ALL,
    AXI,
    STRAIN,
    build,
    close,
    distorted,
    grid,
    held,
    in_bodily_mesh,
    isotropic,
    material,
    near,
    quarter_disc,
)

from femsim.base.errors import InputError
from femsim.measures.stress import nodal_stress, value_at
from femsim.meshes.elements import shape
from femsim.meshes.locate import locate
from femsim.solvers.solve import solve


def sandwich(element="quad9"):
    """Two layers, clamped at the sides, free on top: a jump of the stress across the interface y = 1."""
    mesh = grid(
        np.linspace(0, 2, 4), [0.0, 0.5, 1.0, 1.5, 2.0], element, [[0] * 3] * 2 + [[1] * 3] * 2, ("lower", "upper")
    )
    sides = np.concatenate([near(mesh, 0, 0.0), near(mesh, 0, 2.0)])
    fixed = held((sides, 0, 0.0), (near(mesh, 1, 0.0), 1, 0.0))
    return solve(build(mesh, STRAIN, [isotropic(1e3, 0.0, 1e-3), isotropic(4e3, 0.0, 2e-3)], fixed, -1.0))


@pytest.mark.parametrize("element", ALL)
def test_sides_of_an_interface_keep_their_jump(element):
    s = sandwich(element)
    for region, wanted in (("lower", 1.0), ("upper", 8.0)):
        at = value_at(s.field, (0.9, 1.0), region)
        close(at.stress, [wanted, 0.0, wanted, 0.0], 1e-10)
        assert at.von_mises == pytest.approx(wanted)
    nodal = nodal_stress(s.field)
    for number, wanted in ((0, 1.0), (1, 8.0)):
        close(nodal[s.model.mesh.region == number][..., 0], wanted, 1e-10)


def test_ambiguous_outside_and_wrong_sides_are_named():
    s = sandwich()
    with pytest.raises(InputError, match="lies on the interface of lower and upper, say which side"):
        value_at(s.field, (0.9, 1.0))
    with pytest.raises(InputError, match=r"probe.3.at: \(9, 1\) lies outside the body"):
        value_at(s.field, (9.0, 1.0), label="probe.3")
    with pytest.raises(InputError, match="does not lie in 'upper'; it lies in lower"):
        value_at(s.field, (0.9, 0.2), "upper")


@pytest.mark.parametrize("element", ALL)
def test_locate_inverts_the_map(element):
    mesh = distorted(grid(np.linspace(0, 3, 5), np.linspace(0, 2, 4), element), 0.25, curved=0.08, edge=True)
    for point in in_bodily_mesh(mesh, count=12):
        found = locate(mesh, point)
        assert len(found.cells) == 1
        values, _ = shape(mesh.element, found.xi)
        close(values[0] @ mesh.points[mesh.cells[found.cells[0]]], point, 1e-10)


@pytest.mark.parametrize("element", ALL)
def test_nodes_belong_to_all_their_cells(element):
    mesh = quarter_disc([1.0, 2.0], 3, ["a", "b"], element=element)
    for node in range(0, len(mesh.points), 5):
        found = locate(mesh, tuple(mesh.points[node]))
        assert set(found.cells) == set(np.flatnonzero(np.any(mesh.cells == node, axis=1)))


@pytest.mark.parametrize("element", ALL)
def test_void_and_concave_boxes_are_outside(element):
    mesh = grid(np.arange(4.0), np.arange(4.0), element, [[0, 0, 0], [0, -1, 0], [0, 0, 0]], ("ring",))
    assert not len(locate(mesh, (1.5, 1.5)).cells)
    assert len(locate(mesh, (1.0, 1.5)).cells)


@pytest.mark.parametrize("element", ALL)
def test_probes_on_the_axis(element):
    """Hoop = radial on r = 0, no shear, no NaN, for a body whose field is not uniform."""
    region = [[0, 0, 1, 1]] * 4
    mesh = grid([0.0, 0.5, 1.0, 1.5, 2.0], np.linspace(0, 1, 5), element, region, ("core", "shell"))
    s = solve(build(mesh, AXI, [material("Si"), material("PI")], held((near(mesh, 1, 0.0), 1, 0.0)), -100.0))
    nodal = nodal_stress(s.field)
    assert np.all(np.isfinite(nodal))
    coarse = 0.35 if element in ("quad4", "tri3") else 0.05
    for z in (0.0, 0.4, 0.5):
        at = value_at(s.field, (0.0, z))
        assert at.displacement[0] == pytest.approx(0.0, abs=1e-15)
        scale = np.abs(nodal[s.model.mesh.region == 0]).max()
        assert at.stress[0] == pytest.approx(at.stress[2], abs=coarse * scale)
        assert at.stress[3] == pytest.approx(0.0, abs=coarse * scale)
