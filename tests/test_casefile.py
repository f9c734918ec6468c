"""Reading cases, overriding keys, writing the resolved case, whole files or none."""

from __future__ import annotations

import math
import random
import tomllib
from pathlib import Path
from typing import Any

import pytest

from femsim.base.errors import InputError
from femsim.base.files import atomic_write, check_target, staged_directory
from femsim.cases.case import CASE_TYPES
from femsim.cases.casefile import apply_overrides, dump_case, load_case, parse_case, parse_override
from femsim.cases.library import list_cases
from femsim.cases.material import Expansion, MaterialSpec, Table
from femsim.cases.stacks.bilayer import BilayerCase
from femsim.cases.stacks.blocks import BlocksCase
from femsim.cases.stacks.meshfile import MeshCase

MATERIALS = {
    "post": "copper",
    "low": {"like": "polyimide", "E": 2.5},
    "high": {"E": 15, "nu": 0.3, "cte": 10},
}
DATA: dict[str, Any] = {"name": "x", "stack": "bilayer", "materials": MATERIALS}


@pytest.mark.parametrize("name", list_cases())
def test_shipped_cases_load_by_name(name: str) -> None:
    case, origin = load_case(name)
    assert case.name
    assert origin.stem == name
    assert origin.base == origin.path.parent


def test_origin_tells_defaults(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        'stack = "bilayer"\n[geometry]\npost_radius = 40\nratio = 4\n'
        '[materials]\npost = "copper"\nlow = "polyimide"\nhigh = "epoxy-moulding"\n'
        '[[probe]]\nname = "p"\nat = [0, 0]\n'
    )
    case, origin = load_case(file, ["load.temperature=-55"])
    assert isinstance(case, BilayerCase)
    assert (case.name, origin.stem, origin.base) == ("mine", "mine", tmp_path)
    assert case.geometry.low_thickness == 72.0
    assert {
        "name",
        "geometry.cell_radius",
        "load.stress_free_temperature",
        "model.outer",
        "mesh.size",
    } <= origin.defaulted
    assert not origin.defaulted & {
        "geometry.post_radius",
        "geometry.low_thickness",
        "load.temperature",
        "stack",
        "probe.0.at",
        "mesh.largest",
    }
    assert origin.overrides == ("load.temperature=-55",)


def test_a_file_comes_before_a_shipped_name_and_a_directory_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bilayer").mkdir()
    assert load_case("bilayer")[1].base != tmp_path
    (tmp_path / "bilayer").rmdir()
    (tmp_path / "bilayer").write_text(
        'stack = "bilayer"\nname = "own"\n[materials]\npost = "copper"\nlow = "bcb"\nhigh = "bcb"\n'
    )
    assert load_case("bilayer")[0].name == "own"


def test_byte_order_mark_and_windows_lines(tmp_path: Path) -> None:
    file = tmp_path / "w.toml"
    file.write_bytes(
        b'\xef\xbb\xbfstack = "bilayer"\r\n[materials]\r\npost = "copper"\r\nlow = "bcb"\r\nhigh = "bcb"\r\n'
    )
    assert load_case(file)[0].name == "w"


# ---------------------------------------------------------------- overrides


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("geometry.post_radius=40", ("geometry", "post_radius"), 40),
        ("geometry.post_radius = 4.5e1", ("geometry", "post_radius"), 45.0),
        ("metrics.length=[5,1]", ("metrics", "length"), [5, 1]),
        ("model.outer=free", ("model", "outer"), "free"),
        ('model.outer="free"', ("model", "outer"), "free"),
        ("probe.0.name=x=y", ("probe", "0", "name"), "x=y"),
        ('materials."odd.name".E=3', ("materials", "odd.name", "E"), 3),
        ("materials.low={E=1, nu=0.3, cte=2}", ("materials", "low"), {"E": 1, "nu": 0.3, "cte": 2}),
        ("name=a case of mine", ("name",), "a case of mine"),
        ("mesh.file=../part.msh", ("mesh", "file"), "../part.msh"),
        ("x=true", ("x",), True),
    ],
)
def test_parse_override(override: str, path: tuple[str, ...], value: object) -> None:
    assert parse_override(override) == (path, value)


