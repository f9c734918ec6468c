"""Random damage to whatever femsim reads: one clear line or a result; no traceback, no hang, no memory beyond a limit.

A plain run tries a few hundred damages in a few seconds; ``pytest tests/test_fuzz.py --fuzz 100`` tries a hundred times
as many, ``--fuzz-seed`` others. A failure names the damage's number, which alone makes the same file again.
"""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import signal
import sys
import time
import tomllib
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import everykey
import numpy as np
import pytest
from damage import changed, damaged, grafted
from spheres import sphere_mesh
from test_meshfile import DATA
from test_meshfile_programs import ABAQUS, CARDS

from femsim.base.errors import FemsimError
from femsim.cli.main import main
from femsim.meshes.mesh import Mesh
from femsim.meshes.read import read_mesh
from femsim.meshes.write import write_mesh

#: seconds that a damaged input may take at most
LONGEST = 20
#: bytes that a damaged input may take beyond what the tests take anyway
MOST = 3_000_000_000

pytestmark = pytest.mark.filterwarnings("ignore")


class HangError(Exception):
    """Took too long."""


@contextlib.contextmanager
def bounded(number: int, what: object) -> Iterator[None]:
    """A limit of time around one damage, and its number in whatever goes wrong."""

    def ring(_: int, __: FrameType | None) -> None:
        raise HangError

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(LONGEST)
    start = time.monotonic()
    try:
        yield
    except (FemsimError, pytest.fail.Exception):
        raise
    except BaseException as error:
        raise AssertionError(f"damage {number} of {what}: {type(error).__name__}: {error}") from error
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - start < LONGEST, f"damage {number} of {what}"


@pytest.fixture(autouse=True)
def _memory() -> Iterator[None]:
    """A limit of memory for this process."""
    if sys.platform != "linux":
        pytest.skip("limits of a process as Linux knows them")
    import resource

    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MOST, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


def numbers_of(request: pytest.FixtureRequest, plain: int) -> Iterator[tuple[int, random.Random]]:
    """The numbers of the damages to try, each with its own random numbers."""
    start = request.config.getoption("--fuzz-seed")
    for number in range(start, start + max(int(plain * request.config.getoption("--fuzz")), 1)):
        yield number, random.Random(number)


# ---------------------------------------------------------------- mesh files


def own_files(directory: Path) -> dict[str, bytes]:
    """A small file of every format that femsim reads itself."""
    found = {}
    for element in ("tri3", "quad4", "tri6", "quad8", "quad9"):
        mesh = sphere_mesh((3.0, 4.0), 1, element)
        data = {"T": np.sin(mesh.points[:, 0])}
        for name, version in (("41.msh", "4.1"), ("22.msh", "2.2"), ("v.vtu", "4.1")):
            write_mesh(directory / name, mesh, data, version=version)
            found[f"{element}-{name}"] = (directory / name).read_bytes()
        found[f"{element}.inp"] = _abaqus(mesh)
    mesh = sphere_mesh((3.0,), 1, "quad4")
    for binary in (True, False):
        _by_meshio(directory / "a.vtu", mesh, "vtu", binary=binary)
        found[f"meshio{binary:d}.vtu"] = (directory / "a.vtu").read_bytes()
        _by_meshio(directory / "a.msh", mesh, "gmsh22", binary=binary)
        found[f"gmsh22-{binary:d}.msh"] = (directory / "a.msh").read_bytes()
    found["cax8.inp"] = (DATA / "cax8.inp").read_bytes()
    found["sets.inp"] = (
        ABAQUS + "*NSET, NSET=a, GENERATE\n1, 3, 2\n*NSET, NSET=b\na, 4\n*NSET, NSET=c, ELSET=edge\n"
    ).encode()
    found["a.bdf"] = CARDS.encode()
    found["one.msh"] = b"$NOD\n3\n1 0 0 0\n2 1 0 0\n3 0 1 0\n$ENDNOD\n$ELM\n1\n1 2 1 1 3 1 2 3\n$ENDELM\n"
    return found


