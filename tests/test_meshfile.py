"""Reading mesh files: what the formats give, what is mended on the way, and one clear line for each fault."""

from __future__ import annotations

import re
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from le11 import AREA, VOLUME, le11_mesh
from patches import area, volume
from spheres import sphere_mesh

from femsim.base.errors import FemsimWarning, InputError
from femsim.meshes.elements import shape
from femsim.meshes.facets import edges_of, find_edges
from femsim.meshes.mesh import Mesh
from femsim.meshes.read import change_element, read_mesh
from femsim.meshes.write import write_mesh

DATA = Path(__file__).parent / "data"
ELEMENTS = ("tri3", "tri6", "quad4", "quad8", "quad9")


def fails(path: Path, *words: str, **options: str) -> str:
    """Reading fails with one line that names the file and holds ``words``."""
    with pytest.raises(InputError) as caught:
        read_mesh(path, **options)
    text = str(caught.value)
    assert "\n" not in text
    assert path.name in text
    for word in words:
        assert word in text, text
    return text


def gmsh22(
    tmp_path: Path, nodes: list[str], elements: list[str], names: list[str] | None = None, name: str = "part.msh"
) -> Path:
    """A 2.2 file from lines without their numbers: coordinates; type, tags and nodes; dimension, tag and name."""
    text = ["$MeshFormat", "2.2 0 8", "$EndMeshFormat"]
    if names is not None:
        text += ["$PhysicalNames", str(len(names)), *names, "$EndPhysicalNames"]
    text += ["$Nodes", str(len(nodes)), *(f"{i} {x}" for i, x in enumerate(nodes, 1)), "$EndNodes"]
    text += ["$Elements", str(len(elements)), *(f"{i} {x}" for i, x in enumerate(elements, 1)), "$EndElements"]
    path = tmp_path / name
    path.write_text("\n".join(text) + "\n")
    return path


#: two unit squares side by side, as nodes and 4-node cells, with their line groups
NODES = ["0 0 0", "1 0 0", "2 0 0", "0 1 0", "1 1 0", "2 1 0"]
LEFT, RIGHT = "3 2 1 1 1 2 5 4", "3 2 2 2 2 3 6 5"
BOTTOM, MIDDLE = ["1 2 1 1 1 2", "1 2 1 2 3 2"], ["1 2 7 3 2 5"]
NAMES = ['2 1 "post"', '2 2 "resin"', '1 1 "bottom"', '1 7 "wall"']


def squares(tmp_path: Path, **change: list[str]) -> Path:
    """The two squares, with the parts given instead of the proper ones."""
    elements = change.get("elements", [*BOTTOM, *MIDDLE, LEFT, RIGHT])
    return gmsh22(tmp_path, change.get("nodes", NODES), elements, change.get("names", NAMES))


def on_left(mesh: Mesh, line: np.ndarray) -> None:
    """Every edge has the one cell it borders on at its left."""
    edges = edges_of(mesh)
    at = find_edges(mesh, edges, line)
    assert np.all(at >= 0)
    centre = mesh.points[mesh.cells[edges.cells[at, 0], : mesh.info.corners]].mean(axis=1)
    a, b = mesh.points[line[:, 0]], mesh.points[line[:, 1]]
    side = (b - a)[:, 0] * (centre - a)[:, 1] - (b - a)[:, 1] * (centre - a)[:, 0]
    assert np.all(side > 0)


# ---------------------------------------------------------------- the helpers' meshes


@pytest.mark.parametrize("element", ELEMENTS)
def test_le11_mesh_has_the_area_and_volume_of_the_outline(element: str) -> None:
    mesh = le11_mesh(8, element)
    tolerance = 1e-7 if mesh.info.order == 2 else 1e-3
    assert area(mesh) / 1e12 == pytest.approx(AREA, rel=tolerance)
    assert volume(mesh) / 1e18 == pytest.approx(VOLUME, rel=tolerance)
    assert mesh.regions == ("body",)
    assert {name: len(line) for name, line in mesh.lines.items()} == {"z0": 8, "top": 8, "inner": 28, "outer": 28}
    edges = edges_of(mesh)
    assert sum(len(line) for line in mesh.lines.values()) == np.sum(edges.cells[:, 1] < 0)


