"""Harmonics through case files, against exact fields of rings, shafts and cantilevers (tests/data/harmonics.json)."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from helpers import grid, quietly

from femsim.base.errors import InputError
from femsim.cases.casefile import parse_case
from femsim.meshes.write import write_mesh
from femsim.models.harmonics import harmonic, waves
from femsim.runs.results import results_dict
from femsim.runs.run import run

DATA = json.loads((Path(__file__).parent / "data" / "harmonics.json").read_text(encoding="utf-8"))
HEIGHT = 1.0


def spec(name):
    m = DATA["materials"][name]
    if "E" in m:
        return {"E": m["E"] / 1e3, "nu": m["nu"], "cte": m["alpha"] * 1e6}
    # axes (1, 2, 3) of the reference are (r, t, z)
    return {
        "E": [m[f"E{i}"] / 1e3 for i in (1, 2, 3)],
        "nu": [m[f"nu{i}"] for i in ("12", "13", "23")],
        "G": [m[f"G{i}"] / 1e3 for i in ("12", "13", "23")],
        "cte": [m[f"a{i}"] * 1e6 for i in (1, 2, 3)],
    }


def solved(blocks, harmonics, probes=(), size=1.0, boundary=({"z": 0, "u_z": 0.0},), **more):
    data = {
        "stack": "blocks",
        "block": blocks,
        "boundary": list(boundary),
        "harmonic": harmonics,
        "model": {"kinematics": "axisymmetric", "outer": "free"},
        "load": {"stress_free_temperature": 20, "temperature": 20},
        "mesh": {"size": size},
        "probe": [
            {"name": f"p{k}", "at": at, "region": region, "angle": a} for k, (at, region, a) in enumerate(probes)
        ],
        **more,
    }
    return results_dict(quietly(run, parse_case(data, "case.toml")))


def rings(case, **more):
    walls = [case["inputs"]["bore"], *case["inputs"]["outer_radii"]]
    return [
        {"name": f"l{k}", "r": [walls[k], walls[k + 1]], "z": [0, HEIGHT], "material": spec(name), **more}
        for k, name in enumerate(case["inputs"]["layers"])
    ]


def wall(case, side, r):
    kind, *values = case["inputs"]["boundary"][side]
    n = case["inputs"]["n"]
    if kind == "displacement":
        return {"n": n, "r": r, "u_r": values[0], "u_t": values[1]}
    # s_rr and s_rt on the wall: the traction is against them on the bore
    sign = -1.0 if side == "in" else 1.0
    return {"n": n, "r": r, "traction": [sign * values[0], sign * values[1], 0.0]}


@pytest.mark.parametrize("case", DATA["rings"], ids=lambda case: case["id"])
def test_rings(case):
    n, bore, outer = case["inputs"]["n"], case["inputs"]["bore"], case["inputs"]["outer_radii"][-1]
    entries = [{"n": n, "z": z, "u_z": 0.0} for z in (0.0, HEIGHT)]
    for side, r in (("in", bore), ("out", outer)):
        if case["inputs"]["boundary"][side] != "axis":
            entries.append(wall(case, side, r))
    if case["id"] == "michell-n1-balanced":  # its shift is fixed at the outer wall
        entries.append({"n": n, "point": [outer, 0.0], "u_r": 0.0})
        entries.append({"n": n, "point": [outer, HEIGHT], "u_r": 0.0})
    points = case["result"]["points"]
    angle = 33.0
    probes = [([p["r"], HEIGHT / 2], f"l{p['layer']}", angle) for p in points]
    found = solved(rings(case), entries, probes, size=(outer - bore) / 100)
    cos, sin = math.cos(math.radians(n * angle)), math.sin(math.radians(n * angle))
    largest = max(abs(p[k]) for p in points for k in ("s_rr", "s_tt", "s_zz"))
    moved = max(abs(p[k]) for p in points for k in ("u_r", "u_t"))
    for k, p in enumerate(points):
        probe = found["probes"][f"p{k}"]
        assert probe["angle"] == angle
        np.testing.assert_allclose(probe["u"], [p["u_r"] * cos, p["u_t"] * sin, 0.0], atol=2e-6 * moved)
        stress = [probe["stress"][c] for c in ("rr", "tt", "zz", "rt")]
        wanted = [p["s_rr"] * cos, p["s_tt"] * cos, p["s_zz"] * cos, p["s_rt"] * sin]
        np.testing.assert_allclose(stress, wanted, atol=1e-3 * largest)


def test_pure_bending_of_a_layered_shaft():
    """Plane ends that a moment turns: s_zz = E kappa r in both layers, kappa = M / sum E I."""
    case = next(case for case in DATA["shafts"] if case["id"] == "pure-bending-two-layer")
    height = 4.0
    blocks = [{**block, "z": [0, height]} for block in rings(case)]
    entries = [
        {"n": 1, "z": 0.0, "u_z": 0.0, "name": "foot"},
        {"n": 1, "point": [30, 0], "u_r": 0.0},
        {"n": 1, "z": height, "u_z": "straight"},
        {"n": 1, "z": height, "traction": [0.0, 0.0, 1.0]},  # of a face that stays plane the moment alone counts
    ]
    points = [p for p in case["result"]["points"] if p["r"] > 0]
    probes = [([p["r"], 1.0], f"l{p['layer']}", 0.0) for p in points]
    stiff = sum(
        1e3 * block["material"]["E"] * math.pi / 4 * (block["r"][1] ** 4 - block["r"][0] ** 4) for block in blocks
    )
    found = solved(blocks, entries, probes, size=0.3)
    moment = math.pi * 30.0**3 / 3  # of the traction cos, about y
    for k, p in enumerate(points):
        wanted = p["s_zz"] / case["result"]["kappa"] * moment / stiff
        assert found["probes"][f"p{k}"]["stress"]["zz"] == pytest.approx(wanted, rel=1e-6)
    assert abs(found["reactions"]["foot"]["my"]) == pytest.approx(moment * 1e-6, rel=1e-9)
    json.dumps(found)


@pytest.mark.parametrize(
    "case", [c for c in DATA["shafts"] if c["inputs"]["temperature"]["T_n"]], ids=lambda c: c["id"]
)
def test_temperatures(case, tmp_path):
    """T = T_n r^m cos(n theta) by nodal data of a mesh file; moment-free ends stay plane and tilt freely."""
    inputs = case["inputs"]
    n, (t_n, power), radii = inputs["n"], inputs["temperature"].values(), inputs["outer_radii"]
    lines = np.concatenate([[0.0], *(np.linspace(a, b, 13)[1:] for a, b in zip([0.0, *radii], radii, strict=False))])
    which = np.searchsorted(radii, 0.5 * (lines[1:] + lines[:-1]))
    mesh = grid(lines, [0.0, HEIGHT], "quad9", [which.tolist()], tuple(f"l{k}" for k in range(len(radii))))
    file = tmp_path / "shaft.vtu"
    write_mesh(file, mesh, {"T": t_n * mesh.points[:, 0] ** power})
    free = inputs["axial"].startswith("moment-free")
    entries = [
        {"n": n, "temperature": {"point_data": "T"}},
        {"n": n, "z": 0.0, "u_z": 0.0},
        {"n": n, "z": HEIGHT, "u_z": "straight" if free else 0.0, "name": "end"},
    ]
    if n == 1:
        entries.append({"n": 1, "point": [radii[-1], 0.0], "u_r": 0.0})
    points = case["result"]["points"]
    data = {
        "stack": "mesh",
        "mesh": {"file": str(file)},
        "materials": {f"l{k}": spec(name) for k, name in enumerate(inputs["layers"])},
        "boundary": [{"z": 0.0, "u_z": 0.0}],
        "harmonic": entries,
        "load": {"stress_free_temperature": 20, "temperature": 20},
        "probe": [
            {"name": f"p{k}", "at": [p["r"], 0.0], "region": f"l{p['layer']}", "angle": 20.0}
            for k, p in enumerate(points)
        ],
    }
    found = results_dict(quietly(run, parse_case(data, "case.toml")))
    cos, sin = math.cos(math.radians(20.0 * n)), math.sin(math.radians(20.0 * n))
    moved = max(abs(p[k]) for p in points for k in ("u_r", "u_t"))
    largest = max(max(abs(p["s_zz"]), abs(p["s_tt"])) for p in points)
    for k, p in enumerate(points):
        probe = found["probes"][f"p{k}"]
        np.testing.assert_allclose(probe["u"][:2], [p["u_r"] * cos, p["u_t"] * sin], atol=1e-5 * moved)
        stress = [probe["stress"][c] for c in ("rr", "tt", "zz", "rt")]
        wanted = [p["s_rr"] * cos, p["s_tt"] * cos, p["s_zz"] * cos, p["s_rt"] * sin]
        np.testing.assert_allclose(stress, wanted, atol=2e-3 * largest + 1e-9)
    if free:
        assert abs(found["reactions"]["end"]["my"]) < 1e-9


def test_twist_of_a_layered_shaft():
    """Torque psi sum G J, s_tz = G psi r, and the reactions of both ends."""
    case = DATA["torsion"]
    psi, height = case["inputs"]["psi"], 5.0
    blocks = [{**block, "z": [0, height]} for block in rings(case)]
    entries = [{"twist": 0.0, "z": 0.0, "name": "foot"}, {"twist": psi * height, "z": height, "name": "head"}]
    probes = [([15, 2.5], "l0", 77.0), ([15, 2.5], "l1", 12.0), ([30, 2.5], "l1", 0.0)]
    found = solved(blocks, entries, probes)
    torque = case["result"]["torque"] * 1e-6  # uN um -> N um
    assert found["reactions"]["head"]["mz"] == pytest.approx(torque, rel=1e-9)
    assert found["reactions"]["foot"]["mz"] == pytest.approx(-torque, rel=1e-9)
    shear = [found["probes"][f"p{k}"]["stress"]["tz"] for k in range(3)]
    outer, inner = case["result"]["s_tz_outer"], case["result"]["s_tz_inner"]
    assert shear == pytest.approx([outer[0], inner[1], outer[1]], rel=1e-9)


def post(entries, size=0.05, growth=1.6):
    """The post of the reference on its chip, clamped at the back."""
    blocks = [
        {"name": name, "r": r, "z": z, "material": spec(m)}
        for name, r, z, m in (
            ("chip", [0, 150], [-100, 0], "Si"),
            ("low", [25, 150], [0, 40], "PI"),
            ("high", [25, 150], [40, 60], "EP"),
            ("post", [0, 25], [0, 60], "Cu"),
        )
    ]
    clamps = [{"n": 1, "z": -100, "u_r": 0.0, "u_t": 0.0, "u_z": 0.0}, {"twist": 0.0, "z": -100}]
    used = [clamp for clamp in clamps if ("twist" in clamp) == ("twist" in entries[0])]
    return solved(
        blocks,
        [*used, *({**entry, "z": 60, "r": [0, 25], "name": "top"} for entry in entries)],
        mesh={"size": size, "growth": growth},
        metrics={"length": [5.0, 2.0]},
        root=[{"name": "post_root", "at": [25, 0], "region": "post"}],
        boundary=[{"z": -100, "u_z": 0.0, "u_r": 0.0}],
    )


@pytest.mark.parametrize("kind", ["shift", "tilt", "twist"])
def test_a_posts_top_is_moved(kind):
    case = DATA["posts"][kind]
    amount = {"shift": 1.0, "tilt": 0.01, "twist": 0.01}[kind]
    found = post([{kind: amount}])
    force = found["reactions"]["top"]
    key, scale = {"shift": ("x", 1.0), "tilt": ("my", -1.0), "twist": ("mz", 1.0)}[kind]
    # a tilt u_z = a r cos is a turn by -a about y; moments of the reference are about the face, ours about the origin
    found_force = force[key] - (60.0 * force["x"] if kind == "tilt" else 0.0)
    assert scale * found_force * 1e6 == pytest.approx(case["stiffness"], rel=1e-3)
    for entry in found["metrics"]["roots"]["post_root"]:
        wanted = case[f"L={entry['length']:g}"]
        angles = np.radians(entry["around"]["angle"])
        wave = {
            "peel": np.cos(angles),
            "shear": np.cos(angles),
            "shear_t": np.ones(72) if kind == "twist" else np.sin(angles),
        }
        names = {"peel": "peel", "shear_rz": "shear", "shear_tz": "shear_t"}
        level = max(abs(v) for v in wanted.values())
        for key, value in wanted.items():
            kind_ = names[key]
            error = entry["largest"][kind_]["error"]
            np.testing.assert_allclose(entry["around"][kind_], value * wave[kind_], atol=2e-2 * level)
            assert abs(abs(entry["largest"][kind_]["value"]) - abs(value)) < max(error, 1e-3 * level)
        assert entry["largest"]["von_mises"]["value"] >= max(entry["around"]["von_mises"]) * (1 - 1e-12)


def test_the_twin_of_a_harmonic_is_turned_by_a_quarter_wave():
    """u with odd = true at the angle + 90 / n is the even one; a shift along y has its force along y."""
    blocks = [{"name": "a", "r": [0, 5], "z": [0, 10], "material": spec("Cu")}]
    probes = [([3, 4], "a", 20.0), ([3, 4], "a", 110.0)]
    clamp = {"z": 0, "u_r": 0.0, "u_t": 0.0, "u_z": 0.0}
    even = solved(
        blocks, [{"n": 1, **clamp}, {"n": 1, "z": 10, "u_r": 0.1, "u_t": -0.1, "u_z": 0, "name": "top"}], probes
    )
    odd = solved(
        blocks,
        [
            {"n": 1, "odd": True, **clamp},
            {"n": 1, "odd": True, "z": 10, "u_r": 0.1, "u_t": 0.1, "u_z": 0, "name": "top"},
        ],
        probes,
    )
    assert odd["probes"]["p1"]["u"] == pytest.approx(even["probes"]["p0"]["u"], abs=1e-13)
    assert odd["probes"]["p1"]["stress"] == pytest.approx(even["probes"]["p0"]["stress"], abs=1e-8)
    assert odd["reactions"]["top"]["y"] == pytest.approx(even["reactions"]["top"]["x"])
    assert odd["reactions"]["top"]["mx"] == pytest.approx(-even["reactions"]["top"]["my"])


def test_a_board_moves_a_stacks_face():
    from femsim.cases.casefile import load_case

    sets = ["mesh.size=0.5", "mesh.growth=2", "board.shift=0.5", "board.twist=0.001"]
    case, _ = load_case("bilayer", sets)
    found = results_dict(quietly(run, case))
    assert [(h["n"], h["odd"]) for h in found["harmonics"]] == [(0, True), (1, False)]
    entry = found["metrics"]["roots"]["post_root"][0]
    assert entry["largest"]["shear_t"]["value"] > 0
    assert max(h["checks"]["residual"] for h in found["harmonics"]) < 1e-8
    # shift and tilt of one face add up
    around = [
        np.array(
            results_dict(quietly(run, load_case("bilayer", [*sets[:2], *more])[0]))["metrics"]["roots"]["post_root"][0][
                "around"
            ]["peel"]
        )
        for more in (["board.shift=0.5"], ["board.tilt=0.001"], ["board.shift=0.5", "board.tilt=0.001"])
    ]
    still = entry["peel"]
    assert around[0] + around[1] - still == pytest.approx(around[2], abs=1e-6 * np.ptp(around[2]))
    assert np.ptp(around[1]) > 1.0
    # the mean over the angle is the axisymmetric average
    assert np.mean(entry["around"]["peel"]) == pytest.approx(entry["peel"], rel=1e-9)


def test_waves():
    assert waves(2, False, ("u_r", "u_t", "rt"), np.array(45.0)) == pytest.approx([0.0, 1.0, 1.0])
    assert waves(2, True, ("u_r", "u_t", "rt"), np.array(45.0)) == pytest.approx([1.0, 0.0, 0.0], abs=1e-15)
    assert harmonic(0, False).name == "axisymmetric"


BAD = {
    "free to move": (
        [{"n": 1, "r": 5, "pressure": 1.0}],
        "harmonic: n = 1: the body can still move along x and by tilting",
    ),
    "free to turn": ([{"n": 0, "odd": True, "z": 10, "traction": [0, 1, 0]}], "by turning about the axis"),
    "no shift": ([{"n": 1, "z": 0, "u_r": 1.0, "u_t": 1.0, "u_z": 0.0}], "a shift by d along x is u_r = d, u_t = -d"),
    "no n": ([{"z": 0, "u_r": 1.0}], "n: missing"),
    "shift with more": ([{"z": 0, "shift": 1.0, "n": 2}], "shift stands alone"),
    "no u_t": ([{"n": 0, "z": 0, "u_t": 1.0}], "u_t: not a displacement of axisymmetric"),
    "two places": ([{"n": 1, "z": 0, "r": 5, "u_r": 1.0}], "give exactly one of on, r, z, point"),
    "nothing": ([{"n": 1, "z": 0}], "give at least one of"),
    "steps": ([{"n": 1, "z": 0, "u_r": {"steps": [1.0]}}], "it has no steps"),
    "twice": ([{"n": 2, "z": 0, "u_z": 0.0}, {"n": 2, "point": [5, 0], "u_z": 1.0}], "harmonic.1.u_z: 1 contradicts 0"),
}


@pytest.mark.parametrize("bad", BAD)
def test_bad_harmonics_are_named(bad):
    entries, text = BAD[bad]
    with pytest.raises(InputError, match=text) as caught:
        solved([{"name": "a", "r": [0, 5], "z": [0, 10], "material": spec("Cu")}], entries)
    assert "\n" not in str(caught.value)


def test_harmonics_need_a_body_of_revolution():
    with pytest.raises(InputError, match=r"needs model.kinematics = axisymmetric, not plane-strain"):
        solved(
            [{"name": "a", "x": [0, 5], "y": [0, 10], "material": spec("Cu")}],
            [{"n": 1, "z": 0, "u_r": 0.0}],
            boundary=[{"y": 0, "u_x": 0.0, "u_y": 0.0}],
            model={"kinematics": "plane-strain"},
        )
