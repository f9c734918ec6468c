"""NAFEMS LE11 (reference topic 5): a solid of revolution under T = r + z. The converged stress at A is -105.669 MPa;
-105 is coarse.
"""

from __future__ import annotations

import numpy as np
import pytest
from helpers import AXI, CASES, build, held, isotropic, near
from le11 import UM, le11_mesh, temperature

from femsim.measures.stress import value_at
from femsim.solvers.solve import solve

INPUTS, RESULT = CASES["LE11"]["inputs"], CASES["LE11"]["result"]
A, B, I = (1.0e6, 0.0), (1.4e6, 0.0), (1.0e6, 1.79e6)  # noqa: E741


def le11(n, element):
    mesh = le11_mesh(n, element)
    fixed = held((near(mesh, 1, 0.0), 1, 0.0), (near(mesh, 1, 1.79 * UM), 1, 0.0))
    steel = isotropic(INPUTS["E_MPa"], INPUTS["nu"], INPUTS["alpha"])
    return solve(build(mesh, AXI, steel, fixed, temperature(mesh)))


@pytest.mark.parametrize(("element", "n"), [("quad9", 16), ("quad8", 16), ("tri6", 20)])
def test_le11(element, n):
    s = le11(n, element)
    at = {name: value_at(s.field, point) for name, point in (("A", A), ("B", B), ("I", I))}
    assert at["A"].stress[1] == pytest.approx(RESULT["sigma_zz_A_MPa"], rel=2e-4)
    assert at["A"].stress[2] == pytest.approx(RESULT["sigma_theta_A_MPa"], rel=5e-4)
    assert at["A"].stress[0] == pytest.approx(0.0, abs=0.01)
    for name in "ABI":
        assert at[name].displacement[0] / UM == pytest.approx(RESULT[f"u_r_{name}"], rel=1.5e-4)
    assert s.checks.reaction < 1e-10


def test_le11_stress_converges():
    """Two meshes: the finer one is nearer, and the published -105 lies outside what they leave open."""
    wanted = RESULT["sigma_zz_A_MPa"]
    coarse, fine = (value_at(le11(n, "quad9").field, A).stress[1] for n in (6, 16))
    assert abs(fine - wanted) < 0.5 * abs(coarse - wanted)
    assert abs(fine + 105.0) > 20 * abs(fine - wanted)
    assert np.isfinite(coarse)
