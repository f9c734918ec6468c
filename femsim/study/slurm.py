"""The Slurm engine: an array job over chunks of points, and a job that collects them when all have ended, however they
ended.

The scripts are plain files in ``DIR/slurm``: ``submit.sh`` submits them, by hand or with ``--submit``. A task runs the
local engine over its chunk, leaves out points that have a row already and writes parts under unique names, so it can be
killed, requeued or run twice. The collection job compacts the dataset; points that are missing then (a node died) are
submitted again, a limited number of times.
"""

from __future__ import annotations

import json
import math
import os
import re
import secrets
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError

from femsim.base.errors import InputError, NumericsError
from femsim.base.files import atomic_write
from femsim.cases.casefile import read_toml, show_file
from femsim.cases.keys import Strict
from femsim.cases.wording import dotted, first_finding, show
from femsim.study.local import run_local
from femsim.study.meter import Meter
from femsim.study.order import profitable_order
from femsim.study.store import Store
from femsim.study.worker import THREAD_VARIABLES

#: seconds of work in a task: a scheduler starts about one task a second, so shorter tasks wait for it
TASK_SECONDS = 300.0
#: points run at once to learn what a point costs
PILOT = 3
#: array size where the scheduler does not tell (its own default)
ARRAY = 1001


def _printable(text: str) -> str:
    """Refuse what would end the line of a script it stands on."""
    bad = next((c for c in text if not c.isprintable()), None)
    if bad is not None:
        raise ValueError(f"{show(text)} holds {'a line break' if bad in _BREAKS else 'a character that is not text'}")
    return text


