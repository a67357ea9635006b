"""Why an experiment on a step could not be tried, and copies that one is tried on."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from core.doctor.experiments.replay import REPLAY_ERRORS, copy_of, reason
from core.doctor.watch.tape import tensors_in

SHAPES = "the shapes of its tensors do not fit"


def _two_inputs():
    nn.Linear(2, 3)(torch.ones(1, 2), torch.ones(1, 2))


def _no_rows():
    _, _, _ = torch.ones(2, 3).shape


def _freed():
    loss = (torch.ones(2, requires_grad=True) ** 2).sum()
    loss.backward()
    loss.backward()


@pytest.mark.parametrize(
    ("attempt", "words"),
    [
        (lambda: torch.ones(2).sum().backward(), "its loss depends on no weight that is trained"),
        (_two_inputs, "the network takes other arguments than the inputs that were seen"),
        (_no_rows, SHAPES),
        (lambda: torch.ones(2, 3) @ torch.ones(2, 3), SHAPES),
        (lambda: torch.ones(2, 3) + torch.ones(2), SHAPES),
        (lambda: torch.ones(6).view(4, 2), SHAPES),
        (lambda: torch.ones(2).sum(3), SHAPES),
        (lambda: len(torch.tensor(1.0)), SHAPES),
        (lambda: nn.Embedding(3, 2)(torch.tensor([7])), "a label or token is none of those"),
        (lambda: F.cross_entropy(torch.ones(2, 3), torch.tensor([1])), SHAPES),
        (_freed, "a part of its graph was freed by an earlier backward pass"),
        (lambda: torch.linalg.cholesky(-torch.eye(2)), "torch says: linalg.cholesky: The"),
        (lambda: torch.ones(2).missing, "Python says: 'Tensor' object has no attribute"),
    ],
)
def test_an_error_of_torch_is_told_in_words(attempt, words):
    """Where its kind is known; else it is said whose words these are."""
    with pytest.raises(REPLAY_ERRORS) as caught:
        attempt()
    assert reason(caught.value).startswith(words)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("only 2 batches of one shape were kept"), "only 2 batches of one shape"),
        (ValueError("outputs and targets have different shapes"), "outputs and targets have"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "there is not enough memory"),
        (RuntimeError("odd.\nand more"), "torch says: odd"),
        (NotImplementedError(), "torch says: NotImplementedError"),
    ],
)
def test_what_the_doctor_itself_says_stays(error, words):
    """Its sentences need no other words."""
    assert reason(error).startswith(words) and "\n" not in reason(error)


class _Remembering(nn.Module):
    """Keeps what it said last: a tensor, several ones, or none that has a graph."""

    def __init__(self, how):
        super().__init__()
        self.layer, self.how, self.seen = nn.Linear(3, 2), how, None

    def forward(self, x):
        out = self.layer(x)
        self.seen = self.how(out)
        return out


@pytest.mark.parametrize(
    "how",
    [
        lambda out: out.tanh(),
        lambda out: {"maps": [out, out * 2]},
        torch.Tensor.detach,
        lambda out: None,
    ],
)
def test_a_network_that_keeps_results_of_its_step_is_copied(how):
    """Their numbers come along, their graph does not; the network itself stays as it was."""
    network = nn.Sequential(_Remembering(how), nn.BatchNorm1d(2))
    loss = network(torch.ones(4, 3)).square().sum()
    copied = copy_of(network)
    kept, mine = ([*tensors_in(vars(part[0])["seen"])] for part in (copied, network))
    assert all(torch.equal(a, b) and a is not b for a, b in zip(kept, mine, strict=True))
    assert not any(t.requires_grad for t in kept)
    loss.backward()
    assert network[0].layer.weight.grad is not None and copied[0].layer.weight.grad is None
    assert torch.equal(copied(torch.ones(4, 3)), network(torch.ones(4, 3)))
