"""Temperature with its isotherms and the heat flux with its direction, drawn cell by cell: both jump at a contact."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import BoundaryNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patheffects import Normal, Stroke
from matplotlib.ticker import MaxNLocator

from femsim.base.arrays import FloatArray
from femsim.meshes.elements import gauss_points, shape
from femsim.meshes.mesh import jacobians
from femsim.reports.plots.cells import CellField
from femsim.reports.plots.look import DPI, INK, SEQUENTIAL, limits
from femsim.reports.plots.outlines import mesh_outlines
from femsim.reports.plots.picture import Window, padded
from femsim.reports.plots.raster import Raster
from femsim.reports.plots.scene import Scene
from femsim.reports.plots.sheet import FOOT, HEAD, LEFT, Sheet, title
from femsim.reports.plots.style import colour_bar, length_axes, own_axes
from femsim.reports.plots.warm import Warm, warm

if TYPE_CHECKING:
    from femsim.runs.heat import HeatRun
    from femsim.runs.run import Run

#: map of temperatures
WARMTH = "plasma"
#: isotherms drawn, and pixels to a pixel of the grid they are found on
ISOTHERMS, COARSE = 12, 2
#: inches between arrows of the flux
SPACING = 0.26
#: largest width of a page's panels and height of one, inches; panels of a body wider than SLIM of its height stand one
#: on the other
WIDEST, TALLEST, SLIM = 8.0, 5.6, 1.1
#: room right of a panel for its colour bar
BAR = 0.85


def plot_temperature(result: Run | HeatRun | Scene | Warm, ax: Axes | None = None) -> Axes:
    """Draw the temperature (degC) of a run: bands between isotherms, the outlines of regions."""
    ax = own_axes(ax)
    what = warm(result)
    window = padded(what.picture.body)
    length_axes(ax, what.picture.axes, window)
    field = _add_temperature(ax, what, window, 150.0)
    colour_bar(ax, field, "temperature (°C)", "neither")
    return ax


def plot_heat_flux(result: Run | HeatRun | Warm, ax: Axes | None = None) -> Axes:
    """Draw the size (W/m2) and the direction of the heat flux of a run with ``[heat]``."""
    ax = own_axes(ax)
    what = warm(result)
    window = padded(what.picture.body)
    length_axes(ax, what.picture.axes, window)
    field = _add_flux(ax, what, window, (20, 20))
    colour_bar(ax, field, "heat flux (W/m²), clipped", "max")
    return ax


def temperature_figure(result: Run | HeatRun | Scene | Warm) -> Figure:
    """A page with the temperature field and its isotherms, and beside it the heat flux where it is known."""
    what = warm(result)
    window = padded(what.picture.body)
    wide, tall = window[1] - window[0], window[3] - window[2]
    both = what.flux is not None
    beside = both and wide < SLIM * tall
    each = (WIDEST - BAR) / 2 if beside else WIDEST
    scale = min(each / wide, TALLEST / tall)
    wide, tall = scale * wide, scale * tall
    across = LEFT + wide + BAR
    up = FOOT + tall + HEAD
    sheet = Sheet(max(across * (2 if beside else 1), 3.4), up * (2 if both and not beside else 1) + 0.04)
    middle = 0.5 * (sheet.width / (2 if beside else 1) - across)
    left, bottom = LEFT + middle, FOOT + (up if both and not beside else 0.0)
    ax = sheet.panel(left, bottom, scale, window, what.picture.axes)
    _bar(sheet, ax, _add_temperature(ax, what, window, scale * DPI / COARSE), "temperature (°C)", "neither")
    if both:
        ax = sheet.panel(left + (sheet.width / 2 if beside else 0.0), FOOT, scale, window, what.picture.axes)
        arrows = (max(int(wide / SPACING), 2), max(int(tall / SPACING), 2))
        _bar(sheet, ax, _add_flux(ax, what, window, arrows), "heat flux (W/m²)", "max")
    return sheet.figure


def _bar(sheet: Sheet, ax: Axes, field: CellField, text: str, extend: str) -> None:
    box = ax.get_position()
    tall = box.height * sheet.height
    bar = max(min(tall, 3.5) - 0.1, 0.3)
    bottom = box.y0 * sheet.height + 0.5 * (tall - bar)
    place = (box.x1 * sheet.width + 0.13, bottom, 0.14, bar)
    steps = field.norm.boundaries.tolist() if isinstance(field.norm, BoundaryNorm) else None
    sheet.bar(place, field, "", extend, steps)  # type: ignore[arg-type]
    title(ax, text)


def _raster(what: Warm, window: Window, size: tuple[int, int]) -> Raster:
    """The cells under a grid of ``size`` (columns, rows) points that fills a window."""
    x0, x1, y0, y1 = window
    sx, sy = size[0] / (x1 - x0), size[1] / (y1 - y0)
    place = np.array([[sx, 0.0, -sx * x0], [0.0, sy, -sy * y0], [0.0, 0.0, 1.0]])
    mesh = what.mesh
    return what.rasters.find(mesh.points, mesh.cells, mesh.element, place, size, bool(mesh.rectangular.all()))


def _middles(window: Window, size: tuple[int, int]) -> tuple[FloatArray, FloatArray]:
    """Where the grid's points lie: columns and rows."""
    x0, x1, y0, y1 = window
    x = x0 + (np.arange(size[0]) + 0.5) / size[0] * (x1 - x0)
    return x, y0 + (np.arange(size[1]) + 0.5) / size[1] * (y1 - y0)


