"""Files with cells of several kinds made into files with one.

A quadrilateral with two neighbouring corners in one node is a triangle. Where triangles and quadrilaterals stand
together, each triangle is cut into three quadrilaterals and each quadrilateral into four, through the middles of its
edges and its own middle. The cuts are straight in the cell's own coordinates, so on every new cell the old shape
functions are polynomials of the new ones' kind (bilinear, or biquadratic, since a quadratic of a bilinear map has no
power above two in either coordinate): geometry and displacements of the old mesh are contained in those of the new one
exactly, and the energy error is never larger (Cea 1964; Ciarlet, The finite element method for elliptic problems, 1978,
theorem 2.4.1). Neighbours cut a common edge at the same place, so the new mesh conforms where the old one did.

Where triangles are asked for, quadrilaterals are cut along a diagonal instead: fewer unknowns, and less exact.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.meshes.elements import ELEMENTS, node_points, shape
from femsim.meshes.read.raw import BY_MESHIO_NAME, NONE, Raw, dim_of, fail

_LINEAR, _QUADRATIC = ("triangle", "quad"), ("triangle6", "quad8", "quad9")


def one_kind(path: Path, raw: Raw, element: str | None) -> Raw:
    """The file with 2D cells of one kind; ``element`` is the one asked for, None for the file's own."""
    if any(dim_of(kind) == 3 for kind, nodes in raw.blocks if len(nodes)):
        return raw  # its 2D cells are surfaces
    raw = _collapsed(raw)
    count = {kind: sum(len(nodes) for name, nodes in raw.blocks if name == kind) for kind, _ in raw.blocks}
    kinds = [kind for kind, number in count.items() if number and dim_of(kind) == 2]
    if len(kinds) < 2 or any(kind not in BY_MESHIO_NAME for kind in kinds):
        return raw
    listed = ", ".join(f"{count[kind]} {kind}" for kind in kinds)
    if set(kinds) & set(_LINEAR) and set(kinds) & set(_QUADRATIC):
        fail(path, f"cells of the first and of the second order in one mesh ({listed}); mesh with one order")
    if kinds[0].startswith("quad") and all(kind.startswith("quad") for kind in kinds):
        raw.notes.append(f"{listed}: the quad8 cells were given a node in their middle")
        return _with_centres(raw)
    if element is not None and element.startswith("tri"):
        made = "triangle" if kinds[0] in _LINEAR else "triangle6"
        raw.notes.append(
            f"{listed} in one mesh: quadrilaterals were cut into two {made} cells each, which are less exact"
        )
        return _diagonals(_with_centres(raw) if made == "triangle6" else raw)
    made = "quad" if kinds[0] in _LINEAR else "quad9"
    raw.notes.append(
        f"{listed} in one mesh: each triangle was cut into three, each quadrilateral into four {made} cells, which "
        f"hold all that the file's cells can; model.element = tri3 or tri6 makes triangles instead"
    )
    return _cut(raw, made)


# ---------------------------------------------------------------- collapsed quadrilaterals


def _collapsed(raw: Raw) -> Raw:
    """Quadrilaterals with two neighbouring corners in one node become triangles."""
    blocks: list[_Made] = []
    found = 0
    for (kind, nodes), start in zip(raw.blocks, raw.offsets, strict=False):
        source = np.arange(start, start + len(nodes))
        if kind not in ("quad", "quad8", "quad9") or not len(nodes):
            blocks.append(_Made(kind, nodes, source))
            continue
        corner = nodes[:, :4]
        same = corner == np.roll(corner, -1, axis=1)
        flat = same.sum(axis=1) == 1
        blocks.append(_Made(kind, nodes[~flat], source[~flat]))
        for i in range(4):
            chosen = np.flatnonzero(flat & same[:, i])
            order = [i, (i + 2) % 4, (i + 3) % 4]
            if kind != "quad":
                order += [4 + (i + 1) % 4, 4 + (i + 2) % 4, 4 + (i + 3) % 4]
            if len(chosen):
                found += len(chosen)
                blocks.append(
                    _Made("triangle" if kind == "quad" else "triangle6", nodes[chosen][:, order], source[chosen])
                )
    if not found:
        return raw
    made = _assembled(raw, blocks, raw.points, raw.point_data)
    made.notes.append(f"{found} quadrilaterals with two corners in one node are triangles")
    return made


