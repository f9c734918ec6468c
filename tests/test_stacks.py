"""The stacks of the three seeds: reference cases, named roots, convergence, smeared rings, plane models, and geometry
that cannot be.
"""

from __future__ import annotations

import itertools
import math
import re

import numpy as np
import pytest
from helpers import GENERAL, STRAIN, build, held, isotropic, near, quarter_disc, quietly

from femsim.base.errors import InputError
from femsim.builders.build import build_layout, build_model, discretise, resolve_materials
from femsim.cases.casefile import load_case, parse_case
from femsim.cli.main import main
from femsim.measures.averages import averages, root_metrics
from femsim.measures.goal_errors import with_errors
from femsim.measures.stress import value_at
from femsim.solvers.solve import solve

STACKS = ("bilayer", "staggered", "rewired-chip", "flipchip")
COARSE = ("mesh.size=0.5", "mesh.growth=2")
PLANES = ("plane-strain", "generalized-plane-strain", "plane-stress")


def solved(case):
    """Solution, materials and root metrics with error estimates (what ``run`` does, without the singular fields)."""
    disc = discretise(case)
    materials = resolve_materials(case, disc)
    model = build_model(disc, materials)
    chosen = averages(model.space, disc.roots, disc.lengths)
    solution = solve(model)
    return (
        solution,
        materials,
        with_errors(solution, chosen, [root_metrics(solution.field, a) for a in chosen]),
    )


def case_of(stack, *overrides):
    return load_case(stack, overrides)[0]


# ---------------------------------------------------------------- reference cases

ROOTS = {
    "bilayer": {"post_root"},
    "staggered": {"foot", "step_1", "step_2"},
    "rewired-chip": {"member_root", "rim_root"},
    "flipchip": {"member_1_foot", "member_1_head", "via_foot", "terminal_foot", "heat_sink_foot"},
}


@pytest.mark.slow
@pytest.mark.parametrize("stack", STACKS)
def test_reference_case_at_default_settings(stack):
    solution, _, metrics = solved(case_of(stack))
    assert solution.checks.residual < 1e-8
    assert solution.checks.reaction < 1e-8
    assert solution.checks.energy < 1e-8
    assert {m.root.name for m in metrics} == ROOTS[stack]
    for m in metrics:
        assert m.von_mises > 0
        for name in ("peel", "shear", "von_mises") if m.length == 5.0 else ():
            assert getattr(m, f"{name}_error") < 0.02 * m.von_mises, (m.root.name, m.length, name)


#: a coarse start, and the same with a quarter of the size and finer growth
MESHES = {
    "bilayer": ((0.05, 1.8), (0.0125, 1.35)),
    "staggered": ((0.1, 2.0), (0.025, 1.5)),
    "rewired-chip": ((0.05, 2.0), (0.0125, 1.5)),
    "flipchip": ((0.5, 2.5), (0.125, 1.8)),
}


@pytest.mark.slow
@pytest.mark.parametrize("stack", STACKS)
def test_root_metrics_settle(stack):
    """Refined twice they move by less than 1 % of the root's von Mises average, or by less than their stated errors."""
    found = []
    for size, growth in MESHES[stack]:
        _, _, metrics = solved(case_of(stack, f"mesh.size={size}", f"mesh.growth={growth}", "metrics.length=5"))
        found.append(metrics)
    for a, b in zip(*found, strict=True):
        assert a.root == b.root
        for name in ("peel", "shear", "von_mises"):
            moved = abs(getattr(a, name) - getattr(b, name))
            assert moved <= max(0.01 * b.von_mises, getattr(a, f"{name}_error")), (a.root.name, a.root.at, name, moved)


