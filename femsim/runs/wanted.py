"""What a run can measure beyond the averages at the roots, by name, and which of it an output needs.

A single solve measures everything; a point of a study only what its outputs are read from. An output that no line here
knows needs everything: a measurement that is forgotten in this table costs time, never a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

#: the end of a root metric's name: place and length
_AT = r"( at \([^)]*\))?\.[0-9][0-9.eE+-]*um"
#: measurement -> what it gives, as patterns of names and of dotted paths into the JSON of ``solve``
GIVES: dict[str, tuple[str, ...]] = {
    "errors": (r"metrics\.roots\..+\.(peel|shear|von_mises)_error", rf".+\.(peel|shear|von_mises)(_range)?_error{_AT}"),
    "fields": (r"metrics\.roots\..+\.(singularity|expansion|consistent)\b.*",),
    "regions": (r"metrics\.regions\..+",),
    "probes": (r"probes\..+\.(at\[\d+\]|u\[\d+\]|stress\.\w+|T|T_error|T_history(_error)?\[\d+\])",),
    "paths": (r"paths\..+",),
    "probe_errors": (r"probes\..+\.(u_error\[\d+\]|stress_error\.\w+)",),
    "corners": (r"corners\..+",),
    "cracks": (r"cracks\[\d+\]\..+",),
    "bow": (r"bow\.\w+",),
    "reactions": (r"reactions\..+",),
    "quality": (r"mesh\.(smallest|worst_jacobian)",),
    "history": (),  # of a program: every increment and the fields of its steps
}
#: what every run has
FREE = (
    r"metrics\.roots\..+\.(at\[\d+\]|length|peel|shear|von_mises)",
    rf".+\.(peel|shear|von_mises)(_(at_)?(lowest|highest)|_range)?{_AT}",
    r"(case|mesh|checks|timing|refinement|heat)\..+",
    r"axial_strain",
    r"increments",
    r"(steps|life)\[\d+\]\..+",
    r"metrics\.roots\..+\.(inelastic|plastic_zone)\.\w+",
    r"layers\[\d+\]\..+",
)
EVERYTHING = frozenset(GIVES)
#: what is measured of plane and axisymmetric bodies only
PLANE_ONLY = frozenset({"fields", "corners", "cracks"})

_GIVES = {name: re.compile("|".join(patterns)) for name, patterns in GIVES.items()}
_FREE = re.compile("|".join(FREE))


def needed(outputs: Iterable[str]) -> frozenset[str]:
    """The measurements that a run must take to have these outputs."""
    found: set[str] = set()
    for path in outputs:
        own = {name for name, pattern in _GIVES.items() if pattern.fullmatch(path)}
        if not own and not _FREE.fullmatch(path):
            return EVERYTHING
        found |= own
    return frozenset(found)
