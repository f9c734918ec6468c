"""Case -> layout -> mesh -> model: the first half of the way, each step a pure function."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from femsim.base.arrays import BoolArray, FloatArray, IntArray
from femsim.base.errors import FemsimWarning, InputError, nearest
from femsim.builders.blends import resolve_ref, smear
from femsim.builders.boundaries import constrain, refuse_steps
from femsim.builders.cuts import cut_displacements, cut_temperature, read_cuts
from femsim.builders.discretisation import Discretisation, Drawn, Imported, InSpace
from femsim.builders.mirrors import held_axes
from femsim.builders.resolve import ResolvedMaterial
from femsim.builders.solids import Solid, solid_blocks, solid_stack
from femsim.builders.stacks.bilayer import bilayer
from femsim.builders.stacks.blocks import blocks
from femsim.builders.stacks.flipchip import flipchip
from femsim.builders.stacks.rewired import rewired_chip
from femsim.builders.stacks.staggered import staggered
from femsim.builders.walls import Supports, solid_supports
from femsim.cases.boundary import Boundary
from femsim.cases.case import Case
from femsim.cases.doubts import temperature_doubts
from femsim.cases.harmonic import Harmonic
from femsim.cases.keys import COORDINATES
from femsim.cases.own import material_refs
from femsim.cases.parts import CaseBase, MeshSpec, PointData
from femsim.cases.stacks.blocks import BlocksCase
from femsim.cases.stacks.meshfile import MeshCase
from femsim.meshes.grid import Grading, finer_at_edges, grid_lines, mesh_of_lines
from femsim.meshes.layout import Layout, Probe, Root
from femsim.meshes.mesh import Mesh
from femsim.models.dilatation import LOCKS, soft_regions
from femsim.models.kinematics import KINEMATICS, Kinematics
from femsim.models.loads import Load
from femsim.models.model import Model
from femsim.models.part import small_mesh

if TYPE_CHECKING:
    from femsim.models.heat import HeatModel
    from femsim.solvers.heat import HeatSolution

STACKS: dict[str, Callable[[Any], Layout]] = {
    "bilayer": bilayer,
    "staggered": staggered,
    "flipchip": flipchip,
    "rewired-chip": rewired_chip,
    "blocks": blocks,
}


#: averaging lengths (um) where the case gives none
DEFAULT_LENGTHS = (5.0, 1.0)


def build_layout(case: Case) -> Layout | None:
    """The painted layout of a case; None for an imported mesh."""
    return None if isinstance(case, MeshCase) else STACKS[case.stack](case)


def averaging_lengths(case: CaseBase) -> tuple[float, ...]:
    """Averaging lengths (um) in the order given."""
    length = case.metrics.length
    if length is None:
        return DEFAULT_LENGTHS
    return tuple(length) if isinstance(length, list) else (length,)


#: points of one probe up to which their errors are estimated: each costs as many substitutions as it has values
MOST_ESTIMATED = 50


def probes_of(disc: Discretisation) -> tuple[Probe, ...]:
    """The points whose displacement and stress the case asks for."""
    found = []
    for i, spec in enumerate(disc.case.probe):
        points = spec.at if isinstance(spec.at, list) else [spec.at]
        for name, at in zip(spec.names, points, strict=True):
            where = _place(disc.points, disc.roots, at, f"probe.{i}.at")
            region = spec.region or where.region
            found.append(Probe(name, where.at, region, f"probe.{i}", len(points) <= MOST_ESTIMATED))
    return tuple(found)


def corners_of(disc: Discretisation) -> tuple[Probe, ...]:
    """The corners whose singular field the case asks for."""
    return _corners(disc.case, disc.layout, disc.roots)


def _corners(case: CaseBase, layout: Layout | None, roots: Sequence[Root]) -> tuple[Probe, ...]:
    points = layout.points if layout is not None else ()
    places = [_place(points, roots, spec.at, f"corner.{i}.at") for i, spec in enumerate(case.corner)]
    return tuple(Probe(spec.name, place.at, spec.region) for spec, place in zip(case.corner, places, strict=True))


def _place(points: Sequence[Probe], roots: Sequence[Root], at: tuple[float, ...] | str, label: str) -> Probe:
    """A point as a case gives it: coordinates, or the name of a root or of one of the stack's points."""
    if not isinstance(at, str):
        return Probe("", at)
    known = {point.name: [point] for point in points}
    for root in roots:
        known.setdefault(root.name, []).append(Probe(root.name, root.at, root.region))
    if at not in known:
        there = f"; there are: {', '.join(known)}" if known else "; give coordinates"
        raise InputError(f"{label}: no point {at!r}{nearest(at, known)}{there}")
    if len({point.at for point in known[at]}) > 1:
        raise InputError(f"{label}: {at!r} names {len(known[at])} points; give the coordinates of one")
    return known[at][0]


