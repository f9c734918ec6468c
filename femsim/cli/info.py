"""Commands that look things up: stacks, schema, doctor."""

from __future__ import annotations

import math
import os
import platform
import sys
from typing import Any

import femsim
from femsim.base.errors import InputError, nearest
from femsim.base.system import processors
from femsim.cli.text import number, out, out_json, table

# ---------------------------------------------------------------- stacks and schema


def stacks(name: str | None) -> None:
    """The stacks, or the keys of one."""
    from femsim.cases.case import CASE_TYPES

    if name is None:
        rows = [["stack", "what it is"]]
        for key, kind in CASE_TYPES.items():
            text = (kind.__doc__ or "").split("\n")[0].removeprefix(f"Stack ``{key}``:").strip()
            geometry = kind.model_fields.get("geometry")
            model = geometry.annotation if geometry is not None else None
            more = (model.__doc__ or "").split("\n")[0] if model is not None else ""
            rows.append([key, more or f"{text[:1].upper()}{text[1:]}"])
        out(table(rows))
        out("\n`femsim stacks NAME` shows its keys with defaults and limits; lengths in um.")
        return
    if name not in CASE_TYPES:
        raise InputError(f"no stack {name!r}{nearest(name, CASE_TYPES)}; there are: {', '.join(CASE_TYPES)}")
    schema = CASE_TYPES[name].model_json_schema(by_alias=True)
    sections = _sections(schema, name)
    out(f'stack = "{name}"')
    for title, rows in sections:
        out(f"\n{title}\n" + table([["key", "default", "allowed", "what it is"], *rows], indent=2))
    points = CASE_TYPES[name].POINTS
    if points:
        out("\npoints that follow the geometry, for [[probe]] and [[corner]]: at = NAME")
        out(table([["name", "where"], *([point, text] for point, text in points.items())], indent=2))


def _sections(schema: dict[str, Any], stack: str) -> list[tuple[str, list[list[str]]]]:
    """Titles with rows (key, default, allowed, what) for the top level and every table of a case."""
    from femsim.cases.case import CASE_TYPES

    sections: list[tuple[str, list[list[str]]]] = []
    top: list[list[str]] = []
    order = [
        "name",
        "stack",
        "geometry",
        "layer",
        "block",
        "root",
        "materials",
        "load",
        "model",
        "mesh",
        "metrics",
        "probe",
        "boundary",
    ]
    properties: dict[str, Any] = schema["properties"]
    for key in sorted(properties, key=lambda k: order.index(k) if k in order else len(order)):
        item = deref(properties[key], schema)
        entries = deref(item.get("items", {}), schema)
        if key == "materials":
            roles = ", ".join(CASE_TYPES[stack].ROLES) or "REGION"
            title = 'material = "library name" or' if stack == "blocks" else f'[materials] {roles} = "library name" or'
            for option in item["additionalProperties"]["anyOf"]:
                if "$ref" in option:
                    spec = deref(option, schema)
                    sections.append(
                        (f"{title} {{ ... }}: {spec.get('description', '').split(chr(10))[0]}", _rows(spec, schema))
                    )
        elif "properties" in item:
            sections.append((f"[{key}]", _rows(item, schema)))
        elif "properties" in entries:
            sections.append((f"[[{key}]] (any number)", _rows(entries, schema)))
        else:
            top += _rows({"properties": {key: properties[key]}, "required": schema.get("required", [])}, schema)
    return [("top level", top), *sections]


def _rows(item: dict[str, Any], schema: dict[str, Any]) -> list[list[str]]:
    rows = []
    required = item.get("required", [])
    for key, prop in item["properties"].items():
        default = prop.get("default")
        shown = (
            "(needed)"
            if key in required
            else ""
            if default is None
            else default
            if isinstance(default, str)
            else f"{default}"
        )
        if isinstance(default, float):
            shown = number(default)
        rows.append(
            [key, shown or ("-" if default is None else '""'), allowed(prop, schema), prop.get("description", "")]
        )
    return rows


def allowed(prop: dict[str, Any], schema: dict[str, Any]) -> str:
    """What a key takes, in words, out of its JSON Schema."""
    prop = {**deref(prop, schema), **{k: v for k, v in prop.items() if k != "$ref"}}
    if "anyOf" in prop:
        options = [allowed(option, schema) for option in prop["anyOf"] if option.get("type") != "null"]
        return " or ".join(dict.fromkeys(option for option in options if option))
    if "const" in prop:
        return str(prop["const"])
    if "enum" in prop:
        return ", ".join(str(word) for word in prop["enum"])
    match prop.get("type"):
        case "number" | "integer":
            low = f"> {number(prop['exclusiveMinimum'])}" if "exclusiveMinimum" in prop else ""
            low = low or (f">= {number(prop['minimum'])}" if "minimum" in prop else "")
            high = f"< {number(prop['exclusiveMaximum'])}" if "exclusiveMaximum" in prop else ""
            high = high or (f"<= {number(prop['maximum'])}" if "maximum" in prop else "")
            return ", ".join(part for part in (low, high) if part) or "a number"
        case "string":
            return "text"
        case "array":
            if "prefixItems" in prop:
                return f"[{', '.join('number' for _ in prop['prefixItems'])}]"
            return (
                "a list of them"
                if "$ref" in prop.get("items", {}) or "anyOf" in prop.get("items", {})
                else "a list of names"
                if prop.get("items", {}).get("type") == "string"
                else "a list of numbers"
            )
        case "object":
            keys = ", ".join(prop.get("properties", {}))
            return (
                "a table"
                if not keys
                else f"{{ {keys} }}"
                if len(keys) < 50
                else f"{{ {keys[:40].rsplit(', ', 1)[0]}, ... }}"
            )
    return ""


