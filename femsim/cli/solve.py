"""Commands that compute: solve, mesh, report."""

from __future__ import annotations

import argparse
import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from femsim.base.errors import InputError, LimitLoadError, NumericsError, ToleranceError
from femsim.cli.text import number, out, out_json, shown, table

if TYPE_CHECKING:
    from femsim.cases.case import Case
    from femsim.cases.casefile import CaseOrigin
    from femsim.reports.artist import Artist

#: endings of mesh files that can be written
MESH_ENDINGS = (".vtu", ".msh")


def solve(arguments: argparse.Namespace) -> None:
    """Solve a case; write its results, then show them."""
    from femsim.base.files import check_target

    if arguments.out is None:
        _solve(arguments, None)
        return
    check_target(arguments.out)
    from femsim.reports.artist import Artist

    with Artist(beside=True, svg=arguments.svg) as artist:  # it loads what it needs while this process does the same
        _solve(arguments, artist)


def _solve(arguments: argparse.Namespace, artist: Artist | None) -> None:
    from femsim.base.later import loading

    with loading():
        from femsim.base.progress import Progress
        from femsim.cases.casefile import load_case, show_file

    given = arguments.overrides + tolerance(arguments.tol)
    if arguments.goals:
        given.append(f"mesh.goals={json.dumps(arguments.goals)}")
    case, origin = load_case(arguments.case, given)
    if arguments.goals and case.mesh.tolerance is None:
        raise InputError("--goal: goes with --tol, or a case with mesh.tolerance")
    file = show_file(origin.path)
    with loading():
        from femsim.cases.own import conducts_only
        from femsim.runs.results import results_dict, root_table
        from femsim.runs.run import run
        from femsim.solvers.factor import warm_up

    warm_up()
    if conducts_only(case):
        _solve_heat(arguments, case, origin, file, artist)
        return
    missed: ToleranceError | LimitLoadError | None = None
    if arguments.resume and arguments.out is None:
        raise InputError("--resume: goes with --out DIR, where the state is kept")
    with Progress(quiet=arguments.quiet) as progress:
        place = None
        if arguments.out is not None and (case.step or case.cycle):
            from femsim.runs.resume import STATE, Place

            place = Place(Path(arguments.out) / STATE, arguments.resume)
        with _naming(file):
            try:
                done = run(case, origin.base, progress, watch=artist, state=place)
            except (ToleranceError, LimitLoadError) as error:  # the best answer is shown and written all the same
                missed, done = error, error.run
        written: list[str] = []
        if arguments.out is not None:
            from femsim.reports.report import publish

            progress("writing figures and the report")
            with _naming(file):
                written = publish(done, Path(arguments.out), progress, origin.base, artist=artist)
        if place is not None:
            place.path.unlink(missing_ok=True)
        if isinstance(missed, LimitLoadError):  # no answer to what was asked: nothing but the files of the way there
            kept = "" if place is None else f"; what was reached is in {arguments.out}"
            raise NumericsError(f"{file}: {missed}{kept}")
        document = results_dict(done)
        rows = root_table(done)
    if arguments.json:
        out_json(document)
    else:
        _show_results(document, rows)
        if arguments.out is not None:
            out(f"\nwritten to {arguments.out}: {', '.join(written)}")
    if missed is not None:
        raise NumericsError(f"{file}: {missed}")


def _solve_heat(
    arguments: argparse.Namespace, case: Case, origin: CaseOrigin, file: str, artist: Artist | None
) -> None:
    """Solve a case of which only heat can be solved; write its results, then show them."""
    from femsim.base.progress import Progress
    from femsim.runs.heat import heat_run_dict, run_heat
    from femsim.runs.points import spread

    if case.mesh.tolerance is not None:
        raise InputError(f"{file}: mesh.tolerance: refines for root metrics, which a case of heat alone has not")
    with Progress(quiet=arguments.quiet) as progress:
        with _naming(file):
            done = run_heat(case, origin.base, progress)
        written: list[str] = []
        if arguments.out is not None:
            from femsim.reports.report import publish

            progress("writing figures and the report")
            with _naming(file):
                written = publish(done, Path(arguments.out), progress, origin.base, artist=artist)
        document = heat_run_dict(done)
    if arguments.json:
        out_json(document)
        return
    mesh = document["mesh"]
    out(f"{document['case']['name']}: stack {document['case']['stack']}, {document['case']['kinematics']}, heat")
    counts = f"{mesh['nodes']} nodes, {mesh['elements']} {mesh['element']}, {mesh['unknowns']} unknowns"
    out(f"mesh: {counts}, smallest edge {mesh['smallest']:.3g} um\n{_notes(mesh['notes'])}\n")
    _show_heat(document)
    for name, probe in spread(document["probes"]):
        out(f"\nprobe {name} at ({', '.join(f'{v:.6g}' for v in probe['at'])}) um: T = {temperature(probe)}")
    _show_end(document)
    if arguments.out is not None:
        out(f"\nwritten to {arguments.out}: {', '.join(written)}")


