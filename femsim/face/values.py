"""Numbers with their errors and units, and the averages at roots."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from femsim.base.errors import InputError, nearest
from femsim.measures.averages import RootMetrics


@dataclass(frozen=True, repr=False)
class Value:
    """A number, an estimate of its discretisation error (not a number where there is none) and its unit."""

    value: float
    error: float = math.nan
    unit: str = "MPa"

    def __float__(self) -> float:
        return self.value

    def __repr__(self) -> str:
        if not math.isfinite(self.error):
            return f"{self.value:.5g} {self.unit}".strip()
        # the error in two digits, the value to the same place
        places = max(0, 1 - math.floor(math.log10(self.error))) if self.error > 0 else 4
        value, error = f"{self.value:.{min(places, 5)}f}", f"{self.error:.{places}f}"
        return f"{value} ± {error if places <= 5 else f'{self.error:.1e}'} {self.unit}".strip()


@dataclass(frozen=True, repr=False)
class RootValues:
    """Averages over one length (um) at one root, each a :class:`Value` in MPa; ``region`` is the conductor."""

    name: str
    at: tuple[float, ...]
    region: str
    length: float
    kinds: dict[str, Value]

    @property
    def peel(self) -> Value:
        """Mean stress across the interface, tension positive."""
        return self["peel"]

    @property
    def shear(self) -> Value:
        """Mean shear stress along the interface."""
        return self["shear"]

    @property
    def von_mises(self) -> Value:
        """Mean von Mises stress over the conductor's ring (length by length)."""
        return self["von_mises"]

    def __getitem__(self, kind: str) -> Value:
        """An average by its kind. Raises InputError for one that the root has not."""
        if kind not in self.kinds:
            there = ", ".join(self.kinds)
            raise InputError(f"{self.name}: no average {kind!r}{nearest(kind, self.kinds)}; there are: {there}")
        return self.kinds[kind]

    def __repr__(self) -> str:
        shown = ", ".join(f"{kind} {value!r}" for kind, value in self.kinds.items())
        return f"<{self.name} at ({', '.join(f'{x:g}' for x in self.at)}), {self.length:g} um: {shown}>"


@dataclass(frozen=True, repr=False)
class Roots(Sequence[RootValues]):
    """All averages of a run: by number, or ``roots["post_root", 5]`` by name and length (um); where roots share a name,
    with the place as well: ``roots["post_root", 5, (-50, 0)]``.
    """

    entries: tuple[RootValues, ...]

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[RootValues]:
        return iter(self.entries)

    @property
    def names(self) -> list[str]:
        """The roots' names."""
        return list(dict.fromkeys(entry.name for entry in self.entries))

    def __getitem__(self, key: Any) -> Any:
        """One entry. Raises InputError for a name, length or place that is not there, IndexError for a number."""
        if isinstance(key, int | slice):
            return self.entries[key]
        name, *more = key if isinstance(key, tuple) else (key,)
        found = [entry for entry in self.entries if entry.name == name]
        if not found:
            there = ", ".join(self.names) or "none"
            raise InputError(f"roots: no root {name!r}{nearest(str(name), self.names)}; there are: {there}")
        if more:
            lengths = list(dict.fromkeys(entry.length for entry in found))
            found = [entry for entry in found if entry.length == more[0]]
            if not found:
                known = ", ".join(f"{length:g}" for length in lengths)
                raise InputError(f"roots: {name} has no average over {more[0]} um; there are: {known}")
        if len(more) > 1:
            places = [entry.at for entry in found]
            found = [entry for entry in found if entry.at == tuple(more[1])]
            if not found:
                raise InputError(f"roots: {name} has no place {more[1]}; there are: {', '.join(map(str, places))}")
        if len(found) > 1:
            keys = " or ".join(_key(entry, len({e.at for e in found}) > 1) for entry in found[:4])
            raise InputError(f"roots: {name!r} stands for {len(found)} averages; ask for one, as {keys}")
        return found[0]

    def __repr__(self) -> str:
        return "\n".join(map(repr, self.entries)) or "<no roots>"


def _key(entry: RootValues, placed: bool) -> str:
    return f"roots[{entry.name!r}, {entry.length:g}{f', {entry.at}' if placed else ''}]"


def roots_of(metrics: Sequence[RootMetrics]) -> Roots:
    """The averages of a run with their errors."""
    return Roots(
        tuple(
            RootValues(
                m.root.name,
                tuple(float(x) for x in m.root.at),
                m.root.region,
                m.length,
                {kind: Value(one.value, one.error) for kind, one in m.values.items()},
            )
            for m in metrics
        )
    )
