"""Fields that can be asked at points, and what they answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from femsim.base.arrays import FloatArray
from femsim.base.errors import InputError, nearest
from femsim.face.frames import frame
from femsim.measures.around import COMPONENTS, UNKNOWNS
from femsim.measures.places import PointValues, point_values
from femsim.runs.readings import Readings, read
from femsim.runs.run import Run


@dataclass(frozen=True, repr=False)
class Samples:
    """Displacement (um) and stress (MPa) at points (n, d), each on the side of ``regions[i]``.

    ``s["zz"]`` (n,) is a component, ``s["u_r"]`` a displacement, ``s["von_mises"]``; ``distance`` (n,) is measured
    from the start of a path, None for points of no path.
    """

    readings: Readings

    @property
    def points(self) -> FloatArray:
        """Points (n, d), um."""
        return self.readings.values.points

    @property
    def regions(self) -> tuple[str, ...]:
        """The region of each point (n,)."""
        return self.readings.values.regions

    @property
    def distance(self) -> FloatArray | None:
        """Distance (n,) from the start of the path, um."""
        return self.readings.values.distance

    @property
    def displacement(self) -> FloatArray:
        """Displacement (n, width), um."""
        return self.readings.values.displacement

    @property
    def stress(self) -> FloatArray:
        """Stress (n, size), MPa, in the order of ``components``."""
        return self.readings.values.stress

    @property
    def components(self) -> tuple[str, ...]:
        """Names of the stress components."""
        return self.readings.components

    @property
    def von_mises(self) -> FloatArray:
        """Von Mises stress (n,), MPa."""
        return self.readings.values.von_mises

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, name: str) -> FloatArray:
        """One column (n,) by its name. Raises InputError for a name that is none."""
        columns = self.readings.columns()
        if name not in columns:
            raise InputError(f"samples: no column {name!r}{nearest(name, columns)}; there are: {', '.join(columns)}")
        return columns[name]

    def side(self, region: str) -> Samples:
        """The points on the side of one region alone."""
        keep = np.array([name == region for name in self.regions])
        if not keep.any():
            known = list(dict.fromkeys(self.regions))
            raise InputError(f"samples: no point in {region!r}{nearest(region, known)}; there are: {', '.join(known)}")
        v = self.readings.values
        distance = None if v.distance is None else v.distance[keep]
        chosen = PointValues(
            v.points[keep], (region,) * int(keep.sum()), v.displacement[keep], v.stress[keep], distance
        )
        return Samples(replace(self.readings, values=chosen))

    def to_dict(self) -> dict[str, Any]:
        """Columns as lists, ``region`` among them."""
        found: dict[str, Any] = {name: column.tolist() for name, column in self.readings.columns().items()}
        found["region"] = list(self.regions)
        return found

    def to_frame(self) -> Any:
        """A pandas DataFrame, one row per point. Raises InputError where pandas is not installed."""
        return frame(self.to_dict())

    def __repr__(self) -> str:
        where = ", ".join(dict.fromkeys(self.regions))
        return f"<{len(self)} points in {where}: {', '.join(self.readings.columns())}>"

    def _repr_html_(self) -> str:
        return _table(self.to_dict())


@dataclass(frozen=True, repr=False)
class Field:
    """Stress or displacement of a run: ``field.at(points)`` gives both, whichever field is asked."""

    what: str
    run: Run

    def at(self, points: npt.ArrayLike, region: str | None = None, angle: float = 0.0) -> Samples:
        """Values at points (n, d), or at one point (d,), in um; beside harmonics the whole field at ``angle`` degrees.

        On an interface ``region`` says which side; it holds for all points. Stress is interpolated inside one region,
        never across an interface. Raises InputError for a point outside the body (or the region) and for an interface
        without a side.
        """
        return Samples(read(self.run, lambda field: point_values(field, points, region), angle))

    @property
    def components(self) -> tuple[str, ...]:
        """Names of the components."""
        k = self.run.solution.model.kinematics
        if self.run.harmonics is not None:
            return COMPONENTS if self.what == "stress" else UNKNOWNS
        return k.components if self.what == "stress" else k.unknowns

    def __repr__(self) -> str:
        unit = "MPa" if self.what == "stress" else "um"
        return f"<{self.what} ({', '.join(self.components)}) in {unit}; ask .at(points, region=...)>"


def _table(columns: dict[str, Any], most: int = 12) -> str:
    """An HTML table of the first rows."""
    from html import escape

    names = list(columns)
    count = len(columns[names[0]])
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    rows = [
        "".join(f"<td>{escape(f'{v:.5g}' if isinstance(v, float) else str(v))}</td>" for v in row)
        for row in zip(*(columns[name][:most] for name in names), strict=True)
    ]
    more = f"<p>{count - most} more rows</p>" if count > most else ""
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>{more}"
