"""Heat conduction on a mesh: div(k grad T) + q = rho c dT/dt, what feeds and cools the body, and its nodal heat flows.

In weak form (Carslaw & Jaeger 1959, sec. 1.9), for every shape function N

    int grad N . k grad T dV + int_conv N h (T - T_a) dA + int_contact [N] g [T] dA + d/dt int N H(T) dV
        = int N q dV + int_flux N q_n dA ,      H(T) = int rho c dT ,   g = 1 / resistance ,

with k, h and rho c at the local temperature; [.] is the jump over a contact, whose nodes are doubled. The table
:func:`femsim.models.kinematics.conduction` makes grad T and T out of nodal temperatures, so element matrices, their
fast form for rectangles, order, pattern and factor are those of the stress. Units: um, W, s, K; power in plane models
is W per um of depth.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from femsim.base.arrays import BoolArray, FloatArray, IntArray
from femsim.materials.property import Property
from femsim.materials.thermal import Conductor
from femsim.meshes.elements import FACE_OF, gauss_points, line_gauss, line_shape, shape
from femsim.meshes.facets import face_normals
from femsim.meshes.mesh import Mesh
from femsim.models.assembly import sum_of_elements
from femsim.models.overtime import OverTime
from femsim.models.rectangles import rectangle_internal
from femsim.models.sampling import hooke, sample
from femsim.models.space import Space


@dataclass(frozen=True)
class Feed:
    """Heat that enters: ``amount`` over time times ``load`` (N,), nodal heat in W per unit of the amount.

    ``weight`` (N,) is int N over the source's volume or line, so the mean temperature is weight . T / sum(weight).
    """

    name: str
    amount: OverTime
    load: FloatArray
    weight: FloatArray

    @cached_property
    def nodes(self) -> IntArray:
        """The source's nodes."""
        return np.flatnonzero(self.weight)

    def power(self, time: float, within: float | None = None) -> float:
        """Heat that enters, W."""
        return self.amount.at(time, within) * float(self.load.sum())


@dataclass(frozen=True)
class Line:
    """Edges, in space faces, (K, m) with the shape functions ``values`` (q, m) and the weights (K, q) of their Gauss
    points, um2.
    """

    edges: IntArray
    values: FloatArray
    weights: FloatArray

    @staticmethod
    def of(space: Space, edges: IntArray) -> Line:
        """The edges of a space with four Gauss points each; faces with as many along each direction."""
        if space.kinematics.dim == 3:
            element = FACE_OF[edges.shape[1]]
            xi, w = gauss_points(element, 4)
            values, slopes = shape(element, xi)
            area = np.linalg.norm(face_normals(slopes, space.mesh.points[edges]), axis=2)
            return Line(edges, values, area * w)
        s, w = line_gauss(4)
        values, slopes = line_shape(edges.shape[1], s)
        x = space.mesh.points[edges]
        length = np.linalg.norm(np.einsum("qn,knc->kqc", slopes, x), axis=2)
        return Line(edges, values, length * w * space.kinematics.measure(x[..., 0] @ values.T))

    def spread(self, density: FloatArray | float, count: int) -> FloatArray:
        """Nodal values (count,) of int N density dA, the density at the Gauss points (K, q)."""
        nodal = (np.broadcast_to(density, self.weights.shape) * self.weights) @ self.values
        return np.asarray(np.bincount(self.edges.ravel(), nodal.ravel(), minlength=count), dtype=float)

    def matrices(self, density: FloatArray | float) -> FloatArray:
        """Matrices (K, m, m) of int N density N^T dA."""
        scaled = np.broadcast_to(density, self.weights.shape) * self.weights
        return np.asarray(np.einsum("kq,qi,qj->kij", scaled, self.values, self.values))


@dataclass(frozen=True)
class Cooling:
    """Convection on outer edges: heat h (T - ambient) leaves per area; h in W/(um2 K) over temperature or time."""

    name: str
    line: Line
    h: Property | OverTime
    ambient: OverTime

    def film(self, temperature: FloatArray, time: float, within: float | None) -> tuple[FloatArray, FloatArray]:
        """Heat flux (K, q) that leaves at surface temperatures (K, q), and its derivative by temperature."""
        rise = temperature - self.ambient.at(time, within)
        if isinstance(self.h, OverTime):
            h = np.full(rise.shape, self.h.at(time, within))
            return h * rise, h
        h = self.h.at(temperature)
        return h * rise, h + self.h.slope(temperature) * rise


@dataclass(frozen=True)
class Fixed:
    """Prescribed temperature, degC, at nodes of a line: over time, or a value for each node."""

    name: str
    nodes: IntArray
    edges: IntArray
    value: OverTime | FloatArray

    def at(self, time: float, within: float | None = None) -> FloatArray:
        """Temperature (nodes,)."""
        if isinstance(self.value, OverTime):
            return np.full(len(self.nodes), self.value.at(time, within))
        return self.value


