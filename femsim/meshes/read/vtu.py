"""VTU files (the VTK file formats document, vtk.org): text, base64 and raw arrays, compressed or not, with string
arrays.
"""

from __future__ import annotations

import base64
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from femsim.base.arrays import FloatArray, IntArray
from femsim.meshes.read.raw import NONE, Budget, Group, Raw, by_value, fail, number_groups, numbers, scalars

_VTK_TYPES = {1: "vertex", 3: "line", 4: "polyline", 5: "triangle", 7: "polygon", 8: "pixel", 9: "quad", 10: "tetra", 11: "voxel",  # noqa: E501
              12: "hexahedron", 13: "wedge", 14: "pyramid", 21: "line3", 22: "triangle6", 23: "quad8", 24: "tetra10", 25: "hexahedron20",  # noqa: E501
              26: "wedge15", 28: "quad9", 29: "hexahedron27", 30: "quad6", 32: "wedge18", 34: "triangle7", 35: "line4",
              42: "polyhedron", 68: "line of higher order",
              69: "triangle of higher order", 70: "quad of higher order"}  # fmt: skip
_VTK_NUMBERS = {"Float32": "f4", "Float64": "f8", "Int8": "i1", "Int16": "i2", "Int32": "i4", "Int64": "i8", "UInt8": "u1",  # noqa: E501
                "UInt16": "u2", "UInt32": "u4", "UInt64": "u8"}  # fmt: skip

_Array = npt.NDArray[Any] | list[str]


def read_vtu(path: Path) -> Raw:
    """What a VTU file holds."""
    vtu = _Vtu(path)
    grid = vtu.root.find("UnstructuredGrid")
    nodes = [] if grid is None else grid.findall("Piece")
    if grid is None or not nodes:
        fail(path, "holds no Piece")
    field_data = vtu.arrays(grid.find("FieldData"))
    pieces, first, at = list[_Piece](), 0, 0
    for node in nodes:
        pieces.append(_piece(path, vtu, node, first, at))
        first += len(pieces[-1].points)
        at += len(pieces[-1].connectivity)
    kinds = np.concatenate([piece.types for piece in pieces])
    starts = np.concatenate([piece.starts for piece in pieces])
    widths = np.concatenate([piece.widths for piece in pieces])
    connectivity = np.concatenate([piece.connectivity for piece in pieces])
    raw, order = Raw(np.concatenate([piece.points for piece in pieces]), []), [NONE]
    for code, width in np.unique(np.column_stack([kinds, widths]), axis=0).tolist():
        same = np.flatnonzero((kinds == code) & (widths == width))
        block = connectivity[starts[same][:, None] + np.arange(width)]
        name = _VTK_TYPES.get(code, f"VTK type {code}")
        raw.blocks.append(("quad", block[:, [0, 1, 3, 2]]) if name == "pixel" and width == 4 else (name, block))
        order.append(same)
    ordered = np.concatenate(order)
    cell_data = _joined([piece.cell_data for piece in pieces])
    per_cell = {name: values[ordered] for name, values in cell_data.items() if len(values) == len(ordered)}
    raw.point_data = scalars(_joined([piece.point_data for piece in pieces]))
    regions = names_in(field_data, "region")
    if regions and "node" in raw.point_data:
        _rejoin(raw, raw.point_data.pop("node").astype(np.int64))
    _groups(raw, per_cell, regions, names_in(field_data, "surface"), names_in(field_data, "line"))
    return raw


def names_in(field_data: dict[str, _Array], what: str) -> dict[int, str]:
    """Names by number: an array ``region: NAME`` of one number for each, or (until 0.1) the texts ``region_names``."""
    found = {}
    for key, values in field_data.items():
        if key.startswith(f"{what}: ") and not isinstance(values, list) and len(values) == 1:
            found[int(values[0])] = key.removeprefix(f"{what}: ")
    texts = field_data.get(f"{what}_names", [])
    return found or {number: text for number, text in enumerate(texts) if isinstance(text, str)}


def read_arrays(path: Path) -> dict[str, dict[str, _Array]]:
    """All arrays of a file of one piece, by section (Points, Cells, PointData, CellData, FieldData) and name."""
    vtu = _Vtu(path)
    grid = vtu.root.find("UnstructuredGrid")
    piece = None if grid is None else grid.find("Piece")
    if grid is None or piece is None:
        fail(path, "holds no Piece")
    found = {part.tag: vtu.arrays(part) for part in piece}
    return {**found, "FieldData": vtu.arrays(grid.find("FieldData"))}


