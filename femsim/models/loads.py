"""Loads on a model."""

from __future__ import annotations

from dataclasses import dataclass

from femsim.base.arrays import FloatArray, IntArray


@dataclass(frozen=True)
class Traction:
    """Load on outer edges (K, 2 or 3 nodes, body on the left): a vector per edge (K, 2) and a pressure onto the body,
    in MPa.
    """

    edges: IntArray
    vector: FloatArray
    pressure: float = 0.0
