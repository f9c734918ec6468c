"""gmsh files: 1.0, 2.0 to 2.2, 4.0 (text) and 4.1, text or binary (the MSH file format, reference manual of gmsh)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from femsim.base.arrays import FloatArray, IntArray
from femsim.meshes.read.raw import BY_MESHIO_NAME, NONE, Budget, Group, Raw, by_value, dim_of, fail, merged, numbers
from femsim.meshes.solids import GMSH_ORDER

#: by gmsh's number: the name of an element type and how many nodes it has
GMSH_TYPES = {
    1: ("line", 2), 2: ("triangle", 3), 3: ("quad", 4), 4: ("tetra", 4), 5: ("hexahedron", 8), 6: ("wedge", 6), 7: ("pyramid", 5),  # noqa: E501
    8: ("line3", 3), 9: ("triangle6", 6), 10: ("quad9", 9), 11: ("tetra10", 10), 12: ("hexahedron27", 27), 13: ("wedge18", 18),  # noqa: E501
    14: ("pyramid14", 14), 15: ("vertex", 1), 16: ("quad8", 8), 17: ("hexahedron20", 20), 18: ("wedge15", 15), 19: ("pyramid13", 13),  # noqa: E501
    20: ("triangle9", 9), 21: ("triangle10", 10), 22: ("triangle12", 12), 23: ("triangle15", 15), 24: ("triangle15", 15),  # noqa: E501
    25: ("triangle21", 21), 26: ("line4", 4), 27: ("line5", 5), 28: ("line6", 6), 29: ("tetra20", 20), 30: ("tetra35", 35),  # noqa: E501
    31: ("tetra56", 56), 36: ("quad16", 16), 37: ("quad25", 25), 38: ("quad36", 36), 39: ("quad12", 12), 40: ("quad16", 16),  # noqa: E501
    92: ("hexahedron64", 64), 93: ("hexahedron125", 125),
}  # fmt: skip

#: by dimension and tag of an entity: its physical groups
_Physical = dict[tuple[int, int], list[int]]


@dataclass(frozen=True)
class _Block:
    """Cells of one type: the tags of their nodes (E, n), their entities (E,), and cells by the tag of a physical
    group.
    """

    kind: str
    nodes: IntArray
    entity: IntArray
    physical: dict[int, IntArray]


def read_gmsh(path: Path) -> Raw:
    """What a gmsh file holds."""
    version, binary = "", False
    names: dict[tuple[int, int], str] = {}
    physical: _Physical = {}
    tags, points = NONE, np.zeros((0, 3))
    found: list[_Block] = []
    fields: dict[str, tuple[IntArray, FloatArray]] = {}
    data = path.read_bytes()
    budget = Budget(path, len(data), 1_000_000, 16)
    sections = list(_sections(path, data))
    for name, body in sections:
        if name == "MeshFormat":
            version, binary = _format(path, body, next((other for title, other in sections if title == "Nodes"), b""))
        elif name == "PhysicalNames":
            names.update(_names(path, body))
        elif name in ("PartitionedEntities", "ParametricNodes"):
            fail(
                path, f"has a section ${name}, which is not supported; save the mesh unpartitioned, without parameters"
            )
        elif name == "Entities":
            physical = _entities(_Cursor(body, binary), version)
        elif name in ("Nodes", "NOD"):
            tags, points = _nodes4(_Cursor(body, binary), version) if version[:1] == "4" else _nodes2(body, binary)
        elif name == "Elements" and version.startswith("4"):
            found = _elements4(path, _Cursor(body, binary), version, physical, budget)
        elif name == "Elements":
            found = _elements2(path, body, binary)
        elif name == "ELM":
            found = _elements1(path, body)
        elif name == "NodeData":
            fields.update(_node_data(body, binary))
            budget.take(len(points), "the section $NodeData")
    for name, old in (("Nodes", "NOD"), ("Elements", "ELM")):
        if not {name, old} & {title for title, _ in sections}:
            fail(path, f"is truncated: it has no section ${name}")
    order = np.argsort(tags, kind="stable")
    if len(tags) > 1 and np.any(np.diff(tags[order]) == 0):
        fail(path, f"node {tags[order][1:][np.diff(tags[order]) == 0][0]} is defined twice")

    def index(wanted: IntArray) -> IntArray:
        if not len(tags):
            fail(path, "has no nodes")
        at = np.minimum(np.searchsorted(tags[order], wanted), len(tags) - 1)
        wrong = tags[order][at] != wanted
        if np.any(wrong):
            fail(path, f"refers to node {wanted[wrong].flat[0]}, which is not defined")
        return np.asarray(order[at], dtype=np.int64)

    blocks, place = merged([(block.kind, index(_ordered(block.kind, block.nodes))) for block in found])
    raw = Raw(points, blocks, entities=np.concatenate([NONE, *(block.entity for block in found)])[place])
    for title, (where, values) in fields.items():
        column = np.full(len(points), np.nan)
        column[index(where)] = values
        raw.point_data[title] = column
    new = np.empty(len(place), dtype=np.int64)  # the number in the merged blocks of each cell of the file
    new[place] = np.arange(len(place))
    members: dict[tuple[int, int], list[IntArray]] = {}
    start = 0
    for block in found:
        for tag, cells in block.physical.items():
            members.setdefault((dim_of(block.kind), tag), []).append(new[start + cells])
        start += len(block.nodes)
    _groups(path, raw, names, members)
    return raw


def _ordered(kind: str, nodes: IntArray) -> IntArray:
    """Nodes of cells in the order of VTK."""
    order = GMSH_ORDER.get(BY_MESHIO_NAME.get(kind, ""))
    return nodes if order is None else nodes[:, list(order)]


class _Cursor:
    """Numbers taken one run after the other from the body of a section, text or binary."""

    def __init__(self, body: bytes, binary: bool) -> None:
        self.binary, self.at = binary, 0
        self.values = np.frombuffer(body, dtype=np.uint8) if binary else numbers(body)

    def take(self, dtype: str, count: int) -> npt.NDArray[Any]:
        """The next ``count`` numbers."""
        size = count * (np.dtype(dtype).itemsize if self.binary else 1)
        if count < 0 or self.at + size > len(self.values):
            raise ValueError(f"ends early: {count} more numbers are promised")
        part = self.values[self.at : self.at + size]
        self.at += size
        return part.view(dtype) if self.binary else part.astype(dtype)

    def ints(self, count: int) -> list[int]:
        """The next ``count`` C ints."""
        return [int(value) for value in self.take("<i4", count)]

    def size(self) -> int:
        """The next size_t."""
        return int(self.take("<u8", 1)[0])


def _sections(path: Path, data: bytes) -> Iterator[tuple[str, bytes]]:
    at, opening = 0, re.compile(rb"^\$(\w+)[^\S\n]*\r?\n", re.MULTILINE)
    while (found := opening.search(data, at)) is not None:
        name = found.group(1)
        end = data.find((b"$END" if name in (b"NOD", b"ELM") else b"$End") + name, found.end())
        if end < 0:
            fail(path, f"is truncated: section ${name.decode()} is not closed by $End{name.decode()}")
        yield name.decode(), data[found.end() : end]
        at = end + 4 + len(name)


def _format(path: Path, body: bytes, nodes: bytes) -> tuple[str, bool]:
    """The version and whether the file is binary."""
    head, _, rest = body.partition(b"\n")
    version, binary = head.split()[0].decode("ascii", "replace"), head.split()[1] == b"1"
    if version[:1] not in ("2", "4"):
        fail(path, f"gmsh format {version} is not supported; supported: 1, 2, 4.0 and 4.1")
    # the first line of 4.0's nodes has two numbers, that of 4.1 (also called 4 by some) four
    if version in ("4", "4.0"):
        version = "4.0" if len(nodes.split(b"\n")[0].split()) == 2 and not binary else "4.1"
    if binary and rest[:4] != b"\x01\x00\x00\x00":
        fail(path, "binary gmsh file in big-endian order; save it as text (Mesh.Binary = 0)")
    return version, binary


def _names(path: Path, body: bytes) -> Iterator[tuple[tuple[int, int], str]]:
    """Dimension, tag and name of the physical groups; format 2.0 gives no dimension (-1)."""
    for line in body.decode("utf-8", "replace").splitlines()[1:]:
        parts = re.match(r'\s*(?:(\d+)\s+)?(-?\d+)\s+"(.*)"\s*$', line)
        if parts:
            yield (-1 if parts[1] is None else int(parts[1]), abs(int(parts[2]))), parts[3]
        elif line.strip():
            fail(path, f'$PhysicalNames: {line.strip()!r} is not: dimension tag "name"')


def _entities(cursor: _Cursor, version: str) -> _Physical:
    physical = {}
    for dim, count in enumerate(cursor.take("<u8", 4)):
        for _ in range(int(count)):
            (tag,) = cursor.ints(1)
            cursor.take("<f8", 3 if dim == 0 and version != "4.0" else 6)  # bounding box
            physical[dim, tag] = [abs(value) for value in cursor.ints(cursor.size())]  # the sign is a direction
            if dim:
                cursor.ints(cursor.size())  # bounding entities
    return physical


def _nodes2(body: bytes, binary: bool) -> tuple[IntArray, FloatArray]:
    promised, rest = body.lstrip().split(b"\n", 1)
    if binary:
        rows = np.frombuffer(rest, dtype=[("tag", "<i4"), ("x", "<f8", (3,))], count=int(promised))
        return rows["tag"].astype(np.int64), rows["x"].copy()
    table = numbers(rest).reshape(-1, 4)
    if len(table) != int(promised):
        raise ValueError(f"{int(promised)} nodes promised, {len(table)} found")
    return table[:, 0].astype(np.int64), table[:, 1:]


def _nodes4(cursor: _Cursor, version: str) -> tuple[IntArray, FloatArray]:
    tags, points = [NONE], [np.zeros((0, 3))]
    for _ in range(int(cursor.take("<u8", 2 if version == "4.0" else 4)[0])):
        one, other, parametric = cursor.ints(3)  # tag and dimension of the entity in 4.0, dimension and tag in 4.1
        count = cursor.size()
        width = 3 + ((other if version == "4.0" else one) if parametric else 0)
        if version == "4.0":
            rows = cursor.take("<f8", count * (width + 1)).reshape(count, width + 1)
            tags.append(rows[:, 0].astype(np.int64))
            points.append(rows[:, 1:4])
        else:
            tags.append(cursor.take("<u8", count).astype(np.int64))
            points.append(cursor.take("<f8", count * width).reshape(count, width)[:, :3])
    return np.concatenate(tags), np.concatenate(points)


def _type(path: Path, code: int) -> tuple[str, int]:
    if code not in GMSH_TYPES:
        fail(path, f"gmsh element type {code} is not supported; supported: {', '.join(BY_MESHIO_NAME)}")
    return GMSH_TYPES[code]


def _elements4(path: Path, cursor: _Cursor, version: str, physical: _Physical, budget: Budget) -> list[_Block]:
    found: list[_Block] = []
    for _ in range(int(cursor.take("<u8", 2 if version == "4.0" else 4)[0])):
        dim, tag, code = cursor.ints(3)
        if version == "4.0":
            dim, tag = tag, dim
        count = cursor.size()
        kind, nodes = _type(path, code)
        rows = cursor.take("<u8", count * (nodes + 1)).astype(np.int64).reshape(count, nodes + 1)
        groups = set(physical.get((dim, tag), ())) - {0}
        budget.take(count * len(groups), "physical groups")
        found.append(_Block(kind, rows[:, 1:], np.full(count, tag), dict.fromkeys(groups, np.arange(count))))
    return found


def _elements2(path: Path, body: bytes, binary: bool) -> list[_Block]:
    promised, rest = body.lstrip().split(b"\n", 1)
    cursor, count = _Cursor(rest, binary), int(promised)
    found: list[_Block] = []
    if binary:
        while count > 0:
            code, block, ntags = cursor.ints(3)
            kind, nodes = _type(path, code)
            rows = cursor.take("<i4", block * (1 + ntags + nodes)).astype(np.int64).reshape(block, -1)
            found.append(_tagged(kind, rows[:, 1 + ntags :], rows[:, 1 : 1 + ntags]))
            count -= max(block, 1)
        return found
    values = cursor.values.astype(np.int64)
    flat, starts, at = values.tolist(), dict[tuple[int, int], list[int]](), 0
    for _ in range(count):
        if at + 3 > len(flat):
            raise ValueError(f"ends early: {count} elements are promised")
        code, ntags = flat[at + 1], flat[at + 2]
        if ntags < 0:
            raise ValueError(f"an element with {ntags} tags")
        starts.setdefault((code, ntags), []).append(at)
        at += 3 + ntags + _type(path, code)[1]
    if at != len(flat):
        raise ValueError(f"{count} elements promised, {at} numbers expected, {len(flat)} found")
    for (code, ntags), first in starts.items():
        kind, nodes = _type(path, code)
        rows = values[np.array(first)[:, None] + np.arange(3 + ntags + nodes)]
        found.append(_tagged(kind, rows[:, 3 + ntags :], rows[:, 3 : 3 + ntags]))
    return found


def _elements1(path: Path, body: bytes) -> list[_Block]:
    """Format 1.0: number, type, physical group, entity, number of nodes, nodes."""
    promised, rest = body.lstrip().split(b"\n", 1)
    values, count = numbers(rest).astype(np.int64), int(promised)
    flat, starts, at = values.tolist(), dict[int, list[int]](), 0
    for _ in range(count):
        if at + 5 > len(flat):
            raise ValueError(f"ends early: {count} elements are promised")
        kind, nodes = _type(path, flat[at + 1])
        if flat[at + 4] != nodes:
            raise ValueError(f"a {kind} cell with {flat[at + 4]} nodes")
        starts.setdefault(flat[at + 1], []).append(at)
        at += 5 + nodes
    if at != len(flat):
        raise ValueError(f"{count} elements promised, {at} numbers expected, {len(flat)} found")
    found = []
    for code, first in starts.items():
        kind, nodes = _type(path, code)
        rows = values[np.array(first)[:, None] + np.arange(5 + nodes)]
        found.append(_tagged(kind, rows[:, 5:], rows[:, 2:4]))
    return found


def _tagged(kind: str, nodes: IntArray, tags: IntArray) -> _Block:
    """A block whose rows of tags begin with the physical group and the entity."""
    count = len(nodes)
    entity = np.abs(tags[:, 1]) if tags.shape[1] > 1 else np.zeros(count, dtype=np.int64)
    physical = by_value(np.abs(tags[:, 0])) if tags.shape[1] else {}
    physical.pop(0, None)
    return _Block(kind, nodes, entity, physical)


def _node_data(body: bytes, binary: bool) -> dict[str, tuple[IntArray, FloatArray]]:
    """Name, tags of the nodes and values; nothing of vectors and tensors, which are no temperature."""
    at = 0

    def line() -> str:
        nonlocal at
        end = body.find(b"\n", at)
        if end < 0:
            raise ValueError("$NodeData ends early")
        first, at = body[at:end], end + 1
        return first.decode("utf-8", "replace").strip()

    def tags() -> list[str]:
        count = int(line())
        if count > len(body) - at:  # a tag has a line of its own
            raise ValueError(f"$NodeData ends early: {count} tags are promised")
        return [line() for _ in range(count)]

    texts = [text.strip('"') for text in tags()]
    tags()
    _, width, count, *_ = (int(text) for text in tags())
    if width != 1:
        return {}
    if binary:
        rows = np.frombuffer(body, dtype=[("tag", "<i4"), ("value", "<f8")], count=count, offset=at)
        return {texts[0]: (rows["tag"].astype(np.int64), rows["value"].astype(float))}
    # meshio writes repr() of numpy's numbers, which numpy 2 changed
    table = numbers(re.sub(rb"np\.float(?:64|32)\(([^()\n]*)\)", rb"\1", body[at:])).reshape(count, 2)
    return {texts[0]: (table[:, 0].astype(np.int64), table[:, 1].copy())}


def _groups(
    path: Path, raw: Raw, names: dict[tuple[int, int], str], found: dict[tuple[int, int], list[IntArray]]
) -> None:
    """Named groups of (dimension, tag); an unnamed tag is named by its number."""
    for key in [key for key in names if key[0] < 0]:  # format 2.0: the cells tell the dimension
        names[max((dim for dim, tag in found if tag == key[1]), default=2), key[1]] = names.pop(key)
    members: dict[tuple[int, int], list[IntArray]] = {key: [] for key in names} | found
    held = {key for key, parts in members.items() if parts}
    highest = max([2, *(dim_of(kind) for kind, nodes in raw.blocks if len(nodes))])
    for (dim, tag), parts in members.items():
        cells = np.concatenate([NONE, *parts])
        if (dim, tag) in names:
            if not len(cells) and dim > 0:
                others = [d for d in range(4) if (d, tag) in held and d != dim]
                where = f"; tag {tag} is on cells of dimension {others[0]}" if others else ""
                if not held:  # gmsh writes no groups into a 2.2 file with Mesh.SaveAll = 1
                    raw.notes.append(f"physical group {names[dim, tag]!r} is not used: no cell is in a physical group")
                    continue
                fail(
                    path,
                    f"physical group {names[dim, tag]!r} (dimension {dim}, tag {tag}) is empty: it holds no "
                    f"cells{where}",
                )
            raw.groups.append(Group(names[dim, tag], dim, cells))
            continue
        elsewhere = [other for other in range(4) if (other, tag) in names]
        if dim == highest and elsewhere:
            name = names[elsewhere[0], tag]
            fail(
                path,
                f"mixed-up tag: {dim}D cells carry tag {tag}, which the file names {name!r} as a group of dimension "
                f"{elsewhere[0]}",
            )
        raw.groups.append(Group(str(tag), dim, cells, numbered=True))
