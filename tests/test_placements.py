"""Roots wherever a conductor's wall may meet a level line: inside a stack, on the body's surface, on a support, at a
corner of one body alone.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

import femsim.measures.corner.intensity as intensity_module
from femsim.base.errors import FemsimWarning, InputError
from femsim.cases.casefile import load_case, parse_case
from femsim.runs.results import results_dict
from femsim.runs.run import run

SOLIDS = {
    "own": {"E": 110, "nu": 0.34, "cte": 18},
    "resin": {"E": 3, "nu": 0.35, "cte": 50},
    "chip": {"E": 169, "nu": 0.28, "cte": 2.6},
}


def document(own, others, boundaries, kinematics="plane-strain", length=2.0, change=58.0, **more):
    """A conductor of 10 x 10 um in the quarter ``own`` about (10, 10); ``others``: what fills the quarters beside it,
    across the level line, and diagonally across."""
    across, up = ("r", "z") if kinematics == "axisymmetric" else ("x", "y")
    quarters = [own, (-own[0], own[1]), (own[0], -own[1]), (-own[0], -own[1])]
    blocks = []
    for k, ((sx, sy), solid) in enumerate(zip(quarters, ("own", *others), strict=True)):
        if solid is not None:
            spans = sorted((10.0, 10.0 + 10 * sx)), sorted((10.0, 10.0 + 10 * sy))
            name = "own" if k == 0 else f"b{k}"
            blocks.append({"name": name, across: spans[0], up: spans[1], "material": SOLIDS[solid]})
    data = {
        "stack": "blocks",
        "block": blocks,
        "load": {"stress_free_temperature": 22, "temperature": 22 + change},
        "mesh": {"size": 0.1, "growth": 2.5},
        "model": {"kinematics": kinematics, "outer": "free"},
        "boundary": boundaries,
        "root": [{"name": "root", "at": [10, 10], "region": "own"}],
        "metrics": {"length": length},
        **more,
    }
    return results_dict(run(parse_case(data, "case.toml")))


def entry(*args, **more):
    return document(*args, **more)["metrics"]["roots"]["root"][0]


def supports(kind, low, kinematics):
    across, up = ("r", "z") if kinematics == "axisymmetric" else ("x", "y")
    on = {up: low}
    if kind == "clamped":
        return [{**on, f"u_{across}": 0, f"u_{up}": 0}]
    pin = [] if kinematics == "axisymmetric" else [{"point": [10, 10], f"u_{across}": 0}]
    return [{**on, f"u_{up}": 0}, *pin]


OTHERS = [
    (None, None, None),
    ("resin", None, None),
    (None, "chip", None),
    ("resin", "chip", None),
    ("resin", None, "chip"),
    ("chip", "resin", "resin"),
]


@pytest.mark.parametrize("kinematics", ["axisymmetric", "plane-strain"])
@pytest.mark.parametrize("own", [(-1, 1), (1, 1), (-1, -1), (1, -1)])
def test_every_placement_gives_its_values(own, kinematics):
    for number, others in enumerate(OTHERS):
        filled = [own[1], *(y for y, solid in zip((own[1], -own[1], -own[1]), others, strict=True) if solid)]
        low, high = 10.0 + 10 * min(0, *filled), 10.0 + 10 * max(0, *filled)
        kinds = ("clamped", "roller") if (number + own[0]) % 4 < 2 else ("roller", "clamped")
        for kind, level in zip(kinds, (low, high), strict=True):  # both kinds and both levels, turn and turn about
            found = entry(own, others, supports(kind, level, kinematics), kinematics)
            assert all(math.isfinite(found[key]) for key in ("peel", "shear", "von_mises", "peel_error"))
            if "singularity_note" in found:
                assert "touches at this point alone" in found["singularity_note"]
                continue
            free = level != 10.0 and others[1] is None
            if free:  # the level line is a free face of the body
                assert found["consistent"] == pytest.approx({"peel": 0.0, "shear": 0.0}, abs=1e-4)


@pytest.mark.parametrize("kind", ["clamped", "roller"])
def test_the_foot_on_a_support_carries_the_pressure_on_the_top(kind):
    """Over the whole foot the mean peel is the pressure on the top, whatever the temperature does."""
    press = [{"y": 20, "pressure": 7.0}]
    foot = entry((-1, 1), (None, None, None), supports(kind, 10.0, "plane-strain") + press, length=10.0)
    assert foot["consistent"]["peel"] == pytest.approx(-7.0, abs=1e-6)
    if kind == "roller":
        assert foot["consistent"]["shear"] == pytest.approx(0.0, abs=1e-6)
        assert foot["peel"] == pytest.approx(-7.0, abs=1e-3)


def test_a_root_under_pressure_has_the_pressure_as_peel():
    boundaries = [{"y": 0, "u_x": 0, "u_y": 0}, {"y": 10, "pressure": 5.0}]
    found = entry((-1, -1), ("resin", None, None), boundaries)
    assert found["consistent"] == pytest.approx({"peel": -5.0, "shear": 0.0}, abs=1e-5)


@pytest.mark.parametrize("kinematics", ["axisymmetric", "plane-strain"])
def test_via_flush_with_the_surface_of_glass(tmp_path, kinematics):
    """The rim of a via on a free surface: no traction, a von Mises average."""
    across, up = ("r", "z") if kinematics == "axisymmetric" else ("x", "y")
    path = tmp_path / "flush-via.toml"
    path.write_text(
        f"""stack = "blocks"
