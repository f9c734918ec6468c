"""Boundaries in full, through case files: ranges, equal and straight lines with forces, point and body forces,
reactions, bow; each against a closed solution.
"""

from __future__ import annotations

import json
import math

import pytest
from helpers import quietly

from femsim.base.errors import InputError
from femsim.builders.amounts import Moment, factor
from femsim.cases.boundary import Varying
from femsim.cases.casefile import parse_case
from femsim.runs.results import results_dict
from femsim.runs.run import run

E, NU = 100.0, 0.3  # GPa
AXI = {"kinematics": "axisymmetric", "outer": "free"}
PLANE = {"kinematics": "plane-stress", "outer": "free"}


def solved(blocks, boundary, model=AXI, load=(20.0, 20.0), probes=(), **more):
    data = {
        "stack": "blocks",
        "block": blocks,
        "boundary": boundary,
        "model": model,
        "load": {"stress_free_temperature": load[0], "temperature": load[1]},
        "mesh": {"size": 1.0},
        "probe": [{"name": f"p{k}", "at": at, "region": region} for k, (at, region) in enumerate(probes)],
        **more,
    }
    return results_dict(quietly(run, parse_case(data, "case.toml")))


def block(name, first, second, axes=("r", "z"), **material):
    return {"name": name, axes[0]: first, axes[1]: second, "material": {"E": E, "nu": NU, "cte": 0.0, **material}}


def test_generalised_plane_strain_by_an_equal_line_with_closed_ends():
    """A thick tube under inner pressure p with closed ends: eps_z = (1 - 2 nu) p a2 / (E (b2 - a2)) (Timoshenko and
    Goodier, sec. 28, with the axial stress p a2 / (b2 - a2)); the reaction of the end is the force it was given.
    """
    a, b, h, p = 10.0, 20.0, 8.0, 50.0
    force = math.pi * a**2 * p * 1e-6
    boundary = [
        {"z": 0, "u_z": 0.0, "name": "foot"},
        {"z": h, "u_z": "equal", "force": force, "name": "lid"},
        {"r": a, "pressure": p},
    ]
    found = solved([block("tube", [a, b], [0, h])], boundary, probes=[([b, h], "tube")])
    strain = (1 - 2 * NU) * p * a**2 / (E * 1e3 * (b**2 - a**2))
    assert found["probes"]["p0"]["u"][1] == pytest.approx(strain * h, rel=1e-6)
    assert found["reactions"] == {"foot": {"z": pytest.approx(-force)}, "lid": {"z": pytest.approx(force)}}
    assert found["checks"]["reaction"] < 1e-9
    json.dumps(found)


def test_straight_wall_bends_a_bimetal_disc_freely():
    """An edge that stays straight and tilts freely: the exact curvature of a free biaxial laminate (Timoshenko 1925),
    in the whole piece; the coupled wall keeps it flat.
    """
    blocks = [block("low", [0, 40], [0, 10], cte=3.0), block("high", [0, 40], [10, 14], cte=20.0, E=40.0)]
    held = [{"point": [0, 0], "u_z": 0.0}]
    m, n = 4.0 / 10.0, 40.0 / 100.0
    strain = (20.0 - 3.0) * 1e-6 * 100.0
    kappa = 6 * strain * (1 + m) ** 2 / (14.0 * (3 * (1 + m) ** 2 + (1 + m * n) * (m**2 + 1 / (m * n))))
    found = solved(blocks, held, {**AXI, "outer": "straight"}, load=(0.0, 100.0))
    assert found["bow"]["curvature"] == pytest.approx(kappa, rel=1e-8)
    assert found["bow"]["deflection"] == pytest.approx(kappa * 40.0**2 / 2, rel=1e-8)
    same = solved(blocks, [*held, {"r": 40, "u_r": "straight"}], load=(0.0, 100.0))
    assert same["bow"]["curvature"] == pytest.approx(kappa, rel=1e-8)
    flat = solved(blocks, held, {**AXI, "outer": "coupled"}, load=(0.0, 100.0))
    assert abs(flat["bow"]["curvature"]) < 1e-6 * kappa


