"""Solving: balance of forces, ties, prescribed displacements, reuse of a factor, and what singular matrices say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers import AXI, GENERAL, STRAIN, STRESS, build, close, distorted, grid, held, material, near, pressure

from femsim.base.errors import InputError, NumericsError
from femsim.models.assembly import external_force, internal_force
from femsim.solvers.factor import choose_backend
from femsim.solvers.solve import resolve_with, solve
from femsim.solvers.system import SystemFactor

ALL_KINEMATICS = [AXI, STRAIN, STRESS, GENERAL]


def body(element="quad9"):
    region = np.array([[0, 0, 1], [0, 1, 1], [0, 0, 1]])
    return distorted(grid([0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 2.0, 3.0], element, region, ("a", "b")), 0.2)


MATERIALS = {"a": material("Cu"), "b": material("PI")}


def model(kinematics=AXI, temperature=-100.0, **more):
    mesh = body()
    bottom = near(mesh, 1, 0.0)
    fixed = held((bottom, 1, 0.0)) | ({} if kinematics is AXI else held((bottom[:1], 0, 0.0)))
    return build(mesh, kinematics, MATERIALS, fixed | more.pop("fixed", {}), temperature, **more)


@pytest.mark.parametrize("kinematics", ALL_KINEMATICS, ids=lambda k: k.name)
def test_checks_and_balance(kinematics):
    mesh = body()
    loads = (pressure(mesh, 20.0, axis=1, value=3.0), pressure(mesh, -3.0, axis=0, value=3.0))
    m = model(kinematics, tractions=loads)
    s = solve(m)
    assert s.checks.residual < 1e-10
    assert s.checks.reaction < 1e-12
    assert s.checks.energy < 1e-12
    # reactions act on prescribed dofs only, and carry the pressure along the second axis
    assert np.all(s.reaction[m.constraints.equation >= 0] == 0)
    area = np.pi * 3.0**2 if kinematics is AXI else 3.0
    assert s.reaction[1::2][: len(mesh.points)].sum() == pytest.approx(20.0 * area, rel=1e-10)
    if kinematics is not AXI:
        assert s.reaction[: 2 * len(mesh.points) : 2].sum() == pytest.approx(-3.0 * 3.0, rel=1e-10)


def test_tied_wall_moves_together_and_carries_no_net_force():
    mesh = body()
    wall = near(mesh, 0, 3.0)
    s = solve(model(ties=(2 * wall,)))
    close(s.displacement[wall, 0], s.displacement[wall[0], 0], 1e-14)
    force = internal_force(s.field)[2 * wall]
    assert np.abs(force).max() > 1.0
    assert abs(force.sum()) < 1e-10 * np.abs(force).sum()


def test_prescribed_displacement_by_the_reaction_it_needs():
    """Pull a bar by a motion, take the reaction, pull by that traction: the mean motion is work-conjugate."""
    mesh = grid(np.linspace(0, 2, 5), np.linspace(0, 4, 5))
    cu = material("Cu")
    bottom, top = near(mesh, 1, 0.0), near(mesh, 1, 4.0)
    s = solve(build(mesh, AXI, cu, held((bottom, 1, 0.0), (top, 1, 0.01))))
    force = s.reaction[2 * top + 1].sum()
    assert force == pytest.approx(120000 * 0.01 / 4 * np.pi * 2.0**2, rel=1e-10)
    pulled = solve(
        build(
            mesh, AXI, cu, held((bottom, 1, 0.0)), tractions=[pressure(mesh, -force / (4 * np.pi), axis=1, value=4.0)]
        )
    )
    close(pulled.displacement, s.displacement, 1e-10)


def test_heating_is_linear():
    cold, hot = solve(model(temperature=-100.0)), solve(model(temperature=50.0))
    close(hot.unknowns, -0.5 * cold.unknowns, 1e-10)


@pytest.mark.parametrize("kinematics", ALL_KINEMATICS, ids=lambda k: k.name)
def test_resolve_with_equals_a_fresh_solve(kinematics):
    first = solve(model(kinematics))
    mesh = first.model.mesh
    other = model(
        kinematics,
        temperature=np.linspace(0, 80, len(mesh.points)),
        tractions=(pressure(mesh, 7.0, axis=1, value=3.0),),
    )
    load = np.zeros(other.ndof)
    load[2 * near(mesh, 0, 3.0)[0]] = 11.0
    again, fresh = resolve_with(first, other, load), solve(other, load)
    close(again.unknowns, fresh.unknowns, 1e-11)
    close(again.reaction, fresh.reaction, 1e-10)
    assert again.checks.residual < 1e-10


def test_a_multiple_of_the_load_costs_no_substitution(monkeypatch):
    """Another temperature with constant CTE multiplies the load; with another CTE in one of two materials it does
    not.
    """
    mesh = grid(
        np.linspace(0.0, 2.0, 7), np.linspace(0.0, 1.0, 5), "quad9", np.arange(24).reshape(4, 6) % 2, ("a", "b")
    )
    fixed = held((near(mesh, 1, 0.0), 1, 0.0))
    model = build(mesh, AXI, {"a": material("Cu"), "b": material("PI")}, fixed, -100.0)
    first = solve(model)
    colder = model.under(temperature=-160.0)
    other = replace(model, materials={**model.materials, "b": replace(material("PI"), cte=material("Cu").cte)})
    wanted = [solve(m).displacement for m in (colder, other)]
    calls = []
    plain = SystemFactor.solve
    monkeypatch.setattr(SystemFactor, "solve", lambda self, rhs: calls.append(1) or plain(self, rhs))
    close(resolve_with(first, colder).displacement, wanted[0], 1e-12)
    assert not calls
    assert resolve_with(first, colder).checks.residual < 1e-10
    close(resolve_with(first, other).displacement, wanted[1], 1e-12)
    assert calls
    rest = resolve_with(first, model.under(temperature=0.0))
    assert not rest.displacement.any()


def test_resolve_with_other_prescribed_values():
    top = near(body(), 1, 3.0)
    first = solve(model(fixed=held((top, 1, 0.0))))
    other = model(fixed=held((top, 1, 0.02)), temperature=0.0)
    close(resolve_with(first, other).unknowns, solve(other).unknowns, 1e-11)


def test_resolve_with_another_stiffness_is_refused_or_right():
    """The factor of another stiffness cannot pass the residual check unnoticed."""
    first = solve(model())
    other = replace(first.model, materials={"a": material("PI"), "b": material("Cu")})
    with pytest.raises(NumericsError, match="another stiffness of region"):
        resolve_with(first, other)


def test_unheld_body_raises():
    mesh = body()
    with pytest.raises(NumericsError):
        solve(build(mesh, STRAIN, MATERIALS, {}, -100.0, tractions=(pressure(mesh, 1.0, axis=1, value=3.0),)))


def test_gather_and_scatter_are_each_others_transpose():
    mesh = body()
    m = model(ties=(2 * near(mesh, 0, 3.0),))
    rng = np.random.default_rng(0)
    f, x = rng.normal(size=m.ndof), rng.normal(size=m.constraints.count)
    assert m.space.gather(f) @ x == pytest.approx(f @ m.space.scatter(x))
    one = m.space.gather(f)
    close(m.space.gather(np.column_stack([f, 2 * f])), np.column_stack([one, 2 * one]), 1e-15)


def test_unknown_backend_is_named(monkeypatch):
    with pytest.raises(InputError, match="'mumps' is not one of"):
        choose_backend("mumps")
    monkeypatch.setenv("FEMSIM_SOLVER", "nothing")
    with pytest.raises(InputError, match="nothing"):
        choose_backend()


def test_pressure_on_a_closed_body_has_no_resultant():
    mesh = body()
    edges = [pressure(mesh, 5.0, axis=k, value=v) for k, v in ((0, 0.0), (0, 3.0), (1, 0.0), (1, 3.0))]
    model = build(mesh, STRAIN, MATERIALS, {}, tractions=edges)
    force = external_force(model.space, model.load).reshape(-1, 2)
    close(force.sum(axis=0), 0.0, 1e-12, scale=15.0)
    assert force[near(mesh, 0, 3.0), 0].sum() == pytest.approx(-15.0, rel=1e-12)  # pushes onto the body
