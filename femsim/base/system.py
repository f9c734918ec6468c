"""What this process may use of the machine: memory and processors, as the system, its control groups and the shell
limit them.

A process in a container, a Slurm job or a systemd unit sees the whole machine in ``/proc/meminfo`` and is killed at the
limit of its control group, so the least of all limits is what counts:

- the memory that the system says is available;
- of the memory control group and of every group above it (cgroup v1 and v2, kernel documentation
  "admin-guide/cgroup-v2.rst" and "cgroup-v1/memory.rst"): limit - use + file cache, which is given back under pressure;
- of ``ulimit -v`` and ``ulimit -d`` (getrlimit(2)): limit - address space (data) in use.
"""

from __future__ import annotations

import contextlib
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from femsim.base.errors import NumericsError

#: less memory than this is not looked for (bytes): asking the system costs a point of a study more than it is worth
_SMALL = 5.0e7
#: a limit above this many bytes is none (cgroup v1 writes the largest multiple of a page)
_NO_LIMIT = float(2**60)


def free_bytes() -> float | None:
    """Bytes this process can still take before it is refused or killed; None where the system does not say."""
    found = [value for value in (_available(), _group_memory(), _shell_limit()) if value is not None]
    return max(min(found), 0.0) if found else None


def require(needed: float, what: str) -> None:
    """Raise NumericsError where so many bytes are not there, instead of letting the system kill the process."""
    free = free_bytes() if needed > _SMALL else None
    if free is not None and needed > free:
        raise NumericsError(
            f"{what} needs about {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free; "
            "use a larger mesh.size or mesh.growth"
        )


def processors() -> int:
    """Processors this process may use: those it may run on, and no more than its control group's quota of time."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:
        count = os.cpu_count() or 1
    quota = _group_processors()
    return max(count if quota is None else min(count, math.ceil(quota)), 1)


# ---------------------------------------------------------------- the whole machine


def _available() -> float | None:
    if sys.platform == "win32":
        return _windows()
    if sys.platform == "darwin":
        return _macos()
    for line in _text("/proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            return float(line.split()[1]) * 1024.0
    with contextlib.suppress(ValueError, OSError):
        return float(os.sysconf("SC_AVPHYS_PAGES")) * float(os.sysconf("SC_PAGE_SIZE"))
    return None


def _macos() -> float | None:
    """Free, inactive, speculative and purgeable pages, as vm_stat(1) counts them."""
    try:
        said = subprocess.run(["/usr/bin/vm_stat"], capture_output=True, text=True, timeout=5, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return parse_vm_stat(said)


def parse_vm_stat(text: str) -> float | None:
    """Bytes available from the text of vm_stat(1) of macOS."""
    head, *lines = text.splitlines() or [""]
    words = head.replace(")", " ").split()
    if "size" not in words or "of" not in words:
        return None
    page = float(words[words.index("of") + 1])
    wanted = ("Pages free", "Pages inactive", "Pages speculative", "Pages purgeable")
    counts = [float(line.partition(":")[2].strip(" .")) for line in lines if line.partition(":")[0] in wanted]
    return page * sum(counts) if counts else None


def _windows() -> float | None:
    """``ullAvailPhys`` of GlobalMemoryStatusEx (MEMORYSTATUSEX, Win32 API), no more than the page file can take."""
    import ctypes

    class Status(ctypes.Structure):
        _fields_ = [("length", ctypes.c_uint32), ("load", ctypes.c_uint32)] + [
            (name, ctypes.c_uint64)
            for name in ("total", "free", "total_page", "free_page", "virtual", "free_virtual", "x")
        ]

    status = Status()
    status.length = ctypes.sizeof(Status)
    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009  (mypy knows windll on Windows only)
    if not kernel.GlobalMemoryStatusEx(ctypes.byref(status)):
        return None
    return float(min(status.free, status.free_page))


# ---------------------------------------------------------------- control groups


def _group_memory() -> float | None:
    """The least that any of the memory control groups around this process leaves."""
    found: list[float] = []
    for place, unified in _groups("memory"):
        limits = ("memory.max", "memory.high") if unified else ("memory.limit_in_bytes",)
        for name in limits:
            limit = _number(place / name)
            use = _number(place / ("memory.current" if unified else "memory.usage_in_bytes"))
            if limit is not None and limit < _NO_LIMIT and use is not None:
                cache = _entry(place / "memory.stat", "inactive_file" if unified else "total_inactive_file")
                found.append(limit - use + cache)
    return min(found) if found else None


def _group_processors() -> float | None:
    """Processors' worth of time that the cpu control groups around this process grant."""
    found: list[float] = []
    for place, unified in _groups("cpu"):
        if unified:
            quota, _, period = _text(place / "cpu.max").partition(" ")
        else:
            quota, period = _text(place / "cpu.cfs_quota_us"), _text(place / "cpu.cfs_period_us")
        with contextlib.suppress(ValueError, ZeroDivisionError):
            if float(quota) > 0:
                found.append(float(quota) / float(period))
    return min(found) if found else None


def _groups(controller: str) -> Iterator[tuple[Path, bool]]:
    """The directories of this process's control group and of those above it, and whether they are of version 2.

    Inside a container ``/proc/self/cgroup`` may name a path of the host; then the mount's own root is the group.
    """
    for line in _text("/proc/self/cgroup").splitlines():
        number, _, rest = line.partition(":")
        names, _, inner = rest.partition(":")
        unified = number == "0" and not names
        if not unified and controller not in names.split(","):
            continue
        for mount, root in _mounts(controller, unified):
            below = inner.removeprefix(root.rstrip("/")) if inner.startswith(root) else inner
            place = mount / below.strip("/")
            if not place.is_dir():
                place = mount
            yield place, unified
            while place != mount:
                place = place.parent
                yield place, unified


def _mounts(controller: str, unified: bool) -> Iterator[tuple[Path, str]]:
    """Where the control groups of a controller are mounted, and which of them is mounted there."""
    for line in _text("/proc/self/mountinfo").splitlines():
        before, dash, after = line.partition(" - ")
        fields, kind = before.split(), after.split()
        if not dash or len(fields) < 5 or not kind:
            continue
        if (unified and kind[0] == "cgroup2") or (
            not unified and kind[0] == "cgroup" and controller in kind[-1].split(",")
        ):
            yield Path(fields[4]), fields[3]


# ---------------------------------------------------------------- limits of the shell


def _shell_limit() -> float | None:
    """What ``ulimit -v`` and ``ulimit -d`` leave; None where there is none or the system does not tell the use."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    sizes = _text("/proc/self/statm").split()
    if len(sizes) < 6:
        return None
    page, found = float(os.sysconf("SC_PAGE_SIZE")), []
    for limit, pages in ((resource.RLIMIT_AS, sizes[0]), (resource.RLIMIT_DATA, sizes[5])):
        soft = resource.getrlimit(limit)[0]
        if soft != resource.RLIM_INFINITY:
            found.append(float(soft) - page * float(pages))
    return min(found) if found else None


def _text(path: str | Path) -> str:
    try:
        return Path(path).read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""


def _number(path: Path) -> float | None:
    try:
        return float(_text(path))
    except ValueError:  # "max", or no such file
        return None


def _entry(path: Path, key: str) -> float:
    """A number of a file of ``key number`` lines; 0 where it is missing."""
    for line in _text(path).splitlines():
        name, _, value = line.partition(" ")
        if name == key:
            return float(value)
    return 0.0
