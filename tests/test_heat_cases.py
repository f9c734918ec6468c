"""The shipped cases with heat, heat in the steps of a program, and heat in studies."""

from __future__ import annotations

import json

import numpy as np
import pytest
from heatcases import matter

from femsim.base.errors import FemsimWarning, InputError
from femsim.cases.casefile import load_case, parse_case
from femsim.cli.main import main
from femsim.runs.results import results_dict
from femsim.runs.rows import evaluate
from femsim.runs.run import run

COARSE = ("mesh.size=1", "mesh.growth=3")


@pytest.mark.parametrize("name", ["bilayer-heat", "staggered-heat", "rewired-chip-heat", "flipchip-heat"])
@pytest.mark.filterwarnings("ignore::femsim.base.errors.FemsimWarning")
def test_shipped_cases_with_heat(name):
    """All the power leaves, most of it on the way that is meant; the hot parts are the powered ones."""
    case, origin = load_case(name, COARSE)
    document = results_dict(run(case, origin.base, wanted=frozenset({"regions"})))
    heat = document["heat"]
    assert heat["balance"] < 1e-12
    power = sum(one["power"] for one in heat["sources"].values())
    assert sum(heat["boundaries"].values()) == pytest.approx(power, rel=1e-9)
    assert heat["boundaries"].get("air", 0.0) < 0.01 * power
    assert heat["T_max"] == pytest.approx(max(one["T_max"] for one in heat["sources"].values()), abs=1e-6)
    assert 30.0 < heat["T_max"] < 100.0


@pytest.mark.filterwarnings("ignore::femsim.base.errors.FemsimWarning")
def test_the_shipped_process():
    """Each step has its entry, the powered one its heat; what is not there yet has no metrics."""
    case, origin = load_case("bilayer-process", COARSE)
    document = results_dict(run(case, origin.base))
    steps = {step["name"]: step for step in document["steps"]}
    assert steps["heat up"]["metrics"]["regions"]["high"] is None
    assert "heat" not in steps["reflow"]
    work = steps["work"]["heat"]
    assert work["sources"]["chip"]["power"] == pytest.approx(1e5 * np.pi * 150e-6**2, rel=1e-9)
    assert document["heat"] == work
    json.dumps(document)


def column(steps, sources):
    """Two slabs of 50 um, the upper one added later, heated at the bottom and cooled at z = 50 or 100."""
    block = {"E": 100.0, "nu": 0.3, "cte": 10.0, **matter(50.0)}
    return parse_case(
        {
            "name": "column",
            "stack": "blocks",
            "block": [
                {"name": "low", "r": [0, 100], "z": [0, 50], "material": block},
                {"name": "high", "r": [0, 100], "z": [50, 100], "material": block},
            ],
            "load": {"stress_free_temperature": 20} | ({} if steps else {"temperature": "heat"}),
            "model": {"outer": "free"},
            "mesh": {"size": 25},
            "boundary": [{"z": 0.0, "u_z": 0.0}],
            "heat": {"ambient": 20, "source": [{"name": "die", "z": 0.0, "density": 1e6}], "boundary": sources},
            "probe": [{"name": "bottom", "at": [0, 0]}, {"name": "top", "at": [0, 100]}],
            "step": steps,
        },
        "case.toml",
    )


def test_heat_flows_in_what_is_there():
    """Before the upper slab is added its place neither conducts nor needs a sink: T = T_a + q/h + q t/k."""
    steps = [
        {"name": "bare", "temperature": "heat"},
        {"name": "covered", "add": ["high"], "temperature": 20},
    ]
    document = results_dict(run(column(steps, [{"z": 50.0, "h": 1e5}])))
    assert document["steps"][0]["probes"]["bottom"]["T"] == pytest.approx(20.0 + 10.0 + 1.0, rel=1e-9)
    assert document["steps"][0]["probes"]["top"] is None
    assert document["steps"][0]["heat"]["T_min"] == pytest.approx(30.0, rel=1e-9)
    assert "T" not in document["steps"][1]["probes"]["bottom"]
    assert document["heat"]["layers"][0]["region"] == "low"
    assert len(document["heat"]["layers"]) == 1


