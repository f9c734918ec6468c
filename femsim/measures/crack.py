"""Interface cracks: opened meshes, the energy release rate by crack closure and by a domain integral, mode mixity.

A crack is opened along edges of the mesh: every node on it gets as many copies as the edges part the cells around it,
so a tip, and a mouth that another body bridges, stay one node. The energy release rate G (J/m2 = MPa um) comes two
ways.

Virtual crack closure (Rybicki and Kanninen 1977, Eng. Fract. Mech. 9, 931; Raju 1987, ibid. 28, 251, for elements with
middle nodes): the forces that hold the edges ahead of the tip closed work on the opening as far behind it,

    G = - sum_i F_i . (u_above - u_below)_i' / (2 A),   A the area closed (2 pi r ds in axisymmetry).

Domain integral (deLorenzi 1982, Int. J. Fract. 19, 183; for interfaces Shih and Asaro 1988, J. Appl. Mech. 55, 299):
the energy that a virtual motion q of the material along the crack sets free,

    G A' = int [ sigma : (grad u . grad q) + sigma : (q . grad eps_th) - W div q ] dV,

with the hoop parts sigma_tt (u_r / r)(q_r / r) and q_r / r in axisymmetry; W is the elastic energy density, A' the
tip's length times
|q| there. The thermal strain must be that of the model, or G of a cooled body is wrong; where material properties vary with a
temperature field their gradient is left out.

Contact of the faces is not modelled: ``opening`` tells where they overlap.
"""  # noqa: E501

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.errors import FemsimWarning, InputError, NoExpansionError
from femsim.base.secondary import reason
from femsim.measures.corner.corner import corner_at
from femsim.measures.corner.intensity import corner_field, crack_traction, stress_intensity
from femsim.measures.traction import cell_force
from femsim.meshes.elements import gauss_points, shape
from femsim.meshes.facets import edges_of
from femsim.meshes.layout import Root
from femsim.meshes.mesh import Mesh, jacobians
from femsim.models.model import Model
from femsim.models.sampling import sample

if TYPE_CHECKING:
    from femsim.solvers.solve import Solution


#: outer radii of the domains, as fractions of the tip's reach; the plateau ends at half of each
DOMAINS = (0.05, 0.1, 0.2, 0.3)
#: an overlap larger than this fraction of the faces' relative motion is one
OVERLAP = 1e-3
#: edges ahead of the tip that crack closure closes at once
CLOSED = 4


@dataclass(frozen=True, eq=False)
class Opened:
    """A mesh with a crack: ``left`` and ``right`` (n,) are its nodes on either side seen along the crack, from the
    mouth to the tip.

    ``middles`` (n - 1, 2): the middle nodes of its edges, left and right (empty for linear elements). ``ahead``: the
    edges that are still closed, from the tip on.
    """

    mesh: Mesh
    left: IntArray
    right: IntArray
    middles: IntArray
    ahead: IntArray

    @property
    def tip(self) -> int:
        """The tip's node."""
        return int(self.left[-1])


@dataclass(frozen=True)
class Release:
    """What is known of a crack. Energy release rates in J/m2.

    ``vcct`` = ``mode_1`` + ``mode_2``, whose shares depend on the length closed (``edge``, um) on an interface;
    ``domain`` is the mean and ``spread`` half the range over several domains. ``mixity``: phase angle (degrees) of
    shear over peel traction at ``mixity_length`` um ahead of the tip, from the singular field (None where there is
    none). ``intensity``: K_I and K_II (MPa um^0.5) at that length
    (:func:`~femsim.measures.corner.intensity.stress_intensity`). ``mode_1`` is work, positive where tension opens the
    faces and where compression makes them overlap; the sign of K_I tells which. ``opening``: smallest opening of the
    faces (um), negative where they overlap, and ``opening_scale`` their largest relative motion.
    """

    name: str
    length: float
    tip: tuple[float, float]
    vcct: float
    mode_1: float
    mode_2: float
    edge: float
    domain: float
    spread: float
    mixity: float | None
    mixity_length: float
    opening: float
    opening_scale: float
    intensity: tuple[float, float] | None = None
    note: str = ""

    @property
    def overlaps(self) -> bool:
        """Whether the faces pass through each other by more than the numbers' scatter."""
        return self.opening < -OVERLAP * self.opening_scale


