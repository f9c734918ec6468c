"""Bodies that flow: vessels, vias, barrels, columns and build-up against their references; Newton's method; restart."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
from flowing import CASES, Rings, stress_at

from femsim.models.body import Body, Conditions
from femsim.models.dilatation import projection, smoothed, smoothed_forces, smoothed_operator
from femsim.models.loads import Program, Step
from femsim.models.part import part_of
from femsim.models.sampling import sample
from femsim.solvers import newton
from femsim.solvers.march import Settings, march
from femsim.solvers.moments import LimitError
from femsim.solvers.newton import Factors, equilibrium


def _check(body, stages, results, displacement, stress, flow):
    """Displacement, stress and inelastic strain against the largest of each over all stages."""
    points = [p for r in results for p in r["points"]]
    scale = {k: max(abs(p.get(k, 0.0)) for p in points) or 1.0 for k in ("u", "s_r", "s_t", "s_z", "p", "work")}
    level = max(scale["s_r"], scale["s_t"], scale["s_z"])
    for stage, result in zip(stages, results, strict=True):
        for p in result["points"]:
            found = body.at(stage, p["r"])
            assert abs(found["u"] - p["u"]) <= displacement * scale["u"], (result, p, found)
            s = stress_at(body, stage, p["r"], p.get("layer", 0))
            for key in ("s_r", "s_t", "s_z"):
                assert abs(s[key] - p[key]) <= stress * level, (key, p, s)
            if "p" in p:
                assert abs(s["p"] + s["creep"] - p["p"]) <= flow * scale["p"], (p, s)
                assert abs(s["work"] - p["work"]) <= flow * scale["work"], (p, s)
        if result.get("eps_z"):
            most = max(abs(r["eps_z"]) for r in results)
            assert abs(found["eps_z"] - result["eps_z"]) <= 5e-3 * most


def _vessel(name, element="quad9", count=16):
    inputs = CASES[name]["inputs"]
    layer = {**inputs, "outer_radius": inputs["b"]}
    if "A" in inputs:
        layer |= {"law": "norton", "law_constants": [inputs["A"], inputs["n"]]}
    return inputs, Rings([layer], inputs["axial"], element, (inputs["b"] - inputs["a"]) / count, inputs["a"])


@pytest.mark.parametrize(
    ("element", "count", "u", "stress", "flow"),
    [
        ("quad9", 10, 7e-4, 4e-3, 6e-3),
        ("quad8", 10, 7e-4, 4e-3, 6e-3),
        ("tri6", 10, 7e-4, 2e-2, 6e-3),
        ("quad4", 60, 2e-3, 4e-2, 6e-2),
    ],
)
def test_thick_cylinder_under_pressure_and_unloaded(element, count, u, stress, flow):
    """Hill 1950; the geometry of de Souza Neto et al. 2008, section 7.5.1. Every element, none of them locks."""
    inputs, body = _vessel("cyl-pressure-dsn", element, count)
    stages = body.march(body.load(), [body.load(pressure=s["p_in"]) for s in inputs["program"]])
    _check(body, stages, CASES["cyl-pressure-dsn"]["result"]["stages"], u, stress, flow)


def test_closed_cylinder_cycled_with_hardening():
    inputs, body = _vessel("cyl-closed-hardening-cycle")
    stages = body.march(body.load(), [body.load(pressure=s["p_in"], closed=True) for s in inputs["program"]])
    _check(body, stages, CASES["cyl-closed-hardening-cycle"]["result"]["stages"], 1e-3, 5e-3, 5e-3)


def test_cylinder_under_a_gradient_of_temperature():
    inputs, body = _vessel("cyl-gradient-gps", count=24)
    a, b = inputs["a"], inputs["b"]

    def load(step):
        return body.load(field=lambda r: 20.0 + step["T_inner_minus_outer"] * np.log(b / r) / np.log(b / a))

    stages = body.march(body.load(), [load(s) for s in inputs["program"]])
    _check(body, stages, CASES["cyl-gradient-gps"]["result"]["stages"], 1e-3, 1e-2, 1e-2)


@pytest.mark.parametrize("name", ["cyl-creep-norton", "cyl-creep-closed"])
def test_creeping_cylinder(name):
    """Bailey 1935, Odqvist 1966: pressure at once, then held."""
    inputs, body = _vessel(name, count=24)
    load = body.load(pressure=inputs["p_in"], closed=inputs["axial"] == "closed")
    times = [0.0, *inputs["times"]][:4]
    stages = body.march(body.load(), [load] * len(times), [0.0, *np.diff(times)])
    _check(body, stages, CASES[name]["result"]["stages"][: len(times)], 1e-3, 7e-3, 5e-3)


def _layers(name, size, element="quad9"):
    inputs, result = CASES[name]["inputs"], CASES[name]["result"]
    layers = [{**x, "outer_radius": x.get("outer_radius", x.get("r1"))} for x in inputs["layers"]]
    if "core_hardening" in inputs:
        layers[0]["hardening"] = inputs["core_hardening"]
    if "core_law" in inputs:
        layers[0] |= {"law": inputs["core_law"], "law_constants": inputs["core_law_constants"]}
    body = Rings(layers, inputs["axial"], element, size, inputs["layers"][0].get("r0", 0.0))
    start = inputs["T_stress_free"]
    temps = inputs["temps"] if "stages" in result else inputs["temps"][1:]

    def load(t):
        return replace(body.load(t), stress_free_temperature=start)

    return inputs, body, load(start), [load(t) for t in temps], result.get("stages") or result["path"][1:]


@pytest.mark.parametrize(("name", "size"), [("plated-hole-gps", 9.0), ("cu-liner-in-si-core-oxide", 1.0)])
def test_barrel_and_liner(name, size):
    """Plain backward Euler is 0.6 % off on the barrel in 60 steps; extrapolated, fewer do better."""
    _, body, start, loads, results = _layers(name, size)
    stages = body.march(start, loads)
    _check(body, stages, results, 1e-3, 1e-2, 6e-3)


@pytest.mark.parametrize("name", ["tsv-pstrain-epp", "tsv-gps-kin", "tsv-gps-AF"])
def test_vias_stay_uniform_and_exact(name):
    """The core's state is uniform and proportional: exact in time, whatever the increments."""
    _, body, start, loads, results = _layers(name, 0.6)
    core = max(abs(r["core_p"]) for r in results)
    for stage, result in zip(body.march(start, loads), results, strict=True):
        s = stress_at(body, stage, 1.0, 0)
        assert s["p"] == pytest.approx(result["core_p"], abs=2e-5 * core)
        assert s["s_z"] == pytest.approx(result["core_s_z"], abs=0.02)
        assert body.at(stage, 5.0)["eps_z"] == pytest.approx(result["eps_z"], abs=1e-8)


