"""Units of the results, by name or by dotted path in the JSON of ``solve``: the only place that says them.

Plane models give energies, forces and powers per um of depth.
"""

from __future__ import annotations

import functools
import re

from femsim.runs.names import parts

#: patterns of dotted paths with the unit, in this order; ``{depth}`` is ``/um`` in plane models
_PATHS: tuple[tuple[str, str], ...] = (
    (r".+\.stress_intensity\.length", "um"),
    (r".+\.stress_intensity\.K_II?", "MPa um^0.5"),
    (r"case\.delta_t.*", "K"),
    (r"mesh\.smallest", "um"),
    (r"metrics\.roots\..+\.(at\[\d+\]|length|agrees_(from|to))", "um"),
    (r"(metrics\.roots|corners)\..+\.singularity\[\d+\]\..+", ""),  # each says its own
    (r"metrics\.roots\..+\.around\.angle.*", "degrees"),
    (r"metrics\.roots\..+\.within", ""),
    (r"(metrics\.roots\..+|layers\[\d+\])\.inelastic\.(p|creep)", ""),
    (r"metrics\.roots\..+\.plastic_zone\.reach", "um"),
    (r"metrics\.roots\..+\.plastic_zone\.area", "um2"),
    (r"metrics\.roots\..+\.plastic_zone\.share", ""),
    (r"layers\[\d+\]\.thickness", "um"),
    (r"layers\[\d+\]\.(stress\.\w+|inelastic\.work)", "MPa"),
    (r"metrics\.roots\..+", "MPa"),
    (r"metrics\.regions\..+\.energy", "uJ{depth}"),
    (r"metrics\.regions\..+\.(p_mean|creep_mean)", ""),
    (r"metrics\.regions\..+", "MPa"),
    (r"metrics\.left_out\[\d+\]\.(at\[\d+\]|length|reach)", "um"),
    (r"probes\..+\.(at|u|u_error)\[\d+\]", "um"),
    (r"probes\..+\.stress(_error)?\.\w+", "MPa"),
    (r"probes\..+\.inelastic\.work", "MPa"),
    (r"probes\..+\.T(_history\[\d+\])?", "degC"),
    (r"corners\..+\.(at\[\d+\]|agrees_(from|to))", "um"),
    (r"corners\..+\.wedges\[\d+\]\.(from|to)", "degrees"),
    (r"cracks\[\d+\]\.(length|tip\[\d+\]|opening|mode_mixity_length|edge)", "um"),
    (r"cracks\[\d+\]\.(energy_release_rate|vcct|domain|domain_spread|mode_1|mode_2)", "J/m2"),
    (r"cracks\[\d+\]\.mode_mixity", "degrees"),
    (r"refinement\.steps\[\d+\]\.(values|errors)\..+", "MPa"),
    (r"timing\.\w+|seconds", "s"),
    (r"reactions\..+\.m[xyz]", "N um{depth}"),
    (r"reactions\..+\.[xyz]", "N{depth}"),
    (r"bow\.curvature", "1/um"),
    (r"bow\.deflection", "um"),
    (r"heat\.(.+\.)?T_(max|mean)(\[\d+\])?", "degC"),
    (r"heat\.(.+\.)?T_(max|mean)_error(\[\d+\])?|heat\.errors\.(time|mesh)", "K"),
    (r"probes\..+\.T(_history)?_error(\[\d+\])?", "K"),
    (r"heat\..+\.R_(max|mean)(_error)?(\[\d+\])?", "K/W"),
    (r"heat\.(hottest|worst(\.each\..+)?)\.time", "s"),
    (r"heat\.worst\.(each\..+\.)?value", "MPa"),
    (r"heat\.(boundaries\..+|sources\..+\.power(\[\d+\])?)", "W{depth}"),
    (r"heat\.times\[\d+\]|steps\[\d+\]\.time", "s"),
    (r"steps\[\d+\]\.temperature", "degC"),
    (r"life\[\d+\]\.work_per_cycle|cycles\.(regions\..+|layers\[\d+\])\.work(_per_cycle)?(_error)?", "MPa"),
    (r"life\[\d+\]\.darveaux\.growth", "um"),
)
_COMPILED = tuple((re.compile(pattern), unit) for pattern, unit in _PATHS)


def is_plane(kinematics: str) -> bool:
    """Whether a kinematics' results are per um of depth."""
    return kinematics not in ("axisymmetric", "3d")


@functools.lru_cache(maxsize=4096)
def output_unit(name: str, plane: bool = False) -> str:
    """The unit of a result; empty for what has none. ``plane``: of a plane model."""
    metric = parts(name)
    if metric is not None:
        return "degC" if metric.kind.endswith(("_at_lowest", "_at_highest")) else "MPa"
    ranged = re.fullmatch(r"ranges\.(.+)\.(\w+)", name)
    if ranged is not None:
        return "degC" if ranged[2].startswith("at_") else output_unit(ranged[1], plane)
    path = re.sub(r"^steps\[\d+\]\.(?=metrics\.|probes\.|bow\.|reactions\.|layers\[)", "", name)
    if plane and re.fullmatch(r"heat\..+\.R_(max|mean)(_error)?(\[\d+\])?", path):
        return "m K/W"
    found = next((unit for pattern, unit in _COMPILED if pattern.fullmatch(path)), "")
    return found.replace("{depth}", "/um" if plane else "")
