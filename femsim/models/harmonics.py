"""Fourier harmonics of a body of revolution under loads that vary around it.

    u_r = U cos(n t), u_t = V sin(n t), u_z = W cos(n t)            (odd: sin and cos change places)

With m = n, or -n where odd, the strains' amplitudes are (Wilson 1965, AIAA J. 3, 2269)

    e_rr = U',  e_tt = (U + m V) / r,  e_zz = W,z,  g_rz = U,z + W',        with cos(n t)
    g_rt = V' - V / r - m U / r,  g_tz = V,z - m W / r,                     with sin(n t)

The integral over the angle is pi (2 pi for n = 0). On the axis the displacement is single-valued: W = 0 and U + m V = 0
for n = 1, all zero for n > 1. Rigid motions: one shift and one tilt for n = 1, one turn for n = 0 and odd (twist: V
alone), none for n > 1. Isotropic materials and cylindrically orthotropic ones keep the harmonics apart.
"""

from __future__ import annotations

from functools import lru_cache, partial

import numpy as np

from femsim.base.arrays import BoolArray, FloatArray
from femsim.models.kinematics import AXISYMMETRIC, Kinematics

#: components of a harmonic's stress that go with the angle as u_t does
ACROSS = ("rt", "tz")


def _shift_and_tilt(sign: float, points: FloatArray) -> dict[str, FloatArray]:
    r, z, zero, one = points[:, 0], points[:, 1], np.zeros(len(points)), np.ones(len(points))
    scale = float(np.ptp(points, axis=0).max()) or 1.0
    return {
        f"along {'x' if sign > 0 else 'y'}": np.column_stack([one, -sign * one, zero]),
        "by tilting": np.column_stack([-z, sign * z, r]) / scale,
    }


def _turn(points: FloatArray) -> dict[str, FloatArray]:
    return {"by turning about the axis": points[:, :1] / (float(np.abs(points[:, 0]).max()) or 1.0)}


def _none(points: FloatArray) -> dict[str, FloatArray]:
    return {}


TORSION = Kinematics(
    "harmonic 0 (twist)",
    _turn,
    ("r", "z"),
    ("u_t",),
    ("rr", "zz", "tt", "rt", "tz"),
    (0, 2, 1, 5, 3),
    ((3, 0, 0, 1.0), (4, 0, 1, 1.0)),
    over_radius=((3, 0, -1.0),),
    radial=True,
    around=2.0 * np.pi,
    axis=((1.0,),),
    shears=(4,),
)


@lru_cache(maxsize=64)
def harmonic(n: int, odd: bool = False) -> Kinematics:
    """Kinematics of a harmonic; n = 0 is axisymmetry, or torsion where ``odd``."""
    if n == 0:
        return TORSION if odd else AXISYMMETRIC
    m = float(-n if odd else n)
    sign = float(np.sign(m))
    axis = ((0.0, 0.0, 1.0), (1.0, sign, 0.0)) if n == 1 else tuple(tuple(row) for row in np.eye(3).tolist())
    return Kinematics(
        f"harmonic {n}{' (odd)' if odd else ''}",
        partial(_shift_and_tilt, sign) if n == 1 else _none,
        ("r", "z"),
        ("u_r", "u_t", "u_z"),
        ("rr", "zz", "tt", "rz", "rt", "tz"),
        (0, 2, 1, 4, 5, 3),
        ((0, 0, 0, 1.0), (1, 2, 1, 1.0), (3, 0, 1, 1.0), (3, 2, 0, 1.0), (4, 1, 0, 1.0), (5, 1, 1, 1.0)),
        over_radius=((2, 0, 1.0), (2, 1, m), (4, 1, -1.0), (4, 0, -m), (5, 2, -m)),
        radial=True,
        around=np.pi,
        axis=axis,
        shears=(3, 5),
        harmonic=n,
    )


def across(names: tuple[str, ...]) -> BoolArray:
    """Which unknowns or components go around as u_t does."""
    return np.array([name in ("u_t", *ACROSS) for name in names])


def waves(n: int, odd: bool, names: tuple[str, ...], angle: FloatArray) -> FloatArray:
    """What the amplitudes of unknowns or components are multiplied with at angles (degrees): (..., names)."""
    turned = np.radians(np.asarray(angle, dtype=float))[..., None] * n
    return (
        np.where(across(names) ^ odd, np.sin(turned), np.cos(turned))
        if n
        else np.ones_like(turned + np.zeros(len(names)))
    )
