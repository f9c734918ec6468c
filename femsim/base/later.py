"""Modules that libraries load with themselves and nobody here uses: they are run when they are first asked for
something.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from types import ModuleType

#: scipy takes every name of numpy, and with it numpy's generator of Fortran wrappers and its helpers for tests: a fifth
#: of the start of a small solve
UNUSED = frozenset({"numpy.f2py", "numpy.testing"})


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
