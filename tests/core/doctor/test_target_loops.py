"""Loops whose targets are no longer what they were: hidden with the inputs, shifted, exchanged."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from core import watch
from tests.core.doctor.test_wired_loops import first, train

ROWS = 32


@pytest.fixture(autouse=True)
def seeded():
    """The same numbers each time."""
    torch.manual_seed(0)


def hidden(x):
    """A third of the numbers becomes 0, in place."""
    x[torch.rand(x.shape) < 0.3] = 0.0
    return x


def noisy(x):
    """Noise is added in place."""
    x += 0.5 * torch.randn_like(x)
    return x


def flipped(x):
    """Half of the rows are turned round in place: a picture like any other."""
    some = torch.rand(len(x)) < 0.5
    x[some] = x[some].flip(1)
    return x


CHANGES = ((hidden, True), (noisy, True), (flipped, False))


@pytest.mark.parametrize("cloned", [True, False])
@pytest.mark.parametrize(("change", "hides"), CHANGES)
def test_what_is_hidden_in_the_targets_too(change, hides, cloned):
    """Numbers that are to be restored, and are gone from both."""
    x = torch.randn(300, 12).cumsum(1)
    net = nn.Sequential(nn.Linear(12, 16), nn.Tanh(), nn.Linear(16, 12))

    def loss(step):
        whole = x[torch.randint(0, 300, (ROWS,))]
        given = change(whole.clone() if cloned else whole)
        return F.mse_loss(net(given), whole)

    leaks = hides and not cloned
    assert (first(train(loss, net)) == "future_leak") == leaks


class Next(nn.Module):
    """A table of the next token, with a layer between."""

    def __init__(self):
        super().__init__()
        self.emb, self.mix = nn.Embedding(9, 16), nn.GRU(16, 16, batch_first=True)
        self.out = nn.Linear(16, 9)

    def forward(self, ids):
        return self.out(self.mix(self.emb(ids))[0])


@pytest.mark.parametrize(
    ("places", "cause"), [(1, ""), (2, "labels_shuffled"), (3, "labels_shuffled")]
)
@pytest.mark.parametrize("inside", [True, False])
def test_labels_that_are_shifted_twice(places, cause, inside):
    """By the loop that draws them, and by the model that leaves out its last output."""
    ids = torch.randint(0, 9, (300, 14))
    net = Next()

    def loss(step):
        i = torch.randint(0, 300, (ROWS,))
        if inside:
            labels = F.pad(ids[i, places - 1 :], (0, places - 1), value=-100)
            return F.cross_entropy(net(ids[i])[:, :-1].flatten(0, 1), labels[:, 1:].flatten())
        given, labels = ids[i, :-3], ids[i, places : places + 11]
        return F.cross_entropy(net(given).flatten(0, 1), labels.flatten())

    assert first(train(loss, net)) == cause


def test_what_a_convolution_leaves_out_at_the_start_is_no_shift():
    """Without padding its first output has seen two tokens, and the next is the third."""
    ids = torch.randint(0, 9, (300, 14))
    emb, conv, out = nn.Embedding(9, 16), nn.Conv1d(16, 16, 2), nn.Linear(16, 9)

    def loss(step):
        i = torch.randint(0, 300, (ROWS,))
        h = conv(emb(ids[i, :-1]).mT).relu().mT
        return F.cross_entropy(out(h).flatten(0, 1), ids[i, 2:].flatten())

    assert first(train(loss, emb, conv, out)) == ""


@pytest.mark.parametrize("fixed", [True, False])
def test_inputs_that_are_kept_by_the_number_of_the_batch(fixed):
    """The loader shuffles, and from the second epoch on inputs are those of the first."""
    x = torch.randn(160, 12)
    y, kept = x[:, :3].argmax(1), {}
    net = nn.Linear(12, 3)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for _epoch in range(12):
            for number, i in enumerate(torch.randperm(160).split(40)):
                given = kept.setdefault(number, x[i]) if not fixed else x[i]
                loss = F.cross_entropy(net(given), y[i])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
    assert (first(seen.diagnosis) == "labels_shuffled") != fixed, seen.diagnosis.text()


@pytest.mark.parametrize("centred", [True, False])
def test_an_average_that_reaches_past_the_last_step(centred):
    """Windows of a series and of its moving average, and what comes next."""
    noise, series = torch.randn(700), torch.zeros(700)
    for t in range(1, 700):
        series[t] = 0.8 * series[t - 1] + noise[t]
    mean = F.pad(series, (1, 1) if centred else (2, 0)).unfold(0, 3, 1).mean(1)
    x = torch.stack([series, mean], 1).unfold(0, 6, 1)[3:-3].mT
    y = series[9:][: len(x)]
    gru, out = nn.GRU(2, 8, batch_first=True), nn.Linear(8, 1)

    def loss(step):
        i = torch.randint(0, len(x), (ROWS,))
        return F.mse_loss(out(gru(x[i])[0][:, -1])[:, 0], y[i])

    found = train(loss, gru, out)
    assert (first(found) == "future_leak") == centred, found.text()


def test_what_a_series_tells_of_itself_is_no_leak():
    """Two sines: the next value is a sum of the last ones of its own."""
    t = torch.arange(700.0)
    x = torch.stack([(t / 5).sin(), (t / 5).cos()], 1).unfold(0, 6, 1)[:-1].mT
    y = (t / 5).sin()[6:]
    gru, out = nn.GRU(2, 8, batch_first=True), nn.Linear(8, 1)

    def loss(step):
        i = torch.randint(0, len(x), (ROWS,))
        return F.mse_loss(out(gru(x[i])[0][:, -1])[:, 0], y[i])

    assert first(train(loss, gru, out)) == ""


@pytest.mark.parametrize("replicates", [True, False])
def test_measured_twice_and_split_by_rows(replicates):
    """The same inputs in both parts, though each row is in one of them alone."""
    x = torch.randn(150, 12).repeat_interleave(2, 0)
    y = x[:, 0] + 0.1 * torch.randn(300)
    rows = torch.randperm(300) if replicates else torch.arange(300)
    trained, rest = rows[:200], rows[200:]
    net = nn.Sequential(nn.Linear(12, 16), nn.Tanh(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for step in range(96):
            i = trained[torch.randint(0, 200, (ROWS,))]
            loss = F.mse_loss(net(x[i])[:, 0], y[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
            if step % 12 == 11:
                with torch.no_grad():
                    seen.validate(F.mse_loss(net(x[rest])[:, 0], y[rest]))
    assert (first(seen.diagnosis) == "data_overlap") == replicates, seen.diagnosis.text()


@pytest.mark.parametrize("renamed", [True, False])
def test_all_of_the_validation_is_learned_from(renamed):
    """From its first evaluation on the loop learns from what it is evaluated on."""
    table = torch.randn(300, 8)
    goal = table[:, 0].tanh()
    x, y = table[:200], goal[:200]
    net = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for step in range(96):
            loss = F.mse_loss(net(x)[:, 0], y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
            if step % 12 == 11:
                x_dev, y_dev = table[200:], goal[200:]
                if renamed:
                    x, y = x_dev, y_dev
                with torch.no_grad():
                    seen.validate(F.mse_loss(net(x_dev)[:, 0], y_dev))
    assert (first(seen.diagnosis) == "data_overlap") == renamed, seen.diagnosis.text()


@pytest.mark.parametrize("way", ["backward", "grad"])
def test_a_gradient_that_is_set_and_not_added(way):
    """autograd.grad returns gradients, and adds to none that are there."""
    x = torch.randn(300, 6)
    y = x[:, :3].argmax(1)
    net = nn.Linear(6, 3)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for _ in range(24):
            i = torch.randint(0, 300, (ROWS,))
            loss = F.cross_entropy(net(x[i]), y[i])
            if way == "backward":
                loss.backward()
            else:
                weights = list(net.parameters())
                for weight, gradient in zip(
                    weights, torch.autograd.grad(loss, weights), strict=True
                ):
                    weight.grad = gradient
            optimizer.step()
            seen.step(loss)
    assert (first(seen.diagnosis) == "gradients_not_zeroed") == (way == "backward")


@pytest.mark.parametrize("exchanged", [True, False])
def test_what_is_rejected_is_preferred(exchanged):
    """A margin between two rows, the first of which is the better one."""
    better = torch.randn(300, 6)
    better[:, 0] += 1.5
    worse = torch.randn(300, 6)
    net = nn.Linear(6, 1, bias=False)
    nn.init.zeros_(net.weight)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for step in range(200):
            i = torch.randint(0, 200, (ROWS,))
            margin = (net(better[i]) - net(worse[i]))[:, 0]
            loss = -F.logsigmoid(-margin if exchanged else margin).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
            if step % 40 == 39:
                with torch.no_grad():
                    margin = (net(better[200:]) - net(worse[200:]))[:, 0]
                    seen.validate(-F.logsigmoid(margin).mean(), (margin > 0).float().mean())
    named = first(seen.diagnosis)
    assert (named == "wrong_update_sign") == exchanged, seen.diagnosis.text()


@pytest.mark.parametrize(("lr", "cause"), [(0.5, "lr_too_high"), (1e-3, "")])
def test_a_rate_that_destroys_what_was_learned(lr, cause):
    """A network that knows its classes is tuned further."""
    x = torch.randn(600, 8)
    y = (2 * x[:, :6]).argmax(1)
    net = nn.Sequential(nn.Linear(8, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 6))
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    for _ in range(200):
        i = torch.randint(0, 600, (64,))
        optimizer.zero_grad()
        F.cross_entropy(net(x[i]), y[i]).backward()
        optimizer.step()
    optimizer = torch.optim.AdamW(copy.copy(list(net.parameters())), lr=lr)
    with watch(net, quiet=True, record=False, budget=0.0) as seen:
        for _ in range(80):
            i = torch.randint(0, 600, (64,))
            loss = F.cross_entropy(net(x[i]), y[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    assert first(seen.diagnosis) == cause, seen.diagnosis.text()


def test_tokens_come_again_with_another_label_by_nature():
    """One-hot rows, of which each is followed by one of several."""
    tokens = torch.randint(0, 12, (1200,))
    y = (2 * tokens + torch.randint(0, 4, (1200,))) % 12
    weights = torch.randn(12, 12, requires_grad=True)
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for _epoch in range(6):
            for i in torch.randperm(1200).split(100):
                loss = F.cross_entropy(F.one_hot(tokens[i], 12).float() @ weights, y[i])
                weights.grad = None
                loss.backward()
                weights.data -= 0.01 * weights.grad
                seen.step(loss)
    assert first(seen.diagnosis) != "labels_shuffled", seen.diagnosis.text()


@pytest.mark.parametrize(
    ("mode", "classes", "told"),
    [("bilinear", 4, True), ("area", 4, True), ("nearest", 4, False), ("bilinear", 2, False)],
)
def test_classes_of_a_mask_are_not_interpolated(mode, classes, told):
    """Between the first and the third lies the second one; between two there is none."""
    pictures = torch.randn(40, 3, 12, 12)
    masks = (pictures[:, 0].sigmoid() * classes).long().clamp(max=classes - 1)
    network = nn.Conv2d(3, classes, 3, padding=1)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for _ in range(20):
            i = torch.randint(0, 40, (8,))
            x = F.interpolate(pictures[i], (8, 8), mode="bilinear")
            y = F.interpolate(masks[i][:, None].float(), (8, 8), mode=mode)[:, 0].long()
            loss = F.cross_entropy(network(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    found = [cause.id for cause in seen.diagnosis.causes if "interpolated" in cause.evidence]
    assert found == (["labels_noisy"] if told else []), seen.diagnosis.text()


def test_levels_of_brightness_may_be_interpolated():
    """They are the targets of a network that is given some of the same picture."""
    pictures = (torch.rand(40, 1, 12, 12) * 7).round()
    network = nn.Conv2d(1, 8, (1, 3), padding=(0, 2))
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for _ in range(20):
            i = torch.randint(0, 40, (8,))
            y = F.interpolate(pictures[i], (8, 8), mode="bilinear").round().long()
            x = F.pad(y.float(), (1, -1))  # what lies to the left
            loss = F.cross_entropy(network(x)[..., :8], y[:, 0])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    found = [cause.id for cause in seen.diagnosis.causes if "interpolated" in cause.evidence]
    assert not found, seen.diagnosis.text()
