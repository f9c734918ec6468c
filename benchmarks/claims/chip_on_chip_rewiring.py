"""What heat sink, via, diffusion film, rear contact and a step of the film do to the stress at the roots of a
chip-on-chip package.

python benchmarks/claims/chip_on_chip_rewiring.py [--quick] writes chip-on-chip-rewiring.md, .png and .csv.
"""

from __future__ import annotations

from itertools import product

from common import HERE, Design, Result, arguments, measure_all, table, value, worst, write_numbers, write_page

FEATURES = {
    "heat sink": "geometry.heat_sink_radius=0",
    "via": "geometry.via_ring=0",
    "diffusion film": "geometry.diffusion_thickness=0",
}
ROOTS = ("member_1_foot", "member_1_head", "via_foot", "terminal_foot", "heat_sink_foot", "rear_contact_foot")
FILMS = (0.0, 0.1, 0.5, 1.0, 2.0, 5.0)
BARRIERS = ("titanium-nitride", "titanium", "tantalum", "tungsten", "nickel-electroplated")


def main() -> None:
    """Run the study."""
    given = arguments(__doc__ or "")
    package = ("mesh.size=1", "mesh.growth=2.5") if given.quick else ("mesh.size=0.1", "mesh.growth=1.8")
    cell = ("mesh.size=0.2", "mesh.growth=2") if given.quick else ("mesh.size=0.01", "mesh.growth=1.5")
    factorial: list[tuple[str, Design]] = []
    for there in product((True, False), repeat=3):
        missing = [name for name, present in zip(FEATURES, there, strict=True) if not present]
        label = "all" if not missing else "without " + ", ".join(missing)
        factorial.append((label, Design("flipchip", (*package, *(FEATURES[m] for m in missing)))))
    others = [
        ("no rear film", Design("flipchip", (*package, "geometry.rear_film_thickness=0"))),
        ("film with a step of 2 um", Design("flipchip", (*package, "geometry.insulation_step=2"))),
        ("film with a step of 4.5 um", Design("flipchip", (*package, "geometry.insulation_step=4.5"))),
        (
            "rear contact of the rewiring in place of the heat sink",
            Design(
                "flipchip",
                (
                    *package,
                    "geometry.heat_sink_radius=0",
                    "geometry.rewiring=[0,1800]",
                    "geometry.rear_contact_radius=300",
                ),
            ),
        ),
    ]
    films = [
        ("film " + f"{t:g} um", t, Design("rewired-chip", (*cell, f"geometry.diffusion_thickness={t:g}")))
        for t in FILMS
    ]
    barriers = [(m, 1.0, Design("rewired-chip", (*cell, f"materials.diffusion={m}"))) for m in BARRIERS]
    if given.quick:
        factorial, others, films, barriers = factorial[:2], others[:1], films[:2], barriers[:1]
    wanted = [d for _, d in (*factorial, *others)] + [d for _, _, d in (*films, *barriers)]
    results = measure_all(wanted, given, "chip-on-chip-rewiring.csv")
    n, m = len(factorial) + len(others), len(films)
    packages = list(zip([label for label, _ in (*factorial, *others)], results[:n], strict=True))
    cells = list(zip([label for label, _, _ in (*films, *barriers)], results[n:], strict=True))
    write_numbers(given.out / "chip-on-chip-rewiring.csv", results)
    _figure(given.out / "chip-on-chip-rewiring.png", packages, [t for _, t, _ in films], [r for _, r in cells[:m]])
    text = (HERE / "chip-on-chip-rewiring.text.md").read_text(encoding="utf-8")
    write_page(given.out / "chip-on-chip-rewiring.md", text, _packages(packages), _cells(cells), worst(results))


def _claims(result: Result) -> str:
    return ", ".join(str(n) for n, holds in result.claims.items() if holds) or "none"


def _packages(packages: list[tuple[str, Result]]) -> str:
    text = "\n## Numbers\n\nAverages over 5 um in MPa, at the outer wall of each ring, with their error estimates.\n"
    for metric in ("von_mises", "peel", "shear"):
        rows: list[list[object]] = [["design", "claims that hold", *(r.replace("_", " ") for r in ROOTS)]]
        for label, result in packages:
            cells = [result.at(root) for root in ROOTS]
            rows.append(
                [label, _claims(result), *(value(getattr(a, metric), getattr(a, f"{metric}_error")) for a in cells)]
            )
        text += f"\n**{metric.replace('_', ' ')}**\n\n{table(rows)}"
    return text


def _cells(cells: list[tuple[str, Result]]) -> str:
    rows: list[list[object]] = [
        ["diffusion film", "claim 9", "peel", "shear", "von Mises", "peel, 1 um", "rim: peel", "rim: von Mises"]
    ]
    for label, result in cells:
        a, b, rim = result.at("member_root"), result.at("member_root", 1.0), result.at("rim_root")
        rows.append([label, {True: "holds", False: "fails", None: "open"}[result.claims[9]], value(a.peel, a.peel_error),  # noqa: E501
                     value(a.shear, a.shear_error), value(a.von_mises, a.von_mises_error), value(b.peel, b.peel_error),
                     value(rim.peel, rim.peel_error), value(rim.von_mises, rim.von_mises_error)])  # fmt: skip
    return (
        f"\n**Claim 9: the member on a chip's rear surface** (rewired-chip; member root at the opening's "
        f"wall)\n\n{table(rows)}"
    )


def _figure(path, packages, films, cells) -> None:  # type: ignore[no-untyped-def]
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5.2), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, width_ratios=[2.2, 1.0])
    width = 0.8 / len(packages)
    for k, (label, result) in enumerate(packages):
        heights = [result.at(root).von_mises for root in ROOTS]
        places = [i + width * (k - 0.5 * len(packages)) for i in range(len(ROOTS))]
        left.bar(places, heights, width, label=label, color=f"C{k}" if k < 10 else f"{0.3 + 0.4 * (k - 10)}")
    left.set_xticks(range(len(ROOTS)), [r.replace("_", " ") for r in ROOTS], fontsize=8)
    left.set_title("chip-on-chip: von Mises over 5 um at the roots (MPa)", fontsize=9)
    left.legend(fontsize=7, ncols=2)
    for name, root in (("peel", "member_root"), ("von_mises", "member_root"), ("von_mises", "rim_root")):
        right.plot(
            films,
            [getattr(r.at(root), name) for r in cells],
            "o-",
            label=f"{root.replace('_', ' ')}, {name.replace('_', ' ')}",
        )
    right.set_xlabel("diffusion film, titanium nitride (um)", fontsize=8)
    right.set_title("claim 9: averages over 5 um (MPa)", fontsize=9)
    right.legend(fontsize=8)
    for ax in (left, right):
        ax.tick_params(labelsize=8)
    figure.savefig(path, dpi=100, metadata={"Software": "femsim"})


if __name__ == "__main__":
    main()
