"""Locking (reference topic 7): a thick tube under pressure at nu = 0.4999.

No element locks but the linear triangle (tetrahedron, wedge): 73 % of its motion is missing, and a run says so.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import AXI, CASES, STRAIN, bent, build, grid, held, isotropic, near, pressure, quarter_disc
from solids import cube

from femsim.base.errors import FemsimWarning
from femsim.builders.build import _warn_of_locking
from femsim.cases.stacks.blocks import BlocksCase
from femsim.measures.stress import value_at
from femsim.meshes.elements import gauss_points
from femsim.models.kinematics import GENERALIZED_PLANE_STRAIN as GENERALIZED
from femsim.models.kinematics import THREE_D
from femsim.models.model import model_of
from femsim.models.sampling import sample
from femsim.models.space import Constraints
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


def test_linear_triangles_lock():
    """What they do: good at nu = 0.3, less than half the motion at nu = 0.4999."""
    assert tube("lame-nu0.3", "tri3", False)[0] == pytest.approx(1.0, abs=1e-2)
    assert tube("lame-nu0.4999", "tri3", False)[0] < 0.5


@pytest.mark.parametrize("nu", [0.49, 0.499999])
@pytest.mark.parametrize("kinematics", [AXI, STRAIN, GENERALIZED], ids=lambda k: k.name)
@pytest.mark.parametrize("element", ["quad4", "quad8", "quad9", "tri6"])
def test_tubes_of_gel(element, kinematics, nu):
    """Lame's tube under pressure, ends held, 8 elements across: motion, and stress at the superconvergent points."""
    a, b, load, e = 4.0, 8.0, 100.0, 1000.0
    if kinematics is AXI:
        mesh = grid(np.linspace(a, b, 9), np.linspace(0, 2, 3), element)
        fixed = held((near(mesh, 1, 0.0), 1, 0.0), (near(mesh, 1, 2.0), 1, 0.0))
        at, hoop, on = (0.5 * (a + b), 1.0), 2, {"axis": 0, "value": a}
    else:
        mesh = quarter_disc([b], 6, ["a"], bore=a, element=element, cells=[8])
        fixed = held((near(mesh, 0, 0.0), 0, 0.0), (near(mesh, 1, 0.0), 1, 0.0))
        at, hoop, on = (0.5 * (a + b), 0.0), 1, {"radius": a}
        if kinematics is GENERALIZED:
            fixed |= {2 * len(mesh.points): 0.0}
    s = solve(build(mesh, kinematics, isotropic(e, nu), fixed, tractions=[pressure(mesh, load, **on)]))
    size = load * a**2 / (b**2 - a**2)
    node = np.argmin(np.abs(mesh.points - [a, at[1]]).sum(axis=1))
    linear = element == "quad4"
    wanted = (1 + nu) / e * size * ((1 - 2 * nu) * a + b**2 / a)
    assert s.displacement[node, 0] == pytest.approx(wanted, rel=3e-3 if linear else 1e-4)
    stress = value_at(s.field, at).stress
    radial, around = size * (1 - b**2 / at[0] ** 2), size * (1 + b**2 / at[0] ** 2)
    assert stress[0] == pytest.approx(radial, abs=0.6)
    assert stress[hoop] == pytest.approx(around, abs=0.6)


@pytest.mark.parametrize(
    ("element", "counts", "volume"),
    [("quad9", (4, 8), 2), ("quad8", (4, 8), 2), ("tri6", (4, 8), 1), ("hex27", (2, 4), 2)],
)
def test_pressure_converges_where_nothing_gives(element, counts, volume):
    """A motion without change of volume under a pressure that varies, nu = 0.499999, on warped cells: the pressure is
    of order 2 with linear, 1 with constant functions (without the projection it is wrong by a factor of 100 and more).
    """
    found = [[*gel(element, n)] for n in counts]
    for (u, p), (finer, better) in pairwise(found):
        assert u / finer > 3.0
        assert p / better > 0.8 * 2.0**volume
    assert found[-1][0] < 1e-3
    assert found[-1][1] < 0.1