@pytest.mark.parametrize("stack", [*STACKS[:3], pytest.param("flipchip", marks=pytest.mark.slow)])
def test_error_estimate_is_of_the_size_of_the_error(stack):
    """Between a coarse and a finer mesh no metric moves by more than three times its stated error."""
    rough = ("mesh.size=2", "mesh.growth=3") if stack == "flipchip" else ("mesh.size=0.5", "mesh.growth=2.5")
    fine = ("mesh.size=0.5", "mesh.growth=2.5") if stack == "flipchip" else ("mesh.size=0.05", "mesh.growth=2")
    pairs = [solved(case_of(stack, *keys, "metrics.length=5"))[2] for keys in (rough, fine)]
    for a, b in zip(*pairs, strict=True):
        for name in ("peel", "shear", "von_mises"):
            moved, stated = abs(getattr(a, name) - getattr(b, name)), getattr(a, f"{name}_error")
            assert moved <= 3 * stated + 0.01 * b.von_mises, (a.root.name, name, moved, stated)


# ---------------------------------------------------------------- plane models


@pytest.mark.parametrize(
    ("stack", "kinematics"),
    [*itertools.product(STACKS[:3], PLANES), pytest.param("flipchip", "plane-strain", marks=pytest.mark.slow)],
)
def test_plane_models_have_both_walls_alike(stack, kinematics):
    coarse = ("mesh.size=2", "mesh.growth=4") if stack == "flipchip" else ("mesh.size=0.5", "mesh.growth=3")
    solution, _, metrics = solved(case_of(stack, f'model.kinematics="{kinematics}"', *coarse, "metrics.length=5"))
    assert solution.checks.residual < 1e-8
    by_place = {(m.root.name, m.root.at): m for m in metrics}
    for (name, (x, y)), right in by_place.items():
        left = by_place[name, (-x, y)]
        assert left.peel == pytest.approx(right.peel, abs=1e-5 * right.von_mises)
        assert left.shear == pytest.approx(-right.shear, abs=1e-5 * right.von_mises)
        assert left.von_mises == pytest.approx(right.von_mises, rel=1e-5)


def test_offset_layers_in_cross_section():
    offset = (
        "layer.1.offset=15",
        'model.kinematics="generalized-plane-strain"',
        "mesh.size=0.5",
        "mesh.growth=2.5",
        "metrics.length=5",
    )
    _, _, metrics = solved(case_of("staggered", *offset))
    right, left = (next(m for m in metrics if m.root.name == "foot" and sign * m.root.at[0] > 0) for sign in (1, -1))
    assert abs(right.von_mises - left.von_mises) > 1e-3 * right.von_mises
    mirrored = [o.replace("=15", "=-15") for o in offset]
    _, _, other = solved(case_of("staggered", *mirrored))
    swapped = next(m for m in other if m.root.name == "foot" and m.root.at[0] < 0)
    assert swapped.von_mises == pytest.approx(right.von_mises, rel=1e-5)
    assert swapped.peel == pytest.approx(right.peel, abs=1e-5 * right.von_mises)


def test_offset_in_axisymmetry_names_two_ways_out(capsys):
    assert main(["solve", "staggered", "--set", "layer.1.offset=15"]) == 2
    text = capsys.readouterr().err
    assert text.count("\n") == 1
    assert "layer.1.offset: 15 is not 0" in text
    assert 'model.kinematics = "generalized-plane-strain"' in text
    assert "offset = 0" in text


CORE, SHELL, HEIGHT = 10.0, 25.0, 200.0
MATERIALS = {"core": (120.0, 0.34, 17.0), "shell": (2.5, 0.34, 50.0)}


def cylinder(ends):
    """A long composite cylinder as a user's blocks; ``ends``: the boundary condition of its far end."""
    entries = {name: {"E": e, "nu": nu, "cte": cte} for name, (e, nu, cte) in MATERIALS.items()}
    block = [
        {"name": "shell", "r": [0.0, SHELL], "z": [0.0, HEIGHT], "material": entries["shell"]},
        {"name": "core", "r": [0.0, CORE], "z": [0.0, HEIGHT], "material": entries["core"]},
    ]
    data = {
        "stack": "blocks", "block": block, "load": {"stress_free_temperature": 150, "temperature": 25}, "mesh": {"size": 1.0},  # noqa: E501
        "boundary": [{"z": 0.0, "u_z": 0.0}, *ends],
    }  # fmt: skip
    return parse_case(data, "cylinder")


