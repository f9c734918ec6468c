"""The second seed's conductor again, with metal that yields, over a cycle from -40 to 125 degC; the bilayer's post
beside it.

python benchmarks/claims/yielding.py [--only WORD] [--workers N] [--out DIR] writes yielding.csv and yielding.md.
"""

from __future__ import annotations

import argparse
import csv
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from femsim.base.errors import FemsimError, FemsimWarning
from femsim.base.files import atomic_write

HERE = Path(__file__).resolve().parent
#: metals with what the library knows of their flow (the flow stress of the hardness where nothing else is known)
HARD = '{ like = "copper-as-deposited", plastic = "library" }'
SOFT = {
    "annealed copper": '{ like = "copper", plastic = "library" }',
    "gold": '{ like = "gold", plastic = "library" }',
    "palladium": '{ like = "palladium", plastic = "library" }',
}
PLACES = {"foot": 0, "middle": 1, "top": 2}
HEIGHTS = (35.0, 20.0, 35.0)
CYCLE = (
    'step=[{ name = "cool", temperature = 25, duration = 600 }]',
    "cycle={ low = -40, high = 125, ramp = 600, dwell_low = 600, dwell_high = 600, count = 2 }",
)
#: N of a strain range by IPC-TR-579's line for plated copper (ductility 0.3), in the form of Coffin-Manson; from memory
COPPER = "coffin_manson = { ef = 0.307, c = -0.6 }"
MESH = ("mesh.size=4", "mesh.growth=3", "metrics.length=5")
#: more cycles than this: the layer stays elastic
ENDLESS = 1e9
HEAD = (
    "group", "design", "root", "von_mises_at_125_MPa", "von_mises_at_-40_MPa", "peel_at_-40_MPa", "p_at_end",
    "p_last_cycle", "work_last_cycle_MPa", "life_region", "life_change", "life_cycles", "elements",
    "increments", "note",
)  # fmt: skip


@dataclass(frozen=True)
class Design:
    """A shipped case with overrides; ``lives`` are regions whose life is asked for, with the constants."""

    group: str
    name: str
    case: str
    overrides: tuple[str, ...]


def conductor(layers: list[tuple[float, float, str]]) -> str:
    """``--set`` text of layers (thickness, radius, material)."""
    parts = (f"{{ thickness = {t:g}, radius = {r:g}, material = {m} }}" for t, r, m in layers)
    return f"layer=[{', '.join(parts)}]"


def life(regions: list[str], constants: str = COPPER, thickness: float | None = 5.0) -> str:
    """``--set`` text of lives over a layer at the root's interface."""
    over = "" if thickness is None else f"thickness = {thickness:g}, "
    return f"life=[{', '.join(f'{{ region = {chr(34)}{r}{chr(34)}, {over}{constants} }}' for r in regions)}]"


def designs() -> Iterator[Design]:
    """All of them."""
    three = life(["layer_1", "layer_2", "layer_3"])
    yield Design("place", "none (all hard copper)", "staggered", (conductor([(t, 50, HARD) for t in HEIGHTS]), three))
    for metal, text in SOFT.items():
        for place, number in PLACES.items():
            layers = [(t, 50.0, text if i == number else HARD) for i, t in enumerate(HEIGHTS)]
            yield Design("place", f"{metal}, {place}", "staggered", (conductor(layers), three))
    for thickness in (5.0, 10.0, 20.0):
        layers = [(thickness, 50.0, SOFT["gold"]), (90.0 - thickness, 50.0, HARD)]
        yield Design(
            "thickness", f"gold at the foot, {thickness:g} um", "staggered",
            (conductor(layers), life(["layer_1", "layer_2"])),
        )  # fmt: skip
    for shape, radii in {"60/50/40": (60, 50, 40), "40/50/60": (40, 50, 60)}.items():
        for metal, text in (("hard copper", HARD), ("gold", SOFT["gold"])):
            layers = [(t, r, text if i == 1 else HARD) for i, (t, r) in enumerate(zip(HEIGHTS, radii, strict=True))]
            narrow = [i for i in range(3) if radii[i] <= min(radii[max(i - 1, 0)], radii[min(i + 1, 2)])]
            lives = life([f"layer_{i + 1}" for i in narrow])  # the root of a step belongs to the narrower layer
            yield Design("shape", f"stepped {shape}, {metal} in the middle", "staggered", (conductor(layers), lives))
    post = 'materials.post={ like = "copper", plastic = "library" }'
    for name, more in {
        "post that yields, two resins": (),
        "post that yields, the lower resin alone": (
            'materials.high={ like = "polyimide", E = 2.5, nu = 0.34, cte = 50 }',
        ),
        "post that yields, the upper resin alone": (
            'materials.low={ like = "epoxy-high-elastic", E = 15, nu = 0.30, cte = 10 }',
        ),
    }.items():
        yield Design("bilayer", name, "bilayer", (post, *more, life(["post"])))
    solder = '{ like = "sac305", anand = "motalab-2012" }'
    lives = life(["terminal", "heat_sink"], "syed_energy = 0.0019", None)
    ball = (
        f"materials.terminal={solder}",
        f"materials.heat_sink={solder}",
        "mesh.size=10",
        "model.time_tolerance=5e-3",
    )
    yield Design("flip chip", "terminals and heat sink of SAC305 (Anand)", "flipchip", (*ball, lives))


