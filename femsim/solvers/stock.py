"""What many systems alike can share: patterns and analyses of the meshes met last.

Two meshes whose cells, constraints and links are the same have the same places of their entries, however far their
points are moved: a sweep of thicknesses meets a dozen such families in thousands of points. Of a factor that nobody
holds any more the analysis (PARDISO's symbolic phase) serves the next system of the family.
"""

from __future__ import annotations

import hashlib
import weakref
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar

from femsim.models.space import Space
from femsim.solvers.factor import many_systems
from femsim.solvers.pardiso import PardisoFactor
from femsim.solvers.pattern import Pattern, make_pattern
from femsim.solvers.system import System, SystemFactor

#: unknowns of all patterns kept (about 200 bytes each) and of all factors (about 800 bytes each)
PATTERNS, FACTORS = 500_000, 150_000

#: a pattern's solver, and the factor it was given out as
_Held = tuple[PardisoFactor, "weakref.ref[SystemFactor]"]


class Stock:
    """Patterns and factors of systems solved before, the ones asked for last. Not to be shared between threads."""

    def __init__(self, patterns: int = PATTERNS, factors: int = FACTORS) -> None:
        self._limits = patterns, factors
        self._patterns: OrderedDict[bytes, Pattern] = OrderedDict()
        self._factors: OrderedDict[int, list[_Held]] = OrderedDict()  # by the identity of a pattern that is kept

    def pattern(self, space: Space) -> Pattern:
        """The places of a space's entries, of an earlier space of the same cells and constraints where there was
        one.
        """
        key = family(space)
        found = self._patterns.get(key)
        if found is None:
            found = self._patterns[key] = make_pattern(space)
        self._patterns.move_to_end(key)
        while len(self._patterns) > 1 and sum(map(_size, self._patterns.values())) > self._limits[0]:
            self._factors.pop(id(self._patterns.popitem(last=False)[1]), None)
        return found

    def factor(self, system: System, backend: str | None) -> SystemFactor:
        """A system's factor, on the analysis of an earlier one that nobody holds any more where there is such a one."""
        own = next((p for p in self._patterns.values() if p is system.pattern), None)
        held = self._factors.setdefault(id(own), []) if own is not None else []
        idle = next((pair for pair in held if pair[1]() is None), None)
        if idle is None:
            made = SystemFactor.of(system, backend)
        else:
            held.remove(idle)
            idle[0].again(system.matrix)
            made = SystemFactor(idle[0], system.pattern, system.condensation)
        if own is not None and isinstance(made.factor, PardisoFactor):
            held.append((made.factor, weakref.ref(made)))
            self._factors.move_to_end(id(own))
            self._trim()
        return made

    def _trim(self) -> None:
        sizes = {id(p): _size(p) for p in self._patterns.values()}
        total = sum(sizes[key] * len(held) for key, held in self._factors.items())
        while len(self._factors) > 1 and total > self._limits[1]:
            key, held = self._factors.popitem(last=False)
            total -= sizes[key] * len(held)


def family(space: Space) -> bytes:
    """Equal for spaces whose systems have the same places: cells, element, constraints, links and kinematics."""
    links, constraints = space.constraints.links, space.constraints
    digest = hashlib.blake2b(digest_size=16)
    digest.update(repr((space.mesh.element, space.kinematics, space.mesh.cells.shape, constraints.count)).encode())
    for array in (space.mesh.cells, constraints.equation, links.dof, links.equation, links.coefficient, space.joined):
        digest.update(repr((array.shape, array.dtype.str)).encode())
        digest.update(array.tobytes())
    return digest.digest()


def _size(pattern: Pattern) -> int:
    return len(pattern.numbering.place)


_STOCK: ContextVar[Stock | None] = ContextVar("stock", default=None)


@contextmanager
def of_many(stock: Stock | None) -> Iterator[None]:
    """Within this, systems are taken to be some of hundreds: they share what ``stock`` keeps, and small ones too go to
    the solver that is fastest once it is loaded. Nothing changes where it is None.
    """
    token = _STOCK.set(stock)
    try:
        with nullcontext() if stock is None else many_systems():
            yield
    finally:
        _STOCK.reset(token)


def stock_at_hand() -> Stock | None:
    """The stock of the systems being solved, if they are some of many."""
    return _STOCK.get()
