"""Steps of a program, probes, regions and lives as the JSON of ``solve`` has them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from femsim.measures.averages import RegionMetrics, RootMetrics
from femsim.measures.probes import ProbeValue
from femsim.meshes.layout import Root
from femsim.runs.edges import rim_dict

if TYPE_CHECKING:
    from femsim.measures.patches import PatchMean
    from femsim.runs.life import Life
    from femsim.runs.program import StepResult


def probe_entry(found: ProbeValue, components: tuple[str, ...]) -> dict[str, Any]:
    """A probe; errors that nobody asked for are none."""
    stress = {c: float(v) for c, v in zip(components, found.value.stress, strict=True)}
    errors = {c: _known(v) for c, v in zip(components, found.stress_error, strict=True)}
    return {
        "at": list(found.value.at),
        "region": found.value.region,
        "u": [float(v) for v in found.value.displacement],
        "stress": {**stress, "von_mises": found.value.von_mises},
        "u_error": [_known(v) for v in found.u_error],
        "stress_error": None if found.singular else {**errors, "von_mises": _known(found.von_mises_error)},
    }


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def region_entry(found: RegionMetrics) -> dict[str, Any]:
    """Von Mises stress (MPa) and energy (uJ) of a region."""
    return {"von_mises_mean": found.von_mises_mean, "von_mises_max": found.von_mises_max, "energy": found.energy}


def step_entry(step: StepResult, names: Iterable[str], components: tuple[str, ...]) -> dict[str, Any]:
    """One entry of ``steps``; a region or probe that is not there is none."""
    low, high = step.temperature
    roots: dict[str, list[dict[str, Any]]] = {}
    for number, (metric, patch) in enumerate(zip(step.roots, step.patches, strict=False)):
        own = root_dict(metric) | flown_entry(step, metric, patch)
        if number < len(step.around):
            own |= rim_dict(step.around[number])
        roots.setdefault(metric.root.name, []).append(own)
    regions: dict[str, Any] = {}
    for name in names:
        found, flown = step.regions.get(name), step.inelastic.get(name)
        regions[name] = None
        if found is not None and flown is not None:
            means = {"p_mean": flown.p, "creep_mean": flown.creep, "work_mean": flown.work}
            regions[name] = {**region_entry(found), "inelastic": means}
    probes: dict[str, Any] = {}
    for name, value in step.probes.items():
        probes[name] = None
        if value is not None:
            probes[name] = {**probe_entry(value, components), "inelastic": asdict(step.probe_inelastic[name])}
    if step.heat is not None:
        from femsim.runs.heat import heat_dict, probe_heat

        for name, found in probes.items():
            if found is not None:
                found |= probe_heat(step.heat, name)
    entry: dict[str, Any] = {
        "name": step.leg.name,
        "time": step.time,
        "temperature": low if low == high else [low, high],
        "metrics": {"roots": roots, "regions": regions},
        "probes": probes,
        "bow": None if step.bow is None else asdict(step.bow),
        "increments": len(step.increments),
    }
    if step.heat is not None:
        entry["heat"] = heat_dict(step.heat)
    if step.leg.cycle is not None:
        entry |= {"cycle": step.leg.cycle, "phase": step.leg.phase}
    if layers := step.patches[len(step.roots) :]:
        entry["layers"] = [layer_entry(found, components) for found in layers]
    if step.reactions:
        entry["reactions"] = step.reactions
    if step.axial_strain is not None:
        entry["axial_strain"] = step.axial_strain
    return entry


def flown_entry(step: StepResult, metric: RootMetrics, found: PatchMean) -> dict[str, Any]:
    """What a root's entry says beyond stress: what flowed, over the ring of the von Mises average, and the reach (um)
    and share of the plastic zone.
    """
    entry: dict[str, Any] = {"inelastic": asdict(found.inelastic)}
    zone = step.zones.get(metric.root) if isinstance(metric.root, Root) else None
    if zone is not None:
        entry["plastic_zone"] = asdict(zone)
    return entry


def layer_entry(found: PatchMean, components: tuple[str, ...]) -> dict[str, Any]:
    """Means over a layer: stress (MPa), mechanical strain with engineering shear, what flowed."""
    return {
        "name": found.patch.name,
        "region": found.patch.region,
        "thickness": found.patch.size,
        "stress": dict(zip(components, map(float, found.stress), strict=True)),
        "strain": dict(zip(components, map(float, found.strain), strict=True)),
        "inelastic": asdict(found.inelastic),
    }


def life_entry(life: Life) -> dict[str, Any]:
    """One entry of ``life``: cycles; none where a law says it never fails."""
    entry: dict[str, Any] = {
        "region": life.region,
        "work_per_cycle": life.work,
        "strain_per_cycle": life.strain,
        "change": life.change,
    }
    if life.darveaux is not None:
        found = life.darveaux
        entry["darveaux"] = {"N0": _finite(found.initiation), "growth": found.growth, "N": _finite(found.cycles)}
    for key in ("syed_energy", "syed_strain", "coffin_manson", "engelmaier"):
        value = getattr(life, key)
        if value is not None:
            entry[key] = _finite(value)
    return entry


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def root_dict(metric: RootMetrics) -> dict[str, Any]:
    """One entry of a root's list; an error that nobody asked for is none."""
    values = {kind: one.value for kind, one in metric.values.items()}
    errors = {f"{kind}_error": None if np.isnan(one.error) else one.error for kind, one in metric.values.items()}
    return {"at": list(metric.root.at), "length": metric.length, **values, **errors}
