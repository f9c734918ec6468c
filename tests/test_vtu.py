"""Writing VTU and gmsh files: both sides of an interface, names, and the bytes as VTK defines them."""

from __future__ import annotations

import base64
import zlib
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from spheres import sphere_mesh

from femsim.base.errors import InputError
from femsim.meshes.mesh import Mesh
from femsim.meshes.read import read_mesh
from femsim.meshes.write import mesh_bytes, write_mesh, write_vtu
from femsim.models.kinematics import AXISYMMETRIC, PLANE_STRAIN, von_mises
from femsim.reports.fields import fields_bytes, write_fields


def decode(node: ElementTree.Element) -> np.ndarray:
    """An array by the letter of the VTK file formats document, apart from the reader under test."""
    text = (node.text or "").strip()
    head = np.frombuffer(base64.b64decode(text[:32]), "<u8")
    blocks, size, last = (int(x) for x in head[:3])
    length = -(-8 * (3 + blocks) // 3) * 4
    sizes = np.frombuffer(base64.b64decode(text[:length]), "<u8")[3:]
    body, raw = base64.b64decode(text[length:]), b""
    for i, n in enumerate(sizes.astype(int)):
        part = zlib.decompress(body[:n])
        assert len(part) == (last if i == blocks - 1 and last else size)
        raw, body = raw + part, body[n:]
    assert not body
    dtype = {"Float64": "<f8", "Int64": "<i8", "UInt8": "u1"}[node.get("type", "")]
    values = np.frombuffer(raw, dtype)
    width = int(node.get("NumberOfComponents", "1"))
    return values.reshape(-1, width) if width > 1 else values


def arrays(data: bytes) -> dict[str, dict[str, np.ndarray]]:
    """All arrays of a file by section and name."""
    grid = ElementTree.fromstring(data)[0]
    piece = grid.find("Piece")
    assert piece is not None
    found = {part.tag: {a.get("Name", ""): decode(a) for a in part} for part in piece}
    found["FieldData"] = {a.get("Name", ""): decode(a) for a in grid[0]}
    return found


@pytest.mark.parametrize(("element", "vtk"), [("tri3", 5), ("quad4", 9), ("tri6", 22), ("quad8", 23), ("quad9", 28)])
def test_fields_keep_both_sides_and_the_names(element: str, vtk: int) -> None:
    mesh = sphere_mesh((3.0, 4.0), 2, element)
    random = np.random.default_rng(3)
    u, stress = random.normal(size=(len(mesh.points), 2)), random.normal(size=(*mesh.cells.shape, 4))
    temperature = random.normal(size=len(mesh.points))
    found = arrays(fields_bytes(mesh, AXISYMMETRIC, u, stress, temperature))
    count, nodes = mesh.cells.shape
    assert np.all(found["Cells"]["types"] == vtk)
    np.testing.assert_array_equal(found["Cells"]["connectivity"], np.arange(count * nodes))
    np.testing.assert_array_equal(found["Cells"]["offsets"], nodes * np.arange(1, count + 1))
    points = np.asarray(found["Points"]["Points"])
    np.testing.assert_array_equal(points[:, :2], mesh.points[mesh.cells.ravel()])
    assert not points[:, 2].any()
    data = found["PointData"]
    np.testing.assert_array_equal(data["displacement"], np.column_stack([u, 0 * u[:, 0]])[mesh.cells.ravel()])
    np.testing.assert_array_equal(data["temperature"], temperature[mesh.cells.ravel()])
    for i, name in enumerate(("rr", "zz", "tt", "rz")):
        np.testing.assert_array_equal(data[f"stress_{name}"], stress[..., i].ravel())
    np.testing.assert_array_equal(data["von_mises"], von_mises(stress).ravel())
    np.testing.assert_array_equal(data["node"], mesh.cells.ravel())
    np.testing.assert_array_equal(found["CellData"]["region"], mesh.region)
    assert found["FieldData"] == {f"region: {name}": i for i, name in enumerate(mesh.regions)}


def test_stress_names_follow_the_kinematics() -> None:
    mesh = sphere_mesh((3.0,), 2, "quad4")
    data = fields_bytes(mesh, PLANE_STRAIN, np.zeros((len(mesh.points), 2)), np.zeros((*mesh.cells.shape, 4)), 25.0)
    assert {"stress_xx", "stress_yy", "stress_zz", "stress_xy"} < set(arrays(data)["PointData"])


def test_names_beyond_ascii_and_xml(tmp_path: Path) -> None:
    mesh = sphere_mesh((3.0, 4.0), 2, "quad4")
    mesh = Mesh(mesh.points, mesh.cells, mesh.element, mesh.region, ("Füllung <1> & 'x'", "Kupfer µ"), mesh.lines)
    write_vtu(tmp_path / "a.vtu", mesh, {}, {"number & <size>": np.arange(len(mesh.cells)) * 0.5})
    found = arrays((tmp_path / "a.vtu").read_bytes())
    assert list(found["FieldData"]) == [f"region: {name}" for name in mesh.regions]
    assert "number & <size>" in found["CellData"]
    for ending in (".vtu", ".msh"):
        write_mesh(tmp_path / f"b{ending}", mesh)
        assert read_mesh(tmp_path / f"b{ending}").mesh.regions == mesh.regions


def test_large_arrays_of_whole_blocks(tmp_path: Path) -> None:
    mesh = sphere_mesh((3.0,), 2, "quad4")
    count = len(mesh.cells)
    write_vtu(tmp_path / "a.vtu", mesh, {}, {"exact": np.ones((count, 4096)), "more": np.ones((count, 5000))})
    found = arrays((tmp_path / "a.vtu").read_bytes())["CellData"]
    assert np.shape(found["exact"]) == (count, 4096)
    assert np.all(np.asarray(found["more"]) == 1)


def test_results_are_a_mesh_again(tmp_path: Path) -> None:
    mesh = sphere_mesh((3.0, 4.0), 2, "quad9")
    zero = np.zeros((len(mesh.points), 2))
    write_fields(tmp_path / "fields.vtu", mesh, AXISYMMETRIC, zero, np.zeros((*mesh.cells.shape, 4)), mesh.points[:, 0])
    read = read_mesh(tmp_path / "fields.vtu")
    np.testing.assert_array_equal(read.mesh.points, mesh.points)
    np.testing.assert_array_equal(read.mesh.cells, mesh.cells)
    np.testing.assert_array_equal(read.point_data["temperature"], mesh.points[:, 0])
    assert any("joined" in note for note in read.notes)


def test_vtk_reads_it(tmp_path: Path) -> None:
    vtk = pytest.importorskip("vtk")
    mesh = sphere_mesh((3.0, 4.0), 2, "quad9")
    zero = np.zeros((len(mesh.points), 2))
    write_fields(tmp_path / "fields.vtu", mesh, AXISYMMETRIC, zero, np.zeros((*mesh.cells.shape, 4)), 25.0)
    reader = vtk.vtkXMLUnstructuredGridReader()
    reader.SetFileName(str(tmp_path / "fields.vtu"))
    reader.Update()
    grid = reader.GetOutput()
    assert grid.GetNumberOfCells() == len(mesh.cells)
    found = grid.GetFieldData()
    for number, name in enumerate(mesh.regions):
        assert found.GetArray(f"region: {name}").GetValue(0) == number


@pytest.mark.parametrize("element", ["tri3", "tri6", "quad4", "quad8", "quad9"])
def test_meshio_reads_it(tmp_path: Path, element: str) -> None:
    """meshio 5.3 stops at arrays of text, so there are none."""
    import meshio

    mesh = sphere_mesh((3.0, 4.0), 2, element)
    stress = np.random.default_rng(3).normal(size=(*mesh.cells.shape, 4))
    write_fields(tmp_path / "a.vtu", mesh, AXISYMMETRIC, np.zeros((len(mesh.points), 2)), stress, 25.0)
    found = meshio.read(tmp_path / "a.vtu")
    (block,) = found.cells
    assert block.type == mesh.info.meshio_name
    np.testing.assert_array_equal(found.point_data["stress_tt"], stress[..., 2].ravel())
    np.testing.assert_array_equal(found.cell_data["region"][0], mesh.region)
    assert {name: int(value[0]) for name, value in found.field_data.items()} == {
        f"region: {name}": number for number, name in enumerate(mesh.regions)
    }
    write_mesh(tmp_path / "b.vtu", mesh)
    assert len(meshio.read(tmp_path / "b.vtu").points) == len(mesh.points)


def test_files_are_whole_or_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mesh = sphere_mesh((3.0,), 2, "quad4")
    path = tmp_path / "a.vtu"
    path.write_text("old")

    def broken(self: Path, target: Path) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", broken)
    with pytest.raises(OSError, match="disk full"):
        write_vtu(path, mesh, {}, {})
    assert [p.name for p in tmp_path.iterdir()] == ["a.vtu"]
    assert path.read_text() == "old"


def test_wrong_arguments(tmp_path: Path) -> None:
    mesh = sphere_mesh((3.0,), 2, "quad4")
    with pytest.raises(InputError, match=r"\.msh or \.vtu, not '\.mhs' \(did you mean '\.msh'\?\)"):
        write_mesh(tmp_path / "a.mhs", mesh)
    with pytest.raises(ValueError, match="'T' has the shape"):
        write_vtu(tmp_path / "a.vtu", mesh, {"T": np.zeros(3)}, {})
    with pytest.raises(InputError, match="quotes"):
        mesh_bytes(Mesh(mesh.points, mesh.cells, mesh.element, mesh.region, ('a"b',)), ".msh")
    assert not list(tmp_path.iterdir())
