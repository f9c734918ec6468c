"""The command ``materials``: the library as a table, what a word finds in it, or one entry with all its sources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from femsim.base.errors import InputError, nearest
from femsim.cli.text import number, out, out_json, table

if TYPE_CHECKING:
    from femsim.cases.library import Curve, Expansion, FatigueSet, Law, MaterialFile, Property

#: where a temperature table is read for the list
ROOM = 25.0


def materials(word: str | None, as_json: bool) -> None:
    """The whole library, the entry of that name, or all whose name, family, class or description holds the word."""
    from femsim.cases.library import list_materials, read_material

    names = list_materials()
    if word in names and word is not None:
        entry = read_material(word)
        if as_json:
            out_json(entry.model_dump(by_alias=True, exclude_none=True))
        else:
            _one(entry, [name for name in names if name != word and read_material(name).family == entry.family])
        return
    entries = [read_material(name) for name in names]
    if word is not None:
        entries = [entry for entry in entries if _holds(entry, word)]
        if not entries:
            known = [*names, *(read_material(name).family for name in names)]
            raise InputError(
                f"no material {word!r} in the library{nearest(word, known)}; `femsim materials` lists them"
            )
    if as_json:
        out_json({entry.name: {"description": entry.description, **entry.to_spec()} for entry in entries})
    else:
        _list(entries)


def _holds(entry: MaterialFile, word: str) -> bool:
    text = f"{entry.name} {entry.family} {entry.class_} {entry.description}".lower()
    return all(part in text for part in word.lower().split())


def _list(entries: list[MaterialFile]) -> None:
    rows = [["name", "E (GPa)", "nu", "CTE (ppm/K)", "k (W/(m K))", "laws", "family", "description"]]
    for entry in entries:
        rows.append(
            [
                entry.name,
                _brief(entry.youngs_modulus),
                _brief(entry.poisson_ratio),
                _brief(entry.cte),
                _brief(entry.thermal_conductivity) if entry.thermal_conductivity else "-",
                ", ".join([*entry.sets, *(["fatigue"] if entry.fatigue else [])]) or "-",
                entry.family,
                entry.description,
            ]
        )
    out(table(rows))
    count = f"{len(entries)} material{'s' if len(entries) != 1 else ''}"
    out(f"\n{count}. a/b/c: axes 1, 2, 3 (r, t, z); * depends on temperature, shown at {ROOM:g} degC.")
    out("`femsim materials NAME` shows every number with its range and source, `femsim materials WORD` searches.")


def _curve(entry: Property | Expansion) -> Curve:
    from femsim.cases.library import Expansion

    if not isinstance(entry, Expansion):
        return entry
    curve = entry.secant or entry.instantaneous
    assert curve is not None  # the library's schema demands one of the two
    return curve


def _brief(entry: Property | Expansion) -> str:
    curve = _curve(entry)
    if curve.T is not None:
        return _at_room(curve.T, curve.values) + "*"
    return "/".join(number(value) for value in curve.values)


def _at_room(T: tuple[float, ...], values: tuple[float, ...]) -> str:
    """The table's value at room temperature, linear between its points and constant outside."""
    if T[0] >= ROOM:
        return number(values[0])
    for i in range(1, len(T)):
        if T[i] >= ROOM:
            return number(values[i - 1] + (values[i] - values[i - 1]) * (ROOM - T[i - 1]) / (T[i] - T[i - 1]))
    return number(values[-1])


def _one(entry: MaterialFile, relatives: list[str]) -> None:
    from femsim.cases.library import UNITS

    out(f"{entry.name}: {entry.description}\nfamily {entry.family}, class {entry.class_}\n\n")
    rows = [["property", "value", "unit", "range", "source"]]
    for key, item in entry.properties.items():
        span = f"{number(item.range[0])} to {number(item.range[1])}" if item.range else ""
        rows.append([key, _full(item), UNITS.get(key, ""), span, _sources(entry, item.source)])
    out(table(rows))
    for key, item in entry.properties.items():
        curve = _curve(item)
        if curve.T is not None:
            pairs = [[number(t), number(v)] for t, v in zip(curve.T, curve.values, strict=True)]
            out(f"\n{key} over temperature")
            out(table([["degC", UNITS.get(key, "") or "-"], *pairs], right=(0, 1), indent=2))
    _laws(entry)
    notes = [(key, item.note) for key, item in entry.properties.items() if item.note]
    if notes:
        out("\nNotes")
        for key, note in notes:
            out(f"  {key}: {note}")
    if entry.note:
        out(f"\n{entry.note}")
    out("\nSources")
    for source in entry.source:
        out(f"  {source.id}: {source.citation()} ({source.seen})")
        for extra in (source.url, source.note):
            if extra:
                out(f"    {extra}")
    if relatives:
        out(f"\nSame family: {', '.join(relatives)}")


def _sources(entry: MaterialFile, ids: tuple[str, ...]) -> str:
    return ", ".join(ids) + (" (from memory, check the original)" if entry.from_memory(ids) else "")


def _laws(entry: MaterialFile) -> None:
    """Sets of the laws with their parameters, in the units of the case file."""
    for law, found in entry.sets.items():
        out(f'\n{law} (in a case: {law} = "library" for the first, or its name)')
        for one in found:
            _set(entry, one, _inline(one.law()))
    if entry.fatigue:
        out("\nfatigue")
    for constants in entry.fatigue:
        _set(entry, constants, f"{_inline(constants.law())}; fitted with {constants.fitted}")


def _set(entry: MaterialFile, one: Law | FatigueSet, numbers: str) -> None:
    out(f"  {one.id}: {one.description}\n    {numbers}\n    source: {_sources(entry, one.source)}")
    if one.note:
        out(f"    {one.note}")


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_inline(entry)}" for key, entry in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_inline(entry) for entry in value) + "]"
    return number(value) if isinstance(value, int | float) else str(value)


def _full(entry: Property | Expansion) -> str:
    from femsim.cases.library import Expansion

    curve = _curve(entry)
    text = "table below" if curve.T is not None else ", ".join(number(value) for value in curve.values)
    if isinstance(entry, Expansion):
        since = f" from {entry.reference:g} degC" if entry.reference is not None else ""
        text += f" ({'secant' if entry.secant else 'instantaneous'}{since})"
    return text
