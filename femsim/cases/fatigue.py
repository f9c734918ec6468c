"""The constants of fatigue laws as files write them; the laws themselves stand in :mod:`femsim.measures.fatigue`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from femsim.cases.keys import Positive, Strict

_Above = Annotated[float, Field(gt=0, le=1.0e30)]


class DarveauxSpec(Strict):
    """N0 = K1 dW^K2, da/dN = K3 dW^K4, with dW in psi and da/dN in inch a cycle, as published."""

    K1: _Above
    K2: Annotated[float, Field(lt=0, ge=-100)]
    K3: _Above
    K4: Annotated[float, Field(gt=0, le=100)]


class CoffinMansonSpec(Strict):
    """N = 1/2 (dgamma / (2 ef))^(1/c)."""

    ef: _Above = Field(description="fatigue ductility")
    c: Annotated[float, Field(lt=0, gt=-10)] = Field(description="fatigue exponent")


class FatigueSpec(Strict):
    """Constants of one or more fatigue laws, fitted together: with what law of the material and what averaging."""

    darveaux: DarveauxSpec | None = Field(default=None, description="psi and inch, as published")
    syed_energy: _Above | None = Field(default=None, description="1/MPa")
    syed_strain: _Above | None = None
    coffin_manson: CoffinMansonSpec | None = None
    engelmaier: _Above | None = Field(default=None, description="fatigue ductility; c follows from the cycle")
    thickness: Positive | None = Field(default=None, description="um, of the layer the averages ran over")
