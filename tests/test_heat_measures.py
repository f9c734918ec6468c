"""What is read off temperatures: error estimates, the matrix of sources, the breakdown, Foster networks."""

from __future__ import annotations

import json

import numpy as np
import pytest
from heatcases import PLANE, REFERENCES, case_of, matter, solved, tube

from femsim.cases.casefile import parse_case
from femsim.cli.main import main
from femsim.measures.foster import foster
from femsim.reports.plots import plot_temperature
from femsim.reports.plots.warm import warm
from femsim.reports.report import publish
from femsim.runs.heat import run_heat

A = REFERENCES["A"]


def two_sources():
    inputs = A["two-sources-matrix"]["inputs"]
    sources = [
        {"name": f"s{k}", "y": 0.0, "x": span, "power": p * 1e-6}
        for k, (span, p) in enumerate(zip(inputs["sources_um"], inputs["powers_W_per_m"], strict=True))
    ]
    return inputs, solved(tube(inputs, sources, PLANE))["heat"]


def test_matrix_of_sources_in_one_run():
    inputs, heat = two_sources()
    wanted = np.array(A["two-sources-matrix"]["result"]["R_matrix_mK_per_W"])
    assert np.array(heat["matrix"]["R"]) == pytest.approx(wanted, rel=1e-5)
    assert heat["matrix"]["asymmetry"] < 1e-9
    contact = next(layer for layer in heat["layers"] if "contact" in layer)
    power = sum(inputs["powers_W_per_m"]) * 1e-6
    assert contact["heat"] == pytest.approx(power, rel=1e-9)
    resistance = inputs["contact_resistance_m2K_per_W"][0]
    assert contact["jump_mean"] == pytest.approx(1e6 * power * resistance / (inputs["width_um"] * 1e-6), rel=1e-9)


@pytest.mark.parametrize("name", ["flux-tube-isotropic", "flux-tube-two-layer", "flux-tube-orthotropic"])
def test_errors_are_estimated(name):
    """On a coarse mesh the estimates are within a factor of four of the true errors."""
    inputs, result = A[name]["inputs"], A[name]["result"]
    source = {"name": "die", "z": 0.0, "r": [0.0, inputs["source_um"]], "power": inputs["power"]}
    case = tube(inputs, [source], fine=3.0)
    case["mesh"]["size"] = inputs["source_um"] / 3
    die = solved(case)["heat"]["sources"]["die"]
    true = abs(die["T_mean"] - result["T_source_mean"])
    assert true / 4 < die["T_mean_error"] < 4 * true
    assert die["T_max_error"] > abs(die["T_max"] - result["T_source_max"]) / 4


def test_errors_at_probes():
    """The estimates of a coarse mesh bound what a fine one changes, and are no more than that by far."""
    inputs = A["flux-tube-isotropic"]["inputs"]
    source = {"name": "die", "z": 0.0, "r": [0.0, inputs["source_um"]], "power": inputs["power"]}
    documents = []
    for size, growth in ((inputs["source_um"] / 3, 3.0), (inputs["source_um"] / 30, 1.6)):
        case = tube(
            inputs, [source], extra_probes=(0.0, 0.9 * inputs["source_um"], 3.0 * inputs["source_um"]), fine=growth
        )
        case["mesh"]["size"] = size
        documents.append(list(solved(case)["probes"].values()))
    for coarse, fine in zip(*documents, strict=True):
        off = abs(coarse["T"] - fine["T"])
        assert off / 3 < coarse["T_error"] < 100 * off
        assert fine["T_error"] < coarse["T_error"]


def test_foster_finds_a_network():
    r, tau = np.array([3.0, 10.0, 40.0]), np.array([1e-5, 2e-3, 0.3])
    t = np.logspace(-7, 1, 81)
    z = (1.0 - np.exp(-t[:, None] / tau)) @ r
    found = foster(t, z)
    assert found.misfit < 1e-6
    assert found.r == pytest.approx(r, rel=1e-4)
    assert found.tau == pytest.approx(tau, rel=1e-4)
    assert np.abs(found.at(t) - z).max() < 1e-6 * 53.0
    assert len(found.r) <= 8


def test_a_package_with_a_contact_to_its_report(tmp_path, capsys):
    """Temperatures jump at the contact; the stress, its singular fields, figures and the page take that."""
    case = tmp_path / "case.toml"
    case.write_text(
        """
stack = "bilayer"
[materials]
post = "copper"
low = "polyimide"
high = "epoxy-moulding"
[load]
temperature = "heat"
stress_free_temperature = 150
[mesh]
size = 0.3
growth = 2.0
[heat]
[[heat.source]]
name = "die"
z = 0
region = "chip"
power = 0.5
[[heat.boundary]]
name = "terminal"
z = 90
r = [0, 50]
h = 1e6
[[heat.contact]]
between = ["chip", "low"]
resistance = 5
""",
        encoding="utf-8",
    )
    assert main(["solve", str(case), "--out", str(tmp_path / "out"), "--json", "--quiet"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["metrics"]["roots"]["post_root"][0]["singularity"]
    contact = document["heat"]["layers"][-1]
    assert contact["contact"] == "chip and low"
    assert contact["heat"] * contact["jump_mean"] > 0.0
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "chip and low" in page
    assert 'id="figure-temperature"' in page
    assert b'Name="heat_flux_z"' in (tmp_path / "out" / "fields.vtu").read_bytes()


def test_a_course_of_heat_alone_to_its_report(tmp_path, capsys):
    """Figures, page and VTU of a case without stress; the page is made again from the files."""
    case = case_of(
        [("chip", (0.0, 300.0), (0.0, 100.0), matter(148.0, 2329.0, 712.0))],
        {
            "source": [{"name": "die", "z": 100.0, "power": 2.0}],
            "boundary": [{"z": 0.0, "h": 1e5}],
            "transient": {"initial": 25.0, "end": 0.01, "times": [1e-6, 1e-5, 1e-4, 1e-3, 1e-2]},
        },
        probes=[((0.0, 50.0), {})],
        size=20.0,
    )
    done = run_heat(parse_case({"name": "hot", **case}, "case.toml"))
    written = publish(done, tmp_path / "out")
    assert {"figures/temperature.png", "figures/temperature_over_time.svg", "figures/z_th.svg"} <= set(written)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Largest temperature" in page
    assert "Foster network of die" in page
    assert b'Name="temperature_at_1e-05_s"' in (tmp_path / "out" / "fields.vtu").read_bytes()
    assert main(["report", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "report.html").read_text(encoding="utf-8") == page
    capsys.readouterr()


def test_isotherms_and_arrows_of_a_known_field():
    """A temperature linear in x: bands end on round values, the flux is -k dT/dx everywhere."""
    case = case_of(
        [("bar", (0.0, 100.0), (0.0, 40.0), matter(50.0))],
        {"boundary": [{"x": 0.0, "temperature": 20.0}, {"x": 100.0, "temperature": 100.0}]},
        "plane-strain",
        size=20.0,
    )
    what = warm(run_heat(parse_case({"name": "bar", **case}, "case.toml")))
    assert what.flux[..., 0] == pytest.approx(-50.0 * 80.0 / 1e-4, rel=1e-9)
    ax = plot_temperature(what)
    drawn = ax.collections[-1]
    at = {round(float(level)): path.vertices[:, 0] for level, path in zip(drawn.levels, drawn.get_paths(), strict=True)}
    for level in (40, 60, 80):
        assert at[level] == pytest.approx(100.0 * (level - 20.0) / 80.0, abs=0.01)
