"""What scatters in a case, and by how much.

Every property whose library entry states a range (what other sources say) is drawn evenly from it, and every key of the
case's ``[uncertain]`` from what that says; a table over temperature is scaled as a whole. A material that several cases
take from the library is one lot, the same draw in all of them, unless lots are separate.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
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
from femsim.cases.parts import CaseBase
from femsim.cases.uncertain import CUT, ScatterSpec

#: properties that move a stress
PROPERTIES = ("E", "nu", "G", "cte")
#: degC, the temperature that ranges are stated for
ROOM = 25.0


@dataclass(frozen=True)
class Uncertain:
    """Keys of a case that scatter together: from ``low`` to ``high``, as factors of their value or, where it is zero,
    as what is ``added`` to it. Evenly, or as a ``normal`` distribution whose ends are three standard deviations off.
    Equal ``lot`` in two cases means the same draw in both, ``separate`` (where said) that it never is.
    """

    keys: tuple[str, ...]
    lot: str
    low: float
    high: float
    normal: bool = False
    added: bool = False
    separate: bool | None = None

    @property
    def centre(self) -> float:
        """What leaves the case as it is."""
        return 0.0 if self.added else 1.0

    def at(self, probability: FloatArray) -> FloatArray:
        """The quantile function of its distribution."""
        if not self.normal:
            return np.asarray(self.low + (self.high - self.low) * probability)
        from scipy.special import ndtr, ndtri

        inside = ndtri(ndtr(-CUT) + probability * (ndtr(CUT) - ndtr(-CUT)))
        return np.asarray(0.5 * (self.low + self.high) + (self.high - self.low) / (2.0 * CUT) * inside)

    def probability(self, x: FloatArray) -> FloatArray:
        """The distribution function: what :meth:`at` takes back."""
        if not self.normal:
            return np.asarray((x - self.low) / (self.high - self.low))
        from scipy.special import ndtr

        z = (x - 0.5 * (self.low + self.high)) * (2.0 * CUT) / (self.high - self.low)
        return np.asarray((ndtr(z) - ndtr(-CUT)) / (ndtr(CUT) - ndtr(-CUT)))


@dataclass(frozen=True)
class Scattered:
    """The case at factors (p,) of what scatters in it."""

    case: Case
    uncertain: tuple[Uncertain, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """A key for each, the first where several move together."""
        return tuple(u.keys[0] for u in self.uncertain)

    def __call__(self, x: FloatArray) -> Case:
        """The case with its numbers moved."""
        changes = {
            key: _moved(_value_of(self.case, key), u, float(value))
            for u, value in zip(self.uncertain, x, strict=True)
            for key in u.keys
            if value != u.centre
        }
        return changed_case(self.case, changes) if changes else self.case


def used_roles(disc: Discretisation) -> set[str]:
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


def uncertain_of(case: CaseBase, used: Collection[str] | None = None) -> list[Uncertain]:
    """What scatters in a case: properties with a range in the library, as far as the case takes the library's value or
    one inside that range, and the keys of ``[uncertain]``, which go before (with equal ends: no scatter).
    ``used`` are the roles and regions that the body has, if known.

    Raises InputError for keys that hold no number.
    """
    found: dict[str, Uncertain] = {}
    for key, said in case.uncertain.items():
        found[key] = _stated(case, key, said)
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


def _stated(case: CaseBase, key: str, said: Sequence[float] | ScatterSpec) -> Uncertain:
    """What ``[uncertain]`` says of a key."""
    nominal = _at_room(_value_of(case, key))
    if nominal is None:
        raise InputError(f"uncertain.{key}: the case has no number there that could scatter")
    if isinstance(said, ScatterSpec):
        separate = None if said.lot is None else said.lot == "separate"
        if said.relative and not nominal:
            raise InputError(f"uncertain.{key}: the case's own value is 0, of which per cents are nothing")
        if said.relative or nominal:
            half = said.amount / 100.0 if said.relative else said.amount / abs(nominal)
            return Uncertain((key,), key, 1.0 - half, 1.0 + half, said.normal, False, separate)
        return Uncertain((key,), key, -said.amount, said.amount, said.normal, True, separate)
    low, high = sorted(value / nominal if nominal else value for value in said)
    return Uncertain((key,), key, low, high, added=not nominal)


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


def _value_of(case: CaseBase, key: str) -> Any:
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


def _moved(value: Any, u: Uncertain, x: float) -> Any:
    """A value at a factor, or with what is added."""
    return x + (float(value) if isinstance(value, int | float) else 0.0) if u.added else _scaled(value, x)


def _scaled(value: Any, factor: float) -> Any:
    """A property times a factor; temperatures stay."""
    if isinstance(value, Mapping):
        return {k: v if k in ("T", "reference") else _scaled(v, factor) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_scaled(entry, factor) for entry in value]
    return float(value) * factor
