"""The results of a study: one Parquet dataset, written in parts that appear whole, compacted into one file at the end.

    DIR/study.json         the plan: what was asked for
    DIR/parts/*.parquet    finished chunks, while the study runs
    DIR/results.parquet    all rows, once every point is done

A row is one point: its number, the parameters, the outputs, then status, error and seconds. Rows are idempotent: the
same point may be written twice (a task that ran again after a crash), and reading keeps one of them. Parts of another
study are refused.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from femsim.base.errors import InputError, printable
from femsim.base.files import atomic_write, parse_json
from femsim.study.plan import Plan, differences, load_plan, save_plan
from femsim.study.points import stored

RESULTS, PARTS, LOCK = "results.parquet", "parts", ".lock"
DONE, FAILED = "done", "failed"
#: how a point came by its factor, see reuse.py
REUSE = ("factor", "mesh", "none")
#: the columns that tell how far a study is
STATE = ("point", "status", "seconds")


@dataclass(frozen=True)
class Row:
    """What became of one point: its outputs, or the error text; wall time in s."""

    point: int
    outputs: tuple[float | None, ...]
    error: str | None
    seconds: float
    level: str | None = None  # of a study by reduced bases: fast, certified or full,
    errors: tuple[float | None, ...] = ()  # and the errors of its outputs, of reduction and mesh in turn

    @property
    def status(self) -> str:
        """``done`` or ``failed``."""
        return DONE if self.error is None else FAILED


@dataclass(frozen=True)
class State:
    """What a directory holds: the numbers of done and failed points, the mean time of a done one (s), re-use counts."""

    done: frozenset[int]
    failed: frozenset[int]
    seconds: float | None
    reuse: dict[str, int] = field(default_factory=dict)
    compacted: bool = False

    @property
    def finished(self) -> frozenset[int]:
        """Points that have a row."""
        return self.done | self.failed


Table: TypeAlias = Any  # pyarrow.Table: pyarrow has no types of its own


def arrow() -> Any:
    """pyarrow with its Parquet module, or one line on how to get it."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise InputError("sweeps need the package pyarrow: pip install pyarrow") from None
    return pyarrow


def schema(plan: Plan, reuse: dict[str, int] | None = None) -> Any:
    """Columns with their units, and the provenance of the dataset."""
    pa = arrow()
    types = {
        "number": pa.float64(),
        "integer": pa.int64(),
        "boolean": pa.bool_(),
        "text": pa.string(),
        "table": pa.string(),
    }

    def column(name: str, kind: Any, what: str) -> Any:
        return pa.field(name, kind, metadata={"unit": plan.unit(name), "what": what})

    fields = [column("point", pa.int64(), "number of the point, from 0")]
    fields += [column(k, types[kind], "parameter") for k, kind in zip(plan.keys, plan.kinds, strict=True)]
    fields += [column(o, pa.float64(), "output") for o in plan.outputs]
    fields += [column(e, pa.float64(), "error of an output") for e in plan.error_columns]
    if plan.reduced:
        fields += [
            column("level", pa.string(), "fast: by the reduced basis; certified: so, with bounds; full: solved in full")
        ]
    fields += [column("status", pa.string(), "done or failed"), column("error", pa.string(), "why it failed"),
               column("seconds", pa.float64(), "wall time of the point")]  # fmt: skip
    provenance = {
        "femsim": plan.version,
        "study": plan.name,
        "study_hash": plan.hash,
        "case": plan.case_name,
        "definition": json.dumps(plan.study, ensure_ascii=False),
        "case_data": json.dumps(plan.data, ensure_ascii=False),
        "units": json.dumps({f.name: plan.unit(f.name) for f in fields if plan.unit(f.name)}),
        "points": str(len(plan.rows)),
        "reuse": json.dumps(reuse or {}),
    }
    return pa.schema(fields, metadata=provenance)


def table_of(plan: Plan, rows: Sequence[Row], reuse: dict[str, int] | None = None) -> Table:
    """Rows as a table."""
    pa = arrow()
    columns: list[list[Any]] = [[row.point for row in rows]]
    for i, kind in enumerate(plan.kinds):
        columns.append([stored(plan.rows[row.point][i], kind) for row in rows])
    columns += [[row.outputs[i] if row.error is None else None for row in rows] for i in range(len(plan.outputs))]
    columns += [[row.errors[i] if row.errors else None for row in rows] for i in range(len(plan.error_columns))]
    if plan.reduced:
        columns += [[row.level for row in rows]]
    columns += [[row.status for row in rows], [row.error for row in rows], [row.seconds for row in rows]]
    layout = schema(plan, reuse)
    return pa.table([pa.array(c, type=f.type) for c, f in zip(columns, layout, strict=True)], schema=layout)


