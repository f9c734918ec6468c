"""Independent work on several processors: threads for array work, forked children for what holds the interpreter.

numpy lets go of the interpreter inside its loops, so threads help there and nothing is copied. Drawing does not; a
forked child sees all that its parent has computed and sends back what it made.
"""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from femsim.base.errors import FemsimWarning

T = TypeVar("T")
R = TypeVar("R")

#: more threads than this only wait for the memory
MOST = 8
#: seconds after which a child that has sent nothing is given up
PATIENCE = 120.0


def thread_count() -> int:
    """Threads for array work: OMP_NUM_THREADS where it is set, as for the solvers, else the processors this process may
    use.
    """
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    if wanted.isdigit() and int(wanted) > 0:
        return min(int(wanted), MOST)
    return min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, MOST)


def in_parts(items: Any, size: int) -> list[Any]:
    """An array or a sequence cut into parts of ``size``, the last one shorter."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def in_threads(work: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
    """``work`` on each item, results in the items' order whatever the number of threads.

    Threads start at once; with one thread the work is done as the results are asked for.
    """
    count = min(thread_count(), len(items))
    if count < 2:
        return map(work, items)
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(count)
    return _results(pool, pool.map(work, items))


def do_in_threads(work: Callable[[T], None], items: Sequence[T]) -> None:
    """``work`` on each item; returns when all is done."""
    for _ in in_threads(work, items):
        pass


def _results(pool: Any, results: Iterator[R]) -> Iterator[R]:
    with pool:
        yield from results


class Forked(Generic[T, R]):
    """``work`` on each item in forked children, which start at once; iterating gives the results in the items' order.

    Items are shared out by their ``weights``. Where there is one processor, or no safe fork (not Linux, a daemonic
    process), the work is done on iteration instead; so is, with a warning, what a child that died or hangs has left.
    What work raises or warns of is raised or warned of here.
    """

    def __init__(self, work: Callable[[T], R], items: Sequence[T], weights: Sequence[float]) -> None:
        self._work, self._items = work, items
        self._pipes: dict[int, Any] = {}
        self._children: list[Any] = []
        count = min(thread_count(), len(items))
        if count < 2 or not _can_fork():
            return
        import multiprocessing

        fork = multiprocessing.get_context("fork")
        for share in _shares(weights, count):
            receive, send = fork.Pipe(duplex=False)
            child = fork.Process(target=_child, args=(work, items, share, send), daemon=True)
            with warnings.catch_warnings():
                # Python warns of forks beside threads; MKL's are at rest, and children use none of them
                warnings.simplefilter("ignore", DeprecationWarning)
                child.start()
            send.close()
            self._children.append(child)
            self._pipes |= dict.fromkeys(share, receive)

    def __iter__(self) -> Iterator[R]:
        done: dict[int, tuple[R | None, Exception | None, list[Any]]] = {}
        for number, item in enumerate(self._items):
            while number not in done and number in self._pipes:
                pipe = self._pipes[number]
                try:
                    if not pipe.poll(PATIENCE):
                        raise EOFError
                    at, *result = pipe.recv()
                    done[at] = (result[0], result[1], result[2])
                except EOFError:  # the child died, or hangs
                    warnings.warn(
                        "a child process gave no answer; its work is done here, one after the other",
                        FemsimWarning,
                        stacklevel=2,
                    )
                    self._pipes = {k: other for k, other in self._pipes.items() if other is not pipe}
            if number not in done:
                yield self._work(item)
                continue
            value, error, said = done.pop(number)
            for message, category in said:
                warnings.warn(message, category, stacklevel=2)
            if error is not None:
                raise error
            yield value  # type: ignore[misc]

    def __enter__(self) -> Forked[T, R]:
        return self

    def __exit__(self, *_: object) -> None:
        for child in self._children:
            child.terminate()
            child.join()


def _can_fork() -> bool:
    import multiprocessing

    return sys.platform == "linux" and not multiprocessing.current_process().daemon


def _shares(weights: Sequence[float], count: int) -> list[list[int]]:
    """Positions shared out so that the sums of their weights are about equal: the heaviest first, each to the lightest
    share.
    """
    shares: list[list[int]] = [[] for _ in range(count)]
    loads = [0.0] * count
    for number in sorted(range(len(weights)), key=lambda n: -weights[n]):
        least = loads.index(min(loads))
        shares[least].append(number)
        loads[least] += weights[number]
    return [sorted(share) for share in shares if share]


def _child(work: Callable[[T], R], items: Sequence[T], share: Sequence[int], send: Any) -> None:
    """What a child does: each item of its share, sent as soon as it is done."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    for number in share:
        value, error = None, None
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            try:
                value = work(items[number])
            except Exception as found:  # raised again by the parent
                error = found
        try:
            send.send((number, value, error, [(str(w.message), w.category) for w in said]))
        except OSError:  # the parent is gone
            return
