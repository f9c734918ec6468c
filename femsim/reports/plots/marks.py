"""Dimension lines, root marks and names on the picture of a layout, placed so that they do not hide one another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import Collection, LineCollection, PolyCollection
from matplotlib.patches import Rectangle
from matplotlib.patheffects import Normal, Stroke

from femsim.base.arrays import FloatArray
from femsim.meshes.layout import Dimension, Root
from femsim.reports.plots.cells import paint_regions
from femsim.reports.plots.look import ACCENT, FAINT, INK, LENGTH, SMALL, words
from femsim.reports.plots.mesh import zoom_box
from femsim.reports.plots.outlines import mesh_outlines, middle_box
from femsim.reports.plots.panels import holds
from femsim.reports.plots.picture import Picture, Support, Window
from femsim.reports.plots.sheet import text_width
from femsim.reports.plots.style import length_axes, plain

#: height of a page's panels, inches: of up to two, and of more
HEIGHT, LOWER = 4.6, 3.7
#: height (points) at which a root's name needs no line that leads to its root
NEAR = 9.0


class Marks:
    """One panel: what is drawn, what is written on it, and the frame with room for both."""

    def __init__(
        self,
        what: Picture,
        window: Window,
        dimensions: Sequence[Dimension],
        roots: Sequence[Root],
        closer: Sequence[tuple[str, Window]] = (),
    ) -> None:
        self.what, self.window, self.roots, self.closer = what, window, roots, closer
        self.taken: list[Window] = []  # boxes of texts
        self.outside: set[int] = set()  # regions to name beside the panel where they are too small
        self.side = max(window[1] - window[0], window[3] - window[2])
        self.point = self.side * 1.15 / (72.0 * HEIGHT)  # um per point, a first guess
        self.vertical = [d for d in dimensions if abs(d.end[0] - d.start[0]) < abs(d.end[1] - d.start[1])]
        level = [d for d in dimensions if d not in self.vertical]
        level.sort(key=lambda d: abs(d.end[0] - d.start[0]))
        self.below = [d for d in level if d.start[1] < 0.5 * (window[2] + window[3])]
        self.above = [d for d in level if d not in self.below]
        self.fit(self.point)

    # -------- room

    def fit(self, point: float) -> None:
        """Make room for texts at ``point`` um per point."""
        self.point = point
        self.columns = self._columns()
        self.labels = self._labels()
        self.frame = self._frame()

    def _columns(self) -> list[list[Dimension]]:
        """Vertical dimensions sorted into columns in which no two lines overlap, and whose texts find room."""
        columns: list[list[Dimension]] = []
        slack = 1e-9 * self.side
        most = max(int((self.window[3] - self.window[2]) / self._line), 1)
        for d in sorted(self.vertical, key=lambda d: abs(d.end[1] - d.start[1])):
            low, high = sorted((d.start[1], d.end[1]))
            for column in columns:
                free = all(
                    low >= max(e.start[1], e.end[1]) - slack or high <= min(e.start[1], e.end[1]) + slack
                    for e in column
                )
                if free and len(column) < most:
                    column.append(d)
                    break
            else:
                columns.append([d])
        return columns

    @property
    def _line(self) -> float:
        """Height in um of a line of a dimension's text."""
        return 1.45 * SMALL * self.point

    def _width(self, text: str) -> float:
        """Width of a text in um, by its longest line."""
        return max(text_width(line, SMALL) for line in text.split("\n")) * 72.0 * self.point

    def _labels(self) -> dict[int, tuple[Window, bool]]:
        """Region number -> the largest rectangle of it in the window, and whether its name needs a place outside."""
        found: dict[int, tuple[Window, bool]] = {}
        for number, name in enumerate(self.what.regions):
            box = self._largest(number)
            if box is None:
                continue
            wide, high = box[1] - box[0], box[3] - box[2]
            text, line = self._width(words(name)), 1.3 * SMALL * self.point
            fits = (wide > text and high > line) or (high > text and wide > line)
            if fits or number in self.outside:
                found[number] = (box, not fits)
        return found

    def _largest(self, number: int) -> Window | None:
        """The largest rectangle of a region inside the window (or the middle of its cells, for an imported mesh)."""
        w = self.window
        if self.what.plan is None:
            return None if self.what.mesh is None else middle_box(self.what.mesh, number, w)
        x, y, cells = self.what.plan.grid
        x, y = np.clip(x, w[0], w[1]), np.clip(y, w[2], w[3])
        mine = (cells == number) & (np.diff(y)[:, None] > 0) & (np.diff(x)[None, :] > 0)
        best, area = None, 0.0
        for i0 in range(mine.shape[1]):
            rows = np.ones(mine.shape[0], dtype=bool)
            for i1 in range(i0, mine.shape[1]):
                rows &= mine[:, i1]
                if not rows.any():
                    break
                edges = np.flatnonzero(np.diff(np.concatenate([[0], rows.astype(int), [0]])))
                for j0, j1 in zip(edges[::2], edges[1::2], strict=True):
                    size = (x[i1 + 1] - x[i0]) * (y[j1] - y[j0])
                    if size > area * (1 + 1e-9):
                        area, best = size, (float(x[i0]), float(x[i1 + 1]), float(y[j0]), float(y[j1]))
        return best

    def _frame(self) -> Window:
        """The window with room for dimension lines and for names outside."""
        x0, x1, y0, y1 = self.window
        body = self.what.body
        pad = 0.035 * self.side
        row = 1.9 * SMALL * self.point
        right = x1 + (pad if x1 >= body[1] or self.columns else 0.0)
        right += sum(self._column_width(column) for column in self.columns)
        outside = [words(self.what.regions[n]) for n, (_, out) in self.labels.items() if out]
        if outside:
            right += max(self._width(text) for text in outside) + 3 * SMALL * self.point
        left = x0 - (pad if x0 <= body[0] else 0.0)
        top = y1 + (pad if y1 >= body[3] or self.above else 0.0) + len(self.above) * row
        bottom = y0 - (pad if y0 <= body[2] or self.below else 0.0) - len(self.below) * row
        return left, right, bottom, top

    def _column_width(self, column: list[Dimension]) -> float:
        return max(self._width(_caption(d)) for d in column) + 2.6 * SMALL * self.point

    # -------- drawing

    @property
    def tallness(self) -> float:
        """Height of the frame, um."""
        return self.frame[3] - self.frame[2]

    @property
    def shape(self) -> float:
        """Width of the frame over its height."""
        return (self.frame[1] - self.frame[0]) / self.tallness

    def draw(self, ax: Axes) -> None:
        """Draw the panel and the outlines of closer ones."""
        what, colours = self.what, self.what.colours
        if what.plan is not None:
            shapes = what.plan.polygons
            fill = [colours[what.regions[n]] for _, n in shapes]
            body = PolyCollection([p for p, _ in shapes], facecolors=fill, edgecolors=fill, linewidths=0.3, zorder=1)
            lines = LineCollection(what.plan.outlines, colors=INK, linewidths=0.7, zorder=2, capstyle="round")
            artists: list[Collection] = [body, lines]
        elif what.mesh is not None:
            mesh = what.mesh
            artists = [
                paint_regions(
                    ax, mesh.points, mesh.cells, mesh.element, mesh.region, [colours[r] for r in what.regions]
                ),
                LineCollection(mesh_outlines(mesh), colors=INK, linewidths=0.7, zorder=2),
            ]
        else:
            artists = []
        w = self.window
        length_axes(ax, what.axes, self.frame)
        for axis, low, high in ((ax.xaxis, w[0], w[1]), (ax.yaxis, w[2], w[3])):
            slack = 1e-9 * self.side
            axis.set_ticks(
                [t for t in axis.get_major_locator().tick_values(low, high) if low - slack <= t <= high + slack]
            )
        clip = Rectangle((w[0], w[2]), w[1] - w[0], w[3] - w[2], transform=ax.transData, fill=False, lw=0.0)
        for artist in artists:
            if artist not in ax.collections:
                ax.add_collection(artist)
            if not holds(w, (what.body[0], what.body[2]), (what.body[1], what.body[3])):
                artist.set_clip_path(clip)
        self._draw_dimensions(ax)
        self._draw_names(ax)
        self._draw_supports(ax)
        self._draw_roots(ax)
        for letter, box in self.closer:
            zoom_box(ax, box, letter)

    def _draw_dimensions(self, ax: Axes) -> None:
        row = 1.9 * SMALL * self.point
        pad = 0.035 * self.side
        x = self.window[1] + pad
        for column in self.columns:
            column.sort(key=lambda d: d.start[1] + d.end[1])
            middles = [0.5 * (d.start[1] + d.end[1]) for d in column]
            half = 0.5 * self._line
            heights = spread(middles, self._line, self.window[2] + half, self.window[3] - half)
            for d, y in zip(column, heights, strict=True):
                self._arrow(ax, d, (x, d.start[1]), (x, d.end[1]), y)
            x += self._column_width(column)
        y = self.window[2] - pad - 0.5 * row
        for d in self.below:
            self._arrow(ax, d, (d.start[0], y), (d.end[0], y))
            y -= row
        y = self.window[3] + pad
        for d in self.above:
            self._arrow(ax, d, (d.start[0], y), (d.end[0], y))
            y += row

    def _extensions(self) -> list[tuple[tuple[float, float], tuple[float, float]]]:
        """Lines from the ends of dimensions to their arrows, roughly: where no name should stand."""
        right, top, bottom = self.frame[1], self.frame[3], self.frame[2]
        found = [(end, (right, end[1])) for d in self.vertical for end in (d.start, d.end)]
        found += [(end, (end[0], bottom)) for d in self.below for end in (d.start, d.end)]
        return found + [(end, (end[0], top)) for d in self.above for end in (d.start, d.end)]

    def _arrow(
        self, ax: Axes, d: Dimension, a: tuple[float, float], b: tuple[float, float], height: float | None = None
    ) -> None:
        """A dimension from ``a`` to ``b``; an upright one has its text at ``height``, led to by a line where it had to
        move.
        """
        ax.add_collection(
            LineCollection([[d.start, a], [d.end, b]], colors=FAINT, linewidths=0.5, linestyles=":", zorder=3)
        )
        value = float(np.hypot(b[0] - a[0], b[1] - a[1]))
        style = "<|-|>" if value > 14 * self.point else "|-|,widthA=0.2,widthB=0.2"
        arrow = {"arrowstyle": style, "lw": 0.7, "color": INK, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 6}
        ax.annotate("", xy=b, xytext=a, zorder=4, arrowprops=arrow)
        x, y = 0.5 * (a[0] + b[0]), 0.5 * (a[1] + b[1])
        look: dict[str, Any] = {"fontsize": SMALL - 0.5, "color": INK, "zorder": 6.5}
        if height is not None:
            moved = abs(height - y) > 0.3 * self._line
            start = x + (9 if moved else 3) * self.point
            if moved:
                lead = [(x, y), (x + 3 * self.point, y), (start - self.point, height)]
                ax.add_collection(LineCollection([lead], colors=INK, linewidths=0.5, zorder=4))
            ax.text(start, height, _caption(d), va="center", ha="left", bbox=_paper("white"), **look)
        else:
            text = _caption(d)
            x = max(x, self.window[0] + 0.5 * self._width(text))
            ax.text(x, y + 2.5 * self.point, text, va="bottom", ha="center", bbox=_paper("white"), **look)

    def _draw_names(self, ax: Axes) -> None:
        outside: list[tuple[float, float, str]] = []
        for number, (box, out) in self.labels.items():
            name = words(self.what.regions[number])
            if out:
                outside.append((box[1] - 0.1 * (box[1] - box[0]), 0.5 * (box[2] + box[3]), name))
                continue
            wide, high = box[1] - box[0], box[3] - box[2]
            full = "\n".join([name, *self.what.notes.get(self.what.regions[number], ())])
            lines = full.count("\n") + 1
            text, turn = name, 0.0
            if wide > self._width(full) and high > (lines + 0.4) * 1.25 * SMALL * self.point:
                text = full
            elif wide <= self._width(name):
                turn = 90.0
            wide_text, tall_text = self._width(text), (text.count("\n") + 1) * 1.3 * SMALL * self.point
            if turn:
                wide_text, tall_text = tall_text, wide_text
            x, y = self._free_middle(box, wide_text, tall_text)
            self.taken.append((x - wide_text / 2, x + wide_text / 2, y - tall_text / 2, y + tall_text / 2))
            label = ax.text(
                x,
                y,
                text,
                fontsize=SMALL,
                ha="center",
                va="center",
                color=INK,
                rotation=turn,
                linespacing=1.15,
                zorder=6.5,
                bbox=_paper(self.what.colours[self.what.regions[number]]),
            )
            plain(label)
        if not outside:
            return
        outside.sort(key=lambda item: item[1])
        step = 1.5 * SMALL * self.point
        heights = spread([y for _, y, _ in outside], step, self.frame[2] + step, self.frame[3] - step)
        x = (
            self.window[1]
            + 0.035 * self.side
            + sum(self._column_width(c) for c in self.columns)
            + 1.5 * SMALL * self.point
        )
        for (px, py, name), y in zip(outside, heights, strict=True):
            arrow = {"arrowstyle": "-", "lw": 0.6, "color": INK, "shrinkA": 1, "shrinkB": 0}
            note = ax.annotate(
                name,
                xy=(px, py),
                xytext=(x, y),
                fontsize=SMALL,
                va="center",
                ha="left",
                color=INK,
                arrowprops=arrow,
                zorder=5,
            )
            plain(note)
            ax.plot([px], [py], marker="o", ms=2, color=INK, zorder=5)

    def _free_middle(self, box: Window, wide: float, tall: float) -> tuple[float, float]:
        """Where in a box a text crosses no line of a dimension or closer panel and hides no root; or the middle."""
        lines = self._extensions()
        for _, (x0, x1, y0, y1) in self.closer:
            corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
            lines += [(corners[k], corners[(k + 1) % 4]) for k in range(4)]
            letter = 2.2 * SMALL * self.point
            lines.append(((x1, y1), (x1 + letter, y1 - letter)))
        dot = 6 * self.point
        lines += [((r.at[0] - dot, r.at[1]), (r.at[0] + dot, r.at[1])) for r in self.what.roots]
        best: tuple[float, float, float] | None = None
        for fy in (0.5, 0.35, 0.65, 0.2, 0.8):
            for fx in (0.5, 0.35, 0.65, 0.2, 0.8):
                x = box[0] + 0.5 * wide + fx * max(box[1] - box[0] - wide, 0.0)
                y = box[2] + 0.5 * tall + fy * max(box[3] - box[2] - tall, 0.0)
                text = (x - 0.5 * wide, x + 0.5 * wide, y - 0.5 * tall, y + 0.5 * tall)
                crossed = sum(_crosses(text, a, b) for a, b in lines) + 0.1 * (abs(fx - 0.5) + abs(fy - 0.5))
                if best is None or crossed < best[0]:
                    best = crossed, x, y
        assert best is not None
        return best[1], best[2]

    def _draw_supports(self, ax: Axes) -> None:
        for _, drawn in self.what.supports:
            for artist in drawn:
                x = np.clip(np.asarray(artist[0]), self.window[0], self.window[1])
                y = np.clip(np.asarray(artist[1]), self.window[2], self.window[3])
                if len(x) == 1 and not holds(self.window, (artist[0][0], artist[1][0])):
                    continue
                if len(x) > 1 and (
                    np.nanmax(x) - np.nanmin(x) + np.nanmax(y) - np.nanmin(y) <= 0
                    or not holds(self.window, *_near(artist, x, y))
                ):
                    continue
                ax.plot(x, y, clip_on=False, zorder=4.5, **artist[2])

    def _free_place(self, root: Root) -> tuple[bool, float]:
        """Side and height (points) of a root's name where it hides no other text; noted as taken."""
        wide, tall = self._width(words(root.name)) * 1.12, 1.3 * SMALL * self.point
        x, y = root.at
        best: tuple[int, bool, float, Window] | None = None
        for level in (NEAR, -NEAR, 20.0, -20.0, 31.0, -31.0):
            for side in (-root.into[0], root.into[0]):
                low = x + 8 * self.point if side > 0 else x - 8 * self.point - wide
                middle = y + root.into[1] * level * self.point
                box = (low, low + wide, middle - 0.5 * tall, middle + 0.5 * tall)
                hidden = sum(box[0] < b[1] and b[0] < box[1] and box[2] < b[3] and b[2] < box[3] for b in self.taken)
                hidden += 10 * (box[0] < self.frame[0] or box[1] > self.frame[1])
                if best is None or hidden < best[0]:
                    best = hidden, side > 0, root.into[1] * level, box
        assert best is not None
        self.taken.append(best[3])
        return best[1], best[2]

    def _draw_roots(self, ax: Axes) -> None:
        dot = 4 * self.point
        self.taken += [(r.at[0] - dot, r.at[0] + dot, r.at[1] - dot, r.at[1] + dot) for r in self.what.roots]
        for root in self.what.roots:
            if holds(self.window, root.at):
                ax.plot(*root.at, marker="o", ms=5, mfc="none", mec=ACCENT, mew=1.4, zorder=7)
        for root in sorted(self.roots, key=lambda r: r.at[1]):
            right, up = self._free_place(root)
            text = ax.annotate(
                words(root.name),
                xy=root.at,
                xytext=(8 if right else -8, up),
                textcoords="offset points",
                fontsize=SMALL,
                color=ACCENT,
                fontweight="bold",
                ha="left" if right else "right",
                va="center",
                zorder=8,
                path_effects=[Stroke(linewidth=2.2, foreground="white"), Normal()],
                arrowprops={"arrowstyle": "-", "lw": 0.7, "color": ACCENT, "shrinkA": 0, "shrinkB": 3.5}
                if abs(up) > NEAR
                else None,
            )
            plain(text)


