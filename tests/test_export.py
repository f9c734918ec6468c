"""Decks for other programs: CalculiX, run on them, gives the displacements that femsim gives."""

from __future__ import annotations

import shutil
import subprocess
import warnings

import numpy as np
import pytest

import femsim as fs
from femsim.cases.casefile import toml_value
from femsim.cli.main import main
from femsim.reports.deck import read_displacements, used_nodes

QUAD8 = {"mesh.size": 2.0, "mesh.growth": 2.5, "model.element": "quad8"}
ORTHOTROPIC = {"E": [3, 5, 9], "nu": [0.2, 0.3, 0.1], "G": [1, 2, 3], "cte": [10, 30, 60]}


PUSH = {"z": 90, "r": [0, 50], "pressure": 5}
SOLID = {"model.kinematics": "3d", "model.cell": "square"}


def options(values):
    return [part for key, value in values.items() for part in ("--set", f"{key}={toml_value(value)}")]


# CalculiX turns an axisymmetric element into a wedge of two degrees, which costs 1.5e-4
@pytest.mark.skipif(shutil.which("ccx") is None, reason="CalculiX is not installed")
@pytest.mark.parametrize(
    ("name", "values", "tolerance"),
    [
        ("bilayer", {}, 1e-4),
        ("staggered", {}, 1e-4),
        ("flipchip", {}, 3e-4),  # smeared rings are orthotropic
        ("rewired-chip", {}, 3e-4),
        ("le11", None, 3e-4),  # a field of temperature on an imported mesh
        ("bilayer", {"materials.low": ORTHOTROPIC, "materials.post.stress_free_temperature": 200}, 1e-4),
        ("bilayer", {"model.outer": "straight", "model.kinematics": "plane-strain"}, 5e-6),
        ("bilayer", {"model.outer": "free", "boundary": [PUSH, {"r": 150, "u_r": 0.3}]}, 1e-4),
        ("bilayer", {"boundary": [{"z": 90, "r": [0, 50], "u_z": "equal", "force": 0.01}]}, 1e-4),
        ("bilayer", {**SOLID, "model.element": "hex20", "mesh.around": 8}, 5e-6),
    ],
)  # fmt: skip
def test_calculix_agrees(name, values, tolerance, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    given = {"model.element": "quad8"} if values is None else {**QUAD8, **values}
    assert main(["export", name, "deck.inp", "--to", "calculix", "--quiet", *options(given)]) == 0
    done = subprocess.run(["ccx", "-i", "deck"], capture_output=True, text=True, check=False, timeout=120)
    assert "*ERROR" not in done.stdout, done.stdout[-2000:]
    run = fs.solve(name, given)
    u = run.run.solution.displacement
    used = used_nodes(run.model)
    other = read_displacements((tmp_path / "deck.dat").read_text(), *u.shape)
    assert np.abs(other - u)[used].max() < tolerance * np.abs(u).max()


def test_other_formats_and_elements(tmp_path, capsys):
    coarse = options({"mesh.size": 2.0, "mesh.growth": 2.5})
    for program, file in (("abaqus", "a.inp"), ("gmsh", "a.msh"), ("vtu", "a.vtu")):
        assert main(["export", "bilayer", str(tmp_path / file), "--to", program, "--quiet", *coarse]) == 0
    assert "quad8 (instead of quad9, which abaqus has not)" in capsys.readouterr().out
    text = (tmp_path / "a.inp").read_text()
    assert "TYPE=CAX8, ELSET=R1_CHIP" in text
    assert "*ELEMENT OUTPUT" in text
    for file in ("a.inp", "a.msh", "a.vtu"):
        read = fs.read_mesh(tmp_path / file).mesh
        assert len(read.regions) == 4
    assert fs.read_mesh(tmp_path / "a.msh").mesh.regions == fs.mesh("bilayer", {"mesh.size": 2.0}).regions


@pytest.mark.parametrize(
    ("values", "to", "file", "said"),
    [
        ({"model.kinematics": "generalized-plane-strain"}, "abaqus", "a.inp", "has no element in abaqus"),
        ({"materials.low": {**ORTHOTROPIC, "angle": 30.0}}, "calculix", "a.inp", "turned out of the axes"),
        ({"step": [{"name": "a", "temperature": 20.0}]}, "calculix", "a.inp", "are not exported"),
        ({"harmonic": [{"z": 90, "shift": 1.0}]}, "calculix", "a.inp", "vary around the axis"),
        ({}, "calculix", "a.msh", "writes .inp files"),
        ({}, "gmsh", "nowhere/a.msh", ""),
    ],
)
def test_what_cannot_be_written_is_said(values, to, file, said, tmp_path, capsys):
    given = {"mesh.size": 2.0, "mesh.growth": 2.5, **values}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        code = main(["export", "bilayer", str(tmp_path / file), "--to", to, "--quiet", *options(given)])
    captured = capsys.readouterr()
    assert code == 2
    assert said in captured.err
    assert not list(tmp_path.iterdir())