def _abaqus(mesh: Mesh) -> bytes:
    kinds = {"tri3": "CAX3", "quad4": "CAX4", "tri6": "CAX6", "quad8": "CAX8", "quad9": "CAX9"}
    lines = ["*NODE", *(f"{i}, {x!r}, {y!r}" for i, (x, y) in enumerate(mesh.points.tolist(), 1))]
    lines.append(f"*ELEMENT, TYPE={kinds[mesh.element]}, ELSET=all")
    lines += [", ".join(map(str, (i, *nodes))) for i, nodes in enumerate((mesh.cells + 1).tolist(), 1)]
    for number, name in enumerate(mesh.regions):
        lines += [f"*ELSET, ELSET={name}", ", ".join(str(i + 1) for i in np.flatnonzero(mesh.region == number))]
    lines += ["*NSET, NSET=outer", ", ".join(str(i + 1) for i in np.unique(mesh.lines["outer"])), "*STEP"]
    return "\n".join(lines).encode()


def _by_meshio(path: Path, mesh: Mesh, kind: str | None, **options: object) -> None:
    import meshio

    points = np.column_stack([mesh.points, np.zeros(len(mesh.points))])
    cells = [(mesh.info.meshio_name, mesh.cells), ("line", mesh.lines["outer"][:, :2])]
    tags = [mesh.region + 1, np.ones(len(mesh.lines["outer"]), dtype=int)]
    content = meshio.Mesh(points, cells, cell_data={"gmsh:physical": tags, "gmsh:geometrical": tags})
    content.point_data["T"] = points[:, 0]
    if kind != "gmsh22":
        content.cell_data = {"region": tags}
    meshio.write(path, content, file_format=kind, **options)


def foreign_files(directory: Path) -> dict[str, bytes]:
    """A small file of every format that meshio can write and read without further packages."""
    found = {}
    mesh = sphere_mesh((3.0,), 1, "tri3")
    for ending in (".vtk", ".su2", ".mesh", ".stl", ".off", ".obj", ".ply", ".xml", ".mdpa", ".dat", ".f3grid", ".avs",
                   ".vol", ".post", ".ugrid", ".xdmf", ".svg", ".e", ".node", ".wkt"):  # fmt: skip
        path = directory / f"a{ending}"
        with contextlib.suppress(Exception, SystemExit), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _by_meshio(path, mesh, None)
            found[path.name] = path.read_bytes()
    found["ansys.msh"] = b'(0 "x")\n(2 2)\n(10 (0 1 3 0 2))\n(10 (1 1 3 1 2)(\n0 0\n1 0\n0 1\n))\n(12 (1 1 1 1 1))\n'
    return found


def try_files(
    tmp_path: Path, files: dict[str, bytes], damages: Iterator[tuple[int, random.Random]], use: Callable[[Path], object]
) -> dict[str, int]:
    """Damage one file after the other; how often there was a result, and a line."""
    count = {"result": 0, "line": 0}
    names, every = sorted(files), list(files.values())
    for number, random_ in damages:
        name = random_.choice(names)
        path = tmp_path / f"{number % 8}-{name}"
        path.write_bytes(damaged(files[name], random_, every))
        with bounded(number, name):
            try:
                use(path)
                count["result"] += 1
            except FemsimError as error:
                text = str(error)
                assert path.name in text, f"damage {number} of {name}: {text}"
                assert text.isprintable(), f"damage {number} of {name}: {text!r}"
                count["line"] += 1
        path.unlink()
    return count


