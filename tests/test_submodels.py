"""Sub-models: the displacement of a solved run on a finer model's boundary gives the same stress inside."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from femsim.base.errors import FemsimWarning, InputError
from femsim.cases.casefile import parse_case
from femsim.reports.report import write_outputs
from femsim.runs.results import results_dict
from femsim.runs.run import run


def solve(data, base=None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FemsimWarning)
        return run(parse_case(data, "case.toml"), base)


def strip(x, y, boundary, kinematics="plane-strain", size=5.0, **more):
    axes = ("r", "z") if kinematics == "axisymmetric" else ("x", "y")
    return {
        "stack": "blocks",
        "block": [{"name": "a", axes[0]: x, axes[1]: y, "material": {"E": 120.0, "nu": 0.34, "cte": 17.0}}],
        "boundary": boundary,
        "model": {"kinematics": kinematics, "outer": "free"},
        "load": {"stress_free_temperature": 0.0, "temperature": 0.0},
        "mesh": {"size": size},
        **more,
    }


def sides(x, y, axes=("x", "y")):
    lines = [
        (axes[0], x[0], axes[1], y),
        (axes[0], x[1], axes[1], y),
        (axes[1], y[0], axes[0], x),
        (axes[1], y[1], axes[0], x),
    ]
    return [{line: value, across: list(span), "from": "whole"} for line, value, across, span in lines]


def test_a_bent_strip_gives_its_piece_the_same_stress(tmp_path):
    """A strip bent by a traction, exact in quadratic elements; its piece on another mesh, with another element."""
    held = [{"x": 0, "u_x": 0.0}, {"point": [0, 0], "u_y": 0.0}]
    data = strip([0, 100], [0, 20], [*held, {"x": 100, "traction": [30.0, 0.0]}, {"y": 20, "pressure": 4.0}], size=2.0)
    whole = solve({**data, "probe": [{"name": "p", "at": [50, 11]}]})
    (tmp_path / "whole").mkdir()
    write_outputs(whole, tmp_path / "whole", lambda text: None, None)
    piece = strip([35, 62], [5, 15], sides([35, 62], [5, 15]), size=1.3, probe=[{"name": "p", "at": [50, 11]}])
    found = results_dict(solve(piece, tmp_path))
    middle = results_dict(whole)
    for key, value in middle["probes"]["p"]["stress"].items():
        assert found["probes"]["p"]["stress"][key] == pytest.approx(value, abs=0.1)  # the largest stress is 300 MPa
    assert [entry["from"] for entry in found["cuts"]] == ["whole"] * 4
    assert max(entry["relative"] for entry in found["cuts"]) < 0.01


def test_the_temperature_inside_comes_from_the_run(tmp_path):
    """A cooled disc that is free; its piece takes the temperature too, and stays free of stress."""
    whole = strip([0, 50], [0, 20], [{"point": [0, 0], "u_z": 0.0}], "axisymmetric")
    whole["load"] = {"stress_free_temperature": 0.0, "temperature": -100.0}
    (tmp_path / "whole").mkdir()
    write_outputs(solve(whole), tmp_path / "whole", lambda text: None, None)
    piece = strip(
        [10, 30],
        [4, 12],
        sides([10, 30], [4, 12], ("r", "z")),
        "axisymmetric",
        2.0,
        probe=[{"name": "p", "at": [20, 8]}],
    )
    del piece["load"]["temperature"]  # the run says it
    found = results_dict(solve(piece, tmp_path))
    assert found["case"]["delta_t"] == -100.0
    assert abs(found["probes"]["p"]["stress"]["von_mises"]) < 1e-6
    assert found["probes"]["p"]["u"] == pytest.approx([-0.034, -0.0136], rel=1e-9)


def test_what_a_cut_cannot_be(tmp_path):
    whole = strip([0, 50], [0, 20], [{"x": 0, "u_x": 0.0}, {"y": 0, "u_y": 0.0}])
    (tmp_path / "whole").mkdir()
    with pytest.raises(InputError, match=r"boundary\.0\.from: whole: holds no case\.toml"):
        solve(strip([10, 30], [4, 12], sides([10, 30], [4, 12])), tmp_path)
    write_outputs(solve(whole), tmp_path / "whole", lambda text: None, None)
    with pytest.raises(InputError, match="um outside the body of whole"):
        solve(strip([10, 60], [4, 12], sides([10, 60], [4, 12])), tmp_path)
    with pytest.raises(InputError, match="whole is plane-strain, this case plane-stress"):
        solve(strip([10, 30], [4, 12], sides([10, 30], [4, 12]), "plane-stress"), tmp_path)
    with pytest.raises(InputError, match="from stands alone with a line"):
        solve(strip([10, 30], [4, 12], [{"x": 10, "from": "whole", "u_x": 0.0}]), tmp_path)


def test_a_round_piece_of_a_body_in_space(tmp_path):
    """A block in space under a uniform stress with all its parts; a cylinder cut out of it off the middle, as an
    axisymmetric model with harmonics, moves as it does and has its stress at every angle.
    """
    copper = {"E": 120.0, "nu": 0.34, "cte": 17.0}
    bent = strip([0, 40], [0, 20], [], "3d", 10.0)
    bent["block"] = [{"name": "a", "x": [0, 40], "y": [0, 30], "z": [0, 20], "material": copper}]
    bent["model"]["element"] = "hex27"
    stress = np.array([[30.0, 7.0, 4.0], [7.0, -11.0, 3.0], [4.0, 3.0, -5.0]])
    bent["boundary"] = [
        {"point": [0, 0, 0], "u_x": 0.0, "u_y": 0.0, "u_z": 0.0},
        {"point": [0, 30, 0], "u_x": 0.0, "u_z": 0.0},
        {"point": [0, 0, 20], "u_x": 0.0},
    ]
    for k, (axis, length) in enumerate((("x", 40), ("y", 30), ("z", 20))):
        bent["boundary"] += [
            {axis: length, "traction": stress[k].tolist()},
            {axis: 0, "traction": (-stress[k]).tolist()},
        ]
    angles = (0.0, 50.0, 200.0)
    r, z = 3.0, 4.0
    at = [[22 + r * float(np.cos(np.radians(a))), 13 + r * float(np.sin(np.radians(a))), 6 + z] for a in angles]
    whole = solve({**bent, "probe": [{"name": f"p{k}", "at": x} for k, x in enumerate(at)]})
    (tmp_path / "whole").mkdir()
    write_outputs(whole, tmp_path / "whole", lambda text: None, None)
    places = [{"r": 6, "z": [0, 8]}, {"z": 0, "r": [0, 6]}, {"z": 8, "r": [0, 6]}]
    cut = [{**place, "from": "whole", "centre": [22, 13, 6]} for place in places]
    probes = [{"name": f"p{k}", "at": [r, z], "angle": a} for k, a in enumerate(angles)]
    piece = strip([0, 6], [0, 8], cut, "axisymmetric", 2.0, probe=probes)
    found = results_dict(solve(piece, tmp_path))
    for k, angle in enumerate(angles):
        want, got = results_dict(whole)["probes"][f"p{k}"], found["probes"][f"p{k}"]
        c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        turn = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
        assert got["u"] == pytest.approx(turn @ want["u"], abs=1e-9)
        t = turn @ stress @ turn.T
        wanted = {"rr": t[0, 0], "tt": t[1, 1], "zz": t[2, 2], "rt": t[0, 1], "rz": t[0, 2], "tz": t[1, 2]}
        for key, value in wanted.items():
            assert got["stress"][key] == pytest.approx(value, abs=1e-6), key
    kinds = [(entry["n"], entry["odd"]) for entry in found["harmonics"]]
    assert kinds == [(0, True), (1, False), (1, True), (2, False), (2, True)]
    assert max(entry["misfit"] for entry in found["cuts"]) < 1e-9
    few = {**piece, "boundary": [{**one, "waves": 1} for one in cut]}
    with pytest.warns(FemsimWarning, match="1 waves around leave .* of how the displacement varies"):
        run(parse_case(few, "case.toml"), tmp_path)
    with pytest.raises(InputError, match="whole is 3d, this case axisymmetric; give centre"):
        solve({**piece, "boundary": [{**places[0], "from": "whole"}], "probe": []}, tmp_path)
    with pytest.raises(InputError, match=r"centre: 2 numbers; a run that is 3d needs 3"):
        solve({**piece, "boundary": [{**cut[0], "centre": [1, 2]}]}, tmp_path)
    with pytest.raises(InputError, match="um outside the body of whole"):
        solve({**piece, "boundary": [{**cut[0], "centre": [36, 13, 6]}]}, tmp_path)
