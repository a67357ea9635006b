"""Inputs in inference against those of training, from small tensors."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from core.doctor.watch.build_graph import build_graph
from core.doctor.watch.graph import StepGraph
from core.doctor.watch.inference import (
    NORMALISATION,
    _all_given,
    compare_inference,
    compare_sizes,
    signature,
    unscaled_dropout,
)
from core.doctor.watch.recorder import TapeRecorder
from core.doctor.watch.variables import Variables


@pytest.mark.parametrize("few", [True, False])
def test_inputs_without_a_row_are_not_compared(few):
    """As where a batch has nothing of a class that is asked for."""
    batch = torch.randn(20, 2)
    assert compare_sizes(batch, batch[:0], batch, few) == []


@pytest.mark.parametrize(("largest", "alike"), [(8.0, True), (4.0, False)])
def test_a_single_state_may_be_as_large_as_some_examples(largest, alike):
    """Where a trajectory begins far out, of which most batches see its end."""
    batch = 0.1 * torch.randn(20, 2, generator=torch.Generator().manual_seed(0))
    rows = torch.cat([batch, torch.tensor([[largest, 0.0]])])
    state = torch.tensor([[6.0, 0.0]])
    assert (compare_sizes(batch, state, rows) == []) is alike
    assert compare_sizes(batch, state)


@pytest.mark.parametrize("in_network", [True, False])
def test_data_that_is_made_by_a_matrix_is_not_what_the_network_is_given(in_network):
    """Unless the network itself begins with such a product, as with a fixed filter."""
    layer, mix = nn.Linear(5, 3), 3 * torch.randn(5, 5)

    def network(x):
        return layer(x @ mix if in_network else x)

    x, raw = torch.tanh(torch.randn(200, 5)), 3 * torch.randn(100, 5)
    with TapeRecorder() as training:
        network(x).square().mean().backward()
    with TapeRecorder(training=False) as inference, torch.no_grad():
        network(raw if in_network else torch.tanh(raw @ mix))
    graph = build_graph(training.tape, [*layer.parameters()])
    found = compare_inference(graph, inference.tape, Variables(), 100, [((x,), x)])
    assert any("inputs" in words for words in found.extra) is in_network, found.extra


def test_of_a_trajectory_every_state_counts():
    """It begins far out, and comes nearer in the network's own steps."""
    layer = nn.Linear(2, 2)
    state = torch.full((1, 2), 8.0)
    with TapeRecorder(training=False) as recorder, torch.no_grad():
        for _ in range(5):
            layer(state)
            state = 0.1 * state
    first = next(op for op in recorder.tape.ops if op.name == "linear")
    every = _all_given(recorder.tape, first, first.inputs[0], {id(layer.weight), id(layer.bias)})
    assert every.shape == (5, 2) and float(every[0, 0]) == 8.0


@pytest.mark.parametrize("power", [1, 2])
def test_columns_are_scaled_as_in_training(power):
    """All columns together are about as large, where they are divided by their variances."""
    rows = torch.randn(200, 5, generator=torch.Generator().manual_seed(0))
    scales = torch.tensor([9.0, 0.4, 3.0, 0.2, 1.0])
    found = compare_sizes(rows[:100], rows[100:] * scales / scales**power)
    assert found == [] if power == 1 else "columns of the inputs" in found[0]


@pytest.mark.parametrize("power", [1, 2])
def test_a_column_has_no_width_that_a_few_rows_make(power):
    """A quartile lies beside hours without rain: a few more of them, and the width is another."""
    numbers = torch.Generator().manual_seed(1)
    rows = torch.randn(1000, 3, generator=numbers)
    rows[:, 1] = torch.empty(1000).exponential_(generator=numbers)
    rows[:96, 1] *= torch.arange(96) < 25  # 74 % dry, where the others are 65 %
    rows[96:, 1] *= torch.arange(904) < 316
    rows = (rows - rows.mean(0)) / rows.std(0)
    scales = torch.tensor([9.0, 1.0, 0.2])
    found = compare_sizes(rows[:96], rows[96:] * scales / scales**power)
    assert found == [] if power == 1 else "columns of the inputs" in found[0]


def test_a_range_is_not_left_by_rounding():
    """A mixture of equal numbers is not quite the same; noise that is added is another one."""
    pictures = torch.rand(60, 28).where(torch.rand(60, 28) > 0.8, torch.tensor(-0.4242129623889923))
    mixed = 0.3 * pictures + 0.7 * pictures.flip(0)
    mixed[:, 0] = 0.99
    assert compare_sizes(mixed, pictures) == []
    assert "lie outside" in compare_sizes(mixed, pictures - 0.2)[0]


