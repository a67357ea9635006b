"""Loops without labels, or whose targets are made by a network: what is wrong stands first."""

import copy
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from core import watch
from core.doctor.watch.build_graph import build_graph
from core.doctor.watch.pairs import labelled_pairs, loss_of_one_distance, pushed_although_alike
from core.doctor.watch.recorder import TapeRecorder

ROWS = 32


@pytest.fixture(autouse=True)
def seeded():
    """The same numbers each time."""
    torch.manual_seed(0)


def train(make_loss, parameters, **options):
    """Train, and return the id of the first cause; ""."""
    causes = causes_of(make_loss, parameters, **options)
    return causes[0].id if causes else ""


def causes_of(make_loss, parameters, *, steps=150, lr=5e-3, named=(), behind=lambda step: None):
    """Train, and return the causes that were found."""
    optimizer = torch.optim.Adam(parameters, lr=lr)
    with watch(*named, quiet=True, record=False, budget=0.4) as seen:
        for step in range(steps):
            loss = make_loss()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            behind(step)
            seen.step(loss)
    return seen.diagnosis.causes


@pytest.fixture
def groups():
    """Examples of five groups, and of which one each is."""
    y = torch.randint(0, 5, (500,))
    return 3 * torch.randn(5, 16)[y] + torch.randn(500, 16), y


@pytest.mark.parametrize("compared", ["cosine", "by keyword", "distance"])
@pytest.mark.parametrize("apart", [False, True])
def test_partners_that_are_only_pulled_together(groups, compared, apart):
    """Two views of each example: without others, or a stop-gradient, all become one."""
    x, _ = groups
    encoder = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 8))

    def loss():
        batch = x[torch.randint(0, 500, (ROWS,))]
        a, b = (encoder(batch + 3 * torch.randn_like(batch)) for _ in range(2))
        if compared != "distance":
            named = compared == "by keyword"
            near = 1 - (F.cosine_similarity(x1=a, x2=b) if named else F.cosine_similarity(a, b))
            far = F.cosine_similarity(a, b.roll(1, 0))
        else:
            near, far = (a - b).square().sum(1), F.relu(8 - (a - b.roll(1, 0)).square().sum(1))
        return (near + far).mean() if apart else near.mean()

    assert train(loss, encoder.parameters()) == ("" if apart else "collapse")


@pytest.mark.parametrize("written", ["own", "torch"])
@pytest.mark.parametrize("swapped", [True, False])
def test_triplets(groups, written, swapped):
    """The one of the same group is to be nearer than another one."""
    x, y = groups
    of = [torch.nonzero(y == k).flatten() for k in range(5)]
    encoder = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))

    def some(labels):
        return x[torch.stack([of[k][torch.randint(len(of[k]), ())] for k in labels.tolist()])]

    def loss():
        k = torch.randint(0, 5, (ROWS,))
        other = (k + torch.randint(1, 5, (ROWS,))) % 5
        a, p, n = (encoder(some(labels)) for labels in (k, k, other))
        p, n = (n, p) if swapped else (p, n)
        if written == "torch":
            near, far = F.pairwise_distance(a, p), F.pairwise_distance(a, n)
        else:
            near, far = (a - p).square().sum(1), (a - n).square().sum(1)
        return F.relu(near - far + 1).mean()

    cause = train(loss, encoder.parameters(), steps=150)
    assert cause == ("wrong_loss" if swapped else "")


def of_the_same(x, y, count, hard=False, drawn=False):
    """Pairs of examples, and whether both are of one group; or the nearest of other groups."""
    i, j = torch.randint(0, 500, (2, count))
    same = torch.rand(count) < 0.5 if drawn else torch.arange(count) % 2 == 0
    apart = torch.cdist(x[i], x)
    apart = apart.masked_fill(y[i, None] == y, math.inf) if hard else torch.rand(count, 500)
    j = torch.where(same, (torch.rand(count, 500) * (y[i, None] == y)).argmax(1), j)
    other = (torch.rand(count, 500) * (y[i, None] != y)).argmax(1)
    j = torch.where(same, j, apart.argmin(1) if hard else other)
    return x[i], x[j], same.float()


PAIRS = (
    "by distance",
    "by norm",
    "by halves",
    "by cosine",
    "picked by a mask",
    "by a layer",
    "just begun",
)


