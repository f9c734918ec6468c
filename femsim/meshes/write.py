"""Fields and meshes out: VTU files for ParaView, gmsh and VTU files of a mesh with its names.

The VTU XML is written here and not by meshio, which can write neither texts (the names of regions) nor field data.
Arrays are zlib-compressed and base64-coded within the XML (the "binary" format of the VTK file formats document,
vtk.org, 2015); texts are stored as ``<Array type="String">``, byte by byte with a zero behind each, as VTK's own writer
does.

Every cell owns its points, so what jumps at an interface (stress) is kept on both sides; ``node`` leads back to the
mesh's nodes.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np
import numpy.typing as npt

from femsim.base.arrays import FloatArray
from femsim.base.errors import InputError, nearest
from femsim.base.files import atomic_write
from femsim.base.units import UM_PER_LENGTH_UNIT
from femsim.meshes.mesh import Mesh

Values = npt.NDArray[np.float64] | npt.NDArray[np.int64]

_VTK_TYPE = {"tri3": 5, "quad4": 9, "tri6": 22, "quad8": 23, "quad9": 28, "line2": 3, "line3": 21}
_GMSH_TYPE = {"tri3": 2, "quad4": 3, "tri6": 9, "quad9": 10, "quad8": 16, "line2": 1, "line3": 8}
_VTK_NUMBER = {"float64": "Float64", "float32": "Float32", "int64": "Int64", "int32": "Int32", "uint8": "UInt8"}
_BLOCK = 1 << 15
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

    The cell data get ``region`` (number) and ``RegionName`` (text), the field data ``region_names`` (text by number),
    the point data ``node`` (number of the mesh's node).
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
    columns: dict[str, Values | list[str]] = {}
    for name, values in cell_data.items():
        _check(name, values, (shape[0],))
        columns[name] = values
    columns["region"] = mesh.region
    columns["RegionName"] = [names[i] for i in mesh.region]
    kinds = np.full(shape[0], _VTK_TYPE[mesh.element], dtype=np.uint8)
    offsets = np.arange(1, shape[0] + 1) * shape[1]
    return _vtu(mesh.points[cells], np.arange(len(cells)), offsets, kinds, points, columns, {"region_names": names})


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
    for name in (*mesh.regions, *mesh.lines, *data):
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


def _mesh_vtu(mesh: Mesh, points: FloatArray, data: dict[str, Values]) -> bytes:
    count = len(mesh.cells)
    connectivity, sizes = [mesh.cells.ravel()], [np.full(count, mesh.cells.shape[1])]
    kinds, region, line = [np.full(count, _VTK_TYPE[mesh.element])], [mesh.region], [np.full(count, -1)]
    for number, edges in enumerate(mesh.lines.values()):
        connectivity.append(edges.ravel())
        sizes.append(np.full(len(edges), edges.shape[1]))
        kinds.append(np.full(len(edges), _VTK_TYPE[f"line{edges.shape[1]}"]))
        region.append(np.full(len(edges), -1))
        line.append(np.full(len(edges), number))
    at, on = np.concatenate(region), np.concatenate(line)
    names = list(mesh.lines)
    columns: dict[str, Values | list[str]] = {
        "region": at,
        "line": on,
        "RegionName": [mesh.regions[r] if r >= 0 else names[k] for r, k in zip(at, on, strict=True)],
    }
    texts = {"region_names": list(mesh.regions), "line_names": names}
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
    cell_data: Mapping[str, Values | list[str]],
    field_data: Mapping[str, list[str]],
) -> bytes:
    parts = [
        '<?xml version="1.0"?>',
        '<VTKFile type="UnstructuredGrid" version="1.0" byte_order="LittleEndian" header_type="UInt64" '
        'compressor="vtkZLibDataCompressor">',
        "<UnstructuredGrid>",
        "<FieldData>",
        *(_array(name, texts, field=True) for name, texts in field_data.items()),
        "</FieldData>",
        f'<Piece NumberOfPoints="{len(points)}" NumberOfCells="{len(kinds)}">',
        "<Points>",
        _array("Points", np.column_stack([points, np.zeros(len(points))])),
        "</Points>",
        "<Cells>",
        _array("connectivity", connectivity),
        _array("offsets", offsets),
        _array("types", kinds),
        "</Cells>",
        "<PointData>",
        *(_array(name, values) for name, values in point_data.items()),
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


def _array(name: str, values: npt.NDArray[np.generic] | list[str], *, field: bool = False) -> str:
    if isinstance(values, list):
        data = b"".join(text.encode() + b"\0" for text in values)
        count = f' NumberOfTuples="{len(values)}"' if field else ""
        return f'<Array type="String" Name={quoteattr(name)}{count} format="binary">{_coded(data)}</Array>'
    array = np.ascontiguousarray(values)
    if array.dtype.kind == "i":
        array = array.astype("<i8")
    elif array.dtype.kind == "f":
        array = array.astype("<f8")
    kind = _VTK_NUMBER[array.dtype.name]
    width = f' NumberOfComponents="{array.shape[1]}"' if array.ndim == 2 else ""
    return (
        f'<DataArray type="{kind}" Name={quoteattr(name)}{width} format="binary">{_coded(array.tobytes())}</DataArray>'
    )


def _coded(data: bytes) -> str:
    """Blocks compressed one by one behind their header: how many, size of a block, of a last shorter one, compressed
    sizes.

    Coordinates and stresses are packed no tighter by the higher levels, which take twice as long.
    """
    blocks = [zlib.compress(data[start : start + _BLOCK], 1) for start in range(0, len(data), _BLOCK)]
    header = np.array([len(blocks), _BLOCK, len(data) % _BLOCK, *(len(block) for block in blocks)], dtype="<u8")
    return (base64.b64encode(header.tobytes()) + base64.b64encode(b"".join(blocks))).decode()


# ---------------------------------------------------------------- gmsh


def _mesh_gmsh(mesh: Mesh, points: FloatArray, data: dict[str, Values], version: str) -> bytes:
    """One discrete entity for each region and each line, whose tag is that of its physical group too.

    Version 2.2 keeps the order of the cells, 4.1 has to sort them by region.
    """
    out = [
        "$MeshFormat",
        f"{version} 0 8",
        "$EndMeshFormat",
        "$PhysicalNames",
        str(len(mesh.regions) + len(mesh.lines)),
    ]
    out += [f'1 {number} "{name}"' for number, name in enumerate(mesh.lines, 1)]
    out += [f'2 {number} "{name}"' for number, name in enumerate(mesh.regions, 1)]
    out.append("$EndPhysicalNames")
    blocks = [
        (1, tag, _GMSH_TYPE[f"line{edges.shape[1]}"], edges)
        for tag, edges in enumerate(mesh.lines.values(), 1)
        if len(edges)
    ]
    if version == "2.2":  # runs of cells of one region, in the order of the mesh
        runs = np.split(np.arange(len(mesh.cells)), np.flatnonzero(np.diff(mesh.region)) + 1)
    else:
        runs = [np.flatnonzero(mesh.region == number) for number in range(len(mesh.regions))]
    blocks += [(2, int(mesh.region[run[0]]) + 1, _GMSH_TYPE[mesh.element], mesh.cells[run]) for run in runs if len(run)]
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
        out += ["$Entities", f"0 {len(mesh.lines)} {len(mesh.regions)} 0"]
        for groups in (list(mesh.lines.values()), [mesh.cells[mesh.region == i] for i in range(len(mesh.regions))]):
            for tag, nodes in enumerate(groups, 1):
                used = points[nodes.ravel()] if len(nodes) else np.zeros((1, 2))
                (x, y), (x_end, y_end) = used.min(axis=0).tolist(), used.max(axis=0).tolist()
                out.append(f"{tag} {x!r} {y!r} 0 {x_end!r} {y_end!r} 0 1 {tag} 0")
        out += ["$EndEntities", "$Nodes", f"1 {count} 1 {count}", f"2 1 0 {count}"]
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
