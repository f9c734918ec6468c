"""Stack ``staggered``: a conductor through an insulating layer, built of layers, stepped or staggered
(``stress-absorbing-conductor``).

z = 0 is the chip's surface; layer 1 stands on it. Plane models draw the whole cross-section, as staggered layers have
no symmetry.
"""

from __future__ import annotations

from typing import Literal

from femsim.cases.stacks.staggered import StaggeredCase
from femsim.meshes.layout import Block, Dimension, Layout, Line, Probe, Root


def staggered(case: StaggeredCase) -> Layout:
    """Layout of one conductor in its cell: half of it in axisymmetry, the whole cross-section in plane models."""
    g, layers = case.geometry, case.layer
    plane = case.model.kinematics != "axisymmetric"
    left = -g.cell_radius if plane else 0.0
    top = sum(layer.thickness for layer in layers)
    insulation = top if g.insulation_thickness is None else g.insulation_thickness
    blocks = [
        Block("chip", (left, g.cell_radius), (-g.chip_thickness, 0.0)),
        Block("insulation", (left, g.cell_radius), (0.0, insulation)),
    ]
    levels, spans = [0.0], []
    for index, layer in enumerate(layers):
        levels.append(levels[-1] + layer.thickness if index < len(layers) - 1 else top)
        spans.append((layer.offset - layer.radius if plane else 0.0, layer.offset + layer.radius))
        blocks.append(Block(f"layer_{index + 1}", spans[-1], (levels[-2], levels[-1])))
    roots = _wall_roots(spans, levels, 1)
    if plane:
        other = _wall_roots(spans, levels, 0)
        roots = [root for pair in zip(roots, other, strict=True) for root in pair]
    named = {root.at for root in roots}
    walls = [(tuple(x for x in span if x != 0.0 or plane), levels[i : i + 2]) for i, span in enumerate(spans)]
    corners = [(x, z) for sides, ends in walls for x in sides for z in ends]
    if insulation < top:
        corners += [(x, insulation) for sides, _ in walls for x in sides]
    return Layout(
        blocks=tuple(blocks),
        lines=(
            Line("outer", 0, g.cell_radius, (-g.chip_thickness, insulation)),
            Line("outer_left" if plane else "axis", 0, left, (-g.chip_thickness, insulation if plane else top)),
            Line("back", 1, -g.chip_thickness, (left, g.cell_radius)),
            Line("chip_surface", 1, 0.0, (left, g.cell_radius)),
            Line("conductor_top", 1, top, spans[-1]),
        ),
        roots=tuple(roots),
        corners=tuple(dict.fromkeys(c for c in corners if c not in named)),
        dimensions=(
            Dimension("cell_radius", (0.0, -g.chip_thickness), (g.cell_radius, -g.chip_thickness)),
            Dimension("chip_thickness", (g.cell_radius, -g.chip_thickness), (g.cell_radius, 0.0)),
            *(
                d
                for i, layer in enumerate(layers)
                for d in (
                    Dimension(f"layer.{i}.thickness", (spans[i][1], levels[i]), (spans[i][1], levels[i + 1])),
                    Dimension(f"layer.{i}.radius", (layer.offset, levels[i + 1]), (spans[i][1], levels[i + 1])),
                )
            ),
        ),
        hold=(0.0, -g.chip_thickness),
        points=(
            Probe("conductor_tip", (layers[-1].offset, top), f"layer_{len(layers)}"),
            Probe("chip_back", (0.0, -g.chip_thickness), "chip"),
        ),
    )


def _wall_roots(spans: list[tuple[float, float]], levels: list[float], side: Literal[0, 1]) -> list[Root]:
    """Roots along one wall: the foot, then at every joint the corner where the narrower layer's wall meets the wider
    one's face.

    Layers of one width meet in a joint along the wall; its root is taken in the upper one.
    """
    inward: Literal[-1, 1] = -1 if side == 1 else 1
    sign = 1.0 if side == 1 else -1.0

    def root(name: str, index: int, z: float, up: int) -> Root:
        span = spans[index]
        width = (span[1] - span[0]) if span[0] != 0.0 else span[1]
        return Root(
            name,
            (span[side], z),
            f"layer_{index + 1}",
            (inward, 1 if up > 0 else -1),
            width,
            levels[index + 1] - levels[index],
        )

    found = [root("foot", 0, 0.0, 1)]
    for index in range(1, len(spans)):
        upper_is_narrower = sign * spans[index][side] <= sign * spans[index - 1][side]
        layer, up = (index, 1) if upper_is_narrower else (index - 1, -1)
        found.append(root(f"step_{index}", layer, levels[index], up))
    return found
