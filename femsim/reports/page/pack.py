"""The fields of a run packed for the page's own contour: a mesh of corners with displacement and stress.

A vertex belongs to one node and one region, so stress keeps its jump at interfaces; inside a region it is averaged at
the node over the cells that meet there. Cells are drawn by their corners; a coarse mesh of quadratic cells is cut into
smaller ones first. Numbers are kept as the eye and a read-out need them: places and displacements in single precision,
stresses in half precision (a relative 5e-4). The bytes of an array are sorted by significance, so that they pack well,
deflated, and coded in base64.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from femsim.base.arrays import FloatArray, IntArray
from femsim.meshes.elements import shape
from femsim.meshes.mesh import Mesh
from femsim.reports.plots.look import LARGE_BODY, LENGTH
from femsim.reports.plots.outlines import outline_edges
from femsim.reports.plots.picture import padded
from femsim.reports.plots.raster import lattice
from femsim.reports.plots.scene import Scene, in_regions

if TYPE_CHECKING:
    from femsim.meshes.read.solved import Fields

#: meshes of quadratic cells up to these sizes are cut into 4 x 4 or 2 x 2 parts a cell
FEW, SOME = 1500, 8000
#: more cells than this are not packed: the page would be too large
MOST = 250_000
#: how hard to pack: higher levels take twice as long for a twentieth less
LEVEL = 4
#: largest magnitude that half precision holds
LARGEST = 6.0e4


def view_of(what: Scene) -> dict[str, Any]:
    """How the page's contour of a scene starts: window, components with their colours' limits, roots."""
    x0, x1, y0, y1 = what.picture.body
    large = max(abs(v) for v in (x0, x1, y0, y1)) > LARGE_BODY
    shown = [*what.components, "von_mises", "u"]
    limits = {name: list(what.limits(name)) for name in shown}
    if np.ndim(what.temperature) and np.ptp(what.temperature) > 0:
        shown.append("T")
        limits["T"] = [float(np.min(what.temperature)), float(np.max(what.temperature))]
    roots = [
        {
            "label": what.words(root),
            "at": list(root.at),
            "into": list(root.into),
            "lengths": list(what.lengths_of(root)),
            "length": what.lengths_of(root)[0],
        }
        for root in what.picture.roots
    ]
    return {
        "left_out": len(what.mesh.cells) > MOST,
        "axes": list(what.picture.axes),
        "unit": "mm" if large else LENGTH,
        "per": 1000.0 if large else 1.0,
        "body": [x0, x1, y0, y1],
        "window": list(padded(what.window)),
        "scale": what.scale,
        "start": 0,
        "first": "von_mises",
        "shown": shown,
        "limits": limits,
        "roots": roots,
    }


def fields_of(what: Scene) -> Fields:
    """The fields of a scene."""
    from femsim.meshes.read.solved import Fields

    count = len(what.mesh.points)
    temperature = np.broadcast_to(np.asarray(what.temperature, dtype=float), (count,))
    return Fields(what.mesh, what.components, what.displacement, what.stress, temperature)


def pack(fields: Fields, view: Mapping[str, Any]) -> dict[str, Any] | None:
    """Header and data of a contour: ``{"head": {...}, "data": base64}``; None where the mesh is too large for a page or
    not plane.

    ``view`` (window, scale, limits, roots ...) is handed to the page as it is.
    """
    mesh = fields.mesh
    if len(mesh.cells) > MOST or mesh.points.shape[1] != 2:
        return None
    drawn = _drawn(mesh)
    nodes, edges = _outlines(mesh)
    arrays: dict[str, npt.NDArray[Any]] = {
        "x": drawn.take(mesh.points[mesh.cells]).astype("<f4"),
        "u": drawn.take(fields.displacement[mesh.cells]).astype("<f4"),
        "s": np.clip(drawn.take(in_regions(mesh, fields.stress)), -LARGEST, LARGEST).astype("<f2"),
        "cell": np.diff(drawn.cells, axis=0, prepend=0).astype("<i4"),
        "region": mesh.region[drawn.owner].astype("<u2"),
        "line_x": mesh.points[nodes].astype("<f4"),
        "line_u": fields.displacement[nodes].astype("<f4"),
        "line": np.diff(edges, axis=0, prepend=0).astype("<i4"),
    }
    if np.ptp(fields.temperature) > 0:
        arrays["T"] = drawn.take(fields.temperature[mesh.cells][..., None]).astype("<f4")
    listed, parts, start = [], [], 0
    for name, array in arrays.items():
        raw = _by_significance(array)
        listed.append({"name": name, "type": array.dtype.str[1:], "shape": list(array.shape), "start": start})
        parts.append(raw)
        start += len(raw)
    head = {**view, "components": list(fields.components), "regions": list(mesh.regions), "arrays": listed}
    return {"head": head, "data": base64.b64encode(zlib.compress(b"".join(parts), LEVEL)).decode("ascii")}


@dataclass(frozen=True)
class _Drawn:
    """Straight cells (C, 3 or 4) of vertices, the mesh's cell (C,) each is part of, and where vertices take their
    values: from places ``at`` (V,) in an array (E * m,), where ``weights`` (m, n) lead from a cell's nodes to m points
    in it.
    """

    cells: IntArray
    owner: IntArray
    at: IntArray
    weights: FloatArray | None

    def take(self, values: FloatArray) -> FloatArray:
        """Values (V, ...) of what is given (E, n, ...) at the cells' own nodes."""
        if self.weights is not None:
            values = np.einsum("mn,en...->em...", self.weights, values)
        return np.asarray(values.reshape(-1, *values.shape[2:])[self.at])


def _drawn(mesh: Mesh) -> _Drawn:
    """How a mesh is drawn: by its corners, or a coarse one of quadratic cells by parts of them."""
    count, corners = len(mesh.cells), mesh.info.corners
    parts = 1 if mesh.info.order == 1 or count > SOME else 2 if count > FEW else 4
    if parts == 1:
        place = (mesh.cells[:, :corners] + mesh.region[:, None] * len(mesh.points)).ravel()
        _, first, number = np.unique(place, return_index=True, return_inverse=True)
        at = first // corners * mesh.cells.shape[1] + first % corners
        return _Drawn(number.reshape(count, corners), np.arange(count), at, None)
    points, pieces = lattice(mesh.element, parts)
    cells = np.array(pieces)[None] + (len(points) * np.arange(count))[:, None, None]
    weights, _ = shape(mesh.element, points)
    owner = np.repeat(np.arange(count), len(pieces))
    return _Drawn(cells.reshape(-1, corners), owner, np.arange(count * len(points)), weights)


def _outlines(mesh: Mesh) -> tuple[IntArray, IntArray]:
    """Nodes (P,) on lines between regions and around the body, and the lines (K, 2) as pairs of places among them."""
    edges = outline_edges(mesh)
    pairs = np.concatenate([edges[:, k : k + 2] for k in range(edges.shape[1] - 1)])
    nodes, number = np.unique(pairs, return_inverse=True)
    return nodes, number.reshape(-1, 2)


def _by_significance(array: npt.NDArray[Any]) -> bytes:
    """An array's bytes column by column, in each all first bytes, then all second ones: neighbours are alike."""
    columns = np.ascontiguousarray(array.reshape(len(array), -1).T)
    size = array.dtype.itemsize
    return np.ascontiguousarray(columns.view(np.uint8).reshape(len(columns), -1, size).transpose(0, 2, 1)).tobytes()
