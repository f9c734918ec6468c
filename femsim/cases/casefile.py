"""Reading and writing case files: where a case comes from, what ``--set`` changes, and the one line that names a fault.

Every fault is an :class:`~femsim.base.errors.InputError` of the form ``FILE: key: value is not allowed / what is
allowed``. The rules themselves stand in :mod:`femsim.cases.case`; this module only finds the file, applies overrides
and puts the findings of the schema into words.
"""

from __future__ import annotations

import contextlib
import copy
import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from femsim.base.errors import InputError, nearest, printable
from femsim.base.files import read_bytes
from femsim.cases.case import CASE_TYPES, Case
from femsim.cases.faults import material_fault
from femsim.cases.keys import Geometry
from femsim.cases.laws import LAWS
from femsim.cases.material import MaterialRef
from femsim.cases.own import PARTS, own_names, substituted
from femsim.cases.parts import CaseBase
from femsim.cases.stacks.meshfile import MeshCase
from femsim.cases.wording import Finding, dotted, first_finding, one_of, show

#: a case file is text written by hand; more bytes than this are a slip
MAX_BYTES = 4_000_000
#: tables and lists inside one another; a case needs six
MAX_DEPTH = 12

Path_ = tuple[str | int, ...]


@dataclass(frozen=True)
class CaseOrigin:
    """Where a case comes from: its file, the directory its mesh files are relative to, and which keys took their
    defaults.
    """

    path: Path
    stem: str
    base: Path
    defaulted: frozenset[str] = frozenset()
    overrides: tuple[str, ...] = ()


def load_case(source: str | Path, overrides: Sequence[str] = ()) -> tuple[Case, CaseOrigin]:
    """The case in a TOML file, or the shipped case of that name, with ``KEY=VALUE`` overrides applied and everything
    checked.
    """
    path = find_case(source)
    file = show_file(path if path == Path(source) else source)  # a shipped case bears its name
    data = read_toml(path)
    unnamed = "name" not in data
    if overrides:
        data = apply_overrides(data, overrides, file)
        unnamed = unnamed and "name" not in data
    data.setdefault("name", show_file(path.stem))
    case = parse_case(data, file, overrides)
    if unnamed:
        case.model_fields_set.discard("name")  # the file's stem is a default
    return case, CaseOrigin(path, path.stem, path.parent, frozenset(_defaulted(case)), tuple(overrides))


def case_from(tables: Mapping[str, Any], name: str = "case", overrides: Sequence[str] = ()) -> Case:
    """The case that tables like those of a file describe, checked as a file is; ``name`` is what a fault is reported
    under.
    """
    _check_values(tables, name)
    data = apply_overrides(tables, overrides, name)
    data.setdefault("name", name)
    return parse_case(data, name, overrides)


def find_case(source: str | Path) -> Path:
    """The file ``source`` names: a path, or the name of a shipped case."""
    from femsim.cases.library import case_path, list_cases

    path = Path(source)
    try:
        if path.is_file():
            return path
        shipped = list_cases()
        if str(source) in shipped:
            return case_path(str(source))
        if path.is_dir():
            raise InputError(f"{show_file(path)}: is a directory, not a case file")
        if path.exists():
            return path  # a pipe
    except (OSError, ValueError) as error:
        raise InputError(f"{show_file(path)}: {_reason(error)}") from None
    if path.suffix == ".toml" and path.stem in shipped and path.parent == Path():
        raise InputError(f"{show_file(path)}: no such file (the shipped case is called {path.stem!r})")
    near = nearest(path.stem, shipped)
    known = f"; shipped cases: {', '.join(shipped)}" if shipped and not near else ""
    raise InputError(f"{show_file(path)}: no such file, and no shipped case of that name{near}{known}")


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file, with numbers that are finite and a depth that is sane."""
    file = show_file(path)
    try:
        raw = read_bytes(path, MAX_BYTES)
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: {_reason(error)}") from None
    if len(raw) > MAX_BYTES:
        raise InputError(f"{file}: larger than {MAX_BYTES / 1e6:g} MB; not a case file")
    if b"\0" in raw:
        raise InputError(f"{file}: not a text file (a zero byte at position {raw.index(0)})")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: not UTF-8 text (byte {raw[error.start]:#04x} at position {error.start})") from None
    data = parse_toml(text, file)
    if not data:
        raise InputError(f'{file}: empty; a case file begins with stack = "..." ({one_of(CASE_TYPES)})')
    return data


def parse_toml(text: str, file: str) -> dict[str, Any]:
    """The tables of a TOML text; ``file`` is what a fault is reported under."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{file}: {_syntax(str(error), text)}") from None
    except RecursionError:
        raise InputError(f"{file}: nested deeper than {MAX_DEPTH} levels") from None
    except ValueError as error:  # integers of thousands of digits, impossible dates
        what = "an integer of thousands of digits" if "digits" in str(error) else str(error)
        raise InputError(f"{file}: {what}") from None
    _check_values(data, file)
    return data