def discretise(case: Case, base: Path | None = None, grading: Grading | None = None) -> Discretisation:
    """Mesh of a case; ``base`` is the directory a mesh file's path is relative to, ``grading`` overrules a layout's
    own.
    """
    lengths = averaging_lengths(case)
    if isinstance(case, MeshCase):
        from femsim.builders.roots import roots_of_mesh
        from femsim.meshes.read import read_mesh

        element = case.model.element if "element" in case.model.model_fields_set else None
        imported = read_mesh((base or Path()) / case.mesh.file, case.mesh.length_unit, element)
        if imported.mesh.dim != case.model.dim:
            wanted = "a 2D section" if case.model.dim == 2 else "3D cells"
            raise InputError(
                f"mesh.file: {case.mesh.file} holds {imported.mesh.dim}D cells; kinematics "
                f"{case.model.kinematics} needs {wanted}"
            )
        mesh, notes = imported.mesh, imported.notes
        if imported.unnamed and len(mesh.regions) == 1 and len(case.materials) == 1:
            (name,) = case.materials
            if name not in (*mesh.regions, *mesh.lines, *mesh.sets):
                notes = (*notes, f"the mesh's one region takes the name of the case's one material, {name!r}")
                mesh = replace(mesh, regions=(name,))
        if mesh.dim == 3:
            if case.root:
                raise InputError("root: imported meshes in three dimensions have no roots; use probes")
            cuts, data = read_cuts(case, base), imported.point_data
            return InSpace(
                case=case, mesh=mesh, lengths=lengths, point_data=data, notes=notes, solid=Solid(), cuts=cuts
            )
        roots = roots_of_mesh(mesh, case.root)
        return Imported(
            case=case,
            mesh=mesh,
            roots=roots,
            lengths=lengths,
            point_data=imported.point_data,
            notes=notes,
            cuts=read_cuts(case, base),
        )
    if case.model.dim == 3:
        return replace(_solid(case, lengths), cuts=read_cuts(case, base))
    if case.model.element.startswith("tri"):
        raise InputError(
            f"model.element: {case.model.element!r} is for imported meshes; allowed here: quad4, quad8, quad9"
        )
    layout = STACKS[case.stack](case)
    if case.heat is not None:
        from femsim.builders.heat_grading import even_size, graded_for_heat, graded_for_time

        layout = graded_for_heat(layout, case.heat, KINEMATICS[case.model.kinematics])
    if case.corner:  # a corner whose field is asked for gets a fine mesh
        own = ((corner.at[0], corner.at[1]) for corner in _corners(case, layout, layout.roots))
        layout = replace(layout, corners=tuple(dict.fromkeys([*layout.corners, *own])))
    layout = replace(layout, breaks=(*layout.breaks, *_breaks(case)))
    spec: MeshSpec = case.mesh
    size, largest = spec.size, spec.largest
    if not layout.roots and "size" in spec.model_fields_set and largest is None:
        largest = size  # no root to grade to: the size is the size everywhere
    elif not layout.roots and case.heat is not None and largest is None:
        largest = even_size(layout)
    if not layout.roots and "size" not in spec.model_fields_set and largest is None:
        layout = replace(layout, fine=(*layout.fine, *finer_at_edges(layout)))
    chosen = grading or Grading(size, spec.growth, largest)
    lines = grid_lines(layout, chosen, lengths)
    mesh = mesh_of_lines(layout, *lines, case.model.element)
    if not layout.roots and "size" not in spec.model_fields_set and case.heat is not None and case.heat.transient:
        plain = Drawn(case=case, layout=layout, mesh=mesh, roots=(), lengths=lengths, lines=lines)
        layout = graded_for_time(layout, case.heat, KINEMATICS[case.model.kinematics], resolve_materials(case, plain))
        lines = grid_lines(layout, chosen, lengths)
        mesh = mesh_of_lines(layout, *lines, case.model.element)
    return Drawn(
        case=case,
        layout=layout,
        mesh=mesh,
        roots=layout.roots,
        lengths=lengths,
        lines=lines,
        cuts=read_cuts(case, base),
    )