def deref(item: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """A part of a JSON Schema with its reference followed."""
    while "$ref" in item:
        item = schema["$defs"][item["$ref"].rsplit("/", 1)[-1]]
    return item


def schema(which: str, text: bool = False) -> None:
    """JSON Schema of the case file, or of study files; those also as a ``text``: tables of keys."""
    from femsim.cases.case import case_schema
    from femsim.study.schema import study_schema

    if text:
        if which != "study":
            raise InputError("--text: goes with `femsim schema study`; `femsim stacks NAME` lists the keys of cases")
        _study_keys(study_schema())
        return
    body = study_schema() if which == "study" else case_schema()
    out_json({"$schema": "https://json-schema.org/draft/2020-12/schema", **body, "title": f"femsim {which} file"})


def _study_keys(body: dict[str, Any]) -> None:
    """The keys of study files as tables."""
    top: dict[str, Any] = {}
    tables: list[tuple[str, dict[str, Any]]] = []
    for key, prop in body["properties"].items():
        options = [deref(one, body) for one in prop.get("anyOf", [prop]) if one.get("type") != "null"]
        entries = deref(options[0].get("items", {}), body)
        if "properties" in options[0]:
            tables.append((f"[{key}]", options[0]))
        elif "properties" in entries:
            tables.append((f"[[{key}]] (any number)", entries))
        else:
            top[key] = prop
    for title, item in [("top level", {"properties": top, "required": body.get("required", [])}), *tables]:
        rows = [["key", "default", "allowed", "what it is"], *_rows(item, body)]
        out(f"\n{title}\n" + table(rows, indent=2))


# ---------------------------------------------------------------- doctor

_NEEDED = ("numpy", "scipy", "scikit-fem", "meshio", "matplotlib", "pydantic", "jinja2", "tomli-w")
#: packages that do something more, and what
_OPTIONAL = {
    "pypardiso": "a faster solver",
    "mkl": "a faster solver",
    "scikit-sparse": "a faster solver",
    "pyarrow": "sweeps",
    "SALib": "sensitivity analysis of sweeps",
    "dask": "sweeps on a Dask cluster",
    "distributed": "sweeps on a Dask cluster",
    "h5py": "mesh files .med, .xdmf, .h5m, .cgns",
}
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "FEMSIM_SOLVER")


def doctor(as_json: bool, timing: bool = False) -> int:
    """What this installation is made of, and where a start's time goes; 2 where a needed package is missing."""
    from importlib import metadata

    versions: dict[str, str | None] = {}
    for name in (*_NEEDED, *_OPTIONAL):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = None
    missing = [name for name in _NEEDED if versions[name] is None]
    document: dict[str, Any] = {
        "femsim": femsim.__version__,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "executable": sys.executable,
        "packages": versions,
        "missing": missing,
        "cores": {"machine": os.cpu_count(), "usable": processors()},
        "environment": {name: os.environ[name] for name in _THREADS if name in os.environ},
    }
    if "numpy" not in missing and "scipy" not in missing:
        from femsim.solvers.factor import available_backends, choose_backend

        document["solvers"] = available_backends()
        document["solver"] = choose_backend()
    if "pydantic" not in missing:
        from femsim.cases.library import list_cases, list_materials, read_material

        entries = [read_material(name) for name in list_materials()]
        document["library"] = {
            "materials": len(entries),
            "numbers": sum(entry.numbers for entry in entries),
            "not_read": sum(len(entry.unread) for entry in entries),
            "cases": list_cases(),
        }
    if timing and not missing:
        from femsim.cli.timing import start_up

        document["timing"] = start_up()
    if as_json:
        out_json(document)
    else:
        _show_doctor(document)
    return 2 if missing else 0


def _show_doctor(document: dict[str, Any]) -> None:
    out(f"femsim {document['femsim']}, Python {document['python']}, {document['platform']}")
    out(f"  {document['executable']}\n\n")
    rows = [["package", "version", ""]]
    for name, version in document["packages"].items():
        use = f"optional: {_OPTIONAL[name]}" if name in _OPTIONAL else "" if version else "MISSING: needed"
        rows.append([name, version or "-", use])
    out(table(rows))
    rows = [["solver", "state", ""]]
    for name, found in document.get("solvers", {}).items():
        rows.append([name, "found" if found else "not found", "used" if name == document["solver"] else ""])
    out("\n" + table(rows))
    if not document.get("solvers", {}).get("pardiso", False):
        out(
            "\nA plain install solves with SuperLU. MKL PARDISO is several times faster on large meshes: pip "
            "install pypardiso"
        )
    cores = document["cores"]
    out(f"\nthreads: {cores['usable']} of {cores['machine']} cores usable")
    for name, value in document["environment"].items():
        out(f"  {name}={value}")
    library = document.get("library")
    if library:
        out(
            f"library: {library['materials']} materials with {library['numbers']} properties and laws, "
            f"{library['not_read']} of them not read in the original; shipped cases: "
            f"{', '.join(library['cases']) or 'none'}"
        )
    if "timing" in document:
        from femsim.cli.timing import show

        show(document["timing"])
    if document["missing"]:
        out(
            f"\nMISSING: {', '.join(document['missing'])}; install them with: pip install "
            f"{' '.join(document['missing'])}"
        )
    elif math.isclose(cores["usable"], 1):
        out("only one core is usable: factorisation runs on one thread")
