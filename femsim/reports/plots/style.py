"""One look for all figures: axes, labels, colour bars. No pyplot, no global settings."""

from __future__ import annotations

from typing import Literal

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import Collection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

from femsim.reports.plots.look import DPI, FAINT, LARGE, LARGE_BODY, LENGTH, NORMAL, SMALL


def darker(colour: str, by: float = 0.55) -> tuple[float, float, float]:
    """A darker shade, for lines on the fill."""
    r, g, b, _ = to_rgba(colour)
    return by * r, by * g, by * b


def new_figure(width: float, height: float) -> Figure:
    """A figure (inches) of its own, with an Agg canvas and a layout that keeps labels from overlapping."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.set(w_pad=0.06, h_pad=0.06, wspace=0.03, hspace=0.05)  # type: ignore[call-arg]
    return figure


def own_axes(ax: Axes | None, width: float = 6.0, height: float = 4.5) -> Axes:
    """``ax``, or the axes of a new figure."""
    return new_figure(width, height).add_subplot() if ax is None else ax


def tidy(ax: Axes) -> None:
    """Font sizes and thin lines."""
    ax.tick_params(labelsize=SMALL, width=0.6, length=3, color=FAINT)
    for spine in ax.spines.values():
        spine.set_linewidth(0.6)
        spine.set_color(FAINT)
    for label in (ax.xaxis.label, ax.yaxis.label):
        label.set_fontsize(NORMAL)
    ax.title.set_fontsize(LARGE)


def length_axes(ax: Axes, axes: tuple[str, ...], window: tuple[float, float, float, float]) -> None:
    """Two axes of lengths with equal aspect: limits (x0, x1, y0, y1), labels with their unit."""
    ax.set_xlim(window[0], window[1])
    ax.set_ylim(window[2], window[3])
    ax.set_aspect("equal", adjustable="box")
    large = max(abs(v) for v in window) > LARGE_BODY
    steps = [1, 2, 2.5, 5, 10]
    for axis, name, ticks in ((ax.xaxis, axes[0], 5), (ax.yaxis, axes[1], 7)):
        axis.set_label_text(f"{name} ({'mm' if large else LENGTH})")
        axis.set_major_locator(MaxNLocator(ticks, steps=steps))
        if large:
            axis.set_major_formatter(_millimetres)
    tidy(ax)


def _millimetres(value: float, _: object) -> str:
    return f"{value / 1e3:g}".replace("-", "\u2212")


def plain(text: Text) -> Text:
    """A text that holds a user's words: shown as they are, never read as a formula."""
    text.set_parse_math(False)
    return text


def stress_label(component: str) -> str:
    """A stress component in words; no formula, whose setting takes longer than a page's other words."""
    return "von Mises stress" if component == "von_mises" else f"stress {component}"


def colour_bar(
    ax: Axes, artist: Collection, label: str, extend: Literal["neither", "both", "max"], level: bool = False
) -> None:
    """A colour bar beside the axes, or below them (``level``)."""
    figure = ax.get_figure(root=True)
    if figure is None:
        return
    bar = figure.colorbar(
        artist,
        ax=ax,
        extend=extend,
        orientation="horizontal" if level else "vertical",
        shrink=0.9,
        pad=0.02,
        aspect=28 if not level else 18,
    )
    bar.set_label(label, fontsize=SMALL)
    bar.ax.tick_params(labelsize=SMALL, width=0.6, length=2.5)
    bar.outline.set_linewidth(0.5)
    bar.locator = MaxNLocator(5 if level else 7)
    bar.update_ticks()
