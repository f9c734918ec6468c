"""README.md is executed: files are written, commands and scripts run in order in one empty directory, shown output is
compared.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from femsim.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
sys.path.insert(0, str(ROOT / "docs"))
from running import blocks_of, same  # noqa: E402


def execute(command: list[str] | str, directory: Path) -> str:
    scripts = sysconfig.get_path("scripts")
    environment = {
        **os.environ,
        "PATH": f"{scripts}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "MPLBACKEND": "agg",
    }
    done = subprocess.run(
        command,
        cwd=directory,
        env=environment,
        shell=isinstance(command, str),
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def console(text: str) -> list[tuple[str, str]]:
    """Commands, each with the output shown below it."""
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)
    assert parts[0] == "", "a console block starts with a command"
    return [(command, output) for command, _, output in (part.partition("\n") for part in parts[1:])]


@pytest.mark.slow
def test_readme_does_what_it_says(tmp_path):
    script, shown = "", ""
    for block in blocks_of(README):
        match block.language:
            case "toml":
                (tmp_path / block.info).write_text(block.text, encoding="utf-8")
            case "console":
                for command, output in console(block.text):
                    got = execute(command, tmp_path)
                    assert same(output, got), f"$ {command}\nshown:\n{output}\ngot:\n{got}"
            case "python":  # one session: a later block builds on an earlier one
                before = shown
                script += block.text
                shown = execute([sys.executable, "-c", script], tmp_path)
                assert shown.startswith(before)
                printed = shown[len(before) :]
                assert printed
            case "text":
                assert same(block.text, printed), f"shown:\n{block.text}\ngot:\n{printed}"
            case "sh":
                assert block.info in {"install", "test"}
            case other:
                pytest.fail(f"a block of {other!r} is not executed")
    for path in ("cold-out/case.toml", "cold-out/metrics.json", "cold-out/fields.vtu", "cold-out/report.html"):
        assert (tmp_path / path).is_file()
    assert list((tmp_path / "cold-out").rglob("*.png"))
    assert list((tmp_path / "cold-out").rglob("*.svg"))


def test_installing_is_one_command_and_testing_is_one():
    commands = {block.info: block.text for block in blocks_of(README) if block.language == "sh"}
    assert set(commands) == {"install", "test"}
    for text in commands.values():
        assert len(text.splitlines()) == 1
        assert "pip --python .venv install" in text
    assert "femsim solve bilayer --out" in commands["install"]


def test_every_command_is_listed():
    listed = re.findall(r"^\| `femsim ([\w-]+)[^|]*\| [^|]*\|$", README, flags=re.MULTILINE)
    assert sorted(listed) == sorted(COMMANDS)


def test_local_links_lead_somewhere():
    for page in ("README.md", "CONTRIBUTING.md"):
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)\)", (ROOT / page).read_text(encoding="utf-8")):
            assert (ROOT / target).exists(), f"{page}: {target}"


def test_the_number_of_materials_is_the_librarys():
    from femsim.cases.library import list_materials

    stated = re.search(r"A library of (\d+) packaging materials", README)
    assert stated is not None
    assert int(stated[1]) == len(list_materials())
