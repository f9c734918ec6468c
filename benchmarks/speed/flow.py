"""A post that yields on cooling, on the same mesh with the same increments: femsim and CalculiX, in seconds.

python benchmarks/speed/flow.py [--largest UM] [--increments N] prints the unknowns, the times of both, their ratio and
the difference of their displacements. Both take plain backward Euler with as many increments as are asked for; CalculiX
turns each axisymmetric element into a wedge of two degrees. Each program may use OMP_NUM_THREADS threads.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

from femsim.builders.build import discretise, resolve_materials
from femsim.builders.program import plan_of
from femsim.cases.casefile import load_case
from femsim.reports.deck import read_displacements
from femsim.reports.deck_program import Written, program_deck
from femsim.solvers.march import Settings, march


def main() -> None:
    """Time both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--largest", type=float, default=2.0, help="largest edge of an element, um")
    parser.add_argument("--increments", type=int, default=4)
    given = parser.parse_args()
    values = [
        "mesh.size=1",
        "mesh.growth=1.5",
        f"mesh.largest={given.largest:g}",
        'model.element="quad8"',
        "metrics.length=5",
        'materials.post={ like = "copper", plastic = { yield = 100, isotropic = { linear = 2000 } } }',
        f'step=[{{ name = "cool", temperature = -40, duration = 60, increments = {given.increments} }}]',
    ]
    case, origin = load_case("bilayer", values)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        disc = discretise(case, origin.base)
        plan = plan_of(disc, resolve_materials(case, disc))
    print(f"{len(disc.mesh.cells)} elements, {plan.space.constraints.count} unknowns, {given.increments} increments")
    with tempfile.TemporaryDirectory() as directory:
        text = program_deck(Written(plan.materials, plan.laws, plan.program), "flow", "calculix")
        (Path(directory) / "flow.inp").write_text(text)
        begun = time.perf_counter()
        last = list(march(plan.space, plan.materials, plan.laws, plan.program, Settings(extrapolate=False)))[-1]
        own = time.perf_counter() - begun
        print(f"femsim:   {own:.1f} s", flush=True)
        begun = time.perf_counter()
        subprocess.run(["ccx", "-i", "flow"], cwd=directory, capture_output=True, check=True, env=os.environ)
        other = time.perf_counter() - begun
        found = (Path(directory) / "flow.dat").read_text().split("displacements")[-1]
    u = last.moment.unknowns[: plan.space.nodal].reshape(-1, 2)
    off = read_displacements(found, *u.shape) - u
    difference = float(np.sqrt(np.nanmean(off**2) / np.mean(u**2)))
    print(f"CalculiX: {other:.1f} s, {other / own:.1f} times as long; displacements differ by {difference:.1e} (rms)")


if __name__ == "__main__":
    main()
