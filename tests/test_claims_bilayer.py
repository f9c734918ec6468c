"""Truth table of the seed bilayer-resin: for each of its 27 claims designs that satisfy it, and one per limit that just
fails.
"""

from __future__ import annotations

import pytest
from claimed import holds, verdicts

from femsim.claims.text import SEEDS

SLOPE = ("geometry.slope_height=6", "geometry.slope_width=20")
#: high over low between 3.5 and 8: claims 22 and 26, where claim 2 cannot hold
INVERSE = ("geometry.high_thickness=40", "geometry.low_thickness=8")
RESIN = "{ E = 2.5, nu = 0.34, cte = 50 }"
#: the claims that hold on the reference case: no slopes
PLAIN = {1, 2, 3, 4, 21}
#: with slopes
SLOPED = {*range(1, 22), 23, 24, 25, 27}


def held(*overrides: str) -> set[int]:
    return holds("bilayer", *overrides)


def test_reference_design():
    assert held() == PLAIN


def test_with_slopes():
    assert held(*SLOPE) == SLOPED


def test_inverse_ratio():
    assert held(*INVERSE) == {1, 21, 22}


def test_inverse_ratio_with_slopes():
    low = {9, 10, 11, 12, 13, 14, 15, 19, 20}
    assert held(*INVERSE, *SLOPE) == {1, 21, 22, 23, 24, 25, 26, 27} | low


def test_every_claim_is_satisfied_by_a_design():
    together = held() | held(*SLOPE) | held(*INVERSE) | held(*INVERSE, *SLOPE)
    assert together == set(range(1, 28))


#: high-layer thickness (um), 5 to 45: claims 1 and 21
THICKNESSES = [
    (5, True),
    (4.999, False),
    (45, True),
    (45.001, False),
    (5 - 1e-12, True),
    (45 + 1e-6, False),
    (18, True),
]


@pytest.mark.parametrize(("high", "inside"), THICKNESSES)
def test_high_layer_thickness(high, inside):
    wanted = SLOPED if inside else {15, 19, 20, 25, 27}  # claims without a limit of thickness stay
    assert held(f"geometry.high_thickness={high}", "geometry.ratio=4", *SLOPE[1:], "geometry.slope_height=1") == wanted


#: ratio low to high, 3.5 to 8: claims 2 and 16, and what depends on them
RATIOS = [(3.5, True), (3.499, False), (8, True), (8.001, False), (3.4999999, False), (8.0000001, False)]


@pytest.mark.parametrize(("ratio", "inside"), RATIOS)
@pytest.mark.parametrize("high", [5, 7.3, 18, 45])
def test_ratio_low_to_high(ratio, inside, high):
    wanted = SLOPED if inside else SLOPED - {2, 3, 4, 5, 6, 7, 8, 16, 17, 18}
    assert (
        held(f"geometry.high_thickness={high}", f"geometry.ratio={ratio}", "geometry.slope_height=1", *SLOPE[1:])
        == wanted
    )


@pytest.mark.parametrize(("ratio", "inside"), RATIOS)
@pytest.mark.parametrize("low", [2.1, 5, 5.6])
def test_ratio_high_to_low(ratio, inside, low):
    """Claims 22 and 26 take the ratio the other way round; 26 has no limit of thickness, 22 has."""
    found = held(
        f"geometry.high_thickness={ratio * low}", f"geometry.low_thickness={low}", "geometry.slope_height=1", *SLOPE[1:]
    )
    assert (26 in found) == inside
    assert (22 in found) == (inside and 5 - 1e-8 <= ratio * low <= 45 + 1e-8)
    assert not found & {2, 16}


@pytest.mark.parametrize(
    "keys", [(), INVERSE, ("geometry.ratio=1",), ("geometry.ratio=3.5",), ("geometry.ratio=0.125",)]
)
def test_claims_2_and_22_exclude_each_other(keys):
    found = held(*keys)
    assert not {2, 22} <= found
    assert not {16, 26} <= held(*keys, "geometry.slope_height=1", *SLOPE[1:])


