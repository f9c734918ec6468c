"""Stress on the deformed body, temperature, close-ups of roots: every cell with its own values, so that jumps at
interfaces show.
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import Normal, Stroke

from femsim.base.arrays import FloatArray
from femsim.measures.stress import nodal_stress
from femsim.meshes.elements import gauss_points, shape
from femsim.meshes.layout import Root
from femsim.meshes.mesh import jacobians
from femsim.models.kinematics import von_mises
from femsim.reports.plots.cells import CellField
from femsim.reports.plots.memo import once
from femsim.reports.plots.mesh import around, padded
from femsim.reports.plots.outlines import mesh_outlines
from femsim.reports.plots.picture import Window, picture
from femsim.reports.plots.style import (
    ACCENT,
    DIVERGING,
    FAINT,
    INK,
    NORMAL,
    SEQUENTIAL,
    SMALL,
    colour_bar,
    length_axes,
    limits,
    new_figure,
    own_axes,
    plain,
    round_125,
    stress_label,
    words,
)
from femsim.runs.run import Run

#: deformation is drawn as this fraction of the body's extent, or a little less
DEFORMATION = 0.08
#: a root's close-up reaches this many averaging lengths
REACH = 3.0


def stress_field(run: Run, component: str) -> FloatArray:
    """Values (E, n) in MPa at each cell's own nodes of a stress component (``rr``, ``zz``, ..., or ``von_mises``)."""
    stress = _nodal_stress(run)
    if component == "von_mises":
        return von_mises(stress)
    names = run.solution.model.kinematics.components
    if component not in names:
        raise ValueError(f"component: {component!r} is none of {', '.join((*names, 'von_mises'))}")
    return np.asarray(stress[..., names.index(component)])


def _nodal_stress(run: Run) -> FloatArray:
    """Stress (E, n, 4) of a run, kept as long as its solution lives: all panels share it."""
    solution = run.solution
    return once(solution, "nodal stress", lambda: nodal_stress(solution.field))


def components(run: Run) -> tuple[str, ...]:
    """The stress components of a run, von Mises last."""
    return (*run.solution.model.kinematics.components, "von_mises")


def areas(run: Run) -> FloatArray:
    """Area (E,) of every cell in the drawing plane, um2."""
    mesh = run.solution.model.mesh

    def compute() -> FloatArray:
        points, weights = gauss_points(mesh.element, mesh.info.full)
        determinant, _ = jacobians(mesh, slice(None), shape(mesh.element, points)[1])
        return np.asarray(determinant @ weights)

    return once(mesh, "areas", compute)


def deformation_scale(run: Run) -> float:
    """The factor, 1, 2 or 5 times a power of ten, that makes the largest displacement visible."""
    mesh = run.solution.model.mesh
    largest = float(np.linalg.norm(run.solution.displacement, axis=1).max())
    extent = mesh.extent
    return round_125(DEFORMATION * extent / largest) if largest > 1e-12 * extent else 1.0


def plot_deformed(
    run: Run, component: str = "von_mises", ax: Axes | None = None, scale: float | None = None, level: bool = False
) -> Axes:
    """Draw a stress component on the deformed body; ``scale`` enlarges the displacement (default: a round number that
    shows it).

    ``level`` puts the colour bar below. Colours end at the 1st and 99th percentile by area: a singular field has no
    largest value.
    """
    ax = own_axes(ax)
    mesh = run.solution.model.mesh
    factor = deformation_scale(run) if scale is None else scale
    points = mesh.points + factor * run.solution.displacement
    values = stress_field(run, component)
    signed = component != "von_mises"
    low, high = limits(values, areas(run), signed)
    field = _add_field(ax, run, points, values, signed, low, high)
    ax.add_collection(
        LineCollection(mesh_outlines(mesh), colors=FAINT, linewidths=0.5, linestyles=(0, (3, 2)), zorder=2)
    )
    ax.add_collection(LineCollection(mesh_outlines(mesh, points), colors=INK, linewidths=0.6, zorder=3))
    both = np.concatenate([mesh.points, points])
    (x0, y0), (x1, y1) = both.min(axis=0), both.max(axis=0)
    length_axes(ax, run.solution.model.kinematics.axes, padded((x0, x1, y0, y1), 0.02))
    ax.set_title(f"{stress_label(component)}, deformation x {factor:g}", fontsize=NORMAL)
    colour_bar(ax, field, f"{stress_label(component)} (MPa), clipped", "both" if signed else "max", level)
    return ax


