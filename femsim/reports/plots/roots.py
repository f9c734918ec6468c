"""Tractions along the interface at a root against the distance from it: both sides, the averages, and the power law."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from femsim.base.arrays import FloatArray
from femsim.measures.averages import RootMetrics, interface_edges
from femsim.measures.corner.intensity import RootField
from femsim.meshes.elements import gauss_points, node_points, reduced_basis
from femsim.meshes.layout import Root
from femsim.models.sampling import sample
from femsim.reports.plots.fields import find_root, lengths_of, root_words
from femsim.reports.plots.marks import spread
from femsim.reports.plots.style import (
    FAINT,
    INK,
    LENGTH,
    NORMAL,
    SMALL,
    new_figure,
    own_axes,
    plain,
    stress_label,
    tidy,
    words,
)
from femsim.runs.run import Run

PEEL, SHEAR = "#c0392b", "#1f5fa8"
#: places on a cell's edge at which tractions are drawn
PLACES = np.array([0.0, 0.25, 0.5, 0.75, 1.0])


@dataclass(frozen=True)
class Side:
    """Tractions on one side of the interface, cell by cell outward from the root: distance (K, p) in um, peel and shear
    (K, p) in MPa.
    """

    regions: tuple[str, ...]
    distance: FloatArray
    peel: FloatArray
    shear: FloatArray


def interface_tractions(run: Run, root: Root | str, other: bool = False) -> Side | None:
    """Tractions along the conductor's part of the root's interface, in the conductor or on the ``other`` side; None
    where there is none.
    """
    root = find_root(run, root)
    space = run.solution.space
    mesh = space.mesh
    if other:
        root = replace(root, into=(root.into[0], 1 if root.into[1] < 0 else -1))
        cells = np.flatnonzero(mesh.region != mesh.regions.index(root.region))
    else:
        cells = mesh.cells_of(root.region)
    corner = node_points(mesh.element)
    reduced, _ = gauss_points(mesh.element, mesh.info.reduced)
    distance, peel, shear, regions = [], [], [], set()
    for number, chosen, _ in interface_edges(mesh, root, root.width, cells):
        edge = list(mesh.info.edges[number])
        along = corner[edge[0]] + PLACES[:, None] * (corner[edge[1]] - corner[edge[0]])
        at = sample(space, chosen, along)
        values = run.solution.field.stress(sample(space, chosen, reduced))
        values = np.matmul(reduced_basis(mesh.element, along)[None], values)
        distance.append(np.abs(at.position[..., 0] - root.at[0]))
        peel.append(values[..., 1])
        shear.append(values[..., 3])
        regions |= {mesh.regions[i] for i in np.unique(mesh.region[chosen])}
    if not distance:
        return None
    d, p, s = (np.concatenate(v) for v in (distance, peel, shear))
    turn = d[:, 0] > d[:, -1]
    d[turn], p[turn], s[turn] = d[turn, ::-1], p[turn, ::-1], s[turn, ::-1]
    order = np.argsort(d[:, 0])
    return Side(tuple(sorted(regions)), d[order], p[order], s[order])


@dataclass(frozen=True)
class PowerLaw:
    """``peel = a d^exponent + b``, ``shear = c d^exponent + e`` with one exponent, fitted between two distances
    (um).
    """

    exponent: float
    low: float
    high: float
    amplitude: float


def power_law(side: Side, length: float) -> PowerLaw | None:
    """The power law of the tractions; None where the mesh gives too few points, or no single power describes them to 2
    %.

    Fitted by least squares from ten first cells off the root, where the mesh resolves the field, to a tenth of the
    averaging length; the constants stand for the thermal stress and what else stays finite. The exponent is found by
    scanning: all else is linear.
    """
    middle = len(PLACES) // 2
    low, high = 10.0 * float(side.distance[0, -1]), 0.1 * length
    d = side.distance[:, middle]
    inside = (d >= low) & (d <= high)
    if inside.sum() < 6:
        return None
    d, both = d[inside], np.stack([side.peel[inside, middle], side.shear[inside, middle]], axis=1)
    size = np.hypot(both[:, 0], both[:, 1])
    if not size.min() > 0:
        return None
    best: tuple[float, float, float] | None = None
    for exponent in np.linspace(-0.95, -0.01, 189):
        basis = np.column_stack([d**exponent, np.ones_like(d)]) / size[:, None]
        found, *_ = np.linalg.lstsq(basis, both / size[:, None], rcond=None)
        miss = float(np.sqrt(np.mean((basis @ found - both / size[:, None]) ** 2)))
        if best is None or miss < best[0]:
            best = miss, float(exponent), float(np.hypot(*found[0]))
    if best is None or best[0] > 0.02 or best[1] < -0.94 or best[1] > -0.015:
        return None
    return PowerLaw(best[1], low, high, best[2])


def _drawn(side: Side) -> FloatArray:
    """Distances without the root itself, which a log axis cannot hold."""
    first = float(side.distance[0, -1])
    return np.maximum(side.distance, 0.2 * first)


def _lines(values: FloatArray) -> FloatArray:
    """Cell by cell with gaps between, so that jumps from cell to cell are not bridged."""
    return np.column_stack([values, np.full(len(values), np.nan)]).ravel()


def plot_interface(run: Run, root: Root | str, ax: Axes | None = None) -> Axes:
    """Draw peel and shear traction against distance from a root (log axis), from both sides, with the averages as
    bars.
    """
    ax = own_axes(ax, 6.5, 4.2)
    root = find_root(run, root)
    inner, outer = interface_tractions(run, root), interface_tractions(run, root, other=True)
    if inner is None:
        raise ValueError(f"no cell edge of {root.region!r} lies on the interface of root {root.name}")
    for word, colour in (("peel", PEEL), ("shear", SHEAR)):
        if outer is not None:
            label = shown_words(f"{word}, in {' and '.join(outer.regions)}")
            ax.plot(
                _lines(_drawn(outer)),
                _lines(getattr(outer, word)),
                color=colour,
                lw=3.2,
                alpha=0.3,
                label=label,
                solid_capstyle="butt",
            )
        ax.plot(
            _lines(_drawn(inner)),
            _lines(getattr(inner, word)),
            color=colour,
            lw=1.2,
            label=shown_words(f"{word}, in {root.region} (conductor)"),
        )
    start = float(_drawn(inner)[0, 0])
    averages = [m for m in run.roots if m.root == root]
    for metric in averages:
        for word, colour in (("peel", PEEL), ("shear", SHEAR)):
            value = getattr(metric, word)
            ax.plot([start, metric.length], [value, value], color=colour, lw=1.1, ls=(0, (5, 2)))
            ax.plot([metric.length], [value], marker="|", ms=9, mew=1.6, color=colour)
    ax.set_xscale("log")
    ax.set_xlim(start, float(inner.distance.max()))
    values = np.concatenate([inner.peel.ravel(), inner.shear.ravel()])
    wanted = [getattr(m, w) for m in averages for w in ("peel", "shear")]
    half = 0.5 * float(inner.distance.max())  # the far end may be a root too
    away = ((inner.distance >= 0.02 * lengths_of(run, root)[0]) & (inner.distance <= half)).ravel()
    seen = np.concatenate([values[np.tile(away, 2)], wanted]) if away.any() else values
    low, high = float(min(seen.min(), 0.0)), float(max(seen.max(), 0.0))
    pad = 0.12 * ((high - low) or 1.0)
    ax.set_ylim(low - pad, high + pad)
    _write_averages(ax, averages, (high - low + 2 * pad))
    ax.axhline(0.0, color=FAINT, lw=0.6)
    _shade_unresolved(ax, inner, True)
    ax.set_xlabel(f"distance from the root along the interface ({LENGTH})")
    ax.set_ylabel("traction (MPa)")
    plain(ax.set_title(f"{root_words(run, root)}: traction on the interface", fontsize=NORMAL))
    tidy(ax)
    legend = ax.legend(fontsize=SMALL, frameon=False, loc="best")
    for text in legend.get_texts():
        plain(text)
    return ax


def shown_words(text: str) -> str:
    """A user's words as a legend label."""
    line = words(text)
    return f" {line}" if line.startswith("_") else line


