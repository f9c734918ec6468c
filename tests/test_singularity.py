"""Exponents against exact references, angular functions against the field equations, intensities against fields that
are known."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from pencil import spectrum
from scipy.optimize import brentq, fsolve

from femsim.base.errors import InputError, NumericsError
from femsim.measures.singularity import Expansion, Junction, Wedge, exponents, intensities, regular_term

CASES = json.loads((Path(__file__).parent / "data" / "singularity.json").read_text())["cases"]


def isotropic(young, nu):
    lame, shear = young * nu / ((1 + nu) * (1 - 2 * nu)), young / 2 / (1 + nu)
    c = np.diag([2 * shear] * 3 + [shear] * 3)
    c[:3, :3] += lame
    return c


def orthotropic(young, nu, shear):
    """Axes 1, 2, 3; nu and shear ordered 12, 13, 23."""
    (e1, e2, e3), (n12, n13, n23) = young, nu
    s = np.zeros((6, 6))
    s[:3, :3] = [[1 / e1, -n12 / e1, -n13 / e1], [-n12 / e1, 1 / e2, -n23 / e2], [-n13 / e1, -n23 / e2, 1 / e3]]
    s[3, 3], s[4, 4], s[5, 5] = 1 / shear[2], 1 / shear[1], 1 / shear[0]
    return np.linalg.inv(s)


def turned(c, degrees):
    """Stiffness of a material turned by an angle in the 1-2 plane (Bond matrix for stress)."""
    a = np.radians(degrees)
    k, s = np.cos(a), np.sin(a)
    bond = np.eye(6)
    bond[np.ix_([0, 1, 5], [0, 1, 5])] = [
        [k * k, s * s, -2 * k * s],
        [s * s, k * k, 2 * k * s],
        [k * s, -k * s, k * k - s * s],
    ]
    bond[3:5, 3:5] = [[k, s], [-s, k]]
    return bond @ c @ bond.T


COPPER, POLYIMIDE, SILICON, EPOXY = (
    isotropic(120e3, 0.34),
    isotropic(2.5e3, 0.34),
    isotropic(169e3, 0.28),
    isotropic(15e3, 0.30),
)
OR1 = orthotropic((12e3, 40e3, 25e3), (0.1, 0.2, 0.25), (5e3, 4e3, 6e3))
FIBRE = orthotropic((140e3, 9e3, 9e3), (0.3, 0.3, 0.4), (5e3, 5e3, 3.2e3))


def fan(openings, stiffnesses, boundary="bonded", start=0.0, strains=None, kinematics="plane-strain"):
    edges = start + np.concatenate(([0.0], np.cumsum(openings)))
    strains = strains or [np.zeros(3)] * len(openings)
    wedges = tuple(Wedge(a, b, c, e) for a, b, c, e in zip(edges, edges[1:], stiffnesses, strains, strict=False))
    return Junction(wedges, boundary, kinematics)


def crack(stiffness, start=-180.0):
    return fan([360], [stiffness], ("free", "free"), start)


def root(strains=True):
    """Polyimide, copper post, silicon: the foot of a post, dT = -125 K."""
    ctes = [35e-6, 17e-6, 2.6e-6]
    loads = [np.full(3, -125 * cte) for cte in ctes] if strains else None
    return fan([90, 90, 180], [POLYIMIDE, COPPER, SILICON], strains=loads)


JUNCTIONS = {
    "root": root(),
    "crack": crack(COPPER),
    "interface-crack": fan([180, 180], [COPPER, EPOXY], ("free", "free")),
    "rim": fan([90, 90], [COPPER, EPOXY], ("free", "free")),
    "punch": fan([180], [COPPER], ("clamped", "free")),
    "roller-notch": fan([135], [COPPER], ("roller", "free"), start=20.0),
    "orthotropic": fan([90, 90, 180], [turned(OR1, 25), turned(FIBRE, -40), SILICON], start=-30.0),
    "fibre-notch": fan([90, 160], [turned(FIBRE, 33), COPPER], ("free", "free")),
    "plane-stress": fan([90, 180], [COPPER, turned(OR1, 10)], ("free", "free"), kinematics="plane-stress"),
}
every_junction = pytest.mark.parametrize("junction", JUNCTIONS.values(), ids=JUNCTIONS.keys())


# exponents


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_reference_exponents_all_found_and_none_else(case):
    openings, youngs, nus = zip(*case["wedges"], strict=True)
    boundary = case["boundary"] if case["boundary"] == "bonded" else tuple(case["boundary"])
    found = exponents(
        fan(openings, [isotropic(e, n) for e, n in zip(youngs, nus, strict=True)], boundary), re_max=0.9995
    )
    expected = [(e["re"], e["im"], e["mult"]) for e in case["eigenvalues"] for _ in range(e["mult"])]
    assert len(found) == len(expected)
    for eigen, (re, im, multiplicity) in zip(found, expected, strict=True):
        assert abs(eigen.exponent - complex(re, im)) < 1e-10
        assert eigen.multiplicity == multiplicity
        assert not eigen.defective


def williams(opening, sign, low, high):
    """Roots of sin(lambda w) + sign lambda sin w = 0 (Williams 1952): symmetric (+1), antisymmetric (-1)."""
    w = np.radians(opening)

    def f(x):
        return np.sin(x * w) + sign * x * np.sin(w)

    grid = np.linspace(low, high, 4001)
    return [brentq(f, a, b, xtol=1e-15) for a, b in pairwise(grid) if f(a) * f(b) < 0]


@pytest.mark.parametrize("opening", [200.0, 270.0, 330.0, 359.0])
def test_higher_terms_of_notches(opening):
    expected = sorted(
        williams(opening, 1, 0.02, 2.999) + [x for x in williams(opening, -1, 0.02, 2.999) if abs(x - 1) > 1e-6]
    )
    found = [eigen.exponent for eigen in exponents(fan([opening], [COPPER], ("free", "free")), re_max=2.999)]
    real = [x.real for x in found if x.imag == 0]
    assert np.allclose(real, expected, rtol=0, atol=1e-9)


def test_crack_terms_to_second_order():
    found = exponents(crack(COPPER), re_max=2.0)
    values = [round(eigen.exponent.real, 9) for eigen in found]
    assert values == [
        0.5,
        0.5,
        1.0,
        1.5,
        1.5,
        2.0,
        2.0,
    ]  # at 1 the rotation is left out, the stress along the crack is not
    assert [eigen.multiplicity for eigen in found] == [2, 2, 1, 2, 2, 2, 2]
    assert [eigen.singular for eigen in found] == [True, True] + [False] * 5


def test_a_homogeneous_body_has_only_uniform_stress():
    found = exponents(fan([50, 310], [COPPER, COPPER]))
    assert [round(eigen.exponent.real, 9) for eigen in found] == [1.0, 1.0, 1.0]
    pairs = [(eigen.stress([10.0], 0, "cartesian"), eigen.stress([200.0], 1, "cartesian")) for eigen in found]
    stress = np.array([np.concatenate(pair) for pair in pairs])
    assert np.allclose(stress[:, 0], stress[:, 1], atol=1e-9)
    assert np.linalg.matrix_rank(stress[:, 0], tol=1e-3) == 3


@pytest.mark.parametrize("stiffness", [OR1, turned(OR1, 37.0), FIBRE, turned(FIBRE, -61.0)])
def test_orthotropic_crack_has_half_twice(stiffness):
    found = exponents(crack(stiffness), re_max=0.999)
    assert len(found) == 2
    assert all(abs(eigen.exponent - 0.5) < 1e-10 and eigen.multiplicity == 2 for eigen in found)


def test_a_turned_body_has_the_same_exponents_and_turned_functions():
    plain = fan([90, 120, 150], [OR1, FIBRE, SILICON])
    moved = fan([90, 120, 150], [turned(OR1, 73), turned(FIBRE, 73), SILICON], start=73)
    pairs = list(zip(exponents(plain), exponents(moved), strict=True))
    assert pairs
    for a, b in pairs:
        assert abs(a.exponent - b.exponent) < 1e-10
        for wedge, theta in ((0, 30.0), (1, 95.0), (2, 300.0)):
            assert np.allclose(a.stress(theta, wedge), b.stress(theta + 73, wedge), atol=1e-8)


def test_orthotropy_near_isotropy_gives_nearly_the_same():
    near = orthotropic((120e3, 120e3 * (1 + 1e-7), 120e3), (0.34,) * 3, (120e3 / 2.68,) * 3)
    same, other = root(False), fan([90, 90, 180], [POLYIMIDE, near, SILICON])
    for a, b in zip(exponents(same), exponents(other), strict=True):
        assert 0 < abs(a.exponent - b.exponent) < 1e-7


def test_plane_stress_is_plane_strain_of_another_material():
    young, nu = 120e3, 0.34
    equivalent = isotropic(young * (1 + 2 * nu) / (1 + nu) ** 2, nu / (1 + nu))  # same plane matrix in plane strain
    a = exponents(fan([180], [isotropic(young, nu)], ("clamped", "free"), kinematics="plane-stress"))
    b = exponents(fan([180], [equivalent], ("clamped", "free")))
    assert [x.exponent for x in a] == pytest.approx([x.exponent for x in b], abs=1e-11)
    assert a[0].exponent.imag == pytest.approx(np.log((3 - nu) / (1 + nu)) / (2 * np.pi), abs=1e-11)


def test_a_roller_is_half_of_the_symmetric_notch():
    half = exponents(fan([135], [COPPER], ("roller", "free"), start=20.0), re_max=0.999)
    assert [x.exponent.real for x in half] == pytest.approx(williams(270, 1, 0.02, 0.999), abs=1e-10)


def stroh_matrix(junction, exponent):
    """Free, clamped and interface conditions on sums of a_k z_k^lambda (Ting 1996, ch. 5 and 9); an independent route
    for unequal p_k."""
    count = len(junction.wedges)
    rows = np.zeros((4 * count, 4 * count), dtype=complex)

    def column(k, theta):
        d = junction.plane_stiffness(k)
        b1, b2 = np.array([[1, 0], [0, 0], [0, 1.0]]), np.array([[0, 0], [0, 1], [1.0, 0]])
        q, r, t = b1.T @ d @ b1, b1.T @ d @ b2, b2.T @ d @ b2
        big = np.block([[np.zeros((2, 2)), np.eye(2)], [-np.linalg.solve(t, q), -np.linalg.solve(t, r + r.T)]])
        p, v = np.linalg.eig(big)
        a = v[:2]
        bb = (r.T @ a + (t @ a) * p) / 1e4  # stress functions: traction integral phi = sum b_k z_k^lambda
        angle = np.radians(theta)
        middle = np.radians(0.5 * (junction.wedges[k].angle_start + junction.wedges[k].angle_end))
        z, z0 = np.cos(angle) + p * np.sin(angle), np.cos(middle) + p * np.sin(middle)
        power = (z / z0) ** exponent  # each wedge's own branch, cut opposite its bisector
        return np.vstack([a * power, bb * power])

    if junction.bonded:
        for k in range(count):
            after = (k + 1) % count
            rows[4 * k : 4 * k + 4, 4 * k : 4 * k + 4] += column(k, junction.wedges[k].angle_end)
            rows[4 * k : 4 * k + 4, 4 * after : 4 * after + 4] -= column(after, junction.wedges[after].angle_start)
    else:
        for k in range(count - 1):
            rows[4 * k : 4 * k + 4, 4 * k : 4 * k + 4] = column(k, junction.wedges[k].angle_end)
            rows[4 * k : 4 * k + 4, 4 * k + 4 : 4 * k + 8] = -column(k + 1, junction.wedges[k + 1].angle_start)
        rows[-4:-2, :4] = column(0, junction.wedges[0].angle_start)[2:]
        rows[-2:, -4:] = column(count - 1, junction.wedges[-1].angle_end)[2:]
    return rows / np.linalg.norm(rows, axis=0)


@pytest.mark.parametrize(
    "junction",
    [
        fan([160, 100], [turned(OR1, 10), turned(FIBRE, 50)], ("free", "free")),
        fan([140], [turned(FIBRE, 50)], ("free", "free")),
        fan([120, 110, 130], [turned(OR1, 25), turned(FIBRE, -40), OR1 * 20]),
    ],
)
def test_anisotropic_exponents_solve_stroh_equations(junction):
    found = exponents(junction, re_max=1.9)
    assert found

    def smallest(x):
        return np.linalg.svd(stroh_matrix(junction, x), compute_uv=False)[-1]

    for eigen in found:
        here, beside = smallest(eigen.exponent), smallest(eigen.exponent + 1e-3)
        assert here < 1e-9 < 1e-6 < beside
    # and every deep minimum on the real axis is one of them
    grid = np.linspace(0.05, 0.97, 461)
    curve = np.array([smallest(x) for x in grid])
    dips = [grid[i] for i in range(1, grid.size - 1) if curve[i] < min(curve[i - 1], curve[i + 1]) and curve[i] < 1e-4]
    for dip in dips:
        assert min(abs(eigen.exponent - dip) for eigen in found) < 4e-3


def test_a_double_exponent_without_second_vector_is_reported():
    # symmetric notch solutions: sin(lw) + l sin w = 0 and its derivative in l vanish together where two real roots meet
    opening, value = fsolve(
        lambda x: [np.sin(x[1] * x[0]) + x[1] * np.sin(x[0]), x[0] * np.cos(x[1] * x[0]) + np.sin(x[0])],
        [np.radians(146.3), 1.8],
        xtol=1e-15,
    )
    found = exponents(fan([np.degrees(opening)], [COPPER], ("free", "free")), re_max=value + 0.2)
    double = [eigen for eigen in found if abs(eigen.exponent - value) < 1e-4]
    assert len(double) == 1
    assert double[0].defective
    assert double[0].multiplicity == 2
    assert abs(double[0].exponent - value) < 1e-7
    with pytest.raises(NumericsError, match="log"):
        intensities(double[0].junction, double, lambda r, t, k: (np.zeros((t.size, 2)), np.zeros((t.size, 3))), 1.0)


def test_contrast_of_a_million_tends_to_a_clamped_edge():
    clamped = exponents(fan([90], [EPOXY], ("clamped", "free")))[0].exponent
    stiff = exponents(fan([180, 90], [EPOXY * 1e6, EPOXY], ("free", "free")), re_max=0.99)
    assert min(abs(eigen.exponent - clamped) for eigen in stiff) < 1e-5


def test_soft_nearly_incompressible_beside_stiff_keeps_its_digits():
    junction = fan([149, 93, 43], [FIBRE, isotropic(2.5, 0.499), isotropic(4e5, 0.2)], ("clamped", "free"))
    found = exponents(junction)
    assert found
    assert max(eigen.error for eigen in found) < 1e-8


def random_material(rng):
    """Isotropic up to nu = 0.4999 or orthotropic with moduli up to twenty times apart, turned, 1 MPa to 400 GPa."""
    if rng.random() < 0.6:
        return isotropic(10 ** rng.uniform(0, 5.6), rng.choice([rng.uniform(0.0, 0.45), rng.uniform(0.45, 0.4999)]))
    while True:
        young = 10 ** rng.uniform(2, 5.5) * 10 ** rng.uniform(-1.3, 0, 3)
        shear = np.sqrt(young[[0, 0, 1]] * young[[1, 2, 2]]) * rng.uniform(0.1, 0.7, 3)
        c = orthotropic(young, rng.uniform(0.02, 0.45, 3), shear)
        if np.linalg.eigvalsh(c)[0] > 1e-3 * shear.min():
            return turned(c, rng.choice([0.0, 90.0, rng.uniform(-180, 180)]))


def random_junction(seed):
    """One to five wedges, bonded or with any two conditions; half of them with right angles, some of one material."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 6))
    bonded = rng.random() < 0.4 and count > 1
    total = 360.0 if bonded else float(rng.choice([90.0, 180.0, 270.0, 360.0, rng.uniform(20, 360)]))
    steps = round(total / 90)
    if rng.random() < 0.5 and total % 90 == 0 and count <= steps:
        cuts = 90.0 * np.sort(rng.choice(np.arange(1, steps), count - 1, replace=False)) if count > 1 else np.zeros(0)
    else:
        while True:
            cuts = np.sort(rng.uniform(0, total, count - 1))
            if np.diff([0.0, *cuts, total]).min() > 3.0:
                break
    solids = [random_material(rng) for _ in range(count)]
    if count > 1 and rng.random() < 0.15:
        solids[1] = solids[0]
    conditions = ("free", "clamped", "roller")
    boundary = "bonded" if bonded else tuple(str(rng.choice(conditions)) for _ in range(2))
    kinematics = "plane-stress" if rng.random() < 0.15 else "plane-strain"
    start = float(rng.choice([0.0, 90.0, -180.0, rng.uniform(-180, 180)]))
    return fan(np.diff([0.0, *cuts, total]), solids, boundary, start, kinematics=kinematics)


