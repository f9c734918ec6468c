"""Small builders the verification tests share: reference cases, materials, meshes of every element, constraints, error
norms.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from femsim.base.errors import FemsimWarning
from femsim.materials.elastic import Material
from femsim.materials.property import Property
from femsim.measures.stress import nodal_stress
from femsim.meshes.elements import ELEMENTS, gauss_points, node_points, shape
from femsim.meshes.facets import edges_of
from femsim.meshes.grid import tensor_mesh
from femsim.meshes.mesh import Mesh
from femsim.models.assembly import element_stiffness
from femsim.models.kinematics import KINEMATICS
from femsim.models.loads import Traction
from femsim.models.model import model_of
from femsim.models.sampling import sample
from femsim.models.space import Constraints

REFERENCES = json.loads((Path(__file__).parent / "data" / "references.json").read_text())
CASES = {case["id"]: case for topic in REFERENCES["topics"].values() for case in topic["cases"]}
QUADS, TRIS = ("quad4", "quad8", "quad9"), ("tri3", "tri6")
ALL = QUADS + TRIS
AXI, STRAIN, GENERAL, STRESS = (
    KINEMATICS[k] for k in ("axisymmetric", "plane-strain", "generalized-plane-strain", "plane-stress")
)


# ---------------------------------------------------------------- materials


def isotropic(E, nu, cte=0.0, name="m"):
    return Material(name, (Property((E,)),), (Property((nu,)),), (Property((cte,)),))


def orthotropic(E, nu, G, cte, angle=0.0, name="m"):
    three = [tuple(Property((v,)) for v in values) for values in (E, nu, cte, G)]
    return Material(name, three[0], three[1], three[2], three[3], angle=angle)


def material(name, angle=0.0):
    """A material of the reference cases (MPa, 1/K)."""
    m = REFERENCES["materials"][name]
    if "E" in m:
        return isotropic(m["E"], m["nu"], m["alpha"], name)
    if "Et" in m:  # axis 3 = z is the axis of symmetry; nu_tz = nu_zt Et / Ez
        et, ez, gt = m["Et"], m["Ez"], m["Et"] / (2 * (1 + m["nut"]))
        cross = m["nuzt"] * et / ez
        nu, g = (m["nut"], cross, cross), (gt, m["Gzt"], m["Gzt"])
        return orthotropic((et, et, ez), nu, g, (m["alphat"], m["alphat"], m["alphaz"]), name=name)
    names = ("12", "13", "23")
    return orthotropic(
        [m[f"E{i}"] for i in (1, 2, 3)],
        [m[f"nu{i}"] for i in names],
        [m[f"G{i}"] for i in names],
        [m[f"a{i}"] for i in (1, 2, 3)],
        angle,
        name,
    )


# ---------------------------------------------------------------- matrices


def assemble(model):
    """Stiffness of the free unknowns T^T K T and the force -T^T K u_p of prescribed displacements, entry by entry."""
    rows, columns, entries = [], [], []
    for cells, stiffness in element_stiffness(model.space, model.moduli):
        dofs = model.space.element_dofs(cells)
        row, column = np.broadcast_arrays(dofs[:, :, None], dofs[:, None, :])
        rows.append(row.ravel())
        columns.append(column.ravel())
        entries.append(stiffness.ravel())
    n, constraints = model.ndof, model.constraints
    whole = sp.coo_matrix(
        (np.concatenate(entries), (np.concatenate(rows), np.concatenate(columns))), shape=(n, n)
    ).tocsc()
    free = np.flatnonzero(constraints.equation >= 0)
    transfer = sp.csc_matrix((np.ones(len(free)), (free, constraints.equation[free])), shape=(n, constraints.count))
    return (transfer.T @ whole @ transfer).tocsc(), -transfer.T @ (whole @ model.load.prescribed)


# ---------------------------------------------------------------- meshes


def grid(x, y, element="quad9", region=None, regions=("a",)):
    """Cells between the lines ``x`` and ``y``; a quadrilateral is cut into two triangles, this way and that in turn."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    painted = np.zeros((len(y) - 1, len(x) - 1), dtype=np.int64) if region is None else np.asarray(region)
    if ELEMENTS[element].is_quad:
        return tensor_mesh(x, y, painted, regions, element)
    return split(tensor_mesh(x, y, painted, regions, "quad4" if element == "tri3" else "quad9"), element)


