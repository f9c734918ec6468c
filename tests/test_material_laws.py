"""What a case may say of yielding, creep, relaxation and heat: taken over in full, or refused in one line."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from femsim.base.errors import InputError
from femsim.builders.resolve import resolve_material
from femsim.cases.casefile import apply_overrides, dump_case, parse_case
from femsim.cases.laws import PlasticSpec
from femsim.cases.library import read_material_file
from femsim.cases.material import MaterialSpec
from femsim.cases.merge import merged

DATA: dict[str, Any] = {
    "stack": "bilayer",
    "materials": {"chip": "silicon", "post": "copper", "low": "polyimide", "high": "epoxy-high-elastic"},
}
ANAND = "A = 1e6, Q_R = 9000, xi = 4, m = 0.2, h0 = 1e5, s_hat = 40, n = 0.01, a = 1.3"

GOOD = [
    "plastic.yield=150",
    "plastic={ yield = 180, isotropic = { linear = 1000 }, kinematic = [{ C = 5000, gamma = 50 }, { C = 900 }] }",
    "plastic={ yield = { T = [25, 125], value = [180, 150] }, isotropic = { voce = { Q = 50, b = 20 }, linear = 10 } }",
    "plastic={ isotropic = { table = { p = [0, 0.1], stress = [180, 250] } } }",
    "plastic={ isotropic = { table = { p = [0, 0.1], T = [25, 99], stress = [[180, 250], [100, 100]] } } }",
    "plastic={ yield = 180, softening = true, isotropic = { voce = { Q = -80, b = 3 } } }",
    "creep={ norton = { A = 1e-10, n = 5, Q = 60e3 } }",
    "creep={ norton = { A = { T = [25, 125], value = [1e-10, 1e-6] }, n = 5 }, valid = [25, 125] }",
    "creep={ garofalo = { C1 = 277984, C2 = 0.02447, C3 = 6.41, C4 = 6500 } }",
    "creep={ terms = [{ A = 4e-7, B = 3223, n = 3, sn = 1 }, { A = 1e-12, B = 7348, n = 12 }] }",
    f"anand={{ {ANAND}, s0 = 20 }}",
    "viscoelastic={ shear = [[0.3, 10], [0.2, 1e3]], bulk = [], shift = { wlf = { C1 = 7, C2 = 52, reference = 9 } } }",
    "viscoelastic={ bulk = [[0.3, 10.0]], shift = { arrhenius = { Q = 6e4, reference = 120 } } }",
    "viscoelastic={ bulk = [[0.3, 10.0]], shift = { table = { T = [25, 120], value = [8, 0] } } }",
    "conductivity=[1.06, 1.06, 0.343]",
    "conductivity={ T = [27, 127], value = [148, 98.9] }",
    "density=8960",
    "heat_capacity={ T = [27, 127], value = [385, 397] }",
    "stress_free_temperature=200",
    "strength=300",
]

BAD = {
    "plastic.yield=-5": "plastic.yield: -5 is not > 0",
    "plastic.yeild=5": "plastic.yeild: unknown key (did you mean 'yield'?)",
    "plastic={}": "plastic.yield: missing",
    "plastic=via10": "no plastic set 'via10' of 'copper' (did you mean 'via'?); there are: library, ",
    "plastic={ like = 'nosuch' }": "no plastic set 'nosuch' of 'copper'; there are: library, ",
    "creep=library": "'copper' has no creep data in the library (it has plastic); give the parameters",
    "plastic={ yield = 1, isotropic = { linear = -3 } }": "plastic.isotropic.linear: -3 is not >= 0",
    "plastic={ yield = 1, isotropic = {} }": "plastic.isotropic: give linear, voce",
    "plastic={ yield = { T = [25, 20], value = [1, 2] } }": "plastic.yield: T must ascend",
    "plastic={ yield = 180, isotropic = { voce = { Q = 50 } } }": "plastic.isotropic.voce.b: missing",
    "plastic={ yield = 180, isotropic = { voce = { Q = -200, b = 3 } } }": "voce.Q: -200 softens; softening = true",
    "plastic={ yield = 180, softening = true, isotropic = { voce = { Q = -200, b = 3 } } }": "180 to nothing",
    "plastic={ isotropic = { table = { p = [0, 0.1], stress = [180, 170] } } }": "stress: 170 after more softens",
    "plastic={ isotropic = { table = { p = [0.1, 0.2], stress = [1, 2] } } }": "table.p: starts at 0.1",
    "plastic={ isotropic = { table = { p = [0, 0.2], stress = [1, 2, 3] } } }": "3 entries do not go with 2 of p",
    "plastic={ yield = 170, isotropic = { table = { p = [0, 0.1], stress = [180, 250] } } }": "plastic.yield: differs",
    "plastic={ yield = 1, kinematic = [{ C = 5, gamma = -1 }] }": "plastic.kinematic.0.gamma: -1 is not >= 0",
    "plastic={ yield = 1, kinematic = [] }": "plastic.kinematic: needs at least 1 entry",
    "creep=5": "creep: 5 is not a name or a table",
    "creep={}": "creep: give exactly one of norton, garofalo, terms (given: none)",
    "creep={ norton = { A = 1, n = 5 }, terms = [{ A = 1, n = 3 }] }": "(given: norton, terms)",
    "creep={ norton = { A = 0, n = 5 } }": "creep.norton.A: 0 is not > 0",
    "creep={ garofalo = { C1 = 1, C2 = 1, C3 = 1 } }": "creep.garofalo.C4: missing",
    "creep={ terms = [{ A = 1, n = 3 }, { A = 1, B = -2, n = 12 }] }": "creep.terms.1.B: -2 is not >= 0",
    "creep={ norton = { A = 1, n = 5 }, valid = [125, 25] }": "creep.valid: [125, 25] does not ascend",
    f"anand={{ {ANAND} }}": "anand.s0: missing",
    f"anand={{ {ANAND}, s0 = -1 }}": "anand.s0: -1 is not > 0",
    f"anand={{ {ANAND.replace('m = 0.2', 'm = 2')}, s0 = 20 }}": "anand.m: 2 is not <= 1",
    "viscoelastic={ shear = [[0.3, 10.0], [0.8, 1e3]] }": "viscoelastic.shear: the fractions sum to 1.1, more than 1",
    "viscoelastic={ shear = [[0.3, -1]] }": "viscoelastic.shear.0.1: -1",
    "viscoelastic={ shear = [[0.3, 1, 2]] }": "viscoelastic.shear.0: [0.3, 1.0, 2.0] is not [fraction",
    "viscoelastic={ shear = [[0.3, 1]], shift = { wfl = {} } }": "shift.wfl: unknown key (did you mean 'wlf'",
    "viscoelastic={ shear = [[0.3, 1]], shift = {} }": "viscoelastic.shift: give exactly one of wlf",
    "viscoelastic={ shear = [] }": "viscoelastic: give shear or bulk",
    "conductivity=-4": "conductivity: -4 is not > 0",
    "conductivity=[1, 2]": "conductivity: 2 values; give one, or three",
    "conductivity={ T = [25, 100], value = [100, -1] }": "conductivity: -1 is not > 0",
    "density=0": "density: 0 is not > 0",
    "heat_capacity=[1, 2, 3]": "heat_capacity: [1, 2, 3] is not a number or a table",
    "conductivty=5": "conductivty: unknown key (did you mean 'conductivity'?)",
    "stress_free_temperature=-500": "stress_free_temperature: -500 is not >= -273.15",
}


def of_post(*sets: str) -> Any:
    overrides = [f"materials.post.{entry}" for entry in sets]
    return parse_case(apply_overrides(DATA, overrides), "f", overrides)


@pytest.mark.parametrize("entry", GOOD)
def test_taken_over_in_full_and_written_back(entry: str) -> None:
    """What is set stands in the case, survives its file, and reaches the resolved material with the library's rest."""
    case = of_post(entry)
    again = parse_case(tomllib.loads(dump_case(case)), "again")
    assert again.materials == case.materials
    numeric = parse_case(tomllib.loads(dump_case(case, {})), "again").materials["post"]
    key = entry.partition("=")[0].partition(".")[0]
    spec = resolve_material("post", case.materials["post"], (25.0, 150.0)).spec
    assert getattr(spec, key) == getattr(numeric, key) == getattr(case.materials["post"], key)
    assert spec.E == 120.0


