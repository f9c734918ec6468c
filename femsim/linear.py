"""Sparse direct solvers behind one small protocol: factor once, solve many times.

| backend | where from | licence |
|---|---|---|
| pardiso | extra ``mkl`` (pypardiso and the MKL it brings) | BSD-3-Clause; MKL: Intel Simplified Software License |
| cholmod | extra ``cholmod`` (scikit-sparse; needs SuiteSparse and a compiler) | BSD-2-Clause; CHOLMOD supernodal: GPL-2.0-or-later |
| superlu | scipy, always there | BSD-3-Clause |

All are given matrices whose unknowns stand in the geometric elimination order already, so none of them orders.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from femsim.errors import InputError, NumericsError

FloatArray = npt.NDArray[np.float64]

#: fewer unknowns than this are solved by SuperLU in less time than MKL takes to load
SMALL = 60_000
#: names in the order of preference
BACKENDS = ("pardiso", "cholmod", "superlu")
_MODULES = {"pardiso": "pypardiso", "cholmod": "sksparse", "superlu": "scipy"}


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


class PardisoFactor:
    """Cholesky factor held by MKL PARDISO; its memory is given back when the object goes.

    PARDISO is called directly, since pypardiso's own call knows no block storage, which makes the analysis three times faster and lighter.
    """

    backend = "pardiso"

    def __init__(self, upper: sp.bsr_matrix) -> None:
        _point_to_mkl()
        # its threads would spin for 200 ms after each call and slow the others
        os.environ.setdefault("KMP_BLOCKTIME", "1")
        from pypardiso import PyPardisoSolver

        self._upper = upper
        self._blocks = upper.shape[0] // 2
        self._solver = PyPardisoSolver(mtype=2)  # real, symmetric positive definite
        # iparm (1-based): own settings, user permutation (the natural one), no scaling, no matching, two-level factorisation, indices
        # from zero, blocks of two
        for number, value in ((1, 1), (2, 2), (5, 1), (8, 0), (10, 8), (11, 0), (13, 0), (24, 1), (27, 0), (35, 1), (37, 2)):
            self._solver.iparm[number - 1] = value
        self._order = np.arange(self._blocks, dtype=np.int32)
        self._call(11)
        iparm = self._solver.iparm
        _refuse_beyond(max(iparm[14], iparm[15] + iparm[16]) * 1024.0, upper.shape[0])
        self._call(22)

    def solve(self, rhs: FloatArray) -> FloatArray:
        """Solution (n, k)."""
        return self._call(33, np.asfortranarray(rhs))

    def _call(self, phase: int, rhs: FloatArray | None = None) -> FloatArray:
        """One phase of PARDISO; the solution (n, k) of phase 33."""
        from ctypes import POINTER, byref, c_double, c_int32

        def one(number: int) -> Any:
            return byref(c_int32(number))

        def at(array: npt.NDArray[Any], kind: Any) -> Any:
            return array.ctypes.data_as(POINTER(kind))

        rhs = np.zeros((1, 1), order="F") if rhs is None else rhs
        solution = np.zeros_like(rhs)
        error = c_int32(0)
        upper, solver = self._upper, self._solver
        solver._mkl_pardiso(
            at(solver.pt, solver._pt_type[0]), one(1), one(1), one(2), one(phase), one(self._blocks),
            at(upper.data, c_double), at(upper.indptr, c_int32), at(upper.indices, c_int32), at(self._order, c_int32),
            one(rhs.shape[1]), at(solver.iparm, c_int32), one(0), at(rhs, c_double), at(solution, c_double), byref(error),
        )  # fmt: skip
        if error.value:
            self.close()
            raise NumericsError(f"MKL PARDISO could not factorise the stiffness matrix (error {error.value}); is the body held everywhere?")
        return solution

    def close(self) -> None:
        """Give MKL's memory back."""
        if self._solver is not None:
            self._solver.free_memory(everything=True)
            self._solver = None

    def __del__(self) -> None:
        try:
            self.close()
        except Exception:  # the interpreter is going down: nothing left to free
            return


