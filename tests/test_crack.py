"""Energy release rates against closed forms: homogeneous edge crack, interface crack, bimaterial strip, and each way
against the other.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from helpers import constrained

from femsim.base.errors import FemsimWarning, InputError
from femsim.cases.stacks.bilayer import BilayerCase
from femsim.materials.elastic import Material
from femsim.materials.property import Property
from femsim.measures.crack import crack_closure, domain_integral, interface_path, open_crack, release
from femsim.meshes.grid import tensor_mesh
from femsim.meshes.layout import Root
from femsim.models.kinematics import AXISYMMETRIC, PLANE_STRAIN
from femsim.models.loads import Traction
from femsim.models.model import Model, model_of
from femsim.models.space import Constraints, Space
from femsim.runs.results import crack_notes, crack_table, results_dict
from femsim.runs.run import run
from femsim.solvers.solve import solve


def material(name, young, nu, cte=0.0):
    return Material(
        name=name,
        youngs_modulus=(Property((young,)),),
        poisson_ratio=(Property((nu,)),),
        shear_modulus=(),
        cte=(Property((cte,)),),
    )


def graded(start, end, finest, at, growth=1.25):
    """Lines from start to end, geometric away from the points ``at``, which are lines themselves."""
    stops = sorted({start, end, *at})
    lines = [stops[0]]
    for a, b in pairwise(stops):
        left, right = a in at, b in at
        span = (b - a) / 2 if left and right else b - a
        steps = [finest]
        while sum(steps) < span:
            steps.append(steps[-1] * growth)
        offset = np.concatenate([[0.0], np.cumsum(steps)]) * span / sum(steps)
        rising, falling = a + offset, (b - offset)[::-1]
        both_ = np.concatenate([rising, falling[1:]])
        lines += (both_ if left and right else rising if left else falling)[1:].tolist()
    return np.array(lines)


def two_blocks(x, y, upper, lower, kinematics=PLANE_STRAIN, temperature=25.0, element="quad9"):
    region = np.where(0.5 * (y[1:] + y[:-1])[:, None] > 0, 1, 0) * np.ones((len(y) - 1, len(x) - 1), dtype=int)
    mesh = tensor_mesh(x, y, region, ("lower", "upper"), element)
    free = Constraints.build(2 * len(mesh.points))
    return model_of(mesh, kinematics, {"lower": lower, "upper": upper}, temperature, 25.0, free)


def on(points, axis, value):
    return np.flatnonzero(np.abs(points[:, axis] - value) < 1e-9)


def edge_nodes(mesh, axis, value):
    """Outer edges on a coordinate, body on the left."""
    from femsim.meshes.facets import edges_of

    edges = edges_of(mesh)
    at = (edges.cells[:, 1] < 0) & np.all(np.abs(mesh.points[edges.nodes][..., axis] - value) < 1e-9, axis=1)
    return edges.nodes[at]


def opened(model, start, count_to, into=1):
    """The interface y = 0 opened from x = start to x = count_to."""
    root = Root("r", (start, 0.0), "upper", (into, 1), 1e9, 1e9)
    path = interface_path(model.mesh, root)
    count = int(np.argmin(np.abs(model.mesh.points[path[:, 1], 0] - count_to))) + 1
    return open_crack(model.mesh, path, count)


def finish(model, crack, fixed=(), tractions=(), ties=()):
    ndof = 2 * len(crack.mesh.points)
    held = {int(2 * n + c): v for nodes, c, v in fixed for n in np.atleast_1d(nodes)}
    space, prescribed = constrained(ndof, held, ties)
    load = model.load.changed(prescribed=prescribed, tractions=tuple(tractions))
    return solve(Model(Space(crack.mesh, model.kinematics, space), model.materials, load))


def both(solution, crack, length):
    found = release(solution, crack, "r", length)
    assert found.spread < 0.01 * abs(found.domain)
    assert found.vcct == pytest.approx(found.domain, rel=0.01)
    return found


@pytest.mark.parametrize("element", ["quad8", "quad9"])
def test_homogeneous_edge_crack(element):
    """K = 1.1215 sigma sqrt(pi a) (Koiter 1965), G = K^2 (1 - nu^2) / E; a strip 60 times as wide as the crack is
    long.
    """
    a, width, height, sigma = 1.0, 60.0, 120.0, 10.0
    solid = material("m", 100e3, 0.3)
    model = two_blocks(
        graded(0.0, width, 0.01, [a]), graded(-height, height, 0.01, [0.0]), solid, solid, element=element
    )
    crack = opened(model, 0.0, a)
    mesh = crack.mesh
    top, bottom = edge_nodes(mesh, 1, height), edge_nodes(mesh, 1, -height)
    pull = [
        Traction(top, np.tile([0.0, sigma], (len(top), 1))),
        Traction(bottom, np.tile([0.0, -sigma], (len(bottom), 1))),
    ]
    corner = on(mesh.points, 0, width)
    right = corner[np.argsort(np.abs(mesh.points[corner, 1]))[:1]]
    low = corner[np.argmin(mesh.points[corner, 1])]
    solution = finish(model, crack, [(right, 1, 0.0), (right, 0, 0.0), (low, 0, 0.0)], pull)
    stress_intensity = 1.1215 * sigma * np.sqrt(np.pi * a)
    found = both(solution, crack, a)
    assert found.domain == pytest.approx(stress_intensity**2 * (1 - 0.3**2) / 100e3, rel=0.01)
    assert found.mode_1 == pytest.approx(found.vcct, rel=1e-3)
    assert found.mixity == pytest.approx(0.0, abs=0.5)
    assert found.intensity == pytest.approx((stress_intensity, 0.0), abs=0.01 * stress_intensity)
    assert found.opening >= 0.0
    assert not found.note


def test_interface_crack_between_half_planes():
    """Rice and Sih 1965: |K|^2 = (1 + 4 eps^2) sigma^2 pi a, G = |K|^2 / (E* cosh^2(pi eps)), for a crack of length 2
    a.

    The body is 50 half lengths wide; x = 0 is a plane of symmetry, and the lower body's lateral stress keeps the
    strains equal ahead.
    """
    a, size, sigma = 1.0, 50.0, 10.0
    (e1, n1), (e2, n2) = (10e3, 0.35), (170e3, 0.28)
    upper, lower = material("u", e1, n1), material("l", e2, n2)
    model = two_blocks(graded(0.0, size, 0.01, [a]), graded(-size, size, 0.01, [0.0]), upper, lower)
    crack = opened(model, 0.0, a)
    mesh = crack.mesh
    top, bottom, side = edge_nodes(mesh, 1, size), edge_nodes(mesh, 1, -size), edge_nodes(mesh, 0, size)
    # plane strain: e_xx = (1 - nu^2) / E s_xx - nu (1 + nu) / E s_yy, the same above and below, s_xx = 0 above
    strain = -n1 * (1 + n1) / e1 * sigma
    lateral = (strain + n2 * (1 + n2) / e2 * sigma) * e2 / (1 - n2**2)
    below = mesh.points[side].mean(axis=1)[:, 1] < 0
    pull = [
        Traction(top, np.tile([0.0, sigma], (len(top), 1))),
        Traction(bottom, np.tile([0.0, -sigma], (len(bottom), 1))),
        Traction(side[below], np.tile([lateral, 0.0], (int(below.sum()), 1))),
    ]
    held = on(mesh.points, 0, 0.0)
    low = on(mesh.points, 1, -size)
    foot = np.intersect1d(held, low)
    solution = finish(model, crack, [(held, 0, 0.0), (foot, 1, 0.0)], pull)
    m1, m2, k1, k2 = e1 / 2 / (1 + n1), e2 / 2 / (1 + n2), 3 - 4 * n1, 3 - 4 * n2
    beta = (m1 * (k2 - 1) - m2 * (k1 - 1)) / (m1 * (k2 + 1) + m2 * (k1 + 1))
    eps = np.log((1 - beta) / (1 + beta)) / 2 / np.pi
    star = 2 / ((1 - n1**2) / e1 + (1 - n2**2) / e2)
    expected = (1 + 4 * eps**2) * sigma**2 * np.pi * a / star / np.cosh(np.pi * eps) ** 2
    assert abs(eps) > 0.05  # else the case would not test oscillation
    found = both(solution, crack, a)
    assert found.domain == pytest.approx(expected, rel=0.01)
    assert found.mode_2 > 1e-4 * found.vcct
    # Rice 1988: K = sigma sqrt(pi a) (1 + 2 i eps) (2 a)^(-i eps), here as K r^(i eps) at r = a
    complex_k = sigma * np.sqrt(np.pi * a) * (1 + 2j * eps) * 2.0 ** (-1j * eps)
    assert complex(*found.intensity) == pytest.approx(complex_k, rel=0.01)
    assert found.mixity == pytest.approx(np.degrees(np.angle(complex_k)), abs=0.5)


def test_thermal_strip_in_steady_state():
    """A film that comes off a substrate under a change of temperature: G is the energy that the bonded strip stores per
    length.

    Plane strain, both layers free behind the tip (Suo and Hutchinson 1990 reduce it to the strip far ahead): composite
    beam with moduli E / (1 - nu^2) and free strains (1 + nu) cte dT.
    """
    h1, h2, half, dt = 1.0, 2.0, 40.0, -100.0
    (e1, n1, c1), (e2, n2, c2) = (60e3, 0.3, 20e-6), (150e3, 0.25, 4e-6)
    x = graded(0.0, 2 * half, 0.02, [half])
    y = graded(-h2, h1, 0.02, [0.0])
    model = two_blocks(x, y, material("f", e1, n1, c1), material("s", e2, n2, c2), temperature=25.0 + dt)
    crack = opened(model, 0.0, half)
    mesh = crack.mesh
    end = on(mesh.points, 0, 2 * half)
    middle = end[np.argmin(np.abs(mesh.points[end, 1]))]
    other = end[np.argmin(mesh.points[end, 1])]
    solution = finish(model, crack, [(middle, 0, 0.0), (middle, 1, 0.0), (other, 0, 0.0)])
    # energy per length of the bonded strip: minimum over (e0, kappa) of sum int (E'/2) (e0 + kappa y - e_free)^2 dy
    moduli, free = np.array([e1 / (1 - n1**2), e2 / (1 - n2**2)]), np.array([(1 + n1) * c1, (1 + n2) * c2]) * dt
    spans = [(0.0, h1), (-h2, 0.0)]
    matrix, right, constant = np.zeros((2, 2)), np.zeros(2), 0.0
    for modulus, strain, (low, high) in zip(moduli, free, spans, strict=True):
        moments = np.array([high - low, (high**2 - low**2) / 2, (high**3 - low**3) / 3])
        matrix += modulus * np.array([[moments[0], moments[1]], [moments[1], moments[2]]])
        right += modulus * strain * moments[:2]
        constant += modulus * strain**2 * moments[0]
    stored = 0.5 * (constant - right @ np.linalg.solve(matrix, right))
    found = both(solution, crack, half)
    assert found.domain == pytest.approx(stored, rel=0.01)


def test_axisymmetric_crack_is_the_energy_it_frees():
    """A ring crack grown by a little: the drop of the potential energy over the new area is G (the thermal strain and
    the hoop in it).
    """
    dt, sizes = -125.0, (4.0, 4.1, 4.2)
    energies, middle = [], None
    for a in sizes:
        x = graded(0.0, 20.0, 0.01, [10.0 - a, 10.0])
        y = graded(-10.0, 10.0, 0.01, [0.0])
        model = two_blocks(
            x, y, material("u", 120e3, 0.34, 17e-6), material("l", 169e3, 0.28, 2.6e-6), AXISYMMETRIC, 25.0 + dt
        )
        crack = opened(model, 10.0, 10.0 - a, into=-1)
        mesh = crack.mesh
        foot = np.intersect1d(on(mesh.points, 0, 0.0), on(mesh.points, 1, -10.0))
        solution = finish(model, crack, [(on(mesh.points, 0, 0.0), 0, 0.0), (foot, 1, 0.0)])
        energies.append(elastic_energy(solution))
        if a == sizes[1]:
            middle = both(solution, crack, a)
    freed = (energies[0] - energies[2]) / (np.pi * ((10 - sizes[0]) ** 2 - (10 - sizes[2]) ** 2))
    assert middle.domain == pytest.approx(freed, rel=0.01)


def elastic_energy(solution):
    from femsim.measures.averages import region_metrics

    return sum(r.energy for r in region_metrics(solution.field).values()) * 1e6


def test_thermal_gradient_enters_the_domain_integral():
    """Temperature that falls along the crack: both ways agree only with the term of the thermal strain's gradient."""
    x, y = graded(0.0, 20.0, 0.02, [8.0]), graded(-10.0, 10.0, 0.02, [0.0])
    model = two_blocks(x, y, material("u", 120e3, 0.34, 17e-6), material("l", 120e3, 0.34, 2.6e-6))
    crack = opened(model, 0.0, 8.0)
    mesh = crack.mesh
    field = 25.0 - 100.0 * np.exp(-mesh.points[:, 0] / 5.0)
    model = model.under(temperature=field)
    foot = int(np.argmin(np.linalg.norm(mesh.points - [20.0, -10.0], axis=1)))
    other = int(np.argmin(np.linalg.norm(mesh.points - [20.0, 10.0], axis=1)))
    solution = finish(model, crack, [(foot, 0, 0.0), (foot, 1, 0.0), (other, 0, 0.0)])
    one, two, _ = crack_closure(solution, crack)
    tip = mesh.points[crack.tip]
    found = domain_integral(solution, tip, np.array([1.0, 0.0]), 2.0, 1.0)
    assert found == pytest.approx(one + two, rel=0.01)


