"""The command ``claims``: its JSON, its table, its files, its errors; and the three-valued logic behind it."""

from __future__ import annotations

import itertools
import json

import pytest
from claimed import verdicts

from femsim.claims.model import Claim, ClaimText, Finding, every, shown, window, within
from femsim.claims.text import SEEDS
from femsim.cli.main import main

STACKS = {
    "bilayer": ("bilayer-resin", 27),
    "staggered": ("stress-absorbing-conductor", 13),
    "flipchip": ("chip-on-chip-rewiring", 9),
    "rewired-chip": ("chip-on-chip-rewiring", 9),
}


@pytest.mark.parametrize("stack", STACKS)
def test_json(stack, capsys):
    assert main(["claims", stack, "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    document = json.loads(out)
    seed, count = STACKS[stack]
    assert document["seed"] == seed
    assert list(document["claims"]) == [str(n) for n in range(1, count + 1)]
    for claim in document["claims"].values():
        assert claim["holds"] in (True, False, None)
        assert claim["because"]
        assert "  " not in claim["because"]


def test_every_seed_is_there():
    assert [len(SEEDS[s]) for s in ("bilayer-resin", "stress-absorbing-conductor", "chip-on-chip-rewiring")] == [
        27,
        13,
        9,
    ]
    for claims in SEEDS.values():
        assert [c.number for c in claims] == list(range(1, len(claims) + 1))
        assert all(c.parent is None or c.parent < c.number for c in claims)


def test_overrides_decide(capsys):
    assert main(["claims", "bilayer", "--json", "--set", "geometry.high_thickness=45.001"]) == 0
    claims = json.loads(capsys.readouterr().out)["claims"]
    assert claims["1"]["holds"] is False
    assert claims["1"]["because"] == "high layer 45.001 um, claimed 5 to 45 um"
    assert main(["claims", "bilayer", "--json"]) == 0
    claims = json.loads(capsys.readouterr().out)["claims"]
    assert claims["1"]["because"].startswith("high layer 18 um, claimed 5 to 45 um")


def test_table(capsys):
    assert main(["claims", "bilayer"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("bilayer: stack bilayer, claims of the seed bilayer-resin, read literally\n")
    assert "    1  holds           high layer 18 um, claimed 5 to 45 um" in out
    assert "  5<2  fails " in out
    assert "5 holds, 22 fails" in out
    assert max(len(line) for line in out.splitlines()) <= 120


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("overrides", [(), ('model.kinematics="plane-strain"',)])
def test_files(stack, overrides, tmp_path, capsys):
    target = tmp_path / "found" / "here"
    flags = [text for override in overrides for text in ("--set", override)]
    assert main(["claims", stack, *flags, "--out", str(target), "--json", "--quiet"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert json.loads((target / "claims.json").read_text()) == document
    assert (target / "claims.png").read_bytes().startswith(b"\x89PNG")
    assert "</svg>" in (target / "claims.svg").read_text()
    assert sorted(p.name for p in target.iterdir()) == ["claims.json", "claims.png", "claims.svg"]
    assert [p.name for p in target.parent.iterdir()] == ["here"]


@pytest.mark.parametrize(
    "overrides",
    [
        ("materials.low={ E = 2.5, nu = 0.34, cte = -3 }",),
        ("materials.low.E={ T = [100, 200], value = [3, 2] }",),
        ("geometry.high_thickness=0.5", "geometry.low_thickness=400"),
        ("materials.high.family='$\\\\frac{'",),
    ],
)
def test_pictures_of_odd_designs(overrides, tmp_path, capsys):
    flags = [text for override in overrides for text in ("--set", override)]
    assert main(["claims", "bilayer", *flags, "--out", str(tmp_path / "o"), "--quiet"]) == 0


def test_picture_of_layers_without_hardness(tmp_path, capsys):
    layers = 'layer=[{ thickness = 9, radius = 9, material = { E = 9, nu = 0.3, cte = 9, family = "$x_" } }]'
    assert main(["claims", "staggered", "--set", layers, "--out", str(tmp_path / "o"), "--quiet"]) == 0


@pytest.mark.parametrize("stack", ["le11"])
def test_stacks_of_no_seed(stack, capsys):
    assert main(["claims", stack]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "stack: 'mesh' belongs to no seed; claims are checked for bilayer, staggered, flipchip, rewired-chip" in err
    assert err.count("\n") == 1


def test_bad_input_writes_nothing(tmp_path, capsys):
    assert main(["claims", "bilayer", "--set", "geometry.high_thickness=-5", "--out", str(tmp_path / "o")]) == 2
    assert not list(tmp_path.iterdir())
    assert main(["claims", "flipchip", "--set", "geometry.via_count=100000", "--out", str(tmp_path / "o")]) == 2
    assert "overlap on a ring" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------- logic


def test_conjunction():
    for parts in itertools.product((True, False, None), repeat=3):
        wanted = False if False in parts else (None if None in parts else True)
        assert every(parts) is wanted
    assert every(()) is True


def test_a_dependent_claim_needs_its_parent():
    values = (True, False, None)
    for above, own in itertools.product(values, values):
        parent = Claim(ClaimText(1, None, ""), (Finding("a", above, "above"),))
        child = Claim(ClaimText(2, 1, ""), (Finding("b", own, "own"),), parent)
        assert child.holds is every((above, own))
        assert ("own" in child.because) == (own is child.holds)
        assert ("above" in child.because) == (above is child.holds and above is not True)


@pytest.mark.parametrize(
    ("value", "inside"),
    [
        (5, True),
        (45, True),
        (4.999, False),
        (45.001, False),
        (5 * (1 - 5e-10), True),
        (5 * (1 - 5e-9), False),
        (45 * (1 + 5e-9), False),
    ],
)
def test_limits_are_inclusive_with_a_fuzz(value, inside):
    assert within(value, 5, 45) == inside
    assert window("w", "w", value, 5, 45).holds == inside


def test_a_near_miss_is_shown_as_one():
    assert shown(45.0000001, 45) == "45.0000001"
    assert shown(45.0, 45) == "45"
    assert shown(45 * (1 + 1e-12), 45) == "45"
    assert window("w", "layer", 4.99999999, 5, 45, "um").because == "layer 4.99999999 um, claimed 5 to 45 um"


def test_all_claims_are_decided_by_named_elements():
    for stack in STACKS:
        for claim in verdicts(stack).values():
            if claim.holds is False:
                assert any(f.holds is False for c in (claim, *claim.parents) for f in c.findings)
