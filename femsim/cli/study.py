"""Commands for many designs: sweep, sweep-report, optimise, jobscript."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from femsim.base.errors import InputError
from femsim.base.later import load_later
from femsim.cli.options import CASE, add_json, add_out, add_quiet, add_set, subcommand
from femsim.cli.text import out, out_json

COMMANDS = {
    "sweep": "run a study: thousands of designs, on all cores or on a cluster",
    "sweep-report": "write report.html about a study's dataset",
    "explore": "write explorer.html: sliders over a study's reduced model, in one page",
    "optimise": "find the design of a study's ranges with least stress",
    "jobscript": "print a Slurm script for one large case",
}


def add_parsers(commands: Any) -> None:
    """Add the commands of this module to a parser's sub-commands."""
    made = {name: subcommand(commands, name, COMMANDS) for name in COMMANDS}
    _sweep_parser(made["sweep"])
    report = made["sweep-report"]
    report.add_argument("directory", metavar="DIR", help="what `femsim sweep --out DIR` wrote")
    report.add_argument(
        "--output", metavar="PATH", help="what the page is about (default: the first von Mises average)"
    )
    report.add_argument("--against", metavar="PATH", help="the second output of the Pareto front")
    made["explore"].add_argument("directory", metavar="DIR", help="what `femsim sweep --reduced` wrote")
    _optimise_parser(made["optimise"])
    _jobscript_parser(made["jobscript"])


def dispatch(arguments: argparse.Namespace) -> int:
    """Run one of this module's commands; the exit code."""
    commands = {
        "sweep": sweep,
        "sweep-report": sweep_report,
        "explore": explore,
        "optimise": optimise,
        "jobscript": jobscript,
    }
    return commands[arguments.command](arguments)


def _sweep_parser(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "study",
        metavar="STUDY",
        help="a study file (TOML), or the name of a shipped one; `femsim schema study --text` lists its keys",
    )
    command.add_argument(
        "--out",
        metavar="DIR",
        help="the dataset's directory; the same command goes on where it stopped (default: STUDY's name)",
    )
    add_set(command, "override a key of the case, for all points")
    command.add_argument(
        "--workers",
        type=_positive,
        metavar="N",
        help="worker processes, one numerical thread each (default: all cores)",
    )
    command.add_argument(
        "--reduced",
        metavar="TOL",
        help="by a reduced basis with this reduction error at most, e.g. 0.3%% of the ring's von Mises average; "
        "the best points in full (the same as method and tolerance of [study])",
    )
    command.add_argument("--retry-failed", action="store_true", help="run failed points again, too")
    command.add_argument("--csv", action="store_true", help="write results.csv as well")
    add_json(command)
    add_quiet(command)
    command.add_argument(
        "--engine", choices=["local", "slurm", "dask"], default="local", help="where the points run (default: local)"
    )
    command.add_argument(
        "--scheduler", metavar="ADDRESS", help="dask: tcp://host:port of the scheduler, or its JSON file"
    )
    command.add_argument("--submit", action="store_true", help="slurm: hand the scripts to sbatch at once")
    command.add_argument(
        "--chunk", type=_positive, metavar="N", help="slurm: points in a task (default: about five minutes of work)"
    )
    _site_options(command)


def _optimise_parser(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "study", metavar="STUDY", help="a study file with an [optimise] table, or the name of a shipped one"
    )
    add_out(command, "write report.html, optimum.json, the design's case.toml and history.csv there")
    add_set(command)
    command.add_argument(
        "--reduced",
        metavar="TOL",
        help="by a reduced basis with this reduction error at most, e.g. 0.3%%; the winner is confirmed by an adaptive "
        "full solve (also where the study's method is reduced)",
    )
    command.add_argument(
        "--data", metavar="DIR", help="take the reduced model of what `femsim sweep --reduced --out DIR` wrote"
    )
    add_json(command)
    add_quiet(command)


def _jobscript_parser(command: argparse.ArgumentParser) -> None:
    command.add_argument("case", metavar="CASE", help=CASE)
    add_set(command)
    add_out(command, "where the job writes its results")
    _site_options(command)


