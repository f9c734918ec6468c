"""Run -> the JSON document of the outer interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

import femsim
from femsim.builders.cuts import fitted
from femsim.builders.places import nodes_on
from femsim.measures.averages import fits, reach
from femsim.measures.bow import bow
from femsim.measures.corner.intensity import RootField, stress_intensity
from femsim.measures.crack import Release
from femsim.measures.cuts import agreement
from femsim.measures.reactions import reactions
from femsim.meshes.layout import Rim, Root
from femsim.runs.cracks import CrackFailure
from femsim.runs.edges import antiplane_list, rim_dict, rim_singularity, singularity_list
from femsim.runs.harmonics import around_dict, harmonics_list, probe_dict, six_reactions
from femsim.runs.names import kind_words, length_text, place
from femsim.runs.points import gathered
from femsim.runs.readings import paths_of
from femsim.runs.run import Run
from femsim.runs.states import temperatures_dict
from femsim.runs.step_results import life_entry, probe_entry, region_entry, root_dict, step_entry


def results_dict(run: Run) -> dict[str, Any]:
    """The JSON document of ``solve`` (units: um, MPa, uJ, s)."""
    model = run.solution.model
    checks = run.solution.checks
    temperature = np.asarray(model.temperature) - run.case.load.stress_free_temperature
    delta: Any = float(temperature) if temperature.ndim == 0 else [float(temperature.min()), float(temperature.max())]
    roots: dict[str, list[dict[str, Any]]] = {}
    for number, metric in enumerate(run.roots):
        entry = root_dict(metric)
        if number < len(run.around):
            entry |= rim_dict(run.around[number])
        if isinstance(metric.root, Rim) and metric.root in run.sections:
            entry |= rim_singularity(run.sections[metric.root])
        if isinstance(metric.root, Root) and metric.root in run.fields:
            field = run.fields[metric.root]
            entry |= root_entry(field, metric.root, metric.length)
            if run.harmonics is not None:
                entry["singularity"] += antiplane_list(field)
        if (metric.root, metric.length) in run.consistent:
            peel, shear = run.consistent[metric.root, metric.length]
            entry["consistent"] = {"peel": peel, "shear": shear}
        if run.harmonics is not None and isinstance(metric.root, Root):
            waves = run.harmonics.around.get((metric.root, metric.length))
            entry |= around_dict(waves) if waves is not None else {}
        roots.setdefault(metric.root.name, []).append(entry)
    components = model.kinematics.components
    probes: dict[str, Any] = {name: probe_entry(found, components) for name, found in run.probes.items()}
    for name in probes:
        if run.harmonics is not None:
            probes[name] |= probe_dict(run.harmonics, name)
    if run.heat is not None:
        from femsim.runs.heat import heat_dict, probe_heat

        for name in probes:
            probes[name] |= probe_heat(run.heat, name)
    document: dict[str, Any] = {
        "femsim": femsim.__version__,
        "case": {"name": run.case.name, "stack": run.case.stack, "kinematics": model.kinematics.name, "delta_t": delta},
        "mesh": {
            "nodes": len(model.mesh.points),
            "elements": len(model.mesh.cells),
            "dofs": model.ndof,
            "unknowns": model.constraints.count,
            "element": model.mesh.element,
            "smallest": None if run.quality is None else run.quality.smallest_edge,
            "worst_jacobian": None if run.quality is None else run.quality.worst_jacobian,
            "notes": list(run.discretisation.notes),
        },
        "metrics": {
            "roots": roots,
            "regions": {name: region_entry(found) for name, found in run.regions.items()},
            "left_out": left_out_list(run),
        },
        "probes": gathered(run.case, probes),
        "checks": {"residual": checks.residual, "reaction": checks.reaction, "energy": checks.energy},
        "timing": dict(run.timing),
        "solver": run.solution.factor.backend,
        "warnings": list(run.warnings),
    }
    if run.states:
        document |= temperatures_dict(run.case.load.temperatures, [results_dict(state) for state in run.states])
    if run.heat is not None:
        document["heat"] = heat_dict(run.heat)
    if run.steps:
        from femsim.runs.heat_steps import step_dict

        document["steps"] = [step_dict(step, model.kinematics.components) for step in run.steps]
    if run.worst is not None:
        from femsim.runs.heat_steps import step_dict
        from femsim.runs.heat_worst import worst_dict

        entry = step_dict(run.worst.step, model.kinematics.components)
        document["heat"]["worst"] = worst_dict(run.worst, entry)
        _gather(run, document["steps"])
    if run.case.path and "paths" in run.wanted:
        document["paths"] = {name: found.to_dict() for name, found in paths_of(run).items()}
    if run.corners:
        document["corners"] = {name: corner_entry(field) for name, field in run.corners.items()}
        if run.harmonics is not None:
            for name, field in run.corners.items():
                document["corners"][name]["singularity"] += antiplane_list(field)
    if run.cracks:
        document["cracks"] = [release_dict(found) for found in run.cracks]
    if run.adaptation is not None:
        document["refinement"] = {
            "tolerance": run.adaptation.tolerance,
            "met": run.adaptation.met,
            "reason": run.adaptation.reason,
            "steps": [
                {"unknowns": s.unknowns, "error": s.worst, "of": s.of, "values": s.values, "errors": s.errors}
                for s in run.adaptation.steps
            ],
        }
    if run.discretisation.cuts:
        document["cuts"] = cuts_list(run)
    if run.program:
        steps = [step_entry(step, run.materials, components) for step in run.program]
        _gather(run, steps)
        last = steps[-1]
        document["steps"] = steps
        document["metrics"]["regions"] = last["metrics"]["regions"]
        for name, entries in roots.items():
            for entry, flown in zip(entries, last["metrics"]["roots"][name], strict=True):
                entry |= {key: flown[key] for key in ("inelastic", "plastic_zone") if key in flown}
        document |= {key: last[key] for key in ("probes", "bow", "layers", "reactions", "axial_strain") if key in last}
        document["increments"] = sum(len(step.increments) for step in run.program)
        if run.cycles is not None:
            from femsim.runs.jumps import cycled_entry

            document["cycles"] = cycled_entry(run.cycles)
        if run.lives:
            document["life"] = [life_entry(life) for life in run.lives]
        return document
    curved = bow(model.space, run.solution.displacement) if "bow" in run.wanted else None
    document["bow"] = None if curved is None else asdict(curved)
    if run.harmonics is not None:
        document["harmonics"] = harmonics_list(run.harmonics)
        document["reactions"] = six_reactions(run.solution, run.harmonics)
    elif model.load.supports and "reactions" in run.wanted:
        document["reactions"] = reactions(run.solution.field, model.load)
    if model.kinematics.globals_:
        document["axial_strain"] = float(run.solution.globals_[0])
    return document


def _gather(run: Run, steps: list[dict[str, Any]]) -> None:
    for step in steps:
        step["probes"] = gathered(run.case, step["probes"])


def cuts_list(run: Run) -> list[dict[str, Any]]:
    """How well a sub-model agrees with the runs that gave its boundaries."""
    disc, solution = run.discretisation, run.solution
    found = []
    for cut in disc.cuts:
        place = run.case.boundary[cut.number]
        nodes = nodes_on(solution.model.mesh, solution.model.kinematics, place, f"boundary.{cut.number}")
        entry: dict[str, Any] = {"boundary": cut.name, "from": cut.source, "nodes": len(nodes)}
        if cut.axis is not None:
            fit = fitted(cut, solution.model.mesh.points[nodes])
            found.append({**entry, "waves": cut.axis.waves, "misfit": fit.misfit})
            continue
        both = agreement(solution.field, cut.fields, nodes)
        if both is not None:
            entry |= {
                "stress": both.stress,
                "difference": both.difference,
                "relative": both.relative,
                "largest": both.largest,
                "at": list(both.at),
            }
        found.append(entry)
    return found


def left_out_list(run: Run) -> list[dict[str, Any]]:
    """Averages that were asked for (or are taken by default) and that a conductor is too small to hold."""
    disc = run.discretisation
    roots: list[Root | Rim] = [*disc.roots, *disc.rims]
    return [
        {"root": root.name, "at": list(root.at), "length": length, "reach": reach(root)}
        for root in roots
        for length in disc.lengths
        if not fits(root, length)
    ]


def root_table(run: Run) -> list[list[str]]:
    """Rows of text, header first: root, place, length and the averages with their error estimates."""
    kinds = list(dict.fromkeys(kind for m in run.roots for kind in m.values))
    rows = [["root", "at (um)", "length (um)", *(f"{kind_words(kind)} (MPa)" for kind in kinds)]]
    for m in run.roots:
        found = [_with_error(m.values[kind].value, m.values[kind].error) if kind in m.values else "" for kind in kinds]
        rows.append([m.root.name, place(m.root.at), f"{m.length:g}", *found])
    return rows


def _with_error(value: float, error: float) -> str:
    return f"{value:.2f}" if np.isnan(error) else f"{value:.2f} +- {error:.2f}"


def left_out_words(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """The averages left out (``metrics.left_out`` of the JSON) in words, one sentence per root."""
    roots: dict[tuple[str, str, float], list[str]] = {}
    for entry in entries:
        key = entry["root"], place(entry["at"]), entry["reach"]
        roots.setdefault(key, []).append(length_text(entry["length"]))
    return [
        f"no average over {', '.join(lengths)} um at {root} {at}: its conductor reaches {reach:g} um"
        for (root, at, reach), lengths in roots.items()
    ]


def release_dict(found: Release | CrackFailure) -> dict[str, Any]:
    """A crack as the JSON of ``solve`` has it; of one that failed, the place and the reason.

    ``energy_release_rate`` is that of the domain integral (``domain``, +- ``domain_spread``), beside it that of virtual
    crack closure (``vcct`` = ``mode_1`` + ``mode_2``), J/m2. ``stress_intensity`` holds K_I and K_II in the usual
    normalisation, traction ahead of the tip times sqrt(2 pi r), at ``length`` um, where an interface crack's turn into
    each other (Rice 1988).
    """
    if isinstance(found, CrackFailure):
        return {"root": found.name, "length": found.length, "note": found.note}
    entry: dict[str, Any] = {
        "root": found.name,
        "length": found.length,
        "tip": list(found.tip),
        "energy_release_rate": found.domain,
        "vcct": found.vcct,
        "domain": found.domain,
        "domain_spread": found.spread,
        "mode_1": found.mode_1,
        "mode_2": found.mode_2,
        "edge": found.edge,
        "mode_mixity": found.mixity,
        "mode_mixity_length": found.mixity_length,
        "opening": found.opening,
        "unit": "J/m2",
    }
    if found.intensity is not None:
        entry["stress_intensity"] = intensity_dict(found.intensity, found.mixity_length)
    if found.note:
        entry["note"] = found.note
    return entry


def intensity_dict(found: tuple[float, float], length: float) -> dict[str, Any]:
    """K_I and K_II at a length (um) ahead of a crack's tip."""
    return {"K_I": found[0], "K_II": found[1], "length": length, "unit": "MPa um^0.5"}