def parse_case(data: Mapping[str, Any], file: str, overrides: Sequence[str] = ()) -> Case:
    """The case that the tables of a file describe; faults are worded with ``file`` in front."""
    kind = case_type(data, file)
    try:
        case = kind.model_validate(dict(data))
    except ValidationError as error:
        finding = first_finding(error, data, kind)
        raise InputError(_line(file, finding, overrides)) from None
    fault = material_fault(case)
    if fault is not None:
        raise InputError(_line(file, fault, overrides))
    return cast(Case, case)


def case_type(data: Mapping[str, Any], file: str) -> type[CaseBase]:
    """The schema that ``stack`` asks for."""
    if "stack" not in data:
        near = next((key for key in data if nearest(key, ["stack"])), None)
        if near is not None:
            raise InputError(f"{file}: {dotted([near])}: unknown key{nearest(near, ['stack'])}")
        if "study" in data or "parameter" in data:
            raise InputError(f"{file}: this is a study file, not a case (femsim sweep or femsim optimise takes it)")
        raise InputError(f"{file}: stack: missing; {one_of(CASE_TYPES)}")
    stack = data["stack"]
    if not isinstance(stack, str) or stack not in CASE_TYPES:
        near = nearest(stack, CASE_TYPES) if isinstance(stack, str) else ""
        raise InputError(f"{file}: stack: {show(stack)} is not {one_of(CASE_TYPES)}{near}")
    return CASE_TYPES[stack]


# ---------------------------------------------------------------- overrides


def apply_overrides(data: Mapping[str, Any], overrides: Sequence[str], file: str = "--set") -> dict[str, Any]:
    """A copy of ``data`` with ``KEY=VALUE`` entries set.

    Keys are dotted, entries of lists go by index (``probe.0.name``; the index one past the end appends). Values are
    TOML; a bare word is text. A key inside a material, or inside a law of it, given by name turns the name into
    ``{ like = NAME, key = VALUE }``.
    """
    result: dict[str, Any] = copy.deepcopy(dict(data))
    for override in overrides:
        path, value = parse_override(override)
        table = result.get("geometry")
        if path[0] == "geometry" and len(path) > 1 and isinstance(table, dict):
            for key, absolute in _stand_ins(data).items():
                if path[1] in (key, absolute):  # setting one drops the other
                    table.pop(absolute if path[1] == key else key, None)
        _set(result, path, value, file)
    return result


def changed_case(case: CaseBase, values: Mapping[str, Any]) -> Case:
    """The case with some keys changed, as overrides change them in a file. Raises InputError."""
    given = [f"{key}={toml_value(value)}" for key, value in values.items()]
    file = show_file(case.name) or "case"
    return parse_case(apply_overrides(case.tables(), given, file), file)


