"""The 13 claims of the seed ``stress-absorbing-conductor`` on a ``staggered`` case.

How elements are judged: hardness (HV) decides "lower hardness", a layer softer than any other one is a stress-absorbing
layer. Materials are the same where their families are; a composite's family is that of its constituents, whatever the
fraction. Layers are stacked in a staggered manner where two neighbours differ in offset, or in diameter by more than a
tolerance. Diameters are substantially identical where all lie within that tolerance of the largest; they differ in
sequence where every two neighbours differ by more. So no stack is both.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import cast

from femsim.builders.resolve import ResolvedMaterial
from femsim.cases.stacks.staggered import StaggeredCase
from femsim.claims.matter import conducts, family, has_metal_particles, is_anisotropic_conductor
from femsim.claims.model import FUZZ, Design, Finding, at_most, every

#: diameters within this fraction of the larger one are substantially identical
TOLERANCE = 0.05
SOFT_METALS = ("gold", "palladium")

Judge = Callable[[ResolvedMaterial], tuple[bool | None, str]]


def findings(design: Design) -> dict[int, tuple[Finding, ...]]:
    """The own elements of every claim."""
    common = (_conductor(design), _several(design), _softer(design))
    same, different = _materials(design)
    staggered, identical, steps = (_staggered(design),), (_identical(design),), (_different_diameters(design),)
    return {
        1: (*common, same), 2: (_throughout(design, "anisotropic conductive material", is_anisotropic_conductor),),
        3: (_throughout(design, "conductive material with metal particles", has_metal_particles),),
        4: staggered, 5: identical, 6: steps,
        7: (*common, different), 8: (_absorber(design, "gold or palladium", _is_soft_metal),),
        9: (_absorber(design, "anisotropic conductive material", is_anisotropic_conductor),),
        10: (_absorber(design, "conductive material with metal particles", has_metal_particles),),
        11: staggered, 12: identical, 13: steps,
    }  # fmt: skip


def _case(design: Design) -> StaggeredCase:
    return cast(StaggeredCase, design.case)


def layers(design: Design) -> list[ResolvedMaterial]:
    """The layers' materials from the chip outward."""
    return [design.materials[f"layer_{i + 1}"] for i in range(len(_case(design).layer))]


def hardness(material: ResolvedMaterial) -> float | None:
    """Vickers hardness, where it is given; that of a composite is not computed."""
    return material.spec.hardness


def is_absorber(design: Design, index: int) -> bool | None:
    """Whether a layer is softer than another one; None where a missing hardness leaves it open."""
    own = hardness(layers(design)[index])
    others = [hardness(m) for i, m in enumerate(layers(design)) if i != index]
    if own is None:
        return None if others else False
    if any(other is not None and not at_most(other, own) for other in others):
        return True
    return None if None in others else False


# ---------------------------------------------------------------- structure


def _conductor(design: Design) -> Finding:
    element = "conductors through a protective insulating layer"
    for index, material in enumerate(layers(design)):
        if conducts(material) is False:
            return Finding(element, False, f"layer {index + 1} ({family(material)}) does not conduct")
    if conducts(design.materials["insulation"]):
        return Finding(element, False, f"the insulating layer ({family(design.materials['insulation'])}) conducts")
    height = sum(layer.thickness for layer in _case(design).layer)
    given = _case(design).geometry.insulation_thickness
    insulation = height if given is None else given
    return Finding(
        element,
        True,
        f"the conductor of {height:g} um stands on the chip and reaches through {insulation:g} um of insulation",
    )


def _several(design: Design) -> Finding:
    count = len(layers(design))
    return Finding("a plurality of layers", count > 1, f"{count} layer{'s' if count > 1 else ''}")


def _softer(design: Design) -> Finding:
    element = "a layer of lower hardness than another"
    known = {i: h for i, m in enumerate(layers(design)) if (h := hardness(m)) is not None}
    softest, hardest = (min(known, key=known.__getitem__), max(known, key=known.__getitem__)) if known else (0, 0)
    if known and not at_most(known[hardest], known[softest]):
        return Finding(
            element, True,
            f"layer {softest + 1} has {known[softest]:g} HV, layer {hardest + 1} {known[hardest]:g} HV",
        )  # fmt: skip
    missing = [i for i in range(len(layers(design))) if i not in known]
    if missing and len(layers(design)) > 1:
        return Finding(element, None, f"no hardness of layer {_list(missing)} ({_keys(missing, 'hardness')} decides)")
    return Finding(element, False, f"all layers have {known[softest]:g} HV" if known else "there is no other layer")


