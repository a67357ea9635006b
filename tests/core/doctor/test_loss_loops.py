"""Loops whose loss gets another form than it takes, or lacks a part: that cause stands first."""

import warnings

import pytest
import torch
from torch import nn
from torch.distributions import Normal
from torch.nn import functional as F

from core import watch
from tests.core.doctor.test_wired_loops import first, train

ROWS = 32


@pytest.fixture(autouse=True)
def seeded():
    """The same numbers each time."""
    torch.manual_seed(0)


def by_hand(outputs, counts):
    """A Poisson loss by its definition, of the logarithm of a rate."""
    return (outputs.exp() - counts * outputs).mean()


POISSON = (
    ("wrong_loss", nn.Softplus(), nn.PoissonNLLLoss()),
    ("wrong_loss", nn.ReLU(), by_hand),
    ("wrong_loss", nn.Identity(), nn.PoissonNLLLoss(log_input=False)),
    ("", nn.Softplus(), nn.PoissonNLLLoss(log_input=False)),
    ("", nn.Identity(), nn.PoissonNLLLoss()),
    ("", nn.Identity(), by_hand),
)


@pytest.mark.parametrize(("cause", "last", "likelihood"), POISSON)
def test_a_rate_in_the_place_of_its_logarithm(cause, last, likelihood):
    """Counts whose rate is below 1 for half of the examples."""
    x = torch.randn(300, 4)
    n = torch.poisson(x[:, :1].clamp(max=2).exp())
    net = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1), last)

    def loss(step):
        i = torch.randint(0, 300, (ROWS,))
        return likelihood(net(x[i]), n[i])

    found = train(loss, net)
    named = [check.id for check in found.checks if check.passed is False]
    assert ("wrong_loss" in named) == bool(cause), found.text()


def divided(mean, spread, y):
    """Errors over a spread of softplus, and that alone."""
    return (((y - mean) / (F.softplus(spread) + 0.01)) ** 2).mean()


def whole(mean, spread, y):
    """The same with its logarithm."""
    sigma = F.softplus(spread) + 0.01
    return (0.5 * ((y - mean) / sigma) ** 2 + sigma.log()).mean()


def weighed(mean, spread, y):
    """Errors times exp(-s), and nothing that holds s."""
    return ((y - mean).square() * (-spread).exp()).mean()


def of_log_variance(mean, spread, y):
    """The same with s, of which the variance is made."""
    return ((y - mean).square() * (-spread).exp() + spread).mean()


def relative(mean, spread, y):
    """Errors over the size of both: nothing is free in it."""
    return ((y - mean) / (y.abs() + mean.abs() + 1)).square().mean()


SPREADS = ((True, divided), (False, whole), (True, weighed), (False, of_log_variance))


@pytest.mark.parametrize(("missing", "likelihood"), [*SPREADS, (False, relative)])
def test_a_spread_that_nothing_holds(missing, likelihood):
    """A mean and a spread for each example."""
    x = torch.randn(300, 4)
    y = x[:, 0] + 0.3 * torch.randn(300)
    net = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 2))

    def loss(step):
        i = torch.randint(0, 300, (ROWS,))
        return likelihood(*net(x[i]).unbind(1), y[i])

    found = train(loss, net)
    assert (first(found) == "wrong_loss") == missing, found.text()


@pytest.mark.parametrize("cumulated", ["at once", "by hand"])
@pytest.mark.parametrize("reversed_", [True, False])
def test_the_risk_set_of_a_survival(reversed_, cumulated):
    """Of each who dies those who are still alive are at risk, and not those who are dead."""
    x = torch.randn(300, 4)
    times, died = torch.rand(300) / x[:, 0].exp(), torch.rand(300) < 0.7
    net = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))

    def loss(step):
        i = torch.randint(0, 300, (ROWS,))
        order = times[i].argsort(descending=not reversed_)
        score = net(x[i])[:, 0][order]
        at_risk = score.logcumsumexp(0) if cumulated == "at once" else score.exp().cumsum(0).log()
        return -(score - at_risk)[died[i][order]].mean()

    assert (first(train(loss, net)) == "wrong_loss") == reversed_


