"""Process steps and sub-models against exact answers: births, eigenstrains and removals in laminates and rings; pieces
cut from a patch, a layered cylinder and a laminate.
"""

from __future__ import annotations

import json
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from femsim.base.errors import FemsimWarning
from femsim.cases.casefile import parse_case
from femsim.meshes.mesh import Mesh
from femsim.meshes.write import write_mesh
from femsim.reports.report import write_outputs
from femsim.runs.results import results_dict
from femsim.runs.run import run

REFERENCES = json.loads((Path(__file__).parent / "data" / "steps.json").read_text(encoding="utf-8"))
LAMINATES = [name for name, one in REFERENCES["D"].items() if "layers_bottom_to_top" in one["inputs"]]
RINGS = [name for name, one in REFERENCES["D"].items() if "layers_inside_out" in one["inputs"]]
IN = 1.0e-6  # um, how far inside a layer its face is read


def solved(data, base=None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FemsimWarning)
        return run(parse_case(data, "case.toml"), base)


def metal(layer):
    return {"E": layer["E"] / 1e3, "nu": layer["nu"], "cte": 1e6 * layer["alpha"]}


def steps_of(given):
    """Each reference step (go to T with all that is there; then remove; add; strain) as two steps: the temperature,
    then the rest at once. The first one says what is there from the start.
    """
    steps = []
    for number, step in enumerate(given):
        change = {"name": f"{number}", "duration": 0.0}
        if "T" in step and number:
            steps.append({"name": f"{number}: {step['T']:g} degC", "temperature": step["T"]})
        for key in ("remove", "add") if number else ():
            if key in step:
                change[key] = [f"l{k}" for k in step[key]]
        if "eig" in step:
            change["eigenstrain"] = {f"l{k}": value for k, value in step["eig"].items()}
        steps.append(change)
    return steps


def states(document, count):
    """The entries at the ends of the reference's steps."""
    found = {step["name"]: step for step in document["steps"]}
    return [found[str(number)] for number in range(count)]


@pytest.mark.parametrize("name", LAMINATES)
def test_laminates(name):
    """Stresses at both faces of every layer and the curvature after every step."""
    inputs, wanted = REFERENCES["D"][name]["inputs"], REFERENCES["D"][name]["result"]["states"]
    layers, gps = inputs["layers_bottom_to_top"], inputs["mechanics"] == "gps"
    faces = np.concatenate([[0.0], np.cumsum([layer["h"] for layer in layers])])
    x, y = ("x", "y") if gps else ("r", "z")
    blocks = [
        {"name": f"l{k}", x: [-60.0 if gps else 0.0, 60.0], y: [float(a), float(b)], "material": metal(layer)}
        for k, ((a, b), layer) in enumerate(zip(pairwise(faces), layers, strict=True))
    ]
    places = [(k, side) for k in range(len(layers)) for side in (0, 1)]
    hold = [{"point": [0.0, face], f"u_{y}": 0.0, "during": names} for face, names in _held(inputs, faces) if names]
    data = {
        "stack": "blocks",
        "block": blocks,
        "load": {"stress_free_temperature": inputs["steps"][0]["T"]},
        "model": {
            "outer": "coupled" if inputs["mechanics"] == "flat" else "straight",
            "element": "quad9",
            "kinematics": "generalized-plane-strain" if gps else "axisymmetric",
        },
        "mesh": {"size": 60.0, "largest": 60.0},
        "boundary": hold + ([{"x": 0.0, "u_x": 0.0}] if gps else []),
        "probe": [
            {"name": f"{k} {side}", "at": [20.0, float(faces[k + side] + (IN, -IN)[side])], "region": f"l{k}"}
            for k, side in places
        ],
        "step": steps_of(inputs["steps"]),
    }
    document = results_dict(solved(data))
    largest = max(abs(s) for state in wanted for one in state["layers"] for s in one["stress_x"])
    bent = max(abs(state["kappa_per_um"]) for state in wanted)
    for step, state in zip(states(document, len(wanted)), wanted, strict=True):
        there = {one["layer"] for one in state["layers"]}
        for k, side in places:
            probe = step["probes"][f"{k} {side}"]
            assert (probe is not None) == (k in there)
        for one in state["layers"]:
            for side in (0, 1):
                stress = step["probes"][f"{one['layer']} {side}"]["stress"]
                across = stress["zz" if gps else "tt"]
                assert stress["xx" if gps else "rr"] == pytest.approx(one["stress_x"][side], abs=2e-6 * largest)
                assert across == pytest.approx(one["stress_y"][side], abs=2e-6 * largest)
        if min(there) == 0 or name not in ("release-of-carrier", "wafer-thinning"):
            assert step["bow"]["curvature"] == pytest.approx(state["kappa_per_um"], abs=2e-6 * max(bent, 1e-8))


