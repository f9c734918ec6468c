"""Stated errors of root metrics on random designs: the benchmark of trust with two of them."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

from femsim.measures.averages import KINDS
from femsim.meshes.grid import Grading

SCRIPT = Path(__file__).resolve().parents[1] / "benchmarks" / "trust" / "designs.py"

pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="benchmarks are not part of this copy")


def test_stated_errors_cover_those_of_random_designs():
    """On a coarse mesh: all covered, in the median less than fourfold."""
    designs = runpy.run_path(str(SCRIPT))
    rows = []
    for number in range(2):
        case = designs["design"]("bilayer", number)
        fine = designs["measured"](case, Grading(4.0e-3, 1.6), False)
        coarse = designs["measured"](case, Grading(0.1, 1.8))
        for m, ref in zip(coarse.roots, fine.roots, strict=True):
            for kind in KINDS:
                true, stated = abs(getattr(m, kind) - getattr(ref, kind)), getattr(m, f"{kind}_error")
                rows.append(
                    {"stack": "bilayer", "design": number, "mesh": "0.1 um", "kind": kind, "level": ref.von_mises}
                )
                rows[-1] |= {"true": true, "stated": stated}
    ratio = np.array([row["stated"] / row["true"] for row in rows])
    assert ratio.min() > 1.0
    assert np.median(ratio) < 4.0
    assert "| shear | all | 2 | 4 | 100.0 %" in designs["summary"](rows)
