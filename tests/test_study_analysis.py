"""What a study says: indices against exact ones, fronts, windows, the report, the optimum."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from femsim.base.errors import InputError, NumericsError
from femsim.cases.casefile import load_case
from femsim.cases.library import list_cases
from femsim.reports.study.report import write_report
from femsim.runs.run import run
from femsim.study import analysis
from femsim.study.design import unit_values
from femsim.study.optimise import optimise, write_optimum
from femsim.study.plan import make_plan
from femsim.study.store import Row, Store
from femsim.study.studyfile import load_study, shipped_studies

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
    with pytest.raises(InputError, match="did you mean"):
        write_report(store, "post_root.peal.5um")


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
    found = optimise(load_study(path))
    assert found.solves <= 40
    assert found.best < found.start
    assert 3.5 <= found.values["geometry.ratio"] <= 8
    assert 10 <= found.values["geometry.high_thickness"] <= 30
    write_optimum(found, tmp_path / "best")
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
