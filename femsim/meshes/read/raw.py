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
#: names under which programs store a cell's region as a number, the likeliest first
_REGION_KEYS = (
    "gmsh:physical", "region", "regions", "region_id", "material", "materials", "material_id", "materialids", "materialid",  # noqa: E501
    "mat", "matid", "cell_tags", "celltags", "cell_markers", "cell_ids", "medit:ref", "medit_ref", "cellentityids",
    "physical", "subdomain", "subdomains", "domain", "domains", "attribute", "tag", "tags", "f", "marker",
)  # fmt: skip


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
    """

    points: FloatArray
    blocks: list[tuple[str, IntArray]]
    groups: list[Group] = field(default_factory=list)
    node_sets: dict[str, IntArray] = field(default_factory=dict)
    point_data: dict[str, FloatArray] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def offsets(self) -> IntArray:
        """The number of each block's first cell, and of all cells."""
        return np.cumsum([0] + [len(nodes) for _, nodes in self.blocks])

    @property
    def dims(self) -> IntArray:
        """The dimension of every cell."""
        return np.concatenate([np.full(len(nodes), dim_of(kind)) for kind, nodes in self.blocks])


def fail(path: Path, text: str) -> NoReturn:
    """Raise the one line that a fault of a file becomes."""
    raise InputError(" ".join(f"{path}: {text}".split()))


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
        for number in np.unique(values[dims == dim]):
            if int(number) not in nothing:
                name = name_of(key, dim, int(number))
                cells = np.flatnonzero((dims == dim) & (values == number))
                raw.groups.append(Group(name or str(number), dim, cells, numbered=name is None))
    return True