def test_random_junctions_have_all_their_exponents():
    """None fails (ten thousand were tried), and round-off leaves eight digits and more."""
    for seed in range(150):
        found = exponents(random_junction(seed), re_max=1.7)
        assert max((eigen.error for eigen in found if not eigen.defective), default=0.0) < 1e-8


@pytest.mark.parametrize("seed", [3, 6, 10, 12, 17, 34])
def test_exponents_of_random_junctions_by_another_route(seed):
    junction = random_junction(seed)
    found = sorted((eigen.exponent for eigen in exponents(junction, re_max=1.65)), key=lambda v: v.real)
    if junction.can_rotate:
        found = sorted([*found, 1.0 + 0.0j], key=lambda v: v.real)
    other = spectrum(junction, 0.02, 1.65)
    assert len(found) == len(other)
    assert np.allclose(found, other, rtol=0, atol=1e-8)


def test_bilayer_root_at_which_inverse_iteration_failed():
    """One design in a hundred ended with "SVD did not converge"; which one depended on the last bits."""
    rng = np.random.default_rng(1)
    for _ in range(40):
        low = isotropic(rng.uniform(500, 4000), 0.34)
        found = exponents(fan([90, 90, 180], [low, isotropic(120e3, 0.34), isotropic(162.6e3, 0.28)]))
        assert 0.5 < found[0].exponent.real < 0.65


