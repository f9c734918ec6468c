"""Steps and laws that flow in space: exact states of a bar, and a round body against the axisymmetric one."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import quietly
from test_solid_cases import BILAYER

from femsim.cases.casefile import parse_case
from femsim.reports.plots.course import course_of
from femsim.runs.results import results_dict
from femsim.runs.run import run

PLASTIC = {"E": 120.0, "nu": 0.34, "cte": 17.0, "plastic": {"yield": 100.0, "isotropic": {"linear": 2000.0}}}
CREEP = {"E": 120.0, "nu": 0.34, "cte": 17.0, "creep": {"norton": {"A": 1e-12, "n": 4.0}}}


def solved(document):
    return results_dict(quietly(run, parse_case(document, "case.toml")))


def bar(material, stress, duration, **model):
    return {
        "stack": "blocks",
        "model": {"kinematics": "3d", **model},
        "mesh": {"size": 4.0},
        "load": {"stress_free_temperature": 25.0},
        "block": [{"name": "a", "x": [0, 10], "y": [0, 8], "z": [0, 5], "material": material}],
        "step": [{"name": "pull", "duration": duration}],
        "boundary": [
            {"x": 0.0, "u_x": 0.0},
            {"y": 0.0, "u_y": 0.0},
            {"z": 0.0, "u_z": 0.0, "name": "foot"},
            {"on": "z_max", "traction": [0, 0, stress]},
        ],
        "probe": [{"name": "top", "at": [10, 8, 5]}],
    }


@pytest.mark.parametrize("element", ["hex8", "hex20", "hex27"])
def test_a_bar_pulled_beyond_yield(element):
    """p = (s - s_y) / H, flow at constant volume: e_z = s / E + p, e_x = -nu s / E - p / 2."""
    found = solved(bar(PLASTIC, {"steps": [150.0]}, 1.0, element=element))
    p = (150.0 - 100.0) / 2000.0
    probe = found["probes"]["top"]
    assert probe["inelastic"]["p"] == pytest.approx(p, rel=1e-8)
    along, across = 150.0 / 120e3 + p, -0.34 * 150.0 / 120e3 - p / 2
    assert probe["u"] == pytest.approx([10 * across, 8 * across, 5 * along], rel=1e-8)
    assert probe["stress"]["zz"] == pytest.approx(150.0, rel=1e-8)
    assert found["reactions"]["foot"]["z"] == pytest.approx(-150.0 * 80e-6, rel=1e-8)


def test_a_bar_creeps():
    """Norton's law at a constant stress: e = A s^n t beside the elastic strain."""
    found = solved(bar(CREEP, 100.0, 1000.0))
    assert found["probes"]["top"]["inelastic"]["creep"] == pytest.approx(1e-12 * 100.0**4 * 1000.0, rel=1e-6)


def test_a_round_body_yields_as_the_axisymmetric_one():
    """A post that yields at its foot and is heated again: mean plastic strain and work, von Mises at the root."""
    materials = {**BILAYER["materials"], "post": PLASTIC}
    steps = [{"name": "cool", "temperature": 110.0}, {"name": "heat", "temperature": 150.0}]
    case = {**BILAYER, "materials": materials, "load": {"stress_free_temperature": 150.0}, "step": steps}
    mesh = {"size": 12.0, "growth": 4.0}
    done = quietly(run, parse_case({**case, "model": {"kinematics": "3d"}, "mesh": {**mesh, "around": 8}}, "case.toml"))
    solid, course = results_dict(done), course_of(done)
    assert [curve.label for curve in course.curves] == ["post_root, 5 µm"]
    plane = solved({**case, "mesh": mesh})
    assert [step["name"] for step in solid["steps"]] == ["cool", "heat"]
    for mine, theirs in zip(solid["steps"], plane["steps"], strict=True):
        one, two = (d["metrics"]["regions"]["post"]["inelastic"] for d in (mine, theirs))
        assert one["p_mean"] == pytest.approx(two["p_mean"], rel=0.06)
        assert one["work_mean"] == pytest.approx(two["work_mean"], rel=0.06)
        a, b = (d["metrics"]["roots"]["post_root"][0]["von_mises"] for d in (mine, theirs))
        assert a == pytest.approx(b, rel=0.03)
        arcs = mine["metrics"]["roots"]["post_root"][0]["around"]["von_mises"]
        assert arcs == pytest.approx(arcs[::-1], rel=1e-3)  # mirrored at 45 degrees
        assert np.mean(arcs) == pytest.approx(a, rel=0.01, abs=0.3)
