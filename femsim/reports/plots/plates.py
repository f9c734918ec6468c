"""The figures of a run: which, in what order, with what captions, and the plain data each is drawn from. Nothing here
draws, so that another process can.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from femsim.meshes.layout import Root
from femsim.reports.plots.course import course_of, maps_of
from femsim.reports.plots.look import LENGTH, words
from femsim.reports.plots.picture import Picture
from femsim.reports.plots.scene import Scene, picture_once, scene
from femsim.reports.plots.tractions import interface
from femsim.reports.plots.warm import Warm, curves, hottest_state, impedances, warm, warm_state

if TYPE_CHECKING:
    from femsim.runs.heat import HeatResult, HeatRun
    from femsim.runs.run import Run

CELLS = (
    "Stresses are averaged at the mesh's nodes inside a region, never over an interface, so they jump there as they do "
    "in the solution."
)


@dataclass(frozen=True)
class Page:
    """Which page is to be drawn (a key of :data:`femsim.reports.plots.figures.PAGES`), and from what."""

    kind: str
    what: Any
    which: Any = None


@dataclass(frozen=True)
class Plate:
    """A figure: its file's stem, its caption, what it is drawn from. ``vector`` says that it is all lines and drawn as
    SVG, too, without being asked.
    """

    name: str
    caption: str
    page: Page
    vector: bool = False

    @property
    def kind(self) -> str:
        """The file that the page shows: png, svg or gif."""
        return "gif" if self.page.kind == "movie" else "svg" if self.vector else "png"


def plates(run: Run) -> list[Plate]:
    """The figures of a run in the order of a report."""
    if run.discretisation.solid is not None:
        from femsim.reports.plots.section import section_of

        return [
            *program_plates(run),
            Plate(
                "section",
                "Section of the body: regions and mesh, von Mises stress, stress across the layers, size of the "
                "displacement and, with heat, temperature; one value for each face of a cell, colours of stresses end "
                "at the 1st and 99th percentile by area.",
                Page("section", section_of(run)),
            ),
            *(overtime_plates(run.heat) if run.heat is not None else []),
        ]
    what = scene(run)
    found = [*program_plates(run), *mesh_plates(what.picture), *field_plates(what)]
    if run.heat is not None:
        found += heat_plates(run, run.heat)
    elif np.ndim(what.temperature):
        found.append(_temperature(warm(what), "temperature", ""))
    for number, root in enumerate(what.picture.roots):
        found.append(
            Plate(
                f"interface_{root_stem(what.picture.roots, number)}",
                f"Traction along the interface at root {_root_text(root)} under {root.region}: in the conductor "
                "(lines) and on the other side (broad, pale lines), cell by cell; dashed: the averages. The sides "
                "agree where the mesh resolves the field.",
                Page("interface", interface(run, root)),
            )
        )
    if run.adaptation is not None:
        found.append(
            Plate(
                "convergence",
                "Estimated error of the root metrics, in % of the metric, against the number of unknowns, refinement "
                "by refinement; dashed: the tolerance.",
                Page("convergence", run.adaptation),
            )
        )
    return found


def plates_of_heat(run: HeatRun) -> list[Plate]:
    """The figures of a run of heat alone."""
    if run.discretisation.solid is not None:
        from femsim.reports.plots.section import heat_section_of

        text = "Section of the body: regions and mesh, temperature, size of the heat flux; one value for each face of "
        text += "a cell, colours of the flux end at the 1st and 99th percentile by area."
        return [Plate("heat_section", text, Page("section", heat_section_of(run))), *overtime_plates(run.heat)]
    return [*mesh_plates(picture_once(run.discretisation, run.materials)), *heat_plates(run, run.heat)]


def heat_plates(run: Run | HeatRun, heat: HeatResult) -> list[Plate]:
    """The figures of heat: the fields, and of a transient what happens over time."""
    course = heat.course is not None
    found = [_temperature(warm(run), "temperature", f" at {heat.last.time:.4g} s" if course else "")]
    hot = hottest_state(heat)
    if hot is not None:
        when = f" at {hot.time:.4g} s, the hottest instant of all"
        found.append(_temperature(warm_state(run, heat, hot), "hottest", when))
    return found + overtime_plates(heat)


def overtime_plates(heat: HeatResult) -> list[Plate]:
    """What happens over time in a transient: temperatures, and thermal impedances."""
    found = []
    lines = curves(heat)
    if lines:
        text = "Temperatures over time: the largest of the body at every step, those of sources and probes at the "
        found.append(Plate("temperature_over_time", f"{text}times asked for.", Page("overtime", lines), vector=True))
    z = impedances(heat)
    if z is not None:
        text = "Thermal impedance Z_th: mean rise of each source against the ambient temperature over its power, and "
        text += "the Foster network fitted to it."
        found.append(Plate("z_th", text, Page("impedance", z), vector=True))
    return found


def _temperature(what: Warm, name: str, when: str) -> Plate:
    text = f"Temperature{when} in °C, bands between isotherms."
    if what.flux is not None:
        text += (
            " Heat flux in W/m², averaged at the nodes of each region, its colours clipped at the 99th percentile by "
            "area; arrows show its direction, as long as the root of its size tells."
        )
    return Plate(name, text, Page("temperature", what))


def program_plates(run: Run) -> list[Plate]:
    """The figures of a program: courses over time, loops, maps of what flowed, a moving picture."""
    if run.record is None:
        return []
    course, maps = course_of(run), maps_of(run)
    found = []
    if course is not None:
        more = f" Not drawn: {course.left_out} more roots; history.parquet has them." if course.left_out else ""
        found.append(
            Plate(
                "history",
                "Over time: temperature, averages at the roots over their longest length, and inelastic strain "
                "and inelastic work of the same places, or of the regions that flow where there is no root. "
                f"Dotted: ends of steps, ramps and dwells.{more}",
                Page("history", course),
            )
        )
        if course.loops and maps is not None:
            found.append(
                Plate(
                    "loops",
                    "Stress against mechanical strain (elastic and inelastic; shear: engineering), both averaged over "
                    "the same volume: the ring at a root, or a layer of its conductor of the thickness that is named.",
                    Page("loops", course),
                )
            )
    if maps is not None:
        found.append(
            Plate(
                "yield",
                "Where it flowed: extrapolated from the points to the cells' nodes. Grey: it did not; circles: roots. "
                "Colours end at the 99th percentile.",
                Page("yield", maps),
            )
        )
        if len(maps.movie) > 2:
            found.append(
                Plate(
                    "cycle",
                    "Moving picture of the last cycle, or of all steps where there is none: von Mises stress and "
                    "inelastic strain.",
                    Page("movie", maps),
                )
            )
    return found


def mesh_plates(what: Picture) -> list[Plate]:
    """The figures that need no solution."""
    radial = what.axes[0] == "r"
    plane = "half-plane (r, z); the body is this turned about r = 0" if radial else "plane (x, y)"
    numbers = "Conductivity at the ambient temperature."
    if what.elastic:
        numbers = (
            "Young's modulus at the final temperature, expansion coefficient as the mean from the stress-free "
            "temperature."
        )
    return [
        Plate(
            "layout",
            f"Layout in the {plane}. {numbers}",
            Page("layout", what),
            vector=what.plan is not None,
        ),
        Plate(
            "mesh",
            "Mesh in the colours of the materials; edges that fall on the same pixels are drawn once.",
            Page("mesh", what),
        ),
    ]


def field_plates(what: Scene) -> list[Plate]:
    """The figures of the fields: the body, and around each root."""
    names = ", ".join(what.components)
    cut = f" Not drawn: {what.cut}." if what.cut else ""
    found = [
        Plate(
            "stress",
            f"Stress components ({names}) and von Mises stress in MPa, size of the displacement in {LENGTH}; "
            f"deformation drawn {what.scale:g} times as large; dashed: undeformed. {CELLS} Colours of stresses end at "
            f"the 1st and 99th percentile by area.{cut}",
            Page("stress", what),
        )
    ]
    for number, root in enumerate(what.picture.roots):
        lengths = " and ".join(f"{length:g}" for length in what.lengths_of(root))
        shape = "the ring" if what.axisymmetric else "the square"
        found.append(
            Plate(
                f"root_{root_stem(what.picture.roots, number)}",
                f"Around root {_root_text(root)}, undeformed: peel, shear and von Mises stress, MPa. Dashed: {shape} "
                f"of {lengths} {LENGTH} in the conductor that the averages run over. Colours are clipped; at the root "
                "itself stress has no finite value.",
                Page("root", what, root),
            )
        )
    return found


def _root_text(root: Root) -> str:
    return f"{words(root.name)} at ({root.at[0]:g}, {root.at[1]:g}) {LENGTH}"


def root_stem(roots: Sequence[Root], number: int) -> str:
    """A root's name as part of a file name, with its number where others share it; its number where the name will not
    do.
    """
    name = roots[number].name
    plain = name.isascii() and name.replace("_", "").replace("-", "").isalnum() and len(name) <= 40
    shared = sum(other.name == name for other in roots) > 1
    return (name if plain else str(number)) + (f"_{number}" if shared else "")
