"""Effective conductivity, density and heat capacity of composites, against exact and published values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from femsim.base.errors import FemsimWarning, InputError
from femsim.builders.blends import resolve_ref, smear
from femsim.cases.material import CompositeSpec, MaterialSpec, Table
from femsim.materials.mixing import bounds, coated, density, fibres, heat_capacity, layered, maxwell
from femsim.meshes.layout import Smear


def test_alike_phases_give_themselves_and_pure_ones_too() -> None:
    for f in (0.0, 0.3, 1.0):
        assert maxwell(2.0, 2.0, f) == pytest.approx(2.0, rel=1e-14)
    assert maxwell(0.2, 1.4, 0.0) == pytest.approx(0.2)
    assert maxwell(0.2, 1.4, 1.0) == pytest.approx(1.4)
    assert layered(np.full((2, 3), 5.0), np.array([0.3, 0.7])) == pytest.approx([5, 5, 5])
    assert fibres(np.full(3, 5.0), np.full(3, 5.0), 0.3) == pytest.approx([5, 5, 5])


def test_dilute_spheres_follow_maxwell_and_einstein() -> None:
    """Dilute: k/km = 1 + 3 f (kp - km)/(kp + 2 km); perfect conductors 1 + 3 f, holes 1 - 3 f / 2."""
    f = 1e-7
    assert (maxwell(1.0, 1e12, f) - 1) / f == pytest.approx(3.0, rel=1e-5)
    assert (maxwell(1.0, 1e-12, f) - 1) / f == pytest.approx(-1.5, rel=1e-5)


def test_bounds_hold_the_order_and_contain_the_parts() -> None:
    low, high = bounds(0.2, 30.0, 0.6)
    assert 1 / (0.4 / 0.2 + 0.6 / 30) < low < high < 0.4 * 0.2 + 0.6 * 30
    assert bounds(30.0, 0.2, 0.4) == pytest.approx((low, high), rel=1e-12)


def test_a_coating_of_the_matrix_or_of_the_core_changes_nothing_but_the_size() -> None:
    assert coated(0.2, [90.0, 0.2], [4.0, 5.0], 0.5) == pytest.approx(maxwell(0.2, 90.0, 0.5 * 0.8**3), rel=1e-12)
    assert coated(0.2, [90.0, 90.0], [4.0, 5.0], 0.5) == pytest.approx(maxwell(0.2, 90.0, 0.5), rel=1e-12)


def test_layers_and_fibres() -> None:
    k = layered(np.array([[400.0, 400.0, 400.0], [0.2, 0.2, 0.2]]), np.array([0.1, 0.9]))
    assert k == pytest.approx([40.18, 40.18, 1 / (0.1 / 400 + 0.9 / 0.2)])
    along = fibres(np.full(3, 0.2), np.full(3, 400.0), 0.25)
    assert along[2] == pytest.approx(0.25 * 400 + 0.75 * 0.2)
    assert along[0] == pytest.approx(0.2 * 1.25 / 0.75, rel=2e-3), "perfect fibres: (1 + f)/(1 - f)"


def test_heat_is_stored_by_mass() -> None:
    assert density([1200.0, 2200.0], [0.35, 0.65]) == pytest.approx(1850.0)
    mean = heat_capacity([1100.0, 745.0], [1200.0, 2200.0], [0.35, 0.65])
    assert mean * 1850 == pytest.approx(0.35 * 1200 * 1100 + 0.65 * 2200 * 745)


EPOXY = {"E": 3.5, "nu": 0.4, "cte": 60.0, "conductivity": 0.2, "density": 1200.0, "heat_capacity": 1100.0}
SILICA = {"E": 72.7, "nu": 0.16, "cte": 0.57, "conductivity": 1.38, "density": 2200.0, "heat_capacity": 745.0}


def composite(**keys: Any) -> Any:
    return resolve_ref("low", CompositeSpec.model_validate(keys), (25.0, 150.0)).spec


def test_a_composite_of_a_case_carries_heat() -> None:
    filled = composite(composite="mori-tanaka", matrix=EPOXY, particles=SILICA, fraction=0.65)
    assert filled.conductivity == pytest.approx(maxwell(0.2, 1.38, 0.65))
    assert filled.density == pytest.approx(1850.0)
    assert filled.heat_capacity == pytest.approx(826.0, abs=1.0)
    plies = [{"material": EPOXY, "thickness": 90.0}, {"material": {**EPOXY, "conductivity": 400.0}, "thickness": 10.0}]
    assert composite(composite="laminate", layers=plies).conductivity == pytest.approx(
        [40.18, 40.18, 1 / 4.50025], rel=1e-9
    )


def test_tables_are_kept_and_what_is_missing_stays_missing() -> None:
    hot = {**SILICA, "conductivity": {"T": [27.0, 127.0], "value": [1.38, 1.51]}}
    filled = composite(composite="hashin-shtrikman-lower", matrix=EPOXY, particles=hot, fraction=0.5)
    assert isinstance(filled.conductivity, Table)
    assert filled.conductivity.T == [27, 127]
    assert filled.conductivity.value == pytest.approx([maxwell(0.2, 1.38, 0.5), maxwell(0.2, 1.51, 0.5)])
    cold = {key: value for key, value in SILICA.items() if key != "conductivity"}
    assert composite(composite="mori-tanaka", matrix=EPOXY, particles=cold, fraction=0.5).conductivity is None
    assert composite(composite="mori-tanaka", matrix=EPOXY, particles=cold, fraction=0.5).density == pytest.approx(1700)


def test_a_smeared_ring_conducts_along_its_members() -> None:
    span = (25.0, 150.0)
    parts = {role: resolve_ref(role, name, span) for role, name in (("member", "copper"), ("fill", "epoxy-resin"))}
    for matrix, rest in (("fill", 0.2), (None, 0.0)):
        ring = Smear("member", matrix, 8, 10.0, 100.0, 0.25)
        k = smear("ring", ring, parts, span).spec.conductivity
        assert isinstance(k, list)
        assert isinstance(k[2], Table)
        assert k[2].value[1] == pytest.approx(0.25 * 401 + 0.75 * rest, rel=1e-5)
        assert isinstance(k[0], Table)
        assert k[0].value[1] < 1.0


def test_bad_mixtures_are_refused() -> None:
    with pytest.raises(InputError, match=r"materials\.low: matrix, particles and coating must conduct alike"):
        composite(
            composite="mori-tanaka", matrix=EPOXY, particles={**SILICA, "conductivity": [1.0, 1.0, 2.0]}, fraction=0.5
        )
    with pytest.raises(InputError, match=r"low\.particles\.plastic: a composite is elastic"):
        composite(composite="mori-tanaka", matrix=EPOXY, particles={**SILICA, "plastic": {"yield": 5.0}}, fraction=0.5)
    with pytest.raises(InputError, match=r"fraction 1\.5"):
        maxwell(1.0, 2.0, 1.5)
    assert math.isfinite(maxwell(1e-6, 1e5, 0.999))


def test_a_smeared_ring_says_that_it_stays_elastic() -> None:
    spec = MaterialSpec.model_validate({"like": "copper", "plastic": "library"})
    parts = {"member": resolve_ref("member", spec, (25.0, 150.0))}
    with pytest.warns(FemsimWarning, match="smeared ring 'ring' stays elastic: plasticity of role 'member'"):
        smear("ring", Smear("member", None, 8, 10.0, 100.0, 0.25), parts, (25.0, 150.0))
