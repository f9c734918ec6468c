"""MKL PARDISO, called directly."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from femsim.base.arrays import FloatArray
from femsim.base.errors import NumericsError
from femsim.solvers.memory import refuse_beyond

#: what PARDISO says where it gets no memory (oneMKL reference, "pardiso", error indicator)
OUT_OF_MEMORY = -2


class PardisoFactor:
    """Cholesky factor held by MKL PARDISO, in the matrix's own order (``ordered``), in METIS's, or (None) in the one of
    the two that needs fewer operations; its memory is given back when the object goes.

    PARDISO is called directly, since pypardiso's own call knows no block storage, which makes the analysis three times
    faster and lighter.
    """

    backend = "pardiso"
    _solver: Any = None

    def __init__(self, upper: sp.bsr_matrix, ordered: bool | None = True) -> None:
        _point_to_mkl()
        # its threads would spin for 200 ms after each call and slow the others
        os.environ.setdefault("KMP_BLOCKTIME", "1")
        self._upper = upper
        width = upper.blocksize[0]
        self._blocks = upper.shape[0] // width
        self._order = np.arange(self._blocks, dtype=np.int32)
        if ordered is None:
            ordered = self._analyse(width, True) <= self._analyse(width, False)
            if ordered:
                self._analyse(width, True)
        else:
            self._analyse(width, ordered)
        iparm: Any = self._solver.iparm
        refuse_beyond(max(iparm[14], iparm[15] + iparm[16]) * 1024.0, upper.shape[0])
        self._call(22)

    def _analyse(self, width: int, ordered: bool) -> int:
        """Analyse in the natural order or in METIS's; the operations of a factor, in millions of blocks."""
        from pypardiso import PyPardisoSolver

        self.close()
        self._solver = PyPardisoSolver(mtype=2)  # real, symmetric positive definite
        # iparm (1-based): own settings, user permutation (the natural one) or METIS, no scaling, no matching, count the
        # operations, two-level factorisation, indices from zero, blocks of a node's unknowns
        for number, value in (
            (1, 1),
            (2, 2),
            (5, 1 if ordered else 0),
            (8, 0),
            (10, 8),
            (11, 0),
            (13, 0),
            (19, -1),
            (24, 1),
            (27, 0),
            (35, 1),
            (37, width if width > 1 else 0),
        ):
            self._solver.iparm[number - 1] = value
        self._call(11)
        return int(self._solver.iparm[18])

    def again(self, upper: sp.bsr_matrix) -> None:
        """Take the place of the factor of another matrix with the same entries' places: its analysis serves again."""
        self._upper = upper
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
            one(rhs.shape[1]), at(solver.iparm, c_int32), one(0), at(rhs, c_double), at(solution, c_double), byref(error),  # noqa: E501
        )  # fmt: skip
        if error.value == OUT_OF_MEMORY:
            self.close()
            raise NumericsError(
                f"not enough memory to factorise {upper.shape[0]} unknowns; use a larger mesh.size or mesh.growth"
            )
        if error.value:
            self.close()
            raise NumericsError(
                f"MKL PARDISO could not factorise the stiffness matrix (error {error.value}); is the body held "
                f"everywhere?"
            )
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
    """Tell pypardiso where the installed MKL lies; its own search walks the whole environment (seconds on a slow
    disk).
    """
    if os.environ.get("PYPARDISO_MKL_RT"):
        return
    usual = sorted(Path(sys.prefix, "lib").glob("libmkl_rt.so.*"))  # where wheels put it on Linux
    if len(usual) == 1:
        os.environ["PYPARDISO_MKL_RT"] = str(usual[0])
        return
    from importlib.metadata import PackageNotFoundError, files

    try:
        listed = files("mkl") or []
    except PackageNotFoundError:
        return
    for file in listed:
        if "mkl_rt" in file.name:
            os.environ["PYPARDISO_MKL_RT"] = str(file.locate())
            return
