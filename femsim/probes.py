"""Probes: displacement and stress at points the case names, with their error estimates where the point is not singular."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from femsim.case import Probe
from femsim.errors import FemsimWarning
from femsim.layout import Root
from femsim.recovery import PointValue, value_at
from femsim.solve import Solution


@dataclass(frozen=True)
class ProbeValue:
    """A probe and what was found there."""

    probe: Probe
    value: PointValue


def probe_values(solution: Solution, probes: Sequence[Probe], roots: Sequence[Root] = ()) -> dict[str, ProbeValue]:
    """Values at all probes, by name; warns where a probe sits on a root, whose stress has no finite value."""
    found = {}
    for index, probe in enumerate(probes):
        value = value_at(solution.model, solution.unknowns, probe.at, probe.region, f"probe.{index}")
        for root in roots:
            if np.hypot(probe.at[0] - root.at[0], probe.at[1] - root.at[1]) < 1e-6 * max(root.width, root.height):
                warnings.warn(
                    f"probe {probe.name}: the stress at root {root.name} is singular; the value found there measures the mesh only",
                    FemsimWarning,
                    stacklevel=2,
                )
        found[probe.name] = ProbeValue(probe, value)
    return found
