"""A second user for each noun of the core: another kinematics, another law, another program, links between unknowns."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from helpers import AXI, STRAIN, assemble, build, close, constrained, grid, held, isotropic, near

from femsim.base.errors import InputError
from femsim.measures.averages import region_metrics
from femsim.measures.stress import nodal_stress
from femsim.meshes.elements import gauss_points, shape
from femsim.models.assembly import element_stiffness, internal_force
from femsim.models.fields import ElasticField, PointField
from femsim.models.harmonics import TORSION, harmonic
from femsim.models.loads import Load, Program, Step
from femsim.models.model import Model, model_of
from femsim.models.moduli import PointModuli
from femsim.models.rectangles import rectangle_stiffness
from femsim.models.sampling import hooke, sample
from femsim.models.space import Constraints, Space, check_held
from femsim.solvers.solve import solve
from femsim.solvers.system import SystemFactor, make_system

#: three unknowns a node: u_r = U cos, u_t = V sin, u_z = W cos; on the axis W = 0 and U + V = 0
FIRST = harmonic(1)


@pytest.mark.parametrize("element", ["quad9", "quad8", "quad4"])
def test_torsion_of_a_shaft(element):
    """One unknown a node: a shaft of two layers twisted by theta has the torque pi/2 sum G (b^4 - a^4) theta / L."""
    length, twist, modulus = 3.0, 0.01, {"core": 50e3 / 2.6, "skin": 10e3 / 2.6}
    r = np.linspace(0.0, 2.0, 9 if element != "quad4" else 161)
    mesh = grid(r, [0.0, 1.0, length], element, [[int(v >= 1.0) for v in r[:-1]]] * 2, ("core", "skin"))
    bottom, top, axis = near(mesh, 1, 0.0), near(mesh, 1, length), near(mesh, 0, 0.0)
    fixed = dict.fromkeys([*bottom.tolist(), *axis.tolist()], 0.0) | {int(n): twist * mesh.points[n, 0] for n in top}
    materials = {"core": isotropic(50e3, 0.3), "skin": isotropic(10e3, 0.3)}
    model = model_of(mesh, TORSION, materials, 0.0, 0.0, *constrained(len(mesh.points), fixed))
    solution = solve(model)
    torque = float(solution.reaction[top] @ mesh.points[top, 0])
    wanted = np.pi / 2 * (modulus["core"] + modulus["skin"] * (2.0**4 - 1.0)) * twist / length
    assert torque == pytest.approx(wanted, rel=1e-9 if element != "quad4" else 2e-4)
    close(solution.displacement[:, 0], twist * mesh.points[:, 0] * mesh.points[:, 1] / length, 1e-9)


def first_harmonic(element, materials, fixed):
    mesh = grid(np.linspace(0.0, 2.0, 5), np.linspace(0.0, 3.0, 4), element, [[0, 0, 1, 1]] * 3, ("core", "skin"))
    links = {}
    for node in near(mesh, 0, 0.0).tolist():
        fixed = fixed | {3 * node + 2: 0.0}
        links[3 * node + 1] = {3 * node: -1.0}
    prescribed = np.zeros(3 * len(mesh.points))
    dofs = np.array([d for d in fixed if d not in links], dtype=np.int64)
    prescribed[dofs] = [fixed[d] for d in dofs.tolist()]
    for dof, ((other, factor),) in ((d, tuple(c.items())) for d, c in links.items()):
        prescribed[dof] = factor * prescribed[other]
    space = Space(mesh, FIRST, Constraints.build(len(prescribed), dofs, (), links))
    return Model(space, materials, Load(0.0, 0.0, prescribed))


@pytest.mark.parametrize("element", ["quad9", "quad8"])
def test_rigid_motions_of_the_first_harmonic_are_free_of_strain(element):
    materials = {"core": isotropic(50e3, 0.3), "skin": isotropic(10e3, 0.2)}
    model = first_harmonic(element, materials, {})
    for mode in FIRST.rigid_modes(model.mesh.points).values():
        force = internal_force(ElasticField(model, mode.ravel()))
        scale = float(np.abs(internal_force(ElasticField(model, np.abs(mode.ravel()) + 1.0))).max())
        assert np.abs(force).max() < 1e-12 * scale
    with pytest.raises(InputError, match="can still move along x and by tilting"):
        check_held(model.space)


@pytest.mark.parametrize("element", ["quad9", "quad8"])
def test_links_on_the_axis_make_the_generic_system(element):
    """T^T K T with the rows of a link, condensed or not; three unknowns a node in blocks of three."""
    materials = {"core": isotropic(50e3, 0.3), "skin": isotropic(10e3, 0.2)}
    model = first_harmonic(element, materials, {})
    bottom = near(model.mesh, 1, 0.0)
    held_ = {3 * int(n) + k: 0.0 for n in bottom for k in range(3) if not (k == 1 and model.mesh.points[n, 0] == 0)}
    model = first_harmonic(element, materials, held_)
    check_held(model.space)
    rows, columns, values = [], [], []
    for cells, stiffness in element_stiffness(model.space, model.moduli):
        dofs = model.space.element_dofs(cells)
        for at, matrix in zip(dofs, stiffness, strict=True):
            rows.append(np.repeat(at, len(at)))
            columns.append(np.tile(at, len(at)))
            values.append(matrix.ravel())
    whole = np.zeros((model.ndof, model.ndof))
    np.add.at(whole, (np.concatenate(rows), np.concatenate(columns)), np.concatenate(values))
    transfer = model.space.scatter(np.eye(model.constraints.count))
    wanted = transfer.T @ whole @ transfer
    system = make_system(model.space, model.moduli)
    assert system.matrix.blocksize == (3, 3)
    assert (system.condensation is not None) == (element == "quad9")
    rhs = np.random.default_rng(1).normal(size=(model.constraints.count, 2))
    close(SystemFactor.of(system, "superlu").solve(rhs), np.linalg.solve(wanted, rhs), 1e-9)
    force = np.random.default_rng(2).normal(size=model.ndof)
    close(model.space.gather(force), transfer.T @ force, 1e-13)
    cells = np.arange(len(model.mesh.cells))
    d = model.moduli.at(cells, np.empty((1, model.mesh.info.nodes)))[:, 0]
    (_, general), *_ = element_stiffness(model.space, model.moduli)
    close(rectangle_stiffness(model.space, cells, d), general.reshape(len(cells), -1), 1e-12)


def test_a_straight_edge_that_is_free_to_tilt():
    """u_x = a + b y on an edge, a and b unknowns of no node: a bimetal strip bends to Timoshenko's curvature (1925)."""
    mesh = grid(
        np.linspace(0.0, 4.0, 9), [0.0, 0.5, 1.0, 2.0], "quad9", [[0] * 8, [0] * 8, [1] * 8], ("lower", "upper")
    )
    end, start = near(mesh, 0, 4.0), near(mesh, 0, 0.0)
    ndof = 2 * len(mesh.points)
    links = {2 * int(n): {ndof: 1.0, ndof + 1: float(mesh.points[n, 1])} for n in end}
    fixed = np.array([2 * int(n) for n in start] + [2 * int(start[0]) + 1])
    space = Space(mesh, replace(STRAIN, name="plane strain"), Constraints.build(ndof, fixed, (), links, extra=2))
    check_held(space)
    # plane strain with nu = 0: the strip's own moduli
    materials = {"lower": isotropic(100e3, 0.0, 10e-6), "upper": isotropic(40e3, 0.0, 30e-6)}
    solution = solve(Model(space, materials, Load(100.0, 0.0, np.zeros(ndof))))
    m, n, h = 1.0, 100e3 / 40e3, 2.0
    curvature = 6.0 * 20e-6 * 100.0 * (1 + m) ** 2 / (h * (3 * (1 + m) ** 2 + (1 + m * n) * (m**2 + 1 / (m * n))))
    slope = np.polyfit(mesh.points[end, 1], solution.displacement[end, 0], 1)[0]
    assert slope / 4.0 == pytest.approx(curvature, rel=1e-9)


