"""Where a body flowed: maps of equivalent plastic and creep strain and of inelastic work, and a moving picture."""

from __future__ import annotations

import io
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from femsim.base.arrays import FloatArray
from femsim.meshes.mesh import Mesh
from femsim.models.kinematics import von_mises
from femsim.reports.plots.cells import CellField
from femsim.reports.plots.course import Maps, Still
from femsim.reports.plots.look import ACCENT, INK, SEQUENTIAL, SMALL, weighted_percentiles
from femsim.reports.plots.outlines import mesh_outlines
from femsim.reports.plots.picture import Window, padded
from femsim.reports.plots.sheet import FOOT, HEAD, LEFT, Sheet, faint_frame, title

#: what did not flow is this grey
STILL = "#e9e9e6"
#: an equivalent strain or a part of the largest work below this did not flow
LEAST = 1.0e-6
NAMES = ("equivalent plastic strain (%)", "equivalent creep strain (%)", "inelastic work (MPa)")
FACTORS = (100.0, 100.0, 1.0)
#: width of a page and height of its panels, inches; room for a bar, and for a title
PAGE, TALL, BAR, TITLE = 10.2, 3.4, 0.42, 2.9
#: dots per inch of the moving picture, and milliseconds a frame
COARSE, PAUSE = 110, 220


def yield_figure(maps: Maps) -> Figure:
    """What flowed until the end and, of plastic and creep strain together, in the last cycle or step."""
    last, mesh = maps.last, maps.last.mesh
    panels = [
        (NAMES[k] + " at the end", FACTORS[k] * np.asarray(last.flown[..., k], dtype=float))
        for k in range(3)
        if last.flown[..., k].max() > LEAST
    ]
    if maps.before is not None:
        grown = np.asarray(last.flown - maps.before.flown, dtype=float)
        panels.append((f"inelastic strain {maps.since} (%)", 100.0 * np.maximum(grown[..., 0] + grown[..., 1], 0.0)))
    window = _window(last)
    columns, wide, tall, gap = _places(len(panels), window)
    rows, scale, cell = -(-len(panels) // columns), wide / (window[1] - window[0]), tall + HEAD + BAR
    wide_sheet = max(LEFT + 0.3 + columns * wide + (columns - 1) * gap, 5.4)
    sheet = Sheet(wide_sheet, rows * cell + FOOT + 0.1)
    for number, (name, values) in enumerate(panels):
        row, column = divmod(number, columns)
        left, bottom = LEFT + column * (wide + gap), FOOT + (rows - 1 - row) * cell + BAR
        ax = sheet.panel(left, bottom, scale, window, maps.axes)
        field = _field(mesh, values, LEAST * (100.0 if "%" in name else float(values.max())))
        ax.add_collection(field)
        ax.add_collection(LineCollection(mesh_outlines(mesh), colors=INK, linewidths=0.6, zorder=3))
        _mark_roots(ax, maps, window)
        title(ax, name)
        below = row == rows - 1 or number + columns >= len(panels)
        faint_frame(ax, left=column == 0, below=below)
        sheet.bar((left + 0.04 * wide, bottom - (0.62 if below else 0.24), 0.92 * wide, 0.09), field, "", "max")
    return sheet.figure


def _places(count: int, window: Window) -> tuple[int, float, float, float]:
    """Columns, width and height of the panels, and the gap that leaves room for a title above each, inches."""
    aspect = (window[1] - window[0]) / (window[3] - window[2])
    for columns in range(min(count, 4), 0, -1):
        wide = min(TALL * aspect, (PAGE - LEFT - 0.3 - 0.5 * (columns - 1)) / columns)
        gap = max(0.5, TITLE - wide)
        if wide >= min(2.6, TALL * aspect) and LEFT + 0.3 + columns * wide + (columns - 1) * gap <= PAGE:
            break
    return columns, wide, wide / aspect, gap


def _mark_roots(ax: Any, maps: Maps, window: Window) -> None:
    for root in maps.roots:
        if window[0] <= root.at[0] <= window[1] and window[2] <= root.at[1] <= window[3]:
            ax.add_line(Line2D([root.at[0]], [root.at[1]], marker="o", ms=6, mfc="none", mec=ACCENT, mew=1.2, zorder=5))


def _window(frame: Still) -> Window:
    """The box of the regions that flow."""
    mesh = frame.mesh
    flowing = np.unique(mesh.region[frame.flown.max(axis=(1, 2)) > 0])
    x = mesh.points[mesh.cells[np.isin(mesh.region, flowing)]].reshape(-1, 2)
    (x0, y0), (x1, y1) = x.min(axis=0), x.max(axis=0)
    # a thin layer is shown with some of its neighbours
    side = 0.25 * max(x1 - x0, y1 - y0)
    body = mesh.points.min(axis=0), mesh.points.max(axis=0)
    if y1 - y0 < side:
        y0, y1 = max(y0 - side, body[0][1]), min(y1 + side, body[1][1])
    if x1 - x0 < side:
        x0, x1 = max(x0 - side, body[0][0]), min(x1 + side, body[1][0])
    return padded((float(x0), float(x1), float(y0), float(y1)), 0.05)


def _field(mesh: Mesh, values: FloatArray, least: float, top: float | None = None) -> CellField:
    """A field whose colours begin where something flowed; they end at the 99th percentile by place."""
    over = values[values > least]
    if top is None:
        top = float(weighted_percentiles(over, np.ones(len(over)), (99.0,))[0]) if len(over) else 1.0
    cmap = matplotlib.colormaps[SEQUENTIAL].with_extremes(under=STILL)
    return CellField(
        mesh.points,
        mesh.cells,
        mesh.element,
        values=values,
        cmap=cmap,
        norm=Normalize(least, max(top, 2 * least)),
        zorder=1,
    )


def moving_picture(maps: Maps) -> tuple[bytes, bytes]:
    """PNG of the last frame, and GIF of all: von Mises stress and the inelastic strain so far, frame by frame."""
    from PIL import Image

    frames = maps.movie
    window = _window(frames[-1])
    first = frames[0] if all(np.array_equal(f.mesh.cells, frames[0].mesh.cells) for f in frames) else None
    grown = [_grown(f, first) for f in frames]
    stress_top = max(float(np.percentile(von_mises(np.asarray(f.stress, dtype=float)), 99)) for f in frames)
    grown_top = float(np.percentile(grown[-1][grown[-1] > LEAST], 99)) if (grown[-1] > LEAST).any() else 1.0
    images = []
    for frame, flown in zip(frames, grown, strict=True):
        figure = _instant(maps, frame, flown, window, (stress_top, grown_top), first is not None)
        figure.set_dpi(COARSE)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()  # type: ignore[no-untyped-call]
        pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
        images.append(Image.fromarray(np.ascontiguousarray(pixels[..., :3])))
    palette = images[-1].quantize(96, method=Image.Quantize.MEDIANCUT)
    small = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images]
    still, moving = io.BytesIO(), io.BytesIO()
    images[-1].save(still, format="png")
    pauses = [PAUSE] * (len(small) - 1) + [5 * PAUSE]
    small[0].save(moving, format="gif", save_all=True, append_images=small[1:], duration=pauses, loop=0, optimize=True)
    return still.getvalue(), moving.getvalue()