# ---------------------------------------------------------------- putting together


@dataclass(frozen=True)
class _Made:
    """Cells of one kind, with the number of the cell of the file that each comes from."""

    kind: str
    nodes: IntArray
    source: IntArray


def _assembled(raw: Raw, blocks: list[_Made], points: FloatArray, data: dict[str, FloatArray]) -> Raw:
    """The file with other cells; groups hold what their cells became."""
    blocks = [block for block in blocks if len(block.nodes)]
    source = np.concatenate([NONE, *(block.source for block in blocks)])
    order = np.argsort(source, kind="stable")
    first = np.searchsorted(source[order], np.arange(raw.offsets[-1] + 1))

    def became(cells: IntArray) -> IntArray:
        count = first[cells + 1] - first[cells]
        step = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
        return np.asarray(order[np.repeat(first[cells], count) + step])

    groups = [replace(group, cells=became(group.cells)) for group in raw.groups]
    entities = None if raw.entities is None else raw.entities[source]
    return Raw(
        points, [(b.kind, b.nodes) for b in blocks], groups, dict(raw.node_sets), data, list(raw.notes), entities
    )


class _Nodes:
    """Nodes that are added to those of a file, with their places and data."""

    def __init__(self, raw: Raw) -> None:
        self.points, self.data = [raw.points], {name: [values] for name, values in raw.point_data.items()}
        self.count, self.raw = len(raw.points), raw

    def add(self, nodes: IntArray, weights: FloatArray) -> IntArray:
        """Numbers of new nodes, one for each row of ``nodes`` (n, k): weighted sums of these."""
        numbers = np.arange(self.count, self.count + len(nodes))
        self.points.append(np.einsum("k,nkx->nx", weights, self.raw.points[nodes]))
        for name, values in self.raw.point_data.items():
            self.data[name].append(values[nodes] @ weights)
        self.count += len(nodes)
        return numbers

    def finished(self) -> tuple[FloatArray, dict[str, FloatArray]]:
        """All points and data."""
        return np.concatenate(self.points), {name: np.concatenate(parts) for name, parts in self.data.items()}


def _cells(raw: Raw) -> list[_Made]:
    return [
        _Made(kind, nodes, np.arange(start, start + len(nodes)))
        for (kind, nodes), start in zip(raw.blocks, raw.offsets, strict=False)
    ]


def _extended(raw: Raw, parents: IntArray, children: IntArray) -> None:
    """Node sets get the new nodes (n,) whose old neighbours (n, k) they all hold."""
    inside = np.zeros(len(raw.points) + 1, dtype=bool)
    for name, members in list(raw.node_sets.items()):
        inside[members] = True
        raw.node_sets[name] = np.concatenate([members, children[np.all(inside[parents], axis=1)]])
        inside[members] = False


# ---------------------------------------------------------------- centres, diagonals


def _with_centres(raw: Raw) -> Raw:
    """quad8 cells become quad9 cells: the node in the middle lies where their shape functions put it."""
    new, blocks, grown = _Nodes(raw), list[_Made](), list[tuple[IntArray, IntArray]]()
    weights = np.array([-0.25] * 4 + [0.5] * 4)
    for block in _cells(raw):
        if block.kind == "quad8" and len(block.nodes):
            centre = new.add(block.nodes, weights)
            grown.append((block.nodes, centre))
            blocks.append(_Made("quad9", np.column_stack([block.nodes, centre]), block.source))
        else:
            blocks.append(block)
    made = _assembled(raw, blocks, *new.finished())
    for parents, children in grown:
        _extended(made, parents, children)
    return made


