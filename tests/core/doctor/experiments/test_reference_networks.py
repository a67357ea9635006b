"""Networks of other sizes: trained on what a loop was seen to use, without touching it."""

import dataclasses
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from core import watch
from core.doctor.evidence import Evidence
from core.doctor.experiments import reference_networks
from core.doctor.experiments.baselines import baselines_of
from core.doctor.experiments.reference_forms import steps_of
from core.doctor.experiments.row_losses import (
    LossTask,
    row_losses,
    scores_of,
    targets_of,
    task_of,
)
from core.doctor.experiments.seen_data import SeenData, SeenExamples
from core.doctor.watch.build_graph import build_graph
from core.doctor.watch.recorder import TapeRecorder


def ring(count):
    """Points within a circle and around it: two lines do not tell them apart."""
    x = 1.5 * torch.randn(count, 2)
    return x, (x.norm(dim=1) < 1.5).long()


def trained(width, steps, budget):
    """Watch a loop with bare tensors; return it, its weights, and the next random number."""
    torch.manual_seed(3)
    x, y = ring(800)
    x_val, y_val = ring(300)
    w1, w2 = torch.randn(2, width).requires_grad_(), torch.randn(width, 2).requires_grad_()
    b1 = torch.zeros(width, requires_grad=True)
    with watch(quiet=True, record=False, budget=budget) as seen:
        for _ in range(steps):
            i = torch.randint(0, len(x), (64,))
            loss = F.cross_entropy(torch.tanh(x[i] @ w1 + b1) @ w2, y[i])
            for p in (w1, b1, w2):
                p.grad = None
            loss.backward()
            for p in (w1, b1, w2):
                p.data -= 0.3 * p.grad
            seen.step(loss)
    return seen, [w1, b1, w2], torch.rand(1), (x_val, y_val)


@pytest.fixture(scope="module")
def small():
    """A network of two units, settled."""
    return trained(2, 500, 2.0)


def comparison(seen):
    """What the doctor says of the comparison."""
    return next(x for x in seen.diagnosis.experiments if x.id == "reference_networks")


def test_a_network_of_two_units_is_too_small_for_a_ring(small):
    """The larger reference shows it on the validation data, and the picture has all of them."""
    seen, *_ = small
    done = comparison(seen)
    values = dict(done.values)
    assert done.passed is False and values["larger"] < 0.8 * values["own"] and values["is_new"]
    assert seen.diagnosis.verdict == "too_small" and "x_val" in done.measured
    names = done.picture.names
    assert names[0] == "yours" and any("4 x" in name for name in names)
    assert len(done.picture.series[0].y) == len(names)


class Ratings(nn.Module):
    """A vector for each user, one for each film, and their product."""

    def __init__(self, size):
        super().__init__()
        self.user, self.film = nn.Embedding(40, size), nn.Embedding(30, size)
        for table in (self.user, self.film):
            nn.init.normal_(table.weight, std=0.3)

    def forward(self, user, film):
        return (self.user(user) * self.film(film)).sum(-1)