@dataclass(frozen=True)
class Contact:
    """An interface of doubled nodes with the conductance g, W/(um2 K): edges of either side (K, m), node by node."""

    name: str
    first: Line
    second: IntArray
    conductance: float

    def jump(self, temperature: FloatArray) -> FloatArray:
        """Temperature of the first side less that of the second (K, q)."""
        return np.asarray((temperature[self.first.edges] - temperature[self.second]) @ self.first.values.T)


@dataclass(frozen=True)
class HeatModel:
    """Space of temperatures, a conductor for each region, sources, flows over the surface, contacts.

    ``origin`` (N,) is each node's number in the mesh of the stress, which has no doubled nodes.
    """

    space: Space
    conductors: tuple[Conductor, ...]
    sources: tuple[Feed, ...]
    fluxes: tuple[Feed, ...]
    coolings: tuple[Cooling, ...]
    fixed: tuple[Fixed, ...]
    contacts: tuple[Contact, ...]
    ambient: float
    origin: IntArray

    @property
    def mesh(self) -> Mesh:
        """The mesh, nodes doubled at contacts."""
        return self.space.mesh

    @cached_property
    def is_linear(self) -> bool:
        """Whether neither conductivity nor capacity nor h depend on temperature."""
        return all(c.is_constant for c in self.conductors) and not any(
            isinstance(c.h, Property) and c.h.is_table for c in self.coolings
        )

    @cached_property
    def varying(self) -> BoolArray:
        """Which cells (E,) have a conductor that depends on temperature."""
        return np.array([not c.is_constant for c in self.conductors])[self.mesh.region]

    @cached_property
    def has_capacity(self) -> bool:
        """Whether the heat capacity of all regions is known."""
        return all(c.capacity is not None for c in self.conductors)

    def moduli(self, temperature: FloatArray, shift: float = 0.0) -> HeatModuli:
        """Conductivity, and ``shift`` (1/s) times the capacity, at a temperature (N,)."""
        return HeatModuli(self, temperature, shift)

    def inflow(self, time: float = 0.0, within: float | None = None) -> FloatArray:
        """Nodal heat (N,) of sources and prescribed fluxes, W."""
        total = np.zeros(len(self.mesh.points))
        for feed in (*self.sources, *self.fluxes):
            total += feed.amount.at(time, within) * feed.load
        return total

    def outflow(self, temperature: FloatArray, time: float = 0.0, within: float | None = None) -> FloatArray:
        """Nodal heat (N,) that conduction, convection and contacts take away, W, by fluxes at the Gauss points."""
        return self.volume_flow(temperature) + self.surface_flow(temperature, time, within)

    def stored(self, temperature: FloatArray) -> FloatArray:
        """Nodal heat (N,) stored above 0 degC, J: int N H(T) dV."""
        return self.volume_flow(temperature, 0.0, 1.0)

    def volume_flow(self, temperature: FloatArray, conduct: float = 1.0, store: float = 0.0) -> FloatArray:
        """Nodal heat (N,): ``conduct`` int grad N . k grad T dV + ``store`` int N H(T) dV."""
        space, mesh = self.space, self.mesh
        points, weights = gauss_points(mesh.element, mesh.info.full)
        plain = mesh.rectangular & ~self.varying
        moduli = _Parts(self, temperature, conduct, store)

        def element(cells: IntArray) -> FloatArray:
            if plain[cells].all():
                d = moduli.at(cells, np.empty((1, mesh.info.nodes)))[:, 0]
                return rectangle_internal(space, cells, temperature, d)
            at = sample(space, cells, points)
            strain = at.strain(temperature)
            stress = hooke(moduli.at(cells, at.values), strain)
            for number in np.unique(mesh.region[cells]) if store else ():
                capacity = self.conductors[number].capacity
                if capacity is not None and capacity.is_table:  # the heat content is no multiple of the temperature
                    mine = np.flatnonzero(mesh.region[cells] == number)
                    content = capacity.integral(strain[mine][..., -1]) - capacity.integral(0.0)
                    stress[mine, :, -1] = store * content
            return at.pull(stress * (at.volume * weights)[..., None])

        return sum_of_elements(space, element)

    def surface_flow(self, temperature: FloatArray, time: float = 0.0, within: float | None = None) -> FloatArray:
        """Nodal heat (N,) that convection and contacts take away, W."""
        count = len(self.mesh.points)
        total = np.zeros(count)
        for cooling in self.coolings:
            surface = temperature[cooling.line.edges] @ cooling.line.values.T
            total += cooling.line.spread(cooling.film(surface, time, within)[0], count)
        for contact in self.contacts:
            through = contact.conductance * contact.jump(temperature)
            total += contact.first.spread(through, count)
            total -= Line(contact.second, contact.first.values, contact.first.weights).spread(through, count)
        return total

    def cooled(self, temperature: FloatArray, time: float = 0.0, within: float | None = None) -> float:
        """Heat that convection takes away in all, W, by fluxes at the Gauss points of the surface."""
        total = 0.0
        for cooling in self.coolings:
            surface = temperature[cooling.line.edges] @ cooling.line.values.T
            total += float((cooling.film(surface, time, within)[0] * cooling.line.weights).sum())
        return total

    def surface_entries(
        self, temperature: FloatArray, time: float = 0.0, within: float | None = None, definite: bool = False
    ) -> tuple[IntArray, IntArray, FloatArray]:
        """Entries (node, node, W/K) of the matrix of convection and contacts at a temperature: its derivative, or a
        ``definite`` one, where a film that carries less the hotter it is counts with its h.
        """
        rows, columns, values = [], [], []

        def add(nodes: IntArray, matrices: FloatArray) -> None:
            shape = matrices.shape
            rows.append(np.broadcast_to(nodes[:, :, None], shape).ravel())
            columns.append(np.broadcast_to(nodes[:, None, :], shape).ravel())
            values.append(matrices.ravel())

        for cooling in self.coolings:
            surface = temperature[cooling.line.edges] @ cooling.line.values.T
            flux, slope = cooling.film(surface, time, within)
            if definite and np.any(slope < 0.0):
                rise = surface - cooling.ambient.at(time, within)
                slope = np.where(slope < 0.0, flux / np.where(rise == 0.0, 1.0, rise), slope)
            add(cooling.line.edges, cooling.line.matrices(slope))
        for contact in self.contacts:
            m = contact.first.matrices(contact.conductance)
            both = np.concatenate([np.concatenate([m, -m], axis=2), np.concatenate([-m, m], axis=2)], axis=1)
            add(np.concatenate([contact.first.edges, contact.second], axis=1), both)
        if not rows:
            nothing = np.empty(0, dtype=np.int64)
            return nothing, nothing, np.empty(0)
        return np.concatenate(rows), np.concatenate(columns), np.concatenate(values)

    def prescribed(self, time: float = 0.0, within: float | None = None) -> tuple[IntArray, FloatArray]:
        """Held nodes and their temperatures; where two lines meet, the mean of theirs."""
        if not self.fixed:
            return np.empty(0, dtype=np.int64), np.empty(0)
        nodes = np.concatenate([f.nodes for f in self.fixed])
        values = np.concatenate([f.at(time, within) for f in self.fixed])
        held, place, times = np.unique(nodes, return_inverse=True, return_counts=True)
        return held, np.bincount(place, values) / times

    def cellwise(self, temperature: FloatArray) -> FloatArray:
        """The temperature for the mesh of the stress: at its nodes (N,), or with contacts at the cells' nodes
        (E, n).
        """
        if self.contacts:
            return np.asarray(temperature[self.mesh.cells])
        found = np.empty(len(temperature))
        found[self.origin] = temperature
        return found


