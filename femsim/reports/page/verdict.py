"""The line on top of a report: the highest root stress, how sure it is, what it means, and what was not resolved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from femsim.reports.page.sections import heat_alone, junctions, kinds_of
from femsim.reports.words import error_text, fixed, number, proper
from femsim.runs.largest import largest_of

Json = dict[str, Any]

#: an average whose estimated error is larger than this fraction of it is not resolved,
RESOLVED = 0.05
#: unless the error is smaller than this fraction of the von Mises average beside it
NOTHING = 0.005
#: what is said of an elastic stress above the yield strength
OVERSTATED = ": the elastic result overstates it, the material would flow"


def verdict(document: Mapping[str, Any]) -> Json:
    """``level`` (good, warn, bad), ``headline``, ``lines`` and ``faults`` of a document (the content of
    metrics.json).
    """
    faults = list(_faults(document))
    if heat_alone(document):
        return _of_heat(document, faults)
    entries = [
        (name, entry) for name, list_ in document["metrics"]["roots"].items() for entry in list_ if "von_mises" in entry
    ]
    if not entries:
        headline, lines = _without_roots(document)
    else:
        headline, lines = _of_roots(document, entries)
        unresolved = [text for name, entry in entries for text in _unresolved(document, name, entry)]
        if all(entry.get("von_mises_error") is None for _, entry in entries):
            what = "where a material flows or relaxes" if "increments" in document else "here"
            faults.append(f"Averages have no error estimates {what}: `femsim converge` says what the mesh costs.")
        elif unresolved:
            faults.append(
                f"Not resolved (estimated error above {100 * RESOLVED:g} %): {'; '.join(unresolved)}. A finer "
                "mesh.size or --tol helps."
            )
        elif entries:
            worst = max(_relative(entry, kind) for _, entry in entries for kind in kinds_of(document))
            lines.append(f"Every average is resolved: the largest estimated error is {100 * worst:.2g} % of its value.")
    over = [text for text in lines if OVERSTATED in text]
    failed = any(check["verdict"] == "FAIL" for check in document["report"]["checks"])
    return {"level": "bad" if failed else "warn" if faults or over else "good", "headline": headline, "lines": lines,
            "faults": faults}  # fmt: skip


def _of_roots(document: Mapping[str, Any], entries: list[tuple[str, Json]]) -> tuple[str, list[str]]:
    """The highest von Mises average at the first length that is given, and the largest peel and shear beside it."""
    length = entries[0][1]["length"]
    same = [(name, entry) for name, entry in entries if entry["length"] == length] or entries
    name, entry = max(same, key=lambda item: largest_of(item[1], "von_mises")[0])
    top, top_error, angle = largest_of(entry, "von_mises")
    region = document["report"]["conductors"].get(name, "")
    headline = (
        f"Highest root stress: von Mises {_sure(top, top_error)} MPa at "
        f"{name}{f' in {region}' if region else ''}{_turned(angle)}, averaged over {number(length)} µm."
    )
    lines = []
    limit = document["report"].get("yield", {}).get(region)
    if limit:
        share = top / limit
        text = f"That is {100 * share:.0f} % of the yield strength of {region}, {number(limit)} MPa"
        lines.append(text + ("." if share < 1 else f"{OVERSTATED}."))
    parts = []
    for kind in ("peel", "shear"):
        with_kind = [(n, e) for n, e in same if kind in e]
        if with_kind:
            where, entry = max(with_kind, key=lambda item: abs(largest_of(item[1], kind)[0]))
            value, error, angle = largest_of(entry, kind)
            parts.append(f"{kind} {_sure(value, error)} MPa at {where}{_turned(angle)}")
    if parts:
        lines.append(f"Largest in magnitude over the same length: {', '.join(parts)}.")
    return headline, lines


def _of_heat(document: Mapping[str, Any], faults: list[str]) -> Json:
    """Of heat alone: the largest temperature, and what each source reaches."""
    heat = document["heat"]
    if "times" in heat:
        hot = heat["hottest"]
        headline = f"Largest temperature: {fixed(hot['T_max'], 2)} °C, after {number(hot['time'])} s."
        lines = [f"At {number(heat['times'][-1])} s, {text}" for text in junctions(document)]
    else:
        headline = f"Largest temperature: {fixed(heat['T_max'], 2)} °C."
        lines = junctions(document)
    return {"level": "bad" if faults else "good", "headline": headline, "lines": lines, "faults": faults}


def _sure(value: float, error: float | None) -> str:
    """A value with its error, where that is known."""
    return fixed(value, 1) if error is None else f"{fixed(value, 1)} ± {error_text(error)}"


def _turned(angle: float | None) -> str:
    return "" if angle is None else f" and {number(angle)}° around the axis"


def _without_roots(document: Mapping[str, Any]) -> tuple[str, list[str]]:
    """The most stressed region."""
    regions = {name: found for name, found in document["metrics"]["regions"].items() if found is not None}
    if not regions:
        return "This case names no root and has no stress to report.", []
    name = max(regions, key=lambda region: regions[region]["von_mises_mean"] or 0.0)
    value = regions[name]["von_mises_mean"]
    return f"Highest mean stress of a region: von Mises {fixed(value, 1)} MPa in {name}.", [
        "This case names no root, so there is no average to judge."
    ]


def _relative(entry: Json, kind: str) -> float:
    """Error over value; over a tenth of the von Mises average where the value is smaller than that."""
    error = entry.get(f"{kind}_error")
    if error is None or kind not in entry:
        return 0.0
    return float(abs(error) / max(abs(entry[kind]), 0.1 * entry["von_mises"], 1e-12))


def _unresolved(document: Mapping[str, Any], name: str, entry: Json) -> Iterator[str]:
    for kind in kinds_of(document):
        error = entry.get(f"{kind}_error")
        if kind not in entry:
            continue
        if error is None:
            yield f"{kind.replace('_', ' ')} at {name} over {number(entry['length'])} µm has no error estimate"
        elif error > RESOLVED * abs(entry[kind]) and error > NOTHING * entry["von_mises"]:
            size = f" ({100 * error / abs(entry[kind]):.0f} %)" if abs(entry[kind]) > error else ""
            at = f"{name} over {number(entry['length'])} µm"
            yield f"{kind.replace('_', ' ')} at {at}: ± {error_text(error)} MPa{size}"


def _faults(document: Mapping[str, Any]) -> Iterator[str]:
    """Checks that failed, a tolerance that was not met, averages that were left out."""
    for check in document["report"]["checks"]:
        if check["verdict"] == "FAIL":
            yield f"The check of the {check['name']} failed: {check['value']:.1e} is above {check['limit']:.0e}."
    refinement = document.get("refinement")
    if refinement and not refinement["met"]:
        yield f"The tolerance {100 * refinement['tolerance']:g} % was not met: {refinement['reason']}."
    for text in document["report"].get("left_out", []):
        yield f"{proper(text[:1].upper() + text[1:])}."
