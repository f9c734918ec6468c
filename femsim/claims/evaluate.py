"""A case held against the claims of the seed its stack belongs to."""

from __future__ import annotations

from collections.abc import Callable

from femsim.base.errors import InputError
from femsim.builders.blends import resolve_ref
from femsim.builders.build import build_layout
from femsim.builders.resolve import ResolvedMaterial
from femsim.cases.case import Case
from femsim.cases.own import material_refs
from femsim.cases.parts import CaseBase, PointData
from femsim.claims import bilayer, conductor, rewiring
from femsim.claims.model import Assessment, Claim, Design, Finding
from femsim.claims.text import SEEDS

Check = Callable[[Design], dict[int, tuple[Finding, ...]]]

#: stack -> seed and the module that knows its claims
CHECKS: dict[str, tuple[str, Check]] = {
    "bilayer": ("bilayer-resin", bilayer.findings),
    "staggered": ("stress-absorbing-conductor", conductor.findings),
    "flipchip": ("chip-on-chip-rewiring", rewiring.findings),
    "rewired-chip": ("chip-on-chip-rewiring", rewiring.findings),
}


def evaluate(case: Case) -> Assessment:
    """Every claim of the case's seed: it needs no mesh and solves nothing."""
    if case.stack not in CHECKS:
        raise InputError(f"stack: {case.stack!r} belongs to no seed; claims are checked for {', '.join(CHECKS)}")
    seed, check = CHECKS[case.stack]
    layout = build_layout(case)
    if layout is None:  # pragma: no cover - stacks of seeds all have one
        raise InputError(f"stack: {case.stack!r} has no layout")
    design = Design(case, resolved(case), layout)
    found = check(design)
    claims: dict[int, Claim] = {}
    for text in SEEDS[seed]:
        parent = None if text.parent is None else claims[text.parent]
        claims[text.number] = Claim(text, found[text.number], parent)
    return Assessment(seed, design, claims)


def resolved(case: CaseBase) -> dict[str, ResolvedMaterial]:
    """Materials by role, of those roles the case needs; the layers of a staggered conductor as ``layer_1`` ..."""
    t = case.load.shown
    free = case.load.stress_free_temperature
    span = (free,) if isinstance(t, PointData) else (*(case.load.temperatures or (float(t),)), free)
    parts = [part.region for part in case.own_materials()]
    refs = material_refs(case)
    wanted = {role: refs[role] for role in dict.fromkeys([*case.STANDARD, *case.needed_roles(), *parts])}
    return {role: resolve_ref(role, ref, span, key) for role, (key, ref) in wanted.items()}
