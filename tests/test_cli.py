"""The command line: what goes to which stream, exit codes, whole files or none, and how it ends when interrupted."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
import warnings
from importlib.util import find_spec
from pathlib import Path

import pytest

import femsim
from femsim.base.errors import FemsimWarning, NumericsError
from femsim.base.progress import Progress
from femsim.cli.main import COMMANDS, main, parser

SOURCE = str(Path(femsim.__file__).parents[1])
COARSE = ["--set", "mesh.size=0.5", "--set", "mesh.growth=2"]
HEAVY = ("numpy", "scipy", "skfem", "matplotlib", "pydantic", "meshio", "jinja2")


def process(*argv: str, cwd: Path, **options: object) -> subprocess.CompletedProcess[str]:
    """``femsim`` as a process of its own."""
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        [sys.executable, "-m", "femsim", *argv],
        **{
            "cwd": cwd,
            "env": {**os.environ, "PYTHONPATH": SOURCE},
            "capture_output": True,
            "text": True,
            "timeout": 120,
            **options,
        },
    )


# ---------------------------------------------------------------- start-up


def imported(code: str) -> set[str]:
    """Which of the heavy packages a piece of Python imports."""
    script = f"{code}\nimport sys\nprint(*(name for name in {HEAVY!r} if name in sys.modules), file=sys.__stdout__)"
    environment = {**os.environ, "PYTHONPATH": SOURCE}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


def test_the_parser_imports_nothing_heavy() -> None:
    assert imported("import femsim.cli.main; femsim.cli.main.parser()") == set()
    assert imported("import femsim.cli.main; femsim.cli.main.main(['--help'])") == set()


def test_materials_and_stacks_import_no_numerics() -> None:
    for argv in (["materials"], ["materials", "copper"], ["stacks"], ["stacks", "bilayer"], ["schema"]):
        assert imported(f"import femsim.cli.main; femsim.cli.main.main({argv!r})") <= {"pydantic"}, argv


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in COMMANDS)
    for name in COMMANDS:
        assert main([name, "--help"]) == 0
    capsys.readouterr()
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"femsim {femsim.__version__}\n"
    assert parser().prog == "femsim"


# ---------------------------------------------------------------- solve and mesh


def test_solve_json_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["solve", "bilayer", *COARSE, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["femsim"] == femsim.__version__
    assert document["case"] == {"name": "bilayer", "stack": "bilayer", "kinematics": "axisymmetric", "delta_t": -125.0}
    root = document["metrics"]["roots"]["post_root"][0]
    assert root["at"] == [50, 0]
    assert {"length", "peel", "shear", "von_mises", "peel_error", "shear_error", "von_mises_error"} <= set(root)
    assert set(document["metrics"]["regions"]) == {"chip", "post", "low", "high"}
    assert set(document["probes"]["tip"]["stress"]) == {"rr", "zz", "tt", "rz", "von_mises"}
    assert {"residual", "reaction", "energy"} <= set(document["checks"])
    assert {"mesh", "assemble", "solve", "recover"} <= set(document["timing"])


def test_solve_shows_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["solve", "bilayer", *COARSE, "--set", "metrics.length=[5, 2]"]) == 0
    out = capsys.readouterr().out
    for word in ("post_root", "peel (MPa)", "+-", "checks:", "residual", "time:", "probe tip", "energy (uJ)"):
        assert word in out


def test_set_changes_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    """With constant properties, stresses are proportional to the change of temperature."""
    found = []
    constant = ["--set", "materials.chip={E=169, nu=0.28, cte=2.6}", "--set", "materials.post={E=120, nu=0.34, cte=17}"]
    for temperature in ("25", "-55"):
        assert main(["solve", "bilayer", *COARSE, *constant, "--json", "--set", f"load.temperature={temperature}"]) == 0
        found.append(json.loads(capsys.readouterr().out))
    assert [d["case"]["delta_t"] for d in found] == [-125.0, -205.0]
    peel = [d["metrics"]["roots"]["post_root"][0]["von_mises"] for d in found]
    assert peel[1] == pytest.approx(peel[0] * 205 / 125, rel=1e-6)


def test_mesh(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mesh", "bilayer", *COARSE, "--json", "--to", str(tmp_path / "m.msh")]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["element"] == "quad9"
    assert sum(document["per_region"].values()) == document["elements"]
    assert main(["mesh", "bilayer", *COARSE, "--to", str(tmp_path / "m.vtu")]) == 0
    out = capsys.readouterr().out
    assert str(document["elements"]) in out
    assert "worst scaled Jacobian" in out
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.msh", "m.vtu"]


def test_mesh_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mesh", "bilayer", *COARSE, "--out", str(tmp_path / "out")]) == 0
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["layout.png", "layout.svg", "mesh.png", "mesh.svg"]
    assert (tmp_path / "out" / "mesh.png").read_bytes().startswith(b"\x89PNG")


def test_a_written_mesh_solves_as_the_stack_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mesh", "bilayer", *COARSE, "--to", str(tmp_path / "m.msh")]) == 0
    (tmp_path / "m.toml").write_text(
        'stack = "mesh"\n[mesh]\nfile = "m.msh"\n[materials]\nchip = "silicon"\npost = "copper"\n'
        'low = { like = "polyimide", E = 2.5, nu = 0.34, cte = 50 }\nhigh = { like = "epoxy-high-elastic", E '
        "= 15, nu = 0.30, cte = 10 }\n"
        '[load]\nstress_free_temperature = 150\ntemperature = 25\n[model]\nouter = "coupled"\n'
        '[[boundary]]\npoint = [0, -300]\nu_z = 0\n[[root]]\nname = "post_root"\nat = [50, 0]\nregion = "post"\n'
    )
    capsys.readouterr()
    found = []
    for case in (["bilayer", *COARSE], [str(tmp_path / "m.toml")]):
        assert main(["solve", *case, "--json"]) == 0
        found.append(json.loads(capsys.readouterr().out)["metrics"]["roots"]["post_root"][0])
    for key in ("peel", "shear", "von_mises"):
        assert found[0][key] == pytest.approx(found[1][key], abs=1e-6 * found[0]["von_mises"])


# ---------------------------------------------------------------- looking things up


def test_materials(capsys: pytest.CaptureFixture[str]) -> None:
    from femsim.cases.library import list_materials

    assert main(["materials"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in list_materials())
    assert all(word in out for word in ("E (GPa)", "nu", "CTE (ppm/K)", "family"))
    for name in list_materials():
        assert main(["materials", name]) == 0
        out = capsys.readouterr().out
        assert "Sources" in out
        assert "youngs_modulus" in out
    assert main(["materials", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == set(list_materials())


def test_materials_are_found_by_part_of_a_name_or_family(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["materials", "polyi"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in ("polyimide-bpda-ppd", "polyimide-pmda-oda"))
    assert "copper" not in out
    assert main(["materials", "solder", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {"sac305", "sn63pb37", "solder-resist"} <= set(found)
    assert main(["materials", "poliymide"]) == 2
    assert "did you mean 'polyimide'?" in capsys.readouterr().err


def test_one_material_shows_heat_laws_and_what_was_not_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["materials", "sac305"]) == 0
    out = capsys.readouterr().out
    for text in ("heat_capacity", "J/(kg K)", "W/(m K)", "anand", "motalab-2012", "Q_R = 9320", "syed_energy = 0.0019"):
        assert text in out
    assert "chang-2006 (from memory, check the original)" in out
    assert "motalab-2012 (from memory" not in out


def test_doctor_counts_what_was_not_read(capsys: pytest.CaptureFixture[str]) -> None:
    from femsim.cases.library import list_materials, read_material

    assert main(["doctor", "--json"]) == 0
    library = json.loads(capsys.readouterr().out)["library"]
    entries = [read_material(name) for name in list_materials()]
    assert library["not_read"] == sum(len(entry.unread) for entry in entries)
    assert 0 < library["not_read"] < library["numbers"] == sum(entry.numbers for entry in entries)


def test_stacks(capsys: pytest.CaptureFixture[str]) -> None:
    from femsim.cases.case import CASE_TYPES

    assert main(["stacks"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in CASE_TYPES)
    for name, kind in CASE_TYPES.items():
        assert main(["stacks", name]) == 0
        out = capsys.readouterr().out
        assert all(key in out for key in kind.model_fields if (name, key) != ("blocks", "materials"))
    assert main(["stacks", "bilayer"]) == 0
    line = next(row for row in capsys.readouterr().out.splitlines() if "post_radius" in row)
    assert "50" in line
    assert "> 0" in line


def test_schema_is_json_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["$schema"].startswith("https://json-schema.org/")
    assert "BilayerCase" in document["$defs"]


def test_doctor_tells_where_the_time_of_a_start_goes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--timing", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["timing"]
    assert 5_000 < found["unknowns"] < 20_000
    assert found["interpreter"] < found["wall"]
    packages = found["imports"]["packages"]
    assert {"femsim", "numpy", "scipy", "pydantic"} <= set(packages)
    assert not {"matplotlib", "jinja2", "meshio", "skfem"} & set(packages), "not needed for a solve"
    assert "scipy.optimize" not in {one["module"] for one in found["slowest"]}
    assert found["imports"]["seconds"] == pytest.approx(sum(p["seconds"] for p in packages.values()))
    assert {"mesh", "assemble", "solve", "recover"} <= set(found["steps"])


def test_doctor(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    shown = capsys.readouterr()
    for name in ("pyarrow", "SALib", "dask", "scikit-sparse"):
        assert f"{name} " in shown.out
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert all(word in out for word in ("numpy", "superlu", "cores", femsim.__version__))
    assert main(["doctor", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["missing"] == []


# ---------------------------------------------------------------- streams


def test_warnings_are_one_line_each_once(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def noisy(
        case: object, base: object = None, progress: object = None, watch: object = None, state: object = None
    ) -> None:
        for _ in range(3):
            warnings.warn("two\nlines", FemsimWarning, stacklevel=2)
        raise NumericsError("not converged")

    monkeypatch.setattr("femsim.runs.run.run", noisy)
    assert main(["solve", "bilayer"]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert lines[0] == "femsim: warning: two lines"
    assert lines[1].startswith("femsim: error: ")
    assert lines[1].endswith("bilayer.toml: not converged")
    assert len(lines) == 2


def test_numbers_that_fail_give_3(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def greedy(
        case: object, base: object = None, progress: object = None, watch: object = None, state: object = None
    ) -> None:
        raise MemoryError

    monkeypatch.setattr("femsim.runs.run.run", greedy)
    assert main(["solve", "bilayer"]) == 3
    assert capsys.readouterr().err.startswith("femsim: error: not enough memory")


def test_not_a_number_is_null_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    from femsim.cli.text import out_json

    out_json({"a": [float("nan"), float("inf"), 1.5], 3: (True, None)})
    assert json.loads(capsys.readouterr().out) == {"a": [None, None, 1.5], "3": [True, None]}


@pytest.mark.skipif(os.name == "nt", reason="pipes of a shell")
def test_a_closed_pipe_is_quiet(tmp_path: Path) -> None:
    command = f"{sys.executable} -m femsim schema | head -n 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": SOURCE},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] in ("0", "141")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = process("materials", cwd=tmp_path, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 2
    assert done.stderr == "femsim: error: standard output: No space left on device\n"


class Stream:
    """A stream that remembers what was written."""

    def __init__(self, terminal: bool) -> None:
        self.text, self.terminal = "", terminal

    def write(self, text: str) -> int:
        """Remember."""
        self.text += text
        return len(text)

    def flush(self) -> None:
        """Nothing to do."""

    def isatty(self) -> bool:
        """As told."""
        return self.terminal


def test_progress_keeps_quiet_for_short_work() -> None:
    stream = Stream(False)
    with Progress(stream, patience=60) as progress:  # type: ignore[arg-type]
        progress("one")
        progress("two")
    assert stream.text == ""


def test_progress_plain_lines_and_one_line_on_a_terminal() -> None:
    for terminal in (False, True):
        stream = Stream(terminal)
        with Progress(stream, patience=0) as progress:  # type: ignore[arg-type]
            progress("one")
            progress("two\nlines")
        if terminal:
            assert "\n" not in stream.text
            assert stream.text.endswith("\r\x1b[K")
        else:
            assert [line.split("  ")[-1] for line in stream.text.splitlines()] == ["one", "two lines"]


def test_progress_shows_a_long_step_while_it_lasts() -> None:
    stream = Stream(False)
    with Progress(stream, patience=0.05) as progress:  # type: ignore[arg-type]
        progress("long")
        for _ in range(200):
            if stream.text:
                break
            time.sleep(0.05)
        assert "long" in stream.text


def test_progress_quiet() -> None:
    stream = Stream(False)
    with Progress(stream, quiet=True, patience=0) as progress:  # type: ignore[arg-type]
        progress("one")
    assert stream.text == ""


# ---------------------------------------------------------------- results in a directory

with_report = pytest.mark.skipif(find_spec("femsim.reports.report") is None, reason="the report is not built")
FILES = {"case.toml", "metrics.json", "fields.vtu", "report.html"}


@with_report
def test_out_writes_everything_and_case_toml_reproduces_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "a" / "first", tmp_path / "second"
    assert main(["solve", "bilayer", *COARSE, "--set", "materials.post.E=111", "--out", str(first), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {p.name for p in first.iterdir()} >= FILES
    assert not list(tmp_path.rglob(".femsim-*"))
    written = json.loads((first / "metrics.json").read_text())
    assert written["metrics"] == told["metrics"]
    assert main(["solve", str(first / "case.toml"), "--out", str(second), "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["metrics"] == told["metrics"]
    assert again["probes"] == told["probes"]
    report = (first / "report.html").read_bytes()
    (first / "report.html").unlink()
    assert main(["report", str(first)]) == 0
    assert len((first / "report.html").read_bytes()) > len(report) // 2


@with_report
def test_case_toml_of_a_mesh_case_finds_its_mesh(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    assert main(["mesh", "bilayer", *COARSE, "--to", str(source / "m.msh")]) == 0
    (source / "m.toml").write_text(
        'stack = "mesh"\n[mesh]\nfile = "m.msh"\n[materials]\nchip = "silicon"\npost = "copper"\nlow = '
        '"bcb"\nhigh = "bcb"\n'
        "[load]\nstress_free_temperature = 150\ntemperature = 25\n[[boundary]]\npoint = [0, -300]\nu_z = 0\n"
    )
    monkeypatch.chdir(source)
    found = []
    for case, out in (("m.toml", "../a"), ("../a/case.toml", "../b")):
        capsys.readouterr()
        assert main(["solve", case, "--json", "--out", out]) == 0
        found.append(json.loads(capsys.readouterr().out)["metrics"])
    assert found[0] == found[1]


@with_report
@pytest.mark.skipif(os.name == "nt", reason="signals of a POSIX system")
@pytest.mark.parametrize("seed", range(4))
def test_an_interrupt_leaves_no_half_file(seed: int, tmp_path: Path) -> None:
    """Ctrl-C (or a request to end) at a random moment: exit code 130 (143), nothing written, or everything."""
    wanted = signal.SIGINT if seed % 3 else signal.SIGTERM
    out = tmp_path / "results"
    # the process says when its handlers are in place, so that no signal comes before there is anything to interrupt
    script = (
        "import sys, femsim.cli.main as c\nold = c._guarded\n"
        "def told(argv):\n    sys.stderr.write('ready\\n'); sys.stderr.flush(); return old(argv)\n"
        f"c._guarded = told\nsys.exit(c.main(['solve', 'bilayer', '--out', {str(out)!r}]))\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": SOURCE},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stderr is not None
    assert child.stderr.readline() == "ready\n"
    time.sleep(random.Random(seed).uniform(0.0, 4.0))
    child.send_signal(wanted)
    _, err = child.communicate(timeout=120)
    # behind the end of the command, when its handlers are gone, the signal ends the interpreter itself (130 or 143 too,
    # as a shell tells it)
    assert child.returncode in (128 + wanted, 0, -wanted), err
    assert "Traceback" not in err
    assert [p.name for p in tmp_path.iterdir()] in ([], ["results"])
    if child.returncode and not out.exists():
        assert "femsim: " in err
    if out.exists():
        assert {p.name for p in out.iterdir()} >= FILES
        assert (out / "report.html").read_text().rstrip().endswith("</html>")


def test_another_case_in_the_same_directory_leaves_no_figures_of_the_first(tmp_path: Path) -> None:
    """Figures the earlier metrics.json names go, the user's own files stay."""
    out = tmp_path / "results"
    main(["solve", "bilayer", *COARSE, "--quiet", "--out", str(out)])
    (out / "figures" / "mine.png").write_bytes(b"own")
    first = {path.name for path in (out / "figures").iterdir()}
    main(["solve", "staggered", "--set", "mesh.size=2", "--set", "mesh.growth=2", "--quiet", "--out", str(out)])
    figures = {path.name for path in (out / "figures").iterdir()}
    named = {
        f"{entry['name']}.{kind}"
        for entry in json.loads((out / "metrics.json").read_text())["report"]["figures"]
        for kind in ("png", entry["kind"])
    }
    assert figures == {*named, "mine.png"}
    assert "root_post_root.png" in first - figures


