"""Files that appear whole or not at all: written beside their place under another name, then moved over it in one
step.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import select
import shutil
import signal
import stat
import threading
from collections.abc import Collection, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from femsim.base.errors import InputError, printable

_PREFIX = ".femsim-"
#: where the names of devices and open streams stand
_DEVICES = (Path("/dev"), Path("/dev/fd"))
#: seconds after which a pipe that says nothing is given up
PATIENCE = 10.0
#: bytes of the largest JSON document that is read
MOST_JSON = 4_000_000_000


def _beside() -> str:
    """A name that no other process takes."""
    return f"{_PREFIX}{os.urandom(6).hex()}"


def atomic_write(path: str | Path, content: bytes | str) -> None:
    """Write a file so that readers, and a crash, see the old one or the new one and nothing between. A device or a pipe
    is written to, and so is what /dev names by itself (/dev/stdout may be a file): none must be replaced by a file.
    """
    target = Path(path)
    raw = content.encode("utf-8") if isinstance(content, str) else content
    if (target.exists() and not target.is_file() and not target.is_dir()) or target.parent in _DEVICES:
        try:
            with target.open("wb") as stream:
                stream.write(raw)
        except OSError as error:
            _name(error, target)
            raise
        return
    if target.is_symlink():
        target = target.resolve()
    temporary = target.with_name(_beside())
    try:
        with temporary.open("xb") as stream:
            stream.write(raw)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):  # a full disk does not say where, and the name beside it says nothing
            _name(error, target)
        raise


def read_json(path: str | Path) -> Any:
    """The document of a JSON file. Raises OSError, or ValueError for what is no JSON, is not UTF-8, or nested too
    deeply.
    """
    raw = read_bytes(path, MOST_JSON)
    if len(raw) > MOST_JSON:
        raise ValueError(f"larger than {MOST_JSON / 1e9:g} GB")
    return parse_json(raw)


def parse_json(raw: bytes | str) -> Any:
    """The document of a JSON text. Raises ValueError."""
    try:
        return json.loads(raw)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def read_bytes(path: str | Path, most: int) -> bytes:
    """What a file holds, at most ``most`` + 1 bytes of it: a longer answer means that the file is larger.

    A pipe or a device gives what comes before its writer closes it; one that is silent for ``PATIENCE`` seconds raises
    TimeoutError (an OSError), so that nothing that a file name leads to can hold up a run or fill the memory.
    """
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    handle = os.open(path, flags)
    try:
        patient = not stat.S_ISREG(os.fstat(handle).st_mode)
        parts, left = [], most + 1
        while left > 0:
            if patient and hasattr(select, "poll"):
                waiting = select.poll()
                waiting.register(handle, select.POLLIN)
                if not waiting.poll(PATIENCE * 1e3):
                    raise TimeoutError(errno.ETIMEDOUT, f"nothing came within {PATIENCE:g} s", str(path))
            part = os.read(handle, min(left, 1 << 20))
            if not part:
                break
            parts.append(part)
            left -= len(part)
        return b"".join(parts)
    finally:
        os.close(handle)


def check_target(target: str | Path, label: str = "--out") -> None:
    """Raise InputError unless a directory of results can be made (or filled) at ``target``; tries it and leaves nothing
    behind.
    """
    path = Path(target)
    if not str(target):
        raise InputError(f"{label}: is empty; give a directory")
    shown = printable(path)
    try:
        if path.exists() and not path.is_dir():
            raise InputError(f"{label}: {shown} is a file, not a directory")
        if path.is_symlink() and not path.exists():
            raise InputError(f"{label}: {shown} is a link that leads nowhere")
        ground = _existing(path)
        if not ground.is_dir():
            raise InputError(f"{label}: {printable(ground)} is a file, not a directory")
        probe = ground / _beside()
        probe.mkdir()
        probe.rmdir()
    except (OSError, ValueError) as error:
        raise InputError(f"{label}: {shown}: cannot be written ({_reason(error)})") from None


def check_file(target: str | Path, label: str, endings: Collection[str] = ()) -> None:
    """Raise InputError unless a file can be written at ``target``, of one of the ``endings`` where these are given;
    nothing is left behind.
    """
    path = Path(target)
    shown = printable(path)
    if not path.name:
        raise InputError(f"{label}: {shown} names no file")
    if endings and path.suffix.lower() not in endings:
        raise InputError(f"{label}: {shown}: the ending {path.suffix!r} is not one of {', '.join(endings)}")
    try:
        if path.is_dir():
            raise InputError(f"{label}: {shown} is a directory, not a file")
        if not path.parent.is_dir():
            raise InputError(f"{label}: {printable(path.parent)}: no such directory")
        if path.exists() and not path.is_file():
            return
        probe = path.with_name(_beside())
        probe.touch(exist_ok=False)
        probe.unlink()
    except (OSError, ValueError) as error:
        raise InputError(f"{label}: {shown}: cannot be written ({_reason(error)})") from None


@contextlib.contextmanager
def staged_directory(target: str | Path, gone: Collection[str] = ()) -> Iterator[Path]:
    """A directory to fill; on leaving it its files replace those in ``target`` one by one, each whole. On an exception
    nothing is moved.

    Files of earlier results that the new ones lack stay, but for those that ``gone`` names by then: they are taken away
    in the same step, so that no signal can leave two runs mixed. The temporary directory is a sibling of ``target``, or
    lies inside it where it exists already (it may be a mount of its own), and is gone afterwards in any case.
    """
    path = Path(target)
    made: list[Path] = []
    stage: Path | None = None
    try:
        for parent in reversed([p for p in path.parents if not p.exists()]):
            parent.mkdir(exist_ok=True)
            made.append(parent)
        stage = (path if path.is_dir() else path.parent) / _beside()
        stage.mkdir()
        yield stage
        with _uninterrupted():
            _publish(stage, path)
            made.clear()
            for name in gone:
                with contextlib.suppress(OSError, ValueError):
                    (path / name).unlink(missing_ok=True)
    except OSError as error:
        if error.filename is None or (stage is not None and str(error.filename).startswith(str(stage))):
            _name(error, path)
        raise
    finally:
        with _uninterrupted():
            if stage is not None:
                shutil.rmtree(stage, ignore_errors=True)
            for parent in reversed(made):
                with contextlib.suppress(OSError):
                    parent.rmdir()


def _name(error: OSError, path: Path) -> None:
    """Let a system's error name a file, and no second one; an error that is words alone keeps them."""
    if error.errno is None:
        return
    error.filename = str(path)
    with contextlib.suppress(AttributeError):  # None would be shown as a name
        del error.filename2


def _publish(stage: Path, target: Path) -> None:
    if not target.exists():
        stage.rename(target)
        return
    files = sorted(p for p in stage.rglob("*") if not p.is_dir())
    for file in files:  # look before moving the first one
        place = target / file.relative_to(stage)
        if place.is_dir():
            raise InputError(f"--out: {place} is a directory where a file must go")
        if any(parent.exists() and not parent.is_dir() for parent in place.parents):
            raise InputError(f"--out: {place.parent} is a file where a directory must go")
    for file in files:
        place = target / file.relative_to(stage)
        place.parent.mkdir(parents=True, exist_ok=True)
        file.replace(place)


def _existing(path: Path) -> Path:
    for candidate in (path, *path.parents):
        if candidate.exists():
            return candidate
    return Path()


def _reason(error: OSError | ValueError) -> str:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return reason[:1].lower() + reason[1:]


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Holds back Ctrl-C, SIGTERM and SIGHUP for the few milliseconds in which files move, then lets them act."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: list[int] = []

    def remember(number: int, frame: FrameType | None) -> None:
        caught.append(number)

    wanted = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, remember) for number in wanted}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if caught:
        signal.raise_signal(caught[0])
