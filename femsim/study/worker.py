"""A worker process: takes chunks of points on standard input, writes their rows as one part each, says how far it is.

Started as ``python -m femsim.cli.study worker DIR``, with one numerical thread. One JSON document a line:

    in   {"points": [3, 4, 5]}
    out  {"ready": pid}   {"start": 3}   {"end": 3, "ok": true, "first": 41.2}   {"wrote": 3, "reuse": {...}}
    {"broken": "disk full"}

On the end of its input, SIGTERM, or when nobody listens any more it writes the rows it has and ends: only the point in
flight is lost.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

from femsim.base.errors import FemsimError
from femsim.study.plan import Plan, load_plan
from femsim.study.store import REUSE, Row, Store

#: variables that tell numerical libraries how many threads to start
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


#: points of a study from which on loading the fastest solver does not count
MANY = 200


class Runner:
    """Runs points of a plan one after the other, each taking over what it can from the one before; ``points`` of the
    whole study, where the plan holds some of them only.
    """

    def __init__(self, plan: Plan, points: int | None = None) -> None:
        self.plan = plan
        self._many = (len(plan.rows) if points is None else points) >= MANY
        self.reuse = dict.fromkeys(REUSE, 0)
        self._kept: Any = None
        self._stock: Any = None

    def __call__(self, point: int) -> Row:
        """The row of a point; whatever goes wrong becomes its error text."""
        from femsim.runs.rows import evaluate
        from femsim.solvers.stock import Stock, of_many

        start = time.perf_counter()
        plan = self.plan
        try:
            wanted = [*plan.selectors, *plan.error_selectors]
            if self._many and self._stock is None:
                self._stock = Stock()
            with of_many(self._stock):
                found = evaluate(plan.case(point), plan.base_path, wanted, self._kept)
        except Exception as error:
            self._kept = None
            return Row(point, (), error_text(error), time.perf_counter() - start)
        self._kept = found.run
        self.reuse[getattr(found.run, "reused", "none")] += 1
        seconds, count = time.perf_counter() - start, len(plan.selectors)
        if not plan.reduced:
            return Row(point, found.values, None, seconds)
        # solved in full: no error of reduction, and the mesh's own estimate
        errors = tuple(e for value in found.values[count:] for e in (0.0, value))
        return Row(point, found.values[:count], None, seconds, "full", errors)

    def take_reuse(self) -> dict[str, int]:
        """How points came by their factors since the last call."""
        taken, self.reuse = self.reuse, dict.fromkeys(REUSE, 0)
        return taken


def error_text(error: Exception) -> str:
    """An exception on one line; errors that are not femsim's own with their type."""
    text = " ".join(str(error).split()).removeprefix(": ").replace(" (set by --set)", "")
    if isinstance(error, MemoryError):
        return "not enough memory"
    return (text if isinstance(error, FemsimError) else f"{type(error).__name__}: {text}")[:2000]


def pinned(environment: dict[str, str] | None = None) -> dict[str, str]:
    """An environment in which numerical libraries use one thread."""
    return {**(os.environ if environment is None else environment), **dict.fromkeys(THREAD_VARIABLES, "1")}


def work(
    store: Store, chunks: Iterable[dict[str, Any]], say: Callable[[dict[str, Any]], None], stopping: Callable[[], bool]
) -> None:
    """Run chunks until there are no more."""
    run = Runner(store.plan)
    for chunk in chunks:
        rows: list[Row] = []
        try:
            for point in chunk["points"]:
                if stopping():
                    break
                say({"start": point})
                row = run(point)
                rows.append(row)
                first = row.outputs[0] if row.outputs else None
                say({"end": point, "ok": row.error is None, "first": first})
        except BrokenPipeError:  # the parent is gone
            store.write(rows, run.take_reuse())
            return
        reuse = run.take_reuse()
        try:
            store.write(rows, reuse)
        except OSError as error:
            say({"broken": f"{store.parts}: cannot be written ({(error.strerror or str(error)).lower()})"})
            return
        say({"wrote": len(rows), "reuse": reuse})
        trim()
        if stopping():
            return


def trim() -> None:
    """Give freed memory back to the system where the C library keeps it: factors of many sizes fragment its heap."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


class _EndError(Exception):
    """Asked to end while there was nothing to do."""


def serve(directory: Path, inbox: TextIO, channel: TextIO) -> None:
    """Run the chunks that come in on one stream, and say so on the other, until the first one ends."""
    asked: list[int] = []
    idle = [True]

    def remember(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        if idle[0]:
            raise _EndError

    def say(message: dict[str, Any]) -> None:
        channel.write(json.dumps(message) + "\n")
        channel.flush()

    def chunks() -> Iterable[dict[str, Any]]:
        while True:
            idle[0] = True
            line = "" if asked else inbox.readline()
            idle[0] = False
            if not line:
                return
            yield json.loads(line)

    signal.signal(signal.SIGTERM, remember)
    with contextlib.suppress(BrokenPipeError, _EndError):
        store = Store(directory, load_plan(directory))
        import femsim.runs.rows  # noqa: F401  imported before it says ready

        say({"ready": os.getpid()})
        work(store, chunks(), say, lambda: bool(asked))
