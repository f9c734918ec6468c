"""Solving from Python, and the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

from femsim.base.errors import InputError
from femsim.base.finite import finite
from femsim.cases.own import conducts_only
from femsim.face.case import Case, load
from femsim.face.fields import Field, Samples
from femsim.face.frames import frame
from femsim.face.outputs import value_of, write_run
from femsim.face.steps import Steps, steps_of
from femsim.face.values import Roots, Value, roots_of
from femsim.measures.averages import RegionMetrics
from femsim.measures.probes import ProbeValue
from femsim.meshes.mesh import Mesh
from femsim.models.model import Model
from femsim.runs.life import Life
from femsim.runs.readings import paths_of, read_path
from femsim.runs.results import results_dict, root_table
from femsim.runs.run import Run, mesh_only, run


@dataclass(frozen=True, repr=False)
class Result:
    """A solved case. ``run`` holds what the solver left, for those who want more than is offered here."""

    case: Case
    run: Run

    @cached_property
    def roots(self) -> Roots:
        """Averages at the roots: ``result.roots["post_root", 5].peel`` is a value with its error, in MPa."""
        return roots_of(self.run.roots)

    @property
    def regions(self) -> dict[str, RegionMetrics]:
        """By region: mean and largest von Mises stress (MPa) and elastic energy (uJ)."""
        return dict(self.run.regions)

    @property
    def probes(self) -> dict[str, ProbeValue]:
        """By name: displacement (um) and stress (MPa) at the case's probes, with their errors."""
        return dict(self.run.probes)

    @cached_property
    def steps(self) -> Steps:
        """The steps of a program, or the times of a transient: ``result.steps["cool"].roots["post_root", 5].peel``;
        empty for a single load. What stands beside it in a result is the state at the end.
        """
        return steps_of(self.run)

    @cached_property
    def temperatures(self) -> dict[float, Result]:
        """By temperature (degC), the result at each of a case that lists several; empty for one load."""
        return {float(temperature): Result(self.case, state) for temperature, state in self._states()}

    def _states(self) -> list[tuple[float, Run]]:
        return list(zip(self.run.case.load.temperatures, self.run.states, strict=True))

    @property
    def heat(self) -> dict[str, Any] | None:
        """The ``heat`` part of the JSON (temperatures in degC, resistances in K/W), None without ``[heat]``."""
        return self.to_dict().get("heat")

    @property
    def lives(self) -> tuple[Life, ...]:
        """One entry for each ``[[life]]``: work (MPa) and strain of the last cycle, cycles to failure by each law."""
        return self.run.lives

    @property
    def stress(self) -> Field:
        """The stress: ``result.stress.at(points, region=...)["zz"]``, MPa."""
        return Field("stress", self.run)

    @property
    def displacement(self) -> Field:
        """The displacement: ``result.displacement.at(points)["u_z"]``, um."""
        return Field("displacement", self.run)

    def along(
        self,
        start: Sequence[float],
        end: Sequence[float],
        region: str | None = None,
        n: int = 200,
        angle: float = 0.0,
    ) -> Samples:
        """Values along a straight line (um): ``n`` even points and every interface on the way, a row for each side.

        With ``region`` that side alone. ``samples.side("post")`` parts them later; ``angle`` (degrees) matters beside
        harmonics. Raises InputError where no part of the line lies in the body, FemsimWarning where some does not.
        """
        return Samples(read_path(self.run, start, end, region, n, angle))

    @property
    def paths(self) -> dict[str, Samples]:
        """The case's ``[[path]]`` entries by name."""
        return {name: Samples(found) for name, found in paths_of(self.run).items()}

    @property
    def mesh(self) -> Mesh:
        """The mesh it was solved on."""
        return self.run.solution.model.mesh

    @property
    def model(self) -> Model:
        """The boundary value problem that was solved."""
        return self.run.solution.model

    @property
    def warnings(self) -> tuple[str, ...]:
        """What must be known before the numbers are believed."""
        return self.run.warnings

    def to_dict(self) -> dict[str, Any]:
        """The JSON document of ``femsim solve --json``."""
        document: dict[str, Any] = finite(results_dict(self.run))
        return document

    def __getitem__(self, name: str) -> Value:
        """A number by its name, ``result["post_root.peel.5um"]``, or by its dotted path in the JSON. Raises InputError
        for a name that stands for no number, or for several.
        """
        return value_of(self.to_dict(), name)

    def to_frame(self) -> Any:
        """The averages at the roots as a pandas DataFrame, one row for each root and length. Raises InputError where
        pandas is not installed.
        """
        axes = self.run.solution.model.kinematics.axes
        rows = []
        for entry in self.roots:
            row: dict[str, Any] = {
                "root": entry.name,
                **dict(zip(axes, entry.at, strict=False)),
                "length": entry.length,
            }
            for kind, value in entry.kinds.items():
                row |= {kind: value.value, f"{kind}_error": value.error}
            rows.append(row)
        names = list(dict.fromkeys(name for row in rows for name in row))
        return frame({name: [row.get(name) for row in rows] for name in names})

    def write(self, directory: str | Path, svg: bool = False) -> list[str]:
        """Write case.toml, metrics.json, fields.vtu, the figures and report.html, as ``femsim solve --out`` does; names
        of the files written. Raises InputError where the directory cannot be written.
        """
        return write_run(self.run, self.case, directory, svg)

    def __repr__(self) -> str:
        first = f"; {self.roots[0]!r}" if len(self.roots) else ""
        return f"<Result of {self.case.name!r}: {len(self.mesh.cells)} {self.mesh.element}{first}>"

    def _repr_html_(self) -> str:
        rows = root_table(self.run)
        head = "".join(f"<th>{escape(cell)}</th>" for cell in rows[0])
        cells = [[escape(cell.replace("+-", "±")) for cell in row] for row in rows[1:]]
        body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in cells)
        notes = "".join(f"<p>Warning: {escape(text)}</p>" for text in self.warnings)
        table = f"<table><tr>{head}</tr>{body}</table>" if len(rows) > 1 else ""
        return f"<p><b>{escape(self.case.name)}</b>: {escape(self.case.stack)}</p>{table}{notes}"


def solve(
    case: str | Path | Mapping[str, Any] | Case,
    values: Mapping[str, Any] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Result:
    """Mesh, solve and measure a case: a file, the name of a shipped one, a dictionary like a file's tables, or a
    :class:`Case`; ``values`` are changed keys.

    Raises InputError for anything wrong in it, NumericsError where the numbers failed, ToleranceError (with the best
    run) where ``mesh.tolerance`` is not met; warns (FemsimWarning) of what must be known.

    >>> run = fs.solve("bilayer", {"geometry.ratio": 8})
    >>> run.roots["post_root", 5].peel
    """
    loaded = load(case, values)
    if conducts_only(loaded.checked):
        raise InputError(
            f"{loaded.name}: no material has E, nu and cte, only heat can be solved: use fs.conduct, or give them"
        )
    return Result(loaded, run(loaded.checked, loaded.base, progress))


def mesh(case: str | Path | Mapping[str, Any] | Case, values: Mapping[str, Any] | None = None) -> Mesh:
    """The mesh of a case, unsolved: points (N, d) in um, cells (E, n), a region per cell. Raises InputError."""
    loaded = load(case, values)
    return mesh_only(loaded.checked, loaded.base).mesh
