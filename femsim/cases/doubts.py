"""Numbers of a case that are possible and yet look like a slip of units: what is odd about them, in words.

Each limit lies beyond every solid a package may hold, so that a number outside is nearly always in another unit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from femsim.cases.material import Expansion, MaterialSpec
from femsim.cases.tables import numbers_of

_STRESS = (
    "MPa",
    0.01,
    "weaker than any solid; GPa given for MPa?",
    20000.0,
    "stronger than any solid; Pa or psi given?",
)
#: key: (unit, lowest, what is below it, highest, what is above it)
_LIMITS: dict[str, tuple[str, float, str, float, str]] = {
    "E": ("GPa", 1e-6, "softer than any gel; TPa given for GPa?", 1300.0, "stiffer than diamond; MPa given for GPa?"),
    "cte": ("ppm/K", 1e-3, "less than any solid's; 1/K given for ppm/K?", 1000.0, "more than any solid's"),
    "conductivity": ("W/(m K)", 5e-3, "less than air's; W/(mm K) given for W/(m K)?", 3000.0, "more than diamond's"),
    "density": ("kg/m3", 30.0, "lighter than foam; g/cm3 given for kg/m3?", 23000.0, "heavier than osmium"),
    "heat_capacity": (
        "J/(kg K)",
        50.0,
        "less than any solid's; J/(g K) given for J/(kg K)?",
        6000.0,
        "more than water's",
    ),
    "hardness": ("HV", 0.5, "softer than any metal; GPa given for HV?", 12000.0, "harder than diamond"),
    "yield": _STRESS,
    "strength": _STRESS,
    "plastic.yield": _STRESS,
}


def material_doubts(own: MaterialSpec) -> Iterator[str]:
    """What looks like another unit among the numbers that a case itself gives, as ``E: 3500 GPa is ...``."""
    for key, (unit, low, below, high, above) in _LIMITS.items():
        for number in _given(own, key):
            size = abs(number)
            if number != 0 and size < low:
                yield f"{key}: {number:g} {unit} is {below}"
            elif size > high:
                yield f"{key}: {number:g} {unit} is {above}"


def _given(own: MaterialSpec, key: str) -> list[float]:
    if key == "plastic.yield":
        plastic = own.plastic
        return [] if plastic is None or isinstance(plastic, str) else numbers_of(plastic.yield_)
    value = getattr(own, "yield_" if key == "yield" else key)
    if isinstance(value, Expansion):
        return numbers_of(value.secant) + numbers_of(value.instantaneous)
    return numbers_of(value)


def temperature_doubts(temperatures: Mapping[str, float]) -> Iterator[str]:
    """Temperatures (degC, by key) that look like kelvins: an odd number that is a round one in degC when read as K
    (423 for 150), or all of them above -40 degC in K.
    """
    values = list(temperatures.values())
    least = 273.0 if min(values) < 200 else 200.0  # one below freezing in K does not come alone
    odd = {key: t for key, t in temperatures.items() if t >= least and _round_in_kelvin(t)}
    if not odd and len(set(values)) > 1 and min(values) >= 233:
        odd = dict(temperatures)
    for key, t in odd.items():
        yield f"{key}: {t:g} degC; is it in kelvin? {t:g} K are {t - 273.15:.4g} degC"


def _round_in_kelvin(t: float) -> bool:
    def whole(x: float) -> bool:
        return abs(x / 5 - round(x / 5)) < 1e-6

    return not whole(t) and (whole(t - 273.15) or whole(t - 273.0))
