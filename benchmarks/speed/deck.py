"""CalculiX's input deck of the benchmark's problems."""

from __future__ import annotations

import numpy as np

#: entries of a line at most
WIDEST = 10


def deck(problem: dict[str, np.ndarray], element: str, nodes: int, held: dict[str, str]) -> str:
    """Elements of a type on the first ``nodes`` nodes of each cell, the others left out; ``held`` has, by the name of
    a set of nodes, the first and last direction in which it does not move. One step of linear statics.

    CalculiX reads numbers of twenty characters at most.
    """
    cells = problem["cells"][:, :nodes]
    used = np.unique(cells)
    number = np.zeros(len(problem["points"]), dtype=np.int64)
    number[used] = np.arange(1, len(used) + 1)
    lines = ["*NODE, NSET=ALL"]
    lines += [f"{i}," + ",".join(f"{x:.12e}" for x in at) for i, at in enumerate(problem["points"][used].tolist(), 1)]
    for k in range(len(problem["E"])):
        lines.append(f"*ELEMENT, TYPE={element}, ELSET=R{k}")
        chosen = np.flatnonzero(problem["region"] == k)
        for e, row in zip(chosen.tolist(), number[cells[chosen]].tolist(), strict=True):
            parts = [",".join(map(str, row[start : start + WIDEST])) for start in range(0, nodes, WIDEST)]
            lines += (f"{e + 1}," + ",\n".join(parts)).split("\n")
    for name in held:
        lines.append(f"*NSET, NSET={name.upper()}")
        lines += [str(n) for n in number[problem[name]] if n]
    for k, (e, nu, alpha) in enumerate(zip(problem["E"], problem["nu"], problem["alpha"], strict=True)):
        lines += [f"*MATERIAL, NAME=M{k}", "*ELASTIC", f"{e:.12e},{nu:.12e}", "*EXPANSION", f"{alpha:.12e}"]
        lines.append(f"*SOLID SECTION, ELSET=R{k}, MATERIAL=M{k}")
    lines += ["*BOUNDARY", *(f"{name.upper()},{directions}" for name, directions in held.items())]
    lines += ["*INITIAL CONDITIONS, TYPE=TEMPERATURE", "ALL,0."]
    lines += ["*STEP", "*STATIC", "*TEMPERATURE", f"ALL,{problem['delta']:.12e}"]
    lines += ["*NODE PRINT, NSET=ALL", "U", "*END STEP"]
    return "\n".join(lines) + "\n"
