"""Stress fields: whatever made the stress, its readers ask the same two questions at points of cells.

A field that came from an elastic solve is known everywhere, sigma = D (B u - eps_free). One that came from an inelastic
law is known at the full Gauss points and interpolated from them inside each cell, never across cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.meshes.elements import ELEMENTS, gauss_points
from femsim.models.model import Model
from femsim.models.sampling import Sampled, hooke
from femsim.models.space import Space


class StressField(Protocol):
    """Displacement and stress of a solved body."""

    @property
    def space(self) -> Space:
        """Where the field lives."""
        ...

    @property
    def unknowns(self) -> FloatArray:
        """All degrees of freedom (ndof,): displacements in um, then the kinematics' own."""
        ...

    def stress(self, at: Sampled) -> FloatArray:
        """Stress (E, q, size) in MPa at sampled points."""
        ...

    def with_energy(self, at: Sampled) -> tuple[FloatArray, FloatArray]:
        """Stress (E, q, size) in MPa and elastic energy density (E, q) in MPa."""
        ...


@dataclass(frozen=True)
class ElasticField:
    """sigma = D (B u - eps_free) of a model; without the free strain where it is a dual or virtual field."""

    model: Model
    unknowns: FloatArray
    free: bool = True

    @property
    def space(self) -> Space:
        """The model's space."""
        return self.model.space

    def elastic_strain(self, at: Sampled) -> FloatArray:
        """Strain less thermal strain and eigenstrain, (E, q, size) or (E, q, size, k) of k fields."""
        strain = at.strain(self.unknowns)
        if self.free:
            free = self.model.free_strain_at(at.cells, at.values)
            if at.dilatation is not None and free.shape[1] > 1:
                free = at.projected(free, self.model.free_strain_at(at.cells, at.dilatation.full.values))
            strain -= free if strain.ndim == 3 else free[..., None]
        return strain

    def stress(self, at: Sampled) -> FloatArray:
        """Stress (E, q, size), or (E, q, size, k) of k fields (ndof, k), in MPa."""
        return hooke(self.model.moduli.at(at.cells, at.values), self.elastic_strain(at))

    def with_energy(self, at: Sampled) -> tuple[FloatArray, FloatArray]:
        """Stress and elastic energy density sigma : eps_e / 2."""
        strain = self.elastic_strain(at)
        stress = hooke(self.model.moduli.at(at.cells, at.values), strain)
        return stress, 0.5 * np.sum(stress * strain, axis=-1)


@dataclass(frozen=True)
class PointField:
    """Stress known at the full Gauss points: ``values`` (E, q, size) in MPa, and elastic energy densities (E, q)."""

    space: Space
    unknowns: FloatArray
    values: FloatArray
    energy: FloatArray

    def stress(self, at: Sampled) -> FloatArray:
        """Stress (E, q, size): the values themselves at the full Gauss points, interpolated from them elsewhere."""
        return self._at(self.values, at)

    def with_energy(self, at: Sampled) -> tuple[FloatArray, FloatArray]:
        """Stress and elastic energy density."""
        return self._at(self.values, at), self._at(self.energy[..., None], at)[..., 0]

    def _at(self, values: FloatArray, at: Sampled) -> FloatArray:
        found = values[at.cells]
        element = self.space.mesh.element
        full, _ = gauss_points(element, ELEMENTS[element].full)
        if at.xi.shape == full.shape and np.array_equal(at.xi, full):
            return found
        return np.asarray(np.matmul(_from_full(element, at.xi.tobytes(), len(at.xi)), found))


@lru_cache(maxsize=64)
def _from_full(element: str, points: bytes, count: int) -> FloatArray:
    """Weights (q, full points) of the polynomial through the values at the full Gauss points, least squares where there
    are more points than terms.
    """
    info = ELEMENTS[element]
    full, _ = gauss_points(element, info.full)
    xi = np.frombuffer(points).reshape(count, -1)
    tensor = info.kind in ("quad", "hex")
    order = info.full - 1 if tensor else info.order
    powers = _powers(tensor, xi.shape[1], order)
    to = np.linalg.pinv(_terms(full, powers))
    return np.asarray(_terms(xi, powers) @ to)


def _powers(tensor: bool, dim: int, order: int) -> IntArray:
    grid = np.stack(np.meshgrid(*[np.arange(order + 1)] * dim, indexing="ij"), axis=-1).reshape(-1, dim)
    return np.asarray(grid if tensor else grid[grid.sum(axis=1) <= order])


def _terms(x: FloatArray, powers: IntArray) -> FloatArray:
    return np.asarray(np.prod((x[:, None, :] - 0.5) ** powers[None], axis=2))
