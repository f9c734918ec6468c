"""Heat in space: layers, turned conductivities, round bodies against the axisymmetric model, courses, stress."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tomli_w
from helpers import quietly
from test_solid_cases import BILAYER

from femsim.base.errors import FemsimWarning, InputError
from femsim.cases.casefile import parse_case
from femsim.cli.main import main
from femsim.runs.results import results_dict
from femsim.runs.run import run

METAL = {"E": 120.0, "nu": 0.34, "cte": 17.0, "conductivity": 100.0, "density": 8960.0, "heat_capacity": 385.0}
SLAB = {
    "stack": "blocks",
    "model": {"kinematics": "3d"},
    "mesh": {"size": 4.0},
    "load": {"stress_free_temperature": 25.0, "temperature": "heat"},
    "block": [
        {"name": "a", "x": [0, 10], "y": [0, 8], "z": [0, 5], "material": METAL},
        {"name": "b", "x": [0, 10], "y": [0, 8], "z": [5, 9], "material": {**METAL, "conductivity": 50.0}},
    ],
    "heat": {
        "ambient": 20.0,
        "source": [{"name": "top", "on": "z_max", "power": 1e-4}],
        "boundary": [{"name": "foot", "z": 0.0, "h": 1e5}],
    },
    "boundary": [{"x": 0.0, "u_x": 0.0}, {"y": 0.0, "u_y": 0.0}, {"z": 0.0, "u_z": 0.0}],
    "probe": [
        {"name": name, "at": [3, 2, z], "region": region} for name, z, region in (("low", 5, "a"), ("top", 9, "b"))
    ],
}


def solved(document):
    return results_dict(quietly(run, parse_case(document, "case.toml")))


@pytest.mark.parametrize("element", ["hex8", "hex20", "hex27"])
def test_layers_and_convection(element):
    """T falls by q / h at the foot and q d / k over each layer; the body expands by it."""
    found = solved({**SLAB, "model": {"kinematics": "3d", "element": element}})
    flux = 1e-4 / 80e-12
    low = 20.0 + flux / 1e5 + flux * 5e-6 / 100.0
    top = low + flux * 4e-6 / 50.0
    assert [found["probes"][name]["T"] for name in ("low", "top")] == pytest.approx([low, top], rel=1e-10)
    heat = found["heat"]
    assert heat["boundaries"]["foot"] == pytest.approx(1e-4, rel=1e-10)
    assert heat["sources"]["top"]["R_mean"] == pytest.approx((top - 20.0) / 1e-4, rel=1e-10)
    assert heat["balance"] < 1e-10
    assert found["probes"]["top"]["u"][2] > 0


def test_a_turned_conductor():
    """A linear field between two held sides; the flux is that of k turned by Euler's angles."""
    euler, along = (20.0, 35.0, 50.0), [10.0, 40.0, 90.0]
    block = {"name": "a", "x": [0, 10], "y": [0, 8], "z": [0, 5]}
    found = solved(
        {
            **SLAB,
            "load": {"stress_free_temperature": 25.0, "temperature": 25.0},
            "block": [{**block, "material": {**METAL, "conductivity": along, "euler": list(euler)}}],
            "probe": [],
            "heat": {
                "ambient": 0.0,
                "boundary": [
                    {"name": "cold", "z": 0.0, "temperature": 0.0},
                    {"name": "hot", "z": 5.0, "temperature": 50.0},
                    {"name": "side", "x": 0.0, "flux": 0.0},
                ],
            },
        }
    )
    heat = found["heat"]["boundaries"]
    assert heat["cold"] == pytest.approx(-heat["hot"], rel=1e-9)

    # a thin wide plate would carry k_zz; closed sides carry less, no less than 1 / (k^-1)_zz
    def turn(angle, i, j):
        c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        matrix = np.eye(3)
        matrix[i, i], matrix[i, j], matrix[j, i], matrix[j, j] = c, -s, s, c
        return matrix

    rotation = turn(euler[0], 0, 1) @ turn(euler[1], 1, 2) @ turn(euler[2], 0, 1)
    k = rotation @ np.diag(along) @ rotation.T
    through = 80e-12 * 50.0 / 5e-6
    assert k[2, 2] < 0.9 * along[2]
    assert through / np.linalg.inv(k)[2, 2] < heat["cold"] < through * k[2, 2]


def test_held_sides_that_meet_share_their_edge():
    """Heat made inside leaves through three cold sides: all of it, the most through the largest one."""
    case = {
        **SLAB,
        "load": {"stress_free_temperature": 25.0, "temperature": 25.0},
        "block": [{"name": "a", "x": [0, 10], "y": [0, 8], "z": [0, 5], "material": METAL}],
        "probe": [],
    }
    case["heat"] = {
        "ambient": 0.0,
        "source": [{"name": "all", "region": "a", "power": 1e-3}],
        "boundary": [
            {"name": n, a: 0.0, "temperature": 0.0} for n, a in (("left", "x"), ("front", "y"), ("foot", "z"))
        ],
    }
    found = solved(case)["heat"]
    assert sum(found["boundaries"].values()) == pytest.approx(1e-3, rel=1e-9)
    assert found["boundaries"]["foot"] > found["boundaries"]["front"] > found["boundaries"]["left"] > 0


