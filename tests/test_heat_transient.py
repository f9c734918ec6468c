"""Heat over time through case files against series and Laplace inversions (Carslaw & Jaeger 1959; Heisler 1947; NAFEMS
T3), each to the tolerance stated with it.
"""

from __future__ import annotations

import numpy as np
import pytest
from heatcases import AXI, REFERENCES, at_probes, case_of, condition, matter, solved
from spheres import sphere_mesh

from femsim.meshes.write import write_mesh

B = REFERENCES["B"]


def history(document):
    """Temperatures (times, probes)."""
    return np.array([probe["T_history"] for probe in document["probes"].values()]).T


def column(layers, contacts, boundary, sources, transient, points, radius=100.0, **more):
    """Layers (thickness, k, rho, cp) from z = 0 down; points are (layer, depth below its top)."""
    tops = -np.concatenate([[0.0], np.cumsum([layer[0] for layer in layers])])
    blocks = [
        (f"l{k}", (0.0, radius), (float(tops[k + 1]), float(tops[k])), matter(*layer[1:]))
        for k, layer in enumerate(layers)
    ]
    joints = [{"between": [f"l{k}", f"l{k + 1}"], "resistance": 1e6 * r} for k, r in enumerate(contacts) if r]
    heat = {"source": sources, "contact": joints, "boundary": boundary, "transient": transient}
    probes = [((0.0, float(tops[k]) - depth), {"region": f"l{k}"}) for k, depth in points]
    return case_of(blocks, heat, AXI, probes, **more)


def transient(inputs, times):
    return {"initial": inputs["T_initial"], "end": times[-1], "times": times}


def test_nafems_t3():
    """A bar whose end follows A sin(wt), as a table."""
    inputs, result = B["nafems-T3"]["inputs"], B["nafems-T3"]["result"]
    t = np.linspace(0.0, 32.0, 801)
    value = {"t": t.tolist(), "value": (inputs["A"] * np.sin(inputs["w_rad_per_s"] * t)).tolist()}
    length = inputs["length_um"]
    heat = {
        "ambient": 0.0,
        "boundary": [{"z": 0.0, "temperature": 0.0}, {"z": length, "temperature": value}],
        "transient": {"initial": 0.0, "end": 32.0, "times": inputs["t_s"]},
    }
    block = ("bar", (0.0, 100.0), (0.0, length), matter(inputs["k"], inputs["density"], inputs["specific_heat"]))
    probes = [((0.0, z), {}) for z in inputs["x_um"]]
    document = solved(case_of([block], heat, AXI, probes, size=5000.0))
    assert np.abs(history(document) - result["T"]).max() <= 1e-5 * inputs["A"]


@pytest.mark.parametrize("name", ["semi-infinite-step", "semi-infinite-flux"])
def test_half_space(name):
    inputs, result = B[name]["inputs"], B[name]["result"]
    top = inputs["top"]
    entry = {"temperature": top["T_surface"]} if "T_surface" in top else {"flux": top["flux_W_per_m2"]}
    layer = (inputs["depth_um"], inputs["k"], inputs["density"], inputs["specific_heat"])
    points = [(0, x) for x in inputs["x_um"]]
    document = solved(
        column([layer], [], [{"z": 0.0, **entry}], [], transient(inputs, inputs["t_s"]), points, size=8.0, radius=10.0)
    )
    assert np.abs(history(document) - result["T"]).max() <= 1e-4 * (100.0 if "T_surface" in top else 36.3)
    assert document["heat"]["balance"] < 1e-9


@pytest.mark.parametrize("name", ["heisler-slab", "heisler-cylinder"])
def test_heisler(name):
    inputs, result = B[name]["inputs"], B[name]["result"]
    m, radius = matter(inputs["k"], inputs["density"], inputs["specific_heat"]), inputs["R_um"]
    film = {"h": inputs["h"]}
    if name == "heisler-slab":
        block, place = ("body", (0.0, 20.0), (0.0, radius), m), {"z": radius}
        probes = [((0.0, x), {}) for x in inputs["x_um"]]
    else:
        block, place = ("body", (0.0, radius), (0.0, 20.0), m), {"r": radius}
        probes = [((x, 10.0), {}) for x in inputs["x_um"]]
    heat = {
        "ambient": inputs["T_ambient"],
        "boundary": [{**place, **film}],
        "transient": transient(inputs, inputs["t_s"]),
    }
    document = solved(case_of([block], heat, AXI, probes, size=radius / 40))
    step = inputs["T_initial"] - inputs["T_ambient"]
    assert np.abs(history(document) - result["T"]).max() <= 1e-4 * step


