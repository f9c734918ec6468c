"""Fatigue laws against arithmetic done by hand elsewhere (1 MPa = 145.03773773 psi, 1 inch = 25400 um)."""

from __future__ import annotations

import math

import numpy as np
import pytest

from femsim.base.errors import InputError
from femsim.materials.hardening import Plasticity
from femsim.materials.plastic import InelasticLaw
from femsim.materials.property import Property
from femsim.measures.fatigue import coffin_manson, darveaux, engelmaier_exponent, inverse, shear_range

WORK, STRAIN, LENGTH = 0.12, 0.018, 300.0  # MPa, -, um


@pytest.mark.parametrize(
    ("constants", "initiation", "growth", "cycles"),
    [
        ((71000.0, -1.62, 2.76e-07, 1.05), 694.041568209, 0.140746685086, 2825.53048972),
        ((22400.0, -1.52, 5.86e-07, 0.98), 291.367681622, 0.244669790734, 1517.51006356),
        ((48300.0, -1.64, 3.8e-07, 1.04), 445.924176729, 0.18832417211, 2038.92201996),
    ],
)
def test_darveaux_takes_its_constants_in_psi_and_inch(
    constants: tuple[float, float, float, float], initiation: float, growth: float, cycles: float
) -> None:
    found = darveaux(WORK, *constants, crack_length=LENGTH)
    assert found.initiation == pytest.approx(initiation, rel=1e-9)
    assert found.growth == pytest.approx(growth, rel=1e-9)
    assert found.cycles == pytest.approx(cycles, rel=1e-9)


def test_syed_and_coffin_manson() -> None:
    assert inverse(WORK, 0.0019) == pytest.approx(4385.96491228, rel=1e-9)
    assert inverse(STRAIN, 0.0513) == pytest.approx(1082.95429933, rel=1e-9)
    assert coffin_manson(STRAIN, 0.325, -0.5) == pytest.approx(652.00617284, rel=1e-9)


def test_engelmaier_exponent_falls_with_temperature_and_dwell() -> None:
    """At 360 minutes the logarithm is ln 2; with an endless dwell only the temperature is left."""
    assert engelmaier_exponent(40.0, 360.0 * 60) == pytest.approx(-0.442 - 0.024 + 0.0174 * math.log(2.0), abs=1e-12)
    assert engelmaier_exponent(40.0, 1e12) == pytest.approx(-0.466, abs=1e-6)
    assert engelmaier_exponent(40.0, 900.0) > engelmaier_exponent(40.0, 1800.0) > engelmaier_exponent(80.0, 1800.0)


def test_no_damage_lasts_for_ever() -> None:
    assert darveaux(0.0, 71000.0, -1.62, 2.76e-07, 1.05, LENGTH).cycles == math.inf
    assert inverse(0.0, 0.0019) == coffin_manson(0.0, 0.325, -0.5) == math.inf
    tiny = 5e-324
    assert darveaux(tiny, 71000.0, -1.62, 2.76e-07, 1.05, LENGTH).cycles == math.inf
    assert inverse(tiny, 0.0019) == coffin_manson(tiny, 0.325, -0.5) == math.inf


def test_what_cannot_be_is_refused() -> None:
    for call, says in (
        (lambda: darveaux(WORK, 71000.0, 1.62, 2.76e-07, 1.05, LENGTH), r"K2: 1\.62 is not < 0"),
        (lambda: darveaux(WORK, 0.0, -1.62, 2.76e-07, 1.05, LENGTH), "K1: 0 is not > 0"),
        (lambda: darveaux(WORK, 71000.0, -1.62, 2.76e-07, 1.05, 0.0), "crack_length: 0 is not > 0"),
        (lambda: inverse(WORK, -1.0), "syed: -1 is not > 0"),
        (lambda: inverse(-WORK, 0.0019), "cannot take damage back"),
        (lambda: coffin_manson(STRAIN, 0.325, 0.5), "coffin_manson.c"),
        (lambda: coffin_manson(STRAIN, 0.0, -0.5), "coffin_manson.ef"),
        (lambda: engelmaier_exponent(40.0, 0.0), "dwell: 0 is not > 0"),
    ):
        with pytest.raises(InputError, match=says):
            call()


def test_shear_range_of_a_closed_cycle() -> None:
    """A law sheared to and fro by +-g, perfectly plastic: two halves of the plastic range 2 g - 2 k / (sqrt(3) G)."""
    law = InelasticLaw(Property((40e3,)), Property((0.3,)), Plasticity(Property((20.0,))))
    t, g = np.array([20.0]), 0.005
    state, seen = law.start(t), []
    for gamma in (g, -g, g, -g, g):
        strain = np.zeros((1, 6))
        strain[0, 5] = gamma
        state = law.update(strain, t, state, 1.0).state
        seen.append(float(state["p"][0]))
    plastic = 2 * g - 2 * 20.0 / np.sqrt(3.0) / (40e3 / 2.6)
    assert shear_range(seen[4] - seen[2]) == pytest.approx(plastic, rel=1e-9)
