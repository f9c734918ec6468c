"""Kinematics: strain of known fields, measures, plane assumptions, rigid motions."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import (
    ALL,
    AXI,
    GENERAL,
    STRAIN,
    STRESS,
    build,
    close,
    distorted,
    grid,
    isotropic,
    material,
    reference_points,
)

from femsim.measures.stress import sample
from femsim.meshes.elements import shape
from femsim.meshes.mesh import jacobians
from femsim.models.fields import ElasticField
from femsim.models.kinematics import KINEMATICS, von_mises


def strains(kinematics, mesh, u, extra=()):
    """Strain (E, q, 4) at nodes and inner points of every cell, and positions."""
    values, gradients = shape(mesh.element, reference_points(mesh.element))
    _, spatial = jacobians(mesh, slice(None), gradients)
    x = np.matmul(values[None], mesh.points[mesh.cells])
    b = kinematics.strain_operator(values, spatial, x[..., 0])
    dofs = u[mesh.cells].reshape(len(mesh.cells), -1)
    if kinematics.globals_:
        dofs = np.column_stack([dofs, np.tile(extra, (len(dofs), 1))])
    return np.einsum("eqim,em->eqi", b, dofs), x


@pytest.mark.parametrize("element", ALL)
def test_axisymmetric_strain_on_and_off_the_axis(element):
    mesh = distorted(grid([0.0, 1.0, 2.0], [0.0, 1.0, 2.0], element), 0.2)
    r, z = mesh.points.T
    e, x = strains(AXI, mesh, np.column_stack([2e-3 * r, 3e-3 * r + 5e-3 * z + 0.01]))
    close(e, [2e-3, 5e-3, 2e-3, 3e-3], 1e-12)
    assert np.any(x[..., 0] == 0)


@pytest.mark.parametrize("kinematics", [STRAIN, STRESS, GENERAL], ids=lambda k: k.name)
@pytest.mark.parametrize("element", ALL)
def test_plane_strain_components(element, kinematics):
    mesh = distorted(grid([0.0, 1.0, 2.0], [0.0, 1.0, 2.0], element), 0.2)
    x, y = mesh.points.T
    e, _ = strains(kinematics, mesh, np.column_stack([1e-3 * x + 4e-3 * y, -2e-3 * x + 3e-3 * y]), (6e-3,))
    close(e, [1e-3, 3e-3, 6e-3 if kinematics is GENERAL else 0.0, 2e-3], 1e-12)


@pytest.mark.parametrize("kinematics", [k for k in KINEMATICS.values() if k.dim == 2], ids=lambda k: k.name)
def test_rigid_motions_carry_no_strain(kinematics):
    mesh = distorted(grid([0.0, 1.0, 2.0], [0.0, 1.0, 2.0], "quad9"), 0.2)
    modes = kinematics.rigid_modes(mesh.points)
    assert len(modes) == (1 if kinematics is AXI else 3)
    for mode in modes.values():
        e, _ = strains(kinematics, mesh, mode, (0.0,))
        assert np.abs(e).max() < 1e-12
        assert np.abs(mode).max() > 0.1


def test_measures():
    x = np.array([0.0, 0.5, 2.0])
    close(AXI.measure(x), 2 * np.pi * x)
    for k in (STRAIN, STRESS, GENERAL):
        close(k.measure(x), 1.0)


def test_components_are_picked_from_the_right_axes():
    """(1, 2, 3) = (r, t, z) in axisymmetry, (x, y, z) in the plane."""
    m = material("OR1")
    c, t = m.stiffness(0.0), m.thermal_strain(1.0, 0.0)
    d = AXI.stiffness(c)
    close(d[:3, :3], c[np.ix_([0, 2, 1], [0, 2, 1])])
    assert d[3, 3] == pytest.approx(4000.0)  # G13 = G_rz
    close(AXI.components_of(t), [25e-6, 14e-6, 8e-6, 0.0])
    d = STRAIN.stiffness(c)
    close(d[:3, :3], c[:3, :3])
    assert d[3, 3] == pytest.approx(5000.0)  # G12 = G_xy
    close(STRAIN.components_of(t), [25e-6, 8e-6, 14e-6, 0.0])


@pytest.mark.parametrize("angle", [0, 30])
def test_plane_stress_is_the_inverse_of_the_plane_compliance(angle):
    c = material("OR1", angle).stiffness(0.0, "xy")
    d = STRESS.stiffness(c)
    keep, voigt = [0, 1, 3], [0, 1, 5]
    close(d[np.ix_(keep, keep)], np.linalg.inv(np.linalg.inv(c)[np.ix_(voigt, voigt)]), 1e-12)
    assert np.all(d[2] == 0)
    assert np.all(d[:, 2] == 0)


def test_von_mises():
    assert von_mises(np.array([100.0, 0, 0, 0])) == pytest.approx(100.0)
    assert von_mises(np.array([0.0, 0, 0, 10.0])) == pytest.approx(10 * np.sqrt(3))
    assert von_mises(np.array([50.0, 50.0, 50.0, 0])) == 0
    assert von_mises(np.array([[300.0, 100.0, 50.0, 80.0]]))[0] == pytest.approx(np.sqrt(52500.0 + 3 * 6400.0))


def test_stress_on_the_axis_is_finite_for_a_regular_field():
    """u_r = r z on the axis itself: hoop strain z, as the radial one."""
    mesh = grid([0.0, 1.0], [0.0, 1.0], "quad9")
    model = build(mesh, AXI, isotropic(1.0, 0.0), {})
    r, z = mesh.points.T
    u = np.column_stack([r * z, 0 * r]).ravel()
    s = ElasticField(model, u).stress(sample(model.space, np.arange(1), np.array([[0.0, 0.25], [0.0, 1.0]])))[0]
    close(s[:, 0], [0.25, 1.0])
    close(s[:, 2], [0.25, 1.0])