CONDUCTIVITY = {"chip": 148.0, "post": 401.0, "low": 0.2, "high": 0.7}
ROUND = {
    **BILAYER,
    "materials": {k: {**v, "conductivity": CONDUCTIVITY[k]} for k, v in BILAYER["materials"].items()},
    "load": {"stress_free_temperature": 150.0, "temperature": "heat"},
    "heat": {
        "ambient": 25.0,
        "source": [{"name": "chip", "on": "back", "power": 0.05}],
        "boundary": [{"name": "board", "z": 60.0, "h": 5e4}],
    },
}


def test_a_round_body_is_the_axisymmetric_one(tmp_path):
    """A quarter with a quarter of the power: temperatures, stress at the root; everything is written."""
    whole = solved(ROUND | {"probe": [{"name": "p", "at": [0, 0], "region": "post"}]})
    heat = {**ROUND["heat"], "source": [{"name": "chip", "on": "back", "power": 0.0125}]}
    quarter = ROUND | {
        "heat": heat,
        "model": {"kinematics": "3d"},
        "mesh": {"size": 4.0, "growth": 3.0, "around": 16},
        "probe": [{"name": "p", "at": [0, 0, 0], "region": "post"}],
    }
    with pytest.warns(FemsimWarning, match="the mesh is a quarter of the cell"):
        found = results_dict(run(parse_case(quarter, "case.toml")))
    assert found["probes"]["p"]["T"] == pytest.approx(whole["probes"]["p"]["T"], rel=2e-3)
    assert found["heat"]["boundaries"]["board"] == pytest.approx(0.0125, rel=1e-9)
    mine, theirs = (d["metrics"]["roots"]["post_root"][0] for d in (found, whole))
    assert mine["von_mises"] == pytest.approx(theirs["von_mises"], rel=0.03)
    path = tmp_path / "case.toml"
    path.write_text(tomli_w.dumps(quarter))
    assert main(["solve", str(path), "--out", str(tmp_path / "out"), "--quiet"]) == 0
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["heat"]["balance"] < 1e-9


def test_an_insulated_body_warms_evenly():
    """T = T0 + P t / (rho c V)."""
    case = {
        **SLAB,
        "probe": [],
        "block": [SLAB["block"][0]],
        "load": {"stress_free_temperature": 25.0, "temperature": 25.0},
    }
    case["heat"] = {
        "ambient": 20.0,
        "source": [{"name": "all", "region": "a", "power": 1e-3}],
        "transient": {"initial": 20.0, "end": 1e-4, "times": [5e-5, 1e-4]},
    }
    found = solved(case)["heat"]
    rise = 1e-3 / (8960.0 * 385.0 * 400e-18)
    assert found["T_max"] == pytest.approx([20.0 + rise * 5e-5, 20.0 + rise * 1e-4], rel=1e-9)


def test_what_is_refused():
    contact = {"between": ["a", "b"], "resistance": 5.0}
    for heat, text in (
        ({**SLAB["heat"], "contact": [contact]}, "heat.contact: not in three dimensions"),
        ({**SLAB["heat"], "boundary": [{"z": 5.0, "h": 1e4}]}, "needs an outer surface|need an outer surface"),
        ({**SLAB["heat"], "boundary": [{"on": "z_mx", "h": 1e4}]}, "did you mean 'z_max'"),
        ({**SLAB["heat"], "boundary": [{"r": 5.0, "h": 1e4}]}, "not a coordinate"),
    ):
        with pytest.raises(InputError, match=text) as caught:
            solved({**SLAB, "heat": heat})
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("alone", [True, False])
def test_figures_and_report_in_space(tmp_path, alone):
    """A section with the temperature, what happens over time, and the page."""
    only = {key: METAL[key] for key in ("conductivity", "density", "heat_capacity")}
    data = {**SLAB, "block": [{**block, "material": only if alone else METAL} for block in SLAB["block"]]}
    data["heat"] = SLAB["heat"] | {"transient": {"initial": 20.0, "end": 1e-4, "times": [1e-6, 1e-5, 1e-4]}}
    if alone:
        del data["load"], data["boundary"]
    (tmp_path / "case.toml").write_text(tomli_w.dumps(data), encoding="utf-8")
    assert main(["solve", str(tmp_path / "case.toml"), "--out", str(tmp_path / "out"), "--quiet"]) == 0
    figures = {path.stem for path in (tmp_path / "out" / "figures").iterdir()}
    assert figures == {"heat_section" if alone else "section", "temperature_over_time", "z_th"}
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert all(f'id="figure-{name}"' in page for name in figures)
