"""An elastic model as an input deck of Abaqus or CalculiX: the same mesh, materials, supports and loads, so that a user
can check femsim with a tool he trusts.

Units are um, MPa, uN and degC. Supports are written degree of freedom by degree of freedom, loads as the consistent
nodal forces that femsim uses (over the full circle in axisymmetry, per um of depth in plane models). The expansion of
every region is written so that alpha (T - T0) is exactly the free strain at the load's temperature, with T0 the load's
stress-free temperature: own stress-free temperatures, tables and instantaneous coefficients are in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np

import femsim
from femsim.base.arrays import FloatArray, IntArray
from femsim.base.errors import InputError
from femsim.models.assembly import external_force
from femsim.models.model import Model
from femsim.models.space import HELD

Dialect = Literal["abaqus", "calculix"]

#: names of elements by kinematics, less the number of nodes
_FAMILIES = {"axisymmetric": "CAX", "plane-strain": "CPE", "plane-stress": "CPS", "3d": "C3D"}
#: knots of a table over temperature, where the load is a field
KNOTS = 41
#: pairs (row, column) of a stiffness in the order of *ELASTIC, TYPE=ORTHO
_ORTHO = ((0, 0), (0, 1), (1, 1), (0, 2), (1, 2), (2, 2), (3, 3), (4, 4), (5, 5))


def deck(model: Model, name: str, dialect: Dialect) -> str:
    """The deck's text. Raises InputError for what neither program can be told: generalised plane strain, harmonics,
    nine-node elements, temperatures that jump, materials turned out of the axes.
    """
    refuse(model, dialect)
    mesh = model.mesh
    temperature = np.asarray(model.temperature, dtype=float)
    if temperature.ndim > 1:
        raise InputError("export: temperatures that jump at a thermal contact cannot be written node by node")
    lines = [
        "*HEADING",
        f"{name}: written by femsim {femsim.__version__}; um, MPa, uN, degC",
        *mesh_lines(model),
        *material_lines(model),
        *support_lines(model),
        "*INITIAL CONDITIONS, TYPE=TEMPERATURE",
        f"NALL, {digits(_start(model))}",
        "*STEP",
        "*STATIC",
        "1., 1.",
        "*TEMPERATURE",
    ]
    if temperature.ndim == 0:
        lines.append(f"NALL, {digits(float(temperature))}")
    else:
        used = np.unique(mesh.cells)
        lines += [f"{i + 1}, {digits(t)}" for i, t in zip(used.tolist(), temperature[used].tolist(), strict=True)]
    lines += _loads(model)
    if dialect == "calculix":
        lines += ["*NODE PRINT, NSET=NALL", "U", "*NODE FILE", "U, RF", "*EL FILE", "S"]
    else:
        lines += ["*OUTPUT, FIELD", "*NODE OUTPUT", "U, RF", "*ELEMENT OUTPUT", "S"]
    return "\n".join([*lines, "*END STEP", ""])


def refuse(model: Model, dialect: Dialect) -> None:
    """Raise InputError for kinematics and elements that the programs have not."""
    mesh, kinematics = model.mesh, model.kinematics
    if kinematics.name not in _FAMILIES or kinematics.harmonic:
        raise InputError(f"export: {kinematics.name} has no element in {dialect}; use {', '.join(_FAMILIES)}")
    if mesh.element in ("quad9", "hex27", "wedge18"):
        raise InputError(f"export: {mesh.element} has no counterpart there; use quad8, hex20 or wedge15")


def _start(model: Model) -> float:
    """The temperature the strains of all regions count from."""
    return float(np.max(model.free_temperature))


def mesh_lines(model: Model, reduced: bool = False) -> Iterator[str]:
    """Nodes, elements by region and named sets; ``reduced``: eight-node elements that do not lock where they flow."""
    mesh = model.mesh
    used = np.unique(mesh.cells)
    yield "*NODE, NSET=NALL"
    for i, x in zip(used.tolist(), mesh.points[used].tolist(), strict=True):
        yield f"{i + 1}, " + ", ".join(map(digits, x))
    kind = f"{_FAMILIES[model.kinematics.name]}{mesh.cells.shape[1]}"
    kind += "R" if reduced and mesh.element in ("quad8", "hex20") else ""
    for number, region in enumerate(mesh.regions):
        own = np.flatnonzero(mesh.region == number)
        if len(own):
            yield f"*ELEMENT, TYPE={kind}, ELSET={_set(region, number)}"
            for cell, nodes in zip((own + 1).tolist(), (mesh.cells[own] + 1).tolist(), strict=True):
                yield from _wrapped([cell, *nodes])
    for number, name in enumerate(mesh.places):
        yield f"*NSET, NSET=P{number + 1}_{_plain(name)}"
        yield from _wrapped((mesh.nodes_on(name) + 1).tolist(), cut=True)


def material_lines(
    model: Model,
    reach: tuple[float, float] | None = None,
    laws: Callable[[str], Iterator[str]] = lambda region: iter(()),
) -> Iterator[str]:
    """Elasticity and expansion of every region, at the temperatures of the load or over a ``reach`` (degC), with the
    lines that its law adds, and its section.
    """
    mesh = model.mesh
    field = np.asarray(model.temperature, dtype=float)
    low, high = reach or (float(field.min()), float(field.max()))
    start, at = _start(model), [low] if low == high else np.linspace(low, high, KNOTS).tolist()
    for number, region in enumerate(mesh.regions):
        if not np.any(mesh.region == number):
            continue
        material, name = model.materials[region], _set(region, number)
        yield f"*MATERIAL, NAME=M_{name}"
        # ours are (r, t, z); the decks' (r, z, t)
        order = np.array([0, 2, 1, 4, 5, 3] if model.kinematics.radial else [0, 1, 2, 5, 4, 3])
        stiffness = [material.stiffness(t, model.kinematics.plane)[np.ix_(order, order)] for t in at]
        if material.is_isotropic:
            yield "*ELASTIC"
            for t in at:
                e, nu = float(material.youngs_modulus[0].at(t)), float(material.poisson_ratio[0].at(t))
                yield f"{digits(e)}, {digits(nu)}, {digits(t)}"
        else:
            yield "*ELASTIC, TYPE=ORTHO"
            for t, c in zip(at, stiffness, strict=True):
                rest = c.copy()
                for i, j in _ORTHO:
                    rest[i, j] = rest[j, i] = 0.0
                if np.abs(rest).max() > 1e-9 * np.abs(c).max():
                    raise InputError(f"export: {region} is turned out of the axes of the drawing; it cannot be written")
                yield from _wrapped([*(float(c[i, j]) for i, j in _ORTHO), t], width=8)
        rates = []
        for t in at:
            # at the start itself the rate is that of a small step, which nothing depends on
            other = t if abs(t - start) > 1e-6 else start + 1e-3
            strain = model.free_strain(number, other)[order]
            if np.abs(strain[3:]).max() > 1e-15:
                raise InputError(f"export: {region} expands in shear; it cannot be written")
            if abs(t - start) <= 1e-6 and np.abs(model.free_strain(number, t)).max() > 1e-15:
                raise InputError(f"export: {region} has a free strain at its temperature itself; it cannot be written")
            rates.append(strain[:3] / (other - start))
        even = all(np.ptp(rate) <= 1e-15 for rate in rates)
        yield f"*EXPANSION, ZERO={digits(start)}" + ("" if even else ", TYPE=ORTHO")
        for t, rate in zip(at, rates, strict=True):
            yield ", ".join(digits(float(v)) for v in [*(rate[:1] if even else rate), t])
        yield from laws(region)
        yield f"*SOLID SECTION, ELSET={name}, MATERIAL=M_{name}"
        if model.kinematics.dim == 2:
            yield "1."  # of depth, um; nothing to an axisymmetric element


def support_lines(model: Model) -> Iterator[str]:
    """Held degrees of freedom, and ties as equations."""
    space = model.space
    width, nodal = space.width, space.nodal
    equation = space.constraints.equation[:nodal]
    used = np.zeros(nodal, dtype=bool)
    used.reshape(-1, width)[np.unique(space.mesh.cells)] = True
    held = np.flatnonzero((equation == HELD) & used)
    fixed = held[model.load.prescribed[held] == 0.0]
    if len(fixed):
        yield "*BOUNDARY"
        for dof in fixed.tolist():
            yield f"{dof // width + 1}, {dof % width + 1}, {dof % width + 1}"
    owner: dict[int, int] = {}
    rows: list[list[tuple[int, int, float]]] = []
    free = np.flatnonzero((equation >= 0) & used)
    for dof, number in zip(free.tolist(), equation[free].tolist(), strict=True):
        first = owner.setdefault(number, dof)
        if first != dof:
            rows.append([(dof // width + 1, dof % width + 1, 1.0), (first // width + 1, first % width + 1, -1.0)])
    links = space.constraints.links
    extra = len(space.mesh.points) + 1
    nodes: dict[int, int] = {}
    for dof in np.unique(links.dof[links.dof < nodal]).tolist():
        row = [(dof // width + 1, dof % width + 1, 1.0)]
        own = np.flatnonzero(links.dof == dof)
        for number, factor in zip(links.equation[own].tolist(), links.coefficient[own].tolist(), strict=True):
            if number in owner:
                to = owner[number]
                row.append((to // width + 1, to % width + 1, -factor))
            else:  # an unknown of no node: a node of its own
                row.append((nodes.setdefault(number, extra + len(nodes)), 1, -factor))
        if model.load.prescribed[dof] != 0.0:
            raise InputError("export: a line that is straight about a prescribed shape cannot be written")
        rows.append(row)
    if nodes:
        yield "*NODE, NSET=NEXTRA"
        for node in nodes.values():
            yield f"{node}, " + ", ".join(["0."] * model.kinematics.dim)
    for row in rows:
        yield "*EQUATION"
        yield str(len(row))
        yield from _wrapped([part for term in row for part in term], width=12, cut=True)


def _loads(model: Model) -> Iterator[str]:
    """Displacements that move, and nodal forces."""
    space = model.space
    width = space.width
    held = np.flatnonzero(space.constraints.equation[: space.nodal] == HELD)
    moved = held[model.load.prescribed[held] != 0.0]
    if len(moved):
        yield "*BOUNDARY"
        for dof, value in zip(moved.tolist(), model.load.prescribed[moved].tolist(), strict=True):
            yield f"{dof // width + 1}, {dof % width + 1}, {dof % width + 1}, {digits(value)}"
    force = external_force(space, model.load)[: space.nodal]
    loaded = np.flatnonzero(force)
    if len(loaded):
        yield "*CLOAD"
        for dof in loaded.tolist():
            yield f"{dof // width + 1}, {dof % width + 1}, {digits(float(force[dof]))}"


def _wrapped(values: list[int] | list[float], width: int = 12, cut: bool = False) -> Iterator[str]:
    """Values in lines of at most ``width``; a line that goes on ends in a comma, unless each stands alone (``cut``)."""
    for start in range(0, len(values), width):
        more = start + width < len(values) and not cut
        yield ", ".join(map(digits, values[start : start + width])) + ("," if more else "")


def digits(value: int | float) -> str:
    """A number in at most twenty signs, which is what decks take."""
    return str(value) if isinstance(value, int) else f"{value:.13e}" if value else "0."


def _set(region: str, number: int) -> str:
    """The name of a region's set: short, upper case, without signs that decks do not take."""
    return f"R{number + 1}_{_plain(region)}"


def _plain(name: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in name).upper()[:60]


def read_displacements(text: str, count: int, width: int) -> FloatArray:
    """Displacements (count, width) of the nodes out of a ``.dat`` file of CalculiX; not a number for nodes it lacks."""
    found = np.full((count, width), np.nan)
    for line in text.splitlines():
        parts = line.split()
        if len(parts) == 4 and parts[0].isdecimal() and int(parts[0]) <= count:
            found[int(parts[0]) - 1] = [float(part) for part in parts[1 : 1 + width]]
    return found


def used_nodes(model: Model) -> IntArray:
    """Numbers of the nodes that cells use."""
    return np.unique(model.mesh.cells)
