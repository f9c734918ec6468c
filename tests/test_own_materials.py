"""Materials a case calls by names of its own, and blocks that share a name."""

from __future__ import annotations

import pytest

from femsim.base.errors import FemsimWarning, InputError
from femsim.builders.build import discretise, resolve_materials
from femsim.cases.casefile import changed_case, dump_case, load_case, parse_case, parse_toml
from femsim.runs.rows import evaluate

HEAD = """
stack = "blocks"
load = { stress_free_temperature = 150, temperature = 25 }
mesh = { size = 10, growth = 3 }
boundary = [{ z = 0, u_z = 0 }]
"""
WHOLE = (
    HEAD
    + """
block = [{ name = "a", r = [0, 20], z = [0, 50], material = "copper" },
         { name = "b", r = [20, 40], z = [0, 50], material = { like = "m1", cte = 30 } },
         { name = "c", r = [40, 60], z = [0, 50], material = { composite = "laminate", layers = [
            { material = "m1", thickness = 1 }, { material = "copper", thickness = 2 }] } },
         { name = "a", r = [60, 80], z = [0, 50], material = "copper" }]
[materials]
copper = { E = 100, nu = 0.3, cte = 20 }
m1 = { like = "m2", nu = 0.4 }
m2 = { E = 2, nu = 0.3, cte = 50 }
"""
)


def case_of(text):
    return parse_case(parse_toml(text, "f"), "f")


def resolved(case):
    return {region: one.material for region, one in resolve_materials(case, discretise(case)).items()}


def first(material):
    return tuple(p.values[0] for p in (material.youngs_modulus[0], material.poisson_ratio[0], material.cte[0]))


def test_names_of_its_own_go_before_the_library_and_may_be_overridden():
    found = resolved(case_of(WHOLE))
    assert set(found) == {"a", "b", "c"}
    assert first(found["a"]) == pytest.approx((100e3, 0.3, 20e-6))
    assert first(found["b"]) == pytest.approx((2e3, 0.4, 30e-6))
    plain = case_of(WHOLE.replace('material = "m1", thickness', "material = { E = 2, nu = 0.4, cte = 50 }, thickness"))
    assert found["c"] == resolved(plain)["c"]


def test_a_resolved_file_reproduces_the_run():
    case = case_of(WHOLE)
    outputs = ["metrics.regions.a.von_mises_mean", "metrics.regions.c.von_mises_max"]
    wanted = evaluate(case, None, outputs).values
    whole = {region: one.spec for region, one in resolve_materials(case, discretise(case)).items()}
    for materials in (None, {}, whole):
        again = case_of(dump_case(case, materials))
        assert evaluate(again, None, outputs).values == pytest.approx(wanted, rel=1e-9)
    assert first(resolved(changed_case(case, {"materials.m2.E": 4}))["b"])[0] == pytest.approx(4e3)


def test_in_stacks_and_composites_of_stacks():
    case, _ = load_case("bilayer", ["materials.low=m0", "materials.m0.like=polyimide", "materials.m0.E=3.5"])
    assert first(resolved(case)["low"])[0] == pytest.approx(3.5e3)
    layers, _ = load_case("staggered", ["layer.1.material=soft", "materials.soft={ E = 50, nu = 0.3, cte = 17 }"])
    assert first(resolved(layers)["layer_2"])[0] == pytest.approx(50e3)


def test_on_an_imported_mesh():
    case, origin = load_case("le11", ["materials.body=m0", "materials.m0={ E = 210, nu = 0.3, cte = 230 }"])
    assert set(resolve_materials(case, discretise(case, origin.base))) == {"body"}
    assert evaluate(case, origin.base, ["probes.A.stress.zz"]).values == evaluate(*_le11()).values


def _le11():
    case, origin = load_case("le11")
    return case, origin.base, ["probes.A.stress.zz"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('m2 = { E = 2, nu = 0.3, cte = 50 }', 'm2 = { like = "m1", E = 2 }'), "refers to itself"),
        (("m2 = {", "m3 = {"), r"no material 'm2' in the library"),
        (("[materials]", "[materials]\na = 'copper'"), r"materials\.a: given twice; block\.0\.material names it"),
        (('[60, 80], z = [0, 50], material = "copper"', '[60, 80], z = [0, 50], material = "m1"'),
         r"block\.3\.material: is not that of the other block named 'a'; they are one region"),
        (('like = "m1", cte', 'like = "m11", cte'), r"block\.1\.material\.like: no material 'm11' .*did you mean 'm1'"),
    ],
)  # fmt: skip
def test_faults_are_one_line(change, words):
    text = WHOLE.replace(*change)
    assert text != WHOLE
    with pytest.raises(InputError, match=words) as caught:
        resolved(case_of(text))
    assert "\n" not in str(caught.value)


def test_a_name_that_nothing_refers_to_is_still_a_slip():
    with pytest.raises(InputError, match=r"materials\.postt: no role of that name .*did you mean 'post'"):
        load_case("bilayer", ["materials.postt=copper"])


def test_a_material_of_its_own_that_no_block_takes_is_a_warning():
    """A study may give blocks one of several named materials: those left over are no fault."""
    case = case_of(WHOLE + 'spare = "gold"\n')
    with pytest.warns(FemsimWarning, match=r"materials\.spare: no block is made of it"):
        resolve_materials(case, discretise(case))
