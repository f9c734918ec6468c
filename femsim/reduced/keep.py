"""Reduced models on disk: one .npz of arrays and a JSON skeleton, nothing that runs on reading."""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from femsim.base.errors import InputError
from femsim.base.files import atomic_write
from femsim.reduced.between import Between
from femsim.reduced.box import Box
from femsim.reduced.build import Built
from femsim.reduced.facts import Names
from femsim.reduced.forms import Forms
from femsim.reduced.model import Gap, Guarantee, Reduced
from femsim.reduced.operators import Coefficients, Operators
from femsim.reduced.outputs import Features, Line, Ring, Row, Work
from femsim.reduced.strips import Strips

KINDS: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        Between,
        Box,
        Built,
        Names,
        Forms,
        Gap,
        Guarantee,
        Reduced,
        Coefficients,
        Operators,
        Line,
        Ring,
        Row,
        Work,
        Features,
        Strips,
    )
}


def save(thing: Any, path: Path, key: str) -> None:
    """Write a model, whole or not at all; ``key`` says what it was made of."""
    arrays: dict[str, Any] = {}
    skeleton = json.dumps({"key": key, "thing": _pack(thing, arrays)})
    stream = io.BytesIO()
    np.savez(stream, skeleton=np.frombuffer(skeleton.encode(), dtype=np.uint8), **arrays)
    atomic_write(path, stream.getvalue())


def load(path: Path, key: str | None = None) -> Any:
    """What a file holds; None where there is no such file, or it was made of something else than ``key``.

    Raises InputError for a file that femsim did not write.
    """
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as stored:
            document = json.loads(bytes(stored["skeleton"]).decode())
            if key is not None and document["key"] != key:
                return None
            return _unpack(document["thing"], stored)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not a reduced model of this version of femsim ({error}); move it away") from None


def _pack(value: Any, arrays: dict[str, Any]) -> Any:
    if dataclasses.is_dataclass(value):
        fields = {f.name: _pack(getattr(value, f.name), arrays) for f in dataclasses.fields(value)}
        return {"kind": type(value).__name__, **fields}
    if isinstance(value, np.ndarray):
        name = f"a{len(arrays)}"
        arrays[name] = value
        return {"array": name}
    if isinstance(value, tuple | list):
        return [_pack(v, arrays) for v in value]
    return value.item() if isinstance(value, np.generic) else value


def _unpack(value: Any, stored: Any) -> Any:
    if isinstance(value, list):
        return tuple(_unpack(v, stored) for v in value)
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return stored[value["array"]]
    return KINDS[value["kind"]](**{k: _unpack(v, stored) for k, v in value.items() if k != "kind"})
