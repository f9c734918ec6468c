"""What a case says of the scatter of its numbers: the table [uncertain]."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, model_validator

from femsim.cases.keys import Strict
from femsim.cases.wording import show


class ScatterSpec(Strict):
    """How a number scatters about the case's own: evenly over plus and minus so much, or as a normal distribution, cut
    off at three standard deviations; in the number's unit or in per cent of it.
    """

    plus_minus: Annotated[float, Field(gt=0)] | None = Field(default=None, description="even, in the key's unit")
    percent: Annotated[float, Field(gt=0, le=90)] | None = Field(
        default=None, description="even, plus and minus so much"
    )
    sd: Annotated[float, Field(gt=0)] | None = Field(default=None, description="normal: standard deviation, key's unit")
    sd_percent: Annotated[float, Field(gt=0, le=30)] | None = Field(
        default=None, description="normal: standard deviation in per cent of the value"
    )
    lot: Literal["shared", "separate"] | None = Field(
        default=None, description="whether designs side by side have it in common; default: as all others"
    )

    @model_validator(mode="after")
    def _one(self) -> ScatterSpec:
        given = [name for name in AMOUNTS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give one of {', '.join(AMOUNTS)}" + (f", not {' and '.join(given)}" if given else ""))
        return self

    @property
    def amount(self) -> float:
        """The half-width, or three standard deviations, in the key's unit or in per cent."""
        if self.sd is not None or self.sd_percent is not None:
            return CUT * float(self.sd or self.sd_percent or 0.0)
        return float(self.plus_minus or self.percent or 0.0)

    @property
    def relative(self) -> bool:
        """Whether the amount is in per cent of the value."""
        return self.percent is not None or self.sd_percent is not None

    @property
    def normal(self) -> bool:
        """Whether it is a normal distribution."""
        return self.sd is not None or self.sd_percent is not None


AMOUNTS = ("plus_minus", "percent", "sd", "sd_percent")
#: standard deviations at which a normal distribution is cut off
CUT = 3.0

Scatter: TypeAlias = Annotated[list[float], Field(min_length=2, max_length=2)] | ScatterSpec


def leaves(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Entries of nested tables by dotted key; a table of a scatter is an entry."""
    for key, value in table.items():
        if isinstance(value, Mapping) and not value.keys() & {*AMOUNTS, "lot"}:
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def by_dotted_key(value: Any) -> Any:
    """A table [uncertain] by dotted key. Raises ValueError for an entry that is no scatter."""
    if not isinstance(value, Mapping):
        return value
    found = dict(leaves(value))
    for key, one in found.items():
        if isinstance(one, list):
            number = [isinstance(end, int | float) and not isinstance(end, bool) for end in one]
            if len(one) != 2 or not all(number):
                raise ValueError(f"{key!r}: {show(one)} is not a range of two numbers, as [2.5, 3.5]")
            if one[0] > one[1]:  # equal ends: known exactly
                raise ValueError(f"{key!r}: a range ascends, [{one[0]:g}, {one[1]:g}] does not")
        elif not isinstance(one, Mapping | ScatterSpec):
            raise ValueError(
                f"{key!r}: {show(one)} is not a range, as [2.5, 3.5], or a table of one of {', '.join(AMOUNTS)}"
            )
    return found
