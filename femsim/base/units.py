"""Outer units (what users read and write) against inner units (um, MPa, K, uN); converted once, at the edges.

| quantity | outer | inner | factor |
|---|---|---|---|
| length | um | um | 1 |
| modulus | GPa | MPa | 1e3 |
| stress | MPa | MPa = uN/um^2 | 1 |
| expansion coefficient | ppm/K | 1/K | 1e-6 |
| force | N | uN | 1e6 |
| energy | uJ | pJ = uN um | 1e6 |
| energy release rate | J/m^2 | uN/um = J/m^2 | 1 |
"""

from __future__ import annotations

from typing import Final

MPA_PER_GPA: Final = 1.0e3
PER_K_PER_PPM: Final = 1.0e-6
UN_PER_N: Final = 1.0e6
PJ_PER_UJ: Final = 1.0e6

#: micrometres in one of the length units an imported mesh may be written in
UM_PER_LENGTH_UNIT: Final[dict[str, float]] = {
    "nm": 1.0e-3,
    "um": 1.0,
    "mm": 1.0e3,
    "cm": 1.0e4,
    "m": 1.0e6,
    "inch": 25400.0,
}

#: the unit in which each quantity is shown to the user
UNIT: Final[dict[str, str]] = {
    "length": "um",
    "modulus": "GPa",
    "stress": "MPa",
    "cte": "ppm/K",
    "temperature": "degC",
    "hardness": "HV",
    "force": "N",
    "energy": "uJ",
    "energy_release_rate": "J/m2",
}
