"""Bars, strips and plates that yield: ratcheting (Parkes 1954; Bree 1967), bending and springback, collapse."""

from __future__ import annotations

import re

import numpy as np
import pytest
from flowing import CASES
from helpers import grid
from test_programs import metal, solved

from femsim.base.errors import NumericsError
from femsim.cases.casefile import parse_case
from femsim.meshes.write import write_mesh
from femsim.runs.run import run

WARNING = "ignore::femsim.base.errors.FemsimWarning"


def strip(blocks, steps, **more):
    """Blocks in plane stress over temperature, free of stress at 20 degC."""
    case = {"stack": "blocks", "block": blocks, "load": {"stress_free_temperature": 20.0}, "step": steps}
    return case | {"model": {"kinematics": "plane-stress"}} | more


def test_two_bars_ratchet():
    """Bar 1 is heated and cooled beside bar 2, both pulled: elastic and plastic answers are linear between events."""
    inputs, case = CASES["two-bar"]["inputs"], CASES["two-bar"]["result"]["cases"][1]
    bar = {"yield": inputs["Y"]}
    blocks = [
        {"name": name, "x": x, "y": [0.0, 10.0], "material": metal(inputs["E"], 0.3, cte, plastic=bar)}
        for name, x, cte in (("hot", [0.0, 1.0], inputs["alpha"]), ("cold", [3.0, 4.0], 0.0))
    ]
    steps = [{"name": "pull"}]
    steps += [{"name": f"{t}", "temperature": t} for t in (20.0 + case["dT"], 20.0)]
    force = 2e-6 * inputs["mean_stress"]
    hold = [{"x": 0.0, "u_x": 0.0}, {"point": [3.0, 0.0], "u_x": 0.0}, {"y": 0.0, "u_y": 0.0}]
    hold.append({"y": 10.0, "u_y": "equal", "force": force})
    top = [{"name": "top", "at": [0.5, 10.0]}]
    found = solved(strip(blocks, steps, mesh={"size": 10.0}, boundary=hold, probe=top))["steps"]
    strain = [step["probes"]["top"]["u"][1] / 10.0 for step in found[2::2]]
    np.testing.assert_allclose(strain, case["strain_after_cycles"][:1], rtol=1e-8)


def test_strip_of_bree():
    """A difference of temperature across the strip comes and goes under a steady pull; growth in the second cycle."""
    inputs, case = CASES["bree"]["inputs"], CASES["bree"]["result"]["cases"][2]
    material = metal(inputs["E"], 0.3, 1e-5, plastic={"yield": inputs["Y"]}, conductivity=100.0)
    across = 2.0 * case["sigma_t"] / (inputs["E"] * 1e-5)
    steps = [{"name": f"{i}", "temperature": "heat"} for i in range(5)]
    walls = [
        {"name": "hot", "x": 0.0, "temperature": {"steps": [20.0 + across * (i % 2) for i in range(5)]}},
        {"name": "cold", "x": 10.0, "temperature": 20.0},
    ]
    pull = {"y": 1.0, "u_y": "equal", "force": 1e-5 * case["sigma_p"]}
    found = solved(
        strip(
            [{"name": "s", "x": [0.0, 10.0], "y": [0.0, 1.0], "material": material}],
            steps,
            mesh={"size": 1.0},
            heat={"ambient": 20.0, "boundary": walls},
            boundary=[{"point": [0.0, 0.0], "u_x": 0.0}, {"y": 0.0, "u_y": 0.0}, pull],
            probe=[{"name": "top", "at": [5.0, 1.0]}],
        )
    )["steps"]
    u = [step["probes"]["top"]["u"][1] for step in found]
    assert u[4] - u[2] == pytest.approx(case["ratchet_strain_per_cycle"], rel=3e-3)