def split(mesh, element):
    """A quad4 or quad9 mesh as tri3 or tri6."""
    c = mesh.cells
    one, two = ((0, 1, 2), (0, 2, 3)), ((0, 1, 3), (1, 2, 3))
    if element == "tri6":
        one, two = ((0, 1, 2, 4, 5, 8), (0, 2, 3, 8, 6, 7)), ((0, 1, 3, 4, 8, 7), (1, 2, 3, 5, 6, 8))
    odd = (np.arange(len(c)) % 2).astype(bool)[:, None]
    cells = np.concatenate([np.where(odd, c[:, two[k]], c[:, one[k]]) for k in range(2)])
    return Mesh(mesh.points, cells, element, np.tile(mesh.region, 2), mesh.regions, {})


def of_element(mesh, element):
    """A quad9 mesh as any other element on the same (curved) edges."""
    if element == "quad9":
        return mesh
    if element.startswith("tri"):
        whole = split(mesh, "tri6")
        return whole if element == "tri6" else _compact(replace(whole, cells=whole.cells[:, :3], element="tri3"))
    return _compact(replace(mesh, cells=mesh.cells[:, : 4 if element == "quad4" else 8], element=element))


def _compact(mesh):
    used = np.unique(mesh.cells)
    number = np.full(len(mesh.points), -1)
    number[used] = np.arange(len(used))
    return replace(mesh, points=mesh.points[used], cells=number[mesh.cells])


def distorted(mesh, amount=0.25, seed=1, curved=0.0, edge=False):
    """Inner corners moved at random by ``amount`` of the smallest edge, sides kept straight or bent by ``curved`` of
    it.

    ``edge`` lets corners on the sides of the body's box slide along them.
    """
    rng = np.random.default_rng(seed)
    n = mesh.info.corners
    corner = mesh.cells[:, :n]
    size = np.linalg.norm(mesh.points[corner] - mesh.points[np.roll(corner, -1, axis=1)], axis=2).min()
    low, high = mesh.points.min(axis=0), mesh.points.max(axis=0)
    on_side = np.isclose(mesh.points, low) | np.isclose(mesh.points, high)
    if not edge:
        on_side[:] = on_side.any(axis=1, keepdims=True)
    move = np.zeros_like(mesh.points)
    which = np.unique(corner)
    move[which] = amount * size * rng.uniform(-1, 1, (len(which), 2))
    move[on_side] = 0.0
    if mesh.info.order == 2:
        bend = curved * size * rng.uniform(-1, 1, mesh.points.shape)
        bend[on_side.any(axis=1)] = 0.0
        extra = np.zeros_like(mesh.points)
        for a, b, m in mesh.info.edges:
            move[mesh.cells[:, m]] = 0.5 * (move[mesh.cells[:, a]] + move[mesh.cells[:, b]])
            extra[mesh.cells[:, m]] = bend[mesh.cells[:, m]]
        if mesh.element == "quad9":
            move[mesh.cells[:, 8]] = move[corner].mean(axis=1)
            extra[mesh.cells[:, 8]] = 0.5 * extra[mesh.cells[:, 4:8]].sum(axis=1)
        move += extra
    return replace(mesh, points=mesh.points + move)


def bent(mesh, amount):
    """All nodes moved by one smooth field that vanishes on the sides of the body's box."""
    low, high = mesh.points.min(axis=0), mesh.points.max(axis=0)
    s = (mesh.points - low) / (high - low)
    bump = np.sin(np.pi * s[:, 0]) * np.sin(np.pi * s[:, 1])
    wave = np.column_stack([bump * np.cos(2 * s[:, 1]), -bump * np.cos(3 * s[:, 0])])
    return replace(mesh, points=mesh.points + amount * (high - low) * wave)


