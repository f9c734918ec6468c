"""Commands for many designs: sweep, sweep-report, optimise, jobscript."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from femsim.cli_text import out, out_json

COMMANDS = {
    "sweep": "run a study: thousands of designs, on all cores or on a cluster",
}


def add_parsers(commands: Any) -> None:
    """Add the commands of this module to a parser's sub-commands."""
    made = {name: commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.", allow_abbrev=False)
            for name, text in COMMANDS.items()}  # fmt: skip
    _sweep_parser(made["sweep"])


def dispatch(arguments: argparse.Namespace) -> int:
    """Run one of this module's commands; the exit code."""
    return {"sweep": sweep}[arguments.command](arguments)


def _sweep_parser(command: argparse.ArgumentParser) -> None:
    command.add_argument("study", metavar="STUDY", help="a study file (TOML), or the name of a shipped one")
    command.add_argument(
        "--out", metavar="DIR", help="the dataset's directory; the same command goes on where it stopped (default: STUDY's name)"
    )
    command.add_argument(
        "--set", dest="overrides", metavar="KEY=VALUE", action="append", default=[], help="override a key of the case, for all points"
    )
    command.add_argument("--workers", type=_positive, metavar="N", help="worker processes, one numerical thread each (default: all cores)")
    command.add_argument("--retry-failed", action="store_true", help="run failed points again, too")
    command.add_argument("--csv", action="store_true", help="write results.csv as well")
    command.add_argument("--json", action="store_true", help="one JSON document on standard output")
    command.add_argument("--quiet", action="store_true", help="no progress on standard error")


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not >= 1")
    return value


def sweep(arguments: argparse.Namespace) -> int:
    """Run a study."""
    from femsim.study.sweep import local_engine, open_study
    from femsim.study.sweep import sweep as run_sweep

    directory = Path(arguments.out or Path(arguments.study).stem)
    store = open_study(arguments.study, directory, arguments.overrides)
    outcome = run_sweep(store, local_engine(arguments.workers), arguments.retry_failed, arguments.csv, arguments.quiet)
    document = outcome.to_dict()
    if arguments.json:
        out_json(document)
        return 0
    failed = f", {outcome.failed} failed (their rows say why)" if outcome.failed else ""
    rate = f" in {outcome.elapsed:.1f} s, {document['rate']:.1f}/s" if document["rate"] else ""
    ran = f"{outcome.ran} run{rate}" if outcome.ran else "all there already, none run"
    out(f"{outcome.plan.name}: {document['points']} points, {ran}{failed}")
    out(_reuse_line(outcome.state.reuse))
    out(f"written to {outcome.results}")
    return 0


def _reuse_line(reuse: dict[str, int]) -> str:
    total = sum(reuse.values())
    if not total:
        return "re-use: none counted"
    return f"re-use: {reuse['factor']} points took over mesh and factor, {reuse['mesh']} the mesh, {reuse['none']} began anew"


def _worker(directory: str) -> None:
    """The life of a worker process of a sweep: messages on the streams that were standard input and output."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints must not disturb the messages
    from femsim.study.worker import serve

    try:
        serve(Path(directory), sys.stdin, channel)
    except Exception as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)  # no second flush of a channel that may be broken


if __name__ == "__main__":
    _worker(sys.argv[1])
