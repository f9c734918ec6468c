"""The problem in space that all programs solve: the staggered cell's half on femsim's own hex27 mesh, made straight.

Two copper layers of equal diameter 20 um aside in polyimide on silicon, cooled by 125 K; the back is clamped, y = 0 a
plane of symmetry, all else free. The nodes within edges, faces and cells are put where the trilinear map of the corners
has them: every program then has the same geometry, whether or not it knows curved cells.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from deck import deck

#: element size at the root circles (um) that gives about so many unknowns
SOLID_SIZES = {"space-100k": 4.0, "space-230k": 1.0}


def solid_case(size: str) -> Any:
    """The case of a size."""
    from femsim.cases.casefile import parse_case

    layer = {"thickness": 20.0, "radius": 25.0, "material": {"E": 120.0, "nu": 0.34, "cte": 17.0}}
    return parse_case(
        {
            "name": size,
            "stack": "staggered",
            "geometry": {"cell_radius": 60.0, "chip_thickness": 60.0},
            "materials": {
                "chip": {"E": 169.0, "nu": 0.28, "cte": 2.6},
                "insulation": {"E": 2.5, "nu": 0.34, "cte": 35.0},
            },
            "layer": [{**layer, "offset": x} for x in (-10.0, 10.0)],
            "model": {"kinematics": "3d", "cell": "square", "outer": "free"},
            "mesh": {"size": SOLID_SIZES[size], "growth": 2.5},
            "load": {"stress_free_temperature": 150.0, "temperature": 25.0},
        },
        "benchmark",
    )


def load_solid(size: str) -> tuple[Any, Any, Any]:
    """Case, discretisation and model of femsim, cells made straight and held as said above."""
    from femsim.builders.build import build_model, discretise, resolve_materials
    from femsim.meshes.elements import node_points, shape

    case = solid_case(size)
    disc = discretise(case)
    mesh = disc.mesh
    linear, _ = shape("hex8", node_points(mesh.element))
    points = mesh.points.copy()
    points[mesh.cells] = np.einsum("qn,end->eqd", linear, mesh.points[mesh.cells[:, :8]])
    disc = replace(disc, mesh=replace(mesh, points=points))
    model = build_model(disc, resolve_materials(case, disc))
    return case, disc, held_model(model)


def held_model(model: Any) -> Any:
    """The model with its back clamped and y = 0 a plane of symmetry."""
    from femsim.models.space import Constraints

    points = model.mesh.points
    back, plane = np.flatnonzero(points[:, 2] == points[:, 2].min()), np.flatnonzero(points[:, 1] == 0.0)
    fixed = np.unique(np.concatenate([3 * back, 3 * back + 1, 3 * back + 2, 3 * plane + 1]))
    return replace(model, space=replace(model.space, constraints=Constraints.build(model.ndof, fixed)))


def faces_on(model: Any, held: np.ndarray) -> np.ndarray:
    """Corners (F, 4) of the cells' faces whose corners are all among the nodes ``held``."""
    mesh = model.mesh
    faces = np.concatenate([mesh.cells[:, list(face[:4])] for face in mesh.info.faces])
    return faces[np.isin(faces, held).all(axis=1)]


def solid_arrays(model: Any) -> dict[str, np.ndarray]:
    """Everything a peer needs, in um, MPa and K: nodes, cells in VTK order, materials by region, what is held."""
    mesh = model.mesh
    materials = [model.materials[name] for name in mesh.regions]
    back = np.flatnonzero(mesh.points[:, 2] == mesh.points[:, 2].min())
    plane = np.flatnonzero(mesh.points[:, 1] == 0.0)
    return {
        "points": mesh.points,
        "cells": mesh.cells,
        "region": mesh.region,
        "E": np.array([m.youngs_modulus[0].values[0] for m in materials]),
        "nu": np.array([m.poisson_ratio[0].values[0] for m in materials]),
        "alpha": np.array([m.cte[0].values[0] for m in materials]),
        "delta": np.array(model.temperature - model.load.stress_free_temperature),
        "back": back,  # no motion
        "plane": plane,  # none along y
        "back_faces": faces_on(model, back),
        "plane_faces": faces_on(model, plane),
    }


def solid_deck(problem: dict[str, np.ndarray]) -> str:
    """Input deck: 20-node bricks on the same cells (CalculiX has none with 27), faces' and cells' middles left out."""
    return deck(problem, "C3D20", 20, {"back": "1,3", "plane": "2,2"})
