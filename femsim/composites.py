"""Effective stiffness and thermal expansion of composites: particles, coated particles, parallel members, laminates, bounds.

Inner units (MPa, 1/K). Stiffness matrices are 6x6 in Voigt order 11, 22, 33, 23, 13, 12 with engineering shear, so that
stress = C strain, and a thermal expansion is a Voigt strain per kelvin. Axes (1, 2, 3) are (r, t, z) in axisymmetry and
(x, y, z) elsewhere: fibres run along axis 3, layers are stacked along axis 3. Nothing here knows of size, only of fractions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from femsim.errors import InputError, NumericsError

Array = NDArray[np.float64]

_TOL = 1.0e-9  # relative size below which an asymmetry or a coupling is round-off
_N, _P = [2, 3, 4], [0, 1, 5]  # Voigt components across (33, 23, 13) and in the plane (11, 22, 12) of a layer


class Orthotropic(NamedTuple):
    """Engineering constants: ``E`` and ``cte`` along 1, 2, 3; ``nu`` and ``G`` in the order 12, 13, 23 (MPa, 1/K)."""

    E: Array
    nu: Array
    G: Array
    cte: Array


@dataclass(frozen=True)
class Isotropic:
    """An isotropic phase: bulk and shear modulus (MPa) and expansion coefficient (1/K)."""

    bulk: float
    shear: float
    cte: float = 0.0

    def __post_init__(self) -> None:
        for name, value in (("bulk", self.bulk), ("shear", self.shear)):
            if not (value > 0 and math.isfinite(value)):
                raise InputError(f"composite phase: {name} modulus {value} is not a finite number > 0")
        if not math.isfinite(self.cte):
            raise InputError(f"composite phase: cte {self.cte} is not a finite number")

    @classmethod
    def from_young(cls, E: float, nu: float, cte: float = 0.0) -> Isotropic:
        """K = E / (3 (1 - 2 nu)) and G = E / (2 (1 + nu))."""
        _check_young(E, nu)
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
    """A phase of any symmetry: ``stiffness`` (6, 6) in MPa; ``cte`` (6,) in 1/K as Voigt strain (three normal ones suffice)."""

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
    def constants(self) -> Orthotropic:
        """The engineering constants with three expansions; an error where the phase is not orthotropic in the axes 1, 2, 3."""
        if np.abs(self.cte[3:]).max() > _TOL * np.abs(self.cte).max():
            raise InputError("composite phase: thermal shear strain, so no orthotropic material in these axes")
        return Orthotropic(*engineering_constants(self.stiffness), self.cte[:3].copy())


class Bounds(NamedTuple):
    """Two materials that enclose an isotropic composite's K and G (hence E); cte is the one that goes with that K."""

    lower: Isotropic
    upper: Isotropic


Shape = Literal["sphere", "fibre"]


# ---- constants and matrices


def isotropic_stiffness(E: float, nu: float) -> Array:
    """(6, 6) stiffness of an isotropic material, C = 3K J + 2G D (J, D: spherical and deviatoric projectors)."""
    return Isotropic.from_young(E, nu).phase.stiffness.copy()


def orthotropic_stiffness(E: ArrayLike, nu: ArrayLike, G: ArrayLike) -> Array:
    """(6, 6) stiffness from E along 1, 2, 3 and nu, G in the order 12, 13, 23.

    S_ii = 1/E_i and S_ij = -nu_ij / E_i, nu_ij the contraction along j under load along i (Jones, Mechanics of Composite
    Materials, 1999, eq. 2.24); C is its inverse.
    """
    e, v, g = (np.asarray(x, dtype=float) for x in (E, nu, G))
    if e.shape != (3,) or v.shape != (3,) or g.shape != (3,):
        raise InputError("orthotropic material: E, nu and G must be three numbers each")
    if not ((e > 0).all() and (g > 0).all() and np.isfinite([e, v, g]).all()):
        raise InputError(f"orthotropic material: E = {e.tolist()} and G = {g.tolist()} must be finite and > 0")
    S = np.diag(np.concatenate([1 / e, 1 / g[::-1]]))
    for (i, j), value in zip(((0, 1), (0, 2), (1, 2)), v, strict=True):
        S[i, j] = S[j, i] = -value / e[i]
    if np.linalg.eigvalsh(S[:3, :3])[0] <= 0:
        raise InputError(f"orthotropic material: nu = {v.tolist()} with E = {e.tolist()} gives negative strain energy")
    C: Array = np.linalg.inv(S)
    return (C + C.T) / 2


