"""Sparse direct solvers behind one small protocol: factor once, solve many times.

SuperLU (scipy) is always there and is given the geometric elimination order.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from femsim.errors import InputError, NumericsError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: names in the order of preference
BACKENDS = ("superlu",)


class Factor(Protocol):
    """A factorised symmetric matrix."""

    @property
    def backend(self) -> str:
        """Name of the solver."""
        ...

    def solve(self, rhs: FloatArray) -> FloatArray:
        """Solution for a right side (n,) or several (n, k)."""
        ...


@dataclass(frozen=True)
class SuperLUFactor:
    """LU factors in the permuted order."""

    lu: Any
    order: IntArray
    backend: str = "superlu"

    def solve(self, rhs: FloatArray) -> FloatArray:
        """Permute, solve, permute back."""
        solution = np.empty_like(rhs)
        solution[self.order] = self.lu.solve(np.ascontiguousarray(rhs[self.order]))
        return solution


def factorise(matrix: sp.csc_matrix, order: IntArray, backend: str | None = None) -> Factor:
    """Factor a symmetric positive definite matrix, eliminating in ``order`` (position -> unknown).

    ``backend`` None takes the environment's FEMSIM_SOLVER or else the first one found. Raises NumericsError where the matrix is singular.
    """
    choose_backend(backend)
    import scipy.sparse.linalg as spla

    permuted = matrix[order][:, order].tocsc()
    try:
        lu = spla.splu(permuted, permc_spec="NATURAL", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    except RuntimeError as error:
        raise NumericsError(f"the stiffness matrix is singular ({error}); is the body held everywhere?") from error
    except MemoryError as error:
        raise NumericsError(f"not enough memory to factorise {matrix.shape[0]} unknowns; use a larger mesh.size or growth") from error
    return SuperLUFactor(lu, order)


def available_backends() -> dict[str, bool]:
    """Which backends this installation has."""
    return {"superlu": True}


def choose_backend(backend: str | None = None) -> str:
    """The backend used: the one asked for (argument, then FEMSIM_SOLVER), else the first one found."""
    found = available_backends()
    wanted = backend or os.environ.get("FEMSIM_SOLVER") or ""
    if not wanted:
        return next(name for name in BACKENDS if found[name])
    if wanted not in BACKENDS:
        raise InputError(f"solver: {wanted!r} is not one of {', '.join(BACKENDS)}")
    if not found[wanted]:
        raise InputError(f"solver: {wanted!r} is not installed; found: {', '.join(n for n in BACKENDS if found[n])}")
    return wanted