def test_a_straight_line_turns_about_a_held_point():
    """u_x = b y on an edge held at its foot and pulled to b by nothing: a strip under a moment-free cut stays
    unbent.
    """
    blocks = [block("strip", [0, 40], [0, 10], ("x", "y"))]
    boundary = [
        {"x": 0, "u_x": 0.0},
        {"point": [0, 0], "u_y": 0.0},
        {"x": 40, "u_x": "straight"},
        {"point": [40, 0], "u_x": 0.02},
    ]
    found = solved(blocks, boundary, PLANE, probes=[([40, 10], "strip"), ([20, 5], "strip")])
    # the foot is pulled by 0.02 with a free turn: force and turn balance where the mean strain and moment vanish
    # together only if the line's resultant acts at the foot: M = F h / 2 about the middle
    f_over = 0.02 / (40.0 / (E * 1e3 * 10.0) * (1 + 3.0))  # F from u_foot = F L / (E A) (1 + 3)
    top = f_over * 40.0 / (E * 1e3 * 10.0) * (1 - 3.0)
    assert found["probes"]["p0"]["u"][0] == pytest.approx(top, rel=1e-6)


def test_ranges_and_tractions_on_part_of_a_line():
    """A pressure on part of a face: its resultant is what the foot carries, and the ends of the range are nodes."""
    blocks = [block("body", [0, 30], [0, 20])]
    boundary = [
        {"z": 0, "u_z": 0.0, "name": "foot"},
        {"z": 20, "r": [3.5, 11.25], "pressure": 7.0, "name": "load"},
    ]
    found = solved(blocks, boundary)
    assert found["reactions"]["foot"]["z"] == pytest.approx(7.0 * math.pi * (11.25**2 - 3.5**2) * 1e-6, rel=1e-9)
    assert found["reactions"]["load"]["z"] == 0.0


def test_moments_and_point_forces_in_the_plane():
    """A cantilever with a point force: force and moment of the clamp, and the deflection of beam theory to 1 %."""
    blocks = [block("beam", [0, 100], [-2, 2], ("x", "y"), nu=0.0)]
    boundary = [
        {"x": 0, "u_x": 0.0, "u_y": 0.0, "name": "clamp"},
        {"point": [100, 0], "force": [0.0, 1e-6]},
    ]
    found = solved(blocks, boundary, PLANE, probes=[([100, -2], "beam")])
    clamp = found["reactions"]["clamp"]
    assert clamp == {
        "x": pytest.approx(0.0, abs=1e-12),
        "y": pytest.approx(-1e-6),
        "mz": pytest.approx(-1e-4, rel=1e-9),
    }
    wanted = 1.0 * 100**3 / (3 * E * 1e3 * 4.0**3 / 12)
    assert found["probes"]["p0"]["u"][1] == pytest.approx(wanted, rel=0.01)


def test_body_forces():
    """Weight: u = rho g H2 / 2E at the top; rotation of a thin disc: u(b) = rho w2 b3 (1 - nu) / 4E (Timoshenko and
    Goodier, sec. 32).
    """
    column = [block("column", [0, 5], [0, 40], nu=0.0, density=8000.0)]
    held = [{"z": 0, "u_z": 0.0, "name": "foot"}]
    body = [{"region": "column", "acceleration": [0.0, -9.81e6]}]
    found = solved(column, held, probes=[([0, 40], "column")], body=body)
    weight = 8000.0 * 9.81e6 * 1e-12  # MPa/um
    assert found["probes"]["p0"]["u"][1] == pytest.approx(-weight * 40.0**2 / (2 * E * 1e3), rel=1e-9)
    assert found["reactions"]["foot"]["z"] == pytest.approx(weight * math.pi * 25 * 40 * 1e-6, rel=1e-9)
    same = solved(column, held, body=[{"region": "column", "force": [0.0, -8000.0 * 9.81e6]}])
    assert same["reactions"]["foot"]["z"] == pytest.approx(found["reactions"]["foot"]["z"], rel=1e-12)
    disc = [block("disc", [0, 100], [0, 1], density=8000.0)]
    found = solved(disc, held[:1], probes=[([100, 0], "disc")], body=[{"region": "disc", "rotation": 1e6}])
    wanted = 8000.0 * (1e6) ** 2 * 1e-18 * 100.0**3 * (1 - NU) / (4 * E * 1e3)
    assert found["probes"]["p0"]["u"][0] == pytest.approx(wanted, rel=2e-3)


