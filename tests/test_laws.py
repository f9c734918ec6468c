"""Material laws at a point: published and closed-form answers, consistent tangents, order in time, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from points import CASES, STATES, WHERE, law_of, plasticity, prop, straight

from femsim.base.errors import InputError, NumericsError
from femsim.materials.anand import AnandLaw
from femsim.materials.creep import Garofalo, Norton, PowerSum, PowerTerm
from femsim.materials.elastic import Material
from femsim.materials.hardening import BackStress, HardeningTable, Plasticity
from femsim.materials.law import ElasticLaw, check_temperatures
from femsim.materials.plastic import InelasticLaw
from femsim.materials.point import FreeStress, Path, drive, extrapolated
from femsim.materials.property import Property
from femsim.materials.viscoelastic import Arrhenius, Branch, ViscoelasticLaw, Wlf

E, NU = prop(60000.0), prop(0.35)
KINEMATIC = (BackStress(prop(20000.0), prop(300.0)), BackStress(prop(3000.0), prop(0.0)))
NORTON = Norton(prop(1e-9), prop(5.0))
OVER_T = Property((70000.0, 50000.0), (0.0, 150.0))
LAWS = {
    "perfect": InelasticLaw(E, NU, Plasticity(prop(50.0))),
    "linear and voce": InelasticLaw(OVER_T, NU, Plasticity(prop(50.0), prop(500.0), prop(40.0), prop(30.0))),
    "table": InelasticLaw(E, NU, Plasticity(table=HardeningTable((0.0, 0.002, 0.01), ((50.0, 70.0, 90.0),)))),
    "tables": InelasticLaw(
        E, NU, Plasticity(table=HardeningTable((0.0, 0.01), ((50.0, 70.0), (30.0, 35.0)), (0.0, 150.0)))
    ),
    "chaboche": InelasticLaw(E, NU, Plasticity(prop(50.0), prop(500.0), kinematic=KINEMATIC)),
    "norton": InelasticLaw(E, NU, creep=NORTON),
    "garofalo": InelasticLaw(E, NU, creep=Garofalo(prop(277984.0), prop(0.02447), prop(6.41), prop(6500.0))),
    "two terms": InelasticLaw(
        E,
        NU,
        creep=PowerSum(
            (PowerTerm(prop(4e-7), prop(3223.0), prop(3.0)), PowerTerm(prop(1e-12), prop(7348.0), prop(12.0)))
        ),
    ),
    "plastic and creep": InelasticLaw(E, NU, Plasticity(prop(30.0), prop(5000.0)), NORTON),
    "chaboche and creep": InelasticLaw(E, NU, Plasticity(prop(20.0), kinematic=KINEMATIC), NORTON),
    "anand": law_of(CASES["anand-csr-SAC305-motalab"]["inputs"]),
    "anand, softer": law_of(CASES["anand-csr-SnPb-darveaux"]["inputs"]),
    "viscoelastic": ViscoelasticLaw(
        OVER_T, NU, (Branch(0.3, 1.0), Branch(0.3, 100.0)), (Branch(0.2, 10.0),), Wlf(17.4, 51.6, 120.0)
    ),
}


def _states(path: Path, name: str, from_: int = 0) -> np.ndarray:
    return np.array([float(s[name][0]) for s in path.states[from_:]])


def _near(got: np.ndarray, path: list[dict], key: str, tolerance: float) -> None:
    want = np.array([entry[key] for entry in path])
    assert np.abs(got - want).max() <= tolerance * np.abs(want).max(), (key, got, want)


def _legs(times: list[float], *rows: np.ndarray) -> tuple[list[float], list[np.ndarray]]:
    """The first ramp, dwell and ramp back are enough for a test."""
    return list(times[:4]), [np.asarray(r)[:4] for r in rows]


@pytest.mark.parametrize("name", [n for n, c in CASES.items() if c["kind"] == "cyclic plasticity"])
def test_loops_are_exact_in_one_step_a_leg(name):
    """Armstrong-Frederick, Chaboche, Voce under proportional strain: closed forms to round-off, work too."""
    inputs, result = CASES[name]["inputs"], CASES[name]["result"]["path"]
    unit, free = STATES[inputs["state"]]
    points = np.outer([0.0, *inputs["driving_strain"]], unit)
    path = drive(law_of(inputs), range(len(points)), straight(points), free, [20.0] * len(points))
    assert path.steps == len(points) - 1
    _near(path.stress[1:, WHERE[inputs["state"]]], result, "stress", 1e-9)
    _near(_states(path, "p", 1), result, "p", 1e-9)
    _near(_states(path, "work", 1), result, "work", 1e-9)


def test_armstrong_frederick_ratchets():
    """Stress control: Lemaitre & Chaboche's closed-form ratchet strain."""
    inputs, result = CASES["mp-AF-ratchet"]["inputs"], CASES["mp-AF-ratchet"]["result"]
    levels = np.zeros((1 + len(result["path_at_peaks"]), 6))
    levels[1:, 0] = [p["stress"] for p in result["path_at_peaks"]]
    path = drive(law_of(inputs), range(len(levels)), straight(levels), range(6), [20.0] * len(levels))
    _near(path.strain[1:, 0], result["path_at_peaks"], "strain", 1e-9)
    _near(_states(path, "p", 1), result["path_at_peaks"], "p", 1e-9)


