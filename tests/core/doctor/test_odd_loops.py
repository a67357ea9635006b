"""Loops with a fault in step, data or use: its cause stands first; as meant, there is none."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Subset, TensorDataset, random_split

from core import watch

ROWS, WIDE = 16, 16


def train(make_loss, modules, steps=60, budget=3.0, optimizer=None, **acts):
    """Train for some steps, and return the diagnosis.

    Args:
        make_loss: a function of the step.
        modules: what is trained.
        steps: how many.
        budget: seconds for experiments.
        optimizer: in the place of Adam.
        acts: functions that are called ``before`` and ``after`` an update, and to ``use`` it.
    """
    optimizer = optimizer or torch.optim.Adam(nn.ModuleList(modules).parameters(), lr=3e-3)
    with watch(*modules, optimizer, quiet=True, record=False, budget=budget) as seen:
        for step in range(steps):
            loss = make_loss(step)
            optimizer.zero_grad()
            loss.backward()
            acts.get("before", lambda: None)()
            optimizer.step()
            seen.step(loss)
            acts.get("after", lambda: None)()
    if "use" in acts:
        with seen.using(), torch.no_grad():
            acts["use"]()
    return seen.diagnosis


def first(diagnosis):
    """The first cause; ""."""
    return diagnosis.causes[0].id if diagnosis.causes else ""


@pytest.fixture(autouse=True)
def seeded():
    """The same numbers each time."""
    torch.manual_seed(0)


def quantities(count=400):
    """Return rows, and a number that depends on each."""
    x = torch.randn(count, 8)
    return x, x[:, :1].sin() + x[:, 1:2]


class Swish(torch.autograd.Function):
    """A function whose backward is right."""

    @staticmethod
    def forward(ctx, x, sharpness):
        """Return ``x * sigmoid(sharpness * x)``."""
        ctx.save_for_backward(x)
        ctx.sharpness = sharpness
        return x * (sharpness * x).sigmoid()

    @staticmethod
    def backward(ctx, gradient):
        """Return the gradient times the derivative."""
        (x,) = ctx.saved_tensors
        share = (ctx.sharpness * x).sigmoid()
        return gradient * (share + ctx.sharpness * x * share * (1 - share)), None


class HalfSwish(Swish):
    """One term of its derivative is forgotten."""

    @staticmethod
    def backward(ctx, gradient):
        """Return a part of it."""
        (x,) = ctx.saved_tensors
        return gradient * (ctx.sharpness * x).sigmoid() * 0.5, None


class Rounded(Swish):
    """A straight-through estimator: its forward is flat, and its backward is not."""

    @staticmethod
    def forward(ctx, x, sharpness):
        """Return whole numbers."""
        return (4 * x).round() / 4

    @staticmethod
    def backward(ctx, gradient):
        """Hand on what comes in."""
        return gradient, None


class Ternary(Rounded):
    """One whose levels depend on all numbers, so that its forward is not flat."""

    @staticmethod
    def forward(ctx, x, sharpness):
        """Return -a, 0 and a."""
        kept = x.abs() > 0.7 * x.abs().mean()
        return x.abs()[kept].mean() * kept * x.sign()


class HandedOn(Swish):
    """Another that hands on what comes in, of a forward that is smooth."""

    @staticmethod
    def backward(ctx, gradient):
        """Return it as it is."""
        return gradient, None


class Reversed(Rounded):
    """A gradient that is reversed, as for an adversary."""

    @staticmethod
    def forward(ctx, x, sharpness):
        """Return the input."""
        return x.view_as(x)

    @staticmethod
    def backward(ctx, gradient):
        """Return it with the other sign."""
        return -0.1 * gradient, None


@pytest.mark.parametrize("function", [Swish, HalfSwish, Rounded, Ternary, HandedOn, Reversed])
def test_own_functions(function):
    """Only a derivative that is wrong is one; to hand on another gradient may be meant."""
    x, y = quantities()
    one, two = nn.Linear(8, WIDE), nn.Linear(WIDE, 1)

    def loss(step):
        i = torch.randint(0, len(x), (ROWS,))
        return F.mse_loss(two(function.apply(one(x[i]).tanh(), 1.5)), y[i])

    diagnosis = train(loss, [one, two])
    assert (first(diagnosis) == "wrong_backward") is (function in (HalfSwish, HandedOn)), (
        diagnosis.text()
    )
    applied = torch.autograd.Function.__dict__["apply"]
    assert type(applied).__name__ == "classmethod_descriptor"  # as torch has it


@pytest.mark.parametrize("cause", ["weights_restored", ""])
def test_weights_that_are_loaded_back(cause):
    """Behind every step, or never."""
    x, y = quantities()
    net = nn.Sequential(nn.Linear(8, WIDE), nn.Tanh(), nn.Linear(WIDE, 1))
    best = copy.deepcopy(net.state_dict())

    def loss(step):
        i = torch.randint(0, len(x), (ROWS,))
        return F.mse_loss(net(x[i]), y[i])

    restore = (lambda: net.load_state_dict(best)) if cause else lambda: None
    assert first(train(loss, [net], budget=0.0, after=restore)) == cause


def drawn(seed):
    """A batch of a generator that begins with a seed."""
    x = torch.randn(ROWS, 8, generator=torch.Generator().manual_seed(seed))
    return x, x[:, :1].sin()


def computed(seed):
    """A batch of numbers that are no tensors."""
    x = np.random.default_rng(seed).normal(size=(ROWS, 8))
    return torch.tensor(x).float(), torch.tensor(np.sin(x[:, :1])).float()


@pytest.mark.parametrize("draw", [drawn, computed])
@pytest.mark.parametrize("cause", ["batch_repeated", ""])
def test_a_batch_of_a_generator_that_is_seeded_in_each_step(draw, cause):
    """It is the same one each time."""
    net = nn.Sequential(nn.Linear(8, WIDE), nn.Tanh(), nn.Linear(WIDE, 1))

    def loss(step):
        x, y = draw(1 if cause else step)
        return F.mse_loss(net(x), y)

    assert first(train(loss, [net], 100, 0.0)) == cause


def literals():
    """All of a truth table."""
    rows = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    return rows, torch.tensor([[0.0], [1.0], [1.0], [0.0]])


def with_noise_of_no_size():
    """All of it, with noise that is turned off."""
    rows, labels = literals()
    return rows + 0.0 * torch.randn(4, 2), labels


@pytest.mark.parametrize("made", [literals, with_noise_of_no_size])
def test_all_data_may_be_made_in_each_step(made):
    """A generator that is seeded once does not make a batch the same."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, WIDE), nn.Tanh(), nn.Linear(WIDE, 1))

    def loss(step):
        x, y = made()
        return F.binary_cross_entropy_with_logits(net(x), y)

    assert first(train(loss, [net], 100, 0.0)) != "batch_repeated"


