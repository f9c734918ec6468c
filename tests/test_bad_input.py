"""Wrong input: exit code 2, one line that names the file and the key, nothing on standard output, nothing written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import femsim
from femsim.cli.main import main

SOURCE = str(Path(femsim.__file__).parents[1])

GIVEN = {
    "materials": 'chip = "silicon"\npost = "copper"\nlow = { E = 2.5, nu = 0.34, cte = 50 }\nhigh = { E = 15, nu = '
    "0.3, cte = 10 }",
    "mesh": "size = 1\ngrowth = 3",
}


def bilayer(top: str = "", tail: str = "", **tables: str) -> str:
    """A sound bilayer case with some of its tables replaced or added."""
    sections = "\n".join(f"[{name}]\n{body}\n" for name, body in {**GIVEN, **tables}.items())
    return f'stack = "bilayer"\n{top}\n{sections}\n{tail}\n'


def low(spec: str) -> str:
    """A bilayer case whose low layer is made of ``spec``."""
    return bilayer(materials=f'post = "copper"\nhigh = "epoxy-moulding"\nlow = {spec}')


def blocks(
    block: str = "", load: str = "stress_free_temperature = 150\ntemperature = 25", tail: str = "", model: str = ""
) -> str:
    """A small case of painted blocks with one more block, or other tables."""
    first = '[[block]]\nname = "a"\nr = [0, 10]\nz = [0, 5]\nmaterial = "silicon"\n'
    return f'stack = "blocks"\n{first}{block}\n[load]\n{load}\n[mesh]\nsize = 5\n[model]\n{model}\n{tail}\n'


HELD = "[[boundary]]\npoint = [0, 0]\nu_z = 0\n"
BOX = 'name = "b"\nr = [0, 10]\nz = [5, 9]\n'

#: name -> (file, what the one line must say after the file's name)
CASES: dict[str, tuple[str | bytes, str]] = {
    # the file itself
    "empty": ("", "empty; a case file begins with stack ="),
    "comments-only": ("# nothing\n\n", "empty"),
    "binary": (bytes(range(256)) * 20, "not a text file (a zero byte at position 0)"),
    "latin-1": ('stack = "bilayer"\nname = "gr\xf6sse"'.encode("latin-1"), "not UTF-8 text (byte 0xf6 at position 28)"),
    "utf-16": ('stack = "bilayer"'.encode("utf-16"), "not a text file"),
    "huge-file": (b"# " + b"x" * 4_100_000, "larger than 4 MB"),
    "not-toml": ("hello", "line 1"),
    "yaml": ("stack: bilayer\ngeometry:\n  post_radius: 50\n", "line 1, column 6: not valid TOML"),
    "json": ('{"stack": "bilayer"}', "line 1"),
    "unquoted-text": ("stack = bilayer", "line 1, column 9: not valid TOML: not a value (text needs quotes"),
    "key-without-value": (bilayer(geometry="post_radius ="), "line 14, column 14: not valid TOML"),
    "open-bracket": ('stack = "bilayer"\nx = [1, 2', "line 2: not valid TOML"),
    "key-twice": (
        bilayer(geometry="post_radius = 5\npost_radius = 6"),
        "line 15, column 16: not valid TOML: a key or table is given twice",
    ),
    "table-twice": (bilayer(tail="[mesh]\nsize = 1"), "line 13, column 6: not valid TOML: a key or table is given twice"),  # noqa: E501
    "control-character": ('stack = "bi\x07layer"', "line 1"),
    "deep-arrays": ("a = " + "[" * 5000 + "]" * 5000, "nested deeper than 12 levels"),
    "deep-tables": (".".join("a" * 3000) + " = 1", "a.a.a: nested deeper than 12 levels"),
    # top level
    "no-stack": ('name = "x"\n[geometry]\npost_radius = 50', "stack: missing; one of bilayer, "),
    "stack-typo": ('stack = "bilayr"', "stack: 'bilayr' is not one of bilayer, "),
    "stack-number": ("stack = 5", "stack: 5 is not one of bilayer"),
    "stack-key-typo": ('stak = "bilayer"', "stak: unknown key (did you mean 'stack'?)"),
    "unknown-table": (bilayer(geometri="post_radius = 5"), "geometri: unknown key (did you mean 'geometry'?)"),
    "key-with-newline": (bilayer(top='"a\\nb" = 1'), "'a\\nb': unknown key"),
    "name-number": (bilayer(top="name = 5"), "name: 5 is not a text"),
    # geometry
    "unknown-key": (bilayer(geometry="post_radios = 50"), "geometry.post_radios: unknown key (did you mean " "'post_radius'?)"),  # noqa: E501
    "negative": (bilayer(geometry="post_radius = -5"), "geometry.post_radius: -5 is not > 0"),
    "negative-thickness": (bilayer(geometry="low_thickness = -72.5"), "geometry.low_thickness: -72.5 is not > 0"),
    "zero": (bilayer(geometry="chip_thickness = 0"), "geometry.chip_thickness: 0 is not > 0"),
    "negative-slope": (bilayer(geometry="slope_height = -1\nslope_width = 1"), "geometry.slope_height: -1 is not >= 0"),
    "text-for-number": (bilayer(geometry='post_radius = "fifty"'), "geometry.post_radius: 'fifty' is not a number"),
    "quoted-number": (
        bilayer(geometry='post_radius = "50"'),
        "geometry.post_radius: '50' is not a number (leave out the quotes)",
    ),
    "boolean": (bilayer(geometry="post_radius = true"), "geometry.post_radius: true is not a number"),
    "date": (bilayer(geometry="post_radius = 1979-05-27"), "geometry.post_radius: 1979-05-27 is not a number"),
    "list-for-number": (bilayer(geometry="post_radius = [50]"), "geometry.post_radius: [50] is not a number"),
    "table-for-number": (bilayer(geometry="post_radius = { a = 1 }"), "geometry.post_radius: a table is not a number"),
    "number-for-table": (bilayer(top="geometry = 5"), "geometry: 5 is not a table"),
    "nan": (bilayer(geometry="post_radius = nan"), "geometry.post_radius: nan is not a finite number"),
    "inf": (bilayer(geometry="post_radius = -inf"), "geometry.post_radius: -inf is not a finite number"),
    "overflow": (bilayer(geometry="post_radius = 1e400"), "geometry.post_radius: inf is not a finite number"),
    "integer-400-digits": (
        bilayer(geometry=f"post_radius = {'9' * 400}"),
        "geometry.post_radius: an integer of more than 300 digits",
    ),
    "integer-9000-digits": (bilayer(geometry=f"post_radius = {'9' * 9000}"), "an integer of thousands of digits"),
    "huge-hex": (bilayer(geometry=f"post_radius = 0x{'f' * 9000}"), "geometry.post_radius: an integer of more than 300 " "digits"),  # noqa: E501
    "metres-for-um": (bilayer(geometry="cell_radius = 1e9"), "geometry.cell_radius: 1e+09 is not <= 1e+07"),
    "post-wider-than-cell": (
        bilayer(geometry="post_radius = 50\ncell_radius = 40"),
        "geometry.post_radius: 50 is not < cell_radius (40)",
    ),
    "slope-wider-than-cell": (
        bilayer(geometry="slope_height = 5\nslope_width = 100"),
        "geometry.slope_width: 100 is not < cell_radius - post_radius (100)",
    ),
    "slope-above-resin": (
        bilayer(geometry="slope_height = 18\nslope_width = 20"),
        "geometry.slope_height: 18 is not < high_thickness (18)",
    ),
    "half-a-slope": (bilayer(geometry="slope_height = 5"), "geometry.slope_width: 0 is not > 0, but slope_height is 5"),
    "ratio-and-low": (bilayer(geometry="ratio = 4\nlow_thickness = 72"), "geometry: give low_thickness or ratio, not both"),  # noqa: E501
    "ratio-negative": (bilayer(geometry="ratio = -4"), "geometry.ratio: -4 is not > 0"),
    "pad-without-thickness": (
        bilayer(geometry="pad_radius = 60"),
        "geometry.pad_thickness: 0 is not > 0, but pad_radius is 60",
    ),
    "three-faults": (
        bilayer(geometry="post_radius = -5\nchip_thickness = 'x'\npost_radios = 3"),
        "geometry.post_radios: unknown key (did you mean 'post_radius'?) (and 2 more)",
    ),
    # materials
    "no-materials": ('stack = "bilayer"', "materials.post: missing; give a library name or"),
    "missing-role": (bilayer(materials='post = "copper"\nlow = "polyimide"'), "materials.high: missing"),
    "missing-pad": (bilayer(geometry="pad_thickness = 1"), "materials.pad: missing"),
    "unknown-role": (bilayer(materials=GIVEN["materials"] + '\nlowe = "copper"'), "materials.lowe: no role of that name"),  # noqa: E501
    "unknown-material": (low('"polyimid"'), "materials.low: no material 'polyimid' in the library (did you mean " "'polyimide'?)"),  # noqa: E501
    "unknown-like": (
        low('{ like = "coper" }'),
        "materials.low.like: no material 'coper' in the library (did you mean 'copper'?)",
    ),
    "path-as-material": (low('"../copper"'), "materials.low: no material '../copper' in the library"),
    "material-number": (low("5"), "materials.low: 5 is not a name or a table"),
    "material-empty": (low('""'), "materials.low: is empty"),
    "material-unknown-key": (
        low("{ E = 2, nu = 0.3, cte = 1, colour = 3 }"),
        "materials.low.colour: unknown key; allowed: like, E, nu",
    ),
    "material-other-word": (low("{ E = 2, alpha = 1 }"), "materials.low.alpha: unknown key (did you mean 'cte'?)"),
    "material-symbol": (low('"Cu"'), "materials.low: no material 'Cu' in the library (did you mean 'copper'?)"),
    "key-one-table-up": (bilayer("post_radius = 30"), "post_radius: unknown key (did you mean 'geometry.post_"),
    "boundary-table": (bilayer(tail="[boundary]\nz = 3"), "boundary: a table is not a list; write [[boundary]]"),
    "material-no-nu": (low("{ E = 2, cte = 5 }"), "materials.low.nu: missing"),
    "E-zero": (low("{ E = 0, nu = 0.3, cte = 5 }"), "materials.low.E: 0 is not > 0"),
    "E-negative-table": (low("{ E = { T = [0, 100], value = [1, -1] }, nu = 0.3, cte = 5 }"), "materials.low.E: -1 is not > 0"),  # noqa: E501
    "E-huge": (low("{ E = 1e300, nu = 0.3, cte = 5 }"), "materials.low.E: 1e+300 is not <= 100000"),
    "E-tiny": (low("{ E = 1e-300, nu = 0.3, cte = 5 }"), "materials.low.E: 1e-300 is not >= 1e-10"),
    "E-pascal-text": (
        low('{ E = "2.5 GPa", nu = 0.3, cte = 5 }'),
        "materials.low.E: '2.5 GPa' is not a number, a table or a list",
    ),
    "E-boolean": (low("{ E = true, nu = 0.3, cte = 5 }"), "materials.low.E: true is not a number"),
    "nu-half": (low("{ E = 2, nu = 0.5, cte = 5 }"), "materials.low.nu: 0.5 is not between -1 and 0.5"),
    "nu-nan": (low("{ E = 2, nu = nan, cte = 5 }"), "materials.low.nu: nan is not a finite number"),
    "cte-huge": (low("{ E = 2, nu = 0.3, cte = 1e9 }"), "materials.low.cte: 1e+09 is not between -10000 and 10000"),
    "table-lengths": (
        low("{ E = { T = [0, 1], value = [1] }, nu = 0.3, cte = 5 }"),
        "materials.low.E: T has 2 entries, value has 1",
    ),
    "table-descends": (low("{ E = { T = [9, 1], value = [1, 2] }, nu = 0.3, cte = 5 }"), "materials.low.E: T must ascend"),  # noqa: E501
    "table-typo": (
        low("{ E = { T = [1, 9], valu = [1, 2] }, nu = 0.3, cte = 5 }"),
        "materials.low.E.valu: unknown key (did you mean 'value'?)",
    ),
    "two-expansions": (
        low("{ E = 2, nu = 0.3, cte = { secant = 1, instantaneous = 1 } }"),
        "materials.low.cte: give either secant or",
    ),
    "no-reference": (
        low("{ E = 2, nu = 0.3, cte = { secant = { T = [0, 1], value = [1, 2] } } }"),
        "materials.low.cte: a secant table needs its reference temperature",
    ),
    "two-values": (low("{ E = [1, 2], nu = 0.3, cte = 5 }"), "materials.low.E"),
    "orthotropic-no-G": (
        low("{ E = [1, 2, 3], nu = [0.1, 0.1, 0.1], cte = 5 }"),
        "materials.low.G: an orthotropic material needs",
    ),
    "orthotropic-impossible": (
        low("{ E = [1, 100, 1], nu = [0.4, 0.4, 0.4], G = [1, 1, 1], cte = 5 }"),
        "materials.low: the stiffness is not positive definite",
    ),
    "composite-typo": (
        low('{ composite = "mori-tanka", matrix = "bcb", particles = "gold", fraction = 0.1 }'),
        "materials.low.composite: 'mori-tanka' is not one of mori-tanaka",
    ),
    "composite-key": (
        low('{ composite = "mori-tanaka", matrx = "bcb", particles = "gold", fraction = 0.1 }'),
        "materials.low.matrx: unknown key (did you mean 'matrix'?)",
    ),
    "composite-fraction": (
        low('{ composite = "mori-tanaka", matrix = "bcb", particles = "gold", fraction = 1.1 }'),
        "materials.low.fraction: 1.1 is not <= 1",
    ),
    "composite-part": (
        low('{ composite = "mori-tanaka", matrix = "bcbb", particles = "gold", fraction = 0.1 }'),
        "materials.low.matrix: no material 'bcbb' in the library (did you mean 'bcb'?)",
    ),
    "composite-inner": (
        low('{ composite = "mori-tanaka", matrix = { E = 0, nu = 0.3, cte = 1 }, particles = "gold", fraction = 0.1 }'),
        "materials.low.matrix.E: 0 is not > 0",
    ),
    "yield-negative": (low('{ like = "copper", yield = -1 }'), "materials.low.yield: -1 is not > 0"),
    # load, model, mesh, metrics
    "temperature-text": (
        bilayer(load='temperature = "cold"'),
        "load.temperature: 'cold' is not a number, a list or a table",
    ),
    "below-absolute-zero": (bilayer(load="temperature = -300"), "load.temperature: -300 is not >= -273.15"),
    "point-data-typo": (
        bilayer(load='temperature = { pointdata = "T" }'),
        "load.temperature.pointdata: unknown key (did you mean 'point_data'?)",
    ),
    "point-data-without-file": (bilayer(load='temperature = { point_data = "T" }'), "load.temperature"),
    "outer-typo": (
        bilayer(model='outer = "couppled"'),
        "model.outer: 'couppled' is not one of free, fixed, coupled, straight, periodic (did you mean 'coupled'?)",
    ),
    "kinematics-number": (bilayer(model="kinematics = 2"), "model.kinematics: 2 is not one of axisymmetric"),
    "element-typo": (bilayer(model='element = "quad10"'), "model.element: 'quad10' is not one of quad4"),
    "triangles-here": (bilayer(model='element = "tri6"'), "model.element: 'tri6' is for imported meshes"),
    "mesh-size-zero": (bilayer(mesh="size = 0"), "mesh.size: 0 is not >= 1e-07"),
    "mesh-growth-one": (bilayer(mesh="growth = 1"), "mesh.growth: 1 is not >= 1.05"),
    "length-zero": (bilayer(metrics="length = 0"), "metrics.length: 0 is not > 0"),
    "length-empty": (bilayer(metrics="length = []"), "metrics.length: give at least one length"),
    "length-mixed": (bilayer(metrics='length = [5, "x"]'), "metrics.length.1: 'x' is not a number"),
    "length-longer-than-post": (bilayer(metrics="length = 60"), "metrics.length: 60"),
    # probes and boundaries
    "probe-as-table": (bilayer(probe='name = "x"\nat = [0, 1]'), "probe: a table is not a list"),
    "probe-one-number": (bilayer(tail='[[probe]]\nname = "x"\nat = [5]'), "probe.0.at: [5] has too few entries"),
    "probe-three-numbers": (
        bilayer(tail='[[probe]]\nname = "x"\nat = [5, 1, 2]'),
        "probe.0.at: 3 numbers; kinematics axisymmetric needs 2",
    ),
    "probe-no-name": (bilayer(tail="[[probe]]\nat = [5, 1]"), "probe.0.name: missing"),
    "probe-twice": (bilayer(tail='[[probe]]\nname = "x"\nat = [5, 1]\n' * 2), "probe: two probes are named 'x'"),
    "probe-outside": (bilayer(tail='[[probe]]\nname = "x"\nat = [5000, 1]'), "probe"),
    "probe-region": (bilayer(tail='[[probe]]\nname = "x"\nat = [0, 1]\nregion = "pst"'), "probe"),
    "boundary-nowhere": (
        bilayer(tail="[[boundary]]\nu_r = 0"),
        "boundary.0: give exactly one of on, r, z, x, y, point (given: none)",
    ),
    "boundary-twice": (bilayer(tail='[[boundary]]\non = "axis"\nr = 0\nu_r = 0'), "boundary.0: give exactly one of"),
    "boundary-nothing": (bilayer(tail='[[boundary]]\non = "axis"'), "boundary.0: give at least one of u_r"),
    "boundary-line": (bilayer(tail='[[boundary]]\non = "bak"\nu_z = 0'), "boundary.0.on: no line 'bak' (did you mean " "'back'?)"),  # noqa: E501
    "boundary-off-body": (bilayer(tail="[[boundary]]\nz = 777\nu_z = 0"), "boundary.0.z: no node at z = 777 um"),
    "boundary-plane-key": (bilayer(tail='[[boundary]]\non = "back"\nu_x = 0'), "boundary.0.u_x: not a displacement of kinematics axi"),  # noqa: E501
    "point-pressure": (
        bilayer(tail="[[boundary]]\npoint = [0, 0]\npressure = 5"),
        "boundary.0: a point cannot carry a pressure",
    ),
    "traction-number": (bilayer(tail='[[boundary]]\non = "back"\ntraction = 5'), "boundary.0.traction: 5 is not a list"),  # noqa: E501
    "traction-huge": (
        bilayer(tail='[[boundary]]\non = "back"\ntraction = [1e300, 0]'),
        "boundary.0.traction.0: 1e+300 is not <= 1e+07",
    ),
    "contradiction": (bilayer(tail='[[boundary]]\non = "back"\nu_z = 3'), "boundary.0.u_z: 3 contradicts 0"),
    # blocks
    "blocks-none": (
        'stack = "blocks"\nblock = []\n[load]\nstress_free_temperature = 1\ntemperature = 2',
        "block: needs at least 1 entry",
    ),
    "blocks-no-load": (blocks(load="temperature = 25"), "load.stress_free_temperature: missing; it has no default"),
    "blocks-reversed": (
        blocks('[[block]]\nname = "b"\nr = [9, 1]\nz = [0, 1]\nmaterial = "copper"'),
        "block.1.r: [9, 1] does not ascend",
    ),
    "blocks-negative-r": (
        blocks('[[block]]\nname = "b"\nr = [-1, 1]\nz = [0, 1]\nmaterial = "copper"'),
        "block.1.r: -1 is not >= 0",
    ),
    "blocks-same-name": (
        blocks('[[block]]\nname = "a"\nr = [0, 1]\nz = [0, 1]\nmaterial = "gold"'),
        "block.1.material: is not that of the other block named 'a'",
    ),
    "blocks-no-material": (blocks(f"[[block]]\n{BOX}"), "block.1.material: missing"),
    "blocks-bad-material": (
        blocks(f'[[block]]\n{BOX}material = "cooper"'),
        "block.1.material: no material 'cooper' in the library",
    ),
    "blocks-one-side": (blocks('[[block]]\nname = "b"\nr = [0, 1]\nmaterial = ' '"copper"'), "block.1: give r and z, or x and y"),  # noqa: E501
    "blocks-xy-in-rz": (
        blocks(model='kinematics = "plane-strain"'),
        "block: kinematics plane-strain needs x and y in every block",
    ),
    "blocks-painted-over": (
        blocks('[[block]]\nname = "b"\nr = [0, 10]\nz = [0, 5]\nmaterial = "copper"', tail=HELD),
        "block.a",
    ),
    "blocks-loose": (blocks(), "boundary: the body can still move along z"),
    "blocks-apart": (
        blocks('[[block]]\nname = "b"\nr = [0, 10]\nz = [7, 9]\nmaterial = "copper"', tail=HELD),
        "boundary: the part of b (2 parts are not connected) can still move along z",
    ),
    "blocks-root-off-corner": (
        blocks(tail=HELD + '[[root]]\nname = "r"\nat = [3, 3]\nregion = "a"'),
        "root.r.at: (3, 3) is not a corner",
    ),
    "blocks-root-region": (
        blocks(tail=HELD + '[[root]]\nname = "r"\nat = [0, 0]\nregion = "aa"'),
        "root.r.region: 'aa' is not a block",
    ),
}  # fmt: skip


def check(directory: Path, argv: list[str], capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Run the command; assert how a refusal looks; return its line."""
    before = {p: p.stat().st_mtime_ns for p in directory.rglob("*")}
    code = main(argv)
    out, err = capsys.readouterr()
    assert code == 2, (code, err)
    assert out == ""
    lines = err.splitlines()
    assert len(lines) == 1, err
    assert lines[0].startswith("femsim: error: ")
    assert len(lines[0]) < 400
    assert "Traceback" not in err
    for word in words:
        assert word in lines[0], lines[0]
    assert {p: p.stat().st_mtime_ns for p in directory.rglob("*")} == before, "something was written"
    return lines[0]


