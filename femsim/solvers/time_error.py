"""The error of an increment in time, against how large things are (see :mod:`femsim.solvers.march`).

Users read means over regions and over rings at the roots, and what they hold at the ends of steps. So differences count
region by region in two means over its points: a root mean square by volume, and one in which each point counts alike.
Meshes are graded, cells shrink with the distance from a root in a constant ratio; in the second mean each octave of
that distance has the same share, and what happens in the last micrometre is seen however small its volume. There POINTS
times as much is allowed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from femsim.base.arrays import BoolArray, FloatArray
from femsim.materials.law import State
from femsim.models.body import Body, States

#: how much larger the error may be where all points count alike than where their volume counts
POINTS = 5.0
#: what errors are taken of, and which scale each counts against
QUANTITIES = (("stress", 0), ("p", 1), ("creep", 1), ("work", 2))


@dataclass(frozen=True)
class Scales:
    """What errors are measured against: by flowing region an array (3, 2) of stress (MPa), p + creep, work (MPa) in the
    means by volume and by points.
    """

    regions: Mapping[str, FloatArray] = field(default_factory=dict)

    def at_least(self, other: Scales) -> Scales:
        """The larger of each."""
        found = dict(self.regions)
        for name, values in other.regions.items():
            found[name] = np.maximum(found[name], values) if name in found else values
        return Scales(found)


@dataclass(frozen=True)
class Means:
    """Shares of the points in their region's volume, by flowing region and batch."""

    shares: Mapping[str, tuple[FloatArray, ...]]

    @staticmethod
    def of(body: Body) -> Means:
        """Of the regions of a body that flow."""
        volumes: dict[str, list[FloatArray]] = {}
        for batch in body.batches:
            if batch.law is not None:
                volumes.setdefault(body.space.mesh.regions[batch.region], []).append(batch.volume.ravel())
        totals = {name: sum(float(v.sum()) for v in found) for name, found in volumes.items()}
        return Means({name: tuple(v / totals[name] for v in found) for name, found in volumes.items()})

    def of_values(self, region: str, values: Sequence[FloatArray]) -> FloatArray:
        """Root mean squares (2,) of a region's values (n, ...) by batch: by volume and by points."""
        squares = [np.einsum("ij,ij->i", v, v) for v in (v.reshape(len(v), -1) for v in values)]
        by_volume = sum(float(s @ w) for s, w in zip(squares, self.shares[region], strict=True))
        count = sum(len(s) for s in squares)
        return np.sqrt([by_volume, sum(float(s.sum()) for s in squares) / max(count, 1)])


def scales_of(means: Means, states: States, before: Scales, modulus: float) -> Scales:
    """The largest so far; strain and work are at least the elastic ones of the stress."""
    found = {}
    for name, parts in states.items():
        stress = means.of_values(name, [s["stress"] for s in parts])
        strain = means.of_values(name, [s["p"] + s["creep"] for s in parts])
        work = means.of_values(name, [s["work"] for s in parts])
        found[name] = np.array([stress, strain, work])
        if name in before.regions:
            found[name] = np.maximum(found[name], before.regions[name])
        found[name][1] = np.maximum(found[name][1], found[name][0] / modulus)
        found[name][2] = np.maximum(found[name][2], found[name][0] ** 2 / modulus)
    return Scales(found)


def reached(means: Means, begin: States, end: States, times: float, most: Scales, least: Scales) -> Scales:
    """What p + creep and work will come to by the end of a step that goes on for ``times`` an increment from ``begin``
    to ``end`` as it does there, at most an elastic strain ``most`` and the work of the stress ``least`` along it.

    An error counts against what the user will read, not against the little there is at a step's start; the flow of a
    burst that ends soon is no more than the strain that drives it.
    """
    found = {}
    for name, parts in end.items():
        pairs = zip(parts, begin[name], strict=True)
        flow = [e["p"] + e["creep"] + times * (e["p"] + e["creep"] - b["p"] - b["creep"]) for e, b in pairs]
        strain = means.of_values(name, flow)
        if name in most.regions:
            strain = np.minimum(strain, most.regions[name][1])
        scale = np.array([np.zeros(2), strain, np.zeros(2)])
        if name in least.regions:
            scale = np.maximum(scale, least.regions[name])
        scale[2] = np.maximum(scale[2], scale[0] * scale[1])
        found[name] = scale
    return Scales(found)


def error_of(
    means: Means, whole: States, halves: States, scales: Scales, at: Mapping[str, list[BoolArray]] | None = None
) -> float:
    """Difference of one whole increment and two halves, the largest of stress, strains and work over regions and both
    means; of the points ``at`` alone, where these are given.
    """
    worst = 0.0
    for name, parts in halves.items():
        scale = scales.regions[name]
        for key, number in QUANTITIES:
            off = [h[key] - w[key] for h, w in zip(parts, whole[name], strict=True)]
            if at is not None:
                off = [(o.T * mask).T for o, mask in zip(off, at[name], strict=True)]
            error = means.of_values(name, off) / np.where(scale[number] > 0.0, scale[number], 1.0)
            worst = max(worst, float(error[0]), float(error[1]) / POINTS)
    return worst


def onset(
    means: Means, before: States, half: States, halves: States, scales: Scales, allowed: float
) -> dict[str, list[BoolArray]] | None:
    """Points that begin to yield in the second half of an increment, by region and batch; None where that is next to
    nothing.

    Up to the half they are elastic, so one whole step and two halves return from the same trial stress: their
    difference is nothing, whatever the error is.
    """
    found: dict[str, list[BoolArray]] = {}
    counts = False
    for name, ends in halves.items():
        parts: list[tuple[State, State, State]] = list(zip(before[name], half[name], ends, strict=True))
        late = [(h["p"] <= b["p"]) & (e["p"] > h["p"]) for b, h, e in parts]
        flow = means.of_values(name, [(e["p"] - h["p"]) * mask for mask, (_, h, e) in zip(late, parts, strict=True)])
        counts = counts or bool(np.any(flow / [1.0, POINTS] > allowed * scales.regions[name][1]))
        found[name] = late
    return found if counts else None
