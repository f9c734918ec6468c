"""Shipped cases away from their reference values: defaults that agree, keys varied alone and together, points that
follow, copies that are checked.
"""

from __future__ import annotations

import random

import numpy as np
import pytest

from femsim.base.errors import InputError
from femsim.builders.build import build_layout, discretise, probes_of
from femsim.cases.case import CASE_TYPES
from femsim.cases.casefile import changed_case, dump_case, load_case, parse_case, parse_toml
from femsim.runs.rows import evaluate
from femsim.study.studyfile import load_study

STACKS = ("bilayer", "staggered", "flipchip", "rewired-chip")
COARSE = ["mesh.size=1", "mesh.growth=4"]


def given_numbers(case) -> dict[str, float]:
    """Dimensions that the case's file gives, by key."""
    found: dict[str, float] = {}

    def walk(node, key):
        for name, value in node.items() if isinstance(node, dict) else enumerate(node):
            if isinstance(value, dict | list):
                walk(value, f"{key}.{name}")
            elif isinstance(value, int | float):
                found[f"{key}.{name}"] = value

    tables = case.tables()
    for table in ("geometry", "layer"):
        walk(tables.get(table, {}), table)
    return found


@pytest.mark.parametrize("stack", STACKS)
def test_defaults_are_the_shipped_dimensions(stack):
    shipped = load_case(stack)[0]
    materials = {**shipped.tables()["materials"]}
    layer = {"layer": shipped.tables()["layer"]} if stack == "staggered" else {}
    bare = parse_case({"stack": stack, "materials": materials, **layer}, "bare")
    assert bare.geometry == shipped.geometry
    assert (bare.model.outer, bare.model.kinematics) == (shipped.model.outer, shipped.model.kinematics)
    assert discretise(changed_case(bare, {"mesh.size": 1.0, "mesh.growth": 4.0})).roots == discretise(shipped).roots
    again = parse_case(parse_toml(dump_case(shipped), stack), stack)
    assert again.geometry == shipped.geometry


def test_radii_follow_from_gaps_and_shares():
    g = load_case("flipchip")[0].geometry
    assert (g.second_radius, g.member_rings, g.rewiring) == (2000.0, [1100.0], [600.0, 1800.0])
    assert (g.terminal_ring, g.via_ring, g.heat_sink_radius) == (900.0, 1500.0, 300.0)
    absolute = load_case(
        "flipchip", ["geometry.second_radius=1900", "geometry.via_ring=1400", "geometry.rewiring=[600,1725]"]
    )
    g = absolute[0].geometry
    assert (g.overhang, g.rewiring_margin, g.via_place) == (700.0, 0.25, pytest.approx(150 / 425))
    with pytest.raises(InputError, match="give via_ring or via_place, not both"):
        parse_case({**load_case("flipchip")[0].tables(), "geometry": {"via_ring": 1500, "via_place": 0.5}}, "f")


@pytest.mark.parametrize("stack", STACKS)
def test_dimensions_vary_alone_and_together(stack):
    """Each within 0.6 to 1.6 of its reference value."""
    case = load_case(stack)[0]
    numbers = given_numbers(case)
    assert len(numbers) >= 5
    draw = random.Random(7)
    points = [{key: value * factor} for key, value in numbers.items() for factor in (0.6, 1.6)]
    points += [{key: value * draw.uniform(0.6, 1.6) for key, value in numbers.items()} for _ in range(60)]
    for point in points:
        layout = build_layout(changed_case(case, point))
        assert {p.name for p in layout.points} <= set(case.POINTS)
        assert all(root.width > 0 and root.height > 0 for root in layout.roots)


@pytest.mark.parametrize("stack", STACKS)
def test_varied_cases_solve(stack):
    case = load_case(stack, [*COARSE, "metrics.length=2"])[0]
    draw = random.Random(3)
    for _ in range(3):
        point = {key: value * draw.uniform(0.6, 1.6) for key, value in given_numbers(case).items()}
        row = evaluate(changed_case(case, point), None, ["checks.residual", "mesh.nodes"])
        assert row.values[0] < 1e-8


