"""The mesh drawn: its edges in the colours of the regions, and how good its cells are."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from femsim.builders.build import Discretisation
from femsim.meshes.elements import gauss_points, shape
from femsim.meshes.layout import Root
from femsim.meshes.mesh import Mesh, jacobians
from femsim.reports.plots.cells import CellField, MeshEdges, paint_regions
from femsim.reports.plots.outlines import all_edges, mesh_outlines
from femsim.reports.plots.picture import Picture, Window, picture
from femsim.reports.plots.style import (
    ACCENT,
    INK,
    NORMAL,
    SEQUENTIAL,
    SMALL,
    colour_bar,
    darker,
    length_axes,
    new_figure,
    own_axes,
    plain,
    shown,
    words,
)
from femsim.runs.run import Run


def padded(window: Window, by: float = 0.03) -> Window:
    """A window with a margin."""
    pad = by * max(window[1] - window[0], window[3] - window[2])
    return window[0] - pad, window[1] + pad, window[2] - pad, window[3] + pad


def around(what: Picture, root: Root, reach: float) -> Window:
    """A square window of ``reach`` (um) to each side of a root, cut at the body."""
    x0, x1, y0, y1 = what.body
    x, y = root.at
    return max(x - reach, x0), min(x + reach, x1), max(y - reach, y0), min(y + reach, y1)


def plot_mesh(result: Run | Discretisation | Mesh, ax: Axes | None = None, window: Window | None = None) -> Axes:
    """Draw the edges of the cells in their regions' colours; ``window`` (x0, x1, y0, y1 in um) draws a part of it."""
    what = picture(result)
    mesh = what.mesh
    if mesh is None:
        raise ValueError("plot_mesh needs a mesh")
    ax = own_axes(ax)
    colours = [what.colours[name] for name in mesh.regions]
    paint_regions(ax, mesh.points, mesh.cells, mesh.element, mesh.region, colours).set_alpha(None)
    edges = all_edges(mesh)
    order = [0, 1] if edges.nodes.shape[1] == 2 else [0, 2, 1]
    shades = np.array([[*darker(colour, 0.45), 1.0] for colour in colours])
    ax.add_collection(
        MeshEdges(mesh.points[edges.nodes[:, order]], shades[mesh.region[edges.cells[:, 0]]], linewidths=0.25, zorder=2)
    )
    ax.add_collection(LineCollection(mesh_outlines(mesh), colors=INK, linewidths=0.8, zorder=3))
    length_axes(ax, what.axes, window or padded(what.body))
    return ax


def plot_quality(result: Run | Discretisation | Mesh, ax: Axes | None = None) -> Axes:
    """Draw the scaled Jacobian of every cell: 1 is a parallelogram, 0 or less is inverted."""
    what = picture(result)
    mesh = what.mesh
    if mesh is None:
        raise ValueError("plot_quality needs a mesh")
    ax = own_axes(ax)
    determinant, _ = jacobians(mesh, slice(None), shape(mesh.element, gauss_points(mesh.element, mesh.info.full)[0])[1])
    scaled = determinant.min(axis=1) / np.abs(determinant).max(axis=1)
    field = CellField(
        mesh.points,
        mesh.cells,
        mesh.element,
        values=scaled,
        cmap=SEQUENTIAL,
        norm=Normalize(min(0.0, scaled.min()), 1.0),
    )
    ax.add_collection(field)
    ax.add_collection(LineCollection(mesh_outlines(mesh), colors=INK, linewidths=0.7, zorder=3))
    length_axes(ax, what.axes, padded(what.body))
    colour_bar(ax, field, "scaled Jacobian (-)", "neither")
    return ax


def mesh_figure(result: Run | Discretisation) -> Figure:
    """A page: the whole mesh, and its grading at the first root."""
    what = picture(result)
    disc = result.discretisation if isinstance(result, Run) else result
    windows = [padded(what.body)]
    if what.roots:
        root = what.roots[0]
        windows.append(around(what, root, 2.0 * min(max(disc.lengths), root.width, root.height)))
    shapes = [(w[1] - w[0]) / (w[3] - w[2]) for w in windows]
    tall = min(4.6, 9.4 / sum(shapes))
    rows = -(-len(what.regions) // 4)
    figure = new_figure(max(tall * sum(shapes) + 1.0 * len(shapes), 5.0), tall + 0.85 + 0.2 * rows)
    grid = figure.subplots(1, len(windows), width_ratios=shapes, squeeze=False)[0]
    for number, (ax, window) in enumerate(zip(grid, windows, strict=True)):
        plot_mesh(result, ax, window)
        if number:
            title = ax.set_title(f"grading at {words(what.roots[0].name)}", fontsize=NORMAL)
            plain(title)
            grid[0].add_patch(
                Rectangle(
                    (window[0], window[2]),
                    window[1] - window[0],
                    window[3] - window[2],
                    fill=False,
                    ec=ACCENT,
                    lw=1.2,
                    zorder=4,
                )
            )
        else:
            mesh = disc.mesh
            ax.set_title(f"{len(mesh.cells):,} {mesh.element}, {len(mesh.points):,} nodes", fontsize=NORMAL)
    handles = [
        Line2D([], [], ls="", marker="s", ms=7, mec=darker(c, 0.45), mfc=c, label=shown(words(r)))
        for r, c in what.colours.items()
    ]
    legend = figure.legend(
        handles=handles, loc="outside lower center", ncols=min(4, len(handles)), fontsize=SMALL, frameon=False
    )
    for text in legend.get_texts():
        plain(text)
    return figure
