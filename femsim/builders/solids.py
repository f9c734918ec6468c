"""Cases in three dimensions to meshes: round stacks swept from plans, blocks, imported meshes; and how they are held.

A round stack's layout (r, z) is its profile: every radius of it is a circle of the plan, every height a level. A
staggered conductor's layers are circles of their own. Elements are graded to every root circle, in the plan on both
sides of it and along z.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from femsim.base.arrays import BoolArray, FloatArray, IntArray
from femsim.base.errors import FemsimWarning, InputError
from femsim.builders.mirrors import needed_part, uneven
from femsim.cases.parts import CaseBase
from femsim.cases.stacks.blocks import BlocksCase
from femsim.cases.stacks.staggered import StaggeredCase
from femsim.meshes.extrude import Box, Level, box_lines, box_mesh, extrude, z_lines
from femsim.meshes.grid import Grading
from femsim.meshes.layout import Layout, Probe, Rim, paint
from femsim.meshes.mesh import Mesh
from femsim.meshes.plan import AROUND, Plan, inside, plan_mesh
from femsim.meshes.sketch import Circle

#: fewest elements between two levels
FEWEST = 2
PLANE_OF = {"hex8": "quad4", "hex20": "quad8", "hex27": "quad9"}


@dataclass(frozen=True)
class Solid:
    """What a body in space has beside its mesh: root circles, planes of symmetry (surface -> axis), walls (surfaces),
    the axis point that is held, named points, and whether motion along x has to be held there.
    """

    rims: tuple[Rim, ...] = ()
    symmetry: Mapping[str, int] | None = None
    walls: tuple[str, ...] = ()
    hold: tuple[float, float, float] | None = None
    points: tuple[Probe, ...] = ()


def solid_blocks(case: BlocksCase) -> tuple[Mesh, Solid]:
    """Mesh of blocks x, y, z; the walls are the four sides of the box around them."""
    boxes = [Box(block.name, _span(block.x), _span(block.y), _span(block.z)) for block in case.block]
    spec = case.mesh
    largest = spec.largest if spec.largest is not None or "size" not in spec.model_fields_set else spec.size
    mesh = box_mesh(
        boxes, box_lines(boxes, Grading(spec.size, spec.growth, largest, fewest=FEWEST)), case.model.element
    )
    for name in {box.region for box in boxes}:
        if name is not None and not np.any(mesh.region == mesh.regions.index(name)):
            raise InputError(f"block.{name}: lies wholly under later blocks; remove it or move it down the list")
    return mesh, Solid(walls=("x_min", "x_max", "y_min", "y_max"))


def _span(value: tuple[float, float] | None) -> tuple[float, float]:
    assert value is not None  # checked by the case
    return value


def solid_stack(
    case: CaseBase, draw: Callable[[Any], Layout], lengths: tuple[float, ...]
) -> tuple[Mesh, Solid, Layout]:
    """Mesh of a round stack in its cell, and the profile it was drawn from."""
    staggered = isinstance(case, StaggeredCase) and len({layer.offset for layer in case.layer} | {0.0}) > 1
    if isinstance(case, StaggeredCase) and staggered:
        layout = draw(case)
        profile = _staggered(case, layout)
    else:
        flat = case.model_copy(update={"model": {}, "probe": [], "boundary": [], "mesh": {}})
        layout = draw(flat)
        profile = _concentric(layout, lengths)
    if layout.bends:
        names = ", ".join(bend.name for bend in layout.bends)
        raise InputError(f"model.kinematics: 3d has no sloping or curved layers yet ({names}); leave them out")
    mesh, walls, symmetry = _swept(case, profile, layout)
    hold = None if layout.hold is None else (*_axis(case), layout.hold[1])
    shift = np.array(_axis(case))
    rims = tuple(replace(rim, centre=(rim.centre[0] + shift[0], rim.centre[1] + shift[1])) for rim in profile.rims)
    points = tuple(Probe(p.name, (p.at[0] + shift[0], shift[1], p.at[1]), p.region) for p in layout.points)
    return mesh, Solid(rims, symmetry, walls, hold, points), layout


def _axis(case: CaseBase) -> tuple[float, float]:
    """Where the cell's axis stands."""
    return case.model.place or (0.0, 0.0)


@dataclass(frozen=True)
class _Profile:
    """Circles, levels, the sizes wanted at levels, root circles; and the region of the cells inside given circles
    (cells, circles) between two levels.
    """

    size: float
    circles: tuple[Circle, ...]
    levels: tuple[float, ...]
    fine: dict[float, float]
    rims: tuple[Rim, ...]
    paint: Callable[[BoolArray, FloatArray], IntArray]  # (cells, circles), heights -> (heights, cells)


def _concentric(layout: Layout, lengths: tuple[float, ...]) -> _Profile:
    """Circles of a profile in (r, z)."""
    x, y, cells = paint(layout)
    radii = [float(r) for r in x[1:-1]]
    at_roots = {root.at[0] for root in layout.roots}
    circles = [Circle(f"circle_{i}", (0.0, 0.0), r, r in at_roots) for i, r in enumerate(radii)]
    rims, fine, levels = [], dict[float, float](), [float(v) for v in y]
    for root in layout.roots:
        into, up = root.into
        rims.append(Rim(root.name, (0.0, 0.0), root.at[0], root.at[1], root.region, up, root.width, root.height, into))
        fine[root.at[1]] = 1.0
        for length in lengths:
            edge, height = root.at[0] + into * length, root.at[1] + up * length
            if length < root.width and all(abs(edge - r) > 1e-6 * x[-1] for r in radii):
                circles.append(Circle(f"{root.name}_{length:g}_{len(circles)}", (0.0, 0.0), edge, False))
                radii.append(edge)
            if length < root.height:
                levels.append(height)
    for corner in layout.corners:
        fine.setdefault(corner[1], 5.0)
    order = np.argsort([c.radius for c in circles[: len(x) - 2]])

    def painted(within: BoolArray, heights: FloatArray) -> IntArray:
        # rings are counted from the inside: a cell in all circles lies in the first
        outside = len(order) - within[:, : len(x) - 2].sum(axis=1)
        row = np.searchsorted(y, heights) - 1
        return np.asarray(cells[np.ix_(row, outside.astype(np.int64))])

    return _Profile(float(x[-1]), tuple(circles), tuple(levels), fine, tuple(rims), painted)


