"""Threads: the same results in the same order, and what goes wrong in one is raised."""

from __future__ import annotations

import time

import pytest

import femsim.base.threads
from femsim.base.errors import InputError
from femsim.base.threads import in_threads, thread_count


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
