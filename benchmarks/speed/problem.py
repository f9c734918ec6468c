"""The problem that all programs solve: the bilayer reference case, outer wall free, on femsim's own graded quad9
mesh; at sizes named space-..., the staggered cell in space (:mod:`solid`).

``python problem.py 200k DIRECTORY`` writes ``problem.npz``, which every peer reads, and ``problem.inp``, which CalculiX
reads.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from deck import deck
from solid import SOLID_SIZES, load_solid, solid_arrays, solid_deck

ROOT = Path(__file__).resolve().parents[2]

#: element size at the root and largest element (um) that give about so many unknowns
SIZES = {"20k": (0.6, 12.0), "200k": (0.099, 1.98), "1M": (0.038, 0.757)}
#: averaging length (um) of the root tractions
LENGTH = 5.0


def overrides(size: str) -> list[str]:
    """What makes the shipped ``bilayer`` case the benchmark's problem; constants only, so that a peer needs no
    tables.
    """
    smallest, largest = SIZES[size]
    return [
        f"name='speed-{size}'",
        "materials.chip={ E = 160, nu = 0.22, cte = 2.8 }",
        "materials.post={ E = 120, nu = 0.34, cte = 17 }",
        "materials.low={ E = 2.5, nu = 0.34, cte = 50 }",
        "materials.high={ E = 15, nu = 0.30, cte = 10 }",
        "model.outer=free",
        f"mesh.size={smallest}",
        f"mesh.largest={largest}",
        "mesh.growth=1.2",
        f"metrics.length={LENGTH}",
    ]


def load(size: str) -> tuple[Any, Any, Any]:
    """Case, discretisation and model of femsim."""
    if size in SOLID_SIZES:
        return load_solid(size)
    from femsim.builders.build import build_model, discretise, resolve_materials
    from femsim.cases.casefile import load_case

    case, origin = load_case("bilayer", overrides(size))
    disc = discretise(case, origin.base)
    return case, disc, build_model(disc, resolve_materials(case, disc))


def arrays(size: str) -> dict[str, np.ndarray]:
    """Everything a peer needs of the problem of a size."""
    model = load(size)[2]
    return solid_arrays(model) if size in SOLID_SIZES else arrays_of(model)


def arrays_of(model: Any) -> dict[str, np.ndarray]:
    """Everything a peer needs, in um, MPa and K: nodes, cells in VTK order, materials by region, prescribed nodes."""
    mesh = model.mesh
    materials = [model.materials[name] for name in mesh.regions]
    fixed = model.constraints.equation.reshape(-1, 2) < 0
    held = np.flatnonzero(fixed[:, 1])
    assert len(held) == 1
    assert np.array_equal(np.flatnonzero(fixed[:, 0]), np.flatnonzero(mesh.points[:, 0] == 0.0))
    return {
        "points": mesh.points,
        "cells": mesh.cells,
        "region": mesh.region,
        "E": np.array([m.youngs_modulus[0].values[0] for m in materials]),
        "nu": np.array([m.poisson_ratio[0].values[0] for m in materials]),
        "alpha": np.array([m.cte[0].values[0] for m in materials]),
        "delta": np.array(model.temperature - model.load.stress_free_temperature),
        "axis": np.flatnonzero(mesh.points[:, 0] == 0.0),  # no radial motion
        "held": held,  # no axial motion
    }


def calculix(problem: dict[str, np.ndarray]) -> str:
    """Input deck: eight-node axisymmetric elements on the same cells (CalculiX has none with nine nodes), middles left
    out.
    """
    return deck(problem, "CAX8", 8, {"axis": "1,1", "held": "2,2"})


def export(size: str, directory: Path) -> dict[str, np.ndarray]:
    """Write the files every peer reads."""
    directory.mkdir(parents=True, exist_ok=True)
    problem = arrays(size)
    np.savez(directory / "problem.npz", **problem)
    written = solid_deck if size in SOLID_SIZES else calculix
    (directory / "problem.inp").write_text(written(problem), encoding="ascii")
    return problem


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    found = export(sys.argv[1], Path(sys.argv[2]))
    print(f"{found['points'].size} unknowns, {len(found['cells'])} elements")