@pytest.mark.parametrize("name", CASES)
def test_wrong_case_file(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content, said = CASES[name]
    file = tmp_path / "wrong.toml"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    check(
        tmp_path, ["solve", str(file), "--out", str(tmp_path / "out"), "--json", "--quiet"], capsys, f"{file}: {said}"
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["binary", "negative", "nan", "blocks-loose", "deep-arrays", "E-zero"])
def test_wrong_case_file_as_a_process(name: str, tmp_path: Path) -> None:
    content, said = CASES[name]
    (tmp_path / "wrong.toml").write_bytes(content.encode() if isinstance(content, str) else content)
    command = [sys.executable, "-m", "femsim", "solve", "wrong.toml", "--out", "out", "--quiet"]
    environment = {**os.environ, "PYTHONPATH": SOURCE}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"femsim: error: wrong.toml: {said}")
    assert done.stderr.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["wrong.toml"]


def test_count() -> None:
    assert len(CASES) >= 100


def test_sound_case_of_this_page_is_sound(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The pieces the wrong files are made of are right by themselves: each file above has exactly the fault it
    names.
    """
    for name, text in (("bilayer", bilayer()), ("blocks", blocks(tail=HELD)), ("low", low('"polyimide"'))):
        file = tmp_path / f"{name}.toml"
        file.write_text(text)
        code = main(["solve", str(file), "--quiet"])
        assert code == 0, capsys.readouterr().err


# ---------------------------------------------------------------- overrides, places, commands

OVERRIDES = {
    "geometry.post_radios=5": "geometry.post_radios: unknown key (did you mean 'post_radius'?) (set by --set)",
    "geometry.post_radius=-5": "geometry.post_radius: -5 is not > 0 (set by --set)",
    "geometry.post_radius=abc": "geometry.post_radius: 'abc' is not a number (set by --set)",
    "geometry.post_radius=[1": "'[1' is not a TOML value",
    "geometry.post_radius": "not of the form KEY=VALUE",
    "geometry.post_radius=": "no value after '='",
    "=5": "not of the form KEY=VALUE",
    "geometry.post_radius.x=5": "geometry.post_radius: ",
    "materials.low.Em=5": "materials.low.Em: unknown key",
    "materials.low.E=0": "materials.low.E: 0 is not > 0 (set by --set)",
    "materials.lou.E=3": "materials.lou: no role of that name",
    "probe.3.name=x": "probe.3: '3' is not the number of an entry",
    "load.temperature=nan": "load.temperature: nan is not a finite number",
    "geometry..post_radius=4": "'geometry..post_radius' is not a key",
    "x=1\ny=2": "is not a TOML value",
    "stack=flip": "stack: 'flip' is not one of",
}


@pytest.mark.parametrize("override", OVERRIDES)
def test_wrong_override(override: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "sound.toml"
    file.write_text(bilayer(geometry="post_radius = 50"))
    check(
        tmp_path, ["solve", str(file), "--set", override, "--out", str(tmp_path / "out")], capsys, OVERRIDES[override]
    )


def test_missing_file_names_the_nearest_shipped_case(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check(tmp_path, ["solve", "bilyer"], capsys, "bilyer: no such file", "did you mean 'bilayer'?")
    check(tmp_path, ["solve", str(tmp_path / "nothing.toml")], capsys, "nothing.toml: no such file")
    check(tmp_path, ["solve", str(tmp_path)], capsys, "is a directory, not a case file")
    check(tmp_path, ["solve", "a\nb\0c"], capsys, "a?b?c")
    check(tmp_path, ["solve", "x" * 300 + ".toml"], capsys, "xxx.toml: file name too long")


def test_wrong_place_for_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Found before anything is read or solved."""
    file = tmp_path / "a-file"
    file.write_text("mine")
    check(tmp_path, ["solve", "bilayer", "--out", str(file)], capsys, "--out", "is a file, not a directory")
    check(tmp_path, ["solve", "bilayer", "--out", str(file / "below")], capsys, "--out", "is a file, not a directory")
    check(tmp_path, ["solve", "bilayer", "--out", "/proc/nowhere"], capsys, "--out: /proc/nowhere: cannot be written")
    check(tmp_path, ["mesh", "bilayer", "--to", str(tmp_path / "x.stl")], capsys, "--to", "is not one of .vtu, .msh")
    check(tmp_path, ["mesh", "bilayer", "--to", str(tmp_path / "no" / "x.vtu")], capsys, "no such directory")
    assert file.read_text() == "mine"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ([], "the following arguments are required: command"),
        (["slove", "bilayer"], "no command 'slove' (did you mean 'solve'?)"),
        (["solve"], "the following arguments are required: CASE"),
        (["solve", "bilayer", "--jsn"], "--jsn: no option of solve (did you mean '--json'?)"),
        (["view", "there", "--out=x"], "--out: no option of view; see femsim view --help"),
        (["report", "there", "more"], "more: one argument too many; see femsim report --help"),
        (["solve", "bilayer", "--set", "materials.low={like=bcb}"], 'texts in it stand in quotes, "bcb"'),
        (["sweep", "bilayer"], "is a shipped case, not a study"),
        (["solve", "bilayer", "--out"], "expected one argument"),
        (["materials", "coper"], "no material 'coper' in the library (did you mean 'copper'?)"),
        (["stacks", "bilayr"], "no stack 'bilayr' (did you mean 'bilayer'?)"),
        (["schema", "cases"], "which: 'cases' is not one of case, study (did you mean 'case'?)"),
        (["sweep", "bilayer-windows", "--workers", "many"], "--workers: 'many' is not a whole number > 0"),
        (["report", "nowhere"], "nowhere: no such directory of results"),
    ],
)
def test_wrong_command(argv: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check(tmp_path, argv, capsys, said)


# ---------------------------------------------------------------- mesh files

POINTS = ["1 0 0 0", "2 1 0 0", "3 2 0 0", "4 0 1 0", "5 1 1 0", "6 2 1 0"]


def msh(
    elements: list[str],
    names: tuple[str, ...] = ('2 1 "left"', '2 2 "right"', '1 3 "foot"'),
    points: list[str] = POINTS,
) -> str:
    """A gmsh 2.2 file of two squares side by side."""
    return "\n".join(
        ["$MeshFormat", "2.2 0 8", "$EndMeshFormat", "$PhysicalNames", str(len(names)), *names, "$EndPhysicalNames",
         "$Nodes", str(len(points)), *points, "$EndNodes", "$Elements", str(len(elements)), *elements, "$EndElements", ""]  # noqa: E501
    )  # fmt: skip


LEFT, RIGHT = "1 3 2 1 1 1 2 5 4", "2 3 2 2 2 2 3 6 5"
FOOT = ["3 1 2 3 3 1 2", "4 1 2 3 3 2 3"]
SOUND = msh([LEFT, RIGHT, *FOOT])
CASE = """stack = "mesh"
[mesh]
file = "part.msh"
[materials]
left = "silicon"
right = "copper"
[load]
stress_free_temperature = 150
temperature = 25
[[boundary]]
on = "foot"
u_z = 0
"""

#: name -> (case file, mesh file or None, what the line must say)
MESHES: dict[str, tuple[str, str | bytes | None, str]] = {
    "no-file": (CASE, None, "part.msh: mesh file not found"),
    "empty-file": (CASE, "", "part.msh: is empty"),
    "binary-rubbish": (CASE, bytes(range(256)) * 4, "part.msh: "),
    "truncated-in-elements": (CASE, SOUND[: SOUND.index("$Elements") + 25], "part.msh: is truncated"),
    "truncated-in-nodes": (CASE, SOUND[: SOUND.index("$Nodes") + 30], "part.msh: is truncated"),
    "truncated-number": (CASE, SOUND.replace("2 3 2 2 2 2 3 6 5", "2 3 2 2 2 2 3 6"), "part.msh: "),
    "empty-group": (
        CASE,
        msh([LEFT, RIGHT, *FOOT], ('2 1 "left"', '2 2 "right"', '1 3 "foot"', '2 9 "ghost"')),
        "group 'ghost'",
    ),
    "mixed-up-tag": (CASE, msh([LEFT, RIGHT, *FOOT], ('1 1 "left"', '2 2 "right"', '2 3 "foot"')), "part.msh: "),
    "line-tag-on-cells": (CASE, msh([LEFT, "2 3 2 3 2 2 3 6 5", *FOOT]), "part.msh: "),
    "unknown-node": (CASE, msh([LEFT, "2 3 2 2 2 2 3 99 5", *FOOT]), "node 99"),
    "inverted-cell": (CASE, msh([LEFT, "2 3 2 2 2 2 6 3 5", *FOOT]), "part.msh: "),
    "region-without-material": (CASE.replace('right = "copper"\n', ""), SOUND, "materials.right: missing"),
    "material-without-region": (
        CASE.replace("right =", "rihgt ="),
        SOUND,
        "materials.rihgt: no region or role of that name",
    ),
    "unknown-line": (CASE.replace('"foot"', '"fot"'), SOUND, "boundary.0.on: no line 'fot' (did you mean 'foot'?)"),
    "cells-in-no-group": (CASE, msh([LEFT, "2 3 2 0 2 2 3 6 5", *FOOT]), "part.msh: "),
    "negative-radius": (
        CASE,
        msh([LEFT, RIGHT, *FOOT], points=["1 -3 0 0", *POINTS[1:]]),
        "an axisymmetric model needs r >= 0",
    ),
    "no-point-data": (
        CASE.replace("temperature = 25", 'temperature = { point_data = "T" }'),
        SOUND,
        "load.temperature.point_data",
    ),
    "unknown-unit": (
        CASE.replace('"part.msh"', '"part.msh"\nlength_unit = "km"'),
        SOUND,
        "mesh.length_unit: 'km' is not one of nm, um",
    ),
    "unknown-format": (CASE.replace("part.msh", "part.xyzq"), None, "part.xyzq: "),
    "quads-as-triangles": (CASE + '[model]\nelement = "tri6"', SOUND, "element"),
    "size-of-a-mesh-file": (CASE.replace('"part.msh"', '"part.msh"\nsize = 5'), SOUND, "mesh.size: unknown key"),
    "no-load": (CASE.replace("temperature = 25\n", ""), SOUND, "load.temperature: missing"),
    "nan-node": (CASE, msh([LEFT, RIGHT, *FOOT], points=["1 nan 0 0", *POINTS[1:]]), "part.msh: "),
}


@pytest.mark.parametrize("name", MESHES)
def test_wrong_mesh_file(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case, content, said = MESHES[name]
    file = tmp_path / "wrong.toml"
    file.write_text(case)
    if content is not None:
        (tmp_path / "part.msh").write_bytes(content.encode() if isinstance(content, str) else content)
    check(tmp_path, ["solve", str(file), "--out", str(tmp_path / "out"), "--quiet"], capsys, f"{file}: ", said)


def test_sound_mesh_file_is_sound(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "case.toml").write_text(CASE)
    (tmp_path / "part.msh").write_text(SOUND)
    assert main(["solve", str(tmp_path / "case.toml"), "--quiet"]) == 0, capsys.readouterr().err
