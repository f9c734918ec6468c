"""The designs that a study has ranked: those it names, or its points of least magnitude."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from femsim.base.errors import InputError
from femsim.cases.casefile import parse_case
from femsim.cases.wording import dotted, first_finding
from femsim.runs.names import parts
from femsim.study.analysis import best, load_frame
from femsim.study.local import default_workers
from femsim.study.plan import outputs_named
from femsim.study.rank import Candidate, Ranking, candidate, rank
from femsim.study.schema import RankSpec
from femsim.study.store import Store
from femsim.study.studyfile import Study, load_study
from femsim.study.sweep import existing, local_engine, open_study, sweep

#: of the study's points, how many are looked at
BEST = 6
#: more points than this are to be swept first
MOST = 2_000

Say = Callable[[str], None]


@dataclass(frozen=True)
class Asked:
    """What is asked for beside the study's [rank]: its entries by name, None where nothing was said."""

    output: str | None = None
    best: int | None = None
    lots: str | None = None
    draws: int | None = None
    limit: float | None = None
    sd: float | None = None
    percentile: float | None = None

    def over(self, spec: RankSpec | None, file: str) -> RankSpec:
        """The table with these entries in place. Raises InputError for values it does not take."""
        from pydantic import ValidationError

        given = {key: value for key, value in vars(self).items() if value is not None}
        found: dict[str, Any] = {} if spec is None else spec.model_dump(exclude_none=True)
        if "sd" in given:
            found.pop("percentile", None)
        if "percentile" in given:
            found.pop("sd", None)
        if "best" in given:
            found["design"] = []
        try:
            return RankSpec.model_validate({**found, **given})
        except ValidationError as error:
            finding = first_finding(error, {**found, **given}, RankSpec)
            key = dotted(finding.path)
            where = f"--{key}" if key in given else f"{file}: rank.{key}" if key else f"{file}: rank"
            raise InputError(f"{where}: {finding.text}") from None


def rank_study(
    source: str | Path,
    data: str | Path | None = None,
    overrides: tuple[str, ...] = (),
    asked: Asked = Asked(),
    workers: int | None = None,
    say: Say = lambda text: None,
) -> Ranking:
    """Rank the designs of a study file (or a shipped study): those its [rank] names, else its points of least
    magnitude, taken from the dataset in ``data`` or, where there is none, swept here.

    Raises InputError for anything wrong before a design is solved.
    """
    study = load_study(source, overrides)
    spec = asked.over(study.spec.rank, study.file)
    output = _output(study, spec)
    count = workers or default_workers()
    if spec.design:
        if data is not None:
            raise InputError("--data: goes with the study's points; this study names its designs (rank.design)")
        base = parse_case(study.data, study.file)
        found = []
        for number, design in enumerate(spec.design):
            try:
                found.append(candidate(design.name, base, dict(_flat(design.values))))
            except InputError as error:
                raise InputError(f"{study.file}: rank.design.{number}: {error}") from None
        remarks: tuple[str, ...] = ()
    else:
        found, remarks = _points(study, source, data, overrides, spec, output, count, say)
    return rank(study.name, output, found, spec, study.base, count, say, remarks)


def _flat(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found = []
    for key, value in values.items():
        if isinstance(value, Mapping) and not prefix.startswith("materials."):
            found += _flat(value, f"{prefix}{key}.")
        else:
            found.append((f"{prefix}{key}", value))
    return found


def _output(study: Study, spec: RankSpec) -> str:
    """The name of the root average that is ranked."""
    wanted = spec.output
    if wanted is None:
        given = study.spec.study.outputs
        wanted = given[0] if given else "*.von_mises.*"
    found = outputs_named(study, {"rank.output": wanted})["rank.output"]
    name = found[0].name
    metric = parts(name)
    if metric is None or metric.kind.endswith("_error"):
        raise InputError(
            f"{study.file}: rank.output: {name} is no average at a root, as post_root.von_mises.5um; give one"
        )
    if spec.output is not None and len(found) > 1:
        raise InputError(f"{study.file}: rank.output: {wanted!r} stands for {len(found)} outputs; name one")
    return name


def _points(
    study: Study,
    source: str | Path,
    data: str | Path | None,
    overrides: tuple[str, ...],
    spec: RankSpec,
    output: str,
    workers: int,
    say: Say,
) -> tuple[list[Candidate], tuple[str, ...]]:
    """The study's points of least magnitude, and what is to be said of that."""
    if data is not None:
        return _least(existing(data), spec, output)
    if len(study.rows) > MOST:
        raise InputError(
            f"{study.file}: {len(study.rows):,} points are more than {MOST:,}; run femsim sweep first and give its "
            f"directory with --data, or name designs in [[rank.design]]"
        )
    with tempfile.TemporaryDirectory() as folder:
        say(f"sweeping {len(study.rows)} points")
        store = open_study(source, Path(folder) / "points", overrides)
        if output not in store.plan.outputs:
            raise InputError(f"{study.file}: rank.output: {output} is none of study.outputs; add it there")
        sweep(store, local_engine(workers), quiet=True)
        return _least(store, spec, output)


def _least(store: Store, spec: RankSpec, output: str) -> tuple[list[Candidate], tuple[str, ...]]:
    frame = load_frame(store)
    if output not in frame.outputs:
        raise InputError(f"rank.output: {output} is not in {store.directory}; there are: {', '.join(frame.outputs)}")
    count = spec.best or BEST
    chosen = best(frame, output, count)
    if len(chosen) < 2:
        raise InputError("rank: there is one design alone that was solved; two are needed")
    plan = frame.plan
    found = []
    for at in chosen:
        point = int(frame.points[at])
        row = plan.rows[point]
        found.append(Candidate(f"point {point}", dict(zip(plan.keys, row, strict=True)), plan.case(point)))
    total = int(np.sum(np.isfinite(frame.output(output))))
    if total == len(chosen):
        return found, ()
    said = f"of {total} points those {len(chosen)} were looked at whose magnitude without scatter is least (--best)"
    return found, (said,)
