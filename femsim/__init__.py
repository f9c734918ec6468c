"""Thermo-mechanical stress at the roots of bumps in semiconductor packages.

>>> import femsim as fs
>>> run = fs.solve("bilayer", {"geometry.ratio": 8})
>>> run.roots["post_root", 5].peel
>>> run.stress.at([[0, 45], [20, 45]])["zz"]

Lengths are in um, temperatures in degC, stresses in MPa, moduli in GPa, expansion coefficients in ppm/K. Nothing is
loaded before it is used: names come from their modules on first use. ``__init__.pyi`` says the same to type checkers.
"""

__version__ = "0.1.0"

#: name -> the module it lives in
_PLACES = {
    "Case": "femsim.face.case",
    "load": "femsim.face.case",
    "case_names": "femsim.face.library",
    "material": "femsim.face.library",
    "material_names": "femsim.face.library",
    "read_mesh": "femsim.face.library",
    "stack_names": "femsim.face.library",
    "Result": "femsim.face.result",
    "mesh": "femsim.face.result",
    "solve": "femsim.face.result",
    "Field": "femsim.face.fields",
    "Samples": "femsim.face.fields",
    "RootValues": "femsim.face.values",
    "Value": "femsim.face.values",
    "Conduction": "femsim.face.conduction",
    "conduct": "femsim.face.conduction",
    "Comparison": "femsim.face.compare",
    "compare": "femsim.face.compare:compare_cases",
    "Ranking": "femsim.face.rank",
    "rank": "femsim.face.rank",
    "Dataset": "femsim.face.study",
    "sweep": "femsim.face.study",
    "Constraints": "femsim.models.space",
    "KINEMATICS": "femsim.models.kinematics",
    "Load": "femsim.models.loads",
    "Mesh": "femsim.meshes.mesh",
    "Model": "femsim.models.model",
    "Space": "femsim.models.space",
    "solve_model": "femsim.solvers.solve:solve",
    "BeyondYield": "femsim.base.errors",
    "FemsimError": "femsim.base.errors",
    "FemsimWarning": "femsim.base.errors",
    "InputError": "femsim.base.errors",
    "NumericsError": "femsim.base.errors",
    "ToleranceError": "femsim.base.errors",
}

__all__ = ["__version__", *sorted(_PLACES)]


def __getattr__(name: str) -> object:
    """The object of that name, its module loaded now."""
    if name not in _PLACES:
        raise AttributeError(f"module 'femsim' has no attribute {name!r}")
    from importlib import import_module

    module, _, own = _PLACES[name].partition(":")
    found = getattr(import_module(module), own or name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_PLACES})
