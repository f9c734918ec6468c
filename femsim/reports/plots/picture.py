"""What a drawing needs to know of a run, a discretisation, a layout or a mesh, and what is said there of materials and
supports.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.units import MPA_PER_GPA, PER_K_PER_PPM
from femsim.meshes.layout import Dimension, Layout, Root, paint
from femsim.meshes.mesh import Mesh
from femsim.reports.plots.look import INK, LENGTH, region_colours, words
from femsim.reports.plots.outlines import outlines, polygons
from femsim.reports.plots.thermal import heat_supports, power_words

if TYPE_CHECKING:
    from femsim.builders.discretisation import Discretisation
    from femsim.builders.resolve import ResolvedMaterial
    from femsim.cases.boundary import Boundary, Varying
    from femsim.cases.keys import OnLine
    from femsim.cases.parts import CaseBase
    from femsim.runs.run import Run

#: x0, x1, y0, y1 in um
Window = tuple[float, float, float, float]
#: x values, y values, line style of one drawn support
Support = tuple[list[float], list[float], dict[str, Any]]


@dataclass(frozen=True)
class Plan:
    """A layout as it is drawn: bent polygons with their region's number, bent lines between regions, the painted grid,
    dimensions.
    """

    polygons: list[tuple[FloatArray, int]]
    outlines: list[FloatArray]
    grid: tuple[FloatArray, FloatArray, IntArray]
    dimensions: tuple[Dimension, ...]
    bent: bool


@dataclass(frozen=True)
class Picture:
    """What a drawing needs to know of a body, as plain data; :func:`picture` gathers it.

    ``notes`` are a region's material, modulus and expansion in words, ``supports`` the boundary conditions in words,
    each with lines or points to draw.
    """

    plan: Plan | None
    mesh: Mesh | None
    regions: tuple[str, ...]
    roots: tuple[Root, ...]
    axes: tuple[str, str]
    colours: dict[str, str]
    notes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    supports: tuple[tuple[str, list[Support]], ...] = ()
    elastic: bool = True

    @cached_property
    def body(self) -> Window:
        """The box around the body."""
        if self.plan is not None:
            points = np.concatenate([polygon for polygon, _ in self.plan.polygons])
        elif self.mesh is not None:
            points = self.mesh.points
        else:
            raise ValueError("nothing to draw")
        (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
        return float(x0), float(x1), float(y0), float(y1)


def padded(window: Window, by: float = 0.03) -> Window:
    """A window with a margin."""
    pad = by * max(window[1] - window[0], window[3] - window[2])
    return window[0] - pad, window[1] + pad, window[2] - pad, window[3] + pad


def around(what: Picture, root: Root, reach: float) -> Window:
    """A square window of ``reach`` (um) to each side of a root, cut at the body."""
    x0, x1, y0, y1 = what.body
    x, y = root.at
    return max(x - reach, x0), min(x + reach, x1), max(y - reach, y0), min(y + reach, y1)


def picture(result: Run | Discretisation | Layout | Mesh | Picture) -> Picture:
    """Gather what is known of ``result``."""
    if isinstance(result, Picture):
        return result
    if isinstance(result, Layout):
        return Picture(_plan(result), None, result.regions, result.roots, ("r", "z"), region_colours(result.regions))
    if isinstance(result, Mesh):
        return Picture(None, result, result.regions, (), ("r", "z"), region_colours(result.regions))
    solved: Any = result
    return picture_of(getattr(solved, "discretisation", solved), getattr(solved, "materials", {}))


def picture_of(disc: Discretisation, materials: dict[str, ResolvedMaterial]) -> Picture:
    """The picture of a discretisation with its materials."""
    regions = disc.mesh.regions
    known = [materials.get(r) for r in regions]
    families = [one.spec.family if one else None for one in known]
    alike = [_likeness(one) if one else None for one in known]
    elastic = all(one.elastic is not None for one in materials.values())
    found = Picture(
        _plan(disc.layout) if disc.layout is not None else None,
        disc.mesh,
        regions,
        disc.roots,
        ("r", "z") if disc.case.model.kinematics == "axisymmetric" else ("x", "y"),
        region_colours(regions, families, alike),
        {
            name: (*_material_lines(one, disc.case), *_power_lines(name, one, disc.case))
            for name, one in materials.items()
        },
        elastic=elastic,
    )
    return replace(found, supports=tuple(_supports(found, disc)))


def _likeness(one: ResolvedMaterial) -> object:
    """What regions of one material share; no two of them have the same where their numbers differ."""
    if one.elastic is None:
        return one.spec.model_dump_json()
    return one.entry.name if one.entry else "", replace(one.material, name="")


def _plan(layout: Layout) -> Plan:
    return Plan(polygons(layout), outlines(layout), paint(layout), layout.dimensions, bool(layout.bends))


def _material_lines(one: ResolvedMaterial, case: CaseBase) -> tuple[str, ...]:
    """Material name, modulus and expansion, in lines."""
    name = one.entry.name if one.entry else "blend" if one.blend else "own data"
    return words(name), *material_numbers(one, case)


def material_numbers(one: ResolvedMaterial, case: CaseBase) -> list[str]:
    """Modulus at the final temperature and mean expansion coefficient from the stress-free one, as text; of what only
    conducts, its conductivity at the ambient temperature.
    """
    if one.elastic is None:
        from femsim.builders.resolve import properties_of  # loads what drawing does not need

        ambient = case.heat.ambient if case.heat is not None else 25.0
        conductivity = properties_of(one.spec.conductivity, 1.0, "conductivity")
        return [f"k {', '.join(f'{float(p.at(ambient)):.4g}' for p in conductivity)} W/(m K)"]
    free = case.load.stress_free_temperature
    end = case.load.shown if isinstance(case.load.shown, float) else free
    digits = 4 if len(one.material.youngs_modulus) == 1 else 3
    modulus = [f"{float(p.at(end)) / MPA_PER_GPA:.{digits}g}" for p in one.material.youngs_modulus]
    step = end - free if end != free else 1.0
    strain = replace(one.material, angle=0.0).thermal_strain(free + step, free)[:3] / step / PER_K_PER_PPM
    expansion = [f"{v:.3g}" for v in (strain[:1] if len(one.material.cte) == 1 else strain)]
    return [f"E {', '.join(modulus)} GPa", f"CTE {', '.join(expansion)} ppm/K"]


def _power_lines(region: str, one: ResolvedMaterial, case: CaseBase) -> list[str]:
    """The power of a region in words."""
    sources = case.heat.source if case.heat is not None else []
    plain = [source for source in sources if source.on is None and source.level() is None]
    return [power_words(source, case) for source in plain if source.region in (region, one.role)]


def _supports(what: Picture, disc: Discretisation) -> list[tuple[str, list[Support]]]:
    """The boundary conditions in words, each with lines or points to draw."""
    case, layout = disc.case, disc.layout
    x0, x1, y0, y1 = what.body
    found: list[tuple[str, list[Support]]] = []
    if what.axes[0] == "r" and abs(x0) <= 1e-9 * (x1 - x0):
        found.append(("axis of rotation, r = 0", [([x0, x0], [y0, y1], {"color": INK, "lw": 1.0, "ls": "-."})]))
    wall = next((line for line in (layout.lines if layout else ()) if line.name == "outer"), None)
    span = wall.span if wall else (y0, y1)
    wall_style = {
        "free": ("0.55", ":"),
        "fixed": (INK, "-"),
        "coupled": ("#1565c0", "--"),
        "straight": ("#1565c0", "-."),
        "periodic": ("#1565c0", "--"),
    }
    style = wall_style[case.model.outer]
    meaning = {
        "free": "free",
        "fixed": "fixed (no lateral motion)",
        "coupled": "coupled (one common lateral motion, no net force)",
        "straight": "straight (free to tilt, no net force or moment)",
        "periodic": "periodic (repeats, no net force)",
    }
    if case.model.outer != "free" or (layout is not None and layout.hold is not None):
        found.append(
            (
                f"outer wall {meaning[case.model.outer]}",
                [([x1, x1], list(span), {"color": style[0], "lw": 1.8, "ls": style[1]})],
            )
        )
    if layout is not None and layout.hold is not None:
        x, y = layout.hold
        mark = {"color": INK, "ls": "", "marker": "^", "ms": 7}
        found.append((f"held at ({x:g}, {y:g}): u_{what.axes[1]} = 0", [([x], [y], mark)]))
    if case.heat is not None:
        found += heat_supports(case.heat, what)
    for number, boundary in enumerate(case.boundary):
        colour = ("#2e7d32", "#6a1b9a", "#ef6c00", "#00838f")[number % 4]
        found.append((_boundary_words(boundary), _boundary_lines(what, boundary, colour)))
    return found


def _boundary_words(boundary: Boundary) -> str:
    place = [f"{axis} = {low:g} to {high:g} {LENGTH}" for axis, (low, high) in boundary.ranges().items()]
    level = boundary.level()
    if boundary.on is not None:
        place.insert(0, f"on = {boundary.on}")
    elif boundary.point is not None:
        place.insert(0, f"point = ({boundary.point[0]:g}, {boundary.point[1]:g})")
    elif level is not None:
        place.insert(0, f"{level[0]} = {level[1]:g} {LENGTH}")
    deed = [
        f"{key} {value}" if isinstance(value, str) else f"{key} = {_amount(value, LENGTH)}"
        for key, value in boundary.motions().items()
    ]
    if boundary.pressure is not None:
        deed.append(f"pressure {_amount(boundary.pressure, 'MPa')}")
    if boundary.traction is not None:
        deed.append(f"traction ({', '.join(_amount(value, 'MPa') for value in boundary.traction)})")
    if boundary.force is not None:
        force = boundary.force if isinstance(boundary.force, tuple) else (boundary.force,)
        deed.append(f"force {', '.join(_amount(value, 'N') for value in force)}")
    named = f"{boundary.name}: " if boundary.name else ""
    return words(f"{named}{', '.join(place)}: {', '.join(deed)}")


def _amount(value: float | Varying, unit: str) -> str:
    if isinstance(value, float):
        return f"{value:g} {unit}"
    if value.point_data is not None:
        return f"field {value.point_data}"
    return "over the steps" if value.steps is not None else "over time"


def _boundary_lines(what: Picture, boundary: Boundary, colour: str) -> list[Support]:
    if boundary.point is not None:
        return [([boundary.point[0]], [boundary.point[1]], {"color": colour, "ls": "", "marker": "^", "ms": 7})]
    return line_marks(what, boundary, boundary.on, {"color": colour, "lw": 2.2, "ls": "-", "solid_capstyle": "butt"})


def line_marks(what: Picture, place: OnLine, on: str | None, style: dict[str, Any]) -> list[Support]:
    """A named line, or one of constant coordinate, drawn in a style."""
    x0, x1, y0, y1 = what.body
    level = place.level()
    if level is not None:
        low, high = next(iter(place.ranges().values()), (-np.inf, np.inf))
        if level[0] in ("r", "x"):
            return [([level[1], level[1]], [max(y0, low), min(y1, high)], style)]
        return [([max(x0, low), min(x1, high)], [level[1], level[1]], style)]
    if what.mesh is not None and on in what.mesh.lines:
        edges = what.mesh.points[what.mesh.lines[on][:, :2]]
        x = np.column_stack([edges[..., 0], np.full(len(edges), np.nan)]).ravel()
        y = np.column_stack([edges[..., 1], np.full(len(edges), np.nan)]).ravel()
        return [([float(v) for v in x], [float(v) for v in y], style)]
    return []
