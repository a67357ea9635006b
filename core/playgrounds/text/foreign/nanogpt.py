"""nanoGPT's checkpoints: ``ckpt.pt``, a pickle of which nothing but numbers is read."""

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ....errors import UserError
from ....files import check_archive, check_is_file
from .gpt2 import (
    TOKENS,
    ForeignNetwork,
    NamedWeights,
    bare,
    recipe_of,
    rows_of,
    title,
    vocabulary_of,
    weights_of,
)
from .nanogpt_characters import characters_of

WEIGHTS = "ckpt.pt"
LARGEST = 24 << 30  # bytes: XL's weights with Adam's averages
SIZES = {"n_layer": "layers", "n_embd": "width", "block_size": "context"}
"""What nanoGPT calls its sizes, and what they are here."""


def read(path: Path) -> ForeignNetwork:
    """Read a checkpoint of nanoGPT.

    Raises:
        UserError: it is none, is damaged, or can't be used here.
    """
    content = _load(path)
    args = content.get("model_args") if isinstance(content, dict) else None
    state = content.get("model") if isinstance(content, dict) else None
    if not isinstance(args, dict) or not isinstance(state, dict):
        raise UserError(
            f"{path} is no checkpoint of nanoGPT: it has no model and model_args; choose the"
            f" {WEIGHTS} that its train.py wrote."
        )
    steps = content.get("iter_num")
    loss = content.get("best_val_loss")
    config = content.get("config")
    dataset = config.get("dataset") if isinstance(config, dict) else None
    del content  # with it the optimiser's averages, twice as large as the weights
    held = _tensors(path, state)
    source = NamedWeights(
        path,
        {name: tuple(t.shape) for name, t in held.items()},
        lambda name: held[name].float(),
        transposed=False,
    )
    heads = args.get("n_head")
    if type(heads) is not int or heads < 1:
        raise UserError(f"{path} does not say how many heads it has (model_args); it is damaged.")
    told: dict[str, Any] = {"gelu": "exact"}
    rows, learned, note = rows_of(source), "a text that its file does not name", ""
    if rows < TOKENS:
        told |= {"tokenizer": "characters", "occurring": True}
    else:
        vocabulary = vocabulary_of(source)
        told["tokenizer"] = vocabulary["tokenizer"]
    dropout = args.get("dropout")
    if isinstance(dropout, int | float):
        told["dropout"] = float(dropout)
    recipe = recipe_of(source, told, heads)
    for key, ours in SIZES.items():
        if args.get(key) not in (None, found := getattr(recipe, ours)):
            raise UserError(
                f"{path} says {key}={args[key]!r}, and its weights have {found:,}; it is damaged."
            )
    weights = weights_of(source, recipe, min(rows, TOKENS))
    if rows < TOKENS:
        found = characters_of(path, dataset, recipe, weights)
        vocabulary, learned, note = found.tokenizer.to_dict(), found.text, found.note
    about = {
        "steps": steps if type(steps) is int and 0 <= steps < 1 << 62 else 0,
        "seconds": 0.0,
        "dataset": learned,
        "metrics": _metrics(loss),
        "title": f"{title(recipe)}, trained with nanoGPT",
        "note": note,
    }
    return ForeignNetwork(recipe, vocabulary, weights, about)


def _load(path: Path) -> Any:
    """Unpickle numbers, lists and tensors; whatever else there is, the file is refused.

    Raises:
        UserError: it can't be read.
    """
    try:
        check_is_file(path)
        with zipfile.ZipFile(path) as file:
            check_archive(file.infolist(), LARGEST)
        return torch.load(path, map_location="cpu", weights_only=True, mmap=False)
    except OSError as error:
        raise UserError(f"{path} can't be read ({error.strerror or error}).") from None
    except pickle.UnpicklingError:
        raise UserError(
            f"{path} holds more than numbers, which would be run as a program to read it; nothing"
            " of it was. Choose one that has plain weights."
        ) from None
    except (zipfile.BadZipFile, ValueError, LookupError, TypeError, AttributeError):
        problem = "no file of torch.save"
    except (RuntimeError, EOFError, AssertionError, ArithmeticError, MemoryError, ImportError):
        problem = "torch can't read it"
    raise UserError(f"{path} is damaged or no checkpoint of nanoGPT ({problem}).")


def _tensors(path: Path, state: Mapping[Any, Any]) -> dict[str, Tensor]:
    """Return the weights by GPT-2's names, none larger than what the file has for it."""
    held: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if not (isinstance(name, str) and isinstance(tensor, Tensor)):
            raise UserError(f"{path} is no checkpoint of nanoGPT: its model is no list of weights.")
        plain = tensor.layout is torch.strided and tensor.is_floating_point()
        if not (plain and tensor.device.type == "cpu" and tensor.is_contiguous()):
            raise UserError(f"{path} has '{name[:80]}' in a form that nanoGPT does not write.")
        held[bare(name)] = tensor.detach()
    return held


def _metrics(loss: Any) -> dict[str, float]:
    try:
        value = float(loss)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return {}
    return {"val_loss": value} if 0 < value < 1e6 else {}