def patches(blocks, element="quad9"):
    """One quad9 mesh out of lattices of points (2 m + 1, 2 n + 1, 2), each with a region name; common nodes are
    merged.
    """
    points, cells, region, start = [], [], [], 0
    names = tuple(dict.fromkeys(name for _, name in blocks))
    for lattice, name in blocks:
        rows, columns = lattice.shape[:2]
        number = start + np.arange(rows * columns).reshape(rows, columns)
        i, j = np.meshgrid(np.arange(0, rows - 1, 2), np.arange(0, columns - 1, 2), indexing="ij")
        steps = ((0, 0), (0, 2), (2, 2), (2, 0), (0, 1), (1, 2), (2, 1), (1, 0), (1, 1))
        cells.append(np.stack([number[i + a, j + b] for a, b in steps], axis=-1).reshape(-1, 9))
        points.append(lattice.reshape(-1, 2))
        region.append(np.full(i.size, names.index(name)))
        start += rows * columns
    x = np.concatenate(points)
    key = np.round(x / np.abs(x).max(), 10) + 0.0
    _, first, inverse = np.unique(key, axis=0, return_index=True, return_inverse=True)
    mesh = Mesh(x[first], inverse.ravel()[np.concatenate(cells)], "quad9", np.concatenate(region), names)
    return of_element(mesh, element)


def ruled(inner, outer, t):
    """Lattice between two curves of points (m, 2) that run counter-clockwise, at fractions ``t`` from the outer to the
    inner one.
    """
    t = np.asarray(t)[:, None, None]
    return (1 - t) * outer[None] + t * inner[None]


def quarter_disc(radii, n, names, bore=0.0, element="quad9", cells=None):
    """Quarter of a disc or ring: ``n`` cells per 45 degrees; ``cells`` per layer across (default: as long as they are
    wide).
    """
    angle = np.linspace(0, np.pi / 2, 4 * n + 1)
    arc = np.column_stack([np.cos(angle), np.sin(angle)])
    arc[0, 1] = arc[-1, 0] = 0.0
    blocks = []
    inner = bore
    if not bore:  # a rounded square at the centre
        inner = 0.6 * radii[0]
        a, b = inner, 0.8 * inner
        s = np.linspace(0, 1, 2 * n + 1)
        u, v = np.meshgrid(s, s, indexing="xy")
        corner = np.array([[a, 0], [b, b], [0, a]])
        square = (
            (u * (1 - v))[..., None] * corner[0] + (u * v)[..., None] * corner[1] + ((1 - u) * v)[..., None] * corner[2]
        )
        blocks.append((square, names[0]))
        edge = np.concatenate([square[:, -1], square[-1, -2::-1]])
        blocks.append((ruled(edge, radii[0] * arc, np.linspace(0, 1, 2 * n + 1)), names[0]))
        inner, radii, names = radii[0], radii[1:], names[1:]
    for k, (outer, name) in enumerate(zip(radii, names, strict=True)):
        across = cells[k] if cells else max(1, round(n * (outer - inner) / (0.25 * np.pi * 0.5 * (outer + inner))))
        r = np.linspace(outer, inner, 2 * across + 1)
        blocks.append((r[:, None, None] * arc[None], name))
        inner = outer
    return patches(blocks, element)


# ---------------------------------------------------------------- models


def near(mesh, axis, value):
    """Nodes whose coordinate ``axis`` is ``value``."""
    return np.flatnonzero(np.isclose(mesh.points[:, axis], value, atol=1e-9 * np.ptp(mesh.points)))


def rim(mesh):
    """Nodes on the body's outer edges."""
    edges = edges_of(mesh)
    return np.unique(edges.nodes[edges.cells[:, 1] < 0])


def outer_edges(mesh, axis=None, value=None, radius=None):
    """Outer edges on a coordinate line or on a circle about the origin, body on the left."""
    edges = edges_of(mesh)
    nodes = edges.nodes[edges.cells[:, 1] < 0]
    x = mesh.points[nodes]
    at = np.linalg.norm(x, axis=2) if radius is not None else x[..., axis]
    return nodes[
        np.all(np.isclose(at, radius if radius is not None else value, atol=1e-9 * np.ptp(mesh.points)), axis=1)
    ]


def pressure(mesh, load, axis=None, value=None, radius=None):
    edges = outer_edges(mesh, axis, value, radius)
    assert len(edges)
    return Traction(edges, np.zeros((len(edges), 2)), load)


def held(*conditions):
    """Prescribed values by degree of freedom from (nodes, component, value or values)."""
    fixed = {}
    for nodes, component, value in conditions:
        for node, v in zip(nodes, np.broadcast_to(value, np.shape(nodes)), strict=True):
            fixed[2 * int(node) + component] = float(v)
    return fixed