def _diagonals(raw: Raw) -> Raw:
    """Quadrilaterals cut along their shorter diagonal, unless that leaves a triangle the wrong way round."""
    blocks: list[_Made] = []
    for block in _cells(raw):
        if block.kind not in ("quad", "quad9") or not len(block.nodes):
            blocks.append(block)
            continue
        x = raw.points[block.nodes[:, :4]]
        length = [np.sum((x[:, i] - x[:, i + 2]) ** 2, axis=1) for i in (0, 1)]
        fits = [_same_way(x, [i, i + 1, i + 2], [i, i + 2, (i + 3) % 4]) for i in (0, 1)]
        across = np.where(fits[0] == fits[1], length[1] < length[0], fits[1]).astype(int)
        turned = (np.arange(4) + across[:, None]) % 4
        corner = np.take_along_axis(block.nodes[:, :4], turned, axis=1)
        a, b, c, d = corner.T
        halves = [np.column_stack([a, b, c]), np.column_stack([a, c, d])]
        if block.kind == "quad9":
            m = np.take_along_axis(block.nodes[:, 4:8], turned, axis=1).T
            centre = block.nodes[:, 8]
            halves = [
                np.column_stack([halves[0], m[0], m[1], centre]),
                np.column_stack([halves[1], centre, m[2], m[3]]),
            ]
        kind = "triangle" if block.kind == "quad" else "triangle6"
        blocks.append(_Made(kind, np.concatenate(halves), np.tile(block.source, 2)))
    return _assembled(raw, blocks, raw.points, raw.point_data)


def _same_way(x: FloatArray, one: list[int], other: list[int]) -> IntArray:
    """Whether two triangles of the corners ``x`` (n, 4, 2 or 3) turn the same way round."""

    def normal(corner: list[int]) -> FloatArray:
        three = np.zeros((len(x), 3, 3))
        three[..., : x.shape[2]] = x[:, corner]
        return np.cross(three[:, 1] - three[:, 0], three[:, 2] - three[:, 0])

    return np.asarray(np.sum(normal(one) * normal(other), axis=1) > 0)


# ---------------------------------------------------------------- quadrilaterals only


class _Middles:
    """New nodes in the middles of edges (pairs of nodes), each edge once."""

    def __init__(self, pairs: IntArray, count: int) -> None:
        low, high = pairs.min(axis=1), pairs.max(axis=1)
        self.scale = count
        self.keys, self.first = np.unique(low * self.scale + high, return_index=True)
        self.numbers = NONE

    def find(self, pairs: IntArray) -> IntArray:
        """The middle of each pair of nodes, -1 where it is no edge."""
        ask = pairs.min(axis=1) * self.scale + pairs.max(axis=1)
        at = np.minimum(np.searchsorted(self.keys, ask), len(self.keys) - 1)
        return np.where(self.keys[at] == ask, self.numbers[at], -1)


def _cut(raw: Raw, made: str) -> Raw:
    """All cells cut through their middles; lines are halved, node sets get the nodes between theirs."""
    flat = [block for block in _cells(raw) if dim_of(block.kind) == 2 and len(block.nodes)]
    new = _Nodes(raw)
    edges = np.concatenate([_edges(block) for block in flat])
    if made == "quad":  # (a, b) -> the middle between them, which is new
        halves = _Middles(edges[:, :2], len(raw.points))
        pairs, weights = edges[halves.first][:, :2], np.array([0.5, 0.5])
        middle = halves
    else:  # (a, m) -> the quarter, which is new; (a, b) -> the middle, which is there
        middle = _Middles(edges[:, :2], len(raw.points))
        middle.numbers = edges[middle.first][:, 2]
        sides = np.concatenate([edges[:, [0, 1, 2]], edges[:, [1, 0, 2]]])
        halves = _Middles(sides[:, [0, 2]], len(raw.points))
        pairs, weights = sides[halves.first], np.array([0.375, -0.125, 0.75])
    halves.numbers = new.add(pairs, weights)
    grown = [(pairs if made == "quad" else pairs[:, [0, 2]], halves.numbers)]
    blocks: list[_Made] = []
    for block in _cells(raw):
        if dim_of(block.kind) == 2:
            if len(block.nodes):
                blocks.append(_quarters(block, made, middle, halves, new, grown))
        elif dim_of(block.kind) == 1:
            blocks += _halved(block, middle, halves if made == "quad9" else None)
        else:
            blocks.append(block)
    result = _assembled(raw, blocks, *new.finished())
    for parents, children in grown:
        _extended(result, parents, children)
    return result


