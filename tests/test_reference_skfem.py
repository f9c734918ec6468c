"""The stiffness matrix and the thermal load against scikit-fem's own form-by-form assembly: another code, the same
numbers to 1e-12.
"""

from __future__ import annotations

import numpy as np
import pytest
import skfem
from helpers import ALL, AXI, GENERAL, STRAIN, STRESS, assemble, build, close, distorted, grid, held, material
from skfem.helpers import ddot, sym_grad

from femsim.meshes.elements import ELEMENTS, gauss_points, shape
from femsim.models.assembly import prescribed_force, thermal_force

DT = -40.0

#: scikit-fem's names of the plane elements
SKFEM = {
    "quad4": "ElementQuad1",
    "quad8": "ElementQuadS2",
    "quad9": "ElementQuad2",
    "tri3": "ElementTriP1",
    "tri6": "ElementTriP2",
}


@pytest.mark.parametrize("element", SKFEM)
def test_shape_functions_are_those_of_scikit_fem(element):
    xi = np.random.default_rng(1).uniform(0.0, 0.5, (40, 2))
    values, gradients = shape(element, xi)
    basis = getattr(skfem, SKFEM[element])()
    for i in range(values.shape[1]):
        phi, dphi = basis.lbasis(xi.T, i)
        np.testing.assert_allclose(values[:, i], phi, atol=1e-13)
        np.testing.assert_allclose(gradients[:, i], np.broadcast_to(dphi, (2, 40)).T, atol=1e-12)


def body(element):
    region = np.array([[0, 0, 1], [0, 1, 1]])
    return distorted(grid([0.0, 1.0, 2.2, 3.0], [0.0, 0.8, 2.0], element, region, ("a", "b")), 0.2)


def basis_of(mesh):
    """scikit-fem basis on the same straight-sided cells and quadrature, and its number of each of our degrees of
    freedom.
    """
    info = ELEMENTS[mesh.element]
    corner = mesh.cells[:, : info.corners]
    used = np.unique(corner)
    number = np.full(len(mesh.points), -1)
    number[used] = np.arange(len(used))
    cls = skfem.MeshQuad if info.is_quad else skfem.MeshTri
    other = cls(np.ascontiguousarray(mesh.points[used].T), np.ascontiguousarray(number[corner].T), sort_t=False)
    xi, w = gauss_points(mesh.element, info.full)
    element = skfem.ElementVector(getattr(skfem, SKFEM[info.name])())
    basis = skfem.CellBasis(other, element, quadrature=(np.ascontiguousarray(xi.T), w))
    where = basis.doflocs.T
    dof = np.empty(2 * len(mesh.points), dtype=int)
    for component in range(2):
        # the component of a vector element's degree of freedom: which of its two shape functions does not vanish
        mine = [k for k in range(basis.N) if k in component_dofs(basis, component)]
        for i, x in enumerate(mesh.points):
            distance = np.linalg.norm(where[mine] - x, axis=1)
            assert distance.min() < 1e-12
            dof[2 * i + component] = mine[int(np.argmin(distance))]
    assert len(set(dof)) == basis.N == len(dof)
    return basis, dof


def component_dofs(basis, component):
    return set(basis.get_dofs(elements=np.arange(basis.mesh.nelements)).all([f"u^{component + 1}"]))


def lame(mat):
    e, nu = mat.youngs_modulus[0].values[0], mat.poisson_ratio[0].values[0]
    return e * nu / ((1 + nu) * (1 - 2 * nu)), e / (2 * (1 + nu))


def per_cell(mesh, materials, basis):
    values = np.array([[*lame(materials[name]), materials[name].cte[0].values[0]] for name in mesh.regions])[
        mesh.region
    ]
    return [np.broadcast_to(values[:, k, None], basis.dx.shape) for k in range(3)]


