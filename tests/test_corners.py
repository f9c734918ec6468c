"""Junctions read off meshes: angles, regions, faces, supports, reach."""

from __future__ import annotations

import numpy as np
import pytest

from femsim.base.errors import InputError, NumericsError
from femsim.builders.build import build_model, discretise, resolve_materials
from femsim.cases.stacks.bilayer import BilayerCase
from femsim.cases.stacks.blocks import BlocksCase
from femsim.measures.corner.corner import corner_at, fans
from femsim.meshes.grid import tensor_mesh
from femsim.meshes.mesh import Mesh

MATERIALS = {
    "post": {"E": 120.0, "nu": 0.34, "cte": 17.0},
    "low": {"E": 2.5, "nu": 0.34, "cte": 35.0},
    "high": {"E": 15.0, "nu": 0.30, "cte": 10.0},
    "chip": {"E": 169.0, "nu": 0.28, "cte": 2.6},
}
BALL = {"E": 40.0, "nu": 0.36, "cte": 22.0}


def bilayer(outer="coupled", **geometry):
    materials = {**MATERIALS, "ball": BALL} if "ball_height" in geometry else MATERIALS
    case = BilayerCase.model_validate(
        {
            "stack": "bilayer",
            "geometry": geometry,
            "materials": materials,
            "mesh": {"size": 0.5, "growth": 2.0},
            "model": {"outer": outer},
        }
    )
    disc = discretise(case)
    return build_model(disc, resolve_materials(case, disc))


def blocks(block, kinematics="plane-strain", **more):
    case = BlocksCase.model_validate(
        {
            "stack": "blocks",
            "block": block,
            "load": {"stress_free_temperature": 150.0, "temperature": 25.0},
            "mesh": {"size": 1.0},
            "model": {"kinematics": kinematics},
            "boundary": [{"point": [0.0, 0.0], "u_x": 0.0, "u_y": 0.0}, {"point": [10.0, 0.0], "u_y": 0.0}],
            **more,
        }
    )
    disc = discretise(case)
    return build_model(disc, resolve_materials(case, disc))


def wedges(corner):
    return [(name, w.angle_start, w.angle_end) for name, w in zip(corner.regions, corner.junction.wedges, strict=True)]


def test_the_foot_of_a_post_is_bonded_all_round():
    corner = corner_at(bilayer(), (50.0, 0.0))
    assert wedges(corner) == [("chip", 180.0, 360.0), ("low", 360.0, 450.0), ("post", 450.0, 540.0)]
    assert corner.junction.boundary == "bonded"
    assert corner.reach == pytest.approx(50.0)  # the axis
    assert corner.wedge_of("post") == 2


@pytest.mark.parametrize(
    ("at", "outer", "boundary", "regions", "reach"),
    [
        ((50.0, 90.0), "coupled", ("free", "free"), ("post", "high"), 18.0),
        ((150.0, 0.0), "coupled", ("roller", "roller"), ("low", "chip"), 72.0),
        ((150.0, 0.0), "fixed", ("roller", "roller"), ("low", "chip"), 72.0),
        ((150.0, 0.0), "free", ("free", "free"), ("low", "chip"), 72.0),
        ((150.0, 90.0), "coupled", ("free", "roller"), ("high",), 18.0),
    ],
)
def test_faces_and_walls(at, outer, boundary, regions, reach):
    corner = corner_at(bilayer(outer), at)
    assert corner.junction.boundary == boundary
    assert corner.regions == regions
    assert corner.reach == pytest.approx(reach)


