"""Bodies of rings and layers under programs of steps, for the reference cases that need a mesh."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from helpers import grid, isotropic
from points import creep, plasticity, prop

from femsim.materials.plastic import InelasticLaw
from femsim.models.kinematics import AXISYMMETRIC
from femsim.models.loads import Load, Program, Step, Traction
from femsim.models.space import Constraints, Space
from femsim.solvers.march import Settings, march
from femsim.solvers.moments import Stage

CASES: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "flowing_bodies.json").read_text())


def law_of(layer: dict[str, Any]) -> InelasticLaw | None:
    """The law of a layer of the reference cases, None where it is elastic."""
    e, nu = prop(layer["E"]), prop(layer["nu"])
    if "hardening" in layer:
        return InelasticLaw(e, nu, plasticity(layer["hardening"]))
    if "law" in layer:
        return InelasticLaw(e, nu, creep=creep(layer["law"], layer["law_constants"]))
    return None


class Rings:
    """Rings, one element high: ``layers`` with outer (and inner) radius; u_z = 0 below, above fixed or one common."""

    def __init__(self, layers, axial, element="quad9", size=None, inner=0.0, height=None):
        names = tuple(f"layer {i}" for i in range(len(layers)))
        edges = [inner, *(layer["outer_radius"] for layer in layers)]
        lines, region = [edges[0]], []
        for i, (a, b) in enumerate(pairwise(edges)):
            count = max(1, round((b - a) / (size or (b - a))))
            lines += list(np.linspace(a, b, count + 1)[1:])
            region += [i] * count
        height = height or (lines[-1] - lines[0]) / len(region)
        self.mesh = grid(lines, [0.0, height], element, [region], names)
        self.mesh = replace(self.mesh, regions=names)
        self.layers, self.height, self.names = layers, height, names
        p = self.mesh.points
        low, high = np.flatnonzero(p[:, 1] < 1e-9 * height), np.flatnonzero(p[:, 1] > height * (1 - 1e-9))
        axis = np.flatnonzero(p[:, 0] < 1e-12)
        fixed = [2 * low + 1, 2 * axis] + ([2 * high + 1] if axial == "pstrain" else [])
        ties = () if axial == "pstrain" else (2 * high + 1,)
        ndof = 2 * len(p)
        self.space = Space(self.mesh, AXISYMMETRIC, Constraints.build(ndof, np.concatenate(fixed), ties))
        self.top = high
        self.materials = {
            n: isotropic(x["E"], x["nu"], x.get("alpha", 0.0), n) for n, x in zip(names, layers, strict=True)
        }
        self.laws = {n: law for n, x in zip(names, layers, strict=True) if (law := law_of(x)) is not None}

    def load(self, temperature=20.0, pressure=0.0, closed=False, field=None) -> Load:
        """Uniform temperature (or ``field`` of r), pressure in the bore, its axial force on the top."""
        p = self.mesh.points
        inner = float(p[:, 0].min())
        tractions, force = (), None
        if pressure:
            on = np.flatnonzero(np.abs(p[:, 0] - inner) < 1e-9)
            ends = sorted(on, key=lambda i: -p[i, 1])
            edge = [ends[0], ends[-1], *ends[1:-1]]  # the body on the left: downwards on the bore
            edge = np.array([edge])
            tractions = (Traction(edge, np.zeros((1, 2)), pressure),)
            if closed:
                force = np.zeros(self.space.ndof)
                force[2 * self.top[0] + 1] = np.pi * inner**2 * pressure
        t = temperature if field is None else field(p[:, 0])
        return Load(t, 20.0, np.zeros(self.space.ndof), tractions, None, force)

    def march(self, start: Load, loads: list[Load], durations=None, settings=None, alive=None, increments=None):
        """All stages."""
        durations = durations or [1.0] * len(loads)
        steps = tuple(
            Step(f"step {i}", self.space, load, d, None if alive is None else alive[i], increments)
            for i, (load, d) in enumerate(zip(loads, durations, strict=True))
        )
        return list(march(self.space, self.materials, self.laws, Program(start, steps), settings or Settings()))

    def at(self, stage: Stage, radius: float, layer: int | None = None) -> dict[str, float]:
        """u and u_z/h by the nodes; stress and inelastic strain at the Gauss points next to a radius, extrapolated."""
        p = self.mesh.points
        node = int(np.argmin(np.hypot(p[:, 0] - radius, p[:, 1])))
        u = stage.moment.unknowns
        found = {"u": float(u[2 * node]), "eps_z": float(u[2 * self.top[0] + 1] / self.height)}
        return found


def stress_at(body: Rings, stage: Stage, radius: float, layer: int) -> dict[str, float]:
    """Stress at a radius of a layer: the line through the values at the two nearest columns of Gauss points."""
    stresses, moment = stage.stresses, stage.moment
    r, s, scalars = [], [], []
    for batch, stress, state in zip(stage.body.batches, stresses, stage.body.by_batch(moment.states), strict=True):
        if batch.region != layer:
            continue
        r.append(batch.at.position[..., 0].ravel())
        s.append(stress.reshape(-1, 4))
        zero = np.zeros(stress.shape[0] * stress.shape[1])
        scalars.append(
            np.column_stack([zero, zero, zero] if state is None else [state[k] for k in ("p", "creep", "work")])
        )
    r, s = np.concatenate(r), np.column_stack([np.concatenate(s), np.concatenate(scalars)])
    order = np.argsort(np.abs(r - radius), kind="stable")
    near = np.unique(np.round(r[order], 9), return_index=True)
    radii = np.array(sorted(near[0], key=lambda x: abs(x - radius))[:3])
    values = np.array([s[np.abs(r - x) < 1e-6].mean(axis=0) for x in radii])
    weights = np.array(
        [np.prod([(radius - radii[j]) / (radii[i] - radii[j]) for j in range(3) if j != i]) for i in range(3)]
    )
    v = weights @ values
    return dict(zip(("s_r", "s_z", "s_t", "s_rz", "p", "creep", "work"), v.tolist(), strict=True))
