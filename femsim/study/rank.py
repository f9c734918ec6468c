"""Which design is lower when materials and dimensions scatter: draws of every design, and what follows from them.

For designs i and j, with the same draw of every lot they have in common,

    P_ij = P(|J_i| < |J_j|),   undecided share = P(||J_i| - |J_j|| <= e_i + e_j),

where e is the discretisation error of the nominal solve and twice what the design's reduced model was seen to miss. The
robust optimum has the least mean + k sd, or percentile, of the magnitude; the nominal one the least magnitude without
scatter. What is worth tightening is seen by halving one scatter after the other with the same draws.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.base.errors import InputError
from femsim.cases.case import Case
from femsim.cases.casefile import changed_case
from femsim.reduced.chances import Drawn, draw, lowest
from femsim.reduced.crew import crew
from femsim.reduced.response import Response, response_of
from femsim.study.schema import RankSpec
from femsim.study.surrogate import Surrogate, fit

#: designs that are worth more than one process
MANY = 4
#: draws behind sensitivity indices, and behind the worth of a tightening
FITTED, TIGHTENED = 2_000, 2_000
#: standard deviations of the robust optimum
SD = 2.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class Candidate:
    """A design: its case, and the values that make it one."""

    name: str
    values: dict[str, Any]
    case: Case


@dataclass(frozen=True)
class Swing:
    """What one scatter does to a design, everything else at its nominal value: the magnitude (MPa) at its ends, what
    share of the variance it has alone and with its interactions, and what halving it would take off the robust figure
    (MPa).
    """

    key: str
    lot: str
    ends: tuple[float, float]
    magnitude: tuple[float, float]
    first: float | None
    total: float | None
    tightened: float

    @property
    def width(self) -> float:
        """From end to end, MPa."""
        return abs(self.magnitude[1] - self.magnitude[0])


@dataclass(frozen=True)
class Ranked:
    """A design under scatter: magnitudes in MPa. ``robust`` is its mean + k sd or percentile with a standard error,
    ``above`` the probability of a magnitude above the limit with its standard error.
    """

    candidate: Candidate
    response: Response
    mean: float
    sd: float
    percentiles: tuple[float, float, float]
    robust: float
    robust_error: float
    lowest: float
    lowest_error: float
    above: tuple[float, float] | None
    swings: tuple[Swing, ...]
    fitted: float | None

    @property
    def nominal(self) -> float:
        """The magnitude without scatter, MPa."""
        return abs(float(self.response.nominal[0]))

    @property
    def error(self) -> float:
        """Its discretisation error and twice what the reduced model misses, MPa."""
        mesh = float(self.response.error[0])
        return (mesh if math.isfinite(mesh) else 0.0) + 2.0 * float(self.response.misfit[0])


@dataclass(frozen=True)
class Ranking:
    """Designs with the probabilities (designs, designs) that one is lower than another, their standard errors, and the
    share of draws that the numerical errors leave undecided; ``magnitudes`` (some draws, designs) for pictures.
    """

    study: str
    output: str
    spec: RankSpec
    designs: tuple[Ranked, ...]
    lower: FloatArray
    standard_error: FloatArray
    undecided: FloatArray
    magnitudes: FloatArray
    seconds: float
    remarks: tuple[str, ...] = ()

    @property
    def nominal_best(self) -> int:
        """The number of the design of least nominal magnitude."""
        return int(np.argmin([d.nominal for d in self.designs]))

    @property
    def robust_best(self) -> int:
        """The number of the design of the least robust figure."""
        return int(np.argmin([d.robust for d in self.designs]))

    @property
    def statistic(self) -> str:
        """What the robust optimum is the least of."""
        return statistic(self.spec)

    def to_dict(self) -> dict[str, Any]:
        """The JSON document of ``femsim rank``."""
        best = self.designs[self.robust_best]
        return {
            "study": self.study,
            "output": self.output,
            "unit": "MPa",
            "draws": self.spec.draws,
            "lots": self.spec.lots,
            "limit": self.spec.limit,
            "statistic": self.statistic,
            "designs": [_document(d) for d in self.designs],
            "probability_lower": self.lower.tolist(),
            "standard_error": self.standard_error.tolist(),
            "undecided": self.undecided.tolist(),
            "nominal_best": self.nominal_best,
            "robust_best": self.robust_best,
            "tighten_first": [s.key for s in sorted(best.swings, key=lambda s: -s.tightened) if s.tightened > 0.0],
            "remarks": list(self.remarks),
            "seconds": self.seconds,
        }


def statistic(spec: RankSpec) -> str:
    """What the robust optimum is the least of."""
    if spec.percentile is not None:
        return f"{spec.percentile:g} % percentile"
    return f"mean + {SD if spec.sd is None else spec.sd:g} sd"


def _document(d: Ranked) -> dict[str, Any]:
    r = d.response
    return {
        "name": d.candidate.name,
        "values": d.candidate.values,
        "nominal": float(r.nominal[0]),
        "error": float(r.error[0]),
        "misfit": float(r.misfit[0]),
        "mean": d.mean,
        "sd": d.sd,
        "percentiles": dict(zip(("5", "50", "95"), d.percentiles, strict=True)),
        "robust": d.robust,
        "robust_error": d.robust_error,
        "probability_lowest": d.lowest,
        "probability_lowest_error": d.lowest_error,
        "probability_above": None if d.above is None else {"value": d.above[0], "standard_error": d.above[1]},
        "method": "full solves" if r.why else "reduced",
        "why": r.why or None,
        "solves": r.solves,
        "scatter": [
            {
                "key": s.key,
                "lot": s.lot,
                "distribution": "normal" if u.normal else "uniform",
                "ends": list(s.ends),
                "added": u.added,
                "magnitude": list(s.magnitude),
                "swing": s.width,
                "sobol_first": s.first,
                "sobol_total": s.total,
                "gain_of_half": s.tightened,
            }
            for s, u in zip(d.swings, r.uncertain, strict=True)
        ],
        "sobol_quality": d.fitted,
    }


def rank(
    study: str,
    output: str,
    candidates: Sequence[Candidate],
    spec: RankSpec,
    base: Path | None,
    workers: int = 1,
    say: Say = lambda text: None,
    remarks: Sequence[str] = (),
) -> Ranking:
    """Draw designs and rank them by the magnitude of one root average.

    Raises InputError where nothing scatters, a case lacks the average, or a range cannot be taken.
    """
    begun = time.perf_counter()
    cases = [_scattering(c.case, spec.uncertain) for c in candidates]
    responses = _responses(cases, base, output, workers, say, [c.name for c in candidates])
    if not any(response.uncertain for response in responses):
        raise InputError(
            "rank: nothing scatters: no material states a range, neither in the library nor in the case; give "
            '[uncertain] in the case or [rank.uncertain] in the study, as "geometry.high_thickness" = { sd = 0.5 }'
        )
    say(f"{spec.draws} draws of {len(responses)} designs")
    drawn = draw(responses, spec.lots == "shared", spec.draws)
    with_noise, plain = np.abs(drawn.values[:, 0]), np.abs(np.column_stack([v[:, 0] for v in drawn.plain]))
    low, error, undecided = _pairs(with_noise, plain, np.array([_slack(r) for r in responses]))
    chance, without = lowest(drawn.values)[0], lowest(np.stack(drawn.plain, axis=2))[0]
    say("what each scatter does")
    designs = []
    for k, (candidate, response) in enumerate(zip(candidates, responses, strict=True)):
        values = with_noise[:, k]
        robust, robust_error = _robust(values, spec)
        fitted = _fitted(response, drawn, k)
        spread = math.sqrt(chance[k] * (1.0 - chance[k]) / spec.draws + (chance[k] - without[k]) ** 2)
        designs.append(
            Ranked(
                candidate,
                response,
                float(values.mean()),
                float(values.std()),
                (float((q := np.quantile(values, [0.05, 0.5, 0.95]))[0]), float(q[1]), float(q[2])),
                robust,
                robust_error,
                float(chance[k]),
                spread,
                _above(values, plain[:, k], spec.limit),
                _swings(response, drawn.numbers[k][:TIGHTENED], spec, fitted),
                None if fitted is None else fitted.quality,
            )
        )
    told = [*remarks, *_told(responses, candidates)]
    return Ranking(
        study,
        output,
        spec,
        tuple(designs),
        low,
        error,
        undecided,
        with_noise[:5000],
        time.perf_counter() - begun,
        tuple(told),
    )


def _told(responses: Sequence[Response], candidates: Sequence[Candidate]) -> list[str]:
    found = []
    for why in dict.fromkeys(r.why for r in responses if r.why):
        names = ", ".join(c.name for c, r in zip(candidates, responses, strict=True) if r.why == why)
        found.append(f"{names}: by full solves and a quadratic form, no reduced basis: {why}")
    for c, r in zip(candidates, responses, strict=True):
        level = float(np.abs(r.nominal[0])) or 1.0
        if r.misfit[0] > 0.02 * level:
            found.append(f"{c.name}: its response is known to {100 * r.misfit[0] / level:.2g} % only")
    return found


def _scattering(case: Case, more: Mapping[str, Any]) -> Case:
    """The case with further entries of [uncertain]."""
    if not more:
        return case
    given = {**case.uncertain, **more}
    return case.model_copy(update={"uncertain": given})


def _responses(
    cases: Sequence[Case], base: Path | None, output: str, workers: int, say: Say, names: Sequence[str]
) -> list[Response]:
    if workers < 2 or len(cases) < MANY:
        return [
            response_of(case, base, [output], lambda text, name=name: say(f"{name}: {text}"))  # type: ignore[misc]
            for case, name in zip(cases, names, strict=True)
        ]
    with crew(min(workers, len(cases))) as team:
        assert team.pool is not None
        found = []
        for k, one in enumerate(team.pool.map(_respond, cases, [base] * len(cases), [output] * len(cases))):
            found.append(one)
            say(f"{k + 1} of {len(cases)} designs")
    return found


def _respond(case: Case, base: Path | None, output: str) -> Response:
    return response_of(case, base, [output])


def _slack(response: Response) -> float:
    mesh = float(response.error[0])
    return (mesh if math.isfinite(mesh) else 0.0) + 2.0 * float(response.misfit[0])


def _pairs(noisy: FloatArray, plain: FloatArray, slack: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """P(i < j) with standard errors, which hold what noise moves it by, and undecided shares (k, k) of magnitudes
    (n, k).
    """
    n, k = noisy.shape
    chance, error, undecided = np.full((k, k), 0.5), np.zeros((k, k)), np.ones((k, k))
    for i in range(k):
        for j in range(i + 1, k):
            p, q = (float(np.mean(v[:, i] < v[:, j]) + 0.5 * np.mean(v[:, i] == v[:, j])) for v in (noisy, plain))
            chance[i, j], chance[j, i] = p, 1.0 - p
            error[i, j] = error[j, i] = math.sqrt(p * (1.0 - p) / n + (p - q) ** 2)
            close = float(np.mean(np.abs(noisy[:, i] - noisy[:, j]) <= slack[i] + slack[j]))
            undecided[i, j] = undecided[j, i] = close
    return chance, error, undecided


def _robust(values: FloatArray, spec: RankSpec) -> tuple[float, float]:
    """The robust figure of magnitudes (n,) and its standard error."""
    n = len(values)
    if spec.percentile is not None:
        p = spec.percentile / 100.0
        step = math.sqrt(p * (1.0 - p) / n)
        ends = np.quantile(values, np.clip([p - step, p, p + step], 0.0, 1.0))
        return float(ends[1]), float(0.5 * (ends[2] - ends[0]))
    k = SD if spec.sd is None else spec.sd
    mean, sd = float(values.mean()), float(values.std())
    if sd == 0.0:
        return mean, 0.0
    # delta method: variances of mean and sd, and their covariance, from the moments
    z = (values - mean) / sd
    skew, tail = float(np.mean(z**3)), float(np.mean(z**4))
    return mean + k * sd, sd * math.sqrt(max(1.0 + k * skew + 0.25 * k * k * (tail - 1.0), 0.0) / n)


def _above(values: FloatArray, plain: FloatArray, limit: float | None) -> tuple[float, float] | None:
    if limit is None:
        return None
    p, q = float(np.mean(values > limit)), float(np.mean(plain > limit))
    return p, math.sqrt(p * (1.0 - p) / len(values) + (p - q) ** 2)


def _fitted(response: Response, drawn: Drawn, k: int) -> Surrogate | None:
    """A polynomial through some draws of a design, whose squares are the shares of the variance; None where it has too
    few terms or nothing varies.
    """
    if not response.uncertain:
        return None
    x = drawn.numbers[k][:FITTED]
    u = np.column_stack([one.probability(x[:, i]) for i, one in enumerate(response.uncertain)])
    return fit(u, np.abs(drawn.plain[k][:FITTED, 0]))


def _swings(response: Response, x: FloatArray, spec: RankSpec, fitted: Surrogate | None) -> tuple[Swing, ...]:
    centre = response.centre
    whole = _robust(np.abs(response.at(x)[:, 0]), spec)[0]
    indices = None if fitted is None else fitted.indices()
    found = []
    for i, u in enumerate(response.uncertain):
        ends = np.repeat(centre[None], 2, axis=0)
        ends[:, i] = u.low, u.high
        sizes = np.abs(response.at(ends)[:, 0])
        half = x.copy()
        half[:, i] = 0.5 * (x[:, i] + 0.5 * (u.low + u.high))
        gain = whole - _robust(np.abs(response.at(half)[:, 0]), spec)[0]
        first, total = (None, None) if indices is None else (float(indices[0, i]), float(indices[1, i]))
        limits = (u.low, u.high)
        found.append(Swing(u.keys[0], u.lot, limits, (float(sizes[0]), float(sizes[1])), first, total, gain))
    return tuple(found)


def candidate(name: str, case: Case, values: dict[str, Any]) -> Candidate:
    """A design from a case and changed values. Raises InputError for values that the case does not take."""
    return Candidate(name, values, changed_case(case, values))
