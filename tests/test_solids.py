"""Elements and meshes in space: shape functions, quadrature, faces, conformity, locating, boxes."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from helpers import close
from solids import SOLIDS, cube, eighth_spheres, two_boxes

from femsim.base.errors import InputError
from femsim.meshes.elements import (
    ELEMENTS,
    extrapolation,
    gauss_points,
    node_points,
    reduced_basis,
    shape,
)
from femsim.meshes.extrude import Box, box_lines
from femsim.meshes.facets import faces_of, find_faces, outer_faces, parts_of, surface_nodes
from femsim.meshes.grid import Grading
from femsim.meshes.locate import box_pairs, locate, locate_many, locate_side
from femsim.meshes.mesh import jacobians, quality


def _random_inside(element, count=40):
    xi = np.random.default_rng(3).random((8 * count, 3))
    kind = ELEMENTS[element].kind
    if kind == "tet":
        xi = xi[xi.sum(axis=1) < 1]
    elif kind == "wedge":
        xi = xi[xi[:, 0] + xi[:, 1] < 1]
    return xi[:count]


def _spans(element, p):
    """Whether a monomial lies in the element's space."""
    kind, order = ELEMENTS[element].kind, ELEMENTS[element].order
    if kind == "tet":
        return sum(p) <= order
    if kind == "wedge":
        return max(p[0] + p[1], p[2]) <= order and (element != "wedge15" or p[2] < 2 or p[0] + p[1] < 2)
    return max(p) <= order and (element != "hex20" or sum(k for k in p if k > 1) <= 2)


@pytest.mark.parametrize("element", SOLIDS)
def test_shape_functions_hold_the_space_and_its_gradients(element):
    nodes, xi = node_points(element), _random_inside(element)
    info = ELEMENTS[element]
    assert len(nodes) == info.nodes
    close(shape(element, nodes)[0], np.eye(len(nodes)), 1e-13)
    values, gradients = shape(element, xi)
    spanned = [p for p in product(range(3), repeat=3) if _spans(element, p)]
    assert len(spanned) == info.nodes
    for p in spanned:
        close(values @ np.prod(nodes**p, axis=1), np.prod(xi**p, axis=1), 1e-12, scale=1.0)
        for axis in range(3):
            lower = np.array(p)
            lower[axis] = max(p[axis] - 1, 0)
            close(
                gradients[:, :, axis] @ np.prod(nodes**p, axis=1),
                p[axis] * np.prod(xi**lower, axis=1),
                1e-11,
                scale=1.0,
            )


@pytest.mark.parametrize("element", SOLIDS)
def test_quadrature_and_extrapolation(element):
    info = ELEMENTS[element]

    def exact(i, j, k):
        if info.kind == "hex":
            return 1 / ((i + 1) * (j + 1) * (k + 1))
        if info.kind == "wedge":
            return math.factorial(i) * math.factorial(j) / math.factorial(i + j + 2) / (k + 1)
        return math.factorial(i) * math.factorial(j) * math.factorial(k) / math.factorial(i + j + k + 3)

    for order in (1, 2, 3, 4):
        xi, w = gauss_points(element, order)
        assert np.all(w > 0)
        plane = {1: 1}.get(order, 2 * order - 2)
        for p in product(range(2 * order), repeat=3):
            total = {"hex": -1, "wedge": p[0] + p[1], "tet": sum(p)}[info.kind]
            if total <= plane:
                assert np.sum(w * np.prod(xi**p, axis=1)) == pytest.approx(exact(*p), rel=1e-10)
    xi, _ = gauss_points(element, info.reduced)
    close(reduced_basis(element, xi), np.eye(len(xi)), 1e-12)
    linear = np.array([1.0, 2.0, -3.0]) if info.order == 2 else np.zeros(3)
    close(extrapolation(element) @ (xi @ linear + 1), node_points(element) @ linear + 1, 1e-12)


@pytest.mark.parametrize("element", SOLIDS)
def test_faces_look_outward_and_close_the_cell(element):
    """int n dA over the faces vanishes and int x.n dA is three times the volume (Gauss), also of a curved cell."""
    mesh = cube(element, 2, warp=0.08)
    points, weights = gauss_points(element, 4)
    volume = (jacobians(mesh, slice(None), shape(element, points)[1])[0] * weights).sum(axis=1)
    rows = np.array([(cell, local) for cell in range(len(mesh.cells)) for local in range(len(mesh.info.faces))])
    area, flux = np.zeros((len(mesh.cells), 3)), np.zeros(len(mesh.cells))
    for plane, (at, nodes) in surface_nodes(mesh, rows).items():
        xi, w = gauss_points(plane, 4)
        values, slopes = shape(plane, xi)
        x = mesh.points[nodes]
        tangent = np.einsum("qnd,knc->kqdc", slopes, x)
        normal = np.cross(tangent[:, :, 0], tangent[:, :, 1]) * w[:, None]
        np.add.at(area, rows[at, 0], normal.sum(axis=1))
        np.add.at(flux, rows[at, 0], np.einsum("kqc,kqc->k", normal, np.einsum("qn,knc->kqc", values, x)))
    close(area, 0.0, 1e-13, scale=1.0)
    close(flux, 3 * volume, 1e-12)
    assert volume.min() > 0
    close(volume.sum(), 1.0, 1e-12)


