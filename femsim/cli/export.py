"""Command ``export``: the model of a case for other programs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from femsim.base.errors import InputError, printable
from femsim.cli.options import CASE, add_quiet, add_set, subcommand
from femsim.cli.text import out

COMMANDS = {"export": "write a case's model for another program: an Abaqus or CalculiX deck, a gmsh or VTU mesh"}

#: element of a deck in place of ours
_WITHOUT_MIDDLE = {"quad9": "quad8", "hex27": "hex20", "wedge18": "wedge15"}


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add ``export`` to the command line."""
    command = subcommand(commands, "export", COMMANDS)
    command.add_argument("case", metavar="CASE", help=CASE)
    command.add_argument("file", metavar="FILE", help="what to write: .inp for decks, .msh, .vtu")
    command.add_argument("--to", required=True, choices=["abaqus", "calculix", "gmsh", "vtu"], help="the program")
    add_set(command)
    add_quiet(command)


def export(arguments: argparse.Namespace) -> None:
    """Build the model of a case and write it."""
    from femsim.base.files import atomic_write, check_file
    from femsim.base.progress import Progress
    from femsim.cases.casefile import changed_case, load_case

    target = Path(arguments.file)
    ending = {"gmsh": ".msh", "vtu": ".vtu"}.get(arguments.to, ".inp")
    if target.suffix.lower() != ending:
        raise InputError(f"FILE: {printable(target)}: --to {arguments.to} writes {ending} files")
    check_file(target, "FILE")
    case, origin = load_case(arguments.case, arguments.overrides)
    with Progress(quiet=arguments.quiet) as progress:
        progress("meshing")
        from femsim.builders.build import build_model, discretise, resolve_materials
        from femsim.builders.program import is_program

        if ending != ".inp":
            from femsim.meshes.write import write_mesh

            disc = discretise(case, origin.base)
            write_mesh(target, disc.mesh, disc.point_data)
            out(f"written: {target}: {len(disc.mesh.cells)} {disc.mesh.element}")
            return
        if case.harmonic or case.board is not None:
            key = "harmonic" if case.harmonic else "board"
            raise InputError(f"{case.name}: {key}: a deck cannot hold loads that vary around the axis")
        disc = discretise(case, origin.base)
        element = disc.mesh.element
        if element in _WITHOUT_MIDDLE:
            case = changed_case(case, {"model.element": _WITHOUT_MIDDLE[element]})
            disc = discretise(case, origin.base)
        materials = resolve_materials(case, disc)
        if is_program(disc, materials):
            from femsim.builders.program import plan_of
            from femsim.reports.deck_program import Written, program_deck

            plan = plan_of(disc, materials)
            space = plan.space
            text = program_deck(Written(plan.materials, plan.laws, plan.program), case.name, arguments.to)
        else:
            from femsim.reports.deck import deck

            model = build_model(disc, materials)
            space = model.space
            text = deck(model, case.name, arguments.to)
        progress("writing")
        atomic_write(target, text)
    mesh = space.mesh
    swapped = f" (instead of {element}, which {arguments.to} has not)" if element != mesh.element else ""
    out(f"written: {target}: {len(mesh.cells)} {mesh.element}{swapped}, {space.constraints.count} unknowns")
