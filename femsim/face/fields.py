"""Fields that can be asked at points, and what they answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from femsim.base.arrays import FloatArray
from femsim.base.errors import InputError, nearest
from femsim.face.frames import frame
from femsim.measures.places import PointValues, as_points, point_values
from femsim.models.fields import StressField
from femsim.models.kinematics import Kinematics


@dataclass(frozen=True, repr=False)
class Samples:
    """Displacement (um) and stress (MPa) at points (n, d), each on the side of ``regions[i]``.

    ``s["zz"]`` (n,) is a component, ``s["u_r"]`` a displacement, ``s["von_mises"]``; ``distance`` (n,) is measured
    from the start of a path, None for points of no path.
    """

    values: PointValues
    kinematics: Kinematics

    @property
    def points(self) -> FloatArray:
        """Points (n, d), um."""
        return self.values.points

    @property
    def regions(self) -> tuple[str, ...]:
        """The region of each point (n,)."""
        return self.values.regions

    @property
    def distance(self) -> FloatArray | None:
        """Distance (n,) from the start of the path, um."""
        return self.values.distance

    @property
    def displacement(self) -> FloatArray:
        """Displacement (n, width), um."""
        return self.values.displacement

    @property
    def stress(self) -> FloatArray:
        """Stress (n, size), MPa, in the order of ``components``."""
        return self.values.stress

    @property
    def components(self) -> tuple[str, ...]:
        """Names of the stress components."""
        return self.kinematics.components

    @property
    def von_mises(self) -> FloatArray:
        """Von Mises stress (n,), MPa."""
        return self.values.von_mises

    def __len__(self) -> int:
        return len(self.values.points)

    def __getitem__(self, name: str) -> FloatArray:
        """One column (n,) by its name. Raises InputError for a name that is none."""
        columns = self._columns()
        if name not in columns:
            raise InputError(f"samples: no column {name!r}{nearest(name, columns)}; there are: {', '.join(columns)}")
        return columns[name]

    def side(self, region: str) -> Samples:
        """The points on the side of one region alone."""
        keep = np.array([name == region for name in self.regions])
        if not keep.any():
            known = list(dict.fromkeys(self.regions))
            raise InputError(f"samples: no point in {region!r}{nearest(region, known)}; there are: {', '.join(known)}")
        v = self.values
        distance = None if v.distance is None else v.distance[keep]
        chosen = PointValues(
            v.points[keep], (region,) * int(keep.sum()), v.displacement[keep], v.stress[keep], distance
        )
        return Samples(chosen, self.kinematics)

    def to_dict(self) -> dict[str, Any]:
        """Columns as lists, ``region`` among them."""
        found: dict[str, Any] = {name: column.tolist() for name, column in self._columns().items()}
        found["region"] = list(self.regions)
        return found

    def to_frame(self) -> Any:
        """A pandas DataFrame, one row per point. Raises InputError where pandas is not installed."""
        return frame(self.to_dict())

    def _columns(self) -> dict[str, FloatArray]:
        k, v = self.kinematics, self.values
        found = {} if v.distance is None else {"s": v.distance}
        found |= {axis: v.points[:, i] for i, axis in enumerate(k.axes)}
        found |= {name: v.displacement[:, i] for i, name in enumerate(k.unknowns)}
        found |= {name: v.stress[:, i] for i, name in enumerate(k.components)}
        return found | {"von_mises": v.von_mises}

    def __repr__(self) -> str:
        where = ", ".join(dict.fromkeys(self.regions))
        return f"<{len(self)} points in {where}: {', '.join(self._columns())}>"

    def _repr_html_(self) -> str:
        return _table(self.to_dict())


@dataclass(frozen=True, repr=False)
class Field:
    """Stress or displacement of a run: ``field.at(points)`` gives both, whichever field is asked."""

    what: str
    of: StressField

    def at(self, points: npt.ArrayLike, region: str | None = None) -> Samples:
        """Values at points (n, d), or at one point (d,), in um.

        On an interface ``region`` says which side; it holds for all points. Stress is interpolated inside one region,
        never across an interface. Raises InputError for a point outside the body (or the region) and for an interface
        without a side.
        """
        kinematics = self.of.space.kinematics
        as_points(points, kinematics.dim)
        return Samples(point_values(self.of, points, region), kinematics)

    @property
    def components(self) -> tuple[str, ...]:
        """Names of the components."""
        k = self.of.space.kinematics
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
