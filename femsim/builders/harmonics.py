"""Case -> models of its harmonics: one boundary value problem for each number of waves and parity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.errors import InputError
from femsim.builders.amounts import field_of
from femsim.builders.cuts import Wave
from femsim.builders.places import nodes_on, outer_edges_on
from femsim.cases.boundary import Varying
from femsim.cases.harmonic import MOTIONS, Board, Harmonic
from femsim.materials.elastic import frozen
from femsim.meshes.mesh import Mesh
from femsim.models.assembly import traction_force
from femsim.models.harmonics import harmonic
from femsim.models.kinematics import Kinematics
from femsim.models.loads import Load, Support, Traction
from femsim.models.model import Model
from femsim.models.space import Constraints, Space, check_held


@dataclass(frozen=True)
class HarmonicModel:
    """A harmonic's number of waves, its parity, and its problem."""

    n: int
    odd: bool
    model: Model


def harmonic_models(
    entries: Sequence[Harmonic],
    board: Board | None,
    base: Model,
    fields: Mapping[str, FloatArray],
    hold: tuple[float, float] | None,
    waves: Mapping[tuple[int, bool], Sequence[Wave]] | None = None,
) -> tuple[HarmonicModel, ...]:
    """The harmonics' problems, on the mesh and materials of the axisymmetric one.

    ``hold`` is the point of the axis where a stack is held: its whole face at that height is clamped against harmonics;
    ``board`` moves the stack's outermost face; ``waves`` are displacements that a run gave boundaries. Raises
    InputError for a model that is no body of revolution, for an empty place, a contradiction, or a rigid motion left
    free, named.
    """
    waves = waves or {}
    if not entries and board is None and not waves:
        return ()
    if base.kinematics.name != "axisymmetric":
        key = "harmonic" if entries else "board" if board is not None else "boundary.centre"
        raise InputError(f"{key}: needs model.kinematics = axisymmetric, not {base.kinematics.name}")
    if base.varying:
        raise InputError("harmonic: a temperature field on temperature-dependent moduli mixes the harmonics")
    named = [(f"harmonic.{k}", entry) for k, entry in enumerate(entries)]
    if board is not None:
        if hold is None:
            raise InputError("board: only a stack has an outermost face; give [[harmonic]] with a place")
        top = float(base.mesh.points[:, 1].max())
        if board.shift is not None or board.tilt is not None:
            named.append(("board", Harmonic(z=top, shift=board.shift, tilt=board.tilt)))
        if board.twist is not None:
            named.append(("board.twist", Harmonic(z=top, twist=board.twist)))
    found = []
    for kind in sorted({_kind(entry) for _, entry in named} | set(waves)):
        own = [(label, entry) for label, entry in named if _kind(entry) == kind]
        found.append(HarmonicModel(*kind, _model(*kind, own, base, fields, hold, waves.get(kind, ()))))
    return tuple(found)


def _kind(entry: Harmonic) -> tuple[int, bool]:
    if entry.shift is not None or entry.tilt is not None:
        return 1, False
    return (0, True) if entry.twist is not None else (entry.n or 0, entry.odd)


