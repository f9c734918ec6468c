"""The harmonics of a case: solved beside the axisymmetric problem, measured together with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.builders.cuts import cut_waves
from femsim.builders.discretisation import Discretisation
from femsim.builders.harmonics import harmonic_models
from femsim.measures.around import COMPONENTS, Around, Part, around, probe_at
from femsim.measures.averages import Averages
from femsim.measures.probes import ProbeValue
from femsim.measures.reactions import PER_MICRO, reactions
from femsim.meshes.layout import Root
from femsim.models.assembly import external_force, internal_force
from femsim.models.loads import Support
from femsim.solvers.solve import Solution, solve

SIX = ("x", "y", "z", "mx", "my", "mz")


@dataclass(frozen=True)
class Harmonics:
    """The solved harmonics, the roots' averages over the angle, and the probes at their angles."""

    parts: tuple[Part, ...]
    around: dict[tuple[Root, float], Around] = field(default_factory=dict)
    probes: dict[str, ProbeValue] = field(default_factory=dict)
    angles: dict[str, float] = field(default_factory=dict)


def solve_harmonics(
    disc: Discretisation,
    base: Solution,
    chosen: tuple[Averages, ...],
    probes: dict[str, ProbeValue],
    say: Callable[[str], None],
    errors: bool = True,
) -> Harmonics | None:
    """Solve and measure a case's harmonics; None where it has none."""
    case = disc.case
    hold = disc.layout.hold if disc.layout is not None else None
    waves = cut_waves(disc.cuts, case, base.model.mesh, base.model.kinematics)
    models = harmonic_models(case.harmonic, case.board, base.model, disc.point_data, hold, waves)
    if not models:
        return None
    parts = []
    for one in models:
        say(f"harmonic {one.n}{' (odd)' if one.odd else ''}: {one.model.constraints.count} unknowns")
        parts.append(Part(one.n, one.odd, solve(one.model)))
    angles = {name: float(spec.angle) for spec in case.probe for name in spec.names}
    return Harmonics(
        tuple(parts),
        {(a.root, a.length): around(base, parts, a, errors) for a in chosen if isinstance(a.root, Root)},
        {name: probe_at(base, parts, value, angles[name], errors) for name, value in probes.items()},
        angles,
    )


def around_dict(found: Around) -> dict[str, Any]:
    """``around`` and ``largest`` of a root's entry."""
    largest = {
        kind: {"value": value, "angle": angle, "error": found.errors.get(kind)}
        for kind, (value, angle) in found.largest.items()
    }
    values = {kind: [float(v) for v in each] for kind, each in found.values.items()}
    return {"around": {"angle": [float(a) for a in found.angles], **values}, "largest": largest}


def probe_dict(harmonics: Harmonics, name: str) -> dict[str, Any]:
    """What a probe's entry says beside harmonics: the whole field at its angle."""
    found = harmonics.probes[name]
    stress = {c: float(v) for c, v in zip(COMPONENTS, found.value.stress, strict=True)}
    errors = dict(zip(COMPONENTS, found.stress_error, strict=True))
    return {
        "angle": harmonics.angles[name],
        "u": [float(v) for v in found.value.displacement],
        "stress": {**stress, "von_mises": found.value.von_mises},
        "u_error": list(found.u_error),
        "stress_error": None if found.singular else {**errors, "von_mises": found.von_mises_error},
    }


def harmonics_list(harmonics: Harmonics) -> list[dict[str, Any]]:
    """The solved harmonics: waves, parity, unknowns, energy (uJ) and checks."""
    found = []
    for part in harmonics.parts:
        model, solution = part.solution.model, part.solution
        work = float(solution.unknowns @ internal_force(solution.field))
        checks = solution.checks
        found.append(
            {
                "n": part.n,
                "odd": part.odd,
                "unknowns": model.constraints.count,
                "work": work * 1.0e-6,
                "checks": {"residual": checks.residual, "reaction": checks.reaction, "energy": checks.energy},
            }
        )
    return found


def six_reactions(base: Solution, harmonics: Harmonics) -> dict[str, dict[str, float]]:
    """Force (N) and moment (N um) about the origin of named boundaries and harmonics, all six parts.

    A harmonic's nodal forces work on its rigid motions: the shift along x (u_r = 1, u_t = -1) and the turn about y
    (u_r = z, u_t = -z, u_z = -r) for n = 1, their twins for odd, the turn about z (u_t = r) for twist.
    """
    found = {name: dict.fromkeys(SIX, 0.0) | one for name, one in reactions(base.field, base.model.load).items()}
    for part in harmonics.parts:
        load, space = part.solution.model.load, part.solution.space
        if not load.supports:
            continue
        left = internal_force(part.solution.field) - external_force(space, load)
        for support in load.supports:
            force = np.zeros((len(support.nodes), space.width))
            for component in support.components:
                force[:, component] = left[space.width * support.nodes + component]
            total = found.setdefault(support.name, dict.fromkeys(SIX, 0.0))
            for key, value in _resultants(part, support, space.mesh.points, PER_MICRO * force).items():
                total[key] += value
    return found


def _resultants(part: Part, support: Support, points: FloatArray, force: FloatArray) -> dict[str, float]:
    r, z = points[support.nodes].T
    if part.n == 0:
        return {"mz": float(r @ force[:, 0])} if part.odd else {"z": float(force[:, 1].sum())}
    if part.n > 1:
        return {}
    u, v, w = force.T
    if part.odd:
        return {"y": float((u + v).sum()), "mx": float(r @ w - z @ (u + v))}
    return {"x": float((u - v).sum()), "my": float(z @ (u - v) - r @ w)}
