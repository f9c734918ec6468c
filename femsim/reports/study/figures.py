"""Figures of a study, in the look of all others: each function draws a page and returns its figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter, NullLocator

from femsim.base.arrays import FloatArray
from femsim.reports.plots.look import ACCENT, FAINT, INK, NORMAL, SEQUENTIAL, SMALL
from femsim.reports.plots.sheet import Sheet, logarithmic, text_width, title
from femsim.reports.plots.style import plain, tidy
from femsim.reports.words import proper, unit
from femsim.runs.names import parts
from femsim.study.analysis import Axis, Frame, Sensitivity, best, bins_of, inside, main_effect, pareto, window_keys
from femsim.study.surrogate import Surrogate

#: curves and points; their pale companions
LINE, PALE = "#1f5fa8", "#9dbde0"
#: lines in a parallel-coordinates figure; more hide one another
MOST_LINES = 600
#: numbers of a fit along an axis, and colours of a map
FINE, STEPS = 81, 20
#: a level of an axis is named while there are so many at most
NAMED = 8


def short(path: str) -> str:
    """An output's name as figures write it: ``post_root peel, 5 µm``."""
    metric = parts(path)
    if metric is not None:
        return proper(metric.words).replace("von mises", "von Mises")
    text = path.removeprefix("metrics.").removeprefix("roots.").removeprefix("regions.").removeprefix("probes.")
    return text.replace(".", " ").replace("_", " ")


def output_label(frame: Frame, path: str) -> str:
    """Name and unit of an output."""
    found = unit(frame.unit(path))
    return f"{short(path)} ({found})" if found else short(path)


def label_of(axis: Axis) -> str:
    """Name and unit of a parameter."""
    return f"{axis.name} ({unit(axis.unit)})" if axis.unit else axis.name


def _ticks(ax: Axes, axis: Axis, which: str = "x") -> None:
    """Numbers at the levels of an axis that has few, else where they fit."""
    place = ax.xaxis if which == "x" else ax.yaxis
    levels = axis.levels
    if axis.categories:
        place.set_ticks(range(len(axis.categories)))
        place.set_ticklabels([_cut(text) for text in axis.categories])
        if which == "x" and len(axis.categories) > 2:
            for text in ax.get_xticklabels():
                text.set(rotation=25, ha="right")
        return
    if axis.log and axis.x.min() > 0:
        (ax.set_xscale if which == "x" else ax.set_yscale)("log")
        logarithmic(place)
        low, high = float(axis.x.min()), float(axis.x.max())
        if high < 50.0 * low:  # too short for powers of ten alone
            steps: Any = (m * 10.0**k for k in range(int(np.floor(np.log10(low))), 9) for m in (1.0, 2.0, 5.0))
            if high < 10.0 * low:
                steps = MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(low, high)
            place.set_major_locator(FixedLocator([float(v) for v in steps if low <= v <= high]))
            place.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.4g}"))
    if levels is not None and len(levels) <= NAMED:
        place.set_major_locator(FixedLocator([float(v) for v in levels]))
        place.set_minor_locator(NullLocator())
        place.set_minor_formatter(NullFormatter())
        place.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.4g}"))


def _cut(text: str) -> str:
    return text if len(text) <= 18 else text[:15] + "..."


def _u(axis: Axis, x: FloatArray) -> FloatArray:
    """Probabilities of values of an axis, by its points."""
    order = np.argsort(axis.x, kind="stable")
    return np.asarray(np.interp(x, axis.x[order], axis.u[order]))


def _across(axis: Axis) -> FloatArray:
    """Values along an axis, close enough for a curve."""
    low, high = float(axis.x.min()), float(axis.x.max())
    return np.asarray(np.geomspace(low, high, FINE) if axis.log and low > 0 else np.linspace(low, high, FINE))


