"""The figures of a run: which, in what order, with what captions, and their files."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from PIL import Image

from femsim.reports.plots.convergence import adaptation_figure
from femsim.reports.plots.fields import (
    components,
    deformation_scale,
    deformed_figure,
    lengths_of,
    plot_temperature,
    root_figure,
)
from femsim.reports.plots.layout import layout_figure
from femsim.reports.plots.mesh import mesh_figure
from femsim.reports.plots.picture import picture
from femsim.reports.plots.roots import interface_figure
from femsim.reports.plots.style import DPI, own_axes, words
from femsim.runs.run import Run

CELLS = "Every cell is drawn with its own values, so stresses jump at interfaces as they do in the solution."


@dataclass(frozen=True)
class Plate:
    """A figure to be drawn: its file's stem, its caption, whether it is all lines (SVG serves it best) or holds fields,
    and how dear its drawing is beside others'.
    """

    name: str
    caption: str
    draw: Callable[[], Figure]
    vector: bool = False
    weight: float = 1.0


def images(plate: Plate) -> dict[str, bytes]:
    """A plate drawn, as PNG and SVG."""
    figure = plate.draw()
    return {kind: render(figure, kind) for kind in ("png", "svg")}


def plates(run: Run) -> Iterator[Plate]:
    """The figures of a run in the order of a report."""
    axisymmetric = run.solution.model.kinematics.radial
    plane = "half-plane (r, z); the body is this turned about r = 0" if axisymmetric else "plane (x, y)"
    yield Plate(
        "layout",
        f"Layout in the {plane}. Young's modulus at the final temperature, expansion coefficient as the mean from the "
        "stress-free temperature.",
        lambda: layout_figure(run),
        vector=run.discretisation.layout is not None,
    )
    yield Plate(
        "mesh",
        "Mesh in the colours of the regions; edges that fall on the same pixels are drawn once.",
        lambda: mesh_figure(run),
    )
    scale = deformation_scale(run)
    names = ", ".join(components(run)[:-1])
    yield Plate(
        "stress",
        f"Stress components ({names}) and von Mises stress in MPa; deformation drawn {scale:g} times as large; dashed: "
        f"undeformed. {CELLS} Colours end at the 1st and 99th percentile by area.",
        lambda: deformed_figure(run),
        weight=4.0,
    )
    if np.ndim(run.solution.model.temperature):
        yield Plate("temperature", "Temperature field in degC.", lambda: _temperature_figure(run))
    for number, root in enumerate(run.discretisation.roots):
        shared = sum(other.name == root.name for other in run.discretisation.roots) > 1
        at = f"{words(root.name)} at ({root.at[0]:g}, {root.at[1]:g}) um"
        stem = root_stem(root.name, number) + (f"_{number}" if shared else "")
        lengths = " and ".join(f"{length:g}" for length in lengths_of(run, root))
        shape = "the ring" if axisymmetric else "the square"
        yield Plate(
            f"root_{stem}",
            f"Around root {at}, undeformed: peel and von Mises stress, MPa. Dashed: {shape} of {lengths} um in the "
            "conductor that the averages run over. Colours are clipped; at the root itself stress has no finite value.",
            partial(root_figure, run, root),
            weight=2.0,
        )
        yield Plate(
            f"interface_{stem}",
            f"Traction along the interface at root {at} under {root.region}: in the conductor (lines) and on the other "
            "side (broad, pale lines), cell by cell; dashed: the averages. The sides agree where the mesh "
            "resolves the field.",
            partial(interface_figure, run, root),
            vector=True,
            weight=2.0,
        )
    if run.adaptation is not None:
        yield Plate(
            "convergence",
            "Estimated relative error of the root metrics against unknowns, refinement by refinement; dashed: "
            "the tolerance.",
            partial(adaptation_figure, run.adaptation),
            vector=True,
        )


def _temperature_figure(run: Run) -> Figure:
    x0, x1, y0, y1 = picture(run).body
    aspect = (x1 - x0) / (y1 - y0)
    tall = min(max(5.2 / aspect + 0.6, 2.2), 5.0)
    figure = own_axes(None, min(max((tall - 0.6) * aspect + 1.9, 3.2), 7.5), tall)
    plot_temperature(run, figure)
    found = figure.get_figure(root=True)
    assert found is not None
    return found


def root_stem(name: str, number: int) -> str:
    """A root's name as part of a file name; its number where the name will not do."""
    plain = name.isascii() and name.replace("_", "").replace("-", "").isalnum() and len(name) <= 40
    return name if plain else str(number)


def render(figure: Figure, kind: str) -> bytes:
    """A figure as PNG or SVG bytes, drawn once (``savefig`` draws everything twice)."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a user's words in a script the font lacks
        if kind == "svg":
            FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None, "Creator": "femsim"})  # type: ignore[no-untyped-call]
        else:
            canvas = FigureCanvasAgg(figure)
            canvas.draw()  # type: ignore[no-untyped-call]
            pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
            image = Image.fromarray(np.ascontiguousarray(pixels[..., :3]))
            image.save(buffer, format="png", dpi=(DPI, DPI), compress_level=5)
    figure.set_layout_engine("none")  # it has done its work, and is the dearer part of drawing
    return buffer.getvalue()
