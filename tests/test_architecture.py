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
MODULES = sorted((ROOT / "femsim").rglob("*.py"))
LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
HEAVY = ("numpy", "scipy", "matplotlib", "skfem", "meshio", "jinja2", "pydantic")


def lint(directory: Path) -> subprocess.CompletedProcess[str]:
    """Run the import contracts of pyproject.toml on the package in ``directory``."""
    return subprocess.run([sys.executable, "-c", LINT], cwd=directory, capture_output=True, text=True, timeout=120, check=False)


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_imports_go_down_only():
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "statement", "complaint"),
    [
        ("units.py", "import femsim.run", "layers: imports go down only BROKEN"),
        ("linear.py", "def late():\n    from femsim.solve import solve\n", "layers: imports go down only BROKEN"),
        ("solve.py", "import femsim.case", "no stack and no library BROKEN"),
        ("mesh.py", "import matplotlib", "no stack and no library BROKEN"),
        ("unplaced.py", "", "unplaced"),
    ],
)
def test_contracts_fail_when_broken(tmp_path, module, statement, complaint):
    shutil.copytree(ROOT / "femsim", tmp_path / "femsim", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / "femsim" / module).open("a", encoding="utf-8") as stream:
        stream.write(f"\n{statement}\n")
    done = lint(tmp_path)
    assert done.returncode != 0
    assert complaint in " ".join(done.stdout.split())


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_modules_are_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 500


@pytest.mark.parametrize("path", [path for path in MODULES if not path.name.startswith(("cli", "__main__"))], ids=name)
def test_only_the_command_line_prints_or_exits(path):
    """Library code returns, raises and warns."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"print", "exit", "quit", "input"}:
            found.append(f"{node.lineno}: {node.func.id}()")
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            dotted = f"{node.value.id}.{node.attr}"
            if dotted in {"sys.exit", "os._exit", "sys.stdout", "sys.argv"}:
                found.append(f"{node.lineno}: {dotted}")
        if isinstance(node, ast.Raise) and "SystemExit" in ast.dump(node):  # catching a library's is fine
            found.append(f"{node.lineno}: SystemExit")
    assert not found


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_modules_say_what_they_are_for(path):
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def loaded(statement: str, names: tuple[str, ...]) -> set[str]:
    """Which of ``names`` a fresh interpreter has loaded after ``statement``."""
    code = f"import sys\n{statement}\nprint(*({names!r} & sys.modules.keys()), file=sys.stderr)".replace(repr(names), repr(set(names)))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize(
    ("statement", "forbidden"),
    [
        ("import femsim", HEAVY),
        ("import femsim.cli", HEAVY),
        ("from femsim.cli import main; main(['--help'])", HEAVY),
        ("from femsim.cli import main; assert main(['materials']) == 0", tuple(set(HEAVY) - {"pydantic"})),
        ("from femsim.cli import main; assert main(['stacks', 'bilayer']) == 0", tuple(set(HEAVY) - {"pydantic"})),
        ("import femsim.run", ("matplotlib", "jinja2", "meshio")),
    ],
)
def test_heavy_imports_wait(statement, forbidden):
    assert loaded(statement, forbidden) == set()


def test_heavy_packages_are_there():
    """Else the test above would pass on an empty installation."""
    assert [package for package in HEAVY if importlib.util.find_spec(package) is None] == []
