"""What heat costs beside stress: ``python heat.py [1M 200k 200k]`` prints one JSON document of times (s) and ratios.

Three sizes: of the steady solve against the elastic one of as many unknowns, of a transient of 200 constant steps
against the steady solve, of heat that drives the stress against the elastic solve on the same mesh.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

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
    """A result and the seconds it took."""
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    from femsim.builders.build import build_model, heat_model
    from femsim.solvers.heat import solve_heat
    from femsim.solvers.heat_march import march
    from femsim.solvers.solve import solve

    one, two, three = (sys.argv[1:] or ["1M", "200k", "200k"])[:3]
    found: dict[str, Any] = {}

    disc, materials = parts(case(one))
    model = build_model(disc, materials)
    elastic, seconds = clocked(lambda: solve(model))
    found["elastic"] = {"unknowns": model.constraints.count, "seconds": seconds}
    del elastic, model
    disc, materials = parts(case(one, 2.0**0.5))
    warm, seconds = clocked(lambda: solve_heat(heat_model(disc, materials)))
    found["steady"] = {"unknowns": warm.model.space.constraints.count, "seconds": seconds}
    found["steady"]["of_elastic"] = seconds / found["elastic"]["seconds"]
    del warm

    disc, materials = parts(case(two, 2.0**0.5))
    heat = heat_model(disc, materials)
    _, seconds = clocked(lambda: solve_heat(heat))
    course, spent = clocked(lambda: march(heat, 25.0, 2.0e-3, step=1.0e-5))
    found["transient"] = {"unknowns": heat.space.constraints.count, "steady": seconds, "seconds": spent}
    found["transient"] |= {"steps": len(course.steps) - 1, "factors": course.factors, "of_steady": spent / seconds}

    disc, materials = parts(case(three))
    model = build_model(disc, materials)
    _, alone = clocked(lambda: solve(model))
    disc, materials = parts(case(three, temperature="heat"))

    def both() -> Any:
        temperature = solve_heat(heat_model(disc, materials))
        return solve(build_model(disc, materials, temperature.model.cellwise(temperature.temperature)))

    _, seconds = clocked(both)
    found["heat_then_stress"] = {"unknowns": model.constraints.count, "elastic": alone, "seconds": seconds}
    found["heat_then_stress"]["of_elastic"] = seconds / alone
    sys.stdout.write(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
