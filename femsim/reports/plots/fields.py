"""Stress on the deformed body, temperature, close-ups of roots: averaged at nodes inside a region, never across an
interface, so that jumps there show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import Normal, Stroke

from femsim.base.arrays import FloatArray
from femsim.meshes.layout import Root
from femsim.reports.plots.cells import CellField
from femsim.reports.plots.look import ACCENT, DIVERGING, FAINT, INK, LENGTH, NORMAL, SEQUENTIAL, SMALL, limits, words
from femsim.reports.plots.outlines import mesh_outlines
from femsim.reports.plots.picture import Window, around, padded
from femsim.reports.plots.scene import Scene, scene
from femsim.reports.plots.sheet import FOOT, HEAD, LEFT, Sheet, faint_frame, title
from femsim.reports.plots.style import colour_bar, length_axes, own_axes, plain, stress_label

if TYPE_CHECKING:
    from femsim.runs.run import Run

#: a root's close-up reaches this many averaging lengths
REACH = 3.0
#: map of what is no stress
OTHER = "cividis"
#: width of a page and greatest height of its panels, inches
PAGE, TALLEST = 10.2, 3.1


def stress_field(result: Run | Scene, component: str) -> FloatArray:
    """Values (E, n) in MPa at each cell's own nodes of a stress component (``rr``, ``zz``, ..., or ``von_mises``)."""
    return scene(result).values(component)


def components(result: Run | Scene) -> tuple[str, ...]:
    """The stress components of a run, von Mises last."""
    return (*scene(result).components, "von_mises")


def plot_deformed(
    result: Run | Scene, component: str = "von_mises", ax: Axes | None = None, scale: float | None = None
) -> Axes:
    """Draw a stress component on the deformed body; ``scale`` enlarges the displacement (default: a round number that
    shows it). ``component`` ``u`` is the size of the displacement.

    Colours end at the 1st and 99th percentile by area: a singular field has no largest value.
    """
    ax = own_axes(ax)
    what = scene(result)
    factor = what.scale if scale is None else scale
    field = _add_deformed(ax, what, component, what.mesh.points + factor * what.displacement)
    x0, x1, y0, y1 = _both(what, factor)
    length_axes(ax, what.picture.axes, padded((x0, x1, y0, y1), 0.02))
    ax.set_title(f"{label_of(component)}, deformation x {factor:g}", fontsize=NORMAL)
    unit = LENGTH if component == "u" else "MPa"
    colour_bar(ax, field, f"{label_of(component)} ({unit}), clipped", _extend(component))
    return ax


def label_of(component: str) -> str:
    """A component's symbol."""
    return "displacement |u|" if component == "u" else stress_label(component)


def _extend(component: str) -> Literal["neither", "both", "max"]:
    return "neither" if component == "u" else "max" if component == "von_mises" else "both"


