"""Build the documentation: run every block and example, draw every figure, write the reference pages, make the site.

    python docs/build.py [SITE]

Whatever fails or warns ends the build: a command, an output that is not the one shown, a link, a missing picture.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import time
import warnings
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]  # the femsim of this checkout

import made  # noqa: E402
import running  # noqa: E402
import verify  # noqa: E402

_FORMULA = re.compile(r"\$\$(.+?)\$\$|(?<![\w$`])\$([^$\n]+?)\$(?!\w)", flags=re.DOTALL)


def main() -> None:
    """Build into the directory given, ``site`` by default."""
    site = Path(sys.argv[1] if len(sys.argv) > 1 else "site").resolve()
    start = time.perf_counter()
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(HERE.parent), os.environ.get("PYTHONPATH")]))
    with tempfile.TemporaryDirectory() as work:
        pages = Path(work) / "pages"
        shutil.copytree(HERE / "pages", pages)
        for page in sorted((HERE / "pages").glob("*.md")):
            text = page.read_text(encoding="utf-8")
            directory = pages / "runs" / page.stem
            directory.mkdir(parents=True)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                whole = running.run_page(text, directory)
            (pages / page.name).write_text(formulas(running.titled(whole)), encoding="utf-8")
            print(f"{time.perf_counter() - start:6.1f} s  {page.name}", flush=True)
        made.write_all(HERE, pages)
        print(f"{time.perf_counter() - start:6.1f} s  gallery and reference", flush=True)
        (pages / "verification.md").write_text(formulas(verify.page()), encoding="utf-8")
        print(f"{time.perf_counter() - start:6.1f} s  verification", flush=True)
        keep_shown(pages)
        shutil.copy(HERE / "mkdocs.yml", work)
        make_site(Path(work) / "mkdocs.yml", site)
    print(f"{time.perf_counter() - start:6.1f} s  site in {site}", flush=True)


def formulas(text: str) -> str:
    """The page with its formulas as MathML, which browsers draw by themselves; code is left alone."""
    from latex2mathml.converter import convert

    def one(match: re.Match[str]) -> str:
        block = match[1] is not None
        return convert((match[1] or match[2]).strip(), display="block" if block else "inline")

    parts = re.split(r"(^```.*?^```$|`[^`\n]+`)", text, flags=re.MULTILINE | re.DOTALL)
    return "".join(part if part.startswith("`") else _FORMULA.sub(one, part) for part in parts)


def keep_shown(pages: Path) -> None:
    """Drop what the runs left behind and no page shows or links."""
    shown = "\n".join(page.read_text(encoding="utf-8") for page in pages.glob("*.md"))
    for path in sorted((pages / "runs").rglob("*"), reverse=True):
        if path.is_file() and f"({path.relative_to(pages).as_posix()})" not in shown:
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def make_site(config: Path, site: Path) -> None:
    """The pages as a site; warnings are errors, and so is a block that was not taken for one."""
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    build(load_config(str(config), strict=True, site_dir=str(site)))
    torn = [page.name for page in sorted(site.glob("*.html")) if "```" in page.read_text(encoding="utf-8")]
    if torn:
        raise SystemExit(f"blocks of code that are shown as text: {', '.join(torn)}")


if __name__ == "__main__":
    main()