@pytest.mark.parametrize("element", ELEMENTS)
@pytest.mark.parametrize("cavity", [0.0, 8.0])
def test_sphere_layers_have_their_volumes_and_converge(element: str, cavity: float) -> None:
    radii = (10.0, 15.0, 40.0)
    inner = np.array([cavity, *radii[:-1]])
    exact = 2 / 3 * np.pi * (np.array(radii) ** 3 - inner**3)
    errors = []
    for n in (2, 4):
        mesh = sphere_mesh(radii, n, element, cavity)
        found = np.array([volume(mesh, region) for region in mesh.regions])
        errors.append(np.abs(found / exact - 1).max())
        for name in ("axis", "equator", "outer", *(["inner"] if cavity else [])):
            on_left(mesh, mesh.lines[name])
    order = np.log2(errors[0] / errors[1])
    assert order == pytest.approx(4 if mesh.info.order == 2 else 2, abs=0.1)


def test_shipped_le11_mesh_is_what_its_script_makes() -> None:
    from make_le11 import POWER, TARGET, N, content

    assert TARGET.read_bytes() == content()
    assert TARGET.stat().st_size < 300_000
    read = read_mesh(TARGET, "m")
    made = le11_mesh(N, "quad9", POWER)
    np.testing.assert_allclose(read.mesh.points, made.points, rtol=1e-15)
    np.testing.assert_array_equal(read.mesh.cells, made.cells)
    r, z = read.mesh.points.T / 1e6
    np.testing.assert_allclose(read.point_data["T"], r + z, rtol=1e-14)
    assert read.notes == ()


# ---------------------------------------------------------------- round trips


@pytest.mark.parametrize("element", ELEMENTS)
@pytest.mark.parametrize(("ending", "version"), [(".msh", "4.1"), (".msh", "2.2"), (".vtu", "")])
def test_round_trip_is_exact(tmp_path: Path, element: str, ending: str, version: str) -> None:
    mesh = sphere_mesh((3.0, 4.0), 2, element)
    data = {"T": np.sin(mesh.points[:, 0]) / 3}
    path = tmp_path / f"sphere{ending}"
    write_mesh(path, mesh, data, version=version or "4.1")
    read = read_mesh(path)
    assert read.notes == ()
    np.testing.assert_array_equal(read.mesh.points, mesh.points)
    np.testing.assert_array_equal(read.mesh.cells, mesh.cells)
    np.testing.assert_array_equal(read.mesh.region, mesh.region)
    assert (read.mesh.element, read.mesh.regions, list(read.mesh.lines)) == (element, mesh.regions, list(mesh.lines))
    for name, line in mesh.lines.items():
        np.testing.assert_array_equal(read.mesh.lines[name], line)
    np.testing.assert_array_equal(read.point_data["T"], data["T"])


