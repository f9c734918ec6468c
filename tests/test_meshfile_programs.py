"""Mesh files as other programs write them: without names, with triangles and quadrilaterals, in their own formats."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from patches import area
from spheres import sphere_mesh
from test_meshfile import BOTTOM, LEFT, MIDDLE, NAMES, NODES, RIGHT, fails, gmsh22, squares

from femsim.cli.main import main
from femsim.meshes.elements import gauss_points, shape
from femsim.meshes.mesh import Mesh, jacobians
from femsim.meshes.read import read_mesh
from femsim.meshes.read.mixed import _cut, _diagonals, _with_centres, one_kind
from femsim.meshes.read.raw import Group, Raw

PLANE = (
    'stack = "mesh"\n[load]\nstress_free_temperature = 0\ntemperature = 100\n[[boundary]]\nx = 0\nu_x = 0\n'
    "[[boundary]]\ny = 0\nu_y = 0\n"
)
MATERIAL = "{ E = 100, nu = 0.3, cte = 10 }"


def solved(tmp_path: Path, capsys: pytest.CaptureFixture[str], mesh: str, more: str, *options: str) -> dict:
    """The JSON of a free expansion by 0.001 a um of a mesh in plane stress."""
    case = tmp_path / "case.toml"
    case.write_text(f'{PLANE}{more}\n[mesh]\nfile = "{mesh}"\n')
    assert main(["solve", str(case), "--json", "--quiet", "--set", "model.kinematics=plane-stress", *options]) == 0
    return json.loads(capsys.readouterr().out)


def of_file(mesh: Mesh) -> Raw:
    """A mesh as a reader of files would hand it over, with a field and a set of nodes."""
    groups = [Group(name, 2, mesh.cells_of(name)) for name in mesh.regions]
    blocks, start = [(mesh.info.meshio_name, mesh.cells)], len(mesh.cells)
    for name, edges in mesh.lines.items():
        blocks.append(("line" if edges.shape[1] == 2 else "line3", edges))
        groups.append(Group(name, 1, np.arange(start, start + len(edges))))
        start += len(edges)
    data = {"T": np.sin(mesh.points[:, 0]) * mesh.points[:, 1]}
    return Raw(mesh.points.copy(), blocks, groups, {"nodes": np.unique(mesh.lines["outer"])}, data)


def part_area(mesh: Mesh, region: str) -> float:
    """The area of one region."""
    return area(replace(mesh, cells=mesh.cells[mesh.cells_of(region)]))


def integral(raw: Raw, element: str, power: int) -> float:
    """The integral of the field to a power over the 2D cells, by a rule that is exact for straight sides."""
    cells = next(nodes for kind, nodes in raw.blocks if not kind.startswith("line"))
    mesh = Mesh(raw.points, cells, element, np.zeros(len(cells), dtype=np.int64), ("",))
    at, weights = gauss_points(element, 5 if element.startswith("quad") else 4)
    values, gradients = shape(element, at)
    determinant, _ = jacobians(mesh, slice(None), gradients)
    return float(np.einsum("eq,q,eq->", determinant, weights, (raw.point_data["T"][cells] @ values.T) ** power))


# ---------------------------------------------------------------- triangles and quadrilaterals


@pytest.mark.parametrize("element", ["tri3", "quad4", "tri6", "quad8", "quad9"])
def test_cut_cells_hold_all_that_the_old_ones_do(element: str) -> None:
    """The old geometry and the old fields are among the new ones exactly, so no energy error can grow."""
    mesh = sphere_mesh((3.0, 4.0), 2, element)
    if mesh.info.order == 1:  # no straight sides that hide a wrong place
        mesh = replace(mesh, points=mesh.points + 0.05 * np.sin(7.0 * mesh.points[:, ::-1]) * (mesh.points > 0))
    raw = of_file(mesh)
    kind = "quad4" if mesh.info.order == 1 else "quad9"
    new = _cut(raw, kind.removesuffix("4"))
    for power in (0, 1, 2):
        assert integral(new, kind, power) == pytest.approx(integral(raw, element, power), rel=2e-9 if power else 1e-13)
    cells = next(nodes for name, nodes in new.blocks if name.startswith("quad"))
    assert len(cells) == len(mesh.cells) * mesh.info.corners
    assert len(np.unique(np.round(new.points, 9), axis=0)) == len(new.points)  # neighbours share what they cut
    lines = np.concatenate([nodes for name, nodes in new.blocks if name.startswith("line")])
    assert len(lines) == 2 * sum(len(edges) for edges in mesh.lines.values())
    outer = new.points[new.node_sets["nodes"]]
    assert len(outer) == 2 * len(np.unique(mesh.lines["outer"])) - 1
    if mesh.info.order == 2:
        np.testing.assert_allclose(np.hypot(*outer.T), 4.0, rtol=2e-3)


def mixed(tmp_path: Path) -> Path:
    """A quadrilateral and two triangles, with lines."""
    triangles = ["2 2 2 2 2 3 6", "2 2 2 2 2 6 5"]
    return squares(tmp_path, elements=[*BOTTOM, *MIDDLE, LEFT, *triangles])


@pytest.mark.parametrize("element", [None, "quad4", "quad8", "quad9", "tri3", "tri6"])
def test_triangles_and_quadrilaterals_in_one_mesh(tmp_path: Path, element: str | None) -> None:
    found = read_mesh(mixed(tmp_path), element=element)
    assert found.mesh.element == element or (element is None and found.mesh.element == "quad4")
    assert found.mesh.regions == ("post", "resin")
    assert part_area(found.mesh, "post") == pytest.approx(1.0)
    assert area(found.mesh) == pytest.approx(2.0)
    halves = 1 if element in ("tri3", "tri6") else 2
    assert {name: len(edges) for name, edges in found.mesh.lines.items()} == {"bottom": 2 * halves, "wall": halves}
    assert any("1 quad, 2 triangle in one mesh" in note for note in found.notes)


@pytest.mark.parametrize("element", ["", "quad4", "quad9", "tri3", "tri6"])
def test_a_mixed_mesh_passes_the_patch_test(tmp_path: Path, capsys: pytest.CaptureFixture[str], element: str) -> None:
    mixed(tmp_path)
    materials = f"[materials]\npost = {MATERIAL}\nresin = {MATERIAL}\n[[probe]]\nname = 'e'\nat = [2, 1]\n"
    options = ["--set", f"model.element={element}"] if element else []
    found = solved(tmp_path, capsys, "part.msh", materials, *options)["probes"]["e"]
    np.testing.assert_allclose(found["u"], [2e-3, 1e-3], rtol=1e-12)
    assert abs(found["stress"]["von_mises"]) < 1e-9


def test_second_order_cells_are_mixed_too() -> None:
    mesh = sphere_mesh((3.0, 4.0), 2, "quad9")
    triangles = _diagonals(of_file(mesh)).blocks[0][1]
    assert triangles.shape == (2 * len(mesh.cells), 6)
    half = len(mesh.cells) // 2
    source = np.tile(np.arange(len(mesh.cells)), 2)
    blocks = [("quad8", mesh.cells[:half, :8]), ("triangle6", triangles[source >= half])]
    groups = [Group("a", 2, np.arange(half + len(triangles) // 2))]
    raw = Raw(mesh.points, blocks, groups, point_data={"T": mesh.points[:, 0] * mesh.points[:, 1]})
    for element, kind in (("quad9", "quad9"), ("tri6", "triangle6"), (None, "quad9")):
        made = one_kind(Path("x"), raw, element)
        assert [name for name, _ in made.blocks] == [kind] or {name for name, _ in made.blocks} == {kind}
        cells = np.concatenate([nodes for _, nodes in made.blocks])
        name = "tri6" if kind == "triangle6" else "quad9"
        whole = Mesh(made.points, cells, name, np.zeros(len(cells), dtype=np.int64), ("a",))
        assert area(whole) == pytest.approx(area(_with_centre(mesh)), rel=1e-6)
        assert sorted(made.groups[0].cells) == list(range(len(cells)))


def _with_centre(mesh: Mesh) -> Mesh:
    raised = _with_centres(Raw(mesh.points, [("quad8", mesh.cells[:, :8])]))
    return Mesh(raised.points, raised.blocks[0][1], "quad9", mesh.region, mesh.regions)


def test_two_orders_in_one_mesh_do_not_fit(tmp_path: Path) -> None:
    six = "9 2 2 2 2 3 6 7 8 9"
    nodes = [*NODES, "1.5 0 0", "2 0.5 0", "1.5 0.5 0"]
    fails(gmsh22(tmp_path, nodes, [LEFT, six]), "first and of the second order", "1 quad", "1 triangle6")


def test_quadrilaterals_with_a_corner_twice_are_triangles(tmp_path: Path) -> None:
    path = squares(tmp_path, elements=[LEFT, "3 2 2 2 2 3 3 6", "3 2 2 2 2 6 5 5"], names=NAMES[:2])
    found = read_mesh(path)
    assert (found.mesh.element, len(found.mesh.cells)) == ("quad4", 10)
    assert part_area(found.mesh, "resin") == pytest.approx(1.0)
    assert any("2 quadrilaterals with two corners in one node are triangles" in note for note in found.notes)
    eight = "16 2 1 1 1 2 5 5 7 8 5 9"  # corners 1 2 5 5: the edge between the last two has no length
    found = read_mesh(gmsh22(tmp_path, [*NODES, "0.5 0 0", "1 0.5 0", "0.5 0.5 0"], [eight]))
    assert (found.mesh.element, area(found.mesh)) == ("tri6", pytest.approx(0.5))


# ---------------------------------------------------------------- no groups


def test_a_gmsh_file_without_groups(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Regions and lines are called by the numbers of the geometry, the second tag; free expansion is exact."""
    elements = ["1 2 0 3 1 2", "2 2 0 5 1 2 5", "2 2 0 6 1 5 4"]
    path = gmsh22(tmp_path, NODES, elements)
    found = read_mesh(path)
    assert (found.mesh.regions, list(found.mesh.lines), found.unnamed) == (("5", "6"), ["3"], True)
    assert any("no groups or sets of 2D cells" in note and "5, 6" in note for note in found.notes)
    materials = f"[materials]\n5 = {MATERIAL}\n6 = {MATERIAL}\n[[probe]]\nname = 'e'\nat = [1, 1]\nregion = '5'\n"
    document = solved(tmp_path, capsys, "part.msh", materials)
    np.testing.assert_allclose(document["probes"]["e"]["u"], [1e-3, 1e-3], rtol=1e-12)
    assert document["mesh"]["notes"] == list(found.notes)  # and on the console
    assert main(["mesh", str(tmp_path / "case.toml"), "--quiet"]) == 0
    assert f"note: {found.notes[0]}\n" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["body", "copper_part"])
