"""The keys of a case that ask how far its numbers can be trusted, and what they say beyond averages: tolerance,
corners, cracks.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, field_validator

from femsim.cases.keys import Place, Positive, Strict


class Refinement(Strict):
    """Adaptive refinement, where a tolerance is given: it starts from a coarse mesh of its own, or from the file's."""

    tolerance: Annotated[float, Field(gt=0, le=1)] | None = Field(
        default=None,
        description="refine until the estimated relative error of the root metrics is below this (0.005 is 0.5 %)",
    )
    limit: Annotated[int, Field(ge=100, le=50_000_000)] = Field(
        default=400_000, description="unknowns at which refinement gives up"
    )
    goals: list[str] = Field(
        default=[],
        description='the metrics that count, as "post_root.peel.5um", "post_root.peel" or "post_root"; none: all',
    )


class CrackSpec(Strict):
    """A crack along the interface under a conductor, from a root inward, whose energy release rate is asked for."""

    root: str = Field(min_length=1)
    length: Positive = Field(description="um")


class CornerSpec(Strict):
    """A corner whose singular field is asked for: any node of the mesh where wedges, faces or supports meet, off the
    axis.
    """

    name: str = Field(min_length=1)
    at: Place = Field(description="a point, or the name of a root or of one of the stack's points")
    region: str | None = Field(default=None, description="which body, where bodies touch at the point only")

    @field_validator("at", mode="before")
    @classmethod
    def _as_tuple(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value