class Store:
    """The directory of one study."""

    def __init__(self, directory: str | Path, plan: Plan) -> None:
        self.directory = Path(directory)
        self.plan = plan

    @property
    def parts(self) -> Path:
        """Where finished chunks appear."""
        return self.directory / PARTS

    @property
    def results(self) -> Path:
        """The compacted dataset."""
        return self.directory / RESULTS

    @staticmethod
    def open(directory: str | Path, plan: Plan) -> Store:
        """Begin or go on with a study in a directory. Raises InputError where it holds another study, or cannot be
        written.
        """
        arrow()
        store = Store(directory, plan)
        path = store.directory
        try:
            if (path / "study.json").exists():
                old = load_plan(path)
                if old.hash != plan.hash:
                    found = differences(old, plan)
                    more = f" (and {len(found) - 3} more)" if len(found) > 3 else ""
                    raise InputError(
                        f"{path}: holds another study; it differs in {'; '.join(found[:3])}{more}; take another --out"
                    )
                store = Store(directory, old)
            else:
                if store.results.exists() or any(store.parts.glob("*.parquet")):
                    raise InputError(f"{path}: holds results but no study.json; take another --out")
                path.mkdir(parents=True, exist_ok=True)
                save_plan(plan, path)
            store.parts.mkdir(exist_ok=True)
            probe = store.parts / f".femsim-{secrets.token_hex(6)}"
            probe.write_bytes(b"?")
            probe.unlink()
        except OSError as error:
            raise InputError(f"--out: {path}: cannot be written ({(error.strerror or str(error)).lower()})") from None
        return store

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep a second sweep out of the directory; the lock ends with the process, however it ends."""
        try:
            import fcntl
        except ImportError:  # not on this system: idempotent rows keep the dataset whole anyway
            yield
            return
        with (self.directory / LOCK).open("a") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InputError(f"{self.directory}: another sweep is running there") from None
            except OSError:  # a file system without locks
                yield
                return
            yield

    def write(self, rows: Sequence[Row], reuse: dict[str, int] | None = None) -> Path | None:
        """Write one part: whole, on the disk, under its own name. Raises OSError where the disk is full or gone."""
        if not rows:
            return None
        name = f"part-{min(r.point for r in rows):08d}-{secrets.token_hex(6)}.parquet"
        path = self.parts / name
        atomic_write(path, to_bytes(table_of(self.plan, rows, reuse)))
        sync_directory(self.parts)
        return path

    def files(self) -> list[Path]:
        """The dataset's files: the compacted one first."""
        return [p for p in (self.results, *sorted(self.parts.glob("*.parquet"))) if p.exists()]

    def tables(self, columns: Sequence[str] | None = None) -> Iterator[tuple[Path, Table]]:
        """All readable files of this study, with their tables. A file of another study, or of another writer, is an
        error, an unreadable one is not there.
        """
        pa = arrow()
        for path in self.files():
            # of a part all is read, since it is taken away once its rows are in the compacted file
            wanted = list(columns) if columns is not None and path == self.results else None
            try:
                if pa.parquet.read_metadata(path).num_rows > len(self.plan.rows):
                    raise InputError(f"{path}: has more rows than the study has points; move it away")
                found = pa.parquet.read_table(path, columns=wanted, partitioning=None)
            except (OSError, pa.ArrowException, UnicodeDecodeError):  # the last of names in a damaged file
                continue
            self._check(path, found)
            yield path, found if columns is None else found.select(list(columns))

    def _check(self, path: Path, table: Table) -> None:
        """Raise InputError where a file does not hold what this study writes."""
        metadata = table.schema.metadata or {}
        if metadata.get(b"study_hash", b"").decode("utf-8", "replace") != self.plan.hash:
            raise InputError(f"{path}: belongs to another study; move it away")
        fault = self._fault(path, table)
        if fault:
            raise InputError(f"{path}: not as femsim writes it ({printable(fault)}); move it away")

    def _fault(self, path: Path, table: Table) -> str:
        """What of a file is not as this study writes it; empty where all is."""
        pa = arrow()
        known = {column.name: column.type for column in schema(self.plan)}
        wanted = STATE if path == self.results else known  # of the compacted file some columns may have been asked for
        for name in wanted:
            if name not in table.column_names:
                return f"no column {name!r}"
        for column in table.schema:
            if column.type != known.get(column.name):
                return f"column {column.name!r} is {column.type}, not {known.get(column.name)}"
        points, states = table["point"], table["status"]
        if points.null_count or states.null_count:
            return "a row without its number or status"
        ends = pa.compute.min_max(points).as_py()
        if len(points) and not 0 <= ends["min"] <= ends["max"] < len(self.plan.rows):
            return "a point that the study does not have"
        if not set(pa.compute.unique(states).to_pylist()) <= {DONE, FAILED}:
            return "a status that is neither done nor failed"
        try:
            reuse_of(table.schema.metadata or {})
        except ValueError as error:
            return f"its count of re-use {error}"
        return ""

    def state(self) -> State:
        """Which points have a row, and what they cost."""
        status: dict[int, str] = {}
        total, count, reuse, compacted = 0.0, 0, dict.fromkeys(REUSE, 0), False
        for path, table in self.tables(STATE):
            compacted = compacted or path == self.results
            for key, value in reuse_of(table.schema.metadata or {}).items():
                reuse[key] = reuse.get(key, 0) + value
            for point, state, seconds in zip(
                *(table[c].to_pylist() for c in ("point", "status", "seconds")), strict=True
            ):
                if status.get(point) != DONE:
                    status[point] = state
                if state == DONE:
                    total, count = total + (seconds or 0.0), count + 1
        done = frozenset(p for p, s in status.items() if s == DONE)
        return State(done, frozenset(status) - done, total / count if count else None, reuse, compacted)

    def read(self) -> Table:
        """All rows, one for each point that has one, in the order of the points. Done rows win over failed ones."""
        pa = arrow()
        found = [table for _, table in self.tables()]
        if not found:
            return schema(self.plan).empty_table()
        whole = pa.concat_tables([t.replace_schema_metadata(None) for t in found]).combine_chunks()
        failed = pa.compute.cast(pa.compute.not_equal(whole["status"], DONE), pa.int8())
        whole = whole.append_column("\0failed", failed)
        order = pa.compute.sort_indices(whole, sort_keys=[("point", "ascending"), ("\0failed", "ascending")])
        points = whole["point"].to_numpy()[order.to_numpy()]
        first = [True, *(points[1:] != points[:-1])]
        keep = pa.array([int(i) for i, f in zip(order.to_numpy(), first, strict=True) if f], type=pa.int64())
        result = whole.take(keep).drop_columns(["\0failed"])
        return result.cast(schema(self.plan, self.state().reuse))

    def written(self, points: Sequence[int]) -> frozenset[int]:
        """Which of these points stand in a part that begins with the smallest of them."""
        found: set[int] = set()
        for path in self.parts.glob(f"part-{min(points):08d}-*.parquet"):
            with contextlib.suppress(OSError, KeyError, UnicodeDecodeError, arrow().ArrowException):
                found.update(
                    arrow().parquet.read_table(path, columns=["point"], partitioning=None)["point"].to_pylist()
                )
        return frozenset(found & set(points))

    def missing(self, state: State, retry_failed: bool = False) -> list[int]:
        """Points without a row; with ``retry_failed`` those that failed, too."""
        known = state.done if retry_failed else state.finished
        return [i for i in range(len(self.plan.rows)) if i not in known]

    def compact(self) -> Path:
        """One file of all rows, then the parts go. Raises InputError where the disk does not take it; the parts stay
        then.
        """
        parts = [path for path, _ in self.tables(STATE) if path != self.results]
        try:
            if parts or not self.results.exists():
                atomic_write(self.results, to_bytes(self.read()))
                sync_directory(self.directory)
            for path in parts:
                path.unlink(missing_ok=True)
            for stale in self.parts.glob(".femsim-*"):
                stale.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                self.parts.rmdir()
        except OSError as error:
            raise InputError(
                f"{self.results}: cannot be written ({(error.strerror or str(error)).lower()}); no row is lost"
            ) from None
        return self.results


def reuse_of(metadata: dict[bytes, bytes]) -> dict[str, int]:
    """How points of a file came by their factors. Raises ValueError where the file says it in another way."""
    found = parse_json(metadata.get(b"reuse", b"{}"))
    if not isinstance(found, dict) or not all(isinstance(v, int) and 0 <= v < 2**53 for v in found.values()):
        raise ValueError("is not one number for each kind")
    return {str(key): int(value) for key, value in found.items() if key in REUSE}


def to_bytes(table: Table) -> bytes:
    """A Parquet file."""
    pa = arrow()
    stream = io.BytesIO()
    pa.parquet.write_table(table, stream, compression="zstd", row_group_size=65536)
    return stream.getvalue()


def to_csv(table: Table) -> str:
    """The rows as CSV text, numbers exact; missing values are empty."""
    import csv

    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(table.column_names)
    for batch in table.to_batches(max_chunksize=8192):
        columns: Iterable[list[Any]] = [c.to_pylist() for c in batch.columns]
        writer.writerows([["" if v is None else v for v in row] for row in zip(*columns, strict=True)])
    return stream.getvalue()


def sync_directory(path: Path) -> None:
    """Make a directory's new names outlive a power cut, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
