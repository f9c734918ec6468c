"""What the scatter of material data does to a ranking.

Every property whose library entry states a range (what other sources say), and every key of the case's ``[uncertain]``,
is a number drawn evenly from its range; a table over temperature is scaled as a whole. Each case's metrics are taken as

    J(x) = J0 + sum_i (a_i (x_i - x0_i) + b_i (x_i - x0_i)^2)

from three solves per property, on one mesh, with one factor where only an expansion coefficient moves. A few solves at
random points measure what this form leaves out (sums of properties' interactions); that much is added as a normal
error in the draws, and how far it moves a probability is part of the stated standard error.

A material that several cases take from the library is one lot, the same draw in all of them, unless lots are separate.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.base.errors import InputError
from femsim.builders.discretisation import Discretisation
from femsim.cases.case import Case
from femsim.cases.casefile import changed_case
from femsim.cases.library import SPEC_KEYS, read_material
from femsim.cases.material import CompositeSpec, MaterialRef, MaterialSpec
from femsim.cases.merge import merged
from femsim.cases.own import material_refs
from femsim.runs.compare import HIGHEST, Comparison, Contender, metrics_of
from femsim.runs.results import results_dict
from femsim.runs.rows import quietly
from femsim.runs.run import Run
from femsim.runs.wanted import needed

#: draws, and solves that check the form of the response
DRAWS, CHECKS = 100_000, 6
#: properties that move a stress
PROPERTIES = ("E", "nu", "G", "cte")
#: degC, the temperature that ranges are stated for
ROOM = 25.0


@dataclass(frozen=True)
class Uncertain:
    """Keys of a case that scatter together: ``low`` to ``high`` are factors of their value; equal ``lot`` in two cases
    means the same draw in both.
    """

    keys: tuple[str, ...]
    lot: str
    low: float
    high: float


@dataclass(frozen=True)
class Response:
    """A contender's metrics (m,) over its uncertain factors (p,): slopes and curvatures (p, m), and the rms (m,) of
    what they leave out, MPa.
    """

    uncertain: tuple[Uncertain, ...]
    nominal: FloatArray
    slope: FloatArray
    curvature: FloatArray
    misfit: FloatArray

    def at(self, factors: FloatArray) -> FloatArray:
        """Metrics (n, m) at factors (n, p)."""
        moved = factors - 1.0
        return np.asarray(self.nominal + moved @ self.slope + moved**2 @ self.curvature)


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
        responses.append(response_of(one, metrics, tell))
    if not any(response.uncertain for response in responses):
        raise InputError(
            "--uncertain: no material states a range, neither in the library nor in the case; give [uncertain], as "
            '"materials.low.E" = [2.5, 3.5]'
        )
    rng = np.random.default_rng(20240607)
    drawn: dict[str, FloatArray] = {}
    plain, noisy = [], []
    for index, response in enumerate(responses):
        factors = np.ones((draws, len(response.uncertain)))
        for k, u in enumerate(response.uncertain):
            lot = f"{u.lot}|{u.low:.12g}|{u.high:.12g}" + ("" if shared else f"|{index}")
            if lot not in drawn:
                drawn[lot] = rng.random(draws)
            factors[:, k] = u.low + (u.high - u.low) * drawn[lot]
        values = response.at(factors)
        plain.append(values)
        noisy.append(values + response.misfit * rng.standard_normal(values.shape))
    chance = _lowest(np.stack(noisy, axis=2))
    without = _lowest(np.stack(plain, axis=2))
    error = np.sqrt(chance * (1.0 - chance) / draws + (chance - without) ** 2)
    values = np.stack(noisy, axis=2)
    return Chances(metrics, chance, error, values.mean(axis=0), values.std(axis=0), tuple(responses), shared, draws)


def _lowest(values: FloatArray) -> FloatArray:
    """How often (m, cases) each case has the smallest magnitude of values (draws, m, cases); ties are shared."""
    size = np.abs(values)
    least = size == size.min(axis=2, keepdims=True)
    return np.asarray((least / least.sum(axis=2, keepdims=True)).mean(axis=0))


def response_of(one: Contender, metrics: Sequence[str], say: Callable[[str], None]) -> Response:
    """Solve a contender at the ends of each range and at a few random points."""
    wanted = needed(name for name in metrics if not name.startswith(f"{HIGHEST}."))
    before: Run | None = None

    def measured(factors: Mapping[Uncertain, float]) -> FloatArray:
        nonlocal before
        changes = {
            key: _scaled(_value_of(one.case, key), factor)
            for u, factor in factors.items()
            for key in u.keys
            if factor != 1.0
        }
        case: Case = changed_case(one.case, changes) if changes else one.case
        done = quietly(case, one.base, wanted, before)
        assert isinstance(done, Run)  # heat alone was refused
        before = done
        values = {name: value for name, (value, _) in metrics_of(results_dict(done)).items()}
        return np.array([values[name] for name in metrics])

    say(f"{one.name}: nominal")
    nominal = measured({})
    assert before is not None
    found = tuple(uncertain_of(one.case, _used(before.discretisation)))
    slope, curvature = np.zeros((len(found), len(metrics))), np.zeros((len(found), len(metrics)))
    for k, u in enumerate(found):
        say(f"{one.name}: {u.keys[0]}, {k + 1} of {len(found)}")
        moves = _moves(u)
        rises = np.array([measured({u: 1.0 + d}) - nominal for d in moves])
        slope[k], curvature[k] = np.linalg.solve(np.array([[d, d * d] for d in moves]), rises)
    misfit = np.zeros(len(metrics))
    response = Response(found, nominal, slope, curvature, misfit)
    if len(found) > 1:
        rng = np.random.default_rng(1)
        misses = []
        for number in range(CHECKS):
            say(f"{one.name}: check {number + 1} of {CHECKS}")
            x = np.array([u.low + (u.high - u.low) * rng.random() for u in found])
            true = measured({u: float(v) for u, v in zip(found, x, strict=True)})
            misses.append(true - response.at(x[None])[0])
        misfit = np.sqrt(np.mean(np.array(misses) ** 2, axis=0))
    return Response(found, nominal, slope, curvature, misfit)


def _used(disc: Discretisation) -> set[str]:
    """Regions of the body and the roles they have, members of smeared rings too."""
    regions, layout = set(disc.mesh.regions), disc.layout
    if layout is None:
        return regions
    smeared = {
        role
        for region in regions & layout.smears.keys()
        for role in (layout.smears[region].member, layout.smears[region].matrix)
    }
    return regions | {layout.roles.get(region, region) for region in regions} | {role for role in smeared if role}


def _moves(u: Uncertain) -> tuple[float, float]:
    """Two moves from the nominal factor: to the ends of the range, or to its middle where it begins or ends there."""
    low, high = u.low - 1.0, u.high - 1.0
    width = u.high - u.low
    if abs(low) < 0.1 * width:
        return 0.5 * high, high
    if abs(high) < 0.1 * width:
        return low, 0.5 * low
    return low, high


def uncertain_of(case: Case, used: Collection[str] | None = None) -> list[Uncertain]:
    """What scatters in a case: properties with a range in the library, as far as the case takes the library's value or
    one inside that range, and the keys of ``[uncertain]``, which go before (with equal ends: no scatter).
    ``used`` are the roles and regions that the body has, if known.

    Raises InputError for keys that hold no number.
    """
    found: dict[str, Uncertain] = {}
    for key, (low, high) in case.uncertain.items():
        nominal = _at_room(_value_of(case, key))
        if not nominal:
            raise InputError(f"uncertain.{key}: the case has no number there that could scatter")
        found[key] = Uncertain((key,), key, *sorted((low / nominal, high / nominal)))
    for role, (prefix, ref) in material_refs(case).items():
        name = ref if isinstance(ref, str) else ref.like if isinstance(ref, MaterialSpec) else None
        if name is None or (used is not None and role not in used):
            continue
        entry = read_material(name)
        full, library = _full(ref), entry.to_spec()
        # blocks of one name are one region and must agree
        prefixes = [part.key for part in case.own_materials() if part.region == role] or [prefix]
        for short in PROPERTIES:
            key, stated = f"{prefix}.{short}", getattr(entry, SPEC_KEYS[short])
            if (
                stated is None
                or stated.range is None
                or key in found
                or not _known(full.get(short), library.get(short), stated.range)
            ):
                continue
            nominal, (low, high) = _at_room(full[short]), stated.range
            if nominal and low < high:
                # a range beside the value taken is made one that holds it
                ends = min(low / nominal, 1.0), max(high / nominal, 1.0)
                found[key] = Uncertain(tuple(f"{one}.{short}" for one in prefixes), f"{name}.{short}", *ends)
    return [u for u in found.values() if u.high > u.low]


def _known(value: Any, library: Any, limits: Sequence[float]) -> bool:
    """Whether the library's range speaks of a value: its own, or another number inside the range."""
    return value == library or (isinstance(value, int | float) and limits[0] <= value <= limits[1])