def test_exponents_found_once_serve_wedges_that_expand_otherwise():
    """A junction's exponents are kept; what comes back belongs to the junction asked about, stiffness and plane too."""
    wedges = [Wedge(0.0, 120.0, isotropic(3e3, 0.3)), Wedge(120.0, 300.0, isotropic(120e3, 0.34))]
    cold = Junction(tuple(wedges), ("free", "free"))
    warm = Junction(tuple(replace(w, thermal_strain=np.full(3, 1e-3)) for w in wedges), ("free", "free"))
    one, two = exponents(cold, re_max=1.5)[0], exponents(warm, re_max=1.5)[0]
    assert one.exponent == two.exponent
    assert two.junction is two.shape.junction is two.dual.junction is warm
    nothing = intensities(warm, [two], lambda r, t, k: (np.zeros((r.size, 2)), np.zeros((r.size, 3))), 1.0)
    assert nothing.intensities[0] == 0.0
    stiffer = Junction((wedges[0], Wedge(120.0, 300.0, isotropic(130e3, 0.34))), ("free", "free"))
    assert exponents(stiffer, re_max=1.5)[0].exponent != one.exponent
    assert exponents(replace(cold, kinematics="plane-stress"), re_max=1.5)[0].exponent != one.exponent


def test_close_exponents_are_told_apart_or_reported_as_one():
    """Two real exponents of a symmetric notch meet at 146.3 deg and part as a complex pair: across it the sum stays
    smooth, and each one solves its equation."""
    for opening in (146.30, 146.308, 146.3085, 146.31, 146.4):
        pair = [
            x for x in exponents(fan([opening], [COPPER], ("free", "free")), re_max=2.0) if abs(x.exponent - 1.76) < 0.1
        ]
        assert sum(x.multiplicity * (1 + x.oscillating) for x in pair) == 2
        w = np.radians(opening)
        for x in pair:
            slope = abs(w * np.cos(x.exponent * w) + np.sin(w))
            assert abs(np.sin(x.exponent * w) + x.exponent * np.sin(w)) < 1e-8 * max(slope, 1e-3)


