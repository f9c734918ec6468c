"""One point of a study: a run that measures only what the outputs need, and its row of numbers.

Every number is that of ``femsim solve --json`` for the same case (to rounding, in studies of so many points that
another solver pays): it is read from the same document, whoever measured what.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from femsim.base.errors import FemsimWarning, InputError, NumericsError
from femsim.cases.case import Case
from femsim.cases.own import conducts_only
from femsim.runs.names import outputs_of
from femsim.runs.results import results_dict
from femsim.runs.run import Run, run
from femsim.runs.wanted import EVERYTHING, needed

if TYPE_CHECKING:
    from femsim.runs.heat import HeatRun


@dataclass(frozen=True)
class Measured:
    """The numbers asked for, in their order, and the run they are from: the next point may take over from it."""

    values: tuple[float, ...]
    run: Run | HeatRun


def evaluate(case: Case, base: Path | None, outputs: Sequence[str], before: Run | HeatRun | None = None) -> Measured:
    """Run a case for some outputs, taking over from ``before`` what is the same.

    Outputs are given by name, key or dotted path (:mod:`femsim.runs.names`). Raises InputError and NumericsError as a
    run does, and where the results lack an output or have no finite number for it.
    """
    done = quietly(case, base, needed(outputs), before)
    found = outputs_of(document_of(done))
    known = {text: o.value for o in reversed(found) for text in (o.path, o.name, o.key)}
    return Measured(tuple(_value(known, text) for text in outputs), done)


def quietly(
    case: Case, base: Path | None, wanted: frozenset[str] = EVERYTHING, before: Run | HeatRun | None = None
) -> Run | HeatRun:
    """A run without its warnings; of heat alone, where the materials only conduct."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FemsimWarning)
        if conducts_only(case):
            from femsim.runs.heat import run_heat

            return run_heat(case, base)
        return run(case, base, wanted=wanted, before=before if isinstance(before, Run) else None)


def document_of(done: Run | HeatRun) -> dict[str, Any]:
    """The JSON document of ``solve`` for either kind of run."""
    if isinstance(done, Run):
        return results_dict(done)
    from femsim.runs.heat import heat_run_dict

    return heat_run_dict(done)


def _value(known: dict[str, float], text: str) -> float:
    if text not in known:
        raise InputError(f"{text.replace('#1.', '.')}: the results of this point have no such number")
    if not math.isfinite(known[text]):
        raise NumericsError(f"{text.replace('#1.', '.')}: not a finite number at this point")
    return known[text]
