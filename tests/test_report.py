"""What ``--out`` writes, and the report: one file, nothing from the network, every key, root, source; words escaped."""

from __future__ import annotations

import base64
import json
import re
import shutil
import zlib
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from femsim.base.errors import InputError
from femsim.cases.library import read_material
from femsim.cases.stacks.bilayer import BilayerCase
from femsim.cases.stacks.blocks import BlocksCase
from femsim.cli.main import main
from femsim.measures.stress import nodal_stress
from femsim.reports.content import report_data
from femsim.reports.page.verdict import verdict
from femsim.reports.plots.scene import in_regions
from femsim.reports.report import build_html, rebuild, write_outputs
from femsim.reports.words import error_text, fixed, number, proper, unit
from femsim.runs.results import results_dict
from femsim.runs.run import Run, run
from femsim.solvers.solve import Checks

VOID = {"meta", "img", "br", "link", "hr", "input"}
NASTY = "<b>&\"' $x$"


class Page(HTMLParser):
    """A page's tags with their attributes, its text, and whether every tag is closed where it should be."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.faults: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> at {self.getpos()}")

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("style", "script"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def bilayer() -> BilayerCase:
    return BilayerCase.model_validate(
        {
            "name": NASTY,
            "stack": "bilayer",
            "geometry": {"post_radius": 40.0},
            "materials": {
                "post": "copper",
                "low": {"like": "polyimide", "E": 2.5, "nu": 0.34, "cte": 50.0},
                "high": {"E": 15.0, "nu": 0.3, "cte": 10.0},
            },
            "mesh": {"size": 0.1, "growth": 2.0},
            "metrics": {"length": [5.0, 1.0]},
            "probe": [{"name": "<i>tip</i>", "at": [0.0, 90.0]}],
        }
    )


def plain() -> BlocksCase:
    """No root, no probe."""
    return BlocksCase.model_validate(
        {
            "name": "two layers",
            "stack": "blocks",
            "load": {"stress_free_temperature": 150.0, "temperature": 25.0},
            "block": [
                {"name": "a", "r": [0.0, 100.0], "z": [0.0, 50.0], "material": "silicon"},
                {"name": "b", "r": [0.0, 100.0], "z": [50.0, 60.0], "material": "copper"},
            ],
            "boundary": [{"z": 0.0, "u_z": 0.0}],
        }
    )


@pytest.fixture(scope="module")
def solved() -> Run:
    return replace(run(bilayer()), warnings=("material low: <known> from 25 to 150 degC only",))


@pytest.fixture(scope="module")
def written(solved, tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("out") / "result"
    paths = write_outputs(solved, directory)
    assert len(set(paths)) == len(paths)
    assert all(path.is_file() and path.is_relative_to(directory) for path in paths)
    assert {str(path.relative_to(directory)) for path in paths} == {
        str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()
    }
    return directory


@pytest.fixture(scope="module")
def html(written) -> str:
    return (written / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(html) -> Page:
    return Page(html)


def test_all_files_are_there(written):
    names = {str(path.relative_to(written)) for path in written.rglob("*") if path.is_file()}
    figures = {
        f"figures/{name}.png" for name in ("layout", "mesh", "stress", "root_post_root", "interface_post_root")
    } | {"figures/layout.svg"}
    assert names == {"case.toml", "metrics.json", "fields.vtu", "report.html"} | figures


def test_metrics_hold_the_json_of_solve(solved, written):
    document = json.loads((written / "metrics.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    expected = results_dict(solved)
    assert set(expected) <= set(document)
    assert document["metrics"]["roots"]["post_root"][0]["peel"] == expected["metrics"]["roots"]["post_root"][0]["peel"]


def test_case_reproduces_the_run(solved, written):
    from femsim.cases.casefile import load_case

    case, _ = load_case(written / "case.toml")
    again = run(case)
    for a, b in zip(again.roots, solved.roots, strict=True):
        assert (a.peel, a.shear, a.von_mises) == pytest.approx((b.peel, b.shear, b.von_mises), rel=1e-12)


def test_page_is_well_formed(page):
    assert page.faults == []
    assert page.open == []
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(set(ids)) == len(ids)
    for tag, attributes in page.tags:
        if tag == "a" and attributes["href"].startswith("#"):
            assert attributes["href"].removeprefix("#") in ids


def test_page_needs_no_other_file(html, page):
    links = 0
    for tag, attributes in page.tags:
        assert tag not in ("link", "iframe", "object", "embed")
        for name in ("src", "href", "srcset", "data", "action", "background"):
            value = attributes.get(name)
            if tag == "a" and value is not None and value.startswith("http"):  # a source, opened by a click only
                links += attributes["rel"] == "noopener noreferrer"
                continue
            assert value is None or value.startswith(("data:image/", "#")), (tag, name)
    assert links > 3
    assert "@import" not in html
    assert not re.search(r"url\(|fetch\(|XMLHttpRequest|import\(", html)
    assert len(html) < 3_000_000


def test_images_are_the_figures(written, page):
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(images) == 5
    for image in images:
        assert image["alt"]
        head, _, body = image["src"].partition(",")
        kind = "svg" if "svg" in head else "png"
        content = base64.b64decode(body)
        assert any(content == path.read_bytes() for path in (written / "figures").glob(f"*.{kind}"))


def test_words_of_users_are_escaped(html, page):
    assert NASTY in page.text
    assert "<b>&" not in html
    assert "<i>tip" not in html
    assert "material low: <known> from" in page.text


def test_every_key_of_the_case_is_listed(solved, page):
    for section, model in (
        ("geometry", solved.case.geometry),
        ("load", solved.case.load),
        ("model", solved.case.model),
        ("mesh", solved.case.mesh),
        ("metrics", solved.case.metrics),
    ):
        for name in type(model).model_fields:
            assert f"{section}.{name} " in page.text, name
    for key in ("name", "stack", "materials.post", "materials.low", "probe.0.name", "probe.0.at"):
        assert f"{key} " in page.text
    assert "geometry.post_radius 40 µm" in page.text
    assert 'materials.low { like = "polyimide", E = 2.5, nu = 0.34, cte = 50 }' in page.text
    first, _, rest = page.text.partition("keys at their defaults")
    assert "geometry.post_radius 40" in first
    assert "geometry.cell_radius 150 µm" in rest
    assert "geometry.cell_radius 150 µm" not in first


def test_units_are_written_as_people_write_them(page):
    assert not re.search(r"\d um\b|degC|uJ|J/m2", page.text)
    assert "150 °C" in page.text
    assert (
        proper("an average over 5 um at 25 degC: 3 uJ, 2 J/m2; album")
        == "an average over 5 µm at 25 °C: 3 µJ, 2 J/m²; album"
    )
    assert [unit(u) for u in ("um", "degC", "MPa um^0.4", "ppm/K")] == ["µm", "°C", "MPa µm^0.4", "ppm/K"]


def judged(run: Run) -> dict:
    document = json.loads(json.dumps(results_dict(run) | {"report": report_data(run)}))
    return verdict(document)


def test_the_verdict_says_the_highest_stress_and_what_it_means(solved):
    top = max((m for m in solved.roots if m.length == 5.0), key=lambda m: m.von_mises)
    found = judged(solved)
    assert (
        f"von Mises {fixed(top.von_mises, 1)} ± {error_text(top.von_mises_error)} MPa at post_root" in found["headline"]
    )
    assert "over 5 µm" in found["headline"]
    share = top.von_mises / solved.materials["post"].spec.yield_
    assert any(f"{100 * share:.0f} % of the yield strength of post" in line for line in found["lines"])


def test_the_verdict_names_what_was_not_resolved(solved):
    sharp = replace(solved, roots=tuple(m.with_errors([1e-4] * len(m.values)) for m in solved.roots))
    assert judged(sharp)["faults"] == []
    assert any("Every average is resolved" in line for line in judged(sharp)["lines"])
    coarse = [m.with_errors([1e-4, 0.2 * abs(m.shear), 1e-4]) if m.length == 1.0 else m for m in sharp.roots]
    found = judged(replace(sharp, roots=tuple(coarse)))
    assert found["level"] == "warn"
    assert any("shear at post_root over 1 µm" in fault and "(20 %)" in fault for fault in found["faults"])
    assert not any("5 µm" in fault for fault in found["faults"])
    bad = replace(sharp, solution=replace(solved.solution, checks=Checks(residual=1e-16, reaction=1e-3, energy=1e-16)))
    assert judged(bad)["level"] == "bad"
    assert any("check of the reaction failed" in fault for fault in judged(bad)["faults"])


def test_a_contour_holds_the_fields(solved, written):
    """What the page's script reads back: places, displacements, and the stress on both sides of an interface."""
    run = solved
    head, arrays = contour((written / "report.html").read_text(encoding="utf-8"))
    mesh, names = run.solution.model.mesh, head["components"]
    assert names == list(run.solution.model.kinematics.components)
    cells, place, stress = arrays["cell"], arrays["x"], arrays["s"]
    corner = mesh.points[mesh.cells[:, :4]]
    if len(cells) == len(mesh.cells):
        np.testing.assert_allclose(place[cells], corner, atol=1e-4)
    assert np.ptp(place, axis=0) == pytest.approx(np.ptp(mesh.points, axis=0))
    smooth = in_regions(mesh, nodal_stress(run.solution.field))
    largest = np.abs(smooth).max()
    assert stress.max() == pytest.approx(smooth.max(), rel=1e-3)
    assert largest > 100
    region = np.array(head["regions"])[arrays["region"][:, 0]]
    at = np.array([25.0, 0.0])
    sides = {}
    for name in ("chip", "post"):
        vertices = np.unique(cells[region == name])
        on = vertices[np.abs(place[vertices, 1]) < 1e-6]
        sides[name] = stress[on[np.argmin(np.abs(place[on, 0] - at[0]))], 0]
    assert sides["post"] > 100 > -50 > sides["chip"]