def toml_value(value: Any) -> str:
    """A value as TOML text on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(str(k))} = {toml_value(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml_value(v) for v in value) + "]"
    return json.dumps(str(value))


def _stand_ins(data: Mapping[str, Any]) -> dict[str, str]:
    """Relative keys of the stack's geometry, with the absolute keys they stand for."""
    stack = data.get("stack")
    field = CASE_TYPES[stack].model_fields.get("geometry") if isinstance(stack, str) and stack in CASE_TYPES else None
    kind = None if field is None else field.annotation
    return kind.STANDS_FOR if isinstance(kind, type) and issubclass(kind, Geometry) else {}


def parse_override(override: str, option: str = "--set") -> tuple[tuple[str, ...], Any]:
    """The key path and the value of ``KEY=VALUE``, as an option gives them."""
    with contextlib.suppress(UnicodeError):  # where the locale is narrow, the shell's bytes are UTF-8 all the same
        override = os.fsencode(override).decode()
    key, equals, text = override.partition("=")
    key, text = key.strip(), text.strip()
    label = f"{option} {show_text(override)}"
    if not _is_text(override):
        raise InputError(f"{label}: not UTF-8 text")
    if not equals or not key:
        raise InputError(f"{label}: not of the form KEY=VALUE, e.g. geometry.post_radius=40")
    if not text:
        raise InputError(f"{label}: no value after '='")
    try:
        if "\n" in key or len(key) > 1000:
            raise ValueError
        node: Any = tomllib.loads(f"{key} = 0")
        path: list[str] = []
        while isinstance(node, dict):
            if len(path) > MAX_DEPTH:
                raise InputError(f"{label}: nested deeper than {MAX_DEPTH} levels")
            ((name, node),) = node.items()  # a comment is no key, nor is the head of a table
            path.append(name)
        if node != 0 or isinstance(node, list):
            raise ValueError
    except (ValueError, RecursionError):
        raise InputError(f"{label}: {show(key)} is not a key, e.g. geometry.post_radius") from None
    try:
        parsed = tomllib.loads(f"value = {text}")
        if list(parsed) != ["value"]:
            raise ValueError
        value = parsed["value"]
    except (ValueError, RecursionError):
        if text[0] in "[{\"'" or "\n" in text:
            raise InputError(f"{label}: {show(text)} is not a TOML value{_unquoted(text)}") from None
        value = text
    _check_values({path[-1]: value}, option, tuple(path[:-1]))
    return tuple(path), value


def _unquoted(text: str) -> str:
    """A hint where a table or list holds bare words, as a shell leaves them."""
    bare = re.search(r"[=\[,]\s*(?!true\b|false\b|inf\b|nan\b)([A-Za-z][\w-]*)\s*[,\]}]", text)
    return f'; texts in it stand in quotes, "{bare[1]}", and all of it in single quotes for the shell' if bare else ""


def _set(data: dict[str, Any], path: tuple[str, ...], value: Any, file: str) -> None:
    node: Any = data
    for depth, part in enumerate(path[:-1]):
        here = path[: depth + 1]
        following = path[depth + 1]
        if isinstance(node, list):
            at = _index(node, part, here, file)
            if at == len(node):
                node.append({})
            child = node[at]
        else:
            if part not in node and here == ("materials", part) and part in _standard(data):
                node[part] = _standard(data)[part]
            elif part not in node:
                node[part] = [] if following.isdecimal() and here[0] != "materials" else {}
            child = node[part]
        if isinstance(child, str) and (_is_material(here) or (here[-1] in LAWS and _is_material(here[:-1]))):
            child = {"like": child}
            if isinstance(node, list):
                node[at] = child
            else:
                node[part] = child
        if not isinstance(child, dict | list):
            raise InputError(
                f"{file}: {dotted(here)}: {show(child)} is not a table; {dotted(path)} cannot be set (by --set)"
            )
        node = child
    if isinstance(node, list):
        at = _index(node, path[-1], path, file)
        node[at : at + 1] = [value]
    else:
        node[path[-1]] = value


