"""What a drawing needs to know of a run, a discretisation, a layout or a mesh, and what is said there of materials and
supports.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from femsim.base.units import MPA_PER_GPA, PER_K_PER_PPM
from femsim.builders.build import Discretisation
from femsim.builders.resolve import ResolvedMaterial
from femsim.cases.parts import Boundary, CaseBase
from femsim.meshes.layout import Layout, Root
from femsim.meshes.mesh import Mesh
from femsim.reports.plots.outlines import polygons
from femsim.reports.plots.style import INK, region_colours, words
from femsim.runs.run import Run

#: x0, x1, y0, y1 in um
Window = tuple[float, float, float, float]


@dataclass(frozen=True)
class Picture:
    """What a layout's drawing needs, from a Run, a Discretisation, a Layout or a Mesh."""

    layout: Layout | None
    mesh: Mesh | None
    regions: tuple[str, ...]
    roots: tuple[Root, ...]
    axes: tuple[str, str]
    case: CaseBase | None = None
    materials: dict[str, ResolvedMaterial] = field(default_factory=dict)

    @property
    def body(self) -> Window:
        """The box around the body."""
        if self.layout is not None:
            points = np.concatenate([polygon for polygon, _ in polygons(self.layout)])
        elif self.mesh is not None:
            points = self.mesh.points
        else:
            raise ValueError("nothing to draw")
        (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
        return float(x0), float(x1), float(y0), float(y1)

    @property
    def colours(self) -> dict[str, str]:
        """Fill colour of every region."""
        families = [self.materials[r].material.family if r in self.materials else None for r in self.regions]
        return region_colours(self.regions, families)


def picture(result: Run | Discretisation | Layout | Mesh) -> Picture:
    """Gather what is known of ``result``."""
    if isinstance(result, Layout):
        return Picture(result, None, result.regions, result.roots, ("r", "z"))
    if isinstance(result, Mesh):
        return Picture(None, result, result.regions, (), ("r", "z"))
    disc = result.discretisation if isinstance(result, Run) else result
    axes = ("r", "z") if disc.case.model.kinematics == "axisymmetric" else ("x", "y")
    materials = result.materials if isinstance(result, Run) else {}
    return Picture(disc.layout, disc.mesh, disc.mesh.regions, disc.roots, axes, disc.case, materials)


#: x values, y values, line style of one drawn support
Support = tuple[list[float], list[float], dict[str, Any]]


def material_lines(what: Picture, region: str) -> list[str]:
    """Material name, modulus and expansion of a region, in lines."""
    if region not in what.materials or what.case is None:
        return []
    one = what.materials[region]
    return [
        words(one.entry.name if one.entry else "effective medium" if one.blend else "own data"),
        *material_numbers(one, what.case),
    ]


def material_numbers(one: ResolvedMaterial, case: CaseBase) -> list[str]:
    """Modulus at the final temperature and mean expansion coefficient from the stress-free one, as text."""
    free = case.load.stress_free_temperature
    end = case.load.temperature if isinstance(case.load.temperature, float) else free
    modulus = [f"{float(p.at(end)) / MPA_PER_GPA:.4g}" for p in one.material.youngs_modulus]
    step = end - free if end != free else 1.0
    strain = replace(one.material, angle=0.0).thermal_strain(free + step, free)[:3] / step / PER_K_PER_PPM
    expansion = [f"{v:.3g}" for v in (strain[:1] if len(one.material.cte) == 1 else strain)]
    return [f"E {', '.join(modulus)} GPa", f"CTE {', '.join(expansion)} ppm/K"]


def supports(what: Picture) -> list[tuple[str, list[Support]]]:
    """The boundary conditions in words, each with lines or points to draw."""
    if what.case is None:
        return []
    body, case = what.body, what.case
    x0, x1, y0, y1 = body
    found: list[tuple[str, list[Support]]] = []
    if what.axes[0] == "r" and abs(x0) <= 1e-9 * (x1 - x0):
        found.append(("axis of rotation, r = 0", [([x0, x0], [y0, y1], {"color": INK, "lw": 1.0, "ls": "-."})]))
    wall = next((line for line in (what.layout.lines if what.layout else ()) if line.name == "outer"), None)
    span = wall.span if wall else (y0, y1)
    style = {"free": ("0.55", ":"), "fixed": (INK, "-"), "coupled": ("#1565c0", "--")}[case.model.outer]
    meaning = {
        "free": "free",
        "fixed": "fixed (no lateral motion)",
        "coupled": "coupled (one common lateral motion, no net force)",
    }
    if case.model.outer != "free" or (what.layout is not None and what.layout.hold is not None):
        found.append(
            (
                f"outer wall {meaning[case.model.outer]}",
                [([x1, x1], list(span), {"color": style[0], "lw": 1.8, "ls": style[1]})],
            )
        )
    if what.layout is not None and what.layout.hold is not None:
        x, y = what.layout.hold
        mark = {"color": INK, "ls": "", "marker": "^", "ms": 7}
        found.append((f"held at ({x:g}, {y:g}): u_{what.axes[1]} = 0", [([x], [y], mark)]))
    for number, boundary in enumerate(case.boundary):
        colour = ("#2e7d32", "#6a1b9a", "#ef6c00", "#00838f")[number % 4]
        found.append((_boundary_words(boundary), _boundary_lines(what, boundary, colour)))
    return found


def _boundary_words(boundary: Boundary) -> str:
    place, deed = [], []
    for key in ("on", "r", "z", "x", "y", "point"):
        value = getattr(boundary, key)
        if value is not None:
            place.append(
                f"{key} = ({value[0]:g}, {value[1]:g})"
                if key == "point"
                else f"{value}"
                if key == "on"
                else f"{key} = {value:g} um"
            )
    for key in ("u_r", "u_z", "u_x", "u_y"):
        value = getattr(boundary, key)
        if value is not None:
            deed.append(f"{key} = {value:g} um")
    if boundary.pressure is not None:
        deed.append(f"pressure {boundary.pressure:g} MPa")
    if boundary.traction is not None:
        deed.append(f"traction ({boundary.traction[0]:g}, {boundary.traction[1]:g}) MPa")
    return words(f"{', '.join(place)}: {', '.join(deed)}")


def _boundary_lines(what: Picture, boundary: Boundary, colour: str) -> list[Support]:
    x0, x1, y0, y1 = what.body
    style: dict[str, Any] = {"color": colour, "lw": 2.2, "ls": "-", "solid_capstyle": "butt"}
    if boundary.point is not None:
        return [([boundary.point[0]], [boundary.point[1]], {"color": colour, "ls": "", "marker": "^", "ms": 7})]
    for key, axis in (("r", 0), ("x", 0), ("z", 1), ("y", 1)):
        value = getattr(boundary, key)
        if value is not None:
            return [([value, value], [y0, y1], style) if axis == 0 else ([x0, x1], [value, value], style)]
    if what.mesh is not None and boundary.on in what.mesh.lines:
        edges = what.mesh.points[what.mesh.lines[boundary.on][:, :2]]
        x = np.column_stack([edges[..., 0], np.full(len(edges), np.nan)]).ravel()
        y = np.column_stack([edges[..., 1], np.full(len(edges), np.nan)]).ravel()
        return [([float(v) for v in x], [float(v) for v in y], style)]
    return []
