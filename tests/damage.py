"""Random damage to files, texts and tables: the same for the same seed."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Any

#: what a damaged number becomes
NUMBERS = ("0", "-1", "1", "2", "3", "1e12", "-1e308", "1e400", "nan", "inf", "999999999999", "2147483648", "9" * 25,
           "1e-300", "0.5", "", "x", "18446744073709551615", "-0", "1.5.2", "٣", "²")  # fmt: skip
#: what a damaged text becomes
TEXTS = (
    "",
    " ",
    "\\",
    '"',
    "a" * 300,
    "\u001b[31m",
    "\u2028",
    "ä",
    "0",
    "-1",
    "x.y",
    "#",
    "=",
    "[",
    "../..",
    "%s",
    "nan",
)
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")


def damaged(data: bytes, random_: random.Random, others: list[bytes]) -> bytes:
    """Bytes with one to four things broken."""
    for _ in range(random_.choice((1, 1, 1, 2, 4))):
        data = random_.choice(_WAYS)(data, random_, others)
    return data


def _span(data: bytes, random_: random.Random, most: int = 200) -> tuple[int, int]:
    start = random_.randrange(len(data) + 1)
    return start, min(len(data), start + random_.randrange(1, most))


def _flip(data: bytes, random_: random.Random, _: list[bytes]) -> bytes:
    if not data:
        return data
    at = random_.randrange(len(data))
    return data[:at] + bytes([random_.randrange(256)]) + data[at + 1 :]


def _cut(data: bytes, random_: random.Random, _: list[bytes]) -> bytes:
    start, end = _span(data, random_)
    return data[:start] + data[end:]


def _truncate(data: bytes, random_: random.Random, _: list[bytes]) -> bytes:
    return data[: random_.randrange(len(data) + 1)]


def _repeat(data: bytes, random_: random.Random, _: list[bytes]) -> bytes:
    start, end = _span(data, random_, 400)
    return data[:start] + data[start:end] * random_.choice((2, 3, 50)) + data[end:]


def _insert(data: bytes, random_: random.Random, _: list[bytes]) -> bytes:
    at = random_.randrange(len(data) + 1)
    what = random_.choice(
        (b"\0", b"\xff\xfe", b"\n", b"\r", b" ", b",", b"*", b"$", b"<", b'"', b"[", b"\x1b[2J", b"-", b"9")
    )
    return data[:at] + what * random_.choice((1, 1, 30)) + data[at:]


def _number(data: bytes, random_: random.Random, _: list[bytes]) -> bytes:
    found = list(_NUMBER.finditer(data[:200_000]))
    if not found:
        return data
    match = random_.choice(found)
    return data[: match.start()] + random_.choice(NUMBERS).encode() + data[match.end() :]


def _line(data: bytes, random_: random.Random, _: list[bytes]) -> bytes:
    """A line taken out, given twice, or put elsewhere."""
    lines = data.split(b"\n")
    at, to = random_.randrange(len(lines)), random_.randrange(len(lines))
    line = lines[at]
    if random_.random() < 0.6:
        del lines[at]
    if random_.random() < 0.6:
        lines.insert(min(to, len(lines)), line)
    return b"\n".join(lines)


def _splice(data: bytes, random_: random.Random, others: list[bytes]) -> bytes:
    """A piece of another file."""
    other = random_.choice(others)
    start, end = _span(other, random_, 500)
    at = random_.randrange(len(data) + 1)
    return data[:at] + other[start:end] + data[at:]


_WAYS: tuple[Callable[[bytes, random.Random, list[bytes]], bytes], ...] = (
    _flip, _flip, _cut, _truncate, _repeat, _insert, _number, _number, _number, _line, _line, _splice)  # fmt: skip


# ---------------------------------------------------------------- tables


def changed(data: Any, random_: random.Random) -> Any:
    """A table or list as TOML and JSON know them with one to three entries made something else."""
    for _ in range(random_.choice((1, 1, 2, 3))):
        data = _changed(data, random_, 0)
    return data


def grafted(data: dict[str, Any], other: dict[str, Any], random_: random.Random) -> dict[str, Any]:
    """A table with one of another's keys, at the top or one level below."""
    key = random_.choice(list(other))
    mine, theirs = data.get(key), other[key]
    if isinstance(mine, list) and isinstance(theirs, list):
        return {**data, key: [*mine, random_.choice(theirs)] if theirs else mine}
    if isinstance(mine, dict) and isinstance(theirs, dict) and theirs:
        below = random_.choice(list(theirs))
        return {**data, key: {**mine, below: theirs[below]}}
    return {**data, key: theirs}


def _changed(node: Any, random_: random.Random, depth: int) -> Any:
    if isinstance(node, dict) and node and random_.random() < 0.9 - 0.1 * depth:
        key = random_.choice(list(node))
        result = dict(node)
        way = random_.random()
        if way < 0.1:
            del result[key]
        elif way < 0.2:
            result[random_.choice((key + "x", key.upper(), "", "#", "a.b", "é", key[:-1], "materials", "name"))] = (
                result.pop(key)
            )
        else:
            result[key] = _changed(node[key], random_, depth + 1)
        return result
    if isinstance(node, list) and node and random_.random() < 0.8:
        at = random_.randrange(len(node))
        way = random_.random()
        if way < 0.15:
            return node[:at] + node[at + 1 :]
        if way < 0.3:
            return [*node, node[at]]
        return [*node[:at], _changed(node[at], random_, depth + 1), *node[at + 1 :]]
    if isinstance(node, int | float) and not isinstance(node, bool) and random_.random() < 0.6:
        return random_.choice((node * 0.999, node * 2, -node, node + 1, node * 1e-6, node * 1e6, round(node, 1)))
    return random_.choice((*VALUES, node))


VALUES: tuple[Any, ...] = (
    0, -1, 1, 2, 1e-9, 1e9, 1e300, -1e300, float("inf"), float("nan"), 10**30, True, False, "", "x", "copper", [], {},
    [1], [0, 1], [1, 0], [[1]], {"x": 1}, {"like": "copper"}, {"E": 1}, "a" * 500, "\x1b[31m", "\n", "\0", "a\ud800",
    "0", [1e9] * 50, {"T": [1, 2], "value": [1]}, [{}], "free", "quad4", "post",
)  # fmt: skip
