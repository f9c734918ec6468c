"""The layout drawn: regions with their materials, dimensions, roots, bends, boundary conditions; thin layers in panels
of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from femsim.meshes.layout import Dimension, Layout, Root
from femsim.meshes.mesh import Mesh
from femsim.reports.plots.look import ACCENT, LENGTH, SMALL, words
from femsim.reports.plots.marks import HEIGHT, LOWER, Marks
from femsim.reports.plots.panels import holds, windows
from femsim.reports.plots.picture import Picture, Window, picture
from femsim.reports.plots.sheet import FOOT, HEAD, LEFT, LINE, MARK, Sheet, swatch, text_width, title
from femsim.reports.plots.style import own_axes

if TYPE_CHECKING:
    from femsim.builders.discretisation import Discretisation
    from femsim.runs.run import Run

#: width of a page, and room right of and between its panels, inches
_PAGE, _RIGHT, _GAP = 10.6, 0.15, 0.72
#: letters of panels
LETTERS = "abcdefgh"


def layout_figure(result: Run | Discretisation | Layout | Mesh | Picture) -> Figure:
    """A page: the body, closer panels where layers are thin, and a legend of materials and supports."""
    what = picture(result)
    panels = windows(what)
    closer = [
        [(LETTERS[k], panels[k]) for k in range(n + 1, len(panels)) if _parent(panels, k) == n]
        for n in range(len(panels))
    ]
    marks = [
        Marks(what, w, _dimensions_of(what, panels, n), _roots_of(what, panels, n), closer[n])
        for n, w in enumerate(panels)
    ]
    entries = _legend(what)
    limit = HEIGHT if len(panels) <= 2 else LOWER
    rows: list[list[int]] = []
    for _ in range(4):  # the room for text depends on the scale, and the scale on the room
        rows = _rows([mark.shape for mark in marks], limit)
        for row in rows:
            tall = _height([marks[n].shape for n in row], limit)
            for n in row:
                marks[n].fit(marks[n].tallness / (72.0 * tall))
        inside = {number for mark in marks for number, (_, out) in mark.labels.items() if not out}
        marks[-1].outside = set(range(len(what.regions))) - inside
    heights = [_height([marks[n].shape for n in row], limit) for row in rows]
    widths = [
        LEFT + _RIGHT + sum(tall * marks[n].shape for n in row) + _GAP * (len(row) - 1)
        for row, tall in zip(rows, heights, strict=True)
    ]
    width = max(*widths, min(_PAGE, 0.5 + max(MARK + text_width(text, SMALL) for _, text in entries)))
    lines, _ = Sheet.columns([text for _, text in entries], width - 0.4)
    foot = 0.16 + LINE * lines
    sheet = Sheet(width, sum(heights) + (HEAD + FOOT) * len(rows) + foot)
    bottom = sheet.height
    for row, tall, wide in zip(rows, heights, widths, strict=True):
        bottom -= tall + HEAD
        at = LEFT + (0.5 * (width - wide) if len(panels) == 1 else 0.0)
        for n in row:
            ax = sheet.axes(at, bottom, tall * marks[n].shape, tall)
            at += tall * marks[n].shape + _GAP
            marks[n].draw(ax)
            w = panels[n]
            size = f"{w[1] - w[0]:.4g} × {w[3] - w[2]:.4g} {LENGTH}"
            named = f"{LETTERS[n]}: {'whole body' if not n else size}"
            title(ax, "" if len(panels) == 1 else named)
            if n != row[0]:
                ax.set_ylabel("")
        bottom -= FOOT
    sheet.legend(entries)
    return sheet.figure


def _rows(shapes: list[float], height: float) -> list[list[int]]:
    """Panels side by side in rows no wider than a page; ``shapes`` are widths over heights."""
    rows: list[list[int]] = [[]]
    used = LEFT + _RIGHT
    for number, shape in enumerate(shapes):
        if rows[-1] and used + height * shape > _PAGE:
            rows.append([])
            used = LEFT + _RIGHT
        rows[-1].append(number)
        used += height * shape + _GAP
    return rows


def _height(shapes: list[float], limit: float) -> float:
    """Height in inches of a row of panels."""
    return min(limit, (_PAGE - LEFT - _RIGHT - _GAP * (len(shapes) - 1)) / sum(shapes))


def _parent(panels: list[Window], number: int) -> int:
    """The panel in which a closer one is outlined: the closest that holds all of it."""
    w = panels[number]
    return max(k for k in range(number) if k == 0 or holds(panels[k], (w[0], w[2]), (w[1], w[3])))


def plot_layout(
    result: Run | Discretisation | Layout | Mesh | Picture, ax: Axes | None = None, window: Window | None = None
) -> Axes:
    """Draw a layout in one panel: regions, dimensions in um, roots, supports; ``window`` (x0, x1, y0, y1) draws a
    part.
    """
    what = picture(result)
    ax = own_axes(ax, 6.0, 6.0)
    shown = window or what.body
    figure = ax.get_figure(root=True)
    box = ax.get_position()
    size = (4.0, 4.0) if figure is None else (box.width * figure.get_figwidth(), box.height * figure.get_figheight())
    mark = Marks(what, shown, _dimensions_of(what, [shown], 0), _roots_of(what, [shown], 0))
    mark.outside = set(range(len(what.regions)))
    for _ in range(4):
        frame = mark.frame
        mark.fit(max((frame[1] - frame[0]) / (72.0 * size[0]), (frame[3] - frame[2]) / (72.0 * size[1])))
    mark.draw(ax)
    return ax


def _dimensions_of(what: Picture, panels: list[Window], number: int) -> list[Dimension]:
    """The dimensions a panel draws: each is drawn once, in the closest panel that holds it."""
    found = []
    for d in what.plan.dimensions if what.plan is not None else ():
        holders = [k for k, w in enumerate(panels) if holds(w, d.start, d.end)]
        if holders and max(holders) == number:
            found.append(d)
    return found


def _roots_of(what: Picture, panels: list[Window], number: int) -> list[Root]:
    """The roots a panel names: each once, in the closest panel that holds it."""
    return [r for r in what.roots if max((k for k, w in enumerate(panels) if holds(w, r.at)), default=-1) == number]


def _legend(what: Picture) -> list[tuple[Artist, str]]:
    """Marks and texts of regions with their materials, of roots and of supports."""
    entries: list[tuple[Artist, str]] = []
    for region in what.regions:
        text = ": ".join([words(region), ", ".join(what.notes.get(region, ()))]).removesuffix(": ")
        entries.append((swatch(what.colours[region]), text))
    if what.roots:
        ring = Line2D([], [], ls="", marker="o", ms=5, mfc="none", mec=ACCENT, mew=1.4)
        entries.append((ring, "root: stress metrics are taken here"))
    for text, drawn in what.supports:
        if drawn:
            style = {**drawn[0][2], **({"marker": None} if len(drawn[0][0]) > 1 else {})}
            entries.append((Line2D([], [], **style), text))
    return entries
