"""More of the verification manual: steps, laws of materials, composite bodies, harmonics, solids, cracks, sub-models, a
reduced basis. Small bodies on coarse meshes: where the exact field is a low polynomial, few elements hold it.
"""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from verify import STEEL, Check, Topic, block, case, film

import femsim as fs


def bar(material: dict[str, Any], strain: list[float], duration: float, *probe: str) -> dict[str, Any]:
    """A bar of 10 um pulled along its axis to some strains in turn: its middle, after the last."""
    steps = [{"name": f"s{i}", "duration": duration} for i in range(len(strain))]
    tables = case(
        [block("bar", [0.0, 5.0], [0.0, 10.0], material)],
        0.0,
        boundary=[{"z": 0.0, "u_z": 0}, {"z": 10.0, "u_z": {"steps": [10.0 * e for e in strain]}}],
        model={"outer": "free"},
        mesh={"size": 10.0, "largest": 10.0},
        probe=[{"name": "middle", "at": [2.5, 5.0]}],
        step=steps,
    )
    tables["load"] = {"stress_free_temperature": 0.0}
    found: dict[str, Any] = fs.solve(tables).to_dict()["probes"]["middle"]
    return found


def born() -> list[Check]:
    """A film added at 50 degC after a first step from 150 degC, then cooled to -40 degC between rigid walls."""
    e, nu, cte = 120.0e3, 0.34, 17e-6
    tables = case(
        [
            block("base", [0.0, 10.0], [-10.0, 0.0], STEEL),
            block("film", [0.0, 10.0], [0.0, 10.0], {"E": 120.0, "nu": nu, "cte": 17.0}),
        ],
        0.0,
        boundary=[{"z": -10.0, "u_z": 0}],
        model={"outer": "fixed"},
        mesh={"size": 10.0, "largest": 10.0},
        probe=[{"name": "film", "at": [5.0, 5.0]}],
        step=[
            {"name": "first", "temperature": 50},
            {"name": "plate", "add": ["film"], "eigenstrain": {"film": {"stress": 60.0}}},
            {"name": "cool", "temperature": -40},
        ],
    )
    tables["load"] = {"stress_free_temperature": 150.0}
    found = fs.solve(tables).to_dict()["probes"]["film"]["stress"]["rr"]
    return [Check("stress of the film, MPa", 60.0 + e / (1 - nu) * cte * 90.0, found, 1e-8)]


def chaboche() -> list[Check]:
    """Kinematic hardening of Armstrong and Frederick in tension."""
    e, y, c, g, total = 120.0e3, 100.0, 20000.0, 100.0, 0.01
    law = {"yield": y, "kinematic": [{"C": c, "gamma": g}]}
    found = bar({"E": 120.0, "nu": 0.34, "cte": 17.0, "plastic": law}, [total], 1.0)
    low, high = 0.0, total
    for _ in range(200):  # plastic strain: e (total - p) = y + c / g (1 - exp(-g p))
        p = 0.5 * (low + high)
        low, high = (p, high) if e * (total - p) > y + c / g * (1 - math.exp(-g * p)) else (low, p)
    return [
        Check("stress, MPa", e * (total - p), found["stress"]["zz"], 1e-3),
        Check("plastic strain", p, found["inelastic"]["p"], 1e-3),
    ]


def anand() -> list[Check]:
    """Anand's model pulled at a constant rate until the stress no longer changes."""
    law = {
        "A": 2.0e6, "Q_R": 9000.0, "xi": 4.0, "m": 0.25, "h0": 5.0e4, "s_hat": 40.0, "n": 0.02, "a": 1.3, "s0": 20.0,
    }  # fmt: skip
    rate, end = 1e-3, 0.1
    found = bar({"E": 45.0, "nu": 0.36, "cte": 21.0, "anand": law}, [end], end / rate)
    drive = rate / law["A"] * math.exp(law["Q_R"] / 273.15)
    exact = law["s_hat"] / law["xi"] * drive ** law["n"] * math.asinh(drive ** law["m"])
    return [Check("saturated stress, MPa", exact, found["stress"]["zz"], 2e-3)]