def measure(design: Design) -> dict[str, object]:
    """Solve a design; a row of numbers, or the reason why there is none."""
    from femsim.cases.casefile import load_case
    from femsim.runs.results import results_dict
    from femsim.runs.run import run
    from femsim.runs.wanted import EVERYTHING

    row: dict[str, object] = dict.fromkeys(HEAD, "")
    row |= {"group": design.group, "design": design.name}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FemsimWarning)
        try:
            case, origin = load_case(design.case, [*MESH, *CYCLE, *design.overrides])
            found = results_dict(run(case, origin.base, wanted=EVERYTHING - {"history"}))
        except FemsimError as error:
            return row | {"note": " ".join(str(error).split())}
    return row | numbers(found)


def numbers(found: dict[str, object]) -> dict[str, object]:
    """What is told of a run: the root of the first name, the region of the shortest life."""
    steps, lives = found["steps"], found["life"]
    ends = [step for step in steps if step.get("phase") == "low"]
    hot = [step for step in steps if step.get("phase") == "high"][-1]
    name = next(iter(found["metrics"]["roots"]))

    def at(step: dict, key: str) -> float:
        return max((entry for entry in step["metrics"]["roots"][name]), key=lambda e: e["at"][0])[key]

    cycles = [step for step in ends if step["cycle"] in (1, 2)]
    before = [step for step in cycles if step["cycle"] == 1][-1]
    flown, earlier = at(ends[-1], "inelastic"), at(before, "inelastic")

    def count(one: dict) -> float:
        values = [one[k] for k in ("coffin_manson", "syed_energy", "syed_strain") if k in one]
        return min((v for v in values if v is not None), default=float("inf"))

    worst = min(lives, key=count)
    return {
        "root": name,
        "von_mises_at_125_MPa": at(hot, "von_mises"),
        "von_mises_at_-40_MPa": at(ends[-1], "von_mises"),
        "peel_at_-40_MPa": at(ends[-1], "peel"),
        "p_at_end": flown["p"] + flown["creep"],
        "p_last_cycle": flown["p"] + flown["creep"] - earlier["p"] - earlier["creep"],
        "work_last_cycle_MPa": flown["work"] - earlier["work"],
        "life_region": worst["region"],
        "life_change": worst["change"],
        "life_cycles": count(worst),
        "elements": found["mesh"]["elements"],
        "increments": found["increments"],
    }


def main() -> None:
    """Run the study."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="designs of this group alone")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", type=Path, default=HERE)
    given = parser.parse_args()
    chosen = [design for design in designs() if given.only in ("", design.group)]
    path = given.out / "yielding.csv"
    rows = list(csv.DictReader(path.open(encoding="utf-8"))) if path.is_file() else []
    rows = [row for row in rows if row["group"] not in {design.group for design in chosen}]
    with ProcessPoolExecutor(given.workers) as pool:
        for row in pool.map(partial(measure), chosen):
            rows.append({key: f"{v:.5g}" if isinstance(v, float) else str(v) for key, v in row.items()})
            print(
                rows[-1]["design"],
                rows[-1]["von_mises_at_-40_MPa"],
                rows[-1]["life_cycles"],
                rows[-1]["note"],
                flush=True,
            )
            lines = [",".join(HEAD)]
            lines += [",".join('"' + one[key].replace('"', "'") + '"' for key in HEAD) for one in rows]
            atomic_write(path, "\n".join(lines) + "\n")
    write_page(given.out, rows)


def write_page(out: Path, rows: list[dict[str, str]]) -> None:
    """The text and the table as one page."""
    shown = ("design", "root", *HEAD[3:9], "life_region", "life_change", "life_cycles")
    heads = ("design", "root", "von Mises at 125", "von Mises at -40 (MPa)", "peel at -40 (MPa)", "strain at the end",
             "strain of the last cycle", "work of it (MPa)", "worst layer", "its change", "its cycles")  # fmt: skip
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for row in rows:
        elastic = row["note"] or float(row["life_cycles"]) > ENDLESS
        cells = ["elastic" if elastic and key.startswith("life_c") else row[key] for key in shown]
        lines += [] if row["note"] else ["| " + " | ".join(cells) + " |"]
    text = (HERE / "yielding.text.md").read_text(encoding="utf-8") if (HERE / "yielding.text.md").is_file() else ""
    failed = [f"- {row['design']}: {row['note']}" for row in rows if row["note"]]
    atomic_write(out / "yielding.md", "\n".join([text, *lines, "", *failed]) + "\n")


if __name__ == "__main__":
    main()