@pytest.mark.parametrize("version", ["2.2", "4.1"])
def test_meshio_reads_what_we_write(tmp_path: Path, version: str) -> None:
    import meshio

    mesh = sphere_mesh((3.0, 4.0), 2, "quad9")
    write_mesh(tmp_path / "a.msh", mesh, version=version)
    found = meshio.read(tmp_path / "a.msh")
    assert set(found.field_data) == {*mesh.regions, *mesh.lines}
    assert sum(len(block) for block in found.cells if block.type == "quad9") == len(mesh.cells)


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("kind", ["gmsh22", "vtk42", "vtk", "vtu"])
def test_files_of_meshio(tmp_path: Path, kind: str, binary: bool) -> None:
    import meshio

    mesh = sphere_mesh((3.0, 4.0), 2, "quad4")
    lines = np.concatenate([mesh.lines["axis"], mesh.lines["outer"]])
    tags = np.array([5] * len(mesh.lines["axis"]) + [9] * len(mesh.lines["outer"]))
    points = np.column_stack([mesh.points, np.zeros(len(mesh.points))])
    numbers = {"gmsh:physical": [mesh.region + 1, tags], "gmsh:geometrical": [mesh.region + 1, tags]}
    field = {
        "layer0": np.array([1, 2]),
        "layer1": np.array([2, 2]),
        "axis": np.array([5, 1]),
        "outer": np.array([9, 1]),
    }
    if not kind.startswith("gmsh"):
        numbers, field = {"region": numbers["gmsh:physical"]}, {}
    path = tmp_path / ("a.msh" if kind.startswith("gmsh") else f"a.{kind[:3]}")
    content = meshio.Mesh(points, [("quad", mesh.cells), ("line", lines)], cell_data=numbers, field_data=field)
    meshio.write(path, content, file_format=kind, binary=binary)
    read = read_mesh(path, "mm").mesh
    named = kind.startswith("gmsh")
    assert read.regions == (("layer0", "layer1") if named else ("1", "2"))
    assert {name: len(line) for name, line in read.lines.items()} == {
        "axis" if named else "5": len(mesh.lines["axis"]),
        "outer" if named else "9": len(mesh.lines["outer"]),
    }
    np.testing.assert_allclose(read.points, 1e3 * mesh.points, rtol=1e-9)
    np.testing.assert_array_equal(np.bincount(read.region), np.bincount(mesh.region))


@pytest.mark.parametrize("ending", [".xdmf", ".med"])
def test_hdf5_files(tmp_path: Path, ending: str) -> None:
    pytest.importorskip("h5py")
    import meshio

    mesh = sphere_mesh((3.0, 4.0), 2, "quad8")
    key = "region" if ending == ".xdmf" else "cell_tags"
    content = meshio.Mesh(mesh.points, [("quad8", mesh.cells)], cell_data={key: [mesh.region + 1]})
    meshio.write(tmp_path / f"a{ending}", content)
    read = read_mesh(tmp_path / f"a{ending}").mesh
    assert read.regions == ("1", "2")
    assert volume(read) == pytest.approx(volume(mesh), rel=1e-12)


def test_abaqus_with_axisymmetric_cells_sets_and_surfaces() -> None:
    read = read_mesh(DATA / "cax8.inp", "mm")
    mesh = read.mesh
    assert (mesh.element, mesh.regions) == ("quad8", ("post", "resin"))
    assert len(mesh.points) == 13
    assert set(mesh.lines) == {"top", "bottom"}
    for name, z in (("top", 1e3), ("bottom", 0.0)):
        on_left(mesh, mesh.lines[name])
        assert mesh.lines[name].shape == (2, 3)
        np.testing.assert_array_equal(mesh.points[mesh.lines[name]][..., 1], z)
    assert area(mesh) == pytest.approx(2e6)
    assert any("'both' is not a region" in note for note in read.notes)
    assert any("1 nodes" in note and "dropped" in note for note in read.notes)
    assert any("'corner' holds no whole edge" in note for note in read.notes)


def test_abaqus_without_sections_takes_the_element_sets(tmp_path: Path) -> None:
    text = re.sub(r"\*Solid Section.*\n", "", (DATA / "cax8.inp").read_text())
    path = tmp_path / "a.inp"
    path.write_text(text)
    read = read_mesh(path)
    assert read.mesh.regions == ("post", "resin")
    assert any("'both'" in note for note in read.notes)


