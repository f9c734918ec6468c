"""Mesh files of all the formats that are left to meshio."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from femsim.base.arrays import IntArray
from femsim.base.errors import nearest
from femsim.meshes.read.raw import NONE, Group, Raw, fail, number_groups, scalars

_COMMON = (".msh", ".inp", ".vtu", ".bdf", ".vtk", ".xdmf", ".med")
#: endings of formats that meshio does not read, and gmsh does
_OF_GMSH = (".unv", ".step", ".stp", ".iges", ".igs", ".brep", ".geo", ".p3d", ".diff")


def kinds_of(path: Path) -> list[str]:
    """The formats that meshio knows for a file's extension, the longest extension first."""
    from meshio import extension_to_filetypes

    for i in range(len(path.suffixes)):
        kinds: list[str] = extension_to_filetypes.get("".join(path.suffixes[i:]).lower(), [])
        if kinds:
            return kinds
    shown = path.suffix or "(no extension)"
    other = "; gmsh opens it and saves it as .msh" if path.suffix.lower() in _OF_GMSH else ""
    fail(path, f"the format {shown!r} is not known; use {', '.join(_COMMON)}{nearest(path.suffix, _COMMON)}{other}")


def read_other(path: Path) -> Raw:
    """What meshio reads."""
    found = _found(path)
    blocks = [(str(block.type), _nodes(np.asarray(block.data))) for block in found.cells]
    raw = Raw(np.asarray(found.points, dtype=float), blocks)
    raw.point_data = scalars(
        {str(name): _column(values) for name, values in found.point_data.items() if name != "point_tags"}
    )
    raw.node_sets = {str(name): np.asarray(nodes, dtype=np.int64) for name, nodes in found.point_sets.items()}
    per_block = {str(name): [_column(part) for part in parts] for name, parts in found.cell_data.items()}
    per_cell = {
        name: np.concatenate(parts) for name, parts in per_block.items() if parts and all(p.ndim == 1 for p in parts)
    }
    offsets = raw.offsets
    for name, parts in found.cell_sets.items():
        if not name.startswith("gmsh:"):
            cells = [
                start + np.asarray(part, dtype=np.int64)
                for start, part in zip(offsets, parts, strict=False)
                if part is not None
            ]
            raw.groups.append(Group(str(name), None, np.concatenate([NONE, *cells]), sure=False))
    if not raw.groups and "cell_tags" in per_cell:
        _families(raw, found, per_cell["cell_tags"])
    if not raw.groups and blocks:
        _numbered(raw, found, per_cell)
    return raw


def _found(path: Path) -> Any:
    """meshio's mesh; meshio itself gives up at the first reader that stumbles over another format."""
    import meshio

    kinds = kinds_of(path)
    if "gmsh" in kinds:
        kinds = ["gmsh" if b"$MeshFormat" in path.read_bytes()[:4096] else "ansys"]
    for kind in kinds[:-1]:
        with contextlib.suppress(Exception, SystemExit):
            return meshio.read(path, kind)
    return meshio.read(path, kinds[-1])


def _nodes(data: npt.NDArray[Any]) -> IntArray:
    """The nodes of a block; cells of differing numbers of nodes have none."""
    return data.astype(np.int64) if data.dtype.kind in "iu" else np.zeros((len(data), 0), np.int64)


def _column(values: Any) -> npt.NDArray[Any]:
    array = np.asarray(values)
    return array.ravel() if array.ndim == 2 and array.shape[1] == 1 else array


def _families(raw: Raw, found: Any, tags: npt.NDArray[Any]) -> None:
    """Groups and node sets of MED, where a family of cells or of nodes is in a set of groups."""

    def members(families: dict[int, list[str]], tags: npt.NDArray[Any]) -> dict[str, IntArray]:
        names = dict.fromkeys(name for held in families.values() for name in held)
        return {
            name: np.flatnonzero(np.isin(tags, [n for n, held in families.items() if name in held])) for name in names
        }

    cell_families = getattr(found, "cell_tags", None)
    if not cell_families:
        return
    raw.groups += [Group(name, None, cells, sure=False) for name, cells in members(cell_families, tags).items()]
    point_families = getattr(found, "point_tags", None)
    if point_families:
        for name, nodes in members(point_families, found.point_data["point_tags"]).items():
            raw.node_sets.setdefault(name, nodes)


def _numbered(raw: Raw, found: Any, per_cell: dict[str, npt.NDArray[Any]]) -> None:
    """Groups by number, with the names that meshio keeps as field data."""
    known = {
        (int(value[1]), int(value[0])): str(name)
        for name, value in found.field_data.items()
        if np.shape(value) == (2,) and np.asarray(value).dtype.kind in "iu"
    }
    if number_groups(raw, per_cell, lambda key, dim, number: known.get((dim, number))):
        held = {(group.dim, group.name) for group in raw.groups}
        raw.groups += [
            Group(name, dim, NONE) for (dim, _), name in known.items() if dim > 0 and (dim, name) not in held
        ]
