"""What a case can get wrong and a mesh can show: found before the first solve.

Whatever is asked of the results is looked up on the mesh first: the side a probe lies on, the node and the wedges of a
corner, the interface a crack runs along, the averages over every length, the metrics that a refinement is for.
"""

from __future__ import annotations

from collections.abc import Sequence

from femsim.base.errors import InputError, NoExpansionError, nearest
from femsim.builders.build import corners_of, probes_of
from femsim.builders.discretisation import Discretisation
from femsim.measures.averages import KINDS, lengths_at
from femsim.measures.corner.corner import corner_at
from femsim.measures.places import path_rows
from femsim.measures.stress import side_of
from femsim.meshes.layout import Rim, Root
from femsim.models.model import Model
from femsim.runs.cracks import cracked_roots, opened_mesh
from femsim.runs.names import Output, find, named


def check(disc: Discretisation, model: Model) -> None:
    """Raises InputError, in one line that names the key, for anything that the results could not give.

    A corner without a local field that can be expanded is no fault of the case: its results say why.
    """
    case, mesh = disc.case, disc.mesh
    if case.uncertain:
        from femsim.runs.scatter import uncertain_of  # few cases have any

        uncertain_of(case)
    for probe in probes_of(disc):
        side_of(mesh, probe.at, probe.region, probe.key)
    for index, path in enumerate(case.path):
        path_rows(mesh, path.start, path.end, path.region, path.n, f"path.{index}")
    for index, corner in enumerate(corners_of(disc)):
        if corner.region is not None and corner.region not in mesh.regions:
            raise InputError(
                f"corner.{index}.region: no region {corner.region!r}{nearest(corner.region, mesh.regions)}; there are: "
                f"{', '.join(mesh.regions)}"
            )
        try:
            corner_at(model, (corner.at[0], corner.at[1]), corner.name, corner.region)
        except NoExpansionError:
            continue
        except InputError as error:
            raise InputError(str(error).replace(f"corner {corner.name}:", f"corner.{index}.at:")) from None
    for label, root, length in cracked_roots(disc):
        opened_mesh(disc, root, length, label)
    if case.mesh.tolerance is not None:
        if not disc.roots:
            raise InputError("mesh.tolerance: the case has no root whose metrics could be refined for")
        metrics = [(root, length) for root in disc.roots for length in lengths_at(root, disc.lengths)]
        goal_metrics(metrics, case.mesh.goals)


def goal_metrics(metrics: Sequence[tuple[Root | Rim, float]], goals: Sequence[str]) -> list[bool]:
    """Which metrics (each kind of every average, in their order) count: all, or those that the goals name; a root, a
    kind at a root, or one metric by its name. Raises InputError for a goal that names none.
    """
    outputs = [
        (root, kind, Output(one.name(kind), one.key(kind), one.path(kind), 0.0))
        for one, (root, _) in zip(named((r.name, r.at, x) for r, x in metrics), metrics, strict=True)
        for kind in KINDS
    ]
    counted = [not goals] * len(outputs)
    for index, goal in enumerate(goals):
        meant = find(goal, [output for _, _, output in outputs])
        own = [goal in (root.name, f"{root.name}.{kind}") or output in meant for root, kind, output in outputs]
        if not any(own):
            known = [text for root, kind, o in outputs for text in (root.name, f"{root.name}.{kind}", o.name)]
            there = ", ".join(dict.fromkeys(known))
            raise InputError(
                f"mesh.goals.{index}: {goal!r} is no root metric{nearest(goal, known)}; there are: {there}"
            )
        counted = [a or b for a, b in zip(counted, own, strict=True)]
    return counted