[[block]]
name = "glass"
{across} = [0, 226]
{up} = [0, 100]
material = {{ E = 64, nu = 0.2, cte = 3.3 }}
[[block]]
name = "via"
{across} = [0, 10]
{up} = [0, 100]
material = {{ E = 110, nu = 0.34, cte = 18 }}
[load]
stress_free_temperature = 22
temperature = 80
[mesh]
size = 0.02
growth = 1.6
[model]
kinematics = "{kinematics}"
outer = "free"
[[boundary]]
{up} = 0
u_{up} = 0
[[boundary]]
{across} = 0
u_{across} = 0
[[root]]
name = "rim"
at = [10, 100]
region = "via"
[[root]]
name = "glass_rim"
at = [10, 100]
region = "glass"
"""
    )
    roots = results_dict(run(load_case(path)[0]))["metrics"]["roots"]
    for name in ("rim", "glass_rim"):
        for found in roots[name]:
            assert found["consistent"] == pytest.approx({"peel": 0.0, "shear": 0.0}, abs=1e-5)
            assert abs(found["peel"]) < 0.02 * found["von_mises"]
            assert found["von_mises"] > 5.0


def test_post_clamped_on_a_rigid_base():
    """Two soft bodies on a clamped line: the mean traction at the foot converges, and hardly depends on the mesh."""
    boundaries = [{"z": 10, "u_r": 0, "u_z": 0}]
    values = []
    for size in (0.3, 0.02):
        found = entry((-1, 1), ("resin", None, None), boundaries, "axisymmetric", mesh={"size": size, "growth": 1.6})
        values.append([found["consistent"]["peel"], found["consistent"]["shear"]])
    assert np.allclose(*values, rtol=0, atol=0.02 * np.abs(values).max())


def test_a_ray_off_its_wedge_by_the_rounding_of_coordinates(tmp_path):
    """Ray 0 of a junction from 90 to 360 deg: at elements of 2e-5 um the nodes' last bits turn it by 1e-7 deg."""
    overrides = ["geometry.insulation_thickness=22.91", "mesh.size=2e-5", "mesh.growth=2.2"]
    found = results_dict(run(load_case("rewired-chip", overrides)[0]))
    entries = [one for root in found["metrics"]["roots"].values() for one in root]
    assert all("expansion" in one or "singularity_note" in one for one in entries)
    assert any("expansion" in one for one in entries)


# what fails beside the solution


def test_a_failed_singular_field_leaves_the_rest(monkeypatch):
    def fails(*_):
        raise np.linalg.LinAlgError("SVD did not converge")

    monkeypatch.setattr(intensity_module, "corner_field", fails)
    with pytest.warns(FemsimWarning, match=r"root root: no singular field: .*SVD did not converge.*results stand"):
        found = document((-1, 1), ("resin", "chip", "chip"), supports("clamped", 0.0, "plane-strain"))
    one = found["metrics"]["roots"]["root"][0]
    assert math.isfinite(one["peel"])
    assert "SVD did not converge" in one["singularity_note"]
    assert any("SVD" in text for text in found["warnings"])


@pytest.mark.parametrize(
    ("target", "what"),
    [
        ("femsim.runs.once.consistent", "averages from consistent forces"),
        ("femsim.runs.once.with_errors", "error estimates of the root metrics"),
        ("femsim.runs.run.with_probe_errors", "error estimates of the probes"),
    ],
)
def test_failed_estimates_and_averages_leave_the_rest(monkeypatch, target, what):
    def fails(*_):
        raise FloatingPointError("overflow")

    monkeypatch.setattr(target, fails)
    probe = [{"name": "p", "at": [5.0, 15.0]}]
    with pytest.warns(FemsimWarning, match=f"{what}.*overflow"):
        found = document((-1, 1), ("resin", "chip", "chip"), supports("clamped", 0.0, "plane-strain"), probe=probe)
    assert math.isfinite(found["metrics"]["roots"]["root"][0]["peel"])
    assert math.isfinite(found["probes"]["p"]["u"][0])


def test_a_place_that_is_no_corner_is_still_refused():
    corner = [{"name": "c", "at": [3.21, 14.56]}]
    with pytest.raises(InputError, match=r"corner\.0\.at: no node"):
        document((-1, 1), ("resin", "chip", "chip"), supports("clamped", 0.0, "plane-strain"), corner=corner)