def test_overrides_reach_every_kind_of_place() -> None:
    changed = apply_overrides(
        DATA,
        [
            "geometry.post_radius=40",
            "materials.low.E=3",
            "materials.post.E=100",
            "materials.chip.cte=3",
            "load.temperature=-55",
            "metrics.length=[5,1]",
            "probe.0.name=tip",
            "probe.0.at=[0,90]",
            "probe.0.at.1=80",
            "probe.1.name=foot",
        ],
    )
    assert changed["geometry"] == {"post_radius": 40}
    assert changed["materials"]["low"] == {"like": "polyimide", "E": 3}
    assert changed["materials"]["post"] == {"like": "copper", "E": 100}
    assert changed["materials"]["chip"] == {"like": "silicon", "cte": 3}
    assert changed["load"] == {"temperature": -55}
    assert changed["metrics"] == {"length": [5, 1]}
    assert changed["probe"] == [{"name": "tip", "at": [0, 80]}, {"name": "foot"}]
    assert DATA["materials"]["post"] == "copper"
    assert "probe" not in DATA


def test_override_of_ratio_replaces_low_thickness_and_back() -> None:
    by_ratio = {**DATA, "geometry": {"ratio": 4, "high_thickness": 10}}
    case = parse_case(apply_overrides(by_ratio, ["geometry.low_thickness=33"]), "f")
    assert isinstance(case, BilayerCase)
    assert case.geometry.low_thickness == 33
    by_thickness = {**DATA, "geometry": {"low_thickness": 72, "high_thickness": 10}}
    case = parse_case(apply_overrides(by_thickness, ["geometry.ratio=5"]), "f")
    assert isinstance(case, BilayerCase)
    assert case.geometry.low_thickness == 50


def test_override_in_a_blocks_material_and_in_lists() -> None:
    data = {
        "stack": "blocks",
        "load": {"stress_free_temperature": 1, "temperature": 2},
        "block": [{"name": "a", "r": [0, 1], "z": [0, 1], "material": "copper"}],
    }
    case = parse_case(apply_overrides(data, ["block.0.material.E=90", "block.0.r.1=7"]), "f")
    assert isinstance(case, BlocksCase)
    assert case.block[0].material == MaterialSpec(like="copper", E=90)
    assert case.block[0].r == (0, 7)


# ---------------------------------------------------------------- writing


def again(text: str) -> Any:
    return parse_case(tomllib.loads(text), "again")


@pytest.mark.parametrize("name", list_cases())
def test_dump_reads_back_the_same(name: str) -> None:
    case, _ = load_case(name)
    text = dump_case(case, header="femsim\nsecond line")
    assert text.startswith("# femsim\n# second line\n\n")
    assert again(text).model_dump() == case.model_dump()
    assert dump_case(again(text)) == dump_case(case)


def test_floats_survive_to_the_last_bit() -> None:
    rng = random.Random(4)
    for _ in range(300):
        value = math.ldexp(rng.uniform(0.5, 1.0), rng.randint(-30, 6))
        case = parse_case({**DATA, "geometry": {"high_thickness": value}, "load": {"temperature": -value}}, "f")
        back = again(dump_case(case))
        assert back.geometry.high_thickness == value
        assert back.load.temperature == -value


def test_dump_writes_resolved_materials_and_every_default() -> None:
    case = parse_case(DATA, "f")
    table = Table(T=[-55, 25.1], value=[3.5, 1 / 3])
    resolved = MaterialSpec(
        E=table, nu=0.3, cte=Expansion(secant=table, reference=20.0), family="polyimide", **{"yield": 3.0}
    )
    data = tomllib.loads(
        dump_case(case, {"low": resolved, "chip": {"E": 1.0, "nu": 0.1, "cte": 2.0}, "void": {"E": 1.0}})
    )
    assert data["geometry"]["cell_radius"] == 150.0
    assert "ratio" not in data["geometry"]
    assert data["model"]["outer"] == "coupled"
    assert data["materials"]["low"]["E"] == {"T": [-55, 25.1], "value": [3.5, 1 / 3]}
    assert data["materials"]["low"]["yield"] == 3.0
    assert data["materials"]["chip"]["E"] == 1.0
    assert "void" not in data["materials"]
    back = parse_case(data, "f")
    assert back.materials["low"] == resolved


