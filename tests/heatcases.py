"""Case files for the heat references: layered columns, cylinders, spheres, fins, flux tubes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from femsim.cases.casefile import parse_case
from femsim.cases.own import conducts_only
from femsim.runs.heat import heat_run_dict, run_heat

REFERENCES: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "heat.json").read_text())
AXI, PLANE = "axisymmetric", "plane-strain"


def case_of(blocks, heat, kinematics=AXI, probes=(), size=None, growth=1.3, **more):
    """A case of blocks (name, first span, second span, material)."""
    axes = ("r", "z") if kinematics == AXI else ("x", "y")
    data = {
        "stack": "blocks",
        "block": [
            {"name": name, axes[0]: list(a), axes[1]: list(b), "material": material} for name, a, b, material in blocks
        ],
        "heat": heat,
        "model": {"kinematics": kinematics},
        "mesh": {"growth": growth} | ({} if size is None else {"size": size}),
        "probe": [{"name": str(k), "at": list(at)} | extra for k, (at, extra) in enumerate(probes)],
    }
    return data | more


def solved(data, base=None):
    """The JSON document of a case of heat alone."""
    case = parse_case({"name": "reference", **data}, "case.toml")
    assert conducts_only(case)
    return heat_run_dict(run_heat(case, base))


def at_probes(document):
    return np.array([probe["T"] for probe in document["probes"].values()])


def condition(face, place):
    """A boundary entry from ["T", v], ["h", h, ambient] or ["q", v]; none where insulated."""
    if face is None:
        return []
    keys = {"T": ("temperature",), "h": ("h", "ambient"), "q": ("flux",)}[face[0]]
    return [{**place, **dict(zip(keys, face[1:], strict=True))}]


def matter(k, rho=None, cp=None):
    return {"conductivity": k} | ({} if rho is None else {"density": rho, "heat_capacity": cp})


def tube(inputs, top, kinematics=AXI, extra_probes=(), fine=1.3):
    """Layers from the top (z = 0) down, of a cell, with sources on top and convection or a temperature below."""
    width = inputs.get("cell_radius_or_width_um", inputs.get("width_um"))
    axes = ("r", "z") if kinematics == AXI else ("x", "y")
    blocks, z = [], 0.0
    for number, (t, kr, kz) in enumerate(inputs["layers_top_to_bottom_t_um_kr_kz"]):
        k = kr if kr == kz else [kr, kr, kz] if kinematics == AXI else [kr, kz, kr]
        blocks.append((f"l{number}", (0.0, width), (z - t, z), matter(k)))
        z -= t
    bottom = {axes[1]: z}
    if inputs.get("h_bottom"):
        bottom |= {"h": inputs["h_bottom"]}
    else:
        bottom |= {"temperature": inputs["T_bottom"]}
    contacts = [
        {"between": [f"l{k}", f"l{k + 1}"], "resistance": 1e6 * r}
        for k, r in enumerate(inputs["contact_resistance_m2K_per_W"])
        if r
    ]
    heat = {"ambient": inputs["T_ambient"], "source": top, "boundary": [bottom], "contact": contacts}
    probes = [((x, 0.0), {}) for x in extra_probes]
    return case_of(blocks, heat, kinematics, probes, growth=fine)
