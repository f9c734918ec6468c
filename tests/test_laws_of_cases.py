"""What a case says of a law becomes that law: checked by pulling a point, for every set of the library too."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from femsim.base.arrays import FloatArray
from femsim.base.errors import FemsimWarning, InputError
from femsim.builders.laws import check_reach, law_of
from femsim.builders.resolve import resolve_material
from femsim.cases.library import list_materials, read_material
from femsim.cases.material import MaterialSpec
from femsim.materials.law import ElasticLaw, Law
from femsim.materials.point import drive

E, NU = 100.0, 0.3  # GPa


def law(**keys: Any) -> Law:
    spec = MaterialSpec.model_validate({"E": E, "nu": NU, "cte": 10.0, **keys})
    return law_of(resolve_material("post", spec, (25.0,)))


def pull(law: Law, strain: float, seconds: float, temperature: float = 25.0, back: bool = False) -> list[float]:
    """Uniaxial stress (MPa) at the end of a pull to ``strain``, and of the way back if asked for."""
    ways = [strain, 0.0] if back else [strain]
    times = [seconds * i for i in range(len(ways) + 1)]

    def control(fraction: float, leg: int) -> tuple[FloatArray, FloatArray]:
        start = ([0.0, *ways])[leg]
        given = np.zeros(6)
        given[0] = start + fraction * (ways[leg] - start)
        return given, np.zeros(6)

    path = drive(law, times, control, (1, 2, 3, 4, 5), [temperature] * len(times), tolerance=1e-3)
    return [float(path.stress[i, 0]) for i in range(1, len(times))]


def test_without_a_law_it_is_elastic() -> None:
    elastic = law()
    assert isinstance(elastic, ElasticLaw)
    assert pull(elastic, 0.01, 1.0) == pytest.approx([1000.0])


def test_hardening_of_each_kind() -> None:
    """At 1 % strain with yield 200: s = (200 + H eps) / (1 + H/E); the way back tells kinematic from isotropic."""
    H = 5000.0
    expected = (200 + H * 0.01) / (1 + H / 1e5)
    hard = (expected - 200) / H
    table = {"table": {"p": [0.0, 0.1], "stress": [200.0, 700.0]}}
    for isotropic in ({"linear": H}, table, {"linear": H, "voce": {"Q": 0.0, "b": 1.0}}):
        plastic = {"isotropic": isotropic} if "table" in isotropic else {"yield": 200.0, "isotropic": isotropic}
        there, again = pull(law(plastic=plastic), 0.01, 1.0, back=True)
        assert there == pytest.approx(expected, rel=1e-6)
        assert again < -(200 + H * hard), "yields again in compression, at more than before"
    there, again = pull(law(plastic={"yield": 200.0, "kinematic": [{"C": H}]}), 0.01, 1.0, back=True)
    assert there == pytest.approx(expected, rel=1e-6)
    assert again == pytest.approx(-(200 - 0) / (1 + H / 1e5), rel=1e-6), "back at zero strain on the lower line"


def test_tables_over_temperature_reach_the_law() -> None:
    plastic = {"yield": {"T": [0.0, 100.0], "value": [300.0, 100.0]}}
    for t, stress in ((0.0, 300.0), (25.0, 250.0), (100.0, 100.0)):
        assert pull(law(plastic=plastic), 0.02, 1.0, t) == pytest.approx([stress], rel=1e-6)


def test_creep_laws_are_the_ones_named() -> None:
    """A slow pull ends at the stress whose steady rate is the pull's: A s^n = rate, and alike for the others."""
    rate, strain = 1e-6, 0.02
    norton = law(creep={"norton": {"A": 1e-12, "n": 4.0}})
    assert pull(norton, strain, strain / rate)[0] == pytest.approx((rate / 1e-12) ** 0.25, rel=1e-3)
    terms = law(creep={"terms": [{"A": 1e-12, "n": 4.0}, {"A": 1e-30, "n": 3.0}]})
    assert pull(terms, strain, strain / rate)[0] == pytest.approx((rate / 1e-12) ** 0.25, rel=1e-3)
    garofalo = law(creep={"garofalo": {"C1": 10.0, "C2": 0.05, "C3": 4.0, "C4": 3000.0}})
    stress = np.arcsinh((rate / 10 * np.exp(3000 / 298.15)) ** 0.25) / 0.05
    assert pull(garofalo, strain, strain / rate)[0] == pytest.approx(stress, rel=1e-3)


