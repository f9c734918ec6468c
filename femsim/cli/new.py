"""Commands ``new`` (a case to begin with) and ``completion`` (what a shell offers behind ``femsim``)."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from femsim.base.errors import InputError, nearest
from femsim.cli.info import allowed, deref
from femsim.cli.options import subcommand
from femsim.cli.text import out

COMMANDS = {
    "new": "write a commented case to begin with, for a stack or from a shipped case",
    "completion": "print shell completion for bash, zsh or fish",
}
#: the file that editors take the schema from, written beside a new case
SCHEMA = "femsim-case.schema.json"
#: what a case of a user's own body begins with
_OWN = {
    "blocks": """name = "own-pillar"
stack = "blocks"
[[block]]
name = "chip"
r = [0, 60]
z = [-100, 0]
material = "silicon"
[[block]]
name = "film"
r = [0, 60]
z = [0, 20]
material = "polyimide"
[[block]]
name = "post"
r = [0, 20]
z = [0, 40]
material = "copper"
[load]
stress_free_temperature = 150
temperature = 25
[mesh]
size = 0.01
[metrics]
length = [5, 1]
[[boundary]]
name = "back"
point = [0, -100]
u_z = 0
[[root]]
name = "post_root"
at = [20, 0]
region = "post"
[[probe]]
name = "tip"
at = [0, 40]
""",
    "mesh": """name = "own-mesh"