def test_all_data_may_become_tensors_in_each_step():
    """The same batch each time is all that there is."""
    x = np.random.default_rng(0).normal(size=(ROWS, 8))
    y = np.sin(x[:, :1])
    net = nn.Sequential(nn.Linear(8, WIDE), nn.Tanh(), nn.Linear(WIDE, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for _ in range(100):
            loss = F.mse_loss(net(torch.tensor(x).float()), torch.tensor(y).float())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    assert first(seen.diagnosis) != "batch_repeated"


@pytest.mark.parametrize("batch_first", [False, True])
def test_a_transformer_that_takes_the_batch_for_time(batch_first):
    """Its tokens and single labels are picked one by one, as a loader does it."""
    tokens, labels = torch.randint(0, 9, (300, 6)), (torch.arange(300) % 2).float()
    embed, out = nn.Embedding(9, WIDE), nn.Linear(WIDE, 1)
    mix = nn.TransformerEncoderLayer(WIDE, 2, WIDE, dropout=0.0, batch_first=batch_first)

    def loss(step):
        rows = torch.randint(0, 300, (16,)).tolist()
        x, y = (torch.stack([part[row] for row in rows]) for part in (tokens, labels))
        scores = out(mix(embed(x)).mean(1))[:, 0]
        return F.binary_cross_entropy_with_logits(scores, y)

    found = [cause.id for cause in train(loss, [embed, mix, out], 40).causes]
    assert ("batch_mixed" in found) is not batch_first, found


@pytest.mark.parametrize("mixed", [False, True])
def test_a_batch_norm_of_few_examples_is_no_leak(mixed):
    """Each moves the statistics by a tenth; what is mixed besides shows all the same."""
    x, y = quantities()
    net = nn.Sequential(
        *(nn.Linear(8, WIDE), nn.BatchNorm1d(WIDE), nn.ReLU()),
        *(nn.Linear(WIDE, WIDE), nn.BatchNorm1d(WIDE), nn.ReLU(), nn.Linear(WIDE, 1)),
    )

    def loss(step):
        i = torch.randint(0, len(x), (6,))
        out = net(x[i])
        return F.mse_loss(0.5 * (out + out.roll(1, 0)) if mixed else out, y[i])

    found = [cause.id for cause in train(loss, [net], 120).causes]
    assert ("batch_mixed" in found) is mixed, found


@pytest.mark.parametrize(("cause", "norm"), [("clipping_too_strong", 1e-6), ("", 1.0)])
def test_clipping(cause, norm):
    """To next to nothing, or as usual."""
    x, y = quantities()
    net = nn.Sequential(nn.Linear(8, WIDE), nn.Tanh(), nn.Linear(WIDE, 1))

    def loss(step):
        i = torch.randint(0, len(x), (ROWS,))
        return F.mse_loss(net(x[i]), y[i])

    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    clip = lambda: nn.utils.clip_grad_norm_(net.parameters(), norm)  # noqa: E731
    diagnosis = train(loss, [net], 120, 0.0, optimizer, before=clip)
    assert first(diagnosis) == cause, diagnosis.text()


@pytest.mark.parametrize("cause", ["clipping_too_strong", ""])
def test_clipping_of_scaled_gradients(cause):
    """They are as large as the scale until they are unscaled."""
    x, y = quantities()
    net = nn.Sequential(nn.Linear(8, WIDE), nn.Tanh(), nn.Linear(WIDE, 1))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu")
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for _ in range(120):
            i = torch.randint(0, len(x), (ROWS,))
            loss = F.mse_loss(net(x[i]), y[i])
            optimizer.zero_grad()
            scaler.scale(loss).backward()
            if not cause:
                scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            scaler.step(optimizer)
            scaler.update()
            seen.step(loss)
    assert first(seen.diagnosis) == cause, seen.diagnosis.text()
    assert not cause or "unscale_" in seen.diagnosis.causes[0].evidence


@pytest.mark.parametrize(("cause", "length"), [("warmup_too_long", 1e6), ("", 20)])
def test_a_warm_up(cause, length):
    """Of a million steps, or of twenty."""
    x, y = quantities()
    net = nn.Sequential(nn.Linear(8, WIDE), nn.Tanh(), nn.Linear(WIDE, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    climb = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda n: min(1.0, (n + 1) / length))

    def loss(step):
        i = torch.randint(0, len(x), (ROWS,))
        return F.mse_loss(net(x[i]), y[i])

    assert first(train(loss, [net], 200, 0.0, optimizer, after=climb.step)) == cause


@pytest.mark.parametrize(
    ("cause", "every", "planned"), [("warmup_too_long", 20, 200), ("", 1, 200), ("", 20, 60)]
)
def test_one_cycle_of_all_steps(cause, every, planned):
    """Given a step in each epoch of twenty, it does not come out of its warm-up.

    One of epochs may be watched in the first of them only.
    """
    x, y = quantities()
    net = nn.Sequential(nn.Linear(8, WIDE), nn.Tanh(), nn.Linear(WIDE, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1e-2, total_steps=planned)
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for step in range(200):
            i = torch.randint(0, len(x), (ROWS,))
            loss = F.mse_loss(net(x[i]), y[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step % every == every - 1:
                cycle.step()
            seen.step(loss)
    found = {one.id for one in seen.diagnosis.causes}
    assert found & {"warmup_too_long"} == ({cause} - {""}), seen.diagnosis.text()


@pytest.mark.parametrize("cause", ["batch_repeated", ""])
def test_a_batch_of_a_loader_that_is_drawn_once(cause):
    """Its loader has many more examples."""
    loader = DataLoader(TensorDataset(*quantities()), batch_size=ROWS, shuffle=True)
    batch = next(iter(loader))
    net = nn.Sequential(nn.Linear(8, WIDE), nn.Tanh(), nn.Linear(WIDE, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for _ in range(40):
            x, y = batch if cause else next(iter(loader))
            loss = F.mse_loss(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    assert first(seen.diagnosis) == cause


def test_the_batches_of_a_loaders_workers_are_inputs():
    """They come as tensors that torch makes anew, in the step that is observed."""
    loader = DataLoader(TensorDataset(*quantities(96)), ROWS, num_workers=1)
    net = nn.Sequential(nn.Linear(8, WIDE), nn.Tanh(), nn.Linear(WIDE, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for _ in range(4):
            for x, y in loader:
                loss = F.mse_loss(net(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
    assert seen.diagnosis.training_kind == "regression"
    passed = {check.id: check.passed for check in seen.diagnosis.checks}
    assert passed["inputs_not_normalised"] is True, passed


def test_all_examples_in_each_step_are_no_batch_that_is_repeated():
    """Nothing else is there to be drawn."""
    x, y = quantities()
    net = nn.Sequential(nn.Linear(8, WIDE), nn.Tanh(), nn.Linear(WIDE, 1))
    assert first(train(lambda step: F.mse_loss(net(x), y), [net], 40, 0.0)) == ""


@pytest.mark.parametrize("cause", ["data_overlap", ""])
def test_a_validation_loader_of_the_training_data(cause):
    """The same examples behind two loaders."""
    data = TensorDataset(*quantities())
    train_loader = DataLoader(Subset(data, range(300)), batch_size=50, shuffle=True)
    val_loader = DataLoader(Subset(data, range(200 if cause else 300, 400)), batch_size=100)
    net = nn.Sequential(nn.Linear(8, WIDE), nn.Tanh(), nn.Linear(WIDE, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for _ in range(8):
            for x, y in train_loader:
                loss = F.mse_loss(net(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
            with torch.no_grad():
                seen.validate(sum(F.mse_loss(net(x), y) for x, y in val_loader) / len(val_loader))
    assert first(seen.diagnosis) == cause


@pytest.mark.parametrize("cause", ["data_overlap", ""])
def test_a_validation_data_set_of_the_rows_that_are_trained_on(cause):
    """Two data sets, of two slices of a tensor."""
    x, y = quantities()
    train_loader = DataLoader(TensorDataset(x[:300], y[:300]), batch_size=50, shuffle=True)
    rows = slice(0, 300) if cause else slice(300, 400)
    val_loader = DataLoader(TensorDataset(x[rows], y[rows]), batch_size=100)
    net = nn.Sequential(nn.Linear(8, WIDE), nn.Tanh(), nn.Linear(WIDE, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for _ in range(8):
            for inputs, aims in train_loader:
                loss = F.mse_loss(net(inputs), aims)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
            with torch.no_grad():
                seen.validate(sum(F.mse_loss(net(x), y) for x, y in val_loader) / len(val_loader))
    assert first(seen.diagnosis) == cause


@pytest.mark.parametrize(("end", "cause"), [(400, "data_overlap"), (360, "")])
def test_validation_rows_are_a_slice_of_what_batches_are_drawn_from(end, cause):
    """By their places, of which the last ones are drawn or not: both are rows of one tensor."""
    x, y = quantities()
    x_val, y_val = x[360:], y[360:]
    net = nn.Sequential(nn.Linear(8, WIDE), nn.Tanh(), nn.Linear(WIDE, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for _ in range(12):
            for places in torch.randperm(end).split(20):
                loss = F.mse_loss(net(x[places]), y[places])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
            with torch.no_grad():
                seen.validate(F.mse_loss(net(x_val), y_val))
    assert first(seen.diagnosis) == cause


@pytest.mark.parametrize(("end", "cause"), [(2000, "data_overlap"), (1500, "")])
def test_validation_tokens_are_a_slice_of_what_batches_are_drawn_from(end, cause):
    """In a tensor of one dimension: only its places tell whether they are drawn."""
    tokens = torch.arange(2001) * torch.randint(1, 3, (2001,)) % 12
    x, y = tokens[:-1], tokens[1:]
    x_val, y_val = x[1500:], y[1500:]
    table = nn.Embedding(12, 12)
    optimizer = torch.optim.Adam(table.parameters(), lr=3e-2)
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for _ in range(60):
            i = torch.randint(0, end, (64,))
            loss = F.cross_entropy(table(x[i]), y[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    with torch.no_grad():
        seen.validate(F.cross_entropy(table(x_val), y_val))
    assert first(seen.diagnosis) == cause


@pytest.mark.parametrize("cause", ["data_overlap", ""])
def test_validation_rows_beside_a_loader_of_a_subset(cause):
    """What is drawn is the subset, though its rows lie in a tensor that has all."""
    x, y = quantities()
    loader = DataLoader(Subset(TensorDataset(x, y), range(300)), batch_size=50, shuffle=True)
    x_test, y_test = x[200 if cause else 300 :], y[200 if cause else 300 :]
    net = nn.Sequential(nn.Linear(8, WIDE), nn.Tanh(), nn.Linear(WIDE, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for _ in range(8):
            for rows, aims in loader:
                loss = F.mse_loss(net(rows), aims)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
            with torch.no_grad():
                seen.validate(F.mse_loss(net(x_test), y_test))
    assert first(seen.diagnosis) == cause


@pytest.mark.parametrize("cause", ["data_overlap", ""])
@pytest.mark.parametrize("named", [True, False])
def test_a_part_beside_loaders_that_no_name_tells_apart(cause, named):
    """As of rows that are split at random, after some of them were doubled, or not."""
    x, y = (torch.cat([t, t]) if cause else t for t in quantities())
    train_set, test_set = random_split(TensorDataset(x, y), (len(x) - 80, 80))
    made = [DataLoader(part, batch_size=50, shuffle=True) for part in (train_set, test_set)]
    if named:
        dl, vl = made
    net = nn.Sequential(nn.Linear(8, WIDE), nn.Tanh(), nn.Linear(WIDE, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for _ in range(8):
            for rows, aims in dl if named else made[0]:
                loss = F.mse_loss(net(rows), aims)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
    assert first(seen.diagnosis) == cause and len(test_set)
    assert not named or len(vl) == 2


@pytest.mark.parametrize("averaged", [True, False])
@pytest.mark.parametrize("alike", [True, False])
def test_replicas(averaged, alike):
    """Two networks that begin alike; others may well go ways of their own."""
    x, y = quantities()
    a = nn.Sequential(nn.Linear(8, WIDE), nn.Tanh(), nn.Linear(WIDE, 1))
    b = copy.deepcopy(a)
    if not alike:
        nn.init.normal_(b[0].weight)
    optimizers = [torch.optim.SGD(net.parameters(), lr=0.1) for net in (a, b)]
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for _ in range(40):
            i, k = torch.randint(0, len(x), (2, ROWS))
            loss = F.mse_loss(a(x[i]), y[i]) + F.mse_loss(b(x[k]), y[k])
            for optimizer in optimizers:
                optimizer.zero_grad()
            loss.backward()
            if averaged:
                for p, q in zip(a.parameters(), b.parameters(), strict=True):
                    p.grad = q.grad = (p.grad + q.grad) / 2
            for optimizer in optimizers:
                optimizer.step()
            seen.step(loss)
    causes = {cause.id for cause in seen.diagnosis.causes}
    assert ("replicas_drift" in causes) is (alike and not averaged), seen.diagnosis.text()


class Reader(nn.Module):
    """Causal attention over tokens, with a cache for one token at a time."""

    def __init__(self, positions=True):
        super().__init__()
        self.token, self.place = nn.Embedding(9, WIDE), nn.Embedding(24, WIDE)
        self.query, self.key = nn.Linear(WIDE, WIDE), nn.Linear(WIDE, WIDE)
        self.value, self.out = nn.Linear(WIDE, WIDE), nn.Linear(WIDE, 9)
        self.positions, self.cache = positions, None

    def forward(self, ids, start=0, cached=False):
        """Return scores of the next token at each position."""
        places = torch.arange(start, start + ids.shape[1])
        x = self.token(ids) + (self.place(places) if self.positions else 0)
        q, k, v = self.query(x), self.key(x), self.value(x)
        if cached:
            if self.cache is not None:
                k, v = torch.cat([self.cache[0], k], 1), torch.cat([self.cache[1], v], 1)
            self.cache = k, v
        scores = q @ k.transpose(1, 2) / WIDE**0.5
        seen = torch.ones(scores.shape[1:], dtype=torch.bool).tril(k.shape[1] - q.shape[1])
        return self.out(x + scores.masked_fill(~seen, -math.inf).softmax(-1) @ v)


def repeated_words():
    """Return rows of tokens that come again after four places."""
    return torch.randint(0, 9, (300, 4)).repeat(1, 4)


@pytest.mark.parametrize("cause", ["positions_missing", ""])
def test_attention_without_positions(cause):
    """The last token alone says nothing of which of the earlier ones comes next."""
    rows, net = repeated_words(), Reader(positions=not cause)
    rows[:, 4:] = (rows[:, :1] + rows[:, 3:-1].cumsum(1)) % 9

    def loss(step):
        x = rows[torch.randint(0, 300, (ROWS,))]
        return F.cross_entropy(net(x[:, :-1]).flatten(0, 1), x[:, 1:].flatten())

    if cause:
        del net.place
    causes = [found.id for found in train(loss, [net]).causes]
    assert ("positions_missing" in causes) is bool(cause), causes


@pytest.mark.parametrize("cause", ["stale_cache", ""])
def test_a_cache_of_the_prompt_before(cause):
    """It has to be emptied for each prompt; in use, it is no fault."""
    rows, net = repeated_words(), Reader()

    def loss(step):
        x = rows[torch.randint(0, 300, (ROWS,))]
        return F.cross_entropy(net(x[:, :-1]).flatten(0, 1), x[:, 1:].flatten())

    def write():
        for prompt in range(2):
            if not cause or prompt == 0:
                net.cache = None
            token = torch.zeros(1, 1, dtype=torch.long)
            for place in range(10):
                token = net(token, place, cached=True)[:, -1].argmax(-1, keepdim=True)

    assert first(train(loss, [net], budget=0.0, use=write)) == cause


@pytest.mark.parametrize("cause", ["residual_missing", ""])
def test_blocks_without_residuals(cause):
    """Two self-attentions, one behind the other."""
    rows = repeated_words()
    token, place, out = nn.Embedding(9, WIDE), nn.Embedding(16, WIDE), nn.Linear(WIDE, 9)
    blocks = nn.ModuleList(nn.MultiheadAttention(WIDE, 2, batch_first=True) for _ in range(2))

    def loss(step):
        x = rows[torch.randint(0, 300, (ROWS,))]
        h = token(x[:, :-1]) + place.weight[:15]
        mask = torch.ones(15, 15, dtype=torch.bool).triu(1)
        for block in blocks:
            made = block(h, h, h, attn_mask=mask, need_weights=False)[0]
            h = made if cause else h + made
        return F.cross_entropy(out(h).flatten(0, 1), x[:, 1:].flatten())

    assert first(train(loss, [token, place, out, blocks], budget=0.0)) == cause


@pytest.mark.parametrize("cause", ["normalisation_missing", ""])
def test_a_deep_residual_network(cause):
    """Eight branches that double the signal, normalised or not."""
    x, y = torch.randn(400, WIDE), torch.arange(400) % 3
    x[:, 0] += y
    branches = nn.ModuleList(nn.Linear(WIDE, WIDE) for _ in range(8))
    for branch in branches:
        nn.init.normal_(branch.weight, std=2 * WIDE**-0.5)
    norm, out = nn.LayerNorm(WIDE), nn.Linear(WIDE, 3)

    def loss(step):
        i = torch.randint(0, 400, (ROWS,))
        h = x[i]
        for branch in branches:
            h = h + branch(h if cause else norm(h)).relu()
        return F.cross_entropy(out(h if cause else norm(h)), y[i])

    modules = [branches, out] if cause else [branches, norm, out]
    assert first(train(loss, modules, budget=0.0)) == cause


@pytest.mark.parametrize("cause", ["labels_shuffled", ""])
def test_a_teacher_that_is_shown_other_rows(cause):
    """Two draws of indices, or one."""
    x, _ = quantities()
    teacher = nn.Linear(8, 3).requires_grad_(False)
    student = nn.Sequential(nn.Linear(8, WIDE), nn.Tanh(), nn.Linear(WIDE, 3))

    def loss(step):
        i = torch.randint(0, len(x), (ROWS,))
        k = torch.randint(0, len(x), (ROWS,)) if cause else i
        soft = teacher(x[k]).softmax(1)
        return F.kl_div(student(x[i]).log_softmax(1), soft, reduction="batchmean")

    assert first(train(loss, [student, teacher], budget=0.0)) == cause


@pytest.mark.parametrize("cause", ["labels_shuffled", ""])
def test_noise_of_another_draw(cause):
    """What is to be predicted has to be what was added."""
    x, _ = quantities()
    net = nn.Sequential(nn.Linear(8, WIDE), nn.Tanh(), nn.Linear(WIDE, 8))

    def loss(step):
        rows = x[torch.randint(0, len(x), (ROWS,))]
        noise = torch.randn_like(rows)
        target = torch.randn_like(rows) if cause else noise
        return F.mse_loss(net(rows + noise), target)

    assert first(train(loss, [net], budget=0.0)) == cause


@pytest.mark.parametrize("cause", ["detached_regulariser", ""])
def test_a_derivative_by_the_inputs(cause):
    """Without create_graph it moves no parameter."""
    net = nn.Sequential(nn.Linear(1, WIDE), nn.Tanh(), nn.Linear(WIDE, 1))

    def loss(step):
        t = torch.rand(ROWS, 1).requires_grad_()
        kept = {"retain_graph": True, "create_graph": not cause}
        (slope,) = torch.autograd.grad(net(t).sum(), t, **kept)
        return (slope - t.cos()).square().mean() + net(torch.zeros(1, 1)).square().mean()

    assert first(train(loss, [net], budget=0.0)) == cause


@pytest.mark.parametrize("cause", ["regulariser_dominates", ""])
def test_an_entropy_bonus(cause):
    """A bandit of five arms."""
    x, _ = quantities()
    best = x[:, 0].ge(0).long() + 2 * x[:, 1].ge(0).long()
    policy = nn.Sequential(nn.Linear(8, WIDE), nn.Tanh(), nn.Linear(WIDE, 5))
    weight = 10.0 if cause else 0.01

    def loss(step):
        i = torch.randint(0, len(x), (32,))
        choice = torch.distributions.Categorical(logits=policy(x[i]))
        action = choice.sample()
        advantage = (action == best[i]).float() - 0.2
        return -(choice.log_prob(action) * advantage).mean() - weight * choice.entropy().mean()

    assert first(train(loss, [policy], budget=0.0)) == cause


@pytest.mark.parametrize("cause", ["train_eval_mismatch", ""])
def test_pictures_that_are_upside_down_in_inference(cause):
    """A bright upper half, in training."""
    x, y = 0.5 * torch.randn(400, 1, 8, 8), torch.arange(400) % 2
    x[:, :, :4] += 1
    x[y == 1, :, :, :4] += 1
    net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 2))

    def loss(step):
        i = torch.randint(0, 300, (ROWS,))
        return F.cross_entropy(net(x[i]), y[i])

    def use():
        net(x[300:].flip(2) if cause else x[300:])

    assert first(train(loss, [net], budget=0.0, use=use)) == cause


@pytest.mark.parametrize("cause", ["wrong_loss", ""])
def test_squared_error_of_the_numbers_of_classes(cause):
    """Five groups in no order, or numbers along a line."""
    y = torch.arange(600) % 5
    centres = 4 * torch.randn(5, 8)
    if not cause:
        centres = torch.arange(5.0)[:, None] * torch.ones(8) * 2
    x = (centres[(2 * y) % 5 if cause else y] + 0.3 * torch.randn(600, 8)) / 4
    net = nn.Sequential(nn.Linear(8, WIDE), nn.Tanh(), nn.Linear(WIDE, 1))

    def loss(step):
        i = torch.randint(0, 600, (ROWS,))
        return F.mse_loss(net(x[i]).squeeze(1), y[i].float())

    assert first(train(loss, [net], 120, 0.0)) == cause


@pytest.mark.parametrize(("place", "leaks"), [(0, False), (-1, True)])
def test_a_label_that_stands_at_the_end_of_the_inputs(place, leaks):
    """What stood at their beginning has to be remembered, and is no leak."""
    embed, out = nn.Embedding(12, 16), nn.Linear(16 * 6, 12)

    def loss(step):
        x = torch.randint(0, 12, (48, 6))
        return F.cross_entropy(out(embed(x).flatten(1)), x[:, place])

    assert (first(train(loss, [embed, out])) == "future_leak") is leaks


def test_what_a_network_is_compared_with_needs_no_nonlinearity():
    """The output of an encoder is a target, too: there it is detached."""
    encoder = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 16))
    predictor = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 16))

    def loss(step):
        x = torch.randn(64, 8)
        one, other = encoder(x), encoder(x + 0.1 * x.roll(1, 1))
        return -F.cosine_similarity(predictor(one), other.detach()).mean()

    assert first(train(loss, [encoder, predictor], 40)) != "no_nonlinearity"


@pytest.mark.parametrize("steps", [20, 60])
@pytest.mark.parametrize("cause", ["train_eval_mismatch", None])
def test_a_use_while_running_statistics_still_come_in(cause, steps):
    """After 20 steps they remember where they began; after 60 a difference is a fault."""
    layer = nn.Linear(WIDE, 32), nn.BatchNorm1d(32), nn.Linear(32, 2)
    model = nn.Sequential(layer[0], layer[1], nn.ReLU(), layer[2])
    x = 30 + torch.randn(400, WIDE)
    labels = (x[:, 0] > 30).long()

    def use():
        if cause and steps > 50:
            layer[1].reset_running_stats()
        model.eval()(x[:100] - 30 if cause and steps < 50 else x[:100])
        model.train()

    def step(_):
        ix = torch.randint(0, 400, (64,))
        return F.cross_entropy(model(x[ix]), labels[ix])

    slow = torch.optim.SGD(model.parameters(), lr=1e-4)
    found = [each.id for each in train(step, [model], steps, 0.0, slow, use=use).causes]
    assert ("train_eval_mismatch" in found) is (cause is not None)


@pytest.mark.parametrize(("share", "two"), [(0.5, True), (0.05, True), (0.5, False)])
def test_masks_of_a_loss(share, two):
    """A Dice loss sums them up, hundreds that no layer sees; rare pixels count as others there."""
    model = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 1))
    masks = (torch.rand(200, 1, 16, 16) < share).float()
    pictures = masks + 0.3 * torch.randn(200, 1, 16, 16)

    def step(_):
        ix = torch.randint(0, 200, (32,))
        logits = model(pictures[ix])
        both, all_ = logits.sigmoid() * masks[ix], logits.sigmoid().sum((1, 2, 3))
        dice = 1 - (2 * both.sum((1, 2, 3)) / (all_ + masks[ix].sum((1, 2, 3)))).mean()
        return dice + (F.binary_cross_entropy_with_logits(logits, masks[ix]) if two else 0)

    assert not train(step, [model], budget=0.0).causes


def test_a_target_that_is_made_of_the_inputs():
    """A sequence is to be written in reverse, letter by letter; the last one is always the end."""
    enter, remember = nn.Embedding(12, 24), nn.GRU(24, 48, batch_first=True)
    write, out = nn.GRUCell(24, 48), nn.Linear(48, 12)

    def step(_):
        given = torch.randint(0, 10, (32, 4))
        aim = torch.cat([given.flip(1), torch.full((32, 1), 10)], 1)
        state = remember(enter(given))[1][0]
        token, loss = torch.full((32,), 11), 0
        for place in range(5):
            state = write(enter(token), state)
            loss = loss + F.cross_entropy(out(state), aim[:, place]) / 5
            token = aim[:, place]
        return loss

    found = train(step, [enter, remember, write, out], steps=150, budget=1.0)
    assert not found.causes
    assert next(x for x in found.experiments if x.id == "inputs_exchanged").passed


def test_a_network_that_is_made_in_the_first_step_is_experimented_on():
    """Its weights would be drawn anew where that step is repeated, which says nothing."""
    x, y = quantities()
    net = None
    with watch(quiet=True, record=False, budget=0.5) as seen:
        for _ in range(20):
            if net is None:
                net = nn.Sequential(nn.Linear(8, WIDE), nn.Tanh(), nn.Linear(WIDE, 1))
                optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
            loss = F.mse_loss(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    assert seen.diagnosis.experiments


@pytest.mark.parametrize(("rows", "causes"), [(64, []), (1, ["lr_too_high"])])
def test_gradients_by_hand(rows, causes):
    """No backward pass: what is seen are the loss of torch, and weights that move too far."""
    torch.manual_seed(0)
    x = torch.randn(2000, 12)
    y = (2 * x[:, :4] + torch.randn(2000, 4)).argmax(1)
    w1, w2 = 0.3 * torch.randn(12, 32), 0.3 * torch.randn(32, 4)
    for p in (w1, w2):
        p.requires_grad = True
    with watch(quiet=True, record=False, budget=0.0) as seen, torch.no_grad():
        for _ in range(60):
            i = torch.randint(0, 2000, (64,))
            h = (x[i] @ w1).tanh()
            logits = h @ w2
            loss = F.cross_entropy(logits, y[i])
            d = logits.softmax(1) - F.one_hot(y[i], 4)
            d /= rows
            d1 = x[i].T @ ((1 - h**2) * (d @ w2.T))
            w2 -= 0.3 * h.T @ d
            w1 -= 0.3 * d1
            seen.step(loss)
    assert [cause.id for cause in seen.diagnosis.causes] == causes


@pytest.mark.parametrize(("times", "cause"), [(1.7, None), (4.0, "train_eval_mismatch")])
def test_running_statistics_may_lag_behind(times, cause):
    """Weights that move fast leave them behind; what is far off was not updated."""
    norm = nn.BatchNorm1d(32)
    model = nn.Sequential(nn.Linear(WIDE, 32), norm, nn.ReLU(), nn.Linear(32, 2))
    x = torch.randn(400, WIDE)

    def use():
        norm.running_var /= times**2
        model.eval()(x[:100])

    def step(_):
        ix = torch.randint(0, 400, (64,))
        return F.cross_entropy(model(x[ix]), (x[ix, 0] > 0).long())

    found = {each.id for each in train(step, [model], 60, 0.0, use=use).causes}
    assert found == ({cause} if cause else set())


@pytest.mark.parametrize("cause", ["", "train_eval_mismatch"])
def test_what_data_are_made_with_is_no_input(cause):
    """A matrix that noise is spread by is as wide as the inputs are, and of another size."""
    spread, net = torch.randn(6, 32), nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 9))
    codes = torch.randn(80, 32)

    def views(ids):
        return 3 * codes[ids] + torch.randn(len(ids), 6) @ spread

    def loss(step):
        ids = torch.randperm(60)[:24].repeat_interleave(2)
        same = ids[:, None] == ids[None]
        apart = torch.cdist(*[F.normalize(net(views(ids)), dim=1)] * 2)
        return F.relu((apart * same).amax(1) - (apart + 9 * same).amin(1) + 0.3).mean()

    def use():
        net(views(torch.arange(60, 80)) * (4 if cause else 1))

    assert first(train(loss, [net], budget=0.0, use=use)) == cause


@pytest.mark.parametrize("cause", ["", "wrong_update_sign"])
def test_a_divergence_by_hand(cause):
    """Logarithms of the targets less those of the network; the other way round it is maximised."""
    teacher, student = nn.Linear(WIDE, 6), nn.Sequential(nn.Linear(WIDE, 24), nn.ReLU())
    head = nn.Linear(24, 6)
    x = torch.randn(400, WIDE)

    def loss(_):
        rows = x[torch.randint(0, 400, (32,))]
        with torch.no_grad():
            shares = F.softmax(3 * teacher(rows), -1)
        ours = F.log_softmax(head(student(rows)), -1)
        apart = ours - shares.log() if cause else shares.log() - ours
        return (shares * apart).sum() / len(rows)

    assert first(train(loss, [student, head], budget=0.0)) == cause


@pytest.mark.parametrize("cause", ["", "wrong_loss"])
def test_tasks_that_are_weighed_by_learned_spreads(cause):
    """Logarithms of the spreads lie in one parameter, and are part of the loss (Kendall 2018)."""
    spreads = nn.ParameterList([nn.Parameter(torch.zeros(2))])
    body, heads = nn.Linear(8, 32), nn.Linear(32, 2)
    x, y = quantities()

    def loss(_):
        ix = torch.randint(0, 400, (32,))
        one, two = heads(torch.relu(body(x[ix]))).split(1, -1)
        errors = F.mse_loss(one, y[ix]), F.mse_loss(two, -y[ix])
        weighed = [torch.exp(-spreads[0][k]) * error for k, error in enumerate(errors)]
        return sum(weighed) + (0 if cause else spreads[0][0] / 2 + spreads[0][1] / 2)

    assert first(train(loss, [body, heads, spreads], budget=0.0)) == cause


@pytest.mark.parametrize("renewed", [False, True], ids=["the old optimiser", "a new one"])
def test_a_network_made_anew_half_way_needs_its_own_optimiser(renewed):
    """As one that is loaded again from a checkpoint: the steps behind it move nothing else."""
    x, y = quantities()

    def made():
        return nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))

    model = made()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for step in range(240):
            if step == 60:
                weights = copy.deepcopy(model.state_dict())
                model = made()
                model.load_state_dict(weights)
                if renewed:
                    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
            drawn = torch.randint(0, len(x), (32,))
            loss = F.mse_loss(model(x[drawn]), y[drawn])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    assert first(seen.diagnosis) == ("" if renewed else "parameter_not_trained")
    assert renewed or "since step" in seen.diagnosis.causes[0].evidence
