"""J2 plasticity and creep of an isotropic material by one implicit radial return with a scalar unknown per point.

Notation: S = 2 G dev(eps - eps_in) the trial deviator, |.| the von Mises norm, N a deviator with |N| = 1. Flow is
d eps_p = 3/2 N dp with N along S - X, d eps_c = 3/2 (s / |s|) dc along the stress s with dc = dt rate(|s|, T).

Without back stress both flow along S, and the von Mises stress q solves |S| = q + 3 G (dp + dt rate(q)), dp >= 0,
q <= Y(p + dp). With back stresses, integrated exactly under constant N,

    X_i = theta_i X_i,n + C_i (1 - theta_i) / gamma_i N,    theta_i = exp(-gamma_i dp)    (C_i dp N if gamma_i = 0),

N is along B = beta S - sum theta_i X_i,n and dp solves |B| = Y + 3 G beta dp + sum C_i (1 - theta_i) / gamma_i, where
beta = 1 / (1 + 3 G dc / q) is 1 without creep and else the outer unknown. After Simo & Hughes 1998, chapter 3;
Chaboche, Int. J. Plasticity 2 (1986) 149; Kobayashi & Ohno, IJNME 53 (2002) 2217 (one scalar with several X_i).

The work of a step, int sigma : d eps_in, is exact for proportional plastic flow: int Y dp (mean over the temperatures
of both ends) + sum int X_i : d eps_p. It starts from the stress on the yield surface, not from the stress of the step's
start. Creep counts the mean of q and the start's stress along the flow (relaxation: exact).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.base.errors import InputError
from femsim.materials.creep import Creep
from femsim.materials.hardening import Plasticity
from femsim.materials.kinematic import with_back_stress
from femsim.materials.law import ENGINEERING, State, Update, joined, moduli, split
from femsim.materials.property import Property, check_property
from femsim.materials.radial import along_trial


@dataclass(frozen=True)
class InelasticLaw:
    """Isotropic elasticity with J2 plasticity, creep or both; all parameters may be tables over temperature.

    State: ``inelastic`` (n, 6) engineering strain, ``back`` (n, m, 6) back stresses (MPa), ``stress`` (n, 6),
    ``temperature`` (n,) of the last step, ``p``, ``creep``, ``work`` (MPa).
    """

    youngs_modulus: Property  # MPa
    poisson_ratio: Property
    plastic: Plasticity | None = None
    creep: Creep | None = None

    def __post_init__(self) -> None:
        check_property(self.youngs_modulus, "E", low=0.0)
        check_property(self.poisson_ratio, "nu", low=-1.0)
        if self.plastic is None and self.creep is None:
            raise InputError("inelastic material: neither plastic nor creep is given")
        if self.plastic is not None:
            steepest = self.plastic.steepest_fall()
            stiffness = 1.5 * min(self.youngs_modulus.values) / (1.0 + max(self.poisson_ratio.values))
            if steepest >= 0.5 * stiffness:
                raise InputError(
                    f"plastic.isotropic: softens by {steepest:g} MPa, too steep beside 3 G = {stiffness:g} MPa"
                )

    @property
    def linear(self) -> bool:
        """Never."""
        return False

    @property
    def order(self) -> int:
        """First, in time."""
        return 1

    @property
    def slow(self) -> bool:
        """Where it creeps."""
        return self.creep is not None

    def start(self, temperature: FloatArray) -> State:
        """No inelastic strain, no stress."""
        n = len(temperature)
        count = len(self.plastic.kinematic) if self.plastic else 0
        state = {name: np.zeros(n) for name in ("p", "creep", "work")}
        state |= {"inelastic": np.zeros((n, 6)), "stress": np.zeros((n, 6)), "temperature": np.array(temperature)}
        return state | ({"back": np.zeros((n, count, 6))} if count else {})

    def update(self, strain: FloatArray, temperature: FloatArray, state: State, dt: float) -> Update:
        """One implicit step, as :class:`femsim.materials.law.Law`."""
        bulk, shear = moduli(self.youngs_modulus, self.poisson_ratio, temperature)
        mean, trial = split(strain - state["inelastic"], bulk, shear)
        given = trial, bulk, shear, temperature, state, dt
        if self.plastic is not None and self.plastic.kinematic:
            flow = with_back_stress(self.plastic, self.creep, *given)
        else:
            flow = along_trial(self.plastic, self.creep, *given)
        stress = joined(mean, flow.deviator)
        new = dict(state) | flow.state
        new["inelastic"] = state["inelastic"] + flow.strain * ENGINEERING
        new["stress"] = stress
        new["temperature"] = np.array(np.broadcast_to(temperature, state["temperature"].shape), dtype=float)
        return Update(stress, flow.tangent, new)

    def properties(self) -> dict[str, Property]:
        """Inelastic parameters over temperature by their key."""
        found: dict[str, Property] = {}
        if self.plastic is not None:
            found |= {f"plastic.{k}": v for k, v in self.plastic.properties().items()}
        if self.creep is not None:
            found |= {f"creep.{k}": v for k, v in self.creep.properties().items()}
        return found
