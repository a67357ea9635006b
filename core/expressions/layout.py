"""Layout of a graph: data flows from left to right, with few crossings of edges.

Layered after Sugiyama (1981): each node as late as its use allows, so that a number stands beside
its consumer; an edge over several layers takes a place in each, so that it runs around the nodes.
"""

from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from .graph import Graph

PASSES = 12
EDGE_ROWS = 0.5
"""Rows that an edge needs between nodes."""
LEAF_WEIGHT = 0.001
"""How much a leaf weighs against a computed node: the computed ones stand in straight lines."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Layout:
    """Places of nodes, in columns and rows from 0.

    Attributes:
        places: (column, row) of each node, by index.
        routes: for each edge (from, to) the points between its ends that it runs through.
        columns, rows: how many there are.
    """

    places: dict[int, Point]
    routes: dict[tuple[int, int], tuple[Point, ...]]
    columns: int
    rows: float


def arrange(graph: Graph) -> Layout:
    """Return where the nodes stand."""
    layers, edges = _layers(graph)
    neighbours: dict[Hashable, list[Hashable]] = {}
    for one, other in edges:
        neighbours.setdefault(one, []).append(other)
        neighbours.setdefault(other, []).append(one)
    layers = _ordered(layers, edges, neighbours)
    leaves = {node.index for node in graph.nodes if not node.inputs}
    rows = _rows(layers, neighbours, leaves)
    top = min(rows.values())
    places: dict[Any, Point] = {
        which: (column, rows[which] - top) for column, layer in enumerate(layers) for which in layer
    }
    routes = {}
    for node in graph.nodes:
        for source in node.inputs:
            between = range(int(places[source][0]) + 1, int(places[node.index][0]))
            routes[source, node.index] = tuple(places[source, column] for column in between)
    kept = {node.index: places[node.index] for node in graph.nodes}
    return Layout(kept, routes, len(layers), max(row for _, row in places.values()) + 1)


def _layers(graph: Graph) -> tuple[list[list[Hashable]], list[tuple[Hashable, Hashable]]]:
    """Return nodes and passing edges, layer by layer, and the edges between layers."""
    import networkx

    # From the result back: a node's generation is the longest path from it to the end.
    reverse = networkx.DiGraph()
    reverse.add_nodes_from(range(len(graph.nodes)))
    reverse.add_edges_from((node.index, i) for node in graph.nodes for i in node.inputs)
    generations = list(networkx.topological_generations(reverse))
    layers: list[list[Hashable]] = [sorted(layer) for layer in reversed(generations)]
    column = {which: number for number, layer in enumerate(layers) for which in layer}
    edges: list[tuple[Hashable, Hashable]] = []
    for node in graph.nodes:
        for source in dict.fromkeys(node.inputs):
            before: Hashable = source
            for passed in range(column[source] + 1, column[node.index]):
                passing = (source, passed)  # shared by all edges from this source
                if passing not in layers[passed]:
                    layers[passed].append(passing)
                    edges.append((before, passing))
                before = passing
            edges.append((before, node.index))
    return layers, edges


def _ordered(
    layers: list[list[Hashable]],
    edges: Sequence[tuple[Hashable, Hashable]],
    neighbours: dict[Hashable, list[Hashable]],
) -> list[list[Hashable]]:
    """Return the layers in the order with the fewest crossings, of some that were tried."""
    best, fewest = layers, _crossings(layers, edges)
    for number in range(PASSES):
        turn = range(len(layers)) if number % 2 else range(len(layers) - 1, -1, -1)
        layers = [list(layer) for layer in layers]
        for column in turn:
            beside = [layers[c] for c in (column - 1, column + 1) if 0 <= c < len(layers)]
            at = {which: row / len(near) for near in beside for row, which in enumerate(near)}
            own = {which: row / len(layers[column]) for row, which in enumerate(layers[column])}

            def middle(which: Hashable, at: Any = at, own: Any = own) -> float:
                near = [at[other] for other in neighbours.get(which, ()) if other in at]
                return float(sum(near) / len(near) if near else own[which])

            layers[column].sort(key=middle)
        crossings = _crossings(layers, edges)
        if crossings < fewest:
            best, fewest = layers, crossings
    return best


def _crossings(
    layers: Sequence[Sequence[Hashable]], edges: Iterable[tuple[Hashable, Hashable]]
) -> int:
    place = {which: (c, row) for c, layer in enumerate(layers) for row, which in enumerate(layer)}
    by_column: dict[int, list[tuple[int, int]]] = {}
    for one, other in edges:
        by_column.setdefault(place[one][0], []).append((place[one][1], place[other][1]))
    count = 0
    for ends in by_column.values():
        a = np.array(ends)
        left = np.subtract.outer(a[:, 0], a[:, 0])
        right = np.subtract.outer(a[:, 1], a[:, 1])
        count += int((left * right < 0).sum()) // 2
    return count


def _rows(
    layers: Sequence[Sequence[Hashable]],
    neighbours: dict[Hashable, list[Hashable]],
    leaves: Collection[Hashable],
) -> dict[Hashable, float]:
    """Return a row for each: near the mean of its neighbours, in order, without overlaps."""
    rows: dict[Hashable, float] = {}
    for layer in layers:
        for which, row in zip(layer, _offsets(layer), strict=True):
            rows[which] = row - _offsets(layer)[-1] / 2
    for number in range(PASSES):
        for layer in layers if number % 2 else reversed(layers):
            offsets = _offsets(layer)
            wanted = []
            for which, offset in zip(layer, offsets, strict=True):
                near = neighbours.get(which, [which])
                weights = [LEAF_WEIGHT if other in leaves else 1.0 for other in near]
                pulls = sum(w * rows[other] for w, other in zip(weights, near, strict=True))
                middle = pulls / sum(weights)
                wanted.append((middle - offset, LEAF_WEIGHT if which in leaves else 1.0))
            kept = _ascending(wanted)
            rows |= {w: k + o for w, k, o in zip(layer, kept, offsets, strict=True)}
    return rows


def _offsets(layer: Sequence[Hashable]) -> list[float]:
    """Return how far below the first each must stand at least."""
    offsets = [0.0]
    for one, other in pairwise(layer):
        needs = [EDGE_ROWS if isinstance(which, tuple) else 1.0 for which in (one, other)]
        offsets.append(offsets[-1] + sum(needs) / 2)
    return offsets


def _ascending(wanted: Sequence[tuple[float, float]]) -> list[float]:
    """Return the ascending numbers nearest to (number, weight): pool adjacent violators."""
    pools: list[tuple[float, float, int]] = []
    for value, weight in wanted:
        pools.append((value, weight, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (a, v, m), (b, w, n) = pools[-2:]
            pools[-2:] = [((a * v + b * w) / (v + w), v + w, m + n)]
    return [value for value, _, count in pools for _ in range(count)]
