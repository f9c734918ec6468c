"""What the peers' scripts share: the problem's file, a stop watch, and the file they leave behind. numpy and the
standard library only.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np

_START = time.perf_counter()

#: Gauss points along each direction of an element, the same in all programs that let one choose
GAUSS = 3


class Job:
    """One solve: ``python script.py problem.npz result.npz``."""

    def __init__(self) -> None:
        self.source, self.target = Path(sys.argv[1]), Path(sys.argv[2])
        self.laps: dict[str, float] = {}
        self._last = _START

    def lap(self, name: str) -> None:
        """Note the time since the last lap."""
        now = time.perf_counter()
        self.laps[name] = self.laps.get(name, 0.0) + now - self._last
        self._last = now

    def read(self) -> dict[str, np.ndarray]:
        """Arrays of the problem."""
        with np.load(self.source) as file:
            return dict(file)

    def finish(self, points: np.ndarray, displacement: np.ndarray, **facts: object) -> None:
        """Leave the displacement (N, d) at points (N, d), in any order, and what was noted."""
        np.savez(self.target, points=points, displacement=displacement)
        self.lap("write")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
        self.target.with_suffix(".json").write_text(
            json.dumps({"laps": self.laps, "peak_mb": peak, **facts}), encoding="utf-8"
        )


def lame(problem: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lame constants and thermal stress 3 K alpha dT by region (MPa)."""
    e, nu = problem["E"], problem["nu"]
    lam, mu = e * nu / ((1 + nu) * (1 - 2 * nu)), e / (2 * (1 + nu))
    return lam, mu, (3 * lam + 2 * mu) * problem["alpha"] * problem["delta"]


def corners(problem: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Corner points, cells (E, 4 or 8) among them in VTK's order, and each node's number among them (-1 for the
    others).
    """
    corner = problem["cells"][:, : 2 ** problem["points"].shape[1]]
    used = np.unique(corner)
    number = np.full(len(problem["points"]), -1, dtype=np.int64)
    number[used] = np.arange(len(used))
    return problem["points"][used], number[corner], number
