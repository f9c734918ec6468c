"""A solved state as plain data, ready to be drawn: the one place where drawing meets a Run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.meshes.elements import gauss_points, shape
from femsim.meshes.layout import Root
from femsim.meshes.mesh import Mesh, jacobians
from femsim.models.kinematics import von_mises
from femsim.reports.plots.look import limits, round_125, words
from femsim.reports.plots.memo import once
from femsim.reports.plots.picture import Picture, Window, picture_of
from femsim.reports.plots.raster import Rasters

if TYPE_CHECKING:
    from femsim.builders.discretisation import Discretisation
    from femsim.builders.resolve import ResolvedMaterial
    from femsim.measures.averages import Averages
    from femsim.runs.run import Run
    from femsim.solvers.solve import Solution

#: deformation is drawn as this fraction of the body's extent, or a little less
DEFORMATION = 0.08
#: and strains no cell that can be seen by more than this
STRAIN = 0.4
#: a body taller than this times its width is cut this many widths from its roots
TALL, KEPT = 1.9, 1.0


@dataclass(frozen=True)
class Scene:
    """A mesh with its fields: ``stress`` (E, n, 4) in MPa at each cell's own nodes, displacement (N, 2) in um,
    ``temperature`` in degC, a number or (N,); ``lengths`` are the averaging lengths (um) of each root, largest first.
    """

    picture: Picture
    mesh: Mesh
    components: tuple[str, ...]
    displacement: FloatArray
    stress: FloatArray
    temperature: float | FloatArray
    lengths: dict[Root, tuple[float, ...]] = field(default_factory=dict)
    rasters: Rasters = field(default_factory=Rasters, compare=False, repr=False)

    def __getstate__(self) -> dict[str, object]:
        """What is sent to another process: without what can be made again."""
        return {**{name: getattr(self, name) for name in self.__dataclass_fields__}, "rasters": Rasters()}

    @property
    def axisymmetric(self) -> bool:
        """Whether the plane is (r, z)."""
        return self.picture.axes[0] == "r"

    @cached_property
    def smooth(self) -> FloatArray:
        """The stress (E, n, 4), averaged at every node over the cells of one region, never over an interface."""
        return in_regions(self.mesh, self.stress)

    @cached_property
    def areas(self) -> FloatArray:
        """Area (E,) of every cell in the drawing plane, um2."""
        points, weights = gauss_points(self.mesh.element, self.mesh.info.full)
        determinant, _ = jacobians(self.mesh, slice(None), shape(self.mesh.element, points)[1])
        return np.asarray(determinant @ weights)

    @cached_property
    def scale(self) -> float:
        """The factor, 1, 2 or 5 times a power of ten, that makes the largest displacement visible and folds nothing
        over.
        """
        largest = float(np.linalg.norm(self.displacement, axis=1).max())
        if not largest > 1e-12 * self.mesh.extent:
            return 1.0
        factor = DEFORMATION * self.mesh.extent / largest
        steepest = self._steepest()
        return round_125(min(factor, STRAIN / steepest) if steepest > 0 else factor)

    def _steepest(self) -> float:
        """Change of the displacement along the cells' sides over their length: the 99th percentile by area."""
        corner = self.mesh.cells[:, : self.mesh.info.corners]
        x, u = self.mesh.points[corner], self.displacement[corner]
        along = np.linalg.norm(np.roll(x, -1, axis=1) - x, axis=2)
        change = (np.linalg.norm(np.roll(u, -1, axis=1) - u, axis=2) / along).max(axis=1)
        order = np.argsort(change)
        sums = np.cumsum(self.areas[order])
        return float(change[order[min(int(np.searchsorted(sums, 0.99 * sums[-1])), len(order) - 1)]])

    @cached_property
    def window(self) -> Window:
        """The part of the body that shows its stress: all of it, or, of a tall body, what is near its roots."""
        x0, x1, y0, y1 = self.picture.body
        wide, roots = x1 - x0, [root.at[1] for root in self.picture.roots]
        if y1 - y0 <= TALL * wide or not roots:
            return x0, x1, y0, y1
        low, high = max(y0, min(roots) - KEPT * wide), min(y1, max(roots) + KEPT * wide)
        return x0, x1, low, high

    @property
    def cut(self) -> str:
        """What of the body the window leaves out, in words; empty where nothing is."""
        full, seen = self.picture.body, self.window
        name = self.picture.axes[1]
        parts = []
        if seen[2] > full[2]:
            parts.append(f"below {name} = {seen[2]:g} µm (it reaches {full[2]:g})")
        if seen[3] < full[3]:
            parts.append(f"above {name} = {seen[3]:g} µm (it reaches {full[3]:g})")
        return " and ".join(parts)

    def values(self, component: str) -> FloatArray:
        """Values (E, n) in MPa of a stress component (``rr``, ``zz``, ..., or ``von_mises``), or in um of the size of
        the displacement, ``u``.
        """
        if component == "u":
            return np.asarray(np.linalg.norm(self.displacement, axis=1)[self.mesh.cells])
        if component == "von_mises":
            return von_mises(self.smooth)
        if component not in self.components:
            raise ValueError(f"component: {component!r} is none of {', '.join((*self.components, 'von_mises', 'u'))}")
        return np.asarray(self.smooth[..., self.components.index(component)])

    def limits(self, component: str) -> tuple[float, float]:
        """Where colours end: all of a displacement, the 1st and 99th percentile by area of a stress."""
        if component not in self._limits:
            values = self.values(component)
            if component == "u":
                self._limits[component] = 0.0, float(values.max()) or 1.0
            else:
                self._limits[component] = limits(values, self.areas, component != "von_mises")
        return self._limits[component]

    @cached_property
    def _limits(self) -> dict[str, tuple[float, float]]:
        """Limits that were asked for."""
        return {}

    def root(self, wanted: Root | str) -> Root:
        """A root by its name."""
        return find_root(self.picture.roots, wanted)

    def lengths_of(self, root: Root) -> tuple[float, ...]:
        """The averaging lengths used at a root, largest first."""
        return self.lengths.get(root) or (0.1 * min(root.width, root.height),)

    def words(self, root: Root) -> str:
        """A root's name, with its place where another root has the same name."""
        return root_words(self.picture.roots, root)


