"""scikit-fem: its own form-by-form assembly on two threads, then SuperLU through scipy (its default) or MKL PARDISO
through pypardiso.
"""

from __future__ import annotations

import sys

import numpy as np
from common import GAUSS, Job, corners, lame

job = Job()

import scipy.sparse as sp  # noqa: E402
import skfem  # noqa: E402
from skfem.helpers import ddot, sym_grad  # noqa: E402

solver = sys.argv[3]
if solver != "superlu":
    import pypardiso
job.lap("import")

problem = job.read()
points, cells, number = corners(problem)
mesh = skfem.MeshQuad(np.ascontiguousarray(points.T), np.ascontiguousarray(cells.T), sort_t=False)
basis = skfem.Basis(mesh, skfem.ElementVector(skfem.ElementQuad2()), intorder=2 * GAUSS - 1)
job.lap("mesh")
lam, mu, beta = (np.broadcast_to(v[problem["region"]][:, None], basis.dx.shape) for v in lame(problem))


def stiffness(u, v, w):
    r = w.x[0]
    e, f = sym_grad(u), sym_grad(v)
    hu, hv = u[0] / r, v[0] / r
    return (
        2
        * np.pi
        * r
        * (w.lam * (e[0, 0] + e[1, 1] + hu) * (f[0, 0] + f[1, 1] + hv) + 2 * w.mu * (ddot(e, f) + hu * hv))
    )


def expansion(v, w):
    f = sym_grad(v)
    return 2 * np.pi * w.x[0] * w.beta * (f[0, 0] + f[1, 1] + v[0] / w.x[0])


K = skfem.BilinearForm(stiffness, nthreads=2).assemble(basis, lam=lam, mu=mu)
f = skfem.LinearForm(expansion).assemble(basis, beta=beta)
job.lap("assemble")
axis = basis.get_dofs(lambda x: x[0] == 0.0).all(["u^1"])
held = basis.nodal_dofs[1, number[problem["held"]]]
system = skfem.condense(K, f, D=np.concatenate([axis, held]))
del K


def pardiso(a: sp.csr_matrix, b: np.ndarray) -> np.ndarray:
    return pypardiso.PyPardisoSolver(mtype=2).solve(sp.triu(a, format="csr"), b)  # symmetric: half the work


u = skfem.solve(*system) if solver == "superlu" else skfem.solve(*system, solver=pardiso)
job.lap("solve")
first = np.concatenate([basis.nodal_dofs[0], basis.facet_dofs[0], basis.interior_dofs[0]])
second = np.concatenate([basis.nodal_dofs[1], basis.facet_dofs[1], basis.interior_dofs[1]])
job.finish(
    basis.doflocs[:, first].T, np.column_stack([u[first], u[second]]), unknowns=int(basis.N), version=skfem.__version__
)
