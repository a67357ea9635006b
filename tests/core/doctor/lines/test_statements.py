"""What only the source shows: of several such statements the one that is at fault comes first."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from core import watch

NET = "net = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3))\n"
STEP = """
x, y = torch.randn(32, 8), torch.rand(32, 3)
for step in range(2):
    optimizer.zero_grad()
    loss = F.mse_loss(net(x), y)
    loss.backward()
    optimizer.step()
    seen.step(loss)
"""


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("net.parameters(), lr=0.01", "net[2].parameters(), lr=0.05)  # here"),
        ("net.parameters(), lr=0.01", "net[2].parameters(), lr=0.01)  # here"),
        ("net[2].parameters(), lr=0.02)  # here", "net.parameters(), lr=0.01"),
    ],
)
def test_of_two_optimisers_that_of_the_loop_comes_first(first_line, first, second):
    """It is known by its numbers, or else it is the last one of its name."""
    used = first if "here" in first else second
    other, name = (second, "later") if used is first else (first, "optimizer")
    lines = {
        first: f"optimizer = torch.optim.Adam({first}",
        second: f"optimizer = torch.optim.Adam({second}",
    }
    lines[other] = f"{name} = torch.optim.Adam({other})"
    source = f"{NET}{lines[first]}\n{lines[second]}\n{STEP}"
    found, wanted = first_line(source, "parameter_not_trained", "the update")
    assert found == wanted


def test_an_optimiser_that_is_given_what_another_has_comes_first(first_line):
    """It was copied, and its parameters were forgotten."""
    source = f"""{NET}
head = nn.Linear(3, 3)
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
for_the_head = torch.optim.Adam(net.parameters(), lr=0.001)  # here
{STEP.replace("net(x)", "head(net(x))")}"""
    found, wanted = first_line(source, "parameter_not_trained", "head.weight")
    assert found == wanted


@pytest.mark.parametrize(
    "made",
    [
        "config = {\n 'width': 8,\n 'rate': 0.5,  # here\n}\n"
        "optimizer = torch.optim.SGD(net.parameters(), lr=config['rate'])",
        "class Config:\n    rate: float = 0.5  # here\n"
        "optimizer = torch.optim.SGD(net.parameters(), lr=Config.rate)",
        "from argparse import ArgumentParser\nparser = ArgumentParser()\n"
        "parser.add_argument('--rate', type=float, default=0.5)  # here\n"
        "args = parser.parse_args([])\n"
        "optimizer = torch.optim.SGD(net.parameters(), lr=args.rate)",
        "def made(net, rate=0.5):  # here\n    return torch.optim.SGD(net.parameters(), rate)\n"
        "optimizer = made(net)",
        "optimizer = torch.optim.SGD(net.parameters(), lr=0.5)  # here",
    ],
)
def test_a_learning_rate_has_the_line_in_which_it_is_a_number(first_line, made):
    """It is followed from the optimiser to where it is written."""
    found, wanted = first_line(f"{NET}{made}\n{STEP}", "lr_too_high", "the learning rate")
    assert found == wanted


SCHEDULED = """
optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.1)
x, y = torch.randn(32, 8), torch.rand(32, 3)
for epoch in range(2):
    for step in range(3):
        optimizer.zero_grad()
        loss = F.mse_loss(net(x), y)
        loss.backward()
        optimizer.step()
        seen.step(loss)
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("optimizer.step()\n", "optimizer.step()\n        scheduler.step()  # here\n"),
        ("seen.step(loss)\n", "seen.step(loss)\n    scheduler.step()\n"),
    ],
)
def test_a_schedule_that_moves_in_each_batch_has_the_line_of_its_step(first_line, before, after):
    """One that moves in each epoch has the line in which it is made."""
    source = NET + SCHEDULED.replace(before, after)
    if "here" not in source:
        source = source.replace("2, 0.1)", "2, 0.1)  # here")
    found, wanted = first_line(source, "lr_vanished", "the learning-rate schedule")
    assert found == wanted


