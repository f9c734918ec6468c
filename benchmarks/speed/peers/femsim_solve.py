"""femsim, the same work as the peers: its own mesh of the case, assembly, solve, displacement. ``problem.npz`` is not
read.

``python femsim_solve.py problem.npz result.npz SIZE [--again]``
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

from common import Job

job = Job()
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from problem import load  # noqa: E402

from femsim.solvers.solve import resolve_with, solve  # noqa: E402

job.lap("import")
model = load(sys.argv[3])[2]
job.lap("mesh")
solution = solve(model)
job.lap("solve")
facts = {
    "unknowns": model.ndof,
    "backend": solution.factor.backend,
    "parts": solution.timing,
    "residual": solution.checks.residual,
}
if sys.argv[4:] == ["--again"]:  # with the factor at hand: another temperature, and another CTE of one material
    other_low = replace(model.materials["low"], cte=model.materials["high"].cte)
    changed = {
        "again": model.under(temperature=-40.0),
        "again_cte": replace(model, materials={**model.materials, "low": other_low}),
    }
    for name, other in changed.items():
        start = time.perf_counter()
        resolve_with(solution, other)
        facts[name] = time.perf_counter() - start
    job.lap("again")
job.finish(model.mesh.points, solution.displacement, **facts)
