"""Input that is meant badly, or is merely odd: one clear line and exit code 2, never a traceback."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

import femsim
from femsim.base import files
from femsim.base.errors import InputError
from femsim.base.files import atomic_write, read_bytes, read_json, staged_directory
from femsim.cases.casefile import changed_case, load_case
from femsim.cli.main import main

SOURCE = str(Path(femsim.__file__).parents[1])
COARSE = ["--set", "mesh.size=1", "--set", "mesh.growth=3", "--quiet"]
STUDY = (
    'case = "bilayer"\n[study]\ndesign = "sobol"\nsamples = 2\nset = ["mesh.size=1", "mesh.growth=3"]\n'
    '[[parameter]]\nkey = "geometry.high_thickness"\nrange = [5, 45]\n'
)
pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes, limits and signals of a POSIX system")


def process(
    *argv: str, code: str = "", shell: str = 'exec "$@"', **options: object
) -> subprocess.CompletedProcess[str]:
    """The command line as the console script runs it, behind a piece of shell."""
    script = f"{code}\nimport sys\nfrom femsim.__main__ import main\nsys.exit(main())"
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        ["bash", "-c", shell, "bash", sys.executable, "-P", "-c", script, *argv],
        **{
            "env": {**os.environ, "PYTHONPATH": SOURCE, "OMP_NUM_THREADS": "1"},
            "capture_output": True,
            "text": True,
            "errors": "surrogateescape",
            "timeout": 120,
            **options,
        },
    )


def refused(capsys: pytest.CaptureFixture[str], argv: Sequence[str], *words: str, code: int = 2) -> str:
    """The one line of a refusal."""
    assert main(list(argv)) == code
    said = capsys.readouterr()
    assert said.out == ""
    lines = [line for line in said.err.splitlines() if not line.startswith("femsim: warning")]
    assert len(lines) == 1, said.err
    for word in words:
        assert word in lines[0], lines[0]
    return lines[0]


# ---------------------------------------------------------------- keys and values


@pytest.mark.parametrize(
    "key", ["#", "# x", "[a] #", "[[a]]", "a.b #", '""."" #', "a" * 2000, "a.", ".a", "a b", "é", "{}"]
)
def test_what_is_no_key(tmp_path: Path, capsys: pytest.CaptureFixture[str], key: str) -> None:
    """A comment or the head of a table is no key: in --set, in a study, in the header of a list."""
    if key != "a.b #":  # a key with a comment behind it is one
        refused(capsys, ["solve", "bilayer", "--set", f"{key}=1"], "--set", "is not a key")
    study = tmp_path / "s.toml"
    study.write_text(STUDY.replace('"geometry.high_thickness"', json.dumps(key)))
    refused(capsys, ["sweep", str(study), "--out", str(tmp_path / "o")], "parameter.0.key")
    study.write_text(STUDY.replace('"mesh.size=1"', json.dumps(f"{key}=1")))
    refused(capsys, ["sweep", str(study), "--out", str(tmp_path / "o")], "study.set")
    (tmp_path / "l.csv").write_text(f'"{key.replace(chr(34), chr(34) * 2)}"\n1\n')
    study.write_text('case = "bilayer"\n[study]\ndesign = "list"\nfile = "l.csv"\n')
    refused(capsys, ["sweep", str(study), "--out", str(tmp_path / "o")], "line 1")


@pytest.mark.parametrize("override", ["name=\udcff", 'name="a\\u0000b"', "materials.\udcff=1", 'materials."\\u0000"=1'])
def test_texts_that_no_file_can_hold(override: str) -> None:
    """Refused before the solve, which would be in vain."""
    with pytest.raises(InputError, match=r"not UTF-8 text|not text|not a key"):
        load_case("bilayer", [override])


def test_a_case_whose_file_name_is_not_utf8(tmp_path: Path) -> None:
    """The name of the case is that of its file; what no text can hold is replaced."""
    case = os.fsencode(tmp_path) + b"/a\xff.toml"
    text = load_case("bilayer")[1].path.read_text()
    Path(os.fsdecode(case)).write_text(re.sub(r"(?m)^name *=.*\n", "", text, count=1))
    done = process("solve", os.fsdecode(case), "--out", os.fsdecode(case + b".d"), *COARSE)
    assert (done.returncode, done.stderr) == (0, "")
    assert (Path(os.fsdecode(case + b".d")) / "report.html").exists()
    assert "a?:" in done.stdout


def test_control_characters_do_not_reach_the_terminal(tmp_path: Path) -> None:
    case = tmp_path / "case.toml"
    case.write_text(
        'name = "a\\u001b[31mRED"\nstack = "blocks"\n[load]\nstress_free_temperature = 150\ntemperature = 25\n'
        '[[block]]\nname = "chip\\u001b]0;title\\u0007\\nline"\nr = [0, 100]\nz = [-100, 0]\nmaterial = "silicon"\n'
        '[[boundary]]\npoint = [0, -100]\nu_z = 0\n[[probe]]\nname = "p\\u0001"\nat = [50, -50]\n[mesh]\nsize = 40\n'
    )
    done = process("solve", str(case), "--out", str(tmp_path / "o\x1b[31m"))
    assert done.returncode == 0, done.stderr
    text = done.stdout + done.stderr
    assert all(c.isprintable() or c == "\n" for c in text)
    assert "RED" in text
    assert "chip?]0;title??line " in text  # on one line of the table
    page = next(tmp_path.glob("o*/report.html")).read_text()
    assert not set(page) & set("\x00\x01\x07\x1b")


def test_the_stem_of_the_file_is_no_name_that_was_given(tmp_path: Path) -> None:
    text = re.sub(r"(?m)^name = .*\n", "", load_case("bilayer")[1].path.read_text(), count=1)
    (tmp_path / "own.toml").write_text(text)
    case, origin = load_case(tmp_path / "own.toml")
    assert (case.name, "name" in case.model_fields_set, "name" in origin.defaulted) == ("own", False, True)
    assert changed_case(case, {"load.temperature": 50}).name == "own"
    named, origin = load_case(tmp_path / "own.toml", ["name=mine"])
    assert (named.name, "name" in named.model_fields_set, "name" in origin.defaulted) == ("mine", True, False)


def test_lists_of_names_are_not_documented_as_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stacks", "bilayer"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.strip().startswith("goals ")]
    assert "a list of names" in line


# ---------------------------------------------------------------- studies


def test_a_key_in_two_spellings_is_one_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = tmp_path / "s.toml"
    again = "[[parameter]]\nkey = 'geometry.\"high_thickness\"'\nrange = [5, 45]\n"
    study.write_text(STUDY + again)
    refused(capsys, ["sweep", str(study), "--out", str(tmp_path / "o")], "parameter.1.key", "given twice")
    study.write_text(
        STUDY.replace("geometry.high_thickness", "probe.0.at")
        + again.replace('geometry."high_thickness"', "probe.00.at")
    )
    refused(capsys, ["sweep", str(study), "--out", str(tmp_path / "o")])
    (tmp_path / "l.csv").write_text('geometry.high_thickness,"geometry.""high_thickness"""\n10,20\n')
    study.write_text('case = "bilayer"\n[study]\ndesign = "list"\nfile = "l.csv"\n')
    refused(capsys, ["sweep", str(study), "--out", str(tmp_path / "o")], "column 2", "given twice")


