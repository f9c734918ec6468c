"""What the claimed thicknesses and slopes of the bilayer resin do to the stress at the post's root.

python benchmarks/claims/bilayer_resin.py [--quick] writes bilayer-resin.md, .png and .csv.
"""

from __future__ import annotations

import numpy as np
from common import HERE, Design, Result, arguments, measure_all, table, value, worst, write_numbers, write_page

HIGH = (2.0, 5.0, 10.0, 18.0, 30.0, 45.0, 60.0)
RATIO = (0.2, 1.0, 2.0, 3.5, 5.0, 8.0, 12.0)
TOTAL = 90.0
SLOPES = ((3.0, 20.0), (6.0, 20.0), (9.0, 20.0), (12.0, 20.0), (16.0, 20.0), (9.0, 5.0), (9.0, 10.0), (9.0, 40.0))
METRICS = ("peel", "shear", "von_mises")
COLUMNS = ("peel", "shear", "von Mises", "peel, 1 um", "shear, 1 um")


def main() -> None:
    """Run the study."""
    given = arguments(__doc__ or "")
    mesh = ("mesh.size=0.2", "mesh.growth=2") if given.quick else ("mesh.size=0.01", "mesh.growth=1.5")
    high, ratio, slopes = (HIGH[::3], RATIO[::3], SLOPES[:2]) if given.quick else (HIGH, RATIO, SLOPES)

    def design(*keys: str) -> Design:
        return Design("bilayer", (*mesh, *keys))

    grid = [[design(f"geometry.high_thickness={h:g}", f"geometry.ratio={q:g}") for h in high] for q in ratio]
    fixed = [design(f"geometry.high_thickness={h:g}", f"geometry.low_thickness={TOTAL - h:g}") for h in high]
    sloped = [design()] + [design(f"geometry.slope_height={a:g}", f"geometry.slope_width={b:g}") for a, b in slopes]
    flat = [d for row in grid for d in row]
    results = measure_all([*flat, *fixed, *sloped], given, "bilayer-resin.csv")
    by_grid = [results[i * len(high) : (i + 1) * len(high)] for i in range(len(ratio))]
    by_total = results[len(flat) : len(flat) + len(fixed)]
    by_slope = results[len(flat) + len(fixed) :]
    write_numbers(given.out / "bilayer-resin.csv", results)
    _figure(given.out / "bilayer-resin.png", high, ratio, by_grid, by_total, by_slope, slopes)
    text = (HERE / "bilayer-resin.text.md").read_text(encoding="utf-8")
    tables = (_grids(high, ratio, by_grid), _totals(high, by_total), _slopes(slopes, by_slope))
    write_page(given.out / "bilayer-resin.md", text, *tables, worst(results))


def _mark(result: Result) -> str:
    held = [str(n) for n in (1, 2, 22) if result.claims[n]]
    return f" [{','.join(held)}]" if held else ""


def _grids(high: tuple[float, ...], ratio: tuple[float, ...], grid: list[list[Result]]) -> str:
    text = (
        "\n## Numbers\n\nAverages over 5 um at the post's root in MPa, with their error estimates. In "
        "brackets: which of claims 1, 2, 22 "
    )
    text += "hold.\n"
    for name in METRICS:
        rows: list[list[object]] = [["ratio low / high", *(f"high {h:g} um" for h in high)]]
        for q, row in zip(ratio, grid, strict=True):
            cells = [r.at("post_root") for r in row]
            marks = [_mark(r) if name == "peel" else "" for r in row]
            rows.append(
                [
                    f"{q:g}",
                    *(
                        value(getattr(a, name), getattr(a, f"{name}_error")) + m
                        for a, m in zip(cells, marks, strict=True)
                    ),
                ]
            )
        text += f"\n**{name.replace('_', ' ')}**\n\n{table(rows)}"
    return text


def _totals(high: tuple[float, ...], results: list[Result]) -> str:
    rows: list[list[object]] = [["high layer (um)", "ratio low / high", "claims 1, 2, 22", *COLUMNS]]
    for h, r in zip(high, results, strict=True):
        a, b = r.at("post_root"), r.at("post_root", 1.0)
        held = ", ".join(str(n) for n in (1, 2, 22) if r.claims[n]) or "none"
        rows.append([f"{h:g}", f"{TOTAL / h - 1:.3g}", held, value(a.peel, a.peel_error), value(a.shear, a.shear_error),
                     value(a.von_mises, a.von_mises_error), value(b.peel, b.peel_error), value(b.shear, b.shear_error)])  # fmt: skip  # noqa: E501
    return (
        f"\n**The same post of {TOTAL:g} um in all designs** (low layer = {TOTAL:g} um less the high "
        f"one)\n\n{table(rows)}"
    )


