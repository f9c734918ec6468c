"""The material library: every file keeps the schema, every number has its source, and bad files are refused by name."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from femsim.base.errors import InputError
from femsim.cases.library import (
    SPEC_KEYS,
    Expansion,
    MaterialFile,
    case_path,
    data_path,
    list_cases,
    list_materials,
    read_material,
    read_material_file,
)

FILES = sorted((Path(__file__).parent.parent / "materials").glob("*.toml"))
REQUIRED = [
    "silicon",
    "silicon-100",
    "copper",
    "copper-as-deposited",
    "gold",
    "palladium",
    "nickel",
    "titanium",
    "titanium-nitride",
    "tungsten",
    "aluminium",
    "silicon-dioxide",
    "silicon-nitride",
    "polyimide",
    "bcb",
    "pbo",
    "epoxy-moulding",
    "epoxy-moulding-high-filler",
    "underfill",
    "sac305",
    "sn63pb37",
    "fr4",
    "acf-resin",
    "silver-filled-adhesive",
    "nickel-filled-adhesive",
    "silver",
    "polystyrene",
    "borosilicate-glass",
    "tantalum",
    "solder-resist",
    "epoxy-high-elastic",
    "epoxy-resin",
]
PROPERTIES = [
    "youngs_modulus",
    "poisson_ratio",
    "shear_modulus",
    "cte",
    "hardness",
    "yield_strength",
    "strength",
    "density",
    "thermal_conductivity",
    "heat_capacity",
    "melting_point",
]
LAWS = ["plastic", "creep", "anand", "viscoelastic", "fatigue"]
GOOD = """
name = "sample"
description = "A sample"
family = "sample"
class = "polymer"
[youngs_modulus]
value = 2.5
range = [2.0, 3.0]
source = ["book"]
[poisson_ratio]
value = 0.35
source = ["book"]
[cte]
secant = 50
source = ["sheet"]
[hardness]
value = 20
source = ["sheet"]
[[source]]
id = "book"
kind = "handbook"
author = "Writer, A."
title = "A book"
year = 2001
where = "Table 1"
[[source]]
id = "sheet"
kind = "data-sheet"
vendor = "Maker"
document = "A sheet"
where = "page 2"
"""
ORTHOTROPIC = (
    GOOD.replace("value = 2.5\nrange = [2.0, 3.0]", "value = [12, 40, 25]")
    .replace("value = 0.35", "value = [0.1, 0.2, 0.25]")
    .replace("secant = 50", "secant = [25, 8, 14]")
    .replace("[cte]", '[shear_modulus]\nvalue = [5, 4, 6]\nsource = ["book"]\n[cte]')
)


def write(directory: Path, text: str, name: str = "sample") -> Path:
    path = directory / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_file_keeps_the_schema(path: Path) -> None:
    """Sources are looked up in the raw file, so that a fault of the reader cannot hide one."""
    material = read_material_file(path)
    assert material.name == path.stem
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    ids = [source["id"] for source in raw["source"]]
    assert len(ids) == len(set(ids))
    used = set()
    for key in set(PROPERTIES) & set(raw):
        assert raw[key]["source"], key
        used.update(raw[key]["source"])
    for entry in (entry for law in LAWS for entry in raw.get(law, [])):
        assert entry["source"], entry["id"]
        used.update(entry["source"])
    assert used == set(ids)
    for source in raw["source"]:
        work = "author" in source and "title" in source and "year" in source
        assert work or ("vendor" in source and "document" in source), source["id"]
        assert len(source["where"]) > 5
    assert all(material.sources(key) for key in material.properties)
    assert all(source.citation() for source in material.source)


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_values_are_of_the_right_magnitude(path: Path) -> None:
    """A number in the wrong unit (MPa for GPa, 1/K for ppm/K, kgf/mm2 for MPa) falls out of these bounds."""
    material = read_material_file(path)
    soft = 1e-6 if material.family == "silicone" else 0.05
    assert all(soft <= value <= 600 for value in material.youngs_modulus.values)
    assert all(0.05 <= value < 0.5 for value in material.poisson_ratio.values)
    curve = material.cte.secant or material.cte.instantaneous
    assert curve is not None
    assert all(0.2 <= value <= 350 for value in curve.values)
    for entry, low, high in (
        (material.hardness, 5, 3000),
        (material.yield_strength, 5, 3000),
        (material.strength, 1, 3000),
        (material.melting_point, 100, 400),
        (material.density, 800, 23000),
        (material.thermal_conductivity, 0.05, 500),
        (material.heat_capacity, 100, 2500),
    ):
        assert entry is None or all(low <= value <= high for value in entry.values)
    for entry in material.properties.values():
        if entry.range and not isinstance(entry, Expansion) and entry.T and 25.0 in entry.T:
            assert entry.range[0] <= entry.values[entry.T.index(25.0)] <= entry.range[1]
    if material.class_ == "metal":
        assert material.hardness is not None, "claims compare the hardness of metals"


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_spec_is_a_plain_inline_table(path: Path) -> None:
    material = read_material_file(path)
    spec = material.to_spec()
    assert json.loads(json.dumps(spec)) == spec
    assert set(spec) >= {"E", "nu", "cte", "family"}
    assert set(spec) <= {*SPEC_KEYS, "family"}
    assert ("G" in spec) == isinstance(spec["E"], list)


def test_the_library_holds_what_was_promised() -> None:
    names = list_materials()
    assert names == sorted(path.stem for path in FILES)
    assert set(REQUIRED) <= set(names)
    families = {read_material(name).family for name in names}
    assert families >= {"polyimide", "benzocyclobutene", "polybenzoxazole", "epoxy", "gold", "palladium", "copper"}


def test_every_material_conducts_and_stores_heat() -> None:
    """Issue of heat: k, rho and c_p for all; FR-4 conducts along its plane about three times better than through it."""
    for name in list_materials():
        spec = read_material(name).to_spec()
        assert {"conductivity", "density", "heat_capacity"} <= set(spec), name
    along, across, through = read_material("fr4").to_spec()["conductivity"]  # type: ignore[misc]
    assert along == across
    assert 2.5 < along / through < 3.5
    for name in ("silicon", "silicon-100", "silicon-110", "copper"):
        entry = read_material(name).thermal_conductivity
        assert entry is not None
        assert entry.T is not None, "over temperature"
        assert list(entry.values) == sorted(entry.values, reverse=True)


def test_silicon_conductivity_falls_as_published() -> None:
    """148 (T/300 K)^-1.3 W/(m K) follows the recommended values to about 3 %."""
    entry = read_material("silicon").thermal_conductivity
    assert entry is not None
    assert entry.T is not None
    for T, value in zip(entry.T[2:], entry.values[2:], strict=True):
        assert value == pytest.approx(148 * ((T + 273.15) / 300) ** -1.3, rel=0.035)


def test_numbers_of_solder_laws_are_those_published() -> None:
    """Saturation stress s_hat z^n asinh(z^m) / xi at 25 degC and 1e-3/s, z = rate/A exp(Q/(R T)), in MPa."""
    expected = {
        ("sac305", "motalab-2012"): 42.1,
        ("sac305", "chang-2006"): 32.1,
        ("sac305", "mysore-2009"): 60.6,
        ("sac387", "reinikainen-2005"): 53.8,
        ("sn63pb37", "darveaux-2000"): 63.1,
        ("sn63pb37", "wang-2001"): 45.3,
        ("sn63pb37", "wang-2001-ag"): 48.4,
        ("snag35", "wang-2001"): 47.3,
    }
    for (name, set_), stress in expected.items():
        k = read_material(name).set_of("anand", set_).law()
        z = 1e-3 / k["A"] * math.exp(k["Q_R"] / 298.15)  # type: ignore[operator]
        found = k["s_hat"] * z ** k["n"] * math.asinh(z ** k["m"]) / k["xi"]  # type: ignore[operator]
        assert found == pytest.approx(stress, abs=0.06), (name, set_)


def test_what_was_not_read_is_told() -> None:
    """A number none of whose sources was read, not even in a quotation, counts as from memory."""
    solder = read_material("sac305")
    assert "anand.chang-2006" in solder.unread
    assert "anand.motalab-2012" not in solder.unread, "read where another text quotes it"
    assert "quote" in next(source.seen for source in solder.source if source.id == "motalab-2012")
    assert read_material("silicon").unread == ()


def test_readme_counts_the_materials() -> None:
    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    assert f"A library of {len(FILES)} packaging materials" in readme


def test_resins_of_the_claims_lie_in_their_windows() -> None:
    for name in ("polyimide", "bcb", "pbo", "epoxy-resin"):
        spec = read_material(name).to_spec()
        assert isinstance(spec["E"], float)
        assert isinstance(spec["cte"], float)
        assert 0.5 <= spec["E"] <= 4.0
        assert 8.0 <= spec["cte"] <= 180.0
    high = read_material("epoxy-high-elastic").to_spec()
    assert high["family"] == "epoxy"
    assert isinstance(high["E"], float)
    assert 9.0 <= high["E"] <= 21.0
    assert isinstance(high["cte"], float)
    assert 5.0 <= high["cte"] <= 13.0


def test_hardness_orders_the_metals() -> None:
    hardness = {name: read_material(name).hardness.value for name in REQUIRED if read_material(name).hardness}  # type: ignore[union-attr]
    assert hardness["gold"] < hardness["copper"] < hardness["copper-as-deposited"]
    assert hardness["palladium"] < hardness["copper"]
    assert hardness["sac305"] < hardness["gold"]


def test_silicon_expansion_follows_the_published_fit() -> None:
    curve = read_material("silicon").cte.instantaneous
    assert curve is not None
    assert curve.T is not None
    for T, value in zip(curve.T, curve.values, strict=True):
        kelvin = T + 273.15
        assert value == pytest.approx(3.725 * (1 - math.exp(-5.88e-3 * (kelvin - 124))) + 5.548e-4 * kelvin, abs=6e-4)
    assert read_material("silicon-100").cte == read_material("silicon-110").cte == read_material("silicon").cte


def test_silicon_wafers_have_one_biaxial_modulus() -> None:
    """In a (100) wafer E/(1 - nu) is the same along <100> and <110>, and nu_ij E_j = nu_ji E_i across the wafer."""
    cubic, rotated = read_material("silicon-100"), read_material("silicon-110")
    biaxial = [
        material.youngs_modulus.values[0] / (1 - material.poisson_ratio.values[0]) for material in (cubic, rotated)
    ]
    assert biaxial[0] == pytest.approx(biaxial[1], rel=5e-3)
    through = rotated.poisson_ratio.values[1] * rotated.youngs_modulus.values[2] / rotated.youngs_modulus.values[0]
    assert through == pytest.approx(cubic.poisson_ratio.values[0], rel=5e-3)


def test_good_files_are_read(tmp_path: Path) -> None:
    spec = read_material_file(write(tmp_path, GOOD)).to_spec()
    assert spec == {"E": 2.5, "nu": 0.35, "cte": 50.0, "hardness": 20.0, "family": "sample"}
    spec = read_material_file(write(tmp_path, ORTHOTROPIC)).to_spec()
    assert spec["E"] == [12.0, 40.0, 25.0]
    assert spec["nu"] == [0.1, 0.2, 0.25]
    assert spec["G"] == [5.0, 4.0, 6.0]
    assert spec["cte"] == [25.0, 8.0, 14.0]


def test_tables_and_references_reach_the_spec(tmp_path: Path) -> None:
    table = "{ T = [25, 150], value = [40, 60] }"
    text = GOOD.replace("value = 2.5\nrange = [2.0, 3.0]", "T = [25, 150]\nvalue = [2.5, 2.0]")
    spec = read_material_file(
        write(tmp_path, text.replace("secant = 50", f"secant = {table}\nreference = 20"))
    ).to_spec()
    assert spec["E"] == {"T": [25.0, 150.0], "value": [2.5, 2.0]}
    assert spec["cte"] == {"secant": {"T": [25.0, 150.0], "value": [40.0, 60.0]}, "reference": 20.0}
    spec = read_material_file(write(tmp_path, text.replace("secant = 50", f"instantaneous = {table}"))).to_spec()
    assert spec["cte"] == {"instantaneous": {"T": [25.0, 150.0], "value": [40.0, 60.0]}}


BAD = {
    "no source": ('value = 0.35\nsource = ["book"]', "value = 0.35", "poisson_ratio.source"),
    "empty source": ('value = 0.35\nsource = ["book"]', "value = 0.35\nsource = []", "poisson_ratio.source"),
    "unknown source": ('value = 0.35\nsource = ["book"]', 'value = 0.35\nsource = ["boook"]', "did you mean 'book'"),
    "unused source": (
        'secant = 50\nsource = ["sheet"]\n[hardness]\nvalue = 20\nsource = ["sheet"]',
        'secant = 50\nsource = ["book"]',
        "sheet",
    ),
    "twice": ('id = "sheet"', 'id = "book"', "source"),
    "nameless source": ('author = "Writer, A."\n', "", "book"),
    "source without a place": ('where = "Table 1"\n', "", "source.0.where"),
    "unknown kind": ('kind = "handbook"', 'kind = "hearsay"', "kind"),
    "unknown key": ("[hardness]", "[hardnes]", "did you mean 'hardness'"),
    "unknown inner key": ("range = [2.0, 3.0]", "rang = [2.0, 3.0]", "did you mean 'range'"),
    "nu of a half": ("value = 0.35", "value = 0.5", "poisson_ratio.value: 0.5"),
    "nu of -1": ("value = 0.35", "value = -1", "poisson_ratio.value: -1"),
    "negative E": ("value = 2.5\nrange = [2.0, 3.0]", "value = -2.5", "youngs_modulus.value: -2.5"),
    "E of 0": ("value = 2.5\nrange = [2.0, 3.0]", "value = 0", "youngs_modulus.value: 0"),
    "E as text": ("value = 2.5\nrange = [2.0, 3.0]", 'value = "2.5"', "youngs_modulus.value: '2.5'"),
    "E as a truth": ("value = 2.5\nrange = [2.0, 3.0]", "value = true", "youngs_modulus.value: True"),
    "E not finite": ("value = 2.5\nrange = [2.0, 3.0]", "value = nan", "youngs_modulus.value: nan"),
    "outside its range": ("value = 2.5", "value = 3.5", "range"),
    "range turned round": ("range = [2.0, 3.0]", "range = [3.0, 2.0]", "range"),
    "two values": ("value = 2.5\nrange = [2.0, 3.0]", "value = [2.5, 2.0]", "youngs_modulus"),
    "T descends": ("value = 2.5\nrange = [2.0, 3.0]", "T = [150, 25]\nvalue = [2.0, 2.5]", "ascend"),
    "T repeats": ("value = 2.5\nrange = [2.0, 3.0]", "T = [25, 25]\nvalue = [2.0, 2.5]", "ascend"),
    "T too cold": ("value = 2.5\nrange = [2.0, 3.0]", "T = [-300, 25]\nvalue = [2.0, 2.5]", "absolute zero"),
    "T too long": ("value = 2.5\nrange = [2.0, 3.0]", "T = [25, 50, 150]\nvalue = [2.0, 2.5]", "T has 3 entries"),
    "negative hardness": ("value = 20", "value = -20", "hardness.value"),
    "no E": ('[youngs_modulus]\nvalue = 2.5\nrange = [2.0, 3.0]\nsource = ["book"]\n', "", "youngs_modulus"),
    "no cte": ('[cte]\nsecant = 50\nsource = ["sheet"]\n', "", "cte"),
    "empty cte": ("secant = 50\n", "", "exactly one"),
    "both cte": ("secant = 50\n", "secant = 50\ninstantaneous = 50\n", "exactly one"),
    "no reference": ("secant = 50", "secant = { T = [25, 150], value = [40, 60] }", "reference"),
    "idle reference": ("secant = 50", "instantaneous = 50\nreference = 25", "reference"),
    "cte table ragged": ("secant = 50", "instantaneous = { T = [25, 150], value = [40] }", "T has 2 entries"),
    "shear of an isotropic one": ("[cte]", '[shear_modulus]\nvalue = 1\nsource = ["book"]\n[cte]', "orthotropic"),
    "three E only": ("value = 2.5\nrange = [2.0, 3.0]", "value = [2.5, 2.5, 2.5]", "orthotropic"),
    "unknown class": ('class = "polymer"', 'class = "goo"', "class"),
    "another name": ('name = "sample"', 'name = "simple"', "stem"),
    "not TOML": ('class = "polymer"', "class = polymer", "sample.toml"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_file_is_refused_on_one_line(tmp_path: Path, case: str) -> None:
    old, new, says = BAD[case]
    assert GOOD.count(old) == 1, "the fault must really be made"
    with pytest.raises(InputError) as caught:
        read_material_file(write(tmp_path, GOOD.replace(old, new)))
    message = str(caught.value)
    assert says in message
    assert "\n" not in message
    assert "sample.toml" in message


@pytest.mark.parametrize("nu", ["[0.1, 0.2, 1.3]", "[0.55, 0.7, 0.7]"])
def test_compliance_must_be_positive_definite(tmp_path: Path, nu: str) -> None:
    text = ORTHOTROPIC.replace("[0.1, 0.2, 0.25]", nu)
    with pytest.raises(InputError, match="positive definite"):
        read_material_file(write(tmp_path, text))


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00binary"])
def test_empty_and_binary_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "sample.toml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"sample\.toml"):
        read_material_file(path)


def test_missing_names_suggest_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'polyimide'"):
        read_material("poliymide")
    with pytest.raises(InputError, match="no material 'unobtainium'"):
        read_material("unobtainium")
    with pytest.raises(InputError, match=r"no material '\.\./pyproject'"):
        read_material("../pyproject")
    with pytest.raises(InputError, match="no shipped case 'no-such-case'"):
        case_path("no-such-case")


def test_cases_have_files() -> None:
    assert all(case_path(name).is_file() for name in list_cases())
    assert data_path("meshes").is_dir()


def test_materials_are_immutable() -> None:
    material = read_material("copper")
    with pytest.raises(ValueError, match="frozen"):
        material.youngs_modulus = material.youngs_modulus
    assert isinstance(material, MaterialFile)
    assert read_material("copper") is material


def test_an_installed_package_prefers_its_own_files(tmp_path: Path) -> None:
    """As in a wheel: femsim/_data beside the modules, no pyproject.toml; and without any data, one clear error."""
    package = Path(__file__).parent.parent / "femsim"
    (tmp_path / "femsim").mkdir()
    shutil.copy(package / "__init__.py", tmp_path / "femsim")
    for room in ("base", "cases"):
        shutil.copytree(package / room, tmp_path / "femsim" / room)
    script = "from femsim.base.errors import InputError\nfrom femsim.cases.library import list_materials\n"
    script += "try: print(list_materials())\nexcept InputError as error: print(error)"
    run = [sys.executable, "-c", script]
    out = subprocess.run(
        run, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=True
    ).stdout
    assert "missing" in out
    (tmp_path / "femsim" / "_data" / "materials").mkdir(parents=True)
    write(tmp_path / "femsim" / "_data" / "materials", GOOD)
    out = subprocess.run(
        run, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=True
    ).stdout
    assert out.strip() == "['sample']"


def test_listing_does_not_import_numpy() -> None:
    script = (
        "import sys, femsim.cases.library as l; [l.read_material(n) for n in l.list_materials()]; "
        "print('numpy' in sys.modules)"
    )
    root = str(Path(__file__).parent.parent)
    run = subprocess.run(
        [sys.executable, "-c", script], env={"PYTHONPATH": root}, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "False"