def _staggered(case: StaggeredCase, layout: Layout) -> _Profile:
    """Circles of layers that stand beside each other; equal layers share one."""
    g, layers = case.geometry, case.layer
    places = list(dict.fromkeys((layer.offset, layer.radius) for layer in layers))
    circles = tuple(Circle(f"circle_{i}", (x, 0.0), r) for i, (x, r) in enumerate(places))
    heights = [0.0, *np.cumsum([layer.thickness for layer in layers]).tolist()]
    top = heights[-1] if g.insulation_thickness is None else g.insulation_thickness
    rims = []
    for i, layer in enumerate(layers):
        ends: list[tuple[str, float, Literal[-1, 1]]] = [("foot" if i == 0 else f"step_{i}", heights[i], 1)]
        if i + 1 < len(layers) and (layers[i + 1].offset, layers[i + 1].radius) != (layer.offset, layer.radius):
            ends.append((f"step_{i + 1}_below", heights[i + 1], -1))
        if i and (layers[i - 1].offset, layers[i - 1].radius) == (layer.offset, layer.radius):
            ends = ends[1:] if len(ends) > 1 else []
        for name, z, up in ends:
            rims.append(
                Rim(name, (layer.offset, 0.0), layer.radius, z, f"layer_{i + 1}", up, layer.radius, layer.thickness)
            )
    regions = {name: number for number, name in enumerate(layout.regions)}

    def painted(within: BoolArray, at: FloatArray) -> IntArray:
        found = np.full((len(at), len(within)), -1, dtype=np.int64)
        found[at < 0] = regions["chip"]
        found[(at > 0) & (at < top)] = regions["insulation"]
        for i, layer in enumerate(layers):
            own = (at > heights[i]) & (at < heights[i + 1])
            mine = within[:, places.index((layer.offset, layer.radius))]
            found[np.ix_(own, mine)] = regions[f"layer_{i + 1}"]
        return found

    levels = (-g.chip_thickness, *heights, top)
    return _Profile(g.cell_radius, circles, levels, dict.fromkeys(heights[:-1], 1.0), tuple(rims), painted)


def _swept(case: CaseBase, profile: _Profile, layout: Layout) -> tuple[Mesh, tuple[str, ...], dict[str, int]]:
    """The mesh, its walls and its planes of symmetry."""
    spec, model = case.mesh, case.model
    grading = Grading(spec.size, spec.growth, spec.largest, fewest=FEWEST)
    shape = model.cell or "circular"
    odd = uneven(case) if shape == "chip" else {}
    if odd:
        warnings.warn(
            f"{' and '.join(dict.fromkeys(odd.values()))}: no mirror image of itself along "
            f"{' and '.join('xy'[axis] for axis in odd)}; the chip's other quarters are taken to have the mirror image",
            FemsimWarning,
            stacklevel=2,
        )
    part, around = needed_part(case), spec.around or AROUND
    plan = Plan(shape, profile.size, profile.circles, part, _axis(case), around)
    flat = plan_mesh(plan, grading, PLANE_OF[model.element])
    z = z_lines(profile.levels, {at: factor * spec.size for at, factor in profile.fine.items()}, grading)
    within = inside(flat)
    region = profile.paint(within, 0.5 * (z[1:] + z[:-1]))
    used = region[region >= 0]
    regions = layout.regions
    levels = {line.name: Level(line.value) for line in layout.lines if line.axis == 1}
    centre = np.array(_axis(case))
    middle = np.linalg.norm(flat.points[flat.cells[:, :4]].mean(axis=1) - centre, axis=1)
    for line in layout.lines:
        if line.axis == 1 and line.span[0] == 0.0 and line.span[1] < profile.size:
            levels[line.name] = Level(line.value, middle < line.span[1])
    by_circle = {(c.centre, c.radius): c.name for c in profile.circles}
    curves = {rim.name: (by_circle[rim.centre, rim.radius], rim.z) for rim in profile.rims}
    named = replace(flat, lines={("outer" if n == "wall" else n): edges for n, edges in flat.lines.items()})
    mesh = extrude(named, z, region, regions, levels, curves)
    keep = [n for n in regions if np.any(used == regions.index(n))]
    if len(keep) < len(regions):
        number = np.array([keep.index(n) if n in keep else -1 for n in regions])
        mesh = replace(mesh, region=number[mesh.region], regions=tuple(keep))
    sides = ("x_max", "x_min", "y_max", "y_min", "upper_right", "upper_left", "lower_right", "lower_left")
    walls = ("outer",) if shape == "circular" else tuple(n for n in sides if n in mesh.surfaces)
    symmetry = {name: axis for axis, name in enumerate(("x_zero", "y_zero")) if name in mesh.surfaces}
    return mesh, walls, symmetry
