"""Arrays of condensed cells: what condensation must keep exactly, and what it comes close to."""

from __future__ import annotations

import json

import numpy as np
import pytest

from femsim.base.errors import FemsimWarning, InputError
from femsim.builders.build import build_model, discretise, resolve_materials
from femsim.cases.casefile import load_case
from femsim.cli.main import main
from femsim.measures.lattice import read_arcs, read_cells
from femsim.measures.rims import AROUND, around, rim_averages
from femsim.meshes.interface import Interface
from femsim.models.fields import ElasticField
from femsim.runs.array import reduced, run_array
from femsim.runs.run import run as solve_run
from femsim.solvers.lattice import Lattice, alike, lattice, opposite, solve_lattice, spread
from femsim.solvers.solve import solve

MESH = ["mesh.size=8", "mesh.growth=4", "mesh.around=8", "metrics.length=5"]
CELL = ["model.kinematics=3d", "model.element=hex27", "model.cell=square", "probe=[]", *MESH]
OFFSET = ["layer.1.offset=12", *(f"layer.{i}.radius=40" for i in range(3))]


def case_of(name, *more):
    return load_case(name, [*CELL, *more])[0]


def parts_of(case, order):
    """Model with free walls, its condensed cell and its averages."""
    disc = discretise(case)
    model = build_model(disc, resolve_materials(case, disc))
    return model, reduced(disc, model, order), rim_averages(model.space, disc.rims, disc.lengths)


@pytest.fixture(scope="module")
def bilayer():
    return parts_of(case_of("bilayer", "model.outer=free"), 4)


@pytest.mark.parametrize("order", [2, 3, 4])
def test_interface_functions(order):
    """They sum to one, are one at their own node, and reproduce polynomials of their degree in every layer."""
    face = Interface((1.0, -2.0), 5.0, (-3.0, 0.0, 1.0), order)
    assert face.count == 3 * 4 * order * (2 * order + 1)
    assert face.basis(face.nodes) == pytest.approx(np.eye(len(face.nodes)), abs=1e-12)
    rng = np.random.default_rng(order)
    points = np.column_stack([rng.uniform(-4, 6, 60), rng.uniform(-7, 3, 60), rng.uniform(-3, 1, 60)])
    points[:30, 0], points[30:, 1] = (
        np.where(rng.random(30) < 0.5, -4.0, 6.0),
        np.where(rng.random(30) < 0.5, -7.0, 3.0),
    )

    def some(x):
        return x[:, 0] * x[:, 1] + x[:, 0] ** order - x[:, 1] ** order * 0.3 + np.abs(x[:, 2]) * x[:, 1]

    assert face.basis(points) @ some(face.nodes) == pytest.approx(some(points), rel=1e-9)
    coarse = face.lower()
    values = coarse.nodes @ np.array([[1, 0, 2], [0.5, 1, 0], [0, -1, 1.0]])
    assert face.from_lower() @ values.ravel() == pytest.approx(
        (face.nodes @ np.array([[1, 0, 2], [0.5, 1, 0], [0, -1, 1.0]])).ravel()
    )


@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1)])
def test_mirrorings(axes):
    """A mirrored displacement R u(R x) has the values that the permutation says, and twice is nothing."""
    face = Interface((0.0, 0.0), 2.0, (0.0, 1.0), 3)
    turn = np.diag([-1.0 if axis in axes else 1.0 for axis in range(3)])

    def field(x):
        return np.column_stack([x[:, 0] * x[:, 1] + x[:, 2], x[:, 0] ** 2 + 1.0, x[:, 1] - 3.0 * x[:, 0]])

    source, sign = face.mirrored(axes)
    own = field(face.nodes).ravel()
    assert sign * own[source] == pytest.approx((field(face.nodes @ turn) @ turn).ravel())
    assert np.array_equal(source[source], np.arange(face.count))


