"""Sub-models: a boundary whose displacement, and a body whose temperature, a solved run gives.

Where a round detail is cut out of a run in space, its fine model is a body of revolution about an axis of that run, and
the displacement on the cut, which varies around the axis, goes in as harmonics: with the angle t,

    u_r = sum_n U_n cos(n t) + U'_n sin(n t),   u_t = sum_n V_n sin(n t) + V'_n cos(n t),   u_z as u_r,

whose amplitudes are the discrete Fourier sums over even angles at every node of the cut, up to a stated number of
waves. What these leave is the misfit. A plane run counts as a body in space that is the same all along its normal.
"""

from __future__ import annotations

import json
import tomllib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.errors import FemsimWarning, InputError
from femsim.builders.places import nodes_on
from femsim.cases.parts import CaseBase
from femsim.meshes.mesh import Mesh
from femsim.models.kinematics import Kinematics

if TYPE_CHECKING:
    from femsim.meshes.read.solved import Fields

#: waves around that are taken where the case does not say, and the angles sampled for each
WAVES, ANGLES = 4, 8
#: amplitudes below this fraction of the largest are none
SLIGHT = 1.0e-9
#: a misfit above this fraction of the displacement's variation is warned of
POOR = 0.02


@dataclass(frozen=True)
class Axis:
    """Where a body of revolution's axis stands in a run, and how many waves around are taken. ``mirrored`` are the
    coordinates that a plane of symmetry of the run's mesh bounds at 0; ``strain`` is along a plane run's normal.
    """

    centre: tuple[float, ...]
    waves: int
    mirrored: tuple[int, ...] = ()
    strain: float = 0.0


@dataclass(frozen=True)
class Cut:
    """A boundary (by number and name) and the fields of the run it takes its displacement from; ``axis`` where these
    vary around one, with the ``fits`` made so far, by their points.
    """

    number: int
    name: str
    source: str
    fields: Fields
    axis: Axis | None = None
    fits: dict[bytes, Fitted] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class Wave:
    """Amplitudes (n, 3) of u_r, u_t, u_z on the nodes (n,) of a boundary (its label)."""

    label: str
    nodes: IntArray
    values: FloatArray


@dataclass(frozen=True)
class Fitted:
    """The harmonics of a cut's displacement by number of waves and parity; ``misfit`` is the root mean square of what
    they leave, over that of the displacement's variation on the cut.
    """

    waves: dict[tuple[int, bool], FloatArray]
    misfit: float


