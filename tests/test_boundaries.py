"""Boundary conditions: what is prescribed where, and which motion is still free, by name."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import ALL, AXI, GENERAL, STRAIN, STRESS, grid, near

from femsim.base.errors import InputError
from femsim.builders.boundaries import constrain
from femsim.cases.boundary import Boundary
from femsim.meshes.grid import tensor_mesh
from femsim.meshes.layout import Line

PLANE = [STRAIN, STRESS, GENERAL]


def box(element="quad9", low=0.0):
    return grid(low + np.linspace(0, 2, 3), np.linspace(0, 1, 3), element)


def at(**keys):
    return Boundary.model_validate(keys)


def test_axisymmetric_body_can_move_along_z():
    with pytest.raises(InputError, match="the body can still move along z; hold it"):
        constrain(box(), AXI, [])
    with pytest.raises(InputError, match="along z"):
        constrain(box(low=1.0), AXI, [at(r=3.0, u_r=0.0)])
    constrain(box(low=1.0), AXI, [at(point=[1.0, 0.0], u_z=0.0)])


@pytest.mark.parametrize("kinematics", PLANE, ids=lambda k: k.name)
@pytest.mark.parametrize(
    ("held", "free"),
    [
        ([], "along x and along y and by turning"),
        ([at(y=0.0, u_y=0.0)], "along x;"),
        ([at(x=0.0, u_x=0.0)], "along y;"),
        ([at(point=[0.0, 0.0], u_x=0.0, u_y=0.0)], "by turning in the x-y plane"),
        ([at(point=[0.0, 0.0], u_x=0.0, u_y=0.0), at(point=[2.0, 0.0], u_x=0.0)], "by turning in the x-y plane"),
    ],
)
def test_plane_motions_are_named(kinematics, held, free):
    with pytest.raises(InputError) as caught:
        constrain(box(), kinematics, held)
    text = str(caught.value)
    words = [w for w in ("along x", "along y", "by turning") if w in free]
    if words == ["by turning"]:  # a turn about the held point is a turn and a shift
        assert "by turning" in text
    else:
        assert [w for w in ("along x", "along y", "by turning") if w in text] == words


@pytest.mark.parametrize("kinematics", PLANE, ids=lambda k: k.name)
def test_statically_determinate_supports_pass(kinematics):
    constrain(box(), kinematics, [at(point=[0.0, 0.0], u_x=0.0, u_y=0.0), at(point=[2.0, 0.0], u_y=0.0)])
    # a coupled wall cannot turn
    constrain(box(), kinematics, [at(point=[0.0, 0.0], u_x=0.0, u_y=0.0)], outer="coupled")
    constrain(box(), kinematics, [at(point=[0.0, 0.0], u_y=0.0)], outer="fixed")


def test_loose_part_is_named():
    mesh = grid([0.0, 1.0, 2.0], [0.0, 1.0, 2.0, 3.0], "quad9", [[0, 0], [-1, -1], [1, 1]], ("chip", "lid"))
    with pytest.raises(InputError, match=r"the part of lid \(2 parts are not connected\) can still move along z"):
        constrain(mesh, AXI, [at(z=0.0, u_z=0.0)])


def test_two_regions_touching_at_one_node_are_one_part():
    mesh = grid([0.0, 1.0, 2.0], [0.0, 1.0, 2.0], "quad4", [[0, -1], [-1, 1]], ("a", "b"))
    constrain(mesh, AXI, [at(z=0.0, u_z=0.0)])


def test_axis_wall_and_values():
    mesh = box()
    found = constrain(mesh, AXI, [at(z=0.0, u_z=0.25)], outer="fixed")
    c, value = found.space.constraints, found.prescribed()
    axis, wall, bottom = near(mesh, 0, 0.0), near(mesh, 0, 2.0), near(mesh, 1, 0.0)
    assert np.all(c.equation[2 * axis] == -1)
    assert np.all(c.equation[2 * wall] == -1)
    assert np.all(value[2 * bottom + 1] == 0.25)
    assert np.all(value[c.equation >= 0] == 0)
    assert c.count == len(set(c.equation[c.equation >= 0]))
    c = constrain(mesh, AXI, [at(z=0.0, u_z=0.0)], outer="coupled").space.constraints
    assert len(set(c.equation[2 * wall])) == 1
    assert c.equation[2 * wall[0]] >= 0


def test_contradictions_are_named():
    with pytest.raises(InputError, match=r"u_z: 1 contradicts 0 .* at \(\d"):
        constrain(box(), AXI, [at(z=0.0, u_z=0.0), at(point=[1.0, 0.0], u_z=1.0)])
    with pytest.raises(InputError, match="axis r = 0"):
        constrain(box(), AXI, [at(z=0.0, u_z=0.0), at(r=0.0, u_r=0.1)])
    with pytest.raises(InputError, match="coupled"):
        constrain(box(), AXI, [at(z=0.0, u_z=0.0, u_r=0.0), at(point=[2.0, 1.0], u_r=0.1)], outer="coupled")
    with pytest.raises(InputError, match="nothing is left to solve"):
        constrain(box("quad4"), STRAIN, [at(y=v, u_x=0.0, u_y=0.0) for v in (0.0, 0.5, 1.0)])


@pytest.mark.parametrize(
    ("boundary", "kinematics", "text"),
    [
        (at(x=0.0, u_x=0.0), AXI, "u_x: not a displacement of kinematics axisymmetric; allowed: u_r, u_z"),
        (at(r=0.0, u_r=0.0), STRAIN, "allowed: u_x, u_y"),
        (at(z=0.3, u_z=0.0), AXI, "no node at z = 0.3 um; the body reaches from 0 to 1"),
        (at(point=[0.3, 0.0], u_z=0.0), AXI, r"no node at \(0.3, 0\) um; the nearest is at"),
        (at(on="foot", u_z=0.0), AXI, "no line 'foot'"),
    ],
)
def test_wrong_places_are_named(boundary, kinematics, text):
    with pytest.raises(InputError, match=text):
        constrain(box(), kinematics, [boundary], given=[boundary])


def force_of(mesh, kinematics, boundary):
    anchor = [at(point=[0.0, 0.0], **({"u_z": 0.0} if kinematics is AXI else {"u_x": 0.0, "u_y": 0.0}))]
    if kinematics is STRAIN:
        anchor.append(at(point=[0.0, 1.0], u_x=0.0))
    return constrain(mesh, kinematics, [*anchor, boundary], given=[boundary]).force()


@pytest.mark.parametrize("element", ALL)
@pytest.mark.parametrize("kinematics", [AXI, STRAIN], ids=lambda k: k.name)
def test_resultants_of_pressure_and_traction(element, kinematics):
    """Pressure on the side x = 2 pushes inward, a traction pulls its own way; the measure is 2 pi r in axisymmetry."""
    mesh = box(element)
    axis = "r" if kinematics is AXI else "x"
    width = 2 * np.pi * 2.0 if kinematics is AXI else 1.0
    force = force_of(mesh, kinematics, at(**{axis: 2.0}, pressure=3.0))
    assert force.reshape(-1, 2).sum(axis=0) == pytest.approx([-3.0 * width, 0.0], abs=1e-12)
    force = force_of(mesh, kinematics, at(**{axis: 2.0}, traction=[1.0, -4.0]))
    assert force.reshape(-1, 2).sum(axis=0) == pytest.approx([1.0 * width, -4.0 * width], rel=1e-12)


def test_load_needs_an_outer_line():
    mesh = grid([0.0, 1.0, 2.0], [0.0, 1.0], "quad9", None, ("a",))
    inner = Line("middle", 0, 1.0, (0.0, 1.0))
    mesh = tensor_mesh(
        np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0]), mesh.region.reshape(1, 2), ("a",), lines=(inner,)
    )
    for boundary, text in (
        (at(on="middle", pressure=1.0), "runs inside the body"),
        (at(x=1.0, pressure=1.0), "no outer edge"),
    ):
        with pytest.raises(InputError, match=text):
            force_of(mesh, STRAIN, boundary)