def _both(what: Scene, factor: float) -> Window:
    """The box of the body, deformed and not."""
    points = np.concatenate([what.mesh.points, what.mesh.points + factor * what.displacement])
    (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
    return float(x0), float(x1), float(y0), float(y1)


def _add_deformed(ax: Axes, what: Scene, component: str, points: FloatArray) -> CellField:
    """A component on the deformed body, with its lines and the undeformed ones."""
    values = what.values(component)
    field = _add_field(ax, what, points, values, component, what.limits(component))
    ax.add_collection(
        LineCollection(mesh_outlines(what.mesh), colors=FAINT, linewidths=0.5, linestyles=(0, (3, 2)), zorder=2)
    )
    ax.add_collection(LineCollection(mesh_outlines(what.mesh, points), colors=INK, linewidths=0.6, zorder=3))
    return field


def _add_field(
    ax: Axes, what: Scene, points: FloatArray, values: FloatArray, component: str, ends: tuple[float, float]
) -> CellField:
    mesh = what.mesh
    cmap = OTHER if component == "u" else SEQUENTIAL if component == "von_mises" else DIVERGING
    field = CellField(
        points,
        mesh.cells,
        mesh.element,
        values=values,
        rasters=what.rasters,
        flat=points is mesh.points and bool(mesh.rectangular.all()),
        cmap=cmap,
        norm=Normalize(*ends),
        zorder=1,
    )
    ax.add_collection(field)
    return field


def deformed_figure(result: Run | Scene) -> Figure:
    """A page with all stress components and the size of the displacement on the deformed body."""
    what = scene(result)
    names = (*components(what), "u")
    _, _, y0, y1 = what.window
    moved = _both(what, what.scale)
    full = what.picture.body
    shown = padded((moved[0], moved[1], moved[2] if y0 == full[2] else y0, moved[3] if y1 == full[3] else y1), 0.015)
    aspect = (shown[1] - shown[0]) / (shown[3] - shown[2])
    columns, wide, tall = _grid(len(names), aspect)
    rows = -(-len(names) // columns)
    scale = wide / (shown[1] - shown[0])
    gap = (PAGE - LEFT - 0.15 - columns * wide) / max(columns - 1, 1)
    gap = min(gap, 0.9)
    cell = tall + HEAD + BAR
    sheet = Sheet(LEFT + 0.3 + columns * wide + (columns - 1) * gap, rows * cell + FOOT + 0.16)
    points = what.mesh.points + what.scale * what.displacement
    for number, name in enumerate(names):
        row, column = divmod(number, columns)
        left, bottom = LEFT + column * (wide + gap), FOOT + (rows - 1 - row) * cell + BAR - 0.02
        ax = sheet.panel(left, bottom, scale, shown, what.picture.axes)
        field = _add_deformed(ax, what, name, points)
        title(ax, f"{label_of(name)} ({LENGTH if name == 'u' else 'MPa'})")
        faint_frame(ax, left=column == 0, below=row == rows - 1)
        under = 0.62 if row == rows - 1 else 0.24
        sheet.bar((left + 0.04 * wide, bottom - under, 0.92 * wide, 0.09), field, "", _extend(name))
    head = f"Deformation drawn {what.scale:g} times as large; dashed: undeformed"
    if what.cut:
        head += f"; not drawn: {what.cut}"
    sheet.text(LEFT, sheet.height - 0.08, head, SMALL, ha="left", va="top")
    return sheet.figure


#: room below a panel for its colour bar
BAR = 0.42


def _grid(count: int, aspect: float) -> tuple[int, float, float]:
    """Columns, and width and height in inches of the panels, that fill a page best without an empty place."""
    best: tuple[float, int, float, float] | None = None
    for columns in (k for k in range(1, count + 1) if count % k == 0):
        rows = count // columns
        wide = (PAGE - LEFT - 0.3 - 0.3 * (columns - 1)) / columns
        tall = min(wide / aspect, TALLEST, (11.0 - FOOT) / rows - HEAD - BAR)
        if tall < 0.4 or tall * aspect < 0.9:
            continue
        # large panels, but no page taller than it is wide by much
        worth = min(tall * aspect, wide) * tall / max(1.0, rows * (tall + HEAD + BAR) / 7.5)
        if best is None or worth > best[0]:
            best = worth, columns, tall * aspect, tall
    if best is None:
        wide = max(0.9, min(PAGE - LEFT - 0.3, 0.6 * aspect))
        return (1 if aspect > 1 else count), wide, wide / aspect
    return best[1:]


def plot_root(
    result: Run | Scene,
    root: Root | str,
    ax: Axes | None = None,
    component: str = "von_mises",
    window: Window | None = None,
) -> Axes:
    """Draw a stress component around a root, undeformed, with the interfaces and the rings that the averages run
    over.
    """
    ax = own_axes(ax)
    what = scene(result)
    root = what.root(root)
    shown = window or around(what.picture, root, REACH * what.lengths_of(root)[0])
    field = _add_root(ax, what, root, component, shown)
    length_axes(ax, what.picture.axes, shown)
    plain(ax.set_title(f"{what.words(root)}: {stress_words(what, component)}", fontsize=NORMAL))
    colour_bar(ax, field, f"{stress_label(component)} (MPa), clipped", _extend(component))
    return ax


def _add_root(ax: Axes, what: Scene, root: Root, component: str, shown: Window) -> CellField:
    mesh = what.mesh
    values = what.values(component)
    x = mesh.points[mesh.cells]
    inside = np.all((x.max(axis=1) >= [shown[0], shown[2]]) & (x.min(axis=1) <= [shown[1], shown[3]]), axis=1)
    ends = limits(values[inside], _area_within(x[inside], shown), component != "von_mises")
    field = _add_field(ax, what, mesh.points, values, component, ends)
    ax.add_collection(LineCollection(mesh_outlines(mesh), colors=INK, linewidths=1.1, zorder=3))
    for length in what.lengths_of(root):
        corner = [min(root.at[k], root.at[k] + root.into[k] * length) for k in range(2)]
        ring = Rectangle(
            (corner[0], corner[1]), length, length, fill=False, ec="white", lw=1.4, ls=(0, (4, 2)), zorder=4
        )
        ring.set_path_effects([Stroke(linewidth=2.6, foreground=ACCENT), Normal()])
        ax.add_patch(ring)
        far = (root.at[0] + root.into[0] * length, root.at[1] + root.into[1] * length)
        if length >= 0.08 * (shown[1] - shown[0]):
            text = ax.annotate(
                f"{length:g} {LENGTH}",
                xy=far,
                xytext=(2 * -root.into[0], 4 * root.into[1]),
                textcoords="offset points",
                fontsize=SMALL,
                color="white",
                zorder=5,
            )
            text.set(ha="left" if root.into[0] < 0 else "right", va="bottom" if root.into[1] > 0 else "top")
            text.set_path_effects([Stroke(linewidth=2.2, foreground=INK), Normal()])
    _name_regions(ax, what, root, shown)
    return field


def stress_words(result: Run | Scene, component: str) -> str:
    """A stress component in plain words."""
    names = scene(result).components
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


def _name_regions(ax: Axes, what: Scene, root: Root, shown: Window) -> None:
    """Region names in the four quarters around a root, each name once."""
    mesh = what.mesh
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


def root_figure(result: Run | Scene, root: Root | str) -> Figure:
    """A page: peel, shear and von Mises stress around a root."""
    what = scene(result)
    root = what.root(root)
    names = (what.components[1], what.components[3], "von_mises")
    window = around(what.picture, root, REACH * what.lengths_of(root)[0])
    each = (PAGE - LEFT - 0.2 - 2 * 0.42) / 3
    scale = min(each / (window[1] - window[0]), 3.6 / (window[3] - window[2]))
    wide, tall = scale * (window[1] - window[0]), scale * (window[3] - window[2])
    gap = 0.42
    sheet = Sheet(LEFT + 3 * wide + 2 * gap + 0.2, FOOT + BAR + tall + HEAD + 0.04)
    for number, name in enumerate(names):
        left, bottom = LEFT + number * (wide + gap), FOOT + BAR
        ax = sheet.panel(left, bottom, scale, window, what.picture.axes)
        field = _add_root(ax, what, root, name, window)
        faint_frame(ax, left=number == 0, below=True)
        plain(title(ax, f"{stress_words(what, name)} (MPa)"))
        sheet.bar((left + 0.04 * wide, bottom - 0.62, 0.92 * wide, 0.09), field, "", _extend(name))
    return sheet.figure
