"""Metrics at roots: averages of known stress fields are their exact integrals, on any mesh, with the right weight, side
and sign.
"""

from __future__ import annotations

import numpy as np
import pytest
from helpers import ALL, AXI, STRAIN, STRESS, build, grid, held, isotropic, material, near

from femsim.base.errors import FemsimWarning, InputError
from femsim.measures.averages import averages, region_metrics, root_metrics
from femsim.measures.stress import nodal_stress
from femsim.meshes.layout import Root
from femsim.models.fields import ElasticField
from femsim.models.kinematics import von_mises
from femsim.solvers.solve import solve

E, NU = 1000.0, 0.25


def body(element, low=0.0):
    """A chip below y = 0 and a post from ``low`` to ``low`` + 4 on it, seven high."""
    x = low + np.array([0.0, 0.7, 1.5, 2.2, 3.1, 3.6, 4.0, 5.0, 6.0])
    y = np.array([-2.0, -1.0, 0.0, 0.4, 1.1, 2.3, 4.0, 7.0])
    region = np.where(np.logical_and.outer(y[:-1] >= 0, x[:-1] < low + 3.99), 1, -1)
    region[y[:-1] < 0] = 0
    return grid(x, y, element, region, ("chip", "post"))


def root(low=0.0, side=-1, width=4.0):
    return Root("foot", (low + (4.0 if side < 0 else 0.0), 0.0), "post", (side, 1), width, 7.0)


def found(model, u, the_root, length):
    (average,) = averages(model.space, (the_root,), (length,))
    return root_metrics(ElasticField(model, u.ravel()), average)


@pytest.mark.parametrize("element", ALL)
@pytest.mark.parametrize("length", [0.4, 0.9, 1.8, 3.0])
def test_uniform_stress(element, length):
    """u_x = a x + c y, u_y = b y in plane strain: the same averages for any length, also one that cuts cells."""
    model = build(body(element), STRAIN, isotropic(E, NU), {})
    x, y = model.mesh.points.T
    a, b, c = 1e-3, 4e-3, 3e-3
    m = found(model, np.column_stack([a * x + c * y, b * y]), root(), length)
    lam, mu = E * NU / (1.25 * 0.5), E / 2.5
    s = np.array([lam * (a + b) + 2 * mu * a, lam * (a + b) + 2 * mu * b, lam * (a + b), mu * c])
    assert m.peel == pytest.approx(s[1], rel=1e-10)
    assert m.shear == pytest.approx(s[3], rel=1e-10)
    assert m.von_mises == pytest.approx(von_mises(s), rel=1e-10)


@pytest.mark.parametrize("element", ["quad8", "quad9", "tri6"])
@pytest.mark.parametrize("length", [0.9, 1.8, 4.0])
def test_weight_r_in_axisymmetry(element, length):
    """u_z = k r^2 z (nu = 0): s_zz = E k r^2 and s_rz = E k r z on z = 0; int r^3 dr / int r dr, also down to the
    axis.
    """
    model = build(body(element), AXI, isotropic(E, 0.0), {})
    r, z = model.mesh.points.T
    k = 1e-3
    low = 4.0 - length
    u = np.column_stack([0 * r, k * r**2 * z])
    m = found(model, u, root(), length)
    exact = E * k * ((4.0**4 - low**4) / 4) / ((4.0**2 - low**2) / 2)
    # r^2 z is not in quad8 or tri6; the cells of 0.4 to 0.9 leave a small error
    assert m.peel == pytest.approx(exact, rel=2e-2 if element != "quad9" else 1e-2)
    assert np.isfinite(m.von_mises)
    linear = found(model, np.column_stack([0 * r, k * r * z]), root(), length)
    exact = E * k * ((4.0**3 - low**3) / 3) / ((4.0**2 - low**2) / 2)
    assert linear.peel == pytest.approx(exact, rel=1e-9)


def test_no_weight_in_plane_models():
    model = build(body("quad9", 10.0), STRAIN, isotropic(E, 0.0), {})
    x, y = model.mesh.points.T
    m = found(model, np.column_stack([0 * x, 1e-3 * x * y]), root(10.0), 1.8)
    assert m.peel == pytest.approx(E * 1e-3 * (14.0 - 0.9), rel=1e-10)


def test_both_walls_of_a_conductor():
    """In a plane model the inner wall's interval runs the other way."""
    model = build(body("quad9", 10.0), STRAIN, isotropic(E, 0.0), {})
    x, y = model.mesh.points.T
    m = found(model, np.column_stack([0 * x, 1e-3 * x * y]), root(10.0, side=1), 1.5)
    assert m.peel == pytest.approx(E * 1e-3 * (10.0 + 0.75), rel=1e-10)


