"""Kinematics: from displacement gradients to strain components, and the measure of a volume. A table for each symmetry.

With the unknowns u_j of a point (j < width), its coordinates x_i (i < dim) and the body's own unknowns g_k,

    strain_a = sum_ji G_aji d u_j / d x_i + sum_j (H_aj / r + V_aj) u_j + sum_k Z_ak g_k ,   dV = around * r dA (or dA)

where G, H, V and Z are small constant tensors (V serves heat, whose "strain" is grad T and T: :func:`conduction`).
On the axis, r = 0, u_j / r is its limit d u_j / d r (the combinations in H vanish there). The tables say all that
assembly, rectangles, sampling and measures need to know of a symmetry; a Fourier harmonic is another H, a body without
symmetry another G. Shear strains are engineering ones. The first three components are normal ones, all others shears;
``voigt`` finds each among the material's six (11, 22, 33, 23, 13, 12).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np

from femsim.base.arrays import FloatArray

Gradient = tuple[int, int, int, float]
Linear = tuple[int, int, float]


@dataclass(frozen=True)
class Kinematics:
    """Symmetry of a model.

    ``gradient`` lists the entries (component, unknown, direction, value) of G, ``over_radius`` those (component,
    unknown, value) of H, ``plain`` those of V, ``constant`` those (component, own unknown, value) of Z. ``radial`` says
    that the first coordinate is a radius, ``around`` is the integral over the angle (or the depth, 1 um) that the
    measure carries.
    ``axis`` lists the combinations of a node's unknowns, coefficients (width,), that vanish on the axis.
    ``plane_stress``: of component 2 the stress, not the strain, is zero. ``normal`` is the component across a level
    interface and ``shears`` those along it; ``rigid`` names the rigid motions.
    """

    name: str
    rigid: Callable[[FloatArray], dict[str, FloatArray]] = field(repr=False)
    axes: tuple[str, ...]
    unknowns: tuple[str, ...]
    components: tuple[str, ...]
    voigt: tuple[int, ...]
    gradient: tuple[Gradient, ...]
    over_radius: tuple[Linear, ...] = ()
    plain: tuple[Linear, ...] = ()
    constant: tuple[Linear, ...] = ()
    radial: bool = False
    around: float = 1.0
    axis: tuple[tuple[float, ...], ...] = ()
    plane_stress: bool = False
    normal: int = 1
    shears: tuple[int, ...] = (3,)
    harmonic: int = 0

    @property
    def dim(self) -> int:
        """Number of coordinates."""
        return len(self.axes)

    @property
    def width(self) -> int:
        """Number of unknowns a node has."""
        return len(self.unknowns)

    @property
    def size(self) -> int:
        """Number of strain components."""
        return len(self.components)

    @property
    def globals_(self) -> int:
        """Number of unknowns that belong to the whole body (the axial strain of generalised plane strain)."""
        return 1 + max((k for _, k, _ in self.constant), default=-1)

    @property
    def plane(self) -> str:
        """The coordinates in which a material's rotation turns."""
        return "rz" if self.radial else "xy" if self.dim == 2 else "xyz"

    @cached_property
    def along(self) -> tuple[tuple[int, int], ...]:
        """The unknowns that move along a coordinate, and which: (unknown, direction)."""
        names = [f"u_{axis}" for axis in self.axes]
        return tuple((k, names.index(name)) for k, name in enumerate(self.unknowns) if name in names)

    @cached_property
    def divided(self) -> tuple[int, ...]:
        """The unknowns that the strain divides by the radius."""
        return tuple(sorted({unknown for _, unknown, _ in self.over_radius}))

    @cached_property
    def valued(self) -> tuple[int, ...]:
        """The unknowns whose values, not only their gradients, the strain takes."""
        return tuple(sorted({unknown for _, unknown, _ in (*self.over_radius, *self.plain)}))

    def measure(self, x: FloatArray) -> FloatArray:
        """Volume per area of the drawing plane at first coordinates ``x``: 2 pi r (whole ring) in axisymmetry, 1 um in
        plane models (volume per volume in three dimensions).
        """
        return self.around * x if self.radial else np.full_like(x, self.around)

    def strain_operator(self, values: FloatArray, gradients: FloatArray, x: FloatArray) -> FloatArray:
        """B (E, q, size, width n + globals) with strain = B u; u is ordered node by node, the body's own unknowns last.

        Shapes: values (q, n), gradients (E, q, n, dim), first coordinates x (E, q).
        """
        elements, points, nodes, _ = gradients.shape
        width = self.width
        own = width * nodes
        b = np.zeros((elements, points, self.size, own + self.globals_))
        for component, unknown, direction, value in self.gradient:
            b[:, :, component, unknown:own:width] += value * gradients[..., direction]
        if self.over_radius:
            on_axis = x <= 0.0
            radius = np.where(on_axis, 1.0, x)
            divided = np.where(on_axis[..., None], gradients[..., 0], values[None] / radius[..., None])
            for component, unknown, value in self.over_radius:
                b[:, :, component, unknown:own:width] += value * divided
        for component, unknown, value in self.plain:
            b[:, :, component, unknown:own:width] += value * values[None]
        for component, number, value in self.constant:
            b[:, :, component, own + number] = value
        return b

    def strain(
        self, gradient: Sequence[FloatArray], value: dict[int, FloatArray], x: FloatArray, globals_: FloatArray
    ) -> FloatArray:
        """Strain (E, size, k, q) of k fields, as by :meth:`strain_operator`.

        ``gradient[i]`` (E, width, k, q) is d u_j / d x_i, ``value[j]`` (E, k, q) the :attr:`valued` unknowns, x (E, q),
        ``globals_`` (globals, k).
        """
        strain = np.zeros((len(x), self.size, *gradient[0].shape[2:]))
        fresh = [True] * self.size

        def add(component: int, factor: float, field: FloatArray) -> None:
            if fresh[component]:
                strain[:, component] = field if factor == 1.0 else factor * field
                fresh[component] = False
            else:
                strain[:, component] += field if factor == 1.0 else factor * field

        for component, unknown, direction, factor in self.gradient:
            add(component, factor, gradient[direction][:, unknown])
        if self.over_radius:
            off = (x > 0)[:, None, :]
            for unknown in self.divided:
                with np.errstate(divide="ignore", invalid="ignore"):
                    divided = value[unknown] / x[:, None, :]
                divided = np.where(off, divided, gradient[0][:, unknown])
                for component, among, factor in self.over_radius:
                    if among == unknown:
                        add(component, factor, divided)
        for component, unknown, factor in self.plain:
            add(component, factor, value[unknown])
        for component, number, factor in self.constant:
            strain[:, component] += factor * globals_[number][None, :, None]
        return strain

    def pull(
        self, stress: Sequence[FloatArray], x: FloatArray
    ) -> tuple[dict[tuple[int, int], FloatArray], dict[int, FloatArray]]:
        """The transpose of :meth:`strain` for stress components (E, q) each.

        The first, by (unknown, direction), is what d u_j / d x_i is paired with; the second, by unknown, what u_j is.
        """
        pairs: dict[tuple[int, int], FloatArray] = {}
        for component, unknown, direction, factor in self.gradient:
            part = stress[component] if factor == 1.0 else factor * stress[component]
            at = (unknown, direction)
            pairs[at] = pairs[at] + part if at in pairs else part
        values: dict[int, FloatArray] = {}
        if self.over_radius:
            off = x > 0
            radius = np.where(off, x, 1.0)
            anywhere = bool(np.all(off))
            for component, unknown, factor in self.over_radius:
                part = stress[component] if factor == 1.0 else factor * stress[component]
                divided = part / radius if anywhere else np.where(off, part, 0.0) / radius
                values[unknown] = values[unknown] + divided if unknown in values else divided
                if not anywhere:
                    at = (unknown, 0)
                    pairs[at] = pairs.get(at, np.zeros_like(part)) + np.where(off, 0.0, part)
        for component, unknown, factor in self.plain:
            part = stress[component] if factor == 1.0 else factor * stress[component]
            values[unknown] = values[unknown] + part if unknown in values else part
        return pairs, values

    def pull_globals(self, stress: Sequence[FloatArray]) -> list[FloatArray]:
        """What the body's own unknowns are paired with, (E, q) each."""
        found = [np.zeros_like(stress[0]) for _ in range(self.globals_)]
        for component, number, factor in self.constant:
            found[number] = found[number] + factor * stress[component]
        return found

    def stiffness(self, stiffness: FloatArray) -> FloatArray:
        """Stiffness (..., size, size) of the components out of the material's (..., 6, 6); condensed to zero stress in
        component 2 in plane stress.
        """
        index = np.array(self.voigt)
        d = stiffness[..., index[:, None], index[None, :]]
        if not self.plane_stress:
            return d
        keep = np.array([k for k in range(self.size) if k != 2])
        condensed = np.zeros_like(d)
        inner = (
            d[..., keep[:, None], keep]
            - d[..., keep, 2][..., :, None] * d[..., 2, keep][..., None, :] / d[..., 2, 2][..., None, None]
        )
        condensed[..., keep[:, None], keep] = inner
        return condensed

    def components_of(self, strain: FloatArray) -> FloatArray:
        """The components (..., size) out of the material's six (..., 6)."""
        return strain[..., np.array(self.voigt)]

    def rigid_modes(self, points: FloatArray) -> dict[str, FloatArray]:
        """Rigid motions (N, width) the kinematics allows, by the words a user knows them by."""
        return self.rigid(points)


