"""A Slurm script for one large case: all cores of a task for its linear algebra."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from femsim.base.errors import InputError
from femsim.cases.casefile import load_case
from femsim.cases.wording import show
from femsim.study.slurm import Site, environment, header


def job_script(case: str, site: Site, overrides: Sequence[str] = (), out: str | None = None) -> str:
    """The text of a script that solves a case and writes its results into a directory. Raises InputError for a bad
    case.
    """
    found, origin = load_case(case, overrides)
    name = found.name or origin.stem
    for what, text in (("name", name), ("--out", out or ""), ("CASE", case), *(("--set", o) for o in overrides)):
        if not all(c.isprintable() or (what == "--set" and c in "\n\t") for c in text):
            raise InputError(f"{what}: {show(text)} holds a line break, or a character that is not text")
    source = str(origin.path.resolve()) if Path(case).exists() else case
    target = out or f"{name}-results"
    python = shlex.quote(site.python or sys.executable)
    changes = "".join(f" --set {shlex.quote(o)}" for o in overrides)
    return "\n".join(
        [
            *header(site, f"femsim-{name}", Path("%x-%j.out"), "01:00:00"),
            *environment(site, "${SLURM_CPUS_PER_TASK:-1}"),
            "# results appear whole or not at all, so the job may be requeued at any moment",
            f"exec {python} -P -m femsim solve {shlex.quote(source)}{changes} --out {shlex.quote(target)} --quiet",
            "",
        ]
    )
