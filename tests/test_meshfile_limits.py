"""Mesh files that explode or never end: what a file may cost follows from its size."""

from __future__ import annotations

import base64
import gzip
import lzma
import os
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from test_meshfile import LEFT, NODES, RIGHT, fails, gmsh22
from test_meshfile_programs import ABAQUS

from femsim.meshes.read import foreign, read_mesh, reader
from femsim.meshes.read.foreign import read_foreign

pytestmark = pytest.mark.skipif(os.name != "posix", reason="limits of a process")


@pytest.fixture(autouse=True)
def _bounded() -> Iterator[None]:
    """Two more GB at most, and a few seconds."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_AS)
    used = (
        int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() if Path("/proc").is_dir() else 0
    )
    resource.setrlimit(resource.RLIMIT_AS, (used + 2_000_000_000, before[1]))
    start = time.monotonic()
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)
    assert time.monotonic() - start < 20


# ---------------------------------------------------------------- Abaqus


def test_an_include_bomb(tmp_path: Path) -> None:
    """Eleven tiny files that include one another twelve times each are 12^10 reads."""
    for i in range(10):
        (tmp_path / f"i{i}.inp").write_text(f"*INCLUDE, INPUT=i{i + 1}.inp\n" * 12)
    (tmp_path / "i10.inp").write_text("** end\n")
    fails(tmp_path / "i0.inp", "include one another too often")
    (tmp_path / "me.inp").write_text("*INCLUDE, INPUT=me.inp\n")
    fails(tmp_path / "me.inp", "nested too deeply")
    (tmp_path / "twice.inp").write_text("*NSET, NSET=a\n" + "1,2,3,4\n" * 20_000)
    (tmp_path / "big.inp").write_text("*INCLUDE, INPUT=twice.inp\n" * 900)
    fails(tmp_path / "big.inp", "include one another too often")
    (tmp_path / "null.inp").write_text("*INCLUDE, INPUT=/dev/zero\n")
    fails(tmp_path / "null.inp", "file not found")


def test_a_set_bomb(tmp_path: Path) -> None:
    """Sets of sets, each naming the one before many times; named once or often they hold the same nodes."""
    sets = "*NSET, NSET=s0\n1, 2\n" + "".join(
        f"*NSET, NSET=s{i}\n{', '.join([f's{i - 1}'] * 12)}\n" for i in range(1, 60)
    )
    path = tmp_path / "a.inp"
    path.write_text(ABAQUS + sets)
    assert read_mesh(path).mesh.lines["s59"].tolist() == [[0, 1]]
    path.write_text(ABAQUS + "*NSET, NSET=x\ny\n*NSET, NSET=y\nx\n")
    fails(path, "'x' is not defined")
    nodes = "*NODE\n" + "".join(f"{i}, {i}, 0\n" for i in range(1, 1501))
    many = "".join(f"*NSET, NSET=g{i}, GENERATE\n1, 1500\n" for i in range(1500))
    path.write_text(nodes + ABAQUS.replace("*NODE\n1, 0, 0\n2, 1, 0\n3, 1, 1\n4, 0, 1\n", "") + many)
    fails(path, "unfolds to more than")


@pytest.mark.parametrize(
    "span", ["1, 1000000000000", "1, 1000000000000, 7", "1, 4, 0", "1, 99999999999999999999999999"]
)
def test_a_range_is_not_counted_out(tmp_path: Path, span: str) -> None:
    path = tmp_path / "a.inp"
    for kind in ("NSET", "ELSET"):
        path.write_text(ABAQUS + f"*{kind}, {kind}=a, GENERATE\n{span}\n")
        fails(path)


def test_a_keyword_continued_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "a.inp"
    path.write_text("*NODE,\n" * 300_000)
    fails(path, "no elements")


# ---------------------------------------------------------------- gmsh


@pytest.mark.parametrize(
    "promise", ["1000000000000\n", '1\n"T"\n1000000000000\n', '1\n"T"\n1\n0\n3\n0\n1\n99999999999\n']
)
def test_node_data_that_promise_too_much(tmp_path: Path, promise: str) -> None:
    path = gmsh22(tmp_path, NODES, [LEFT, RIGHT])
    path.write_text(path.read_text() + f"$NodeData\n{promise}1 25\n$EndNodeData\n")
    fails(path, "ends early" if "99999999999\n" not in promise else "reshape")


def test_counts_that_promise_too_much(tmp_path: Path) -> None:
    path = gmsh22(tmp_path, NODES, [LEFT, RIGHT])
    text = path.read_text()
    path.write_text(text.replace("$Elements\n2\n", "$Elements\n1000000000000\n"))
    fails(path, "ends early")
    path.write_text(text.replace("$Nodes\n6\n", "$Nodes\n1000000000000\n"))
    fails(path, "promised")
    four = "$MeshFormat\n4.1 0 8\n$EndMeshFormat\n"
    for body in ("$Entities\n0 0 1000000000000 0\n$EndEntities\n", "$Nodes\n1000000000000 1 1 1\n$EndNodes\n"):
        path.write_text(four + body + "$Elements\n0 0 0 0\n$EndElements\n")
        fails(path, "ends early")


def test_a_number_for_each_cell_takes_no_square_of_their_number(tmp_path: Path) -> None:
    """20 000 cells, each in a region of its own: regions are counted before anything is done with them."""
    count = 20_001
    nodes = [f"{x} {y} 0" for x in range(count + 1) for y in (0, 1)]
    cells = [f"3 2 {i + 1} {i + 1} {2 * i + 1} {2 * i + 3} {2 * i + 4} {2 * i + 2}" for i in range(count)]
    fails(gmsh22(tmp_path, nodes, cells), "20001 groups and sets")


def test_many_nodes_in_one_place(tmp_path: Path) -> None:
    """Cells that lie on one another without sharing nodes: a search tree cannot part them."""
    from femsim.base.errors import FemsimWarning

    nodes = NODES[:2] + NODES[4:5]
    cells = [f"2 2 1 1 {3 * i + 1} {3 * i + 2} {3 * i + 3}" for i in range(6000)]
    with pytest.warns(FemsimWarning, match="18000 nodes lie on others"):
        read_mesh(gmsh22(tmp_path, nodes * 6000, cells))


# ---------------------------------------------------------------- VTU


def vtu(tmp_path: Path, packed: bytes, blocks: int, block: int, compressor: str = "vtkZLibDataCompressor") -> Path:
    """A file whose points are one compressed array with a header that promises ``blocks`` of ``block`` bytes."""
    head = np.array([blocks, block, 0, *[len(packed)] * blocks], dtype="<u8").tobytes()
    text = (base64.b64encode(head) + base64.b64encode(packed * blocks)).decode()
    path = tmp_path / "a.vtu"
    path.write_text(
        f'<VTKFile type="UnstructuredGrid" byte_order="LittleEndian" header_type="UInt64" compressor="{compressor}">'
        f'<UnstructuredGrid><Piece NumberOfPoints="3" NumberOfCells="1"><Points><DataArray type="Float64" Name="P" '
        f'NumberOfComponents="3" format="binary">{text}</DataArray></Points></Piece></UnstructuredGrid></VTKFile>'
    )
    return path


@pytest.mark.parametrize("kind", ["vtkZLibDataCompressor", "vtkLZMADataCompressor"])
def test_a_compressed_bomb(tmp_path: Path, kind: str) -> None:
    packed = (zlib.compress if "ZLib" in kind else lzma.compress)(b"\0" * 20_000_000)
    fails(vtu(tmp_path, packed, 1, 72, kind), "more than 72 bytes")
    fails(vtu(tmp_path, packed, 12, 20_000_000, kind), "unfolds to more than")
    fails(vtu(tmp_path, packed, 3, 10**12, kind), "unfolds to more than")


def test_entities_and_offsets_in_xml(tmp_path: Path) -> None:
    path = tmp_path / "a.vtu"
    lol = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 12))
    path.write_text(f'<!DOCTYPE v [<!ENTITY a0 "lol">{lol}]><VTKFile type="UnstructuredGrid">&a11;</VTKFile>')
    fails(path, "document type")
    path.write_bytes(path.read_text().encode("utf-16"))
    fails(path, "not UTF-8 text")
    cells = "".join(
        f'<DataArray type="Int64" Name="{name}">{value}</DataArray>'
        for name, value in (("connectivity", "0 1 2"), ("offsets", "3 0 3 0 3"), ("types", "5 5 5 5 5"))
    )
    path.write_text(
        '<VTKFile type="UnstructuredGrid"><UnstructuredGrid><Piece NumberOfPoints="3" NumberOfCells="5"><Points>'
        '<DataArray type="Float64" Name="P" NumberOfComponents="3">0 0 0 1 0 0 0 1 0</DataArray></Points>'
        f"<Cells>{cells}</Cells></Piece></UnstructuredGrid></VTKFile>"
    )
    fails(path, "do not agree")


# ---------------------------------------------------------------- meshio, in a child


HANGING = {
    "ansys.msh": '(0 "x")\n(10 (0 1 5 0 2))\n(10 (1 1 5 1 2)(\n0 0\n',
    "a.mdpa": "Begin Nodes\n1 0 0 0\n2 1 0 0\n",
}


@pytest.mark.parametrize("name", HANGING)
def test_readers_that_never_end_are_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(foreign, "SECONDS", 1.0)
    (tmp_path / name).write_text(HANGING[name])
    fails(tmp_path / name, "cannot be read")


def test_what_a_child_says(tmp_path: Path) -> None:
    """Results and errors come back from the child as they are; nothing of it is printed."""
    path = tmp_path / "a.vtk"
    path.write_text(
        "# vtk DataFile Version 3.0\nx\nASCII\nDATASET UNSTRUCTURED_GRID\nPOINTS 3 double\n0 0 0 1 0 0 0 1 0\n"
        "CELLS 1 4\n3 0 1 2\nCELL_TYPES 1\n5\nPOINT_DATA 3\nSCALARS T double 1\nLOOKUP_TABLE default\n1 2 3\n"
    )
    raw = read_foreign(path)
    assert [(kind, nodes.tolist()) for kind, nodes in raw.blocks] == [("triangle", [[0, 1, 2]])]
    assert raw.point_data["T"].tolist() == [1, 2, 3]
    assert read_mesh(path).mesh.regions == ("body",)


def test_a_packed_bomb_for_meshio(tmp_path: Path) -> None:
    path = tmp_path / "a.vol.gz"
    with gzip.open(path, "wb", compresslevel=1) as stream:
        stream.write(b"mesh3d\n" + b"\0" * 80_000_000)
    fails(path, "it unpacks to more than")


# ---------------------------------------------------------------- what is no file, or too large


def test_pipes_and_devices_are_no_mesh_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.msh")
    fails(tmp_path / "a.msh", "is a pipe or a device")
    (tmp_path / "b.inp").symlink_to("/dev/zero")
    fails(tmp_path / "b.inp", "is a pipe or a device")


def test_a_file_larger_than_the_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = gmsh22(tmp_path, NODES, [LEFT, RIGHT])
    monkeypatch.setattr(reader, "free_bytes", lambda: 1000.0)
    fails(path, "are free")
