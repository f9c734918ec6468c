"""Arrays of equal cells: a cell condensed once, many of them solved together, the averages at every root.

The order p of the interface functions limits what cells can do to each other. It is judged on a small array, of at most
``JUDGED`` cells a side, whose corners are the large one's: the differences between order p and p + 1 there, the largest
of all cells, are the stated interface errors. What the mesh adds is the error estimate of one cell alone with coupled
walls, in proportion to the von Mises average where that is larger in the array. Arrays read tractions off the
conductor's cells; the estimate is of the better ones from consistent forces, so the distance between both counts too.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import femsim
from femsim.base.arrays import FloatArray
from femsim.base.errors import FemsimWarning, InputError
from femsim.builders.build import build_model, discretise, resolve_materials
from femsim.builders.discretisation import Discretisation
from femsim.builders.program import is_program
from femsim.builders.resolve import ResolvedMaterial
from femsim.cases.case import Case
from femsim.cases.stacks.blocks import BlocksCase
from femsim.cases.stacks.meshfile import MeshCase
from femsim.measures.averages import RootMetrics, root_metrics
from femsim.measures.lattice import Arcs, CellValues, read_arcs, read_cells
from femsim.measures.rims import AROUND, RimAverages, rim_averages
from femsim.meshes.interface import SAME, Interface
from femsim.meshes.mesh import Mesh
from femsim.models.model import Model
from femsim.runs.names import kind_words
from femsim.runs.once import solve_case
from femsim.solvers.lattice import Lattice, alike, lattice, opposite, solve_lattice, spread, turned
from femsim.solvers.substructure import ReducedCell, reduce_cell

Progress = Callable[[str], None]

#: cells a side of the array on which the interface functions are judged
JUDGED = 4
#: orders of the interface functions
ORDERS = (2, 3, 4)
#: cells of an array at most
MOST = 250_000


@dataclass(frozen=True)
class RootCells:
    """One average at one root in all cells: by kind the mean all around (nx, ny) and the value of the largest magnitude
    (nx, ny) with its angle (degrees), MPa; by kind the errors of the means and of the largest values that the interface
    and the mesh bring.
    """

    average: RimAverages
    mean: dict[str, FloatArray]
    largest: dict[str, FloatArray]
    angle: dict[str, FloatArray]
    interface_error: dict[str, tuple[float, float]]
    mesh_error: dict[str, float]
    alone: RootMetrics


@dataclass(frozen=True)
class ArrayRun:
    """An array that was solved."""

    case: Case
    counts: tuple[int, int]
    order: int
    fixed: bool
    pitch: float
    cell_unknowns: int
    interface: Interface
    solved: Lattice
    roots: tuple[RootCells, ...]
    timing: dict[str, float]
    warnings: tuple[str, ...] = ()


def run_array(
    case: Case,
    nx: int,
    ny: int,
    order: int = 2,
    fixed: bool = False,
    base: Path | None = None,
    progress: Progress | None = None,
) -> ArrayRun:
    """Condense a case's square cell, assemble nx by ny of it and measure every root.

    The array's outer sides are free, or with ``fixed`` held against normal motion. Raises InputError for cases whose
    cells cannot be condensed, NumericsError where the memory does not suffice.
    """
    say = progress or (lambda text: None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", FemsimWarning)
        done = _run(case, (nx, ny), order, fixed, base, say)
    seen = tuple(dict.fromkeys(str(w.message) for w in caught if issubclass(w.category, FemsimWarning)))
    for message in seen:
        warnings.warn(message, FemsimWarning, stacklevel=2)
    return replace(done, warnings=seen)


def _run(case: Case, counts: tuple[int, int], order: int, fixed: bool, base: Path | None, say: Progress) -> ArrayRun:
    _check(case, counts, order)
    start = time.perf_counter()
    say("meshing")
    disc = discretise(_walls(case, "free"), base)
    materials = resolve_materials(case, disc)
    if is_program(disc, materials):
        raise InputError(
            f"{case.name}: materials: arrays are elastic; leave plastic, creep, anand and viscoelastic out"
        )
    model = build_model(disc, materials)
    averages = rim_averages(model.space, disc.rims, disc.lengths, chosen=case.metrics.length is not None)
    if not averages:
        raise InputError(f"{case.name}: the cell has no root")
    say(f"one cell alone: {model.constraints.count} unknowns")
    alone = _alone(case, disc, materials, say)
    meshed = time.perf_counter()
    say("condensing the cell")
    fine = reduced(disc, model, order + 1)
    arcs = [read_arcs(fine, average) for average in averages]
    condensed = time.perf_counter()
    cell = fine.lower()
    say(f"solving {counts[0]} x {counts[1]} cells")
    solved = lattice(cell, *counts, fixed)
    unknowns = solve_lattice(cell, solved)
    assembled = time.perf_counter()
    say("reading the roots")
    values = [read_cells(cell, own, unknowns) for own in arcs]
    errors = _interface_errors(fine, cell, arcs, counts, fixed)
    roots = tuple(
        _root(average, found, solved, error, one)
        for average, found, error, one in zip(averages, values, errors, alone, strict=True)
    )
    timing = {
        "cell": meshed - start,
        "condense": condensed - meshed,
        "solve": assembled - condensed,
        "read": time.perf_counter() - assembled,
    }
    interface = cell.interface
    return ArrayRun(case, counts, order, fixed, 2.0 * interface.half, model.ndof, interface, solved, roots, timing)


def _check(case: Case, counts: tuple[int, int], order: int) -> None:
    """Raise InputError for what an array does not know."""
    if case.model.kinematics != "3d" or case.model.cell != "square":
        raise InputError(
            f'{case.name}: model.cell: arrays are of square cells; set model.kinematics = "3d", '
            'model.element = "hex27" and model.cell = "square"'
        )
    if isinstance(case, BlocksCase | MeshCase):
        raise InputError(f"{case.name}: stack: {case.stack!r} has no cell; arrays are of the stacks that have one")
    for name in ("step", "cycle", "harmonic", "board", "boundary", "body", "heat"):
        if getattr(case, name, None):
            raise InputError(f"{case.name}: {name}: not in arrays, which know one uniform temperature; leave it out")
    for name in ("probe", "path"):
        if getattr(case, name):
            warnings.warn(f"{name}: not read in arrays, which give the averages at roots", FemsimWarning, stacklevel=2)
    if case.load.temperatures or not isinstance(case.load.temperature, int | float):
        raise InputError(f"{case.name}: load.temperature: arrays know one uniform temperature, a number")
    if order not in ORDERS:
        raise InputError(f"--order: {order} is not one of {', '.join(map(str, ORDERS))}")
    for name, count in zip(("--nx", "--ny"), counts, strict=True):
        if count < 1:
            raise InputError(f"{name}: {count} is not >= 1")
    if counts[0] * counts[1] > MOST:
        raise InputError(f"--nx: {counts[0]} x {counts[1]} cells are more than {MOST}")


def _walls(case: Case, outer: str) -> Case:
    return case.model_copy(update={"model": case.model.model_copy(update={"outer": outer})})


def _alone(
    case: Case, disc: Discretisation, materials: dict[str, ResolvedMaterial], say: Progress
) -> list[RootMetrics]:
    """The averages of one cell with coupled walls, as arrays have them, and their errors."""
    solved = solve_case(replace(disc, case=_walls(case, "coupled")), materials, say)
    found = []
    for average, best in zip(solved.averages, solved.roots, strict=True):
        own = root_metrics(solved.solution.field, average)
        pairs = zip(own.values.values(), best.values.values(), strict=True)
        found.append(own.with_errors(one.error + abs(mine.value - one.value) for mine, one in pairs))
    return found


def reduced(disc: Discretisation, model: Model, order: int) -> ReducedCell:
    """A stack's square cell, condensed to interface functions of a degree."""
    assert disc.solid is not None
    half = float(np.max(np.abs(model.mesh.points[:, :2])))
    interface = Interface((0.0, 0.0), half, wall_levels(model.mesh, disc.solid.walls), order)
    return reduce_cell(model, interface, disc.solid.symmetry or {}, disc.solid.walls)


