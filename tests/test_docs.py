"""The documentation's pages and examples are run, as the build of the site does, here without drawing figures."""

from __future__ import annotations

import functools
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "docs"))

import running  # noqa: E402

PAGES = sorted((ROOT / "docs" / "pages").glob("*.md"))
EXAMPLES = sorted((ROOT / "docs" / "gallery").glob("*.toml"))
#: commands whose work is the same as another page's, run by the build of the site alone
LONG = re.compile(
    r"femsim (compare staggered|solve (flipchip|bilayer --out)|claims|optimise|sweep-report|compare .*--uncertain)"
)


@pytest.fixture(autouse=True)
def without_figures(monkeypatch):
    """Results without pictures, drawn by nobody beside this process."""
    import femsim.reports.artist as artist
    import femsim.reports.report as report

    monkeypatch.setattr(report, "plates", lambda run: [])
    monkeypatch.setattr(artist, "Artist", functools.partial(_alone, artist.Artist))


def _alone(kind, beside=False, svg=False):
    return kind(svg=svg)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("page", [p for p in PAGES if p.stem != "viewing"], ids=lambda path: path.stem)
def test_page(page, tmp_path, monkeypatch):
    real = running.femsim
    monkeypatch.setattr(running, "femsim", lambda command: "..." if LONG.match(command) else real(command))
    monkeypatch.setattr(running, "same", functools.partial(_same, running.same))
    running.run_page(page.read_text(encoding="utf-8"), tmp_path)


def _same(real, wanted, got):
    return got == "..." or real(wanted, got)


def test_a_page_shows_what_came_and_names_its_files():
    """Parts left out are filled on the site, which takes a name behind a block's language for text."""
    assert running.filled("a\n...\n", "a\nb\ntime: 1 s\n\nwritten to x\n") == "a\nb\n"
    assert running.filled("a b\n", "a  b\n") == "a b\n"
    long = running.filled("...\n", "line\n" * 100).splitlines()
    assert (len(long), long[-1]) == (running.LONGEST + 1, "...")
    page = "```toml post.toml\nx = 1\n```\n```file deck.inp\n*NODE\n```\n```toml\ny = 2\n```\n"
    titled = running.titled(page)
    assert '```toml title="post.toml"\n' in titled
    assert '```text title="deck.inp"\n' in titled
    assert "```toml\ny" in titled


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example(example):
    """Every example of the gallery is a case that is valid, and meshes."""
    from femsim.builders.build import discretise, resolve_materials
    from femsim.cases.casefile import load_case

    case, origin = load_case(example)
    disc = discretise(case, origin.base)
    assert set(resolve_materials(case, disc)) >= set(disc.mesh.regions)


def test_there_are_enough_examples():
    assert len(EXAMPLES) >= 12


def test_every_page_has_its_place():
    listed = re.findall(r": ([\w-]+\.md)$", (ROOT / "docs" / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    made = {"gallery.md", "notebook.md", "verification.md", "stacks.md", "materials.md", "cli.md", "api.md"}
    assert sorted(listed) == sorted({page.name for page in PAGES} | made)


def test_a_shown_output_that_is_not_the_one_fails(tmp_path):
    page = "```console\n$ femsim materials copper\ntin: ...\n```\n"
    with pytest.raises(RuntimeError, match="shown"):
        running.run_page(page, tmp_path)
    with pytest.raises(RuntimeError, match="ends with 2"):
        running.run_page("```console\n$ femsim materials kopper-x\n```\n", tmp_path)


def test_view_draws_and_names_what_is_wrong(tmp_path):
    pytest.importorskip("pyvista")
    page = (ROOT / "docs" / "pages" / "viewing.md").read_text(encoding="utf-8")
    running.run_page(page, tmp_path)
    assert (tmp_path / "shear.png").read_bytes()[1:4] == b"PNG"
    for wrong in ("--field stress_xx", "--picture a.jpg", "--picture no/a.png"):
        with pytest.raises(RuntimeError, match="ends with 2\nfemsim: error: .*" + wrong.split()[0]):
            running.femsim(f"femsim view {tmp_path / 'first'} {wrong}")
    with pytest.raises(RuntimeError, match="no such file"):
        running.femsim(f"femsim view {tmp_path}")