def _materials(design: Design) -> tuple[Finding, Finding]:
    """Same material (claim 1) and different material (claim 7): by family."""
    names = [family(m) for m in layers(design)]
    known = {name for name in names if name is not None}
    words = "layers of " + ", ".join(name or "no family" for name in names)
    missing = [i for i, name in enumerate(names) if name is None]
    same: bool | None = len(known) == 1
    if len(known) < 2 and missing:
        alike = all(m.spec == layers(design)[0].spec for m in layers(design))
        same = True if alike else None
        words += "; all alike" if alike else f" ({_keys(missing, 'family')} decides)"
    one, other = "layers of same material", "layers of different material"
    if len(names) < 2:
        return Finding(one, False, "a single layer"), Finding(other, False, "a single layer")
    opposite = None if same is None else not same
    return Finding(one, same, f"{words}, claimed same"), Finding(other, opposite, f"{words}, claimed different")


def _staggered(design: Design) -> Finding:
    element = "layers stacked in a staggered manner"
    for index, (below, above) in enumerate(pairwise(_case(design).layer), 1):
        if abs(above.offset - below.offset) > FUZZ * max(abs(above.offset), abs(below.offset)):
            return Finding(
                element, True, f"layer {index + 1} stands off layer {index} by {above.offset - below.offset:g} um"
            )
    for index, (below, above) in enumerate(pairwise(_case(design).layer), 1):
        if _differ(below.radius, above.radius):
            return Finding(
                element, True, f"layer {index + 1} has radius {above.radius:g} um, layer {index} {below.radius:g} um"
            )
    return Finding(
        element, False, f"no offset, and no two neighbours differ in diameter by more than {100 * TOLERANCE:g} %"
    )


def _identical(design: Design) -> Finding:
    radii = [layer.radius for layer in _case(design).layer]
    spread = (max(radii) - min(radii)) / max(radii)
    holds = not _differ(min(radii), max(radii))
    diameters = ", ".join(f"{2 * r:g}" for r in radii)
    words = f"diameters {diameters} um lie {100 * spread:.3g} % apart, taken as identical within {100 * TOLERANCE:g} %"
    return Finding("substantially identical diameter", holds, words)


def _different_diameters(design: Design) -> Finding:
    radii = [layer.radius for layer in _case(design).layer]
    alike = [i for i, (a, b) in enumerate(pairwise(radii), 1) if not _differ(a, b)]
    words = f"diameters {', '.join(f'{2 * r:g}' for r in radii)} um in sequence"
    if alike:
        words += f"; layers {alike[0]} and {alike[0] + 1} lie within {100 * TOLERANCE:g} %"
    return Finding("different diameters in sequence", not alike and len(radii) > 1, words)


def _differ(a: float, b: float) -> bool:
    return not at_most(abs(a - b), TOLERANCE * max(a, b))


# ---------------------------------------------------------------- materials


def _throughout(design: Design, what: str, judge: Judge) -> Finding:
    """Whether the conductor, all its layers, is of a material."""
    found = [judge(material) for material in layers(design)]
    holds = every(entry[0] for entry in found)
    words = "; ".join(f"layer {i + 1}: {why}" for i, (verdict, why) in enumerate(found) if verdict is holds)
    return Finding(f"conductor of {what}", holds, words)


def _absorber(design: Design, what: str, judge: Judge) -> Finding:
    """Whether a stress-absorbing layer is of a material."""
    element = f"stress-absorbing layer of {what}"
    verdicts: list[tuple[bool | None, str]] = []
    for index, material in enumerate(layers(design)):
        soft, (fits, why) = is_absorber(design, index), judge(material)
        if soft is False:
            value = hardness(material)
            at = "the only layer" if value is None else f"{value:g} HV"
            verdicts.append((False, f"layer {index + 1} is no stress-absorbing layer ({at})"))
        elif soft is None:
            open_ = "" if hardness(material) is not None else f": layer.{index}.material.hardness decides"
            verdicts.append(
                (every((None, fits)), f"layer {index + 1}: {why}; whether it is the softer one cannot be told{open_}")
            )
        else:
            verdicts.append((fits, f"layer {index + 1}, the softer one: {why}"))
    values = [v for v, _ in verdicts]
    holds = True if True in values else (None if None in values else False)
    return Finding(element, holds, "; ".join(why for v, why in verdicts if v is holds))


def _is_soft_metal(material: ResolvedMaterial) -> tuple[bool | None, str]:
    name = family(material)
    if name is None:
        return None, "its family is not given"
    return name in SOFT_METALS, f"family {name}"


def _list(indices: list[int]) -> str:
    return ", ".join(str(i + 1) for i in indices)


def _keys(indices: list[int], key: str) -> str:
    return ", ".join(f"layer.{i}.material.{key}" for i in indices)
