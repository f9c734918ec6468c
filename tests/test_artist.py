"""Who draws: a process beside this one gives the same figures, ends with its parent, and can be done without."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_report import bilayer

import femsim.reports.artist
from femsim.base.errors import FemsimWarning
from femsim.reports.artist import Artist, helps
from femsim.reports.plots.plates import plates
from femsim.runs.run import Run, run

SOURCE = str(Path(__file__).resolve().parents[1])
COARSE = ("--set", "mesh.size=0.5", "--set", "mesh.growth=2")
posix = pytest.mark.skipif(os.name == "nt", reason="signals of a POSIX system")


@pytest.fixture(scope="module")
def solved() -> Run:
    return run(bilayer())


@pytest.fixture(scope="module")
def here(solved: Run) -> list[bytes]:
    """The figures drawn in this process."""
    return drawn(Artist(), solved)


@pytest.fixture
def beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process beside this one although numpy is loaded here; made afresh, as threads may run."""
    monkeypatch.setattr(femsim.reports.artist, "helps", lambda: True)
    monkeypatch.setattr(femsim.reports.artist, "METHOD", "spawn")


def drawn(artist: Artist, solved: Run) -> list[bytes]:
    """The PNG files; names of clip paths in SVG files are drawn at random."""
    return [picture()["png"] for picture in artist.images([(p.page, p.vector) for p in plates(solved)])]


def test_a_process_beside_draws_the_same(solved: Run, here: list[bytes], beside: None) -> None:
    with Artist(beside=True) as artist:
        artist.meshed(solved.discretisation, solved.materials)
        artist.solved(solved.solution, solved.discretisation, solved.materials, solved.averages)
        begun = len(artist._begun)
        there = drawn(artist, solved)
    assert begun == 4, "what needs no averages was begun at once"
    assert there == here


def test_pages_are_drawn_here_where_the_process_ends(solved: Run, here: list[bytes], beside: None) -> None:
    with Artist(beside=True) as artist:
        artist.meshed(solved.discretisation, solved.materials)
        assert artist._pool is not None
        for process in artist._pool._processes.values():
            os.kill(process.pid, signal.SIGKILL if os.name != "nt" else signal.SIGTERM)
        with pytest.warns(FemsimWarning, match="ended early"):
            there = drawn(artist, solved)
    assert there == here


def test_a_program_with_numpy_or_one_processor_draws_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not helps()
    assert Artist(beside=True)._pool is None
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert not helps()


@posix
def test_the_process_ends_with_its_parent(tmp_path: Path) -> None:
    """Even where the parent is killed and cannot say so."""
    script = (
        "import sys, time\nfrom femsim.reports.artist import Artist\n"
        "artist = Artist(beside=True)\nassert artist._pool is not None\n"
        "sys.stdout.write(f'{next(iter(artist._pool._processes))}\\n'); sys.stdout.flush(); time.sleep(100)\n"
    )
    environment = {**os.environ, "PYTHONPATH": SOURCE, "OMP_NUM_THREADS": "2"}
    parent = subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    os.kill(child, 0)
    parent.kill()
    parent.wait()
    for _ in range(200):
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    pytest.fail("the process beside lives on")


def test_the_command_line_writes_the_same_with_and_without(tmp_path: Path) -> None:
    figures = {}
    for threads in ("1", "2"):
        out = tmp_path / threads
        environment = {**os.environ, "PYTHONPATH": SOURCE, "OMP_NUM_THREADS": threads}
        command = [sys.executable, "-m", "femsim", "solve", "bilayer", *COARSE, "--quiet", "--out", str(out)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        figures[threads] = {path.name: path.read_bytes() for path in (out / "figures").iterdir()}
    assert figures["1"].keys() == figures["2"].keys()
    assert figures["1"]["layout.png"] == figures["2"]["layout.png"]
