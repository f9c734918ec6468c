"""What there is: shipped cases, stacks, materials with their sources, mesh files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from femsim.base.errors import InputError
from femsim.builders.blends import resolve_ref
from femsim.builders.resolve import ResolvedMaterial
from femsim.cases.case import CASE_TYPES
from femsim.cases.keys import Strict
from femsim.cases.library import list_cases, list_materials
from femsim.cases.material import Materials
from femsim.cases.wording import dotted, first_finding
from femsim.face.case import plain
from femsim.meshes.read import Imported
from femsim.meshes.read import read_mesh as read


class _Own(Strict):
    """A table of materials alone."""

    materials: Materials


def case_names() -> list[str]:
    """Names of the shipped cases, which :func:`femsim.load` takes."""
    return list_cases()


def stack_names() -> list[str]:
    """Names of the stacks that a case may have."""
    return list(CASE_TYPES)


def material_names(word: str = "") -> list[str]:
    """Names of the library's materials, or those that have ``word`` in them."""
    return [name for name in list_materials() if word.lower() in name]


def material(
    source: str | Mapping[str, Any], temperatures: Sequence[float] = (25.0, 150.0), name: str = "material"
) -> ResolvedMaterial:
    """A material of the library, or one from a table as a case has it, checked at temperatures (degC).

    ``.spec`` has its numbers in outer units (GPa, ppm/K, MPa), ``.entry`` the library's file with all sources,
    ``.material`` the elastic material that models take (MPa, 1/K). Raises InputError.

    >>> fs.material("copper").spec.E
    >>> fs.material({"like": "polyimide", "E": 2.5}).material.youngs_modulus
    """
    data = {"materials": {name: plain(source)}}
    try:
        ref = _Own.model_validate(data).materials[name]
    except ValidationError as error:
        finding = first_finding(error, data, _Own)
        raise InputError(f"{dotted(finding.path[1:])}: {finding.text}") from None
    if isinstance(source, str):
        name = source
    return resolve_ref(name, ref, tuple(float(t) for t in temperatures), name)


def read_mesh(path: str | Path, length_unit: str = "um", element: str | None = None) -> Imported:
    """A mesh file (gmsh, Abaqus, VTU, Nastran and what else meshio reads): ``.mesh`` with its regions and named places
    in um, ``.point_data``, ``.notes`` on what was done to it. Raises InputError.
    """
    return read(Path(path), length_unit, element)