stack = "mesh"
[mesh]
file = "part.msh"
length_unit = "um"
[materials]
chip = "silicon"
post = "copper"
[load]
stress_free_temperature = 150
temperature = 25
[metrics]
length = [5, 1]
[[root]]
name = "post_root"
at = [50, 0]
region = "post"
[[boundary]]
point = [0, -300]
u_z = 0
""",
}
_ORDER = (
    "name",
    "stack",
    "geometry",
    "layer",
    "block",
    "materials",
    "load",
    "model",
    "mesh",
    "metrics",
    "root",
    "probe",
)


def add_parsers(commands: argparse._SubParsersAction[Any]) -> None:
    """Add ``new`` and ``completion`` to the command line."""
    made = {name: subcommand(commands, name, COMMANDS) for name in COMMANDS}
    command = made["new"]
    command.add_argument("stack", metavar="STACK", nargs="?", help="a stack, as `femsim stacks` lists them")
    command.add_argument("--from", dest="source", metavar="NAME", help="a shipped case instead, with its own comments")
    command.add_argument(
        "--out", metavar="FILE", help="the file (default: the stack's or the case's name .toml; -: print)"
    )
    command.add_argument("--force", action="store_true", help="write over a file that is there")
    made["completion"].add_argument("shell", choices=["bash", "zsh", "fish"])


def new(arguments: argparse.Namespace) -> None:
    """Write a new case file, with the schema beside it."""
    from femsim.base.files import atomic_write
    from femsim.cases.case import CASE_TYPES, case_schema
    from femsim.cases.casefile import show_file
    from femsim.cases.library import case_path

    if (arguments.stack is None) == (arguments.source is None):
        raise InputError(f"new: name a stack ({', '.join(CASE_TYPES)}), or a shipped case with --from")
    beside: Path | None = None
    if arguments.source is not None:
        path = case_path(arguments.source)
        text, name = path.read_text(encoding="utf-8"), arguments.source
        if (path.parent / f"{name}.msh").is_file():
            beside = path.parent / f"{name}.msh"
    else:
        name = arguments.stack
        if name not in CASE_TYPES:
            raise InputError(f"no stack {name!r}{nearest(name, CASE_TYPES)}; there are: {', '.join(CASE_TYPES)}")
        text = commented(name)
    if arguments.out == "-":
        out(text)
        return
    target = Path(arguments.out or f"{name}.toml")
    if target.exists() and not arguments.force:
        raise InputError(f"{show_file(target)}: is there already; --force writes over it, --out names another file")
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **case_schema(), "title": "femsim case file"}
    try:
        atomic_write(target, f"#:schema ./{SCHEMA}\n{text}")
        atomic_write(target.parent / SCHEMA, json.dumps(schema, indent=1) + "\n")
        if beside is not None:
            atomic_write(target.parent / beside.name, beside.read_bytes())
    except OSError as error:
        raise InputError(f"{show_file(target)}: cannot be written ({(error.strerror or str(error)).lower()})") from None
    out(f"written: {target}, {target.parent / SCHEMA}" + (f", {target.parent / beside.name}" if beside else ""))
    out(f"solve it with: femsim solve {target}")


# ---------------------------------------------------------------- a commented case


def commented(stack: str) -> str:
    """A case of a stack as text, every key with what it means and what is allowed; reads as the shipped case does."""
    from femsim.cases.case import CASE_TYPES
    from femsim.cases.casefile import dump_case, load_case, parse_case, parse_toml

    kind = CASE_TYPES[stack]
    case = parse_case(parse_toml(_OWN[stack], stack), stack) if stack in _OWN else load_case(stack)[0]
    data = parse_toml(dump_case(case), stack)
    if stack == "mesh":
        del data["model"]["element"]  # that of the file
    schema = kind.model_json_schema(by_alias=True)
    lines = [
        f"# A case of the stack {stack!r}. Lengths in um, temperatures in degC, E in GPa, cte in ppm/K, stress in MPa."
    ]
    lines.append("# Every key has its default or the shipped case's value; a key after # is left open.")
    lines.append(f"# `femsim stacks {stack}` lists all keys, `femsim materials` the library.")
    lines.append("")
    properties = sorted(schema["properties"], key=lambda key: _ORDER.index(key) if key in _ORDER else len(_ORDER))
    tables, scalars = [], []
    for key in properties:
        item = _table(schema["properties"][key], schema)
        entries = _table(item.get("items", {}), schema)
        value = data.get(key)
        if key == "materials":
            tables.append(list(_materials(value or {}, stack)))
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            tables.append(
                [line for i, one in enumerate(value) for line in _block(f"[[{key}]]", one, entries, schema, i == 0)]
            )
        elif isinstance(value, dict) and "properties" in item:
            tables.append(list(_block(f"[{key}]", value, item, schema, True)))
        elif value is not None and not isinstance(value, dict):
            scalars.append(_line(key, value, {} if key == "stack" else schema["properties"][key], schema))
    lines += scalars
    for table in tables:
        if table:
            lines += ["", *table]
    absent = [
        f"[[{key}]]" if "items" in _table(schema["properties"][key], schema) else f"[{key}]"
        for key in properties
        if not data.get(key) and key not in ("name", "stack", "materials")
    ]
    return "\n".join([*lines, "", f"# Further tables: {', '.join(absent)}", ""])


def _materials(given: dict[str, Any], stack: str) -> Iterator[str]:
    from femsim.cases.casefile import toml_value

    if not given and stack == "blocks":
        return
    yield '[materials]  # a library name, { like = "NAME", E = 3 }, or { E = GPa, nu = ..., cte = ppm/K }'
    for role, ref in given.items():
        plain = {k: v for k, v in ref.items() if (k, v) != ("angle", 0.0)} if isinstance(ref, dict) else ref
        text = re.sub(r'"([A-Za-z_]+)" =', r"\1 =", toml_value(plain))  # keys of inline tables need no quotes
        yield f"{role} = {text}"


def _block(head: str, given: dict[str, Any], item: dict[str, Any], schema: dict[str, Any], told: bool) -> Iterator[str]:
    """A table: its keys with their comments, those left open as comments."""
    yield head
    properties = item.get("properties", {})
    for key, prop in properties.items():
        if key in given:
            yield _line(key, given[key], prop if told else {}, schema)
        elif told and prop.get("description"):
            yield f"# {key} = ...  # {_comment(prop, schema)}"


def _line(key: str, value: Any, prop: dict[str, Any], schema: dict[str, Any]) -> str:
    from femsim.cases.casefile import toml_value

    comment = _comment(prop, schema)
    return f"{key} = {toml_value(value)}" + (f"  # {comment}" if comment else "")


def _comment(prop: dict[str, Any], schema: dict[str, Any]) -> str:
    limits = allowed(prop, schema) if prop else ""
    limits = re.sub(r",? ?<= (1e\+\d+|4000|5e\+07)|>= -1e\+\d+", "", limits).strip().removeprefix("or ")
    dull = limits in ("", "text", "a number") or limits.startswith(("{", "[", "a table", "a list", "text or"))
    text = prop.get("description", "")
    return "; ".join(part for part in (text, "" if dull else limits) if part)


def _table(prop: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """What a property is, without the choice of nothing."""
    item = deref(prop, schema)
    options = [deref(option, schema) for option in item.get("anyOf", []) if option.get("type") != "null"]
    return options[0] if len(options) == 1 else item


# ---------------------------------------------------------------- completion


def completion(arguments: argparse.Namespace, top: argparse.ArgumentParser) -> None:
    """Print the completion of a shell, made from the grammar itself."""
    grammar = {name: list(_words(command)) for name, command in _commands(top).items()}
    out({"bash": _bash, "zsh": _zsh, "fish": _fish}[arguments.shell](grammar))


def _commands(top: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in top._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def _words(command: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    """What may stand behind a command: options, words of a choice, names of cases and the like."""
    from femsim.cases.case import CASE_TYPES
    from femsim.cases.library import list_cases, list_materials

    for action in command._actions:
        text = " ".join((action.help or "").split()).replace("%%", "%")
        for option in action.option_strings:
            if option.startswith("--"):
                yield option, text
        if not action.option_strings:
            names = [str(choice) for choice in action.choices or ()]
            if action.metavar == "CASE":
                names = list_cases()
            elif action.metavar == "STACK" or (action.metavar == "NAME" and command.prog.endswith("stacks")):
                names = list(CASE_TYPES)
            elif action.metavar == "NAME" and command.prog.endswith("materials"):
                names = list_materials()
            for name in names:
                yield name, ""


def _bash(grammar: dict[str, list[tuple[str, str]]]) -> str:
    cases = "\n".join(
        f"    {name}) words={_quoted(' '.join(w for w, _ in words))};;" for name, words in grammar.items()
    )
    return f"""# femsim completion bash > ~/.local/share/bash-completion/completions/femsim
