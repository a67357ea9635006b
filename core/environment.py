"""What a result may depend on besides its recipe: versions, machine, threads."""

import platform
from typing import Any

from .version import __version__


def environment(device: str) -> dict[str, Any]:
    """Return what else a result may depend on."""
    import torch

    return {
        "glassbox": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "machine": f"{platform.system()} {platform.machine()}",
        "processor": torch.cuda.get_device_name() if device == "cuda" else platform.processor(),
        "threads": torch.get_num_threads(),
    }