def test_tension_then_shear():
    """Hill's perfectly plastic path: the direction of flow turns, so steps count; four stress components are held."""
    inputs, result = CASES["mp-tension-then-shear"]["inputs"], CASES["mp-tension-then-shear"]["result"]["path"]
    gamma = [0.0, 0.0, *inputs["gammas"]]
    points = np.zeros((len(gamma), 6))
    points[1:, 0], points[:, 5] = inputs["axial_strain"], gamma

    def control(part, leg):
        return straight(points)(part, leg)[0], np.zeros(6)

    path = drive(law_of(inputs), range(len(gamma)), control, (1, 2, 3, 4), [20.0] * len(gamma), tolerance=1e-3)
    _near(path.stress[2:, 0], result, "sigma_axial", 1e-3)
    _near(path.stress[2:, 5], result, "tau", 1e-3)
    _near(_states(path, "p", 2), result, "p", 1e-3)


@pytest.mark.parametrize("name", ["mp-nafems-nl1", "mp-nafems-nl2"])
def test_plane_strain_squares(name):
    inputs, result = CASES[name]["inputs"], CASES[name]["result"]["path"]
    points = np.zeros((9, 6))
    points[1:, :2] = inputs["strain_path"]
    path = drive(law_of(inputs), range(9), straight(points), (), [20.0] * 9)
    for i, key in enumerate(("sxx", "syy", "szz")):
        assert np.abs(path.stress[1:, i] - [p[key] for p in result]).max() <= 1e-3 * inputs["Y"]
    _near(_states(path, "p", 1), result, "p", 1e-3)
    _near(_states(path, "work", 1), result, "work", 1e-3)


@pytest.mark.parametrize("name", [n for n, c in CASES.items() if c["kind"] == "thermal cycle"])
def test_thermal_cycles_of_films_and_bars(name):
    inputs, result = CASES[name]["inputs"], CASES[name]["result"]["path"]
    unit, free = STATES[inputs["state"]]
    temperatures = np.array([inputs["T_stress_free"], *(p["T"] for p in result)])
    strain = (inputs["cte_substrate"] - inputs["cte_film"]) * (temperatures - temperatures[0])
    path = drive(law_of(inputs), range(len(strain)), straight(np.outer(strain, unit)), free, temperatures)
    _near(path.stress[1:, 0], result, "stress", 1e-9)
    _near(_states(path, "p", 1), result, "p", 1e-9)
    _near(_states(path, "work", 1), result, "work", 1e-9)


