"""The error of an increment in time, against the largest values so far (see :mod:`femsim.solvers.march`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from femsim.base.arrays import BoolArray, FloatArray
from femsim.materials.law import FLOWED, State
from femsim.models.body import States


@dataclass(frozen=True)
class Scales:
    """The largest root mean squares so far that errors are measured against: stress (MPa), p + creep, work (MPa)."""

    stress: float = 0.0
    strain: float = 0.0
    work: float = 0.0

    def at_least(self, other: Scales) -> Scales:
        """The larger of each."""
        return Scales(max(self.stress, other.stress), max(self.strain, other.strain), max(self.work, other.work))


def _squares(values: list[FloatArray]) -> float:
    """Root mean square over all entries' first axis."""
    count = sum(len(v) for v in values)
    return float(np.sqrt(sum(float(np.sum(v * v)) for v in values) / count)) if count else 0.0


def _parts(states: States) -> Iterator[State]:
    for each in states.values():
        yield from each


def scales_of(states: States, before: Scales, modulus: float) -> Scales:
    """The largest root mean squares; strain and work are at least the elastic ones of the stress."""
    stress = max(before.stress, _squares([s["stress"] for s in _parts(states)]))
    strain = max(before.strain, _squares([s["p"] + s["creep"] for s in _parts(states)]), stress / modulus)
    work = max(before.work, _squares([s["work"] for s in _parts(states)]), stress**2 / modulus)
    return Scales(stress, strain, work)


def error_of(whole: States, halves: States, scales: Scales, at: list[BoolArray] | None = None) -> float:
    """Difference of one whole increment and two halves, the largest of stress, strains and work; of the points ``at``
    alone, where these are given.
    """
    pairs = list(zip(_parts(whole), _parts(halves), strict=True))
    counted = [np.ones(len(h["p"]), dtype=bool) for _, h in pairs] if at is None else at
    against = {"stress": scales.stress, "p": scales.strain, "creep": scales.strain, "work": scales.work}

    def squares(name: str) -> float:
        parts = zip(counted, pairs, strict=True)
        return _squares([((h[name] - w[name]).T * mask).T for mask, (w, h) in parts])

    return max(squares(name) / (against[name] or 1.0) for name in ("stress", *FLOWED))


def onset(before: States, half: States, halves: States, scales: Scales, allowed: float) -> list[BoolArray] | None:
    """Points that begin to yield in the second half of an increment, by batch; None where that is next to nothing.

    Up to the half they are elastic, so one whole step and two halves return from the same trial stress: their
    difference is nothing, whatever the error is.
    """
    parts = list(zip(_parts(before), _parts(half), _parts(halves), strict=True))
    late = [(h["p"] <= b["p"]) & (e["p"] > h["p"]) for b, h, e in parts]
    size = _squares([(e["p"] - h["p"]) * mask for mask, (_, h, e) in zip(late, parts, strict=True)])
    return late if size > allowed * scales.strain else None