def _write_averages(ax: Axes, averages: list[RootMetrics], height: float) -> None:
    """The value of every average beside the plot, at its bar."""
    entries = sorted(
        (getattr(m, word), f"{word}, {m.length:g} um: {getattr(m, word):.1f} MPa", colour)
        for m in averages
        for word, colour in (("peel", PEEL), ("shear", SHEAR))
    )
    low, high = ax.get_ylim()
    places = spread([value for value, _, _ in entries], 0.055 * height, low, high)
    for (value, text, colour), y in zip(entries, places, strict=True):
        ax.annotate(
            text,
            xy=(1.0, value),
            xytext=(1.03, y),
            xycoords=("axes fraction", "data"),
            textcoords=("axes fraction", "data"),
            fontsize=SMALL - 0.5,
            color=colour,
            va="center",
            arrowprops={"arrowstyle": "-", "lw": 0.6, "color": colour, "shrinkA": 0, "shrinkB": 0},
            annotation_clip=False,
        )


def plot_power_law(run: Run, root: Root | str, ax: Axes | None = None) -> Axes:
    """Draw |peel|, |shear| and the size of the traction against distance from a root, both axes logarithmic, with the
    fitted slope.
    """
    ax = own_axes(ax, 6.5, 4.2)
    root = find_root(run, root)
    names = run.solution.model.kinematics.components
    side = interface_tractions(run, root)
    if side is None:
        raise ValueError(f"no cell edge of {root.region!r} lies on the interface of root {root.name}")
    d = _drawn(side)
    size = np.hypot(side.peel, side.shear)
    for values, label, colour, width in (
        (np.abs(side.peel), f"|{stress_label(names[1])}|, peel", PEEL, 1.0),
        (np.abs(side.shear), f"|{stress_label(names[3])}|, shear", SHEAR, 1.0),
        (size, "size of the traction", INK, 1.4),
    ):
        ax.plot(_lines(d), _lines(np.where(values > 0, values, np.nan)), color=colour, lw=width, label=label)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(float(d[0, 0]), float(side.distance.max()))
    top = float(size.max()) or 1.0
    ax.set_ylim(max(top * 1e-4, 0.3 * float(np.percentile(size, 2)) or top * 1e-4), 3.0 * top)
    lengths = lengths_of(run, root)
    for length in lengths:
        ax.axvline(length, color=FAINT, lw=0.7, ls=":")
        ax.annotate(
            f"{length:g} um",
            xy=(length, 0.02),
            xycoords=("data", "axes fraction"),
            fontsize=SMALL - 0.5,
            color=FAINT,
            rotation=90,
            ha="right",
            va="bottom",
        )
    local = run.fields.get(root)
    law = power_law(side, lengths[0])
    singular = False
    if isinstance(local, RootField):
        singular = bool(local.singular)
        _draw_expansion(ax, local, root, side)
    elif law is not None:
        singular = True
        x = np.array([law.low, law.high])
        label = f"power {law.exponent:.2f}, fitted from {law.low:.2g} to {law.high:.2g} um"
        ax.plot(x, 1.6 * law.amplitude * x**law.exponent, color=FAINT, lw=1.4, ls="--", label=label)
    if singular:
        text = "singular: grows without bound towards\nthe root, the peak has no finite value"
        ax.annotate(
            text, xy=(0.03, 0.03), xycoords="axes fraction", fontsize=SMALL, color=INK, va="bottom", fontstyle="italic"
        )
    _shade_unresolved(ax, side, False)
    ax.set_xlabel(f"distance from the root along the interface ({LENGTH})")
    ax.set_ylabel("|traction| (MPa)")
    ax.set_title("the same, both axes logarithmic", fontsize=NORMAL)
    tidy(ax)
    ax.grid(True, which="major", color="0.9", lw=0.6)
    ax.legend(fontsize=SMALL, frameon=False, loc="upper right")
    return ax


