"""The full model that a reduced one stands for: the reference mesh of a box, moved onto each design's layers.

Its solutions are the snapshots a basis is made of, and what the basis is measured against. It is not the continuum: a
mesh stretched to the end of a box is worse than one made for the design, and that is an error of its own.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.base.errors import FemsimWarning
from femsim.builders.build import averaging_lengths, build_model, discretise, resolve_materials
from femsim.builders.discretisation import Drawn
from femsim.cases.case import Case
from femsim.cases.parts import MeshSpec
from femsim.measures.averages import KINDS, Averages, averages
from femsim.measures.consistent import Split, forces_at
from femsim.measures.corner.intensity import root_fields, share_at
from femsim.meshes.grid import Grading, grid_lines
from femsim.meshes.layout import Root, paint
from femsim.models.assembly import thermal_force
from femsim.models.fields import ElasticField
from femsim.models.model import Model
from femsim.reduced.facts import layout_of
from femsim.reduced.strips import Strips, cut, moved, strips_of
from femsim.runs.names import Named, named
from femsim.runs.rows import evaluate
from femsim.solvers.pattern import Pattern
from femsim.solvers.solve import Solution, solve

#: the case of parameters (p,)
CaseOf = Callable[[FloatArray], Case]


@dataclass(frozen=True)
class Snapshot:
    """A solved design: displacement (ndof,), averages (m,) in MPa, and the dual solutions (ndof, m) of the averages;
    ``root`` and ``forces`` as in :class:`Looked`; ``others`` (ndof, l) are solutions of the same body under other free
    strains.
    """

    displacement: FloatArray
    values: FloatArray
    duals: FloatArray
    root: FloatArray
    forces: FloatArray
    others: FloatArray


@dataclass(frozen=True)
class Looked:
    """Averages (m,) of a solution, as functionals, and for each root and length what acts at its node of shear and peel
    (averages, 2; not a number where the singular field is not known) of which forces (averages, 2).
    """

    values: FloatArray
    averages: tuple[Averages, ...]
    root: FloatArray
    forces: FloatArray


class Truth:
    """Full solves on the moved reference mesh of one box; only the averages of some ``names`` or keys are looked at,
    with the others of the same root and length, where these are given.
    """

    def __init__(self, case_of: CaseOf, drawn: Drawn, strips: Strips, names: Sequence[str] = ()) -> None:
        self.case_of, self.drawn, self.strips = case_of, drawn, strips
        self._pattern: Pattern | None = None
        self.averages: tuple[Averages, ...] = tuple(
            averages(self.model(drawn.case).space, drawn.roots, drawn.lengths, chosen=False)  # type: ignore[arg-type]
        )
        self.splits = tuple(self._split(a) for a in self.averages)
        self._say(named((a.root.name, a.root.at, a.length) for a in self.averages))
        self.kept: tuple[str, ...] = ()
        self.keep(names)

    def _say(self, found: Sequence[Named]) -> None:
        self._named = tuple(found)
        self.outputs = tuple(one.key(kind) for one in found for kind in KINDS)
        self.names = tuple(one.name(kind) for one in found for kind in KINDS)

    def _split(self, a: Averages) -> Split | None:
        """The forces of an average on the reference mesh; None where a cell of them is in a strip that is scaled."""
        space = self.model(self.drawn.case).space  # type: ignore[arg-type]
        split = forces_at(space, a)
        if split is None:
            return None
        _, lines, _ = paint(self.drawn.layout)
        fixed = np.isfinite(self.strips.fixed)[self.strips.of_cells(self.drawn.mesh, lines)]
        goals = (*split.rest, *split.far, *split.own)
        return split if all(np.all(fixed[piece.cells]) for goal in goals for piece in goal.pieces) else None

    def keep(self, names: Sequence[str]) -> None:
        """Look at the averages of some names or keys alone, with the others of the same root and length."""
        wanted = set(names)
        chosen = [k for k, one in enumerate(self._named) if wanted & {f(d) for d in KINDS for f in (one.name, one.key)}]
        if chosen:
            self.kept = tuple(names)
            self.averages = tuple(self.averages[k] for k in chosen)
            self.splits = tuple(self.splits[k] for k in chosen)
            self._say([self._named[k] for k in chosen])

    def model(self, case: Case) -> Model:
        """The boundary value problem of a case on the moved mesh."""
        layout = layout_of(case)
        disc = replace(
            self.drawn, case=case, layout=layout, roots=layout.roots, mesh=moved(self.drawn, self.strips, layout)
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FemsimWarning)
            return build_model(disc, resolve_materials(case, disc))

    def solution(self, x: FloatArray) -> Solution:
        """The solution at parameters (p,)."""
        found = solve(self.model(self.case_of(x)), pattern=self._pattern)
        self._pattern = found.factor.pattern
        return found

    def values(self, solution: Solution) -> FloatArray:
        """Averages (m,) in MPa: peel, shear and von Mises of every root and length."""
        return self.looked(solution).values

    def looked(self, solution: Solution) -> Looked:
        """The averages of a solution with peel and shear from consistent forces where the root's field is known."""
        field = solution.field
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FemsimWarning)
            roots = dict.fromkeys(a.root for a in self.averages if isinstance(a.root, Root))
            fields = root_fields(solution, tuple(roots))
        found, root, forces = [], [], []
        for a, split in zip(self.averages, self.splits, strict=True):
            local = fields[a.root] if isinstance(a.root, Root) else ""
            if split is None or isinstance(local, str):
                found.append(a)
                root.append((np.nan, np.nan))
                forces.append((np.nan, np.nan))
                continue
            share = share_at(field.space.mesh, a.root, local, split.first)  # type: ignore[arg-type]
            best = split.shared(a, share)
            found.append(best.averages)
            root.append((best.root[1].value(field), best.root[0].value(field)))
            forces.append((split.far[0].value(field), split.far[1].value(field)))
        values = [v for a in found for v in (a.peel.value(field), a.shear.value(field), a.von_mises(field))]
        return Looked(np.array(values), tuple(found), np.array(root), np.array(forces))

    def own(self, x: FloatArray) -> FloatArray:
        """Averages and their error estimates (2, m) in MPa by an ordinary solve on the design's own mesh."""
        errors = [one.key(f"{kind}_error") for one in self._named for kind in KINDS]
        found = evaluate(self.case_of(x), None, [*self.outputs, *errors]).values
        return np.array(found).reshape(2, -1)

    def snapshot(self, x: FloatArray, alike: Sequence[FloatArray] = ()) -> Snapshot:
        """A solution with the duals of all averages; that of von Mises is linearised about the solution. Designs
        ``alike`` (p,) differ in free strains alone: the same factor serves them.
        """
        solution = self.solution(x)
        space = solution.model.space
        looked = self.looked(solution)
        loads = [thermal_force(self.model(self.case_of(other))) for other in alike]
        goals = self.goals(solution.field, looked.averages)
        found = space.scatter(solution.factor.solve(space.gather(np.column_stack([goals, *loads]))))
        duals, others = found[:, : goals.shape[1]], found[:, goals.shape[1] :]
        return Snapshot(solution.unknowns, looked.values, duals, looked.root, looked.forces, others)

    def measured(self, x: FloatArray) -> Snapshot:
        """The averages of a solution, without fields."""
        looked = self.looked(self.solution(x))
        none = np.empty((0, 0))
        return Snapshot(np.empty(0), looked.values, none, looked.root, looked.forces, none)

    def goals(self, field: ElasticField, averages: Sequence[Averages]) -> FloatArray:
        """Derivatives (ndof, m) of all averages by the displacement; that of von Mises is linearised about a field."""
        goals = [g for a in averages for g in (a.peel, a.shear, a.von_mises_functional(field))]
        return np.column_stack([goal.derivative(field.model) for goal in goals])


def reference(case: Case, least: FloatArray, most: FloatArray) -> tuple[Drawn, Strips]:
    """The mesh of a case with lines between the strips for layer heights from ``least`` to ``most``."""
    drawn = discretise(case)
    assert isinstance(drawn, Drawn)  # others were refused
    lengths: Sequence[float] = averaging_lengths(case)
    strips = strips_of(drawn.layout, lengths, least, most)
    layout = cut(drawn.layout, strips)
    spec = case.mesh
    assert isinstance(spec, MeshSpec)  # of a file there is no layout
    lines = grid_lines(layout, Grading(spec.size, spec.growth, spec.largest), drawn.lengths)
    return replace(drawn, layout=layout).with_lines(*lines), strips
