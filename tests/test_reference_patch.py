"""Patch tests: fields that every element must give to round-off on distorted meshes, in every kinematics (reference
topic 7).
"""

from __future__ import annotations

import numpy as np
import pytest
from helpers import (
    ALL,
    AXI,
    CASES,
    GENERAL,
    STRAIN,
    STRESS,
    build,
    close,
    distorted,
    grid,
    held,
    material,
    near,
    rim,
    stresses_of,
)

from femsim.solvers.solve import solve

DT = -150.0
X, Y = np.linspace(0, 3, 4), np.linspace(0, 2, 4)
PLANE = {"plane-strain": STRAIN, "plane-stress": STRESS, "generalized-plane-strain": GENERAL}


def body(element, low=0.0):
    """A rectangle of distorted cells, quadratic ones with bent sides, starting at first coordinate ``low``."""
    return distorted(grid(low + X, Y - 0.5, element), 0.25, curved=0.06, edge=True)


def result(name):
    return CASES[name]["result"]


def agrees(solution, displacement, stress):
    """Displacement field and nodal stresses to 1e-10; a zero stress against the clamped one."""
    mesh = solution.model.mesh
    wanted = displacement(mesh.points)
    close(solution.displacement, wanted, 1e-10, scale=max(np.abs(wanted).max(), 1e-3))
    close(stresses_of(solution), np.asarray(stress, float), 1e-10, scale=max(np.abs(stress).max(), 100.0))


# ---------------------------------------------------------------- axisymmetry


@pytest.mark.parametrize("low", [0.0, 2.0])
@pytest.mark.parametrize("element", ALL)
def test_axisymmetric_copper(element, low):
    mesh, cu = body(element, low), material("Cu")
    r_out, z_low, z_top = near(mesh, 0, low + 3), near(mesh, 1, -0.5), near(mesh, 1, 1.5)
    # free: one node held along z
    s = solve(build(mesh, AXI, cu, held((z_low[:1], 1, 0.0)), DT))
    eps = result("patch-Cu-free_3d_or_axisym")["eps"]
    z0 = mesh.points[z_low[0], 1]
    agrees(s, lambda x: np.column_stack([eps * x[:, 0], eps * (x[:, 1] - z0)]), np.zeros(4))
    # clamped on the whole rim
    s = solve(build(mesh, AXI, cu, held((rim(mesh), 0, 0.0), (rim(mesh), 1, 0.0)), DT))
    agrees(s, lambda x: 0 * x, [result("patch-Cu-clamped_all")["s_r"]] * 3 + [0.0])
    # radially clamped, axially free
    wanted = result("patch-Cu-axisym_r_constrained_z_free")
    inner = near(mesh, 0, low)
    s = solve(build(mesh, AXI, cu, held((r_out, 0, 0.0), (inner, 0, 0.0), (z_low, 1, 0.0)), DT))
    field = lambda x: np.column_stack([0 * x[:, 0], wanted["eps_z"] * (x[:, 1] + 0.5)])  # noqa: E731
    agrees(s, field, [wanted["s_r"], 0.0, wanted["s_t"], 0.0])
    # axially clamped, radially free
    wanted = result("patch-Cu-axisym_z_constrained_r_free")
    s = solve(build(mesh, AXI, cu, held((z_low, 1, 0.0), (z_top, 1, 0.0)), DT))
    agrees(s, lambda x: np.column_stack([wanted["eps_r"] * x[:, 0], 0 * x[:, 0]]), [0.0, wanted["s_z"], 0.0, 0.0])