def _site_options(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("Slurm", "also from a site profile: a TOML file with these keys under [slurm]")
    group.add_argument("--profile", metavar="FILE", help="the site profile (default: what FEMSIM_SITE names)")
    group.add_argument("--account", metavar="NAME")
    group.add_argument("--partition", metavar="NAME")
    group.add_argument("--time", metavar="LIMIT", help="of a task, e.g. 00:30:00")
    group.add_argument("--memory", metavar="SIZE", help="of a task, e.g. 2G")
    group.add_argument("--cpus", type=_positive, metavar="N", help="of a task")


def _site(arguments: argparse.Namespace) -> Any:
    from femsim.study.slurm import read_site

    given = {key: getattr(arguments, key) for key in ("account", "partition", "time", "memory", "cpus")}
    return read_site(arguments.profile, **given)


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not >= 1")
    return value


def sweep(arguments: argparse.Namespace) -> int:
    """Run a study."""
    from femsim.base.progress import Progress
    from femsim.study.sweep import Engine, local_engine, open_study
    from femsim.study.sweep import sweep as run_sweep

    _check_engine(arguments)
    site = _site(arguments) if arguments.engine == "slurm" else None
    directory = Path(arguments.out or Path(arguments.study).stem)
    if site is not None:
        from femsim.study.slurm import check_place

        check_place(directory)
    store = open_study(arguments.study, directory, arguments.overrides, _tolerance(arguments.reduced))
    if site is not None and store.missing(store.state(), arguments.retry_failed):
        return _by_slurm(arguments, store, site)
    engine: Engine = local_engine(arguments.workers)
    if arguments.engine == "dask":
        from femsim.study.dasked import run_dask

        def engine(store: Any, points: Any, meter: Any) -> None:
            run_dask(store, points, meter, arguments.scheduler)

    progress = Progress(quiet=arguments.quiet or not sys.stderr.isatty())
    if store.plan.reduced:
        from femsim.study.local import default_workers
        from femsim.study.reduced import reduced_engine, summary

        workers = arguments.workers or default_workers()
        if arguments.engine == "dask":
            from femsim.study.dasked import dask_crew

            engine = reduced_engine(workers, progress, dask_crew(arguments.scheduler), engine)
        else:
            engine = reduced_engine(workers, progress)
    outcome = run_sweep(store, engine, arguments.retry_failed, arguments.csv, arguments.quiet)
    document = outcome.to_dict()
    model = summary(outcome.directory) if store.plan.reduced else {}
    if model:
        document["reduced"] = model
    if arguments.json:
        out_json(document)
        return 0
    failed = f", {outcome.failed} failed" if outcome.failed else ""
    rate = f" in {outcome.elapsed:.1f} s, {document['rate']:.1f}/s" if document["rate"] else ""
    ran = f"{outcome.ran} run{rate}" if outcome.ran else "all there already, none run"
    out(f"{outcome.plan.name}: {document['points']} points, {ran}{failed}")
    for text, count in outcome.reasons[:5]:
        out(f"  failed, {count} point{'s' if count > 1 else ''}: {text}")
    out(_reuse_line(outcome.state.reuse))
    for line in _reduced_lines(model):
        out(line)
    out(f"written to {outcome.results}")
    return 0


def _tolerance(text: str | None) -> float | None:
    """The tolerance that --reduced gives, None where it is not there."""
    if text is None:
        return None
    try:
        value = float(text.removesuffix("%")) * (0.01 if text.endswith("%") else 1.0)
    except ValueError:
        value = -1.0
    if not 1e-5 < value <= 0.1:
        raise InputError(f"--reduced: {text} is not a tolerance between 0.001% and 10%, e.g. 0.3%")
    return value


def _reduced_lines(model: dict[str, Any]) -> list[str]:
    """What is said of a reduced model on the console: every word of its guarantee."""
    if not model:
        return []
    count, sizes = len(model["unknowns"]), ", ".join(map(str, model["unknowns"]))
    lines = [f"reduced basis: {count} {'box' if count == 1 else 'boxes'} of {sizes} unknowns"]
    if (g := model["guarantee"]) is not None:
        shown = ", ".join(f"{100 * error:.2g}" for error in g["reduction_error"])
        lines.append(
            f"  errors in % of the von Mises average: reduction {shown} by box, mesh {100 * g['mesh_error']:.2g}"
        )
        lines.append(f"  {g['words']}")
    lines += [f"  in full: {reason}" for reason in dict.fromkeys(model["gaps"])]
    return lines


def _check_engine(arguments: argparse.Namespace) -> None:
    for option, engine in (("scheduler", "dask"), ("submit", "slurm"), ("chunk", "slurm")):
        if getattr(arguments, option) and arguments.engine != engine:
            raise InputError(f"--{option}: goes with --engine {engine}")
    if arguments.engine == "dask" and not arguments.scheduler:
        raise InputError("--scheduler: missing; --engine dask needs the address of a scheduler, e.g. tcp://host:8786")
    if arguments.engine == "dask":
        from femsim.study.dasked import scheduler_address

        scheduler_address(arguments.scheduler)


def _by_slurm(arguments: argparse.Namespace, store: Any, site: Any) -> int:
    """Write the scripts, submit them if asked to."""
    from femsim.study.slurm import prepare, submit

    with store.locked():
        missing = store.missing(store.state(), arguments.retry_failed)
        jobs = prepare(store, missing, site, arguments.chunk, retry_failed=arguments.retry_failed)
    if arguments.submit:
        jobs = submit(jobs)
    if arguments.json:
        out_json({"study": store.plan.name, "directory": str(store.directory), "scripts": str(jobs.directory), "tasks": jobs.tasks,  # noqa: E501
                  "points": jobs.points, "chunk": jobs.chunk, "jobs": list(jobs.submitted)})  # fmt: skip
        return 0
    out(f"{store.plan.name}: {jobs.points} points in {jobs.tasks} tasks of up to {jobs.chunk}")
    if jobs.submitted:
        out(f"submitted as {', '.join(jobs.submitted)}; the last one collects the rows into {store.results}")
    else:
        out(f"submit with: bash {jobs.directory / 'submit.sh'}")
    return 0


def explore(arguments: argparse.Namespace) -> int:
    """Write the explorer of a reduced study."""
    from femsim.reports.study.explorer import write_explorer
    from femsim.study.sweep import existing

    out(f"written: {write_explorer(existing(arguments.directory))}")
    return 0


def sweep_report(arguments: argparse.Namespace) -> int:
    """Write the report of a study."""
    from femsim.reports.study.report import write_report
    from femsim.study.sweep import existing

    out(f"written: {write_report(existing(arguments.directory), arguments.output, arguments.against)}")
    return 0


def optimise(arguments: argparse.Namespace) -> int:
    """Search the ranges of a study."""
    from femsim.base.files import check_target
    from femsim.base.progress import Progress
    from femsim.study.optimise import confirm, lines_of, write_optimum
    from femsim.study.optimise import optimise as search
    from femsim.study.studyfile import load_study

    if arguments.out is not None:
        check_target(arguments.out)
    study = load_study(arguments.study, arguments.overrides)
    with Progress(quiet=arguments.quiet or not sys.stderr.isatty()) as progress:
        tolerance = _tolerance(arguments.reduced)
        if tolerance is not None or arguments.data is not None or study.spec.study.method == "reduced":
            from femsim.study.optimise_reduced import optimise_reduced

            given = tuple(arguments.overrides)
            found = optimise_reduced(study, arguments.study, given, tolerance, None, progress, arguments.data)
        else:
            found = search(study, progress)
        progress("confirming the design by a full solve")
        checked = confirm(found)
        if arguments.out is not None:
            from femsim.reports.study.optimum import write_page

            progress("writing the page")
            write_optimum(found, Path(arguments.out), checked)
            write_page(study, found, checked, Path(arguments.out))
    document = found.to_dict() | {"confirmation": checked.to_dict()}
    if arguments.json:
        out_json(document)
        return 0
    for line in lines_of(found):
        out(line)
    for line in checked.lines:
        out(line)
    if arguments.out is not None:
        out(f"written to {arguments.out}: optimum.json, case.toml, history.csv, report.html")
    return 0


def jobscript(arguments: argparse.Namespace) -> int:
    """Print a script for one case."""
    from femsim.study.jobscript import job_script

    out(job_script(arguments.case, _site(arguments), arguments.overrides, arguments.out))
    return 0


def _reuse_line(reuse: dict[str, int]) -> str:
    total = sum(reuse.values())
    if not total:
        return "re-use: none counted"
    return (
        f"re-use: {reuse['factor']} points took over mesh and factor, {reuse['mesh']} the mesh, "
        f"{reuse['none']} began anew"
    )


def _worker(directory: str) -> None:
    """The life of a worker process of a sweep: messages on the streams that were standard input and output."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints must not disturb the messages
    from femsim.study.worker import serve

    serve(Path(directory), sys.stdin, channel)


def _task(directory: str, chunks: str, number: str) -> None:
    """One task of an array job."""
    from femsim.study.slurm import run_task
    from femsim.study.sweep import existing

    out(f"{run_task(existing(directory), chunks, int(number))} points run")


def _collect(directory: str, rounds: str) -> None:
    """The job behind an array job."""
    from femsim.study.slurm import collect
    from femsim.study.sweep import existing

    out(collect(existing(directory), int(rounds)))


def _process(role: str, *arguments: str) -> int:
    """What processes that a sweep starts run: a worker, an array task, the collection."""
    roles: dict[str, Callable[..., None]] = {"worker": _worker, "task": _task, "collect": _collect}
    try:
        roles[role](*arguments)
    except Exception as error:
        sys.stderr.write(f"femsim: error: {type(error).__name__}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    load_later()
    code = _process(*sys.argv[1:])
    if sys.argv[1] == "worker":
        sys.stderr.flush()
        os._exit(code)  # no second flush of a channel that may be broken
    sys.exit(code)