def interface_path(mesh: Mesh, root: Root) -> IntArray:
    """Nodes (K, 2 or 3: near end, far end, middle) of the edges along the conductor's interface, from the root
    inward.
    """
    edges = edges_of(mesh)
    inner = edges.cells[:, 1] >= 0
    ends = mesh.points[edges.nodes[:, :2]]
    along = (ends[..., 0] - root.at[0]) * root.into[0]
    on = inner & np.all(np.abs(ends[..., 1] - root.at[1]) <= mesh.near, axis=1) & np.all(along >= -mesh.near, axis=1)
    number = mesh.regions.index(root.region)
    on &= np.any(mesh.region[edges.cells] == number, axis=1) & (
        mesh.region[edges.cells[:, 0]] != mesh.region[edges.cells[:, 1]]
    )
    nodes, near = edges.nodes[on], along[on]
    turned = near[:, 0] > near[:, 1]
    nodes[turned, :2] = nodes[turned, 1::-1]
    nodes = nodes[np.argsort(near.min(axis=1))]
    if not len(nodes) or np.any(nodes[1:, 0] != nodes[:-1, 1]):
        broken = np.flatnonzero(nodes[1:, 0] != nodes[:-1, 1])
        nodes = nodes[: int(broken[0]) + 1] if len(broken) else nodes
    return np.asarray(nodes)


def open_crack(mesh: Mesh, path: IntArray, count: int) -> Opened:
    """Open the first ``count`` edges of a path of edges (K, 2 or 3: near end, far end, middle)."""
    if not 0 < count < len(path):
        raise InputError(f"crack: it must leave at least one edge of its {len(path)} closed")
    cut = path[:count]
    blocked = {(min(a, b), max(a, b)) for a, b in cut[:, :2].tolist()}
    direction = mesh.points[path[count, 1]] - mesh.points[path[0, 0]]
    normal = np.array([-direction[1], direction[0]])
    origin = mesh.points[path[0, 0]]
    centre = mesh.points[mesh.cells[:, : mesh.info.corners]].mean(axis=1)
    on_left = (centre - origin) @ normal > 0
    cells, points = mesh.cells.copy(), [mesh.points]
    total = len(mesh.points)
    chain = np.concatenate([cut[:, 0], cut[-1:, 1]])
    left, right = chain.copy(), chain.copy()
    for k, node in enumerate(chain.tolist()):
        groups = _parted(mesh, node, blocked)
        for group in groups[1:]:
            rows = np.array(group)
            cells[rows] = np.where(cells[rows] == node, total, cells[rows])
            points.append(mesh.points[node][None])
            side = left if on_left[rows].any() and _touches(mesh, rows, cut, on_left, True) else right
            side[k] = total
            total += 1
    middles = np.empty((0, 2), dtype=np.int64)
    if mesh.info.order == 2:
        pairs = []
        for node in cut[:, 2].tolist():
            around = np.flatnonzero((mesh.cells == node).any(axis=1))
            below = around[~on_left[around]]
            cells[below] = np.where(cells[below] == node, total, cells[below])
            points.append(mesh.points[node][None])
            pairs.append((node, total))
            total += 1
        middles = np.array(pairs)
    opened = Mesh(np.concatenate(points), cells, mesh.element, mesh.region, mesh.regions, mesh.lines, sets=mesh.sets)
    return Opened(opened, left, right, middles, path[count:])


def _parted(mesh: Mesh, node: int, blocked: set[tuple[int, int]]) -> list[list[int]]:
    """The cells around a node, grouped by the uncut edges they share at it; the group with the most cells keeps the
    node.
    """
    corners = mesh.info.corners
    around, corner = np.nonzero(mesh.cells[:, :corners] == node)
    by_edge: dict[int, list[int]] = {}
    for cell, at in zip(around.tolist(), corner.tolist(), strict=True):
        for far in (int(mesh.cells[cell, (at + 1) % corners]), int(mesh.cells[cell, (at - 1) % corners])):
            if (min(node, far), max(node, far)) not in blocked:
                by_edge.setdefault(far, []).append(cell)
    group = {int(cell): {int(cell)} for cell in around}
    for pair in by_edge.values():
        if len(pair) == 2 and group[pair[0]] is not group[pair[1]]:
            merged = group[pair[0]] | group[pair[1]]
            for cell in merged:
                group[cell] = merged
    distinct: list[set[int]] = []
    for one in group.values():
        if not any(one is other for other in distinct):
            distinct.append(one)
    return [sorted(one) for one in sorted(distinct, key=lambda s: (-len(s), min(s)))]