@pytest.mark.parametrize(
    ("written", "swapped"),
    [(way, swapped) for way in (*PAIRS, "hard", "drawn") for swapped in (True, False)],
)
def test_labels_of_pairs_that_mean_the_other_to_the_loss(groups, written, swapped):
    """A 1 is the same pair here, and a pair to be pushed apart there."""
    x, y = groups
    encoder = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 8))
    last = nn.Linear(8, 1)

    def loss():
        ours, theirs, same = of_the_same(x, y, 64, written == "hard", written == "drawn")
        a, b = encoder(ours), encoder(theirs)
        if written == "by halves":
            a, b = encoder(torch.cat([ours, theirs])).chunk(2)
        near = 1 - same if swapped else same
        if written in ("by a layer", "just begun"):  # which learns what a label means
            return F.binary_cross_entropy_with_logits(last((a - b).abs())[:, 0], near)
        if written == "by cosine":
            cosine = F.cosine_similarity(a, b)
            return (near * (1 - cosine) + (1 - near) * F.relu(cosine - 0.2)).mean()
        apart = F.pairwise_distance(a, b) if written == "by distance" else (a - b).norm(dim=1)
        if written == "picked by a mask":
            pulled, pushed = apart[near > 0], apart[near == 0]
            return pulled.square().sum() / 64 + F.relu(2 - pushed).square().sum() / 64
        return (near * apart.square() + (1 - near) * F.relu(2 - apart).square()).mean()

    of_layer = written in ("by a layer", "just begun")
    parameters = [*encoder.parameters(), *(last.parameters() if of_layer else ())]
    causes = causes_of(loss, parameters, steps=20 if written == "just begun" else 150)
    wrong = swapped and not of_layer
    assert [cause.id for cause in causes[:1]] == ["wrong_loss"] * wrong
    made = written != "drawn"  # what was drawn says nothing by itself: its loss may be at fault
    assert not wrong or "torch.arange(count) % 2 == 0" in causes[0].lines[0 if made else 1].text


@pytest.mark.parametrize("labelled", ["by classes", "by classes, the other way", "by cameras, too"])
def test_classes_of_a_table_say_which_partners_are_alike(labelled):
    """However far they are: of those that are near, and of other classes, none is told."""
    encoder, x = nn.Linear(4, 3), torch.randn(40, 4)
    i, j = torch.arange(20), torch.arange(20, 40)
    classes, cameras = torch.zeros(40).long(), torch.zeros(40).long()
    classes[20:30], cameras[30:] = 1, 1
    x[20:30] += 3.0  # pairs of one class are nearer than those of two
    with TapeRecorder() as recorder:
        same = (classes[i] == classes[j]).float()
        if labelled == "by cameras, too":
            assert not (cameras[i] == cameras[j]).all()
        if labelled == "by classes, the other way":
            same = 1 - same
        apart = F.pairwise_distance(encoder(x[i]), encoder(x[j]))
        ((1 - same) * apart.square() + same * F.relu(9 - apart).square()).mean().backward()
    found = pushed_although_alike(build_graph(recorder.tape, list(encoder.parameters())))
    told = found[0] if found else ""
    assert ("are of one class" in told) is (labelled == "by classes"), told


def test_where_labels_meet_distances_is_known_of_a_step_that_shows_nothing():
    """Its line is that of the cause, which other steps have shown."""
    encoder, x = nn.Linear(4, 3), torch.randn(40, 4)
    same = (torch.arange(20) % 2).float()
    with TapeRecorder() as recorder:
        apart = F.pairwise_distance(encoder(x[:20]), encoder(x[20:]))
        (same * apart.square() + (1 - same) * F.relu(2 - apart).square()).mean().backward()
    graph = build_graph(recorder.tape, list(encoder.parameters()))
    (pairs,) = labelled_pairs(graph)
    assert pushed_although_alike(graph) is None
    # Half of them at a distance d: (d**2 + (2 - d)**2) / 2 is lowest where d is 1.
    assert loss_of_one_distance(graph) == pytest.approx(1.0, rel=0.01)
    assert (pairs.pull, pairs.push) == (1.0, 0.0) and pairs.met.name == "mul"


@pytest.mark.parametrize(("left_out", "cause"), [("times 0", "collapse"), ("by inf", "")])
def test_the_nearest_of_another_group(groups, left_out, cause):
    """Those of its own group are left out of a batch; of the farthest one a zero is none."""
    x, y = groups
    encoder = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))

    def loss():
        i = torch.randperm(500)[:ROWS]
        e = F.normalize(encoder(x[i]), dim=1)
        apart = (2 - 2 * e @ e.T).clamp(min=1e-8).sqrt()
        same = y[i, None] == y[i]
        if left_out == "times 0":
            nearest = (apart * (~same).float()).min(1).values
        else:
            nearest = apart.masked_fill(same, math.inf).min(1).values
        return F.relu((apart * same.float()).max(1).values - nearest + 0.3).mean()

    assert train(loss, encoder.parameters()) == cause


def test_maps_that_a_mask_hides_in_part_and_that_begin_at_0(groups):
    """Their least value is the zero of the mask, and is meant to be."""
    x, y = groups
    network, last = nn.Linear(16, 16), nn.Linear(16, 4)
    mask = (torch.arange(16) % 3 > 0).float()

    def loss():
        i = torch.randperm(500)[:ROWS]
        h = network(x[i]).sigmoid() * mask
        low, high = h.amin(1, keepdim=True), h.amax(1, keepdim=True)
        return F.cross_entropy(last((h - low) / (high - low)), y[i] % 4)

    assert train(loss, [*network.parameters(), *last.parameters()]) != "collapse"


