"""Account of one command as a whole process: ``python measure.py account.json SECONDS -- COMMAND [ARG ...]``.

A process of its own, on the standard library alone: a child's peak memory starts at that of its parent, so the parent
must be small. A command that takes longer than SECONDS is ended with all it started.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path


def main() -> int:
    target, limit, command = Path(sys.argv[1]), float(sys.argv[2]), sys.argv[sys.argv.index("--") + 1 :]
    start = time.perf_counter()
    pid = os.posix_spawnp(command[0], command, os.environ, setpgroup=0)
    for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os.killpg(pid, signal.SIGKILL))
    signal.setitimer(signal.ITIMER_REAL, limit)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - start
    account = {
        "wall": wall,
        "user": usage.ru_utime,
        "sys": usage.ru_stime,
        "peak_mb": usage.ru_maxrss / 1024.0,  # of the largest single process
        "exit": os.waitstatus_to_exitcode(status),
        "late": wall >= limit,
    }
    target.write_text(json.dumps(account), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
