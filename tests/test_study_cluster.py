"""Studies beyond one machine: a real Slurm and a real Dask cluster give the rows of the local engine, also when workers
are killed.

Slurm is taken as found (``sbatch`` and an answering controller) or started on loopback by tests/slurm.sh where its
daemons are installed and may be started; without it, or without Dask, the tests are skipped and say so.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("pyarrow")
import pyarrow.parquet as pq

from femsim.base.errors import InputError
from femsim.study.slurm import Jobs, prepare, read_site, run_task, submit
from femsim.study.sweep import existing, local_engine, open_study, sweep
from femsim.study.worker import pinned

SOURCE = str(Path(__file__).resolve().parents[1])
SLURM_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "study.toml"
    path.write_text(
        'case = "bilayer"\n[study]\ndesign = "lhs"\nsamples = 24\nset = ["mesh.size=1", "mesh.growth=3"]\n'
        '[[parameter]]\nkey = "geometry.ratio"\nrange = [3.5, 8]\n[[parameter]]\nkey = '
        '"materials.post"\nvalues = ["copper", "gold"]\n'
    )
    return path


@pytest.fixture
def reference(study: Path, tmp_path: Path) -> Path:
    return sweep(open_study(study, tmp_path / "local"), local_engine(1), quiet=True).results


#: a directory's name with all that a shell and sbatch read as something else
ODD = "a \"b\" 'c' 100% $(touch PWNED) `touch PWNED` # ; x"


def same_rows(a: Path, b: Path) -> None:
    one, two = (pq.read_table(p).drop_columns(["seconds"]) for p in (a, b))
    assert one.equals(two)


# ---------------------------------------------------------------- slurm


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A Slurm that answers, for this module."""
    before = dict(os.environ)
    os.environ["PATH"] = SLURM_PATH
    started = None
    try:
        if shutil.which("sbatch") is None:
            pytest.skip("Slurm is not installed")
        if subprocess.run(["scontrol", "ping"], capture_output=True, check=False, timeout=30).returncode:
            if os.geteuid() != 0 or shutil.which("slurmctld") is None or shutil.which("munged") is None:
                pytest.skip("Slurm does not answer and cannot be started here")
            started = tmp_path_factory.mktemp("slurm")
            script = str(Path(__file__).parent / "slurm.sh")
            done = subprocess.run(
                ["bash", script, "up", str(started)], capture_output=True, text=True, check=False, timeout=120
            )
            if done.returncode:
                pytest.skip(f"Slurm does not start here: {done.stderr[-200:]}")
            os.environ["SLURM_CONF"] = str(started / "slurm.conf")
        yield
    finally:
        if started is not None:
            subprocess.run(
                ["bash", str(Path(__file__).parent / "slurm.sh"), "down", str(started)], check=False, timeout=60
            )
        os.environ.clear()
        os.environ.update(before)