@pytest.mark.parametrize("spread", ["mean = 1e-10\nsd = 1e200", "mean = 1e300\nsd = 1e-300", "mean = 1\nsd = 1e-200"])
def test_a_lognormal_distribution_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str], spread: str) -> None:
    study = tmp_path / "s.toml"
    study.write_text(STUDY.replace("range = [5, 45]", f'distribution = "lognormal"\n{spread}'))
    refused(capsys, ["sweep", str(study), "--out", str(tmp_path / "o")], "parameter.0.sd", "lognormal")


def test_a_window_whose_divisor_is_zero(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The quotient does not exist, so no design is inside; a key that the case lacks is named."""
    study = tmp_path / "s.toml"
    window = '[[window]]\nkey = "geometry.low_thickness / geometry.slope_height"\nrange = [1, 2]\n'
    goal = '[optimise]\nminimise = "metrics.roots.post_root[0].von_mises"\nevaluations = 10\n'
    study.write_text(STUDY + window + goal)
    refused(capsys, ["optimise", str(study)], "no design inside the windows", code=3)
    study.write_text(STUDY + window.replace("slope_height", "slop_height") + goal)
    refused(capsys, ["optimise", str(study)], "window.0.key", "'geometry.slop_height'")


@pytest.mark.parametrize("file", ["/dev/zero", "/dev/null", "fifo", "."])
def test_a_list_that_is_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    """Read with a limit and with patience: a device gives for ever, a pipe nothing."""
    monkeypatch.setattr("femsim.study.studyfile.MOST_BYTES", 1_000_000)
    monkeypatch.setattr(files, "PATIENCE", 0.2)
    os.mkfifo(tmp_path / "fifo")
    study = tmp_path / "s.toml"
    study.write_text(f'case = "bilayer"\n[study]\ndesign = "list"\nfile = "{file}"\n')
    refused(capsys, ["sweep", str(study), "--out", str(tmp_path / "o")], file)


def test_a_case_from_a_pipe_and_one_that_never_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = tmp_path / "case.toml"
    os.mkfifo(pipe)
    writer = subprocess.Popen(["cp", str(load_case("bilayer")[1].path), str(pipe)])
    assert load_case(pipe)[0].stack == "bilayer"
    assert writer.wait(10) == 0
    monkeypatch.setattr(files, "PATIENCE", 0.2)
    with pytest.raises(InputError, match="nothing came within"):
        load_case(pipe)
    with pytest.raises(InputError, match="larger than 4 MB"):
        load_case("/dev/zero")
    assert read_bytes("/dev/zero", 10) == bytes(11)


def test_a_window_of_levels_has_a_bin_for_each() -> None:
    """Twelve temperatures of a grid are twelve bins, with edges half-way between them, also on a logarithmic axis."""
    import numpy as np

    from femsim.study.analysis import Axis, bins_of, main_effect

    values = np.repeat(np.linspace(-40, 125, 12), 5)
    axis = Axis("load.temperature", "temperature", "degC", values, values, few=True)
    assert len(main_effect(axis, values)[0]) == 12
    index, middles, edges = bins_of(axis, 4)
    np.testing.assert_array_equal(middles[index], values)
    np.testing.assert_allclose(np.diff(edges), 15.0)
    decades = np.array([1.0, 10.0, 100.0])
    _, _, edges = bins_of(Axis("a", "a", "", decades, decades, log=True, few=True))
    np.testing.assert_allclose(edges, np.sqrt(10.0) ** np.array([-1, 1, 3, 5]))


# ---------------------------------------------------------------- datasets


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study of two points."""
    pytest.importorskip("pyarrow")
    where = tmp_path_factory.mktemp("study")
    (where / "s.toml").write_text(STUDY)
    assert main(["sweep", str(where / "s.toml"), "--out", str(where / "o"), "--quiet"]) == 0
    return where


@pytest.mark.parametrize(
    "harm", ["column", "seconds", "reuse", "reuse list", "deep", "status", "point", "rows", "other"]
)
def test_parts_of_other_writers_are_named(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], harm: str
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(dataset / "o" / "results.parquet")
    meta = dict(table.schema.metadata)
    if harm == "column":
        table = table.drop_columns(["seconds"])
    elif harm == "seconds":
        table = table.set_column(table.column_names.index("seconds"), "seconds", pa.array(["x", "y"]))
    elif harm in ("reuse", "reuse list", "deep"):
        meta[b"reuse"] = {"reuse": b"{,", "reuse list": b"[1]", "deep": b"[" * 100_000}[harm]
    elif harm == "status":
        table = table.set_column(table.column_names.index("status"), "status", pa.array(["done", "odd"]))
    elif harm == "point":
        table = table.set_column(0, table.schema.field(0), pa.array([0, 7], pa.int64()))
    elif harm == "rows":
        table = pa.concat_tables([table] * 3)
    elif harm == "other":
        meta[b"study_hash"] = b"\xff\xfe"
    copy = tmp_path / "o"
    (copy / "parts").mkdir(parents=True)
    (copy / "study.json").write_bytes((dataset / "o" / "study.json").read_bytes())
    pq.write_table(table.replace_schema_metadata(meta), copy / "parts" / "part-00000000-aa.parquet")
    for argv in (["sweep", str(dataset / "s.toml"), "--out", str(copy), "--quiet"], ["sweep-report", str(copy)]):
        refused(capsys, argv, "part-00000000-aa.parquet", "move it away")


@pytest.mark.parametrize("text", ["[" * 100_000, "{}", "\xff", "null", '{"femsim_study": 2}', "changed"])
def test_plans_that_are_none(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    plan = (dataset / "o" / "study.json").read_text()
    (tmp_path / "study.json").write_text(
        plan.replace("45.0", "46.0") if text == "changed" else text, encoding="latin-1"
    )
    refused(capsys, ["sweep-report", str(tmp_path)], "study.json")
    refused(capsys, ["sweep", str(dataset / "s.toml"), "--out", str(tmp_path)], "study.json")


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "../../x", "", 3])
def test_odd_names_in_earlier_metrics_are_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: object
) -> None:
    (tmp_path / "o").mkdir()
    (tmp_path / "x.png").write_text("mine")
    (tmp_path / "o" / "metrics.json").write_text(json.dumps({"report": {"figures": [{"name": name}]}}))
    assert main(["solve", "bilayer", *COARSE, "--out", str(tmp_path / "o")]) == 0
    assert (tmp_path / "x.png").read_text() == "mine"
    (tmp_path / "o" / "metrics.json").write_text("[" * 100_000)
    refused(
        capsys, ["report", str(tmp_path / "o")], "metrics.json", "nested too deeply"
    ) if capsys.readouterr() else None