def engineering_constants(stiffness: ArrayLike) -> tuple[Array, Array, Array]:
    """(E[3], nu[12, 13, 23], G[12, 13, 23]) of a (6, 6) stiffness that is orthotropic in the axes 1, 2, 3; see the inverse."""
    S: Array = np.linalg.inv(_stiffness(stiffness))
    coupling = S / np.sqrt(np.outer(np.diag(S), np.diag(S)))
    coupling[:3, :3] = 0
    np.fill_diagonal(coupling, 0)
    if np.abs(coupling).max() > _TOL:
        raise InputError("stiffness couples shear with other strains: it is not orthotropic in the axes 1, 2, 3")
    E = 1 / np.diag(S)[:3]
    return E, -S[[0, 0, 1], [1, 2, 2]] * E[[0, 0, 1]], 1 / np.diag(S)[[5, 4, 3]]


def ring_fraction(count: int, member_radius: float, inner: float, outer: float) -> float:
    """Area fraction N a^2 / (R_o^2 - R_i^2) of N round members of radius a in one row of the ring inner..outer (um)."""
    if not (0 <= inner < outer and member_radius > 0 and count >= 1 and math.isfinite(outer)):
        raise InputError(f"ring: needs 0 <= inner < outer, member_radius > 0, count >= 1, not {inner}, {outer}, {member_radius}, {count}")
    if 2 * member_radius > (outer - inner) * (1 + _TOL):
        raise InputError(f"ring: members of diameter {2 * member_radius:g} do not fit between radii {inner:g} and {outer:g}")
    pitch = (inner + outer) * math.sin(math.pi / count) if count > 1 else math.inf
    if 2 * member_radius > pitch * (1 + _TOL):
        raise InputError(f"ring: {count} members of diameter {2 * member_radius:g} overlap at a pitch of {pitch:.4g}")
    return count * member_radius**2 / (outer**2 - inner**2)


# ---- isotropic composites


def hashin_shtrikman(parts: Sequence[tuple[float, Isotropic]]) -> Bounds:
    """Bounds on K and G of an isotropic mixture of (fraction, phase), fractions summing to one.

    Hashin & Shtrikman, J. Mech. Phys. Solids 11 (1963) 127, eqs. 3.21-3.24 and 4.1-4.4; for phases whose K and G are not
    ordered alike and for more than two, Walpole 1966: the comparison moduli are the least and the greatest K and G. The cte
    of two phases is exact for a composite with that K (Levin); of more phases, an estimate.
    """
    _check_parts([f for f, _ in parts])
    phases = [phase for f, phase in parts if f > 0]
    bulks, shears = [p.bulk for p in phases], [p.shear for p in phases]
    return Bounds(_in_reference(parts, min(bulks), min(shears)), _in_reference(parts, max(bulks), max(shears)))


def mori_tanaka(matrix: Isotropic, particles: Sequence[tuple[float, Isotropic]]) -> Isotropic:
    """Spheres of one or more kinds, (fraction, phase) each, spread at random in an isotropic matrix.

    K = sum f K_i a_i / sum f a_i with a_i = (K_m + 4/3 G_m) / (K_i + 4/3 G_m), and G alike (Mori & Tanaka 1973; Benveniste,
    Mech. Mater. 6 (1987) 147, eqs. 14a-b). Stiffer particles: equal to the lower Hashin-Shtrikman bound.
    """
    rest = _matrix_fraction([f for f, _ in particles])
    return _in_reference([(rest, matrix), *particles], matrix.bulk, matrix.shear)


def levin_cte(bulk: float, first: Isotropic, second: Isotropic) -> float:
    """Expansion of an isotropic two-phase composite of known bulk modulus K (exact; Levin 1967; Rosen & Hashin 1970, eq. 2.25).

    a = a1 + (a2 - a1) (1/K - 1/K1) / (1/K2 - 1/K1). Phases of equal K and different cte leave it undetermined: an error.
    """
    if first.cte == second.cte:
        return first.cte
    difference = 1 / second.bulk - 1 / first.bulk
    if abs(difference) * first.bulk <= _TOL:
        raise InputError("Levin's relation: both phases have the same bulk modulus, so it does not fix the expansion")
    if not bulk > 0:
        raise InputError(f"Levin's relation: bulk modulus {bulk} is not > 0")
    return first.cte + (second.cte - first.cte) * (1 / bulk - 1 / first.bulk) / difference


