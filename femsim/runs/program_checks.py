"""What is left over in a program's last state: forces, their resultant and their work."""

from __future__ import annotations

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.builders.program import Plan
from femsim.models.assembly import external_force, internal_force
from femsim.models.fields import ElasticField
from femsim.models.loads import Load
from femsim.models.model import Model
from femsim.solvers.moments import Stage
from femsim.solvers.solve import Checks

#: forces below this part of a program's largest are what rounding leaves of those
REST = 1e-4


def largest_forces(plan: Plan, stage: Stage) -> FloatArray:
    """Magnitudes (ndof of the part,) of the largest loads that a program's steps put on, and of the forces by which the
    part would have to be held at their farthest temperature.
    """
    part, program = stage.part, plan.program
    space, free = part.space, program.start.stress_free_temperature
    middle = float(np.mean(free))
    far = max((step.load.temperature for step in program.steps), key=lambda t: float(np.abs(t - middle).max()))
    load = Load(part.field(far), free, np.zeros(space.ndof))
    found = np.abs(internal_force(ElasticField(Model(space, plan.materials, load), np.zeros(space.ndof))))
    largest = np.zeros_like(found)
    for step in program.steps:  # one after the other: a program of many cycles has thousands
        if step.load.tractions or step.load.force is not None:
            np.maximum(largest, np.abs(part.of(external_force(step.space, step.load))), out=largest)
    return np.asarray(found + largest)


def checks_of(
    model: Model,
    u: FloatArray,
    nodal: FloatArray,
    reaction: FloatArray,
    external: FloatArray,
    size: FloatArray,
    rest: FloatArray,
) -> Checks:
    """Residual over the largest force, resultant of reactions and loads, and work left over; relative. ``size`` sums
    the magnitudes of the elements' forces: in a body that is free to move the forces themselves cancel. Where less
    than ``rest`` (ndof,) is left of what was, rounding is measured against that.

    The work left over is q^T R, R the forces gathered by unknowns and q the mean of the displacements that each stands
    for: what was born later is off its tied walls by the shape it was born on, and the forces of the tie do work there.
    """
    space = model.space
    equation, links, count = space.constraints.equation, space.constraints.links, space.constraints.count
    shares = np.bincount(equation[equation >= 0], minlength=count).astype(float)
    shares += np.bincount(links.equation, links.coefficient**2, minlength=count)
    left = space.gather(nodal)
    magnitude = size + np.abs(external)
    scale = max(float(magnitude.max(initial=0.0)), float(rest.max(initial=0.0)), 1e-300)
    residual = float(np.abs(left).max(initial=0.0)) / scale
    sums = max(float((magnitude + np.abs(reaction))[: space.nodal].sum()), float(rest[: space.nodal].sum())) or 1.0
    # ties and links carry moments, links of walls that lie aslant forces too
    users = np.append(np.bincount(equation[equation >= 0], minlength=count), [2, 0])
    users[links.equation] = 2
    carried = reaction + np.where(users[equation] > 1, -nodal, 0.0)
    unbalanced = 0.0
    for mode in model.kinematics.rigid_modes(model.mesh.points).values():
        unbalanced = max(unbalanced, abs(float(mode.ravel() @ (carried + external)[: space.nodal])) / sums)
    work = max(float(np.abs(u) @ magnitude), float(np.abs(u).max(initial=0.0) * rest.sum())) or 1.0
    energy = abs(float(space.gather(u) / np.maximum(shares, 1e-300) @ left)) / work
    return Checks(residual=residual, reaction=unbalanced, energy=energy)
