"""Rankings under scatter from Python."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from femsim.base.finite import finite
from femsim.cases.casefile import toml_value
from femsim.face.case import plain
from femsim.face.frames import frame
from femsim.study.candidates import Asked, rank_study
from femsim.study.rank import Ranked
from femsim.study.rank import Ranking as Table


@dataclass(frozen=True, repr=False)
class Ranking:
    """Designs under scatter: by name in ``designs``, the probabilities ``lower`` that one is below another, the
    ``robust`` and the ``nominal`` optimum by name.
    """

    table: Table

    @property
    def designs(self) -> dict[str, Ranked]:
        """By name: mean, sd, percentiles, robust figure (MPa), chance to be the lowest, what each scatter does."""
        return {d.candidate.name: d for d in self.table.designs}

    @property
    def nominal(self) -> str:
        """The design that is lowest without scatter."""
        return self.table.designs[self.table.nominal_best].candidate.name

    @property
    def robust(self) -> str:
        """The design of the least mean + k sd, or percentile."""
        return self.table.designs[self.table.robust_best].candidate.name

    def lower(self, first: str, second: str) -> float:
        """The probability that one design's magnitude is below another's."""
        names = list(self.designs)
        return float(self.table.lower[names.index(first), names.index(second)])

    def to_dict(self) -> dict[str, Any]:
        """The JSON document of ``femsim rank --json``."""
        found: dict[str, Any] = finite(self.table.to_dict())
        return found

    def to_frame(self) -> Any:
        """A pandas DataFrame with a row for each design. Raises InputError where pandas is not installed."""
        keys = ("name", "nominal", "error", "mean", "sd", "robust", "robust_error", "probability_lowest")
        documents = self.to_dict()["designs"]
        return frame({key: [d[key] for d in documents] for key in keys})

    def write(self, directory: str | Path) -> None:
        """Write rank.json, rank.html and the figures. Raises InputError where the directory cannot be written."""
        from femsim.base.files import check_target
        from femsim.reports.study.rank import publish

        check_target(directory, "write")
        publish(self.table, Path(directory))

    def __repr__(self) -> str:
        return f"<Ranking of {', '.join(self.designs)}: robust {self.robust}, nominal {self.nominal}>"


def rank(
    study: str | Path,
    values: Mapping[str, Any] | None = None,
    data: str | Path | None = None,
    workers: int | None = None,
    **asked: Any,
) -> Ranking:
    """Rank the designs that a study's [rank] names, else its points of least magnitude (from the dataset in ``data``,
    or swept here), under the scatter of materials and dimensions.

    ``values`` are keys of the case changed in all designs; ``output``, ``best``, ``lots``, ``draws``, ``limit``, ``sd``
    and ``percentile`` go before those of [rank]. Raises InputError for anything wrong, NumericsError where a solve
    fails.

    >>> fs.rank("study.toml", lots="separate").robust
    """
    unknown = [name for name in asked if name not in Asked.__dataclass_fields__]
    if unknown:
        raise TypeError(f"rank() takes no {unknown[0]!r}; there are: {', '.join(Asked.__dataclass_fields__)}")
    given = tuple(f"{key}={toml_value(plain(value))}" for key, value in (values or {}).items())
    return Ranking(rank_study(study, data, given, Asked(**asked), workers))