@pytest.mark.parametrize(
    ("columns", "way", "told"),
    [(24, "add", True), (24, "clamp", True), (24, "in logarithms", False), (1, "add", False)],
)
def test_a_likelihood_that_underflows(columns, way, told):
    """A product of many densities is below every number that keeps its logarithm finite."""
    x = torch.randn(300, 4)
    y = x[:, :1] * torch.linspace(1, 3, columns) + 2 * torch.randn(300, columns)
    net = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, columns))

    def loss(step):
        i = torch.randint(0, 300, (ROWS,))
        density = Normal(net(x[i]), 1.0).log_prob(y[i]).sum(1)
        if way == "in logarithms":
            return -density.mean()
        likelihood = density.exp()
        kept = likelihood + 1e-8 if way == "add" else likelihood.clamp(min=1e-8)
        return -kept.log().mean()

    assert (first(train(loss, net)) == "wrong_loss") == told


def test_a_penalty_on_the_logarithm_of_activations_is_no_likelihood():
    """Most of them are to be 0 in a sparse code (Candes et al. 2008)."""
    x, encoder, decoder = torch.randn(300, 8), nn.Linear(8, 32), nn.Linear(32, 8)
    encoder.bias.data.fill_(-0.5)

    def loss(step):
        given = x[torch.randint(0, 300, (ROWS,))]
        code = F.relu(encoder(given))
        return F.mse_loss(decoder(code), given) + 1e-4 * (code + 1e-6).log().mean()

    assert first(train(loss, encoder, decoder)) != "wrong_loss"


def dice(p, y):
    """How far outputs and masks overlap, 0 to 1."""
    return (2 * (p * y).sum() + 1) / (p.sum() + y.sum() + 1)


@pytest.mark.parametrize("minimised", [True, False])
@pytest.mark.parametrize("measure", ["cosine", "by hand", "overlap"])
def test_a_similarity_that_is_minimised(measure, minimised):
    """Directions are to be found, or masks; the better they are, the higher is the measure."""
    x = torch.randn(300, 5)
    directions, masks = F.normalize(x[:, :3], dim=1), (x[:, :3] > 0).float()
    net = nn.Sequential(nn.Linear(5, 16), nn.Tanh(), nn.Linear(16, 3))

    def loss(step):
        i = torch.randint(0, 300, (ROWS,))
        if measure == "by hand":
            found = (F.normalize(net(x[i]), dim=1) * directions[i]).sum(1).mean()
            return found if minimised else -found
        if measure == "cosine":
            found = F.cosine_similarity(net(x[i]), directions[i]).mean()
            return found if minimised else -found
        return (
            dice(net(x[i]).sigmoid(), masks[i])
            if minimised
            else 1 - dice(net(x[i]).sigmoid(), masks[i])
        )

    assert first(train(loss, net)) == ("wrong_update_sign" if minimised else "")


def test_to_move_away_from_what_a_network_says_is_no_wrong_sign():
    """A network that is to forget: its outputs are compared with those that it had."""
    x = torch.randn(300, 5)
    net, before = nn.Linear(5, 3), nn.Linear(5, 3)

    def loss(step):
        i = torch.randint(0, 300, (ROWS,))
        return F.cosine_similarity(net(x[i]), before(x[i]).detach()).mean()

    assert first(train(loss, net)) != "wrong_update_sign"


@pytest.mark.parametrize("by_rows", [True, False])
def test_an_accuracy_of_columns(by_rows):
    """Examples are columns; the best of each row is none of theirs."""
    x = torch.randn(6, 300)
    labels = x[:3].argmax(0)
    rows = F.one_hot(labels, 3).T.float()
    w, b = (0.1 * torch.randn(3, 6)).requires_grad_(), torch.zeros(3, 1, requires_grad=True)
    optimizer = torch.optim.Adam([w, b], lr=0.1)
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for step in range(160):
            i = torch.randint(0, 200, (ROWS,))
            loss = -(rows[:, i] * (w @ x[:, i] + b).log_softmax(0)).sum(0).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
            if step % 40 == 39:
                with torch.no_grad():
                    scores = w @ x[:, 200:] + b
                new = -(rows[:, 200:] * scores.log_softmax(0)).sum(0).mean()
                axis = 1 if by_rows else 0
                right = (scores.argmax(axis) == rows[:, 200:].argmax(axis)).float().mean()
                seen.validate(new, right)
    named = [cause.id for cause in seen.diagnosis.causes]
    assert named == (["metric_disagrees"] if by_rows else []), seen.diagnosis.text()