@pytest.mark.skipif(os.name == "nt", reason="signals of a POSIX system")
@pytest.mark.parametrize("earlier", [False, True])
@pytest.mark.parametrize("wanted", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_while_files_are_written(wanted: signal.Signals, earlier: bool, tmp_path: Path) -> None:
    """A writer that has written half a file when the signal comes: nothing of it is left, earlier results stay as they
    were.
    """
    out = tmp_path / "results"
    if earlier:
        out.mkdir()
        (out / "metrics.json").write_text("earlier")
    script = (
        "import sys, time\nimport femsim.reports.report as report\n"
        "def write_outputs(run, directory, *options):\n"
        "    (directory / 'metrics.json').write_text('half a fi')\n"
        "    sys.stderr.write('writing\\n'); sys.stderr.flush(); time.sleep(100)\n"
        "report.write_outputs = write_outputs\nimport femsim.cli.main\n"
        f"sys.exit(femsim.cli.main.main(['solve', 'bilayer', *{COARSE!r}, '--quiet', '--out', {str(out)!r}]))\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": SOURCE},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stderr is not None
    assert child.stderr.readline() == "writing\n"
    assert list(tmp_path.rglob(".femsim-*"))
    child.send_signal(wanted)
    told, err = child.communicate(timeout=60)
    assert child.returncode == 128 + wanted
    assert told == ""
    assert err in ("femsim: interrupted\n", "femsim: ended by SIGTERM\n")
    assert [str(p.relative_to(tmp_path)) for p in sorted(tmp_path.rglob("*"))] == (
        ["results", "results/metrics.json"] if earlier else []
    )
    if earlier:
        assert (out / "metrics.json").read_text() == "earlier"


def test_an_interrupt_in_process_restores_handlers(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.getsignal(signal.SIGTERM)

    def stopped(
        case: object, base: object = None, progress: object = None, watch: object = None, state: object = None
    ) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("femsim.runs.run.run", stopped)
    assert main(["solve", "bilayer"]) == 130
    assert capsys.readouterr().err == "femsim: interrupted\n"
    assert signal.getsignal(signal.SIGTERM) is before


def test_an_interrupt_swallowed_by_a_library_is_still_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(
        case: object, base: object = None, progress: object = None, watch: object = None, state: object = None
    ) -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt:
            raise ImportError("could not import") from None

    monkeypatch.setattr("femsim.runs.run.run", stopped)
    assert main(["solve", "bilayer"]) == 143
    assert capsys.readouterr().err == "femsim: ended by SIGTERM\n"


def test_log_holds_steps_warnings_and_the_end(tmp_path, capsys):
    log = tmp_path / "run.log"
    coarse = ["--set", "mesh.size=0.5", "--set", "mesh.growth=3", "--quiet"]
    assert main(["--log", str(log), "solve", "bilayer", *coarse]) == 0
    assert main(["--log", str(log), "solve", "bilayer", "--set", "geometry.post_radius=-1"]) == 2
    lines = log.read_text(encoding="utf-8").splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z  \S", line) for line in lines)
    text = "\n".join(lines)
    for part in ("solve bilayer --set mesh.size=0.5", "meshing", "recovering stresses", "done, exit code 0"):
        assert part in text
    assert "ended: InputError" in lines[-1]
    capsys.readouterr()
    assert main(["--log", str(tmp_path), "stacks"]) == 2
    assert "--log" in capsys.readouterr().err
