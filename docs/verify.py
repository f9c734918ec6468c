"""The verification manual: cases with known answers, solved while the page is made; one outside its tolerance ends the build."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import femsim as fs


class Check(NamedTuple):
    """A quantity with its exact value, ours, and by how much they may differ (relative)."""

    quantity: str
    exact: float
    ours: float
    tolerance: float


class Topic(NamedTuple):
    """A problem in words, the source of its solution, the formula, and the checks."""

    title: str
    words: str
    checks: Callable[[], list[Check]]


def block(name: str, r: list[float], z: list[float], material: Any, axes: str = "rz") -> dict[str, Any]:
    """One [[block]]."""
    return {"name": name, axes[0]: r, axes[1]: z, "material": material}


def case(blocks: list[dict[str, Any]], temperature: float, free: float = 0.0, **more: Any) -> dict[str, Any]:
    """Tables of a case of blocks."""
    load = {"stress_free_temperature": free, "temperature": temperature}
    return {"stack": "blocks", "block": blocks, "load": load, "mesh": {"size": 1.0, "growth": 1.5}, **more}


STEEL = {"E": 200.0, "nu": 0.3, "cte": 12.0}


def lame() -> list[Check]:
    """Tube a = 10, b = 20 um under inner pressure, free of axial force."""
    a, b, p, e, nu = 10.0, 20.0, 100.0, 200.0e3, 0.3
    solved = fs.solve(
        case(
            [block("tube", [a, b], [0.0, 2.0], STEEL)],
            0.0,
            boundary=[
                {"r": a, "pressure": p},
                {"z": 0.0, "u_z": 0},
                {"z": 2.0, "u_z": "equal"},
            ],
            model={"outer": "free"},
            mesh={"size": 0.5, "growth": 1.3},
            probe=[{"name": "bore", "at": [a, 1.0]}],
        )
    )
    found = solved.to_dict()["probes"]["bore"]
    k = p * a * a / (b * b - a * a)
    hoop = k * (1 + b * b / (a * a))
    u = a / e * (hoop + nu * p)
    return [
        Check("hoop stress at the bore, MPa", hoop, found["stress"]["tt"], 1e-3),
        Check("radial displacement of the bore, um", u, found["u"][0], 1e-5),
    ]


def strip() -> list[Check]:
    """Two layers in plane stress; curvature of the long strip."""
    h1, h2, e1, e2, d, dt = 20.0, 5.0, 160.0, 100.0, 14.4, -100.0
    one, two = {"E": e1, "nu": 0.3, "cte": 2.6}, {"E": e2, "nu": 0.3, "cte": 17.0}
    m, n, h = h1 / h2, e1 / e2, h1 + h2
    curvature = 6 * d * 1e-6 * abs(dt) * (1 + m) ** 2 / (h * (3 * (1 + m) ** 2 + (1 + m * n) * (m * m + 1 / (m * n))))
    solved = fs.solve(
        case(
            [block("low", [0.0, 200.0], [0.0, h1], one, "xy"), block("top", [0.0, 200.0], [h1, h], two, "xy")],
            dt,
            boundary=[{"x": 0.0, "u_x": 0}, {"point": [0, 0], "u_y": 0}],
            model={"kinematics": "plane-stress", "outer": "free"},
            mesh={"size": 4.0, "growth": 1.3, "largest": 5.0},
        )
    )
    return [Check("curvature, 1/m", 1e6 * curvature, 1e6 * abs(solved.to_dict()["bow"]["curvature"]), 1e-3)]


def rotating() -> list[Check]:
    """A long cylinder between rigid ends turning about its axis."""
    b, nu, rho, w = 50.0, 0.3, 8000.0, 1.0e7
    solved = fs.solve(
        case(
            [block("shaft", [0.0, b], [0.0, 5.0], {**STEEL, "density": rho})],
            0.0,
            boundary=[{"z": 0.0, "u_z": 0}, {"z": 5.0, "u_z": 0}],
            body=[{"region": "shaft", "rotation": w}],
            model={"outer": "free"},
            mesh={"size": 2.5, "growth": 1.3, "largest": 2.5},
            probe=[{"name": "axis", "at": [0.0, 2.5]}],
        )
    )
    exact = rho * w * w * (b * 1e-6) ** 2 * (3 - 2 * nu) / (8 * (1 - nu)) / 1e6
    return [Check("radial stress at the axis, MPa", exact, solved.to_dict()["probes"]["axis"]["stress"]["rr"], 1e-3)]


def wall() -> list[Check]:
    """Two layers, a contact and a film in series."""
    area = math.pi * (100e-6) ** 2
    tables = {
        "name": "wall",
        "stack": "blocks",
        "block": [
            block("hot", [0.0, 100.0], [0.0, 50.0], {"conductivity": 150.0}),
            block("cold", [0.0, 100.0], [-200.0, 0.0], {"conductivity": 2.0}),
        ],
        "heat": {
            "ambient": 25.0,
            "source": [{"name": "die", "z": 50.0, "power": 0.1}],
            "boundary": [{"name": "foot", "z": -200.0, "h": 1.0e4}],
            "contact": [{"between": ["hot", "cold"], "resistance": 5.0}],
        },
    }
    exact = (50e-6 / 150 + 200e-6 / 2 + 5e-6 + 1 / 1e4) / area
    from femsim.cases.casefile import case_from
    from femsim.runs.rows import document_of, quietly

    heat = document_of(quietly(case_from(tables), None))["heat"]
    return [Check("thermal resistance, K/W", exact, heat["sources"]["die"]["R_max"], 1e-8)]


def flux() -> list[Check]:
    """A thick body heated at its face by a constant flux."""
    k, rho, c, q, t = 100.0, 2000.0, 700.0, 1.0e7, 1.0e-4
    tables = {
        "name": "flux",
        "stack": "blocks",
        "block": [block("body", [0.0, 10.0], [-1000.0, 0.0], {"conductivity": k, "density": rho, "heat_capacity": c})],
        "mesh": {"size": 2.0, "growth": 1.2},
        "probe": [{"name": "face", "at": [0.0, 0.0]}],
        "heat": {
            "ambient": 0.0,
            "boundary": [{"name": "face", "z": 0.0, "flux": q}, {"name": "back", "z": -1000.0, "temperature": 0.0}],
            "transient": {"initial": 0.0, "end": t, "times": [t]},
        },
    }
    from femsim.cases.casefile import case_from
    from femsim.runs.rows import document_of, quietly

    found = document_of(quietly(case_from(tables), None))["probes"]["face"]["T"]
    return [
        Check("temperature of the face after 0.1 ms, K", 2 * q * math.sqrt(t / (math.pi * k * rho * c)), found, 5e-3)
    ]


def film(material: dict[str, Any], end: float, duration: float = 1.0) -> dict[str, Any]:
    """A film between rigid walls, free on top: equibiaxial stress."""
    tables = case(
        [block("film", [0.0, 10.0], [0.0, 10.0], material)],
        0.0,
        boundary=[{"z": 0.0, "u_z": 0}],
        model={"outer": "fixed"},
        mesh={"size": 10.0, "largest": 10.0},
        probe=[{"name": "middle", "at": [5.0, 5.0]}],
        step=[{"name": "cool", "temperature": end, "duration": 0}, {"name": "hold", "duration": duration}],
    )
    tables["load"] = {"stress_free_temperature": 0.0}
    found: dict[str, Any] = fs.solve(tables).to_dict()["probes"]["middle"]
    return found


def yielding() -> list[Check]:
    """A film that hardens linearly, cooled beyond yield."""
    e, nu, alpha, y, h, dt = 120.0e3, 0.34, 17e-6, 180.0, 1000.0, -200.0
    law = {"yield": 180.0, "isotropic": {"linear": h}}
    found = film({"E": 120.0, "nu": nu, "cte": 17.0, "plastic": law}, dt)
    biaxial = e / (1 - nu)
    p = (biaxial * alpha * abs(dt) - y) / (h + biaxial / 2)
    return [
        Check("equivalent plastic strain", p, found["inelastic"]["p"], 1e-6),
        Check("stress, MPa", y + h * p, found["stress"]["rr"], 1e-6),
    ]


def creeping() -> list[Check]:
    """A film that creeps by Norton's law, cooled at once and held."""
    e, nu, alpha, a, n, dt, t = 45.0e3, 0.36, 21e-6, 1e-12, 5.0, -40.0, 1000.0
    law = {"norton": {"A": a, "n": n}}
    found = film({"E": 45.0, "nu": nu, "cte": 21.0, "creep": law}, dt, t)
    biaxial = e / (1 - nu)
    start = biaxial * alpha * abs(dt)
    exact = (start ** (1 - n) + (n - 1) * biaxial / 2 * a * t) ** (1 / (1 - n))
    return [Check("stress after 1000 s, MPa", exact, found["stress"]["rr"], 5e-3)]