def contour(html: str) -> tuple[dict, dict[str, np.ndarray]]:
    """The contour of a page, unpacked as its script does it."""
    head = json.loads(re.search(r'id="field-head">(.*?)</script>', html, re.S)[1])
    raw = zlib.decompress(base64.b64decode(re.search(r'id="field-data">(.*?)</script>', html, re.S)[1]))
    found = {}
    for one in head["arrays"]:
        rows, wide = one["shape"][0], one["shape"][1] if len(one["shape"]) > 1 else 1
        size = int(one["type"][1])
        sorted_ = np.frombuffer(raw, np.uint8, rows * wide * size, one["start"]).reshape(wide, size, rows)
        values = np.ascontiguousarray(sorted_.transpose(0, 2, 1)).view("<" + one["type"])[..., 0].T
        found[one["name"]] = (
            np.cumsum(values, axis=0) if one["type"] == "i4" else values.astype(float if one["type"][0] == "f" else int)
        )
    return head, found


def test_every_root_and_average_is_listed(solved, page):
    for metric in solved.roots:
        assert metric.root.name in page.text
        for value in (metric.peel, metric.shear, metric.von_mises):
            assert fixed(value) in page.text
    for definition in ("no finite value", "taken in the conductor", "weighted with the radius", "discretisation error"):
        assert definition in page.text


