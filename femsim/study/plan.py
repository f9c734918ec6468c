"""The plan of a study: everything a worker needs, and everything that decides the results. Saved first, compared on
every resume.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import femsim
from femsim.base.errors import InputError, ToleranceError, nearest
from femsim.base.files import atomic_write
from femsim.cases.case import Case
from femsim.cases.stacks.meshfile import MeshCase
from femsim.runs.results import numbers
from femsim.study.points import Kind, case_of, kind_of, matching
from femsim.study.studyfile import Study

PLAN_FILE = "study.json"
FORMAT = 1


@dataclass(frozen=True)
class Plan:
    """A study ready to run.

    ``identity`` is what decides the numbers: two plans with the same identity give the same rows. ``rows`` are the
    points, ``outputs`` the dotted paths kept of each. ``base`` is the directory that mesh files are relative to.
    """

    name: str
    case_name: str
    data: dict[str, Any]
    base: str
    keys: tuple[str, ...]
    kinds: tuple[Kind, ...]
    rows: tuple[tuple[Any, ...], ...]
    outputs: tuple[str, ...]
    study: dict[str, Any]
    digests: dict[str, str] = field(default_factory=dict)
    version: str = femsim.__version__

    @functools.cached_property
    def identity(self) -> dict[str, Any]:
        """What decides the results, for comparing."""
        study = {k: v for k, v in self.study.items() if k not in ("name", "window", "optimise")}
        points = hashlib.sha256(json.dumps(self.rows, sort_keys=True).encode()).hexdigest()[:16]
        return {"case": self.data, "study": study, "points": points, "outputs": list(self.outputs), **self.digests}

    @functools.cached_property
    def hash(self) -> str:
        """A short name of the identity."""
        return hashlib.sha256(json.dumps(self.identity, sort_keys=True).encode()).hexdigest()[:16]

    def case(self, index: int) -> Case:
        """The case of a point. Raises InputError where the schema refuses its values."""
        return case_of(self.data, self.keys, self.rows[index], "")

    @property
    def base_path(self) -> Path:
        """The directory that mesh files are relative to."""
        return Path(self.base)

    def to_dict(self) -> dict[str, Any]:
        """JSON of the plan."""
        return {"femsim_study": FORMAT, "hash": self.hash, **asdict(self)}

    @staticmethod
    def from_dict(raw: dict[str, Any]) -> Plan:
        """The plan a JSON document holds."""
        known = {k: raw[k] for k in Plan.__dataclass_fields__}
        for name in ("keys", "kinds", "outputs"):
            known[name] = tuple(known[name])
        known["rows"] = tuple(tuple(row) for row in known["rows"])
        return Plan(**known)


def make_plan(study: Study) -> Plan:
    """The plan of a study; finds out which outputs there are by solving one of its cases on a coarse mesh."""
    outputs = _outputs(study)
    kinds = tuple(kind_of([row[i] for row in study.rows]) for i in range(len(study.keys)))
    rows = tuple(tuple(float(v) if k == "number" else v for v, k in zip(row, kinds, strict=True)) for row in study.rows)
    digests = {"library": _library_digest()}
    for case in study.samples_of_case[:1]:
        if isinstance(case, MeshCase):
            digests["mesh_file"] = _digest([study.base / case.mesh.file])
    return Plan(
        name=study.name,
        case_name=str(study.data.get("name", study.case_path.stem)),
        data=study.data,
        base=str(study.base.resolve()),
        keys=study.keys,
        kinds=kinds,
        rows=rows,
        outputs=outputs,
        study=study.spec.model_dump(mode="json", exclude_none=True),
        digests=digests,
    )


def save_plan(plan: Plan, directory: Path) -> None:
    """Write the plan into a directory of results."""
    atomic_write(directory / PLAN_FILE, json.dumps(plan.to_dict(), ensure_ascii=False))


def load_plan(directory: Path) -> Plan:
    """The plan of a directory of results. Raises InputError where there is none."""
    file = directory / PLAN_FILE
    try:
        raw = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"{directory}: holds no study ({PLAN_FILE} is missing); femsim sweep --out writes one"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: cannot be read ({error})") from None
    if not isinstance(raw, dict) or raw.get("femsim_study") != FORMAT:
        raise InputError(f"{file}: not a study of this version of femsim")
    try:
        return Plan.from_dict(raw)
    except (KeyError, TypeError) as error:
        raise InputError(f"{file}: not a study of this version of femsim ({error})") from None


def differences(old: Plan, new: Plan) -> list[str]:
    """What decides the results and is not the same, as ``key: old -> new``."""
    before, after = dict(_leaves(old.identity)), dict(_leaves(new.identity))
    found = []
    for key in dict.fromkeys([*before, *after]):
        a, b = before.get(key, "nothing"), after.get(key, "nothing")
        if a != b:
            found.append(f"{key}: {_short(a)} -> {_short(b)}")
    return [f for f in found if not f.startswith("points: ")] or found


def _leaves(value: Any, prefix: str = "") -> Iterable[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from _leaves(entry, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, list | tuple) and any(isinstance(v, dict | list | tuple) for v in value):
        for index, entry in enumerate(value):
            yield from _leaves(entry, f"{prefix}.{index}")
    else:
        yield prefix, list(value) if isinstance(value, tuple) else value


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value
    return text if len(text) <= 40 else text[:37] + "..."


# ---------------------------------------------------------------- outputs


def _outputs(study: Study) -> tuple[str, ...]:
    """The chosen paths, patterns expanded; by default the averages at all roots of the cases tried."""
    roots = _root_paths(study)
    chosen = study.spec.study.outputs
    if chosen is None:
        found = [p for p in roots if p.rsplit(".", 1)[-1] in ("peel", "shear", "von_mises")]
        if not found:
            raise InputError(f"{study.file}: study.outputs: missing; the case has no roots, so there is no default")
        return tuple(found)
    known = dict.fromkeys(roots)
    documents = _document_paths(study)
    if any(path not in known for path in chosen):
        known |= dict.fromkeys(next(documents, []))
    while not all(_named(path, list(known)) for path in chosen):
        more = next(documents, None)
        if more is None:
            break
        known |= dict.fromkeys(more)
    result: list[str] = []
    for i, path in enumerate(chosen):
        found = _named(path, list(known))
        if not found:
            hint = nearest(path, known) or f"; e.g. {next(iter(known), 'metrics.roots.post_root[0].peel')}"
            raise InputError(f"{study.file}: study.outputs.{i}: {path!r} is not a number in the JSON of solve{hint}")
        result += [p for p in found if p not in result]
    return tuple(result)


def _root_paths(study: Study) -> list[str]:
    from femsim.builders.build import averaging_lengths, build_layout, discretise

    names = ("at[0]", "at[1]", "length", "peel", "shear", "von_mises", "peel_error", "shear_error", "von_mises_error")
    found: dict[str, int] = {}
    for case in (
        study.samples_of_case if not isinstance(study.samples_of_case[0], MeshCase) else study.samples_of_case[:1]
    ):
        try:
            layout = build_layout(case)
            roots = layout.roots if layout is not None else discretise(case, study.base).roots
        except InputError:
            continue
        fitting = averaging_lengths(case)
        for root in roots:
            count = len([x for x in fitting if x <= root.width and x <= root.height]) or 1
            found[root.name] = max(found.get(root.name, 0), count)
    return [
        f"metrics.roots.{root}[{i}].{name}" for root, count in found.items() for i in range(count) for name in names
    ]


def _named(path: str, known: Sequence[str]) -> list[str]:
    return matching(path, known) if "*" in path else [p for p in known if p == path]


def _document_paths(study: Study) -> Iterator[list[str]]:
    """Numbers in the documents of a few of the study's cases: on a coarse mesh first, which has nearly all of them,
    then as they are.
    """
    from femsim.cases.casefile import apply_overrides, parse_case
    from femsim.runs.results import results_dict
    from femsim.runs.rows import quietly

    attempts: list[Sequence[str]] = [["mesh.size=0.5", "mesh.growth=2.5"], []]
    for coarser in attempts if study.data.get("stack") != "mesh" else [[]]:
        for case in study.samples_of_case[:3]:
            try:
                data = case.model_dump(by_alias=True, exclude_none=True)
                if coarser:
                    data["mesh"].pop("tolerance", None)
                chosen = parse_case(apply_overrides(_lists(data), coarser), study.file) if coarser else case
                found = list(numbers(results_dict(quietly(chosen, study.base))))
            except ToleranceError as error:
                found = list(numbers(results_dict(error.run)))
            except Exception:  # whatever it is, the points themselves will tell
                continue
            yield found


def _lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _lists(v) for k, v in value.items()}
    return [_lists(v) for v in value] if isinstance(value, list | tuple) else value


def _library_digest() -> str:
    from femsim.cases.library import data_path

    return _digest(sorted(data_path("materials").glob("*.toml")))


def _digest(paths: Sequence[Path]) -> str:
    total = hashlib.sha256()
    for path in paths:
        try:
            total.update(path.name.encode() + b"\0" + path.read_bytes())
        except OSError as error:
            raise InputError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    return total.hexdigest()[:16]
