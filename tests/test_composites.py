"""Effective properties: published closed forms, exact relations and limits."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from femsim.base.errors import InputError
from femsim.materials import composites as co
from femsim.materials.composites import Isotropic, Phase

DATA = json.loads((Path(__file__).parent / "data" / "composites.json").read_text())
CASES = {case["id"]: case for case in DATA["cases"]}
MATERIALS = {name: Isotropic.from_young(m["E"], m["nu"], m["alpha"]) for name, m in DATA["materials"].items()}
MATRIX, SILVER, NICKEL = MATERIALS["EPneat"], MATERIALS["Ag"], MATERIALS["Ni"]
GLASSY = Phase(  # transversely isotropic about axis 3
    co.orthotropic_stiffness(
        [9000, 9000, 140000], [0.4, 0.3 * 9000 / 140000, 0.3 * 9000 / 140000], [9000 / 2.8, 5000, 5000]
    ),
    np.array([3e-5, 3e-5, 5e-7]),
)
WOOD = Phase(
    co.orthotropic_stiffness([12e3, 40e3, 25e3], [0.1, 0.2, 0.25], [5e3, 4e3, 6e3]), np.array([25e-6, 8e-6, 14e-6])
)
EXACT = {"rel": 1e-10, "abs": 0}


def close(value, wanted, rel=1e-10):
    scale = np.abs(np.asarray(wanted, dtype=float)).max()
    np.testing.assert_allclose(value, wanted, rtol=0, atol=rel * scale)


def same(first: Phase, second: Phase, rel=1e-10):
    close(first.stiffness, second.stiffness, rel)
    close(first.cte, second.cte, rel)


def values(phase: Isotropic):
    return [phase.bulk, phase.shear, phase.cte * 1e9]


def scalar_levin(bulk, first, second):
    return first.cte + (second.cte - first.cte) * (1 / bulk - 1 / first.bulk) / (1 / second.bulk - 1 / first.bulk)


def turned(phase: Phase, axis: int, degrees: float) -> Phase:
    """The phase rotated about an axis, through full tensors, independent of Voigt transformation matrices."""
    pairs = [(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    i, j = [k for k in range(3) if k != axis]
    Q = np.eye(3)
    Q[i, i] = Q[j, j] = c
    Q[i, j], Q[j, i] = -s, s
    C, a = np.zeros((3, 3, 3, 3)), np.zeros((3, 3))
    for row, (p, q) in enumerate(pairs):
        a[p, q] = a[q, p] = phase.cte[row] / (1 if p == q else 2)
        for column, (r, t) in enumerate(pairs):
            C[p, q, r, t] = C[q, p, r, t] = C[p, q, t, r] = C[q, p, t, r] = phase.stiffness[row, column]
    C, a = np.einsum("ai,bj,ck,dl,ijkl->abcd", Q, Q, Q, Q, C, optimize=True), Q @ a @ Q.T
    stiffness = np.array([[C[p, q, r, t] for r, t in pairs] for p, q in pairs])
    return Phase(stiffness, np.array([a[p, q] * (1 if p == q else 2) for p, q in pairs]))


# ---- reference cases


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if "inclusion" in case["inputs"]])
def test_particles_reference(name):
    case, result = CASES[name]["inputs"], CASES[name]["result"]
    matrix, particle, f = MATERIALS[case["matrix"]], MATERIALS[case["inclusion"]], case["f"]
    got = co.mori_tanaka(matrix, [(f, particle)])
    values = {"K": got.bulk, "G": got.shear, "E": got.young, "nu": got.poisson}
    for key, wanted in result["MT"].items():
        assert values[key] == pytest.approx(wanted, **EXACT)
    assert got.cte == pytest.approx(result["cte_MT"], **EXACT)
    if "HS" in result:
        low, high = co.hashin_shtrikman([(1 - f, matrix), (f, particle)])
        bounds = {"K_lo": low.bulk, "K_hi": high.bulk, "G_lo": low.shear, "G_hi": high.shear}
        for key, wanted in result["HS"].items():
            assert bounds[key] == pytest.approx(wanted, **EXACT)
        assert [low.young, high.young] == pytest.approx(result["E_HS"], **EXACT)
        assert high.cte == pytest.approx(result["cte_at_K_hi"], **EXACT)
        levin = co.levin_cte(high.phase.stiffness, matrix.phase, particle.phase)
        assert levin == pytest.approx([result["cte_at_K_hi"]] * 3 + [0] * 3, rel=1e-10, abs=1e-20)


def test_every_reference_case_is_used():
    kinds = ["inclusion", "particle_layers", "layers"]
    assert [sum(kind in case["inputs"] for case in CASES.values()) for kind in kinds] == [8, 1, 2]
    assert len(CASES) == 11


@pytest.mark.parametrize("shear", ["mori-tanaka", "self-consistent"])
def test_coated_reference(shear):
    case = CASES["ACF PS/Ni/Au in epoxy 20%"]
    layers = [MATERIALS[name] for name in case["inputs"]["particle_layers"]]
    got = co.coated_spheres(MATRIX, layers, case["inputs"]["radii"], case["inputs"]["f"], shear=shear)
    assert got.bulk == pytest.approx(case["result"]["K_CSA"], **EXACT)
    assert got.cte == pytest.approx(case["result"]["cte_CSA"], **EXACT)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if "layers" in case["inputs"]])
def test_laminate_reference(name):
    wanted = CASES[name]["result"]
    got = co.laminate([(f, MATERIALS[material].phase) for f, material in CASES[name]["inputs"]["layers"]])
    C = got.stiffness
    entries = {"C11": C[0, 0], "C12": C[0, 1], "C13": C[0, 2], "C33": C[2, 2], "C44": C[3, 3], "C66": C[5, 5]}
    E, nu, G, cte = got.constants
    entries |= {"Et": E[0], "Ez": E[2], "nut": nu[0], "nuzt": nu[1] * E[2] / E[0], "Gzt": G[1]}
    entries |= {"alphat": cte[0], "alphaz": cte[2]}
    assert entries.keys() == wanted.keys()
    for key, value in entries.items():
        assert value == pytest.approx(wanted[key], **EXACT), key


# ---- constants


def test_constants_round_trip():
    E, nu, G = co.engineering_constants(WOOD.stiffness)
    close(E, [12e3, 40e3, 25e3])
    close(nu, [0.1, 0.2, 0.25])
    close(G, [5e3, 4e3, 6e3])
    S = np.linalg.inv(WOOD.stiffness)
    assert -S[1, 0] / S[0, 0] == pytest.approx(0.1)  # nu_12: along 2 under load along 1
    assert -S[2, 1] / S[1, 1] == pytest.approx(0.25)
    assert [1 / S[3, 3], 1 / S[4, 4], 1 / S[5, 5]] == pytest.approx([6e3, 4e3, 5e3])
    E, nu, G = co.engineering_constants(co.isotropic_stiffness(3000, 0.38))
    close(np.concatenate([E, nu, G]), [3000] * 3 + [0.38] * 3 + [3000 / 2.76] * 3, 1e-13)
    close(co.isotropic_stiffness(3000, 0.38), co.orthotropic_stiffness([3000] * 3, [0.38] * 3, [3000 / 2.76] * 3))
    lame = 3000 * 0.38 / (1.38 * 0.24)
    close(co.isotropic_stiffness(3000, 0.38)[0, :3], [lame + 2 * 3000 / 2.76, lame, lame])
    assert (SILVER.young, SILVER.poisson) == pytest.approx((76000, 0.37), rel=1e-14)


def test_rotated_is_not_orthotropic():
    with pytest.raises(InputError, match="not orthotropic"):
        co.engineering_constants(turned(WOOD, 2, 20).stiffness)
    same(turned(turned(WOOD, 2, 20), 2, -20), WOOD)
    heated = Phase(WOOD.stiffness, np.array([1e-5, 1e-5, 1e-5, 0, 0, 1e-6]))
    with pytest.raises(InputError, match="shears when heated"):
        _ = heated.constants


# ---- limits


SPHERES = {
    "mt": lambda f, m, p: co.mori_tanaka(m, [(f, p)]),
    "hs-low": lambda f, m, p: co.hashin_shtrikman([(1 - f, m), (f, p)])[0],
    "hs-high": lambda f, m, p: co.hashin_shtrikman([(1 - f, m), (f, p)])[1],
    "coated-mt": lambda f, m, p: co.coated_spheres(m, [p, p], [1.0, 1.5], f),
    "coated-sc": lambda f, m, p: co.coated_spheres(m, [p, p], [1.0, 1.5], f, "self-consistent"),
}


@pytest.mark.parametrize("kind", SPHERES)
def test_isotropic_limits(kind):
    of = SPHERES[kind]
    assert values(of(0, MATRIX, NICKEL)) == pytest.approx(values(MATRIX), rel=1e-13)
    assert values(of(1, MATRIX, NICKEL)) == pytest.approx(values(NICKEL), rel=1e-13)
    assert values(of(0.3, SILVER, SILVER)) == pytest.approx(values(SILVER), rel=1e-13)
    for f in (1e-12, 1e-7):
        assert values(of(f, MATRIX, NICKEL)) == pytest.approx(values(MATRIX), rel=100 * f + 1e-13)


MIXTURES = {
    "voigt": lambda f, a, b: co.voigt([(1 - f, a), (f, b)]),
    "reuss": lambda f, a, b: co.reuss([(1 - f, a), (f, b)]),
    "laminate": lambda f, a, b: co.laminate([(1 - f, a), (f, b)]),
    "fibre": lambda f, a, b: co.mori_tanaka_aligned(a, [(f, b)], "fibre"),
    "sphere": lambda f, a, b: co.mori_tanaka_aligned(a, [(f, b)], "sphere"),
}


@pytest.mark.parametrize("kind", MIXTURES)
def test_general_limits_symmetry_and_levin(kind):
    of, matrix = MIXTURES[kind], MATRIX.phase
    for other in (NICKEL.phase, GLASSY, WOOD):
        same(of(0, matrix, other), matrix, 1e-12)
        same(of(1, matrix, other), other, 1e-12)
        same(of(0.4, matrix, matrix), matrix, 1e-13)
        got = of(0.35, matrix, other)
        assert np.array_equal(got.stiffness, got.stiffness.T)
        lower, upper = co.reuss([(0.65, matrix), (0.35, other)]), co.voigt([(0.65, matrix), (0.35, other)])
        slack = 1e-10 * np.trace(upper.stiffness)
        assert np.linalg.eigvalsh(got.stiffness - lower.stiffness)[0] > -slack
        assert np.linalg.eigvalsh(upper.stiffness - got.stiffness)[0] > -slack
        close(co.levin_cte(got.stiffness, matrix, other), got.cte)
        close(co.levin_cte(got.stiffness, other, matrix), got.cte)


@pytest.mark.parametrize("kind", ["fibre", "sphere"])
def test_extreme_contrast(kind):
    for factor in (1e-7, 1e7):
        other = Isotropic(MATRIX.bulk * factor, MATRIX.shear * factor, 1e-5)
        got = MIXTURES[kind](0.3, MATRIX.phase, other.phase)
        assert np.linalg.eigvalsh(got.stiffness)[0] > 0
        if kind == "sphere":
            same(got, co.mori_tanaka(MATRIX, [(0.3, other)]).phase, 1e-8)


# ---- spheres


def test_bounds_order_and_mori_tanaka_on_them():
    for f in (0.05, 0.3, 0.62, 0.95):
        low, high = co.hashin_shtrikman([(1 - f, MATRIX), (f, NICKEL)])
        again = co.hashin_shtrikman([(f, NICKEL), (1 - f, MATRIX)])
        assert [x.bulk for x in (low, high)] == pytest.approx([x.bulk for x in again], rel=1e-13)
        stiff, soft = co.mori_tanaka(MATRIX, [(f, NICKEL)]), co.mori_tanaka(NICKEL, [(1 - f, MATRIX)])
        for name in ("bulk", "shear", "cte", "young"):
            assert getattr(stiff, name) == pytest.approx(getattr(low, name), rel=1e-13)
            assert getattr(soft, name) == pytest.approx(getattr(high, name), rel=1e-13)
        for name in ("bulk", "shear"):
            m, p = getattr(MATRIX, name), getattr(NICKEL, name)
            assert 1 / ((1 - f) / m + f / p) < getattr(low, name) < getattr(high, name) < (1 - f) * m + f * p
        for bound in (low, high):
            assert bound.cte == pytest.approx(scalar_levin(bound.bulk, MATRIX, NICKEL), rel=1e-11)


def test_bounds_of_phases_not_ordered_alike():
    """K of one phase and G of the other is the greater: Walpole's bounds still enclose both Mori-Tanaka estimates."""
    first, second = Isotropic(50e3, 2e3, 1e-5), Isotropic(10e3, 8e3, 4e-5)
    low, high = co.hashin_shtrikman([(0.5, first), (0.5, second)])
    for got in (co.mori_tanaka(first, [(0.5, second)]), co.mori_tanaka(second, [(0.5, first)])):
        assert low.bulk <= got.bulk * (1 + 1e-13)
        assert got.bulk <= high.bulk * (1 + 1e-13)
        assert low.shear < got.shear < high.shear
    # a phase that is not there must not widen the bounds
    absent = co.hashin_shtrikman([(0.5, first), (0.5, second), (0, Isotropic(1e6, 1e6))])
    assert absent == (low, high)


