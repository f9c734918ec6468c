"""How far a study is: one line that overwrites itself on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from collections import deque
from typing import TextIO


class Meter:
    """Counts points; shows a bar, the rate, failures and the time left."""

    def __init__(
        self,
        total: int,
        done: int = 0,
        failed: int = 0,
        quiet: bool = False,
        stream: TextIO | None = None,
        label: str = "",
    ) -> None:
        self.total, self.done, self.failed = total, done, failed
        self.smallest: float | None = None
        self._label = label
        self._begun = done + failed
        self._stream = sys.stderr if stream is None else stream
        self._quiet = quiet
        self._terminal = bool(getattr(self._stream, "isatty", lambda: False)())
        self._start = self._shown = time.monotonic()
        self._recent: deque[tuple[float, int]] = deque(maxlen=60)

    @property
    def finished(self) -> int:
        """Points that have a row or are about to."""
        return self.done + self.failed

    def count(self, ok: bool, value: float | None = None) -> None:
        """One more point."""
        if ok:
            self.done += 1
            if value is not None and (self.smallest is None or abs(value) < abs(self.smallest)):
                self.smallest = value
        else:
            self.failed += 1
        self.show()

    def uncount(self, number: int) -> None:
        """Points counted, but lost with their worker."""
        self.done -= number

    @property
    def rate(self) -> float:
        """Points a second of late, or overall."""
        now = time.monotonic()
        if len(self._recent) > 1 and now - self._recent[0][0] > 1:
            then, count = self._recent[0]
            return max(self.finished - count, 0) / (now - then)
        return max(self.finished - self._begun, 0) / max(now - self._start, 1e-9)

    def show(self, force: bool = False) -> None:
        """Draw, unless drawn a moment ago."""
        now = time.monotonic()
        if self._quiet or (not force and now - self._shown < (0.2 if self._terminal else 15.0)):
            return
        if not self._recent or now - self._recent[-1][0] > 0.5:
            self._recent.append((now, self.finished))
        self._shown = now
        share = self.finished / self.total if self.total else 1.0
        rate = self.rate
        left = _clock((self.total - self.finished) / rate) + " left" if rate > 0 else "..."
        failed = f", {self.failed} failed" if self.failed else ""
        best = f", smallest {self._label} {self.smallest:.4g}" if self.smallest is not None and self._label else ""
        text = f"{self.finished} of {self.total} points{failed}, {rate:.1f}/s, {left}{best}"
        if self._terminal:
            filled = int(24 * share)
            self._write(f"\r\x1b[K[{'#' * filled}{'.' * (24 - filled)}] {text}"[:200])
        else:
            self._write(f"femsim: {text}\n")

    def close(self) -> None:
        """Take the line off a terminal."""
        if not self._quiet and self._terminal:
            self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)
            self._stream.flush()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
