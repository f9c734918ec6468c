"""The condensed system against the generic assembly: K~ = K_oo - K_oc K_cc^-1 K_co of the matrix that
element-by-element sums give.

Tolerances are round-off: the two differ in the order of their sums only.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from helpers import (
    ALL,
    AXI,
    GENERAL,
    QUADS,
    STRAIN,
    STRESS,
    assemble,
    bent,
    build,
    close,
    distorted,
    grid,
    held,
    material,
    near,
)

import femsim.solvers.stock
import femsim.solvers.system
from femsim.meshes.elements import gauss_points
from femsim.models.assembly import element_stiffness, internal_force, prescribed_force
from femsim.models.fields import ElasticField
from femsim.models.rectangles import rectangle_internal, rectangle_stiffness
from femsim.models.sampling import sample
from femsim.solvers.pattern import make_pattern
from femsim.solvers.stock import Stock
from femsim.solvers.system import SystemFactor, make_system

KINEMATICS = (AXI, STRAIN, GENERAL, STRESS)
REGION = np.array([[0, 0, 1, 1], [0, 1, 1, 0], [1, 0, 0, 0]])


def plain(element):
    """Rectangles of unequal sides that begin on the axis."""
    return grid([0.0, 1.0, 2.2, 3.0, 7.0], [-0.5, 0.8, 2.0, 2.1], element, REGION, ("a", "b"))


def sloped(element):
    """Rectangles on the left, moved corners on the right: both kernels in one matrix."""
    mesh = plain(element)
    moved = distorted(mesh, 0.2, curved=0.05)
    half = (mesh.points[:, 0] > 2.3)[:, None]
    return replace(mesh, points=np.where(half, moved.points, mesh.points))


MESHES = {"rectangles": plain, "slopes": sloped, "bent": lambda element: bent(plain(element), 0.05)}
MATERIALS = {"a": material("Cu"), "b": material("OR1", angle=25.0)}


def upright(mesh):
    """Held along z (y) on the bottom, in plane models along x at one node too."""
    bottom = near(mesh, 1, mesh.points[:, 1].min())
    return held((bottom, 1, 0.0), (bottom[:1], 0, 0.0))


def pulled(mesh):
    """Prescribed displacements that are not zero: bottom, and the top moved unevenly."""
    top = near(mesh, 1, mesh.points[:, 1].max())
    return {**upright(mesh), **held((top, 1, 0.01 * np.cos(mesh.points[top, 0])))}


def clamped(mesh):
    """Both displacements prescribed all around: every node has two unknowns of its own or none."""
    x, y = mesh.points.T
    rim = np.flatnonzero((x == x.min()) | (x == x.max()) | (y == y.min()) | (y == y.max()))
    return held((rim, 0, 0.003 * y[rim]), (rim, 1, 0.002 * x[rim]))


def wall(mesh):
    """The cell wall moves as one: many ties, several within one element."""
    return (2 * near(mesh, 0, mesh.points[:, 0].max()),)


CONSTRAINTS = {
    "held": lambda mesh: (upright(mesh), ()),
    "prescribed": lambda mesh: (pulled(mesh), ()),
    "clamped": lambda mesh: (clamped(mesh), ()),
    "tied": lambda mesh: (upright(mesh), wall(mesh)),
    "tied and prescribed": lambda mesh: (pulled(mesh), wall(mesh)),
}


def modelled(mesh, kinematics=AXI, constraints="held", materials=MATERIALS, temperature=-40.0):
    fixed, ties = CONSTRAINTS[constraints](mesh)
    return build(mesh, kinematics, materials, fixed, temperature, ties)


def whole(system):
    """Dense symmetric matrix of the kept unknowns, in elimination order; vacant slots must stand by themselves."""
    dense = system.matrix.toarray()
    even = np.arange(0, len(dense), 2)
    assert np.array_equal(dense[even + 1, even], dense[even, even + 1]), "a diagonal block is not symmetric"
    dense = np.triu(dense) + np.triu(dense, 1).T
    vacant = system.pattern.vacant
    alone = dense[vacant].copy()
    assert np.all(alone[np.arange(len(vacant)), vacant] > 0)
    alone[np.arange(len(vacant)), vacant] = 0.0
    assert not alone.any(), "a vacant slot is coupled"
    taken = np.setdiff1d(np.arange(len(dense)), vacant)
    return dense[np.ix_(taken, taken)]


def outer(pattern):
    """The kept unknowns in elimination order."""
    return pattern.numbering.unknown[pattern.numbering.unknown < len(pattern.numbering.place)]


def schur(full, pattern):
    """K_oo - K_oc K_cc^-1 K_co."""
    o, c = outer(pattern), pattern.numbering.inner.ravel()
    if not len(c):
        return full[np.ix_(o, o)]
    return full[np.ix_(o, o)] - full[np.ix_(o, c)] @ np.linalg.solve(full[np.ix_(c, c)], full[np.ix_(c, o)])


def check(model, tolerance=1e-12):
    """Matrix, force and solutions of the condensed system against the generic assembly's."""
    full, force = assemble(model)
    dense = full.toarray()
    system = make_system(model.space, model.moduli)
    wanted = schur(dense, system.pattern)
    scale = np.sqrt(np.outer(wanted.diagonal(), wanted.diagonal()))
    assert np.abs((whole(system) - wanted) / scale).max() < tolerance
    close(
        prescribed_force(model.space, model.moduli, model.load.prescribed),
        force,
        1e-12,
        max(np.abs(force).max(), 1e-300),
    )
    assert sorted([*outer(system.pattern), *system.pattern.numbering.inner.ravel()]) == list(
        range(model.constraints.count)
    )
    rhs = np.random.default_rng(0).normal(size=(model.constraints.count, 3))
    exact = np.linalg.solve(dense, rhs)
    factor = SystemFactor.of(system, "superlu")
    close(factor.solve(rhs), exact, 1e-8)
    close(factor.solve(rhs[:, 0]), exact[:, 0], 1e-8)
    return system


