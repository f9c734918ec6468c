"""From a path to a mesh: which reader a file is for, what may go wrong on the way, and the element that is wanted."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from femsim.base.arrays import FloatArray
from femsim.base.errors import InputError, nearest
from femsim.base.system import free_bytes
from femsim.base.units import UM_PER_LENGTH_UNIT
from femsim.meshes.elements import ELEMENTS
from femsim.meshes.mesh import Mesh
from femsim.meshes.read.abaqus import read_abaqus
from femsim.meshes.read.clean import assemble, check_shapes
from femsim.meshes.read.foreign import read_foreign
from femsim.meshes.read.gmsh import GMSH_TYPES, read_gmsh
from femsim.meshes.read.nastran import read_nastran
from femsim.meshes.read.orders import change_element, family
from femsim.meshes.read.raw import Raw, fail
from femsim.meshes.read.vtu import read_vtu

#: endings of files that are gmsh's where their first section is one of gmsh's
GMSH_ENDINGS = (".msh", ".msh1", ".msh2", ".msh22", ".msh4", ".msh40", ".msh41", ".gmsh")
NASTRAN_ENDINGS = (".bdf", ".fem", ".nas", ".blk", ".bulk")
#: bytes of memory that reading takes at most for each byte of a file
MEMORY = 25


@dataclass(frozen=True)
class Imported:
    """A mesh read from a file: the mesh (um), scalar data per node, and what was done to it on the way in.

    ``unnamed``: the file has no groups, so its regions are called by the numbers of its geometry, or there is one only.
    """

    mesh: Mesh
    point_data: dict[str, FloatArray]
    notes: tuple[str, ...]
    unnamed: bool = False


def read_mesh(path: Path, length_unit: str = "um", element: str | None = None) -> Imported:
    """Read a mesh file; coordinates are in ``length_unit``; ``element`` raises or lowers the order within the family of
    the file's cells.

    Regions are the groups of 2D cells, lines the groups of 1D cells and the node sets. Where there are 3D cells,
    regions are groups of those, surfaces groups of 2D cells. Every fault is an ``InputError`` of one line.
    """
    path = Path(path)
    if length_unit not in UM_PER_LENGTH_UNIT:
        allowed = ", ".join(UM_PER_LENGTH_UNIT)
        raise InputError(
            f"length_unit: {length_unit!r} is not one of {allowed}{nearest(length_unit, UM_PER_LENGTH_UNIT)}"
        )
    if element is not None and element not in ELEMENTS:
        raise InputError(f"element: {element!r} is not one of {', '.join(ELEMENTS)}{nearest(element, ELEMENTS)}")
    raw = _read(path)
    found = assemble(path, raw, UM_PER_LENGTH_UNIT[length_unit], element)
    mesh, point_data, notes = found.mesh, found.point_data, found.notes
    if element is not None and element != mesh.element:
        same = family(mesh.element)
        if element not in same:
            fail(
                path,
                f"element: {element!r} cannot be made of the file's {mesh.element} cells; allowed: {', '.join(same)}",
            )
        notes.append(f"{mesh.element} cells of the file became {element}")
        mesh, point_data = change_element(mesh, element, point_data)
        check_shapes(path, mesh)
    return Imported(mesh, point_data, tuple(notes), found.unnamed)


def _read(path: Path) -> Raw:
    reader, kind = _reader_for(path, _head(path))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            raw = reader(path)
            _check_counts(raw)
            return raw
    except InputError:
        raise
    except RecursionError:
        fail(path, f"cannot be read as a {kind} file: nested too deeply")
    except Exception as error:  # whatever a damaged file leads to
        said = " ".join(f"{type(error).__name__} {error}".replace(str(path), "it").split())[:160]
        fail(path, f"cannot be read as a {kind} file (truncated, damaged or of another format): {said}")


def _head(path: Path) -> bytes:
    """The first bytes of a file that can be read in the memory there is."""
    try:
        if path.is_dir():
            fail(path, "is a directory, not a mesh file")
        if not path.exists():
            siblings = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
            fail(path, f"mesh file not found{nearest(path.name, siblings)}")
        if not path.is_file():
            fail(path, "is a pipe or a device, not a file")
        size, free = path.stat().st_size, free_bytes()
        if free is not None and size * MEMORY > free:
            need = f"reading it needs about {size * MEMORY / 1e9:.2g} GB, {free / 1e9:.2g} are free"
            fail(path, f"has {size / 1e9:.2g} GB; {need}")
        with path.open("rb") as stream:
            head = stream.read(4096)
    except (OSError, ValueError) as error:
        fail(path, f"cannot be opened: {getattr(error, 'strerror', None) or error}")
    if not head.strip():
        fail(path, "is empty")
    return head


def _reader_for(path: Path, head: bytes) -> tuple[Callable[[Path], Raw], str]:
    """The reader for a file, and what the format is called."""
    suffix = path.suffix.lower()
    if suffix in GMSH_ENDINGS and re.search(rb"^\$(MeshFormat\s|NOD\s)", head, re.MULTILINE):
        return read_gmsh, "gmsh"
    if suffix == ".inp":
        return read_abaqus, "Abaqus"
    if suffix == ".vtu":
        return read_vtu, "VTU"
    if suffix in NASTRAN_ENDINGS:
        return read_nastran, "Nastran"
    return read_foreign, suffix.removeprefix(".")


def _check_counts(raw: Raw) -> None:
    """Raise ValueError where the numbers of nodes, points and data do not agree."""
    widths = dict(GMSH_TYPES.values())
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
