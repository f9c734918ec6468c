"""A probe of many points: each gives what a probe of its own gives, one list under one name."""

from __future__ import annotations

import pytest

from femsim.base.errors import InputError
from femsim.cases.casefile import case_from
from femsim.runs.names import outputs_of
from femsim.runs.results import results_dict
from femsim.runs.run import run

POINTS = [[10.0, 45.0], [20.0, 45.0], [50.0, 30.0]]
PLAIN = {"stack": "bilayer", "mesh": {"size": 0.1, "growth": 2.0}, "metrics": {"length": 5.0}}
MATERIALS = {
    "chip": {"E": 169.0, "nu": 0.28, "cte": 2.6},
    "post": {"E": 120.0, "nu": 0.34, "cte": 17.0},
    "low": {"E": 2.5, "nu": 0.34, "cte": 50.0},
    "high": {"E": 15.0, "nu": 0.3, "cte": 10.0},
}
TABLES = PLAIN | {"materials": MATERIALS}
STEPS = {"step": [{"name": "cool", "temperature": 25.0}], "load": {"stress_free_temperature": 150.0}}


@pytest.mark.parametrize("more", [{}, STEPS, {"harmonic": [{"n": 1, "z": 90.0, "u_r": 0.1}]}])
def test_many_points_are_as_many_probes(more):
    many = {"probe": [{"name": "row", "at": POINTS, "region": "post"}, {"name": "tip", "at": [0.0, 90.0]}]}
    alone = {"probe": [{"name": f"p{i}", "at": at, "region": "post"} for i, at in enumerate(POINTS)]}
    found = results_dict(run(case_from(TABLES | more | many)))
    single = results_dict(run(case_from(TABLES | more | alone)))
    assert list(found["probes"]) == ["row", "tip"]
    for i, one in enumerate(found["probes"]["row"]):
        other = single["probes"][f"p{i}"]
        for key in ("u_error", "stress_error") if more is not STEPS else ():
            # duals of many points stand in one block: their estimates may differ by rounding
            assert one.pop(key) == pytest.approx(other.pop(key), rel=1e-9)
        assert one == other
    for one, other in zip(found.get("steps", []), single.get("steps", []), strict=True):
        assert one["probes"]["row"] == [other["probes"][f"p{i}"] for i in range(3)]
    by_path = {o.path: o.value for o in outputs_of(found)}
    assert by_path["probes.row[1].stress.zz"] == single["probes"]["p1"]["stress"]["zz"]


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ([[10.0, 45.0], [20.0]], "probe.0.at: entry 1 is not a point"),
        ([[10.0, 45.0], 5.0], "probe.0.at: entry 1 is not a point"),
        ([[10.0, 45.0, 1.0]], "probe.0.at: 3 numbers"),
        ([[10.0, 45.0], [20.0, 450.0]], r"probe.0.at: \(20, 450\) lies outside"),
    ],
)
def test_points_that_are_none_are_named(at, said):
    with pytest.raises(InputError, match=said):
        run(case_from(TABLES | {"probe": [{"name": "row", "at": at}]}))


def test_names_of_points_are_taken():
    probes = [{"name": "row", "at": POINTS}, {"name": "row[1]", "at": [0.0, 90.0]}]
    with pytest.raises(InputError, match="two probes are named"):
        case_from(TABLES | {"probe": probes})
