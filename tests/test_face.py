"""The Python face: names, values, fields at points and along paths, and what it says where it cannot."""

from __future__ import annotations

import ast
import json
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from solids import cube, two_boxes
from spheres import sphere_mesh

import femsim as fs
from femsim.cases.casefile import load_case
from femsim.measures.places import path_values, point_values
from femsim.measures.stress import value_at
from femsim.models.kinematics import KINEMATICS
from femsim.models.space import Constraints, Space

COARSE = {"mesh.size": 0.05, "mesh.growth": 2.0}


@pytest.fixture(scope="module")
def run():
    return fs.solve("bilayer", {**COARSE, "geometry.ratio": 8, "probe": [{"name": "tip", "at": [0, 90]}]})


class Linear:
    """A field whose displacement is linear in the coordinates and whose stress differs from region to region."""

    def __init__(self, space: Space):
        self.space = space
        slope = np.arange(1.0, 1.0 + space.width * space.mesh.dim).reshape(space.width, space.mesh.dim)
        self.slope = slope
        self.unknowns = (space.mesh.points @ slope.T).ravel()

    def stress(self, at):
        """x in the first component, the number of the region in the second."""
        found = np.zeros((*at.position.shape[:2], self.space.kinematics.size))
        found[..., 0] = at.position[..., 0]
        found[..., 1] = self.space.mesh.region[at.cells][:, None]
        return found


def linear(mesh) -> Linear:
    kinematics = KINEMATICS["3d" if mesh.dim == 3 else "plane-strain"]
    return Linear(Space(mesh, kinematics, Constraints.build(kinematics.width * len(mesh.points))))


# ---------------------------------------------------------------- names


def test_names_are_lazy_typed_and_explained():
    stub = ast.parse((Path(fs.__file__).parent / "__init__.pyi").read_text(encoding="utf-8"))
    typed = {alias.asname for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert typed | {"__version__"} == set(fs.__all__) <= set(dir(fs))
    for name in typed - {"KINEMATICS"}:
        assert getattr(fs, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = fs.nothing


# ---------------------------------------------------------------- cases


def test_cases_from_names_files_dictionaries_and_copies(tmp_path):
    case = fs.load("bilayer", {"geometry.ratio": np.float64(8), "metrics.length": np.array([5.0, 2.0])})
    assert case["metrics.length"] == [5.0, 2.0]
    assert fs.load(case.to_dict()).checked == fs.load(case).checked == case.checked
    file = tmp_path / "own.toml"
    file.write_text(case.to_toml(), encoding="utf-8")
    assert fs.load(file).checked == load_case(file)[0]
    wider = case.with_values({"geometry.post_radius": 60})
    assert (case["geometry.post_radius"], wider["geometry.post_radius"]) == (50.0, 60.0)
    with pytest.raises(fs.InputError, match=r"geometry\.post_radius"):
        case.with_values({"geometry.post_radius": 200})
    assert repr(case) == "<Case 'bilayer': stack bilayer, axisymmetric>"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: fs.load("bilayr"), "did you mean 'bilayer'"),
        (lambda: fs.load({"stack": "bilayer", "geometry": {"post_radius": -5}}), "post_radius: -5 is not > 0"),
        (lambda: fs.load({"stack": "bilayer", "geometry": {"post_radius": float("nan")}}), "not a finite number"),
        (lambda: fs.load({}), "stack: missing"),
        (lambda: fs.load(5), "int is not a file"),
        (lambda: fs.load("bilayer")["geometry.post_radus"], "did you mean 'post_radius'"),
        (lambda: fs.material("coper"), "did you mean 'copper'"),
        (lambda: fs.material({"E": 1.0}), "nu: missing"),
        (lambda: fs.material({"E": -1.0, "nu": 0.3, "cte": 1.0}), "E: -1 is not > 0"),
    ],
)
def test_bad_cases_and_materials_are_one_line(call, said):
    with pytest.raises(fs.InputError, match=said) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_library():
    assert "bilayer" in fs.case_names()
    assert "flipchip" in fs.stack_names()
    assert "polyimide" in fs.material_names("polyi")
    copper = fs.material("copper")
    assert copper.material.youngs_modulus[0].values[0] == pytest.approx(1e3 * copper.spec.E)
    assert fs.material({"like": "copper", "E": 100.0}).changed == ("E",)


