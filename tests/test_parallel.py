"""Threads: the same results in the same order, and what goes wrong in one is raised."""

from __future__ import annotations

import os
import time

import pytest

import femsim.base.threads
from femsim.base.errors import FemsimWarning, InputError
from femsim.base.threads import check_threads, in_threads, thread_count


@pytest.fixture(params=["1", "2", "5"])
def threads(request, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", request.param)
    return int(request.param)


def test_threads_are_those_of_the_solvers(monkeypatch):
    for value, wanted in (("1", 1), ("3", 3), ("64", femsim.base.threads.MOST)):
        monkeypatch.setenv("OMP_NUM_THREADS", value)
        assert thread_count() == wanted
    monkeypatch.setenv("OMP_NUM_THREADS", "")
    assert 1 <= thread_count() <= femsim.base.threads.MOST
    monkeypatch.setenv("OMP_NUM_THREADS", "2,4")
    assert thread_count() == 2


@pytest.mark.parametrize("value", ["0", "many", "-3", "1e9", "²", "9" * 5000])
def test_odd_numbers_of_threads_are_told_and_left_out(monkeypatch, value):
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    femsim.base.threads._threads.cache_clear()
    with pytest.warns(FemsimWarning, match="is not a number of threads"):
        check_threads()
    assert "OMP_NUM_THREADS" not in os.environ
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