ENDS = [(STRAIN, [{"z": HEIGHT, "u_z": 0.0}]), (GENERAL, [])]


@pytest.mark.parametrize(("kinematics", "ends"), ENDS, ids=["plane-strain", "generalized"])
def test_long_cylinder_in_two_models(kinematics, ends):
    """Far from its ends an axisymmetric cylinder is in (generalised) plane strain: a quarter disc gives the same
    stresses.
    """
    long, _, _ = solved(cylinder(ends))
    mesh = quarter_disc([CORE, SHELL], 8, ["core", "shell"])
    fixed = held((near(mesh, 0, 0.0), 0, 0.0), (near(mesh, 1, 0.0), 1, 0.0))
    materials = [isotropic(1e3 * e, nu, 1e-6 * cte, name) for name, (e, nu, cte) in MATERIALS.items()]
    disc = solve(build(mesh, kinematics, materials, fixed, 25.0, stress_free=150.0))
    scale = abs(value_at(disc.field, (5.0, 0.0), "core").stress).max()
    for r, region in ((0.0, "core"), (5.0, "core"), (10.0, "core"), (10.0, "shell"), (17.0, "shell"), (25.0, "shell")):
        a = value_at(long.field, (r, 0.0), region)
        b = value_at(disc.field, (r, 0.0), region)
        assert a.displacement[0] == pytest.approx(b.displacement[0], abs=2e-4 * SHELL * 125 * 50e-6)
        np.testing.assert_allclose(np.asarray(a.stress)[[0, 2, 1]], np.asarray(b.stress)[:3], rtol=0, atol=2e-3 * scale)


# ---------------------------------------------------------------- smeared rings


@pytest.mark.parametrize(
    ("region", "ring", "radius", "count"),
    [("member_1", 1100, 25, 69), ("via", 1500, 50, 47), ("terminal", 900, 125, 11)],
)
def test_smeared_rings_state_their_fraction(region, ring, radius, count):
    case = case_of("flipchip", "mesh.size=5", "mesh.growth=4")
    disc = discretise(case)
    fraction = count * math.pi * radius**2 / (math.pi * ((ring + radius) ** 2 - (ring - radius) ** 2))
    note = resolve_materials(case, disc)[region].origin
    assert f"smeared ring: {count} members" in note
    assert f"area fraction {fraction:.4f}" in note
    assert float(re.search(r"fraction ([\d.]+)", note)[1]) == pytest.approx(fraction, abs=5e-5)


def test_given_counts_count():
    counts = ("geometry.member_counts=[10]", "geometry.via_count=20", "geometry.terminal_count=5")
    smears = build_layout(case_of("flipchip", *counts)).smears
    assert (smears["member_1"].count, smears["via"].count, smears["terminal"].count) == (10, 20, 5)
    assert smears["terminal_free"].matrix is None


def test_plane_models_smear_nothing():
    assert build_layout(case_of("flipchip", 'model.kinematics="plane-strain"')).smears == {}
    assert build_layout(case_of("flipchip", "geometry.member_rings=[0]")).smears.keys() == {
        "via",
        "terminal",
        "terminal_free",
    }


def test_a_full_ring_of_one_material_is_that_material():
    """Members of the fill's own material leave no trace of the ring."""
    same = ("materials.member=underfill", "mesh.size=2", "mesh.growth=4", "metrics.length=5")
    case = case_of("flipchip", *same)
    materials = quietly(resolve_materials, case, discretise(case))
    ring, fill = materials["member_1"].material, materials["fill"].material
    np.testing.assert_allclose(
        ring.stiffness(25.0), fill.stiffness(25.0), rtol=1e-9, atol=1e-6 * fill.stiffness(25.0).max()
    )