def _touches(mesh: Mesh, rows: IntArray, cut: IntArray, on_left: npt.NDArray[np.bool_], left: bool) -> bool:
    """Whether any of the cells on that side has an edge on the cut."""
    ends = np.isin(mesh.cells[rows[on_left[rows] == left]][:, : mesh.info.corners], cut[:, :2]).sum(axis=1)
    return bool(np.any(ends >= 2))


def crack_closure(solution: Solution, crack: Opened, edges: int = CLOSED) -> tuple[float, float, float]:
    """Energy release rates (opening, sliding) by crack closure and the length (um) closed.

    ``edges`` edges are closed at once: the forces of their nodes work on the openings as far behind the end of the
    closed part as they are ahead of the tip. One edge alone feels the elements at the tip (1.4 % off in G), four hardly
    do.
    """
    model, mesh = solution.model, crack.mesh
    u, tip = solution.displacement, mesh.points[crack.tip]
    edges = min(edges, len(crack.ahead), len(crack.left) - 1)
    direction = mesh.points[crack.ahead[0, 1]] - tip
    direction = direction / np.linalg.norm(direction)
    normal = np.array([-direction[1], direction[0]])
    ahead = np.unique(crack.ahead[:edges])
    place = (mesh.points[ahead] - tip) @ direction
    length = float(place.max())
    around = np.flatnonzero(np.isin(mesh.cells, ahead).any(axis=1))
    centre = mesh.points[mesh.cells[around, : mesh.info.corners]].mean(axis=1)
    force = cell_force(solution.field, around[(centre - tip) @ normal > 0])[ahead]
    left = np.concatenate([crack.left[:-1], crack.middles[:, 0]])
    right = np.concatenate([crack.right[:-1], crack.middles[:, 1]])
    behind = (tip - mesh.points[left]) @ direction
    order = np.argsort(behind)
    # the opening grows like the root of the distance; what it is divided by that is smooth
    ratio = (u[left] - u[right])[order] / np.sqrt(behind[order])[:, None]
    mirrored = np.maximum(length - place, 0.0)
    opening = (
        np.column_stack([np.interp(mirrored, behind[order], ratio[:, k]) for k in range(2)])
        * np.sqrt(mirrored)[:, None]
    )
    area = length * float(model.kinematics.measure(tip[:1] + 0.5 * length * direction[:1])[0])
    work = -(force.T @ opening) / (2.0 * area)
    return float(normal @ work @ normal), float(direction @ work @ direction), length


def domain_integral(solution: Solution, tip: FloatArray, direction: FloatArray, radius: float, plateau: float) -> float:
    """Energy release rate by the domain integral: the virtual motion is 1 within ``plateau`` of the tip and 0 beyond
    ``radius``.
    """
    model, mesh = solution.model, solution.model.mesh
    distance = np.linalg.norm(mesh.points - tip, axis=1)
    motion = np.clip((radius - distance) / (radius - plateau), 0.0, 1.0)
    values_at = motion[mesh.cells]
    cells = np.flatnonzero(
        (values_at.max(axis=1) > 0) & ((values_at.min(axis=1) < 1) | model.kinematics.radial | _varies(model))
    )
    points, weights = gauss_points(mesh.element, mesh.info.full)
    values, gradients = shape(mesh.element, points)
    at = sample(model.space, cells, points)
    s, density = solution.field.with_energy(at)
    _, spatial = jacobians(mesh, cells, gradients)
    slope = np.einsum("eqni,en->eqi", spatial, motion[mesh.cells[cells]])
    kinematics = model.kinematics
    u = solution.displacement[mesh.cells[cells]]
    along = np.einsum("eqnj,j,eni->eqi", spatial, direction, u)  # d u_i / d(direction)
    # what d u_j / d x_i and u_j / r are paired with: sigma : (grad u . grad q) is the same pairing
    paired, over = kinematics.pull([s[..., k] for k in range(kinematics.size)], at.position[..., 0])
    pull = [sum(paired[j, i] * along[..., j] for j in range(kinematics.width) if (j, i) in paired) for i in range(2)]
    integrand = pull[0] * slope[..., 0] + pull[1] * slope[..., 1] - density * (slope @ direction)
    q = np.matmul(values, motion[mesh.cells[cells]][..., None])[..., 0]
    if kinematics.radial:
        hoop = sum(part * np.matmul(values, u[..., j : j + 1])[..., 0] for j, part in over.items())
        integrand += (hoop - density) * q * direction[0] / at.position[..., 0]
    if _varies(model):
        nodes = _node_values(mesh)
        thermal = model.free_strain_at(cells, nodes)
        change = np.einsum("eqnj,j,enc->eqc", spatial, direction, thermal)
        integrand += q * np.sum(s * change, axis=-1)
    total = float(np.sum(integrand * at.volume * weights))
    return total / float(model.kinematics.measure(tip[:1])[0])