def wall_levels(mesh: Mesh, walls: tuple[str, ...]) -> tuple[float, ...]:
    """Heights (um) between which each wall has one material."""
    nodes = np.unique(np.concatenate([mesh.nodes_on(name) for name in walls]))
    found: list[float] = []
    for number in range(len(mesh.regions)):
        own = np.intersect1d(nodes, mesh.cells[mesh.region == number])
        if len(own):
            z = mesh.points[own, 2]
            if float(np.ptp(z)) > SAME * mesh.extent:  # not a region that ends at the wall's line
                found += [float(z.min()), float(z.max())]
    levels = np.sort(np.array(found))
    return tuple(levels[np.append(True, np.diff(levels) > SAME * mesh.extent)].tolist())


def _interface_errors(
    fine: ReducedCell, cell: ReducedCell, arcs: list[Arcs], counts: tuple[int, int], fixed: bool
) -> list[dict[str, tuple[float, float]]]:
    """By average and kind, the largest differences of means and of largest values between both orders."""
    # as many as there are, or a few of the same parity: its corners are those of the whole
    small = [n if n <= JUDGED else JUDGED + n % 2 for n in counts]
    fields = [solve_lattice(one, lattice(one, small[0], small[1], fixed)) for one in (fine, cell)]
    found = []
    for own in arcs:
        better, plain = (read_cells(one, own, u) for one, u in zip((fine, cell), fields, strict=True))
        found.append({kind: _differences(better, plain, kind) for kind in AROUND})
    return found