@dataclass(frozen=True)
class HeatModuli:
    """Conductivity (d, d) and ``shift`` times capacity at the local temperature, side by side (d + 1, d + 1)."""

    model: HeatModel
    temperature: FloatArray
    shift: float

    @property
    def uniform(self) -> BoolArray:
        """The cells whose conductor does not depend on temperature."""
        return ~self.model.varying

    @property
    def flowing(self) -> BoolArray:
        """No cell."""
        return np.zeros(len(self.model.mesh.cells), dtype=bool)

    def at(self, cells: IntArray, values: FloatArray) -> FloatArray:
        """Moduli (E, 1 or q, d + 1, d + 1) at points of cells whose shape functions are ``values`` (q, n)."""
        return _Parts(self.model, self.temperature, 1.0, self.shift).at(cells, values)

    def tangent(self, cells: IntArray, values: FloatArray, strain: FloatArray) -> FloatArray:
        """Derivative (E, q, d + 1, d + 1) of the flux by grad T and T, not symmetric: k' grad T stands in the last
        column; ``strain`` (E, q, d + 1) is grad T and T.
        """
        model, plane = self.model, self.model.space.kinematics.plane
        found = np.array(np.broadcast_to(self.at(cells, values), (*strain.shape, strain.shape[-1])))
        for number in np.unique(model.mesh.region[cells]):
            conductor = model.conductors[number]
            mine = np.flatnonzero(model.mesh.region[cells] == number)
            if any(p.is_table for p in conductor.conductivity):
                slope = conductor.slope(strain[mine][..., -1], plane)
                found[mine, :, :-1, -1] = np.matmul(slope, strain[mine][..., :-1, None])[..., 0]
        return found


@dataclass(frozen=True)
class _Parts:
    """Multiples of conductivity and capacity."""

    model: HeatModel
    temperature: FloatArray
    conduct: float
    store: float

    def at(self, cells: IntArray, values: FloatArray) -> FloatArray:
        model, plane = self.model, self.model.space.kinematics.plane
        region = model.mesh.region[cells]
        varying = bool(model.varying[cells].any())
        d = model.space.kinematics.dim
        found = np.zeros((len(cells), len(values) if varying else 1, d + 1, d + 1))
        for number in np.unique(region):
            conductor = model.conductors[number]
            mine = np.flatnonzero(region == number)
            if conductor.is_constant:
                t: FloatArray = np.zeros((1, 1))
            else:
                t = self.temperature[model.mesh.cells[cells[mine]]] @ values.T
            if self.conduct:
                found[mine, :, :d, :d] = self.conduct * conductor.tensor(t, plane)
            if self.store and conductor.capacity is not None:
                found[mine, :, d, d] = self.store * conductor.capacity.at(t)
        return found