def _varies(model: Model) -> bool:
    return np.ndim(model.temperature) > 0


def _node_values(mesh: Mesh) -> FloatArray:
    """Shape functions at the nodes: the identity."""
    return np.eye(mesh.info.nodes)


def release(solution: Solution, crack: Opened, name: str, length: float, domains: Sequence[float] = DOMAINS) -> Release:
    """Everything known of the crack of a solved model."""
    mesh = crack.mesh
    tip = mesh.points[crack.tip]
    direction = mesh.points[crack.ahead[0, 1]] - tip
    direction = direction / np.linalg.norm(direction)
    normal = np.array([-direction[1], direction[0]])
    mode_1, mode_2, edge = crack_closure(solution, crack)
    place = (float(tip[0]), float(tip[1]))
    mixity, intensity, notes = None, None, []
    corner = corner_at(solution.model, place, name)
    found = [domain_integral(solution, tip, direction, f * corner.reach, 0.5 * f * corner.reach) for f in domains]
    try:
        field = corner_field(solution, corner)
        ray = float(np.degrees(np.arctan2(direction[1], direction[0])))
        peel, shear = crack_traction(field, ray, length)
        mixity = float(np.degrees(np.arctan2(shear, peel)))
        intensity = stress_intensity(field, length)
    except Exception as error:  # the energy release rate stands without it
        notes.append(f"no mode mixity ({reason(error)})")
        if not isinstance(error, NoExpansionError):
            text = f"crack at root {name}: no mode mixity: {reason(error)}; the other results stand"
            warnings.warn(text, FemsimWarning, stacklevel=3)
    inner = slice(1, -1) if len(crack.left) > 2 else slice(None)
    apart = (solution.displacement[crack.left] - solution.displacement[crack.right])[inner]
    opening = apart @ normal
    behind = (tip - mesh.points[crack.left[inner]]) @ direction
    notes += _overlap(opening, behind, edge, mode_1, float(np.abs(apart).max(initial=0.0)))
    return Release(
        name=name,
        length=length,
        tip=place,
        vcct=mode_1 + mode_2,
        mode_1=mode_1,
        mode_2=mode_2,
        edge=edge,
        domain=float(np.mean(found)),
        spread=0.5 * float(np.ptp(found)),
        mixity=mixity,
        mixity_length=length,
        opening=float(opening.min(initial=0.0)),
        opening_scale=float(np.abs(apart).max(initial=0.0)),
        intensity=intensity,
        note="; ".join(notes),
    )


def _overlap(opening: FloatArray, behind: FloatArray, edge: float, mode_1: float, scale: float) -> list[str]:
    """Where the faces (``opening`` um at ``behind`` um from the tip) overlap, and what that says of mode 1."""
    inside = opening < -OVERLAP * scale
    if not np.any(inside):
        return []
    low, high = float(behind[inside].min()), float(behind[inside].max())
    text = f"the faces overlap by up to {-float(opening.min()):.2g} um, from {low:.3g} to {high:.3g} um behind the tip"
    if mode_1 > 0.0:
        near = np.any(behind[inside] <= edge * (1 + 1e-9))
        text += (
            "; mode_1 is positive because compression and overlap have the same sign in the work of closing"
            if near
            else f"; mode_1 is positive because the {edge:.3g} um next to the tip, over which it is taken, are open"
        )
    return [text]
