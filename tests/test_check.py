"""Everything a case can get wrong is found before the first solve."""

from __future__ import annotations

import pytest

from femsim.base.errors import InputError
from femsim.cases.casefile import load_case
from femsim.runs import once
from femsim.runs.run import run

FAULTS = [
    ("bilayer", ["probe.0.at=[0, 95]"], r"probe\.0\.at: \(0, 95\) lies outside the body"),
    ("bilayer", ["probe.0.at=[50, 10]", "probe.0.region=chip"], r"probe\.0\.region: .* it lies in low, post"),
    ("bilayer", ["probe.0.at=[50, 10]", "probe.0.region=pots"], r"does not lie in 'pots' \(did you mean 'post'\?\)"),
    ("bilayer", ["corner.0.name=a", "corner.0.at=[0, 0]"], r"corner\.0\.at: lies on the axis"),
    ("bilayer", ["corner.0.name=a", "corner.0.at=[31.2, 400]"], r"corner\.0\.at: no node at \(31\.2, 400\) um"),
    ("bilayer", ["corner.0.name=a", "corner.0.at=post_root", "corner.0.region=lo"], r"corner\.0\.region: no region"),
    ("bilayer", ["crack.0.root=post_rot", "crack.0.length=2"], r"crack\.0\.root: no root 'post_rot' \(did you mean"),
    ("bilayer", ["crack.0.root=post_root", "crack.0.length=50"], r"crack\.0\.length: 50 is not < 50 um"),
    ("bilayer", ["metrics.length=60"], r"metrics\.length: 60 is not <= 50 um, the reach of conductor 'post'"),
    ("bilayer", ["mesh.tolerance=0.1", 'mesh.goals=["post_root.peel.3um"]'], r"mesh\.goals\.0: 'post_root\.peel\.3um'"),
    ("bilayer", ["boundary.0.r=140", "boundary.0.pressure=1"], r"boundary\.0\.r: no outer edge at r = 140 um"),
    ("le11", ["mesh.tolerance=0.1"], r"mesh\.tolerance: the case has no root"),
    ("le11", ["probe.0.at=[1, 2]"], r"probe\.0\.at: \(1, 2\) lies outside the body"),
    ("le11", ["probe.0.at=post_tip"], r"probe\.0\.at: no point 'post_tip'; give coordinates"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "changes", "words"), FAULTS, ids=lambda v: v if isinstance(v, str) else None)
def test_a_fault_is_found_before_anything_is_solved(name, changes, words, monkeypatch):
    def never(*arguments, **keywords):
        raise AssertionError("solved")

    monkeypatch.setattr(once, "solve", never)
    coarse = ["mesh.size=1", "mesh.growth=4"] if name != "le11" else []
    case, origin = load_case(name, [*coarse, *changes])
    with pytest.raises(InputError, match=words):
        run(case, origin.base)


def test_two_corners_of_one_name_are_refused():
    with pytest.raises(InputError, match="two corners are named 'a'"):
        load_case("bilayer", ["corner.0.name=a", "corner.0.at=post_root", "corner.1.name=a", "corner.1.at=post_tip"])
