"""Random kill -9 of a sweep and its workers, resumed each time: the dataset must equal an undisturbed one, row for row.

python benchmarks/sweep/kills.py [--kills N] [--points N]
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from processes import below

ROOT = Path(__file__).resolve().parents[2]
STUDY = """case = "bilayer"
[study]
design = "grid"
set = ["mesh.size=1", "mesh.growth=3"]
[[parameter]]
key = "geometry.high_thickness"
range = [5, 45]
steps = {steps}
[[parameter]]
key = "materials.low.cte"
values = [30, 50, 70, 90]
"""


def main() -> int:
    """Kill, resume, compare."""
    import pyarrow.parquet as pq

    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--points", type=int, default=400)
    arguments = parser.parse_args()
    chance = random.Random(7)
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder) / "study.toml"
        study.write_text(STUDY.format(steps=max(arguments.points // 4, 2)), encoding="utf-8")
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}

        def start(out: str) -> subprocess.Popen[bytes]:
            command = [
                sys.executable,
                "-m",
                "femsim",
                "sweep",
                str(study),
                "--out",
                f"{folder}/{out}",
                "--quiet",
                "--workers",
                "2",
            ]
            return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)

        if start("quiet").wait():
            return 1
        quiet = pq.read_table(f"{folder}/quiet/results.parquet").drop_columns(["seconds"])
        kills, parents, rounds = 0, 0, 0
        while kills < arguments.kills:
            rounds += 1
            process = start(f"round{rounds}")
            while process.poll() is None:
                time.sleep(
                    chance.uniform(0.1, 2.0) if chance.random() < 0.2 else chance.uniform(1.5, 5.0)
                )  # some while it starts
                workers = below(process.pid)
                victim = process.pid if chance.random() < 0.4 or not workers else chance.choice(workers)
                if kills >= arguments.kills or process.poll() is not None:
                    process.wait()
                    break
                os.kill(victim, signal.SIGKILL)
                kills, parents = kills + 1, parents + (victim == process.pid)
                if victim == process.pid:
                    process.wait()
                    process = start(f"round{rounds}")
            found = pq.read_table(f"{folder}/round{rounds}/results.parquet").drop_columns(["seconds"])
            if process.returncode or not found.equals(quiet):
                print(f"round {rounds}: exit code {process.returncode}, equal {found.equals(quiet)}")
                return 1
        print(
            f"{kills} kills ({parents} of the parent) in {rounds} studies of {quiet.num_rows} points: all equal "
            f"the undisturbed one"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