@pytest.mark.parametrize("constraints", CONSTRAINTS)
@pytest.mark.parametrize("kinematics", KINEMATICS, ids=lambda k: k.name)
@pytest.mark.parametrize("element", ALL)
def test_is_the_schur_complement(element, kinematics, constraints):
    check(modelled(sloped(element), kinematics, constraints))


@pytest.mark.parametrize("shape", MESHES)
@pytest.mark.parametrize("element", QUADS)
def test_on_all_shapes(element, shape):
    check(modelled(MESHES[shape](element)))


def test_middles_of_quad9_are_condensed():
    model = modelled(plain("quad9"))
    system = make_system(model.space, model.moduli)
    cells = len(model.mesh.cells)
    assert system.pattern.numbering.inner.shape == (cells, 2)
    assert len(outer(system.pattern)) == model.constraints.count - 2 * cells
    for element in ("quad4", "quad8", "tri6"):
        other = modelled(plain("quad8") if element == "quad8" else sloped(element))
        kept = make_system(other.space, other.moduli)
        assert kept.condensation is None
        assert kept.pattern.numbering.inner.shape == (0, 2)


@pytest.mark.parametrize("kind", ["prescribed", "tied"])
def test_a_bound_middle_node_is_kept(kind):
    """One prescribed or tied middle, and no element is condensed: the system is still the generic one."""
    mesh = sloped("quad9")
    middle = mesh.cells[4:6, 8]
    fixed, ties = upright(mesh), ()
    if kind == "prescribed":
        fixed |= held((middle[:1], 0, 0.02))
    else:
        ties = (2 * middle + 1,)
    model = build(mesh, AXI, MATERIALS, fixed, -40.0, ties)
    assert check(model).condensation is None


def test_tied_unknowns_of_one_element_count_twice():
    """K_ij and K_ji of two tied unknowns both land on the diagonal: a rigid tie of everything adds up all of K."""
    mesh = plain("quad8")
    everywhere = (2 * np.arange(len(mesh.points)) + 1,)
    model = build(mesh, STRAIN, MATERIALS, held((near(mesh, 0, 0.0), 0, 0.0)), 0.0, everywhere)
    system = make_system(model.space, model.moduli)
    wanted = assemble(model)[0].toarray()
    order = outer(system.pattern)
    close(whole(system), wanted[np.ix_(order, order)], 1e-12)


