"""The command ``claims``: a case held against the patent claims of its stack's seed."""

from __future__ import annotations

import argparse
import textwrap
from typing import Any

from femsim.base.errors import InputError
from femsim.base.finite import json_text
from femsim.cli.options import CASE, add_json, add_out, add_quiet, add_set, subcommand
from femsim.cli.text import out, out_json

COMMANDS = {
    "claims": "check a case against the patent claims of its stack: holds, fails, or cannot be told",
}
WORDS = {True: "holds", False: "fails", None: "cannot be told"}
WIDTH = 118


def add_parser(commands: Any) -> None:
    """Add the command to a parser's sub-commands."""
    command = subcommand(commands, "claims", COMMANDS)
    command.add_argument("case", metavar="CASE", help=CASE)
    add_set(command, "override a key, e.g. geometry.high_thickness=5, materials.low.E=3; may be repeated")
    add_out(command, "write claims.json, claims.png and claims.svg into this directory")
    add_json(command)
    add_quiet(command)


def claims(arguments: argparse.Namespace) -> None:
    """Check a case; write what was found, then show it."""
    from femsim.base.files import check_target, staged_directory
    from femsim.base.progress import Progress
    from femsim.cases.casefile import load_case, show_file
    from femsim.claims import evaluate

    if arguments.out is not None:
        check_target(arguments.out)
    case, origin = load_case(arguments.case, arguments.overrides)
    with Progress(quiet=arguments.quiet) as progress:
        progress("checking")
        try:
            found = evaluate(case)
        except InputError as error:
            raise InputError(f"{show_file(origin.path)}: {error}") from None
        document = found.to_dict()
        if arguments.out is not None:
            from femsim.reports.claims.picture import claims_figure
            from femsim.reports.plots.figures import render

            progress("drawing")
            with staged_directory(arguments.out) as stage:
                (stage / "claims.json").write_text(json_text(document, 2), encoding="utf-8")
                for ending in ("svg", "png"):
                    (stage / f"claims.{ending}").write_bytes(render(claims_figure(found), ending))
    if arguments.json:
        out_json(document)
        return
    _show(document)
    if arguments.out is not None:
        out(f"\nwritten to {arguments.out}: claims.json, claims.png, claims.svg")


def _show(document: dict[str, Any]) -> None:
    out(
        f"{document['case']['name']}: stack {document['case']['stack']}, claims of the seed "
        f"{document['seed']}, read literally\n\n"
    )
    out(f"{'claim':>5}  {'verdict':<14}  because\n{'-' * 5}  {'-' * 14}  {'-' * 7}\n")
    for number, claim in document["claims"].items():
        label = number if claim["depends_on"] is None else f"{number}<{claim['depends_on']}"
        lines = textwrap.wrap(claim["because"], WIDTH - 23, break_long_words=False, break_on_hyphens=False) or [""]
        out(f"{label:>5}  {WORDS[claim['holds']]:<14}  {lines[0]}")
        for line in lines[1:]:
            out(f"{'':>23}{line}")
    verdicts = [claim["holds"] for claim in document["claims"].values()]
    counts = ", ".join(f"{verdicts.count(value)} {word}" for value, word in WORDS.items() if value in verdicts)
    out(f"\n{counts}; 5<2: claim 5 depends on claim 2 and holds only with it")
