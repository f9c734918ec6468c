"""Batches of array work on several threads: numpy lets go of the interpreter inside its loops, so threads help and nothing is copied."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

#: more threads than this only wait for the memory
MOST = 8


def thread_count() -> int:
    """Threads for array work: OMP_NUM_THREADS where it is set, as for the solvers, else the processors this process may use."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    if wanted.isdigit() and int(wanted) > 0:
        return min(int(wanted), MOST)
    return min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, MOST)


def in_threads(work: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
    """``work`` on each item, results in the items' order whatever the number of threads."""
    count = min(thread_count(), len(items))
    if count < 2:
        yield from map(work, items)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(count) as pool:
        yield from pool.map(work, items)
