"""Findings of the case schema in words: which of several is the telling one, where it belongs, and what would be
allowed.
"""

from __future__ import annotations

import re
import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ValidationError

from femsim.base.errors import nearest

Key = tuple[str | int, ...]


@dataclass(frozen=True)
class Finding:
    """One fault: the key it belongs to, what is wrong in words, and how many further faults there are."""

    path: Key
    text: str
    others: int = 0


def first_finding(error: ValidationError, data: Mapping[str, Any], model: type[BaseModel]) -> Finding:
    """The most telling finding: unknown keys first (a slip there causes others), then in the file's order, missing keys
    last.
    """
    found: dict[Key, tuple[int, str]] = {}
    unfit: dict[Key, list[str]] = {}
    fit: set[Key] = set()
    for entry in error.errors(include_url=False):
        path, branches = _locate(entry["loc"], data)
        misfit = next(((place, label) for place, label in branches if not _meant(label, place, data, model)), None)
        fit.update(place for place, label in branches if _meant(label, place, data, model))
        if misfit is not None:
            unfit.setdefault(misfit[0], []).append(misfit[1])
            continue
        path, text, rank = _word(entry, path, data, model)
        if path not in found or rank < found[path][0]:
            found[path] = (rank, text)
    for place, labels in unfit.items():
        if place not in fit and not any(path[: len(place)] == place for path in found):
            value = _at(data, place)
            found[place] = (1, f"{show(value)} is not {_allowed(labels)}{_quotes_hint(value, labels)}")
    if not found:  # no known way here; keep the schema's own words rather than none
        entry = error.errors(include_url=False)[0]
        found[tuple(entry["loc"])] = (1, str(entry["msg"]))
    order = sorted(found, key=lambda path: found[path][0])
    return Finding(order[0], found[order[0]][1], len(found) - 1)


def dotted(path: Iterable[str | int]) -> str:
    """A key path as ``--set`` takes it; parts that are no bare keys are quoted."""
    return ".".join(str(part) if re.fullmatch(r"[A-Za-z0-9_-]+", str(part)) else show(str(part)) for part in path)


def show(value: object) -> str:
    """A value as an error shows it: short and on one line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, int | float):
        text = f"{value:g}"
        exact = repr(value)
        return text if float(text) == value or len(exact) > 30 else exact
    if isinstance(value, list):
        return (
            f"a list of {len(value)}"
            if len(value) > 4 or any(isinstance(v, dict | list) for v in value)
            else str(value)
        )
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:56] + "...'"


def one_of(words: Iterable[str]) -> str:
    """What is allowed, in words."""
    return f"one of {', '.join(words)}"


# ---------------------------------------------------------------- where


def _locate(loc: tuple[int | str, ...], data: Any) -> tuple[Key, list[tuple[Key, str]]]:
    """Split pydantic's location into the key path in the data and the union branches passed through on the way."""
    path: list[str | int] = []
    branches: list[tuple[Key, str]] = []
    node = data
    for number, part in enumerate(loc):
        if _inside(node, part):
            path.append(part)
            node = node[part]
        elif isinstance(part, str) and (number < len(loc) - 1 or not isinstance(node, dict) or _is_branch(part)):
            branches.append((tuple(path), part))
        else:
            path.append(part)  # a missing key or entry
    return tuple(path), branches


def _is_branch(part: str) -> bool:
    # keys such as E, T, C1 and Q_R are all capitals; names of the schema's classes are not
    return bool(re.search(r"[\[(]|^constrained-|^(float|str|int|bool)$|^[A-Z]\w*[a-z]", part))


def _kind(label: str) -> str:
    if label.startswith(("list", "tuple")):
        return "list"
    if label.startswith(("float", "constrained-float", "int")):
        return "number"
    if label.startswith(("str", "constrained-str")):
        return "text"
    return "table"


