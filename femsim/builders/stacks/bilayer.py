"""Stack ``bilayer``: posts sealed by a low-elastic layer under a thin high-elastic one (seed ``bilayer-resin``).

The low layer may slope up to the post's wall (claims 5, 9, 15), a connection pad may lie under the post and a solder
ball on it. z = 0 is the chip's surface.
"""

from __future__ import annotations

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.cases.stacks.bilayer import BilayerCase, BilayerGeometry
from femsim.meshes.layout import Bend, Block, Dimension, Layout, Line, Probe, Root, mirrored


def bilayer(case: BilayerCase) -> Layout:
    """Layout of one cell around one post: half of it in axisymmetry, the whole cross-section in plane models."""
    g = case.geometry
    top = g.low_thickness + g.high_thickness
    pad_radius = (g.pad_radius or g.post_radius) if g.pad_thickness > 0 else 0.0
    foot = g.pad_thickness
    blocks = [
        Block("chip", (0.0, g.cell_radius), (-g.chip_thickness, 0.0)),
        Block("low", (0.0, g.cell_radius), (0.0, g.low_thickness)),
        Block("high", (0.0, g.cell_radius), (g.low_thickness, top)),
        Block("post", (0.0, g.post_radius), (foot, top)),
    ]
    if foot > 0:
        blocks.append(Block("pad", (0.0, pad_radius), (0.0, foot)))
    if g.ball_height > 0:
        blocks.append(Block("ball", (0.0, g.post_radius), (top, top + g.ball_height)))
    roots = [Root("post_root", (g.post_radius, foot), "post", (-1, 1), g.post_radius, top - foot)]
    if foot > 0:
        roots.append(Root("pad_root", (pad_radius, 0.0), "pad", (-1, 1), pad_radius, foot))
    corners = [(g.post_radius, g.low_thickness), (g.post_radius, top)]
    if foot > 0 and pad_radius > g.post_radius:
        corners.append((pad_radius, foot))
    if case.model.outer == "free":
        corners += [(g.cell_radius, 0.0), (g.cell_radius, g.low_thickness)]
    bends = []
    if g.slope_height > 0:
        bends.append(_slope(g))
    if g.ball_height > 0:
        bends.append(_ball(g.post_radius, top, g.ball_height))
    layout = Layout(
        blocks=tuple(blocks),
        bends=tuple(bends),
        lines=(
            Line("axis", 0, 0.0, (-g.chip_thickness, top + g.ball_height)),
            Line("outer", 0, g.cell_radius, (-g.chip_thickness, top)),
            Line("back", 1, -g.chip_thickness, (0.0, g.cell_radius)),
            Line("chip_surface", 1, 0.0, (0.0, g.cell_radius)),
            Line("resin_surface", 1, top, (g.post_radius, g.cell_radius)),
            Line("post_top", 1, top, (0.0, g.post_radius)),
        ),
        roots=tuple(roots),
        corners=tuple(corners),
        dimensions=_dimensions(g, top, pad_radius),
        hold=(0.0, -g.chip_thickness),
        points=(
            Probe("post_tip", (0.0, top), "post"),
            Probe("post_foot", (0.0, foot), "post"),
            *([Probe("ball_tip", (0.0, top + g.ball_height), "ball")] if g.ball_height > 0 else []),
            Probe("chip_back", (0.0, -g.chip_thickness), "chip"),
        ),
    )
    return layout if case.model.kinematics == "axisymmetric" else mirrored(layout)


def _slope(g: BilayerGeometry) -> Bend:
    """Raises the low layer's surface by ``slope_height`` at the wall, falling linearly to nothing over ``slope_width``.

    The grid is moved by dz = height(r) tent(z): height falls to nothing on both sides of the wall, tent on both sides
    of the surface, so neither the chip's surface (where the root is), nor the lower half of the low layer, nor the top
    is moved.
    """
    top = g.low_thickness + g.high_thickness
    below = 0.5 * (g.pad_thickness + g.low_thickness)
    inner = max(g.post_radius - g.slope_width, 0.5 * g.post_radius)
    radii = (inner, g.post_radius, g.post_radius + g.slope_width)
    levels = (below, g.low_thickness, top)

    def move(points: FloatArray) -> FloatArray:
        height = np.interp(points[:, 0], radii, (0.0, g.slope_height, 0.0))
        tent = np.interp(points[:, 1], levels, (0.0, 1.0, 0.0))
        return np.column_stack([points[:, 0], points[:, 1] + height * tent])

    return Bend("slope", move, breaks_x=radii, breaks_y=levels)


def _ball(radius: float, top: float, height: float) -> Bend:
    """Bends the rectangle [0, radius] x [top, top + height] into a spherical cap of that foot and height (transfinite
    map).
    """
    sphere = (radius**2 + height**2) / (2.0 * height)
    opening = float(np.arctan2(radius, sphere - height))  # polar angle of the foot seen from the sphere's centre

    def arc(angle: FloatArray) -> FloatArray:
        return np.column_stack([sphere * np.sin(angle), sphere * np.cos(angle) - (sphere - height)])

    def move(points: FloatArray) -> FloatArray:
        inside = (points[:, 1] > top) & (points[:, 0] <= radius * (1 + 1e-12))
        s = (points[inside, 0] / radius)[:, None]
        t = ((points[inside, 1] - top) / height)[:, None]
        right, roof = arc(opening * (1.0 - 0.5 * t[:, 0])), arc(0.5 * opening * s[:, 0])
        left, floor = t * np.array([0.0, height]), s * np.array([radius, 0.0])
        shoulder = arc(np.array([0.5 * opening]))
        corners = (1 - s) * t * np.array([0.0, height]) + s * (1 - t) * np.array([radius, 0.0]) + s * t * shoulder
        moved = points.copy()
        moved[inside] = (1 - s) * left + s * right + (1 - t) * floor + t * roof - corners + np.array([0.0, top])
        return moved

    return Bend("ball", move)


def _dimensions(g: BilayerGeometry, top: float, pad_radius: float) -> tuple[Dimension, ...]:
    wall, cell = g.post_radius, g.cell_radius
    found = [
        Dimension("cell_radius", (0.0, -g.chip_thickness), (cell, -g.chip_thickness)),
        Dimension("post_radius", (0.0, top), (wall, top)),
        Dimension("chip_thickness", (cell, -g.chip_thickness), (cell, 0.0)),
        Dimension("low_thickness", (cell, 0.0), (cell, g.low_thickness)),
        Dimension("high_thickness", (cell, g.low_thickness), (cell, top)),
    ]
    if g.slope_height > 0:
        found.append(Dimension("slope_height", (wall, g.low_thickness), (wall, g.low_thickness + g.slope_height)))
        found.append(Dimension("slope_width", (wall, g.low_thickness), (wall + g.slope_width, g.low_thickness)))
    if g.pad_thickness > 0:
        found.append(Dimension("pad_radius", (0.0, 0.0), (pad_radius, 0.0)))
        found.append(Dimension("pad_thickness", (pad_radius, 0.0), (pad_radius, g.pad_thickness)))
    if g.ball_height > 0:
        found.append(Dimension("ball_height", (0.0, top), (0.0, top + g.ball_height)))
    return tuple(found)
