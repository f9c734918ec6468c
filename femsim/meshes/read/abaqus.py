"""Abaqus input files: nodes, cells, sets, surfaces and sections of one mesh (the keywords of the Abaqus manual)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from femsim.base.errors import nearest
from femsim.meshes.elements import ELEMENTS
from femsim.meshes.read.raw import BY_MESHIO_NAME, Group, Raw, fail
from femsim.meshes.solids import ABAQUS_ORDER

_CELL = re.compile(r"^(?:CAX|CGAX|CPEG|CPE|CPS|DCAX|DC2D|ACAX|AC2D|M3D|SFM3D|R3D|STRI|S)(3|4|6|8|9)")
_CELL_OF_NODES = {info.nodes: info.meshio_name for info in ELEMENTS.values() if info.dim == 2}
_SOLID = re.compile(r"^(?:C3D|DC3D|AC3D)(27|20|15|10|8|6|4)(?!\d)")
_SOLID_OF_NODES = {info.nodes: info.meshio_name for info in ELEMENTS.values() if info.dim == 3}
_LINE = {"T2D2": 2, "T3D2": 2, "B21": 2, "B31": 2, "B23": 2, "B33": 2, "R2D2": 2, "RAX2": 2, "SAX1": 2, "MAX1": 2, "SFMAX1": 2,  # noqa: E501
         "T2D3": 3, "T3D3": 3, "B22": 3, "B32": 3, "SAX2": 3, "MAX2": 3, "SFMAX2": 3}  # fmt: skip


def read_abaqus(path: Path) -> Raw:
    """What an Abaqus file holds."""
    deck = _Deck(path)
    deck.read()
    if not deck.element_at:
        fail(path, "holds no elements (no *ELEMENT keyword with data)")
    width = max(len(point) for point in deck.points)
    points = np.array([point + [0.0] * (width - len(point)) for point in deck.points])
    raw = Raw(points, [(kind, np.array(rows, dtype=np.int64)) for kind, rows in deck.blocks.items() if rows])
    _element_sets(deck, raw)
    _surfaces(deck, raw)
    for name in deck.nsets:
        if name not in deck.internal:
            raw.node_sets[deck.shown[name]] = np.array(
                [deck.node_ids[number] for number in deck.numbers("NSET", name)], dtype=np.int64
            )
    return raw


def _element_sets(deck: _Deck, raw: Raw) -> None:
    """Groups of cells; the regions are what has a section; or else the ``*ELSET`` ones, where these cover the body."""
    offsets = dict(zip((kind for kind, _ in raw.blocks), raw.offsets, strict=False))
    flat = raw.dims == max(2, int(raw.dims.max(initial=0)))
    members = {}
    for name in deck.elsets:
        if name not in deck.internal or name in deck.sections:
            at = [deck.element_at[number] for number in deck.numbers("ELSET", name)]
            members[name] = np.array([offsets[kind] + row for kind, row in at], dtype=np.int64)
    areas = {name: np.unique(cells) for name, cells in members.items() if np.any(flat[cells])}
    parts = [cells for name, cells in areas.items() if name in deck.explicit and len(cells) < np.sum(flat)]
    split = bool(parts) and len(np.unique(np.concatenate(parts))) == np.sum(flat)
    for name, cells in members.items():
        chosen = name in deck.sections if deck.sections else name in deck.explicit or not split
        if chosen or name not in areas:
            raw.groups.append(Group(deck.shown[name], None, cells, sure=bool(deck.sections)))
        else:
            raw.notes.append(f"element set {deck.shown[name]!r} is not a region, because others are")
    for name in deck.sections:
        if name not in deck.elsets:
            fail(deck.path, f"*SOLID SECTION: the element set {name!r} is not defined{nearest(name, deck.elsets)}")


def _surfaces(deck: _Deck, raw: Raw) -> None:
    """Line groups of the surfaces made of element faces; those made of nodes become node sets."""
    taken = {group.name.upper() for group in raw.groups}
    for name, rows in deck.surfaces.items():
        if name in deck.node_surfaces:
            deck.nsets.setdefault(name, list(deck.members({}, [row[:1] for row in rows])))  # an area may follow
            continue
        facets = deck.surface_facets(name)
        kinds = {2: "line", 3: "triangle", 4: "quad"}
        by_kind = {kinds[n]: [nodes for nodes in facets if len(nodes) == n] for n in kinds}
        if facets and name not in taken:
            found = []
            for kind, rows_ in by_kind.items():
                if rows_:
                    start = raw.offsets[-1]
                    raw.blocks.append((kind, np.array(rows_, dtype=np.int64)))
                    found.append(np.arange(start, start + len(rows_)))
            raw.groups.append(Group(deck.shown[name], 1 if by_kind["line"] else 2, np.concatenate(found)))
            deck.nsets.pop(name, None)
        elif not facets:
            raw.notes.append(f"surface {deck.shown[name]!r} names no element faces and is not a line")


def _lines(path: Path, depth: int = 0) -> Iterator[str]:
    if depth > 10:
        fail(path, "*INCLUDE: nested too deeply")
    data = path.read_bytes()
    if b"\0" in data:
        fail(path, "cannot be read as an Abaqus file: it holds binary data")
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
                fail(path, f"*INCLUDE: {name}: file not found")
            yield from _lines(inner, depth + 1)
            continue
        yield text
    if pending:
        yield pending


class _Deck:
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
        for text in _lines(self.path):
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
                    fail(
                        self.path,
                        f"*NODE: node {number} is defined twice; several parts are not supported, export one mesh",
                    )
                self.node_ids[number] = len(self.points)
                self.points.append(
                    [float(value.replace("D", "E").replace("d", "e")) if value else 0.0 for value in row[1:4]]
                )
            if "NSET" in params:
                self.nsets.setdefault(self.name(params, "NSET"), []).extend(int(row[0]) for row in rows)
        elif keyword == "ELEMENT":
            self.elements(params, rows)
        elif keyword in ("ELSET", "NSET") and keyword in params:
            sets, name = (self.elsets if keyword == "ELSET" else self.nsets), self.name(params, keyword)
            sets.setdefault(name, []).extend(self.members(params, rows))
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
            fail(self.path, "*INSTANCE: a moved instance is not supported; export the mesh in place")

    def elements(self, params: dict[str, str], rows: list[list[str]]) -> None:
        """An ``*ELEMENT`` keyword."""
        given = params.get("TYPE", "").upper()
        match, solid = _CELL.match(given), _SOLID.match(given)
        if solid:
            kind, width = _SOLID_OF_NODES[int(solid[1])], int(solid[1])
        elif match:
            kind, width = _CELL_OF_NODES[int(match[1])], int(match[1])
        elif given.rstrip("HI") in _LINE:
            width = _LINE[given.rstrip("HI")]
            kind = "line" if width == 2 else "line3"
        elif given.startswith(("C3D", "SC", "CSS", "DC3D")):
            fail(
                self.path,
                f"*ELEMENT: {given} is not supported; allowed in 3D: C3D4, C3D6, C3D8, C3D10, C3D15, C3D20, C3D27",
            )
        else:
            fail(
                self.path,
                f"*ELEMENT: type {given!r} is not supported; allowed: CAX3, CAX4, CAX6, CAX8, CPE*, CPS*, S*, C3D*, "
                f"T2D2, T2D3, ...",
            )
        values = [int(value) for row in rows for value in row if value]
        if len(values) % (width + 1):
            fail(
                self.path,
                f"*ELEMENT, TYPE={given}: {len(values)} numbers are no multiple of {width + 1}; is the file truncated?",
            )
        block = self.blocks.setdefault(kind, [])
        numbers = []
        for start in range(0, len(values), width + 1):
            number, nodes = values[start], values[start + 1 : start + width + 1]
            if number in self.element_at:
                fail(
                    self.path,
                    f"*ELEMENT: element {number} is defined twice; several parts are not supported, export one mesh",
                )
            unknown = next((node for node in nodes if node not in self.node_ids), None)
            if unknown is not None:
                fail(self.path, f"*ELEMENT: element {number} refers to node {unknown}, which is not defined")
            self.element_at[number] = (kind, len(block))
            order = ABAQUS_ORDER.get(BY_MESHIO_NAME.get(kind, ""), range(width))
            block.append([self.node_ids[nodes[i]] for i in order])
            numbers.append(number)
        if "ELSET" in params:
            self.elsets.setdefault(self.name(params, "ELSET"), []).extend(numbers)

    def members(self, params: dict[str, str], rows: list[list[str]]) -> Iterator[str | int]:
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
            fail(self.path, f"*{kind}: the set {self.shown.get(name, name)!r} is not defined{nearest(name, sets)}")
        result: list[int] = []
        for member in sets[name]:
            if isinstance(member, str):
                result += self.resolve(kind, member, (*trail, name))
            else:
                result.append(member)
        return result

    def numbers(self, kind: str, name: str) -> list[int]:
        """The numbers of a set, all of them of elements or nodes that are there."""
        what, known = ("element", self.element_at) if kind == "ELSET" else ("node", self.node_ids)
        found = self.resolve(kind, name)
        unknown = next((number for number in found if number not in known), None)
        if unknown is not None:
            fail(self.path, f"*{kind}, {kind}={self.shown[name]}: {what} {unknown} is not defined")
        return found

    def surface_facets(self, name: str) -> list[list[int]]:
        """The corners of a surface's facets given by element faces: edges S1 to S4 in the plane, faces S1 to S6 in
        space.
        """
        facets = []
        for row in self.surfaces[name]:
            face = re.fullmatch(r"[SE](\d)", row[1].upper()) if len(row) > 1 else None
            if face is None:
                continue
            member = row[0].rpartition(".")[2]
            for number in [int(member)] if member.isdigit() else self.resolve("ELSET", member.strip('"').upper()):
                if number not in self.element_at:
                    fail(self.path, f"*SURFACE, NAME={self.shown[name]}: element {number} is not defined")
                kind, at = self.element_at[number]
                local = int(face[1]) - 1
                info = ELEMENTS[BY_MESHIO_NAME[kind]] if kind in BY_MESHIO_NAME else None
                if info is None or not 0 <= local < len(info.facets):
                    fail(self.path, f"*SURFACE, NAME={self.shown[name]}: element {number} has no face {row[1]}")
                nodes = self.blocks[kind][at]
                facets.append([nodes[i] for i in info.facets[local][: info.facet_corners(local)]])
        return facets
