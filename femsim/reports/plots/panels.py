"""Which parts of a layout get a panel of their own, so that thin layers can be seen."""

from __future__ import annotations

import numpy as np

from femsim.meshes.layout import Root
from femsim.reports.plots.picture import Picture, Plan, Window

Point = tuple[float, float]
#: thickness (um) of a layer and its two ends
Layer = tuple[float, Point, Point]

#: panels of a page
MOST = 4

#: a layer thinner than this fraction of a panel's side gets a closer panel
LEGIBLE = 0.07


def windows(what: Picture) -> list[Window]:
    """Windows that show every layer at a legible thickness: the body, and closer ones around a root where layers are
    thin.
    """
    x0, x1, y0, y1 = body = what.body
    found = [body]
    if what.plan is None:
        return found
    layers = sorted(_layers(what.plan, what.roots), reverse=True)
    side = max(x1 - x0, y1 - y0)
    while len(found) < MOST:
        small = [layer for layer in layers if not any(_shows(window, layer) for window in found)]
        if not small:
            break
        cluster = [layer for layer in small if layer[0] >= small[0][0] / 8.0]
        side = min(cluster[-1][0] / (1.4 * LEGIBLE), 0.6 * max(x1 - x0, y1 - y0))
        starts = [layer[1:] for layer in reversed(cluster)] + [(root.at, root.at) for root in what.roots]
        options = [_around(what.roots, cluster, start, side, body) for start in starts]
        found.append(max(options, key=lambda window: sum(_shows(window, layer) for layer in cluster)))
    return [body, *sorted(found[1:], key=lambda w: -max(w[1] - w[0], w[3] - w[2]))]


def _shows(window: Window, layer: Layer) -> bool:
    return layer[0] >= LEGIBLE * max(window[1] - window[0], window[3] - window[2]) and holds(window, layer[1], layer[2])


def _layers(plan: Plan, roots: tuple[Root, ...]) -> list[Layer]:
    """Layers (and dimensions of what is bent): thickness and its two ends, nearest to a root where the layer is
    wide.
    """
    x, y, cells = plan.grid
    found: list[Layer] = []
    for number in range(int(cells.max()) + 1):
        rows, columns = np.nonzero(cells == number)
        if len(rows):
            low, high = (x[columns.min()], y[rows.min()]), (x[columns.max() + 1], y[rows.max() + 1])
            wide, tall = high[0] - low[0], high[1] - low[1]
            near = min(roots, key=lambda r: _apart(r.at, low, high)).at if roots else high
            point = [float(np.clip(near[k], low[k], high[k])) for k in range(2)]
            start = (point[0], float(low[1])) if tall <= wide else (float(low[0]), point[1])
            end = (point[0], float(high[1])) if tall <= wide else (float(high[0]), point[1])
            found.append((float(min(wide, tall)), start, end))
    if not plan.bent:
        return found
    found += [(float(np.hypot(d.end[0] - d.start[0], d.end[1] - d.start[1])), d.start, d.end) for d in plan.dimensions]
    return found


def _apart(at: tuple[float, float], low: tuple[float, float], high: tuple[float, float]) -> float:
    return float(sum(max(low[k] - at[k], 0.0, at[k] - high[k]) for k in range(2)))


def _around(
    around: tuple[Root, ...], cluster: list[Layer], start: tuple[Point, Point], side: float, body: Window
) -> Window:
    """A square window of the given side over the layers of a cluster and the root next to them, as far as they fit."""
    (ax, ay), (bx, by) = start
    box = [min(ax, bx), min(ay, by), max(ax, bx), max(ay, by)]
    roots = sorted((root.at for root in around), key=lambda p: abs(p[0] - box[0]) + abs(p[1] - box[1]))
    wanted = [point for _, start, end in reversed(cluster) for point in (start, end)]
    for point in [*roots[:1], *wanted, *roots[1:]]:
        larger = [min(box[0], point[0]), min(box[1], point[1]), max(box[2], point[0]), max(box[3], point[1])]
        if larger[2] - larger[0] <= 0.9 * side and larger[3] - larger[1] <= 0.9 * side:
            box = larger
    margin = 0.06 * side
    limits: list[float] = []
    for k in range(2):
        low, high = body[2 * k], body[2 * k + 1]
        width = min(side, high - low)
        first = min(max(0.5 * (box[k] + box[k + 2]) - 0.5 * width, low), high - width)
        limits += [max(first - margin, low), min(first + width + margin, high)]
    return limits[0], limits[1], limits[2], limits[3]


def holds(window: Window, *points: tuple[float, float]) -> bool:
    """Whether a window holds all points."""
    slack = 1e-9 * max(window[1] - window[0], window[3] - window[2])
    return all(
        window[0] - slack <= p[0] <= window[1] + slack and window[2] - slack <= p[1] <= window[3] + slack
        for p in points
    )