@pytest.mark.parametrize("entry", BAD)
def test_refused_in_one_line(entry: str) -> None:
    with pytest.raises(InputError) as caught:
        of_post(entry)
    message = str(caught.value)
    assert message.startswith("f: materials.post.")
    assert BAD[entry] in message
    assert "\n" not in message


def test_laws_exclude_one_another() -> None:
    of_post("plastic.yield=150", "creep={ norton = { A = 1, n = 3 } }")
    with pytest.raises(InputError, match=r"post\.anand: stands alone; leave out plastic \(set by --set\)"):
        of_post("plastic.yield=150", f"anand={{ {ANAND}, s0 = 20 }}")
    with pytest.raises(InputError, match=r"post\.viscoelastic: stands alone; leave out creep"):
        of_post("creep={ norton = { A = 1, n = 3 } }", "viscoelastic={ shear = [[0.3, 1]] }")


def test_an_orthotropic_material_cannot_yield() -> None:
    spec = MaterialSpec.model_validate({"like": "fr4", "plastic": {"yield": 100.0}})
    with pytest.raises(InputError, match=r"materials\.chip\.plastic: plasticity needs an isotropic material"):
        resolve_material("chip", spec, (25.0,))


def test_without_elastic_constants_a_material_conducts_heat_only() -> None:
    case = parse_case({**DATA, "materials": {**DATA["materials"], "post": {"conductivity": 400.0}}}, "f")
    resolved = resolve_material("post", case.materials["post"], (25.0,))
    assert resolved.elastic is None
    assert resolved.spec.conductivity == 400.0
    with pytest.raises(InputError, match=r"materials\.post\.E: missing"):
        resolved.material  # noqa: B018
    with pytest.raises(InputError, match=r"post\.nu: missing"):
        parse_case({**DATA, "materials": {**DATA["materials"], "post": {"E": 1.0, "conductivity": 400.0}}}, "f")


