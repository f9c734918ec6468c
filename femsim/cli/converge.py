"""Command ``converge``: a mesh study of a case."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from femsim.cli.options import CASE, add_json, add_out, add_quiet, add_set, subcommand
from femsim.cli.text import out, out_json, table

if TYPE_CHECKING:
    from femsim.runs.converge import Study

COMMANDS = {"converge": "solve a case on nested meshes: observed orders, extrapolated metrics"}


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add ``converge`` to the command line."""
    command = subcommand(commands, "converge", COMMANDS)
    command.add_argument("case", metavar="CASE", help=CASE)
    add_set(command, "override a key; may be repeated")
    command.add_argument("--levels", metavar="N", type=int, default=4, help="meshes, each twice as fine; default 4")
    add_out(command, "write converge.json and the plot into this directory")
    add_json(command)
    add_quiet(command)


def converge(arguments: argparse.Namespace) -> None:
    """Run a mesh study and show it."""
    from femsim.base.files import check_target, staged_directory
    from femsim.base.progress import Progress
    from femsim.cases.casefile import load_case

    if arguments.out is not None:
        check_target(arguments.out)
    case, origin = load_case(arguments.case, arguments.overrides)
    with Progress(quiet=arguments.quiet) as progress:
        progress("loading")
        from femsim.runs.converge import converge as study_of
        from femsim.solvers.factor import warm_up

        warm_up()
        study = study_of(case, origin.base, arguments.levels, progress)
        document = study_dict(study)
        if arguments.out is not None:
            progress("drawing")
            with staged_directory(arguments.out) as stage:
                write_study(study, document, stage)
    if arguments.json:
        out_json(document)
        return
    out(f"{case.name}: {len(study.levels)} meshes, each twice as fine as the one before\n\n")
    out(table(study_rows(study), right=range(1, len(study.levels) + 4)))
    out(
        "\nvalues in MPa; order: of the last three meshes; stated: the error estimate of the last mesh but "
        "one over its true error\n"
    )
    if study.stopped:
        out(f"stopped: {study.stopped}\n")
    if arguments.out is not None:
        out(f"written to {arguments.out}")


def study_rows(study: Study) -> list[list[str]]:
    """The table: header, unknowns, one line per metric."""
    rows = [["metric", *(f"mesh {k + 1}" for k in range(len(study.levels))), "order", "extrapolated", "stated"]]
    rows.append(["unknowns", *(str(level.unknowns) for level in study.levels), "", "", ""])
    for row in study.rows:
        p, ratio = row.orders[-1], row.effectivity
        rows.append(
            [
                row.name,
                *(f"{value:.3f}" for value in row.values),
                "-" if p is None else f"{p:.2f}",
                f"{row.extrapolated:.3f} +- {row.doubt:.3f}",
                "-" if ratio is None else f"{ratio:.1f}",
            ]
        )
    return rows


def study_dict(study: Study) -> dict[str, Any]:
    """The JSON document of a study."""
    return {
        "case": {"name": study.case.name, "stack": study.case.stack},
        "levels": [{"unknowns": level.unknowns, "smallest": level.smallest} for level in study.levels],
        "metrics": {
            row.name: {
                "values": list(row.values),
                "errors": list(row.errors),
                "orders": list(row.orders),
                "extrapolated": row.extrapolated,
                "doubt": row.doubt,
                "effectivity": row.effectivity,
            }
            for row in study.rows
        },
        "stopped": study.stopped or None,
    }


def write_study(study: Study, document: dict[str, Any], directory: Path) -> None:
    """converge.json, converge.png and converge.svg."""
    from femsim.base.finite import json_text
    from femsim.reports.plots.convergence import study_figure
    from femsim.reports.plots.figures import render

    (directory / "converge.json").write_text(json_text(document, 2), encoding="utf-8")
    figure = study_figure(study)
    for ending in ("png", "svg"):
        (directory / f"converge.{ending}").write_bytes(render(figure, ending))
