"""Command ``array``: many equal cells of a stack side by side."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from femsim.cli.options import add_json, add_out, add_quiet, add_set, subcommand
from femsim.cli.text import out, out_json, table

if TYPE_CHECKING:
    from femsim.runs.array import ArrayRun

COMMANDS = {"array": "root stress in every cell of a square array, by condensed cells"}


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add ``array`` to the command line."""
    command = subcommand(commands, "array", COMMANDS)
    command.add_argument("case", metavar="CASE", help='a stack in three dimensions with model.cell = "square"')
    command.add_argument("--nx", metavar="N", type=int, required=True, help="cells along x")
    command.add_argument("--ny", metavar="N", type=int, help="cells along y; default: as along x")
    command.add_argument(
        "--order", metavar="P", type=int, default=2, help="degree of the functions between cells, 2 to 4; default 2"
    )
    command.add_argument(
        "--outer", choices=("free", "fixed"), default="free", help="the array's sides: free (default), or held upright"
    )
    add_set(command)
    add_out(command, "write array.json, cells.csv and the figures into this directory")
    add_json(command)
    add_quiet(command)


def array(arguments: argparse.Namespace) -> None:
    """Solve an array and show it."""
    from femsim.base.files import check_target, staged_directory
    from femsim.base.progress import Progress
    from femsim.cases.casefile import load_case

    if arguments.out is not None:
        check_target(arguments.out)
    case, origin = load_case(arguments.case, arguments.overrides)
    ny = arguments.nx if arguments.ny is None else arguments.ny
    with Progress(quiet=arguments.quiet) as progress:
        progress("loading")
        from femsim.runs.array import array_dict, array_table, run_array
        from femsim.solvers.factor import warm_up

        warm_up()
        run = run_array(case, arguments.nx, ny, arguments.order, arguments.outer == "fixed", origin.base, progress)
        document = array_dict(run)
        if arguments.out is not None:
            progress("drawing")
            with staged_directory(arguments.out) as stage:
                write_array(run, document, stage)
    if arguments.json:
        out_json(document)
        return
    told = document["array"]
    out(f"{case.name}: {told['nx']} x {told['ny']} cells of {told['pitch']:g} um, sides {told['outer']}\n")
    images = told["cells_solved"] < told["nx"] * told["ny"]
    out(
        f"a cell: {told['dofs_of_a_cell']} dofs on its mesh, {told['interface_unknowns']} on its walls; "
        f"{told['cells_solved']} cells solved{', the others are their images' if images else ''}\n"
    )
    out(table(array_table(run), right=(1, 3, 4, 5, 6, 7, 8, 9)))
    out(
        "MPa; one cell: mean around the root of a cell alone with coupled walls; middle: the mean in the middle cell;\n"
        "largest: of all arcs of all cells, with the cell (counted from the lower left) and the angle (degrees);\n"
        "interface, mesh: estimated errors of the functions between cells and of the cell's mesh\n"
    )
    seconds = ", ".join(f"{name} {value:.1f} s" for name, value in run.timing.items())
    out(f"time: {seconds}")
    if arguments.out is not None:
        out(f"\nwritten to {arguments.out}")


def write_array(run: ArrayRun, document: dict[str, Any], directory: Path) -> None:
    """array.json, cells.csv (a row for each cell, root and length) and a figure for each root and length."""
    from femsim.base.finite import json_text
    from femsim.reports.plots.array import array_figure
    from femsim.reports.plots.figures import render

    (directory / "array.json").write_text(json_text(document), encoding="utf-8")
    (directory / "cells.csv").write_text(csv_text(run), encoding="utf-8")
    for one in run.roots:
        name = f"array_{one.average.whole.root.name}_{one.average.whole.length:g}um.png"
        (directory / name).write_bytes(render(array_figure(run, one), "png"))


def csv_text(run: ArrayRun) -> str:
    """Rows as CSV text: root, length, cell, and by kind the mean, the largest value and its angle."""
    import csv
    import io

    from femsim.measures.rims import AROUND

    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    parts = [f"{kind}{end}" for kind in AROUND for end in ("", "_largest", "_angle")]
    writer.writerow(["root", "length_um", "x", "y", *parts])
    for one in run.roots:
        name, length = one.average.whole.root.name, one.average.whole.length
        for x in range(run.counts[0]):
            for y in range(run.counts[1]):
                values = [float(of[kind][x, y]) for kind in AROUND for of in (one.mean, one.largest, one.angle)]
                writer.writerow([name, f"{length:g}", x + 1, y + 1, *map(repr, values)])
    return stream.getvalue()
