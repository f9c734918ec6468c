"""Cases side by side: command, JSON, figure and page, Python; the probability that one is the lowest."""

from __future__ import annotations

import json

import numpy as np
import pytest

import femsim as fs
from femsim.cases.casefile import load_case
from femsim.cli.main import main
from femsim.reduced.chances import lot_of
from femsim.runs.compare import Contender, compare
from femsim.runs.scatter import Scattered, uncertain_of

COARSE = ["--set", "mesh.size=0.1", "--set", "mesh.growth=2.5", "--quiet"]
VALUES = {"mesh.size": 0.1, "mesh.growth": 2.5}


def made(*results: dict[str, tuple[float, float]]) -> list[Contender]:
    """Contenders with given metrics ``ROOT.KIND.LENGTH``: value and error."""
    case = load_case("bilayer")[0]
    found = []
    for values in results:
        roots: dict[str, list[dict[str, object]]] = {}
        for name, (value, error) in values.items():
            root, kind, length = name.split(".")
            entry = {"at": [0.0, 0.0], "length": float(length), kind: value, f"{kind}_error": error}
            roots.setdefault(root, []).append(entry)
        found.append(Contender("made", case, None, {"metrics": {"roots": roots}}))
    return found


def test_lowest_is_of_magnitude_and_resolved_beyond_the_errors():
    table = compare(
        made(
            {"a.peel.5": (-10.0, 1.0), "a.shear.1": (3.0, 0.1)},
            {"a.peel.5": (12.0, 0.9), "a.shear.1": (3.15, 0.06)},
            {"a.peel.5": (-30.0, 0.0), "a.shear.1": (-2.0, 0.0)},
        )
    )
    peel, shear = table.metrics
    assert (peel.name, peel.lowest, peel.resolved) == ("a.peel.5um", 0, True)  # 2 > 1.9
    assert (shear.lowest, shear.resolved) == (2, True)
    assert peel.difference(1) == (22.0, 220.0)
    assert not table.agrees
    assert table.names == ["made", "made (2)", "made (3)"]
    assert table.rankings() == {"a.peel": {"5um": [0, 1, 2]}, "a.shear": {"1um": [2, 0, 1]}}
    close = compare(made({"a.peel.5": (10.0, 1.0)}, {"a.peel.5": (-12.0, 1.0)})).metrics[0]
    assert (close.lowest, close.resolved) == (0, False)  # 2 is not more than 2


def test_roots_of_other_names_are_compared_by_their_highest():
    table = compare(made({"a.peel.5": (1.0, 0.1), "b.peel.5": (-4.0, 0.2)}, {"c.peel.5": (3.0, 0.1)}))
    (row,) = table.metrics
    assert (row.name, row.values, row.errors, row.lowest) == ("highest.peel.5um", (-4.0, 3.0), (0.2, 0.1), 1)
    assert table.only == {"a.peel.5um": "made", "b.peel.5um": "made", "c.peel.5um": "made (2)"}


