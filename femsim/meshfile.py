"""Mesh files in: any format meshio reads becomes a :class:`~femsim.mesh.Mesh` with named regions and named lines.

gmsh (2.2, 4.1), Abaqus and VTU files are read here, all others by meshio. The reasons, seen in meshio 5.3.5: its gmsh reader keeps
one dimension of a name used for two, fails on a 4.1 file where only some entities are in a group and takes a truncated file for a
whole one; its Abaqus reader knows no CAX element and gives a set to the wrong block where an ``*ELEMENT`` has none; its VTU reader
stops at string arrays (the names of regions); and it leaves by ``sys.exit`` where a file is wrong.
"""

from __future__ import annotations

import base64
import contextlib
import io
import re
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from femsim.elements import ELEMENTS, gauss_points, shape
from femsim.errors import FemsimWarning, InputError, nearest
from femsim.mesh import Edges, Mesh, edges_of, find_edges
from femsim.units import UM_PER_LENGTH_UNIT

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: element types by the names meshio gives them
_BY_MESHIO_NAME = {e.meshio_name: e.name for e in ELEMENTS.values()}
_FAMILIES = (("tri3", "tri6"), ("quad4", "quad8", "quad9"))
_TURNED = {
    "tri3": (0, 2, 1),
    "tri6": (0, 2, 1, 5, 4, 3),
    "quad4": (0, 3, 2, 1),
    "quad8": (0, 3, 2, 1, 7, 6, 5, 4),
    "quad9": (0, 3, 2, 1, 7, 6, 5, 4, 8),
}
#: names under which programs store a cell's region as a number, the likeliest first
_REGION_KEYS = (
    "gmsh:physical", "region", "regions", "region_id", "material", "materials", "material_id", "materialids", "materialid",
    "mat", "matid", "cell_tags", "celltags", "cell_markers", "cell_ids", "medit:ref", "medit_ref", "cellentityids",
    "physical", "subdomain", "subdomains", "domain", "domains", "attribute", "tag", "tags", "f", "marker",
)  # fmt: skip


@dataclass(frozen=True)
class Imported:
    """A mesh read from a file: the mesh (um), scalar data per node, and what was done to it on the way in."""

    mesh: Mesh
    point_data: dict[str, FloatArray]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Group:
    """Cells (numbered through all blocks) under one name; ``dim`` is None where only its cells tell; ``sure``: made to be a region."""

    name: str
    dim: int | None
    cells: IntArray
    sure: bool = True
    numbered: bool = False


@dataclass
class _Raw:
    """What a reader found, before anything is checked."""

    points: FloatArray
    blocks: list[tuple[str, IntArray]]
    groups: list[_Group] = field(default_factory=list)
    node_sets: dict[str, IntArray] = field(default_factory=dict)
    point_data: dict[str, FloatArray] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read_mesh(path: Path, length_unit: str = "um", element: str | None = None) -> Imported:
    """Read a mesh file; coordinates are in ``length_unit``; ``element`` raises or lowers the order within the family of the file's cells.

    Regions are the groups of 2D cells, lines the groups of 1D cells and the node sets. Every fault is an ``InputError`` of one line.
    """
    path = Path(path)
    if length_unit not in UM_PER_LENGTH_UNIT:
        allowed = ", ".join(UM_PER_LENGTH_UNIT)
        raise InputError(f"length_unit: {length_unit!r} is not one of {allowed}{nearest(length_unit, UM_PER_LENGTH_UNIT)}")
    if element is not None and element not in ELEMENTS:
        raise InputError(f"element: {element!r} is not one of {', '.join(ELEMENTS)}{nearest(element, ELEMENTS)}")
    raw = _read(path)
    mesh, point_data, notes = _assemble(path, raw, UM_PER_LENGTH_UNIT[length_unit])
    if element is not None and element != mesh.element:
        if (element in _FAMILIES[0]) != (mesh.element in _FAMILIES[0]):
            family = next(f for f in _FAMILIES if mesh.element in f)
            _fail(path, f"element: {element!r} cannot be made of the file's {mesh.element} cells; allowed: {', '.join(family)}")
        notes.append(f"{mesh.element} cells of the file became {element}")
        mesh, point_data = change_element(mesh, element, point_data)
        _check_shapes(path, mesh)
    return Imported(mesh, point_data, tuple(notes))


def _fail(path: Path, text: str) -> NoReturn:
    raise InputError(" ".join(f"{path}: {text}".split()))


# ---------------------------------------------------------------- which reader


def _read(path: Path) -> _Raw:
    try:
        if path.is_dir():
            _fail(path, "is a directory, not a mesh file")
        if not path.exists():
            siblings = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
            _fail(path, f"mesh file not found{nearest(path.name, siblings)}")
        with path.open("rb") as stream:
            head = stream.read(4096)
    except OSError as error:
        _fail(path, f"cannot be opened: {error.strerror or error}")
    if not head.strip():
        _fail(path, "is empty")
    suffix = path.suffix.lower()
    reader: Callable[[Path], _Raw]
    if suffix in (".msh", ".msh2", ".msh4") and re.search(rb"^\$MeshFormat\s+(2|4)", head, re.MULTILINE):
        reader, kind = _read_gmsh, "gmsh"
    elif suffix == ".inp":
        reader, kind = _read_abaqus, "Abaqus"
    elif suffix == ".vtu":
        reader, kind = _read_vtu, "VTU"
    else:
        reader, kind = _read_meshio, _kind_of(path)
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if reader is not _read_meshio:  # numpy's word for text that holds something else than numbers
                warnings.filterwarnings("error", message=".*string or file could not be read.*")
            raw = reader(path)
            _check_counts(raw)
            return raw
    except InputError:
        raise
    except ImportError as error:
        _fail(path, f"a {kind} file needs the package {error.name or error}: pip install {error.name or error}")
    except RecursionError:
        _fail(path, f"cannot be read as a {kind} file: nested too deeply")
    except (Exception, SystemExit) as error:  # meshio raises whatever its parsers raise, and leaves by sys.exit
        said = printed.getvalue().strip() if isinstance(error, SystemExit) else f"{type(error).__name__} {error}"
        said = " ".join(said.replace(str(path), "it").split())[:160]
        _fail(path, f"cannot be read as a {kind} file (truncated, damaged or of another format): {said}")


def _kind_of(path: Path) -> str:
    from meshio._helpers import extension_to_filetypes

    suffixes = ["".join(path.suffixes[i:]).lower() for i in range(len(path.suffixes))]
    known = {suffix: kinds for suffix, kinds in extension_to_filetypes.items() if kinds}
    for suffix in suffixes:
        if suffix in known:
            return " or ".join(known[suffix])
    common = (".msh", ".inp", ".vtu", ".vtk", ".xdmf", ".med")
    shown = path.suffix or "(no extension)"
    _fail(path, f"the format {shown!r} is not known; use {', '.join(common)}{nearest(path.suffix, common)}")


def _numbers(text: bytes) -> FloatArray:
    try:
        return np.fromstring(text.decode("ascii"), sep=" ")
    except (ValueError, DeprecationWarning):
        raise ValueError("something else than a number where numbers belong") from None


def _check_counts(raw: _Raw) -> None:
    """Raise ValueError where the numbers of nodes, points and data do not agree."""
    widths = dict(_GMSH_TYPES.values())
    count = len(raw.points)
    if raw.points.ndim != 2 or raw.points.shape[1] not in (2, 3):
        raise ValueError("points have neither two nor three coordinates")
    for kind, nodes in raw.blocks:
        if nodes.ndim != 2 or nodes.shape[1] != widths.get(kind, nodes.shape[1]):
            raise ValueError(f"{kind} cells do not have {widths.get(kind)} nodes each")
        if nodes.size and (nodes.min() < 0 or nodes.max() >= count):
            raise ValueError(f"a {kind} cell refers to a point beyond the {count} there are")
    for name, nodes in raw.node_sets.items():
        if nodes.size and (nodes.min() < 0 or nodes.max() >= count):
            raise ValueError(f"node set {name} refers to a point beyond the {count} there are")
    for name, values in raw.point_data.items():
        if len(values) != count:
            raise ValueError(f"point data {name} has {len(values)} values for {count} points")


