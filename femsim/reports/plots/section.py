"""A body in space drawn by a section: the cells' faces in one plane y = constant, with their stresses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from femsim.base.arrays import FloatArray, IntArray
from femsim.meshes.facets import faces_of
from femsim.meshes.mesh import Mesh
from femsim.models.kinematics import von_mises
from femsim.reports.plots.look import LENGTH

if TYPE_CHECKING:
    from femsim.builders.discretisation import Discretisation
    from femsim.runs.heat import HeatRun
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

    mesh = run.solution.model.mesh
    stress = nodal_stress(run.solution.field)
    moved = np.linalg.norm(run.solution.displacement, axis=1)
    values = {"stress": stress, "moved": moved[mesh.cells][..., None]}
    if run.heat is not None and run.heat.model.mesh.cells.shape == mesh.cells.shape:
        values["temperature"] = run.heat.last.temperature[run.heat.model.mesh.cells][..., None]
    y, outlines, area, region, means = _cut(run.discretisation, mesh, values)
    fields = {"von Mises stress, MPa": von_mises(means["stress"]), "stress zz, MPa": means["stress"][:, 2]}
    fields[f"size of the displacement, {LENGTH}"] = means["moved"][:, 0]
    if "temperature" in means:
        fields["temperature, °C"] = means["temperature"][:, 0]
    return Section(y, outlines, area, region, fields)


def heat_section_of(run: HeatRun) -> Section:
    """The section of a body of which only heat was solved: temperature and size of the heat flux."""
    from femsim.measures.flux import nodal_flux

    model, last = run.heat.model, run.heat.last.temperature
    flux = np.linalg.norm(nodal_flux(model, last), axis=-1)
    values = {"temperature": last[model.mesh.cells][..., None], "flux": flux[..., None]}
    y, outlines, area, region, means = _cut(run.discretisation, model.mesh, values)
    fields = {"temperature, °C": means["temperature"][:, 0], "heat flux, W/m²": means["flux"][:, 0]}
    return Section(y, outlines, area, region, fields)


def _cut(
    disc: Discretisation, mesh: Mesh, values: dict[str, FloatArray]
) -> tuple[float, tuple[FloatArray, ...], FloatArray, FloatArray, dict[str, FloatArray]]:
    """The plane, the outlines of the faces in it, their areas and regions, and the means (faces, k) over them of values
    (E, n, k) at the cells' nodes.
    """
    rims = disc.rims
    y = rims[0].centre[1] if rims else float(mesh.points[:, 1].min())
    near = np.abs(mesh.points[:, 1] - y) <= 1e-9 * mesh.extent
    rows = faces_of(mesh).rows()
    outlines: list[FloatArray] = []
    cells: list[IntArray] = []
    found: dict[str, list[FloatArray]] = {name: [] for name in values}
    for local, face in enumerate(mesh.info.faces):
        chosen = rows[rows[:, 1] == local, 0]
        chosen = chosen[near[mesh.cells[chosen][:, list(face)]].all(axis=1)]
        count = mesh.info.facet_corners(local)
        ring = [face[k] for k in range(count)]
        if len(face) > count:  # corners and the middles between them
            ring = [node for k in range(count) for node in (face[k], face[count + k])]
        outlines += list(mesh.points[mesh.cells[chosen][:, ring]][..., [0, 2]])
        cells.append(chosen)
        for name, field in values.items():
            found[name].append(field[chosen][:, list(face)].mean(axis=1))
    area = np.array([abs(np.sum(x[:, 0] * np.roll(x[:, 1], -1) - x[:, 1] * np.roll(x[:, 0], -1))) for x in outlines])
    region = mesh.region[np.concatenate(cells)].astype(float)
    return y, tuple(outlines), area, region, {name: np.concatenate(parts) for name, parts in found.items()}


def section_figure(section: Section) -> Figure:
    """Materials and mesh, and the section's values."""
    panels = {f"regions and mesh (y = {section.y:g} {LENGTH})": section.region, **section.values}
    rows = -(-len(panels) // 2)
    figure = Figure(figsize=(11.0, 4.0 * rows), layout="constrained")
    places = figure.subplots(rows, 2).ravel()
    for ax in places[len(panels) :]:
        ax.set_axis_off()
    for number, (ax, (title, field)) in enumerate(zip(places, panels.items(), strict=False)):
        signed = title.startswith("stress zz")
        colours = "tab20" if number == 0 else "RdBu_r" if signed else "viridis"
        warm = title.startswith("temperature")
        colours = "plasma" if warm else colours
        edge = "0.35" if number == 0 else "face"
        polygons = PolyCollection(section.outlines, array=field, cmap=colours, edgecolors=edge, linewidths=0.2)
        if number:
            ends = (float(field.min()), max(float(field.max()), float(field.min()) + 1e-9))
            polygons.set_clim(*(ends if warm else _limits(field, section.area, signed)))
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