def coated_spheres(
    matrix: Isotropic,
    layers: Sequence[Isotropic],
    radii: Sequence[float],
    fraction: float,
    shear: Literal["mori-tanaka", "self-consistent"] = "mori-tanaka",
) -> Isotropic:
    """Alike layered spheres in a matrix: ``layers`` from the core outward with outer ``radii``; ``fraction`` counts them whole.

    K and cte are those of the composite-sphere assemblage (Hashin 1962; Herve & Zaoui, Int. J. Eng. Sci. 31 (1993) 1, eq.
    44), found by replacing core and first shell by one sphere of equal K and cte, and so on outward. G comes from the field
    of the layered sphere under far shear (the same paper, section 3): with Mori-Tanaka's matrix strain, which for a uniform
    particle is ``mori_tanaka``, or from the generalised self-consistent scheme, for a uniform particle that of
    Christensen & Lo 1979.
    """
    _check_fraction(fraction, "fraction of coated particles")
    if not layers or len(layers) != len(radii):
        raise InputError(f"coated particle: {len(layers)} layers need as many outer radii, not {len(radii)}")
    if not all(a < b < math.inf for a, b in zip([0.0, *radii], radii, strict=False)):
        raise InputError(f"coated particle: radii {list(radii)} must be finite, > 0 and increase outward")
    if shear not in ("mori-tanaka", "self-consistent"):
        raise InputError(f"coated particle: shear scheme {shear!r} is not 'mori-tanaka' or 'self-consistent'")
    if fraction == 0:
        return matrix
    shells = list(zip(layers[1:], [(a / b) ** 3 for a, b in zip(radii, radii[1:], strict=False)], strict=True))
    inside = layers[0]
    for shell, f in [*shells, (matrix, fraction)]:
        whole = _in_reference([(1 - f, shell), (f, inside)], shell.bulk, shell.shear)
        inside = Isotropic(whole.bulk, inside.shear, whole.cte)
    # shear: rows (u_r / r, u_t / r, s_rr, s_rt) / columns (two solutions regular in the core), stresses over the matrix G
    state = _shear_basis(layers[0], matrix.shear)[:, :2]
    for shell, f in shells:
        state = _through_shell(shell, matrix.shear, state, f)
    if shear == "self-consistent":
        state = _through_shell(matrix, matrix.shear, state, fraction)
        # no dipole (r^-2) outside: s_rr = 2G (3 u_t - 2 u_r) / r and s_rt = 2G (2 u_r - u_t) / r, a quadratic in G
        outside = 2 * np.array([[-2.0, 3.0], [2.0, -1.0]]) @ state[:2]
        roots = np.linalg.eigvals(np.linalg.solve(outside, state[2:]))
        relative = float(roots.real.max())
        if not (np.isreal(roots).all() and relative > 0):
            raise NumericsError(f"coated particle: the self-consistent shear modulus has no positive root ({roots.tolist()})")
    else:
        mean = np.array([2.0, 3.0]) / 5  # mean over a sphere from its surface
        one = state @ _amplitudes(matrix, matrix.shear, state)[:, 0]  # unit far strain, no r^3 part
        relative = (fraction * mean @ one[2:] + 2 * (1 - fraction)) / (fraction * mean @ one[:2] + 1 - fraction) / 2
    return Isotropic(inside.bulk, float(relative) * matrix.shear, inside.cte)