def test_particles_of_several_kinds():
    kinds = [(0.1, SILVER), (0.15, NICKEL), (0.05, MATERIALS["Si"])]
    got = co.mori_tanaka(MATRIX, kinds)
    for order in permutations(kinds):
        again = co.mori_tanaka(MATRIX, list(order))
        assert values(again) == pytest.approx(values(got), rel=1e-13)
    halves = co.mori_tanaka(MATRIX, [(0.12, SILVER), (0.08, SILVER)])
    assert halves.shear == pytest.approx(co.mori_tanaka(MATRIX, [(0.2, SILVER)]).shear, rel=1e-13)
    same(got.phase, co.mori_tanaka_aligned(MATRIX.phase, [(f, p.phase) for f, p in kinds], "sphere"))
    low, high = co.hashin_shtrikman([(0.7, MATRIX), *kinds])
    assert low.shear < high.shear
    assert got.shear == pytest.approx(low.shear, rel=1e-13)


def christensen_lo(matrix, particle, c):
    """Christensen & Lo, J. Mech. Phys. Solids 27 (1979) 315, with the erratum of 34 (1986) 639: the positive root."""
    m, i = matrix.poisson, particle.poisson
    g = particle.shear / matrix.shear
    d = g - 1
    h1 = d * (49 - 50 * i * m) + 35 * g * (i - 2 * m) + 35 * (2 * i - m)
    h2 = 5 * i * (g - 8) + 7 * (g + 4)
    h3 = g * (8 - 10 * m) + (7 - 5 * m)
    mid = 2 * (63 * d * h2 + 2 * h1 * h3) * c ** (7 / 3)
    a = 8 * d * (4 - 5 * m) * h1 * c ** (10 / 3) - mid + 252 * d * h2 * c ** (5 / 3)
    a += -50 * d * (7 - 12 * m + 8 * m * m) * h2 * c + 4 * (7 - 10 * m) * h2 * h3
    b = -2 * d * (1 - 5 * m) * h1 * c ** (10 / 3) + mid - 252 * d * h2 * c ** (5 / 3)
    b += 75 * d * (3 - m) * h2 * m * c + 1.5 * (15 * m - 7) * h2 * h3
    e = 4 * d * (5 * m - 7) * h1 * c ** (10 / 3) - mid + 252 * d * h2 * c ** (5 / 3)
    e += 25 * d * (m * m - 7) * h2 * c - (7 + 5 * m) * h2 * h3
    return max(np.roots([a, 2 * b, e]).real) * matrix.shear


