"""Studies: files and their faults, designs, the dataset, resuming, kills, and what points share."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

import femsim  # noqa: E402
from femsim.base.errors import InputError, NumericsError  # noqa: E402
from femsim.cases.casefile import load_case  # noqa: E402
from femsim.runs.names import outputs_of  # noqa: E402
from femsim.runs.results import results_dict  # noqa: E402
from femsim.runs.rows import document_of, evaluate, quietly  # noqa: E402
from femsim.runs.run import run  # noqa: E402
from femsim.runs.wanted import needed  # noqa: E402
from femsim.study.order import profitable_order  # noqa: E402
from femsim.study.store import Row, Store, to_csv  # noqa: E402
from femsim.study.studyfile import load_study  # noqa: E402
from femsim.study.sweep import existing, local_engine, open_study, sweep  # noqa: E402

COARSE = 'set = ["mesh.size=1", "mesh.growth=3"]'
PEEL = "post_root.peel.5um"


def write(path: Path, design: str, *parameters: str, more: str = "") -> Path:
    """A study of the bilayer case on a very coarse mesh."""
    tables = "\n".join(f"[[parameter]]\n{p}" for p in parameters)
    path.write_text(f'case = "bilayer"\n[study]\n{design}\n{COARSE}\n{tables}\n{more}\n')
    return path


def small(tmp_path: Path, count: int = 4) -> Path:
    """A grid in which four points each share a factor."""
    return write(
        tmp_path / "small.toml",
        'design = "grid"',
        f'key = "geometry.high_thickness"\nrange = [5, 45]\nsteps = {count}',
        'key = "materials.low.cte"\nvalues = [30, 50, 70, 90]',
    )


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "femsim", *arguments]


def same_rows(a: Path, b: Path) -> None:
    """Equal but for the wall times."""
    one, two = (pq.read_table(p / "results.parquet").drop_columns(["seconds"]) for p in (a, b))
    assert one.equals(two)


# ---------------------------------------------------------------- designs


def test_grid_is_the_product_in_order(tmp_path: Path) -> None:
    study = load_study(
        write(
            tmp_path / "s.toml",
            'design = "grid"',
            'key = "geometry.ratio"\nrange = [1, 100]\nsteps = 3\nscale = "log"',
            'key = "materials.post"\nvalues = ["copper", "gold"]',
        )
    )
    assert study.rows == (
        (1.0, "copper"),
        (1.0, "gold"),
        (10.0, "copper"),
        (10.0, "gold"),
        (100.0, "copper"),
        (100.0, "gold"),
    )


@pytest.mark.parametrize("design", ["sobol", "lhs", "random"])
def test_random_designs_fill_the_range_and_repeat(tmp_path: Path, design: str) -> None:
    text = f'design = "{design}"\nsamples = 64\nseed = 3'
    study = load_study(
        write(
            tmp_path / "s.toml",
            text,
            'key = "geometry.ratio"\nrange = [3.5, 8]',
            'key = "materials.low.E"\nrange = [0.5, 4]',
        )
    )
    again = load_study(tmp_path / "s.toml")
    x = np.array(study.rows)
    assert study.rows == again.rows
    assert np.all((x >= [3.5, 0.5]) & (x <= [8, 4]))
    assert np.allclose(x.mean(axis=0), [5.75, 2.25], rtol=0.12)


def test_distributions_have_their_moments(tmp_path: Path) -> None:
    study = load_study(
        write(
            tmp_path / "s.toml",
            'design = "sobol"\nsamples = 4096',
            'key = "materials.low.cte"\ndistribution = "normal"\nmean = 50\nsd = 5',
            'key = "materials.low.E"\ndistribution = "lognormal"\nmean = 2.5\nsd = 0.5',
            'key = "geometry.high_thickness"\ndistribution = "triangular"\nrange = [5, 45]\nmode = 10',
            'key = "materials.high.cte"\ndistribution = "normal"\nmean = 10\nsd = 50\nrange = [5, 13]',
        )
    )
    x = np.array(study.rows)
    assert np.allclose(x.mean(axis=0)[:3], [50, 2.5, 20], rtol=5e-3)
    assert np.allclose(x.std(axis=0)[:2], [5, 0.5], rtol=2e-2)
    assert x[:, 3].min() >= 5
    assert x[:, 3].max() <= 13


def test_list_reads_numbers_names_and_tables(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text(
        'geometry.post_radius,materials.post,materials.low\n40,copper,"{ E = 2, nu = 0.3, cte = 40 }"\n45,gold,bcb\n'
    )
    study = load_study(write(tmp_path / "s.toml", 'design = "list"\nfile = "points.csv"'))
    assert study.keys == ("geometry.post_radius", "materials.post", "materials.low")
    assert study.rows == ((40, "copper", {"E": 2, "nu": 0.3, "cte": 40}), (45, "gold", "bcb"))
    store = open_study(tmp_path / "s.toml", tmp_path / "out")
    table = sweep(store, local_engine(1), quiet=True).results
    found = pq.read_table(table).to_pylist()
    assert [row["status"] for row in found] == ["done", "done"]
    assert json.loads(found[0]["materials.low"]) == {"E": 2, "nu": 0.3, "cte": 40}


# ---------------------------------------------------------------- faults


@pytest.mark.parametrize(
    ("design", "parameter", "words"),
    [
        ('design = "grid"', 'key = "geometry.high_thicknes"\nvalues = [1]', "geometry.high_thicknes: unknown key (did"),
        ('design = "grid"', 'key = "geometry.ratio"\nrange = [8, 3.5]\nsteps = 3', "parameter.0.range: [8, 3.5] is empty"),  # noqa: E501
        ('design = "grid"', 'key = "geometry.ratio"\nrange = [3, 3]\nsteps = 3', "parameter.0.range: [3, 3] is empty"),
        ('design = "grid"', 'key = "geometry.ratio"\nvalues = []', "parameter.0.values"),
        ('design = "grid"', 'key = "geometry.post_radius"\nrange = [-5, 40]\nsteps = 3', "range: geometry.post_radius: -5 is not > 0"),  # noqa: E501
        ('design = "grid"', 'key = "geometry.post_radius"\nrange = [20, 200]\nsteps = 3', "200 is not < cell_radius"),
        ('design = "grid"', 'key = "materials.low.nu"\nrange = [0.3, 0.5]\nsteps = 3', "0.5 is not between -1 and 0.5"),
        ('design = "grid"', 'key = "materials.post"\nvalues = ["copper", ' '"coper"]', "no material 'coper' in the library (did"),  # noqa: E501
        ('design = "grid"', 'key = "materials.lo.cte"\nvalues = [1]', "parameter.0.key"),
        ('design = "grid"', 'key = "not a key"\nvalues = [1]', "is not a key"),
        ('design = "grid"', 'key = "geometry.ratio"\nrange = [3, 4]', "steps is missing"),
        ('design = "sobol"', 'key = "geometry.ratio"\nrange = [3, 4]', "study.samples: missing"),
        ('design = "soboll"\nsamples = 4', 'key = "geometry.ratio"\nrange = [3, 4]', "did you mean 'sobol'?"),
        ('design = "sobol"\nsamples = 4', 'key = "geometry.ratio"\nrange = [3, 4]\nstep = 4', "unknown key (did you mean 'st"),  # noqa: E501
        ('design = "sobol"\nsamples = 4\noutputs = ' '["metrics.roots.post_root[0].peal"]', 'key = "geometry.ratio"\nvalues = [4]', "did"),  # noqa: E501
        ('design = "sobol"\nsamples = 4\nfile = "x.csv"', 'key = "geometry.ratio"\nrange = [3, 4]', "goes with design = list"),  # noqa: E501
        ('design = "sobol"\nsamples = 0', 'key = "geometry.ratio"\nrange = [3, 4]', "study.samples: 0 is not >= 1"),
        ('design = "sobol"\nsamples = 4', 'key = "geometry.ratio"\nrange = [0, 4]\nscale = "log"', "0 is not > 0"),
        ('design = "list"\nfile = "none.csv"', "", "none.csv: no such file"),
    ],
)  # fmt: skip
def test_faults_of_a_study_are_one_line(tmp_path: Path, design: str, parameter: str, words: str) -> None:
    path = write(tmp_path / "bad.toml", design, *([parameter] if parameter else []))
    with pytest.raises(InputError) as caught:
        open_study(path, tmp_path / "out")
    text = str(caught.value)
    assert words in text
    assert str(path) in text
    assert "\n" not in text
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x89PNG\r\n\x1a\n\xff\xfe", "not UTF-8"),
        (b"This is a letter, not a table.\nIt has lines,\nof many, many kinds.\n", "is not a key of the case"),
        (b"geometry.ratio\n", "at least one row"),
        (b"", "at least one row"),
        (b"geometry.ratio,geometry.post_radius\n4\n", "line 2: 1 entries where the header has 2"),
        (b"geometry.ratio\nwide\n", "no row is a case"),
        (b"geometry.rat\n4\n", "unknown key (did you mean 'ratio'?)"),
        (b"geometry.ratio,geometry.ratio\n4,5\n", "given twice"),
    ],
)
def test_a_text_file_for_a_csv_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "points.csv").write_bytes(content)
    with pytest.raises(InputError) as caught:
        load_study(write(tmp_path / "s.toml", 'design = "list"\nfile = "points.csv"'))
    assert words in str(caught.value)


def test_two_keys_that_exclude_each_other_are_refused(tmp_path: Path) -> None:
    path = write(
        tmp_path / "s.toml",
        'design = "grid"',
        'key = "geometry.low_thickness"\nvalues = [60]',
        'key = "geometry.ratio"\nvalues = [4]',
    )
    with pytest.raises(InputError, match="vary one of them"):
        load_study(path)


# ---------------------------------------------------------------- the dataset


def test_rows_are_those_of_single_runs_whoever_reuses_what(tmp_path: Path) -> None:
    store = open_study(small(tmp_path), tmp_path / "out")
    outcome = sweep(store, local_engine(2), csv=True, quiet=True)
    assert outcome.state.reuse["factor"] >= 8
    table = pq.read_table(outcome.results)
    assert table.column_names == [
        "point", "geometry.high_thickness", "materials.low.cte",
        *(f"post_root.{m}.{length}um" for length in (5, 1) for m in ("peel", "shear", "von_mises")), "status", "error", "seconds",  # noqa: E501
    ]  # fmt: skip
    assert table["point"].to_pylist() == list(range(16))
    for row in (table.to_pylist()[i] for i in (0, 7, 15)):
        case, _ = load_case("bilayer", ["mesh.size=1", "mesh.growth=3", f"geometry.high_thickness={row['geometry.high_thickness']!r}",  # noqa: E501
                                        f"materials.low.cte={row['materials.low.cte']!r}"])  # fmt: skip
        single = {o.name: o.value for o in outputs_of(results_dict(run(case)))}
        for name in table.column_names[3:-3]:
            assert row[name] == pytest.approx(single[name], rel=1e-9)
    meta = table.schema.metadata
    assert meta[b"case"] == b"bilayer"
    assert json.loads(meta[b"units"])[PEEL] == "MPa"
    assert table.schema.field("materials.low.cte").metadata[b"unit"] == b"ppm/K"
    lines = (tmp_path / "out" / "results.csv").read_text().splitlines()
    assert len(lines) == 17
    assert lines[0].split(",") == table.column_names


def test_opens_in_pandas_polars_and_duckdb(tmp_path: Path) -> None:
    out = tmp_path / "out"
    sweep(open_study(small(tmp_path, 2), out), local_engine(1), quiet=True)
    file = str(out / "results.parquet")
    pandas = pytest.importorskip("pandas")
    assert len(pandas.read_parquet(file)) == 8
    polars = pytest.importorskip("polars")
    assert polars.read_parquet(file).height == 8
    duckdb = pytest.importorskip("duckdb")
    assert duckdb.sql(f"select count(*) from '{file}' where status = 'done'").fetchall() == [(8,)]


def test_failed_points_are_rows_with_their_error(tmp_path: Path) -> None:
    path = write(
        tmp_path / "s.toml",
        'design = "grid"',
        'key = "geometry.post_radius"\nvalues = [40, 60]',
        'key = "geometry.cell_radius"\nvalues = [50, 150]',
    )
    outcome = sweep(open_study(path, tmp_path / "out"), local_engine(1), quiet=True)
    rows = pq.read_table(outcome.results).to_pylist()
    assert [row["status"] for row in rows] == ["done", "done", "failed", "done"]
    assert rows[2]["error"] == "geometry.post_radius: 60 is not < cell_radius (50)"
    assert rows[2][PEEL] is None
    before = (tmp_path / "out" / "results.parquet").read_bytes()
    assert sweep(open_study(path, tmp_path / "out"), local_engine(1), quiet=True).ran == 0
    assert (tmp_path / "out" / "results.parquet").read_bytes() == before
    assert sweep(open_study(path, tmp_path / "out"), local_engine(1), retry_failed=True, quiet=True).ran == 1
    assert (
        pq.read_table(outcome.results)
        .drop_columns(["seconds"])
        .equals(pa.Table.from_pylist(rows, pq.read_schema(outcome.results)).drop_columns(["seconds"]))
    )


def test_a_changed_study_is_refused_with_the_difference(tmp_path: Path) -> None:
    out = tmp_path / "out"
    sweep(open_study(small(tmp_path, 2), out), local_engine(1), quiet=True)
    before = (out / "results.parquet").read_bytes()
    with pytest.raises(InputError, match=r"holds another study; it differs in study\.parameter\.0\.steps: 2 -> 3"):
        open_study(small(tmp_path, 3), out)
    assert (out / "results.parquet").read_bytes() == before
    assert open_study(small(tmp_path, 2), out).plan.rows  # windows, names and a second look change nothing


def test_outputs_by_path_pattern_and_errors(tmp_path: Path) -> None:
    design = (
        'design = "grid"\noutputs = ["metrics.roots.post_root[0].peel*", "metrics.regions.post.energy", '
        '"probes.tip.u[1]", "mesh.dofs"]'
    )
    outcome = sweep(
        open_study(
            write(tmp_path / "s.toml", design, 'key = "materials.low.cte"\nvalues = [50, 60]'), tmp_path / "out"
        ),
        local_engine(1),
        quiet=True,
    )
    table = pq.read_table(outcome.results)
    assert table.column_names[2:-3] == [
        PEEL,
        "post_root.peel_error.5um",
        "metrics.regions.post.energy",
        "probes.tip.u[1]",
        "mesh.dofs",
    ]
    a, b = table.to_pylist()
    assert a[PEEL] != b[PEEL]
    assert 0 < a["post_root.peel_error.5um"] < abs(a[PEEL])


# ---------------------------------------------------------------- what points share


def test_shares_are_decided_on_resolved_materials() -> None:
    coarse = ["mesh.size=1", "mesh.growth=3"]
    outputs = [PEEL]

    def case(*more: str):
        return load_case("bilayer", [*coarse, *more])[0]

    first = evaluate(case(), None, outputs)
    assert first.run.reused == "none"
    cooler = evaluate(case("load.temperature=0"), None, outputs, first.run)
    assert cooler.run.reused == "factor"
    assert cooler.values == evaluate(case("load.temperature=0"), None, outputs).values
    assert evaluate(case("materials.low.cte=60"), None, outputs, first.run).run.reused == "factor"
    stiffer = evaluate(case("materials.low.E=3"), None, outputs, first.run)
    assert stiffer.run.reused == "mesh"
    assert stiffer.values == evaluate(case("materials.low.E=3"), None, outputs).values
    assert evaluate(case("geometry.ratio=5"), None, outputs, first.run).run.reused == "none"
    table = "materials.low.E={ T = [0, 150], value = [3, 1] }"
    hot = evaluate(case(table), None, outputs)
    cold = evaluate(case(table, "load.temperature=0"), None, outputs, hot.run)
    assert cold.run.reused == "mesh"  # the modulus changes with the temperature: no common factor
    assert cold.values == evaluate(case(table, "load.temperature=0"), None, outputs).values


BLOCKS = """
stack = "blocks"
block = [{ name = "chip", x = [0, 100], y = [-50, 0], material = "silicon" },
         { name = "resin", x = [0, 100], y = [0, 40], material = "polyimide" },
         { name = "via", x = [0, 20], y = [0, 40], material = "copper" }]
