"""How much memory a factorisation and a whole solve take, before they take it."""

from __future__ import annotations

import numpy as np

from femsim.base.errors import NumericsError
from femsim.base.system import require

#: condensed unknowns of a body in space beyond which SuperLU is refused: 20 thousand take it 10 s, 100 thousand minutes
#: and 5 GB
LARGEST_SUPERLU = 100_000


def predicted_bytes(n: int, backend: str, dim: int = 2) -> float:
    """Memory a factorisation of ``n`` condensed unknowns takes at its peak, from the growth law of nested dissection in
    the plane.

    The factor of a planar mesh has about n (a + b log2 n) entries (George 1973). With a = -25, b = 7.5 the law is
    within 14 % of the entries counted on the bilayer case with 10 thousand to 141 thousand condensed unknowns (66 to
    103 an unknown). The bytes an entry are 8 for the number and what indices, the matrix handed over and copies take:
    at 17, 149 and 755 thousand condensed unknowns the resident memory rose by 28, 26 and 27 an entry with SuperLU and
    by 13, 11 and 11 with CHOLMOD; what is taken is above.

    In space (``dim`` 3) the law is c n^(4/3) (George and Liu 1981, Computer Solution of Large Sparse Positive Definite
    Systems, ch. 8). PARDISO with METIS foretells 208, 209 and 212 n^(4/3) bytes at 12, 20 and 41 thousand condensed
    unknowns of hex27, and takes 154 to 168 at 119 to 491 thousand. In the order by bisection SuperLU has 35 n^(4/3)
    entries on a cube and 73 on a graded staggered cell, at 11 to 13 bytes each.
    """
    if backend == "petsc":  # MUMPS: a Cholesky factor of the same entries, spread over the processes
        from femsim.solvers.petsc import world

        return predicted_bytes(n, "cholmod", dim) / float(world()[1].size)
    if dim == 3:
        return float({"superlu": 1100.0, "cholmod": 520.0, "pardiso": 215.0}[backend] * n ** (4.0 / 3.0))
    entries = max(7.5 * np.log2(max(n, 2)) - 25.0, 50.0) * n
    return float(entries * {"superlu": 32.0, "cholmod": 13.0, "pardiso": 9.0}[backend])


def solve_bytes(cells: int, width: int, n: int, backend: str, dim: int = 2) -> float:
    """Memory a whole solve takes at its peak, for ``cells`` elements of ``width`` unknowns each and ``n`` unknowns to
    factorise: the largest of assembly, factorisation and what follows it.

    Measured on the bilayer case with 40 to 98 thousand cells of quad4, quad8 and quad9 beyond what the libraries take:
    assembly 14 to 18 bytes a cell and square of its unknowns; then, with the factor at hand, the recovery and the
    estimates of the errors 35 to 37 (quad9), while a factor keeps 9 bytes an entry (PARDISO) or 16 to 18 (SuperLU).
    """
    if dim == 3:  # 8 bytes an entry of the elements' matrices, another 8 of the blocks they are summed from
        one = cells * width**2
        return float(max(16.0 * one, predicted_bytes(n, backend, 3) + 4.0 * one))
    kept = (
        predicted_bytes(n, "pardiso") * {"superlu": 18.0, "cholmod": 11.0, "petsc": 11.0, "pardiso": 9.0}[backend] / 9.0
    )
    one = cells * width**2
    return float(max(16.0 * one, predicted_bytes(n, backend) + 4.0 * one, kept + 36.0 * one))


def refuse_solve(cells: int, width: int, n: int, backend: str, dim: int = 2) -> None:
    """Raise NumericsError where a solve will not fit into the memory that is there, before it takes any, or is more
    than SuperLU does in space in minutes.
    """
    if dim == 3 and backend == "superlu" and n > LARGEST_SUPERLU:
        raise NumericsError(
            f"SuperLU solves bodies in space of up to {LARGEST_SUPERLU} condensed unknowns, this one has {n}; install "
            "femsim[mkl] (MKL PARDISO), or use a larger mesh.size or mesh.growth"
        )
    require(solve_bytes(cells, width, n, backend, dim), f"solving for {n} unknowns")


def refuse_beyond(needed: float, n: int) -> None:
    """Raise NumericsError where the factor will not fit, instead of letting the system kill the process."""
    require(needed, f"factorising {n} unknowns")
