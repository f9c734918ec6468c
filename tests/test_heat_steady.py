"""Steady heat conduction through case files against exact solutions (Carslaw & Jaeger 1959; Yovanovich, Muzychka,
Culham 1999; NAFEMS T4), each to the tolerance stated with it.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from heatcases import AXI, PLANE, REFERENCES, at_probes, case_of, condition, matter, solved, tube
from patches import Patch, graded, join
from spheres import sphere_mesh

from femsim.meshes.write import write_mesh

A = REFERENCES["A"]


def layered(name, place):
    """Blocks of a slab or cylinder along its coordinate, boundary conditions, sources, contacts and probes."""
    inputs, layers = A[name]["inputs"], A[name]["result"]["layers"]
    faces = inputs["faces_um"]
    contacts = [
        {"between": [f"l{k}", f"l{k + 1}"], "resistance": 1e6 * r}
        for k, r in enumerate(inputs["contact_resistance_m2K_per_W"])
        if r
    ]
    sources = [{"region": f"l{k}", "density": q} for k, q in enumerate(inputs["power_density_W_per_m3"]) if q]
    boundaries = condition(inputs["first_face"], place(faces[0])) + condition(inputs["last_face"], place(faces[-1]))
    heat = {"source": sources, "boundary": boundaries, "contact": contacts}
    points = [(x, f"l{entry['layer']}") for entry in layers for x in entry["at_um"]]
    wanted = np.array([t for entry in layers for t in entry["T"]])
    return inputs, heat, points, wanted


def close(found, wanted, relative, scale=None):
    span = np.ptp(wanted) if scale is None else scale
    assert np.abs(np.asarray(found) - wanted).max() <= relative * span


@pytest.mark.parametrize("name", ["slab-3layer-flux", "slab-generation-fixed"])
def test_slabs(name):
    inputs, heat, points, wanted = layered(name, lambda x: {"z": -x})
    faces = inputs["faces_um"]
    blocks = [(f"l{k}", (0.0, 100.0), (-b, -a), matter(inputs["k"][k])) for k, (a, b) in enumerate(pairwise(faces))]
    probes = [((0.0, -x), {"region": region}) for x, region in points]
    document = solved(case_of(blocks, heat, AXI, probes))
    close(at_probes(document), wanted, 1e-6)
    out = A[name]["result"]["heat_out_at_last_W_per_m2"] * np.pi * 1e-8
    assert document["heat"]["boundaries"][f"z = {-faces[-1]:g}"] == pytest.approx(out, rel=1e-6)
    assert document["heat"]["balance"] < 1e-10
    if inputs["first_face"] is not None:  # the same as power on the line
        heat["source"] = [{"name": "die", "z": 0.0, "power": inputs["power_W"]}]
        heat["boundary"] = heat["boundary"][1:]
        die = solved(case_of(blocks, heat, AXI, probes))
        close(at_probes(die), wanted, 1e-6)
        resistance = A[name]["result"]["R_th_m2K_per_W"] / (np.pi * 1e-8)
        assert die["heat"]["sources"]["die"]["R_mean"] == pytest.approx(resistance, rel=1e-6)


@pytest.mark.parametrize("name", ["cylinder-core-power-contact", "cylinder-hollow-T-T"])
def test_cylinders(name):
    inputs, heat, points, wanted = layered(name, lambda r: {"r": r})
    faces = inputs["faces_um"]
    blocks = [(f"l{k}", (a, b), (0.0, 5.0), matter(inputs["k"][k])) for k, (a, b) in enumerate(pairwise(faces))]
    probes = [((r, 2.0), {"region": region}) for r, region in points]
    document = solved(case_of(blocks, heat, AXI, probes, size=0.4))
    close(at_probes(document), wanted, 1e-5)
    out = A[name]["result"]["heat_out_at_last_W_per_m"] * 5e-6
    assert document["heat"]["boundaries"][f"r = {faces[-1]:g}"] == pytest.approx(out, rel=1e-6)


@pytest.mark.parametrize("name", ["sphere-power", "sphere-hollow-3layer"])
def test_spheres(name, tmp_path):
    inputs, heat, points, wanted = layered(
        name, lambda r: {"on": "outer" if r == A[name]["inputs"]["faces_um"][-1] else "inner"}
    )
    faces = inputs["faces_um"]
    mesh = sphere_mesh(faces[1:], 12, "quad9", faces[0])
    write_mesh(tmp_path / "sphere.msh", mesh)
    rename = {f"l{k}": f"layer{k}" for k in range(len(inputs["k"]))}
    for source in heat["source"]:
        source["region"] = rename[source["region"]]
    for contact in heat["contact"]:
        contact["between"] = [rename[region] for region in contact["between"]]
    data = {
        "stack": "mesh",
        "mesh": {"file": "sphere.msh"},
        "materials": {f"layer{k}": matter(value) for k, value in enumerate(inputs["k"])},
        "heat": heat,
        "probe": [{"name": f"{i}", "at": [0.0, r], "region": rename[region]} for i, (r, region) in enumerate(points)],
    }
    document = solved(data, tmp_path)
    close(at_probes(document), wanted, 1e-5)
    assert document["heat"]["boundaries"]["outer"] == pytest.approx(
        A[name]["result"]["heat_out_at_last_W"] / 2, rel=1e-6
    )


@pytest.mark.parametrize("name", ["nafems-T4", "fin-plane-tip-convection"])
def test_plane_fins(name):
    inputs, result = A[name]["inputs"], A[name]["result"]
    t, length = inputs["half_thickness_or_radius_um"], inputs["length_um"]
    ambient = inputs["T_ambient"]
    heat = {
        "ambient": ambient,
        "boundary": [
            {"name": "base", "y": 0.0, "temperature": inputs["T_base"]},
            {"x": t, "h": inputs["h_side"]},
            {"y": length, "h": inputs["h_tip"]},
        ],
    }
    probes = [((across, along), {}) for along, across in result["points_x_along_y_across_um"]]
    document = solved(
        case_of(
            [("fin", (0.0, t), (0.0, length), matter(52.0 if name == "nafems-T4" else 160.0))],
            heat,
            PLANE,
            probes,
        )
    )
    close(at_probes(document), np.array(result["T"]), 1e-5, inputs["T_base"] - ambient)
    assert document["heat"]["boundaries"]["base"] == pytest.approx(-result["heat_W_per_m"] / 2 * 1e-6, rel=1e-4)


def test_annular_fin():
    inputs, result = A["annular-fin"]["inputs"], A["annular-fin"]["result"]
    half = inputs["half_thickness_um"]
    heat = {
        "ambient": inputs["T_ambient"],
        "boundary": [
            {"name": "base", "r": inputs["r_inner_um"], "temperature": inputs["T_base"]},
            {"z": half, "h": inputs["h_face"]},
        ],
    }
    block = ("fin", (inputs["r_inner_um"], inputs["r_outer_um"]), (0.0, half), matter(inputs["k"]))
    document = solved(case_of([block], heat, AXI, [(at, {}) for at in result["points_um"]], size=2.0))
    close(at_probes(document), np.array(result["T"]), 1e-5, 100.0)
    assert document["heat"]["boundaries"]["base"] == pytest.approx(-result["heat_W"] / 2, rel=1e-4)


TUBES = ["flux-tube-isotropic", "flux-tube-finite-convection", "flux-tube-two-layer", "flux-tube-orthotropic"]


@pytest.mark.parametrize("name", TUBES)
def test_flux_tubes(name):
    inputs, result = A[name]["inputs"], A[name]["result"]
    source = {"name": "die", "z": 0.0, "r": [0.0, inputs["source_um"]], "power": inputs["power"]}
    document = solved(tube(inputs, [source], extra_probes=result["T_top_points_um"]))
    die = document["heat"]["sources"]["die"]
    assert die["R_mean"] == pytest.approx(result["R_th_mean_K_per_W"], rel=1e-5)
    assert die["R_max"] == pytest.approx(result["R_th_max_K_per_W"], rel=1e-4)
    close(at_probes(document), np.array(result["T_top"]), 1e-4)


def test_flux_channel():
    inputs, result = A["flux-channel-strip"]["inputs"], A["flux-channel-strip"]["result"]
    source = {"name": "die", "y": 0.0, "x": inputs["source_um"], "power": inputs["power"] * 1e-6}
    document = solved(tube(inputs, [source], PLANE, result["T_top_points_um"]))
    die = document["heat"]["sources"]["die"]
    assert die["R_mean"] == pytest.approx(result["R_th_mean_mK_per_W"], rel=1e-5)
    assert die["R_max"] == pytest.approx(result["R_th_max_mK_per_W"], rel=1e-4)
    close(at_probes(document), np.array(result["T_top"]), 1e-4)


def test_two_sources():
    inputs, result = A["two-sources-matrix"]["inputs"], A["two-sources-matrix"]["result"]
    powers = np.array(inputs["powers_W_per_m"])

    def rise(power):
        sources = [
            {"name": f"s{k}", "y": 0.0, "x": span, "power": p * 1e-6}
            for k, (span, p) in enumerate(zip(inputs["sources_um"], power, strict=True))
        ]
        heat = solved(tube(inputs, sources, PLANE))["heat"]
        return np.array([one["T_mean"] for one in heat["sources"].values()]) - inputs["T_ambient"]

    matrix = np.column_stack([rise(row) for row in np.diag(powers)]) / powers
    assert matrix == pytest.approx(np.array(result["R_matrix_mK_per_W"]), rel=1e-5)
    assert abs(matrix[0, 1] / matrix[1, 0] - 1.0) < 1e-9
    assert rise(powers) + inputs["T_ambient"] == pytest.approx(result["mean_T"], rel=1e-5)


def test_nafems_cylinder_with_flux_on_its_bore():
    inputs, result = A["nafems-cylinder-flux"]["inputs"], A["nafems-cylinder-flux"]["result"]
    r, top, wall = inputs["r_inner_um"], inputs["height_um"], inputs["T_wall"]
    heat = {
        "ambient": wall,
        "boundary": [
            {"r": r, "z": inputs["flux_z_um"], "flux": inputs["flux_W_per_m2"]},
            *({**place, "temperature": wall} for place in ({"r": inputs["r_outer_um"]}, {"z": 0.0}, {"z": top})),
        ],
    }
    block = ("steel", (r, inputs["r_outer_um"]), (0.0, top), matter(inputs["k"]))
    document = solved(case_of([block], heat, AXI, [(at, {}) for at in result["points_r_z_um"]]))
    close(at_probes(document), np.array(result["T"]), 1e-4, result["T"][1])
    out = document["heat"]["boundaries"]
    assert sum(out.values()) == pytest.approx(0.0, abs=1e-9)
    assert min(out.values()) == pytest.approx(-inputs["power_W"], rel=1e-9)


def test_rotated_orthotropic_patch(tmp_path):
    """A linear field is exact on a mesh of curved cells too, and each side gives off its share."""
    inputs, result = A["orthotropic-rotated-patch"]["inputs"], A["orthotropic-rotated-patch"]["result"]
    size, (gx, gy) = inputs["size_um"], 1e-6 * np.array(inputs["gradient_K_per_m"])
    k1, k2 = inputs["k_principal"]

    def bent(a, b):
        bump = 0.08 * np.sin(np.pi * a) * np.sin(np.pi * b)
        return size * (a + bump), size * (b - bump)

    near = 1e-9 * size
    lines = {
        "left": lambda x, y: x < near,
        "right": lambda x, y: x > size - near,
        "bottom": lambda x, y: y < near,
        "top": lambda x, y: y > size - near,
    }
    mesh = join([Patch(bent, graded(4, 1), graded(5, 1), "body")], "quad9", lines)
    write_mesh(tmp_path / "square.msh", mesh, {"linear": 50.0 + mesh.points @ np.array([gx, gy])})
    angle = inputs["angle_deg_of_axis_1_from_x"]
    data = {
        "stack": "mesh",
        "mesh": {"file": "square.msh"},
        "model": {"kinematics": PLANE},
        "materials": {"body": {"conductivity": [k1, k2, k2], "angle": angle}},
        "heat": {"boundary": [{"on": name, "temperature": {"point_data": "linear"}} for name in lines]},
        "probe": [{"name": "middle", "at": [37.0, 61.0]}],
    }
    document = solved(data, tmp_path)
    assert at_probes(document)[0] == pytest.approx(50.0 + 37.0 * gx + 61.0 * gy, rel=1e-10)
    out = np.array([document["heat"]["boundaries"][name] for name in ("right", "top", "left", "bottom")])
    wanted = [*result["heat_out_per_m_of_depth_right_and_top_W"], *result["heat_out_left_and_bottom"]]
    assert out * 1e6 == pytest.approx(np.array(wanted), rel=1e-10)


def table(k, low, high, count=400):
    t = np.linspace(low, high, count)
    return {"T": t.tolist(), "value": k(t).tolist()}


def test_conductivity_linear_in_temperature():
    """Newton's method on Kirchhoff's exact solution; a table is linear, so two entries hold k(T)."""
    inputs, result = A["kT-linear-slab"]["inputs"], A["kT-linear-slab"]["result"]
    k = table(lambda t: inputs["k0"] * (1 + inputs["b"] * (t - inputs["Tr"])), 0.0, 200.0, 2)
    heat = {
        "boundary": [
            {"z": 0.0, "temperature": inputs["T_top"]},
            {"name": "foot", "z": -300.0, "temperature": inputs["T_bottom"]},
        ]
    }
    probes = [((0.0, -x), {}) for x in result["depth_um"]]
    document = solved(case_of([("slab", (0.0, 10.0), (-300.0, 0.0), matter(k))], heat, AXI, probes, size=6.0))
    close(at_probes(document), np.array(result["T"]), 1e-6, 160.0)
    assert document["heat"]["boundaries"]["foot"] == pytest.approx(result["flux_W_per_m2"] * np.pi * 1e-10, rel=1e-6)
    assert document["heat"]["newton_steps"] <= 6


@pytest.mark.parametrize("k", [20.0, 1.0])
def test_a_film_that_carries_less_the_hotter_it_is(k):
    """Past its peak (as boiling does) such a film has a negative derivative, and Newton's matrix with it no definite
    one; the far branch is found, and carries the power.
    """
    heat = {
        "ambient": 50.0,
        "source": [{"name": "spot", "z": 200.0, "r": [0.0, 30.0], "density": 6e7}],
        "boundary": [{"name": "foot", "z": 0.0, "h": {"T": [0.0, 200.0], "value": [8e4, 5e3]}}],
    }
    document = solved(case_of([("a", (0.0, 100.0), (0.0, 200.0), matter(k))], heat, AXI, size=20.0))
    power = 6e7 * np.pi * 30e-6**2
    assert document["heat"]["boundaries"]["foot"] == pytest.approx(power, rel=1e-8)
    assert document["heat"]["T_min"] > 200.0  # all of the film beyond its peak


def silicon(k0, reference, n, low, high):
    return table(lambda t: k0 * ((t + 273.15) / reference) ** -n, low, high, 800)


def test_silicon_die_on_a_bond_line():
    inputs, result = A["kT-silicon-die"]["inputs"], A["kT-silicon-die"]["result"]
    die, tim, radius = inputs["die_um"], inputs["tim_um"], inputs["column_radius_um"]
    blocks = [
        ("die", (0.0, radius), (-die, 0.0), matter(silicon(inputs["k300"], 300.0, inputs["n"], 20.0, 300.0))),
        ("tim", (0.0, radius), (-die - tim, -die), matter(inputs["tim_k"])),
    ]
    heat = {
        "source": [{"name": "active", "z": 0.0, "power": inputs["power_W"]}],
        "boundary": [{"z": -die - tim, "h": inputs["h_bottom"]}],
    }
    probes = [
        ((0.0, z), {"region": region})
        for z, region in ((0.0, "die"), (-die / 2, "die"), (-die, "tim"), (-die - tim, "tim"))
    ]
    document = solved(case_of(blocks, heat, AXI, probes, size=20.0))
    wanted = np.array([result[key] for key in ("T_junction", "T_die_middle", "T_die_bottom", "T_bottom")])
    close(at_probes(document), wanted, 1e-6, wanted[0] - inputs["T_ambient"])
    assert document["heat"]["sources"]["active"]["R_max"] == pytest.approx(result["R_th_K_per_W"], rel=1e-6)


def test_silicon_flux_tube():
    inputs, result = A["kT-flux-tube-silicon"]["inputs"], A["kT-flux-tube-silicon"]["result"]
    bottom = inputs["T_bottom"]
    k = silicon(inputs["k0"], bottom + 273.15, inputs["n"], 20.0, 300.0)
    block = ("si", (0.0, inputs["cell_um"]), (-inputs["thickness_um"], 0.0), matter(k))
    heat = {
        "ambient": bottom,
        "source": [{"name": "die", "z": 0.0, "r": [0.0, inputs["source_um"]], "power": inputs["power"]}],
        "boundary": [{"z": -inputs["thickness_um"], "temperature": bottom}],
    }
    document = solved(case_of([block], heat, AXI, [((x, 0.0), {}) for x in result["x_um"]]))
    close(at_probes(document), np.array(result["T_top"]), 1e-4, result["T_top"][0] - bottom)
    assert document["heat"]["sources"]["die"]["R_max"] == pytest.approx(result["R_th_max"], rel=1e-4)


def test_heat_sink_terminal():
    """A chip on a narrower terminal: the corner where they meet is singular, and the mesh is graded to it unasked."""
    inputs, result = A["heat-sink-terminal"]["inputs"], A["heat-sink-terminal"]["result"]
    chip, terminal = inputs["chip_um"], inputs["terminal_um"]
    blocks = [
        ("chip", (0.0, inputs["chip_radius_um"]), (0.0, chip), matter(inputs["chip_k"])),
        ("terminal", (0.0, inputs["terminal_radius_um"]), (-terminal, 0.0), matter(inputs["terminal_k"])),
    ]
    reference = inputs["T_reference"]
    heat = {
        "ambient": reference,
        "source": [{"name": "chip", "z": chip, "power": inputs["power_W"]}],
        "boundary": [{"z": -terminal, "temperature": reference}],
    }
    document = solved(case_of(blocks, heat, AXI, [((0.0, chip), {})]))
    one = document["heat"]["sources"]["chip"]
    assert one["R_mean"] == pytest.approx(result["R_th_mean_K_per_W"], rel=1e-5)
    assert one["R_max"] == pytest.approx(result["R_th_edge_max_K_per_W"], rel=1e-5)
    assert (at_probes(document)[0] - reference) / inputs["power_W"] == pytest.approx(
        result["R_th_centre_K_per_W"], rel=1e-5
    )
