"""Meshes in space through files: gmsh, VTU, Abaqus, and meshio as an independent reader."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import meshio
import numpy as np
import pytest
from helpers import close
from solids import SOLIDS, cube

from femsim.base.errors import InputError
from femsim.meshes.elements import ELEMENTS, gauss_points, node_points, shape
from femsim.meshes.facets import cell_edges
from femsim.meshes.mesh import Mesh, jacobians
from femsim.meshes.read import change_element, read_mesh
from femsim.meshes.write import write_mesh, write_vtu


def body(element: str) -> Mesh:
    """A warped box of two regions with a named line and a set of points."""
    mesh = cube(element, 2, 0.1)
    centre = mesh.points[mesh.cells].mean(axis=1)
    edges, _ = cell_edges(mesh)
    x = mesh.points[edges]
    rim = edges[np.all(x[..., 0] <= 1e-12, axis=1) & np.all(x[..., 2] <= 1e-12, axis=1)]
    region = (centre[:, 2] > 0.5).astype(np.int64)
    corner = int(np.argmin(np.linalg.norm(mesh.points, axis=1)))
    return replace(
        mesh, region=region, regions=("low", "high"), lines={"rim": rim}, sets={"corner": np.array([corner])}
    )


def volumes(mesh: Mesh) -> np.ndarray:
    points, weights = gauss_points(mesh.element, 4)
    return (jacobians(mesh, slice(None), shape(mesh.element, points)[1])[0] * weights).sum(axis=1)


def same(found: Mesh, mesh: Mesh, sets: bool = True) -> None:
    """Equal up to the order of nodes and cells."""
    assert found.element == mesh.element
    close(sorted(volumes(found)), sorted(volumes(mesh)), 1e-12)
    for i, name in enumerate(mesh.regions):
        j = found.regions.index(name)
        close(volumes(found)[found.region == j].sum(), volumes(mesh)[mesh.region == i].sum(), 1e-12)
    assert set(found.surfaces) == set(mesh.surfaces)
    assert set(found.lines) == set(mesh.lines)
    assert not sets or set(found.sets) == set(mesh.sets)
    for name in (*mesh.surfaces, *mesh.lines, *(mesh.sets if sets else ())):
        ours = mesh.points[mesh.nodes_on(name)]
        theirs = found.points[found.nodes_on(name)]
        close(theirs[np.lexsort(theirs.T)], ours[np.lexsort(ours.T)], 1e-12, scale=1.0)


@pytest.mark.parametrize("element", SOLIDS)
@pytest.mark.parametrize("kind", ["4.1", "2.2", "vtu"])
def test_round_trip(tmp_path: Path, element: str, kind: str) -> None:
    mesh = body(element)
    path = tmp_path / ("a.vtu" if kind == "vtu" else "a.msh")
    write_mesh(path, mesh, {"T": mesh.points @ [1.0, 2.0, 3.0]}, version="4.1" if kind == "vtu" else kind)
    found = read_mesh(path)
    same(found.mesh, mesh, sets=kind != "vtu")
    close(found.point_data["T"], found.mesh.points @ [1.0, 2.0, 3.0], 1e-12)
    if kind == "2.2" and element not in ("wedge15", "wedge18"):  # meshio's order of nodes is ours; it lacks these two
        block = next(b for b in meshio.read(path).cells if b.type == ELEMENTS[element].meshio_name)
        close(meshio.read(path).points[block.data[0]], mesh.points[mesh.cells[0]], 1e-12)


@pytest.mark.parametrize("element", SOLIDS)
def test_results_keep_their_cells(tmp_path: Path, element: str) -> None:
    mesh = body(element)
    write_vtu(tmp_path / "a.vtu", mesh, {"u": mesh.points}, {})
    assert len(read_mesh(tmp_path / "a.vtu").mesh.points) == len(mesh.points)


def abaqus(path: Path, mesh: Mesh, name: str) -> None:
    """An Abaqus file by the letter of its manual: sets per region, surfaces by element faces, a node set of a face."""
    text = ["*Node"] + [f"{i + 1}, {', '.join(map(repr, x))}" for i, x in enumerate(mesh.points.tolist())]
    for number, region in enumerate(mesh.regions):
        text.append(f"*Element, type={name}, elset={region}")
        for cell in np.flatnonzero(mesh.region == number):
            nodes = [str(n + 1) for n in mesh.cells[cell]]
            if name == "C3D27":  # centre first, then the centres of S1 to S6, which VTK numbers otherwise
                nodes = nodes[:20] + [nodes[i] for i in (26, 24, 25, 22, 21, 23, 20)]
            rows = [nodes[i : i + 12] for i in range(0, len(nodes), 12)]
            text.append(f"{cell + 1}, " + ",\n".join(", ".join(row) for row in rows))
        text.append(f"*Solid section, elset={region}, material=m")
    for surface in ("x_min", "z_max"):
        text.append(f"*Surface, name={surface}, type=element")
        text += [f"{cell + 1}, S{local + 1}" for cell, local in mesh.surfaces[surface]]
    text.append("*Nset, nset=y_min")
    text += [str(n + 1) for n in mesh.nodes_on("y_min")]
    text.append("*Nset, nset=corner")
    text += [str(n + 1) for n in mesh.sets["corner"]]
    path.write_text("\n".join(text) + "\n")


@pytest.mark.parametrize(
    ("element", "name"),
    [
        ("hex8", "C3D8R"),
        ("hex20", "C3D20RH"),
        ("hex27", "C3D27"),
        ("tet4", "C3D4"),
        ("tet10", "C3D10M"),
        ("wedge6", "C3D6"),
        ("wedge15", "C3D15"),
    ],
)
def test_abaqus(tmp_path: Path, element: str, name: str) -> None:
    mesh = body(element)
    abaqus(tmp_path / "a.inp", mesh, name)
    found = read_mesh(tmp_path / "a.inp").mesh
    kept = {k: v for k, v in mesh.surfaces.items() if k in ("x_min", "z_max", "y_min")}
    same(found, replace(mesh, surfaces=kept, lines={}))


def test_left_handed_and_changed_cells(tmp_path: Path) -> None:
    for element in SOLIDS:
        mesh = body(element)
        write_mesh(tmp_path / "a.msh", replace(mesh, points=mesh.points * [1.0, 1.0, -1.0]))
        found = read_mesh(tmp_path / "a.msh")
        assert any("left-handed" in note for note in found.notes)
        assert volumes(found.mesh).min() > 0
        close(volumes(found.mesh).sum(), 1.0, 1e-12)
        assert set(found.mesh.surfaces) == set(mesh.surfaces)
        family = [e for e in SOLIDS if ELEMENTS[e].kind == ELEMENTS[element].kind]
        for other in family:
            changed, data = change_element(mesh, other, {"x": mesh.points[:, 0]})
            close(volumes(changed).sum(), 1.0, 1e-10)
            close(data["x"], changed.points[:, 0], 1e-12, scale=1.0)
            straight = cube(element, 2)
            ends, _ = change_element(straight, other)
            x = ends.points[ends.cells]
            box = x[:, : ELEMENTS[other].corners]
            linear = {"hex": "hex8", "tet": "tet4", "wedge": "wedge6"}[ELEMENTS[other].kind]
            values, _ = shape(linear, node_points(other))
            close(x, np.einsum("qn,enc->eqc", values, box), 1e-12, scale=1.0)


def test_faults_in_space(tmp_path: Path) -> None:
    mesh = body("hex8")
    top, count = mesh.cells[0, 4:], len(mesh.points)  # an inner face gets a third cell
    more = Mesh(
        np.concatenate([mesh.points, mesh.points[top] + [0, 0, 0.1]]),
        np.concatenate([mesh.cells, [[*top, *range(count, count + 4)]]]),
        "hex8",
        np.append(mesh.region, 0),
        mesh.regions,
    )
    write_mesh(tmp_path / "b.msh", more)
    with pytest.raises(InputError, match="cells overlap"):
        read_mesh(tmp_path / "b.msh")
    flat = replace(mesh, points=mesh.points * [1.0, 1.0, 0.0])
    write_mesh(tmp_path / "c.msh", flat)
    with pytest.raises(InputError, match="no volume"):
        read_mesh(tmp_path / "c.msh")