def read_cuts(case: CaseBase, base: Path | None) -> tuple[Cut, ...]:
    """The runs that a case's boundaries name, in directories relative to ``base``.

    Raises InputError for a directory that holds no results, or those of another kinematics (but those around an axis);
    warns where the runs' stress is free at another temperature than the case's.
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
        if boundary.centre is None and kinematics != case.model.kinematics:
            around = "; give centre, where its axis stands" if case.model.kinematics == "axisymmetric" else ""
            raise InputError(f"{key}: {boundary.from_} is {kinematics}, this case {case.model.kinematics}{around}")
        axis = None
        if boundary.centre is not None:
            axis = _axis(boundary.centre, boundary.waves, given, kinematics, directory, f"boundary.{number}.centre")
        if free != case.load.stress_free_temperature:
            warnings.warn(
                f"{key}: {boundary.from_} is free of stress at {free:g} degC, this case at "
                f"{case.load.stress_free_temperature:g} degC",
                FemsimWarning,
                stacklevel=2,
            )
        name = boundary.name or f"boundary.{number}"
        from femsim.meshes.read.solved import read_fields

        found.append(Cut(number, name, boundary.from_, read_fields(directory / "fields.vtu"), axis))
    return tuple(found)


def _axis(
    centre: tuple[float, ...], waves: int | None, given: Mapping[str, Any], kinematics: str, directory: Path, key: str
) -> Axis:
    """The axis in a run of its kinematics."""
    dims = {"3d": 3, "plane-strain": 2, "generalized-plane-strain": 2}
    if kinematics not in dims:
        raise InputError(f"{key}: the run is {kinematics}; allowed: {', '.join(dims)}")
    if len(centre) != dims[kinematics]:
        raise InputError(f"{key}: {len(centre)} numbers; a run that is {kinematics} needs {dims[kinematics]}")
    mirrored: tuple[int, ...] = ()
    if kinematics == "3d" and given.get("stack") not in ("blocks", "mesh") and given["model"].get("cell") != "chip":
        mirrored = (0, 1)
    strain = 0.0
    if kinematics == "generalized-plane-strain":
        try:
            strain = float(json.loads((directory / "metrics.json").read_text(encoding="utf-8"))["axial_strain"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{key}: metrics.json of the run gives no axial_strain ({error!r})") from None
    return Axis(centre, WAVES if waves is None else waves, mirrored, strain)


def cut_displacements(cuts: Sequence[Cut], case: CaseBase, mesh: Mesh, kinematics: Kinematics) -> dict[int, FloatArray]:
    """Displacements (N, width) at the nodes of every cut, not a number elsewhere, by the boundary's number; of one that
    varies around an axis, its mean around.
    """
    found = {}
    for cut in cuts:
        nodes = nodes_on(mesh, kinematics, case.boundary[cut.number], f"boundary.{cut.number}")
        moved = np.full((len(mesh.points), kinematics.width), np.nan)
        if cut.axis is None:
            moved[nodes], _, outside = cut.fields.at(mesh.points[nodes])
            _require_inside(cut, mesh.points[nodes], outside)
        else:
            moved[nodes] = fitted(cut, mesh.points[nodes]).waves[0, False][:, [0, 2]]
        found[cut.number] = moved
    return found


def cut_waves(
    cuts: Sequence[Cut], case: CaseBase, mesh: Mesh, kinematics: Kinematics
) -> dict[tuple[int, bool], list[Wave]]:
    """What the cuts around an axis give each harmonic; those that are nothing are left out. Warns of a misfit that
    matters.
    """
    found: dict[tuple[int, bool], list[Wave]] = {}
    for cut in cuts:
        if cut.axis is None:
            continue
        label = f"boundary.{cut.number}"
        nodes = nodes_on(mesh, kinematics, case.boundary[cut.number], label)
        fit = fitted(cut, mesh.points[nodes])
        if fit.misfit > POOR:
            warnings.warn(
                f"{label}: {cut.axis.waves} waves around leave {100 * fit.misfit:.2g} % of how the displacement varies "
                "on the cut; give more waves, or cut farther from what is not round",
                FemsimWarning,
                stacklevel=2,
            )
        largest = max(np.abs(values).max() for values in fit.waves.values())
        for kind, values in fit.waves.items():
            if kind != (0, False) and np.abs(values).max() > SLIGHT * largest:
                found.setdefault(kind, []).append(Wave(label, nodes, values))
    # a harmonic of one cut needs the others' too, be they nothing
    for kind, waves in found.items():
        for cut in cuts:
            label = f"boundary.{cut.number}"
            if cut.axis is not None and all(wave.label != label for wave in waves):
                nodes = nodes_on(mesh, kinematics, case.boundary[cut.number], label)
                own = fitted(cut, mesh.points[nodes]).waves.get(kind, np.zeros((len(nodes), 3)))
                waves.append(Wave(label, nodes, own))
    return found


def fitted(cut: Cut, points: FloatArray) -> Fitted:
    """The harmonics of a run's displacement at points (n, 2: r, z) around the cut's axis, found once."""
    key = points.tobytes()
    if key not in cut.fits:
        cut.fits[key] = _fit(cut, points)
    return cut.fits[key]


def _fit(cut: Cut, points: FloatArray) -> Fitted:
    axis = cut.axis
    assert axis is not None
    count = ANGLES * max(axis.waves, 4)
    angle = 2.0 * np.pi * np.arange(count) / count
    u, _ = around_axis(cut, points, angle)
    cos, sin = np.cos(angle), np.sin(angle)
    polar = np.stack([u[..., 0] * cos + u[..., 1] * sin, u[..., 1] * cos - u[..., 0] * sin, u[..., 2]], axis=-1)
    waves: dict[tuple[int, bool], FloatArray] = {}
    fit = np.zeros_like(polar)
    for n in range(axis.waves + 1):
        c, s = np.cos(n * angle), np.sin(n * angle)
        scale = (2.0 if n else 1.0) / count
        even = scale * np.stack([c @ polar[..., 0].T, s @ polar[..., 1].T, c @ polar[..., 2].T], axis=-1)
        odd = scale * np.stack([s @ polar[..., 0].T, c @ polar[..., 1].T, s @ polar[..., 2].T], axis=-1)
        waves[n, False], waves[n, True] = even, odd
        fit += even[:, None] * np.stack([c, s, c], axis=-1) + odd[:, None] * np.stack([s, c, s], axis=-1)
    varies = float(np.sqrt(np.mean((u - u.mean(axis=(0, 1))) ** 2)))
    left = float(np.sqrt(np.mean((polar - fit) ** 2)))
    return Fitted(waves, left / varies if varies > 0.0 else 0.0)


def around_axis(cut: Cut, points: FloatArray, angle: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Displacement (n, angles, 3: along x, y, z of the run, z along the axis) and temperature (n, angles) of a run on
    circles through points (n, 2: r, z) around the cut's axis.
    """
    axis = cut.axis
    assert axis is not None
    r, z = points[:, :1], points[:, 1:]
    x, y = r * np.cos(angle), r * np.sin(angle)
    height = z + axis.centre[-1] + np.zeros_like(x)
    if len(axis.centre) == 2:
        place = np.stack([axis.centre[0] + x, height], axis=-1)
    else:
        place = np.stack([axis.centre[0] + x, axis.centre[1] + y, height], axis=-1)
    flat = place.reshape(-1, place.shape[-1])
    sign = np.ones_like(flat)
    for k in axis.mirrored:
        if cut.fields.mesh.points[:, k].min() >= -cut.fields.mesh.near:
            sign[:, k] = np.where(flat[:, k] < 0.0, -1.0, 1.0)
    u, temperature, outside = cut.fields.at(sign * flat)
    _require_inside(cut, flat, outside)
    u = (sign * u).reshape(*x.shape, -1)
    if len(axis.centre) == 2:
        u = np.stack([u[..., 0], axis.strain * y, u[..., 1]], axis=-1)
    return u, temperature.reshape(x.shape)


def cut_temperature(cuts: Sequence[Cut], mesh: Mesh) -> float | FloatArray | None:
    """Temperature of the first run at the nodes (N,) of a mesh, one number where it is the same all over; None without
    a run.
    """
    if not cuts:
        return None
    temperature = cuts[0].fields.temperature
    if np.ptp(temperature) == 0.0:
        return float(temperature[0])
    if cuts[0].axis is not None:
        raise InputError(
            f"boundary.{cuts[0].number}.centre: the temperature of {cuts[0].source} varies over its body; around an "
            "axis only a uniform one is taken over"
        )
    _, at, outside = cuts[0].fields.at(mesh.points)
    _require_inside(cuts[0], mesh.points, outside)
    return at


def _require_inside(cut: Cut, points: FloatArray, outside: FloatArray) -> None:
    from femsim.meshes.read.solved import OUTSIDE

    worst = int(np.argmax(outside))
    if outside[worst] > OUTSIDE * cut.fields.mesh.extent:
        at = ", ".join(f"{v:g}" for v in points[worst])
        raise InputError(
            f"boundary.{cut.number}.from: ({at}) um lies {outside[worst]:.3g} um outside the body of {cut.source}"
        )
