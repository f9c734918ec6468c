"""The programs that are timed: how each is found, started and read. A new peer is one entry here and one script in
``peers``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from problem import ROOT, SOLID_SIZES, overrides

PEERS = Path(__file__).resolve().parent / "peers"
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
CLI = "import sys; from femsim.__main__ import main; sys.exit(main())"

Command = Callable[[str, str, Path], list[str]]


@dataclass(frozen=True)
class Program:
    """One line of the table. ``needs`` are importable modules of a Python among ``homes``, or, with a slash, commands
    on the path.

    ``command(python, size, directory)`` runs in ``directory``, which holds the problem, and leaves ``key.npz`` there;
    ``collect`` makes that file from other output where the program cannot, outside its time. ``group`` names what
    counts as one peer; ``extra`` lines are femsim's own and no match for the peers; ``solid`` ones know the problem in
    space too.
    """

    key: str
    label: str
    group: str
    needs: tuple[str, ...]
    homes: tuple[str, ...]
    command: Command
    collect: Callable[[Path], None] | None = None
    environment: dict[str, str] = field(default_factory=dict)
    threads: int = 2
    extra: bool = False
    solid: bool = False

    def solves(self, size: str) -> bool:
        """Whether it has a script for the problem of a size."""
        return self.solid or size not in SOLID_SIZES


def _of_size(script: str, size: str) -> str:
    """The script that solves the problem of a size: with_... in the plane, space_... in space."""
    return script.replace("with_", "space_") if size in SOLID_SIZES else script


def _script(name: str, key: str, *arguments: str, size: bool = False) -> Command:
    def command(python: str, wanted: str, directory: Path) -> list[str]:
        more = [wanted] if size else []
        return [python, str(PEERS / _of_size(name, wanted)), "problem.npz", f"{key}.npz", *more, *arguments]

    return command


def _cli(*arguments: str) -> Command:
    def command(python: str, size: str, directory: Path) -> list[str]:
        sets = [word for text in overrides(size) for word in ("--set", text)]
        return [python, "-c", CLI, "solve", "bilayer", *sets, "--json", "--quiet", *arguments]

    return command


def _two_processes(python: str, size: str, directory: Path) -> list[str]:
    mpirun = ["mpirun", "--allow-run-as-root", "--oversubscribe", "-n", "2"]
    return [*mpirun, python, str(PEERS / _of_size("with_dolfinx.py", size)), "problem.npz", "dolfinx-mpi.npz"]


def _calculix(python: str, size: str, directory: Path) -> list[str]:
    return ["ccx", "problem"]


def _calculix_collect(directory: Path) -> None:
    script, files = str(PEERS / "calculix.py"), ("problem.npz", "problem.dat", "calculix.npz")
    subprocess.run([sys.executable, script, *files], cwd=directory, check=True)


_FEMSIM = ("numpy", "scipy", "skfem", "pydantic", "tomli_w")
_WITH_MKL = (*_FEMSIM, "pypardiso")
#: as the command line sets it: numpy's threads would stand in the way of femsim's own
_OWN = {"OPENBLAS_NUM_THREADS": "1"}
_PLAIN = {"FEMSIM_SOLVER": "superlu", **_OWN}

PROGRAMS = (
    Program(
        "femsim",
        "femsim + MKL PARDISO",
        "femsim",
        _WITH_MKL,
        ("femsim",),
        _script("femsim_solve.py", "femsim", size=True),
        environment=_OWN,
        solid=True,
    ),
    Program(
        "femsim-plain",
        "femsim, plain install (SuperLU)",
        "femsim-plain",
        _FEMSIM,
        ("femsim",),
        _script("femsim_solve.py", "femsim-plain", size=True),
        environment=_PLAIN,
    ),
    Program(
        "dolfinx",
        "dolfinx + MUMPS, 2 threads",
        "dolfinx",
        ("dolfinx",),
        ("dolfinx", "/usr/bin/python3"),
        _script("with_dolfinx.py", "dolfinx"),
        solid=True,
    ),
    Program(
        "dolfinx-mpi",
        "dolfinx + MUMPS, 2 processes",
        "dolfinx",
        ("dolfinx", "/mpirun"),
        ("dolfinx", "/usr/bin/python3"),
        _two_processes,
        threads=1,
        solid=True,
    ),
    Program(
        "ngsolve",
        "NGSolve, sparse Cholesky",
        "ngsolve",
        ("ngsolve",),
        ("ngsolve",),
        _script("with_ngsolve.py", "ngsolve"),
        solid=True,
    ),
    Program(
        "sfepy",
        "SfePy + MKL PARDISO",
        "sfepy",
        ("sfepy", "pypardiso"),
        ("sfepy",),
        _script("with_sfepy.py", "sfepy", "pypardiso"),
    ),
    Program(
        "skfem-pardiso",
        "scikit-fem + MKL PARDISO",
        "skfem-pardiso",
        ("skfem", "pypardiso"),
        ("skfem", "femsim"),
        _script("scikit_fem.py", "skfem-pardiso", "pardiso"),
    ),
    Program(
        "skfem",
        "scikit-fem + SuperLU",
        "skfem",
        ("skfem",),
        ("skfem", "femsim"),
        _script("scikit_fem.py", "skfem", "superlu"),
    ),
    Program("calculix", "CalculiX + SPOOLES", "calculix", ("/ccx",), (), _calculix, _calculix_collect, solid=True),
    Program("femsim-json", "femsim solve --json", "femsim-json", _WITH_MKL, ("femsim",), _cli(), extra=True),
    Program(
        "femsim-json-plain",
        "femsim solve --json, plain install",
        "femsim-json-plain",
        _FEMSIM,
        ("femsim",),
        _cli(),
        environment=_PLAIN,
        extra=True,
    ),
    Program(
        "femsim-out",
        "femsim solve --out (figures, report)",
        "femsim-out",
        _WITH_MKL,
        ("femsim",),
        _cli("--out", "out"),
        extra=True,
    ),
    Program(
        "femsim-again",
        "femsim, a second temperature and CTE",
        "femsim-again",
        _WITH_MKL,
        ("femsim",),
        _script("femsim_solve.py", "femsim-again", "--again", size=True),
        environment=_OWN,
        extra=True,
    ),
)


def pythons(homes: tuple[str, ...], environments: Path) -> list[str]:
    """Interpreters to look into: environments of these names, interpreters by path, the running one."""
    found = [str(Path(home) if home.startswith("/") else environments / home / "bin" / "python") for home in homes]
    return [path for path in (*found, sys.executable) if Path(path).exists()]


def has(python: str, modules: tuple[str, ...]) -> bool:
    """Whether an interpreter finds all modules."""
    code = f"import importlib.util as u, sys; sys.exit(not all(u.find_spec(m) for m in {modules!r}))"
    return subprocess.run([python, "-c", code], capture_output=True, check=False, cwd="/").returncode == 0


def find(program: Program, environments: Path) -> str | None:
    """Interpreter (or ``""`` where none is needed) that can run a program; None where it is not installed."""
    modules = tuple(name for name in program.needs if not name.startswith("/"))
    if any(shutil.which(name[1:]) is None for name in program.needs if name.startswith("/")):
        return None
    if not modules:
        return ""
    return next((python for python in pythons(program.homes, environments) if has(python, modules)), None)


def surroundings(program: Program) -> dict[str, str]:
    """Environment of a program: its threads, its settings; femsim from this checkout."""
    # compiled bytecode is kept, as for an installed package: the peers' has been since their installation
    left_out = {"FEMSIM_SOLVER", "PYTHONDONTWRITEBYTECODE"}
    variables = {name: value for name, value in os.environ.items() if name not in left_out}
    variables |= dict.fromkeys(THREADS, str(program.threads)) | program.environment
    if program.group.startswith("femsim"):
        variables["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return variables