@dataclass(frozen=True)
class Damage:
    """Damage by the strain along y, in ten lines: sigma = sqrt(onset / eps) E eps beyond the onset."""

    onset: float

    def update(self, strain, stiffness):
        """Stress and tangent of points; strain (n, size), stiffness (size, size)."""
        left = np.sqrt(np.minimum(self.onset / np.maximum(strain[:, 1], 1e-300), 1.0))
        stress = left[:, None] * (strain @ stiffness.T)
        slope = np.where(left < 1.0, -0.5 * left / np.maximum(strain[:, 1], 1e-300), 0.0)
        tangent = left[:, None, None] * stiffness
        tangent[:, :, 1] += slope[:, None] * (strain @ stiffness.T)
        return stress, tangent


def test_a_law_that_is_not_hookes():
    """An elastic bar and one with damage in a row under a prescribed pull: Newton on the same kernels, read by the same
    measures. Stresses are equal, E e_1 = E sqrt(onset e_2), and the lengths 1 and 2 stretch by e_1 + 2 e_2 = 0.03.
    """
    mesh = grid([0.0, 1.0, 2.0], [0.0, 1.0, 2.0, 3.0], "quad9", [[0, 0], [1, 1], [1, 1]], ("elastic", "damaged"))
    bottom, top, side = near(mesh, 1, 0.0), near(mesh, 1, 3.0), near(mesh, 0, 0.0)
    model = build(mesh, STRAIN, isotropic(1e3, 0.0), held((bottom, 1, 0.0), (side, 0, 0.0), (top, 1, 0.03)))
    law, space, own = Damage(0.004), model.space, mesh.cells_of("damaged")
    points, _ = gauss_points(mesh.element, mesh.info.full)
    at = sample(space, np.arange(len(mesh.cells)), points)
    q, size = len(points), space.kinematics.size
    place = np.full(len(mesh.cells), -1)
    place[own] = np.arange(len(own))
    u, sizes = solve(model).unknowns, []
    for _ in range(12):
        values = ElasticField(model, u).stress(at)
        stress, tangent = law.update(at.strain(u)[own].reshape(-1, size), model.region_stiffness[1])
        values[own] = stress.reshape(-1, q, size)
        field = PointField(space, u, values, values[..., 0])
        left = -space.gather(internal_force(field))
        sizes.append(np.abs(left).max())
        if sizes[-1] < 1e-12:
            break
        moduli = PointModuli(model.moduli, place, tangent.reshape(len(own), q, size, size))
        u = u + space.scatter(SystemFactor.of(make_system(space, moduli), "superlu").solve(left))
    assert len(sizes) < 8, sizes
    assert sizes[-2] < 1e-3 * sizes[-3]  # quadratic
    second = ((-np.sqrt(0.004) + np.sqrt(0.004 + 8 * 0.03)) / 4.0) ** 2
    level = 1e3 * np.sqrt(0.004 * second)
    close(field.values[..., 1], level, 1e-9)
    close(nodal_stress(field)[..., 1], level, 1e-9)
    assert region_metrics(field)["damaged"].von_mises_mean == pytest.approx(level)
    coarse, _ = gauss_points(mesh.element, 2)
    close(field.stress(sample(space, own, coarse))[..., 1], level, 1e-9)
    assert not moduli.uniform[own].any()
    with pytest.raises(ValueError, match="full Gauss points"):
        moduli.at(own, shape(mesh.element, coarse)[0])


