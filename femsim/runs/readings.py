"""Values of a run at points and along paths, as columns; beside harmonics the whole field at an angle."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.base.errors import FemsimWarning
from femsim.measures.around import COMPONENTS, UNKNOWNS
from femsim.measures.places import PointValues, path_values
from femsim.models.fields import StressField
from femsim.runs.run import Run


@dataclass(frozen=True)
class Readings:
    """Values at points, with the names of the coordinates, of the displacements (um) and of the stresses (MPa)."""

    values: PointValues
    axes: tuple[str, ...]
    unknowns: tuple[str, ...]
    components: tuple[str, ...]

    def columns(self) -> dict[str, FloatArray]:
        """Columns (n,) by name: ``s`` on a path (um from its start), coordinates, displacements, stresses."""
        v = self.values
        found = {} if v.distance is None else {"s": v.distance}
        found |= {name: v.points[:, i] for i, name in enumerate(self.axes)}
        found |= {name: v.displacement[:, i] for i, name in enumerate(self.unknowns)}
        found |= {name: v.stress[:, i] for i, name in enumerate(self.components)}
        return found | {"von_mises": v.von_mises}

    def to_dict(self) -> dict[str, Any]:
        """The JSON of a path: ``s``, ``at``, ``region``, ``u`` and ``stress`` by component, one entry per row."""
        v = self.values
        stress = {name: v.stress[:, i].tolist() for i, name in enumerate(self.components)}
        return {
            "s": None if v.distance is None else v.distance.tolist(),
            "at": v.points.tolist(),
            "region": list(v.regions),
            "u": v.displacement.tolist(),
            "stress": {**stress, "von_mises": v.von_mises.tolist()},
        }


def read(run: Run, measure: Callable[[StressField], PointValues], angle: float = 0.0) -> Readings:
    """What ``measure`` finds in a run's field; beside harmonics at an angle (degrees), all of them superposed."""
    space = run.solution.model.space
    base = measure(run.solution.field)
    k = space.kinematics
    if run.harmonics is None:
        return Readings(base, k.axes, k.unknowns, k.components)
    at = np.array(float(angle))
    count = len(base.points)
    u, stress = np.zeros((count, 3)), np.zeros((count, 6))
    u[:, [0, 2]], stress[:, :4] = base.displacement, base.stress
    for part in run.harmonics.parts:
        names = part.solution.model.kinematics
        found = measure(part.solution.field)
        u += part.spread(found.displacement * part.wave(names.unknowns, at), names.unknowns, UNKNOWNS)
        stress += part.spread(found.stress * part.wave(names.components, at), names.components, COMPONENTS)
    return Readings(replace(base, displacement=u, stress=stress), k.axes, UNKNOWNS, COMPONENTS)


def read_path(
    run: Run,
    start: Sequence[float],
    end: Sequence[float],
    region: str | None = None,
    count: int = 200,
    angle: float = 0.0,
    label: str = "path",
) -> Readings:
    """Values along a straight line, as :func:`femsim.measures.places.path_values` has them. Raises InputError."""
    return read(run, lambda field: path_values(field, start, end, region, count, label), angle)


def paths_of(run: Run) -> dict[str, Readings]:
    """The paths of a run's case by name; what of them lies outside the body was warned of before the solve."""
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FemsimWarning)
        for index, spec in enumerate(run.case.path):
            found[spec.name] = read_path(run, spec.start, spec.end, spec.region, spec.n, spec.angle, f"path.{index}")
    return found
