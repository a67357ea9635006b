"""The batches of a training: every example once an epoch, in an order that the seed decides."""

import torch
from torch import Tensor


class Batches:
    """An endless sequence of batches of indices, whose state can be saved and restored.

    Attributes:
        generator: the run's random numbers, for the order and for augmentation.
        epoch: how many epochs are complete.
    """

    def __init__(self, count: int, batch_size: int, seed: int, device: torch.device) -> None:
        self.size = min(batch_size, count)
        self.epoch = 0
        self.generator = torch.Generator(device).manual_seed(seed)
        self._count = count
        self._order = self._shuffle()
        self._position = 0

    def _shuffle(self) -> Tensor:
        device = self.generator.device
        return torch.randperm(self._count, generator=self.generator, device=device)

    def next(self) -> Tensor:
        """Return the indices of the next batch (B,); what is left of an epoch is dropped."""
        if self._position + self.size > self._count:
            self._order, self._position = self._shuffle(), 0
            self.epoch += 1
        start = self._position
        self._position += self.size
        return self._order[start : self._position]

    def state(self) -> dict[str, Tensor]:
        """Return its state as tensors."""
        place = torch.tensor([self.epoch, self._position])
        return {"generator": self.generator.get_state(), "order": self._order, "place": place}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Restore a :meth:`state` (of the same data and batch size).

        Raises:
            KeyError, RuntimeError, TypeError, ValueError: it is not such a state.
        """
        order, (epoch, position) = state["order"], (int(n) for n in state["place"])
        every = torch.arange(self._count)
        if order.dtype != torch.int64 or not torch.equal(order.cpu().sort().values, every):
            raise ValueError("the order is not one of these examples")
        if not 0 <= position <= self._count:
            raise ValueError("the place is outside of the order")
        self.generator.set_state(state["generator"].cpu())
        self._order = order.to(self.generator.device)
        self.epoch, self._position = epoch, position
