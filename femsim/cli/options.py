"""Options that several commands have, said once."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

#: what a command that takes a case file or a shipped case says of it
CASE = "a case file (TOML), or the name of a shipped case"


def subcommand(commands: Any, name: str, texts: Mapping[str, str]) -> argparse.ArgumentParser:
    """A command of a parser's sub-commands, with its text among ``texts`` as help and description."""
    text = texts[name]
    made: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=f"{text[0].upper()}{text[1:]}.", allow_abbrev=False
    )
    return made


def add_set(command: argparse.ArgumentParser, help: str = "override a key of the case") -> None:
    """``--set KEY=VALUE``, any number of times, as ``overrides``."""
    command.add_argument("--set", dest="overrides", metavar="KEY=VALUE", action="append", default=[], help=help)


def add_out(command: argparse.ArgumentParser, help: str) -> None:
    """``--out DIR``."""
    command.add_argument("--out", metavar="DIR", help=help)


def add_quiet(command: argparse.ArgumentParser) -> None:
    """``--quiet``."""
    command.add_argument("--quiet", action="store_true", help="no progress on standard error")


def add_json(command: argparse.ArgumentParser) -> None:
    """``--json``."""
    command.add_argument("--json", action="store_true", help="one JSON document on standard output")
