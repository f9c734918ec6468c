"""Stack ``rewired-chip``: one chip, insulation on its rear, a conductive member through an opening
(``chip-on-chip-rewiring``, claim 9).

z = 0 is the chip's rear surface, which faces the member; the functional surface is at z = -chip_thickness.
"""

from __future__ import annotations

from femsim.cases.stacks.rewired import RewiredChipCase
from femsim.meshes.layout import Block, Dimension, Layout, Line, Probe, Root, mirrored


def rewired_chip(case: RewiredChipCase) -> Layout:
    """Layout of one cell around one opening: half of it in axisymmetry, the whole cross-section in plane models."""
    g = case.geometry
    film = g.diffusion_thickness
    top = film + g.insulation_thickness
    height = top + g.member_height
    blocks = [
        Block("chip", (0.0, g.cell_radius), (-g.chip_thickness, 0.0)),
        Block("insulation", (0.0, g.cell_radius), (film, top)),
        Block("member", (0.0, g.opening_radius), (film, top)),
        Block("member", (0.0, g.member_radius), (top, height)),
    ]
    if film > 0:
        blocks.append(Block("diffusion", (0.0, g.cell_radius), (0.0, film)))
    roots = [Root("member_root", (g.opening_radius, film), "member", (-1, 1), g.opening_radius, top - film)]
    corners = []
    if g.member_radius > g.opening_radius:
        rim = g.member_radius - g.opening_radius
        roots.append(Root("rim_root", (g.member_radius, top), "member", (-1, 1), rim, g.member_height))
        corners.append((g.opening_radius, top))
    else:
        corners.append((g.opening_radius, top))
    layout = Layout(
        blocks=tuple(blocks),
        lines=(
            Line("axis", 0, 0.0, (-g.chip_thickness, height)),
            Line("outer", 0, g.cell_radius, (-g.chip_thickness, top)),
            Line("back", 1, -g.chip_thickness, (0.0, g.cell_radius)),
            Line("rear_surface", 1, 0.0, (0.0, g.cell_radius)),
            Line("member_top", 1, height, (0.0, g.member_radius)),
        ),
        roots=tuple(roots),
        corners=tuple(corners),
        dimensions=(
            Dimension("cell_radius", (0.0, -g.chip_thickness), (g.cell_radius, -g.chip_thickness)),
            Dimension("chip_thickness", (g.cell_radius, -g.chip_thickness), (g.cell_radius, 0.0)),
            Dimension("insulation_thickness", (g.cell_radius, film), (g.cell_radius, top)),
            Dimension("opening_radius", (0.0, film), (g.opening_radius, film)),
            Dimension("member_radius", (0.0, height), (g.member_radius, height)),
            Dimension("member_height", (g.member_radius, top), (g.member_radius, height)),
        ),
        hold=(0.0, -g.chip_thickness),
        points=(Probe("member_tip", (0.0, height), "member"), Probe("chip_back", (0.0, -g.chip_thickness), "chip")),
    )
    return layout if case.model.kinematics == "axisymmetric" else mirrored(layout)
