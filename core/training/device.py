"""The device that a network is trained on, its precision, and the number of threads."""

import os

import torch
from torch import nn

from ..errors import UserError
from ..transformer import Block


def choose_device(word: str = "auto") -> torch.device:
    """Return the device of that name; ``auto`` takes a GPU where there is one.

    Raises:
        UserError: that device is not on this machine.
    """
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    present = [name for name, is_available in available.items() if is_available]
    if word == "auto":
        return torch.device(present[0])
    if word not in present:
        raise UserError(
            f"This machine has no device '{word}'; it has {', '.join(present)}. Use --device auto."
        )
    return torch.device(word)


def multiplies_in_bfloat16(device: torch.device) -> bool:
    """Whether a device has products of bfloat16, so that they are faster than those of float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # torch's own answer is also yes where it emulates them, which takes longer than float32.
    if device.type != "cpu" or not hasattr(torch.cpu, "get_capabilities"):  # since torch 2.10
        return False
    return bool(torch.cpu.get_capabilities().get("avx512_bf16"))


def mixed_precision(device: torch.device) -> tuple[torch.dtype | None, str]:
    """Return the dtype of autocast on a device, None for float32, and a sentence about it."""
    if multiplies_in_bfloat16(device):
        name = "GPU" if device.type == "cuda" else "processor"
        return torch.bfloat16, (
            f"Trained in bfloat16, which this {name} multiplies fastest; the weights stay float32."
        )
    if device.type != "cuda":
        return None, ""
    return torch.float16, (
        "Trained in float16, since this GPU has no bfloat16; losses are scaled, so that small"
        " gradients are not lost, and the weights stay float32."
    )


def use_threads(model: nn.Module, device: torch.device) -> None:
    """Set how many threads this thread's tensor work is split over.

    Small matrix products run 1.2 to 1.5 times faster on one thread than on two, since waking the
    others costs more than they bring; convolutions, and blocks of some width that carry whole
    sequences at once, are the other way round.
    """
    if device.type != "cpu":
        return
    heavy = any(isinstance(m, nn.Conv2d) for m in model.modules())
    heavy = heavy or sum(p.numel() for p in model.parameters()) > 1_000_000
    heavy = heavy or any(isinstance(m, Block) and m.width >= 96 for m in model.modules())
    torch.set_num_threads(_cores() if heavy else 1)


def _cores() -> int:
    """Return how many cores this process may use, which can be fewer than there are."""
    affinity = hasattr(os, "sched_getaffinity")
    here = len(os.sched_getaffinity(0)) if affinity else os.cpu_count() or 1
    # Processes that torchrun has started on this machine share them.
    return max(1, here // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))
