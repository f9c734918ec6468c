"""What a process may use of the machine: the least of what the system, its control groups and the shell leave."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import femsim
from femsim.base import system
from femsim.base.errors import NumericsError
from femsim.base.system import free_bytes, parse_vm_stat, processors, require

SOURCE = str(Path(femsim.__file__).parents[1])
GB = 1024**3
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="control groups and /proc")


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """Files of the system as a test wants them; paths below /sys/fs/cgroup are directories of ``tmp_path``."""
    held = {"/proc/meminfo": f"MemTotal: 1\nMemAvailable: {64 * GB // 1024} kB\n"}

    def text(path: str | Path) -> str:
        return held.get(str(path).replace(str(tmp_path), ""), "")

    monkeypatch.setattr(system, "_text", text)
    monkeypatch.setattr(sys, "platform", "linux")
    return held


def group(files: dict[str, str], tmp_path: Path, place: str, **entries: object) -> None:
    """A control group's directory with its files."""
    (tmp_path / place.strip("/")).mkdir(parents=True, exist_ok=True)
    files.update({f"{place}/{name.replace('__', '.')}": str(value) for name, value in entries.items()})


def mounted(files: dict[str, str], tmp_path: Path, kind: str, root: str = "/", options: str = "rw") -> None:
    files["/proc/self/mountinfo"] = f"35 31 0:32 {root} {tmp_path}/cg rw,relatime - {kind} {kind} {options}\n"


def test_without_limits_the_system_says(files: dict[str, str]) -> None:
    assert free_bytes() == 64 * GB


@pytest.mark.parametrize("outer", ["max", 3 * GB])
def test_version_2_counts_the_groups_above_too(files: dict[str, str], tmp_path: Path, outer: object) -> None:
    """The limit less the use, and the file cache that would be given back; below a limited slice that counts."""
    files["/proc/self/cgroup"] = "0::/slice/job\n"
    mounted(files, tmp_path, "cgroup2")
    group(files, tmp_path, "/cg/slice", memory__max=outer, memory__current=GB)
    stat = f"anon 5\ninactive_file {GB // 2}\n"
    group(files, tmp_path, "/cg/slice/job", memory__max=8 * GB, memory__current=2 * GB, memory__stat=stat)
    assert free_bytes() == (6.5 * GB if outer == "max" else 2 * GB)


def test_version_1(files: dict[str, str], tmp_path: Path) -> None:
    files["/proc/self/cgroup"] = "4:cpuset:/\n3:cpu,memory:/docker/abc\n"
    mounted(files, tmp_path, "cgroup", options="rw,memory")
    group(files, tmp_path, "/cg", memory__limit_in_bytes=2**63 - 4096, memory__usage_in_bytes=9)
    group(files, tmp_path, "/cg/docker/abc", memory__limit_in_bytes=900 * 1024**2, memory__usage_in_bytes=100 * 1024**2)
    assert free_bytes() == 800 * 1024**2


def test_a_container_sees_its_group_at_the_mount(files: dict[str, str], tmp_path: Path) -> None:
    """The path in /proc/self/cgroup is one of the host; what is mounted is the container's own group."""
    files["/proc/self/cgroup"] = "3:memory:/docker/abc\n"
    mounted(files, tmp_path, "cgroup", root="/docker/abc", options="rw,memory")
    group(files, tmp_path, "/cg", memory__limit_in_bytes=GB, memory__usage_in_bytes=0)
    assert free_bytes() == GB


@LINUX
def test_a_quota_of_processors(files: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(64))
    files["/proc/self/cgroup"] = "0::/job\n"
    mounted(files, tmp_path, "cgroup2")
    group(files, tmp_path, "/cg/job", cpu__max="150000 100000")
    assert processors() == 2
    files["/cg/job/cpu.max"] = "max 100000"
    assert processors() == 64
    files["/proc/self/cgroup"] = "3:cpu,cpuacct:/job\n"
    mounted(files, tmp_path, "cgroup", options="rw,cpu,cpuacct")
    group(files, tmp_path, "/cg/job", cpu__cfs_quota_us=400000, cpu__cfs_period_us=100000)
    assert processors() == 4


def test_macos() -> None:
    text = (
        "Mach Virtual Memory Statistics: (page size of 16384 bytes)\nPages free:                100.\n"
        "Pages active:              999.\nPages inactive:                200.\nPages speculative:          30.\n"
        "Pages purgeable:                 4.\n"
    )
    assert parse_vm_stat(text) == 16384 * 334
    assert parse_vm_stat("") is None


def test_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """MEMORYSTATUSEX as the Win32 API lays it out: the free part of the memory, or of the page file if that is less."""
    import ctypes
    from types import SimpleNamespace

    def status(pointer: object) -> int:
        structure = pointer._obj  # type: ignore[attr-defined]
        assert structure.length == ctypes.sizeof(structure) == 64
        numbers = (ctypes.c_uint64 * 8).from_address(ctypes.addressof(structure))
        numbers[2], numbers[4] = 7 * GB, 5 * GB  # behind two numbers of four bytes and ullTotalPhys; ullAvailPageFile
        return 1

    monkeypatch.setattr(sys, "platform", "win32")
    kernel = SimpleNamespace(GlobalMemoryStatusEx=status)
    monkeypatch.setattr(ctypes, "windll", SimpleNamespace(kernel32=kernel), raising=False)
    assert system._available() == 5 * GB


def test_what_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "free_bytes", lambda: 2e9)
    with pytest.raises(NumericsError, match=r"^this needs about 3.0 GB, 2.0 GB are free; use a larger mesh.size"):
        require(3e9, "this")
    require(1e9, "this")
    monkeypatch.setattr(system, "free_bytes", lambda: None)
    require(1e15, "this")


# ---------------------------------------------------------------- as a user meets it


def limited(command: str, *options: str) -> subprocess.CompletedProcess[str]:
    """A solve that takes some GB, behind a shell command that limits it."""
    argv = [sys.executable, "-m", "femsim", "solve", "bilayer", "--quiet", "--json", *options]
    environment = {**os.environ, "PYTHONPATH": SOURCE, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        ["sh", "-c", f'{command}; exec "$@"', "sh", *argv], capture_output=True, text=True, env=environment, timeout=120
    )


@LINUX
@pytest.mark.parametrize("solver", ["superlu", ""])
def test_a_limit_of_the_shell_is_told(monkeypatch: pytest.MonkeyPatch, solver: str) -> None:
    """One line, exit 3, and nothing on standard output, where C libraries would say that they got nothing."""
    monkeypatch.setenv("FEMSIM_SOLVER", solver)
    done = limited("ulimit -v 1536000", "--set", "mesh.size=0.001", "--set", "mesh.largest=0.6")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.count("\n") == 1
    assert "GB are free" in done.stderr


@LINUX
def test_a_limit_of_a_control_group_is_told() -> None:
    """900 MB, as a container or a Slurm job would have: refused instead of killed."""
    place = Path("/sys/fs/cgroup/memory") / f"femsim-test-{os.getpid()}"
    try:
        place.mkdir()
        (place / "memory.limit_in_bytes").write_text(str(900 * 1024**2))
    except OSError:
        pytest.skip("control groups of version 1 cannot be made here")
    try:
        done = limited(f"echo $$ > {place}/cgroup.procs", "--set", "mesh.size=0.001", "--set", "mesh.largest=0.5")
    finally:
        place.rmdir()
    assert done.returncode == 3, done.stderr
    assert "0.8 GB are free" in done.stderr or "0.9 GB are free" in done.stderr
