"""What is measured of a step: parameters, layers, inputs and terms, from small made-up steps."""

import math
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from core.doctor.watch.build_graph import build_graph
from core.doctor.watch.observe import _has_class_column, _is_mask, observe
from core.doctor.watch.recorder import TapeRecorder
from core.doctor.watch.variables import find_variables
from core.layers import Layer

ROWS, WIDE, CLASSES = 32, 6, 4


def numbers(*shape, seed=0, size=1.0):
    """Random numbers, the same each time."""
    return size * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def tensors():
    """A small MLP of bare tensors, its inputs and labels."""
    return SimpleNamespace(
        x=numbers(ROWS, WIDE),
        y=torch.arange(ROWS) % CLASSES,
        w1=numbers(WIDE, 8, seed=1, size=0.4).requires_grad_(),
        b1=torch.zeros(8, requires_grad=True),
        w2=numbers(8, CLASSES, seed=2, size=0.4).requires_grad_(),
    )


def plain(v):
    """The lectures' own way."""
    return F.cross_entropy((v.x @ v.w1 + v.b1).tanh() @ v.w2, v.y)


def seen(v, loss_of=plain, lr=0.0, optimizer=None, **variables):
    """Do a step, with a plain or an optimiser's update, and observe it."""
    space = {**vars(v), **variables}
    if optimizer:
        space["optimizer"] = optimizer
    names = find_variables([space])
    before = {name: p.detach().clone() for name, p in names.parameters.items()}
    with TapeRecorder() as recorder:
        loss = loss_of(v)
        loss.backward()
    if optimizer:
        optimizer.step()
    with torch.no_grad():
        for p in names.parameters.values() if lr else ():
            p -= lr * p.grad
    names = find_variables([space])
    graph = build_graph(recorder.tape, names.module_parameters(), names.buffers)
    return observe(graph, names, before, loss, 3, 1.5)


def test_a_step_of_plain_descent():
    """Names, sizes and the learning rate that the update implies."""
    v = tensors()
    found = seen(v, lr=0.1)
    assert (found.step, found.seconds, found.device) == (3, 1.5, "cpu")
    assert {p.name: p.shape for p in found.parameters} == {
        "w1": (WIDE, 8),
        "b1": (8,),
        "w2": (8, CLASSES),
    }
    for p in found.parameters:
        tensor = getattr(v, p.name).detach()
        assert p.std == pytest.approx(float(tensor.std(correction=0)))
        assert p.gradient == pytest.approx(float(getattr(v, p.name).grad.square().mean().sqrt()))
        assert p.update == pytest.approx(0.1 * p.gradient, rel=1e-4)
        assert p.cosine == pytest.approx(-1, abs=1e-4)
        assert p.implied_lr == pytest.approx(0.1, rel=1e-3)
        assert p.used and p.requires_grad and p.in_optimizer is None and not p.stale_gradient
    assert found.lr == pytest.approx(0.1, rel=1e-3)
    assert found.parameters[0].log_update_ratio == pytest.approx(
        math.log10(found.parameters[0].update / found.parameters[0].std)
    )


def test_an_optimiser_says_its_learning_rate():
    """And which parameters it holds, with their weight decay."""
    v = tensors()
    optimizer = torch.optim.AdamW([v.w1, v.b1], lr=3e-3, weight_decay=0.2)
    found = seen(v, optimizer=optimizer)
    by_name = {p.name: p for p in found.parameters}
    assert found.optimizer == "AdamW" and found.lr == 3e-3
    assert by_name["w1"].in_optimizer and by_name["w1"].weight_decay == 0.2
    assert by_name["w2"].in_optimizer is False and by_name["w2"].update == 0


def test_a_variable_may_say_the_learning_rate():
    """Where the update is no plain descent, and no optimiser is found."""
    assert seen(tensors(), lr_of_mine=1.0).lr != seen(tensors(), lr_of_mine=1.0).lr  # NaN
    assert seen(tensors(), learning_rate=0.25).lr == 0.25


def test_gradients_that_were_there_are_stale():
    """As where ``zero_grad`` is forgotten."""
    v = tensors()
    plain(v).backward()
    found = seen(v, lr=0.1)
    assert all(p.stale_gradient for p in found.parameters) and found.gradients_accumulate