@pytest.mark.parametrize("scheduler", ["text", "[]", "{}", '{"address": 3}', "[" * 100_000])
def test_a_scheduler_file_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str], scheduler: str) -> None:
    (tmp_path / "s.toml").write_text(STUDY)
    (tmp_path / "scheduler.json").write_text(scheduler)
    start = time.monotonic()
    dask = ["--engine", "dask", "--scheduler"]
    argv = ["sweep", str(tmp_path / "s.toml"), "--out", str(tmp_path / "o"), *dask]
    refused(capsys, [*argv, str(tmp_path / "scheduler.json")], "--scheduler", "scheduler's JSON file")
    refused(capsys, [*argv, "nowhere"], "--scheduler", "tcp://host:8786")
    assert time.monotonic() - start < 10


# ---------------------------------------------------------------- options and streams


@pytest.mark.parametrize(
    "argv",
    [
        ["solve", "bilayer", "--out", ""],
        ["mesh", "bilayer", "--to", ""],
        ["solve", ""],
        ["sweep", "", "--out", "x"],
        ["sweep", "s.toml", "--out", ""],
        ["sweep", "s.toml", "--profile", "", "--engine", "slurm"],
        ["report", ""],
        ["jobscript", "bilayer", "--out", ""],
        ["export", "bilayer", "", "--to", "abaqus"],
        ["path", "bilayer", "--start", "0,1", "--end", "1,1", "--csv", ""],
        ["compare", "bilayer", ""],
        ["compare", "bilayer", "--vary", ""],
        ["--log", "", "solve", "bilayer"],
    ],
)
def test_empty_names(capsys: pytest.CaptureFixture[str], argv: list[str]) -> None:
    refused(capsys, argv, "is empty")