# ---------------------------------------------------------------- gmsh

_GMSH_TYPES = {
    1: ("line", 2), 2: ("triangle", 3), 3: ("quad", 4), 4: ("tetra", 4), 5: ("hexahedron", 8), 6: ("wedge", 6), 7: ("pyramid", 5),
    8: ("line3", 3), 9: ("triangle6", 6), 10: ("quad9", 9), 11: ("tetra10", 10), 12: ("hexahedron27", 27), 13: ("wedge18", 18),
    14: ("pyramid14", 14), 15: ("vertex", 1), 16: ("quad8", 8), 17: ("hexahedron20", 20), 18: ("wedge15", 15), 19: ("pyramid13", 13),
    20: ("triangle9", 9), 21: ("triangle10", 10), 22: ("triangle12", 12), 23: ("triangle15", 15), 24: ("triangle15", 15),
    25: ("triangle21", 21), 26: ("line4", 4), 27: ("line5", 5), 28: ("line6", 6), 29: ("tetra20", 20), 30: ("tetra35", 35),
    31: ("tetra56", 56), 36: ("quad16", 16), 37: ("quad25", 25), 38: ("quad36", 36), 39: ("quad12", 12), 40: ("quad16", 16),
    92: ("hexahedron64", 64), 93: ("hexahedron125", 125),
}  # fmt: skip


class _Cursor:
    """Numbers taken one run after the other from the body of a gmsh section, text or binary."""

    def __init__(self, body: bytes, binary: bool) -> None:
        self.binary, self.at = binary, 0
        self.values = np.frombuffer(body, dtype=np.uint8) if binary else _numbers(body)

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


def _gmsh_sections(path: Path, data: bytes) -> Iterator[tuple[str, bytes]]:
    at, opening = 0, re.compile(rb"^\$(\w+)[^\S\n]*\r?\n", re.MULTILINE)
    while (found := opening.search(data, at)) is not None:
        name = found.group(1)
        end = data.find(b"$End" + name, found.end())
        if end < 0:
            _fail(path, f"is truncated: section ${name.decode()} is not closed by $End{name.decode()}")
        yield name.decode(), data[found.end() : end]
        at = end + 4 + len(name)


def _read_gmsh(path: Path) -> _Raw:
    version, binary = "", False
    names: list[tuple[int, int, str]] = []
    physical: dict[tuple[int, int], list[int]] = {}
    tags, points = np.zeros(0, dtype=np.int64), np.zeros((0, 3))
    found: list[tuple[str, IntArray, list[IntArray]]] = []  # type, nodes, the group numbers of each cell (columns)
    fields: dict[str, tuple[IntArray, FloatArray]] = {}
    sections = list(_gmsh_sections(path, path.read_bytes()))
    seen = {name for name, _ in sections}
    for name, body in sections:
        if name == "MeshFormat":
            head = body.split(b"\n")[0].split()
            version, binary = head[0].decode(), head[1] == b"1"
            if version in ("4", "4.0"):  # the first line of 4.0's nodes has two numbers, that of 4.1 (also called 4 by some) four
                first = next((text.split(b"\n")[0].split() for other, text in sections if other == "Nodes"), [])
                version = "4.0" if len(first) == 2 and not binary else "4.1"
            if binary and body.split(b"\n", 1)[1][:4] != b"\x01\x00\x00\x00":
                _fail(path, "binary gmsh file in big-endian order; save it as text (Mesh.Binary = 0)")
        elif name == "PhysicalNames":
            for line in body.decode("utf-8", "replace").splitlines()[1:]:
                parts = re.match(r'\s*(\d+)\s+(-?\d+)\s+"(.*)"\s*$', line)
                if parts:
                    names.append((int(parts[1]), abs(int(parts[2])), parts[3]))
                elif line.strip():
                    _fail(path, f'$PhysicalNames: {line.strip()!r} is not: dimension tag "name"')
        elif name in ("PartitionedEntities", "ParametricNodes"):
            _fail(path, f"has a section ${name}, which is not supported; save the mesh unpartitioned, without parameters")
        elif name == "Entities":
            physical = _gmsh_entities(_Cursor(body, binary), version)
        elif name == "Nodes":
            tags, points = _gmsh_nodes(body, binary, version)
        elif name == "Elements":
            found = _gmsh_elements(path, body, binary, version, physical)
        elif name == "NodeData":
            _gmsh_node_data(body, binary, fields)
    for name in ("Nodes", "Elements"):
        if name not in seen:
            _fail(path, f"is truncated: it has no section ${name}")
    order = np.argsort(tags, kind="stable")
    if len(tags) > 1 and np.any(np.diff(tags[order]) == 0):
        _fail(path, f"node {tags[order][1:][np.diff(tags[order]) == 0][0]} is defined twice")

    def index(wanted: IntArray) -> IntArray:
        if not len(tags):
            _fail(path, "has no nodes")
        at = np.minimum(np.searchsorted(tags[order], wanted), len(tags) - 1)
        wrong = tags[order][at] != wanted
        if np.any(wrong):
            _fail(path, f"refers to node {wanted[wrong].flat[0]}, which is not defined")
        return np.asarray(order[at], dtype=np.int64)

    raw = _Raw(points, [(kind, index(nodes)) for kind, nodes, _ in found])
    for key, (where, values) in fields.items():
        data = np.full(len(points), np.nan)
        data[index(where)] = values
        raw.point_data[key] = data
    _gmsh_groups(path, raw, names, [columns for _, _, columns in found])
    return raw


def _gmsh_entities(cursor: _Cursor, version: str) -> dict[tuple[int, int], list[int]]:
    physical = {}
    for dim, count in enumerate(cursor.take("<u8", 4)):
        for _ in range(int(count)):
            (tag,) = cursor.ints(1)
            cursor.take("<f8", 3 if dim == 0 and version != "4.0" else 6)  # bounding box
            physical[dim, tag] = [abs(value) for value in cursor.ints(cursor.size())]  # the sign is a direction
            if dim:
                cursor.ints(cursor.size())  # bounding entities
    return physical


def _gmsh_nodes(body: bytes, binary: bool, version: str) -> tuple[IntArray, FloatArray]:
    if version.startswith("2"):
        promised, rest = body.lstrip().split(b"\n", 1)
        if binary:
            rows = np.frombuffer(rest, dtype=[("tag", "<i4"), ("x", "<f8", (3,))], count=int(promised))
            return rows["tag"].astype(np.int64), rows["x"].copy()
        table = _numbers(rest).reshape(-1, 4)
        if len(table) != int(promised):
            raise ValueError(f"{int(promised)} nodes promised, {len(table)} found")
        return table[:, 0].astype(np.int64), table[:, 1:]
    cursor = _Cursor(body, binary)
    blocks = int(cursor.take("<u8", 2 if version == "4.0" else 4)[0])
    tags, points = [np.zeros(0, dtype=np.int64)], [np.zeros((0, 3))]
    for _ in range(blocks):
        one, other, parametric = cursor.ints(3)  # tag and dimension of the entity in 4.0, dimension and tag in 4.1
        count = cursor.size()
        width = 3 + ((other if version == "4.0" else one) if parametric else 0)
        if version == "4.0":
            rows = cursor.take("<f8", count * (width + 1)).reshape(count, width + 1)
            tags.append(rows[:, 0].astype(np.int64))
            points.append(rows[:, 1:4])
            continue
        tags.append(cursor.take("<u8", count).astype(np.int64))
        points.append(cursor.take("<f8", count * width).reshape(count, width)[:, :3])
    return np.concatenate(tags), np.concatenate(points)


def _gmsh_type(path: Path, code: int) -> tuple[str, int]:
    if code not in _GMSH_TYPES:
        _fail(path, f"gmsh element type {code} is not supported; supported: {', '.join(_BY_MESHIO_NAME)}")
    return _GMSH_TYPES[code]


