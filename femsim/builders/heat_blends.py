"""Conductivity, density and heat capacity of composites and smeared rings, from those of their constituents.

They are computed at every temperature at which a constituent's data has a knot. What one constituent does not give, the
composite does not have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.base.errors import InputError
from femsim.builders.resolve import ResolvedMaterial, properties_of
from femsim.cases.material import CompositeSpec, Table
from femsim.materials.mixing import bounds, coated, density, fibres, heat_capacity, layered, maxwell
from femsim.materials.property import Property

#: conductivity of empty space, as a fraction of the member's, where a smeared ring stands free
VOID = 1.0e-6

Conduction = Callable[[FloatArray], FloatArray]  # (n, 3) conductivities of the phases -> (3,) of the composite


def heat_of(parts: Sequence[ResolvedMaterial], shares: FloatArray, rule: Conduction) -> dict[str, Any]:
    """What a spec says of heat: those of conductivity, density and heat_capacity that follow from the parts.

    ``shares`` (n,) are the volume fractions of ``parts``; their sum is below one where part of the space is empty.
    """
    found: dict[str, Any] = {}
    specs = [part.spec for part in parts]
    densities = [spec.density for spec in specs if spec.density is not None]
    if len(densities) == len(parts):
        found["density"] = density(densities, list(shares))
        capacities = [properties_of(spec.heat_capacity, 1.0, "heat_capacity") for spec in specs]
        if all(capacities):
            found["heat_capacity"] = _tabulated(
                [entry[0] for entry in capacities],
                lambda values: np.array([heat_capacity(list(values), densities, list(shares))]),
            )[0]
    along = [properties_of(spec.conductivity, 1.0, "conductivity") for spec in specs]
    turned = any(len(entry) == 3 and part.spec.angle for entry, part in zip(along, parts, strict=True))
    if all(along) and not turned:
        flat = [entry[axis % len(entry)] for entry in along for axis in range(3)]
        columns = _tabulated(flat, lambda values: rule(values.reshape(-1, 3)))
        found["conductivity"] = columns[0] if columns[0] == columns[1] == columns[2] else columns
    return found


def conduction_rule(ref: CompositeSpec) -> tuple[FloatArray, Conduction]:
    """Volume fractions of a composite's constituents, in the order of its keys, and how they conduct together."""
    f = ref.fraction if ref.fraction is not None else 0.0
    if ref.composite == "laminate":
        thickness = np.array([layer.thickness for layer in ref.layers or []])
        shares = thickness / thickness.sum()
        return shares, lambda k: layered(k, shares)
    if ref.composite == "coated-spheres":
        radii = [ref.core_radius or 0.0, (ref.core_radius or 0.0) + (ref.coating_thickness or 0.0)]
        core = f * (radii[0] / radii[1]) ** 3
        return np.array([1 - f, core, f - core]), lambda k: _alike(
            k, lambda matrix, *shells: coated(matrix, shells, radii, f)
        )
    shares = np.array([1 - f, f])
    if ref.composite == "mori-tanaka":
        return shares, lambda k: _alike(k, lambda matrix, particles: maxwell(matrix, particles, f))
    side = 0 if ref.composite == "hashin-shtrikman-lower" else 1
    return shares, lambda k: _alike(k, lambda matrix, particles: bounds(matrix, particles, f)[side])


def ring_rule(fraction: float, empty: bool) -> tuple[FloatArray, Conduction]:
    """The same for a smeared ring: (matrix,) member; in empty space the member is the only part."""
    if empty:
        return np.array([fraction]), lambda k: fibres(VOID * k[-1], k[-1], fraction)
    return np.array([1 - fraction, fraction]), lambda k: fibres(k[0], k[-1], fraction)


def _alike(k: FloatArray, rule: Callable[..., float]) -> FloatArray:
    if np.ptp(k, axis=1).max() > 1e-9 * k.max():
        raise InputError("matrix, particles and coating must conduct alike along all axes; use a laminate for others")
    return np.full(3, rule(*(float(row[0]) for row in k)))


def _tabulated(entries: Sequence[Property], rule: Callable[[FloatArray], FloatArray]) -> list[float | Table]:
    """The rule applied at every knot of the entries, column by column; plain numbers where there is none."""
    knots = sorted({t for entry in entries for t in entry.temperatures})
    if not knots:
        return [float(v) for v in rule(np.array([entry.values[0] for entry in entries]))]
    rows = np.array([rule(np.array([float(entry.at(t)) for entry in entries])) for t in knots])
    return [Table(T=knots, value=[float(v) for v in column]) for column in rows.T]