def test_command_and_results_of_earlier_runs(capsys, tmp_path):
    assert main(["compare", "bilayer", "--vary", "geometry.ratio=[4, 8]", *COARSE, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["cases"] == ["bilayer ratio=4", "bilayer ratio=8"]
    assert document["differences"] == {"geometry.low_thickness": [72.0, 144.0]}
    single = fs.solve("bilayer", {**VALUES, "geometry.ratio": 8})
    entry = document["metrics"]["post_root.von_mises.5um"]
    assert entry["values"][1] == pytest.approx(single["post_root.von_mises.5um"].value, rel=1e-12)
    assert entry["difference"][1] == entry["values"][1] - entry["values"][0]
    assert (entry["lowest"], entry["resolved"]) == (0, True)
    assert document["ranking"]["agrees"] is False
    assert document["ranking"]["same_at_all_lengths"]["post_root.peel"] is False
    for ratio in (4, 8):
        assert (
            main(
                ["solve", "bilayer", *COARSE, "--set", f"geometry.ratio={ratio}", "--out", str(tmp_path / f"r{ratio}")]
            )
            == 0
        )
    capsys.readouterr()
    again = [str(tmp_path / "r4"), str(tmp_path / "r8")]
    assert main(["compare", *again, "--json", "--out", str(tmp_path / "out")]) == 0
    read = json.loads(capsys.readouterr().out)
    assert read["cases"] == ["bilayer (r4)", "bilayer (r8)"]
    assert read["metrics"] == document["metrics"]
    assert json.loads((tmp_path / "out" / "compare.json").read_text()) == read
    assert {p.name for p in (tmp_path / "out").iterdir()} == {f"compare.{k}" for k in ("html", "json", "png", "svg")}
    page = (tmp_path / "out" / "compare.html").read_text()
    assert "geometry.low_thickness" in page
    assert "http" not in page.replace("http-equiv", "")
    assert main(["compare", *again]) == 0
    shown = capsys.readouterr().out
    assert "A = bilayer (r4)" in shown
    assert "the ranking depends on the averaging length: post_root.peel" in shown


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["bilayr", "bilayer"], "did you mean 'bilayer'"),
        (["bilayer"], "one case alone"),
        (["bilayer", "."], "holds no case.toml"),
        (["bilayer", "--vary", "geometry.ratio=4"], "not a list of values"),
        (["bilayer", "--vary", "geometry.rato=[4, 8]"], "did you mean 'ratio'"),
        (["bilayer", "staggered", "--set", "geometry.cell_radius=-1"], "cell_radius: -1 is not > 0"),
        (["bilayer", "staggered", "--separate-lots"], "goes with --uncertain"),
    ],
)
def test_bad_comparisons_are_one_line(given, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["compare", *given, "--quiet"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err
    assert captured.err.count("\n") == 1


# ---------------------------------------------------------------- scatter


def test_what_scatters():
    case = load_case(
        "bilayer", ['uncertain."load.temperature"=[20, 30]', "materials.low.E=3.0", "materials.high.E=90"]
    )[0]
    found = {u.keys[0]: u for u in uncertain_of(case)}
    assert (found["load.temperature"].low, found["load.temperature"].high) == (0.8, 1.2)
    assert found["materials.low.E"].lot == "polyimide.E"  # 3 GPa lies in the library's range, 90 in no resin's
    assert (found["materials.low.E"].low, found["materials.low.E"].high) == pytest.approx((2.5 / 3.0, 3.5 / 3.0))
    assert "materials.high.E" not in found
    assert not any(key.startswith("materials.ball") for key in {u.keys[0] for u in uncertain_of(case, {"post", "low"})})
    exact = load_case("bilayer", ['uncertain."materials.post.E"=[120, 120]'])[0]
    assert "materials.post.E" not in {u.keys[0] for u in uncertain_of(exact)}
    with pytest.raises(fs.InputError, match=r"uncertain\.geometry\.nothing: the case has no number"):
        uncertain_of(load_case("bilayer", ['uncertain."geometry.nothing"=[1, 2]'])[0])
    with pytest.raises(fs.InputError, match=r"uncertain\.geometry\.nothing: the case has no number"):
        fs.solve("bilayer", {"uncertain": {"geometry.nothing": [1, 2]}})


@pytest.fixture(scope="module")
def certain():
    """A case whose materials state no range."""
    plain = {
        "chip": {"E": 160.0, "nu": 0.22, "cte": 3.0},
        "post": {"E": 120.0, "nu": 0.34, "cte": 17.0},
        "low": {"E": 2.5, "nu": 0.34, "cte": 50.0},
        "high": {"E": 15.0, "nu": 0.3, "cte": 10.0},
        "pad": {"E": 70.0, "nu": 0.35, "cte": 23.0},
        "ball": {"E": 45.0, "nu": 0.36, "cte": 20.0},
    }
    return fs.load("bilayer", {**VALUES, "metrics.length": 5, **{f"materials.{k}": v for k, v in plain.items()}})


def test_probability_of_one_expansion_against_a_known_rival(certain):
    """Stress is linear in one expansion coefficient, so the probability is the part of the range below the rival."""
    at = [fs.solve(certain, {"materials.low.cte": a})["post_root.von_mises.5um"].value for a in (40.0, 60.0)]
    rival = certain.with_values({"materials.low.cte": 45.0})
    both = fs.compare(certain.with_values({"uncertain": {"materials.low.cte": [40.0, 60.0]}}), rival, uncertain=True)
    for name in ("post_root.peel.5um", "post_root.shear.5um"):
        ends = [fs.solve(certain, {"materials.low.cte": a})[name].value for a in (40.0, 60.0)]
        level = abs(both.metrics[name].values[1])
        inside = np.mean(np.abs(np.interp(np.linspace(0, 1, 100001), [0, 1], ends)) < level)
        entry = both.to_dict()["metrics"][name]
        assert entry["probability_lowest"] == pytest.approx([inside, 1 - inside], abs=0.01)
        assert sum(entry["probability_lowest"]) == pytest.approx(1.0)
        assert max(entry["standard_error"]) < 0.01
    assert at[0] != at[1]


def test_a_common_lot_is_drawn_once(certain):
    """A smaller cooling is always lower in one lot, but not where each case draws its own material."""
    first = certain.with_values({"uncertain": {"materials.low.cte": [30.0, 70.0]}})
    second = first.with_values({"load.temperature": 24.0})
    name = "post_root.shear.5um"
    one = fs.compare(first, second, uncertain=True).to_dict()["metrics"][name]
    assert one["probability_lowest"] == [1.0, 0.0]
    each = fs.compare(first, second, uncertain=True, separate_lots=True).to_dict()
    assert 0.4 < each["metrics"][name]["probability_lowest"][0] < 0.6
    assert each["uncertain"]["lots"] == "separate"
    with pytest.raises(fs.InputError, match="no material states a range"):
        fs.compare(certain, certain, uncertain=True)


def test_the_response_is_that_of_full_solves():
    """At random draws, far from the nominal case: a form that missed products of properties would be far off."""
    pair = fs.compare("bilayer", "bilayer", values={**VALUES, "metrics.length": 5}, uncertain=True)
    response = pair.chances.responses[0]
    assert len(response.uncertain) > 5
    assert response.why == ""
    scattered = Scattered(pair.table.contenders[0].case, response.uncertain)
    x = np.array([[u.at(p) for u in response.uncertain] for p in np.random.default_rng(5).random(3)])
    for values, numbers in zip(response.at(x), x, strict=True):
        done = fs.solve(fs.Case(scattered(numbers)))
        full = np.array([done[name].value for name in response.metrics])
        assert np.abs(values - full).max() < 2e-3 * done["post_root.von_mises.5um"].value
    assert response.misfit.max() < 0.003 * max(response.nominal)


def test_what_has_no_reduced_basis_is_solved_in_full_and_told(certain):
    """A radius moves vertical lines: a quadratic form of full solves, exact at the ends of the range."""
    case = certain.with_values({"uncertain": {"geometry.post_radius": {"sd_percent": 1}}})
    both = fs.compare(case, certain, uncertain=True)
    response = both.chances.responses[0]
    assert "vertical lines" in response.why
    assert both.to_dict()["uncertain"]["not_reduced"] == [response.why, None]
    ends = [fs.solve(certain, {"geometry.post_radius": 50 * f})["post_root.peel.5um"].value for f in (0.97, 1.03)]
    at = response.at(np.array([[0.97], [1.03]]))[:, response.metrics.index("post_root.peel.5um")]
    assert at == pytest.approx(ends, rel=1e-6)


def test_scatter_of_a_case_has_distributions():
    given = {"geometry.high_thickness": {"sd": 0.5, "lot": "separate"}, "load.temperature": {"plus_minus": 5}}
    case = fs.load("bilayer", {"load.temperature": 0, "uncertain": given}).checked
    found = {u.keys[0]: u for u in uncertain_of(case)}
    thickness, cold = found["geometry.high_thickness"], found["load.temperature"]
    drawn = thickness.at(np.random.default_rng(0).random(20_000))
    assert drawn.std() * 18 == pytest.approx(0.5 * 0.9866, rel=0.02)  # cut at three deviations
    assert np.abs(drawn - 1).max() * 18 < 1.5
    assert (lot_of(thickness, 1, True), lot_of(cold, 1, True)) == ("geometry.high_thickness|1", "load.temperature")
    assert (cold.low, cold.high, cold.added) == (-5, 5, True)
    assert Scattered(case, (cold,))(np.array([3.0])).load.temperature == 3
    for wrong, said in (({"sd": 1, "percent": 2}, "give one of"), ({"sd": -1}, "not > 0"), ({"lot": "own"}, "lot")):
        with pytest.raises(fs.InputError, match=said):
            fs.load("bilayer", {"uncertain": {"geometry.high_thickness": wrong}})


def test_python_face(tmp_path):
    run = fs.solve("bilayer", {**VALUES, "geometry.ratio": 8})
    both = fs.compare(fs.load("bilayer", VALUES), run)
    assert both.names == ["bilayer", "bilayer (2)"]
    assert both.metrics["post_root.peel.5um"].values[1] == run["post_root.peel.5um"].value
    assert "<table>" in both._repr_html_()
    assert repr(both).startswith("<Comparison of bilayer")
    pytest.importorskip("pandas")
    assert both.to_frame()["lowest"].tolist()[0] == "bilayer"


def test_differences_in_short_name_a_material_once():
    from femsim.runs.differences import in_short

    found = in_short(
        {
            "mesh.size": (1, 2),
            "materials.low.E": (3.4, 2.9),
            "materials.low.like": ("polyimide", "bcb"),
            "materials.post.E": (120.0, 110.0),
            "layer.0.thickness": (None, 3.0),
            "layer.0.material.like": (None, "copper"),
            "layer.0.material.E": (None, 120.0),
            "stack": ("bilayer", "staggered"),
        }
    )
    assert list(found) == ["stack", "layer.0", "materials.low", "materials.post.E", "mesh.size"]
    assert found["materials.low"] == ("polyimide, E 3.4", "bcb, E 2.9")
    assert found["layer.0"] == (None, "copper, thickness 3")


def test_heat_alone_is_compared_by_temperatures_with_their_errors(capsys, tmp_path):
    case = tmp_path / "wall.toml"
    case.write_text(
        """stack = "blocks"
block = [{ name = "body", r = [0, 10], z = [0, 10], material = { conductivity = 10 } }]
[heat]
ambient = 25
source = [{ name = "die", z = 10, power = 0.001 }]
boundary = [{ name = "foot", z = 0, temperature = 25 }]
[mesh]
size = 5
"""
    )
    words = [
        "compare",
        str(case),
        "--vary",
        "heat.source.0.power=[0.001, 0.002]",
        "--quiet",
        "--out",
        str(tmp_path / "o"),
    ]
    assert main(words) == 0
    assert "heat.sources.die.T_max (degC)" in capsys.readouterr().out
    document = json.loads((tmp_path / "o/compare.json").read_text())
    assert document["metrics"] == {}
    entry = document["others"]["heat.sources.die.T_max"]
    rise = 0.001 * 10e-6 / (10 * np.pi * 10e-6**2)
    assert entry["values"] == pytest.approx([25 + rise, 25 + 2 * rise], rel=1e-9)
    assert (entry["unit"], entry["resolved"]) == ("degC", True)
    assert entry["difference"][1] == pytest.approx(rise, rel=1e-9)
    assert "side by side" in (tmp_path / "o/compare.html").read_text()


def test_what_is_alike_has_no_lowest_and_bad_values_are_told_first(capsys, monkeypatch):
    from femsim.cli.main import main

    coarse = ["--set", "mesh.size=2", "--set", "mesh.growth=3", "--quiet"]
    assert main(["compare", "bilayer", "bilayer", *coarse]) == 0
    said = capsys.readouterr().out
    assert "no metric is resolved: which case is the lowest cannot be told" in said
    assert "agree" not in said
    monkeypatch.setattr("femsim.runs.compare.run", lambda *_: pytest.fail("solved"))
    for vary, words in {
        'geometry.ratio=[4, "x"]': "geometry.ratio: 'x' is not a number",
        "geometry.ratoi=[4, 8]": "did you mean 'ratio'?",
        "geometry.ratio": "--vary geometry.ratio: not of the form KEY=VALUE",
    }.items():
        assert main(["compare", "bilayer", "--vary", vary, *coarse]) == 2
        assert words in capsys.readouterr().err
    twice = ["--vary", "geometry.ratio=[4]", "--vary", "geometry.ratio=[5, 6]"]
    assert main(["compare", "bilayer", *twice, *coarse]) == 2
    assert "geometry.ratio is given twice" in capsys.readouterr().err
