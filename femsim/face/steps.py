"""The steps of a program, or the times of a transient, from Python."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from femsim.base.errors import InputError, nearest
from femsim.face.frames import frame
from femsim.face.values import Roots, roots_of
from femsim.measures.averages import RegionMetrics
from femsim.measures.probes import ProbeValue
from femsim.runs.run import Run


@dataclass(frozen=True, repr=False)
class Step:
    """The state at the end of a step: ``time`` in s, ``temperature`` in degC (smallest and largest of the body).

    ``roots`` are the averages as :class:`Roots`, ``regions`` and ``probes`` what is there at that time; ``inelastic``
    the volume means per region: equivalent plastic and creep strain (``p_mean``, ``creep_mean``), inelastic work
    density (``work_mean``, MPa); empty where nothing flows. ``bow`` is the curvature (1/um) and deflection (um) of the
    stack, None where it has none. ``cycle`` and ``phase`` say where in a ``[cycle]`` it stands.
    """

    name: str
    time: float
    temperature: tuple[float, float]
    roots: Roots
    regions: dict[str, RegionMetrics]
    probes: dict[str, ProbeValue]
    inelastic: dict[str, dict[str, float]] = field(default_factory=dict)
    bow: dict[str, float] | None = None
    cycle: int | None = None
    phase: str | None = None

    def __repr__(self) -> str:
        low, high = self.temperature
        shown = f"{high:g}" if low == high else f"{low:g} to {high:g}"
        first = f"; {self.roots[0]!r}" if len(self.roots) else ""
        return f"<Step {self.name!r} at {self.time:g} s, {shown} degC{first}>"


@dataclass(frozen=True, repr=False)
class Steps(Sequence[Step]):
    """All steps in order: by number, ``steps["cool"]`` by name; of a ``[cycle]`` ``steps["low", 2]`` is the end of the
    second stay at its low temperature.
    """

    entries: tuple[Step, ...]

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Step]:
        return iter(self.entries)

    @property
    def names(self) -> list[str]:
        """The steps' names, in order."""
        return [entry.name for entry in self.entries]

    def __getitem__(self, key: Any) -> Any:
        """One step. Raises InputError for a name that is not there or stands for several, IndexError for a number."""
        if isinstance(key, int | slice):
            return self.entries[key]
        if isinstance(key, tuple):
            phase, cycle = key
            found = [entry for entry in self.entries if (entry.phase, entry.cycle) == (phase, cycle)][-1:]
        else:
            found = [entry for entry in self.entries if entry.name == key]
        if len(found) == 1:
            return found[0]
        if found:
            raise InputError(f"steps: {len(found)} steps are named {key!r}; ask for one by its number")
        known = list(dict.fromkeys(self.names))
        there = ", ".join(known) or "none"
        raise InputError(f"steps: no step {key!r}{nearest(str(key), known)}; there are: {there}")

    def to_frame(self) -> Any:
        """A pandas DataFrame: a row for each step, root and length. Raises InputError where pandas is not installed."""
        rows: list[dict[str, Any]] = []
        for i, step in enumerate(self.entries):
            low, high = step.temperature
            for root in step.roots:
                place: dict[str, Any] = {"index": i, "step": step.name, "cycle": step.cycle, "time": step.time}
                place |= {"temperature_min": low, "temperature_max": high, "root": root.name, "at": root.at}
                averages = {kind: value.value for kind, value in root.kinds.items()}
                rows.append({**place, "length": root.length, **averages})
        names = list(dict.fromkeys(name for row in rows for name in row))
        return frame({name: [row.get(name) for row in rows] for name in names})

    def __repr__(self) -> str:
        return "\n".join(map(repr, self.entries)) or "<no steps>"


def steps_of(run: Run) -> Steps:
    """The steps of a run: those of its program, or the times at which a transient temperature drives the stress."""
    found = [
        Step(
            name=step.leg.name,
            time=step.time,
            temperature=step.temperature,
            roots=roots_of(step.roots),
            regions=dict(step.regions),
            probes={name: value for name, value in step.probes.items() if value is not None},
            inelastic={
                name: {"p_mean": flown.p, "creep_mean": flown.creep, "work_mean": flown.work}
                for name, flown in step.inelastic.items()
            },
            bow=None if step.bow is None else {"curvature": step.bow.curvature, "deflection": step.bow.deflection},
            cycle=step.leg.cycle,
            phase=step.leg.phase,
        )
        for step in run.program
    ]
    for at in run.steps:
        found.append(
            Step(
                name=f"{at.state.time:.6g} s",
                time=at.state.time,
                temperature=(at.state.values.smallest, at.state.values.largest),
                roots=roots_of(at.roots),
                regions=dict(at.regions),
                probes=dict(at.probes),
                bow=None if at.bow is None else {"curvature": at.bow.curvature, "deflection": at.bow.deflection},
            )
        )
    return Steps(tuple(found))
