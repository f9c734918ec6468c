"""What the processes of MPI agree on where one of them fails, with a communicator that only pretends."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from femsim.base.errors import NumericsError
from femsim.solvers import petsc


class Pretended:
    """A process of two; the other one says ``other``, or never answers."""

    rank, size = 0, 2

    def __init__(self, other="", answers=True):
        self.other, self.answers = other, answers

    def Iallreduce(self, mine, worst, op):  # noqa: N802
        if self.answers:
            worst[0] = max(mine[0], 1 if self.other else 0)
        return SimpleNamespace(Test=lambda: self.answers)

    def allgather(self, mine):
        return [mine, self.other]


@pytest.fixture
def together(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py", SimpleNamespace(MPI=SimpleNamespace(MAX=max)))
    monkeypatch.setattr(petsc, "PATIENCE", 0.01)
    monkeypatch.setattr(petsc, "_ALONE", [])

    def run(comm, what):
        monkeypatch.setattr(petsc, "_meeting", lambda: comm)
        return petsc._together(comm, what)

    return run


def fails():
    raise MemoryError("no room")


def test_a_failure_anywhere_is_a_failure_everywhere(together):
    assert np.array_equal(together(Pretended(), lambda: np.arange(3)), np.arange(3))
    with pytest.raises(petsc.AllFailedError, match=r"no room \(process 1 of 2\)"):
        together(Pretended("MemoryError: no room (process 1 of 2)"), lambda: 1)
    with pytest.raises(petsc.AllFailedError, match=r"MemoryError: no room \(process 0 of 2\)"):
        together(Pretended(), fails)
    assert not petsc._ALONE


def test_who_fails_alone_ends_all(together, monkeypatch):
    """Nobody answers: the others wait in a call that this process does not take part in."""
    with pytest.raises(petsc.FailedAloneError, match="no room"):
        together(Pretended(answers=False), fails)
    ended = []
    comm = SimpleNamespace(Abort=ended.append, bcast=lambda what: None)
    monkeypatch.setattr(petsc, "world", lambda: (SimpleNamespace(_finalize=lambda: None), comm))
    petsc.stop(3)
    assert ended == [3]
    assert issubclass(petsc.FailedAloneError, NumericsError)
