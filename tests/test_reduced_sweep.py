"""Sweeps by a reduced basis: rows with levels and two errors, the best in full, resumed from its boxes."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import femsim.reduced.build as build
from femsim.base.errors import FemsimWarning, InputError
from femsim.cli.main import main
from femsim.reduced.between import Between, lagrange, nodes_of
from femsim.reduced.keep import load
from femsim.reports.study.explorer import write_explorer
from femsim.runs.rows import evaluate
from femsim.study.optimise import confirm
from femsim.study.optimise_reduced import optimise_reduced
from femsim.study.points import case_of
from femsim.study.reduced import FOLDER, MODEL, reduced_engine, summary
from femsim.study.slurm import Site, prepare, run_task
from femsim.study.store import Store
from femsim.study.studyfile import load_study
from femsim.study.sweep import finish, open_study, sweep

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next((found for name in NAMES if (found := shutil.which(name))), None)

STUDY = """
case = "bilayer"
[study]
design = "random"
samples = 320
outputs = ["post_root.von_mises.5um", "post_root.peel.5um"]
set = ["mesh.size=0.5", "mesh.growth=2.5", "metrics.length=5"]
method = "reduced"
tolerance = 0.005
certify = 2
bounds = 5
[[parameter]]
key = "geometry.high_thickness"
range = [14, 22]
[[parameter]]
key = "materials.low.E"
range = [1, 3]
"""


def check_explorer(store: Store, x: np.ndarray) -> None:
    """The page computes what the model computes, moves with its sliders, and asks the network for nothing."""
    file = write_explorer(store)
    model = load(store.directory / FOLDER / MODEL)
    answers = model.at(x)
    columns = [model.outputs.index(selector) for selector in store.plan.selectors]
    if BROWSER is None:
        return
    sync_api = pytest.importorskip("playwright.sync_api", reason="skipped: playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        page, said = browser.new_page(), []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda asked: said.append(asked.url) if asked.url.startswith("http") else None)
        page.goto(file.as_uri())
        for k in range(2):
            found = page.evaluate("x => window.evaluateReduced(x)", x[k].tolist())
            assert [f["value"] for f in found] == pytest.approx(answers.values[k, columns].tolist(), rel=1e-6)
            assert [f["reduction"] for f in found] == pytest.approx(answers.reduction[k, columns].tolist(), rel=1e-6)
        if not isinstance(model, Between):
            line = model.boxes[0].along(model.forms.at(x[:1]))[0][0]
            curve = page.evaluate("x => window.alongReduced(x, 0)", x[0].tolist())
            assert curve["distance"] == pytest.approx(model.boxes[0].lines[0].distance.tolist(), rel=1e-6)
            assert curve["peel"] == pytest.approx(line[:, 1].tolist(), rel=1e-3, abs=1e-3)
            assert curve["shear"] == pytest.approx(line[:, 3].tolist(), rel=1e-3, abs=1e-3)
        before, drawn = page.inner_text("#values"), page.inner_html("#chart")
        page.locator("input").first.evaluate("e => { e.value = e.max; e.dispatchEvent(new Event('input')); }")
        assert page.inner_text("#values") != before
        assert isinstance(model, Between) or page.inner_html("#chart") != drawn
        assert page.evaluate("window.evaluateReduced([99, 1])") is None
        browser.close()
    assert said == []


def check_optimum(study: Path, store: Store) -> None:
    """Below all points of the study that lie in the window, at its end, and confirmed by an adaptive full solve."""
    name = "post_root.von_mises.5um"
    window = '[[window]]\nkey = "geometry.high_thickness"\nrange = [15, 20]\n'
    file = study.with_name("optimise.toml")
    file.write_text(STUDY + window + f'[optimise]\nminimise = "{name}"\n')
    found = optimise_reduced(load_study(file), file, (), None, 1, data=store.directory)
    table = store.read()
    thickness = table["geometry.high_thickness"].to_numpy()
    inside = table[name].to_numpy()[(thickness >= 15) & (thickness <= 20)]
    assert found.best <= inside.min() * 1.0005
    assert found.best > 0.98 * inside.min()
    assert 15 - 1e-6 <= found.values["geometry.high_thickness"] <= 20 + 1e-6
    checked = confirm(found)
    assert checked.objective == pytest.approx(found.best, rel=0.01)  # a mesh of half a micrometre
    assert checked.error is not None
    assert checked.error < 0.01 * found.best
    with pytest.raises(InputError, match="another case"):
        optimise_reduced(load_study(file, ["geometry.post_radius=40"]), file, (), None, 1, data=store.directory)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "study.toml"
    path.write_text(STUDY)
    return path


def test_rows_have_a_level_and_two_errors_and_the_best_are_solved_in_full(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "SNAPSHOTS", 24)
    monkeypatch.setattr("femsim.study.reduced.CALIBRATE", 39)
    monkeypatch.setattr("femsim.study.reduced.OWN", 19)
    store = open_study(study, tmp_path / "out")
    outcome = sweep(store, reduced_engine(1, lambda text: None), quiet=True)
    assert outcome.failed == 0
    table = store.read().to_pydict()
    levels = np.array(table["level"])
    assert set(levels) == {"fast", "certified", "full"}
    best = np.argsort(np.abs(table["post_root.von_mises.5um"]))[:2]
    assert set(levels[best]) == {"full"}
    fast = levels == "fast"
    value, error = (np.array(table[f"post_root.von_mises{k}.5um"]) for k in ("", "_reduction_error"))
    assert np.all((error[fast] > 0.0) & (error[fast] <= 0.005 * 1.001 * value[fast]))
    assert np.all(error[levels == "full"] == 0.0)
    bounds = np.array(table["post_root.peel_reduction_error.5um"])[levels == "certified"]
    assert len(bounds) >= 5
    assert np.all(np.isfinite(bounds) & (bounds > 0.0))
    assert "rigorous bounds" in summary(store.directory)["certified"]
    assert np.all(np.array(table["post_root.peel_mesh_error.5um"]) > 0.0)
    assert store.read().schema.field("post_root.peel_mesh_error.5um").metadata[b"unit"] == b"MPa"
    said = summary(store.directory)
    assert "nothing is claimed" in said["guarantee"]["words"]
    check_explorer(store, np.array([[15.5, 1.25], [21.0, 2.9]]))
    check_optimum(study, store)
    # the model stands beside the dataset: what is lost of the rows comes back without a single box being built
    store.results.unlink()
    monkeypatch.setattr(build, "build_box", None)
    again = open_study(study, tmp_path / "out")
    jobs = prepare(again, again.missing(again.state()), Site())
    assert jobs.tasks == 1  # one model, one task
    assert run_task(again, next(jobs.directory.glob("chunks-*.json")).name, 0) == 320
    finish(again)
    assert again.read()["level"].to_pylist() == table["level"]
    assert np.array_equal(again.read()["post_root.von_mises.5um"].to_numpy()[fast], value[fast])
    assert load(store.directory / FOLDER / MODEL, "another") is None


def test_radii_are_held_at_nodes_with_polynomials_between(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (
        ("build.SNAPSHOTS", 15),
        ("build.ASIDE", 4),
        ("between.NODES", (2, 3, 5)),
        ("between.MODELS", 3),
    ):
        monkeypatch.setattr(f"femsim.reduced.{name}", value)
    monkeypatch.setattr("femsim.study.reduced.CALIBRATE", 19)
    radius = '[[parameter]]\nkey = "geometry.post_radius"\nrange = [46, 54]\n'
    study.write_text(STUDY.replace('[[parameter]]\nkey = "materials.low.E"\nrange = [1, 3]\n', radius))
    store = open_study(study, tmp_path / "out")
    with pytest.warns(FemsimWarning, match="have no rigorous bounds"):
        sweep(store, reduced_engine(1, lambda text: None), quiet=True)
    table = store.read().to_pydict()
    fast = [k for k, level in enumerate(table["level"]) if level == "fast"]
    assert len(fast) > 300
    model = load(store.directory / FOLDER / MODEL)
    assert isinstance(model, Between)
    assert "ordinary solve" in summary(store.directory)["guarantee"]["words"]
    inside = 0
    for k in fast[:5]:
        values = [table[key][k] for key in store.plan.keys]
        full = evaluate(case_of(store.plan.data, store.plan.keys, values, ""), None, store.plan.selectors).values
        for name, true in zip(store.plan.outputs, full, strict=True):
            error = table[name.replace(".5um", "_reduction_error.5um")][k]
            assert 0.0 < error < 0.01 * table["post_root.von_mises.5um"][k]
            inside += abs(table[name][k] - true) <= error
    assert inside >= 8
    ends = np.array([[46.0, 14.0], [54.0, 22.0]])
    assert model.place(np.array([[18.0, 45.0]])).tolist() == [-1]
    assert np.allclose(lagrange(nodes_of(*ends[:, 0], 5), np.array([46.0, 49.0])) @ np.ones(5), 1.0)
    check_explorer(store, np.array([[15.5, 47.0], [21.0, 53.0]]))
    study.write_text(STUDY.replace("materials.low.E", "geometry.cell_radius").replace("[1, 3]", "[120, 150]") + radius)
    with pytest.raises(InputError, match="move vertical lines, more than 1 of them"):
        sweep(open_study(study, tmp_path / "two"), reduced_engine(1, lambda text: None), quiet=True)


def test_what_a_reduced_sweep_cannot_do_is_said_before_anything_runs(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study.write_text(STUDY.replace('"post_root.peel.5um"', '"metrics.regions.post.energy"'))
    store = open_study(study, tmp_path / "out")
    engine = reduced_engine(1, lambda text: None)
    with pytest.raises(InputError, match="averages at roots only"):
        sweep(store, engine, quiet=True)
    study.write_text(STUDY.replace('method = "reduced"\n', ""))
    assert main(["sweep", str(study), "--out", str(tmp_path / "b")]) == 2
    assert "goes with method" in capsys.readouterr().err
    assert main(["sweep", str(study), "--out", str(tmp_path / "b"), "--reduced", "50%"]) == 2
    assert "--reduced: 50%" in capsys.readouterr().err