def test_weights_of_a_class_of_ones_own_have_the_line_that_makes_them(first_line):
    """Not that which makes what holds them."""
    source = f"""
class Dense:
    def __init__(self):
        self.w = torch.full((8, 3), 0.5, requires_grad=True)  # here
class Net:
    def __init__(self, *layers):
        self.layers = layers
    def __call__(self, x):
        return x @ self.layers[0].w
net = Net(Dense())
optimizer = torch.optim.SGD([net.layers[0].w], lr=0.1)
{STEP}"""
    found, wanted = first_line(source, "symmetric_init", "net.layers[0].w")
    assert found == wanted


@pytest.mark.parametrize("where", ["hidden[0].weight, hidden[0].bias", "hidden[0].body.0.weight"])
def test_layers_in_a_plain_list_have_the_line_that_makes_the_list(first_line, where):
    """The optimiser can't know them, nor what is in them."""
    made = "Block()" if "body" in where else "nn.Linear(8, 8)"
    source = f"""
class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(8, 8))
    def forward(self, x):
        return self.body(x)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = [{made}]  # here
        self.out = nn.Linear(8, 3)
    def forward(self, x):
        return self.out(self.hidden[0](x))
net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
{STEP}"""
    why = f"{where}: it is not in the optimiser"
    found, wanted = first_line(source, "parameter_not_trained", where, why)
    assert found == wanted


def test_a_loss_that_is_a_new_tensor_has_the_line_that_makes_it(first_line):
    """It has no graph behind it."""
    made = "    loss = torch.tensor(loss.item(), requires_grad=True)  # here\n    loss.backward()"
    optimizer = "optimizer = torch.optim.SGD(net.parameters(), lr=0.1)\n"
    source = NET + optimizer + STEP.replace("    loss.backward()", made)
    why = "no parameter moves: the loss that is differentiated is a new tensor"
    found, wanted = first_line(source, "parameter_not_trained", "the loss", why)
    assert found == wanted


def test_a_use_in_a_method_of_the_network_has_the_line_of_its_call(first_line):
    """There it is put into evaluation mode, and not in the method."""
    source = f"""
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(8, 3), nn.Dropout())
    def forward(self, x):
        return self.body(x)
    def validation_step(self, x, y):
        return F.mse_loss(self(x), y)
net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
{STEP}
with seen.using(), torch.no_grad():
    net.validation_step(x, y)  # here
"""
    why = "body.1 in training mode during inference; expected: model.eval()"
    found, wanted = first_line(source, "train_eval_mismatch", "inference", why)
    assert found == wanted


def test_what_is_replaced_and_not_added_up_has_that_line(first_line):
    """The last value alone comes out of the loop."""
    source = """
class Flow(nn.Module):
    def __init__(self):
        super().__init__()
        self.parts = nn.ModuleList(nn.Linear(3, 3) for _ in range(2))
    def forward(self, x):
        volume, count = torch.zeros(len(x)), 0
        total = 0
        for part in self.parts:
            scale = part(x)
            x = x * scale.exp()
            total = scale.sum(1)  # here
            count = count + 1
        return x, total
flow = Flow()
for step in range(2):
    z, total = flow(torch.randn(8, 3))
    loss = (z.square().sum(1) / 2 - total).mean()
    loss.backward()
    seen.step(loss)
"""
    why = "Of 1 parts of the flow the log-determinant is computed, and"
    found, wanted = first_line(source, "wrong_loss", "the loss", why)
    assert found == wanted


EVALUATED = f"""
net = nn.Sequential(nn.Linear(8, 3), nn.Dropout())
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
@torch.no_grad()
def sums(x):
    return x.sum()
{{defined}}
{STEP}
with seen.using():
    {{used}}
"""


@pytest.mark.parametrize(
    ("defined", "used"),
    [
        (
            "def validate(x, y):  # here\n    with torch.no_grad():\n        out = net(x)\n"
            "        return F.mse_loss(out, y)",
            "validate(x, y)",
        ),
        (
            "@torch.no_grad()\ndef validate(x, y):  # here\n    for row in range(2):\n"
            "        loss = F.mse_loss(net(x), y)\n    return loss",
            "validate(x, y)",
        ),
        (
            "",
            "with torch.inference_mode():  # here\n        for row in range(2):\n"
            "            net(x)",
        ),
        (
            "def fit(x, learns):\n    if learns:\n        net(x).sum().backward()\n"
            "    with torch.no_grad():  # here\n        net(x)",
            "fit(x, False)",
        ),
    ],
)
def test_a_missing_eval_has_the_line_before_which_it_goes(first_line, defined, used):
    """The function that evaluates, and where it trains, too, what it does without gradients."""
    source = EVALUATED.replace("{defined}", defined).replace("{used}", used)
    why = "1 in training mode during inference; expected: model.eval()"
    found, wanted = first_line(source, "train_eval_mismatch", "inference", why)
    assert found == wanted


