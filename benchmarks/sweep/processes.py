"""The processes a sweep has started, from /proc."""

from __future__ import annotations

from pathlib import Path


def below(pid: int) -> list[int]:
    """Processes started by one."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
            if parent == pid:
                found.append(int(entry.name))
    return found
