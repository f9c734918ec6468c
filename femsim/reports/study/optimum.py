"""The page of an optimum: the design, the way to it, bounds and windows it lies on, and its full solve."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

import femsim
from femsim.base.errors import InputError
from femsim.base.files import atomic_write
from femsim.cases.casefile import dump_case
from femsim.reports.page.html import data_uri, environment
from femsim.reports.study.figures import search_figure, short
from femsim.reports.study.report import case_image, image
from femsim.reports.words import error_text, fixed, proper, unit
from femsim.study.design import unit_values
from femsim.study.optimise import Confirmation, Optimum, window_value
from femsim.study.studyfile import Study

#: a design whose parameter is this near (as a share of its range) to an end of it lies on a bound
ON_BOUND = 0.01


def write_page(study: Study, found: Optimum, checked: Confirmation, directory: Path) -> Path:
    """Write ``report.html``. Raises InputError where the directory cannot be written."""
    target = directory / "report.html"
    try:
        atomic_write(target, render(study, found, checked))
    except OSError as error:
        raise InputError(f"{target}: cannot be written ({(error.strerror or str(error)).lower()})") from None
    return target


def render(study: Study, found: Optimum, checked: Confirmation) -> str:
    """The page."""
    plan = replace(found.plan, rows=(tuple(found.values.values()),))
    name = plan.outputs[0]
    measured = unit(plan.unit(name))
    label = f"{short(name)} ({measured})" if measured else short(name)
    header = f"the best design that the study {plan.name} found, written by femsim {femsim.__version__}"
    case = dump_case(plan.case(0), {}, header, plan.base_path)
    parameters = list(_parameters(study, found))
    windows = list(_windows(study, found))
    limits = list(_limits(study, found, checked))
    hit = [row["key"] for row in parameters if row["state"]] + [row["label"] for row in windows if row["state"]]
    values, least = path_of(found, study.spec.optimise is not None and study.spec.optimise.signed)
    middle = found.to_dict()["objective_of_the_middle"]
    value = checked.objective if checked.objective is not None else found.best
    roots = [
        {"name": root, **entry} for root, entries in checked.document["metrics"]["roots"].items() for entry in entries
    ]
    return (
        environment()
        .get_template("optimum.html")
        .render(
            version=femsim.__version__,
            written=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            plan=plan,
            found=found,
            label=label,
            measured=measured,
            value=f"{value:.5g}".replace("-", "\u2212"),
            error=error_text(checked.error),
            middle=None if middle is None else f"{middle:.5g}",
            gain=None if not middle else f"{100.0 * (1.0 - abs(value) / abs(middle)):.0f}",
            confirmed=checked.objective is not None,
            remarks=[proper(text) for text in checked.lines[1:]],
            difference=_difference(found, checked),
            parameters=parameters,
            windows=windows,
            limits=limits,
            hit=hit,
            case=data_uri(case.encode(), "text/plain"),
            layout=case_image(lambda: plan.case(0), plan),
            search=image(search_figure(values, least, label)),
            roots=roots,
            fixed=fixed,
        )
    )


def path_of(found: Optimum, signed: bool = False) -> tuple[list[float], list[float]]:
    """The objective of every solve in order (not a number where a solve failed), and the least so far."""
    count = len(found.plan.keys)
    values, least, best = [], [], math.nan
    for row in found.history:
        raw = row[count]
        value = math.nan if raw is None or row[-1] is not None else float(raw) if signed else abs(float(raw))
        values.append(value)
        best = value if not best <= value and math.isfinite(value) else best
        least.append(best)
    return values, least


def _parameters(study: Study, found: Optimum) -> Iterator[dict[str, Any]]:
    """The design's values, their ranges, and whether they lie at an end of them."""
    for spec in study.spec.parameter:
        value = found.values[spec.key]
        state = ""
        if spec.values is None:
            u = float(np.asarray(unit_values(spec, [value]))[0])
            state = "at its lower bound" if u < ON_BOUND else "at its upper bound" if u > 1.0 - ON_BOUND else ""
            if spec.range is None:
                span, state = f"mean {spec.mean:g}, standard deviation {spec.sd:g}", ""
            else:
                span = f"{spec.range[0]:g} to {spec.range[1]:g}"
        else:
            span = ", ".join(str(v) for v in spec.values)
        yield {
            "key": spec.key,
            "value": f"{value:.5g}" if isinstance(value, float) else str(value),
            "unit": unit(found.plan.unit(spec.key)),
            "span": span,
            "state": state,
        }


def _windows(study: Study, found: Optimum) -> Iterator[dict[str, Any]]:
    """The claimed windows, where the design lies in them, and whether at an end."""
    case = replace(found.plan, rows=(tuple(found.values.values()),)).case(0)
    for window in study.spec.window:
        value = window_value(window, case)
        low, high = window.range
        near = ON_BOUND * (high - low)
        state = "" if value is None else "at its lower end" if value < low + near else ""
        state = "at its upper end" if value is not None and value > high - near else state
        yield {
            "label": window.label or window.key,
            "key": window.key,
            "span": f"{low:g} to {high:g}",
            "value": "not in this case" if value is None else f"{value:.5g}",
            "state": state,
        }


def _limits(study: Study, found: Optimum, checked: Confirmation) -> Iterator[dict[str, Any]]:
    """Limits on outputs, and the outputs of the full solve."""
    spec = study.spec.optimise
    for limit, name in zip(spec.limit if spec is not None else (), found.plan.outputs[1:], strict=False):
        value = checked.outputs.get(name)
        low, high = limit.min, limit.max
        kept = value is not None and (low is None or value >= low) and (high is None or value <= high)
        ends = (("", "") if low is None else (">=", f"{low:g}")), (("", "") if high is None else ("<=", f"{high:g}"))
        span = " and ".join(" ".join(end) for end in ends if end[1])
        shown = "-" if value is None else f"{value:.5g}"
        yield {"output": short(name), "span": span, "value": shown, "unit": unit(found.plan.unit(name)), "kept": kept}


def _difference(found: Optimum, checked: Confirmation) -> str:
    """How the full solve differs from the one of the search."""
    if checked.objective is None:
        return ""
    there = found.outputs[found.plan.outputs[0]]
    if there is None:
        return ""
    off = abs(checked.objective - there) / max(abs(there), 1e-300)
    return "the same number" if off < 1e-9 else f"{100.0 * off:.2g} % off the search's number"