def test_a_temperature_field_with_tables_takes_the_general_kernel():
    from femsim.materials.elastic import Material
    from femsim.materials.property import Property

    soft = Material("t", (Property((3000.0, 1000.0), (0.0, 100.0)),), (Property((0.3,)),), (Property((50e-6,)),))
    mesh = plain("quad9")
    field = 60.0 + 30.0 * np.cos(mesh.points[:, 0])
    model = modelled(mesh, materials={"a": soft, "b": MATERIALS["a"]}, temperature=field)
    check(model)


def test_a_pattern_serves_another_matrix():
    """Same mesh and constraints, other materials and kinematics of equal size: the order and the places stay."""
    model = modelled(sloped("quad9"))
    pattern = make_pattern(model.space)
    other = replace(model, materials={"a": material("PI"), "b": material("Cu")})
    fresh, again = make_system(other.space, other.moduli), make_system(other.space, other.moduli, pattern)
    assert again.pattern is pattern
    assert np.array_equal(fresh.matrix.data, again.matrix.data)


def test_batches_do_not_change_the_matrix(monkeypatch):
    model = modelled(plain("quad9"), constraints="tied and prescribed")
    once = make_system(model.space, model.moduli)
    monkeypatch.setattr(femsim.solvers.system, "RECTANGLES", 5)
    many = make_system(model.space, model.moduli)
    close(many.matrix.toarray(), once.matrix.toarray(), 1e-14)


def test_the_matrix_is_an_upper_triangle_with_sorted_rows():
    model = modelled(plain("quad9"), constraints="tied")
    matrix = make_system(model.space, model.moduli).matrix
    assert isinstance(matrix, sp.bsr_matrix)
    assert matrix.blocksize == (2, 2)
    assert matrix.has_sorted_indices
    rows = np.repeat(np.arange(len(matrix.indptr) - 1), np.diff(matrix.indptr))
    assert np.all(np.diff(rows * len(matrix.indptr) + matrix.indices) > 0), "a block stands twice"
    assert np.all(matrix.indices[matrix.indptr[:-1]] == np.arange(len(matrix.indptr) - 1)), (
        "a row does not begin with its diagonal"
    )


@pytest.mark.parametrize("kinematics", [AXI, STRAIN, STRESS], ids=lambda k: k.name)
@pytest.mark.parametrize("element", QUADS)
def test_stiffness_of_rectangles_is_the_general_kernels(element, kinematics):
    """Sides from 1e-3 to 1e3 um, near the axis and far from it, an anisotropic stiffness turned in the plane."""
    mesh = grid([0.0, 1e-3, 2.0, 1e3], [0.0, 1e3, 1e3 + 0.5, 1e3 + 0.501], element)
    model = build(mesh, kinematics, material("OR1", angle=33.0), {})
    assert mesh.rectangular.all()
    cells = np.arange(len(mesh.cells))
    stiffness = model.moduli.at(cells, np.empty((1, mesh.info.nodes)))[:, 0]
    found = rectangle_stiffness(model.space, cells, stiffness)
    (_, wanted), *_ = element_stiffness(model.space, model.moduli)
    scale = np.abs(wanted).max(axis=(1, 2))
    wanted = wanted.reshape(len(cells), -1)
    picked = np.array([3, 0, 17])
    close(rectangle_stiffness(model.space, cells, stiffness, picked), found[:, picked], 1e-14)
    # a side of 1e-3 at 1e3 is known to 1e-10 of its length
    assert np.all(np.abs(found - wanted).max(axis=1) < 1e-8 * scale)
    plain_sides = np.ptp(mesh.points[mesh.cells][:, :, 1], axis=1) > 0.1
    assert np.all(np.abs(found - wanted).max(axis=1)[plain_sides] < 1e-12 * scale[plain_sides])


