"""Does an offset of a round conductor's layers lower the stress at its foot or joints? The staggered post in space.

python benchmarks/claims/staggered_post.py [--quick] writes staggered-post.md and .csv.
"""

from __future__ import annotations

import csv
import warnings
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


def main() -> None:
    """Run the study."""
    given = arguments(__doc__ or "")
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
