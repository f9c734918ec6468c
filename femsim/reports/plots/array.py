"""An array of cells seen from above: a root's averages in every cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from femsim.reports.plots.style import new_figure, own_axes, tidy
from femsim.runs.names import kind_words

if TYPE_CHECKING:
    from femsim.runs.array import ArrayRun, RootCells

#: what is drawn of each root
DRAWN = ("peel", "shear", "von_mises")


def plot_array(found: RootCells, kind: str, ax: Axes | None = None) -> Axes:
    """The value of the largest magnitude around the root in every cell, a square each; cells are counted from one.
    Signed averages have a colour map that is white at zero.
    """
    ax = own_axes(ax)
    values = found.largest[kind]
    limit = float(np.abs(values).max()) or 1.0
    signed = bool(values.min() < 0.0)
    nx, ny = values.shape
    image = ax.imshow(
        values.T,
        origin="lower",
        extent=(0.5, nx + 0.5, 0.5, ny + 0.5),
        cmap="RdBu_r" if signed else "viridis",
        vmin=-limit if signed else float(values.min()),
        vmax=limit if signed else float(values.max()),
        interpolation="nearest",
    )
    figure = ax.get_figure(root=True)
    if figure is not None:
        bar = figure.colorbar(image, ax=ax, shrink=0.8)
        bar.set_label(f"{kind_words(kind)}, largest around the root (MPa)", fontsize=8)
        bar.ax.tick_params(labelsize=8)
    ax.set_xlabel("cell along x")
    ax.set_ylabel("cell along y")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(6, integer=True))
    tidy(ax)
    return ax


def array_figure(run: ArrayRun, found: RootCells) -> Figure:
    """All kinds of one root and length side by side."""
    figure = new_figure(12.6, 4.0)
    for ax, kind in zip(figure.subplots(1, len(DRAWN)), DRAWN, strict=True):
        plot_array(found, kind, ax)
    name = found.average.whole.root.name
    outer = "sides held" if run.fixed else "sides free"
    figure.suptitle(
        f"{name}, {found.average.whole.length:g} um: {run.counts[0]} x {run.counts[1]} cells, {outer}",
        fontsize=10,
        parse_math=False,
    )
    return figure
