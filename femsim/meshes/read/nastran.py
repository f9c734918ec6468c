"""Nastran bulk data (MSC Nastran quick reference guide, "format of bulk data entries"), with or without the sections
before ``BEGIN BULK``.

Cards come in small fields (8 characters), large fields (16, the name ends with ``*``) or free fields (commas). Regions
are the numbers of the properties (PID), lines those of the one-dimensional elements.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from femsim.meshes.read.raw import NONE, Group, Raw, Source, by_value, fail

#: cells by card: the type of cell, how many nodes it has, and their order on the card
_CELLS: dict[str, tuple[str, int]] = {
    "CTRIA3": ("triangle", 3), "CTRIAR": ("triangle", 3), "CPLSTN3": ("triangle", 3), "CPLSTS3": ("triangle", 3),
    "CTRIA6": ("triangle6", 6), "CPLSTN6": ("triangle6", 6), "CPLSTS6": ("triangle6", 6), "CTRIAX6": ("triangle6", 6),
    "CTRIAX": ("triangle6", 6), "CQUAD4": ("quad", 4), "CQUADR": ("quad", 4), "CPLSTN4": ("quad", 4),
    "CPLSTS4": ("quad", 4), "CSHEAR": ("quad", 4), "CQUAD8": ("quad8", 8), "CPLSTN8": ("quad8", 8),
    "CPLSTS8": ("quad8", 8), "CQUAD": ("quad9", 9), "CQUADX": ("quad9", 9),
    "CROD": ("line", 2), "CTUBE": ("line", 2), "CBAR": ("line", 2), "CBEAM": ("line", 2),
    "CONROD": ("line", 2), "PLOTEL": ("line", 2),
}  # fmt: skip
#: what a cell becomes whose card leaves out the nodes on its edges, or in its middle
_LOWER = {("triangle6", 3): "triangle", ("quad8", 4): "quad", ("quad9", 4): "quad", ("quad9", 8): "quad8"}
#: corner and edge nodes take turns on this card
_TURNS = [0, 2, 4, 1, 3, 5]
_SOLID = ("CTETRA", "CHEXA", "CPENTA", "CPYRAM")
_FRAME = (
    "BEGIN",
    "ENDDATA",
    "PARAM",
    "PSHELL",
    "PPLANE",
    "PROD",
    "PBAR",
    "PBARL",
    "PBEAM",
    "PBEAML",
    "PAXISYM",
    "PLPLANE",
)


def read_nastran(path: Path) -> Raw:
    """What a bulk data file holds."""
    nodes: dict[int, int] = {}
    points: list[list[float]] = []
    rows: dict[str, list[list[int]]] = {}
    numbers: dict[str, list[int]] = {}
    seen: set[int] = set()
    passed_over: dict[str, None] = {}
    for name, fields in _cards(path):
        if name == "GRID":
            number = _whole(path, name, fields, 0)
            if number in nodes:
                fail(path, f"GRID: node {number} is defined twice")
            if fields[1] not in ("", "0"):
                fail(path, f"GRID {number}: coordinate system {fields[1]} is not supported; export in the basic one")
            nodes[number] = len(points)
            points.append([_real(path, number, text) for text in (*fields[2:5], "", "", "")[:3]])
        elif name in _CELLS:
            number, group, kind, held = _cell(path, name, fields)
            if number in seen:
                fail(path, f"{name}: element {number} is defined twice")
            seen.add(number)
            rows.setdefault(kind, []).append(held)
            numbers.setdefault(kind, []).append(group)
        elif name.startswith(_SOLID):
            fail(path, f"3D cells are not supported ({name}); a 2D section is needed")
        elif name not in _FRAME:
            passed_over[name] = None
    if not points or not rows:
        fail(
            path,
            f"holds no {'GRID' if not points else 'CTRIA or CQUAD'} cards (truncated, damaged or of another format?)",
        )
    raw = Raw(np.array(points), [])
    for kind, held_by in rows.items():
        wanted = np.array(held_by, dtype=np.int64)
        lost = next((int(node) for node in np.unique(wanted) if int(node) not in nodes), None)
        if lost is not None:
            fail(path, f"refers to node {lost}, which is not defined")
        known = np.array(sorted(nodes), dtype=np.int64)
        place = np.array([nodes[int(number)] for number in known], dtype=np.int64)
        raw.blocks.append((kind, place[np.searchsorted(known, wanted)]))
    flat, every = raw.dims, np.concatenate([NONE, *(np.array(numbers[kind], dtype=np.int64) for kind in rows)])
    for dim in (2, 1):
        chosen = np.flatnonzero(flat == dim)
        for number, at in by_value(every[chosen]).items():
            raw.groups.append(Group(str(number), dim, chosen[at], numbered=True))
    if passed_over:
        shown = ", ".join(list(passed_over)[:12]) + (", ..." if len(passed_over) > 12 else "")
        raw.notes.append(f"{shown}: not read; only nodes, elements and the numbers of their properties are")
    return raw


def _cell(path: Path, name: str, fields: list[str]) -> tuple[int, int, str, list[int]]:
    """Number, property, kind and nodes of a cell."""
    kind, width = _CELLS[name]
    number = _whole(path, name, fields, 0)
    first = 1 if name in ("CONROD", "PLOTEL") else 2
    group = 0 if first == 1 else _whole(path, name, fields, 1, default=number)
    texts = (fields[first : first + width] + [""] * width)[:width]
    held = [int(text) if re.fullmatch(r"\d{1,18}", text) else 0 for text in texts]
    if name == "CTRIAX6":
        held = [held[i] for i in _TURNS]
    if 0 in held:
        count = held.index(0)
        lower = _LOWER.get((kind, count))
        if lower is None or any(held[count:]):
            fail(path, f"{name} {number}: {len([n for n in held if n])} nodes where {width} are needed")
        kind, held = lower, held[:count]
    return number, group, kind, held


def _cards(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Name and fields of each card, continuations joined."""
    name, fields = "", list[str]()
    for line in _bulk(path):
        head, more = _fields(line)
        if not head or head[0] in "+*":
            fields += more
            continue
        if name:
            yield name, fields
        name, fields = head.upper(), more
    if name:
        yield name, fields


