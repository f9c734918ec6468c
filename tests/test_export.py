"""Decks for other programs: CalculiX, run on them, gives the displacements that femsim gives."""

from __future__ import annotations

import shutil
import subprocess
import warnings

import numpy as np
import pytest

import femsim as fs
from femsim.builders.build import discretise, resolve_materials
from femsim.builders.program import plan_of
from femsim.cases.casefile import load_case, parse_case, toml_value
from femsim.cli.main import main
from femsim.reports.deck import read_displacements, used_nodes
from femsim.reports.deck_program import Written, program_deck
from femsim.solvers.march import Settings, march

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


PULL = {"z": 10, "u_z": {"steps": [0.05, 0.05]}}
NORTON = {"E": 50, "nu": 0.35, "cte": 20, "creep": {"norton": {"A": 1e-8, "n": 4, "Q": 30e3}}}
COLUMN = {
    "stack": "blocks",
    "block": [{"name": "ball", "r": [0, 10], "z": [0, 10], "material": NORTON}],
    "load": {"stress_free_temperature": 150},
    "model": {"element": "quad8"},
    "mesh": {"size": 5},
    "boundary": [{"z": 0, "u_z": 0}, PULL],
    "step": [
        {"name": "cool", "temperature": 25, "duration": 600, "increments": 10},
        {"name": "hold", "duration": 3600, "increments": 10},
    ],
}
HARD = {"plastic": {"yield": 100, "isotropic": {"linear": 2000}}}
VOCE = {"E": 120, "nu": 0.34, "cte": 17, "plastic": {"yield": 100, "isotropic": {"voce": {"Q": 50, "b": 100}}}}
COOLED = {"mesh.size": 4.0, "mesh.growth": 2.5, "model.element": "quad8", "metrics.length": 5}
DOWN = [{"name": "cool", "temperature": -40, "duration": 60, "increments": 4}]


@pytest.mark.skipif(shutil.which("ccx") is None, reason="CalculiX is not installed")
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("bilayer", {**COOLED, "materials.post": {"like": "copper", **HARD}, "step": DOWN}),
        ("column", COLUMN),
        ("column", {**COLUMN, "block": [{**COLUMN["block"][0], "material": VOCE}]}),
    ],
)  # fmt: skip
def test_calculix_agrees_on_what_flows(name, values, tmp_path):
    """The same mesh, law and increments of backward Euler: displacements at the ends of the steps to 1e-3."""
    if name == "column":
        case, base = parse_case(values, "column"), None
    else:
        case, origin = load_case(name, [f"{key}={toml_value(value)}" for key, value in values.items()])
        base = origin.base
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        disc = discretise(case, base)
        plan = plan_of(disc, resolve_materials(case, disc))
    text = program_deck(Written(plan.materials, plan.laws, plan.program), "flow", "calculix")
    assert "CAX8R" in text
    (tmp_path / "deck.inp").write_text(text)
    done = subprocess.run(["ccx", "-i", "deck"], capture_output=True, text=True, check=False, timeout=200, cwd=tmp_path)
    assert "Job finished" in done.stdout, done.stdout[-2000:]
    stages = list(march(plan.space, plan.materials, plan.laws, plan.program, Settings(extrapolate=False)))
    blocks = (tmp_path / "deck.dat").read_text().split("displacements")[1:]
    for stage, block in zip(stages, blocks[-len(stages) :], strict=True):
        u = stage.moment.unknowns[: plan.space.nodal].reshape(-1, 2)
        off = read_displacements(block, *u.shape) - u
        assert np.sqrt(np.nanmean(off**2) / np.mean(u**2)) < 1e-3
    flowed = [s["p"].max() + s["creep"].max() for parts in stages[-1].moment.states.values() for s in parts]
    assert max(flowed) > 1e-3


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
        ({"step": [{"name": "a", "remove": ["high"]}]}, "calculix", "a.inp", "births and removals are not exported"),
        ({"materials.post": {"like": "sac305", "anand": "library"}}, "calculix", "a.inp", "no other law"),
        (
            {"materials.post.plastic": {"yield": 90, "kinematic": [{"C": 5000, "gamma": 50}]}},
            "abaqus",
            "a.inp",
            "only the linear (gamma = 0) is exported",
        ),
        (
            {"materials.post.plastic": {"yield": 90, "kinematic": [{"C": 5000, "gamma": 0}]}},
            "calculix",
            "a.inp",
            "changes the",
        ),
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
