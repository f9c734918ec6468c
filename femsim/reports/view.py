"""fields.vtu in PyVista: a window to turn, or a picture drawn off the screen (extra ``view``).

Every cell of the file has nodes of its own, so nothing is averaged over an interface as long as points are not merged.
Outlines of the regions come from copies of each that are merged on their own.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np

from femsim.base.errors import InputError, nearest

#: part of the values that the colours leave out at either end: a singular point would take them all
LEFT_OUT = 2.0
#: pixels of a picture
SIZE = (1400, 1000)


def view_fields(path: Path, field: str, scale: float, picture: Path | None) -> None:
    """Show a field of a VTU file, deformed by ``scale`` times the displacement; into ``picture`` (.png) where given.

    Raises InputError where PyVista is not installed, the file cannot be read, or has no such field.
    """
    try:
        import pyvista
    except ImportError:
        raise InputError("view: needs PyVista, which the extra `view` installs: pip install 'femsim[view]'") from None
    with contextlib.suppress(ImportError, AttributeError):  # it tells of the screens it does not find
        from vtkmodules.vtkCommonCore import vtkLogger

        vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_ERROR)
    try:
        body: Any = pyvista.read(path)
    except Exception as error:
        raise InputError(f"{path}: cannot be read ({' '.join(str(error).split())})") from None
    known = [name for name in body.point_data if name not in ("displacement", "node")]
    if field not in known:
        raise InputError(f"--field: {field!r}{nearest(field, known)}; there are: {', '.join(known)}")
    if scale and "displacement" in body.point_data:
        body = body.warp_by_vector("displacement", factor=scale)
    low, high = _range(body, field)
    if low < 0.0 < high:  # zero in the middle of a map with two sides
        low, high = -max(-low, high), max(-low, high)
    flat = float(np.ptp(body.points[:, 2])) == 0.0
    plotter: Any = pyvista.Plotter(off_screen=picture is not None, window_size=list(SIZE))
    plotter.set_background("white")
    plotter.add_mesh(
        body,
        scalars=field,
        cmap="RdBu_r" if low < 0.0 < high else "viridis",
        clim=(low, high if high > low else low + 1.0),
        interpolate_before_map=True,
        lighting=not flat,
        scalar_bar_args={"title": f"{field} ({_unit(field)})", "color": "black", "vertical": True},
    )
    for region in np.unique(body.cell_data["region"]) if "region" in body.cell_data else ():
        skin = body.extract_cells(body.cell_data["region"] == region).extract_surface(algorithm="dataset_surface")
        edges = skin.clean().extract_feature_edges(
            boundary_edges=True, feature_edges=not flat, non_manifold_edges=False, manifold_edges=False
        )
        if edges.n_cells:
            plotter.add_mesh(edges, color="black", line_width=2)
    if flat:
        plotter.view_xy()
        plotter.enable_parallel_projection()
    plotter.show(screenshot=None if picture is None else str(picture), auto_close=True)


def _range(body: Any, field: str) -> tuple[float, float]:
    """Values that all but LEFT_OUT per cent of the body's area or volume lie above, and below."""
    cells = body.point_data_to_cell_data().compute_cell_sizes(length=False)
    values, size = np.asarray(cells.cell_data[field]), np.asarray(cells.cell_data["Volume"])
    if not size.any():
        size = np.abs(np.asarray(cells.cell_data["Area"]))
    order = np.argsort(values)
    share = np.cumsum(size[order])
    low, high = np.interp([LEFT_OUT / 100.0, 1.0 - LEFT_OUT / 100.0], share / share[-1], values[order])
    return float(low), float(high)


def _unit(field: str) -> str:
    return "degC" if field == "temperature" else "MPa" if field.startswith(("stress", "von_mises")) else "as stored"