def von_mises(stress: FloatArray) -> FloatArray:
    """Von Mises stress (...,) of components (..., size): three normal ones, then shears."""
    a, b, c = stress[..., 0], stress[..., 1], stress[..., 2]
    shear = stress[..., 3] ** 2
    for k in range(4, stress.shape[-1]):
        shear = shear + stress[..., k] ** 2
    return np.sqrt(np.maximum(0.5 * ((a - b) ** 2 + (b - c) ** 2 + (c - a) ** 2) + 3.0 * shear, 0.0))


def von_mises_slope(stress: FloatArray) -> FloatArray:
    """Derivative (..., size) of the von Mises stress by the components: 3 dev(s) / 2 s_vm, shears counted twice."""
    level = np.maximum(von_mises(stress), 1e-300)[..., None]
    mean = stress[..., :3].mean(axis=-1, keepdims=True)
    return np.concatenate([1.5 * (stress[..., :3] - mean), 3.0 * stress[..., 3:]], axis=-1) / level


def _along_z(points: FloatArray) -> dict[str, FloatArray]:
    zero, one = np.zeros(len(points)), np.ones(len(points))
    return {"along z": np.column_stack([zero, one])}


def _in_plane(points: FloatArray) -> dict[str, FloatArray]:
    zero, one = np.zeros(len(points)), np.ones(len(points))
    centre = points.mean(axis=0)
    scale = float(np.ptp(points, axis=0).max()) or 1.0
    turn = np.column_stack([-(points[:, 1] - centre[1]), points[:, 0] - centre[0]]) / scale
    return {
        "along x": np.column_stack([one, zero]),
        "along y": np.column_stack([zero, one]),
        "by turning in the x-y plane": turn,
    }


