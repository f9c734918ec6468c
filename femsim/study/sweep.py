"""A study from its file to its dataset: plan, open the store, run what is missing, compact."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from femsim.base.errors import InputError, NumericsError
from femsim.base.files import atomic_write
from femsim.study.analysis import reasons
from femsim.study.local import default_workers, run_local
from femsim.study.meter import Meter
from femsim.study.plan import Plan, load_plan, make_plan
from femsim.study.store import State, Store, to_csv
from femsim.study.studyfile import load_study

#: runs points of a store and shows them on a meter
Engine = Callable[[Store, Sequence[int], Meter], Any]


@dataclass(frozen=True)
class Outcome:
    """A study's dataset and how it came about; times in s."""

    directory: Path
    results: Path
    plan: Plan
    state: State
    ran: int
    elapsed: float
    reasons: tuple[tuple[str, int], ...] = ()  # why points failed, and how many

    @property
    def failed(self) -> int:
        """Points whose row is an error."""
        return len(self.state.failed)

    def to_dict(self) -> dict[str, Any]:
        """JSON of the outcome."""
        return {
            "study": self.plan.name,
            "case": self.plan.case_name,
            "directory": str(self.directory),
            "results": str(self.results),
            "points": len(self.plan.rows),
            "done": len(self.state.done),
            "failed": self.failed,
            "failures": [{"reason": text, "points": count} for text, count in self.reasons],
            "ran": self.ran,
            "elapsed": self.elapsed,
            "rate": self.ran / self.elapsed if self.ran and self.elapsed > 0 else None,
            "seconds_per_point": self.state.seconds,
            "reuse": self.state.reuse,
            "columns": [
                *("point", *self.plan.keys, *self.plan.outputs, *self.plan.error_columns),
                *(["level"] if self.plan.reduced else []),
                *("status", "error", "seconds"),
            ],
        }


def open_study(source: str | Path, out: str | Path, more: Sequence[str] = (), reduced: float | None = None) -> Store:
    """Check a study, and begin or go on with it in a directory; ``reduced`` is a tolerance by which a reduced basis is
    taken. Raises InputError before anything is written or run.
    """
    study = load_study(source, more)
    if study.spec.study.design == "none":
        raise InputError(f"{study.file}: study.design: missing; a sweep needs it, femsim optimise does not")
    if reduced is not None:
        chosen = study.spec.study.model_copy(update={"method": "reduced", "tolerance": reduced})
        study = replace(study, spec=study.spec.model_copy(update={"study": chosen}))
    return Store.open(out, make_plan(study))


def local_engine(workers: int | None = None) -> Engine:
    """All cores of this machine, or so many worker processes; by a reduced basis where the study says so."""

    def run(store: Store, points: Sequence[int], meter: Meter) -> None:
        count = workers or default_workers()
        if store.plan.reduced:
            from femsim.study.reduced import reduced_engine

            reduced_engine(count, lambda text: None)(store, points, meter)
        else:
            run_local(store, points, count, meter)

    return run


def sweep(store: Store, engine: Engine, retry_failed: bool = False, csv: bool = False, quiet: bool = False) -> Outcome:
    """Run the points a store lacks and compact it. Points that have a row are never run again, unless failed ones are
    asked for.
    """
    with store.locked():
        start = time.perf_counter()
        state = store.state()
        missing = store.missing(state, retry_failed)
        total = len(store.plan.rows)
        label = store.plan.outputs[0]
        failed = 0 if retry_failed else len(state.failed)
        meter = Meter(total, total - len(missing) - failed, failed, quiet, label=label)
        try:
            if missing:
                engine(store, missing, meter)
        finally:
            meter.close()
        return finish(store, len(missing), time.perf_counter() - start, csv)


def finish(store: Store, ran: int = 0, elapsed: float = 0.0, csv: bool = False) -> Outcome:
    """Compact a store that has all its rows. Raises NumericsError where some are missing."""
    left = store.missing(store.state())
    if left:
        shown = ", ".join(map(str, left[:5])) + (", ..." if len(left) > 5 else "")
        raise NumericsError(
            f"{store.directory}: {len(left)} of {len(store.plan.rows)} points have no row yet ({shown}); run the "
            f"sweep again"
        )
    results = store.compact()
    if csv:
        try:
            atomic_write(store.directory / "results.csv", to_csv(store.read()))
        except OSError as error:
            raise InputError(f"{store.directory / 'results.csv'}: cannot be written ({error.strerror})") from None
    state = store.state()
    why = reasons(text for text in store.read()["error"].to_pylist() if text) if state.failed else ()
    return Outcome(store.directory, results, store.plan, state, ran, elapsed, why)


def existing(directory: str | Path) -> Store:
    """The store in a directory of results. Raises InputError where there is none."""
    path = Path(directory)
    return Store(path, load_plan(path))