def _breaks(case: CaseBase) -> tuple[tuple[int, float], ...]:
    """Grid lines (direction, coordinate) that the places of boundary conditions need, so that their ends are nodes."""
    found: list[tuple[int, float]] = []
    places: list[Boundary | Harmonic] = [*case.boundary, *case.harmonic]
    for place in places:
        for axis in COORDINATES:
            value = getattr(place, axis, None)
            if value is not None:
                direction = 0 if axis in ("r", "x") else 1
                found += [(direction, float(v)) for v in (value if isinstance(value, list) else [value])]
        if place.point is not None:
            found += [(0, place.point[0]), (1, place.point[1])]
    return tuple(dict.fromkeys(found))


def _solid(case: Case, lengths: tuple[float, ...]) -> Discretisation:
    """A stack or blocks in space."""
    if not case.model.element.startswith("hex"):
        raise InputError(
            f"model.element: {case.model.element!r} is for imported meshes; allowed here: hex8, hex20, hex27"
        )
    if isinstance(case, BlocksCase):
        if case.model.cell is not None:
            raise InputError("model.cell: blocks have no cell; leave it out")
        mesh, solid = solid_blocks(case)
        return InSpace(case=case, mesh=mesh, lengths=lengths, solid=solid)
    mesh, solid, layout = solid_stack(case, STACKS[case.stack], lengths)
    return InSpace(case=case, layout=layout, mesh=mesh, lengths=lengths, solid=solid)


def resolve_materials(case: Case, disc: Discretisation) -> dict[str, ResolvedMaterial]:
    """The material of every region of the mesh; names regions and roles without one."""
    named = material_refs(case, disc.mesh.regions)
    refs = {role: ref for role, (_, ref) in named.items()}
    layout = disc.layout
    roles = {region: layout.roles.get(region, region) if layout else region for region in disc.mesh.regions}
    smears = layout.smears if layout else {}
    known = set(disc.mesh.regions) - set(smears) | set(case.ROLES) | set(roles.values())
    for role in refs:
        if role not in known:
            near, there = nearest(role, known), ", ".join(sorted(known))
            if near or not isinstance(case, BlocksCase):
                raise InputError(f"materials.{role}: no region or role of that name{near}; there are: {there}")
            warnings.warn(f"materials.{role}: no block is made of it", FemsimWarning, stacklevel=2)
    span = _temperatures(case)
    used = {role for region, role in roles.items() if region not in smears}
    used |= {
        role
        for region, ring in smears.items()
        if region in roles
        for role in (ring.member, ring.matrix)
        if role is not None
    }
    by_role = {}
    for role in sorted(used):
        if role not in refs:
            raise InputError(
                f"materials.{role}: missing; {'region' if role in disc.mesh.regions else 'role'} {role!r} has no "
                f"material"
            )
        by_role[role] = resolve_ref(role, refs[role], span, named[role][0])
        if case.model.dim == 2 and by_role[role].spec.euler is not None:
            raise InputError(f'{named[role][0]}.euler: needs kinematics = "3d"; angle turns the axes in the drawing')
    return {
        region: smear(region, smears[region], by_role, span)
        if region in smears
        else replace(by_role[role], role=region)
        for region, role in roles.items()
    }


def _temperatures(case: CaseBase) -> tuple[float, ...]:
    t, free = case.load.shown, case.load.stress_free_temperature
    heat = case.heat if t == "heat" else None
    if isinstance(t, int | float):
        given = {"load.temperature": float(t), "load.stress_free_temperature": free}
    else:
        given = {"load.stress_free_temperature": free} if heat is None else {"heat.ambient": heat.ambient}
    for doubt in temperature_doubts(given):
        warnings.warn(doubt, FemsimWarning, stacklevel=2)
    return (float(t), free) if isinstance(t, int | float) else (free,) if heat is None else (heat.ambient, free)


