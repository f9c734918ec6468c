"""SfePy: biquadratic elements, two scalar fields after its own axisymmetric example, a direct solver of its list
(``pypardiso``, ...).
"""

from __future__ import annotations

import sys

import numpy as np
from common import GAUSS, Job, corners, lame

job = Job()

import sfepy  # noqa: E402
from sfepy.base.base import Struct, output  # noqa: E402
from sfepy.discrete import Equation, Equations, FieldVariable, Function, Integral, Material, Problem  # noqa: E402
from sfepy.discrete.conditions import Conditions, EssentialBC  # noqa: E402
from sfepy.discrete.fem import FEDomain, Field, Mesh  # noqa: E402
from sfepy.solvers import Solver  # noqa: E402
from sfepy.solvers.nls import Newton  # noqa: E402
from sfepy.terms import Term  # noqa: E402

job.lap("import")
output.set_output(quiet=True)
problem = job.read()
points, cells, number = corners(problem)
held = int(number[problem["held"][0]])
mesh = Mesh.from_data("bilayer", points, None, [cells.astype(np.int32)], [problem["region"].astype(np.int32)], ["2_4"])
domain = FEDomain("domain", mesh)
omega = domain.create_region("Omega", "all")
axis = domain.create_region("Axis", "vertices in (x < 1e-12)", "facet")
bottom = domain.create_region("Held", f"vertex {held}", "vertex")
fields = [Field.from_args(name, np.float64, "scalar", omega, approx_order=2) for name in ("r", "z")]
ur, uz = (FieldVariable(f"u{f.name}", "unknown", f) for f in fields)
vr, vz = (FieldVariable(f"v{f.name}", "test", f, primary_var_name=f"u{f.name}") for f in fields)
job.lap("mesh")
by_region = lame(problem)


def coefficients(ts, coors, mode=None, **_):
    """Coefficients of the weak form, divided by 2 pi, at all quadrature points, in the order of the cells."""
    if mode != "qp":
        return None
    lam, mu, beta = (np.repeat(v[problem["region"]], len(coors) // len(cells)) for v in by_region)
    r, zero, bulk = coors[:, 0], np.zeros(len(coors)), lam + 2 * mu

    def array(*entries):
        return np.stack(entries, axis=-1)

    return {
        "rr": array(r * bulk, zero, zero, r * mu).reshape(-1, 2, 2),
        "zz": array(r * mu, zero, zero, r * bulk).reshape(-1, 2, 2),
        "rz": array(zero, r * lam, r * mu, zero).reshape(-1, 2, 2),
        "zr": array(zero, r * mu, r * lam, zero).reshape(-1, 2, 2),
        "hoop": array(bulk / r)[..., None],
        "along_r": array(lam, zero)[..., None],
        "along_z": array(zero, lam)[..., None],
        "force_r": array(r * beta, zero)[..., None],
        "force_z": array(zero, r * beta)[..., None],
        "force_hoop": array(beta)[..., None],
    }


m = Material("m", function=Function("coefficients", coefficients))
integral = Integral("i", order=2 * GAUSS - 1)
names = {"m": m, "ur": ur, "uz": uz, "vr": vr, "vz": vz}


def term(text: str) -> Term:
    return Term.new(text, integral, omega, **{name: value for name, value in names.items() if name in text})


radial = (
    term("dw_diffusion(m.rr, vr, ur)")
    + term("dw_diffusion(m.rz, vr, uz)")
    + term("dw_dot(m.hoop, vr, ur)")
    + term("dw_s_dot_mgrad_s(m.along_r, vr, ur)")
    + term("dw_s_dot_mgrad_s(m.along_r, ur, vr)")
    + term("dw_s_dot_mgrad_s(m.along_z, vr, uz)")
    - term("dw_diffusion_r(m.force_r, vr)")
    - term("dw_integrate(m.force_hoop, vr)")
)
axial = (
    term("dw_diffusion(m.zz, vz, uz)")
    + term("dw_diffusion(m.zr, vz, ur)")
    + term("dw_s_dot_mgrad_s(m.along_z, ur, vz)")
    - term("dw_diffusion_r(m.force_z, vz)")
)
body = Problem("body", equations=Equations([Equation("radial", radial), Equation("axial", axial)]))
body.set_bcs(ebcs=Conditions([EssentialBC("axis", axis, {"ur.0": 0.0}), EssentialBC("held", bottom, {"uz.0": 0.0})]))
kind = sys.argv[3] if len(sys.argv) > 3 else "pypardiso"
linear = Solver.any_from_conf(Struct(kind=f"ls.{kind}", name="ls"))
body.set_solver(Newton({"i_max": 1, "is_linear": True, "check": 0}, lin_solver=linear))
body.set_linear(True)
state = body.solve(save_results=False)
job.lap("assemble and solve")
displacement = np.column_stack([state["ur"]().ravel(), state["uz"]().ravel()])
job.finish(fields[0].get_coor(), displacement, unknowns=displacement.size, version=sfepy.__version__)