def interface_figure(run: Run, root: Root | str) -> Figure:
    """A page: tractions with their averages, and their power law."""
    figure = new_figure(10.2, 4.0)
    left, right = figure.subplots(1, 2, width_ratios=(1.0, 0.9))
    plot_interface(run, root, left)
    plot_power_law(run, root, right)
    return figure


def _draw_expansion(ax: Axes, local: RootField, root: Root, side: Side) -> None:
    """The size of the traction by the local expansion, up to the corner's reach, with its leading power."""
    angle = 180.0 if root.into[0] < 0 else 0.0
    d = np.geomspace(
        max(0.2 * float(side.distance[0, -1]), 1e-12), min(local.corner.reach, float(side.distance.max())), 80
    )
    stress = local.expansion.stress(d, np.full(len(d), angle), local.corner.wedge_of(root.region, angle))
    powers = [float(local.expansion.eigens[k].stress_exponent.real) for k in local.singular]
    words_ = f"local expansion, leading power {min(powers):.3f}" if powers else "local expansion, no singular term"
    ax.plot(d, np.hypot(stress[:, 1], stress[:, 2]), color="#2e8b57", lw=1.6, ls="--", label=words_)


def _shade_unresolved(ax: Axes, side: Side, text: bool) -> None:
    """Grey where the first three cells lie: what is drawn there depends on the mesh."""
    end = float(side.distance[min(2, len(side.distance) - 1), -1])
    ax.axvspan(ax.get_xlim()[0], end, color="0.93", zorder=0)
    if text:
        ax.annotate(
            "first three cells:\nset by the mesh",
            xy=(0.01, 0.985),
            xycoords="axes fraction",
            fontsize=SMALL - 1,
            color=FAINT,
            ha="left",
            va="top",
        )
