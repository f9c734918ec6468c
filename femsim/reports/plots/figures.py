"""The figures of a run: which, in what order, with what captions, and their files."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from femsim.reports.plots.convergence import adaptation_figure
from femsim.reports.plots.fields import components, deformed_figure, root_figure, temperature_figure
from femsim.reports.plots.layout import layout_figure
from femsim.reports.plots.mesh import mesh_figure
from femsim.reports.plots.roots import interface, interface_figure
from femsim.reports.plots.scene import scene
from femsim.reports.plots.style import DPI, LENGTH, words

if TYPE_CHECKING:
    from femsim.runs.run import Run

CELLS = (
    "Stresses are averaged at the mesh's nodes inside a region, never over an interface, so they jump there as they do "
    "in the solution."
)
#: zlib level of PNG files: higher ones take twice as long for a tenth less
LEVEL = 3


@dataclass(frozen=True)
class Plate:
    """A figure to be drawn: its file's stem, its caption, and a function without arguments that draws it (it can be
    sent to another process). ``vector`` says that it is all lines and drawn as SVG, too, without being asked.
    """

    name: str
    caption: str
    draw: Callable[[], Figure]
    vector: bool = False


def images(plate: Plate, svg: bool = False) -> dict[str, bytes]:
    """A plate drawn, as PNG and, where asked for or cheap, SVG."""
    figure = plate.draw()
    return {kind: render(figure, kind) for kind in (("png", "svg") if svg or plate.vector else ("png",))}


def plates(run: Run) -> Iterator[Plate]:
    """The figures of a run in the order of a report."""
    what = scene(run)
    plane = "half-plane (r, z); the body is this turned about r = 0" if what.axisymmetric else "plane (x, y)"
    yield Plate(
        "layout",
        f"Layout in the {plane}. Young's modulus at the final temperature, expansion coefficient as the mean from the "
        "stress-free temperature.",
        partial(layout_figure, what.picture),
        vector=what.picture.plan is not None,
    )
    yield Plate(
        "mesh",
        "Mesh in the colours of the materials; edges that fall on the same pixels are drawn once.",
        partial(mesh_figure, what.picture),
    )
    names = ", ".join(components(run)[:-1])
    cut = f" Not drawn: {what.cut}." if what.cut else ""
    yield Plate(
        "stress",
        f"Stress components ({names}) and von Mises stress in MPa, size of the displacement in {LENGTH}; deformation "
        f"drawn {what.scale:g} times as large; dashed: undeformed. {CELLS} Colours of stresses end at the 1st and 99th "
        f"percentile by area.{cut}",
        partial(deformed_figure, what),
    )
    if np.ndim(what.temperature):
        yield Plate("temperature", "Temperature field in °C.", partial(temperature_figure, what))
    for number, root in enumerate(run.discretisation.roots):
        shared = sum(other.name == root.name for other in run.discretisation.roots) > 1
        at = f"{words(root.name)} at ({root.at[0]:g}, {root.at[1]:g}) {LENGTH}"
        stem = root_stem(root.name, number) + (f"_{number}" if shared else "")
        lengths = " and ".join(f"{length:g}" for length in what.lengths_of(root))
        shape = "the ring" if what.axisymmetric else "the square"
        yield Plate(
            f"root_{stem}",
            f"Around root {at}, undeformed: peel, shear and von Mises stress, MPa. Dashed: {shape} of {lengths} "
            f"{LENGTH} in the conductor that the averages run over. Colours are clipped; at the root itself stress has "
            "no finite value.",
            partial(root_figure, what, root),
        )
        yield Plate(
            f"interface_{stem}",
            f"Traction along the interface at root {at} under {root.region}: in the conductor (lines) and on the other "
            "side (broad, pale lines), cell by cell; dashed: the averages. The sides agree where the mesh "
            "resolves the field.",
            partial(interface_figure, interface(run, root)),
        )
    if run.adaptation is not None:
        yield Plate(
            "convergence",
            "Estimated error of the root metrics, in % of the metric, against the number of unknowns, refinement by "
            "refinement; dashed: the tolerance.",
            partial(adaptation_figure, run.adaptation),
        )


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
            from matplotlib.backends.backend_svg import FigureCanvasSVG

            FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None, "Creator": "femsim"})  # type: ignore[no-untyped-call]
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