def _full(ref: MaterialRef) -> dict[str, Any]:
    """A material with every number of its library entry."""
    if isinstance(ref, CompositeSpec):
        return {}
    own = {} if isinstance(ref, str) else ref.tables()
    name = ref if isinstance(ref, str) else ref.like
    return merged({k: v for k, v in own.items() if k != "like"}, read_material(name) if name else None)


def _value_of(case: Case, key: str) -> Any:
    """What a case has under a dotted key, materials with the library's numbers."""
    for prefix, ref in material_refs(case).values():
        if key.startswith(f"{prefix}."):
            return _full(ref).get(key.removeprefix(f"{prefix}."))
    return case.number(key)


def _at_room(value: Any) -> float | None:
    """A property at room temperature, of three axes their mean; None where it holds no number."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return None
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, list | tuple):
        each = [_at_room(entry) for entry in value]
        return None if None in each or not each else math.fsum(e for e in each if e is not None) / len(each)
    if "T" in value:
        return float(np.interp(ROOM, value["T"], value["value"]))
    return _at_room(value.get("secant", value.get("instantaneous", value.get("value"))))


def _scaled(value: Any, factor: float) -> Any:
    """A property times a factor; temperatures stay."""
    if isinstance(value, Mapping):
        return {k: v if k in ("T", "reference") else _scaled(v, factor) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_scaled(entry, factor) for entry in value]
    return float(value) * factor
