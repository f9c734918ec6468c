"""Arrays by condensed cells: ``python arrays.py [--size 1.0] [--cells 30 100]`` prints one JSON document.

The cell is the shipped bilayer's, square, hex27. Seconds of the parts: ``cell`` is one cell alone with its error,
``condense`` the one-off local stage, ``solve`` and ``read`` the array. With ``--full`` also, for two by two cells, the
distance of the root averages from those of a full model of the same mesh sizes, relative to its von Mises average (the
meshes differ, so it holds their difference too).
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from typing import Any

MESH = ["model.kinematics=3d", "model.element=hex27", "metrics.length=5", "mesh.growth=2", "mesh.around=24"]


def cell(size: float, *more: str) -> Any:
    """The bilayer's cell in space."""
    from femsim.cases.casefile import load_case

    return load_case("bilayer", [*MESH, f"mesh.size={size}", "model.cell=square", *more])[0]


def array(size: float, n: int) -> dict[str, Any]:
    """Times and largest values of n by n cells."""
    from femsim.runs.array import run_array

    run = run_array(cell(size), n, n)
    return {
        "cells": n * n,
        "dofs_of_a_cell": run.cell_unknowns,
        "seconds": run.timing,
        "largest": {k: float(abs(v).max()) for k, v in run.roots[0].largest.items()},
        "interface_error": run.roots[0].interface_error,
    }


def against_full(size: float) -> dict[str, float]:
    """Two by two cells against a full model."""
    from femsim.builders.build import build_model, discretise, resolve_materials
    from femsim.measures.rims import rim_averages
    from femsim.runs.array import run_array
    from femsim.solvers.solve import solve

    (found,) = run_array(cell(size), 2, 2).roots
    full = cell(size, "model.cell=chip", "model.place=[150, 150]", "geometry.cell_radius=300", "model.outer=free")
    disc = discretise(full)
    model = build_model(disc, resolve_materials(full, disc))
    field = solve(model).field
    (average,) = rim_averages(model.space, disc.rims, disc.lengths)
    whole, scale = average.whole, average.whole.von_mises(field)
    true = {"peel": whole.peel.value(field), "shear": whole.shear.value(field), "von_mises": scale}
    return {kind: abs(float(found.mean[kind][1, 1]) - value) / scale for kind, value in true.items()}


def main() -> None:
    """Run what is asked for."""
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=float, default=1.0)
    parser.add_argument("--cells", type=int, nargs="*", default=[30, 100])
    parser.add_argument("--full", action="store_true", help="two by two cells against a full model, too")
    given = parser.parse_args()
    told: dict[str, Any] = {str(n): array(given.size, n) for n in given.cells}
    if given.full:
        told["relative difference from a full model"] = against_full(given.size)
    json.dump(told, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