def relaxing() -> list[Check]:
    """A film whose shear and bulk moduli relax alike."""
    nu, terms, dt, t = 0.35, [[0.3, 10.0], [0.4, 1000.0]], -100.0, 200.0
    law = {"shear": terms, "bulk": terms}
    found = film({"E": 3.0, "nu": nu, "cte": 50.0, "viscoelastic": law}, dt, t)
    left = 1.0 - sum(g * (1 - math.exp(-t / tau)) for g, tau in terms)
    exact = 3.0e3 / (1 - nu) * 50e-6 * abs(dt) * left
    return [Check("stress after 200 s, MPa", exact, found["stress"]["rr"], 2e-3)]


def cylinders() -> list[Check]:
    """A long core in a long shell, cooled; both ends between frictionless plates that stay flat, free of force."""
    a, b, dt = 10.0, 20.0, -100.0
    (e1, n1, c1), (e2, n2, c2) = (120.0e3, 0.34, 17e-6), (3.4e3, 0.34, 35e-6)
    solved = fs.solve(
        case(
            [
                block("core", [0.0, a], [0.0, 2.0], {"E": 120.0, "nu": n1, "cte": 17.0}),
                block("shell", [a, b], [0.0, 2.0], {"E": 3.4, "nu": n2, "cte": 35.0}),
            ],
            dt,
            boundary=[{"z": 0.0, "u_z": 0}, {"z": 2.0, "u_z": "equal"}],
            model={"outer": "free"},
            mesh={"size": 0.25, "growth": 1.3, "largest": 0.2},
            probe=[{"name": "wall", "at": [a, 1.0], "region": "shell"}],
        )
    )
    # u = A r in the core, A2 r + B2 / r in the shell, one axial strain; traction and displacement continuous at a
    s = [1 / ((1 + n) * (1 - 2 * n)) * e for e, n in ((e1, n1), (e2, n2))]
    h = [e / (1 - 2 * n) * c * dt for e, n, c in ((e1, n1, c1), (e2, n2, c2))]
    g2 = e2 / (1 + n2)
    area1, area2 = a * a, b * b - a * a
    rows = np.array(
        [
            [a, -a, -1 / a, 0.0],
            [s[0], -s[1], g2 / a**2, s[0] * n1 - s[1] * n2],
            [0.0, s[1], -g2 / b**2, s[1] * n2],
            [2 * s[0] * n1 * area1, 2 * s[1] * n2 * area2, 0.0, s[0] * (1 - n1) * area1 + s[1] * (1 - n2) * area2],
        ]
    )
    right = np.array([0.0, h[0] - h[1], h[1], h[0] * area1 + h[1] * area2])
    a1, a2, b2, ez = np.linalg.solve(rows, right)
    radial = s[0] * (a1 + n1 * ez) - h[0]
    hoop = s[1] * (a2 + n2 * ez) + g2 * b2 / a**2 - h[1]
    found = solved.to_dict()["probes"]["wall"]["stress"]
    return [
        Check("radial stress at the interface, MPa", radial, found["rr"], 1e-3),
        Check("hoop stress of the shell there, MPa", hoop, found["tt"], 1e-3),
    ]


def hot_tube() -> list[Check]:
    """A long tube with its bore at 100 degC and its outside at 0, in a state of plane strain."""
    a, b, t, e, nu, alpha = 10.0, 20.0, 100.0, 200.0e3, 0.3, 12e-6
    tables = {
        "stack": "blocks",
        "block": [block("tube", [a, b], [0.0, 1.0], {**STEEL, "conductivity": 50.0})],
        "load": {"stress_free_temperature": 0.0, "temperature": "heat"},
        "heat": {"ambient": 0.0, "boundary": [{"r": a, "temperature": t}, {"r": b, "temperature": 0.0}]},
        "boundary": [{"z": 0.0, "u_z": 0}, {"z": 1.0, "u_z": 0}],
        "model": {"outer": "free"},
        "mesh": {"size": 0.25, "growth": 1.3, "largest": 0.5},
        "probe": [{"name": "bore", "at": [a, 0.5]}, {"name": "middle", "at": [15.0, 0.5]}],
    }
    found = fs.solve(tables).to_dict()["probes"]
    ratio = math.log(b / a)
    k = alpha * e * t / (2 * (1 - nu) * ratio)
    return [
        Check("temperature in the middle, degC", t * math.log(b / 15.0) / ratio, found["middle"]["T"], 1e-6),
        Check("hoop stress of the bore, MPa", k * (1 - 2 * b * b / (b * b - a * a) * ratio), found["bore"]["stress"]["tt"], 2e-3),
    ]  # fmt: skip


