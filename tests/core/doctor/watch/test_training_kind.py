"""Which kind of training a step belongs to."""

import pytest
import torch
from torch import nn
from torch.distributions import Categorical, Normal
from torch.nn import functional as F

from core.doctor.watch.build_graph import build_graph
from core.doctor.watch.loss_readers import read_loss
from core.doctor.watch.observe import _inputs
from core.doctor.watch.recorder import TapeRecorder
from core.doctor.watch.training_kind import recognise, summed_items
from core.doctor.watch.variables import find_variables

ROWS = 24
PRICES = torch.linspace(-1, 1, 4 * ROWS * 6).sin().reshape(-1, 3, 2)


def classify(net, x):
    """Classes of points."""
    return F.cross_entropy(net(x), torch.arange(ROWS) % 6)


def regress(net, x):
    """Real numbers."""
    return F.mse_loss(net(x), x.cos())


def rebuild(net, x):
    """The input is the target."""
    return F.mse_loss(net(x), x)


def denoise(net, x):
    """The noise in the input is the target."""
    noise = torch.randn_like(x)
    return F.mse_loss(net(0.6 * x + 0.8 * noise), noise)


def shape(net, x):
    """A target that lends outputs its shape does not enter the network."""
    order = torch.randperm(4 * ROWS)[:ROWS]
    return F.mse_loss(net(x).reshape_as(PRICES[order]), PRICES[order])


def draw(net, x):
    """Inputs that are drawn anew, and what is measured there."""
    fresh = 6 * torch.rand(ROWS, 6) - 3
    return F.mse_loss(net(fresh), fresh.sin() + 0.1 * torch.randn(ROWS, 6))


def clean(net, x):
    """Pictures that are drawn are what is left without the noise."""
    fresh = torch.rand(ROWS, 6)
    return F.mse_loss(net(fresh + 0.1 * torch.randn(ROWS, 6)), fresh)


def act(net, x):
    """Log-probabilities of drawn actions, weighed by their rewards."""
    policy = Categorical(logits=net(x))
    action = policy.sample()
    return -(policy.log_prob(action) * torch.linspace(-1, 1, ROWS)).mean()


def value(net, x):
    """The value of an action against the reward."""
    action = torch.arange(ROWS)[:, None] % 6
    return F.smooth_l1_loss(net(x).gather(1, action), x[:, :1].sin())


def compare(net, x):
    """Each example finds its partner among those of the batch."""
    return F.cross_entropy(net(x) @ net(x + 0.1).t(), torch.arange(ROWS))


def derive(net, x):
    """A derivative of the network stands in the loss."""
    x = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(net(x).sum(), x, create_graph=True)
    return (slope + x).square().mean()


def adapt(net, x):
    """Weights after a step of their own, judged on other examples."""
    w = net[2].weight
    (slope,) = torch.autograd.grad(F.mse_loss(net(x[:12]), x[:12].cos()), w, create_graph=True)
    hidden = net[1](net[0](x[12:]))
    return F.mse_loss(F.linear(hidden, w - 0.1 * slope, net[2].bias), x[12:].cos())


def distil(net, x):
    """The targets are a teacher's probabilities."""
    soft = F.softmax(x, 1)
    return F.kl_div(F.log_softmax(net(x), 1), soft, reduction="batchmean")


@pytest.mark.parametrize(
    ("loss_of", "kind"),
    [
        (classify, "classification"),
        (regress, "regression"),
        (rebuild, "autoencoder"),
        (shape, "regression"),
        (denoise, "denoising"),
        (clean, "denoising"),
        (draw, "regression"),
        (act, "reinforcement learning"),
        (value, "reinforcement learning"),
        (compare, "contrastive"),
        (derive, "physics-informed"),
        (adapt, "meta-learning"),
        (distil, "distillation"),
    ],
)
def test_a_kind_is_recognised(loss_of, kind):
    """By what is compared with what."""
    torch.manual_seed(0)
    net, x = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 6)), torch.randn(ROWS, 6)
    with TapeRecorder() as recorder:
        loss_of(net, x).backward()
    variables = find_variables([{"net": net, "x": x}])
    graph = build_graph(recorder.tape, variables.held())
    assert recognise(graph, variables, read_loss(graph), tuple(_inputs(graph))) == kind


@pytest.mark.parametrize(("classes", "kind"), [(12, "language model"), (4, "sequence labelling")])
def test_labels_of_tokens_are_told_from_the_next_tokens(classes, kind):
    """There is an output for each token of a language model."""
    table, head = nn.Embedding(12, 8), nn.Linear(8, classes)
    x = torch.arange(ROWS * 6).reshape(ROWS, 6) % 12
    with TapeRecorder() as recorder:
        F.cross_entropy(head(table(x)).flatten(0, 1), (x % classes).flatten()).backward()
    variables = find_variables([{"table": table, "head": head, "x": x}])
    graph = build_graph(recorder.tape, variables.held())
    assert recognise(graph, variables, read_loss(graph), tuple(_inputs(graph))) == kind