# ---------------------------------------------------------------- results


def test_results_are_those_of_the_command_line(run):
    document = json.loads(json.dumps(run.to_dict(), allow_nan=False))
    first = document["metrics"]["roots"]["post_root"][0]
    found = run.roots["post_root", 5]
    assert (found.peel.value, found.peel.error, found.peel.unit) == (first["peel"], first["peel_error"], "MPa")
    assert run["post_root.peel.5um"] == found.peel
    assert run["metrics.roots.post_root[0].von_mises"] == found.von_mises
    assert float(run["probes.tip.u[1]"]) == document["probes"]["tip"]["u"][1]
    assert run["probes.tip.u[1]"].unit == "um"
    assert run["probes.tip.u[1]"].error == document["probes"]["tip"]["u_error"][1]
    assert run["probes.tip.stress.zz"].error == document["probes"]["tip"]["stress_error"]["zz"]
    assert np.isnan(run["metrics.regions.post.energy"].error)
    assert [entry.length for entry in run.roots] == [5.0, 1.0]
    assert len(run.roots) == 2


def test_what_is_not_there_is_said(run):
    for call, said in (
        (lambda: run.roots["post_rot", 5], "did you mean 'post_root'"),
        (lambda: run.roots["post_root"], r"2 averages; ask for one, as roots\['post_root', 5\]"),
        (lambda: run.roots["post_root", 7], "no average over 7 um; there are: 5, 1"),
        (lambda: run.roots["post_root", 5, (1, 2)], "no place"),
        (lambda: run.roots["post_root", 5]["pel"], "did you mean 'peel'"),
        (lambda: run["post_root.pel.5um"], "did you mean"),
        (lambda: run["post_root.*"], "numbers, such as"),
        (lambda: run.stress.at([500, 0]), "outside the body"),
        (lambda: run.stress.at([[1, 1], [50, 45]]), r"points\[1\].region: missing"),
        (lambda: run.stress.at([1, 1], region="low"), "does not lie in 'low'"),
        (lambda: run.stress.at([1, 1], region="lov"), "did you mean 'low'"),
        (lambda: run.stress.at([1, 2, 3]), r"shape \(3,\)"),
        (lambda: run.stress.at([[np.nan, 2]]), "finite"),
        (lambda: run.stress.at([1, 1])["rx"], "no column 'rx'"),
        (lambda: run.along((0, 0), (0, 0)), "same point"),
        (lambda: run.along((0, 0), (1, 1), n=1), "n: 1 is not"),
        (lambda: run.along((0, 1), (1, 1), region="chip"), "no part of it lies in 'chip'"),
        (lambda: run.along((0, 1), (1, 1), region="chp"), "did you mean 'chip'"),
        (lambda: run.along((500, 1), (600, 1)), "no part of it lies in the body"),
    ):
        with pytest.raises(fs.InputError, match=said):
            call()


def test_short_texts(run):
    assert repr(fs.Value(-120.8912, 0.3777)) == "-120.89 ± 0.38 MPa"
    assert repr(fs.Value(1234.5, 12.0)) == "1234 ± 12 MPa"
    assert repr(fs.Value(0.5, unit="um")) == "0.5 um"
    assert repr(fs.Value(228.01, 0.03)) == "228.010 ± 0.030 MPa"
    assert repr(fs.Value(2.0, 1e-9)) == "2.00000 ± 1.0e-09 MPa"
    for shown in (run, run.stress, run.stress.at([1, 1]), run.roots[0], fs.load("bilayer")):
        assert len(repr(shown)) < 250
    assert "post_root" in run._repr_html_()
    assert "<td>post</td>" in run.along((0, 45), (60, 45))._repr_html_()


