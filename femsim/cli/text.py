"""Text for standard output: aligned tables, and JSON that is always valid."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from femsim.base.finite import finite


def out(text: str) -> None:
    """Write lines to standard output."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def out_json(document: Any) -> None:
    """Write one JSON document to standard output."""
    out(json.dumps(finite(document), indent=2, ensure_ascii=False, allow_nan=False))


def table(rows: Sequence[Sequence[str]], right: Sequence[int] = (), indent: int = 0) -> str:
    """Aligned columns, two spaces apart, the first row underlined; columns in ``right`` are flush right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]

    def line(row: Sequence[str]) -> str:
        cells = [
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return (" " * indent + "  ".join(cells)).rstrip()

    rule = " " * indent + "  ".join("-" * width for width in widths)
    return "\n".join([line(rows[0]), rule, *(line(row) for row in rows[1:])]) + "\n"


def number(value: float) -> str:
    """A number to read: six digits at most."""
    return f"{value:.6g}"