def notch() -> list[Check]:
    """The free re-entrant corner of 270 degrees in one material."""
    tables = case(
        [
            block("foot", [0.0, 100.0], [-100.0, 0.0], STEEL, "xy"),
            block("stem", [0.0, 50.0], [0.0, 100.0], STEEL, "xy"),
        ],
        0.0,
        boundary=[{"y": -100.0, "u_y": 0}, {"x": 0.0, "u_x": 0}, {"y": 100.0, "pressure": -10.0}],
        model={"kinematics": "plane-strain", "outer": "free"},
        mesh={"size": 5.0, "growth": 1.5},
        corner=[{"name": "notch", "at": [50.0, 0.0]}],
    )
    terms = fs.solve(tables).to_dict()["corners"]["notch"]["singularity"]
    found = sorted(term["exponent"] for term in terms)

    def root(sign: float) -> float:
        low, high = (0.5, 0.6) if sign > 0 else (0.85, 0.95)
        omega = 1.5 * math.pi

        def f(x: float) -> float:
            return math.sin(x * omega) + sign * x * math.sin(omega)

        for _ in range(200):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if f(low) * f(middle) > 0 else (low, middle)
        return low

    return [Check("exponent of the stress, mode I", root(1.0) - 1, found[0], 1e-8),
            Check("exponent of the stress, mode II", root(-1.0) - 1, found[1], 1e-8)]  # fmt: skip