def find_root(roots: Sequence[Root], wanted: Root | str) -> Root:
    """A root by its name. Raises ValueError where there is none."""
    if isinstance(wanted, Root):
        return wanted
    for one in roots:
        if one.name == wanted:
            return one
    raise ValueError(f"no root {wanted!r}; there are: {', '.join(r.name for r in roots) or 'none'}")


def root_words(roots: Sequence[Root], root: Root) -> str:
    """A root's name, with its place where another root has the same name."""
    shared = sum(other.name == root.name for other in roots) > 1
    return words(root.name) + (f" at ({root.at[0]:g}, {root.at[1]:g})" if shared else "")


def scene(result: Run | Scene) -> Scene:
    """What a run has to show, gathered once."""
    if isinstance(result, Scene):
        return result
    return scene_once(result.solution, result.discretisation, result.materials, result.averages)


def picture_once(disc: Discretisation, materials: dict[str, ResolvedMaterial]) -> Picture:
    """The picture of a discretisation, the same one whenever it is asked for."""
    return once(disc, "picture", lambda: picture_of(disc, materials))


def scene_once(
    solution: Solution, disc: Discretisation, materials: dict[str, ResolvedMaterial], averages: Sequence[Averages]
) -> Scene:
    """The scene of a solution, the same one whenever it is asked for."""
    kept: dict[int, tuple[Discretisation, Scene]] = once(solution, "scenes", dict)
    if id(disc) not in kept:
        kept[id(disc)] = disc, _scene(solution, disc, materials, averages)
    return kept[id(disc)][1]


def _scene(
    solution: Solution, disc: Discretisation, materials: dict[str, ResolvedMaterial], averages: Sequence[Averages]
) -> Scene:
    from femsim.measures.stress import nodal_stress

    model = solution.model
    lengths = {
        root: tuple(sorted({one.length for one in averages if one.root == root}, reverse=True)) for root in disc.roots
    }
    return Scene(
        picture_once(disc, materials),
        model.mesh,
        model.kinematics.components,
        np.ascontiguousarray(solution.displacement[: len(model.mesh.points)]),
        nodal_stress(solution.field),
        model.nodal_temperature,
        lengths,
    )


def in_regions(mesh: Mesh, values: FloatArray) -> FloatArray:
    """Values (E, n, ...) at the cells' nodes, averaged at each node over the cells of one region."""
    count = len(mesh.points)
    place = (mesh.cells + mesh.region[:, None] * count).ravel()
    size = count * len(mesh.regions)
    shared = np.maximum(np.bincount(place, minlength=size), 1)
    flat = values.reshape(len(place), -1)
    found = np.empty_like(flat)
    for column in range(flat.shape[1]):
        found[:, column] = (np.bincount(place, weights=flat[:, column], minlength=size) / shared)[place]
    return found.reshape(values.shape)
