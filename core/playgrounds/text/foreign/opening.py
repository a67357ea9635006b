"""Which program wrote a network, and what it is here."""

from pathlib import Path

from ....errors import UserError
from ....tensor_file import FOREIGN
from . import huggingface, nanogpt
from .gpt2 import ForeignNetwork

PARTS = "model.safetensors.index.json"
"""Lists the files of a network that is in several."""
PICKLE = "pytorch_model.bin"


def read_foreign(path: Path) -> ForeignNetwork | None:
    """Return the network of a file or folder of another program; None where it is none.

    Raises:
        UserError: it is damaged, or can't be used here.
    """
    if path.is_dir():
        return _read_folder(path)
    if path.suffix in FOREIGN:
        return nanogpt.read(path)
    return huggingface.read(path)


def _read_folder(folder: Path) -> ForeignNetwork | None:
    for name, read in ((huggingface.WEIGHTS, huggingface.read), (nanogpt.WEIGHTS, nanogpt.read)):
        if (folder / name).is_file():
            return read(folder / name)
    why = f"neither {huggingface.WEIGHTS} nor {nanogpt.WEIGHTS}"
    if (folder / PARTS).is_file():
        why = "a network in several files; save it as one (max_shard_size)"
    elif (folder / PICKLE).is_file():
        why = f"{PICKLE}, a program to be run; save it as safetensors"
    raise UserError(f"{folder} has {why}; choose a folder of GPT-2, or a file that train wrote.")