def _gmsh_elements(
    path: Path, body: bytes, binary: bool, version: str, physical: dict[tuple[int, int], list[int]]
) -> list[tuple[str, IntArray, list[IntArray]]]:
    found: list[tuple[str, IntArray, list[IntArray]]] = []
    if version.startswith("4"):
        cursor = _Cursor(body, binary)
        for _ in range(int(cursor.take("<u8", 2 if version == "4.0" else 4)[0])):
            dim, tag, code = cursor.ints(3)
            if version == "4.0":
                dim, tag = tag, dim
            count = cursor.size()
            kind, nodes = _gmsh_type(path, code)
            rows = cursor.take("<u8", count * (nodes + 1)).astype(np.int64).reshape(count, nodes + 1)
            found.append((kind, rows[:, 1:], [np.full(count, group) for group in physical.get((dim, tag), [])]))
        return found
    promised, rest = body.lstrip().split(b"\n", 1)
    cursor = _Cursor(rest, binary)
    count = int(promised)
    if binary:
        while count > 0:
            code, block, ntags = cursor.ints(3)
            kind, nodes = _gmsh_type(path, code)
            rows = cursor.take("<i4", block * (1 + ntags + nodes)).astype(np.int64).reshape(block, -1)
            found.append((kind, rows[:, 1 + ntags :], [np.abs(rows[:, 1])] if ntags else []))
            count -= max(block, 1)
        return found
    values = cursor.values.astype(np.int64)
    flat, starts, at = values.tolist(), dict[tuple[int, int], list[int]](), 0
    for _ in range(count):
        if at + 3 > len(flat):
            raise ValueError(f"ends early: {count} elements are promised")
        code, ntags = flat[at + 1], flat[at + 2]
        starts.setdefault((code, ntags), []).append(at)
        at += 3 + ntags + _gmsh_type(path, code)[1]
    if at != len(flat):
        raise ValueError(f"{count} elements promised, {at} numbers expected, {len(flat)} found")
    for (code, ntags), first in starts.items():
        kind, nodes = _gmsh_type(path, code)
        rows = values[np.array(first)[:, None] + np.arange(3 + ntags + nodes)]
        found.append((kind, rows[:, 3 + ntags :], [np.abs(rows[:, 3])] if ntags else []))
    return found


def _gmsh_node_data(body: bytes, binary: bool, fields: dict[str, tuple[IntArray, FloatArray]]) -> None:
    def line() -> str:
        nonlocal body
        first, _, body = body.partition(b"\n")
        return first.decode("utf-8", "replace").strip()

    texts = [line().strip('"') for _ in range(int(line()))]
    for _ in range(int(line())):
        line()
    numbers = [int(line()) for _ in range(int(line()))]
    width, count = numbers[1], numbers[2]
    if width != 1:
        return  # vectors and tensors are no temperature
    if binary:
        rows = np.frombuffer(body, dtype=[("tag", "<i4"), ("value", "<f8")], count=count)
        fields[texts[0]] = rows["tag"].astype(np.int64), rows["value"].astype(float)
    else:
        table = _numbers(body).reshape(count, 2)
        fields[texts[0]] = table[:, 0].astype(np.int64), table[:, 1].copy()


def _gmsh_groups(path: Path, raw: _Raw, names: list[tuple[int, int, str]], columns: list[list[IntArray]]) -> None:
    """Named groups of (dimension, tag); an unnamed tag is named by its number."""
    known = {(dim, tag): name for dim, tag, name in names}
    members: dict[tuple[int, int], list[IntArray]] = {key: [] for key in known}
    offset = 0
    for (kind, nodes), groups in zip(raw.blocks, columns, strict=True):
        for column in groups:
            for tag in np.unique(column):
                if tag:
                    members.setdefault((_dim_of(kind), int(tag)), []).append(offset + np.flatnonzero(column == tag))
        offset += len(nodes)
    for (dim, tag), parts in members.items():
        cells = np.concatenate([np.zeros(0, dtype=np.int64), *parts])
        elsewhere = [(other, known[other, tag]) for other in range(4) if other != dim and (other, tag) in known]
        if (dim, tag) in known:
            if not len(cells) and dim > 0:
                others = [d for d, t in members if t == tag and d != dim and members[d, t]]
                where = f"; tag {tag} is on cells of dimension {others[0]}" if others else ""
                if not any(members.values()):
                    where = "; nor does any other group (gmsh writes no groups into a 2.2 file with Mesh.SaveAll = 1)"
                _fail(path, f"physical group {known[dim, tag]!r} (dimension {dim}, tag {tag}) is empty: it holds no cells{where}")
            raw.groups.append(_Group(known[dim, tag], dim, cells))
        elif dim == 2 and elsewhere:
            other, name = elsewhere[0]
            _fail(path, f"mixed-up tag: 2D cells carry tag {tag}, which the file names {name!r} as a group of dimension {other}")
        else:
            raw.groups.append(_Group(str(tag), dim, cells, numbered=True))


# ---------------------------------------------------------------- Abaqus

_ABAQUS_CELL = re.compile(r"^(?:CAX|CGAX|CPEG|CPE|CPS|DCAX|DC2D|ACAX|AC2D|M3D|SFM3D|R3D|STRI|S)(3|4|6|8|9)")
_ABAQUS_LINE = {"T2D2": 2, "T3D2": 2, "B21": 2, "B31": 2, "B23": 2, "B33": 2, "R2D2": 2, "RAX2": 2, "SAX1": 2, "MAX1": 2, "SFMAX1": 2,
                "T2D3": 3, "T3D3": 3, "B22": 3, "B32": 3, "SAX2": 3, "MAX2": 3, "SFMAX2": 3}  # fmt: skip
_CELL_OF_NODES = {3: "triangle", 4: "quad", 6: "triangle6", 8: "quad8", 9: "quad9"}


def _abaqus_lines(path: Path, depth: int = 0) -> Iterator[str]:
    if depth > 10:
        _fail(path, "*INCLUDE: nested too deeply")
    data = path.read_bytes()
    if b"\0" in data:
        _fail(path, "cannot be read as an Abaqus file: it holds binary data")
    pending = ""
    for line in data.decode("utf-8", "replace").splitlines():
        text = pending + line.strip()
        pending = ""
        if not text or text.startswith("**"):
            continue
        if text.startswith("*") and text.endswith(","):
            pending = text
            continue
        if text.upper().startswith("*INCLUDE"):
            name = text.partition("=")[2].strip().strip('"')
            inner = path.parent / name
            if not inner.is_file():
                _fail(path, f"*INCLUDE: {name}: file not found")
            yield from _abaqus_lines(inner, depth + 1)
            continue
        yield text
    if pending:
        yield pending