def test_lumped_ball(tmp_path):
    """A solder ball that cools so slowly that it has one temperature (Bi = 2e-4)."""
    inputs, result = B["lumped-ball"]["inputs"], B["lumped-ball"]["result"]
    write_mesh(tmp_path / "ball.msh", sphere_mesh((inputs["R_um"],), 4, "quad9"))
    data = {
        "stack": "mesh",
        "mesh": {"file": "ball.msh"},
        "materials": {"layer0": matter(inputs["k"], inputs["density"], inputs["specific_heat"])},
        "heat": {
            "ambient": inputs["T_ambient"],
            "boundary": [{"on": "outer", "h": inputs["h"]}],
            "transient": transient(inputs, inputs["t_s"]),
        },
        "probe": [{"name": f"{x:g}", "at": [x, 0.0]} for x in inputs["x_um"]],
    }
    step = inputs["T_initial"] - inputs["T_ambient"]
    assert np.abs(history(solved(data, tmp_path)) - result["T"]).max() <= 1e-4 * step


def test_composite_slab():
    inputs, result = B["composite-slab"]["inputs"], B["composite-slab"]["result"]
    bottom = condition(inputs["bottom"], {"z": -500.0})
    document = solved(
        column(
            inputs["layers_top_to_bottom_t_um_k_rho_cp"],
            inputs["contact_resistance_m2K_per_W"],
            bottom,
            [],
            transient(inputs, inputs["t_s"]),
            inputs["points_layer_depth_um"],
            size=8.0,
            radius=20.0,
        )
    )
    wanted = np.array(result["T"])
    assert np.abs(history(document) - wanted).max() <= 1e-4 * (wanted.max() - inputs["T_initial"])


def test_impedance_over_six_decades():
    inputs, result = B["zth-column"]["inputs"], B["zth-column"]["result"]
    layers = inputs["layers_top_to_bottom_t_um_k_rho_cp"]
    bottom = condition(inputs["bottom"], {"z": -sum(layer[0] for layer in layers)})
    source = [{"name": "die", "z": 0.0, "power": inputs["power_W"]}]
    document = solved(
        column(
            layers,
            inputs["contact_resistance_m2K_per_W"],
            bottom,
            source,
            transient(inputs, inputs["t_s"]),
            inputs["points_layer_depth_um"],
            size=10.0,
            radius=150.0,
        )
    )
    wanted = np.array(result["Z_th_K_per_W"])[:, 0]
    found = np.array(document["heat"]["sources"]["die"]["R_mean"])
    assert np.abs(found - wanted).max() <= 1e-4 * wanted.max()
    assert found == pytest.approx(wanted, rel=2e-3)  # early times too
    assert document["heat"]["times"] == inputs["t_s"]


def test_power_pulse():
    """The largest temperature comes at the switching time, between two output times or not."""
    inputs, result = B["power-pulse"]["inputs"], B["power-pulse"]["result"]
    layers = inputs["layers_top_to_bottom_t_um_k_rho_cp"]
    bottom = condition(inputs["bottom"], {"z": -sum(layer[0] for layer in layers)})
    radius = float(np.sqrt(inputs["area_m2"] / np.pi) * 1e6)
    on = inputs["on_s"]
    power = {"t": [0.0, on, on], "value": [inputs["power_W"], inputs["power_W"], 0.0]}
    course = transient(inputs, inputs["t_s"])
    case = column(
        layers,
        inputs["contact_resistance_m2K_per_W"],
        bottom,
        [{"name": "die", "z": 0.0, "power": power}],
        course,
        [(0, 0.0)],
        size=10.0,
        radius=radius,
    )
    document = solved(case)
    wanted = np.array(result["T_top"])
    rise = wanted.max() - 25.0
    assert np.abs(history(document)[:, 0] - wanted).max() <= 1e-4 * rise
    assert document["heat"]["sources"]["die"]["power"] == [4.0, 4.0, 0.0, 0.0, 0.0]
    case["heat"]["transient"]["times"] = [inputs["t_s"][-1]]
    hottest = solved(case)["heat"]["hottest"]
    assert hottest["time"] == pytest.approx(on, rel=1e-12)
    assert hottest["T_max"] == pytest.approx(result["T_max"], abs=1e-4 * rise)


