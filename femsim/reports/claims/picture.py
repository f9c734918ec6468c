"""Where a design lies in what is claimed: one figure per seed, with all its claims below, green, red or grey."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from femsim.claims.model import Assessment
from femsim.reports.claims.conductor import draw_conductor
from femsim.reports.claims.resins import draw_resins
from femsim.reports.claims.rewiring import draw_rewiring
from femsim.reports.plots.look import INK, LARGE, SMALL, words
from femsim.reports.plots.style import new_figure, plain

VERDICT: dict[bool | None, str] = {True: "#4a9d5b", False: "#c8553d", None: "#9a9a9a"}
DRAW = {
    "bilayer-resin": draw_resins,
    "stress-absorbing-conductor": draw_conductor,
    "chip-on-chip-rewiring": draw_rewiring,
}


def claims_figure(found: Assessment) -> Figure:
    """The design in the claimed windows, over a strip of all claims."""
    figure = new_figure(10.0, 5.6)
    parts: Any = figure.subfigures(2, 1, height_ratios=[5.0, 0.75])
    upper, lower = parts
    DRAW[found.seed](upper, found)
    plain(
        figure.suptitle(f"{words(found.design.case.name)}: claims of the seed {found.seed}", fontsize=LARGE, color=INK)
    )
    _strip(lower.add_subplot(), found)
    return figure


def _strip(ax: Axes, found: Assessment) -> None:
    """All claims as numbered boxes."""
    count = len(found.claims)
    for place, (number, claim) in enumerate(found.claims.items()):
        ax.add_patch(Rectangle((place + 0.06, 0.0), 0.88, 1.0, color=VERDICT[claim.holds], lw=0))
        ax.text(place + 0.5, 0.5, str(number), ha="center", va="center", fontsize=SMALL, color="white", weight="bold")
    ax.set_xlim(0, count)
    ax.set_ylim(-0.1, 1.1)
    ax.axis("off")
    entries = (("holds", True), ("fails", False), ("cannot be told", None))
    handles = [Rectangle((0, 0), 1, 1, color=VERDICT[value]) for _, value in entries]
    ax.legend(
        handles, [f"claim {label}" for label, _ in entries], loc="upper center", bbox_to_anchor=(0.5, -0.05), ncols=3, fontsize=SMALL,  # noqa: E501
        frameon=False, handlelength=1.0,
    )  # fmt: skip
