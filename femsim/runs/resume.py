"""State of a program on disk: after a crash or a kill the march goes on behind the last step that was saved.

A march carries nothing from step to step but its moment (:func:`femsim.solvers.march.march`), so what goes on from a
saved moment is bit for bit what the undisturbed march gives. Saved with it are the results so far, so that nothing is
measured twice. The file appears whole or not at all; it says which case, mesh, materials and version it belongs to.

The file is a pickle, and reading one may run code; here nothing is found in it but femsim's frozen dataclasses, its
warnings' classes and numpy arrays, all else is refused.
"""

from __future__ import annotations

import copyreg
import hashlib
import io
import json
import pickle
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from femsim import __version__
from femsim.base.errors import InputError, printable
from femsim.base.files import atomic_write
from femsim.builders.discretisation import Discretisation
from femsim.builders.program import Leg, Plan
from femsim.cases.steps import CycleSpec
from femsim.models.kinematics import KINEMATICS, Kinematics
from femsim.models.space import Space
from femsim.runs.heat import HeatResult

#: name of the file in a directory of results; it is gone when all is done
STATE = "program.state"
#: the time between two savings is at least so many times what the last one took
SELDOM = 20.0
_NUMPY = {"_reconstruct", "ndarray", "dtype", "scalar", "_frombuffer"}


@dataclass(frozen=True)
class Place:
    """Where the state of a program is kept, and whether to go on from one that is there."""

    path: Path
    resume: bool = False


@dataclass(frozen=True)
class Saved:
    """A program up to the end of a step: the moment, and what was measured and said so far."""

    moment: Any
    results: list[Any]
    keeper: Any
    warnings: Sequence[tuple[str, type[Warning]]] = ()
    course: Any = None  # of cycles that are jumped over


class StateFile:
    """Saves the state of one program from time to time, and reads it again."""

    def __init__(self, place: Place, disc: Discretisation, plan: Plan, extra: str = "") -> None:
        self.place, self._plan, self._cycle = place, plan, disc.case.cycle
        self._key = _key(disc, plan, extra)
        self._next = 0.0

    def save(self, saved: Saved) -> None:
        """Write the state, unless the last writing is too short ago for what it took."""
        begun = time.monotonic()
        if begun < self._next:
            return
        stream = io.BytesIO()
        _Pickler(stream, self._plan).dump(saved)
        raw = stream.getvalue()
        head = {"femsim": __version__, "key": self._key, "sha256": hashlib.sha256(raw).hexdigest()}
        self.place.path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(self.place.path, json.dumps(head).encode() + b"\n" + raw)
        now = time.monotonic()
        self._next = now + SELDOM * (now - begun)

    def restore(self) -> Saved | None:
        """The saved state; None where there is none or none is asked for. Raises InputError where it is another case's,
        another version's, or damaged.
        """
        if not self.place.resume or not self.place.path.is_file():
            return None
        shown = printable(self.place.path)
        line, _, raw = self.place.path.read_bytes().partition(b"\n")
        try:
            head = json.loads(line)
            version, key, digest = head["femsim"], head["key"], head["sha256"]
        except (ValueError, KeyError, TypeError):
            raise InputError(f"--resume: {shown} is not a state of femsim; leave out --resume to begin anew") from None
        if version != __version__:
            raise InputError(
                f"--resume: {shown} was written by femsim {version}, this is {__version__}; leave out --resume to "
                "begin anew"
            )
        if key != self._key:
            raise InputError(
                f"--resume: {shown} belongs to another case, mesh or material; leave out --resume to begin anew"
            )
        if digest != hashlib.sha256(raw).hexdigest():
            raise InputError(f"--resume: {shown} is damaged; leave out --resume to begin anew")
        try:
            found = _Unpickler(io.BytesIO(raw), self._plan, self._cycle).load()
        except (pickle.UnpicklingError, AttributeError, ImportError, TypeError, ValueError, EOFError) as error:
            raise InputError(f"--resume: {shown} cannot be read ({error}); leave out --resume") from None
        assert isinstance(found, Saved)
        return found


def _key(disc: Discretisation, plan: Plan, extra: str) -> str:
    """What a state belongs to: case, mesh, materials, laws, loads and the libraries that compute."""
    digest = hashlib.sha256()
    mesh = plan.space.mesh
    words = (disc.case.model_dump_json(), repr(plan.materials), repr(plan.laws), mesh.element, np.__version__, extra)
    for text in words:
        digest.update(text.encode() + b"\0")
    arrays: list[Any] = [mesh.points, mesh.cells, mesh.region]
    there: dict[int, int] = {}  # cycles that are alike share their loads
    for step in plan.program.steps:
        load, number = step.load, there.setdefault(id(step.load), len(there))
        arrays += [float(number), step.duration, step.alive]
        if number == len(there) - 1:
            arrays += [load.temperature, load.prescribed, load.force, load.eigenstrain]
    for values in arrays:
        digest.update(b"-" if values is None else np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


class _Pickler(pickle.Pickler):
    """Dataclasses by their fields, without what they keep for themselves; what the plan has anyway by its place."""

    def __init__(self, stream: io.BytesIO, plan: Plan) -> None:
        super().__init__(stream, protocol=5)
        self._legs = {id(leg): i for i, leg in enumerate(plan.legs)}
        self._mesh, self._space = plan.space.mesh, plan.space

    def persistent_id(self, obj: Any) -> tuple[str, Any] | None:
        """A short name of what is not written."""
        if isinstance(obj, Leg):
            return "leg", self._legs[id(obj)]
        if isinstance(obj, Kinematics):
            return "kinematics", obj.name
        if isinstance(obj, HeatResult):
            return "heat", None
        if isinstance(obj, CycleSpec):
            return "cycle", None
        if obj is self._mesh:
            return "mesh", None
        if obj is self._space:
            return "space", None
        return None

    def reducer_override(self, obj: Any) -> Any:
        """Dataclasses without their cached properties."""
        if is_dataclass(obj) and not isinstance(obj, type):
            state = {f.name: obj.__dict__[f.name] for f in fields(obj) if f.name in obj.__dict__}
            return copyreg.__newobj__, (type(obj),), state  # type: ignore[attr-defined]
        return NotImplemented


class _Unpickler(pickle.Unpickler):
    """Reads femsim's dataclasses and numpy arrays, nothing else."""

    def __init__(self, stream: io.BytesIO, plan: Plan, cycle: CycleSpec | None) -> None:
        super().__init__(stream)
        self._plan, self._cycle = plan, cycle

    def persistent_load(self, pid: Any) -> Any:
        """What the plan has."""
        kind, which = pid
        space: Space = self._plan.space
        known = {"heat": None, "cycle": self._cycle, "mesh": space.mesh, "space": space}
        if kind == "leg":
            return self._plan.legs[which]
        return KINEMATICS[which] if kind == "kinematics" else known[kind]

    def find_class(self, module: str, name: str) -> Any:
        """Classes of femsim; numpy's makers of arrays."""
        if module.split(".")[0] == "numpy" and name in _NUMPY:
            return super().find_class(module, name)
        if module.split(".")[0] == "femsim" and "." not in name:
            found = super().find_class(module, name)
            if isinstance(found, type) and (is_dataclass(found) or issubclass(found, Warning) or name == "Keeper"):
                return found
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a state")