@pytest.mark.parametrize("element", SOLIDS)
def test_faces_part_cells(element):
    mesh = cube(element, 2)
    faces = faces_of(mesh)
    assert faces.shared.max() == 2
    assert np.sum(faces.shared == 1) == sum(len(rows) for rows in mesh.surfaces.values()) == len(outer_faces(mesh))
    local = mesh.info.faces[0][: mesh.info.facet_corners(0)]
    corners = mesh.cells[:, list(local)]
    assert np.array_equal(
        faces.rows(find_faces(mesh, faces, corners))[:, 0] <= np.arange(len(corners)), np.ones(len(corners))
    )
    assert np.all(find_faces(mesh, faces, corners[:, [0, 0, 1]]) == -1)
    assert parts_of(mesh)[0] == 1
    on = mesh.nodes_on("z_max")
    assert np.array_equal(on, np.flatnonzero(mesh.points[:, 2] >= 1 - 1e-12))


@pytest.mark.parametrize("element", SOLIDS)
def test_locate_inverts_the_map_in_curved_cells(element):
    mesh = cube(element, 3, warp=0.1)
    rng = np.random.default_rng(1)
    cells = rng.integers(0, len(mesh.cells), 60)
    xi = _random_inside(element, 60)
    values, _ = shape(element, xi)
    points = np.einsum("mn,mnc->mc", values, mesh.points[mesh.cells[cells]])
    found, place = locate_many(mesh, np.arange(len(mesh.cells)), points)
    assert np.array_equal(found, cells)
    close(place, xi, 1e-8, scale=1.0)
    one = locate(mesh, points[0])
    assert list(one.cells) == [cells[0]]
    close(one.xi[0], xi[0], 1e-9, scale=1.0)
    assert not len(locate(mesh, (0.5, 1.2, 0.5)).cells)
    assert len(locate(mesh, mesh.points[mesh.cells[0, 6 if mesh.info.kind == "hex" else 3]]).cells) > 1
    _, clipped = locate_many(mesh, np.arange(len(mesh.cells)), np.array([[0.5, 0.5, 1.5]]))
    assert clipped.max() <= 1.0


def test_box_tree_finds_every_pair():
    rng = np.random.default_rng(0)
    for count, wanted in ((1, 5), (7, 30), (1000, 200)):
        low = rng.random((count, 3))
        high = low + rng.random((count, 3)) * 10 ** rng.uniform(-4, 0, (count, 1))
        points = rng.random((wanted, 3))
        who, box = box_pairs(points, low, high)
        inside = np.all((points[:, None] >= low) & (points[:, None] <= high), axis=2)
        assert set(zip(who.tolist(), box.tolist(), strict=True)) == set(
            zip(*(v.tolist() for v in np.nonzero(inside)), strict=True)
        )
        assert len(who) == inside.sum()


def test_boxes_paint_and_grade():
    mesh = two_boxes()
    points, weights = gauss_points("hex27", 3)
    volume = (jacobians(mesh, slice(None), shape("hex27", points)[1])[0] * weights).sum(axis=1)
    close([volume[mesh.region == 0].sum(), volume[mesh.region == 1].sum()], [24.0, 9.0], 1e-12)
    assert quality(mesh).smallest_edge == pytest.approx(0.2, rel=0.3)
    assert quality(mesh).dofs == 3 * len(mesh.points)
    with pytest.raises(InputError, match="more than 20000000"):
        box_lines([Box("a", (0, 1e4), (0, 1e4), (0, 1e4))], Grading(1.0, 1.5, largest=1.0))


def test_points_of_a_sphere_lie_on_both_its_sides():
    """Cells with quadratic faces only approach a sphere: its points are found in the body within and in that around."""
    mesh = eighth_spheres([10.0, 25.0], 0.0, 2)
    for point, regions in (((10 / 3, 20 / 3, 20 / 3), ("layer0", "layer1")), ((25 / 3, 50 / 3, 50 / 3), ("layer1",))):
        for region in regions:
            side = locate_side(mesh, point, region)
            own = mesh.region[side.cells] == mesh.regions.index(region)
            values, _ = shape(mesh.element, side.xi[own])
            found = np.einsum("en,enc->ec", values, mesh.points[mesh.cells[side.cells[own]]])
            assert np.linalg.norm(found - point, axis=1).max() < 0.05
    assert not len(locate_side(mesh, (15.0, 15.0, 15.0), None).cells)