@pytest.mark.parametrize("name", list_cases())
def test_dump_with_all_materials_in_numbers(name: str) -> None:
    case, _ = load_case(name)
    text = dump_case(case, {})
    data = tomllib.loads(text)
    for spec in data.get("materials", {}).values():
        assert {"E", "nu", "cte"} <= set(spec) or "composite" in spec
    assert dump_case(again(text), {}) == text


def test_dump_writes_out_layers_and_composites() -> None:
    inner = {
        "composite": "mori-tanaka",
        "matrix": "epoxy-resin",
        "particles": {"like": "nickel", "E": 200.0},
        "fraction": 0.2,
    }
    data = {
        "stack": "staggered",
        "materials": {"insulation": inner, "chip": {"like": "fr4", "E": 20.0, "nu": 0.2}},
        "layer": [
            {"thickness": 3, "radius": 4, "material": "copper"},
            {"thickness": 3, "radius": 4, "material": "gold"},
        ],
    }
    text = dump_case(parse_case(data, "f"), {"layer_2": {"E": 1.0, "nu": 0.25, "cte": 3.0}})
    found = tomllib.loads(text)
    assert found["materials"]["insulation"]["particles"] == {
        **found["materials"]["insulation"]["particles"],
        "like": "nickel",
        "E": 200.0,
    }
    assert {"E", "nu", "cte", "like"} <= set(found["materials"]["insulation"]["matrix"])
    assert "G" not in found["materials"]["chip"]
    assert found["layer"][0]["material"]["like"] == "copper"
    assert found["layer"][0]["material"]["E"] > 50
    assert found["layer"][1]["material"] == {"E": 1.0, "nu": 0.25, "cte": 3.0}
    assert dump_case(again(text), {}) == text


def test_dump_of_names_with_quotes_lines_and_letters() -> None:
    name = 'a "quoted"\nname \\ µ ☃ \x07'
    case = parse_case({**DATA, "name": name, "probe": [{"name": name, "at": [0, 1]}]}, "f")
    text = dump_case(case, header="odd\x07\r\nheader = 1")
    back = again(text)
    assert (back.name, back.probe[0].name) == (name, name)


def test_dump_makes_mesh_files_absolute(tmp_path: Path) -> None:
    data = {
        "stack": "mesh",
        "mesh": {"file": "a/../part.msh"},
        "load": {"stress_free_temperature": 1, "temperature": {"point_data": "T"}},
    }
    case = parse_case(data, "f")
    assert isinstance(case, MeshCase)
    assert tomllib.loads(dump_case(case, base=tmp_path))["mesh"]["file"] == str(tmp_path / "part.msh")
    assert again(dump_case(case)) == case.model_copy(update={"name": ""})


# ---------------------------------------------------------------- no input breaks the reader