def test_tables_over_temperature():
    """E(T), Y(T) and a secant expansion table in a film; the thermal strain is the elastic material's."""
    inputs, result = CASES["film-tables"]["inputs"], CASES["film-tables"]["result"]["path"]
    knots = tuple(inputs["T_table"])
    e, y = Property(tuple(inputs["E_table"]), knots), Property(tuple(inputs["Y_table"]), knots)
    cte = Property(tuple(inputs["cte_secant_table"]), knots)
    material = Material("film", (e,), (prop(inputs["nu"]),), (cte,), cte_reference=inputs["cte_secant_reference"])
    law = InelasticLaw(e, prop(inputs["nu"]), Plasticity(y))
    temperatures, start = inputs["temps"], inputs["temps"][0]

    def control(part, leg):
        t = temperatures[leg] + part * (temperatures[leg + 1] - temperatures[leg])
        return inputs["cte_substrate"] * (t - start) * STATES["biaxial"][0] - material.thermal_strain(
            t, start
        ), np.zeros(6)

    path = drive(law, range(len(temperatures)), control, (2,), temperatures, tolerance=1e-3)
    _near(path.stress[1:, 0], result, "stress", 1e-4)
    _near(_states(path, "p", 1), result, "p", 1e-3)
    _near(_states(path, "work", 1), result, "work", 1e-3)


@pytest.mark.parametrize("name", [n for n, c in CASES.items() if c["kind"] == "creep relaxation"])
def test_relaxation(name):
    inputs, result = CASES[name]["inputs"], CASES[name]["result"]["path"]
    unit, free = STATES[inputs["state"]]
    times = [0.0, *(p["t"] for p in result)]
    points = np.outer([0.0, *[inputs["driving_strain"]] * len(result)], unit)
    temperatures = [inputs.get("T", 20.0)] * len(times)
    path = drive(law_of(inputs), times, straight(points), free, temperatures, tolerance=1e-3, first=1e-3)
    _near(path.stress[1:, WHERE[inputs["state"]]], result, "stress", 1e-3)
    _near(_states(path, "creep", 1), result, "p", 1e-3)
    _near(_states(path, "work", 1), result, "work", 1e-3)


def test_creep_at_constant_rate_and_in_blocks_of_stress():
    case = CASES["garofalo-constant-rate"]
    inputs, result = case["inputs"], case["result"]
    strain = np.array([0.0, *inputs["strains"]])
    control = straight(np.outer(strain, STATES["uniaxial"][0]))
    path = drive(law_of(inputs), strain / inputs["strain_rate"], control, (1, 2), [inputs["T"]] * len(strain), 1e-3)
    _near(path.stress[:, 0], result["path"], "stress", 1e-3)
    _near(_states(path, "creep"), result["path"], "p", 1e-4)
    assert path.stress[-1, 0] == pytest.approx(result["steady_stress"], rel=1e-6)
    case = CASES["twoterm-blocks"]
    times, stress, temperatures = [0.0], [0.0], [25.0]
    for span, level, t in case["inputs"]["blocks"]:
        times += [times[-1], times[-1] + span]
        stress, temperatures = [*stress, level, level], [*temperatures, t, t]
    control = straight(np.outer(stress, STATES["uniaxial"][0]))
    path = drive(law_of(case["inputs"]), times, control, range(6), temperatures)
    _near(np.array([s["inelastic"][0, 0] for s in path.states[2::2]]), case["result"]["path"], "creep_strain", 1e-10)
    _near(_states(path, "creep")[2::2], case["result"]["path"], "p", 1e-10)
    _near(_states(path, "work")[2::2], case["result"]["path"], "work", 1e-10)


@pytest.mark.parametrize("name", [n for n, c in CASES.items() if c["kind"] == "creep thermal cycle"])
def test_creep_over_a_thermal_cycle(name):
    inputs, result = CASES[name]["inputs"], CASES[name]["result"]["path"][:4]
    unit, free = STATES[inputs["state"]]
    rate = inputs["shear_strain_per_K"] or inputs["cte_driver"] - inputs["cte"]
    times, (temperatures,) = _legs(inputs["times"], np.array(inputs["temps"]))
    points = np.outer(rate * (temperatures - inputs["T_stress_free"]), unit)
    path = drive(law_of(inputs), times, straight(points), free, temperatures, tolerance=1e-3)
    _near(path.stress[:, WHERE[inputs["state"]]], result, "stress", 1e-3)
    _near(_states(path, "creep"), result, "p", 1e-3)
    _near(_states(path, "work"), result, "work", 2e-3)


