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
#: lines of an output that a page shows
LONGEST = 60
_FENCE = re.compile(r"^```(\w+) (\S+)$", flags=re.MULTILINE)
_BLOCK = re.compile(r"^```(\w+)[ ]?(\S*)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block: its language, the word after it, its text."""

    language: str
    info: str
    text: str


def blocks_of(text: str) -> list[Block]:
    """All fenced blocks of a page."""
    return [Block(*each) for each in _BLOCK.findall(text)]


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


def run_page(text: str, directory: Path) -> str:
    """Run all blocks of a page in a directory; the page with the whole output where it leaves out parts.

    Raises RuntimeError where a command fails or shows something else.
    """
    session: dict[str, Any] = {"__name__": "__main__"}
    printed = ""
    page, done = [], 0
    with inside(directory):
        for found in _BLOCK.finditer(text):
            block = Block(*found.groups())
            whole = block.text
            match block.language:
                case "toml" | "file" if block.info:
                    Path(block.info).write_text(block.text, encoding="utf-8")
                case "toml" | "sh":
                    pass
                case "console":
                    whole = "".join(f"$ {command}\n{_run(command, shown)}" for command, shown in console(block.text))
                case "python":
                    out = io.StringIO()
                    with contextlib.redirect_stdout(out):
                        exec(compile(block.text, "<page>", "exec"), session)
                    printed = out.getvalue()
                case "text":
                    if not same(block.text, printed):
                        raise RuntimeError(f"shown:\n{block.text}\ngot:\n{printed}")
                    whole = filled(block.text, printed)
                case other:
                    raise ValueError(f"a block of {other!r} is not run")
            page += [text[done : found.start(3)], whole]
            done = found.end(3)
    return "".join([*page, text[done:]])


def _run(command: str, shown: str) -> str:
    """Run a command and compare what it prints with what is shown; what a reader shall see of it."""
    got = femsim(command)
    if shown.strip() and not same(shown, got):
        raise RuntimeError(f"$ {command}\nshown:\n{shown}\ngot:\n{got}")
    return filled(shown, got)


def filled(shown: str, got: str) -> str:
    """What came where what is shown leaves out parts, without times and with ``...`` behind its first lines; what bears
    paths of this machine stays as it is shown.
    """
    if "..." not in shown or sys.prefix in got:
        return shown
    lines = [line for line in got.splitlines() if not line.startswith(("time:", "written"))]
    lines = "\n".join(lines).strip("\n").splitlines()
    rest = ["..."] if len(lines) > LONGEST else []
    return "".join(f"{line}\n" for line in [*lines[:LONGEST], *rest])


def titled(text: str) -> str:
    """The page with the names of its files above them: a block that begins with "toml post.toml" is none to mkdocs."""
    return _FENCE.sub(lambda found: f'```{"text" if found[1] == "file" else found[1]} title="{found[2]}"', text)
