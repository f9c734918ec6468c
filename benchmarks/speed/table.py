"""From the accounts of the runs to the table (Markdown) and the plot (PNG). ``python table.py DIRECTORY`` makes both
again.
"""

from __future__ import annotations

import json
import sys
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

Results = dict[str, Any]

#: what the project wants to show: the peer, the size, the least ratio to femsim, and which femsim
TARGETS = (
    ("dolfinx", "1M", 2.0, "femsim"),
    ("ngsolve", "1M", 5.0, "femsim"),
    ("sfepy", "1M", 8.0, "femsim"),
    ("skfem-pardiso", "1M", 8.0, "femsim"),
    ("skfem", "1M", 30.0, "femsim"),
    ("calculix", "200k", 10.0, "femsim"),
    ("skfem", "200k", 6.0, "femsim-plain"),
    ("calculix", "200k", 1.0, "femsim-plain"),
    ("dolfinx", "space-100k", 2.0, "femsim"),
    ("ngsolve", "space-100k", 2.0, "femsim"),
    ("calculix", "space-100k", 2.0, "femsim"),
)
GROWTH = 1.25


def value(entry: Results, name: str) -> float:
    """Median of a figure over the finished runs; nan without one."""
    runs = [run[name] for run in entry["runs"] if run["exit"] == 0]
    return float(median(runs)) if runs else float("nan")


def ratio(size: Results, key: str, base: str) -> float:
    """Wall time of one program over another's, pair by pair of the same round; the median."""
    a, b = ({r["round"]: r["wall"] for r in size["programs"][k]["runs"] if r["exit"] == 0} for k in (key, base))
    common = [a[r] / b[r] for r in a if r in b]
    return float(median(common)) if common else float("nan")


def of_group(size: Results, group: str) -> str | None:
    """The fastest program of a group."""
    keys = [k for k, e in size["programs"].items() if e["group"] == group and np.isfinite(value(e, "wall"))]
    return min(keys, key=lambda k: value(size["programs"][k], "wall"), default=None)


def _number(x: float, digits: int = 3) -> str:
    return "–" if not np.isfinite(x) else f"{x:.{digits}g}" if abs(x) < 100 else f"{x:.0f}"


def _agreement(entry: Results) -> str:
    equal = entry.get("agreement")
    if not equal:
        return "–"
    worst = max(equal["displacement"], *(v for k, v in equal.items() if k.endswith("_difference")))
    if "note" in equal:
        return f"{equal['displacement']:.0e} ({equal['note']})"
    return f"{worst:.0e}" + ("" if equal["equal"] else " **not equal**")


def _runs(entry: Results) -> str:
    runs = [r["wall"] for r in entry["runs"] if r["exit"] == 0]
    if not runs:
        last = entry["runs"][-1] if entry["runs"] else {"late": False, "exit": "?"}
        return f"over {last['wall']:.0f}" if last["late"] else f"failed ({last['exit']})"
    spread = f" ({min(runs):.3g}–{max(runs):.3g})" if len(runs) > 1 else ""
    return f"{_number(median(runs))}{spread}"


def markdown(results: Results) -> str:
    """Tables: every size, growth, targets."""
    machine = results["machine"]
    lines = [
        f"{machine['processor']}, {machine['cores']} cores, {machine['system']}. Whole processes, wall "
        f"seconds as median",
        "(smallest–largest); ratios are medians over rounds in which all ran in turn. Agreement: largest "
        "relative difference of",
        "displacement, peel and shear (in space the load's work and the tip's displacement) from femsim.",
        "",
    ]
    for name, size in results["sizes"].items():
        kind = "hex27" if name.startswith("space") else "quad9"
        lines += [
            f"**{name}: {size['unknowns']} unknowns, {size['elements']} {kind} elements** (load average "
            f"{size['load']})",
            "",
        ]
        lines += [
            "| program | wall s | times femsim | CPU s | times femsim | peak MB | times femsim | agreement | runs |",
            "| --- |" + " ---: |" * 8,
        ]
        base = size["programs"].get("femsim")
        for key, entry in size["programs"].items():
            slower = ratio(size, key, "femsim") if base else float("nan")
            peak = value(entry, "peak_mb")
            more = peak / value(base, "peak_mb") if base else float("nan")
            cpu = value(entry, "cpu")
            dearer = cpu / value(base, "cpu") if base else float("nan")
            cells = [
                entry["label"],
                _runs(entry),
                *map(_number, (slower, cpu, dearer)),
                _number(peak, 4),
                _number(more),
            ]
            lines.append(f"| {' | '.join([*cells, _agreement(entry), str(len(entry['runs']))])} |")
        lines.append("")
    lines += [*_growth(results), *_targets(results)]
    return "\n".join(lines) + "\n"