def heat_model(
    disc: Discretisation,
    materials: dict[str, ResolvedMaterial],
    step: int | None = None,
    nodes: IntArray | None = None,
) -> HeatModel | None:
    """The heat problem of a case, None where it has none; ``step`` is the number of the [[step]] whose values hold,
    ``nodes`` those of the whole mesh where only a part of it is there.
    """
    case = disc.case
    if case.heat is None:
        return None
    from femsim.builders.heat import build_heat  # what heat needs loads with the first case that has some

    kinematics = KINEMATICS[case.model.kinematics]
    roles = disc.layout.roles if disc.layout is not None else {}
    mesh = _right_of_axis(disc.mesh, kinematics)
    planes = 0 if disc.solid is None else len(disc.solid.symmetry or {})
    if planes and any(source.power is not None for source in case.heat.source):
        part = {1: "half", 2: "a quarter"}[planes]
        warnings.warn(
            f"heat.source: the mesh is {part} of the cell, which its planes of symmetry bound; power counts for this "
            "part, heat and resistances are its own",
            FemsimWarning,
            stacklevel=2,
        )
    data = disc.point_data if nodes is None else {name: values[nodes] for name, values in disc.point_data.items()}
    return build_heat(case.heat, mesh, kinematics, materials, roles, data, step)


def _right_of_axis(mesh: Mesh, kinematics: Kinematics) -> Mesh:
    """The mesh with the rounding of nodes on the axis taken off."""
    if not kinematics.radial:
        return mesh
    smallest = float(mesh.points[:, 0].min())
    if smallest < -mesh.near:
        raise InputError(f"mesh: a node at r = {smallest:g} um; an axisymmetric model needs r >= 0")
    if smallest < 0.0:
        return replace(mesh, points=np.column_stack([np.maximum(mesh.points[:, 0], 0.0), mesh.points[:, 1]]))
    return mesh


@dataclass(frozen=True)
class Setting:
    """What all loads of a case share: mesh, kinematics, all boundaries with the stack's own, densities (kg/m3), elastic
    regions that would lock.
    """

    mesh: Mesh
    kinematics: Kinematics
    boundaries: tuple[Boundary, ...]
    density: dict[str, float]
    supports: Supports | None = None  # of a cell in space
    soft: frozenset[str] = frozenset()


def setting_of(disc: Discretisation, materials: dict[str, ResolvedMaterial]) -> Setting:
    """Mesh and kinematics, checked to go together, and what is held and loaded on them."""
    case = disc.case
    kinematics = KINEMATICS[case.model.kinematics]
    mesh = _right_of_axis(disc.mesh, kinematics)
    if case.load.temperature == "heat" and "load" not in case.model_fields_set:
        raise InputError("load.stress_free_temperature: missing; stress needs [load] beside [heat]")
    _warn_of_locking(mesh, kinematics, materials)
    boundaries = list(case.boundary)
    supports = None if disc.solid is None else solid_supports(mesh, disc.solid, case.model.outer, held_axes(case))
    if disc.solid is None and disc.layout is not None and disc.layout.hold is not None:
        boundaries = [*_hold(disc.layout, kinematics.radial, case.model.outer), *boundaries]
    density = {r: m.density for r, m in ((r, materials[r].spec) for r in mesh.regions) if m.density is not None}
    elastic = {r: materials[r].material for r in mesh.regions if not materials[r].spec.laws}
    soft = soft_regions(mesh.element, kinematics, elastic)
    return Setting(mesh, kinematics, tuple(boundaries), density, supports, soft)


def build_model(
    disc: Discretisation,
    materials: dict[str, ResolvedMaterial],
    temperature: float | FloatArray | None = None,
) -> Model:
    """The boundary value problem: materials, temperature, constraints and loads on the mesh; ``temperature`` is what
    heat conduction gave, where the load takes it from there (else it is computed).
    """
    case, setting = disc.case, setting_of(disc, materials)
    mesh, kinematics = setting.mesh, setting.kinematics
    given = cut_temperature(disc.cuts, mesh) if temperature is None else temperature
    field = temperature_field(disc, materials) if given is None else given
    low, high = float(np.min(field)), float(np.max(field))
    free = case.load.stress_free_temperature
    for resolved in materials.values():
        own = stress_free(resolved, free)
        resolved.material.warn_outside(min(low, own), max(high, own))
    refuse_steps(case.boundary, case.body)
    conditions = constrain(
        mesh,
        kinematics,
        setting.boundaries,
        case.model.outer,
        case.boundary,
        disc.point_data,
        case.body,
        setting.density,
        setting.supports,
        cut_displacements(disc.cuts, case, mesh, kinematics),
        setting.soft,
    )
    prescribed, force = conditions.prescribed(), conditions.force()
    each = np.array([stress_free(materials[region], free) for region in mesh.regions])
    around = case.harmonic or case.board is not None
    if not around and np.isscalar(field) and np.all(each == field) and force is None and not np.any(prescribed):
        warnings.warn(
            "no load: the temperature is the stress-free one and nothing is prescribed; all stresses are zero",
            FemsimWarning,
            stacklevel=2,
        )
    return Model(
        conditions.space,
        {region: resolved.material for region, resolved in materials.items()},
        Load(field, free if np.all(each == free) else each, prescribed, force=force, supports=conditions.named()),
    )


