"""Material laws: from the mechanical strain at points to stress, consistent tangent and new state. Pure numpy, no mesh.

Every law speaks six components in Voigt order 11, 22, 33, 23, 13, 12 with engineering shear, and the total form

    sigma = C(T) : (eps - eps_in),    eps = eps_total - eps_thermal - eps_eigen,

so that the caller takes off the thermal strain (:meth:`femsim.materials.elastic.Material.thermal_strain`) and what was
born into the material (eigenstrain, strain at birth), and the law sees the temperature only for its parameters.

**Order in time.** A law makes one implicit step from a committed state over ``dt``. It is first order in general (flow
direction and rates are those of the step's end) and exact where a closed form exists: proportional rate-independent
flow with linear, Voce, tabulated, Armstrong-Frederick hardening in any number of steps, and viscoelasticity under a
strain that is linear in reduced time. Second order and the error estimate come from outside, by local extrapolation of
one step against two half steps,

    y = 2 y_half - y_whole,    error = y_half - y_whole

(Lawson & Morris, SIAM J. Numer. Anal. 15 (1978) 1212; L0-stable, so stiff creep is damped). This was chosen over the
generalised midpoint rule (Ortiz & Popov 1985), which leaves the yield surface at the end and rings in stiff creep, and
over SDIRK2 (Ellsiepen & Hartmann, IJNME 51 (2001) 679), whose order rests on pure backward Euler stages and so forbids
the closed forms. It works because a state is a set of arrays that all evolve by differential equations: every entry,
displacement and stress included, may be extrapolated, equilibrium and the elastic law stay exact since they are linear.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.base.errors import InputError
from femsim.materials.elastic import Material
from femsim.materials.property import Property

State = Mapping[str, FloatArray]  # named arrays, the first axis runs over points
"""What a law remembers of its points. Three names mean the same everywhere: ``p`` (equivalent plastic strain, Anand's
included), ``creep`` (equivalent creep strain), which only grow, and ``work`` (inelastic work density, MPa)."""

#: of these, those that only grow, and all that count as flow
GROWING, FLOWED = ("p", "creep"), ("p", "creep", "work")

# eps_engineering -> deviatoric tensor components, stress-like: e_dev = DEVIATOR @ eps
DEVIATOR = np.diag([1.0, 1.0, 1.0, 0.5, 0.5, 0.5])
DEVIATOR[:3, :3] -= 1.0 / 3.0
VOLUMETRIC = np.zeros((6, 6))
VOLUMETRIC[:3, :3] = 1.0
ENGINEERING = np.array([1.0, 1.0, 1.0, 2.0, 2.0, 2.0])  # tensor components -> engineering strain


@dataclass(frozen=True)
class Update:
    """Answer of a law at n points: stress (n, 6) in MPa and state; ``make`` gives the tangent, once it is asked for:
    most iterations of equilibrium go without one.
    """

    stress: FloatArray
    make: Callable[[], FloatArray]
    state: State

    @cached_property
    def tangent(self) -> FloatArray:
        """Consistent tangent d stress / d strain (n, 6, 6), MPa."""
        return self.make()


class Law(Protocol):
    """A material law. ``linear``: stress is C(T) : strain whatever came before; the fast elastic way may be taken."""

    @property
    def linear(self) -> bool:
        """True where stress is C(T) : strain whatever came before."""
        ...

    @property
    def order(self) -> int:
        """Order in time of one step."""
        ...

    @property
    def slow(self) -> bool:
        """True where it flows in time, at held strain."""
        ...

    def start(self, temperature: FloatArray) -> State:
        """The state of n points born free of stress at ``temperature`` (n,) in degC."""
        ...

    def update(self, strain: FloatArray, temperature: FloatArray, state: State, dt: float) -> Update:
        """One step of ``dt`` seconds from ``state`` to mechanical ``strain`` (n, 6) at ``temperature`` (n,), degC.

        ``state`` is not changed; the caller commits the returned one once the step is accepted. dt = 0 means at once:
        rate-dependent flow has no time to happen.
        """
        ...


@dataclass(frozen=True)
class ElasticLaw:
    """A (possibly orthotropic) elastic material as a law: sigma = C(T) : eps in the drawing ``plane`` of its angle."""

    material: Material
    plane: str = "rz"

    @property
    def linear(self) -> bool:
        """Always."""
        return True

    @property
    def order(self) -> int:
        """First; what is exact has no error to extrapolate."""
        return 1

    @property
    def slow(self) -> bool:
        """Never."""
        return False

    def start(self, temperature: FloatArray) -> State:
        """Elasticity remembers nothing."""
        return {}

    def update(self, strain: FloatArray, temperature: FloatArray, state: State, dt: float) -> Update:
        """sigma = C(T) : eps; the tangent is C(T)."""
        if self.material.depends_on_temperature:
            stiffness = self.material.stiffness(temperature, self.plane)
        else:
            stiffness = np.broadcast_to(self.material.stiffness(0.0, self.plane), (len(strain), 6, 6))
        return Update(np.asarray(np.einsum("nij,nj->ni", stiffness, strain)), lambda: stiffness, {})


def check_temperatures(properties: Mapping[str, Property], key: str, low: float, high: float) -> None:
    """InputError where a table of an inelastic law does not cover [low, high] degC: a rate is not to be guessed."""
    for name, value in properties.items():
        known = value.uncovered(low, high)
        if known is not None:
            raise InputError(
                f"{key}.{name}: known from {known[0]:g} to {known[1]:g} degC, the run needs {low:g} to {high:g} degC"
            )


def moduli(youngs_modulus: Property, poisson_ratio: Property, temperature: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Bulk and shear modulus (n,) at temperatures: K = E / (3 (1 - 2 nu)), G = E / (2 (1 + nu))."""
    e, nu = youngs_modulus.at(temperature), poisson_ratio.at(temperature)
    return e / (3.0 * (1.0 - 2.0 * nu)), e / (2.0 * (1.0 + nu))


