"""A comparison as a figure and as one self-contained HTML page."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import femsim
from femsim.base.files import staged_directory
from femsim.base.finite import finite
from femsim.reports.page.html import HERE
from femsim.reports.plots.look import DPI, INK
from femsim.reports.plots.style import new_figure, tidy
from femsim.runs.names import parts

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: colours of the cases, told apart by colour-blind readers (Okabe and Ito 2008)
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#999999")
#: metrics in the figure, at most
MOST = 18


def publish(document: Mapping[str, Any], directory: Path) -> None:
    """Write compare.json, compare.png, compare.svg and compare.html (``document`` is the JSON of ``compare``)."""
    picture = figure(document)
    images = {}
    for kind in ("png", "svg"):
        stream = io.BytesIO()
        picture.savefig(stream, format=kind, dpi=DPI)
        images[kind] = stream.getvalue()
    whole = finite(document)
    with staged_directory(directory) as stage:
        for kind, content in images.items():
            (stage / f"compare.{kind}").write_bytes(content)
        text = json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        (stage / "compare.json").write_text(text, encoding="utf-8")
        (stage / "compare.html").write_text(page(whole, images["png"]), encoding="utf-8")


def figure(document: Mapping[str, Any]) -> Figure:
    """Bars of every metric by case with their errors, one panel per averaging length."""
    names = document["cases"]
    panels: dict[str, list[str]] = {}
    for name in list(document["metrics"])[:MOST]:
        metric = parts(name)
        panels.setdefault("" if metric is None else metric.length, []).append(name)
    page = new_figure(max(6.5, 0.6 + 0.32 * len(names) * max(map(len, panels.values()))), 2.9 * len(panels) + 0.7)
    grid = page.subplots(len(panels), 1, squeeze=False)
    width = 0.8 / len(names)
    for ax, (length, metrics) in zip(grid[:, 0], panels.items(), strict=True):
        places = np.arange(len(metrics))
        for i, case in enumerate(names):
            entries = [document["metrics"][name] for name in metrics]
            values = [np.nan if e["values"][i] is None else e["values"][i] for e in entries]
            errors = [0.0 if e["errors"][i] is None else e["errors"][i] for e in entries]
            at = places + (i - 0.5 * (len(names) - 1)) * width
            colour = COLOURS[i % len(COLOURS)]
            hatch = "" if i < len(COLOURS) else "//"
            ax.bar(at, values, 0.92 * width, yerr=errors, color=colour, hatch=hatch, ecolor=INK, capsize=2, label=case)
            lowest = [k for k, e in enumerate(entries) if e["lowest"] == i]
            ax.plot(at[lowest], [values[k] for k in lowest], "v", color=INK, markersize=5)
        ax.axhline(0.0, color=INK, linewidth=0.8)
        labels = []
        for name in metrics:
            metric = parts(name)
            labels.append(name if metric is None else f"{metric.root}\n{metric.kind.replace('_', ' ')}{metric.place}")
        ax.set_xticks(places, labels)
        ax.set_ylabel("MPa")
        ax.set_title(f"averages over {length} µm" if length else "", loc="left", fontsize="medium")
        tidy(ax)
    handles, texts = grid[0, 0].get_legend_handles_labels()
    page.legend(handles, texts, loc="outside lower center", ncols=min(len(names), 3), frameon=False)
    return page


def page(document: Mapping[str, Any], png: bytes) -> str:
    """The page: verdict, figure, metrics, inputs that differ; one file without links to others."""
    names = document["cases"]
    style = (HERE / "page.css").read_text(encoding="utf-8")
    metrics, ranking = document["metrics"], document["ranking"]
    unresolved = [name for name, entry in metrics.items() if not entry["resolved"]]
    turned = [key for key, same in ranking["same_at_all_lengths"].items() if not same]
    if ranking["agrees"]:
        lead = f"{names[next(iter(metrics.values()))['lowest']]} is the lowest in all {len(metrics)} metrics."
    else:
        counts = ", ".join(f"{name}: {count}" for name, count in ranking["lowest"].items() if count)
        lead = f"The metrics do not agree on the lowest ({counts})."
    notes = []
    if turned:
        notes.append(f"The ranking depends on the averaging length: {', '.join(turned)}.")
    if unresolved:
        notes.append(f"Closer than the numerical errors: {', '.join(unresolved)}.")
    kind = "" if ranking["agrees"] and not notes else " warn"
    chance = any("probability_lowest" in entry for entry in metrics.values())
    head = ["metric (MPa)", *names, "lowest", "resolved"]
    rows = []
    for name, entry in metrics.items():
        cells = []
        for i, value in enumerate(entry["values"]):
            if value is None:
                cells.append("–")
                continue
            error, percent = entry["errors"][i], entry["percent"][i]
            text = f"{value:.2f}" + (f" ± {error:.2f}" if error is not None else "")
            cells.append(text + (f"<br><small>{percent:+.1f} %</small>" if i and percent is not None else ""))
        lowest = escape(names[entry["lowest"]])
        rows.append([escape(name), *cells, lowest, "yes" if entry["resolved"] else "<b>no</b>"])
    said = "".join(f"<p>{escape(note)}</p>" for note in notes)
    body = [
        f'<div class="verdict{kind}"><p class="first">{escape(lead)}</p>{said}</div>',
        f'<p><img alt="bars of all metrics by case" src="data:image/png;base64,{base64.b64encode(png).decode()}"'
        ' style="max-width:100%"></p>',
        "<p>Bars show averages with their discretisation errors; a triangle marks the smallest magnitude.</p>",
        "<h2>Metrics</h2>",
        _table(head, rows),
        "<p>Lowest: the smallest magnitude. Resolved: it leads by more than the sum of the two errors. "
        "Per cent: difference to the first case.</p>",
    ]
    if chance:
        body += ["<h2>With scatter of the material data</h2>", _chances(document)]
    body.append("<h2>Inputs that differ</h2>")
    if document["differences"]:
        differing = [
            [escape(key), *(escape(_shown(value)) for value in values)]
            for key, values in document["differences"].items()
        ]
        body.append(_table(["key", *names], differing))
    else:
        body.append("<p>None.</p>")
    if document["only"]:
        lines = [[escape(name), escape(owner)] for name, owner in document["only"].items()]
        body += ["<h2>Metrics of one case alone</h2>", _table(["metric", "case"], lines)]
    title = escape(" / ".join(names))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{style}</style></head>'
        f'<body><main><h1>{title}</h1><p class="lead">Comparison by femsim {femsim.__version__}</p>'
        f"{''.join(body)}</main></body></html>\n"
    )


def _chances(document: Mapping[str, Any]) -> str:
    names, rows = document["cases"], []
    for name, entry in document["metrics"].items():
        if "probability_lowest" in entry:
            pairs = zip(
                entry["probability_lowest"], entry["standard_error"], entry["mean"], entry["deviation"], strict=True
            )
            cells = [
                f"{100 * p:.1f} ± {100 * e:.1f} %<br><small>{m:.1f}, deviation {d:.1f} MPa</small>"
                for p, e, m, d in pairs
            ]
            rows.append([escape(name), *cells])
    what = document["uncertain"]
    each = []
    for name, factors in zip(names, what["factors"], strict=True):
        listed = ", ".join(f"{escape(key)} × {low:.2f} to {high:.2f}" for key, (low, high) in factors.items())
        each.append(f"{escape(name)}: {listed or 'none'}")
    ranges = "; ".join(each)
    return (
        _table(["probability that it is the lowest", *names], rows)
        + f"<p>{what['draws']} draws, each property even in its range, {what['lots']} lots of common materials. "
        + f"Ranges as factors of the value taken: {ranges}.</p>"
    )


def _table(head: list[str], rows: list[list[str]]) -> str:
    """An HTML table; cells are HTML already, the head is not."""
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
