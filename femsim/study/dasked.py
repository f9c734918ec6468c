"""The Dask engine: the same points on a user's own cluster (a scheduler's address, also one that dask-jobqueue
started).

Workers need femsim installed and one numerical thread each (Dask's own nanny sets that), but no common file system:
rows come back to the client, which writes the parts. Dask runs the chunk of a dead worker elsewhere; a chunk that kills
its workers again and again is taken apart until the guilty point stands alone and becomes a failed row.
"""

from __future__ import annotations

import importlib
import logging
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from femsim.base.errors import InputError, NumericsError
from femsim.base.files import read_json
from femsim.reduced.crew import Crew
from femsim.study.local import MOST
from femsim.study.meter import Meter
from femsim.study.order import profitable_order
from femsim.study.plan import Plan
from femsim.study.store import Row, Store
from femsim.study.worker import Runner, error_text

#: seconds of work in a call; a call costs 2 ms by itself
CALL_SECONDS = 5.0
RETRIES = 2


def run_chunk(plan: dict[str, Any], points: list[int], of: int) -> tuple[list[tuple[Any, ...]], dict[str, int]]:
    """On a worker: the rows of some points, as plain tuples, and the re-use counts. ``plan`` holds the rows of these
    points only, ``of`` so many of the whole study.
    """
    run = Runner(Plan.from_dict(plan), of)
    rows = [run(i) for i in range(len(points))]
    return [
        (p, r.outputs, r.error, r.seconds, r.level, r.errors) for p, r in zip(points, rows, strict=True)
    ], run.take_reuse()


def run_dask(store: Store, points: Sequence[int], meter: Meter, scheduler: str, timeout: float = 10.0) -> None:
    """Run points through a scheduler (``tcp://host:port``, or its JSON file). Raises InputError where it cannot be
    reached.
    """
    try:
        distributed: Any = importlib.import_module("distributed")
    except ImportError:
        raise InputError("--engine dask needs the package distributed: pip install distributed") from None
    address = scheduler_address(scheduler)
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what it would say stands in the error
    client = _connected(distributed, address, timeout)
    try:
        _Feeder(client, store, points, meter).run()
    except OSError as error:
        raise InputError(f"{store.parts}: cannot be written ({(error.strerror or str(error)).lower()})") from None
    finally:
        client.close()


@contextmanager
def dask_crew(scheduler: str, timeout: float = 10.0) -> Iterator[Crew]:
    """A crew for reduced bases of the workers of a scheduler. Raises InputError where it cannot be reached."""
    try:
        distributed: Any = importlib.import_module("distributed")
    except ImportError:
        raise InputError("--engine dask needs the package distributed: pip install distributed") from None
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    client = _connected(distributed, scheduler_address(scheduler), timeout)
    try:
        yield Crew(client.get_executor(pure=False))
    finally:
        client.close()


def _connected(distributed: Any, address: str, timeout: float) -> Any:
    """A client of the scheduler. Raises InputError where none answers in time."""
    # a client that does not get through would wait for the scheduler once more when it is taken away
    kind: Any = type("Client", (distributed.Client,), {"__del__": lambda self: None})
    found: list[Any] = []

    def connect() -> None:
        try:
            found.append(kind(address, timeout=timeout, set_as_default=False))
        except Exception as error:  # whatever answers there, or does not
            found.append(error)

    thread = threading.Thread(target=connect, daemon=True)  # of another server it may wait for ever
    thread.start()
    thread.join(timeout + 2.0)
    answer = found[0] if found else TimeoutError(f"not within {timeout:g} s")
    if isinstance(answer, Exception):
        raise InputError(f"--scheduler: {address}: no Dask scheduler answers there ({error_text(answer)})")
    return answer


def scheduler_address(scheduler: str) -> str:
    """The address that ``--scheduler`` gives, or that stands in the JSON file of a scheduler that it names."""
    address: object = scheduler
    try:
        if Path(scheduler).is_file():
            found = read_json(scheduler)
            address = found.get("address") if isinstance(found, dict) else None
    except (OSError, ValueError) as error:
        raise InputError(f"--scheduler: {scheduler}: not a scheduler's JSON file ({error})") from None
    if not isinstance(address, str) or not re.fullmatch(r"(?:[a-z]+://)?[\w.:\[\]-]+:\d+(?:/\S*)?", address):
        what = "a scheduler's JSON file" if address is not scheduler else "an address, e.g. tcp://host:8786, or a file"
        raise InputError(f"--scheduler: {scheduler}: not {what}")
    return address


class _Feeder:
    def __init__(self, client: Any, store: Store, points: Sequence[int], meter: Meter) -> None:
        self.client, self.store, self.meter = client, store, meter
        self.queue = profitable_order(store.plan.keys, store.plan.rows, points)
        self.again: list[list[int]] = []
        self.pending: dict[Any, list[int]] = {}
        self.seconds, self.counted = 0.0, 0

    def run(self) -> None:
        """Keep every thread of the cluster busy, with one chunk more waiting for each."""
        distributed: Any = importlib.import_module("distributed")
        finished = distributed.as_completed(loop=self.client.loop)
        while self.queue or self.again or self.pending:
            threads = max(sum(self.client.nthreads().values()), 1)
            while (self.queue or self.again) and len(self.pending) < 2 * threads:
                finished.add(self._submit(threads))
            future = next(finished)
            self._take(future, self.pending.pop(future))

    def _submit(self, threads: int) -> Any:
        if self.again:
            chunk = self.again.pop()
        else:
            size = int(max(1, min(MOST, CALL_SECONDS * self.counted / self.seconds))) if self.seconds else 4
            size = min(size, max(1, len(self.queue) // (2 * threads)))
            chunk, self.queue = self.queue[:size], self.queue[size:]
        plan = self.store.plan
        part = replace(plan, rows=tuple(plan.rows[p] for p in chunk)).to_dict()
        future = self.client.submit(run_chunk, part, chunk, len(plan.rows), pure=False, retries=RETRIES)
        self.pending[future] = chunk
        return future

    def _take(self, future: Any, chunk: list[int]) -> None:
        error = future.exception() if future.status != "cancelled" else None
        if (
            error is not None and type(error).__name__ != "KilledWorker"
        ):  # a point's own error is a row: this one is the cluster's
            cause = error.__cause__ or error
            raise NumericsError(
                f"the Dask workers cannot run femsim; is it installed there? ({type(cause).__name__}: {cause})"[:400]
            )
        if error is not None and len(chunk) > 1:
            self.again += [[p] for p in chunk]
            return
        if error is not None:
            self._write([Row(chunk[0], (), "worker ended again and again at this point (KilledWorker)", 0.0)], {})
            return
        if future.status == "cancelled":  # its data went with a worker
            self.again.append(chunk)
            return
        rows, reuse = future.result()
        self._write([Row(p, tuple(o), text, seconds, level, tuple(e)) for p, o, text, seconds, level, e in rows], reuse)

    def _write(self, rows: list[Row], reuse: dict[str, int]) -> None:
        self.store.write(rows, reuse)
        for row in rows:
            self.seconds, self.counted = self.seconds + row.seconds, self.counted + 1
            self.meter.count(row.error is None, row.outputs[0] if row.outputs else None)
