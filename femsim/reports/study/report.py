"""The report of a study: one self-contained HTML page of what its dataset says."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import femsim
from femsim.base.errors import FemsimError, InputError
from femsim.base.files import atomic_write
from femsim.cases.casefile import dump_case
from femsim.reports.page.html import SHRUNK, data_uri, environment
from femsim.reports.words import proper, unit
from femsim.runs.names import parts
from femsim.study import analysis
from femsim.study.analysis import Axis, Frame, Sensitivity
from femsim.study.plan import Plan
from femsim.study.store import Store

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Json = dict[str, Any]

#: maps in a report, at most
MOST_MAPS = 6
#: parameters that a figure shows, at most
MOST_PARAMETERS = 9
#: failed points that a page lists one by one, at most
MOST_FAILED = 100
#: the best design's case file beside the page
BEST = "best.toml"


def write_report(store: Store, output: str | None = None, against: str | None = None) -> Path:
    """Write ``report.html`` and ``best.toml``, the case of the best design, into the study's directory; about
    ``output``, with its Pareto front against a second one.

    Raises InputError where an output is not in the study, no point is done, or the directory cannot be written.
    """
    frame = analysis.load_frame(store)
    path = output or main_output(frame)
    frame.output(path)
    other = against or second_output(frame, path)
    target = store.directory / "report.html"
    try:
        best = analysis.best(frame, path, 1)
        if len(best):
            atomic_write(store.directory / BEST, case_file(frame, int(frame.points[best[0]])))
        atomic_write(target, render(frame, path, other))
    except OSError as error:
        raise InputError(f"{target}: cannot be written ({(error.strerror or str(error)).lower()})") from None
    return target


def case_file(frame: Frame, point: int) -> str:
    """The whole case of a point, ready for ``femsim solve``."""
    header = f"point {point} of the study {frame.plan.name}, written by femsim {femsim.__version__}"
    return dump_case(frame.plan.case(point), {}, header, frame.plan.base_path)


def main_output(frame: Frame) -> str:
    """What a report is about unless told otherwise: the first von Mises average, else the first output."""
    averages = [name for name in frame.outputs if (metric := parts(name)) and metric.kind == "von_mises"]
    return averages[0] if averages else next(iter(frame.outputs))


def second_output(frame: Frame, path: str) -> str | None:
    """What the front is drawn against: a peel average at the same root, else the next output."""
    metric = parts(path)
    others = [p for p in frame.outputs if p != path]
    return next((p for p in others if metric and p == metric.other("peel")), others[0] if others else None)


def render(frame: Frame, path: str, other: str | None) -> str:
    """The page."""
    from femsim.reports.study import figures

    fitted = analysis.surrogate(frame, path)
    found = analysis.sensitivity(frame, path)
    order = _order(frame, path, found)
    shown = order[:MOST_PARAMETERS]
    morris = analysis.elementary_effects(frame, path)
    best = _best_rows(frame, path, other)
    label = figures.output_label(frame, path)
    maps = []
    for i, j in _pairs(frame, order):
        maps.append(
            {
                "image": image(figures.map_figure(frame, path, i, j, fitted)),
                "caption": _map_caption(frame, fitted, i, j),
                "title": f"{frame.axes[i].name} and {frame.axes[j].name}",
            }
        )
    designs = [
        {"name": f"point-{number}.toml", "source": data_uri(case_file(frame, number).encode(), "text/plain")}
        for number in (row["point"] for row in best)
    ]
    layout = None
    if best:
        layout = case_image(lambda: frame.plan.case(best[0]["point"]), frame.plan)
    content: Json = {
        "parameters": _parameter_rows(frame),
        "windows": _window_rows(frame),
        "layout": layout,
        "layout_caption": f"The best design, point {best[0]['point'] if best else ''}.",
        "within": int(analysis.inside(frame, frame.spec.window).sum()),
        "statistics": _statistics(frame),
        "best": best,
        "best_header": [
            *(figures.label_of(a) for a in frame.axes),
            label,
            *([figures.output_label(frame, other)] if other else []),
        ],
        "designs": designs,
        "top": _top(frame, path, best),
        "ranked": frame.axes[order[0]].name if len(order) > 1 and found is not None else "",
        "effects": image(figures.main_effects_figure(frame, path, shown, fitted)),
        "effects_caption": _effects_caption(frame, fitted, shown, label),
        "sensitivity": found,
        "sobol": image(figures.sensitivity_figure(frame, found, shown)) if found else None,
        "indices": _index_rows(frame, found, order) if found else [],
        "morris": [(frame.axes[i].name, f"{morris[0][i]:.4g}", f"{morris[1][i]:.4g}") for i in order] if morris else [],
        "maps": maps,
        "parallel": image(figures.parallel_figure(frame, path)),
        "pareto": image(figures.pareto_figure(frame, path, other)) if other else None,
        "other": figures.output_label(frame, other) if other else None,
        "failed_header": ["point", *(figures.label_of(a) for a in frame.axes), "reason"],
        "failed_rows": _failed_rows(frame),
        "missing": len(frame.plan.rows) - frame.rows,
        "reuse": frame.reuse,
        "reused": sum(frame.reuse.values()),
    }
    return (
        environment()
        .get_template("study.html")
        .render(
            frame=frame,
            version=femsim.__version__,
            written=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            output=label,
            contents=_contents(content, frame),
            **content,
        )
    )


def _contents(content: Json, frame: Frame) -> list[tuple[str, str]]:
    """Anchors and headings of the parts the page has."""
    entries = (
        ("varied", "What was varied", True),
        ("found", "What was found", True),
        ("best", "Best designs", True),
        ("effects", "Main effects", True),
        ("sensitivity", "Sensitivity", content["sensitivity"]),
        ("morris", "Elementary effects", content["morris"]),
        ("maps", "Maps over two parameters", content["maps"]),
        ("designs", "All designs", True),
        ("tradeoff", "Trade-off", content["pareto"]),
        ("failed", "Failed points", frame.failed),
        ("computed", "How it was computed", True),
    )
    return [(anchor, heading) for anchor, heading, there in entries if there]


def image(figure: Figure) -> Json:
    """A figure as a data URI with its size on the page."""
    from femsim.reports.plots.figures import render as drawn

    return image_of(drawn(figure, "png"))


def image_of(raw: bytes) -> Json:
    """A drawn PNG as a data URI with its size on the page."""
    width, height = struct.unpack(">II", raw[16:24])
    return {"source": data_uri(raw, "image/png"), "width": round(width / SHRUNK), "height": round(height / SHRUNK)}


def case_image(case: Callable[[], Any], plan: Plan) -> Json | None:
    """The layout of a case with its materials; None where it has no layout to draw."""
    from femsim.builders.build import resolve_materials
    from femsim.reports.plots.layout import layout_figure
    from femsim.reports.plots.picture import picture_of
    from femsim.runs.run import mesh_only

    try:
        full = case()
        coarse = full
        if full.stack != "mesh":  # the mesh is not drawn
            coarser = {"size": 1.0, "growth": 3.0, "tolerance": None}
            coarse = full.model_copy(update={"mesh": full.mesh.model_copy(update=coarser)})
        disc = mesh_only(coarse, plan.base_path)
        if disc.solid is not None:
            return None
        return image(layout_figure(picture_of(disc, resolve_materials(coarse, disc))))
    except FemsimError:
        return None


def _top(frame: Frame, path: str, best: list[Json]) -> Json:
    y = frame.output(path)
    good = y[np.isfinite(y)]
    if not best:
        return {"value": "-", "point": "-", "design": "", "low": "-", "high": "-"}
    i = int(analysis.best(frame, path, 1)[0])
    design = ", ".join(
        f"{a.name} {a.show(float(a.x[i]))}{f' {unit(a.unit)}' if a.unit else ''}" for a in frame.axes[:6]
    )
    more = len(frame.axes) - 6
    return {
        "value": f"{y[i]:.4g}",
        "point": int(frame.points[i]),
        "design": design + (f" and {more} more" if more > 0 else ""),
        "low": f"{good.min():.4g}",
        "high": f"{good.max():.4g}",
    }


def _effects_caption(frame: Frame, fitted: Any, shown: list[int], label: str) -> str:
    free = any(frame.axes[i].levels is None for i in shown)
    levels = any(frame.axes[i].levels is not None for i in shown)
    text = []
    if levels:
        text.append(f"At the levels of a parameter: mean of {label}; bar: the middle 80 % of the points there.")
    if free:
        curve = "line: the mean by a fit" if fitted is not None and fitted.trusted else "line: their means joined"
        text.append(
            f"Where values vary freely: means of all points with nearly that value (dots) with the band that holds "
            f"80 % of them; {curve}."
        )
    if frame.spec.window:
        text.append("Dashed frame: claimed window.")
    return " ".join(text)


def _map_caption(frame: Frame, fitted: Any, i: int, j: int) -> str:
    from femsim.reports.study import figures

    free = frame.axes[i].levels is None and frame.axes[j].levels is None
    if fitted is not None and fitted.trusted and free:
        share = 100 * fitted.quality
        text = (
            f"Mean over the other parameters by a fit that predicts {share:.1f} % of the variance at points left out."
        )
    else:
        text = "Mean over the other parameters, by the points."
    windows = figures.windows_drawn(frame, i, j)
    return f"{text} Dashed: {'; '.join(windows)}." if windows else text


def _failed_rows(frame: Frame) -> list[tuple[str, ...]]:
    """Number, values and reason of the failed points, the first of many."""
    rows = []
    for point, text in frame.failures[:MOST_FAILED]:
        values = [f"{v:.4g}" if isinstance(v, float) else str(v) for v in frame.plan.rows[point]]
        rows.append((str(point), *values, proper(text)))
    return rows


def _order(frame: Frame, path: str, found: Sensitivity | None) -> list[int]:
    """The parameters, those that matter most first."""
    if found is not None:
        weight = found.total
    else:
        weight = np.array([float(np.ptp(analysis.main_effect(a, frame.output(path))[1])) for a in frame.axes])
    return [int(i) for i in np.argsort(-np.nan_to_num(weight), kind="stable")]


def _pairs(frame: Frame, order: list[int]) -> list[tuple[int, int]]:
    """Pairs of parameters worth a map: those with windows, then those that matter most."""
    from femsim.reports.study import figures

    usable = [i for i in order if len(np.unique(frame.axes[i].x)) > 1]
    pairs = list(itertools.combinations(usable, 2))
    rank = {p: n for n, p in enumerate(pairs)}
    pairs.sort(key=lambda p: (len(figures.windows_drawn(frame, *p)) < 2, rank[p]))
    return pairs[:MOST_MAPS]


def _parameter_rows(frame: Frame) -> list[tuple[str, str, str, str]]:
    specs = {p.key: p for p in frame.spec.parameter}
    rows: list[tuple[str, str, str, str]] = []
    for axis in frame.axes:
        spec = specs.get(axis.key)
        levels = axis.levels
        if axis.categories:
            values = ", ".join(axis.categories)
        elif levels is not None and len(levels) <= analysis.FEW:
            values = ", ".join(f"{v:.4g}" for v in levels)
        else:
            values = f"{axis.x.min():.4g} to {axis.x.max():.4g}"
        kind: str = (
            ""
            if spec is None
            else "values"
            if spec.values
            else spec.distribution
            if spec.distribution != "uniform"
            else spec.scale
        )
        rows.append((axis.key, unit(axis.unit), values, kind))
    return rows


def _window_rows(frame: Frame) -> list[tuple[str, str, str, str]]:
    rows = []
    for window in frame.spec.window:
        values = analysis.window_values(frame, window)
        share = "not in this study"
        if values is not None:
            share = f"{np.mean((values >= window.range[0]) & (values <= window.range[1])):.0%} of the points inside"
        measured = unit(frame.unit(window.key)) if "/" not in window.key else ""
        rows.append(
            (
                window.label or window.key,
                window.key,
                f"{window.range[0]:g} to {window.range[1]:g} {measured}".strip(),
                share,
            )
        )
    return rows


def _statistics(frame: Frame) -> list[tuple[str, str, str, str, str, str]]:
    from femsim.reports.study.figures import output_label

    rows = []
    for path, y in frame.outputs.items():
        good = y[np.isfinite(y)]
        if len(good):
            numbers = (good.min(), *np.quantile(good, [0.1, 0.5, 0.9]), good.max())
            rows.append((output_label(frame, path), *(f"{v:.4g}" for v in numbers)))
    return rows  # type: ignore[return-value]


def _index_rows(frame: Frame, found: Sensitivity, order: list[int]) -> list[tuple[str, str, str]]:
    return [
        (
            frame.axes[i].name,
            f"{found.first[i]:.3f} ± {found.first_interval[i]:.3f}",
            f"{found.total[i]:.3f} ± {found.total_interval[i]:.3f}",
        )
        for i in order
    ]


def _best_rows(frame: Frame, path: str, other: str | None) -> list[dict[str, Any]]:
    within = analysis.inside(frame, frame.spec.window)
    rows = []
    for i in analysis.best(frame, path):
        values = [_shown(axis, float(axis.x[i])) for axis in frame.axes]
        outputs = [f"{frame.output(p)[i]:.4g}" for p in (path, other) if p]
        claimed = ("yes" if within[i] else "no") if frame.spec.window else ""
        rows.append({"point": int(frame.points[i]), "cells": values + outputs, "inside": claimed})
    return rows


def _shown(axis: Axis, value: float) -> str:
    return axis.show(value)
