"""Bars, shafts, spheres and plates of the references for bodies in space and harmonics: torsion (Saint-Venant; Michell
1899), flexure with shear (Love), spheres sheared, the middle of a free plate, manufactured harmonics.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers import close, grid, isotropic, quietly
from solids import eighth_spheres
from test_harmonics import DATA, solved
from test_reference_solids import _uniform_traction, cases, held_at, material

from femsim.cases.casefile import parse_case
from femsim.meshes.elements import gauss_points
from femsim.meshes.extrude import Box, box_mesh, extrude
from femsim.meshes.grid import Grading
from femsim.meshes.plan import Circle, Plan, plan_mesh
from femsim.meshes.write import write_mesh
from femsim.models.assembly import body_force
from femsim.models.harmonics import across, harmonic
from femsim.models.model import model_of
from femsim.models.sampling import sample
from femsim.models.space import Constraints
from femsim.runs.results import results_dict
from femsim.runs.run import run
from femsim.solvers.solve import solve

# ---------------------------------------------------------------- H3: torsion


@pytest.mark.parametrize("name", ["square-bar-20", "elliptical-bar-20-12"])
def test_torsion_of_a_bar(name):
    """u_x = -psi y z, u_y = psi x z at both ends, free to warp: the warping and the torque of Saint-Venant."""
    case = cases("H3")[name]
    inputs, result = case["inputs"], case["result"]
    psi, shear, length = inputs["psi"], inputs["G"], 6.0
    if "side" in inputs:
        line = np.linspace(0.0, inputs["side"] / 2, 6)
        mesh = box_mesh([Box("bar", (0, 10), (0, 10), (0, length))], (line, line, np.array([0.0, length])), "hex27")
    else:
        disc = plan_mesh(Plan("circular", 1.0, (Circle("c", (0, 0), 0.5, False),), around=32), Grading(0.1, 1.4))
        mesh = extrude(disc, np.array([0.0, length]), np.zeros((1, len(disc.cells)), dtype=np.int64), ("bar",))
        mesh = replace(mesh, points=mesh.points * [*inputs["semi_axes"], 1.0])
    x, y, z = mesh.points.T
    ends = np.flatnonzero((z < 1e-9) | (z > length - 1e-9))
    # the warping is odd in x and in y: a quarter, whose planes stay where they turn to and do not move along z
    planes = np.flatnonzero((x < 1e-9) | (y < 1e-9))
    u = np.column_stack([-psi * y * z, psi * x * z, np.zeros(len(x))]).ravel()
    dofs = [
        3 * ends,
        3 * ends + 1,
        3 * planes + 2,
        3 * np.flatnonzero(x < 1e-9) + 1,
        3 * np.flatnonzero(y < 1e-9),
    ]
    model = held_at(mesh, np.unique(np.concatenate(dofs)), u, {"bar": isotropic(2.6 * shear, 0.3)})
    solution = solve(model)
    top = np.flatnonzero(z > length - 1e-9)
    force = solution.reaction.reshape(-1, 3)[top]
    torque = 4 * abs(np.sum(x[top] * force[:, 1] - y[top] * force[:, 0]))
    assert torque == pytest.approx(result["torque"], rel=1e-4)
    warping = solution.displacement[:, 2]
    if "c" in result:
        exact = result["c"] * x * y
        close(warping, exact, 2e-4, scale=np.abs(exact).max())
    else:
        for point in result["warping"]:
            near = np.linalg.norm(mesh.points[:, :2] - point["at"], axis=1)
            assert np.any(near < 1e-9)
            assert warping[near < 1e-9] == pytest.approx(point["u_z"], rel=5e-4)


def test_twist_of_a_stepped_shaft():
    """The stiffness lies between the bounds of displacements and of stress functions (Michell 1899), by 1e-4."""
    case = DATA["stepped"]
    r1, l1, r2, l2, shear = case["inputs"].values()
    stuff = {"E": 2.6 * shear / 1e3, "nu": 0.3, "cte": 0.0}
    blocks = [
        {"name": "thick", "r": [0, r1], "z": [0, l1], "material": stuff},
        {"name": "thin", "r": [0, r2], "z": [l1, l1 + l2], "material": stuff},
    ]
    entries = [{"twist": 0.0, "z": 0.0}, {"twist": 1e-3, "z": l1 + l2, "name": "head"}]
    found = solved(
        blocks,
        entries,
        mesh={"size": 0.002, "growth": 1.5},
        root=[{"name": "step", "at": [r2, l1], "region": "thin"}],
        metrics={"length": 1.0},
    )
    per_radian = found["reactions"]["head"]["mz"] * 1e6 / 1e-3
    assert per_radian == pytest.approx(case["result"]["torque_per_rad"], rel=1e-4)
    # of displacements: from above, by no less than the lower bound
    assert per_radian > case["result"]["bounds"][0]


# ---------------------------------------------------------------- H4: flexure with shear


def flexure(inputs, r, z):
    """Amplitudes (u_r, u_t, u_z) of the cantilever (Love, arts. 229 to 232), one material."""
    nu, length, a, b = inputs["nu"], inputs["L"], inputs["bore"], inputs["outer_radii"][0]
    c = inputs["P"] / (inputs["E"][0] * np.pi / 4 * (b**4 - a**4))
    w = length * z**2 / 2 - z**3 / 6
    ratio = 0.75 + nu / 2
    big, small = ratio * (a**2 + b**2 if a else b**2), ratio * a**2 * b**2
    f = big * r + (small / r if a else 0.0) - r**3 / 4
    side = nu * (length - z) * r**2 / 2
    return np.column_stack([c * (side + w), c * (side - w), c * (f - r * (length * z - z**2 / 2))])


@pytest.mark.parametrize("case", DATA["flexure"], ids=lambda case: case["id"])
def test_flexure_with_shear(case, tmp_path):
    """The exact cubic field from its ends' displacements; the head carries P."""
    inputs = case["inputs"]
    bore, outer, length = inputs["bore"], inputs["outer_radii"][0], inputs["L"]
    mesh = grid(np.linspace(bore, outer, 9), np.linspace(0.0, length, 17))
    names = ("u_r", "u_t", "u_z")
    exact = flexure(inputs, *mesh.points.T)
    file = tmp_path / "cantilever.vtu"
    write_mesh(file, mesh, {name: exact[:, k] for k, name in enumerate(names)})
    given = {name: {"point_data": name} for name in names}
    points = case["result"]["points"]
    data = {
        "stack": "mesh",
        "mesh": {"file": str(file)},
        "materials": {"a": {"E": inputs["E"][0] / 1e3, "nu": inputs["nu"], "cte": 0.0}},
        "boundary": [{"z": 0.0, "u_z": 0.0}],
        "harmonic": [{"n": 1, "z": 0.0, **given}, {"n": 1, "z": length, "name": "head", **given}],
        "load": {"stress_free_temperature": 20, "temperature": 20},
        "probe": [{"name": f"p{k}", "at": [p["r"], p["z"]], "angle": 30.0} for k, p in enumerate(points)],
    }
    found = results_dict(quietly(run, parse_case(data, "case.toml")))
    assert found["reactions"]["head"]["x"] * 1e6 == pytest.approx(inputs["P"], rel=1e-4)
    cos, sin = np.cos(np.radians(30.0)), np.sin(np.radians(30.0))
    bent = max(abs(p["s_zz"]) for p in points)
    for k, p in enumerate(points):
        probe = found["probes"][f"p{k}"]
        moved = np.array(p["u"]) * [cos, sin, cos]
        np.testing.assert_allclose(probe["u"], moved, atol=5e-6 * case["result"]["tip_u_x"])
        stress = [probe["stress"][c] for c in ("zz", "rz", "tz")]
        np.testing.assert_allclose(stress, [p["s_zz"] * cos, p["s_rz"] * cos, p["s_tz"] * sin], atol=5e-3 * bent)


