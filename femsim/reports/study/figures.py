"""Figures of a study: each function draws into one matplotlib figure and returns it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from femsim.base.arrays import FloatArray
from femsim.runs.names import parts
from femsim.study.analysis import Axis, Frame, Sensitivity, best, bins_of, inside, main_effect, pareto, window_keys

INK, SOFT, ACCENT, SECOND, WINDOW = "#1d2329", "#8a949d", "#1f5fa8", "#c8553d", "#111111"
COLOURS = "viridis"
#: lines in a parallel-coordinates figure; more hide one another
MOST_LINES = 600


def short(path: str) -> str:
    """An output's name as figures write it: ``post_root peel, 5 um``."""
    metric = parts(path)
    if metric is not None:
        return metric.words
    text = path.removeprefix("metrics.").removeprefix("roots.").removeprefix("regions.").removeprefix("probes.")
    return text.replace(".", " ").replace("_", " ")


def output_label(frame: Frame, path: str) -> str:
    """Name and unit of an output."""
    unit = frame.unit(path)
    return f"{short(path)} ({unit})" if unit else short(path)


def _plain(ax: Any) -> None:
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    ax.tick_params(labelsize=8, colors=INK)


def _ticks(ax: Any, axis: Axis, which: str = "x") -> None:
    place = ax.xaxis if which == "x" else ax.yaxis
    if axis.categories:
        place.set_ticks(range(len(axis.categories)))
        place.set_ticklabels(axis.categories, rotation=25 if which == "x" and len(axis.categories) > 3 else 0)
    elif axis.log:
        (ax.set_xscale if which == "x" else ax.set_yscale)("log")