@pytest.mark.parametrize("name", ["column-norton-gps", "column-garofalo-pstrain"])
def test_columns_of_solder_creep(name):
    inputs, body, start, loads, results = _layers(name, 6.0)
    stages = body.march(start, loads[:3], list(np.diff(inputs["times"]))[:3])
    most, level = (max(abs(r[k]) for r in results) for k in ("core_p", "core_s_z"))
    for stage, result in zip(stages, results[:3], strict=True):
        s = stress_at(body, stage, 1.0, 0)
        assert s["creep"] == pytest.approx(result["core_p"], abs=1e-3 * most)
        assert s["work"] == pytest.approx(result["core_work"], abs=3e-3 * max(r["core_work"] for r in results[:3]))
        assert s["s_z"] == pytest.approx(result["core_s_z"], abs=2e-3 * level)


def test_rings_built_up_one_after_the_other():
    """Each is born free of stress on the shape, and at the temperature, of that moment."""
    inputs, result = CASES["buildup-cylinder"]["inputs"], CASES["buildup-cylinder"]["result"]["path"]
    body = Rings(inputs["layers"], inputs["axial"], "quad9", 2.5)
    t, alive = inputs["program"][0][1], np.zeros(3, dtype=bool)
    start, loads, there, spans = replace(body.load(t), stress_free_temperature=t), [], [], []
    for what, value in inputs["program"][1:]:
        if what == "add":
            alive = alive.copy()
            alive[value] = True
        else:
            t = value
        loads.append(replace(body.load(t), stress_free_temperature=25.0))
        there.append(alive)
        spans.append(0.0 if what == "add" else 1.0)
    stages = body.march(start, loads, spans, alive=there)
    for stage, want in zip(stages, result, strict=True):
        assert body.at(stage, 0.0)["eps_z"] == pytest.approx(want["eps_z"], abs=1e-9)
        for p in want["points"]:
            s = stress_at(body, stage, p["r"], p["layer"])
            assert np.allclose([s["s_r"], s["s_t"], s["s_z"]], [p[k] for k in ("s_r", "s_t", "s_z")], atol=0.03)


def test_limit_load_is_told_with_the_last_good_state():
    """Plane-strain cylinder: 2 Y / sqrt(3) ln(b / a)."""
    inputs, result = CASES["limit-cylinder"]["inputs"], CASES["limit-cylinder"]["result"]
    layer = {"outer_radius": inputs["b"], "E": 210000.0, "nu": 0.3, "hardening": {"k": inputs["Y"]}}
    body = Rings([layer], "pstrain", "quad9", 12.5, inputs["a"])
    with pytest.raises(LimitError, match=r"step 'step 0'.*limit load") as error:
        body.march(body.load(), [body.load(pressure=250.0)])
    assert error.value.last.time * 250.0 == pytest.approx(result["pressure"], rel=1e-3)


