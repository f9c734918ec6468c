"""Laminates that yield and creep over temperature, free to bend: through-thickness integrals (Timoshenko 1925; Stoney
1909), the edge kept straight. Curvature and mean strains at the end of every step.
"""

from __future__ import annotations

import pytest
from flowing import CASES
from test_programs import metal, solved

GAROFALO = ("C1", "C2", "C3", "C4")


def laminate(name, width=60.0, last=None, stress_tolerance=None):
    """Steps as solved, and the reference's."""
    inputs, path = CASES[name]["inputs"], CASES[name]["result"]["path"]
    flat = inputs["state"] == "uniaxial"  # a strip in plane stress, else a disc
    across, up = ("x", "y") if flat else ("r", "z")
    blocks, z = [], 0.0
    for i, layer in enumerate(inputs["layers_bottom_to_top"]):
        material = metal(layer["E"], layer["nu"], layer["alpha"])
        if "hardening" in layer:
            material["plastic"] = {"yield": layer["hardening"]["k"]}
        if "creep" in layer:
            material["creep"] = {"garofalo": dict(zip(GAROFALO, layer["creep"][1], strict=True))}
        blocks.append({"name": f"l{i}", across: [0.0, width], up: [z, z + layer["h"]], "material": material})
        z += layer["h"]
    temperatures, spans = inputs["temps"], [1.0] * len(inputs["temps"])
    if "times" in inputs:
        temperatures, path = temperatures[1:], path[1:]
        spans = [b - a for a, b in zip(inputs["times"], inputs["times"][1:], strict=False)]
    steps = [
        {"name": f"{i}", "temperature": t, "duration": s}
        for i, (t, s) in enumerate(zip(temperatures, spans, strict=True))
    ][:last]
    boundary = [{"point": [0.0, 0.0], f"u_{up}": 0.0}]
    if flat:
        boundary[0]["u_x"] = 0.0  # both edges stay straight, and the strip must not turn
        boundary.append({"point": [width, 0.0], "u_y": 0.0})
    case = {
        "stack": "blocks",
        "block": blocks,
        "load": {"stress_free_temperature": inputs["T_stress_free"]},
        "model": {"outer": "straight", "element": "quad9"} | ({"kinematics": "plane-stress"} if flat else {}),
        "mesh": {"size": 20.0, "largest": 20.0},
        "boundary": boundary,
        "step": steps,
    }
    return solved(case)["steps"], path[:last]


@pytest.mark.parametrize(
    ("name", "last", "tolerance"),
    [
        ("laminate-thick-film-epp", None, 1e-3),
        ("laminate-thin-film-stoney", None, 1e-3),
        ("laminate-plate-epp-partial", None, 1e-3),
        ("laminate-solder-creep", 2, 2e-3),
    ],
)
def test_laminate(name, last, tolerance):
    found, path = laminate(name, last=last)
    kappa = max(abs(p["kappa"]) for p in path)
    for step, want in zip(found, path, strict=True):
        assert step["bow"]["curvature"] == pytest.approx(want["kappa"], abs=tolerance * kappa)
        for layer in want["layers"]:
            if layer.get("p_mean"):
                flown = step["metrics"]["regions"][f"l{layer['layer']}"]["inelastic"]
                assert flown["p_mean"] + flown["creep_mean"] == pytest.approx(layer["p_mean"], rel=tolerance)
                assert flown["work_mean"] == pytest.approx(layer["work_mean"], rel=2 * tolerance)
