"""Blocks of a page (README.md, docs/pages) run in order in one directory, and what they show compared with what came.

``toml`` with a file name and ``file`` write a file, ``console`` runs commands (``femsim`` only, as in a shell, with ``> FILE``
and ``| head -N`` at the end), ``python`` goes on in one session per page, ``text`` is what the Python before it printed.
``sh`` names commands that are shown only: of installing, of clusters. Shown output may leave out parts by ``...``.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class Block(NamedTuple):
    """A fenced block: its language, the word after it, its text."""

    language: str
    info: str
    text: str


def blocks_of(text: str) -> list[Block]:
    """All fenced blocks of a page."""
    found = re.findall(r"^```(\w+)[ ]?(\S*)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    return [Block(*each) for each in found]


def same(wanted: str, got: str) -> bool:
    """Whether the output shown is the output that came; ``...`` stands for any text."""
    return doctest.OutputChecker().check_output(wanted, got, FLAGS)


def console(text: str) -> list[tuple[str, str]]:
    """Commands, each with the output shown below it."""
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)
    if parts[0]:
        raise ValueError(f"a console block starts with a command, not with {parts[0][:40]!r}")
    return [(command, output) for command, _, output in (part.partition("\n") for part in parts[1:])]


def femsim(command: str) -> str:
    """Run one femsim command in this process and give its standard output; raises RuntimeError where it fails."""
    from femsim.cli.main import main

    words = shlex.split(command, comments=True)
    if not words or words[0] != "femsim":
        raise ValueError(f"{command}: only femsim commands are run")
    target, lines = None, None
    if "|" in words:
        if words[-3:-1] != ["|", "head"]:
            raise ValueError(f"{command}: only `| head -N` is understood")
        words, lines = words[:-3], int(words[-1][1:])
    if ">" in words:
        if words[-2] != ">":
            raise ValueError(f"{command}: `> FILE` stands at the end")
        words, target = words[:-2], Path(words[-1])
    if words[1] == "view":  # where the graphics library does not find what it needs, it ends the process
        import femsim as package

        here = os.pathsep.join([str(Path(package.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
        place = {**os.environ, "PYTHONPATH": here.rstrip(os.pathsep)}
        done = subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True, check=False, env=place)
        if done.returncode != 0:
            raise RuntimeError(f"$ {command}\nends with {done.returncode}\n{done.stderr}")
        return done.stdout
    out, told = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(told):
        code = main(words[1:])
    if code != 0:
        raise RuntimeError(f"$ {command}\nends with {code}\n{told.getvalue()}")
    if target is not None:
        target.write_text(out.getvalue(), encoding="utf-8")
        return ""
    return out.getvalue() if lines is None else "\n".join(out.getvalue().splitlines()[:lines]) + "\n"


@contextlib.contextmanager
def inside(directory: Path) -> Iterator[None]:
    """The directory as the current one."""
    before = Path.cwd()
    os.chdir(directory)
    try:
        yield
    finally:
        os.chdir(before)


def run_page(text: str, directory: Path) -> None:
    """Run all blocks of a page in a directory. Raises RuntimeError where a command fails or shows something else."""
    session: dict[str, Any] = {"__name__": "__main__"}
    printed = ""
    with inside(directory):
        for block in blocks_of(text):
            match block.language:
                case "toml" | "file" if block.info:
                    Path(block.info).write_text(block.text, encoding="utf-8")
                case "toml" | "sh":
                    pass
                case "console":
                    for command, shown in console(block.text):
                        got = femsim(command)
                        if shown.strip() and not same(shown, got):
                            raise RuntimeError(f"$ {command}\nshown:\n{shown}\ngot:\n{got}")
                case "python":
                    out = io.StringIO()
                    with contextlib.redirect_stdout(out):
                        exec(compile(block.text, "<page>", "exec"), session)
                    printed = out.getvalue()
                case "text":
                    if not same(block.text, printed):
                        raise RuntimeError(f"shown:\n{block.text}\ngot:\n{printed}")
                case other:
                    raise ValueError(f"a block of {other!r} is not run")
