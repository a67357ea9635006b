"""What all computations of a thread share in torch: kept apart for jobs that take turns."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class SharedState:
    """The random numbers and the number of threads, as one job left them.

    A run that stands still while another one is trained goes on as if it had been alone: its
    dropout draws the same numbers.
    """

    random: Tensor
    devices: list[Tensor]
    threads: int

    @classmethod
    def take(cls) -> "SharedState":
        """Return what it is now."""
        devices = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
        return cls(torch.get_rng_state(), devices, torch.get_num_threads())

    def restore(self) -> None:
        """Make it as it was."""
        torch.set_rng_state(self.random)
        if self.devices:
            torch.cuda.set_rng_state_all(self.devices)
        if torch.get_num_threads() != self.threads:
            torch.set_num_threads(self.threads)
