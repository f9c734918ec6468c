"""The sections of the report, in their order: add one here, and its template ``sections/KEY.html`` beside it.

A section takes what it shows from the document (the content of metrics.json): ``data`` returns what its template finds
as ``data``, or None where the document has nothing for it, and the section is then left out. Templates also know
``doc``, ``report``, ``m`` (the macros: ``m.plate(name)`` shows a figure) and the filters ``num``, ``fixed``, ``error``,
``place``, ``seconds``, ``unit`` and ``proper``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from femsim.runs.heat_tables import heat_tables, heat_words
from femsim.runs.largest import largest_of
from femsim.runs.names import kind_words
from femsim.runs.points import spread
from femsim.runs.program_tables import is_program, jump_rows, life_sources, life_tables, step_table
from femsim.runs.states import range_table

Json = dict[str, Any]
Document = Mapping[str, Any]


@dataclass(frozen=True)
class Section:
    """One section: its anchor and template's name, its heading, and what it takes from the document."""

    key: str
    title: str
    data: Callable[[Document], Json | None]


def heat_alone(document: Document) -> bool:
    """Whether only heat was solved."""
    return "temperatures" not in document["report"]


def _roots(document: Document) -> Json | None:
    """Averages by root, in the order of the document, and the singular terms of each."""
    if heat_alone(document):
        return None
    report, groups = document["report"], []
    for name, entries in document["metrics"]["roots"].items():
        for at, rows in groupby(entries, key=lambda entry: entry["at"]):
            groups.append({"name": name, "at": at, "region": report["conductors"].get(name, ""), "rows": list(rows)})
    first = [(group, group["rows"][0]) for group in groups]
    return {
        "groups": groups,
        "kinds": kinds_of(document),
        "around": list(_around(document)),
        "singular": [{"name": g["name"], "terms": row["singularity"]} for g, row in first if row.get("singularity")],
        "notes": [f"{g['name']}: {row['singularity_note']}" for g, row in first if row.get("singularity_note")],
    }


def _around(document: Document) -> Iterator[Json]:
    """Averages that vary around the axis, where each is largest."""
    for name, entries in document["metrics"]["roots"].items():
        for entry in entries:
            for kind in entry.get("largest", {}):
                value, error, angle = largest_of(entry, kind)
                row = {"root": name, "length": entry["length"], "kind": kind_words(kind)}
                yield row | {"value": value, "error": error, "angle": angle}


def kinds_of(document: Document) -> list[str]:
    """The kinds of root metrics a document has: the entries that have an error estimate beside them."""
    found: dict[str, None] = {}
    for entries in document["metrics"]["roots"].values():
        for entry in entries:
            found |= dict.fromkeys(key for key in entry if f"{key}_error" in entry)
    return list(found)


def _body(document: Document) -> Json | None:
    if heat_alone(document):
        return None
    elements = document["mesh"]["elements"]
    text = f"The contour that can be questioned is left out: the mesh has {elements} cells. fields.vtu has them all."
    return {
        "probes": list(spread(document["probes"])),
        "too_large": text if document["report"].get("field", {}).get("left_out") else "",
    }


def _fields(document: Document) -> Json | None:
    names = [entry["name"] for entry in document["report"]["figures"]]
    found = [name for name in names if name.startswith(("root_", "interface_"))]
    return {"figures": found} if found else None


def _refinement(document: Document) -> Json | None:
    found: Json | None = document.get("refinement")
    return found


def _program(document: Document) -> Json | None:
    if not is_program(document):
        return None
    words, table = step_table(document)
    figures = [entry["name"] for entry in document["report"]["figures"]]
    zones = [
        {"root": name, "length": entry["length"], **entry["inelastic"], "zone": entry.get("plastic_zone")}
        for name, entries in document["metrics"]["roots"].items()
        for entry in entries
        if "inelastic" in entry
    ]
    return {
        "words": words,
        "table": table,
        "increments": document["increments"],
        "left": len(document["steps"]) - len(table) + 1,
        "figures": [name for name in ("history", "loops", "yield", "cycle") if name in figures],
        "zones": zones if any(z["work"] for z in zones) else [],
        "layers": document.get("layers", []),
        "jumped": jump_rows(document),
        "jumps": document.get("cycles", {}).get("jumps", []),
    }


def _life(document: Document) -> Json | None:
    if not document.get("life"):
        return None
    damage, cycles = life_tables(document)
    inputs = document["report"]["inputs"]
    constants = [entry for entry in inputs if entry["key"].startswith("life.") and entry["given"]]
    warned = [text for text in document["warnings"] if text.startswith("life.")]
    return {"tables": [damage, cycles], "sources": life_sources(document), "constants": constants, "warnings": warned}


def _cracks(document: Document) -> Json | None:
    return {"cracks": document["cracks"]} if document.get("cracks") else None


def _corners(document: Document) -> Json | None:
    corners = document.get("corners") or {}
    terms = [{"name": name, "terms": entry["singularity"]} for name, entry in corners.items() if entry["singularity"]]
    notes = [
        f"{name}: {entry.get('singularity_note') or 'no singular term'}"
        for name, entry in corners.items()
        if not entry["singularity"]
    ]
    return {"corners": terms, "notes": notes} if corners else None