@pytest.mark.parametrize(
    ("in_training", "in_inference", "told"),
    [(1.0, 1.0, True), (2.0, 1.0, False), (1.0, 0.5, False)],
)
def test_what_is_left_by_dropout_by_hand_is_scaled_once(in_training, in_inference, told):
    """Divided by the share that is kept in training, or multiplied by it in inference."""
    torch.manual_seed(0)
    first, last, x = nn.Linear(8, 64), nn.Linear(64, 1), torch.randn(50, 8)
    with TapeRecorder() as recorder:
        hidden = first(x).relu()
        with torch.no_grad():
            last(hidden * in_inference)
        mask = (torch.rand_like(hidden) < 0.5).float() * in_training
        last(hidden * mask).square().mean().backward()
    assert bool(unscaled_dropout(StepGraph(recorder.tape, ops=recorder.tape.ops))) is told


def test_what_counts_ranks_is_no_normalisation():
    """An average precision divides by positions; it is a measure of the outputs."""
    layer, right = nn.Linear(4, 1), torch.ones(30)
    with TapeRecorder(training=False) as recorder, torch.no_grad():
        ranked = right[layer(torch.randn(30, 4)).squeeze(1).argsort()]
        (ranked.cumsum(0) / torch.arange(1, 31)).mean()
    behind = signature(recorder.tape.ops, {id(layer.weight): layer.weight})
    assert NORMALISATION not in behind[id(layer.weight)].operations


@pytest.mark.parametrize("of_distances", [True, False])
def test_a_nonlinearity_of_distances_belongs_to_the_loss(of_distances):
    """As in a triplet loss with a soft margin; one of each output is the network's own."""
    layer, x = nn.Linear(4, 3), torch.randn(10, 4)
    with TapeRecorder() as training:
        out = layer(x)
        of = (out[:5] - out[5:]).square().sum(1) if of_distances else out
        nn.functional.softplus(of).mean().backward()
    with TapeRecorder(training=False) as inference, torch.no_grad():
        layer(x)
    graph = build_graph(training.tape, list(layer.parameters()))
    found = compare_inference(graph, inference.tape, Variables(), 100)
    assert any("softplus" in words for words in found.missing) is not of_distances


@pytest.mark.parametrize("merged", [True, False])
def test_layers_that_stand_in_the_place_of_others_are_not_compared(merged):
    """As those that weights and their adapters were merged into; one that is gone is missing."""
    first, middle, last = nn.Linear(4, 6), nn.Linear(6, 6), nn.Linear(6, 3)
    x, other = torch.randn(10, 4), nn.Linear(6, 6)
    with TapeRecorder() as training:
        last(middle(first(x)).relu()).sum().backward()
    with TapeRecorder(training=False) as inference, torch.no_grad():
        hidden = first(x)
        last(other(hidden).tanh() if merged else hidden)
    parameters = [p for layer in (first, middle, last) for p in layer.parameters()]
    graph = build_graph(training.tape, parameters)
    found = compare_inference(graph, inference.tape, Variables(), 100)
    assert bool(found.missing) is not merged and not (merged and found.extra)


@pytest.mark.parametrize(("behind", "told"), [("the last", False), ("the first", True)])
def test_the_spread_of_outputs_is_no_normalisation(behind, told):
    """Of several predictions it is their uncertainty; between two layers it is a part of these."""
    first, last, x = nn.Linear(4, 6), nn.Linear(6, 2), torch.randn(10, 4)
    with TapeRecorder() as training:
        last(first(x).tanh()).square().mean().backward()
    with TapeRecorder(training=False) as inference, torch.no_grad():
        hidden = first(x)
        if behind == "the first":
            hidden = hidden / hidden.std(0)
        out = last(hidden.tanh())
        out.std(0)
    graph = build_graph(training.tape, [*first.parameters(), *last.parameters()])
    found = compare_inference(graph, inference.tape, Variables(), 100)
    assert any(NORMALISATION in words for words in found.extra) is told


@pytest.mark.parametrize("detached", [True, False])
def test_an_advantage_that_is_normalised_is_no_normalisation(detached):
    """What is detached goes on as a target; else the outputs themselves are normalised."""
    layer, x = nn.Linear(4, 6), torch.randn(30, 4)
    with TapeRecorder() as training:
        out = layer(x)
        of = 1 - (out.detach() if detached else out)
        (out * ((of - of.mean()) / of.std())).mean().backward()
    with TapeRecorder(training=False) as inference, torch.no_grad():
        layer(x)
    graph = build_graph(training.tape, list(layer.parameters()))
    found = compare_inference(graph, inference.tape, Variables(), 100)
    assert any(NORMALISATION in words for words in found.missing) is not detached