# ---------------------------------------------------------------- optional parts

PARTS = {
    "no via": (("geometry.via_ring=0",), {"via_foot"}),
    "no heat sink": (("geometry.heat_sink_radius=0",), {"heat_sink_foot"}),
    "no diffusion film": (("geometry.diffusion_thickness=0",), set()),
    "no rear film": (("geometry.rear_film_thickness=0",), set()),
}


@pytest.mark.parametrize("name", PARTS)
def test_optional_parts_go_with_their_roots(name):
    overrides, gone = PARTS[name]
    layout = build_layout(case_of("flipchip", *overrides))
    assert {root.name for root in layout.roots} == ROOTS["flipchip"] - gone


def test_rear_contact_has_a_root():
    keys = ("geometry.heat_sink_radius=0", "geometry.rewiring=[0,1800]", "geometry.rear_contact_radius=200")
    assert "rear_contact_foot" in {root.name for root in build_layout(case_of("flipchip", *keys)).roots}


@pytest.mark.parametrize("height", [5, 50, 80])
def test_balls_of_any_height_mesh(height):
    disc = discretise(case_of("bilayer", f"geometry.ball_height={height}", *COARSE))
    from femsim.meshes.mesh import quality

    assert quality(disc.mesh).worst_jacobian > 0


# ---------------------------------------------------------------- impossible geometry

PLANE = 'model.kinematics="plane-strain"'
NO_SINK = "geometry.heat_sink_radius=0"
#: stack, overrides, the two keys that the one line must name
IMPOSSIBLE = [
    ("bilayer", ("geometry.post_radius=150",), ("post_radius", "cell_radius")),
    ("bilayer", ("geometry.slope_height=5",), ("slope_width", "slope_height")),
    ("bilayer", ("geometry.slope_width=5",), ("slope_height", "slope_width")),
    ("bilayer", ("geometry.slope_height=18", "geometry.slope_width=20"), ("slope_height", "high_thickness")),
    ("bilayer", ("geometry.slope_height=5", "geometry.slope_width=100"), ("slope_width", "cell_radius")),
    ("bilayer", ("geometry.pad_radius=40",), ("pad_thickness", "pad_radius")),
    ("bilayer", ("geometry.pad_thickness=72",), ("pad_thickness", "low_thickness")),
    ("bilayer", ("geometry.pad_thickness=1", "geometry.pad_radius=150"), ("pad_radius", "cell_radius")),
    ("flipchip", ("geometry.first_radius=2000", "geometry.second_radius=2000"), ("first_radius", "second_radius")),
    ("flipchip", ("geometry.via_ring=1240",), ("via_ring", "first_radius")),
    ("flipchip", ("geometry.via_radius=301",), ("via_radius", "first_radius")),
    ("flipchip", ("geometry.via_ring=1980",), ("via_ring", "second_radius")),
    ("flipchip", ("geometry.via_ring=1790",), ("via_ring", "rewiring")),
    ("flipchip", ("geometry.member_rings=[1180]",), ("member_rings.0", "first_radius")),
    ("flipchip", ("geometry.member_rings=[20]",), ("member_radius", "member_rings.0")),
    ("flipchip", ("geometry.member_rings=[1000,1040]",), ("member_rings.1", "member_radius")),
    ("flipchip", ("geometry.member_rings=[0,50]",), ("member_rings.1", "member_rings.0")),
    ("flipchip", ("geometry.member_counts=[4,5]",), ("member_counts", "member_rings")),
    ("flipchip", ("geometry.member_counts=[1000]",), ("member_rings.0", "member_radius")),
    ("flipchip", ("geometry.terminal_count=100",), ("terminal_ring", "terminal_radius")),
    ("flipchip", ("geometry.via_count=1000",), ("via_ring", "via_radius")),
    ("flipchip", ("geometry.terminal_radius=950",), ("terminal_radius", "terminal_ring")),
    (
        "flipchip",
        ("geometry.terminal_radius=1200", "geometry.terminal_ring=1300"),
        ("terminal_radius", "second_radius"),
    ),
    ("flipchip", ("geometry.terminal_ring=650",), ("terminal_ring", "rewiring")),
    ("flipchip", ("geometry.terminal_ring=1200", "geometry.insulation_step=3"), ("terminal_ring", "insulation_step")),
    ("flipchip", ("geometry.heat_sink_radius=1300",), ("heat_sink_radius", "first_radius")),
    ("flipchip", ("geometry.heat_sink_radius=700",), ("heat_sink_radius", "rewiring")),
    ("flipchip", ("geometry.rear_contact_radius=100",), ("rear_contact_radius", "heat_sink_radius")),
    ("flipchip", (NO_SINK, "geometry.rear_contact_radius=100"), ("rear_contact_radius", "rewiring")),
    (
        "flipchip",
        (NO_SINK, "geometry.rewiring=[0,1800]", "geometry.rear_contact_radius=1300"),
        ("rear_contact_radius", "first_radius"),
    ),
    ("flipchip", ("geometry.rewiring=[600,2000]",), ("rewiring", "second_radius")),
    ("flipchip", ("geometry.insulation_step=6",), ("insulation_step", "rewiring_thickness")),
    (
        "rewired-chip",
        ("geometry.opening_radius=130", "geometry.member_radius=125"),
        ("opening_radius", "member_radius"),
    ),
    ("rewired-chip", ("geometry.member_radius=500",), ("member_radius", "cell_radius")),
    ("rewired-chip", ("geometry.diffusion_thickness=20",), ("diffusion_thickness", "insulation_thickness")),
    ("staggered", ("layer.0.radius=150",), ("layer.0.radius", "cell_radius")),
    ("staggered", ("layer.1.offset=5",), ("layer.1.offset", "model.kinematics")),
    ("staggered", ("layer.1.offset=100", PLANE), ("layer.1.radius", "layer.1.offset")),
    ("staggered", ("layer.1.offset=95", PLANE), ("layer.2.offset", "layer.1.offset")),
    ("staggered", ("geometry.insulation_thickness=91",), ("insulation_thickness", "layer.thickness")),
]