def margins(z, y):
    """By how much scores exceed that of the right class, less one."""
    return (z - z[torch.arange(len(y)), y][:, None] + 1) * (F.one_hot(y, 4) == 0)


HINGE = (
    (True, lambda z, y, w: margins(z, y).sum() / len(y)),
    (True, lambda z, y, w: (z - z.gather(1, y[:, None]) + 1).sum(1).mean()),
    (False, lambda z, y, w: margins(z, y).clamp(min=0).sum() / len(y)),
    (False, lambda z, y, w: margins(z, y).sum() / len(y) + (w**2).sum()),
    (False, lambda z, y, w: (z - z.gather(1, y[:, None])).exp().sum(1).log().mean()),
)


@pytest.mark.parametrize(("unbounded", "hinge"), HINGE)
def test_a_hinge_without_its_max(unbounded, hinge):
    """It falls below zero, and on."""
    x, y = torch.randn(300, 6), torch.arange(300) % 4
    x[torch.arange(300), y] += 3
    net = nn.Linear(6, 4)

    def loss(step):
        i = torch.randint(0, 300, (ROWS,))
        return hinge(net(x[i]), y[i], net.weight)

    found = train(loss, net, optimizer=torch.optim.SGD(net.parameters(), lr=0.1))
    assert (first(found) == "wrong_loss") == unbounded, found.text()


FOCAL = (
    (True, lambda error, reward: ((-error).exp() ** 2 * error).mean()),
    (False, lambda error, reward: ((1 - (-error).exp()) ** 2 * error).mean()),
    (False, lambda error, reward: (1 - (-error).exp()).mean()),
    (False, lambda error, reward: (error * reward).mean().exp()),
)


@pytest.mark.parametrize(("of_the_easy", "weighed"), FOCAL)
def test_a_focal_loss_of_the_easy(of_the_easy, weighed):
    """The loss falls as errors grow; where rewards have both signs, that may be meant."""
    x, y = torch.randn(300, 6), torch.arange(300) % 4
    x[torch.arange(300), y] += 3
    net = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 4))

    def loss(step):
        i = torch.randint(0, 300, (ROWS,))
        reward = torch.rand(ROWS) - 0.9
        return weighed(F.cross_entropy(net(x[i]), y[i], reduction="none"), reward)

    found = train(loss, net)
    assert (first(found) == "wrong_loss") == of_the_easy, found.text()


@pytest.mark.parametrize("by_hand", [True, False])
@pytest.mark.filterwarnings("ignore:Using a target size")
def test_a_column_of_outputs_against_a_row_of_targets_is_called_broadcast(by_hand):
    """And not a leakage between examples; the shapes and the line of the loss are said."""
    x = torch.randn(300, 4)
    y = x @ torch.tensor([1.0, -2.0, 0.5, 3.0])
    net = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))

    def loss(step):
        i = torch.randint(0, 300, (ROWS,))
        return (
            (y[i] - net(x[i])).abs().add(1).log().mean() if by_hand else F.mse_loss(net(x[i]), y[i])
        )

    found = train(loss, net)
    assert [cause.id for cause in found.causes] == ["loss_broadcast"], found.text()
    cause = found.causes[0]
    assert "(32, 1)" in cause.evidence and "(32,)" in cause.evidence
    assert "y[i]" in cause.lines[0].text