def _differences(better: CellValues, plain: CellValues, kind: str) -> tuple[float, float]:
    mean = np.abs(better.mean(kind) - plain.mean(kind)).max()
    # magnitudes: of two alike of opposite signs either may be the larger
    largest = [np.abs(one.largest(kind)[0]) for one in (better, plain)]
    return float(mean), float(np.abs(largest[0] - largest[1]).max())


def _root(
    average: RimAverages, found: CellValues, solved: Lattice, error: dict[str, tuple[float, float]], alone: RootMetrics
) -> RootCells:
    largest = {kind: found.largest(kind) for kind in AROUND}
    image = {kind: opposite if kind == "shear_t" else alike for kind in AROUND}
    mean = {kind: spread(solved, found.mean(kind), image[kind]) for kind in AROUND}
    angle = {kind: spread(solved, angles, turned) for kind, (_, angles) in largest.items()}
    signs = {kind: spread(solved, values, image[kind]) for kind, (values, _) in largest.items()}
    scale = max(1.0, float(mean["von_mises"].max()) / max(alone.von_mises, 1e-300))
    errors = {kind: scale * one.error for kind, one in alone.values.items()}
    return RootCells(average, mean, signs, angle, error, errors, alone)


def array_dict(run: ArrayRun) -> dict[str, Any]:
    """The JSON document of ``femsim array``: values in MPa, ``cells`` as [x][y], lengths in um, angles in degrees."""
    roots: dict[str, list[dict[str, Any]]] = {}
    for one in run.roots:
        rim = one.average.whole.root
        roots.setdefault(rim.name, []).append(
            {
                "length": one.average.whole.length,
                "region": rim.region,
                "mean": {kind: values.tolist() for kind, values in one.mean.items()},
                "largest": {kind: values.tolist() for kind, values in one.largest.items()},
                "angle": {kind: values.tolist() for kind, values in one.angle.items()},
                "interface_error": {k: {"mean": a, "largest": b} for k, (a, b) in one.interface_error.items()},
                "mesh_error": {kind: None if np.isnan(v) else v for kind, v in one.mesh_error.items()},
                "alone": {kind: estimate.value for kind, estimate in one.alone.values.items()},
            }
        )
    return {
        "femsim": femsim.__version__,
        "case": {"name": run.case.name, "stack": run.case.stack},
        "array": {
            "nx": run.counts[0],
            "ny": run.counts[1],
            "pitch": run.pitch,
            "order": run.order,
            "outer": "fixed" if run.fixed else "free",
            "dofs_of_a_cell": run.cell_unknowns,
            "interface_unknowns": run.interface.count,
            "cells_solved": run.solved.cells,
        },
        "roots": roots,
        "timing": dict(run.timing),
        "warnings": list(run.warnings),
    }


def array_table(run: ArrayRun) -> list[list[str]]:
    """Header, and a line for each root, length and kind: the mean in the middle of the array, its largest value of all
    cells with the cell and the angle, what one cell alone has, and both errors.
    """
    head = ["root", "length (um)", "kind", "one cell", "middle", "largest", "in cell", "at (deg)", "interface", "mesh"]
    rows = [head]
    for one in run.roots:
        for kind in AROUND:
            values = one.largest[kind]
            at = np.unravel_index(int(np.abs(values).argmax()), values.shape)
            middle = one.mean[kind][run.counts[0] // 2, run.counts[1] // 2]
            alone = one.alone.values.get(kind)
            mesh = one.mesh_error.get(kind, float("nan"))
            rows.append(
                [
                    one.average.whole.root.name,
                    f"{one.average.whole.length:g}",
                    kind_words(kind),
                    "-" if alone is None else f"{alone.value:.2f}",
                    f"{middle + 0.0:.2f}",
                    f"{values[at]:.2f}",
                    f"{at[0] + 1}, {at[1] + 1}",
                    f"{one.angle[kind][at]:.0f}",
                    f"{one.interface_error[kind][1]:.2g}",
                    "-" if np.isnan(mesh) else f"{mesh:.2g}",
                ]
            )
    return rows
