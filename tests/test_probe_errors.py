"""Error estimates of probes against a much finer mesh."""

from __future__ import annotations

import numpy as np
import pytest

from femsim.base.errors import FemsimWarning
from femsim.cases.stacks.bilayer import BilayerCase
from femsim.runs.results import results_dict
from femsim.runs.run import run

PROBES = [
    {"name": "tip", "at": [0.0, 90.0]},
    {"name": "post", "at": [31.0, 52.0]},
    {"name": "resin", "at": [61.3, 2.1], "region": "low"},
    {"name": "edge", "at": [50.0, 40.0], "region": "post"},
]


def solved(size, growth, probes=PROBES):
    case = BilayerCase.model_validate(
        {
            "stack": "bilayer",
            "materials": {
                "post": {"E": 120.0, "nu": 0.34, "cte": 17.0},
                "low": {"E": 2.5, "nu": 0.34, "cte": 50.0},
                "high": {"E": 15.0, "nu": 0.30, "cte": 10.0},
                "chip": {"E": 169.0, "nu": 0.28, "cte": 2.6},
            },
            "mesh": {"size": size, "growth": growth},
            "probe": probes,
        }
    )
    return run(case)


@pytest.fixture(scope="module")
def runs():
    return solved(1.0, 2.0), solved(0.01, 1.3)


@pytest.mark.parametrize("name", [probe["name"] for probe in PROBES])
def test_estimates_are_of_the_size_of_the_error(runs, name):
    coarse, fine = (r.probes[name] for r in runs)
    true = np.linalg.norm(coarse.value.stress - fine.value.stress)
    assert 0.3 * true < np.linalg.norm(coarse.stress_error) < 30 * true
    true_u = np.linalg.norm(coarse.value.displacement - fine.value.displacement)
    assert 0.5 * true_u < np.linalg.norm(coarse.u_error) < 60 * true_u
    assert np.linalg.norm(fine.stress_error) < np.linalg.norm(coarse.stress_error)
    assert np.linalg.norm(fine.u_error) < 0.3 * np.linalg.norm(coarse.u_error)


def test_von_mises_error_follows_the_components(runs):
    for found in runs[0].probes.values():
        assert 0 < found.von_mises_error < 3 * sum(found.stress_error)


def test_the_json_carries_them(runs):
    probe = results_dict(runs[0])["probes"]["post"]
    assert probe["u_error"] == pytest.approx(runs[0].probes["post"].u_error)
    assert set(probe["stress_error"]) == {"rr", "zz", "tt", "rz", "von_mises"}


def test_a_singular_stress_has_no_error_estimate():
    with pytest.warns(FemsimWarning, match="singular"):
        done = solved(1.0, 2.0, [{"name": "foot", "at": [50.0, 0.0], "region": "post"}])
    document = results_dict(done)["probes"]["foot"]
    assert document["stress_error"] is None
    assert document["u_error"][0] > 0
