"""Comparisons from Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from femsim.base.finite import finite
from femsim.cases.casefile import toml_value
from femsim.face.case import Case, plain
from femsim.face.frames import frame
from femsim.face.result import Result
from femsim.reduced.chances import Chances, chances
from femsim.runs.beside import Beside
from femsim.runs.compare import Comparison as Table
from femsim.runs.compare import Contender, MetricRow, compare, contender, solved, variants
from femsim.runs.results import results_dict


@dataclass(frozen=True, repr=False)
class Comparison:
    """Cases side by side: ``differences`` of their inputs, ``metrics``, whether the ranking ``agrees``; ``chances``
    where the scatter of material data was asked for.
    """

    table: Table
    chances: Chances | None = None

    @property
    def names(self) -> list[str]:
        """The cases' names."""
        return self.table.names

    @property
    def differences(self) -> dict[str, tuple[Any, ...]]:
        """Inputs that differ, by dotted key, one value per case (None where a case has not got the key)."""
        return self.table.differences

    @property
    def metrics(self) -> dict[str, MetricRow]:
        """By name (``post_root.peel.5um``): values and errors in MPa, ``lowest`` (number of the case), ``resolved``."""
        return {row.name: row for row in self.table.metrics}

    @property
    def others(self) -> dict[str, Beside]:
        """Temperatures, lives, probes, bow and the like by dotted path: values, errors, ``unit``, ``resolved``."""
        return {row.name: row for row in self.table.others}

    @property
    def agrees(self) -> bool:
        """Whether all metrics have the same lowest."""
        return self.table.agrees

    def to_dict(self) -> dict[str, Any]:
        """The JSON document of ``femsim compare --json``."""
        document = self.table.to_dict()
        found: dict[str, Any] = finite(document if self.chances is None else self.chances.add_to(document))
        return found

    def to_frame(self) -> Any:
        """Metrics as a pandas DataFrame: one row for each, a column and an error for each case. Raises InputError where
        pandas is not installed.
        """
        rows = self.table.metrics
        columns: dict[str, list[Any]] = {"metric": [row.name for row in rows]}
        for i, name in enumerate(self.names):
            columns[name] = [row.values[i] for row in rows]
            columns[f"{name} error"] = [row.errors[i] for row in rows]
        columns["lowest"] = [self.names[row.lowest] for row in rows]
        columns["resolved"] = [row.resolved for row in rows]
        return frame(columns)

    def write(self, directory: str | Path) -> None:
        """Write compare.json, the figure and compare.html. Raises InputError where the directory cannot be written."""
        from femsim.base.files import check_target
        from femsim.reports.compare import publish

        check_target(directory, "write")
        publish(self.to_dict(), Path(directory))

    def __repr__(self) -> str:
        lowest = self.names[self.table.metrics[0].lowest] if self.agrees else "metrics do not agree"
        return f"<Comparison of {', '.join(self.names)}: lowest {lowest}>"

    def _repr_html_(self) -> str:
        from html import escape

        head = "".join(f"<th>{escape(name)}</th>" for name in ["metric (MPa)", *self.names, "lowest"])
        body = ""
        for row in self.table.metrics:
            cells = [
                "–" if v is None else f"{v:.2f} ± {e or 0:.2f}" for v, e in zip(row.values, row.errors, strict=True)
            ]
            lead = self.names[row.lowest] + ("" if row.resolved else " (not resolved)")
            body += "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in [row.name, *cells, lead]) + "</tr>"
        return f"<table><tr>{head}</tr>{body}</table>"


def compare_cases(
    *cases: str | Path | Mapping[str, Any] | Case | Result,
    values: Mapping[str, Any] | None = None,
    vary: Mapping[str, Sequence[Any]] | None = None,
    uncertain: bool = False,
    separate_lots: bool = False,
) -> Comparison:
    """Cases side by side: files, names, dictionaries, :class:`~femsim.Case`, directories of results, solved results.

    ``values`` are keys changed in all of them, ``vary`` takes each case once for each value of a key. ``uncertain``
    adds the probability that each is the lowest, from the ranges that materials state; a material that cases have in
    common is one lot unless ``separate_lots``. Raises InputError for anything wrong, NumericsError where a solve fails.

    >>> fs.compare("bilayer", vary={"geometry.ratio": [4, 8]}).metrics["post_root.peel.5um"].lowest
    """
    found, labels = [], []
    for source, changes, label in variants(cases, {key: list(each) for key, each in (vary or {}).items()}):
        found.append(_contender(source, {**(values or {}), **changes}))
        labels.append(label)
    table = compare(found, labels)
    return Comparison(table, chances(table, not separate_lots) if uncertain else None)


def _contender(source: Any, values: Mapping[str, Any]) -> Contender:
    from femsim.face.case import load

    if isinstance(source, Result):
        if not values:
            case = source.case
            return Contender(case.name, case.checked, case.base, results_dict(source.run))
        source = source.case
    if isinstance(source, str | Path):
        return contender(source, [f"{key}={toml_value(plain(value))}" for key, value in values.items()])
    case = load(source, values)
    return solved(case.checked, case.base)
