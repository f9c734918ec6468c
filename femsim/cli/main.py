"""The command line: what can be asked for, and how it ends.

Exit codes: 0 done; 2 bad input (one line, no traceback); 3 the numbers failed; 130 interrupted (143 terminated).
Results go to standard output; progress, warnings and errors to standard error. Every heavy import waits inside the
command that needs it.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any, NoReturn, TextIO

import femsim
from femsim.base.errors import FemsimWarning, InputError, NumericsError, nearest, printable
from femsim.base.journal import journal, note
from femsim.base.threads import check_threads
from femsim.cli import array as cli_array
from femsim.cli import claims as cli_claims
from femsim.cli import compare as cli_compare
from femsim.cli import converge as cli_converge
from femsim.cli import export as cli_export
from femsim.cli import new as cli_new
from femsim.cli import path as cli_path
from femsim.cli import rank as cli_rank
from femsim.cli import study as cli_study
from femsim.cli import view as cli_view
from femsim.cli.options import CASE, add_json, add_out, add_quiet, add_set, subcommand

OK, BAD_INPUT, NUMBERS_FAILED, INTERRUPTED, BROKEN_PIPE = 0, 2, 3, 130, 141

COMMANDS = {
    "solve": "solve a case: stresses at the roots, checks, figures, report",
    "mesh": "only mesh a case: quality table, picture, mesh file",
    "materials": "list or search the material library, or show one material with its sources",
    "stacks": "list the stacks, or the keys of one with defaults and limits",
    "report": "write report.html again from a directory of results",
    "doctor": "versions, solver backends, threads, and what is missing",
    "schema": "JSON Schema of case and study files; the keys of studies as tables",
    **cli_claims.COMMANDS,
    **cli_compare.COMMANDS,
    **cli_converge.COMMANDS,
    **cli_array.COMMANDS,
    **cli_export.COMMANDS,
    **cli_new.COMMANDS,
    **cli_path.COMMANDS,
    **cli_rank.COMMANDS,
    **cli_study.COMMANDS,
    **cli_view.COMMANDS,
}


class Interrupted(KeyboardInterrupt):
    """Ctrl-C or a request to end, by the number of its signal."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


