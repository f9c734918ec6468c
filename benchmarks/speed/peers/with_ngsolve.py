"""NGSolve: biquadratic H1 elements, middles condensed, its own sparse Cholesky, two threads."""

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
)

job.lap("import")
SetNumThreads(2)
problem = job.read()
points, cells, number = corners(problem)
raw = ng.Mesh(dim=2)
raw.AddPoints(np.ascontiguousarray(np.column_stack([points, np.zeros(len(points))])))
regions = len(problem["E"])
for k in range(regions):
    raw.AddRegion(f"region{k}", dim=2)
    raw.AddElements(
        dim=2, index=k + 1, data=np.ascontiguousarray(cells[problem["region"] == k].astype(np.int32)), base=0
    )
axis = raw.AddRegion("axis", dim=1)
on = number[problem["axis"]]
on = on[on >= 0]
on = on[np.argsort(points[on, 1])]
raw.AddElements(
    dim=1, index=axis, data=np.ascontiguousarray(np.column_stack([on[:-1], on[1:]]).astype(np.int32)), base=0
)
mesh = Mesh(raw)
job.lap("mesh")
with TaskManager():
    space = VectorH1(mesh, order=2, dirichletx="axis")
    held = space.Range(1).start + int(number[problem["held"][0]])
    space.FreeDofs().Clear(held)
    space.FreeDofs(True).Clear(held)
    u, v = space.TnT()
    lam, mu, beta = (CoefficientFunction(list(map(float, values))) for values in lame(problem))

    def strains(w):
        g = grad(w)
        return g[0, 0], g[1, 1], w[0] / x, g[0, 1] + g[1, 0]

    (e1, e2, e3, e12), (f1, f2, f3, f12) = strains(u), strains(v)
    a = BilinearForm(space, symmetric=True, condense=True)
    a += (
        2
        * np.pi
        * x
        * (lam * (e1 + e2 + e3) * (f1 + f2 + f3) + 2 * mu * (e1 * f1 + e2 * f2 + e3 * f3) + mu * e12 * f12)
        * dx
    )
    b = LinearForm(space)
    b += 2 * np.pi * x * beta * (f1 + f2 + f3) * dx(bonus_intorder=1)
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
    nine = [(i / 2, j / 2) for i in range(3) for j in range(3)]
    places = mesh.MapToAllElements({ET.QUAD: IntegrationRule(nine, [0.0] * 9)}, VOL)
    values = np.asarray(CoefficientFunction((x, y, solution[0], solution[1]))(places))
job.finish(values[:, :2], values[:, 2:], unknowns=space.ndof, version=ngsolve.__version__)