def _show_heat(document: dict[str, Any]) -> None:
    from femsim.runs.heat_tables import heat_tables, heat_words

    for rows in heat_tables(document):
        out(table(rows, right=range(1, len(rows[0]))))
        out("\n")
    for words in heat_words(document):
        out(words)


def temperature(probe: dict[str, Any]) -> str:
    """A probe's temperature with its error, where that is known."""
    error = probe.get("T_error")
    return f"{probe['T']:.6g}{'' if error is None else f' +- {error:.1g}'} degC"


def tolerance(text: str | None) -> list[str]:
    """``--tol 0.5%`` or ``--tol 0.005`` as an override of the case."""
    if text is None:
        return []
    bare = text.strip()
    try:
        value = float(bare.removesuffix("%")) / (100.0 if bare.endswith("%") else 1.0)
    except ValueError:
        raise InputError(f"--tol: {text!r} is not a number or a percentage, as 0.005 or 0.5%") from None
    if not 0.0 < value <= 1.0:
        raise InputError(f"--tol: {text} is not > 0 and <= 100%")
    return [f"mesh.tolerance={value!r}"]


def _show_results(document: dict[str, Any], rows: list[list[str]]) -> None:
    from femsim.runs.largest import largest_table
    from femsim.runs.points import spread
    from femsim.runs.results import crack_notes, crack_table, left_out_words
    from femsim.runs.states import range_table
    from femsim.runs.units import is_plane, output_unit

    document = shown(document)
    case, mesh = document["case"], document["mesh"]
    delta = case["delta_t"]
    change = f"{delta[0]:+g} to {delta[1]:+g} K" if isinstance(delta, list | tuple) else f"{delta:+g} K"
    out(f"{case['name']}: stack {case['stack']}, {case['kinematics']}, {change}")
    counts = f"{mesh['nodes']} nodes, {mesh['elements']} {mesh['element']}, {mesh['dofs']} dofs"
    out(f"mesh: {counts}, smallest edge {mesh['smallest']:.3g} um\n{_notes(mesh['notes'])}\n")
    if len(rows) > 1:
        out(table(rows, right=range(2, len(rows[0]))))
        known = any("+-" in cell for row in rows for cell in row)
        why = "+- estimates the discretisation error" if known else "no error estimates here; `femsim converge` refines"
        out(f"averages over the length; {why}\n")
        around = largest_table(document["metrics"]["roots"])
        if len(around) > 1:
            out("they vary around the body; where each is largest in magnitude:\n\n")
            out(table(around, right=(1, 3, 4)))
    ranged = range_table(document)
    if len(ranged) > 1:
        out("\nover all temperatures, each a load from the stress-free state; above and below, those of the last:\n\n")
        out(table(ranged, right=range(1, len(ranged[0]))))
    for line in left_out_words(document["metrics"]["left_out"]):
        out(line + "\n")
    if len(rows) > 1:
        out("\n")
    regions = document["metrics"]["regions"]
    if regions:
        energy = output_unit("metrics.regions.any.energy", is_plane(case["kinematics"]))
        lines = [["region", "mean von Mises (MPa)", "max at a Gauss point (MPa)", f"energy ({energy})"]]
        for name, values in regions.items():
            if values is None:  # removed, or not yet born
                lines.append([name, "not there", "", ""])
                continue
            lines.append([name, *(number(values[key]) for key in ("von_mises_mean", "von_mises_max", "energy"))])
        out(table(lines, right=(1, 2, 3)))
        if rows[1:]:
            out("at a root stress has no bound: the maximum there measures the mesh, it is no result\n")
    _show_program(document)
    if document.get("cracks"):
        lines = crack_table(document["cracks"])
        out("\n" + table(lines, right=range(1, len(lines[0]))))
        for line in crack_notes(document["cracks"]):
            out(line + "\n")
    if "heat" in document:
        out("\n")
        _show_heat(document)
    for name, probe in spread(document["probes"]):
        if probe is None:
            out(f"\nprobe {name}: its region is not there")
            continue
        errors, moves = probe.get("stress_error") or {}, probe.get("u_error") or [None] * len(probe["u"])
        stress = ", ".join(f"{key} {_sure(value, errors.get(key), 4)}" for key, value in probe["stress"].items())
        place = ", ".join(f"{v:.6g}" for v in probe["at"])
        moved = ", ".join(_sure(v, e, 6) for v, e in zip(probe["u"], moves, strict=True))
        warmth = f"; T = {temperature(probe)}" if "T" in probe else ""
        out(f"\nprobe {name} at ({place}) um: u = ({moved}) um; {stress} MPa{warmth}")
    _show_end(document)


def _sure(value: float, error: float | None, digits: int) -> str:
    """A number, with its error where that is known and not zero."""
    return f"{value:.{digits}g}" + (f" +- {error:.1g}" if error else "")


def _show_program(document: dict[str, Any]) -> None:
    """Steps, and the life of what was asked for."""
    from femsim.runs.program_tables import is_program, jump_rows, life_tables, step_table

    if not is_program(document):
        return
    words, rows = step_table(document)
    out(f"\nsteps: {words}; {document['increments']} increments\n\n")
    out(table(rows, right=range(1, len(rows[0]))))
    jumped = jump_rows(document)
    if jumped is not None:
        out(f"\n{jumped[0]}\n\n" + table(jumped[1], right=range(1, 6)))
    if "life" in document:
        for lines in life_tables(document):
            out("\n" + table(lines, right=range(2 if lines[0][1] == "law" else 1, len(lines[0]))))


