"""Intensities from finite element fields against fields that are known, slopes of the fields, agreement."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers import constrained

from femsim.cases.stacks.bilayer import BilayerCase
from femsim.materials.elastic import Material
from femsim.materials.property import Property
from femsim.measures.corner.corner import corner_at
from femsim.measures.corner.intensity import FieldSampler, corner_field
from femsim.measures.singularity import exponents, regular_term
from femsim.measures.stress import stress_at_points
from femsim.meshes.elements import gauss_points
from femsim.meshes.grid import tensor_mesh
from femsim.models.fields import ElasticField
from femsim.models.kinematics import PLANE_STRAIN
from femsim.models.model import Model, model_of
from femsim.models.space import Constraints
from femsim.runs.results import results_dict
from femsim.runs.run import run
from femsim.solvers.solve import solve


def material(name, young, nu, cte):
    return Material(
        name=name,
        youngs_modulus=(Property((young,)),),
        poisson_ratio=(Property((nu,)),),
        shear_modulus=(),
        cte=(Property((cte,)),),
    )


SOLIDS = {
    "chip": material("chip", 169e3, 0.28, 2.6e-6),
    "low": material("low", 2.5e3, 0.34, 35e-6),
    "post": material("post", 120e3, 0.34, 17e-6),
}


def root_model(cells=9, ratio=0.5, temperature=25.0):
    """The foot of a post in plane strain on [-10, 10]^2, all outer nodes to be prescribed."""
    half = 10.0 * ratio ** np.arange(cells)[::-1]
    line = np.concatenate([-half[::-1], [0.0], half])
    middle = 0.5 * (line[1:] + line[:-1])
    region = np.where(middle[:, None] < 0, 0, np.where(middle[None, :] < 0, 2, 1)) * np.ones(
        (len(middle), len(middle)), dtype=int
    )
    mesh = tensor_mesh(line, line, region, ("chip", "low", "post"))
    constraints = Constraints.build(2 * len(mesh.points))
    return model_of(mesh, PLANE_STRAIN, SOLIDS, temperature, 150.0, constraints)


def with_field(model, corner, terms, regular):
    """Prescribe a known expansion on the outer nodes and solve."""
    points = model.mesh.points
    outer = np.flatnonzero(np.abs(points).max(axis=1) > 10 - 1e-9)
    value = {}
    for node in outer:
        r, theta = np.hypot(*points[node]), np.degrees(np.arctan2(points[node, 1], points[node, 0]))
        k = corner.junction.wedge_at(theta)
        u = sum(np.real(a * r**e.exponent * e.displacement(theta, k, "cartesian")[0]) for a, e in terms)
        if regular is not None:
            u = u + regular.displacement(r, theta, k)[0]
        value |= {2 * int(node): float(u[0]), 2 * int(node) + 1: float(u[1])}
    constraints, prescribed = constrained(model.ndof, value)
    space = replace(model.space, constraints=constraints)
    return Model(space, model.materials, model.load.changed(prescribed=prescribed))


@pytest.mark.parametrize("thermal", [False, True])
def test_known_intensities_come_back(thermal):
    model = root_model(temperature=25.0 if thermal else 150.0)
    corner = corner_at(model, (0.0, 0.0), "root")
    modes = exponents(corner.junction, re_max=1.3)
    given = [120.0, -45.0, 7.0][: len(modes)]
    regular = regular_term(corner.junction) if thermal else None
    solution = solve(with_field(model, corner, list(zip(given, modes, strict=False)), regular))
    field = corner_field(solution, corner)
    for k, value in enumerate(given[:2]):
        assert field.expansion.intensities[k].real == pytest.approx(value, rel=3e-3)
    # beyond the elements at the corner the expansion is the field
    assert field.agreement.high > 3.0
    assert field.agreement.low < 1.0


def test_slope_of_the_field_is_the_exponent():
    """Stress on a ray between the mesh and the reach, a pure leading term: log-log slope within 0.02 of lambda - 1."""
    model = root_model(cells=14, ratio=0.55, temperature=150.0)
    corner = corner_at(model, (0.0, 0.0))
    lead = exponents(corner.junction)[0]
    solution = solve(with_field(model, corner, [(100.0, lead)], None))
    sampler = FieldSampler(solution.field, corner, 10.0)
    radii = np.geomspace(0.1, 5.0, 12)
    values = np.array([np.linalg.norm(sampler(r, np.array([120.0]), corner.wedge_of("post"))[1]) for r in radii])
    slope = np.polyfit(np.log(radii), np.log(values), 1)[0]
    assert slope == pytest.approx(lead.stress_exponent.real, abs=0.02)


def test_sampler_keeps_the_sides_of_an_interface_apart():
    model = root_model(temperature=25.0)
    corner = corner_at(model, (0.0, 0.0))
    modes = exponents(corner.junction)
    solution = solve(with_field(model, corner, [(50.0, modes[0])], regular_term(corner.junction)))
    sampler = FieldSampler(solution.field, corner, 10.0)
    post, chip = corner.wedge_of("post"), corner.wedge_of("chip")
    above, below = sampler(2.0, np.array([180.0]), post)[1][0], sampler(2.0, np.array([180.0]), chip)[1][0]
    assert above[1:] == pytest.approx(below[1:], rel=0.02)  # the traction is continuous
    assert abs(above[0] - below[0]) > 20.0  # the stress along the interface is not


def bilayer(size, growth, **more):
    materials = {
        "post": {"E": 120.0, "nu": 0.34, "cte": 17.0},
        "low": {"E": 2.5, "nu": 0.34, "cte": 35.0},
        "high": {"E": 15.0, "nu": 0.30, "cte": 10.0},
        "chip": {"E": 169.0, "nu": 0.28, "cte": 2.6},
    }
    return run(
        BilayerCase.model_validate(
            {"stack": "bilayer", "materials": materials, "mesh": {"size": size, "growth": growth}, **more}
        )
    )


@pytest.fixture(scope="module")
def reference():
    return bilayer(0.01, 1.4, metrics={"length": [5.0, 1.0, 0.3]})


def test_the_json_names_exponent_intensity_and_unit(reference):
    entries = results_dict(reference)["metrics"]["roots"]["post_root"]
    assert len(entries) == 3
    for entry in entries:
        lead = entry["singularity"][0]
        assert lead["exponent"] == pytest.approx(-0.4213, abs=1e-4)
        assert lead["unit"] == "MPa um^0.4213"
        assert lead["intensity"] > 100.0
        assert abs(lead["intensity_error"]) < 0.01 * lead["intensity"]


def test_averages_of_expansion_and_field_agree_where_said(reference):
    """Short averages follow from the expansion; for lengths beyond the agreement it is not claimed."""
    entries = {entry["length"]: entry for entry in results_dict(reference)["metrics"]["roots"]["post_root"]}
    expansion = entries[0.3]["expansion"]
    assert expansion["agrees_to"] > 0.5
    for key in ("peel", "shear"):
        assert expansion[key] == pytest.approx(entries[0.3][key], abs=0.01 * entries[0.3]["von_mises"])
    assert abs(entries[5.0]["expansion"]["peel"] - entries[5.0]["peel"]) > abs(expansion["peel"] - entries[0.3]["peel"])


def test_corner_hoop_strain_matters(reference):
    """Without the corner's hoop strain the expansion's own stress would miss the field's by far more."""
    solution = reference.solution
    corner = corner_at(solution.model, (50.0, 0.0))
    field = corner_field(solution, corner)
    sampler = FieldSampler(solution.field, corner, corner.reach)
    angles, k = np.array([240.0, 300.0]), corner.wedge_of("chip")
    _, found = sampler(0.3, angles, k)
    missing = regular_term(corner.junction, 0.0).stress(0.3, angles, k) - field.expansion.regular.stress(0.3, angles, k)
    miss = np.abs(found - field.expansion.stress(0.3, angles, k)).max()
    assert miss < 0.25 * np.abs(missing).max()


