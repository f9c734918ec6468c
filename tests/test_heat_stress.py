"""Stress that a computed temperature drives, through case files, against closed forms (Boley & Weiner 1960, chs. 9 and
10; Timoshenko & Goodier, ch. 13).
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from heatcases import AXI, REFERENCES, case_of, condition
from patches import Patch, arc, blend, join

from femsim.base.errors import FemsimWarning, InputError
from femsim.cases.casefile import parse_case
from femsim.meshes.write import write_mesh
from femsim.runs.results import results_dict
from femsim.runs.run import run

C = REFERENCES["C"]


def solved(data, base=None):
    return results_dict(run(parse_case({"name": "reference", **data}, "case.toml"), base))


def materials(inputs):
    return [
        {"conductivity": k, "E": e / 1e3, "nu": nu, "cte": alpha * 1e6}
        for k, (e, nu, alpha) in zip(inputs["k"], inputs["E_nu_alpha"], strict=True)
    ]


def heat_of(inputs, first, last, regions):
    first_face, last_face = (inputs.get(a, inputs.get(b)) for a, b in (("first_face", "bottom"), ("last_face", "top")))
    sources = [
        {"region": region, "density": q}
        for region, q in zip(regions, inputs["power_density_W_per_m3"], strict=True)
        if q
    ]
    contacts = [
        {"between": list(pair), "resistance": 1e6 * r}
        for pair, r in zip(pairwise(regions), inputs["contact_resistance_m2K_per_W"], strict=False)
        if r
    ]
    boundary = condition(first_face, first) + condition(last_face, last)
    return {"source": sources, "contact": contacts, "boundary": boundary}


def load(inputs):
    return {"stress_free_temperature": inputs["stress_free_temperature"], "temperature": "heat"}


@pytest.mark.parametrize("name", ["hollow-cylinder-log-T", "solid-cylinder-generation", "tsv-core-power"])
def test_long_cylinders(name):
    inputs, result = C[name]["inputs"], C[name]["result"]
    faces, size = inputs["faces_um"], inputs["faces_um"][-1] / (600 if name == "tsv-core-power" else 300)
    height = 4.0 * size
    regions = [f"l{k}" for k in range(len(inputs["k"]))]
    blocks = [
        (f"l{k}", span, (0.0, height), m)
        for k, (span, m) in enumerate(zip(pairwise(faces), materials(inputs), strict=True))
    ]
    probes = [((p["r_um"], size), {"region": f"l{p['layer']}"}) for p in result["points"]]
    hold = [{"z": 0.0, "u_z": 0.0}, {"z": height, "u_z": "equal"}]
    heat = heat_of(inputs, {"r": faces[0]}, {"r": faces[-1]}, regions)
    document = solved(case_of(blocks, heat, AXI, probes, size=size, load=load(inputs), boundary=hold))
    stress = np.array([p["stress_MPa"] for p in result["points"]])  # rr, tt, zz
    found = np.array([[probe["stress"][c] for c in ("rr", "tt", "zz")] for probe in document["probes"].values()])
    assert np.abs(found - stress).max() <= 1e-4 * np.abs(stress).max()
    u = np.array([p["u_r_um"] for p in result["points"]])
    assert np.abs([probe["u"][0] for probe in document["probes"].values()] - u).max() <= 1e-5 * np.abs(u).max()
    t = np.array([p["T"] for p in result["points"]])
    assert [probe["T"] for probe in document["probes"].values()] == pytest.approx(t, rel=1e-6)


@pytest.mark.parametrize("name", ["plate-linear-T", "bimetal-heat-flux"])
def test_laminates(name):
    inputs, result = C[name]["inputs"], C[name]["result"]
    faces, radius = inputs["z_faces_um"], 100.0
    regions = [f"l{k}" for k in range(len(inputs["k"]))]
    blocks = [
        (f"l{k}", (0.0, radius), span, m)
        for k, (span, m) in enumerate(zip(pairwise(faces), materials(inputs), strict=True))
    ]
    layers = result["layers"]
    points = [(z, layer["layer"], s) for layer in layers for z, s in zip(layer["z_um"], layer["stress_x"], strict=True)]
    probes = [((30.0, z), {"region": f"l{k}"}) for z, k, _ in points]
    heat = heat_of(inputs, {"z": faces[0]}, {"z": faces[-1]}, regions)
    hold = [{"point": [0.0, 0.0], "u_z": 0.0}]
    case = case_of(blocks, heat, AXI, probes, size=20.0, load=load(inputs), boundary=hold)
    case["model"]["outer"] = "straight"
    document = solved(case)
    wanted = np.array([s for *_, s in points])
    found = np.array([probe["stress"]["rr"] for probe in document["probes"].values()])
    scale = np.abs(wanted).max() or 169e3 * 2.6e-6 * 50.0
    assert np.abs(found - wanted).max() <= 1e-6 * scale
    assert document["bow"]["curvature"] == pytest.approx(result["kappa_per_um"], rel=1e-8)


def ring(a, b, shells, sectors):
    """A quarter ring with lines inner, outer, left and bottom."""
    shell = (np.geomspace(a, b, shells + 1) - a) / (b - a)
    patch = Patch(blend(arc(a, 0, 90), arc(b, 0, 90)), shell, np.linspace(0.0, 1.0, sectors + 1), "ring")
    near = 1e-9 * b
    lines = {
        "inner": lambda x, y: np.abs(np.hypot(x, y) - a) < near,
        "outer": lambda x, y: np.abs(np.hypot(x, y) - b) < near,
        "left": lambda x, y: np.abs(x) < near,
        "bottom": lambda x, y: np.abs(y) < near,
    }
    return join([patch], "quad9", lines)


@pytest.mark.parametrize(
    ("name", "hold"),
    [
        ("hollow-sphere-steady", [{"on": "bottom", "u_z": 0.0}]),
        ("annulus-plane-stress-log-T", [{"on": "left", "u_x": 0.0}, {"on": "bottom", "u_y": 0.0}]),
    ],
)
def test_rings(name, hold, tmp_path):
    """Stress at nodes converges with order 2; extrapolated from two meshes it has the accuracy asked for."""
    inputs, result = C[name]["inputs"], C[name]["result"]
    plane = inputs["mechanics"] == "plane-stress"
    data = {
        "stack": "mesh",
        "mesh": {"file": "m.msh"},
        "model": {"kinematics": "plane-stress" if plane else AXI},
        "materials": {"ring": materials(inputs)[0]},
        "heat": heat_of(inputs, {"on": "inner"}, {"on": "outer"}, ["ring"]),
        "load": load(inputs),
        "boundary": hold,
        "probe": [{"name": str(k), "at": [p["r_um"], 0.0]} for k, p in enumerate(result["points"])],
    }
    names = ("xx", "yy") if plane else ("rr", "tt", "zz")
    wanted = np.array([p["stress_MPa"][: len(names)] for p in result["points"]])
    meshes = []
    for cells in (24, 48):
        write_mesh(tmp_path / "m.msh", ring(*inputs["faces_um"], cells, cells))
        document = solved(data, tmp_path)
        probes = document["probes"].values()
        meshes.append(np.array([[probe["stress"][c] for c in names] for probe in probes]))
    coarse, fine = meshes
    assert np.abs(fine - wanted).max() < 0.3 * np.abs(coarse - wanted).max()
    assert np.abs((4.0 * fine - coarse) / 3.0 - wanted).max() <= 1e-4 * np.abs(wanted).max()
    u = np.array([p["u_r_um"] for p in result["points"]])
    assert [probe["u"][0] for probe in document["probes"].values()] == pytest.approx(u, rel=1e-5)


def test_no_stress_in_a_free_plate_with_a_plane_field():
    """NAFEMS T4 in plane stress: no sources, simply connected, so no stress at all (Boley & Weiner, sec. 4.5)."""
    inputs, result = C["T4-plane-stress-no-stress"]["inputs"], C["T4-plane-stress-no-stress"]["result"]
    half, length = inputs["half_width_um"], inputs["length_um"]
    m = {"conductivity": inputs["k"], "E": inputs["E"] / 1e3, "nu": inputs["nu"], "cte": inputs["alpha"] * 1e6}
    heat = {
        "ambient": 0.0,
        "boundary": [
            {"y": 0.0, "temperature": inputs["T_base"]},
            {"x": half, "h": inputs["h_side"]},
            {"y": length, "h": inputs["h_end"]},
        ],
    }
    probes = [(at, {}) for at in [*result["points_x_y_um"], [0.0, length], [half, 0.0]]]
    hold = [{"x": 0.0, "u_x": 0.0}, {"point": [0.0, 0.0], "u_y": 0.0}]
    load_ = {"stress_free_temperature": 0.0, "temperature": "heat"}
    document = solved(
        case_of([("body", (0.0, half), (0.0, length), m)], heat, "plane-stress", probes, load=load_, boundary=hold)
    )
    found = list(document["probes"].values())
    scale = inputs["E"] * inputs["alpha"] * inputs["T_base"]
    assert max(abs(p["stress"][c]) for p in found[:3] for c in ("xx", "yy", "xy")) <= 1e-3 * scale
    assert [p["T"] for p in found[:3]] == pytest.approx(result["T"], rel=1e-5)
    assert found[3]["u"][1] == pytest.approx(result["u_y_at_0_L_um"], rel=1e-4)
    assert found[4]["u"][0] == pytest.approx(result["u_x_at_half_width_0_um"], rel=1e-4)


@pytest.mark.parametrize("name", ["plate-shock", "cylinder-shock"])
def test_shocks(name):
    """Stress follows a transient temperature, one quasi-static state per time."""
    inputs, states = C[name]["inputs"], C[name]["result"]["states"]
    plate, size, start = name == "plate-shock", inputs["R_um"], inputs["T_initial_and_stress_free"]
    m = {
        "conductivity": inputs["k"],
        "density": inputs["density"],
        "heat_capacity": inputs["specific_heat"],
        "E": inputs["E"] / 1e3,
        "nu": inputs["nu"],
        "cte": inputs["alpha"] * 1e6,
    }
    element = size / (40 if plate else 120)
    axis = "z" if plate else "r"
    heat = {
        "ambient": inputs["T_ambient"],
        "boundary": [{axis: size, "h": inputs["h"]}],
        "transient": {"initial": start, "end": inputs["t_s"][-1], "times": inputs["t_s"]},
    }
    if plate:
        block, at = ("body", (0.0, 60.0), (0.0, size), m), [(20.0, z) for z in inputs["x_um"]]
        hold = [{"point": [0.0, 0.0], "u_z": 0.0}]
    else:
        block, at = ("body", (0.0, size), (0.0, 4 * element), m), [(r, 2 * element) for r in inputs["x_um"]]
        hold = [{"z": 0.0, "u_z": 0.0}, {"z": 4 * element, "u_z": "equal"}]
    load_ = {"stress_free_temperature": start, "temperature": "heat"}
    data = case_of([block], heat, AXI, [(p, {}) for p in at], size=element, load=load_, boundary=hold)
    data["model"]["outer"] = "straight" if plate else "free"
    document = solved(data)
    largest = max(abs(s) for state in states for row in state["stress_MPa"] for s in row)
    for step, state in zip(document["steps"], states, strict=True):
        probes = step["probes"].values()
        assert step["time"] == state["t_s"]
        assert np.abs(np.array([p["T"] for p in probes]) - state["T"]).max() <= 1e-4 * 125.0
        names = ("rr",) if plate else ("rr", "tt", "zz")
        found = np.array([[p["stress"][c] for c in names] for p in probes])
        assert np.abs(found - state["stress_MPa"]).max() <= 1e-3 * largest
        if plate:
            assert step["bow"]["curvature"] == pytest.approx(state["kappa_per_um"], rel=1e-3)
    assert document["probes"]["0"]["T_history"][-1] == document["probes"]["0"]["T"]


def test_worst_instant_is_found_between_output_times():
    """A plate cooled at one face: its stress is largest long before the outputs asked for, and no state of a course
    with many outputs exceeds what was found.
    """
    inputs = C["plate-shock"]["inputs"]
    m = {"conductivity": inputs["k"], "density": inputs["density"], "heat_capacity": inputs["specific_heat"]}
    m |= {"E": inputs["E"] / 1e3, "nu": inputs["nu"], "cte": inputs["alpha"] * 1e6}
    times = [1e-4, 4e-3]

    def course(times):
        data = case_of(
            [("a", (0.0, 100.0), (0.0, 300.0), m)],
            {
                "boundary": [{"z": 300.0, "h": inputs["h"]}],
                "transient": {"initial": 150.0, "end": 4e-3, "times": times, "tolerance": 1e-4},
            },
            AXI,
            size=20.0,
            load={"stress_free_temperature": 150.0, "temperature": "heat"},
            model={"kinematics": AXI, "outer": "straight"},
            boundary=[{"point": [0.0, 0.0], "u_z": 0.0}],
        )
        return solved(data)

    worst = course(times)["heat"]["worst"]
    many = np.geomspace(1e-5, 4e-4, 25).tolist()
    states = course([*many, 4e-3])["steps"]
    largest = np.array([state["metrics"]["regions"]["a"]["von_mises_max"] for state in states])
    k = int(np.argmax(largest))
    assert many[k - 1] < worst["time"] < many[k + 1] < times[0]
    assert largest[k] * (1.0 - 1e-4) < worst["value"] < 1.01 * largest[k]
    assert worst["state"]["metrics"]["regions"]["a"]["von_mises_max"] == worst["value"]
    assert worst["each"][worst["metric"]] == {"time": worst["time"], "value": worst["value"]}


def test_what_would_be_ignored_is_told():
    """A field that drives nothing, values by steps that do not match the steps, tables that begin behind the end."""
    matter = {"E": 120.0, "nu": 0.3, "cte": 17.0, "conductivity": 400.0}
    heat = {"source": [{"region": "a", "power": 1.0}], "boundary": [{"z": 0.0, "h": 1e4}]}
    data = {
        "stack": "blocks",
        "block": [{"name": "a", "r": [0.0, 50.0], "z": [0.0, 20.0], "material": matter}],
        "boundary": [{"point": [0.0, 0.0], "u_z": 0.0}],
        "mesh": {"size": 20.0},
        "load": {"stress_free_temperature": 150.0, "temperature": 25.0},
        "heat": heat,
    }
    with pytest.warns(FemsimWarning, match=r"temperature is 25 degC, so the temperatures of .heat. do not drive"):
        run(parse_case(data, "case.toml"))
    late = {"z": 20.0, "pressure": {"t": [5.0, 9.0], "value": [0.0, 5.0]}}
    stepped = data | {"step": [{"name": "on", "temperature": "heat"}], "load": {"stress_free_temperature": 150.0}}
    with pytest.warns(FemsimWarning, match=r"boundary\.1\.pressure\.t: begins at 5 s, the steps end at 1 s"):
        run(parse_case(stepped | {"boundary": [*data["boundary"], late]}, "case.toml"))
    twice = {**heat, "source": [{"region": "a", "power": {"steps": [1.0, 2.0]}}]}
    with pytest.raises(InputError, match=r"heat\.source\.0\.power\.steps: 2 values for 1 steps"):
        run(parse_case(stepped | {"heat": twice}, "case.toml"))
    nowhere = {"z": 21.0, "pressure": 0.0}
    with pytest.raises(InputError, match=r"boundary\.1\.z: no outer edge at z = 21 um"):
        run(parse_case(stepped | {"boundary": [*data["boundary"], nowhere]}, "case.toml"))
