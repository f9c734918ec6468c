"""Reading study files: where the study and its case come from, and every fault that can be found before a point is
run.
"""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from femsim.base.errors import InputError, nearest
from femsim.base.files import read_bytes
from femsim.cases.case import Case
from femsim.cases.casefile import apply_overrides, find_case, parse_case, parse_override, read_toml, show_file
from femsim.cases.wording import dotted, first_finding, show
from femsim.study import design
from femsim.study.points import case_of, overrides
from femsim.study.schema import MOST_POINTS, StudyFile

#: bytes of the largest list of points that is read
MOST_BYTES = 300_000_000


@dataclass(frozen=True)
class Study:
    """A checked study: its file, its case's tables (overrides applied), the keys that vary and the points.

    ``samples_of_case`` are some cases of the study that the schema accepts, for finding out what can be measured.
    """

    path: Path
    spec: StudyFile
    case_path: Path
    data: dict[str, Any]
    keys: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    samples_of_case: tuple[Case, ...]

    @property
    def name(self) -> str:
        """The study's name."""
        return self.spec.name or self.path.stem

    @property
    def file(self) -> str:
        """The study file as errors name it."""
        return show_file(self.path)

    @property
    def base(self) -> Path:
        """The directory that the case's mesh file is relative to."""
        return self.case_path.parent


def load_study(source: str | Path, more: Sequence[str] = ()) -> Study:
    """The study in a TOML file, or the shipped one of that name; ``more`` are further KEY=VALUE overrides of its case.

    Raises InputError for anything wrong in the study, its case, or the ends of its ranges.
    """
    path = find_study(source)
    file = show_file(path)
    spec = parse_study(read_toml(path), file)
    case_path = _case_path(spec.case, path)
    data = read_toml(case_path)
    data.setdefault("name", case_path.stem)
    given = [*spec.study.set, *more]
    try:
        data = apply_overrides(data, given, show_file(case_path))
        parse_case(data, show_file(case_path), given)
    except InputError as error:
        raise InputError(f"{file}: study.set: {error}" if given and "--set" in str(error) else str(error)) from None
    if spec.study.design == "list":
        keys, rows = _read_list(path.parent / str(spec.study.file), file)
        accepted = _check_list(data, keys, rows, show_file(path.parent / str(spec.study.file)))
    else:
        keys = tuple(p.key for p in spec.parameter)
        accepted = _check_parameters(spec, data, file)
        try:
            rows = tuple(design.sample(spec))
        except InputError as error:
            raise InputError(f"{file}: {error}") from None
    return Study(path, spec, case_path, data, keys, rows, tuple(accepted))


def parse_study(data: dict[str, Any], file: str) -> StudyFile:
    """The study that the tables of a file describe; faults are worded with ``file`` in front."""
    if "stack" in data and "study" not in data:
        raise InputError(f"{file}: this is a case file, not a study: it has no [study] table (femsim solve takes it)")
    if "optimise" in data and isinstance(data.setdefault("study", {}), dict):
        data["study"].setdefault("design", "none")
    try:
        return StudyFile.model_validate(data)
    except ValidationError as error:
        finding = first_finding(error, data, StudyFile)
        where = f"{dotted(finding.path)}: " if finding.path else ""
        more = f" (and {finding.others} more)" if finding.others else ""
        raise InputError(f"{file}: {where}{finding.text}{more}") from None


def shipped_studies() -> dict[str, Path]:
    """The shipped study files by name."""
    from femsim.cases.library import data_path

    return {path.stem: path for path in sorted((data_path("meshes") / "studies").glob("*.toml"))}


def find_study(source: str | Path) -> Path:
    """The file ``source`` names: a path, or the name of a shipped study."""
    path = Path(source)
    try:
        if path.is_dir():
            raise InputError(f"{show_file(path)}: is a directory, not a study file")
        if path.exists():
            return path
    except (OSError, ValueError) as error:
        raise InputError(f"{show_file(str(source))}: {error}") from None
    shipped = shipped_studies()
    if str(source) in shipped:
        return shipped[str(source)]
    from femsim.cases.library import list_cases

    if str(source) in list_cases():
        raise InputError(
            f"{source}: is a shipped case, not a study (femsim solve takes it); case = {str(source)!r} in one"
        )
    near = nearest(path.stem, shipped)
    known = f"; shipped studies: {', '.join(shipped)}" if shipped and not near else ""
    raise InputError(f"{show_file(path)}: no such file, and no shipped study of that name{near}{known}")


def _case_path(case: str, study: Path) -> Path:
    """The case's file: relative to the study file, or a shipped case."""
    beside = study.parent / case
    try:
        if beside.is_file():
            return beside
    except (OSError, ValueError) as error:  # a name too long for a file
        raise InputError(f"{show_file(study)}: case: {getattr(error, 'strerror', None) or error}") from None
    try:
        return find_case(case)
    except InputError as error:
        raise InputError(f"{show_file(study)}: case: {error}") from None


# ---------------------------------------------------------------- checks


