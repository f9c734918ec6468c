"""Effective stiffness and thermal expansion of composites: particles, coated particles, parallel members, laminates,
bounds.

Inner units (MPa, 1/K). Stiffness matrices are 6x6 in Voigt order 11, 22, 33, 23, 13, 12 with engineering shear, so that
stress = C strain; a thermal expansion is a Voigt strain per kelvin. Axes (1, 2, 3) are (r, t, z) in axisymmetry and (x,
y, z) elsewhere: fibres run along axis 3, layers are stacked along axis 3. Nothing here knows of size, only of
fractions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from femsim.base.errors import InputError, NumericsError

Array = NDArray[np.float64]

_TOL = 1.0e-9  # relative size below which an asymmetry, a coupling or a difference is round-off
_N, _P = [2, 3, 4], [0, 1, 5]  # Voigt components across a layer (33, 23, 13) and in its plane (11, 22, 12)


@dataclass(frozen=True)
class Isotropic:
    """An isotropic phase: bulk and shear modulus (MPa) and expansion coefficient (1/K)."""

    bulk: float
    shear: float
    cte: float = 0.0

    def __post_init__(self) -> None:
        if not (0 < self.bulk < math.inf and 0 < self.shear < math.inf and math.isfinite(self.cte)):
            raise InputError(
                f"composite phase: bulk {self.bulk}, shear {self.shear} must be > 0, cte {self.cte} finite"
            )

    @classmethod
    def from_young(cls, E: float, nu: float, cte: float = 0.0) -> Isotropic:
        """K = E / (3 (1 - 2 nu)) and G = E / (2 (1 + nu))."""
        if not (0 < E < math.inf and -1 < nu < 0.5):
            raise InputError(f"composite phase: E = {E} must be > 0 and nu = {nu} between -1 and 0.5")
        return cls(E / (3 * (1 - 2 * nu)), E / (2 * (1 + nu)), cte)

    @property
    def young(self) -> float:
        """E = 9 K G / (3 K + G)."""
        return 9 * self.bulk * self.shear / (3 * self.bulk + self.shear)

    @property
    def poisson(self) -> float:
        """nu = (3 K - 2 G) / (2 (3 K + G))."""
        return (3 * self.bulk - 2 * self.shear) / (2 * (3 * self.bulk + self.shear))

    @property
    def phase(self) -> Phase:
        """The same material as a 6x6 stiffness and a Voigt expansion."""
        return Phase(_isotropic(3 * self.bulk, 2 * self.shear, self.shear), np.full(3, self.cte))


@dataclass(frozen=True, eq=False)
class Phase:
    """A phase of any symmetry: ``stiffness`` (6, 6) in MPa, ``cte`` (6,) in 1/K as Voigt strain (three normal ones
    suffice).
    """

    stiffness: Array
    cte: Array

    def __post_init__(self) -> None:
        C, cte = _stiffness(self.stiffness), np.array(self.cte, dtype=float)
        if cte.shape not in ((3,), (6,)) or not np.isfinite(cte).all():
            raise InputError(f"composite phase: cte must be 3 or 6 finite numbers, not {cte.tolist()}")
        cte = np.concatenate([cte, np.zeros(6 - cte.size)])
        for name, value in (("stiffness", C), ("cte", cte)):
            value.setflags(write=False)
            object.__setattr__(self, name, value)

    @property
    def constants(self) -> tuple[Array, Array, Array, Array]:
        """(E[3], nu[12, 13, 23], G[12, 13, 23], cte[3]); an error where the phase is not orthotropic in the axes 1, 2,
        3.
        """
        if np.abs(self.cte[3:]).max() > _TOL * np.abs(self.cte).max():
            raise InputError("composite phase: it shears when heated, so it is not orthotropic in the axes 1, 2, 3")
        return *engineering_constants(self.stiffness), self.cte[:3].copy()


def isotropic_stiffness(E: float, nu: float) -> Array:
    """(6, 6) stiffness of an isotropic material, C = 3K J + 2G D (J, D: spherical and deviatoric projectors)."""
    return Isotropic.from_young(E, nu).phase.stiffness.copy()


def orthotropic_stiffness(E: ArrayLike, nu: ArrayLike, G: ArrayLike) -> Array:
    """(6, 6) stiffness from E along 1, 2, 3 and nu, G in the order 12, 13, 23: S_ii = 1/E_i, S_ij = -nu_ij / E_i, C =
    S^-1.

    nu_ij is the contraction along j under load along i (Jones, Mechanics of Composite Materials, chapter 2).
    """
    e, v, g = (np.asarray(x, dtype=float) for x in (E, nu, G))
    if not (e.shape == v.shape == g.shape == (3,) and np.isfinite([e, v, g]).all() and min(*e, *g) > 0):
        raise InputError(
            f"orthotropic material: E = {e.tolist()}, nu = {v.tolist()}, G = {g.tolist()}: three each, E, G > 0"
        )
    S = np.diag(np.concatenate([1 / e, 1 / g[::-1]]))
    S[[0, 0, 1], [1, 2, 2]] = S[[1, 2, 2], [0, 0, 1]] = -v / e[[0, 0, 1]]
    if np.linalg.eigvalsh(S)[0] <= 0:
        raise InputError(f"orthotropic material: nu = {v.tolist()} with E = {e.tolist()} gives negative strain energy")
    return _stiffness(np.linalg.inv(S))


def engineering_constants(stiffness: ArrayLike) -> tuple[Array, Array, Array]:
    """(E[3], nu[12, 13, 23], G[12, 13, 23]) of a (6, 6) stiffness orthotropic in the axes 1, 2, 3; the inverse of the
    above.
    """
    S = np.linalg.inv(_stiffness(stiffness))
    coupling = S / np.sqrt(np.outer(np.diag(S), np.diag(S))) - np.eye(6)
    coupling[:3, :3] = 0
    if np.abs(coupling).max() > _TOL:
        raise InputError("stiffness couples shear with other strains: it is not orthotropic in the axes 1, 2, 3")
    E = 1 / np.diag(S)[:3]
    return E, -S[[0, 0, 1], [1, 2, 2]] * E[[0, 0, 1]], 1 / np.diag(S)[[5, 4, 3]]


def hashin_shtrikman(parts: Sequence[tuple[float, Isotropic]]) -> tuple[Isotropic, Isotropic]:
    """(lower, upper): bounds on K and G, hence E, of an isotropic mixture of (fraction, phase), fractions summing to
    one.

    Hashin & Shtrikman, J. Mech. Phys. Solids 11 (1963) 127, eqs. 4.1-4.4; more than two phases, or K and G not ordered
    alike: Walpole 1966, the reference takes the least (greatest) K and G. ``cte`` belongs to that K: exact for two
    phases (Levin).
    """
    _fractions([f for f, _ in parts])
    K, G = zip(*((phase.bulk, phase.shear) for f, phase in parts if f > 0), strict=True)
    return _in_reference(parts, min(K), min(G)), _in_reference(parts, max(K), max(G))


def mori_tanaka(matrix: Isotropic, particles: Sequence[tuple[float, Isotropic]]) -> Isotropic:
    """Spheres of one or more kinds, (fraction, phase) each, spread at random in an isotropic matrix.

    K = sum f K_i a_i / sum f a_i with a_i = (K_m + 4/3 G_m) / (K_i + 4/3 G_m), and G alike (Mori & Tanaka 1973;
    Benveniste, Mech. Mater. 6 (1987) 147). With one kind, stiffer than the matrix, it is the lower Hashin-Shtrikman
    bound.
    """
    rest = _fractions([f for f, _ in particles], whole=False)
    return _in_reference([(rest, matrix), *particles], matrix.bulk, matrix.shear)


def coated_spheres(
    matrix: Isotropic,
    layers: Sequence[Isotropic],
    radii: Sequence[float],
    fraction: float,
    shear: Literal["mori-tanaka", "self-consistent"] = "mori-tanaka",
) -> Isotropic:
    """Alike layered spheres in a matrix: ``layers`` from the core outward with outer ``radii``; ``fraction`` counts
    them whole.

    K and cte are those of the composite-sphere assemblage (Hashin 1962; Herve & Zaoui, Int. J. Eng. Sci. 31 (1993) 1):
    core and first shell become one sphere of equal K and cte, and so on outward. G comes from the field of the layered
    sphere under far shear (Herve & Zaoui): with Mori-Tanaka's mean strain, which for a uniform particle is
    ``mori_tanaka``, or generalised self-consistent, which for a uniform particle is Christensen & Lo, J. Mech. Phys.
    Solids 27 (1979) 315.
    """
    _fractions([fraction], whole=False)
    if not layers or len(layers) != len(radii) or not all(a < b < math.inf for a, b in pairwise([0.0, *radii])):
        raise InputError(
            f"coated particle: {len(layers)} layers need as many radii, > 0 and increasing, not {list(radii)}"
        )
    if shear not in ("mori-tanaka", "self-consistent"):
        raise InputError(f"coated particle: shear scheme {shear!r} is not 'mori-tanaka' or 'self-consistent'")
    if fraction == 0:
        return matrix
    shells = [(shell, (a / b) ** 3) for shell, (a, b) in zip(layers[1:], pairwise(radii), strict=True)]
    inside = layers[0]
    for shell, f in [*shells, (matrix, fraction)]:
        inside = _in_reference([(1 - f, shell), (f, inside)], shell.bulk, shell.shear)  # its shear modulus is not used
    state = _shear_basis(layers[0], matrix)[:, :2]
    for shell, f in shells:
        state = _through_shell(shell, matrix, state, f)
    if shear == "self-consistent":
        state = _through_shell(matrix, matrix, state, fraction)
        # no r^-2 outside: s_rr = 2G (3 u_t - 2 u_r) / r and s_rt = 2G (2 u_r - u_t) / r, so G solves a quadratic
        outside = 2 * np.array([[-2.0, 3.0], [2.0, -1.0]]) @ state[:2]
        roots = np.linalg.eigvals(np.linalg.solve(outside, state[2:]))
        relative = float(roots.real.max())
        if not (np.isreal(roots).all() and relative > 0):
            raise NumericsError(
                f"coated particle: the self-consistent shear modulus has no positive root ({roots.tolist()})"
            )
    else:
        u_r, u_t, s_rr, s_rt = state @ _outgoing(matrix, matrix, state)[:, 0]  # under unit far strain
        strain, stress = (2 * u_r + 3 * u_t) / 5, (2 * s_rr + 3 * s_rt) / 5  # means over the particle, from its surface
        relative = float((fraction * stress + 2 * (1 - fraction)) / (2 * (fraction * strain + 1 - fraction)))
    return Isotropic(inside.bulk, relative * matrix.shear, inside.cte)


def _in_reference(parts: Sequence[tuple[float, Isotropic]], bulk: float, shear: float) -> Isotropic:
    """1/(X + X*) = sum f / (X_i + X*), X = K or G: spheres of each phase in a reference medium K0, G0 (Walpole 1966).

    K* = 4/3 G0, G* = G0 (9 K0 + 8 G0) / (6 (K0 + 2 G0)); cte = sum f K_i a_i cte_i / sum f K_i a_i with a_i = 1 / (K_i
    + K*). Written as weighted means, so that alike phases give themselves to round-off.
    """
    f, K, G, cte = np.array([(f, p.bulk, p.shear, p.cte) for f, p in parts]).T
    a = f / (K + 4 * shear / 3)
    b = f / (G + shear * (9 * bulk + 8 * shear) / (6 * (bulk + 2 * shear)))
    return Isotropic(float(a @ K / a.sum()), float(b @ G / b.sum()), float(a @ (K * cte) / (a @ K)))


def _shear_basis(phase: Isotropic, matrix: Isotropic) -> Array:
    """(4, 4) rows (u_r / r, u_t / r, s_rr, s_rt) at r = 1, columns the solutions with u ~ r, r^3, r^-4, r^-2 (Herve &
    Zaoui).

    u = (u_r sin^2(t) cos(2p), u_t sin(t) cos(t) cos(2p), -u_t sin(t) sin(2p)); stresses over the matrix's G; the r^3
    and r^-2 columns times 1 - 2 nu.
    """
    n, g = phase.poisson, 2 * phase.shear / matrix.shear
    rows = [[1, -6 * n, 3, 5 - 4 * n], [1, 4 * n - 7, -2, 2 - 4 * n]]
    return np.array([*rows, [g, 3 * g * n, -12 * g, 2 * g * (n - 5)], [g, -g * (7 + 2 * n), 8 * g, 2 * g * (1 + n)]])


def _outgoing(phase: Isotropic, matrix: Isotropic, state: Array) -> Array:
    """(2, 2) combinations of the two columns of ``state`` whose r and r^3 amplitudes in ``phase`` are (1, 0) and (0,
    1).
    """
    return np.asarray(np.linalg.inv(np.linalg.solve(_shear_basis(phase, matrix), state)[:2]))


def _through_shell(phase: Isotropic, matrix: Isotropic, state: Array, hole: float) -> Array:
    """(4, 2) state at the outside of a shell with a hole of volume fraction ``hole`` from the state at its inside."""
    basis, x = _shear_basis(phase, matrix), hole ** (-1 / 3)
    amplitudes = np.linalg.solve(basis, state @ _outgoing(phase, matrix, state))
    return np.asarray(basis @ (amplitudes * np.array([1, x**2, x**-5, x**-3])[:, None]))


def voigt(parts: Sequence[tuple[float, Phase]]) -> Phase:
    """Equal strain in all (fraction, phase): C = sum f C_i, C cte = sum f C_i cte_i (Voigt 1889; upper bound on the
    energy).
    """
    _fractions([f for f, _ in parts])
    C, b = sum(f * p.stiffness for f, p in parts), sum(f * p.stiffness @ p.cte for f, p in parts)
    return _phase(C, b)


def reuss(parts: Sequence[tuple[float, Phase]]) -> Phase:
    """Equal stress in all (fraction, phase): C^-1 = sum f C_i^-1, cte = sum f cte_i (Reuss 1929; lower bound on the
    energy).
    """
    _fractions([f for f, _ in parts])
    return Phase(
        np.linalg.inv(sum(f * np.linalg.inv(p.stiffness) for f, p in parts)), np.sum([f * p.cte for f, p in parts], 0)
    )


def laminate(layers: Sequence[tuple[float, Phase]]) -> Phase:
    """A stack of many thin (fraction, phase) layers normal to axis 3; exact, layers of any symmetry, their order
    irrelevant.

    Across (n: 33, 23, 13) the stress, in the plane (p: 11, 22, 12) the strain is uniform: C_nn = <C_nn^-1>^-1, C_np =
    C_nn <C_nn^-1 C_np>, C_pp = <C_pp - C_pn C_nn^-1 C_np> + <C_pn C_nn^-1> C_nn <C_nn^-1 C_np>, and so for the thermal
    stress C cte as one more column of C_np and C_pp (Postma 1955; Backus, J. Geophys. Res. 67 (1962) 4427).
    """
    _fractions([f for f, _ in layers])
    across, ratio, plane = np.zeros((3, 3)), np.zeros((3, 4)), np.zeros((3, 4))  # the fourth column is thermal
    for f, layer in layers:
        C = np.column_stack([layer.stiffness, layer.stiffness @ layer.cte])
        inverse = np.linalg.inv(C[np.ix_(_N, _N)])
        across += f * inverse
        ratio += f * inverse @ C[np.ix_(_N, [*_P, 6])]
        plane += f * (C[np.ix_(_P, [*_P, 6])] - C[np.ix_(_P, _N)] @ inverse @ C[np.ix_(_N, [*_P, 6])])
    C = np.zeros((6, 7))
    C[np.ix_(_N, _N)] = np.linalg.inv(across)
    C[np.ix_(_N, [*_P, 6])] = np.linalg.solve(across, ratio)
    C[np.ix_(_P, _N)] = C[np.ix_(_N, _P)].T
    C[np.ix_(_P, [*_P, 6])] = plane + ratio[:, :3].T @ C[np.ix_(_N, [*_P, 6])]
    return _phase(C[:, :6], C[:, 6])


def ring_fraction(count: int, member_radius: float, inner: float, outer: float) -> float:
    """Area fraction N a^2 / (R_o^2 - R_i^2) of N round members of radius a in one row of the ring
    ``inner``..``outer``.
    """
    if not (count >= 1 and member_radius > 0 and 0 <= inner < outer < math.inf):
        raise InputError(
            f"ring: needs 0 <= inner < outer, not {inner}, {outer}; {count} members of radius {member_radius}"
        )
    pitch = (inner + outer) * math.sin(math.pi / count) if count > 1 else math.inf
    if 2 * member_radius > (1 + _TOL) * min(pitch, outer - inner):
        raise InputError(
            f"ring: {count} members of radius {member_radius} do not fit between radii {inner} and {outer}"
        )
    return count * member_radius**2 / (outer**2 - inner**2)


def mori_tanaka_aligned(
    matrix: Phase, inclusions: Sequence[tuple[float, Phase]], shape: Literal["sphere", "fibre"]
) -> Phase:
    """(fraction, phase) inclusions of any symmetry, all spheres or all round fibres along axis 3, in a matrix.

    A_i = [I + P (C_i - C_m)]^-1, C = sum f C_i A_i (sum f A_i)^-1, C cte = sum f (A_i (sum f A)^-1)^T C_i cte_i (Mori &
    Tanaka 1973; Benveniste, Dvorak & Chen, J. Mech. Phys. Solids 39 (1991) 927), with Hill's tensor P of the shape in
    the matrix, which must be isotropic for spheres and isotropic about axis 3 for fibres.
    Fibres are also what smears round members that stand along z in a ring or a row, by their area fraction. One
    isotropic kind: E_z, nu_z, G_z, plane-strain bulk modulus and both expansions are those of composite cylinders
    (Hashin & Rosen 1964), the shear modulus across is Hashin's lower bound (1965) if they are stiffer. Good until
    members nearly touch.
    """
    parts = [(_fractions([f for f, _ in inclusions], whole=False), matrix), *inclusions]
    P = _polarisation(matrix.stiffness, shape)
    A = [f * np.linalg.inv(np.eye(6) + P @ (p.stiffness - matrix.stiffness)) for f, p in parts]
    B = A @ np.linalg.inv(np.sum(A, axis=0))
    each = [(p.stiffness @ a, a.T @ p.stiffness @ p.cte) for (_, p), a in zip(parts, B, strict=True)]
    return _phase(sum(C for C, _ in each), sum(b for _, b in each))


def levin_cte(stiffness: ArrayLike, first: Phase, second: Phase) -> Array:
    """(6,) expansion of a two-phase composite of known stiffness: a = a1 + (S - S1) (S2 - S1)^-1 (a2 - a1), S
    compliances.

    Exact (Levin 1967; Rosen & Hashin 1970). An error where the phases' compliances do not differ and leave it
    undetermined.
    """
    s1, s2, s = (np.linalg.inv(_stiffness(C)) for C in (first.stiffness, second.stiffness, stiffness))
    jump, unit = second.cte - first.cte, float(np.abs(s1).max())
    stress = np.linalg.pinv((s2 - s1) / unit, rcond=_TOL) @ jump
    if (
        np.abs(s2 - s1).max() <= _TOL * unit
        or np.abs((s2 - s1) @ stress / unit - jump).max() > 1e-6 * np.abs(jump).max()
    ):
        raise InputError("Levin's relation: the phases' compliances do not differ enough to fix the expansion")
    return np.asarray(first.cte + (s - s1) @ stress / unit)


def _polarisation(C: Array, shape: str) -> Array:
    """(6, 6) Hill's P (stress to engineering strain) of a sphere or of a round cylinder along axis 3 in a matrix ``C``.

    Sphere: P = J / (3K + 4G) + D 3 (K + 2G) / (5 G (3K + 4G)). Cylinder (Hill 1964; Walpole 1969), with k = (C11 + C12)
    / 2, m = C66, p = C44: P_1111 = (k + 4m) / (8m (k + m)), P_1122 = -k / (8m (k + m)), 2 P_1212 = P_1111 - P_1122,
    P_1313 = 1 / 8p.
    """
    k, m, p = (C[0, 0] + C[0, 1]) / 2, C[5, 5], C[3, 3]
    if shape == "sphere":
        K = k - m / 3
        like, need = _isotropic(3 * K, 2 * m, m), "isotropic, which spheres need"
        deviatoric = 3 * (K + 2 * m) / (5 * m * (3 * K + 4 * m))
        P = _isotropic(1 / (3 * K + 4 * m), deviatoric, 2 * deviatoric)
    elif shape == "fibre":
        like, need = np.diag([k + m, k + m, C[2, 2], p, p, m]), "isotropic about axis 3, which fibres need"
        like[0, 1] = like[1, 0] = k - m
        like[:2, 2] = like[2, :2] = C[0, 2]
        P = np.diag([k + 4 * m, k + 4 * m, 0, 4 * m * (k + m) / p, 4 * m * (k + m) / p, 4 * (k + 2 * m)]) / (
            8 * m * (k + m)
        )
        P[0, 1] = P[1, 0] = -k / (8 * m * (k + m))
    else:
        raise InputError(f"inclusions: shape {shape!r} is not 'sphere' or 'fibre'")
    if np.abs(like - C).max() > _TOL * np.abs(C).max():
        raise InputError(f"composite: the matrix is not {need}")
    return P


def _isotropic(spherical: float, deviatoric: float, shear: float) -> Array:
    """(6, 6) with ``spherical`` J + ``deviatoric`` D on the normal components and ``shear`` on the diagonal below."""
    M = np.diag([deviatoric] * 3 + [shear] * 3)
    M[:3, :3] += (spherical - deviatoric) / 3
    return M


def _phase(stiffness: ArrayLike, thermal_stress: ArrayLike) -> Phase:
    """A phase from its stiffness (6, 6) and its thermal stress C cte (6,)."""
    C = _stiffness(stiffness)
    return Phase(C, np.linalg.solve(C, np.asarray(thermal_stress, dtype=float)))


def _fractions(fractions: Sequence[float], whole: bool = True) -> float:
    """What ``fractions`` leave to a matrix; an error unless each is in 0..1 and they sum to one (``whole``) or to no
    more.
    """
    for f in fractions:
        if not 0 <= f <= 1:
            raise InputError(f"fractions {list(fractions)}: {f} is not between 0 and 1")
    rest = 1.0 - math.fsum(fractions)
    if rest < -_TOL or (whole and rest > _TOL):
        raise InputError(f"fractions {list(fractions)} sum to {1 - rest:.10g}, {'not to' if whole else 'more than'} 1")
    return max(0.0, rest)


def _stiffness(stiffness: ArrayLike) -> Array:
    """A symmetric copy; an error unless (6, 6), symmetric to round-off and positive definite."""
    C = np.array(stiffness, dtype=float)
    if C.shape != (6, 6) or not np.isfinite(C).all() or np.abs(C - C.T).max() > _TOL * np.abs(C).max():
        raise InputError(f"composite phase: stiffness of shape {C.shape} is not 6 x 6, finite and symmetric")
    C = (C + C.T) / 2
    if np.linalg.eigvalsh(C)[0] <= 0:
        raise InputError("composite phase: stiffness is not positive definite")
    return np.asarray(C)
