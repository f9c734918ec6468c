"""Power and cooling of a case in words, and where a layout shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from femsim.reports.plots.look import LENGTH, words

if TYPE_CHECKING:
    from femsim.cases.heat import Heat, HeatBoundary, HeatPlace, HeatSource
    from femsim.cases.parts import CaseBase
    from femsim.reports.plots.picture import Picture, Support

#: warm colours heat, cold ones cool
_WARM, _COLD = ("#d50000", "#ff6d00"), ("#0091ea", "#00b8d4", "#304ffe", "#00838f")


def heat_supports(heat: Heat, what: Picture) -> list[tuple[str, list[Support]]]:
    """What heats and cools lines of the body: in words, with the lines."""
    from femsim.reports.plots.picture import line_marks

    found = []
    on_lines = [source for source in heat.source if source.on is not None or source.level() is not None]
    for number, source in enumerate(on_lines):
        style = {"color": _WARM[number % len(_WARM)], "lw": 2.4, "ls": "-", "solid_capstyle": "butt"}
        radial = what.axes[0] == "r"
        found.append((_line(source, _amount_of(source, radial)), line_marks(what, source, source.on, style)))
    for number, boundary in enumerate(heat.boundary):
        style = {"color": _COLD[number % len(_COLD)], "lw": 2.4, "ls": (0, (3, 1)), "solid_capstyle": "butt"}
        found.append((_line(boundary, _cooling(boundary, heat)), line_marks(what, boundary, boundary.on, style)))
    return found


def power_words(source: HeatSource, case: CaseBase) -> str:
    """The power of a source in a region."""
    return _amount_of(source, case.model.kinematics == "axisymmetric")


def _line(place: HeatPlace, deed: str) -> str:
    name = getattr(place, "name", None)
    return words(f"{name}: {deed}" if name else f"{place.words()} {LENGTH}: {deed}")


def _amount_of(source: HeatSource, radial: bool) -> str:
    if source.power is not None:
        return f"power {_amount(source.power, 'W' if radial else f'W/{LENGTH}')}"
    line = source.on is not None or source.level() is not None
    return f"power {_amount(source.density, 'W/m²' if line else 'W/m³')}"


def _cooling(boundary: HeatBoundary, heat: Heat) -> str:
    if boundary.h is not None:
        ambient = heat.ambient if boundary.ambient is None else boundary.ambient
        return f"h {_amount(boundary.h, 'W/(m² K)')} to {_amount(ambient, '°C')}"
    if boundary.flux is not None:
        return f"flux {_amount(boundary.flux, 'W/m²')}"
    return f"held at {_amount(boundary.temperature, '°C')}"


def _amount(value: Any, unit: str) -> str:
    if isinstance(value, int | float):
        return f"{value:g} {unit}"
    if hasattr(value, "point_data"):
        return f"field {value.point_data}"
    if hasattr(value, "duty"):
        return f"{value.value:g} {unit} for {100 * value.duty:g} % of every {value.period:g} s"
    if hasattr(value, "steps"):
        return "over the steps"
    return "over temperature" if hasattr(value, "T") else "over time"