def equivalent(deviator: FloatArray) -> FloatArray:
    """Von Mises norm (n,) of stress-like deviators (n, 6): sqrt(3/2 s : s)."""
    return np.asarray(np.sqrt(1.5 * double_dot(deviator, deviator)))


def double_dot(a: FloatArray, b: FloatArray) -> FloatArray:
    """a : b (n,) of two stress-like tensors (n, 6) (tensor components, so shear counts twice)."""
    p = a * b  # added component by component: numpy's sums over a short last axis cost ten times that
    normal = p[..., 0] + p[..., 1] + p[..., 2]
    return np.asarray(normal + 2.0 * (p[..., 3] + p[..., 4] + p[..., 5]))


def split(strain: FloatArray, bulk: FloatArray, shear: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Elastic pressure-like mean stress K tr eps (n,) and deviator 2 G dev eps (n, 6) of elastic strain (n, 6)."""
    trace = strain[:, 0] + strain[:, 1] + strain[:, 2]
    deviator = strain.copy()
    deviator[:, :3] -= trace[:, None] / 3.0
    deviator[:, 3:] *= 0.5
    return bulk * trace, 2.0 * shear[:, None] * deviator


def joined(mean: FloatArray, deviator: FloatArray) -> FloatArray:
    """Stress (n, 6) from mean stress (n,) and deviator (n, 6)."""
    stress = deviator.copy()
    stress[:, :3] += mean[:, None]
    return stress


def radial_tangent(
    bulk: FloatArray, shear: FloatArray, ratio: FloatArray, slope: FloatArray, normal: FloatArray
) -> FloatArray:
    """Consistent tangent (n, 6, 6) of a return along the trial deviator, s = ratio s_trial:

        K 1 x 1 + 2 G ratio I_dev + 3 G (slope - ratio) N x N,    slope = d sigma_eq / d sigma_eq_trial,

    with N = s_trial / sigma_eq_trial (Simo & Hughes 1998, Computational Inelasticity, box 3.2, there n = sqrt(3/2) N).
    """
    tangent = (3.0 * shear * (slope - ratio))[:, None, None] * normal[:, :, None] * normal[:, None, :]
    tangent += (2.0 * shear * ratio)[:, None, None] * DEVIATOR
    tangent[:, :3, :3] += bulk[:, None, None]
    return np.asarray(tangent)
