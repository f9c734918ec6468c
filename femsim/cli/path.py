"""Command ``path``: displacement and stress along a line."""

from __future__ import annotations

import argparse
import contextlib
import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from femsim.base.errors import InputError
from femsim.cli.options import add_json, add_quiet, add_set, subcommand
from femsim.cli.text import out, out_json, table

if TYPE_CHECKING:
    from femsim.runs.readings import Readings

COMMANDS = {"path": "displacement and stress along a line, both sides of every interface: CSV, JSON, figure"}


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add ``path`` to the command line."""
    command = subcommand(commands, "path", COMMANDS)
    command.add_argument(
        "case", metavar="CASE", help="a case file, the name of a shipped case, or a directory of results (solved again)"
    )
    command.add_argument("--start", metavar="X,Y", help="where it begins, um; without it: the case's [[path]] entries")
    command.add_argument("--end", metavar="X,Y", help="where it ends, um")
    command.add_argument("--region", metavar="NAME", help="one side alone (default: all that it passes)")
    command.add_argument(
        "--n", metavar="N", type=int, default=200, help="even points (default 200); interfaces are added"
    )
    command.add_argument("--angle", metavar="DEGREES", type=float, default=0.0, help="beside [[harmonic]]")
    add_set(command)
    command.add_argument(
        "--csv",
        metavar="FILE",
        help="write the rows there, in um and MPa (default: print them; on a terminal few of them)",
    )
    command.add_argument("--figure", metavar="FILE", help="draw the stresses: .png, .svg or .pdf")
    add_json(command)
    add_quiet(command)


def path(arguments: argparse.Namespace) -> None:
    """Solve a case and show its paths."""
    from femsim.base.files import atomic_write, check_file
    from femsim.base.progress import Progress
    from femsim.cases.casefile import load_case, toml_value

    if (arguments.start is None) != (arguments.end is None):
        raise InputError("path: --start and --end go together")
    given = list(arguments.overrides)
    source = Path(arguments.case)
    if source.is_dir():
        source = source / "case.toml"
    if arguments.start is not None:
        entry = {"name": "path", "start": _point("--start", arguments.start), "end": _point("--end", arguments.end)}
        entry |= {"n": arguments.n, "angle": arguments.angle}
        if arguments.region is not None:
            entry["region"] = arguments.region
        given.append(f"path={toml_value([entry])}")
    if arguments.figure is not None:
        check_file(arguments.figure, "--figure", (".png", ".svg", ".pdf"))
    if arguments.csv is not None:
        check_file(arguments.csv, "--csv")
    with _as_options() if arguments.start is not None else contextlib.nullcontext():
        case, origin = load_case(source, given)
    if not case.path:
        raise InputError(f"{case.name}: has no [[path]]; give one there, or --start and --end")
    named = _as_options() if arguments.start is not None else contextlib.nullcontext()
    with named, Progress(quiet=arguments.quiet) as progress:
        progress("loading")
        from femsim.runs.readings import paths_of
        from femsim.runs.run import run
        from femsim.solvers.factor import warm_up

        warm_up()
        found = paths_of(run(case, origin.base, progress, frozenset()))
        if arguments.figure is not None:
            from femsim.reports.plots.path import path_figure

            progress("drawing")
            picture = path_figure(found)
            picture.savefig(arguments.figure)
    rows = csv_text(found)
    if arguments.csv is not None:
        atomic_write(arguments.csv, rows)
    if arguments.json:
        out_json({"case": case.name, "paths": {name: one.to_dict() for name, one in found.items()}})
    elif arguments.csv is None and arguments.figure is None:
        out(_few(found) if sys.stdout.isatty() else rows)
    else:
        out(f"written: {', '.join(str(f) for f in (arguments.csv, arguments.figure) if f is not None)}")


@contextlib.contextmanager
def _as_options() -> Iterator[None]:
    """Let errors speak of the options by which a path was given, not of the entry made of them."""
    try:
        yield
    except InputError as error:
        text = re.sub(r"^(?:.*: )?path\.0(?:\.(start|end|n|angle|region)(?:\.\d)?)?: ", _option, str(error))
        raise InputError(text if text == str(error) else text.removesuffix(" (set by --set)")) from error


def _option(found: re.Match[str]) -> str:
    return f"--{found[1]}: " if found[1] else "--start, --end: "


def _point(option: str, text: str) -> list[float]:
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        found = []
    if len(found) not in (2, 3) or not all(map(math.isfinite, found)):
        raise InputError(f"{option}: {text!r} is not a point as 0,45 (um)")
    return found


def _few(paths: dict[str, Readings]) -> str:
    """About twenty rows of each path for the eye, ends and sides of interfaces among them."""
    parts = []
    for name, one in paths.items():
        columns = {key: column.tolist() for key, column in one.columns().items()}
        regions = one.values.regions
        last = len(regions) - 1
        edge = {i for i in range(last) if regions[i] != regions[i + 1]}
        shown = sorted({round(k * last / 19) for k in range(20)} | edge | {i + 1 for i in edge})
        lines = [[*columns, "region"]]
        lines += [[*(f"{column[i]:.5g}" for column in columns.values()), regions[i]] for i in shown]
        parts.append(
            f"{name}: {len(shown)} of {last + 1} points, um and MPa\n\n{table(lines, right=range(len(columns)))}"
        )
    return "\n".join([*parts, "all rows: --csv FILE, or into a pipe; a picture: --figure FILE"])


def csv_text(paths: dict[str, Readings]) -> str:
    """Rows as CSV text, numbers exact; with several paths the first column names each."""
    import csv
    import io

    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    several = len(paths) > 1
    for number, (name, one) in enumerate(paths.items()):
        columns = one.columns()
        if not number:
            writer.writerow([*(["path"] if several else []), *columns, "region"])
        for *values, region in zip(*(c.tolist() for c in columns.values()), one.values.regions, strict=True):
            writer.writerow([*([name] if several else []), *map(repr, values), region])
    return stream.getvalue()
