"""CalculiX's printed displacements as a result file: ``python calculix.py problem.npz problem.dat result.npz`` (not
part of its time).
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np


def collect(problem: Path, printed: Path, target: Path) -> None:
    """Nodes stand in the order of the input deck: those of the mesh without the elements' middles.

    CalculiX expands an axisymmetric element to a wedge of two degrees, and what it prints as the radial displacement is
    partly a component along the wedge's middle plane: cos 1 degree times the displacement at the nodes within edges, (2
    + cos 1 degree) / 3 times at corners. These factors, the same at every node of every mesh tried, are divided out;
    they are 1.5e-4 and 0.5e-4 away from 1.
    """
    with np.load(problem) as file:
        solid = file["points"].shape[1] == 3
        cells = file["cells"][:, : 20 if solid else 8]
        used = np.unique(cells)
        points = file["points"][used]
    lines = printed.read_text(encoding="ascii").splitlines()
    values = np.array(
        [line.split()[: 4 if solid else 3] for line in lines if len(line.split()) == 4 and line.split()[0].isdigit()],
        dtype=float,
    )
    if len(values) != len(points):
        raise ValueError(f"{printed}: {len(values)} nodes, not {len(points)}")
    displacement = values[np.argsort(values[:, 0]), 1:]
    wedge = np.cos(np.radians(1.0))
    if not solid:
        displacement[:, 0] /= np.where(np.isin(used, cells[:, :4]), (2.0 + wedge) / 3.0, wedge)
    np.savez(target, points=points, displacement=displacement)


if __name__ == "__main__":
    collect(*map(Path, sys.argv[1:4]))
