"""Where the mesh of a drawn body is fine for heat: at rims of sources and ends of supports, at corners, and over time
at the faces where something is switched on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from femsim.builders.heat import conductor_of
from femsim.builders.resolve import ResolvedMaterial
from femsim.cases.heat import Heat
from femsim.meshes.layout import Layout
from femsim.models.kinematics import Kinematics

#: elements over a source's width where its rim is, or over the narrower side of a corner of the body
RIM = 100.0
#: elements that the length over which heat spreads until the first output time spans
SPREAD = 12.0
#: how many of these lengths deep elements stay small, and elements over one of them there
DEEP, DEEPER = 4, 6.0


def graded_for_heat(layout: Layout, heat: Heat, kinematics: Kinematics) -> Layout:
    """The layout with grid lines where ranges end, and fine elements where the flux is singular: at the rims of sources
    and of prescribed temperatures, and at corners of the body that are not convex.
    """
    breaks: list[tuple[int, float]] = []
    fine: list[tuple[float, float, float]] = []
    for place in (*heat.source, *heat.boundary):
        level = place.level()
        if level is None or level[0] not in kinematics.axes:
            continue
        across = kinematics.axes.index(level[0])
        breaks.append((across, level[1]))
        for axis, ends in place.ranges().items():
            if axis in kinematics.axes and axis != level[0]:
                along = kinematics.axes.index(axis)
                breaks.extend((along, end) for end in ends)
                for end in ends:
                    if kinematics.radial and along == 0 and end <= 0.0:
                        continue
                    at = (end, level[1]) if along == 0 else (level[1], end)
                    fine.append((*at, (ends[1] - ends[0]) / RIM))
    return replace(
        layout,
        breaks=(*layout.breaks, *breaks),
        fine=(*layout.fine, *fine, *_inner_corners(layout), *_ends_of_supports(layout, heat, kinematics)),
    )


def even_size(layout: Layout) -> float:
    """The element size (um) of a body without roots whose case gives none: 24 over its narrower side, at most 200 over
    the other.
    """
    x = [end for block in layout.blocks for end in block.x]
    y = [end for block in layout.blocks for end in block.y]
    sides = sorted((max(x) - min(x), max(y) - min(y)))
    return max(sides[0] / 24.0, sides[1] / 200.0)


def _ends_of_supports(layout: Layout, heat: Heat, kinematics: Kinematics) -> list[tuple[float, float, float]]:
    """Ends of lines of prescribed temperature, and the element size they ask for: beside convection the flux is
    logarithmic there.
    """
    if not any(entry.h is not None for entry in heat.boundary):
        return []
    found = []
    named = {line.name: line for line in layout.lines}
    for entry in heat.boundary:
        level = entry.level()
        if entry.temperature is None or entry.ranges():
            continue
        if entry.on in named:
            line = named[str(entry.on)]
            across, value, ends = int(line.axis), line.value, line.span
        elif level is not None and level[0] in kinematics.axes:
            across, value = kinematics.axes.index(level[0]), level[1]
            sides = [(block.y, block.x) if across else (block.x, block.y) for block in layout.blocks]
            reach = [end for side, other in sides if value in side for end in other]
            if not reach:
                continue
            ends = (min(reach), max(reach))
        else:
            continue
        for end in ends:
            if not (kinematics.radial and across == 1 and end <= 0.0):
                at = (value, end) if across == 0 else (end, value)
                found.append((*at, (ends[1] - ends[0]) / RIM))
    return found


def _inner_corners(layout: Layout) -> list[tuple[float, float, float]]:
    """Corners of the body with three quarters of matter, and the element size they ask for."""
    from femsim.meshes.layout import paint

    xs, ys, cells = paint(layout)
    padded = np.pad(cells, 1, constant_values=-1) >= 0
    found = []
    for j, y in enumerate(ys[1:-1], 1):
        for i, x in enumerate(xs[1:-1], 1):
            if padded[j : j + 2, i : i + 2].sum() == 3:
                room = min(x - xs[i - 1], xs[i + 1] - x, y - ys[j - 1], ys[j + 1] - y)
                found.append((float(x), float(y), float(room) / RIM))
    return found


def graded_for_time(
    layout: Layout, heat: Heat, kinematics: Kinematics, materials: Mapping[str, ResolvedMaterial]
) -> Layout:
    """The layout with small elements at the faces where a transient switches something on: there the temperature falls
    over a few sqrt(D t) (Carslaw & Jaeger 1959, sec. 2.4), t being the first time whose results are wanted.
    """
    transient = heat.transient
    if transient is None:
        return layout
    first = min((t for t in transient.times or () if t > 0.0), default=transient.end)
    fine: list[tuple[float, float, float]] = []
    breaks: list[tuple[int, float]] = []
    for place in (*heat.source, *heat.boundary):
        level = place.level()
        if level is None or level[0] not in kinematics.axes:
            continue
        across, face = kinematics.axes.index(level[0]), level[1]
        edges = np.array([end for block in layout.blocks for end in (block.y if across else block.x)])
        for block in layout.blocks:
            span = block.y if across else block.x
            if block.region is None or block.region not in materials or face not in span:
                continue
            conductor = conductor_of(materials[block.region], heat)
            if conductor.capacity is None:
                continue
            k = max(float(p.at(heat.ambient)) for p in conductor.conductivity)
            reach = float(np.sqrt(k / float(conductor.capacity.at(heat.ambient)) * first))
            inward = 1.0 if face == span[0] else -1.0
            for far in range(DEEP + 1):
                at = face + inward * far * reach
                if far and not (span[0] < at < span[1] and np.abs(edges - at).min() > 0.5 * reach):
                    continue
                if far:
                    breaks.append((across, at))
                size = reach / (DEEPER if far else SPREAD)
                fine.append((np.nan, at, size) if across else (at, np.nan, size))
    return replace(layout, fine=(*layout.fine, *fine), breaks=(*layout.breaks, *dict.fromkeys(breaks)))
