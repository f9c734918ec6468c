"""The error of an increment in time, against the largest values so far (see :mod:`femsim.solvers.march`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.materials.law import GROWING, State
from femsim.models.body import States


@dataclass(frozen=True)
class Scales:
    """The largest root mean squares so far that errors are measured against: stress (MPa), p + creep, work (MPa)."""

    stress: float = 0.0
    strain: float = 0.0
    work: float = 0.0


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


def error_of(whole: States, halves: States, scales: Scales) -> float:
    """Difference of one whole increment and two halves, the largest of stress, strains and work."""
    pairs = list(zip(_parts(whole), _parts(halves), strict=True))
    against = {"stress": scales.stress, "p": scales.strain, "creep": scales.strain, "work": scales.work}
    return max(
        _squares([h[name] - w[name] for w, h in pairs]) / (against[name] or 1.0) for name in ("stress", *GROWING)
    )