def test_one_region_takes_the_name_of_the_one_material(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (tmp_path / "a.inp").write_text("*NODE\n1, 0, 0\n2, 1, 0\n3, 1, 1\n4, 0, 1\n*ELEMENT, TYPE=CPS4\n1, 1, 2, 3, 4\n")
    found = read_mesh(tmp_path / "a.inp")
    assert (found.mesh.regions, found.unnamed) == (("body",), True)
    document = solved(tmp_path, capsys, "a.inp", f"[materials]\n{name} = {MATERIAL}\n")
    assert list(document["metrics"]["regions"]) == [name]


def test_names_that_no_cell_bears(tmp_path: Path) -> None:
    """gmsh writes names, but no groups, into a 2.2 file with Mesh.SaveAll = 1."""
    found = read_mesh(gmsh22(tmp_path, NODES, ["3 2 0 1 1 2 5 4", "3 2 0 2 2 3 6 5"], ['2 9 "post"']))
    assert found.mesh.regions == ("1", "2")
    assert any("'post' is not used" in note for note in found.notes)


# ---------------------------------------------------------------- gmsh of other years, and by other programs


def test_gmsh_1_and_2_0(tmp_path: Path) -> None:
    rows = ["1 1 7 1 2 1 2", "2 3 1 1 4 1 2 5 4", "3 3 2 2 4 2 3 6 5"]
    nodes = [f"{i} {x}" for i, x in enumerate(NODES, 1)]
    path = tmp_path / "old.msh"
    path.write_text("\n".join(["$NOD", "6", *nodes, "$ENDNOD", "$ELM", "3", *rows, "$ENDELM", ""]))
    found = read_mesh(path).mesh
    assert (found.regions, list(found.lines), area(found)) == (("1", "2"), ["7"], pytest.approx(2.0))
    path = gmsh22(tmp_path, NODES, [*BOTTOM, LEFT, RIGHT], ['2 "resin"', '1 "post"'])
    assert set(read_mesh(path).mesh.regions) == {"post", "resin"}


@pytest.mark.parametrize("kind", ["gmsh22", "gmsh"])
def test_numbers_as_meshio_writes_them(tmp_path: Path, kind: str) -> None:
    """meshio 5.3 writes the repr of numpy's numbers, np.float64(1.0) since numpy 2."""
    import meshio

    points = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0.0]])
    values = np.array([1.25, 2.5, 3e-7, 4.75])
    content = meshio.Mesh(points, [("quad", np.array([[0, 1, 2, 3]]))], point_data={"T": values})
    path = tmp_path / "a.msh"
    meshio.write(path, content, file_format=kind, binary=False)
    if "np.float64(" not in path.read_text():  # written by an older numpy or a newer meshio
        text = path.read_text()
        for value in values:
            text = text.replace(repr(float(value)), f"np.float64({float(value)!r})")
        path.write_text(text)
    np.testing.assert_array_equal(read_mesh(path).point_data["T"], values)