def test_frames(run, monkeypatch):
    pandas = pytest.importorskip("pandas")
    frame = run.to_frame()
    assert isinstance(frame, pandas.DataFrame)
    assert frame["peel"].tolist() == [entry.peel.value for entry in run.roots]
    assert list(run.along((0, 45), (150, 45), n=5).to_frame().columns[:3]) == ["s", "r", "z"]
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(fs.InputError, match="pandas is not installed"):
        run.to_frame()


def test_steps_of_a_program():
    pytest.importorskip("pandas")
    document = {
        "stack": "bilayer",
        "mesh": {"size": 2.0, "growth": 2.0},
        "materials": {
            "post": {"like": "copper", "plastic": {"yield": 100}},
            "low": "polyimide",
            "high": "epoxy-high-elastic",
        },
        "load": {"stress_free_temperature": 60},
        "cycle": {"low": 20, "high": 60, "ramp": 60, "dwell_low": 10, "dwell_high": 10, "count": 2},
    }
    run = fs.solve(document)
    steps = run.steps
    told = json.loads(json.dumps(run.to_dict()))["steps"]
    assert steps.names == [entry["name"] for entry in told]
    last = steps[-1]
    assert last.roots["post_root", 5].peel.value == run.roots["post_root", 5].peel.value
    assert steps["low", 2].time == steps["cycle 2: at low"].time == last.time == told[-1]["time"]
    assert steps["high", 1].time == 10.0
    assert steps[0].inelastic["post"]["p_mean"] == told[0]["metrics"]["regions"]["post"]["inelastic"]["p_mean"]
    table = steps.to_frame()
    assert len(table) == len(steps) * len(run.roots)
    assert table["peel"].tolist()[: len(run.roots)] == [entry.peel.value for entry in steps[0].roots]
    with pytest.raises(fs.InputError, match="no step 'cycle 3: at low'"):
        steps["cycle 3: at low"]
    with pytest.raises(fs.InputError, match="no step"):
        steps["low", 3]
    assert len(repr(last)) < 250


def test_units_are_those_of_the_kinematics(run):
    assert run["metrics.regions.post.energy"].unit == "uJ"
    assert len(run.steps) == 0
    assert run.heat is None


@pytest.mark.slow
def test_writing_is_that_of_the_command_line(run, tmp_path):
    written = run.write(tmp_path / "out")
    assert {"case.toml", "metrics.json", "fields.vtu", "report.html"} <= set(written)
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["metrics"] == run.to_dict()["metrics"]
    (tmp_path / "file").touch()
    with pytest.raises(fs.InputError, match="is a file"):
        run.write(tmp_path / "file")


def test_a_study(tmp_path):
    (tmp_path / "study.toml").write_text(
        'case = "bilayer"\n[study]\ndesign = "grid"\noutputs = ["post_root.peel.5um"]\n'
        '[[parameter]]\nkey = "geometry.ratio"\nvalues = [4, 8]\n'
    )
    data = fs.sweep(tmp_path / "study.toml", tmp_path / "out", COARSE, workers=1)
    column = data.to_dict()["post_root.peel.5um"]
    assert len(data) == len(column) == 2
    assert column[1] == fs.solve("bilayer", {**COARSE, "geometry.ratio": 8})["post_root.peel.5um"].value


# ---------------------------------------------------------------- points and paths