@pytest.mark.parametrize("kinematics", [AXI, STRAIN, STRESS], ids=lambda k: k.name)
@pytest.mark.parametrize("element", ALL)
def test_same_matrix_and_load(element, kinematics):
    mesh = body(element)
    materials = {"a": material("Cu"), "b": material("PI")}
    basis, dof = basis_of(mesh)
    lam, mu, alpha = per_cell(mesh, materials, basis)
    bulk = 3 * lam + 2 * mu
    if kinematics is STRESS:
        bulk, lam = (3 * lam + 2 * mu) * 2 * mu / (lam + 2 * mu), 2 * lam * mu / (lam + 2 * mu)
    axisymmetric = kinematics is AXI

    @skfem.BilinearForm
    def stiffness(u, v, w):
        e, f = sym_grad(u), sym_grad(v)
        tu, tv = e[0, 0] + e[1, 1], f[0, 0] + f[1, 1]
        if not axisymmetric:
            return lam * tu * tv + 2 * mu * ddot(e, f)
        r = w.x[0]
        hu, hv = u[0] / r, v[0] / r
        return 2 * np.pi * r * (lam * (tu + hu) * (tv + hv) + 2 * mu * (ddot(e, f) + hu * hv))

    @skfem.LinearForm
    def expansion(v, w):
        f = sym_grad(v)
        if not axisymmetric:
            return bulk * alpha * DT * (f[0, 0] + f[1, 1])
        return 2 * np.pi * w.x[0] * bulk * alpha * DT * (f[0, 0] + f[1, 1] + v[0] / w.x[0])

    # all degrees of freedom are free, but the radial ones on the axis
    model = build(mesh, kinematics, materials, {}, DT)
    free = model.constraints.equation >= 0
    ours = assemble(model)[0].toarray()
    theirs = stiffness.assemble(basis).toarray()[np.ix_(dof, dof)][np.ix_(free, free)]
    close(ours, theirs, 1e-12)
    close(thermal_force(model), expansion.assemble(basis)[dof], 1e-12)


@pytest.mark.parametrize("element", ["quad9", "tri6"])
def test_generalised_plane_strain_adds_one_row(element):
    """Its in-plane block is plane strain's; its own row is int D_3j B_j, its corner int D_33."""
    mesh = body(element)
    materials = {"a": material("Cu"), "b": material("PI")}
    general, plane = (assemble(build(mesh, k, materials, {}, DT))[0].toarray() for k in (GENERAL, STRAIN))
    close(general[:-1, :-1], plane, 1e-12)
    basis, dof = basis_of(mesh)
    lam, mu, _ = per_cell(mesh, materials, basis)
    row = skfem.LinearForm(lambda v, w: lam * (sym_grad(v)[0, 0] + sym_grad(v)[1, 1])).assemble(basis)[dof]
    close(general[-1, :-1], row, 1e-12)
    close(general[-1, -1], np.sum((lam + 2 * mu) * basis.dx), 1e-12)
    close(general, general.T, 1e-12)


def test_prescribed_displacements_load_the_free_ones():
    """The force of prescribed displacements is -K_fp u_p of the whole matrix."""
    mesh = body("quad9")
    whole = assemble(build(mesh, STRAIN, material("Cu"), {}))[0].toarray()
    fixed = held(([0, 3, 7], 0, [0.1, -0.2, 0.3]), ([5], 1, 0.05))
    model = build(mesh, STRAIN, material("Cu"), fixed)
    matrix, force = assemble(model)[0], prescribed_force(model.space, model.moduli, model.load.prescribed)
    free = model.constraints.equation >= 0
    close(matrix.toarray(), whole[np.ix_(free, free)], 1e-13)
    close(force, -whole[np.ix_(free, ~free)] @ model.load.prescribed[~free], 1e-12)


def test_ties_add_rows_and_columns():
    """The matrix of a tied model is T^T K T."""
    mesh = body("quad8")
    whole = assemble(build(mesh, STRAIN, material("Cu"), {}))[0].toarray()
    group = np.array([1, 9, 13])
    model = build(mesh, STRAIN, material("Cu"), {}, ties=(group,))
    matrix, _ = assemble(model)
    transfer = np.zeros((len(whole), model.constraints.count))
    transfer[np.arange(len(whole)), model.constraints.equation] = 1.0
    close(matrix.toarray(), transfer.T @ whole @ transfer, 1e-13)