def wait_for(jobs: tuple[str, ...], seconds: float = 240.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        left = subprocess.run(["squeue", "-h", "-o", "%i"], capture_output=True, text=True, check=True).stdout.split()
        if not left:
            return
        time.sleep(0.5)
    raise AssertionError(f"jobs {jobs} did not end: {left}")


@pytest.mark.slow
def test_slurm_gives_the_rows_of_the_local_engine(slurm: None, study: Path, reference: Path, tmp_path: Path) -> None:
    out = tmp_path / ODD
    command = [
        sys.executable,
        "-m",
        "femsim",
        "sweep",
        str(study),
        "--out",
        str(out),
        "--engine",
        "slurm",
        "--chunk",
        "8",
        "--submit",
    ]
    environment = {**os.environ, "PYTHONPATH": SOURCE}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert "24 points in 3 tasks of up to 8" in done.stdout
    wait_for(())
    same_rows(reference, out / "results.parquet")
    assert len([log for log in (out / "slurm" / "log").glob("*_*.out") if log.read_text()]) == 3
    again = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert "none run" in again.stdout


@pytest.mark.slow
def test_slurm_tasks_that_are_killed_are_submitted_again(
    slurm: None, study: Path, reference: Path, tmp_path: Path
) -> None:
    store = open_study(study, tmp_path / "s")
    jobs = submit(prepare(store, range(24), read_site(None, python=sys.executable), chunk=8))
    time.sleep(3.0)
    listed = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout.splitlines()
    mine = [int(line.split()[0]) for line in listed if "femsim.cli.study" in line and str(store.directory) in line]
    for pid in mine:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    wait_for(jobs.submitted)
    same_rows(reference, tmp_path / "s" / "results.parquet")


def test_scripts_say_what_a_site_wants(study: Path, tmp_path: Path) -> None:
    profile = tmp_path / "site.toml"
    profile.write_text(
        '[slurm]\naccount = "chips"\ntime = "00:20:00"\nsetup = ["module load python"]\noptions = '
        '["--constraint=avx2"]\n'
    )
    store = open_study(study, tmp_path / "s")
    jobs = prepare(store, range(24), read_site(profile, partition="long"), chunk=10)
    script = next(jobs.directory.glob("array-*.sh")).read_text()
    for line in (
        "--account=chips",
        "--time=00:20:00",
        "--constraint=avx2",
        "--partition=long",
        "--requeue",
        "--array=0-2",
    ):
        assert f"#SBATCH {line}\n" in script
    assert script.index("module load python") < script.index("export OMP_NUM_THREADS=1") < script.index("exec ")
    assert "--dependency=afterany" in (jobs.directory / "submit.sh").read_text()
    for path in jobs.directory.glob("*.sh"):
        assert subprocess.run(["bash", "-n", str(path)], check=False).returncode == 0
    profile.write_text("slurm = 3\n")
    with pytest.raises(InputError, match="slurm: 3 is not a table"):
        read_site(profile)
    profile.write_text('[slurm]\npartiton = "x"\n')
    with pytest.raises(InputError, match="did you mean 'partition'"):
        read_site(profile)


def test_names_of_directories_are_quoted_in_scripts(study: Path, tmp_path: Path) -> None:
    """bash and sbatch, which splits its lines as a shell does, find the directory's name as it is."""
    where = tmp_path / ODD
    store = open_study(study, where)
    jobs = prepare(store, range(24), read_site(None), chunk=24)
    for script in jobs.directory.glob("*.sh"):
        words = [shlex.split(line[8:], comments=True) for line in script.read_text().splitlines() if "#SBATCH " in line]
        assert all(len(options) == 1 for options in words)
        outputs = [option[0].removeprefix("--output=") for option in words if option[0].startswith("--output")]
        places = {Path(output.replace("%%", "%")).parent for output in outputs}
        assert places <= {jobs.directory.resolve() / "log"}
    (script,) = jobs.directory.glob("array-*.sh")
    lines = script.read_text().replace("exec ", "printf '%s\\n' ", 1)
    environment = {**os.environ, "SLURM_ARRAY_TASK_ID": "0"}
    done = subprocess.run(["bash", "-c", lines], stdout=subprocess.PIPE, text=True, env=environment, check=True)
    assert str(where.resolve()) in done.stdout.splitlines()
    assert not list(tmp_path.rglob("PWNED"))


@pytest.mark.parametrize("break_", ["\n", "\r", "\x0b", "\u2028", "\x1b"])
def test_nothing_ends_a_line_of_a_script(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], break_: str
) -> None:
    """A line break in whatever reaches a script is refused before anything is written."""
    from femsim.cli.main import main

    text = f"x{break_}touch PWNED{break_}#"
    profile = tmp_path / "site.toml"
    command = ["sweep", str(study), "--engine", "slurm", "--chunk", "8"]
    asked: list[tuple[str, list[str]]] = [("--out", ["--out", str(tmp_path / text)])]
    asked += [(f"--{key}", [f"--{key}", text]) for key in ("account", "partition", "time", "memory")]
    for key, value in {"python": text, "qos": text, "options": ["--comment=" + text], "account": "a b"}.items():
        asked.append((f"slurm.{key}", ["--profile", str(tmp_path / f"{key}.toml")]))
        (tmp_path / f"{key}.toml").write_text(f"[slurm]\n{key} = {json.dumps(value)}\n")
    asked.append(("--out", ["--out", str(tmp_path / "back\\slash")]))
    for where, options in asked:
        more = [] if "--out" in options else ["--out", str(tmp_path / "s")]
        assert main([*command, *more, *options]) == 2
        said = capsys.readouterr().err
        assert where in said
        assert said.count("\n") == 1
    odd = study.with_name(f"{text}.toml")
    odd.write_text(study.read_text())
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", str(odd), "--engine", "slurm", "--chunk", "8"]) == 2  # the default of --out
    (tmp_path / text).mkdir()
    monkeypatch.chdir(tmp_path / text)
    assert main([*command, "--out", "inside"]) == 2
    assert main(["jobscript", "bilayer", "--out", text]) == 2
    assert main(["jobscript", "bilayer", "--account", text]) == 2
    monkeypatch.chdir(tmp_path)
    assert not list(tmp_path.rglob("*.sh"))
    assert not list(tmp_path.rglob("study.json"))
    assert not profile.exists()


def test_tasks_leave_out_what_is_done_and_may_run_twice(study: Path, reference: Path, tmp_path: Path) -> None:
    store = open_study(study, tmp_path / "s")
    jobs = prepare(store, range(24), read_site(None), chunk=12)
    chunks = next(jobs.directory.glob("chunks-*.json")).name
    assert run_task(store, chunks, 0) == 12
    assert run_task(store, chunks, 0) == 0
    assert run_task(store, chunks, 1) == 12
    from femsim.study.slurm import collect

    assert "24 rows" in collect(existing(tmp_path / "s"), 0)
    same_rows(reference, tmp_path / "s" / "results.parquet")


