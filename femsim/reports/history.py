"""The history of a program as a table: one row for every increment, named columns with units.

========================  =======  ==============================================================================
column                    unit     meaning
========================  =======  ==============================================================================
step                               name of the step, ramp or dwell
cycle                              number of the cycle, from 1; 0 in a step
time                      s        at the row's end
temperature               degC     largest of the body; with a field, temperature_min is the smallest
ROOT.KIND.LENGTHum        MPa      peel, shear, von_mises: averages as everywhere
ROOT.p.LENGTHum                    equivalent plastic strain, mean of the ring of the von Mises average
ROOT.creep.LENGTHum                equivalent creep strain, likewise
ROOT.work.LENGTHum        MPa      inelastic work density, likewise
ROOT.stress_C.LENGTHum    MPa      mean stress of the ring, component C
ROOT.strain_C.LENGTHum             mean mechanical strain of the ring (elastic and inelastic; shear: engineering)
layer NAME.X                       the same quantities of a layer of ``metrics.thickness``
region NAME.X                      p, creep, work: volume means of a region
========================  =======  ==============================================================================

A root, layer or region that is not there at a time has no number (null).
"""

from __future__ import annotations

import csv
import io
import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from femsim.base.errors import FemsimWarning
from femsim.base.files import atomic_write
from femsim.runs.names import named
from femsim.runs.record import Sample

Columns = dict[str, list[Any]]


def history_columns(samples: Sequence[Sample], components: Sequence[str]) -> Columns:
    """The columns of the table, all of one length."""
    rows = [_row(sample, components) for sample in samples]
    names = list(dict.fromkeys(name for row in rows for name in row))
    return {name: [row.get(name) for row in rows] for name in names}


def _row(sample: Sample, components: Sequence[str]) -> dict[str, Any]:
    low, high = sample.temperature
    row: dict[str, Any] = {
        "step": sample.leg.name,
        "cycle": sample.leg.cycle or 0,
        "time": sample.time,
        "temperature": high,
    }
    if low != high:
        row["temperature_min"] = low
    names = named((m.root.name, m.root.at, m.length) for m in sample.roots)
    for one, metric, mean in zip(names, sample.roots, sample.patches, strict=False):
        row |= {one.name(kind): estimate.value for kind, estimate in metric.values.items()}
        flown = mean.inelastic
        row |= {one.name("p"): flown.p, one.name("creep"): flown.creep, one.name("work"): flown.work}
        for k, c in enumerate(components):
            row[one.name(f"stress_{c}")], row[one.name(f"strain_{c}")] = float(mean.stress[k]), float(mean.strain[k])
    for mean in sample.patches[len(sample.roots) :]:
        at = f"layer {mean.patch.name}"
        row |= {f"{at}.{key}": getattr(mean.inelastic, key) for key in ("p", "creep", "work")}
        for k, c in enumerate(components):
            row[f"{at}.stress_{c}"], row[f"{at}.strain_{c}"] = float(mean.stress[k]), float(mean.strain[k])
    for name, found in sample.regions.items():
        row |= {f"region {name}.{key}": getattr(found, key) for key in ("p", "creep", "work")}
    return row


def column_unit(name: str) -> str:
    """The unit of a column; empty for what has none."""
    if name in ("step", "cycle"):
        return ""
    if name == "time":
        return "s"
    if name.startswith("temperature"):
        return "degC"
    last = name.removesuffix("um").rsplit(".", 1)[0] if name.endswith("um") else name
    kind = next((part for part in reversed(last.split(".")) if not part[:1].isdigit()), "").split(" at ")[0]
    return "" if kind in ("p", "creep") or kind.startswith("strain_") else "MPa"


def write_history(directory: Path, columns: Columns) -> Path:
    """Write history.parquet, each column with its unit in the field's metadata; without pyarrow history.csv, with a
    warning.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        warnings.warn(
            "history.parquet needs pyarrow (pip install 'femsim[sweep]'); history.csv is written instead",
            FemsimWarning,
            stacklevel=2,
        )
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
        atomic_write(directory / "history.csv", text.getvalue())
        return directory / "history.csv"
    fields, arrays = [], []
    for name, values in columns.items():
        kind = {"step": pa.string(), "cycle": pa.int32()}.get(name, pa.float64())
        arrays.append(pa.array(values, type=kind))
        fields.append(pa.field(name, kind, metadata={"unit": column_unit(name)}))
    notes = {"femsim": json.dumps({"rows": "one for every increment, in order of time"})}
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata=notes)), buffer)
    atomic_write(directory / "history.parquet", buffer.getvalue())
    return directory / "history.parquet"
