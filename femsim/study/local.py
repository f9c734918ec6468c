"""The local engine: a pool of worker processes of its own, which outlives the death of any of them.

Every worker gets chunks of neighbouring points (neighbours share meshes and factors), runs them with one numerical
thread, writes them as one part and asks for more. A worker that dies takes at most its chunk with it: those points are
given out again. A point whose worker died three times is a failed row. What workers say is read by a thread for each
and comes through one queue, as not every system can wait for several pipes at once.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from femsim.base.errors import InputError, NumericsError
from femsim.base.system import processors
from femsim.study.meter import Meter
from femsim.study.order import profitable_order
from femsim.study.store import Row, Store
from femsim.study.worker import pinned

#: seconds of work in a chunk: what a kill can lose, and how often live results appear
CHUNK_SECONDS = 2.0
#: points in the first chunks, whose cost is not known yet
FIRST = 2
MOST = 500
#: a point whose worker died this often is a failed row
DEATHS = 3
#: workers that die before they run anything, in a row: something is wrong with the installation
STILLBORN = 3


@dataclass
class _Worker:
    process: subprocess.Popen[bytes]
    log: IO[bytes]
    number: int
    chunk: list[int] = field(default_factory=list)
    ended: int = 0
    current: int | None = None
    ready: bool = False
    reader: threading.Thread | None = None


def default_workers() -> int:
    """The cores this process may use."""
    return processors()


def run_local(
    store: Store, points: Sequence[int], workers: int | None = None, meter: Meter | None = None
) -> dict[str, int]:
    """Run points on this machine; counts of re-use. Every point has a row afterwards.

    Raises InputError where the disk does not take the rows, NumericsError where workers cannot be started. On an
    interrupt the workers write what they have before the exception goes on.
    """
    if not points:
        return {}
    engine = _Engine(store, points, workers or default_workers(), meter or Meter(len(points), quiet=True))
    try:
        return engine.run()
    finally:
        engine.close()


class _Engine:
    def __init__(self, store: Store, points: Sequence[int], workers: int, meter: Meter) -> None:
        plan = store.plan
        ordered = profitable_order(plan.keys, plan.rows, points)
        count = min(workers, len(ordered))
        share = -(-len(ordered) // count)
        self.queues = [deque(ordered[i * share : (i + 1) * share]) for i in range(count)]
        self.urgent: deque[list[int]] = deque()
        self.store, self.meter = store, meter
        self.deaths: dict[int, int] = {}
        self.reuse: dict[str, int] = {}
        self.workers: dict[int, _Worker] = {}
        self.said: queue.SimpleQueue[tuple[_Worker, bytes]] = queue.SimpleQueue()
        self.stillborn = 0
        self.seconds, self.counted = 0.0, 0
        self.started: dict[int, float] = {}
        self.broken: str | None = None

    def run(self) -> dict[str, int]:
        for number in range(len(self.queues)):
            self._start(number)
        while self.workers and self.broken is None:
            with contextlib.suppress(queue.Empty):
                self._receive(*self.said.get(timeout=1.0))
            self.meter.show()
        if self.broken is not None:
            raise InputError(f"{self.broken}; nothing written is lost: the same command goes on from there")
        return self.reuse

    def close(self) -> None:
        """End the workers; they write what they have, unless they take too long about it."""
        for worker in self.workers.values():
            with contextlib.suppress(OSError):
                worker.process.terminate()
            with contextlib.suppress(OSError):
                if worker.process.stdin:
                    worker.process.stdin.close()
        deadline = time.monotonic() + 20.0
        for worker in self.workers.values():
            try:
                worker.process.wait(max(deadline - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
            self._ended(worker)
            worker.log.close()
        self.workers.clear()

    # ------------------------------------------------------------ workers

    def _start(self, number: int) -> None:
        log = tempfile.TemporaryFile()  # noqa: SIM115
        package = str(Path(__file__).resolve().parents[2])
        environment = pinned()
        environment["PYTHONPATH"] = os.pathsep.join(p for p in (package, environment.get("PYTHONPATH", "")) if p)
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "femsim.cli.study", "worker", str(self.store.directory.resolve())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment,
            start_new_session=True,  # Ctrl-C is the parent's business
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # the same where there are no sessions
        )
        worker = _Worker(process, log, number)
        self.workers[number] = worker
        worker.reader = threading.Thread(target=_listen, args=(worker, self.said), daemon=True)
        worker.reader.start()

    def _receive(self, worker: _Worker, line: bytes) -> None:
        """What a worker said; nothing but b"" where its output ended."""
        if not line:
            self._died(worker)
        elif line.endswith(b"\n"):  # a line cut short was its last: the end follows
            self._heard(worker, json.loads(line))

    def _ended(self, worker: _Worker) -> None:
        """Close the output of a worker that is gone; a process it left behind may hold the pipe open."""
        assert worker.reader is not None
        assert worker.process.stdout is not None
        worker.reader.join(1.0)
        if not worker.reader.is_alive():
            worker.process.stdout.close()

    def _heard(self, worker: _Worker, message: dict[str, Any]) -> None:
        match message:
            case {"ready": _}:
                worker.ready, self.stillborn = True, 0
                self._give(worker)
            case {"start": point}:
                worker.current = point
                self.started[worker.number] = time.monotonic()
            case {"end": _, "ok": ok, "first": first}:
                worker.current = None
                worker.ended += 1
                self.seconds += time.monotonic() - self.started[worker.number]
                self.counted += 1
                self.meter.count(ok, first)
            case {"wrote": count, "reuse": reuse}:
                for key, value in reuse.items():
                    self.reuse[key] = self.reuse.get(key, 0) + value
                if worker.chunk[count:]:  # asked to end by someone else
                    self.urgent.append(worker.chunk[count:])
                worker.chunk, worker.ended = [], 0
                self._give(worker)
            case {"broken": text}:
                self.broken = str(text)

    def _give(self, worker: _Worker) -> None:
        """The next chunk; without one the worker may go."""
        chunk = self._next(worker.number)
        stdin = worker.process.stdin
        assert stdin is not None
        with contextlib.suppress(OSError):  # it died: its end of output says so, too
            if chunk:
                worker.chunk, worker.ended = chunk, 0
                stdin.write(json.dumps({"points": chunk}).encode() + b"\n")
                stdin.flush()
            else:
                stdin.close()

    def _next(self, number: int) -> list[int]:
        if self.urgent:
            return self.urgent.popleft()
        own = self.queues[number]
        if not own:  # take the far half of the longest queue: near its front neighbours are being worked on
            longest = max(self.queues, key=len)
            if not longest:
                return []
            taken = [longest.pop() for _ in range(-(-len(longest) // 2))]
            own.extend(reversed(taken))
        each = self.seconds / self.counted if self.counted else None
        size = FIRST if not each else int(max(1, min(MOST, CHUNK_SECONDS / each)))
        left = sum(len(q) for q in self.queues)
        size = min(size, max(1, -(-left // (2 * len(self.queues)))))
        return [own.popleft() for _ in range(min(size, len(own)))]

    def _died(self, worker: _Worker) -> None:
        """A worker ended: of itself when it had nothing to do, or with points in its hands."""
        code = worker.process.wait()
        self._ended(worker)
        self.workers.pop(worker.number)
        tail = _tail(worker.log)
        worker.log.close()
        if self.broken is not None:
            return
        if not worker.ready:
            self.stillborn += 1
            if self.stillborn >= STILLBORN:
                raise NumericsError(f"workers cannot be started ({_cause(code, tail)})")
        lost = [p for p in worker.chunk if p not in self._written(worker)]
        if lost:
            self.meter.uncount(worker.ended)
            suspect = worker.current
            if suspect is not None and suspect in lost:
                self.deaths[suspect] = self.deaths.get(suspect, 0) + 1
                lost.remove(suspect)
                if self.deaths[suspect] >= DEATHS:
                    self._give_up(suspect, f"worker ended {DEATHS} times at this point ({_cause(code, tail)})")
                else:
                    self.urgent.append([suspect])
            if lost:
                self.urgent.append(lost)
        if lost or self.urgent or any(self.queues) or not worker.ready:
            self._start(worker.number)

    def _written(self, worker: _Worker) -> frozenset[int]:
        """Points of a dead worker's chunk that it wrote before it could say so."""
        if worker.ended < len(worker.chunk):
            return frozenset()
        return self.store.written(worker.chunk)

    def _give_up(self, point: int, text: str) -> None:
        self.meter.count(False)
        try:
            self.store.write([Row(point, (), text, 0.0)])
        except OSError as error:
            self.broken = f"{self.store.parts}: cannot be written ({(error.strerror or str(error)).lower()})"


def _listen(worker: _Worker, said: queue.SimpleQueue[tuple[_Worker, bytes]]) -> None:
    """Hand over a worker's output line by line, and b"" at its end."""
    assert worker.process.stdout is not None
    with contextlib.suppress(OSError, ValueError):
        for line in worker.process.stdout:
            said.put((worker, line))
    said.put((worker, b""))


def _tail(log: IO[bytes]) -> str:
    log.seek(0, os.SEEK_END)
    log.seek(max(log.tell() - 2000, 0))
    lines = [" ".join(line.split()) for line in log.read().decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""


def _cause(code: int, tail: str) -> str:
    if code == -9:
        return "killed by signal 9: out of memory, or by hand"
    how = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
    return f"{how}: {tail}" if tail else how
