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
| power | W | W | 1 |
| conductivity | W/(m K) | W/(um K) | 1e-6 |
| heat flux, h | W/m^2, W/(m^2 K) | W/um^2, W/(um^2 K) | 1e-12 |
| power density | W/m^3 | W/um^3 | 1e-18 |
| contact resistance | mm^2 K/W | um^2 K/W | 1e6 |
| heat capacity of a volume | J/(m^3 K) | J/(um^3 K) | 1e-18 |
"""

from __future__ import annotations

from typing import Final

MPA_PER_GPA: Final = 1.0e3
PER_K_PER_PPM: Final = 1.0e-6
UN_PER_N: Final = 1.0e6
PJ_PER_UJ: Final = 1.0e6
W_PER_UM_K: Final = 1.0e-6
W_PER_UM2_FROM_M2: Final = 1.0e-12
W_PER_UM3_FROM_M3: Final = 1.0e-18
UM2_PER_MM2: Final = 1.0e6

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
    "power": "W",
    "conductivity": "W/(m K)",
    "heat_flux": "W/m2",
    "film_coefficient": "W/(m2 K)",
    "contact_resistance": "mm2 K/W",
    "thermal_resistance": "K/W",
}
