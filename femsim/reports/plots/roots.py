"""Tractions along the interface at a root against the distance from it: both sides, the averages, and the power law."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from femsim.base.arrays import FloatArray
from femsim.meshes.layout import Root
from femsim.reports.plots.look import FAINT, INK, LENGTH, SMALL, words
from femsim.reports.plots.marks import spread
from femsim.reports.plots.sheet import Sheet, logarithmic, title
from femsim.reports.plots.style import own_axes, plain, stress_label, tidy
from femsim.reports.plots.tractions import Average, Interface, Side, interface, power_law

if TYPE_CHECKING:
    from femsim.runs.run import Run

PEEL, SHEAR = "#c0392b", "#1f5fa8"


def _drawn(side: Side) -> FloatArray:
    """Distances without the root itself, which a log axis cannot hold."""
    first = float(side.distance[0, -1])
    return np.maximum(side.distance, 0.2 * first)


def _lines(values: FloatArray) -> FloatArray:
    """Cell by cell with gaps between, so that jumps from cell to cell are not bridged."""
    return np.column_stack([values, np.full(len(values), np.nan)]).ravel()


def plot_interface(run: Run | Interface, root: Root | str = "", ax: Axes | None = None) -> Axes:
    """Draw peel and shear traction against distance from a root (log axis), from both sides, with the averages as
    bars.
    """
    ax = own_axes(ax, 6.5, 4.2)
    _legend(ax, _draw_interface(ax, interface(run, root)))
    return ax


def _draw_interface(ax: Axes, what: Interface) -> list[Entry]:
    """The tractions on one axis of logarithms; what its legend says."""
    inner, outer = what.inner, what.outer
    entries: list[Entry] = []
    for word, colour in (("peel", PEEL), ("shear", SHEAR)):
        if outer is not None:
            ax.plot(
                _lines(_drawn(outer)),
                _lines(getattr(outer, word)),
                color=colour,
                lw=3.2,
                alpha=0.3,
                solid_capstyle="butt",
            )
            entries.append((f"{word}, in {words(' and '.join(outer.regions))}", colour, 3.2, 0.3))
        ax.plot(_lines(_drawn(inner)), _lines(getattr(inner, word)), color=colour, lw=1.2)
        entries.append((f"{word}, in {words(what.region)} (conductor)", colour, 1.2, 1.0))
    start = float(_drawn(inner)[0, 0])
    for average in what.averages:
        for word, colour in (("peel", PEEL), ("shear", SHEAR)):
            value = getattr(average, word)
            ax.plot([start, average.length], [value, value], color=colour, lw=1.1, ls=(0, (5, 2)))
            ax.plot([average.length], [value], marker="|", ms=9, mew=1.6, color=colour)
    ax.set_xscale("log")
    logarithmic(ax.xaxis)
    ax.set_xlim(start, float(inner.distance.max()))
    values = np.concatenate([inner.peel.ravel(), inner.shear.ravel()])
    wanted = [getattr(m, w) for m in what.averages for w in ("peel", "shear")]
    half = 0.5 * float(inner.distance.max())  # the far end may be a root too
    away = ((inner.distance >= 0.02 * what.lengths[0]) & (inner.distance <= half)).ravel()
    seen = np.concatenate([values[np.tile(away, 2)], wanted]) if away.any() else values
    low, high = float(min(seen.min(), 0.0)), float(max(seen.max(), 0.0))
    pad = 0.12 * ((high - low) or 1.0)
    ax.set_ylim(low - pad, high + pad)
    _write_averages(ax, what.averages, (high - low + 2 * pad))
    ax.axhline(0.0, color=FAINT, lw=0.6)
    ax.set_xlabel(f"distance from the root along the interface ({LENGTH})")
    ax.set_ylabel("traction (MPa)")
    plain(title(ax, f"{what.name}: traction on the interface"))
    tidy(ax)
    _shade_unresolved(ax, inner)
    return [*entries, UNRESOLVED]


#: line width of what is dashed in a legend
DASHED = 1.6
#: text, colour, line width and opacity of an entry of a legend
Entry = tuple[str, str, float, float]


def _marks(entries: list[Entry]) -> list[tuple[Artist, str]]:
    """Marks and texts of a legend; a width of 0 stands for the grey of the first cells."""
    found: list[tuple[Artist, str]] = []
    for text, colour, width, opacity in entries:
        if width:
            style = "--" if width == DASHED else "-"
            found.append((Line2D([], [], color=colour, lw=width, alpha=opacity, ls=style), text))
        else:
            found.append((Rectangle((0, 0), 1, 1, facecolor=colour, edgecolor="none"), text))
    return found


def _legend(ax: Axes, entries: list[Entry]) -> None:
    """A legend inside the axes."""
    marks = _marks(entries)
    found = ax.legend(
        [mark for mark, _ in marks], [shown_words(text) for _, text in marks], fontsize=SMALL, frameon=False, loc="best"
    )
    for text in found.get_texts():
        plain(text)


def shown_words(text: str) -> str:
    """A user's words as a legend label."""
    line = words(text)
    return f" {line}" if line.startswith("_") else line


def _write_averages(ax: Axes, averages: tuple[Average, ...], height: float) -> None:
    """The value of every average beside the plot, at its bar."""
    entries = sorted(
        (getattr(m, word), f"{word}, {m.length:g} {LENGTH}: {getattr(m, word):.1f} MPa", colour)
        for m in averages
        for word, colour in (("peel", PEEL), ("shear", SHEAR))
    )
    low, high = ax.get_ylim()
    places = spread([value for value, _, _ in entries], 0.055 * height, low, high)
    for (value, text, colour), y in zip(entries, places, strict=True):
        ax.annotate(
            text.replace("-", "\u2212"),
            xy=(1.0, value),
            xytext=(1.03, y),
            xycoords=("axes fraction", "data"),
            textcoords=("axes fraction", "data"),
            fontsize=SMALL - 0.5,
            color=colour,
            va="center",
            arrowprops={"arrowstyle": "-", "lw": 0.6, "color": colour, "shrinkA": 0, "shrinkB": 0},
            annotation_clip=False,
        )


