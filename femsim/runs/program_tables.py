"""Steps and lives of the JSON of ``solve`` as rows of text, for the console and the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

#: steps that a table shows whole; of more, the steps and the last cycles
SHOWN = 24
#: laws of fatigue: key in the JSON, what the table calls it, where it is published
LAWS: dict[str, tuple[str, str]] = {
    "darveaux": ("Darveaux", "R. Darveaux, in J. H. Lau (ed.), Ball Grid Array Technology (1995); 50th ECTC (2000)"),
    "syed_energy": ("Syed, energy", "A. Syed, 54th ECTC (2004) 737"),
    "syed_strain": ("Syed, strain", "A. Syed, 54th ECTC (2004) 737"),
    "coffin_manson": ("Coffin-Manson", "L. F. Coffin, Trans. ASME 76 (1954) 931; S. S. Manson, NACA TN 2933 (1953)"),
    "engelmaier": ("Engelmaier", "W. Engelmaier, IEEE Trans. CHMT 6 (1983) 232"),
}  # fmt: skip


def is_program(document: Mapping[str, Any]) -> bool:
    """Whether a document's steps are those of a program (a transient's times are not)."""
    return bool(document.get("steps")) and "increments" in document


def step_table(document: Mapping[str, Any]) -> tuple[str, list[list[str]]]:
    """What is shown, and rows, header first: every step's end with the averages of the root where most flowed, or,
    where there is no root, the region that did. Of a long program the steps and the first and last cycle.
    """
    steps: Sequence[Mapping[str, Any]] = document["steps"]
    last = max((step.get("cycle", 0) for step in steps), default=0)
    if len(steps) > SHOWN:
        steps = [step for step in steps if step.get("cycle", 0) in (0, 1, last)]
    flown = ["plastic strain", "creep strain", "work (MPa)"]
    place = _root_of(document)
    if place is not None:
        name, index, length = place
        rows = [["end of", "time (s)", "T (degC)", "peel (MPa)", "shear (MPa)", "von Mises (MPa)", *flown]]
        for step in steps:
            entries = step["metrics"]["roots"].get(name, [])
            rows.append([*_start(step), *_root_cells(entries[index] if index < len(entries) else None)])
        return f"{name}, averages over {length:g} um", rows
    region = _region_of(document)
    rows = [["end of", "time (s)", "T (degC)", "von Mises (MPa)", *flown]]
    for step in steps:
        found = step["metrics"]["regions"].get(region)
        cells = ["not there", "", "", ""]
        if found is not None:
            means = [f"{found['inelastic'][key]:.3g}" for key in ("p_mean", "creep_mean", "work_mean")]
            cells = [f"{found['von_mises_mean']:.2f}", *means]
        rows.append([*_start(step), *cells])
    return f"{region}, volume means", rows


def _start(step: Mapping[str, Any]) -> list[str]:
    t = step["temperature"]
    degrees = f"{t[0]:g} to {t[1]:g}" if isinstance(t, list | tuple) else f"{t:g}"
    return [str(step["name"]), f"{step['time']:.6g}", degrees]


def _root_cells(entry: Mapping[str, Any] | None) -> list[str]:
    if entry is None:
        return ["not there", "", "", "", "", ""]
    stress = [f"{entry[key]:.2f}" if key in entry else "" for key in ("peel", "shear", "von_mises")]
    flown = entry.get("inelastic", {})
    return [*stress, *(f"{flown[key]:.3g}" if key in flown else "" for key in ("p", "creep", "work"))]


def _root_of(document: Mapping[str, Any]) -> tuple[str, int, float] | None:
    """Name, place in the list and length of the root with most work at its longest length; None without roots."""
    found = [
        (entry.get("inelastic", {}).get("work", 0.0), entry["length"], -n, name, index)
        for n, (name, entries) in enumerate(document["metrics"]["roots"].items())
        for index, entry in enumerate(entries)
        if entry["length"] == max(one["length"] for one in entries)
    ]
    if not found:
        return None
    _, length, _, name, index = max(found)
    return name, index, length


def _region_of(document: Mapping[str, Any]) -> str:
    there = {name: found for name, found in document["metrics"]["regions"].items() if found is not None}
    return str(max(there, key=lambda name: there[name]["inelastic"]["work_mean"]))


def life_tables(document: Mapping[str, Any]) -> tuple[list[list[str]], list[list[str]]]:
    """Rows, header first: what the last cycle does to each region, and the cycles to failure by every law asked for."""
    damage = [["region", "work a cycle (MPa)", "strain a cycle", "change to the cycle before"]]
    cycles = [["region", "law", "cycles", "until a crack", "growth (um a cycle)"]]
    for one in document.get("life", ()):
        change = "one cycle alone" if one["change"] is None else f"{100 * one['change']:+.2g} %"
        if one["work_per_cycle"] == 0.0:
            change = "it stays elastic"
        damage.append([one["region"], f"{one['work_per_cycle']:.4g}", f"{one['strain_per_cycle']:.4g}", change])
        for key, (name, _) in LAWS.items():
            if key not in one:
                continue
            found = one[key]
            if isinstance(found, Mapping):
                cells = [_count(found["N"]), _count(found["N0"]), f"{found['growth']:.4g}"]
            else:
                cells = [_count(found), "", ""]
            cycles.append([one["region"], name, *cells])
    if not any(row[3] for row in cycles[1:]):  # no law here counts a crack's growth
        cycles = [row[:3] for row in cycles]
    return damage, cycles


def jump_rows(document: Mapping[str, Any]) -> tuple[str, list[list[str]]] | None:
    """What is said of cycles that were jumped over, and rows, header first: strain and work of what flows, with the
    error that the jumps made; None where none were asked for.
    """
    found = document.get("cycles")
    if found is None:
        return None
    jumps, count = found["jumps"], found["count"]
    over = sum(j["cycles"] for j in jumps)
    said = f"{len(found['run'])} of {count} cycles run, {over} jumped over in {len(jumps)} jumps"
    if found["taken_back"]:
        said += f" ({found['taken_back']} taken back)"
    rows = [
        ["region", f"strain after {count}", "work (MPa)", "strain a cycle", "work a cycle (MPa)", "stays of a cycle"]
    ]
    for name, one in found["regions"].items():
        pairs = [
            f"{one[k]:.5g} +- {one[k + '_error']:.1g}" for k in ("strain", "work", "strain_per_cycle", "work_per_cycle")
        ]
        rows.append([name, *pairs, f"{100 * one['ratchet']:.2g} %" if "ratchet" in one else ""])
    return said, rows


def _count(cycles: float | None) -> str:
    return "no end" if cycles is None else f"{cycles:.4g}"


def life_sources(document: Mapping[str, Any]) -> list[str]:
    """The laws used and where each is published."""
    used = {key for one in document.get("life", ()) for key in LAWS if key in one}
    return [f"{name}: {source}" for key, (name, source) in LAWS.items() if key in used]
