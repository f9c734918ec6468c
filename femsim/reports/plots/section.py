"""A body in space drawn by a section: the cells' faces in one plane y = constant, with their stresses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from femsim.base.arrays import FloatArray
from femsim.meshes.facets import faces_of
from femsim.models.kinematics import von_mises
from femsim.reports.plots.look import LENGTH

if TYPE_CHECKING:
    from femsim.runs.run import Run

#: stresses are coloured between these percentiles by area
_SPREAD = (1.0, 99.0)


@dataclass(frozen=True)
class Section:
    """Faces in a plane y (um): their outlines (k, 2) in x and z, areas, regions' numbers, and by title values to colour
    them by.
    """

    y: float
    outlines: tuple[FloatArray, ...]
    area: FloatArray
    region: FloatArray
    values: dict[str, FloatArray]


def section_of(run: Run) -> Section:
    """The section through the first root circle's axis, else at the body's least y."""
    from femsim.measures.stress import nodal_stress

    disc, mesh = run.discretisation, run.solution.model.mesh
    rims = disc.rims
    y = rims[0].centre[1] if rims else float(mesh.points[:, 1].min())
    near = np.abs(mesh.points[:, 1] - y) <= 1e-9 * mesh.extent
    rows = faces_of(mesh).rows()
    stress = nodal_stress(run.solution.field)
    moved = np.linalg.norm(run.solution.displacement, axis=1)
    outlines: list[FloatArray] = []
    cells, values, size = [], [], []
    for local, face in enumerate(mesh.info.faces):
        chosen = rows[rows[:, 1] == local, 0]
        chosen = chosen[near[mesh.cells[chosen][:, list(face)]].all(axis=1)]
        count = mesh.info.facet_corners(local)
        ring = [face[k] for k in range(count)]
        if len(face) > count:  # corners and the middles between them
            ring = [node for k in range(count) for node in (face[k], face[count + k])]
        outlines += list(mesh.points[mesh.cells[chosen][:, ring]][..., [0, 2]])
        cells.append(chosen)
        values.append(stress[chosen][:, list(face)].mean(axis=1))
        size.append(moved[mesh.cells[chosen][:, list(face)]].mean(axis=1))
    mean = np.concatenate(values)
    area = np.array([abs(np.sum(x[:, 0] * np.roll(x[:, 1], -1) - x[:, 1] * np.roll(x[:, 0], -1))) for x in outlines])
    fields = {"von Mises stress, MPa": von_mises(mean), "stress zz, MPa": mean[:, 2]}
    fields[f"size of the displacement, {LENGTH}"] = np.concatenate(size)
    return Section(y, tuple(outlines), area, mesh.region[np.concatenate(cells)].astype(float), fields)


def section_figure(section: Section) -> Figure:
    """Materials and mesh, von Mises stress, the stress across the layers and the size of the displacement."""
    figure = Figure(figsize=(11.0, 8.0), layout="constrained")
    panels = {f"regions and mesh (y = {section.y:g} {LENGTH})": section.region, **section.values}
    for number, (ax, (title, field)) in enumerate(zip(figure.subplots(2, 2).ravel(), panels.items(), strict=True)):
        signed = title.startswith("stress zz")
        colours = "tab20" if number == 0 else "RdBu_r" if signed else "viridis"
        edge = "0.35" if number == 0 else "face"
        polygons = PolyCollection(section.outlines, array=field, cmap=colours, edgecolors=edge, linewidths=0.2)
        if number:
            polygons.set_clim(*_limits(field, section.area, signed))
            figure.colorbar(polygons, ax=ax, shrink=0.85)
        ax.add_collection(polygons)
        ax.autoscale_view()
        ax.set_aspect("equal")
        ax.set_title(title, fontsize=10)
        ax.set_xlabel(f"x, {LENGTH}")
        ax.set_ylabel(f"z, {LENGTH}")
    return figure


def _limits(field: FloatArray, area: FloatArray, symmetric: bool) -> tuple[float, float]:
    """Percentiles by area."""
    order = np.argsort(field)
    share = 100.0 * np.cumsum(area[order]) / max(float(area.sum()), 1e-300)
    low, high = (float(np.interp(p, share, field[order])) for p in _SPREAD)
    if symmetric:
        top = max(abs(low), abs(high), 1e-12)
        return -top, top
    return low, max(high, low + 1e-12)