def test_every_source_of_the_numbers_used_is_cited(page):
    for name, keys in (
        ("copper", ("youngs_modulus", "poisson_ratio", "cte")),
        ("silicon", ("youngs_modulus", "cte")),
        ("polyimide", ()),
    ):
        for key in keys:
            for source in read_material(name).sources(key):
                assert " ".join(source.citation().split()) in page.text
    assert "not yet checked" in page.text
    assert "read for this entry" in page.text


def test_overridden_numbers_cite_no_source(solved):
    low = next(entry for entry in report_data(solved)["materials"] if entry["regions"] == ["low"])
    rows = {row["key"]: row for row in low["rows"]}
    assert (rows["E"]["values"], rows["E"]["unit"], rows["E"]["origin"], rows["E"]["sources"]) == (
        ["2.5"],
        "GPa",
        "case",
        [],
    )
    assert rows["cte"]["origin"] == "case"
    assert rows["nu"]["origin"] == "library"
    high = next(entry for entry in report_data(solved)["materials"] if entry["regions"] == ["high"])
    assert high["origin"] == "case"
    assert high["sources"] == []


def test_checks_say_pass_and_fail(solved):
    assert {check["verdict"] for check in report_data(solved)["checks"]} == {"pass"}
    bad = replace(solved, solution=replace(solved.solution, checks=Checks(residual=1e-8, reaction=1e-3, energy=1e-16)))
    verdicts = {check["name"]: check["verdict"] for check in report_data(bad)["checks"]}
    assert verdicts == {"residual": "pass, less exact than usual", "reaction": "FAIL", "energy": "pass"}


