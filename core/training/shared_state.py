"""What all computations of a thread share in torch: kept apart for jobs that take turns."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class RandomState:
    """Where the random numbers of every device stand.

    Attributes:
        cpu: of the CPU.
        cuda: of each CUDA device; none where CUDA was not used yet.
        mps: of Apple's GPU; None where there is none.
    """

    cpu: Tensor
    cuda: list[Tensor]
    mps: Tensor | None

    @classmethod
    def take(cls) -> "RandomState":
        """Return where they stand now."""
        cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
        mps = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None
        return cls(torch.get_rng_state(), cuda, mps)

    def restore(self) -> None:
        """Let them go on from here."""
        torch.set_rng_state(self.cpu)
        if self.cuda:
            torch.cuda.set_rng_state_all(self.cuda)
        if self.mps is not None:
            torch.mps.set_rng_state(self.mps)


@dataclass(frozen=True)
class SharedState:
    """The random numbers and the number of threads, as one job left them.

    A run that stands still while another one is trained goes on as if it had been alone: its
    dropout draws the same numbers.
    """

    random: RandomState
    threads: int

    @classmethod
    def take(cls) -> "SharedState":
        """Return what it is now."""
        return cls(RandomState.take(), torch.get_num_threads())

    def restore(self) -> None:
        """Make it as it was."""
        self.random.restore()
        if torch.get_num_threads() != self.threads:
            torch.set_num_threads(self.threads)
