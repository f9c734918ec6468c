"""Lines of a layout and of a mesh: painted cells where the bends carry them, and what separates regions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from femsim.base.arrays import FloatArray
from femsim.meshes.facets import Edges, edges_of
from femsim.meshes.layout import Layout, paint
from femsim.meshes.mesh import Mesh
from femsim.reports.plots.memo import once

#: parts of an edge that a bend may curve
BENT_PARTS = 24


def bent(layout: Layout, line: FloatArray) -> FloatArray:
    """Points of a polyline of the unbent layout, where the bends carry them."""
    for bend in layout.bends:
        line = bend.move(line)
    return line


def breaks(layout: Layout) -> tuple[FloatArray, FloatArray, npt.NDArray[np.int64]]:
    """The painted grid, cut at the breaks of the bends too."""
    x, y, cells = paint(layout)
    fine = []
    for base, extra in (
        (x, [v for b in layout.bends for v in b.breaks_x]),
        (y, [v for b in layout.bends for v in b.breaks_y]),
    ):
        inside = [v for v in extra if base[0] < v < base[-1]]
        fine.append(np.unique(np.concatenate([base, inside])))
    column = np.searchsorted(x, 0.5 * (fine[0][1:] + fine[0][:-1])) - 1
    row = np.searchsorted(y, 0.5 * (fine[1][1:] + fine[1][:-1])) - 1
    return fine[0], fine[1], cells[np.ix_(row, column)]


def _side(layout: Layout, a: tuple[float, float], b: tuple[float, float]) -> FloatArray:
    parts = BENT_PARTS if layout.bends else 1
    t = np.linspace(0.0, 1.0, parts + 1)[:, None]
    return bent(layout, (1 - t) * np.array(a) + t * np.array(b))


def polygons(layout: Layout) -> list[tuple[FloatArray, int]]:
    """Bent polygons of the painted cells with their region's number."""
    return once(layout, "polygons", lambda: _polygons(layout))


def _polygons(layout: Layout) -> list[tuple[FloatArray, int]]:
    x, y, cells = breaks(layout)
    found = []
    for j, i in np.argwhere(cells >= 0):
        corner = [(x[i], y[j]), (x[i + 1], y[j]), (x[i + 1], y[j + 1]), (x[i], y[j + 1])]
        sides = [_side(layout, corner[k], corner[(k + 1) % 4])[:-1] for k in range(4)]
        found.append((np.concatenate(sides), int(cells[j, i])))
    return found


def outlines(layout: Layout) -> list[FloatArray]:
    """Bent polylines between different regions, and around the body."""
    x, y, cells = breaks(layout)
    padded = np.pad(cells, 1, constant_values=-1)
    found = []
    for j in range(len(y)):
        for i in range(len(x)):
            if i + 1 < len(x) and padded[j, i + 1] != padded[j + 1, i + 1]:
                found.append(_side(layout, (x[i], y[j]), (x[i + 1], y[j])))
            if j + 1 < len(y) and padded[j + 1, i] != padded[j + 1, i + 1]:
                found.append(_side(layout, (x[i], y[j]), (x[i], y[j + 1])))
    return found


def mesh_outlines(mesh: Mesh, points: FloatArray | None = None) -> list[FloatArray]:
    """Polylines between different regions and around the body, on other ``points`` (N, 2) if given; steps too small to
    see are left out.
    """
    place = mesh.points if points is None else points
    seen = 2e-4 * mesh.extent if points is not None else 0.0
    return [_thinned(place[chain], seen) for chain in once(mesh, "outlines", lambda: _chains(outline_edges(mesh)))]


def all_edges(mesh: Mesh) -> Edges:
    """The edges of a mesh, found once."""
    return once(mesh, "edges", lambda: edges_of(mesh))


def outline_edges(mesh: Mesh) -> npt.NDArray[np.int64]:
    """Edges (K, 2 or 3) between different regions and around the body, in running order."""
    edges = all_edges(mesh)
    region = np.where(edges.cells >= 0, mesh.region[edges.cells], -1)
    nodes = edges.nodes[region[:, 0] != region[:, 1]]
    return np.asarray(nodes[:, [0, 1] if nodes.shape[1] == 2 else [0, 2, 1]])


def _chains(edges: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    """Edges joined end to end into chains of nodes, ending where three or more meet."""
    at: dict[int, list[int]] = {}
    for number, edge in enumerate(edges.tolist()):
        at.setdefault(edge[0], []).append(number)
        at.setdefault(edge[-1], []).append(number)
    free = set(range(len(edges)))
    rows = edges.tolist()
    chains = []
    ends = [node for node, touching in at.items() if len(touching) != 2]
    for start in [*ends, *(row[0] for row in rows)]:
        for first in at[start]:
            node, number, chain = start, first, [start]
            while number in free:
                free.discard(number)
                row = rows[number] if rows[number][0] == node else rows[number][::-1]
                chain += row[1:]
                node = row[-1]
                touching = at[node]
                if len(touching) != 2:
                    break
                number = touching[0] if touching[1] == number else touching[1]
            if len(chain) > 1:
                chains.append(np.array(chain))
    return chains


def _thinned(line: FloatArray, step: float) -> FloatArray:
    """A polyline without points on the straight way between their neighbours, and without steps shorter than
    ``step``.
    """
    if step > 0 and len(line) > 2:
        run = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
        keep = np.concatenate([[True], np.diff(np.floor(run / step)) > 0])
        keep[-1] = True
        line = line[keep]
    if len(line) > 2:
        a, b = line[1:-1] - line[:-2], line[2:] - line[1:-1]
        cross = np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])
        bend = cross > 1e-9 * np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
        line = line[np.concatenate([[True], bend, [True]])]
    return line


def middle_box(
    mesh: Mesh, number: int, window: tuple[float, float, float, float]
) -> tuple[float, float, float, float] | None:
    """A box (x0, x1, y0, y1) inside a region and a window, about the region's widest place; None where the window has
    none of it.
    """
    lines = once(mesh, "outline points", lambda: _dense(mesh_outlines(mesh)))
    x0, x1, y0, y1 = window
    frame = _dense([np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)], dtype=float)])
    middle = mesh.points[mesh.cells[mesh.region == number]].mean(axis=1)
    middle = middle[(middle[:, 0] > x0) & (middle[:, 0] < x1) & (middle[:, 1] > y0) & (middle[:, 1] < y1)]
    if not len(middle):
        return None
    walls = np.concatenate([lines, frame])
    from scipy.spatial import cKDTree

    distance, _ = cKDTree(walls).query(middle)
    best = int(np.argmax(distance))
    reach, (x, y) = 0.8 * float(distance[best]), middle[best]
    beside = walls[np.abs(walls[:, 1] - y) < reach, 0]
    left, right = beside[beside < x].max(initial=x0), beside[beside > x].min(initial=x1)
    return float(left), float(right), float(y - reach), float(y + reach)


def _dense(lines: list[FloatArray]) -> FloatArray:
    """Points along polylines, close enough together to measure distances to."""
    step = max(float(np.ptp(np.concatenate(lines), axis=0).max()) / 400.0, 1e-12)
    found = []
    for line in lines:
        run = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
        at = np.linspace(0.0, run[-1], int(run[-1] / step) + 2)
        found.append(np.column_stack([np.interp(at, run, line[:, 0]), np.interp(at, run, line[:, 1])]))
    return np.concatenate(found)
