"""Pages made from the program itself: gallery, stacks, materials, commands, Python."""

from __future__ import annotations

import argparse
import base64
import contextlib
import inspect
import io
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import running


def write_all(here: Path, pages: Path) -> None:
    """Write every page of this module into ``pages``."""
    for name, text in (
        ("gallery.md", gallery(here / "gallery", pages / "runs" / "gallery")),
        ("notebook.md", notebook(here / "notebooks" / "tutorial.ipynb", pages / "runs" / "notebook")),
        ("stacks.md", stacks()),
        ("materials.md", materials()),
        ("cli.md", commands()),
        ("api.md", python()),
    ):
        (pages / name).write_text(text, encoding="utf-8")


# ---------------------------------------------------------------- gallery


def examples(directory: Path) -> Iterator[tuple[Path, str, str]]:
    """Each example of the gallery with its title and what its first comment says."""
    for path in sorted(directory.glob("*.toml")):
        head = []
        for line in path.read_text(encoding="utf-8").splitlines():
            if not line.startswith("#"):
                break
            head.append(line.lstrip("# ").rstrip())
        yield path, head[0], " ".join(head[1:])


def gallery(directory: Path, work: Path) -> str:
    """The gallery: every example solved, with its picture, its headline and its file."""
    work.mkdir(parents=True)
    parts = [
        "# Gallery\n\nEvery example is a whole case file: save it and run `femsim solve FILE --out DIR`. Meshes are coarse, so that this page is made in "
        "a minute; the estimates of error in the output say what that costs.\n"
    ]
    for path, title, text in examples(directory):
        shutil.copy(path, work)
        with running.inside(work):
            shown = running.femsim(f"femsim solve {path.name} --quiet --out {path.stem}")
        figures = work / path.stem / "figures"
        picture = next(
            (n for n in ("stress", "temperature", "section", "layout") if (figures / f"{n}.png").is_file()), None
        )
        if picture is None:
            raise RuntimeError(f"{path.name}: no picture")
        parts.append(f"## {title}\n\n{text}\n\n![{title}](runs/gallery/{path.stem}/figures/{picture}.png)\n")
        parts.append(
            f'??? example "{path.name}"\n\n    ```toml\n{_indented(path.read_text(encoding="utf-8"))}\n    ```\n'
        )
        parts.append(
            f'??? abstract "what femsim solve prints"\n\n    ```text\n{_indented(_without_time(shown))}\n    ```\n'
        )
    return "\n".join(parts)


def _indented(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.rstrip().splitlines())


def _without_time(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith(("time:", "written to")))


# ---------------------------------------------------------------- notebook


def notebook(path: Path, work: Path) -> str:
    """A notebook run from its first cell to its last, as a page; an error in a cell ends the build."""
    import nbformat
    from nbclient import NotebookClient

    work.mkdir(parents=True, exist_ok=True)
    book = NotebookClient(
        nbformat.read(path, as_version=4),
        timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": str(work)}},
    ).execute()
    parts = []
    for number, cell in enumerate(book.cells):
        if cell.cell_type == "markdown":
            parts.append(cell.source)
            continue
        parts.append(f"```python\n{cell.source}\n```")
        for k, output in enumerate(cell.outputs):
            data = output.get("data", {})
            if "image/png" in data:
                picture = work / f"{path.stem}-{number}-{k}.png"
                picture.write_bytes(base64.b64decode(data["image/png"]))
                parts.append(f"![Output {number}](runs/notebook/{picture.name})")
            elif "text/html" in data:
                parts.append(data["text/html"])
            elif output.output_type == "stream" and output.name == "stdout":
                parts.append(f"```text\n{output.text.rstrip()}\n```")
    parts.append("The notebook itself is `docs/notebooks/tutorial.ipynb`.")
    return "\n\n".join(parts) + "\n"


# ---------------------------------------------------------------- what the program knows


def stacks() -> str:
    """Every stack with its keys, as ``femsim stacks NAME`` prints them."""
    import femsim as fs

    parts = [
        "# Stacks and their keys\n\n`femsim stacks NAME` prints these tables; `femsim new NAME` writes a commented case to begin with.\n"
    ]
    for name in fs.stack_names():
        parts.append(f"## {name}\n\n```text\n{running.femsim(f'femsim stacks {name}').rstrip()}\n```\n")
    return "\n".join(parts)


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        inner = value["value"] if "value" in value else next(iter(value.values()))
        return f"{_shown(inner)} over T" if "T" in value else _shown(inner)
    if isinstance(value, list | tuple):
        return (
            " … ".join(f"{v:g}" for v in (value[0], value[-1]))
            if all(isinstance(v, int | float) for v in value)
            else "table"
        )
    return f"{value:g}" if isinstance(value, int | float) else "table"


