"""Several temperatures of one case as the JSON of ``solve`` has them, and the range of every metric over them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from femsim.runs.names import outputs_of, parts

#: what each temperature's entry holds of its results
KEPT = ("metrics", "probes", "cracks", "bow", "reactions", "axial_strain", "checks")
#: numbers whose range is told, by dotted path: what depends on the load
_LOADED = re.compile(
    r"metrics\.regions\..+|probes\..+\.(u\[\d+\]|stress\.\w+)|cracks\[\d+\]\.(energy_release_rate|stress_intensity\.K_II?)"
    r"|bow\.\w+|reactions\..+|axial_strain"
)


def temperatures_dict(temperatures: Sequence[float], documents: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """``temperatures`` (one entry each, in the case's order) and ``ranges`` (by the name of the metric) of the JSON.

    A range holds the ``lowest`` and ``highest`` value with the temperatures (degC) at which they are, their difference,
    and of root metrics ``range_error``, the sum of both errors. Metrics that one of the states lacks have none.
    """
    entries = [
        {
            "temperature": temperature,
            "delta_t": document["case"]["delta_t"],
            **{key: document[key] for key in KEPT if document.get(key) is not None},
        }
        for temperature, document in zip(temperatures, documents, strict=True)
    ]
    values = [{one.name: one for one in outputs_of(document)} for document in documents]
    ranges: dict[str, dict[str, float]] = {}
    for name, first in values[-1].items():
        metric = parts(name)
        if not (metric is not None and not metric.kind.endswith("_error")) and not _LOADED.fullmatch(first.path):
            continue
        if any(name not in found for found in values):
            continue
        series = [(found[name].value, temperatures[i], i) for i, found in enumerate(values)]
        low, high = min(series), max(series)
        entry = {"lowest": low[0], "at_lowest": low[1], "highest": high[0], "at_highest": high[1]}
        entry["range"] = high[0] - low[0]
        if metric is not None:
            error = metric.other(f"{metric.kind}_error")
            if all(error in values[i] for i in (low[2], high[2])):
                entry["range_error"] = sum(values[i][error].value for i in {low[2], high[2]})
        ranges[name] = entry
    return {"temperatures": entries, "ranges": ranges}


def range_table(document: Mapping[str, Any]) -> list[list[str]]:
    """Rows of text, header first: each root metric at every temperature (MPa), and its range; empty without a list."""
    entries = document.get("temperatures") or []
    if not entries:
        return []
    rows = [["metric (MPa)", *(f"{entry['temperature']:g} degC" for entry in entries), "range"]]
    found = [{one.name: one.value for one in outputs_of(entry)} for entry in entries]
    for name, span in document["ranges"].items():
        if parts(name) is None:
            continue
        error = span.get("range_error")
        width = f"{span['range']:.2f}" if error is None else f"{span['range']:.2f} +- {error:.2f}"
        rows.append([name, *(f"{values[name]:.2f}" for values in found), width])
    return rows
