"""Cases side by side: what differs in their inputs, which has the least stress, and whether the numbers can tell.

The lowest of a metric is the one of the smallest magnitude. It is resolved where its magnitude and the next one's
differ by more than the sum of their errors. A ranking agrees where all metrics have the same lowest.
Cases whose roots bear different names also have ``highest.KIND.LENGTHum``, the largest magnitude over a case's roots.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from femsim.base.errors import InputError
from femsim.cases.case import Case
from femsim.cases.casefile import CaseOrigin, load_case, show_file
from femsim.cases.own import conducts_only
from femsim.runs.beside import Beside, beside
from femsim.runs.differences import differences
from femsim.runs.heat import heat_run_dict, run_heat
from femsim.runs.names import outputs_of, parts
from femsim.runs.results import results_dict
from femsim.runs.run import run
from femsim.runs.units import is_plane

Progress = Callable[[str], None]

#: the name that stands for the root of the largest magnitude, where cases differ in their roots
HIGHEST = "highest"


@dataclass(frozen=True)
class Contender:
    """One case of a comparison, its base directory, its results as JSON, and the directory they were read from."""

    name: str
    case: Case
    base: Path
    document: dict[str, Any]
    source: str = ""


@dataclass(frozen=True)
class MetricRow:
    """A metric of all cases: values and errors (MPa; None where a case has not got it), the number of the lowest, and
    whether its lead is larger than the errors.
    """

    name: str
    values: tuple[float | None, ...]
    errors: tuple[float | None, ...]
    lowest: int
    resolved: bool

    def difference(self, index: int) -> tuple[float, float] | None:
        """Difference to the first case, in MPa and per cent of its magnitude (infinite where that is zero)."""
        first, value = self.values[0], self.values[index]
        if first is None or value is None:
            return None
        return value - first, 100.0 * (value - first) / abs(first) if first else math.copysign(math.inf, value - first)


@dataclass(frozen=True)
class Comparison:
    """Contenders, inputs that differ by dotted key (None where a case has not got the key), and metrics.

    ``only`` are metrics that one case alone has, with its name; ``others`` results that are no root metrics.
    """

    contenders: tuple[Contender, ...]
    differences: dict[str, tuple[Any, ...]]
    metrics: tuple[MetricRow, ...]
    only: dict[str, str]
    others: tuple[Beside, ...] = ()

    @property
    def names(self) -> list[str]:
        """The cases' names, each once."""
        return [contender.name for contender in self.contenders]

    @property
    def agrees(self) -> bool:
        """Whether all metrics have the same lowest."""
        return len({row.lowest for row in self.metrics}) == 1

    @property
    def resolved(self) -> int:
        """How many metrics have a lowest that leads by more than the errors."""
        return sum(row.resolved for row in self.metrics)

    def rankings(self) -> dict[str, dict[str, list[int]]]:
        """For each root and kind, the order of the cases (lowest first) at every averaging length."""
        found: dict[str, dict[str, list[int]]] = {}
        for row in self.metrics:
            metric = parts(row.name)
            there = [i for i, value in enumerate(row.values) if value is not None]
            order = sorted(there, key=lambda i: abs(row.values[i] or 0.0))
            if metric is not None:
                key = f"{metric.root}.{metric.kind}{metric.place}"
                found.setdefault(key, {})[f"{metric.length}um"] = order
        return found

    def to_dict(self) -> dict[str, Any]:
        """The JSON document of ``compare``."""
        rankings = self.rankings()
        return {
            "cases": self.names,
            "differences": {key: list(values) for key, values in self.differences.items()},
            "metrics": {
                row.name: {
                    "values": list(row.values),
                    "errors": list(row.errors),
                    "lowest": row.lowest,
                    "resolved": row.resolved,
                    "difference": [None if (d := row.difference(i)) is None else d[0] for i in range(len(row.values))],
                    "percent": [None if (d := row.difference(i)) is None else d[1] for i in range(len(row.values))],
                }
                for row in self.metrics
            },
            "ranking": {
                "agrees": self.agrees,
                "resolved": self.resolved,
                "lowest": {name: sum(row.lowest == i for row in self.metrics) for i, name in enumerate(self.names)},
                "orders": rankings,
                "same_at_all_lengths": {key: len({tuple(o) for o in by.values()}) == 1 for key, by in rankings.items()},
            },
            "only": dict(self.only),
            "others": {row.name: row.to_dict() for row in self.others},
        }


def variants(sources: Sequence[Any], vary: Mapping[str, Sequence[Any]]) -> list[tuple[Any, dict[str, Any], str]]:
    """Each source with each combination of the values of ``vary``: source, changed keys, and what the name gains."""
    combinations = [dict(zip(vary, values, strict=True)) for values in itertools.product(*vary.values())]
    return [
        (source, values, ", ".join(f"{key.rsplit('.', 1)[-1]}={_shown(v)}" for key, v in values.items()))
        for source in sources
        for values in combinations
    ]


def _shown(value: Any) -> str:
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def check_source(source: str | Path, overrides: Sequence[str] = ()) -> tuple[Case, CaseOrigin, bool]:
    """The case of a file, a shipped name or a directory of results, and whether it is such a directory. Raises
    InputError for what is none of these, and for a case that cannot be.
    """
    path = Path(source)
    try:
        results = path.is_dir()
    except (OSError, ValueError):
        results = False
    if not results:
        return *load_case(source, overrides), False
    for name in ("case.toml", "metrics.json"):
        if not (path / name).is_file():
            raise InputError(f"{show_file(path)}: holds no {name}; not what `femsim solve --out` writes")
    return *load_case(path / "case.toml", overrides), True