def test_amounts_over_steps_and_time():
    steps = Varying.model_validate({"steps": [55.0, 0.0, 10.0]})
    assert [factor(steps, Moment(step)) for step in (0.0, 0.5, 1.0, 1.5, 3.0, 7.0)] == [0, 27.5, 55, 27.5, 10, 10]
    pulse = Varying.model_validate({"t": [0.0, 1.0, 1.0, 2.0], "value": [0.0, 5.0, 0.0, 3.0]})
    assert [factor(pulse, Moment(0, t)) for t in (0.0, 0.5, 1.0, 1.0 + 1e-12, 2.0, 9.0)] == pytest.approx(
        [0, 2.5, 5, 0, 3, 3], abs=1e-9
    )
    assert factor(2.0, Moment(3, 4)) == 2.0


BAD = {
    "range of a point": ({"point": [0, 0], "r": [0, 1], "u_z": 0.0}, "cuts a line of constant coordinate"),
    "range that falls": ({"z": 0, "r": [5, 1], "u_z": 0.0}, r"a range ascends, \[5, 1\] does not"),
    "two places": ({"z": 0, "r": 5, "u_z": 0.0}, "give exactly one of on, r, z, x, y, point"),
    "force alone": ({"z": 0, "u_z": 0.0, "force": 1.0}, "beside one displacement that is"),
    "unknown word": ({"z": 0, "u_z": "level"}, "u_z"),
    "point straight": ({"point": [0, 0], "u_z": "straight"}, "a point is no line"),
    "times fall": ({"z": 0, "u_z": {"t": [1, 0], "value": [0, 1]}}, "0 after 1; times ascend"),
    "no steps": ({"z": 0, "u_z": {"steps": [1.0]}}, r"boundary.1.u_z.steps: the case has no \[\[step\]\]"),
    "during": ({"z": 20, "u_z": 0.0, "during": ["cool"]}, r"during: the case has no \[\[step\]\]"),
    "no field": ({"z": 20, "u_z": {"point_data": "ux"}}, "the mesh has no point data 'ux'; there is: none"),
    "force on a held line": ({"z": 0, "u_z": "equal", "force": 1.0}, "carries a force, but boundary.0 prescribes"),
    "straight and held": ({"z": 0, "u_z": "straight"}, "straight, but other boundaries prescribe"),
    "range across": ({"z": 0, "z2": [0, 1], "u_z": 0.0}, "z2"),
}


@pytest.mark.parametrize("bad", BAD)
def test_bad_boundaries_are_named(bad):
    boundary, text = BAD[bad]
    with pytest.raises(InputError, match=text) as caught:
        solved([block("body", [0, 30], [0, 20])], [{"z": 0, "u_z": 0.0}, boundary])
    assert "\n" not in str(caught.value)


def test_bad_bodies_are_named():
    held = [{"z": 0, "u_z": 0.0}]
    for body, text in (
        ({"region": "bodi", "rotation": 1.0}, "no region 'bodi' .did you mean 'body'"),
        ({"region": "body", "rotation": 1.0}, "rotation: the material of region 'body' has no density"),
        ({"region": "body"}, "give exactly one of force, acceleration, rotation"),
    ):
        with pytest.raises(InputError, match=text):
            solved([block("body", [0, 30], [0, 20])], held, body=[body])
