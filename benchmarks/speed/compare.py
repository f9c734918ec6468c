"""Are the results equal? Every peer's displacements go through femsim's own functionals for the tractions at the root.

``python compare.py 200k reference.npz other.npz ...`` prints one JSON document. Displacements are matched by position.
CalculiX, which has no nine-node element, is compared with femsim's eight-node elements on the same cells; in space,
where it has none with 27 nodes, with those of 20. There the functionals are the work of the thermal load, u . f, and
the displacement of the conductor's tip.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from problem import LENGTH, ROOT, load
from solid import held_model

#: relative agreement that counts as five digits
FIVE_DIGITS = 1.0e-5


def nodal(model: Any, path: Path) -> np.ndarray:
    """Displacement (N, d) at the model's nodes from a result file."""
    from scipy.spatial import cKDTree

    with np.load(path) as file:
        points, values = file["points"], file["displacement"]
    if points.shape == model.mesh.points.shape and np.array_equal(points, model.mesh.points):
        return values
    distance, which = cKDTree(points).query(model.mesh.points)
    if distance.max() > 1e-6:
        raise ValueError(f"{path.name}: no value within {distance.max():g} um of a node")
    return values[which]


def without_middles(disc: Any) -> Any:
    """The same mesh with eight-node elements, in space with those of 20."""
    mesh = disc.mesh
    kept, element = (8, "quad8") if mesh.dim == 2 else (20, "hex20")
    used = np.unique(mesh.cells[:, :kept])
    number = np.full(len(mesh.points), -1)
    number[used] = np.arange(len(used))
    lines = {name: number[nodes] for name, nodes in mesh.lines.items()}
    small = replace(mesh, points=mesh.points[used], cells=number[mesh.cells[:, :kept]], element=element, lines=lines)
    return replace(disc, mesh=small)


class Measured:
    """The problem with its functionals, on nine-node elements or, for a program that has none, eight-node ones."""

    def __init__(self, size: str, eight: bool = False) -> None:
        from femsim.builders.build import build_model, resolve_materials
        from femsim.measures.averages import averages

        case, disc, model = load(size)
        if eight:
            disc = without_middles(disc)
            model = build_model(disc, resolve_materials(case, disc))
        self.solid = model.mesh.dim == 3
        self.model = held_model(model) if self.solid else model
        if self.solid:
            self.tip = disc.layout.points[0].at
        else:
            (self.average,) = averages(model.space, disc.roots, (LENGTH,))

    def of(self, displacement: np.ndarray) -> dict[str, float]:
        """Peel and shear (MPa) of nodal displacements; in space work (uN um) and the tip's displacement (um)."""
        from femsim.models.assembly import thermal_force
        from femsim.models.fields import ElasticField

        if self.solid:
            points = self.model.mesh.points
            tip = np.argmin(np.linalg.norm(points - (self.tip[0], 0.0, self.tip[-1]), axis=1))
            return {
                "work": float(thermal_force(self.model) @ displacement.ravel()),
                "tip": float(displacement[tip, 2]),
            }
        field = ElasticField(self.model, displacement.ravel())
        return {"peel": self.average.peel.value(field), "shear": self.average.shear.value(field)}

    def solved(self) -> np.ndarray:
        """femsim's own displacement on this mesh."""
        from femsim.solvers.solve import solve

        return solve(self.model).displacement

    def difference(self, reference: np.ndarray, path: Path) -> dict[str, Any]:
        """How far a result is from the reference: displacement by its largest value, tractions each by its own."""
        own = nodal(self.model, path)
        wanted, found = self.of(reference), self.of(own)
        result: dict[str, Any] = {
            "displacement": float(np.abs(own - reference).max() / np.abs(reference).max()),
            **found,
        }
        for name, value in wanted.items():
            result[f"{name}_difference"] = abs(found[name] - value) / abs(value)
        result["equal"] = max(result["displacement"], *(result[f"{name}_difference"] for name in wanted)) <= FIVE_DIGITS
        return result


def main() -> None:
    size, reference, *others = sys.argv[1:]
    nine = Measured(size)
    wanted = nodal(nine.model, Path(reference))
    report: dict[str, Any] = {"reference": nine.of(wanted)}
    eight: Measured | None = None
    for name in others:
        path = Path(name)
        if path.stem.startswith("calculix"):
            eight = eight or Measured(size, eight=True)
            report[path.stem] = found = eight.difference(eight.solved(), path)
            # the tractions, differences of displacements, have fewer
            found["note"] = f"{eight.model.mesh.element}, seven printed digits"
            found["equal"] = found["displacement"] <= FIVE_DIGITS
        else:
            report[path.stem] = nine.difference(wanted, path)
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
