"""The report of a study: one self-contained HTML page of what its dataset says."""

from __future__ import annotations

import base64
import io
import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import femsim
from femsim.base.errors import InputError
from femsim.base.files import atomic_write
from femsim.runs.names import parts
from femsim.study import analysis
from femsim.study.analysis import Axis, Frame, Sensitivity
from femsim.study.store import Store

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TEMPLATE = Path(__file__).with_name("template.html")
#: maps in a report, at most
MOST_MAPS = 6
#: parameters that a figure shows, at most
MOST_PARAMETERS = 9


def write_report(store: Store, output: str | None = None, against: str | None = None) -> Path:
    """Write ``report.html`` into the study's directory; about ``output``, with its Pareto front against a second one.

    Raises InputError where an output is not in the study, no point is done, or the directory cannot be written.
    """
    frame = analysis.load_frame(store)
    path = output or main_output(frame)
    frame.output(path)
    other = against or second_output(frame, path)
    target = store.directory / "report.html"
    try:
        atomic_write(target, render(frame, path, other))
    except OSError as error:
        raise InputError(f"{target}: cannot be written ({(error.strerror or str(error)).lower()})") from None
    return target


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
    import jinja2

    from femsim.reports.study import figures

    found = analysis.sensitivity(frame, path)
    order = _order(frame, path, found)
    shown = order[:MOST_PARAMETERS]
    maps = []
    for i, j in _pairs(frame, order):
        text = figures.windows_drawn(frame, i, j)
        caption = (
            f"Mean over the other parameters. Dashed: {'; '.join(text)}." if text else "Mean over the other parameters."
        )
        maps.append({"image": _png(figures.map_figure(frame, path, i, j)), "caption": caption,
                     "title": f"{frame.axes[i].name} and {frame.axes[j].name}"})  # fmt: skip
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    page = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    morris = analysis.elementary_effects(frame, path)
    return page.render(
        frame=frame,
        version=femsim.__version__,
        output=figures.output_label(frame, path),
        path=path,
        parameters=_parameter_rows(frame),
        windows=_window_rows(frame),
        statistics=_statistics(frame),
        reuse=frame.reuse,
        reused=sum(frame.reuse.values()),
        effects=_png(figures.main_effects_figure(frame, path, shown)),
        sensitivity=found,
        sobol=_png(figures.sensitivity_figure(frame, found, shown)) if found else None,
        indices=_index_rows(frame, found, order) if found else [],
        morris=[(frame.axes[i].name, f"{morris[0][i]:.4g}", f"{morris[1][i]:.4g}") for i in order] if morris else [],
        maps=maps,
        parallel=_png(figures.parallel_figure(frame, path)),
        best=_best_rows(frame, path, other),
        best_header=[
            *(a.label for a in frame.axes),
            figures.output_label(frame, path),
            *([figures.output_label(frame, other)] if other else []),
        ],
        pareto=_png(figures.pareto_figure(frame, path, other)) if other else None,
        other=figures.output_label(frame, other) if other else None,
        within=int(analysis.inside(frame, frame.spec.window).sum()),
    )


def _png(figure: Figure) -> str:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=150)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()


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
        values = ", ".join(axis.categories) if axis.categories else f"{axis.x.min():.4g} to {axis.x.max():.4g}"
        kind: str = (
            ""
            if spec is None
            else "values"
            if spec.values
            else spec.distribution
            if spec.distribution != "uniform"
            else spec.scale
        )
        rows.append((axis.key, axis.unit, values, kind))
    return rows


def _window_rows(frame: Frame) -> list[tuple[str, str, str, str]]:
    rows = []
    for window in frame.spec.window:
        values = analysis.window_values(frame, window)
        share = "not in this study"
        if values is not None:
            share = f"{np.mean((values >= window.range[0]) & (values <= window.range[1])):.0%} of the points inside"
        unit = frame.unit(window.key) if "/" not in window.key else ""
        rows.append(
            (
                window.label or window.key,
                window.key,
                f"{window.range[0]:g} to {window.range[1]:g} {unit}".strip(),
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