# ---------------------------------------------------------------- Abaqus


ABAQUS = (
    "*NODE\n1, 0, 0\n2, 1, 0\n3, 1, 1\n4, 0, 1\n*ELEMENT, TYPE=CPS4, ELSET=body\n1, 1, 2, 3, 4\n"
    "*ELEMENT, TYPE=T3D2, ELSET=edge\n2, 1, 2\n"
)


def test_a_node_set_of_an_element_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.inp"
    path.write_text(ABAQUS + "*NSET, NSET=clamp, ELSET=edge\n*NSET, NSET=corner\n4\n")
    found = read_mesh(path).mesh
    assert found.lines["clamp"].tolist() == [[0, 1]]
    assert found.sets == {"corner": pytest.approx(np.array([3]))}
    case = tmp_path / "c.toml"
    head = PLANE.replace("x = 0\nu_x", "on = 'corner'\nu_x").replace("u_x = 0", "u_x = 0.002", 1)
    case.write_text(f'{head}[materials]\nbody = {MATERIAL}\n[mesh]\nfile = "a.inp"\n')
    argv = ["solve", str(case), "--json", "--quiet", "--set", "model.kinematics=plane-stress"]
    assert main(argv) == 0
    assert main([*argv, "--set", "boundary.2={on='corner', pressure=1}"]) == 2
    assert "a set of points, not a line" in capsys.readouterr().err


