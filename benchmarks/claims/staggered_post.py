"""Does an offset of a round conductor's layers lower the stress at its foot or joints? The staggered post in space,
elastic and with metal that yields.

python benchmarks/claims/staggered_post.py [--quick] [--yielding] writes staggered-post.md and .csv; with --yielding
staggered-post-yielding.md and .csv: the same with copper's flow from the library, on a coarse mesh (minutes each).
"""

from __future__ import annotations

import csv
import warnings
from pathlib import Path
from typing import Any

from common import HERE, arguments, table, value, write_page
from stress_absorbing_conductor import HARD, HEIGHTS, SOFT, layers

from femsim.base.errors import FemsimWarning

OFFSETS = {"straight": 0.0, "offset 10 um": 10.0, "offset 20 um": 20.0}
KINDS = ("peel", "shear", "von_mises")


def solved(material: str, offset: float, quick: bool) -> dict[str, Any]:
    """Root metrics of 35, 20 and 35 um of conductor whose middle layer stands ``offset`` um aside."""
    from femsim.cases.casefile import load_case
    from femsim.runs.results import results_dict
    from femsim.runs.run import run

    boxes = zip(HEIGHTS, (50, 50, 50), (0.0, offset, 0.0), (HARD, material, HARD), strict=True)
    mesh = ("mesh.size=8", "mesh.growth=4", "mesh.around=16") if quick else ("mesh.size=2", "mesh.growth=3")
    cell = ('model.kinematics="3d"', 'model.cell="square"', "metrics.length=[5]", *mesh)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FemsimWarning)
        case, origin = load_case("staggered", [*cell, layers(list(boxes))])
        return results_dict(run(case, origin.base, wanted=frozenset({"errors"})))


def yielded(offset: float, flows: bool, quick: bool) -> dict[str, Any]:
    """The same with a middle layer of annealed copper, cooled in a step, where copper ``flows`` and where it does not;
    both on one coarse mesh.
    """
    from femsim.cases.casefile import load_case
    from femsim.runs.results import results_dict
    from femsim.runs.run import run

    hard, soft = ("copper-as-deposited", "copper")
    metals = [f'{{ like = "{name}", plastic = "library" }}' if flows else f'"{name}"' for name in (hard, soft, hard)]
    boxes = list(zip(HEIGHTS, (50, 50, 50), (0.0, offset, 0.0), metals, strict=True))
    size = "mesh.size=12" if quick else "mesh.size=5"
    options = ['model.kinematics="3d"', 'model.cell="square"', "metrics.length=[5]", size, "mesh.growth=4"]
    options += ["mesh.around=16", "model.time_tolerance=0.005", "step=[{ name = 'cool', temperature = 25 }]"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FemsimWarning)
        case, origin = load_case("staggered", [*options, layers(boxes)])
        return results_dict(run(case, origin.base))


def study_of_yielding(out: Path, quick: bool) -> None:
    """Every offset elastic and yielding: whole circles, worst arcs, and what flowed."""
    rows, numbers = [], []
    for words, offset in OFFSETS.items():
        for flows in (False, True):
            law = "yields" if flows else "elastic"
            print(f"{words}, {law}", flush=True)
            found = yielded(offset, flows, quick)
            for root, entries in found["metrics"]["roots"].items():
                entry, most = entries[0], entries[0]["largest"]
                p = found["steps"][-1]["metrics"]["roots"][root][0]["inelastic"]["p"]
                rows.append(
                    [words, law, root, *(f"{entry[k]:.0f}" for k in KINDS)]
                    + [f"{most[k]['value']:.0f} ({most[k]['angle']:.0f} deg)" for k in KINDS]
                    + [f"{100 * p:.3f}" if flows else ""]
                )
                tops = [v for k in KINDS for v in (most[k]["value"], most[k]["angle"])]
                values = [f"{v:.4g}" for v in (*(entry[k] for k in KINDS), *tops, p)]
                numbers.append([offset, law, root, found["mesh"]["unknowns"], *values])
    with (out / "staggered-post-yielding.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        tops_ = [f"{k}_largest{end}" for k in KINDS for end in ("_MPa", "_angle")]
        writer.writerow(["offset_um", "law", "root", "unknowns", *(f"{k}_MPa" for k in KINDS), *tops_, "p_mean"])
        writer.writerows(numbers)
    head = ["middle layer", "copper", "root", *KINDS, *(f"largest {k}" for k in KINDS), "plastic strain (%)"]
    text = (HERE / "staggered-post-yielding.text.md").read_text(encoding="utf-8")
    write_page(out / "staggered-post-yielding.md", text, table([head, *rows]))


def main() -> None:
    """Run the study."""
    given = arguments(__doc__ or "", "yielding")
    if given.yielding:
        study_of_yielding(given.out, given.quick)
        return
    softer = {"annealed copper": SOFT["annealed copper"], "nickel in resin": SOFT["nickel in resin, 20 %"]}
    if given.quick:
        softer = dict(list(softer.items())[:1])
    rows, numbers = [], []
    for name, material in softer.items():
        for words, offset in OFFSETS.items():
            print(f"{name}, {words}", flush=True)
            found = solved(material, offset, given.quick)
            for root, entries in found["metrics"]["roots"].items():
                entry = entries[0]
                most = {kind: entry["largest"][kind] for kind in KINDS}
                rows.append(
                    [name, words, root, *(value(entry[k], entry[f"{k}_error"]) for k in KINDS)]
                    + [f"{most[k]['value']:.1f} ({most[k]['angle']:.0f} deg)" for k in KINDS]
                )
                pairs = [v for k in KINDS for v in (entry[k], entry[f"{k}_error"])]
                tops = [v for k in KINDS for v in (most[k]["value"], most[k]["angle"])]
                unknowns = found["mesh"]["unknowns"]
                numbers.append([name, offset, root, unknowns, *(f"{v:.4g}" for v in (*pairs, *tops))])
    with (given.out / "staggered-post.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(
            ["softer", "offset_um", "root", "unknowns"]
            + [f"{k}{end}" for k in KINDS for end in ("_MPa", "_error")]
            + [f"{k}_largest{end}" for k in KINDS for end in ("_MPa", "_angle")]
        )
        writer.writerows(numbers)
    head = ["softer layer", "middle layer", "root", *KINDS, *(f"largest {k}" for k in KINDS)]
    text = (HERE / "staggered-post.text.md").read_text(encoding="utf-8")
    write_page(given.out / "staggered-post.md", text, table([head, *rows]))


if __name__ == "__main__":
    main()