def nafems_t3() -> list[Check]:
    """NAFEMS T3."""
    t = np.linspace(0.0, 32.0, 401)
    end = {"t": t.tolist(), "value": (100.0 * np.sin(math.pi * t / 40.0)).tolist()}
    steel = {"conductivity": 35.0, "density": 7200.0, "heat_capacity": 440.5}
    tables = {
        "stack": "blocks",
        "block": [block("bar", [0.0, 100.0], [0.0, 1e5], steel)],
        "mesh": {"size": 5000.0, "growth": 1.3, "largest": 5000.0},
        "probe": [{"name": "p", "at": [0.0, 8e4]}],
        "heat": {
            "ambient": 0.0,
            "boundary": [{"z": 0.0, "temperature": 0.0}, {"z": 1e5, "temperature": end}],
            "transient": {"initial": 0.0, "end": 32.0, "times": [32.0]},
        },
    }
    return [
        Check(
            "temperature at x = 0.08 m, t = 32 s, degC",
            36.60,
            float(np.ravel(fs.conduct(tables).at([0.0, 8e4]))[-1]),
            2e-3,
        )
    ]


def twisted() -> list[Check]:
    """A shaft whose ends turn against each other by 2 mrad."""
    r, height, angle, e, nu = 10.0, 20.0, 2e-3, 200.0e3, 0.3
    solved = fs.solve(
        case(
            [block("shaft", [0.0, r], [0.0, height], STEEL)],
            0.0,
            boundary=[{"z": 0.0, "u_z": 0}],
            harmonic=[{"twist": 0.0, "z": 0.0}, {"twist": angle, "z": height, "name": "head"}],
            model={"outer": "free"},
            mesh={"size": 5.0, "growth": 1.3},
            probe=[{"name": "skin", "at": [r, 10.0], "angle": 30.0}],
        )
    ).to_dict()
    g, psi = e / (2 * (1 + nu)), angle / height
    return [
        Check("shear stress at the skin, MPa", g * psi * r, solved["probes"]["skin"]["stress"]["tz"], 1e-8),
        Check("torque, N um", g * psi * math.pi * r**4 / 2 * 1e-6, solved["reactions"]["head"]["mz"], 1e-8),
    ]


def plate() -> list[Check]:
    """A quarter of a square plate of two layers in 3D, its sides free to tilt but flat: the cell of a wafer."""
    h1, h2, dt = 20.0, 5.0, -100.0
    (e1, n1, c1), (e2, n2, c2) = (160.0, 0.3, 2.6), (100.0, 0.2, 17.0)
    side = 40.0

    def layer(name: str, z: list[float], e: float, nu: float, cte: float) -> dict[str, Any]:
        material = {"E": e, "nu": nu, "cte": cte}
        return {"name": name, "x": [0.0, side], "y": [0.0, side], "z": z, "material": material}

    solved = fs.solve(
        case(
            [layer("low", [0.0, h1], e1, n1, c1), layer("top", [h1, h1 + h2], e2, n2, c2)],
            dt,
            boundary=[
                {"x": 0.0, "u_x": 0}, {"y": 0.0, "u_y": 0}, {"point": [0, 0, 0], "u_z": 0},
                {"x": side, "u_x": "straight"}, {"y": side, "u_y": "straight"},
            ],
            model={"kinematics": "3d", "outer": "free"},
            mesh={"size": 20.0, "growth": 2.0, "largest": 20.0},
            probe=[{"name": "end", "at": [side, 0.0, 0.0]}],
        )
    )  # fmt: skip
    d1, d2 = e1 * 1e3 / (1 - n1), e2 * 1e3 / (1 - n2)
    # equal biaxial strain e0 + k z: no net force, no moment
    spans = [(0.0, h1, d1, c1), (h1, h1 + h2, d2, c2)]
    matrix, right = np.zeros((2, 2)), np.zeros(2)
    for low, high, d, c in spans:
        moments = [(high ** (n + 1) - low ** (n + 1)) / (n + 1) for n in range(3)]
        matrix += d * np.array([[moments[0], moments[1]], [moments[1], moments[2]]])
        right += d * c * 1e-6 * dt * np.array(moments[:2])
    k = np.linalg.solve(matrix, right)[1]
    return [Check("deflection of an edge, um", -0.5 * k * side**2, solved.to_dict()["probes"]["end"]["u"][2], 1e-6)]


