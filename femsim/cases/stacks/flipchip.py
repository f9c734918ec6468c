"""Keys of a small chip face down on a large one, with rewiring."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator

from femsim.cases.keys import Fraction, Geometry, NonNegative, Positive, absolute_key, number, relative_key
from femsim.cases.parts import CaseBase, OwnModelSpec, PackageMeshSpec
from femsim.cases.stacks.checks import _less

#: where the reference case's terminals sit: 175 of 950 um from the rewiring's inner edge
TERMINAL_PLACE = 7 / 38


class _MissingError(Exception):
    """Something that a position depends on is not a number; the check of that key says so."""


class FlipchipGeometry(Geometry):
    """A small first chip face-down on a large second one, insulation, rewiring, terminals (reference defaults, um).

        z = 0 is the second chip's functional surface; the first chip hangs above it on connection members of height
    ``gap``. In axisymmetry members, vias and terminals off the axis are rings with smeared materials; a radius of 0 on
    a ring means one member on the axis. Positions may be given as radii, or relative to their neighbours: as gaps in um
    or as shares of the room that is left.
    """

    STANDS_FOR: ClassVar[dict[str, str]] = {
        "overhang": "second_radius",
        "member_margins": "member_rings",
        "rewiring_start": "rewiring",
        "rewiring_margin": "rewiring",
        "terminal_place": "terminal_ring",
        "via_place": "via_ring",
        "heat_sink_share": "heat_sink_radius",
    }

    second_radius: Positive = absolute_key("large chip: radius (half width); default: first_radius + overhang")
    overhang: Positive | None = relative_key(
        800.0, "stands for second_radius: how far the large chip reaches beyond the small one"
    )
    second_thickness: Positive = 200.0
    first_radius: Positive = Field(default=1200.0, description="small chip: radius (half width)")
    first_thickness: Positive = 80.0
    gap: Positive = Field(default=30.0, description="height of the connection members")
    member_radius: Positive = Field(default=25.0, description="radius of one connection member")
    member_rings: list[NonNegative] = absolute_key(
        "radii on which connection members sit; 0 is the axis; default: from member_margins"
    )
    member_margins: list[NonNegative] | None = relative_key(
        [75.0], "stands for member_rings: what is free between each ring's members and the small chip's edge"
    )
    member_counts: list[Annotated[int, Field(ge=1, le=100000)]] | None = Field(
        default=None, description="members on each ring (default: a pitch of four member radii)"
    )
    insulation_thickness: Positive = Field(
        default=20.0, description="insulation film over the first chip's rear surface"
    )
    insulation_step: NonNegative = Field(
        default=0.0, description="how much lower the film's surface lies over the non-opposed region; 0 is flat"
    )
    rewiring_thickness: Positive = 5.0
    rewiring: Annotated[list[NonNegative], Field(min_length=2, max_length=2)] = absolute_key(
        "inner and outer radius of the rewiring; default: from rewiring_start and rewiring_margin"
    )
    rewiring_start: Fraction | None = relative_key(
        0.5, "stands for rewiring's inner radius, as a share of first_radius"
    )
    rewiring_margin: Fraction | None = relative_key(
        0.25, "stands for rewiring's outer radius: the share of the overhang that it leaves free at the edge"
    )
    rear_contact_radius: NonNegative = Field(
        default=0.0, description="rewiring's contact with the first rear surface, on the axis; 0: none"
    )
    resin_thickness: Positive = Field(default=25.0, description="protective resin above the rewiring")
    terminal_ring: NonNegative = absolute_key(
        "radius on which the external terminals sit; default: from terminal_place"
    )
    terminal_place: Fraction | None = relative_key(
        TERMINAL_PLACE, "stands for terminal_ring: 0 at the rewiring's inner edge, 1 at its outer edge"
    )
    terminal_radius: Positive = 125.0
    terminal_count: Annotated[int, Field(ge=1, le=100000)] | None = Field(
        default=None, description="default: a pitch of four terminal radii"
    )
    terminal_height: Positive = Field(default=100.0, description="how far terminals project from the protective resin")
    via_ring: NonNegative = absolute_key("radius on which the via conductors sit; 0: no via; default: from via_place")
    via_place: Fraction | None = relative_key(
        0.5, "stands for via_ring: 0 at the small chip's edge, 1 at the rewiring's outer edge"
    )
    via_radius: Positive = 50.0
    via_count: Annotated[int, Field(ge=1, le=100000)] | None = Field(
        default=None, description="default: a pitch of four via radii"
    )
    heat_sink_radius: NonNegative = absolute_key(
        "heat-sink terminal on the axis; 0: none; default: from heat_sink_share"
    )
    heat_sink_share: Fraction | None = relative_key(
        0.5, "stands for heat_sink_radius: its share of the rewiring's inner radius"
    )
    diffusion_thickness: NonNegative = Field(
        default=1.0, description="diffusion prevention film on the first rear surface; 0: none"
    )
    rear_film_thickness: NonNegative = Field(
        default=20.0, description="rear protective film of the second chip; 0: none"
    )

    @classmethod
    def placed(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Radii from gaps and shares, from the edge of the small chip outward and inward."""
        found: dict[str, Any] = {}

        def key(name: str, default: float | None = None) -> float:
            value = number({**given, **found}, name, default)
            if value is None:
                raise _MissingError
            return value

        def place(name: str, make: Callable[[], Any]) -> None:
            if name not in given:
                with contextlib.suppress(_MissingError):
                    found[name] = make()

        def rings() -> list[float]:
            margins = given.get("member_margins", [75.0])
            if not isinstance(margins, list):
                raise _MissingError
            if not margins:
                raise ValueError("member_margins: the chips need at least one ring of connection members")
            first, radius = key("first_radius", 1200.0), key("member_radius", 25.0)
            placed = [first - radius - key("margin", number({"margin": margin}, "margin")) for margin in margins]
            for margin, ring in zip(margins, placed, strict=True):
                if ring < 0:
                    raise ValueError(
                        f"member_margins: {margin:g} leaves no room for a member of radius {radius:g} on a chip of "
                        f"radius {first:g}"
                    )
            return placed

        def span() -> list[float]:
            first, second = key("first_radius", 1200.0), key("second_radius")
            return [key("rewiring_start", 0.5) * first, second - key("rewiring_margin", 0.25) * (second - first)]

        def between(low: float, high: float, radius: float, share: float, misfit: str) -> float:
            room = high - low - 2.0 * radius
            if room < 0:
                raise ValueError(misfit)
            return low + radius + share * room

        def edges() -> tuple[float, float]:
            pair = given.get("rewiring", found.get("rewiring"))
            if not isinstance(pair, list | tuple) or len(pair) != 2:
                raise _MissingError
            low, high = (number({"edge": v}, "edge") for v in pair)
            if low is None or high is None or not low < high:
                raise _MissingError
            return low, high

        def terminals() -> float:
            low, high = edges()
            radius = key("terminal_radius", 125.0)
            misfit = f"terminal_radius: {radius:g} leaves no room for terminal_ring on the rewiring [{low:g}, {high:g}]"
            return between(low, high, radius, key("terminal_place", TERMINAL_PLACE), misfit)

        def vias() -> float:
            low, high = edges()
            first, radius = key("first_radius", 1200.0), key("via_radius", 50.0)
            misfit = (
                f"via_radius: {radius:g} does not fit between first_radius ({first:g}) and the outer radius of the "
                f"rewiring ({high:g}); without vias via_ring is 0"
            )
            return between(max(low, first), high, radius, key("via_place", 0.5), misfit)

        place("second_radius", lambda: key("first_radius", 1200.0) + key("overhang", 800.0))
        with contextlib.suppress(_MissingError):
            _less("first_radius", key("first_radius", 1200.0), "second_radius", key("second_radius"))
        place("member_rings", rings)
        place("rewiring", span)
        place("terminal_ring", terminals)
        place("via_ring", vias)
        place("heat_sink_radius", lambda: key("heat_sink_share", 0.5) * edges()[0])
        return found

    def relative(self) -> dict[str, Any]:
        """Gaps and shares of these radii; none for what sits on the axis or is not there."""
        inner, outer = self.rewiring
        overhang, edge = self.second_radius - self.first_radius, max(inner, self.first_radius)
        terminal, via = outer - inner - 2.0 * self.terminal_radius, outer - edge - 2.0 * self.via_radius
        from_inner, from_edge = (
            self.terminal_ring - self.terminal_radius - inner,
            self.via_ring - self.via_radius - edge,
        )
        return {
            "overhang": overhang,
            "member_margins": [self.first_radius - self.member_radius - ring for ring in self.member_rings],
            "rewiring_start": inner / self.first_radius,
            "rewiring_margin": (self.second_radius - outer) / overhang,
            "terminal_place": from_inner / terminal if self.terminal_ring > 0 and terminal > 0 else None,
            "via_place": from_edge / via if self.via_ring > 0 and via > 0 else None,
            "heat_sink_share": self.heat_sink_radius / inner if inner > 0 else None,
        }

    @field_validator("member_rings")
    @classmethod
    def _ascending(cls, rings: list[float]) -> list[float]:
        if not rings:
            raise ValueError("the chips need at least one ring of connection members")
        if any(b <= a for a, b in pairwise(rings)):
            raise ValueError(f"{rings} does not ascend")
        return rings

    @property
    def top(self) -> float:
        """Height of the insulation film's surface over the first chip."""
        return self.rear + self.diffusion_thickness + self.insulation_thickness

    @property
    def rear(self) -> float:
        """Height of the first chip's rear surface."""
        return self.gap + self.first_thickness

    def check(self) -> None:
        """What fits into what."""
        _less("first_radius", self.first_radius, "second_radius", self.second_radius)
        for index, ring in enumerate(self.member_rings):
            if ring > 0:
                _less("member_radius", self.member_radius, f"member_rings.{index}", ring)
            outside = ring + self.member_radius
            if outside >= self.first_radius:
                raise ValueError(
                    f"member_rings.{index}: {ring:g} + member_radius ({self.member_radius:g}) is not < first_radius "
                    f"({self.first_radius:g})"
                )
            if index and ring - self.member_rings[index - 1] <= 2 * self.member_radius:
                raise ValueError(
                    f"member_rings.{index}: {ring:g} overlaps member_rings.{index - 1} with member_radius "
                    f"{self.member_radius:g}"
                )
        if self.member_counts is not None and len(self.member_counts) != len(self.member_rings):
            raise ValueError(
                f"member_counts: {len(self.member_counts)} numbers for {len(self.member_rings)} member_rings"
            )
        _less("insulation_step", self.insulation_step, "rewiring_thickness", self.rewiring_thickness)
        inner, outer = self.rewiring
        if outer <= inner:
            raise ValueError(f"rewiring: [{inner:g}, {outer:g}] does not ascend")
        if outer >= self.second_radius:
            raise ValueError(f"rewiring: outer radius {outer:g} is not < second_radius ({self.second_radius:g})")
        self._terminals(inner, outer)
        self._via(inner, outer)

    def _terminals(self, inner: float, outer: float) -> None:
        low, high = self.terminal_ring - self.terminal_radius, self.terminal_ring + self.terminal_radius
        slack = 1e-9 * outer  # a place worked out from others
        if self.terminal_ring == 0:
            low = 0.0
        elif low <= 0:
            raise ValueError(
                f"terminal_radius: {self.terminal_radius:g} is not < terminal_ring ({self.terminal_ring:g})"
            )
        if high >= self.second_radius:
            raise ValueError(
                f"terminal_radius: {self.terminal_radius:g} + terminal_ring ({self.terminal_ring:g}) "
                f"is not < second_radius ({self.second_radius:g})"
            )
        if low < inner - slack or high > outer + slack:
            raise ValueError(
                f"terminal_ring: {self.terminal_ring:g} -+ terminal_radius ({self.terminal_radius:g}) "
                f"does not lie on the rewiring [{inner:g}, {outer:g}]"
            )
        if self.insulation_step > 0 and low < self.first_radius < high:
            raise ValueError(
                f"terminal_ring: {self.terminal_ring:g} -+ terminal_radius ({self.terminal_radius:g}) stands across "
                f"the film's step at "
                f"first_radius ({self.first_radius:g}); move it, or set insulation_step to 0"
            )
        if self.heat_sink_radius > 0:
            if self.heat_sink_radius >= self.first_radius:
                raise ValueError(
                    f"heat_sink_radius: {self.heat_sink_radius:g} is not < first_radius ({self.first_radius:g})"
                )
            if self.heat_sink_radius >= inner:
                raise ValueError(
                    f"heat_sink_radius: {self.heat_sink_radius:g} overlaps rewiring [{inner:g}, {outer:g}]"
                )
            if self.rear_contact_radius > 0:
                raise ValueError(
                    "rear_contact_radius: the rewiring's contact and heat_sink_radius share the axis; give one of them"
                )
        if self.rear_contact_radius > 0:
            _less("rear_contact_radius", self.rear_contact_radius, "first_radius", self.first_radius)
            if inner > 0 or self.rear_contact_radius > outer:
                raise ValueError(
                    f"rear_contact_radius: {self.rear_contact_radius:g} does not lie under the rewiring [{inner:g}, "
                    f"{outer:g}]; "
                    "start it at 0"
                )

    def _via(self, inner: float, outer: float) -> None:
        if self.via_ring == 0:
            return
        if self.via_ring - self.via_radius <= self.first_radius:
            raise ValueError(
                f"via_ring: {self.via_ring:g} - via_radius ({self.via_radius:g}) is not > first_radius "
                f"({self.first_radius:g}); "
                "a via stands in the non-opposed region"
            )
        if self.via_ring + self.via_radius >= self.second_radius:
            raise ValueError(
                f"via_ring: {self.via_ring:g} + via_radius ({self.via_radius:g}) is not < second_radius "
                f"({self.second_radius:g})"
            )
        slack = 1e-9 * outer
        if self.via_ring - self.via_radius < inner - slack or self.via_ring + self.via_radius > outer + slack:
            raise ValueError(
                f"via_ring: {self.via_ring:g} -+ via_radius ({self.via_radius:g}) does not lie under the rewiring "
                f"[{inner:g}, {outer:g}]"
            )