def _add_field(
    ax: Axes, run: Run, points: FloatArray, values: FloatArray, signed: bool, low: float, high: float
) -> CellField:
    mesh = run.solution.model.mesh
    cmap = DIVERGING if signed else SEQUENTIAL
    field = CellField(points, mesh.cells, mesh.element, values=values, cmap=cmap, norm=Normalize(low, high), zorder=1)
    ax.add_collection(field)
    return field


def deformed_figure(run: Run) -> Figure:
    """A page with all stress components on the deformed body."""
    names = components(run)
    extent = np.ptp(run.solution.model.mesh.points, axis=0)
    aspect = float(extent[0] / extent[1])
    columns = 5 if aspect < 0.55 else 3 if aspect < 1.6 else 2
    rows = -(-len(names) // columns)
    wide = 10.2 / columns
    tall = min(max((wide - 1.0) / aspect + 0.6, 1.3), 5.2) + (0.75 if columns == 5 else 0.0)
    figure = new_figure(10.2, rows * tall)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax, name in zip(grid, names, strict=False):
        plot_deformed(run, name, ax, level=columns == 5)
        ax.set_title(stress_label(name), fontsize=NORMAL)
    for ax in grid[len(names) :]:
        ax.set_axis_off()
    for number, ax in enumerate(grid[: len(names)]):
        if number % columns:
            ax.set_ylabel("")
    figure.suptitle(f"Stress; deformation drawn {deformation_scale(run):g} times as large", fontsize=NORMAL + 1)
    return figure


def plot_temperature(run: Run, ax: Axes | None = None) -> Axes:
    """Draw the temperature (degC) of a run under a temperature field."""
    ax = own_axes(ax)
    model = run.solution.model
    mesh = model.mesh
    nodal = np.broadcast_to(np.asarray(model.temperature, dtype=float), (len(mesh.points),))
    field = CellField(mesh.points, mesh.cells, mesh.element, values=nodal[mesh.cells], cmap="cividis", zorder=1)
    field.set_clim(float(nodal.min()), max(float(nodal.max()), float(nodal.min()) + 1e-9))
    ax.add_collection(field)
    ax.add_collection(LineCollection(mesh_outlines(mesh), colors=INK, linewidths=0.7, zorder=3))
    length_axes(ax, model.kinematics.axes, padded(picture(run).body))
    colour_bar(ax, field, "temperature (degC)", "neither")
    return ax


def lengths_of(run: Run, root: Root) -> list[float]:
    """The averaging lengths used at a root, largest first."""
    return sorted({m.length for m in run.roots if m.root == root}, reverse=True) or [0.1 * min(root.width, root.height)]


def find_root(run: Run, root: Root | str) -> Root:
    """A root by its name."""
    if isinstance(root, Root):
        return root
    for one in run.discretisation.roots:
        if one.name == root:
            return one
    raise ValueError(f"no root {root!r}; there are: {', '.join(r.name for r in run.discretisation.roots) or 'none'}")


def root_words(run: Run, root: Root) -> str:
    """A root's name, with its place where another root has the same name."""
    shared = sum(other.name == root.name for other in run.discretisation.roots) > 1
    return words(root.name) + (f" at ({root.at[0]:g}, {root.at[1]:g})" if shared else "")


def plot_root(
    run: Run, root: Root | str, ax: Axes | None = None, component: str = "von_mises", window: Window | None = None
) -> Axes:
    """Draw a stress component around a root, undeformed, with the interfaces and the rings that the averages run
    over.
    """
    ax = own_axes(ax)
    root = find_root(run, root)
    mesh = run.solution.model.mesh
    lengths = lengths_of(run, root)
    shown = window or around(picture(run), root, REACH * lengths[0])
    values = stress_field(run, component)
    x = mesh.points[mesh.cells]
    inside = np.all((x.max(axis=1) >= [shown[0], shown[2]]) & (x.min(axis=1) <= [shown[1], shown[3]]), axis=1)
    signed = component != "von_mises"
    low, high = limits(values[inside], _area_within(x[inside], shown), signed)
    field = _add_field(ax, run, mesh.points, values, signed, low, high)
    ax.add_collection(LineCollection(mesh_outlines(mesh), colors=INK, linewidths=1.1, zorder=3))
    for length in lengths:
        corner = [min(root.at[k], root.at[k] + root.into[k] * length) for k in range(2)]
        ring = Rectangle(
            (corner[0], corner[1]), length, length, fill=False, ec="white", lw=1.4, ls=(0, (4, 2)), zorder=4
        )
        ring.set_path_effects([Stroke(linewidth=2.6, foreground=ACCENT), Normal()])
        ax.add_patch(ring)
        far = (root.at[0] + root.into[0] * length, root.at[1] + root.into[1] * length)
        if length >= 0.08 * (shown[1] - shown[0]):
            text = ax.annotate(
                f"{length:g} um",
                xy=far,
                xytext=(2 * -root.into[0], 3 * root.into[1]),
                textcoords="offset points",
                fontsize=SMALL,
                color="white",
            )
            text.set(ha="left" if root.into[0] < 0 else "right", va="bottom" if root.into[1] > 0 else "top")
            text.set_path_effects([Stroke(linewidth=2.2, foreground=INK), Normal()])
    _name_regions(ax, run, root, shown)
    length_axes(ax, run.solution.model.kinematics.axes, shown)
    title = ax.set_title(f"{root_words(run, root)}: {stress_words(run, component)}", fontsize=NORMAL)
    plain(title)
    colour_bar(ax, field, f"{stress_label(component)} (MPa), clipped", "both" if signed else "max")
    return ax


def stress_words(run: Run, component: str) -> str:
    """A stress component in plain words."""
    names = run.solution.model.kinematics.components
    if component == "von_mises":
        return "von Mises stress"
    special = {names[1]: "peel stress ", names[3]: "shear stress "}
    return f"{special.get(component, 'stress ')}{component}"


def _area_within(x: FloatArray, window: Window) -> FloatArray:
    """Area (E,) of the part of each cell's box that lies in a window."""
    low, high = x.min(axis=1), x.max(axis=1)
    wide = np.minimum(high[:, 0], window[1]) - np.maximum(low[:, 0], window[0])
    tall = np.minimum(high[:, 1], window[3]) - np.maximum(low[:, 1], window[2])
    return np.asarray(np.maximum(wide, 0.0) * np.maximum(tall, 0.0))


def _name_regions(ax: Axes, run: Run, root: Root, shown: Window) -> None:
    """Region names in the four quarters around a root, each name once."""
    mesh = run.solution.model.mesh
    middle = mesh.points[mesh.cells[:, : mesh.info.corners]].mean(axis=1)
    named: set[str] = set()
    for sx, sy in ((1, 1), (-1, -1), (1, -1), (-1, 1)):
        room_x = shown[1] - root.at[0] if sx > 0 else root.at[0] - shown[0]
        room_y = shown[3] - root.at[1] if sy > 0 else root.at[1] - shown[2]
        if room_x <= 0 or room_y <= 0:
            continue
        at = (root.at[0] + 0.72 * sx * room_x, root.at[1] + 0.8 * sy * room_y)
        nearest = int(np.argmin(np.linalg.norm(middle - np.array(at), axis=1)))
        name = mesh.regions[mesh.region[nearest]]
        if name in named:
            continue
        named.add(name)
        text = ax.text(*at, words(name), fontsize=SMALL, color="white", ha="center", va="center", zorder=5)
        text.set_path_effects([Stroke(linewidth=2.2, foreground=INK), Normal()])
        plain(text)


def root_figure(run: Run, root: Root | str) -> Figure:
    """A page: peel and von Mises stress around a root."""
    names = (run.solution.model.kinematics.components[1], "von_mises")
    window = around(picture(run), find_root(run, root), REACH * lengths_of(run, find_root(run, root))[0])
    tall = min(4.2 * (window[3] - window[2]) / (window[1] - window[0]), 4.6)
    figure = new_figure(10.2, tall + 0.4)
    for ax, name in zip(figure.subplots(1, 2), names, strict=True):
        plot_root(run, root, ax, name)
    return figure
