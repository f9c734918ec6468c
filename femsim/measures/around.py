"""Metrics of a body of revolution under loads that vary around it: harmonics superposed, invariants taken after.

The displacement and stress at an angle are the axisymmetric ones plus each harmonic's amplitudes times its cosine or
sine. Peel and shear averages are linear, so their amplitudes superpose; the von Mises stress is no harmonic: it is
taken of the superposed stress at each angle, then averaged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.measures.averages import Averages, averages
from femsim.measures.goal_errors import VON_MISES, at_root, goal_indicators, point_doubts
from femsim.measures.goals import Functional, Piece
from femsim.measures.probes import ProbeValue, probe_goals
from femsim.measures.stress import PointValue, value_at
from femsim.meshes.layout import Root
from femsim.models.fields import StressField
from femsim.models.harmonics import waves
from femsim.models.kinematics import von_mises, von_mises_slope
from femsim.models.sampling import sample
from femsim.solvers.solve import Solution

#: components and unknowns of the superposed field
COMPONENTS = ("rr", "zz", "tt", "rz", "rt", "tz")
UNKNOWNS = ("u_r", "u_t", "u_z")
#: angles (degrees) that the averages are given at, and how finely their largest values are sought
ANGLES = np.arange(0.0, 360.0, 5.0)
FINE = np.arange(0.0, 360.0, 0.25)
KINDS = {"peel": "zz", "shear": "rz", "shear_t": "tz"}


@dataclass(frozen=True)
class Part:
    """A solved harmonic."""

    n: int
    odd: bool
    solution: Solution

    def spread(self, values: FloatArray, names: tuple[str, ...], onto: tuple[str, ...]) -> FloatArray:
        """Amplitudes (..., names) in the places of ``onto``, zero where it has none."""
        found = np.zeros((*values.shape[:-1], len(onto)))
        for k, name in enumerate(names):
            found[..., onto.index(name)] = values[..., k]
        return found

    def wave(self, names: tuple[str, ...], angle: FloatArray) -> FloatArray:
        """Factors (..., names) at angles in degrees."""
        return waves(self.n, self.odd, names, angle)


@dataclass(frozen=True)
class Around:
    """Averages of one root and length over the angle: ``values`` (angles,) in MPa by kind (peel, shear, shear_t,
    von_mises), the ``largest`` magnitude of each with its angle (degrees), and bounds of their errors (MPa).
    """

    angles: FloatArray
    values: dict[str, FloatArray]
    largest: dict[str, tuple[float, float]]
    errors: dict[str, float]


def around(base: Solution, parts: Sequence[Part], average: Averages, errors: bool = True) -> Around:
    """Averages of a root over the angle, from the axisymmetric solution and the harmonics."""
    root, length = average.root, average.length
    assert isinstance(root, Root)  # circles of bodies in space have no harmonics
    plain = {"peel": average.peel.value(base.field), "shear": average.shear.value(base.field), "shear_t": 0.0}
    values = {kind: np.full(len(ANGLES), value) for kind, value in plain.items()}
    fine = {kind: np.full(len(FINE), value) for kind, value in plain.items()}
    bounds = dict.fromkeys((*KINDS, "von_mises"), 0.0)
    if errors:
        own = np.abs(goal_indicators(base, [average.peel, average.shear])).sum(axis=0) + at_root(base, average)
        bounds["peel"], bounds["shear"] = (float(value) for value in own)
    for part in parts:
        solution, names = part.solution, part.solution.model.kinematics.components
        (local,) = averages(solution.space, (root,), (length,))
        goals = {kind: _moved(local.peel, kind, names.index(c), len(names)) for kind, c in KINDS.items() if c in names}
        for kind, goal in goals.items():
            amplitude = goal.value(solution.field)
            wave = (KINDS[kind],)
            values[kind] = values[kind] + amplitude * part.wave(wave, ANGLES)[..., 0]
            fine[kind] = fine[kind] + amplitude * part.wave(wave, FINE)[..., 0]
        if errors:
            each = np.abs(goal_indicators(solution, list(goals.values()))).sum(axis=0)
            share = at_root(solution, local)
            for kind, error in zip(goals, each, strict=True):
                bounds[kind] += float(error) + share
    ring = _ring(base, parts, average)
    values["von_mises"] = np.array([ring.mean(angle) for angle in ANGLES])
    top = float(ANGLES[int(np.argmax(values["von_mises"]))])
    near = [(ring.mean(angle), angle % 360.0) for angle in top + np.arange(-4.0, 4.5, 0.5)]
    largest = {kind: _largest(fine[kind]) for kind in KINDS}
    largest["von_mises"] = max(near)
    if errors:
        bounds["von_mises"] = _ring_error(base, parts, ring, largest["von_mises"][1])
    return Around(ANGLES, values, largest, bounds if errors else {})


def probe_at(base: Solution, parts: Sequence[Part], probe: ProbeValue, angle: float, errors: bool = True) -> ProbeValue:
    """A probe's superposed displacement (u_r, u_t, u_z) and stress (rr, zz, tt, rz, rt, tz) at an angle, with bounds of
    their errors.
    """
    at = np.array(angle)
    u, stress = np.zeros(3), np.zeros(6)
    u[[0, 2]], stress[:4] = probe.value.displacement, probe.value.stress
    u_error, stress_error = np.zeros(3), np.zeros(6)
    u_error[[0, 2]], stress_error[:4] = probe.u_error, probe.stress_error
    for part in parts:
        field, kinematics = part.solution.field, part.solution.model.kinematics
        found = value_at(field, probe.probe.at, probe.value.region)
        u += part.spread(found.displacement * part.wave(kinematics.unknowns, at), kinematics.unknowns, UNKNOWNS)
        stress += part.spread(found.stress * part.wave(kinematics.components, at), kinematics.components, COMPONENTS)
        if errors:
            goals = probe_goals(part.solution.model, replace(probe, value=found))
            each = np.abs(goal_indicators(part.solution, goals)).sum(axis=0)
            width = kinematics.width
            u_error += part.spread(each[:width], kinematics.unknowns, UNKNOWNS)
            off = np.abs(point_doubts(part.solution, replace(probe, value=found))).sum(axis=0)
            stress_error += part.spread(each[width:] + off, kinematics.components, COMPONENTS)
    value = PointValue(probe.value.at, probe.value.region, u, stress)
    slope = np.abs(von_mises_slope(stress))
    return replace(
        probe,
        value=value,
        u_error=tuple(float(e) for e in u_error),
        stress_error=tuple(float(e) for e in stress_error),
        von_mises_error=float(stress_error @ slope),
    )


def _moved(functional: Functional, name: str, component: int, size: int) -> Functional:
    """An average of one component as that of another one."""
    pieces = []
    for piece in functional.pieces:
        weights = np.zeros((*piece.weights.shape[:-1], size))
        weights[..., component] = piece.weights.sum(axis=-1)
        pieces.append(Piece(piece.cells, piece.xi, weights))
    return Functional(name, tuple(pieces))


def _largest(values: FloatArray) -> tuple[float, float]:
    at = int(np.argmax(np.abs(values)))
    return float(values[at]), float(FINE[at])


@dataclass(frozen=True)
class _Ring:
    """Stress amplitudes at the points of a root's ring: of the axisymmetric solution and of every harmonic."""

    pieces: tuple[Piece, ...]
    base: tuple[FloatArray, ...]
    parts: tuple[tuple[Part, tuple[FloatArray, ...]], ...]

    def stress(self, number: int, angle: float) -> FloatArray:
        """Superposed stress (E, q, 6) of a piece."""
        total = self.base[number].copy()
        for part, amplitudes in self.parts:
            total += amplitudes[number] * part.wave(COMPONENTS, np.array(angle))
        return total

    def mean(self, angle: float) -> float:
        """Volume average of the von Mises stress at an angle."""
        return float(
            sum(np.sum(p.weights[..., 0] * von_mises(self.stress(k, angle))) for k, p in enumerate(self.pieces))
        )