def test_a_law_named_in_the_case_takes_the_numbers_of_the_library() -> None:
    """By name, with an override by --set, and written out in numbers in the resolved case."""
    case = of_post("plastic=plated-hole", "plastic.yield=150")
    assert case.materials["post"].plastic == PlasticSpec.model_validate({"like": "plated-hole", "yield": 150})
    resolved = resolve_material("post", case.materials["post"], (25.0, 150.0))
    full = PlasticSpec.model_validate({"yield": 150, "kinematic": [{"C": 690}]})
    assert resolved.spec.plastic == full
    assert resolved.sets["plastic"].id == "plated-hole"
    again = parse_case(tomllib.loads(dump_case(case, {})), "again").materials["post"]
    assert again.plastic == full
    assert resolve_material("post", again, (25.0, 150.0)).spec == resolved.spec


SETS = """
[[plastic]]
id = "soft"
description = "annealed"
yield = { T = [25, 125], value = [100, 80] }
kinematic = [{ C = 5000, gamma = 50 }]
valid = [25, 125]
source = ["book"]
[[plastic]]
id = "hard"
description = "as deposited"
yield = 200
source = ["sheet"]
[[creep]]
id = "slow"
description = "Norton"
norton = { A = 1e-10, n = 5 }
source = ["sheet"]
"""


def sample(directory: Path, extra: str = SETS) -> Path:
    from test_library import GOOD as FILE

    path = directory / "sample.toml"
    path.write_text(FILE.replace("[[source]]", extra + "[[source]]", 1), encoding="utf-8")
    return path


def test_sets_of_the_library_are_taken_by_name(tmp_path: Path) -> None:
    entry = read_material_file(sample(tmp_path))
    assert list(entry.sets) == ["plastic", "creep"]
    soft = {"yield": {"T": [25, 125], "value": [100, 80]}, "kinematic": [{"C": 5000, "gamma": 50}], "valid": (25, 125)}
    assert merged({"plastic": "library"}, entry)["plastic"] == soft
    assert merged({"plastic": "hard"}, entry)["plastic"] == {"yield": 200.0}
    assert merged({"plastic": {"like": "soft", "yield": 90.0}}, entry)["plastic"] == {**soft, "yield": 90.0}
    other = {"like": "slow", "garofalo": {"C1": 1.0}}
    assert merged({"creep": other}, entry)["creep"] == {"garofalo": {"C1": 1.0}}
    with pytest.raises(InputError, match=r"plastic: no plastic set 'haard' of 'sample' \(did you mean 'hard'\?\)"):
        merged({"plastic": "haard"}, entry)
    with pytest.raises(InputError, match=r"anand: 'sample' has no anand data in the library \(it has plastic, creep\)"):
        merged({"anand": "library"}, entry)
    with pytest.raises(InputError, match=r'creep: .* no like = "\.\.\."'):
        merged({"creep": "library"}, None)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('id = "hard"', 'id = "soft"', "must differ"),
        ('id = "hard"', 'id = "library"', "none may be 'library'"),
        ("yield = 200", "yield = -200", "plastic.1: yield: -200 is not > 0"),
        ("yield = 200", "yild = 200", "unknown key (did you mean 'yield'?)"),
        ("yield = 200", 'like = "soft"', "stands in numbers"),
        ('yield = 200\nsource = ["sheet"]', "yield = 200", "plastic.1.source"),
        ('yield = 200\nsource = ["sheet"]', 'yield = 200\nsource = ["shet"]', "did you mean 'sheet'"),
        ("norton = { A = 1e-10, n = 5 }", "", "exactly one of norton"),
    ],
)
def test_bad_sets_are_refused_on_one_line(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert SETS.count(old) == 1
    with pytest.raises(InputError) as caught:
        read_material_file(sample(tmp_path, SETS.replace(old, new)))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
