"""The fixed columns of a box's residuals: with numbers of the design in front, they sum to what the basis misses.

Pieces of loads and stiffness are found by asking the model itself at as many designs as there are pieces; another
design checks them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.linalg as sl
import scipy.sparse as sp

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.errors import NumericsError
from femsim.models.assembly import thermal_force
from femsim.models.kinematics import KINEMATICS
from femsim.models.model import Model
from femsim.models.space import Space
from femsim.reduced.basis import energy
from femsim.reduced.box import Box
from femsim.reduced.build import Problem, spread
from femsim.reduced.operators import Matter
from femsim.reduced.outputs import rings_of
from femsim.reduced.slanted import Slant, slant_of
from femsim.reduced.truth import Truth

#: designs among which those are chosen that give the affine pieces
TRIED = 200
#: an affine piece may be off by this part
EXACT = 1.0e-8


@dataclass(frozen=True)
class Goal:
    """A functional's columns of the residual: the place of the first, and which entries (t, 3) of D (region, a, b) they
    go with.
    """

    first: int
    entries: IntArray


@dataclass(frozen=True)
class Columns:
    """The columns (n, m) of a box's residuals over the unknowns: loads, stiffness pieces times the basis, goals, and
    the directions of the linearised von Mises averages.
    """

    values: FloatArray
    goals: tuple[Goal, ...]
    slants: tuple[Slant, ...]


def spread_of(space: Space) -> sp.csr_matrix:
    """The map (ndof, n) from unknowns to degrees of freedom."""
    equation = space.constraints.equation
    free = np.flatnonzero(equation >= 0)
    found = sp.csr_matrix((np.ones(len(free)), (free, equation[free])), shape=(space.ndof, space.constraints.count))
    links = space.constraints.links
    if len(links.dof):
        found = found + sp.csr_matrix((links.coefficient, (links.dof, links.equation)), shape=found.shape)
    return sp.csr_matrix(found)


def columns_of(problem: Problem, truth: Truth, box: Box, fields: FloatArray, seed: int = 0) -> Columns:
    """The columns of a box whose basis is ``fields`` (ndof, n). Raises NumericsError where they are no sum of few
    pieces.
    """
    kept = box.operators.coefficients
    designs = spread(problem, box.low, box.high, np.random.default_rng(seed + 2).random((TRIED, len(box.low))))
    matter = Matter(box.names, box.strips, KINEMATICS[box.kinematics], box.groups, problem.forms.at(designs))
    models: dict[int, Model] = {}
    over = spread_of(truth.model(truth.drawn.case).space)  # type: ignore[arg-type]

    def model_of(design: int) -> Model:
        if design not in models:
            models[design] = truth.model(problem.cases(designs[design]))
        return models[design]

    def gathered(field: FloatArray) -> FloatArray:
        return np.asarray(over.T @ field)

    loads = affine(matter.load_numbers(kept.load), lambda k: gathered(thermal_force(model_of(k))))
    stiff = affine(matter.stiffness_numbers(kept.stiffness), lambda k: gathered(energy(model_of(k)) @ fields))
    found = [*(load[:, None] for load in loads), *stiff]
    goals, at = [], sum(c.shape[1] for c in found)
    for average, split, pair in zip(truth.averages, truth.splits, box.rows, strict=True):
        for c, row in ((1, pair[0]), (0, pair[1])):
            if row.forces:
                assert split is not None
                functionals = [split.rest[c], *split.far]
            else:
                functionals = [average.peel if c else average.shear]
            for functional, work in zip(functionals, (row.rest, *row.forces), strict=True):
                region, a, b = work.entries.T
                chosen, pieces = _pivoted(
                    matter.stiffness[:, region, a, b],
                    lambda k, f=functional: gathered(f.derivative(model_of(k))),  # type: ignore[misc]
                )
                goals.append(Goal(at, work.entries[chosen]))
                found += [piece[:, None] for piece in pieces]
                at += len(pieces)
    slants = []
    model = truth.model(truth.drawn.case)  # type: ignore[arg-type]
    solutions = box.solve(matter)
    for average, whole, thin in zip(
        truth.averages, rings_of(model.space, truth.averages, fields), box.rings, strict=True
    ):
        slant, derivatives = slant_of(average, whole, thin, matter, solutions, model, at)
        slants.append(slant)
        found += [gathered(one)[:, None] for one in derivatives]
        at += slant.count
    return Columns(np.concatenate(found, axis=1), tuple(goals), tuple(slants))


def _pivoted(numbers: FloatArray, ask: Callable[[int], FloatArray]) -> tuple[IntArray, list[FloatArray]]:
    """Those numbers (k, q) of which the others are multiples or sums, and what goes with them."""
    scale = np.abs(numbers).max(axis=0)
    live = np.flatnonzero(scale > 0.0)
    _, r, order = sl.qr(numbers[:, live] / scale[live], mode="economic", pivoting=True)
    size = np.abs(np.diag(r))
    chosen = live[order[: int(np.sum(size > 1e-10 * size[0]))]]
    return np.asarray(chosen), affine(numbers[:, chosen], ask)


def affine(numbers: FloatArray, ask: Callable[[int], FloatArray]) -> list[FloatArray]:
    """Pieces p with  ask(k) = sum_q numbers[k, q] p_q, from so many designs k; another one checks them."""
    scale = np.abs(numbers).max(axis=0)
    scaled = numbers / scale
    _, _, order = sl.qr(scaled.T, mode="economic", pivoting=True)
    count = numbers.shape[1]
    rows, other = order[:count], int(order[count])
    values = [ask(int(k)) for k in rows]
    mix = np.linalg.inv(scaled[rows]) / scale[:, None]
    stack = np.array(values)
    pieces = [np.asarray(np.tensordot(row, stack, axes=1)) for row in mix]
    seen = ask(other)
    missed = seen - np.tensordot(numbers[other], np.array(pieces), axes=1)
    if not np.linalg.norm(missed) <= EXACT * np.linalg.norm(seen):
        raise NumericsError("reduced: the stiffness is no sum of few pieces; no rigorous bound")
    return pieces
