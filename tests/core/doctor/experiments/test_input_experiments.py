"""What a network makes of other inputs, and of labels that belong to others."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from glassbox import watch


@pytest.mark.parametrize("sorted_by_class", [True, False])
def test_equal_labels_are_not_shuffled(sorted_by_class):
    """A batch of one class is the same afterwards, whatever was learned."""
    net, y = nn.Linear(4, 3), torch.arange(3).repeat_interleave(32)
    x = torch.randn(96, 4) + F.one_hot(y, 4)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with watch(quiet=True, record=False, budget=0.3) as seen:
        for step in range(24):
            i = torch.arange(32 * (step % 3), 32 * (step % 3) + 32)
            i = i if sorted_by_class else torch.randint(0, 96, (32,))
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x[i]), y[i])
            loss.backward()
            optimizer.step()
            seen.step(loss)
    tried = {done.id: done for done in seen.diagnosis.experiments}
    words = "With shuffled labels the loss is"
    assert tried["labels_exchanged"].measured.startswith(words) is not sorted_by_class
    assert (tried["labels_exchanged"].passed is None) is sorted_by_class
