"""Cycles to failure of a solder joint from what one stabilised cycle does to it.

Damage per cycle is the inelastic work density dW (MPa = MJ/m3) or the inelastic strain range, averaged over a layer of
stated thickness: the constants of every law belong to the averaging (thickness, element size) and the constitutive law
they were fitted with, and to no other. No damage gives an infinite life.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from femsim.base.errors import InputError

PSI_PER_MPA: Final = 145.03773773
UM_PER_INCH: Final = 25400.0


@dataclass(frozen=True)
class CrackLife:
    """Cycles until a crack starts, its growth (um a cycle), and cycles until it has run its length."""

    initiation: float
    growth: float
    cycles: float


def darveaux(work: float, K1: float, K2: float, K3: float, K4: float, crack_length: float) -> CrackLife:
    """N0 = K1 dW^K2, da/dN = K3 dW^K4, N = N0 + a / (da/dN), with dW in psi and da/dN in inch a cycle, as published.

    ``work`` is in MPa, ``crack_length`` in um; growth comes out in um a cycle. Darveaux, R., ch. 13 of Lau, J. H.
    (ed.), Ball Grid Array Technology (1995); Proc. 50th ECTC (2000) 1048. Raises InputError where constants or length
    cannot be: K1, K3, K4 > 0, K2 < 0.
    """
    for name, value, sound in (("K1", K1, K1 > 0), ("K2", K2, K2 < 0), ("K3", K3, K3 > 0), ("K4", K4, K4 > 0)):
        if not sound or not math.isfinite(value):
            raise InputError(f"darveaux.{name}: {value:g} is not {'< 0' if name == 'K2' else '> 0'}")
    if not 0 < crack_length < math.inf:
        raise InputError(f"crack_length: {crack_length:g} is not > 0 (um)")
    if _damage("work", work) == 0.0:
        return CrackLife(math.inf, 0.0, math.inf)
    psi = work * PSI_PER_MPA
    initiation = K1 * _power(psi, K2)
    growth = K3 * _power(psi, K4) * UM_PER_INCH
    return CrackLife(initiation, growth, initiation + (crack_length / growth if growth else math.inf))


def inverse(damage: float, constant: float) -> float:
    """N = 1 / (constant damage): Syed's laws of accumulated creep work (constant in 1/MPa, 0.0019 for SnAgCu with the
    double-power law of Schubert et al.) and of accumulated creep strain (0.0513); Syed, A., Proc. 54th ECTC (2004) 737.
    """
    if not 0 < constant < math.inf:
        raise InputError(f"syed: {constant:g} is not > 0")
    return math.inf if _damage("damage", damage) == 0.0 else 1.0 / constant / damage


def coffin_manson(strain_range: float, ductility: float, exponent: float) -> float:
    """N = 1/2 (dgamma / (2 ductility))^(1 / exponent), the exponent below 0.

    Coffin, L. F., Trans. ASME 76 (1954) 931; Manson, S. S., NACA TN 2933 (1953); in this form, for a shear strain
    range, Engelmaier, W., IEEE Trans. CHMT 6 (1983) 232.
    """
    if not 0 < ductility < math.inf:
        raise InputError(f"coffin_manson.ef: {ductility:g} is not > 0")
    if not -10 < exponent < 0:
        raise InputError(f"coffin_manson.c: {exponent:g} is not between -10 and 0 (both excluded)")
    if _damage("strain", strain_range) == 0.0:
        return math.inf
    return 0.5 * _power(strain_range / (2.0 * ductility), 1.0 / exponent)


def shear_range(strain: float) -> float:
    """Range of the engineering shear strain that accumulates the equivalent strain ``strain`` in one closed cycle.

    In shear the equivalent strain grows by |dgamma| / sqrt(3) (von Mises), and a closed cycle runs through the range
    twice, there and back: strain = 2 dgamma / sqrt(3), dgamma = sqrt(3)/2 strain. Exact for a proportional cycle, as
    the shear of a joint is that Engelmaier's law was fitted with (its dgamma is the joint's whole shear range, which
    relaxes to inelastic strain); a cycle that ratchets, or turns, accumulates more, and its life comes out shorter.
    """
    return 0.5 * math.sqrt(3.0) * _damage("strain", strain)


def engelmaier_exponent(mean_temperature: float, dwell: float) -> float:
    """c = -0.442 - 6e-4 T + 1.74e-2 ln(1 + 360/t): T the mean temperature of the cycle (degC), t the dwell of half a
    cycle in minutes (``dwell`` itself in s).

    For SnPb, with a ductility of 0.325: Engelmaier, W., IEEE Trans. CHMT 6 (1983) 232. A long dwell makes c more
    negative and the life shorter.
    """
    if not 0 < dwell < math.inf:
        raise InputError(f"dwell: {dwell:g} is not > 0 (s); Engelmaier's exponent needs one")
    return -0.442 - 6.0e-4 * mean_temperature + 1.74e-2 * math.log(1.0 + 360.0 / (dwell / 60.0))


def _damage(name: str, value: float) -> float:
    if not 0 <= value < math.inf:
        raise InputError(f"{name}: {value:g} is not >= 0; a cycle cannot take damage back")
    return value


def _power(base: float, exponent: float) -> float:
    """base^exponent for base > 0; infinite where it is too large for a number (next to no damage)."""
    logarithm = exponent * math.log(base)
    return math.exp(logarithm) if logarithm < 709.0 else math.inf
