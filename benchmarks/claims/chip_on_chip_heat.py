"""What heat-sink terminal and diffusion film of a chip-on-chip package do to junction temperature and root stress
together.

python benchmarks/claims/chip_on_chip_heat.py [--quick] writes chip-on-chip-heat.md, .png and .csv.
"""

from __future__ import annotations

import csv
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from common import HERE, Design, arguments, table, write_page

CASE = "flipchip-heat"
#: what the tables show: title, output, unit
OUTPUTS = {
    "first chip, largest (°C)": "heat.sources.first.T_max",
    "first chip, mean rise over its power (K/W)": "heat.sources.first.R_mean",
    "second chip, largest (°C)": "heat.sources.second.T_max",
    "through the heat sink (W)": "heat.boundaries.heat sink",
    "heat-sink foot, von Mises (MPa)": "heat_sink_foot.von_mises.5um",
    "heat-sink foot, peel (MPa)": "heat_sink_foot.peel.5um",
    "member's outer foot, von Mises (MPa)": "member_1_foot.von_mises at (1125, 0).5um",
}
NONE = ("heat.boundary=[{name='terminals',on='terminal_top',h=2e4},{name='air',on='package_back',h=10}]",)
SHARES = (0.1, 0.25, 0.5, 0.75, 0.95)
BOARDS = (0.0, 1e4, 3e4, 1e5, 3e5, 1e6)
FILMS = (0.0, 0.1, 0.5, 1.0, 2.0, 5.0)
BARRIERS = ("titanium-nitride", "titanium", "tantalum", "tungsten", "nickel-electroplated")


def designs() -> dict[str, dict[str, tuple[str, ...]]]:
    """The designs by study and label."""
    none = (*NONE, "geometry.heat_sink_radius=0")
    widths = {"none": none} | {f"{300 * s / 0.5:g} um": (f"geometry.heat_sink_share={s}",) for s in SHARES}
    boards = {f"h = {h:g} W/(m2 K)": (f"heat.boundary.1.h={h:g}",) for h in BOARDS}
    films = {f"{t:g} um of titanium nitride": (f"geometry.diffusion_thickness={t:g}",) for t in FILMS}
    barriers = {f"1 um of {m}": (f"materials.diffusion={m}",) for m in BARRIERS[1:]}
    return {
        "Radius of the heat-sink terminal": widths,
        "The board behind it": boards,
        "Diffusion film": {**films, **barriers},
    }


def measure(overrides: tuple[str, ...]) -> list[float | None]:
    """The outputs of a design; none for what it has not."""
    from femsim.cases.casefile import load_case
    from femsim.runs.names import outputs_of
    from femsim.runs.rows import document_of, quietly

    case, origin = load_case(CASE, overrides)
    found = outputs_of(document_of(quietly(case, origin.base)))
    known = {text: o.value for o in reversed(found) for text in (o.path, o.name, o.key)}
    return [known.get(output) for output in OUTPUTS.values()]


def main() -> None:
    """Run the study."""
    given = arguments(__doc__ or "")
    mesh = ("mesh.size=2", "mesh.growth=3") if given.quick else ("mesh.size=0.5", "mesh.growth=2")
    studies = designs()
    if given.quick:
        studies = {title: dict(list(rows.items())[:2]) for title, rows in studies.items()}
    path = given.out / "chip-on-chip-heat.csv"
    wanted = [Design(CASE, overrides) for rows in studies.values() for overrides in rows.values()]
    once = list(dict.fromkeys(wanted))
    if given.redraw:
        known = _read(path)
        found = {design: known[" ".join(design.overrides)] for design in once}
    else:
        with ProcessPoolExecutor(given.workers) as pool:
            found = dict(zip(once, pool.map(measure, [(*mesh, *d.overrides) for d in once]), strict=True))
        _write(path, found)
    results = {
        title: {label: found[Design(CASE, overrides)] for label, overrides in rows.items()}
        for title, rows in studies.items()
    }
    _figure(given.out / "chip-on-chip-heat.png", results)
    text = (HERE / "chip-on-chip-heat.text.md").read_text(encoding="utf-8")
    write_page(given.out / "chip-on-chip-heat.md", text, *(_table(title, rows) for title, rows in results.items()))


def _write(path: Path, found: dict[Design, list[float | None]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["design", *OUTPUTS.values()])
        for design, values in found.items():
            writer.writerow([" ".join(design.overrides), *("" if v is None else f"{v:.6g}" for v in values)])


def _read(path: Path) -> dict[str, list[float | None]]:
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.reader(stream))[1:]
    return {row[0]: [float(cell) if cell else None for cell in row[1:]] for row in rows}


def _table(title: str, rows: dict[str, list[float | None]]) -> str:
    lines: list[list[object]] = [["design", *OUTPUTS]]
    lines += [[label, *("-" if v is None else f"{v:.4g}" for v in values)] for label, values in rows.items()]
    return f"\n## {title}\n\n{table(lines)}"


def _figure(path: Path, results: dict[str, dict[str, list[float | None]]]) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    for ax, (title, rows) in zip(figure.subplots(1, 3), results.items(), strict=True):
        labels = list(rows)
        hot, foot = ([rows[label][k] for label in labels] for k in (0, 4))
        places = list(range(len(labels)))
        ax.plot(places, hot, "o-", color="C3")
        ax.set_ylabel("first chip, largest (°C)", color="C3", fontsize=8)
        other = ax.twinx()
        other.plot(places, [float("nan") if v is None else v for v in foot], "s--", color="C0")
        other.set_ylabel("heat-sink foot, von Mises over 5 um (MPa)", color="C0", fontsize=8)
        ax.set_xticks(places, labels, rotation=60, ha="right", fontsize=7)
        ax.set_title(title, fontsize=9)
        for one in (ax, other):
            one.tick_params(labelsize=8)
    figure.savefig(path, dpi=100, metadata={"Software": "femsim"})


if __name__ == "__main__":
    main()
