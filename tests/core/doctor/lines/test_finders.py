"""The line at which a cause is shown is the one that an experienced engineer would point at."""

import pytest

from core.doctor.lines.finders import CASES, FINDERS
from core.doctor.verdict.causes import CAUSES
from core.doctor.watch_loop import watch

HERE = "  # here"
SEQUENTIAL = """
def block(n, m):
    return nn.Sequential(nn.Linear(n, m), nn.Tanh())
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(8, 16),{fc}
            nn.ReLU(),{relu}
            nn.Linear(16, 16),
            nn.Tanh(),{tanh}
            nn.Linear(16, 3),
            nn.Sigmoid(),{sigmoid}
        )
    def forward(self, x):
        return self.body(x)
model = Net()
"""
STEP = """
x, y = torch.randn(32, 8), torch.rand(32, 3)
for step in range(2):
    loss = F.mse_loss(model(x), y)
    model.zero_grad()
    loss.backward()
    for p in model.parameters():
        p.data -= 0.1 * p.grad
    seen.step(loss)
"""
ATTENTION = """
class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.key = nn.Linear(32, 32)
        self.query = nn.Linear(32, 32)
        self.value = nn.Linear(32, 32)
    def forward(self, x):
        shares = self.query(x) @ self.key(x).transpose(1, 2){scores}
        shares = shares.softmax({dim}){softmax}
        {late}
        return shares @ self.value(x)
class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.sa = Head()
        self.ff = nn.Linear(32, 32)
    def forward(self, x):
        x = self.sa(x){block}
        return x + self.ff(x).relu()
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(9, 32)
        self.blocks = nn.ModuleList([Block() for _ in range(2)])
        self.out = nn.Linear(32, 9)
    def forward(self, x):
        x = self.emb(x)
        for block in self.blocks:
            x = block(x)
        return self.out(x)
model = Model()
x = torch.randint(9, (16, 12))
for step in range(2):
    loss = F.cross_entropy(model(x[:, :-1]).reshape(-1, 9), x[:, 1:].reshape(-1))
    loss.backward()
    for p in model.parameters():
        p.data -= 0.01 * p.grad
        p.grad = None
    seen.step(loss)
"""


class Blank(dict):
    """What a program has where nothing is said."""

    def __missing__(self, key):
        return {"dim": "-1", "late": "pass"}.get(key, "")


@pytest.mark.parametrize(
    ("mark", "cause", "where"),
    [
        ("tanh", "saturated_units", "body.2"),
        ("relu", "dead_units", "body.0"),
        ("fc", "no_nonlinearity", "body.0 and body.2"),
        ("sigmoid", "outputs_out_of_reach", "the last layer"),
        ("fc", "bad_init_scale", "body.0"),
    ],
)
def test_a_module_of_a_sequential_has_the_line_in_which_it_is_made(first_line, mark, cause, where):
    """The line that calls all of it says nothing."""
    source = SEQUENTIAL.format_map(Blank({mark: HERE})) + STEP
    found, wanted = first_line(source, cause, where)
    assert found == wanted


@pytest.mark.parametrize(
    "made",
    [
        "model = nn.Sequential()\nmodel.append(nn.Linear(8, 3))\nmodel.append(nn.Sigmoid())",
        "parts = [nn.Linear(8, 3),\n nn.Sigmoid()]\nmodel = nn.Sequential(*parts)",
        "parts = []\nparts += [nn.Linear(8, 3)]\nparts += [nn.Sigmoid()]\n"
        "model = nn.Sequential(*parts)",
        "def make():\n    return nn.Sequential(nn.Linear(8, 3),\n     nn.Sigmoid())\n"
        "model = make()",
        "model = nn.Sequential(OrderedDict([('a', nn.Linear(8, 3)),\n ('b', nn.Sigmoid())]))",
    ],
)
def test_however_a_sequential_is_made(first_line, made):
    """Names, lists and functions are followed."""
    marked = "\n".join(
        f"{line}{HERE}" if "nn.Sigmoid()" in line else line for line in made.splitlines()
    )
    source = f"from collections import OrderedDict\n{marked}{STEP}"
    found, wanted = first_line(source, "outputs_out_of_reach")
    assert found == wanted


def test_a_line_that_cannot_be_told_apart_is_not_guessed(first_line):
    """Of two equal calls in a list neither is named; the line that calls the network is."""
    made = "parts = [nn.Linear(8, 8)]\nparts += [nn.Linear(8, 3)]\nmodel = nn.Sequential(*parts)"
    source = made + STEP.replace("y)", f"y){HERE}")
    found, wanted = first_line(source, "no_nonlinearity", "0 and 1")
    assert found == wanted


@pytest.mark.parametrize(
    ("mark", "cause", "where", "change"),
    [
        ("scores", "attention_unscaled", "the attention", {}),
        ("softmax", "attention_axis", "the attention", {"dim": "1"}),
        ("softmax", "future_leak", "the attention mask", {}),
        ("block", "residual_missing", "the blocks", {}),
        ("late", "attention_mask_late", "the attention mask", {}),
    ],
)
def test_an_attention_has_the_line_in_which_it_is_wrong(first_line, mark, cause, where, change):
    """The scores, the softmax, the mask, or where a block calls it."""
    late = "shares = shares.masked_fill(torch.ones(11, 11).triu(1) == 1, 0)"
    change = change | ({"late": late + HERE} if mark == "late" else {mark: HERE})
    source = ATTENTION.format_map(Blank(change))
    found, wanted = first_line(source, cause, where)
    assert found == wanted


