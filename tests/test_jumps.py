"""Cycles that are jumped over, against brute force."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from helpers import interrupt_after

from femsim.base.errors import FemsimWarning, InputError
from femsim.cases.casefile import parse_case
from femsim.models.body import Conditions
from femsim.reports.history import history_columns
from femsim.runs import resume
from femsim.runs.program_tables import jump_rows
from femsim.runs.results import results_dict
from femsim.runs.resume import STATE, Place
from femsim.runs.run import run
from femsim.solvers.jump import AHEAD, RUN, Course, onward
from femsim.solvers.moments import Moment
from femsim.solvers.time_error import Scales

COPPER = {"E": 110.0, "nu": 0.34, "cte": 17.0}
HARDENING = {
    "yield": 120.0,
    "isotropic": {"voce": {"Q": 60.0, "b": 3.0}},
    "kinematic": [{"C": 20000.0, "gamma": 200.0}],
}
PLASTIC = COPPER | {"plastic": HARDENING}
CREEPING = {"E": 40.0, "nu": 0.36, "cte": 22.0, "creep": {"norton": {"A": 1e-7, "n": 3.0, "Q": 20000.0}}}


def column(core, count, low, high, **cycle):
    """A round core in an elastic ring, flat ends: generalised plane strain."""
    return {
        "stack": "blocks",
        "block": [
            {"name": "core", "r": [0, 5], "z": [0, 1], "material": core},
            {"name": "ring", "r": [5, 10], "z": [0, 1], "material": {"E": 169.0, "nu": 0.28, "cte": 2.6}},
        ],
        "mesh": {"size": 5.0},
        "model": {"time_tolerance": 1e-3},
        "load": {"stress_free_temperature": 25.0},
        "boundary": [{"z": 0, "u_z": 0}, {"z": 1, "u_z": "equal"}],
        "cycle": {"low": low, "high": high, "ramp": 600.0, "count": count, **cycle},
        "life": [{"region": "core", "coffin_manson": {"ef": 0.3, "c": -0.6}}],
    }


def moments(at):
    """Moments at the ends of cycles whose flow and stress are given."""
    space = np.zeros(2)
    first = Moment(0, 0.0, space, Conditions(25.0, None), space, space, space > 0, np.ones(1, bool), {}, {})

    def one(cycle):
        flow, stress = at(cycle)
        state = {"p": flow, "creep": 0.0 * flow, "work": 2.0 * flow, "stress": stress, "resistance": stress}
        moment = replace(first, step=cycle, time=7.0 * cycle, unknowns=3.0 * flow, states={"core": [state]})
        return replace(moment, scales=Scales({"core": np.array([[100.0, 100.0], [1.0, 1.0], [1.0, 1.0]])}))

    return one


def test_a_drift_that_settles_is_carried_exactly():
    """Drift and one decaying part, at every point its own amount: what is landed on is the state there."""

    def at(n):
        amount = np.array([1.0, 2.0])
        return 0.1 * n * amount[::-1] + amount * (1.0 - 0.8**n), 50.0 + amount * 0.8**n

    one, course, landed = moments(at), Course(), None
    starts = list(range(201))
    for cycle in range(1, AHEAD + 1):
        assert landed is None
        course, landed, _ = onward(course, cycle, one(cycle), starts, lambda _: 200, 0.02)
    to = landed.step
    assert to > AHEAD + 1
    assert np.allclose(landed.states["core"][0]["p"], at(to)[0], rtol=1e-9)
    assert np.allclose(landed.unknowns, 3.0 * at(to)[0], rtol=1e-9)
    assert landed.time == pytest.approx(7.0 * to)
    for cycle in range(to + 1, to + RUN + 1):
        course, landed, back = onward(course, cycle, one(cycle), starts, lambda _: 200, 0.02)
    assert back is None
    assert course.jumps[0].error < 1e-6
    assert course.pending.cycles > to - AHEAD  # longer


def test_a_jump_that_misses_is_taken_back():
    """Flow that doubles behind the jump: shorter and shorter jumps, then cycles are run."""

    def at(n):
        return np.array([0.1 * n + 0.1 * max(n - 6, 0)]), np.array([50.0])

    one, course, landed = moments(at), Course(), None
    starts = list(range(101))
    for cycle in range(1, AHEAD + 1):
        course, landed, _ = onward(course, cycle, one(cycle), starts, lambda _: 100, 0.02)
    tried = course.pending.cycles
    for cycle in range(landed.step + 1, landed.step + RUN + 1):
        course, again, back = onward(course, cycle, one(cycle), starts, lambda _: 100, 0.02)
    assert (back, course.taken_back, course.jumps) == (AHEAD, 1, ())
    assert again.step < landed.step
    assert course.pending is None or course.pending.cycles < tried


@pytest.mark.filterwarnings("ignore::femsim.base.errors.FemsimWarning")
@pytest.mark.parametrize("core", ["plastic", "creeping"])
def test_stated_errors_cover_those_against_brute_force(core):
    """Strain and work after all cycles, and in the last one."""
    material, count, high, allowed = {"plastic": (PLASTIC, 40, 250, 1e-3), "creeping": (CREEPING, 20, 125, 5e-3)}[core]
    case = column(material, count, -55, high)
    case["model"]["time_tolerance"] = allowed
    whole = results_dict(run(parse_case(case, "test")))
    case["cycle"]["jump"] = 0.02
    found = results_dict(run(parse_case(case, "test")))
    cycles = found["cycles"]
    assert cycles["run"][-3:] == [count - 2, count - 1, count]
    assert len(cycles["run"]) < 0.6 * count
    assert {s["cycle"] for s in found["steps"]} == set(cycles["run"])
    ends = {s["cycle"]: s["metrics"]["regions"]["core"]["inelastic"] for s in whole["steps"]}
    said = cycles["regions"]["core"]
    assert said == cycles["layers"][0] | {"ratchet": said["ratchet"]}
    assert 0.0 <= said["ratchet"] < 0.3
    for kind, keys in (("strain", ("p_mean", "creep_mean")), ("work", ("work_mean",))):
        last, before = (sum(ends[n][key] for key in keys) for n in (count, count - 1))
        assert abs(said[kind] - last) < said[f"{kind}_error"] + 2e-3 * last
        assert said[f"{kind}_error"] < 0.02 * last
        per = f"{kind}_per_cycle"
        assert abs(said[per] - (last - before)) < said[f"{per}_error"] + 0.01 * (last - before)
    assert found["life"][0]["work_per_cycle"] == pytest.approx(whole["life"][0]["work_per_cycle"], rel=0.02)
    assert "cycles run" in jump_rows(found)[0]
    assert jump_rows(found)[1][1][0] == "core"


def test_goes_on_after_a_kill_with_jumps(tmp_path, monkeypatch):
    """Killed after any of several steps, before, in and behind jumps: bit for bit the same."""
    monkeypatch.setattr(resume, "SELDOM", 0.0)
    case = column(PLASTIC, 24, -55, 250, jump=0.02, fields=[14, 24])
    case["model"]["time_tolerance"] = 5e-3
    case = parse_case(case, "test")
    whole = run(case)
    assert {14, 24} <= set(whole.cycles.run)
    assert whole.cycles.jumps
    samples = history_columns(whole.record.samples, ["rr", "zz", "tt", "rz"])
    for after in (10, 13, 20):
        saved = interrupt_after(monkeypatch, after)
        with pytest.raises(KeyboardInterrupt):
            run(case, state=Place(tmp_path / STATE))
        monkeypatch.setattr(resume.StateFile, "save", saved)
        again = run(case, state=Place(tmp_path / STATE, resume=True))
        ours, theirs = ({k: v for k, v in results_dict(r).items() if k != "timing"} for r in (again, whole))
        assert json.dumps(ours, sort_keys=True) == json.dumps(theirs, sort_keys=True)
        assert history_columns(again.record.samples, ["rr", "zz", "tt", "rz"]) == samples


def test_what_is_told_and_refused():
    """A cycle that ratchets, few cycles, nothing that flows, cycles that are not alike."""
    bar = column(COPPER | {"plastic": {"yield": 120.0}}, 20, -55, 300, jump=0.05)
    bar["boundary"][1]["force"] = 0.02
    few = column(PLASTIC, 6, 0, 100, jump=0.05)
    with pytest.warns(FemsimWarning, match="of 6 cycles none is jumped over"):
        assert run(parse_case(few, "test")).cycles is None
    with pytest.warns(FemsimWarning, match=r"cycle\.jump: nothing flows"):
        run(
            parse_case(
                {k: v for k, v in column(COPPER, 20, 0, 100, jump=0.05).items() if k not in ("life", "model")}, "test"
            )
        )
    bar["boundary"][1]["force"] = {"t": [0.0, 2000.0], "value": [0.0, 1.0]}
    with pytest.raises(InputError, match=r"cycle\.jump: boundary\.1\.force changes during the cycles"):
        run(parse_case(bar, "test"))
    for jump, said in ((0, "0"), (0.9, "0.9"), (True, "")):
        with pytest.raises(InputError, match=r"cycle\.jump: "):
            parse_case(column(PLASTIC, 20, 0, 100, jump=jump), said)