def _inputs(document: Document) -> Json:
    """What differs from the defaults, and what does not."""
    entries = document["report"]["inputs"]
    changed = [entry for entry in entries if entry.get("differs", entry["given"])]
    return {"changed": changed, "same": [entry for entry in entries if entry not in changed]}


#: figures of heat in their order
HEAT_FIGURES = ("temperature", "heat_section", "hottest", "temperature_over_time", "z_th")
#: lines of a table over time; more are thinned
LINES = 30


def _temperatures(document: Document) -> Json | None:
    """Every metric at every temperature, where the case has several."""
    rows = range_table(document)
    return {"rows": rows} if len(rows) > 1 else None


def _heat(document: Document) -> Json | None:
    if "heat" not in document:
        return None
    words = " ".join(heat_words(dict(document))).replace("+-", "\u00b1")
    names = [entry["name"] for entry in document["report"]["figures"]]
    return {
        "tables": [*heat_tables(dict(document)), *_probe_temperatures(document), *_over_time(document)],
        "words": words,
        "junctions": junctions(document),
        "figures": [name for name in HEAT_FIGURES if name in names],
        "networks": _networks(document),
    }


def junctions(document: Document) -> list[str]:
    """A sentence for each source: its largest and mean temperature and its resistances, with their errors."""
    heat, found = document["heat"], []
    unit = "K/W" if document["case"]["kinematics"] == "axisymmetric" else "m K/W"
    for name, one in heat["sources"].items():
        last = {key: value[-1] if isinstance(value, list) else value for key, value in one.items()}
        errors = {
            key: f" \u00b1 {last[f'{key}_error']:.1g}" if f"{key}_error" in last else "" for key in ("T_max", "T_mean")
        }
        text = f"{name}: {last['T_max']:.5g}{errors['T_max']} \u00b0C at its hottest"
        text += f", {last['T_mean']:.5g}{errors['T_mean']} \u00b0C in the mean"
        if last["R_max"] is not None and last["R_mean"] is not None:
            kind = "thermal impedance" if "times" in heat else "thermal resistance"
            text += f"; {kind} {last['R_max']:.4g} and {last['R_mean']:.4g} {unit}"
        found.append(text + f" against {heat['ambient']:g} \u00b0C.")
    return found


def _probe_temperatures(document: Document) -> list[list[list[str]]]:
    probes = {name: probe for name, probe in spread(document["probes"]) if probe is not None and "T" in probe}
    if not probes:
        return []
    rows = [["probe", "at (um)", "T (degC)"]]
    for name, probe in probes.items():
        error = f" +- {probe['T_error']:.1g}" if probe.get("T_error") is not None else ""
        rows.append([name, ", ".join(f"{v:g}" for v in probe["at"]), f"{probe['T']:.6g}{error}"])
    return [rows]


def _over_time(document: Document) -> list[list[list[str]]]:
    """Temperatures and impedances of sources over time, thinned where the times are many."""
    heat = document["heat"]
    if "times" not in heat:
        return []
    unit = "K/W" if document["case"]["kinematics"] == "axisymmetric" else "m K/W"
    head = ["time (s)", "T max (degC)"]
    for name in heat["sources"]:
        head += [f"{name}: T mean (degC)", f"Z_th ({unit})"]
    count = len(heat["times"])
    rows = [head]
    for k in sorted({round(j * (count - 1) / max(min(LINES, count) - 1, 1)) for j in range(min(LINES, count))}):
        row = [f"{heat['times'][k]:.6g}", f"{heat['T_max'][k]:.6g}"]
        for one in heat["sources"].values():
            z = one["R_mean"][k]
            row += [f"{one['T_mean'][k]:.6g}", "-" if z is None else f"{z:.6g}"]
        rows.append(row)
    return [rows]


def _networks(document: Document) -> list[Json]:
    """The terms of Foster networks."""
    return [
        {"source": name, "misfit": one["misfit"], "terms": list(zip(one["R"], one["tau"], strict=True))}
        for name, one in document["heat"].get("foster", {}).items()
    ]


def _always(document: Document) -> Json:
    return {}


SECTIONS = (
    Section("roots", "Stress at the roots", _roots),
    Section("temperatures", "Over the temperatures", _temperatures),
    Section("body", "Stress in the body", _body),
    Section("fields", "Fields at the roots", _fields),
    Section("program", "Steps and cycles", _program),
    Section("life", "Life", _life),
    Section("heat", "Heat", _heat),
    Section("cracks", "Interface cracks", _cracks),
    Section("corners", "Corners", _corners),
    Section("layout", "Layout", _always),
    Section("inputs", "Inputs", _inputs),
    Section("materials", "Materials and sources", _always),
    Section("mesh", "Mesh", _always),
    Section("refinement", "Refinement", _refinement),
    Section("checks", "Checks", _always),
    Section("reproduce", "Timing, versions, reproduction", _always),
)