def test_copies_are_made_where_the_crack_parts_the_cells():
    line = np.linspace(0.0, 4.0, 5)
    model = two_blocks(line, np.array([-1.0, 0.0, 1.0]), material("u", 1e3, 0.3), material("l", 1e3, 0.3))
    path = interface_path(model.mesh, Root("r", (0.0, 0.0), "upper", (1, 1), 9.0, 9.0))
    crack = open_crack(model.mesh, path, 2)
    assert crack.left[-1] == crack.right[-1] == path[1, 1]
    assert np.all(crack.left[:-1] != crack.right[:-1])
    assert len(crack.mesh.points) == len(model.mesh.points) + 4  # two corners and two middles
    for side, sign in ((crack.left, 1), (crack.right, -1)):
        cells = np.flatnonzero(np.isin(crack.mesh.cells, side[:-1]).any(axis=1))
        assert np.all(sign * crack.mesh.points[crack.mesh.cells[cells]].mean(axis=1)[:, 1] > 0)


# cracks of a case


def bilayer(**more):
    materials = {
        "post": {"E": 120.0, "nu": 0.34, "cte": 17.0},
        "low": {"E": 2.5, "nu": 0.34, "cte": 50.0},
        "high": {"E": 15.0, "nu": 0.30, "cte": 10.0},
        "chip": {"E": 169.0, "nu": 0.28, "cte": 2.6},
    }
    return BilayerCase.model_validate(
        {"stack": "bilayer", "materials": materials, "mesh": {"size": 0.02, "growth": 1.4}, **more}
    )


