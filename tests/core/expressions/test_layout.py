"""The layout of a graph."""

import pytest

from core.expressions.layout import arrange
from core.expressions.parser import parse
from core.expressions.presets import PRESETS


@pytest.mark.parametrize("name", PRESETS)
def test_data_flows_from_left_to_right(name):
    """Every node stands right of what it is made from, and no two on one place."""
    graph = parse(PRESETS[name].text)
    layout = arrange(graph)
    for node in graph.nodes:
        column, row = layout.places[node.index]
        assert all(layout.places[source][0] < column for source in node.inputs)
        for other, (its_column, its_row) in layout.places.items():
            if other != node.index and its_column == column:
                assert abs(its_row - row) > 0.99
    assert layout.places[graph.root][0] == layout.columns - 1
    assert min(row for _, row in layout.places.values()) >= -1e-9


def test_an_edge_that_passes_nodes_by_goes_around_them():
    """It has a place of its own in each column between."""
    graph = parse("a = 2\nb = tanh(a)\nc = sin(b)\nd = exp(c)\na * d")
    layout = arrange(graph)
    route = layout.routes[graph.names["a"], graph.root]
    assert [column for column, _ in route] == [1, 2, 3]
    for column, row in route:
        beside = [r for c, r in layout.places.values() if c == column]
        assert all(abs(row - r) >= 0.7 for r in beside)