def _in_reference(parts: Sequence[tuple[float, Isotropic]], bulk: float, shear: float) -> Isotropic:
    """Walpole's estimate with spheres of every phase in a reference medium: 1/(X + X*) = sum f / (X_i + X*), X = K or G.

    K* = 4/3 G0, G* = G0 (9 K0 + 8 G0) / (6 (K0 + 2 G0)); cte = sum f A_i K_i a_i / K with the strain concentration A_i.
    Written as a weighted mean, so that alike phases give themselves to round-off.
    """
    k_star, g_star = 4 * shear / 3, shear * (9 * bulk + 8 * shear) / (6 * (bulk + 2 * shear))
    fractions = np.array([f for f, _ in parts])
    K, G, cte = np.array([(p.bulk, p.shear, p.cte) for _, p in parts]).T
    a, b = fractions / (K + k_star), fractions / (G + g_star)
    return Isotropic(float(a @ K / a.sum()), float(b @ G / b.sum()), float(a @ (K * cte) / (a @ K)))


def _shear_basis(phase: Isotropic, unit: float) -> Array:
    """(4, 4) rows (u_r/r, u_t/r, s_rr, s_rt) at r = 1, columns the solutions with u ~ r, r^3, r^-4, r^-2 (Herve & Zaoui, eq. 27).

    u = (u_r sin^2(t) cos(2p), u_t sin(t) cos(t) cos(2p), -u_t sin(t) sin(2p)); the r^3 and r^-2 columns are scaled by
    1 - 2 nu, stresses by ``unit``.
    """
    n, g = phase.poisson, 2 * phase.shear / unit
    return np.array(
        [
            [1, -6 * n, 3, 5 - 4 * n],
            [1, -(7 - 4 * n), -2, 2 * (1 - 2 * n)],
            [g, g * 3 * n, -12 * g, -2 * g * (5 - n)],
            [g, -g * (7 + 2 * n), 8 * g, 2 * g * (1 + n)],
        ]
    )


def _amplitudes(phase: Isotropic, unit: float, state: Array) -> Array:
    """(2, 2) combinations of the two columns of ``state`` whose r and r^3 amplitudes in ``phase`` are (1, 0) and (0, 1)."""
    result: Array = np.linalg.inv(np.linalg.solve(_shear_basis(phase, unit), state)[:2])
    return result


def _through_shell(phase: Isotropic, unit: float, state: Array, inner: float) -> Array:
    """The state at the outside of a shell, whose hole takes the volume fraction ``inner``, from the state at its inside."""
    basis = _shear_basis(phase, unit)
    x = inner ** (-1 / 3)
    amplitudes = np.linalg.solve(basis, state @ _amplitudes(phase, unit, state))
    amplitudes *= np.array([1, x**2, x**-5, x**-3])[:, None]
    return np.asarray(basis @ amplitudes / np.array([1, x**2]))


# ---- composites of any symmetry


def voigt(parts: Sequence[tuple[float, Phase]]) -> Phase:
    """Equal strain in all (fraction, phase): C = sum f C_i, cte = C^-1 sum f C_i cte_i (Voigt 1889; upper bound on energy)."""
    f = _check_parts([f for f, _ in parts])
    C = np.einsum("i,ijk->jk", f, [p.stiffness for _, p in parts])
    return Phase(C, np.linalg.solve(C, np.einsum("i,ij->j", f, [p.stiffness @ p.cte for _, p in parts])))


def reuss(parts: Sequence[tuple[float, Phase]]) -> Phase:
    """Equal stress in all (fraction, phase): C^-1 = sum f C_i^-1, cte = sum f cte_i (Reuss 1929; lower bound on energy)."""
    f = _check_parts([f for f, _ in parts])
    S = np.einsum("i,ijk->jk", f, np.linalg.inv([p.stiffness for _, p in parts]))
    return Phase(np.linalg.inv(S), np.einsum("i,ij->j", f, [p.cte for _, p in parts]))


