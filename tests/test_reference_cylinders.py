"""Composite cylinders (reference topic 1): displacement, and stress on both sides of every interface, as r-z strips and
as x-y discs.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from helpers import (
    ALL,
    AXI,
    CASES,
    GENERAL,
    REFERENCES,
    STRAIN,
    build,
    close,
    grid,
    held,
    material,
    near,
    outer_edges,
    pressure,
    quarter_disc,
)

from femsim.measures.stress import value_at
from femsim.solvers.solve import solve

NAMES = [case["id"] for case in REFERENCES["topics"]["1"]["cases"]]
HEIGHT = 2.0


def strip(name, cells, element="quad9"):
    """The r-z strip of a case, solved: u_z tied at the top where the axial force is zero, prescribed where the strain
    is given.
    """
    case = CASES[name]["inputs"]
    radii = [case["bore"], *case["outer_radii"]]
    lines = np.unique(np.concatenate([np.linspace(a, b, cells + 1) for a, b in pairwise(radii)]))
    layer = np.searchsorted(radii, 0.5 * (lines[1:] + lines[:-1])) - 1
    mesh = grid(lines, [0.0, HEIGHT], element, layer[None], tuple(f"{k}:{m}" for k, m in enumerate(case["layers"])))
    bottom, top = near(mesh, 1, 0.0), near(mesh, 1, HEIGHT)
    fixed, ties = held((bottom, 1, 0.0)), ()
    if case["mode"] == "gps":
        ties = (2 * top + 1,)
    else:
        fixed |= held((top, 1, case["eps_z_prescribed"] * HEIGHT))
    loads = [pressure(mesh, case["p_out"], axis=0, value=radii[-1])]
    if case["bore"]:
        loads.append(pressure(mesh, case["p_in"], axis=0, value=radii[0]))
    materials = [material(m) for m in case["layers"]]
    return solve(build(mesh, AXI, materials, fixed, case["dT"], ties, loads))


def compare(name, solution, at, order, rel):
    """Every listed point against displacement and stress [s_r, s_t, s_z] = components ``order`` at ``at(r)``."""
    case = CASES[name]
    points = case["result"]["points"]
    most_u = max(abs(p["u_r"]) for p in points)
    most_s = max(abs(v) for p in points for v in p["stress"])
    regions = solution.model.mesh.regions
    for p in points:
        found = value_at(solution.field, at(p["r"]), regions[p["layer"]])
        close(found.displacement[0], p["u_r"], rel, scale=most_u)
        close(found.stress[order], p["stress"], rel, scale=most_s)
        close(found.stress[3], 0.0, rel, scale=most_s)


@pytest.mark.parametrize("name", NAMES)
def test_strip(name):
    """Fine quad9: 1e-5 on both sides of each interface and on the axis."""
    s = strip(name, 160)
    compare(name, s, lambda r: (r, 0.5 * HEIGHT), [0, 2, 1], 1e-5)
    nodes = np.linalg.norm(s.displacement, axis=1)
    assert np.all(np.isfinite(nodes))
    for p in CASES[name]["result"]["points"]:  # the nodes' displacement is far better than that
        node = near(s.model.mesh, 0, p["r"])[0]
        close(s.displacement[node, 0], p["u_r"], 1e-9, scale=abs(CASES[name]["result"]["points"][-1]["u_r"]))
    top = near(s.model.mesh, 1, HEIGHT)
    close(s.displacement[top, 1], CASES[name]["result"]["eps_z"] * HEIGHT, 1e-8, scale=1e-3 * HEIGHT)
    if CASES[name]["inputs"]["mode"] == "gps":  # the tied top carries no net force
        from femsim.models.assembly import internal_force

        force = internal_force(s.field)[2 * top + 1]
        assert abs(force.sum()) < 1e-9 * np.abs(force).sum()


@pytest.mark.parametrize("element", ALL)
def test_strip_with_every_element(element):
    """A mesh of moderate size: each element converges to the same cylinder."""
    s = strip("cyl-iso-gps", 60, element)
    compare("cyl-iso-gps", s, lambda r: (r, 0.5 * HEIGHT), [0, 2, 1], 1e-2 if element in ("quad4", "tri3") else 1e-4)


@pytest.mark.parametrize("name", ["cyl-iso-gps", "cyl-iso-pstrain", "cyl-TI-gps", "cyl-hollow-pressure-dT"])
def test_disc(name):
    """The same cylinders in the x-y plane, on a quarter disc with curved edges; zz is the plane model's own third
    component.
    """
    case = CASES[name]["inputs"]
    names = [f"{k}:{m}" for k, m in enumerate(case["layers"])]
    mesh = quarter_disc(case["outer_radii"], 12, names, case["bore"], cells=[16] * (len(names) - (not case["bore"])))
    fixed = held((near(mesh, 0, 0.0), 0, 0.0), (near(mesh, 1, 0.0), 1, 0.0))
    given = case["mode"] == "given"
    kinematics = STRAIN if given and case["eps_z_prescribed"] == 0 else GENERAL
    if kinematics is GENERAL and given:
        fixed[2 * len(mesh.points)] = case["eps_z_prescribed"]
    loads = [pressure(mesh, case["p_out"], radius=case["outer_radii"][-1])]
    if case["bore"]:
        loads.append(pressure(mesh, case["p_in"], radius=case["bore"]))
    materials = {n: material(m) for n, m in zip(names, case["layers"], strict=True)}
    assert set(materials) == set(mesh.regions)
    s = solve(build(mesh, kinematics, materials, fixed, case["dT"], (), loads))
    if kinematics is GENERAL:
        close(s.globals_, [CASES[name]["result"]["eps_z"]], 1e-7)
    result = CASES[name]["result"]["points"]
    most_u, most_s = max(abs(p["u_r"]) for p in result), max(abs(v) for p in result for v in p["stress"])
    for p in result:
        for turn in (0.0, np.pi / 4, np.pi / 2):  # along x, along the diagonal, along y
            e, t = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
            found = value_at(s.field, tuple(p["r"] * e), names[p["layer"]])
            tensor = np.array([[found.stress[0], found.stress[3]], [found.stress[3], found.stress[1]]])
            close(found.displacement @ e, p["u_r"], 1e-7, scale=most_u)
            polar = np.array([e @ tensor @ e, t @ tensor @ t, found.stress[2]])
            close(polar, p["stress"], 1e-3, scale=most_s)
            close(e @ tensor @ t, 0.0, 1e-3, scale=most_s)


def test_disc_has_all_its_outer_edges():
    mesh = quarter_disc([10.0, 15.0], 3, ["a", "b"])
    assert len(outer_edges(mesh, radius=15.0)) == 6
