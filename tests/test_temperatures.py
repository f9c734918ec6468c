"""Several temperatures in one case: each is a run of its own, ranges go over them, what is the same is shared."""

from __future__ import annotations

import pytest

import femsim.runs.run as running
from femsim.base.errors import InputError
from femsim.cases.casefile import case_from
from femsim.runs.names import outputs_of
from femsim.runs.results import results_dict
from femsim.runs.states import range_table

TABLES = {
    "stack": "bilayer",
    "mesh": {"size": 0.1, "growth": 2.0},
    "metrics": {"length": 5.0},
    "probe": [{"name": "tip", "at": [0.0, 90.0]}],
}
SOFTENING = {"E": {"T": [-40.0, 25.0, 150.0], "value": [4.0, 3.0, 1.0]}, "nu": 0.34, "cte": 50.0}


@pytest.mark.filterwarnings("ignore::femsim.base.errors.FemsimWarning")
@pytest.mark.parametrize(("low", "shared"), [({"E": 2.5, "nu": 0.34, "cte": 50.0}, "factor"), (SOFTENING, "mesh")])
def test_each_temperature_is_a_run_of_its_own(low, shared):
    plain = {"chip": {"E": 169.0, "nu": 0.28, "cte": 2.6}, "post": {"E": 120.0, "nu": 0.34, "cte": 17.0}}
    tables = TABLES | {"materials": {**plain, "high": {"E": 15.0, "nu": 0.3, "cte": 10.0}, "low": low}}
    temperatures = [125.0, -40.0, 25.0]
    done = running.run(case_from(tables | {"load": {"temperature": temperatures}}))
    document = results_dict(done)
    assert [state.reused for state in done.states] == [shared, shared, "none"]
    alone = []
    for entry, temperature in zip(document["temperatures"], temperatures, strict=True):
        single = results_dict(running.run(case_from(tables | {"load": {"temperature": temperature}})))
        assert entry["temperature"] == temperature
        assert entry["delta_t"] == pytest.approx(temperature - 150.0)
        assert entry["bow"] == pytest.approx(single["bow"], rel=1e-6)
        assert entry["probes"]["tip"]["u"] == pytest.approx(single["probes"]["tip"]["u"], rel=1e-6, abs=1e-12)
        alone.append({o.name: o.value for o in outputs_of(single)})
    assert document["metrics"] == document["temperatures"][-1]["metrics"]  # the last is the one shown
    peels = [values["post_root.peel.5um"] for values in alone]
    found = {o.name: o.value for o in outputs_of(document)}
    low_t, high_t = temperatures[peels.index(min(peels))], temperatures[peels.index(max(peels))]
    assert found["post_root.peel_lowest.5um"] == pytest.approx(min(peels), rel=1e-6)
    assert found["post_root.peel_highest.5um"] == pytest.approx(max(peels), rel=1e-6)
    assert found["post_root.peel_range.5um"] == pytest.approx(max(peels) - min(peels), rel=1e-6)
    assert (found["post_root.peel_at_lowest.5um"], found["post_root.peel_at_highest.5um"]) == (low_t, high_t)
    assert found["post_root.peel_range_error.5um"] > 0
    assert "ranges.bow.curvature.range" in found
    rows = range_table(document)
    assert rows[0] == ["metric (MPa)", "125 degC", "-40 degC", "25 degC", "range"]
    assert [row[0] for row in rows[1:]] == [f"post_root.{kind}.5um" for kind in ("peel", "shear", "von_mises")]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"load": {"temperature": [25.0, 25.0]}}, "load.temperature: give each temperature once"),
        ({"load": {"temperature": []}}, "load.temperature: needs at least 1 entry"),
        ({"load": {"temperature": [25.0, 40.0]}, "step": [{"name": "cool", "temperature": 25.0}]}, "give a .*step"),
        ({"load": {"temperature": [25.0, 40.0]}, "boundary": [{"z": 90.0, "from": "out"}]}, "at one temperature"),
    ],
)
def test_lists_that_mean_nothing_are_refused(more, said):
    with pytest.raises(InputError, match=said):
        case_from(TABLES | more)
