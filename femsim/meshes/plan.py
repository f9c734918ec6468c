"""Plans of cells around round conductors: what the layers' outlines are when seen from above, as a mesh to be swept.

A plan is a cell (circular, square, hexagonal, or the quarter of a square chip with one post at its own place) and the
circles of the layers, whose centres lie on one line along x. Circles lie inside one another, or two of them cross; the
two arcs of a crossing pair bound a lens and two crescents, which become quadrilaterals by midpoint subdivision. Rings
between circles are O-grids. Where all circles share the cell's centre a quarter is meshed, else the half y >= 0, or the
whole where asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np

from femsim.base.arrays import BoolArray, FloatArray, IntArray
from femsim.base.errors import InputError
from femsim.meshes.elements import node_points, shape
from femsim.meshes.grid import Grading
from femsim.meshes.mesh import Mesh, jacobians
from femsim.meshes.sketch import Circle, Sketch, mesh_of_sketch

Shape = Literal["circular", "square", "hexagonal", "chip"]
Part = Literal["quarter", "half", "whole"]

#: elements along a whole circle
AROUND = 32
#: turns (degrees) of the side that leads from a crossing to the wall, tried until no cell is inverted
_TURNS = (0.0, 15.0, -15.0, 30.0, -30.0, 45.0, -45.0)
#: a corner wider than this (degrees) is halved by a side of its own
WIDE = 110.0


@dataclass(frozen=True)
class Plan:
    """Circles in a cell. ``size``: radius, half side of the square, apothem of the hexagon (flat sides at x =
    +-size), side of the chip's quarter, whose post stands at ``place``. ``part`` None: as little as symmetry allows.
    """

    shape: Shape
    size: float
    circles: tuple[Circle, ...]
    part: Part | None = None
    place: tuple[float, float] = (0.0, 0.0)
    around: int = AROUND

    @property
    def meshed(self) -> Part:
        """The part of the cell that is meshed."""
        if self.shape == "chip":
            return "whole"
        return self.part or ("quarter" if all(c.centre == (0.0, 0.0) for c in self.circles) else "half")


def plan_mesh(plan: Plan, grading: Grading, element: str = "quad9") -> Mesh:
    """Quadrilaterals of a plan. A region's name says by 1 and 0 which of the circles hold it (see :func:`inside`); the
    lines are ``wall`` (the outer wall; of squares and hexagons also by side: ``x_max``, ``x_min``, ``y_max``,
    ``y_min``), the planes of symmetry ``x_zero``, ``y_zero`` and the circles by name.
    """
    for turn in _TURNS:
        mesh = mesh_of_sketch(sketch_of(plan, np.radians(turn)), grading, element)
        determinant, _ = jacobians(mesh, slice(None), shape(element, node_points(element))[1])
        if determinant.min() > 0:
            return replace(mesh, lines={**mesh.lines, **_flats(plan, mesh)})
    raise InputError(
        "plan: no mesh without inverted cells was found; the circles come too near to each other or to the wall"
    )


def _flats(plan: Plan, mesh: Mesh) -> dict[str, IntArray]:
    """The wall's edges by the flat side they lie on."""
    if plan.shape == "circular":
        return {}
    wall = mesh.lines["wall"]
    middle, w = mesh.points[wall[:, :2]].mean(axis=1), plan.size
    normals = {"x_max": (1.0, 0.0), "y_max": (0.0, 1.0), "x_min": (-1.0, 0.0), "y_min": (0.0, -1.0)}
    if plan.shape == "hexagonal":
        across = [(np.cos(k * np.pi / 3), np.sin(k * np.pi / 3)) for k in range(6)]
        names = ("x_max", "upper_right", "upper_left", "x_min", "lower_left", "lower_right")
        normals = {name: (float(x), float(y)) for name, (x, y) in zip(names, across, strict=True)}
    found = {name: wall[np.abs(middle @ np.array(n) - w) <= 1e-9 * w] for name, n in normals.items()}
    return {name: edges for name, edges in found.items() if len(edges)}