@pytest.mark.parametrize("profile", ["3", '"text"', "[]", "true"])
def test_profiles_of_the_wrong_type(tmp_path: Path, capsys: pytest.CaptureFixture[str], profile: str) -> None:
    (tmp_path / "s.toml").write_text(STUDY)
    (tmp_path / "p.toml").write_text(f"slurm = {profile}\n")
    argv = ["sweep", str(tmp_path / "s.toml"), "--out", str(tmp_path / "o"), "--engine", "slurm", "--profile"]
    refused(capsys, [*argv, str(tmp_path / "p.toml")], "p.toml", "slurm")
    refused(capsys, [*argv, str(tmp_path)], "directory")
    refused(capsys, [*argv, "/dev/zero"], "larger than 4 MB")


def test_closed_streams() -> None:
    """What nobody reads goes nowhere; the exit code says how it ended."""
    assert process("materials", shell='exec "$@" >&-').returncode == 0
    done = process("solve", "bilayer", "--set", "geometry.x=1", shell='exec "$@" 2>&-')
    assert (done.returncode, done.stderr) == (2, "")
    assert process("materials", shell='exec "$@" <&- >&- 2>&-').returncode == 0


@pytest.mark.parametrize(
    "argv", [["--help"], ["--version"], ["solve", "--help"], ["materials"], ["materials", "--json"]]
)
def test_a_full_disk_behind_standard_output(argv: list[str]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    done = process(*argv, shell='exec "$@" >/dev/full')
    assert done.returncode == 2
    assert done.stderr == "femsim: error: standard output: No space left on device\n"


def test_a_full_disk_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit on the size of files stands for the full disk: the system names no file for either."""
    done = process(
        "solve", "bilayer", *COARSE, "--out", "o", shell='ulimit -f 8; trap "" XFSZ; exec "$@"', cwd=str(tmp_path)
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("femsim: error: o: ")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_narrow_encodings(encoding: str) -> None:
    """Text that a stream's encoding lacks is written as numbers, and JSON stays JSON."""
    environment = {**os.environ, "PYTHONPATH": SOURCE, "PYTHONIOENCODING": encoding}
    options = ["mesh", "bilayer", *COARSE, "--set", 'name="µ中"']
    for more in ([], ["--json"]):
        done = process(*options, *more, env=environment, encoding=encoding)
        assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["case"]["name"] == "µ中"


# ---------------------------------------------------------------- signals


def test_an_interrupt_while_modules_are_loaded() -> None:
    """The first thing that happens is that Ctrl-C means one line and 130."""
    code = (
        "import os, signal, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'femsim.cli.main': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder())\n"
    )
    done = process("materials", code=code)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "femsim: interrupted\n")


