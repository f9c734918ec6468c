"""A comparison as a figure and as one self-contained HTML page."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import femsim
from femsim.base.files import staged_directory
from femsim.base.finite import finite, json_text
from femsim.reports.page.html import HERE
from femsim.reports.plots.look import DPI, INK
from femsim.reports.plots.style import new_figure, tidy
from femsim.runs.differences import in_short
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
        text = json_text(whole)
        (stage / "compare.json").write_text(text, encoding="utf-8")
        (stage / "compare.html").write_text(page(whole, images["png"]), encoding="utf-8")


def figure(document: Mapping[str, Any]) -> Figure:
    """Bars of every metric by case with their errors, one panel per averaging length; without metrics, of the other
    results, one panel per unit.
    """
    names = document["cases"]
    panels: dict[str, list[Mapping[str, Any]]] = {}
    for name, entry in list(document["metrics"].items())[:MOST]:
        metric = parts(name)
        label = name if metric is None else f"{metric.root}\n{metric.kind.replace('_', ' ')}{metric.place}"
        title = "" if metric is None else f"averages over {metric.length} µm"
        panels.setdefault(title, []).append({**entry, "label": label, "unit": "MPa"})
    if not panels:
        for name, entry in list(document["others"].items())[:MOST]:
            label = name.removeprefix("heat.").removeprefix("sources.").replace(".", "\n")
            panels.setdefault(entry["unit"], []).append({**entry, "label": label, "lowest": None})
    page = new_figure(max(6.5, 0.6 + 0.32 * len(names) * max(map(len, panels.values()))), 2.9 * len(panels) + 0.7)
    grid = page.subplots(len(panels), 1, squeeze=False)
    width = 0.8 / len(names)
    for ax, (title, entries) in zip(grid[:, 0], panels.items(), strict=True):
        places = np.arange(len(entries))
        for i, case in enumerate(names):
            values = [np.nan if e["values"][i] is None else e["values"][i] for e in entries]
            errors = [0.0 if e["errors"][i] is None else e["errors"][i] for e in entries]
            at = places + (i - 0.5 * (len(names) - 1)) * width
            colour = COLOURS[i % len(COLOURS)]
            hatch = "" if i < len(COLOURS) else "//"
            ax.bar(at, values, 0.92 * width, yerr=errors, color=colour, hatch=hatch, ecolor=INK, capsize=2, label=case)
            lowest = [k for k, e in enumerate(entries) if e["lowest"] == i]
            ax.plot(at[lowest], [values[k] for k in lowest], "v", color=INK, markersize=5)
        ax.axhline(0.0, color=INK, linewidth=0.8)
        ax.set_xticks(places, [e["label"] for e in entries])
        ax.set_ylabel({"degC": "°C"}.get(entries[0]["unit"], entries[0]["unit"]))
        ax.set_title(title if document["metrics"] else "", loc="left", fontsize="medium")
        tidy(ax)
    handles, texts = grid[0, 0].get_legend_handles_labels()
    page.legend(handles, texts, loc="outside lower center", ncols=min(len(names), 3), frameon=False)
    return page


def page(document: Mapping[str, Any], png: bytes) -> str:
    """The page: verdict, figure, metrics, inputs that differ; one file without links to others."""
    names = document["cases"]
    style = (HERE / "page.css").read_text(encoding="utf-8")
    metrics = document["metrics"]
    kind, lead, notes = _verdict(document)
    chance = any("probability_lowest" in entry for entry in metrics.values())
    said = "".join(f"<p>{escape(note)}</p>" for note in notes)
    body = [
        f'<div class="verdict{kind}"><p class="first">{escape(lead)}</p>{said}</div>',
        f'<p><img alt="bars of all metrics by case" src="data:image/png;base64,{base64.b64encode(png).decode()}"'
        ' style="max-width:100%"></p>',
        "<p>Bars show values with their discretisation errors; a triangle marks the smallest magnitude.</p>",
    ]
    if metrics:
        body += ["<h2>Metrics</h2>", _metrics(document)]
        body.append(
            "<p>Lowest: the smallest magnitude. Resolved: it leads by more than the sum of the two errors. "
            f"In small print: difference to {escape(names[0])}, in MPa and in per cent of its magnitude.</p>"
        )
        if any(name.startswith("highest.") for name in metrics):
            body.append("<p>Highest: the largest magnitude over all roots of a case, as the roots' names differ.</p>")
    if document["others"]:
        body += ["<h2>Other results</h2>", _others(document)]
    if chance:
        body += ["<h2>With scatter of the material data</h2>", _chances(document)]
    body.append("<h2>Inputs that differ</h2>")
    if document["differences"]:
        differing = [
            [f'<span class="key">{escape(key)}</span>', *(escape(_shown(value)) for value in values)]
            for key, values in in_short(document["differences"]).items()
        ]
        body.append(_table(["key", *names], differing))
        body.append("<p>compare.json has every key.</p>")
    else:
        body.append("<p>None.</p>")
    if document["only"]:
        owned: dict[tuple[str, str], list[str]] = {}
        for name, owner in document["only"].items():
            metric = parts(name)
            owned.setdefault((name if metric is None else metric.root, owner), []).append(name)
        lines = [[escape(root), escape(owner), escape(", ".join(names))] for (root, owner), names in owned.items()]
        body += ["<h2>Metrics of one case alone</h2>", _table(["root", "case", "metrics"], lines)]
    title = escape(" / ".join(names))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{style}</style></head>'
        f'<body><main><h1>{title}</h1><p class="lead">Comparison by femsim {femsim.__version__}</p>'
        f"{''.join(body)}</main></body></html>\n"
    )


def _verdict(document: Mapping[str, Any]) -> tuple[str, str, list[str]]:
    """The class of the box on top, its first line, and notes."""
    names, metrics, ranking = document["cases"], document["metrics"], document["ranking"]
    if not metrics:
        return "", f"{len(document['others'])} results of {' and '.join(names)} side by side.", []
    turned = [key for key, same in ranking["same_at_all_lengths"].items() if not same]
    unresolved = [name for name, entry in metrics.items() if not entry["resolved"]]
    if len(unresolved) == len(metrics):
        lead = "No metric is resolved: which case is the lowest cannot be told."
    elif ranking["agrees"]:
        lead = f"{names[next(iter(metrics.values()))['lowest']]} is the lowest in all {len(metrics)} metrics."
    else:
        counts = ", ".join(f"{name} in {count}" for name, count in ranking["lowest"].items() if count)
        lead = f"The metrics do not agree on the lowest: of {len(metrics)}, {counts}."
    notes = []
    if turned:
        notes.append(f"The ranking depends on the averaging length: {', '.join(turned)}.")
    if unresolved:
        notes.append(f"Closer than the numerical errors: {', '.join(unresolved)}.")
    return "" if ranking["agrees"] and not notes else " warn", lead, notes


def _metrics(document: Mapping[str, Any]) -> str:
    names, rows = document["cases"], []
    for name, entry in document["metrics"].items():
        cells = []
        for i, value in enumerate(entry["values"]):
            error, percent = entry["errors"][i], entry["percent"][i]
            text = "–" if value is None else f"{value:.2f}" + (f" ± {error:.2f}" if error is not None else "")
            if i and value is not None and entry["difference"][i] is not None:
                share = "" if percent is None else f", {percent:+.1f} %"
                text += f" <small>({entry['difference'][i]:+.2f}{share})</small>"
            cells.append(text)
        rows.append([escape(name), *cells, escape(names[entry["lowest"]]), "yes" if entry["resolved"] else "<b>no</b>"])
    return _table(["metric (MPa)", *names, "lowest", "resolved"], rows)


def _others(document: Mapping[str, Any]) -> str:
    """Results that are no root metrics."""
    rows = []
    for name, entry in document["others"].items():
        cells = []
        for i, value in enumerate(entry["values"]):
            error, percent = entry["errors"][i], entry["percent"][i]
            text = "–" if value is None else f"{value:.5g}" + (f" ± {error:.1g}" if error is not None else "")
            if i and value is not None and entry["difference"][i]:
                share = "" if percent is None else f", {percent:+.1f} %"
                text += f" <small>({entry['difference'][i]:+.3g}{share})</small>"
            cells.append(text)
        unit = {"degC": "°C"}.get(entry["unit"], entry["unit"])
        told = {True: "yes", False: "<b>no</b>", None: "errors not known"}[entry["resolved"]]
        rows.append([escape(name) + (f" ({escape(unit)})" if unit else ""), *cells, told])
    return _table(["result", *document["cases"], "apart by more than the errors"], rows)


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
    """An HTML table, a list of cards on a phone; cells are HTML already, the head is not."""
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join(
        f'<tr><td class="lead-cell">{row[0]}</td>'
        + "".join(
            f'<td data-label="{escape(label)}">{cell}</td>' for label, cell in zip(head[1:], row[1:], strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table class="cards"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
