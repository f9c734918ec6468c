"""What a reader of mesh files hands over before anything is checked, and what the readers share."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.errors import InputError
from femsim.meshes.elements import ELEMENTS

#: element types by the names meshio gives them
BY_MESHIO_NAME = {e.meshio_name: e.name for e in ELEMENTS.values()}
#: no cells, no nodes
NONE: IntArray = np.zeros(0, dtype=np.int64)
#: more regions, lines and sets than this are numbers of something else (of every cell, say)
MOST_NAMES = 20_000
#: names under which programs store a cell's region as a number, the likeliest first
_REGION_KEYS = (
    "gmsh:physical", "region", "regions", "region_id", "material", "materials", "material_id", "materialids", "materialid",  # noqa: E501
    "mat", "matid", "cell_tags", "celltags", "cell_markers", "cell_ids", "medit:ref", "medit_ref", "cellentityids",
    "physical", "subdomain", "subdomains", "domain", "domains", "attribute", "tag", "tags", "f", "marker",
)  # fmt: skip

#: files that one file may include, directly and through others
_MOST_INCLUDES = 1000


@dataclass(frozen=True)
class Group:
    """Cells (numbered through all blocks) under one name; ``dim`` is None where only its cells tell; ``sure``: made to
    be a region.
    """

    name: str
    dim: int | None
    cells: IntArray
    sure: bool = True
    numbered: bool = False


@dataclass
class Raw:
    """What a reader found: cells by blocks of one type (meshio's names), groups of them, sets of nodes and scalars per
    node.

    ``entities`` numbers the part of the geometry that every cell (through all blocks) belongs to, 0 where it is not
    known: what regions are made of where a file has no groups.
    """

    points: FloatArray
    blocks: list[tuple[str, IntArray]]
    groups: list[Group] = field(default_factory=list)
    node_sets: dict[str, IntArray] = field(default_factory=dict)
    point_data: dict[str, FloatArray] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    entities: IntArray | None = None

    @property
    def offsets(self) -> IntArray:
        """The number of each block's first cell, and of all cells."""
        return np.cumsum([0] + [len(nodes) for _, nodes in self.blocks])

    @property
    def dims(self) -> IntArray:
        """The dimension of every cell."""
        return np.concatenate([NONE, *(np.full(len(nodes), dim_of(kind)) for kind, nodes in self.blocks)])


def fail(path: Path, text: str) -> NoReturn:
    """Raise the one line that a fault of a file becomes."""
    line = " ".join(f"{path}: {text}".split())
    clean = "".join(c if c.isprintable() else "?" for c in line)
    raise InputError(clean if len(clean) <= 1000 else f"{clean[:1000]}...")


def by_value(values: IntArray) -> dict[int, IntArray]:
    """Where each of the values stands, in one pass however many there are."""
    order = np.argsort(values, kind="stable")
    ascending = values[order]
    starts = np.flatnonzero(np.diff(ascending, prepend=ascending[:1] - 1)) if len(values) else NONE
    parts = np.split(order, starts[1:]) if len(starts) else []
    return {int(ascending[start]): part for start, part in zip(starts, parts, strict=True)}


class Budget:
    """How much a file may unfold to: what it stands for has to follow from its size.

    A set of sets, a range, a file that is included twice or a compressed array can stand for far more than the file
    holds; ``take`` counts what it does and raises the line that says so.
    """

    def __init__(self, path: Path, size: int, least: int, times: int) -> None:
        self.path, self.most, self.used = path, least + times * size, 0

    def take(self, count: int, what: str) -> None:
        """Count ``count`` entries (or bytes) of ``what``."""
        self.used += count
        if self.used > self.most:
            fail(
                self.path, f"{what}: unfolds to more than {self.most:,} entries, more than a file of this size can mean"
            )


class Source:
    """The text of a file and of those it includes, each of them a few times at most."""

    def __init__(self, path: Path) -> None:
        self.path, self.count, self.read, self.sizes = path, 0, 0, dict[Path, int]()

    def text(self, path: Path) -> str:
        """The text of a file, counted."""
        data = path.read_bytes()
        self.sizes[path] = len(data)
        self.count, self.read = self.count + 1, self.read + len(data)
        if self.count > _MOST_INCLUDES or self.read > 1_000_000 + 4 * sum(self.sizes.values()):
            fail(self.path, f"includes {self.count} files of {self.read:,} bytes; they include one another too often")
        if b"\0" in data:
            fail(path, "cannot be read as text: it holds binary data")
        return data.decode("utf-8", "replace")

    def beside(self, path: Path, name: str, keyword: str) -> Path:
        """The file of a name that a file includes."""
        try:
            if name and (path.parent / name).is_file():
                return path.parent / name
        except (OSError, ValueError):  # a name too long for a file
            pass
        fail(path, f"{keyword}: {name}: file not found")


def merged(blocks: list[tuple[str, IntArray]]) -> tuple[list[tuple[str, IntArray]], IntArray]:
    """The blocks with one for each type of cell, and for every cell of the new ones its number in the old ones."""
    offsets = np.cumsum([0] + [len(nodes) for _, nodes in blocks])
    parts: dict[tuple[str, int], list[int]] = {}
    for at, (kind, nodes) in enumerate(blocks):
        parts.setdefault((kind, nodes.shape[1] if nodes.ndim == 2 else -1), []).append(at)
    found = [(kind, np.concatenate([blocks[at][1] for at in chosen])) for (kind, _), chosen in parts.items()]
    order = [np.arange(offsets[at], offsets[at + 1]) for chosen in parts.values() for at in chosen]
    return found, np.concatenate([NONE, *order])


def dim_of(kind: str) -> int:
    """The dimension of a cell type."""
    if kind == "vertex":
        return 0
    if kind.startswith(("line", "polyline", "VTK_LAGRANGE_CURVE")):
        return 1
    return 2 if kind.startswith(("tri", "quad", "polygon", "pixel", "VTK_LAGRANGE_TRI", "VTK_LAGRANGE_QUAD")) else 3


def numbers(text: bytes) -> FloatArray:
    """The numbers of a text that holds nothing else."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)  # numpy's word for text that holds something else
        try:
            return np.fromstring(text.decode("ascii"), sep=" ")
        except (ValueError, DeprecationWarning):
            raise ValueError("something else than a number where numbers belong") from None


def scalars(data: Mapping[str, npt.NDArray[Any]]) -> dict[str, FloatArray]:
    """The data that are one number per point."""
    return {
        name: values.astype(float) for name, values in data.items() if values.ndim == 1 and values.dtype.kind in "iuf"
    }


def number_groups(
    raw: Raw, per_cell: Mapping[str, npt.NDArray[Any]], name_of: Callable[[str, int, int], str | None]
) -> bool:
    """Groups from the likeliest integer data per cell, if there are any; ``name_of`` (key, dim, number) may know a name
    for a number.
    """

    def whole(values: npt.NDArray[Any]) -> bool:
        return (
            values.ndim == 1
            and values.dtype.kind in "iuf"
            and bool(np.all(np.isfinite(values)) and np.all(values == np.round(values)))
        )

    by_name = {name.lower(): name for name, values in per_cell.items() if whole(values)}
    integer = [
        name
        for name in by_name.values()
        if per_cell[name].dtype.kind in "iu" and not name.startswith("gmsh:geometrical")
    ]
    key = next((by_name[wanted] for wanted in _REGION_KEYS if wanted in by_name), None) or (
        integer[0] if len(integer) == 1 else None
    )
    if key is None:
        return False
    values, dims = per_cell[key].astype(np.int64), raw.dims
    nothing = {0} if key in ("gmsh:physical", "cell_tags") else set()
    for dim in (3, 2, 1):
        chosen = np.flatnonzero(dims == dim)
        for number, at in by_value(values[chosen]).items():
            if number not in nothing:
                name = name_of(key, dim, number)
                raw.groups.append(Group(name or str(number), dim, chosen[at], numbered=name is None))
    return True