def laminate(layers: Sequence[tuple[float, Phase]]) -> Phase:
    """A stack of many thin (fraction, phase) layers normal to axis 3; exact, layers of any symmetry, order irrelevant.

    With the components across (n: 33, 23, 13) and in the plane (p: 11, 22, 12), stress_n and strain_p are uniform, so
    C_nn = <C_nn^-1>^-1, C_np = C_nn <C_nn^-1 C_np>, C_pp = <C_pp - C_pn C_nn^-1 C_np> + <C_pn C_nn^-1> C_nn <C_nn^-1 C_np>,
    and the same for the thermal stress C cte (Backus, J. Geophys. Res. 67 (1962) 4427, eq. 13; Postma 1955).
    """
    fractions = _check_parts([f for f, _ in layers])
    nn, np_, pp, bn, bp = np.zeros((3, 3)), np.zeros((3, 3)), np.zeros((3, 3)), np.zeros(3), np.zeros(3)
    for f, layer in zip(fractions, (p for _, p in layers), strict=True):
        C, b = layer.stiffness, layer.stiffness @ layer.cte
        across = np.linalg.inv(C[np.ix_(_N, _N)])
        ratio = across @ C[np.ix_(_N, _P)]
        nn += f * across
        np_ += f * ratio
        pp += f * (C[np.ix_(_P, _P)] - C[np.ix_(_P, _N)] @ ratio)
        bn += f * across @ b[_N]
        bp += f * (b[_P] - ratio.T @ b[_N])
    C, b = np.zeros((6, 6)), np.zeros(6)
    C[np.ix_(_N, _N)] = np.linalg.inv(nn)
    C[np.ix_(_N, _P)] = np.linalg.solve(nn, np_)
    C[np.ix_(_P, _N)] = C[np.ix_(_N, _P)].T
    C[np.ix_(_P, _P)] = pp + np_.T @ C[np.ix_(_N, _P)]
    b[_N] = np.linalg.solve(nn, bn)
    b[_P] = bp + np_.T @ b[_N]
    return Phase(C, np.linalg.solve(C, b))


def smeared_members(matrix: Phase, members: Sequence[tuple[float, Phase]]) -> Phase:
    """Parallel round members along axis 3 (z), (area fraction, phase) each, in a matrix isotropic about axis 3.

    ``mori_tanaka_aligned`` with fibres. For isotropic phases E_z, nu_z, G_z, the plane-strain bulk modulus and both expansions
    are those of the composite-cylinder assemblage (Hashin & Rosen 1964), the shear modulus across is Hashin's lower bound (1965).
    It knows nothing of how a row is arranged: between ``reuss`` and ``voigt``, good where members do not nearly touch.
    """
    return mori_tanaka_aligned(matrix, members, "fibre")


def mori_tanaka_aligned(matrix: Phase, inclusions: Sequence[tuple[float, Phase]], shape: Shape) -> Phase:
    """(fraction, phase) inclusions of any symmetry, all spheres or all round fibres along axis 3, in a matrix.

    A_i = [I + P (C_i - C_m)]^-1, C = sum f C_i A_i (sum f A_i)^-1, C cte = sum f (A_i (sum f A)^-1)^T C_i cte_i (Mori & Tanaka
    1973; Benveniste, Dvorak & Chen, J. Mech. Phys. Solids 39 (1991) 927), with Hill's tensor P of the shape in the matrix,
    which must be isotropic for spheres and isotropic about axis 3 for fibres.
    """
    rest = _matrix_fraction([f for f, _ in inclusions])
    P = _polarisation(matrix.stiffness, shape)
    parts = [(rest, matrix), *inclusions]
    A = [f * np.linalg.inv(np.eye(6) + P @ (p.stiffness - matrix.stiffness)) for f, p in parts]
    total = np.linalg.inv(np.sum(A, axis=0))
    concentration = [a @ total for a in A]
    C = np.sum([p.stiffness @ a for (_, p), a in zip(parts, concentration, strict=True)], axis=0)
    b = np.sum([a.T @ p.stiffness @ p.cte for (_, p), a in zip(parts, concentration, strict=True)], axis=0)
    return Phase(C, np.linalg.solve(C, b))


def levin_cte_general(stiffness: ArrayLike, first: Phase, second: Phase) -> Array:
    """(6,) expansion of a two-phase composite of known stiffness (exact; Levin 1967; Rosen & Hashin 1970, eq. 2.19).

    a = a1 + (S - S1) (S2 - S1)^-1 (a2 - a1), S the compliances; an error where the phases' compliances leave it undetermined.
    """
    s1, s2, s = (np.linalg.inv(_stiffness(C)) for C in (first.stiffness, second.stiffness, stiffness))
    jump = second.cte - first.cte
    stress: Array = np.linalg.lstsq(s2 - s1, jump, rcond=_TOL)[0]
    if np.abs((s2 - s1) @ stress - jump).max() > 1.0e-6 * np.abs(jump).max():
        raise InputError("Levin's relation: the phases' compliances do not differ enough to fix the expansion")
    return np.asarray(first.cte + (s - s1) @ stress)