def crack_table(cracks: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Rows of text, header first, of the JSON's cracks: place, energy release rate and what the modes are."""
    rows = [
        ["crack at root", "length (um)", "G (J/m2)", "by closure (J/m2)", "K_I", "K_II (MPa um^0.5)", "mixity (deg)"]
    ]
    for one in cracks:
        cells = [one["root"], f"{one['length']:g}"]
        if "energy_release_rate" not in one:
            rows.append([*cells, "failed", *[""] * 4])
            continue
        k = one.get("stress_intensity", {})
        cells.append(f"{one['energy_release_rate']:.4g} +- {one['domain_spread']:.1g}")
        cells.append(f"{one['vcct']:.4g}")
        cells += [f"{k[key]:.4g}" if key in k else "" for key in ("K_I", "K_II")]
        cells.append("" if one["mode_mixity"] is None else f"{one['mode_mixity']:.1f}")
        rows.append(cells)
    return rows


def crack_notes(cracks: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the table of the cracks needs said: the length of K, and each crack's own note."""
    lines = []
    if any("stress_intensity" in one for one in cracks):
        lines.append(
            "G of the domain integral, +- half its range over four domains; K and the mixity are those of the traction "
            "ahead of the tip, at a distance of the crack's length (on an interface they depend on it)"
        )
    return lines + [f"crack at {one['root']}, {one['length']:g} um: {one['note']}" for one in cracks if "note" in one]


def root_entry(field: RootField | str, root: Root, length: float) -> dict[str, Any]:
    """What the JSON says of the local field beside one root's averages: the singular terms, the expansion's averages,
    where it holds.
    """
    if isinstance(field, str):
        return {"singularity": [], "singularity_note": field}
    agreement = field.agreement
    return {
        "singularity": singularity_list(field, root),
        "expansion": {
            "peel": field.average(root, length, "yy"),
            "shear": field.average(root, length, "xy"),
            "agrees_from": agreement.low if np.isfinite(agreement.low) else None,
            "agrees_to": agreement.high if np.isfinite(agreement.high) else None,
            "within": agreement.within,
        },
    }


def corner_entry(field: RootField | str) -> dict[str, Any]:
    """What the JSON says of a named corner: its wedges, supports, singular terms and where the expansion agrees with
    the field.
    """
    if isinstance(field, str):
        return {"singularity": [], "singularity_note": field}
    corner, agreement = field.corner, field.agreement
    boundary = corner.junction.boundary
    tip = stress_intensity(field, 1.0)
    return {
        "at": list(corner.at),
        "wedges": [
            {"region": region, "from": wedge.angle_start, "to": wedge.angle_end}
            for region, wedge in zip(corner.regions, corner.junction.wedges, strict=True)
        ],
        "boundary": boundary if isinstance(boundary, str) else list(boundary),
        "singularity": singularity_list(field),
        **({} if tip is None else {"stress_intensity": intensity_dict(tip, 1.0)}),
        "agrees_from": agreement.low if np.isfinite(agreement.low) else None,
        "agrees_to": agreement.high if np.isfinite(agreement.high) else None,
    }