@pytest.mark.parametrize(
    ("task", "kind"),
    [
        ("next", "language model"),
        ("shifted in the loss", "language model"),
        ("hidden", "language model"),
        ("sorted", "sequence labelling"),
        ("reversed", "sequence labelling"),
    ],
)
def test_a_language_model_says_the_tokens_that_it_is_given_in_their_order(task, kind):
    """Numbers that are sorted are of the same set, and no text."""
    table, head = nn.Embedding(12, 8), nn.Linear(8, 12)
    text = torch.randint(0, 11, (ROWS, 9), generator=torch.Generator().manual_seed(0))
    x, y = text[:, :-1], {"sorted": text[:, :-1].sort(1).values}.get(task, text[:, :-1].flip(1))
    if task == "next":
        y = text[:, 1:]
    if task == "hidden":
        hides = torch.rand(x.shape, generator=torch.Generator().manual_seed(1)) < 0.3
        x, y = x.masked_fill(hides, 11), x.masked_fill(~hides, -100)
    with TapeRecorder() as recorder:
        logits = head(table(x))
        if task == "shifted in the loss":
            logits, y = logits[:, :-1], x[:, 1:]
        F.cross_entropy(logits.transpose(1, 2), y).backward()
    variables = find_variables([{"table": table, "head": head, "x": x}])
    graph = build_graph(recorder.tape, variables.held())
    assert recognise(graph, variables, read_loss(graph), tuple(_inputs(graph))) == kind


def test_a_token_of_the_beginning_needs_no_output():
    """The other inputs are the targets, one place on."""
    table, head = nn.Embedding(13, 8), nn.Linear(8, 12)
    y = torch.arange(ROWS * 6).reshape(ROWS, 6) % 12
    x = torch.cat([torch.full((ROWS, 1), 12), y[:, :-1]], 1)
    with TapeRecorder() as recorder:
        F.cross_entropy(head(table(x)).flatten(0, 1), y.flatten()).backward()
    variables = find_variables([{"table": table, "head": head, "x": x}])
    graph = build_graph(recorder.tape, variables.held())
    assert recognise(graph, variables, read_loss(graph), tuple(_inputs(graph))) == "language model"


def test_a_sum_is_told_from_a_mean():
    """By the last reduction before the loss."""
    w, x = torch.randn(6, 3, requires_grad=True), torch.randn(ROWS, 6)
    for loss_of, items in (
        (lambda: F.mse_loss(x @ w, x[:, :3]), 1),
        (lambda: F.mse_loss(x @ w, x[:, :3], reduction="sum"), 3 * ROWS),
        (lambda: (x @ w - x[:, :3]).square().sum(), 3 * ROWS),
        (lambda: (x @ w - x[:, :3]).square().mean(), 1),
    ):
        with TapeRecorder() as recorder:
            loss_of().backward()
        assert summed_items(build_graph(recorder.tape, [w])) == items


def kind_of(loss_of, *parameters):
    """The kind of a step with some bare parameters."""
    variables = find_variables([{f"p{k}": p for k, p in enumerate(parameters)}])
    with TapeRecorder() as recorder:
        loss_of().backward()
    graph = build_graph(recorder.tape, variables.held())
    return recognise(graph, variables, read_loss(graph), tuple(_inputs(graph)))


def test_real_numbers_may_be_actions():
    """Drawn without a gradient from a normal distribution, and weighed by their rewards."""
    state, w = torch.randn(ROWS, 3), torch.randn(3, 1, requires_grad=True)
    spread = torch.zeros(1, requires_grad=True)

    def act():
        policy = Normal(state @ w, spread.exp())
        action = policy.sample()
        return -(policy.log_prob(action) * torch.linspace(-1, 1, ROWS)[:, None]).mean()

    assert kind_of(act, w, spread) == "reinforcement learning"


def test_a_codebook_compares_no_examples():
    """Distances to a table of vectors choose a code; the loss is that of an autoencoder."""
    x, w = torch.randn(ROWS, 6), torch.randn(6, 4, requires_grad=True)
    book, back = torch.randn(5, 4, requires_grad=True), torch.randn(4, 6, requires_grad=True)

    def coded():
        z = x @ w
        q = book[torch.cdist(z, book).argmin(1)]
        return F.mse_loss((z + (q - z).detach()) @ back, x) + F.mse_loss(q, z.detach())

    assert kind_of(coded, w, book, back) == "autoencoder"