def _model(
    n: int,
    odd: bool,
    entries: Sequence[tuple[str, Harmonic]],
    base: Model,
    fields: Mapping[str, FloatArray],
    hold: tuple[float, float] | None,
    waves: Sequence[Wave] = (),
) -> Model:
    mesh, kinematics = base.mesh, harmonic(n, odd)
    held: dict[int, tuple[float, str]] = {}
    links: dict[int, dict[int, float]] = {}
    width, extra = kinematics.width, 0
    ndof = width * len(mesh.points)
    _hold_axis(held, links, mesh, kinematics)
    if hold is not None:
        back = np.flatnonzero(np.abs(mesh.points[:, 1] - hold[1]) <= mesh.near)
        for k in range(width):
            _hold(held, mesh, kinematics, back, k, np.zeros(len(back)), "the stack's own hold", "", links)
    tractions: list[Traction] = []
    temperature: FloatArray = np.zeros(len(mesh.points))
    supports = []
    for label, entry in entries:
        nodes = np.empty(0, dtype=np.int64) if entry.everywhere else nodes_on(mesh, kinematics, entry, label)
        ruled = []
        for key, value in _motions(entry, mesh.points[nodes]).items():
            if key not in kinematics.unknowns:
                if entry.shift is None and entry.tilt is None and entry.twist is None:
                    raise InputError(
                        f"{label}.{key}: not a displacement of {kinematics.name}; allowed: "
                        f"{', '.join(kinematics.unknowns)}"
                    )
                continue
            component = kinematics.unknowns.index(key)
            ruled.append(component)
            if isinstance(value, str):
                extra += _straight(links, held, mesh, kinematics, nodes, component, ndof + extra, label)
            else:
                _hold(
                    held,
                    mesh,
                    kinematics,
                    nodes,
                    component,
                    _nodal(value, nodes, mesh, fields, f"{label}.{key}"),
                    label,
                    key,
                    links,
                )
        tractions += _tractions(entry, mesh, kinematics, fields, label)
        if entry.temperature is not None:
            every = np.arange(len(mesh.points))
            temperature = temperature + _nodal(entry.temperature, every, mesh, fields, f"{label}.temperature")
        if entry.name is not None:
            supports.append(Support(entry.name, nodes, tuple(ruled)))
    for wave in waves:
        _impose(held, links, mesh, kinematics, wave)
    for dof in [dof for dof in links if dof in held]:  # a face that is held on the axis, too
        _check_link(links[dof], held, dof, mesh, width)
        del links[dof]
    fixed = np.array(sorted(held), dtype=np.int64)
    prescribed = np.zeros(ndof)
    prescribed[fixed] = [held[dof][0] for dof in fixed.tolist()]
    for dof, terms in links.items():
        prescribed[dof] = sum(value * prescribed[other] for other, value in terms.items() if other < ndof)
    space = Space(mesh, kinematics, Constraints.build(ndof, fixed, (), links, extra), soft=base.space.soft)
    try:
        check_held(space)
    except InputError as error:
        raise InputError(
            str(error)
            .replace("boundary:", f"harmonic: n = {n}{' (odd)' if odd else ''}:")
            .replace("[[boundary]]", "[[harmonic]]")
        ) from None
    if space.constraints.count == 0:
        raise InputError(f"harmonic: every displacement of n = {n} is prescribed; nothing is left to solve")
    force = traction_force(space, Load(0.0, 0.0, np.zeros(ndof), tuple(tractions))) if tractions else None
    level = float(np.mean(base.temperature))
    materials = {region: frozen(material, level) for region, material in base.materials.items()}
    warmer: float | FloatArray = level + temperature if np.any(temperature) else level
    return Model(space, materials, Load(warmer, level, prescribed, force=force, supports=tuple(supports)))


def _motions(entry: Harmonic, points: FloatArray) -> dict[str, float | str | Varying | FloatArray]:
    """The displacements an entry rules, its rigid motions written out: a shift d and a tilt a are u_r = d, u_t = -d,
    u_z = a r.
    """
    r = points[:, 0]
    if entry.shift is not None or entry.tilt is not None:
        along = np.full_like(r, entry.shift or 0.0)
        return {"u_r": along, "u_t": -along, "u_z": (entry.tilt or 0.0) * r}
    if entry.twist is not None:
        return {"u_t": entry.twist * r}
    return {key: value for key in MOTIONS if (value := getattr(entry, key)) is not None}


def _nodal(
    value: float | Varying | FloatArray, nodes: IntArray, mesh: Mesh, fields: Mapping[str, FloatArray], key: str
) -> FloatArray:
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, Varying):
        field = field_of(value, fields, len(mesh.points), key)
        assert field is not None  # a harmonic's value that varies is a field
        return field[nodes]
    return np.full(len(nodes), float(value))


def _hold_axis(
    held: dict[int, tuple[float, str]], links: dict[int, dict[int, float]], mesh: Mesh, kinematics: Kinematics
) -> None:
    axis = np.flatnonzero(mesh.points[:, 0] <= mesh.near)
    for combination in kinematics.axis:
        used = [k for k, value in enumerate(combination) if value]
        for node in axis.tolist():
            if len(used) == 1:
                held[kinematics.width * node + used[0]] = (0.0, "the axis r = 0")
            else:
                last = kinematics.width * node + used[-1]
                links[last] = {kinematics.width * node + k: -combination[k] / combination[used[-1]] for k in used[:-1]}


def _hold(
    held: dict[int, tuple[float, str]],
    mesh: Mesh,
    kinematics: Kinematics,
    nodes: IntArray,
    component: int,
    values: FloatArray,
    label: str,
    key: str,
    links: dict[int, dict[int, float]],
) -> None:
    scale = float(np.abs(values).max(initial=0.0))
    for node, value in zip(nodes.tolist(), values.tolist(), strict=True):
        dof = kinematics.width * node + component
        before = held.get(dof)
        if before is not None and abs(before[0] - value) > 1e-12 * scale:
            r, z = mesh.points[node]
            raise InputError(f"{label}.{key}: {value:g} contradicts {before[0]:g} of {before[1]} at ({r:g}, {z:g}) um")
        if dof in links and min(links[dof]) >= kinematics.width * len(mesh.points):
            raise InputError(f"{label}.{key}: the line is straight as another entry says")
        held[dof] = (value, label)


