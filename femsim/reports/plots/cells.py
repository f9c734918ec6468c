"""Artists that draw fields and edges of meshes of any size: what cannot be seen at the drawn resolution is left out.

A mesh graded to 1e-3 um in a body of 400 um has far more cells than a figure has pixels, so fields are drawn by pixels
(:mod:`femsim.reports.plots.raster`). Every cell shows its own values: nothing is smoothed over an interface, nor
between cells.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.artist import allow_rasterization
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.collections import Collection, PathCollection
from matplotlib.colors import to_rgba_array
from matplotlib.path import Path
from matplotlib.transforms import Bbox, TransformedPath

from femsim.base.arrays import FloatArray, IntArray
from femsim.reports.plots.raster import Raster, Rasters

#: edges that make one path; Agg puts upright and level lines onto pixels in paths of up to 1024 corners only
STROKE = 300


class CellField(Collection):
    """A field on a mesh: ``values`` (E, n) at each cell's own nodes, or (E,) constant per cell; ``colours`` (E, 4)
    instead paints cells.

    ``points`` (N, 2) and ``cells`` (E, n) as in a mesh. Every pixel shows the cell it lies in, with that cell's own
    values. ``rasters`` is shared by panels that show the same body in the same place; ``flat`` says that no cell is
    bent.
    """

    def __init__(
        self,
        points: FloatArray,
        cells: IntArray,
        element: str,
        values: FloatArray | None = None,
        colours: FloatArray | None = None,
        rasters: Rasters | None = None,
        flat: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.points, self.cells, self.element, self.flat = points, cells, element, flat
        self.colours = colours
        self.rasters = Rasters() if rasters is None else rasters
        if values is not None:
            self.set_array(values if values.ndim == 2 else np.repeat(values[:, None], cells.shape[1], axis=1))
        self._extent = Bbox([points.min(axis=0), points.max(axis=0)])

    def get_datalim(self, transData: Any) -> Bbox:
        """The box of the points, for autoscaling."""
        return self._extent

    def draw(self, renderer: RendererBase) -> None:
        """Draw the body as one image."""
        if not self.get_visible():
            return
        zoom = renderer.get_image_magnification()
        clip = self.get_clip_box()
        if clip is None or not self.get_clip_on():
            box = np.array([0.0, 0.0, *renderer.get_canvas_width_height()])
        else:
            box = np.array([clip.x0, clip.y0, clip.x1, clip.y1])
        x0, y0, x1, y1 = (int(v) for v in (*np.floor(box[:2] * zoom + 1e-6), *np.ceil(box[2:] * zoom - 1e-6)))
        if x1 <= x0 or y1 <= y0:
            return
        place = np.diag([zoom, zoom, 1.0]) @ self.get_transform().get_matrix()
        place[:2, 2] -= (x0, y0)
        raster = self.rasters.find(self.points, self.cells, self.element, place, (x1 - x0, y1 - y0), self.flat)
        gc = renderer.new_gc()
        if clip is not None and self.get_clip_on():
            gc.set_clip_rectangle(clip)
        if isinstance(path := self.get_clip_path(), TransformedPath):
            gc.set_clip_path(path)
        renderer.draw_image(gc, x0 / zoom, y0 / zoom, raster.image(self._shades(raster)))
        gc.restore()
        self.stale = False

    def _shades(self, raster: Raster) -> Any:
        """Colours (P, 4) of the pixels, 0 to 255."""
        values = self.get_array()
        if values is not None:
            return self.to_rgba(raster.values(np.asarray(values)), bytes=True)
        assert self.colours is not None
        return np.round(255 * self.colours).astype(np.uint8)[raster.cell]


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
    ax.add_collection(painted, autolim=False)
    return painted