def test_the_bilayer_case_solves_over_its_claimed_windows():
    study = load_study("bilayer-windows")
    case = load_case("bilayer", COARSE)[0]
    windows = {window.key: window.range for window in study.spec.window}
    assert len(windows) == 6
    draw = np.random.default_rng(5)
    ends = [{key: value[k] for key, value in windows.items()} for k in (0, 1)]
    inside = [{key: float(draw.uniform(*value)) for key, value in windows.items()} for _ in range(6)]
    for point in [*ends, *inside]:
        varied = changed_case(case, point)
        g = varied.geometry
        row = evaluate(varied, None, ["post_root.peel.5um", "post_root.von_mises_error.1um", "probes.tip.at[1]"])
        assert row.values[2] == pytest.approx(g.low_thickness + g.high_thickness)


def test_points_follow_the_geometry():
    for stack, kind in CASE_TYPES.items():
        if not kind.POINTS:
            continue
        more = ["geometry.ball_height=30", "materials.ball=sac305"] if stack == "bilayer" else []
        probes = [
            text for i, name in enumerate(kind.POINTS) for text in (f"probe.{i}.name=p{i}", f"probe.{i}.at={name}")
        ]
        case, _ = load_case(stack, [*COARSE, "probe=[]", *more, *probes])
        disc = discretise(case)
        assert len(probes_of(disc)) == len(kind.POINTS)
        values = evaluate(case, None, [f"probes.p{i}.u[1]" for i in range(len(kind.POINTS))]).values
        assert np.all(np.isfinite(values))
    with pytest.raises(
        InputError, match=r"probe\.0\.at: no point 'post_tp' \(did you mean 'post_tip'\?\); there are: post_tip"
    ):
        evaluate(load_case("bilayer", ["probe.0.at=post_tp"])[0], None, ["probes.tip.u[1]"])
    plane = ["model.kinematics=plane-strain", "corner.0.name=c", "corner.0.at=post_root"]
    with pytest.raises(InputError, match=r"corner\.0\.at: 'post_root' names 2 points"):
        discretise(load_case("bilayer", plane)[0])


def test_a_case_changes_only_through_a_checked_copy():
    case = load_case("bilayer")[0]
    thick = changed_case(case, {"geometry.ratio": 8, "materials.low.E": 3, "probe.0.at": [0, 10], "name": "thick"})
    assert (thick.geometry.low_thickness, thick.materials["low"].E, thick.probe[0].at) == (144.0, 3, (0, 10))
    assert (
        changed_case(thick, {"geometry.high_thickness": 10}).geometry.low_thickness == 80.0
    )  # the ratio is what was given
    assert case.geometry.low_thickness == 72.0
    for change in (lambda: changed_case(case, {"geometry.post_radius": 200}),
                   lambda: case.model_copy(update={"geometry": {"post_radius": 200}}),
                   lambda: case.geometry.model_copy(update={"post_radius": 200.0})):  # fmt: skip
        with pytest.raises(InputError, match=r"post_radius: 200 is not < cell_radius \(150\)"):
            change()
    with pytest.raises(InputError, match=r"geometry\.ratioo: unknown key"):
        changed_case(case, {"geometry.ratioo": 8})
    assert case.model_copy(update={"mesh": case.mesh.model_copy(update={"size": 0.5})}).mesh.size == 0.5
    assert case.model_copy() == case
    with pytest.raises(ValueError, match="frozen"):
        case.name = "other"


@pytest.mark.parametrize("stack", ["bilayer", "flipchip", "rewired-chip"])
def test_no_geometry_however_odd_is_more_than_an_input_error(stack):
    case = load_case(stack)[0]
    draw = random.Random(11)
    odd = [None, 0, -1, 5, "x", [], [1], [1, 2], [2, 1], ["a"], {}, True, 1e300, [[1]], [None]]
    keys = [*type(case.geometry).model_fields]
    faults = []
    for _ in range(300):
        table = {} if draw.random() < 0.5 else case.tables()["geometry"]
        table |= {key: draw.choice(odd) for key in draw.sample(keys, draw.randint(1, 4))}
        try:
            build_layout(parse_case({**case.tables(), "geometry": table}, "odd"))
        except InputError as error:
            faults.append(str(error))
    assert len(faults) > 100
    assert all("geometry" in text and "\n" not in text for text in faults)