def gel(element, count):
    """Relative errors of displacement and pressure in L2 on ``count`` cells along each side."""
    solid = element.startswith("hex")
    kinematics = THREE_D if solid else STRAIN
    mesh = cube(element, count, 0.1) if solid else bent(grid(*[np.linspace(0, 1, count + 1)] * 2, element), 0.08)
    shear, nu, width = 1000.0, 0.499999, kinematics.width

    def exact(x):  # u, its deviatoric stress 2 G eps, and p
        x, y, z = (*x.T, 0.0 * x[:, 0])[:3]
        c, s, zero = np.cos, np.sin, 0.0 * x
        if solid:
            u = (s(1.5 * y + z), c(x + 1.2 * z), s(x - 1.3 * y))
            xy, xz = 1.5 * c(1.5 * y + z) - s(x + 1.2 * z), c(1.5 * y + z) + c(x - 1.3 * y)
            strain = (zero, zero, zero, xy, xz, -1.2 * s(x + 1.2 * z) - 1.3 * c(x - 1.3 * y))
        else:
            u = (-1.5 * s(2 * x + 0.3) * s(1.5 * y), -2 * c(2 * x + 0.3) * c(1.5 * y))
            along = 3 * c(2 * x + 0.3) * s(1.5 * y)
            strain = (-along, along, zero, 1.75 * s(2 * x + 0.3) * c(1.5 * y))
        twice = np.array([2.0] * 3 + [1.0] * (len(strain) - 3))
        return np.column_stack(u), shear * twice * np.column_stack(strain), shear * c(2 * x) * s(2 * y + 0.2) * c(z)

    x = mesh.points
    beside = np.any((x[:, 1:] < 1e-9) | (x[:, 1:] > 1 - 1e-9), axis=1)
    nodes = np.flatnonzero(beside | (x[:, 0] < 1e-9))  # x = 1 carries its exact traction
    dofs = (width * nodes[:, None] + np.arange(width)).ravel()
    prescribed = np.zeros(width * len(x))
    prescribed[dofs] = exact(x)[0].ravel()[dofs]
    materials = {region: isotropic(2 * shear * (1 + nu), nu) for region in mesh.regions}
    model = model_of(mesh, kinematics, materials, 0.0, 0.0, Constraints.build(len(prescribed), dofs), prescribed)
    xi, w = gauss_points(element, 4)
    plain = sample(replace(model.space, soft=frozenset()), np.arange(len(mesh.cells)), xi)
    u, stress, p = exact(plain.position.reshape(-1, kinematics.dim))
    stress[:, :3] += p[:, None]
    weight = (plain.volume * w).ravel()
    nodal = plain.pull((stress * weight[:, None]).reshape(*plain.volume.shape, -1))
    force = np.bincount(model.space.element_dofs(slice(None)).ravel(), nodal.ravel(), minlength=model.ndof)
    s = solve(model.under(force=force))
    mean = s.field.stress(sample(model.space, plain.cells, xi))[..., :3].mean(axis=-1).ravel()
    moved = np.einsum("qn,enc->eqc", plain.values, s.displacement[mesh.cells]).reshape(-1, width)
    return np.sqrt(weight @ ((moved - u) ** 2).sum(axis=1) / (weight @ (u**2).sum(axis=1))), np.sqrt(
        weight @ (mean - p) ** 2 / (weight @ p**2)
    )


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
    mesh = grid(np.linspace(0, 2, 3), np.linspace(0, 1, 3), "tri3")
    gel = SimpleNamespace(material=isotropic(10.0, 0.495))
    with pytest.warns(FemsimWarning, match=r"tri3.*lock.*gel.*0\.495"):
        _warn_of_locking(replace(mesh, regions=("gel",)), AXI, {"gel": gel})


@pytest.mark.parametrize(
    ("element", "nu", "kinematics"),
    [("quad4", 0.499999, "axisymmetric"), ("quad9", 0.4999, "axisymmetric"), ("quad4", 0.495, "plane-stress")],
)
def test_no_warning_where_nothing_locks(element, nu, kinematics):
    assert run(blocks_case(element, nu, kinematics)).warnings == ()