def contender(source: str | Path, overrides: Sequence[str] = (), say: Progress | None = None) -> Contender:
    """A case file, the name of a shipped one, or a directory of results; what the directory holds is taken as it is,
    unless overrides change its case. Raises InputError for what is none of these.
    """
    return taken(source, check_source(source, overrides), bool(overrides), say)


def taken(
    source: str | Path, checked: tuple[Case, CaseOrigin, bool], changed: bool, say: Progress | None = None
) -> Contender:
    """A contender from what :func:`check_source` gave; ``changed`` by overrides, it is solved in any case."""
    path = Path(source)
    case, origin, results = checked
    if changed or not results:
        return solved(case, origin.base, say)
    try:
        document = json.loads((path / "metrics.json").read_text(encoding="utf-8"))
        outputs_of(document)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{show_file(path / 'metrics.json')}: cannot be read ({reason})") from None
    return Contender(case.name, case, origin.base, document, path.resolve().name)


def solved(case: Case, base: Path, say: Progress | None = None) -> Contender:
    """A case solved for a comparison; of heat alone, where its materials only conduct."""
    if conducts_only(case):
        return Contender(case.name, case, base, heat_run_dict(run_heat(case, base)))
    done = run(case, base, None if say is None else lambda text: say(f"{case.name}: {text}"))
    return Contender(case.name, case, base, results_dict(done))


def compare(contenders: Sequence[Contender], labels: Sequence[str] | None = None) -> Comparison:
    """What differs between solved cases. ``labels`` tell apart cases of one name. Raises InputError where there are
    fewer than two, or no result that two of them have.
    """
    if len(contenders) < 2:
        raise InputError("compare: one case alone; name two or more, or --vary a key of it")
    named = _named(contenders, labels)
    outputs = [metrics_of(contender.document) for contender in named]
    own = [{name for name in found if not name.startswith(f"{HIGHEST}.")} for found in outputs]
    if all(names == own[0] for names in own):
        outputs = [{name: found[name] for name in found if name in own[0]} for found in outputs]
    names = list(dict.fromkeys(name for found in outputs for name in found))
    rows, only = [], {}
    for name in names:
        having = [i for i, found in enumerate(outputs) if name in found]
        if len(having) < 2:
            only[name] = named[having[0]].name
            continue
        rows.append(_row(name, [found.get(name, (None, None)) for found in outputs]))
    others = beside([c.document for c in named], [is_plane(c.case.model.kinematics) for c in named])
    if not rows and not others:
        raise InputError(
            "compare: there is no result that two of the cases have (metrics.length, names of roots, probes, sources)"
        )
    return Comparison(tuple(named), differences([c.case for c in named]), tuple(rows), only, tuple(others))


def _named(contenders: Sequence[Contender], labels: Sequence[str] | None) -> list[Contender]:
    """The contenders, no two of one name."""
    names = [
        f"{c.name} {label}".strip() if label else c.name
        for c, label in zip(contenders, labels or [""] * len(contenders), strict=True)
    ]
    found: list[str] = []
    for name, one in zip(list(names), contenders, strict=True):
        unique, number = name, 1
        if names.count(name) > 1 and one.source:
            unique = name = f"{name} ({one.source})"
        while unique in found:
            number += 1
            unique = f"{name} ({number})"
        found.append(unique)
    return [replace(c, name=name) for name, c in zip(found, contenders, strict=True)]


def metrics_of(document: Mapping[str, Any]) -> dict[str, tuple[float, float | None]]:
    """Root metrics of a document by name, and the highest of each kind and length: value and error."""
    outputs = outputs_of(document)
    values = {o.name: o.value for o in outputs if o.path.startswith("metrics.roots.")}
    found = {}
    for name, value in values.items():
        metric = parts(name)
        if metric is not None and not metric.kind.endswith("_error"):
            found[name] = value, values.get(metric.other(f"{metric.kind}_error"))
    return found | _highest(found)


def _highest(metrics: Mapping[str, tuple[float, float | None]]) -> dict[str, tuple[float, float | None]]:
    """For every kind and length the metric of the largest magnitude over all roots, so that cases whose roots bear
    other names can be compared.
    """
    found: dict[str, tuple[float, float | None]] = {}
    for name, pair in metrics.items():
        metric = parts(name)
        if metric is not None:
            key = f"{HIGHEST}.{metric.kind}.{metric.length}um"
            if key not in found or abs(pair[0]) > abs(found[key][0]):
                found[key] = pair
    return found


def _row(name: str, pairs: Sequence[tuple[float | None, float | None]]) -> MetricRow:
    order = sorted((abs(value), i) for i, (value, _) in enumerate(pairs) if value is not None)
    (least, first), (next_, second) = order[0], order[1]
    errors = pairs[first][1], pairs[second][1]
    resolved = errors[0] is not None and errors[1] is not None and next_ - least > errors[0] + errors[1]
    return MetricRow(name, tuple(v for v, _ in pairs), tuple(e for _, e in pairs), first, bool(resolved))