def inside(mesh: Mesh) -> BoolArray:
    """Which circles (cells, circles) hold each cell of a plan's mesh, in the plan's order."""
    table = np.array([[digit == "1" for digit in name] for name in mesh.regions], dtype=bool)
    return np.asarray(table.reshape(len(mesh.regions), -1)[mesh.region])


# ---------------------------------------------------------------- the circles' order


@dataclass(frozen=True)
class _Order:
    """Circles from the inside out; ``pair`` is the place of the first of two that cross."""

    circles: tuple[Circle, ...]
    pair: int | None


def _order(plan: Plan) -> _Order:
    """Sort the circles; raises InputError for what has no plan here."""
    scale = plan.size
    circles = list(dict.fromkeys(plan.circles))
    crossing: list[tuple[Circle, Circle]] = []
    for i, a in enumerate(circles):
        if abs(a.centre[1]) > 1e-12 * scale:
            raise InputError(f"plan: circle {a.name!r} has its centre off the x axis (y = {a.centre[1]:g} um)")
        for b in circles[:i]:
            apart = abs(a.centre[0] - b.centre[0])
            gap_in, gap_out = apart - abs(a.radius - b.radius), a.radius + b.radius - apart
            if min(abs(gap_in), abs(gap_out)) <= 1e-4 * min(a.radius, b.radius):
                raise InputError(
                    f"plan: circles {b.name!r} and {a.name!r} touch (radii {b.radius:g} and {a.radius:g}, "
                    f"{apart:g} um apart); "
                    "change an offset or a radius by more than 1e-4 of it"
                )
            if gap_out < 0:
                raise InputError(
                    f"plan: circles {b.name!r} and {a.name!r} lie apart; a plan needs circles that overlap"
                )
            if gap_in > 0:
                crossing.append((b, a))
    if len(crossing) > 1:
        names = ", ".join(sorted({repr(c.name) for pair in crossing for c in pair}))
        raise InputError(f"plan: more than two circles cross ({names}); a plan has one crossing pair at most")
    if not crossing:
        return _Order(tuple(sorted(circles, key=lambda c: c.radius)), None)
    left, right = sorted(crossing[0], key=lambda c: c.centre[0])
    others = [c for c in circles if c not in (left, right)]
    within = sorted((c for c in others if c.radius < min(left.radius, right.radius)), key=lambda c: c.radius)
    around = sorted((c for c in others if c not in within), key=lambda c: c.radius)
    return _Order((*within, left, right, *around), len(within))


def _holds(outer: Circle, inner: Circle) -> bool:
    return abs(outer.centre[0] - inner.centre[0]) + inner.radius < outer.radius


# ---------------------------------------------------------------- the sketch


def sketch_of(plan: Plan, turn: float = 0.0) -> Sketch:
    """Corners, sides and blocks of a plan; ``turn`` (rad): of the side from a crossing to the wall against its
    bisector.
    """
    if not plan.circles:
        raise InputError("plan: no circle")
    order = _order(plan)
    box = plan.shape == "chip"
    size = _box_size(plan) if box else plan.size
    for c in order.circles:
        if abs(c.centre[0]) + c.radius >= size * (1 - 1e-9):
            raise InputError(
                f"plan: circle {c.name!r} (radius {c.radius:g}, offset {c.centre[0]:g}) is not inside "
                f"the cell ({size:g})"
            )
    draw = _Draw(plan, order, Sketch({c.name: c for c in order.circles}), size, turn)
    if plan.meshed == "quarter":
        return draw.quarter()
    half = draw.half()
    if plan.meshed == "half":
        return half
    whole = half.mirrored(1)
    for key in list(whole.sides):  # the mirror line is no plane of symmetry now
        whole.renamed(key, {"y_zero": ()})
    return _chip(plan, whole, size) if box else whole