def test_stiffness_and_strain_take_the_junctions_axes():
    """In axisymmetry the junction's axes are r, z, hoop; the material's are r, hoop, z."""
    special = {
        **MATERIALS,
        "post": {"E": [12.0, 40.0, 25.0], "nu": [0.1, 0.2, 0.25], "G": [5.0, 4.0, 6.0], "cte": [25.0, 8.0, 14.0]},
    }
    case = BilayerCase.model_validate({"stack": "bilayer", "materials": special, "mesh": {"size": 0.5, "growth": 2.0}})
    disc = discretise(case)
    model = build_model(disc, resolve_materials(case, disc))
    wedge = corner_at(model, (50.0, 0.0)).junction.wedges[2]
    compliance = np.linalg.inv(wedge.stiffness)
    assert 1 / np.diag(compliance) == pytest.approx([12e3, 25e3, 40e3, 6e3, 5e3, 4e3])
    assert wedge.thermal_strain[:3] == pytest.approx(np.array([25.0, 14.0, 8.0]) * -125e-6)


def test_a_slope_bends_the_rays():
    corner = corner_at(bilayer(slope_height=10.0, slope_width=20.0), (50.0, 82.0))
    angle = np.degrees(np.arctan2(-10, 20))
    found = {name: (a, b) for name, a, b in wedges(corner)}
    assert found["low"] == pytest.approx((-90.0, angle))
    assert found["high"] == pytest.approx((angle, 90.0))


def test_a_round_ball_meets_the_post_at_its_contact_angle():
    # the tangent of the cap's foot makes 2 atan(h / R) with the post's top
    corner = corner_at(bilayer(ball_height=20.0), (50.0, 90.0))
    opening = corner.junction.wedges[corner.wedge_of("ball")].opening
    assert opening == pytest.approx(np.degrees(2 * np.arctan2(20.0, 50.0)), abs=0.1)


def test_a_step_and_a_clamped_edge():
    body = [
        {"name": "base", "x": [0.0, 20.0], "y": [0.0, 10.0], "material": "silicon"},
        {"name": "step", "x": [0.0, 10.0], "y": [10.0, 15.0], "material": "copper"},
    ]
    step = corner_at(blocks(body), (10.0, 10.0))
    assert wedges(step) == [("step", 90.0, 180.0), ("base", 180.0, 360.0)]
    assert step.junction.boundary == ("free", "free")
    held = corner_at(blocks(body, boundary=[{"on": "bottom", "u_x": 0.0, "u_y": 0.0}]), (20.0, 0.0))
    assert held.junction.boundary == ("free", "clamped")
    # moved along itself only: no local problem of ours
    odd = blocks(body, boundary=[{"on": "bottom", "u_x": 0.0}, {"y": 15.0, "u_y": 0.0}])
    with pytest.raises(NumericsError, match="held along itself"):
        corner_at(odd, (20.0, 0.0))


def test_turned_mesh_gives_turned_wedges():
    """The same cells turned by 30 degrees: angles follow."""
    x = np.array([0.0, 1.0, 2.0])
    mesh = tensor_mesh(x, x, np.array([[0, 0], [1, 2]]), ("a", "b", "c"))
    a = np.radians(30.0)
    turned = Mesh(
        mesh.points @ np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]]),
        mesh.cells,
        "quad9",
        mesh.region,
        mesh.regions,
    )
    node = int(np.argmin(np.linalg.norm(mesh.points - 1.0, axis=1)))
    for m, shift in ((mesh, 0.0), (turned, 30.0)):
        (fan,) = fans(m, node)
        assert fan.closed
        steps = np.diff(fan.angles)
        assert steps == pytest.approx([90.0] * 4)
        assert (fan.angles[0] - shift) % 90.0 == pytest.approx(0.0, abs=1e-8) or (
            fan.angles[0] - shift
        ) % 90.0 == pytest.approx(90.0)


def test_what_is_no_corner_is_refused():
    model = bilayer()
    with pytest.raises(InputError, match="no node"):
        corner_at(model, (51.234, 3.21))
    with pytest.raises(InputError, match="axis"):
        corner_at(model, (0.0, 0.0))
    with pytest.raises(InputError, match="does not touch"):
        corner_at(model, (50.0, 0.0), region="high")
