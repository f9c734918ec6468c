"""Life of a region from its last cycle."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from femsim.base.errors import FemsimWarning
from femsim.builders.program import Leg
from femsim.builders.resolve import ResolvedMaterial
from femsim.cases.steps import CycleSpec, LifeSpec
from femsim.measures.fatigue import CrackLife, coffin_manson, darveaux, engelmaier_exponent, inverse, shear_range
from femsim.measures.inelastic import Inelastic

#: work of a cycle below this part of all work so far is rounding: the layer has shaken down and stays elastic
SHAKEN = 1.0e-6
#: a cycle that still changes by more than this is not a stabilised one
STABLE = 0.05


@dataclass(frozen=True)
class Life:
    """Inelastic work density (MPa) and strain of the last cycle, the work's relative change to the cycle before (None
    for one cycle), and what each law says: cycles, None where it was not asked for.
    """

    region: str
    work: float
    strain: float
    change: float | None
    darveaux: CrackLife | None
    syed_energy: float | None
    syed_strain: float | None
    coffin_manson: float | None
    engelmaier: float | None


def lives(
    specs: Sequence[LifeSpec],
    cycle: CycleSpec | None,
    legs: Sequence[Leg],
    layers: Sequence[tuple[Inelastic, ...]],
    materials: dict[str, ResolvedMaterial],
) -> Iterator[Life]:
    """One for each [[life]], from the averages at the ends of the cycles."""
    if cycle is None or not specs:
        return
    ends = [i for i, leg in enumerate(legs) if leg.end]
    first = next(i for i, leg in enumerate(legs) if leg.cycle is not None)
    for number, spec in enumerate(specs):
        if spec.region in materials and not materials[spec.region].spec.laws:
            said = f"life.{number}.region: {spec.region!r} is elastic; nothing wears it"
            warnings.warn(said, FemsimWarning, stacklevel=2)
        nothing = Inelastic(0.0, 0.0, 0.0)
        at = [layers[first - 1][number] if first > 0 else nothing, *(layers[i][number] for i in ends)]
        work, strain = at[-1].work - at[-2].work, at[-1].strain - at[-2].strain
        work, strain = max(work, 0.0), max(strain, 0.0)
        if work <= SHAKEN * at[-1].work:
            work = strain = 0.0
        change = None
        if len(at) > 2:
            change = (work - (at[-2].work - at[-3].work)) / work if work > 0.0 else 0.0
        if change is None or abs(change) > STABLE:
            said = "one cycle alone" if change is None else f"still changing by {100 * change:+.2g} % a cycle"
            warnings.warn(
                f"life.{number}: {said}; fatigue laws speak of a stabilised cycle (raise cycle.count)",
                FemsimWarning,
                stacklevel=2,
            )
        mean, dwell = 0.5 * (cycle.low + cycle.high), min(cycle.dwell_low, cycle.dwell_high)
        asked, manson, engelmaier = spec.darveaux, spec.coffin_manson, spec.engelmaier
        yield Life(
            spec.region,
            work,
            strain,
            change,
            darveaux(work, **asked.model_dump(), crack_length=spec.crack_length or 0.0) if asked else None,
            inverse(work, spec.syed_energy) if spec.syed_energy is not None else None,
            inverse(strain, spec.syed_strain) if spec.syed_strain is not None else None,
            coffin_manson(strain, manson.ef, manson.c) if manson is not None else None,
            coffin_manson(shear_range(strain), engelmaier, engelmaier_exponent(mean, dwell))
            if engelmaier is not None
            else None,
        )
