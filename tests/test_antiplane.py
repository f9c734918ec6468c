"""Out-of-plane exponents at junctions: closed values, a ring, anisotropy as a change of coordinates, and the JSON."""

from __future__ import annotations

import numpy as np
import pytest

from femsim.cases.casefile import load_case
from femsim.materials.elastic import Material
from femsim.materials.property import Property
from femsim.measures.singularity import Junction, Wedge
from femsim.measures.singularity.antiplane import antiplane_exponents, antiplane_psi
from femsim.reports.content import report_data
from femsim.reports.page.verdict import verdict
from femsim.reports.report import write_outputs
from femsim.runs.largest import largest_table
from femsim.runs.results import results_dict
from femsim.runs.run import run

SOLIDS = {"Cu": (120e3, 0.34), "Si": (169e3, 0.28), "PI": (2500.0, 0.34)}


def stiffness(name):
    e, nu = SOLIDS[name]
    return Material(name, (Property((e,)),), (Property((nu,)),), (Property((0.0,)),)).stiffness(0.0)


def junction(wedges, boundary):
    angle, parts = 0.0, []
    for opening, name in wedges:
        parts.append(Wedge(angle, angle + opening, stiffness(name)))
        angle += opening
    return Junction(tuple(parts), boundary)


@pytest.mark.parametrize(
    ("wedges", "boundary", "wanted"),
    [
        ([(360, "Cu")], ("free", "free"), [0.5, 1.0]),
        ([(270, "Cu")], ("free", "free"), [2 / 3, 4 / 3]),
        ([(180, "Si"), (90, "PI"), (90, "Cu")], "bonded", [0.7151922874595, 1.28480771254]),
        ([(90, "Cu"), (90, "PI")], ("free", "free"), [1.0]),
        ([(90, "Cu")], ("clamped", "free"), [1.0]),
        ([(90, "Cu")], ("clamped", "clamped"), []),
        ([(270, "Cu")], ("clamped", "roller"), [1 / 3, 1.0]),
    ],
)
def test_exponents_of_edges(wedges, boundary, wanted):
    """Williams-type eigenproblem of the Laplace equation; the bonded root by an angular finite element code."""
    assert antiplane_exponents(junction(wedges, boundary), 1.4) == pytest.approx(wanted, abs=1e-10)


def test_an_anisotropic_wedge_is_an_isotropic_one_of_another_angle():
    """c44 = 4 c55 and a free wedge: in z = x + i y / 2 a quarter of the plane stays a quarter, 45 deg do not."""
    c = stiffness("Cu").copy()
    c[3, 3] *= 4.0
    assert antiplane_exponents(Junction((Wedge(0, 270, c),), ("free", "free")), 1.0) == pytest.approx(
        [2 / 3], abs=1e-10
    )
    phi = np.degrees(np.arctan2(0.5 * np.sin(np.radians(225)), np.cos(np.radians(225)))) % 360
    wanted = 180.0 / phi
    found = antiplane_exponents(Junction((Wedge(0, 225, c),), ("free", "free")), 1.0)
    assert found == pytest.approx([wanted], abs=1e-9)


def test_harmonics_name_them(tmp_path):
    case, _ = load_case("bilayer", ["mesh.size=0.1", "mesh.growth=2", "board.shift=0.1"])
    done = run(case)
    entry = results_dict(done)["metrics"]["roots"]["post_root"][0]
    own = [one for one in entry["singularity"] if one.get("mode") == "antiplane"]
    assert len(own) == 1
    assert -0.5 < own[0]["exponent"] < 0.0
    write_outputs(done, tmp_path, lambda text: None, None)
    assert "out of the plane" in (tmp_path / "report.html").read_text(encoding="utf-8")
    # what is said on top is the largest around the body, not the mean
    top = entry["largest"]["von_mises"]
    assert top["value"] > entry["von_mises"]
    headline = verdict({**results_dict(done), "report": report_data(done)})["headline"]
    assert f"von Mises {top['value']:.1f} " in headline
    assert f"{top['angle']:g}° around the axis" in headline
    assert largest_table({"post_root": [entry]})[1][2:] == [
        "peel", f"{entry['largest']['peel']['value']:.2f} +- {entry['largest']['peel']['error']:.2f}",
        f"{entry['largest']['peel']['angle']:g}",
    ]  # fmt: skip


def test_stress_function_on_the_rays_of_an_edge():
    """Forces through the rays of two bonded quarters on a half plane, against w = cos, sin (lambda theta) by pieces."""
    shear = {"a": 60_000.0, "b": 1_000.0, "c": 44_776.0}  # b: 0 to 90, c: 90 to 180, a below
    wedges = []
    for name, start, end in (("b", 0.0, 90.0), ("c", 90.0, 180.0), ("a", 180.0, 360.0)):
        wedges.append(Wedge(start, end, np.diag([3.0, 3.0, 3.0, 1.0, 1.0, 1.0]) * shear[name]))
    junction = Junction(tuple(wedges))
    (exponent,) = antiplane_exponents(junction)
    psi = antiplane_psi(junction)
    assert psi is not None
    assert psi[0] == pytest.approx(psi[-1], rel=1e-6)  # one value on the ray where the ring closes
    # w and psi / mu turn by lambda phi in a wedge: from psi at both ends of each wedge its w follows, alike on a ray
    w = []
    for k, name in enumerate(("b", "c", "a")):
        angle = exponent * np.radians(wedges[k].opening)
        first = (psi[k + 1] / shear[name] - np.cos(angle) * psi[k] / shear[name]) / -np.sin(angle)
        last = np.cos(angle) * first + np.sin(angle) * psi[k] / shear[name]
        w.append((first, last))
    for k in range(3):
        assert w[k][1] == pytest.approx(w[(k + 1) % 3][0], rel=1e-6)
    free = Junction((Wedge(0.0, 270.0, np.diag([3.0, 3.0, 3.0, 1.0, 1.0, 1.0])),), ("free", "free"))
    values = antiplane_psi(free)
    assert values is not None
    assert np.abs(values).max() < 1e-9  # no force through free faces