# ---------------------------------------------------------------- D2: the middle of a free plate


@pytest.mark.parametrize("name", ["bilayer-Si-EP", "stack-Si-PI-EP"])
def test_the_middle_of_a_free_square_plate(name):
    """Far from its edges a free laminate bends as the infinite one, w = -kappa (x^2 + y^2) / 2: what its edges change
    there goes with 1 / side, so that two sides give the limit.
    """
    case = cases("D2")[name]
    found = [middle_curvature(case["inputs"], half) for half in (10.0, 20.0)]
    wanted = case["result"]["kappa"]
    assert found[1] == pytest.approx(wanted, rel=1e-3)
    assert 2 * found[1] - found[0] == pytest.approx(wanted, rel=5e-5)
    assert abs(found[0] / wanted - 1) > 1.8 * abs(found[1] / wanted - 1)


def middle_curvature(inputs, half):
    """Fitted to the bottom over |x|, |y| < h in the middle of a plate of the half side ``half`` h."""
    thickness, layers = inputs["thickness"], inputs["layers"]
    z = np.concatenate([[0], np.cumsum(thickness)]).astype(float)
    h = z[-1]
    line = h * np.append([0.0, 1.0], half * np.array([0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.98, 1.0]))
    boxes = [Box(f"{i}", (0, line[-1]), (0, line[-1]), (z[i], z[i + 1])) for i in range(len(layers))]
    mesh = box_mesh(boxes, (line, line, z), "hex27")
    x, y, height = mesh.points.T
    o = int(np.argmin(np.abs(mesh.points).sum(axis=1)))
    dofs = np.unique(np.concatenate([3 * np.flatnonzero(x == 0), 3 * np.flatnonzero(y == 0) + 1, [3 * o + 2]]))
    materials = {f"{i}": material(m) for i, m in enumerate(layers)}
    solution = solve(held_at(mesh, dofs, None, materials, float(inputs["dT"])))
    near = np.flatnonzero((height == 0) & (x <= h) & (y <= h))
    fit = np.polynomial.polynomial.polyfit(x[near] ** 2 + y[near] ** 2, solution.displacement[near, 2], 1)
    return -2 * fit[1]