root = [{ name = "foot", at = [20, 0], region = "via" }]
boundary = [{ point = [0, -50], u_x = 0, u_y = 0 }, { point = [0, 0], u_x = 0 }]
probe = [{ name = "inside", at = [50, 20] }]
corner = [{ name = "edge", at = [100, 0] }]
crack = [{ root = "foot", length = 4 }]
model = { kinematics = "generalized-plane-strain" }
[load]
stress_free_temperature = 150
temperature = 25
"""
STACKS = ("bilayer", "staggered", "flipchip", "rewired-chip")
#: a case of every stack that has every part a result can have
WHOLE = {
    "bilayer": ["crack.0.root=post_root", "crack.0.length=5", "corner.0.name=edge", "corner.0.at=[150, 0]"],
    "staggered": ["metrics.length=5"],
    "flipchip": ["metrics.length=2"],
    "rewired-chip": ["mesh.tolerance=0.3", "probe.0.name=p", "probe.0.at=[50, 30]"],
    "le11": [],
    "blocks": [],
    "heated": [
        "load.temperature=heat",
        'heat.source=[{ name = "die", region = "chip", power = 0.02 }]',
        "heat.boundary=[{ z = -300, h = 1e4 }]",
        "materials.low.E={ T = [0, 150], value = [3, 1] }",
    ],
    "steps": ['step=[{ name = "cool", temperature = 25 }, { name = "cold", temperature = -40 }]', "mesh.size=1"],
    "in space": ["model.kinematics=3d", "model.element=hex8", "mesh.size=5", "mesh.growth=3"],
    "harmonic": ["harmonic=[{ n = 1, z = 90, u_r = 1.0, u_t = -1.0 }]", "metrics.length=5"],
    "conduction": ["block.0.material={ conductivity = 148 }", "root=[]", "corner=[]", "crack=[]", "boundary=[]",
                   "block.1.material={ conductivity = 0.2 }", "block.2.material={ conductivity = 390 }",
                   'heat={ source = [{ region = "chip", power = 0.01 }], boundary = [{ y = 40, h = 1e5 }] }'],
}  # fmt: skip


@pytest.mark.parametrize("name", WHOLE)
def test_every_output_of_solve_is_that_of_a_row(name: str, tmp_path: Path) -> None:
    (tmp_path / "blocks.toml").write_text(BLOCKS)
    own = {"blocks": tmp_path / "blocks.toml", "conduction": tmp_path / "blocks.toml", "le11": "le11"}
    source = own.get(name, name if name in STACKS else "bilayer")
    coarse = ["mesh.size=0.5", "mesh.growth=2.5"] if name != "le11" else []
    given = [*coarse, *WHOLE[name]]
    case, origin = load_case(source, given)
    single = {o.name: o.value for o in outputs_of(document_of(quietly(case, origin.base)))}
    outputs = [path for path in single if not path.startswith("timing.")]
    before = evaluate(load_case(source, [*given, "load.stress_free_temperature=140"])[0], origin.base, outputs[:1])
    row = evaluate(case, origin.base, outputs, before.run)
    reused = getattr(row.run, "reused", "none")
    assert reused in (("none",) if case.mesh.tolerance or name in ("conduction", "steps") else ("factor", "mesh"))
    # what is measured alone is measured alike
    each = {next(iter(needed([path])), ""): path for path in outputs if name in ("bilayer", "le11", "heated")}
    alone = {path: evaluate(case, origin.base, [path], before.run).values[0] for path in each.values()}
    for path, value in [*zip(outputs, row.values, strict=True), *alone.items()]:
        assert value == pytest.approx(single[path], rel=1e-8, abs=1e-9), path


def test_an_output_that_a_point_lacks_is_a_failed_point() -> None:
    case, _ = load_case("bilayer", ["mesh.size=1", "mesh.growth=3"])
    with pytest.raises(InputError, match=r"post_root\[2\]\.peel: the results of this point have no such number"):
        evaluate(case, None, ["metrics.roots.post_root[2].peel"])


def test_the_tolerance_of_a_case_holds_in_its_rows() -> None:
    case, _ = load_case("bilayer", ["mesh.tolerance=0.1", "mesh.limit=3000"])
    with pytest.raises(NumericsError, match="is not met"):
        evaluate(case, None, [PEEL])


def test_the_order_puts_sharing_points_together() -> None:
    keys = ("load.temperature", "geometry.ratio", "materials.low.E")
    rows = [(t, r, e) for t in (25, 0) for e in (1.0, 2.0) for r in (4, 5)]
    order = profitable_order(keys, rows, range(8))
    assert sorted(order) == list(range(8))
    geometry = [rows[p][1] for p in order]
    assert sum(a != b for a, b in itertools.pairwise(geometry)) == 1
    stiffness = [rows[p][1:] for p in order]
    assert sum(a != b for a, b in itertools.pairwise(stiffness)) == 3


# ---------------------------------------------------------------- kills


def descendants(pid: int) -> list[int]:
    """Processes below one, from /proc."""
    children = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
            if parent == pid:
                children += [int(entry.name), *descendants(int(entry.name))]
    return children


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds worker processes in /proc")
def test_random_kills_lose_nothing(tmp_path: Path) -> None:
    study = small(tmp_path, 40)
    quiet = tmp_path / "quiet"
    sweep(open_study(study, quiet), local_engine(1), quiet=True)
    random, out, kills = np.random.default_rng(5), tmp_path / "killed", 0
    code = -9
    while code == -9:
        process = subprocess.Popen(
            command("sweep", str(study), "--out", str(out), "--quiet", "--workers", "2"), stdout=subprocess.DEVNULL
        )
        while process.poll() is None:
            time.sleep(float(random.uniform(0.2, 2.0)))
            victims = [process.pid, *descendants(process.pid)]
            if kills < 8 and process.poll() is None:
                os.kill(int(random.choice(victims)), signal.SIGKILL)
                kills += 1
        code = process.wait()
    assert code == 0
    assert kills >= 3
    same_rows(quiet, out)
    assert not (out / "parts").exists()


def test_a_point_that_kills_its_worker_three_times_becomes_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison = tmp_path / "site" / "sitecustomize.py"
    poison.parent.mkdir()
    poison.write_text(
        "import os, sys\n"
        "if 'femsim.cli.study worker' in ' '.join(sys.orig_argv):\n"
        "    import femsim.study.plan as plan\n"
        "    whole = plan.Plan.case\n"
        "    plan.Plan.case = lambda self, i: os.kill(os.getpid(), 9) if i == 5 else whole(self, i)\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(poison.parent), os.environ.get("PYTHONPATH", "")]))
    outcome = sweep(open_study(small(tmp_path, 2), tmp_path / "out"), local_engine(2), quiet=True)
    rows = pq.read_table(outcome.results).to_pylist()
    assert [row["point"] for row in rows if row["status"] == "failed"] == [5]
    assert "worker ended 3 times at this point (killed by signal 9" in rows[5]["error"]
    assert all(row[PEEL] is not None for row in rows if row["point"] != 5)


def test_an_interrupt_keeps_what_is_done_and_the_next_run_goes_on(tmp_path: Path) -> None:
    study, out = small(tmp_path, 40), tmp_path / "out"
    process = subprocess.Popen(
        command("sweep", str(study), "--out", str(out), "--quiet", "--workers", "1"), stderr=subprocess.PIPE, text=True
    )
    for _ in range(600):
        if list((out / "parts").glob("*.parquet")):
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, text = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in text
    store = existing(out)
    done = len(store.state().finished)
    assert 0 < done < 160
    outcome = sweep(open_study(study, out), local_engine(1), quiet=True)
    assert outcome.ran == 160 - done
    assert pq.read_table(outcome.results)["point"].to_pylist() == list(range(160))


# ---------------------------------------------------------------- the store


def _store(tmp_path: Path) -> Store:
    return open_study(small(tmp_path, 2), tmp_path / "out")


def _row(point: int, value: float = 1.0, error: str | None = None) -> Row:
    return Row(point, (value,) * 6, error, 0.1)


def test_a_point_written_twice_is_one_row_and_done_wins(tmp_path: Path) -> None:
    store = _store(tmp_path)
    store.write([_row(0), _row(1, error="killed")])
    store.write([_row(1), _row(0)])
    store.write([_row(1, error="killed")])
    assert store.read()["point"].to_pylist() == [0, 1]
    assert store.read()["status"].to_pylist() == ["done", "done"]
    assert store.missing(store.state()) == [2, 3, 4, 5, 6, 7]


def test_torn_and_foreign_parts(tmp_path: Path) -> None:
    store = _store(tmp_path)
    part = store.write([_row(0)])
    assert part is not None
    (store.parts / "part-torn.parquet").write_bytes(part.read_bytes()[:200])
    (store.parts / ".femsim-half").write_bytes(b"PAR1")
    assert store.read()["point"].to_pylist() == [0]
    other = open_study(small(tmp_path, 3), tmp_path / "other")
    foreign = other.write([_row(0)])
    assert foreign is not None
    (store.parts / "part-foreign.parquet").write_bytes(foreign.read_bytes())
    with pytest.raises(InputError, match="belongs to another study"):
        store.state()


def test_a_second_sweep_in_the_same_directory_is_refused(tmp_path: Path) -> None:
    store = _store(tmp_path)
    with store.locked(), pytest.raises(InputError, match="another sweep is running"), _store(tmp_path).locked():
        pass


def test_csv_keeps_numbers_exactly(tmp_path: Path) -> None:
    store = _store(tmp_path)
    store.write([_row(0, 0.1 + 0.2), _row(1, error='not "this", that')])
    lines = to_csv(store.read()).splitlines()
    assert "0.30000000000000004" in lines[1]
    assert '"not ""this"", that"' in lines[2]


def test_a_disk_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("x")
    with pytest.raises(InputError, match="cannot be written"):
        open_study(small(tmp_path, 2), blocked / "out")


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system")
def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True, check=False
    ).returncode:
        pytest.skip("cannot mount a small file system here")
    try:
        study = small(tmp_path, 12)
        done = subprocess.run(
            command("sweep", str(study), "--out", str(disk / "out"), "--quiet"),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2
        assert "no space left" in done.stderr
        assert len(done.stderr.splitlines()) == 1
        before = len(existing(disk / "out").state().finished)
        subprocess.run(["mount", "-o", "remount,size=10m", str(disk)], check=True)
        outcome = sweep(open_study(study, disk / "out"), local_engine(1), quiet=True)
        assert outcome.ran == 48 - before
        assert outcome.failed == 0
    finally:
        subprocess.run(["umount", str(disk)], check=False)


def test_a_sweep_that_is_complete_leaves_no_parts_behind(tmp_path: Path) -> None:
    """As after a kill between the renaming of the results and the end: the next run finds all rows and tidies up."""
    study, out = small(tmp_path, 2), tmp_path / "out"
    sweep(open_study(study, out), local_engine(1), quiet=True)
    before = (out / "results.parquet").read_bytes()
    (out / "parts").mkdir()
    (out / "parts" / ".femsim-left").write_bytes(b"?")
    sweep(open_study(study, out), local_engine(1), quiet=True)
    assert not (out / "parts").exists()
    assert (out / "results.parquet").read_bytes() == before


#: what Windows has not, taken away before anything is imported
BARE = """
import os, select, signal, sys
for name in ("fcntl", "resource", "termios", "pwd", "grp"):
    sys.modules[name] = None
for module, names in (
    (os, "set_blocking sysconf getuid geteuid sched_getaffinity killpg getpgid mkfifo O_DIRECTORY statvfs fchmod"),
    (signal, "SIGHUP SIGKILL SIGALRM SIGPIPE SIGUSR1 SIGUSR2 SIGQUIT setitimer alarm"),
    (select, "poll epoll"),
):
    for name in names.split():
        if hasattr(module, name):
            delattr(module, name)
"""


def test_a_system_without_posix(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(BARE)
    (tmp_path / "study.toml").write_text(
        'case = "bilayer"\n[study]\ndesign = "grid"\noutputs = ["post_root.peel.5um"]\n'
        '[[parameter]]\nkey = "geometry.ratio"\nvalues = [4, 8]\n'
    )
    root = Path(femsim.__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(root)])}
    given = ["study.toml", "--out", "out", "--set", "mesh.size=0.05", "--set", "mesh.growth=2", "--workers", "2"]
    done = subprocess.run(
        [sys.executable, "-m", "femsim", "sweep", *given], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "2 run" in done.stdout