def test_exclusion_is_said():
    claims = verdicts("bilayer")
    for number in (2, 16, 22, 26):
        assert "no design satisfies both" in claims[number].because
    assert "claim 13" in claims[16].because
    assert "claim 25" in claims[26].because


#: windows of expansion (ppm) and modulus (GPa) at room temperature
LIMITS = [
    ("low.cte", 8, 7.999), ("low.cte", 180, 180.001), ("low.E", 0.5, 0.4999), ("low.E", 4, 4.001),
    ("high.cte", 5, 4.999), ("high.cte", 13, 13.001), ("high.E", 9, 8.999), ("high.E", 21, 21.001),
]  # fmt: skip
#: the claims with these windows, and what depends on them
WINDOWED = {3, 4, 7, 8, 11, 12, 13, 14, 16, 17, 18, 19, 20}


@pytest.mark.parametrize(("key", "inside", "outside"), LIMITS)
def test_property_windows(key, inside, outside):
    assert held(*SLOPE, f"materials.{key}={inside}") == SLOPED
    assert held(*SLOPE, f"materials.{key}={outside}") == SLOPED - WINDOWED
    number = f"{outside:g}"
    role = key.split(".")[0]
    assert f"{role} layer {number}" in verdicts("bilayer", f"materials.{key}={outside}")[3].because


@pytest.mark.parametrize("low", ["polyimide", "bcb", "pbo"])
def test_families_that_satisfy(low):
    assert held(*SLOPE, f'materials.low="{low}"') == SLOPED


@pytest.mark.parametrize("overrides", [('materials.low.family="epoxy"',), ('materials.high.family="polyimide"',)])
def test_families_that_fail(overrides):
    assert held(*SLOPE, *overrides) == SLOPED - {4, 8, 12, 13, 14, 16, 17, 18, 20}


def test_filled_epoxy_is_epoxy():
    """The family of a filled resin is that of its matrix."""
    spec = '{ composite = "mori-tanaka", matrix = "epoxy-resin", particles = "silicon-dioxide", fraction = 0.6 }'
    claims = verdicts("bilayer", *SLOPE, f"materials.high={spec}")
    assert next(f for f in claims[4].findings if "high" in f.element).holds is True


@pytest.mark.parametrize("role", ["low", "high"])
def test_family_not_given(role):
    spec = RESIN if role == "low" else "{ E = 15, nu = 0.3, cte = 10 }"
    claims = verdicts("bilayer", *SLOPE, f"materials.{role}={spec}")
    for number in (4, 8, 12, 20):
        assert claims[number].holds is None
        assert f"materials.{role}.family" in claims[number].because
    assert claims[13].holds is None  # depends on claim 12
    assert claims[3].holds is True


def test_no_slope():
    claims = verdicts("bilayer")
    for number in (5, 6, 9, 10, 15, 23, 24, 25, 27):
        assert claims[number].holds is False
        assert "slope_height 0" in claims[number].because


@pytest.mark.parametrize(
    ("low", "high", "inside"), [(2.5, 15, True), (2.5, 2.5, False), (3, 2.9, False), (2.5, 2.6, True)]
)
def test_second_layer_is_stiffer(low, high, inside):
    found = held(f"materials.low.E={low}", f"materials.high.E={high}")
    assert ({1, 21} <= found) == inside
    claims = verdicts("bilayer", f"materials.low.E={low}", f"materials.high.E={high}", *SLOPE)
    for number in (1, 15, 21, 25):
        assert claims[number].holds == inside


def test_stiffer_at_room_temperature():
    """The order of the moduli at the stress-free temperature does not matter."""
    hot = "{ T = [25, 150], value = [15, 1] }"
    assert 1 in held(f"materials.high.E={hot}")
    assert 1 not in held("materials.high.E={ T = [25, 150], value = [1, 15] }")


def test_not_known_at_room_temperature():
    table = "{ T = [100, 200], value = [3, 2] }"
    claims = verdicts("bilayer", f"materials.low.E={table}")
    assert claims[1].holds is None
    assert claims[3].holds is None
    assert "known from 100 to 200 degC only" in claims[3].because
    expansion = "{ instantaneous = { T = [100, 200], value = [40, 50] } }"
    claims = verdicts("bilayer", f"materials.low.cte={expansion}")
    assert (claims[1].holds, claims[3].holds) == (True, None)


