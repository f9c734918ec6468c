"""From ``[heat]`` of a case to a :class:`~femsim.models.heat.HeatModel`: places, units, doubled nodes, checks."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.errors import FemsimWarning, InputError, nearest
from femsim.base.units import UM2_PER_MM2, W_PER_UM2_FROM_M2, W_PER_UM3_FROM_M3, W_PER_UM_K
from femsim.builders.places import edges_on, faces_on, tell_gaps
from femsim.builders.resolve import ResolvedMaterial, properties_of
from femsim.cases.heat import (
    Duty,
    Heat,
    HeatBoundary,
    HeatPlace,
    HeatSource,
    NodalField,
    StepValues,
    TimeTable,
)
from femsim.cases.tables import Table
from femsim.materials.property import Property
from femsim.materials.thermal import Conductor
from femsim.meshes.contacts import Opened, interface, opened
from femsim.meshes.elements import gauss_points
from femsim.meshes.facets import Edges, Faces, edges_of, faces_of, find_edges, find_faces
from femsim.meshes.mesh import Mesh
from femsim.models.heat import Contact, Cooling, Feed, Fixed, HeatModel, Line
from femsim.models.kinematics import Kinematics, conduction
from femsim.models.overtime import OverTime, constant
from femsim.models.sampling import sample
from femsim.models.space import Constraints, Space

Value = float | TimeTable | Duty | StepValues


def heat_name(kind: str, number: int, entry: HeatSource | HeatBoundary) -> str:
    """The name results give an entry: its own, or where it is."""
    if entry.name is not None:
        return entry.name
    place = entry.words()
    return f"{kind}_{number + 1}" if not place else place if kind == "boundary" else f"source on {place}"


def build_heat(
    heat: Heat,
    mesh: Mesh,
    kinematics: Kinematics,
    materials: Mapping[str, ResolvedMaterial],
    roles: Mapping[str, str] | None = None,
    point_data: Mapping[str, FloatArray] | None = None,
    step: int | None = None,
) -> HeatModel:
    """The heat problem of a case on its mesh; ``roles`` are the roles of regions, ``step`` the number of the [[step]]
    whose values are taken.

    Raises InputError, one line with the key, for places that are not there, lines covered twice, missing properties.
    """
    if kinematics.dim == 3 and heat.contact:
        raise InputError("heat.contact: not in three dimensions; use a plane or axisymmetric model")
    facets = edges_of(mesh) if kinematics.dim == 2 else faces_of(mesh)
    builder = _Builder(heat, mesh, conduction(kinematics), facets, roles or {}, point_data or {}, step)
    return builder.model(tuple(conductor_of(materials[region], heat) for region in mesh.regions))


def initial_temperature(heat: Heat, model: HeatModel, point_data: Mapping[str, FloatArray]) -> float | FloatArray:
    """What a transient starts from: one number, or a value for each node of the heat model (N,)."""
    if heat.transient is None:
        raise ValueError("the case has no transient")
    initial = heat.transient.initial
    if isinstance(initial, NodalField):
        return nodal_field(point_data, initial.point_data, "heat.transient.initial.point_data")[model.origin]
    return initial


def conductor_of(resolved: ResolvedMaterial, heat: Heat) -> Conductor:
    spec, key = resolved.spec, f"materials.{resolved.role}"
    if spec.conductivity is None:
        raise InputError(f"{key}.conductivity: missing; heat needs it (W/(m K))")
    capacity = None
    if spec.density is not None and spec.heat_capacity is not None:
        capacity = properties_of(spec.heat_capacity, spec.density * W_PER_UM3_FROM_M3, f"{key}.heat_capacity")[0]
    if heat.transient is not None and capacity is None:
        missing = "density" if spec.density is None else "heat_capacity"
        unit = "kg/m3" if missing == "density" else "J/(kg K)"
        raise InputError(f"{key}.{missing}: missing; a transient needs it ({unit})")
    along = properties_of(spec.conductivity, W_PER_UM_K, f"{key}.conductivity")
    return Conductor(resolved.role, along, capacity, spec.angle, spec.euler)


def check_step_values(heat: Heat, count: int) -> None:
    """InputError unless every value by steps has one number for each of the ``count`` [[step]]."""
    for kind in ("source", "boundary"):
        for number, entry in enumerate(getattr(heat, kind)):
            for key in ("power", "density", "h", "temperature", "flux"):
                value = getattr(entry, key, None)
                if isinstance(value, StepValues) and len(value.steps) != count:
                    raise InputError(
                        f"heat.{kind}.{number}.{key}.steps: {len(value.steps)} values for {count} steps; give one for "
                        f"each [[step]]"
                    )


def over_time(value: Value, factor: float, key: str, step: int | None) -> OverTime:
    """A value of a case as a number over time, in inner units."""
    if isinstance(value, TimeTable):
        return OverTime(tuple(factor * v for v in value.value), tuple(value.t))
    if isinstance(value, Duty) and value.duty == 1.0:  # always on
        return constant(factor * value.value)
    if isinstance(value, Duty):
        return OverTime((factor * value.value,), period=value.period, duty=value.duty)
    if isinstance(value, StepValues):
        if step is None:
            raise InputError(f"{key}.steps: needs [[step]] entries; give a number, or t and value")
        if step >= len(value.steps):
            raise InputError(f"{key}.steps: {len(value.steps)} values, but there is a step {step + 1}")
        return constant(factor * value.steps[step])
    return constant(factor * value)


@dataclass(frozen=True)
class _Builder:
    heat: Heat
    mesh: Mesh
    kinematics: Kinematics
    edges: Edges | Faces
    roles: Mapping[str, str]
    point_data: Mapping[str, FloatArray]
    step: int | None

    def model(self, conductors: tuple[Conductor, ...]) -> HeatModel:
        edges = self.edges if isinstance(self.edges, Edges) else None
        cuts = [] if edges is None else [self._interface(edges, k) for k in range(len(self.heat.contact))]
        cut = np.unique(np.concatenate(cuts)) if cuts else np.empty(0, dtype=np.int64)
        whole = np.arange(len(self.mesh.points)), np.empty((0, 2), dtype=np.int64)
        open_ = Opened(self.mesh, *whole) if edges is None else opened(self.mesh, edges, cut)
        bare = Space(open_.mesh, self.kinematics, Constraints.build(len(open_.mesh.points)), open_.joined)
        fixed, coolings, fluxes = self._boundaries(bare, open_)
        held = np.unique(np.concatenate([f.nodes for f in fixed])) if fixed else np.empty(0, dtype=np.int64)
        space = replace(bare, constraints=Constraints.build(len(open_.mesh.points), held))
        sources = self._sources(space, set(cut.tolist()))
        contacts = tuple(
            self._contact(space, contact.between, at, contact.resistance)
            for contact, at in zip(self.heat.contact, cuts, strict=True)
        )
        return HeatModel(space, conductors, sources, fluxes, coolings, fixed, contacts, self.heat.ambient, open_.origin)

    # ---- places

    def _regions(self, name: str, key: str) -> list[str]:
        found = [region for region in self.mesh.regions if name in (region, self.roles.get(region))]
        if not found:
            known = sorted({*self.mesh.regions, *self.roles.values()})
            raise InputError(f"{key}: no region {name!r}{nearest(name, known)}; there are: {', '.join(known)}")
        return found

    def _interface(self, edges: Edges, number: int) -> IntArray:
        key = f"heat.contact.{number}.between"
        pair = [self._regions(name, key) for name in self.heat.contact[number].between]
        found = [interface(self.mesh, edges, a, b) for a in pair[0] for b in pair[1] if a != b]
        at = np.unique(np.concatenate(found)) if found else np.empty(0, dtype=np.int64)
        if not len(at):
            names = " and ".join(repr(name) for name in self.heat.contact[number].between)
            raise InputError(f"{key}: {names} do not touch")
        return at

    def _edges_on(self, place: HeatPlace, key: str) -> IntArray:
        """Positions of the edges on a line, in space of the faces on a surface; never empty."""
        if isinstance(self.edges, Faces):
            rows = faces_on(self.mesh, self.kinematics, place, key)
            if not len(rows):
                raise InputError(f"{key}: no face of the body at {place.words()} um")
            corners = np.full((len(rows), 4), -1, dtype=np.int64)
            for local, face in enumerate(self.mesh.info.faces):
                mine, width = rows[:, 1] == local, self.mesh.info.facet_corners(local)
                corners[mine, :width] = self.mesh.cells[rows[mine, 0]][:, list(face[:width])]
            return np.unique(find_faces(self.mesh, self.edges, corners))
        if place.on is not None:
            lines = self.mesh.lines
            if place.on not in lines or not len(lines[place.on]):
                known = ", ".join(sorted(lines)) or "none"
                what = (
                    "is empty" if place.on in lines else f"is not there{nearest(place.on, lines)}; there are: {known}"
                )
                raise InputError(f"{key}.on: line {place.on!r} {what}")
            at = find_edges(self.mesh, self.edges, lines[place.on])
            return np.asarray(at[at >= 0])
        _, at = edges_on(self.mesh, self.kinematics, place, key)
        if not len(at):
            axis, _ = place.level() or ("", 0.0)
            points = self.mesh.points[:, self.kinematics.axes.index(axis)]
            raise InputError(
                f"{key}.{axis}: no line at {place.words()} um; the body reaches from {points.min():g} to "
                f"{points.max():g}"
            )
        return at

    @property
    def _word(self) -> str:
        return "line" if self.mesh.dim == 2 else "surface"

    def _outer(self, place: HeatPlace, key: str, inner_too: bool) -> IntArray:
        at = self._edges_on(place, key)
        outer = at[self.edges.cells[at, 1] < 0]
        if len(outer) or inner_too:
            chosen = np.asarray(outer if len(outer) else at)
            self._tell_gaps(chosen, place, key)
            return chosen
        raise InputError(f"{key}: {place.words()} runs inside the body; convection and flux need an outer {self._word}")

    def _tell_gaps(self, at: IntArray, place: HeatPlace, key: str) -> None:
        if isinstance(self.edges, Edges):
            tell_gaps(self.mesh.points[self.edges.nodes[at]], self.kinematics, place, key)

    def _nodes(self, space: Space, at: IntArray, side: int | IntArray = 0) -> IntArray:
        """Nodes (K, m) of edges as one of their cells sees them, in the opened mesh."""
        row = np.arange(len(at))
        which = np.broadcast_to(side, len(at))
        cell, edge = self.edges.cells[at][row, which], self.edges.local[at][row, which]
        facets = self.mesh.info.edges if self.mesh.dim == 2 else self.mesh.info.faces
        if len({len(facets[k]) for k in np.unique(edge).tolist()}) > 1:
            raise InputError("heat: a surface of triangles and quadrilaterals at once; give each its own name")
        widest = max(len(facets[k]) for k in np.unique(edge).tolist()) if len(edge) else len(facets[0])
        local = np.array([[*facet[:widest], *[0] * (widest - len(facet))] for facet in facets])
        return np.asarray(space.mesh.cells[cell[:, None], local[edge]])

    # ---- what acts

    def _sources(self, space: Space, cut: set[int]) -> tuple[Feed, ...]:
        found: list[Feed] = []
        for number, source in enumerate(self.heat.source):
            key, name = f"heat.source.{number}", heat_name("source", number, source)
            if any(feed.name == name for feed in found):
                name = f"{name} ({number + 1})"
            regions = self._regions(source.region, f"{key}.region") if source.region is not None else []
            line = source.on is not None or source.level() is not None
            if line:
                weight = self._line_weight(space, source, key, regions, cut)
            else:
                weight = self._volume_weight(space, key, regions)
            if source.power is not None:
                amount = over_time(source.power, 1.0, f"{key}.power", self.step)
                load = weight / weight.sum()
            else:
                unit = W_PER_UM2_FROM_M2 if line else W_PER_UM3_FROM_M3
                amount = over_time(source.density or 0.0, unit, f"{key}.density", self.step)
                load = weight
            found.append(Feed(name, amount, load, weight))
        return tuple(found)

    def _volume_weight(self, space: Space, key: str, regions: Sequence[str]) -> FloatArray:
        mesh = space.mesh
        cells = np.flatnonzero(np.isin(mesh.region, [mesh.regions.index(region) for region in regions]))
        if not len(cells):
            raise InputError(f"{key}.region: {' and '.join(regions)} is not there in this step, and cannot be heated")
        points, weights = gauss_points(mesh.element, mesh.info.full)
        at = sample(space, cells, points)
        nodal = (at.volume * weights) @ at.values
        return np.asarray(np.bincount(mesh.cells[cells].ravel(), nodal.ravel(), minlength=len(mesh.points)))

    def _line_weight(
        self, space: Space, source: HeatSource, key: str, regions: Sequence[str], cut: set[int]
    ) -> FloatArray:
        at = self._edges_on(source, key)
        side: IntArray = np.zeros(len(at), dtype=np.int64)
        if regions:
            numbers = [self.mesh.regions.index(region) for region in regions]
            cells = self.edges.cells[at]
            mine = np.isin(self.mesh.region[cells], numbers) & (cells >= 0)
            keep = mine.any(axis=1)
            at, side = at[keep], np.where(mine[keep, 0], 0, 1)
            if not len(at):
                raise InputError(f"{key}.region: {source.region!r} does not touch the line {source.words()}")
        elif cut.intersection(at.tolist()):
            raise InputError(f"{key}.region: missing; the line lies on a contact, say on which side of it")
        self._tell_gaps(at, source, key)
        line = Line.of(space, self._nodes(space, at, side))
        return line.spread(1.0, len(space.mesh.points))

    def _boundaries(
        self, space: Space, open_: Opened
    ) -> tuple[tuple[Fixed, ...], tuple[Cooling, ...], tuple[Feed, ...]]:
        fixed: list[Fixed] = []
        coolings: list[Cooling] = []
        fluxes: list[Feed] = []
        owner: dict[int, str] = {}
        names: set[str] = set()
        for number, entry in enumerate(self.heat.boundary):
            key, name = f"heat.boundary.{number}", heat_name("boundary", number, entry)
            name = f"{name} ({number + 1})" if name in names else name
            names.add(name)
            at = self._outer(entry, key, entry.temperature is not None)
            for edge in at.tolist():
                if edge in owner:
                    raise InputError(f"{key}: {entry.words()} is covered twice; {owner[edge]!r} has it already")
                owner[edge] = name
            edges = self._nodes(space, at)
            if entry.h is not None:
                coolings.append(self._cooling(space, entry, key, name, edges))
            elif entry.flux is not None:
                weight = Line.of(space, edges).spread(1.0, len(space.mesh.points))
                amount = over_time(entry.flux, W_PER_UM2_FROM_M2, f"{key}.flux", self.step)
                fluxes.append(Feed(name, amount, weight, weight))
            elif entry.temperature is not None:
                inner = self.edges.cells[at, 1] >= 0
                both = np.concatenate([edges, self._nodes(space, at[inner], 1)])
                fixed.append(self._fixed(entry, key, name, np.unique(both), edges, open_))
        self._warn_of_steps(fixed, space.mesh)
        return tuple(fixed), tuple(coolings), tuple(fluxes)

    def _cooling(self, space: Space, entry: HeatBoundary, key: str, name: str, edges: IntArray) -> Cooling:
        ambient = self.heat.ambient if entry.ambient is None else entry.ambient
        h: Property | OverTime
        if isinstance(entry.h, Table):
            h = Property(tuple(W_PER_UM2_FROM_M2 * v for v in entry.h.value), tuple(entry.h.T))
        else:
            h = over_time(entry.h or 0.0, W_PER_UM2_FROM_M2, f"{key}.h", self.step)
        return Cooling(name, Line.of(space, edges), h, over_time(ambient, 1.0, f"{key}.ambient", self.step))

    def _fixed(
        self, entry: HeatBoundary, key: str, name: str, nodes: IntArray, edges: IntArray, open_: Opened
    ) -> Fixed:
        if isinstance(entry.temperature, NodalField):
            field = nodal_field(self.point_data, entry.temperature.point_data, f"{key}.temperature.point_data")
            return Fixed(name, nodes, edges, field[open_.origin[nodes]])
        value = over_time(entry.temperature or 0.0, 1.0, f"{key}.temperature", self.step)
        return Fixed(name, nodes, edges, value)

    def _warn_of_steps(self, fixed: Sequence[Fixed], mesh: Mesh) -> None:
        for one, two in combinations(fixed, 2):
            common, i, j = np.intersect1d(one.nodes, two.nodes, return_indices=True)
            if not len(common):
                continue
            a, b = one.at(0.0)[i], two.at(0.0)[j]
            if np.any(np.abs(a - b) > 1e-9 * (1.0 + np.abs(a))):
                place = ", ".join(f"{value:g}" for value in mesh.points[common[0]])
                warnings.warn(
                    f"heat: {one.name!r} and {two.name!r} meet at ({place}) um with different temperatures; the "
                    f"heat between them has no finite value, that found measures the mesh",
                    FemsimWarning,
                    stacklevel=2,
                )

    def _contact(self, space: Space, between: Sequence[str], at: IntArray, resistance: float) -> Contact:
        numbers = [self.mesh.regions.index(region) for region in self._regions(between[0], "heat.contact")]
        side = np.where(np.isin(self.mesh.region[self.edges.cells[at, 0]], numbers), 0, 1)
        first, second = self._nodes(space, at, side), self._nodes(space, at, 1 - side)
        second = second[:, [1, 0, *range(2, second.shape[1])]]
        names = " and ".join(between)
        return Contact(names, Line.of(space, first), second, 1.0 / (resistance * UM2_PER_MM2))


def nodal_field(fields: Mapping[str, FloatArray], name: str, key: str) -> FloatArray:
    """A field of the mesh file, one finite number per node."""
    if name not in fields:
        known = ", ".join(sorted(fields)) or "none"
        raise InputError(f"{key}: the mesh has no point data {name!r}{nearest(name, fields)}; there is: {known}")
    field = np.asarray(fields[name], dtype=float)
    if field.ndim != 1 or not np.all(np.isfinite(field)):
        raise InputError(f"{key}: {name!r} is not one finite number per node")
    return field
