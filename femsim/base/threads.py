"""Independent work on several processors by threads: numpy lets go of the interpreter inside its loops, and nothing is
copied.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")

#: more threads than this only wait for the memory
MOST = 8


def thread_count() -> int:
    """Threads for array work: OMP_NUM_THREADS where it is set, as for the solvers, else the processors this process may
    use.
    """
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    if wanted.isdigit() and int(wanted) > 0:
        return min(int(wanted), MOST)
    return min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, MOST)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Inside, BLAS keeps to one thread: many small products gain nothing from more, whose waiting costs several times
    their work.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        yield


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