def peeling() -> list[Check]:
    """A film that comes off a substrate under a change of temperature, long behind and before the tip."""
    h1, h2, half, dt = 1.0, 2.0, 20.0, -100.0
    (e1, n1, c1), (e2, n2, c2) = (60e3, 0.3, 20e-6), (150e3, 0.25, 4e-6)
    solved = fs.solve(
        case(
            [
                block("base", [-2.0, 2 * half], [-h2, 0.0], {"E": 150.0, "nu": n2, "cte": 4.0}, "xy"),
                block("film", [0.0, 2 * half], [0.0, h1], {"E": 60.0, "nu": n1, "cte": 20.0}, "xy"),
            ],
            dt,
            boundary=[{"point": [2 * half, -h2], "u_x": 0, "u_y": 0}, {"point": [2 * half, h1], "u_x": 0}],
            model={"kinematics": "plane-strain", "outer": "free"},
            mesh={"size": 0.02, "growth": 1.5, "largest": 0.5},
            metrics={"length": 0.5},
            root=[{"name": "edge", "at": [0.0, 0.0], "region": "film"}],
            crack=[{"root": "edge", "length": half}],
        )
    )
    moduli, free = np.array([e1 / (1 - n1**2), e2 / (1 - n2**2)]), np.array([(1 + n1) * c1, (1 + n2) * c2]) * dt
    matrix, right, constant = np.zeros((2, 2)), np.zeros(2), 0.0
    for modulus, strain, (low, high) in zip(moduli, free, [(0.0, h1), (-h2, 0.0)], strict=True):
        moments = np.array([high - low, (high**2 - low**2) / 2, (high**3 - low**3) / 3])
        matrix += modulus * np.array([[moments[0], moments[1]], [moments[1], moments[2]]])
        right += modulus * strain * moments[:2]
        constant += modulus * strain**2 * moments[0]
    stored = 0.5 * (constant - right @ np.linalg.solve(matrix, right))  # MPa um = J/m2
    found = solved.to_dict()["cracks"][0]
    return [
        Check("energy release rate, domain integral, J/m2", stored, found["energy_release_rate"], 5e-3),
        Check("energy release rate, crack closure, J/m2", stored, found["vcct"], 2e-2),
    ]


def piece() -> list[Check]:
    """Lamé's tube again: a ring cut out of it, driven by the displacement of the whole."""
    a, b, p = 10.0, 20.0, 100.0
    whole = case(
        [block("tube", [a, b], [0.0, 4.0], STEEL)],
        0.0,
        boundary=[{"r": a, "pressure": p}, {"z": 0.0, "u_z": 0}, {"z": 4.0, "u_z": 0}],
        model={"outer": "free"},
        mesh={"size": 0.5, "growth": 1.3, "largest": 0.5},
    )
    sides = [("r", 12.0, "z", [1.0, 3.0]), ("r", 16.0, "z", [1.0, 3.0]), ("z", 1.0, "r", [12.0, 16.0]), ("z", 3.0, "r", [12.0, 16.0])]  # fmt: skip
    with tempfile.TemporaryDirectory() as directory:
        fs.solve(whole).write(Path(directory) / "whole")
        cut = case(
            [block("ring", [12.0, 16.0], [1.0, 3.0], STEEL)],
            0.0,
            boundary=[
                {line: at, across: span, "from": str(Path(directory) / "whole")} for line, at, across, span in sides
            ],
            model={"outer": "free"},
            mesh={"size": 0.4, "growth": 1.3, "largest": 0.4},
            probe=[{"name": "p", "at": [14.0, 2.0]}],
        )
        found = fs.solve(cut).to_dict()["probes"]["p"]["stress"]
    k = p * a * a / (b * b - a * a)
    return [
        Check("radial stress at r = 14 um, MPa", k * (1 - b * b / 14.0**2), found["rr"], 1e-3),
        Check("hoop stress there, MPa", k * (1 + b * b / 14.0**2), found["tt"], 1e-3),
    ]


