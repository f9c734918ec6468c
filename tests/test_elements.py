"""Reference elements: node order, partition of unity, polynomials they hold, quadrature, extrapolation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from helpers import ALL, close, reference_points

from femsim.meshes.elements import (
    ELEMENTS,
    extrapolation,
    gauss_points,
    line_gauss,
    line_shape,
    node_points,
    reduced_basis,
    shape,
)

POWERS = {
    "quad4": [(0, 0), (1, 0), (0, 1), (1, 1)],
    "quad8": [(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2), (2, 1), (1, 2)],
    "quad9": [(i, j) for i in range(3) for j in range(3)],
    "tri3": [(0, 0), (1, 0), (0, 1)],
    "tri6": [(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2)],
}


@pytest.mark.parametrize("element", ALL)
def test_nodes_and_shape_functions(element):
    nodes = node_points(element)
    values, _ = shape(element, nodes)
    close(values, np.eye(len(nodes)), 1e-13)
    info = ELEMENTS[element]
    assert (info.nodes, info.corners) == (len(nodes), 4 if element.startswith("quad") else 3)
    for a, b, *middle in info.edges:  # counter-clockwise corners, middles between them
        if middle:
            close(nodes[middle[0]], 0.5 * (nodes[a] + nodes[b]))
    corner = nodes[: info.corners]
    x, y = corner.T
    assert 0.5 * np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)) > 0


@pytest.mark.parametrize("element", ALL)
def test_polynomials_and_their_gradients(element):
    nodes, xi = node_points(element), reference_points(element)
    values, gradients = shape(element, xi)
    for i, j in POWERS[element]:
        close(values @ (nodes[:, 0] ** i * nodes[:, 1] ** j), xi[:, 0] ** i * xi[:, 1] ** j, 1e-12, scale=1.0)
        found = np.einsum("qnd,n->qd", gradients, nodes[:, 0] ** i * nodes[:, 1] ** j)
        dx = i * xi[:, 0] ** max(i - 1, 0) * xi[:, 1] ** j
        dy = j * xi[:, 0] ** i * xi[:, 1] ** max(j - 1, 0)
        close(found, np.column_stack([dx, dy]), 1e-12, scale=1.0)


@pytest.mark.parametrize("element", ALL)
@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
def test_quadrature_degree(element, order):
    xi, w = gauss_points(element, order)
    square = ELEMENTS[element].is_quad
    degree = 2 * order - 1 if square else {1: 1}.get(order, 2 * order - 2)
    for i in range(degree + 1):
        for j in range(degree + 1 - (0 if square else i)):
            exact = (
                1 / ((i + 1) * (j + 1)) if square else math.factorial(i) * math.factorial(j) / math.factorial(i + j + 2)
            )
            assert np.sum(w * xi[:, 0] ** i * xi[:, 1] ** j) == pytest.approx(exact, rel=1e-11)


@pytest.mark.parametrize("element", ALL)
def test_extrapolation_carries_the_polynomial_through_the_stress_points(element):
    info = ELEMENTS[element]
    xi, _ = gauss_points(element, info.reduced)
    assert len(xi) == {"quad4": 1, "tri3": 1, "tri6": 3}.get(element, 4)
    nodes = node_points(element)
    powers = [(0, 0)] if info.order == 1 else [(0, 0), (1, 0), (0, 1)] + ([(1, 1)] if info.is_quad else [])
    for i, j in powers:
        close(
            extrapolation(element) @ (xi[:, 0] ** i * xi[:, 1] ** j),
            nodes[:, 0] ** i * nodes[:, 1] ** j,
            1e-12,
            scale=1.0,
        )
    close(reduced_basis(element, xi), np.eye(len(xi)), 1e-12)


def test_lines():
    s, w = line_gauss(3)
    assert np.sum(w * s**5) == pytest.approx(1 / 6)
    for nodes, at in ((2, [0.0, 1.0]), (3, [0.0, 1.0, 0.5])):
        values, slopes = line_shape(nodes, np.array(at))
        close(values, np.eye(nodes))
        close(line_shape(nodes, s)[0].sum(axis=1), 1.0)
        close(slopes @ np.array(at), 1.0)
        close(slopes.sum(axis=1), 0.0, scale=1.0)