def _growth(results: Results) -> list[str]:
    sizes = list(results["sizes"].items())
    if len(sizes) < 2:
        return []
    steps = [*pairwise(sizes), *([(sizes[0], sizes[-1])] if len(sizes) > 2 else [])]
    lines = ["Growth of the wall time with the number of unknowns, n^x:", ""]
    lines += [
        "| program | " + " | ".join(f"{a} to {b}" for (a, _), (b, _) in steps) + " |",
        "| --- |" + " ---: |" * len(steps),
    ]
    for key in dict.fromkeys(k for _, s in sizes for k in s["programs"]):
        label, cells = key, []
        for (_, a), (_, b) in steps:
            x = float("nan")
            if key in a["programs"] and key in b["programs"]:
                label = a["programs"][key]["label"]
                x = np.log(value(b["programs"][key], "wall") / value(a["programs"][key], "wall")) / np.log(
                    b["unknowns"] / a["unknowns"]
                )
            cells.append("–" if not np.isfinite(x) else f"{x:.2f}")
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return [*lines, ""]


def _targets(results: Results) -> list[str]:
    rows: list[tuple[str, str, str, bool]] = []
    sizes = results["sizes"]
    for group, name, least, base in TARGETS:
        size = sizes.get(name)
        key = of_group(size, group) if size else None
        if size is None or key is None or base not in size["programs"]:
            continue
        found = ratio(size, key, base)
        label = f"{size['programs'][key]['label']} over {size['programs'][base]['label']}, {name}"
        rows.append((label, f">= {least:g}", _number(found), found >= least))
    for name, size in sizes.items():
        entries = size["programs"]
        peaks = [value(e, "peak_mb") for e in entries.values() if e["group"] == "dolfinx"]
        most = min((p for p in peaks if np.isfinite(p)), default=None)
        if most is not None and "femsim" in entries:
            own = value(entries["femsim"], "peak_mb")
            rows.append((f"peak memory, dolfinx the limit, {name} (MB)", f"<= {most:.0f}", f"{own:.0f}", own <= most))
        again = entries.get("femsim-again", {}).get("facts")
        if again:
            first = again["parts"]["assemble"] + again["parts"]["solve"]
            for fact, what in (("again", "second temperature"), ("again_cte", "second CTE")):
                if fact in again:
                    label = f"{what} over first solve, {name}"
                    rows.append((label, "< 0.1", _number(again[fact] / first), again[fact] < 0.1 * first))
        facts = entries.get("femsim", {}).get("facts")
        if facts and name == "1M":
            rows.append(
                ("mesh of 1M unknowns (s)", "< 0.5", _number(facts["laps"]["mesh"]), facts["laps"]["mesh"] < 0.5)
            )
        if name == "200k" and {"femsim-out", "femsim-json"} <= set(entries):
            json_, out = value(entries["femsim-json"], "wall"), value(entries["femsim-out"], "wall")
            rows.append(("figures and report over solve, 200k", "< 1", _number((out - json_) / json_), out < 2 * json_))
    names = list(sizes)
    if len(names) > 1 and all("femsim" in sizes[n]["programs"] for n in (names[0], names[-1])):
        a, b = sizes[names[0]], sizes[names[-1]]
        x = np.log(value(b["programs"]["femsim"], "wall") / value(a["programs"]["femsim"], "wall")) / np.log(
            b["unknowns"] / a["unknowns"]
        )
        rows.append((f"growth of femsim's time, {names[0]} to {names[-1]}", f"<= {GROWTH:g}", f"{x:.2f}", x <= GROWTH))
    if not rows:
        return []
    lines = ["| what is wanted | limit | found | |", "| --- | ---: | ---: | --- |"]
    return [
        *lines,
        *(f"| {what} | {limit} | {found} | {'yes' if met else '**no**'} |" for what, limit, found, met in rows),
        "",
    ]


def plot(results: Results, path: Path) -> None:
    """Wall time and peak memory over the number of unknowns, both axes logarithmic."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, 2, figsize=(10, 4.6), layout="constrained")
    sizes = list(results["sizes"].values())
    labels = {k: e["label"] for s in sizes for k, e in s["programs"].items() if not e["extra"]}
    colours = plt.get_cmap("tab10")
    for panel, name, title in zip(
        panels, ("wall", "peak_mb"), ("wall time of the whole process, s", "peak memory, MB"), strict=True
    ):
        for i, (key, label) in enumerate(labels.items()):
            found = [(s["unknowns"], value(s["programs"][key], name)) for s in sizes if key in s["programs"]]
            own = key.startswith("femsim")
            panel.plot(
                *zip(*found, strict=True),
                "o-" if own else "s--",
                label=label,
                lw=2.5 if own else 1.2,
                ms=5,
                color=colours(i % 10),
            )
        panel.set(xscale="log", yscale="log", xlabel="unknowns", title=title)
        panel.grid(True, which="both", alpha=0.25)
    panels[0].legend(fontsize=8)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def write(results: Results, directory: Path) -> None:
    """results.json, table.md and times.png."""
    (directory / "results.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
    (directory / "table.md").write_text(markdown(results), encoding="utf-8")
    plot(results, directory / "times.png")


if __name__ == "__main__":
    write(json.loads((Path(sys.argv[1]) / "results.json").read_text(encoding="utf-8")), Path(sys.argv[1]))
