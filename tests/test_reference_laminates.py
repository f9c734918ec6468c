"""Laminates and wafer bow (reference topic 3), and the membrane force of a long bonded strip (topic 4)."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from helpers import (
    AXI,
    CASES,
    REFERENCES,
    STRAIN,
    STRESS,
    build,
    close,
    distorted,
    grid,
    held,
    material,
    near,
    stresses_of,
)

from femsim.measures.stress import sample, value_at
from femsim.meshes.elements import gauss_points
from femsim.solvers.solve import solve

NAMES = [case["id"] for case in REFERENCES["topics"]["3"]["cases"]]
MODES = {"plane_stress": STRESS, "plane_strain": STRAIN, "equibiaxial": AXI}


def laminate(name, width, across, element, through=2):
    """Mesh of a laminate from x = 0 to ``width``: ``across`` cells or given lines, ``through`` cells per layer (one or
    a list).
    """
    layers = CASES[name]["inputs"]["layers_bottom_to_top"]
    levels = np.concatenate([[0.0], np.cumsum([t for t, _ in layers])])
    counts = [through] * len(layers) if np.isscalar(through) else through
    z = np.concatenate(
        [np.linspace(a, b, n + 1)[:-1] for (a, b), n in zip(pairwise(levels), counts, strict=True)] + [levels[-1:]]
    )
    layer = np.searchsorted(levels, 0.5 * (z[1:] + z[:-1])) - 1
    x = np.linspace(0, width, across + 1) if np.isscalar(across) else np.asarray(across)
    region = np.repeat(layer[:, None], len(x) - 1, axis=1)
    return grid(x, z, element, region, tuple(f"{k}:{m}" for k, (_, m) in enumerate(layers))), levels


def check_layers(name, s, x, rel):
    """Stress at the bottom and top of every layer at first coordinate ``x``; u_z through the thickness."""
    case = CASES[name]
    mode, result = case["inputs"]["mode"], case["result"]
    most = max(abs(v) for layer in result["layers"] for v in layer["stress"])
    for layer in result["layers"]:
        for k, z in enumerate(layer["z"]):
            found = value_at(s.field, (x, z), s.model.mesh.regions[layer["layer"]]).stress
            wanted = [layer["stress"][k], 0.0, {"plane_stress": 0.0, "equibiaxial": layer["stress"][k]}.get(mode), 0.0]
            if mode == "plane_strain":
                wanted[2] = layer["stress_out_of_plane"][k]
            close(found, wanted, rel, scale=most)


def edge_held(name, element, shake=0.0):
    case = CASES[name]
    e0, kappa = case["result"]["e0_at_z0"], case["result"]["kappa_per_um"]
    mesh, levels = laminate(name, 100.0, 4, element)
    if shake:  # a shift along x only, so that interfaces stay level
        moved = distorted(mesh, shake).points
        mesh = type(mesh)(
            np.column_stack([moved[:, 0], mesh.points[:, 1]]), mesh.cells, mesh.element, mesh.region, mesh.regions
        )
    edge, middle = near(mesh, 0, 100.0), near(mesh, 0, 0.0)
    z = mesh.points[edge, 1]
    fixed = held((middle, 0, 0.0), (edge, 0, 100.0 * (e0 + kappa * z)), (near(mesh, 1, 0.0)[:1], 1, 0.0))
    materials = [material(m) for _, m in case["inputs"]["layers_bottom_to_top"]]
    return solve(build(mesh, MODES[case["inputs"]["mode"]], materials, fixed, case["inputs"]["dT"])), levels


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("element", "shake"), [("quad8", 0.0), ("quad9", 0.0), ("tri6", 0.0), ("quad9", 0.3), ("tri6", 0.3)]
)
def test_edge_displacement_prescribed(name, element, shake):
    """The field is quadratic: quadratic elements give stress, curvature and thickness growth to round-off."""
    s, levels = edge_held(name, element, shake)
    result, mesh = CASES[name]["result"], s.model.mesh
    for x in (0.0, 37.0, 100.0):
        check_layers(name, s, x, 1e-9)
    e0, kappa = result["e0_at_z0"], result["kappa_per_um"]
    close(s.displacement[:, 0], mesh.points[:, 0] * (e0 + kappa * mesh.points[:, 1]), 1e-9)
    bottom = near(mesh, 1, 0.0)
    close(
        s.displacement[bottom, 1],
        -0.5 * kappa * mesh.points[bottom, 0] ** 2,
        1e-9,
        scale=abs(result["thickness_growth_um"]),
    )
    top = near(mesh, 1, levels[-1])
    growth = s.displacement[top, 1] + 0.5 * kappa * mesh.points[top, 0] ** 2
    close(growth, result["thickness_growth_um"], 1e-9)


FREE = {  # laminate: half width, cells through each layer
    "bimetal-pstress": (600.0, [6, 4]),
    "bimetal-pstrain": (600.0, [6, 4]),
    "thin-Si100-PI-Cu-EP": (6000.0, [6, 2, 2, 4]),
    "stack-with-TI": (6000.0, [6, 2, 2, 3, 4]),
}


def free_plate(name, width, through):
    """Half a plate with a free edge, its cells graded to that edge."""
    t = np.linspace(0, 1, 41)
    mesh, levels = laminate(name, width, width * (1 - (1 - t) ** 2.5), "quad9", through)
    case = CASES[name]["inputs"]
    fixed = held((near(mesh, 0, 0.0), 0, 0.0), (near(mesh, 1, 0.0)[:1], 1, 0.0))
    assert np.all(mesh.points[near(mesh, 1, 0.0)[0]] == 0)
    materials = [material(m) for _, m in case["layers_bottom_to_top"]]
    return solve(build(mesh, MODES[case["mode"]], materials, fixed, case["dT"])), levels


def curvature(s, reach):
    """kappa from the deflection of the bottom face over ``reach``: w = -kappa x^2 / 2."""
    mesh = s.model.mesh
    bottom = near(mesh, 1, 0.0)
    bottom = bottom[mesh.points[bottom, 0] <= reach]
    x2 = mesh.points[bottom, 0] ** 2
    return float(-2 * (x2 @ s.displacement[bottom, 1]) / (x2 @ x2))


@pytest.mark.parametrize("name", FREE)
def test_free_edge_is_forgotten_away_from_it(name):
    """A strip forgets its end exponentially; a disc's rim squeezes the whole disc by O(thickness / radius), hence the
    wide ones.
    """
    s, _ = free_plate(name, *FREE[name])
    check_layers(name, s, 0.0, 1e-3)
    assert curvature(s, 0.4 * FREE[name][0]) == pytest.approx(CASES[name]["result"]["kappa_per_um"], rel=1e-3)


def test_stoney():
    """A film of 0.1 um on a wafer of 725 um, all free: the exact curvature, which is Stoney's less O(film / wafer)."""
    result = CASES["stoney-limit"]["result"]
    s, _ = free_plate("stoney-limit", 8000.0, [8, 1])
    found = curvature(s, 4000.0)
    assert found == pytest.approx(result["kappa_per_um"], rel=2e-5)
    assert found == pytest.approx(result["kappa_stoney"], rel=4 * 0.1 / 725)
    film = value_at(s.field, (1000.0, 725.05), "1:Cu").stress
    assert film[0] == pytest.approx(result["layers"][1]["stress"][0], rel=1e-4)
    assert film[2] == pytest.approx(film[0], rel=1e-4)


