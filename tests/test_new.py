"""New cases and shell completion."""

from __future__ import annotations

import json
import shutil
import subprocess
import tomllib

import pytest

from femsim.cases.case import CASE_TYPES
from femsim.cases.casefile import load_case, parse_case
from femsim.cli.main import COMMANDS, main


@pytest.mark.parametrize("stack", CASE_TYPES)
def test_a_new_case_reads_as_the_shipped_one_and_says_what_keys_mean(stack, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["new", stack]) == 0
    text = (tmp_path / f"{stack}.toml").read_text(encoding="utf-8")
    case = load_case(tmp_path / f"{stack}.toml")[0]
    if stack not in ("blocks", "mesh"):
        assert case == load_case(stack)[0]
        assert case.model_dump() == load_case(stack)[0].model_dump()
    assert text.startswith("#:schema ./femsim-case.schema.json\n")
    assert json.loads((tmp_path / "femsim-case.schema.json").read_text())["title"] == "femsim case file"
    assert "size" in text or stack == "mesh"
    assert "stress_free_temperature" in text
    assert "  # " in text
    assert max(map(len, text.splitlines())) < 220
    assert main(["new", stack]) == 2
    assert "is there already" in capsys.readouterr().err
    assert main(["new", stack, "--force"]) == 0


def test_a_new_case_solves(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["new", "blocks", "--out", "own.toml"]) == 0
    assert main(["solve", "own.toml", "--set", "mesh.size=0.5", "--set", "mesh.growth=2", "--json", "--quiet"]) == 0
    assert "post_root" in capsys.readouterr().out
    assert main(["new", "--from", "le11"]) == 0  # with its mesh
    assert main(["mesh", "le11.toml", "--quiet"]) == 0


def test_bad_requests(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for given, said in (
        (["bilayr"], "did you mean 'bilayer'"),
        ([], "name a stack"),
        (["bilayer", "--from", "bilayer"], "name a stack"),
        (["--from", "nothing"], "no shipped case"),
        (["bilayer", "--out", "no/where.toml"], "cannot be written"),
    ):
        assert main(["new", *given]) == 2
        assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
    assert main(["new", "bilayer", "--out", "-"]) == 0
    parse_case(tomllib.loads(capsys.readouterr().out), "case")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_valid_and_knows_all_commands(shell, capsys, tmp_path):
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    for word in (*COMMANDS, "--vary" if shell != "fish" else "-l vary", "bilayer", "copper"):
        assert word in script
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    path = tmp_path / "femsim"
    path.write_text(script, encoding="utf-8")
    subprocess.run([shell, "-n", str(path)], check=True)
    if shell == "bash":
        ask = f'. {path}; COMP_WORDS=(femsim solve --t); COMP_CWORD=2; _femsim; echo "${{COMPREPLY[@]}}"'
        done = subprocess.run(["bash", "-c", ask], check=True, capture_output=True, text=True)
        assert done.stdout.split() == ["--tol"]


def test_keys_of_studies_as_text(capsys):
    assert main(["schema", "study", "--text"]) == 0
    shown = capsys.readouterr().out
    for word in ("[study]", "[[parameter]]", "[optimise]", "design", "outputs", "what it is"):
        assert word in shown
    assert main(["schema", "--text"]) == 2
    assert "femsim stacks NAME" in capsys.readouterr().err