class _Abaqus:
    """What the keywords of an Abaqus file define; names of sets are not case-sensitive."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.node_ids: dict[int, int] = {}
        self.points: list[list[float]] = []
        self.blocks: dict[str, list[list[int]]] = {}
        self.element_at: dict[int, tuple[str, int]] = {}
        self.elsets: dict[str, list[str | int]] = {}
        self.explicit: set[str] = set()  # by *ELSET, not only on *ELEMENT
        self.nsets: dict[str, list[str | int]] = {}
        self.surfaces: dict[str, list[list[str]]] = {}
        self.node_surfaces: set[str] = set()
        self.sections: list[str] = []
        self.shown: dict[str, str] = {}
        self.internal: set[str] = set()

    def read(self) -> None:
        """Go through the file."""
        keyword, params, rows = "", dict[str, str](), list[list[str]]()
        for text in _abaqus_lines(self.path):
            if not text.startswith("*"):
                rows.append([part.strip() for part in text.rstrip(",").split(",")])
                continue
            self.close(keyword, params, rows)
            head, *rest = (part.strip() for part in text[1:].split(","))
            keyword, rows = re.sub(r"\s+", " ", head.upper()), []
            pairs = (part.partition("=") for part in rest)
            params = {key.strip().upper(): value.strip().strip('"') for key, _, value in pairs}
        self.close(keyword, params, rows)

    def name(self, params: dict[str, str], key: str) -> str:
        """The upper-case name under ``key``; the spelling met first is the one shown."""
        given = params[key]
        if "INTERNAL" in params or given.startswith("_"):
            self.internal.add(given.upper())
        self.shown.setdefault(given.upper(), given)
        return given.upper()

    def close(self, keyword: str, params: dict[str, str], rows: list[list[str]]) -> None:
        """A keyword with all its data lines."""
        if keyword == "NODE":
            for row in rows:
                number = int(row[0])
                if number in self.node_ids:
                    _fail(self.path, f"*NODE: node {number} is defined twice; several parts are not supported, export one mesh")
                self.node_ids[number] = len(self.points)
                self.points.append([float(value.replace("D", "E").replace("d", "e")) if value else 0.0 for value in row[1:4]])
            if "NSET" in params:
                self.nsets.setdefault(self.name(params, "NSET"), []).extend(int(row[0]) for row in rows)
        elif keyword == "ELEMENT":
            self.elements(params, rows)
        elif keyword in ("ELSET", "NSET") and keyword in params:
            sets, name = (self.elsets if keyword == "ELSET" else self.nsets), self.name(params, keyword)
            sets.setdefault(name, []).extend(self.members(keyword, params, rows))
            if keyword == "ELSET":
                self.explicit.add(name)
        elif keyword == "SURFACE" and "NAME" in params:
            name = self.name(params, "NAME")
            self.surfaces.setdefault(name, []).extend(rows)
            if params.get("TYPE", "ELEMENT").upper() == "NODE":
                self.node_surfaces.add(name)
        elif keyword in ("SOLID SECTION", "MEMBRANE SECTION", "SHELL SECTION") and "ELSET" in params:
            self.sections.append(params["ELSET"].upper())
        elif keyword == "INSTANCE" and any(float(value) for row in rows for value in row if value):
            _fail(self.path, "*INSTANCE: a moved instance is not supported; export the mesh in place")

    def elements(self, params: dict[str, str], rows: list[list[str]]) -> None:
        """An ``*ELEMENT`` keyword."""
        given = params.get("TYPE", "").upper()
        match = _ABAQUS_CELL.match(given)
        if match:
            kind, width = _CELL_OF_NODES[int(match[1])], int(match[1])
        elif given.rstrip("HI") in _ABAQUS_LINE:
            width = _ABAQUS_LINE[given.rstrip("HI")]
            kind = "line" if width == 2 else "line3"
        elif given.startswith(("C3D", "SC", "CSS", "DC3D")):
            _fail(self.path, f"*ELEMENT: 3D cells ({given}) are not supported; a 2D section is needed (CAX, CPE, CPS)")
        else:
            _fail(self.path, f"*ELEMENT: type {given!r} is not supported; allowed: CAX3, CAX4, CAX6, CAX8, CPE*, CPS*, S*, T2D2, T2D3, ...")
        values = [int(value) for row in rows for value in row if value]
        if len(values) % (width + 1):
            _fail(self.path, f"*ELEMENT, TYPE={given}: {len(values)} numbers are no multiple of {width + 1}; is the file truncated?")
        block = self.blocks.setdefault(kind, [])
        numbers = []
        for start in range(0, len(values), width + 1):
            number, nodes = values[start], values[start + 1 : start + width + 1]
            if number in self.element_at:
                _fail(self.path, f"*ELEMENT: element {number} is defined twice; several parts are not supported, export one mesh")
            unknown = next((node for node in nodes if node not in self.node_ids), None)
            if unknown is not None:
                _fail(self.path, f"*ELEMENT: element {number} refers to node {unknown}, which is not defined")
            self.element_at[number] = (kind, len(block))
            block.append([self.node_ids[node] for node in nodes])
            numbers.append(number)
        if "ELSET" in params:
            self.elsets.setdefault(self.name(params, "ELSET"), []).extend(numbers)

    def members(self, keyword: str, params: dict[str, str], rows: list[list[str]]) -> Iterator[str | int]:
        """Numbers and names of other sets on the data lines of a set."""
        for row in rows:
            if "GENERATE" in params:
                first, last, *step = (int(value) for value in row if value)
                yield from range(first, last + 1, step[0] if step else 1)
            else:
                for value in filter(None, row):
                    name = value.strip('"')
                    yield int(name) if re.fullmatch(r"\d+", name) else name.rpartition(".")[2].upper()

    def resolve(self, kind: str, name: str, trail: tuple[str, ...] = ()) -> list[int]:
        """The numbers of a set, through the sets it names."""
        sets = self.elsets if kind == "ELSET" else self.nsets
        if name not in sets or name in trail:
            _fail(self.path, f"*{kind}: the set {self.shown.get(name, name)!r} is not defined{nearest(name, sets)}")
        result: list[int] = []
        for member in sets[name]:
            if isinstance(member, str):
                result += self.resolve(kind, member, (*trail, name))
            else:
                result.append(member)
        return result

    def surface_edges(self, name: str) -> list[list[int]]:
        """The edges of a surface given by element faces S1 to S4."""
        edges = []
        for row in self.surfaces[name]:
            face = re.fullmatch(r"[SE](\d)", row[1].upper()) if len(row) > 1 else None
            if face is None:
                continue
            member = row[0].rpartition(".")[2]
            for number in [int(member)] if member.isdigit() else self.resolve("ELSET", member.strip('"').upper()):
                if number not in self.element_at:
                    _fail(self.path, f"*SURFACE, NAME={self.shown[name]}: element {number} is not defined")
                kind, at = self.element_at[number]
                nodes, corners, local = self.blocks[kind][at], 3 if kind.startswith("tri") else 4, int(face[1]) - 1
                if kind.startswith("line") or local >= corners:
                    _fail(self.path, f"*SURFACE, NAME={self.shown[name]}: element {number} has no face {row[1]}")
                edges.append([nodes[local], nodes[(local + 1) % corners]])
        return edges


def _read_abaqus(path: Path) -> _Raw:
    deck = _Abaqus(path)
    deck.read()
    if not deck.element_at:
        _fail(path, "holds no elements (no *ELEMENT keyword with data)")
    width = max(len(point) for point in deck.points)
    points = np.array([point + [0.0] * (width - len(point)) for point in deck.points])
    raw = _Raw(points, [(kind, np.array(rows, dtype=np.int64)) for kind, rows in deck.blocks.items() if rows])
    offsets = dict(zip((kind for kind, _ in raw.blocks), np.cumsum([0] + [len(rows) for _, rows in raw.blocks]), strict=False))
    surfaces = sum(len(rows) for kind, rows in raw.blocks if _dim_of(kind) == 2)
    areas: dict[str, IntArray] = {}
    for name in deck.elsets:
        if name in deck.internal and name not in deck.sections:
            continue
        numbers = deck.resolve("ELSET", name)
        unknown = next((number for number in numbers if number not in deck.element_at), None)
        if unknown is not None:
            _fail(path, f"*ELSET, ELSET={deck.shown[name]}: element {unknown} is not defined")
        cells = np.array([offsets[deck.element_at[n][0]] + deck.element_at[n][1] for n in numbers], dtype=np.int64)
        if not all(deck.element_at[n][0].startswith("line") for n in numbers):
            areas[name] = np.unique(cells)
        raw.groups.append(_Group(deck.shown[name], None, cells, sure=bool(deck.sections)))
    parts = [cells for name, cells in areas.items() if name in deck.explicit and len(cells) < surfaces]
    split = bool(parts) and len(np.unique(np.concatenate(parts))) == surfaces
    for name in areas:  # the regions are what has a section; or else the *ELSETs, where these cover the body
        if (deck.sections and name not in deck.sections) or (not deck.sections and split and name not in deck.explicit):
            raw.groups = [group for group in raw.groups if group.name != deck.shown[name]]
            raw.notes.append(f"element set {deck.shown[name]!r} is not a region, because others are")
    for name in deck.sections:
        if name not in deck.elsets:
            _fail(path, f"*SOLID SECTION: the element set {name!r} is not defined{nearest(name, deck.elsets)}")
    taken = {group.name.upper() for group in raw.groups}
    for name in deck.surfaces:
        if name in deck.node_surfaces:
            deck.nsets.setdefault(name, [m for row in deck.members("NSET", {}, deck.surfaces[name]) for m in [row]])
            continue
        edges = deck.surface_edges(name)
        if edges and name not in taken:
            start = sum(len(rows) for _, rows in raw.blocks)
            raw.blocks.append(("line", np.array(edges, dtype=np.int64)))
            raw.groups.append(_Group(deck.shown[name], 1, np.arange(start, start + len(edges))))
            deck.nsets.pop(name, None)
        elif not edges:
            raw.notes.append(f"surface {deck.shown[name]!r} names no element faces and is not a line")
    for name in deck.nsets:
        if name in deck.internal:
            continue
        numbers = deck.resolve("NSET", name)
        unknown = next((number for number in numbers if number not in deck.node_ids), None)
        if unknown is not None:
            _fail(path, f"*NSET, NSET={deck.shown[name]}: node {unknown} is not defined")
        raw.node_sets[deck.shown[name]] = np.array([deck.node_ids[number] for number in numbers], dtype=np.int64)
    return raw


# ---------------------------------------------------------------- VTU

_VTK_TYPES = {1: "vertex", 3: "line", 4: "polyline", 5: "triangle", 7: "polygon", 8: "pixel", 9: "quad", 10: "tetra", 11: "voxel",
              12: "hexahedron", 13: "wedge", 14: "pyramid", 21: "line3", 22: "triangle6", 23: "quad8", 24: "tetra10", 25: "hexahedron20",
              28: "quad9", 30: "quad6", 34: "triangle7", 35: "line4", 42: "polyhedron", 68: "line of higher order",
              69: "triangle of higher order", 70: "quad of higher order"}  # fmt: skip
_VTK_NUMBERS = {"Float32": "f4", "Float64": "f8", "Int8": "i1", "Int16": "i2", "Int32": "i4", "Int64": "i8", "UInt8": "u1",
                "UInt16": "u2", "UInt32": "u4", "UInt64": "u8"}  # fmt: skip


class _Vtu:
    """Decodes the arrays of one VTU file: text, base64 and raw, compressed by zlib or lzma or not at all."""

    def __init__(self, path: Path) -> None:
        from xml.etree import ElementTree

        data = path.read_bytes()
        self.appended, self.raw = b"", False
        opening = re.search(rb"<AppendedData[^>]*>\s*_", data)
        if opening:
            end = data.rfind(b"</AppendedData>")
            if end < 0:
                _fail(path, "is truncated: AppendedData is not closed")
            self.raw = b"raw" in opening.group(0)
            self.appended = data[opening.end() : end]
            data = data[: opening.start()] + data[end + len(b"</AppendedData>") :]
        self.root = ElementTree.fromstring(data)
        if self.root.tag != "VTKFile" or self.root.get("type") != "UnstructuredGrid":
            _fail(path, f"is not an unstructured grid but {self.root.get('type') or self.root.tag!r}")
        self.order = ">" if self.root.get("byte_order") == "BigEndian" else "<"
        self.header = np.dtype(self.order + _VTK_NUMBERS[self.root.get("header_type", "UInt32")])
        self.compressor = self.root.get("compressor", "")
        if self.compressor not in ("", "vtkZLibDataCompressor", "vtkLZMADataCompressor"):
            _fail(path, f"compressor {self.compressor} is not supported; save with zlib or without compression")

    def array(self, node: Any) -> npt.NDArray[Any] | list[str]:
        """Numbers of a DataArray, or the texts of a string array."""
        kind = node.get("type")
        dtype = np.dtype("u1") if kind == "String" else np.dtype(self.order + _VTK_NUMBERS[kind])
        style = node.get("format", "ascii")
        text = (node.text or "").encode()
        if style == "ascii":
            values = _numbers(text.replace(b"\n", b" ")).astype(dtype) if text.strip() else np.zeros(0, dtype=dtype)
        elif style == "binary":
            values = np.frombuffer(self.decode(b"".join(text.split()), raw=False), dtype=dtype)
        else:
            values = np.frombuffer(self.decode(self.appended[int(node.get("offset", "0")) :], raw=self.raw), dtype=dtype)
        if kind == "String":
            return [part.decode("utf-8", "replace") for part in values.astype(np.uint8).tobytes().split(b"\0")[:-1]]
        components = int(node.get("NumberOfComponents") or 1)
        return values.reshape(-1, components) if components > 1 else values

    def decode(self, data: bytes, raw: bool) -> bytes:
        """The bytes of one array, whose header comes first."""

        def part(start: int, size: int) -> bytes:  # ``start`` counts characters of the file, ``size`` bytes that they stand for
            length = size if raw else -(-size // 3) * 4
            if start + length > len(data):
                raise ValueError("an array ends early")
            return data[start : start + length] if raw else base64.b64decode(data[start : start + length], validate=True)[:size]

        width = self.header.itemsize
        first = int(np.frombuffer(part(0, width), self.header)[0])
        if not self.compressor:
            return part(0, width + first)[width:]
        size = width * (3 + first)
        sizes = np.frombuffer(part(0, size), self.header)[3:].astype(int)
        body = part(size if raw else -(-size // 3) * 4, int(sizes.sum()))
        if self.compressor == "vtkZLibDataCompressor":
            unpack: Callable[[bytes], bytes] = zlib.decompress
        else:
            import lzma

            unpack = lzma.decompress
        ends = np.cumsum(sizes)
        return b"".join(unpack(body[end - length : end]) for end, length in zip(ends, sizes, strict=True))

    def arrays(self, parent: Any) -> dict[str, Any]:
        """All arrays of an element, by name."""
        return {} if parent is None else {node.get("Name", ""): self.array(node) for node in parent}


def _read_vtu(path: Path) -> _Raw:
    vtu = _Vtu(path)
    grid = vtu.root.find("UnstructuredGrid")
    pieces = [] if grid is None else grid.findall("Piece")
    if grid is None or not pieces:
        _fail(path, "holds no Piece")
    field_data = vtu.arrays(grid.find("FieldData"))
    points, types, rows, offset = [], [], list[IntArray](), 0
    point_data: dict[str, list[Any]] = {}
    cell_data: dict[str, list[Any]] = {}
    for piece in pieces:
        place = piece.find("Points")
        xyz = np.asarray(vtu.array(place[0]) if place is not None and len(place) else np.zeros((0, 3)), dtype=float).reshape(-1, 3)
        if len(xyz) != int(piece.get("NumberOfPoints", "0")):
            raise ValueError(f"{piece.get('NumberOfPoints')} points promised, {len(xyz)} found")
        cells = vtu.arrays(piece.find("Cells"))
        ends = np.asarray(cells["offsets"], dtype=np.int64)
        nodes = np.asarray(cells["connectivity"], dtype=np.int64)
        if len(ends) != int(piece.get("NumberOfCells", "0")) or len(cells["types"]) != len(ends) or (len(ends) and ends[-1] != len(nodes)):
            raise ValueError("numbers of cells, offsets and types do not agree")
        if len(nodes) and (nodes.min() < 0 or nodes.max() >= len(xyz)):
            _fail(path, f"refers to point {nodes.max()}, but has {len(xyz)}")
        rows += np.split(nodes + offset, ends[:-1]) if len(ends) else []
        types.append(np.asarray(cells["types"], dtype=np.int64))
        points.append(xyz)
        offset += len(xyz)
        for store, tag in ((point_data, "PointData"), (cell_data, "CellData")):
            for name, values in vtu.arrays(piece.find(tag)).items():
                store.setdefault(name, []).append(values)
    kinds = np.concatenate(types)
    raw, order = _Raw(np.concatenate(points), []), list[IntArray]()
    for code in np.unique(kinds):
        chosen = np.flatnonzero(kinds == code)
        for width in sorted({len(rows[i]) for i in chosen}):
            same = np.array([i for i in chosen if len(rows[i]) == width], dtype=np.int64)
            nodes = np.array([rows[i] for i in same], dtype=np.int64)
            name = _VTK_TYPES.get(int(code), f"VTK type {code}")
            raw.blocks.append(("quad", nodes[:, [0, 1, 3, 2]]) if name == "pixel" else (name, nodes))
            order.append(same)
    ordered = np.concatenate([np.zeros(0, dtype=np.int64), *order])

    def whole(store: dict[str, list[Any]]) -> dict[str, npt.NDArray[Any]]:
        return {name: np.concatenate([np.asarray(p) for p in parts]) for name, parts in store.items() if len(parts) == len(pieces)}

    per_cell = {name: values[ordered] for name, values in whole(cell_data).items() if len(values) == len(ordered)}
    raw.point_data = {name: v.astype(float) for name, v in whole(point_data).items() if v.ndim == 1 and v.dtype.kind in "iuf"}
    if "region_names" in field_data and "node" in raw.point_data:
        _rejoin(raw, raw.point_data.pop("node").astype(np.int64))
    names = {i: text for i, text in enumerate(field_data.get("region_names", [])) if isinstance(text, str)}
    lines = {i: text for i, text in enumerate(field_data.get("line_names", [])) if isinstance(text, str)}
    if lines and "line" in per_cell and "region" in per_cell:  # as femsim writes them
        for column, known, dim in (("region", names, 2), ("line", lines, 1)):
            for number, name in known.items():
                raw.groups.append(_Group(name, dim, np.flatnonzero(per_cell[column] == number)))
        return raw
    texts = next((v for n, v in per_cell.items() if v.dtype.kind == "U" and n.lower() in ("regionname", "region", "material")), None)
    if texts is not None:
        raw.groups += [_Group(str(name), None, np.flatnonzero(texts == name)) for name in np.unique(texts) if name]
    else:
        _number_groups(raw, per_cell, lambda key, dim, number: names.get(number) if key == "region" else None)
    return raw


def _rejoin(raw: _Raw, node: IntArray) -> None:
    """Joins the points that a file of results keeps per cell, where those of one node lie at one place."""
    _, first, which = np.unique(node, return_index=True, return_inverse=True)
    if np.array_equal(raw.points[first][which.ravel()], raw.points):
        raw.blocks = [(kind, which.ravel()[nodes]) for kind, nodes in raw.blocks]
        raw.points = raw.points[first]
        raw.point_data = {name: values[first] for name, values in raw.point_data.items()}
        raw.notes.append("points that were kept per cell were joined; data that jump between cells keep the value of one of them")


# ---------------------------------------------------------------- everything else, by meshio


def _number_groups(raw: _Raw, per_cell: dict[str, npt.NDArray[Any]], name_of: Callable[[str, int, int], str | None]) -> str | None:
    """Groups from the likeliest integer data per cell; each number is a name unless ``name_of`` (key, dim, number) knows a better one."""

    def whole(values: npt.NDArray[Any]) -> bool:
        return values.ndim == 1 and values.dtype.kind in "iuf" and bool(np.all(np.isfinite(values)) and np.all(values == np.round(values)))

    by_name = {name.lower(): name for name, values in per_cell.items() if whole(values)}
    integer = [name for name in by_name.values() if per_cell[name].dtype.kind in "iu" and not name.startswith("gmsh:geometrical")]
    key = next((by_name[wanted] for wanted in _REGION_KEYS if wanted in by_name), None) or (integer[0] if len(integer) == 1 else None)
    if key is None:
        return None
    values = per_cell[key].astype(np.int64)
    dims = np.concatenate([np.full(len(nodes), _dim_of(kind)) for kind, nodes in raw.blocks])
    nothing = {0} if key in ("gmsh:physical", "cell_tags") else set()
    for dim in (2, 1):
        for number in np.unique(values[dims == dim]):
            if int(number) not in nothing:
                name = name_of(key, dim, int(number))
                cells = np.flatnonzero((dims == dim) & (values == number))
                raw.groups.append(_Group(name or str(number), dim, cells, numbered=name is None))
    return key


def _column(values: Any) -> npt.NDArray[Any]:
    array = np.asarray(values)
    return array.ravel() if array.ndim == 2 and array.shape[1] == 1 else array


def _read_meshio(path: Path) -> _Raw:
    import meshio

    found, kinds = None, _kind_of(path).split(" or ")
    if "gmsh" in kinds:
        kinds = ["gmsh" if b"$MeshFormat" in path.read_bytes()[:4096] else "ansys"]
    for kind in kinds:  # meshio itself gives up at the first reader that stumbles over another format
        try:
            found = meshio.read(path, kind)
            break
        except (Exception, SystemExit):
            if kind == kinds[-1]:
                raise
    assert found is not None
    blocks = [(block.type, np.asarray(block.data)) for block in found.cells]
    blocks = [(kind, nodes.astype(np.int64) if nodes.dtype.kind in "iu" else np.zeros((len(nodes), 0), np.int64)) for kind, nodes in blocks]
    raw = _Raw(np.asarray(found.points, dtype=float), blocks)
    data = {str(name): _column(values) for name, values in found.point_data.items() if name != "point_tags"}
    raw.point_data = {name: values.astype(float) for name, values in data.items() if values.ndim == 1 and values.dtype.kind in "iuf"}
    raw.node_sets = {str(name): np.asarray(nodes, dtype=np.int64) for name, nodes in found.point_sets.items()}
    per_block = {str(name): [_column(part) for part in parts] for name, parts in found.cell_data.items()}
    per_cell = {name: np.concatenate(parts) for name, parts in per_block.items() if parts and all(p.ndim == 1 for p in parts)}
    offsets = np.cumsum([0] + [len(nodes) for _, nodes in blocks])
    empty = np.zeros(0, dtype=np.int64)
    for name, parts in found.cell_sets.items():
        if not name.startswith("gmsh:"):
            cells = [start + np.asarray(part, dtype=np.int64) for start, part in zip(offsets, parts, strict=False) if part is not None]
            raw.groups.append(_Group(str(name), None, np.concatenate([empty, *cells]), sure=False))
    families: dict[int, list[str]] = getattr(found, "cell_tags", {}) or {}
    if not raw.groups and families and "cell_tags" in per_cell:  # MED: a family is a set of groups
        for name in dict.fromkeys(name for names in families.values() for name in names):
            numbers = [number for number, names in families.items() if name in names]
            raw.groups.append(_Group(name, None, np.flatnonzero(np.isin(per_cell["cell_tags"], numbers)), sure=False))
        for name in dict.fromkeys(name for names in getattr(found, "point_tags", {}).values() for name in names):
            numbers = [number for number, names in found.point_tags.items() if name in names]
            raw.node_sets.setdefault(name, np.flatnonzero(np.isin(found.point_data["point_tags"], numbers)))
    if not raw.groups and blocks:
        known = {
            (int(value[1]), int(value[0])): str(name)
            for name, value in found.field_data.items()
            if np.shape(value) == (2,) and np.asarray(value).dtype.kind in "iu"
        }
        key = _number_groups(raw, per_cell, lambda key, dim, number: known.get((dim, number)))
        held = {(group.dim, group.name) for group in raw.groups}
        for (dim, _), name in known.items():
            if key is not None and dim > 0 and (dim, name) not in held:
                raw.groups.append(_Group(name, dim, empty))
    return raw


# ---------------------------------------------------------------- from what was found to a mesh


def _dim_of(kind: str) -> int:
    if kind == "vertex":
        return 0
    if kind.startswith(("line", "polyline", "VTK_LAGRANGE_CURVE")):
        return 1
    return 2 if kind.startswith(("tri", "quad", "polygon", "pixel", "VTK_LAGRANGE_TRI", "VTK_LAGRANGE_QUAD")) else 3


def _assemble(path: Path, raw: _Raw, scale: float) -> tuple[Mesh, dict[str, FloatArray], list[str]]:
    notes = list(raw.notes)
    element, cells, number_of = _cells(path, raw)
    points = _plane(path, raw.points, cells, notes) * scale
    used, inverse = np.unique(cells, return_inverse=True)
    if len(used) < len(points):
        notes.append(f"{len(points) - len(used)} nodes that belong to no 2D cell were dropped")
    new_of = np.full(len(points), -1, dtype=np.int64)
    new_of[used] = np.arange(len(used))
    mesh = Mesh(points[used], inverse.reshape(cells.shape).astype(np.int64), element, np.zeros(len(cells), dtype=np.int64), ("",))
    mesh = _turn(mesh, notes)
    _check_shapes(path, mesh)
    mesh, doubled = _without_doubles(mesh, number_of)
    if len(mesh.cells) < len(cells):
        notes.append(f"{len(cells) - len(mesh.cells)} cells given twice were taken once")
    groups = [replace(group, cells=np.unique(group.cells)) for group in raw.groups]
    mesh = _regions(path, mesh, groups, raw, doubled, notes)
    edges = edges_of(mesh)
    if len(edges.nodes) * 2 - np.sum(edges.cells[:, 1] < 0) < len(mesh.cells) * len(mesh.info.edges):
        _fail(path, _crowded(mesh))
    mesh = replace(mesh, lines=_lines(path, mesh, edges, groups, raw, new_of, notes))
    _warn_of_doubled_nodes(path, mesh, notes)
    point_data = {name: values[used] for name, values in raw.point_data.items() if name != "gmsh:dim_tags"}
    for name, values in point_data.items():
        if np.any(~np.isfinite(values)):
            notes.append(f"point data {name!r} has no finite value at {int(np.sum(~np.isfinite(values)))} nodes")
    return mesh, point_data, notes


def _cells(path: Path, raw: _Raw) -> tuple[str, IntArray, IntArray]:
    """The 2D cells: element, nodes, and for every cell of the file its number among them (-1 for lines and points)."""
    count: dict[str, int] = {}
    for kind, nodes in raw.blocks:
        count[kind] = count.get(kind, 0) + len(nodes)
    by_dim = {dim: {kind: n for kind, n in count.items() if n and _dim_of(kind) == dim} for dim in range(4)}

    def listed(kinds: dict[str, int]) -> str:
        return ", ".join(f"{n} {kind}" for kind, n in kinds.items())

    if by_dim[3]:
        _fail(path, f"3D cells are not supported ({listed(by_dim[3])}); a 2D section is needed")
    if not by_dim[2]:
        _fail(path, f"holds no 2D cells ({listed({**by_dim[0], **by_dim[1]}) or 'no cells at all'}); needed: triangles or quadrilaterals")
    unknown = [kind for kind in by_dim[2] if kind not in _BY_MESHIO_NAME]
    if unknown:
        allowed = ", ".join(f"{meshio_name} ({name})" for meshio_name, name in _BY_MESHIO_NAME.items())
        _fail(path, f"cell type {unknown[0]!r} ({by_dim[2][unknown[0]]} cells) is not supported; allowed: {allowed}")
    if len(by_dim[2]) > 1:
        _fail(path, f"mixed cell types are not supported in one run ({listed(by_dim[2])}); mesh with one of them")
    (kind,) = by_dim[2]
    parts, number_of, at = [], [], 0
    for name, nodes in raw.blocks:
        if name == kind:
            parts.append(nodes)
            number_of.append(np.arange(at, at + len(nodes)))
            at += len(nodes)
        else:
            number_of.append(np.full(len(nodes), -1))
    element, cells = _BY_MESHIO_NAME[kind], np.concatenate(parts)
    twice = np.flatnonzero(np.any(np.diff(np.sort(cells, axis=1), axis=1) == 0, axis=1))
    if len(twice):
        place = raw.points[cells[twice[0]]].mean(axis=0)
        _fail(path, f"{len(twice)} {kind} cells use a node twice, the first about ({', '.join(f'{x:.6g}' for x in place)})")
    return element, cells, np.concatenate(number_of)


def _plane(path: Path, points: FloatArray, cells: IntArray, notes: list[str]) -> FloatArray:
    """The two coordinates that vary."""
    used = points[np.unique(cells)]
    bad = np.flatnonzero(~np.all(np.isfinite(used), axis=1))
    if len(bad):
        where = ", ".join(f"{x:g}" for x in used[bad[0]])
        _fail(path, f"{len(bad)} nodes have coordinates that are not finite, the first ({where})")
    if points.shape[1] == 2:
        return points
    spread = np.ptp(used, axis=0)
    flat = spread <= 1e-9 * max(float(spread.max()), 1e-300)
    if flat[2]:
        return points[:, :2]
    if flat[1]:
        notes.append("the mesh lies in the x-z plane: x was taken as the first coordinate (r), z as the second")
        return points[:, [0, 2]]
    if flat[0]:
        notes.append("the mesh lies in the y-z plane: y was taken as the first coordinate (r), z as the second")
        return points[:, [1, 2]]
    _fail(path, f"the cells do not lie in one coordinate plane: x, y, z vary by {spread[0]:.4g}, {spread[1]:.4g}, {spread[2]:.4g}")


def _determinants(mesh: Mesh) -> FloatArray:
    points, _ = gauss_points(mesh.element, mesh.info.full)
    x = mesh.points[mesh.cells]
    jacobian = np.matmul(x.transpose(0, 2, 1)[:, None], shape(mesh.element, points)[1][None])
    return np.asarray(jacobian[..., 0, 0] * jacobian[..., 1, 1] - jacobian[..., 0, 1] * jacobian[..., 1, 0])


def _turn(mesh: Mesh, notes: list[str]) -> Mesh:
    wrong = np.flatnonzero(_determinants(mesh).sum(axis=1) < 0)
    if not len(wrong):
        return mesh
    notes.append(f"{len(wrong)} clockwise cells were turned round")
    cells = mesh.cells.copy()
    cells[wrong] = cells[wrong][:, list(_TURNED[mesh.element])]
    return replace(mesh, cells=cells)


def _place(mesh: Mesh, cell: int | np.integer[Any]) -> str:
    r, z = mesh.points[mesh.cells[cell, : mesh.info.corners]].mean(axis=0)
    return f"({r:.6g}, {z:.6g}) um"


def _check_shapes(path: Path, mesh: Mesh) -> None:
    determinant = _determinants(mesh)
    corner = mesh.points[mesh.cells[:, : mesh.info.corners]]
    longest = np.max(np.sum((np.roll(corner, -1, axis=1) - corner) ** 2, axis=2), axis=1)
    flat = np.flatnonzero(np.abs(determinant).max(axis=1) <= 1e-13 * longest)
    if len(flat):
        _fail(path, f"{len(flat)} cells have no area, the first at {_place(mesh, flat[0])}")
    inverted = np.flatnonzero(determinant.min(axis=1) <= 0)
    if len(inverted):
        _fail(path, f"{len(inverted)} cells are inverted (twisted or too distorted), the first at {_place(mesh, inverted[0])}")


def _without_doubles(mesh: Mesh, number_of: IntArray) -> tuple[Mesh, IntArray]:
    """Each cell once, and for every cell of the file its number in the result."""
    _, first, which = np.unique(np.sort(mesh.cells, axis=1), axis=0, return_index=True, return_inverse=True)
    kept = np.sort(first)
    new = np.searchsorted(kept, first)[which.ravel()]
    cells = replace(mesh, cells=mesh.cells[kept], region=mesh.region[kept])
    return cells, np.where(number_of >= 0, new[np.maximum(number_of, 0)], -1)


def _dims_in(group: _Group, raw: _Raw) -> set[int]:
    dims = np.concatenate([np.full(len(nodes), _dim_of(kind)) for kind, nodes in raw.blocks])
    return {int(dim) for dim in np.unique(dims[group.cells])}


def _regions(path: Path, mesh: Mesh, groups: list[_Group], raw: _Raw, number_of: IntArray, notes: list[str]) -> Mesh:
    sets: dict[str, IntArray] = {}
    unsure = set()
    for group in groups:
        dims = _dims_in(group, raw)
        if not dims and group.dim != 0:
            said = "" if group.dim is None else f" (dimension {group.dim})"
            _fail(path, f"group {group.name!r}{said} is empty: it holds no cells")
        if len(dims - {0}) > 1 or (group.dim is not None and dims and dims != {group.dim}):
            held = " and ".join(str(dim) for dim in sorted(dims))
            said = "" if group.dim is None else f"; it is declared with dimension {group.dim}"
            _fail(path, f"group {group.name!r} holds cells of dimension {held}{said}; regions are 2D, lines 1D")
        if dims == {0} or group.dim == 0:
            notes.append(f"group {group.name!r} holds points only and is not used")
        if dims == {2}:
            cells = number_of[group.cells]
            sets[group.name] = np.union1d(sets.get(group.name, np.zeros(0, dtype=np.int64)), cells)
            if not group.sure:
                unsure.add(group.name)
    if not sets:
        _fail(path, "no region: none of the 2D cells is in a physical group, an element set or numbered by integer cell data")
    covered = np.zeros(len(mesh.cells), dtype=np.int64)
    for cells in sets.values():
        covered[cells] += 1
    for name in [name for name, cells in sets.items() if name in unsure and len(cells) == len(mesh.cells)]:
        if len(sets) > 1 and np.all(covered >= 2):  # a set of everything besides the regions proper
            covered -= 1
            del sets[name]
            notes.append(f"element set {name!r} holds all cells besides other sets and is not a region")
    names = list(sets)
    region = np.full(len(mesh.cells), -1, dtype=np.int64)
    for number, name in enumerate(names):
        clash = sets[name][region[sets[name]] >= 0]
        if len(clash):
            other = names[region[clash[0]]]
            _fail(path, f"{len(clash)} cells are in two regions, {other!r} and {name!r}, the first at {_place(mesh, clash[0])}")
        region[sets[name]] = number
    lost = np.flatnonzero(region < 0)
    if len(lost):
        known = ", ".join(names)
        _fail(path, f"{len(lost)} cells are in no region (regions: {known}), the first at {_place(mesh, lost[0])}")
    return replace(mesh, region=region, regions=tuple(names))


def _crowded(mesh: Mesh) -> str:
    """Says where more than two cells share an edge."""
    nodes = np.concatenate([mesh.cells[:, list(edge[:2])] for edge in mesh.info.edges])
    values, count = np.unique(np.sort(nodes, axis=1), axis=0, return_counts=True)
    r, z = mesh.points[values[np.argmax(count)]].mean(axis=0)
    return f"{int(np.sum(count > 2))} edges belong to more than two cells (cells overlap), the first at ({r:.6g}, {z:.6g}) um"


def _lines(
    path: Path, mesh: Mesh, edges: Edges, groups: list[_Group], raw: _Raw, new_of: IntArray, notes: list[str]
) -> dict[str, IntArray]:
    corner = np.zeros(len(mesh.points) + 1, dtype=bool)  # the last entry stands for nodes that were dropped
    corner[np.unique(mesh.cells[:, : mesh.info.corners])] = True
    offsets = np.cumsum([0] + [len(nodes) for _, nodes in raw.blocks])
    found: dict[str, IntArray] = {}
    for group in groups:
        if _dims_in(group, raw) != {1}:
            continue
        name = group.name
        if name in mesh.regions:
            if not group.numbered:
                _fail(path, f"the name {name!r} is used for a region and for a line group; give each its own")
            name = f"line {name}"
            notes.append(f"line group {group.name!r} is called {name!r}, because a region has its number too")
        at = found.get(name, np.zeros(0, dtype=np.int64))
        for start, (_, nodes) in zip(offsets, raw.blocks, strict=False):
            rows = nodes[group.cells[(group.cells >= start) & (group.cells < start + len(nodes))] - start]
            if len(rows):
                at = np.append(at, _edges_by_nodes(path, mesh, edges, name, rows, raw.points, new_of, corner))
        found[name] = np.unique(at)
    for name, members in raw.node_sets.items():
        nodes = new_of[members]
        inside = np.zeros(len(mesh.points), dtype=bool)
        inside[nodes[nodes >= 0]] = True
        if name in mesh.regions:
            if np.array_equal(np.flatnonzero(inside), mesh.nodes_of(name)):
                continue  # Abaqus/CAE writes a node set and an element set of each region
            _fail(path, f"the name {name!r} is used for a region and for a node set; give each its own")
        if name in found:
            continue
        if not len(members):
            _fail(path, f"node set {name!r} is empty: it holds no nodes")
        whole = np.all(inside[edges.nodes], axis=1)
        outer = whole & ((edges.cells[:, 1] < 0) | (mesh.region[edges.cells[:, 0]] != mesh.region[edges.cells[:, 1]]))
        chosen = np.flatnonzero(outer if np.any(outer) else whole)  # a corner cell's inner edge may have both ends in the set
        if len(chosen) and not np.all(inside):
            found[name] = chosen
        else:
            notes.append(f"node set {name!r} holds {'all nodes' if np.all(inside) else 'no whole edge'} and is not a line")
    return {name: edges.nodes[at] for name, at in found.items()}


def _edges_by_nodes(
    path: Path, mesh: Mesh, edges: Edges, name: str, rows: IntArray, points: FloatArray, new_of: IntArray, corner: npt.NDArray[np.bool_]
) -> IntArray:
    """Positions of the edges given by the nodes of 1D cells, in whatever order these name their ends and middle."""
    new = new_of[rows]
    is_end = corner[new]
    order = np.argsort(~is_end, axis=1, kind="stable")
    ends = np.take_along_axis(new, order, axis=1)[:, :2]
    at = np.where(is_end.sum(axis=1) == 2, find_edges(mesh, edges, ends), -1)
    lost = np.flatnonzero(at < 0)
    if len(lost):
        a, b = (", ".join(f"{x:.6g}" for x in points[node]) for node in rows[lost[0], :2])
        _fail(path, f"line group {name!r}: {len(lost)} of its edges are no edges of 2D cells, the first from ({a}) to ({b})")
    return at


def _warn_of_doubled_nodes(path: Path, mesh: Mesh, notes: list[str]) -> None:
    from scipy.spatial import cKDTree

    corner = mesh.points[mesh.cells[:, : mesh.info.corners]]
    shortest = float(np.linalg.norm(np.roll(corner, -1, axis=1) - corner, axis=2).min())
    distance, _ = cKDTree(mesh.points).query(mesh.points, k=2)
    doubled = np.flatnonzero(distance[:, 1] <= 1e-5 * shortest)
    if len(doubled):
        r, z = mesh.points[doubled[0]]
        text = f"{len(doubled)} nodes lie on others without being joined, the first at ({r:.6g}, {z:.6g}) um; regions may be unconnected"
        notes.append(text)
        warnings.warn(f"{path}: {text}", FemsimWarning, stacklevel=4)


# ---------------------------------------------------------------- raising and lowering the order


def change_element(mesh: Mesh, element: str, point_data: dict[str, FloatArray] | None = None) -> tuple[Mesh, dict[str, FloatArray]]:
    """The mesh with another element of its family, and its point data: new nodes lie where the old shape functions put them."""
    data = dict(point_data or {})
    if element == mesh.element:
        return mesh, data
    if not any(element in family and mesh.element in family for family in _FAMILIES):
        raise InputError(f"element: {element!r} cannot be made of {mesh.element} cells")
    info, corners = ELEMENTS[element], mesh.info.corners
    points, cells, lines = mesh.points, mesh.cells, mesh.lines

    def add(weights: FloatArray, nodes: IntArray) -> IntArray:
        nonlocal points, data
        numbers = np.arange(len(points), len(points) + len(nodes))
        points = np.concatenate([points, np.einsum("n,enk->ek", weights, points[nodes])])
        data = {name: np.concatenate([values, values[nodes] @ weights]) for name, values in data.items()}
        return numbers

    if info.order == 2 and mesh.info.order == 1:
        edges = edges_of(mesh)
        middle = add(np.array([0.5, 0.5]), edges.nodes)
        quadratic = np.empty((len(cells), 2 * corners), dtype=np.int64)
        quadratic[:, :corners] = cells
        for side in (0, 1):
            has = edges.cells[:, side] >= 0
            quadratic[edges.cells[has, side], corners + edges.local[has, side]] = middle[has]
        lines = {name: np.column_stack([line, middle[find_edges(mesh, edges, line)]]) for name, line in lines.items()}
        cells = quadratic
    if element == "quad9" and mesh.element != "quad9":
        centre = np.array([-0.25] * 4 + [0.5] * 4)
        cells = np.column_stack([cells, add(centre, cells)])
    cells = cells[:, : info.nodes]
    lines = {name: line[:, : info.order + 1] for name, line in lines.items()}
    used, inverse = np.unique(cells, return_inverse=True)
    new_of = np.full(len(points), -1, dtype=np.int64)
    new_of[used] = np.arange(len(used))
    changed = Mesh(
        points[used],
        inverse.reshape(cells.shape).astype(np.int64),
        element,
        mesh.region,
        mesh.regions,
        {name: new_of[line] for name, line in lines.items()},
    )
    return changed, {name: values[used] for name, values in data.items()}