@pytest.mark.parametrize(("name", "curve"), [("anand-csr-SAC305-motalab", 0), ("anand-csr-SnPb-darveaux", 3)])
def test_anand_at_constant_rate(name, curve):
    inputs, result = CASES[name]["inputs"], CASES[name]["result"]["curves"][curve]
    strain = np.array([0.0, *inputs["strains"]])
    control = straight(np.outer(strain, STATES["uniaxial"][0]))
    times = strain / result["strain_rate"]
    path = drive(law_of(inputs), times, control, (1, 2), [result["T"]] * len(strain), tolerance=1e-3)
    for key, got in (("stress", path.stress[1:, 0]), ("s", _states(path, "resistance", 1))):
        _near(got, result["path"], key, 1e-3)
    for key in ("p", "work"):
        _near(_states(path, key, 1), result["path"], key, 1e-3)


def test_anand_saturates():
    """At a held rate r, z = r / A exp(Q_R / T): s_hat z^n asinh(z^m) / xi."""
    curves = [
        (n, c) for n in ("anand-csr-SAC305-motalab", "anand-csr-SnPb-darveaux") for c in CASES[n]["result"]["curves"]
    ]
    for name, curve in curves:
        law = law_of(CASES[name]["inputs"])
        t, rate = np.array([curve["T"]]), curve["strain_rate"]
        state, strain = law.start(t), np.zeros((1, 6))
        for k in range(40):  # backward Euler is exact where nothing changes any more; s nears s* slowly
            strain = strain + 1e-3 * 2**k * np.array([[1, -0.5, -0.5, 0, 0, 0]])
            answer = law.update(strain, t, state, 1e-3 * 2**k / rate)
            state = answer.state
        q = answer.stress[0, 0] - answer.stress[0, 1]
        assert q == pytest.approx(curve["saturation_stress"], rel=1e-6)


def test_anand_relaxes_and_creeps():
    case = CASES["anand-relax"]
    inputs, result = case["inputs"], case["result"]["path"][:4]
    points = np.outer(inputs["driving_strain_minus_thermal"], STATES["uniaxial"][0])
    path = drive(law_of(inputs), inputs["times"][:4], straight(points), (1, 2), inputs["temps"][:4], tolerance=1e-3)
    _near(path.stress[:, 0], result, "stress", 1e-3)
    _near(_states(path, "work"), result, "work", 1e-3)
    case = CASES["anand-creep"]
    inputs, result = case["inputs"], case["result"]["path"][:4]
    times = [0.0, 0.0, *inputs["times"][:4]]
    points = np.outer([0.0, *[inputs["stress"]] * (len(times) - 1)], STATES["uniaxial"][0])
    path = drive(law_of(inputs), times, straight(points), range(6), [inputs["T"]] * len(times), tolerance=1e-3)
    _near(np.array([s["inelastic"][0, 0] for s in path.states[2:]]), result, "inelastic_strain", 1e-3)
    _near(_states(path, "resistance", 2), result, "s", 1e-3)


@pytest.mark.parametrize("name", ["anand-joint-shear-cycle", "anand-bar-cycle"])
def test_anand_over_a_thermal_cycle(name):
    inputs, result = CASES[name]["inputs"], CASES[name]["result"]["path"][:4]
    unit, free = STATES[inputs["state"]]
    times, (strain, temperatures) = _legs(inputs["times"], inputs["driving_strain_minus_thermal"], inputs["temps"])
    control = straight(np.outer(strain, unit))
    path = drive(law_of(inputs), times, control, free, temperatures, tolerance=2e-3)
    _near(path.stress[:, WHERE[inputs["state"]]], result, "stress", 2e-3)
    _near(_states(path, "p"), result, "p", 2e-3)
    _near(_states(path, "work"), result, "work", 5e-3)