def test_keywords_that_are_read_over_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.inp"
    path.write_text(
        ABAQUS + "*Solid Section, elset=body, material=steel\n*MATERIAL, NAME=steel\n*ELASTIC\n210000, 0.3\n*STEP\n"
        "*BOUNDARY\nclamp, 1, 2\n*END STEP\n"
    )
    (note,) = [note for note in read_mesh(path).notes if "not read" in note]
    assert note.startswith("*MATERIAL, *ELASTIC, *STEP, *BOUNDARY, *END STEP: not read")


def test_sets_of_sets_and_ranges(tmp_path: Path) -> None:
    path = tmp_path / "a.inp"
    path.write_text(ABAQUS + "*NSET, NSET=a, GENERATE\n1, 3, 2\n*NSET, NSET=b\na, 4\n")
    found = read_mesh(path).mesh
    assert {tuple(sorted(edge)) for edge in found.lines["b"].tolist()} == {(2, 3), (0, 3)}
    path.write_text(ABAQUS + "*NSET, NSET=a, GENERATE\n1, 6\n")
    fails(path, "NSET=a", "node 5 is not defined")


# ---------------------------------------------------------------- Nastran

CARDS = (
    "$ Created by Gmsh\n"
    "GRID    1       0       0.00E+000.00E+000.00E+00\n"
    "GRID    2       0       1.0+0   0.00E+000.00E+00\n"
    "GRID*   3                               1.0             1.0             \n*       0.0\n"
    "GRID,4,,0.,1.\n"
    "CBAR    2       1       1       2       0.      0.      0.      \n"
    "CQUAD4  6       1       1       2       3       4       \n"
)