@pytest.mark.parametrize("element", ALL)
def test_axisymmetric_transverse_isotropy(element):
    mesh, ti = body(element), material("TI1")
    r_out, z_low, z_top = near(mesh, 0, 3.0), near(mesh, 1, -0.5), near(mesh, 1, 1.5)
    r = result("TI-TI1-axisym")
    s = solve(build(mesh, AXI, ti, held((z_low, 1, 0.0)), DT))
    free = r["free"]
    agrees(s, lambda x: np.column_stack([free["eps_r"] * x[:, 0], free["eps_z"] * (x[:, 1] + 0.5)]), np.zeros(4))
    s = solve(build(mesh, AXI, ti, held((rim(mesh), 0, 0.0), (rim(mesh), 1, 0.0)), DT))
    c = r["clamped"]
    agrees(s, lambda x: 0 * x, [c["s_r"], c["s_z"], c["s_t"], 0.0])
    s = solve(build(mesh, AXI, ti, held((r_out, 0, 0.0), (z_low, 1, 0.0)), DT))
    c = r["r_clamped_z_free"]
    agrees(s, lambda x: np.column_stack([0 * x[:, 0], c["eps_z"] * (x[:, 1] + 0.5)]), [c["s_r"], 0.0, c["s_r"], 0.0])
    s = solve(build(mesh, AXI, ti, held((z_low, 1, 0.0), (z_top, 1, 0.0)), DT))
    c = r["z_clamped_r_free"]
    agrees(s, lambda x: np.column_stack([c["eps_r"] * x[:, 0], 0 * x[:, 0]]), [0.0, c["s_z"], 0.0, 0.0])


@pytest.mark.parametrize("low", [0.0, 2.0])
@pytest.mark.parametrize("name", ["Cu", "TI1"])
@pytest.mark.parametrize("element", ALL)
def test_axisymmetric_linear_field(element, name, low):
    """u_r = a r, u_z = b z + c prescribed on the rim is found inside, with its uniform stress, cold and hot."""
    a, b, c, mesh, mat = 2e-3, -1e-3, 0.7, body(element, low), material(name)
    field = lambda x: np.column_stack([a * x[:, 0], b * x[:, 1] + c])  # noqa: E731
    nodes = rim(mesh)
    u = field(mesh.points[nodes])
    for temperature in (0.0, DT):
        s = solve(build(mesh, AXI, mat, held((nodes, 0, u[:, 0]), (nodes, 1, u[:, 1])), temperature))
        strain = np.array([a, a, b, 0, 0, 0]) - mat.thermal_strain(temperature, 0.0)
        full = mat.stiffness(0.0) @ strain
        agrees(s, field, full[[0, 2, 1, 4]])


def test_unequal_radial_and_hoop_expansion_is_not_stress_free():
    """cte_r != cte_t: no compatible free strain on a body that touches the axis."""
    mesh = body("quad9")
    s = solve(build(mesh, AXI, material("OR1"), held((near(mesh, 1, -0.5), 1, 0.0)), DT))
    assert np.abs(stresses_of(s)).max() > 10


# ---------------------------------------------------------------- plane


def minimal(mesh):
    """The three values that hold a plane body: one corner, and the corner beyond it along x."""
    left, right = near(mesh, 0, 0.0), near(mesh, 0, 3.0)
    a, b = left[np.argmin(mesh.points[left, 1])], right[np.argmin(mesh.points[right, 1])]
    return {2 * int(a): 0.0, 2 * int(a) + 1: 0.0, 2 * int(b) + 1: 0.0}, mesh.points[a]


