"""Manufactured solutions in axisymmetric thermo-elasticity (reference topic 10): measured orders of convergence.

The temperature is given at the nodes and interpolated with the element's own shape functions, as an imported field
would be. Its interpolation error is O(h^(p+1)) in L2; it enters the equations through int B^T D eps_th dV, so it
disturbs the displacement by O(h^(p+1)) in the energy norm and in L2 alike: the order p of the energy error and p+1 of
the L2 error survive, the constant of the latter grows a little. (One temperature per cell would spoil the L2 order of
every quadratic element; a coarser field, its energy order too.)
"""

from __future__ import annotations

import numpy as np
import pytest
from helpers import ALL, AXI, CASES, bent, build, distorted, field_errors, grid, held, material, near, order, rim

from femsim.meshes.elements import ELEMENTS
from femsim.models.assembly import body_force
from femsim.solvers.solve import solve

NUMPY = {name: getattr(np, name) for name in ("sin", "cos", "exp")}
SIZES = {1: (16, 32), 2: (8, 16)}


def functions(name):
    """Displacement, stress, body force and temperature as functions of points (m, 2)."""
    texts = {key: compile(text, key, "eval") for key, text in CASES[name]["result"]["expressions"].items()}

    def columns(*keys):
        def evaluate(x):
            where = {"r": x[:, 0], "z": x[:, 1], "__builtins__": {}, **NUMPY}
            return np.column_stack([np.broadcast_to(eval(texts[key], where), len(x)) for key in keys])

        return evaluate

    return columns("ur", "uz"), columns("srr", "szz", "stt", "srz"), columns("fr", "fz"), columns("T")


@pytest.mark.parametrize("name", ["mms-Cu", "mms-TI1"])
def test_expressions_give_the_listed_points(name):
    u, s, f, t = functions(name)
    for point in CASES[name]["result"]["points"]:
        x = np.array([[point["r"], point["z"]]])
        found = np.concatenate([u(x), s(x), f(x), t(x)], axis=1)[0]
        wanted = [point[k] for k in ("ur", "uz", "srr", "szz", "stt", "srz", "fr", "fz", "T")]
        np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-9)


def errors(name, element, n, low, kind):
    """Relative L2 error and energy error on n x n cells of [low, low + 10] x [0, 10]."""
    u, s, f, t = functions(name)
    mesh = grid(low + np.linspace(0, 10, n + 1), np.linspace(0, 10, n + 1), element)
    if kind == "bent":
        mesh = bent(mesh, 0.04)
    elif kind == "rough":
        mesh = distorted(mesh, 0.2, seed=n)
    exact = u(mesh.points)
    sides = rim(mesh)
    axis = near(mesh, 0, 0.0) if low == 0 else np.array([], dtype=int)
    inner = np.setdiff1d(axis, np.concatenate([near(mesh, 1, 0.0), near(mesh, 1, 10.0)]))
    sides = np.setdiff1d(sides, inner)
    fixed = held((sides, 0, exact[sides, 0]), (sides, 1, exact[sides, 1]))
    model = build(mesh, AXI, material(CASES[name]["inputs"]["material"]), fixed, t(mesh.points)[:, 0])
    solution = solve(model, load=body_force(model.space, f))
    l2, energy, norm = field_errors(solution, u, s)
    return l2 / norm, energy


def measured(name, element, low, kind):
    found = np.array([errors(name, element, n, low, kind) for n in SIZES[ELEMENTS[element].order]])
    return order(found[:, 0]), order(found[:, 1]), found[-1, 0]


@pytest.mark.parametrize("kind", ["straight", "bent"])
@pytest.mark.parametrize("low", [0.0, 5.0])
@pytest.mark.parametrize("name", ["mms-Cu", "mms-TI1"])
@pytest.mark.parametrize("element", ALL)
def test_orders(element, name, low, kind):
    """p+1 in L2, p in energy: on the axis and off it, on rectangles and on smoothly bent cells."""
    p = ELEMENTS[element].order
    l2, energy, last = measured(name, element, low, kind)
    assert l2 == pytest.approx(p + 1, abs=0.1)
    assert energy == pytest.approx(p, abs=0.05)
    assert last < 5e-3


@pytest.mark.parametrize("element", ["quad4", "quad9", "tri3", "tri6"])
def test_orders_on_rough_meshes(element):
    """Random straight-sided cells at every level keep the orders of all but the serendipity element (quad8 falls to 2.8
    and 1.6).

    Arnold, Boffi and Falk 2002, Math. Comput. 71, 909: serendipity elements need cells that tend to parallelograms.
    """
    p = ELEMENTS[element].order
    l2, energy, _ = measured("mms-TI1", element, 0.0, "rough")
    assert l2 == pytest.approx(p + 1, abs=0.2)
    assert energy == pytest.approx(p, abs=0.15)
