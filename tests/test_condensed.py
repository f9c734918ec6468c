"""Elastic regions condensed to the unknowns they share with what flows: the answer of the whole system."""

from dataclasses import replace

import numpy as np
import pytest
from flowing import Rings

from femsim.materials.property import Property
from femsim.models.loads import Load
from femsim.solvers import edged
from femsim.solvers.march import Program, Settings, Step, march

YIELDS = {"hardening": {"k": 60.0, "H": 2000.0}}
CREEPS = {"law": "norton", "law_constants": [1e-12, 5.0]}


def body(flow, axial, element="quad9"):
    """A soft core whose modulus and expansion are tables with a knot, a metal that flows, an elastic shell."""
    layers = [
        {"outer_radius": 3.0, "E": 8e3, "nu": 0.35, "alpha": 40e-6},
        {"outer_radius": 4.0, "E": 90e3, "nu": 0.34, "alpha": 17e-6, **flow},
        {"outer_radius": 8.0, "E": 150e3, "nu": 0.25, "alpha": 3e-6},
    ]
    found = Rings(layers, axial, element, size=0.5, inner=1.0)
    soft = found.materials["layer 0"]
    found.materials["layer 0"] = replace(
        soft,
        youngs_modulus=(Property((9e3, 7e3, 2e3), (-60.0, 30.0, 160.0)),),
        cte=(Property((30e-6, 40e-6, 70e-6), (-60.0, 60.0, 160.0)),),
        cte_reference=20.0,
    )
    return found


def loads_of(found):
    """Cooling under pressure in the bore, heating while a support moves, a dwell."""
    moved = np.zeros(found.space.ndof)
    moved[2 * found.top + 1] = 2e-3 * found.height
    return [
        found.load(-40.0, pressure=20.0),
        Load(125.0, 20.0, moved if found.space.constraints.equation[2 * found.top[0] + 1] < 0 else 0.0 * moved),
        Load(125.0, 20.0, moved if found.space.constraints.equation[2 * found.top[0] + 1] < 0 else 0.0 * moved),
    ]


@pytest.mark.parametrize(
    ("flow", "axial", "element"),
    [(YIELDS, "free", "quad9"), (CREEPS, "pstrain", "quad9"), (YIELDS, "pstrain", "quad8")],
)
def test_condensed_regions_answer_as_the_whole_system(monkeypatch, flow, axial, element):
    """Displacements everywhere, states and reactions at every stage, with births and a removal between steps."""
    made = []
    inner = edged.Frame.factor
    monkeypatch.setattr(edged.Frame, "factor", lambda *given: made.append(1) or inner(*given))
    found = body(flow, axial, element)
    every, without = np.array([True, True, True]), np.array([True, True, False])
    alive = [without, every, every] if axial == "free" else [every, every, without]
    stages = {}
    for condense in (True, False):
        settings = Settings(extrapolate=False, condense=condense)
        steps = {"settings": settings, "alive": alive, "increments": 3}
        stages[condense] = found.march(found.load(), loads_of(found), [60.0, 60.0, 600.0], **steps)
        assert bool(made) is condense
        made.clear()
    for one, two in zip(stages[True], stages[False], strict=True):
        scale = np.abs(two.moment.unknowns).max()
        assert one.moment.unknowns == pytest.approx(two.moment.unknowns, rel=0, abs=1e-8 * scale)
        for name, states in two.moment.states.items():
            for mine, theirs in zip(one.moment.states[name], states, strict=True):
                for key, value in theirs.items():
                    size = np.abs(value).max()
                    assert mine[key] == pytest.approx(value, rel=0, abs=1e-6 * size + 1e-14), key
        out = one.part.space.gather(one.element_forces[0] - one.part.of(one.moment.external))
        assert np.abs(out).max() <= 1e-8 * one.element_forces[1].max()


def test_a_condensed_march_goes_on_bit_for_bit():
    """Nothing but the moment is carried over, though elastic answers at temperatures are kept."""
    found = body(YIELDS, "free")
    loads = loads_of(found)
    settings = Settings(tolerance=1e-2, condense=True)
    whole = found.march(found.load(), loads, [60.0] * 3, settings=settings)
    steps = tuple(Step(f"step {i}", found.space, load, 60.0) for i, load in enumerate(loads))
    program = Program(found.load(), steps)
    for k in (1, 2):
        *_, last = march(found.space, found.materials, found.laws, program, settings, whole[k - 1].moment)
        assert np.array_equal(last.moment.unknowns, whole[-1].moment.unknowns)
