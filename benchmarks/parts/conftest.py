"""Sizes of the parts' benchmark: ``pytest benchmarks/parts --speed-sizes 20k,200k,1M`` (needs pytest-benchmark)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "speed"), str(HERE.parents[1])]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--speed-sizes", default="20k,200k", help="sizes of the problem, of 20k, 200k, 1M (default %(default)s)"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "size" in metafunc.fixturenames:
        metafunc.parametrize("size", metafunc.config.getoption("--speed-sizes").split(","), scope="module")