def _in_space(points: FloatArray) -> dict[str, FloatArray]:
    zero, one = np.zeros(len(points)), np.ones(len(points))
    scale = float(np.ptp(points, axis=0).max()) or 1.0
    x, y, z = ((points - points.mean(axis=0)) / scale).T
    return {
        "along x": np.column_stack([one, zero, zero]),
        "along y": np.column_stack([zero, one, zero]),
        "along z": np.column_stack([zero, zero, one]),
        "by turning about x": np.column_stack([zero, -z, y]),
        "by turning about y": np.column_stack([z, zero, -x]),
        "by turning about z": np.column_stack([-y, x, zero]),
    }


_PLANE_GRADIENT: tuple[Gradient, ...] = ((0, 0, 0, 1.0), (1, 1, 1, 1.0), (3, 0, 1, 1.0), (3, 1, 0, 1.0))
_PLANE = {
    "rigid": _in_plane,
    "axes": ("x", "y"),
    "unknowns": ("u_x", "u_y"),
    "components": ("xx", "yy", "zz", "xy"),
    "voigt": (0, 1, 2, 5),
    "gradient": _PLANE_GRADIENT,
}

# (e_rr, e_zz, e_tt, g_rz) = (du/dr, dw/dz, u/r, du/dz + dw/dr)
AXISYMMETRIC = Kinematics(
    "axisymmetric",
    _along_z,
    ("r", "z"),
    ("u_r", "u_z"),
    ("rr", "zz", "tt", "rz"),
    (0, 2, 1, 4),
    _PLANE_GRADIENT,
    over_radius=((2, 0, 1.0),),
    radial=True,
    around=2.0 * np.pi,
    axis=((1.0, 0.0),),
)
# (e_xx, e_yy, e_zz, g_xy): e_zz is 0, the body's own unknown (generalised plane strain), or condensed (plane stress)
PLANE_STRAIN = Kinematics("plane-strain", **_PLANE)  # type: ignore[arg-type]
GENERALIZED_PLANE_STRAIN = Kinematics("generalized-plane-strain", **_PLANE, constant=((2, 0, 1.0),))  # type: ignore[arg-type]
PLANE_STRESS = Kinematics("plane-stress", **_PLANE, plane_stress=True)  # type: ignore[arg-type]
# (e_xx, e_yy, e_zz, g_xy, g_xz, g_yz)
THREE_D = Kinematics(
    "3d",
    _in_space,
    ("x", "y", "z"),
    ("u_x", "u_y", "u_z"),
    ("xx", "yy", "zz", "xy", "xz", "yz"),
    (0, 1, 2, 5, 4, 3),
    (
        *((i, i, i, 1.0) for i in range(3)),
        *((3, 0, 1, 1.0), (3, 1, 0, 1.0), (4, 0, 2, 1.0), (4, 2, 0, 1.0), (5, 1, 2, 1.0), (5, 2, 1, 1.0)),
    ),
    normal=2,
    shears=(4, 5),
)

KINEMATICS = {k.name: k for k in (AXISYMMETRIC, PLANE_STRAIN, GENERALIZED_PLANE_STRAIN, PLANE_STRESS, THREE_D)}


@lru_cache(maxsize=16)
def conduction(kinematics: Kinematics) -> Kinematics:
    """Heat conduction on the same coordinates: one unknown T, "strain" (grad T, T), "stress" (minus the heat flux, heat
    taken up by a volume); the "rigid motion" is a common temperature.
    """
    dim = kinematics.dim
    return Kinematics(
        f"heat, {kinematics.name}",
        lambda points: {"temperature": np.ones((len(points), 1))},
        kinematics.axes,
        ("T",),
        (*kinematics.axes, "T"),
        tuple(range(dim + 1)),
        tuple((i, 0, i, 1.0) for i in range(dim)),
        plain=((dim, 0, 1.0),),
        radial=kinematics.radial,
        around=kinematics.around,
    )
