"""What the three studies share: solving a design for its root averages only, tables, pages, figures."""

from __future__ import annotations

import argparse
import csv
import warnings
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from femsim.base.errors import FemsimWarning
from femsim.base.files import atomic_write

HERE = Path(__file__).resolve().parent
NUMBERS = (
    "design", "root", "x_um", "y_um", "length_um", "peel_MPa", "peel_error", "shear_MPa", "shear_error", "von_mises_MPa",  # noqa: E501
    "von_mises_error", "claims_that_hold",
)  # fmt: skip


@dataclass(frozen=True)
class Average:
    """Averages (MPa) at one root for one length (um), with their error estimates."""

    root: str
    at: tuple[float, float]
    length: float
    peel: float
    shear: float
    von_mises: float
    peel_error: float
    shear_error: float
    von_mises_error: float


@dataclass(frozen=True)
class Design:
    """A shipped case with overrides, and the verdicts of the claims on it."""

    case: str
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """A solved design."""

    design: Design
    averages: tuple[Average, ...]
    claims: dict[int, bool | None]

    def at(self, root: str, length: float = 5.0, outermost: bool = True) -> Average:
        """The averages at a root; of walls on both sides of a ring the outer one's."""
        found = [a for a in self.averages if a.root == root and a.length == length]
        if not found:  # the conductor is smaller than the averaging length
            nan = float("nan")
            return Average(root, (nan, nan), length, nan, nan, nan, nan, nan, nan)
        return max(found, key=lambda a: a.at[0] if outermost else -a.at[0])

    def has(self, root: str) -> bool:
        """Whether the design has a root of that name."""
        return any(a.root == root for a in self.averages)


def measure(design: Design) -> Result:
    """Solve a design and take its root averages with error estimates (without the singular fields that a report
    shows).
    """
    from femsim.builders.build import build_model, discretise, resolve_materials
    from femsim.cases.casefile import load_case
    from femsim.measures.averages import averages, root_metrics
    from femsim.measures.goal_errors import with_errors
    from femsim.solvers.solve import solve

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FemsimWarning)
        case, origin = load_case(design.case, design.overrides)
        disc = discretise(case, origin.base)
        model = build_model(disc, resolve_materials(case, disc))
        chosen = averages(model.space, disc.roots, disc.lengths)
        solution = solve(model)
        found = with_errors(solution, chosen, [root_metrics(solution.field, average) for average in chosen])
    return Result(
        design,
        tuple(
            Average(
                m.root.name,
                m.root.at,
                m.length,
                m.peel,
                m.shear,
                m.von_mises,
                m.peel_error,
                m.shear_error,
                m.von_mises_error,
            )
            for m in found
        ),
        verdicts(design),
    )


def verdicts(design: Design) -> dict[int, bool | None]:
    """What the claims say of a design."""
    from femsim.cases.casefile import load_case
    from femsim.claims import evaluate

    return {
        number: claim.holds for number, claim in evaluate(load_case(design.case, design.overrides)[0]).claims.items()
    }


def measure_all(designs: Iterable[Design], given: argparse.Namespace, numbers: str) -> list[Result]:
    """All designs in order, each solved once; with ``--redraw`` taken from the file of numbers of an earlier run."""
    wanted = list(designs)
    once = list(dict.fromkeys(wanted))
    workers = given.workers
    if given.redraw:
        known = read_numbers(given.out / numbers)
        found = {d: Result(d, known[" ".join(d.overrides)], verdicts(d)) for d in once}
    elif workers > 1:
        with ProcessPoolExecutor(workers) as pool:
            found = dict(zip(once, pool.map(measure, once), strict=True))
    else:
        found = {}
        for number, design in enumerate(once, 1):
            print(f"{number}/{len(once)} {' '.join(design.overrides)[:110]}", flush=True)
            found[design] = measure(design)
    return [found[design] for design in wanted]


def arguments(description: str, *switches: str) -> argparse.Namespace:
    """``--quick``: a coarse mesh and few designs, into a directory of its own; ``--out``, ``--workers``."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="a coarse mesh and few designs; minutes become seconds")
    parser.add_argument(
        "--out",
        type=Path,
        help="directory for page, figure and numbers (default: beside the script, quick/ with --quick)",
    )
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument(
        "--redraw", action="store_true", help="page and figure again from the numbers of an earlier run"
    )
    for switch in switches:
        parser.add_argument(f"--{switch}", action="store_true", help="see above")
    given = parser.parse_args()
    if given.out is None:
        given.out = HERE / "quick" if given.quick else HERE
    given.out.mkdir(parents=True, exist_ok=True)
    return given


def table(rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table, the first row its head."""
    text = [[str(cell) for cell in row] for row in rows]
    rule = ["---"] + ["---:"] * (len(text[0]) - 1)
    return "\n".join("| " + " | ".join(row) + " |" for row in [text[0], rule, *text[1:]]) + "\n"


def value(number: float, error: float) -> str:
    """A stress with its error estimate, MPa."""
    if number != number:
        return "-"
    return f"{number:.1f} ± {error:.1f}" if error < 9.95 else f"{number:.0f} ± {error:.0f}"


def write_numbers(path: Path, results: Sequence[Result]) -> None:
    """All averages as CSV, one row each."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(NUMBERS)
        for design, averages, claims in dict.fromkeys((r.design, r.averages, tuple(r.claims.items())) for r in results):
            held = " ".join(str(n) for n, holds in claims if holds)
            for number, a in enumerate(averages):
                pairs = ((a.peel, a.peel_error), (a.shear, a.shear_error), (a.von_mises, a.von_mises_error))
                values = [text for stress, error in pairs for text in (f"{stress:.4g}", f"{error:.2g}")]
                first = ("", "") if number else (" ".join(design.overrides), held)
                writer.writerow([first[0], a.root, *a.at, a.length, *values, first[1]])


def read_numbers(path: Path) -> dict[str, tuple[Average, ...]]:
    """The averages by design of what ``write_numbers`` wrote; a design stands on its first row only."""
    found: dict[str, list[Average]] = {}
    design = ""
    with path.open(newline="", encoding="utf-8") as stream:
        for row in list(csv.reader(stream))[1:]:
            design = row[0] or design
            x, y, length, peel, peel_error, shear, shear_error, mises, mises_error = (float(cell) for cell in row[2:11])
            found.setdefault(design, []).append(
                Average(row[1], (x, y), length, peel, shear, mises, peel_error, shear_error, mises_error)
            )
    return {key: tuple(averages) for key, averages in found.items()}


def write_page(path: Path, *parts: str) -> None:
    """A page of text from its parts."""
    atomic_write(path, "\n".join(part.strip("\n") + "\n" for part in parts))


def worst(results: Sequence[Result]) -> str:
    """The largest error estimates of a study, in words."""
    every = [a for r in results for a in r.averages]
    peel, shear, mises = (max(getattr(a, f"{k}_error") for a in every) for k in ("peel", "shear", "von_mises"))
    return f"Largest error estimates of all averages: peel {peel:.2g}, shear {shear:.2g}, von Mises {mises:.2g} MPa."
