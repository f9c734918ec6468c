"""Command ``rank``: which design is lower when materials and dimensions scatter."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from femsim.base.errors import InputError
from femsim.cli.options import add_json, add_out, add_quiet, add_set, subcommand
from femsim.cli.text import out, out_json, table

if TYPE_CHECKING:
    from femsim.study.rank import Ranking

COMMANDS = {"rank": "which design is lower when materials and dimensions scatter, and which scatter to tighten first"}

#: scatters of a design that are shown
SHOWN = 8


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add ``rank`` to the command line."""
    command = subcommand(commands, "rank", COMMANDS)
    command.add_argument(
        "study", metavar="STUDY", help="a study file (TOML) or the name of a shipped one; its [rank] may name designs"
    )
    command.add_argument(
        "--data", metavar="DIR", help="what `femsim sweep --out DIR` wrote: its best points are ranked (default: sweep)"
    )
    add_set(command)
    command.add_argument("--output", metavar="NAME", help="the root average, e.g. post_root.peel.5um")
    command.add_argument("--best", type=int, metavar="N", help="how many of the study's points are ranked (default 6)")
    command.add_argument(
        "--lots", choices=["shared", "separate"], help="whether designs have lots in common (default: shared)"
    )
    command.add_argument("--draws", type=int, metavar="N", help="draws of every design (default 100000)")
    command.add_argument("--limit", type=float, metavar="MPA", help="how likely each design is above it")
    command.add_argument("--sd", type=float, metavar="K", help="robust optimum: least mean + K sd (default 2)")
    command.add_argument("--percentile", type=float, metavar="P", help="robust optimum: least such percentile")
    command.add_argument("--workers", type=int, metavar="N", help="worker processes (default: all cores)")
    add_out(command, "write rank.json, rank.html and the figures there")
    add_json(command)
    add_quiet(command)


def rank(arguments: argparse.Namespace) -> None:
    """Rank designs and show it."""
    from femsim.base.files import check_target
    from femsim.base.progress import Progress

    if arguments.out is not None:
        check_target(arguments.out)
    if arguments.workers is not None and arguments.workers < 1:
        raise InputError(f"--workers: {arguments.workers} is not >= 1")
    with Progress(quiet=arguments.quiet) as progress:
        progress("loading")
        from femsim.solvers.factor import warm_up
        from femsim.study.candidates import Asked, rank_study

        warm_up()
        asked = Asked(**{name: getattr(arguments, name) for name in Asked.__dataclass_fields__})
        found = rank_study(
            arguments.study, arguments.data, tuple(arguments.overrides), asked, arguments.workers, progress
        )
        if arguments.out is not None:
            from femsim.reports.study.rank import publish

            progress("drawing")
            publish(found, Path(arguments.out))
    if arguments.json:
        out_json(found.to_dict())
        return
    show(found)
    if arguments.out is not None:
        out(f"\nwritten to {arguments.out}: rank.html, rank.json, figures")


def show(found: Ranking) -> None:
    """Tables of a ranking on standard output."""
    from femsim.cases.units import key_unit

    letters = [chr(ord("A") + i) if i < 26 else f"#{i + 1}" for i in range(len(found.designs))]
    out(f"{found.study}: {found.output}, {found.spec.draws} draws, {found.spec.lots} lots\n")
    for letter, d in zip(letters, found.designs, strict=True):
        kind = type(d.candidate.case)
        values = ", ".join(
            f"{k} = {v:.5g} {key_unit(kind, k)}".rstrip() if isinstance(v, float | int) else f"{k} = {v}"
            for k, v in d.candidate.values.items()
        )
        out(f"{letter} = {d.candidate.name}: {values}")
    limit = found.spec.limit
    head = ["MPa", "nominal", "mean", "sd", "5 %", "95 %", found.statistic, "lowest"]
    rows = [head + ([f"above {limit:g} MPa"] if limit is not None else [])]
    for letter, d in zip(letters, found.designs, strict=True):
        cells = [f"{v:.2f}" for v in (d.nominal, d.mean, d.sd, d.percentiles[0], d.percentiles[2])]
        line = [letter, *cells, f"{d.robust:.2f} +- {d.robust_error:.2f}", _chance(d.lowest, d.lowest_error)]
        rows.append(line + ([_chance(*d.above)] if d.above is not None else []))
    out("\n" + table(rows, right=range(1, len(rows[0]))))
    if len(letters) <= SHOWN:
        pairs = [["P(row < column)", *letters]]
        for i, letter in enumerate(letters):
            cells = [
                "-" if i == j else f"{100 * found.lower[i, j]:.1f}+-{100 * found.standard_error[i, j]:.1f}%"
                for j in range(len(letters))
            ]
            pairs.append([letter, *cells])
        out(table(pairs, right=range(1, len(letters) + 1)))
        worst = max(found.undecided[i, j] for i in range(len(letters)) for j in range(len(letters)) if i != j)
        out(f"numerical errors leave at most {100 * worst:.1f} % of the draws of a pair undecided")
    nominal, robust = found.nominal_best, found.robust_best
    same = "also" if nominal == robust else "not"
    out(f"lowest without scatter: {letters[nominal]}; robust ({found.statistic}): {same} {letters[robust]}"
        if nominal == robust else
        f"lowest without scatter: {letters[nominal]}; robust ({found.statistic}): {letters[robust]}")  # fmt: skip
    best = found.designs[robust]
    rows = [[f"scatter of {letters[robust]}", "from", "to", "MPa", "swing (MPa)", "variance", "halved (MPa)"]]
    for s in sorted(best.swings, key=lambda s: -s.tightened)[:SHOWN]:
        share = "-" if s.total is None else f"{100 * s.total:.0f} %"
        ends = [f"{v:.4g}" for v in s.ends]
        span = f"{s.magnitude[0]:.1f} to {s.magnitude[1]:.1f}"
        rows.append([s.key, *ends, span, f"{s.width:.2f}", share, f"-{s.tightened:.2f}" if s.tightened > 0 else "0"])
    out("\n" + table(rows, right=range(1, 7)))
    out(
        "ends are factors of the value (of a zero, what is added); halved: what half the scatter takes off "
        f"{found.statistic}"
    )
    for remark in found.remarks:
        out(remark)


def _chance(p: float, error: float) -> str:
    return f"{100 * p:.1f}+-{100 * error:.1g}%"
