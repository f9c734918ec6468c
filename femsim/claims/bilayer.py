"""The 27 claims of the seed ``bilayer-resin`` on a ``bilayer`` case.

How elements are judged: a cell stands for the many bumps of the claims. The post's tip ends flush with the resin by the
stack's geometry, so it is exposed. A model may leave the thin pad out (pad_thickness 0): the post then stands on the
chip where the pad is, which counts as connected. Thicknesses are those away from the slopes. A slope of the model
always falls away from the post, so claims that ask for that hold with those that ask for the slope. Moduli and
expansion coefficients are those at 25 degC along the layer.
"""

from __future__ import annotations

from typing import cast

from femsim.cases.stacks.bilayer import BilayerCase, BilayerGeometry
from femsim.claims.matter import InPlane, conducts, expansion, family, is_resin, modulus, resin_family
from femsim.claims.model import Design, Finding, at_most, every, window, within

LOW_FAMILIES = ("polyimide", "benzocyclobutene", "polybenzoxazole")
HIGH_FAMILIES = ("epoxy",)
THICKNESS = (5.0, 45.0)  # um
RATIO = (3.5, 8.0)
#: role -> (expansion window in ppm, modulus window in GPa)
WINDOWS = {"low": ((8.0, 180.0), (0.5, 4.0)), "high": ((5.0, 13.0), (9.0, 21.0))}


def findings(design: Design) -> dict[int, tuple[Finding, ...]]:
    """The own elements of every claim."""
    structure = (_stiffer(design, "high layer", "low layer"), _resins(design), _bumps(design, "connection"))
    covered = (
        _stiffer(design, "second layer", "first layer"),
        _resins(design),
        _covers(design),
        _bumps(design, "electrode"),
    )
    thickness, thickness_second = _thickness(design, "high layer"), _thickness(design, "second layer")
    ratio, inverse = (_low_to_high(design),), (_high_to_low(design),)
    windows, families = _windows(design), _families(design)
    slopes, falls = (_slopes(design, "low layer"),), (_falls(design, "low layer"),)
    inclined, thinner = (_slopes(design, "first layer"),), (_falls(design, "first layer"),)
    return {
        1: (thickness, *structure), 2: ratio, 3: windows, 4: families, 5: slopes, 6: falls, 7: windows, 8: families,
        9: slopes, 10: falls, 11: windows, 12: families, 13: windows, 14: families,
        15: (*slopes, *falls, *structure), 16: ratio, 17: windows, 18: families, 19: windows, 20: families,
        21: (thickness_second, *covered), 22: inverse, 23: inclined, 24: thinner,
        25: (*inclined, *covered), 26: inverse, 27: thinner,
    }  # fmt: skip


def plane_of(design: Design) -> str:
    """The drawing plane: r-z in axisymmetry, x-y in plane models."""
    return "rz" if design.case.model.kinematics == "axisymmetric" else "xy"


def properties(design: Design, role: str) -> tuple[InPlane, InPlane]:
    """Expansion coefficient and modulus of a role's material at room temperature."""
    material, plane = design.materials[role], plane_of(design)
    return expansion(material, plane), modulus(material, plane)


def _geometry(design: Design) -> BilayerGeometry:
    return cast(BilayerCase, design.case).geometry


# ---------------------------------------------------------------- structure


def _bumps(design: Design, pad: str) -> Finding:
    g = _geometry(design)
    element = f"bump electrodes on {pad} pads, tips exposed"
    for role in ("post", "pad") if g.pad_thickness > 0 else ("post",):
        if conducts(design.materials[role]) is False:
            return Finding(element, False, f"the {role} ({family(design.materials[role])}) does not conduct")
    ball = ", under its ball" if g.ball_height > 0 else ""
    exposed = f"the post ends flush with the resin at {g.low_thickness + g.high_thickness:g} um{ball}"
    if g.pad_thickness > 0:
        return Finding(element, True, f"the post stands on a pad of {g.pad_thickness:g} um; {exposed}")
    return Finding(
        element,
        True,
        f"the thin {pad} pad is left out of the model (pad_thickness 0), the post stands where it is; {exposed}",
    )


def _covers(design: Design) -> Finding:
    g = _geometry(design)
    words = f"the layers fill the cell from the post's wall to {g.cell_radius:g} um, as high as the post"
    return Finding("the resin covers chip and side surfaces", True, words)