def _ring(base: Solution, parts: Sequence[Part], average: Averages) -> _Ring:
    def amplitudes(field: StressField, spread: Part) -> tuple[FloatArray, ...]:
        names = field.space.kinematics.components
        return tuple(
            spread.spread(field.stress(sample(field.space, p.cells, p.xi)), names, COMPONENTS) for p in average.ring
        )

    own = Part(0, False, base)
    each = tuple((part, amplitudes(part.solution.field, part)) for part in parts)
    return _Ring(average.ring, amplitudes(base.field, own), each)


def _ring_error(base: Solution, parts: Sequence[Part], ring: _Ring, angle: float) -> float:
    """Error bound of the von Mises average at an angle, linearised about the superposed stress there."""
    slopes = [von_mises_slope(ring.stress(k, angle)) for k in range(len(ring.pieces))]
    total = 0.0
    for part in (Part(0, False, base), *parts):
        names = part.solution.model.kinematics.components
        columns = [COMPONENTS.index(name) for name in names]
        wave = part.wave(names, np.array(angle))
        pieces = tuple(
            Piece(p.cells, p.xi, p.weights * slope[..., columns] * wave)
            for p, slope in zip(ring.pieces, slopes, strict=True)
        )
        total += float(np.abs(goal_indicators(part.solution, [Functional("von_mises", pieces)])).sum())
    return VON_MISES * total
