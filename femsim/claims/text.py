"""The 49 claims of the three seeds, shortened; what the shortening leaves out decides nothing.

Notes say where a literal reading leads somewhere unexpected.
"""

from __future__ import annotations

from femsim.claims.model import ClaimText

_WINDOWS = "low layer 8 to 180 ppm and 0.5 to 4 GPa at room temperature, high layer 5 to 13 ppm and 9 to 21 GPa"
_FAMILIES = "low layer of polyimide, benzocyclobutene or polybenzoxazole, high layer of epoxy resin"
_SLOPES = "the low layer's surface slopes near the bump electrodes"
_FALLS = "the sloping sections get thinner away from the bump electrodes"
_SEALED = (
    "bump electrodes on connection pads of a chip, tips exposed at the surface of a sealing resin film "
    "of a low-elastic layer on the chip "
    "and a layer of higher elastic coefficient on it"
)
_COVERED = (
    "a chip with electrode pads, a plurality of bump electrodes coupled to them, a sealing resin that "
    "covers chip and side surfaces and "
    "exposes the top surfaces, of a first layer and a second one of higher elastic coefficient"
)
_OPPOSITE = (
    "claims 2 and 16 take the ratio low to high, claims 22 and 26 high to low, both 3.5 to 8: no design "
    "satisfies both readings"
)

BILAYER = (
    ClaimText(1, None, f"{_SEALED}, 5 to 45 um thick"),
    ClaimText(2, 1, "thickness ratio of low to high layer 3.5 to 8", _OPPOSITE),
    ClaimText(3, 2, _WINDOWS),
    ClaimText(4, 3, _FAMILIES),
    ClaimText(5, 2, _SLOPES),
    ClaimText(6, 5, _FALLS),
    ClaimText(7, 5, _WINDOWS),
    ClaimText(8, 7, _FAMILIES),
    ClaimText(9, 1, _SLOPES),
    ClaimText(10, 9, _FALLS),
    ClaimText(11, 9, _WINDOWS),
    ClaimText(12, 11, _FAMILIES),
    ClaimText(13, 12, _WINDOWS, "repeats claim 11, through claim 12"),
    ClaimText(14, 13, _FAMILIES, "repeats claim 12, through claim 13"),
    ClaimText(15, None, f"{_SEALED}; {_SLOPES} and gets thinner away from them"),
    ClaimText(
        16, 13, "thickness ratio of low to high layer 3.5 to 8",
        f"read literally it depends on claim 13, so on 12, 11, 9 and 1, not on 15; {_OPPOSITE}",
    ),
    ClaimText(17, 16, _WINDOWS, "repeats claim 11, through claim 16"),
    ClaimText(18, 17, _FAMILIES, "repeats claim 12, through claim 17"),
    ClaimText(19, 15, _WINDOWS),
    ClaimText(20, 19, _FAMILIES),
    ClaimText(21, None, f"{_COVERED}, 5 to 45 um thick"),
    ClaimText(22, 21, "thickness ratio of second to first layer 3.5 to 8", _OPPOSITE),
    ClaimText(23, 21, "the first layer has an inclination surface next to the bump electrodes"),
    ClaimText(24, 23, "there the first layer gets thinner away from the bump electrode"),
    ClaimText(25, None, f"{_COVERED}; the first layer has an inclination surface next to the bump electrodes"),
    ClaimText(
        26, 25, "thickness ratio of second to first layer 3.5 to 8",
        f"it depends on claim 25, which has no limits of thickness; {_OPPOSITE}",
    ),
    ClaimText(27, 25, "there the first layer gets thinner away from the bump electrodes"),
)  # fmt: skip

_CONDUCTOR = (
    "connecting conductors from a chip's surface through a protective insulating layer to its outside, "
    "made of layers of {} material, at "
    "least one of them a stress-absorbing layer of lower hardness"
)
_STAGGERED = "the layers are stacked in a staggered manner"
_IDENTICAL = "the layers are of substantially identical diameter"
_DIFFERENT = "the layers are of different diameters in sequence"

CONDUCTOR = (
    ClaimText(1, None, _CONDUCTOR.format("same")),
    ClaimText(2, 1, "the conductor is of anisotropic conductive material"),
    ClaimText(3, 1, "the conductor is of conductive material containing metal particles"),
    ClaimText(4, 1, _STAGGERED),
    ClaimText(5, 4, _IDENTICAL),
    ClaimText(6, 4, _DIFFERENT),
    ClaimText(7, None, _CONDUCTOR.format("different")),
    ClaimText(8, 7, "the stress-absorbing layer is of gold or palladium"),
    ClaimText(9, 7, "the stress-absorbing layer is of anisotropic conductive material"),
    ClaimText(10, 7, "the stress-absorbing layer is of conductive material containing metal particles"),
    ClaimText(11, 7, _STAGGERED),
    ClaimText(12, 11, _IDENTICAL),
    ClaimText(13, 11, _DIFFERENT),
)

REWIRING = (
    ClaimText(
        1, None,
        "a first chip face-down on a second one with a region not opposed to it, " "connection " "members " "between " "them, an insulation film that "  # noqa: E501
        "continuously covers that region and the first rear surface, a rewiring layer on the film " "connected " "to the second chip, a "  # noqa: E501
        "protective resin layer over it, an external connection terminal through the resin",
    ),
    ClaimText(2, 1, "the film's surface under the rewiring is substantially flat over the non-opposed region and the " "first chip"),  # noqa: E501
    ClaimText(3, 1, "part of the rewiring is electrically connected to the first rear surface"),
    ClaimText(4, 1, "a heat-sink terminal from the first rear surface through the protective resin"),
    ClaimText(5, 4, "a conductive diffusion prevention film between the first rear surface and the film, and the " "heat-sink terminal"),  # noqa: E501
    ClaimText(6, 1, "a conductive diffusion prevention film between the first rear surface and the film, and the " "rewiring"),  # noqa: E501
    ClaimText(7, 1, "a protective film on the second rear surface"),
    ClaimText(8, 1, "a via conductor from the non-opposed region through the film connects the second chip and the " "rewiring"),  # noqa: E501
    ClaimText(
        9, None,
        "a chip with an insulation film on its rear surface, a conductive member electrically connected to " "the rear surface through an "  # noqa: E501
        "opening in the film, a diffusion prevention film between the rear surface and both",
    ),
)  # fmt: skip

#: seed name -> its claims
SEEDS: dict[str, tuple[ClaimText, ...]] = {
    "bilayer-resin": BILAYER,
    "stress-absorbing-conductor": CONDUCTOR,
    "chip-on-chip-rewiring": REWIRING,
}
