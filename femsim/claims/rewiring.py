"""The 9 claims of the seed ``chip-on-chip-rewiring`` on a ``flipchip`` case (all) or a ``rewired-chip`` case (claim 9).

Elements are read off the painted layout: what lies on what, and whether the film is one piece. Roles name the parts; a
part that must conduct fails where its family is known to insulate. Films may have openings for terminals and vias, as
the claims themselves have them. Without a via the model shows no path from the rewiring to the second chip; claim 1
does not ask for a via (claim 8 does), so that stays open. The film's surface is substantially flat where its step is at
most a tenth of its thickness. The diffusion film of claims 5 and 6 must be known to conduct. Claim 9 is judged on the
first chip of a flipchip case, where its elements exist too.
"""

from __future__ import annotations

from typing import cast

from femsim.cases.stacks.flipchip import FlipchipCase
from femsim.claims.matter import conducts, family
from femsim.claims.model import Design, Finding, at_most
from femsim.claims.section import Section

#: a step of the film's surface, as a fraction of the film's thickness, up to which it is substantially flat
FLAT = 0.1


def findings(design: Design) -> dict[int, tuple[Finding, ...]]:
    """The own elements of every claim."""
    section = Section.of(design.layout)
    if not isinstance(design.case, FlipchipCase):
        one = Finding(
            "two chips, one on the other",
            False,
            "the stack rewired-chip has one chip: no second chip, no connection members",
        )
        return {1: (one,), **dict.fromkeys(range(2, 9), ()), 9: _opening(design, section, "chip", ("member",))}
    members = ("heat_sink", "rewiring")
    return {
        1: (
            _chips(section), _members(design, section), _film(design, section), _rewiring(design, section),
            _resin(section), _terminal(design, section),
        ),
        2: (_flat(design),),
        3: (_rear_contact(design, section),),
        4: (_heat_sink(section),),
        5: (_diffusion(design, section, "heat_sink", "heat-sink terminal", "heat_sink_radius"),),
        6: (_diffusion(design, section, "rewiring", "rewiring", "rear_contact_radius"),),
        7: (_rear_film(section),),
        8: (_via(design, section),),
        9: _opening(design, section, "first", members),
    }  # fmt: skip


def _case(design: Design) -> FlipchipCase:
    return cast(FlipchipCase, design.case)


def _insulates(design: Design, *roles: str) -> str:
    """The first of the roles whose material is known not to conduct, in words; empty where there is none."""
    for role in roles:
        if role in design.materials and conducts(design.materials[role]) is False:
            return f"{role} ({family(design.materials[role])}) does not conduct"
    return ""


# ---------------------------------------------------------------- claim 1


def _chips(section: Section) -> Finding:
    element = "second chip with a region not opposed to the first chip"
    first, second = section.columns("first"), section.columns("second")
    edge, far = float(section.x[1:][first].max()), float(section.x[1:][second].max())
    holds = bool((first & second).any() and (second & ~first).any())
    return Finding(element, holds, f"first chip to {edge:g} um, second chip to {far:g} um")


def _members(design: Design, section: Section) -> Finding:
    element = "connection members between the functional surfaces"
    fault = _insulates(design, "member")
    holds = section.on("second", "member") and section.on("member", "first") and not fault
    count = len(_case(design).geometry.member_rings)
    return Finding(element, holds, fault or f"{count} ring{'s' if count > 1 else ''} of members from chip to chip")


