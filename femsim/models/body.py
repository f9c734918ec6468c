"""A body of elastic and flowing regions: from displacements to nodal forces, tangents and new states at the points.

The mechanical strain of a region is that of its displacement since its birth, less what needs no stress,

    eps = B (u - u_birth) - [eps_th(T) - eps_th(T_birth)] - (eigenstrain - eigenstrain_birth);

B is B-bar in regions that flow (:mod:`femsim.models.dilatation`). Points are worked at in batches of cells of one
region, batch by batch in threads; a state is a list of the law's own states, one for each batch, whose partition
depends on the region alone, so that it outlives the birth and the removal of other regions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.threads import in_parts, in_threads
from femsim.materials.elastic import Material
from femsim.materials.law import Law, State, Update
from femsim.materials.point import FreeStress
from femsim.meshes.elements import gauss_points
from femsim.models.dilatation import projection, smoothed, smoothed_forces
from femsim.models.loads import Load
from femsim.models.model import Model
from femsim.models.moduli import Moduli, PointModuli
from femsim.models.sampling import Sampled, hooke, sample
from femsim.models.space import Space

#: cells of a batch
CELLS = 1024
#: of the force that a strain is worth where nothing gives: what counts as force where all stresses vanish
SLIGHT, MOST = 1.0e-4, 0.01

States = Mapping[str, Sequence[State]]
"""States of the flowing regions by name, one for each batch of the region's cells."""


@dataclass(frozen=True)
class Birth:
    """When a region came to be: temperature (degC; as of conditions), displacement (ndof,) of the whole body then
    (None: zero) and eigenstrain (6,) already there (None: none).
    """

    temperature: float | FloatArray
    displacement: FloatArray | None = None
    eigenstrain: FloatArray | None = None

    def since(self, unknowns: FloatArray) -> FloatArray:
        """Unknowns (ndof,) counted from the birth."""
        return unknowns if self.displacement is None else unknowns - self.displacement


@dataclass(frozen=True)
class Conditions:
    """What the points feel at one moment: temperature (degC; number, per node or per cells' nodes) and eigenstrain
    (regions, 6) or None.
    """

    temperature: float | FloatArray
    eigenstrain: FloatArray | None = None

    def towards(self, end: Conditions, part: float) -> Conditions:
        """Linear in between."""
        here, there = np.asarray(self.temperature, dtype=float), np.asarray(end.temperature, dtype=float)
        t = here + part * (there - here)
        strains = [c.eigenstrain for c in (self, end)]
        if strains[0] is None and strains[1] is None:
            return Conditions(float(t) if t.ndim == 0 else t)
        a, b = (np.zeros_like(strains[0] if strains[1] is None else strains[1]) if e is None else e for e in strains)
        return Conditions(float(t) if t.ndim == 0 else t, a + part * (b - a))


@dataclass(frozen=True)
class Batch:
    """Cells of one region with all that their points need."""

    region: int
    cells: IntArray
    dofs: IntArray
    at: Sampled
    volume: FloatArray  # (E, q) quadrature weights times volumes
    law: Law | None
    projected: FloatArray | None  # (E, q, q), of cells that flow


@dataclass(frozen=True)
class Response:
    """What the body answers to a displacement: internal force (ndof,) in uN and the sums of its elements' magnitudes,
    with a little of what its strains would be worth if nothing were free to move; by batch the answer of its law (None
    without), new states, and what the elastic regions have in it.
    """

    force: FloatArray
    size: FloatArray
    updates: tuple[Update | None, ...]
    states: dict[str, list[State]]
    rest: Rest


@dataclass(frozen=True)
class Rest:
    """What elastic regions answered to ``unknowns`` (ndof,): force, sums of magnitudes (ndof,), largest strain. Near
    by, the force goes with their stiffness, and the others stay what they are: they only say how large forces are.
    """

    unknowns: FloatArray
    force: FloatArray
    size: FloatArray
    strain: float

    def at(self, unknowns: FloatArray, stiffness: Sequence[tuple[float, sp.csr_matrix]]) -> Rest:
        """The same at other unknowns, under the same conditions; ``stiffness`` is that of the elastic regions, a sum of
        matrices (ndof, ndof), each times a number.
        """
        moved = unknowns - self.unknowns
        force = self.force + sum(factor * (matrix @ moved) for factor, matrix in stiffness)
        return Rest(unknowns, force, self.size, self.strain)


class _Answer(NamedTuple):
    """What a batch answers: nodal forces (E, m), stress, answer of the law, and the largest strain it met."""

    force: FloatArray
    stress: FloatArray
    update: Update | None
    strain: float