class _Vtu:
    """Decodes the arrays of one file, which may be compressed by zlib or lzma."""

    def __init__(self, path: Path) -> None:
        from xml.etree import ElementTree

        data = path.read_bytes()
        self.budget = Budget(path, len(data), 64_000_000, 200)
        self.appended, self.raw = memoryview(b""), False
        opening = re.search(rb"<AppendedData[^>]*>\s*_", data)
        if opening:
            end = data.rfind(b"</AppendedData>")
            if end < 0:
                fail(path, "is truncated: AppendedData is not closed")
            self.raw = b"raw" in opening.group(0)
            self.appended = memoryview(data)[opening.end() : end]
            data = data[: opening.start()] + data[end + len(b"</AppendedData>") :]
        if b"<!DOCTYPE" in data or b"\0" in data:  # entities, in the open or in another encoding
            fail(path, "is not a VTU file: it declares a document type, or is not UTF-8 text")
        self.root = ElementTree.fromstring(data)
        if self.root.tag != "VTKFile" or self.root.get("type") != "UnstructuredGrid":
            fail(path, f"is not an unstructured grid but {self.root.get('type') or self.root.tag!r}")
        self.order = ">" if self.root.get("byte_order") == "BigEndian" else "<"
        self.header = np.dtype(self.order + _VTK_NUMBERS[self.root.get("header_type", "UInt32")])
        self.compressor = self.root.get("compressor", "")
        if self.compressor not in ("", "vtkZLibDataCompressor", "vtkLZMADataCompressor"):
            fail(path, f"compressor {self.compressor} is not supported; save with zlib or without compression")

    def array(self, node: Any) -> _Array:
        """Numbers of a DataArray, or the texts of a string array."""
        kind = node.get("type")
        dtype = np.dtype("u1") if kind == "String" else np.dtype(self.order + _VTK_NUMBERS[kind])
        style = node.get("format", "ascii")
        text = (node.text or "").encode()
        if style == "ascii":
            values = numbers(text.replace(b"\n", b" ")).astype(dtype) if text.strip() else np.zeros(0, dtype=dtype)
        elif style == "binary":
            values = np.frombuffer(self.decode(memoryview(b"".join(text.split())), raw=False), dtype=dtype)
        else:
            start = int(node.get("offset", "0"))
            if not 0 <= start <= len(self.appended):
                raise ValueError(f"an array begins at {start}, beyond the data")
            values = np.frombuffer(self.decode(self.appended[start:], raw=self.raw), dtype=dtype)
        if kind == "String":
            return [part.decode("utf-8", "replace") for part in values.tobytes().split(b"\0")[:-1]]
        components = int(node.get("NumberOfComponents") or 1)
        return values.reshape(-1, components) if components > 1 else values

    def decode(self, data: memoryview, raw: bool) -> bytes:
        """The bytes of one array, whose header comes first."""

        def length(size: int) -> int:
            """How many characters of the file stand for ``size`` bytes."""
            return size if raw else -(-size // 3) * 4

        def part(start: int, size: int) -> bytes:
            """``size`` bytes from the character ``start`` on."""
            stop = start + length(size)
            if size < 0 or stop > len(data):
                raise ValueError("an array ends early")
            found = data[start:stop]
            return bytes(found) if raw else base64.b64decode(found, validate=True)[:size]

        width = self.header.itemsize
        first = int(np.frombuffer(part(0, width), self.header)[0])
        if not self.compressor:
            self.budget.take(first, "its arrays")
            return part(0, width + first)[width:]
        size = width * (3 + first)
        header = [int(value) for value in np.frombuffer(part(0, size), self.header)]
        blocks, block, last, sizes = first, header[1], header[2], header[3:]
        self.budget.take(blocks * block, "its arrays")
        body = part(length(size), sum(sizes))
        start, unpacked = 0, []
        for number, count in enumerate(sizes):
            wanted = last if last and number == blocks - 1 else block
            unpacked.append(self.unpack(body[start : start + count], wanted))
            start += count
        return b"".join(unpacked)

    def unpack(self, data: bytes, size: int) -> bytes:
        """One block of ``size`` bytes, and not a byte more whatever the compressed data hold."""
        if self.compressor == "vtkZLibDataCompressor":
            found = zlib.decompressobj().decompress(data, size + 1)
        else:
            import lzma

            found = lzma.LZMADecompressor(memlimit=256_000_000).decompress(data, size + 1)
        if len(found) != size:
            raise ValueError(f"a block unpacks to {'more' if len(found) > size else 'less'} than {size} bytes")
        return found

    def arrays(self, parent: Any) -> dict[str, _Array]:
        """All arrays of an element, by name."""
        return {} if parent is None else {node.get("Name", ""): self.array(node) for node in parent}


@dataclass(frozen=True)
class _Piece:
    """One piece of a grid; nodes, and the places of the cells among them, are numbered through all pieces."""

    points: FloatArray
    types: IntArray
    connectivity: IntArray
    starts: IntArray
    widths: IntArray
    point_data: dict[str, _Array]
    cell_data: dict[str, _Array]


def _piece(path: Path, vtu: _Vtu, node: Any, first: int, at: int) -> _Piece:
    """The piece whose points are numbered from ``first`` on, its cells' nodes standing from ``at`` on."""
    place = node.find("Points")
    xyz = np.asarray(
        vtu.array(place[0]) if place is not None and len(place) else np.zeros((0, 3)), dtype=float
    ).reshape(-1, 3)
    if len(xyz) != int(node.get("NumberOfPoints", "0")):
        raise ValueError(f"{node.get('NumberOfPoints')} points promised, {len(xyz)} found")
    cells = vtu.arrays(node.find("Cells"))
    ends = np.asarray(cells["offsets"], dtype=np.int64).ravel()
    nodes = np.asarray(cells["connectivity"], dtype=np.int64).ravel()
    types = np.asarray(cells["types"], dtype=np.int64).ravel()
    widths = np.diff(ends, prepend=0)
    if (
        len(ends) != int(node.get("NumberOfCells", "0"))
        or len(types) != len(ends)
        or (len(ends) and (ends[-1] != len(nodes) or widths.min() < 0))
    ):
        raise ValueError("numbers of cells, offsets and types do not agree")
    if len(nodes) and (nodes.min() < 0 or nodes.max() >= len(xyz)):
        fail(path, f"refers to point {nodes.max()}, but has {len(xyz)}")
    point_data, cell_data = vtu.arrays(node.find("PointData")), vtu.arrays(node.find("CellData"))
    return _Piece(xyz, types, nodes + first, at + ends - widths, widths, point_data, cell_data)


def _joined(data: list[dict[str, _Array]]) -> dict[str, npt.NDArray[Any]]:
    """The data that all pieces have."""
    return {
        name: np.concatenate([np.asarray(part[name]) for part in data])
        for name in data[0]
        if all(name in part for part in data)
    }


def _rejoin(raw: Raw, node: IntArray) -> None:
    """Joins the points that a file of results keeps per cell, where those of one node lie at one place."""
    _, first, which = np.unique(node, return_index=True, return_inverse=True)
    if np.array_equal(raw.points[first][which.ravel()], raw.points):
        raw.blocks = [(kind, which.ravel()[nodes]) for kind, nodes in raw.blocks]
        raw.points = raw.points[first]
        raw.point_data = {name: values[first] for name, values in raw.point_data.items()}
        raw.notes.append(
            "points that were kept per cell were joined; data that jump between cells keep the value of one of them"
        )


def _groups(
    raw: Raw,
    per_cell: dict[str, npt.NDArray[Any]],
    names: dict[int, str],
    surfaces: dict[int, str],
    lines: dict[int, str],
) -> None:
    """Groups as femsim writes them, by a text per cell, or else by a number per cell."""
    if names and "line" in per_cell and "region" in per_cell:
        top = 3 if "surface" in per_cell else 2
        for column, known, dim in (("region", names, top), ("surface", surfaces, 2), ("line", lines, 1)):
            if known:
                at = by_value(per_cell[column].astype(np.int64))
                raw.groups += [Group(name, dim, at.get(number, NONE)) for number, name in known.items()]
        return
    texts = next(
        (v for n, v in per_cell.items() if v.dtype.kind == "U" and n.lower() in ("regionname", "region", "material")),
        None,
    )
    if texts is not None:
        names_found, which = np.unique(texts, return_inverse=True)
        at = by_value(which.ravel())
        raw.groups += [Group(str(name), None, at[k]) for k, name in enumerate(names_found) if name]
    else:
        number_groups(raw, per_cell, lambda key, dim, number: names.get(number) if key == "region" else None)
