"""Fields and meshes out: VTU files for ParaView, gmsh and VTU files of a mesh with its names.

The VTU XML is written here and not by meshio, which writes no field data. Arrays are zlib-compressed and base64-coded
within the XML (the "binary" format of the VTK file formats document, vtk.org, 2015). meshio 5.3 stops at arrays of
text, so the names of regions are the names of arrays of the field data: ``region: post`` holds the number that the
cells of post have in the cell data ``region``.

Every cell owns its points, so what jumps at an interface (stress) is kept on both sides; ``node`` leads back to the
mesh's nodes.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import numpy as np
import numpy.typing as npt

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.errors import InputError, nearest
from femsim.base.files import atomic_write
from femsim.base.threads import in_threads
from femsim.base.units import UM_PER_LENGTH_UNIT
from femsim.meshes.elements import ELEMENTS
from femsim.meshes.facets import surface_nodes
from femsim.meshes.mesh import Mesh
from femsim.meshes.solids import GMSH_ORDER

Values = npt.NDArray[np.float64] | npt.NDArray[np.int64]

VTK_TYPE = {"tri3": 5, "quad4": 9, "tri6": 22, "quad8": 23, "quad9": 28, "line2": 3, "line3": 21, "point": 1}
VTK_TYPE |= {"tet4": 10, "hex8": 12, "wedge6": 13, "tet10": 24, "hex20": 25, "wedge15": 26, "hex27": 29, "wedge18": 32}
_GMSH_TYPE = {"tri3": 2, "quad4": 3, "tri6": 9, "quad9": 10, "quad8": 16, "line2": 1, "line3": 8, "point": 15}
_GMSH_TYPE |= {"tet4": 4, "hex8": 5, "wedge6": 6, "tet10": 11, "hex27": 12, "wedge18": 13, "hex20": 17, "wedge15": 18}
_VTK_NUMBER = {"float64": "Float64", "float32": "Float32", "int64": "Int64", "int32": "Int32", "uint8": "UInt8"}
_BLOCK = 1 << 15
#: an array is compressed where that leaves less than this fraction of it
_WORTH = 0.8
_ENDINGS = (".msh", ".vtu")


def write_vtu(
    path: Path,
    mesh: Mesh,
    point_data: Mapping[str, Values],
    cell_data: Mapping[str, Values],
    region_names: Sequence[str] | None = None,
    *,
    side_data: Mapping[str, Values] | None = None,
) -> None:
    """Write a VTU file whose cells own their points: ``point_data`` (N, ...), ``cell_data`` (E, ...), ``side_data`` (E,
    n, ...).

    The cell data get ``region`` (number), the field data an array ``region: NAME`` with the number of each region, the
    point data ``node`` (number of the mesh's node).
    """
    atomic_write(path, vtu_bytes(mesh, point_data, cell_data, region_names, side_data=side_data))


def vtu_bytes(
    mesh: Mesh,
    point_data: Mapping[str, Values],
    cell_data: Mapping[str, Values],
    region_names: Sequence[str] | None = None,
    *,
    side_data: Mapping[str, Values] | None = None,
) -> bytes:
    """The content of the file :func:`write_vtu` writes."""
    names = list(mesh.regions if region_names is None else region_names)
    shape, cells = mesh.cells.shape, mesh.cells.ravel()
    points: dict[str, Values] = {}
    for name, values in point_data.items():
        _check(name, values, (len(mesh.points),))
        points[name] = values[cells]
    for name, values in (side_data or {}).items():
        _check(name, values, shape)
        points[name] = values.reshape(shape[0] * shape[1], *values.shape[2:])
    points["node"] = mesh.cells.ravel()
    columns: dict[str, Values] = {}
    for name, values in cell_data.items():
        _check(name, values, (shape[0],))
        columns[name] = values
    columns["region"] = mesh.region
    kinds = np.full(shape[0], VTK_TYPE[mesh.element], dtype=np.uint8)
    offsets = np.arange(1, shape[0] + 1) * shape[1]
    return _vtu(mesh.points[cells], np.arange(len(cells)), offsets, kinds, points, columns, {"region": names})


def write_mesh(
    path: Path,
    mesh: Mesh,
    point_data: Mapping[str, Values] | None = None,
    *,
    length_unit: str = "um",
    version: str = "4.1",
) -> None:
    """Write a mesh with its regions, lines and scalar point data: gmsh (``version`` 4.1 or 2.2, text) or VTU, by the
    path's extension.
    """
    path = Path(path)
    if path.suffix.lower() not in _ENDINGS:
        raise InputError(
            f"{path}: a mesh is written as {' or '.join(_ENDINGS)}, not {path.suffix!r}{nearest(path.suffix, _ENDINGS)}"
        )
    atomic_write(path, mesh_bytes(mesh, path.suffix, point_data, length_unit=length_unit, version=version))


def mesh_bytes(
    mesh: Mesh,
    suffix: str,
    point_data: Mapping[str, Values] | None = None,
    *,
    length_unit: str = "um",
    version: str = "4.1",
) -> bytes:
    """The content of the file :func:`write_mesh` writes; here the cells share their points."""
    data = dict(point_data or {})
    points = mesh.points / UM_PER_LENGTH_UNIT[length_unit] if length_unit != "um" else mesh.points
    for name, values in data.items():
        _check(name, values, (len(mesh.points),))
        if values.ndim != 1:
            raise ValueError(f"point data {name!r} is not one number per node")
    for name in (*mesh.regions, *mesh.places, *data):
        if '"' in name or "\n" in name or "\r" in name or not name.strip():
            raise InputError(
                f"the name {name!r} cannot be written to a mesh file: quotes, line breaks and empty names are not "
                f"allowed"
            )
    if suffix.lower() == ".vtu":
        return _mesh_vtu(mesh, points, data)
    if version not in ("2.2", "4.1"):
        raise ValueError(f"gmsh version {version!r} is not one of 2.2, 4.1")
    return _mesh_gmsh(mesh, points, data, version)


def _check(name: str, values: Values, shape: tuple[int, ...]) -> None:
    if values.shape[: len(shape)] != shape:
        raise ValueError(f"data {name!r} has the shape {values.shape}, not {shape} and components")


# ---------------------------------------------------------------- VTU


def _in_space(points: FloatArray) -> FloatArray:
    """Points with three coordinates."""
    return points if points.shape[1] == 3 else np.column_stack([points, np.zeros(len(points))])


def _facets(mesh: Mesh) -> list[tuple[str, int, str, IntArray]]:
    """Named places as cells of lower dimension: name, dimension, element and nodes; surfaces of wedges are of two
    kinds.
    """
    found = [
        (name, 2, element, nodes)
        for name, rows in mesh.surfaces.items()
        for element, (_, nodes) in surface_nodes(mesh, rows).items()
    ]
    found += [(name, 1, f"line{edges.shape[1]}", edges) for name, edges in mesh.lines.items()]
    return found + [(name, 0, "point", nodes[:, None]) for name, nodes in mesh.sets.items()]


def _mesh_vtu(mesh: Mesh, points: FloatArray, data: dict[str, Values]) -> bytes:
    count = len(mesh.cells)
    connectivity, sizes = [mesh.cells.ravel()], [np.full(count, mesh.cells.shape[1])]
    kinds, region = [np.full(count, VTK_TYPE[mesh.element])], [mesh.region]
    names = {2: list(mesh.surfaces), 1: list(mesh.lines)}
    number: dict[int, list[IntArray]] = {dim: [np.full(count, -1)] for dim in names}
    for name, dim, element, nodes in _facets(mesh):
        if dim == 0:
            continue  # node sets have no cells in a VTU file
        connectivity.append(nodes.ravel())
        sizes.append(np.full(len(nodes), nodes.shape[1]))
        kinds.append(np.full(len(nodes), VTK_TYPE[element]))
        region.append(np.full(len(nodes), -1))
        for other in names:
            number[other].append(np.full(len(nodes), names[dim].index(name) if other == dim else -1))
    columns: dict[str, Values] = {"region": np.concatenate(region), "line": np.concatenate(number[1])}
    texts = {"region": list(mesh.regions), "line": names[1]}
    if mesh.dim == 3:
        columns["surface"] = np.concatenate(number[2])
        texts["surface"] = names[2]
    offsets = np.cumsum(np.concatenate(sizes))
    return _vtu(
        points, np.concatenate(connectivity), offsets, np.concatenate(kinds).astype(np.uint8), data, columns, texts
    )


def _vtu(
    points: FloatArray,
    connectivity: npt.NDArray[np.int64],
    offsets: npt.NDArray[np.int64],
    kinds: npt.NDArray[np.uint8],
    point_data: Mapping[str, Values],
    cell_data: Mapping[str, Values],
    names: Mapping[str, list[str]],
) -> bytes:
    parts = [
        '<?xml version="1.0"?>',
        '<VTKFile type="UnstructuredGrid" version="1.0" byte_order="LittleEndian" header_type="UInt64" '
        'compressor="vtkZLibDataCompressor">',
        "<UnstructuredGrid>",
        "<FieldData>",
        *(_array(f"{what}: {name}", np.array([i]), 1) for what, known in names.items() for i, name in enumerate(known)),
        "</FieldData>",
        f'<Piece NumberOfPoints="{len(points)}" NumberOfCells="{len(kinds)}">',
        "<Points>",
        _array("Points", _in_space(points)),
        "</Points>",
        "<Cells>",
        _array("connectivity", connectivity),
        _array("offsets", offsets),
        _array("types", kinds),
        "</Cells>",
        "<PointData>",
        *in_threads(lambda item: _array(*item), list(point_data.items())),
        "</PointData>",
        "<CellData>",
        *(_array(name, values) for name, values in cell_data.items()),
        "</CellData>",
        "</Piece>",
        "</UnstructuredGrid>",
        "</VTKFile>",
        "",
    ]
    return "\n".join(parts).encode()


def _quoted(text: str) -> str:
    """An attribute's value in XML (the standard library's own way loads its web client)."""
    return f'"{escape(text).translate({9: "&#9;", 10: "&#10;", 13: "&#13;"})}"'


def _array(name: str, values: npt.NDArray[np.generic], tuples: int | None = None) -> str:
    """One array; of field data ``tuples`` too, without which VTK finds them empty."""
    array = np.ascontiguousarray(values)
    if array.dtype.kind == "i":
        array = array.astype("<i8")
    elif array.dtype.kind == "f":
        array = array.astype("<f8")
    kind = _VTK_NUMBER[array.dtype.name]
    width = f' NumberOfComponents="{array.shape[1]}"' if array.ndim == 2 else ""
    count = "" if tuples is None else f' NumberOfTuples="{tuples}"'
    head = f'<DataArray type="{kind}" Name={_quoted(name)}{width}{count} format="binary">'
    return f"{head}{_coded(array.tobytes())}</DataArray>"


def _coded(data: bytes) -> str:
    """Blocks compressed one by one behind their header: how many, size of a block, of a last shorter one, compressed
    sizes.

    Coordinates and numbers of nodes shrink to a tenth at the lowest level, and hardly more at higher ones, which take
    twice as long. The digits of a stress do not shrink at all, and trying takes longest: an array whose middle does not
    is stored.
    """
    middle = data[len(data) // 2 : len(data) // 2 + _BLOCK]
    level = 0 if len(middle) == _BLOCK and len(zlib.compress(middle, 1)) > _WORTH * _BLOCK else 1
    blocks = [zlib.compress(data[start : start + _BLOCK], level) for start in range(0, len(data), _BLOCK)]
    header = np.array([len(blocks), _BLOCK, len(data) % _BLOCK, *(len(block) for block in blocks)], dtype="<u8")
    return (base64.b64encode(header.tobytes()) + base64.b64encode(b"".join(blocks))).decode()


# ---------------------------------------------------------------- gmsh


def _mesh_gmsh(mesh: Mesh, points: FloatArray, data: dict[str, Values], version: str) -> bytes:
    """One discrete entity for each region and each line, whose tag is that of its physical group too.

    Version 2.2 keeps the order of the cells, 4.1 has to sort them by region.
    """
    facets, top = _facets(mesh), mesh.dim
    groups: dict[int, list[str]] = {0: list(mesh.sets), 1: list(mesh.lines), 2: list(mesh.surfaces)}
    groups[top] = list(mesh.regions)
    out = ["$MeshFormat", f"{version} 0 8", "$EndMeshFormat"]
    out += ["$PhysicalNames", str(sum(len(names) for names in groups.values()))]
    out += [f'{dim} {tag} "{name}"' for dim, names in groups.items() for tag, name in enumerate(names, 1)]
    out.append("$EndPhysicalNames")
    blocks = [
        (dim, groups[dim].index(name) + 1, _GMSH_TYPE[element], nodes)
        for name, dim, element, nodes in sorted(facets, key=lambda part: part[1])
        if len(nodes)
    ]
    if version == "2.2":  # runs of cells of one region, in the order of the mesh
        runs = np.split(np.arange(len(mesh.cells)), np.flatnonzero(np.diff(mesh.region)) + 1)
    else:
        runs = [np.flatnonzero(mesh.region == number) for number in range(len(mesh.regions))]
    order = _gmsh_order(mesh.element)
    blocks += [
        (top, int(mesh.region[run[0]]) + 1, _GMSH_TYPE[mesh.element], mesh.cells[run][:, order])
        for run in runs
        if len(run)
    ]
    places = [" ".join(map(repr, x)) for x in _in_space(points).tolist()]
    if top == 2:
        places = [f"{x!r} {y!r} 0" for x, y in points.tolist()]
    count, total = len(points), sum(len(nodes) for *_, nodes in blocks)
    if version == "2.2":
        out += [
            "$Nodes",
            str(count),
            *(f"{i} {place}" for i, place in enumerate(places, 1)),
            "$EndNodes",
            "$Elements",
            str(total),
        ]
    else:
        out += ["$Entities", " ".join(str(len(groups.get(dim, []))) for dim in range(4))]
        out += _entities(mesh, points, groups, facets)
        out += ["$EndEntities", "$Nodes", f"1 {count} 1 {count}", f"{top} 1 0 {count}"]
        out += [
            *(str(i) for i in range(1, count + 1)),
            *places,
            "$EndNodes",
            "$Elements",
            f"{len(blocks)} {total} 1 {total}",
        ]
    number = 1
    for dim, tag, kind, nodes in blocks:
        head = f"{kind} 2 {tag} {tag} " if version == "2.2" else ""
        if version == "4.1":
            out.append(f"{dim} {tag} {kind} {len(nodes)}")
        out += [f"{number + i} {head}{' '.join(map(str, row))}" for i, row in enumerate((nodes + 1).tolist())]
        number += len(nodes)
    out.append("$EndElements")
    for name, values in data.items():
        out += ["$NodeData", "1", f'"{name}"', "1", "0", "3", "0", "1", str(count)]
        out += [*(f"{i} {float(value)!r}" for i, value in enumerate(values.tolist(), 1)), "$EndNodeData"]
    return ("\n".join(out) + "\n").encode()


def _entities(
    mesh: Mesh, points: FloatArray, groups: dict[int, list[str]], facets: list[tuple[str, int, str, IntArray]]
) -> list[str]:
    """Lines of the entities: tag, box around, the physical group; a point has a place instead of a box."""
    space, out = _in_space(points), []
    for dim, names in sorted(groups.items()):
        for tag, name in enumerate(names, 1):
            if dim == mesh.dim:
                nodes = mesh.cells[mesh.region == tag - 1].ravel()
            else:
                nodes = np.concatenate([n.ravel() for other, d, _, n in facets if (other, d) == (name, dim)])
            used = space[nodes] if len(nodes) else np.zeros((1, 3))
            low, high = used.min(axis=0).tolist(), used.max(axis=0).tolist()
            box = low if dim == 0 else [*low, *high]
            shown = " ".join("0" if mesh.dim == 2 and i % 3 == 2 else repr(x) for i, x in enumerate(box))
            out.append(f"{tag} {shown} 1 {tag}" + ("" if dim == 0 else " 0"))
    return out


def _gmsh_order(element: str) -> list[int]:
    """The place in our order of each node in gmsh's."""
    ours = GMSH_ORDER.get(element, tuple(range(ELEMENTS[element].nodes)))
    return [int(i) for i in np.argsort(ours)]