@pytest.mark.parametrize("acts", [True, False])
def test_the_inputs_of_a_policy_depend_on_what_it_does(acts):
    """One that has learned to balance sees smaller angles than one that falls."""
    layer, x = nn.Linear(4, 6), torch.randn(60, 4)
    with TapeRecorder() as training:
        layer(x).square().mean().backward()
    with TapeRecorder(training=False) as inference, torch.no_grad():
        layer(0.01 * x)
    graph = build_graph(training.tape, list(layer.parameters()))
    found = compare_inference(graph, inference.tape, Variables(), 100, acts=acts)
    assert any("inputs of a size" in words for words in found.extra) is not acts


@pytest.mark.parametrize("divided", [False, True])
def test_what_is_only_looked_at_is_no_normalisation(divided):
    """As the spread of a latent space; a layer is normalised where outputs are divided by it."""
    layer, x = nn.Linear(4, 6), torch.randn(30, 4)
    with TapeRecorder(training=False) as recorder, torch.no_grad():
        out = layer(x)
        spread = (out.var(0) + 1e-5).sqrt()
        assert float(spread.mean() * 2) > 0
        assert len(out * spread.rsqrt() if divided else out) == 30
    behind = signature(recorder.tape.ops, {id(layer.weight): layer.weight})
    assert (NORMALISATION in behind[id(layer.weight)].operations) is divided


def test_a_nonlinearity_of_a_sum_is_counted_to_either_layer():
    """As in a fixed point, whose state is zero where it begins: the order of both is another."""
    one, two, x, z = nn.Linear(4, 3), nn.Linear(3, 3), torch.randn(10, 4), torch.randn(10, 3)
    with TapeRecorder() as training:
        (one(x) + two(z)).tanh().mean().backward()
    with TapeRecorder(training=False) as inference, torch.no_grad():
        (two(z) + one(x)).tanh()
    graph = build_graph(training.tape, [*one.parameters(), *two.parameters()])
    found = compare_inference(graph, inference.tape, Variables(), 100)
    assert not found.missing and not found.extra


def test_columns_of_which_half_is_dropped_have_no_scale():
    """Their quartiles are zero, or nearly."""
    numbers = torch.Generator().manual_seed(0)
    rows = torch.randn(600, 24, generator=numbers)
    kept = torch.rand(600, 24, generator=numbers) < 0.5
    assert compare_sizes(2 * rows * kept, rows) == []


@pytest.mark.parametrize(("threshold", "told"), [(0, False), (0.5, True)])
def test_a_sigmoid_is_not_missed_where_logits_are_compared_with_zero(threshold, told):
    """Also where bfloat16 becomes float32 between, as behind autocast."""
    layer, x, y = nn.Linear(4, 1), torch.randn(30, 4), torch.rand(30, 1).round()
    with TapeRecorder() as training:
        logits = layer(x)
        loss = F.binary_cross_entropy_with_logits(logits, y)
        (loss - (logits.sigmoid() * y).mean()).backward()
    with TapeRecorder(training=False) as inference, torch.no_grad():
        assert len(layer(x).bfloat16().float() > threshold) == 30
    found = compare_inference(
        build_graph(training.tape, [*layer.parameters()]), inference.tape, Variables(), 100
    )
    assert any("sigmoid" in words for words in found.missing) is told


BCE, LOGITS = F.binary_cross_entropy, F.binary_cross_entropy_with_logits


@pytest.mark.parametrize(
    ("last", "loss", "used", "told"),
    [
        (nn.Sigmoid(), BCE, torch.sigmoid, True),
        (nn.Sigmoid(), BCE, torch.clone, False),
        (nn.Identity(), LOGITS, torch.sigmoid, False),
        (nn.Softmax(1), BCE, lambda p: p.detach().softmax(1), True),
        (nn.Softmax(1), BCE, lambda p: (p.log() / 0.7).softmax(1), False),
        (nn.Softmax(1), BCE, lambda p: p[:, :2].softmax(1), False),
        (nn.Softmax(1), BCE, lambda p: p[0].softmax(0), True),
    ],
)
def test_probabilities_are_made_once(last, loss, used, told):
    """A network that ends in a sigmoid returns them; a second one is above a half everywhere."""
    network, x = nn.Sequential(nn.Linear(3, 4), last), torch.randn(20, 3)
    with TapeRecorder() as training:
        loss(network(x), torch.ones(20, 4)).backward()
    with TapeRecorder(training=False) as inference, torch.no_grad():
        used(network(x))
    graph = build_graph(training.tape, [*network.parameters()])
    found = compare_inference(graph, inference.tape, Variables(), 100)
    assert any("a second" in words for words in found.extra) is told, found