def test_random_mutations_end_in_a_case_or_one_line() -> None:
    """Values of every TOML type in every place: a case comes out, or an InputError of one line that names the file."""
    rng = random.Random(7)
    junk: list[Any] = [
        0, -1, 5, 1e9, 0.3, "x", "", "copper", True, [], [1], [1, 2], [1, 2, 3], ["a"], [[1, 2]], {}, {"a": 1}, {"E": 1}, {"like": "gold"},  # noqa: E501
        {"T": [1, 2], "value": [1, 2]}, [{}], [{"name": "n", "at": [0, 0]}], {"secant": 1}, {"point_data": "T"}, 10**200, -(10**25),  # noqa: E501
    ]  # fmt: skip
    outcomes = {"case": 0, "error": 0}
    for number in range(4000):
        stack = rng.choice(list(CASE_TYPES))
        data: dict[str, Any] = (
            {"stack": stack, "materials": dict(MATERIALS)} if rng.random() < 0.7 else {"stack": stack}
        )
        fields = list(CASE_TYPES[stack].model_fields)
        for _ in range(rng.randint(1, 4)):
            key = rng.choice([*fields, "odd"])
            if rng.random() < 0.4:
                data[key] = rng.choice(junk)
                continue
            annotation = (
                CASE_TYPES[stack].model_fields[key].annotation if key in CASE_TYPES[stack].model_fields else None
            )
            inner = list(getattr(annotation, "model_fields", {})) or [
                "name",
                "at",
                "r",
                "z",
                "E",
                "material",
                "point",
                "u_z",
                "low",
            ]
            table = {rng.choice(inner): rng.choice(junk) for _ in range(rng.randint(1, 3))}
            data[key] = table if rng.random() < 0.6 else [table]
        try:
            parse_case(data, "FILE")
            outcomes["case"] += 1
        except InputError as error:
            text = str(error)
            assert text.startswith("FILE: "), (number, data, text)
            assert "\n" not in text
            assert not any(
                noise in text
                for noise in ("Input should", "union", "function-", "constrained", "MaterialSpec", "ValueError")
            ), text
            outcomes["error"] += 1
    assert outcomes["error"] > 1000


# ---------------------------------------------------------------- whole files or none


def test_atomic_write_replaces_whole_files(tmp_path: Path) -> None:
    file = tmp_path / "f"
    atomic_write(file, "first")
    atomic_write(file, b"second")
    assert file.read_bytes() == b"second"
    with pytest.raises(TypeError):
        atomic_write(file, 5)  # type: ignore[arg-type]
    assert file.read_bytes() == b"second"
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_staged_directory_appears_whole(tmp_path: Path) -> None:
    target = tmp_path / "new" / "deep" / "out"
    with staged_directory(target) as stage:
        (stage / "sub").mkdir()
        (stage / "sub" / "a").write_text("1")
        assert not target.exists()
    assert (target / "sub" / "a").read_text() == "1"
    assert [p.name for p in target.parent.iterdir()] == ["out"]
    assert target.stat().st_mode & 0o777 == (tmp_path / "new").stat().st_mode & 0o777


def test_staged_directory_replaces_files_and_keeps_others(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").write_text("old")
    (tmp_path / "out" / "mine").write_text("mine")
    with staged_directory(tmp_path / "out") as stage:
        (stage / "a").write_text("new")
        assert (tmp_path / "out" / "a").read_text() == "old"
    assert {p.name: p.read_text() for p in (tmp_path / "out").iterdir()} == {"a": "new", "mine": "mine"}


def fill(target: Path, text: str, error: type[BaseException] | None = None) -> None:
    """Stage two files, and fail where asked to."""
    with staged_directory(target) as stage:
        (stage / "a").write_text(text)
        (stage / "b").write_text(text)
        if error is not None:
            raise error


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_staged_directory_leaves_nothing_after_a_failure(tmp_path: Path, error: type[BaseException]) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").write_text("old")
    for target in (tmp_path / "out", tmp_path / "other" / "below"):
        with pytest.raises(error):
            fill(target, "half", error)
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*")) == ["out", "out/a"]
    assert (tmp_path / "out" / "a").read_text() == "old"


def test_staged_directory_looks_before_it_moves(tmp_path: Path) -> None:
    (tmp_path / "out" / "b").mkdir(parents=True)
    (tmp_path / "out" / "a").write_text("old")
    with pytest.raises(InputError, match="is a directory where a file must go"):
        fill(tmp_path / "out", "new")
    assert (tmp_path / "out" / "a").read_text() == "old"
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a", "b"]


def test_check_target(tmp_path: Path) -> None:
    check_target(tmp_path / "a" / "b")
    check_target(tmp_path)
    assert not list(tmp_path.iterdir())
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    with pytest.raises(InputError, match="leads nowhere"):
        check_target(tmp_path / "dangling")