def _film(design: Design, section: Section) -> Finding:
    element = "continuous insulation film over non-opposed region and rear surface"
    if conducts(design.materials["insulation"]):
        return Finding(element, False, f"insulation ({family(design.materials['insulation'])}) conducts")
    first = section.columns("first")
    outside = section.columns("second") & ~first
    on_rear = section.covered("first", "insulation", "diffusion") & section.columns("insulation")
    on_second = section.covered("second", "insulation")
    if not section.joined("insulation", first, outside):
        g = _case(design).geometry
        return Finding(
            element, False,
            f"the film is not continuous: its step (insulation_step {g.insulation_step:g} um) is not < its thickness "
            f"(insulation_thickness {g.insulation_thickness:g} um)",
        )  # fmt: skip
    whole_circle = design.case.model.kinematics == "axisymmetric"
    rear, side = section.share(on_rear, first, whole_circle), section.share(on_second, outside, whole_circle)
    words = f"one film over {100 * rear:.3g} % of the rear surface and {100 * side:.3g} % of the non-opposed region"
    return Finding(element, rear > 0 and side > 0, f"{words} (openings are for terminals and vias)")


def _rewiring(design: Design, section: Section) -> Finding:
    element = "rewiring on the film, connected to the second functional element"
    fault = _insulates(design, "rewiring", "via")
    if fault or not section.on("insulation", "rewiring"):
        return Finding(element, False, fault or "the rewiring does not lie on the film")
    if section.on("second", "via") and section.on("via", "rewiring"):
        return Finding(element, True, "the rewiring lies on the film, via conductors connect it to the second chip")
    return Finding(
        element, None, "no path from the rewiring to the second chip is in the model (via_ring 0); via_ring > 0 decides"
    )


def _resin(section: Section) -> Finding:
    covered = section.covered("rewiring", "resin", "terminal")
    holds = bool((covered | ~section.columns("rewiring")).all() and section.on("rewiring", "resin"))
    return Finding(
        "protective resin over the rewiring",
        holds,
        "the resin covers the rewiring" if holds else "the rewiring lies bare",
    )


def _terminal(design: Design, section: Section) -> Finding:
    element = "external terminal from the rewiring through the resin"
    fault = _insulates(design, "terminal")
    above = section.top("terminal") - section.top("resin")
    holds = section.on("rewiring", "terminal") and above > 0 and not fault
    return Finding(element, holds, fault or f"terminals stand on the rewiring and {above:g} um out of the resin")


# ---------------------------------------------------------------- claims 2 to 8


def _flat(design: Design) -> Finding:
    g = _case(design).geometry
    limit = FLAT * g.insulation_thickness
    step = f"the film's surface has a step of {g.insulation_step:g} um"
    words = f"{step}, taken as flat up to {limit:g} um ({100 * FLAT:g} % of its thickness)"
    return Finding("substantially flat surface", at_most(g.insulation_step, limit), words)


def _rear_contact(design: Design, section: Section) -> Finding:
    element = "rewiring connected to the first rear surface"
    if section.on("first", "rewiring"):
        return Finding(element, True, "the rewiring stands on the rear surface")
    if not section.on("diffusion", "rewiring"):
        return Finding(element, False, "the rewiring does not reach the rear surface (rear_contact_radius 0)")
    film = conducts(design.materials["diffusion"])
    name = family(design.materials["diffusion"])
    words = f"the rewiring reaches the rear surface through a diffusion film of {name or 'a material without family'}"
    ends = {
        True: ", which conducts",
        False: ", which does not conduct",
        None: "; materials.diffusion.family decides whether it conducts",
    }
    return Finding(element, film, words + ends[film])


def _heat_sink(section: Section) -> Finding:
    element = "heat-sink terminal from the rear surface through the resin"
    if not section.of_role("heat_sink").any():
        return Finding(element, False, "there is no heat-sink terminal (heat_sink_radius 0)")
    above = section.top("heat_sink") - section.top("resin")
    holds = (section.on("first", "heat_sink") or section.on("diffusion", "heat_sink")) and above > 0
    return Finding(element, holds, f"it stands on the rear surface and {above:g} um out of the resin")


