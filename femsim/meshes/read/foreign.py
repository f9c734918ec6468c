"""Mesh files that another library's readers read: in a process of its own, with limits on time and memory.

meshio's readers trust what they read: some never end on a truncated file, some take as much memory as a number in the
file says. The child process may take as long and as much as a file of that size can need, and what it found comes back
as plain arrays: a document of JSON, then the arrays in numpy's own format without pickles.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from femsim.base.errors import InputError
from femsim.meshes.read.other import kinds_of, read_other
from femsim.meshes.read.raw import Group, Raw, fail

#: seconds of processor time for a small file (most of it is the start), and for each MB of a large one
SECONDS, SECONDS_PER_MB = 3.0, 4.0
#: bytes of memory for a small file beyond what the libraries take, and for each byte of a large one
BYTES, BYTES_PER_BYTE = 400_000_000, 200
#: how long the waiting may be, since other work may share the processor: seconds at least, and times the other limit
WAIT, PATIENCE = 8.0, 2.0
#: what the child runs
_CHILD = f"import sys; from {__name__} import answer; answer(sys.argv[1])"


def read_foreign(path: Path) -> Raw:
    """What meshio finds in a file. Raises InputError where it cannot read it, or needs more than a file of that size
    should.
    """
    size = path.stat().st_size
    if not sys.executable:  # Python inside another program: there is no interpreter to start
        return read_other(path)
    seconds = WAIT + PATIENCE * (SECONDS + SECONDS_PER_MB * size / 1e6)
    package = str(Path(__file__).resolve().parents[3])
    known = os.environ.get("PYTHONPATH", "")
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}
    environment["PYTHONPATH"] = os.pathsep.join(part for part in (package, known) if part)
    command = [sys.executable, "-P", "-c", _CHILD, str(path.resolve())]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        fail(path, f"cannot be read: meshio does not come to an end within {seconds:.0f} s; is the file damaged?")
    said = io.BytesIO(done.stdout)
    try:
        head = json.loads(said.readline())
        if "error" in head:
            fail(path, head["error"])
        return _received(head, said)
    except (ValueError, KeyError, EOFError):
        limit = "too much time" if done.returncode == -24 else "too much memory or time"
        fail(path, f"cannot be read: meshio ended over it ({limit}?); is the file damaged, or its numbers impossible?")


def _sent(raw: Raw, channel: BinaryIO) -> None:
    """Write what was read."""
    arrays: list[npt.NDArray[Any]] = []

    def at(array: npt.NDArray[Any]) -> int:
        arrays.append(np.ascontiguousarray(array))
        return len(arrays) - 1

    head = {
        "points": at(raw.points),
        "blocks": [[kind, at(nodes)] for kind, nodes in raw.blocks],
        "groups": [[g.name, g.dim, at(g.cells), g.sure, g.numbered] for g in raw.groups],
        "node_sets": [[name, at(nodes)] for name, nodes in raw.node_sets.items()],
        "point_data": [[name, at(values)] for name, values in raw.point_data.items()],
        "notes": raw.notes,
    }
    channel.write(json.dumps(head).encode() + b"\n")
    for array in arrays:
        np.lib.format.write_array(channel, array, allow_pickle=False)


def _received(head: dict[str, Any], channel: BinaryIO) -> Raw:
    arrays: list[npt.NDArray[Any]] = []
    while channel.read(1):
        channel.seek(-1, os.SEEK_CUR)
        arrays.append(np.lib.format.read_array(channel, allow_pickle=False))
    return Raw(
        arrays[head["points"]],
        [(kind, arrays[n]) for kind, n in head["blocks"]],
        [Group(name, dim, arrays[n], sure, numbered) for name, dim, n, sure, numbered in head["groups"]],
        {name: arrays[n] for name, n in head["node_sets"]},
        {name: arrays[n] for name, n in head["point_data"]},
        list(head["notes"]),
    )


# ---------------------------------------------------------------- the child


def _limit(size: int) -> None:
    """Ask the system to end this process where it takes too much for a file of so many bytes."""
    try:
        import resource
    except ImportError:  # Windows: the parent's patience is what there is
        return

    def lower(kind: int, value: float) -> None:
        soft, hard = resource.getrlimit(kind)
        known = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (min([int(value), *known]), hard))

    seconds = SECONDS + SECONDS_PER_MB * size / 1e6
    lower(resource.RLIMIT_CPU, seconds + 1)
    lower(resource.RLIMIT_CORE, 0)
    with contextlib.suppress(OSError, ValueError, IndexError):
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[0]
        used = float(pages) * os.sysconf("SC_PAGE_SIZE")
        lower(resource.RLIMIT_AS, used + BYTES + BYTES_PER_BYTE * size)


def _unpacked(path: Path) -> None:
    """Refuse a file that unpacks to far more than a mesh does; text of numbers packs five to ten times."""
    import gzip

    most, count = 50_000_000 + 50 * path.stat().st_size, 0
    with gzip.open(path) as stream:
        while part := stream.read(1 << 20):
            count += len(part)
            if count > most:
                raise ValueError(f"it unpacks to more than {most / 1e6:.0f} MB")


def answer(argument: str) -> None:
    """Read the file, and write what was found to the stream that was standard output."""
    path = Path(argument)
    channel = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what meshio prints must not disturb the answer
    kind = path.suffix
    printed = io.StringIO()
    try:
        import meshio  # noqa: F401  loaded before the limit is measured from what is in use

        kind = " or ".join(kinds_of(path))
        _limit(path.stat().st_size)
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if path.suffix.lower() == ".gz":
                _unpacked(path)
            raw = read_other(path)
        whole = io.BytesIO()
        _sent(raw, whole)
        channel.write(whole.getbuffer())
    except InputError as error:
        _refuse(channel, str(error).removeprefix(f"{path}: "))
    except ImportError as error:
        said = f"a {kind} file needs the package {error.name or error}: pip install {error.name or error}"
        _refuse(channel, said)
    except MemoryError:
        _refuse(channel, f"cannot be read as a {kind} file: it needs more memory than a file of its size should")
    except RecursionError:
        _refuse(channel, f"cannot be read as a {kind} file: nested too deeply")
    except (Exception, SystemExit) as error:  # meshio raises whatever its parsers raise, and leaves by sys.exit
        said = printed.getvalue().strip() if isinstance(error, SystemExit) else f"{type(error).__name__} {error}"
        said = " ".join(said.replace(str(path), "it").split())[:160]
        _refuse(channel, f"cannot be read as a {kind} file (truncated, damaged or of another format): {said}")
    channel.flush()


def _refuse(channel: BinaryIO, text: str) -> None:
    channel.write(json.dumps({"error": text}).encode() + b"\n")