# ---------------------------------------------------------------- D3: layered spheres under shear


def test_layered_spheres_under_shear():
    """t = S n with S_xz alone: odd in x and in z, even in y, so an eighth again; order 3 in u."""
    case = cases("D3")["two-layer-shear-xz"]
    inputs = case["inputs"]
    radii = [float(r) for r in inputs["outer_radii"]]
    worst = []
    for count in (2, 4):
        mesh = eighth_spheres(radii, 0.0, count)
        planes = [np.flatnonzero(np.abs(mesh.points[:, k]) < 1e-9) for k in range(3)]
        dofs = [3 * planes[0] + 1, 3 * planes[0] + 2, 3 * planes[1] + 1, 3 * planes[2], 3 * planes[2] + 1]
        materials = {f"layer{i}": material(m) for i, m in enumerate(inputs["layers"])}
        force = _uniform_traction(mesh, mesh.surfaces["outer"], np.array(inputs["S"]))
        # nothing of this holds the body against turning about y
        end = int(np.argmin(np.linalg.norm(mesh.points - [radii[-1], 0.0, 0.0], axis=1)))
        (lifted,) = (p["u"][2] for p in case["result"]["points"] if p["at"] == [radii[-1], 0.0, 0.0])
        u = np.zeros(3 * len(mesh.points))
        u[3 * end + 2] = lifted
        model = held_at(mesh, np.unique(np.concatenate([*dofs, [3 * end + 2]])), u, materials)
        solution = solve(model, load=force)
        error = []
        for point in case["result"]["points"]:
            sign = np.where(np.array(point["at"]) < 0, -1.0, 1.0)
            if np.any(sign < 0):
                continue
            node = int(np.argmin(np.linalg.norm(mesh.points - point["at"], axis=1)))
            if np.linalg.norm(mesh.points[node] - point["at"]) < 1e-6:
                error.append(np.abs(solution.displacement[node] - point["u"]).max())
        assert len(error) >= 4
        worst.append(max(error) / max(np.abs(point["u"]).max() for point in case["result"]["points"]))
    assert worst[1] < 2e-3
    assert worst[0] / worst[1] > 5.5


# ---------------------------------------------------------------- D8: manufactured harmonics


def field_of(case):
    """The amplitudes of a case as functions of (r, z)."""
    scope = {name: getattr(np, name) for name in ("sin", "cos", "exp")}
    codes = [compile(text, "reference", "eval") for text in (*case["inputs"]["u"], case["inputs"]["dT"])]

    def of(r, z):
        return [eval(code, {"__builtins__": {}}, {**scope, "r": r, "z": z}) for code in codes]  # the repository's data

    return of