def _grown(frame: Still, first: Still | None) -> FloatArray:
    """Inelastic strain (E, n) in % since the first frame, or since the start."""
    strain = np.asarray(frame.flown[..., 0] + frame.flown[..., 1], dtype=float)
    if first is not None:
        strain = strain - np.asarray(first.flown[..., 0] + first.flown[..., 1], dtype=float)
    return np.asarray(100.0 * np.maximum(strain, 0.0))


def _instant(
    maps: Maps, frame: Still, grown: FloatArray, window: Window, tops: tuple[float, float], since: bool
) -> Figure:
    wide_most = (8.0 - LEFT - 0.3 - 0.5) / 2
    scale = min(wide_most / (window[1] - window[0]), 3.0 / (window[3] - window[2]))
    wide, tall = scale * (window[1] - window[0]), scale * (window[3] - window[2])
    gap = max(0.5, TITLE - wide)
    sheet = Sheet(max(LEFT + 0.6 + 2 * wide + gap, 5.4), tall + HEAD + BAR + FOOT + 0.3)
    words = f"{frame.name}: {frame.time:.4g} s, {frame.temperature:.1f} °C"
    sheet.text(LEFT, sheet.height - 0.08, words, SMALL + 1, ha="left", va="top")
    stress = von_mises(np.asarray(frame.stress, dtype=float))
    name = "inelastic strain of this cycle (%)" if since else "inelastic strain (%)"
    for number, (label, values, least, top) in enumerate(
        (("von Mises stress (MPa)", stress, 0.0, tops[0]), (name, grown, 1e-4, tops[1]))
    ):
        left, bottom = LEFT + number * (wide + gap), FOOT + BAR
        ax = sheet.panel(left, bottom, scale, window, maps.axes)
        field = _field(frame.mesh, values, least, top)
        ax.add_collection(field)
        ax.add_collection(LineCollection(mesh_outlines(frame.mesh), colors=INK, linewidths=0.6, zorder=3))
        title(ax, label)
        faint_frame(ax, left=number == 0, below=True)
        sheet.bar((left + 0.04 * wide, bottom - 0.62, 0.92 * wide, 0.09), field, "", "max")
    return sheet.figure