def test_newton_converges_quadratically_from_the_consistent_tangent(monkeypatch):
    inputs, body = _vessel("cyl-pressure-dsn", count=10)
    del inputs
    stage = body.march(body.load(), [body.load(pressure=140.0)])[0]
    from femsim.models.assembly import external_force

    monkeypatch.setattr(newton, "TOLERANCE", 1e-13)
    conditions, moment = Conditions(20.0), stage.moment
    found = equilibrium(
        stage.body,
        moment.unknowns,
        external_force(body.space, body.load(pressure=165.0)),
        conditions,
        lambda u: stage.body.respond(u, conditions, stage.births, moment.states, 1.0),
        Factors(stage.body, conditions),
        old=False,
    )
    r = np.array(found.residuals)
    small = r[(r < 1e-2) & (r > 1e-12)]
    assert len(small) >= 2
    assert (small[1:] <= 300.0 * small[:-1] ** 2 + 1e-13).all(), r


def test_halving_the_tolerance_changes_no_more_than_the_estimate():
    """The plated barrel, whose flow turns: errors fall with the tolerance and stay near it."""
    _, body, start, loads, results = _layers("plated-hole-gps", 25.0)
    u = [
        np.array([body.at(s, 125.0)["u"] for s in body.march(start, loads, settings=Settings(tolerance=tol))])
        for tol in (4e-3, 1e-3, 2.5e-4)
    ]
    scale = max(abs(p["u"]) for r in results for p in r["points"])
    first, second = np.abs(u[0] - u[2]).max() / scale, np.abs(u[1] - u[2]).max() / scale
    assert second < 1e-3
    assert second < 0.6 * first


def test_going_on_from_a_moment_is_bit_for_bit_the_same():
    _, body, start, loads, _ = _layers("column-norton-gps", 20.0)
    steps = tuple(Step(f"{i}", body.space, load, 600.0) for i, load in enumerate(loads[:3]))
    program = Program(start, steps)
    whole = list(march(body.space, body.materials, body.laws, program))
    kept = pickle.loads(pickle.dumps(whole[0].moment))
    rest = list(march(body.space, body.materials, body.laws, program, resume=kept))
    assert np.array_equal(whole[2].moment.unknowns, rest[1].moment.unknowns)
    for a, b in zip(whole[2].moment.states["layer 0"], rest[1].moment.states["layer 0"], strict=True):
        assert all(np.array_equal(a[k], b[k]) for k in a)


def test_removed_part_and_support_let_go_free_their_forces():
    """An outer ring that held a shrunk core is removed: the core is free of stress again."""
    layers = [{"outer_radius": 10.0, "E": 1e5, "nu": 0.3, "alpha": 2e-5}, {"outer_radius": 20.0, "E": 1e5, "nu": 0.3}]
    body = Rings(layers, "gps", "quad9", 2.5)
    loads = [body.load(-80.0), body.load(-80.0)]
    stages = body.march(body.load(), loads, alive=[np.array([True, True]), np.array([True, False])])
    assert abs(stress_at(body, stages[0], 2.0, 0)["s_r"]) > 10.0
    assert abs(stress_at(body, stages[1], 2.0, 0)["s_r"]) < 1e-8
    assert body.at(stages[1], 10.0)["u"] == pytest.approx(-100 * 2e-5 * 10.0)


@pytest.mark.parametrize("element", ["quad4", "quad8", "quad9", "tri6"])
def test_projected_volume_change(element):
    """The transpose is the transpose, the operator says the same, and a constant volume change is kept."""
    _, body = _vessel("cyl-pressure-dsn", element, 3)
    space = body.space
    batch = Body(space, body.materials, body.laws).batches[0]
    p = projection(space, batch.volume, batch.at.xi)
    assert p is not None
    rng = np.random.default_rng(1)
    u = rng.normal(size=space.ndof)
    strain, stress = batch.at.strain(u), rng.normal(size=(*batch.volume.shape, 4))
    bar = smoothed(strain, p)
    left, right = np.sum(bar * stress), np.sum(strain * smoothed_forces(stress, p))
    assert left == pytest.approx(right, rel=1e-12)
    from femsim.models.assembly import batches

    _, b, _ = next(batches(space, batch.at.xi))
    again = np.einsum("eqam,em->eqa", smoothed_operator(b, p), u[batch.dofs])
    assert np.allclose(again, bar, rtol=0, atol=1e-12 * np.abs(bar).max())
    assert np.allclose(smoothed(np.ones_like(strain), p), 1.0)
    assert np.allclose(
        np.sum(bar[..., :3].sum(-1) * batch.volume, 1), np.sum(strain[..., :3].sum(-1) * batch.volume, 1)
    )


def test_part_of_a_space_keeps_its_constraints():
    layers = [{"outer_radius": 10.0, "E": 1e5, "nu": 0.3}, {"outer_radius": 20.0, "E": 1e5, "nu": 0.3}]
    body = Rings(layers, "gps", "quad9", 5.0)
    part = part_of(body.space, np.array([True, False]))
    assert len(part.cells) == 2
    whole = body.space.constraints.equation[part.dofs]
    assert np.array_equal(part.space.constraints.equation < 0, whole < 0)
    assert part.space.constraints.count == len(np.unique(whole[whole >= 0]))
    assert sample(part.space, np.arange(2), np.array([[0.5, 0.5]])).volume.sum() > 0
