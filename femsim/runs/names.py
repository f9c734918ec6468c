"""One name for every output: columns of studies, ``--goal``, ``optimise`` and pages take it from here.

A root metric is called ``ROOT.KIND.LENGTHum`` (``post_root.peel.5um``; ``post_root.peel_error.5um`` is its error
estimate); where roots share a name, their place is added (``post_root.peel at (-50, 0).5um``). Anything else has its
dotted path in the JSON of ``solve``. Dotted paths of root metrics are understood too.

Between the points of a study roots move, so a metric is followed from point to point by its ``key``, which counts the
roots of one name instead of saying where they are: ``post_root#2.peel.5um``.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_METRIC = re.compile(
    r"(?P<root>.+?)(?:#(?P<which>\d+)| at \((?P<before>[^)]*)\))?"
    r"\.(?P<kind>\w+)(?: at \((?P<after>[^)]*)\))?\.(?P<length>[0-9][0-9.eE+-]*)um"
)


#: what is said of a metric over several temperatures; ``post_root.peel_range.5um`` is the name of one
RANGE = ("lowest", "at_lowest", "highest", "at_highest", "range", "range_error")


@dataclass(frozen=True)
class Output:
    """A number of the results: its name, the key that follows it from point to point, its dotted path, its value."""

    name: str
    key: str
    path: str
    value: float


@dataclass(frozen=True)
class Named:
    """One average in the list of its root's name: the root's place and number among its namesakes, and the length."""

    root: str
    at: tuple[float, ...]
    which: int
    shared: bool
    length: float
    index: int

    def name(self, kind: str) -> str:
        """``post_root.peel.5um``, with the root's place where others share its name."""
        return f"{self.root}.{kind}{f' at {place(self.at)}' if self.shared else ''}.{length_text(self.length)}um"

    def key(self, kind: str) -> str:
        """``post_root#1.peel.5um``."""
        return f"{self.root}#{self.which}.{kind}.{length_text(self.length)}um"

    def path(self, kind: str) -> str:
        """``metrics.roots.post_root[0].peel``."""
        return f"metrics.roots.{self.root}[{self.index}].{kind}"


def length_text(length: float) -> str:
    """A length as names have it: as short as it is exact, ``5`` or ``0.25``."""
    return f"{length:.15g}"


def place(at: Sequence[float]) -> str:
    """A place as names have it, ``(-50, 0)``."""
    return "(" + ", ".join(f"{v:g}" for v in at) + ")"


def named(averages: Iterable[tuple[str, Sequence[float], float]]) -> list[Named]:
    """Names of averages (root's name, its place, length) in the order of the results."""
    given = [(root, tuple(float(v) for v in at), float(length)) for root, at, length in averages]
    places: dict[str, list[tuple[float, ...]]] = {}
    for root, at, _ in given:
        if at not in places.setdefault(root, []):
            places[root].append(at)
    found: list[Named] = []
    count: dict[str, int] = {}
    for root, at, length in given:
        index = count[root] = count.get(root, -1) + 1
        found.append(Named(root, at, places[root].index(at) + 1, len(places[root]) > 1, length, index))
    return found


@dataclass(frozen=True)
class Metric:
    """The parts of a root metric's name."""

    root: str
    kind: str
    place: str
    length: str

    @property
    def words(self) -> str:
        """As figures write it: ``post_root peel, 5 um``."""
        return f"{self.root} {self.kind.replace('_', ' ')}{self.place}, {self.length} um"

    def other(self, kind: str) -> str:
        """The name of another kind of average at the same root over the same length."""
        return f"{self.root}.{kind}{self.place}.{self.length}um"


def parts(name: str) -> Metric | None:
    """The parts of a root metric's name; None for an output of another kind."""
    found = _METRIC.fullmatch(name)
    if found is None or found["which"]:
        return None
    where = found["before"] or found["after"]
    return Metric(found["root"], found["kind"], f" at ({where})" if where else "", found["length"])


def outputs_of(document: Mapping[str, Any]) -> list[Output]:
    """Every number of the JSON of ``solve``, in its order."""
    averages = [
        (root, entry["at"], entry["length"])
        for root, entries in document["metrics"]["roots"].items()
        for entry in entries
    ]
    known: dict[str, tuple[str, str]] = {}
    entries = [entry for listed in document["metrics"]["roots"].values() for entry in listed]
    for one, entry in zip(named(averages), entries, strict=True):
        for kind in entry:
            if kind.endswith("_error") or f"{kind}_error" in entry:
                known[one.path(kind)] = one.name(kind), one.key(kind)
                for word in RANGE:  # over several temperatures
                    known[f"ranges.{one.name(kind)}.{word}"] = one.name(f"{kind}_{word}"), one.key(f"{kind}_{word}")
    return [Output(*known.get(path, (path, path)), path, value) for path, value in numbers(document).items()]


def find(text: str, outputs: Sequence[Output]) -> list[Output]:
    """The outputs that a name, a key, a dotted path or a pattern with ``*`` stands for, in their order.

    A root's name that several roots share stands for all of them where no place is given.
    """
    if "*" in text:
        literal = text.replace("[", "[[]").replace("?", "[?]")
        return [o for o in outputs if any(fnmatch.fnmatchcase(t, literal) for t in (o.name, o.path))]
    exact = [o for o in outputs if text in (o.name, o.key, o.path)]
    if exact or not (wanted := _METRIC.fullmatch(text)):
        return exact
    return [o for o in outputs if (found := _METRIC.fullmatch(o.name)) and _same(wanted, found)]


def kind_words(kind: str) -> str:
    """A kind of root average as tables write it."""
    return {"von_mises": "von Mises", "shear_t": "shear around"}.get(kind, kind)


def error_of(output: Output, outputs: Sequence[Output]) -> float:
    """The stated error of an output: the number whose path differs in one word alone, by ``_error`` behind it, as
    ``probes.tip.u_error[1]`` does from ``probes.tip.u[1]``; not a number where there is none.
    """
    paths = error_paths(output.path)
    return next((one.value for one in outputs if one.path in paths), float("nan"))


def error_paths(path: str) -> list[str]:
    """Where the error of the number at a dotted path may stand: the path with ``_error`` behind one of its words."""
    words = path.split(".")
    found = []
    for k, word in enumerate(words):
        stem, bracket, index = word.partition("[")
        found.append(".".join([*words[:k], f"{stem}_error{bracket}{index}", *words[k + 1 :]]))
    return found


def _same(wanted: re.Match[str], found: re.Match[str]) -> bool:
    """Whether a text as a user wrote it means this name: numbers are compared as numbers."""
    if (wanted["root"], wanted["kind"]) != (found["root"], found["kind"]) or wanted["which"]:
        return False
    try:
        if float(wanted["length"]) != float(found["length"]):
            return False
        where = wanted["before"] or wanted["after"]
        return where is None or _point(where) == _point(found["after"] or "")
    except ValueError:
        return False


def _point(text: str) -> list[float]:
    return [float(v) for v in text.split(",")] if text else []


def flatten(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted paths and scalars of a document: ``metrics.roots.post_root[0].peel``."""
    if isinstance(value, Mapping):
        for key, entry in value.items():
            yield from flatten(entry, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, list | tuple):
        for index, entry in enumerate(value):
            yield from flatten(entry, f"{prefix}[{index}]")
    else:
        yield prefix, value


def numbers(document: Mapping[str, Any]) -> dict[str, float]:
    """All numbers of a document by dotted path."""
    return {path: float(v) for path, v in flatten(document) if isinstance(v, int | float) and not isinstance(v, bool)}
