"""The patent claims as checks on a case: which of them a design meets, and the numbers that decide it."""

from __future__ import annotations

from femsim.claims.evaluate import evaluate
from femsim.claims.model import Assessment, Claim, Finding

__all__ = ["Assessment", "Claim", "Finding", "evaluate"]