def test_stress_of_the_sampler_is_the_recovered_one(reference):
    """At superconvergent points the sampler returns the element's own stress."""
    model, unknowns = reference.solution.model, reference.solution.unknowns
    corner = corner_at(model, (50.0, 0.0))
    sampler = FieldSampler(ElasticField(model, unknowns), corner, 10.0)
    xi, _ = gauss_points(model.mesh.element, model.mesh.info.reduced)
    cell = int(sampler.near[np.flatnonzero(model.mesh.region[sampler.near] == model.mesh.regions.index("post"))[50]])
    from femsim.meshes.elements import shape

    place = shape(model.mesh.element, xi)[0] @ model.mesh.points[model.mesh.cells[cell]] - np.array(corner.at)
    _, found = sampler(np.hypot(*place.T), np.degrees(np.arctan2(place[:, 1], place[:, 0])), corner.wedge_of("post"))
    assert found == pytest.approx(stress_at_points(ElasticField(model, unknowns), xi)[cell][:, [0, 1, 3]], rel=1e-6)


def test_named_corners_of_a_case():
    """The cell wall, where the interface of chip and resin meets a plane of symmetry, is not singular; the post's top
    rim is.
    """
    solved = bilayer(0.02, 1.5, corner=[{"name": "wall", "at": [150.0, 0.0]}, {"name": "rim", "at": [50.0, 72.0]}])
    corners = results_dict(solved)["corners"]
    assert "singularity_note" not in corners["wall"], corners["wall"]
    assert corners["wall"]["boundary"] == ["roller", "roller"]
    assert corners["wall"]["singularity"] == []
    assert [w["region"] for w in corners["rim"]["wedges"]] == ["low", "high", "post"]
    assert all(-1 < term["exponent"] < 0 for term in corners["rim"]["singularity"])
    assert corners["rim"]["agrees_to"] > 0.1
