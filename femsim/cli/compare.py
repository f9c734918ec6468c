"""Command ``compare``: cases side by side."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from femsim.base.errors import InputError, printable
from femsim.cli.options import add_json, add_out, add_quiet, add_set, subcommand
from femsim.cli.text import out, out_json, table

if TYPE_CHECKING:
    from femsim.runs.compare import Comparison

COMMANDS = {
    "compare": "cases or results side by side: what differs, which has the least stress, and whether it can be told"
}

#: lines of differences that are shown
SHOWN = 30


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add ``compare`` to the command line."""
    command = subcommand(commands, "compare", COMMANDS)
    command.add_argument(
        "cases", metavar="CASE", nargs="+", help="a case file, the name of a shipped case, or a directory of results"
    )
    add_set(command, "override a key of all cases")
    command.add_argument(
        "--vary",
        metavar="KEY=[V1,V2]",
        action="append",
        default=[],
        help="each case once for each value of a key, e.g. geometry.ratio=[4,8]; may be repeated",
    )
    command.add_argument(
        "--uncertain", action="store_true", help="probability that each is the lowest, from the ranges of material data"
    )
    command.add_argument(
        "--separate-lots",
        action="store_true",
        help="with --uncertain: a material that cases have in common is drawn anew for each (default: one lot)",
    )
    add_out(command, "write compare.json, the figure and compare.html there")
    add_json(command)
    add_quiet(command)


def compare(arguments: argparse.Namespace) -> None:
    """Compare cases and show it."""
    from femsim.base.files import check_target
    from femsim.base.progress import Progress
    from femsim.cases.casefile import parse_override, toml_value

    if arguments.out is not None:
        check_target(arguments.out)
    if arguments.separate_lots and not arguments.uncertain:
        raise InputError("--separate-lots: goes with --uncertain")
    vary: dict[str, list[Any]] = {}
    for text in arguments.vary:
        path, values = parse_override(text, "--vary")
        if not isinstance(values, list) or not values:
            raise InputError(f"--vary {printable(text)}: not a list of values, as geometry.ratio=[4,8]")
        key = ".".join(path)
        if key in vary:
            raise InputError(f"--vary {printable(text)}: {key} is given twice; one list holds all its values")
        vary[key] = values
    with Progress(quiet=arguments.quiet) as progress:
        progress("loading")
        from femsim.runs.compare import check_source, taken, variants
        from femsim.runs.compare import compare as side_by_side
        from femsim.solvers.factor import warm_up

        warm_up()
        plan = variants(arguments.cases, vary)
        if len(plan) < 2:
            raise InputError(
                "compare: one case alone; name two or more, or --vary a key of it, as geometry.ratio=[4,8]"
            )
        asked = [
            (source, [*arguments.overrides, *(f"{key}={toml_value(value)}" for key, value in values.items())])
            for source, values, _ in plan
        ]
        checked, found = [], []
        for source, overrides in asked:  # all are read before the first is solved
            with _naming(str(source)):
                checked.append(check_source(source, overrides))
        for (source, overrides), one in zip(asked, checked, strict=True):
            with _naming(str(source)):
                found.append(taken(source, one, bool(overrides), progress))
        done = side_by_side(found, [label for _, _, label in plan])
        document = done.to_dict()
        if arguments.uncertain:
            from femsim.reduced.chances import chances

            document = chances(done, not arguments.separate_lots, say=progress).add_to(document)
        if arguments.out is not None:
            from femsim.reports.compare import publish

            progress("drawing")
            publish(document, Path(arguments.out))
    if arguments.json:
        out_json(document)
        return
    show(done, document)
    if arguments.out is not None:
        out(f"\nwritten to {arguments.out}: compare.html, compare.json, compare.png, compare.svg")


@contextlib.contextmanager
def _naming(source: str) -> Any:
    """Put the case in front of errors that do not name one."""
    from femsim.base.errors import NumericsError

    try:
        yield
    except (InputError, NumericsError) as error:
        text = str(error)
        if Path(source).stem in text.split(":")[0]:
            raise
        raise type(error)(f"{source}: {text}") from error


