"""The sign of a policy's loss, from one step of a bandit."""

import pytest
import torch
from torch import nn

from core.doctor.watch.build_graph import build_graph
from core.doctor.watch.policy_wiring import unlearns_rewards
from core.doctor.watch.recorder import TapeRecorder
from core.doctor.watch.variables import find_variables


@pytest.mark.parametrize(
    ("form", "name", "wrong"),
    [
        ("minus", "reward", False),
        ("plus", "reward", True),
        ("plus", "cost", False),
        ("cross entropy", "reward", False),
        ("minus cross entropy", "reward", True),
        ("minus clipped ratio", "advantage", False),
        ("clipped ratio", "advantage", True),
    ],
)
def test_a_policy_is_to_do_more_often_what_is_rewarded(form, name, wrong):
    """A log-probability times the reward needs a minus; a cross-entropy has it, and costs none."""
    torch.manual_seed(0)
    policy, states = nn.Linear(4, 3), torch.randn(40, 4)
    given = torch.rand(40)
    with TapeRecorder() as recorder:
        logits = policy(states)
        actions = torch.randint(0, 3, (40,))
        chance = torch.distributions.Categorical(logits=logits).log_prob(actions)
        if "entropy" in form:
            chance = nn.functional.cross_entropy(logits, actions, reduction="none")
        if "ratio" in form:
            chance = (chance - chance.detach()).exp().clamp(0.8, 1.2)
        weighted = (chance * (given - given.mean())).mean()
        loss = -weighted if "minus" in form else weighted
        loss.backward()
    graph = build_graph(recorder.tape, list(policy.parameters()))
    found = unlearns_rewards(graph, find_variables([{name: given, "policy": policy}]))
    assert (found is not None) is wrong