@pytest.mark.parametrize("pushed", [True, False])
def test_all_pairs_of_a_batch_by_a_matrix_product(groups, pushed):
    """Each view is to be nearer to its own partner than to those of the others."""
    x, _ = groups
    encoder = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 8))

    def loss():
        batch = x[torch.randperm(500)[:ROWS]]
        a, b = (F.normalize(encoder(batch + torch.randn_like(batch)), dim=1) for _ in range(2))
        if pushed:
            return F.cross_entropy(5 * a @ b.T, torch.arange(ROWS))
        return (1 - a @ b.T).mean()

    assert train(loss, encoder.parameters(), steps=400) == ("" if pushed else "collapse")


@pytest.mark.parametrize("volumes", ["added", "subtracted", "overwritten", "of the way back, too"])
def test_the_log_determinant_of_a_flow(volumes):
    """Points of a curve, by two coupling layers and their change of volume."""
    angle = 3.14 * torch.rand(1000)
    points = torch.stack([angle.cos(), angle.sin()], 1) + 0.05 * torch.randn(1000, 2)
    nets = nn.ModuleList(
        nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 2)) for _ in range(2)
    )

    def loss():
        a, b = points[torch.randint(0, 1000, (64,))].chunk(2, 1)
        volume = 0.0
        for net in nets:
            scale, shift = net(a).chunk(2, 1)
            a, b = torch.cat([b * scale.exp() + shift, a], 1).chunk(2, 1)
            volume = scale.sum(1) + (0.0 if volumes == "overwritten" else volume)
        likelihood = -0.5 * torch.cat([a, b], 1).square().sum(1)
        again = 0.0
        for net in reversed(nets) if volumes == "of the way back, too" else ():
            scale, shift = net(b).chunk(2, 1)
            a, b = torch.cat([b, (a - shift) * (-scale).exp()], 1).chunk(2, 1)
            assert (-scale.sum(1)).isfinite().all()  # looked at, and no part of the loss
            again = (torch.cat([a, b], 1) - points.mean()).mean() * 1e-3
        likelihood = likelihood - volume if volumes == "subtracted" else likelihood + volume
        return -likelihood.mean() + again

    wrong = volumes in ("subtracted", "overwritten")
    assert train(loss, nets.parameters(), steps=80) == ("wrong_loss" if wrong else "")


@pytest.mark.parametrize("weight", [30.0, 0.01])
def test_a_penalty_on_codes_for_whose_sake_inputs_are_ignored(groups, weight):
    """A variational autoencoder, whose KL term is far too strong."""
    x = (groups[0] - groups[0].mean()) / groups[0].std()
    encoder, decoder = nn.Linear(16, 8), nn.Linear(4, 16)

    def loss():
        batch = x[torch.randint(0, 500, (ROWS,))]
        mean, log_var = encoder(batch).chunk(2, 1)
        restored = decoder(mean + (log_var / 2).exp() * torch.randn_like(mean))
        divergence = 0.5 * (mean.square() + log_var.exp() - 1 - log_var).sum(1)
        return F.mse_loss(restored, batch) + weight * divergence.mean()

    parameters = [*encoder.parameters(), *decoder.parameters()]
    cause = train(loss, parameters, steps=250, lr=1e-2)
    assert cause == ("regulariser_dominates" if weight > 1 else "")


@pytest.mark.parametrize("held", [False, True])
def test_a_copy_whose_values_are_detached(groups, held):
    """It is given weights, and trained by no gradient; unless an optimiser holds it in vain."""
    x, _ = groups
    online, target = (nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 4)) for _ in "ab")
    target.load_state_dict(online.state_dict())

    def loss():
        batch = x[torch.randint(0, 500, (ROWS,))]
        wanted = batch[:, :4] + 0.5 * target(batch.roll(1, 0)).detach()
        return F.mse_loss(online(batch), wanted)

    def behind(step):
        if step % 25 == 24:
            target.load_state_dict(online.state_dict())

    parameters = [*online.parameters(), *(target.parameters() if held else ())]
    cause = train(loss, parameters, steps=60, named=(online, target), behind=behind)
    assert (cause == "parameter_not_trained") == held


@pytest.mark.parametrize("synced", [True, False])
def test_a_target_network(synced):
    """Values of a walk along eight places, by those of a copy of the network."""
    place, move = torch.randint(0, 7, (2000,)), torch.randint(0, 2, (2000,))
    after = (place + 2 * move - 1).clamp(0, 7)
    values = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
    target = copy.deepcopy(values).requires_grad_(False)
    eye = torch.eye(8)

    def loss():
        i = torch.randint(0, 2000, (ROWS,))
        with torch.no_grad():
            best = target(eye[after[i]]).max(1).values
            wanted = (after[i] == 7).float() + 0.8 * best * (after[i] != 7)
        return F.mse_loss(values(eye[place[i]]).gather(1, move[i, None])[:, 0], wanted)

    def behind(step):
        if synced and step % 20 == 19:
            target.load_state_dict(values.state_dict())

    named = (values, target)
    cause = train(loss, values.parameters(), steps=220, named=named, behind=behind)
    assert cause == ("" if synced else "stale_target")