def test_a_node_set_round_the_body_leaves_out_the_diagonal(tmp_path: Path) -> None:
    path = tmp_path / "a.inp"
    path.write_text(
        "*NODE\n1, 0, 0\n2, 1, 0\n3, 1, 1\n4, 0, 1\n5, 2, 0.5\n*ELEMENT, TYPE=CAX3, ELSET=body\n1, 1, 2, "
        "3\n2, 1, 3, 4\n3, 2, 5, 3\n"
        "*NSET, NSET=left\n1, 2, 3, 4\n*NSET, NSET=inside\n2, 3\n"
    )
    mesh = read_mesh(path).mesh
    ends = {tuple(sorted(edge)) for edge in mesh.lines["left"].tolist()}
    assert ends == {(0, 1), (2, 3), (0, 3)}  # not 0-2, the diagonal, nor 1-2, inside
    assert {tuple(sorted(edge)) for edge in mesh.lines["inside"].tolist()} == {(1, 2)}


def test_a_surface_of_nodes_may_give_areas(tmp_path: Path) -> None:
    """Abaqus writes a node or a set, then its area; the area 1.0 is no node."""
    path = tmp_path / "a.inp"
    path.write_text(
        "*NODE\n1, 0, 0\n2, 1, 0\n3, 1, 1\n4, 0, 1\n*ELEMENT, TYPE=CAX4, ELSET=body\n1, 1, 2, 3, 4\n*NSET, "
        "NSET=low\n1, 2\n"
        "*SURFACE, TYPE=NODE, NAME=top\n3, 1.0\n4, 1.0\n*SURFACE, TYPE=NODE, NAME=bottom\nlow, 1.0\n"
    )
    mesh = read_mesh(path).mesh
    assert {tuple(sorted(edge)) for edge in mesh.lines["top"].tolist()} == {(2, 3)}
    assert {tuple(sorted(edge)) for edge in mesh.lines["bottom"].tolist()} == {(0, 1)}


# ---------------------------------------------------------------- what is mended on the way


def test_regions_lines_and_scale(tmp_path: Path) -> None:
    read = read_mesh(squares(tmp_path), "mm")
    assert read.mesh.regions == ("post", "resin")
    assert read.notes == ()
    on_left(read.mesh, read.mesh.lines["bottom"])
    np.testing.assert_array_equal(read.mesh.points.max(axis=0), [2e3, 1e3])
    wall = read.mesh.points[read.mesh.lines["wall"]]
    np.testing.assert_array_equal(wall[..., 0], 1e3)


def test_clockwise_cells_are_turned(tmp_path: Path) -> None:
    path = squares(tmp_path, elements=[*BOTTOM, *MIDDLE, "3 2 1 1 1 4 5 2", RIGHT])
    read = read_mesh(path)
    assert area(read.mesh) == pytest.approx(2.0)
    assert any("1 clockwise" in note for note in read.notes)
    for element in ELEMENTS:
        mesh = sphere_mesh((3.0,), 2, element)
        mirrored = tmp_path / f"{element}.msh"
        write_mesh(mirrored, replace(mesh, points=mesh.points * [1, -1]))
        turned = read_mesh(mirrored).mesh
        assert volume(turned) == pytest.approx(volume(mesh), rel=1e-12)
        on_left(turned, turned.lines["outer"])


def test_orphan_nodes_are_dropped(tmp_path: Path) -> None:
    read = read_mesh(squares(tmp_path, nodes=[*NODES, "5 5 0", "6 6 1"]))
    assert len(read.mesh.points) == 6
    assert any("2 nodes that belong to no 2D cell were dropped" in note for note in read.notes)


def test_a_mesh_in_the_xz_plane(tmp_path: Path) -> None:
    nodes = [f"{x} 3.5 {y}" for x, y, _ in (line.split() for line in NODES)]
    read = read_mesh(squares(tmp_path, nodes=nodes))
    assert area(read.mesh) == pytest.approx(2.0)
    assert any("x-z plane" in note for note in read.notes)


def test_a_tilted_mesh_is_refused(tmp_path: Path) -> None:
    nodes = [f"{x} {y} {float(x) + float(y)}" for x, y, _ in (line.split() for line in NODES)]
    fails(squares(tmp_path, nodes=nodes), "one coordinate plane")


