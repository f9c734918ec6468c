"""NGSolve in space: triquadratic H1 elements, middles condensed, its own sparse Cholesky, two threads."""

from __future__ import annotations

import sys

import numpy as np
from common import Job, corners, lame

job = Job()

import netgen.meshing as ng  # noqa: E402
import ngsolve  # noqa: E402
from ngsolve import (  # noqa: E402
    ET,
    VOL,
    BilinearForm,
    CoefficientFunction,
    GridFunction,
    IntegrationRule,
    LinearForm,
    Mesh,
    SetNumThreads,
    TaskManager,
    VectorH1,
    dx,
    grad,
    x,
    y,
    z,
)

job.lap("import")
SetNumThreads(2)
problem = job.read()
points, cells, number = corners(problem)
raw = ng.Mesh(dim=3)
raw.AddPoints(np.ascontiguousarray(points))
for k in range(len(problem["E"])):
    raw.AddRegion(f"region{k}", dim=3)
    chosen = cells[problem["region"] == k]
    raw.AddElements(dim=3, index=k + 1, data=np.ascontiguousarray(chosen.astype(np.int32)), base=0)
for name in ("back", "plane"):
    which = raw.AddRegion(name, dim=2)
    faces = number[problem[f"{name}_faces"]]
    raw.AddElements(dim=2, index=which, data=np.ascontiguousarray(faces.astype(np.int32)), base=0)
mesh = Mesh(raw)
job.lap("mesh")
with TaskManager():
    space = VectorH1(mesh, order=2, dirichletx="back", dirichlety="back|plane", dirichletz="back")
    u, v = space.TnT()
    lam, mu, beta = (CoefficientFunction(list(map(float, values))) for values in lame(problem))

    def strains(w):
        g = grad(w)
        return (g[0, 0], g[1, 1], g[2, 2]), (g[1, 2] + g[2, 1], g[0, 2] + g[2, 0], g[0, 1] + g[1, 0])

    (direct, shear), (tested, sheared) = strains(u), strains(v)
    trace, traced = sum(direct), sum(tested)
    a = BilinearForm(space, symmetric=True, condense=True)
    a += (
        lam * trace * traced
        + 2 * mu * sum(e * f for e, f in zip(direct, tested, strict=True))
        + mu * sum(e * f for e, f in zip(shear, sheared, strict=True))
    ) * dx
    b = LinearForm(space)
    b += beta * traced * dx
    a.Assemble()
    b.Assemble()
    job.lap("assemble")
    inverse = a.mat.Inverse(space.FreeDofs(True), inverse=sys.argv[3] if len(sys.argv) > 3 else "sparsecholesky")
    job.lap("factor")
    solution = GridFunction(space)
    rhs = b.vec.CreateVector()
    rhs.data = b.vec + a.harmonic_extension_trans * b.vec
    solution.vec.data = inverse * rhs
    solution.vec.data += a.harmonic_extension * solution.vec + a.inner_solve * b.vec
    job.lap("solve")
    places = [(i / 2, j / 2, k / 2) for i in range(3) for j in range(3) for k in range(3)]
    at = mesh.MapToAllElements({ET.HEX: IntegrationRule(places, [0.0] * 27)}, VOL)
    values = np.asarray(CoefficientFunction((x, y, z, solution[0], solution[1], solution[2]))(at))
job.finish(values[:, :3], values[:, 3:], unknowns=space.ndof, version=ngsolve.__version__)