def _resins(design: Design) -> Finding:
    element = "two resin layers, one on the other"
    for role in ("low", "high"):
        if is_resin(design.materials[role]) is False:
            return Finding(element, False, f"the {role} layer ({family(design.materials[role])}) is no resin")
    g = _geometry(design)
    return Finding(
        element, True, f"a layer of {g.low_thickness:g} um on the chip and one of {g.high_thickness:g} um on it"
    )


def _stiffer(design: Design, upper: str, lower: str) -> Finding:
    element = f"{upper} of higher elastic coefficient"
    high, low = properties(design, "high")[1], properties(design, "low")[1]
    for what, found in ((upper, high), (lower, low)):
        if not found.values:
            return Finding(element, None, f"{what}: {found.why}, so not at room temperature")
    axes = [not at_most(h, lo) for h, lo in zip(high.values, low.values, strict=True)]
    holds = None if len(set(axes)) > 1 else axes[0]
    differ = ", higher along one axis only" if holds is None else ""
    return Finding(element, holds, f"{upper} {high.text(*low.values)}, {lower} {low.text(*high.values)}{differ}")


# ---------------------------------------------------------------- dimensions


def _thickness(design: Design, name: str) -> Finding:
    g = _geometry(design)
    where = " (away from the slope)" if g.slope_height > 0 else ""
    return window(f"{name} thickness", f"{name}{where}", g.high_thickness, *THICKNESS, "um")


def _low_to_high(design: Design) -> Finding:
    g = _geometry(design)
    what = f"low to high layer {g.low_thickness:g} um / {g.high_thickness:g} um ="
    return window("thickness ratio, low to high", what, g.low_thickness / g.high_thickness, *RATIO)


def _high_to_low(design: Design) -> Finding:
    g = _geometry(design)
    what = f"second to first layer {g.high_thickness:g} um / {g.low_thickness:g} um ="
    return window("thickness ratio, second to first", what, g.high_thickness / g.low_thickness, *RATIO)


def _slopes(design: Design, layer: str) -> Finding:
    g = _geometry(design)
    element = f"{layer} slopes at the bump"
    if g.slope_height == 0:
        return Finding(element, False, f"the {layer}'s surface does not slope (slope_height 0)")
    return Finding(
        element,
        True,
        f"the {layer}'s surface slopes by {g.slope_height:g} um over {g.slope_width:g} um from the post's wall",
    )


def _falls(design: Design, layer: str) -> Finding:
    g = _geometry(design)
    element = f"{layer} thinner away from the bump"
    if g.slope_height == 0:
        return Finding(element, False, f"the {layer} is {g.low_thickness:g} um everywhere (slope_height 0)")
    wall = g.low_thickness + g.slope_height
    words = (
        f"the {layer} falls from {wall:g} um at the post's wall to {g.low_thickness:g} um, {g.slope_width:g} um away"
    )
    return Finding(element, True, words)


# ---------------------------------------------------------------- materials


def _windows(design: Design) -> tuple[Finding, ...]:
    found = []
    for role, limits in WINDOWS.items():
        for what, values, (low, high) in zip(
            ("thermal expansion", "modulus"), properties(design, role), limits, strict=True
        ):
            element = f"{role} layer, {what} at room temperature"
            if not values.values:
                found.append(Finding(element, None, f"{role} layer: {values.why}, so not at room temperature"))
                continue
            holds = every(within(v, low, high) for v in values.values)
            found.append(
                Finding(
                    element, holds, f"{role} layer {values.text(low, high)}, claimed {low:g} to {high:g} {values.unit}"
                )
            )
    return tuple(found)


def _families(design: Design) -> tuple[Finding, ...]:
    found = []
    for role, allowed in (("low", LOW_FAMILIES), ("high", HIGH_FAMILIES)):
        name = resin_family(design.materials[role])
        words = f"claimed {', '.join(allowed[:-1])}{' or ' if allowed[1:] else ''}{allowed[-1]}"
        if name is None:
            unknown = f"the {role} layer's family is not given (materials.{role}.family decides), {words}"
            found.append(Finding(f"{role} layer's resin", None, unknown))
        else:
            found.append(Finding(f"{role} layer's resin", name in allowed, f"{role} layer of {name}, {words}"))
    return tuple(found)