def test_a_ray_on_the_edge_up_to_rounding_lies_in_its_wedge():
    junction = fan([90, 90, 180], [POLYIMIDE, COPPER, SILICON], start=1e-7)
    lead = exponents(junction)[0]
    assert junction.wedge_at(0.0) == 0
    assert lead.stress([0.0], 0) == pytest.approx(lead.stress([1e-7], 0))
    assert lead.stress([360.0], 2) == pytest.approx(lead.stress([0.0], 2))
    with pytest.raises(InputError, match="outside wedge 0"):
        lead.stress([-0.01], 0)
    nearly = Junction(tuple(Wedge(a, b, COPPER) for a, b in ((0, 90), (90 + 2e-6, 359.99999))), "bonded")
    assert nearly.opening == 360.0


# angular functions


def polar_fields(term, junction):
    """(u(r, t, k), stress(r, t, k)) callables, Cartesian, of an eigenfunction or a regular term."""
    if hasattr(term, "exponent"):
        power = term.exponent
        return (
            lambda r, t, k: r**power * term.displacement(t, k, "cartesian"),
            lambda r, t, k: r ** (power - 1) * term.stress(t, k, "cartesian"),
        )
    return (lambda r, t, k: term.displacement(r, t, k)), (lambda r, t, k: term.stress(r, t, k))


