"""What a user gets of a program: history, series, figures, sections of the report, outputs of studies."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from femsim.base.errors import FemsimWarning, InputError
from femsim.cases.casefile import parse_case
from femsim.measures.inelastic import Flow, Inelastic, inelastic_at
from femsim.meshes.elements import gauss_points
from femsim.models.fields import PointField
from femsim.reports.report import publish, rebuild
from femsim.runs.names import outputs_of
from femsim.runs.results import results_dict
from femsim.runs.run import run
from femsim.runs.wanted import EVERYTHING

COPPER = {"E": 120.0, "nu": 0.34, "cte": 17.0, "plastic": {"yield": 100.0, "kinematic": [{"C": 60000.0, "gamma": 0.0}]}}

BLOCKS = [
    {"name": "chip", "r": [0.0, 60.0], "z": [-40.0, 0.0], "material": "silicon"},
    {"name": "post", "r": [0.0, 20.0], "z": [0.0, 30.0], "material": COPPER},
    {"name": "resin", "r": [20.0, 60.0], "z": [0.0, 30.0], "material": {"E": 3, "nu": 0.3, "cte": 50}},
]


def case(**more):
    """A copper post on silicon in a resin that is born after the first step; cycled."""
    return parse_case(
        {
            "stack": "blocks",
            "block": BLOCKS,
            "root": [{"name": "foot", "at": [20.0, 0.0], "region": "post"}],
            "load": {"stress_free_temperature": 150.0},
            "boundary": [{"point": [0.0, -40.0], "u_z": 0.0}],
            "mesh": {"size": 8.0, "growth": 3.0},
            "metrics": {"length": [10.0, 5.0], "thickness": 10.0},
            "step": [
                {"name": "cool", "temperature": 100.0, "duration": 60.0},
                {"name": "mould", "add": ["resin"], "temperature": 25.0, "duration": 60.0},
            ],
            "cycle": {"low": -40.0, "high": 125.0, "ramp": 600.0, "dwell_high": 60.0, "count": 2},
            "life": [{"region": "post", "thickness": 10.0, "coffin_manson": {"ef": 0.3, "c": -0.6}}],
        }
        | more,
        "test",
    )


def quiet(change):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FemsimWarning)
        return run(case(**change))


@pytest.fixture(scope="module")
def solved():
    return quiet({})


@pytest.fixture(scope="module")
def written(solved, tmp_path_factory):
    directory = tmp_path_factory.mktemp("program") / "out"
    (directory / "steps").mkdir(parents=True)
    (directory / "steps" / "0099.vtu").write_text("of an earlier run")
    (directory / "steps.pvd").write_text("of an earlier run")
    publish(solved, directory)
    return directory


def test_steps_say_what_flowed(solved):
    """Means of rings, layers and regions agree with each other; the zone is part of the conductor and grows."""
    document = results_dict(solved)
    json.dumps(document, allow_nan=False)
    roots = [step["metrics"]["roots"]["foot"] for step in document["steps"]]
    p = [[entry["inelastic"]["p"] for entry in step] for step in roots]
    assert np.all(np.diff(p, axis=0) >= -1e-9)
    assert all(five > ten > 0 for ten, five in p[1:])  # more flows nearer to the root
    reach = [step[0]["plastic_zone"]["reach"] for step in roots]
    assert 0 < reach[-1] <= np.hypot(20.0, 30.0)
    assert np.all(np.diff(reach) >= 0)
    layer = document["layers"][0]
    assert (layer["region"], layer["thickness"]) == ("post", 10.0)
    life = document["steps"][-1]["layers"][0]["inelastic"]["p"] - document["steps"][-4]["layers"][0]["inelastic"]["p"]
    assert document["life"][0]["strain_per_cycle"] == pytest.approx(life, rel=1e-9)  # the same layer
    # linear kinematic hardening: of the strain, what is not elastic stays; mean stress and strain obey Hooke before
    first = solved.record.samples[0]
    mean = first.patches[2]
    assert first.patches[0].inelastic.p < 1e-3
    assert np.all(np.isfinite(mean.strain))
    names = [o.name for o in outputs_of(document)]
    assert "steps[1].metrics.roots.foot[0].inelastic.p" in names
    assert "life[0].coffin_manson" in names


def test_loops_close_on_the_work(solved):
    """The area of stress against strain over all components of a patch is its work, and little elastic energy."""
    patches = [s.patches[2] for s in solved.record.samples]
    stress, strain = np.array([m.stress for m in patches]), np.array([m.strain for m in patches])
    stress, strain = (np.concatenate([0 * v[:1], v]) for v in (stress, strain))
    area = np.sum(0.5 * (stress[1:] + stress[:-1]) * np.diff(strain, axis=0))
    elastic = 0.5 * np.sum(patches[-1].stress ** 2) / 120e3
    assert area == pytest.approx(patches[-1].inelastic.work, rel=0.15, abs=3 * elastic)


def test_history_is_a_table_with_units(solved, written):
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(written / "history.parquet")
    assert table.num_rows == len(solved.record.samples) > len(solved.program)
    units = {field.name: field.metadata[b"unit"].decode() for field in table.schema}
    assert units["time"] == "s"
    assert units["foot.peel.10um"] == "MPa"
    assert units["foot.p.5um"] == units["foot.strain_rz.5um"] == units["region post.creep"] == ""
    assert units["foot.stress_zz.5um"] == units["layer post at foot.work"] == "MPa"
    columns = table.to_pydict()
    assert np.all(np.diff(columns["time"]) >= 0)
    assert columns["region resin.p"][0] is None  # not born yet
    assert columns["region resin.p"][-1] == 0.0
    last = results_dict(solved)["steps"][-1]["metrics"]
    assert columns["foot.von_mises.5um"][-1] == last["roots"]["foot"][1]["von_mises"]
    assert columns["region post.work"][-1] == last["regions"]["post"]["inelastic"]["work_mean"]


def test_series_shows_what_is_there(solved, written):
    import meshio

    entries = ElementTree.parse(written / "steps.pvd").getroot().findall("./Collection/DataSet")
    assert [e.get("name") for e in entries] == [step.leg.name for step in solved.program]
    assert [float(e.get("timestep")) for e in entries] == [step.time for step in solved.program]
    first, last = (meshio.read(written / e.get("file")) for e in (entries[0], entries[-1]))
    assert len(first.cells[0].data) < len(last.cells[0].data)  # the resin is born in the second step
    names = {"displacement", "temperature", "von_mises", "plastic_strain", "creep_strain", "inelastic_work"}
    assert names <= set(last.point_data)
    assert last.point_data["plastic_strain"].max() > first.point_data["plastic_strain"].max() >= 0
    assert np.all(last.point_data["temperature"] == -40.0)
    assert not (written / "steps" / "0099.vtu").exists()


def test_report_has_sections_of_the_program(written):
    html = (written / "report.html").read_text(encoding="utf-8")
    for part in ('id="program"', 'id="life"', "cycle 2: at high", "Coffin", "life.0.coffin_manson", "image/gif"):
        assert part in html, part
    figures = {path.name for path in (written / "figures").iterdir()}
    assert {"history.png", "loops.png", "yield.png", "cycle.gif"} <= figures
    rebuild(written)
    assert (written / "report.html").read_text(encoding="utf-8") == html


@pytest.mark.parametrize("outer", ["coupled", "straight"])
def test_no_work_is_left_over_where_walls_are_born_later(outer):
    """A resin born on a shape that the tied wall has left stands off from the tie for good; the work balances yet."""
    done = quiet({"model": {"outer": outer}, "cycle": None, "life": [], "mesh": {"size": 20.0}})
    checks = results_dict(done)["checks"]
    assert max(checks.values()) < 1e-8


def test_rounding_that_is_left_of_a_load_is_no_residual():
    """Heated and cooled back to where it is free of stress: what fails to balance is rounding of forces that were."""
    steps = [{"name": "heat", "temperature": 190.0}, {"name": "back", "temperature": 150.0}]
    elastic = [
        {**block, "material": {"E": 100 - 30 * k, "nu": 0.3, "cte": 5.0 + 10 * k}} for k, block in enumerate(BLOCKS)
    ]
    done = quiet({"block": elastic, "step": steps, "cycle": None, "life": [], "mesh": {"size": 20.0}})
    assert max(results_dict(done)["checks"].values()) < 1e-8


def test_a_study_measures_no_history(solved):
    """Outputs of steps and lives need neither history nor fields, and are the same without."""
    from femsim.runs.rows import evaluate
    from femsim.runs.wanted import needed

    names = ["steps[0].metrics.roots.foot[0].inelastic.p", "foot.von_mises.5um"]
    assert not needed([*names, "life[0].coffin_manson", "layers[0].inelastic.work"]) & {"history", "errors"}
    short = case(cycle=None, life=[])
    found = evaluate(short, None, names)
    assert found.run.record.frames == found.run.record.samples == ()
    assert found.values[0] == results_dict(solved)["steps"][0]["metrics"]["roots"]["foot"][0]["inelastic"]["p"]
    assert "history" in EVERYTHING


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"metrics": {"thickness": 31.0}}, "metrics.thickness: 31 is more than 'post' has, 30 um"),
        ({"metrics": {"thickness": -1.0}}, "metrics.thickness"),
        (
            {"life": [{"region": "post", "thickness": 31.0, "syed_strain": 0.3}]},
            "life.0.thickness: 31 is more than 'post' has",
        ),
        ({"life": [{"region": "chip", "thickness": 1.0, "syed_strain": 0.3}]}, "life.0.thickness: 'chip' has no root"),
        (
            {"life": [{"region": "pst", "syed_strain": 0.3}]},
            "life.0.region: 'pst' is not there at the end (did you mean",
        ),
        ({"life": [{"region": "post", "engelmaier": 0.3}]}, "life.0.engelmaier: its exponent needs cycle.dwell_low"),
        ({"cycle": {"low": -40.0, "high": 125.0, "ramp": 60.0, "fields": [2]}}, "fields: 2 is not <= count, 1"),
    ],
)
def test_refused_in_one_line_before_the_march(change, words, monkeypatch):
    monkeypatch.setattr("femsim.runs.program.march", lambda *_: pytest.fail("marched"))
    with pytest.raises(InputError) as caught:
        quiet(change)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("post", ["copper", COPPER])
def test_back_to_where_it_is_free_of_stress(post):
    """Nothing is left to measure residuals against, but what the step began with."""
    blocks = [
        {"name": "chip", "r": [0.0, 60.0], "z": [-40.0, 0.0], "material": "silicon"},
        {"name": "post", "r": [0.0, 20.0], "z": [0.0, 30.0], "material": post},
    ]
    steps = [{"name": "cool", "temperature": 130.0}, {"name": "back", "temperature": 150.0}]
    found = quiet({"block": blocks, "step": steps, "cycle": None, "life": [], "mesh": {"size": 10.0, "growth": 3.0}})
    cold, warm = (step.regions["chip"].von_mises_max for step in found.program)
    assert warm < 1e-3 * cold or post is COPPER


def test_what_flowed_at_a_point_is_never_below_zero() -> None:
    """Flow at one side of a cell alone: the line through its points is below zero at the other side."""
    bar = parse_case(
        {
            "stack": "blocks",
            "block": [{"name": "bar", "x": [0, 2], "y": [0, 1], "material": {"E": 100, "nu": 0.3, "cte": 10}}],
            "model": {"kinematics": "plane-strain"},
            "load": {"stress_free_temperature": 25, "temperature": 125},
            "mesh": {"size": 1, "largest": 1},
            "boundary": [{"y": 0, "u_y": 0}, {"x": 0, "u_x": 0}],
            "probe": [{"name": "edge", "at": [0.0, 0.5]}],
        },
        "test",
    )
    done = run(bar)
    field = done.solution.field
    points, _ = gauss_points(field.space.mesh.element, field.space.mesh.info.full)
    values = np.where(points[:, 0] > 0.6, 1.0, 0.0)[None, :, None] * np.ones((len(field.space.mesh.cells), 1, 3))
    none = np.zeros((*values.shape[:2], field.space.kinematics.size))
    flow = Flow(PointField(field.space, field.unknowns, none, values[..., 0]), values)
    assert inelastic_at(flow, done.probes["edge"].value) == Inelastic(0.0, 0.0, 0.0)
    there = replace(done.probes["edge"].value, at=(0.95, 0.5))
    assert inelastic_at(flow, there).p > 0.5
