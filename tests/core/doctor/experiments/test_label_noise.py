"""Labels that contradict those of similar examples, of batches that are drawn again."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from core import watch
from core.doctor.diagnose import worth_comparing
from core.doctor.evidence import DataStats
from core.doctor.experiments.data_checks import _by_neighbours, _differ, _go_to_one
from tests.core.doctor.rules.helpers import evidence, falling


def test_examples_that_came_again_are_no_neighbours_of_their_own():
    """Each would vote for its own label, which says nothing of those that are merely similar."""
    torch.manual_seed(0)
    x, y = torch.randn(900, 32), torch.randint(0, 3, (900,))
    net = nn.Linear(32, 3)
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    with watch(quiet=True, record=False, budget=1) as seen:
        for _ in range(120):
            i = torch.randint(0, 900, (64,))
            loss = F.cross_entropy(net(x[i]), y[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    assert "labels_noisy" not in [cause.id for cause in seen.diagnosis.causes]
    (check,) = (check for check in seen.diagnosis.checks if check.id == "labels_noisy")
    assert check.passed is None, check.measured


@pytest.mark.parametrize("labels", ["parity", "drawn", "of one bit"])
def test_neighbours_that_are_wrong_more_often_than_by_chance_tell_a_rule(labels):
    """One bit away the parity is the other one; of labels that are drawn chance alone is left."""
    torch.manual_seed(0)
    bits = torch.randperm(1024)[:, None] >> torch.arange(10) & 1
    drawn = torch.randint(0, 2, (1024,))
    aims = {"parity": bits.sum(1) % 2, "drawn": drawn, "of one bit": bits[:, 3]}[labels]
    found = _by_neighbours(bits.float(), aims)
    assert (found["predictability"] > 0.3) is (labels != "drawn")
    assert math.isnan(found["label_noise"]) or labels != "parity"


@pytest.mark.parametrize(("end", "asked"), [(0.1, True), (0.69, False)])
@pytest.mark.parametrize(("noise", "predictability"), [(0.0, 0.0), (0.4, 0.5)])
def test_what_was_learned_is_asked_of_other_networks(end, asked, noise, predictability):
    """By heart or by a rule; nothing was learned of labels that are shuffled in each step."""
    stats = DataStats(label_noise=noise, predictability=predictability, entropy=0.69)
    assert worth_comparing(evidence(losses=falling(end=end), data=stats)) is asked


def test_labels_that_are_wrong_at_random_spare_no_class():
    """Two classes that are hard to tell apart are contradicted alone."""
    voted, by_chance = torch.arange(90) % 3, torch.arange(90) // 3 % 5 == 0
    assert not _differ(voted, by_chance) and _differ(
        voted, (voted > 0) & (torch.arange(90) % 2 > 0)
    )


def test_classes_that_are_taken_for_one_other_are_hard_to_tell_apart():
    """Circles for diamonds of their colour; labels that are wrong at random are any."""
    voted = torch.arange(80) % 8
    at_random = (voted + 1 + torch.arange(80) // 8 % 7) % 8
    assert _go_to_one(voted, voted ^ 1) and not _go_to_one(voted, at_random)
    assert not _go_to_one(voted % 2, 1 - voted % 2)  # of two there is one other alone
    assert not _go_to_one(voted[:16], voted[:16] ^ 1)