def le11() -> list[Check]:
    """The shipped case le11."""
    probes = fs.solve("le11").to_dict()["probes"]
    value = next(probe["stress"]["zz"] for name, probe in probes.items() if name.upper().startswith(("A", "POINT_A")))
    return [Check("axial stress at A, MPa", -105.0, value, 0.03)]


TOPICS = (
    Topic("Thick tube under pressure", "Lamé's solution (Timoshenko and Goodier, *Theory of Elasticity*): with $K = p a^2 / (b^2 - a^2)$ the hoop "
          "stress is $K (1 + b^2 / r^2)$, the ends free of force (`u_z = \"equal\"`).", lame),
    Topic("Bimaterial strip", "Curvature of two long layers, Timoshenko (1925), in plane stress: $\\kappa = 6 \\Delta\\alpha \\Delta T (1 + m)^2 / "
          "(h (3 (1 + m)^2 + (1 + m n)(m^2 + 1 / (m n))))$ with the ratios $m$ of thickness and $n$ of modulus.", strip),
    Topic("Rotating shaft", "Plane strain, Timoshenko and Goodier: $\\sigma_{rr}(0) = \\rho \\omega^2 b^2 (3 - 2 \\nu) / (8 (1 - \\nu))$.", rotating),
    Topic("NAFEMS LE11", "Solid cylinder, taper and sphere under a temperature field, axisymmetric (NAFEMS, *The Standard NAFEMS Benchmarks*, 1990); "
          "the target itself is given to three digits.", le11),
    Topic("Re-entrant corner", "Williams (1952): $\\sin(\\lambda \\omega) = \\mp \\lambda \\sin \\omega$ for the free wedge of $\\omega = 270$ degrees; "
          "the stress goes like $r^{\\lambda - 1}$.", notch),
    Topic("Heat through a wall", "Layers, contact and film in series: $R = (\\sum L / k + R_c + 1 / h) / A$.", wall),
    Topic("Heated half space", "Carslaw and Jaeger (1959): the face under a constant flux warms by $2 q \\sqrt{t / (\\pi k \\rho c)}$.", flux),
    Topic("Film beyond yield", "Equibiaxial, linear hardening: $p = (E' \\alpha \\Delta T - Y) / (H + E' / 2)$ with $E' = E / (1 - \\nu)$.", yielding),
    Topic("Film that creeps", "Norton's law at fixed strain: $\\sigma^{1 - n} = \\sigma_0^{1 - n} + (n - 1) E' A t / 2$.", creeping),
)  # fmt: skip


def page() -> str:
    """The page, with every check run. Raises RuntimeError where one is outside its tolerance."""
    from verify_more import MORE

    parts = [
        "# Verification\n\nEvery line below was computed while this page was made, through the same door as any case; a line outside its tolerance would have "
        "stopped it. The test suite (`tests/test_reference_*.py`, `pytest`) holds several hundred more: composite spheres, laminates, "
        "locking, manufactured solutions with their orders of convergence, cracks at interfaces, junctions of materials, harmonics, solids, cycles.\n"
    ]
    for topic in (*TOPICS, *MORE):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            checks = topic.checks()
        parts.append(
            f"## {topic.title}\n\n{topic.words}\n\n| quantity | exact | femsim | difference | tolerance |\n|---|---|---|---|---|"
        )
        for check in checks:
            off = check.ours / check.exact - 1
            if not abs(off) <= check.tolerance:
                raise RuntimeError(f"{topic.title}: {check.quantity}: {check.ours!r} instead of {check.exact!r}")
            parts.append(
                f"| {check.quantity} | {check.exact:.6g} | {check.ours:.6g} | {off:+.1e} | {check.tolerance:.0e} |"
            )
        parts.append("")
    return "\n".join(parts)