class _Draw:
    """Draws the upper half or the first quarter of a cell."""

    def __init__(self, plan: Plan, order: _Order, sketch: Sketch, size: float, turn: float) -> None:
        self.plan, self.order, self.sketch, self.size = plan, order, sketch, size
        self.turn = turn
        self.angle = np.radians(30.0 if plan.shape == "hexagonal" else 45.0)  # of the wall's corner

    def bits(self, *inside_of: Circle) -> str:
        """The region that lies in just these circles."""
        return "".join("1" if c in inside_of else "0" for c in self.plan.circles)

    # ---- quarter: all circles about the centre

    def quarter(self) -> Sketch:
        s, circles = self.sketch, self.order.circles
        o = s.corner("o", 0.0, 0.0)
        angles = (0.0, self.angle, 0.5 * np.pi)
        before: list[str] = []
        for k, c in enumerate(circles):
            row = [s.corner(f"{c.name}.{i}", *_on(c, a), c.name) for i, a in enumerate(angles)]
            for a, b in pairwise(row):
                s.arc(a, b, c, self.plan.around, (c.name,))
            holding = self.bits(*circles[k:])
            if k == 0:
                m1, m3 = s.corner("m1", 0.5 * c.radius, 0.0), s.corner("m3", 0.0, 0.5 * c.radius)
                for a, b, name in (
                    (o, m1, "y_zero"),
                    (m1, row[0], "y_zero"),
                    (o, m3, "x_zero"),
                    (m3, row[2], "x_zero"),
                ):
                    s.line(a, b, (name,))
                s.fan("core", o, (m1, row[0]), (m3, row[2]), row[1], holding)
            else:
                self.ring(before, row, holding)
            before = row
        wall = self.wall(before)
        self.ring(before, wall, self.bits())
        return s

    # ---- half: circles along x

    def half(self) -> Sketch:
        s, circles, pair = self.sketch, self.order.circles, self.order.pair
        before: list[str] = []
        k = 0
        while k < len(circles):
            if k == pair:
                before = self.crossing(circles[k], circles[k + 1], before)
                k += 2
                continue
            c = circles[k]
            row = self.half_row(c)
            if before:
                self.ring(before, row, self.bits(*circles[k:]))
            else:
                self.core(c, row)
            before, k = row, k + 1
        wall = self.wall(before)
        self.ring(before, wall, self.bits())
        return s

    def half_row(self, c: Circle) -> list[str]:
        """The corners of a circle's upper half from right to left, and its arcs."""
        angles = (0.0, self.angle, 0.5 * np.pi, np.pi - self.angle, np.pi)
        row = [self.sketch.corner(f"{c.name}.{i}", *_on(c, a), c.name) for i, a in enumerate(angles)]
        for a, b in pairwise(row):
            self.sketch.arc(a, b, c, self.plan.around, (c.name,))
        return row

    def core(self, c: Circle, row: list[str]) -> None:
        """The innermost half disc: two quarters."""
        s, x = self.sketch, c.centre[0]
        o = s.corner("o", x, 0.0)
        m = [
            s.corner("m.right", x + 0.5 * c.radius, 0.0),
            s.corner("m.top", x, 0.5 * c.radius),
            s.corner("m.left", x - 0.5 * c.radius, 0.0),
        ]
        for middle, end, name in ((m[0], row[0], "y_zero"), (m[1], row[2], None), (m[2], row[4], "y_zero")):
            s.line(o, middle, (name,) if name else ())
            s.line(middle, end, (name,) if name else ())
        holding = self.bits(*self.order.circles)
        s.fan("core.right", o, (m[0], row[0]), (m[1], row[2]), row[1], holding)
        s.fan("core.left", o, (m[1], row[2]), (m[2], row[4]), row[3], holding)

    def crossing(self, left: Circle, right: Circle, core: list[str]) -> list[str]:
        """Lens and crescents of two circles that cross; gives the outline of both from right to left."""
        s = self.sketch
        outer = [c for c in self.order.circles if _holds(c, left) and _holds(c, right)]
        x1, x2, r1, r2 = left.centre[0], right.centre[0], left.radius, right.radius
        xp = 0.5 * (x1 + x2) + (r1**2 - r2**2) / (2.0 * (x2 - x1))
        yp = float(np.sqrt(max(r1**2 - (xp - x1) ** 2, 0.0)))
        p = s.corner("P", xp, yp, left.name, right.name)
        ends = {}
        for name, c, x in (
            ("a1", left, x1 - r1),
            ("a2", right, x2 - r2),
            ("b1", left, x1 + r1),
            ("b2", right, x2 + r2),
        ):
            end = s.corner(name, x, 0.0, c.name)
            stop, start = (np.pi if x < c.centre[0] else 0.0), float(np.arctan2(yp, xp - c.centre[0]))
            middle = s.corner(f"{name}.m", *_on(c, 0.5 * (start + stop)), c.name)
            s.arc(p, middle, c, self.plan.around, (c.name,))
            s.arc(middle, end, c, self.plan.around, (c.name,))
            ends[name] = (middle, end)
        self.sector("crescent.left", ends["a1"], ends["a2"], (left, right), self.bits(left, *outer), towards=0)
        self.sector("crescent.right", ends["b1"], ends["b2"], (left, right), self.bits(right, *outer), towards=1)
        both = self.bits(*(c for c in self.order.circles if c in (left, right) or c in outer))
        if core:
            outline = [ends["b1"][1], ends["b1"][0], p, ends["a2"][0], ends["a2"][1]]
            self.ring(core, outline, both)
        else:
            self.sector("lens", ends["a2"], ends["b1"], (right, left), both, towards=None)
        return [ends["b2"][1], ends["b2"][0], p, ends["a1"][0], ends["a1"][1]]

    def sector(
        self,
        name: str,
        first: tuple[str, str],
        second: tuple[str, str],
        of: tuple[Circle, Circle],
        region: str,
        towards: int | None,
    ) -> None:
        """The face between two arcs that leave P for the axis, ``first`` to the left: one fan, or two where it is wide.

        Seen from P the sides go down, so counter-clockwise is from left to right. ``towards`` names the side near
        which a wide crescent is divided (its smaller circle's side).
        """
        s = self.sketch
        p, a, b = s.corners["P"], s.corners[first[1]], s.corners[second[1]]
        d1, d2 = (self._leaving(end) for end in (first, second))
        angle = float(np.degrees(np.arccos(np.clip(d1 @ d2, -1, 1))))
        if angle <= WIDE and towards is not None:
            middle = s.corner(f"{name}.axis", 0.5 * (a[0] + b[0]), 0.0)
            s.line(first[1], middle, ("y_zero",))
            s.line(middle, second[1], ("y_zero",))
            s.fan(name, "P", first, second, middle, region)
            return
        wide = b[0] - a[0]
        if towards is None:  # the lens: down the bisector, where that meets the axis well inside
            bisector = d1 + d2
            x = p[0] - p[1] * bisector[0] / bisector[1] if bisector[1] < -1e-9 else 0.5 * (a[0] + b[0])
            x = float(np.clip(x, a[0] + 0.25 * wide, b[0] - 0.25 * wide))
        else:
            near = min(1.2 * p[1], 0.5 * wide)
            x = b[0] - near if towards == 0 else a[0] + near
        foot = s.corner(f"{name}.foot", x, 0.0)
        half = s.corner(f"{name}.half", 0.5 * (x + p[0]), 0.5 * p[1])
        s.line("P", half)
        s.line(half, foot)
        for side, (one, other) in {"left": (first, (half, foot)), "right": ((half, foot), second)}.items():
            middle = s.corner(f"{name}.{side}.axis", 0.5 * (s.corners[one[1]][0] + s.corners[other[1]][0]), 0.0)
            s.line(one[1], middle, ("y_zero",))
            s.line(middle, other[1], ("y_zero",))
            s.fan(f"{name}.{side}", "P", one, other, middle, region)

    def _leaving(self, end: tuple[str, str]) -> FloatArray:
        """The direction in which an arc leaves P."""
        x = self.sketch.curve("P", end[0])(np.array([0.0, 1e-6]))
        return np.asarray((x[1] - x[0]) / np.linalg.norm(x[1] - x[0]))

    # ---- rings and the wall

    def ring(self, inner: list[str], outer: list[str], region: str) -> None:
        """Blocks between two rows of corners, from right to left; the ends of the rows lie on planes of symmetry."""
        s = self.sketch
        last = len(inner) - 1
        for i, (a, b) in enumerate(zip(inner, outer, strict=True)):
            on_x = s.corners[a][1] == 0.0 and s.corners[b][1] == 0.0
            on_y = i == last and last == 2
            s.line(a, b, ("y_zero",) if on_x else ("x_zero",) if on_y else ())
        for i in range(last):
            s.coons((inner[i], outer[i], outer[i + 1], inner[i + 1]), region)

    def wall(self, row: list[str]) -> list[str]:
        """Corners and sides of the cell's wall, one for every corner of the outline ``row``, from right to left."""
        s, w, shape = self.sketch, self.size, self.plan.shape
        half = len(row) == 5
        aim = 0.5 * np.pi
        if half:
            x = s.corners[row[2]]
            up = (
                self._leaving(("b2.m", "b2")) + self._leaving(("a1.m", "a1")) if row[2] == "P" else np.array([0.0, 1.0])
            )
            aim = self._hit(x, up)
        if shape == "circular":
            rim = Circle("wall", (0.0, 0.0), w, root=False)
            angles = [0.0, 0.5 * aim, aim, 0.5 * (aim + np.pi), np.pi][: len(row)]
            names = [s.corner(f"wall.{i}", *_on(rim, a), "wall") for i, a in enumerate(angles)]
            for a, b in pairwise(names):
                s.arc(a, b, rim, 1, ("wall",))
            return names
        bends = [np.pi / 6, np.pi / 2, 5 * np.pi / 6] if shape == "hexagonal" else [np.pi / 4, 3 * np.pi / 4]
        angles = [0.0, self._between(0.0, aim, bends), aim]
        angles += [self._between(aim, np.pi, bends), np.pi] if half else []
        names = [s.corner(f"wall.{i}", *self._at(a), "wall") for i, a in enumerate(angles)]
        for i, (a, b) in enumerate(pairwise(names)):
            through = [self._at(bend) for bend in bends if angles[i] + 1e-9 < bend < angles[i + 1] - 1e-9]
            s.polyline(a, b, through, ("wall",), frozenset(["wall"]))
        return names

    @staticmethod
    def _between(low: float, high: float, bends: list[float]) -> float:
        """The wall's bend between two angles that lies nearest to their middle, or the middle."""
        middle = 0.5 * (low + high)
        found = [bend for bend in bends if low + 0.05 < bend < high - 0.05]
        return min(found, key=lambda bend: abs(bend - middle)) if found else middle

    def _at(self, angle: float) -> tuple[float, float]:
        """The point of a square's or hexagon's wall at an angle, exactly on its flats."""
        w = self.size
        x, y = _on(Circle("", (0.0, 0.0), 1.0), angle)
        if self.plan.shape != "hexagonal":
            reach = w / max(abs(x), abs(y))
            return (
                np.sign(x) * w if abs(x) >= abs(y) - 1e-12 else x * reach,
                w if abs(y) >= abs(x) - 1e-12 else y * reach,
            )
        slant = (abs(x) + np.sqrt(3.0) * abs(y)) / 2.0
        reach = w / max(abs(x), slant)
        return (np.sign(x) * w if abs(x) >= slant - 1e-12 else x * reach, y * reach)

    def _hit(self, x: FloatArray, up: FloatArray) -> float:
        """The angle (about the cell's centre) at which the ray from ``x`` along ``up`` meets the wall; kept away from
        the ends of the half wall.
        """
        up = up / np.linalg.norm(up) if up[1] > 0.05 * np.linalg.norm(up) else np.array([np.sign(up[0]), 0.1])
        t, far = 0.0, 4.0 * self.size
        for _ in range(60):  # the wall is convex: halve the part of the ray that crosses it
            middle = 0.5 * (t + far)
            y = x + middle * up
            angle = float(np.arctan2(y[1], y[0]))
            wall = self.size if self.plan.shape == "circular" else float(np.hypot(*self._at(angle)))
            t, far = (middle, far) if np.hypot(*y) < wall else (t, middle)
        y = x + t * up
        angle = float(np.arctan2(y[1], y[0]))
        if self.plan.shape in ("square", "chip"):  # not in the square's corners, which the neighbours take
            angle = float(np.clip(angle, np.radians(59.0), np.radians(121.0)))
        least = np.radians(
            51.0 if self.plan.shape == "chip" else 20.0
        )  # the chip's rectangles join at the square's corners
        angle = float(np.clip(angle + self.turn, least, np.pi - least))
        return 0.5 * np.pi if abs(angle - 0.5 * np.pi) < 1e-9 else angle


