"""Changes that are proposed to the source of a program."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from core.doctor.diagnosis import Cause, CodeLine, Proof
from core.errors import UserError
from core.programs.fixes.propose import propose
from core.programs.program import read_program
from core.programs.source import save_changed

STEP = """
import torch
from torch import nn
import torch.nn.functional as F

model = Net()
opt = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=5)
for step in range(100):
    ix = torch.randint(0, 100, (32,))
    loss = F.cross_entropy(model(X[ix]), Y[ix])
    loss.backward()
    opt.step()
"""
BARE = """
import torch
C = torch.randn((27, 10), generator=g)
W1 = torch.randn((30, 200), generator=g) * 5
W2 = torch.zeros(200, 27)
B2 = torch.zeros(27)
parameters = [C, W1, W2]
for i in range(1000):
    emb = C[X[ix]]
    h = torch.tanh(emb.view(-1, 30) @ W1)
    logits = (h @ W2 + B2).tanh()
    loss = F.cross_entropy(logits, Y[ix])
    loss.backward()
    lr = 1e-3 if i > 500 else 0.1
    for p in parameters:
        p.data += lr * p.grad
"""
TRAINER = """
class Trainer:
    def __init__(self, config):
        self.layers = [nn.Linear(8, 8) for _ in range(3)]
        self.opt = optim.Adam(self.model.head.parameters(), config.lr)

    def fit(self):
        for xb, yb in self.loader:
            loss = self.criterion(self.model(xb), yb)
            self.scaler.scale(loss).backward()
            self.scaler.step(self.opt)

parser.add_argument("--lr", type=float, default=3.0)
"""
MICRO_BATCHES = """
for i, (xb, yb) in enumerate(loader):
    opt.zero_grad()
    loss = criterion(model(xb), yb) / 4
    loss.backward()
    if i % 4 == 3:
        opt.step()
        best = model.state_dict()
model.load_state_dict(best)
"""
DATA = """
file = np.load("digits.npz")
images = torch.tensor(file["images"]).float()  # 0 to 255
train, val = images[:900], images[900:]
y = torch.randn(1000) * 500
loader = DataLoader(TensorDataset(train, y), batch_size=8)
for xb, yb in loader:
    loss = F.mse_loss(model(xb), yb)
    opt.zero_grad(); loss.backward(); opt.step()
"""
NETWORK = """
net = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 8), nn.Sigmoid(), nn.Linear(8, 1), nn.Sigmoid())
blocks = nn.ModuleList([Block(8)] * 4)
nn.init.zeros_(net[0].weight)
probs = F.softmax(net(x), dim=-1)
x = data[:, i : i + 8]
y = data[:, i : i + 8]
loss = F.nll_loss(probs, y) + 2.0 * net[0].weight.detach().pow(2).sum()
for _ in range(5):
    loss.backward()
    opt.zero_grad()
    opt.step()
"""
VALIDATED = """
opt = torch.optim.Adam(model.parameters())
for epoch in range(3):
    for xb, yb in loader:
        loss = criterion(model(xb), yb)
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        val = criterion(model(xv), yv)
"""
SHAPES = """
loss = F.mse_loss(model(X[ix]), Y[ix])
loss = ((yb - other(xb)) ** 2).mean()
loss = nn.MSELoss()(pred, target[:, i - 1])
loss = (net(x) - f(x)).abs().mean()
"""
EVALUATED = """
y = torch.randn(40)
pred = net(x)
loss = ((pred - y) ** 2).mean()
with torch.no_grad():
    print(((net(x_new) - y_new) ** 2).mean())
    print(loss_fn(net(x_new), y_new))
    print((net(x_new).squeeze(1) - y_new).abs().mean(), (a - torch.randn(9)).mean())
    pred = net(x_new)
    print((pred - pred.mean()).abs().max(), (pred[:, 0] - y_new).abs().mean())