def check_fields(term, junction, eigenstrain, tolerance):
    """Hooke's law and equilibrium inside by finite differences, continuity on interfaces, conditions on the faces."""
    displacement, stress = polar_fields(term, junction)
    # a thermal term may be free of stress: then errors count against the stress of full constraint
    scale = max(np.abs(junction.plane_stiffness(k) @ eigenstrain(k)).max() for k in range(len(junction.wedges))) + max(
        np.abs(stress(1.0, np.linspace(w.angle_start, w.angle_end, 9), k)).max() for k, w in enumerate(junction.wedges)
    )
    size = max(
        np.abs(displacement(1.0, np.linspace(w.angle_start, w.angle_end, 9), k)).max()
        for k, w in enumerate(junction.wedges)
    )
    step = 2e-3
    offsets, coefficients = np.array([-3, -2, -1, 1, 2, 3]), np.array([-1, 9, -45, 45, -9, 1]) / 60

    def at(function, x, y, k):
        middle = 0.5 * (junction.wedges[k].angle_start + junction.wedges[k].angle_end)
        angle = middle + (np.degrees(np.arctan2(y, x)) - middle + 180) % 360 - 180
        return function(np.hypot(x, y), np.array([angle]), k)[0]

    for k, wedge in enumerate(junction.wedges):
        for part in (0.2, 0.55, 0.8):
            angle = np.radians(wedge.angle_start + part * wedge.opening)
            x, y, r = 1.3 * np.cos(angle), 1.3 * np.sin(angle), 1.3
            stencil = list(zip(offsets * step, coefficients / step, strict=True))
            du_dx, ds_dx = (sum(c * at(f, x + h, y, k) for h, c in stencil) for f in (displacement, stress))
            du_dy, ds_dy = (sum(c * at(f, x, y + h, k) for h, c in stencil) for f in (displacement, stress))
            strain = np.array([du_dx[0], du_dy[1], du_dy[0] + du_dx[1]]) - eigenstrain(k)
            hooke = junction.plane_stiffness(k) @ strain - stress(r, np.degrees([angle]), k)[0]
            assert np.abs(hooke).max() < tolerance * scale
            assert abs(ds_dx[0] + ds_dy[2]) < tolerance * scale
            assert abs(ds_dx[2] + ds_dy[1]) < tolerance * scale

    def traction(angle, k):
        xx, yy, xy = stress(1.3, np.array([angle]), k)[0]
        m = np.array([-np.sin(np.radians(angle)), np.cos(np.radians(angle))])
        return np.array([xx * m[0] + xy * m[1], xy * m[0] + yy * m[1]])

    pairs = [(k, k + 1) for k in range(len(junction.wedges) - 1)]
    pairs += [(len(junction.wedges) - 1, 0)] if junction.bonded else []
    for before, after in pairs:
        a, b = junction.wedges[before].angle_end, junction.wedges[after].angle_start
        jump = displacement(1.3, np.array([a]), before) - displacement(1.3, np.array([b]), after)
        assert np.abs(jump).max() < tolerance * size
        assert np.abs(traction(a, before) - traction(b, after)).max() < tolerance * scale
    if not junction.bonded:
        ends = ((junction.wedges[0].angle_start, 0), (junction.wedges[-1].angle_end, len(junction.wedges) - 1))
        for condition, (angle, k) in zip(junction.boundary, ends, strict=True):
            n = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
            m = np.array([-n[1], n[0]])
            u, t = displacement(1.3, np.array([angle]), k)[0], traction(angle, k)
            wanted = {
                "free": np.abs(t) / scale,
                "clamped": np.abs(u) / size,
                "roller": np.abs([u @ m / size, t @ n / scale]),
            }
            assert wanted[condition].max() < tolerance


