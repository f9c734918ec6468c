"""Bad [heat] input: one line that names the key."""

from __future__ import annotations

import pytest

from femsim.base.errors import FemsimWarning, InputError
from femsim.cases.casefile import parse_case, parse_toml
from femsim.runs.heat import run_heat

BODY = """
stack = "blocks"
[[block]]
name = "chip"
r = [0, 100]
z = [0, 50]
material = { conductivity = 148, density = 2329, heat_capacity = 700 }
[[block]]
name = "base"
r = [0, 100]
z = [-50, 0]
material = { conductivity = 400, density = 8960, heat_capacity = 385 }
[heat]
"""
POWER = '[[heat.source]]\nname = "die"\nz = 50\npower = 1\n'
SINK = "[[heat.boundary]]\nz = -50\nh = 1e4\n"

WRONG = {
    "no sink": (POWER, "heat: the body has no way to give off heat"),
    "sink of h = 0": (POWER + SINK.replace("1e4", "0"), "heat: the body has no way to give off heat"),
    "h below zero": (POWER + SINK.replace("1e4", "-5"), "heat.boundary.0.h: -5 is not >= 0"),
    "h table below zero": (
        POWER + SINK.replace("1e4", "{ T = [0, 100], value = [5, -5] }"),
        "heat.boundary.0.h: -5 is not >= 0",
    ),
    "h over descending T": (
        POWER + SINK.replace("1e4", "{ T = [100, 0], value = [5, 5] }"),
        "heat.boundary.0.h: T must ascend",
    ),
    "covered twice": (POWER + SINK + SINK, "heat.boundary.1: z = -50 is covered twice; 'z = -50' has it already"),
    "covered twice in part": (
        POWER + SINK + "[[heat.boundary]]\nz = -50\nr = [20, 40]\ntemperature = 20\n",
        "heat.boundary.1: z = -50, r = [20, 40] is covered twice",
    ),
    "two of h and temperature": (
        POWER + SINK + "temperature = 5\n",
        "heat.boundary.0: give exactly one of h, temperature, flux (given: h, temperature)",
    ),
    "nothing": (POWER + "[[heat.boundary]]\nz = -50\n", "heat.boundary.0: give exactly one of h, temperature, flux"),
    "nowhere": (POWER + SINK + "[[heat.boundary]]\nh = 5\n", "heat.boundary.1: say where: one of on, r, z, x, y"),
    "beside the body": (POWER + SINK.replace("-50", "-51"), "heat.boundary.0.z: no line at z = -51 um"),
    "inside": (POWER + SINK.replace("-50", "0"), "heat.boundary.0: z = 0 runs inside the body"),
    "plane coordinate": (POWER + SINK.replace("z = ", "y = "), "heat.boundary.0.y: not a coordinate of this model"),
    "range that descends": (
        POWER + SINK + "r = [40, 20]\n",
        "heat.boundary.0.r: [40, 20] does not ascend",
    ),
    "line unknown": (
        POWER + SINK.replace("z = -50", 'on = "botom"'),
        "line 'botom' is not there (did you mean 'bottom'?)",
    ),
    "region unknown": (
        SINK + '[[heat.source]]\nregion = "chp"\npower = 1\n',
        "heat.source.0.region: no region 'chp' (did",
    ),
    "source without amount": (
        SINK + '[[heat.source]]\nregion = "chip"\n',
        "heat.source.0: give either power or density",
    ),
    "source nowhere": (SINK + "[[heat.source]]\npower = 1\n", "heat.source.0: say where: region, or on, r, z, x or y"),
    "same names": (SINK + POWER + POWER, "heat.source: two are named 'die'"),
    "contact with itself": (
        POWER + SINK + '[[heat.contact]]\nbetween = ["chip", "chip"]\nresistance = 1\n',
        "heat.contact.0.between: 'chip' twice",
    ),
    "contact of nothing": (
        POWER + SINK + '[[heat.contact]]\nbetween = ["chip", "base"]\nresistance = 0\n',
        "heat.contact.0.resistance: 0 is not > 0",
    ),
    "source on a contact": (
        SINK + '[[heat.source]]\nz = 0\npower = 1\n[[heat.contact]]\nbetween = ["chip", "base"]\nresistance = 5\n',
        "heat.source.0.region: missing; the line lies on a contact",
    ),
    "times descend": (
        SINK + POWER.replace("= 1\n", "= { t = [0, 2, 1], value = [1, 1, 1] }\n"),
        "heat.source.0.power.t: 1 after 2",
    ),
    "results after the end": (
        POWER + SINK + "[heat.transient]\ninitial = 25\nend = 1\ntimes = [0.5, 2]\n",
        "times: 2 s is after the end, 1 s",
    ),
    "slip": (POWER + SINK.replace("h =", "hh ="), "heat.boundary.0.hh: unknown key (did you mean 'h'?)"),
    "steps without steps": (
        SINK + POWER.replace("= 1\n", "= { steps = [1, 2] }\n"),
        "heat.source.0.power.steps: needs [[step]] entries",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_one_line_names_the_key(name):
    text, wanted = WRONG[name]
    with pytest.raises(InputError) as caught:
        run_heat(parse_case(parse_toml(BODY + text, "case.toml"), "case.toml"))
    assert wanted in str(caught.value)
    assert "\n" not in str(caught.value)


def test_ranges_beyond_the_body_are_told():
    """A source or film whose range reaches beyond the body, or over gaps in it, says how much of it there is."""
    wide = POWER.replace("power", "r = [50, 300]\npower") + SINK
    with pytest.warns(FemsimWarning, match=r"heat\.source\.0\.r: the range .50, 300. um reaches beyond .* 0\.2 of"):
        run_heat(parse_case(parse_toml(BODY + wide, "case.toml"), "case.toml"))
    base = BODY[BODY.rindex("[[block]]") : BODY.index("[heat]")]
    feet = base.replace("r = [0, 100]", "r = [0, 20]") + base.replace("r = [0, 100]", "r = [40, 100]")
    hole = BODY.replace(base, feet)
    with pytest.warns(FemsimWarning, match=r"heat\.boundary\.0\.r: 0\.8 of .0, 100. um on this line is surface"):
        run_heat(parse_case(parse_toml(hole + POWER + SINK + "r = [0, 100]\n", "case.toml"), "case.toml"))


def test_materials_without_their_heat_data():
    body = BODY.replace("conductivity = 400, ", "")
    with pytest.raises(InputError, match=r"block\.1\.material"):
        run_heat(parse_case(parse_toml(body + POWER + SINK, "case.toml"), "case.toml"))
    body = BODY.replace("conductivity = 400", "conductivity = { T = [0, 100], value = [400, -2] }")
    with pytest.raises(InputError, match=r"block\.1\.material\.conductivity: -2 is not > 0"):
        run_heat(parse_case(parse_toml(body + POWER + SINK, "case.toml"), "case.toml"))