def main_effects_figure(frame: Frame, path: str, order: Sequence[int], fitted: Surrogate | None = None) -> Figure:
    """The mean of an output over each parameter with the band that holds 80 % of the points."""
    y = frame.output(path)
    columns = min(len(order), 3)
    rows = -(-len(order) // columns)
    wide, tall, foot = 2.75, 1.75, 0.62
    sheet = Sheet(0.72 + columns * (wide + 0.3), rows * (tall + foot + 0.12) + 0.1)
    low, high = np.inf, -np.inf
    drawn = []
    for number, i in enumerate(order):
        row, column = divmod(number, columns)
        left, bottom = 0.72 + column * (wide + 0.3), sheet.height - (row + 1) * (tall + foot + 0.12) + foot
        ax = sheet.axes(left, bottom, wide, tall)
        drawn.append(ax)
        axis = frame.axes[i]
        x, mean, first, last = main_effect(axis, y)
        low, high = min(low, float(first.min())), max(high, float(last.max()))
        if axis.levels is not None:
            ax.vlines(x, first, last, color=PALE, linewidth=6)
            ax.plot(x, mean, "o" if axis.categories else "o-", color=LINE, linewidth=1.2, markersize=4)
        else:
            ax.fill_between(x, first, last, color=LINE, alpha=0.18, linewidth=0)
            smooth = fitted is not None and fitted.trusted
            ax.plot(x, mean, "." if smooth else ".-", color=LINE, linewidth=1.2, markersize=5)
            if fitted is not None and smooth:
                fine = _across(axis)
                ax.plot(fine, fitted.mean([i], _u(axis, fine)[:, None]), color=LINE, linewidth=1.6)
        _ticks(ax, axis)
        if axis.categories:
            ax.set_xlim(-0.6, len(axis.categories) - 0.4)
        plain(ax.set_xlabel(label_of(axis)))
        if column:
            ax.tick_params(labelleft=False)
        else:
            plain(ax.set_ylabel(output_label(frame, path) if len(output_label(frame, path)) < 34 else short(path)))
        for window in frame.spec.window:
            if window_keys(window) == (axis.key,) and not axis.categories:
                span = np.clip(window.range, axis.x.min(), axis.x.max())
                ax.axvspan(*span, facecolor="none", edgecolor=ACCENT, linestyle="--", linewidth=0.9)
        tidy(ax)
    pad = 0.06 * ((high - low) or 1.0)
    for ax in drawn:
        ax.set_ylim(low - pad, high + pad)
    return sheet.figure


def sensitivity_figure(frame: Frame, found: Sensitivity, order: Sequence[int]) -> Figure:
    """First-order and total indices with their intervals."""
    chosen = list(order)
    names = [frame.axes[i].name for i in chosen]
    left = 0.25 + max(text_width(name, SMALL) for name in names)
    sheet = Sheet(left + 5.2, 0.42 * len(chosen) + 0.95)
    ax = sheet.axes(left, 0.72, 5.0, 0.42 * len(chosen) + 0.1)
    place = np.arange(len(chosen))[::-1]
    style = {"ecolor": INK, "elinewidth": 0.9, "capsize": 2.0}
    ax.barh(place + 0.19, found.total[chosen], 0.34, xerr=found.total_interval[chosen], color=LINE, error_kw=style)
    ax.barh(place - 0.19, found.first[chosen], 0.34, xerr=found.first_interval[chosen], color=PALE, error_kw=style)
    ax.set_yticks(place, names)
    for text in ax.get_yticklabels():
        plain(text)
    ax.set_xlabel("share of the variance (-)")
    ax.set_xlim(left=min(0.0, float(ax.get_xlim()[0])))
    tidy(ax)
    marks = [
        (Line2D([], [], color=LINE, lw=5), "total: with all interactions"),
        (Line2D([], [], color=PALE, lw=5), "first order: alone"),
    ]
    sheet.legend(marks, left, 0.08, 5.0)
    return sheet.figure


def map_figure(frame: Frame, path: str, i: int, j: int, fitted: Surrogate | None = None) -> Figure:
    """The mean of an output over two parameters, with the claimed windows drawn: by a fit where it is trusted, else by
    the points; levels as they are.
    """
    x, y, z = frame.axes[i], frame.axes[j], frame.output(path)
    sheet = Sheet(5.0, 3.9)
    ax = sheet.axes(0.95, 0.62, 3.0, 3.0)
    free = x.levels is None and y.levels is None
    if fitted is not None and fitted.trusted and free:
        fine_x, fine_y = _across(x), _across(y)
        u = np.stack(np.meshgrid(_u(x, fine_x), _u(y, fine_y)), axis=-1).reshape(-1, 2)
        mean = fitted.mean([i, j], u).reshape(len(fine_y), len(fine_x))
        painted: Any = ax.contourf(fine_x, fine_y, mean, levels=STEPS, cmap=SEQUENTIAL)
        ends = fine_x[0], fine_x[-1], fine_y[0], fine_y[-1]
        limits = float(mean.min()), float(mean.max())
    else:
        most = int(np.clip(np.sqrt(frame.count / 16), 4, 24))
        (bx, mx, ex), (by, my, ey) = bins_of(x, most), bins_of(y, most)
        good = np.isfinite(z)
        total, count = np.zeros((len(my), len(mx))), np.zeros((len(my), len(mx)))
        np.add.at(total, (by[good], bx[good]), z[good])
        np.add.at(count, (by[good], bx[good]), 1)
        mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        painted = ax.pcolormesh(ex, ey, np.ma.masked_invalid(mean), cmap=SEQUENTIAL, rasterized=True)
        ends = ex[0], ex[-1], ey[0], ey[-1]
        limits = float(np.nanmin(mean)), float(np.nanmax(mean))
    _ticks(ax, x)
    _ticks(ax, y, "y")
    ax.set_xlim(ends[0], ends[1])
    ax.set_ylim(ends[2], ends[3])
    _draw_windows(ax, frame, x, y)
    plain(ax.set_xlabel(label_of(x)))
    plain(ax.set_ylabel(label_of(y)))
    tidy(ax)
    scale = ScalarMappable(Normalize(limits[0], limits[1] if limits[1] > limits[0] else limits[0] + 1.0), SEQUENTIAL)
    sheet.bar((4.1, 0.62, 0.14, 3.0), scale, "", "neither")
    plain(title(ax, output_label(frame, path)))
    painted.set_norm(scale.norm) if hasattr(painted, "set_norm") else None
    return sheet.figure


def _draw_windows(ax: Axes, frame: Frame, x: Axis, y: Axis) -> None:
    """Limits of the windows as dashes on white, so that they are seen on every colour."""
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    for window in frame.spec.window:
        keys = window_keys(window)
        for limit in window.range:
            line: tuple[list[float], list[float]] | None = None
            start = max(x0, 0.0)
            if keys == (x.key,) and x0 < limit < x1:
                line = [limit, limit], [y0, y1]
            elif keys == (y.key,) and y0 < limit < y1:
                line = [x0, x1], [limit, limit]
            elif keys == (x.key, y.key):
                line = [start, x1], [start / limit, x1 / limit]
            elif keys == (y.key, x.key):
                line = [start, x1], [start * limit, x1 * limit]
            if line is not None:
                ax.plot(*line, color="white", linewidth=2.6, solid_capstyle="butt")
                ax.plot(*line, color=INK, linewidth=1.3, linestyle=(0, (5, 3)))
    ax.set_xlim(x0, x1)
    ax.set_ylim(y0, y1)


def windows_drawn(frame: Frame, i: int, j: int) -> list[str]:
    """Which windows have a limit inside a map, in words."""
    x, y = frame.axes[i], frame.axes[j]
    found = []
    for window in frame.spec.window:
        keys = window_keys(window)
        for axis in (x, y):
            if (
                keys == (axis.key,)
                and not axis.categories
                and any(axis.x.min() < limit < axis.x.max() for limit in window.range)
            ):
                found.append(_window_text(window))
        if set(keys) == {x.key, y.key} and len(keys) == 2:
            found.append(_window_text(window))
    return found


def _window_text(window: Any) -> str:
    low, high = window.range
    return f"{window.label or window.key}: {low:g} to {high:g}"


def parallel_figure(frame: Frame, path: str) -> Figure:
    """Every point a line over all parameters, coloured by an output; the ten best in front."""
    y = frame.output(path)
    good = np.flatnonzero(np.isfinite(y))
    if len(good) > MOST_LINES:
        good = np.random.default_rng(0).choice(good, MOST_LINES, replace=False)
    top = best(frame, path, 10)
    shown = [good[~np.isin(good, top)], top]
    axes = [*frame.axes, Axis(path, short(path), frame.unit(path), y, y)]
    spans = [_span(a) for a in axes]
    scaled = np.column_stack([_scaled(a, s) for a, s in zip(axes, spans, strict=True)])
    sheet = Sheet(max(7.2, 1.5 * len(axes)), 4.0)
    ax = sheet.axes(0.55, 0.75, sheet.width - 1.1, 2.95)
    norm = Normalize(*spans[-1])
    for i in shown[0][np.argsort(-np.abs(y[shown[0]]), kind="stable")]:
        ax.plot(range(len(axes)), scaled[i], color=colormaps[SEQUENTIAL](norm(y[i])), alpha=0.35, linewidth=0.7)
    for i in shown[1]:
        ax.plot(range(len(axes)), scaled[i], color=ACCENT, linewidth=1.4)
    for k, (axis, (low, high)) in enumerate(zip(axes, spans, strict=True)):
        ax.vlines(k, 0, 1, color=INK, linewidth=0.8)
        if axis.categories:
            for c, text in enumerate(axis.categories):
                at = _scaled_value(c, low, high, False)
                plain(ax.text(k + 0.03, at, _cut(text), fontsize=SMALL - 0.5, color=INK, va="center", bbox=_paper()))
        else:
            for value, at in ((low, -0.03), (high, 1.03)):
                side = "top" if at < 0 else "bottom"
                ax.text(k, at, f"{value:.4g}", fontsize=SMALL, ha="center", va=side, color=INK)
    ax.set_xticks(range(len(axes)), [_broken(label_of(a)) for a in axes], fontsize=SMALL)
    for label in ax.get_xticklabels():
        plain(label)
    ax.tick_params(axis="x", length=0, pad=14)
    ax.set_yticks([])
    ax.set_ylim(-0.02, 1.1)
    for spine in ax.spines.values():
        spine.set_visible(False)
    return sheet.figure


def _broken(text: str) -> str:
    """A label on two or three lines."""
    text = text.replace(" (", "\n(")
    first, _, rest = text.partition(", ")
    return f"{first}\n{rest}" if rest else text


def _paper() -> dict[str, Any]:
    return {"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.6}


def _span(axis: Axis) -> tuple[float, float]:
    if axis.categories:
        return 0.0, float(max(len(axis.categories) - 1, 1))
    return float(np.nanmin(axis.x)), float(np.nanmax(axis.x))


def _scaled(axis: Axis, span: tuple[float, float]) -> FloatArray:
    return np.array([_scaled_value(v, *span, axis.log) for v in axis.x])


def _scaled_value(value: float, low: float, high: float, log: bool) -> float:
    if high <= low:
        return 0.5
    if log and low > 0:
        return float(np.log(value / low) / np.log(high / low))
    return float((value - low) / (high - low))


def pareto_figure(frame: Frame, a: str, b: str) -> Figure:
    """Two outputs against each other, the front of designs that no other beats in both, and the points inside all
    windows.
    """
    x, y = np.abs(frame.output(a)), np.abs(frame.output(b))
    front = pareto(x, y)
    sheet = Sheet(6.2, 4.55)
    ax = sheet.axes(0.75, 0.95, 5.25, 3.45)
    within = inside(frame, frame.spec.window) if frame.spec.window else np.ones(frame.count, dtype=bool)
    ax.plot(x[~within], y[~within], ".", color=FAINT, markersize=4, alpha=0.6, rasterized=True)
    ax.plot(x[within], y[within], ".", color=LINE, markersize=4, alpha=0.6, rasterized=True)
    ax.step(x[front], y[front], where="post", color=ACCENT, linewidth=1.2)
    ax.plot(x[front], y[front], "o", color=ACCENT, markersize=4.5)
    plain(ax.set_xlabel(f"|{output_label(frame, a)}|"))
    plain(ax.set_ylabel(f"|{output_label(frame, b)}|"))
    tidy(ax)
    marks = [(_dot(ACCENT, "o"), f"no design is better in both ({len(front)})")]
    if frame.spec.window:
        marks += [(_dot(LINE, "."), "inside all claimed windows"), (_dot(FAINT, "."), "outside one")]
    else:
        marks.append((_dot(LINE, "."), "designs"))
    sheet.legend(marks, 0.75, 0.1, 5.2)
    return sheet.figure


def _dot(colour: str, mark: str) -> Line2D:
    return Line2D([], [], ls="", marker=mark, color=colour, ms=5 if mark == "o" else 7)


def search_figure(values: Sequence[float], best_so_far: Sequence[float], label: str) -> Figure:
    """The objective of every solve of a search, and the least so far."""
    sheet = Sheet(7.2, 3.3)
    ax = sheet.axes(0.8, 0.85, 6.2, 2.3)
    number = np.arange(1, len(values) + 1)
    shown = np.asarray(values, dtype=float)
    ax.plot(number, shown, ".", color=PALE, markersize=4)
    ax.step(number, best_so_far, where="post", color=LINE, linewidth=1.5)
    finite = shown[np.isfinite(shown)]
    if len(finite):
        low, high = float(finite.min()), float(np.quantile(finite, 0.95))
        pad = 0.08 * ((high - low) or abs(high) or 1.0)
        ax.set_ylim(low - pad, high + pad)
    ax.set_xlim(0.0, len(values) + 1.0)
    ax.set_xlabel("solves (-)")
    plain(ax.set_ylabel(label if text_width(label, NORMAL) < 2.3 else _broken(label)))
    tidy(ax)
    sheet.legend([(_dot(PALE, "."), "a design"), (Line2D([], [], color=LINE, lw=1.5), "the least so far")], 0.8, 0.1, 6)
    return sheet.figure
