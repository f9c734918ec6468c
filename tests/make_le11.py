"""Writes meshes/le11.msh: python tests/make_le11.py (from the checkout; a test compares the file with what this
makes).
"""

from __future__ import annotations

import sys
from pathlib import Path

from le11 import le11_mesh, temperature

from femsim.meshes.write import mesh_bytes, write_mesh

#: elements through the wall, and how sharply they crowd at A
N, POWER = 12, 4.0
TARGET = Path(__file__).resolve().parent.parent / "meshes" / "le11.msh"


def content() -> bytes:
    """The file: quad9, in metres, with the temperature field T (degC)."""
    mesh = le11_mesh(N, "quad9", POWER)
    return mesh_bytes(mesh, ".msh", {"T": temperature(mesh)}, length_unit="m")


def main() -> int:
    """Write the file."""
    mesh = le11_mesh(N, "quad9", POWER)
    write_mesh(TARGET, mesh, {"T": temperature(mesh)}, length_unit="m")
    return 0


if __name__ == "__main__":
    sys.exit(main())
