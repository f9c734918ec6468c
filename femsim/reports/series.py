"""The fields of a program as a VTU file for each kept step, and a .pvd file that ParaView opens as one over time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np

from femsim.base.files import atomic_write
from femsim.meshes.write import Values, vtu_bytes
from femsim.models.kinematics import von_mises
from femsim.reports.fields import put_temperature
from femsim.runs.record import Frame

#: what flowed, as files call it
FLOWN = ("plastic_strain", "creep_strain", "inelastic_work")


def write_series(directory: Path, frames: Sequence[Frame]) -> list[Path]:
    """Write steps.pvd and steps/0001.vtu, steps/0002.vtu, ...: displacement (um), temperature (degC), stress and von
    Mises stress (MPa), equivalent plastic and creep strain, inelastic work density (MPa), on what is there at the time.
    """
    written, entries = [], []
    (directory / "steps").mkdir(exist_ok=True)
    for number, frame in enumerate(frames, 1):
        path = directory / "steps" / f"{number:04d}.vtu"
        atomic_write(path, frame_bytes(frame))
        written.append(path)
        entries.append(
            f'    <DataSet timestep="{frame.time!r}" group="" part="0" name={quoteattr(frame.leg.name)} '
            f'file="steps/{path.name}"/>\n'
        )
    text = (
        '<?xml version="1.0"?>\n<VTKFile type="Collection" version="0.1" byte_order="LittleEndian">\n  <Collection>\n'
    )
    atomic_write(directory / "steps.pvd", f"{text}{''.join(entries)}  </Collection>\n</VTKFile>\n")
    return [directory / "steps.pvd", *written]


def frame_bytes(frame: Frame) -> bytes:
    """The content of one step's VTU file."""
    mesh, count = frame.mesh, len(frame.mesh.points)
    u = np.asarray(frame.displacement[:count], dtype=float)
    if u.shape[1] == 2:
        u = np.column_stack([u, np.zeros(count)])
    point_data: dict[str, Values] = {"displacement": u}
    stress = np.asarray(frame.stress, dtype=float)
    side_data: dict[str, Values] = {
        f"stress_{name}": stress[..., k] for k, name in enumerate(frame.kinematics.components)
    }
    side_data["von_mises"] = von_mises(stress)
    put_temperature(point_data, side_data, frame.temperature, count)
    for k, name in enumerate(FLOWN):
        side_data[name] = np.asarray(frame.flown[..., k], dtype=float)
    return vtu_bytes(mesh, point_data, {}, mesh.regions, side_data=side_data)
