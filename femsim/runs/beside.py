"""Results that cases share beside their root metrics: temperatures, thermal resistances, lives, probes, bow, cracks,
means of regions. Their values stand side by side with units and, where they are known, errors.

No lowest is named: of a life the largest is wanted, of a displacement neither.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from femsim.runs.names import error_paths, numbers
from femsim.runs.units import output_unit

#: dotted paths that are compared; of lists over time the last entry is
_WANTED = re.compile(
    r"heat\.(T_max|sources\..+\.(T|R)_(max|mean))(\[\d+\])?"
    r"|life\[\d+\]\.(work_per_cycle|strain_per_cycle|syed_\w+|coffin_manson|darveaux\.N)"
    r"|probes\.[^.]+\.(u\[\d+\]|stress\.\w+|T)"
    r"|bow\.(curvature|deflection)"
    r"|cracks\[\d+\]\.energy_release_rate"
    r"|metrics\.regions\..+\.von_mises_mean"
)


@dataclass(frozen=True)
class Beside:
    """One result of all cases: its dotted path, unit, values and errors (None where there is none)."""

    name: str
    unit: str
    values: tuple[float | None, ...]
    errors: tuple[float | None, ...]

    @property
    def resolved(self) -> bool | None:
        """Whether smallest and largest value differ by more than the sum of their errors; None: errors unknown."""
        there = sorted((v, e) for v, e in zip(self.values, self.errors, strict=True) if v is not None and e is not None)
        if len(there) < 2 or len(there) < sum(v is not None for v in self.values):
            return None
        return there[-1][0] - there[0][0] > there[-1][1] + there[0][1]

    def difference(self, index: int) -> tuple[float, float] | None:
        """Difference to the first case, in the unit and in per cent of its magnitude (infinite where that is zero)."""
        first, value = self.values[0], self.values[index]
        if first is None or value is None:
            return None
        return value - first, 100.0 * (value - first) / abs(first) if first else math.copysign(math.inf, value - first)

    def to_dict(self) -> dict[str, Any]:
        """Its entry under ``others`` in the JSON of ``compare``."""
        by = [self.difference(i) for i in range(len(self.values))]
        return {
            "unit": self.unit,
            "values": list(self.values),
            "errors": list(self.errors),
            "resolved": self.resolved,
            "difference": [None if d is None else d[0] for d in by],
            "percent": [None if d is None or not math.isfinite(d[1]) else d[1] for d in by],
        }


def beside(documents: Sequence[Mapping[str, Any]], plane: Sequence[bool]) -> list[Beside]:
    """What at least two documents of ``solve`` have, in the order of the first that has it.

    ``plane`` says which are of plane models: a number per um of depth is not put beside one that is none.
    """
    found = [_wanted(document) for document in documents]
    units = [{name: output_unit(name, flat) for name in one} for one, flat in zip(found, plane, strict=True)]
    rows = []
    for name in dict.fromkeys(name for one in found for name in one):
        having = [i for i, one in enumerate(found) if name in one]
        if len(having) < 2 or len({units[i][name] for i in having}) > 1:
            continue
        pairs = [one.get(name, (None, None)) for one in found]
        rows.append(Beside(name, units[having[0]][name], tuple(v for v, _ in pairs), tuple(e for _, e in pairs)))
    return rows


def _wanted(document: Mapping[str, Any]) -> dict[str, tuple[float, float | None]]:
    """Values and errors by path: the error's path differs by ``_error`` behind one word."""
    parts = {key: document[key] for key in ("heat", "life", "probes", "bow", "cracks") if document.get(key) is not None}
    parts["metrics"] = {"regions": document["metrics"].get("regions", {})}
    known = numbers(parts)
    found: dict[str, tuple[float, float | None]] = {}
    for path, value in known.items():
        if not _WANTED.fullmatch(path) or not math.isfinite(value):
            continue
        series = path.startswith("heat.") and path.endswith("]")
        name = re.sub(r"\[\d+\]$", "", path) if series else path  # later entries write over earlier ones
        found[name] = value, next((known[other] for other in error_paths(path) if other in known), None)
    return found
