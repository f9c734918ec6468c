"""Units of keys come from the schema, units of results from one table; nothing guesses them."""

from __future__ import annotations

from typing import get_args, get_origin

import pytest
from pydantic import BaseModel

from femsim.cases.case import CASE_TYPES, case_schema
from femsim.cases.casefile import load_case
from femsim.cases.units import _kinds, key_unit
from femsim.cli.main import main
from femsim.runs.names import outputs_of
from femsim.runs.results import results_dict
from femsim.runs.rows import quietly
from femsim.runs.units import output_unit

#: last parts of the keys that are pure numbers, or whose unit follows from another key
PURE = {
    # the first four of [uncertain]: per cents, or in the unit of the key they speak of
    "percent", "plus_minus", "sd", "sd_percent", "jump", "time_tolerance",
    "nu", "ratio", "fraction", "growth", "tolerance", "limit", "p", "b", "gamma", "A", "n", "C3", "xi", "m", "a", "C1",
    "shear", "bulk", "rewiring_start", "rewiring_margin", "terminal_place", "via_place", "heat_sink_share", "table",
    "member_counts", "terminal_count", "via_count", "count", "increments", "fields",
    "around", "waves", "ef", "c", "syed_strain", "engelmaier",
    "any",  # a region's eigenstrain is a strain; the ends of a range have the unit of the key they stand under
}  # fmt: skip


def number_keys(kind, prefix=(), seen=()):
    """Dotted keys of all numbers a model may hold."""
    for name, field in kind.model_fields.items():
        yield from _numbers(field.annotation, (*prefix, field.alias or name), seen)


def _numbers(annotation, key, seen):
    for one in _kinds(annotation):
        if get_origin(one) in (list, tuple):
            yield from _numbers(get_args(one)[0], (*key, "0"), seen)
        elif get_origin(one) is dict:
            yield from _numbers(get_args(one)[1], (*key, "any"), seen)
        elif isinstance(one, type) and issubclass(one, BaseModel):
            if one not in seen:
                yield from number_keys(one, key, (*seen, one))
        elif one in (float, int):
            yield ".".join(key)


@pytest.mark.parametrize("stack", CASE_TYPES)
def test_every_number_of_a_case_has_a_unit_or_is_pure(stack):
    kind = CASE_TYPES[stack]
    keys = list(dict.fromkeys(number_keys(kind)))
    assert len(keys) > 100
    bare = [key for key in keys if not key_unit(kind, key)]
    last = {key: [part for part in key.split(".") if part not in ("value", "0")][-1] for key in bare}
    assert {key: name for key, name in last.items() if name not in PURE} == {}


def test_units_of_keys():
    wanted = {
        "geometry.post_radius": "um", "geometry.ratio": "", "materials.low.E": "GPa", "materials.low.E.value.1": "GPa",
        "materials.low.E.T.0": "degC", "materials.low.E.2": "GPa", "materials.low.nu": "", "materials.low.cte": "ppm/K",
        "materials.low.cte.secant.value.0": "ppm/K", "materials.low.cte.reference": "degC",
        "materials.post.yield": "MPa",
        "materials.post.creep.norton.Q": "J/mol", "load.temperature": "degC", "mesh.size": "um", "mesh.growth": "",
        "metrics.length": "um", "metrics.length.0": "um", "probe.0.at.1": "um", "boundary.0.pressure": "MPa",
        "boundary.0.traction.1": "MPa", "heat.boundary.0.h": "W/(m2 K)",
        "boundary.0.u_z": "um", "crack.0.length": "um", "model.outer": "",
        "nothing.here": "",
    }  # fmt: skip
    assert {key: key_unit(CASE_TYPES["bilayer"], key) for key in wanted} == wanted
    geometry = case_schema()["$defs"]["BilayerGeometry"]["properties"]
    assert geometry["post_radius"]["unit"] == "um"


def test_every_result_has_a_unit_or_is_pure():
    more = ["crack.0.root=post_root", "crack.0.length=5", "corner.0.name=edge", "corner.0.at=[150, 0]"]
    case, _ = load_case("bilayer", ["mesh.size=0.5", "mesh.growth=2.5", *more])
    names = [o.name for o in outputs_of(results_dict(quietly(case, None)))]
    bare = {name.rsplit(".", 1)[-1].split("[")[0] for name in names if not output_unit(name)}
    assert bare <= {
        "nodes", "elements", "dofs", "unknowns", "worst_jacobian", "exponent", "intensity", "intensity_error", "peel",
        "shear",
        "within", "residual", "reaction", "energy", "exponent_imaginary", "intensity_imaginary",
    }  # fmt: skip
    assert not [n for n in names if not output_unit(n) and n.startswith(("metrics.regions", "probes", "post_root"))]
    assert output_unit("post_root.peel_error at (50, 0).0.5um") == "MPa"
    assert output_unit("metrics.regions.post.energy") == "uJ"
    assert output_unit("metrics.regions.post.energy", plane=True) == "uJ/um"
    assert output_unit("cracks[0].energy_release_rate") == "J/m2"
    assert output_unit("steps[3].probes.tip.u[1]") == "um"


def test_the_console_says_energy_per_depth_in_plane_models(capsys):
    coarse = ["mesh.size=1", "mesh.growth=4", "model.kinematics=plane-strain", "metrics.length=2"]
    assert main(["solve", "bilayer", "--quiet", *(t for s in coarse for t in ("--set", s))]) == 0
    assert "energy (uJ/um)" in capsys.readouterr().out
