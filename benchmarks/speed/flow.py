"""A post that yields on cooling, or a solder column that creeps, on the same mesh with the same increments: femsim and
CalculiX, in seconds.

python benchmarks/speed/flow.py [--what post|column] [--largest UM] [--increments N] prints the unknowns, the times of
both, their ratio and the difference of their displacements. Both take plain backward Euler with as many increments as
are asked for; CalculiX turns each axisymmetric element into a wedge of two degrees. Each program may use
OMP_NUM_THREADS threads. Times are processor time (user and system), which a busy machine does not stretch, and seconds
on the clock in brackets; an increment of femsim's is also told in elastic solutions (assembly and factorisation) on the
same mesh.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from femsim.builders.build import discretise, resolve_materials
from femsim.builders.program import Plan, plan_of
from femsim.cases.casefile import load_case, parse_case
from femsim.models.model import Model
from femsim.reports.deck import read_displacements
from femsim.reports.deck_program import Written, program_deck
from femsim.solvers.march import Settings, march
from femsim.solvers.system import SystemFactor, make_system


def main() -> None:
    """Time both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--what", choices=("post", "column"), default="post")
    parser.add_argument("--largest", type=float, default=2.0, help="largest edge of an element, um")
    parser.add_argument("--increments", type=int, default=4)
    given = parser.parse_args()
    if given.what == "post":
        values = [
            "mesh.size=1",
            "mesh.growth=1.5",
            f"mesh.largest={given.largest:g}",
            'model.element="quad8"',
            "metrics.length=5",
            'materials.post={ like = "copper", plastic = { yield = 100, isotropic = { linear = 2000 } } }',
            f'step=[{{ name = "cool", temperature = -40, duration = 60, increments = {given.increments} }}]',
        ]
        case = load_case("bilayer", values)[0]
    else:
        case = parse_case(column(given.largest, given.increments), "column")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        disc = discretise(case)
        plan = plan_of(disc, resolve_materials(case, disc))
    print(f"{len(disc.mesh.cells)} elements, {plan.space.constraints.count} unknowns, {given.increments} increments")
    with tempfile.TemporaryDirectory() as directory:
        text = program_deck(Written(plan.materials, plan.laws, plan.program), "flow", "calculix")
        (Path(directory) / "flow.inp").write_text(text)
        elastic = elastic_time(plan)
        begun, clock = time.process_time(), time.perf_counter()
        last = list(march(plan.space, plan.materials, plan.laws, plan.program, Settings(extrapolate=False)))[-1]
        own = time.process_time() - begun
        share = own / given.increments / elastic
        clock = time.perf_counter() - clock
        print(f"femsim:   {own:.2f} s ({clock:.1f} s); an increment is {share:.1f} elastic solutions", flush=True)
        begun, clock = _children(), time.perf_counter()
        subprocess.run(["ccx", "-i", "flow"], cwd=directory, capture_output=True, check=True, env=os.environ)
        other, clock = _children() - begun, time.perf_counter() - clock
        found = (Path(directory) / "flow.dat").read_text().split("displacements")[-1]
    u = last.moment.unknowns[: plan.space.nodal].reshape(-1, 2)
    off = read_displacements(found, *u.shape) - u
    difference = float(np.sqrt(np.nanmean(off**2) / np.mean(u**2)))
    print(f"CalculiX: {other:.2f} s ({clock:.1f} s), {other / own:.1f} times as long; displacements differ by", end=" ")
    print(f"{difference:.1e} (rms)")


def column(largest: float, increments: int) -> dict[str, Any]:
    """A solder column between a chip and a board that creeps (Norton) while it is held at 100 degC."""
    solder = {"E": 40.0, "nu": 0.36, "cte": 22.0, "creep": {"norton": {"A": 1.0e-12, "n": 4.0}}}
    parts = (("chip", 300.0, 0.0, 300.0, "silicon"), ("column", 100.0, 300.0, 420.0, solder))
    parts = (*parts, ("board", 300.0, 420.0, 800.0, {"E": 20.0, "nu": 0.2, "cte": 17.0}))
    return {
        "stack": "blocks",
        "block": [{"name": n, "r": [0.0, r], "z": [low, high], "material": m} for n, r, low, high, m in parts],
        "load": {"stress_free_temperature": 25.0},
        "model": {"element": "quad8"},
        "mesh": {"size": largest, "largest": largest},
        "boundary": [{"point": [0.0, 0.0], "u_z": 0.0}],
        "step": [
            {"name": "heat", "temperature": 100.0, "duration": 0.0, "increments": 1},
            {"name": "hold", "duration": 600.0, "increments": increments},
        ],
    }


def _children() -> float:
    """Processor time (s) of all programs started so far that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def elastic_time(plan: Plan) -> float:
    """Processor time (s) of an elastic assembly and factorisation on the plan's mesh, the pattern being known."""
    model = Model(plan.space, plan.materials, plan.program.start)
    system = make_system(model.space, model.moduli)
    SystemFactor.of(system)
    begun = time.process_time()
    SystemFactor.of(make_system(model.space, model.moduli, system.pattern))
    return time.process_time() - begun


if __name__ == "__main__":
    main()