@pytest.mark.parametrize("size", [1, 4])
def test_a_network_of_names_is_compared_with_others_of_names(size):
    """Users and films have four tastes; a network with one for each is too small."""
    torch.manual_seed(1)
    user, film = torch.randint(0, 40, (3000,)), torch.randint(0, 30, (3000,))
    taste = torch.randn(40, 4)[user] * torch.randn(30, 4)[film]
    rating = taste.sum(1) / 2 + 0.1 * torch.randn(3000)
    net = Ratings(size)
    optimizer = torch.optim.Adam(net.parameters(), 0.02)
    with watch(quiet=True, record=False, budget=8) as seen:
        for step in range(500):
            i = torch.randint(0, 2500, (128,))
            loss = F.mse_loss(net(user[i], film[i]), rating[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
            if step % 50 == 49:
                with torch.no_grad():
                    seen.validate(F.mse_loss(net(user[2500:], film[2500:]), rating[2500:]))
    done = comparison(seen)
    assert "An MLP of embeddings" in done.measured and "never drawn" in done.measured
    assert (seen.diagnosis.verdict == "too_small") is (size == 1)


def test_teacher_forcing_gives_no_reference():
    """What is to be written is among the inputs, and another network would copy it."""
    x = torch.randn(400, 5)
    y = ((x.sum(1, keepdim=True) > 0) + torch.arange(6) + torch.randint(0, 3, (400, 1))) % 9
    embed, gru = nn.Embedding(9, 8), nn.GRU(8, 16, batch_first=True)
    start, out = nn.Linear(5, 16), nn.Linear(16, 9)
    optimizer = torch.optim.Adam(
        [p for m in (embed, gru, start, out) for p in m.parameters()], 0.01
    )
    with watch(quiet=True, record=False, budget=2) as seen:
        for _ in range(60):
            i = torch.randint(0, 400, (32,))
            before = F.pad(y[i, :-1], (1, 0))
            states, _ = gru(embed(before), start(x[i])[None])
            loss = F.cross_entropy(out(states).flatten(0, 1), y[i].flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    assert "several inputs" in comparison(seen).measured


@pytest.mark.parametrize("penalised", [True, False])
def test_what_has_another_term_is_not_compared_with_what_has_none(penalised):
    """As a variational autoencoder: one without its divergence reconstructs better at any size."""
    x = torch.randn(400, 2) @ torch.randn(2, 8)
    into, out = nn.Linear(8, 4), nn.Linear(2, 8)
    optimizer = torch.optim.Adam([*into.parameters(), *out.parameters()], 0.01)
    with watch(quiet=True, record=False, budget=2) as seen:
        for _ in range(60):
            batch = x[torch.randint(0, 400, (32,))]
            mean, log_variance = into(batch).chunk(2, 1)
            latent = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
            loss = F.mse_loss(out(latent), batch)
            if penalised:
                divergence = mean.square() + log_variance.exp() - 1 - log_variance
                loss = loss + 0.1 * divergence.sum(1).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    done = comparison(seen)
    assert ("another term" in done.measured) is penalised, done.measured
    assert math.isnan(dict(done.values)["same"]) is penalised


def test_the_loop_keeps_its_weights_and_its_random_numbers(small):
    """As they are without any experiment."""
    _, weights, random, _ = small
    _, other, same, _ = trained(2, 500, 0.0)
    assert torch.equal(random, same)
    assert all(torch.equal(a, b) for a, b in zip(weights, other, strict=True))


def test_it_says_why_where_nothing_can_be_compared():
    """Of a training that is not supervised."""
    evidence = Evidence(torch.zeros(0).numpy(), torch.zeros(0).numpy(), [])
    reference_networks.compare_networks(None, None, evidence, (1.0, 1.0), math.inf)
    done = evidence.experiments["reference_networks"]
    assert done.passed is None and "not supervised" in done.measured


def test_what_more_steps_bring_is_known_where_other_networks_would_take_too_long(monkeypatch):
    """Its own losses, those of the copy that went on, and why the rest is missing."""
    monkeypatch.setattr(reference_networks, "MIN_STEPS", math.inf)
    seen, *_ = trained(8, 60, 2.0)
    done, values = comparison(seen), dict(comparison(seen).values)
    assert done.passed is None and "too long" in done.measured
    assert values["longer"] < 0.95 * values["own"] and math.isnan(values["larger"])
    assert seen.diagnosis.verdict == "undertrained" and "of a copy" in seen.diagnosis.sentence
    assert not any("size" in name for name in done.picture.names)


def test_steps_are_decided_by_sizes_and_not_by_the_clock():
    """Wider networks take fewer steps; so does a smaller budget."""
    form = reference_networks.Form("MLP", nn.Linear, lambda width: 1e4 * width, nn.Identity())
    few = steps_of(form, [100, 400], 10_000, 10.0)
    assert few < steps_of(form, [10, 40], 10_000, 10.0)
    assert few == 2 * steps_of(form, [100, 400], 10_000, 5.0) or few > 0
    longer = dataclasses.replace(form, positions=32)
    assert steps_of(longer, [1, 4], 10_000, 10.0) < steps_of(form, [1, 4], 10_000, 10.0)


def test_the_loss_of_each_row_is_that_of_the_loops_criterion():
    """Targets that are ignored do not count."""
    scores, targets = torch.randn(5, 4, 7), torch.randint(0, 7, (5, 4))
    targets[:, 3] = -1
    own = row_losses(LossTask("classes", "cross_entropy", 7, -1), scores, targets)
    wanted = F.cross_entropy(scores[:, :3].flatten(0, 1), targets[:, :3].flatten())
    assert own.mean() == pytest.approx(float(wanted), rel=1e-5)
    values, aims = torch.randn(5, 2), torch.randn(5, 2)
    squared = row_losses(LossTask("values", "mse_loss"), values, aims)
    assert squared.mean() == pytest.approx(float(F.mse_loss(values, aims)), rel=1e-5)
    absolute = row_losses(LossTask("values", "l1_loss"), values, aims)
    assert absolute.mean() == pytest.approx(float(F.l1_loss(values, aims)), rel=1e-5)


WEIGHTS = torch.tensor([1.0, 5.0, 0.5])


@pytest.mark.parametrize(
    ("loss", "targets"),
    [
        (nn.CrossEntropyLoss(WEIGHTS), torch.arange(12) % 3),
        (nn.CrossEntropyLoss(WEIGHTS, ignore_index=0), torch.arange(12) % 4 % 3),
        (nn.CrossEntropyLoss(label_smoothing=0.1), torch.arange(12) % 3),
        (nn.CrossEntropyLoss(WEIGHTS, label_smoothing=0.2), torch.arange(12) % 3),
        (nn.BCEWithLogitsLoss(pos_weight=WEIGHTS), (torch.arange(36) % 5 < 1).view(12, 3).float()),
        (nn.BCEWithLogitsLoss(), (torch.arange(36) % 5 < 1).view(12, 3).float()),
    ],
)
def test_weights_and_smoothing_of_classes_count_in_the_loss_of_each_row(loss, targets):
    """As in the loop's own, so that other networks are judged by what it lowers."""
    w = torch.randn(4, 3, requires_grad=True)
    with TapeRecorder() as recorder:
        wanted = loss(scores := torch.linspace(-2, 2, 48).view(12, 4) @ w, targets)
        wanted.backward()
    task = task_of(build_graph(recorder.tape, [w]))
    aims = targets_of(task, targets.view(12, -1))
    own = row_losses(task, scores_of(task, scores.detach(), 12), aims)
    counted = (aims != task.ignored).any(1)
    assert float(own[counted].mean()) == pytest.approx(wanted.item(), rel=1e-5)


def test_the_frequency_of_weighted_classes_is_weighted():
    """The best guess without an input has the lowest loss, also where one class counts more."""
    x, y = torch.randn(200, 2), (torch.arange(200) % 10 == 0).long()
    examples = SeenExamples((x, y), x, y[:, None])
    data = SeenData((x, y), examples, examples, True, "x_val")
    task = LossTask("classes", "cross_entropy", 2, weights=torch.tensor([0.1, 0.9]))
    guess = baselines_of(task, data)["class frequency"]
    shares = torch.linspace(0.01, 0.99, 99)
    tried = [
        float(row_losses(task, torch.stack([1 - p, p]).log().expand(200, 1, 2), y[:, None]).mean())
        for p in shares
    ]
    assert guess == pytest.approx(min(tried), rel=0.01)


def test_weights_of_examples_are_not_known_for_new_ones():
    """It says so."""
    w = torch.randn(4, 1, requires_grad=True)
    with TapeRecorder() as recorder:
        each, ones = torch.rand(12, 1), torch.ones(12, 1)
        F.binary_cross_entropy_with_logits(torch.randn(12, 4) @ w, ones, each).backward()
    with pytest.raises(ValueError, match="weights of their own"):
        task_of(build_graph(recorder.tape, [w]))


def spirals(count):
    """Two arms around one another, one and a half turns."""
    r, y = torch.rand(count), torch.randint(0, 2, (count,))
    turn = 3 * math.pi * r + math.pi * y
    return torch.stack([r * turn.cos(), r * turn.sin()], 1) + 0.01 * torch.randn(count, 2), y


def test_where_neighbours_are_far_better_deeper_networks_train_for_longer():
    """In the steps that the others have, they learn nothing of spirals."""
    torch.manual_seed(0)
    x, y = spirals(1200)
    xv, yv = spirals(300)
    net = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2))
    optimizer = torch.optim.Adam(net.parameters(), 0.02)
    with watch(quiet=True, record=False, budget=15) as seen:
        for _ in range(300):
            i = torch.randint(0, len(x), (64,))
            loss = F.cross_entropy(net(x[i]), y[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    assert len(xv) == len(yv)  # they are found among the variables
    done = comparison(seen)
    values = dict(done.values)
    assert "Deeper, and trained for longer" in done.measured
    assert any("16 x" in name for name in done.picture.names)
    assert values["larger"] < 0.3 * min(values["own"], values["same"]) and values["times"] == 16
    assert seen.diagnosis.verdict == "too_small" and "sixteen" in seen.diagnosis.sentence


@pytest.mark.parametrize(
    ("neighbours", "own", "larger", "far"),
    [
        (0.03, 0.5, 0.4, True),
        (0.3, 0.5, 0.4, False),
        (0.1, 0.11, 0.4, False),
        (0.1, 0.5, 0.12, False),
    ],
)
def test_neighbours_have_to_be_far_better_than_any_network(neighbours, own, larger, far):
    """Where the loop or one of another size comes near, these were trained well enough."""
    losses = [torch.full((3,), own), torch.full((3,), larger)]
    baselines = {"class frequency": 0.69, "nearest neighbours": neighbours}
    assert reference_networks._is_far_below(baselines, losses) is far
    assert not reference_networks._is_far_below({}, losses)


@pytest.mark.parametrize(
    ("longer", "baseline", "learns"),
    [
        *((0.9, 0.2, True), (0.95, 0.2, False), (0.95, 0.7, True)),
        *((0.99, 0.95, False), (None, 0.2, False)),
    ],
)
def test_time_comes_before_size_where_a_copy_that_went_on_is_clearly_lower(
    longer, baseline, learns
):
    """As of a head behind frozen layers that was stopped early: no deeper network is asked.

    What is hardly on its way to a baseline far below does not get there by time alone.
    """
    losses = {} if longer is None else {"longer": torch.full((9,), longer)}
    baselines = {"nearest neighbours": baseline}
    assert reference_networks._still_learns(torch.ones(9), losses, baselines) is learns