def test_a_crack_at_the_foot_of_a_post():
    """Both ways agree, the mouth is bridged by the resin, and the JSON says so."""
    with pytest.warns(FemsimWarning, match="overlap"):  # cooled, the post presses on its foot
        done = run(bilayer(crack=[{"root": "post_root", "length": 2.0}, {"root": "post_root", "length": 4.0}]))
    short, long_ = done.cracks
    for found in (short, long_):
        assert found.domain > 0
        assert found.vcct == pytest.approx(found.domain, rel=0.01)
        assert found.spread < 0.01 * found.domain
        assert found.mixity is not None
    assert short.tip == pytest.approx((48.0, 0.0))
    entry = results_dict(done)["cracks"][0]
    assert entry["energy_release_rate"] == short.domain
    assert entry["root"] == "post_root"
    k = entry["stress_intensity"]
    assert np.degrees(np.arctan2(k["K_II"], k["K_I"])) == pytest.approx(entry["mode_mixity"])
    # G = (1 - beta^2) |K|^2 / E* at an interface (Malyshev and Salganik 1965)
    (e1, n1), (e2, n2) = (120e3, 0.34), (169e3, 0.28)
    m1, m2, k1, k2 = e1 / 2 / (1 + n1), e2 / 2 / (1 + n2), 3 - 4 * n1, 3 - 4 * n2
    beta = (m1 * (k2 - 1) - m2 * (k1 - 1)) / (m1 * (k2 + 1) + m2 * (k1 + 1))
    square = (1 - beta**2) * (k["K_I"] ** 2 + k["K_II"] ** 2) * 0.5 * ((1 - n1**2) / e1 + (1 - n2**2) / e2)
    assert square == pytest.approx(short.domain, rel=0.03)
    assert "faces overlap by up to" in entry["note"]
    table, notes = crack_table([entry]), crack_notes([entry])
    assert f"{short.domain:.4g}" in table[1][2]
    assert any("overlap" in line for line in notes)