def test_doubled_nodes_warn(tmp_path: Path) -> None:
    path = squares(tmp_path, nodes=[*NODES, "1 0 0", "1 1 0"], elements=[LEFT, "3 2 2 2 7 3 6 8"], names=NAMES[:2])
    with pytest.warns(FemsimWarning, match="regions may be unconnected"):
        read = read_mesh(path)
    assert any("4 nodes lie on others" in note for note in read.notes)


def test_a_cell_given_twice_in_one_region_counts_once(tmp_path: Path) -> None:
    read = read_mesh(squares(tmp_path, elements=[*BOTTOM, *MIDDLE, LEFT, RIGHT, RIGHT]))
    assert area(read.mesh) == pytest.approx(2.0)


def test_unnamed_groups_are_named_by_their_numbers(tmp_path: Path) -> None:
    read = read_mesh(gmsh22(tmp_path, NODES, [*BOTTOM, *MIDDLE, LEFT, RIGHT]))
    assert read.mesh.regions == ("1", "2")
    assert set(read.mesh.lines) == {"line 1", "7"}


def test_nothing_is_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.vtk"
    path.write_text("# vtk DataFile Version 2.0\nrubbish\n")
    fails(path)
    assert capfd.readouterr() == ("", "")


# ---------------------------------------------------------------- raising and lowering the order


@pytest.mark.parametrize(
    "change", ["tri3 tri6", "tri6 tri3", "quad4 quad8", "quad4 quad9", "quad8 quad9", "quad9 quad8", "quad9 quad4"]
)
def test_order_changes_within_a_family(tmp_path: Path, change: str) -> None:
    have, want = change.split()
    mesh = sphere_mesh((3.0, 4.0), 2, have)
    write_mesh(tmp_path / "a.msh", mesh, {"T": 2 * mesh.points[:, 0] - mesh.points[:, 1]})
    read = read_mesh(tmp_path / "a.msh", element=want)
    assert read.mesh.element == want
    assert read.mesh.info.nodes == read.mesh.cells.shape[1]
    assert any(want in note for note in read.notes)
    assert len(np.unique(np.round(read.mesh.points, 9), axis=0)) == len(read.mesh.points)
    for line in read.mesh.lines.values():
        assert line.shape[1] == read.mesh.info.order + 1
        edges = edges_of(read.mesh)
        np.testing.assert_array_equal(np.sort(edges.nodes[find_edges(read.mesh, edges, line)]), np.sort(line))
    if mesh.info.order == 1 or read.mesh.info.order == 2:
        assert volume(read.mesh) == pytest.approx(volume(mesh), rel=1e-12)  # the shape stays
    r, z = read.mesh.points.T
    np.testing.assert_allclose(read.point_data["T"], 2 * r - z, atol=1e-12)


def test_a_quad9_keeps_its_centre_when_lowered_and_raised() -> None:
    mesh = sphere_mesh((3.0,), 2, "quad8")
    nine, _ = change_element(mesh, "quad9")
    values, _ = shape("quad8", np.array([[0.5, 0.5]]))
    centre = np.einsum("n,enk->ek", values[0], mesh.points[mesh.cells])
    np.testing.assert_allclose(nine.points[nine.cells[:, 8]], centre, atol=1e-14)
    eight, _ = change_element(nine, "quad8")
    np.testing.assert_array_equal(eight.points, mesh.points)
    np.testing.assert_array_equal(eight.cells, mesh.cells)


def test_no_change_between_families(tmp_path: Path) -> None:
    fails(squares(tmp_path), "element: 'tri6'", "quad4, quad8, quad9", element="tri6")
    with pytest.raises(InputError, match=r"'quad10' is not one of .*did you mean 'quad"):
        read_mesh(squares(tmp_path), element="quad10")
    with pytest.raises(InputError, match=r"length_unit: 'mm\.' .*did you mean 'mm'"):
        read_mesh(squares(tmp_path), "mm.")


# ---------------------------------------------------------------- faults


