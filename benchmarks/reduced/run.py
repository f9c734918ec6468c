"""Reduced bases: what they cost once, how many designs a second they give, and how wrong they really are.

Every study is reduced over its whole ranges; the designs looked at are drawn anew and solved in full, on the reduced
model's own moved mesh (the reduction error) and on a mesh made for each (the total one).
    python benchmarks/reduced/run.py [bilayer|staggered|flipchip ...] [--designs N] [--bounds N]
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from femsim.base.system import processors
from femsim.cases.casefile import apply_overrides, find_case, read_toml
from femsim.reduced.build import Leaf, Problem, errors_of, grow, levels_of, problem_of, shared, truth_of
from femsim.reduced.certificate import certificate_of
from femsim.reduced.columns import columns_of
from femsim.reduced.crew import Cases, Crew, crew
from femsim.reduced.model import assembled
from femsim.study.reduced import HEIGHTS, MODULI

STUDIES = {
    "bilayer": (
        ["mesh.size=0.01", "mesh.growth=1.6"],
        0.003,
        {
            "geometry.high_thickness": (5, 45),
            "geometry.ratio": (3.5, 8),
            "materials.low.cte": (8, 180),
            "materials.low.E": (0.5, 4),
            "materials.high.cte": (5, 13),
            "materials.high.E": (9, 21),
        },
    ),
    "staggered": (
        ["mesh.size=0.05", "mesh.growth=1.6"],
        0.005,
        {
            "layer.0.thickness": (25, 45),
            "layer.2.thickness": (25, 45),
            "materials.insulation.E": (1, 5),
            "materials.insulation.cte": (15, 60),
        },
    ),
    "flipchip": (
        ["mesh.size=0.2", "mesh.growth=2"],
        0.005,
        {
            "geometry.resin_thickness": (20, 40),
            "geometry.first_thickness": (50, 100),
            "geometry.second_thickness": (150, 250),
            "load.temperature": (-40, 60),
        },
    ),
}


def certify(problem: Problem, leaves: list[Leaf], team: Crew, designs: int) -> None:
    """Bounds of one cell in the middle of the largest box against errors of full solves, and how many a second."""
    built = max(
        (leaf.built for leaf in leaves if leaf.built is not None), key=lambda b: float(np.prod(b.box.high / b.box.low))
    )
    box, low, high = built.wide, built.box.low.copy(), built.box.high.copy()
    for i in problem.stiff:
        centre, half = np.sqrt(low[i] * high[i]), np.sqrt(HEIGHTS if i in problem.geometric else MODULI)
        low[i], high[i] = max(low[i], centre / half), min(high[i], centre * half)
    truth = truth_of(problem, box.low, box.high)
    start = time.perf_counter()
    found = certificate_of(problem, truth, box, columns_of(problem, truth, box, built.fields), low, high)
    once = time.perf_counter() - start
    rng = np.random.default_rng(2)
    many = problem.forms.at(low + (high - low) * rng.random((10_000, len(low))))
    count = 3 * len(box.rows)
    tractions = [k for k in range(count) if k % 3 != 2]
    print(f"  certified: {box.modes} unknowns, {once:.0f} s a cell")
    for title, wanted in (("peel and shear", tractions), ("all averages", list(range(count)))):
        start, used = time.perf_counter(), time.process_time()
        found.bounds(box, many, wanted)
        rate, cpu = len(many) / (time.perf_counter() - start), len(many) / (time.process_time() - used)
        print(f"    {title}: {rate:.0f} designs/s ({cpu:.0f} a CPU second)")
    fresh = low + (high - low) * rng.random((designs, len(low)))
    quantities, solved = problem.forms.at(fresh), team.values(truth, list(fresh))
    full = shared(box, quantities, solved)
    bounds, error, level = found.bounds(box, quantities), np.abs(box.values(quantities) - full), levels_of(full)
    for title, chosen in (("peel and shear", tractions), ("von Mises", list(range(2, count, 3)))):
        b, e, part = bounds[:, chosen], error[:, chosen], 100 * bounds[:, chosen] / level[:, chosen]
        print(
            f"    {title}: {b.size} checks, {int(np.sum(b < e))} below the error; bound / error median "
            f"{np.median(b / e):.1f}; bound in %: median {np.median(part):.3f}, 95 % {np.quantile(part, 0.95):.3f}"
        )


def measure(name: str, designs: int, workers: int, bounds: int) -> None:
    """Build, evaluate and check one study."""
    settings, tolerance, ranges = STUDIES[name]
    data = {"name": name, **apply_overrides(read_toml(find_case(name)), settings, "")}
    low, high = (np.array([ends[k] for ends in ranges.values()], dtype=float) for k in (0, 1))
    start = time.perf_counter()
    problem = problem_of(Cases(data, tuple(ranges)), low, high)
    with crew(workers) as team:
        leaves = grow(problem, tolerance, team, lambda text: None)
        first = next(leaf for leaf in leaves if leaf.built is not None)
        outputs = truth_of(problem, first.low, first.high).outputs
        model = assembled(problem, leaves, outputs, tolerance)
        built = time.perf_counter() - start
        rng = np.random.default_rng(1)
        many = low + (high - low) * rng.random((50_000, len(low)))
        model.at(many[:1000])
        start, used = time.perf_counter(), time.process_time()
        model.at(many)
        rate = len(many) / (time.perf_counter() - start)
        cpu = len(many) / (time.process_time() - used)
        unknowns = ", ".join(str(box.modes) for box in model.boxes)
        gaps = len(model.gaps)
        print(f"{name}: {len(ranges)} parameters, {len(model.boxes)} boxes of {unknowns} unknowns, {gaps} gaps")
        print(f"  once: {built:.0f} s, {workers} processes; then {rate:.0f} designs/s ({cpu:.0f} a CPU second)")
        fresh = low + (high - low) * rng.random((designs, len(low)))
        place = model.place(fresh)
        answers = model.at(fresh).values
        if bounds:
            certify(problem, leaves, team, bounds)
        for title, solve in (("reduction", team.values), ("total, own mesh", team.own)):
            errors = []
            for number, box in enumerate(model.boxes):
                mine = np.flatnonzero(place == number)
                if len(mine):
                    solved = solve(truth_of(problem, box.low, box.high), list(fresh[mine]))
                    if title == "reduction":
                        errors.append(100 * errors_of(box, problem.forms.at(fresh[mine]), solved))
                        continue
                    full = np.array(solved)[:, 0]
                    errors.append(100 * np.abs(answers[mine] - full) / levels_of(full))
            found = np.concatenate(errors)
            print(f"  {title} error, % of the ring's von Mises average, {len(found)} designs:")
            for key, column in zip(outputs, found.T, strict=True):
                middle, most = np.quantile(column, [0.5, 0.95])
                print(f"    {key}: median {middle:.3f}, 95 % {most:.3f}, worst {column.max():.3f}")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("studies", nargs="*", default=list(STUDIES))
    arguments.add_argument("--designs", type=int, default=300)
    arguments.add_argument("--bounds", type=int, default=500, help="designs whose rigorous bounds are checked")
    arguments.add_argument("--workers", type=int, default=processors())
    given = arguments.parse_args()
    for study in given.studies:
        measure(study, given.designs, given.workers, given.bounds)
