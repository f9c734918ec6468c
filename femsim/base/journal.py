"""A log file: what is done, when, and what was warned of, for whoever looks later."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from femsim.base.errors import InputError, printable

_FILE: ContextVar[TextIO | None] = ContextVar("_FILE", default=None)


def note(text: str) -> None:
    """One line with the time into the log, where there is one; a disk that is full does not stop the work."""
    stream = _FILE.get()
    if stream is None:
        return
    with contextlib.suppress(OSError, ValueError):
        stream.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}Z  {printable(' '.join(text.split()))}\n")
        stream.flush()


@contextlib.contextmanager
def journal(path: str | None) -> Iterator[None]:
    """Append to a log file while the block runs; None: no log. Raises InputError where it cannot be written."""
    if path is None:
        yield
        return
    try:
        stream = Path(path).open("a", encoding="utf-8", errors="backslashreplace")  # noqa: SIM115
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"--log: {printable(path)}: {reason}") from None
    token = _FILE.set(stream)
    try:
        yield
    finally:
        _FILE.reset(token)
        stream.close()