def _held(inputs, faces):
    """Where the body is held: at the foot of what is there throughout, or of what stays when a carrier is gone."""
    steps = steps_of(inputs["steps"])
    gone = {f"l{k}" for step in inputs["steps"] for k in step.get("remove", [])}
    last = next((k for k, step in enumerate(steps) if gone & set(step.get("remove", []))), len(steps))
    stays = min(k for k in range(len(faces) - 1) if f"l{k}" not in gone)
    names = [step["name"] for step in steps]
    return [(0.0, names[:last]), (float(faces[stays]), names[last:])]


@pytest.mark.parametrize("name", RINGS)
def test_rings(name):
    """Rings born inside out or outside in, in generalised plane strain along the axis."""
    inputs, wanted = REFERENCES["D"][name]["inputs"], REFERENCES["D"][name]["result"]["states"]
    faces, layers = inputs["faces_um"], inputs["layers_inside_out"]
    size = faces[-1] / (800.0 if name == "tsv-outside-in" else 400.0)
    height = 2.0 * size
    points = {one["layer"]: one["r"] for one in wanted[-1]["layers"]}
    data = {
        "stack": "blocks",
        "block": [
            {"name": f"l{k}", "r": list(span), "z": [0.0, height], "material": metal(layer)}
            for k, (span, layer) in enumerate(zip(pairwise(faces), layers, strict=True))
        ],
        "load": {"stress_free_temperature": inputs["steps"][0]["T"]},
        "model": {"element": "quad9"},
        "mesh": {"size": size, "growth": 1.2},
        "boundary": [{"z": 0.0, "u_z": 0.0}, {"z": height, "u_z": "equal"}],
        "probe": [
            {"name": f"{k} {i}", "at": [r, size], "region": f"l{k}"} for k in points for i, r in enumerate(points[k])
        ],
        "step": steps_of(inputs["steps"]),
    }
    document = results_dict(solved(data))
    largest = max(abs(s) for state in wanted for one in state["layers"] for row in one["stress"] for s in row)
    for step, state in zip(states(document, len(wanted)), wanted, strict=True):
        for one in state["layers"]:
            for i, row in enumerate(one["stress"]):
                stress = step["probes"][f"{one['layer']} {i}"]["stress"]
                assert [stress[c] for c in ("rr", "tt", "zz")] == pytest.approx(row, abs=2e-5 * largest)


def sides(first, second, axes, source="whole"):
    """The four sides of a box, each taking its displacement from a solved run."""
    (a, b), (c, d) = first, second
    x, y = axes
    lines = [(x, a, y, [c, d]), (x, b, y, [c, d]), (y, c, x, [a, b]), (y, d, x, [a, b])]
    return [{line: value, across: span, "from": source} for line, value, across, span in lines]


def written(data, directory):
    """A global model solved and written."""
    done = solved(data)
    (directory / "whole").mkdir()
    write_outputs(done, directory / "whole", lambda text: None, None)
    return results_dict(done)


def stresses(document, components):
    return np.array([[probe["stress"][c] for c in components] for probe in document["probes"].values()])


def test_a_piece_of_a_patch(tmp_path):
    """A uniform strain: the piece, of other elements, has the same stress and displacement."""
    one = REFERENCES["E"]["submodel-patch-plane-strain"]
    inputs, result = one["inputs"], one["result"]
    (a, b), gradient = inputs["global_um"], np.array(inputs["displacement_gradient"])
    material = {"E": inputs["E"] / 1e3, "nu": inputs["nu"], "cte": 0.0}

    def model(x, y, count, boundary, **more):
        return {
            "stack": "blocks",
            "block": [{"name": "a", "x": x, "y": y, "material": material}],
            "boundary": boundary,
            "model": {"kinematics": "plane-strain", "outer": "free"},
            "load": {"stress_free_temperature": 0.0, "temperature": 0.0},
            "mesh": {"size": count},
            "probe": [{"name": "p", "at": [45.0, 50.0]}],
            **more,
        }

    t = np.linspace(a, b, 11)
    x, y = np.meshgrid(t, t)
    points = np.column_stack([x.ravel(), y.ravel()])
    start = (np.arange(10)[:, None] * 11 + np.arange(10)).ravel()
    cells = np.column_stack([start, start + 1, start + 12, start + 11])
    lines = {
        "rim": np.array(
            [(k, k + 1) for k in range(10)]
            + [(110 + k, 111 + k) for k in range(10)]
            + [(11 * k, 11 * k + 11) for k in range(10)]
            + [(11 * k + 10, 11 * k + 21) for k in range(10)]
        )
    }
    mesh = Mesh(points, cells, "quad4", np.zeros(100, dtype=np.int64), ("a",), lines)
    moved = points @ gradient.T
    write_mesh(tmp_path / "whole.vtu", mesh, {"ux": moved[:, 0], "uy": moved[:, 1]})
    data = model([a, b], [a, b], 10.0, [{"on": "rim", "u_x": {"point_data": "ux"}, "u_y": {"point_data": "uy"}}])
    del data["block"], data["mesh"]
    data |= {"stack": "mesh", "mesh": {"file": "whole.vtu"}, "materials": {"a": material}}
    done = solved(data, tmp_path)
    (tmp_path / "whole").mkdir()
    write_outputs(done, tmp_path / "whole", lambda text: None, tmp_path)
    first, second = inputs["local_um"]
    document = results_dict(solved(model(first, second, 3.7, sides(first, second, ("x", "y"))), tmp_path))
    wanted = np.array(result["stress_xx_yy_zz_xy"])
    assert stresses(document, ("xx", "yy", "zz", "xy"))[0] == pytest.approx(wanted, abs=1e-9 * wanted.max())
    assert document["probes"]["p"]["u"] == pytest.approx(result["u_at_45_50_um"], abs=1e-10)