class FlipchipCase(CaseBase):
    """Stack ``flipchip``: the third seed, claims 1 to 8."""

    ROLES: ClassVar[tuple[str, ...]] = (
        "first", "second", "member", "fill", "insulation", "rewiring", "resin", "terminal", "via", "heat_sink", "diffusion", "rear_film",  # noqa: E501
    )  # fmt: skip
    STANDARD: ClassVar[dict[str, str]] = {"first": "silicon", "second": "silicon"}
    POINTS: ClassVar[dict[str, str]] = {
        "chip_back": "back of the large chip, on the axis",
        "first_rear": "rear surface of the small chip, on the axis",
        "terminal_tip": "top of the external terminals, at their middle",
        "heat_sink_tip": "top of the heat-sink terminal, where there is one",
    }
    stack: Literal["flipchip"]
    geometry: FlipchipGeometry = Field(default_factory=FlipchipGeometry)
    model: OwnModelSpec = Field(default_factory=OwnModelSpec)
    mesh: PackageMeshSpec = Field(default_factory=PackageMeshSpec)

    def needed_roles(self) -> tuple[str, ...]:
        """All roles the geometry builds."""
        g = self.geometry
        optional = {
            "via": g.via_ring,
            "heat_sink": g.heat_sink_radius,
            "diffusion": g.diffusion_thickness,
            "rear_film": g.rear_film_thickness,
        }
        built = ("member", "fill", "insulation", "rewiring", "resin", "terminal")
        return (*built, *(role for role, size in optional.items() if size > 0))