def test_many_points_as_one_by_one(run):
    """Random points, some of them nodes and points on edges."""
    field, mesh = run.run.solution.field, run.mesh
    rng = np.random.default_rng(1)
    cells = mesh.cells_of("post")
    nodes = mesh.points[np.unique(mesh.cells[rng.choice(cells, 20)][:, :4])]
    points = np.concatenate([nodes, np.column_stack([50 * rng.random(30), 90 * rng.random(30)])])
    found = run.stress.at(points, region="post")
    for point, stress, displacement in zip(points, found.stress, found.displacement, strict=True):
        one = value_at(field, tuple(point), "post")
        np.testing.assert_allclose(stress, one.stress, rtol=1e-10, atol=1e-9)
        np.testing.assert_allclose(displacement, one.displacement, rtol=1e-12)
    np.testing.assert_array_equal(run.displacement.at(points, region="post")["u_z"], found.displacement[:, 1])


def test_path_tells_sides_apart(run):
    """Across the wall r = 50 the tractions rr and rz are continuous, the hoop stress jumps."""
    path = run.along((0, 45), (150, 45), n=151)
    at = [i for i, point in enumerate(path.points) if point[0] == 50.0]
    assert [path.regions[i] for i in at] == ["post", "low"]
    assert len(path) == 152
    inner, outer = path.stress[at]
    np.testing.assert_allclose(inner[[0, 3]], outer[[0, 3]], atol=0.5)
    assert abs(inner[2] - outer[2]) > 10.0
    assert set(path.side("low").regions) == {"low"}
    np.testing.assert_allclose(path.distance, path.points[:, 0], atol=1e-12)
    back = run.along((150, 45), (0, 45), n=151)
    assert [back.regions[i] for i, point in enumerate(back.points) if point[0] == 50.0] == ["low", "post"]
    along = run.along((0, 0), (150, 0), n=4)  # both sides at each point, and the post's wall
    assert [tuple(row) for row in zip(along.distance.round(9), along.regions, strict=True)] == [
        (0, "chip"), (0, "post"), (50, "post"), (50, "chip"), (50, "low"), (100, "chip"), (100, "low"),
        (150, "chip"), (150, "low"),
    ]  # fmt: skip
    assert set(run.along((0, 0), (150, 0), region="post").regions) == {"post"}


def test_path_that_leaves_the_body_warns(run):
    with pytest.warns(fs.FemsimWarning, match="50 of its 102 points lie outside"):
        path = run.along((0, 45), (300, 45), n=100)
    assert path.points[-1, 0] == 150.0


@pytest.mark.parametrize("element", ["quad9", "quad4", "tri6"])
def test_path_through_curved_interfaces(element):
    """A ray meets the spheres at their radii (of quadratic edges to third order); in between all is exact."""
    field = linear(sphere_mesh((10.0, 15.0, 40.0), 8, element))
    for angle in (0.3, 0.7, 1.2):
        ray = np.array([np.cos(angle), np.sin(angle)])
        path = path_values(field, 1.0 * ray, 35.0 * ray, count=40)
        double = path.distance[1:][np.diff(path.distance) == 0]
        np.testing.assert_allclose(double + 1.0, [10.0, 15.0], rtol=5e-3 if element == "quad4" else 1e-5)
        np.testing.assert_allclose(path.stress[:, 1], [int(name[-1]) for name in path.regions], atol=1e-12)
        np.testing.assert_allclose(path.displacement, path.points @ field.slope.T, atol=1e-9)


@pytest.mark.parametrize("element", ["hex8", "hex27", "wedge15"])
def test_paths_in_space(element):
    if element == "wedge15":
        mesh = cube(element, 3)
        mesh = replace(
            mesh, region=(mesh.points[mesh.cells].mean(axis=1)[:, 2] > 1 / 3).astype(int), regions=("low", "high")
        )
        start, end, height = (0.2, 0.3, 0.0), (0.4, 0.5, 1.0), 1 / 3
    else:
        mesh, start, end, height = two_boxes(element), (0.5, 0.5, 0.0), (1.5, 1.0, 3.0), 2.0
    field = linear(mesh)
    path = path_values(field, start, end, count=10)
    (double,) = path.points[1:][np.diff(path.distance) == 0]
    assert double[2] == pytest.approx(height)
    np.testing.assert_allclose(path.displacement, path.points @ field.slope.T, atol=1e-12)
    if element != "hex8":  # whose stress is that of its middle
        np.testing.assert_allclose(path.stress[:, 0], path.points[:, 0], atol=1e-12)
    assert path.regions == ("low",) * path.regions.count("low") + ("high",) * path.regions.count("high")
    one = point_values(field, path.points[1])
    np.testing.assert_allclose(one.displacement[0], path.displacement[1], atol=1e-13)