def test_a_failed_mixity_leaves_the_energy_release_rate(monkeypatch):
    def fails(*_):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("femsim.measures.crack.corner_field", fails)
    with pytest.warns(FemsimWarning, match="overlap|no mode mixity"):
        done = run(bilayer(crack=[{"root": "post_root", "length": 2.0}]))
    assert any("no mode mixity: it failed (ZeroDivisionError" in text for text in done.warnings)
    entry = results_dict(done)["cracks"][0]
    assert entry["energy_release_rate"] > 0
    assert entry["mode_mixity"] is None
    assert "stress_intensity" not in entry


def test_a_failed_crack_keeps_its_place_and_the_rest(monkeypatch):
    def fails(*_):
        raise np.linalg.LinAlgError("SVD did not converge")

    monkeypatch.setattr("femsim.runs.cracks.release", fails)
    with pytest.warns(FemsimWarning, match=r"crack.0: no energy release rate .* SVD did not converge"):
        done = run(bilayer(crack=[{"root": "post_root", "length": 2.0}]))
    document = results_dict(done)
    assert "SVD did not converge" in document["cracks"][0]["note"]
    assert "energy_release_rate" not in document["cracks"][0]
    assert "failed" in crack_table(document["cracks"])[1]
    assert document["metrics"]["roots"]["post_root"][0]["peel"] is not None


def test_faults_of_a_crack_are_named():
    with pytest.raises(InputError, match=r"crack.0.root: no root 'post_rot' \(did you mean 'post_root'\?\)"):
        run(bilayer(crack=[{"root": "post_rot", "length": 2.0}]))
    with pytest.raises(InputError, match=r"crack.0.length: 60 is not < 50 um"):
        run(bilayer(crack=[{"root": "post_root", "length": 60.0}]))
