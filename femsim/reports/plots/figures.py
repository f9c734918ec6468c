"""Pages drawn, and the files of a figure."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from femsim.reports.plots.convergence import adaptation_figure
from femsim.reports.plots.fields import deformed_figure, root_figure
from femsim.reports.plots.flow import moving_picture, yield_figure
from femsim.reports.plots.history import history_figure, loops_figure
from femsim.reports.plots.isotherms import temperature_figure
from femsim.reports.plots.layout import layout_figure
from femsim.reports.plots.look import DPI
from femsim.reports.plots.mesh import mesh_figure
from femsim.reports.plots.overtime import impedance_figure, overtime_figure
from femsim.reports.plots.plates import Page
from femsim.reports.plots.roots import interface_figure
from femsim.reports.plots.section import section_figure

#: zlib level of PNG files: higher ones take twice as long for a tenth less
LEVEL = 3


#: what draws each kind of page
PAGES: dict[str, Callable[..., Figure]] = {
    "layout": layout_figure,
    "mesh": mesh_figure,
    "stress": deformed_figure,
    "temperature": temperature_figure,
    "root": root_figure,
    "interface": interface_figure,
    "convergence": adaptation_figure,
    "section": section_figure,
    "overtime": overtime_figure,
    "impedance": impedance_figure,
    "history": history_figure,
    "loops": loops_figure,
    "yield": yield_figure,
}


def draw(page: Page) -> Figure:
    """A page drawn."""
    return PAGES[page.kind](*([page.what] if page.which is None else [page.what, page.which]))


def images(page: Page, svg: bool = False) -> dict[str, bytes]:
    """A page drawn, as PNG and, where asked for, SVG; one that moves as PNG and GIF."""
    if page.kind == "movie":
        return dict(zip(("png", "gif"), moving_picture(page.what), strict=True))
    figure = draw(page)
    return {kind: render(figure, kind) for kind in (("png", "svg") if svg else ("png",))}


def render(figure: Figure, kind: str) -> bytes:
    """A figure as PNG or SVG bytes, drawn once (``savefig`` draws everything twice)."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a user's words in a script the font lacks
        if kind == "svg":
            from matplotlib.backends.backend_svg import FigureCanvasSVG

            dpi = figure.dpi
            FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None, "Creator": "femsim"})  # type: ignore[no-untyped-call]
            figure.set_dpi(dpi)  # it leaves 72
        else:
            from PIL import Image

            canvas = FigureCanvasAgg(figure)
            canvas.draw()  # type: ignore[no-untyped-call]
            pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
            image = Image.fromarray(np.ascontiguousarray(pixels[..., :3]))
            image.save(buffer, format="png", dpi=(DPI, DPI), compress_level=LEVEL)
    if figure.get_layout_engine() is not None:
        figure.set_layout_engine("none")  # it has done its work, and is the dearer part of drawing
    return buffer.getvalue()
