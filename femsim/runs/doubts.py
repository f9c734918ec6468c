"""Results that a known yield or strength makes doubtful: the linear answer does not know that a material gives way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from femsim.builders.resolve import ResolvedMaterial
from femsim.cases.case import Case
from femsim.measures.averages import RegionMetrics, RootMetrics

#: von Mises stress over the limit, beyond which a material would long have given way
FAR = 2.0


def without_effect(case: Case) -> Iterator[str]:
    """One sentence for each key of a case that says nothing where nothing flows and there are no steps."""
    if case.model.time_tolerance is not None:
        yield "model.time_tolerance: nothing flows and there are no steps; it has no effect"
    if case.metrics.thickness is not None:
        yield "metrics.thickness: nothing flows and there are no steps, so it has no effect"


def stress_doubts(
    materials: Mapping[str, ResolvedMaterial], regions: Mapping[str, RegionMetrics], roots: Sequence[RootMetrics]
) -> Iterator[str]:
    """One sentence for each region whose von Mises stress, averaged over it or at one of its roots, is far above its
    yield strength (or its strength, where no yield is known) in an elastic answer.
    """
    for region, one in materials.items():
        limit, name = _limit(one)
        if limit is None or one.spec.laws:
            continue
        found = [(m.von_mises, f"at {m.root.name} ({m.length:g} um)") for m in roots if m.root.region == region]
        if region in regions:
            found.append((regions[region].von_mises_mean, "as the mean of the region"))
        highest, where = max(found, default=(0.0, ""), key=lambda pair: pair[0])
        if highest > FAR * limit:
            yield (
                f"{region}: a von Mises stress of {highest:.4g} MPa {where} is {highest / limit:.2g} times the {name} "
                f"of {limit:g} MPa; the linear answer holds for comparison only, the material would give way"
            )


def _limit(one: ResolvedMaterial) -> tuple[float | None, str]:
    if one.spec.yield_ is not None:
        return one.spec.yield_, "yield strength"
    return one.spec.strength, "strength"
