"""Picture of the stress-absorbing conductor's claims: its layers as they stand, coloured by hardness."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import SubFigure
from matplotlib.patches import Rectangle

from femsim.cases.stacks.staggered import StaggeredCase
from femsim.claims.conductor import hardness, is_absorber, layers
from femsim.claims.matter import family
from femsim.claims.model import Assessment
from femsim.reports.plots.look import FAINT, INK, NORMAL, SMALL, words
from femsim.reports.plots.style import plain, tidy

MAP = "YlGnBu"
UNKNOWN = "#dddddd"


def draw_conductor(figure: SubFigure, found: Assessment) -> None:
    """The stack to scale beside a bar of hardness per layer."""
    left, right = figure.subplots(1, 2, width_ratios=[1.5, 1.0])
    case = found.design.case
    if not isinstance(case, StaggeredCase):
        return
    values = [hardness(m) for m in layers(found.design)]
    known = [v for v in values if v is not None] or [10.0, 200.0]
    norm = LogNorm(0.7 * min(known), 1.4 * max(known))
    shade = ScalarMappable(norm, MAP)
    colours = [UNKNOWN if v is None else shade.to_rgba(np.array([v]))[0] for v in values]
    _stack(left, found, case, colours)
    _bars(right, found, case, values, colours)


def _stack(ax: Axes, found: Assessment, case: StaggeredCase, colours: list[object]) -> None:
    half, top = case.geometry.cell_radius, sum(layer.thickness for layer in case.layer)
    insulation = top if case.geometry.insulation_thickness is None else case.geometry.insulation_thickness
    depth = 0.35 * top
    ax.add_patch(Rectangle((-half, -depth), 2 * half, depth, facecolor="#a9bbdd", edgecolor=INK, lw=0.6))
    ax.add_patch(Rectangle((-half, 0), 2 * half, insulation, facecolor="#f3ead0", edgecolor=INK, lw=0.6))
    ax.text(-0.97 * half, -0.5 * depth, "chip", fontsize=SMALL, va="center")
    plain(ax.text(-0.97 * half, 0.5 * insulation, "insulation", fontsize=SMALL, va="center"))
    z = 0.0
    for index, (layer, colour) in enumerate(zip(case.layer, colours, strict=True)):
        box = Rectangle(
            (layer.offset - layer.radius, z), 2 * layer.radius, layer.thickness, facecolor=colour, edgecolor=INK, lw=0.8
        )
        ax.add_patch(box)
        if is_absorber(found.design, index):
            ax.plot(
                [layer.offset + layer.radius * 1.06] * 2,
                [z, z + layer.thickness],
                color="#c2185b",
                lw=2.5,
                solid_capstyle="butt",
            )
        label = f"radius {layer.radius:g} um" + (f", offset {layer.offset:g}" if layer.offset else "")
        ax.text(
            0.97 * half, z + 0.5 * layer.thickness, f"{index + 1}: {label}", fontsize=SMALL, va="center", ha="right"
        )
        z += layer.thickness
    ax.set_xlim(-half, half)
    ax.set_ylim(-depth, 1.05 * top)
    ax.set_aspect("equal")
    ax.set_xlabel("x (um)")
    ax.set_ylabel("z (um)")
    ax.set_title("Layers, coloured by hardness; red bar: softer than another", loc="left", fontsize=NORMAL)
    tidy(ax)


def _bars(ax: Axes, found: Assessment, case: StaggeredCase, values: list[float | None], colours: list[object]) -> None:
    known = [v for v in values if v is not None]
    end = 1.25 * max(known, default=100.0)
    for index, (material, value, colour) in enumerate(zip(layers(found.design), values, colours, strict=True)):
        name = words(family(material) or "no family")
        if value is None:
            plain(ax.text(0.02 * end, index, f"{name}: no hardness given", fontsize=SMALL, va="center", color=FAINT))
            continue
        ax.barh(index, value, height=0.6, color=colour, edgecolor=INK, lw=0.6)
        plain(ax.text(value + 0.02 * end, index, f"{value:g} HV, {name}", fontsize=SMALL, va="center", clip_on=False))
    ax.set_yticks(range(len(values)), [f"layer {i + 1}" for i in range(len(values))])
    ax.set_xlim(0, 1.25 * end)
    ax.set_ylim(-0.6, len(values) - 0.4)
    ax.set_xlabel("Vickers hardness (HV)")
    ax.set_title("Hardness and material", loc="left", fontsize=NORMAL)
    tidy(ax)
