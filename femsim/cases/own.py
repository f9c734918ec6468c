"""Materials a case calls by names of its own.

A name in ``[materials]`` that is no role and no region of the case is a material of its own: blocks, layers, composites
and other entries of ``[materials]`` refer to it, by ``"m0"`` or with overrides by ``{ like = "m0", E = 3 }``. It goes
before a library material of the same name.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from femsim.base.errors import InputError
from femsim.cases.library import list_materials, read_material
from femsim.cases.material import ELASTIC, CompositeSpec, MaterialRef, MaterialSpec
from femsim.cases.parts import CaseBase
from femsim.cases.wording import dotted

#: keys under which a composite names its constituents
PARTS = ("matrix", "particles", "coating")


def constituents(path: tuple[str | int, ...], ref: MaterialRef) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """A material, or those a composite is made of, with their keys."""
    if not isinstance(ref, CompositeSpec):
        yield path, ref
        return
    for key in PARTS:
        part = getattr(ref, key)
        if part is not None:
            yield from constituents((*path, key), part)
    for index, layer in enumerate(ref.layers or ()):
        yield from constituents((*path, "layers", index, "material"), layer.material)


def references(ref: MaterialRef) -> Iterator[str]:
    """The names that a material refers to: of the library, or of the case."""
    for _, part in constituents((), ref):
        name = part if isinstance(part, str) else part.like
        if name is not None:
            yield name


def own_names(case: CaseBase, regions: Collection[str] = ()) -> dict[str, MaterialRef]:
    """The case's own materials: entries of ``[materials]`` that are no role or region, and that something refers to.

    Of an imported mesh the ``regions`` are known only once it is read; before that any name may be its own.
    """
    parts = {part.region for part in case.own_materials()}
    free = {
        name: ref
        for name, ref in case.materials.items()
        if name not in case.ROLES and name not in parts and name not in regions
    }
    if not free:
        return {}
    refs = [*case.materials.values(), *(part.material for part in case.own_materials())]
    used = {name for ref in refs for name in references(ref)}
    return {name: ref for name, ref in free.items() if name in used}


def material_refs(case: CaseBase, regions: Collection[str] = ()) -> dict[str, tuple[str, MaterialRef]]:
    """Material by role or region, with the key it stands under, names of the case's own replaced by what they mean.

    Raises InputError for a material that refers to itself, a region given twice, or overrides that cannot be.
    """
    own = own_names(case, regions)
    found: dict[str, tuple[str, MaterialRef]] = {
        role: (f"materials.{role}", ref) for role, ref in {**case.STANDARD, **case.materials}.items() if role not in own
    }
    for part in case.own_materials():
        if part.region in case.materials:
            raise InputError(f"materials.{part.region}: given twice; {part.key} names it already")
        found.setdefault(part.region, (part.key, part.material))
    return {role: (key, substituted(ref, own, key)) for role, (key, ref) in found.items()} if own else found


def substituted(ref: MaterialRef, own: Mapping[str, MaterialRef], key: str) -> MaterialRef:
    """A material without references to names of the case's own."""
    if not any(name in own for name in references(ref)):
        return ref
    plain = _plain(ref.tables() if not isinstance(ref, str) else ref, own, key, ())
    try:
        return _adapter().validate_python(plain)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        text = str(first["msg"]).removeprefix("Value error, ")
        raise InputError(f"{key}: {text}") from None


@functools.cache
def _adapter() -> TypeAdapter[MaterialRef]:
    return TypeAdapter(MaterialRef)


def _plain(ref: Any, own: Mapping[str, MaterialRef], key: str, seen: tuple[str, ...]) -> Any:
    """The tables of a material with names of the case's own replaced."""
    if isinstance(ref, str):
        return _meaning(ref, own, key, seen) if ref in own else ref
    if "composite" in ref:
        inner = {part: _plain(ref[part], own, key, seen) for part in PARTS if part in ref}
        if "layers" in ref:
            inner["layers"] = [
                {**layer, "material": _plain(layer["material"], own, key, seen)} for layer in ref["layers"]
            ]
        return {**ref, **inner}
    name = ref.get("like")
    if name not in own:
        return ref
    base = _meaning(name, own, key, seen)
    base = {"like": base} if isinstance(base, str) else dict(base)
    if "composite" in base:
        raise InputError(f"{key}.like: {name!r} is a composite, which takes no overrides")
    over = {k: v for k, v in ref.items() if k != "like"}
    if "E" in over and "G" in base and "G" not in over and not isinstance(over["E"], list):
        base.pop("G")  # an isotropic override of an orthotropic material
    return {**base, **over}


def _meaning(name: str, own: Mapping[str, MaterialRef], key: str, seen: tuple[str, ...]) -> Any:
    if name in seen:
        raise InputError(f"{dotted(('materials', name))}: refers to itself (by way of {' and '.join(seen)})")
    ref = own[name]
    return _plain(ref if isinstance(ref, str) else ref.tables(), own, key, (*seen, name))


def conducts_only(case: CaseBase) -> bool:
    """Whether no material that a case names has E, nu or cte: seen without a mesh."""
    if case.heat is None:
        return False
    refs: list[MaterialRef] = [*{**case.STANDARD, **case.materials}.values()]
    for name in ("block", "layer"):
        refs += [entry.material for entry in getattr(case, name, ())]
    known = set(list_materials())

    def conducts(ref: MaterialRef) -> bool:
        if isinstance(ref, CompositeSpec):
            return False
        like = ref if isinstance(ref, str) else ref.like
        library = like is not None and like not in case.materials
        if library and (like not in known or any(key in read_material(like or "").to_spec() for key in ELASTIC)):
            return False
        return not (isinstance(ref, MaterialSpec) and any(getattr(ref, key) is not None for key in ELASTIC))

    return all(conducts(ref) for ref in refs)
