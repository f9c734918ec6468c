"""Plans of cells and what is swept from them: areas, Jacobians, conformity, grading, names."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import close

from femsim.base.errors import InputError
from femsim.meshes.elements import gauss_points, node_points, shape
from femsim.meshes.extrude import Level, extrude, z_lines
from femsim.meshes.facets import edges_of, faces_of
from femsim.meshes.grid import Grading
from femsim.meshes.mesh import jacobians, quality
from femsim.meshes.plan import Circle, Plan, inside, plan_mesh

SHARE = {"quarter": 0.25, "half": 0.5, "whole": 1.0}


def areas(mesh):
    points, weights = gauss_points(mesh.element, 4)
    return (jacobians(mesh, slice(None), shape(mesh.element, points)[1])[0] * weights).sum(axis=1)


def lens(a, b):
    """Area common to two circles that cross (MathWorld, Circle-Circle Intersection)."""
    d, r, s = abs(a.centre[0] - b.centre[0]), a.radius, b.radius
    return (
        r**2 * np.arccos((d**2 + r**2 - s**2) / (2 * d * r))
        + s**2 * np.arccos((d**2 + s**2 - r**2) / (2 * d * s))
        - 0.5 * np.sqrt((-d + r + s) * (d + r - s) * (d - r + s) * (d + r + s))
    )


def random_plan(rng):
    shape_ = str(rng.choice(["circular", "square", "hexagonal", "chip"]))
    r, kind = rng.uniform(5, 30), rng.integers(5)
    if kind == 0:
        circles = [(0.0, r)]
    elif kind == 1:  # equal and staggered, from nearly nothing to nearly touching
        d = r * (2 * rng.random() * 0.995 + 0.001)
        circles = [(-d / 2, r), (d / 2, r)]
    elif kind == 2:
        s = r * rng.uniform(0.3, 0.95)
        circles = [(0.0, r), (rng.choice([-1, 1]) * ((r - s) + 2 * s * rng.uniform(0.02, 0.98)), s)]
    elif kind == 3:
        s = r * rng.uniform(0.3, 0.95)
        circles = [(0.0, r), ((r - s) * rng.uniform(0, 0.95), s)]
    else:
        circles = [(0.0, r), (0.0, r * rng.uniform(1.05, 2)), (0.0, r * rng.uniform(0.3, 0.95))]
    named = tuple(Circle(f"c{i}", (float(x), 0.0), float(q)) for i, (x, q) in enumerate(circles))
    reach = max(abs(x) + q for x, q in circles)
    if shape_ == "chip":
        size = reach * rng.uniform(2.6, 8)
        place = tuple(float(v) for v in rng.uniform(reach * 1.2, size - reach * 1.2, 2))
        return Plan("chip", size, named, place=place)
    part = "whole" if rng.random() < 0.2 else None
    return Plan(shape_, reach * rng.uniform(1.1, 4), named, part)


def test_plans_are_conforming_and_hold_their_areas():
    """Areas err by (arc)^4 of quadratic edges, Jacobians are positive at all nodes, outer edges are those named."""
    rng = np.random.default_rng(11)
    for _ in range(60):
        plan = random_plan(rng)
        mesh = plan_mesh(plan, Grading(float(rng.choice([0.05, 0.5])), float(rng.uniform(1.4, 2.0))))
        determinant, _ = jacobians(mesh, slice(None), shape("quad9", node_points("quad9"))[1])
        assert determinant.min() > 0, plan
        edges = edges_of(mesh)
        named = {
            tuple(sorted(e[:2]))
            for n in ("wall", "x_zero", "y_zero")
            for e in mesh.lines.get(n, np.zeros((0, 2))).tolist()
        }
        outer = {tuple(sorted(e[:2])) for e in edges.nodes[edges.cells[:, 1] < 0].tolist()}
        assert outer == named, plan
        area, share = areas(mesh), SHARE[plan.meshed]
        whole = {"circular": np.pi, "square": 4.0, "hexagonal": 2 * np.sqrt(3), "chip": 1.0}[plan.shape] * plan.size**2
        close(area.sum(), whole * share, 2e-5)
        within = inside(mesh)
        for i, circle in enumerate(plan.circles):
            close(area[within[:, i]].sum(), np.pi * circle.radius**2 * share, 2e-5)
            rim = mesh.points[np.unique(mesh.lines[circle.name])] - np.array(circle.centre) - np.array(plan.place)
            close(np.hypot(*rim.T), circle.radius, 1e-13)
        if len(plan.circles) == 2 and within.all(axis=1).any():
            a, b = plan.circles
            if abs(a.centre[0] - b.centre[0]) > abs(a.radius - b.radius):
                close(area[within.all(axis=1)].sum(), lens(a, b) * share, 2e-5, scale=whole)


def test_plans_are_graded_to_both_sides_of_every_circle():
    plan = Plan("square", 60.0, (Circle("one", (-10.0, 0.0), 25.0), Circle("two", (10.0, 0.0), 25.0)))
    mesh = plan_mesh(plan, Grading(0.1, 1.5))
    corner = mesh.points[mesh.cells[:, :4]]
    for circle in plan.circles:
        distance = np.hypot(corner[..., 0] - circle.centre[0], corner[..., 1]) - circle.radius
        touching = (np.abs(distance) < 1e-9).sum(axis=1) == 2
        for sign in (1, -1):
            depth = (sign * distance[touching]).max(axis=1)
            depth = depth[depth > 1e-6]
            assert len(depth) > 20
            assert depth.max() < 0.25
    assert quality(mesh).worst_jacobian > 0.2


def test_finer_arcs_hold_the_area_to_the_fourth_order():
    errors = []
    for around in (16, 32, 64):
        mesh = plan_mesh(Plan("circular", 20.0, (Circle("c", (0.0, 0.0), 10.0),), around=around), Grading(2.0, 1.5))
        errors.append(abs(areas(mesh)[inside(mesh)[:, 0]].sum() / (25 * np.pi) - 1))
    assert errors[0] / errors[1] > 12
    assert errors[1] / errors[2] > 12


@pytest.mark.parametrize(
    ("circles", "text"),
    [
        ([(0, 10), (30, 10)], "lie apart"),
        ([(0, 10), (5, 5)], "touch"),
        ([(0, 10), (8, 10), (-7, 10)], "more than two circles cross"),
        ([(0, 40)], "not inside the cell"),
        ([], "no circle"),
    ],
)
def test_what_has_no_plan_is_said(circles, text):
    named = tuple(Circle(f"c{i}", (float(x), 0.0), float(r)) for i, (x, r) in enumerate(circles))
    with pytest.raises(InputError, match=text):
        plan_mesh(Plan("square", 35.0, named), Grading(1.0, 1.5))


def test_a_plan_swept_through_layers():
    circles = (Circle("one", (-5.0, 0.0), 12.0), Circle("two", (5.0, 0.0), 12.0))
    plan = plan_mesh(Plan("hexagonal", 30.0, circles), Grading(0.5, 1.7))
    z = z_lines([-10.0, 0.0, 8.0, 16.0], {0.0: 0.5, 8.0: 0.5}, Grading(0.5, 1.7, fewest=2))
    within, middle = inside(plan), 0.5 * (z[1:] + z[:-1])
    region = np.full((len(middle), len(plan.cells)), 1)
    region[middle < 0] = 0
    region[np.ix_((middle > 0) & (middle < 8), within[:, 0])] = 2
    region[np.ix_(middle > 8, within[:, 1])] = 2
    region[np.ix_(middle > 8, ~within.any(axis=1))] = -1
    levels = {"back": Level(-10.0), "foot": Level(0.0, within[:, 0]), "nothing": Level(16.0, ~within.any(axis=1))}
    mesh = extrude(plan, z, region, ("chip", "resin", "post"), levels, {"foot_rim": ("one", 0.0)})
    points, weights = gauss_points("hex27", 4)
    volume = (jacobians(mesh, slice(None), shape("hex27", points)[1])[0] * weights).sum(axis=1)
    common = lens(*circles)
    half = 0.5 * np.array(
        [
            2 * np.sqrt(3) * 900 * 10,
            (2 * np.sqrt(3) * 900 - np.pi * 144) * 8 + (np.pi * 144 - common) * 8,
            np.pi * 144 * 16,
        ]
    )
    close([volume[mesh.region == i].sum() for i in range(3)], half, 2e-5)
    faces = faces_of(mesh)
    assert faces.shared.max() == 2
    assert set(mesh.surfaces) == {
        "wall",
        "x_max",
        "x_min",
        "upper_right",
        "upper_left",
        "y_zero",
        "one",
        "two",
        "back",
        "foot",
    }
    outer = {tuple(row) for row in faces.rows(np.flatnonzero(faces.shared == 1)).tolist()}
    assert all(tuple(row) in outer for name in ("wall", "y_zero", "back") for row in mesh.surfaces[name].tolist())
    rim = mesh.points[np.unique(mesh.lines["foot_rim"])]
    close(np.hypot(rim[:, 0] + 5.0, rim[:, 1]), 12.0, 1e-13)
    close(rim[:, 2], 0.0, scale=1.0)
