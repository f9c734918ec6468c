"""Options of the test suite, and the signals it needs."""

from __future__ import annotations

import signal

import pytest

if (
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN
):  # nohup, or a job in the background: processes would ignore it too
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--fuzz 300``: three hundred times as much random damage as in a plain run."""
    parser.addoption("--fuzz", type=float, default=1.0, help="how many times the plain number of random damages to try")
    parser.addoption("--fuzz-seed", type=int, default=0, help="where the random damages begin")
