"""A page of panels whose places are known: nothing is laid out by trial, so drawing it is drawing it once.

All lengths here are inches from the page's lower left corner. Panels lie on whole pixels and show their window at one
scale, so panels of one size share a raster.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.image import BboxImage
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon, Rectangle
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator, NullLocator
from matplotlib.transforms import Bbox, TransformedBbox

from femsim.reports.plots.look import DPI, INK, NORMAL, SMALL
from femsim.reports.plots.style import length_axes, plain

Window = tuple[float, float, float, float]
#: room left of a panel for its numbers and label, below it, and above it for its title
LEFT, FOOT, HEAD = 0.62, 0.46, 0.28
#: height of a line of a legend, room for its mark, and between its columns
LINE, MARK, GAP = 0.175, 0.34, 0.3


class Sheet:
    """A figure of ``width`` by ``height`` inches to be filled with panels, colour bars and a legend."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
        FigureCanvasAgg(self.figure)

    def axes(self, left: float, bottom: float, width: float, height: float) -> Axes:
        """Axes in a box that is moved onto whole pixels."""
        x0, y0 = round(left * DPI), round(bottom * DPI)
        x1, y1 = x0 + max(round(width * DPI), 1), y0 + max(round(height * DPI), 1)
        wide, tall = self.width * DPI, self.height * DPI
        ax = self.figure.add_axes((x0 / wide, y0 / tall, (x1 - x0) / wide, (y1 - y0) / tall))
        ax.xaxis.set_label_coords(0.5, -0.28 / height)  # else all numbers are measured to find the labels' places
        ax.yaxis.set_label_coords(-0.47 / width, 0.5)
        return ax

    def panel(self, left: float, bottom: float, scale: float, window: Window, names: tuple[str, str]) -> Axes:
        """Axes of lengths that show ``window`` (x0, x1, y0, y1) at ``scale`` inches per um, widened to whole pixels."""
        x0, x1, y0, y1 = window
        wide, tall = (max(int(np.ceil((b - a) * scale * DPI - 1e-6)), 2) for a, b in ((x0, x1), (y0, y1)))
        ax = self.axes(left, bottom, wide / DPI, tall / DPI)
        dx, dy = wide / DPI / scale - (x1 - x0), tall / DPI / scale - (y1 - y0)
        length_axes(ax, names, (x0 - 0.5 * dx, x1 + 0.5 * dx, y0 - 0.5 * dy, y1 + 0.5 * dy))
        return ax

    def text(self, x: float, y: float, text: str, size: float = NORMAL, **options: object) -> Text:
        """A text that is shown as it is."""
        return self.figure.text(x / self.width, y / self.height, text, fontsize=size, **options)  # type: ignore[arg-type]

    def bar(
        self,
        box: tuple[float, float, float, float],
        colours: ScalarMappable,
        label: str,
        extend: Literal["neither", "both", "max"],
        ticks: Sequence[float] | None = None,
    ) -> None:
        """A colour bar in ``box`` (left, bottom, width, height), level if it is wider than tall; numbers (round ones,
        or at ``ticks``) below or to the right, the label above.
        """
        left, bottom, width, height = box
        level = width > height
        along, across = (width, height) if level else (height, width)
        first, last = along * 0.04 if extend == "both" else 0.0, along * (0.0 if extend == "neither" else 0.04)
        low, high = colours.get_clim()
        assert low is not None
        assert high is not None
        ramp = np.linspace(low, high, 256)

        def place(a: float, b: float) -> tuple[float, float]:
            """Figure coordinates of a point ``a`` along and ``b`` across the bar."""
            x, y = (a, b) if level else (b, a)
            return (left + x) / self.width, (bottom + y) / self.height

        inner = Bbox([place(first, 0.0), place(along - last, across)])
        image = BboxImage(TransformedBbox(inner, self.figure.transFigure), interpolation="nearest", zorder=1)
        shades = colours.to_rgba(ramp, bytes=True)
        image.set_data(shades[None] if level else shades[::-1, None])
        outline = [place(first, 0.0), place(along - last, 0.0)]
        if last:
            outline.append(place(along, 0.5 * across))
        outline += [place(along - last, across), place(first, across)]
        if first:
            outline.append(place(0.0, 0.5 * across))
        for corner, shade in ((along, shades[-1]), (0.0, shades[0])):
            if (last if corner else first) > 0:
                base = along - last if corner else first
                tip = [place(base, 0.0), place(corner, 0.5 * across), place(base, across)]
                self._add(Polygon(tip, facecolor=shade / 255.0, edgecolor="none", zorder=1))
        self.figure.add_artist(image)
        self._add(Polygon(outline, fill=False, edgecolor=INK, linewidth=0.5, zorder=2))
        round_ones = MaxNLocator(4 if level else 6, steps=[1, 2, 2.5, 5, 10])
        for value in round_ones.tick_values(low, high) if ticks is None else ticks:
            if not low - 1e-9 * (high - low) <= value <= high + 1e-9 * (high - low):
                continue
            at = first + (along - first - last) * (value - low) / (high - low)
            tick = (0.0, -0.03) if level else (across, across + 0.03)
            (x0, y0), (x1, y1) = (place(at, end) for end in tick)
            self._add(Line2D([x0, x1], [y0, y1], color=INK, linewidth=0.6))
            number = f"{0.0 if abs(value) < 1e-9 * (high - low) else value:g}".replace("-", "\u2212")
            where = {"ha": "center", "va": "top"} if level else {"ha": "left", "va": "center"}
            x, y = (x1 * self.width, y1 * self.height - 0.02) if level else (x1 * self.width + 0.03, y1 * self.height)
            self.text(x, y, number, SMALL, color=INK, **where)
        if label:
            self.text(left, bottom + height + 0.05, label, SMALL, color=INK, ha="left", va="bottom")

    def legend(
        self, entries: Sequence[tuple[Artist, str]], left: float = 0.3, bottom: float = 0.1, width: float | None = None
    ) -> None:
        """A legend in as many columns as fit; each entry is a patch or a line (of one point: its marker) and a text."""
        rows, starts = self.columns([text for _, text in entries], width or self.width - left - 0.1)
        top = bottom + LINE * rows
        for number, (mark, text) in enumerate(entries):
            x, y = left + starts[number // rows], top - LINE * (number % rows + 0.5)
            wide, tall = 0.24 / self.width, 0.1 / self.height
            if isinstance(mark, Line2D):
                points = [x + 0.5 * 0.24] if mark.get_linestyle() in ("None", "") else [x, x + 0.24]
                mark.set_data([p / self.width for p in points], [y / self.height] * len(points))
                self._add(mark)
            elif isinstance(mark, Rectangle):
                mark.set_bounds(x / self.width, y / self.height - 0.5 * tall, wide, tall)
                self._add(mark)
            plain(self.text(x + MARK, y, text, SMALL, color=INK, ha="left", va="center_baseline"))

    @staticmethod
    def columns(texts: Sequence[str], width: float) -> tuple[int, list[float]]:
        """Rows of a legend of these texts in a width, and where its columns start; one column always fits in."""
        sizes = [MARK + text_width(text, SMALL) for text in texts]
        for count in range(min(len(texts), 5), 1, -1):
            rows = -(-len(texts) // count)
            columns = [max(sizes[k : k + rows]) for k in range(0, len(texts), rows)]
            if sum(columns) + GAP * (len(columns) - 1) <= width:
                return rows, [sum(columns[:k]) + GAP * k for k in range(len(columns))]
        return max(len(texts), 1), [0.0]

    def _add(self, artist: Artist) -> None:
        artist.set_transform(self.figure.transFigure)
        self.figure.add_artist(artist)


def text_width(text: str, size: float) -> float:
    """Width of one line of text, inches."""
    return _width(text, size)


@lru_cache(maxsize=1024)
def _width(text: str, size: float) -> float:
    wide, _, _ = _renderer().get_text_width_height_descent(text, FontProperties(size=size), False)  # type: ignore[no-untyped-call]
    return float(wide) / 72.0


@lru_cache(maxsize=1)
def _renderer() -> RendererAgg:
    return RendererAgg(1, 1, 72)  # type: ignore[no-untyped-call]


def swatch(colour: str) -> Rectangle:
    """A legend's mark of a filled region."""
    return Rectangle((0, 0), 1, 1, facecolor=colour, edgecolor=INK, linewidth=0.5)


def faint_frame(ax: Axes, left: bool, below: bool) -> None:
    """Numbers and labels only on the sides that no neighbour of the same size shows."""
    ax.tick_params(labelleft=left, labelbottom=below)
    if not left:
        ax.set_ylabel("")
    if not below:
        ax.set_xlabel("")


def title(ax: Axes, text: str, pad: float = 4.0) -> Text:
    """A title at a fixed place: left to matplotlib, all numbers are measured to find one."""
    return ax.set_title(text, fontsize=NORMAL, y=1.0, pad=pad)


def logarithmic(axis: Axis) -> None:
    """Numbers of a logarithmic axis as powers of ten, in plain text; small ticks cost too much."""
    axis.set_major_formatter(_power)
    axis.set_minor_locator(NullLocator())


def _power(value: float, _: object) -> str:
    exponent = round(float(np.log10(value))) if value > 0 else 0
    if abs(value / 10.0**exponent - 1.0) > 1e-9:
        return f"{value:g}"
    return f"{value:g}" if -2 <= exponent <= 3 else "10" + str(exponent).translate(_RAISED)


_RAISED = str.maketrans("-0123456789", "\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079")
