"""Materials: stiffness, rotation, expansion from tables, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import CASES, close, isotropic, material, orthotropic

from femsim.base.errors import FemsimWarning, InputError
from femsim.materials.elastic import Material, check_stable
from femsim.materials.property import Property


def table(T, values):
    return Property(tuple(values), tuple(T))


def with_cte(cte, kind="secant", reference=None):
    return Material("m", (Property((1e3,)),), (Property((0.3,)),), (cte,), cte_kind=kind, cte_reference=reference)


def test_property_between_and_beyond_its_table():
    p = table([0.0, 100.0, 150.0], [2.0, 4.0, 1.0])
    close(p.at(np.array([-50.0, 0.0, 25.0, 100.0, 125.0, 900.0])), [2, 2, 2.5, 4, 2.5, 1])
    assert p.uncovered(0.0, 150.0) is None
    assert p.uncovered(-1.0, 20.0) == (0.0, 150.0)
    assert Property((3.0,)).uncovered(-300.0, 9000.0) is None


@pytest.mark.parametrize("end", [-80.0, -10.0, 0.0, 30.0, 100.0, 140.0, 150.0, 400.0])
def test_integral_is_exact(end):
    """Against the trapezoidal rule on a grid that holds the knots (exact for piecewise linear data)."""
    p = table([0.0, 100.0, 150.0], [2.0, 4.0, 1.0])
    start = -100.0
    t = np.union1d(np.linspace(start, end, 7), [v for v in (0.0, 100.0, 150.0) if v < end])
    v = p.at(t)
    wanted = float(np.sum(0.5 * (v[1:] + v[:-1]) * np.diff(t)))
    assert float(p.integral(end) - p.integral(start)) == pytest.approx(wanted, rel=1e-12)


def test_isotropic_stiffness_is_lame():
    c = isotropic(120e3, 0.34).stiffness(25.0)
    lam, mu = 120e3 * 0.34 / (1.34 * 0.32), 120e3 / 2.68
    close(c[:3, :3], lam + 2 * mu * np.eye(3), 1e-13)
    close(c[3:, 3:], mu * np.eye(3), 1e-13)


def test_contraction_follows_the_order_of_nu():
    """Load along i alone: strain -nu_ij / E_i along j; shears in the order 23, 13, 12."""
    m = material("OR1")
    s = np.linalg.inv(m.stiffness(0.0))
    e, nu = (12e3, 40e3, 25e3), {(0, 1): 0.1, (0, 2): 0.2, (1, 2): 0.25}
    for (i, j), ratio in nu.items():
        assert -s[j, i] * e[i] == pytest.approx(ratio, rel=1e-12)
    close(1 / np.diag(s), [*e, 6e3, 4e3, 5e3], 1e-12)


def rotated(c, axis_pair, degrees):
    """Stiffness turned through the full fourth-order tensor."""
    pairs = [(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]
    q = np.eye(3)
    i, j = axis_pair
    q[i, i] = q[j, j] = np.cos(np.radians(degrees))
    q[i, j], q[j, i] = -np.sin(np.radians(degrees)), np.sin(np.radians(degrees))
    full = np.zeros((3, 3, 3, 3))
    for a, (p, r) in enumerate(pairs):
        for b, (k, m) in enumerate(pairs):
            full[p, r, k, m] = full[r, p, k, m] = full[p, r, m, k] = full[r, p, m, k] = c[a, b]
    full = np.einsum("ai,bj,ck,dl,ijkl->abcd", q, q, q, q, full)
    return np.array([[full[p, r, k, m] for k, m in pairs] for p, r in pairs])


@pytest.mark.parametrize(("plane", "pair"), [("xy", (0, 1)), ("rz", (0, 2))])
@pytest.mark.parametrize("angle", [17.0, 30.0, 90.0, -45.0])
def test_rotation_against_the_full_tensor(plane, pair, angle):
    m = material("OR1", angle)
    close(m.stiffness(0.0, plane), rotated(m.turned(0.0).stiffness(0.0), pair, angle), 1e-13)
    strain = m.thermal_strain(1.0, 0.0, plane)
    close(m.stiffness(0.0, plane) @ strain, stress_of_turned(m, pair, angle), 1e-12)


def stress_of_turned(m, pair, angle):
    straight = m.turned(0.0)
    s = straight.stiffness(0.0) @ straight.thermal_strain(1.0, 0.0)
    tensor = np.array([[s[0], s[5], s[4]], [s[5], s[1], s[3]], [s[4], s[3], s[2]]])
    q, (i, j) = np.eye(3), pair
    q[i, i] = q[j, j] = np.cos(np.radians(angle))
    q[i, j], q[j, i] = -np.sin(np.radians(angle)), np.sin(np.radians(angle))
    t = q @ tensor @ q.T
    return np.array([t[0, 0], t[1, 1], t[2, 2], t[1, 2], t[0, 2], t[0, 1]])


@pytest.mark.parametrize("angle", [0, 30])
def test_reference_free_strain_and_clamped_stress(angle):
    m = material("OR1", angle)
    free = CASES[f"ortho-OR1-{angle}-free"]["result"]
    strain = m.thermal_strain(-150.0, 0.0, "xy")
    close(strain[[0, 1, 2, 5]], [free["exx"], free["eyy"], free["ezz"], free["gxy"]], 1e-12)
    clamped = CASES[f"ortho-OR1-{angle}-clamped"]["result"]
    close(-(m.stiffness(0.0, "xy") @ strain)[[0, 1, 2, 5]], [clamped[k] for k in ("sxx", "syy", "szz", "sxy")], 1e-12)


def test_expansion_kinds():
    """One curve of length against temperature, told in three ways, gives one strain."""
    knots = np.array([25.0, 75.0, 150.0])
    instantaneous = np.array([10e-6, 20e-6, 50e-6])
    grow = np.concatenate([[0.0], np.cumsum(0.5 * (instantaneous[1:] + instantaneous[:-1]) * np.diff(knots))])
    m = with_cte(table(knots, instantaneous), "instantaneous")
    assert m.thermal_strain(25.0, 150.0)[0] == pytest.approx(-grow[2], rel=1e-12)
    assert m.thermal_strain(75.0, 150.0)[1] == pytest.approx(grow[1] - grow[2], rel=1e-12)
    # the same as secant values from 20 degC (lengths relative to 20 degC: constant 10e-6 below 25)
    grow20 = grow + 10e-6 * 5
    s = with_cte(table(knots, grow20 / (knots - 20.0)), "secant", 20.0)
    for t in knots:
        assert s.thermal_strain(t, 150.0)[2] == pytest.approx(m.thermal_strain(t, 150.0)[2], rel=1e-12, abs=1e-18)
    # re-referenced: the free strain between two temperatures does not depend on which is called stress-free
    assert s.thermal_strain(25.0, 75.0)[0] == pytest.approx(-s.thermal_strain(75.0, 25.0)[0], rel=1e-12)
    assert with_cte(Property((17e-6,))).thermal_strain(25.0, 150.0)[0] == pytest.approx(-125 * 17e-6)
    assert s.thermal_strain(25.0, 150.0)[3:].tolist() == [0, 0, 0]


def test_fields_of_temperature_keep_their_shape():
    m = with_cte(table([0.0, 100.0], [1e-6, 2e-6]), "instantaneous")
    assert m.thermal_strain(np.zeros((4, 3)), 50.0).shape == (4, 3, 6)
    assert m.stiffness(np.zeros((4, 3))).shape == (4, 3, 6, 6)


def test_warns_outside_its_table():
    m = Material("glue", (table([25.0, 100.0], [3e3, 1e3]),), (Property((0.3,)),), (Property((5e-5,)),))
    with pytest.warns(
        FemsimWarning, match=r"glue: Young's modulus is known from 25 to 100 degC only, the run needs 25 to 150"
    ):
        m.warn_outside(25.0, 150.0)
    m.warn_outside(25.0, 100.0)


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (isotropic(0.0, 0.3), "materials.x.E: 0 is not > 0"),
        (isotropic(1e3, 0.5), r"materials.x.nu: 0.5 is not between -1 and 0.5"),
        (isotropic(1e3, -1.0), "nu: -1"),
        (orthotropic((1e3, 1e3, 1e3), (0.3, 0.3, 0.3), (1e3, -1.0, 1e3), (0, 0, 0)), "G: -1 is not > 0"),
        (orthotropic((1e3, 1e5, 1e3), (0.9, 0.9, 0.9), (1e3, 1e3, 1e3), (0, 0, 0)), "not positive definite"),
        (
            Material("m", (table([0.0, 50.0], [1e3, -1.0]),), (Property((0.3,)),), (Property((0.0,)),)),
            "E: -1 is not > 0",
        ),
    ],
)
def test_unstable_materials_are_refused(bad, text):
    with pytest.raises(InputError, match=text):
        check_stable(bad, (25.0,), "materials.x")


def test_nearly_incompressible_is_allowed():
    check_stable(isotropic(1e3, 0.4999), (25.0,), "materials.x")