def _point_to_mkl() -> None:
    """Tell pypardiso where the installed MKL lies; its own search walks the whole environment (seconds on a slow disk)."""
    from importlib.metadata import PackageNotFoundError, files

    if os.environ.get("PYPARDISO_MKL_RT"):
        return
    try:
        listed = files("mkl") or []
    except PackageNotFoundError:
        return
    for file in listed:
        if "mkl_rt" in file.name:
            os.environ["PYPARDISO_MKL_RT"] = str(file.locate())
            return


def factorise(upper: sp.bsr_matrix, backend: str | None = None) -> Factor:
    """Factor a symmetric positive definite matrix given by its upper triangle of 2 x 2 blocks (sorted), in its natural order.

    ``backend`` None takes the environment's FEMSIM_SOLVER or else the first one found. Raises NumericsError where the matrix is singular
    or the factor would not fit into the memory that is free.
    """
    n = upper.shape[0]
    chosen = choose_backend(backend, n)
    try:
        if chosen == "pardiso":
            return PardisoFactor(upper)
        _refuse_beyond(predicted_bytes(n, chosen), n)
        if chosen == "cholmod":
            return _cholmod(upper)
        return _superlu(upper)
    except MemoryError as error:
        raise NumericsError(f"not enough memory to factorise {n} unknowns; use a larger mesh.size or growth") from error


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
        raise NumericsError(f"CHOLMOD could not factorise the stiffness matrix ({error}); is the body held everywhere?") from error


def available_backends() -> dict[str, bool]:
    """Which backends this installation has."""
    return {name: find_spec(module) is not None for name, module in _MODULES.items()}


@lru_cache(maxsize=1)
def _found() -> tuple[str, ...]:
    return tuple(name for name in BACKENDS if available_backends()[name])


def choose_backend(backend: str | None = None, unknowns: int | None = None) -> str:
    """The backend used: the one asked for (argument, then FEMSIM_SOLVER), else SuperLU for small systems, the first found for others."""
    found = _found()
    wanted = backend or os.environ.get("FEMSIM_SOLVER") or ""
    if not wanted:
        return "superlu" if unknowns is not None and unknowns < SMALL else found[0]
    if wanted not in BACKENDS:
        raise InputError(f"FEMSIM_SOLVER: {wanted!r} is not one of {', '.join(BACKENDS)}")
    if wanted not in found:
        raise InputError(f"FEMSIM_SOLVER: {wanted!r} is not installed; found: {', '.join(found)}")
    return wanted


def predicted_bytes(n: int, backend: str) -> float:
    """Memory a factorisation of ``n`` condensed unknowns takes at its peak, from the growth law of nested dissection in the plane.

    The factor of a planar mesh has about n (a + b log2 n) entries (George 1973). With a = -25, b = 7.5 the law is within 14 % of the
    entries counted on the bilayer case with 10 thousand to 141 thousand condensed unknowns (66 to 103 an unknown). The bytes an entry are
    8 for the number and what indices, the matrix handed over and copies take: at 17, 149 and 755 thousand condensed unknowns the
    resident memory rose by 28, 26 and 27 an entry with SuperLU and by 13, 11 and 11 with CHOLMOD; what is taken is above.
    """
    entries = max(7.5 * np.log2(max(n, 2)) - 25.0, 50.0) * n
    return float(entries * {"superlu": 32.0, "cholmod": 13.0, "pardiso": 9.0}[backend])


def free_bytes() -> float | None:
    """Memory the system says is available, None where it does not say."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:  # noqa: PTH123
            for line in file:
                if line.startswith("MemAvailable:"):
                    return float(line.split()[1]) * 1024.0
    except OSError:
        pass
    return None


def _refuse_beyond(needed: float, n: int) -> None:
    """Raise NumericsError where the factor will not fit, instead of letting the system kill the process."""
    free = free_bytes()
    if free is not None and needed > free:
        raise NumericsError(
            f"factorising {n} unknowns needs about {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free; "
            "use a larger mesh.size or mesh.growth"
        )
