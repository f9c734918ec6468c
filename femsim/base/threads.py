"""Independent work on several processors by threads: numpy lets go of the interpreter inside its loops, and nothing is
copied.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, TypeVar

from femsim.base.errors import FemsimWarning
from femsim.base.system import processors

T = TypeVar("T")
R = TypeVar("R")

#: more threads than this only wait for the memory
MOST = 8


def thread_count() -> int:
    """Threads for array work: OMP_NUM_THREADS where it is set, as for the solvers, else the processors this process may
    use.
    """
    return _threads(os.environ.get("OMP_NUM_THREADS", ""))


def check_threads() -> None:
    """Say so where OMP_NUM_THREADS is no number of threads, and take it away: OpenMP would say so again."""
    if "OMP_NUM_THREADS" in os.environ and not _known(os.environ["OMP_NUM_THREADS"]):
        thread_count()
        del os.environ["OMP_NUM_THREADS"]


def _known(wanted: str) -> int:
    """The number that a value of OMP_NUM_THREADS begins with; 0 where it is none."""
    first = wanted.partition(",")[0].strip()
    return int(first) if re.fullmatch(r"[0-9]{1,9}", first) else 0


@lru_cache(maxsize=8)
def _threads(wanted: str) -> int:
    """What a value of OMP_NUM_THREADS asks for; of a list (OpenMP's nested regions) the first entry counts."""
    if _known(wanted):
        return min(_known(wanted), MOST)
    if wanted.strip():
        text = f"OMP_NUM_THREADS: {wanted[:40]!r} is not a number of threads; all processors are used"
        warnings.warn(text, FemsimWarning, stacklevel=3)
    return min(processors(), MOST)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Inside, BLAS keeps to one thread: many small products gain nothing from more, whose waiting costs several times
    their work.
    """
    if os.environ.get("OMP_NUM_THREADS", "").strip() == "1":  # BLAS obeys it too; looking for it costs milliseconds
        yield
        return
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
