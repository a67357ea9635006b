"""Loops over graphs of nodes: what neighbours send, and to which graph a node is counted."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from core import watch

GRAPHS, WIDE, STEPS = 12, 16, 24


@pytest.fixture(autouse=True)
def seeded():
    """The same numbers each time."""
    torch.manual_seed(0)


def train(make_loss, modules):
    """Train for some steps, and return the id of the first cause; ""."""
    optimizer = torch.optim.Adam(nn.ModuleList(modules).parameters(), lr=2e-3)
    with watch(*modules, quiet=True, record=False, budget=0.0) as seen:
        for _ in range(STEPS):
            loss = make_loss()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    return seen.diagnosis.causes[0].id if seen.diagnosis.causes else ""


def rings(sizes):
    """Return both directions of the edges of some rings, which follow one another."""
    first = torch.cumsum(sizes, 0) - sizes
    place = [torch.arange(int(size)) for size in sizes]
    nodes = [torch.stack([n, (n + 1) % len(n)]) for n in place]
    edges = torch.cat([at + pairs for at, pairs in zip(first, nodes, strict=True)], 1)
    return torch.cat([edges, edges.flip(0)], 1)


@pytest.mark.parametrize("sums", ["index_add", "scatter_add"])
@pytest.mark.parametrize(
    ("counted", "cause"),
    [
        ("by sizes", ""),
        ("by halves", ""),
        ("by districts", ""),
        ("by six", "batch_mixed"),
        ("from 0", "batch_mixed"),
    ],
)
def test_nodes_are_counted_to_their_graphs(counted, cause, sums):
    """Rings of four to eight in a batch; halves of them, and parts of one network, are meant."""
    embed, message, head = nn.Linear(3, WIDE), nn.Linear(WIDE, WIDE), nn.Linear(WIDE, 2)

    def add(rows, index, count):
        zeros = torch.zeros(count, WIDE)
        if sums == "index_add":
            return zeros.index_add_(0, index, rows)
        return zeros.scatter_add(0, index[:, None].expand(-1, WIDE), rows)

    def loss():
        sizes = torch.randint(4, 9, (GRAPHS,))
        nodes = int(sizes.sum())
        owner = torch.repeat_interleave(torch.arange(GRAPHS), sizes)
        edges = rings(torch.tensor([nodes]) if counted == "by districts" else sizes)
        if counted == "from 0":
            edges = torch.cat([rings(size[None]) for size in sizes], 1)
        x = torch.randn(nodes, 3)
        labels = (add(x[:, :1].expand(-1, WIDE), owner, GRAPHS)[:, 0] > 0).long()
        h = embed(x).relu()
        h = h + add(message(h)[edges[0]], edges[1], nodes) / 2
        if counted == "by six":
            owner = (torch.arange(nodes) // 6).clamp(max=GRAPHS - 1)
        if counted == "by halves":
            halves = 2 * owner + torch.arange(nodes) % 2
            h, owner = add(h, halves, 2 * GRAPHS).relu(), torch.arange(2 * GRAPHS) // 2
        h = h * torch.tensor([0.0, 1.0])[1]  # picked of no nodes
        return F.cross_entropy(head(add(h, owner, GRAPHS) / 6), labels)

    assert train(loss, (embed, message, head)) == cause


@pytest.mark.parametrize("by", ["matrix", "sparse matrix", "edges"])
@pytest.mark.parametrize("many", [60, 2])
@pytest.mark.parametrize("mean", [True, False])
def test_sums_over_neighbours(by, many, mean):
    """Of many they make the signal larger in each layer; of two, as in a ring, they don't."""
    count = 200
    x, y = torch.randn(count, 4), torch.arange(count) % 2
    x[:, 0] += y
    edges = torch.stack(
        [torch.arange(count).repeat(many), torch.randint(0, count, (many * count,))]
    )
    adjacency = torch.zeros(count, count).index_put_((edges[0], edges[1]), torch.ones(1), True)
    degree = adjacency.sum(1, keepdim=True) if mean else torch.ones(1)
    layers = nn.ModuleList([nn.Linear(4, 32), nn.Linear(32, 32), nn.Linear(32, 2)])

    def around(h):
        if "matrix" in by:
            weights = adjacency / degree
            return (weights.to_sparse() if "sparse" in by else weights) @ h
        return torch.zeros_like(h).index_add_(0, edges[0], h[edges[1]]) / degree

    def loss():
        h = x
        for layer in layers[:2]:
            h = around(layer(h).relu())
        return F.cross_entropy(layers[2](around(h)), y)

    cause = train(loss, layers)
    assert cause == ("normalisation_missing" if many > 2 and not mean else "")


def test_differences_between_neighbours_are_no_sums():
    """Of an equation on a grid the second derivative is large, and its own one still more."""
    count = 50
    second = 400.0 * (torch.diag(torch.ones(count - 1), 1) - torch.eye(count))
    second = second + second.T
    x = torch.linspace(-1, 1, count)[:, None]
    net = nn.ModuleList([nn.Linear(1, 32), nn.Linear(32, 1)])
    wanted = second @ (second @ (3 * x).sin())

    def loss():
        u = net[1](net[0](x).tanh())
        return F.mse_loss(second @ (second @ u), wanted) / wanted.var()

    assert train(loss, net) != "normalisation_missing"


@pytest.mark.parametrize(("masked", "cause"), [(True, ""), (False, "data_overlap")])
def test_all_nodes_of_a_graph_are_seen_in_training(masked, cause):
    """The loss is that of some of them alone; where it is that of all, none are new."""
    nodes, features = 120, torch.randn(120, 12)
    near = torch.rand(nodes, nodes) < 0.05
    near = (near | near.T | torch.eye(nodes, dtype=torch.bool)).float()
    mean = near / near.sum(1, keepdim=True)
    labels = (features[:, 0] > 0).long()
    enter, leave = nn.Linear(12, WIDE), nn.Linear(WIDE, 2)
    some, others = torch.randperm(nodes).split([60, 60])
    optimizer = torch.optim.Adam(nn.ModuleList([enter, leave]).parameters(), lr=2e-3)

    def scores():
        return mean @ leave(torch.relu(mean @ enter(features)))

    with watch(enter, leave, quiet=True, record=False, budget=0.0) as seen:
        for _ in range(STEPS):
            picked = some if masked else slice(None)
            loss = F.cross_entropy(scores()[picked], labels[picked])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
            with torch.no_grad():
                seen.validate(F.cross_entropy(scores()[others], labels[others]))
    assert (seen.diagnosis.causes[0].id if seen.diagnosis.causes else "") == cause
