"""Courses over time, and stress against strain."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from femsim.base.arrays import FloatArray
from femsim.reports.plots.course import Course
from femsim.reports.plots.look import FAINT, INK, NORMAL, SMALL, words
from femsim.reports.plots.style import new_figure, plain, tidy

COLOURS = ("#1f5fa8", "#c0392b", "#2e7d32", "#7b3fa0")
#: components are told apart by the line's style
STYLES = {"von_mises": "-", "peel": "--", "shear": ":", "p": "-", "creep": "--"}
#: where a legend stands clear of the curves: above the axes, at the right
ABOVE: dict[str, Any] = {"loc": "lower right", "bbox_to_anchor": (1.0, 0.97), "borderaxespad": 0.0}
NAMES = {"von_mises": "von Mises", "p": "plastic", "creep": "creep"}


def history_figure(course: Course) -> Figure:
    """Temperature, root stresses, equivalent inelastic strains and inelastic work over time, one below the other."""
    flows = any(np.nanmax(c.values[k], initial=0.0) > 0 for c in course.curves for k in ("p", "creep"))
    stressed = any("von_mises" in c.values for c in course.curves)
    rows = 1 + stressed + 2 * flows
    figure = new_figure(8.2, 1.1 + 1.55 * rows)
    axes = figure.subplots(rows, 1, sharex=True, squeeze=False)[:, 0]
    unit, per = _time_unit(float(course.time[-1]))
    t = course.time / per
    axes[0].plot(t, course.temperature, color=INK, lw=1.1)
    axes[0].set_ylabel("temperature (°C)")
    if stressed:
        _curves(axes[1], t, course, ("von_mises", "peel", "shear"), "stress (MPa)")
    if flows:
        _curves(axes[rows - 2], t, course, ("p", "creep"), "strain (%)", 100.0)
        _curves(axes[rows - 1], t, course, ("work",), "work (MPa)")
    for ax in axes:
        tidy(ax)
        ax.grid(visible=True, color=FAINT, alpha=0.25, linewidth=0.5)
        for end, _ in course.ends if len(course.ends) <= 40 else ():
            ax.axvline(end / per, color=FAINT, lw=0.5, ls=(0, (2, 3)), zorder=0)
        for here in np.flatnonzero((np.diff(course.cycle) > 1) & (course.cycle[:-1] > 0)):  # cycles jumped over
            ax.axvspan(t[here], t[here + 1], color=FAINT, alpha=0.3, lw=0, zorder=0)
    axes[-1].set_xlabel(f"time ({unit})")
    if len(course.curves) > 1 or (course.curves and not stressed):
        handles = [Line2D([], [], color=COLOURS[i], lw=1.4) for i in range(len(course.curves))]
        legend = axes[0].legend(
            handles, [words(c.label) for c in course.curves], fontsize=SMALL, frameon=False, ncol=2, **ABOVE
        )
        for text in legend.get_texts():
            plain(text)
    return figure


def _curves(ax: Axes, t: FloatArray, course: Course, kinds: tuple[str, ...], label: str, factor: float = 1.0) -> None:
    shown = [k for k in kinds if any(np.nanmax(np.abs(c.values[k]), initial=0.0) > 0 for c in course.curves)]
    for number, curve in enumerate(course.curves):
        for kind in shown:
            ax.plot(t, factor * curve.values[kind], color=COLOURS[number], lw=1.2, ls=STYLES.get(kind, "-"))
    ax.set_ylabel(label)
    if len(shown) > 1:
        handles = [Line2D([], [], color=INK, lw=1.1, ls=STYLES[k]) for k in shown]
        ax.legend(handles, [NAMES.get(k, k) for k in shown], fontsize=SMALL, frameon=False, ncol=len(shown), **ABOVE)


def _time_unit(total: float) -> tuple[str, float]:
    for unit, per in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if total >= 5 * per:
            return unit, per
    return "s", 1.0


def loops_figure(course: Course) -> Figure:
    """Stress against mechanical strain at roots and in layers, across and along the interface; later cycles darker."""
    rows = -(-len(course.loops) // 2)
    figure = new_figure(8.2, 0.5 + 2.7 * rows)
    axes = figure.subplots(rows, 2, squeeze=False).ravel()
    cycles = [int(c) for c in np.unique(course.cycle)]
    last = max(cycles)
    for ax, loop in zip(axes, course.loops, strict=False):
        for cycle in cycles:
            inside = np.flatnonzero(course.cycle == cycle)
            inside = np.concatenate([inside[:1] - 1, inside]) if inside[0] > 0 else inside  # from where it begins
            style = _shade(cycle, last)
            ax.plot(100.0 * loop.strain[inside], loop.stress[inside], **style)
        ax.set_xlabel(f"mechanical strain {loop.component} (%)")
        ax.set_ylabel(f"stress {loop.component} (MPa)")
        plain(ax.set_title(words(loop.label), fontsize=NORMAL))
        tidy(ax)
        ax.title.set_fontsize(NORMAL)
        ax.grid(visible=True, color=FAINT, alpha=0.25, linewidth=0.5)
    if last:
        shown = sorted({cycles[0], 1, last})
        handles = [Line2D([], [], **_shade(c, last)) for c in shown]
        axes[0].legend(handles, [f"cycle {c}" if c else "steps" for c in shown], fontsize=SMALL, frameon=False)
    return figure


def _shade(cycle: int, last: int) -> dict[str, Any]:
    """Steps thin and grey, the last cycle dark, those before paler."""
    if not cycle and last:
        return {"color": FAINT, "lw": 0.9}
    part = cycle / max(last, 1)
    return {"color": (0.75 - 0.63 * part, 0.82 - 0.45 * part, 0.93 - 0.27 * part), "lw": 1.0 + 0.5 * part}
