"""What a check says: findings on single elements of a claim, claims as their conjunction, and the assessment of a whole
seed.

Three values: True, False, and None where the case does not say enough. A conjunction fails where one part fails, is
open where none fails and one is open, and holds where all hold. A dependent claim is the conjunction of its own
elements and the claim it depends on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from femsim.builders.resolve import ResolvedMaterial
from femsim.cases.parts import CaseBase
from femsim.meshes.layout import Layout

#: relative floating-point fuzz of a limit: a computed 3.5 is 3.5, while 4.999 is not 5
FUZZ = 1.0e-9


@dataclass(frozen=True)
class Design:
    """What the checks look at: the case, its materials by role (layers as ``layer_1`` ...), and its painted layout."""

    case: CaseBase
    materials: dict[str, ResolvedMaterial]
    layout: Layout


@dataclass(frozen=True)
class Finding:
    """One element of a claim: whether it is there, and what decides that, in words with numbers."""

    element: str
    holds: bool | None
    because: str


@dataclass(frozen=True)
class ClaimText:
    """A claim as the patent has it, shortened; ``parent`` is the claim it depends on, ``note`` what a literal reading
    leads to.
    """

    number: int
    parent: int | None
    text: str
    note: str = ""


@dataclass(frozen=True)
class Claim:
    """A claim held against a design."""

    text: ClaimText
    findings: tuple[Finding, ...]  # the claim's own elements, without those of its parent
    parent: Claim | None = None

    @cached_property
    def holds(self) -> bool | None:
        """True, False, or None where it cannot be told."""
        own = every(finding.holds for finding in self.findings)
        return own if self.parent is None else every((own, self.parent.holds))

    @property
    def because(self) -> str:
        """The elements that decide: those that fail, or are open, or (where the claim holds) all of its own; then those
        of its parents.
        """
        wanted = self.holds
        parts = [f.because for f in self.findings if f.holds is wanted]
        if self.parent is not None and wanted is True:
            parts.append(f"claim {self.parent.text.number} holds")
        elif wanted is not True:
            verb = "fails" if wanted is False else "cannot be told"
            for above in self.parents:
                deciding = [f.because for f in above.findings if f.holds is wanted]
                if deciding:
                    parts.append(f"claim {above.text.number}, on which it depends, {verb}: {'; '.join(deciding)}")
        text = "; ".join(parts)
        return f"{text} ({self.text.note})" if self.text.note else text

    @property
    def parents(self) -> tuple[Claim, ...]:
        """The claims it depends on, the nearest first."""
        return () if self.parent is None else (self.parent, *self.parent.parents)


@dataclass(frozen=True)
class Assessment:
    """All claims of one seed held against one case."""

    seed: str
    design: Design
    claims: dict[int, Claim]

    def to_dict(self) -> dict[str, Any]:
        """The JSON document of ``femsim claims``."""
        return {
            "seed": self.seed,
            "case": {"name": self.design.case.name, "stack": getattr(self.design.case, "stack", "")},
            "claims": {
                str(number): {
                    "holds": claim.holds,
                    "because": claim.because,
                    "claim": claim.text.text,
                    "depends_on": claim.text.parent,
                    "elements": [
                        {"element": f.element, "holds": f.holds, "because": f.because} for f in claim.findings
                    ],
                }
                for number, claim in self.claims.items()
            },
        }


def every(parts: Iterable[bool | None]) -> bool | None:
    """Conjunction of three-valued parts."""
    found = tuple(parts)
    if False in found:
        return False
    return None if None in found else True


def at_least(value: float, limit: float) -> bool:
    """``value >= limit`` within the fuzz."""
    return value >= limit - FUZZ * abs(limit)


def at_most(value: float, limit: float) -> bool:
    """``value <= limit`` within the fuzz."""
    return value <= limit + FUZZ * abs(limit)


def within(value: float, low: float, high: float) -> bool:
    """``low <= value <= high``, limits included."""
    return at_least(value, low) and at_most(value, high)


def shown(value: float, *limits: float) -> str:
    """A number to read; in full where rounding would put it on a limit that it misses."""
    text = f"{value:.6g}"
    rounded_onto = any(float(text) == limit and not within(value, limit, limit) for limit in limits)
    return repr(float(value)) if rounded_onto else text


def window(element: str, what: str, value: float, low: float, high: float, unit: str = "") -> Finding:
    """Whether a number lies in a claimed window, both limits included."""
    suffix = f" {unit}" if unit else ""
    return Finding(
        element,
        within(value, low, high),
        f"{what} {shown(value, low, high)}{suffix}, claimed {low:g} to {high:g}{suffix}",
    )