def reduced() -> list[Check]:
    """A design of a study by a reduced basis against its full solution on the same mesh."""
    text = """case = "bilayer"
[study]
design = "random"
samples = 24
outputs = ["post_root.von_mises.5um"]
set = ["mesh.size=1", "mesh.growth=3"]
method = "reduced"
tolerance = 0.005
certify = 0
[[parameter]]
key = "materials.low.E"
range = [1, 3]
"""
    with tempfile.TemporaryDirectory() as directory:
        study = Path(directory) / "study.toml"
        study.write_text(text, encoding="utf-8")
        rows = fs.sweep(study, Path(directory) / "out", workers=1).to_frame()
    row = rows[rows["level"] != "full"].iloc[0]
    name = "post_root.von_mises.5um"
    values = {"mesh.size": 1.0, "mesh.growth": 3.0, "materials.low.E": float(row["materials.low.E"])}
    full = fs.solve("bilayer", values)[name].value
    stated = float(row["post_root.von_mises_reduction_error.5um"]) / full
    return [Check("von Mises average at the root, MPa", full, float(row[name]), stated)]


MORE = (
    Topic("Core and shell", "Long composite cylinder (Timoshenko and Goodier): $u = A r$ in the core, $u = B r + C / r$ in the shell, one axial strain; "
          "continuous at the interface, free of force outside and along the axis.", cylinders),
    Topic("Heat to stress", "Long tube with a logarithmic temperature (Timoshenko and Goodier): $\\sigma_{tt}(a) = \\frac{\\alpha E T}{2 (1 - \\nu) \\ln(b / a)} "
          "(1 - \\frac{2 b^2}{b^2 - a^2} \\ln\\frac{b}{a})$.", hot_tube),
    Topic("NAFEMS T3", "Bar whose end follows $100 \\sin(\\pi t / 40)$ degC (NAFEMS, *The Standard NAFEMS Benchmarks*, 1990); the target is given to four "
          "digits.", nafems_t3),
    Topic("A film that is born", "It is added at 50 degC with an intrinsic stress of 60 MPa and cooled by 90 K: $\\sigma = \\sigma_0 + \\frac{E}{1 - \\nu} \\alpha "
          "\\cdot 90$; what happened before its birth leaves no stress in it.", born),
    Topic("Kinematic hardening", "Tension, Armstrong and Frederick (1966): $\\sigma = Y + \\frac{C}{\\gamma} (1 - e^{-\\gamma p})$.", chaboche),
    Topic("Anand's model", "Saturation at a constant rate (Brown, Kim and Anand 1989): $\\sigma^* = \\frac{\\hat s}{\\xi} "
          "(\\frac{\\dot\\varepsilon}{A} e^{Q / R T})^n \\sinh^{-1} (\\frac{\\dot\\varepsilon}{A} e^{Q / R T})^m$.", anand),
    Topic("Film that relaxes", "Shear and bulk moduli with one Prony series: the stress at once, times $1 - \\sum g_i (1 - e^{-t / \\tau_i})$.", relaxing),
    Topic("Torsion", "Saint-Venant, by the harmonic `twist`: $\\tau = G \\psi r$, $M = G \\psi \\pi R^4 / 2$.", twisted),
    Topic("Plate of two layers in 3D", "Equal biaxial strain $\\varepsilon_0 + \\kappa z$ without net force and moment (Timoshenko 1925 with $E / (1 - \\nu)$).", plate),
    Topic("A film that comes off", "Steady state (Suo and Hutchinson 1990): $G$ is the energy that the bonded strip stores per length.", peeling),
    Topic("Sub-model", "Lamé's tube between rigid ends; a ring of it, with its own mesh, is driven by the displacement of the whole.", piece),
    Topic("Reduced basis", "Not an exact solution: a `fast` row of a reduced study against the full solution of that design on the same mesh. The tolerance is "
          "the error that the row states.", reduced),
)  # fmt: skip