def _polarisation(C: Array, shape: Shape) -> Array:
    """(6, 6) Hill's P (stress to engineering strain) of a sphere or of a round cylinder along axis 3 in a matrix ``C``.

    Sphere: P = J / (3K + 4G) + D 3 (K + 2G) / (5 G (3K + 4G)). Cylinder (Hill 1964; Walpole 1969), with k = (C11 + C12)/2, m =
    C66, p = C44: P_1111 = (k + 4m) / (8 m (k + m)), P_1122 = -k / (8 m (k + m)), P_1212 = (P_1111 - P_1122) / 2, P_1313 = 1/(8p).
    """
    P = np.zeros((6, 6))
    if shape == "sphere":
        K, G = C[:3, :3].sum() / 9, C[3, 3]
        like, kind = _isotropic(3 * K, 2 * G, G), "isotropic, which spheres need"
        deviatoric = 3 * (K + 2 * G) / (5 * G * (3 * K + 4 * G))
        P = _isotropic(1 / (3 * K + 4 * G), deviatoric, 2 * deviatoric)
    elif shape == "fibre":
        k, m, p = (C[0, 0] + C[0, 1]) / 2, C[5, 5], C[3, 3]
        like, kind = np.diag([k + m, k + m, C[2, 2], p, p, m]), "isotropic about axis 3, which fibres need"
        like[0, 1] = like[1, 0] = k - m
        like[:2, 2] = like[2, :2] = C[0, 2]
        P[:2, :2] = np.array([[k + 4 * m, -k], [-k, k + 4 * m]]) / (8 * m * (k + m))
        P[3, 3] = P[4, 4] = 1 / (2 * p)
        P[5, 5] = 2 * (P[0, 0] - P[0, 1])
    else:
        raise InputError(f"inclusions: shape {shape!r} is not 'sphere' or 'fibre'")
    if np.abs(like - C).max() > _TOL * np.abs(C).max():
        raise InputError(f"composite: the matrix is not {kind}")
    return P


def _isotropic(spherical: float, deviatoric: float, shear: float) -> Array:
    """(6, 6) with ``spherical`` J + ``deviatoric`` D on the normal components and ``shear`` on the diagonal below."""
    M = np.diag([deviatoric] * 3 + [shear] * 3)
    M[:3, :3] += (spherical - deviatoric) / 3
    return M


# ---- checks


def _check_young(E: float, nu: float) -> None:
    if not (E > 0 and math.isfinite(E)):
        raise InputError(f"composite phase: E = {E} is not a finite number > 0")
    if not -1 < nu < 0.5:
        raise InputError(f"composite phase: nu = {nu} is not between -1 and 0.5")


def _check_fraction(fraction: float, name: str) -> None:
    if not 0 <= fraction <= 1:
        raise InputError(f"{name}: {fraction} is not between 0 and 1")


def _check_parts(fractions: Sequence[float]) -> Array:
    for i, f in enumerate(fractions):
        _check_fraction(f, f"fraction of part {i + 1}")
    if abs(sum(fractions) - 1) > _TOL:
        raise InputError(f"fractions {list(fractions)} sum to {sum(fractions):.10g}, not to 1")
    return np.array(fractions, dtype=float)


def _matrix_fraction(fractions: Sequence[float]) -> float:
    for i, f in enumerate(fractions):
        _check_fraction(f, f"fraction of inclusion {i + 1}")
    if sum(fractions) > 1 + _TOL:
        raise InputError(f"fractions of inclusions {list(fractions)} sum to {sum(fractions):.10g}, more than 1")
    return max(0.0, 1.0 - math.fsum(fractions))


def _stiffness(stiffness: ArrayLike) -> Array:
    C = np.array(stiffness, dtype=float)
    if C.shape != (6, 6) or not np.isfinite(C).all():
        raise InputError(f"composite phase: stiffness must be 6 x 6 finite numbers, not of shape {C.shape}")
    if np.abs(C - C.T).max() > _TOL * np.abs(C).max():
        raise InputError("composite phase: stiffness is not symmetric")
    C = (C + C.T) / 2
    if np.linalg.eigvalsh(C)[0] <= 0:
        raise InputError("composite phase: stiffness is not positive definite")
    return C