@pytest.mark.parametrize("element", ALL)
def test_only_the_conductor_counts(element):
    """Another stiffness below the interface changes nothing: no average over two materials."""
    u = None
    values = []
    for chip in (isotropic(E, NU), isotropic(50 * E, 0.1)):
        model = build(body(element), STRAIN, [chip, isotropic(E, NU)], {})
        x, y = model.mesh.points.T
        u = np.column_stack([1e-3 * x, 2e-3 * y])
        m = found(model, u, root(), 1.8)
        values.append((m.peel, m.shear, m.von_mises))
    assert values[0] == pytest.approx(values[1], rel=1e-14, abs=1e-12)


@pytest.mark.parametrize("kinematics", [AXI, STRAIN, STRESS], ids=lambda k: k.name)
@pytest.mark.parametrize("element", ALL)
def test_derivatives_of_the_functionals(element, kinematics):
    """The dual loads are the derivatives: J(u + t v) - J(u) = t dJ v for the linear ones, to first order for von
    Mises.
    """
    model = build(body(element), kinematics, material("Cu"), {}, -50.0)
    (average,) = averages(model.space, (root(),), (1.8,))
    rng = np.random.default_rng(4)
    u, v = 1e-3 * rng.normal(size=(2, model.ndof))
    for functional in (average.peel, average.shear):
        change = functional.value(ElasticField(model, u + v)) - functional.value(ElasticField(model, u))
        assert change == pytest.approx(functional.derivative(model) @ v, rel=1e-9)
    linear = average.von_mises_functional(ElasticField(model, u)).derivative(model) @ v
    t = 1e-6
    more, less = (average.von_mises(ElasticField(model, u + s * t * v)) for s in (1, -1))
    change = (more - less) / (2 * t)
    assert change == pytest.approx(linear, rel=1e-6)


def test_lengths_that_do_not_fit():
    model = build(body("quad9"), AXI, isotropic(E, NU), {})
    with pytest.raises(InputError, match=r"metrics.length: 5 is not <= 4 um"):
        averages(model.space, (root(),), (5.0,))
    with pytest.warns(FemsimWarning, match="no average over 5 um"):
        assert [a.length for a in averages(model.space, (root(),), (5.0, 1.0))] == [1.0]
    assert [a.length for a in averages(model.space, (root(),), (5.0, 1.0), chosen=False)] == [1.0]
    with pytest.warns(FemsimWarning, match="averaged over 2 um, half"):
        assert [a.length for a in averages(model.space, (root(),), (5.0,), chosen=False)] == [2.0]
    with pytest.raises(InputError, match=r"covers 4 um of the interface, not 4\.5"):
        averages(model.space, (root(width=5.0),), (4.5,))


def test_regions():
    """Means, maxima and energy of a clamped body; energy is half stress times mechanical strain, in uJ over the full
    circle.
    """
    mesh = body("quad9")
    everything = np.arange(len(mesh.points))
    cu = material("Cu")
    inner = np.setdiff1d(everything, [near(mesh, 0, 0.0)[3]])
    model = build(mesh, AXI, cu, held((everything, 0, 0.0), (inner, 1, 0.0)), -150.0)
    found_regions = region_metrics(ElasticField(model, np.zeros(model.ndof)))
    s = 956.25
    volume = np.pi * 6.0**2 * 2.0
    assert found_regions["chip"].von_mises_mean == pytest.approx(0.0, abs=1e-6)
    assert found_regions["chip"].energy == pytest.approx(0.5 * 3 * s * 150 * 17e-6 * volume * 1e-6, rel=1e-10)
    # pulled along z by a motion: s_zz alone (nu = 0)
    bar = build(mesh, AXI, isotropic(E, 0.0), {})
    u = np.zeros((len(mesh.points), 2))
    u[:, 1] = 2e-3 * mesh.points[:, 1]
    pulled = region_metrics(ElasticField(bar, u.ravel()))["post"]
    assert pulled.von_mises_mean == pytest.approx(2.0, rel=1e-10)
    assert pulled.von_mises_max == pytest.approx(2.0, rel=1e-10)
    assert pulled.energy == pytest.approx(0.5 * 2.0 * 2e-3 * np.pi * 16 * 7 * 1e-6, rel=1e-10)


def test_ring_on_the_axis_of_a_solved_body():
    """A root whose ring reaches r = 0: everything finite, and the mean peel over the whole foot is the net force
    through it (none).
    """
    mesh = body("quad9")
    s = solve(build(mesh, AXI, [material("Si"), material("Cu")], held((near(mesh, 1, -2.0), 1, 0.0)), -100.0))
    m = found(s.model, s.unknowns, root(), 4.0)
    assert np.all(np.isfinite([m.peel, m.shear, m.von_mises]))
    assert np.all(np.isfinite(nodal_stress(s.field)))
    local = found(s.model, s.unknowns, root(), 0.4)
    assert abs(m.peel) < 0.15 * abs(local.peel)  # the post carries no force; the coarse mesh leaves a remainder