def test_layers_are_measured():
    """Sizes, spreads, the activation, and which one is the output."""
    v = tensors()
    first, last = seen(v).layers
    assert (first.name, first.parameter, first.kind) == ("w1", "w1", "matmul")
    assert (first.fan_in, first.units, first.nonlinearity) == (WIDE, 8, "tanh")
    assert first.out_std == pytest.approx(float((v.x @ v.w1).detach().std(correction=0)), rel=1e-4)
    assert last.is_output and not first.is_output and last.nonlinearity == ""
    assert first.gradient > 0 and not first.symmetric and not first.frozen


@pytest.mark.parametrize(
    ("activation", "size", "share"), [("tanh", 100.0, 1), ("sigmoid", 100.0, 1), ("tanh", 0.01, 0)]
)
def test_saturated_activations_are_counted(activation, size, share):
    """Large weights saturate, small ones don't."""
    v = tensors()
    v.w1 = (v.w1.detach() * size).requires_grad_()
    function = getattr(torch, activation)
    layer = seen(v, lambda v: F.cross_entropy(function(v.x @ v.w1) @ v.w2, v.y)).layers[0]
    assert layer.nonlinearity == activation and layer.saturated == pytest.approx(share, abs=0.05)


def test_dead_and_symmetric_units():
    """A relu below zero for every example; equal weights in every unit."""
    v = tensors()
    v.b1 = torch.tensor([-100.0] * 2 + [0.0] * 6, requires_grad=True)
    found = seen(v, lambda v: F.cross_entropy((v.x @ v.w1 + v.b1).relu() @ v.w2, v.y))
    assert found.layers[0].dead == 0.25
    v = tensors()
    v.w1 = torch.full((WIDE, 8), 0.1, requires_grad=True)
    assert seen(v).layers[0].symmetric
    v.w1 = numbers(WIDE, 1, seed=1).expand(WIDE, 8).contiguous().requires_grad_()
    v.x = v.x.abs() * v.w1.detach()[:, 0].sign()  # no unit is dead
    assert seen(v).layers[0].symmetric  # rows of a step later: units have moved, and together


def test_two_layers_without_a_nonlinearity_are_a_pair():
    """With one between them they are none."""
    assert seen(tensors()).linear_pairs == ()
    found = seen(tensors(), lambda v: F.cross_entropy((v.x @ v.w1 + v.b1) @ v.w2, v.y))
    assert found.linear_pairs == (("w1", "w2"),)
    slope = torch.tensor([0.25])  # a PReLU, whose slope is a parameter
    bent = seen(tensors(), lambda v: F.cross_entropy(F.prelu(v.x @ v.w1, slope) @ v.w2, v.y))
    assert bent.linear_pairs == ()


@pytest.mark.parametrize(("value", "finite"), [(-math.inf, True), (math.nan, False)])
def test_a_mask_of_minus_infinities_is_finite(value, finite):
    """As attention adds it to its scores."""
    assert _is_mask(torch.tensor([[0.0, value], [0.0, 0.0]])) is finite
    assert not _is_mask(torch.tensor([[0.3, value]]))


def test_inputs_are_measured():
    """Tokens, numbers, constants, leaked and transposed ones."""
    (found,) = seen(tensors()).inputs
    assert not found.is_tokens and found.shape == (ROWS, WIDE) and found.finite
    assert found.std == pytest.approx(float(tensors().x.std(correction=0)))
    v = tensors()
    v.x = torch.ones(ROWS, WIDE)
    assert seen(v).inputs[0].constant and not found.constant
    v = tensors()
    v.x[:, 2] = v.y.float()
    assert seen(v).inputs[0].leaks_target and not found.leaks_target


def rows_of_tokens(transposed):
    """A bigram on rows in which the next token follows, in the row or in the column."""
    row = torch.randint(0, CLASSES, (9, 9), generator=torch.Generator().manual_seed(0))
    x, y = (row[:-1], row[1:]) if transposed else (row[:, :-1], row[:, 1:])
    v = SimpleNamespace(x=x, y=y, w1=numbers(CLASSES, CLASSES).requires_grad_())
    return seen(
        v, lambda v: F.cross_entropy(F.embedding(v.x, v.w1).reshape(-1, CLASSES), v.y.reshape(-1))
    )


@pytest.mark.parametrize("transposed", [True, False])
def test_transposed_tokens_are_seen(transposed):
    """What follows a token stands below it instead of beside it."""
    found = rows_of_tokens(transposed)
    assert found.inputs[0].is_tokens and found.inputs[0].transposed == transposed
    assert found.layers[0].is_embedding and found.layers[0].fan_in == 1


