"""Rigorous bounds of reduced bases: never below the error, and the traps that would put them there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.linalg as sl
import scipy.sparse as sp

from femsim.cases.casefile import apply_overrides, find_case, read_toml
from femsim.reduced.basis import chosen
from femsim.reduced.build import pieces_of, problem_of, reduced, shared, spread, truth_of
from femsim.reduced.certificate import certificate_of
from femsim.reduced.columns import columns_of
from femsim.reduced.crew import Cases, Crew
from femsim.reduced.spectrum import barycentric, corners_of, ends_of, lanczos, spectrum_of, stretched


def test_points_of_the_hyperbola_are_means_of_the_corners_of_its_tangents() -> None:
    knots = np.geomspace(0.3, 2.5, 4)
    corners = corners_of(knots)
    scale = np.random.default_rng(0).uniform(0.3, 2.5, 200)
    first, weights = barycentric(knots, scale)
    assert weights.min() >= 0.0
    assert np.allclose(weights.sum(axis=1), 1.0, rtol=1e-12)
    mean = np.einsum("kc,kcx->kx", weights, corners[first[:, None] + np.arange(3)])
    assert np.allclose(mean, np.column_stack([scale, 1.0 / scale]), rtol=1e-10)


def test_eigenvalues_are_bounded_though_lanczos_comes_from_inside() -> None:
    rng = np.random.default_rng(1)
    n = 60
    plain, over = (rng.standard_normal((20, n)) for _ in range(2))

    def ask(scales: np.ndarray) -> sp.csc_matrix:
        (s,) = scales
        strain = np.concatenate([plain, over]) * np.repeat([1.0, 1.0 / s], 20)[:, None]
        joined = plain + over / s
        return sp.csc_matrix(0.1 * np.eye(n) + s * (strain.T @ strain + joined.T @ joined))

    parts = stretched(ask, 1)
    reference = ask(np.array([1.0]))
    factor = sl.cho_factor(reference.toarray())

    def solve(b: np.ndarray) -> np.ndarray:
        return np.asarray(sl.cho_solve(factor, b))

    scales = np.random.default_rng(2).uniform(0.6, 1.8, 40)
    matrix = ask(np.array([1.8]))
    exact = sl.eigh(matrix.toarray(), reference.toarray(), eigvals_only=True)
    inside = lanczos(matrix, reference, solve, 4)
    assert inside[0] > exact[0] * 1.005  # taken for a bound, it would be none
    assert ends_of(matrix, reference, solve)[0] <= exact[0]
    assert ends_of(matrix, reference, solve)[1] >= exact[-1]
    table = spectrum_of(parts, [0], [(0.6, 1.8)], reference, solve)
    low, high = table.at(scales[:, None])
    for k, s in enumerate(scales):
        values = sl.eigh(ask(np.array([s])).toarray(), reference.toarray(), eigvals_only=True)
        assert low[k] <= values[0]
        assert values[-1] <= high[k]
    assert np.all(low > 0.0)


def test_no_bound_is_below_the_error_unless_the_gram_matrix_is_cut_off() -> None:
    keys = ("geometry.high_thickness", "geometry.ratio", "materials.low.E", "materials.low.nu", "materials.high.cte")
    low, high = np.array([16.0, 4.0, 1.5, 0.3, 5.0]), np.array([22.0, 5.5, 2.5, 0.4, 15.0])
    settings = ["mesh.size=0.5", "mesh.growth=2.5", "metrics.length=5"]
    data = apply_overrides(read_toml(find_case("bilayer")), settings, "")
    problem = problem_of(Cases({"name": "test", **data}, keys), low, high)
    truth = truth_of(problem, low, high)
    rng = np.random.default_rng(0)
    designs = spread(problem, low, high, rng.random((10, 5)))
    pieces = pieces_of(problem, truth, low, high, Crew().snapshots(truth, list(designs)), designs, 0)
    size = (8, 16)
    box = reduced(problem, truth, low, high, pieces, size)
    columns = columns_of(problem, truth, box, pieces.span.modes @ chosen(pieces.span, *size))
    certificate = certificate_of(problem, truth, box, columns, low, high)
    fresh = spread(problem, low, high, rng.random((8, 5)))
    quantities = problem.forms.at(fresh)
    full = shared(box, quantities, Crew().values(truth, list(fresh)))
    error, level = np.abs(box.values(quantities) - full), np.abs(full[:, 2::3])
    tractions = [k for k in range(full.shape[1]) if k % 3 != 2]
    bounds = certificate.bounds(box, quantities)
    assert np.all(error <= bounds)  # of von Mises no proof, but so it should be
    assert np.median(bounds / np.repeat(level, 3, axis=1)) < 0.02
    assert np.median((bounds / error)[:, tractions]) < 10.0
    assert np.allclose(certificate.bounds(box, quantities, [1])[:, 1], bounds[:, 1], rtol=1e-6)
    few = replace(certificate, factor=certificate.factor[:4], subspace=certificate.subspace[:4], cut=0.0, lost=1e-300)
    assert np.any(error[:, tractions] > few.bounds(box, quantities)[:, tractions])  # left out, and nothing added
    left = np.linalg.norm(certificate.factor[4:], axis=1).max() ** 2 + certificate.cut
    whole = replace(few, cut=left, lost=left).bounds(box, quantities)
    assert np.all(error[:, tractions] <= whole[:, tractions])
    outside = spread(problem, low, high, np.full((1, 5), 0.5))
    outside[0, 2] = 100.0  # a modulus outside is bounded all the same, by its ratio to the reference's
    numbers = problem.forms.at(outside)
    there = np.abs(box.values(numbers) - shared(box, numbers, Crew().values(truth, list(outside))))
    assert np.all(there[:, tractions] <= certificate.bounds(box, numbers)[:, tractions])