def _index(entries: list[Any], part: str, path: tuple[str, ...], file: str) -> int:
    if not part.isdecimal() or len(part) > 9 or int(part) > len(entries):
        what = f"0 to {len(entries) - 1}, or {len(entries)} for a new one" if entries else "0 for a new one"
        raise InputError(f"{file}: {dotted(path)}: {show(part)} is not the number of an entry ({what}) (set by --set)")
    return int(part)


def _standard(data: Mapping[str, Any]) -> dict[str, str]:
    """Materials the stack takes where the case gives none."""
    stack = data.get("stack")
    return CASE_TYPES[stack].STANDARD if isinstance(stack, str) and stack in CASE_TYPES else {}


def _is_material(path: tuple[str, ...]) -> bool:
    inside = len(path) > 2 and path[-1] in ("material", *PARTS)
    return inside or (len(path) == 2 and path[0] == "materials")


# ---------------------------------------------------------------- writing


def dump_case(
    case: CaseBase,
    materials: Mapping[str, BaseModel | Mapping[str, Any]] | None = None,
    header: str = "",
    base: Path | None = None,
) -> str:
    """TOML text of a case with every key, also those left at their defaults; floats round-trip exactly.

    With ``materials`` (by role or region; may be empty) all materials are written out in numbers: as given there, else
    as the library has them. ``base`` makes a mesh file's path absolute, ``header`` becomes comment lines on top.
    """
    import tomli_w

    data = _plain(case)
    if materials is not None:
        resolved = {
            role: _plain(spec) if isinstance(spec, BaseModel) else dict(spec) for role, spec in materials.items()
        }
        own = own_names(case, resolved)

        def written(key: str, ref: MaterialRef) -> Any:
            whole = substituted(ref, own, key)
            return _numeric(whole if isinstance(whole, str) else _plain(whole))

        for region, key, ref in case.own_materials():
            table, number, last = key.split(".")
            data[table][int(number)][last] = _numeric(resolved[region]) if region in resolved else written(key, ref)
        roles = {role: written(f"materials.{role}", ref) for role, ref in case.materials.items() if role not in own}
        known = {role: spec for role, spec in resolved.items() if role in case.ROLES or isinstance(case, MeshCase)}
        data["materials"] = roles | {role: _numeric(spec) for role, spec in known.items()}
    if isinstance(case, MeshCase) and base is not None:
        data["mesh"]["file"] = str((base / case.mesh.file).resolve())
    first: dict[str, Any] = {key: data.pop(key) for key in ("name", "stack") if key in data}
    comment = "".join(f"# {show_file(line)}".rstrip() + "\n" for line in header.split("\n")) if header else ""
    text = tomli_w.dumps(
        {**first, **{key: value for key, value in data.items() if value not in ({}, [])}}, multiline_strings=False
    )
    return comment + ("\n" if comment else "") + text


def _numeric(ref: Any) -> Any:
    """A material as a table of numbers: a library entry is written out, what overrides it on top."""
    from femsim.cases.library import read_material
    from femsim.cases.merge import merged

    if isinstance(ref, str):
        ref = {"like": ref}
    own = {key: _numeric(part) if key in PARTS else part for key, part in ref.items() if (key, part) != ("angle", 0.0)}
    if "layers" in own:
        own["layers"] = [{**layer, "material": _numeric(layer["material"])} for layer in own["layers"]]
    if "like" not in own:
        return own
    return merged(own, read_material(own["like"]))


def _plain(model: BaseModel) -> dict[str, Any]:
    return cast(dict[str, Any], _listed(model.model_dump(by_alias=True, exclude_none=True)))


def _listed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _listed(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_listed(entry) for entry in value]
    return value


# ---------------------------------------------------------------- checks that need no mesh


def _is_text(text: str) -> bool:
    """Whether a file or a name can hold it: no zero character, no bytes that are not UTF-8."""
    try:
        return b"\0" not in text.encode("utf-8")
    except UnicodeEncodeError:
        return False


