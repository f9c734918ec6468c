"""Designs under scatter: probabilities against closed forms, lots, what to tighten, and the page."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import femsim as fs
from femsim.cli.main import main

#: materials without ranges: nothing scatters but what a test says
MATERIALS = {
    "chip": "{ E = 160, nu = 0.22, cte = 3 }",
    "post": "{ E = 120, nu = 0.34, cte = 17 }",
    "low": "{ E = 2.5, nu = 0.34, cte = 50 }",
    "high": "{ E = 15, nu = 0.3, cte = 10 }",
    "pad": "{ E = 70, nu = 0.35, cte = 23 }",
    "ball": "{ E = 45, nu = 0.36, cte = 20 }",
}
CASE = (
    'stack = "bilayer"\n[mesh]\nsize = 0.5\ngrowth = 2.5\n[metrics]\nlength = 5\n[materials]\n'
    + "\n".join(f"{role} = {text}" for role, text in MATERIALS.items())
    + "\n[uncertain]\n"
)
STUDY = """
case = "case.toml"
[study]
design = "grid"
outputs = ["post_root.shear.5um"]
[[parameter]]
key = "geometry.high_thickness"
range = [14, 22]
steps = 3
[rank]
draws = 20000
"""
TWO = """
[[rank.design]]
name = "thin"
values = { "geometry.high_thickness" = 16 }
[[rank.design]]
name = "thick"
values = { geometry = { high_thickness = 16.4 } }
"""


def files(folder: Path, uncertain: str, more: str = TWO) -> Path:
    (folder / "case.toml").write_text(CASE + uncertain)
    (folder / "study.toml").write_text(STUDY + more)
    return folder / "study.toml"


def shear(cte: float, thickness: float = 16) -> float:
    values = {f"materials.{role}.{k}": v for role, k, v in ()}
    given = {"mesh.size": 0.5, "mesh.growth": 2.5, "metrics.length": 5, "materials.low.cte": cte, **values}
    for role, text in MATERIALS.items():
        for pair in text.strip("{ }").split(","):
            key, value = (part.strip() for part in pair.split("="))
            given.setdefault(f"materials.{role}.{key}", float(value))
    return abs(fs.solve("bilayer", {**given, "geometry.high_thickness": thickness})["post_root.shear.5um"].value)


def test_one_even_scatter_in_closed_form(tmp_path: Path) -> None:
    """Stress is linear in an expansion coefficient: magnitudes are even between the ends' full solves."""
    study = files(tmp_path, '"materials.low.cte" = { plus_minus = 10 }')
    found = fs.rank(study, limit=shear(50.0))
    thin, thick = found.designs["thin"], found.designs["thick"]
    ends = shear(40.0), shear(60.0)
    assert thin.nominal == pytest.approx(shear(50.0), rel=1e-9)
    assert thin.swings[0].magnitude == pytest.approx(ends, rel=1e-6)
    width = abs(ends[1] - ends[0])
    assert thin.sd == pytest.approx(width / np.sqrt(12), rel=0.02)
    assert thin.robust == pytest.approx(thin.mean + 2 * thin.sd)
    assert thin.percentiles[0] == pytest.approx(min(ends) + 0.05 * width, abs=4 * np.sqrt(0.05 * 0.95 / 20_000) * width)
    assert thin.above is not None
    assert thin.above[0] == pytest.approx(0.5, abs=4 * thin.above[1])
    assert thin.swings[0].total == pytest.approx(1.0, abs=1e-3)
    # half the scatter: mean and half the deviation
    assert thin.swings[0].tightened == pytest.approx(thin.sd, rel=0.05)
    # one lot: the design that is lower at both ends always is; lots of their own: nearly a toss-up
    below = shear(40.0) < shear(40.0, 16.4)
    assert found.lower("thin", "thick") == (1.0 if below else 0.0)
    each = fs.rank(study, lots="separate")
    gap = abs(thick.mean - thin.mean) / width
    expected = 0.5 + (1 if below else -1) * (gap - 0.5 * gap**2)
    assert each.lower("thin", "thick") == pytest.approx(expected, abs=0.015)
    assert each.lower("thin", "thick") + each.lower("thick", "thin") == pytest.approx(1.0)
    assert each.to_dict()["designs"][0]["method"] == "reduced"


def test_the_robust_optimum_is_not_the_nominal_one(tmp_path: Path) -> None:
    """A design that is a little lower but scatters widely loses; its wide scatter is to be tightened first."""
    more = """
[rank.uncertain]
"materials.low.cte" = { percent = 0.5 }
"geometry.high_thickness" = { sd = 0.4, lot = "separate" }
"""
    study = files(tmp_path, '"materials.low.cte" = [20, 80]', TWO.replace("16.4", "22") + more)
    found = fs.rank(study, sd=3, draws=5000)
    assert [s.key for s in found.designs["thin"].swings] == ["materials.low.cte", "geometry.high_thickness"]
    assert found.to_dict()["tighten_first"][0] == "geometry.high_thickness"
    table = found.table
    assert table.robust_best == int(np.argmin([d.mean + 3 * d.sd for d in table.designs]))
    # separate thickness lots: the draws of the two designs differ by more than by what the shared resin does
    apart = np.corrcoef(table.magnitudes.T)[0, 1]
    assert abs(apart) < 0.3
    assert found.nominal in ("thin", "thick")


def test_points_of_a_study_and_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = files(tmp_path, '"materials.low.E" = { sd_percent = 5 }', "")
    out = tmp_path / "out"
    given = [
        "rank",
        str(study),
        "--best",
        "2",
        "--draws",
        "2000",
        "--limit",
        "100",
        "--out",
        str(out),
        "--workers",
        "1",
    ]
    assert main([*given, "--json", "--quiet"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["output"] == "post_root.shear.5um"
    assert len(document["designs"]) == 2
    assert "of 3 points those 2" in document["remarks"][0]
    assert document["designs"][0]["nominal"] != document["designs"][1]["nominal"]
    assert np.array(document["probability_lower"]).sum() == pytest.approx(2.0)
    page = (out / "rank.html").read_text()
    assert "built-in method" not in page  # the values of each design stand below its name
    assert "http" not in page.replace("http://www.w3.org", "")
    assert "point " in page
    assert "materials.low.E" in page
    assert {p.name for p in out.glob("*.png")} >= {"rank-distributions.png", "rank-matrix.png", "rank-tornado.png"}
    assert json.loads((out / "rank.json").read_text())["designs"] == document["designs"]


@pytest.mark.parametrize(
    ("uncertain", "more", "given", "said"),
    [
        ("", TWO, [], "nothing scatters"),
        ("", TWO, ["--draws", "50"], "--draws: 50 is not >= 100"),
        ("", TWO, ["--output", "post_root.peal.5um"], "did you mean"),
        ("", TWO, ["--data", "."], "names its designs"),
        ("", TWO.replace('"thick"', '"thin"'), [], "two designs have one name"),
        ("", TWO.replace("high_thickness = 16.4", "high_thicknes = 16.4"), [], "high_thickness"),
        ("", TWO + "[rank.uncertain]\n'geometry.high_thickness' = { sd = 1, percent = 2 }", [], "give one of"),
        ("", "", ["--best", "1"], "best"),
    ],
)
def test_bad_rankings_are_one_line(
    uncertain: str, more: str, given: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = files(tmp_path, uncertain, more)
    assert main(["rank", str(study), *given, "--quiet"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err
    assert captured.err.count("\n") == 1
