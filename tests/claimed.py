"""What the tests of claims share: verdicts on a shipped case with overrides."""

from __future__ import annotations

from femsim.cases.casefile import load_case
from femsim.claims import Claim, evaluate


def verdicts(case: str, *overrides: str) -> dict[int, Claim]:
    """All claims held against a shipped case with overrides."""
    return evaluate(load_case(case, overrides)[0]).claims


def holds(case: str, *overrides: str) -> set[int]:
    """The numbers of the claims that hold."""
    return {number for number, claim in verdicts(case, *overrides).items() if claim.holds is True}
