"""Mesh files whose sides would part, and files in single precision."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from femsim.base.errors import FemsimWarning, InputError
from femsim.builders.build import discretise
from femsim.cases.casefile import load_case
from femsim.meshes.mesh import Mesh
from femsim.meshes.read import read_mesh
from femsim.meshes.write import write_mesh
from femsim.runs.results import results_dict
from femsim.runs.run import run

SQUARE = [(0, 0), (1, 0), (2, 0), (0, 2), (1, 2), (2, 2), (1, 1), (2, 1)]


def plane(points, cells, element="quad4"):
    region = np.zeros(len(cells), dtype=np.int64)
    return Mesh(np.array(points, dtype=float), np.array(cells), element, region, ("body",))


def written(tmp_path: Path, mesh: Mesh) -> Path:
    path = tmp_path / "part.msh"
    write_mesh(path, mesh)
    return path


def test_a_hanging_node_is_refused_with_its_place(tmp_path):
    mesh = plane(SQUARE, [(0, 1, 4, 3), (1, 2, 7, 6), (6, 7, 5, 4)])
    with pytest.raises(InputError, match=r"part.msh: a node hangs at \(1, 1\) um, on the edge \(1, 0\) to \(1, 2\)"):
        read_mesh(written(tmp_path, mesh))
    conforming = plane([*SQUARE, (0, 1)], [(0, 1, 6, 8), (8, 6, 4, 3), (1, 2, 7, 6), (6, 7, 5, 4)])
    assert len(read_mesh(written(tmp_path, conforming)).mesh.cells) == 4


def test_a_hanging_node_off_by_single_precision_and_a_chain_of_them(tmp_path):
    points = [(0, 0), (1, 0), (2, 0), (0, 2), (1, 2), (2, 2)]
    chain = [(1 + 3e-8, 0.5), (1 - 3e-8, 1.0), (1, 1.5), (2, 0.5), (2, 1), (2, 1.5)]
    cells = [(0, 1, 4, 3), (1, 2, 9, 6), (6, 9, 10, 7), (7, 10, 11, 8), (8, 11, 5, 4)]
    with pytest.raises(InputError, match=r"\(2 such nodes\)"):  # the middle one is joined to no end
        read_mesh(written(tmp_path, plane([*points, *chain], cells)))


def test_a_middle_node_on_a_corner_hangs_too(tmp_path):
    """A quadratic edge beside two others: its middle is their corner, their middles hang."""
    left = [(0, 0), (1, 0), (1, 2), (0, 2), (0.5, 0), (1, 1), (0.5, 2), (0, 1)]
    right = [(2, 0), (2, 1), (2, 2), (1.5, 0), (2, 0.5), (1.5, 1), (1, 0.5), (2, 1.5), (1.5, 2), (1, 1.5)]
    cells = [tuple(range(8)), (1, 8, 9, 5, 11, 12, 13, 14), (5, 9, 10, 2, 13, 15, 16, 17)]
    with pytest.raises(InputError, match=r"hangs at \(1, (0.5|1.5)\)"):
        read_mesh(written(tmp_path, plane(left + right, cells, "quad8")))


def test_the_faces_of_a_crack_do_not_hang(tmp_path):
    """Doubled nodes along a slit are told of, not refused, also next to its tip."""
    points = [(x, y) for y in (0, 1, 2) for x in (0, 1, 2)]
    cells = [(0, 1, 4, 3), (1, 2, 5, 4), (9, 4, 7, 6), (4, 5, 8, 7)]  # slit from (0, 1) to its tip (1, 1)
    with pytest.warns(FemsimWarning, match="without being joined"):
        assert len(read_mesh(written(tmp_path, plane([*points, (0, 1)], cells))).mesh.points) == 10


def test_a_hanging_node_in_space(tmp_path):
    def brick(x, y, z):
        return [(x[i], y[j], z[k]) for k in (0, 1) for i, j in ((0, 0), (1, 0), (1, 1), (0, 1))]

    corners = [brick((0, 1), (0, 1), (0, 2)), brick((1, 2), (0, 1), (0, 1)), brick((1, 2), (0, 1), (1, 2))]
    points = sorted({p for one in corners for p in one})
    cells = [[points.index(p) for p in one] for one in corners]
    mesh = plane(points, cells, "hex8")
    with pytest.raises(InputError, match=r"a node hangs at \(1, [01], 1\) um, on the face"):
        read_mesh(written(tmp_path, mesh))
    whole = [brick((0, 1), (0, 1), (0, 1)), brick((0, 1), (0, 1), (1, 2)), *corners[1:]]
    points = sorted({p for one in whole for p in one})
    mesh = plane(points, [[points.index(p) for p in one] for one in whole], "hex8")
    assert len(read_mesh(written(tmp_path, mesh)).mesh.cells) == 4


# single precision


def uneven(tmp_path: Path, off: float) -> Path:
    """A unit square of 4 x 4 cells; three nodes of its bottom lie ``off`` below y = 0."""
    line = np.linspace(0, 1, 5)
    points = np.array([(x, y) for y in line for x in line])
    points[2:5, 1] -= off
    cells = [(5 * j + i, 5 * j + i + 1, 5 * j + i + 6, 5 * j + i + 5) for j in range(4) for i in range(4)]
    write_mesh(tmp_path / "uneven.msh", plane(points, cells))
    path = tmp_path / "uneven.toml"
    path.write_text(
        """stack = "mesh"
