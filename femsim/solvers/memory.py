"""How much memory a factorisation takes, and how much there is."""

from __future__ import annotations

import numpy as np

from femsim.base.errors import NumericsError


def predicted_bytes(n: int, backend: str, dim: int = 2) -> float:
    """Memory a factorisation of ``n`` condensed unknowns takes at its peak, from the growth law of nested dissection in
    the plane.

    The factor of a planar mesh has about n (a + b log2 n) entries (George 1973). With a = -25, b = 7.5 the law is
    within 14 % of the entries counted on the bilayer case with 10 thousand to 141 thousand condensed unknowns (66 to
    103 an unknown). The bytes an entry are 8 for the number and what indices, the matrix handed over and copies take:
    at 17, 149 and 755 thousand condensed unknowns the resident memory rose by 28, 26 and 27 an entry with SuperLU and
    by 13, 11 and 11 with CHOLMOD; what is taken is above.
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


def refuse_beyond(needed: float, n: int) -> None:
    """Raise NumericsError where the factor will not fit, instead of letting the system kill the process."""
    free = free_bytes()
    if free is not None and needed > free:
        raise NumericsError(
            f"factorising {n} unknowns needs about {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free; "
            "use a larger mesh.size or mesh.growth"
        )
