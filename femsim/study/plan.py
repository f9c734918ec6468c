"""The plan of a study: everything a worker needs, and everything that decides the results. Saved first, compared on
every resume.
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, get_args

import femsim
from femsim.base.errors import FemsimWarning, InputError, ToleranceError, nearest, printable
from femsim.base.files import atomic_write, read_json
from femsim.cases.case import CASE_TYPES, Case
from femsim.cases.stacks.meshfile import MeshCase
from femsim.cases.units import key_unit
from femsim.runs.names import Output, find, named, outputs_of, parts
from femsim.runs.units import is_plane, output_unit
from femsim.study.points import Kind, case_of, kind_of
from femsim.study.schema import StudyFile
from femsim.study.studyfile import Study

PLAN_FILE = "study.json"
FORMAT = 2


@dataclass(frozen=True)
class Plan:
    """A study ready to run.

    ``identity`` is what decides the numbers: two plans with the same identity give the same rows. ``rows`` are the
    points, ``outputs`` the names of what is kept of each, ``selectors`` the keys that follow these from point to point.
    ``base`` is the directory that mesh files are relative to.
    """

    name: str
    case_name: str
    data: dict[str, Any]
    base: str
    keys: tuple[str, ...]
    kinds: tuple[Kind, ...]
    rows: tuple[tuple[Any, ...], ...]
    outputs: tuple[str, ...]
    selectors: tuple[str, ...]
    study: dict[str, Any]
    digests: dict[str, str] = field(default_factory=dict)
    version: str = femsim.__version__

    @functools.cached_property
    def identity(self) -> dict[str, Any]:
        """What decides the results, for comparing."""
        study = {k: v for k, v in self.study.items() if k not in ("name", "window", "optimise", "rank")}
        if not self.reduced:  # as before there was a choice
            study["study"] = {k: v for k, v in study["study"].items() if k != "method"}
        points = hashlib.sha256(json.dumps(self.rows, sort_keys=True).encode()).hexdigest()[:16]
        return {"case": self.data, "study": study, "points": points, "outputs": list(self.outputs), **self.digests}

    @functools.cached_property
    def hash(self) -> str:
        """A short name of the identity."""
        return hashlib.sha256(json.dumps(self.identity, sort_keys=True).encode()).hexdigest()[:16]

    def case(self, index: int) -> Case:
        """The case of a point. Raises InputError where the schema refuses its values."""
        return case_of(self.data, self.keys, self.rows[index], "")

    def unit(self, name: str) -> str:
        """The unit of a column, or of any key or output; empty for what has none."""
        kind = CASE_TYPES[str(self.data["stack"])]
        if name in self.error_columns:
            return output_unit(self.outputs[self.error_columns.index(name) // 2], self._plane)
        if name in self.keys or (name not in self.outputs and name.split(".")[0] in kind.model_fields):
            return key_unit(kind, name)
        return output_unit(name, self._plane)

    @functools.cached_property
    def _plane(self) -> bool:
        model = self.data.get("model", {})
        return isinstance(model, dict) and is_plane(str(model.get("kinematics", "axisymmetric")))

    @property
    def reduced(self) -> bool:
        """Whether rows may come from a reduced basis, and so have a level and two errors an output."""
        return bool(self.study["study"].get("method") == "reduced")

    @property
    def error_columns(self) -> tuple[str, ...]:
        """Names of the errors of all outputs, of reduction and of mesh in turn; empty where rows have none."""
        if not self.reduced:
            return ()
        return tuple(_behind(name, kind) for name in self.outputs for kind in ("reduction_error", "mesh_error"))

    @property
    def error_selectors(self) -> tuple[str, ...]:
        """Keys of the error estimates that a full solve of a point gives beside its outputs, where rows have errors."""
        if not self.reduced:
            return ()
        split = [key.rsplit(".", 1) for key in self.selectors]
        return tuple(f"{head}_error.{length}" for head, length in split)

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
        for name in ("keys", "kinds", "outputs", "selectors"):
            known[name] = tuple(known[name])
        known["rows"] = tuple(tuple(row) for row in known["rows"])
        return Plan(**known)


def make_plan(study: Study, outputs: Sequence[Output] | None = None) -> Plan:
    """The plan of a study, with the outputs it asks for unless some are given; finds out which there are by solving one
    of its cases on a coarse mesh.
    """
    outputs = _chosen(study) if outputs is None else outputs
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
        outputs=tuple(o.name for o in outputs),
        selectors=tuple(o.key for o in outputs),
        study=study.spec.model_dump(mode="json", exclude_none=True),
        digests=digests,
    )


def _behind(name: str, kind: str) -> str:
    """A root metric's name with a word behind its kind, before the place of roots that share a name."""
    found = parts(name)
    return f"{name}_{kind}" if found is None else found.other(f"{found.kind}_{kind}")


def save_plan(plan: Plan, directory: Path) -> None:
    """Write the plan into a directory of results."""
    atomic_write(directory / PLAN_FILE, json.dumps(plan.to_dict(), ensure_ascii=False))