def _slopes(slopes: tuple[tuple[float, float], ...], results: list[Result]) -> str:
    rows: list[list[object]] = [["slope height x width (um)", "claims 5, 9, 15 hold", *COLUMNS]]
    for (height, width), r in zip(((0.0, 0.0), *slopes), results, strict=True):
        a, b = r.at("post_root"), r.at("post_root", 1.0)
        held = ", ".join(str(n) for n in (5, 9, 15) if r.claims[n]) or "none"
        rows.append([f"{height:g} x {width:g}", held, value(a.peel, a.peel_error), value(a.shear, a.shear_error),
                     value(a.von_mises, a.von_mises_error), value(b.peel, b.peel_error), value(b.shear, b.shear_error)])  # fmt: skip  # noqa: E501
    return f"\n**Slopes** (reference thicknesses, 72 and 18 um)\n\n{table(rows)}"


def _figure(path, high, ratio, grid, total, slope, slopes) -> None:  # type: ignore[no-untyped-def]
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle
    from matplotlib.ticker import NullLocator

    figure = Figure(figsize=(11, 6.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, 3)
    for ax, name in zip(axes[0], METRICS, strict=True):
        z = np.array(
            [
                [abs(getattr(r.at("post_root"), name)) if name != "peel" else r.at("post_root").peel for r in row]
                for row in grid
            ]
        )
        drawn = ax.contourf(high, ratio, z, 14, cmap="viridis")
        figure.colorbar(drawn, ax=ax)
        ax.set_xscale("log")
        ax.set_yscale("log")
        for y0, y1, text in ((3.5, 8.0, "claim 2"), (1 / 8, 1 / 3.5, "claim 22")):
            ax.add_patch(Rectangle((5, y0), 40, y1 - y0, fill=False, edgecolor="white", lw=1.6))
            ax.text(5.3, max(y0, ratio[0]) * 1.05, text, color="white", fontsize=8, va="bottom")
        ax.axvline(5, color="white", lw=0.8, ls=":")
        ax.axvline(45, color="white", lw=0.8, ls=":")
        ax.set_ylim(ratio[0], ratio[-1])
        ax.set_xticks(high, [f"{h:g}" for h in high])
        ax.set_yticks(ratio, [f"{q:g}" for q in ratio])
        ax.xaxis.set_minor_locator(NullLocator())
        ax.yaxis.set_minor_locator(NullLocator())
        ax.set_title(
            {"peel": "peel", "shear": "|shear|", "von_mises": "von Mises"}[name] + " at the root over 5 um (MPa)",
            fontsize=9,
        )
        ax.set_xlabel("high layer (um); dotted: 5 and 45", fontsize=8)
        ax.set_ylabel("ratio low / high", fontsize=8)
    for name in METRICS:
        sign = 1.0 if name == "peel" else (-1.0 if name == "shear" else 1.0)
        label = {"peel": "peel", "shear": "-shear", "von_mises": "von Mises"}[name]
        axes[1][0].plot(high, [sign * getattr(r.at("post_root"), name) for r in total], "o-", label=label)
        heights = [0.0] + [a for a, b in slopes if b == 20.0]
        some = [slope[0]] + [r for (a, b), r in zip(slopes, slope[1:], strict=True) if b == 20.0]
        axes[1][1].plot(heights, [sign * getattr(r.at("post_root"), name) for r in some], "o-", label=label)
        nine = [(b, r) for (a, b), r in zip(slopes, slope[1:], strict=True) if a == 9.0]
        widths = sorted((b, sign * getattr(r.at("post_root"), name)) for b, r in nine)
        if widths:
            axes[1][2].plot([w for w, _ in widths], [v for _, v in widths], "o-", label=label)
    axes[1][0].axvspan(5, 45, color="#a8cf9b", alpha=0.5, lw=0)
    axes[1][0].axvspan(TOTAL / 9, TOTAL / 4.5, color="#4a9d5b", alpha=0.35, lw=0)
    axes[1][0].set_title(f"post of {TOTAL:g} um; green: claim 1, dark: claim 2", fontsize=9)
    axes[1][0].set_xlabel("high layer (um)", fontsize=8)
    axes[1][1].set_title("slope 20 um wide, 72 and 18 um", fontsize=9)
    axes[1][1].set_xlabel("slope height (um)", fontsize=8)
    axes[1][2].set_title("slope 9 um high", fontsize=9)
    axes[1][2].set_xlabel("slope width (um)", fontsize=8)
    for ax in axes[1]:
        ax.set_ylabel("MPa over 5 um", fontsize=8)
        if ax.lines:
            ax.legend(
                fontsize=7, loc="center", bbox_to_anchor=(0.5, 0.42), ncols=3, handlelength=1.2, columnspacing=0.8
            )
    for ax in axes.ravel():
        ax.tick_params(labelsize=8)
    figure.savefig(path, dpi=100, metadata={"Software": "femsim"})


if __name__ == "__main__":
    main()