def test_gradients_that_are_not_zeroed_have_the_lines_before_which_they_are_to_be(tmp_path):
    """Where they add up, and where the step begins."""
    script = tmp_path / "script.py"
    script.write_text(
        "def train_step(x, y):\n"
        '    """One step."""\n'
        "    loss = F.mse_loss(net(x), y)\n"
        "    loss.backward()\n"
        "    optimizer.step()\n"
        "    return loss\n"
        "for _ in range(8):\n"
        "    seen.step(train_step(torch.randn(8, 4), torch.randn(8, 1)))\n"
    )
    net = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    seen = watch(net, quiet=True, record=False, budget=0.0)
    names = {"seen": seen, "net": net, "optimizer": optimizer, "torch": torch, "F": F}
    with seen:
        exec(compile(script.read_text(), str(script), "exec"), names)
    (cause,) = (one for one in seen.diagnosis.causes if one.id == "gradients_not_zeroed")
    assert [line.line for line in cause.lines] == [4, 3, 5]


REPLACED = "net.out = nn.Linear(8, 3)"
MAKES = "optimizer = torch.optim.SGD(net.parameters(), lr=0.1)"
BY_FUNCTION = f"""
def make_optimizer(net):
    return torch.optim.SGD(net.parameters(), lr=0.1)
optimizer = make_optimizer(net)
{REPLACED}  # here
"""


@pytest.mark.parametrize(
    "setting",
    [
        f"{MAKES}\n{REPLACED}  # here\n",
        f"{MAKES}\nif True:\n    {REPLACED}  # here\n",
        f"{MAKES}\ndel optimizer\n{REPLACED}\n{MAKES}  # here\n",
        f"{REPLACED}\noptimizer = torch.optim.SGD(net.hidden.parameters(), lr=0.1)  # here\n",
        BY_FUNCTION,
    ],
    ids=["behind it", "in a branch", "made anew", "before it", "made by a function"],
)
def test_a_layer_that_is_replaced_behind_the_optimiser_has_that_line(first_line, setting):
    """Where the optimiser comes later, the layer was left out of it."""
    source = f"""
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(8, 8)
        self.out = nn.Linear(8, 4)
    def forward(self, x):
        return self.out(self.hidden(x))
net = Net()
{setting}{STEP}"""
    where = "out.weight, out.bias"
    why = f"{where}: it is not in the optimiser"
    found, wanted = first_line(source, "parameter_not_trained", where, why)
    assert found == wanted


PENALISED = """
x = torch.rand(16, 8)
net = nn.Linear(8, 8)
for step in range(3):
    hidden = net(x)
    fit = F.mse_loss(hidden, x{reduction}){fit}
    penalty = 0.5 * hidden.square().sum(1).mean(){penalty}
    loss = fit + {factor}penalty
    loss.backward()
    with torch.no_grad():
        for p in net.parameters():
            p -= 0.01 * p.grad
            p.grad = None
    seen.step(loss)
"""


@pytest.mark.parametrize(
    ("reduction", "factor", "is_first"),
    [("", "", "fit"), ("", "0.5 * ", "penalty"), (", reduction='sum'", "", "penalty")],
    ids=["averaged", "weighed", "summed, too"],
)
def test_a_criterion_that_is_averaged_beside_a_sum_comes_first(
    first_line, reduction, factor, is_first
):
    """Where it is a mean over all numbers, or the other has no weight, that is what is wrong."""
    marks = {name: "  # here" if name == is_first else "" for name in ("fit", "penalty")}
    source = PENALISED.format(reduction=reduction, factor=factor, **marks)
    found, wanted = first_line(source, "regulariser_dominates", "the loss")
    assert found == wanted