def _show_end(document: dict[str, Any]) -> None:
    out(
        "\nchecks: "
        + ", ".join(f"{name} {value:.1e}" for name, value in document["checks"].items() if value is not None)
    )
    out("time:   " + ", ".join(f"{name} {value:.2f} s" for name, value in document["timing"].items()))


def mesh(arguments: argparse.Namespace) -> None:
    """Mesh a case without solving it."""
    from femsim.base.files import check_target, staged_directory
    from femsim.base.progress import Progress
    from femsim.cases.casefile import load_case, show_file

    target = Path(arguments.to) if arguments.to is not None else None
    if target is not None:
        if target.suffix not in MESH_ENDINGS:
            raise InputError(
                f"--to: {show_file(target)}: the ending {target.suffix!r} is not one of {', '.join(MESH_ENDINGS)}"
            )
        if target.is_dir():
            raise InputError(f"--to: {show_file(target)} is a directory")
        if not target.parent.is_dir():
            raise InputError(f"--to: {show_file(target.parent)}: no such directory")
        check_target(target.parent, "--to")
    if arguments.out is not None:
        check_target(arguments.out)
    case, origin = load_case(arguments.case, arguments.overrides)
    with Progress(quiet=arguments.quiet) as progress:
        progress("meshing")
        from femsim.meshes.mesh import quality
        from femsim.runs.run import mesh_only

        with _naming(show_file(origin.path)):
            disc = mesh_only(case, origin.base)
        measures = asdict(quality(disc.mesh))
        if arguments.out is not None:
            from femsim.base.files import atomic_write
            from femsim.reports.plots.figures import render
            from femsim.reports.plots.layout import layout_figure
            from femsim.reports.plots.mesh import mesh_figure

            progress("drawing")
            with staged_directory(arguments.out) as stage:
                for name, draw in (("mesh", mesh_figure), ("layout", layout_figure)):
                    figure = draw(disc)
                    for ending in ("png", "svg"):
                        atomic_write(stage / f"{name}.{ending}", render(figure, ending))
        if target is not None:
            from femsim.meshes.write import write_mesh

            write_mesh(target, disc.mesh, disc.point_data)
    if arguments.json:
        document = {"case": {"name": case.name, "stack": case.stack}, "element": disc.mesh.element, **measures}
        out_json({**document, "notes": list(disc.notes)})
        return
    _show_mesh(case.name, disc.mesh.element, measures, disc.notes)
    for place in (arguments.out, arguments.to):
        if place is not None:
            out(f"\nwritten to {place}")


def _notes(notes: Sequence[str]) -> str:
    """Lines on what was done to a mesh file on the way in."""
    return "".join(f"note: {note}\n" for note in notes)


def _show_mesh(name: str, element: str, measures: dict[str, Any], notes: Sequence[str]) -> None:
    at = ", ".join(f"{value:.6g}" for value in measures["worst_at"])
    out(f"{name}: mesh of {element}\n{_notes(notes)}\n")
    rows = [
        ["measure", "value"],
        ["nodes", str(measures["nodes"])],
        ["elements", str(measures["elements"])],
        ["degrees of freedom", str(measures["dofs"])],
        ["smallest edge (um)", number(measures["smallest_edge"])],
        ["largest edge (um)", number(measures["largest_edge"])],
        ["worst scaled Jacobian (1: a rectangle, <= 0: inverted)", f"{measures['worst_jacobian']:.4f} at ({at}) um"],
        ["largest aspect ratio", number(measures["largest_aspect"])],
    ]
    out(table(rows))
    out(
        "\n"
        + table(
            [["region", "elements"], *([region, str(count)] for region, count in measures["per_region"].items())],
            right=(1,),
        )
    )


def report(arguments: argparse.Namespace) -> None:
    """Write report.html again from a directory of results."""
    from femsim.base.files import check_target

    directory = Path(arguments.directory)
    if not directory.is_dir():
        raise InputError(f"{directory}: no such directory of results")
    for needed in ("case.toml", "metrics.json"):
        if not (directory / needed).is_file():
            raise InputError(f"{directory}: holds no {needed}; not what `femsim solve --out` writes")
    check_target(directory, "report")
    from femsim.reports.report import rebuild

    written = rebuild(directory)
    out(f"written: {written if written is not None else directory / 'report.html'}")


@contextlib.contextmanager
def _naming(file: str) -> Iterator[None]:
    """Put the case file's name in front of errors from further down."""
    try:
        yield
    except (InputError, NumericsError) as error:
        text = str(error)
        if text.startswith(f"{file}:"):
            raise
        raise type(error)(f"{file}: {text}") from error
    except (ArithmeticError, ValueError) as error:
        if isinstance(error, ValueError) and type(error).__name__ != "LinAlgError":
            raise
        raise NumericsError(f"{file}: the numbers failed: {error}") from error
