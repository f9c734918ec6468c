"""Run -> the JSON document of the outer interface."""

from __future__ import annotations

from typing import Any

import numpy as np

import femsim
from femsim.delaminate import release_dict
from femsim.intensity import consistent_average, corner_entry, root_entry
from femsim.metrics import RootMetrics
from femsim.run import Run


def results_dict(run: Run) -> dict[str, Any]:
    """The JSON document of ``solve`` (units: um, MPa, uJ, s)."""
    model = run.solution.model
    checks = run.solution.checks
    temperature = np.asarray(model.temperature) - model.stress_free_temperature
    delta: Any = float(temperature) if temperature.ndim == 0 else [float(temperature.min()), float(temperature.max())]
    roots: dict[str, list[dict[str, Any]]] = {}
    for metric in run.roots:
        entry = root_dict(metric)
        if metric.root in run.fields:
            field = run.fields[metric.root]
            entry |= root_entry(field, metric.root, metric.length)
            if not isinstance(field, str):
                peel, shear = consistent_average(run.solution, metric.root, metric.length, field)
                entry["consistent"] = {"peel": peel, "shear": shear}
        roots.setdefault(metric.root.name, []).append(entry)
    probes: dict[str, Any] = {}
    for name, found in run.probes.items():
        stress: dict[str, float] = {c: float(v) for c, v in zip(model.kinematics.components, found.value.stress, strict=True)}
        errors = dict(zip(model.kinematics.components, found.stress_error, strict=True))
        probes[name] = {
            "at": list(found.value.at),
            "region": found.value.region,
            "u": [float(v) for v in found.value.displacement],
            "stress": {**stress, "von_mises": found.value.von_mises},
            "u_error": list(found.u_error),
            "stress_error": None if found.singular else {**errors, "von_mises": found.von_mises_error},
        }
    document: dict[str, Any] = {
        "femsim": femsim.__version__,
        "case": {"name": run.case.name, "stack": run.case.stack, "kinematics": model.kinematics.name, "delta_t": delta},
        "mesh": {
            "nodes": run.quality.nodes,
            "elements": run.quality.elements,
            "dofs": model.ndof,
            "unknowns": model.constraints.count,
            "element": model.mesh.element,
            "smallest": run.quality.smallest_edge,
            "worst_jacobian": run.quality.worst_jacobian,
        },
        "metrics": {
            "roots": roots,
            "regions": {
                name: {"von_mises_mean": r.von_mises_mean, "von_mises_max": r.von_mises_max, "energy": r.energy}
                for name, r in run.regions.items()
            },
        },
        "probes": probes,
        "checks": {"residual": checks.residual, "reaction": checks.reaction, "energy": checks.energy},
        "timing": dict(run.timing),
        "solver": run.solution.factor.backend,
        "warnings": list(run.warnings),
    }
    if run.corners:
        document["corners"] = {name: corner_entry(field) for name, field in run.corners.items()}
    if run.cracks:
        document["cracks"] = [release_dict(found) for found in run.cracks]
    if run.adaptation is not None:
        document["refinement"] = {
            "tolerance": run.adaptation.tolerance,
            "met": run.adaptation.met,
            "reason": run.adaptation.reason,
            "steps": [
                {"unknowns": s.unknowns, "error": s.worst, "of": s.of, "values": s.values, "errors": s.errors} for s in run.adaptation.steps
            ],
        }
    if model.kinematics.globals_:
        document["axial_strain"] = float(run.solution.globals_[0])
    return document


def root_dict(metric: RootMetrics) -> dict[str, Any]:
    """One entry of a root's list."""
    return {
        "at": list(metric.root.at),
        "length": metric.length,
        "peel": metric.peel,
        "shear": metric.shear,
        "von_mises": metric.von_mises,
        "peel_error": metric.peel_error,
        "shear_error": metric.shear_error,
        "von_mises_error": metric.von_mises_error,
    }


def root_table(run: Run) -> list[list[str]]:
    """Rows of text, header first: root, place, length and the three averages with their error estimates."""
    rows = [["root", "at (um)", "length (um)", "peel (MPa)", "shear (MPa)", "von Mises (MPa)"]]
    for m in run.roots:
        rows.append(
            [
                m.root.name,
                f"({m.root.at[0]:g}, {m.root.at[1]:g})",
                f"{m.length:g}",
                f"{m.peel:.2f} +- {m.peel_error:.2f}",
                f"{m.shear:.2f} +- {m.shear_error:.2f}",
                f"{m.von_mises:.2f} +- {m.von_mises_error:.2f}",
            ]
        )
    return rows