def _on(c: Circle, angle: float) -> tuple[float, float]:
    """The point of a circle at an angle, exactly on the axes where it is one of theirs."""
    turn = angle / (0.5 * np.pi)
    if turn == int(turn):
        cos, sin = ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0))[int(turn) % 4]
    else:
        cos, sin = float(np.cos(angle)), float(np.sin(angle))
    return c.centre[0] + c.radius * cos, c.centre[1] + c.radius * sin


# ---------------------------------------------------------------- the chip's quarter


def _box_size(plan: Plan) -> float:
    """Half side of the square around the post in a chip's quarter: up to the nearest edge, not beyond three radii."""
    x, y = plan.place
    room = min(x, y, plan.size - x, plan.size - y)
    reach = max(abs(c.centre[0]) + c.radius for c in plan.circles)
    if room <= reach * (1 + 1e-9):
        raise InputError(
            f"plan: the post at ({x:g}, {y:g}) um reaches beyond the chip's quarter [0, {plan.size:g}]^2 "
            f"(it needs {reach:g} um "
            "on all sides)"
        )
    return float(min(room, 2.0 * reach) if room > 2.5 * reach else room)


def _chip(plan: Plan, square: Sketch, half: float) -> Sketch:
    """The square around the post, put in its place in the chip's quarter, and the rectangles that fill the rest."""
    s = square.moved(plan.place)
    for key in list(s.sides):
        s.renamed(key, {"wall": ()})
    x0, y0 = plan.place
    top, near = float(s.corners["wall.2"][0]), 1e-9 * plan.size
    own_x, own_y = [x0 - half, top, x0 + half], [y0 - half, y0, y0 + half]
    at: dict[tuple[float, float], str] = {}
    for v in [f"wall.{i}" for i in range(5)] + [f"wall.{i}'" for i in (1, 2, 3)]:
        x = s.corners[v]
        at[tuple(min(own, key=lambda line: abs(line - value)) for own, value in ((own_x, x[0]), (own_y, x[1])))] = v  # type: ignore[index]
    lines_x, lines_y = (
        [*([0.0] if own[0] > near else []), *own, *([plan.size] if own[2] < plan.size - near else [])]
        for own in (own_x, own_y)
    )
    edges = {
        ("x", lines_x[0]): "x_zero",
        ("x", lines_x[-1]): "wall",
        ("y", lines_y[0]): "y_zero",
        ("y", lines_y[-1]): "wall",
    }

    def node(x: float, y: float) -> str:
        if (x, y) not in at:
            at[(x, y)] = s.corner(f"chip.{len(at)}", x, y, "wall")
        return at[(x, y)]

    def draw(a: tuple[float, float], b: tuple[float, float]) -> None:
        key = frozenset((node(*a), node(*b)))
        if key not in done:
            done.add(key)
            s.line(node(*a), node(*b))
            for (axis, value), name in edges.items():
                if a["xy".index(axis)] == b["xy".index(axis)] == value:
                    s.named(key, name)

    done: set[frozenset[str]] = set()
    for xa, xb in pairwise(lines_x):
        for ya, yb in pairwise(lines_y):
            corners = ((xa, ya), (xb, ya), (xb, yb), (xa, yb))
            within = own_x[0] <= xa < own_x[2] and own_y[0] <= ya < own_y[2]
            for a, b in pairwise((*corners, corners[0])):
                if not within or (a in at and b in at and (a != (top, y0) and b != (top, y0))):
                    draw(a, b)
            if not within:
                n = [node(*corner) for corner in corners]
                s.coons((n[0], n[1], n[2], n[3]), "0" * len(plan.circles))
    return s
