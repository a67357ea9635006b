"""An optimiser that is made before layers are replaced: the program runs with the change."""

import json

import pytest

from core.doctor.diagnosis import Cause
from core.programs.fixes.propose import propose
from core.programs.program import read_program

NETWORK = """
import copy

import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(4, 4) for _ in range(3)])
        self.head = nn.Linear(4, 9)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x).relu()
        return self.head(x)

    def new_head(self, count):
        self.head = nn.Linear(4, count)

def replace_head(network, count):
    network.head = nn.Linear(4, count)

def train(network, optimizer):
    for _ in range(3):
        optimizer.zero_grad()
        network(torch.ones(2, 4)).sum().backward()
        optimizer.step()

net = Net()
"""
OPTIMIZER = "opt = torch.optim.Adam(net.parameters(), lr=1e-3)  # as ever\n"
HEAD_ONLY = "opt = torch.optim.Adam(net.head.parameters())\n"
LISTED = """params = [p for p in net.parameters() if p.requires_grad]
opt = torch.optim.AdamW(
    params,
    lr=1e-3,
)
"""
SCHEDULED = OPTIMIZER + "plan = torch.optim.lr_scheduler.StepLR(opt, 5)\nprint(plan)\n"
LOOP = "train(net, opt)\n"
FROZEN = "for p in net.layers.parameters():\n    p.requires_grad = False\n"
NEW = "net.head = nn.Linear(4, 3)\n"
NOT_HELD = "head.weight, head.bias: it is not in the optimiser"


def proposed(tmp_path, source, evidence=NOT_HELD):
    """Return the change to a program whose new layers the optimiser does not hold."""
    path = tmp_path / "train.py"
    path.write_text(source)
    cause = Cause("parameter_not_trained", "", "head.weight, head.bias", evidence, "", 0.9)
    return propose(read_program(path), cause)


@pytest.mark.parametrize("made", [OPTIMIZER, HEAD_ONLY, LISTED, SCHEDULED])
@pytest.mark.parametrize(
    "replaced",
    [
        NEW,
        "new = nn.Linear(4, 3)\nnet.head = new\n",
        "net.layers[2] = nn.Sequential(nn.Linear(4, 4), nn.ReLU())\nnet.head = nn.Linear(4, 3)\n",
        "for name in ['head']:\n    setattr(net, name, nn.Linear(4, 3))\n",
        "net = Net()\n",
        "net = copy.deepcopy(net)\nnet = net.to('cpu')\n",
        "net.new_head(3)\n",
        "replace_head(net, 3)\n",
        f"{FROZEN}replace_head(net, count=3)\n",
    ],
)
def test_with_the_change_the_optimiser_holds_the_new_layers(tmp_path, made, replaced):
    """Its list of parameters and its schedule come along; all else stays in its order."""
    source = f"{NETWORK}{made}{replaced}{LOOP}"
    fix = proposed(tmp_path, source)
    assert fix and sorted(fix.changed[None]) == sorted(source)
    variables = {"__name__": "program"}
    exec(compile(fix.changed[None], "train.py", "exec"), variables)
    held = {id(p) for group in variables["opt"].param_groups for p in group["params"]}
    head = {id(p) for p in variables["net"].head.parameters()}
    assert head <= held
    if made is not HEAD_ONLY:
        assert {id(p) for p in variables["net"].parameters() if p.requires_grad} <= held
    if made is SCHEDULED:
        assert variables["plan"].optimizer is variables["opt"]


def test_in_a_method_the_lines_keep_their_place(tmp_path):
    """Also where the network is an attribute."""
    source = NETWORK + (
        "class Trainer:\n"
        "    def __init__(self, net):\n"
        "        self.net = net\n"
        "        self.opt = torch.optim.SGD(\n"
        "            self.net.parameters(), lr=0.1\n"
        "        )\n"
        "        self.net.head = nn.Linear(4, 3)\n"
        "trainer = Trainer(net)\n"
        "net, opt = trainer.net, trainer.opt\n"
    )
    changed = proposed(tmp_path, source + LOOP).changed[None]
    assert changed.index("self.net.head =") < changed.index("self.opt =")
    variables = {"__name__": "program"}
    exec(compile(changed, "train.py", "exec"), variables)
    assert len(variables["opt"].param_groups[0]["params"]) == 8


def test_in_a_notebook_the_cell_of_the_layers_gets_the_optimiser(tmp_path):
    """They are often made in cells of their own."""
    path = tmp_path / "train.ipynb"
    cells = [NETWORK, OPTIMIZER.strip(), NEW.strip(), LOOP]
    made = [{"cell_type": "code", "source": cell, "outputs": []} for cell in cells]
    path.write_text(json.dumps({"cells": made, "metadata": {}, "nbformat": 4}))
    cause = Cause("parameter_not_trained", "", "head.weight", NOT_HELD, "", 0.9)
    fix = propose(read_program(path), cause)
    assert fix.changed == {2: "", 3: NEW + OPTIMIZER.strip()}


@pytest.mark.parametrize(
    "rest",
    [
        OPTIMIZER + LOOP,
        NEW + OPTIMIZER + LOOP,
        OPTIMIZER + "net = net.to('cpu')\nnet.head.requires_grad = True\n" + LOOP,
        OPTIMIZER + NEW + OPTIMIZER + LOOP,  # made anew
        OPTIMIZER + LOOP + NEW + LOOP,  # the loop before needs it where it is
        OPTIMIZER + NEW + "opt.add_param_group({'params': net.head.parameters()})\n" + LOOP,
        "lr = 1e-3\nopt = torch.optim.Adam(net.parameters(), lr)\nlr = 5\n" + NEW + LOOP,
        OPTIMIZER + "if opt:\n    opt.zero_grad()\n" + NEW + LOOP,
        "opt = torch.optim.Adam(net.parameters()); " + NEW + LOOP,
        "opt = torch.optim.Adam([torch.ones(3, requires_grad=True)])\n" + NEW + LOOP,
        HEAD_ONLY + LOOP + NEW + LOOP,  # all parameters of before would not be those either
    ],
)
def test_what_stays_is_not_moved(tmp_path, rest):
    """Rather no change than one after which the program is another."""
    assert proposed(tmp_path, NETWORK + rest) is None


def test_what_is_not_the_optimisers_is_not_moved(tmp_path):
    """Another reason for which a parameter stays has another change."""
    source = NETWORK + OPTIMIZER + NEW + LOOP
    assert proposed(tmp_path, source, "head.weight: no gradient reaches it") is None
