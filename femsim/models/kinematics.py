"""Kinematics: from displacement gradients to strain components, and the measure of a volume. The only place that knows
the symmetry.

Each object names its two coordinates and four stress components, picks its components out of the 6 x 6 material
stiffness (Voigt order 11, 22, 33, 23, 13, 12), and writes the strain operator. Assembly, recovery and metrics only see
this interface.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from femsim.base.arrays import FloatArray


@dataclass(frozen=True)
class Kinematics:
    """Symmetry of a model.

    ``voigt`` picks the four components out of the material's six. ``globals_`` counts unknowns that belong to the whole
    body (the axial strain of generalised plane strain). ``thickness_component`` is the component ruled by the plane
    assumption, ``plane_stress`` says that its stress, not its strain, is zero.
    """

    name: str
    axes: tuple[str, str]
    components: tuple[str, str, str, str]
    voigt: tuple[int, int, int, int]
    globals_: int = 0
    plane_stress: bool = False

    @property
    def is_axisymmetric(self) -> bool:
        """True where the first coordinate is a radius."""
        return self.name == "axisymmetric"

    def measure(self, x: FloatArray) -> FloatArray:
        """Volume per area of the drawing plane at first coordinates ``x``: 2 pi r (whole ring) in axisymmetry, 1 um
        otherwise.
        """
        return 2.0 * np.pi * x if self.is_axisymmetric else np.ones_like(x)

    def strain_operator(self, values: FloatArray, gradients: FloatArray, x: FloatArray) -> FloatArray:
        """B (E, q, 4, 2 n + globals) with strain = B u, u ordered (u0_x, u0_y, u1_x, ...), engineering shear.

        Axisymmetry: (e_rr, e_zz, e_tt, g_rz) = (du/dr, dw/dz, u/r, du/dz + dw/dr), and at r = 0 the limit u/r -> du/dr.
        Plane: (e_xx, e_yy, e_zz, g_xy), where e_zz is 0, the global unknown (generalised plane strain), or condensed
        (plane stress). Shapes: values (q, n), gradients (E, q, n, 2), x (E, q).
        """
        elements, points, nodes, _ = gradients.shape
        b = np.zeros((elements, points, 4, 2 * nodes + self.globals_))
        b[:, :, 0, 0 : 2 * nodes : 2] = gradients[..., 0]
        b[:, :, 1, 1 : 2 * nodes : 2] = gradients[..., 1]
        b[:, :, 3, 0 : 2 * nodes : 2] = gradients[..., 1]
        b[:, :, 3, 1 : 2 * nodes : 2] = gradients[..., 0]
        if self.is_axisymmetric:
            on_axis = x <= 0.0
            radius = np.where(on_axis, 1.0, x)
            hoop = values[None] / radius[..., None]
            b[:, :, 2, 0 : 2 * nodes : 2] = np.where(on_axis[..., None], gradients[..., 0], hoop)
        elif self.globals_:
            b[:, :, 2, -1] = 1.0
        return b

    def strain(
        self, gradient: Sequence[FloatArray], first: FloatArray, x: FloatArray, global_: FloatArray | None
    ) -> FloatArray:
        """Strain (E, 4, k, q) of k fields, as by :meth:`strain_operator`.

        ``gradient[i]`` (E, 2, k, q) is d u_j / d x_i, ``first`` (E, k, q) the first displacement, x (E, q), ``global_``
        (k,).
        """
        strain = np.zeros((len(x), 4, *first.shape[1:]))
        strain[:, 0] = gradient[0][:, 0]
        strain[:, 1] = gradient[1][:, 1]
        strain[:, 3] = gradient[1][:, 0] + gradient[0][:, 1]
        if self.is_axisymmetric:
            with np.errstate(divide="ignore", invalid="ignore"):
                hoop = first / x[:, None, :]
            strain[:, 2] = np.where((x > 0)[:, None, :], hoop, strain[:, 0])
        elif global_ is not None:
            strain[:, 2] = global_[None, :, None]
        return strain

    def pull(
        self, stress: Sequence[FloatArray], x: FloatArray
    ) -> tuple[tuple[tuple[FloatArray, ...], ...], FloatArray | None]:
        """The transpose of :meth:`strain` for four stress components (E, q) each.

        ``[j][i]`` is what d u_j / d x_i is paired with; the second is what the first displacement itself is paired
        with, where it is.
        """
        first, hoop = stress[0], None
        if self.is_axisymmetric:
            off = x > 0
            hoop = np.where(off, stress[2], 0.0) / np.where(off, x, 1.0)
            first = np.where(off, first, first + stress[2])
        return ((first, stress[3]), (stress[3], stress[1])), hoop

    def stiffness(self, stiffness: FloatArray) -> FloatArray:
        """Stiffness (..., 4, 4) of the four components out of the material's (..., 6, 6); condensed to s_zz = 0 in
        plane stress.
        """
        index = np.array(self.voigt)
        d = stiffness[..., index[:, None], index[None, :]]
        if not self.plane_stress:
            return d
        keep = np.array([0, 1, 3])
        condensed = np.zeros_like(d)
        inner = (
            d[..., keep[:, None], keep]
            - d[..., keep, 2][..., :, None] * d[..., 2, keep][..., None, :] / d[..., 2, 2][..., None, None]
        )
        condensed[..., keep[:, None], keep] = inner
        return condensed

    def thermal_strain(self, strain: FloatArray) -> FloatArray:
        """Thermal strain (..., 4) out of the material's (..., 6)."""
        return strain[..., np.array(self.voigt)]

    def rigid_modes(self, points: FloatArray) -> dict[str, FloatArray]:
        """Rigid motions (N, 2) the kinematics allows, by the words a user knows them by."""
        zero, one = np.zeros(len(points)), np.ones(len(points))
        if self.is_axisymmetric:
            return {"along z": np.column_stack([zero, one])}
        centre = points.mean(axis=0)
        scale = float(np.ptp(points, axis=0).max()) or 1.0
        turn = np.column_stack([-(points[:, 1] - centre[1]), points[:, 0] - centre[0]]) / scale
        return {
            "along x": np.column_stack([one, zero]),
            "along y": np.column_stack([zero, one]),
            "by turning in the x-y plane": turn,
        }


def von_mises(stress: FloatArray) -> FloatArray:
    """Von Mises stress (...,) of (..., 4) components: three normal, one shear."""
    a, b, c, s = stress[..., 0], stress[..., 1], stress[..., 2], stress[..., 3]
    return np.sqrt(np.maximum(0.5 * ((a - b) ** 2 + (b - c) ** 2 + (c - a) ** 2) + 3.0 * s**2, 0.0))


AXISYMMETRIC = Kinematics("axisymmetric", ("r", "z"), ("rr", "zz", "tt", "rz"), (0, 2, 1, 4))
PLANE_STRAIN = Kinematics("plane-strain", ("x", "y"), ("xx", "yy", "zz", "xy"), (0, 1, 2, 5))
GENERALIZED_PLANE_STRAIN = Kinematics(
    "generalized-plane-strain", ("x", "y"), ("xx", "yy", "zz", "xy"), (0, 1, 2, 5), globals_=1
)
PLANE_STRESS = Kinematics("plane-stress", ("x", "y"), ("xx", "yy", "zz", "xy"), (0, 1, 2, 5), plane_stress=True)

KINEMATICS = {k.name: k for k in (AXISYMMETRIC, PLANE_STRAIN, GENERALIZED_PLANE_STRAIN, PLANE_STRESS)}