def _diffusion(design: Design, section: Section, role: str, name: str, key: str) -> Finding:
    element = f"conductive diffusion film under film and {name}"
    if not section.of_role("diffusion").any():
        return Finding(element, False, "there is no diffusion prevention film (diffusion_thickness 0)")
    if not (section.on("first", "diffusion") and section.on("diffusion", "insulation")):
        return Finding(
            element, False, "the diffusion film does not lie between the rear surface and the insulation film"
        )
    if not section.on("diffusion", role):
        return Finding(element, False, f"the {name} does not stand on the diffusion film ({key} 0)")
    kind, film = conducts(design.materials["diffusion"]), family(design.materials["diffusion"])
    if kind is None:
        words = (
            f"whether the diffusion film ({film or 'no family'}) conducts is not known; "
            f"materials.diffusion.family decides"
        )
        return Finding(element, None, words)
    g = _case(design).geometry
    words = f"a film of {film}, {g.diffusion_thickness:g} um, under the insulation film and the {name}"
    return Finding(element, kind, words if kind else f"{words}, which does not conduct")


def _rear_film(section: Section) -> Finding:
    holds = section.on("rear_film", "second")
    words = (
        "a film covers the second rear surface" if holds else "there is no rear protective film (rear_film_thickness 0)"
    )
    return Finding("protective film on the second rear surface", holds, words)


def _via(design: Design, section: Section) -> Finding:
    element = "via conductor from the non-opposed region through the film"
    if not section.of_role("via").any():
        return Finding(element, False, "there is no via conductor (via_ring 0)")
    fault = _insulates(design, "via")
    outside = not (section.columns("via") & section.columns("first")).any()
    holds = section.on("second", "via") and section.on("via", "rewiring") and outside and not fault
    g = _case(design).geometry
    words = (
        f"vias at {g.via_ring:g} um, outside the first chip ({g.first_radius:g} um), from the second chip to "
        f"the rewiring"
    )
    return Finding(element, holds, fault or words)


# ---------------------------------------------------------------- claim 9


def _opening(design: Design, section: Section, chip: str, members: tuple[str, ...]) -> tuple[Finding, ...]:
    """Claim 9: film on the rear surface, a member through an opening, a diffusion film under both."""
    film = section.covered(chip, "insulation", "diffusion") & section.columns("insulation")
    insulating = not conducts(design.materials["insulation"])
    whose = "the first chip's" if chip == "first" else "the chip's"
    found = [
        Finding(
            "insulation film on the rear surface", bool(film.any()) and insulating,
            f"a film of {family(design.materials['insulation']) or 'insulation'} covers {whose} rear surface",
        )
    ]  # fmt: skip
    reached = [m for m in members if section.on("diffusion", m) or section.on(chip, m)]
    element = "conductive member to the rear surface through an opening"
    fault = _insulates(design, *reached)
    through = bool(reached) and not section.on(chip, reached[0])
    barrier = conducts(design.materials["diffusion"]) if through else True
    if not reached:
        found.append(
            Finding(element, False, "nothing reaches the rear surface (heat_sink_radius 0 and rear_contact_radius 0)")
        )
    elif fault:
        found.append(Finding(element, False, fault))
    else:
        ends = {
            True: "",
            False: ", but the diffusion film between does not conduct",
            None: "; materials.diffusion.family decides whether the film between conducts",
        }
        name = {"heat_sink": "the heat-sink terminal", "rewiring": "the rewiring"}.get(reached[0], "the member")
        found.append(Finding(element, barrier, f"{name} reaches {whose} rear surface through the film{ends[barrier]}"))
    between = (
        section.on(chip, "diffusion")
        and section.on("diffusion", "insulation")
        and any(section.on("diffusion", m) for m in reached)
    )
    missing = "there is no diffusion prevention film (diffusion_thickness 0)"
    partly = "the diffusion film does not lie under both film and member"
    words = "the diffusion film lies under the insulation film and the member"
    thick = section.of_role("diffusion").any()
    found.append(
        Finding("diffusion film under film and member", between, words if between else (partly if thick else missing))
    )
    return tuple(found)