def _check_values(data: Mapping[str, Any], file: str, prefix: Path_ = ()) -> None:
    """Refuse what no key can take: numbers that are not finite, integers beyond every limit, absurd depth."""
    if not all(_is_text(str(key)) for key in data):
        raise InputError(f"{file}: a key holds a character that is not text")
    stack: list[tuple[Path_, Any]] = [((*prefix, key), value) for key, value in reversed(list(data.items()))]
    while stack:
        path, value = stack.pop()
        if isinstance(value, dict | list):
            if len(path) >= MAX_DEPTH:
                raise InputError(f"{file}: {dotted(path[:3])}: nested deeper than {MAX_DEPTH} levels")
            if isinstance(value, dict) and not all(_is_text(str(key)) for key in value):
                raise InputError(f"{file}: {dotted(path)}: a key holds a character that is not text")
            pairs = value.items() if isinstance(value, dict) else enumerate(value)
            stack.extend(((*path, key), entry) for key, entry in reversed(list(pairs)))
        elif isinstance(value, str) and not _is_text(value):
            raise InputError(f"{file}: {dotted(path)}: {show_text(value)!r} holds a character that is not text")
        elif isinstance(value, float) and not (abs(value) < float("inf")):
            raise InputError(f"{file}: {dotted(path)}: {value} is not a finite number")
        elif isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**300:
            raise InputError(f"{file}: {dotted(path)}: an integer of more than 300 digits is not a usable number")


def _defaulted(model: BaseModel, prefix: str = "") -> Iterator[str]:
    """Dotted keys that were not given; optional keys left out (None) do not count, nor those that a relative key stands
    for.
    """
    stands_for = type(model).STANDS_FOR if isinstance(model, Geometry) else {}
    stood = {absolute for key, absolute in stands_for.items() if key in model.model_fields_set}
    for name, field in type(model).model_fields.items():
        value, key = getattr(model, name), prefix + (field.alias or name)
        given = name in model.model_fields_set or name in stood
        if isinstance(value, BaseModel):
            yield from _defaulted(value, key + ".")
        elif isinstance(value, list) and value and isinstance(value[0], BaseModel):
            for index, entry in enumerate(value):
                yield from _defaulted(entry, f"{key}.{index}.")
        elif not given and value is not None and value not in ([], {}) and not field.exclude:
            yield key


# ---------------------------------------------------------------- wording


def show_file(path: Path | str) -> str:
    """A file name on one line."""
    return printable(path)


def show_text(text: str) -> str:
    """A short, printable form of a text of the user's, without quotes."""
    clean = "".join(c if c.isprintable() else " " for c in text)
    return clean if len(clean) <= 60 else clean[:57] + "..."


def _line(file: str, finding: Finding, overrides: Sequence[str]) -> str:
    where = f"{dotted(finding.path)}: " if finding.path else ""
    also = f" (and {finding.others} more)" if finding.others else ""
    by = " (set by --set)" if any(_touches(parse_override(o)[0], finding.path) for o in overrides) else ""
    return f"{file}: {where}{finding.text}{by}{also}"


def _touches(path: tuple[str, ...], key: Path_) -> bool:
    names = tuple(str(part) for part in key)
    return bool(names) and (path[: len(names)] == names or names[: len(path)] == path)


def _reason(error: OSError | ValueError) -> str:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return reason[:1].lower() + reason[1:]


def _syntax(message: str, text: str) -> str:
    """A syntax fault with its line first."""
    found = re.match(r"(.*?) \(at line (\d+), column (\d+)\)$", message, re.DOTALL)
    what, place = (
        (found[1], f"line {found[2]}, column {found[3]}") if found else (message, f"line {text.count(chr(10)) + 1}")
    )
    what = what.removesuffix(" (at end of document)")
    if "Cannot overwrite" in what or "Cannot declare" in what or "twice" in what or "Duplicate" in what:
        what = "a key or table is given twice"
    elif what == "Invalid value":
        what = "not a value (text needs quotes; numbers look like 1.5 or 1e-3)"
    what = "".join(c if c.isprintable() else " " for c in what)
    return f"{place}: not valid TOML: {what[:1].lower() + what[1:]}"