def _prony(inputs, shift=None) -> ViscoelasticLaw:
    g, k = inputs["G0"], inputs["K"]
    branches = tuple(Branch(*b) for b in zip(inputs["prony_g"], inputs["prony_tau"], strict=True))
    return ViscoelasticLaw(
        prop(9 * k * g / (3 * k + g)), prop((3 * k - 2 * g) / (2 * (3 * k + g))), branches, shift=shift
    )


def test_viscoelastic_relaxation_and_cooling_film():
    case = CASES["ve-uniaxial-relax"]
    inputs, result = case["inputs"], case["result"]["path"]
    times = [0.0, 0.0, *inputs["times"]]
    points = np.outer([0.0, *[inputs["strain"]] * (len(times) - 1)], STATES["uniaxial"][0])
    path = drive(_prony(inputs), times, straight(points), (1, 2), [20.0] * len(times), tolerance=1e-4)
    _near(path.stress[2:, 0], result, "stress", 1e-4)
    assert path.stress[1, 0] == pytest.approx(case["result"]["E_instant"] * inputs["strain"], rel=1e-9)
    case = CASES["ve-film-wlf"]
    inputs, result = case["inputs"], case["result"]["path"]
    temperatures = np.array(inputs["temps"])
    points = np.outer(
        (inputs["cte_substrate"] - inputs["cte"]) * (temperatures - temperatures[0]), STATES["biaxial"][0]
    )
    law = _prony(inputs, Wlf(*inputs["wlf_C1_C2_Tref"]))
    path = drive(law, inputs["times"], straight(points), (2,), temperatures)
    _near(path.stress[:, 0], result, "stress", 1e-4)
    _near(path.strain[:, 2] + inputs["cte"] * (temperatures - temperatures[0]), result, "eps_zz", 1e-4)


def test_bulk_relaxation_and_arrhenius():
    """Hydrostatic strain held: p(t) = 3 K e (1 - k (1 - exp(-t / (a tau)))); the dashpot takes up the energy."""
    k0, shift = 60000.0 / (3 * (1 - 2 * 0.35)), Arrhenius(50e3, 100.0)
    law = ViscoelasticLaw(E, NU, bulk=(Branch(0.4, 10.0),), shift=shift)
    t = np.array([125.0])
    strain = np.full((1, 6), 1e-3) * [1, 1, 1, 0, 0, 0]
    state = law.update(strain, t, law.start(t), 0.0).state
    answer = law.update(strain, t, state, 3.0)
    a = np.exp(50e3 / 8.314462618 * (1 / 398.15 - 1 / 373.15))
    left = np.exp(-3.0 / (a * 10.0))
    assert answer.stress[0, 0] == pytest.approx(3e-3 * k0 * (1 - 0.4 * (1 - left)), rel=1e-12)
    assert answer.state["work"][0] == pytest.approx(0.5 * 0.4 * k0 * 9e-6 * (1 - left**2), rel=1e-12)


@pytest.mark.parametrize("name", LAWS)
def test_tangent_is_the_derivative_of_the_step(name):
    """At random strains after a random past, against central differences; kinks cannot be hit at these numbers."""
    law, n = LAWS[name], 60
    rng = np.random.default_rng(7)
    temperature = rng.uniform(0.0, 150.0, n)
    state = law.start(temperature)
    strain = np.zeros((n, 6))
    for _ in range(3):
        strain = rng.normal(size=(n, 6)) * 10 ** rng.uniform(-5, -2, (n, 1))
        state = law.update(strain, temperature, state, 10 ** rng.uniform(-2, 3)).state
    strain = strain + rng.normal(size=(n, 6)) * 10 ** rng.uniform(-5, -2, (n, 1))
    answer = law.update(strain, temperature, state, 100.0)
    assert np.mean(answer.state["work"] > state["work"]) > 0.2
    h = 3e-7 * np.abs(strain).max(1)
    for j in range(6):
        d = np.zeros((n, 6))
        d[:, j] = h
        up, down = (law.update(strain + s * d, temperature, state, 100.0).stress for s in (1, -1))
        error = np.abs((up - down) / (2 * h[:, None]) - answer.tangent[:, :, j]).max(1)
        assert (error < 1e-6 * np.abs(answer.tangent).max((1, 2))).all()


