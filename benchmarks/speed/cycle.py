"""Solder over thermal cycles: the shipped flip-chip case, its solder by Anand's law, at the default mesh.

python benchmarks/speed/cycle.py [--cycles N] [--set KEY=VALUE ...] prints unknowns, increments, Newton iterations,
factorisations, processor time (and the clock's), the time of an increment in elastic solutions (assembly and
factorisation on the same mesh), and the memory after a fifth of the increments and at the end. With ``--check`` the
same is done with a tenth of the allowed error, and the difference is told, relative to the largest root mean square.
"""

from __future__ import annotations

import argparse
import time
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
from flow import elastic_time

from femsim.builders.build import discretise, resolve_materials
from femsim.builders.program import Plan, plan_of
from femsim.cases.casefile import load_case
from femsim.solvers.march import TOLERANCE, Settings, march
from femsim.solvers.moments import Increment, Moment

SOLDER = '{ like = "sac305", anand = "motalab-2012" }'


def main() -> None:
    """Run the cycles and print what they took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cycles", type=int, default=3)
    parser.add_argument("--set", action="append", default=[], dest="sets")
    parser.add_argument("--case", default="flipchip")
    parser.add_argument("--solder", default="terminal,heat_sink", help="the roles that are solder")
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    cycle = "low = -40, high = 125, ramp = 600, dwell_low = 600, dwell_high = 600"
    values = [f"materials.{role}={SOLDER}" for role in given.solder.split(",")]
    case, origin = load_case(given.case, [*values, f"cycle={{ {cycle}, count = {given.cycles} }}", *given.sets])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        disc = discretise(case, origin.base)
        plan = plan_of(disc, resolve_materials(case, disc))
    print(f"{len(disc.mesh.cells)} cells, {plan.space.constraints.count} unknowns, {given.cycles} cycles", flush=True)
    last = _run(plan, TOLERANCE)
    if given.check:
        fine = _run(plan, 0.1 * TOLERANCE)
        for name in ("stress", "p", "creep", "work"):
            a, b = (np.concatenate([s[name].ravel() for each in m.states.values() for s in each]) for m in (last, fine))
            print(f"  {name} differs by {np.sqrt(np.mean((a - b) ** 2) / (np.mean(b**2) or 1.0)):.1e}")


def _run(plan: Plan, tolerance: float) -> Moment:
    """The last moment of the plan's program."""
    increments: list[Increment] = []
    memory: list[float] = []

    def told(increment: Increment) -> None:
        increments.append(increment)
        memory.append(_memory())

    elastic = elastic_time(plan)
    begun, clock = time.process_time(), time.perf_counter()
    settings = replace(Settings(told=told), tolerance=tolerance)
    *_, last = march(plan.space, plan.materials, plan.laws, plan.program, settings)
    used, clock = time.process_time() - begun, time.perf_counter() - clock
    count = len(increments)
    iterations, made = sum(i.iterations for i in increments), sum(i.factorisations for i in increments)
    print(f"error allowed {tolerance:g}: {count} increments, {iterations} iterations, {made} factorisations")
    share = used / count / elastic
    print(f"  {used:.1f} s ({clock:.1f} s), an increment {share:.1f} elastic solutions of {elastic:.2f} s each")
    print(f"  memory {memory[count // 5]:.0f} MB after a fifth, {memory[-1]:.0f} MB at the end", flush=True)
    return last.moment


def _memory() -> float:
    """Resident memory of this process, MB (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096e-6


if __name__ == "__main__":
    main()
