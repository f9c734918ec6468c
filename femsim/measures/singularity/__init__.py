"""The stress singularity where wedges of different materials meet: exponents, angular functions, thermal term,
intensities.

``Junction`` of ``Wedge``s -> ``exponents`` -> ``regular_term`` -> ``intensities`` of a sampled field -> ``Expansion``
with averages in closed form.
"""

from femsim.measures.singularity.eigen import Eigen, exponents
from femsim.measures.singularity.expansion import Expansion, Sampler, intensities
from femsim.measures.singularity.junction import ANGLE_TOLERANCE, Junction, Wedge
from femsim.measures.singularity.regular import RegularTerm, regular_term

__all__ = [
    "ANGLE_TOLERANCE",
    "Eigen",
    "Expansion",
    "Junction",
    "RegularTerm",
    "Sampler",
    "Wedge",
    "exponents",
    "intensities",
    "regular_term",
]
