"""What is kept of a program on the way: averages at every increment, fields at chosen instants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from femsim.base.arrays import FloatArray
from femsim.builders.program import Leg
from femsim.cases.steps import CycleSpec
from femsim.measures.averages import Averages, RootMetrics, root_metrics
from femsim.measures.inelastic import Flow, Inelastic, region_means
from femsim.measures.patches import PatchMean
from femsim.measures.stress import nodal_stress
from femsim.meshes.elements import extrapolation, gauss_points
from femsim.meshes.mesh import Mesh
from femsim.models.fields import PointField
from femsim.models.kinematics import Kinematics
from femsim.models.sampling import sample
from femsim.solvers.moments import Stage

Single = npt.NDArray[np.float32]

#: programs of at most so many reported steps keep the fields of all; longer ones those of the first and last cycle
FEW = 40
#: instants between steps that are kept for the moving picture
MOVIE = 24


@dataclass(frozen=True)
class Sample:
    """Averages at one time (s): temperature (degC, smallest and largest), the metrics of the roots that are there, the
    means over their rings and over layers, and those of regions.
    """

    leg: Leg
    time: float
    temperature: tuple[float, float]
    roots: tuple[RootMetrics, ...]
    patches: tuple[PatchMean, ...]
    regions: dict[str, Inelastic]


@dataclass(frozen=True)
class Frame:
    """Fields at one time on the part that is there: displacement (N, 2 or 3) in um, ``stress`` (E, n, size) in MPa and
    ``flown`` (E, n, 3: p, creep, work) at each cell's own nodes, temperature in degC, a number, (N,) or where it jumps
    (E, n).

    What flowed is extrapolated from the points; where that gives less than nothing it is nothing.
    """

    leg: Leg
    time: float
    mesh: Mesh = field(repr=False)
    kinematics: Kinematics = field(repr=False)
    displacement: Single = field(repr=False)
    stress: Single = field(repr=False)
    flown: Single = field(repr=False)
    temperature: float | FloatArray = field(repr=False)


@dataclass(frozen=True)
class Record:
    """All that was kept: samples in order of time, frames at the ends of steps, and those of the moving picture (of the
    last cycle, or of all steps where there is none).
    """

    samples: tuple[Sample, ...] = ()
    frames: tuple[Frame, ...] = ()
    movie: tuple[Frame, ...] = ()


def sample_of(
    leg: Leg, stage: Stage, flow: Flow, averages: Sequence[Averages], patches: tuple[PatchMean, ...]
) -> Sample:
    """The averages of a moment."""
    t = np.asarray(stage.moment.conditions.temperature, dtype=float)
    return Sample(
        leg,
        stage.moment.time,
        (float(t.min()), float(t.max())),
        tuple(root_metrics(flow.field, average) for average in averages),
        patches,
        region_means(flow),
    )


def frame_of(leg: Leg, stage: Stage, flow: Flow) -> Frame:
    """The fields of a moment, in single precision."""
    space, mesh = flow.space, flow.space.mesh
    u = flow.field.unknowns[: space.nodal].reshape(-1, space.width)
    reduced, _ = gauss_points(mesh.element, mesh.info.reduced)
    kept = PointField(space, flow.field.unknowns, flow.values, flow.field.energy)
    at = kept.stress(sample(space, np.arange(len(mesh.cells)), reduced))
    flown = np.maximum(np.matmul(extrapolation(mesh.element)[None], at), 0.0)
    temperature = stage.part.field(stage.moment.conditions.temperature)
    stress = nodal_stress(flow.field).astype(np.float32)
    kinematics = space.kinematics
    return Frame(
        leg, stage.moment.time, mesh, kinematics, u.astype(np.float32), stress, flown.astype(np.float32), temperature
    )


class Keeper:
    """Collects a :class:`Record`: it is shown every increment and every end of a step, and says which fields it keeps.

    ``fields`` says whether any field is to be kept.
    """

    def __init__(self, legs: Sequence[Leg], cycle: CycleSpec | None, fields: bool) -> None:
        self._cycle, self._fields = cycle, fields
        last = cycle.count if cycle is not None else 0
        chosen = cycle.fields if cycle is not None else None
        self._cycles = set(chosen) if chosen is not None else {1, last} if len(legs) > FEW else set(range(1, last + 1))
        self._samples: list[Sample] = []
        self._frames: list[Frame] = []
        self._movie: list[tuple[int, Frame]] = []
        self._stride, self._count = 1, 0

    def wants_frame(self, leg: Leg) -> bool:
        """Whether the fields at the end of a step are kept."""
        return self._fields and (leg.cycle is None or leg.cycle in self._cycles or self._moving(leg))

    def wants_instant(self, leg: Leg) -> bool:
        """Whether the fields of the next increment are kept for the moving picture; counts the increment."""
        if not self._fields or not self._moving(leg):
            return False
        self._count += 1
        return self._count % self._stride == 0

    def _moving(self, leg: Leg) -> bool:
        return self._cycle is None or leg.cycle == self._cycle.count

    def add(self, found: Sample, frame: Frame | None, end: bool) -> None:
        """Take in a sample and, where there is one, the fields; ``end`` of a step or an increment on the way."""
        before = self._samples[-1] if self._samples else None
        if before is not None and before.time == found.time and before.leg == found.leg:
            self._samples[-1] = found
        else:
            self._samples.append(found)
        if frame is None:
            return
        if end:
            self._frames.append(frame)
            return
        self._movie.append((self._count, frame))
        if len(self._movie) > MOVIE:
            self._stride *= 2
            self._movie = [one for one in self._movie if one[0] % self._stride == 0]

    def take_back(self, cycle: int) -> None:
        """Forget what came behind the end of a cycle."""

        def stays(one: Sample | Frame) -> bool:
            return (one.leg.cycle or 0) <= cycle

        self._samples = list(filter(stays, self._samples))
        self._frames = list(filter(stays, self._frames))
        self._movie = [one for one in self._movie if stays(one[1])]

    @property
    def record(self) -> Record:
        """What was kept."""
        between = [frame for _, frame in self._movie]
        ends = [frame for frame in self._frames if self._moving(frame.leg)]
        there = {frame.time for frame in ends}
        movie = sorted([*ends, *(f for f in between if f.time not in there)], key=lambda frame: frame.time)
        kept = [f for f in self._frames if f.leg.cycle is None or f.leg.cycle in self._cycles]
        return Record(tuple(self._samples), tuple(kept), tuple(movie))