def stress_free(resolved: ResolvedMaterial, load: float) -> float:
    """The stress-free temperature of a material: its own, or else that of the load."""
    own = resolved.spec.stress_free_temperature
    return load if own is None else own


def _hold(layout: Layout, axisymmetric: bool, outer: str) -> list[Boundary]:
    """The stack's own support, statically determinate: the point ``hold`` along y; in plane models also against sliding
    and turning.

    A fixed or coupled cell wall stays upright, so only a free one leaves the body to turn; it is then held along x at a
    second point of the axis, the chip's surface.
    """
    if layout.hold is None:
        return []
    x, y = layout.hold
    if axisymmetric:
        return [Boundary(point=(x, y), u_z=0.0)]
    if outer == "fixed":
        return [Boundary(point=(x, y), u_y=0.0)]
    held = [Boundary(point=(x, y), u_x=0.0, u_y=0.0)]
    return held if outer == "coupled" else [*held, Boundary(point=(x, 0.0), u_x=0.0)]


def _warn_of_locking(mesh: Mesh, kinematics: Kinematics, materials: dict[str, ResolvedMaterial]) -> None:
    """Linear triangles, tetrahedra and wedges lock near incompressibility (Hughes 1980, Int. J. Numer. Methods Eng. 15,
    1413).
    """
    if mesh.element not in LOCKS or kinematics.plane_stress:
        return
    for region in mesh.regions:
        ratio = materials[region].material.softness
        if ratio >= LOCKS[mesh.element]:
            better = {"tri": "tri6", "tet": "tet10", "wedge": "wedge15"}[mesh.info.kind]
            warnings.warn(
                f"{mesh.element} elements lock (are far too stiff) in {region!r} with nu = {ratio:.6g}; use {better}",
                FemsimWarning,
                stacklevel=3,
            )


def temperature_field(
    disc: Discretisation,
    materials: dict[str, ResolvedMaterial],
    given: float | PointData | str | None = None,
    key: str = "load.temperature",
) -> float | FloatArray:
    """Temperature (degC; a number or a nodal field) that a case means by ``given`` (else by its load)."""
    t = disc.case.load.shown if given is None else given
    if isinstance(t, PointData):
        from femsim.builders.heat import nodal_field

        return nodal_field(disc.point_data, t.point_data, f"{key}.point_data")
    if t == "heat":
        return steady_heat(disc, materials, key)[1]
    return float(t)


def steady_heat(
    disc: Discretisation,
    materials: dict[str, ResolvedMaterial],
    key: str,
    step: int | None = None,
    alive: BoolArray | None = None,
) -> tuple[HeatSolution, FloatArray]:
    """The steady temperature of a case's [heat], and the field at the nodes of its mesh, or with contacts at the
    cells' nodes.

    ``step`` is the number of the [[step]] whose values hold. Heat flows in the regions that are ``alive`` (regions,);
    the field elsewhere is the ambient temperature.
    """
    mesh, cells, nodes = disc.mesh, None, None
    if alive is not None and not bool(np.all(alive[mesh.region])):
        mesh, cells, nodes = small_mesh(mesh, alive)
    model = heat_model(replace(disc, mesh=mesh), materials, step, None if nodes is None else nodes)
    if model is None:
        raise InputError(f'{key}: "heat" needs a [heat] table')
    from femsim.solvers.heat import solve_heat

    found = solve_heat(model)
    own = model.cellwise(found.temperature)
    if cells is None or nodes is None:
        return found, own
    whole = np.full(len(disc.mesh.points) if own.ndim == 1 else disc.mesh.cells.shape, model.ambient)
    whole[nodes if own.ndim == 1 else cells] = own
    return found, whole