def _largest(strain: FloatArray, free: FloatArray) -> float:
    """The largest component of strain and free strain; more than MOST would be flow without end."""
    return min(float(np.abs(strain).max(initial=0.0) + np.abs(free).max(initial=0.0)), MOST)


@dataclass(frozen=True)
class Body:
    """Space, materials by region, and the laws of the regions that flow; all others are elastic."""

    space: Space
    materials: dict[str, Material]
    laws: dict[str, Law]

    @cached_property
    def batches(self) -> tuple[Batch, ...]:
        """All cells of the mesh, region by region."""
        mesh = self.space.mesh
        points, weights = gauss_points(mesh.element, mesh.info.full)
        found = []
        for number, name in enumerate(mesh.regions):
            law = self.laws.get(name)
            if law is not None and self.space.kinematics.plane_stress:
                law = FreeStress(law)
            for cells in in_parts(np.flatnonzero(mesh.region == number), CELLS):
                at = sample(self.space, cells, points)
                volume = at.volume * weights
                projected = None if law is None else projection(self.space, volume, points)
                found.append(Batch(number, cells, self.space.element_dofs(cells), at, volume, law, projected))
        return tuple(found)

    @cached_property
    def _unit_force(self) -> FloatArray:
        """Sums of the magnitudes of the elements' forces (ndof,) under a strain of one in all components."""
        found = np.zeros(self.space.ndof)
        for batch in self.batches:
            c = self.materials[self.space.mesh.regions[batch.region]].stiffness(20.0, self.space.kinematics.plane)
            unit = np.broadcast_to(batch.volume[..., None], (*batch.volume.shape, self.space.kinematics.size))
            nodal = np.abs(batch.at.pull(float(np.trace(c)) / 6.0 * unit))
            found += np.bincount(batch.dofs.ravel(), nodal.ravel(), minlength=len(found))
        return found

    @cached_property
    def flows(self) -> bool:
        """Whether any region flows."""
        return any(batch.law is not None for batch in self.batches)

    @cached_property
    def order(self) -> int:
        """Order in time of one step: the least of the regions that flow."""
        return min((law.order for law in self.laws.values()), default=1)

    @cached_property
    def slow(self) -> bool:
        """Whether any region flows in time, at held strain."""
        return any(law.slow for law in self.laws.values())

    def start(self, regions: Sequence[str], temperature: float | FloatArray) -> dict[str, list[State]]:
        """States of regions that are born at a temperature; those that do not flow have none."""
        found: dict[str, list[State]] = {}
        for batch in self.batches:
            name = self.space.mesh.regions[batch.region]
            if name in regions and batch.law is not None:
                found.setdefault(name, []).append(
                    batch.law.start(self.temperature(batch, temperature, whole=True).ravel())
                )
        return found

    def respond(
        self,
        unknowns: FloatArray,
        conditions: Conditions,
        births: Mapping[str, Birth],
        states: States,
        dt: float,
        rest: Rest | None = None,
    ) -> Response:
        """Forces, tangents and states after a step of ``dt`` seconds that ends at ``unknowns`` (ndof,); ``rest`` is
        what the elastic regions have in it, where that is known.
        """
        regions = self.space.mesh.regions
        before = self.by_batch(states)

        def work(number: int) -> _Answer:
            return self._batch(self.batches[number], before[number], unknowns, conditions, births, dt)

        def added(numbers: list[int]) -> tuple[list[Update | None], FloatArray, FloatArray, float]:
            force, size, strain = np.zeros(self.space.ndof), np.zeros(self.space.ndof), 0.0
            updates = []
            for number, done in zip(numbers, in_threads(work, numbers), strict=True):
                flat = self.batches[number].dofs.ravel()
                force += np.bincount(flat, done.force.ravel(), minlength=len(force))
                size += np.bincount(flat, np.abs(done.force).ravel(), minlength=len(force))
                strain = max(strain, done.strain)
                updates.append(done.update)
            return updates, force, size, strain

        flowing = [number for number, batch in enumerate(self.batches) if batch.law is not None]
        if rest is None:
            elastic = [number for number, batch in enumerate(self.batches) if batch.law is None]
            rest = Rest(unknowns, *added(elastic)[1:])
        found, force, size, strain = added(flowing)
        updates: list[Update | None] = [None] * len(self.batches)
        new: dict[str, list[State]] = {}
        for number, update in zip(flowing, found, strict=True):
            if update is not None:
                updates[number] = update
                new.setdefault(regions[self.batches[number].region], []).append(update.state)
        size = size + rest.size + SLIGHT * max(strain, rest.strain) * self._unit_force
        return Response(force + rest.force, size, tuple(updates), new, rest)

    def _batch(
        self,
        batch: Batch,
        before: State | None,
        unknowns: FloatArray,
        conditions: Conditions,
        births: Mapping[str, Birth],
        dt: float,
    ) -> _Answer:
        kinematics = self.space.kinematics
        name = self.space.mesh.regions[batch.region]
        birth = births[name]
        strain = batch.at.strain(birth.since(unknowns))
        e, q, size = strain.shape
        free = self.free_strain(batch, conditions, birth)
        if batch.law is None or before is None:
            temperature = self.temperature(batch, conditions.temperature)
            stiffness = kinematics.stiffness(self.materials[name].stiffness(temperature, kinematics.plane))
            if batch.at.dilatation is not None and free.shape[1] > 1:
                spread = np.broadcast_to(free, (e, q, 6))
                free = batch.at.projected(spread, spread)
            stress = hooke(
                np.broadcast_to(stiffness, (e, *stiffness.shape[-3:])), strain - kinematics.components_of(free)
            )
            return _Answer(batch.at.pull(stress * batch.volume[..., None]), stress, None, _largest(strain, free))
        if batch.projected is not None:
            strain = smoothed(strain, batch.projected)
        six = np.zeros((e, q, 6))
        six[..., list(kinematics.voigt)] = strain
        six -= free
        temperature = np.broadcast_to(self.temperature(batch, conditions.temperature), (e, q)).ravel()
        answer = batch.law.update(six.reshape(e * q, 6), temperature, before, dt)
        stress = kinematics.components_of(answer.stress).reshape(e, q, size)
        forces = stress * batch.volume[..., None]
        if batch.projected is not None:
            forces = smoothed_forces(forces, batch.projected)
        return _Answer(batch.at.pull(forces), stress, answer, _largest(strain, free))

    def element_forces(
        self, unknowns: FloatArray, conditions: Conditions, births: Mapping[str, Birth], states: States
    ) -> tuple[FloatArray, FloatArray]:
        """Nodal forces (ndof,) of the stresses of a committed state, and how large forces are there, in uN: the sums of
        the elements' magnitudes, as in :meth:`respond` no less than those of a slight part of the strain. What cancels
        inside an element or between two still says how large the forces are.
        """
        force, size, largest = np.zeros(self.space.ndof), np.zeros(self.space.ndof), 0.0
        for batch, stress in zip(self.batches, self.stresses(unknowns, conditions, births, states), strict=True):
            weighted = stress * batch.volume[..., None]
            if batch.projected is not None:
                weighted = smoothed_forces(weighted, batch.projected)
            flat, nodal = batch.dofs.ravel(), batch.at.pull(weighted).ravel()
            force += np.bincount(flat, nodal, minlength=len(force))
            size += np.bincount(flat, np.abs(nodal), minlength=len(size))
            birth = births[self.space.mesh.regions[batch.region]]
            strain = batch.at.strain(birth.since(unknowns))
            largest = max(largest, _largest(strain, self.free_strain(batch, conditions, birth)))
        return force, size + SLIGHT * largest * self._unit_force

    def stresses(
        self, unknowns: FloatArray, conditions: Conditions, births: Mapping[str, Birth], states: States
    ) -> list[FloatArray]:
        """Stress (E, q, size) of every batch in a committed state: of flowing ones what the state says."""
        kinematics = self.space.kinematics
        found = []
        for batch, state in zip(self.batches, self.by_batch(states), strict=True):
            if state is None:
                found.append(self._batch(batch, None, unknowns, conditions, births, 0.0).stress)
            else:
                e, q = batch.volume.shape
                found.append(kinematics.components_of(state["stress"]).reshape(e, q, kinematics.size))
        return found

    def strains(self, unknowns: FloatArray, conditions: Conditions, births: Mapping[str, Birth]) -> list[FloatArray]:
        """Mechanical strain (E, q, size) of every batch, with engineering shear: since birth, less what needs no
        stress.
        """
        found = []
        for batch in self.batches:
            birth = births[self.space.mesh.regions[batch.region]]
            strain = batch.at.strain(birth.since(unknowns))
            if batch.projected is not None:
                strain = smoothed(strain, batch.projected)
            found.append(strain - self.space.kinematics.components_of(self.free_strain(batch, conditions, birth)))
        return found

    def by_batch(self, states: States) -> list[State | None]:
        """The state of every batch, None where it is elastic."""
        found: list[State | None] = []
        counted: dict[str, int] = {}
        for batch in self.batches:
            name = self.space.mesh.regions[batch.region]
            found.append(None if batch.law is None else states[name][counted.get(name, 0)])
            counted[name] = counted.get(name, 0) + 1
        return found

    def free_strain(self, batch: Batch, conditions: Conditions, birth: Birth) -> FloatArray:
        """Thermal strain and eigenstrain since birth (E or 1, q or 1, 6)."""
        material, plane = self.materials[self.space.mesh.regions[batch.region]], self.space.kinematics.plane
        t = self.temperature(batch, conditions.temperature)
        t0 = self.temperature(batch, birth.temperature)
        t, t0 = np.broadcast_arrays(t, t0)
        strain = material.thermal_strain(t, t0, plane)
        if conditions.eigenstrain is not None:
            strain = strain + conditions.eigenstrain[batch.region]
        if birth.eigenstrain is not None:
            strain = strain - birth.eigenstrain
        return strain

    def moduli(self, conditions: Conditions, response: Response | None = None) -> Moduli:
        """Stiffness at the points: elastic, or with the tangents of a response where regions flow.

        A tangent that is not symmetric (back stresses that fade while the direction of flow turns) counts by its
        symmetric part: the matrix stays symmetric, and Newton's method converges a little slower there.
        """
        mesh, kinematics = self.space.mesh, self.space.kinematics
        load = Load(conditions.temperature, 0.0, np.zeros(self.space.ndof))
        elastic = Model(self.space, self.materials, load).moduli
        if not self.flows:
            return elastic
        place = np.full(len(mesh.cells), -1, dtype=np.int64)
        parts, count = [], 0
        for number, batch in enumerate(self.batches):
            if batch.law is None:
                continue
            e, q = batch.volume.shape
            update = None if response is None else response.updates[number]
            if update is None:
                values = batch.at.values
                d = np.broadcast_to(elastic.at(batch.cells, values), (e, q, kinematics.size, kinematics.size))
            else:
                index = np.array(kinematics.voigt)
                d = update.tangent[:, index[:, None], index].reshape(e, q, kinematics.size, kinematics.size)
                d = 0.5 * (d + np.swapaxes(d, -1, -2))
            place[batch.cells] = count + np.arange(e)
            parts.append(d)
            count += e
        return PointModuli(elastic, place, np.concatenate(parts))

    @cached_property
    def rest_groups(self) -> tuple[IntArray, ...]:
        """Numbers of the regions that do not flow: those of constant stiffness together, all others one by one."""
        regions = self.space.mesh.regions
        here = [n for n in np.unique(self.space.mesh.region).tolist() if regions[n] not in self.laws]
        varies = [self.materials[regions[n]].depends_on_temperature for n in here]
        constant = [n for n, v in zip(here, varies, strict=True) if not v]
        found = [np.array(constant)] if constant else []
        return (*found, *(np.array([n]) for n, v in zip(here, varies, strict=True) if v))

    def rest_stiffness(self, conditions: Conditions) -> FloatArray:
        """Stiffness (regions, size, size) of the regions that do not flow (zero for those that do), NaN where it is not
        the same all over one.
        """
        kinematics, t = self.space.kinematics, conditions.temperature
        found = np.zeros((len(self.space.mesh.regions), kinematics.size, kinematics.size))
        for number in np.concatenate([np.empty(0, dtype=int), *self.rest_groups]).tolist():
            material = self.materials[self.space.mesh.regions[number]]
            if material.depends_on_temperature and np.ndim(t) > 0:
                found[number] = np.nan
                continue
            at = float(np.mean(t)) if material.depends_on_temperature else 20.0
            found[number] = kinematics.stiffness(material.stiffness(at, kinematics.plane))
        return found

    def temperature(self, batch: Batch, temperature: float | FloatArray, whole: bool = False) -> FloatArray:
        """Temperature (E, q) at a batch's points; (1, 1) where one number serves, unless ``whole``."""
        e, q = batch.volume.shape
        if np.ndim(temperature) == 0:
            return np.full((e, q) if whole else (1, 1), float(temperature))
        given = np.asarray(temperature, dtype=float)
        at_nodes = given[batch.cells] if given.ndim == 2 else given[self.space.mesh.cells[batch.cells]]
        return np.asarray(at_nodes @ batch.at.values.T)
