"""The mesh drawn: its edges in the colours of the regions, and how good its cells are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import Normal, Stroke

from femsim.meshes.elements import gauss_points, shape
from femsim.meshes.layout import Root
from femsim.meshes.mesh import Mesh, jacobians
from femsim.reports.plots.cells import CellField, MeshEdges, paint_regions
from femsim.reports.plots.look import ACCENT, INK, NORMAL, SEQUENTIAL, shown, words
from femsim.reports.plots.outlines import all_edges, mesh_outlines
from femsim.reports.plots.picture import Picture, Window, around, padded, picture
from femsim.reports.plots.sheet import FOOT, HEAD, LEFT, LINE, Sheet, swatch, title
from femsim.reports.plots.style import colour_bar, darker, length_axes, own_axes, plain

if TYPE_CHECKING:
    from femsim.builders.discretisation import Discretisation
    from femsim.runs.run import Run

#: width of a page and height of its panels, inches
PAGE, TALLEST = 10.2, 4.6


def plot_mesh(
    result: Run | Discretisation | Mesh | Picture, ax: Axes | None = None, window: Window | None = None
) -> Axes:
    """Draw the edges of the cells in their regions' colours; ``window`` (x0, x1, y0, y1 in um) draws a part of it."""
    what = picture(result)
    ax = own_axes(ax)
    _add_mesh(ax, what, _mesh(what))
    length_axes(ax, what.axes, window or padded(what.body))
    return ax


def _add_mesh(ax: Axes, what: Picture, mesh: Mesh) -> None:
    colours = [what.colours[name] for name in mesh.regions]
    if what.plan is not None:
        fill = [what.colours[what.regions[n]] for _, n in what.plan.polygons]
        shapes = [polygon for polygon, _ in what.plan.polygons]
        ax.add_collection(PolyCollection(shapes, facecolors=fill, edgecolors=fill, linewidths=0.3, zorder=1))
    else:
        paint_regions(ax, mesh.points, mesh.cells, mesh.element, mesh.region, colours)
    edges = all_edges(mesh)
    order = [0, 1] if edges.nodes.shape[1] == 2 else [0, 2, 1]
    shades = np.array([[*darker(colour, 0.45), 1.0] for colour in colours])
    ax.add_collection(
        MeshEdges(mesh.points[edges.nodes[:, order]], shades[mesh.region[edges.cells[:, 0]]], linewidths=0.25, zorder=2)
    )
    ax.add_collection(LineCollection(mesh_outlines(mesh), colors=INK, linewidths=0.8, zorder=3))


def plot_quality(result: Run | Discretisation | Mesh | Picture, ax: Axes | None = None) -> Axes:
    """Draw the scaled Jacobian of every cell: 1 is a parallelogram, 0 or less is inverted."""
    what = picture(result)
    mesh = _mesh(what)
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


def mesh_figure(result: Run | Discretisation | Picture) -> Figure:
    """A page: the whole mesh, and its grading at the first root."""
    what = picture(result)
    mesh = _mesh(what)
    windows = [padded(what.body)]
    if what.roots:
        root = what.roots[0]
        windows.append(around(what, root, _reach(what, root)))
    sizes = [(w[1] - w[0], w[3] - w[2]) for w in windows]
    room = PAGE - LEFT * len(windows) - 0.3
    tall = min(TALLEST, room / sum(wide / high for wide, high in sizes))
    wides = [tall * wide / high for wide, high in sizes]
    names = [shown(words(region)) for region in what.regions]
    width = max(sum(wides) + (LEFT + 0.15) * len(windows), 3.2)
    rows, _ = Sheet.columns(names, width - 0.7)
    legend = LINE * rows + 0.14
    sheet = Sheet(width, tall + HEAD + FOOT + legend)
    left = LEFT
    panels = []
    for number, (window, wide) in enumerate(zip(windows, wides, strict=True)):
        ax = sheet.panel(left, FOOT + legend, tall / sizes[number][1], window, what.axes)
        panels.append(ax)
        _add_mesh(ax, what, mesh)
        left += wide + LEFT + 0.15
        if not number:
            lead = "a: " if len(windows) > 1 else ""
            title(ax, f"{lead}{len(mesh.cells):,} {mesh.element}, {len(mesh.points):,} nodes")
            continue
        ax.set_ylabel("")
        plain(title(ax, f"b: grading at {words(what.roots[0].name)}"))
        zoom_box(panels[0], window, "b")
    sheet.legend([(swatch(what.colours[r]), name) for r, name in zip(what.regions, names, strict=True)], LEFT)
    return sheet.figure


def _reach(what: Picture, root: Root) -> float:
    """How far a close-up of the grading reaches: ten smallest things would be dots, the whole conductor a blur."""
    x0, x1, y0, y1 = what.body
    return min(0.4 * min(root.width, root.height), 0.06 * max(x1 - x0, y1 - y0))


def zoom_box(ax: Axes, window: Window, letter: str) -> None:
    """The outline of a closer panel, with that panel's letter beside it."""
    x0, x1, y0, y1 = window
    ax.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, ec=ACCENT, lw=1.2, zorder=6))
    limits = ax.get_xlim()
    right = x1 + 0.06 * (limits[1] - limits[0]) < limits[1]
    text = ax.annotate(
        letter,
        xy=(x1 if right else x0, y1),
        xytext=(2.5 if right else -2.5, 0),
        textcoords="offset points",
        fontsize=NORMAL,
        fontweight="bold",
        color=ACCENT,
        ha="left" if right else "right",
        va="top",
        zorder=8,
    )
    text.set_path_effects([Stroke(linewidth=2.4, foreground="white"), Normal()])


def _mesh(what: Picture) -> Mesh:
    if what.mesh is None:
        raise ValueError("a picture of a mesh needs a mesh")
    return what.mesh