def _suits(label: str, value: object) -> bool:
    """Whether a value looks as if it were meant for a branch of a union."""
    match _kind(label):
        case "list":
            return isinstance(value, list)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "text":
            return isinstance(value, str)
    return isinstance(value, dict)


def _meant(label: str, place: Key, data: Any, model: type[BaseModel]) -> bool:
    """Whether the value at a place was meant for a branch; of several kinds of table, for the one that knows most of
    its keys.
    """
    value = _at(data, place)
    if not _suits(label, value):
        return False
    tables = _tables_at(model, place, data) if isinstance(value, dict) else []
    return len(tables) != 1 or tables[0].__name__ in re.findall(r"\w+", label)


def _allowed(labels: Iterable[str]) -> str:
    words = {"number": "a number", "text": "a name", "list": "a list", "table": "a table"}
    kinds = list(dict.fromkeys(words[_kind(label)] for label in labels))
    return kinds[0] if len(kinds) == 1 else f"{', '.join(kinds[:-1])} or {kinds[-1]}"


def _at(data: Any, path: Key) -> Any:
    for part in path:
        if not _inside(data, part):
            return None
        data = data[part]
    return data


def _inside(node: Any, part: object) -> bool:
    return (isinstance(node, dict) and part in node) or (
        isinstance(node, list) and isinstance(part, int) and part < len(node)
    )


# ---------------------------------------------------------------- what


def _word(entry: Any, path: Key, data: Any, model: type[BaseModel]) -> tuple[Key, str, int]:
    """Key path, words and rank of one finding of the schema."""
    kind, context = str(entry["type"]), entry.get("ctx", {})
    value = entry.get("input")
    if kind == "extra_forbidden":
        known = valid_keys(model, path[:-1], data)
        near = nearest(str(path[-1]), known) or _elsewhere(str(path[-1]), path[:-1], known, model, data)
        known_here = (
            f"; allowed: {', '.join(known)}"
            if len(known) <= 20
            else f"; `femsim stacks {data['stack']}` lists the keys"
        )
        return path, f"unknown key{near or known_here}", 0
    if kind == "missing":
        if isinstance(path[-1], int):
            return path[:-1], f"{show(_at(data, path[:-1]))} has too few entries", 1
        return path, "missing; it has no default", 2
    if kind == "literal_error":
        words: list[str] = re.findall(r"'([^']*)'", str(context.get("expected", "")))
        return (
            path,
            f"{show(value)} is not one of {', '.join(words)}{nearest(value, words) if isinstance(value, str) else ''}",
            1,
        )
    if kind == "value_error":
        return _spliced(str(context.get("error", entry["msg"])), path, model, data)
    limits = {
        "greater_than": ("gt", ">"),
        "greater_than_equal": ("ge", ">="),
        "less_than": ("lt", "<"),
        "less_than_equal": ("le", "<="),
    }
    if kind in limits:
        name, sign = limits[kind]
        return (
            path,
            f"{show(_at(data, path) if _at(data, path) is not None else value)} is not {sign} {show(context[name])}",
            1,
        )
    expected = {
        "float_type": "a number",
        "float_parsing": "a number",
        "int_type": "a whole number",
        "bool_type": "true or false",
        "string_type": "a text",
        "list_type": "a list",
        "tuple_type": "a list",
        "dict_type": "a table",
        "model_type": "a table",
        "model_attributes_type": "a table",
        "finite_number": "a finite number",
    }
    if kind in expected:
        table = _as_list(path) if kind == "list_type" and isinstance(value, dict) else ""
        return path, f"{show(value)} is not {expected[kind]}{table}{_quotes_hint(value, [kind])}", 1
    if kind == "too_long":
        return path, f"{show(_at(data, path))} has more than {context.get('max_length')} entries", 1
    if kind == "too_short":
        given, least = _at(data, path), context.get("min_length")
        if given:
            return path, f"{show(given)} has too few entries", 1
        return path, f"needs at least {least} {'entry' if least == 1 else 'entries'}", 1
    if kind == "string_too_short":
        return path, "is empty", 1
    message = str(entry["msg"]).removeprefix("Value error, ")
    return path, message[:1].lower() + message[1:], 1


