"""Boundary conditions of a case: what is held, tied and straight, how large it is at each moment, and whether the body
is held.

What is held decides the space; how large it is at a moment decides the load. So a space is made once for each set of
conditions in force, and serves all moments of the steps that share it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.errors import InputError, nearest
from femsim.builders.amounts import NOW, Moment, factor, field_of, needs_steps
from femsim.builders.places import facets_on, nodes_on, outer_facets_on, words
from femsim.builders.walls import Supports
from femsim.cases.boundary import Body, Boundary, Varying
from femsim.meshes.mesh import Mesh
from femsim.models.assembly import body_force, traction_force
from femsim.models.kinematics import Kinematics
from femsim.models.loads import Load, Support, Traction
from femsim.models.space import Constraints, Space, check_held

#: uN in a newton, and uN/um3 in N/m3
MICRO, VOLUME = 1.0e6, 1.0e-12


@dataclass(frozen=True)
class Held:
    """Degrees of freedom that one entry prescribes: ``scale`` (n,) times the value's factor (um)."""

    label: str
    dofs: IntArray
    scale: FloatArray
    value: float | Varying


@dataclass(frozen=True)
class Loaded:
    """A force (ndof,) in uN, and its factor at a moment."""

    force: FloatArray
    factor: Callable[[Moment], float]


@dataclass(frozen=True)
class Conditions:
    """A space, what is prescribed and loaded on it over the moments, and the named supports."""

    space: Space
    held: tuple[Held, ...] = ()
    follow: tuple[tuple[int, int, float], ...] = ()  # dof, the held dof it follows, coefficient
    loads: tuple[Loaded, ...] = ()
    supports: tuple[Support, ...] = ()

    def prescribed(self, moment: Moment = NOW) -> FloatArray:
        """Displacements (ndof,) in um of what is held at a moment."""
        found = np.zeros(self.space.ndof)
        for one in self.held:
            found[one.dofs] = one.scale * factor(one.value, moment)
        if self.follow:
            dof, other, coefficient = (np.array(column) for column in zip(*self.follow, strict=True))
            moved = coefficient * found[other]
            found[dof] = 0.0
            np.add.at(found, dof, moved)
        return found

    def force(self, moment: Moment = NOW) -> FloatArray | None:
        """Nodal forces (ndof,) in uN of pressures, tractions, forces and body forces at a moment; None for none."""
        if not self.loads:
            return None
        return np.asarray(sum(one.factor(moment) * one.force for one in self.loads))

    def named(self, moment: Moment = NOW) -> tuple[Support, ...]:
        """The named supports, with the forces they were given at a moment."""
        found = []
        for support in self.supports:
            own = [self.loads[k] for k in support.loads]
            force = np.sum([one.factor(moment) * one.force for one in own], axis=0) if own else None
            found.append(support.with_force(force))
        return tuple(found)