@pytest.mark.parametrize(
    ("cte", "inside"),
    [
        ("{ instantaneous = { T = [0, 100], value = [6, 14] } }", True),  # 8 at 25 degC
        ("{ instantaneous = { T = [0, 100], value = [5.99, 13.99] } }", False),
        (
            "{ secant = { T = [25, 125], value = [8, 10] }, reference = 25 }",
            True,
        ),  # at its reference the secant is the tangent
        ("{ secant = { T = [25, 125], value = [7.999, 10] }, reference = 25 }", False),
        ("{ secant = { T = [0, 100], value = [6, 8] }, reference = 125 }", False),  # 6.5 - 2/100 x 100 = 4.5 at 25 degC
    ],
)
def test_expansion_is_the_instantaneous_one(cte, inside):
    assert (3 in held(f"materials.low.cte={cte}")) == inside


def test_orthotropic_layer_counts_along_the_layer():
    spec = (
        'materials.high={{ like = "epoxy-high-elastic", E = [{0}, {1}, {2}], nu = [0.3, 0.3, 0.3], G = [5, '
        "5, 5], cte = [10, 10, {3}] }}"
    )
    assert 3 in held(spec.format(15, 12, 8.9, 40))
    assert 3 not in held(spec.format(15, 8.9, 12, 10))
    assert 3 in held('model.kinematics="plane-strain"', spec.format(15, 8.9, 12, 10))  # y is normal to the chip


def test_pad_left_out_and_modelled():
    assert "left out of the model" in verdicts("bilayer")[1].because
    padded = verdicts("bilayer", "geometry.pad_thickness=1")
    assert padded[1].holds is True
    assert "stands on a pad of 1 um" in padded[1].because
    assert verdicts("bilayer", "geometry.pad_thickness=1", 'materials.pad="silicon-dioxide"')[1].holds is False
    assert "electrode pad" in verdicts("bilayer")[21].because


def test_a_post_that_insulates():
    found = held(*SLOPE, 'materials.post="epoxy-resin"')
    assert found == set()


def test_an_unnamed_post_is_an_electrode_by_its_role():
    assert held("materials.post={ E = 120, nu = 0.34, cte = 17 }") == PLAIN


def test_a_layer_that_is_no_resin():
    assert 1 not in held('materials.high="nickel"', "materials.high.E=15", "materials.high.cte=10")
    assert held(*SLOPE, 'materials.high="silicon-dioxide"') == set()


def test_ball_leaves_the_tip_exposed():
    assert held("geometry.ball_height=40") == PLAIN


def test_dependent_claims_name_what_failed_above():
    claims = verdicts("bilayer", "geometry.high_thickness=45.001", *SLOPE)
    for number in (2, 3, 4, 5, 6, 9, 16, 18):
        assert claims[number].holds is False
        assert (
            "claim 1, on which it depends, fails: high layer (away from the slope) 45.001 um, claimed 5 to 45 um"
            in claims[number].because
        )


def test_dependencies_are_those_of_the_patent():
    parents = {text.number: text.parent for text in SEEDS["bilayer-resin"]}
    assert parents == {
        1: None, 2: 1, 3: 2, 4: 3, 5: 2, 6: 5, 7: 5, 8: 7, 9: 1, 10: 9, 11: 9, 12: 11, 13: 12, 14: 13, 15: None, 16: 13, 17: 16, 18: 17,  # noqa: E501
        19: 15, 20: 19, 21: None, 22: 21, 23: 21, 24: 23, 25: None, 26: 25, 27: 25,
    }  # fmt: skip


@pytest.mark.parametrize("kinematics", ["axisymmetric", "plane-strain", "plane-stress", "generalized-plane-strain"])
def test_any_kinematics(kinematics):
    assert held(f'model.kinematics="{kinematics}"', *SLOPE) == SLOPED