def _as_list(path: Key) -> str:
    """How the one table that was given is written as an entry of a list."""
    plain = len(path) <= 2 and all(isinstance(part, str) for part in path)
    return f"; write [[{dotted(path)}]]" if plain else "; write [{ ... }]"


def _elsewhere(word: str, path: Key, known: list[str], model: type[BaseModel], data: Any) -> str:
    """Where a key belongs that was given one table too high: ``post_radius`` for ``geometry.post_radius``."""
    for table in known:
        inside = _at(data, (*path, table))
        if (inside is None or isinstance(inside, dict)) and word in valid_keys(model, (*path, table), data):
            return f" (did you mean {dotted((*path, table, word))!r}?)"
    return ""


def _spliced(message: str, path: Key, model: type[BaseModel], data: Any) -> tuple[Key, str, int]:
    """A text of a check in the schema; where it begins with a key of its table (``post_radius: ...``) the key joins the
    path.
    """
    message = " ".join(message.split())
    found = re.match(r"([A-Za-z_]\w*(?:\.\w+)*): (.+)$", message)
    if found:
        parts = tuple(int(part) if part.isdecimal() else part for part in found[1].split("."))
        if parts[0] in valid_keys(model, path, data):
            return (*path, *parts), found[2], 1
    return path, message, 1


def _quotes_hint(value: object, labels: list[str]) -> str:
    if not isinstance(value, str) or not any(label == "float_type" or _kind(label) == "number" for label in labels):
        return ""
    try:
        float(value)
    except ValueError:
        return ""
    return " (leave out the quotes)"


def valid_keys(model: type[BaseModel], path: Key, data: Any) -> list[str]:
    """Keys that the table at ``path`` may have."""
    return list(dict.fromkeys(key for table in _tables_at(model, path, data) for key in _keys(table)))


def _keys(table: type[BaseModel]) -> dict[str, Any]:
    """Keys of a table with their types; types that refer to one another are named by text until they are looked up."""
    hints = get_type_hints(table, include_extras=True)
    return {field.alias or name: hints[name] for name, field in table.model_fields.items()}


def _tables_at(model: type[BaseModel], path: Key, data: Any) -> list[type[BaseModel]]:
    """The kinds of table that may stand at ``path``, narrowed on the way to those that know most of the keys given
    there.
    """
    kinds: list[Any] = [model]
    for number, part in enumerate(path):
        kinds = [inner for kind in _narrowed(kinds, _at(data, path[:number])) for inner in _step(kind, part)]
    return [kind for kind in _narrowed(kinds, _at(data, path)) if _is_table(kind)]


def _narrowed(kinds: list[Any], value: Any) -> list[Any]:
    options = list(dict.fromkeys(option for kind in kinds for option in _options(kind)))
    tables = [option for option in options if _is_table(option)]
    if len(tables) < 2 or not isinstance(value, dict):
        return options
    best = max(tables, key=lambda table: len(_keys(table).keys() & value.keys()))
    return [option for option in options if option is best or not _is_table(option)]


def _is_table(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _step(kind: Any, part: str | int) -> list[Any]:
    if _is_table(kind):
        return [annotation for key, annotation in _keys(kind).items() if key == part]
    if get_origin(kind) in (list, tuple) and isinstance(part, int):
        return [get_args(kind)[0]]
    return [get_args(kind)[1]] if get_origin(kind) is dict else []


def _options(kind: Any) -> list[Any]:
    """The alternatives of a type: unions taken apart, annotations taken off."""
    if hasattr(kind, "__value__"):  # a named alias
        return _options(kind.__value__)
    origin = get_origin(kind)
    if origin is Annotated:
        return _options(get_args(kind)[0])
    if origin in (Union, types.UnionType):
        return [option for inner in get_args(kind) for option in _options(inner)]
    return [kind]