def test_a_condensed_cell_moves_freely(bilayer):
    """Rigid motions cost nothing, and the thermal load does no work on them: int B^T s dV = 0 for any s."""
    _, cell, _ = bilayer
    nodes, stiffness = cell.interface.nodes, cell.stiffness
    motions = [np.tile(axis, (len(nodes), 1)) for axis in np.eye(3)]
    motions += [np.cross(axis, nodes) for axis in np.eye(3)]
    for motion in motions:
        q = motion.ravel()
        assert np.abs(stiffness @ q).max() <= 1e-9 * np.abs(stiffness).max() * np.abs(q).max()
        assert abs(q @ cell.load) <= 1e-9 * np.abs(cell.load).max() * np.abs(q).max()
    assert np.linalg.eigvalsh(stiffness)[5:7] @ [0, 1] > 0


def test_one_cell_is_the_free_cell(bilayer):
    """An array of one cell is the cell itself, but for walls that follow polynomials: the better, the higher."""
    model, fine, averages = bilayer
    field = solve(model).field
    off = []
    for cell in (fine.lower().lower(), fine.lower(), fine):
        q = solve_lattice(cell, lattice(cell, 1, 1))
        found = [read_cells(cell, read_arcs(fine, average), q) for average in averages]
        true = [around(field, average) for average in averages]
        own = [
            np.abs(f.values[kind][0, : len(t.angle)] - t.values[kind]).max() / t.values["von_mises"].max()
            for f, t in zip(found, true, strict=True)
            for kind in AROUND
        ]
        off.append(max(own))
    assert off[2] < off[1] < off[0] < 0.02
    assert off[2] < 1e-3
    assert found[0].angle.tolist() == sorted(found[0].angle.tolist())
    assert len(found[0].angle) == 32


@pytest.mark.parametrize(("name", "more"), [("bilayer", []), ("staggered", OFFSET)])
def test_images_are_the_other_cells(name, more):
    """Half of an array held by its plane of symmetry is half of the whole."""
    case = case_of(name, "model.outer=free", *more)
    _, fine, averages = parts_of(case, 2)
    arcs = read_arcs(fine, averages[0])
    part = lattice(fine, 2, 2)
    whole = Lattice((2, 2), (False, False))
    assert part.counts == ((1, 1) if name == "bilayer" else (2, 1))
    a, b = (read_cells(fine, arcs, solve_lattice(fine, one)) for one in (part, whole))
    for kind in AROUND:
        image = opposite if kind == "shear_t" else alike
        own, all_ = spread(part, a.mean(kind), image), spread(whole, b.mean(kind))
        assert own == pytest.approx(all_, abs=1e-6 * np.abs(b.values["von_mises"]).max())


def test_an_array_is_a_full_model():
    """Two by two cells with free sides against a quarter of them meshed whole, on another mesh."""
    case = case_of("bilayer")
    run = run_array(case, 2, 2)
    full = load_case(
        "bilayer", [*CELL, "model.cell=chip", "model.place=[150, 150]", "geometry.cell_radius=300", "model.outer=free"]
    )[0]
    disc = discretise(full)
    model = build_model(disc, resolve_materials(full, disc))
    field = solve(model).field
    for average, found in zip(rim_averages(model.space, disc.rims, disc.lengths), run.roots, strict=True):
        true, size = around(field, average), average.whole.von_mises(field)
        for kind in ("peel", "shear", "von_mises"):
            # arcs are a quarter of an element here, whose stresses differ from mesh to mesh
            assert found.largest[kind][1, 1] == pytest.approx(true.largest(kind)[0], abs=0.06 * size)
            whole = size if kind == "von_mises" else getattr(average.whole, kind).value(field)
            assert abs(found.mean[kind][1, 1] - whole) < 0.01 * size
        assert 0 < found.interface_error["von_mises"][1] < 0.01 * size


