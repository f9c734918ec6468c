"""Loading: modules that libraries load with themselves and nobody here uses are run when they are first asked for
something, and while modules load no garbage is sought.
"""

from __future__ import annotations

import gc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType

#: scipy takes every name of numpy, and with it numpy's generator of Fortran wrappers and its helpers for tests: a fifth
#: of the start of a small solve. Pydantic looks for plugins with importlib.metadata, scipy writes help with pydoc.
UNUSED = frozenset({"numpy.f2py", "numpy.testing", "importlib.metadata", "pydoc"})


class _Later:
    """A finder that comes before the others and answers for the unused modules alone."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name not in UNUSED:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is not None and spec.loader is not None:
            spec.loader = importlib.util.LazyLoader(spec.loader)
        return spec


def load_later() -> None:
    """From now on the unused modules wait for their first use; for a process that is femsim's own."""
    if not any(isinstance(finder, _Later) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Later())


@contextmanager
def loading() -> Iterator[None]:
    """Within this, modules are loaded: what they make stays, so nobody looks for garbage among it meanwhile (a
    thirtieth of a small solve).
    """
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()
