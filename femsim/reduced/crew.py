"""Full solves of a box on all cores: each process holds the truth of the box at hand."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from femsim.base.arrays import FloatArray
from femsim.cases.case import Case
from femsim.reduced.truth import Snapshot, Truth

_AT_HAND: dict[str, Truth] = {}


class CasesOf(Protocol):
    """The case of parameters (p,), and the ``keys`` of the case that they move."""

    @property
    def keys(self) -> tuple[str, ...]:
        """Dotted keys."""
        ...

    def __call__(self, x: FloatArray) -> Case:
        """The case of parameters (p,)."""
        ...


@dataclass(frozen=True)
class Cases:
    """The case of parameters: a study's tables with values under its keys. Can be sent to other processes."""

    data: dict[str, Any]
    keys: tuple[str, ...]

    def __call__(self, x: FloatArray) -> Case:
        """The case of parameters (p,)."""
        from femsim.cases.casefile import apply_overrides, parse_case, toml_value

        given = [f"{key}={toml_value(float(value))}" for key, value in zip(self.keys, x, strict=True)]
        return parse_case(apply_overrides(self.data, given, ""), "", given)


class Crew:
    """Solves designs of a truth, one after the other or by worker processes."""

    def __init__(self, pool: Executor | None = None) -> None:
        self.pool = pool

    def snapshots(
        self, truth: Truth, designs: Sequence[FloatArray], alike: Sequence[Sequence[FloatArray]] | None = None
    ) -> list[Snapshot]:
        """Solutions with duals, and of each design those of designs ``alike`` that differ in free strains alone."""
        others = [()] * len(designs) if alike is None else alike
        return self._all(_snapshot, truth, list(zip(designs, others, strict=True)))

    def values(self, truth: Truth, designs: Sequence[FloatArray]) -> list[Snapshot]:
        """Averages alone, without fields."""
        return self._all(_values, truth, designs)

    def own(self, truth: Truth, designs: Sequence[FloatArray]) -> list[FloatArray]:
        """Averages and their error estimates by an ordinary solve on each design's own mesh (2, m)."""
        return self._all(_own, truth, designs)

    def _all(self, task: Any, truth: Truth, designs: Sequence[Any]) -> list[Any]:
        if self.pool is None:
            return [task(None, truth, x) for x in designs]
        key = f"{os.getpid()}-{id(truth)}-{time.monotonic_ns()}"
        parcel = (truth.case_of, truth.drawn, truth.strips, truth.kept)
        return list(self.pool.map(task, [key] * len(designs), [parcel] * len(designs), designs))


@contextmanager
def crew(workers: int) -> Iterator[Crew]:
    """A crew of so many processes; of one, this process does the work."""
    if workers < 2:
        yield Crew()
        return
    import multiprocessing

    context = multiprocessing.get_context("spawn")
    with _pinned(), ProcessPoolExecutor(workers, context, _leave_with_parent, (os.getpid(),)) as pool:
        yield Crew(pool)


@contextmanager
def _pinned() -> Iterator[None]:
    """One numerical thread in each process that is started inside."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _leave_with_parent(parent: int) -> None:
    """A worker whose parent was killed must not stay."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def _truth(key: str | None, parcel: Any) -> Truth:
    if key is None:
        assert isinstance(parcel, Truth)
        return parcel
    if key not in _AT_HAND:
        _AT_HAND.clear()
        _AT_HAND[key] = Truth(*parcel)
    return _AT_HAND[key]


def _snapshot(key: str | None, parcel: Any, designs: tuple[FloatArray, Sequence[FloatArray]]) -> Snapshot:
    return _truth(key, parcel).snapshot(*designs)


def _values(key: str | None, parcel: Any, x: FloatArray) -> Snapshot:
    return _truth(key, parcel).measured(x)


def _own(key: str | None, parcel: Any, x: FloatArray) -> FloatArray:
    return _truth(key, parcel).own(x)