@pytest.mark.parametrize("name", LAWS)
def test_plane_stress_condenses(name):
    """No stress across, whatever strain is passed there; the condensed tangent is the derivative; work is the same."""
    law, n = FreeStress(LAWS[name], (2, 3, 4)), 20
    rng = np.random.default_rng(3)
    temperature = rng.uniform(20.0, 120.0, n)
    state = law.update(rng.normal(size=(n, 6)) * 1e-3, temperature, law.start(temperature), 1.0).state
    strain = rng.normal(size=(n, 6)) * 2e-3
    answer = law.update(strain, temperature, state, 10.0)
    other = law.update(strain + np.array([0, 0, 1, 1, 1, 0]), temperature, state, 10.0)
    assert np.array_equal(answer.stress, other.stress)
    full = LAWS[name].update(
        np.column_stack([strain[:, :2], answer.state["free"], strain[:, 5]]),
        temperature,
        {k: v for k, v in state.items() if k != "free"},
        10.0,
    )
    assert np.abs(full.stress[:, 2:5]).max() <= 1e-7 * np.abs(full.stress).max()
    h = 1e-9
    for j in (0, 1, 5):
        d = np.zeros(6)
        d[j] = h
        up, down = (law.update(strain + s * d, temperature, state, 10.0).stress for s in (1, -1))
        error = np.abs((up - down) / (2 * h) - answer.tangent[:, :, j]).max()
        assert error < 2e-5 * np.abs(answer.tangent).max()


def test_extrapolated_steps_are_second_order():
    """Relaxation in 8, 16, 32 steps: one step against two halves, extrapolated, against the closed form."""
    case = CASES["norton-relax-shear"]
    law, t = law_of(case["inputs"]), np.array([20.0])
    strain = case["inputs"]["driving_strain"] * STATES["shear"][0][None]
    want, errors = case["result"]["path"][2], []
    for count in (8, 16, 32):
        state, h = law.update(strain, t, law.start(t), 0.0).state, 100.0 / count
        for _ in range(count):
            whole = law.update(strain, t, state, h).state
            halves = law.update(strain, t, law.update(strain, t, state, h / 2).state, h / 2).state
            state = extrapolated(whole, halves, state)
        errors.append(abs(state["stress"][0, 5] - want["stress"]))
    assert errors[0] / errors[1] > 3.0
    assert errors[1] / errors[2] > 3.4


def test_elastic_law_and_no_time_no_flow():
    material = Material("m", (OVER_T,), (NU,), (prop(0.0),))
    strain, t = np.array([[1e-3, 0, 0, 0, 0, 2e-3]] * 2), np.array([0.0, 150.0])
    elastic = ElasticLaw(material).update(strain, t, {}, 1.0)
    assert elastic.stress[:, 5] == pytest.approx(2e-3 * np.array([70000.0, 50000.0]) / 2.7)
    law = InelasticLaw(OVER_T, NU, creep=NORTON)
    assert law.update(strain, t, law.start(t), 0.0).stress == pytest.approx(elastic.stress)
    assert law.update(strain, t, law.start(t), 10.0).state["creep"].min() > 0
    assert ElasticLaw(material).linear
    assert not law.linear


def test_a_load_beyond_the_strength_is_told():
    law = InelasticLaw(E, NU, Plasticity(prop(50.0)))
    points = np.zeros((2, 6))
    points[1, 0] = 60.0
    with pytest.raises(NumericsError, match="beyond the strength"):
        drive(law, [0.0, 1.0], straight(points), range(6), [20.0, 20.0])