def test_an_autoencoder_with_a_loss_by_hand():
    """The mean of its loss normalises no batch, and its inputs are not changed without targets."""
    x = torch.randn(300, 3) @ torch.randn(3, 12)
    net = nn.Sequential(nn.Linear(12, 16), nn.Tanh(), nn.Linear(16, 12))
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    with watch(quiet=True, record=False, budget=0.4) as seen:
        for _ in range(120):
            some = x[torch.randint(0, 300, (ROWS,))]
            loss = ((net(some) - some) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    found = seen.diagnosis
    tried = {done.id: done for done in found.experiments}
    assert found.training_kind == "autoencoder" and not found.causes, found.text()
    assert tried["examples_apart"].passed and tried["examples_apart"].expected == "not at all"
    assert tried["inputs_zeroed"].passed is None and tried["labels_exchanged"].passed is None
    (plateau,) = (check for check in found.checks if check.id == "plateau")
    ((name, level),) = plateau.picture.levels
    assert name == "mean of the targets" and f"{level:.3g}" in plateau.measured


@pytest.mark.parametrize(
    ("blank", "padded", "faulty"),
    [(0, False, True), (3, True, True), (5, False, False), (5, True, False), (None, True, False)],
)
def test_labels_of_a_ctc_loss_that_are_its_blank(blank, padded, faulty):
    """Labels are 0 to 4, or 1 to 5 where the blank is 0; behind a row's end padding may be 0."""
    x, lengths = torch.randn(64, 12, 4), torch.randint(2, 4, (64,))
    y = torch.randint(0, 5, (64, 3)) + (blank is None)
    y[torch.arange(3) >= lengths[:, None]] = 5 if blank else 0
    net = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 6), nn.LogSoftmax(-1))
    criterion = nn.CTCLoss(blank=blank or 0)

    def loss(step):
        i = torch.randint(0, 64, (16,))
        said = y[i] if padded else torch.cat([y[k, : lengths[k]] for k in i])
        return criterion(net(x[i]).transpose(0, 1), said, torch.full((16,), 12), lengths[i])

    found = train(loss, net)
    named = [cause for cause in found.causes if cause.id == "labels_out_of_range"]
    assert bool(named) is faulty, found.text()
    if faulty:
        assert "its blank" in named[0].evidence and "CTCLoss(" in named[0].lines[0].text


@pytest.mark.parametrize("first", [0, 1])
def test_a_ctc_loss_of_one_example(first):
    """Its lengths are numbers, of no dimension."""
    x, y = torch.randn(64, 12, 4), torch.tensor([first, 3, 4]).repeat(64, 1)
    net = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 6), nn.LogSoftmax(-1))

    def loss(step):
        k = step % 64
        return F.ctc_loss(net(x[k]), y[k], torch.tensor(12), torch.tensor(3))

    found = train(loss, net)
    assert ("labels_out_of_range" in [c.id for c in found.causes]) is (first == 0), found.text()


@pytest.mark.parametrize("where", ["in the loop", "behind it"])
@pytest.mark.parametrize(
    "compared",
    ["by hand", "by a loss", "of one shape", "with one another", "with those of others"],
)
def test_an_evaluation_that_compares_each_output_with_all_targets(where, compared):
    """What it measures does not fall, though the training has the right shapes."""
    x = torch.randn(200, 3)
    y = x.sum(1)
    net = nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)

    def evaluate():
        some, out = y[150:], net(x[150:])
        if compared == "by a loss":
            return F.mse_loss(out, some)
        if compared == "with one another":
            some = out.squeeze(1)
        if compared == "with those of others":  # as each with each, for an area under a curve
            some, out = net(x[100:150]).squeeze(1), net(x[150:])
        return (((out.squeeze(1) if compared == "of one shape" else out) - some) ** 2).mean()

    with warnings.catch_warnings(action="ignore"):
        with watch(quiet=True, record=False, budget=0.1) as seen:
            for step in range(60):
                i = torch.randint(0, 150, (ROWS,))
                loss = F.mse_loss(net(x[i]).squeeze(1), y[i])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
                if where == "in the loop" and step % 20 == 0:
                    with torch.no_grad():
                        seen.validate(evaluate())
        if where == "behind it":
            with seen.using(), torch.no_grad():
                evaluate()
    found = [cause for cause in seen.diagnosis.causes if cause.id == "loss_broadcast"]
    assert bool(found) is (compared in ("by hand", "by a loss")), seen.diagnosis.text()
    for cause in found:
        assert cause.where == "the evaluation" and "(50, 1)" in cause.evidence
        assert "out" in cause.lines[0].text