@every_junction
def test_eigenfunctions_solve_the_equations(junction):
    found = exponents(junction, re_max=1.6)
    assert found
    for eigen in found:
        check_fields(eigen, junction, lambda k: np.zeros(3), 1e-8)


def test_the_check_of_the_equations_can_fail():
    junction = root()
    eigen = exponents(junction)[0]
    with pytest.raises(AssertionError):
        check_fields(replace(eigen, exponent=eigen.exponent + 1e-6), junction, lambda k: np.zeros(3), 1e-8)


def test_crack_modes_are_williams_and_normalised():
    one, two = exponents(crack(COPPER), re_max=0.99)
    theta = np.linspace(-180, 180, 37)
    half = np.radians(theta) / 2
    opening = one.normalised(0.0, "tt").stress(theta, 0)
    sliding = two.normalised(0.0, "rt").stress(theta, 0)
    assert np.allclose(opening[:, 1], np.cos(half) ** 3, atol=1e-9)
    assert np.allclose(opening[:, 2], np.sin(half) * np.cos(half) ** 2, atol=1e-9)
    assert np.allclose(sliding[:, 1], -3 * np.sin(half) * np.cos(half) ** 2, atol=1e-9)
    assert np.allclose(sliding[:, 2], np.cos(half) * (1 - 3 * np.sin(half) ** 2), atol=1e-9)
    assert np.allclose(one.out_of_plane_stress(theta, 0), 0.34 * one.stress(theta, 0)[:, :2].sum(axis=1), atol=1e-9)
    fine = np.linspace(-180, 180, 20001)
    s = one.stress(fine, 0)
    assert np.trapezoid(s[:, 0] ** 2 + s[:, 1] ** 2 + 2 * s[:, 2] ** 2, fine) / 360 == pytest.approx(1.0, abs=1e-6)


# regular term


def with_strains(junction, seed=3):
    rng = np.random.default_rng(seed)
    wedges = tuple(
        replace(w, thermal_strain=np.array([*rng.uniform(-1, 1, 3), 0, 0, rng.uniform(-1, 1)]) * 1e-3)
        for w in junction.wedges
    )
    return replace(junction, wedges=wedges)


@every_junction
@pytest.mark.parametrize("axial", [0.0, 2e-3])
def test_regular_term_solves_the_equations(junction, axial):
    loaded = with_strains(junction)
    term = regular_term(loaded, axial)
    check_fields(term, loaded, lambda k: loaded.plane_eigenstrain(k, axial), 1e-8)
    assert term.log_stress == 0.0


def test_regular_term_turns_with_log_r_between_free_faces():
    loaded = with_strains(fan([70, 110, 50], [COPPER, EPOXY, POLYIMIDE], ("free", "free")))
    term = regular_term(loaded)
    assert abs(term.log_rotation) > 1e-6
    a, b = term.stress(1e-3, [20.0, 50.0], 0), term.stress(10.0, [20.0, 50.0], 0)
    assert np.allclose(a, b, rtol=1e-12)
    check_fields(term, loaded, loaded.plane_eigenstrain, 1e-8)


def test_one_material_expands_without_stress():
    term = regular_term(
        fan([270], [OR1], ("free", "free"), strains=[np.array([1e-3, 2e-3, 0.0])], kinematics="plane-stress")
    )
    assert np.abs(term.stress(1.0, [10.0, 200.0], 0)).max() < 1e-8
    assert np.allclose(term.displacement(2.0, [0.0], 0)[0, 0], 2e-3)
    whole = regular_term(fan([90, 270], [COPPER, COPPER], strains=[np.full(3, 1e-3)] * 2))
    assert whole.log_stress == 0.0
    assert np.abs(whole.stress(1.0, [10.0], 0)).max() < 1e-8


