"""Who draws the figures: a process beside this one where that helps, or this one.

Drawing holds the interpreter, so threads do not help. A second process, started before anything heavy is loaded, loads
matplotlib while this one loads the solver, draws the layout and the mesh while this one solves, and the fields while it
estimates errors. It is sent plain data only. It is made by ``fork`` on Linux, where that is safe: this process has no
thread yet; by ``spawn`` elsewhere. With one processor, or in a program that has numpy loaded, pages are drawn here.

This module loads nothing heavy.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import TYPE_CHECKING, Any

from femsim.base.errors import FemsimWarning
from femsim.base.threads import thread_count

if TYPE_CHECKING:
    from pathlib import Path

    from femsim.builders.discretisation import Discretisation
    from femsim.builders.resolve import ResolvedMaterial
    from femsim.measures.averages import Averages
    from femsim.reports.plots.plates import Page
    from femsim.reports.plots.scene import Scene
    from femsim.solvers.solve import Solution


#: how the process is made
METHOD = "fork" if sys.platform == "linux" else "spawn"


class Artist:
    """Draws pages; use it in a ``with`` statement. ``beside`` lets it start a process of its own where that helps."""

    def __init__(self, beside: bool = False, svg: bool = False) -> None:
        self.svg = svg
        self._begun: dict[tuple[object, ...], tuple[Page, Future[dict[str, bytes]]]] = {}
        self._sent: dict[int, object] = {}
        self._pool: ProcessPoolExecutor | None = None
        if beside and helps():
            from multiprocessing import get_context

            context = get_context(METHOD)
            self._pool = ProcessPoolExecutor(1, mp_context=context, initializer=_prepare)
            self._pool.submit(int)  # starts the process now

    def __enter__(self) -> Artist:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if self._pool is None:
            return
        if kind is not None:  # nobody waits for its figures any more
            for process in list((getattr(self._pool, "_processes", None) or {}).values()):
                process.terminate()
        self._pool.shutdown(cancel_futures=True)

    # ---------------- what a run tells of before it is done

    def meshed(self, disc: Discretisation, materials: dict[str, ResolvedMaterial]) -> None:
        """Begin what can be drawn of a mesh."""
        if self._pool is None or disc.solid is not None:
            return
        from femsim.reports.plots.plates import mesh_plates
        from femsim.reports.plots.scene import picture_once

        for plate in mesh_plates(picture_once(disc, materials)):
            self._begin(plate.page, plate.vector)

    def solved(
        self,
        solution: Solution,
        disc: Discretisation,
        materials: dict[str, ResolvedMaterial],
        averages: Sequence[Averages],
    ) -> None:
        """Begin what can be drawn of a solution."""
        if self._pool is None or disc.solid is not None:
            return
        from femsim.reports.plots.plates import field_plates
        from femsim.reports.plots.scene import scene_once

        for plate in field_plates(scene_once(solution, disc, materials, averages)):
            self._begin(plate.page, plate.vector)

    # ---------------- what the report asks for

    def images(self, pages: Sequence[tuple[Page, bool]]) -> list[Callable[[], dict[str, bytes]]]:
        """The files' contents of pages by kind of file, each when it is asked for; those not yet begun are. The flag of
        a page says that it is drawn as SVG too.
        """
        begun = [self._begin(*one) if self._pool is not None else None for one in pages]
        return [
            partial(self._answer, future, _images, *one, self.svg) for future, one in zip(begun, pages, strict=True)
        ]

    def page(self, document: Mapping[str, Any], figures: Path, what: Scene | None) -> str:
        """The report's page; ``what`` its contour shows, if it has one."""
        if self._pool is None or what is None:
            return _page(document, figures, what)
        try:
            future = self._pool.submit(_kept_page, document, figures, self._send(what))
        except RuntimeError:  # the process is gone, as was told before
            return _page(document, figures, what)
        found: str = self._answer(future, _page, document, figures, what)
        return found

    # ---------------- the process beside

    def _begin(self, page: Page, vector: bool) -> Future[dict[str, bytes]] | None:
        """A page's drawing in the process beside, begun once."""
        assert self._pool is not None
        key = page.kind, id(page.what), page.which
        if key not in self._begun:
            try:
                number = self._send(page.what)
                future = self._pool.submit(_kept_images, page.kind, number, page.which, vector, self.svg)
            except RuntimeError:  # the process is gone
                return None
            self._begun[key] = page, future
        return self._begun[key][1]

    def _send(self, what: object) -> int:
        """Send an object once, ahead of the pages that need it; its number there."""
        assert self._pool is not None
        if id(what) not in self._sent:
            self._sent[id(what)] = what
            self._pool.submit(_keep, id(what), what)
        return id(what)

    @staticmethod
    def _answer(future: Future[Any] | None, work: Callable[..., Any], *arguments: Any) -> Any:
        """A result from beside; from here where there is none: what went wrong there either does not here, or is raised
        here.
        """
        if future is None:
            return work(*arguments)
        try:
            return future.result()
        except BrokenProcessPool:
            warnings.warn("the drawing process ended early; pages are drawn here", FemsimWarning, stacklevel=3)
        except Exception:
            pass
        return work(*arguments)


def helps() -> bool:
    """Whether a process beside this one helps, and can be made safely: there are processors for two, and nothing heavy
    (so no thread of a library) is loaded yet.
    """
    return thread_count() > 1 and "numpy" not in sys.modules and threading.active_count() == 1


# ---------------------------------------------------------------- what runs in the process beside

_KEPT: dict[int, Any] = {}


def _prepare() -> None:
    """Load what drawing needs; end with the parent, however it ends."""
    from multiprocessing import parent_process

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all processes of a terminal; the parent sees to it
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    warnings.simplefilter("ignore")
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_follow, args=(parent,), daemon=True).start()
    # matplotlib loads its axes in space with every figure; no page has one, and this process draws nothing else
    sys.modules.setdefault("mpl_toolkits.mplot3d", None)  # type: ignore[arg-type]
    import femsim.reports.page.html
    import femsim.reports.page.pack
    import femsim.reports.plots.figures

    femsim.reports.page.html.template()


def _follow(parent: Any) -> None:
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


def _keep(number: int, what: object) -> None:
    _KEPT[number] = what


def _kept_images(kind: str, number: int, which: object, vector: bool, svg: bool) -> dict[str, bytes]:
    from femsim.reports.plots.plates import Page

    return _images(Page(kind, _KEPT[number], which), vector, svg)


def _kept_page(document: Mapping[str, Any], figures: Path, number: int) -> str:
    return _page(document, figures, _KEPT[number])


def _images(page: Page, vector: bool, svg: bool) -> dict[str, bytes]:
    from femsim.reports.plots.figures import images

    return images(page, vector or svg)


def _page(document: Mapping[str, Any], figures: Path, what: Scene | None) -> str:
    from femsim.reports.page.html import build_html
    from femsim.reports.page.pack import fields_of, pack

    field = None if what is None else pack(fields_of(what), document["report"]["field"])
    return build_html(document, figures, field)