def test_terms_of_the_loss():
    """The criterion, a penalty, and a number without a gradient."""

    def loss(v):
        return plain(v) + 0.5 * (v.w1**2).sum() + 0.1 * v.w2.detach().sum() + 2.0

    criterion, penalty, detached, constant = seen(tensors(), loss).terms
    assert criterion.is_criterion and criterion.requires_grad and not criterion.weights_only
    assert penalty.weights_only and penalty.requires_grad and not penalty.is_criterion
    assert penalty.value == pytest.approx(0.5 * float((tensors().w1.detach() ** 2).sum()), rel=1e-5)
    assert not detached.requires_grad and detached.weights_only
    assert (constant.value, constant.requires_grad) == (2.0, False)
    assert seen(tensors()).terms == ()


def test_the_first_nan_is_named():
    """A parameter, a variable, or a call; a mask's -inf is none."""
    v = tensors()
    with torch.no_grad():
        v.w2[0, 0] = math.nan
    assert seen(v).first_nan == "the parameter w2"
    v = tensors()
    v.x[0, 0] = math.nan
    assert seen(v).first_nan == "the variable x"
    found = seen(tensors(), lambda v: F.cross_entropy((v.x @ v.w1).sqrt() @ v.w2, v.y))
    assert found.first_nan.startswith("sqrt, a result of shape")

    def masked(v):
        logits = (v.x @ v.w1).tanh() @ v.w2
        mask = torch.tensor([False] * (CLASSES - 1) + [True])
        return F.cross_entropy(logits.masked_fill(mask, -math.inf).log_softmax(1).exp(), v.y)

    assert seen(tensors(), masked).first_nan == ""


class Net(nn.Module):
    """A layer of the lectures' kind, and one of torch's."""

    def __init__(self):
        super().__init__()
        self.conv = nn.ModuleList([Layer(nn.Linear(WIDE, 8), "tanh", dropout=0.5)])
        self.head = nn.Linear(8, CLASSES)

    def forward(self, x):
        """Compute logits."""
        return self.head(self.conv[0](x))


def test_names_are_those_of_torch():
    """``named_parameters`` for parameters, ``named_modules`` for layers; a prefix for several."""
    v = tensors()
    v.model = Net()
    v.model.eval()
    found = seen(v, lambda v: F.cross_entropy(v.model(v.x), v.y))
    names = {p.name for p in found.parameters if p.used}
    assert names == {name for name, _ in v.model.named_parameters()}
    assert [layer.name for layer in found.layers] == ["conv.0", "head"]
    assert [layer.parameter for layer in found.layers] == ["conv.0.product.weight", "head.weight"]
    assert found.eval_modules == ("conv.0.dropout",)
    v.other = nn.Linear(1, 1)
    found = seen(v, lambda v: F.cross_entropy(v.model(v.x), v.y))
    assert [layer.name for layer in found.layers] == ["model.conv.0", "model.head"]


def test_two_heads_on_one_code_are_no_pair():
    """Something else uses the output of the first layer: the two can't be made one."""
    v = tensors()
    v.w1 = numbers(WIDE, WIDE, seed=4).requires_grad_()
    v.head = numbers(WIDE, WIDE, seed=5).requires_grad_()
    v.w2 = numbers(WIDE, CLASSES, seed=6).requires_grad_()

    def one(v):
        return F.cross_entropy(v.x @ v.w1 @ v.w2, v.y)

    def two(v):
        code = v.x @ v.w1
        return F.cross_entropy(code @ v.w2, v.y) + (code @ v.head - v.x).square().mean()

    assert seen(v, one).linear_pairs == (("w1", "w2"),)
    assert seen(v, two).linear_pairs == ()


def test_parameters_in_plain_lists_have_names():
    """Torch does not find layers in a list of a module; the loss does."""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.out = nn.Linear(4, 2)
            self.hidden = [nn.Linear(4, 4)]

    net = Net()
    assert "hidden[0].weight" in find_variables([{"net": net}]).parameters


def test_edges_of_a_graph_and_counts_are_no_tokens():
    """Whole numbers that meet signals only; the nodes' features are the input."""
    v = tensors()
    edges, degree = torch.arange(ROWS).roll(1), torch.full((ROWS, 1), 2)

    def message(v):
        h = (v.x @ v.w1 + v.b1).relu()
        return F.cross_entropy((h + h[edges] / degree) @ v.w2, v.y)

    found = seen(v, message)
    assert [x.shape for x in found.inputs] == [(ROWS, WIDE)] and not found.inputs[0].is_tokens