@pytest.mark.parametrize("fraction", [0.01, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("particle", [NICKEL, Isotropic.from_young(30, 0.2), Isotropic.from_young(3400, 0.35)])
def test_coated_shear_of_uniform_particle(fraction, particle):
    bare = co.coated_spheres(MATRIX, [particle], [2.0], fraction, "self-consistent")
    assert bare.shear == pytest.approx(christensen_lo(MATRIX, particle, fraction), rel=1e-9)
    mean = co.coated_spheres(MATRIX, [particle, particle], [1.9, 2.0], fraction)
    plain = co.mori_tanaka(MATRIX, [(fraction, particle)])
    assert [mean.bulk, mean.shear] == pytest.approx([plain.bulk, plain.shear], rel=1e-12)


@pytest.mark.parametrize("shear", ["mori-tanaka", "self-consistent"])
def test_coating_of_matrix_is_no_coating(shear):
    for f in (0.1, 0.4):
        coated = co.coated_spheres(MATRIX, [NICKEL, MATRIX], [1.0, 1.3], f, shear)
        bare = co.coated_spheres(MATRIX, [NICKEL], [1.0], f / 1.3**3, shear)
        assert values(coated) == pytest.approx(values(bare), rel=1e-12)


@pytest.mark.parametrize("shear", ["mori-tanaka", "self-consistent"])
def test_coated_particle(shear):
    ps, ni, au = (MATERIALS[name] for name in ("PS", "Ni", "Au"))
    got = co.coated_spheres(MATRIX, [ps, ni, au], [1.8, 1.9, 1.95], 0.2, shear)
    split = co.coated_spheres(MATRIX, [ps, ps, ni, ni, au], [0.02, 1.8, 1.83, 1.9, 1.95], 0.2, shear)
    scaled = co.coated_spheres(MATRIX, [ps, ni, au], [18, 19, 19.5], 0.2, shear)
    for other in (split, scaled):
        assert values(other) == pytest.approx(values(got), rel=1e-11)
    parts = np.diff([0, 1.8**3, 1.9**3, 1.95**3]) / 1.95**3 * 0.2
    low, high = co.hashin_shtrikman([(0.8, MATRIX), *zip(parts, (ps, ni, au), strict=True)])
    assert low.bulk < got.bulk < high.bulk
    assert low.shear < got.shear < high.shear
    swapped = co.coated_spheres(MATRIX, [ps, au, ni], [1.8, 1.9, 1.95], 0.2, shear)
    assert abs(swapped.shear / got.shear - 1) > 1e-3
    assert co.coated_spheres(MATRIX, [ps, ni, au], [1.8, 1.9, 1.95], 1e-9, shear).shear == pytest.approx(
        MATRIX.shear, rel=1e-8
    )


@pytest.mark.parametrize("particle", [NICKEL, MATERIALS["PS"]])
def test_composite_sphere_is_neutral_in_its_own_effective_medium(particle):
    """What the self-consistent scheme means: a sphere coated with matrix, in the closed-form medium, changes
    nothing.
    """
    f = 0.35
    bulk = MATRIX.bulk + f / (1 / (particle.bulk - MATRIX.bulk) + 3 * (1 - f) / (3 * MATRIX.bulk + 4 * MATRIX.shear))
    medium = Isotropic(bulk, christensen_lo(MATRIX, particle, f), scalar_levin(bulk, MATRIX, particle))
    for fraction in (0.1, 0.6, 1.0):
        got = co.coated_spheres(medium, [particle, MATRIX], [f ** (1 / 3), 1.0], fraction)
        assert (got.bulk, got.shear, got.cte) == pytest.approx(
            (medium.bulk, medium.shear, medium.cte), rel=1e-10, abs=0
        )


# ---- fibres and members


def hashin_rosen(m, p, f):
    """Hill 1964, Hashin & Rosen 1964, Hashin 1965: k, E_z, nu_z, G_z, G_t (lower bound for stiffer fibres)."""
    km, kp = m.bulk + m.shear / 3, p.bulk + p.shear / 3
    common = f * (1 - f) / ((1 - f) / kp + f / km + 1 / m.shear)
    return [
        km + f / (1 / (kp - km) + (1 - f) / (km + m.shear)),
        f * p.young + (1 - f) * m.young + 4 * (p.poisson - m.poisson) ** 2 * common,
        f * p.poisson + (1 - f) * m.poisson + (p.poisson - m.poisson) * (1 / km - 1 / kp) * common,
        m.shear * (m.shear * (1 - f) + p.shear * (1 + f)) / (m.shear * (1 + f) + p.shear * (1 - f)),
        m.shear + f / (1 / (p.shear - m.shear) + (1 - f) * (km + 2 * m.shear) / (2 * m.shear * (km + m.shear))),
    ]


def composite_cylinder_cte(m, p, f):
    """(cte_t, cte_z): Lame fields u = A r in the core, B r + C / r in the shell, no net axial force, dT = 1."""

    def lame(x):
        return x.bulk - 2 * x.shear / 3, x.shear, 3 * x.bulk * x.cte

    (lp, gp, bp), (lm, gm, bm) = lame(p), lame(m)
    a2, b2 = f, 1.0
    rows = [
        [np.sqrt(a2), -np.sqrt(a2), -1 / np.sqrt(a2), 0],
        [2 * (lp + gp), -2 * (lm + gm), 2 * gm / a2, lp - lm],
        [0, 2 * (lm + gm), -2 * gm / b2, lm],
        [2 * lp * f, 2 * lm * (1 - f), 0, f * (lp + 2 * gp) + (1 - f) * (lm + 2 * gm)],
    ]
    _, B, C, axial = np.linalg.solve(rows, [0, bp - bm, bm, f * bp + (1 - f) * bm])
    return B + C, axial


@pytest.mark.parametrize("f", [0.1, 0.4, 0.7])
@pytest.mark.parametrize("pair", [("EPneat", "Cu"), ("PI", "Ni"), ("Cu", "PI"), ("EP", "Si")])
def test_fibres_are_composite_cylinders(pair, f):
    m, p = (MATERIALS[name] for name in pair)
    got = co.mori_tanaka_aligned(m.phase, [(f, p.phase)], "fibre")
    E, nu, G, cte = got.constants
    k, Ez, nuz, Gz, Gt = hashin_rosen(m, p, f)
    assert (got.stiffness[0, 0] + got.stiffness[0, 1]) / 2 == pytest.approx(k, **EXACT)
    assert E[2] == pytest.approx(Ez, **EXACT)
    assert nu[1:] * E[2] / E[:2] == pytest.approx([nuz, nuz], **EXACT)
    assert pytest.approx([Gt, Gz, Gz], **EXACT) == G
    assert E[0] == pytest.approx(2 * G[0] * (1 + nu[0]), **EXACT)  # isotropic about axis 3
    across, along = composite_cylinder_cte(m, p, f)
    assert pytest.approx([across, across, along], **EXACT) == cte


def test_fibres_in_a_smeared_matrix():
    """A transversely isotropic matrix is accepted, and turning everything turns the result."""
    step = co.mori_tanaka_aligned(MATRIX.phase, [(0.3, GLASSY)], "fibre")
    again = co.mori_tanaka_aligned(step, [(0.2, step)], "fibre")
    same(again, step, 1e-12)
    tilted = co.mori_tanaka_aligned(GLASSY, [(0.2, turned(WOOD, 0, 30)), (0.1, turned(WOOD, 2, 15))], "fibre")
    assert np.linalg.eigvalsh(tilted.stiffness)[0] > 0
    about = co.mori_tanaka_aligned(turned(GLASSY, 2, 40), [(0.2, turned(turned(WOOD, 0, 30), 2, 40))], "fibre")
    same(about, turned(co.mori_tanaka_aligned(GLASSY, [(0.2, turned(WOOD, 0, 30))], "fibre"), 2, 40))
    ball = co.mori_tanaka_aligned(MATRIX.phase, [(0.2, turned(turned(WOOD, 0, 30), 1, 40))], "sphere")
    same(ball, turned(turned(co.mori_tanaka_aligned(MATRIX.phase, [(0.2, WOOD)], "sphere"), 0, 30), 1, 40))
    with pytest.raises(InputError, match="isotropic about axis 3"):
        co.mori_tanaka_aligned(WOOD, [(0.2, GLASSY)], "fibre")
    with pytest.raises(InputError, match="which spheres need"):
        co.mori_tanaka_aligned(GLASSY, [(0.2, WOOD)], "sphere")
    with pytest.raises(InputError, match="'disc'"):
        co.mori_tanaka_aligned(GLASSY, [(0.2, WOOD)], "disc")  # type: ignore[arg-type]


def test_ring_fraction():
    assert co.ring_fraction(8, 10, 90, 110) == pytest.approx(8 * 100 / (110**2 - 90**2))
    assert co.ring_fraction(1, 25, 0, 50) == 0.25
    for bad in ((32, 10, 90, 110), (8, 11, 90, 110), (8, 10, 110, 90), (0, 10, 90, 110), (8, 0, 90, 110)):
        with pytest.raises(InputError, match="ring"):
            co.ring_fraction(*bad)
    assert co.ring_fraction(31, 10, 90, 110) < np.pi / 4


# ---- laminates


def test_laminate_of_alike_layers_and_order():
    layer = turned(turned(WOOD, 0, 25), 2, 40)
    same(co.laminate([(0.2, layer), (0.5, layer), (0.3, layer)]), layer, 1e-12)
    layers = [(0.2, layer), (0.5, MATRIX.phase), (0.3, GLASSY)]
    got = co.laminate(layers)
    for order in permutations(layers):
        same(co.laminate(list(order)), got, 1e-12)
    inner = co.laminate([(0.4, layer), (0.6, GLASSY)])
    nested = co.laminate([(0.5, inner), (0.5, MATRIX.phase)])
    same(nested, co.laminate([(0.2, layer), (0.3, GLASSY), (0.5, MATRIX.phase)]), 1e-12)
    turned_all = co.laminate([(f, turned(p, 2, 33)) for f, p in layers])
    same(turned_all, turned(got, 2, 33), 1e-12)


def test_laminate_fields():
    """Solve the stack itself, one strain per layer: in-plane strain and out-of-plane stress are shared; dT = 1."""
    layers = [(0.2, turned(turned(WOOD, 0, 25), 2, 40)), (0.5, MATRIX.phase), (0.3, GLASSY)]
    got = co.laminate(layers)
    across, plane = [2, 3, 4], [0, 1, 5]
    rng = np.random.default_rng(7)
    for mean in (*np.eye(6) * 1e-3, rng.normal(size=6) * 1e-3, np.zeros(6)):
        n = len(layers)
        A, b = np.zeros((6 * n, 6 * n)), np.zeros(6 * n)
        row = 0
        for k, (_, p) in enumerate(layers):
            for c in plane:
                A[row, 6 * k + c], b[row] = 1, mean[c]
                row += 1
            if k:
                q = layers[k - 1][1]
                for c in across:
                    A[row, 6 * k : 6 * k + 6] = p.stiffness[c]
                    A[row, 6 * k - 6 : 6 * k] = -q.stiffness[c]
                    b[row] = p.stiffness[c] @ p.cte - q.stiffness[c] @ q.cte
                    row += 1
        for c in across:
            for k, (f, _) in enumerate(layers):
                A[row, 6 * k + c] = f
            b[row] = mean[c]
            row += 1
        strain = np.linalg.solve(A, b).reshape(n, 6)
        stress = sum(f * p.stiffness @ (e - p.cte) for (f, p), e in zip(layers, strain, strict=True))
        close(got.stiffness @ (mean - got.cte), stress, 1e-9)


# ---- what is refused


def test_bad_fractions():
    a, b = MATRIX, NICKEL
    calls = [
        lambda f: co.hashin_shtrikman([(1 - f, a), (f, b)]),
        lambda f: co.mori_tanaka(a, [(f, b)]),
        lambda f: co.coated_spheres(a, [b], [1.0], f),
        lambda f: co.voigt([(1 - f, a.phase), (f, b.phase)]),
        lambda f: co.reuss([(1 - f, a.phase), (f, b.phase)]),
        lambda f: co.laminate([(1 - f, a.phase), (f, b.phase)]),
        lambda f: co.mori_tanaka_aligned(a.phase, [(f, b.phase)], "fibre"),
    ]
    for call in calls:
        for f in (-0.01, 1.2, float("nan")):
            with pytest.raises(InputError, match="not between 0 and 1"):
                call(f)
    for call in (co.hashin_shtrikman, lambda parts: co.laminate([(f, p.phase) for f, p in parts])):
        with pytest.raises(InputError, match=r"sum to 0\.9, not to 1"):
            call([(0.5, a), (0.4, b)])
    with pytest.raises(InputError, match="more than 1"):
        co.mori_tanaka(a, [(0.6, a), (0.6, b)])
    with pytest.raises(InputError, match="sum to 0"):
        co.laminate([])


def test_bad_phases():
    for E, nu in ((0, 0.3), (-1, 0.3), (1, 0.5), (1, -1), (float("nan"), 0.3), (float("inf"), 0.3)):
        with pytest.raises(InputError):
            Isotropic.from_young(E, nu)
    with pytest.raises(InputError):
        Isotropic(1, 0)
    with pytest.raises(InputError, match="negative strain energy"):
        co.orthotropic_stiffness([1, 1, 1], [0.9, 0.9, 0.9], [1, 1, 1])
    with pytest.raises(InputError, match="three each"):
        co.orthotropic_stiffness([1, 1], [0.3, 0.3, 0.3], [1, 1, 1])
    lopsided = np.eye(6)
    lopsided[0, 1] = 0.1
    for C in (lopsided, -np.eye(6), np.eye(3), np.full((6, 6), np.nan)):
        with pytest.raises(InputError, match="stiffness"):
            Phase(C, np.zeros(3))
    with pytest.raises(InputError, match="cte"):
        Phase(np.eye(6), np.zeros(2))
    with pytest.raises(ValueError, match="read-only"):
        WOOD.stiffness[0, 0] = 1
    for layers, radii in (([], []), ([SILVER], [1, 2]), ([SILVER, NICKEL], [2, 1]), ([SILVER], [0])):
        with pytest.raises(InputError, match="coated particle"):
            co.coated_spheres(MATRIX, layers, radii, 0.2)
    with pytest.raises(InputError, match="'mt'"):
        co.coated_spheres(MATRIX, [SILVER], [1.0], 0.2, "mt")  # type: ignore[arg-type]
    for shear in (MATRIX.shear, 2 * MATRIX.shear):
        with pytest.raises(InputError, match="Levin"):
            co.levin_cte(MATRIX.phase.stiffness, MATRIX.phase, Isotropic(MATRIX.bulk, shear, 1e-5).phase)