def main_effects_figure(frame: Frame, path: str, order: Sequence[int]) -> Figure:
    """The mean of an output over each parameter with the band that holds 80 % of the points."""
    y = frame.output(path)
    columns = min(len(order), 3)
    rows = -(-len(order) // columns)
    figure = Figure(figsize=(3.4 * columns + 0.4, 2.5 * rows + 0.2), layout="constrained")
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for ax in grid.ravel()[len(order) :]:
        ax.set_visible(False)
    for number, (ax, i) in enumerate(zip(grid.ravel(), order, strict=False)):
        axis = frame.axes[i]
        x, mean, low, high = main_effect(axis, y)
        if axis.categories:
            ax.vlines(x, low, high, color=ACCENT, alpha=0.25, linewidth=7)
            ax.plot(x, mean, "o", color=ACCENT)
            ax.set_xlim(-0.6, len(axis.categories) - 0.4)
        else:
            ax.fill_between(x, low, high, color=ACCENT, alpha=0.18, linewidth=0)
            ax.plot(x, mean, color=ACCENT, linewidth=1.8, marker="o", markersize=3)
        _ticks(ax, axis)
        ax.set_xlabel(axis.label, fontsize=9)
        if number % columns == 0:
            ax.set_ylabel(output_label(frame, path), fontsize=9)
        for window in frame.spec.window:
            if window_keys(window) == (axis.key,) and not axis.categories:
                span = np.clip(window.range, axis.x.min(), axis.x.max())
                ax.axvspan(*span, facecolor="none", edgecolor=WINDOW, linestyle="--", linewidth=0.9)
        _plain(ax)
    return figure


def sensitivity_figure(frame: Frame, found: Sensitivity, order: Sequence[int]) -> Figure:
    """First-order and total indices with their intervals."""
    figure = Figure(figsize=(7.2, 0.42 * len(order) + 1.1), layout="constrained")
    ax = figure.subplots()
    place = np.arange(len(order))[::-1]
    chosen = list(order)
    style = {"ecolor": INK, "elinewidth": 1.0, "capsize": 2.5}
    ax.barh(place + 0.19, found.total[chosen], 0.34, xerr=found.total_interval[chosen], color=ACCENT, error_kw=style,
            label="total: with all interactions")  # fmt: skip
    ax.barh(place - 0.19, found.first[chosen], 0.34, xerr=found.first_interval[chosen], color="#9dbde0", error_kw=style,
            label="first order: alone")  # fmt: skip
    ax.set_yticks(place, [frame.axes[i].name for i in order])
    ax.set_xlabel("share of the variance", fontsize=9)
    ax.set_xlim(left=min(0.0, float(ax.get_xlim()[0])))
    ax.legend(frameon=False, fontsize=8, loc="lower right")
    _plain(ax)
    return figure


def map_figure(frame: Frame, path: str, i: int, j: int) -> Figure:
    """The mean of an output over two parameters, with the claimed windows drawn."""
    x, y, z = frame.axes[i], frame.axes[j], frame.output(path)
    most = int(np.clip(np.sqrt(frame.count / 16), 4, 24))
    (bx, mx, ex), (by, my, ey) = bins_of(x, most), bins_of(y, most)
    good = np.isfinite(z)
    total, count = np.zeros((len(my), len(mx))), np.zeros((len(my), len(mx)))
    np.add.at(total, (by[good], bx[good]), z[good])
    np.add.at(count, (by[good], bx[good]), 1)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    figure = Figure(figsize=(5.4, 4.1), layout="constrained")
    ax = figure.subplots()
    painted = ax.pcolormesh(ex, ey, np.ma.masked_invalid(mean), cmap=COLOURS, rasterized=True)
    bar = figure.colorbar(painted, ax=ax)
    bar.set_label(output_label(frame, path), fontsize=9)
    bar.ax.tick_params(labelsize=8)
    _ticks(ax, x)
    _ticks(ax, y, "y")
    ax.set_xlim(ex[0], ex[-1])
    ax.set_ylim(ey[0], ey[-1])
    _draw_windows(ax, frame, x, y)
    ax.set_xlabel(x.label, fontsize=9)
    ax.set_ylabel(y.label, fontsize=9)
    ax.tick_params(labelsize=8)
    return figure


def _draw_windows(ax: Any, frame: Frame, x: Axis, y: Axis) -> None:
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
                ax.plot(*line, color=WINDOW, linewidth=1.3, linestyle=(0, (5, 3)))
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
    figure = Figure(figsize=(max(7.2, 1.5 * len(axes)), 4.0), layout="constrained")
    ax = figure.subplots()
    from matplotlib import colormaps
    from matplotlib.colors import Normalize

    norm = Normalize(*spans[-1])
    for i in shown[0][np.argsort(-np.abs(y[shown[0]]), kind="stable")]:
        ax.plot(range(len(axes)), scaled[i], color=colormaps[COLOURS](norm(y[i])), alpha=0.35, linewidth=0.7)
    for i in shown[1]:
        ax.plot(range(len(axes)), scaled[i], color=SECOND, linewidth=1.6)
    for k, (axis, (low, high)) in enumerate(zip(axes, spans, strict=True)):
        ax.vlines(k, 0, 1, color=INK, linewidth=0.8)
        if axis.categories:
            for c, text in enumerate(axis.categories):
                ax.text(
                    k + 0.03,
                    _scaled_value(c, low, high, False),
                    text,
                    fontsize=7,
                    color=INK,
                    va="center",
                    bbox=_paper(),
                )
        else:
            for value, at in ((low, -0.03), (high, 1.03)):
                ax.text(k, at, f"{value:.4g}", fontsize=8, ha="center", va="top" if at < 0 else "bottom", color=INK)
    ax.set_xticks(range(len(axes)), [a.label.replace(" (", "\n(") for a in axes], fontsize=8)
    ax.tick_params(axis="x", length=0, pad=14)
    ax.set_yticks([])
    ax.set_ylim(-0.02, 1.1)
    for side in ("top", "right", "left", "bottom"):
        ax.spines[side].set_visible(False)
    return figure


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
    figure = Figure(figsize=(6.2, 4.4), layout="constrained")
    ax = figure.subplots()
    within = inside(frame, frame.spec.window) if frame.spec.window else np.ones(frame.count, dtype=bool)
    if frame.spec.window:
        label = "outside a claimed window"
        ax.plot(x[~within], y[~within], ".", color="#c3c9cf", markersize=4, label=label, rasterized=True)
    ax.plot(x[within], y[within], ".", color=ACCENT, markersize=4, alpha=0.6,
            label="inside all claimed windows" if frame.spec.window else "points", rasterized=True)  # fmt: skip
    ax.step(x[front], y[front], where="post", color=SECOND, linewidth=1.2)
    ax.plot(x[front], y[front], "o", color=SECOND, markersize=5, label=f"Pareto front ({len(front)})")
    ax.set_xlabel(f"|{output_label(frame, a)}|", fontsize=9)
    ax.set_ylabel(f"|{output_label(frame, b)}|", fontsize=9)
    ax.legend(fontsize=8, frameon=False)
    _plain(ax)
    return figure
