"""What a case file may say: frozen pydantic models, one per stack, with every key, default and limit.

Lengths in um, moduli in GPa, expansion coefficients in ppm/K, temperatures in degC, stresses in MPa.
Nothing here knows a mesh; :mod:`femsim.cases.casefile` reads and writes the files and words the errors.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import Field, TypeAdapter

from femsim.cases.parts import CaseBase
from femsim.cases.stacks.bilayer import BilayerCase
from femsim.cases.stacks.blocks import BlocksCase
from femsim.cases.stacks.flipchip import FlipchipCase
from femsim.cases.stacks.meshfile import MeshCase
from femsim.cases.stacks.rewired import RewiredChipCase
from femsim.cases.stacks.staggered import StaggeredCase

Case: TypeAlias = BilayerCase | StaggeredCase | FlipchipCase | RewiredChipCase | BlocksCase | MeshCase
CASE_TYPES: dict[str, type[CaseBase]] = {
    "bilayer": BilayerCase,
    "staggered": StaggeredCase,
    "flipchip": FlipchipCase,
    "rewired-chip": RewiredChipCase,
    "blocks": BlocksCase,
    "mesh": MeshCase,
}


def case_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of all case files."""
    adapter: TypeAdapter[Case] = TypeAdapter(Annotated[Case, Field(discriminator="stack")])
    return adapter.json_schema()
