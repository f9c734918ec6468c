"""Tables of text of what was found of heat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from femsim.runs.units import is_plane


def heat_tables(document: dict[str, Any]) -> list[list[list[str]]]:
    """Tables of text, header first: sources and boundaries of the ``heat`` part of a document."""
    heat = document["heat"]
    plane = is_plane(document["case"]["kinematics"])
    power, resistance = ("W/um", "m K/W") if plane else ("W", "K/W")
    sources = [["source", f"power ({power})", "T mean (degC)", "T max (degC)", f"R mean ({resistance})"]]
    sources[0].append(f"R max ({resistance})")
    for name, one in heat["sources"].items():
        row = [_text(one[key]) for key in ("power", "T_mean", "T_max", "R_mean", "R_max")]
        for at, key in enumerate(("T_mean_error", "T_max_error", "R_mean_error", "R_max_error"), start=1):
            error = _last(one.get(key))
            row[at] += "" if error is None else f" +- {error:.1g}"
        sources.append([name, *row])
    boundaries = [["boundary", f"heat out ({power})"]]
    boundaries += [[name, _text(value)] for name, value in heat["boundaries"].items()]
    layers = [["region", "T mean (degC)", "T max (degC)"]]
    layers += [[one["region"], _text(one["T_mean"]), _text(one["T_max"])] for one in heat["layers"] if "region" in one]
    contacts = [["contact", "mean jump (K)", "largest (K)", f"heat through ({power})"]]
    for one in heat["layers"]:
        if "contact" in one:
            contacts.append([one["contact"], *(_text(one[key]) for key in ("jump_mean", "jump_max", "heat"))])
    tables = (sources, boundaries, layers, contacts, _matrix_table(heat, resistance), *worst_table(heat))
    return [table for table in tables if len(table) > 1]


def heat_words(document: dict[str, Any]) -> list[str]:
    """Sentences on the hottest and the worst instant, on what errors come from, and on the balance of heat."""
    heat, found = document["heat"], []

    def degrees(value: float, error: float | None) -> str:
        return f"{value:.6g}{'' if error is None else f' +- {error:.1g}'} degC"

    if "times" not in heat:
        found.append(f"Largest temperature {degrees(heat['T_max'], heat.get('T_max_error'))}.")
    else:
        hot, off = heat["hottest"], heat["errors"]
        found.append(
            f"Values at {heat['times'][-1]:.6g} s, the last of {len(heat['times'])} times; {heat['steps']} steps."
        )
        found.append(f"Hottest at {hot['time']:.4g} s: {degrees(hot['T_max'], hot.get('T_max_error'))}.")
        if off:
            found.append(f"Of the errors at these times at most {off['time']:.1g} K are of the steps in time, ")
            found[-1] += f"{off['mesh']:.1g} K of the mesh."
    if "worst" in heat:
        worst = heat["worst"]
        found.append(
            f"Worst instant {worst['time']:.4g} s: {worst['metric']} is {worst['value']:.5g} MPa there, the largest of "
            f"{worst['states']} states looked at; the largest temperature is {worst['T_max']:.5g} degC then."
        )
    return [*found, f"The heat balance holds to {heat['balance']:.1e} of the power."]


def worst_table(heat: dict[str, Any]) -> list[list[list[str]]]:
    """Of every root metric when it is largest, and its magnitude then; no table without a worst instant."""
    if "worst" not in heat:
        return []
    rows = [["largest over time", "at (s)", "magnitude (MPa)"]]
    rows += [[name, _text(one["time"]), _text(one["value"])] for name, one in heat["worst"]["each"].items()]
    return [rows]


def _matrix_table(heat: dict[str, Any], unit: str) -> list[list[str]]:
    matrix = heat.get("matrix", {"sources": []})
    if len(matrix["sources"]) < 2:
        return []
    rows = [[f"mean rise per power ({unit})", *matrix["sources"]]]
    return rows + [[name, *map(_text, row)] for name, row in zip(matrix["sources"], matrix["R"], strict=True)]


def _last(value: float | Sequence[float | None] | None) -> float | None:
    return value if value is None or isinstance(value, int | float) else value[-1]


def _text(value: float | Sequence[float] | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, int | float):
        return f"{value:.6g}"
    return "-" if value[-1] is None else f"{value[-1]:.6g}"