def test_heat_that_no_step_takes_and_sources_that_are_not_there():
    with pytest.warns(FemsimWarning, match="no step has temperature"):
        run(column([{"name": "hot", "temperature": 50}], [{"z": 100.0, "h": 1e5}]))
    case = column([{"name": "hot", "temperature": "heat", "remove": ["high"]}], [{"z": 50.0, "h": 1e5}])
    heat = case.heat.model_copy(
        update={"source": [case.heat.source[0].model_copy(update={"z": None, "region": "high"})]}
    )
    with pytest.raises(InputError, match="is not there in this step"):
        run(case.model_copy(update={"heat": heat}))


def test_a_course_does_not_drive_what_flows():
    """A transient beside a material that flows is refused: it was taken as steady."""
    case = column([], [{"z": 100.0, "h": 1e5}])
    flowing = {"E": 100.0, "nu": 0.3, "cte": 10.0, "plastic": {"yield": 100}, **matter(50.0, 1000.0, 1000.0)}
    data = case.model_dump(by_alias=True, exclude_unset=True)
    data["block"] = [{**block, "material": flowing} for block in data["block"]]
    data["heat"]["transient"] = {"initial": 20.0, "end": 1.0}
    del data["step"]
    with pytest.raises(InputError, match=r"heat\.transient: not where a material flows"):
        run(parse_case(data, "case.toml"))


@pytest.mark.filterwarnings("ignore::femsim.base.errors.FemsimWarning")
def test_outputs_of_heat_and_stress_in_one_point():
    """What a sweep asks for: power doubles the rise (but for silicon's k(T)), R_th hardly cares, a better board lowers
    it.
    """
    outputs = ["heat.sources.chip.T_max", "heat.sources.chip.R_mean", "member_root.von_mises.5um"]
    rows = []
    for density, h in ((1e5, 1e5), (2e5, 1e5), (1e5, 2e5)):
        given = (*COARSE, f"heat.source.0.density={density:g}", f"heat.boundary.0.h={h:g}")
        case, origin = load_case("rewired-chip-heat", given)
        rows.append(evaluate(case, origin.base, outputs).values)
    assert rows[1][0] - 25.0 == pytest.approx(2.0 * (rows[0][0] - 25.0), rel=0.02)
    assert rows[1][1] == pytest.approx(rows[0][1], rel=0.02)
    assert rows[2][1] < 0.7 * rows[0][1]
    assert rows[1][2] < rows[0][2] < rows[2][2]  # the hotter, the nearer to the stress-free temperature


STUDY = """case = "die.toml"
[study]
design = "lhs"
samples = 2
seed = 1
outputs = ["heat.sources.die.T_max", "heat.sources.die.R_mean"]
[[parameter]]
key = "heat.boundary.0.h"
range = [1e4, 1e6]
scale = "log"
[optimise]
minimise = "heat.sources.die.R_mean"
evaluations = 10
"""


def test_a_case_of_heat_alone_is_optimised(tmp_path, capsys):
    """The least thermal resistance is that of the best cooling, confirmed by a solve of its own with its error."""
    (tmp_path / "study.toml").write_text(STUDY, encoding="utf-8")
    (tmp_path / "die.toml").write_text(
        """stack = "blocks"
block = [{ name = "die", r = [0, 100], z = [0, 50], material = { conductivity = 148 } }]
mesh = { size = 50 }
heat = { source = [{ name = "die", z = 50, power = 1 }], boundary = [{ z = 0, h = 1e5 }] }
""",
        encoding="utf-8",
    )
    assert main(["optimise", str(tmp_path / "study.toml"), "--json", "--quiet"]) == 0
    found = json.loads(capsys.readouterr().out)
    area = np.pi * 100e-6**2
    h = found["design"]["heat.boundary.0.h"]
    assert h > 3e5
    assert found["objective"] < found["objective_of_the_middle"]
    assert found["confirmation"]["objective"] == pytest.approx((50e-6 / 148 + 1.0 / h) / area, rel=1e-6)
