"""A Slurm script for one large case: all cores of a task for its linear algebra."""

from __future__ import annotations

import math
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from femsim.base.errors import InputError
from femsim.cases.case import Case
from femsim.cases.casefile import load_case
from femsim.cases.wording import show
from femsim.runs.run import mesh_only
from femsim.solvers.factor import choose_backend
from femsim.solvers.memory import solve_bytes
from femsim.study.slurm import Site, environment, header

#: unknowns from which a factorisation gains by more cores, and how many it is given
CORES = ((0, 1), (50_000, 2), (200_000, 4), (1_000_000, 8))
#: bytes that Python, its libraries and the figures take beside a solve; how many times the estimate is asked for
BESIDE, SPARE = 0.6e9, 1.3


@dataclass(frozen=True)
class Needs:
    """What a case's solve needs: unknowns, bytes at the peak, cores that help."""

    unknowns: int
    memory: float
    cores: int


def needs_of(case: Case, base: Path | None) -> Needs:
    """Mesh a case and foretell its solve (:func:`femsim.solvers.memory.solve_bytes`) with the backend found here.

    A case that flows holds states and two systems beside it: twice as much. Raises InputError as meshing does.
    """
    disc = mesh_only(case, base)
    mesh = disc.mesh
    width = mesh.dim
    condensed = width * len(mesh.cells) if mesh.info.middle is not None else 0
    n = max(width * len(mesh.points) - condensed, 1)
    backend = choose_backend(None, n, mesh.dim)
    memory = solve_bytes(len(mesh.cells), width * mesh.info.nodes, n, backend, mesh.dim)
    flows = bool(case.step) or case.cycle is not None
    cores = max(count for least, count in CORES if n >= least)
    return Needs(n, BESIDE + SPARE * memory * (2.0 if flows else 1.0), cores)


def job_script(case: str, site: Site, overrides: Sequence[str] = (), out: str | None = None) -> str:
    """The text of a script that solves a case and writes its results into a directory; memory and cores are those that
    its model needs, unless the site says others. Raises InputError for a bad case.
    """
    found, origin = load_case(case, overrides)
    name = found.name or origin.stem
    for what, text in (("name", name), ("--out", out or ""), ("CASE", case), *(("--set", o) for o in overrides)):
        if not all(c.isprintable() or (what == "--set" and c in "\n\t") for c in text):
            raise InputError(f"{what}: {show(text)} holds a line break, or a character that is not text")
    need = needs_of(found, origin.base)
    asked: dict[str, object] = {} if "cpus" in site.model_fields_set else {"cpus": need.cores}
    if site.memory is None:
        asked["memory"] = f"{math.ceil(need.memory / 1e9)}G"
    site = site.model_copy(update=asked)
    source = str(origin.path.resolve()) if Path(case).exists() else case
    target = out or f"{name}-results"
    python = shlex.quote(site.python or sys.executable)
    changes = "".join(f" --set {shlex.quote(o)}" for o in overrides)
    return "\n".join(
        [
            *header(site, f"femsim-{name}", Path("%x-%j.out"), "01:00:00"),
            f"# {need.unknowns} unknowns: about {need.memory / 1e9:.1f} GB at the peak, "
            f"{'1 core helps' if need.cores == 1 else f'{need.cores} cores help'}",
            *environment(site, "${SLURM_CPUS_PER_TASK:-1}"),
            "# results appear whole or not at all, so the job may be requeued at any moment",
            f"exec {python} -P -m femsim solve {shlex.quote(source)}{changes} --out {shlex.quote(target)} --quiet",
            "",
        ]
    )