def _check_parameters(spec: StudyFile, data: dict[str, Any], file: str) -> list[Case]:
    """Refuse a key the case does not have, or a value that it never accepts, whatever the other parameters are; the
    accepted cases.
    """
    keys = [p.key for p in spec.parameter]
    ends = [design.extremes(p) for p in spec.parameter]
    grounds: list[list[Any] | None] = [
        None,
        [design.middle(p) for p in spec.parameter],
        [e[0] for e in ends],
        [e[-1] for e in ends],
    ]
    accepted: list[Case] = []
    for number, (parameter, tried) in enumerate(zip(spec.parameter, ends, strict=True)):
        where = f"{file}: parameter.{number}"
        _check_key(parameter.key, where)
        for value in tried:
            faults: list[str] = []
            for ground in grounds:
                point = dict(zip(keys, ground, strict=True)) if ground else {}
                point[parameter.key] = value
                try:
                    case = case_of(data, list(point), list(point.values()), "")
                except InputError as error:
                    faults.append(_plain_fault(error))
                    continue
                if len(accepted) < 64:
                    accepted.append(case)
                break
            else:
                what = (
                    "values"
                    if parameter.values is not None
                    else "range"
                    if parameter.range is not None
                    else "distribution"
                )
                unknown = "unknown key" in faults[0] or "no role of that name" in faults[0]
                raise InputError(f"{where}.{'key' if unknown else what}: {faults[0]}")
    _check_twice(keys, [f"{file}: parameter.{number}.key" for number in range(len(keys))])
    lost = _excluded(data, keys, [e[0] for e in ends])
    if lost:
        raise InputError(f"{file}: parameter: {lost} is overridden by another parameter; vary one of them")
    return accepted


def _excluded(data: dict[str, Any], keys: list[str], values: list[Any]) -> str:
    """A key that setting a later one removes."""
    try:
        result = apply_overrides(data, overrides(keys, values), "")
    except InputError:
        return ""
    for key in keys:
        node: Any = result
        for part in parse_override(f"{key}=0")[0]:
            if isinstance(node, list) and part.isdecimal() and int(part) < len(node):
                node = node[int(part)]
            elif isinstance(node, dict) and part in node:
                node = node[part]
            else:
                return key
    return ""


def _check_key(key: str, where: str) -> None:
    try:
        parse_override(f"{key}=0")
    except InputError:
        raise InputError(f"{where}.key: {show(key)} is not a key, e.g. geometry.post_radius") from None


def _check_twice(keys: Sequence[str], where: Sequence[str]) -> None:
    """Refuse a key that is given twice, in whatever spelling; ``where`` says of each where it stands."""
    first: dict[tuple[str, ...], str] = {}
    for key, place in zip(keys, where, strict=True):
        # a quoted key is the bare one, and entry 00 of a list is entry 0
        path = tuple(part.lstrip("0") or "0" if part.isdecimal() else part for part in parse_override(f"{key}=0")[0])
        if path in first:
            same = "" if first[path] == key else f" (as {show(first[path])})"
            raise InputError(f"{place}: {show(key)} is given twice{same}")
        first[path] = key


def _plain_fault(error: InputError) -> str:
    return str(error).removeprefix(": ").replace(" (set by --set)", "").replace(" (by --set)", "")


def _read_list(path: Path, study: str) -> tuple[tuple[str, ...], tuple[tuple[Any, ...], ...]]:
    """Keys and rows of a CSV file: a header of dotted keys, then TOML values or bare words."""
    file = show_file(path)
    try:
        raw = read_bytes(path, MOST_BYTES)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{study}: study.file: {file}: {reason.lower()}") from None
    if len(raw) > MOST_BYTES:
        raise InputError(f"{study}: study.file: {file}: larger than {MOST_BYTES / 1e6:g} MB; not a list of points")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{file}: not UTF-8 text (byte {raw[error.start]:#04x} at position {error.start}); a CSV file is needed"
        ) from None
    if "\0" in text:
        raise InputError(f"{file}: not a text file; a CSV file is needed")
    try:
        table = [
            (number, row)
            for number, row in enumerate(csv.reader(io.StringIO(text, newline=""), strict=True), 1)
            if any(row)
        ]
    except csv.Error as error:
        raise InputError(f"{file}: not a CSV file ({error})") from None
    if len(table) < 2:
        raise InputError(f"{file}: needs a header of keys and at least one row")
    if len(table) - 1 > MOST_POINTS:
        raise InputError(f"{file}: {len(table) - 1:,} rows are more than {MOST_POINTS:,}")
    keys = tuple(key.strip() for key in table[0][1])
    for key in keys:
        try:
            parse_override(f"{key}=0")
        except InputError:
            raise InputError(
                f"{file}: line 1: {show(key)} is not a key of the case; the first line names the columns"
            ) from None
    _check_twice(keys, [f"{file}: line 1: column {number}" for number in range(1, len(keys) + 1)])
    rows = []
    for number, row in table[1:]:
        if len(row) != len(keys):
            raise InputError(f"{file}: line {number}: {len(row)} entries where the header has {len(keys)}")
        rows.append(
            tuple(_csv_value(entry, f"{file}: line {number}: {key}") for key, entry in zip(keys, row, strict=True))
        )
    return keys, tuple(rows)


def _csv_value(text: str, where: str) -> Any:
    text = text.strip()
    if not text:
        raise InputError(f"{where}: is empty")
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    value = parsed["value"] if list(parsed) == ["value"] else text
    if isinstance(value, float) and not abs(value) < float("inf"):
        raise InputError(f"{where}: {text} is not a finite number")
    return value if isinstance(value, bool | int | float | str | list | dict) else text


def _check_list(data: dict[str, Any], keys: Sequence[str], rows: Sequence[tuple[Any, ...]], file: str) -> list[Case]:
    """Refuse a list whose keys the case does not have, or of which no row is accepted; single bad rows become failed
    points.
    """
    accepted: list[Case] = []
    fault = ""
    for row in rows[:500]:
        try:
            accepted.append(case_of(data, keys, row, ""))
        except InputError as error:
            text = _plain_fault(error)
            if "unknown key" in text:
                raise InputError(f"{file}: line 1: {text}") from None
            fault = fault or text
        if len(accepted) >= 64:
            break
    if not accepted:
        raise InputError(f"{file}: no row is a case that can be solved; the first: {fault}")
    return accepted