def test_missing_directory_empty_unknown(tmp_path: Path) -> None:
    squares(tmp_path)
    fails(tmp_path / "prt.msh", "not found", "did you mean 'part.msh'")
    fails(tmp_path, "directory")
    (tmp_path / "empty.msh").write_bytes(b"")
    fails(tmp_path / "empty.msh", "is empty")
    (tmp_path / "part.doc").write_text("text")
    fails(tmp_path / "part.doc", "'.doc' is not known", ".msh, .inp, .vtu")


@pytest.mark.parametrize(
    "ending", [".msh", ".inp", ".vtu", ".vtk", ".bdf", ".su2", ".mesh", ".xdmf", ".stl", ".ply", ".e", ".dat", ".off"]
)
def test_binary_rubbish(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"rubbish{ending}"
    path.write_bytes(np.random.default_rng(0).integers(0, 256, 5000, dtype=np.uint8).tobytes())
    fails(path)


@pytest.mark.parametrize("name", ["a.msh", "b.msh", "c.vtu"])
def test_truncated_files(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write_mesh(path, sphere_mesh((3.0,), 2, "quad8"), version="2.2" if name == "b.msh" else "4.1")
    data = path.read_bytes().rstrip()
    for part in np.linspace(0.03, 0.999, 40):
        path.write_bytes(data[: int(part * len(data))])
        fails(path)
    path.write_bytes(data[:-1])
    fails(path)


def test_truncated_abaqus(tmp_path: Path) -> None:
    path = tmp_path / "a.inp"
    text = (DATA / "cax8.inp").read_text()
    path.write_text(text[: text.index("2, 2, 3, 6") + 15])
    fails(path, "no multiple of 9", "truncated")
    path.write_text(text[: text.index("*Element")])
    fails(path, "no elements")
    path.write_text(text.replace("1, 1, 2, 5, 4", "1, 1, 2, 55, 4"))
    fails(path, "element 1 refers to node 55")
    path.write_text(text.replace("CAX8R", "CAX7"))
    fails(path, "'CAX7' is not supported", "CAX8")
    path.write_text(text.replace("CAX8R", "C3D8"))
    fails(path, "3D cells on nodes of two coordinates")
    path.write_text(text.replace("CAX8R", "C3D9"))
    fails(path, "C3D9 is not supported", "C3D8")
    path.write_text(text.replace("elset=resin, material", "elset=rasin, material"))
    fails(path, "did you mean 'RESIN'")
    path.write_text(text.replace("post, resin", "post, lost"))
    fails(path, "'LOST' is not defined")


def test_no_2d_cells_and_3d_cells(tmp_path: Path) -> None:
    fails(squares(tmp_path, elements=BOTTOM, names=NAMES[2:3]), "no 2D cells", "2 line")
    tet, pyramid, wedge = "4 2 1 1 1 2 4 7", "7 2 1 1 1 2 5 4 7", "6 2 1 1 1 2 4 7 8 9"
    nodes = [*NODES, "0 0 1", "1 0 1", "0 1 1"]
    fails(gmsh22(tmp_path, nodes, [tet, wedge]), "mixed cell types", "1 tetra, 1 wedge")
    fails(gmsh22(tmp_path, nodes, [pyramid]), "'pyramid'", "hexahedron (hex8)")


def test_high_order_is_named(tmp_path: Path) -> None:
    nodes = [f"{x} {y} 0" for x, y in ((0, 0), (3, 0), (0, 3), (1, 0), (2, 0), (2, 1), (1, 2), (0, 2), (0, 1), (1, 1))]
    fails(gmsh22(tmp_path, nodes, ["21 2 1 1 1 2 3 4 5 6 7 8 9 10"]), "'triangle10'", "triangle6 (tri6)")


def test_cells_in_no_group(tmp_path: Path) -> None:
    path = squares(
        tmp_path,
        elements=[*BOTTOM, *MIDDLE, LEFT, RIGHT.replace("2 2 2 2 3", "2 0 2 2 3")],
        names=[NAMES[0], *NAMES[2:]],
    )
    fails(path, "1 cells are in no region", "(1.5, 0.5) um", "post")


def test_a_cell_in_two_groups(tmp_path: Path) -> None:
    path = squares(tmp_path, elements=[*BOTTOM, *MIDDLE, LEFT, RIGHT, "3 2 1 1 2 3 6 5"])
    fails(path, "in two regions", "'post'", "'resin'", "(1.5, 0.5)")


@pytest.mark.parametrize("name", ['2 5 "ball"', '1 5 "top"'])
def test_empty_group(tmp_path: Path, name: str) -> None:
    fails(squares(tmp_path, names=[*NAMES, name]), "is empty", name.split('"')[1], f"dimension {name[0]}")


def test_mixed_up_tags(tmp_path: Path) -> None:
    path = squares(tmp_path, names=[NAMES[0], '1 2 "resin"', *NAMES[2:]])
    fails(path, "'resin'", "is empty", "tag 2 is on cells of dimension 2")
    path = squares(
        tmp_path, names=[NAMES[0], '1 2 "top"', *NAMES[2:]], elements=[*BOTTOM, *MIDDLE, LEFT, RIGHT, "1 2 2 4 6 5"]
    )
    fails(path, "mixed-up tag", "tag 2", "'top'", "dimension 1")


def test_one_name_for_region_and_line(tmp_path: Path) -> None:
    fails(squares(tmp_path, names=[*NAMES[:2], '1 1 "post"', NAMES[3]]), "'post'", "for a region and for a line group")


def test_line_off_the_mesh(tmp_path: Path) -> None:
    path = squares(tmp_path, elements=[*BOTTOM, "1 2 7 3 1 5", LEFT, RIGHT])
    fails(path, "line group 'wall'", "no edges of 2D cells", "(0, 0, 0)", "(1, 1, 0)")


def test_coordinates_that_are_not_finite(tmp_path: Path) -> None:
    fails(squares(tmp_path, nodes=[*NODES[:4], "1 nan 0", NODES[5]]), "not finite")
    fails(squares(tmp_path, nodes=[*NODES[:4], "inf 1 0", NODES[5]]), "not finite")


def test_flat_twisted_and_folded_cells(tmp_path: Path) -> None:
    flat = [*NODES[:2], "1 0.5 0", NODES[3], NODES[4], "1 1.5 0"]
    fails(squares(tmp_path, nodes=flat), "no area", "(1, 0.75) um")
    fails(squares(tmp_path, elements=[*BOTTOM[:1], LEFT, "3 2 2 2 2 3 5 6"], names=NAMES[:3]), "inverted", "(1.5, 0.5)")
    fails(squares(tmp_path, elements=[LEFT, "3 2 2 2 2 3 2 5"], names=NAMES[:2]), "use a node twice")


def test_undefined_and_doubly_defined_nodes(tmp_path: Path) -> None:
    fails(squares(tmp_path, elements=[LEFT, "3 2 2 2 2 3 60 5"], names=NAMES[:2]), "node 60", "not defined")
    path = squares(tmp_path)
    path.write_text(path.read_text().replace("\n6 2 1 0", "\n5 2 1 0"))
    fails(path, "node 5 is defined twice")


def test_overlapping_cells(tmp_path: Path) -> None:
    nodes = [*NODES, "2.5 0 0", "2.5 2 0"]
    fails(
        squares(tmp_path, nodes=nodes, elements=[LEFT, RIGHT, "3 2 2 2 2 7 8 5"], names=NAMES[:2]),
        "more than two cells",
    )


def test_damaged_files_never_escape(tmp_path: Path) -> None:
    random = np.random.default_rng(7)
    path = tmp_path / "a.msh"
    write_mesh(path, sphere_mesh((3.0,), 2, "tri6"))
    data = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    for _ in range(60):
        broken = data.copy()
        broken[random.integers(0, len(data), 5)] = random.integers(32, 127, 5)
        path.write_bytes(broken.tobytes())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FemsimWarning)
            try:
                read_mesh(path)
            except InputError:
                fails(path)