def test_a_ring_of_a_cylinder(tmp_path):
    """A ring cut from a layered cylinder in generalised plane strain along its axis."""
    one = REFERENCES["E"]["submodel-cylinder"]
    inputs, result = one["inputs"], one["result"]
    faces, (a, b), height = inputs["faces_um"], inputs["local_um"], 1.0
    materials = [
        {"E": e / 1e3, "nu": nu, "cte": 1e6 * alpha}
        for (e, nu), alpha in zip(inputs["E_nu"], inputs["alpha"], strict=True)
    ]

    def model(spans, boundary, probes):
        return {
            "stack": "blocks",
            "block": [{"name": f"l{k}", "r": span, "z": [0.0, height], "material": materials[k]} for k, span in spans],
            "boundary": boundary,
            "load": {"stress_free_temperature": 0.0, "temperature": inputs["dT"]},
            "mesh": {"size": 0.25, "growth": 1.2, "largest": 0.5},
            "probe": [
                {"name": f"{i}", "at": [p["r_um"], 0.5], "region": f"l{p['layer']}"} for i, p in enumerate(probes)
            ],
        }

    hold = [{"z": 0.0, "u_z": 0.0}, {"z": height, "u_z": "equal"}]
    written(model([(k, list(span)) for k, span in enumerate(pairwise(faces))], hold, []), tmp_path)
    cut = [(k, [max(r0, a), min(r1, b)]) for k, (r0, r1) in enumerate(pairwise(faces))]
    document = results_dict(solved(model(cut, sides((a, b), (0.0, height), ("r", "z")), result["points"]), tmp_path))
    wanted = np.array([p["stress"] for p in result["points"]])
    assert stresses(document, ("rr", "tt", "zz")) == pytest.approx(wanted, abs=1e-4 * np.abs(wanted).max())


def test_a_piece_of_a_laminate(tmp_path):
    """The middle of a bowed disc whose rim stays straight, from a height inside its lowest layer on."""
    one = REFERENCES["E"]["submodel-laminate"]
    inputs, result = one["inputs"], one["result"]
    faces, radius, low = inputs["z_faces_um"], inputs["local_r_um"], inputs["local_z_um"][0]
    materials = [
        {"E": e / 1e3, "nu": nu, "cte": 1e6 * alpha}
        for (e, nu), alpha in zip(inputs["E_nu"], inputs["alpha"], strict=True)
    ]

    def model(r, z, boundary, outer, size):
        return {
            "stack": "blocks",
            "block": [
                {"name": f"l{k}", "r": [0.0, r], "z": list(span), "material": materials[k]}
                for k, span in enumerate(pairwise(z))
            ],
            "boundary": boundary,
            "model": {"outer": outer},
            "load": {"stress_free_temperature": 0.0, "temperature": inputs["dT"]},
            "mesh": {"size": size, "largest": size},
            "probe": [
                {"name": f"{k} {i}", "at": [20.0, face], "region": f"l{k}"}
                for k, span in enumerate(pairwise(z))
                for i, face in enumerate(span)
            ],
        }

    hold = [{"point": [0.0, 0.0], "u_z": 0.0}]
    whole = written(model(inputs["global_radius_um"], faces, hold, "straight", 20.0), tmp_path)
    assert whole["bow"]["curvature"] == pytest.approx(result["kappa_per_um"], rel=1e-8)
    z = [low, *faces[1:]]
    around = [{"r": radius, "z": [low, faces[-1]], "from": "whole"}]
    around += [{"z": face, "r": [0.0, radius], "from": "whole"} for face in (low, faces[-1])]
    document = results_dict(solved(model(radius, z, around, "free", 15.0), tmp_path))
    wanted = []
    for k, layer in enumerate(result["layers"]):
        (z0, z1), (s0, s1) = layer["z_um"], layer["stress_x"]
        wanted += [s0 + (s1 - s0) * (face - z0) / (z1 - z0) for face in list(pairwise(z))[k]]
    found = stresses(document, ("rr",))[:, 0]
    assert found == pytest.approx(np.array(wanted), abs=1e-6 * np.abs(wanted).max())