def test_rebuilding_gives_the_same_page(written, html, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(written, copy)
    (copy / "report.html").unlink()
    assert rebuild(copy) == copy / "report.html"
    assert (copy / "report.html").read_text(encoding="utf-8") == html


@pytest.mark.parametrize(
    ("harm", "named"),
    [
        (lambda d: (d / "metrics.json").unlink(), "metrics.json"),
        (lambda d: (d / "case.toml").unlink(), "case.toml"),
        (lambda d: (d / "metrics.json").write_text("{"), "metrics.json"),
        (lambda d: (d / "metrics.json").write_text("[]"), "metrics.json"),
        (lambda d: (d / "metrics.json").write_text('{"report": {}}'), "metrics.json"),
        (lambda d: (d / "metrics.json").write_bytes(b"\xff\xfe"), "metrics.json"),
        (lambda d: (d / "figures" / "layout.svg").unlink(), "layout.svg"),
        (lambda d: (d / "fields.vtu").unlink(), "fields.vtu"),
        (lambda d: (d / "fields.vtu").write_text("<VTKFile"), "fields.vtu"),
    ],
)
def test_rebuilding_from_less_names_what_is_missing(written, tmp_path, harm, named):
    copy = tmp_path / "copy"
    shutil.copytree(written, copy)
    before = (copy / "report.html").read_bytes()
    harm(copy)
    with pytest.raises(InputError, match=re.escape(named)) as caught:
        rebuild(copy)
    assert "\n" not in str(caught.value)
    assert (copy / "report.html").read_bytes() == before


def test_a_figure_outside_the_folder_is_not_embedded(written):
    document = json.loads((written / "metrics.json").read_text(encoding="utf-8"))
    document["report"]["figures"][0]["name"] = "../../secret"
    with pytest.raises(InputError, match="no such figure"):
        build_html(document, written / "figures")


def test_a_case_without_roots_and_probes(tmp_path):
    write_outputs(run(plain()), tmp_path)
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert page.faults == []
    assert "names no root" in page.text
    assert "Probes" not in page.text
    assert not list((tmp_path / "figures").glob("root_*"))


def test_what_is_removed_is_told_as_not_there(tmp_path, capsys):
    """A layer removed in the last step has no stress: its rows say so, on the console and on the page."""
    case = tmp_path / "released.toml"
    case.write_text(
        'stack = "bilayer"\n[mesh]\nsize = 2.0\ngrowth = 2.0\n[[step]]\nname = "cool"\ntemperature = 25\n'
        '[[step]]\nname = "release"\ntemperature = 25\nremove = ["high"]\n'
        '[[probe]]\nname = "in_high"\nat = [100, 80]\nregion = "high"\n'
        '[[probe]]\nname = "in_low"\nat = [100, 10]\nregion = "low"\n'
        '[materials]\npost = "copper"\nlow = "polyimide"\nhigh = "epoxy-high-elastic"\n'
        "[load]\nstress_free_temperature = 150\n"
    )
    assert main(["solve", str(case), "--out", str(tmp_path / "out")]) == 0
    console = capsys.readouterr().out
    assert re.search(r"^high +not there", console, re.M)
    assert "probe in_high: its region is not there" in console
    page = Page((tmp_path / "out" / "report.html").read_text(encoding="utf-8"))
    assert page.faults == []
    assert page.text.count("not there in the last state") == 2


def test_numbers_in_words():
    assert [number(v) for v in (5.0, 0.001, 1234567.0, 16.500000001, None, True)] == [
        "5",
        "0.001",
        "1234567",
        "16.5",
        "-",
        "True",
    ]
    assert [fixed(v) for v in (-33.204, -0.001, None, float("nan"))] == ["\u221233.20", "0.00", "-", "-"]
    assert [error_text(v) for v in (0.14, 0.001, float("nan"), None)] == [
        "0.14",
        "< 0.01",
        "not estimated",
        "not estimated",
    ]


def test_many_figures_are_packed_into_a_small_page(written, html, monkeypatch):
    document = json.loads((written / "metrics.json").read_text(encoding="utf-8"))
    monkeypatch.setattr("femsim.reports.page.html.LARGEST", 10)
    small = build_html(document, written / "figures")
    assert len(small) < 0.7 * len(html)
    assert "field-data" not in small
    assert len([tag for tag, _ in Page(small).tags if tag == "img"]) == 5
