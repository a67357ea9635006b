"""Which parameters a class makes as constants."""

import pytest
import torch
from torch import nn

from core.doctor.watch.constants import made_constant


class _Waves(nn.Module):
    """Has constants in all ways in which they are written, and weights that are frozen later."""

    def __init__(self) -> None:
        super().__init__()
        self.freq = nn.Parameter(2.0 ** torch.arange(6), requires_grad=False)
        self.table = torch.nn.Parameter(torch.zeros(9, 4), False)
        self.scale: nn.Parameter = nn.Parameter(torch.ones(1), requires_grad=False)
        self.turned = nn.Parameter(torch.randn(2, 6)).requires_grad_(False)
        self.register_parameter("shift", nn.Parameter(torch.zeros(3), requires_grad=False))
        self.weight = nn.Parameter(torch.randn(4, 4))
        self.told = nn.Parameter(torch.randn(4, 4), requires_grad=True)
        self.layer = nn.Linear(4, 4)
        self.weight.requires_grad = False


class _Deeper(_Waves):
    """Makes none itself."""


@pytest.mark.parametrize("kind", [_Waves, _Deeper])
def test_what_is_made_without_a_gradient_is_a_constant(kind):
    """Also where the network is frozen as a whole: of that its other weights say nothing."""
    net = nn.Sequential(kind(), nn.Linear(4, 4)).requires_grad_(False)
    names = {id(p): name for name, p in net.named_parameters()}
    found = sorted(names[key] for key in made_constant([net]))
    assert found == ["0.freq", "0.scale", "0.shift", "0.table", "0.turned"]


def test_what_is_trained_all_the_same_is_none():
    """As where it is told so later."""
    assert not made_constant([_Waves().requires_grad_(True)])
