"""Reduced models at nodes of the parameters that move vertical lines, and polynomials between them.

Radii, pitches and widths do not scale strips, and 1 / r in the hoop strain makes them no sum of products. Averages are
smooth in them, though. So every such parameter is held at Chebyshev-Lobatto nodes z_j, each with meshes and boxes of
its own for all other parameters y, and

    J(z, y) = sum_j L_j(z) J_j(y),   L_j(z) = prod_(m != j) (z - z_m) / (z_j - z_m)

(Trefethen 2013, Approximation Theory and Approximation Practice, ch. 5 and 8: errors fall geometrically where J is
analytic). Nodes are nested, 3, 5, 9: more are taken until the last two polynomials agree. What is left is looked at on
ordinary solves of random designs, each on a mesh of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.errors import InputError
from femsim.builders.build import discretise
from femsim.builders.discretisation import Drawn
from femsim.cases.case import Case
from femsim.reduced.box import Box
from femsim.reduced.build import Problem, levels_of, problem_of, truth_of
from femsim.reduced.crew import CasesOf, Crew
from femsim.reduced.facts import facts_of, refuse
from femsim.reduced.model import LEVEL, Answers, Gap, Guarantee, Reduced, smallest_covering
from femsim.reduced.truth import Truth

#: nodes of a parameter, and how many models there may be
NODES, MODELS = (3, 5, 9), 25
#: designs at which two polynomials are compared, and the part of the tolerance by which they may differ
COMPARED, AGREED = 300, 0.3


@dataclass(frozen=True)
class Held:
    """Cases of some parameters of a study, the ``free`` ones; the others are as in ``held`` (p,)."""

    cases: CasesOf
    free: tuple[int, ...]
    held: FloatArray

    @property
    def keys(self) -> tuple[str, ...]:
        """Dotted keys of the free parameters."""
        return tuple(self.cases.keys[i] for i in self.free)

    def __call__(self, x: FloatArray) -> Case:
        """The case of free parameters (f,)."""
        whole = self.held.copy()
        whole[list(self.free)] = x
        return self.cases(whole)


@dataclass(frozen=True)
class Between:
    """Models, one for each node of the parameters ``across`` (``nodes`` of each, the last one runs fastest), over the
    other parameters; what two polynomials differed by, relative to the von Mises average of the ring.
    """

    names: tuple[str, ...]
    across: tuple[int, ...]
    nodes: tuple[FloatArray, ...]
    models: tuple[Reduced, ...]
    apart: float
    tolerance: float
    guarantee: Guarantee | None = None

    @property
    def outputs(self) -> tuple[str, ...]:
        """Averages by key."""
        return self.models[0].outputs

    @property
    def boxes(self) -> tuple[Box, ...]:
        """The boxes of all models."""
        return tuple(box for model in self.models for box in model.boxes)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """The gaps of all models."""
        return tuple(gap for model in self.models for gap in model.gaps)

    @property
    def shown(self) -> FloatArray:
        """Errors (boxes, m) that the boxes showed, with that of the polynomials."""
        rows = [model.shown + self.apart for model in self.models if len(model.boxes)]
        return np.concatenate(rows) if rows else np.zeros((0, len(self.outputs)))

    def place(self, x: FloatArray) -> IntArray:
        """0 where all models have a box for a design (k, p) and the nodes enclose it, else -1."""
        found = self._placed(x)
        for model in self.models:
            found[model.place(self._rest(x)) < 0] = -1
        return found

    def at(self, x: FloatArray) -> Answers:
        """Averages of designs (k, p)."""
        weights = np.ones((len(x), 1))
        for i, nodes in zip(self.across, self.nodes, strict=True):
            weights = (weights[:, :, None] * lagrange(nodes, x[:, i])[:, None, :]).reshape(len(x), -1)
        values, scale = np.zeros((2, len(x), len(self.outputs)))
        place, y = self._placed(x), self._rest(x)
        for weight, model in zip(weights.T, self.models, strict=True):
            found = model.at(y)
            values += weight[:, None] * found.values
            place[found.box < 0] = -1
            if len(model.shown):
                scale = np.maximum(scale, model.shown[np.maximum(found.box, 0)])
        values[place < 0] = np.nan
        level = levels_of(values)
        g = self.guarantee
        factor, mesh = (math.inf, math.inf) if g is None else (g.factor, g.mesh)
        return Answers(values, factor * (scale + self.apart) * level, mesh * level, place)

    def _rest(self, x: FloatArray) -> FloatArray:
        return np.delete(x, self.across, axis=1)

    def _placed(self, x: FloatArray) -> IntArray:
        found = np.zeros(len(x), dtype=np.int64)
        for i, nodes in zip(self.across, self.nodes, strict=True):
            slack = 1e-9 * (nodes[-1] - nodes[0])
            found[(x[:, i] < nodes[0] - slack) | (x[:, i] > nodes[-1] + slack)] = -1
        return found


def lagrange(nodes: FloatArray, z: FloatArray) -> FloatArray:
    """Lagrange polynomials (k, n) of n nodes at places (k,)."""
    found = np.ones((len(z), len(nodes)))
    for j, node in enumerate(nodes):
        for m, other in enumerate(nodes):
            if m != j:
                found[:, j] *= (z - other) / (node - other)
    return found


def nodes_of(low: float, high: float, count: int) -> FloatArray:
    """Chebyshev-Lobatto nodes between two ends."""
    return np.asarray(0.5 * (low + high) - 0.5 * (high - low) * np.cos(np.pi * np.arange(count) / (count - 1)))


def crossing(cases: CasesOf, low: FloatArray, high: FloatArray) -> tuple[int, ...]:
    """The parameters that move vertical lines. Raises InputError naming what has no reduced basis at all."""
    x0 = 0.5 * (low + high)
    middle = cases(x0)
    refuse(middle, cases.keys)
    drawn = discretise(middle)
    assert isinstance(drawn, Drawn)
    first, found = facts_of(middle, drawn), []
    for i in range(len(low)):
        for end in (low[i], high[i]):
            x = x0.copy()
            x[i] = end
            there = facts_of(cases(x), drawn)
            if there.shape == first.shape and not there.same_shape(first):
                found.append(i)
                break
    return tuple(found)


def between(
    cases: CasesOf,
    low: FloatArray,
    high: FloatArray,
    across: Sequence[int],
    tolerance: float,
    make: Callable[[Problem, str], Reduced],
    say: Callable[[str], None],
) -> Between:
    """Models between ``low`` and ``high`` (p,) that ``make`` gives for a problem and a word for its node. Raises
    InputError where too many parameters move vertical lines, or no other one is there.
    """
    free = tuple(i for i in range(len(low)) if i not in across)
    names = ", ".join(cases.keys[i] for i in across)
    if not free or NODES[1] ** len(across) > MODELS:
        why = "and nothing else varies" if not free else f"more than {int(math.log(MODELS, NODES[1]))} of them"
        raise InputError(f"reduced: {names}: move vertical lines, {why}; sweep in full")
    known: dict[tuple[float, ...], Reduced] = {}
    x0, rest = 0.5 * (low + high), list(free)
    rng = np.random.default_rng(17)
    designs = low + (high - low) * rng.random((COMPARED, len(low)))
    before: FloatArray | None = None
    best: Between | None = None
    for count in NODES:
        nodes = tuple(nodes_of(low[i], high[i], count) for i in across)
        places = list(product(*(n.tolist() for n in nodes)))
        if len(places) > MODELS:
            break
        for number, place in enumerate(places):
            key = tuple(round(float(v), 9) for v in place)
            if key not in known:
                say(f"{names}: node {number + 1} of {len(places)}")
                x = x0.copy()
                x[list(across)] = place
                held = Held(cases, free, x)
                known[key] = make(problem_of(held, low[rest], high[rest]), "-".join(f"{v:.9g}" for v in key))
        models = tuple(known[tuple(round(float(v), 9) for v in place)] for place in places)
        if any(model.outputs != models[0].outputs for model in models):
            raise InputError(f"reduced: {names}: the averages change within the ranges; narrow them")
        best = Between(cases.keys, tuple(across), nodes, models, math.inf, tolerance)
        values = best.at(designs).values
        if before is not None:
            gap = np.abs(values - before) / levels_of(values)
            # designs without a box are solved in full
            apart = float(np.nanmax(gap)) if np.any(np.isfinite(gap)) else 0.0
            best = replace(best, apart=apart)
            if apart <= AGREED * tolerance:
                return best
        before = values
    assert best is not None
    return best


def calibrated_between(
    model: Between,
    cases: CasesOf,
    truth: Truth,
    designs: FloatArray,
    crew: Crew,
    law: str,
    wanted: Sequence[int],
) -> Between:
    """The model with its guarantee for the ``wanted`` averages from ordinary solves of ``designs`` (k, p) drawn at
    random from ``law``; ``truth`` is one of a node.
    """
    chosen = list(wanted)
    answers = np.array(crew.own(Truth(cases, truth.drawn, truth.strips, truth.kept), list(designs)))
    found = replace(model, guarantee=Guarantee(1.0, 0.0, LEVEL, len(designs), len(designs), law)).at(designs)
    level = levels_of(answers[:, 0])
    off = np.abs(found.values - answers[:, 0])
    # the stated error is factor times what was shown, of the model's own level
    reduction = (off / found.reduction)[:, chosen].max(axis=1)
    mesh = (np.abs(answers[:, 1]) / level)[:, chosen].max(axis=1)
    guarantee = Guarantee(
        smallest_covering(reduction, LEVEL),
        smallest_covering(mesh, LEVEL),
        LEVEL,
        len(designs),
        len(designs),
        law,
        True,
    )
    return replace(model, guarantee=guarantee)


def truth_at(problem: Problem) -> Truth:
    """The full model in the middle of a node's problem."""
    middle = 0.5 * (problem.low + problem.high)
    return truth_of(problem, middle, middle)
