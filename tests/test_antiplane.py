"""Out-of-plane exponents at junctions: closed values, a ring, anisotropy as a change of coordinates, and the JSON."""

from __future__ import annotations

import numpy as np
import pytest

from femsim.cases.casefile import load_case
from femsim.materials.elastic import Material
from femsim.materials.property import Property
from femsim.measures.singularity import Junction, Wedge
from femsim.measures.singularity.antiplane import antiplane_exponents
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
