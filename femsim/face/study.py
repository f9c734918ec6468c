"""Studies from Python."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from femsim.base.files import check_target
from femsim.cases.casefile import toml_value
from femsim.face.case import plain
from femsim.face.frames import frame
from femsim.study.sweep import Outcome, existing, local_engine, open_study
from femsim.study.sweep import sweep as run_study


@dataclass(frozen=True, repr=False)
class Dataset:
    """A finished study: one row per point, parameters, outputs, ``status`` and ``error`` of failed points."""

    outcome: Outcome

    @property
    def path(self) -> Path:
        """The Parquet file with all rows."""
        return self.outcome.results

    @property
    def failed(self) -> int:
        """Points whose row is an error."""
        return self.outcome.failed

    def to_dict(self) -> dict[str, list[Any]]:
        """Columns as lists, in the order of the points."""
        columns: dict[str, list[Any]] = existing(self.outcome.directory).read().to_pydict()
        return columns

    def to_frame(self) -> Any:
        """A pandas DataFrame. Raises InputError where pandas is not installed."""
        return frame(self.to_dict())

    def __len__(self) -> int:
        return len(self.outcome.plan.rows)

    def __repr__(self) -> str:
        failed = f", {self.failed} failed" if self.failed else ""
        return f"<Dataset {self.outcome.plan.name!r}: {len(self)} points{failed}, {self.path}>"


def sweep(
    study: str | Path,
    out: str | Path | None = None,
    values: Mapping[str, Any] | None = None,
    workers: int | None = None,
    retry_failed: bool = False,
    quiet: bool = True,
) -> Dataset:
    """Run a study file, or the shipped study of that name, on this machine; a study that was begun in ``out`` (default:
    the study's name) goes on where it stopped.

    ``values`` are keys of the case changed for all points. Raises InputError for anything wrong before a point is run;
    a point that fails has a row that says why.
    """
    directory = Path(out if out is not None else Path(study).stem)
    check_target(directory, "out")
    given = [f"{key}={toml_value(plain(value))}" for key, value in (values or {}).items()]
    store = open_study(study, directory, given)
    return Dataset(run_study(store, local_engine(workers), retry_failed, quiet=quiet))
