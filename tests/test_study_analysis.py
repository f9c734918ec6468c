"""What a study says: indices against exact ones, fronts, windows, the report, the optimum."""

from __future__ import annotations

import base64
import itertools
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from femsim.base.errors import InputError, NumericsError
from femsim.cases.casefile import load_case
from femsim.cases.library import list_cases
from femsim.cli.main import main
from femsim.reports.study.figures import map_figure
from femsim.reports.study.optimum import path_of, render, write_page
from femsim.reports.study.report import write_report
from femsim.runs.run import run
from femsim.study import analysis
from femsim.study.design import unit_values
from femsim.study.optimise import confirm, optimise, write_optimum
from femsim.study.plan import make_plan
from femsim.study.store import Row, Store
from femsim.study.studyfile import load_study, shipped_studies
from femsim.study.surrogate import fit
from femsim.study.sweep import finish

OUTPUTS = 'outputs = ["metrics.roots.post_root[0].peel", "metrics.roots.post_root[0].von_mises"]'
PARAMETERS = """
[[parameter]]
key = "geometry.high_thickness"
range = [5, 45]
[[parameter]]
key = "geometry.ratio"
range = [2, 10]
scale = "log"
[[parameter]]
key = "materials.low.cte"
range = [8, 180]
[[window]]
key = "geometry.low_thickness / geometry.high_thickness"
range = [3.5, 8]
label = "claim 2"
[[window]]
key = "geometry.high_thickness"
range = [10, 30]
"""


def ishigami(u: np.ndarray) -> np.ndarray:
    """Ishigami and Homma 1990; its indices are known in closed form."""
    x = (2 * u - 1) * np.pi
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


#: a = 7, b = 0.1: V = a^2/8 + b pi^4/5 + b^2 pi^8/18 + 1/2
_V = 49 / 8 + 0.1 * np.pi**4 / 5 + 0.01 * np.pi**8 / 18 + 0.5
FIRST = np.array([0.5 * (1 + 0.1 * np.pi**4 / 5) ** 2, 49 / 8, 0.0]) / _V
TOTAL = np.array([FIRST[0] + 8 * 0.01 * np.pi**8 / 225 / _V, FIRST[1], 8 * 0.01 * np.pi**8 / 225 / _V])


def made(tmp_path: Path, design: str, function: object, parameters: str = PARAMETERS) -> Store:
    """A store whose rows are a known function of the unit cube, with one failed point."""
    path = tmp_path / "study.toml"
    path.write_text(f'case = "bilayer"\n[study]\n{design}\n{OUTPUTS}\n{parameters}')
    study = load_study(path)
    store = Store.open(tmp_path / "out", make_plan(study))
    u = np.column_stack([unit_values(p, [row[i] for row in study.rows]) for i, p in enumerate(study.spec.parameter)])
    y = function(u)  # type: ignore[operator]
    failed = () if "saltelli" in design or "morris" in design else (3,)
    store.write(
        [Row(i, (float(-v), float(v)), "it broke" if i in failed else None, 0.1) for i, v in enumerate(y)],
        {"none": len(y)},
    )
    return store


def test_values_map_to_probabilities_and_back(tmp_path: Path) -> None:
    store = made(tmp_path, 'design = "lhs"\nsamples = 40', lambda u: u[:, 0])
    u = np.column_stack([a.u for a in analysis.load_frame(store).axes])
    assert np.all((u > 0) & (u < 1))
    assert np.allclose(np.sort((u[:, 0] * 40).astype(int)), np.delete(np.arange(40), 0), atol=40)


def test_sobol_indices_of_a_saltelli_design_hold_the_exact_ones(tmp_path: Path) -> None:
    pytest.importorskip("SALib")
    frame = analysis.load_frame(made(tmp_path, 'design = "saltelli"\nsamples = 1024', ishigami))
    found = analysis.sensitivity(frame, "post_root.von_mises.5um")
    assert found is not None
    assert "Saltelli" in found.method
    assert np.all(np.abs(found.first - FIRST) <= 1.5 * found.first_interval + 0.005)
    assert np.all(np.abs(found.total - TOTAL) <= 1.5 * found.total_interval + 0.005)


def test_indices_from_a_fit_of_any_design(tmp_path: Path) -> None:
    def smooth(u: np.ndarray) -> np.ndarray:  # variances 1/12 of 4, 1, and the product's share
        x = np.sqrt(12) * (u - 0.5)
        return 5 + 2 * x[:, 0] + x[:, 1] + x[:, 0] * x[:, 2]

    frame = analysis.load_frame(made(tmp_path, 'design = "sobol"\nsamples = 256', smooth))
    assert frame.failed == 1
    assert frame.errors == (("it broke", 1),)
    found = analysis.sensitivity(frame, "post_root.von_mises.5um")
    assert found is not None
    assert found.quality == pytest.approx(1.0, abs=1e-6)
    assert np.allclose(found.first, [4 / 6, 1 / 6, 0], atol=1e-4)
    assert np.allclose(found.total, [5 / 6, 1 / 6, 1 / 6], atol=1e-4)


