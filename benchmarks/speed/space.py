"""Bodies in space and harmonics: ``python space.py [staggered] [harmonic] [--size 1.0]`` prints one JSON document.

staggered: two layers of equal diameter 20 um aside (the reference's cell), hex27 in PARDISO's 3 x 3 blocks; ``--size``
is that of the elements at the root circles. harmonic: one harmonic n = 1 beside the axisymmetric solution on 250
thousand unknowns. Times in s of the parts, processor time and peak memory (GB) of the whole process so far.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from problem import SIZES

SI, CU = {"E": 169.0, "nu": 0.28, "cte": 2.6}, {"E": 120.0, "nu": 0.34, "cte": 17.0}
PI, EP = {"E": 2.5, "nu": 0.34, "cte": 35.0}, {"E": 15.0, "nu": 0.3, "cte": 12.0}
LOAD = {"stress_free_temperature": 150.0, "temperature": 25.0}


def staggered(size: float) -> Any:
    """The staggered cell as a case; about 340 thousand unknowns at the size 0.35 um."""
    from femsim.cases.casefile import parse_case

    layer = {"thickness": 20.0, "radius": 25.0, "material": CU}
    return parse_case(
        {
            "name": "staggered",
            "stack": "staggered",
            "geometry": {"cell_radius": 60.0, "chip_thickness": 60.0},
            "materials": {"chip": SI, "insulation": PI},
            "layer": [{**layer, "offset": x} for x in (-10.0, 10.0)],
            "model": {"kinematics": "3d", "cell": "square"},
            "mesh": {"size": size, "growth": 2.5},
            "metrics": {"length": 5.0},
            "load": LOAD,
        },
        "benchmark",
    )


def post(size: float, largest: float) -> Any:
    """The bilayer post with its board shifted by 1 um."""
    from femsim.cases.casefile import parse_case

    return parse_case(
        {
            "name": "post",
            "stack": "bilayer",
            "materials": {"chip": SI, "post": CU, "low": PI, "high": EP},
            "mesh": {"size": size, "largest": largest, "growth": 1.2},
            "metrics": {"length": 5.0},
            "board": {"shift": 1.0},
            "load": LOAD,
        },
        "benchmark",
    )


def used() -> dict[str, float]:
    """Processor time and peak memory so far."""
    now = resource.getrusage(resource.RUSAGE_SELF)
    return {"cpu": now.ru_utime + now.ru_stime, "peak_gb": now.ru_maxrss / 1024.0**2}


def whole(case: Any) -> dict[str, Any]:
    """A run as ``solve`` makes it, root metrics with their errors."""
    from femsim.runs.run import run

    start, before = time.perf_counter(), used()["cpu"]
    done = run(case, wanted=frozenset({"errors"}))
    found = {"unknowns": done.solution.model.constraints.count, "seconds": time.perf_counter() - start}
    found |= {"parts": done.timing, **used()}
    found["cpu"] -= before
    return found


def harmonic_alone() -> dict[str, Any]:
    """What one harmonic takes: assembly, factor and solution, beside those of the axisymmetric problem."""
    from femsim.builders.build import build_model, discretise, resolve_materials
    from femsim.builders.harmonics import harmonic_models
    from femsim.solvers.solve import solve

    smallest, largest = SIZES["200k"]
    case = post(smallest, 1.1 * largest)
    disc = discretise(case)
    base = build_model(disc, resolve_materials(case, disc))
    hold = None if disc.layout is None else disc.layout.hold
    (first,) = harmonic_models(case.harmonic, case.board, base, {}, hold)
    found: dict[str, Any] = {}
    for name, model in (("axisymmetric", base), ("harmonic", first.model)):
        start, before = time.perf_counter(), used()["cpu"]
        solve(model)
        found[name] = {"unknowns": model.constraints.count, "seconds": time.perf_counter() - start}
        found[name] |= {"cpu": used()["cpu"] - before, "peak_gb": used()["peak_gb"]}
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", nargs="*", metavar="staggered|harmonic", help="default: both")
    parser.add_argument("--size", type=float, default=0.5)
    given = parser.parse_args()
    known = {"staggered", "harmonic"}
    chosen = set(given.what) or known
    if not chosen <= known:
        parser.error(f"{', '.join(sorted(chosen - known))}: staggered or harmonic")
    found: dict[str, Any] = {}
    if "harmonic" in chosen:
        found |= harmonic_alone()
    if "staggered" in chosen:
        found["staggered"] = whole(staggered(given.size))
    sys.stdout.write(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
