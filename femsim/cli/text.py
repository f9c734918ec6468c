"""Text for standard output: aligned tables, and JSON that is always valid."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from femsim.base.errors import printable
from femsim.base.finite import json_text


def out(text: str) -> None:
    """Write lines to standard output, without characters that a terminal would obey."""
    lines = "\n".join(printable(line) for line in text.split("\n"))
    sys.stdout.write(lines if lines.endswith("\n") else lines + "\n")


def out_json(document: Any) -> None:
    """Write one JSON document to standard output, in ASCII where the stream cannot take it as it is."""
    for ascii_ in (False, True):
        text = json_text(document, 2, ascii_)
        try:
            text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
        except UnicodeEncodeError:
            continue
        break
    sys.stdout.write(text)


def shown(document: Any) -> Any:
    """The document with all names and texts on one line, as a table or a sentence shows them."""
    if isinstance(document, str):
        return printable(document)
    if isinstance(document, dict):
        return {shown(key): shown(entry) for key, entry in document.items()}
    return [shown(entry) for entry in document] if isinstance(document, list | tuple) else document


def table(rows: Sequence[Sequence[str]], right: Sequence[int] = (), indent: int = 0) -> str:
    """Aligned columns, two spaces apart, the first row underlined; columns in ``right`` are flush right."""
    rows = [[printable(cell) for cell in row] for row in rows]
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
