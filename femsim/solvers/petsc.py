"""PETSc over MPI: one system on many processes or nodes, for what no single memory holds.

``FEMSIM_SOLVER=petsc mpiexec -n 4 femsim solve CASE``: the first process runs the command, reads, meshes, assembles and
writes; the others wait in :func:`serve` for their rows of a system and take part in its factorisation and solutions.
The factor, which takes nearly all of the memory, is spread over all of them. By default it is a Cholesky factor by
MUMPS (Amestoy, Duff, L'Excellent and Koster 2001, SIAM J. Matrix Anal. Appl. 23, 15); what ``FEMSIM_PETSC`` says goes
to PETSc instead, as ``-ksp_type cg -ksp_rtol 1e-10 -pc_type gamg``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache, partial
from typing import Any

import numpy as np
import scipy.sparse as sp

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.errors import InputError, NumericsError

#: what the other processes are asked to do
FACTORISE, SOLVE, FREE, STOP = range(4)
#: systems of the first process by number, and the numbers of those that nobody asks any more
_LIVE: dict[int, Any] = {}
_GONE: list[int] = []
#: seconds that a process which failed waits for the others to hear of it
PATIENCE = 30.0
#: PETSc's options where FEMSIM_PETSC says nothing
DIRECT = "-ksp_type preonly -pc_type cholesky -pc_factor_mat_solver_type mumps"


def world() -> tuple[Any, Any]:
    """PETSc and the communicator of all processes. Raises InputError where petsc4py or mpi4py does not load."""
    try:
        import petsc4py

        petsc4py.init([])
        from mpi4py import MPI
        from petsc4py import PETSc
    except ImportError as error:
        raise InputError(f"FEMSIM_SOLVER: petsc needs petsc4py and mpi4py ({error})") from error
    return PETSc, MPI.COMM_WORLD


class PetscFactor:
    """A system spread over the processes; its memory is given back when the object has gone."""

    backend = "petsc"
    _count = 0

    def __init__(self, upper: sp.bsr_matrix, rows: sp.csr_matrix | None = None) -> None:
        petsc, self._comm = world()
        _give_back(self._comm, [_GONE.pop() for _ in range(len(_GONE))])
        PetscFactor._count += 1
        self._number = PetscFactor._count
        matrix = sp.triu(upper.tocsr(), format="csr") if rows is None else rows
        matrix.sort_indices()
        # equal numbers of entries for everyone
        wanted = matrix.nnz * np.arange(1, self._comm.size) / self._comm.size
        self._bounds = np.concatenate([[0], np.searchsorted(matrix.indptr, wanted), [matrix.shape[0]]]).astype(np.int64)
        self._comm.bcast((FACTORISE, self._number, rows is None, self._bounds))

        def share_out() -> Any:
            for rank in range(1, self._comm.size):
                for part in _rows(matrix, self._bounds[rank], self._bounds[rank + 1]):
                    self._comm.send(len(part), rank)
                    self._comm.Send(part, rank)
            mine = _rows(matrix, self._bounds[0], self._bounds[1])
            return _solver(petsc, self._comm, rows is None, self._bounds, mine)

        _LIVE[self._number] = _together(self._comm, share_out)

    def solve(self, rhs: FloatArray) -> FloatArray:
        """Solution (n, k). Raises NumericsError where PETSc does not converge or a process fails."""
        found = np.empty_like(rhs)
        for k in range(rhs.shape[1]):
            self._comm.bcast((SOLVE, self._number))
            column = np.ascontiguousarray(rhs[:, k])
            found[:, k] = _together(self._comm, partial(_solve, self._comm, _LIVE[self._number], self._bounds, column))
        return found

    def __del__(self) -> None:
        # collected at any time, perhaps amid a message: given back before the next system
        _GONE.append(self._number)


def _give_back(comm: Any, numbers: list[int]) -> None:
    """Free systems in all processes."""
    for number in numbers:
        solver = _LIVE.pop(number, None)
        comm.bcast((FREE, number))
        if solver is not None:
            solver.destroy()


def serve() -> bool:
    """Take part in what the first process solves until it stops; False in the first process, at once.

    Raises FailedAloneError where this process fails and the others wait for it in what it should have taken part in.
    """
    petsc, comm = world()
    _meeting()
    if comm.rank == 0:
        return False
    solvers: dict[int, tuple[Any, IntArray]] = {}
    while True:
        what, *given = comm.bcast(None)
        if what == STOP:
            petsc._finalize()  # here and together: left to the interpreter's end it waited for ever
            return True
        if what == FACTORISE:
            number, direct, bounds = given

            def take_part(direct: bool = direct, bounds: IntArray = bounds) -> Any:
                parts = []
                for kind in (np.int32, np.int32, np.float64):
                    part = np.empty(comm.recv(source=0), dtype=kind)
                    comm.Recv(part, source=0)
                    parts.append(part)
                return _solver(petsc, comm, direct, bounds, (parts[0], parts[1], parts[2]))

            with suppress(AllFailedError):  # the first process says so
                solvers[number] = _together(comm, take_part), bounds
        elif what == SOLVE:
            solver, bounds = solvers[given[0]]
            with suppress(AllFailedError):
                _together(comm, partial(_solve, comm, solver, bounds, None))
        else:
            solver, _ = solvers.pop(given[0], (None, None))
            if solver is not None:
                solver.destroy()


class AllFailedError(NumericsError):
    """A process failed and all know it."""


class FailedAloneError(NumericsError):
    """A process failed while the others wait for it in a call of PETSc or MPI: nothing but :func:`abort` ends them."""


#: what this process failed at while the others wait for it
_ALONE: list[str] = []


@lru_cache(maxsize=1)
def _meeting() -> Any:
    """A communicator of all processes that PETSc never uses: a failure is told there whatever call others wait in."""
    return world()[1].Dup()


def _together(comm: Any, what: Callable[[], Any]) -> Any:
    """What this process's part of a common step gives. Raises AllFailedError in all processes where any failed, in the
    words of the first that did; FailedAloneError in one that failed and for PATIENCE seconds meets nobody.
    """
    from mpi4py import MPI

    failure, found = "", None
    try:
        found = what()
    except Exception as error:  # whatever it is, the others must not wait for ever
        failure = str(error) if isinstance(error, NumericsError) else f"{type(error).__name__}: {error}"
        failure += f" (process {comm.rank} of {comm.size})" if comm.size > 1 else ""
    mine, worst = np.array([1 if failure else 0]), np.zeros(1, dtype=np.int64)
    request = _meeting().Iallreduce(mine, worst, op=MPI.MAX)
    end = time.monotonic() + PATIENCE
    while not request.Test():
        if failure and time.monotonic() > end:
            _ALONE.append(failure)
            raise FailedAloneError(failure)
        time.sleep(0.0005)
    if worst[0]:
        raise AllFailedError(next(text for text in comm.allgather(failure) if text))
    return found


def abort(code: int) -> None:
    """End all processes at once."""
    world()[1].Abort(code)


def stop(code: int) -> None:
    """Let the other processes end; at once, with ``code``, where they wait in a call that this one failed in."""
    petsc, comm = world()
    if _ALONE:
        abort(code)
    _give_back(comm, list(_LIVE))
    comm.bcast((STOP,))
    petsc._finalize()


def _rows(matrix: sp.csr_matrix, first: int, last: int) -> tuple[Any, Any, Any]:
    """Rows of a matrix as PETSc takes them: starts, columns, values."""
    start, end = matrix.indptr[first], matrix.indptr[last]
    starts = (matrix.indptr[first : last + 1] - start).astype(np.int32)
    return starts, matrix.indices[start:end].astype(np.int32), np.ascontiguousarray(matrix.data[start:end])


def _solver(petsc: Any, comm: Any, direct: bool, bounds: IntArray, rows: tuple[Any, Any, Any]) -> Any:
    size, own = int(bounds[-1]), int(bounds[comm.rank + 1] - bounds[comm.rank])
    shape = ((own, size), (own, size))
    matrix = petsc.Mat()
    if direct:
        matrix.createSBAIJ(shape, 1, csr=rows, comm=petsc.COMM_WORLD)
    else:
        matrix.createAIJ(shape, csr=rows, comm=petsc.COMM_WORLD)
    matrix.setOption(petsc.Mat.Option.SPD, True)
    matrix.assemble()
    options = petsc.Options()
    words = (os.environ.get("FEMSIM_PETSC") or DIRECT).split()
    keys = [k for k, word in enumerate(words) if word.startswith("-") and not _number(word)]
    for k in keys:
        options.setValue(words[k], "" if k + 1 in keys or k + 1 == len(words) else words[k + 1])
    solver = petsc.KSP().create(petsc.COMM_WORLD)
    solver.setOperators(matrix)
    solver.setFromOptions()
    try:
        solver.setUp()
    except petsc.Error as error:
        raise NumericsError(f"PETSc could not factorise the stiffness matrix (error {error.ierr})") from error
    return solver


def _number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _solve(comm: Any, solver: Any, bounds: IntArray, rhs: FloatArray | None) -> FloatArray:
    """The solution (n,), in the first process; nothing in others."""
    matrix, _ = solver.getOperators()
    right, left = matrix.createVecs()
    counts, starts = np.diff(bounds), bounds[:-1]
    own = np.empty(int(counts[comm.rank]))
    from mpi4py import MPI

    comm.Scatterv([rhs, counts, starts, MPI.DOUBLE] if comm.rank == 0 else None, own)
    right.array[:] = own
    solver.solve(right, left)
    reason = solver.getConvergedReason()
    whole = np.empty(int(bounds[-1]) if comm.rank == 0 else 0)
    comm.Gatherv(np.array(left.array), [whole, counts, starts, MPI.DOUBLE] if comm.rank == 0 else None)
    right.destroy()
    left.destroy()
    if reason < 0:
        raise NumericsError(
            f"PETSc did not converge (reason {reason}, {solver.getIterationNumber()} iterations); see FEMSIM_PETSC, "
            "or is the body held everywhere?"
        )
    return whole
