"""Steps, cycles and flowing materials as case files say them, solved the way of every case."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings

import numpy as np
import pytest
from flowing import CASES as BODIES
from points import CASES as POINTS

from femsim.base.errors import FemsimWarning, InputError
from femsim.cases.casefile import parse_case
from femsim.runs.results import results_dict
from femsim.runs.run import run

WARNING = "ignore::femsim.base.errors.FemsimWarning"


def solved(case, quiet=True):
    with warnings.catch_warnings():
        if quiet:
            warnings.simplefilter("ignore", FemsimWarning)
        found = results_dict(run(parse_case(case, "test")))
    json.dumps(found, allow_nan=False)
    return found


def metal(E, nu, cte=0.0, **laws):
    return {"E": E / 1000.0, "nu": nu, "cte": cte * 1e6, **laws}


def disc(material, steps, radius=10.0, height=1.0, free=20.0, boundary=(), **more):
    """One block held at z = 0, whose radius may be driven."""
    return {
        "stack": "blocks",
        "block": [{"name": "film", "r": [0.0, radius], "z": [0.0, height], "material": material}],
        "load": {"stress_free_temperature": free},
        "model": {"element": "quad9"},
        "mesh": {"size": radius},
        "boundary": [{"z": 0.0, "u_z": 0.0}, *boundary],
        "probe": [{"name": "mid", "at": [0.5 * radius, 0.5 * height]}],
        "step": steps,
        **more,
    }


def test_film_cycled_between_temperatures():
    """A film that follows its substrate: closed form, alternating plasticity; the JSON of every step."""
    inputs, path = POINTS["film-cycle-alternating"]["inputs"], POINTS["film-cycle-alternating"]["result"]["path"]
    free = inputs["T_stress_free"]
    strain = [inputs["cte_substrate"] * (p["T"] - free) for p in path]
    film = metal(inputs["E"], inputs["nu"], inputs["cte_film"], plastic={"yield": inputs["hardening"]["k"]})
    steps = [{"name": f"to {p['T']} {i}", "temperature": p["T"], "duration": 60.0} for i, p in enumerate(path)]
    drive = {"r": 10.0, "u_r": {"steps": [10.0 * s for s in strain]}, "name": "rim"}
    found = solved(disc(film, steps, free=free, boundary=[drive]))
    assert [s["name"] for s in found["steps"]] == [s["name"] for s in steps]
    for i, (step, want) in enumerate(zip(found["steps"], path, strict=True)):
        probe = step["probes"]["mid"]
        assert probe["stress"]["rr"] == pytest.approx(want["stress"], rel=1e-6)
        assert probe["inelastic"]["p"] == pytest.approx(want["p"], rel=1e-6)
        assert probe["inelastic"]["work"] == pytest.approx(want["work"], rel=1e-6)
        assert probe["inelastic"]["creep"] == 0.0
        assert step["metrics"]["regions"]["film"]["inelastic"]["work_mean"] == pytest.approx(want["work"], rel=1e-6)
        assert step["time"] == pytest.approx(60.0 * (i + 1))
        assert step["temperature"] == want["T"]
    last = found["steps"][-1]
    assert found["probes"] == last["probes"]
    assert found["metrics"]["regions"] == last["metrics"]["regions"]
    assert found["case"]["delta_t"] == pytest.approx(path[-1]["T"] - free)
    assert found["probes"]["mid"]["stress_error"] == dict.fromkeys(("rr", "zz", "tt", "rz", "von_mises"))
    assert found["checks"]["residual"] < 1e-7


def test_via_that_yields_to_a_part_in_ten_thousand():
    """Stress at the interfaces of a via's rings, two elements in the liner: smoothed by region, where the
    superconvergent points of each element alone miss it by 1e-3.
    """
    inputs, path = BODIES["tsv-pstrain-epp"]["inputs"], BODIES["tsv-pstrain-epp"]["result"]["path"][:3]
    inner, blocks = 0.0, []
    for i, ring in enumerate(inputs["layers"]):
        material = metal(ring["E"], ring["nu"], ring["alpha"])
        if i == 0:
            material["plastic"] = {"yield": inputs["core_hardening"]["k"]}
        span = {"name": f"l{i}", "r": [inner, ring["outer_radius"]], "z": [0.0, 1.0]}
        blocks.append({**span, "material": material})
        inner = ring["outer_radius"]
    steps = [{"name": f"to {p['T']}", "temperature": p["T"]} for p in path[1:]]
    points = path[-1]["points"]
    probes = [{"name": f"{i}", "at": [p["r"], 0.5], "region": f"l{p['layer']}"} for i, p in enumerate(points)]
    case = {"stack": "blocks", "block": blocks, "mesh": {"size": 0.25, "growth": 1.1}, "step": steps, "probe": probes}
    case |= {"boundary": [{"z": z, "u_z": 0.0} for z in (0.0, 1.0)]}
    case |= {"load": {"stress_free_temperature": inputs["T_stress_free"]}}
    largest = max(abs(p[key]) for step in path for p in step["points"] for key in ("s_r", "s_t", "s_z"))
    for step, want in zip(solved(case)["steps"], path[1:], strict=True):
        for i, point in enumerate(want["points"]):
            stress = step["probes"][f"{i}"]["stress"]
            for key in "rtz":
                assert stress[key * 2] == pytest.approx(point[f"s_{key}"], abs=1e-4 * largest)


def test_yielding_that_begins_late_in_an_increment_is_seen():
    """The path of NAFEMS NL1 (elastic, then yielding under a stress that turns), in increments of their own choice: a
    point that begins to yield in the second half of one shows no difference between a whole step and two halves.
    """
    inputs, path = POINTS["mp-nafems-nl1"]["inputs"], POINTS["mp-nafems-nl1"]["result"]["path"]
    block = {"name": "m", "x": [0.0, 1.0], "y": [0.0, 1.0]}
    block["material"] = metal(inputs["E"], inputs["nu"], plastic={"yield": inputs["Y"]})
    hold = [{"x": 0.0, "u_x": 0.0}, {"y": 0.0, "u_y": 0.0}]
    hold += [{k: 1.0, f"u_{k}": {"steps": [s[i] for s in inputs["strain_path"]]}} for i, k in enumerate("xy")]
    case = {"stack": "blocks", "block": [block], "boundary": hold, "mesh": {"size": 1.0}}
    case |= {"load": {"stress_free_temperature": 20.0}, "model": {"kinematics": "plane-strain"}}
    case |= {"step": [{"name": f"{i}"} for i in range(len(path))], "probe": [{"name": "p", "at": [0.5, 0.5]}]}
    for step, want in zip(solved(case)["steps"], path, strict=True):
        found = step["probes"]["p"]["stress"]
        for key in ("xx", "yy", "zz"):
            assert abs(found[key] - want[f"s{key}"]) <= 1e-3 * inputs["Y"]


def test_relaxing_film_and_rates():
    """Norton at held strain, applied at once: closed form; a duration of 0 creeps nothing."""
    case = POINTS["norton-relax-biaxial"]
    inputs, path = case["inputs"], case["result"]["path"][:4]
    film = metal(inputs["E"], inputs["nu"], creep={"norton": {"A": inputs["A"], "n": inputs["n"]}})
    times = [0.0, *np.diff([p["t"] for p in path])]
    steps = [{"name": f"{i}", "duration": float(t)} for i, t in enumerate(times)]
    drive = {"r": 10.0, "u_r": 10.0 * inputs["driving_strain"]}
    found = solved(disc(film, steps, boundary=[drive]))
    for step, want in zip(found["steps"], path, strict=True):
        assert step["probes"]["mid"]["stress"]["rr"] == pytest.approx(want["stress"], rel=1e-3)
        assert step["probes"]["mid"]["inelastic"]["creep"] == pytest.approx(want["p"], rel=2e-3, abs=1e-9)


def test_cycle_has_an_entry_for_each_ramp_and_dwell():
    film = metal(50e3, 0.35, 20e-6, plastic={"yield": 20.0, "kinematic": [{"C": 5000.0, "gamma": 50.0}]})
    cycle = {"low": -40.0, "high": 125.0, "ramp": 330.0, "dwell_high": 60.0, "count": 2}
    case = disc(film, [], free=25.0, boundary=[{"r": 10.0, "u_r": 0.0}], cycle=cycle)
    case["life"] = [{"region": "film", "syed_energy": 0.0019, "coffin_manson": {"ef": 0.325, "c": -0.5}}]
    found = solved(case)
    entries = [(s["cycle"], s["phase"], round(s["time"]), s["temperature"]) for s in found["steps"]]
    assert entries == [
        (1, "high", 200, 125.0),  # the first ramp keeps the rate
        (1, "high", 260, 125.0),
        (1, "low", 590, -40.0),
        (2, "high", 920, 125.0),
        (2, "high", 980, 125.0),
        (2, "low", 1310, -40.0),
    ]
    work = [s["metrics"]["regions"]["film"]["inelastic"]["work_mean"] for s in found["steps"]]
    strain = [s["metrics"]["regions"]["film"]["inelastic"]["p_mean"] for s in found["steps"]]
    life = found["life"][0]
    assert life["work_per_cycle"] == pytest.approx(work[5] - work[2])
    assert life["change"] == pytest.approx(1 - work[2] / (work[5] - work[2]))
    assert life["syed_energy"] == pytest.approx(1 / (0.0019 * life["work_per_cycle"]))
    assert life["coffin_manson"] == pytest.approx(0.5 * ((strain[5] - strain[2]) / 0.65) ** -2)
    assert work[1] == work[0]  # nothing creeps


@pytest.mark.parametrize(
    ("name", "tolerance"), [("buildup-laminate-4", 1e-6), ("buildup-plastic", 2e-4), ("buildup-remove", 1e-6)]
)
def test_layers_built_up(name, tolerance):
    """Each layer is born free of stress on the bowed stack; curvature and stresses against through-thickness sums."""
    inputs, path = BODIES[name]["inputs"], BODIES[name]["result"]["path"]
    blocks, z = [], 0.0
    for i, layer in enumerate(inputs["layers_bottom_to_top"]):
        material = metal(layer["E"], layer["nu"], layer["alpha"])
        if "hardening" in layer:
            h = layer["hardening"]
            material["plastic"] = {"yield": h["k"], "isotropic": {"linear": h["H"]}}
        blocks.append({"name": f"l{i}", "r": [0.0, 60.0], "z": [z, z + layer["h"]], "material": material})
        z += layer["h"]
    steps = []
    for what, value in inputs["program"][2:]:
        step = {"name": f"{what} {value} {len(steps)}"}
        change = {what: [f"l{value}"], "duration": 0.0} if what in ("add", "remove") else {"temperature": value}
        steps.append(step | change)
    hold = [{"point": [0.0, 0.0], "u_z": 0.0}]
    gone = next((k for k, step in enumerate(steps) if "remove" in step), None)
    if gone is not None:  # the middle layer goes: the straight rim bends both others alike, but the upper one floats
        top = blocks[-1]["z"][0]
        hold.append({"point": [0.0, top], "u_z": 0.0, "during": [step["name"] for step in steps[gone:]]})
    case = {
        "stack": "blocks",
        "block": blocks,
        "load": {"stress_free_temperature": inputs["program"][0][1]},
        "model": {"outer": "straight", "element": "quad9"},
        "mesh": {"size": 20.0, "largest": 20.0},
        "boundary": hold,
        "probe": [{"name": "top", "at": [20.0, z - 1e-3], "region": f"l{len(blocks) - 1}"}],
        "step": steps,
    }
    found = solved(case)
    largest = max(abs(p["kappa"]) for p in path)
    for step, want in zip(found["steps"], path[1:], strict=True):
        assert step["bow"]["curvature"] == pytest.approx(want["kappa"], abs=2 * tolerance * largest)
        for layer in want["layers"]:
            if layer["p_mean"]:
                region = step["metrics"]["regions"][f"l{layer['layer']}"]
                assert region["inelastic"]["p_mean"] == pytest.approx(layer["p_mean"], rel=2e-3)
    assert found["steps"][0]["metrics"]["regions"][f"l{len(blocks) - 1}"] is None
    assert found["steps"][0]["probes"]["top"] is None
    top = found["probes"]["top"]["stress"]["rr"]
    assert top == pytest.approx(path[-1]["layers"][-1]["top"], rel=1e-3)


def test_a_film_is_born_with_its_stress_and_shrinks_as_told():
    """Clamped at the rim, so nothing gives: 200 MPa at birth, then minus E / (1 - nu) times the free strain."""
    steps = [
        {"name": "deposit", "add": ["film"], "eigenstrain": {"film": {"stress": 200.0}}, "duration": 0.0},
        {"name": "cure", "eigenstrain": {"film": -0.001}},
        {"name": "swell", "eigenstrain": {"film": [0.0005, 0.0005, 0.0]}},
    ]
    case = disc(metal(60e3, 0.25), steps, boundary=[{"r": 10.0, "u_r": 0.0}])
    case["block"].append({"name": "base", "r": [0.0, 10.0], "z": [-1.0, 0.0], "material": metal(60e3, 0.25)})
    case["boundary"][0]["z"] = -1.0
    found = [s["probes"]["mid"]["stress"] for s in solved(case)["steps"]]
    assert found[0]["rr"] == pytest.approx(200.0)
    assert found[1]["tt"] == pytest.approx(200.0 + 80.0)
    assert found[2]["rr"] == pytest.approx(280.0 - 60e3 / 0.75 * 0.0005, rel=1e-6)
    assert abs(found[2]["zz"]) < 1e-6


def test_a_free_body_that_creeps_has_no_error_but_rounding():
    """Nothing holds it as it cools: the stress is rounding, which no increment may be judged by."""
    terms = [{"A": 4e-7, "B": 3223.0, "n": 3.0, "sn": 1.0}, {"A": 1e-12, "B": 7348.0, "n": 12.0, "sn": 1.0}]
    solder = metal(72.68e3, 0.3687, 24.2e-6, creep={"terms": terms})
    case = {
        "stack": "blocks",
        "block": [{"name": "m", "x": [0.0, 57.5], "y": [0.0, 13.92], "material": solder}],
        "load": {"stress_free_temperature": 200.0},
        "model": {"kinematics": "plane-stress"},
        "mesh": {"size": 14.37, "largest": 19.17},
        "boundary": [{"point": [0.0, 0.0], "u_y": 0.0}, {"x": 0.0, "u_x": 0.0}],
        "step": [{"name": "cool", "temperature": -40.0, "duration": 87.3}, {"name": "stay", "duration": 300.0}],
    }
    found = solved(case)["metrics"]["regions"]["m"]
    assert found["inelastic"]["creep_mean"] < 1e-12
    assert found["von_mises_max"] < 1e-5


def test_plane_stress_bar_yields_uniaxially():
    """A bar pulled in plane stress: sigma = k + H p, contraction by nu and one half."""
    bar = metal(100e3, 0.3, plastic={"yield": 100.0, "isotropic": {"linear": 1000.0}})
    case = {
        "stack": "blocks",
        "block": [{"name": "bar", "x": [0.0, 10.0], "y": [0.0, 2.0], "material": bar}],
        "load": {"stress_free_temperature": 20.0},
        "model": {"kinematics": "plane-stress"},
        "mesh": {"size": 5.0},
        "boundary": [{"x": 0.0, "u_x": 0.0}, {"y": 0.0, "u_y": 0.0}, {"x": 10.0, "u_x": {"steps": [0.1, 0.05]}}],
        "probe": [{"name": "p", "at": [4.0, 1.0]}],
        "step": [{"name": "pull"}, {"name": "back"}],
    }
    pull, back = (s["probes"]["p"] for s in solved(case)["steps"])
    p = (0.01 - 100.0 / 100e3) / (1 + 1000.0 / 100e3)
    assert pull["stress"]["xx"] == pytest.approx(100.0 + 1000.0 * p, rel=1e-6)
    assert pull["inelastic"]["p"] == pytest.approx(p, rel=1e-6)
    assert pull["stress"]["zz"] == 0.0
    assert back["inelastic"]["p"] > p  # yields backwards
    assert back["stress"]["xx"] < 0.0


def test_checks_are_relative_to_forces_that_cancel():
    """A body that is free to shrink, stressed by itself: no force on its surface, and still no check above rounding."""
    blocks = [
        {"name": "foot", "x": [0, 10], "y": [0, 50], "material": "silicon"},
        {"name": "top", "x": [0, 10], "y": [50, 60], "material": {"like": "copper", "plastic": {"yield": 120}}},
    ]
    hold = [{"x": 0, "u_x": 0}, {"y": 0, "u_y": 0}]
    case = {"stack": "blocks", "model": {"kinematics": "plane-strain"}, "block": blocks, "boundary": hold}
    case |= {"mesh": {"size": 4, "growth": 3}, "load": {"stress_free_temperature": 150, "temperature": 125}}
    assert max(solved(case)["checks"].values()) < 1e-8


def test_checks_of_a_body_without_stress_in_its_plane():
    """One material all over, free in its plane: only the stress along the depth is left, and no force at all."""
    resin = {"like": "polyimide", "plastic": {"yield": 145}}
    block = [{"name": "body", "x": [0, 20], "y": [0, 10], "material": resin}]
    case = {"stack": "blocks", "model": {"kinematics": "plane-strain"}, "block": block, "mesh": {"size": 1}}
    case |= {"boundary": [{"x": 0, "u_x": 0}, {"y": 0, "u_y": 0}]}
    case |= {"load": {"stress_free_temperature": 100, "temperature": 25}}
    assert max(solved(case)["checks"].values()) < 1e-8


def test_support_let_go_and_pressure_over_time():
    """A rim that was held shrinks free once its support is let go; a jump of pressure in the middle of a step."""
    steps = [{"name": "cool", "temperature": -80.0}, {"name": "free"}, {"name": "press", "duration": 2.0}]
    boundary = [
        {"r": 10.0, "u_r": 0.0, "during": ["cool"], "name": "rim"},
        {"r": 10.0, "pressure": {"t": [3.0, 3.0, 4.0], "value": [0.0, 10.0, 10.0]}},
    ]
    found = solved(disc(metal(60e3, 0.25, 10e-6), steps, boundary=boundary))["steps"]
    assert found[0]["probes"]["mid"]["stress"]["rr"] == pytest.approx(60e3 / 0.75 * 1e-3)
    assert abs(found[1]["probes"]["mid"]["stress"]["rr"]) < 1e-9
    assert found[1]["probes"]["mid"]["u"][0] == pytest.approx(-5e-3)
    assert found[2]["probes"]["mid"]["stress"]["rr"] == pytest.approx(-10.0)


FILM = metal(60e3, 0.25, 10e-6, plastic={"yield": 100.0})
STEP = {"name": "a", "temperature": 50.0}
BAD = {
    "step: two steps are named 'a'": {"step": [STEP, STEP]},
    "step.0.duration: -1": {"step": [{**STEP, "duration": -1.0}]},
    r"step.0.add: no region or role 'flim' \(did you mean 'film'": {"step": [{**STEP, "add": ["flim"]}]},
    "step.1.add: 'film' is there already": {"step": [{**STEP, "add": ["film"]}, {"name": "b", "add": ["film"]}]},
    "nothing is there before the first step": {"step": [STEP, {"name": "b", "add": ["film"]}]},
    "step.0.remove: nothing is left": {"step": [{**STEP, "remove": ["film"]}]},
    "cycle.ramp: 0": {"cycle": {"low": 0.0, "high": 50.0, "ramp": 0.0}},
    "cycle.high: 0 is not > low": {"cycle": {"low": 0.0, "high": 0.0, "ramp": 1.0}},
    "life: needs a": {"step": [STEP], "life": [{"region": "film", "syed_energy": 0.001}]},
    "life.0.crack_length: missing": {
        "cycle": {"low": 0.0, "high": 50.0, "ramp": 1.0},
        "life": [{"region": "film", "darveaux": {"K1": 1.0, "K2": -1.0, "K3": 1.0, "K4": 1.0}}],
    },
    "boundary.1.during: no step 'b'": {"step": [STEP], "boundary": [{"r": 10.0, "u_r": 0.0, "during": ["b"]}]},
    "u_r.steps: 3 values for 1 steps": {"step": [STEP], "boundary": [{"r": 10.0, "u_r": {"steps": [0.0, 1.0, 2.0]}}]},
    "eigenstrain.film.stress: a stress is that of a birth": {
        "step": [{**STEP, "eigenstrain": {"film": {"stress": 10.0}}}]
    },
    "mesh.tolerance: its error estimate holds in linear elasticity": {"mesh": {"size": 5.0, "tolerance": 0.1}},
    "stress_free_temperature: not beside steps": {"material": {**FILM, "stress_free_temperature": 30.0}},
}


@pytest.mark.filterwarnings(WARNING)
@pytest.mark.parametrize("message", BAD)
def test_refused_in_one_line(message):
    changes = dict(BAD[message])
    material, boundary = changes.pop("material", FILM), changes.pop("boundary", [])
    case = disc(material, changes.pop("step", [STEP] if "cycle" not in changes else []), boundary=boundary)
    with pytest.raises(InputError, match=message) as error:
        run(parse_case(case | changes, "test"))
    assert "\n" not in str(error.value)


def test_limit_load_is_exit_3_in_one_line(tmp_path):
    """A tube under more pressure than it can carry, over the command line."""
    (tmp_path / "tube.toml").write_text(
        """
stack = "blocks"
load = { stress_free_temperature = 20 }
mesh = { size = 25, largest = 25 }
step = [{ name = "burst" }]
[[block]]
name = "tube"
r = [100, 200]
z = [0, 25]
material = { E = 210, nu = 0.3, cte = 0, plastic = { yield = 240 } }
[[boundary]]
z = 0
u_z = 0
[[boundary]]
z = 25
u_z = 0
[[boundary]]
r = 100
pressure = { steps = [250] }
"""
    )
    done = subprocess.run(
        [sys.executable, "-m", "femsim", "solve", str(tmp_path / "tube.toml"), "--quiet", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert done.stdout == ""
    assert "step 'burst'" in done.stderr
    assert "limit load" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