@pytest.mark.parametrize(("stack", "overrides", "keys"), IMPOSSIBLE, ids=lambda v: v[-1] if isinstance(v, tuple) else v)
def test_impossible_geometry_names_both_keys(stack, overrides, keys, capsys):
    flags = [text for override in overrides for text in ("--set", override)]
    assert main(["mesh", stack, *flags]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    for key in keys:
        assert key in err


@pytest.mark.parametrize(
    ("stack", "overrides"),
    [
        ("flipchip", ("geometry.via_ring=1251",)),
        ("flipchip", ("geometry.member_rings=[1000,1051]",)),
        ("flipchip", ("geometry.member_rings=[0,51]",)),
        ("flipchip", ("geometry.insulation_step=4.9",)),
        ("flipchip", ("geometry.terminal_ring=1325", "geometry.insulation_step=3")),
        ("flipchip", ("geometry.terminal_ring=1200",)),
        ("rewired-chip", ("geometry.opening_radius=125",)),
        ("rewired-chip", ("geometry.diffusion_thickness=0",)),
        ("staggered", ("geometry.insulation_thickness=20",)),
        ("staggered", ("layer.1.offset=89", PLANE)),
        ("bilayer", ("geometry.slope_height=17.9", "geometry.slope_width=99")),
    ],
)
def test_just_possible_geometry_meshes(stack, overrides):
    from femsim.meshes.mesh import quality

    assert quality(discretise(case_of(stack, *overrides, "mesh.size=2", "mesh.growth=4")).mesh).worst_jacobian > 0


def test_impossible_geometry_is_an_input_error():
    with pytest.raises(InputError, match=r"geometry\.via_ring: 1240 - via_radius"):
        load_case("flipchip", ["geometry.via_ring=1240"])
