"""What a study file may say: frozen pydantic models with every key, default and limit."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, field_validator, model_validator

from femsim.cases.keys import Strict
from femsim.cases.uncertain import Scatter, by_dotted_key

Design: TypeAlias = Literal["grid", "sobol", "lhs", "random", "list", "saltelli", "morris", "none"]
Scale: TypeAlias = Literal["linear", "log"]
Distribution: TypeAlias = Literal["uniform", "normal", "lognormal", "triangular"]
#: more points than this are a slip
MOST_POINTS = 10_000_000

Pair: TypeAlias = tuple[float, float]


def _ascending(value: Any) -> Any:
    if isinstance(value, list):
        value = tuple(value)
    if (
        isinstance(value, tuple)
        and len(value) == 2
        and all(isinstance(v, int | float) for v in value)
        and not value[0] < value[1]
    ):
        raise ValueError(f"[{value[0]:g}, {value[1]:g}] is empty; the first number must be smaller than the second")
    return value


class ParameterSpec(Strict):
    """One thing that varies: any key of the case, over a range, a list of values or a distribution."""

    key: str = Field(
        min_length=1, description="dotted key of the case, as --set takes it, e.g. geometry.high_thickness"
    )
    range: Pair | None = Field(
        default=None, description="lowest and highest value; cuts a normal or lognormal distribution off"
    )
    steps: Annotated[int, Field(ge=2, le=1_000_000)] | None = Field(
        default=None, description="how many values of the range a grid takes"
    )
    values: list[Any] | None = Field(
        default=None, min_length=1, description="the values themselves: numbers, names, tables"
    )
    scale: Scale = Field(default="linear", description="log: equal ratios instead of equal steps")
    distribution: Distribution = Field(default="uniform", description="how a random design spreads the values")
    mean: float | None = Field(default=None, description="of a normal or lognormal distribution, in the key's unit")
    sd: Annotated[float, Field(gt=0)] | None = Field(default=None, description="standard deviation, in the key's unit")
    mode: float | None = Field(default=None, description="most likely value of a triangular distribution")
    label: str | None = Field(default=None, description="what figures call it")

    _range = field_validator("range", mode="before")(_ascending)

    @model_validator(mode="after")
    def _whole(self) -> ParameterSpec:
        spread = self.distribution in ("normal", "lognormal")
        if self.values is not None:
            if (
                self.range is not None
                or self.steps is not None
                or self.distribution != "uniform"
                or self.scale != "linear"
            ):
                raise ValueError("values: stands alone; leave out range, steps, scale and distribution")
            for v in self.values:
                if not isinstance(v, bool | int | float | str | list | dict):
                    raise ValueError(f"values: {v!s} is not a number, a name or a table")
            return self
        if spread and (self.mean is None or self.sd is None):
            raise ValueError(
                f"{'mean' if self.mean is None else 'sd'}: missing; a {self.distribution} distribution needs mean "
                f"and sd"
            )
        if not spread and (self.mean is not None or self.sd is not None):
            raise ValueError(f"distribution: {self.distribution!r} takes no mean and sd; say normal or lognormal")
        if self.distribution == "lognormal" and self.mean is not None and self.mean <= 0:
            raise ValueError(f"mean: {self.mean:g} is not > 0, as a lognormal distribution needs")
        if self.distribution == "lognormal" and self.mean and self.sd and not 1e-6 < self.sd / self.mean < 1e6:
            raise ValueError(
                f"sd: {self.sd:g} is no spread of a lognormal distribution of mean {self.mean:g}; sd / mean is to be "
                f"between 1e-6 and 1e6"
            )
        if self.mode is not None and self.distribution != "triangular":
            raise ValueError("mode: goes with a triangular distribution")
        if self.range is None and not spread:
            raise ValueError("range: missing; give range = [low, high], values = [...], or a normal distribution")
        if self.scale == "log":
            if self.distribution != "uniform":
                raise ValueError("scale: log goes with a uniform distribution; lognormal is a distribution of its own")
            if self.range is not None and self.range[0] <= 0:
                raise ValueError(f"range: {self.range[0]:g} is not > 0, as scale = log needs")
        if self.distribution == "triangular" and self.range is not None:
            middle = self.mode if self.mode is not None else 0.5 * sum(self.range)
            if not self.range[0] <= middle <= self.range[1]:
                raise ValueError(f"mode: {middle:g} is outside the range [{self.range[0]:g}, {self.range[1]:g}]")
        return self

    @property
    def name(self) -> str:
        """What figures call it."""
        return self.label or self.key


class StudySpec(Strict):
    """How the points are chosen, and what is kept of each."""

    design: Design = Field(description="how the points are chosen; none: for optimise alone, its default there")
    samples: Annotated[int, Field(ge=1, le=MOST_POINTS)] | None = Field(
        default=None, description="how many points (saltelli: base samples; morris: trajectories)"
    )
    seed: Annotated[int, Field(ge=0, lt=2**63)] = Field(
        default=0, description="of the random designs; the same seed gives the same points"
    )
    file: str | None = Field(
        default=None, description="design list: a CSV file whose header names the keys, relative to the study file"
    )
    outputs: list[str] | None = Field(
        default=None,
        min_length=1,
        description='outputs by name, as "post_root.peel.5um", or by dotted path in the JSON of solve; * allowed; '
        "default: the averages at all roots",
    )
    set: list[str] = Field(default_factory=list, description="KEY=VALUE overrides of the case, for all points")
    method: Literal["full", "reduced"] = Field(
        default="full", description="reduced: by a reduced basis, each row with its errors; some points in full"
    )
    tolerance: Annotated[float, Field(gt=1e-5, le=0.1)] | None = Field(
        default=None,
        description="method reduced: largest reduction error, as a part of the von Mises average of the ring "
        "(default 0.003)",
    )
    certify: Annotated[int, Field(ge=0, le=1_000_000)] | None = Field(
        default=None,
        description="method reduced: how many of the best points by the first output are solved in full (default 20)",
    )
    bounds: Annotated[int, Field(ge=0, le=1_000_000)] | None = Field(
        default=None,
        description="method reduced: how many of the best points, and of those that may be better, have rigorous "
        "bounds on the reduction errors of peel and shear (default 1000)",
    )

    @model_validator(mode="after")
    def _whole(self) -> StudySpec:
        if self.design == "list":
            if self.file is None:
                raise ValueError("file: missing; a list reads its points from a CSV file")
            if self.samples is not None:
                raise ValueError("samples: a list has as many points as its file has rows")
        elif self.file is not None:
            raise ValueError(f"file: goes with design = list, not {self.design}")
        for key in ("tolerance", "certify", "bounds"):
            if self.method == "full" and getattr(self, key) is not None:
                raise ValueError(f'{key}: goes with method = "reduced"')
        if self.design == "grid" and self.samples is not None:
            raise ValueError("samples: a grid has the product of its parameters' steps; leave it out")
        if self.design == "none" and self.samples is not None:
            raise ValueError("design: missing; samples are of a design, optimise needs neither")
        if self.design not in ("grid", "list", "none") and self.samples is None:
            raise ValueError(f"samples: missing; design {self.design} needs the number of points")
        return self


class WindowSpec(Strict):
    """A claimed window: a range of a key, or of the quotient of two (``a / b``). Drawn in maps, a constraint of
    ``optimise``.
    """

    key: str = Field(
        min_length=1, description='a key of the case, or a quotient "geometry.low_thickness / geometry.high_thickness"'
    )
    range: Pair
    label: str | None = Field(default=None, description="e.g. the claim it comes from")

    _range = field_validator("range", mode="before")(_ascending)


class LimitSpec(Strict):
    """A constraint of ``optimise`` on an output."""

    output: str = Field(min_length=1)
    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _some(self) -> LimitSpec:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        return self


class OptimiseSpec(Strict):
    """What ``femsim optimise`` looks for."""

    minimise: str = Field(
        min_length=1, description="an output, e.g. post_root.von_mises.5um; its absolute value is made small"
    )
    signed: bool = Field(default=False, description="minimise the value itself, not its magnitude")
    evaluations: Annotated[int, Field(ge=10, le=1_000_000)] = Field(default=400, description="at most this many solves")
    limit: list[LimitSpec] = Field(default_factory=list)


class RankDesign(Strict):
    """A design by name: values of keys of the case."""

    name: str = Field(min_length=1)
    values: dict[str, Any] = Field(min_length=1, description='as { "geometry.ratio" = 4 }')


class RankSpec(Strict):
    """What ``femsim rank`` looks at: designs under the scatter of materials and dimensions."""

    output: str | None = Field(
        default=None, description="a root average, e.g. post_root.von_mises.5um; default: the study's first output"
    )
    design: list[RankDesign] = Field(
        default_factory=list, description="designs by name; left out: the study's points of least nominal magnitude"
    )
    best: Annotated[int, Field(ge=2, le=200)] | None = Field(
        default=None, description="how many of the study's points are looked at, without named designs (default 6)"
    )
    uncertain: dict[str, Scatter] = Field(
        default_factory=dict, description="scatter that goes before that of the case's [uncertain] and of its library"
    )
    lots: Literal["shared", "separate"] = Field(
        default="shared", description="whether designs have material and process lots in common; it decides the answer"
    )
    draws: Annotated[int, Field(ge=100, le=10_000_000)] = Field(default=100_000, description="of every design")
    limit: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="MPa: how likely each design's magnitude is above it"
    )
    sd: Annotated[float, Field(ge=0, le=10)] | None = Field(
        default=None, description="the robust optimum has the least mean + sd x standard deviation (default 2)"
    )
    percentile: Annotated[float, Field(gt=50, lt=100)] | None = Field(
        default=None, description="the robust optimum has the least such percentile instead"
    )

    _dotted = field_validator("uncertain", mode="before")(by_dotted_key)

    @model_validator(mode="after")
    def _one(self) -> RankSpec:
        if self.sd is not None and self.percentile is not None:
            raise ValueError("percentile: give sd or percentile, not both")
        if self.design and self.best is not None:
            raise ValueError("best: goes with the study's points; leave it out beside named designs")
        names = [design.name for design in self.design]
        if len(set(names)) < len(names):
            raise ValueError("design: two designs have one name")
        if len(names) == 1:
            raise ValueError("design: one design alone; name two or more")
        return self


class StudyFile(Strict):
    """A whole study file."""

    case: str = Field(
        min_length=1, description="a case file, relative to the study file, or the name of a shipped case"
    )
    name: str | None = Field(default=None, description="defaults to the file's stem")
    study: StudySpec
    parameter: list[ParameterSpec] = Field(default_factory=list)
    window: list[WindowSpec] = Field(default_factory=list)
    optimise: OptimiseSpec | None = None
    rank: RankSpec | None = None

    @model_validator(mode="after")
    def _fits(self) -> StudyFile:
        if self.study.design == "list":
            if self.parameter:
                raise ValueError("parameter: a list takes its parameters from the header of its file")
            return self
        if not self.parameter:
            raise ValueError("parameter: missing; at least one [[parameter]] with a key and a range or values")
        keys = [p.key for p in self.parameter]
        for i, p in enumerate(self.parameter):
            if p.key in keys[:i]:
                raise ValueError(f"parameter: {p.key!r} is given twice")
            if self.study.design == "grid" and p.values is None and p.steps is None:
                raise ValueError(f"parameter: {p.key}: steps is missing; a grid needs steps or values")
            if self.study.design == "grid" and p.distribution != "uniform":
                raise ValueError(f"parameter: {p.key}: a grid takes no distribution")
        return self


def study_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of study files."""
    return StudyFile.model_json_schema()
