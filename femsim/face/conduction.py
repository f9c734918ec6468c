"""Temperatures from Python: the heat of a case alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from femsim.base.arrays import FloatArray
from femsim.base.errors import InputError
from femsim.base.finite import finite
from femsim.face.case import Case, load
from femsim.face.outputs import value_of, write_run
from femsim.face.values import Value
from femsim.measures.places import placed
from femsim.meshes.elements import shape
from femsim.meshes.mesh import Mesh
from femsim.runs.heat import HeatRun, heat_run_dict, run_heat


@dataclass(frozen=True, repr=False)
class Conduction:
    """The temperatures of a case, steady or over time. ``run`` holds what the solver left."""

    case: Case
    run: HeatRun

    @property
    def heat(self) -> dict[str, Any]:
        """The ``heat`` part of the JSON: temperatures in degC, power in W, resistances in K/W (plane: per um of depth
        and in m K/W).
        """
        part: dict[str, Any] = self.to_dict()["heat"]
        return part

    @property
    def times(self) -> tuple[float, ...]:
        """The times (s) of a transient; (0.0,) of a steady state."""
        return tuple(state.time for state in self.run.heat.states)

    @property
    def probes(self) -> dict[str, float]:
        """By name: the temperature at the case's probes (degC), the last of a transient."""
        return dict(self.run.heat.last.probes)

    @property
    def mesh(self) -> Mesh:
        """The mesh it was solved on."""
        return self.run.discretisation.mesh

    @property
    def warnings(self) -> tuple[str, ...]:
        """What must be known before the numbers are believed."""
        return self.run.warnings

    def at(self, points: npt.ArrayLike, region: str | None = None, time: float | None = None) -> FloatArray:
        """Temperature (n,) in degC at points (n, d), or at one point (d,), in um, interpolated by the element's shape
        functions: T = sum_i N_i T_i.

        On an interface ``region`` says which side, at a contact the temperature jumps there; it holds for all points.
        ``time`` is one of ``times`` of a transient (default: the last). Raises InputError for a point outside the body
        (or the region), an interface without a side, and a time that was not asked for.
        """
        model, states = self.run.heat.model, self.run.heat.states
        state = states[-1]
        if time is not None:
            found = [one for one in states if np.isclose(one.time, time, rtol=1e-9, atol=0.0)]
            if not found:
                raise InputError(f"time: {time:g} s is none of {', '.join(f'{t:g}' for t in self.times)}")
            state = found[0]
        given, point, cell, xi, _ = placed(self.mesh, points, region, "points", both=not model.contacts)
        basis, _ = shape(self.mesh.element, xi)
        values = np.einsum("pn,pn->p", basis, state.temperature[model.mesh.cells[cell]])
        sums = np.bincount(point, values, minlength=len(given))
        return np.asarray(sums / np.bincount(point, minlength=len(given)))

    def to_dict(self) -> dict[str, Any]:
        """The JSON document of ``femsim solve --json``."""
        document: dict[str, Any] = finite(heat_run_dict(self.run))
        return document

    def __getitem__(self, name: str) -> Value:
        """A number by its dotted path in the JSON, ``result["heat.sources.chip.T_max"]``. Raises InputError for a path
        that stands for no number.
        """
        return value_of(self.to_dict(), name)

    def write(self, directory: str | Path, svg: bool = False) -> list[str]:
        """Write case.toml, metrics.json, fields.vtu, the figures and report.html, as ``femsim solve --out`` does; names
        of the files written. Raises InputError where the directory cannot be written.
        """
        return write_run(self.run, self.case, directory, svg)

    def __repr__(self) -> str:
        last = self.run.heat.last.values
        span = f"{last.smallest:.6g} to {last.largest:.6g} degC"
        return f"<Conduction of {self.case.name!r}: {len(self.mesh.cells)} {self.mesh.element}; {span}>"


def conduct(
    case: str | Path | Mapping[str, Any] | Case,
    values: Mapping[str, Any] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Conduction:
    """Mesh a case and solve its ``[heat]`` alone, whether or not its materials have moduli; arguments as of
    :func:`femsim.solve`.

    Raises InputError for anything wrong in it and for a case without ``[heat]``, NumericsError where the numbers
    failed; warns (FemsimWarning) of what must be known.

    >>> fs.conduct("bilayer-heat").at([0.0, 45.0])
    """
    loaded = load(case, values)
    if loaded.checked.heat is None:
        raise InputError(f"{loaded.name}: heat: missing, there is no heat to conduct")
    return Conduction(loaded, run_heat(loaded.checked, loaded.base, progress))