def _field(ax: Axes, what: Warm, values: FloatArray, cmap: str, norm: Normalize) -> CellField:
    mesh = what.mesh
    flat = bool(mesh.rectangular.all())
    options = {"values": values, "rasters": what.rasters, "flat": flat, "cmap": cmap, "norm": norm, "zorder": 1}
    field = CellField(mesh.points, mesh.cells, mesh.element, **options)  # type: ignore[arg-type]
    ax.add_collection(field)
    ax.add_collection(LineCollection(mesh_outlines(mesh), colors=INK, linewidths=0.7, zorder=4))
    return field


def levels(low: float, high: float) -> FloatArray:
    """Round temperatures from below the lowest to above the highest."""
    return np.asarray(MaxNLocator(ISOTHERMS, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high))


def _add_temperature(ax: Axes, what: Warm, window: Window, fine: float) -> CellField:
    """Bands of colour between isotherms with their values; ``fine`` points of the grid to an um."""
    low, high = float(what.temperature.min()), float(what.temperature.max())
    if what.level:
        return _field(ax, what, what.temperature, WARMTH, Normalize(low - 0.5, high + 0.5))
    steps = levels(low, high)
    field = _field(ax, what, what.temperature, WARMTH, BoundaryNorm(steps, 256))
    size = tuple(int(np.clip((window[k + 1] - window[k]) * fine, 60, 1200)) for k in (0, 2))
    raster = _raster(what, window, (size[0], size[1]))
    grid = np.full(size[0] * size[1], np.nan)
    grid[raster.pixel] = raster.values(what.temperature)
    x, y = _middles(window, (size[0], size[1]))
    inner = [step for step in steps if low < step < high]
    if inner:
        drawn = np.ma.masked_invalid(grid.reshape(size[1], size[0]))
        lines = ax.contour(x, y, drawn, levels=inner, colors="white", linewidths=0.6, zorder=3)
        for text in ax.clabel(lines, inner, fontsize=6.5, fmt="%g", inline_spacing=2):
            text.set_path_effects([Stroke(linewidth=1.6, foreground=INK), Normal()])
    return field


def _add_flux(ax: Axes, what: Warm, window: Window, arrows: tuple[int, int]) -> CellField:
    """Size of the flux in colour, its direction as arrows, as long as the root of its size tells."""
    assert what.flux is not None
    size = np.linalg.norm(what.flux, axis=-1)
    _, top = limits(size, _areas(what), signed=False)
    if what.level:
        top = 1.0  # what flows is rounding
    field = _field(ax, what, size, SEQUENTIAL, Normalize(0.0, top))
    raster = _raster(what, window, arrows)
    x, y = _middles(window, arrows)
    flux = np.column_stack([raster.values(what.flux[..., k]) for k in (0, 1)])
    length = np.linalg.norm(flux, axis=1)
    seen = length > 0.01 * top
    if np.any(seen):
        step = min((window[1] - window[0]) / arrows[0], (window[3] - window[2]) / arrows[1])
        scale = step * np.sqrt(np.minimum(length[seen] / top, 1.0)) / length[seen]
        u, v = (flux[seen] * scale[:, None]).T
        at = raster.pixel[seen]
        drawn = ax.quiver(
            x[at % arrows[0]] - 0.5 * u,
            y[at // arrows[0]] - 0.5 * v,
            u,
            v,
            angles="xy",
            scale_units="xy",
            scale=1.0,
            color="white",
            units="inches",
            width=0.014,
            headwidth=4.0,
            headlength=4.5,
            zorder=5,
        )
        drawn.set_path_effects([Stroke(linewidth=0.9, foreground=INK), Normal()])
    return field


def _areas(what: Warm) -> FloatArray:
    points, weights = gauss_points(what.mesh.element, what.mesh.info.full)
    determinant, _ = jacobians(what.mesh, slice(None), shape(what.mesh.element, points)[1])
    return np.asarray(determinant @ weights)