def test_jobscript_asks_for_what_the_model_needs(capsys: pytest.CaptureFixture[str]) -> None:
    from femsim.cli.main import main

    asked = []
    for size in ("1e-2", "1e-6"):
        over = ["--set", f"mesh.size={size}", "--set", f"mesh.growth={1.3 if size == '1e-2' else 1.05}"]
        assert main(["jobscript", "bilayer", *over]) == 0
        text = capsys.readouterr().out
        memory = re.search(r"--mem=(\d+)G", text)
        cores = re.search(r"--cpus-per-task=(\d+)", text)
        assert memory is not None
        assert cores is not None
        asked.append((int(memory[1]), int(cores[1])))
    assert asked[0][0] < asked[1][0]
    assert asked[0][1] < asked[1][1]


def test_jobscript_is_a_script_for_one_case(capsys: pytest.CaptureFixture[str]) -> None:
    from femsim.cli.main import main

    assert main(["jobscript", "bilayer", "--set", "mesh.size=1e-4", "--cpus", "8", "--memory", "16G"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("#!/bin/bash\n#SBATCH ")
    assert "#SBATCH --cpus-per-task=8" in text
    assert "export OMP_NUM_THREADS=${SLURM_CPUS_PER_TASK:-1}" in text
    assert "-m femsim solve bilayer --set mesh.size=1e-4 --out bilayer-results" in text
    assert main(["jobscript", "bilayr"]) == 2


# ---------------------------------------------------------------- dask


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and two workers, each in a process of its own."""
    pytest.importorskip("distributed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    environment = pinned({**os.environ, "PYTHONPATH": SOURCE})  # as the nanny of a Dask worker does
    port = address.rsplit(":", 1)[1]

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        quiet = subprocess.DEVNULL
        command = [sys.executable, "-m", "distributed.cli.dask_" + arguments[0], *arguments[1:]]
        return subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet, cwd=tmp_path)

    scheduler = start("scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard")
    workers = [
        start(
            "worker",
            address,
            "--nthreads",
            "1",
            "--no-nanny",
            "--no-dashboard",
            "--local-directory",
            str(tmp_path / f"w{i}"),
        )
        for i in range(2)
    ]
    try:
        yield address, workers
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.wait()


@pytest.mark.slow
def test_dask_gives_the_rows_of_the_local_engine_with_a_worker_killed(
    cluster: tuple[str, list[subprocess.Popen[bytes]]], study: Path, reference: Path, tmp_path: Path
) -> None:
    address, workers = cluster
    command = [
        sys.executable,
        "-m",
        "femsim",
        "sweep",
        str(study),
        "--out",
        str(tmp_path / "d"),
        "--engine",
        "dask",
        "--scheduler",
        address,
    ]
    process = subprocess.Popen([*command, "--quiet"], env={**os.environ, "PYTHONPATH": SOURCE})
    deadline = time.monotonic() + 60
    while (
        not list((tmp_path / "d" / "parts").glob("*.parquet"))
        and process.poll() is None
        and time.monotonic() < deadline
    ):
        time.sleep(0.02)
    workers[0].kill()
    assert process.wait(120) == 0
    same_rows(reference, tmp_path / "d" / "results.parquet")


def test_dask_without_a_scheduler_is_one_line(study: Path, tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    from femsim.study import dasked

    store = open_study(study, tmp_path / "d")
    with pytest.raises(InputError, match="no Dask scheduler answers there"):
        dasked.run_dask(store, [0], None, "tcp://127.0.0.1:9", timeout=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("retry", [False, True])
def test_tasks_run_failed_points_again_where_asked(tmp_path: Path, retry: bool) -> None:
    """One point of four fails for good: a task leaves its row alone, or runs it once more."""
    path = tmp_path / "s.toml"
    path.write_text(
        'case = "bilayer"\n[study]\ndesign = "grid"\nset = ["mesh.size=1", "mesh.growth=3"]\n'
        '[[parameter]]\nkey = "geometry.post_radius"\nvalues = [40, 60]\n[[parameter]]\nkey = '
        '"geometry.cell_radius"\nvalues = [50, 150]\n'
    )
    store = open_study(path, tmp_path / "out")
    assert run_task(store, _chunks(prepare(store, range(4), read_site(None), chunk=4)), 0) == 4
    assert len(store.state().failed) == 1
    again = prepare(store, store.missing(store.state(), retry), read_site(None), chunk=4, retry_failed=retry)
    assert again.points == int(retry)
    if retry:
        assert run_task(store, _chunks(again), 0) == 1


def _chunks(jobs: Jobs) -> str:
    return max(jobs.directory.glob("chunks-*.json"), key=lambda path: path.stat().st_mtime_ns).name
