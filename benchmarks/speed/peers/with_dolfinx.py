"""dolfinx: biquadratic Lagrange elements, PETSc with MUMPS (Cholesky), one process with threaded BLAS or two MPI
processes.
"""

from __future__ import annotations

import resource

import numpy as np
from common import GAUSS, Job, corners, lame

job = Job()

import dolfinx  # noqa: E402
import ufl  # noqa: E402
from dolfinx import fem  # noqa: E402
from mpi4py import MPI  # noqa: E402
from petsc4py import PETSc  # noqa: E402

comm = MPI.COMM_WORLD
job.lap("import")
problem = job.read()
points, cells, number = corners(problem)
part = np.array_split(np.arange(len(cells)), comm.size)[comm.rank]
mine = np.array_split(np.arange(len(points)), comm.size)[comm.rank]
domain = ufl.Mesh(ufl.VectorElement("Lagrange", ufl.quadrilateral, 1))
mesh = dolfinx.mesh.create_mesh(
    comm, np.ascontiguousarray(cells[part][:, [0, 1, 3, 2]]), points[mine], domain
)  # tensor order of corners
job.lap("mesh")
piecewise = fem.FunctionSpace(mesh, ("DG", 0))
region = problem["region"][np.asarray(mesh.topology.original_cell_index)]


def field(values: np.ndarray) -> fem.Function:
    f = fem.Function(piecewise)
    f.x.array[:] = values[region]
    return f


lam, mu, beta = (field(values) for values in lame(problem))
space = fem.VectorFunctionSpace(mesh, ("Lagrange", 2))
u, v = ufl.TrialFunction(space), ufl.TestFunction(space)
r = ufl.SpatialCoordinate(mesh)[0]
dx = ufl.dx(metadata={"quadrature_degree": 2 * GAUSS - 1})


def strains(w):
    g = ufl.grad(w)
    return g[0, 0], g[1, 1], w[0] / r, g[0, 1] + g[1, 0]


(e1, e2, e3, e12), (f1, f2, f3, f12) = strains(u), strains(v)
stiffness = lam * (e1 + e2 + e3) * (f1 + f2 + f3) + 2 * mu * (e1 * f1 + e2 * f2 + e3 * f3) + mu * e12 * f12
a = fem.form(2 * np.pi * r * stiffness * dx)
b = fem.form(2 * np.pi * r * beta * (f1 + f2 + f3) * dx)
held = problem["points"][problem["held"][0]]
conditions = []
for component, marker in (
    (0, lambda x: x[0] == 0.0),
    (1, lambda x: (np.abs(x[0] - held[0]) < 1e-9) & (np.abs(x[1] - held[1]) < 1e-9)),
):
    scalar, _ = space.sub(component).collapse()
    dofs = fem.locate_dofs_geometrical((space.sub(component), scalar), marker)
    conditions.append(fem.dirichletbc(fem.Function(scalar), dofs, space.sub(component)))
job.lap("forms")
K = fem.petsc.assemble_matrix(a, conditions)
K.assemble()
f = fem.petsc.assemble_vector(b)
fem.petsc.apply_lifting(f, [a], [conditions])
f.ghostUpdate(addv=PETSc.InsertMode.ADD, mode=PETSc.ScatterMode.REVERSE)
fem.petsc.set_bc(f, conditions)
job.lap("assemble")
K.setOption(PETSc.Mat.Option.SPD, True)
solver = PETSc.KSP().create(comm)
solver.setOperators(K)
solver.setType("preonly")
solver.getPC().setType("cholesky")
solver.getPC().setFactorSolverType("mumps")
solution = fem.Function(space)
solver.solve(f, solution.vector)
solution.x.scatter_forward()
job.lap("solve")
owned = space.dofmap.index_map.size_local
places = space.tabulate_dof_coordinates()[:owned, :2]
values = solution.x.array.reshape(-1, 2)[:owned]
peak = comm.reduce(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0, op=MPI.SUM, root=0)
gathered = comm.gather((places, values), root=0) if comm.size > 1 else [(places, values)]
if comm.rank == 0:
    places, values = (np.concatenate(parts) for parts in zip(*gathered, strict=True))
    job.finish(
        places, values, unknowns=2 * len(places), version=dolfinx.__version__, peak_all_mb=peak, processes=comm.size
    )