def constrained(ndof, fixed=None, ties=()):
    """Constraints and prescribed values (ndof,) from values by dof and groups of dofs that move together."""
    fixed, ties = fixed or {}, tuple(np.asarray(t) for t in ties)
    prescribed = np.zeros(ndof)
    prescribed[list(fixed)] = list(fixed.values())
    for group in ties:
        own = [dof for dof in group.tolist() if dof in fixed]
        if own:
            prescribed[group] = prescribed[own[0]]
    return Constraints.build(ndof, np.array(list(fixed), dtype=np.int64), ties), prescribed


def build(mesh, kinematics, materials, fixed, temperature=0.0, ties=(), tractions=(), stress_free=0.0):
    """A model; ``materials`` one for all regions, a list in their order, or a dict; the axis is held in axisymmetry."""
    if isinstance(materials, Material):
        materials = [materials] * len(mesh.regions)
    if not isinstance(materials, dict):
        materials = dict(zip(mesh.regions, materials, strict=True))
    if kinematics.radial:
        fixed = {**held((np.flatnonzero(mesh.points[:, 0] <= 0), 0, 0.0)), **fixed}
    ndof = 2 * len(mesh.points) + kinematics.globals_
    held_dofs, prescribed = constrained(ndof, fixed, ties)
    return model_of(mesh, kinematics, materials, temperature, stress_free, held_dofs, prescribed, tuple(tractions))


def in_bodily_mesh(mesh, seed=3, count=4):
    """A few points inside the body, away from its nodes."""
    rng = np.random.default_rng(seed)
    cells = rng.choice(len(mesh.cells), min(count, len(mesh.cells)), replace=False)
    values, _ = shape(mesh.element, np.array([[0.31, 0.37]]))
    return [tuple(values[0] @ mesh.points[mesh.cells[c]]) for c in cells]


def stresses_of(solution):
    """Stress (E, n, 4) at the cells' own nodes."""
    return nodal_stress(solution.field)


def field_errors(solution, displacement, stress_of):
    """L2 error of the displacement, energy error, and the L2 norm of the displacement, against functions of points (m,
    2).
    """
    model = solution.model
    mesh = model.mesh
    xi, w = gauss_points(mesh.element, mesh.info.full + 2)
    values, _ = shape(mesh.element, xi)
    at = sample(model.space, np.arange(len(mesh.cells)), xi)
    volume = at.volume * w
    flat = at.position.reshape(-1, 2)
    u = displacement(flat).reshape(at.position.shape)
    du = np.matmul(values[None], solution.displacement[mesh.cells]) - u
    ds = solution.field.stress(at) - stress_of(flat).reshape(*at.position.shape[:2], 4)
    stiffness = model.moduli.at(at.cells, at.values)
    strain = np.linalg.solve(np.broadcast_to(stiffness, (*ds.shape, 4)), ds[..., None])[..., 0]
    l2, norm = (np.sqrt(np.sum(volume[..., None] * v**2)) for v in (du, u))
    return l2, np.sqrt(np.sum(volume * np.sum(ds * strain, axis=-1))), norm


def order(errors, ratio=2.0):
    """Measured order of convergence from the last two errors."""
    return float(np.log(errors[-2] / errors[-1]) / np.log(ratio))


def close(found, wanted, rel=1e-10, scale=None):
    """Largest difference within ``rel`` of the largest wanted value (or of ``scale``)."""
    found, wanted = np.asarray(found, float), np.asarray(wanted, float)
    scale = np.abs(wanted).max() if scale is None else scale
    np.testing.assert_allclose(found, np.broadcast_to(wanted, found.shape), rtol=0, atol=rel * scale)


def quietly(function, *arguments, **keywords):
    """Call with femsim's warnings silenced: the test is about the numbers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FemsimWarning)
        return function(*arguments, **keywords)


def reference_points(element):
    """Nodes and a few inner points of the reference element."""
    inner = np.array([[0.2, 0.3], [0.55, 0.15], [0.1, 0.75]])
    return np.concatenate([node_points(element), inner])


def interrupt_after(monkeypatch, saves):
    """From now on a run is interrupted when its state has been saved so many times; gives what saved it before."""
    from femsim.runs import resume

    saved, count = resume.StateFile.save, 0

    def killed(self, state):
        nonlocal count
        saved(self, state)
        count += 1
        if count == saves:
            raise KeyboardInterrupt

    monkeypatch.setattr(resume.StateFile, "save", killed)
    return saved
