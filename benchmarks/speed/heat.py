"""What heat costs beside stress: ``python heat.py [1M 200k 200k] [--rounds 3] [--ngsolve PYTHON]`` prints one JSON
document of processor times (s, all threads together) and ratios; the two of a ratio run in turn, round by round, and
medians count, so that a busy machine slows both.

Three sizes: of the steady solve against the elastic one of as many unknowns, of a transient of 200 constant steps
against the steady solve, of heat that drives the stress against the elastic solve on the same mesh. ``--ngsolve`` names
a Python that has NGSolve: the same heat on the same mesh.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from problem import SIZES

HEAT = {
    "source": [{"name": "chip", "on": "back", "power": 0.05}],
    "boundary": [{"name": "board", "z": 90.0, "h": 5.0e4}],
}
MATERIALS = {
    "chip": {"E": 160.0, "nu": 0.22, "cte": 2.8, "conductivity": 148.0, "density": 2329.0, "heat_capacity": 712.0},
    "post": {"E": 120.0, "nu": 0.34, "cte": 17.0, "conductivity": 401.0, "density": 8960.0, "heat_capacity": 385.0},
    "low": {"E": 2.5, "nu": 0.34, "cte": 50.0, "conductivity": 0.2, "density": 1350.0, "heat_capacity": 1100.0},
    "high": {"E": 15.0, "nu": 0.30, "cte": 10.0, "conductivity": 0.74, "density": 1850.0, "heat_capacity": 826.0},
}


def case(size: str, finer: float = 1.0, **load: Any) -> Any:
    """The bilayer case of the benchmark with heat; elements ``finer`` times smaller."""
    from femsim.cases.casefile import parse_case

    smallest, largest = SIZES[size]
    return parse_case(
        {
            "name": f"heat-{size}",
            "stack": "bilayer",
            "materials": MATERIALS,
            "model": {"outer": "free"},
            "mesh": {"size": smallest / finer, "largest": largest / finer, "growth": 1.2 ** (1.0 / finer)},
            "metrics": {"length": 5.0},
            "heat": HEAT,
            "load": {"temperature": 25.0, "stress_free_temperature": 150.0, **load},
        },
        "benchmark",
    )


def parts(chosen: Any) -> tuple[Any, Any]:
    """Discretisation and materials."""
    from femsim.builders.build import discretise, resolve_materials

    disc = discretise(chosen)
    return disc, resolve_materials(chosen, disc)


def clocked(work: Any) -> tuple[Any, float]:
    """A result and the processor time (s) it took."""
    start = time.process_time()
    result = work()
    return result, time.process_time() - start


def in_turn(rounds: int, *works: Any) -> list[float]:
    """Median processor times (s) of works that run in turn."""
    spent: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for times, work in zip(spent, works, strict=True):
            times.append(clocked(work)[1])
    return [median(times) for times in spent]


def peer(python: str, heat: Any, rounds: int) -> dict[str, Any]:
    """NGSolve on the mesh of a heat model: its median processor time, and what femsim finds beside it."""
    mesh, (feed,), (cooling,) = heat.mesh, heat.sources, heat.coolings
    on = np.isclose(mesh.points[:, 1], mesh.points[feed.nodes[0], 1])  # the line of the source, the axis with it
    every = np.concatenate([mesh.cells[:, list(edge)] for edge in mesh.info.edges])
    source = every[on[every].all(axis=1)][:, :2]
    corners, cells = np.unique(mesh.cells[:, :4], return_inverse=True)
    given = {
        "points": mesh.points[corners],
        "cells": cells.reshape(-1, 4),
        "region": mesh.region,
        "k": [float(c.conductivity[0].at(25.0)) for c in heat.conductors],
        "source": np.searchsorted(corners, source),
        "film": np.searchsorted(corners, cooling.line.edges[:, :2]),
        "h": float(cooling.h.at(0.0)),
        "flux": float(feed.power(0.0) / feed.weight.sum()),
    }
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "problem.npz"
        np.savez(file, **given)
        script = Path(__file__).parent / "peers" / "heat_ngsolve.py"
        runs = [
            json.loads(subprocess.run([python, str(script), str(file)], stdout=subprocess.PIPE, check=True).stdout)
            for _ in range(rounds)
        ]
    return {**runs[0], "seconds": median(run["seconds"] for run in runs)}


def main() -> None:
    """Measure and print."""
    from femsim.builders.build import build_model, heat_model
    from femsim.solvers.heat import solve_heat
    from femsim.solvers.heat_march import march
    from femsim.solvers.solve import solve

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", default=["1M", "200k", "200k"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ngsolve", metavar="PYTHON", help="a Python that has NGSolve")
    given = parser.parse_args()
    one, two, three = given.sizes
    found: dict[str, Any] = {}

    stressed, warm = parts(case(one)), parts(case(one, 2.0**0.5))
    elastic, steady = in_turn(
        given.rounds, lambda: solve(build_model(*stressed)), lambda: solve_heat(heat_model(*warm))
    )
    heat = heat_model(*warm)
    found["elastic"] = {"unknowns": build_model(*stressed).constraints.count, "seconds": elastic}
    found["steady"] = {"unknowns": heat.space.constraints.count, "seconds": steady, "of_elastic": steady / elastic}
    if given.ngsolve:
        other = peer(given.ngsolve, heat, given.rounds)
        solved = solve_heat(heat)
        (feed,) = heat.sources
        mean = float(feed.weight @ solved.temperature / feed.weight.sum()) - heat.ambient
        found["ngsolve"] = {**other, "of_femsim": other["seconds"] / steady, "rise_of_femsim": mean}

    heat = heat_model(*parts(case(two, 2.0**0.5)))
    courses: list[Any] = []
    steady, spent = in_turn(
        given.rounds,
        lambda: solve_heat(heat),
        lambda: courses.append(march(heat, 25.0, 2.0e-3, step=1.0e-5)),
    )
    course = courses[-1]
    found["transient"] = {"unknowns": heat.space.constraints.count, "steady": steady, "seconds": spent}
    found["transient"] |= {"steps": len(course.steps) - 1, "factors": course.factors, "of_steady": spent / steady}

    plain, driven = parts(case(three)), parts(case(three, temperature="heat"))

    def both() -> Any:
        temperature = solve_heat(heat_model(*driven))
        return solve(build_model(*driven, temperature.model.cellwise(temperature.temperature)))

    alone, together = in_turn(given.rounds, lambda: solve(build_model(*plain)), both)
    found["heat_then_stress"] = {"unknowns": build_model(*plain).constraints.count, "elastic": alone}
    found["heat_then_stress"] |= {"seconds": together, "of_elastic": together / alone}
    sys.stdout.write(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