def test_an_interrupt_after_the_end() -> None:
    code = "import atexit, os, signal\natexit.register(lambda: os.kill(os.getpid(), signal.SIGINT))\n"
    done = process("--version", code=code)
    assert (done.returncode, done.stderr) == (130, "femsim: interrupted\n")


def test_an_interrupt_that_meets_a_destructor_is_not_lost() -> None:
    """Python only reports exceptions of destructors; the work would go on as if nobody had asked."""
    code = (
        "import os, signal, sys, time, types\n"
        "class Thing:\n"
        "    def __del__(self):\n"
        "        os.kill(os.getpid(), signal.SIGINT); time.sleep(0.1)\n"
        "def dispatch(arguments):\n"
        "    thing = Thing(); del thing; time.sleep(5); return 0\n"
        "import femsim.cli.main as m\nm._dispatch = dispatch\n"
    )
    done = process("materials", code=code)
    assert (done.returncode, done.stderr) == (130, "femsim: interrupted\n")


def test_an_ignored_interrupt_stays_ignored() -> None:
    code = "import os, signal\nimport femsim.cli.main as m\nold = m._dispatch\n"
    code += "m._dispatch = lambda a: (os.kill(os.getpid(), signal.SIGINT), old(a))[1]\n"
    done = process("materials", code=code, shell='trap "" INT; exec "$@"')
    assert done.returncode == 0


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_no_signal_mixes_two_runs(tmp_path: Path, name: str) -> None:
    """While files of a new run replace those of an old one, signals wait; what the new one lacks goes with them."""
    wanted = getattr(signal, name)
    for file in ("a", "b", "old"):
        (tmp_path / file).write_text("old")
    seen: list[int] = []
    before = signal.signal(wanted, lambda number, frame: seen.append(number))
    moved: list[str] = []
    replace = Path.replace

    def slowly(self: Path, target: Path) -> Path:
        os.kill(os.getpid(), wanted)
        moved.append(self.name)
        assert not seen
        return replace(self, target)

    try:
        with pytest.MonkeyPatch.context() as patch, staged_directory(tmp_path, ["old"]) as stage:
            (stage / "a").write_text("new")
            (stage / "b").write_text("new")
            patch.setattr(Path, "replace", slowly)
    finally:
        signal.signal(wanted, before)
    assert seen == [wanted]
    assert moved == ["a", "b"]
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"a": "new", "b": "new"}