#: what the readers of options take
KINDS = {"int": "a whole number", "float": "a number", "_positive": "a whole number > 0"}


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are input errors of one line."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._negative_number_matcher = re.compile(r"^-\.?\d[\d.,eE+-]*$")  # a point of negative numbers is no option

    def _print_message(self, message: str, file: Any = None) -> None:
        """Write help; argparse would say nothing of a disk that is full."""
        (file or sys.stdout).write(message)

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """The arguments; InputError that names the command and its nearest option where some are unknown."""
        found, unknown = self.parse_known_args(args, namespace)
        (commands,) = (action for action in self._actions if isinstance(action, argparse._SubParsersAction))
        actions = commands.choices[found.command]._actions
        for action in (*self._actions, *actions):
            value = getattr(found, action.dest, None)
            if value == "" or (isinstance(value, list) and "" in value):
                called = action.metavar or action.dest.upper()
                if action.option_strings:
                    raise InputError(f"{action.option_strings[-1]}: is empty; give {called}, or leave it out")
                raise InputError(f"{called}: is empty; name one")
        if unknown:
            own = {option for action in actions for option in action.option_strings}
            given = unknown[0].partition("=")[0]
            said = (
                f"no option of {found.command}{nearest(given, sorted(own))}"
                if given[:1] == "-"
                else "one argument too many"
            )
            raise InputError(f"{printable(given)}: {said}; see {self.prog} {found.command} --help")
        return found

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage."""
        found = re.search(r"invalid choice: '([^']*)'", message)
        if found and "argument command" in message:
            raise InputError(f"no command {found[1]!r}{nearest(found[1], COMMANDS)}; there are: {', '.join(COMMANDS)}")
        chosen = re.match(r"argument (\S+): invalid choice: '(.*)' \(choose from (.*)\)", message)
        if chosen:
            allowed = re.findall(r"[\w-]+", chosen[3])
            raise InputError(
                f"{chosen[1]}: {chosen[2]!r} is not one of {', '.join(allowed)}{nearest(chosen[2], allowed)}"
            )
        valued = re.match(r"argument (\S+): invalid (\w+) value: '(.*)'", message)
        if valued:
            raise InputError(f"{valued[1]}: {valued[3]!r} is not {KINDS.get(valued[2], 'of the form it takes')}")
        raise InputError(f"{' '.join(message.split())}; see {self.prog} --help")


def parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    top = Parser(
        prog="femsim",
        description="Thermo-mechanical stress at the roots of bumps in semiconductor packages.",
        epilog="CASE is a TOML file or the name of a shipped case (femsim solve bilayer). "
        "Units: um, GPa, MPa, ppm/K, degC. Exit codes: 0 done, 2 bad input, 3 the numbers failed, 130 interrupted.",
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"femsim {femsim.__version__}")
    top.add_argument("--log", metavar="FILE", help="append what is done, warnings and errors to this file")
    commands = top.add_subparsers(dest="command", metavar="command", required=True, parser_class=Parser)
    modules = (cli_array, cli_claims, cli_compare, cli_converge, cli_export, cli_new, cli_path, cli_rank, cli_study)
    others = {name for module in (*modules, cli_view) for name in module.COMMANDS}
    made = {name: subcommand(commands, name, COMMANDS) for name in COMMANDS if name not in others}
    cli_array.add_parser(commands)
    cli_claims.add_parser(commands)
    cli_compare.add_parser(commands)
    cli_converge.add_parser(commands)
    cli_export.add_parser(commands)
    cli_new.add_parsers(commands)
    cli_path.add_parser(commands)
    cli_rank.add_parser(commands)
    cli_study.add_parsers(commands)
    cli_view.add_parser(commands)

    for name in ("solve", "mesh"):
        command = made[name]
        command.add_argument("case", metavar="CASE", help=CASE)
        add_set(
            command,
            "override a key, e.g. geometry.post_radius=40, materials.low.E=3, metrics.length=[5,1]; may be repeated",
        )
        add_out(command, "write results into this directory")
        add_json(command)
        add_quiet(command)
    made["solve"].add_argument(
        "--tol", metavar="TOL", help="refine until the root metrics' estimated relative error is below, e.g. 0.5%%"
    )
    made["solve"].add_argument(
        "--goal",
        dest="goals",
        metavar="NAME",
        action="append",
        default=[],
        help="with --tol: a metric that counts, e.g. post_root.peel.5um or post_root; may be repeated; default: all",
    )
    made["solve"].add_argument(
        "--svg", action="store_true", help="figures as SVG files too (the layout is one in any case)"
    )
    made["solve"].add_argument(
        "--resume",
        action="store_true",
        help="with --out: go on behind the last step of a run that was killed (from the start where none was)",
    )
    made["mesh"].add_argument("--to", metavar="FILE", help="write the mesh itself: .vtu or .msh")
    made["materials"].add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="show this material in full, or those that the word finds (part of a name, family, class)",
    )
    add_json(made["materials"])
    made["stacks"].add_argument("name", nargs="?", metavar="NAME", help="show this stack's keys")
    made["report"].add_argument("directory", metavar="DIR", help="what `femsim solve --out DIR` wrote")
    add_json(made["doctor"])
    made["doctor"].add_argument(
        "--timing", action="store_true", help="also solve a small case and tell where its time goes: imports, steps"
    )
    made["schema"].add_argument("which", nargs="?", default="case", choices=["case", "study"], help="default: case")
    made["schema"].add_argument("--text", action="store_true", help="the keys of study files as tables, not as JSON")
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the return value is the process's exit code."""
    # Everything dense here is small: numpy's threads would only wait for each other. MKL, which factorises large
    # systems, keeps its own.
    if "numpy" not in sys.modules:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Pydantic looks through all installed packages for plugins of its own; none takes part in reading a case.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    _open_streams()
    received: list[int] = []
    try:
        with _signals(received), _one_line_warnings():
            code = _guarded(argv)
            sys.stdout.flush()
    except KeyboardInterrupt as stop:
        number = stop.number if isinstance(stop, Interrupted) else int(signal.SIGINT)
        return _interrupted(number)
    except BrokenPipeError:
        _abandon(sys.stdout)
        return BROKEN_PIPE
    except OSError as error:
        if received:
            return _interrupted(received[0])
        say_error(f"{error.filename or 'standard output'}: {error.strerror or error}")
        _abandon(sys.stdout)
        return BAD_INPUT
    except Exception:
        if received:  # an interrupt that a library turned into an error of its own
            return _interrupted(received[0])
        raise
    return _interrupted(received[0]) if received else code  # or one that it held back


