"""Concentric spheres as a quarter disc in r-z: an O-grid with curved cells, layers as regions (Timoshenko and Goodier,
sec. 152).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from patches import Patch, arc, blend, graded, join, segment

from femsim.base.arrays import BoolArray, FloatArray
from femsim.meshes.mesh import Mesh


def sphere_mesh(
    radii: Sequence[float] = (10.0, 15.0, 40.0), n: int = 4, element: str = "quad9", cavity: float = 0.0
) -> Mesh:
    """Quarter disc r >= 0, z >= 0 with outer radii ``radii`` (um), ``n`` cells along 45 degrees, about square ones
    along the radius.

    Regions layer0, layer1, ...; lines axis (r = 0), equator (z = 0), outer, inner (with a cavity), interface1, ...
    outside layer 0, 1, ... Without a cavity the centre is a square block, and the innermost layer must be there to hold
    it.
    """
    patches = []
    start = cavity
    if cavity == 0.0:
        c = 0.5 * radii[0]
        q = c * 0.85  # the block's outer corner is drawn in, which evens the cells
        even, between = graded(n, 1), graded(max(n // 2, 1), 1)
        bottom, left = segment((0.0, 0.0), (c, 0.0)), segment((0.0, c), (q, q))
        patches = [
            Patch(_swapped(blend(bottom, left)), even, even, "layer0"),
            Patch(blend(segment((c, 0.0), (q, q)), arc(radii[0], 0, 45)), between, even, "layer0"),
            Patch(blend(segment((q, q), (0.0, c)), arc(radii[0], 45, 90)), between, even, "layer0"),
        ]
        start = radii[0]
    for number, radius in enumerate(radii):
        if radius <= start:
            continue
        halves = max(
            round(2 * float(np.log(radius / start)) / (np.pi / 4)), 1
        )  # so that an even n, doubled, halves every cell
        count = -(-n * halves // 2)
        shells = start * (radius / start) ** np.linspace(0.0, 1.0, count + 1)
        s = (shells - start) / (radius - start)
        s[-1] = 1.0
        patches.append(Patch(blend(arc(start, 0, 90), arc(radius, 0, 90)), s, graded(2 * n, 1), f"layer{number}"))
        start = radius
    near = 1e-9 * radii[-1]

    def at_radius(radius: float) -> object:
        def on(r: FloatArray, z: FloatArray) -> BoolArray:
            return np.abs(np.hypot(r, z) - radius) < near

        return on

    lines = {
        "axis": lambda r, z: np.abs(r) < near,
        "equator": lambda r, z: np.abs(z) < near,
        "outer": at_radius(radii[-1]),
    }
    if cavity:
        lines["inner"] = at_radius(cavity)
    lines |= {f"interface{number}": at_radius(radius) for number, radius in enumerate(radii[:-1], 1)}
    return join(patches, element, lines)


def _swapped(surface):  # type: ignore[no-untyped-def]
    """The map with s and t exchanged: ``blend`` runs along its curves by t, the block's curves run along s."""
    return lambda s, t: surface(t, s)
