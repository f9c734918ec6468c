"""Progress on standard error: nothing for short work, one line that overwrites itself on a terminal, plain lines
elsewhere.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from types import TracebackType
from typing import TextIO

from femsim.base.errors import printable
from femsim.base.journal import note

#: seconds of work before the first line appears
PATIENCE = 1.0


class Progress:
    """Call it with what is being done; a step is shown once the work has lasted longer than ``patience`` seconds."""

    def __init__(self, stream: TextIO | None = None, quiet: bool = False, patience: float = PATIENCE) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._quiet = quiet
        self._patience = patience
        self._start = time.monotonic()
        self._step = ""
        self._shown = ""
        self._lock = threading.RLock()
        self._timer: threading.Timer | None = None
        self._terminal = bool(getattr(self._stream, "isatty", lambda: False)())

    def __call__(self, step: str) -> None:
        """Say what begins now."""
        note(step)
        if self._quiet:
            return
        with self._lock:
            self._step = printable(" ".join(step.split()))
            waited = time.monotonic() - self._start
            if waited >= self._patience:
                self._show()
            elif self._timer is None:
                self._timer = threading.Timer(self._patience - waited, self._show)
                self._timer.daemon = True
                self._timer.start()

    def clear(self) -> None:
        """Take the line off a terminal, so that other text can be written."""
        with self._lock:
            if self._terminal and self._shown:
                self._write("\r\x1b[K")
            self._shown = ""

    def close(self) -> None:
        """No more progress."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            self._quiet = True
            self.clear()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _show(self) -> None:
        with self._lock:
            if self._quiet or not self._step or self._step == self._shown:
                return
            line = f"femsim: {time.monotonic() - self._start:5.1f} s  {self._step}"
            self._shown = self._step
            self._write(f"\r\x1b[K{line[:120]}" if self._terminal else line + "\n")

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # a closed standard error must not stop the work
            self._stream.write(text)
            self._stream.flush()
