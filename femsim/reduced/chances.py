"""What scatter does to a ranking: draws of every case's metrics, and how likely each case is the lowest.

A lot is drawn once for all cases that have it, unless lots are separate: cases made of one batch of resin differ by
less than cases made of two. Which of the two is asked for decides the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.base.errors import InputError
from femsim.reduced.response import Response, response_of
from femsim.runs.compare import Comparison, metrics_of
from femsim.runs.scatter import Uncertain

DRAWS = 100_000


@dataclass(frozen=True)
class Drawn:
    """Draws of all cases: the numbers (n, p) of each and its metrics (n, m), plain and with the ``noise`` of what its
    form misses.
    """

    numbers: tuple[FloatArray, ...]
    plain: tuple[FloatArray, ...]
    noise: tuple[FloatArray, ...]

    @property
    def values(self) -> FloatArray:
        """Metrics (n, m, cases) with noise."""
        return np.stack([a + b for a, b in zip(self.plain, self.noise, strict=True)], axis=2)


def draw(responses: Sequence[Response], shared: bool, draws: int, seed: int = 20240607) -> Drawn:
    """Draw what scatters in every case, and the metrics."""
    rng = np.random.default_rng(seed)
    lots: dict[str, FloatArray] = {}
    numbers, plain, noise = [], [], []
    for index, response in enumerate(responses):
        x = np.empty((draws, len(response.uncertain)))
        for k, u in enumerate(response.uncertain):
            lot = lot_of(u, index, shared)
            if lot not in lots:
                lots[lot] = rng.random(draws)
            x[:, k] = u.at(lots[lot])
        numbers.append(x)
        values = response.at(x)
        plain.append(values)
        noise.append(response.misfit * rng.standard_normal(values.shape))
    return Drawn(tuple(numbers), tuple(plain), tuple(noise))


def lot_of(u: Uncertain, case: int, shared: bool) -> str:
    """The name of the lot a case takes a number from."""
    separate = not shared if u.separate is None else u.separate
    return f"{u.lot}|{case}" if separate else u.lot


def lowest(values: FloatArray) -> FloatArray:
    """How often (m, cases) each case has the smallest magnitude of values (draws, m, cases); ties are shared."""
    size = np.abs(values)
    least = size == size.min(axis=2, keepdims=True)
    return np.asarray((least / least.sum(axis=2, keepdims=True)).mean(axis=0))


@dataclass(frozen=True)
class Chances:
    """Probabilities (m, cases) that each case is the lowest, their standard errors, mean and deviation of each metric
    (m, cases) in MPa, and the responses they are from.
    """

    metrics: tuple[str, ...]
    probability: FloatArray
    standard_error: FloatArray
    mean: FloatArray
    deviation: FloatArray
    responses: tuple[Response, ...]
    shared: bool
    draws: int

    def add_to(self, document: dict[str, Any]) -> dict[str, Any]:
        """The JSON of ``compare`` with these numbers."""
        for k, name in enumerate(self.metrics):
            document["metrics"][name] |= {
                "probability_lowest": self.probability[k].tolist(),
                "standard_error": self.standard_error[k].tolist(),
                "mean": self.mean[k].tolist(),
                "deviation": self.deviation[k].tolist(),
                "misfit": [float(response.misfit[k]) for response in self.responses],
            }
        document["uncertain"] = {
            "draws": self.draws,
            "lots": "shared" if self.shared else "separate",
            "factors": [{u.keys[0]: [u.low, u.high] for u in response.uncertain} for response in self.responses],
            "not_reduced": [response.why or None for response in self.responses],
        }
        return document


def chances(
    comparison: Comparison, shared: bool = True, draws: int = DRAWS, say: Callable[[str], None] | None = None
) -> Chances:
    """The probability that each case is the lowest, for every metric that all cases have.

    Raises InputError where no material of any case states a range, and for ranges that a case cannot take.
    """
    tell = say or (lambda text: None)
    metrics = tuple(row.name for row in comparison.metrics if None not in row.values)
    if not metrics:
        raise InputError("--uncertain: there is no metric that all cases have")
    responses = []
    for one in comparison.contenders:

        def named(text: str, name: str = one.name) -> None:
            tell(f"{name}: {text}")

        responses.append(response_of(one.case, one.base, metrics, named, metrics_of(one.document)))
    if not any(response.uncertain for response in responses):
        raise InputError(
            "--uncertain: no material states a range, neither in the library nor in the case; give [uncertain], as "
            '"materials.low.E" = [2.5, 3.5]'
        )
    found = draw(responses, shared, draws)
    chance, without = lowest(found.values), lowest(np.stack(found.plain, axis=2))
    error = np.sqrt(chance * (1.0 - chance) / draws + (chance - without) ** 2)
    values = found.values
    return Chances(metrics, chance, error, values.mean(axis=0), values.std(axis=0), tuple(responses), shared, draws)
