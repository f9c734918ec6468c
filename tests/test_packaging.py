"""The built distributions: a wheel in an empty environment does the main job from /, an sdist holds what a rebuild
needs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

import femsim

ROOT = Path(__file__).resolve().parents[1]
BUILD = "import sys, hatchling.build as b; print(getattr(b, 'build_' + sys.argv[1])(sys.argv[2]))"

pytestmark = pytest.mark.slow


def build(kind: str, directory: Path, checkout: Path = ROOT) -> Path:
    """Build a distribution of the checkout with the build backend itself, without the network."""
    done = subprocess.run(
        [sys.executable, "-c", BUILD, kind, str(directory)],
        cwd=checkout,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return directory / done.stdout.split()[-1]


def names_of(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    return build("wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def environment(tmp_path_factory, wheel) -> Path:
    """An environment with the wheel alone; its dependencies are those of the environment that runs the tests."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=False, symlinks=os.name != "nt")
    python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "--python",
            str(python),
            "install",
            "--quiet",
            "--no-deps",
            "--no-index",
            str(wheel),
        ],
        check=True,
        timeout=120,
    )
    own = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    ).stdout.strip()
    ours = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    Path(own, "zz_dependencies.pth").write_text("".join(f"{path}\n" for path in sorted(ours)), encoding="utf-8")
    return python.parent


def femsim_from_root(environment: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command from / with a bare environment."""
    bare = {
        key: os.environ[key] for key in ("SYSTEMROOT", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS") if key in os.environ
    }
    return subprocess.run(
        [environment / "femsim", *arguments],
        cwd=Path(Path.cwd().anchor),
        env={
            **bare,
            "PATH": os.defpath,
            "MPLBACKEND": "agg",
            "MPLCONFIGDIR": str(environment.parent),
            "HOME": str(environment.parent),
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_wheel_holds_the_package_and_its_data(wheel):
    names = names_of(wheel)
    for kind in ("materials", "meshes"):
        for path in (ROOT / kind).glob("*.toml"):
            assert f"femsim/_data/{kind}/{path.name}" in names
    modules = {str(path.relative_to(ROOT)).replace(os.sep, "/") for path in (ROOT / "femsim").rglob("*.py")}
    assert modules <= names
    assert "femsim/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    strays = [name for name in names if not name.startswith(("femsim/", f"femsim-{femsim.__version__}.dist-info/"))]
    assert strays == []


def test_wheel_runs_the_main_job_from_the_root_directory(environment, tmp_path):
    where = subprocess.run(
        [environment / "python", "-c", "import femsim; print(femsim.__file__)"],
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert Path(where.stdout.strip()).is_relative_to(environment.parent)
    done = femsim_from_root(
        environment,
        "solve",
        "bilayer",
        "--set",
        "mesh.size=0.5",
        "--json",
        "--quiet",
        "--out",
        str(tmp_path / "results"),
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["metrics"]["roots"]["post_root"]
    written = {path.name for path in (tmp_path / "results").iterdir()}
    assert {"case.toml", "metrics.json", "fields.vtu", "report.html"} <= written


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("materials",), "silicon"),
        (("materials", "polyimide"), "GPa"),
        (("stacks", "bilayer"), "post_radius"),
        (("doctor",), "scipy"),
    ],
)
def test_wheel_finds_its_data(environment, arguments, found):
    done = femsim_from_root(environment, *arguments)
    assert done.returncode == 0, done.stderr
    assert found in done.stdout


def test_sdist_holds_what_a_rebuild_and_a_test_need(tmp_path, wheel):
    sdist = build("sdist", tmp_path)
    with tarfile.open(sdist) as archive:
        archive.extraction_filter = getattr(
            tarfile, "data_filter", lambda member, path: member
        )  # 3.11.3 and older have none
        archive.extractall(tmp_path)
    (top,) = (path for path in tmp_path.iterdir() if path.is_dir())
    for name in (
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
        "CITATION.cff",
        "CONTRIBUTING.md",
        "pyproject.toml",
        "tests/test_packaging.py",
    ):
        assert (top / name).is_file(), name
    kept = {path.relative_to(top / "tests") for path in (top / "tests").rglob("*") if path.is_file()}
    ours = {
        path.relative_to(ROOT / "tests")
        for path in (ROOT / "tests").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert ours <= kept
    assert names_of(build("wheel", tmp_path / "again", top)) == names_of(wheel)


def test_one_version_everywhere():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8").splitlines()
    assert f"version: {femsim.__version__}" in citation
    assert f"## [{femsim.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_dependency_is_named_with_its_licence():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = [row for row in readme[readme.index("## Dependencies") :].splitlines() if row.startswith("| ")]
    extras = project["optional-dependencies"]
    named = [
        *project["dependencies"],
        *(each for extra, needs in extras.items() if extra not in {"test", "dev"} for each in needs),
    ]
    for package in {each.split(">=")[0] for each in named if not each.startswith("femsim[")}:
        assert any(package in row.split("|")[1] for row in table), package