"""
"""Once with the outputs of the same network, once with those in another shape."""
SPLIT = (
    "view makes (2, 4, 9, 8) of (2, 9, 32), and moves no number: tokens and features are mixed"
    " among the heads"
)
IN_TRAINING = "dropout in training mode during evaluation"
STAYS_ON = """
class Net(nn.Module):
    def forward(self, x):
        x = F.dropout(F.relu(self.a(x)), self.p)
        q = self.b(x)
        y = F.scaled_dot_product_attention(q, q, q, dropout_p=self.p, is_causal=True)
        y = torch.nn.functional.dropout(y, p=0.1)
        return self.dropout(F.dropout(y, 0.1, self.training))
"""


def program_of(tmp_path, source):
    """Write a script and read it."""
    path = tmp_path / "train.py"
    path.write_text(source)
    return read_program(path)


def cause_of(program, id, at="", where="", evidence=""):
    """Return a cause that lies in the first line with such a text."""
    lines = ()
    if at:
        source = program.cells[0].source.split("\n")
        number = next(n for n, line in enumerate(source, 1) if at in line)
        lines = (CodeLine(str(program.path), None, number, source[number - 1].strip()),)
    return Cause(id, "", where, evidence, "", 0.9, lines=lines)


@pytest.mark.parametrize(
    ("proved", "factor", "rate"),
    [(True, 0.001, "lr=0.0001,"), (False, 0.001, "lr=0.01,"), (True, math.nan, "lr=0.01,")],
)
def test_the_rate_is_the_one_that_was_proved(tmp_path, proved, factor, rate):
    """Where none was, it is a tenth."""
    program = program_of(tmp_path, STEP)
    proof = Proof(proved, "a learning rate", "measured", factor=factor)
    fix = propose(program, replace(cause_of(program, "lr_too_high"), proof=proof))
    assert rate in fix.diff and fix.words.startswith(f"learning rate {rate[3:-1]} in place of")


def changes_in(diff):
    """Return the lines of a diff that go and come."""
    lines = [line for line in diff.split("\n") if line[:1] in ("-", "+")]
    return [line for line in lines if line[:3] not in ("---", "+++")]


@pytest.mark.parametrize(
    ("source", "cause", "expected"),
    [
        (STEP, {"id": "gradients_not_zeroed"}, ["+    opt.zero_grad()"]),
        (
            BARE,
            {"id": "gradients_not_zeroed"},
            ["+    for p in parameters:", "+        p.grad = None"],
        ),
        (TRAINER, {"id": "gradients_not_zeroed"}, ["+            self.opt.zero_grad()"]),
        (
            MICRO_BATCHES,
            {"id": "gradients_discarded", "at": "zero_grad"},
            ["-    opt.zero_grad()", "+        opt.zero_grad()"],
        ),
        (
            MICRO_BATCHES,
            {"id": "weights_not_copied", "at": "best ="},
            [
                "-        best = model.state_dict()",
                "+        best = {name: value.clone() for name, value in"
                " model.state_dict().items()}",
            ],
        ),
        (
            STEP,
            {"id": "lr_too_high"},
            [
                "-opt = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=5)",
                "+opt = torch.optim.SGD(model.parameters(), lr=0.01, weight_decay=5)",
            ],
        ),
        (
            BARE,
            {"id": "lr_too_low"},
            ["-    lr = 1e-3 if i > 500 else 0.1", "+    lr = 10 * (1e-3 if i > 500 else 0.1)"],
        ),
        (
            TRAINER,
            {"id": "oscillation"},
            [
                '-parser.add_argument("--lr", type=float, default=3.0)',
                '+parser.add_argument("--lr", type=float, default=1)',
            ],
        ),
        (
            BARE,
            {"id": "wrong_update_sign"},
            ["-        p.data += lr * p.grad", "+        p.data -= lr * p.grad"],
        ),
        (
            BARE,
            {"id": "parameter_not_trained", "where": "B2"},
            ["-parameters = [C, W1, W2]", "+parameters = [C, W1, W2, B2]"],
        ),
        (
            BARE,
            {"id": "wrong_loss", "at": "logits ="},
            ["-    logits = (h @ W2 + B2).tanh()", "+    logits = h @ W2 + B2"],
        ),
        (
            BARE,
            {"id": "bad_init_scale", "at": "W1 ="},
            [
                "-W1 = torch.randn((30, 200), generator=g) * 5",
                "-W2 = torch.zeros(200, 27)",
                "+W1 = torch.randn((30, 200), generator=g) * (5 / 3) / 30**0.5",
                "+W2 = torch.randn(200, 27) * (5 / 3) / 200**0.5",
            ],
        ),
        (
            "q = q.view(B, H, -1, C // H)\n",
            {"id": "dims_scrambled", "at": "q =", "evidence": SPLIT},
            [
                "-q = q.view(B, H, -1, C // H)",
                "+q = q.view(B, -1, H, C // H).transpose(1, 2)",
            ],
        ),
        (
            "y = out((att @ v).view(B, L, C))\n",
            {"id": "dims_scrambled", "at": "y =", "evidence": SPLIT},
            [
                "-y = out((att @ v).view(B, L, C))",
                "+y = out((att @ v).transpose(1, 2).reshape(B, L, C))",
            ],
        ),
        (
            "W = torch.zeros(9, 3)\nlogits = x @ W\n",
            {"id": "symmetric_init", "at": "W ="},
            ["-W = torch.zeros(9, 3)", "+W = torch.randn(9, 3) * 0.1 / 9**0.5"],
        ),
        (
            TRAINER,
            {"id": "parameter_not_trained"},
            [
                "-        self.layers = [nn.Linear(8, 8) for _ in range(3)]",
                "+        self.layers = nn.ModuleList([nn.Linear(8, 8) for _ in range(3)])",
            ],
        ),
        (
            STEP,
            {"id": "exploding_gradient"},
            ["+    torch.nn.utils.clip_grad_norm_(model.parameters(), 1)"],
        ),
        (
            STEP,
            {"id": "regulariser_dominates"},
            [
                "-opt = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=5)",
                "+opt = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=0.05)",
            ],
        ),
        (
            DATA,
            {"id": "inputs_not_normalised"},
            ["+images = (images - images.mean()) / images.std()"],
        ),
        (DATA, {"id": "targets_unscaled"}, ["+y = (y - y.mean()) / y.std()"]),
        (
            DATA,
            {"id": "not_shuffled"},
            [
                "-loader = DataLoader(TensorDataset(train, y), batch_size=8)",
                "+loader = DataLoader(TensorDataset(train, y), batch_size=8, shuffle=True)",
            ],
        ),
        (
            NETWORK,
            {"id": "double_softmax", "at": "net ="},
            [
                f"-{NETWORK.splitlines()[1]}",
                "+net = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 8), nn.Sigmoid(),"
                " nn.Linear(8, 1))",
            ],
        ),
        (
            NETWORK,
            {"id": "wrong_loss", "at": "probs ="},
            ["-probs = F.softmax(net(x), dim=-1)", "+probs = F.log_softmax(net(x), dim=-1)"],
        ),
        (
            NETWORK,
            {"id": "no_nonlinearity"},
            [
                f"-{NETWORK.splitlines()[1]}",
                "+net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.Sigmoid(),"
                " nn.Linear(8, 1), nn.Sigmoid())",
            ],
        ),
        (
            NETWORK,
            {"id": "vanishing_gradient"},
            [
                f"-{NETWORK.splitlines()[1]}",
                "+net = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 8), nn.ReLU(),"
                " nn.Linear(8, 1), nn.Sigmoid())",
            ],
        ),
        (
            NETWORK,
            {"id": "layer_repeated"},
            [
                "-blocks = nn.ModuleList([Block(8)] * 4)",
                "+blocks = nn.ModuleList([Block(8) for _ in range(4)])",
            ],
        ),
        (
            NETWORK,
            {"id": "symmetric_init"},
            [
                "-nn.init.zeros_(net[0].weight)",
                "+nn.init.kaiming_normal_(net[0].weight)",
            ],
        ),
        (
            NETWORK,
            {"id": "future_leak", "at": "y ="},
            ["-y = data[:, i : i + 8]", "+y = data[:, i + 1 : i + 8 + 1]"],
        ),
        (
            NETWORK,
            {"id": "detached_regulariser", "at": "loss ="},
            [
                "-loss = F.nll_loss(probs, y) + 2.0 * net[0].weight.detach().pow(2).sum()",
                "+loss = F.nll_loss(probs, y) + 2.0 * net[0].weight.pow(2).sum()",
            ],
        ),
        (
            "for t in range(8):\n    h, c = cell(x[t], (h.detach(), c.data))\n",
            {"id": "state_detached", "at": "cell"},
            [
                "-    h, c = cell(x[t], (h.detach(), c.data))",
                "+    h, c = cell(x[t], (h, c))",
            ],
        ),
        (
            NETWORK,
            {"id": "parameter_not_trained"},
            ["+    opt.zero_grad()", "-    opt.zero_grad()"],
        ),
        (
            VALIDATED,
            {"id": "train_eval_mismatch", "evidence": IN_TRAINING},
            ["+    model.eval()", "+    model.train()"],
        ),
        (
            "def read(file):\n    best.net.load_state_dict(torch.load(file))\n    return best\n",
            {"id": "train_eval_mismatch", "at": "best.net", "evidence": "a in training mode"},
            ["+    best.net.eval()"],
        ),
        (
            STAYS_ON,
            {"id": "train_eval_mismatch", "evidence": "dropout stays on in eval mode"},
            [
                "-        x = F.dropout(F.relu(self.a(x)), self.p)",
                "+        x = F.dropout(F.relu(self.a(x)), self.p, training=self.training)",
                "-        y = F.scaled_dot_product_attention(q, q, q, dropout_p=self.p,"
                " is_causal=True)",
                "-        y = torch.nn.functional.dropout(y, p=0.1)",
                "+        y = F.scaled_dot_product_attention(q, q, q, dropout_p=self.p"
                " if self.training else 0.0, is_causal=True)",
                "+        y = torch.nn.functional.dropout(y, p=0.1, training=self.training)",
            ],
        ),
        (
            EVALUATED,
            {"id": "loss_broadcast", "at": "pred - y"},
            [
                "-loss = ((pred - y) ** 2).mean()",
                "+loss = ((pred.reshape_as(y) - y) ** 2).mean()",
                "-    print(((net(x_new) - y_new) ** 2).mean())",
                "-    print(loss_fn(net(x_new), y_new))",
                "+    print(((net(x_new).reshape_as(y_new) - y_new) ** 2).mean())",
                "+    print(loss_fn(net(x_new).reshape_as(y_new), y_new))",
            ],
        ),
        (
            SHAPES,
            {"id": "loss_broadcast", "at": "F.mse_loss"},
            [
                "-loss = F.mse_loss(model(X[ix]), Y[ix])",
                "+loss = F.mse_loss(model(X[ix]).reshape_as(Y[ix]), Y[ix])",
            ],
        ),
        (
            SHAPES,
            {"id": "loss_broadcast", "at": "yb - "},
            [
                "-loss = ((yb - other(xb)) ** 2).mean()",
                "+loss = ((yb - other(xb).reshape_as(yb)) ** 2).mean()",
            ],
        ),
        (
            SHAPES,
            {"id": "loss_broadcast", "at": "MSELoss"},
            [
                "-loss = nn.MSELoss()(pred, target[:, i - 1])",
                "+loss = nn.MSELoss()(pred.reshape_as(target[:, i - 1]), target[:, i - 1])",
            ],
        ),
        (
            "loss = F.cross_entropy(\n    a,\n    b,\n)\nother = F.cross_entropy(c, d)\n",
            {
                "id": "padding_in_loss",
                "at": "loss",
                "evidence": "82% of the targets are 0, behind the end of what is read",
            },
            [
                "-loss = F.cross_entropy(",
                "-    a,",
                "-    b,",
                "-)",
                "+loss = F.cross_entropy(a, b, ignore_index=0)",
            ],
        ),
        (
            "for i in r:\n    x = data[i : i + 8]\n    x += noise(x)\n    x[mask] = 0\n",
            {"id": "data_overwritten", "at": "x += "},
            ["+    x = x.clone()"],
        ),
        (
            "def __getitem__(self, n):\n    return row.sub_(mean).div_(std), self.y[n]\n",
            {"id": "data_overwritten", "at": "return"},
            ["+    row = row.clone()"],
        ),
        (
            "for i in r:\n    x = data[i : i + 8]\n    x[mask] = 0\n",
            {"id": "data_overwritten", "at": "x[mask]"},
            ["+    x = x.clone()"],
        ),
        (
            "scaler.scale(loss).backward()\nclip_grad_norm_(net.parameters(), 1)\n"
            "scaler.step(opt)\nscaler.update()\n",
            {"id": "clipping_too_strong", "evidence": "... so that unscale_() comes first"},
            ["+scaler.unscale_(opt)"],
        ),
        (
            "for r in rewards:\n    total = r + gamma * total\n    sums.append(total)\n",
            {"id": "returns_of_the_past", "at": "for r"},
            [
                "-for r in rewards:",
                "+for r in reversed(rewards):",
                "-    sums.append(total)",
                "+    sums.insert(0, total)",
            ],
        ),
        (
            "for r in reversed(rewards):\n    total = r + gamma * total\n    sums.append(total)\n",
            {"id": "returns_of_the_past", "at": "sums"},
            ["-    sums.append(total)", "+    sums.insert(0, total)"],
        ),
        (
            "loss = F.mse_loss(net(x[t]), y[t - k])\n",
            {"id": "loss_broadcast", "at": "loss"},
            [
                "-loss = F.mse_loss(net(x[t]), y[t - k])",
                "+loss = F.mse_loss(net(x[t]).reshape_as(y[t - k]), y[t - k])",
            ],
        ),
    ],
)
def test_the_change_is_the_smallest_that_the_advice_names(tmp_path, source, cause, expected):
    """Whatever way the program is written in."""
    program = program_of(tmp_path, source)
    fix = propose(program, cause_of(program, **cause))
    assert fix and changes_in(fix.diff) == expected, fix and fix.diff
    assert fix.words and program.path.read_text() == source


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("x = 1\n", {"id": "gradients_not_zeroed"}),
        ("x = 1\n", {"id": "lr_too_high"}),
        (STEP, {"id": "crash", "at": "loss ="}),
        (STEP, {"id": "double_softmax", "at": "loss ="}),
        (STEP, {"id": "inputs_not_normalised"}),
        (VALIDATED, {"id": "train_eval_mismatch", "evidence": "missing in inference: bias"}),
        (SHAPES, {"id": "loss_broadcast", "at": "f(x)"}),
        ("self.x[i] += noise\n", {"id": "data_overwritten", "at": "self"}),
        ("clip_grad_norm_(p, 1)\no.step()\n", {"id": "clipping_too_strong", "evidence": "0.01"}),
        (
            "a = nn.CrossEntropyLoss()\nb = nn.CrossEntropyLoss()\nloss = a(x, y)\n",
            {"id": "padding_in_loss", "at": "a(x", "evidence": "82% of the targets are 0, behind"},
        ),
        (
            "x = x.view(B, C, L)\n",
            {"id": "dims_scrambled", "at": "x =", "evidence": "view makes (32, 8, 4)"},
        ),
        *(
            (code, {"id": "dims_scrambled", "at": "q", "evidence": SPLIT})
            for code in (
                "q = q.view(*sizes)\n",
                "q, k = q.view(B, H, L, D), k.view(B, H, L, D)\n",
                "q = torch.reshape(q, (B, H, L, D))\n",
            )
        ),
        (
            "q = q.view(B * H, L, D)\n",
            {"id": "dims_scrambled", "at": "q", "evidence": SPLIT.replace("2, 4,", "8,")},
        ),
        (
            "loss = (y * d**2 + (1 - y) * F.relu(1 - d) ** 2).mean()\n",
            {"id": "wrong_loss", "at": "loss", "evidence": "label 0, which it pulls together"},
        ),
    ],
)
def test_nothing_is_proposed_where_the_source_is_not_understood(tmp_path, source, cause):
    """Rather none than a wrong one."""
    program = program_of(tmp_path, source)
    assert propose(program, cause_of(program, **cause)) is None


def test_several_statements_in_a_line_stay_in_it(tmp_path):
    """Letters beyond ASCII before them count as one each."""
    program = program_of(tmp_path, "for ß in r:\n    s = 'ü'; loss.backward(); opt.step()\n")
    fix = propose(program, cause_of(program, "gradients_not_zeroed"))
    line = "+    s = 'ü'; opt.zero_grad(); loss.backward(); opt.step()"
    assert line in changes_in(fix.diff)


def test_a_changed_notebook_keeps_its_magics_and_all_else(tmp_path):
    """The file itself is never overwritten."""
    path = tmp_path / "mine.ipynb"
    cells = [
        {"cell_type": "markdown", "source": "# Words"},
        {
            "cell_type": "code",
            "source": [
                "!pip install x\n",
                "for i in r:\n",
                "    loss.backward()\n",
                "    o.step()",
            ],
            "outputs": [{"text": "old"}],
        },
    ]
    path.write_text(json.dumps({"cells": cells, "metadata": {"mine": 1}, "nbformat": 4}))
    program = read_program(path)
    fix = propose(program, cause_of(program, "gradients_not_zeroed"))
    assert "mine.ipynb, cell 2" in fix.diff and "!pip install x" in fix.diff
    copy = tmp_path / "copy.ipynb"
    save_changed(program, fix.changed, copy)
    saved = json.loads(copy.read_text())
    assert saved["metadata"] == {"mine": 1} and saved["cells"][0] == cells[0]
    assert saved["cells"][1]["outputs"] == [{"text": "old"}]
    source = "!pip install x\nfor i in r:\n    o.zero_grad()\n    loss.backward()\n    o.step()"
    assert "".join(saved["cells"][1]["source"]) == source
    with pytest.raises(UserError, match="not overwritten"):
        save_changed(program, fix.changed, path)
    with pytest.raises(UserError, match=r"has to end with \.ipynb"):
        save_changed(program, fix.changed, tmp_path / "copy.py")
    path.unlink()
    with pytest.raises(UserError, match="can't be read any more"):
        save_changed(program, fix.changed, copy)


def test_a_changed_script_keeps_its_encoding_and_line_ends(tmp_path):
    """As its first line names it."""
    path = Path(tmp_path / "old.py")
    source = "# coding: latin-1\r\n# ü\r\nfor i in r:\r\n    l.backward()\r\n    o.step()\r\n"
    path.write_bytes(source.encode("latin-1"))
    program = read_program(path)
    fix = propose(program, cause_of(program, "gradients_not_zeroed"))
    save_changed(program, fix.changed, tmp_path / "new.py")
    written = (tmp_path / "new.py").read_bytes().decode("latin-1")
    assert written == source.replace("    l.b", "    o.zero_grad()\r\n    l.b")