@pytest.mark.parametrize(
    ("way", "told"),
    [
        ("functional", True),
        ("one by one", True),
        ("as it says", True),
        ("as it says before a recurrence", False),
        ("by mode", False),
        ("averaged", False),
        ("averaged over inputs", False),
        ("repeated", False),
    ],
)
def test_dropout_that_does_not_know_the_mode_stays_on(way, told):
    """As F.dropout without the mode does; whoever asks again means it.

    So does who writes True in front of a recurrence, as in the first layers of Tacotron 2.
    """

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.past = nn.Linear(3, 8), nn.Linear(8, 1), nn.GRU(8, 8)

        def forward(self, x):
            x = F.dropout(x, 0.1) if way == "averaged over inputs" else x
            if way.startswith("as it says"):
                x = F.dropout(self.a(x), 0.3, training=True)
                return self.b(self.past(x)[0] if way.endswith("recurrence") else x)
            return self.b(F.dropout(self.a(x), 0.3, way != "by mode" or self.training))

    network, x = Net(), torch.randn(20, 3)
    with TapeRecorder() as training:
        network(x).square().mean().backward()
    network.eval()
    with TapeRecorder(training=False) as inference, torch.no_grad():
        for _ in range(5 if way.startswith("averaged") else 1):
            for given in (
                x if way == "one by one" else (x.repeat(9, 1) if way == "repeated" else x,)
            ):
                network(given)
    graph = build_graph(training.tape, [*network.parameters()])
    found = compare_inference(graph, inference.tape, Variables(), 100)
    assert any("dropout stays on" in words for words in found.extra) is told, found


@pytest.mark.parametrize(
    ("way", "told"), [("dropped", True), ("kept", False), ("each alone", False)]
)
@pytest.mark.parametrize("kind", [nn.GRU, nn.LSTM])
def test_a_recurrent_state_that_is_dropped_from_step_to_step(kind, way, told):
    """A text is written letter by letter; many of them begin with one letter each, and go on."""
    layer, out, x = kind(3, 8, batch_first=True), nn.Linear(8, 3), torch.randn(4, 7, 3)
    with TapeRecorder() as training:
        out(layer(x)[0]).square().mean().backward()
    with TapeRecorder(training=False) as inference, torch.no_grad():
        for row in x if way == "each alone" else x[:1]:
            state = None
            for step in row[: 2 if way == "each alone" else None]:
                states, state = layer(step.view(1, 1, 3), None if way == "dropped" else state)
                out(states)
    graph = build_graph(training.tape, [*layer.parameters(), *out.parameters()])
    found = compare_inference(graph, inference.tape, Variables(), 100)
    assert any("empty state" in words for words in found.extra) is told, found


@pytest.mark.parametrize("shortest", [1, 2])
def test_sequences_of_a_single_step_may_be_whole(shortest):
    """As of lengths that differ from batch to batch, of which some are so short."""
    layer, out, x = nn.GRU(3, 8, batch_first=True), nn.Linear(8, 3), torch.randn(4, 7, 3)
    with TapeRecorder() as training:
        out(layer(x)[0]).square().mean().backward()
    with TapeRecorder(training=False) as inference, torch.no_grad():
        for step in x[0]:
            out(layer(step.view(1, 1, 3))[0])
    graph = build_graph(training.tape, [*layer.parameters(), *out.parameters()])
    batches = [((x[:, :length],), x) for length in (7, shortest)]
    found = compare_inference(graph, inference.tape, Variables(), 100, batches)
    assert any("empty state" in words for words in found.extra) is (shortest > 1), found


def test_a_recurrent_state_may_be_given_in_a_list():
    """As ``[h, c]`` is to an LSTM."""
    layer, out, x = nn.LSTM(3, 8, batch_first=True), nn.Linear(8, 3), torch.randn(4, 7, 3)
    with TapeRecorder() as training:
        out(layer(x)[0]).square().mean().backward()
    with TapeRecorder(training=False) as inference, torch.no_grad():
        for step in x[0]:
            out(layer(step.view(1, 1, 3), [torch.zeros(1, 1, 8), torch.zeros(1, 1, 8)])[0])
    graph = build_graph(training.tape, [*layer.parameters(), *out.parameters()])
    found = compare_inference(graph, inference.tape, Variables(), 100)
    assert any("empty state" in words for words in found.extra)


@pytest.mark.parametrize("before", [True, False], ids=["before it", "behind it"])
def test_signals_before_a_normalisation_are_as_large_as_they_are(before):
    """As those of padded rows, which become alike in a layer norm; behind it others mean others."""
    layer, norm = nn.Linear(4, 8), nn.LayerNorm(8)

    def network(x, by=1.0):
        h = layer(x)
        return norm(F.gelu(h)) if before else F.gelu(by * norm(h))

    x = torch.randn(60, 4)
    with TapeRecorder() as training:
        network(x).square().sum().backward()
    with TapeRecorder(training=False) as inference, torch.no_grad():
        network(3 * x if before else x, by=3.0)
    graph = build_graph(training.tape, [*layer.parameters(), *norm.parameters()])
    found = compare_inference(graph, inference.tape, Variables(), 100)
    assert any("other statistics" in words for words in found.extra) is not before, found.extra
