"""Several processes that train one network together, as ``torchrun`` starts them.

Each process draws the same batch, learns from its share of it, and DistributedDataParallel averages
the gradients: a step is that of one process with the whole batch, within rounding. Rank 0 leads:
it broadcasts the run's progress before each step, evaluates, and writes the record; the others
follow until it dismisses them.
"""

import os

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from ..errors import UserError


class ProcessGroup:
    """The processes that train one network together, as one of them has it.

    Attributes:
        rank: which one this is; 0 leads.
        size: how many there are.
    """

    def __init__(self, device: torch.device) -> None:
        cuda = device.type == "cuda"
        if cuda:
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        dist.init_process_group("nccl" if cuda else "gloo")
        self.rank, self.size = dist.get_rank(), dist.get_world_size()
        self._device = torch.device("cuda") if cuda else torch.device("cpu")

    @staticmethod
    def started() -> bool:
        """Whether this process was started as one of several."""
        return int(os.environ.get("WORLD_SIZE", "1")) > 1

    @staticmethod
    def follows() -> bool:
        """Whether this process is to follow another one."""
        return ProcessGroup.started() and os.environ.get("RANK", "0") != "0"

    def wrap(self, model: nn.Module) -> nn.Module:
        """Return the model in a form whose backward pass averages the gradients of all."""
        return DistributedDataParallel(model)

    def check(self, batch_size: int) -> None:
        """Check that a batch can be split evenly.

        Raises:
            UserError: it can't.
        """
        if batch_size % self.size:
            raise UserError(
                f"A batch of {batch_size} can't be shared evenly by {self.size} processes; set"
                f" batch_size to a multiple of {self.size}."
            )

    def share(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Return this process's shard of a batch."""
        inputs, targets = batch
        return inputs[self.rank :: self.size], targets[self.rank :: self.size]

    def mean(self, value: Tensor) -> Tensor:
        """Return the mean of a number over all processes."""
        total = value.detach().clone()
        dist.all_reduce(total)
        return total / self.size

    def lead(self, progress: float) -> None:
        """Have the others do a step, too, at this part of the run, 0 to 1."""
        dist.broadcast(self._message(progress), 0)

    def follow(self) -> float | None:
        """Wait for the next step; returns the part of the run, or None when there is none."""
        message = self._message(0.0)
        dist.broadcast(message, 0)
        progress = float(message)
        return None if progress < 0 else progress

    def dismiss(self) -> None:
        """Tell the others that there are no more steps."""
        self.lead(-1.0)

    def _message(self, progress: float) -> Tensor:
        return torch.tensor(progress, dtype=torch.float64, device=self._device)

    def leave(self) -> None:
        """Leave the group of processes."""
        dist.destroy_process_group()
