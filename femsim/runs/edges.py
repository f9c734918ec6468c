"""Singular fields at roots, corners and along root circles as the JSON of ``solve`` has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from femsim.measures.corner.intensity import RootField
from femsim.measures.corner.section import Section
from femsim.measures.rims import Around
from femsim.meshes.layout import Root


def rim_dict(found: Around) -> dict[str, Any]:
    """What a root circle's entry gains: the averages over arcs, and the one of the largest magnitude with its angle."""
    series = {kind: [float(v) for v in values] for kind, values in found.values.items()}
    names = ("value", "angle", "error")
    largest = {kind: dict(zip(names, (*found.largest(kind), None), strict=True)) for kind in found.values}
    return {"around": {"angle": [float(a) for a in found.angle], **series}, "largest": largest}


def rim_singularity(cuts: Sequence[Section]) -> dict[str, Any]:
    """The singular terms along a root circle: those of :func:`singularity_list` with means over the sections, each
    with its ``around`` (``angle`` in degrees, ``intensity``), and the exponents of the antiplane part. Where what meets
    at the circle changes along it, each kind has its own entries with their ``regions``.
    """
    kinds: dict[tuple[Any, ...], list[Section]] = {}
    for cut in cuts:
        if isinstance(cut.field, RootField):
            corner = cut.field.corner
            rays = tuple(wedge.angle_start for wedge in corner.junction.wedges)
            kinds.setdefault((corner.regions, rays, len(cut.field.singular)), []).append(cut)
    if not kinds:
        return {"singularity": [], "singularity_note": str(cuts[0].field) if cuts else "no section"}
    found: list[dict[str, Any]] = []
    for own in kinds.values():
        fields = [cut.field for cut in own if isinstance(cut.field, RootField)]
        each = [singularity_list(field, cut.root) for field, cut in zip(fields, own, strict=True)]
        some: list[dict[str, Any]] = []
        for terms in zip(*each, strict=True):
            entry = dict(terms[0])
            for key in ("exponent", "intensity", "peel", "shear", "exponent_imaginary", "intensity_imaginary"):
                if key in entry:
                    entry[key] = float(np.mean([term[key] for term in terms]))
            entry["intensity_error"] = max(term["intensity_error"] for term in terms)
            around = {"angle": [cut.angle for cut in own], "intensity": [term["intensity"] for term in terms]}
            some.append({**entry, "around": around})
        some += antiplane_list(fields[0])
        if len(kinds) > 1:
            some = [{**entry, "regions": list(fields[0].corner.regions)} for entry in some]
        found += some
    return {"singularity": found}


def singularity_list(field: RootField, root: Root | None = None) -> list[dict[str, Any]]:
    """The singular terms as the JSON of ``solve`` has them; intensities in MPa um^(1 - lambda).

    ``intensity`` K multiplies a stress field whose mean square over the angle, (1 / opening) int S:S dtheta at r = 1
    um, is 1 MPa^2 (:class:`femsim.measures.singularity.Eigen`): at a crack in one material, K_I / sqrt(2 pi) times
    sqrt(5) / 2 for mode I. ``peel`` and ``shear`` are the term's tractions under the conductor at 1 um.
    """
    entries = []
    for k in field.singular:
        eigen, value = field.expansion.eigens[k], field.expansion.intensities[k]
        entry: dict[str, Any] = {"exponent": float(eigen.stress_exponent.real), "intensity": float(value.real)}
        entry["unit"] = f"MPa um^{-eigen.stress_exponent.real:.4f}"
        entry["intensity_error"] = float(field.error[k])
        if eigen.oscillating:
            entry["exponent_imaginary"] = float(eigen.exponent.imag)
            entry["intensity_imaginary"] = float(value.imag)
        if root is not None:
            peel, shear = field.factors(root, k)
            entry["peel"], entry["shear"] = float((value * peel).real), float((value * shear).real)
        entries.append(entry)
    return entries


def antiplane_list(field: RootField | str) -> list[dict[str, Any]]:
    """The singular exponents of the stress out of the plane, which loads that vary around a body bring in."""
    from femsim.measures.singularity.antiplane import antiplane_exponents

    if isinstance(field, str):
        return []
    found = antiplane_exponents(field.corner.junction)
    return [{"exponent": value - 1.0, "mode": "antiplane"} for value in found]