@pytest.mark.filterwarnings(WARNING)
def test_strip_bent_and_let_go(tmp_path):
    """An end face is turned by the field of a mesh file, then only kept plane: moment, springback, what stays."""
    inputs, want = CASES["strip-bending"]["inputs"], CASES["strip-bending"]["result"]["path"][2]
    half, length = 0.5 * inputs["depth"], 2.0
    y = list(np.linspace(-half, half, 21))  # the plastic front at half of it
    mesh = grid([0.0, length], y, "quad9", [[0]] * 20, ("strip",))
    write_mesh(tmp_path / "strip.msh", mesh, {"turn": -mesh.points[:, 1] * (mesh.points[:, 0] > 0)})
    law = {"yield": inputs["Y"], "isotropic": {"linear": inputs["H"]}}
    case = {
        "stack": "mesh",
        "mesh": {"file": str(tmp_path / "strip.msh")},
        "materials": {"strip": metal(inputs["E"], 0.3, plastic=law)},
        "load": {"stress_free_temperature": 20.0},
        "model": {"kinematics": "plane-stress"},
        "boundary": [
            {"x": 0.0, "u_x": 0.0},
            {"point": [0.0, 0.0], "u_y": 0.0},
            {"x": length, "name": "grip", "during": ["bend"]}
            | {"u_x": {"point_data": "turn", "steps": [want["kappa"] * length, 0.0]}},
            {"x": length, "u_x": "straight", "during": ["back"]},
        ],
        "step": [{"name": "bend"}, {"name": "back"}],
        "probe": [{"name": "top", "at": [length, half]}, {"name": "quarter", "at": [1.0, 0.5 * half]}],
    }
    bent, back = solved(case)["steps"]
    assert 1e6 * bent["reactions"]["grip"]["mz"] == pytest.approx(want["moment_per_width"], rel=1e-4)
    assert -bent["probes"]["top"]["stress"]["xx"] == pytest.approx(want["surface_stress"], rel=1e-6)
    left = -back["probes"]["top"]["u"][0] / half / length
    assert left == pytest.approx(want["residual_kappa"], rel=1e-4)
    for name, key in (("top", "residual_surface_stress"), ("quarter", "residual_stress_at_quarter")):
        assert -back["probes"][name]["stress"]["xx"] == pytest.approx(want[key], abs=1e-4 * inputs["Y"])


def test_deep_notch_pulled_to_collapse(tmp_path):
    """The stress in the ligament comes to the slip lines' (2 + pi) / sqrt(3) of the yield: nothing locks."""
    inputs, want = CASES["limit-deep-notch"]["inputs"], CASES["limit-deep-notch"]["result"]["over_Y"]
    away = np.cumsum([0.0, *0.05 * 1.5 ** np.arange(11)])  # from the tip of the notch at (1, 0)
    left = 1.0 - np.append(away[away < 0.8], 1.0)[::-1]
    x = [*left, *(1.0 + away[1:])]
    mesh = grid(x, list(away), "quad9", [[0] * (len(x) - 1)] * (len(away) - 1), ("steel",))
    write_mesh(tmp_path / "notch.msh", mesh)
    case = {
        "stack": "mesh",
        "mesh": {"file": str(tmp_path / "notch.msh")},
        "materials": {"steel": metal(206.9e3, 0.29, plastic={"yield": inputs["Y"]})},
        "load": {"stress_free_temperature": 20.0},
        "model": {"kinematics": "plane-strain", "time_tolerance": 5e-2},
        "boundary": [
            {"x": 0.0, "u_x": 0.0},
            {"y": 0.0, "x": [0.0, 1.0], "u_y": 0.0, "name": "net"},
            {"y": float(away[-1]), "u_y": {"steps": [0.2]}},
        ],
        "step": [{"name": "pull"}],
    }
    stress = [-1e6 * step["reactions"]["net"]["y"] / inputs["Y"] for step in solved(case)["steps"]]
    assert stress == pytest.approx([want], rel=1e-2)


@pytest.mark.filterwarnings(WARNING)
def test_plate_pressed_to_collapse():
    """Simply supported and thin: the load it bears no more is that of Hopkins & Wang (1954)."""
    inputs, want = CASES["limit-plate"]["inputs"], CASES["limit-plate"]["result"]["pressure"]
    plate = {"name": "plate", "r": [0.0, inputs["R"]], "z": [0.0, inputs["h"]]}
    case = {
        "stack": "blocks",
        "block": [plate | {"material": metal(200e3, 0.3, plastic={"yield": inputs["Y"]})}],
        "load": {"stress_free_temperature": 20.0},
        "mesh": {"size": 0.5, "largest": 1.0},
        "model": {"time_tolerance": 1e-2},
        "boundary": [{"point": [inputs["R"], 0.5], "u_z": 0.0}, {"z": inputs["h"], "pressure": {"steps": [2 * want]}}],
        "step": [{"name": "press"}],
    }
    with pytest.raises(NumericsError, match="limit load") as told:
        run(parse_case(case, "plate"))
    reached = float(re.search(r"beyond ([\d.]+) %", str(told.value))[1]) / 100.0
    assert 2.0 * reached == pytest.approx(1.0, abs=0.01)