def _open_streams() -> None:
    """Streams that are there and take every text: a closed one leads nowhere, and what an encoding lacks is written as
    a number.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:  # closed before the start; the next file must not get its number
            try:
                os.fstat(number)
            except OSError:
                os.open(os.devnull, os.O_RDWR)
            nowhere = open(number, "w" if number else "r", encoding="utf-8", closefd=False)  # noqa: SIM115
            setattr(sys, name, nowhere)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _guarded(argv: Sequence[str] | None) -> int:
    if os.environ.get("FEMSIM_SOLVER") != "petsc":
        return _checked(argv)
    from femsim.solvers.petsc import FailedAloneError, abort, serve, stop

    try:
        if serve():  # all processes of MPI but the first
            return OK
    except FailedAloneError as error:
        say_error(str(error))
        abort(NUMBERS_FAILED)
    except InputError as error:
        say_error(str(error))
        return BAD_INPUT
    try:
        return _checked(argv)
    except KeyboardInterrupt:  # perhaps amid a call that the others wait in
        abort(BAD_INPUT)
        raise
    finally:
        stop(NUMBERS_FAILED)


def _checked(argv: Sequence[str] | None) -> int:
    try:
        check_threads()
        arguments = parser().parse_args(argv)
        with journal(arguments.log):
            return _logged(arguments, sys.argv[1:] if argv is None else argv)
    except SystemExit as stop:  # --help and --version
        return int(stop.code or 0)
    except InputError as error:
        say_error(str(error))
        return BAD_INPUT
    except NumericsError as error:
        say_error(str(error))
        return NUMBERS_FAILED
    except MemoryError:
        say_error("not enough memory; use a larger mesh.size or mesh.growth")
        return NUMBERS_FAILED


def _logged(arguments: argparse.Namespace, argv: Sequence[str]) -> int:
    """Run the command; its words, its error and its end go into the log where there is one."""
    note(f"femsim {femsim.__version__}: {' '.join(argv)}")
    try:
        code = _dispatch(arguments)
    except BaseException as error:
        note(f"ended: {type(error).__name__}: {error}")
        raise
    note(f"done, exit code {code}")
    return code


def _dispatch(arguments: argparse.Namespace) -> int:
    from femsim.cli import info as cli_info
    from femsim.cli import materials as cli_materials
    from femsim.cli import solve as cli_solve

    if arguments.command in cli_study.COMMANDS:
        return cli_study.dispatch(arguments)
    match arguments.command:
        case "solve":
            cli_solve.solve(arguments)
        case "mesh":
            cli_solve.mesh(arguments)
        case "report":
            cli_solve.report(arguments)
        case "materials":
            cli_materials.materials(arguments.name, arguments.json)
        case "stacks":
            cli_info.stacks(arguments.name)
        case "schema":
            cli_info.schema(arguments.which, arguments.text)
        case "claims":
            cli_claims.claims(arguments)
        case "export":
            cli_export.export(arguments)
        case "view":
            cli_view.view(arguments)
        case "path":
            cli_path.path(arguments)
        case "new":
            cli_new.new(arguments)
        case "completion":
            cli_new.completion(arguments, parser())
        case "compare":
            cli_compare.compare(arguments)
        case "rank":
            cli_rank.rank(arguments)
        case "array":
            cli_array.array(arguments)
        case "converge":
            cli_converge.converge(arguments)
        case "doctor":
            return cli_info.doctor(arguments.json, arguments.timing)
    return OK


# ---------------------------------------------------------------- standard error


def say_error(message: str) -> None:
    """``femsim: error: ...`` on one line of standard error."""
    _say(f"error: {message}")


def _say(message: str) -> None:
    note(message)
    start = "\r\x1b[K" if sys.stderr.isatty() else ""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"{start}femsim: {printable(' '.join(message.split()))}\n")
        sys.stderr.flush()


@contextlib.contextmanager
def _one_line_warnings() -> Iterator[None]:
    """Show each warning once, as ``femsim: warning: ...``."""
    seen: set[str] = set()

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        text = str(message)
        if text not in seen:
            seen.add(text)
            _say(f"warning: {text}")

    with warnings.catch_warnings():
        warnings.showwarning = show
        if not sys.warnoptions:
            warnings.simplefilter("always", FemsimWarning)
        yield


# ---------------------------------------------------------------- how it ends


@contextlib.contextmanager
def _signals(received: list[int]) -> Iterator[None]:
    """Turn SIGINT, SIGTERM and SIGHUP into exceptions, so that temporary files are cleaned up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def raise_(number: int, frame: FrameType | None) -> None:
        received.append(number)
        raise Interrupted(number)

    wanted = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in wanted}
    hook = sys.unraisablehook

    def again(unraisable: Any) -> None:
        """An interrupt that met a destructor or a callback, where exceptions end: it comes back a moment later."""
        if not isinstance(unraisable.exc_value, Interrupted):
            hook(unraisable)
            return
        number = unraisable.exc_value.number
        timer = threading.Timer(0.1, lambda: os.kill(os.getpid(), number))
        timer.daemon = True
        timer.start()

    sys.unraisablehook = again
    for number, handler in before.items():
        if handler not in (signal.SIG_IGN, None):  # an ignored signal (nohup) stays ignored
            signal.signal(number, raise_)
    try:
        yield
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)


def _interrupted(number: int) -> int:
    _say("interrupted" if number == signal.SIGINT else f"ended by {signal.Signals(number).name}")
    return 128 + number


def _abandon(stream: TextIO) -> None:
    """Point a stream nobody reads at nothing, so that flushing it at exit raises no second error."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, stream.fileno())
        os.close(nothing)


if __name__ == "__main__":
    sys.exit(main())