def _impose(
    held: dict[int, tuple[float, str]],
    links: dict[int, dict[int, float]],
    mesh: Mesh,
    kinematics: Kinematics,
    wave: Wave,
) -> None:
    """Prescribe what a run gave; what entries and the axis hold stays theirs, and on the axis a shift is a shift."""
    places = [MOTIONS.index(name) for name in kinematics.unknowns]
    for node, row in zip(wave.nodes.tolist(), wave.values[:, places].tolist(), strict=True):
        dofs = [kinematics.width * node + component for component in range(len(row))]
        for dof, value in zip(dofs, row, strict=True):
            terms = links.get(dof)
            if dof not in held and (terms is None or not all(other in held for other in terms)):
                held[dof] = (value, wave.label)
            elif dof not in held and terms is not None:
                held[dof] = (sum(factor * held[other][0] for other, factor in terms.items()), wave.label)


def _straight(
    links: dict[int, dict[int, float]],
    held: dict[int, tuple[float, str]],
    mesh: Mesh,
    kinematics: Kinematics,
    nodes: IntArray,
    component: int,
    unknown: int,
    label: str,
) -> int:
    """u_z = b r on a face that tilts freely (n = 1), nothing of it for n > 1, one common value for n = 0; the number of
    further unknowns.
    """
    if kinematics.harmonic > 1:
        _hold(held, mesh, kinematics, nodes, component, np.zeros(len(nodes)), label, "u_z", links)
        return 0
    r = mesh.points[nodes, 0]
    scale = float(r.max()) or 1.0
    for node, radius in zip(nodes.tolist(), r.tolist(), strict=True):
        dof = kinematics.width * node + component
        if dof in held:
            if kinematics.harmonic == 1 and radius <= mesh.near:
                continue  # the axis does not move along itself, nor does the face there
            raise InputError(f"{label}.u_z: straight, but {held[dof][1]} prescribes a displacement of the line")
        links[dof] = {unknown: radius / scale if kinematics.harmonic == 1 else 1.0}
    return 1


def _check_link(terms: dict[int, float], held: dict[int, tuple[float, str]], dof: int, mesh: Mesh, width: int) -> None:
    wanted = sum(value * held[other][0] for other, value in terms.items() if other in held)
    if all(other in held for other in terms) and abs(wanted - held[dof][0]) > 1e-12 * max(
        abs(wanted), abs(held[dof][0])
    ):
        r, z = mesh.points[dof // width]
        raise InputError(
            f"{held[dof][1]}: u_r and u_t on the axis at ({r:g}, {z:g}) um belong to no shift: a shift by d along x is "
            "u_r = d, u_t = -d"
        )
    for other in terms:
        if other not in held:
            held[other] = (held[dof][0] / terms[other], held[dof][1])


def _tractions(
    entry: Harmonic, mesh: Mesh, kinematics: Kinematics, fields: Mapping[str, FloatArray], label: str
) -> list[Traction]:
    names, width = kinematics.unknowns, kinematics.width
    parts: list[tuple[str, float | Varying, int | None]] = []
    if entry.pressure is not None:
        parts.append(("pressure", entry.pressure, None))
    for key, value in zip(MOTIONS, entry.traction or (), strict=False):
        if isinstance(value, Varying) or value != 0.0:
            if key not in names:
                raise InputError(f"{label}.traction: {kinematics.name} has no part along {key}")
            parts.append(("traction", value, names.index(key)))
    found = []
    for key, value, component in parts:
        edges = outer_edges_on(mesh, kinematics, entry, label)
        nodal = field_of(value, fields, len(mesh.points), f"{label}.{key}") if isinstance(value, Varying) else None
        size = 1.0 if isinstance(value, Varying) else value
        vector = np.zeros((len(edges), width))
        if component is None:
            if "u_r" not in names:
                raise InputError(f"{label}.pressure: {kinematics.name} has no pressure")
            found.append(Traction(edges, vector, size, None if nodal is None else nodal[edges]))
            continue
        vector[:, component] = size
        found.append(Traction(edges, vector, 0.0, None if nodal is None else nodal[edges]))
    return found
