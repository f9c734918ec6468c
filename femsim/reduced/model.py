"""The reduced model of a study: its boxes, and what is known of its errors.

Two errors stand between a reduced average and the continuum's. The *reduction* error is against the full solution on
the same moved mesh; the *mesh* error is that of this mesh. Both are statistical: they were looked at on designs drawn
at random from the study's own points, and the k-th smallest of n such errors, k = ceil((n + 1) p), holds for a further
point drawn alike with probability p at least (split conformal prediction: Vovk, Gammerman and Shafer 2005, Algorithmic
Learning in a Random World; Lei et al. 2018, J. Am. Stat. Assoc. 113, 1094). It says nothing about a point chosen by
hand, or in the corner where the best designs lie: those are to be solved in full.

Peel and shear are those of consistent forces, as a solve reports them. Which share of the force at the root's node acts
under the conductor follows from the singular field; the reduced model has shares fitted to its snapshots, and how far
they are off counts as an error of the mesh, with which it falls.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.reduced.box import Box
from femsim.reduced.build import Built, Leaf, Problem, errors_of, levels_of, shared, truth_of
from femsim.reduced.crew import Crew
from femsim.reduced.forms import Forms

#: the part of further points for which a stated error holds
LEVEL = 0.95
#: designs that calibrate the reduction error, and those of them that calibrate the mesh error
CALIBRATE, OWN = 79, 39


@dataclass(frozen=True)
class Gap:
    """A part of the range without a box, and why: designs there are solved in full."""

    low: FloatArray
    high: FloatArray
    reason: str


@dataclass(frozen=True)
class Guarantee:
    """``factor``: reduction errors over those a box showed when it was built; ``mesh``: mesh errors over the von Mises
    average of their ring. Each holds for all averages the study asks for at a point with probability ``level``,
    from ``designs`` (``own`` of them on meshes of their own) drawn at random from ``law``. Models that have no mesh in
    common stand ``alone``: their reduction errors are against ordinary solves, whose estimates are the mesh errors.
    """

    factor: float
    mesh: float
    level: float
    designs: int
    own: int
    law: str
    alone: bool = False

    @property
    def words(self) -> str:
        """The guarantee in full."""
        if self.alone:
            return (
                f"of points drawn at random from {self.law}, at least {self.level:.0%} have all their reduced averages "
                f"within the stated reduction error of an ordinary solve on a mesh of the point's own ({self.designs} "
                f"solves), and the mesh error that such a solve estimates within the stated one; nothing is claimed "
                f"for points chosen otherwise"
            )
        return (
            f"of points drawn at random from {self.law}, at least {self.level:.0%} have all their reduced averages "
            f"within the stated reduction error of the full solution on the same mesh ({self.designs} solves), and "
            f"that mesh within the stated mesh error ({self.own} solves on meshes of their own, with their "
            f"estimates added); nothing is claimed for points chosen otherwise"
        )


@dataclass(frozen=True)
class Answers:
    """Averages (k, m) in MPa with their reduction and mesh errors, and the box (k,) of each design, -1 where there is
    none (its numbers are then not numbers).
    """

    values: FloatArray
    reduction: FloatArray
    mesh: FloatArray
    box: IntArray


@dataclass(frozen=True)
class Reduced:
    """Boxes with the errors (boxes, m) they showed, ``outputs`` by key, the forms of the parameters ``names``."""

    names: tuple[str, ...]
    outputs: tuple[str, ...]
    forms: Forms
    boxes: tuple[Box, ...]
    shown: FloatArray
    gaps: tuple[Gap, ...]
    tolerance: float
    guarantee: Guarantee | None = None

    def place(self, x: FloatArray) -> IntArray:
        """The box (k,) that holds each design (k, p); -1: none."""
        found = np.full(len(x), -1)
        for number, box in enumerate(self.boxes):
            slack = 1e-9 * (box.high - box.low)
            inside = np.all((x >= box.low - slack) & (x <= box.high + slack), axis=1)
            found[inside & (found < 0)] = number
        return found

    def at(self, x: FloatArray) -> Answers:
        """Averages of designs (k, p), a hundred thousand at once if so many are given."""
        place = self.place(x)
        count = len(self.outputs)
        values, scale = np.full((len(x), count), np.nan), np.full((len(x), count), np.nan)
        for number, box in enumerate(self.boxes):
            mine = np.flatnonzero(place == number)
            if len(mine):
                values[mine] = box.values(self.forms.at(x[mine]))
                scale[mine] = self.shown[number]
        level = levels_of(values)
        factor, mesh = (math.inf, math.inf) if self.guarantee is None else (self.guarantee.factor, self.guarantee.mesh)
        return Answers(values, factor * scale * level, mesh * level, place)


def assembled(problem: Problem, leaves: Sequence[Leaf], outputs: tuple[str, ...], tolerance: float) -> Reduced:
    """The model of a tree's leaves, not yet calibrated."""
    built = [leaf.built for leaf in leaves if leaf.built is not None]
    gaps = tuple(Gap(leaf.low, leaf.high, leaf.reason) for leaf in leaves if leaf.built is None)
    # one number a box: the worst of a dozen designs differs from average to average by chance alone
    worst = [max(float(b.aside.max()), 0.02 * tolerance) for b in built]
    shown = np.repeat(np.array(worst).reshape(-1, 1), len(outputs), axis=1)
    return Reduced(problem.names, outputs, problem.forms, tuple(b.box for b in built), shown, gaps, tolerance)


def smallest_covering(errors: FloatArray, level: float) -> float:
    """The k-th smallest of n errors, k = ceil((n + 1) level): what one more error of the same kind exceeds with
    probability 1 - level at most; infinite where n is too small for the level.
    """
    k = math.ceil((len(errors) + 1) * level - 1e-12)
    return math.inf if k > len(errors) else float(np.sort(errors)[k - 1])


def calibrated(
    model: Reduced, problem: Problem, designs: FloatArray, own: int, crew: Crew, law: str, wanted: Sequence[int]
) -> Reduced:
    """The model with its guarantee for the ``wanted`` averages, from full solves of ``designs`` (k, p) drawn at random
    from ``law``, the first ``own`` of them on meshes of their own, too.
    """
    chosen = list(wanted)
    place = model.place(designs)
    reduction, mesh = [], []
    for number, box in enumerate(model.boxes):
        mine = np.flatnonzero(place == number)
        if not len(mine):
            continue
        truth = truth_of(problem, box.low, box.high)
        quantities, snapshots = problem.forms.at(designs[mine]), crew.values(truth, list(designs[mine]))
        full = shared(box, quantities, snapshots)
        level = levels_of(full)
        missed = errors_of(box, quantities, snapshots)
        reduction += (missed / model.shown[number])[:, chosen].max(axis=1).tolist()
        first = np.flatnonzero(mine < own)
        if len(first):
            answers = np.array(crew.own(truth, list(designs[mine[first]])))
            off = np.abs(answers[:, 0] - full[first]) + np.abs(answers[:, 1])
            mesh += (off / level[first])[:, chosen].max(axis=1).tolist()
    guarantee = Guarantee(
        smallest_covering(np.array(reduction), LEVEL),
        smallest_covering(np.array(mesh), LEVEL),
        LEVEL,
        len(reduction),
        len(mesh),
        law,
    )
    return replace(model, guarantee=guarantee)


def outputs_of(problem: Problem, box: Box | Built) -> tuple[str, ...]:
    """Keys of the averages a box gives, in their order."""
    one = box.box if isinstance(box, Built) else box
    return truth_of(problem, one.low, one.high).outputs