def test_damaged_mesh_files(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    count = try_files(tmp_path, own_files(tmp_path), numbers_of(request, 300), read_mesh)
    assert min(count.values()) > 0


def test_damaged_mesh_files_left_to_meshio(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    try_files(tmp_path, foreign_files(tmp_path), numbers_of(request, 6), read_mesh)


def test_damaged_mesh_files_are_solved_or_refused(
    tmp_path: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole way: what a damaged file still gives is a case."""
    case = tmp_path / "case.toml"

    def use(path: Path) -> None:
        names = read_mesh(path).mesh.regions
        materials = "\n".join(f"{_quoted(name)} = {{ E = 10, nu = 0.3, cte = 10 }}" for name in names)
        case.write_text(
            f'stack = "mesh"\n[mesh]\nfile = {_quoted(path.name)}\n[materials]\n{materials}\n[load]\n'
            "stress_free_temperature = 0\ntemperature = 100\n",
            encoding="utf-8",
        )
        code = main(["solve", str(case), "--json", "--quiet"])
        said = capsys.readouterr()
        assert code in (0, 2, 3), said.err
        assert bool(said.out) == (code == 0)

    try_files(tmp_path, own_files(tmp_path), numbers_of(request, 30), use)


def _quoted(text: str) -> str:
    return '"' + "".join(f"\\u{ord(c):04x}" if c in '\\"' or not c.isprintable() else c for c in text) + '"'


# ---------------------------------------------------------------- cases, studies, options, datasets

COARSE = ["mesh.size=2", "mesh.growth=3"]
OWN = """stack = "blocks"
[load]
stress_free_temperature = 150
temperature = 25
[materials]
m0 = { E = 10, nu = 0.3, cte = { secant = { T = [0, 100], value = [10, 12] }, reference = 25 } }
mix = { composite = "mori-tanaka", matrix = "polyimide", particles = "silica", fraction = 0.3 }
[[block]]
name = "a"
r = [0, 50]
z = [0, 20]
material = "m0"
[[block]]
name = "b"
r = [50, 100]
z = [0, 20]
material = { like = "copper", E = 100 }
[[boundary]]
z = 0
u_z = 0
[[boundary]]
z = 20
r = [0, 50]
pressure = 3
[[probe]]
name = "p"
at = [25, 10]
[[root]]
name = "foot"
at = [50, 20]
region = "a"
[metrics]
length = [1, 5]
"""
STUDIES = (
    """case = "bilayer"
[study]
design = "lhs"
samples = 3
set = ["mesh.size=2", "mesh.growth=3"]
outputs = ["post_root.peel.5um"]
[[parameter]]
key = "geometry.ratio"
range = [3.5, 8]
scale = "log"
[[parameter]]
key = "materials.post"
values = ["copper", "gold"]
[[window]]
key = "geometry.low_thickness / geometry.high_thickness"
range = [3, 5]
""",
    """case = "bilayer"
name = "grid"
[study]
design = "grid"
set = ["mesh.size=2", "mesh.growth=3"]
[[parameter]]
key = "load.temperature"
range = [-40, 25]
steps = 2
[[parameter]]
key = "geometry.post_radius"
distribution = "normal"
mean = 50
sd = 1
""",
    """case = "bilayer"
[study]
design = "list"
file = "list.csv"
""",
)


def refusal(argv: list[str], capsys: pytest.CaptureFixture[str], label: str) -> int:
    """Run a command: its exit code is one that it may have, and what it says is one line of text, or results."""
    code = main(argv)
    said = capsys.readouterr()
    assert code in (0, 2, 3), f"{label}: {code}"
    errors = [line for line in said.err.splitlines() if line.startswith("femsim: error")]
    assert len(errors) == (code != 0), f"{label}: {said.err}"
    assert all(c.isprintable() or c == "\n" for c in said.err + said.out), f"{label}: {said.err!r}"
    return code


def case_files() -> dict[str, bytes]:
    """The shipped cases, and one with blocks of its own."""
    from femsim.cases.library import case_path, list_cases

    found = {f"{name}.toml": case_path(name).read_bytes() for name in list_cases()}
    own = {f"{name}.toml": text.encode() for name, text in {"own": OWN, **everykey.CASES}.items()}
    return {**{name: text for name, text in found.items() if b'"mesh"' not in text}, **own}


def test_damaged_cases(tmp_path: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> None:
    """As text and as tables; what is still a case is meshed, now and then solved."""
    import tomli_w

    texts = case_files()
    names, every = sorted(texts), [*texts.values(), *(text.encode() for text in STUDIES)]
    codes = []
    for number, random_ in numbers_of(request, 120):
        name = random_.choice(names)
        data = texts[name]
        if random_.random() < 0.5:
            data = damaged(data, random_, every)
        else:
            with contextlib.suppress(ValueError, TypeError, AttributeError):  # what TOML cannot say
                table = tomllib.loads(data.decode())
                if random_.random() < 0.3:
                    table = grafted(table, tomllib.loads(texts[random_.choice(names)].decode()), random_)
                data = tomli_w.dumps(changed(table, random_)).encode()
        path = tmp_path / name
        path.write_bytes(data)
        sets = [part for text in COARSE for part in ("--set", text)]
        if random_.random() < 0.5:
            sets += [
                "--set",
                damaged(random_.choice(OVERRIDES).encode(), random_, every).decode("utf-8", "surrogateescape"),
            ]
        dear = name in ("flowing.toml", "solid.toml")
        command = ["solve", "--json"] if random_.random() < (0.02 if dear else 0.1) else ["mesh"]
        label = f"damage {number} of {name}"
        with bounded(number, name):
            codes.append(refusal([command[0], str(path), "--quiet", *command[1:], *sets], capsys, label))
    assert {0, 2} <= set(codes) or len(codes) < 50


OVERRIDES = (
    "geometry.post_radius=40", "materials.low.E=3", "metrics.length=[5,1]", "probe.0.at=[0, 10]", 'name="x"',
    "model.element=quad4", 'materials.post={ like = "copper", E = 100 }', "load.temperature=-40", "block.0.z=[0, 5]",
    "mesh.tolerance=0.5", "boundary.0={ z = 0, u_z = 0 }",
    "materials.post.cte={ instantaneous = { T = [0, 1], value = [1, 2] } }",
)  # fmt: skip


def test_damaged_studies(tmp_path: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> None:
    """Up to the plan and the first points of it: what a damaged study still asks for is run, if it is little."""
    import tomli_w

    from femsim.study.plan import make_plan
    from femsim.study.studyfile import load_study

    listed = b'geometry.post_radius,materials.post\n40,copper\n60,"gold"\n50,"{ E = 10, nu = 0.3, cte = 5 }"\n'
    studies = [*(text.encode() for text in STUDIES), everykey.STUDY.encode()]
    every = [*studies, *case_files().values(), listed]
    path, table = tmp_path / "s.toml", tmp_path / "list.csv"
    for number, random_ in numbers_of(request, 60):
        data, rows = random_.choice(studies), listed
        many = data == studies[3]
        if data == studies[2] and random_.random() < 0.8:
            rows = damaged(listed, random_, every)
        elif random_.random() < 0.5:
            data = damaged(data, random_, every)
        else:
            with contextlib.suppress(ValueError, TypeError, AttributeError):
                data = tomli_w.dumps(changed(tomllib.loads(data.decode()), random_)).encode()
        path.write_bytes(data)
        table.write_bytes(rows)
        with bounded(number, "a study"):
            said = ""
            try:
                study = load_study(path)
                if len(study.rows) < 1000:
                    make_plan(study)
            except FemsimError as error:
                said = str(error)
            assert said.isprintable() or not said, f"damage {number}: {said!r}"
        if random_.random() < (0.01 if many else 0.1):
            with bounded(number, "a study's optimum"):
                command = ["rank", str(path), "--workers", "1"] if many else ["optimise", str(path)]
                refusal([*command, "--quiet", "--json"], capsys, f"damage {number}")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study of three points, and a solved case."""
    pytest.importorskip("pyarrow")
    where = tmp_path_factory.mktemp("results")
    (where / "s.toml").write_text(STUDIES[0])
    assert main(["sweep", str(where / "s.toml"), "--out", str(where / "study"), "--quiet"]) == 0
    sets = [part for text in COARSE for part in ("--set", text)]
    assert main(["solve", "bilayer", *sets, "--out", str(where / "case"), "--quiet"]) == 0
    return where


def test_damaged_results(
    results: Path, tmp_path: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    """Datasets, plans and metrics that were written by somebody else, or half, or by a broken disk."""
    files = ["study/results.parquet"] * 2 + ["study/study.json", "case/metrics.json", "case/case.toml"]
    every = [(results / name).read_bytes() for name in files]
    for number, random_ in numbers_of(request, 40):
        name = random_.choice(files)
        where = tmp_path / str(number)
        shutil.copytree(results / Path(name).parent, where)
        path = where / Path(name).name
        if name.endswith(".json") and random_.random() < 0.5:
            path.write_text(json.dumps(changed(json.loads(path.read_bytes()), random_)))
        else:
            path.write_bytes(damaged(path.read_bytes(), random_, every))
        if name == files[0] and random_.random() < 0.5:  # as a part
            (where / "parts").mkdir()
            path.rename(where / "parts" / "part-00000000-aa.parquet")
        command = ["sweep-report", str(where)] if name.startswith("study") else ["report", str(where)]
        with bounded(number, name):
            refusal(command, capsys, f"damage {number} of {name}")
        shutil.rmtree(where)