def test_point_stress_is_interpolated_inside_each_cell():
    """A quadratic stress comes back at any points of a cell from its full Gauss points."""
    mesh = grid([0.0, 1.0, 3.0], [0.0, 2.0])
    model = build(mesh, AXI, isotropic(1e3, 0.3), {})
    points, _ = gauss_points(mesh.element, mesh.info.full)
    here = sample(model.space, np.arange(2), points).position
    value = lambda x: np.stack([x[..., 0] ** 2 * x[..., 1], x[..., 1] ** 2, 1 + x[..., 0], x[..., 0] * x[..., 1]], -1)  # noqa: E731
    field = PointField(model.space, np.zeros(model.ndof), value(here), here[..., 0])
    at = sample(model.space, np.arange(2), np.array([[0.1, 0.9], [0.0, 0.0], [1.0, 0.3]]))
    close(field.stress(at), value(at.position), 1e-12)
    close(field.with_energy(at)[1], at.position[..., 0], 1e-12)


def test_a_program_of_two_steps():
    """A film born on a hot substrate: the second step's load counts from the birth, one space and factor serve both."""
    mesh = grid([0.0, 1.0, 2.0], [0.0, 1.0, 1.1], "quad9", [[0, 0], [1, 1]], ("substrate", "film"))
    materials = {"substrate": isotropic(1e5, 0.3, 3e-6), "film": isotropic(5e4, 0.3, 20e-6)}
    walls = held((near(mesh, 0, 2.0), 0, 0.0), (near(mesh, 1, 0.0), 1, 0.0))
    model = build(mesh, AXI, materials, walls, 300.0, stress_free=300.0)
    cold = model.load.changed(temperature=25.0)
    born = cold.changed(stress_free_temperature=np.array([300.0, 200.0]))
    program = Program(model.load, (Step("deposit", model.space, cold), Step("cool", model.space, born)))
    found = [solve(Model(step.space, materials, step.load)) for step in program.steps]
    stiff = 5e4 / (1 - 0.3)
    for solution, start in zip(found, (300.0, 200.0), strict=True):
        stress = nodal_stress(solution.field)[mesh.region == 1]
        close(stress[..., 0], stiff * 20e-6 * (start - 25.0), 1e-9)


def test_eigenstrain_of_a_region():
    """A held body that shrinks by an eigenstrain is stressed as by a temperature of the same free strain."""
    mesh = grid([0.0, 1.0, 2.0], [0.0, 1.0])
    model = build(
        mesh, AXI, isotropic(1e5, 0.3, 10e-6), held((near(mesh, 0, 2.0), 0, 0.0), (near(mesh, 1, 0.0), 1, 0.0))
    )
    shrunk = model.under(eigenstrain=np.array([[1e-3, 1e-3, 1e-3, 0, 0, 0]]))
    close(nodal_stress(solve(shrunk).field), nodal_stress(solve(model.under(temperature=100.0)).field), 1e-12)
    assert hooke(model.region_stiffness[:, None], np.zeros((1, 3, 4))).shape == (1, 3, 4)
    assert assemble(model)[0].shape[0] == model.constraints.count
