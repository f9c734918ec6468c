"""Rules of the code that a reader relies on: imports go down, modules stay short, the command line starts quickly."""

from __future__ import annotations

import ast
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TREES = {
    str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "femsim").rglob("*.py")
}
LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
HEAVY = ("numpy", "scipy", "matplotlib", "skfem", "meshio", "jinja2", "pydantic")
LONGEST = 500


def lint(directory: Path) -> subprocess.CompletedProcess[str]:
    """Run the import contracts of pyproject.toml on the package in ``directory``."""
    return subprocess.run(
        [sys.executable, "-c", LINT], cwd=directory, capture_output=True, text=True, timeout=120, check=False
    )


def test_imports_go_down_only():
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_contracts_fail_when_broken(tmp_path):
    """Every contract catches its offence, all broken in one copy of the package."""
    shutil.copytree(ROOT / "femsim", tmp_path / "femsim", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for module, statement in {
        "base/units.py": "import femsim.runs.run",
        "solvers/factor.py": "def late():\n    from femsim.measures.goals import Goal\n",
        "models/model.py": "import femsim.cases.case",
        "meshes/mesh.py": "import matplotlib",
        "builders/build.py": "import meshio",
    }.items():
        with (tmp_path / "femsim" / module).open("a", encoding="utf-8") as stream:
            stream.write(f"\n{statement}\n")
    said = " ".join(lint(tmp_path).stdout.split())
    for broken in (
        "femsim.base is not allowed to import femsim.runs",
        "femsim.solvers is not allowed to import femsim.measures",
        "femsim.models is not allowed to import femsim.cases",
        "femsim.meshes is not allowed to import matplotlib",
        "femsim.builders is not allowed to import meshio",
    ):
        assert broken in said
    (tmp_path / "femsim" / "unplaced.py").touch()
    assert "unplaced" in lint(tmp_path).stdout


def test_modules_are_short_and_say_what_they_are_for():
    assert [name for name, tree in TREES.items() if not ast.get_docstring(tree)] == []
    lengths = {name: len((ROOT / name).read_text(encoding="utf-8").splitlines()) for name in TREES}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def offences(tree: ast.Module) -> list[str]:
    """Prints and exits in a module."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in {"print", "exit", "quit", "input"}:
                found.append(f"{node.lineno}: {node.func.id}()")
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            dotted = f"{node.value.id}.{node.attr}"
            if dotted in {"sys.exit", "os._exit", "sys.stdout", "sys.argv"}:
                found.append(f"{node.lineno}: {dotted}")
        elif isinstance(node, ast.Raise) and "SystemExit" in ast.dump(node):  # catching a library's is fine
            found.append(f"{node.lineno}: SystemExit")
    return found


def test_only_the_command_line_prints_or_exits():
    """Library code returns, raises and warns."""
    library = {name: tree for name, tree in TREES.items() if not name.startswith(("femsim/cli/", "femsim/__main__"))}
    assert {name: found for name, tree in library.items() if (found := offences(tree))} == {}
    assert offences(ast.parse("print(1)\nsys.exit(2)\nraise SystemExit")) != []


def loaded(statement: str, names: tuple[str, ...]) -> set[str]:
    """Which of ``names`` a fresh interpreter has loaded after ``statement``."""
    code = f"import sys\n{statement}\nprint(*({set(names)!r} & sys.modules.keys()), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize(
    ("statement", "forbidden"),
    [
        ("import femsim", HEAVY),
        ("import femsim.cli.main", HEAVY),
        ("from femsim.cli.main import main; main(['--help'])", HEAVY),
        ("from femsim.cli.main import main; assert main(['materials']) == 0", tuple(set(HEAVY) - {"pydantic"})),
        ("from femsim.cli.main import main; assert main(['stacks', 'bilayer']) == 0", tuple(set(HEAVY) - {"pydantic"})),
        ("import femsim.runs.run", ("matplotlib", "jinja2", "meshio", "skfem", "scipy.optimize", "femsim.meshes.read")),
        (
            "from femsim.base.later import load_later; load_later(); import scipy.sparse.linalg",
            ("numpy.f2py.f2py2e", "numpy.testing._private"),
        ),
        ("import femsim.reports.plots.figures", ("scipy", "skfem", "pydantic", "femsim.runs.run")),
        ("import femsim.reports.plots.plates, femsim.reports.page.pack", ("matplotlib", "scipy", "pydantic")),
    ],
)
def test_heavy_imports_wait(statement, forbidden):
    assert loaded(statement, forbidden) == set()


def test_heavy_packages_are_there():
    """Else the test above would pass on an empty installation."""
    assert [package for package in HEAVY if importlib.util.find_spec(package) is None] == []