@pytest.mark.parametrize("kinematics", [AXI, STRAIN, STRESS], ids=lambda k: k.name)
@pytest.mark.parametrize("element", QUADS)
def test_forces_of_rectangles_are_the_general_kernels(element, kinematics):
    """Of the stress of a rough displacement in two materials that are cooled, one of them anisotropic and turned."""
    mesh = plain(element)
    model = build(mesh, kinematics, {"a": material("Cu"), "b": material("OR1", angle=33.0)}, {}, -75.0)
    unknowns = np.random.default_rng(2).normal(size=model.ndof)
    cells, middle = np.arange(len(mesh.cells)), np.empty((1, mesh.info.nodes))
    stiffness, free = model.moduli.at(cells, middle)[:, 0], model.free_strain_at(cells, middle)[:, 0]
    found = rectangle_internal(model.space, cells, unknowns, stiffness, free)
    assert mesh.rectangular.all()
    points, weights = gauss_points(element, mesh.info.full)
    at = sample(model.space, np.arange(len(mesh.cells)), points)
    wanted = at.pull(ElasticField(model, unknowns).stress(at) * (at.volume * weights)[..., None])
    close(found, wanted, 1e-12)
    whole = np.zeros(model.ndof)
    np.add.at(whole, model.space.element_dofs(slice(None)), wanted)
    close(internal_force(ElasticField(model, unknowns)), whole, 1e-12)


def test_what_is_no_rectangle():
    """A sheared cell, a middle off the middle, a cell numbered from another corner: each is left to the general
    kernel.
    """
    mesh = plain("quad9")
    assert mesh.rectangular.all()
    points = mesh.points.copy()
    points[mesh.cells[0, 2]] += [1e-6, 0.0]  # a corner shared by four cells
    touched = np.any(mesh.cells == mesh.cells[0, 2], axis=1)
    assert np.array_equal(replace(mesh, points=points).rectangular, ~touched)
    points = mesh.points.copy()
    points[mesh.cells[3, 8]] += [0.0, 1e-6]
    assert np.flatnonzero(~replace(mesh, points=points).rectangular).tolist() == [3]
    turned = mesh.cells.copy()
    turned[2] = turned[2][[1, 2, 3, 0, 5, 6, 7, 4, 8]]
    turned = replace(mesh, cells=turned)
    assert np.flatnonzero(~turned.rectangular).tolist() == [2]
    check(modelled(turned))
    for element in ("tri3", "tri6"):
        assert not plain(element).rectangular.any()


def test_a_stock_serves_moved_points_and_takes_no_factor_in_use(monkeypatch):
    """Systems of one family share pattern and analysis, each with its own numbers; a factor somebody holds stays."""
    pytest.importorskip("pypardiso")
    made = []
    monkeypatch.setattr(femsim.solvers.stock, "make_pattern", lambda space: made.append(1) or make_pattern(space))
    stock = Stock()
    models = [modelled(plain("quad9"))]
    for stretch in (1.3, 0.7):
        mesh = models[0].mesh
        models.append(modelled(replace(mesh, points=mesh.points * [1.0, stretch])))
    rhs = np.linspace(-1.0, 1.0, models[0].constraints.count)
    kept = []
    for model in models:
        with_stock = stock.factor(make_system(model.space, model.moduli, stock.pattern(model.space)), "pardiso")
        kept.append((with_stock, SystemFactor.of(make_system(model.space, model.moduli)).solve(rhs)))
    for factor, expected in kept:
        close(factor.solve(rhs), expected, 1e-10)
    assert len(made) == 1
    assert len({id(factor.factor) for factor, _ in kept}) == 3
    solver = kept.pop(1)[0].factor
    del factor, with_stock
    again = stock.factor(make_system(models[1].space, models[1].moduli, stock.pattern(models[1].space)), "pardiso")
    assert again.factor is solver, "nobody held it any more"
    other = modelled(plain("quad9"), constraints="clamped")
    assert stock.pattern(other.space).numbering.blocks != stock.pattern(models[0].space).numbering.blocks