def _word(pattern: str, example: str) -> AfterValidator:
    """A check for a text of a pattern, which needs no quotes in a script."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, _printable(text)):
            raise ValueError(f"{show(text)} is not of the form Slurm knows, e.g. {example}")
        return text

    return AfterValidator(check)


def _lines(text: str) -> str:
    """Shell lines may be several; other characters that are not text have no place in them."""
    for line in text.splitlines():
        _printable(line.replace("\t", " "))
    return text


def _option(text: str) -> str:
    if not _printable(text).startswith("-"):
        raise ValueError(f"{show(text)} is not an option of sbatch, e.g. --constraint=avx2")
    return text


_BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
_Name = Annotated[str, _word(r"[\w@.,+:/-]+", "debug")]


class Site(Strict):
    """What a cluster wants to know; a site profile is a TOML file with these keys under ``[slurm]``.

    All of it becomes lines of shell scripts, so nothing is taken that could end its line or be read as more than one
    word; ``setup`` alone is shell.
    """

    account: _Name | None = None
    partition: _Name | None = None
    qos: _Name | None = None
    time: Annotated[str, _word(r"[\d:-]+|(?i:infinite|unlimited)", "00:30:00")] | None = Field(
        default=None, description="limit of a task, e.g. 00:30:00 (default: four times the work in it)"
    )
    memory: Annotated[str, _word(r"\d+[KMGTkmgt]?", "2G")] | None = Field(
        default=None, description="of a task, e.g. 2G"
    )
    cpus: int = Field(default=1, ge=1, description="of a task; each runs a worker process")
    at_once: int | None = Field(default=None, ge=1, description="array tasks that may run at the same time")
    python: Annotated[str, AfterValidator(_printable)] | None = Field(
        default=None, min_length=1, description="interpreter on the nodes (default: this one)"
    )
    setup: list[Annotated[str, AfterValidator(_lines)]] = Field(
        default_factory=list, description="shell lines before the work, e.g. module load python"
    )
    options: list[Annotated[str, AfterValidator(_option)]] = Field(
        default_factory=list, description='further #SBATCH options, e.g. "--constraint=avx2"'
    )


@dataclass(frozen=True)
class Jobs:
    """What was written, and submitted: job numbers are empty if nothing was."""

    directory: Path
    tasks: int
    chunk: int
    points: int
    submitted: tuple[str, ...] = ()


def read_site(path: str | Path | None, **given: Any) -> Site:
    """A site profile (default: the file FEMSIM_SITE names) with options on top. Raises InputError for what it cannot
    say.
    """
    source = path or os.environ.get("FEMSIM_SITE")
    data: dict[str, Any] = {}
    if source:
        data = read_toml(Path(source)).get("slurm", {})
        if not isinstance(data, dict):
            raise InputError(f"{show_file(source)}: slurm: {show(data)} is not a table; [slurm] begins one")
    merged = {**data, **{k: v for k, v in given.items() if v is not None}}
    try:
        return Site.model_validate(merged)
    except ValidationError as error:
        finding = first_finding(error, merged, Site)
        file = show_file(source) if source else "--engine slurm"
        option = str(finding.path[0]) if finding.path else ""
        where = f"--{option}" if given.get(option) is not None else f"{file}: slurm.{dotted(finding.path)}"
        raise InputError(f"{where}: {finding.text}") from None


def check_place(directory: Path) -> None:
    """Raise InputError where a directory cannot stand in a script: it ends the line, or is no text."""
    place = str(directory.resolve())
    try:
        _printable(place)
    except ValueError as error:
        raise InputError(f"--out: {error}; the scripts of --engine slurm cannot name it") from None
    if "\\" in place:  # seen with Slurm 22.05: the job fails, since slurmd takes it out of the name of the log
        raise InputError(f"--out: {show(place)} holds a backslash, which Slurm cannot name")


def header(site: Site, name: str, log: Path, time: str | None = None, *more: str) -> list[str]:
    """The #SBATCH lines of a script. sbatch takes quotes and backslashes in them as a shell does, and %% for a percent
    sign in a file's name (its manual, "filename pattern").
    """
    safe = re.sub(r"[^\w.-]+", "-", name)[:40]
    place = str(log.parent).replace("%", "%%").replace('"', '\\"')
    options = [f"--job-name={safe}", f'--output="{place}/{log.name}"', "--requeue", f"--cpus-per-task={site.cpus}"]
    options += [f"--{k}={v}" for k, v in (("account", site.account), ("partition", site.partition), ("qos", site.qos),
                                          ("time", site.time or time), ("mem", site.memory)) if v]  # fmt: skip
    return ["#!/bin/bash", *(f"#SBATCH {o}" for o in [*options, *more, *site.options])]


def environment(site: Site, threads: str = "1") -> list[str]:
    """Shell lines that pin the numerical threads, find femsim and prepare the node."""
    package = str(Path(__file__).resolve().parents[2])
    pins = [f"export {name}={threads}" for name in THREAD_VARIABLES]
    return ["set -u", *site.setup, *pins, f'export PYTHONPATH={shlex.quote(package)}"${{PYTHONPATH:+:$PYTHONPATH}}"']


def prepare(
    store: Store,
    points: Sequence[int],
    site: Site,
    chunk: int | None = None,
    rounds: int = 2,
    retry_failed: bool = False,
) -> Jobs:
    """Write the scripts for points without a row, with ``retry_failed`` for those that failed, too; runs a few of them
    first where nothing says yet what a point costs. By a reduced basis all are one task.
    """
    points = list(points)
    check_place(store.directory)
    if store.plan.reduced:
        chunk = max(len(points), 1)
    if chunk is None:
        seconds = store.state().seconds
        if seconds is None:
            pilot = [points[i * (len(points) - 1) // max(PILOT - 1, 1)] for i in range(min(PILOT, len(points)))]
            run_local(store, sorted(set(pilot)), 1)
            finished = store.state().finished
            points = [p for p in points if p not in finished]
            seconds = store.state().seconds or 1.0
        chunk = max(1, math.ceil(TASK_SECONDS * site.cpus / max(seconds, 1e-3)))
    ordered = profitable_order(store.plan.keys, store.plan.rows, points)
    chunks = [ordered[i : i + chunk] for i in range(0, len(ordered), chunk)]
    work = store.directory / "slurm"
    work.mkdir(exist_ok=True)
    (work / "log").mkdir(exist_ok=True)
    token = secrets.token_hex(4)
    atomic_write(work / f"chunks-{token}.json", json.dumps({"retry_failed": retry_failed, "chunks": chunks}))
    cost = store.state().seconds
    limit = _clock(max(600.0, 4.0 * chunk * cost / site.cpus)) if cost and not store.plan.reduced else None
    python = shlex.quote(site.python or sys.executable)
    where = shlex.quote(str(store.directory.resolve()))
    size = array_limit()
    scripts: list[str] = []
    for start in range(0, len(chunks), size):
        count = min(size, len(chunks) - start)
        throttle = f"%{site.at_once}" if site.at_once else ""
        lines = [
            *header(
                site,
                f"femsim-{store.plan.name}",
                work.resolve() / "log" / "%A_%a.out",
                limit,
                f"--array=0-{count - 1}{throttle}",
            ),
            *environment(site),
            f"exec {python} -P -m femsim.cli.study task {where} chunks-{token}.json $((SLURM_ARRAY_TASK_ID + {start}))",
        ]
        scripts.append(f"array-{token}-{start}.sh")
        atomic_write(work / scripts[-1], "\n".join(lines) + "\n")
    single = site.model_copy(update={"cpus": 1})
    collect = [
        *header(single, f"femsim-{store.plan.name}-collect", work.resolve() / "log" / "%j.out", "00:30:00"),
        *environment(site),
        f"exec {python} -P -m femsim.cli.study collect {where} {rounds}",
    ]
    atomic_write(work / f"collect-{token}.sh", "\n".join(collect) + "\n")
    atomic_write(work / "site.json", site.model_dump_json(exclude_none=True))
    top = ["#!/bin/bash", "# submits the tasks, and the job that collects their rows when all have ended", "set -eu"]
    top.append(f"cd {shlex.quote(str(work.resolve()))}")
    submit = [*top, "after="]
    for script in scripts:
        submit += [f"job=$(sbatch --parsable {script}); job=${{job%%;*}}; echo $job; after=$after:$job"]
    submit += [f"job=$(sbatch --parsable --dependency=afterany$after collect-{token}.sh); echo ${{job%%;*}}"]
    if not scripts:
        submit = [*top, f"sbatch --parsable collect-{token}.sh"]
    atomic_write(work / "submit.sh", "\n".join(submit) + "\n")
    return Jobs(work, len(chunks), chunk, len(points))


def submit(jobs: Jobs) -> Jobs:
    """Hand the scripts to Slurm. Raises InputError where it refuses them."""
    if shutil.which("sbatch") is None:
        raise InputError(
            f"--submit: sbatch is not on this machine; the scripts are in {jobs.directory}: bash submit.sh where it is"
        )
    done = subprocess.run(["bash", str(jobs.directory / "submit.sh")], capture_output=True, text=True, check=False)
    if done.returncode:
        text = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        raise InputError(f"--submit: Slurm refused the job: {text[:300]}")
    return Jobs(jobs.directory, jobs.tasks, jobs.chunk, jobs.points, tuple(done.stdout.split()))


def run_task(store: Store, chunks: str, number: int) -> int:
    """One array task: the points of its chunk that have no row yet (or a failed one, where those are wanted again); how
    many it ran.
    """
    job = json.loads((store.directory / "slurm" / chunks).read_text(encoding="utf-8"))
    missing = set(store.missing(store.state(), job["retry_failed"]))
    left = [p for p in job["chunks"][number] if p in missing]
    workers = int(os.environ.get("SLURM_CPUS_PER_TASK", "1"))
    meter = Meter(len(left), quiet=True)
    if left and store.plan.reduced:
        from femsim.study.reduced import reduced_engine

        reduced_engine(workers, lambda text: None)(store, left, meter)
    else:
        run_local(store, left, workers, meter)
    return len(left)


def collect(store: Store, rounds: int) -> str:
    """Compact the dataset, or submit what is missing once more; what was done, in words."""
    from femsim.study.sweep import finish

    missing = store.missing(store.state())
    if not missing:
        with store.locked():
            return f"{finish(store).results}: {len(store.plan.rows)} rows"
    if rounds <= 0:
        raise NumericsError(
            f"{store.directory}: {len(missing)} points have no row after all rounds; run the sweep again to submit them"
        )
    site = Site.model_validate_json((store.directory / "slurm" / "site.json").read_text(encoding="utf-8"))
    jobs = submit(prepare(store, missing, site, rounds=rounds - 1))
    return f"{len(missing)} points had no row; submitted again as {', '.join(jobs.submitted)}"


def array_limit() -> int:
    """How many tasks one array may have here."""
    if shutil.which("scontrol"):
        done = subprocess.run(["scontrol", "show", "config"], capture_output=True, text=True, check=False, timeout=30)
        found = re.search(r"MaxArraySize\s*=\s*(\d+)", done.stdout)
        if found and int(found[1]) > 1:
            return int(found[1]) - 1
    return ARRAY - 1


def _clock(seconds: float) -> str:
    minutes = math.ceil(seconds / 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:00"