_femsim() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} words
  if (( COMP_CWORD == 1 )); then words={_quoted(" ".join(grammar))}
  else case ${{COMP_WORDS[1]}} in
{cases}
  esac; fi
  COMPREPLY=($(compgen -W "$words" -- "$word") $(compgen -f -- "$word"))
}}
complete -o filenames -F _femsim femsim
"""


def _zsh(grammar: dict[str, list[tuple[str, str]]]) -> str:
    def each(words: list[tuple[str, str]]) -> str:
        return " ".join(_quoted(f"{word}:{text}" if text else word) for word, text in words)

    cases = "\n".join(f"    {name}) offered=({each(words)});;" for name, words in grammar.items())
    commands = " ".join(_quoted(name) for name in grammar)
    return f"""#compdef femsim
# femsim completion zsh > "${{fpath[1]}}/_femsim"
_femsim() {{
  local -a offered
  if (( CURRENT == 2 )); then
    offered=({commands})
  else case $words[2] in
{cases}
  esac; fi
  _describe -t femsim femsim offered
  (( CURRENT > 2 )) && _files
}}
compdef _femsim femsim
"""


def _fish(grammar: dict[str, list[tuple[str, str]]]) -> str:
    lines = ["# femsim completion fish > ~/.config/fish/completions/femsim.fish"]
    lines += [f"complete -c femsim -n __fish_use_subcommand -f -a {name}" for name in grammar]
    for name, words in grammar.items():
        seen = f"'__fish_seen_subcommand_from {name}'"
        for word, text in words:
            about = f" -d {_quoted(text)}" if text else ""
            what = f"-l {word[2:]}" if word.startswith("--") else f"-a {_quoted(word)}"
            lines.append(f"complete -c femsim -n {seen} {what}{about}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A word in single quotes, for all three shells."""
    return "'" + text.replace("'", "").replace("\\", "") + "'"