@dataclass
class _Draft:
    """What the entries of a case add up to, on the way to a space."""

    mesh: Mesh
    kinematics: Kinematics
    fields: Mapping[str, FloatArray]
    held: list[Held] = field(default_factory=list)
    owner: dict[int, tuple[int, int]] = field(default_factory=dict)  # dof -> entry of held, place in it
    ties: list[tuple[str, IntArray]] = field(default_factory=list)
    straight: list[tuple[str, IntArray, FloatArray]] = field(
        default_factory=list
    )  # (n, 1) along a line, (n, 2) a plane
    follow: list[tuple[int, int, float]] = field(default_factory=list)
    forced: set[str] = field(default_factory=set)

    @property
    def ndof(self) -> int:
        return self.kinematics.width * len(self.mesh.points) + self.kinematics.globals_

    def hold(self, label: str, key: str, nodes: IntArray, component: int, value: float | Varying) -> None:
        """Prescribe one displacement of nodes; raises InputError where another entry says something else."""
        width = self.kinematics.width
        dofs = width * nodes + component
        nodal = field_of(value, self.fields, len(self.mesh.points), f"{label}.{key}" if key else label)
        scale = np.ones(len(nodes)) if nodal is None else nodal[nodes]
        fresh = []
        for k, dof in enumerate(dofs.tolist()):
            if dof not in self.owner:
                fresh.append(k)
                self.owner[dof] = (len(self.held), len(fresh) - 1)
                continue
            other, place = self.owner[dof]
            before = self.held[other]
            if _says(before.value, before.scale[place]) != _says(value, scale[k]):
                at = ", ".join(f"{v:g}" for v in self.mesh.points[dof // width])
                raise InputError(
                    f"{label}.{key}: {_show(value)} contradicts {_show(before.value)} of {before.label} at ({at}) um"
                )
        self.held.append(Held(label, dofs[fresh], scale[fresh], value))

    def impose(self, label: str, dofs: IntArray, values: FloatArray) -> None:
        """Prescribe displacements that another run gave; what other entries hold stays theirs."""
        fresh = np.array([k for k, dof in enumerate(dofs.tolist()) if dof not in self.owner], dtype=np.int64)
        for place, k in enumerate(fresh.tolist()):
            self.owner[int(dofs[k])] = (len(self.held), place)
        self.held.append(Held(label, dofs[fresh], values[fresh], 1.0))


def _says(value: float | Varying, scale: float) -> object:
    return (value.steps, value.t, value.value, scale) if isinstance(value, Varying) else float(value) * scale


def _show(value: float | Varying) -> str:
    return "a value that varies" if isinstance(value, Varying) else f"{value:g}"


def constrain(
    mesh: Mesh,
    kinematics: Kinematics,
    boundaries: Sequence[Boundary],
    outer: str = "free",
    given: Sequence[Boundary] = (),
    fields: Mapping[str, FloatArray] | None = None,
    bodies: Sequence[Body] = (),
    density: Mapping[str, float] | None = None,
    walls: Supports | None = None,
    cuts: Mapping[int, FloatArray] | None = None,
    soft: frozenset[str] = frozenset(),
) -> Conditions:
    """Space and conditions: symmetry at the axis, the cell wall, and what the boundaries say; the body must be held.

    ``outer``: the largest first coordinate (in plane models also the smallest) is free, fixed (no motion along it),
    coupled (one common motion of each wall, no net force) or straight (a + b s, no force and no moment: a cell of a
    wafer). ``given`` are the boundaries the case itself gives. ``fields`` are the nodal fields of the mesh file,
    ``density`` (kg/m3) that of every region that has one. In space ``walls`` hold planes of symmetry and walls.
    ``cuts`` are the displacements (N, width) that runs gave the boundaries of these numbers, ``soft`` the regions whose
    elements would lock.

    Raises InputError for an empty boundary, a contradiction, or a rigid motion left free.
    """
    draft = _Draft(mesh, kinematics, fields or {})
    width, tolerance = kinematics.width, mesh.near
    links = _axis(draft, tolerance)
    ends = [np.flatnonzero(mesh.points[:, 0] >= mesh.points[:, 0].max() - tolerance)]
    if not kinematics.radial:
        ends.append(np.flatnonzero(mesh.points[:, 0] <= mesh.points[:, 0].min() + tolerance))
    for wall in ends if walls is None else ():
        if outer == "fixed":
            draft.hold("model.outer = fixed", "", wall, 0, 0.0)
        elif outer == "coupled":
            draft.ties.append(("model.outer", width * wall))
        elif outer == "straight":
            draft.straight.append(("model.outer", width * wall, mesh.points[wall, 1:2]))
    if walls is not None:
        for (component, by), nodes in walls.held().items():
            draft.hold(by, "", nodes, component, 0.0)
        draft.ties += [("model.outer", group) for group in walls.ties]
        draft.straight += [("model.outer", dofs, along) for dofs, along in walls.straight]
    labels = {id(boundary): f"boundary.{k}" for k, boundary in enumerate(given)}
    named = [(labels.get(id(boundary), "the stack's own hold"), boundary) for boundary in boundaries]
    for label, boundary in named:
        _motions(draft, label, boundary)
    for number, moved in (cuts or {}).items():
        nodes = nodes_on(mesh, kinematics, given[number], f"boundary.{number}")
        for component in range(width):
            draft.impose(f"boundary.{number}", width * nodes + component, moved[nodes, component])
    groups = _merged(draft)
    extra, more = _links_of_lines(draft, groups, walls)
    links |= more
    if walls is not None:
        _walls_held(draft, walls.links, links)
    held = np.array(sorted(draft.owner), dtype=np.int64)
    space = Space(mesh, kinematics, Constraints.build(draft.ndof, held, tuple(groups), links, extra), soft=soft)
    for dof, combination in links.items():  # a link to a held displacement takes its value
        draft.follow += [(dof, other, value) for other, value in combination.items() if other in draft.owner]
    check_held(space)
    if space.constraints.count == 0:
        raise InputError("boundary: every displacement is prescribed; nothing is left to solve")
    loads, supports = _loads(draft, space, named)
    loads += _bodies(space, bodies, density or {}, draft.fields)
    return Conditions(space, tuple(draft.held), tuple(draft.follow), tuple(loads), tuple(supports))


def _walls_held(draft: _Draft, ruled: Mapping[int, object], links: dict[int, dict[int, float]]) -> None:
    """Displacements of a wall that entries hold: where all that the wall's link says is held alike the link goes.
    Raises InputError where the wall says something else.
    """
    for dof in [dof for dof in ruled if dof in draft.owner and dof in links]:
        own, terms = draft.held[draft.owner[dof][0]], links[dof]
        owned = all(other in draft.owner for other in terms)
        said = {repr(_said(draft, other)) for other in (dof, *terms)} if owned else {"free"}
        # nothing is any combination of nothings, and a mean of equal values is that value
        if not owned or len(said) > 1 or (said != {"0.0"} and abs(sum(terms.values()) - 1.0) > 1e-9):
            at_ = ", ".join(f"{v:g}" for v in draft.mesh.points[dof // draft.kinematics.width])
            raise InputError(
                f"{own.label}: prescribes a displacement at ({at_}) um of a cell wall, which model.outer rules; use "
                'outer = "free"'
            )
        del links[dof]


def _said(draft: _Draft, dof: int) -> object:
    """What the entry that holds a dof says of it."""
    entry, place = draft.owner[dof]
    value = _says(draft.held[entry].value, draft.held[entry].scale[place])
    return 0.0 if value == 0.0 else value  # also of -0.0


def _axis(draft: _Draft, tolerance: float) -> dict[int, dict[int, float]]:
    """Hold or link what vanishes on the axis."""
    mesh, kinematics, width = draft.mesh, draft.kinematics, draft.kinematics.width
    axis = np.flatnonzero(mesh.points[:, 0] <= tolerance) if kinematics.radial else np.empty(0, dtype=np.int64)
    links: dict[int, dict[int, float]] = {}
    for combination in kinematics.axis:
        used = [k for k, value in enumerate(combination) if value]
        if len(used) == 1:
            draft.hold("the axis r = 0", "", axis, used[0], 0.0)
            continue
        last = used[-1]
        for node in axis.tolist():
            links[width * node + last] = {width * node + k: -combination[k] / combination[last] for k in used[:-1]}
    return links


def _motions(draft: _Draft, label: str, boundary: Boundary) -> None:
    mesh, kinematics, width = draft.mesh, draft.kinematics, draft.kinematics.width
    for key, value in boundary.motions().items():
        if key not in kinematics.unknowns:
            raise InputError(
                f"{label}.{key}: not a displacement of kinematics {kinematics.name}; allowed: "
                f"{', '.join(kinematics.unknowns)}"
            )
        component = kinematics.unknowns.index(key)
        nodes = nodes_on(mesh, kinematics, boundary, label)
        if not isinstance(value, str):
            draft.hold(label, key, nodes, component, value)
            continue
        dofs = width * nodes + component
        if boundary.force is not None:
            draft.forced.add(f"{label}.{key}")
        if value == "equal":
            draft.ties.append((f"{label}.{key}", dofs))
        else:
            draft.straight.append((f"{label}.{key}", dofs, _along(draft, nodes, boundary, label, key)))


def _along(draft: _Draft, nodes: IntArray, boundary: Boundary, label: str, key: str) -> FloatArray:
    """The coordinates (n, 1) along a straight line, in space (n, 2) in a plane."""
    mesh = draft.mesh
    x = mesh.points[nodes]
    level = boundary.level()
    if level is not None:
        return np.asarray(np.delete(x, draft.kinematics.axes.index(level[0]), axis=1))
    middle = x.mean(axis=0)
    _, size, direction = np.linalg.svd(x - middle, full_matrices=False)
    flat = mesh.dim - 1  # a line in the plane, a plane in space
    if len(size) > flat and size[flat] > 1e-6 * size[0]:
        raise InputError(f"{label}.{key}: {words(boundary)} is not {'a straight line' if flat == 1 else 'flat'}")
    # from the foot of the origin on the line, so that the unknowns do not depend on the order of the nodes
    return np.asarray(x @ direction[:flat].T)


def _merged(draft: _Draft) -> list[IntArray]:
    """Groups of dofs that move together, those that share a dof joined; held ones take the held one's value."""
    groups: list[tuple[set[int], list[str]]] = []
    for label, dofs in draft.ties:
        mine, labels = set(dofs.tolist()), [label]
        apart = []
        for other, of in groups:
            if mine & other:
                mine |= other
                labels += of
            else:
                apart.append((other, of))
        groups = [*apart, (mine, labels)]
    found = []
    for members, labels in groups:
        own = sorted(dof for dof in members if dof in draft.owner)
        if own:
            held = [draft.held[draft.owner[dof][0]] for dof in own]
            said = {repr(_says(one.value, one.scale[draft.owner[dof][1]])) for one, dof in zip(held, own, strict=True)}
            if len(said) > 1:
                if "model.outer" in labels:
                    raise InputError(
                        "model.outer: coupled, but boundaries prescribe different motions of the cell wall; use "
                        'outer = "free"'
                    )
                raise InputError(f"{labels[-1]}: equal, but boundaries prescribe different motions of the line")
            for label in labels:
                if label in draft.forced:
                    raise InputError(f"{label}: the line carries a force, but {held[0].label} prescribes its motion")
            draft.follow += [(dof, own[0], 1.0) for dof in sorted(members) if dof not in draft.owner]
        found.append(np.array(sorted(members), dtype=np.int64))
    return found


def _links_of_lines(
    draft: _Draft, groups: list[IntArray], walls: Supports | None = None
) -> tuple[int, dict[int, dict[int, float]]]:
    """Number of further unknowns, and the combinations u = a + b s (in space a + b s + c t) of straight lines; where
    one dof of a line is held, the line turns about it. Those of ``walls`` come first.
    """
    links: dict[int, dict[int, float]] = dict(walls.links) if walls is not None else {}
    tied = {int(dof) for group in groups for dof in group}
    extra, ndof = (0 if walls is None else walls.extra), draft.ndof
    for label, dofs, along in draft.straight:
        own = [k for k, dof in enumerate(dofs.tolist()) if dof in draft.owner]
        if any(int(dof) in tied or int(dof) in links for dof in dofs):
            raise InputError(f"{label}: a displacement of this line is tied to another line as well")
        if len(own) > 1:
            raise InputError(f"{label}: straight, but other boundaries prescribe {len(own)} of its displacements")
        if own and label in draft.forced:
            other = draft.held[draft.owner[int(dofs[own[0]])][0]].label
            raise InputError(f"{label}: the line carries a force, but {other} prescribes its motion")
        scale = np.where(np.ptp(along, axis=0) > 0, np.ptp(along, axis=0), 1.0)
        slopes = (along - along[own[0] if own else 0]) / scale
        for k, dof in enumerate(dofs.tolist()):
            if own and k == own[0]:
                continue
            if own:
                foot = int(dofs[own[0]])
                links[dof] = {foot: 1.0, **{ndof + extra + j: float(v) for j, v in enumerate(slopes[k])}}
            else:
                links[dof] = {ndof + extra: 1.0, **{ndof + extra + 1 + j: float(v) for j, v in enumerate(slopes[k])}}
        extra += along.shape[1] + (0 if own else 1)
    return extra, links


# ---------------------------------------------------------------- loads


def _loads(draft: _Draft, space: Space, named: Sequence[tuple[str, Boundary]]) -> tuple[list[Loaded], list[Support]]:
    mesh, kinematics, width = draft.mesh, draft.kinematics, draft.kinematics.width
    loads: list[Loaded] = []
    supports = []
    for label, boundary in named:
        first = len(loads)
        parts: list[tuple[str, float | Varying, FloatArray, float]] = []
        if boundary.pressure is not None:
            parts.append(("pressure", boundary.pressure, np.zeros(width), 1.0))
        for k, value in enumerate(boundary.traction or ()):
            parts.append(("traction", value, np.eye(width)[k], 0.0))
        for key, value, vector, pressure in parts:
            if not isinstance(value, Varying) and value == 0.0:
                outer_facets_on(mesh, kinematics, boundary, label)  # nothing to add, but the place has to be there
                continue
            nodal = field_of(value, draft.fields, len(mesh.points), f"{label}.{key}")
            force = np.zeros(space.ndof)
            for edges in outer_facets_on(mesh, kinematics, boundary, label):
                weight = None if nodal is None else nodal[edges]
                force += _unit(space, Traction(edges, np.tile(vector, (len(edges), 1)), pressure, weight))
            loads.append(Loaded(force, partial(factor, value)))
        own = len(loads)
        loads += _line_force(space, label, boundary) if boundary.force is not None else []
        if boundary.name is not None:
            nodes = nodes_on(mesh, kinematics, boundary, label)
            ruled = tuple(kinematics.unknowns.index(key) for key in boundary.motions())
            at_line = range(own, len(loads)) if ruled and boundary.point is None else range(first, first)
            supports.append(Support(boundary.name, nodes, ruled, tuple(at_line)))
    return loads, supports


def _line_force(space: Space, label: str, boundary: Boundary) -> list[Loaded]:
    """The force on an equal or straight line, evenly over it, or on a point (a ring in axisymmetry)."""
    width = space.width
    if isinstance(boundary.force, tuple):
        (node,) = nodes_on(space.mesh, space.kinematics, boundary, label)
        found = []
        for k, value in enumerate(boundary.force):
            force = np.zeros(space.ndof)
            force[width * node + k] = MICRO
            found.append(Loaded(force, partial(factor, value)))
        return found
    assert boundary.force is not None
    key = next(key for key, value in boundary.motions().items() if isinstance(value, str))
    component = space.kinematics.unknowns.index(key)
    force = np.zeros(space.ndof)
    for chosen in facets_on(space.mesh, space.kinematics, boundary, label):
        force += _unit(space, Traction(chosen, np.tile(np.eye(width)[component], (len(chosen), 1))))
    if not np.any(force):
        raise InputError(
            f"{label}: no {'edge' if space.mesh.dim == 2 else 'face'} on {words(boundary)} to carry a force"
        )
    return [Loaded(MICRO * force / force.sum(), partial(factor, boundary.force))]


def _unit(space: Space, traction: Traction) -> FloatArray:
    return traction_force(space, Load(0.0, 0.0, np.zeros(space.ndof), (traction,)))


def _bodies(
    space: Space, bodies: Sequence[Body], density: Mapping[str, float], fields: Mapping[str, FloatArray]
) -> list[Loaded]:
    mesh, width = space.mesh, space.width
    found = []
    for number, body in enumerate(bodies):
        label = f"body.{number}"
        if body.region not in mesh.regions:
            raise InputError(
                f"{label}.region: no region {body.region!r}{nearest(body.region, mesh.regions)}; there are: "
                f"{', '.join(mesh.regions)}"
            )
        cells = mesh.cells_of(body.region)
        weight = VOLUME
        if body.force is None:
            if body.region not in density:
                key = "acceleration" if body.acceleration is not None else "rotation"
                raise InputError(f"{label}.{key}: the material of region {body.region!r} has no density")
            weight *= density[body.region]
        if body.rotation is not None:
            _refuse_field(body.rotation, f"{label}.rotation")
            turns = np.array([1.0, 0.0]) if space.kinematics.radial else np.array([1.0, 1.0, 0.0])[: mesh.dim]
            force = body_force(space, partial(np.multiply, weight * 1.0e-6 * turns), cells)
            found.append(Loaded(force, partial(_squared, body.rotation)))
            continue
        for k, value in enumerate(body.force or body.acceleration or ()):
            _refuse_field(value, label)
            if not isinstance(value, Varying) and value == 0.0:
                continue
            direction = weight * np.eye(width)[k]
            force = body_force(space, partial(_everywhere, direction), cells)
            found.append(Loaded(force, partial(factor, value)))
    return found


def _everywhere(vector: FloatArray, points: FloatArray) -> FloatArray:
    return np.broadcast_to(vector, (len(points), len(vector)))


def _squared(value: float | Varying, moment: Moment) -> float:
    return factor(value, moment) ** 2


def _refuse_field(value: float | Varying, key: str) -> None:
    if isinstance(value, Varying) and value.point_data is not None:
        raise InputError(f"{key}: a body force takes no point_data")


def refuse_steps(boundaries: Sequence[Boundary], bodies: Sequence[Body]) -> None:
    """Raise InputError for what only makes sense beside [[step]]: values over steps or time, and ``during``."""
    for number, boundary in enumerate(boundaries):
        label = f"boundary.{number}"
        if boundary.during is not None:
            raise InputError(f"{label}.during: the case has no [[step]]")
        values = [*boundary.motions().items(), ("pressure", boundary.pressure)]
        values += [("traction", value) for value in boundary.traction or ()]
        values += [("force", v) for v in (boundary.force if isinstance(boundary.force, tuple) else [boundary.force])]
        _refuse_varying(label, values)
    for number, body in enumerate(bodies):
        parts = [("force", v) for v in body.force or ()] + [("acceleration", v) for v in body.acceleration or ()]
        _refuse_varying(f"body.{number}", [*parts, ("rotation", body.rotation)])


def _refuse_varying(label: str, values: Sequence[tuple[str, object]]) -> None:
    for key, value in values:
        if isinstance(value, Varying) and (kind := needs_steps(value)) is not None:
            raise InputError(f"{label}.{key}.{kind}: the case has no [[step]]")