def test_data_that_is_given_as_a_tensor_once_more_is_no_constant():
    """``as_tensor`` of a tensor is that tensor, as where a data set may hold arrays."""

    def stacked(v):
        rows = torch.stack([torch.as_tensor(row) for row in v.x])
        return F.cross_entropy((rows @ v.w1 + v.b1).tanh() @ v.w2, v.y)

    found = seen(tensors(), stacked)
    assert [x.shape for x in found.inputs] == [(ROWS, WIDE)]


def test_a_code_that_the_network_chose_is_no_input():
    """As the nearest vector of a codebook is."""
    v = tensors()
    book = numbers(4, 8, seed=3).requires_grad_()

    def coded(v):
        h = v.x @ v.w1
        return F.cross_entropy((h + book[(h @ book.t()).argmax(1)]) @ v.w2, v.y)

    assert [x.shape for x in seen(v, coded, book=book).inputs] == [(ROWS, WIDE)]


def test_labels_of_mixed_examples_are_recognised():
    """Two calls of one loss on the same outputs, with other labels each."""
    v = tensors()

    def mixup(v):
        scores = (v.x + v.x.roll(1, 0)) @ v.w1[:, :4]
        return 0.5 * F.cross_entropy(scores, v.y) + 0.5 * F.cross_entropy(scores, v.y.roll(1))

    assert seen(v, mixup).criterion.mixed and not seen(v).criterion.mixed


def test_a_loss_scaler_is_recognised():
    """What is differentiated is a thousand times what is reported."""
    v = tensors()
    names = find_variables([vars(v)])
    with TapeRecorder() as recorder:
        loss = plain(v)
        (loss * torch.tensor(1024.0)).backward()
    graph = build_graph(recorder.tape, names.held())
    found = observe(graph, names, {}, loss, 0, 0.0)
    assert found.scale == pytest.approx(1024) and graph.scale == found.scale
    assert seen(v).scale == 1


def test_units_are_counted_over_inputs_that_differ():
    """Of four different rows, a unit that is zero for all says little."""
    v = tensors()
    v.x = v.x[torch.arange(ROWS) % 4]
    relu = seen(v, lambda v: F.cross_entropy((v.x @ v.w1).relu() @ v.w2, v.y))
    assert relu.layers[0].rows == 4


def test_a_column_tells_the_class_whatever_digits_are_the_default():
    """Where a program computes with float64 by default."""
    labels = torch.arange(30) % 3
    rows = torch.stack([labels.float(), numbers(30)], 1)
    torch.set_default_dtype(torch.float64)
    try:
        assert _has_class_column(rows, labels) and not _has_class_column(rows[:, 1:], labels)
    finally:
        torch.set_default_dtype(torch.float32)


def test_a_nearer_variable_hides_one_of_its_name():
    """A function's model is the one that it trains, and not the file's."""
    mine, other = nn.Linear(3, 1), nn.Linear(5, 1)
    found = find_variables([{"model": mine}, {"model": other, "x": numbers(40)}])
    assert found.modules == {"model": mine} and "x" in found.data


@pytest.mark.parametrize("way", ["as they are", "times a scale", "cosine_similarity"])
def test_outputs_that_are_cosines_as_they_are(way):
    """A scale takes them beyond -1 and 1, so that a softmax can be sure."""

    def scores(v):
        hidden = torch.tanh(v.x @ v.w1)
        if way == "cosine_similarity":
            return F.cross_entropy(F.cosine_similarity(hidden[:, None], v.w2.t()[None], -1), v.y)
        found = F.normalize(hidden) @ F.normalize(v.w2, dim=0)
        return F.cross_entropy(found if way == "as they are" else 16 * found, v.y)

    assert seen(tensors(), scores).criterion.outputs_are_cosines is (way != "times a scale")


def test_a_product_of_unit_vectors_says_cosines():
    """Both sides are scaled to a length of 1; of one side alone the other's size still counts."""

    def cosines(v, both=True):
        hidden = (v.x @ v.w1 + v.b1).tanh()
        hidden = F.normalize(hidden) if both else hidden
        return F.cross_entropy(8 * F.linear(hidden, F.normalize(v.w2.t())), v.y)

    assert [x.of_unit_vectors for x in seen(tensors(), cosines).layers] == [False, True]
    one = seen(tensors(), lambda v: cosines(v, both=False))
    assert not any(x.of_unit_vectors for x in one.layers)
