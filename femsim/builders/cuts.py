"""Sub-models: a boundary whose displacement, and a body whose temperature, a solved run gives."""

from __future__ import annotations

import tomllib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.base.errors import FemsimWarning, InputError
from femsim.builders.places import nodes_on
from femsim.cases.parts import CaseBase
from femsim.meshes.mesh import Mesh
from femsim.models.kinematics import Kinematics

if TYPE_CHECKING:
    from femsim.meshes.read.solved import Fields


@dataclass(frozen=True)
class Cut:
    """A boundary (by number and name) and the fields of the run it takes its displacement from."""

    number: int
    name: str
    source: str
    fields: Fields


def read_cuts(case: CaseBase, base: Path | None) -> tuple[Cut, ...]:
    """The runs that a case's boundaries name, in directories relative to ``base``.

    Raises InputError for a directory that holds no results, or those of another kinematics; warns where the runs'
    stress is free at another temperature than the case's.
    """
    found = []
    for number, boundary in enumerate(case.boundary):
        if boundary.from_ is None:
            continue
        key, directory = f"boundary.{number}.from", (base or Path()) / boundary.from_
        for needed in ("case.toml", "fields.vtu"):
            if not (directory / needed).is_file():
                raise InputError(f"{key}: {boundary.from_}: holds no {needed}; not a directory of results")
        try:
            given = tomllib.loads((directory / "case.toml").read_text(encoding="utf-8"))
            kinematics = str(given["model"]["kinematics"])
            free = float(given["load"]["stress_free_temperature"])
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{key}: {boundary.from_}: its case.toml is not one of a run ({error!r})") from None
        if kinematics != case.model.kinematics:
            raise InputError(f"{key}: {boundary.from_} is {kinematics}, this case {case.model.kinematics}")
        if free != case.load.stress_free_temperature:
            warnings.warn(
                f"{key}: {boundary.from_} is free of stress at {free:g} degC, this case at "
                f"{case.load.stress_free_temperature:g} degC",
                FemsimWarning,
                stacklevel=2,
            )
        name = boundary.name or f"boundary.{number}"
        from femsim.meshes.read.solved import read_fields

        found.append(Cut(number, name, boundary.from_, read_fields(directory / "fields.vtu")))
    return tuple(found)


def cut_displacements(cuts: Sequence[Cut], case: CaseBase, mesh: Mesh, kinematics: Kinematics) -> dict[int, FloatArray]:
    """Displacements (N, width) at the nodes of every cut, not a number elsewhere, by the boundary's number."""
    found = {}
    for cut in cuts:
        nodes = nodes_on(mesh, kinematics, case.boundary[cut.number], f"boundary.{cut.number}")
        moved = np.full((len(mesh.points), kinematics.width), np.nan)
        moved[nodes], _, outside = cut.fields.at(mesh.points[nodes])
        _require_inside(cut, mesh.points[nodes], outside)
        found[cut.number] = moved
    return found


def cut_temperature(cuts: Sequence[Cut], mesh: Mesh) -> float | FloatArray | None:
    """Temperature of the first run at the nodes (N,) of a mesh, one number where it is the same all over; None without
    a run.
    """
    if not cuts:
        return None
    temperature = cuts[0].fields.temperature
    if np.ptp(temperature) == 0.0:
        return float(temperature[0])
    _, at, outside = cuts[0].fields.at(mesh.points)
    _require_inside(cuts[0], mesh.points, outside)
    return at


def _require_inside(cut: Cut, points: FloatArray, outside: FloatArray) -> None:
    from femsim.meshes.read.solved import OUTSIDE

    worst = int(np.argmax(outside))
    if outside[worst] > OUTSIDE * cut.fields.mesh.extent:
        x, y = points[worst]
        raise InputError(
            f"boundary.{cut.number}.from: ({x:g}, {y:g}) um lies {outside[worst]:.3g} um outside the body of "
            f"{cut.source}"
        )
