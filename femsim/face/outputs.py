"""What every result offers: its numbers by name, its files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from femsim.base.errors import InputError, nearest
from femsim.face.case import Case
from femsim.face.values import Value
from femsim.runs.heat import HeatRun
from femsim.runs.names import error_of, find, outputs_of
from femsim.runs.run import Run
from femsim.runs.units import is_plane, output_unit


def value_of(document: Mapping[str, Any], name: str) -> Value:
    """A number of a JSON document by its name or dotted path, with its error and unit. Raises InputError for a name
    that stands for no number, or for several.
    """
    outputs = outputs_of(document)
    found = find(name, outputs)
    if len(found) != 1:
        known = [output.name for output in outputs]
        what = f"{len(found)} numbers, such as {found[0].name}" if found else "no number of the results"
        raise InputError(f"{name}: {what}{'' if found else nearest(name, known)}")
    one = found[0]
    return Value(one.value, error_of(one, outputs), output_unit(one.path, is_plane(document["case"]["kinematics"])))


def write_run(run: Run | HeatRun, case: Case, directory: str | Path, svg: bool) -> list[str]:
    """Write case.toml, metrics.json, fields.vtu, the figures and report.html, as ``femsim solve --out`` does; names of
    the files written. Raises InputError where the directory cannot be written.
    """
    from femsim.base.files import check_target
    from femsim.reports.artist import Artist
    from femsim.reports.report import publish

    check_target(directory, "write")
    return publish(run, Path(directory), None, case.base, Artist(svg=svg))