# ---------------------------------------------------------------- files


def test_what_a_write_says_when_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            atomic_write(tmp_path / "a", "x" * 2000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, old)
    assert caught.value.filename == str(tmp_path / "a")
    assert not list(tmp_path.iterdir())
    (tmp_path / "deep.json").write_text("[" * 100_000)
    with pytest.raises(ValueError, match="nested too deeply"):
        read_json(tmp_path / "deep.json")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with a name as Unix knows them")
def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    """A device, too: as root a file could take the place of /dev/null."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        atomic_write(pipe, "r,z\n")
        assert os.read(reader, 100) == b"r,z\n"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="a directory in memory as Linux has it")
def test_a_file_in_shared_memory_appears_whole() -> None:
    """Only what /dev names itself is written through; files of its directory in memory are replaced like others."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        file = Path(directory) / "a"
        file.write_text("old")
        with file.open() as reader:  # a reader of the old file goes on reading it
            atomic_write(file, "new")
            assert reader.read() == "old"
        assert file.read_text() == "new"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--start", "0,45,3", "--end", "1,45"], "--start: 3 numbers; a point of this body has 2"),
        (["--start", "0,45", "--end", "nan,45"], "--end: 'nan,45' is not a point"),
        (["--start", "-5,-45", "--end", "-6,-45"], "--start, --end: no part of it lies in the body"),
        (["--start", "0,1", "--end", "1,1", "--n", "0"], "--n: 0 is not >= 2"),
        (["--start", "0,1", "--end", "1,1", "--region", "pots"], "--region: no region 'pots' (did you mean 'post'?)"),
        (["--start", "0,1", "--end", "1,1", "--csv", "."], "--csv: . names no file"),
        (["--start", "0,1", "--end", "1,1", "--csv", "nowhere/a"], "--csv: nowhere: no such directory"),
        (["--start", "0,1", "--end", "1,1", "--figure", "a.gif"], "--figure: a.gif: the ending '.gif' is not one of"),
    ],
)
def test_paths_speak_of_their_options(capsys: pytest.CaptureFixture[str], argv: list[str], said: str) -> None:
    refused(capsys, ["path", "bilayer", "--set", "mesh.size=2", "--set", "mesh.growth=3", "--quiet", *argv], said)


def test_levels_without_end(capsys: pytest.CaptureFixture[str]) -> None:
    refused(capsys, ["converge", "bilayer", "--levels", "99", "--quiet"], "--levels: 99 is not <= 12")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("[3, 2]", "'materials.low.E': a range ascends, [3, 2] does not"),
        ("[3]", "'materials.low.E': [3] is not a range of two numbers"),
        ("3", "'materials.low.E': 3 is not a range, as [2.5, 3.5]"),
        ("{ ds = 1 }", "'materials.low.E.ds': 1 is not a range, as [2.5, 3.5], or a table of one of plus_minus"),
    ],
)
def test_scatter_that_is_none(capsys: pytest.CaptureFixture[str], value: str, said: str) -> None:
    refused(capsys, ["solve", "bilayer", "--set", f'uncertain."materials.low.E"={value}', "--quiet"], said)


def test_keys_without_effect_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    sets = ["metrics.thickness=10", "model.time_tolerance=0.01", "mesh.size=2", "mesh.growth=3"]
    assert main(["solve", "bilayer", *(part for text in sets for part in ("--set", text)), "--quiet"]) == 0
    said = capsys.readouterr().err
    assert "metrics.thickness: nothing flows" in said
    assert "model.time_tolerance: nothing flows" in said


def test_options_of_rank_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    refused(capsys, ["rank", "bilayer-windows", "--quiet", "--draws", "0"], "error: --draws: 0 is not >= 100")
    refused(capsys, ["rank", "bilayer-windows", "--quiet", "--percentile", "50"], "error: --percentile: 50 is not > 50")