def test_inclusion_corner_in_its_own_material_has_log_shear():
    """A quarter plane expanding in the same material: sigma_xy = mu e (1 + nu) / (pi (1 - nu)) ln r (Goodier 1937,
    thermoelastic potential)."""
    young, nu, e = 120e3, 0.34, 1e-3
    loaded = fan([90, 270], [isotropic(young, nu)] * 2, strains=[np.full(3, e), np.zeros(3)])
    term = regular_term(loaded)
    slope = (term.stress(np.e, [33.0], 0) - term.stress(1.0, [33.0], 0))[0]
    mu = young / 2 / (1 + nu)
    assert np.allclose(slope, [0, 0, mu * e * (1 + nu) / (np.pi * (1 - nu))], atol=1e-9 * young * e)
    assert term.log_stress > 0
    check_fields(term, loaded, loaded.plane_eigenstrain, 1e-8)


def test_a_defective_exponent_one_is_refused_not_answered():
    # Sternberg and Koiter 1958: at tan w = w (257.45 deg) the rotation has no dual
    w = brentq(lambda x: np.sin(x) - x * np.cos(x), np.radians(250), np.radians(265), xtol=1e-15)
    half = np.degrees(w) / 2
    loaded = fan([half, half], [COPPER, COPPER], ("free", "free"), strains=[np.full(3, 1e-3), np.zeros(3)])
    with pytest.raises(NumericsError, match="ln"):
        regular_term(loaded)


# intensities and averages


def manufactured(junction, eigens, values, regular):
    given = Expansion(
        junction,
        tuple(eigens),
        np.asarray(values, dtype=complex),
        regular,
        np.ones(1),
        np.zeros((1, len(values))),
        np.zeros(len(values)),
    )

    def sampler(radius, theta, wedge):
        angle = np.radians(theta)
        rigid = np.array([0.3, -0.2]) + 1e-2 * radius[:, None] * np.stack([-np.sin(angle), np.cos(angle)], axis=-1)
        rigid *= junction.can_rotate
        return given.displacement(radius, theta, wedge) + rigid, given.stress(radius, theta, wedge)

    return given, sampler


@every_junction
def test_intensities_recovered_at_any_radius(junction):
    loaded = with_strains(junction)
    eigens = exponents(loaded, re_max=2.0)
    rng = np.random.default_rng(5)
    values = rng.uniform(0.5, 2, len(eigens)) + 1j * np.array(
        [rng.uniform(0.5, 2) if x.oscillating else 0.0 for x in eigens]
    )
    regular = regular_term(loaded, 1e-3)
    _, sampler = manufactured(loaded, eigens, values, regular)
    got = intensities(loaded, eigens, sampler, [0.05, 1.0, 20.0], regular)
    weight = got.radii[:, None] ** (np.array([x.exponent.real for x in eigens]) - 1)
    # round-off is of the largest stress on the arc: an intensity is judged by what its term contributes there
    error = np.abs(got.samples - values) * weight / weight.max(axis=1, keepdims=True)
    assert error.max() < 1e-8
    assert np.abs(got.samples[1] - values).max() < 1e-8


def test_near_exponents_are_told_apart():
    junction = root()
    eigens = exponents(junction)
    assert [round(x.exponent.real, 2) for x in eigens] == [0.58, 0.94]
    regular = regular_term(junction)
    _, sampler = manufactured(junction, eigens, [3.0, -7.0], regular)
    got = intensities(junction, eigens, sampler, [0.1, 1.0, 10.0], regular)
    assert np.abs(got.samples - [3.0, -7.0]).max() < 1e-8
    assert got.spread.max() < 1e-8
    without = intensities(
        junction, eigens, sampler, [0.1, 1.0, 10.0]
    )  # the regular term must matter, or nothing was tested
    assert without.spread.max() > 1.0


def test_griffith_crack_gives_its_stress_intensity_and_t_stress():
    """Westergaard 1939: a crack of half length a in a plate under remote sigma_yy = s (plane strain): K_I = s sqrt(pi
    a), T =
    -s."""
    young, nu, s, a = 120e3, 0.34, 10.0, 5.0
    mu = young / 2 / (1 + nu)
    junction = crack(isotropic(young, nu))

    def sampler(radius, theta, wedge):
        angle = np.radians(theta)
        near = radius * np.exp(1j * angle)
        near = np.where(np.abs(theta) > 179.999999, radius * np.exp(1j * np.sign(theta) * np.pi * (1 - 1e-15)), near)
        z = near + a
        root = np.sqrt(radius) * np.exp(0.5j * angle) * np.sqrt(near + 2 * a)
        f, whole = s * z / root, s * root
        slope = s / root - s * z**2 / root**3
        y = z.imag
        stress = np.stack([f.real - y * slope.imag - s, f.real + y * slope.imag, -y * slope.real], axis=-1)
        u = np.stack([(1 - 2 * nu) * whole.real - y * f.imag, 2 * (1 - nu) * whole.imag - y * f.real], axis=-1) / (
            2 * mu
        )
        strain_x, strain_y = -s * (1 - nu**2) / young, s * nu * (1 + nu) / young
        return u + np.stack([strain_x * z.real, strain_y * z.imag], axis=-1), stress

    eigens = exponents(junction)
    opening = eigens[0].normalised(0.0, "tt", value=1 / np.sqrt(2 * np.pi))
    along = eigens[2].normalised(0.0, "xx")
    got = intensities(junction, [opening, eigens[1], along], sampler, [0.5, 2.0, 4.0])
    assert np.allclose(got.intensities, [s * np.sqrt(np.pi * a), 0.0, -s], atol=1e-8)
    assert got.spread.max() < 1e-8