def test_nastran_as_gmsh_writes_it(tmp_path: Path) -> None:
    """Bulk data alone, in small, large and free fields; the exponent may lack its E."""
    path = tmp_path / "a.bdf"
    path.write_text(CARDS + "SPC1,1,12,1\nENDDATA\nGRID,1\n")
    found = read_mesh(path)
    assert (found.mesh.regions, list(found.mesh.lines)) == (("1",), ["line 1"])
    np.testing.assert_array_equal(found.mesh.points, [[0, 0], [1, 0], [1, 1], [0, 1]])
    assert any(note.startswith("SPC1: not read") for note in found.notes)
    path.write_text("SOL 101\nCEND\nSUBCASE 1\nBEGIN BULK\n" + CARDS + "ENDDATA\n")
    assert read_mesh(path).mesh.regions == ("1",)


def test_a_probe_in_the_one_cell_of_a_body(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No polynomial fits through the one superconvergent point, at which the probe lies; free expansion is exact."""
    (tmp_path / "a.bdf").write_text(CARDS + "ENDDATA\n")
    rest = f"[materials]\n1 = {MATERIAL}\n[[probe]]\nname = 'e'\nat = [0.5, 0.5]\n"
    found = solved(tmp_path, capsys, "a.bdf", rest)
    assert found["warnings"] == []
    np.testing.assert_allclose(found["probes"]["e"]["u"], [5e-4, 5e-4], rtol=1e-12)
    assert max(found["probes"]["e"]["stress_error"].values()) < 1e-9


def test_nastran_second_order_and_faults(tmp_path: Path) -> None:
    path = tmp_path / "a.nas"
    grid = [(0, 0), (1, 0), (1, 1), (0, 1), (0.5, 0), (1, 0.5), (0.5, 1), (0, 0.5)]
    cards = [f"GRID,{i},,{x},{y}" for i, (x, y) in enumerate(grid, 1)]
    path.write_text("\n".join([*cards, "CQUAD8,1,7,1,2,3,4,5,6", ",7,8"]))
    assert (read_mesh(path).mesh.element, read_mesh(path).mesh.regions) == ("quad8", ("7",))
    path.write_text("\n".join([*cards, "GRID,9,,0.5,0.5", "CTRIAX6,1,7,1,5,2,6,3,9"]))  # corners and middles in turn
    assert area(read_mesh(path).mesh) == pytest.approx(0.5)
    for card, words in {
        "CQUAD4,1,7,1,2,3,99": ("node 99", "not defined"),
        "CQUAD4,1,7,1,2": ("2 nodes where 4 are needed",),
        "CHEXA,1,7,1,2,3,4,5,6": ("3D cells", "CHEXA"),
        "CQUAD4,x,7,1,2,3,4": ("'x' is not a whole number",),
        "GRID,9,3,0.,0.": ("coordinate system 3",),
        "GRID,9,,1.0.0,0.": ("'1.0.0' is not a number",),
    }.items():
        path.write_text("\n".join([*cards, "CQUAD4,5,7,1,2,3,4", card]))
        fails(path, *words)
