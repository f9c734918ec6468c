"""A case as Python has it: loaded from a file, a name or a dictionary, changed only through checked copies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from femsim.base.errors import InputError, nearest
from femsim.cases.case import Case as CheckedCase
from femsim.cases.casefile import case_from, changed_case, dump_case, load_case, toml_value


@dataclass(frozen=True, repr=False)
class Case:
    """A checked case: ``checked`` is what its file may say, ``base`` the directory its mesh file is relative to.

    >>> case = fs.load("bilayer")
    >>> case["geometry.post_radius"]
    50.0
    >>> wider = case.with_values({"geometry.post_radius": 60})
    """

    checked: CheckedCase
    base: Path = Path()

    @property
    def name(self) -> str:
        """The case's name."""
        return self.checked.name

    @property
    def stack(self) -> str:
        """Which stack it is."""
        return self.checked.stack

    def with_values(self, values: Mapping[str, Any]) -> Case:
        """A copy with keys changed, ``{"geometry.ratio": 8}``, checked as a file is. Raises InputError."""
        return Case(changed_case(self.checked, plain(values)), self.base)

    def __getitem__(self, key: str) -> Any:
        """The value under a dotted key, also one left at its default. Raises InputError where there is none."""
        node: Any = self.to_dict()
        for part in key.split("."):
            known: list[str] = list(node) if isinstance(node, dict) else []
            if isinstance(node, list) and part.isdecimal() and int(part) < len(node):
                node = node[int(part)]
            elif isinstance(node, dict) and part in node:
                node = node[part]
            else:
                raise InputError(f"{key}: the case has no such key, or leaves it open{nearest(part, known)}")
        return node

    def to_dict(self) -> dict[str, Any]:
        """All keys as the tables of a file, also those left at their defaults."""
        from femsim.cases.casefile import parse_toml

        return parse_toml(self.to_toml(), self.name)

    def to_toml(self) -> str:
        """All keys as the text of a case file."""
        return dump_case(self.checked)

    def __repr__(self) -> str:
        return f"<Case {self.name!r}: stack {self.stack}, {self.checked.model.kinematics}>"


def load(
    source: str | Path | Mapping[str, Any] | Case, values: Mapping[str, Any] | None = None, base: str | Path = "."
) -> Case:
    """A case from a file, the name of a shipped one, a dictionary like a file's tables, or another case.

    ``values`` are changed keys, ``{"geometry.ratio": 8, "materials.low.E": 3}``; ``base`` is the directory that a
    dictionary's mesh file is relative to. Raises InputError, in one line that names the key, for anything wrong.

    >>> fs.load("bilayer", {"geometry.ratio": 8})
    <Case 'bilayer': stack bilayer, axisymmetric>
    """
    if isinstance(source, Case):
        return source.with_values(values) if values else source
    given = [f"{key}={toml_value(plain(value))}" for key, value in (values or {}).items()]
    if isinstance(source, Mapping):
        return Case(case_from(plain(source), overrides=given), Path(base))
    if not isinstance(source, str | Path):
        raise InputError(f"case: {type(source).__name__} is not a file, a name, a dictionary or a case")
    checked, origin = load_case(source, given)
    return Case(checked, origin.base)


def plain(value: Any) -> Any:
    """Values as a file's tables hold them: numpy's numbers and arrays as plain ones, paths as text."""
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if hasattr(value, "tolist") and not isinstance(value, str):
        return plain(value.tolist())
    return str(value) if isinstance(value, Path) else value
