"""Faults of a case's materials that need no mesh: roles it does not have or lacks, library names that do not exist,
constants and laws that are not whole.
"""

from __future__ import annotations

from femsim.base.errors import InputError, nearest
from femsim.cases.laws import LAWS
from femsim.cases.material import ELASTIC, MaterialRef
from femsim.cases.own import constituents, own_names
from femsim.cases.parts import CaseBase
from femsim.cases.wording import Finding, Key, one_of, show


def material_fault(case: CaseBase) -> Finding | None:
    """A role the stack does not have, one it needs and is not given, or a library name that does not exist."""
    from femsim.cases.library import list_materials, read_material
    from femsim.cases.merge import merged

    roles = case.ROLES
    own = own_names(case)
    for role in case.materials if roles else ():
        if role not in roles and role not in own:
            return Finding(
                ("materials", role), f"no role of that name in this stack; {one_of(roles)}{nearest(role, roles)}"
            )
    for role in case.needed_roles():
        if role not in case.materials and role not in case.STANDARD:
            return Finding(("materials", role), "missing; give a library name or { E = ..., nu = ..., cte = ... }")
    named: list[tuple[Key, MaterialRef]] = [(("materials", role), ref) for role, ref in case.materials.items()]
    for _, key, ref in case.own_materials():
        named.append((tuple(int(part) if part.isdecimal() else part for part in key.split(".")), ref))
    library = list_materials()
    for path, ref in (found for start in named for found in constituents(*start)):
        like = ref if isinstance(ref, str) else ref.like
        if like in own:
            continue
        if like is not None and like not in library:
            inner = path if isinstance(ref, str) else (*path, "like")
            return Finding(
                inner,
                f"no material {show(like)} in the library{nearest(like, [*library, *case.materials])}; "
                "`femsim materials` lists them",
            )
        if isinstance(ref, str):
            continue
        if like is None:
            given = [key for key in ELASTIC if getattr(ref, key) is not None]
            for key in ELASTIC if given or ref.conductivity is None else ():
                if key not in given:
                    return Finding(
                        (*path, key), 'missing; give E (GPa), nu and cte (ppm/K), or like = "a library material"'
                    )
        given_laws = ref.model_dump(by_alias=True, exclude_none=True, exclude_unset=True, include=set(LAWS))
        for law in given_laws:
            try:
                merged({law: given_laws[law]}, read_material(like) if like is not None else None)
            except InputError as error:
                return Finding((*path, law), str(error).removeprefix(f"{law}: "))
    return None
