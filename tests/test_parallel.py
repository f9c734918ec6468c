"""Threads and forked children: the same results in the same order, and what goes wrong in a child shows in its
parent.
"""

from __future__ import annotations

import os
import sys
import time
import warnings

import pytest

import femsim.base.threads
from femsim.base.errors import FemsimWarning, InputError
from femsim.base.threads import Forked, in_threads, thread_count

forks = pytest.mark.skipif(sys.platform != "linux", reason="no safe fork")


@pytest.fixture(params=["1", "2", "5"])
def threads(request, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", request.param)
    return int(request.param)


def test_threads_are_those_of_the_solvers(monkeypatch):
    for value, wanted in (("1", 1), ("3", 3), ("64", femsim.base.threads.MOST)):
        monkeypatch.setenv("OMP_NUM_THREADS", value)
        assert thread_count() == wanted
    for value in ("", "0", "many"):
        monkeypatch.setenv("OMP_NUM_THREADS", value)
        assert 1 <= thread_count() <= femsim.base.threads.MOST


def test_threads_keep_the_order(threads):
    def work(n):
        time.sleep(0.002 * (n % 3 == 0))
        return n * n

    assert list(in_threads(work, range(20))) == [n * n for n in range(20)]
    assert list(in_threads(work, [])) == []


def test_an_error_in_a_thread_is_raised(threads):
    def work(n):
        if n == 3:
            raise InputError("three")
        return n

    with pytest.raises(InputError, match="three"):
        list(in_threads(work, range(6)))


def test_children_keep_the_order(threads):
    """Whatever the weights; nothing need be picklable but the results."""
    for weights in ([1.0] * 7, [7.0, 1.0, 1.0, 1.0, 1.0, 1.0, 9.0]):
        with Forked(lambda f: f(), [lambda n=n: n * n for n in range(7)], weights) as found:
            assert list(found) == [n * n for n in range(7)]


@forks
def test_children_are_other_processes(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    with Forked(lambda _: os.getpid(), range(4), [4.0, 1.0, 1.0, 1.0]) as found:
        one, *others = found
    assert os.getpid() not in {one, *others}
    assert others == [others[0]] * 3, "the lighter items make one share"
    assert one != others[0]


def test_errors_and_warnings_of_a_child_are_the_parents(threads):
    def work(n):
        warnings.warn(f"item {n}", FemsimWarning, stacklevel=1)
        if n == 2:
            raise InputError("two")
        return n

    with warnings.catch_warnings(record=True) as said, Forked(work, range(4), [1.0] * 4) as found:
        warnings.simplefilter("always")
        with pytest.raises(InputError, match="two"):
            list(found)
    assert [str(w.message) for w in said] == ["item 0", "item 1", "item 2"]
    assert {w.category for w in said} == {FemsimWarning}


@forks
@pytest.mark.parametrize("end", ["dies", "hangs"])
def test_what_a_child_leaves_is_done_here(end, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setattr(femsim.base.threads, "PATIENCE", 0.5)
    parent = os.getpid()

    def work(n):
        if n == 1 and os.getpid() != parent:
            os._exit(1) if end == "dies" else time.sleep(60)
        return n, os.getpid() == parent

    with Forked(work, range(4), [1.0] * 4) as found, pytest.warns(FemsimWarning, match="its work is done here"):
        assert [n for n, _ in found] == [0, 1, 2, 3]
    with Forked(work, range(4), [1.0] * 4) as found, pytest.warns(FemsimWarning):
        here = [own for _, own in found]
    assert here[1], "the item that ended its child"
    assert not here[0]
