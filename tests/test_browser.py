"""The report in a browser: nothing is complained of, all figures are there, tables fit a phone, the contour answers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_report import bilayer

from femsim.reports.report import write_outputs
from femsim.runs.run import run

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next((found for name in NAMES if (found := shutil.which(name))), None)
sync_api = pytest.importorskip("playwright.sync_api", reason="skipped: playwright is not installed")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="skipped: no chromium on this machine")
WIDTHS = (390, 1280)


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("browser") / "result"
    write_outputs(run(bilayer()), directory)
    return directory / "report.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(params=WIDTHS)
def page(browser: Any, page_file: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The page, loaded; what it says or asks the network for fails the test."""
    context = browser.new_context(viewport={"width": request.param, "height": 860})
    shown, said = context.new_page(), []
    shown.on("console", lambda message: said.append(message.text))
    shown.on("pageerror", lambda error: said.append(str(error)))
    shown.on("request", lambda asked: said.append(asked.url) if asked.url.startswith(("http", "ws")) else None)
    shown.goto(page_file.as_uri())
    shown.wait_for_selector("#viewer.on", timeout=20_000)
    yield shown
    assert said == []
    context.close()


def test_all_figures_are_there_and_nothing_is_wider_than_the_screen(page):
    sizes = page.eval_on_selector_all("img", "list => list.map((i) => [i.complete, i.naturalWidth, i.naturalHeight])")
    assert len(sizes) == 5
    assert all(done and wide > 100 and tall > 50 for done, wide, tall in sizes)
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


def test_the_headline_table_fits(page):
    """Peel, shear and von Mises can be read without scrolling sideways."""
    for cell in page.query_selector_all("table.head th, table.head td"):
        box = cell.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= page.viewport_size["width"]
    assert page.eval_on_selector(
        "table.head", "table => table.parentElement.scrollWidth <= table.parentElement.clientWidth"
    )
    assert page.locator(".verdict").bounding_box()["y"] < 250


def test_the_contour_answers_with_the_values_of_the_place(page):
    """At a probe's place it says what the probe says, on the side of the interface that is pointed at."""
    page.evaluate("window.scrollTo(0, document.getElementById('viewer').offsetTop)")
    answer = """([x, y]) => { const w = femsim.window(), [wide, tall] = femsim.size();
        const px = 46 + (x - w[0]) / (w[1] - w[0]) * (wide - 52), py = 6 + (w[3] - y) / (w[3] - w[2]) * (tall - 30);
        return femsim.probe(px, py); }"""
    inside, below, outside = (page.evaluate(answer, list(at)) for at in ((20.0, 6.0), (20.0, -6.0), (-30.0, 6.0)))
    assert (inside["region"], below["region"]) == ("post", "chip")
    assert outside is None
    assert inside["values"]["rr"] > 50 > 0 > below["values"]["rr"]
    assert inside["x"] == pytest.approx(20.0, abs=0.5)
    page.evaluate("femsim.show('root0')")
    assert page.evaluate("femsim.window()[1] - femsim.window()[0]") < 80


def test_component_tabs_slider_and_readout(page):
    box = page.locator("#viewer canvas").bounding_box()
    page.locator("#viewer [data-name=zz]").click()
    assert page.locator("#viewer [aria-selected=true]").inner_text() == "zz"
    page.wait_for_function("document.querySelector('#viewer .bar .name').textContent === 'stress zz, MPa'")
    page.locator("#viewer input[type=range]").fill("100")
    page.wait_for_function("document.querySelector('#viewer .scale').textContent.startsWith('×')")
    box = page.locator("#viewer canvas").bounding_box()
    page.locator("#viewer canvas").click(position={"x": 0.5 * box["width"], "y": 0.5 * box["height"]})
    said = page.locator("#viewer .readout").inner_text()
    assert "µm" in said
    assert "MPa" in said
    assert any(region in said for region in ("chip", "low", "post", "high"))


def test_it_prints(page, tmp_path):
    if page.viewport_size["width"] != max(WIDTHS):
        pytest.skip("once is enough")
    content = page.pdf(format="A4")
    assert content.startswith(b"%PDF")
    assert 4 <= content.count(b"/Type /Page\n") + content.count(b"/Type /Page/") + content.count(b"/Type /Page ") <= 40


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_dark_and_light(browser, page_file, scheme):
    context = browser.new_context(color_scheme=scheme)
    shown = context.new_page()
    shown.goto(page_file.as_uri())
    paper, ink = shown.evaluate(
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    )
    light = [sum(int(v) for v in colour[4:-1].split(",")) for colour in (paper, ink)]
    assert (light[0] < 200 < 500 < light[1]) if scheme == "dark" else (light[1] < 200 < 500 < light[0])
    context.close()
