"""What the figures of a program are drawn from, as plain data: courses over time, loops, maps of what flowed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.meshes.layout import Rim, Root
from femsim.runs.names import length_text

if TYPE_CHECKING:
    from femsim.meshes.mesh import Mesh
    from femsim.runs.record import Frame, Sample, Single
    from femsim.runs.run import Run

#: curves and loops that a figure shows at most
MOST = 4
#: frames of the moving picture
FRAMES = 16


@dataclass(frozen=True)
class Curve:
    """Values (n,) over time of one root or layer; not a number while it is not there."""

    label: str
    values: dict[str, FloatArray]


@dataclass(frozen=True)
class Loop:
    """Stress (n,) in MPa against mechanical strain (n,) of a patch: one component."""

    label: str
    component: str
    stress: FloatArray
    strain: FloatArray


@dataclass(frozen=True)
class Course:
    """A program over time (n,) in s: temperature (n,) in degC, cycle (n,) from 1, 0 in steps; ``ends`` of the steps
    (s) with their names; curves of the roots (at their longest averaging length), and loops of roots and layers.
    """

    time: FloatArray
    temperature: FloatArray
    cycle: FloatArray
    ends: tuple[tuple[float, str], ...]
    curves: tuple[Curve, ...]
    loops: tuple[Loop, ...]
    left_out: int = 0  # roots beyond MOST


@dataclass(frozen=True)
class Still:
    """One instant: what it is called, time (s), temperature (degC), ``stress`` (E, n, size) in MPa and ``flown``
    (E, n, 3: p, creep, work) at each cell's own nodes.
    """

    name: str
    time: float
    temperature: float
    mesh: Mesh
    stress: Single
    flown: Single


@dataclass(frozen=True)
class Maps:
    """Instants of a program that are drawn: the last one, the one before what the growth is counted from (None: all of
    it), and those of the moving picture; the roots; the drawing plane's axes.
    """

    last: Still
    before: Still | None
    since: str
    movie: tuple[Still, ...]
    roots: tuple[Root, ...]
    axes: tuple[str, str]


def course_of(run: Run) -> Course | None:
    """The course of a program; None where it has no more than one instant."""
    samples = run.record.samples if run.record is not None else ()
    if len(samples) < 2:
        return None
    components = run.solution.model.kinematics.components
    kinematics = run.solution.model.kinematics
    chosen: dict[object, tuple[str, str]] = {}
    for sample in samples:
        for mean in sample.patches:
            root = mean.patch.root
            if root is not None:
                same = [p.patch.size for p in sample.patches if p.patch.root == root]
                if mean.patch.size < max(same):
                    continue
                chosen.setdefault(root, (_label(root.name, root, samples), f"{length_text(mean.patch.size)} µm"))
            else:
                name = mean.patch.name
                chosen.setdefault(name, (f"layer of {name}", f"{length_text(mean.patch.size)} µm thick"))
    keys = list(chosen)[: 2 * MOST]
    names = ("peel", "shear", "von_mises", "p", "creep", "work")
    curves, loops = [], []
    for key in keys:
        label = ", ".join(chosen[key])
        values = np.array([_values(sample, key, len(components)) for sample in samples])
        values = np.concatenate([0.0 * values[:1], values])  # free of stress at the start
        if isinstance(key, Root | Rim):
            curves.append(Curve(label, dict(zip(names, values[:, :6].T, strict=True))))
        stress, strain = values[:, 6 : 6 + len(components)], values[:, 6 + len(components) :]
        for k in (kinematics.normal, kinematics.shears[0]):
            loops.append(Loop(label, components[k], stress[:, k], strain[:, k]))
    if not chosen:  # no roots: the regions that flow
        for name in dict.fromkeys(n for s in samples for n, found in s.regions.items() if found.work > 0):
            flown = [s.regions.get(name) for s in samples]
            means = np.array([[np.nan] * 3 if f is None else [f.p, f.creep, f.work] for f in flown])
            means = np.concatenate([0.0 * means[:1], means])
            curves.append(Curve(f"{name}, volume mean", dict(zip(names[3:], means.T, strict=True))))
    ends = tuple((step.time, step.leg.name) for step in run.program)
    roots = [key for key in chosen if isinstance(key, Root | Rim)]
    return Course(
        np.array([0.0, *(s.time for s in samples)]),
        np.array([run.case.load.stress_free_temperature, *(s.temperature[1] for s in samples)]),
        np.array([samples[0].leg.cycle or 0, *(s.leg.cycle or 0 for s in samples)]),
        ends,
        tuple(curves[:MOST]),
        tuple(loops[: 2 * MOST]),
        max(len(roots) - MOST, 0),
    )


def _label(name: str, root: Root | Rim, samples: tuple[Sample, ...]) -> str:
    shared = {m.root.at for s in samples for m in s.roots if m.root.name == name}
    return f"{name} at ({root.at[0]:g}, {root.at[1]:g})" if len(shared) > 1 else name


def _values(sample: Sample, key: object, size: int) -> FloatArray:
    """Peel, shear, von Mises, p, creep, work, stress and strain of a root or layer at one time."""
    found = [
        (i, mean)
        for i, mean in enumerate(sample.patches)
        if key in (mean.patch.root or mean.patch.name, mean.patch.name)
    ]
    if not found:
        return np.full(6 + 2 * size, np.nan)
    i, mean = max(found, key=lambda one: one[1].patch.size)
    metrics = [sample.roots[i].values[k].value for k in ("peel", "shear", "von_mises")] if i < len(sample.roots) else []
    flown = mean.inelastic
    return np.array([*(metrics or [np.nan] * 3), flown.p, flown.creep, flown.work, *mean.stress, *mean.strain])


def maps_of(run: Run) -> Maps | None:
    """What flowed, to be drawn; None where nothing did or the body is not plane."""
    record = run.record
    if record is None or not record.frames or run.discretisation.solid is not None:
        return None
    last = (record.movie or record.frames)[-1]
    if not last.flown.any():
        return None
    cycle = last.leg.cycle
    if cycle is not None:
        earlier = [f for f in record.frames if f.leg.cycle != cycle and f.time < last.time]
        earlier = [f for f in earlier if f.leg.cycle in (None, cycle - 1)]
        since = f"in cycle {cycle}"
    else:
        earlier = [f for f in record.frames if f.leg.name != last.leg.name]
        since = f"in step {last.leg.name}"
    before = earlier[-1] if earlier and np.array_equal(earlier[-1].mesh.cells, last.mesh.cells) else None
    return Maps(
        _still(last),
        None if before is None else _still(before),
        since if before is not None else "since the start",
        tuple(map(_still, chosen_frames(record.movie))),
        run.discretisation.roots,
        ("r", "z") if run.case.model.kinematics == "axisymmetric" else ("x", "y"),
    )


def _still(frame: Frame) -> Still:
    hottest = float(np.max(frame.temperature))
    return Still(frame.leg.name, frame.time, hottest, frame.mesh, frame.stress, frame.flown)


def chosen_frames(frames: tuple[Frame, ...]) -> tuple[Frame, ...]:
    """At most FRAMES of them, evenly over time, the first and the last among them."""
    if len(frames) <= FRAMES:
        return frames
    times = np.array([frame.time for frame in frames])
    wanted = np.linspace(times[0], times[-1], FRAMES)
    return tuple(frames[i] for i in sorted({int(np.argmin(np.abs(times - t))) for t in wanted}))
