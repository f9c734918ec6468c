"""Reduced bases: the affine pieces are exact, errors are what they are said to be, and nothing is reduced silently."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from femsim.base.errors import InputError
from femsim.cases.casefile import apply_overrides, find_case, read_toml
from femsim.reduced.basis import energy, span_of
from femsim.reduced.build import (
    build_box,
    errors_of,
    grow,
    middle,
    pieces_of,
    problem_of,
    reduced,
    shared,
    spread,
    thinned,
    truth_of,
)
from femsim.reduced.crew import Cases, Crew
from femsim.reduced.forms import fit
from femsim.reduced.keep import load, save
from femsim.reduced.model import assembled, calibrated, smallest_covering
from femsim.reduced.outputs import lines_of
from femsim.reduced.strips import DoesNotFitError
from femsim.runs.rows import evaluate

COARSE = ["mesh.size=0.5", "mesh.growth=2.5"]
KEYS = ("geometry.high_thickness", "geometry.ratio", "materials.low.E", "materials.low.nu", "materials.high.cte")
LOW, HIGH = np.array([12.0, 4.0, 1.0, 0.3, 5.0]), np.array([24.0, 6.0, 3.0, 0.4, 15.0])


def cases_of(keys: tuple[str, ...], *more: str, case: str = "bilayer") -> Cases:
    data = apply_overrides(read_toml(find_case(case)), [*COARSE, *more], "")
    return Cases({"name": "test", **data}, keys)


@pytest.mark.parametrize("kinematics", ["axisymmetric", "generalized-plane-strain", "plane-stress"])
def test_a_basis_that_holds_a_solution_gives_its_averages_to_rounding(kinematics: str) -> None:
    """Layers of all heights, moduli and ratios in one projected sum: were a power of the scale or an entry of D wrong,
    the Galerkin solution would not be the snapshot.
    """
    keys = (*KEYS, "materials.post.E")
    low, high = np.append(LOW, 60.0), np.append(HIGH, 130.0)
    problem = problem_of(cases_of(keys, f'model.kinematics="{kinematics}"'), low, high)
    truth = truth_of(problem, low, high)
    designs = spread(problem, low, high, np.random.default_rng(0).random((2, 6)))
    snapshots = [truth.snapshot(x) for x in designs]
    pieces = pieces_of(problem, truth, low, high, snapshots, designs, 0)
    box = reduced(problem, truth, low, high, pieces, (2, 40))
    assert errors_of(box, problem.forms.at(designs), snapshots).max() < 1e-8
    field = truth.solution(designs[0]).field
    line, *_ = box.along(problem.forms.at(designs[:1]))
    (true,) = lines_of(field.space, tuple(truth.drawn.roots)[:1], field.unknowns[:, None])
    material = truth.model(problem.cases(designs[0])).region_stiffness[true.region]
    free = box.matter(problem.forms.at(designs[:1])).free[0, true.region]
    assert np.allclose(line[0], (true.strain[..., 0] - free) @ material, rtol=1e-6, atol=1e-6 * np.abs(line).max())
    # far fewer pieces than groups times entries, since most are multiples of others
    assert len(box.operators.stiffness) <= 40


def test_a_small_tree_meets_its_tolerance_and_states_its_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("femsim.reduced.build.SNAPSHOTS", 26)
    keys, low, high = KEYS[::2], LOW[::2], HIGH[::2]
    problem = problem_of(cases_of(keys, "metrics.length=5"), low, high)
    tolerance = 0.005
    leaves = grow(problem, tolerance, Crew(), lambda text: None)
    truth = truth_of(problem, leaves[0].low, leaves[0].high)
    model = assembled(problem, leaves, truth.outputs, tolerance)
    assert not model.gaps
    rng = np.random.default_rng(3)
    designs = spread(problem, low, high, rng.random((19, 3)))
    model = calibrated(model, problem, designs, 2, Crew(), "a test", range(3))
    assert model.guarantee is not None
    assert "a test" in model.guarantee.words
    fresh = spread(problem, low, high, rng.random((8, 3)))
    answers = model.at(fresh)
    inside = 0
    assert np.all(answers.mesh == np.inf)  # two meshes of their own are too few for a statement at this level
    for k, x in enumerate(fresh):
        mapped = truth_of(problem, *(getattr(model.boxes[answers.box[k]], end) for end in ("low", "high")))
        box = model.boxes[answers.box[k]]
        full = shared(box, problem.forms.at(x[None]), [mapped.measured(x)])[0]
        error = np.abs(answers.values[k] - full)
        inside += bool(np.all(error <= answers.reduction[k]))
        assert np.all(error <= 2 * tolerance * np.repeat(full[2::3], 3))
    assert inside >= 6  # 95 % each; fewer than 6 of 8 has a chance of 1 %
    save(model, tmp_path / "model.npz", "key")
    assert load(tmp_path / "model.npz", "another") is None
    again = load(tmp_path / "model.npz", "key").at(fresh)
    assert np.array_equal(again.values, answers.values)
    outside = fresh.copy()
    outside[:, 0] = 30.0
    assert np.all(model.at(outside).box == -1)
    assert np.all(np.isnan(model.at(outside).values))


def test_a_box_without_the_averages_of_the_others_is_left_to_full_solves() -> None:
    problem = replace(problem_of(cases_of(KEYS), LOW, HIGH), outputs=("another",))
    with pytest.raises(DoesNotFitError, match="averages are others"):
        build_box(problem, LOW, HIGH, 0.01, Crew())


def test_the_reduction_error_is_against_the_moved_mesh_not_the_continuum() -> None:
    """A mesh stretched to the far end of a wide box is a worse mesh: the basis reproduces it faithfully."""
    low, high = LOW.copy(), HIGH.copy()
    low[1], high[1] = 3.5, 30.0
    problem = problem_of(cases_of(KEYS), low, high)
    truth = truth_of(problem, low, high)
    x = middle(problem, low, high)
    x[1] = high[1]
    snapshot = truth.snapshot(x)
    centre = middle(problem, low, high)
    pieces = pieces_of(problem, truth, low, high, [snapshot, truth.snapshot(centre)], [x, centre], 0)
    box = reduced(problem, truth, low, high, pieces, (2, 12))
    assert errors_of(box, problem.forms.at(x[None]), [snapshot]).max() < 1e-8
    own = np.array(evaluate(problem.cases(x), None, truth.outputs).values)
    assert np.abs(box.values(problem.forms.at(x[None]))[0] - own).max() > 1e-4 * own[2]


def test_few_points_of_a_ring_keep_its_mean_with_weights_none_of_which_is_negative() -> None:
    problem = problem_of(cases_of(KEYS), LOW, HIGH)
    truth = truth_of(problem, LOW, HIGH)
    designs = spread(problem, LOW, HIGH, np.random.default_rng(1).random((8, len(KEYS))))
    snapshots = [truth.snapshot(x) for x in designs]
    pieces = pieces_of(problem, truth, LOW, HIGH, snapshots, designs, 0)
    box = reduced(problem, truth, LOW, HIGH, pieces, (8, 8))
    thin = thinned(problem, box, pieces, 1e-4)
    for ring, whole in zip(thin.rings, box.rings, strict=True):
        assert len(ring.weights) < 0.5 * len(whole.weights)
        assert ring.weights.min() > 0.0
        assert ring.weights.sum() == pytest.approx(1.0, rel=1e-6)
    quantities = problem.forms.at(spread(problem, LOW, HIGH, np.random.default_rng(2).random((50, len(KEYS)))))
    gap = thin.values(quantities) / box.values(quantities) - 1.0
    assert np.abs(gap[:, 2::3]).max() < 1e-3


def test_a_gram_matrix_knows_directions_to_the_root_of_rounding_only() -> None:
    """Two snapshots that differ by 1e-9 are one direction and noise: the noise must not become a mode."""
    problem = problem_of(cases_of(KEYS), LOW, HIGH)
    truth = truth_of(problem, LOW, HIGH)
    snapshot = truth.snapshot(middle(problem, LOW, HIGH))
    near = replace(snapshot, displacement=snapshot.displacement * (1.0 + 1e-9))
    matrix = energy(truth.model(truth.drawn.case))
    span = span_of([snapshot, near], matrix, 40)
    assert span.modes.shape[1] <= 1 + 6
    assert np.abs(span.modes.T @ (matrix @ span.modes) - np.eye(span.modes.shape[1])).max() < 1e-9


def test_split_conformal_errors_cover_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    held = [rng.exponential() <= smallest_covering(rng.exponential(size=39), 0.95) for _ in range(4000)]
    assert 0.94 < np.mean(held) < 0.96 + 0.01
    assert smallest_covering(np.ones(10), 0.95) == np.inf  # too few to say


def test_forms_are_exact_or_refused_by_name() -> None:
    low, high = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    forms = fit(lambda x: np.array([x[0] * x[1] + 2 * x[0], 7.0]), low, high, ("a", "b"))
    x = np.array([[1.3, 3.9], [2.9, 2.1]])
    assert np.allclose(forms.at(x)[:, 0], x[:, 0] * x[:, 1] + 2 * x[:, 0], rtol=1e-12)
    assert [float(v[0]) for v in forms.bounds(low, high, [0])] == pytest.approx([4.0, 18.0])
    with pytest.raises(InputError, match="reduced: a, b:"):
        fit(lambda x: np.array([np.sqrt(x[0] + x[1])]), low, high, ("a", "b"))
    table = fit(lambda x: np.array([x[0] * np.exp(0.1 * x[1]), x[0], x[1] ** 2]), low, high, ("a", "b"))
    assert np.allclose(table.at(x)[:, 0], x[:, 0] * np.exp(0.1 * x[:, 1]), rtol=1e-6)
    assert np.allclose(table.at(x)[:, 2], x[:, 1] ** 2, rtol=1e-5)
    curved = fit(lambda x: np.array([x[0] + 0.01 * np.exp(x[1])]), low, high, ("a", "b"))
    assert np.allclose(curved.at(x)[:, 0], x[:, 0] + 0.01 * np.exp(x[:, 1]), rtol=1e-5)
    with pytest.raises(InputError, match="reduced: b:"):
        fit(lambda x: np.array([x[0] + 0.01 * np.exp(x[1])]), low, high, ("a", "b"), 1)


@pytest.mark.parametrize(
    ("keys", "low", "high", "more", "word"),
    [
        (("geometry.post_radius",), 40, 50, (), "radii"),
        (("mesh.size",), 0.1, 0.5, (), "mesh.size"),
        (("geometry.high_thickness",), 10, 20, ("geometry.slope_height=2", "geometry.slope_width=5"), "slope"),
        (("load.temperature",), 25, 100, ("boundary=[{z=90.0,pressure=1.0}]",), "boundary"),
        (("geometry.pad_thickness",), 0, 5, (), "vanish"),
    ],
)
def test_what_has_no_reduced_basis_is_refused_by_name(
    keys: tuple[str, ...], low: float, high: float, more: tuple[str, ...], word: str
) -> None:
    with pytest.raises(InputError, match=word):
        problem_of(cases_of(keys, *more), np.array([float(low)]), np.array([float(high)]))


def test_other_stacks_are_reduced_too() -> None:
    for case, keys, low, high in (
        ("staggered", ("layer.0.thickness", "layer.2.thickness", "materials.insulation.E"), (30, 30, 2), (40, 40, 4)),
        (
            "flipchip",
            ("geometry.resin_thickness", "geometry.first_thickness", "materials.resin.cte"),
            (20, 60, 30),
            (30, 90, 60),
        ),
    ):
        problem = problem_of(cases_of(keys, case=case), np.array(low, float), np.array(high, float))
        truth = truth_of(problem, problem.low, problem.high)
        designs = spread(problem, problem.low, problem.high, np.random.default_rng(0).random((1, 3)))
        snapshots = [truth.snapshot(x) for x in designs]
        pieces = pieces_of(problem, truth, problem.low, problem.high, snapshots, designs, 0)
        box = reduced(problem, truth, problem.low, problem.high, pieces, (1, 60))
        assert errors_of(box, problem.forms.at(designs), snapshots).max() < 1e-7