[mesh]
file = "uneven.msh"
[materials]
body = { E = 100, nu = 0.3, cte = 10 }
[load]
stress_free_temperature = 0
temperature = 100
[model]
kinematics = "plane-strain"
element = "quad9"
[[boundary]]
x = 0
u_x = 0
[[boundary]]
y = 0
u_y = 0
[[boundary]]
y = 1
traction = [0, -1000]
[[probe]]
name = "e"
at = [1, 1]
[[probe]]
name = "low"
at = [0.9, 0]
"""
    )
    return path


def test_nodes_of_single_precision_lie_on_their_coordinate(tmp_path):
    found = results_dict(run(load_case(uneven(tmp_path, 2e-8))[0], tmp_path))
    for name in ("e", "low"):
        assert found["probes"][name]["stress"]["yy"] == pytest.approx(-1000.0, abs=1e-3)
    assert found["probes"]["e"]["u"][1] == pytest.approx(-0.0078, abs=1e-7)


def test_nodes_beside_a_coordinate_are_told_of(tmp_path):
    with pytest.warns(FemsimWarning, match=r"boundary.1.y: 6 nodes lie within .* of y = 0 but not on it"):
        run(load_case(uneven(tmp_path, 1e-3))[0], tmp_path)


@pytest.mark.parametrize("bottom", [0.0, 1e4])
def test_a_mesh_in_single_precision_gives_what_the_drawn_one_gives(tmp_path, bottom):
    """The reference bilayer through a file whose coordinates are rounded to 24 bits, also far from the origin."""
    mesh = replace(discretise(load_case("bilayer", ["mesh.size=0.1", "mesh.growth=2"])[0]).mesh, lines={})
    moved = mesh.points + np.array([0.0, bottom])
    rounded = moved.astype(np.float32).astype(float)
    zeros = rounded[:, 1] == 0.0  # what programs leave of zeros
    rounded[zeros, 1] = np.random.default_rng(3).choice([0.0, 2e-6, -2e-6], int(zeros.sum()))
    found = []
    for points in (moved, rounded):
        write_mesh(tmp_path / "bilayer.msh", replace(mesh, points=points))
        path = tmp_path / "case.toml"
        path.write_text(
            f"""stack = "mesh"
[mesh]
file = "bilayer.msh"
[materials]
chip = "silicon"
post = "copper"
low = "polyimide"
high = "epoxy-high-elastic"
[load]
stress_free_temperature = 150
temperature = 25
[model]
kinematics = "axisymmetric"
outer = "coupled"
[[boundary]]
point = [0, {bottom - 300}]
u_z = 0
[[boundary]]
z = {bottom + 90}
pressure = 3
[[root]]
name = "post_root"
at = [50, {bottom}]
region = "post"
[metrics]
length = 5
[[probe]]
name = "tip"
at = [0, {bottom + 90}]
"""
        )
        found.append(results_dict(run(load_case(path)[0], tmp_path)))
    exact, single = (one["metrics"]["roots"]["post_root"][0] for one in found)
    for key in ("peel", "shear", "von_mises"):
        assert single[key] == pytest.approx(exact[key], abs=1e-3 * exact["von_mises"])
    assert single["consistent"]["peel"] == pytest.approx(exact["consistent"]["peel"], abs=1e-3 * exact["von_mises"])
    assert single["singularity"][0]["exponent"] == pytest.approx(exact["singularity"][0]["exponent"], abs=1e-3)
    assert found[1]["probes"]["tip"]["stress"]["zz"] == pytest.approx(
        found[0]["probes"]["tip"]["stress"]["zz"], abs=0.1
    )