def _near(artist: Support, x: FloatArray, y: FloatArray) -> list[tuple[float, float]]:
    """Ends of a clipped line, unless clipping moved it sideways (it then lies outside the window)."""
    level = len({v for v in artist[1] if v == v}) == 1  # NaN parts the edges of an imported line
    moved = y[0] != artist[1][0] if level else x[0] != artist[0][0]
    far = (float("inf"), float("inf"))
    return [far] if moved else [(float(a), float(b)) for a, b in zip(x, y, strict=True) if a == a and b == b]


def _caption(d: Dimension) -> str:
    value = float(np.hypot(d.end[0] - d.start[0], d.end[1] - d.start[1]))
    return f"{d.key.replace('_', ' ')} {value:.6g} {LENGTH}"


def _paper(colour: str) -> dict[str, object]:
    """What hides the lines behind a text."""
    return {"facecolor": colour, "edgecolor": "none", "pad": 0.8}


def _crosses(box: Window, a: tuple[float, float], b: tuple[float, float]) -> bool:
    """Whether an upright or level line comes into a box."""
    (x0, x1), (y0, y1) = sorted((a[0], b[0])), sorted((a[1], b[1]))
    return x0 < box[1] and x1 > box[0] and y0 < box[3] and y1 > box[2]


def spread(wanted: Sequence[float], step: float, low: float, high: float) -> list[float]:
    """Heights near the wanted ascending ones, at least ``step`` apart, within [low, high] where they fit."""
    found = list(wanted)
    for i in range(1, len(found)):
        found[i] = max(found[i], found[i - 1] + step)
    if found and found[-1] > high:
        found[-1] = high
        for i in range(len(found) - 2, -1, -1):
            found[i] = min(found[i], found[i + 1] - step)
    if found and found[0] < low:
        found[0] = low
        for i in range(1, len(found)):
            found[i] = max(found[i], found[i - 1] + step)
    return found
