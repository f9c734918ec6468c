"""A program that is killed goes on behind its last saved step, bit for bit; a load beyond the limit leaves its way."""

from __future__ import annotations

import io
import json
import os
import pickle
import random
import signal
import subprocess
import sys
import time
from functools import lru_cache

import numpy as np
import pytest
from helpers import interrupt_after

from femsim.base.errors import InputError, LimitLoadError
from femsim.cases.casefile import dump_case, parse_case
from femsim.runs import resume
from femsim.runs.results import results_dict
from femsim.runs.resume import STATE, Place
from femsim.runs.run import run

SOLDER = {"E": 45.0, "nu": 0.36, "cte": 21.7, "creep": {"norton": {"A": 1e-9, "n": 2.0}}}
STEEL = {"E": 210, "nu": 0.3, "cte": 0, "plastic": {"yield": 240}}
CASE = {
    "stack": "blocks",
    "block": [
        {"name": "die", "r": [0, 20], "z": [10, 20], "material": "copper"},
        {"name": "joint", "r": [0, 20], "z": [0, 10], "material": SOLDER},
        {"name": "lid", "r": [0, 20], "z": [20, 25], "material": {"like": "copper", "plastic": {"yield": 150.0}}},
    ],
    "load": {"stress_free_temperature": 125.0},
    "mesh": {"size": 20.0, "largest": 20.0},
    "model": {"outer": "straight"},
    "boundary": [{"z": 0.0, "u_z": 0.0}],
    "step": [
        {"name": "cure", "temperature": 100.0, "add": ["lid"], "duration": 60.0},
        {"name": "hold", "temperature": 110.0, "duration": 10.0},
    ],
    "cycle": {"low": 20.0, "high": 125.0, "ramp": 100.0, "count": 1},
    "life": [{"region": "joint", "syed_energy": 0.0019}],
    "probe": [{"name": "corner", "at": [19.0, 9.0]}],
}


@lru_cache
def _whole():
    return run(parse_case(CASE, "test"))


def _same(found):
    found = {key: value for key, value in found.items() if key != "timing"}
    return json.dumps(found, sort_keys=True)


@pytest.mark.filterwarnings("ignore::femsim.base.errors.FemsimWarning")
@pytest.mark.parametrize("after", [1, 3])
def test_goes_on_behind_any_saved_step(tmp_path, monkeypatch, after):
    """All that is measured, and every sample and field on the way, is that of the run that nothing disturbed."""
    monkeypatch.setattr(resume, "SELDOM", 0.0)
    case = parse_case(CASE, "test")
    whole = _whole()
    saved = interrupt_after(monkeypatch, after)
    with pytest.raises(KeyboardInterrupt):
        run(case, state=Place(tmp_path / STATE))
    monkeypatch.setattr(resume.StateFile, "save", saved)
    told = []
    again = run(case, progress=told.append, state=Place(tmp_path / STATE, resume=True))
    assert any("going on behind step" in text for text in told)
    assert _same(results_dict(again)) == _same(results_dict(whole))
    assert np.array_equal(again.solution.displacement, whole.solution.displacement)
    assert again.warnings == whole.warnings
    for kind in ("frames", "movie"):
        ours, theirs = getattr(again.record, kind), getattr(whole.record, kind)
        assert len(ours) == len(theirs) > 0
        assert all(np.array_equal(a.stress, b.stress) and a.time == b.time for a, b in zip(ours, theirs, strict=True))
    assert [s.time for s in again.record.samples] == [s.time for s in whole.record.samples]
    other = parse_case({**CASE, "cycle": {**CASE["cycle"], "low": 21.0}}, "test")
    with pytest.raises(InputError, match="another case"):
        run(other, state=Place(tmp_path / STATE, resume=True))
    with (tmp_path / STATE).open("r+b") as stream:
        stream.seek(-9, os.SEEK_END)
        stream.write(b"x")
    with pytest.raises(InputError, match="damaged"):
        run(case, state=Place(tmp_path / STATE, resume=True))
    (tmp_path / STATE).write_text("{}")
    with pytest.raises(InputError, match="not a state"):
        run(case, state=Place(tmp_path / STATE, resume=True))


def test_a_state_runs_no_code():
    class Evil:
        def __reduce__(self):
            return os.system, ("true",)

    with pytest.raises(pickle.UnpicklingError, match="no place in a state"):
        resume._Unpickler(io.BytesIO(pickle.dumps(Evil())), None, None).load()


@pytest.mark.filterwarnings("ignore::femsim.base.errors.FemsimWarning")
def test_killed_for_real(tmp_path):
    """SIGKILL at a random time over the command line."""
    file, out = tmp_path / "case.toml", tmp_path / "out"
    file.write_text(dump_case(parse_case(CASE, "test")))
    command = [sys.executable, "-m", "femsim", "solve", str(file), "--quiet", "--json", "--resume", "--out", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 60.0
    while not (out / STATE).exists() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(random.uniform(0.0, 0.3))
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    last = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    whole = json.loads(_same(results_dict(_whole())))
    for key in ("steps", "life", "metrics", "probes", "bow", "checks"):
        assert last[key] == whole[key], key
    assert not (out / STATE).exists()


@pytest.mark.filterwarnings("ignore::femsim.base.errors.FemsimWarning")
def test_limit_load_carries_its_way():
    """Plane-strain tube: 2 Y / sqrt(3) ln(b / a) = 192.1 MPa; what came before is there."""
    case = {
        "stack": "blocks",
        "block": [{"name": "tube", "r": [100, 200], "z": [0, 25], "material": STEEL}],
        "load": {"stress_free_temperature": 20},
        "mesh": {"size": 25, "largest": 25},
        "step": [{"name": "load"}, {"name": "burst"}],
        "boundary": [
            {"z": 0, "u_z": 0},
            {"z": 25, "u_z": 0},
            {"r": 100, "pressure": {"steps": [100, 250]}},
        ],
    }
    with pytest.raises(LimitLoadError, match="step 'burst'") as error:
        run(parse_case(case, "test"))
    load, burst = error.value.run.program
    assert load.time == 1.0
    pressure = 100.0 + 150.0 * (burst.time - 1.0)
    assert pressure == pytest.approx(2 * 240 / np.sqrt(3) * np.log(2), rel=2e-3)
    assert burst.inelastic["tube"].p > 10 * load.inelastic["tube"].p
    assert results_dict(error.value.run)["steps"][1]["time"] == burst.time
