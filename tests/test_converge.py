"""Mesh studies: orders and extrapolation of known sequences, nested meshes, the command."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest

from femsim.base.errors import InputError
from femsim.base.finite import json_text
from femsim.cases.casefile import load_case
from femsim.cases.stacks.bilayer import BilayerCase
from femsim.cli.converge import study_dict
from femsim.cli.main import main
from femsim.reports.plots.convergence import adaptation_figure, study_figure
from femsim.runs.converge import coarsest, converge, order, row_of
from femsim.runs.run import run

MATERIALS = {
    "post": {"E": 120.0, "nu": 0.34, "cte": 17.0},
    "low": {"E": 2.5, "nu": 0.34, "cte": 50.0},
    "high": {"E": 15.0, "nu": 0.30, "cte": 10.0},
    "chip": {"E": 169.0, "nu": 0.28, "cte": 2.6},
}


def bilayer(**mesh):
    return BilayerCase.model_validate(
        {"stack": "bilayer", "materials": MATERIALS, "mesh": mesh, "metrics": {"length": 5.0}}
    )


@pytest.mark.parametrize("p", [1.14, 2.0, 3.7])
def test_order_and_limit_of_a_known_sequence(p):
    values = [7.0 + 3.0 * (0.5**k) ** p for k in range(4)]
    row = row_of("x", values, [1.0] * 4)
    assert row.orders == pytest.approx((p, p))
    assert row.extrapolated == pytest.approx(7.0)


@pytest.mark.parametrize("values", [(1.0, 2.0, 1.5), (1.0, 2.0, 4.0), (1.0, 2.0, 2.0), (1.0, 1.0, 2.0)])
def test_no_order_where_differences_do_not_shrink(values):
    assert order(*values) is None
    row = row_of("x", list(values), [1.0] * 3)
    assert row.extrapolated == values[-1]
    assert row.doubt == pytest.approx(abs(values[-1] - values[-2]))


def test_meshes_are_nested():
    first = coarsest(bilayer(size=0.05, growth=1.5), None, 4)
    second = first.halved()
    for a, b in zip(first.lines, second.lines, strict=True):
        assert len(b) == 2 * len(a) - 1
        assert np.array_equal(b[::2], a)


@pytest.fixture(scope="module")
def study():
    return converge(bilayer(size=0.05, growth=1.5), levels=4)


def test_extrapolated_metrics_are_the_fine_ones(study):
    """A tolerance of its own mesh family, far finer at the root."""
    fine = run(bilayer(size=5e-4, growth=1.2)).roots[0]
    rows = {row.name: row for row in study.rows}
    for kind in ("peel", "shear", "von_mises"):
        row = rows[f"post_root.{kind}.5um"]
        assert row.extrapolated == pytest.approx(getattr(fine, kind), abs=max(3 * row.doubt, 1e-3 * fine.von_mises))
        assert abs(row.extrapolated - getattr(fine, kind)) < abs(row.values[-2] - getattr(fine, kind)) + 0.02


def test_unknowns_grow_fourfold_and_errors_fall(study):
    unknowns = [level.unknowns for level in study.levels]
    assert all(3.5 < b / a < 4.5 for a, b in pairwise(unknowns))
    for row in study.rows:
        assert row.errors[-1] < 0.6 * row.errors[0]


def test_the_limit_ends_a_study():
    short = converge(bilayer(size=0.5, growth=2.0, limit=1500), levels=5)
    assert len(short.levels) == 3
    assert "mesh.limit" in short.stopped
    with pytest.raises(InputError, match="levels"):
        converge(bilayer(), levels=2)


def test_the_command_writes_table_json_and_plot(tmp_path, capsys):
    out = tmp_path / "study"
    code = main(
        [
            "converge",
            "bilayer",
            "--set",
            "mesh.size=1",
            "--set",
            "mesh.growth=2",
            "--levels",
            "3",
            "--quiet",
            "--out",
            str(out),
        ]
    )
    text = capsys.readouterr().out
    assert code == 0
    assert "extrapolated" in text
    document = json.loads((out / "converge.json").read_text())
    assert len(document["levels"]) == 3
    assert len(document["metrics"]["post_root.peel.5um"]["values"]) == 3
    assert (out / "converge.png").stat().st_size > 5000
    assert (out / "converge.svg").read_text().lstrip().startswith("<?xml")


def test_solve_tol_ends_with_3_and_the_best_answer(tmp_path, capsys):
    code = main(["solve", "bilayer", "--tol", "0.01%", "--set", "mesh.limit=4000", "--json", "--quiet"])
    captured = capsys.readouterr()
    assert code == 3
    document = json.loads(captured.out)
    assert document["refinement"]["met"] is False
    assert np.isfinite(document["metrics"]["roots"]["post_root"][0]["peel"])
    assert "mesh.tolerance: 0.0001 is not met" in captured.err
    assert main(["solve", "bilayer", "--goal", "post_root.peel.5um"]) == 2
    assert "--goal: goes with --tol" in capsys.readouterr().err
    goal = ["--goal", "post_root.von_mises.5um", "--goal", "post_root.peel.1um"]
    assert main(["solve", "bilayer", "--tol", "20%", *goal, "--json", "--quiet"]) == 0
    steps = json.loads(capsys.readouterr().out)["refinement"]["steps"]
    assert all(step["of"] in goal for step in steps)
    assert main(["solve", "bilayer", "--tol", "none"]) == 2
    assert "--tol" in capsys.readouterr().err


def test_plots_draw_every_metric(study):
    figure = study_figure(study)
    assert len(figure.axes[0].lines) == 2 * len(study.rows)
    adapted = run(bilayer(tolerance=0.1))
    (ax,) = adaptation_figure(adapted.adaptation).axes
    assert len(ax.lines) == 3 + 1
    assert ax.lines[0].get_xdata()[0] == adapted.adaptation.steps[0].unknowns


def test_a_program_is_refined_in_time_too():
    """What flows is marched on every mesh, not solved as if it were elastic."""
    case = load_case(
        "bilayer",
        [
            "materials.post={ like = 'copper', plastic = { yield = 180, isotropic = { linear = 1000 } } }",
            "step=[{ name = 'cool', temperature = 25 }]",
            "model.time_tolerance=5e-3",
            "mesh.size=10",
            "mesh.growth=4",
            "metrics.length=5",
        ],
    )[0]
    study = converge(case, None, 3)
    alone = {one.name: one for one in study.rows}["post_root.von_mises.5um"]
    (root,) = run(case).roots
    assert alone.values[1] == pytest.approx(root.von_mises, rel=0.02)
    assert alone.values[-1] < 200.0  # elastic: above 220
    assert alone.effectivity is None
    assert all(np.isnan(error) for error in alone.errors)
    json.loads(json_text(study_dict(study)), parse_constant=pytest.fail)