def test_energy_of_an_insulated_slab():
    """What is stored is what came in, to rounding, whatever the steps."""
    inputs, result = B["adiabatic-slab-energy"]["inputs"], B["adiabatic-slab-energy"]["result"]
    layer = (inputs["thickness_um"], inputs["k"], inputs["density"], inputs["specific_heat"])
    flux = [{"z": 0.0, "flux": inputs["flux_W_per_m2"]}]
    document = solved(
        column(
            [layer],
            [],
            flux,
            [],
            transient(inputs, inputs["t_s"]),
            [(0, x) for x in inputs["x_um"]],
            size=5.0,
            radius=20.0,
        )
    )
    wanted = np.array(result["T"])
    assert np.abs(history(document) - wanted).max() <= 1e-4 * np.ptp(wanted)
    assert document["heat"]["balance"] <= 1e-9


def test_periodic_flux():
    """Amplitude and lag after five time constants, of q (1 + sin wt) as a table."""
    inputs, result = B["periodic-flux"]["inputs"], B["periodic-flux"]["result"]
    period = 1.0 / inputs["frequency_Hz"]
    start = 8 * period
    t = np.linspace(0.0, 9 * period, 9 * 80 + 1)
    flux = {"t": t.tolist(), "value": (inputs["q_W_per_m2"] * (1.0 + np.sin(2.0 * np.pi * t / period))).tolist()}
    times = (start + period * np.arange(1, 33) / 32).tolist()
    times[-1] = min(times[-1], float(t[-1]))
    layer = (inputs["thickness_um"], inputs["k"], 2200.0, inputs["rho_cp"] / 2200.0)
    boundary = [{"z": 0.0, "flux": flux}, {"z": -inputs["thickness_um"], "temperature": inputs["T_bottom"]}]
    course = {"initial": 65.0, "end": times[-1], "times": times, "tolerance": 1e-4}
    document = solved(
        column([layer], [], boundary, [], course, [(0, x) for x in inputs["x_um"]], size=8.0, radius=20.0)
    )
    phase = np.exp(-2j * np.pi * np.array(times) / period)
    wave = 2.0 / 32.0 * (history(document) * phase[:, None]).sum(axis=0)
    assert np.abs(wave) == pytest.approx(np.array(result["amplitude_K"]), rel=1e-3)
    lag = np.degrees(-np.angle(wave * 1j))
    assert np.abs(lag - result["lag_deg"]).max() <= 0.1


def nonlinear(k_table, c_table, duty, course):
    """A column with k(T) and c(T), cooled by a film that depends on temperature too."""
    m = {"conductivity": k_table, "density": 2329.0, "heat_capacity": c_table}
    h = {"T": [20.0, 400.0], "value": [2.0e4, 6.0e4]}
    heat = {
        "source": [{"name": "die", "z": 0.0, "power": {"period": 1e-3, "duty": duty, "value": 0.25}}],
        "boundary": [{"z": -200.0, "h": h}],
        "transient": course,
    }
    return case_of([("si", (0.0, 100.0), (-200.0, 0.0), m)], heat, AXI, [((0.0, 0.0), {})], size=25.0)


def test_the_balance_sees_a_wrong_solver(monkeypatch):
    """Nothing of the balance comes from the rows that were solved: what a solver leaves over shows, with constant and
    with controlled steps, with and without supports.
    """
    from femsim.solvers import heat_march

    exact = heat_march.newton_change

    def off(*args, **more):
        return 0.99 * exact(*args, **more)

    for sink, more in (({"h": 2.0e4}, {"step": 1e-4}), ({"temperature": 25.0}, {"tolerance": 1e-2})):
        data = nonlinear(150.0, 700.0, 1.0, {"initial": 25.0, "end": 2e-3, **more})
        data["heat"]["boundary"] = [{"z": -200.0, **sink}]
        with monkeypatch.context() as patch:
            good = solved(data)
            patch.setattr(heat_march, "newton_change", off)
            bad = solved(data)
        assert good["heat"]["balance"] < 1e-12
        assert good["checks"]["residual"] < 1e-13
        assert bad["heat"]["balance"] > 1e-4
        assert bad["checks"]["residual"] > 1e-9