def test_held_sides_make_all_cells_alike():
    """Upright outer sides are planes of symmetry: every cell is the cell with fixed walls."""
    run = run_array(case_of("bilayer"), 3, 1, fixed=True)
    case = case_of("bilayer", "model.outer=fixed")
    disc = discretise(case)
    model = build_model(disc, resolve_materials(case, disc))
    (average,) = rim_averages(model.space, disc.rims, disc.lengths)
    (found,) = run.roots
    for kind in ("peel", "shear", "von_mises"):
        true = getattr(average.whole, kind)
        value = true(solve(model).field) if kind == "von_mises" else true.value(solve(model).field)
        assert found.mean[kind] == pytest.approx(np.full((3, 1), value), abs=2e-3 * found.mean["von_mises"].max())


def test_one_cell_alone_is_read_as_the_array_is():
    """Off the conductor's cells, with an error that holds the distance to the consistent average."""
    case = case_of("bilayer", "probe=[{ name = 'tip', at = [0, 0, 90] }]")
    with pytest.warns(FemsimWarning, match="probe: not read in arrays"):
        (found,) = run_array(case, 1, 1).roots
    (solved,) = solve_run(case).roots
    for kind, best in solved.values.items():
        own = found.alone.values[kind]
        assert own.error == pytest.approx(best.error + abs(own.value - best.value))
        assert found.mesh_error[kind] >= own.error
    assert found.alone.von_mises == pytest.approx(solved.von_mises)


def test_one_material_is_stressless():
    same = [f"materials.{name}={{ E = 10, nu = 0.3, cte = 20 }}" for name in ("chip", "post", "low", "high")]
    run = run_array(case_of("bilayer", *same), 2, 3)
    assert max(np.abs(values).max() for one in run.roots for values in one.largest.values()) < 1e-5
    assert run.roots[0].mean["peel"].shape == (2, 3)


def test_rest_is_the_clamped_cell(bilayer):
    """u_0 solves the cell whose walls stand still."""
    model, cell, _ = bilayer
    field = ElasticField(model, cell.rest)
    from femsim.models.assembly import internal_force

    force = internal_force(field).reshape(-1, 3)
    mesh = model.mesh
    inner = np.setdiff1d(np.arange(len(mesh.points)), np.concatenate([mesh.nodes_on(n) for n in mesh.surfaces]))
    assert np.abs(force[inner]).max() < 1e-8 * np.abs(force).max()


def test_the_command(tmp_path, capsys):
    given = [word for text in CELL for word in ("--set", text)]
    assert main(["array", "bilayer", *given, "--nx", "2", "--ny", "1", "--out", str(tmp_path / "out"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == json.loads((tmp_path / "out" / "array.json").read_text())
    assert {f.name for f in (tmp_path / "out").iterdir()} == {"array.json", "cells.csv", "array_post_root_5um.png"}
    assert len((tmp_path / "out" / "cells.csv").read_text().splitlines()) == 3
    (entry,) = told["roots"]["post_root"]
    assert np.shape(entry["mean"]["peel"]) == (2, 1)
    assert entry["mesh_error"]["peel"] > 0
    assert told["array"]["cells_solved"] == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--nx", "0"], "--nx: 0 is not >= 1"),
        (["--nx", "2", "--order", "7"], "--order: 7 is not one of 2, 3, 4"),
        (["--nx", "2000"], "more than"),
        (["--nx", "2", "--set", "model.cell=hexagonal"], "arrays are of square cells"),
        (["--nx", "2", "--set", "load.temperature=[25, 125]"], "one uniform temperature"),
        (["--nx", "2", "--set", "materials.post={ like = 'copper', plastic = { yield = 100 } }"], "elastic"),
        (["--nx", "2", "--set", "cycle={ low = 0, high = 100, ramp = 1, count = 1 }"], "cycle: not in arrays"),
    ],
)
def test_what_is_refused(given, words, capsys):
    cell = [word for text in CELL for word in ("--set", text)]
    assert main(["array", "bilayer", *cell, "--quiet", *given]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_a_case_in_the_plane_is_refused():
    with pytest.raises(InputError, match="square cells"):
        run_array(load_case("bilayer", [])[0], 2, 2)