def stress_amplitudes(case, r, z, step=1e-4):
    """rr, tt, zz, tz, rz, rt of the displacement's amplitudes; derivatives by differences of the fourth order."""
    m = DATA["materials"][case["inputs"]["material"]]
    e, nu, alpha, n = m["E"], m["nu"], m["alpha"], case["inputs"]["n"]
    lam, mu = e * nu / ((1 + nu) * (1 - 2 * nu)), e / (2 * (1 + nu))
    of = field_of(case)
    u, v, w, dt = of(r, z)
    d = [derivative(lambda a, k=k: of(a, z)[k], r, step) for k in range(3)]
    dz = [derivative(lambda a, k=k: of(r, a)[k], z, step) for k in range(3)]
    err, ett, ezz = d[0], (u + n * v) / r, dz[2]
    mean = lam * (err + ett + ezz) - (3 * lam + 2 * mu) * alpha * dt
    return [
        mean + 2 * mu * err,
        mean + 2 * mu * ett,
        mean + 2 * mu * ezz,
        mu * (dz[1] - n * w / r),
        mu * (dz[0] + d[2]),
        mu * (d[1] - v / r - n * u / r),
    ]


def derivative(f, x, step):
    return (8 * (f(x + step) - f(x - step)) - (f(x + 2 * step) - f(x - 2 * step))) / (12 * step)


def loads(case, r, z, step=1e-3):
    """b = -div sigma, amplitudes (r, t, z)."""
    n = case["inputs"]["n"]
    rr, tt, _, tz, rz, rt = stress_amplitudes(case, r, z)
    by_r = [derivative(lambda a, k=k: stress_amplitudes(case, a, z)[k], r, step) for k in range(6)]
    by_z = [derivative(lambda a, k=k: stress_amplitudes(case, r, a)[k], z, step) for k in range(6)]
    return [
        -(by_r[0] + by_z[4] + (n * rt + rr - tt) / r),
        -(by_r[5] + by_z[3] + (2 * rt - n * tt) / r),
        -(by_r[4] + by_z[2] + (n * tz + rz) / r),
    ]


@pytest.mark.parametrize("name", ["mms-n1-Cu", "mms-n2-PI"])
def test_manufactured_harmonic(name):
    """Displacement in L2 of order 3 under body force, temperature and prescribed boundary, from the axis on."""
    case = cases("D8")[name]
    n, result = case["inputs"]["n"], case["result"]
    at = (result["at"]["r"], result["at"]["z"])
    close(stress_amplitudes(case, *at), result["stress_rr_tt_zz_tz_rz_rt"], 1e-7, scale=100.0)
    close(loads(case, *at), result["body_force_r_t_z"], 1e-5, scale=100.0)
    kinematics, errors = harmonic(n), []
    m = DATA["materials"][case["inputs"]["material"]]
    of = field_of(case)
    for count in (4, 8):
        mesh = grid(np.linspace(0.0, 1.0, count + 1), np.linspace(0.0, 1.0, count + 1), "quad9")
        r, z = mesh.points.T
        outside = np.flatnonzero((r > 1 - 1e-9) | (z < 1e-9) | (z > 1 - 1e-9) | (r < 1e-9))
        dofs = (3 * outside[:, None] + np.arange(3)).ravel()
        exact = np.column_stack([np.broadcast_to(v, r.shape) for v in of(r, z)[:3]]).ravel()
        prescribed = np.zeros_like(exact)
        prescribed[dofs] = exact[dofs]
        model = model_of(
            mesh,
            kinematics,
            {"a": isotropic(m["E"], m["nu"], m["alpha"])},
            of(r, z)[3],
            0.0,
            Constraints.build(len(exact), dofs),
            prescribed,
        )

        def b(p):
            return np.column_stack(loads(case, *p.T))

        solution = solve(model, load=body_force(model.space, b))
        xi, w = gauss_points("quad9", 4)
        where = sample(model.space, np.arange(len(mesh.cells)), xi)
        found = np.einsum("qn,enc->eqc", where.values, solution.displacement[mesh.cells])
        values = of(*np.moveaxis(where.position, -1, 0))[:3]
        miss = found - np.stack([np.broadcast_to(v, found.shape[:2]) for v in values], axis=-1)
        errors.append(np.sqrt(np.sum(miss**2 * (where.volume * w)[..., None])))
    assert across(kinematics.unknowns).tolist() == [False, True, False]
    assert errors[0] / errors[1] > 7.0