def _edges(block: _Made) -> IntArray:
    """The edges (n, 2 or 3) of a block: ends, then the middle."""
    info = ELEMENTS[BY_MESHIO_NAME[block.kind]]
    return np.concatenate([block.nodes[:, list(edge)] for edge in info.edges])


def _quarters(
    block: _Made, made: str, middle: _Middles, halves: _Middles, new: _Nodes, grown: list[tuple[IntArray, IntArray]]
) -> _Made:
    """The quadrilaterals of a block: one at each corner, from the middle of one edge to that of the next."""
    element = BY_MESHIO_NAME[block.kind]
    corners, place = ELEMENTS[element].corners, node_points(element)[: ELEMENTS[element].corners]
    inner = place.mean(axis=0)  # the middle, in the cell's own coordinates

    def add(at: FloatArray) -> IntArray:
        numbers = new.add(block.nodes, shape(element, at[None])[0][0])
        grown.append((block.nodes, numbers))
        return numbers

    nodes = block.nodes
    following = np.roll(nodes[:, :corners], -1, axis=1)
    middles = np.column_stack(
        [middle.find(np.column_stack([nodes[:, i], following[:, i]])) for i in range(corners)]
    )  # of the edge from corner i to the next
    at_middle = 0.5 * (place + np.roll(place, -1, axis=0))
    centre = nodes[:, 8] if block.kind == "quad9" else add(inner)
    spokes = [add(0.5 * (at_middle[i] + inner)) for i in range(corners)] if made == "quad9" else []
    cells = []
    for i in range(corners):
        before = (i - 1) % corners
        four = [nodes[:, i], middles[:, i], centre, middles[:, before]]
        if made == "quad9":
            four += [
                halves.find(np.column_stack([nodes[:, i], middles[:, i]])),
                spokes[i],
                spokes[before],
                halves.find(np.column_stack([nodes[:, i], middles[:, before]])),
                add(0.25 * (place[i] + at_middle[i] + inner + at_middle[before])),
            ]
        cells.append(np.column_stack(four))
    return _Made(made, np.concatenate(cells), np.tile(block.source, corners))


def _halved(block: _Made, middle: _Middles, quarters: _Middles | None) -> list[_Made]:
    """1D cells along edges become two; others stay, and are told of later."""
    if block.nodes.ndim != 2 or block.nodes.shape[1] not in (2, 3) or not len(block.nodes):
        return [block]
    ends, found = block.nodes[:, :2].copy(), middle.find(block.nodes[:, :2])
    for i, j in ((0, 2), (1, 2)) if block.nodes.shape[1] == 3 else ():  # in whatever order ends and middle come
        other = middle.find(block.nodes[:, [i, j]])
        lost = found < 0
        ends[lost], found = block.nodes[lost][:, [i, j]], np.where(lost, other, found)
    on = found >= 0
    parts = [np.column_stack([ends[on, side], found[on]]) for side in (0, 1)]
    kind = "line"
    if quarters is not None:
        parts, kind = [np.column_stack([part, quarters.find(part)]) for part in parts], "line3"
    halves = _Made(kind, np.concatenate(parts), np.tile(block.source[on], 2))
    return [halves, _Made(block.kind, block.nodes[~on], block.source[~on])]