def materials() -> str:
    """The library as tables by family, at 25 degC or as a range, with the sources of each entry."""
    from femsim.cases.library import list_materials, read_material

    entries = {name: read_material(name) for name in list_materials()}
    families: dict[str, list[str]] = {}  # by class
    for name, entry in entries.items():
        families.setdefault(entry.class_, []).append(name)
    keys = ("E", "nu", "cte", "yield", "conductivity", "density", "heat_capacity")
    head = "| material | E, GPa | ν | CTE, ppm/K | yield, MPa | k, W/(m K) | ρ, kg/m³ | c, J/(kg K) |\n|---|---|---|---|---|---|---|---|"
    parts = [
        "# Materials\n\nFirst and last value where a property is a table over temperature or has three axes. `femsim materials NAME` shows each number with its "
        f"source and range; the library has {len(entries)} materials.\n"
    ]
    for family in sorted(families):
        parts.append(f"## {family}\n\n{head}")
        for name in families[family]:
            spec = entries[name].to_spec()
            parts.append(f"| [{name}](#{name}) | " + " | ".join(_shown(spec.get(key)) for key in keys) + " |")
        parts.append("")
    parts.append("## Sources\n")
    for name, entry in entries.items():
        parts.append(f"### {name}\n")
        parts += [f"- {_plain(source.citation())}" for source in entry.source]
        parts.append("")
    return "\n".join(parts)


def _plain(text: str) -> str:
    return re.sub(r"([*_<>\[\]])", r"\\\1", " ".join(str(text).split()))


def commands() -> str:
    """Help of every command, from the parser."""
    from femsim.cli.main import parser

    top = parser()
    parts = [f"# Commands\n\n```text\n{_help(top)}\n```\n"]
    actions = [action for action in top._actions if isinstance(action, argparse._SubParsersAction)]
    for name, sub in actions[0].choices.items():
        parts.append(f"## femsim {name}\n\n```text\n{_help(sub)}\n```\n")
    return "\n".join(parts)


def _help(parser: argparse.ArgumentParser) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        parser.print_help()
    return out.getvalue().rstrip()


def python() -> str:
    """Every public name of femsim with its signature and docstring, methods below their classes."""
    import femsim as fs

    parts = [
        "# Python API\n\n`import femsim as fs`. Lengths in um, stresses in MPa, moduli in GPa, temperatures in degC.\n"
    ]
    for name in sorted(fs.__all__):
        found: Any = getattr(fs, name)
        if not callable(found):
            continue
        parts.append(f"## fs.{name}\n\n{_signature(name, found)}{_doc(found)}\n")
        if not inspect.isclass(found) or issubclass(found, Exception):
            continue
        for member, what in vars(found).items():
            if member.startswith("_") or not inspect.getdoc(what) or isinstance(what, type):
                continue
            target = what.func if hasattr(what, "func") else what.fget if isinstance(what, property) else what
            target = target.__func__ if isinstance(target, classmethod | staticmethod) else target
            if not callable(target):
                continue
            called = inspect.isfunction(what) or isinstance(what, classmethod | staticmethod)
            head = _signature(member, target) if called else ""
            parts.append(f"### {name}.{member}\n\n{head}{_doc(target)}\n")
    return "\n".join(parts)


def _signature(name: str, found: Any) -> str:
    try:
        signature = str(inspect.signature(found))
    except (TypeError, ValueError):
        return ""
    return f"```python\n{name}{signature}\n```\n\n"


def _doc(found: Any) -> str:
    """A docstring as Markdown: doubled backticks single, roles as code, examples as blocks."""
    text = inspect.getdoc(found) or ""
    text = re.sub(r":\w+:`~?([^`]+)`", lambda m: f"`{m[1].rsplit('.', 1)[-1]}`", text).replace("``", "`")
    lines, code = [], False
    for line in text.splitlines():
        starts = line.startswith(">>>") or (code and bool(line.strip()))
        if starts != code:
            lines.append("```" if code else "\n```python")
            code = starts
        lines.append(line if code else line.replace("<", "&lt;").replace("_", r"\_") if "`" not in line else line)
    return "\n".join([*lines, "```"] if code else lines)
