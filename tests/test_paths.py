"""``[[path]]`` of a case and the command ``path``; values beside harmonics."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest

import femsim as fs
from femsim.cli.main import main

COARSE = {"mesh.size": 0.1, "mesh.growth": 2.5}
SET = ["--set", "mesh.size=0.1", "--set", "mesh.growth=2.5", "--quiet"]
TWICE = '{name="a",start=[0,1],end=[1,1]}'
WALL = {"name": "wall", "start": [0, 45], "end": [150, 45], "n": 7}


@pytest.fixture(scope="module")
def run():
    return fs.solve("bilayer", {**COARSE, "path": [WALL, {"name": "axis", "start": [0, -300], "end": [0, 90], "n": 3}]})


def test_paths_of_a_case(run):
    document = json.loads(json.dumps(run.to_dict()))["paths"]
    wall = document["wall"]
    assert wall["region"] == ["post"] * 3 + ["low"] * 5
    assert wall["s"][2] == wall["s"][3] == pytest.approx(50.0)
    same = run.along((0, 45), (150, 45), n=7)
    assert wall["stress"]["zz"] == same["zz"].tolist()
    assert wall["u"] == same.displacement.tolist()
    assert run.paths["axis"].regions == ("chip", "chip", "chip", "post", "post")[: len(run.paths["axis"])]
    assert fs.load(run.case.to_dict()).checked == run.case.checked


def test_command(run, capsys, tmp_path):
    assert main(["path", "bilayer", "--start", "0,45", "--end", "150,45", "--n", "7", *SET]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [float(row["zz"]) for row in rows] == run.paths["wall"]["zz"].tolist()
    given = ["--region", "low", "--csv", str(tmp_path / "low.csv"), "--figure", str(tmp_path / "low.png")]
    assert main(["path", "bilayer", "--start", "0,45", "--end", "150,45", *given, *SET]) == 0
    assert {row["region"] for row in csv.DictReader((tmp_path / "low.csv").open())} == {"low"}
    assert (tmp_path / "low.png").read_bytes().startswith(b"\x89PNG")
    (tmp_path / "case.toml").write_text(run.case.to_toml(), encoding="utf-8")
    capsys.readouterr()
    assert main(["path", str(tmp_path), "--json", "--quiet"]) == 0  # a directory of results
    assert json.loads(capsys.readouterr().out)["paths"] == run.to_dict()["paths"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--start", "0,45"], "go together"),
        (["--start", "a,4", "--end", "1,2"], "is not a point"),
        (["--start", "500,1", "--end", "600,1"], "no part of it lies in the body"),
        ([], r"has no [[path]]"),
        (["--start", "0,45", "--end", "9,45", "--region", "pst"], "did you mean 'post'"),
        (["--start", "0,45", "--end", "9,45", "--n", "1"], "--n: 1 is not >= 2"),
        (["--start", "0,45,1", "--end", "9,45,1"], "--start: 3 numbers; a point of this body has 2"),
        (["--start", "0,45", "--end", "9,45", "--figure", "x.gif"], "is not one of .png, .svg, .pdf"),
        (
            ["--set", 'path=[{name="a",start=[0,1],end=[1,1]},{name="a",start=[0,1],end=[1,1]}]'],
            "two paths are named 'a'",
        ),
    ],
)
def test_bad_paths_are_one_line(given, said, capsys):
    assert main(["path", "bilayer", *given, *SET]) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.count("\n") == 1


def test_beside_harmonics_the_whole_field_at_an_angle():
    """As the probe at the same place and angle."""
    shift = {"n": 1, "z": 90, "u_r": 1.0, "u_t": -1.0, "u_z": 0.0}
    probe = {"name": "tip", "at": [20, 45], "angle": 40}
    path = {"name": "p", "start": [20, 45], "end": [30, 45], "n": 2, "angle": 40}
    run = fs.solve("bilayer", {**COARSE, "harmonic": [shift], "probe": [probe], "path": [path]})
    one = run.to_dict()["probes"]["tip"]
    found = run.stress.at([20, 45], angle=40)
    assert found.components == ("rr", "zz", "tt", "rz", "rt", "tz") == run.stress.components
    for name in found.components:
        assert found[name][0] == pytest.approx(one["stress"][name], rel=1e-9)
        assert run.to_dict()["paths"]["p"]["stress"][name][0] == pytest.approx(one["stress"][name], rel=1e-9)
    np.testing.assert_allclose(found.displacement[0], one["u"], rtol=1e-9)