@pytest.mark.parametrize("element", ALL)
def test_plane_copper(element):
    mesh, cu = body(element), material("Cu")
    left, right, bottom = near(mesh, 0, 0.0), near(mesh, 0, 3.0), near(mesh, 1, -0.5)
    fixed, o = minimal(mesh)
    eps = result("patch-Cu-free_3d_or_axisym")["eps"]
    for kinematics in (GENERAL, STRESS):  # free in all three directions
        s = solve(build(mesh, kinematics, cu, fixed, DT))
        agrees(s, lambda x: eps * (x - o), np.zeros(4))
        if kinematics is GENERAL:
            close(s.globals_, [eps])
    w = result("patch-Cu-plane_strain_inplane_free")
    s = solve(build(mesh, STRAIN, cu, fixed, DT))
    agrees(s, lambda x: w["eps_x"] * (x - o), [0.0, 0.0, w["s_z"], 0.0])
    sides = held((left, 0, 0.0), (right, 0, 0.0), (bottom, 1, 0.0))
    w = result("patch-Cu-plane_strain_x_clamped_y_free")
    s = solve(build(mesh, STRAIN, cu, sides, DT))
    field = lambda x: np.column_stack([0 * x[:, 0], w["eps_y"] * (x[:, 1] + 0.5)])  # noqa: E731
    agrees(s, field, [w["s_x"], 0.0, w["s_z"], 0.0])
    w = result("patch-Cu-plane_stress_x_clamped_y_free")
    s = solve(build(mesh, STRESS, cu, sides, DT))
    agrees(s, field, [w["s_x"], 0.0, 0.0, 0.0])
    everywhere = held((rim(mesh), 0, 0.0), (rim(mesh), 1, 0.0))
    w = result("patch-Cu-plane_stress_clamped_xy")
    agrees(solve(build(mesh, STRESS, cu, everywhere, DT)), lambda x: 0 * x, [w["s_x"], w["s_y"], 0.0, 0.0])
    w = result("patch-Cu-clamped_all")["s_r"]
    agrees(solve(build(mesh, STRAIN, cu, everywhere, DT)), lambda x: 0 * x, [w, w, w, 0.0])


@pytest.mark.parametrize("angle", [0, 30])
@pytest.mark.parametrize("element", ALL)
def test_plane_orthotropy(element, angle):
    mesh, mat = body(element), material("OR1", angle)
    fixed, o = minimal(mesh)
    everywhere = held((rim(mesh), 0, 0.0), (rim(mesh), 1, 0.0))
    w = result(f"ortho-OR1-{angle}-clamped")
    agrees(solve(build(mesh, STRAIN, mat, everywhere, DT)), lambda x: 0 * x, [w["sxx"], w["syy"], w["szz"], w["sxy"]])
    w = result(f"ortho-OR1-{angle}-free")
    for kinematics in (GENERAL, STRESS):
        s = solve(build(mesh, kinematics, mat, fixed, DT))
        agrees(s, lambda x: sheared(w, x - o), np.zeros(4))
        if kinematics is GENERAL:
            close(s.globals_, [w["ezz"]])
    w = result(f"ortho-OR1-{angle}-planestrain-inplane-free")
    s = solve(build(mesh, STRAIN, mat, fixed, DT))
    agrees(s, lambda x: sheared(w, x - o), [0.0, 0.0, w["szz"], 0.0])


def sheared(w, x):
    """The displacement of a uniform strain that keeps the line y = 0 level (as the two held corners do)."""
    return np.column_stack([w["exx"] * x[:, 0] + w["gxy"] * x[:, 1], w["eyy"] * x[:, 1]])


@pytest.mark.parametrize("kinematics", list(PLANE.values()), ids=list(PLANE))
@pytest.mark.parametrize("element", ALL)
def test_plane_linear_field(element, kinematics):
    """Any linear displacement on the rim is found inside; the out-of-plane strain is what each plane assumption
    says.
    """
    mesh, mat = body(element), material("OR1", 30)
    gradient, shift = np.array([[2e-3, -3e-3], [1e-3, 5e-4]]), np.array([0.4, -0.1])
    nodes = rim(mesh)
    field = lambda x: x @ gradient.T + shift  # noqa: E731
    u = field(mesh.points[nodes])
    s = solve(build(mesh, kinematics, mat, held((nodes, 0, u[:, 0]), (nodes, 1, u[:, 1])), DT))
    c, thermal = mat.stiffness(0.0, "xy"), mat.thermal_strain(DT, 0.0, "xy")
    strain = np.array([gradient[0, 0], gradient[1, 1], 0, 0, 0, gradient[0, 1] + gradient[1, 0]]) - thermal
    if kinematics is not STRAIN:  # s_zz = 0
        strain[2] = -(c[2, :2] @ strain[:2] + c[2, 5] * strain[5]) / c[2, 2]
    if kinematics is GENERAL:
        close(s.globals_, [strain[2] + thermal[2]])
    stress = (c @ strain)[[0, 1, 2, 5]]
    agrees(s, field, np.where(np.abs(stress) < 1e-9, 0.0, stress))
