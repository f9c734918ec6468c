"""Command ``view``: the fields of a directory of results in PyVista."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from femsim.base.errors import InputError
from femsim.cli.options import subcommand
from femsim.cli.text import out

COMMANDS = {"view": "show the fields of results in a window (extra view), or draw them into a picture"}


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add ``view`` to the command line."""
    command = subcommand(commands, "view", COMMANDS)
    command.add_argument("directory", metavar="DIR", help="what `femsim solve --out DIR` wrote, or a .vtu file")
    command.add_argument("--field", metavar="NAME", default="von_mises", help="what is shown (default von_mises)")
    command.add_argument("--scale", metavar="X", type=float, default=0.0, help="displacement is drawn so many times")
    command.add_argument("--picture", metavar="FILE", help="draw it into a .png file, without a window")


def view(arguments: argparse.Namespace) -> None:
    """Show the fields, or draw them."""
    from femsim.base.files import check_target
    from femsim.reports.view import view_fields

    path = Path(arguments.directory)
    if path.is_dir():
        path = path / "fields.vtu"
    if not path.is_file():
        raise InputError(f"{path}: no such file; `femsim solve CASE --out {arguments.directory}` writes it")
    picture = None if arguments.picture is None else Path(arguments.picture)
    if picture is not None:
        if picture.suffix != ".png":
            raise InputError(f"--picture: {picture}: the ending {picture.suffix!r} is not .png")
        if not picture.parent.is_dir():
            raise InputError(f"--picture: {picture.parent}: no such directory")
        check_target(picture.parent, "--picture")
    view_fields(path, arguments.field, arguments.scale, picture)
    if picture is not None:
        out(f"written: {picture}")