def plot_power_law(run: Run | Interface, root: Root | str = "", ax: Axes | None = None) -> Axes:
    """Draw |peel|, |shear| and the size of the traction against distance from a root, both axes logarithmic, with the
    local expansion or, where there is none, a fitted power.
    """
    ax = own_axes(ax, 6.5, 4.2)
    what = interface(run, root)
    _legend(ax, _draw_power_law(ax, what))
    if what.singular:
        ax.annotate(
            SINGULAR, xy=(0.03, 0.03), xycoords="axes fraction", fontsize=SMALL, color=INK, va="bottom", bbox=PAPER
        )
    return ax


#: what is said of a singular field
SINGULAR = "singular: grows without bound towards\nthe root, the peak has no finite value"
PAPER = {"facecolor": "white", "alpha": 0.85, "edgecolor": "none", "pad": 1.5}
#: legend of what the mesh sets
UNRESOLVED: Entry = ("first three cells: set by the mesh", "0.9", 0.0, 1.0)


def _draw_power_law(ax: Axes, what: Interface) -> list[Entry]:
    """The tractions' sizes on two axes of logarithms; what its legend says."""
    names, side = what.components, what.inner
    d = _drawn(side)
    size = np.hypot(side.peel, side.shear)
    entries: list[Entry] = []
    for values, label, colour, width in (
        (np.abs(side.peel), f"|peel|, {stress_label(names[1])}", PEEL, 1.0),
        (np.abs(side.shear), f"|shear|, {stress_label(names[3])}", SHEAR, 1.0),
        (size, "size of the traction", INK, 1.4),
    ):
        ax.plot(_lines(d), _lines(np.where(values > 0, values, np.nan)), color=colour, lw=width)
        entries.append((label, colour, width, 1.0))
    ax.set_xscale("log")
    ax.set_yscale("log")
    logarithmic(ax.xaxis)
    logarithmic(ax.yaxis)
    ax.set_xlim(float(d[0, 0]), float(side.distance.max()))
    top = float(size.max()) or 1.0
    ax.set_ylim(max(top * 1e-4, 0.3 * float(np.percentile(size, 2)) or top * 1e-4), 3.0 * top)
    for length in what.lengths:
        ax.axvline(length, color=FAINT, lw=0.7, ls=":")
    _name_lengths(ax, what.lengths)
    if what.expansion is not None and what.powers is not None:
        ax.plot(*what.expansion, color="#2e8b57", lw=DASHED, ls="--")
        ending = f"leading power {min(what.powers):.3f}" if what.powers else "no singular term"
        entries.append((f"local expansion, {ending}", "#2e8b57", DASHED, 1.0))
    elif (law := power_law(side, what.lengths[0])) is not None:
        x = np.array([law.low, law.high])
        ax.plot(x, 1.6 * law.amplitude * x**law.exponent, color=FAINT, lw=DASHED, ls="--")
        label = f"power {law.exponent:.2f}, fitted from {law.low:.2g} to {law.high:.2g} {LENGTH}"
        entries.append((label, FAINT, DASHED, 1.0))
    _shade_unresolved(ax, side)
    ax.set_xlabel(f"distance from the root along the interface ({LENGTH})")
    ax.set_ylabel("|traction| (MPa)")
    title(ax, "the same, both axes logarithmic", 14)
    tidy(ax)
    ax.grid(True, which="major", color="0.9", lw=0.6)
    return entries


def _name_lengths(ax: Axes, lengths: tuple[float, ...]) -> None:
    """The averaging lengths written above the plot at their lines."""
    low, high = np.log10(ax.get_xlim())
    spots = [(float(np.log10(length)) - low) / (high - low) for length in sorted(lengths)]
    for length, spot, place in zip(sorted(lengths), spots, spread(spots, 0.11, 0.0, 0.96), strict=True):
        ax.annotate(
            f"{length:g} {LENGTH}",
            xy=(spot, 1.0),
            xytext=(place, 1.015),
            xycoords="axes fraction",
            fontsize=SMALL - 0.5,
            color=FAINT,
            ha="center",
            va="bottom",
        )


def interface_figure(run: Run | Interface, root: Root | str = "") -> Figure:
    """A page: tractions with their averages, and their power law."""
    what = interface(run, root)
    sheet = Sheet(10.2, 4.6)
    foot = 1.14
    left = _draw_interface(sheet.axes(0.68, foot, 3.75, 3.1), what)
    right = _draw_power_law(sheet.axes(6.6, foot, 3.45, 3.1), what)
    sheet.legend(_marks(left), 0.68, 0.1, 4.9)
    sheet.legend(_marks(right), 6.0, 0.275, 4.1)
    if what.singular:
        sheet.text(sheet.width - 0.1, 0.19, SINGULAR.replace("\n", " "), SMALL, ha="right", va="center")
    return sheet.figure


def _shade_unresolved(ax: Axes, side: Side) -> None:
    """Grey where the first three cells lie: what is drawn there depends on the mesh."""
    end = float(side.distance[min(2, len(side.distance) - 1), -1])
    ax.axvspan(ax.get_xlim()[0], end, color="0.93", zorder=0)
