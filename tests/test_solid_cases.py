"""Cases in three dimensions, from the file to the results: against the axisymmetric path, statics, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tomli_w

from femsim.base.errors import FemsimWarning, InputError
from femsim.cases.casefile import load_case
from femsim.cli.main import main
from femsim.meshes.write import write_mesh
from femsim.runs.results import results_dict
from femsim.runs.run import run

DATA = json.loads((Path(__file__).parent / "data" / "solids.json").read_text())
SI, CU = {"E": 169.0, "nu": 0.28, "cte": 2.6}, {"E": 120.0, "nu": 0.34, "cte": 17.0}
PI, EP = {"E": 2.5, "nu": 0.34, "cte": 35.0}, {"E": 15.0, "nu": 0.3, "cte": 12.0}
BILAYER = {
    "stack": "bilayer",
    "geometry": {
        "cell_radius": 60.0,
        "chip_thickness": 100.0,
        "post_radius": 25.0,
        "low_thickness": 40.0,
        "high_thickness": 20.0,
    },
    "materials": {"chip": SI, "post": CU, "low": PI, "high": EP},
    "mesh": {"size": 2.0, "growth": 2.5},
    "metrics": {"length": [5.0]},
}


def results(tmp_path: Path, document: dict, **model: object) -> dict:
    path = tmp_path / "case.toml"
    path.write_text(tomli_w.dumps({**document, "model": {**document.get("model", {}), **model}}))
    case, origin = load_case(str(path), [])
    return results_dict(run(case, origin.base))


def fails(tmp_path: Path, document: dict, text: str, **model: object) -> None:
    with pytest.raises(InputError, match=text):
        results(tmp_path, document, **model)


def probes(*at: tuple[float, ...]) -> dict:
    return {"probe": [{"name": f"p{i}", "at": list(x)} for i, x in enumerate(at)]}


@pytest.mark.parametrize("outer", ["coupled", "fixed", "free"])
def test_a_circular_cell_is_the_axisymmetric_one(tmp_path, outer):
    """A quarter swept round gives the axisymmetric answer at equal sizes, evenly along the root circle."""
    solid = results(tmp_path, BILAYER | probes((0, 0, 60), (60, 0, -50), (60, 0, 60)), kinematics="3d", outer=outer)
    plane = results(tmp_path, BILAYER | probes((0, 60), (60, -50), (60, 60)), kinematics="axisymmetric", outer=outer)
    scale = abs(plane["probes"]["p0"]["u"][1])
    for name in ("p0", "p1", "p2"):
        (x, y, z), (r, w) = solid["probes"][name]["u"], plane["probes"][name]["u"]
        # a free wall has a singular edge, to which neither mesh is graded
        assert (x, y, z) == pytest.approx((r, 0.0, w), abs=(1.5e-2 if outer == "free" else 2.5e-3) * scale)
    found, wanted = (d["metrics"]["roots"]["post_root"][0] for d in (solid, plane))
    for kind in ("shear", "von_mises"):
        assert found[kind] == pytest.approx(wanted[kind], abs=0.015 * wanted["von_mises"])
    assert found["peel"] == pytest.approx(wanted["peel"], abs=found["peel_error"] + wanted["peel_error"])
    if outer == "coupled":  # two elements over the length; the estimates hold the true errors
        exact = next(c for c in DATA["topics"]["D6"]["open"] if c["id"] == "circular-cell")["result"]
        for kind, value in exact["L5"].items():
            miss = abs(found[kind] - value)
            assert miss < found[f"{kind}_error"] < 0.03 * exact["L5"]["von_mises"]
            assert miss < (1.0 if kind != "von_mises" else 2.2)
        for mine, theirs in zip(found["singularity"], wanted["singularity"], strict=False):
            assert mine["exponent"] == pytest.approx(theirs["exponent"], abs=1e-6)
            assert mine["intensity"] == pytest.approx(theirs["intensity"], rel=0.03)
            assert np.ptp(mine["around"]["intensity"]) < 0.01 * abs(mine["intensity"])
        (turned,) = [term for term in found["singularity"] if term.get("mode") == "antiplane"]
        assert turned["exponent"] == pytest.approx(-0.2848077125405, abs=1e-8)  # of topic D4
        tip = solid["probes"]["p0"]
        assert abs(tip["u"][2] - exact["tip"]) < tip["u_error"][2] < 10 * abs(tip["u"][2] - exact["tip"])
    around = found["around"]
    assert around["angle"] == [5.625 + 11.25 * k for k in range(8)]
    for kind in ("peel", "shear", "shear_t", "von_mises"):
        assert np.ptp(around[kind]) < 5e-4 * found["von_mises"]
    assert np.mean(around["shear"]) == pytest.approx(found["shear"], rel=1e-4)
    assert abs(found["largest"]["shear"]["value"]) == pytest.approx(np.abs(around["shear"]).max())
    assert max(solid["checks"].values()) < 1e-9
    energy = [d["metrics"]["regions"] for d in (solid, plane)]
    for region in energy[0]:  # a quarter of the body
        assert 4 * energy[0][region]["energy"] == pytest.approx(
            energy[1][region]["energy"], rel=0.04 if outer == "free" else 0.025
        )


def test_a_square_cell(tmp_path):
    reference = next(c for c in DATA["topics"]["D6"]["open"] if c["id"] == "square-cell")["result"]
    found = results(tmp_path, BILAYER | probes((0, 0, 60), (60, 0, -1), (0, 60, -70)), kinematics="3d", cell="square")
    assert found["probes"]["p0"]["u"][2] == pytest.approx(reference["tip"], rel=1e-3)
    assert found["probes"]["p1"]["u"][0] == pytest.approx(reference["wall"], rel=1e-3)
    assert found["probes"]["p2"]["u"][1] == pytest.approx(reference["wall"], rel=1e-3)
    root = found["metrics"]["roots"]["post_root"][0]
    assert root["von_mises"] == pytest.approx(reference["L5"]["von_mises"], rel=1.2e-2)
    assert root["shear"] == pytest.approx(reference["L5"]["shear"], rel=2e-2)
    assert np.ptp(root["around"]["peel"]) > 0.1


def test_walls_of_a_hexagon(tmp_path):
    """Each flat wall keeps plane and carries no net force; it moves by nearly as much as a circle of equal area."""
    path = tmp_path / "case.toml"
    path.write_text(tomli_w.dumps(BILAYER | {"model": {"kinematics": "3d", "cell": "hexagonal"}}))
    done = run(load_case(str(path), [])[0])
    mesh, u = done.solution.model.mesh, done.solution.displacement
    normal = np.array([0.5, np.sqrt(0.75), 0.0])
    nodes = mesh.nodes_on("upper_right")
    assert np.abs(mesh.points[nodes] @ normal - 60.0).max() < 1e-9
    assert np.ptp(u[nodes] @ normal) < 1e-12
    assert u[nodes][0] @ normal == pytest.approx(u[mesh.nodes_on("x_max")][0, 0], rel=2e-3)
    assert max(done.solution.checks.reaction, done.solution.checks.energy) < 1e-11


def staggered(offsets: tuple[float, float], **geometry: float) -> dict:
    layer = {"thickness": 20.0, "radius": 25.0, "material": CU}
    return {
        "stack": "staggered",
        "geometry": {"cell_radius": 60.0, "chip_thickness": 60.0, **geometry},
        "materials": {"chip": SI, "insulation": PI},
        "layer": [{**layer, "offset": x} for x in offsets],
        "model": {"kinematics": "3d", "cell": "square"},
        "mesh": {"size": 8.0, "growth": 4.0, "around": 16},
        "metrics": {"length": [5.0]},
    }


def test_staggered_layers(tmp_path):
    """Mirrored offsets give mirrored results; the point of the axis is held though it is no node."""
    one = results(tmp_path, staggered((-12.0, 6.0)) | probes((0, 0, -60), (3, 2, 40)), outer="coupled")
    two = results(tmp_path, staggered((12.0, -6.0)) | probes((0, 0, -60), (-3, 2, 40)), outer="coupled")
    assert np.abs(one["probes"]["p0"]["u"]).max() < 1e-12
    (x, y, z), (x2, y2, z2) = (d["probes"]["p1"]["u"] for d in (one, two))
    assert (x2, y2, z2) == pytest.approx((-x, y, z), rel=1e-6, abs=1e-9)
    assert set(one["metrics"]["roots"]) == {"foot", "step_1_below", "step_1"}
    foot, mirror = (d["metrics"]["roots"]["foot"][0] for d in (one, two))
    assert foot["shear"] == pytest.approx(mirror["shear"], rel=1e-6)
    assert foot["around"]["peel"] == pytest.approx(mirror["around"]["peel"][::-1], rel=1e-4, abs=0.05)
    assert max(one["checks"].values()) < 1e-9
    sides = {"probe": [{"name": f"p{i}", "at": [0, 0, z], "region": "chip"} for i, z in enumerate((-60, 0))]}
    tilting = results(tmp_path, staggered((-12.0, 6.0)) | sides, outer="straight")
    assert np.abs(tilting["probes"]["p0"]["u"]).max() < 1e-12
    assert abs(tilting["probes"]["p1"]["u"][0]) < 1e-12  # held there against turning
    assert max(tilting["checks"].values()) < 1e-9


def test_a_post_in_a_corner_of_a_chip(tmp_path):
    place = {"kinematics": "3d", "cell": "chip", "place": [140.0, 70.0], "outer": "free"}
    geometry = {
        "geometry": {**BILAYER["geometry"], "cell_radius": 200.0},
        "mesh": {"size": 12.0, "growth": 4.0, "around": 16},
    }
    found = results(tmp_path, BILAYER | geometry | probes((140, 70, 60), (0, 0, -100), (10, 0, -100)), **place)
    assert found["probes"]["p0"]["u"][0] < 0 > found["probes"]["p0"]["u"][1]  # the chip shrinks towards its centre
    assert found["probes"]["p2"]["u"][0] < 0
    assert len(found["metrics"]["roots"]["post_root"][0]["around"]["angle"]) == 32
    fails(tmp_path, BILAYER | geometry, "reaches beyond the chip's quarter", **{**place, "place": [190.0, 70.0]})
    fails(tmp_path, BILAYER | geometry, 'place: goes with cell = "chip"', kinematics="3d", place=[10.0, 10.0])


BLOCKS = {
    "stack": "blocks",
    "load": {"stress_free_temperature": 25.0, "temperature": 25.0},
    "block": [
        {"name": "a", "x": [0.0, 10.0], "y": [0.0, 8.0], "z": [0.0, 5.0], "material": CU},
        {"name": "b", "x": [0.0, 10.0], "y": [0.0, 8.0], "z": [5.0, 9.0], "material": PI},
    ],
    "model": {"kinematics": "3d"},
    "mesh": {"size": 4.0},
    "boundary": [
        {"x": 0.0, "u_x": 0.0, "name": "left"},
        {"y": 0.0, "u_y": 0.0},
        {"z": 0.0, "u_z": 0.0, "name": "foot"},
        {"on": "z_max", "pressure": 3.0},
    ],
}


def test_blocks_under_pressure(tmp_path):
    """sigma_zz = -p all over; the foot answers with p times the area, moments included."""
    found = results(tmp_path, BLOCKS | probes((10, 8, 9)))
    foot = found["reactions"]["foot"]
    assert foot["z"] == pytest.approx(3.0 * 80.0 * 1e-6, rel=1e-10)
    assert found["reactions"]["left"]["x"] == pytest.approx(0.0, abs=1e-12)
    shallow = {**BLOCKS, "block": [dict(b, material=CU) for b in BLOCKS["block"]]}
    one = results(tmp_path, shallow | probes((10, 8, 9)))
    foot, u = one["reactions"]["foot"], one["probes"]["p0"]["u"]
    assert (foot["mx"], foot["my"]) == pytest.approx((foot["z"] * 4, -foot["z"] * 5), rel=1e-9)
    strain = -3.0 / 120e3
    assert u == pytest.approx([-0.34 * strain * 10, -0.34 * strain * 8, strain * 9], rel=1e-9)


def test_equal_and_straight_faces_carry_forces(tmp_path):
    """A stiff and a soft half side by side: an equal face stays level, a straight one tilts; both carry the force."""
    side = {
        **BLOCKS,
        "block": [
            {"name": "a", "x": [0.0, 5.0], "y": [0.0, 8.0], "z": [0.0, 9.0], "material": CU},
            {"name": "b", "x": [5.0, 10.0], "y": [0.0, 8.0], "z": [0.0, 9.0], "material": PI},
        ],
    }
    for word in ("equal", "straight"):
        top = {"z": 9.0, "u_z": word, "force": -2.4e-4, "name": "top"}
        found = results(
            tmp_path,
            {**side, "boundary": [*BLOCKS["boundary"][:3], top]} | probes((0, 0, 9), (10, 0, 9), (0, 8, 9), (10, 8, 9)),
        )
        left, right, behind, beyond = (found["probes"][f"p{i}"]["u"][2] for i in range(4))
        assert found["reactions"]["foot"]["z"] == pytest.approx(2.4e-4, rel=1e-9)
        assert left + beyond == pytest.approx(right + behind, rel=1e-9)
        assert left == pytest.approx(right, rel=1e-12) if word == "equal" else right < 2 * left < 0


def test_an_imported_body(tmp_path):
    from solids import two_boxes

    write_mesh(tmp_path / "part.msh", two_boxes("hex20"))
    case = {
        "stack": "mesh",
        "load": {"stress_free_temperature": 150.0, "temperature": 25.0},
        "materials": {"low": SI, "high": SI},
        "model": {"kinematics": "3d"},
        "mesh": {"file": "part.msh"},
        "boundary": [{"on": "x_min", "u_x": 0.0}, {"on": "y_min", "u_y": 0.0}, {"on": "z_min", "u_z": 0.0}],
    }
    found = results(tmp_path, case | probes((4, 3, 2)))
    assert found["mesh"]["element"] == "hex20"
    assert found["probes"]["p0"]["u"] == pytest.approx([-125 * 2.6e-6 * x for x in (4, 3, 2)], rel=1e-9)
    assert max(abs(v) for v in found["probes"]["p0"]["stress"].values()) < 1e-6
    coarse = results(tmp_path, case | probes((4, 3, 2)), element="hex8")
    assert coarse["mesh"]["element"] == "hex8"
    fails(tmp_path, case, "needs a 2D section", kinematics="axisymmetric")
    fails(tmp_path, case, "needs the walls of a stack or of blocks", outer="coupled")
    loose = {**case, "boundary": case["boundary"][:2]}
    fails(tmp_path, loose, "still move along z")
    wrong = {**case, "boundary": [*case["boundary"], {"on": "z_mx", "pressure": 1.0}]}
    fails(tmp_path, wrong, r"no surface, line or set 'z_mx' \(did you mean 'z_max'")


def test_turned_material(tmp_path):
    """Free expansion of a turned orthotropic block, as the reference gives it."""
    case = next(c for c in DATA["topics"]["D1"]["open"] if c["id"] == "ortho-OR1-20_35_50")
    m = DATA["meta"]["materials"]["OR1"]
    turned = {
        "E": [m[f"E{i}"] / 1e3 for i in (1, 2, 3)],
        "nu": [m[f"nu{i}"] for i in ("12", "13", "23")],
        "G": [m[f"G{i}"] / 1e3 for i in ("12", "13", "23")],
        "cte": [m[f"a{i}"] * 1e6 for i in (1, 2, 3)],
        "euler": [float(v) for v in case["inputs"]["euler_zxz"]],
    }
    block = {**BLOCKS, "load": {"stress_free_temperature": 175.0, "temperature": 25.0}}
    block["block"] = [{"name": "a", "x": [0.0, 10.0], "y": [0.0, 8.0], "z": [0.0, 5.0], "material": turned}]
    block["boundary"] = [
        {"point": [0, 0, 0], "u_x": 0.0, "u_y": 0.0, "u_z": 0.0},
        {"point": [10, 0, 0], "u_y": 0.0, "u_z": 0.0},
        {"point": [0, 8, 0], "u_z": 0.0},
    ]
    found = results(tmp_path, block | probes((10, 0, 0), (0, 8, 0), (0, 0, 5)))
    free = case["result"]["free_strain"]
    for i, length in enumerate((10, 8, 5)):
        assert found["probes"][f"p{i}"]["u"][i] == pytest.approx(free[i] * length, rel=1e-8)


def test_what_is_refused(tmp_path):
    fails(tmp_path, BILAYER, "element: 'quad9' is not for 3d", kinematics="3d", element="quad9")
    fails(tmp_path, BILAYER, "is for imported meshes", kinematics="3d", element="tet10")
    fails(tmp_path, BILAYER, 'cell: needs kinematics = "3d"', cell="square")
    fails(tmp_path, BILAYER | probes((0, 60)), "p.*2 numbers; kinematics 3d needs 3", kinematics="3d")
    fails(
        tmp_path,
        BILAYER | {"corner": [{"name": "c", "at": [0, 0, 0]}]},
        "corner: not in three dimensions",
        kinematics="3d",
    )
    sloping = {**BILAYER["geometry"], "slope_height": 5.0, "slope_width": 10.0}
    fails(tmp_path, BILAYER | {"geometry": sloping}, "no sloping or curved layers", kinematics="3d")
    fails(tmp_path, {**BLOCKS, "model": {"kinematics": "plane-strain"}}, "needs x and y in every block")
    fails(tmp_path, staggered((-30.0, 30.0)), "is not < geometry.cell_radius|does not stand on")
    turned = {"angle": 30.0, "name": "p", "at": [0, 60]}
    fails(tmp_path, BILAYER | {"probe": [turned]}, r"probe.0.angle: goes with \[\[harmonic\]\] or \[board\]")
    plain = {"E": [10.0] * 3, "nu": [0.2] * 3, "G": [4.0] * 3, "cte": 5.0, "euler": [10.0, 0.0, 0.0]}
    fails(tmp_path, BILAYER | {"materials": {**BILAYER["materials"], "high": plain}}, "materials.high.euler: needs")
    inside = {**BLOCKS, "boundary": [*BLOCKS["boundary"][:3], {"z": 5.0, "pressure": 1.0}]}
    fails(tmp_path, inside, "no outer face at z = 5 um")


def test_results_are_written(tmp_path, capsys):
    path = tmp_path / "case.toml"
    path.write_text(tomli_w.dumps(BILAYER | {"model": {"kinematics": "3d"}, "mesh": {"size": 10.0, "growth": 4.0}}))
    assert main(["solve", str(path), "--out", str(tmp_path / "out"), "--quiet"]) == 0
    assert "post_root" in capsys.readouterr().out
    assert {p.name for p in (tmp_path / "out").iterdir()} == {
        "case.toml",
        "metrics.json",
        "fields.vtu",
        "figures",
        "report.html",
    }
    import meshio

    assert meshio.read(tmp_path / "out" / "fields.vtu").point_data["displacement"].shape[1] == 3
    again, _ = load_case(str(tmp_path / "out" / "case.toml"), [])
    assert again.model.element == "hex27"
    assert main(["mesh", str(path), "--to", str(tmp_path / "a.msh"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["element"] == "hex27"


def test_periodic_blocks(tmp_path):
    """A repeating body may be cut anywhere: shifting what lies on it changes no strain of the array; a turned
    orthotropic one expands freely, its shear too.
    """
    jumps = []
    for x, y in ((2.0, 2.0), (4.0, 3.0)):
        bump = {"name": "b", "x": [x, x + 4.0], "y": [y, y + 3.0], "z": [5.0, 7.0], "material": PI}
        case = {
            **BLOCKS,
            "load": {"stress_free_temperature": 150.0, "temperature": 25.0},
            "block": [BLOCKS["block"][0], bump],
            "mesh": {"size": 1.0},
            "boundary": [{"point": [0, 0, 0], "u_x": 0.0, "u_y": 0.0, "u_z": 0.0}],
        }
        found = results(tmp_path, case | probes((10, 0, 0), (0, 8, 0), (10, 8, 0)), outer="periodic", element="hex8")
        jumps.append([found["probes"][f"p{i}"]["u"] for i in range(3)])
        assert found["checks"]["energy"] < 1e-12
    assert np.ptp(jumps, axis=0).max() < 1e-10
    turned = {"E": [12.0, 40.0, 25.0], "nu": [0.1, 0.2, 0.25], "G": [5.0, 4.0, 6.0], "cte": [25.0, 8.0, 14.0]}
    case["block"] = [{**BLOCKS["block"][0], "material": {**turned, "euler": [30.0, 0.0, 0.0]}}]
    free = results(tmp_path, case | probes((10, 8, 5)), outer="periodic")["probes"]["p0"]
    c, s = np.cos(np.pi / 6), np.sin(np.pi / 6)
    strain = -125e-6 * np.array([25 * c * c + 8 * s * s, (25 - 8) * c * s, 25 * s * s + 8 * c * c, 14])
    assert free["u"] == pytest.approx(
        [10 * strain[0] + 8 * strain[1], 10 * strain[1] + 8 * strain[2], 5 * strain[3]], rel=1e-9
    )
    assert free["stress"]["von_mises"] < 1e-9
    fails(
        tmp_path,
        {**case, "boundary": [{"x": 10.0, "u_x": 0.1}, *case["boundary"]]},
        "which model.outer rules",
        outer="periodic",
    )
    fails(tmp_path, BILAYER, "periodic.* is for the walls of a square cell", kinematics="3d", outer="periodic")


COARSE = BILAYER | {"mesh": {"size": 8.0, "growth": 3.0, "around": 8}}


def test_a_lateral_load_takes_the_whole_cell(tmp_path):
    """A cell whose top is sheared has no plane of symmetry across: it is the harmonic n = 1 of the same body."""
    load = {"stress_free_temperature": 25.0, "temperature": 25.0}
    held = {"z": -100.0, "u_x": 0.0, "u_y": 0.0, "u_z": 0.0}
    case = COARSE | {"load": load} | probes((0, 0, 60), (0, 20, 50))
    pushed = [{"z": 60.0, "traction": [2.0, 0.0, 0.0]}, held]
    solid = results(tmp_path, case | {"boundary": pushed}, kinematics="3d", outer="free")
    waves = [
        {"n": 1, "z": 60.0, "traction": [2.0, -2.0, 0.0]},
        {"n": 1, "z": -100.0, "u_r": 0.0, "u_t": 0.0, "u_z": 0.0},
    ]
    flat = {"probe": [{"name": "p0", "at": [0, 60]}, {"name": "p1", "at": [20, 50], "angle": 90.0}], "harmonic": waves}
    plane = results(tmp_path, COARSE | {"load": load, "mesh": {"size": 4.0}} | flat, outer="free")
    shift = plane["probes"]["p0"]["u"][0]
    assert shift > 0.01
    assert solid["probes"]["p0"]["u"] == pytest.approx([shift, 0.0, 0.0], abs=0.01 * shift)
    assert solid["probes"]["p1"]["u"][0] == pytest.approx(-plane["probes"]["p1"]["u"][1], abs=0.01 * shift)
    assert max(solid["checks"].values()) < 1e-10


def test_turned_axes_take_the_whole_cell(tmp_path):
    """Axes turned one way and the other are mirror images of each other, and none of its own."""
    soft = {"E": [12.0, 40.0, 25.0], "nu": [0.1, 0.2, 0.25], "G": [5.0, 4.0, 6.0], "cte": [25.0, 8.0, 14.0]}
    found = []
    for turn, side in ((30.0, 1.0), (-30.0, -1.0)):
        low = {**soft, "euler": [turn, 0.0, 0.0]}
        case = COARSE | {"materials": {**BILAYER["materials"], "low": low}} | probes((35, side * 35, 10))
        model = {"kinematics": "3d", "cell": "square", "element": "hex8"}
        found.append(np.array(results(tmp_path, case, **model)["probes"]["p0"]["u"]) * (1.0, side, 1.0))
    assert found[0] == pytest.approx(found[1], abs=1e-9)
    place = {"cell": "chip", "place": [200.0, 150.0], "outer": "free"}
    wide = {**case, "geometry": {**BILAYER["geometry"], "cell_radius": 400.0}, "probe": []}
    with pytest.warns(FemsimWarning, match=r"low.euler: no mirror image of itself along x and y; the chip's"):
        results(tmp_path, wide, **{**model, **place})


def test_repeating_cells_in_half(tmp_path, monkeypatch):
    """A half of a cell that a quarter would do for repeats as the quarter does."""
    model = {"kinematics": "3d", "cell": "square", "element": "hex8", "outer": "periodic"}
    case = COARSE | probes((20, 10, 60))
    quarter = results(tmp_path, case, **model)["probes"]["p0"]["u"]
    monkeypatch.setattr("femsim.builders.solids.needed_part", lambda case: "half")
    assert results(tmp_path, case, **model)["probes"]["p0"]["u"] == pytest.approx(quarter, abs=1e-9)


def test_walls_aslant_carry_forces_in_programs(tmp_path):
    """The reactions of a hexagon's walls balance in every step."""
    steps = [{"name": "cool", "temperature": 25.0, "duration": 60.0}]
    case = COARSE | {"step": steps, "load": {"stress_free_temperature": 150.0}}
    found = results(tmp_path, case, kinematics="3d", cell="hexagonal", outer="fixed", element="hex8")
    assert max(found["checks"].values()) < 1e-10
