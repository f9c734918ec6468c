"""The explorer: a reduced model and its sliders in one HTML page that needs no server and no network."""

from __future__ import annotations

import html
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from femsim.base.errors import InputError
from femsim.base.files import atomic_write
from femsim.models.kinematics import KINEMATICS
from femsim.reduced.between import Between
from femsim.reduced.box import Box
from femsim.reduced.keep import load
from femsim.reduced.model import Reduced
from femsim.reduced.outputs import Features, Line, Ring, Row, Work
from femsim.study.plan import Plan
from femsim.study.reduced import FOLDER, MODEL
from femsim.study.store import Store

#: digits of a number in the page: far more than the model's own error
DIGITS = 10
#: the same of what is only drawn
POINTWISE = 6
NAME = "explorer.html"


def write_explorer(store: Store) -> Path:
    """Write the page into a study's directory. Raises InputError where there is no reduced model of a box."""
    model: Reduced | Between | None = load(store.directory / FOLDER / MODEL)
    each = model.models if isinstance(model, Between) else () if model is None else (model,)
    if model is None or not all(len(one.boxes) for one in each) or model.guarantee is None:
        raise InputError(f"{store.directory}: holds no reduced model; femsim sweep STUDY --reduced 0.3% makes one")
    target = store.directory / NAME
    try:
        atomic_write(target, page(model, store.plan))
    except OSError as error:
        raise InputError(f"{target}: cannot be written ({(error.strerror or str(error)).lower()})") from None
    return target


def page(model: Reduced | Between, plan: Plan) -> str:
    """The page's text."""
    template = Path(__file__).with_name("explorer.html").read_text(encoding="utf-8")
    made = _between(model, plan) if isinstance(model, Between) else document(model, plan)
    data = json.dumps(made, separators=(",", ":")).replace("<", "\\u003c")
    words = "" if model.guarantee is None else f"Of the errors: {model.guarantee.words}. A slider is such a choice."
    for mark, text in (("@TITLE@", html.escape(plan.name)), ("@WORDS@", html.escape(words)), ("@MODEL@", data)):
        template = template.replace(mark, text)
    return template


def _between(model: Between, plan: Plan) -> dict[str, Any]:
    """Models at nodes as the page computes with them: each with the errors of all."""
    each = [
        document(replace(one, guarantee=model.guarantee, shown=one.shown + model.apart), plan) for one in model.models
    ]
    parameters = list(each[0]["parameters"])
    for i, nodes in zip(model.across, model.nodes, strict=True):
        low, high = float(nodes[0]), float(nodes[-1])
        parameters.insert(i, _slider(model.names[i], plan, low, high, 0.5 * (low + high)))
    places = [_list(n) for n in model.nodes]
    return {"across": list(model.across), "nodes": places, "models": each, "parameters": parameters}


def _slider(key: str, plan: Plan, low: float, high: float, start: float) -> dict[str, Any]:
    """A parameter as the page shows it."""
    windows = {w["key"]: w["range"] for w in plan.study.get("window", [])}
    labels = {p["key"]: p.get("label") or p["key"] for p in plan.study.get("parameter", [])}
    label, window = labels.get(key, key), windows.get(key)
    return {"label": label, "unit": plan.unit(key), "low": low, "high": high, "start": start, "window": window}


def document(model: Reduced, plan: Plan) -> dict[str, Any]:
    """The model as the page computes with it."""
    box, forms, g = model.boxes[0], model.forms, model.guarantee
    names = box.names
    regions = []
    for number, isotropic in enumerate(names.isotropic):
        moduli, free = names.columns(number)
        regions.append({"isotropic": isotropic, "moduli": moduli.start, "free": free.start})
    low, high = (np.array([getattr(b, end) for b in model.boxes]) for end in ("low", "high"))
    return {
        "size": names.size,
        "planeStress": KINEMATICS[box.kinematics].plane_stress,
        "normal": KINEMATICS[box.kinematics].normal,
        "shear": KINEMATICS[box.kinematics].shears[0],
        "regions": regions,
        "mesh": 0.0 if g is None else g.mesh,
        "forms": {
            "centre": _list(forms.centre),
            "constant": _list(forms.constant),
            "slope": _list(forms.slope),
            "pairs": [list(pair) for pair in forms.pairs],
            "product": _list(forms.product),
            "curved": list(forms.curved),
            "ends": _list(forms.ends),
            "curves": _list(forms.curves),
            "scaled": _list(forms.scaled),
            "by": forms.by.tolist(),
        },
        "parameters": [
            _slider(key, plan, float(low[:, i].min()), float(high[:, i].max()), float(0.5 * (box.low[i] + box.high[i])))
            for i, key in enumerate(model.names)
        ],
        "outputs": [
            {"name": name, "column": model.outputs.index(selector)}
            for name, selector in zip(plan.outputs, plan.selectors, strict=True)
        ],
        "boxes": [
            _box(one, 0.0 if g is None else g.factor * float(shown[0]))
            for one, shown in zip(model.boxes, model.shown, strict=True)
        ],
    }


def _box(box: Box, reduction: float) -> dict[str, Any]:
    operators, strips = box.operators, box.strips
    return {
        "low": _list(box.low),
        "high": _list(box.high),
        "n": box.modes,
        "reduction": reduction,
        "interval": strips.interval.tolist(),
        "moving": np.isnan(strips.fixed).tolist(),
        "kept": _list(strips.kept),
        "reference": _list(strips.reference),
        "groups": box.groups.tolist(),
        "stiffnessAt": operators.coefficients.stiffness.tolist(),
        "loadAt": operators.coefficients.load.tolist(),
        "stiffness": _list(operators.stiffness.reshape(len(operators.stiffness), -1)),
        "load": _list(operators.load),
        "rows": [[_row(peel), _row(shear)] for peel, shear in box.rows],
        "rings": [_ring(ring) for ring in box.rings],
        "lines": [_line(line) for line in box.lines],
        "features": _features(box.features),
    }


def _row(row: Row) -> dict[str, Any]:
    forces = [{**_work(force), "mix": _list(share)} for force, share in zip(row.forces, row.mix.T, strict=True)]
    return {"rest": _work(row.rest), "forces": forces}


def _work(work: Work) -> dict[str, Any]:
    return {
        "entries": work.entries.tolist(),
        "strain": _list(work.strain),
        "held": work.held.tolist(),
        "weights": _list(work.weights),
    }


def _features(features: Features) -> dict[str, Any]:
    return {
        "columns": features.columns.tolist(),
        "logged": features.logged.tolist(),
        "middle": _list(features.middle),
        "half": _list(features.half),
    }


def _ring(ring: Ring) -> dict[str, Any]:
    return {"region": ring.region, "strain": _list(ring.strain), "weights": _list(ring.weights)}


def _line(line: Line) -> dict[str, Any]:
    return {
        "root": line.root,
        "region": line.region,
        "distance": _list(line.distance),
        "strain": _list(line.strain, POINTWISE),
    }


def _list(values: Any, digits: int = DIGITS) -> Any:
    """Nested lists of numbers with as many digits as are of use."""
    if isinstance(values, np.ndarray):
        values = values.tolist()
    return [_list(v, digits) for v in values] if isinstance(values, list) else float(f"{values:.{digits}g}")
