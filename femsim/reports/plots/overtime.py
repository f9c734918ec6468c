"""Temperatures over time, and thermal impedances over the logarithm of time with their Foster networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from femsim.base.arrays import FloatArray
from femsim.reports.plots.look import FAINT, INK, SMALL, shown
from femsim.reports.plots.style import new_figure, plain, tidy
from femsim.reports.plots.warm import Curve, Impedances

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
#: times asked for that span more than this ratio are drawn over the logarithm of time
RATIO = 50.0
#: parts of a decade that a fitted network is drawn by
FINE = 24


def overtime_figure(lines: Sequence[Curve]) -> Figure:
    """Temperatures (degC) over time (s)."""
    page = new_figure(7.5, 4.0)
    ax = page.add_subplot()
    asked = next((line.times for line in lines if line.kind != "body"), lines[0].times)
    positive = asked[asked > 0.0]
    logarithmic = len(positive) > 2 and positive[-1] > RATIO * positive[0]
    sources = [line for line in lines if line.kind in ("largest", "mean")]
    probes = [line for line in lines if line.kind == "probe"]
    for line in lines:
        if line.kind == "body":
            ax.plot(line.times, line.values, color=INK, linewidth=1.0, label=shown(line.label))
    for number, line in enumerate(sources):
        colour, dashed = COLOURS[number // 2 % len(COLOURS)], line.kind == "mean"
        _plot(ax, line, colour, "--" if dashed else "-", "o")
    for number, line in enumerate(probes):
        _plot(ax, line, COLOURS[(len(sources) // 2 + number) % len(COLOURS)], ":", "s")
    if logarithmic:
        ax.set_xscale("log")
        ax.set_xlim(positive[0] / 1.5, max(float(line.times[-1]) for line in lines) * 1.1)
    ax.set_xlabel("time (s)")
    ax.set_ylabel("temperature (°C)")
    _finish(ax)
    return page


def _plot(ax: Axes, line: Curve, colour: str, style: str, marker: str) -> None:
    """A curve of many times as a line; few times as points alone, for what lies between them is not known."""
    if len(line.times) > 40:
        look: dict[str, Any] = {"ls": style, "lw": 1.3}
    else:
        look = {"ls": "", "marker": marker, "ms": 4.5, "mec": colour, "mfc": "none" if style == "--" else colour}
    ax.plot(line.times, line.values, color=colour, label=shown(line.label), **look)


def _finish(ax: Axes) -> None:
    ax.grid(True, which="major", color="#e4e4e4", linewidth=0.6)
    ax.set_axisbelow(True)
    legend = ax.legend(fontsize=SMALL, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    for text in legend.get_texts():
        plain(text)
    tidy(ax)


def impedance_figure(what: Impedances) -> Figure:
    """Z_th over the logarithm of time: values, and the Foster networks as lines with their time constants marked."""
    page = new_figure(7.5, 4.0)
    ax = page.add_subplot()
    for number, one in enumerate(what.entries):
        colour = COLOURS[number % len(COLOURS)]
        if one.network is None or not len(one.network.tau):
            ax.plot(one.times, one.values, color=colour, marker="o", ms=3.5, lw=1.0, label=shown(one.label))
            continue
        ax.plot(one.times, one.values, color=colour, ls="", marker="o", ms=3.5, mec="none", label=shown(one.label))
        fine = _between(one.times)
        terms = len(one.network.tau)
        text = f"Foster network of {terms} {'term' if terms == 1 else 'terms'}, off by {100 * one.network.misfit:.1g} %"
        ax.plot(fine, one.network.at(fine), color=colour, lw=1.1, label=text)
        inside = one.network.tau[(one.network.tau >= fine[0]) & (one.network.tau <= fine[-1])]
        ax.plot(inside, one.network.at(inside), color=colour, ls="", marker="|", ms=11, mew=1.0)
    ax.set_xscale("log")
    low = min(float(one.values.min()) for one in what.entries)
    high = max(float(one.values.max()) for one in what.entries)
    if 0.0 < low < 0.02 * high:
        ax.set_yscale("log")
        ax.set_ylim(low / 1.6, high * 1.6)
    else:
        ax.set_ylim(bottom=min(0.0, low))
        ax.axhline(0.0, color=FAINT, linewidth=0.6)
    ax.set_xlabel("time (s)")
    plain(ax.set_title("| marks the time constants of a network", fontsize=SMALL, color=FAINT, loc="left"))
    ax.set_ylabel(f"Z_th, mean rise over power ({what.unit})").set_parse_math(False)
    _finish(ax)
    return page


def _between(times: FloatArray) -> FloatArray:
    first, last = np.log10(times[0]), np.log10(times[-1])
    return np.asarray(np.logspace(first, last, max(int((last - first) * FINE), 2)))
