"""Backends: the same answer from each that is installed, and a plain word where one cannot give an answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from helpers import AXI, build, close, grid, held, isotropic, near

import femsim.base.system
import femsim.solvers.factor
from femsim.base.errors import InputError, NumericsError
from femsim.base.system import free_bytes
from femsim.solvers.factor import BACKENDS, available_backends, choose_backend, factorise
from femsim.solvers.memory import predicted_bytes
from femsim.solvers.solve import solve
from femsim.solvers.system import make_system

FOUND = [name for name in BACKENDS if available_backends()[name]]
EACH = [pytest.param(name, marks=pytest.mark.skipif(name not in FOUND, reason="not installed")) for name in BACKENDS]


def body(cells=24, element="quad9", hold=True):
    mesh = grid(np.linspace(0.0, 2.0, cells + 1), np.linspace(0.0, 1.0, cells + 1) ** 2, element)
    fixed = held((near(mesh, 1, 0.0), 1, 0.0)) if hold else {}
    return build(mesh, AXI, isotropic(100e3, 0.3, 17e-6), fixed, -100.0)


def matrix_of(*cells):
    model = body(*cells)
    return make_system(model.space, model.moduli).matrix


@pytest.fixture
def no_choice(monkeypatch):
    monkeypatch.delenv("FEMSIM_SOLVER", raising=False)


@pytest.mark.parametrize("backend", EACH)
def test_backends_solve_the_same_system(backend):
    """Against a dense solution; one right side and many, in either memory order; the right sides are left as they
    were.
    """
    upper = matrix_of(8)
    dense = np.triu(upper.toarray()) + np.triu(upper.toarray(), 1).T
    rhs = np.random.default_rng(0).normal(size=(len(dense), 3))
    kept = rhs.copy()
    factor = factorise(upper, backend)
    assert factor.backend == backend
    exact = np.linalg.solve(dense, rhs)
    close(factor.solve(rhs), exact, 1e-9)
    close(factor.solve(np.asfortranarray(rhs)), exact, 1e-9)
    close(factor.solve(rhs[:, :1]), exact[:, :1], 1e-9)
    assert np.array_equal(rhs, kept)


@pytest.mark.parametrize("backend", EACH)
def test_backends_give_the_same_body(backend, no_choice):
    wanted = solve(body(), backend="superlu")
    found = solve(body(), backend=backend)
    assert found.factor.backend == backend
    close(found.displacement, wanted.displacement, 1e-10)
    assert found.checks.residual < 1e-8


@pytest.mark.parametrize("backend", EACH)
def test_two_factors_live_side_by_side(backend):
    one, two = (matrix_of(n) for n in (4, 6))
    first, second = factorise(one, backend), factorise(two, backend)
    for matrix, factor in ((one, first), (two, second), (one, first)):
        rhs = np.ones((matrix.shape[0], 1))
        full = sp.triu(matrix) + sp.triu(matrix, 1).T
        close(full @ factor.solve(rhs), rhs, 1e-8)


@pytest.mark.parametrize("backend", EACH)
def test_a_singular_matrix_is_refused(backend):
    """Rows without any stiffness, as of nodes that belong to no cell."""
    matrix = sp.bsr_matrix(
        (np.array([[[2.0, 0.0], [0.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]]]), [0, 1], [0, 1, 2]), shape=(4, 4)
    )
    with pytest.raises(NumericsError, match="held everywhere"):
        factorise(matrix, backend)


@pytest.mark.parametrize("backend", EACH)
def test_a_body_that_floats_is_refused(backend):
    """Pulled along the axis and held nowhere: there is no equilibrium, whatever pivots round-off has left."""
    model = body(6, hold=False)
    load = np.zeros(model.ndof)
    load[1::2] = 1.0
    with pytest.raises(NumericsError):
        solve(model, load=load, backend=backend)


def test_the_backend_is_chosen_by_argument_then_environment_then_size(monkeypatch, no_choice):
    monkeypatch.setattr(femsim.solvers.factor, "_found", lambda: ("pardiso", "superlu"))
    assert choose_backend() == "pardiso"
    assert choose_backend(None, 100) == "superlu", "a small system needs no MKL"
    assert choose_backend(None, 10**6) == "pardiso"
    monkeypatch.setenv("FEMSIM_SOLVER", "superlu")
    assert choose_backend(None, 10**6) == "superlu"
    assert choose_backend("pardiso", 100) == "pardiso"


@pytest.mark.parametrize("by", ["argument", "environment"])
def test_an_unknown_backend_is_bad_input(by, monkeypatch):
    monkeypatch.setenv("FEMSIM_SOLVER", "mumps")
    with pytest.raises(InputError, match=r"FEMSIM_SOLVER: 'mumps' is not one of pardiso, cholmod, superlu"):
        choose_backend("mumps" if by == "argument" else None)


def test_a_backend_that_is_not_installed_is_bad_input(monkeypatch):
    monkeypatch.setattr(femsim.solvers.factor, "_found", lambda: ("superlu",))
    monkeypatch.setenv("FEMSIM_SOLVER", "cholmod")
    with pytest.raises(InputError, match=r"FEMSIM_SOLVER: 'cholmod' is not installed; found: superlu"):
        choose_backend()
    with pytest.raises(InputError, match="not installed"):
        solve(body(4))


@pytest.mark.parametrize("backend", EACH)
def test_memory_is_refused_before_it_runs_out(backend, monkeypatch):
    """With a megabyte free the factorisation says what it needs and what there is, and what to change."""
    matrix = matrix_of()
    monkeypatch.setattr(femsim.base.system, "_SMALL", 0.0)
    monkeypatch.setattr(femsim.base.system, "free_bytes", lambda: 1e3)
    with pytest.raises(
        NumericsError, match=rf"{matrix.shape[0]} unknowns needs about .* GB, .* GB are free; use a larger mesh.size"
    ):
        factorise(matrix, backend)


@pytest.mark.parametrize("backend", EACH)
def test_memory_that_suffices_or_is_unknown_is_no_fault(backend, monkeypatch):
    matrix = matrix_of(6)
    for free in (None, 1e12):
        monkeypatch.setattr(femsim.base.system, "free_bytes", lambda free=free: free)
        assert factorise(matrix, backend).backend == backend


def test_a_factorisation_that_runs_out_says_so(monkeypatch):
    import scipy.sparse.linalg as spla

    def exhausted(*_, **__):
        raise MemoryError

    monkeypatch.setattr(spla, "splu", exhausted)
    with pytest.raises(NumericsError, match="not enough memory"):
        factorise(matrix_of(4), "superlu")


@pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="the system does not say")
def test_free_memory_is_what_the_system_says():
    assert 1e7 < (free_bytes() or 0.0) < 1e14


@pytest.mark.parametrize("cells", [20, 60, 120])
def test_predicted_entries_are_within_a_factor_of_two(cells):
    """Of the entries that elimination really leaves, counted in SuperLU's factor: 9 bytes each with PARDISO's
    compressed indices.
    """
    matrix = matrix_of(cells)
    factor = factorise(matrix, "superlu")
    measured = factor.lu.L.nnz
    predicted = predicted_bytes(matrix.shape[0], "pardiso") / 9.0
    assert 0.5 < predicted / measured < 2.0
