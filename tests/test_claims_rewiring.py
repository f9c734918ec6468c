"""Truth table of the seed chip-on-chip-rewiring: for each of its 9 claims designs that satisfy it, and one per element
that fails.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from claimed import holds, verdicts

from femsim.builders.stacks.flipchip import flipchip
from femsim.cases.casefile import load_case
from femsim.claims import rewiring
from femsim.claims.evaluate import resolved
from femsim.claims.model import Design, every
from femsim.claims.section import Section

#: the rewiring stands on the rear surface in place of the heat-sink terminal
CONTACT = ("geometry.heat_sink_radius=0", "geometry.rewiring=[0,1800]", "geometry.rear_contact_radius=200")


def held(*overrides: str) -> set[int]:
    return holds("flipchip", *overrides)


def test_reference_design():
    assert held() == {1, 2, 4, 5, 7, 8, 9}


def test_rear_contact():
    assert held(*CONTACT) == {1, 2, 3, 6, 7, 8, 9}


def test_plane_model():
    assert held('model.kinematics="plane-strain"') == {1, 2, 4, 5, 7, 8, 9}
    assert held('model.kinematics="plane-strain"', *CONTACT) == {1, 2, 3, 6, 7, 8, 9}


def test_every_claim_is_satisfied_by_a_design():
    assert held() | held(*CONTACT) == set(range(1, 10))


FAILS = {
    "no heat sink": ({4, 5, 9}, ("geometry.heat_sink_radius=0",), {1, 2, 7, 8}),
    "no rear contact": ({3, 6}, (), {1, 2}),
    "no diffusion film": ({5, 9}, ("geometry.diffusion_thickness=0",), {1, 2, 4, 7, 8}),
    "no diffusion film under the contact": ({6, 9}, (*CONTACT, "geometry.diffusion_thickness=0"), {1, 2, 3, 7, 8}),
    "diffusion film that insulates": ({5, 9}, ('materials.diffusion="silicon-nitride"',), {1, 4}),
    "and under the contact": ({3, 6, 9}, (*CONTACT, 'materials.diffusion="silicon-nitride"'), {1, 2}),
    "no rear film": ({7}, ("geometry.rear_film_thickness=0",), {1, 2, 4, 5, 8}),
    "no via": ({8}, ("geometry.via_ring=0",), {9}),
    "via that insulates": (set(range(1, 9)), ('materials.via="epoxy-via-fill"',), {9}),
    "members that insulate": (set(range(1, 9)), ('materials.member="epoxy-resin"',), {9}),
    "rewiring that insulates": (set(range(1, 9)), ('materials.rewiring="polyimide"',), {9}),
    "terminals that insulate": (set(range(1, 9)), ('materials.terminal="epoxy-resin"',), {9}),
    "film that conducts": (set(range(1, 10)), ('materials.insulation="copper"',), set()),
    "heat sink that insulates": ({9}, ('materials.heat_sink="epoxy-resin"',), {1, 4}),
    "film not continuous": (
        set(range(1, 9)),
        ("geometry.insulation_thickness=2", "geometry.insulation_step=4"),
        {9},
    ),
    "a step above a tenth": ({2}, ("geometry.insulation_step=2.001",), {1, 4, 5}),
}  # fmt: skip


@pytest.mark.parametrize("name", FAILS)
def test_fails(name):
    fail, overrides, stay = FAILS[name]
    claims = verdicts("flipchip", *overrides)
    assert {n for n in fail if claims[n].holds is not False} == set()
    assert {n for n in stay if claims[n].holds is not True} == set()


@pytest.mark.parametrize(("step", "flat"), [(0, True), (2, True), (2.0001, False)])
def test_flat_up_to_a_tenth_of_the_film(step, flat):
    assert (2 in held(f"geometry.insulation_step={step}")) == flat


@pytest.mark.parametrize(("step", "whole"), [(1.9, True), (2, False), (2.1, False)])
def test_continuous_while_the_step_is_less_than_the_film(step, whole):
    assert (1 in held("geometry.insulation_thickness=2", f"geometry.insulation_step={step}")) == whole


# ---------------------------------------------------------------- what cannot be told


def test_no_via_leaves_the_connection_open():
    claims = verdicts("flipchip", "geometry.via_ring=0")
    for number in (1, 2, 4, 5, 7):
        assert claims[number].holds is None
    assert "via_ring" in claims[1].because
    assert claims[3].holds is False


def test_diffusion_film_of_unknown_family():
    spec = "materials.diffusion={ E = 400, nu = 0.25, cte = 9 }"
    claims = verdicts("flipchip", spec)
    assert (claims[4].holds, claims[5].holds, claims[9].holds) == (True, None, None)
    assert "materials.diffusion.family" in claims[5].because
    assert verdicts("flipchip", *CONTACT, spec)[3].holds is None
    known = "materials.diffusion={ E = 400, nu = 0.25, cte = 9, family = 'tantalum-nitride' }"
    assert verdicts("flipchip", known)[5].holds is True


# ---------------------------------------------------------------- claim 9 on one chip


def test_rewired_chip():
    assert holds("rewired-chip") == {9}
    claims = verdicts("rewired-chip")
    for number in range(1, 9):
        assert claims[number].holds is False
        assert "one chip" in claims[number].because


@pytest.mark.parametrize(
    ("override", "verdict"),
    [
        ("geometry.diffusion_thickness=0", False),
        ('materials.diffusion="silicon-dioxide"', False),
        ('materials.diffusion="titanium"', True),
        ("materials.diffusion={ E = 400, nu = 0.25, cte = 9 }", None),
        ('materials.member="epoxy-resin"', False),
        ('materials.insulation="aluminium"', False),
        ('model.kinematics="plane-strain"', True),
    ],
)
def test_claim_9(override, verdict):
    assert verdicts("rewired-chip", override)[9].holds is verdict


# ---------------------------------------------------------------- the section is read, not the keys


def _judged(change):
    case = load_case("flipchip")[0]
    layout = flipchip(case)
    return {
        n: every(f.holds for f in found)
        for n, found in rewiring.findings(Design(case, resolved(case), change(layout))).items()
    }


def _without(*regions):
    return lambda layout: replace(layout, blocks=tuple(b for b in layout.blocks if b.region not in regions))


def test_unchanged_layout():
    assert _judged(lambda layout: layout) == {
        1: True,
        2: True,
        3: False,
        4: True,
        5: True,
        6: False,
        7: True,
        8: True,
        9: True,
    }


@pytest.mark.parametrize(
    ("gone", "lost"),
    [
        (("resin",), {1}),
        (("member_1",), {1}),
        (("rear_film",), {7}),
        (("terminal", "terminal_free"), {1}),
        (("heat_sink",), {4, 5, 9}),
    ],
)
def test_a_part_taken_out_of_the_layout(gone, lost):
    found = _judged(_without(*gone))
    assert {n for n in lost if found[n] is not False} == set()


def test_a_film_cut_through():
    """A slit at the first chip's edge leaves two films."""
    from femsim.meshes.layout import Block

    found = _judged(
        lambda layout: replace(layout, blocks=(*layout.blocks, Block("resin", (1195.0, 1205.0), (0.0, 131.0))))
    )
    assert found[1] is False


def test_terminals_that_end_inside_the_resin():
    from femsim.meshes.layout import Block

    found = _judged(
        lambda layout: replace(layout, blocks=(*layout.blocks, Block("resin", (700.0, 1100.0), (161.0, 300.0))))
    )
    assert (found[1], found[4]) == (
        False,
        False,
    )  # the heat-sink terminal, 261 um high, does not stand out of it either


def test_section():
    section = Section.of(flipchip(load_case("flipchip")[0]))
    assert section.on("second", "via")
    assert section.on("via", "rewiring")
    assert section.on("first", "diffusion")
    assert not section.on("first", "insulation")
    assert section.top("resin") == 161.0
    assert section.top("terminal") == 261.0
    assert section.top("nothing") == float("-inf")
    assert section.share(section.columns("first"), section.columns("second"), True) == pytest.approx(0.36)
    assert section.share(section.columns("first"), section.columns("second"), False) == pytest.approx(0.6)