def test_every_interface_of_a_stack_is_found():
    """On random lines regions change at shared places only, or where the body has a gap."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fs.FemsimWarning)
        run = fs.solve("staggered", COARSE)
        low, high = run.mesh.points.min(axis=0), run.mesh.points.max(axis=0)
        rng = np.random.default_rng(0)
        for _ in range(40):
            start, end = low + rng.random((2, 2)) * (high - low)
            path = run.along(start, end, n=20)
            change = np.array([a != b for a, b in zip(path.regions[1:], path.regions[:-1], strict=True)])
            assert np.all(np.diff(path.distance)[change] == 0.0)
            assert np.all(np.diff(path.distance) >= 0.0)


def test_heat_alone(tmp_path):
    """Two slabs with a contact between: q = dT / (a/k1 + R + b/k2), the temperature jumps by q R."""
    slab = {"E": 1.0, "nu": 0.3, "cte": 1.0}
    case = {
        "stack": "blocks",
        "model": {"kinematics": "plane-strain"},
        "load": {"stress_free_temperature": 25, "temperature": 25},
        "mesh": {"size": 20},
        "block": [
            {"name": "low", "x": [0, 50], "y": [0, 100], "material": {**slab, "conductivity": 2.0}},
            {"name": "high", "x": [0, 50], "y": [100, 140], "material": {**slab, "conductivity": 1.0}},
        ],
        "heat": {
            "ambient": 25,
            "boundary": [{"name": "hot", "y": 0, "temperature": 100}, {"name": "cold", "y": 140, "temperature": 20}],
            "contact": [{"between": ["low", "high"], "resistance": 10.0}],
        },
        "probe": [{"name": "in", "at": [25, 50]}],
    }
    found = fs.conduct(case)
    parts = np.array([100e-6 / 2.0, 10e-6, 40e-6 / 1.0])  # m2 K/W of either half of the way
    flux = 80.0 / parts.sum()
    below, above = 100.0 - flux * parts[0], 20.0 + flux * parts[2]
    assert found.at([[25, 0], [10, 140]]) == pytest.approx([100.0, 20.0])
    assert found.at([25, 100], region="low") == pytest.approx(below)
    assert found.at([25, 100], region="high") == pytest.approx(above)
    assert found.at([25, 50])[0] == found.probes["in"] == pytest.approx(0.5 * (100.0 + below))
    assert found["heat.boundaries.cold"].value == pytest.approx(flux * 50e-12)  # W per um of depth
    assert found["heat.boundaries.cold"].unit == "W/um"
    assert found.times == (0.0,)
    assert len(repr(found)) < 100
    for wrong, words in (
        (lambda: found.at([25, 100]), "region"),
        (lambda: found.at([25, 500]), "outside the body"),
        (lambda: found.at([25, 50], time=1.0), "none of"),
        (lambda: found["heat.T_mux"], "T_max"),
        (lambda: fs.conduct("bilayer"), "no heat to conduct"),
    ):
        with pytest.raises(fs.InputError, match=words):
            wrong()
    bare = {"conductivity": 2.0}
    case["block"] = [{**block, "material": bare} for block in case["block"]]
    with pytest.raises(fs.InputError, match=r"fs\.conduct"):
        fs.solve(case)
    assert "report.html" in fs.conduct(case).write(tmp_path / "out")
