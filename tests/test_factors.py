"""What a march keeps between its iterations: the elastic regions' share in matrices and forces, steps learnt from."""

from __future__ import annotations

import numpy as np
import pytest
from flowing import Rings

from femsim.materials.elastic import Material
from femsim.materials.property import Property
from femsim.models.body import Birth, Body, Conditions
from femsim.solvers.march import Settings
from femsim.solvers.newton import Factors
from femsim.solvers.system import make_system
from femsim.solvers.trend import Trend


def _body(nu=(0.3,)):
    """Three rings: of constant stiffness, of one over temperature, and one that flows."""
    layer = {"E": 1e5, "nu": 0.3, "alpha": 1e-5}
    steel = {**layer, "hardening": {"k": 50.0, "H": 500.0}}
    rings = Rings(
        [{**layer, "outer_radius": 2.0}, {**layer, "outer_radius": 4.0}, {**steel, "outer_radius": 6.0}],
        "gps",
        size=0.5,
    )
    cte = (Property((1e-5,)),)
    e, nus = Property((1e5, 4e4), (0.0, 100.0)), Property(nu, (0.0, 100.0)[: len(nu)])
    rings.materials["layer 1"] = Material("warm", (e,), (nus,), cte)
    return Body(rings.space, rings.materials, rings.laws)


def _response(body, conditions, rest=None, more=0.0):
    births = {name: Birth(20.0) for name in body.space.mesh.regions}
    states = body.start(body.space.mesh.regions, 20.0)
    u = 3e-3 * np.sin(np.arange(body.space.ndof) + more)
    return u, body.respond(u, conditions, births, states, 1.0, rest)


@pytest.mark.parametrize("nu", [(0.3,), (0.3, 0.35)], ids=["times a number", "another ratio"])
def test_systems_are_those_made_anew(nu):
    body = _body(nu)
    factors = Factors(body, Conditions(20.0), "superlu")
    field = np.linspace(20.0, 80.0, len(body.space.mesh.points))
    for temperature in (20.0, 20.0, 80.0, field, 80.0):
        conditions = Conditions(temperature)
        response = _response(body, conditions)[1]
        found, wanted = (
            factors._system(conditions, response),
            make_system(body.space, body.moduli(conditions, response)),
        )
        most = np.abs(wanted.matrix.data).max()
        np.testing.assert_allclose(found.matrix.toarray(), wanted.matrix.toarray(), atol=1e-12 * most)
        for name in ("inverse", "coupling"):
            a, b = getattr(found.condensation, name), getattr(wanted.condensation, name)
            np.testing.assert_allclose(a, b, atol=1e-12 * np.abs(b).max())


@pytest.mark.parametrize("nu", [(0.3,), (0.3, 0.35)], ids=["times a number", "another ratio"])
def test_forces_near_by_are_those_of_every_point(nu):
    body = _body(nu)
    factors = Factors(body, Conditions(20.0), "superlu")
    for temperature in (20.0, 80.0, np.linspace(20.0, 80.0, len(body.space.mesh.points))):
        conditions = Conditions(temperature)
        _, first = _response(body, conditions)
        u, wanted = _response(body, conditions, more=1.0)
        _, found = _response(body, conditions, first.rest.at(u, factors.rest(conditions)), more=1.0)
        np.testing.assert_allclose(found.force, wanted.force, atol=1e-12 * wanted.size.max())
        assert 0.3 < np.median(found.size / wanted.size) < 3.0


def test_a_factor_learns_the_last_step_exactly():
    body = _body()
    factors = Factors(body, Conditions(20.0), "superlu")
    rng = np.random.default_rng(1)
    steps = rng.standard_normal((3, body.space.constraints.count))
    matrix = np.linalg.inv(np.column_stack([factors.stiff.solve(e) for e in np.eye(steps.shape[1])]))
    stiffer = matrix + np.diag(np.diag(matrix)) * np.linspace(0.0, 1.0, len(matrix))
    for step in steps:
        factors.learn(step, stiffer @ step)
    np.testing.assert_allclose(factors.solve(stiffer @ steps[-1]), steps[-1], rtol=1e-6, atol=1e-9)
    factors.learn(steps[0], -steps[0])  # no curvature: left out
    np.testing.assert_allclose(factors.solve(stiffer @ steps[-1]), steps[-1], rtol=1e-6, atol=1e-9)


def test_a_trend_follows_a_parabola():
    a, b, c = np.random.default_rng(2).standard_normal((3, 5))

    def path(t):
        return a + b * t + c * t * t

    trend = None
    for begin, end in ((0.0, 0.3), (0.3, 0.8)):
        trend = Trend.of(end - begin, path(begin), path(end), trend, 0.01 * (end - begin) ** 2 * c)
    np.testing.assert_allclose(trend.at(path(0.8), 0.2), path(1.0), rtol=1e-12)
    np.testing.assert_allclose(trend.off(0.2, 1.0), 0.01 * 0.04 * c, rtol=1e-12)


def test_an_increment_of_creep_takes_few_iterations_and_hardly_a_factorisation():
    """Twelve on the average where no step is learnt from and guesses do not follow the trend."""
    layer = {"E": 1e5, "nu": 0.3, "alpha": 1e-5}
    solder = {**layer, "alpha": 2.5e-5, "law": "norton", "law_constants": [1e-9, 3.0]}
    rings = Rings([{**solder, "outer_radius": 4.0}, {**layer, "outer_radius": 6.0}], "gps", size=1.0)
    told = []
    rings.march(rings.load(20.0), [rings.load(120.0)], [100.0], settings=Settings(told=told.append))
    later = told[3:]
    assert len(later) > 5
    assert np.mean([i.iterations for i in later]) < 9.0
    assert sum(i.factorisations for i in later) < 0.3 * len(later)
