"""Sparse direct solvers behind one small protocol: factor once, solve many times.

| backend | where from | licence |
|---|---|---|
| pardiso | extra ``mkl`` (pypardiso and the MKL it brings) | BSD-3-Clause; MKL: Intel Simplified Software License |
| cholmod | extra ``cholmod`` (scikit-sparse; needs SuiteSparse and a compiler) | BSD-2-Clause; CHOLMOD supernodal: GPL-2.0-or-later |
| superlu | scipy, always there | BSD-3-Clause |
| petsc | petsc4py and mpi4py of the cluster, where asked for (:mod:`femsim.solvers.petsc`) | BSD-2-Clause; MUMPS: CeCILL-C |

All are given matrices whose unknowns stand in the geometric elimination order already; PARDISO alone may order anew.
"""  # noqa: E501

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp

from femsim.base.arrays import FloatArray
from femsim.base.errors import InputError, NumericsError
from femsim.solvers.memory import predicted_bytes, refuse_beyond
from femsim.solvers.pardiso import PardisoFactor

#: fewer unknowns than this are solved by SuperLU in less time than MKL takes to load
SMALL = 60_000
#: and where so many systems are solved that loading does not count
SMALL_OF_MANY = 1_000
#: the same for bodies in space
SMALL_SOLID = 6_000
#: names in the order of preference
BACKENDS = ("pardiso", "cholmod", "superlu", "petsc")
_MODULES = {"pardiso": "pypardiso", "cholmod": "sksparse", "superlu": "scipy", "petsc": "petsc4py"}


_MANY: ContextVar[bool] = ContextVar("many", default=False)


@contextmanager
def many_systems() -> Iterator[None]:
    """Within this, systems are taken to be some of hundreds: small ones too go to the solver that is fastest once it is
    loaded.
    """
    token = _MANY.set(True)
    try:
        yield
    finally:
        _MANY.reset(token)


_LOADED = threading.Event()


def warm_up() -> None:
    """Load MKL beside what the process has to do before it solves: a library's loading leaves the interpreter free.

    Systems take it then as if they were many. Nothing happens where another backend is asked for or found first.
    """
    if _LOADED.is_set() or choose_backend() != "pardiso":
        return
    _LOADED.set()  # a system that comes before it is there waits for it
    threading.Thread(target=_load, name="femsim-mkl").start()


def _load() -> None:
    try:
        PardisoFactor(sp.bsr_matrix(2.0 * np.eye(2))).close()
    except Exception:  # the solve that wants it says what is wrong
        _LOADED.clear()


class Factor(Protocol):
    """A factorised symmetric positive definite matrix."""

    @property
    def backend(self) -> str:
        """Name of the solver."""
        ...

    def solve(self, rhs: FloatArray) -> FloatArray:
        """Solution (n, k) for right sides (n, k)."""
        ...


@dataclass(frozen=True)
class SuperLUFactor:
    """LU factors without pivoting (symmetric mode)."""

    lu: Any
    backend: str = "superlu"

    def solve(self, rhs: FloatArray) -> FloatArray:
        """Solution (n, k)."""
        return np.asarray(self.lu.solve(np.ascontiguousarray(rhs)))


@dataclass(frozen=True)
class CholmodFactor:
    """Supernodal Cholesky factor."""

    factor: Any
    backend: str = "cholmod"

    def solve(self, rhs: FloatArray) -> FloatArray:
        """Solution (n, k)."""
        return np.asarray(self.factor(np.asfortranarray(rhs)))


def factorise(upper: sp.bsr_matrix, backend: str | None = None, dim: int = 2) -> Factor:
    """Factor a symmetric positive definite matrix given by its upper triangle of blocks (sorted), in its natural order;
    bodies in space (``dim`` 3) PARDISO may order itself, by METIS, where that takes fewer operations.

    ``backend`` None takes the environment's FEMSIM_SOLVER or else the first one found. Raises NumericsError where the
    matrix is singular or the factor would not fit into the memory that is free.
    """
    n = upper.shape[0]
    chosen = choose_backend(backend, n, dim)
    try:
        if chosen == "pardiso":
            return PardisoFactor(upper, ordered=True if dim == 2 else None)
        if chosen == "petsc":
            from femsim.solvers.petsc import PetscFactor

            return PetscFactor(upper, whole(upper).tocsr() if os.environ.get("FEMSIM_PETSC") else None)
        refuse_beyond(predicted_bytes(n, chosen, dim), n)
        if chosen == "cholmod":
            return _cholmod(upper)
        return _superlu(upper)
    except MemoryError as error:
        raise NumericsError(
            f"not enough memory to factorise {n} unknowns; use a larger mesh.size or mesh.growth"
        ) from error


def whole(upper: sp.bsr_matrix) -> sp.csc_matrix:
    """The whole symmetric matrix (CSC) from its upper triangle of blocks: U + U^T, the diagonal blocks in halves."""
    halved = upper.data.copy()
    halved[upper.indptr[:-1]] *= 0.5
    half = sp.bsr_matrix((halved, upper.indices, upper.indptr), shape=upper.shape).tocsr()
    half.eliminate_zeros()
    full = half + half.T.tocsr()
    # rows and columns are the same
    return sp.csc_matrix((full.data, full.indices, full.indptr), shape=full.shape)


def _superlu(upper: sp.bsr_matrix) -> SuperLUFactor:
    import scipy.sparse.linalg as spla

    full = whole(upper)
    try:
        lu = spla.splu(full, permc_spec="NATURAL", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    except RuntimeError as error:
        raise NumericsError(f"the stiffness matrix is singular ({error}); is the body held everywhere?") from error
    return SuperLUFactor(lu)


def _cholmod(upper: sp.bsr_matrix) -> CholmodFactor:
    from sksparse.cholmod import CholmodError, cholesky

    try:
        # CHOLMOD reads the lower triangle by columns, which is the upper one by rows
        return CholmodFactor(cholesky(upper.tocsr().T, ordering_method="natural", mode="supernodal"))
    except CholmodError as error:
        raise NumericsError(
            f"CHOLMOD could not factorise the stiffness matrix ({error}); is the body held everywhere?"
        ) from error


def available_backends() -> dict[str, bool]:
    """Which backends this installation has."""
    return {name: find_spec(module) is not None for name, module in _MODULES.items()}


@lru_cache(maxsize=1)
def _found() -> tuple[str, ...]:
    return tuple(name for name in BACKENDS if available_backends()[name])


def choose_backend(backend: str | None = None, unknowns: int | None = None, dim: int = 2) -> str:
    """The backend used: the one asked for (argument, then FEMSIM_SOLVER), else SuperLU for small systems (fewer of
    them within :func:`many_systems` or after :func:`warm_up`), the first found for others.
    """
    found = _found()
    wanted = backend or os.environ.get("FEMSIM_SOLVER") or ""
    if not wanted:
        ready = _MANY.get() or _LOADED.is_set()
        small = SMALL_OF_MANY if ready else SMALL if dim == 2 else SMALL_SOLID
        return "superlu" if unknowns is not None and unknowns < small else found[0]
    if wanted not in BACKENDS:
        raise InputError(f"FEMSIM_SOLVER: {wanted!r} is not one of {', '.join(BACKENDS)}")
    if wanted not in found:
        raise InputError(f"FEMSIM_SOLVER: {wanted!r} is not installed; found: {', '.join(found)}")
    return wanted