def test_extrapolation_removes_a_linear_drift():
    junction = root()
    eigens = exponents(junction)
    given, sampler = manufactured(junction, eigens, [2.0, 5.0], None)

    def drifting(radius, theta, wedge):
        u, stress = sampler(radius, theta, wedge)
        return u * (1 + 0.01 * radius[:, None]), stress * (1 + 0.01 * radius[:, None])

    got = intensities(junction, eigens, drifting, [0.5, 1.0, 2.0], extrapolate=1)
    assert np.abs(got.intensities - given.intensities).max() < 1e-9
    assert np.abs(intensities(junction, eigens, drifting, [0.5, 1.0, 2.0]).intensities - given.intensities).max() > 1e-3


@pytest.mark.parametrize("axis", [None, 50.0])
@pytest.mark.parametrize("name", ["root", "interface-crack", "fibre-notch"])
def test_averages_in_closed_form_match_quadrature(name, axis):
    junction = with_strains(JUNCTIONS[name])
    eigens = exponents(junction)
    values = [2.0 - 0.7j if x.oscillating else 1.5 for x in eigens]
    given, _ = manufactured(junction, eigens, values, regular_term(junction))
    theta = junction.wedges[0].angle_end
    x, w = np.polynomial.legendre.leggauss(60)
    for length in (0.2, 5.0):
        # r = L exp(-depth) turns the singularity into an exponential, cut at 1e-26
        pieces = np.linspace(0, 60, 41)
        top, bottom = np.zeros(3), 0.0
        for a, b in pairwise(pieces):
            r = length * np.exp(-(0.5 * (a + b) + 0.5 * (b - a) * x))
            measure = 0.5 * (b - a) * w * r * (1.0 if axis is None else axis + r * np.cos(np.radians(theta)))
            top += measure @ given.stress(r, theta, 0, "polar")
            bottom += measure.sum()
        for index, component in enumerate(("rr", "tt", "rt")):
            got = given.average(theta, length, component, 0, axis)
            assert got == pytest.approx(top[index] / bottom, rel=1e-9, abs=1e-9)


def test_average_of_a_log_stress():
    junction = fan([90, 270], [COPPER] * 2, strains=[np.full(3, 1e-3), np.zeros(3)])
    term = regular_term(junction)
    given, _ = manufactured(junction, (), [], term)
    one, slope = term.stress(1.0, [45.0], 0)[0, 2], (term.stress(np.e, [45.0], 0) - term.stress(1.0, [45.0], 0))[0, 2]
    assert given.average(45.0, 3.0, "xy", 0) == pytest.approx(one + slope * (np.log(3.0) - 1), rel=1e-12)


# input


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (lambda: Wedge(10, 10, COPPER), "opening"),
        (lambda: Wedge(0, 90, np.eye(3)), "6, 6"),
        (lambda: Wedge(0, 90, -COPPER), "positive definite"),
        (lambda: Wedge(0, 90, COPPER + 1e3 * np.eye(6, k=1)), "symmetric"),
        (lambda: Wedge(0, 90, COPPER, np.zeros(4)), "thermal_strain"),
        (lambda: Junction(()), "at least one"),
        (lambda: Junction((Wedge(0, 90, COPPER), Wedge(91, 180, COPPER)), ("free", "free")), "touch"),
        (lambda: fan([90, 180], [COPPER, COPPER]), "360"),
        (lambda: fan([90], [COPPER], ("free", "glued")), "glued"),
        (lambda: exponents(crack(COPPER), re_min=0.0), "re_min"),
        (lambda: exponents(root())[0].stress([10.0, 100.0]), "wedge"),
        (lambda: exponents(root())[0].normalised(90.0, "zz", 0), "zz"),
    ],
)
def test_bad_input_is_named(build, text):
    with pytest.raises(InputError, match=text):
        build()


def test_a_material_without_the_plane_as_symmetry_is_refused():
    tilted = np.array(OR1)
    tilted[0, 3] = tilted[3, 0] = 500.0
    with pytest.raises(InputError, match="plane of symmetry"):
        Wedge(0, 90, tilted)
