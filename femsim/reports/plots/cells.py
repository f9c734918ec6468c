"""Artists that draw fields and edges of meshes of any size: what cannot be seen at the drawn resolution is left out.

A mesh graded to 1e-3 um in a body of 400 um has far more cells than a figure has pixels. A cell is drawn only where it
holds the middle of a quarter of a pixel; so each pixel still shows the cells it lies in, and zooming in brings the
hidden ones back. Every cell is drawn with its own values: nothing is smoothed over an interface, nor between cells.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.artist import allow_rasterization
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.collections import Collection, PathCollection
from matplotlib.colors import to_rgba_array
from matplotlib.path import Path
from matplotlib.transforms import Bbox, IdentityTransform, TransformedPath

from femsim.base.arrays import FloatArray, IntArray
from femsim.meshes.elements import ELEMENTS, shape

#: edges that make one path; Agg puts upright and level lines onto pixels in paths of up to 1024 corners only
STROKE = 300


@lru_cache(maxsize=64)
def subdivision(element: str, along: int, across: int) -> tuple[FloatArray, IntArray]:
    """Shape functions (m, n) at a lattice of ``along`` by ``across`` parts of a cell (equal for a triangle), and its
    triangles (t, 3).
    """
    if ELEMENTS[element].is_quad:
        y, x = (
            v.ravel()
            for v in np.meshgrid(np.linspace(0.0, 1.0, across + 1), np.linspace(0.0, 1.0, along + 1), indexing="ij")
        )
        a = (np.arange(across)[:, None] * (along + 1) + np.arange(along)).ravel()
        b, c, d = a + 1, a + along + 2, a + along + 1
        triangles = np.concatenate([np.column_stack([a, b, c]), np.column_stack([a, c, d])])
        return shape(element, np.column_stack([x, y]))[0], triangles
    parts = max(along, across)
    lattice = [(i, j) for j in range(parts + 1) for i in range(parts + 1 - j)]
    number = {pair: k for k, pair in enumerate(lattice)}
    found = []
    for i, j in lattice:
        if i + j < parts:
            found.append((number[i, j], number[i + 1, j], number[i, j + 1]))
        if i + j < parts - 1:
            found.append((number[i + 1, j], number[i + 1, j + 1], number[i, j + 1]))
    return shape(element, np.array(lattice) / parts)[0], np.array(found)


class CellField(Collection):
    """A field on a mesh: ``values`` (E, n) at each cell's own nodes, or (E,) constant per cell; ``colours`` (E, 4)
    instead paints cells.

    ``points`` (N, 2) and ``cells`` (E, n) as in a mesh. It is rasterised in vector formats, at their resolution.
    """

    def __init__(
        self,
        points: FloatArray,
        cells: IntArray,
        element: str,
        values: FloatArray | None = None,
        colours: FloatArray | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.points, self.cells, self.element = points, cells, element
        self.colours = colours
        self.set_rasterized(True)
        if values is not None:
            self.set_array(values if values.ndim == 2 else np.repeat(values[:, None], cells.shape[1], axis=1))
        x = points[cells[:, : ELEMENTS[element].corners]]
        low, high = x.min(axis=(0, 1)), x.max(axis=(0, 1))
        self._extent = Bbox([low, high])

    def get_datalim(self, transData: Any) -> Bbox:
        """The box of the points, for autoscaling."""
        return self._extent

    def visible(self, pixels: FloatArray, width: float, height: float) -> IntArray:
        """Cells that hold the middle of a quarter of a pixel of the canvas; ``pixels`` (N, 2) are the points on it."""
        x, y = pixels[self.cells, 0], pixels[self.cells, 1]
        x0, x1, y0, y1 = x.min(axis=1), x.max(axis=1), y.min(axis=1), y.max(axis=1)
        seen = (np.floor(2 * x1 - 0.5) >= np.ceil(2 * x0 - 0.5)) & (np.floor(2 * y1 - 0.5) >= np.ceil(2 * y0 - 0.5))
        return np.flatnonzero(seen & (x1 > 0) & (y1 > 0) & (x0 < width) & (y0 < height))

    def pieces(self, pixels: FloatArray, chosen: IntArray) -> Iterator[tuple[int, int, IntArray]]:
        """Groups of the chosen cells by the parts (along, across) their size in pixels asks for."""
        corner = pixels[self.cells[chosen, :3]]
        along = self._parts(np.linalg.norm(corner[:, 1] - corner[:, 0], axis=1))
        across = self._parts(np.linalg.norm(corner[:, 2] - corner[:, 1], axis=1))
        if not ELEMENTS[self.element].is_quad:
            along = across = np.maximum(along, across)
        for pair in np.unique(np.column_stack([along, across]), axis=0):
            yield int(pair[0]), int(pair[1]), chosen[(along == pair[0]) & (across == pair[1])]

    def _parts(self, size: FloatArray) -> IntArray:
        if self.colours is not None and ELEMENTS[self.element].order == 1:
            return np.ones(len(size), dtype=np.int64)
        return np.select([size <= 3.0, size <= 40.0], [1, 2], 8).astype(np.int64)

    @allow_rasterization  # type: ignore[untyped-decorator]
    def draw(self, renderer: RendererBase) -> None:
        """Draw the visible cells, the larger ones in more pieces."""
        if not self.get_visible():
            return
        renderer.open_group(type(self).__name__, self.get_gid())
        clip = self.get_clip_box()
        pixels = self.get_transform().transform(self.points)
        origin = np.zeros(2) if clip is None else np.array([clip.x0, clip.y0])
        width, height = renderer.get_canvas_width_height() if clip is None else (clip.width, clip.height)
        chosen = self.visible(pixels - np.floor(origin), width + 1.0, height + 1.0)
        values = self.get_array()
        gc = renderer.new_gc()
        if clip is not None and self.get_clip_on():
            gc.set_clip_rectangle(clip)
        if isinstance(path := self.get_clip_path(), TransformedPath):
            gc.set_clip_path(path)
        gc.set_linewidth(0.0)
        for along, across, group in self.pieces(pixels, chosen):
            weights, triangles = subdivision(self.element, along, across)
            corners = np.matmul(weights, pixels[self.cells[group]])  # (E, m, 2)
            if values is not None:
                colours = self.to_rgba((np.asarray(values)[group] @ weights.T).ravel()).reshape(*corners.shape[:2], 4)
            elif self.colours is not None:
                colours = np.repeat(self.colours[group][:, None], len(weights), axis=1)
            else:
                continue
            renderer.draw_gouraud_triangles(
                gc,
                corners[:, triangles].reshape(-1, 3, 2),
                colours[:, triangles].reshape(-1, 3, 4),
                IdentityTransform(),
            )
        gc.restore()
        renderer.close_group(type(self).__name__)
        self.stale = False


class MeshEdges(PathCollection):
    """Straight or bent edges ``segments`` (F, m, 2) with a colour each; edges that fall on the same pixels are drawn
    once.
    """

    def __init__(self, segments: FloatArray, colours: FloatArray, **options: Any) -> None:
        super().__init__([], facecolors="none", **options)
        self.segments, self.colours = segments, colours
        self.set_rasterized(True)
        flat = segments.reshape(-1, 2)
        self._extent = Bbox([flat.min(axis=0), flat.max(axis=0)])

    def get_datalim(self, transData: Any) -> Bbox:
        """The box of the edges, for autoscaling."""
        return self._extent

    @allow_rasterization  # type: ignore[untyped-decorator]
    def draw(self, renderer: RendererBase) -> None:
        """Draw the edges that are distinct at the drawn resolution."""
        ends = self.get_transform().transform(self.segments[:, [0, -1]].reshape(-1, 2)).reshape(-1, 2, 2)
        clip = self.get_clip_box()
        near = np.ones(len(ends), dtype=bool)
        if clip is not None:
            low, high = ends.min(axis=1), ends.max(axis=1)
            near = (high[:, 0] >= clip.x0) & (low[:, 0] <= clip.x1) & (high[:, 1] >= clip.y0) & (low[:, 1] <= clip.y1)
        index = np.flatnonzero(near)
        lattice = np.clip(np.round(ends[index]), -(2**14), 2**14).astype(np.int64) + 2**14
        code = lattice[..., 0] * 2**15 + lattice[..., 1]
        key = np.minimum(code[:, 0], code[:, 1]) * 2**30 + np.maximum(code[:, 0], code[:, 1])
        _, first = np.unique(key, return_index=True)
        first = first[code[first, 0] != code[first, 1]]
        kept = index[first]
        # many edges of one colour make one path: making a path takes longer than drawing it
        shades, shade = np.unique(self.colours[kept], axis=0, return_inverse=True)
        order = np.argsort(shade.ravel(), kind="stable")
        paths, colours = [], []
        for number, group in enumerate(np.split(kept[order], np.cumsum(np.bincount(shade.ravel()))[:-1])):
            for start in range(0, len(group), STROKE):
                corners = self.segments[group[start : start + STROKE]]
                codes = np.full(corners.shape[:2], Path.LINETO, dtype=Path.code_type)
                codes[:, 0] = Path.MOVETO
                paths.append(Path(corners.reshape(-1, 2), codes.ravel()))
                colours.append(shades[number])
        self.set_paths(paths)
        self.set_edgecolor(colours or "none")
        super().draw(renderer)


def paint_regions(
    ax: Axes, points: FloatArray, cells: IntArray, element: str, region: IntArray, colours: list[str]
) -> CellField:
    """Fill the cells of a mesh with their region's colour."""
    painted = CellField(points, cells, element, colours=to_rgba_array(colours)[region])
    ax.add_collection(painted, autolim=True)
    return painted
