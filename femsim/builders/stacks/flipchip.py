"""Stack ``flipchip``: a small chip face-down on a large one, insulation, rewiring, terminals
(``chip-on-chip-rewiring``, claims 1 to 8).

z = 0 is the second (large) chip's functional surface. In axisymmetry the members, vias and terminals that sit on a ring
are rings of smeared material; a plane model shows each of them singly, on both sides of the axis.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import pi
from typing import Literal

from femsim.base.errors import InputError
from femsim.cases.stacks.flipchip import FlipchipCase, FlipchipGeometry
from femsim.materials.composites import ring_fraction
from femsim.meshes.layout import Block, Dimension, Layout, Line, Probe, Root, Smear, mirrored


@dataclass
class _Sketch:
    """Blocks, roots and corners while the layout is drawn."""

    plane: bool
    blocks: list[Block] = field(default_factory=list)
    roots: list[Root] = field(default_factory=list)
    corners: list[tuple[float, float]] = field(default_factory=list)
    roles: dict[str, str] = field(default_factory=dict)
    smears: dict[str, Smear] = field(default_factory=dict)


def flipchip(case: FlipchipCase) -> Layout:
    """Layout of the whole package: half of it in axisymmetry, the whole cross-section in plane models."""
    g = case.geometry
    sketch = _Sketch(plane=case.model.kinematics != "axisymmetric")
    floor, rear, top = -g.second_thickness, g.rear, g.top
    lower = top - g.insulation_step  # the film's surface over the non-opposed region
    over = top + g.rewiring_thickness
    surface = over + g.resin_thickness
    end = surface + g.terminal_height
    sketch.blocks += [
        Block("second", (0.0, g.second_radius), (floor, 0.0)),
        Block("fill", (0.0, g.first_radius), (0.0, g.gap)),
        Block("first", (0.0, g.first_radius), (g.gap, rear)),
        Block("insulation", (0.0, g.first_radius), (rear, top)),
        Block("insulation", (g.first_radius, g.second_radius), (0.0, lower)),
        Block("resin", (0.0, g.first_radius), (top, surface)),
        Block("resin", (g.first_radius, g.second_radius), (lower, surface)),
    ]
    if g.rear_film_thickness > 0:
        sketch.blocks.append(Block("rear_film", (0.0, g.second_radius), (floor - g.rear_film_thickness, floor)))
    if g.diffusion_thickness > 0:
        sketch.blocks.append(Block("diffusion", (0.0, g.first_radius), (rear, rear + g.diffusion_thickness)))
    _rewiring(sketch, g, top, lower, over)
    for index, ring in enumerate(g.member_rings):
        counts = g.member_counts
        _ring(sketch, f"member_{index + 1}", "member", "fill", ring, g.member_radius, counts[index] if counts else None, 0.0, g.gap,  # noqa: E501
              f"member_rings.{index}", "member_radius", head=True)  # fmt: skip
    if g.via_ring > 0:
        _ring(
            sketch,
            "via",
            "via",
            "insulation",
            g.via_ring,
            g.via_radius,
            g.via_count,
            0.0,
            lower,
            "via_ring",
            "via_radius",
        )
    base = over if g.terminal_ring < g.first_radius else over - g.insulation_step
    _ring(sketch, "terminal", "terminal", "resin", g.terminal_ring, g.terminal_radius, g.terminal_count, base, surface,
          "terminal_ring", "terminal_radius", free=end)  # fmt: skip
    if g.heat_sink_radius > 0:
        foot = rear + g.diffusion_thickness
        sketch.blocks.append(Block("heat_sink", (0.0, g.heat_sink_radius), (foot, end)))
        sketch.roots.append(
            Root(
                "heat_sink_foot",
                (g.heat_sink_radius, foot),
                "heat_sink",
                (-1, 1),
                g.heat_sink_radius,
                end - foot,
            )
        )
        sketch.corners.append((g.heat_sink_radius, surface))
    sketch.corners += [(g.first_radius, 0.0), (g.first_radius, g.gap), (g.first_radius, rear)]
    terminal_outer = g.terminal_ring + g.terminal_radius
    layout = Layout(
        blocks=tuple(sketch.blocks),
        lines=(
            Line("axis", 0, 0.0, (floor - g.rear_film_thickness, end)),
            Line("outer", 0, g.second_radius, (floor - g.rear_film_thickness, surface)),
            Line("back", 1, floor, (0.0, g.second_radius)),
            Line("package_back", 1, floor - g.rear_film_thickness, (0.0, g.second_radius)),
            Line("second_surface", 1, 0.0, (0.0, g.second_radius)),
            Line("first_surface", 1, g.gap, (0.0, g.first_radius)),
            Line("first_rear", 1, rear, (0.0, g.first_radius)),
            Line("terminal_top", 1, end, (max(0.0, g.terminal_ring - g.terminal_radius), terminal_outer)),
            *([Line("heat_sink_top", 1, end, (0.0, g.heat_sink_radius))] if g.heat_sink_radius > 0 else []),
            Line("resin_surface", 1, surface, (0.0, g.second_radius)),
        ),
        roots=tuple(sketch.roots),
        corners=tuple(dict.fromkeys(sketch.corners)),
        dimensions=_dimensions(g, surface),
        hold=(0.0, floor),
        points=(
            Probe("chip_back", (0.0, floor), "second"),
            Probe("first_rear", (0.0, rear), "first"),
            Probe(
                "terminal_tip",
                (g.terminal_ring, end),
                "terminal_free" if "terminal_free" in sketch.smears else "terminal",
            ),
            *([Probe("heat_sink_tip", (0.0, end), "heat_sink")] if g.heat_sink_radius > 0 else []),
        ),
        roles=sketch.roles,
        smears=sketch.smears,
    )
    return mirrored(layout) if sketch.plane else layout


def _rewiring(sketch: _Sketch, g: FlipchipGeometry, top: float, lower: float, over: float) -> None:
    inner, outer = g.rewiring
    edge = g.first_radius
    if inner < edge:
        sketch.blocks.append(Block("rewiring", (inner, min(outer, edge)), (top, over)))
    if outer > edge:
        # over the step the two parts share a wall: the step is lower than the rewiring is thick
        sketch.blocks.append(Block("rewiring", (max(inner, edge), outer), (lower, over - g.insulation_step)))
    if g.rear_contact_radius > 0:
        foot = g.rear + g.diffusion_thickness
        sketch.blocks.append(Block("rewiring", (0.0, g.rear_contact_radius), (foot, top)))
        sketch.roots.append(
            Root(
                "rear_contact_foot",
                (g.rear_contact_radius, foot),
                "rewiring",
                (-1, 1),
                g.rear_contact_radius,
                top - foot,
            )
        )
    sketch.corners += [(x, over if x < edge else over - g.insulation_step) for x in (inner, outer) if x > 0]


def _ring(
    sketch: _Sketch, region: str, role: str, matrix: str, ring: float, radius: float, count: int | None, low: float, high: float,  # noqa: E501
    ring_key: str, radius_key: str, head: bool = False, free: float | None = None,
) -> None:  # fmt: skip
    """A row of round members on a ring: one on the axis, a smeared ring, or (plane) single members."""
    inner, outer = max(ring - radius, 0.0), ring + radius
    end = high if free is None else free
    smeared = ring > 0 and not sketch.plane
    sketch.blocks.append(Block(region, (inner, outer), (low, high if smeared else end)))
    sketch.roles[region] = role
    if smeared:
        number = count or max(int(2 * pi * ring / (4 * radius)), 1)
        try:
            fraction = ring_fraction(number, radius, inner, outer)
        except InputError:
            raise InputError(
                f"geometry.{ring_key}: {number} members of geometry.{radius_key} {radius:g} um overlap on a ring of "
                f"{ring:g} um"
            ) from None
        sketch.smears[region] = Smear(role, matrix, number, radius, ring, fraction)
        if free is not None:
            sketch.blocks.append(Block(f"{region}_free", (inner, outer), (high, free)))
            sketch.smears[f"{region}_free"] = Smear(role, None, number, radius, ring, fraction)
    width = outer - inner if ring > 0 else radius
    walls: list[tuple[float, Literal[-1, 1]]] = [(outer, -1), (inner, 1)] if ring > 0 else [(outer, -1)]
    for wall, into in walls:
        sketch.roots.append(Root(f"{region}_foot", (wall, low), region, (into, 1), width, high - low))
        if head:
            sketch.roots.append(Root(f"{region}_head", (wall, high), region, (into, -1), width, high - low))
        else:
            sketch.corners.append((wall, high))


def _dimensions(g: FlipchipGeometry, surface: float) -> tuple[Dimension, ...]:
    edge, far = g.first_radius, g.second_radius
    edge_of_terminal = g.terminal_ring + g.terminal_radius
    found = [
        Dimension("second_radius", (0.0, -g.second_thickness), (far, -g.second_thickness)),
        Dimension("second_thickness", (far, -g.second_thickness), (far, 0.0)),
        Dimension("first_radius", (0.0, g.rear), (edge, g.rear)),
        Dimension("first_thickness", (edge, g.gap), (edge, g.rear)),
        Dimension("gap", (edge, 0.0), (edge, g.gap)),
        Dimension("insulation_thickness", (0.0, g.rear + g.diffusion_thickness), (0.0, g.top)),
        Dimension("rewiring_thickness", (g.rewiring[1], g.top), (g.rewiring[1], g.top + g.rewiring_thickness)),
        Dimension("resin_thickness", (far, surface - g.resin_thickness), (far, surface)),
        Dimension("terminal_height", (edge_of_terminal, surface), (edge_of_terminal, surface + g.terminal_height)),
    ]  # fmt: skip
    if g.heat_sink_radius > 0:
        found.append(
            Dimension(
                "heat_sink_radius",
                (0.0, surface + g.terminal_height),
                (g.heat_sink_radius, surface + g.terminal_height),
            )
        )
    if g.via_ring > 0:
        found.append(Dimension("via_ring", (0.0, 0.0), (g.via_ring, 0.0)))
    return tuple(found)
