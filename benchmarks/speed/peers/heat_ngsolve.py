"""NGSolve on the steady heat of ``heat.py``: biquadratic H1 elements, middles condensed, its own sparse Cholesky.
``python heat_ngsolve.py PROBLEM.npz`` prints the processor time (s) of assembly, factor and solve, and the largest
temperature (degC).
"""

from __future__ import annotations

import json
import sys
import time

import netgen.meshing as ng
import ngsolve
import numpy as np
from ngsolve import (
    BND,
    BilinearForm,
    CoefficientFunction,
    GridFunction,
    LinearForm,
    Mesh,
    SetNumThreads,
    ds,
    dx,
    grad,
    x,
)

SetNumThreads(1)
given = np.load(sys.argv[1])
raw = ng.Mesh(dim=2)
raw.AddPoints(np.ascontiguousarray(np.column_stack([given["points"], np.zeros(len(given["points"]))])))
for k in range(len(given["k"])):
    raw.AddRegion(f"region{k}", dim=2)
    own = given["cells"][given["region"] == k].astype(np.int32)
    raw.AddElements(dim=2, index=k + 1, data=np.ascontiguousarray(own), base=0)
for name in ("source", "film"):
    at = raw.AddRegion(name, dim=1)
    raw.AddElements(dim=1, index=at, data=np.ascontiguousarray(given[name].astype(np.int32)), base=0)
mesh = Mesh(raw)
start = time.process_time()
space = ngsolve.H1(mesh, order=2)
u, v = space.TnT()
around = 2.0 * np.pi * x
a = BilinearForm(space, symmetric=True, condense=True)
a += around * CoefficientFunction(list(map(float, given["k"]))) * grad(u) * grad(v) * dx
a += around * float(given["h"]) * u * v * ds("film")
b = LinearForm(space)
b += around * float(given["flux"]) * v * ds("source")
a.Assemble()
b.Assemble()
inverse = a.mat.Inverse(space.FreeDofs(True), inverse="sparsecholesky")
found = GridFunction(space)
rhs = b.vec.CreateVector()
rhs.data = b.vec + a.harmonic_extension_trans * b.vec
found.vec.data = inverse * rhs
found.vec.data += a.harmonic_extension * found.vec + a.inner_solve * b.vec
spent = time.process_time() - start
area = ngsolve.Integrate(around, mesh, BND, definedon=mesh.Boundaries("source"))
mean = ngsolve.Integrate(around * found, mesh, BND, definedon=mesh.Boundaries("source")) / area
print(json.dumps({"seconds": spent, "unknowns": space.ndof, "rise": mean, "version": ngsolve.__version__}))
