"""A sketch in the plane: corners, curves and four-sided blocks between them; and the graded quadrilaterals it becomes.

Opposite sides of a block have equally many elements, so the sides fall into chains that cross the sketch from block to
block; a chain has as many elements as its most demanding side. Along each side the elements follow the size

    h(s) = min(h_a + c s, h_b + c (l - s), top),  c = ln(growth),

where an end is fine if it lies on a circle that the side crosses; inside a block both families of lines are blended
between the sides (Gordon and Hall 1973, Int. J. Numer. Methods Eng. 7, 461). Nodes between corners are placed on the
curves themselves, so second-order edges have their middles on the circles.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.meshes.grid import Grading, interval
from femsim.meshes.mesh import Mesh

#: u (n,) in [0, 1] -> points (n, 2)
Curve = Callable[[FloatArray], FloatArray]
#: (p, q) (n,) each in [0, 1] -> points (n, 2)
Patch = Callable[[FloatArray, FloatArray], FloatArray]
#: samples of a curve whose length is not proportional to its parameter
_SAMPLES = 129


@dataclass(frozen=True)
class Circle:
    """A circle; ``root``: elements are graded to it on both sides."""

    name: str
    centre: tuple[float, float]
    radius: float
    root: bool = True

    def distance(self, point: FloatArray) -> float:
        """How far a point is from the circle."""
        return abs(float(np.hypot(point[0] - self.centre[0], point[1] - self.centre[1])) - self.radius)


@dataclass(frozen=True)
class Side:
    """A curve from corner ``a`` to corner ``b``; ``even``: its length is proportional to its parameter; ``on``: the
    circles or walls it lies on.
    """

    a: str
    b: str
    curve: Curve
    even: bool
    on: frozenset[str] = frozenset()
    names: tuple[str, ...] = ()
    top: float = np.inf
    kinks: tuple[float, ...] = ()  # parameters where the curve turns: there is a node


@dataclass(frozen=True)
class Quad:
    """A block: corners counter-clockwise from (p, q) = (0, 0), its map, and the name of what it is part of."""

    corners: tuple[str, str, str, str]
    patch: Patch
    region: str


@dataclass
class Sketch:
    """Corners (with the circles and walls each lies on), sides by their two corners, blocks."""

    circles: dict[str, Circle] = field(default_factory=dict)
    corners: dict[str, FloatArray] = field(default_factory=dict)
    on: dict[str, frozenset[str]] = field(default_factory=dict)
    sides: dict[frozenset[str], Side] = field(default_factory=dict)
    blocks: list[Quad] = field(default_factory=list)

    def corner(self, name: str, x: float, y: float, *on: str) -> str:
        """Add a corner."""
        self.corners[name] = np.array([x, y])
        self.on[name] = frozenset(on)
        return name

    def line(self, a: str, b: str, names: tuple[str, ...] = (), on: frozenset[str] = frozenset()) -> Side:
        """A straight side; kept if there is one already."""
        return self._add(Side(a, b, straight(self.corners[a], self.corners[b]), True, on, names))

    def polyline(
        self, a: str, b: str, through: list[tuple[float, float]], names: tuple[str, ...], on: frozenset[str]
    ) -> Side:
        """A side along straight pieces."""
        x = np.array([self.corners[a], *through, self.corners[b]])
        at = np.append(0.0, np.cumsum(np.linalg.norm(np.diff(x, axis=0), axis=1)))
        at /= at[-1]

        def curve(u: FloatArray) -> FloatArray:
            return np.column_stack([np.interp(u, at, x[:, k]) for k in range(2)])

        return self._add(Side(a, b, curve, True, on, names, kinks=tuple(float(k) for k in at[1:-1])))

    def arc(self, a: str, b: str, circle: Circle, around: int, names: tuple[str, ...] = ()) -> Side:
        """A side along a circle, the shorter way; its elements are no longer than the circumference over ``around``."""
        curve = arc(circle, self.corners[a], self.corners[b])
        top = 2.0 * np.pi * circle.radius / around
        return self._add(Side(a, b, curve, True, frozenset([circle.name]), names, top))

    def _add(self, side: Side) -> Side:
        return self.sides.setdefault(frozenset((side.a, side.b)), side)

    def renamed(self, key: frozenset[str], names: dict[str, tuple[str, ...]]) -> None:
        """Give a side other names: each of ``names`` becomes those it stands for."""
        side = self.sides[key]
        self.sides[key] = replace(side, names=tuple(new for name in side.names for new in names.get(name, (name,))))

    def named(self, key: frozenset[str], *names: str) -> None:
        """Give a side further names."""
        self.sides[key] = replace(self.sides[key], names=(*self.sides[key].names, *names))

    def curve(self, a: str, b: str) -> Curve:
        """The curve of a side, from ``a`` to ``b``."""
        side = self.sides[frozenset((a, b))]
        return side.curve if side.a == a else backwards(side.curve)

    def coons(self, corners: tuple[str, str, str, str], region: str) -> None:
        """A block between four sides that are there."""
        a, b, c, d = corners
        bottom, right, top, left = self.curve(a, b), self.curve(b, c), self.curve(d, c), self.curve(a, d)
        x = [self.corners[v] for v in corners]

        def patch(p: FloatArray, q: FloatArray) -> FloatArray:
            u, v = p[:, None], q[:, None]
            edges = (1 - v) * bottom(p) + v * top(p) + (1 - u) * left(q) + u * right(q)
            return np.asarray(edges - ((1 - u) * ((1 - v) * x[0] + v * x[3]) + u * ((1 - v) * x[1] + v * x[2])))

        self.blocks.append(Quad(corners, patch, region))

    def fan(self, name: str, apex: str, first: tuple[str, str], second: tuple[str, str], end: str, region: str) -> None:
        """A three-sided face as three blocks: ``first`` and ``second`` are (middle, end) of the sides that leave the
        apex (counter-clockwise), ``end`` the middle of the third side.

        With barycentric coordinates (b1, b2), s = b1 + b2 and t = b2/s, the face is
        X = (1 - t) c1(s) + t c2(s) + s^2 (g(t) - (1 - t) c1(1) - t c2(1)): chords between equal parameters of the two
        sides, bent towards the third side g. The three quadrilaterals of the midpoint subdivision are bilinear in
        (b1, b2).
        """
        (m1, e1), (m3, e2) = first, second
        c1, f1 = joined(self.curve(apex, m1), self.curve(m1, e1), self._share(apex, m1, e1))
        c2, f3 = joined(self.curve(apex, m3), self.curve(m3, e2), self._share(apex, m3, e2))
        g, f2 = joined(self.curve(e1, end), self.curve(end, e2), self._share(e1, end, e2))
        start, last = self.corners[e1], self.corners[e2]

        def face(b: FloatArray) -> FloatArray:
            s = b.sum(axis=1)
            t = np.clip(b[:, 1] / np.where(s > 0, s, 1.0), 0.0, 1.0)
            chord = (1 - t)[:, None] * start + t[:, None] * last
            plain = (1 - t)[:, None] * c1(s) + t[:, None] * c2(s)
            return np.asarray(plain + (s**2)[:, None] * (g(t) - chord))

        at = {apex: (0.0, 0.0), m1: (f1, 0.0), e1: (1.0, 0.0), end: (1 - f2, f2), e2: (0.0, 1.0), m3: (0.0, f3)}
        centre = f"{name}.centre"
        at[centre] = (1 / 3, 1 / 3)
        place = face(np.array([at[centre]]))[0]
        self.corner(centre, float(place[0]), float(place[1]))
        for corners in ((apex, m1, centre, m3), (e1, end, centre, m1), (e2, m3, centre, end)):
            b = np.array([at[v] for v in corners])

            def patch(p: FloatArray, q: FloatArray, b: FloatArray = b) -> FloatArray:
                u, v = p[:, None], q[:, None]
                return face((1 - v) * ((1 - u) * b[0] + u * b[1]) + v * ((1 - u) * b[3] + u * b[2]))

            self.blocks.append(Quad(corners, patch, region))
            for k in (1, 2):  # the two spokes; the other sides are there
                self._add(Side(corners[k], corners[k + 1], _side_of(patch, k), False))

    def _share(self, a: str, middle: str, b: str) -> float:
        """The part of the way from a to b that lies before the middle."""
        one = _length(self.curve(a, middle))
        return one / (one + _length(self.curve(middle, b)))

    def mirrored(self, axis: int) -> Sketch:
        """This sketch and its image under a change of sign of a coordinate; what lies on the line between is shared."""
        sign = np.ones(2)
        sign[axis] = -1.0
        twin = {v: v if x[axis] == 0.0 else f"{v}'" for v, x in self.corners.items()}
        whole = Sketch(self.circles, dict(self.corners), dict(self.on), dict(self.sides), list(self.blocks))
        for v, x in self.corners.items():
            whole.corners[twin[v]] = x * sign if twin[v] != v else x
            whole.on[twin[v]] = self.on[v]

        def image(curve: Curve) -> Curve:
            return lambda u: curve(u) * sign

        def swapped(patch: Patch) -> Patch:
            return lambda p, q: patch(q, p) * sign

        for side in self.sides.values():
            whole._add(replace(side, a=twin[side.a], b=twin[side.b], curve=image(side.curve)))
        for block in self.blocks:
            a, b, c, d = (twin[v] for v in block.corners)
            whole.blocks.append(Quad((a, d, c, b), swapped(block.patch), block.region))
        return whole

    def moved(self, shift: tuple[float, float]) -> Sketch:
        """This sketch somewhere else."""
        by = np.array(shift)

        def there(curve: Curve) -> Curve:
            return lambda u: curve(u) + by

        def placed(patch: Patch) -> Patch:
            return lambda p, q: patch(p, q) + by

        circles = {n: replace(c, centre=(c.centre[0] + by[0], c.centre[1] + by[1])) for n, c in self.circles.items()}
        return Sketch(
            circles,
            {v: x + by for v, x in self.corners.items()},
            dict(self.on),
            {key: replace(side, curve=there(side.curve)) for key, side in self.sides.items()},
            [replace(block, patch=placed(block.patch)) for block in self.blocks],
        )


# ---------------------------------------------------------------- curves


def straight(a: FloatArray, b: FloatArray) -> Curve:
    """The straight line from a to b."""
    return lambda u: (1 - u)[:, None] * a + u[:, None] * b


def arc(circle: Circle, a: FloatArray, b: FloatArray) -> Curve:
    """The shorter arc of a circle from a to b, both of them hit exactly."""
    centre = np.array(circle.centre)
    start, stop = (float(np.arctan2(*(p - centre)[::-1])) for p in (a, b))
    turn = (stop - start + np.pi) % (2 * np.pi) - np.pi
    start_error = a - centre - circle.radius * np.array([np.cos(start), np.sin(start)])
    stop_error = b - centre - circle.radius * np.array([np.cos(start + turn), np.sin(start + turn)])

    def curve(u: FloatArray) -> FloatArray:
        angle = start + turn * u
        rounding = (1 - u)[:, None] * start_error + u[:, None] * stop_error
        return np.asarray(centre + circle.radius * np.column_stack([np.cos(angle), np.sin(angle)]) + rounding)

    return curve


def backwards(curve: Curve) -> Curve:
    """The curve from its other end."""
    return lambda u: curve(1 - u)


def joined(first: Curve, second: Curve, share: float) -> tuple[Curve, float]:
    """Two curves one after the other, the first up to the parameter ``share``, which is given back too."""

    def curve(u: FloatArray) -> FloatArray:
        one = first(np.minimum(u / share, 1.0))
        two = second(np.maximum((u - share) / (1 - share), 0.0))
        return np.where((u <= share)[:, None], one, two)

    return curve, share


def _side_of(patch: Patch, k: int) -> Curve:
    """Side k of a patch, from corner k to corner k + 1."""
    if k == 1:
        return lambda u: patch(np.ones_like(u), u)
    return lambda u: patch(1 - u, np.ones_like(u))


def _length(curve: Curve) -> float:
    return float(np.linalg.norm(np.diff(curve(np.linspace(0, 1, _SAMPLES)), axis=0), axis=1).sum())


# ---------------------------------------------------------------- sketch -> mesh


def mesh_of_sketch(sketch: Sketch, grading: Grading, element: str = "quad9", fewest: int = 1) -> Mesh:
    """Quadrilaterals of a sketch; regions are the blocks' names, lines the sides' names; no side has fewer than
    ``fewest`` elements.
    """
    slope = float(np.log(grading.growth))
    ends = {key: _end_sizes(sketch, side, grading, slope) for key, side in sketch.sides.items()}
    length = {key: _length(side.curve) for key, side in sketch.sides.items()}
    chain = _chains(sketch)
    count: dict[int, int] = {}
    for key, side in sketch.sides.items():
        top = min(side.top, grading.largest or np.inf, length[key])
        ha, hb = (min(h, top) for h in ends[key])
        wanted = len(interval(0.0, length[key], ha, hb, top, slope, max(fewest, 2 * len(side.kinks))))
        count[chain[key]] = max(count.get(chain[key], 1), wanted)
    step = 1 if element == "quad4" else 2
    spacing: dict[frozenset[str], FloatArray] = {}
    for key, side in sketch.sides.items():
        top = min(side.top, grading.largest or np.inf, length[key])
        ha, hb = (min(h, top) for h in ends[key])
        s = np.append(0.0, interval(0.0, length[key], ha, hb, top, slope, count[chain[key]])) / length[key]
        u = s if side.even else _by_length(side.curve, s)
        for kink in side.kinks:
            u[1 + int(np.argmin(np.abs(u[1:-1] - kink)))] = kink
        spacing[key] = _fine(u, step)
    return _mesh(sketch, spacing, element, step)


def _end_sizes(sketch: Sketch, side: Side, grading: Grading, slope: float) -> tuple[float, float]:
    """Sizes at both ends: where a side leaves a circle or wall, that of the cones of the circles that are roots."""
    foot = slope / (grading.growth - 1.0)
    sizes = []
    for v in (side.a, side.b):
        crossed = sketch.on[v] - side.on
        roots = [c for name, c in sketch.circles.items() if c.root and name not in side.on]
        if crossed and roots:
            distance = min(c.distance(sketch.corners[v]) for c in roots)
            sizes.append(foot * grading.size + slope * distance)
        else:
            sizes.append(np.inf)
    return sizes[0], sizes[1]


def _chains(sketch: Sketch) -> dict[frozenset[str], int]:
    """A number for every side, equal for sides that lie opposite each other in a block."""
    keys = list(sketch.sides)
    leader = {key: i for i, key in enumerate(keys)}
    members: dict[int, list[frozenset[str]]] = {i: [key] for i, key in enumerate(keys)}
    for block in sketch.blocks:
        a, b, c, d = block.corners
        for one, other in (((a, b), (d, c)), ((a, d), (b, c))):
            i, j = leader[frozenset(one)], leader[frozenset(other)]
            if i != j:
                for key in members[j]:
                    leader[key] = i
                members[i] += members.pop(j)
    return leader


def _fine(s: FloatArray, step: int) -> FloatArray:
    if step == 1:
        return s
    fine = np.empty(2 * len(s) - 1)
    fine[::2] = s
    fine[1::2] = 0.5 * (s[1:] + s[:-1])
    return fine


def _by_length(curve: Curve, s: FloatArray) -> FloatArray:
    """Parameters at shares of the length."""
    u = np.linspace(0, 1, _SAMPLES)
    along = np.append(0.0, np.cumsum(np.linalg.norm(np.diff(curve(u), axis=0), axis=1)))
    result = np.interp(s, along / along[-1], u)
    result[0], result[-1] = 0.0, 1.0
    return np.asarray(result)


def _mesh(sketch: Sketch, spacing: dict[frozenset[str], FloatArray], element: str, step: int) -> Mesh:
    number: dict[str, int] = {v: i for i, v in enumerate(sketch.corners)}
    points: list[FloatArray] = [np.array([sketch.corners[v] for v in number])]
    total = len(number)
    along: dict[frozenset[str], IntArray] = {}
    for key, side in sketch.sides.items():
        inner = spacing[key][1:-1]
        points.append(side.curve(inner) if len(inner) else np.zeros((0, 2)))
        along[key] = np.concatenate([[number[side.a]], total + np.arange(len(inner)), [number[side.b]]])
        total += len(inner)

    def way(a: str, b: str) -> tuple[IntArray, FloatArray]:
        key = frozenset((a, b))
        forward = sketch.sides[key].a == a
        return (along[key], spacing[key]) if forward else (along[key][::-1], 1.0 - spacing[key][::-1])

    regions = tuple(dict.fromkeys(block.region for block in sketch.blocks))
    cells, region = [], []
    for block in sketch.blocks:
        a, b, c, d = block.corners
        (bottom, ub), (top, ut), (left, vl), (right, vr) = way(a, b), way(d, c), way(a, d), way(b, c)
        nodes = np.full((len(ub), len(vl)), -1, dtype=np.int64)
        nodes[:, 0], nodes[:, -1], nodes[0], nodes[-1] = bottom, top, left, right
        du, dv = (ut - ub)[1:-1, None], (vr - vl)[None, 1:-1]
        p = (ub[1:-1, None] + vl[None, 1:-1] * du) / (1.0 - du * dv)
        q = vl[None, 1:-1] + p * dv
        inside = block.patch(p.ravel(), q.ravel()) if p.size else np.zeros((0, 2))
        nodes[1:-1, 1:-1] = total + np.arange(p.size).reshape(p.shape)
        total += p.size
        points.append(inside)
        cells.append(_quads(nodes, element, step))
        region.append(np.full(len(cells[-1]), regions.index(block.region)))
    lines: dict[str, list[IntArray]] = {}
    for key, side in sketch.sides.items():
        for name in side.names:
            n = along[key]
            columns = [n[:-step:step], n[step::step]] + ([n[1::2]] if step == 2 else [])
            lines.setdefault(name, []).append(np.column_stack(columns))
    used, new = np.unique(np.concatenate(cells), return_inverse=True)
    renumbered = np.full(total, -1, dtype=np.int64)
    renumbered[used] = np.arange(len(used))
    return Mesh(
        np.concatenate(points)[used],
        new.reshape(-1, cells[0].shape[1]),
        element,
        np.concatenate(region),
        regions,
        {name: renumbered[np.concatenate(parts)] for name, parts in lines.items()},
    )


def _quads(nodes: IntArray, element: str, step: int) -> IntArray:
    """Cells of a grid of nodes (p, q)."""
    if step == 1:
        parts = [nodes[:-1, :-1], nodes[1:, :-1], nodes[1:, 1:], nodes[:-1, 1:]]
    else:
        c, w, e, s, n = slice(1, None, 2), slice(0, -1, 2), slice(2, None, 2), slice(0, -1, 2), slice(2, None, 2)
        parts = [nodes[w, s], nodes[e, s], nodes[e, n], nodes[w, n]]
        parts += [nodes[c, s], nodes[e, c], nodes[c, n], nodes[w, c]]
        if element == "quad9":
            parts.append(nodes[c, c])
    return np.stack([part.ravel() for part in parts], axis=1)