REFUSED = {
    "plastic.yield: -5 is not > 0": lambda: Plasticity(prop(-5.0)),
    "plastic.yield: missing": lambda: Plasticity(H=prop(10.0)),
    "plastic.yield: 170 is not the first stress": lambda: Plasticity(
        prop(170.0), table=HardeningTable((0.0, 0.1), ((180.0, 250.0),))
    ),
    "plastic.isotropic.linear: -10 softens": lambda: Plasticity(prop(50.0), prop(-10.0)),
    "plastic.isotropic.voce.Q: -20 softens": lambda: Plasticity(prop(50.0), Q=prop(-20.0), b=prop(3.0)),
    "leaves a strength of -10": lambda: Plasticity(prop(50.0), Q=prop(-60.0), b=prop(3.0), softening=True),
    "too steep": lambda: InelasticLaw(E, NU, Plasticity(prop(50.0), Q=prop(-40.0), b=prop(3e3), softening=True)),
    "voce: Q and b": lambda: Plasticity(prop(50.0), Q=prop(20.0)),
    "table.stress: 170 after more softens": lambda: Plasticity(table=HardeningTable((0.0, 0.1), ((180.0, 170.0),))),
    "table.p: 0.1 after 0.2 does not ascend": lambda: Plasticity(
        table=HardeningTable((0.0, 0.2, 0.1), ((1.0, 2.0, 3.0),))
    ),
    "first plastic strain must be 0": lambda: Plasticity(table=HardeningTable((0.1, 0.2), ((1.0, 2.0),))),
    "a table stands alone": lambda: Plasticity(H=prop(1.0), table=HardeningTable((0.0, 0.1), ((180.0, 250.0),))),
    r"kinematic\[0\].C: -1 is not >= 0": lambda: Plasticity(prop(50.0), kinematic=(BackStress(prop(-1.0), prop(1.0)),)),
    "creep.norton.A: nan is not a finite number": lambda: Norton(prop(float("nan")), prop(5.0)),
    "creep.norton.n: 0 is not > 0": lambda: Norton(prop(1.0), prop(0.0)),
    "creep.terms: at least one": lambda: PowerSum(()),
    "plastic.yield.T: 20 after 30 does not ascend": lambda: Plasticity(Property((1.0, 2.0), (30.0, 20.0))),
    "neither plastic nor creep": lambda: InelasticLaw(E, NU),
    "anand.a: 0.5 is not >= 1": lambda: _anand(a=0.5),
    "anand.n: 1.2 is not < 1": lambda: _anand(n=1.2),
    "fractions sum to 1.2": lambda: ViscoelasticLaw(E, NU, (Branch(0.6, 1.0), Branch(0.6, 2.0))),
    "wlf.C2: -5": lambda: Wlf(17.4, -5.0, 20.0),
    "creep.A: known from 20 to 30 degC, the run needs -40 to 125": lambda: check_temperatures(
        InelasticLaw(E, NU, creep=Norton(Property((1.0, 2.0), (20.0, 30.0)), prop(3.0))).properties(), "m", -40.0, 125.0
    ),
}


def _anand(**changed: float) -> AnandLaw:
    inputs = dict(CASES["anand-relax"]["inputs"])
    return law_of(inputs | {"anand": inputs["anand"] | changed})


@pytest.mark.parametrize("message", REFUSED)
def test_refused_in_one_line(message):
    with pytest.raises(InputError, match=message) as error:
        REFUSED[message]()
    assert "\n" not in str(error.value)


def test_allowed_softening_falls():
    law = InelasticLaw(E, NU, Plasticity(prop(50.0), Q=prop(-20.0), b=prop(30.0), softening=True))
    t = np.array([20.0])
    answer = law.update(np.array([[0, 0, 0, 0, 0, 0.2]]), t, law.start(t), 0.0)
    p = answer.state["p"][0]
    assert np.sqrt(3) * answer.stress[0, 5] == pytest.approx(50 - 20 * (1 - np.exp(-30 * p)))
    assert plasticity({"k": 50.0}).steepest_fall() == 0.0