def show(done: Comparison, document: dict[str, Any]) -> None:
    """Tables of a comparison on standard output."""
    from femsim.runs.names import parts

    names = done.names
    letters = [chr(ord("A") + i) if i < 26 else f"#{i + 1}" for i in range(len(names))]
    out("\n".join(f"{letter} = {name}" for letter, name in zip(letters, names, strict=True)) + "\n\n")
    if done.differences:
        from femsim.runs.differences import in_short

        short = in_short(done.differences)
        rows = [["input that differs", *letters]]
        for key, values in list(short.items())[:SHOWN]:
            rows.append([key, *(_text(value) for value in values)])
        out(table(rows))
        if len(short) > SHOWN:
            out(f"and {len(short) - SHOWN} more (--json has all)\n")
    else:
        out("the inputs are the same")
    chance = any("probability_lowest" in entry for entry in document["metrics"].values())
    head = ["metric (MPa)", *letters, "lowest", "by", "resolved", *(["probability"] if chance else [])]
    rows = [head]
    for row in done.metrics:
        cells = [
            "-" if v is None else f"{v:.2f} +- {e:.2f}" if e is not None else f"{v:.2f}"
            for v, e in zip(row.values, row.errors, strict=True)
        ]
        lead = _lead(row.values, row.lowest)
        equal = len({abs(v) for v in row.values if v is not None}) == 1
        line = [row.name, *cells, "-" if equal else letters[row.lowest], lead, "yes" if row.resolved else "NO"]
        if chance:
            entry = document["metrics"][row.name]
            each = entry.get("probability_lowest")
            line.append(
                "-"
                if each is None
                else ", ".join(
                    f"{letter} {100 * p:.0f}+-{max(100 * e, 0.1):.1g}%"
                    for letter, p, e in zip(letters, each, entry["standard_error"], strict=True)
                )
            )
        rows.append(line)
    if done.metrics:
        out("\n" + table(rows, right=range(1, len(letters) + 1)))
        _ranking(done, document)
    _others(done, letters)
    for owner in dict.fromkeys(done.only.values()):
        names = [name for name, whose in done.only.items() if whose == owner]
        roots = dict.fromkeys(name if (found := parts(name)) is None else found.root for name in names)
        out(f"only {owner} has {len(names)} metrics at {', '.join(roots)} (--json has them)")


def _ranking(done: Comparison, document: dict[str, Any]) -> None:
    """What the words of the table mean, and whether the metrics agree."""
    for why in dict.fromkeys(text for text in document.get("uncertain", {}).get("not_reduced", []) if text):
        out(f"scatter by full solves and a quadratic form, no reduced basis: {why}")
    out("lowest: the smallest magnitude; resolved: it leads by more than the sum of the errors")
    if any(row.name.startswith("highest.") for row in done.metrics):
        out("highest: the largest magnitude over all roots of a case, as the cases' roots bear different names")
    same = document["ranking"]["same_at_all_lengths"]
    turned = [key for key, agrees in same.items() if not agrees]
    if turned:
        out(f"the ranking depends on the averaging length: {', '.join(turned)}")
    if not done.resolved:
        out("no metric is resolved: which case is the lowest cannot be told")
    elif done.agrees:
        some = "" if done.resolved == len(done.metrics) else f" (resolved: {done.resolved} of {len(done.metrics)})"
        out(f"all metrics agree: {done.names[done.metrics[0].lowest]} is the lowest{some}")
    else:
        out("the metrics do not agree on the lowest")


def _others(done: Comparison, letters: list[str]) -> None:
    """Temperatures, lives, probes and the like that differ, with their units."""
    rows = []
    for row in done.others:
        there = [v for v in row.values if v is not None]
        if max(there) == min(there) or (
            row.name.startswith("probes.") and ".stress." in row.name and "von_m" not in row.name
        ):
            continue
        cells = [
            "-" if v is None else f"{v:.5g}" + ("" if e is None else f" +- {e:.1g}")
            for v, e in zip(row.values, row.errors, strict=True)
        ]
        told = {True: "yes", False: "NO", None: "?"}[row.resolved]
        rows.append([row.name + (f" ({row.unit})" if row.unit else ""), *cells, f"{max(there) - min(there):.3g}", told])
    if rows:
        head = ["other results", *letters, "apart by", "resolved"]
        out("\n" + table([head, *rows[:SHOWN]], right=range(1, len(letters) + 2)))
        if len(rows) > SHOWN:
            out(f"and {len(rows) - SHOWN} more (--json has all)")
        if any(row[-1] == "?" for row in rows[:SHOWN]):
            out("?: a result without an error estimate")


def _lead(values: tuple[float | None, ...], lowest: int) -> str:
    """How far the next magnitude lies above the lowest, in MPa and per cent."""
    least = abs(values[lowest] or 0.0)
    next_ = min(abs(v) for i, v in enumerate(values) if v is not None and i != lowest)
    return f"{next_ - least:.3g} MPa" + (f", {100 * (next_ - least) / next_:.2g} %" if next_ else "")


def _text(value: Any) -> str:
    if value is None:
        return "-"
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 40 else text[:37] + "..."
