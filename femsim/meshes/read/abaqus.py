"""Abaqus input files: nodes, cells, sets, surfaces and sections of one mesh (the keywords of the Abaqus manual)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from femsim.base.arrays import IntArray
from femsim.base.errors import nearest
from femsim.meshes.elements import ELEMENTS
from femsim.meshes.read.raw import BY_MESHIO_NAME, Budget, Group, Raw, Source, fail
from femsim.meshes.solids import ABAQUS_ORDER

_CELL = re.compile(r"^(?:CAX|CGAX|CPEG|CPE|CPS|DCAX|DC2D|ACAX|AC2D|M3D|SFM3D|R3D|STRI|S)(3|4|6|8|9)")
_CELL_OF_NODES = {info.nodes: info.meshio_name for info in ELEMENTS.values() if info.dim == 2}
_SOLID = re.compile(r"^(?:C3D|DC3D|AC3D)(27|20|15|10|8|6|4)(?!\d)")
_SOLID_OF_NODES = {info.nodes: info.meshio_name for info in ELEMENTS.values() if info.dim == 3}
_LINE = {"T2D2": 2, "T3D2": 2, "B21": 2, "B31": 2, "B23": 2, "B33": 2, "R2D2": 2, "RAX2": 2, "SAX1": 2, "MAX1": 2, "SFMAX1": 2,  # noqa: E501
         "T2D3": 3, "T3D3": 3, "B22": 3, "B32": 3, "SAX2": 3, "MAX2": 3, "SFMAX2": 3}  # fmt: skip


#: keywords that are read; of the others' data nothing is taken over, and the note says so
_READ = {
    "NODE",
    "ELEMENT",
    "ELSET",
    "NSET",
    "SURFACE",
    "INSTANCE",
    "SOLID SECTION",
    "MEMBRANE SECTION",
    "SHELL SECTION",
}
#: keywords that frame the others, or only say what is printed
_FRAME = {"HEADING", "PREPRINT", "PART", "END PART", "ASSEMBLY", "END ASSEMBLY", "END INSTANCE", "OUTPUT",
          "NODE OUTPUT", "ELEMENT OUTPUT", "NODE PRINT", "EL PRINT", "NODE FILE", "EL FILE", "RESTART"}  # fmt: skip
#: members of a set: numbers, names of other sets, and ranges (first, last, step)
_Member = int | str | tuple[int, int, int]


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
    passed_over = [f"*{keyword}" for keyword in deck.keywords if keyword not in _READ | _FRAME]
    if passed_over:
        raw.notes.append(
            f"{', '.join(passed_over[:12])}{', ...' if len(passed_over) > 12 else ''}: not read; only nodes, elements, "
            f"sets, surfaces and the names of sections are"
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
    found: list[tuple[str, list[list[int]]]] = []
    for name, rows in deck.surfaces.items():
        if name in deck.node_surfaces:
            deck.nsets.setdefault(name, list(deck.members({}, [row[:1] for row in rows])))  # an area may follow
            continue
        facets = deck.surface_facets(name)
        if facets and name not in taken:
            found.append((deck.shown[name], facets))
            deck.nsets.pop(name, None)
        elif not facets:
            raw.notes.append(f"surface {deck.shown[name]!r} names no element faces and is not a line")
    members: dict[str, list[IntArray]] = {name: [] for name, _ in found}
    for width, kind in {2: "line", 3: "triangle", 4: "quad"}.items():
        rows_of = [(name, [nodes for nodes in facets if len(nodes) == width]) for name, facets in found]
        start = int(raw.offsets[-1])
        if any(chosen for _, chosen in rows_of):
            raw.blocks.append((kind, np.array([nodes for _, chosen in rows_of for nodes in chosen], dtype=np.int64)))
        for name, chosen in rows_of:
            members[name].append(np.arange(start, start + len(chosen)))
            start += len(chosen)
    for name, parts in members.items():
        raw.groups.append(Group(name, 1 if len(parts[0]) else 2, np.concatenate(parts)))


def _lines(path: Path, source: Source, trail: tuple[Path, ...] = ()) -> Iterator[str]:
    """The lines of a file and of those it includes, without comments, continued ones joined."""
    if len(trail) > 10:
        fail(path, "*INCLUDE: nested too deeply")
    pending: list[str] = []
    for line in source.text(path).splitlines():
        text = line.strip()
        if not text or text.startswith("**"):
            continue
        if pending or text.startswith("*"):
            pending.append(text)
            if text.endswith(","):
                continue
            text, pending = "".join(pending), []
        if text.upper().startswith("*INCLUDE"):
            inner = source.beside(path, text.partition("=")[2].strip().strip('"'), "*INCLUDE")
            yield from _lines(inner, source, (*trail, path))
            continue
        yield text
    if pending:
        yield "".join(pending)


class _Deck:
    """What the keywords of an Abaqus file define; names of sets are not case-sensitive."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.node_ids: dict[int, int] = {}
        self.points: list[list[float]] = []
        self.blocks: dict[str, list[list[int]]] = {}
        self.element_at: dict[int, tuple[str, int]] = {}
        self.elsets: dict[str, list[_Member]] = {}
        self.explicit: set[str] = set()  # by *ELSET, not only on *ELEMENT
        self.nsets: dict[str, list[_Member]] = {}
        self.surfaces: dict[str, list[list[str]]] = {}
        self.node_surfaces: set[str] = set()
        self.sections: dict[str, None] = {}
        self.shown: dict[str, str] = {}
        self.internal: set[str] = set()
        self.keywords: dict[str, None] = {}
        self.nodes_of: dict[str, list[str]] = {}  # element sets whose nodes a node set holds
        self.size = 0
        self._known: dict[tuple[str, str], list[int]] = {}  # sets that were looked up
        self._ids: dict[str, IntArray] = {}

    def read(self) -> None:
        """Go through the file."""
        keyword, params, rows = "", dict[str, str](), list[list[str]]()
        for text in _lines(self.path, Source(self.path)):
            self.size += len(text)
            if not text.startswith("*"):
                rows.append([part.strip() for part in text.rstrip(",").split(",")])
                continue
            self.close(keyword, params, rows)
            head, *rest = (part.strip() for part in text[1:].split(","))
            keyword, rows = " ".join(head.upper().split()), []
            self.keywords[keyword] = None
            pairs = (part.partition("=") for part in rest)
            params = {key.strip().upper(): value.strip().strip('"') for key, _, value in pairs}
        self.close(keyword, params, rows)
        self.budget = Budget(self.path, self.size, 1_000_000, 16)

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
            elif "ELSET" in params:  # the nodes of the elements of a set
                self.nodes_of.setdefault(name, []).append(params["ELSET"].strip('"').upper())
        elif keyword == "SURFACE" and "NAME" in params:
            name = self.name(params, "NAME")
            self.surfaces.setdefault(name, []).extend(rows)
            if params.get("TYPE", "ELEMENT").upper() == "NODE":
                self.node_surfaces.add(name)
        elif keyword in ("SOLID SECTION", "MEMBRANE SECTION", "SHELL SECTION") and "ELSET" in params:
            self.sections[params["ELSET"].upper()] = None
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

    def members(self, params: dict[str, str], rows: list[list[str]]) -> Iterator[_Member]:
        """Numbers, ranges and names of other sets on the data lines of a set."""
        for row in rows:
            if "GENERATE" in params:
                first, last, *step = (int(value) for value in row if value)
                yield first, last, step[0] if step else 1
            else:
                for value in filter(None, row):
                    name = value.strip('"')
                    yield int(name) if re.fullmatch(r"\d+", name) else name.rpartition(".")[2].upper()

    def resolve(self, kind: str, name: str, trail: tuple[str, ...] = ()) -> list[int]:
        """The numbers of a set, each once, through the sets it names."""
        known = self._known.get((kind, name))
        if known is not None:
            return known
        sets = self.elsets if kind == "ELSET" else self.nsets
        if name not in sets or name in trail or len(trail) > 100:
            fail(self.path, f"*{kind}: the set {self.shown.get(name, name)!r} is not defined{nearest(name, sets)}")
        result: dict[int, None] = {}
        for member in sets[name]:
            if isinstance(member, int):
                found: Collection[int] = (member,)
            elif isinstance(member, str):
                found = self.resolve(kind, member, (*trail, name))
            else:
                found = self.span(kind, name, *member)
            result.update(dict.fromkeys(found))
            self.budget.take(len(found), f"*{kind}, {kind}={name}")
        for other in self.nodes_of.get(name, ()) if kind == "NSET" else ():
            for number in self.numbers("ELSET", other):
                block, at = self.element_at[number]
                result.update(dict.fromkeys(self.node_numbers[node] for node in self.blocks[block][at]))
            self.budget.take(len(self.numbers("ELSET", other)), f"*NSET, NSET={name}")
        self._known[kind, name] = list(result)
        return self._known[kind, name]

    def span(self, kind: str, name: str, first: int, last: int, step: int) -> list[int]:
        """The numbers of a range, all of which must be there; found among those that are, however long the range is."""
        if step < 1:
            fail(self.path, f"*{kind}, {kind}={self.shown.get(name, name)}: GENERATE with a step of {step}")
        if kind not in self._ids:
            numbers: dict[int, Any] = self.element_at if kind == "ELSET" else self.node_ids
            self._ids[kind] = np.sort(np.fromiter(numbers, dtype=np.int64, count=len(numbers)))
        ids = self._ids[kind]
        inside = ids[np.searchsorted(ids, first) : np.searchsorted(ids, last, side="right")]
        found = inside[(inside - first) % step == 0]
        wanted = max((last - first) // step + 1, 0)
        if len(found) < wanted:
            expected = first + step * np.arange(len(found) + 1)
            lost = expected[np.flatnonzero(np.append(found, first - 1) != expected)[0]]
            what = "element" if kind == "ELSET" else "node"
            fail(self.path, f"*{kind}, {kind}={self.shown.get(name, name)}: {what} {lost} is not defined")
        return [int(number) for number in found]

    @cached_property
    def node_numbers(self) -> list[int]:
        """The number of each node in the file."""
        return list(self.node_ids)

    def numbers(self, kind: str, name: str) -> list[int]:
        """The numbers of a set, all of them of elements or nodes that are there."""
        what, known = ("element", self.element_at) if kind == "ELSET" else ("node", self.node_ids)
        found = self.resolve(kind, name)
        unknown = next((number for number in found if number not in known), None)
        if unknown is not None:
            fail(self.path, f"*{kind}, {kind}={self.shown.get(name, name)}: {what} {unknown} is not defined")
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
            numbers = [int(member)] if member.isdigit() else self.resolve("ELSET", member.strip('"').upper())
            self.budget.take(len(numbers), f"*SURFACE, NAME={name}")
            for number in numbers:
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