def test_anand_of_the_library_saturates_as_published() -> None:
    spec = MaterialSpec.model_validate({"like": "sac305", "anand": "library"})
    found = law_of(resolve_material("ball", spec, (25.0, 125.0)))
    assert pull(found, 0.15, 150.0)[0] == pytest.approx(42.1, abs=0.5)


def test_relaxation_shifts_with_temperature() -> None:
    series = {"shear": [[0.5, 100.0]], "bulk": [[0.5, 100.0]], "shift": {"arrhenius": {"Q": 8e4, "reference": 25.0}}}
    relaxing = law(viscoelastic=series)
    assert pull(relaxing, 1e-3, 1e-6)[0] == pytest.approx(100.0, rel=1e-3)
    assert pull(relaxing, 1e-3, 1e9)[0] == pytest.approx(50.0, rel=1e-3)
    half = pull(relaxing, 1e-3, 100.0)[0]
    assert 50 < pull(relaxing, 1e-3, 100.0, 60.0)[0] < half < 100


@pytest.mark.parametrize("name", [name for name in list_materials() if read_material(name).sets])
def test_every_set_of_the_library_is_a_law(name: str) -> None:
    entry = read_material(name)
    for kind, sets in entry.sets.items():
        for one in sets:
            spec = MaterialSpec.model_validate({"like": name, kind: one.id})
            if entry.from_memory(one.source):
                with pytest.warns(FemsimWarning, match="from memory"):
                    resolved = resolve_material("part", spec, (25.0, 100.0))
            else:
                resolved = resolve_material("part", spec, (25.0, 100.0))
            found = law_of(resolved)
            temperature, strain = np.array([50.0]), np.array([[0.08, -0.04, -0.04, 0, 0, 0]])
            answer = found.update(strain, temperature, found.start(temperature), 60.0)
            elastic = law_of(resolve_material("part", name, (50.0,))).update(strain, temperature, {}, 60.0)
            assert 0 < answer.stress[0, 0] < 0.9 * elastic.stress[0, 0], one.id


def test_a_run_beyond_what_is_known() -> None:
    table = {"norton": {"A": {"T": [25.0, 125.0], "value": [1e-12, 1e-8]}, "n": 4.0}}
    spec = MaterialSpec.model_validate({"E": E, "nu": NU, "cte": 10.0, "creep": table})
    resolved = resolve_material("post", spec, (25.0,))
    check_reach(resolved, law_of(resolved), 25.0, 125.0)
    with pytest.raises(InputError, match=r"materials\.post\.creep\.A: known from 25 to 125 degC, the run needs -40"):
        check_reach(resolved, law_of(resolved), -40.0, 125.0)
    ranged = {"norton": {"A": 1e-12, "n": 4.0}, "valid": [25.0, 125.0]}
    resolved = resolve_material(
        "post", spec.model_copy(update={"creep": MaterialSpec.model_validate({"creep": ranged}).creep}), (25.0,)
    )
    check_reach(resolved, law_of(resolved), 25.0, 125.0)
    with pytest.warns(FemsimWarning, match=r"materials\.post\.creep: its creep is stated for 25 to 125 degC"):
        check_reach(resolved, law_of(resolved), -40.0, 125.0)
    with pytest.warns(FemsimWarning, match="from memory"):
        solder = resolve_material("ball", MaterialSpec.model_validate({"like": "sac305", "creep": "library"}), (25.0,))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_reach(solder, law_of(solder), 25.0, 217.0)
    with pytest.warns(FemsimWarning, match=r"materials\.ball: .* melts at 217 degC, the run goes to 400 degC"):
        check_reach(solder, law_of(solder), 25.0, 400.0)