def load_plan(directory: Path) -> Plan:
    """The plan of a directory of results. Raises InputError where there is none."""
    file = directory / PLAN_FILE
    try:
        raw = read_json(file)
    except FileNotFoundError:
        raise InputError(
            f"{directory}: holds no study ({PLAN_FILE} is missing); femsim sweep --out writes one"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: cannot be read ({error})") from None
    if not isinstance(raw, dict) or raw.get("femsim_study") != FORMAT:
        raise InputError(f"{file}: not a study of this version of femsim")
    try:
        plan = Plan.from_dict(raw)
        _check_plan(plan, raw.get("hash"))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        text = " ".join(str(error).split())[:200]
        raise InputError(f"{file}: not a study of this version of femsim ({printable(text)})") from None
    return plan


def _check_plan(plan: Plan, hash_: object) -> None:
    """Raise ValueError where a plan is not as femsim writes it."""
    width = len(plan.keys)
    texts = (
        plan.name,
        plan.case_name,
        plan.base,
        plan.version,
        *plan.keys,
        *plan.kinds,
        *plan.outputs,
        *plan.selectors,
    )
    if not all(isinstance(text, str) and "\0" not in text for text in texts):
        raise ValueError("a name is not a text")
    if (
        len(plan.kinds) != width
        or len(plan.selectors) != len(plan.outputs)
        or not set(plan.kinds) <= set(get_args(Kind))
    ):
        raise ValueError("its keys and outputs do not agree")
    if any(len(row) != width for row in plan.rows) or not plan.rows:
        raise ValueError("its rows are not as long as its keys")
    if not all(isinstance(table, dict) for table in (plan.data, plan.study, plan.digests)):
        raise ValueError("its case or study is not a table")
    if plan.hash != hash_:
        raise ValueError("it was changed since it was written")
    StudyFile.model_validate(plan.study, strict=False)


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


def outputs_named(study: Study, texts: Mapping[str, str]) -> dict[str, list[Output]]:
    """The outputs that each text (by the key of the study it stands under) means, patterns expanded.

    Raises InputError for one that means none.
    """
    known = {o.key: o for trial in _root_outputs(study) for o in trial}
    documents = _documents(study)
    if any("*" in text or not find(text, list(known.values())) for text in texts.values()):
        known |= {o.key: o for o in next(documents, [])}
    while not all(find(text, list(known.values())) for text in texts.values()):
        more = next(documents, None)
        if more is None:
            break
        known |= {o.key: o for o in more}
    result = {}
    for label, text in texts.items():
        result[label] = find(text, list(known.values()))
        if not result[label]:
            names = [t for o in known.values() for t in dict.fromkeys((o.name, o.path))]
            hint = nearest(text, names) or f"; e.g. {next(iter(names), 'post_root.peel.5um')}"
            raise InputError(f"{study.file}: {label}: {text!r} is not a number in the JSON of solve{hint}")
    return result


def _chosen(study: Study) -> list[Output]:
    """The outputs a study asks for; by default the averages at the roots of the cases tried."""
    chosen = study.spec.study.outputs
    if chosen is None:
        return _default(study, _root_outputs(study))
    found = outputs_named(study, {f"study.outputs.{i}": text for i, text in enumerate(chosen)})
    return list({o.key: o for meant in found.values() for o in meant}.values())


def _default(study: Study, trials: Sequence[Sequence[Output]]) -> list[Output]:
    """The averages that every case tried has; a word about those that only some have."""
    found = {o.key: o for trial in trials for o in trial if not o.key.split(".")[-2].endswith("_error")}
    common = [o for o in found.values() if all(any(o.key == other.key for other in trial) for trial in trials)]
    if not common:
        why = "no average fits all its cases; set metrics.length" if found else "the case has no roots"
        raise InputError(f"{study.file}: study.outputs: missing, and there is no default: {why}")
    left = [o.name for o in found.values() if o not in common]
    if left:
        shown = ", ".join(left[:4]) + (", ..." if len(left) > 4 else "")
        warnings.warn(f"{study.file}: not in the dataset, since some cases lack them: {shown}", FemsimWarning, 2)
    return common


def _root_outputs(study: Study) -> list[list[Output]]:
    """The root metrics of each case tried, found without solving."""
    from femsim.builders.build import averaging_lengths, build_layout, discretise
    from femsim.cases.own import conducts_only
    from femsim.measures.averages import KINDS, lengths_at

    cases = study.samples_of_case
    trials: list[list[Output]] = []
    for case in cases[:1] if isinstance(cases[0], MeshCase) else cases:
        if conducts_only(case):
            trials.append([])
            continue
        try:
            layout = build_layout(case)
            roots = layout.roots if layout is not None else discretise(case, study.base).roots
        except InputError:
            continue
        averages = named((r.name, r.at, x) for r in roots for x in lengths_at(r, averaging_lengths(case)))
        kinds = [*KINDS, *(f"{kind}_error" for kind in KINDS)]
        trials.append([Output(a.name(k), a.key(k), a.path(k), math.nan) for a in averages for k in kinds])
    return trials


def _documents(study: Study) -> Iterator[list[Output]]:
    """Numbers in the documents of a few of the study's cases: on a coarse mesh first, which has nearly all of them,
    then as they are.
    """
    from femsim.cases.casefile import apply_overrides, parse_case
    from femsim.runs.rows import document_of, quietly

    attempts: list[Sequence[str]] = [["mesh.size=0.5", "mesh.growth=2.5"], []]
    for coarser in attempts if study.data.get("stack") != "mesh" else [[]]:
        for case in study.samples_of_case[:3]:
            try:
                data = case.model_dump(by_alias=True, exclude_none=True)
                if coarser:
                    data["mesh"].pop("tolerance", None)
                chosen = parse_case(apply_overrides(_lists(data), coarser), study.file) if coarser else case
                found = outputs_of(document_of(quietly(chosen, study.base)))
            except ToleranceError as error:
                found = outputs_of(document_of(error.run))
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
