"""Locking (reference topic 7): a thick tube under pressure at nu = 0.4999.

Quadratic elements do not lock; quad4 and tri3 do (80 % and 73 % of the motion is missing), and a run with them says so.
"""

from __future__ import annotations

import numpy as np
import pytest
from helpers import AXI, CASES, STRAIN, build, grid, held, isotropic, near, pressure, quarter_disc

from femsim.base.errors import FemsimWarning
from femsim.cases.stacks.blocks import BlocksCase
from femsim.measures.stress import value_at
from femsim.runs.run import run
from femsim.solvers.solve import solve


def tube(name, element, plane):
    """The tube of a case with eight elements across; u_r at the bore over the exact one, and the solution."""
    case = CASES[name]["inputs"]
    a, b, load = case["a"], case["b"], case["p_in"]
    mat = isotropic(case["E"], case["nu"])
    if plane:
        mesh = quarter_disc([b], 6, ["a"], bore=a, element=element, cells=[8])
        fixed = held((near(mesh, 0, 0.0), 0, 0.0), (near(mesh, 1, 0.0), 1, 0.0))
        s = solve(build(mesh, STRAIN, mat, fixed, tractions=[pressure(mesh, load, radius=a)]))
        node = np.argmin(np.abs(mesh.points - [a, 0]).sum(axis=1))
    else:
        mesh = grid(np.linspace(a, b, 9), np.linspace(0, 2, 3), element)
        fixed = held((near(mesh, 1, 0.0), 1, 0.0), (near(mesh, 1, 2.0), 1, 0.0))
        s = solve(build(mesh, AXI, mat, fixed, tractions=[pressure(mesh, load, axis=0, value=a)]))
        node = near(mesh, 0, a)[0]
    return s.displacement[node, 0] / CASES[name]["result"][f"r={a}"]["u_r"], s


@pytest.mark.parametrize("plane", [False, True], ids=["axisymmetric", "plane-strain"])
@pytest.mark.parametrize("element", ["quad8", "quad9", "tri6"])
def test_quadratic_elements_do_not_lock(element, plane):
    """Eight elements across: within 1 % at nu = 0.4999, 1e-4 at nu = 0.3."""
    assert tube("lame-nu0.3", element, plane)[0] == pytest.approx(1.0, abs=1e-4)
    assert tube("lame-nu0.4999", element, plane)[0] == pytest.approx(1.0, abs=1e-2)


@pytest.mark.parametrize("element", ["quad4", "tri3"])
def test_linear_elements_lock(element):
    """What they do: good at nu = 0.3, less than half the motion at nu = 0.4999."""
    assert tube("lame-nu0.3", element, False)[0] == pytest.approx(1.0, abs=1e-2)
    assert tube("lame-nu0.4999", element, False)[0] < 0.5


@pytest.mark.parametrize("element", ["quad8", "quad9", "tri6"])
def test_pressure_of_nearly_incompressible_tube(element):
    """Radial and hoop stress in mid-wall at nu = 0.4999 from the superconvergent points."""
    _, s = tube("lame-nu0.4999", element, False)
    wanted = CASES["lame-nu0.4999"]["result"]["r=15.0"]
    found = value_at(s.field, (15.0, 1.0)).stress
    scale = 16.7
    assert found[2] - found[0] == pytest.approx(wanted["s_theta"] - wanted["s_r"], abs=1e-2 * scale)


def blocks_case(element, nu, kinematics="axisymmetric"):
    x, y = ("r", "z") if kinematics == "axisymmetric" else ("x", "y")
    hold = [{y: 0.0, f"u_{y}": 0.0}] + ([] if x == "r" else [{x: 0.0, f"u_{x}": 0.0}])
    return BlocksCase.model_validate(
        {
            "stack": "blocks",
            "block": [{"name": "gel", x: [0.0, 2.0], y: [0.0, 1.0], "material": {"E": 0.01, "nu": nu, "cte": 200.0}}],
            "load": {"stress_free_temperature": 100.0, "temperature": 25.0},
            "model": {"element": element, "kinematics": kinematics},
            "mesh": {"size": 0.5},
            "boundary": hold,
        }
    )


def test_build_model_warns_of_locking():
    with pytest.warns(FemsimWarning, match=r"quad4.*lock.*gel.*0\.495"):
        run(blocks_case("quad4", 0.495))


@pytest.mark.parametrize(
    ("element", "nu", "kinematics"),
    [("quad4", 0.45, "axisymmetric"), ("quad9", 0.4999, "axisymmetric"), ("quad4", 0.495, "plane-stress")],
)
def test_no_warning_where_nothing_locks(element, nu, kinematics):
    assert run(blocks_case(element, nu, kinematics)).warnings == ()
