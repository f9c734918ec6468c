"""Building the boxes of a study: solve, reduce, look how good it is, split where it is not good enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.errors import InputError
from femsim.builders.build import discretise
from femsim.builders.discretisation import Drawn
from femsim.meshes.layout import Root, paint
from femsim.models.kinematics import KINEMATICS
from femsim.models.space import Space
from femsim.reduced.basis import Span, chosen, energy, span_of
from femsim.reduced.box import Box
from femsim.reduced.crew import CasesOf, Crew
from femsim.reduced.facts import Facts, Names, facts_of, refuse
from femsim.reduced.forms import POINTS, Forms, fit
from femsim.reduced.operators import Matter, Sums, compress, sums_of
from femsim.reduced.outputs import (
    Features,
    Line,
    Ring,
    Row,
    cubature,
    features_of,
    levels,
    lines_of,
    rings_of,
    shares,
    work_of,
)
from femsim.reduced.strips import DoesNotFitError
from femsim.reduced.truth import Looked, Snapshot, Truth, reference

#: snapshots of a box, and how many of them are kept aside to look at its error
SNAPSHOTS, ASIDE = 52, 12
#: parts of the snapshots that are spread evenly, and that are then solved where a small and a large basis of those so
#: far differ most, and of how many designs these are the worst
EVEN, WORST, LOOKED_AT = 0.6, (0.2, 0.2), 1500
#: numbers of primal and dual modes that are tried, smallest first
SIZES = ((6, 4), (10, 6), (14, 9), (17, 11), (20, 12), (25, 15), (30, 20), (38, 28))
#: a design's time goes with the cube of the modes: while there are fewer than SOME boxes, one that needs more is cut
QUICK, SOME = 40, 4
#: what no basis of few modes holds: a height or modulus that changes by more is cut at once, into SOME boxes at most
WIDE = 4.0
#: directions in which a box looks for its basis
SPAN = 90
#: what is left aside must be reduced to this part of the tolerance
MARGIN = 0.5
#: designs from which the points of a ring and the pieces are chosen
DRAWN = 400
#: a box is not split where the ends of all heights and moduli are nearer than this ratio
NARROW = 1.15


@dataclass(frozen=True)
class Problem:
    """A study's parameters: their ``names``, the cases, the range (p,) of each, their forms, and the facts of the
    middle case; the averages ``wanted`` by name or key, all where none is named, and the keys of the
    ``outputs`` that every box must have, if known.
    """

    names: tuple[str, ...]
    cases: CasesOf
    low: FloatArray
    high: FloatArray
    forms: Forms
    facts: Facts
    wanted: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()

    @property
    def geometric(self) -> list[int]:
        """Parameters that move a height."""
        return self._moving(np.arange(self.facts.names.heights))

    @property
    def stiff(self) -> list[int]:
        """Parameters that move the stiffness: a height or a modulus."""
        names = self.facts.names
        moduli = [np.arange(self.forms.slope.shape[1])[names.columns(r)[0]] for r in range(len(names.regions))]
        return self._moving(np.concatenate([np.arange(names.heights), *moduli]))

    def _moving(self, columns: IntArray) -> list[int]:
        forms = self.forms
        pairs = {i for at, pair in enumerate(forms.pairs) if np.any(forms.product[at, columns]) for i in pair}
        curved = {
            i
            for at, i in enumerate(forms.curved)
            if np.any(forms.curves[at][:, columns]) or (len(forms.by) and np.any(forms.by[at, columns] >= 0))
        }
        return [i for i in range(len(self.low)) if i in pairs | curved or np.any(forms.slope[i, columns])]

    def alike(self, x: FloatArray) -> list[FloatArray]:
        """Designs of the same body as ``x`` (p,) under other free strains: each parameter that moves these alone is at
        its farther end in one.
        """
        found = []
        for i in sorted(set(range(len(x))) - set(self.stiff)):
            other = x.copy()
            other[i] = self.low[i] if x[i] > 0.5 * (self.low[i] + self.high[i]) else self.high[i]
            found.append(other)
        return found


@dataclass(frozen=True)
class Built:
    """A box with its errors (m,) on the designs kept aside, relative to the von Mises average of the same ring; the box
    of the most modes with these ``fields`` (ndof, n), for rigorous bounds.
    """

    box: Box
    aside: FloatArray
    wide: Box
    fields: FloatArray


def problem_of(cases: CasesOf, low: FloatArray, high: FloatArray, points: int = POINTS) -> Problem:
    """The parameters of a study between ``low`` and ``high``; curves are kept at ``points``. Raises InputError
    naming what cannot be reduced.
    """
    middle = cases(0.5 * (low + high))
    refuse(middle, cases.keys)
    drawn = discretise(middle)
    assert isinstance(drawn, Drawn)
    first = facts_of(middle, drawn)

    def ask(x: FloatArray) -> FloatArray:
        found = facts_of(cases(x), drawn)
        if not found.same_shape(first):
            raise InputError(_changes(first, found))
        return found.values

    forms = fit(ask, low, high, cases.keys, first.names.heights, points)
    return Problem(cases.keys, cases, low, high, forms, first)


def _changes(first: Facts, found: Facts) -> str:
    if found.shape == first.shape:
        return (
            "reduced: geometry: the parameters move vertical lines (radii, widths), which strips of scaled height do "
            "not follow; sweep in full"
        )
    return (
        "reduced: geometry: layers change their order or vanish within the ranges; narrow the ranges, or sweep in full"
    )


def spread(problem: Problem, low: FloatArray, high: FloatArray, unit: FloatArray) -> FloatArray:
    """Designs (k, p) for points of the unit cube: by ratio where a parameter moves the stiffness, else evenly."""
    x = low + (high - low) * unit
    for i in problem.stiff:
        if low[i] > 0:
            x[:, i] = low[i] * (high[i] / low[i]) ** unit[:, i]
    return x


def middle(problem: Problem, low: FloatArray, high: FloatArray) -> FloatArray:
    """The design (p,) in the middle of a box."""
    return np.asarray(spread(problem, low, high, np.full((1, len(low)), 0.5))[0])


def halves(
    problem: Problem, low: FloatArray, high: FloatArray, least: float = NARROW
) -> list[tuple[FloatArray, FloatArray]] | None:
    """A box cut where a height or a modulus changes most; None where none changes much, by less than ``least``."""
    ratios = {i: high[i] / low[i] for i in problem.stiff if low[i] > 0}
    widest = max(ratios, key=lambda i: ratios[i], default=None)
    if widest is None or ratios[widest] < least:
        return None
    cut = middle(problem, low, high)[widest]
    left, right = high.copy(), low.copy()
    left[widest] = right[widest] = cut
    return [(low, left), (right, high)]


def truth_of(problem: Problem, low: FloatArray, high: FloatArray) -> Truth:
    """The full model of a box. Raises DoesNotFitError where one mesh does not serve it."""
    least, most = problem.forms.bounds(low, high, range(problem.facts.names.heights))
    if np.any(least <= 0.0):
        raise DoesNotFitError("reduced: a layer vanishes")
    drawn, strips = reference(problem.cases(middle(problem, low, high)), least, most)
    return Truth(problem.cases, drawn, strips, problem.wanted)


def build_box(
    problem: Problem,
    low: FloatArray,
    high: FloatArray,
    tolerance: float,
    crew: Crew,
    seed: int = 0,
    last: bool = False,
    most: int = sum(SIZES[-1]),
) -> Built | None:
    """The smallest basis of a box that meets a relative tolerance on designs kept aside; None where none of ``most``
    modes does, unless it is the ``last`` resort.
    """
    from scipy.stats import qmc

    truth = truth_of(problem, low, high)
    if problem.outputs and truth.outputs != problem.outputs:
        # as where a conductor grows thinner than an averaging length
        raise DoesNotFitError("reduced: the averages are others than in the middle of the ranges")
    unit = qmc.Sobol(len(low), rng=np.random.default_rng(seed)).random(64)[:SNAPSHOTS]
    designs = spread(problem, low, high, unit)
    aside = crew.values(truth, list(designs[-ASIDE:]))
    quantities = problem.forms.at(designs)[-ASIDE:]
    count = len(designs) - ASIDE
    solved, kept = list[FloatArray](), list[Snapshot]()
    fresh = list(designs[: round(EVEN * count)])
    for part in (*WORST, 0.0):
        kept += crew.snapshots(truth, fresh, [problem.alike(x) for x in fresh])
        solved += fresh
        pieces = pieces_of(problem, truth, low, high, kept, solved, seed)
        if part > 0.0:
            fresh = _worst(problem, truth, low, high, pieces, round(part * count), seed + len(solved))
    for size in (size for size in SIZES if last or sum(size) <= most):
        box = reduced(problem, truth, low, high, pieces, size)
        if np.all(errors_of(box, quantities, aside) <= MARGIN * tolerance):
            break
    else:
        if not last:
            return None
    box = thinned(problem, box, pieces, 0.2 * MARGIN * tolerance)
    wide = thinned(problem, reduced(problem, truth, low, high, pieces, SIZES[-1]), pieces, 0.2 * MARGIN * tolerance)
    fields = pieces.span.modes @ chosen(pieces.span, *SIZES[-1])
    return Built(box, errors_of(box, quantities, aside).max(axis=0), wide, fields)


def _worst(
    problem: Problem, truth: Truth, low: FloatArray, high: FloatArray, pieces: Pieces, count: int, seed: int
) -> list[FloatArray]:
    """Designs at which a small and a large basis differ most, one of each of ``count`` lots drawn at random; a third
    of all parameters are at their ends, where extrapolation is worst.
    """
    unit = np.clip(0.5 + 1.5 * (np.random.default_rng(seed).random((LOOKED_AT, len(low))) - 0.5), 0.0, 1.0)
    designs = spread(problem, low, high, unit)
    quantities = problem.forms.at(designs)
    small, large = (
        reduced(problem, truth, low, high, pieces, size).values(quantities) for size in (SIZES[5], SIZES[-1])
    )
    gap = (np.abs(small - large) / np.maximum(levels_of(large), 1e-300)).max(axis=1)
    lots = np.array_split(np.arange(len(designs)), count)
    return [designs[lot[np.argmax(gap[lot])]] for lot in lots if len(lot)]


def errors_of(box: Box, quantities: FloatArray, snapshots: Sequence[Snapshot]) -> FloatArray:
    """Differences (k, m) of a box's averages to those of full solutions, relative to the von Mises average of the same
    ring; the box's own shares of the forces at the roots count in both.
    """
    true = shared(box, quantities, snapshots)
    return np.asarray(np.abs(box.values(quantities) - true) / levels_of(true))


def shared(box: Box, quantities: FloatArray, snapshots: Sequence[Snapshot]) -> FloatArray:
    """Averages (k, m) of full solutions with a box's shares of the forces at the roots. What differs from a solution's
    own shares is no matter of the basis: it counts as an error of the mesh, which it falls with.
    """
    found = np.array([s.values for s in snapshots])
    features = box.features.at(quantities)
    for k, (peel, shear) in enumerate(box.rows):
        for column, c, row in ((3 * k, 1, peel), (3 * k + 1, 0, shear)):
            if row.forces:
                root = np.array([s.root[k, c] for s in snapshots])
                forces = np.array([s.forces[k] for s in snapshots])
                moved = np.einsum("kf,fn,kn->k", features, row.mix, forces) - root
                found[:, column] += np.nan_to_num(moved)
    return found


def levels_of(values: FloatArray) -> FloatArray:
    """For each average (k, m) the von Mises average of its ring: what errors are measured by."""
    return np.repeat(np.abs(values[:, 2::3]), 3, axis=1)


@dataclass(frozen=True)
class Pieces:
    """What all bases of a box share: a span of its snapshots, projected sums and outputs over it, and the quantities
    (k, m) of designs that say which pieces count.
    """

    span: Span
    sums: Sums
    rows: tuple[tuple[Row, Row], ...]
    rings: tuple[Ring, ...]
    features: Features
    quantities: FloatArray
    lines: tuple[Line, ...] = ()


def pieces_of(
    problem: Problem,
    truth: Truth,
    low: FloatArray,
    high: FloatArray,
    snapshots: Sequence[Snapshot],
    designs: Sequence[FloatArray] | FloatArray,
    seed: int,
) -> Pieces:
    """The pieces of a box from snapshots of some designs."""
    model = truth.model(truth.drawn.case)  # type: ignore[arg-type]
    span = span_of(snapshots, energy(model), SPAN)
    _, lines, _ = paint(truth.drawn.layout)
    sums = sums_of(model.space, truth.strips.of_cells(truth.drawn.mesh, lines), span.modes)
    random = spread(problem, low, high, np.random.default_rng(seed + 1).random((DRAWN, len(low))))
    drawn = problem.forms.at(random)
    features, rings = features_of(drawn), rings_of(model.space, truth.averages, span.modes)
    numbers = features.at(problem.forms.at(np.array(designs)))
    rows = rows_of(truth, model.space, problem.facts.names, span.modes, snapshots, numbers)
    roots = dict.fromkeys(a.root for a in truth.averages if isinstance(a.root, Root))
    under = lines_of(model.space, tuple(roots), span.modes)
    return Pieces(span, sums, rows, tuple(rings), features, drawn, tuple(under))


def rows_of(
    truth: Truth,
    space: Space,
    names: Names,
    modes: FloatArray,
    snapshots: Sequence[Snapshot | Looked],
    features: FloatArray,
) -> tuple[tuple[Row, Row], ...]:
    """Peel and shear of each average over the modes, from consistent forces with shares fitted to snapshots with
    features (k, f); where those have no singular field, extrapolated from the conductor as their solves do.
    """
    found = []
    for k, (a, split) in enumerate(zip(truth.averages, truth.splits, strict=True)):
        root, forces = (np.array([getattr(s, key)[k] for s in snapshots]) for key in ("root", "forces"))
        known = np.isfinite(root).all(axis=1)
        if split is None or 2 * known.sum() < len(known):
            plain = (work_of(space, names, goal, modes) for goal in (a.peel, a.shear))
            peel, shear = (Row(work, (), np.zeros((features.shape[1], 0))) for work in plain)
        else:
            shear, peel = (
                Row(
                    work_of(space, names, split.rest[c], modes),
                    tuple(work_of(space, names, goal, modes) for goal in split.far),
                    shares(features[known], forces[known], root[known, c]),
                )
                for c in (0, 1)
            )
        found.append((peel, shear))
    return tuple(found)


def reduced(
    problem: Problem, truth: Truth, low: FloatArray, high: FloatArray, pieces: Pieces, size: tuple[int, int]
) -> Box:
    """The box of so many primal and dual modes, with its rings in full."""
    basis = chosen(pieces.span, *size)
    sums = pieces.sums.within(basis)
    kinematics = KINEMATICS[truth.drawn.case.model.kinematics]
    matter = Matter(problem.facts.names, truth.strips, kinematics, sums.groups, pieces.quantities)
    return Box(
        low,
        high,
        problem.facts.names,
        kinematics.name,
        truth.strips,
        sums.groups,
        compress(sums, matter),
        tuple((peel.within(basis), shear.within(basis)) for peel, shear in pieces.rows),
        tuple(ring.within(basis) for ring in pieces.rings),
        pieces.features,
        tuple(line.within(basis) for line in pieces.lines),
    )


def thinned(problem: Problem, box: Box, pieces: Pieces, tolerance: float) -> Box:
    """The box with its rings by few points, as good as a relative tolerance asks for."""
    matter = box.matter(pieces.quantities)
    solutions = box.solve(matter)
    rings = []
    for ring in box.rings:
        values = levels(ring, matter.stiffness[:, ring.region], matter.free[:, ring.region], solutions)
        rings.append(cubature(ring, values, tolerance))
    return replace(box, rings=tuple(rings))


#: what remembers a box (or that there is none) between its ends, or makes it
Keep: TypeAlias = Callable[[FloatArray, FloatArray, Callable[[], Built | None]], Built | None]


@dataclass(frozen=True)
class Leaf:
    """A box of the tree, or the reason why there is none: its designs are solved in full."""

    low: FloatArray
    high: FloatArray
    built: Built | None
    reason: str = ""


def first_boxes(problem: Problem) -> list[tuple[FloatArray, FloatArray]]:
    """The range cut where a height or modulus changes by more than a basis of few modes holds."""
    found = [(problem.low, problem.high)]
    while True:
        cuts = [halves(problem, *box, WIDE) or [box] for box in found]
        if sum(map(len, cuts)) == len(found) or sum(map(len, cuts)) > SOME:
            return found
        found = [part for parts in cuts for part in parts]


def grow(
    problem: Problem,
    tolerance: float,
    crew: Crew,
    say: Callable[[str], None],
    most: int = 64,
    keep: Keep | None = None,
) -> list[Leaf]:
    """Boxes that fill the range of the parameters, each good enough on designs of its own; ``most`` of them."""
    waiting, leaves = first_boxes(problem), list[Leaf]()
    count = 0
    while waiting:
        low, high = waiting.pop(0)
        count += 1
        parts = halves(problem, low, high)
        # a box that cannot be cut takes the best basis there is; its errors tell
        last = parts is None or len(leaves) + len(waiting) + 2 > most
        modes = QUICK if len(leaves) + len(waiting) + 2 <= SOME else sum(SIZES[-1])
        say(f"box {count}, {len(leaves)} done, {len(waiting)} waiting")

        def make(
            low: FloatArray = low,
            high: FloatArray = high,
            last: bool = last,
            seed: int = count,
            modes: int = modes,
        ) -> Built | None:
            return build_box(problem, low, high, tolerance, crew, seed, last, modes)

        try:
            built = make() if keep is None else keep(low, high, make)
        except DoesNotFitError as error:
            if last or parts is None:
                leaves.append(Leaf(low, high, None, str(error)))
            else:
                waiting += parts
            continue
        if built is None and parts is not None:
            waiting += parts
        else:
            leaves.append(Leaf(low, high, built))
    return leaves
