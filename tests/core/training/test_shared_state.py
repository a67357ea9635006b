"""What jobs that take turns keep apart: random numbers of every device, and threads."""

import torch

from core.training.shared_state import RandomState, SharedState


def test_random_numbers_and_threads_are_as_they_were():
    """Whatever another job draws and sets in between."""
    torch.set_num_threads(2)
    kept, expected = SharedState.take(), torch.rand(5)
    torch.set_num_threads(1)
    torch.rand(99)
    kept.restore()
    assert torch.equal(torch.rand(5), expected) and torch.get_num_threads() == 2


def test_those_of_an_apple_gpu_are_kept_apart_too(monkeypatch):
    """Torch's own functions, on a generator that stands in for the one of that GPU."""
    generator = torch.Generator()
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.mps, "_default_mps_generator", generator)
    kept = RandomState.take()
    expected = torch.rand(5, generator=generator)
    torch.rand(99, generator=generator)
    kept.restore()
    assert torch.equal(torch.rand(5, generator=generator), expected)
