"""dolfinx in space: triquadratic Lagrange elements, PETSc with MUMPS (Cholesky), one process with threaded BLAS or two
MPI processes.
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
domain = ufl.Mesh(ufl.VectorElement("Lagrange", ufl.hexahedron, 1))
mesh = dolfinx.mesh.create_mesh(
    comm, np.ascontiguousarray(cells[part][:, [0, 1, 3, 2, 4, 5, 7, 6]]), points[mine], domain
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
dx = ufl.dx(metadata={"quadrature_degree": 2 * GAUSS - 1})
strain = ufl.sym(ufl.grad(u))
a = fem.form((lam * ufl.tr(strain) * ufl.div(v) + 2 * mu * ufl.inner(strain, ufl.sym(ufl.grad(v)))) * dx)
b = fem.form(beta * ufl.div(v) * dx)
lowest = problem["points"][:, 2].min()
conditions = []
for component in range(3):
    scalar, _ = space.sub(component).collapse()

    def held(at: np.ndarray, component: int = component) -> np.ndarray:
        back = np.abs(at[2] - lowest) < 1e-9
        return back | (np.abs(at[1]) < 1e-9) if component == 1 else back

    dofs = fem.locate_dofs_geometrical((space.sub(component), scalar), held)
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
places = space.tabulate_dof_coordinates()[:owned]
values = solution.x.array.reshape(-1, 3)[:owned]
peak = comm.reduce(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0, op=MPI.SUM, root=0)
gathered = comm.gather((places, values), root=0) if comm.size > 1 else [(places, values)]
if comm.rank == 0:
    places, values = (np.concatenate(parts) for parts in zip(*gathered, strict=True))
    job.finish(
        places, values, unknowns=3 * len(places), version=dolfinx.__version__, peak_all_mb=peak, processes=comm.size
    )