def test_nonlinear_course():
    """With k(T), c(T) and h(T) energy is conserved, and under constant power the course ends in the steady state."""
    k = {"T": [20.0, 100.0, 200.0, 400.0], "value": [150.0, 110.0, 80.0, 55.0]}
    c = {"T": [20.0, 200.0, 400.0], "value": [700.0, 800.0, 850.0]}
    course = {"initial": 25.0, "end": 0.2, "times": [1e-4, 0.2], "tolerance": 1e-3}
    steady = nonlinear(k, c, 1.0, None)
    steady["heat"]["transient"] = None
    wanted = at_probes(solved(steady))
    document = solved(nonlinear(k, c, 1.0, course))
    assert history(document)[-1] == pytest.approx(wanted, rel=1e-5)
    assert document["heat"]["balance"] < 1e-9
    pulsed = solved(nonlinear(k, c, 0.3, {**course, "end": 1.3e-3, "times": [1e-3, 1.3e-3]}))
    power = pulsed["heat"]["sources"]["die"]["power"]
    assert power == [0.0, 0.25]  # just before the times: the end of an off and of an on phase
    assert pulsed["heat"]["balance"] < 1e-8  # what Newton's iterations leave over at this tolerance
    assert pulsed["heat"]["hottest"]["time"] in [pytest.approx(k * 1e-3 + 0.3e-3, rel=1e-9) for k in range(2)]


def test_constant_steps_converge_with_order_three():
    inputs, result = B["heisler-slab"]["inputs"], B["heisler-slab"]["result"]
    m = matter(inputs["k"], inputs["density"], inputs["specific_heat"])
    errors = []
    for steps in (6, 12, 24):
        course = {"initial": inputs["T_initial"], "end": 0.2, "step": 0.2 / steps}
        heat = {"boundary": [{"z": 500.0, "h": inputs["h"]}], "ambient": inputs["T_ambient"], "transient": course}
        data = case_of([("body", (0.0, 20.0), (0.0, 500.0), m)], heat, AXI, [((0.0, 0.0), {})], size=12.0)
        document = solved(data)
        assert document["heat"]["steps"] == steps
        assert document["heat"]["factors"] == 2  # one to begin with, one for all other steps
        errors.append(abs(at_probes(document)[0] - result["T"][1][0]))
    assert errors[0] / errors[1] > 5.0
    assert errors[1] / errors[2] > 5.0


@pytest.mark.parametrize(
    ("name", "size", "course"),
    [
        ("semi-infinite-step", 40.0, {}),
        ("semi-infinite-step", 20.0, {"tolerance": 1e-3}),
        ("semi-infinite-step", 20.0, {"step": 4e-6}),
        ("semi-infinite-flux", 10.0, {"tolerance": 1e-3}),
    ],
)
def test_errors_of_courses_are_estimated(name, size, course):
    """On coarse meshes and with long steps the estimates are within a factor of the true errors, at every time at
    which these count.
    """
    inputs, wanted = B[name]["inputs"], np.array(B[name]["result"]["T"])
    top = inputs["top"]
    m = matter(inputs["k"], inputs["density"], inputs["specific_heat"])
    face = {"temperature": top["T_surface"]} if "T_surface" in top else {"flux": top["flux_W_per_m2"]}
    data = case_of(
        [("body", (0.0, 4.0), (-inputs["depth_um"], 0.0), m)],
        {
            "boundary": [{"z": 0.0, **face}],
            "transient": {"initial": 25.0, "end": inputs["t_s"][-1], "times": inputs["t_s"], **course},
        },
        AXI,
        [((2.0, -x), {}) for x in inputs["x_um"]],
        size=size,
    )
    document = solved(data)
    off = np.abs(history(document) - wanted)
    stated = np.array([probe["T_history_error"] for probe in document["probes"].values()]).T
    counts = off > 1e-6 * (wanted.max() - 25.0)
    assert counts.any()
    assert np.all(stated[counts] > off[counts] / 4.0)
    assert np.all(stated[counts] < 25.0 * off[counts])
    largest = document["heat"]["errors"]
    assert stated.max() <= (largest["time"] + largest["mesh"]) * (1.0 + 1e-9)
    assert len(document["heat"]["T_max_error"]) == len(inputs["t_s"])


def test_first_times_of_a_step_need_no_mesh_of_their_own():
    """The default mesh is fine where the heat has gone until the first time: 1e-4 of the step at all times."""
    inputs, wanted = B["semi-infinite-step"]["inputs"], np.array(B["semi-infinite-step"]["result"]["T"])
    m = matter(inputs["k"], inputs["density"], inputs["specific_heat"])
    earlier, scale = 0.1, np.sqrt(0.1)  # of one similar course
    course = {"initial": 25.0, "end": earlier * inputs["t_s"][-1], "times": [earlier * t for t in inputs["t_s"]]}
    data = case_of(
        [("body", (0.0, 4.0), (-inputs["depth_um"], 0.0), m)],
        {"boundary": [{"z": 0.0, "temperature": 125.0}], "transient": course},
        AXI,
        [((2.0, -scale * x), {}) for x in inputs["x_um"]],
    )
    assert np.abs(history(solved(data)) - wanted).max() < 1e-4 * 100.0
