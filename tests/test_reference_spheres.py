"""Concentric spheres on curved quarter discs in r-z (reference topic 2): order 3 in L2 with curved quadratic
elements.
"""

from __future__ import annotations

import numpy as np
import pytest
from helpers import (
    AXI,
    CASES,
    build,
    close,
    field_errors,
    held,
    material,
    near,
    order,
    pressure,
    quarter_disc,
    stresses_of,
)

from femsim.measures.stress import value_at
from femsim.solvers.solve import solve


def exact(name):
    """u(rho) and (s_rho, s_theta)(rho) in a region: A rho + B / rho^2 through the listed points of each layer."""
    case, points = CASES[name]["inputs"], CASES[name]["result"]["points"]
    fields = []
    for k, layer in enumerate(case["layers"]):
        m = material(layer)
        e, nu, alpha = m.youngs_modulus[0].values[0], m.poisson_ratio[0].values[0], m.cte[0].values[0]
        mine = [p for p in points if p["layer"] == k and p["rho"] > 0]
        if k == 0 and not case["cavity"]:
            a, b = mine[-1]["u_rho"] / mine[-1]["rho"], 0.0
        else:
            ends = mine[0], mine[-1]
            a, b = np.linalg.solve([[p["rho"], p["rho"] ** -2] for p in ends], [p["u_rho"] for p in ends])
        bulk, shear = e / (1 - 2 * nu), e / (1 + nu)
        fields.append((a, b, bulk, shear, alpha * case["dT"]))
    return fields


def at_points(fields, mesh_radii, x):
    """Displacement (m, 2) and stress (m, 4) in axisymmetric components at points; the layer follows from the
    distance.
    """
    rho = np.linalg.norm(x, axis=1)
    layer = np.minimum(np.searchsorted(mesh_radii, rho), len(fields) - 1)
    a, b, bulk, shear, thermal = (np.array([f[i] for f in fields])[layer] for i in range(5))
    e = x / np.maximum(rho, 1e-300)[:, None]
    cube = b / np.maximum(rho, 1e-300) ** 3
    u = (a + cube)[:, None] * x
    across, along = bulk * (a - thermal) + shear * cube, bulk * (a - thermal) - 2 * shear * cube
    rr = across + (along - across) * e[:, 0] ** 2
    zz = across + (along - across) * e[:, 1] ** 2
    return u, np.column_stack([rr, zz, across, (along - across) * e[:, 0] * e[:, 1]])


def sphere(name, n, element):
    case = CASES[name]["inputs"]
    names = [f"{k}:{m}" for k, m in enumerate(case["layers"])]
    across = {"sph-3": (n // 2, 5 * n // 4), "sph-cavity-p": (n // 2, n // 2)}[name]
    mesh = quarter_disc(case["outer_radii"], n, names, case["cavity"], element, across)
    loads = [pressure(mesh, case["p_out"], radius=case["outer_radii"][-1])]
    if case["cavity"]:
        loads.append(pressure(mesh, case["p_in"], radius=case["cavity"]))
    materials = {key: material(m) for key, m in zip(names, case["layers"], strict=True)}
    return solve(build(mesh, AXI, materials, held((near(mesh, 1, 0.0), 1, 0.0)), case["dT"], (), loads))


@pytest.mark.parametrize("name", ["sph-3", "sph-cavity-p"])
def test_formula_gives_the_listed_points(name):
    fields = exact(name)
    for p in CASES[name]["result"]["points"]:
        a, b, bulk, shear, thermal = fields[p["layer"]]
        cube = b / p["rho"] ** 3 if b else 0.0
        close(
            [bulk * (a - thermal) - 2 * shear * cube, bulk * (a - thermal) + shear * cube],
            p["stress"],
            1e-8,
            scale=300.0,
        )


@pytest.mark.parametrize("name", ["sph-3", "sph-cavity-p"])
@pytest.mark.parametrize("element", ["quad8", "quad9", "tri6"])
def test_order_three_with_curved_elements(name, element):
    radii, fields = CASES[name]["inputs"]["outer_radii"], exact(name)
    found = []
    for n in (8, 16):
        l2, energy, norm = field_errors(
            sphere(name, n, element), lambda x: at_points(fields, radii, x)[0], lambda x: at_points(fields, radii, x)[1]
        )
        found.append((l2 / norm, energy))
    l2, energy = np.array(found).T
    assert order(l2) == pytest.approx(3, abs=0.2)
    assert order(energy) == pytest.approx(2, abs=0.2)
    assert l2[-1] < 2e-5


@pytest.mark.parametrize("name", ["sph-3", "sph-cavity-p"])
def test_listed_points(name):
    """u_rho and the stresses at every listed point, on the axis, on the equator and between."""
    s = sphere(name, 20, "quad9")
    points = CASES[name]["result"]["points"]
    most_u, most_s = max(abs(p["u_rho"]) for p in points), max(abs(v) for p in points for v in p["stress"])
    for p in points:
        for turn in (0.0, np.pi / 8, np.pi / 2):
            e, t = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
            found = value_at(s.field, tuple(p["rho"] * e), s.model.mesh.regions[p["layer"]])
            tensor = np.array([[found.stress[0], found.stress[3]], [found.stress[3], found.stress[1]]])
            close(found.displacement @ e, p["u_rho"], 2e-6, scale=most_u)
            close([e @ tensor @ e, t @ tensor @ t, found.stress[2]], [*p["stress"], p["stress"][1]], 4e-3, scale=most_s)


def test_the_core_is_uniform_and_hydrostatic():
    """Eshelby: the core's stress is the same everywhere; hoop equals radial on the axis."""
    s = sphere("sph-3", 16, "quad9")
    core = stresses_of(s)[s.model.mesh.cells_of("0:Cu")]
    wanted = CASES["sph-3"]["result"]["points"][0]["stress"][0]
    close(core[..., :3], wanted, 2e-3)
    close(core[..., 3], 0.0, 2e-3, scale=wanted)
