"""Numbers that look like another unit, values from memory, and stresses beyond what a material bears are told."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from femsim.base.errors import BeyondYield, FemsimWarning
from femsim.builders.resolve import resolve_material
from femsim.cases.casefile import apply_overrides, load_case, parse_case
from femsim.cases.doubts import material_doubts, temperature_doubts
from femsim.cases.library import list_materials, read_material
from femsim.cases.material import MaterialSpec
from femsim.reports.materials import material_entries
from femsim.runs.run import run

COARSE = ("mesh.size=0.05", "mesh.growth=2")


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"E": 3500.0}, "E: 3500 GPa is stiffer than diamond; MPa given for GPa?"),
        ({"cte": 60e-6}, "cte: 6e-05 ppm/K is less than any solid's; 1/K given for ppm/K?"),
        ({"cte": {"secant": {"T": [25.0, 99.0], "value": [5e-6, 6e-6]}, "reference": 25.0}}, "cte: 5e-06 ppm/K"),
        ({"conductivity": [2e-4, 2e-4, 1e-4]}, "W/(mm K) given for W/(m K)?"),
        ({"density": 8.96}, "density: 8.96 kg/m3 is lighter than foam; g/cm3 given for kg/m3?"),
        ({"heat_capacity": 0.385}, "J/(g K) given"),
        ({"hardness": 50000.0}, "harder than diamond"),
        ({"yield": 25000.0}, "yield: 25000 MPa is stronger"),
        ({"plastic": {"yield": 180e6 / 1e3}}, "plastic.yield: 180000 MPa is stronger"),
    ],
)
def test_another_unit_is_asked_about(spec: dict[str, Any], says: str) -> None:
    found = list(material_doubts(MaterialSpec.model_validate(spec)))
    assert says in found[0]


def test_no_number_of_the_library_is_doubted() -> None:
    """Gel, rubber and diamond-like films too: a limit that the library crosses would cry wolf."""
    for name in list_materials():
        assert list(material_doubts(MaterialSpec.model_validate(read_material(name).to_spec()))) == [], name


@pytest.mark.parametrize(
    ("free", "now", "doubted"),
    [
        (423, 25, 1), (423.15, 298.15, 2), (423, 298, 2), (398, 233, 2), (300, 400, 2), (298, 423, 2),
        (150, 25, 0), (250, -55, 0), (400, 25, 0), (350, 20, 0), (217, 25, 0), (218, 25, 0), (0, 1, 0), (300, 300, 0),
    ],
)  # fmt: skip
def test_kelvins_are_recognised(free: float, now: float, doubted: int) -> None:
    found = list(temperature_doubts({"load.temperature": now, "load.stress_free_temperature": free}))
    assert len(found) == doubted
    assert all("is it in kelvin?" in text for text in found)


def test_a_case_with_such_numbers_warns_once_for_each() -> None:
    case, _ = load_case(
        "bilayer",
        [*COARSE, "load.stress_free_temperature=423", "load.temperature=398", "materials.low.cte=60e-6",
         "materials.post={E = 3500, nu = 0.3, cte = 17}", "materials.chip={E = 169, nu = 0.28, cte = 2.6}"],
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FemsimWarning)
        seen = run(case).warnings
    places = ("load.stress_free_temperature: 423", "load.temperature: 398", "materials.low.cte: 6e-05", "post.E: 3500")
    for key in places:
        assert sum(key in text for text in seen) == 1, key


@pytest.mark.parametrize(("limit", "name"), [("yield", "yield strength"), ("strength", "strength")])
def test_a_stress_far_above_what_a_material_bears_is_told(limit: str, name: str) -> None:
    post = f"materials.post={{E = 120, nu = 0.34, cte = 17, {limit} = 20}}"
    with pytest.warns(BeyondYield, match=rf"^post: a von Mises stress of .* times the {name} of 20 MPa"):
        done = run(load_case("bilayer", [*COARSE, post])[0])
    assert any(text.startswith("post: a von Mises stress") for text in done.warnings)
    with warnings.catch_warnings():
        warnings.simplefilter("error", BeyondYield)
        run(load_case("bilayer", [*COARSE, post.replace("= 20}", "= 2000}")])[0])


def test_a_set_from_memory_is_warned_about_and_a_read_one_is_not() -> None:
    solder = MaterialSpec.model_validate({"like": "sac305", "anand": "chang-2006"})
    with pytest.warns(
        FemsimWarning, match=r"materials\.ball\.anand: the set 'chang-2006' .* from memory, check the orig"
    ):
        resolved = resolve_material("ball", solder, (25.0, 150.0))
    [entry] = material_entries({"ball": resolved})
    rows = {row["key"]: row for row in entry["rows"]}
    assert rows["anand"]["memory"] is True
    assert "A = 5870000" in rows["anand"]["values"]
    assert {"chang-2006", "alasir-solder"} <= {source["id"] for source in entry["sources"]}
    resolved = resolve_material("ball", solder.model_copy(update={"anand": "motalab-2012"}), (25.0, 150.0))
    [entry] = material_entries({"ball": resolved})
    rows = {row["key"]: row for row in entry["rows"]}
    assert rows["anand"]["memory"] is False
    assert rows["conductivity"]["values"] == ["58"]
    assert rows["conductivity"]["unit"] == "W/(m K)"


def test_what_only_conducts_is_reported_without_elasticity() -> None:
    data = {"stack": "bilayer", "materials": dict.fromkeys(("chip", "post", "low", "high"), "silicon")}
    case = parse_case(apply_overrides(data, ["materials.post={ conductivity = [1, 2, 3] }"]), "f")
    [entry] = material_entries({"post": resolve_material("post", case.materials["post"], (25.0,))})
    assert [row["key"] for row in entry["rows"]] == ["conductivity"]
    assert entry["rows"][0]["values"] == ["1: 1", "2: 2", "3: 3"]