def test_noise_is_not_trusted(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    frame = analysis.load_frame(made(tmp_path, 'design = "sobol"\nsamples = 128', lambda u: random.normal(size=len(u))))
    found = analysis.sensitivity(frame, "post_root.von_mises.5um")
    assert found is not None
    assert found.quality is not None
    assert found.quality < 0.2


def test_morris_orders_the_parameters(tmp_path: Path) -> None:
    pytest.importorskip("SALib")
    frame = analysis.load_frame(made(tmp_path, 'design = "morris"\nsamples = 10', lambda u: 5 * u[:, 2] + u[:, 0]))
    found = analysis.elementary_effects(frame, "post_root.von_mises.5um")
    assert found is not None
    assert np.allclose(found[0], [1, 0, 5], atol=1e-3)


def test_front_and_best() -> None:
    a, b = np.array([1.0, -2.0, 3.0, 2.5, np.nan]), np.array([5.0, 3.0, -1.0, 3.5, 0.0])
    assert analysis.pareto(a, b).tolist() == [0, 1, 2]


def test_windows_on_quotients(tmp_path: Path) -> None:
    frame = analysis.load_frame(made(tmp_path, 'design = "lhs"\nsamples = 60', lambda u: u[:, 0]))
    ratio, high = frame.axes[1].x, frame.axes[0].x
    assert np.allclose(analysis.window_values(frame, frame.spec.window[0]), ratio)
    assert np.array_equal(
        analysis.inside(frame, frame.spec.window), (ratio >= 3.5) & (ratio <= 8) & (high >= 10) & (high <= 30)
    )


def test_report_is_one_page_that_needs_nothing_else(tmp_path: Path) -> None:
    more = PARAMETERS + '[[parameter]]\nkey = "materials.post"\nvalues = ["copper", "gold"]\n'
    store = made(tmp_path, 'design = "lhs"\nsamples = 80', lambda u: 100 + u[:, 0] + u[:, 1] * u[:, 2] + u[:, 3], more)
    text = write_report(store).read_text()
    assert not re.findall(r'(?:src|href)="(?!data:|#)', text)
    for words in (
        "Main effects",
        "Sobol indices",
        "Maps over two parameters",
        "Best designs",
        "Pareto front",
        "claim 2",
        "it broke",
    ):
        assert words in text
    assert text.count("<img") >= 8
    assert 'class="n">gold<' in text or 'class="n">copper<' in text
    assert "post_root von Mises, 5 µm (MPa)" in text
    assert "geometry.high_thickness" in text
    assert re.search(r"20\d\d-\d\d-\d\d \d\d:\d\d UTC", text)
    anchors = set(re.findall(r'href="#([\w-]+)"', text))
    assert anchors <= set(re.findall(r'id="([\w-]+)"', text))
    assert {"varied", "best", "failed"} <= anchors
    link = re.search(r'href="data:text/plain;base64,([^"]+)" download="point-(\d+).toml"', text)
    assert link is not None
    (tmp_path / "again.toml").write_bytes(base64.b64decode(link[1]))
    case, _ = load_case(tmp_path / "again.toml")
    assert (tmp_path / "out" / "best.toml").read_bytes() == (tmp_path / "again.toml").read_bytes()
    assert case.geometry == store.plan.case(int(link[2])).geometry
    with pytest.raises(InputError, match="did you mean"):
        write_report(store, "post_root.peal.5um")


def test_levels_of_a_grid_are_shown_as_they_are(tmp_path: Path) -> None:
    """Nine levels and five: each is a column or a row of the map, none is lost in a bin."""
    grid = (
        '[[parameter]]\nkey = "geometry.high_thickness"\nrange = [5, 45]\nsteps = 9\n'
        '[[parameter]]\nkey = "materials.low.cte"\nvalues = [8.0, 20.0, 50.0, 100.0, 180.0]\n'
    )
    frame = analysis.load_frame(made(tmp_path, 'design = "grid"', lambda u: 3 * u[:, 0] + u[:, 1], grid))
    assert [len(a.levels) for a in frame.axes] == [9, 5]
    index, middles, edges = analysis.bins_of(frame.axes[1], most=4)
    assert middles.tolist() == [8.0, 20.0, 50.0, 100.0, 180.0]
    assert np.array_equal(middles[index], frame.axes[1].x)
    assert len(edges) == 6
    figure = map_figure(frame, "post_root.von_mises.5um", 0, 1)
    mesh = next(c for c in figure.axes[0].collections if hasattr(c, "get_coordinates"))
    assert mesh.get_coordinates().shape == (6, 10, 2)
    ticks = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert ticks == ["8", "20", "50", "100", "180"]


def test_means_of_a_fit_are_those_of_the_function(tmp_path: Path) -> None:
    """y = a + b u0 + c u1 u2: the mean over the others at u0 is a + b u0 + c / 4."""
    u = np.random.default_rng(0).random((80, 3))
    found = fit(u, 1 + 2 * u[:, 0] + 3 * u[:, 1] * u[:, 2])
    assert found is not None
    assert found.trusted
    at = np.array([[0.0], [0.3], [1.0]])
    np.testing.assert_allclose(found.mean([0], at), 1 + 2 * at[:, 0] + 0.75, atol=1e-10)
    both = np.array([[0.2, 0.5], [0.9, 0.1]])
    np.testing.assert_allclose(found.mean([1, 2], both), 2 + 3 * both[:, 0] * both[:, 1], atol=1e-10)
    noise = fit(u, np.random.default_rng(1).normal(size=80))
    assert noise is not None
    assert not noise.trusted
    assert fit(u[:3], u[:3, 0]) is None


def test_reasons_of_failed_points_are_counted_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = analysis.reasons(["too thin: 1.5 um", "singular", "too thin: 2e-3 um"])
    assert told == (("too thin: 1.5 um (and the like)", 2), ("singular", 1))
    store = made(tmp_path, 'design = "lhs"\nsamples = 12', lambda u: u[:, 0])
    assert finish(store).to_dict()["failures"] == [{"reason": "it broke", "points": 1}]
    assert main(["sweep", str(tmp_path / "study.toml"), "--out", str(tmp_path / "out"), "--quiet"]) == 0
    assert "failed, 1 point: it broke" in capsys.readouterr().out
    assert "it broke" in write_report(store).read_text()


def test_a_tiny_study_has_a_report_too(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(
        f'case = "bilayer"\n[study]\ndesign = "grid"\n{OUTPUTS}\n[[parameter]]\nkey = '
        f'"materials.post"\nvalues = ["copper"]\n'
    )
    store = Store.open(tmp_path / "out", make_plan(load_study(path)))
    with pytest.raises(InputError, match="no point is done yet"):
        write_report(store)
    store.write([Row(0, (1.0, 2.0), None, 0.1)])
    assert "copper" in write_report(store).read_text()


def test_shipped_studies_are_whole_and_no_cases() -> None:
    assert {"bilayer-windows", "bilayer-expansion"} <= set(shipped_studies())
    assert not set(shipped_studies()) & set(list_cases())
    for path in shipped_studies().values():
        assert load_study(path).rows


def test_optimum_lies_inside_the_windows_and_reproduces(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    windows = '[optimise]\nminimise = "metrics.roots.post_root[0].von_mises"\nevaluations = 40\n'
    coarse = 'set = ["mesh.size=2", "mesh.growth=3", "probe=[]", "metrics.length=5"]'
    path.write_text(f'case = "bilayer"\n[study]\ndesign = "sobol"\nsamples = 4\n{coarse}\n{PARAMETERS}{windows}')
    study = load_study(path)
    found = optimise(study)
    assert found.solves <= 40
    assert found.best < found.start
    assert 3.5 <= found.values["geometry.ratio"] <= 8
    assert 10 <= found.values["geometry.high_thickness"] <= 30
    checked = confirm(found)
    assert checked.objective == pytest.approx(found.best, rel=1e-9)
    assert checked.error is not None
    assert 0 < checked.error < 0.5 * found.best
    write_optimum(found, tmp_path / "best", checked)
    page = write_page(study, found, checked, tmp_path / "best").read_text()
    assert "confirmed by a full solve" in page
    assert "claim 2" in page
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)
    edge = replace(found, values={**found.values, "materials.low.cte": 8.0})
    assert "The design lies on the bounds of" in render(study, edge, checked)
    assert "at its lower bound" in render(study, edge, checked)
    values, least = path_of(found)
    assert len(values) == found.solves
    assert min(v for v in values if v == v) <= found.best * (1 + 1e-12)
    assert all(a >= b for a, b in itertools.pairwise(v for v in least if v == v))
    case, _ = load_case(tmp_path / "best" / "case.toml")
    assert run(case).roots[0].von_mises == pytest.approx(found.best, rel=1e-6)
    assert json.loads((tmp_path / "best" / "optimum.json").read_text())["solves"] == found.solves
    assert len((tmp_path / "best" / "history.csv").read_text().splitlines()) == found.solves + 1


def test_windows_no_design_can_meet(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    head = 'case = "bilayer"\n[study]\ndesign = "sobol"\nsamples = 4\n'
    parameter = '[[parameter]]\nkey = "geometry.high_thickness"\nrange = [5, 9]\n'
    path.write_text(f"{head}{parameter}")
    with pytest.raises(InputError, match="add \\[optimise\\]"):
        optimise(load_study(path))
    window = '[[window]]\nkey = "geometry.high_thickness"\nrange = [50, 60]\n'
    path.write_text(
        f'{head}{parameter}{window}[optimise]\nminimise = "metrics.roots.post_root[0].peel"\nevaluations = 10\n'
    )
    with pytest.raises(NumericsError, match="no design inside the windows"):
        optimise(load_study(path))
