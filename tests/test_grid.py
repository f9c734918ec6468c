"""Layout -> mesh: conforming, graded as asked, lines on their places, regions filled."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import QUADS, close

import femsim.base.system
import femsim.meshes.grid
from femsim.base.errors import InputError, NumericsError
from femsim.meshes.elements import gauss_points, shape
from femsim.meshes.facets import edges_of, find_edges
from femsim.meshes.grid import FEWEST, Grading, make_mesh, tensor_mesh
from femsim.meshes.layout import Block, Layout, Line, Root, paint
from femsim.meshes.mesh import jacobians, quality

ROOT = Root("root", (4.0, 0.0), "post", (-1, 1), 4.0, 5.0)
LAYOUT = Layout(
    blocks=(
        Block("chip", (0.0, 10.0), (-6.0, 0.0)),
        Block("resin", (0.0, 10.0), (0.0, 3.0)),
        Block("post", (0.0, 4.0), (0.0, 5.0)),
    ),
    lines=(Line("back", 1, -6.0, (0.0, 10.0)), Line("surface", 1, 0.0, (0.0, 10.0)), Line("wall", 0, 4.0, (0.0, 5.0))),
    roots=(ROOT,),
)


def areas(mesh):
    xi, w = gauss_points(mesh.element, mesh.info.full)
    determinant, _ = jacobians(mesh, slice(None), shape(mesh.element, xi)[1])
    assert np.all(determinant > 0)
    return np.bincount(mesh.region, (determinant * w).sum(axis=1))


@pytest.mark.parametrize("element", QUADS)
def test_regions_fill_the_layout(element):
    mesh = make_mesh(LAYOUT, Grading(0.01, 1.4), element, (1.0,))
    assert mesh.regions == ("chip", "resin", "post")
    close(areas(mesh), [60.0, 18.0, 20.0], 1e-12)
    assert len(np.unique(mesh.cells)) == len(mesh.points)  # no orphan
    assert len(np.unique(np.round(mesh.points, 12), axis=0)) == len(mesh.points)  # no double


def test_outer_edges_are_the_outline():
    mesh = make_mesh(LAYOUT, Grading(0.01, 1.4))
    edges = edges_of(mesh)
    ends = mesh.points[edges.nodes[edges.cells[:, 1] < 0][:, :2]]
    length = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1).sum()
    assert length == pytest.approx(10 + 9 + 6 + 2 + 4 + 11, rel=1e-12)
    # counter-clockwise: the signed area by the trapezoid rule
    assert 0.5 * np.sum(ends[:, 0, 0] * ends[:, 1, 1] - ends[:, 1, 0] * ends[:, 0, 1]) == pytest.approx(98.0, rel=1e-12)


@pytest.mark.parametrize(("size", "growth"), [(0.1, 1.2), (1e-3, 1.3), (1e-5, 1.15), (0.02, 2.0)])
def test_grading(size, growth):
    """The first cell is not larger than asked, and neighbours differ by the growth factor (within what whole numbers of
    cells allow).
    """
    mesh = make_mesh(LAYOUT, Grading(size, growth), "quad4")
    x = np.unique(mesh.points[:, 0])
    h = np.diff(x)
    at = int(np.argmin(np.abs(x - 4.0)))
    assert x[at] == 4.0
    for first in (h[at - 1], h[at]):
        assert 0.7 * size < first <= size * (1 + 1e-6)
    ratio = h[1:] / h[:-1]
    assert ratio.max() <= growth * 1.05
    assert ratio.min() >= 1 / (growth * 1.05)


def test_largest_element_and_fewest():
    mesh = make_mesh(LAYOUT, Grading(0.5, 1.5, largest=0.6), "quad4")
    assert quality(mesh).largest_edge <= 0.6 * (1 + 1e-9)
    coarse = make_mesh(Layout(blocks=(Block("a", (0.0, 1.0), (0.0, 2.0)),)), Grading(1.0, 1.5), "quad4")
    assert len(coarse.cells) == FEWEST**2


def test_lines_of_averaging_rings_are_grid_lines():
    mesh = make_mesh(LAYOUT, Grading(0.05, 1.5), "quad9", (1.0, 2.5))
    x, y = np.unique(mesh.points[:, 0]), np.unique(mesh.points[:, 1])
    for length in (1.0, 2.5):
        assert np.any(x == 4.0 - length)
        assert np.any(y == length)


@pytest.mark.parametrize("element", QUADS)
def test_named_lines(element):
    mesh = make_mesh(LAYOUT, Grading(0.05, 1.5), element)
    for name, axis, value, length in (("back", 1, -6.0, 10.0), ("surface", 1, 0.0, 10.0), ("wall", 0, 4.0, 5.0)):
        edges = mesh.lines[name]
        x = mesh.points[edges]
        assert np.all(x[..., axis] == value)
        assert np.linalg.norm(x[:, 1] - x[:, 0], axis=1).sum() == pytest.approx(length, rel=1e-12)
        if edges.shape[1] == 3:
            close(x[:, 2], 0.5 * (x[:, 0] + x[:, 1]), 1e-13)
        assert np.all(find_edges(mesh, edges_of(mesh), edges) >= 0)


def test_deterministic():
    one, two = (make_mesh(LAYOUT, Grading(0.01, 1.3)) for _ in range(2))
    assert np.array_equal(one.points, two.points)
    assert np.array_equal(one.cells, two.cells)


@pytest.mark.parametrize("element", QUADS)
def test_void(element):
    mesh = tensor_mesh(np.arange(4.0), np.arange(4.0), np.array([[0, 0, 0], [0, -1, 0], [0, 0, 0]]), ("ring",), element)
    close(areas(mesh), [8.0])
    assert np.sum(edges_of(mesh).cells[:, 1] < 0) == 16


def test_too_many_cells_are_refused():
    fine = Grading(1e-7, 1.05, largest=1e-3)
    with pytest.raises(InputError, match=r"mesh.largest: 0.001 um gives"):
        make_mesh(LAYOUT, fine, "quad4")


@pytest.mark.parametrize(
    "grading", [Grading(0.1, 1.3, largest=1e-6), Grading(0.1, 1.3, largest=1e-300), Grading(1e-7, 1.0 + 1e-7)]
)
def test_cells_are_counted_before_they_are_made(grading, monkeypatch):
    """Refused from the counts alone: a line that is drawn is a failure."""
    monkeypatch.setattr(femsim.meshes.grid, "interval", lambda *_: pytest.fail("drawn"))
    with pytest.raises(InputError, match="cells in one direction"):
        make_mesh(LAYOUT, grading)


def test_a_mesh_that_does_not_fit_into_the_memory_is_refused(monkeypatch):
    monkeypatch.setattr(femsim.base.system, "free_bytes", lambda: 1e7)
    with pytest.raises(NumericsError, match=r"a mesh of .* cells needs about .* GB are free"):
        make_mesh(LAYOUT, Grading(0.1, 1.3, largest=0.01), "quad4")


def test_blocks_that_make_too_many_cells_are_refused():
    steps = np.linspace(0, 1, 900)
    blocks = tuple(Block(f"{i}", (0.0, x), (0.0, x)) for i, x in enumerate(steps[1:]))
    with pytest.raises(InputError, match="899 x 899 cells"):
        paint(Layout(blocks))


def test_quality():
    q = quality(tensor_mesh(np.array([0.0, 1.0, 3.0]), np.array([0.0, 0.25]), np.array([[0, 0]]), ("a",), "quad9"))
    assert (q.elements, q.nodes, q.dofs) == (2, 15, 30)
    assert (q.smallest_edge, q.largest_edge, q.largest_aspect) == (0.25, 2.0, 8.0)
    assert q.worst_jacobian == pytest.approx(1.0)
