"""Picture of the bilayer resin claims: the map of thickness and ratio, and the windows of modulus and expansion of both
resins.
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, NullFormatter

from femsim.cases.stacks.bilayer import BilayerCase
from femsim.claims.bilayer import RATIO, THICKNESS, WINDOWS, properties
from femsim.claims.model import Assessment
from femsim.reports.plots.look import ACCENT, FAINT, INK, NORMAL, SMALL
from femsim.reports.plots.style import tidy

COLOURS = {"low": "#3b7dbf", "high": "#d08a2e"}


def draw_resins(figure: SubFigure, found: Assessment) -> None:
    """Two panels: high-layer thickness against the ratio low to high; modulus against expansion."""
    left, right = figure.subplots(1, 2, width_ratios=[1.15, 1.0])
    _map(left, found)
    _windows(right, found)


def _map(ax: Axes, found: Assessment) -> None:
    case = found.design.case
    if not isinstance(case, BilayerCase):
        return
    g = case.geometry
    high, ratio = g.high_thickness, g.low_thickness / g.high_thickness
    x = (min(1.0, 0.6 * high), max(120.0, 1.6 * high))
    y = (min(0.08, 0.6 * ratio), max(20.0, 1.6 * ratio))
    low, top = THICKNESS
    boxes = (
        (y[0], y[1], "#e4ebd9", "claims 1, 21:\n5 to 45 um"),
        (RATIO[0], RATIO[1], "#a8cf9b", "claim 2:\nlow / high\n3.5 to 8"),
        (1 / RATIO[1], 1 / RATIO[0], "#9bc3cf", "claim 22:\nhigh / low\n3.5 to 8"),
    )
    for y0, y1, colour, text in boxes:
        ax.add_patch(Rectangle((low, y0), top - low, y1 - y0, facecolor=colour, edgecolor=FAINT, lw=0.6))
        ax.text(top * 1.04, float(np.sqrt(y0 * y1)), text, fontsize=SMALL, color=INK, ha="left", va="center")
    ax.loglog([high], [ratio], "o", color=ACCENT, ms=7, zorder=5)
    ax.annotate(
        f"design: {high:g} um, ratio {ratio:.3g}", (high, ratio), xytext=(0, 8), textcoords="offset points", fontsize=SMALL, color=ACCENT,  # noqa: E501
        ha="center", va="bottom", zorder=6, annotation_clip=True,
    )  # fmt: skip
    ax.set_xlim(*x)
    ax.set_ylim(*y)
    ax.set_xlabel("thickness of the high-elastic layer (um)")
    ax.set_ylabel("thickness ratio, low to high layer")
    _plain_logs(ax)
    ax.set_title("Thickness", loc="left", fontsize=NORMAL)
    tidy(ax)


def _windows(ax: Axes, found: Assessment) -> None:
    points: list[tuple[float, float]] = []
    for place, (role, ((cte_low, cte_high), (e_low, e_high))) in enumerate(WINDOWS.items()):
        colour = COLOURS[role]
        box = Rectangle(
            (cte_low, e_low), cte_high - cte_low, e_high - e_low, facecolor=colour, alpha=0.25, edgecolor=colour, lw=0.8
        )
        ax.add_patch(box)
        ax.text(cte_low, e_high * 1.03, f"claimed for the {role} layer", fontsize=SMALL, color=colour, va="bottom")
        ctes, moduli = properties(found.design, role)
        if not ctes.values or not moduli.values or min(ctes.values) <= 0:
            why = ctes.why or moduli.why or "its expansion is not > 0"
            ax.text(0.03, 0.03 + 0.05 * place, f"{role} layer not shown: {why}", transform=ax.transAxes, fontsize=SMALL)
            continue
        ax.plot(ctes.values, moduli.values, "o-", color=colour, mec=INK, ms=7, zorder=5)
        x, y = ctes.values[-1], moduli.values[-1]
        ax.annotate(
            f"{role}: {ctes.text()}/K, {moduli.text()}", (x, y), xytext=(0, -8), textcoords="offset points", fontsize=SMALL,  # noqa: E501
            ha="center", va="top",
        )  # fmt: skip
        points += list(zip(ctes.values, moduli.values, strict=True))
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(min([3.0, *(0.5 * p[0] for p in points)]), max([250.0, *(2.0 * p[0] for p in points)]))
    ax.set_ylim(min([0.3, *(0.5 * p[1] for p in points)]), max([40.0, *(1.6 * p[1] for p in points)]))
    ax.set_xlabel("expansion coefficient at 25 degC (ppm/K)")
    ax.set_ylabel("modulus at 25 degC (GPa)")
    _plain_logs(ax)
    ax.set_title("Resins (claims 3, 7, 11, 13, 17, 19)", loc="left", fontsize=NORMAL)
    tidy(ax)


def _plain_logs(ax: Axes) -> None:
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, place: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
