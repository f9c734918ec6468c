"""Names of outputs: one for each, understood in every spelling."""

from __future__ import annotations

import pytest

from femsim.runs.names import find, named, outputs_of, parts


def document(*roots):
    """Results with averages (root, x, length)."""
    found: dict[str, list] = {}
    for number, (root, x, length) in enumerate(roots):
        entry = {
            "at": [x, 0.0],
            "length": length,
            "peel": float(number),
            "peel_error": 0.1,
            "consistent": {"peel": 7.0},
        }
        found.setdefault(root, []).append(entry)
    return {"metrics": {"roots": found, "regions": {"post": {"energy": 2.0}}}, "probes": {"tip": {"u": [1.0, 2.0]}}}


ONE = outputs_of(document(("foot", 50.0, 5.0), ("foot", 50.0, 0.25), ("pad", 20.0, 5.0)))
TWO = outputs_of(document(("foot", 50.0, 5.0), ("foot", 50.0, 1.0), ("foot", -50.0, 5.0), ("foot", -50.0, 1.0)))


def test_a_name_says_root_kind_and_length():
    names = [o.name for o in ONE]
    assert {"foot.peel.5um", "foot.peel_error.5um", "foot.peel.0.25um", "pad.peel.5um"} < set(names)
    assert {"metrics.roots.foot[0].length", "metrics.roots.foot[0].consistent.peel", "probes.tip.u[1]"} < set(names)
    assert len(set(names)) == len(names) == len({o.key for o in ONE}) == len({o.path for o in ONE})


def test_roots_that_share_a_name_say_where_they_are():
    assert [o.name for o in TWO if o.path.endswith(".peel") and "consistent" not in o.path] == [
        "foot.peel at (50, 0).5um",
        "foot.peel at (50, 0).1um",
        "foot.peel at (-50, 0).5um",
        "foot.peel at (-50, 0).1um",
    ]
    assert [a.key("peel") for a in named([("a", (1, 0), 5), ("b", (1, 0), 5), ("a", (2, 0), 5)])] == [
        "a#1.peel.5um",
        "b#1.peel.5um",
        "a#2.peel.5um",
    ]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("foot.peel.5um", [0.0, 2.0]),
        ("foot.peel.5.0um", [0.0, 2.0]),
        ("foot.peel at (-50, 0).5um", [2.0]),
        ("foot at (-50.0,0).peel.5um", [2.0]),
        ("foot#2.peel.1um", [3.0]),
        ("metrics.roots.foot[2].peel", [2.0]),
        ("foot.peel*.5um", [0.0, 0.1, 2.0, 0.1]),
        ("metrics.roots.foot[3].peel*", [3.0, 0.1]),
        ("foot.peel.2um", []),
        ("foot.peel at (0, 0).5um", []),
        ("foot.peel at (x).5um", []),
        ("metrics.regions.post.energy", [2.0]),
        ("feet.peel.5um", []),
    ],
)
def test_every_spelling_finds_its_outputs(text, values):
    assert [o.value for o in find(text, TWO)] == values


def test_a_name_is_taken_apart_and_put_together():
    for output in [*ONE, *TWO]:
        metric = parts(output.name)
        assert (metric is None) == (output.name == output.path)
        if metric is not None:
            assert metric.other(metric.kind) == output.name
    assert parts("foot.von_mises.5um").words == "foot von mises, 5 um"