@pytest.mark.parametrize("name", ["suhir-Si-EP", "suhir-Si-Cu"])
def test_membrane_force_of_a_long_strip(name):
    """Only the force far from the edge is exact in the theories of interfacial stress; the two layers' forces
    balance.
    """
    case = CASES[name]["inputs"]
    names = [case["mat1"], case["mat2"]]
    h1, h2, length = case["h1"], case["h2"], 2 * case["half_length"]
    t = np.linspace(0, 1, 51)
    z = np.concatenate([np.linspace(0, h1, 9), h1 + np.linspace(0, h2, 7)[1:]])
    region = np.repeat((0.5 * (z[1:] + z[:-1]) > h1).astype(int)[:, None], 50, axis=1)
    mesh = grid(length * (1 - (1 - t) ** 2.5), z, "quad9", region, tuple(names))
    fixed = held((near(mesh, 0, 0.0), 0, 0.0), (near(mesh, 1, 0.0)[:1], 1, 0.0))
    s = solve(build(mesh, STRAIN, [material(m) for m in names], fixed, case["dT"]))
    force = []
    for number in range(2):  # mean force per width over the first column of cells
        cells = np.flatnonzero((mesh.region == number) & (mesh.points[mesh.cells, 0].min(axis=1) == 0))
        xi, w = gauss_points("quad9", 3)
        at = sample(s.model.space, cells, xi)
        column = mesh.points[mesh.cells[cells[0]], 0].max()
        force.append(float(np.sum(at.volume * w * s.field.stress(at)[..., 0])) / column)
    assert force[0] == pytest.approx(CASES[name]["result"]["F_inf"], rel=1e-3)
    assert force[1] == pytest.approx(-force[0], rel=1e-6)
    assert np.all(np.isfinite(stresses_of(s)))
