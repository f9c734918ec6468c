"""Material points of the reference cases: their laws, their control, their numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from femsim.materials.anand import Anand, AnandLaw
from femsim.materials.creep import Garofalo, Norton, PowerSum, PowerTerm
from femsim.materials.hardening import BackStress, Plasticity
from femsim.materials.law import Law
from femsim.materials.plastic import InelasticLaw
from femsim.materials.property import Property

CASES: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "material_points.json").read_text())

# state: driven components as multiples of the driving strain, free components
STATES = {
    "uniaxial": (np.array([1.0, 0, 0, 0, 0, 0]), (1, 2)),
    "biaxial": (np.array([1.0, 1.0, 0, 0, 0, 0]), (2,)),
    "shear": (np.array([0, 0, 0, 0, 0, 1.0]), ()),
}
WHERE = {"uniaxial": 0, "biaxial": 0, "shear": 5}


def prop(value: float) -> Property:
    return Property((float(value),))


def plasticity(hardening: dict[str, Any]) -> Plasticity:
    def optional(key: str) -> Property | None:
        return prop(hardening[key]) if key in hardening else None

    back = zip(hardening.get("C", []), hardening.get("g", []), strict=True)
    kinematic = tuple(BackStress(prop(c), prop(g)) for c, g in back)
    return Plasticity(prop(hardening["k"]), optional("H"), optional("Q"), optional("b"), kinematic=kinematic)


def creep(name: str, c: list[float]) -> Norton | Garofalo | PowerSum:
    v = [prop(x) for x in c]
    if name == "norton":
        return Norton(*v)
    if name == "garofalo":
        return Garofalo(*v)
    a1, n1, b1, a2, n2, b2, sn = v
    return PowerSum((PowerTerm(a1, b1, n1, sn), PowerTerm(a2, b2, n2, sn)))


def law_of(inputs: dict[str, Any]) -> Law:
    e, nu = prop(inputs["E"]), prop(inputs["nu"])
    if "anand" in inputs:
        c = inputs["anand"]
        names = {"A": "A", "Q_R": "QR", "xi": "xi", "m": "m", "h0": "h0", "s_hat": "shat", "n": "n", "a": "a"}
        return AnandLaw(e, nu, Anand(**{k: prop(c[v]) for k, v in names.items()}, s0=prop(c["s0"])))
    if "law" in inputs:
        return InelasticLaw(e, nu, creep=creep(inputs["law"], inputs["law_constants"]))
    if "A" in inputs:
        return InelasticLaw(e, nu, creep=Norton(prop(inputs["A"]), prop(inputs["n"])))
    hardening = inputs.get("hardening") or {"k": inputs["Y"], "H": inputs.get("H", 0.0)}
    return InelasticLaw(e, nu, plasticity(hardening))


def straight(points: np.ndarray):
    """Control whose strain (or stress) goes straight from one row of ``points`` (m, 6) to the next."""

    def control(part: float, leg: int):
        here = points[leg] + part * (points[leg + 1] - points[leg])
        return here, here

    return control