def _bulk(path: Path) -> Iterator[str]:
    """The lines of the bulk data, without comments."""
    source = Source(path)
    text = source.text(path)
    begin = re.search(r"^[ \t]*BEGIN[ \t]+BULK\b.*$", text, re.MULTILINE | re.IGNORECASE)
    yield from _included(path, text[begin.end() :] if begin else text, source, 0)


def _included(path: Path, text: str, source: Source, depth: int) -> Iterator[str]:
    if depth > 10:
        fail(path, "INCLUDE: nested too deeply")
    for raw in text.splitlines():
        line = raw.partition("$")[0].rstrip()
        if not line:
            continue
        if line.upper().startswith("ENDDATA"):
            return
        if line.upper().startswith("INCLUDE"):
            inner = source.beside(path, line[7:].strip().strip("'\""), "INCLUDE")
            yield from _included(inner, source.text(inner), source, depth + 1)
        else:
            yield line


def _fields(line: str) -> tuple[str, list[str]]:
    """The name (empty on a continuation) and the data fields of a line."""
    if "," in line:
        head, *rest = (part.strip() for part in line.split(","))
        return head.removesuffix("*") or head, [*rest, *[""] * 8][:8]
    line = line.expandtabs(8)
    head = line[:8].strip()
    width, count = (16, 4) if "*" in head else (8, 8)
    fields = [line[8 + width * i : 8 + width * (i + 1)].strip() for i in range(count)]
    return head.removesuffix("*") or head, fields


def _whole(path: Path, card: str, fields: list[str], at: int, default: int | None = None) -> int:
    text = fields[at] if at < len(fields) else ""
    if not text and default is not None:
        return default
    if not re.fullmatch(r"\d{1,18}", text):
        fail(path, f"{card}: {text!r} is not a whole number where one belongs (truncated or damaged?)")
    return int(text)


def _real(path: Path, node: int, text: str) -> float:
    """A real number; the E of its exponent may be missing, as in 1.5-3."""
    try:
        return float(re.sub(r"(?<=[\d.])([+-]\d+)$", r"e\1", text.upper().replace("D", "E"))) if text else 0.0
    except ValueError:
        fail(path, f"GRID {node}: {text!r} is not a number (truncated or damaged?)")