PLAIN = """
w = torch.randn(8, 1, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
for step in range(3):
    x, y = torch.randn(32, 8), torch.randn(32, 1)
    out = x @ w + b
    {body}
    loss.backward()
    for p in (w, b):
        p.data -= 0.1 * p.grad
        p.grad = None
    seen.step(loss)
"""


@pytest.mark.parametrize(
    "body",
    [
        "loss = (out - y).log().mean()  # here",
        "scale = out.detach() * 0\n    ratio = y / scale  # here\n    loss = (out * ratio).mean()",
        # The step is finite, and its gradient is not.
        "size = (out * 0).abs().sqrt()  # here\n    loss = ((out - y) ** 2).mean() + size.mean()",
    ],
)
def test_nan_has_the_line_in_which_it_began(first_line, body):
    """Or that in which its gradient did, a step before."""
    source = "torch.manual_seed(0)" + PLAIN.format(body=body)
    found, wanted = first_line(source, "nan")
    assert found == wanted


def test_weights_that_became_nan_in_the_same_step_are_not_where_it_began(first_line):
    """What the step was given counts, not what its update made of it."""
    body = "loss = (out - y).log().mean()  # here"
    source = PLAIN.format(body=body).replace("for step", "seen.__enter__()\nfor step")
    seen = watch(quiet=True, record=False, budget=0.0)
    exec(f"import torch\n{source}", {"seen": seen})
    seen.__exit__(None, None, None)
    assert seen._loop.watcher.observations[0].first_nan.startswith("log")


@pytest.mark.parametrize(
    ("cause", "lines_", "where"),
    [
        ("symmetric_init", "nn.init.constant_(model[0].weight, 0.1)  # here", "0"),
        ("dead_units", "model[0].bias.data.fill_(-12.0)  # here", "0"),
        ("low_precision_weights", "model.half().float()  # here", "0.weight"),
        ("clipping_too_strong", "nn.utils.clip_grad_norm_(model.parameters(), 1e9)  # here", ""),
    ],
)
def test_calls_that_are_no_operation_of_a_step_are_found(first_line, cause, lines_, where):
    """They stand before the loop, and say what is wrong."""
    made = "model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3))\n"
    found, wanted = first_line(f"{made}{lines_}{STEP}", cause, where)
    assert found == wanted


def test_data_has_the_line_that_gave_it_its_last_value(first_line):
    """Through slices and a loader; not the line in which a batch is taken."""
    source = """
from torch.utils.data import DataLoader, TensorDataset
table, price = torch.rand(64, 8), torch.rand(64, 3)
table = table * 255  # here
loader = DataLoader(TensorDataset(table[:48], price[:48]), 16)
model = nn.Linear(8, 3)
for x, y in loader:
    loss = F.mse_loss(model(x), y)
    loss.backward()
    for p in model.parameters():
        p.data -= 1e-6 * p.grad
        p.grad = None
    seen.step(loss)
"""
    found, wanted = first_line(source, "inputs_not_normalised", "the inputs")
    assert found == wanted


RECURRENT = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(3, 16){made}
        self.out = nn.Linear(16, 3)
    def forward(self, x):
        states, _ = self.rnn(x)
        products = states @ states.transpose(1, 2)
        future = torch.ones_like(products[0]).triu(1).bool()
        products.masked_fill(future, -torch.inf){thrown}
        states = products.softmax(-1) @ states
        return self.out(states[:, -1])
model = Net()
x, y = torch.randn(32, 7, 3), torch.rand(32, 3)
for step in range(2):
    loss = F.mse_loss(model(x), y)
    loss.backward()
    seen.step(loss)
"""


@pytest.mark.parametrize(
    ("cause", "where", "mark"),
    [
        ("batch_mixed", "between input and output", "made"),
        ("future_leak", "the attention mask", "thrown"),
    ],
)
def test_what_is_left_out_has_the_line_in_which_it_is(first_line, cause, where, mark):
    """batch_first, or the result of a method that does not write into its tensor."""
    marks = {"made": "", "thrown": ""} | {mark: HERE}
    found, wanted = first_line(RECURRENT.format_map(marks), cause, where)
    assert found == wanted


CAUSAL = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rows = nn.Linear(3, 3)
        self.before = torch.tril(torch.ones(7, 7))
        {mask}  #!
    def forward(self, x):
        scores = (self.rows(x) @ x.transpose(1, 2)).masked_fill(self.mask == 0, -torch.inf)
        return scores.softmax(-1) @ x
model = Net()
x, y = torch.randn(32, 7, 3), torch.rand(32, 7, 3)
for step in range(2):
    loss = F.mse_loss(model(x), y)
    loss.backward()
    seen.step(loss)
"""


@pytest.mark.parametrize(
    "mask",
    [
        "self.mask = torch.tril(torch.ones(7, 7), diagonal=1)",
        "self.mask = torch.ones(7, 7).tril(1)",
        "self.mask = 1 - torch.ones(7, 7).triu(diagonal=2)",
    ],
)
def test_a_causal_mask_that_lets_one_more_be_seen_has_its_line(first_line, mask):
    """Not that of another triangle, with the diagonal that it should have."""
    source = CAUSAL.format(mask=mask).replace("  #!", HERE)
    found, wanted = first_line(source, "future_leak", "the attention mask")
    assert found == wanted


def test_every_cause_has_its_own_lines():
    """None falls back to the layers that are named, and the loss."""
    assert set(FINDERS) == set(CAUSES)
    assert {cause for cause, *_ in CASES} <= set(CAUSES)
