"""A ranking under scatter as figures and as one self-contained page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D
from scipy.stats import gaussian_kde

import femsim
from femsim.base.files import staged_directory
from femsim.base.finite import json_text
from femsim.reports.page.html import environment
from femsim.reports.plots.figures import render as drawn
from femsim.reports.plots.look import INK, SMALL
from femsim.reports.plots.style import new_figure, plain, tidy
from femsim.reports.study.figures import LINE, PALE, short
from femsim.reports.study.report import image_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from femsim.study.rank import Ranked, Ranking

#: draws behind a drawn distribution, and points along it
KERNEL, FINE = 2_000, 161
#: designs and scatters that are drawn
MOST = 12


def publish(found: Ranking, directory: Path) -> None:
    """Write rank.json, rank.html and the figures as PNG and SVG."""
    figures = figures_of(found)
    document = json_text(found.to_dict())
    with staged_directory(directory) as stage:
        (stage / "rank.json").write_text(document, encoding="utf-8")
        images = {}
        for name, figure in figures.items():
            raw = {kind: drawn(figure, kind) for kind in ("png", "svg")}
            for kind, content in raw.items():
                (stage / f"{name}.{kind}").write_bytes(content)
            images[name] = image_of(raw["png"])
        (stage / "rank.html").write_text(page(found, images), encoding="utf-8")


def figures_of(found: Ranking) -> dict[str, Figure]:
    """All figures by file name."""
    best = found.designs[found.robust_best]
    made = {"rank-distributions": distributions(found), "rank-optima": optima(found)}
    if len(found.designs) <= MOST:
        made["rank-matrix"] = matrix(found)
    if best.swings:
        made["rank-tornado"] = tornado(best)
    if any(s.total is not None for s in best.swings):
        made["rank-sobol"] = sobol(best)
    return made


def distributions(found: Ranking) -> Figure:
    """Densities of the magnitudes of every design, with the nominal value and the 5 and 95 % percentiles."""
    chosen = list(range(len(found.designs)))[:MOST]
    figure = new_figure(7.2, 0.55 * len(chosen) + 1.1)
    ax = figure.add_subplot()
    for row, k in enumerate(reversed(chosen)):
        d, values = found.designs[k], found.magnitudes[:KERNEL, k]
        if d.sd > 0.0:
            x = np.linspace(values.min(), values.max(), FINE)
            y = gaussian_kde(values)(x)
            ax.fill_between(x, row, row + 0.8 * y / y.max(), color=PALE, linewidth=0.0)
        ax.plot([d.percentiles[0], d.percentiles[2]], [row, row], color=LINE, linewidth=2.0)
        ax.plot(d.nominal, row, "|", color=INK, markersize=11, markeredgewidth=1.6)
        ax.plot(d.robust, row, "D", color=LINE, markersize=5)
    if found.spec.limit is not None:
        ax.axvline(found.spec.limit, color="#b3261e", linewidth=1.2, linestyle="--")
    ax.set_yticks(range(len(chosen)), [found.designs[k].candidate.name for k in reversed(chosen)])
    _plain(ax)
    ax.set_xlabel(f"|{short(found.output)}| (MPa)")
    marks = [
        (Line2D([], [], color=INK, marker="|", markersize=9, lw=0), "without scatter"),
        (Line2D([], [], color=LINE, lw=2), "5 to 95 %"),
        (Line2D([], [], color=LINE, marker="D", markersize=5, lw=0), found.statistic),
    ]
    if found.spec.limit is not None:
        marks.append((Line2D([], [], color="#b3261e", ls="--", lw=1.2), "limit"))
    figure.legend(*zip(*marks, strict=True), loc="outside lower center", ncols=4, frameon=False, fontsize=SMALL)
    tidy(ax)
    return figure


def optima(found: Ranking) -> Figure:
    """The robust figure against the value without scatter: designs that change places lie off the diagonal order."""
    figure = new_figure(5.6, 4.2)
    ax = figure.add_subplot()
    x, y = np.array([d.nominal for d in found.designs]), np.array([d.robust for d in found.designs])
    ax.errorbar(x, y, yerr=[d.robust_error for d in found.designs], fmt="o", color=PALE, ecolor=INK, markersize=5)
    for k, mark, name in ((found.nominal_best, "s", "nominal"), (found.robust_best, "D", "robust")):
        ax.plot(
            x[k], y[k], mark, color=LINE, markersize=8, fillstyle="none", label=f"{name} optimum", markeredgewidth=1.8
        )
    for d in found.designs[:MOST]:
        plain(ax.annotate(d.candidate.name, (d.nominal, d.robust), (4, 4), textcoords="offset points", fontsize=SMALL))
    ax.set_xlabel("without scatter (MPa)")
    ax.set_ylabel(f"{found.statistic} (MPa)")
    ax.margins(0.15)
    ax.legend(frameon=False, fontsize=SMALL, loc="best")
    tidy(ax)
    return figure


def matrix(found: Ranking) -> Figure:
    """P(row < column) in per cent."""
    names = [d.candidate.name for d in found.designs]
    count = len(names)
    figure = new_figure(2.2 + 0.75 * count, 1.4 + 0.5 * count)
    ax = figure.add_subplot()
    shown = 100.0 * found.lower.copy()
    np.fill_diagonal(shown, np.nan)
    drawn_ = ax.imshow(shown, cmap="PuOr", vmin=0.0, vmax=100.0, aspect="auto")
    for i in range(count):
        for j in range(count):
            if i != j:
                dark = abs(shown[i, j] - 50.0) > 35.0
                ax.text(
                    j, i, f"{shown[i, j]:.0f}", ha="center", va="center", color="white" if dark else INK, fontsize=SMALL
                )
    ax.set_xticks(range(count), names, rotation=45 if count > 4 else 0, ha="right" if count > 4 else "center")
    ax.set_yticks(range(count), names)
    _plain(ax)
    figure.colorbar(drawn_, ax=ax, label="row below column (%)")
    tidy(ax)
    return figure


def tornado(d: Ranked) -> Figure:
    """The magnitude at both ends of every scatter, everything else at its nominal value; the widest on top."""
    chosen = sorted(d.swings, key=lambda s: s.width)[-MOST:]
    figure = new_figure(7.2, 0.34 * len(chosen) + 1.1)
    ax = figure.add_subplot()
    for row, s in enumerate(chosen):
        for end, colour in zip(s.magnitude, (PALE, LINE), strict=True):
            ax.barh(row, end - d.nominal, 0.66, left=d.nominal, color=colour)
    ax.axvline(d.nominal, color=INK, linewidth=0.9)
    ax.set_yticks(range(len(chosen)), [s.key for s in chosen])
    _plain(ax)
    ax.set_xlabel(f"magnitude of {d.candidate.name} (MPa)")
    marks = [(Line2D([], [], color=PALE, lw=5), "lower end"), (Line2D([], [], color=LINE, lw=5), "upper end")]
    figure.legend(*zip(*marks, strict=True), loc="outside lower center", ncols=2, frameon=False, fontsize=SMALL)
    tidy(ax)
    return figure


def sobol(d: Ranked) -> Figure:
    """Shares of the variance, alone and with all interactions."""
    chosen = sorted((s for s in d.swings if s.total is not None), key=lambda s: s.total or 0.0)[-MOST:]
    figure = new_figure(7.2, 0.36 * len(chosen) + 1.1)
    ax = figure.add_subplot()
    place = np.arange(len(chosen))
    ax.barh(place + 0.19, [s.total or 0.0 for s in chosen], 0.34, color=LINE)
    ax.barh(place - 0.19, [s.first or 0.0 for s in chosen], 0.34, color=PALE)
    ax.set_yticks(place, [s.key for s in chosen])
    _plain(ax)
    ax.set_xlabel("share of the variance (-)")
    marks = [(Line2D([], [], color=LINE, lw=5), "with interactions"), (Line2D([], [], color=PALE, lw=5), "alone")]
    figure.legend(*zip(*marks, strict=True), loc="outside lower center", ncols=2, frameon=False, fontsize=SMALL)
    tidy(ax)
    return figure


def _plain(ax: Any) -> None:
    for text in (*ax.get_yticklabels(), *ax.get_xticklabels()):
        plain(text)


def page(found: Ranking, images: dict[str, Any]) -> str:
    """The page."""
    nominal, robust = found.designs[found.nominal_best], found.designs[found.robust_best]
    gains = sorted((s for s in robust.swings if s.tightened > 0.0), key=lambda s: -s.tightened)
    k = found.nominal_best, found.robust_best
    from femsim.study.rank import FITTED

    document: str = (
        environment()
        .get_template("rank.html")
        .render(
            version=femsim.__version__,
            written=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            found=found,
            label=short(found.output),
            nominal=nominal,
            robust=robust,
            same=nominal is robust,
            chance=None if nominal is robust else f"{100 * found.lower[k[1], k[0]]:.0f}",
            gains=gains[:MOST],
            designs=[_row(found, d) for d in found.designs],
            pairs=_pairs(found),
            images=images,
            fitted=FITTED,
            worst=_worst(found),
        )
    )
    return document


def _row(found: Ranking, d: Ranked) -> dict[str, Any]:
    values = ", ".join(
        f"{k} = {v:.5g}" if isinstance(v, float) else f"{k} = {v}" for k, v in d.candidate.values.items()
    )
    above = "-" if d.above is None else f"{100 * d.above[0]:.1f} ± {100 * d.above[1]:.1g} %"
    return {
        "name": d.candidate.name,
        "values": values,
        "nominal": d.nominal,
        "error": d.error,
        "mean": d.mean,
        "sd": d.sd,
        "low": d.percentiles[0],
        "high": d.percentiles[2],
        "robust": f"{d.robust:.2f} ± {d.robust_error:.2g}",
        "lowest": f"{100 * d.lowest:.1f} ± {100 * d.lowest_error:.1g} %",
        "above": above,
    }


def _pairs(found: Ranking) -> list[Sequence[str]]:
    """Pairs in the order of the designs: probability, standard error, what the numerical errors leave undecided."""
    rows: list[Sequence[str]] = []
    for i, a in enumerate(found.designs[:MOST]):
        for j in range(i + 1, min(len(found.designs), MOST)):
            rows.append(
                (
                    f"{a.candidate.name} below {found.designs[j].candidate.name}",
                    f"{100 * found.lower[i, j]:.1f} ± {100 * found.standard_error[i, j]:.1g} %",
                    f"{100 * found.undecided[i, j]:.1f} %",
                )
            )
    return rows


def _worst(found: Ranking) -> str:
    count = len(found.designs)
    return f"{100 * max(found.undecided[i, j] for i in range(count) for j in range(count) if i != j):.1f}"
